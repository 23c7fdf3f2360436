"""Core ML language models: prompts, answers, chats, tool calls."""

import json
import os
import queue
import threading

import numpy as np

from quince import _quince
from quince._error import Error
from quince.grammar import grammar_of
from quince.model import array_from

_OURS = ("finish_reason", "usage", "timings")  # what chat adds to an OpenAI message


class LanguageModel:
    """A language model: a package with tokenizer.json, tokenizer_config.json, chat_template.jinja
    and generation_config.json beside it, or a folder that holds these and one package. Which input
    is what is found by inspection. It may be shared by threads, each with its own Session.

    Args:
        path: the package or the folder.
        tokenizer: a tokenizer file or folder; None: beside the package.
        threads: 0: as many as processors that the process may use.
        precision: "exact", the default, or "fast".
    """

    def __init__(self, path, tokenizer=None, threads=0, precision=None, cpu=None):
        self._handle = _quince.LanguageModel(path, tokenizer, threads, precision, cpu)
        self._path = str(path)
        self.vocabulary, self.context_length, contract = self._handle.facts()
        #: The contract that was found, as a dict: which input, output and state is what.
        self.contract = json.loads(contract)

    def __repr__(self):
        return f"quince.LanguageModel({self._path!r})"


class Stream:
    """The pieces of an answer as they come: of `generate` texts, of `chat` OpenAI's deltas. After the
    last, `answer` is what the call without stream=True returns. `close()`, leaving a `with` block, or dropping the stream
    ends the answer early."""

    def __init__(self, run):
        self.answer = None
        self._pieces = queue.Queue()
        self._stop = threading.Event()
        self._done = False
        # The thread holds no reference to the stream, so that dropping the stream is noticed.
        self._thread = threading.Thread(target=_stream, args=(run, self._pieces, self._stop), daemon=True)
        self._thread.start()

    def __iter__(self):
        return self

    def __next__(self):
        if self._done:
            raise StopIteration
        try:
            kind, value = self._pieces.get()
        except BaseException:  # Ctrl-C
            self.close()
            raise
        if kind == "piece":
            return value
        self._done = True
        self._thread.join()
        if kind == "failure":
            raise value
        self.answer = value
        raise StopIteration

    def close(self):
        """Ends the answer after the token at work; `answer` is what has come until then."""
        self._stop.set()
        for _ in self:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self._stop.set()


def _stream(run, pieces, stop):
    def put(piece):
        pieces.put(("piece", piece))
        return not stop.is_set()

    try:
        pieces.put(("answer", run(put)))
    except BaseException as failure:  # carried to the thread that reads
        pieces.put(("failure", failure))


def _options(max_tokens, temperature, top_k, top_p, min_p, seed, stop, ignore_eos, special, grammar, tool_choice=None,
             jump_ahead=True):
    """The tuple that the extension takes: zeros are the model's own defaults
    (include/quince/session.h)."""
    if temperature is not None and temperature < 0:
        raise Error("invalid_argument", f"temperature {temperature}; it must be 0 (greedy) or more", "temperature")
    if max_tokens is not None and max_tokens < 1:
        raise Error("invalid_argument", f"max_tokens {max_tokens}; it must be 1 or more", "max_tokens")
    if top_p is not None and not 0 < top_p <= 1:
        raise Error("invalid_argument", f"top_p {top_p}; it must be above 0 and at most 1", "top_p")
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    sample = 0 if temperature is None else 1 if temperature > 0 else -1
    return (max_tokens or 0, sample, temperature or 0.0, -1 if top_k == 0 else top_k or 0, top_p or 0.0,
            -1.0 if min_p == 0 else min_p or 0.0, seed, stops, ignore_eos, special,
            None if grammar is None else grammar._handle, tool_choice, jump_ahead)


def _reports(found):
    """usage with OpenAI's names and timings with those of llama.cpp's server."""
    u = found["usage"]
    run = u["prompt_tokens"] - u["cached_tokens"]
    predicted = u["generated_tokens"]
    usage = {"prompt_tokens": u["prompt_tokens"], "completion_tokens": predicted,
             "total_tokens": u["prompt_tokens"] + predicted,
             "prompt_tokens_details": {"cached_tokens": u["cached_tokens"]}}
    timings = {"cache_n": u["cached_tokens"], "prompt_n": run, "prompt_ms": u["prompt_ms"],
               "prompt_per_token_ms": u["prompt_ms"] / run if run else 0.0,
               "prompt_per_second": u["prompt_per_second"], "predicted_n": predicted,
               "predicted_ms": u["predicted_ms"],
               "predicted_per_token_ms": u["predicted_ms"] / predicted if predicted else 0.0,
               "predicted_per_second": u["predicted_per_second"], "ttft_ms": u["ttft_ms"],
               "timeline": u["timeline"]}
    return {"finish_reason": found["finish_reason"], "usage": usage, "timings": timings}


def _deltas(put):
    """Makes the extension's events OpenAI's deltas."""
    def hear(event):
        kind, text, index, call_id, name = event
        if kind in ("content", "reasoning"):
            return put({"content" if kind == "content" else "reasoning_content": text})
        if kind == "begin":
            return put({"tool_calls": [{"index": index, "id": call_id, "type": "function",
                                        "function": {"name": name, "arguments": ""}}]})
        if kind == "arguments":
            return put({"tool_calls": [{"index": index, "function": {"arguments": text}}]})
        return None

    return hear


class Session:
    """One timeline of tokens with its own KV cache. It is handed the whole prompt or conversation
    each time; what continues the last one runs only what is new (`timings` says how much that
    was), and the answer is the same bit for bit. One thread at a time.

    Args:
        lm: a LanguageModel; or a path, which opens one.
        prefill_chunk: tokens that a prompt runs at a time; 0: the default.
        threads, precision: of the model, when `lm` is a path.
    """

    def __init__(self, lm, prefill_chunk=0, threads=0, precision=None):
        if isinstance(lm, (str, os.PathLike)):
            lm = LanguageModel(lm, threads=threads, precision=precision)
        elif threads or precision:
            raise Error("invalid_argument", "threads and precision belong to the LanguageModel that is given",
                        "threads" if threads else "precision")
        if not isinstance(lm, LanguageModel):
            raise TypeError(f"lm must be a LanguageModel or a path, not {type(lm).__name__}")
        self.lm = lm
        self._handle = _quince.Session(lm._handle, prefill_chunk)

    def chat(self, messages, tools=None, *, tool_choice=None, json_schema=None, response_format=None,
             structured_outputs=None, grammar=None, max_tokens=None, temperature=None, top_k=None, top_p=None, min_p=None,
             seed=0, stop=None, ignore_eos=False, jump_ahead=True, stream=False, on_text=None,
             **variables):
        """Answers a conversation.

        Args:
            messages, tools: lists in OpenAI's form. What chat returned may be appended to
                `messages` as it is.
            tool_choice: "auto", "none", "required", or the name of the tool to call; OpenAI's object form
                is taken too. Whatever begins as a call ends valid for its tool's schema.
            json_schema, response_format, structured_outputs, grammar: one of a schema, OpenAI's form,
                vLLM's form, and a Grammar: what the whole answer has to be, without calls.
            max_tokens: None: until the end or the context is full.
            temperature: 0: greedy; above: sampled; None: as generation_config.json says. So are
                top_k (0: off), top_p (1: off) and min_p (0: off).
            seed: the same seed and prompt give the same answer.
            stop: a string or several that end the answer and are not part of it.
            jump_ahead: append text that the grammar forces without running the model for each token.
            stream: return a Stream of OpenAI's deltas: {"content": text}, {"reasoning_content": text},
                {"tool_calls": [{"index", "id", "type", "function": {"name", "arguments"}}]} for a call's
                beginning and {"tool_calls": [{"index", "function": {"arguments"}}]} for a piece of its
                arguments. Where what began as a call turns out to be none (only without a grammar, or
                where the answer is cut off), its text follows as content, and the stream's `answer`
                does not have it.
            on_text: called with each piece of the content; what it returns False to ends the answer.
            **variables: further variables of the chat template.

        Returns:
            An OpenAI message: {"role", "content", "reasoning_content" when it thinks in a block of its
            own, "tool_calls" when it calls, "finish_reason", "usage" (OpenAI's names), "timings"
            (llama.cpp's names)}.
        """
        plain = [{k: v for k, v in m.items() if k not in _OURS} for m in messages]
        prompt = (json.dumps(plain), None if tools is None else json.dumps(tools),
                  json.dumps(variables) if variables else None)
        if isinstance(tool_choice, dict):
            tool_choice = tool_choice.get("function", {}).get("name")
        grammar = grammar_of(json_schema, response_format, structured_outputs, grammar)
        options = _options(max_tokens, temperature, top_k, top_p, min_p, seed, stop, ignore_eos, False, grammar,
                           tool_choice, jump_ahead)

        def run(put=None):
            found = self._handle.chat(*prompt, options + (on_text, None if put is None else _deltas(put)))
            return {**json.loads(found["message"]), **_reports(found)}

        return Stream(run) if stream else run()

    def generate(self, prompt, *, json_schema=None, response_format=None, structured_outputs=None, grammar=None,
                 max_tokens=None, temperature=None, top_k=None, top_p=None, min_p=None, seed=0,
                 stop=None, ignore_eos=False, add_special_tokens=True, jump_ahead=True, stream=False, on_text=None):
        """Continues a text, or a sequence of token ids. Arguments as of `chat`.

        Returns:
            {"text", "ids", "finish_reason", "usage", "timings"}.
        """
        grammar = grammar_of(json_schema, response_format, structured_outputs, grammar)
        options = _options(max_tokens, temperature, top_k, top_p, min_p, seed, stop, ignore_eos, add_special_tokens,
                           grammar, jump_ahead=jump_ahead)
        is_text = isinstance(prompt, str)
        given = prompt if is_text else self._ids(prompt)

        def run(listener):
            call = self._handle.generate if is_text else self._handle.generate_ids
            found = call(given, options + (listener, None))
            return {"text": found["text"], "ids": found["ids"], **_reports(found)}

        return Stream(run) if stream else run(on_text)

    def logits(self, ids):
        """The logits after every token of a prompt: float32 (len(ids), vocabulary)."""
        return array_from(self._handle.logits(self._ids(ids)))

    def reset(self):
        """Forgets the timeline."""
        self._handle.reset()

    @staticmethod
    def _ids(ids):
        array = np.asarray(ids)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise TypeError("ids must be a sequence of integers")
        if array.size and not -2**31 <= int(array.min()) <= int(array.max()) < 2**31:
            raise Error("invalid_argument", f"an id of {int(array.max())} is no token id", "ids")
        return np.ascontiguousarray(array, dtype=np.int32)
