"""Text to tokens and back, and chat templates, under the names that transformers has for them."""

import json
import os

from quince import _quince


def render_chat_template(source, messages=(), tools=None, add_generation_prompt=False, *, now=None, **variables):
    """The text of a conversation.

    `source` is the template; `messages` and `tools` are in OpenAI's form; `variables` are whatever else the template
    reads. `now` (seconds since 1970) is what strftime_now tells, else the clock. Raises quince.Error with line and
    column of the template, also for what the template itself raises.
    """
    return _render(_quince.Template(source), messages, tools, add_generation_prompt, now, variables)


def read_answer(source, text, tools=None, prompt=None):
    """What a model with the chat template `source` wrote, as OpenAI's message: {"role", "content",
    "reasoning_content" when there is some, "tool_calls" when there are some}.

    `tools` tell which arguments are strings where the format does not show it; `prompt` is the text that was answered,
    which may end inside of the reasoning. What begins as a call but does not parse stays in the content.
    """
    given = None if tools is None else json.dumps(tools, ensure_ascii=False)
    return json.loads(_quince.Template(source).read_answer(text, given, prompt))


def chat_formats(source):
    """How models with the chat template `source` write calls and reasoning: {"tools", "reasoning"}, names or None."""
    tools, reasoning = _quince.Template(source).formats()
    return {"tools": tools, "reasoning": reasoning}


def _render(template, messages, tools, add_generation_prompt, now, variables):
    given = {"messages": list(messages), "tools": tools, "documents": None,
             "add_generation_prompt": add_generation_prompt, **variables}
    return template.render(json.dumps(given, ensure_ascii=False), now=now)


class EncodeStream:
    """Encodes a text part by part: the ids of all calls together are those of the whole text.

    What is given is final; a short end of the text is kept back until it is. So a text of any size takes little
    memory, and appending to a conversation costs what is appended. With `offsets`, (ids, offsets) are given in the place
    of ids, counted from the beginning of the text. One thread at a time.
    """

    def __init__(self, inner, add_special_tokens, split_special_tokens, offsets):
        self._inner = _quince.EncodeStream(inner, add_special_tokens, split_special_tokens, offsets)

    def push(self, text):
        """Adds to the text; the ids that have become certain."""
        return self._inner.push(text)

    def peek(self):
        """The ids that follow if the text ends here, with the special tokens at its end; nothing changes."""
        return self._inner.peek()

    def flush(self):
        """The ids that are left; a new text begins."""
        return self._inner.flush()


class Tokenizer:
    """A tokenizer: tokenizer.json as it is, or a folder that holds one, as AutoTokenizer.from_pretrained takes it.

    Shared by threads. Texts are str, or bytes of any kind: what is not UTF-8 reads as U+FFFD.
    """

    def __init__(self, path):
        self._path = os.fspath(path)
        self._inner = _quince.Tokenizer(self._path)
        bos, self.eos_token_ids, self._size = self._inner.ends()
        self.bos_token_id = bos if bos >= 0 else None
        self.eos_token_id = self.eos_token_ids[0] if self.eos_token_ids else None
        self._template = None

    def __len__(self):
        return self._size

    @property
    def vocab_size(self):
        """Ids are below this."""
        return self._size

    def encode(self, text, text_pair=None, add_special_tokens=True, *, split_special_tokens=False, truncation=False,
               max_length=None, padding=False):
        """The ids of a text, a list.

        With `split_special_tokens` "<|end|>" in the text is read as letters. `truncation` and `padding` apply the
        rules of the tokenizer's file; `max_length` keeps that many tokens.
        """
        return self._inner.encode(text, text_pair, add_special_tokens, split_special_tokens, False, truncation,
                                  padding, max_length or 0)

    def encode_with_offsets(self, text, text_pair=None, add_special_tokens=True, *, split_special_tokens=False):
        """(ids, offsets): for each token the bytes (begin, end) of the text, in UTF-8, that it stands for."""
        return self._inner.encode(text, text_pair, add_special_tokens, split_special_tokens, True)

    def encode_batch(self, texts, add_special_tokens=True, *, split_special_tokens=False, truncation=False,
                     max_length=None, padding=False, threads=0):
        """The ids of each text, over `threads` threads (0: one for each processor)."""
        return self._inner.encode_batch(list(texts), add_special_tokens, split_special_tokens, truncation, padding,
                                        max_length or 0, threads)

    def count(self, text, text_pair=None, add_special_tokens=True, *, split_special_tokens=False, max_length=None):
        """How many ids encode gives, without making them. With `max_length` it reads no further than that takes."""
        return self._inner.count(text, text_pair, add_special_tokens, split_special_tokens, max_length or 0)

    def encode_stream(self, add_special_tokens=True, *, split_special_tokens=False, offsets=False):
        """An EncodeStream: for a text that comes in parts, or to which something is appended."""
        return EncodeStream(self._inner, add_special_tokens, split_special_tokens, offsets)

    def decode(self, ids, skip_special_tokens=False, clean_up_tokenization_spaces=False):
        """The text of ids. Ids that stand for nothing are skipped."""
        return self._inner.decode([ids] if isinstance(ids, int) else ids, skip_special_tokens,
                                  clean_up_tokenization_spaces)

    def batch_decode(self, rows, skip_special_tokens=False, clean_up_tokenization_spaces=False):
        """The text of each row of ids."""
        return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in rows]

    def convert_ids_to_tokens(self, ids):
        """The tokens as the file writes them, such as "Ġthe"; None for an id that stands for nothing."""
        return self._inner.token(ids) if isinstance(ids, int) else [self._inner.token(i) for i in ids]

    def convert_tokens_to_ids(self, tokens):
        """The ids of tokens as the file writes them; None for those that it does not have."""
        return self._inner.find(tokens) if isinstance(tokens, str) else [self._inner.find(t) for t in tokens]

    def tokenize(self, text, add_special_tokens=False):
        """The tokens of a text as the file writes them."""
        return self.convert_ids_to_tokens(self.encode(text, add_special_tokens=add_special_tokens))

    def is_special(self, token_id):
        """Whether decode leaves the token out with skip_special_tokens."""
        return self._inner.is_special(token_id)

    def apply_chat_template(self, messages, tools=None, chat_template=None, add_generation_prompt=False,
                            tokenize=True, *, now=None, **variables):
        """The ids of a conversation, or its text with tokenize=False.

        The template is `chat_template`, or the one found beside the tokenizer.
        """
        if chat_template is not None:
            template = _quince.Template(chat_template)
        else:
            if self._template is None:
                folder = self._path if os.path.isdir(self._path) else os.path.dirname(self._path) or "."
                self._template = _quince.Template(path=folder)
            template = self._template
        text = _render(template, messages, tools, add_generation_prompt, now, variables)
        return self.encode(text, add_special_tokens=False) if tokenize else text
