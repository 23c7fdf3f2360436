"""Output that is always valid: grammars, and matchers that say which tokens may come next."""

import json

import numpy as np

from quince import _quince
from quince._error import Error
from quince.model import array_of
from quince.tokenizer import Tokenizer


def _byte_of_letter():
    """GPT-2's letters for bytes: printable ones stand for themselves, the others for those from
    U+0100 on (openai/gpt-2, encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(others)}


def _token_bytes(tokenizer):
    """The bytes of each token of a transformers fast tokenizer; None where it stands for no text."""
    letters = _byte_of_letter()
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    decoder = json.dumps(described.get("decoder") or {})
    byte_level = '"ByteLevel"' in decoder
    added = tokenizer.added_tokens_decoder
    tokens = [None] * len(tokenizer)
    for text, i in tokenizer.get_vocab().items():
        if i in added:
            tokens[i] = None if added[i].special else added[i].content.encode()
        elif byte_level:
            tokens[i] = bytes(letters[c] for c in text)
        elif len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            tokens[i] = bytes([int(text[3:5], 16)])
        else:
            tokens[i] = text.replace("\u2581", " ").encode()
    return tokens


class Vocabulary:
    """The tokens of a model as bytes. Made once, and shared by matchers.

    Args:
        tokens: bytes of each token by id, None where it stands for no text.
        stops: ids that end an output.
    """

    def __init__(self, tokens, stops):
        self._handle = _quince.Vocabulary(list(tokens), [int(i) for i in stops])

    @classmethod
    def of(cls, tokenizer, stops=None):
        """Of a LanguageModel, a Tokenizer, a fast tokenizer of transformers, or a Vocabulary (itself).

        `stops` (an id or several) end an output; by default the tokenizer's own. transformers keeps those of chat models
        in `model.generation_config.eos_token_id`. A LanguageModel and a Vocabulary have theirs already.
        """
        inner = getattr(getattr(tokenizer, "_handle", None), "grammar_vocabulary", None)
        if stops is not None and (inner is not None or isinstance(tokenizer, cls)):
            raise TypeError(f"a {type(tokenizer).__name__} has its stops already")
        if isinstance(tokenizer, cls):
            return tokenizer
        own = stops is None
        if own:
            stops = getattr(tokenizer, "eos_token_ids", None) or getattr(tokenizer, "eos_token_id", None)
        stops = [] if stops is None else [stops] if isinstance(stops, int) else list(stops)
        kept = getattr(tokenizer, "_quince_vocabulary", None) if own else None
        if kept is None:
            if inner is not None:
                kept = cls.__new__(cls)
                kept._handle = inner()
            elif isinstance(tokenizer, Tokenizer):
                kept = cls(tokenizer._inner.token_bytes(), stops)
            elif hasattr(tokenizer, "backend_tokenizer"):
                kept = cls(_token_bytes(tokenizer), stops)
            else:
                raise TypeError("tokenizer must be a LanguageModel, a Tokenizer, a fast tokenizer of transformers, or a "
                                f"Vocabulary, not {type(tokenizer).__name__}")
            if own:
                tokenizer._quince_vocabulary = kept
        return kept


class Matcher:
    """One output on its way through a grammar. One thread at a time."""

    def __init__(self, grammar, vocabulary, handle=None):
        self.grammar = grammar
        self.vocabulary = vocabulary
        self._handle = handle or _quince.Matcher(grammar._handle, vocabulary._handle)

    def copy(self):
        """Another matcher at the same place."""
        return Matcher(self.grammar, self.vocabulary, self._handle.copy())

    def reset(self):
        """Back to the empty output."""
        self._handle.reset()

    def accepts(self, text):
        """Whether the output may go on with this text. Nothing is taken."""
        fits = self._handle.consume_text(text)
        if fits:
            self._handle.rollback(1)
        return fits

    def consume(self, ids):
        """Takes tokens until one does not fit; returns how many were taken. A stop token fits where
        the output may end."""
        row = np.atleast_1d(array_of(ids))
        if row.size and (row.dtype.kind not in "iu" or row.min() < 0):
            raise TypeError("ids must be token ids")
        return self._handle.consume(np.ascontiguousarray(row, dtype=np.uint32))

    def consume_text(self, text):
        """Takes a text, all of it or nothing; whether it fits. It counts as one token."""
        return self._handle.consume_text(text)

    def rollback(self, n):
        """Takes the last `n` tokens back."""
        self._handle.rollback(n)

    def mask(self, out=None):
        """Which tokens may come next: uint32 words, bit i % 32 of word i // 32 for token i. `out` may
        be longer than the vocabulary needs; the rest is cleared."""
        if out is None:
            out = np.zeros(self._handle.words(), np.uint32)
        self._handle.mask(out)
        return out

    def allowed(self):
        """The same as the ids of the tokens, ascending."""
        return np.flatnonzero(np.unpackbits(self.mask().view(np.uint8), bitorder="little"))

    def can_end(self):
        """Whether the output may end here."""
        return self._handle.can_end()

    def forced(self):
        """The text that must come next whatever the model says; may be empty."""
        return self._handle.forced()

    def shortest(self):
        """A text that completes the output, about as short as any."""
        return self._handle.shortest()

    def completion(self):
        """The same as ids, the fewest that spell it."""
        return self._handle.completion()

    def steer(self, token, budget):
        """Takes a token that was chosen, one of the mask, while `budget` tokens may still come, it included; returns the one
        that was taken: another where only that leaves enough tokens to complete the output, a stop token (None when there
        is none) where the output has to end. An output is complete when its budget ends."""
        return self._handle.steer(token, budget)

    @staticmethod
    def masks(matchers, out=None):
        """The masks of several matchers, a row each; `out` as in mask()."""
        matchers = list(matchers)
        if out is None:
            out = np.zeros((len(matchers), max((m._handle.words() for m in matchers), default=0)), np.uint32)
        _quince.Matcher.masks([m._handle for m in matchers], out)
        return out


class Grammar:
    """What an output has to be. Compiled once, immutable, shared by threads.

    Attributes:
        is_satisfiable: False when no text at all is valid.
        left_out: what `best_effort` left out, a list of "pointer: reason".
    """

    def __init__(self, language, text, tokenizer=None, **options):
        self._handle = _quince.Grammar(language, text, **options)
        self._tokenizer = tokenizer
        self.is_satisfiable, left_out = self._handle.facts()
        self.left_out = left_out.splitlines()

    @classmethod
    def from_json_schema(cls, schema, tokenizer=None, *, documents=None, annotate_formats=False, best_effort=False,
                         compact=False):
        """A JSON Schema of drafts 4 to 2020-12, as a dict, a bool or JSON text.

        Args:
            documents: {URI: schema} that $ref may name.
            annotate_formats: `format` says nothing about validity.
            best_effort: leave out what cannot be enforced (see `left_out`); else it is an error.
            compact: no white space between the parts of JSON.
        """
        text = schema if isinstance(schema, str) else json.dumps(schema)
        texts = {uri: d if isinstance(d, str) else json.dumps(d) for uri, d in (documents or {}).items()}
        return cls("json-schema", text, tokenizer, documents=texts, annotate_formats=annotate_formats,
                   best_effort=best_effort, compact=compact)

    @classmethod
    def from_regex(cls, pattern, tokenizer=None):
        """A regular expression in RE2's syntax that the whole text matches."""
        return cls("regex", pattern, tokenizer)

    @classmethod
    def from_gbnf(cls, text, tokenizer=None):
        """A grammar of llama.cpp."""
        return cls("gbnf", text, tokenizer)

    @classmethod
    def from_lark(cls, text, tokenizer=None, **options):
        """A Lark grammar in llguidance's dialect. Options as of from_json_schema."""
        return cls("lark", text, tokenizer, **options)

    @classmethod
    def from_choice(cls, texts, tokenizer=None):
        """One of several texts."""
        if not texts:
            raise Error("invalid_argument", "a choice of no texts", "texts")
        special = frozenset("\\^$.|?*+()[]{}")
        return cls("regex", "|".join("".join("\\" + c if c in special else c for c in t) for t in texts), tokenizer)

    @classmethod
    def from_tags(cls, tags, tokenizer=None, *, free=True, min=0, max=None, **options):
        """Text in which some words begin a part with a schema of its own, as tool calls do: `tags` is a
        list of {"begin", "schema", "end"}. With `free`, text may stand around the parts; `min` and
        `max` count them."""
        source = {"tags": list(tags), "free": free, "min": min, **({} if max is None else {"max": max})}
        return cls("tags", json.dumps(source), tokenizer, **options)

    def check(self, text):
        """(valid, the first byte that no valid text has there) of a whole text."""
        return self._handle.check(text)

    def matcher(self, tokenizer=None, stops=None):
        """A matcher for the tokens of `tokenizer` (see Vocabulary.of), or of the one given before."""
        tokenizer = tokenizer if tokenizer is not None else self._tokenizer
        if tokenizer is None:
            raise Error("invalid_argument", "a matcher needs a tokenizer", "tokenizer")
        return Matcher(self, Vocabulary.of(tokenizer, stops))


class LogitsProcessor:
    """Keeps generate() of transformers inside a grammar: give it in `logits_processor=[...]`. For one
    call of generate; rows of a batch are followed each on its own. `stops` as in Vocabulary.of.

    `max_tokens`: what generate's max_new_tokens is. Each row is then complete when that ends, if its
    shortest completion fits at all: near the end, only tokens may come that leave enough, among the
    likeliest.
    """

    _CARE = 64  # tokens beyond those that completing takes: with fewer, each candidate is tried
    _TRIED, _KEPT = 64, 16  # candidates

    def __init__(self, grammar, tokenizer, stops=None, max_tokens=None):
        self._start = grammar.matcher(tokenizer, stops)
        self._left = max_tokens
        self._matchers = None
        self._length = 0
        self._next_look = {}  # row: how many tokens are left when completing is looked at again

    def __call__(self, input_ids, scores):
        import torch

        if self._matchers is None:
            self._matchers = [self._start.copy() for _ in range(input_ids.shape[0])]
        else:
            for matcher, row in zip(self._matchers, input_ids[:, self._length:].tolist()):
                matcher.consume(row)
            if self._left is not None:
                self._left -= input_ids.shape[1] - self._length
        self._length = input_ids.shape[1]
        n = scores.shape[-1]
        rows = Matcher.masks(self._matchers, np.zeros((len(self._matchers), (n + 31) // 32), np.uint32))
        for i, (matcher, words, row) in enumerate(zip(self._matchers, rows, scores)):
            allowed = np.unpackbits(words.view(np.uint8), count=n, bitorder="little").astype(bool)
            if self._left is not None and allowed.any() and self._left <= self._next_look.get(i, self._left):
                allowed = self._within_budget(i, matcher, allowed, row)
            if allowed.any():  # a row that has ended is padded by generate itself
                row[~torch.from_numpy(allowed)] = float("-inf")
        return scores

    def _within_budget(self, i, matcher, allowed, row):
        """Those of the allowed tokens behind which a completion fits, as far as they are likely."""
        try:
            plan = matcher.completion()
        except Error as error:
            if error.status != "limit_exceeded":
                raise
            return allowed  # no completion is in sight
        slack = self._left - len(plan)
        if slack < 0:
            return allowed
        if slack > self._CARE:
            self._next_look[i] = self._left - 1 - (slack - self._CARE) // 8
            return allowed
        ids = np.flatnonzero(allowed)
        values = row.detach().float().cpu().numpy()[ids]
        kept = np.zeros_like(allowed)
        tried = ids[np.argsort(-values, kind="stable")[:self._TRIED]].tolist()
        for token in tried:
            kept[token] = self._fits(matcher, token)
            if kept.sum() == self._KEPT:
                break
        if plan:
            kept[plan[0]] = True
        elif not kept.any():  # complete, and nothing that is likely fits behind it
            stops = [int(t) for t in ids if self._fits(matcher, int(t))]
            kept[stops[:1]] = True
        return kept

    def _fits(self, matcher, token):
        matcher.consume([token])
        try:
            return len(matcher.completion()) + 1 <= self._left
        except Error as error:
            if error.status != "limit_exceeded":
                raise
            return False
        finally:
            matcher.rollback(1)


def grammar_of(json_schema=None, response_format=None, structured_outputs=None, grammar=None):
    """The Grammar of one of: a schema; OpenAI's response_format; vLLM's structured_outputs ({"json":
    ...}, {"json_object": True}, {"regex": ...}, {"choice": [...]}, {"grammar": GBNF or Lark}, with
    "disable_any_whitespace"); a Grammar. None when all are None."""
    given = [v is not None for v in (json_schema, response_format, structured_outputs, grammar)]
    if sum(given) > 1:
        raise Error("invalid_argument",
                    "json_schema, response_format, structured_outputs and grammar exclude each other", "grammar")
    if json_schema is not None:
        return Grammar.from_json_schema(json_schema)
    if response_format is not None:
        return None if response_format.get("type") == "text" else Grammar("request", json.dumps(
            {"type": None, **response_format}))
    if structured_outputs is not None:
        if "type" in structured_outputs:
            raise Error("invalid_argument", "structured_outputs has no type", "structured_outputs")
        return Grammar("request", json.dumps(structured_outputs))
    return grammar
