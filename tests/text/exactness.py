#!/usr/bin/env python3
"""Ids, byte offsets and decoded text of tokenizers beside those of the libraries that define them, over many megabytes.

  exactness.py [--megabytes N] [--seed N] [--text FILE ...] TOKENIZER ...

TOKENIZER is a tokenizer.json (judged by Hugging Face's tokenizers), a SentencePiece .model (by sentencepiece) or a
.tiktoken rank file beside a tokenizer.json whose pattern and special tokens it takes (by tiktoken). Text comes from the
files, cut at random places, and is made: scripts, random Unicode, random bytes, what touches special tokens, and a
megabyte each of one letter, of spaces, of combining marks. Bytes that are not UTF-8 reach the judge as errors="replace"
reads them, and its offsets are mapped back; a token that is a part of a character has the whole character there, which is
what quince's bytes are widened to. Where tiktoken's regular expressions overflow, the tokenizer.json judges. Needs quince, tokenizers, sentencepiece, tiktoken.
"""
import argparse
import bisect
import json
import pathlib
import random
import sys
import time

import quince

BITS = ["a", "ab", "the", "Hello", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "▁", "▁▁", ">", "</", "_",
        "1", "23", "4567", "\u0301", "\u0323\u0301", "e\u0301", "é", "ñ", "ß", "İ", "ſ", "ﬁ", "Ω", "ǆ", "日", "本語", "。", "，", "中国", "한국",
        "각", "가", "ब्", "की", "ة", "ไทย", "😀", "👍🏽", "👨‍👩‍👧", "🇩🇪", "\u200d", "\u200b", "\ufeff", "\x00", "\x7f", "\x1b", "'s", "'LL", "...",
        "(", ")", "{}", ";", "\\", "don't", "foo_bar", "x²", "①", "ＡＢＣ", "ｶﾞ", "<0x0A>", "\ufffd", "\U0001d54f", "\U000e0001"]


def made(r, specials):
    """One made-up text, str or bytes."""
    kind = r.random()
    bits = BITS + specials
    if kind < 0.5:
        return "".join(r.choice(bits) + r.choice(["", "", " "]) for _ in range(r.randrange(200)))
    if kind < 0.6:
        return r.choice(bits) * r.randrange(1, 300)
    if kind < 0.7:
        return bytes(r.randrange(256) for _ in range(r.randrange(300)))
    if kind < 0.8:
        raw = "".join(r.choice(bits) for _ in range(r.randrange(60))).encode()
        return bytes(b for b in raw if r.random() > 0.05)
    block = r.choice([0x80, 0x370, 0x400, 0x590, 0x600, 0x900, 0xE00, 0x1000, 0x1100, 0x1E00, 0x2000, 0x2500, 0x3000, 0x4E00, 0xA000,
                      0xAC00, 0xFB00, 0xFE00, 0x10000, 0x1D400, 0x1F300, 0x20000])
    codes = [block + r.randrange(0x200) if kind < 0.95 else r.randrange(0x110000) for _ in range(r.randrange(200))]
    return "".join(chr(c) if not 0xD800 <= c < 0xE000 else " " for c in codes)


def texts(r, files, specials, size):
    for unit in ("a", " ", "\n", "\u0301", "ab", "é", "日"):
        yield unit * (1000000 // len(unit.encode()))
    while size > 0:
        if files and r.random() < 0.3:
            text = r.choice(files)
            at = r.randrange(len(text))
            text = text[at:at + r.choice([20, 200, 2000, 20000, 60000])]
        else:
            text = made(r, specials)
        size -= len(text) if isinstance(text, bytes) else len(text.encode())
        yield text


def read_as_text(raw):
    """The text that errors="replace" reads, and for each of its characters the byte at which it begins; and the end."""
    if isinstance(raw, str):
        raw = raw.encode()
    places, text = [], []
    at = 0
    while at < len(raw):
        try:
            piece, bad = raw[at:].decode(), 0
        except UnicodeDecodeError as e:
            piece, bad = raw[at:at + e.start].decode(), e.end - e.start
        for c in piece:
            places.append(at)
            at += len(c.encode())
        text.append(piece)
        if bad:
            places.append(at)
            text.append("\ufffd")
            at += bad
    return "".join(text), places + [at]


def widen(places, begin, end):
    """Bytes to those of the characters that they touch; none stay none."""
    if begin == end:
        return begin, end
    return places[bisect.bisect_right(places, begin) - 1], places[bisect.bisect_left(places, end)]


class HuggingFace:
    def __init__(self, path):
        import tokenizers
        self.inner = tokenizers.Tokenizer.from_file(str(path))
        self.inner.no_truncation()
        self.inner.no_padding()
        self.specials = [t["content"] for t in json.load(open(path))["added_tokens"]][:40]
        self.plain = False

    def encode(self, batch):
        return [(e.ids, e.offsets) for e in self.inner.encode_batch(batch, add_special_tokens=False)]

    def decode(self, ids):
        return self.inner.decode(ids, skip_special_tokens=False)


class SentencePiece:
    def __init__(self, path):
        import sentencepiece
        self.inner = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.specials = ["<s>", "</s>", "<unk>"]
        self.plain = False

    def encode(self, batch):
        return [(self.inner.encode(text), None) for text in batch]

    def decode(self, ids):
        return None


class Tiktoken:
    def __init__(self, path):
        import tiktoken
        from tiktoken.load import load_tiktoken_bpe
        spec = json.load(open(path.parent / "tokenizer.json"))
        steps = spec["pre_tokenizer"].get("pretokenizers", [])
        patterns = [s["pattern"]["Regex"] for s in steps if s["type"] == "Split"]
        pattern = patterns[0] if patterns else r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
        self.inner = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=load_tiktoken_bpe(str(path)), special_tokens={})
        self.specials = []
        self.plain = True
        self.other = HuggingFace(path.parent / "tokenizer.json")
        self.other.inner.encode_special_tokens = True

    def encode(self, batch):
        return [(self.ids(text), None) for text in batch]

    def ids(self, text):
        try:
            return self.inner.encode_ordinary(text)
        except BaseException as e:
            if "StackOverflow" not in str(e):
                raise
            return self.other.inner.encode(text, add_special_tokens=False).ids

    def decode(self, ids):
        return self.inner.decode(ids)


JUDGES = {".json": HuggingFace, ".model": SentencePiece, ".tiktoken": Tiktoken}


class Comparison:
    def __init__(self, path):
        self.path = path
        self.judge = JUDGES[path.suffix](path)
        self.quince = quince.Tokenizer(path)
        self.bytes = self.texts = self.tokens = self.bad = 0

    def report(self, what, raw, ours, theirs):
        self.bad += 1
        if self.bad > 5:
            return
        at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
        print(f"{self.path}: {what} differs at {at}: {ours[at:at + 5]!r}, the judge {theirs[at:at + 5]!r} in {raw[:80]!r}", flush=True)

    def check(self, batch):
        read = [read_as_text(raw) for raw in batch]
        for raw, (text, places), (ids, offsets) in zip(batch, read, self.judge.encode([text for text, _ in read])):
            how = {"add_special_tokens": False, "split_special_tokens": self.judge.plain}
            ours, spans = self.quince.encode_with_offsets(raw, **how)
            plain = self.quince.encode(raw, **how)
            self.bytes += places[-1]
            self.texts += 1
            self.tokens += len(ids)
            if ours != ids or plain != ids:
                self.report("id", raw, ours if ours != ids else plain, ids)
                continue
            if offsets is not None:
                theirs = [(places[a], places[b]) for a, b in offsets]
                if theirs != spans:
                    spans = [widen(places, *span) for span in spans]
                if theirs != spans:
                    self.report("offset", raw, spans, theirs)
            decoded = self.judge.decode(ids)
            if decoded is not None and decoded != self.quince.decode(ids):
                self.report("text", raw, self.quince.decode(ids), decoded)

    def run(self, files, seed, size):
        r = random.Random(f"{seed} {self.path.name} {self.path.parent.name}")
        start, batch = time.time(), []
        for text in texts(r, files, self.judge.specials, size):
            batch.append(text)
            if len(batch) == 200:
                self.check(batch)
                batch = []
        self.check(batch)
        print(f"{self.path.parent.name}/{self.path.name}: {self.bytes / 1e6:.1f} MB, {self.texts} texts, {self.tokens} tokens, "
              f"{self.bad} differ, {time.time() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizers", nargs="+", type=pathlib.Path)
    parser.add_argument("--megabytes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--text", nargs="*", default=[])
    args = parser.parse_args()
    files = [pathlib.Path(name).read_text("utf-8", "replace") for name in args.text]
    bad = 0
    for path in args.tokenizers:
        comparison = Comparison(path)
        comparison.run(files, args.seed, args.megabytes * 1e6)
        bad += comparison.bad
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
