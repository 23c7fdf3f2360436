#!/usr/bin/env python3
"""Tokenizers made up from a seed, compared with Hugging Face's tokenizers: every type of part in random combinations.

  synthetic_tokenizers.py [--runs N] [--seed S] [--first N] [--texts N] [--keep FOLDER]

Each run trains a small model (BPE, Unigram, WordPiece, WordLevel) with the `tokenizers` package behind random normalizers
and pre-tokenizers, puts random added tokens, a post-processor, a decoder, truncation and padding around it, and writes
tokenizer.json. quince either opens that, and then ids, byte offsets, decoded text, counts, streams, pairs, truncated and
padded rows are equal on random texts, or refuses it by name: what was refused is listed with its number. --keep writes
the files of runs that differ. Needs quince and tokenizers.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import resource
import sys
import tempfile

import quince
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

from compare_tokenizers import in_characters

CORPUS = ["the quick brown fox jumps over the lazy dog", "Hello wörld, naïve people don't stop", "日本語 テスト です。 中国", "Привет мир 123 456",
          "foo_bar(x) = x² + 1;", "नमस्ते दुनिया", "مرحبا بالعالم", "The theory of the thing that they think THEIR way", "한국어 각 가",
          "e\u0301te\u0301 été ÀÉÎ", "🙂👍🏽 👨‍👩‍👧 🇩🇪", "ab abc abcd aab bba", "ไทยภาษา", "1 22 333 4444 3.14", "ΣΑΣ σας ß ẞ İı", "\t\n  \r\n x"] * 4
BITS = ["the", "The", "THE", "hello", "Hello", "a", "b", "ab", "abc", "x", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000",
        "\u2028", "\u0085", "▁", "▁▁", "_", "-", ".", ",", "!?", "...", "'", "'s", "n't", "(", ")", "{}", "$", "+", "<", ">", "|", "1", "23", "4567",
        "²", "①", "٣", "\u0301", "\u0323\u0301", "e\u0301", "é", "É", "ñ", "ß", "ẞ", "İ", "ſ", "ﬁ", "Ω", "Å", "ǆ", "Σ", "日", "本語", "。", "，", "中国", "한국",
        "\u1112\u1161\u11ab", "각", "ब्", "की", "ة", "ไทย", "🙂", "👍🏽", "👨‍👩‍👧", "🇩🇪", "\u200d", "\u200b", "\ufeff", "\x00", "\x01", "\x7f", "\x1b", "\u00ad",
        "ＡＢＣ", "ｶﾞ", "<0x0A>", "<0x41>", "\ufffd", "𝕏", "\U000e0001", "Ġ", "ĠĠ", "Ċ", "##", "##s", "</w>", "quick", "brown", "Привет", "мир", "テスト"]
ADDED = ["<s>", "</s>", "<unk>", "[MASK]", "[UNK]", "[PAD]", "<|end|>", "<|end|><|x|>", "the", "Hello", "Hello World", " lead", "trail ", "e\u0301", "é", "ÀB",
         "日本", "ab", "a", "  ", "\n", "▁x", "ﬁ", "İ", "_", "1", "don't", "\u00a0", "<0x41>", "ß", "<mask", "mask>", "bb", "THE", "Ǆ", "\u0301", "##a"]
PATTERNS = [r"\s+", r"\w+|[^\w\s]+", r"\d", r"\p{L}+", r"\p{N}{1,3}", r"[aeiou]", r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
            r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", r"(?=\p{Lu})", r"[^a-z]", r"\b", r".", r"ab|a", r"(?<=\p{L})(?=\p{N})", r"[[:punct:]]", r"\p{Han}|\p{Hiragana}+",
            r"(a)(b)?", r"x*", r"$", r"^", r"(?i)THE", r"\R", r"\X", r"[\p{P}\p{S}]", r"\h+", r"(?m)^\s+", r"[\u4E00-\u9FFF]+", r"\s*[\r\n]+", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|\S+", r"\p{M}+",
            r"[^\s\d]+(?:\d|$)", r"(?<!a)b", r"\S{2,4}?", r"[a-c&&[^b]]+", r"\A.", r".\z", r"\W", r"\D+"]
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]


class Maker:
    def __init__(self, r, charsmaps):
        self.r = r
        self.charsmaps = charsmaps
        self.pieces = []

    def pick(self, items):
        return self.r.choice(items)

    def flag(self):
        return self.r.random() < 0.5

    def pattern(self):
        return Regex(self.pick(PATTERNS)) if self.r.random() < 0.6 else self.pick([" ", "▁", "a", "ab", "the", "  ", "é", "\n", "''", "``", "日", "e\u0301", "aa", ".", "\\s"])

    # ---- Parts

    def normalizer(self, depth=2):
        n = normalizers
        kind = self.r.randrange(15)
        if kind >= 12 and depth > 0:
            return n.Sequence([self.normalizer(depth - 1) for _ in range(self.r.randrange(4))])
        makers = [n.NFC, n.NFD, n.NFKC, n.NFKD, n.Lowercase, n.StripAccents, n.Nmt, n.ByteLevel,
                  lambda: n.Strip(left=self.flag(), right=self.flag()),
                  lambda: n.Prepend(self.pick(["▁", " ", "x", "é", "\u0301", "ab"])),
                  lambda: n.Replace(self.pattern(), self.pick(["", " ", "▁", "x", "é", "\\1", "$0", "aa", "\u0301"])),
                  lambda: n.BertNormalizer(clean_text=self.flag(), handle_chinese_chars=self.flag(), strip_accents=self.pick([None, True, False]), lowercase=self.flag())]
        if self.charsmaps:
            makers.append(lambda: n.Precompiled(self.pick(self.charsmaps)))
        if self.r.random() < 0.7:
            del makers[7]  # bytes are rare
        return self.pick(makers)()

    def pre_tokenizer(self, depth=2):
        p = pre_tokenizers
        kind = self.r.randrange(16)
        if kind >= 13 and depth > 0:
            return p.Sequence([self.pre_tokenizer(depth - 1) for _ in range(self.r.randrange(4))])
        makers = [lambda: p.ByteLevel(add_prefix_space=self.flag(), use_regex=self.flag(), trim_offsets=self.flag()),
                  lambda: p.Metaspace(replacement=self.pick(["▁", "▁", "_", "é", "日", " "]), prepend_scheme=self.pick(["always", "first", "never"]), split=self.flag()),
                  lambda: p.Split(self.pattern(), self.pick(BEHAVIORS), invert=self.flag()),
                  lambda: p.Split(self.pattern(), self.pick(BEHAVIORS), invert=False),
                  p.Whitespace, p.WhitespaceSplit, p.BertPreTokenizer, p.UnicodeScripts,
                  lambda: p.Punctuation(self.pick(BEHAVIORS)), lambda: p.Digits(individual_digits=self.flag()),
                  lambda: p.CharDelimiterSplit(self.pick([" ", "a", "é", "_", "日"])), lambda: p.FixedLength(length=self.r.randrange(1, 9))]
        return self.pick(makers)()

    def decoder(self, depth=2):
        d = decoders
        kind = self.r.randrange(14)
        if kind >= 10 and depth > 0:
            return d.Sequence([self.decoder(depth - 1) for _ in range(self.r.randrange(4))])
        return self.pick([d.ByteLevel, d.ByteFallback, d.Fuse, lambda: d.Replace(self.pattern(), self.pick(["", " ", "x", "\\1", "é"])),
                          lambda: d.Strip(self.pick([" ", "a", "▁", "é"]), self.r.randrange(3), self.r.randrange(3)),
                          lambda: d.Metaspace(replacement=self.pick(["▁", "_", "é"]), prepend_scheme=self.pick(["always", "first", "never"]), split=self.flag()),
                          lambda: d.WordPiece(prefix=self.pick(["##", "▁", "", "a"]), cleanup=self.flag()),
                          lambda: d.BPEDecoder(suffix=self.pick(["</w>", "e", ""])),
                          lambda: d.CTC(pad_token=self.pick(["<s>", "a", ""]), word_delimiter_token=self.pick(["|", "▁", "b"]), cleanup=self.flag())])()

    def processor(self, ids, depth=1):
        p = processors
        names = list(ids)[:6] or ["a"]
        ids = {name: ids.get(name, 0) for name in names}
        kind = self.r.randrange(6)
        if kind == 0 and depth > 0:
            return p.Sequence([self.processor(ids, depth - 1) for _ in range(self.r.randrange(1, 3))])
        if kind == 1:
            return p.ByteLevel(trim_offsets=self.flag(), add_prefix_space=self.flag(), use_regex=self.flag())
        a, b = self.pick(names), self.pick(names)
        if kind == 2:
            return p.BertProcessing((a, ids[a]), (b, ids[b]))
        if kind == 3:
            return p.RobertaProcessing((a, ids[a]), (b, ids[b]), trim_offsets=self.flag(), add_prefix_space=self.flag())
        part = lambda text: [s for s in [self.pick(["", f"{a}", f"{b}:1", f"{a} {b}"]), text + self.pick(["", ":0", ":1"]), self.pick(["", f"{b}", f"{a}:2"])] if s]  # noqa: E731
        safe = [n for n in (a, b) if not re.search(r"[\s$:]|^\d", n)]
        if len(safe) < 2:
            return p.ByteLevel(trim_offsets=True)
        single, pair = part("$A"), part("$A") + part("$B")
        if self.r.random() < 0.1:
            pair = part("$B") + part("$A")
        return p.TemplateProcessing(single=" ".join(single), pair=" ".join(pair), special_tokens=[(n, ids[n]) for n in {a, b}])

    # ---- Models

    def model(self):
        r = self.r
        kind = self.pick(["BPE", "BPE", "BPE", "Unigram", "WordPiece", "WordLevel"])
        special = ["<unk>"] if r.random() < 0.8 else []
        special += r.sample(["<s>", "</s>", "[MASK]", "[PAD]"], r.randrange(3))
        if kind in ("BPE", "Unigram") and r.random() < 0.3:
            special += [f"<0x{b:02X}>" for b in range(256)]
        unk = "<unk>" if "<unk>" in special else None
        common = {"special_tokens": special, "show_progress": False, "vocab_size": len(special) + r.choice([20, 100, 300, 600])}
        if kind == "BPE":
            more = {}
            if r.random() < 0.1:
                more["continuing_subword_prefix"] = self.pick(["##", "e", ""])
            if r.random() < 0.1:
                more["end_of_word_suffix"] = self.pick(["</w>", "e"])
            if r.random() < 0.3:
                more["limit_alphabet"] = 30
            if r.random() < 0.2:
                more["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
            if r.random() < 0.2:
                more["max_token_length"] = 4
            affixes = {k: v for k, v in more.items() if k in ("continuing_subword_prefix", "end_of_word_suffix")}
            return models.BPE(unk_token=unk, **affixes), trainers.BpeTrainer(min_frequency=0, **common, **more)
        if kind == "Unigram":
            return models.Unigram(), trainers.UnigramTrainer(unk_token=unk, max_piece_length=r.choice([4, 16]), **common)
        if kind == "WordPiece":
            prefix = self.pick(["##", "##", "▁", "x"])
            return (models.WordPiece(unk_token=unk or "[UNK]", max_input_chars_per_word=r.choice([100, 5, 20]), continuing_subword_prefix=prefix),
                    trainers.WordPieceTrainer(continuing_subword_prefix=prefix, **common))
        return models.WordLevel(unk_token=unk or "<unk>"), trainers.WordLevelTrainer(**common)

    def added(self):
        r = self.r
        tokens = []
        for _ in range(r.choice([0, 1, 3, 6, 12])):
            text = self.pick(ADDED + self.pieces)
            special = r.random() < 0.4
            tokens.append((AddedToken(text, single_word=r.random() < 0.2, lstrip=r.random() < 0.2, rstrip=r.random() < 0.2,
                                      normalized=self.flag(), special=special), special))
        return tokens

    def edit(self, source):
        """What the file may say and the package's constructors do not."""
        r, model = self.r, source["model"]
        if model["type"] == "BPE":
            model["fuse_unk"] = self.flag()
            model["ignore_merges"] = r.random() < 0.2
            model["byte_fallback"] = r.random() < (0.7 if "<0x41>" in model["vocab"] else 0.05)
            if r.random() < 0.2 and not any(" " in t for t in model["vocab"]):
                model["merges"] = [" ".join(m) for m in model["merges"]]
            if r.random() < 0.2:
                for k in ("dropout", "fuse_unk", "byte_fallback", "ignore_merges", "continuing_subword_prefix", "end_of_word_suffix"):
                    if r.random() < 0.5 and not model.get(k):
                        model.pop(k, None)
        elif model["type"] == "Unigram" and any(t == "<0x41>" for t, _ in model["vocab"]):
            model["byte_fallback"] = self.flag()
        if r.random() < 0.1:
            del model["type"]
        if r.random() < 0.8:
            source["added_tokens"] = [t for t in source["added_tokens"] if not re.fullmatch("<0x..>", t["content"])]
        pre = source["pre_tokenizer"]
        if pre and pre["type"] == "Metaspace" and r.random() < 0.2:
            del pre["prepend_scheme"]
            pre["add_prefix_space"] = self.flag()
        return source

    def tokenizer(self):
        r = self.r
        model, trainer = self.model()
        t = tokenizers.Tokenizer(model)
        if r.random() < 0.6:
            t.normalizer = self.normalizer()
        if r.random() < 0.85:
            t.pre_tokenizer = self.pre_tokenizer()
        t.train_from_iterator(CORPUS, trainer)
        self.pieces = [p for p in sorted(t.get_vocab(), key=t.get_vocab().get) if p]
        self.pieces = r.sample(self.pieces, min(12, len(self.pieces)))
        for token, special in self.added():
            (t.add_special_tokens if special else t.add_tokens)([token])
        vocab = t.get_vocab()
        if r.random() < 0.6:
            t.post_processor = self.processor({k: vocab[k] for k in r.sample(sorted(vocab), min(6, len(vocab)))} if r.random() < 0.3 else
                                              {k: vocab[k] for k in ADDED if k in vocab})
        if r.random() < 0.8:
            t.decoder = self.decoder()
        if r.random() < 0.5:
            t.enable_truncation(r.choice([1, 2, 3, 5, 8, 20]), stride=r.choice([0, 0, 1]), strategy=self.pick(["longest_first", "only_first", "only_second"]),
                                direction=self.pick(["right", "left"]))
        if r.random() < 0.5:
            t.enable_padding(direction=self.pick(["left", "right"]), pad_id=r.randrange(len(vocab)), pad_type_id=r.randrange(2), pad_token=self.pick(sorted(vocab)),
                             length=self.pick([None, 4, 16]), pad_to_multiple_of=self.pick([None, None, 8, 3]))
        return json.dumps(self.edit(json.loads(t.to_str())), ensure_ascii=self.flag())

    # ---- Texts

    def text(self):
        r = self.r
        kind = r.random()
        bits = BITS + ADDED + self.pieces * 3
        if kind < 0.1:
            return self.pick(CORPUS)
        if kind < 0.2:
            codes = [r.randrange(0x110000) if r.random() < 0.3 else r.randrange(0x3100) for _ in range(r.randrange(12))]
            return "".join(chr(c) if not 0xD800 <= c < 0xE000 else " " for c in codes)
        if kind < 0.25:
            return self.pick(bits) * r.randrange(1, 40)
        space = self.pick([[""], [" "], ["", " "], ["", "", " ", "\n"]])
        return "".join(self.pick(bits) + self.pick(space) for _ in range(r.randrange(14)))


class Failure(Exception):
    pass


def equal(what, text, mine, theirs):
    if mine != theirs:
        raise Failure(f"{what} of {text!r}\n  quince {mine!r:.400}\n  judge  {theirs!r:.400}")


def judged(call):
    """None where the judge panics or refuses."""
    try:
        return call()
    except BaseException as error:  # a panic of Rust is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def streamed(own, r, text, special, offsets=False):
    stream = own.encode_stream(add_special_tokens=special)
    ids, at = [], 0
    while at < len(text):
        n = r.choice([1, 3, 10, 50])
        ids += stream.push(text[at:at + n])
        at += n
    return ids + stream.flush()


def compare(r, own, plain, ruled, text, other):
    special = r.random() < 0.7
    pair = other if r.random() < 0.2 else None
    want = judged(lambda: plain.encode(text, pair, add_special_tokens=special))
    if want is None:
        return
    ids, spans = own.encode_with_offsets(text, pair, add_special_tokens=special)
    where = (text, pair, special)
    equal("ids", where, ids, want.ids)
    equal("ids without offsets", where, own.encode(text, pair, add_special_tokens=special), want.ids)
    equal("count", where, own.count(text, pair, add_special_tokens=special), len(want.ids))
    if pair is None:
        equal("offsets", where, in_characters(text, spans), [tuple(o) if o[1] > o[0] else None for o in want.offsets])
        if r.random() < 0.3:
            equal("stream", where, streamed(own, r, text, special), want.ids)
    elif {0, 1} <= set(want.sequence_ids):  # else the judge has lost which text is which
        for which, t in enumerate((text, pair)):
            at = [i for i, s in enumerate(want.sequence_ids) if s == which]
            equal("offsets of pair", where, in_characters(t, [spans[i] for i in at]), [o if o[1] > o[0] else None for o in (tuple(want.offsets[i]) for i in at)])
    rows = [want.ids, [r.randrange(len(own) + 2) for _ in range(r.randrange(9))]]
    for row in rows:
        for skip in (False, True):
            decoded = judged(lambda: plain.decode(row, skip_special_tokens=skip))
            if decoded is not None:
                equal(f"text (skip {skip})", row, own.decode(row, skip_special_tokens=skip), decoded)
    want = judged(lambda: ruled.encode(text, pair, add_special_tokens=special))
    if want is not None:
        equal("truncated and padded", where, own.encode(text, pair, add_special_tokens=special, truncation=True, padding=True), want.ids)
    want = judged(lambda: ruled.encode_batch([text, other], add_special_tokens=special))
    if want is not None:
        equal("batch", (text, other, special), own.encode_batch([text, other], add_special_tokens=special, truncation=True, padding=True), [e.ids for e in want])


def brief(source):
    """What a tokenizer.json says, without its tables."""
    source["model"] = {k: v for k, v in source["model"].items() if k not in ("vocab", "merges")}
    source["added_tokens"] = [" ".join([repr(t["content"])] + [k for k, v in t.items() if v is True]) for t in source["added_tokens"]][:20]
    kept = lambda x: {k: kept(v) for k, v in x.items() if v not in (None, [], False)} if isinstance(x, dict) else x  # noqa: E731
    return re.sub(r'"precompiled_charsmap": "[^"]*"', '"precompiled_charsmap": "..."', json.dumps(kept(source), ensure_ascii=False))


def alike(judge):
    """Whether several added tokens are looked for by the same text, or one by none: which one the judge finds, and where, is by chance."""
    texts = [t.content for t in judge.get_added_tokens_decoder().values() if t.normalized]
    texts = [judge.normalizer.normalize_str(t) for t in texts] if judge.normalizer else texts
    return len(set(texts)) < len(texts) or "" in texts


def run(number, options, charsmaps, refused):
    maker = Maker(random.Random(f"{options.seed}-{number}"), charsmaps)
    source = judged(maker.tokenizer)
    ruled = judged(lambda: tokenizers.Tokenizer.from_str(source))
    if ruled is None:
        return "unmade"
    plain = tokenizers.Tokenizer.from_str(source)
    if alike(plain):
        return "unmade"
    plain.no_truncation()
    plain.no_padding()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokenizer.json")
        pathlib.Path(path).write_text(source)
        try:
            own = quince.Tokenizer(path)
        except quince.Error as error:
            refused[re.sub(r"\d+", "N", str(error).replace(path, "FILE"))[:150]] += 1
            return "refused"
    try:
        for _ in range(options.texts):
            compare(maker.r, own, plain, ruled, maker.text(), maker.text())
    except (Failure, quince.Error) as failure:
        print(f"{number}: {failure}\n  {brief(json.loads(source))}", flush=True)
        if options.keep:
            pathlib.Path(options.keep, f"{options.seed}-{number}.json").write_text(source)
        return "differ"
    return "equal"


def run_apart(*arguments):
    """run in a process of its own with bounded memory: the judge may take all there is, or die."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        refused = collections.Counter()
        what = run(*arguments, refused)
        os.write(there, json.dumps([what, refused]).encode())
        os._exit(0)
    os.close(there)
    with os.fdopen(here, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else ["unmade", {}]


def charsmaps():
    """The tables of SentencePiece's own rules."""
    try:
        import io
        import sentencepiece
        from sentencepiece import sentencepiece_model_pb2 as message
    except ImportError:
        return []
    found = []
    for rule in ("nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"):
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=out, minloglevel=2, hard_vocab_limit=False, vocab_size=200,
                                                 normalization_rule_name=rule)
        proto = message.ModelProto()
        proto.ParseFromString(out.getvalue())
        found.append(proto.normalizer_spec.precompiled_charsmap)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--texts", type=int, default=30)
    parser.add_argument("--keep")
    options = parser.parse_args()
    os.environ.setdefault("QUINCE_CACHE", "")
    counts, refused = collections.Counter(), collections.Counter()
    maps = charsmaps()
    for number in range(options.first, options.first + options.runs):
        what, why = run_apart(number, options, maps)
        counts[what] += 1
        refused.update(why)
    for reason, n in refused.most_common():
        print(f"refused {n}: {reason}")
    print(f"{options.runs} tokenizers, {options.texts} texts each: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
