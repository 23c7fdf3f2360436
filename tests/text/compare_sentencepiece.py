#!/usr/bin/env python3
"""Encodes random texts with SentencePiece models and compares with the sentencepiece package.

  compare_sentencepiece.py [--runs N] [--train] [MODEL ...]

Ids and decoded text have to be equal. --train makes small models with other options (Unigram and BPE, white space as
suffix, symbols of the user, byte fallback ...) and compares those too. Needs quince and sentencepiece.
"""
import argparse
import io
import random
import sys
import tempfile

import quince
import sentencepiece

WORDS = ["the", "Hello", "wörld", "naïve", "日本語", "テスト", "한국어", "😀👍🏽", "Привет", "مرحبا", "e\u0301", "ﬁ", "①", "x²", "<s>", "</s>",
         "<unk>", "<0x41>", "▁", "▁▁", "\u200b", "\u00a0", "\u3000", "\t", "\n", "\r\n", "foo_bar()", "1234567", "ＡＢＣ", "\ufffd",
         "don't", "<user>", "<sep>", "ｶﾞ", "\u0000", "\x01", "ﷺ", "aaaaaaaa", "....", "Ω", "ǆ", "\U0001f1e9\U0001f1ea"]
CORPUS = ["the quick brown fox jumps over the lazy dog", "Hello wörld, naïve people", "日本語 テスト です", "Привет мир 123 456", "foo_bar(x) = x² + 1",
          "a b c d e f g h i j k l m n o p q r s t u v w x y z", "don't stop me now", "the theory of the thing that they think"] * 40


def text_of(r):
    kind = r.random()
    if kind < 0.1:
        return "".join(chr(r.choice([r.randrange(32, 127), r.randrange(0xA0, 0x3000), r.randrange(0xE000, 0x11000)]))
                       for _ in range(r.randrange(30)))
    if kind < 0.15:
        return r.choice([" ", "▁", "a", "é", "<user>", "\u3000", "ab "]) * r.randrange(300)
    return "".join(r.choice(WORDS + [r.choice(CORPUS)]) + r.choice(["", " ", " ", "  ", "\n"]) for _ in range(r.randrange(12)))


def trained():
    options = [{"model_type": kind, "vocab_size": 300, **more} for kind in ("unigram", "bpe") for more in (
        {}, {"byte_fallback": True, "vocab_size": 600}, {"treat_whitespace_as_suffix": True}, {"add_dummy_prefix": False},
        {"remove_extra_whitespaces": False}, {"normalization_rule_name": "identity"}, {"normalization_rule_name": "nmt_nfkc_cf"},
        {"user_defined_symbols": ["<user>", "<sep>", "▁the"]}, {"control_symbols": ["<ctl>"], "unk_surface": "[?]"},
        {"split_digits": True, "allow_whitespace_only_pieces": True, "remove_extra_whitespaces": False})]
    for option in options:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, minloglevel=2,
                                                 hard_vocab_limit=False, character_coverage=0.99, **{**option})
        yield str(option), model.getvalue()


def compare(name, model, runs, seed):
    judge = sentencepiece.SentencePieceProcessor(model_proto=model)
    with tempfile.NamedTemporaryFile(suffix=".model") as file:
        file.write(model)
        file.flush()
        own = quince.Tokenizer(file.name)
    found = 0
    r = random.Random(seed)
    for _ in range(runs):
        text = text_of(r)
        want, got = judge.encode(text), own.encode(text, add_special_tokens=False)
        back, own_back = judge.decode(want), own.decode(want)
        if want != got or back != own_back:
            found += 1
            if found <= 5:
                print(f"{name}: {text!r:.200}\n  quince {got}\n  judge  {want}" if want != got else
                      f"{name}: {text!r:.200}\n  quince {own_back!r:.200}\n  judge  {back!r:.200}")
    print(f"{name}: {runs} texts, {found} differences")
    return found


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--train", action="store_true")
    options.add_argument("models", nargs="*")
    options = options.parse_args()
    models = [(path, open(path, "rb").read()) for path in options.models] + (list(trained()) if options.train else [])
    return 1 if sum(compare(name, model, options.runs, options.seed) for name, model in models) else 0


if __name__ == "__main__":
    sys.exit(main())
