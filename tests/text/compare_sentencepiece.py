#!/usr/bin/env python3
"""Encodes random texts with SentencePiece models and compares with the sentencepiece package.

  compare_sentencepiece.py [--runs N] [--train] [MODEL ...]

Ids and decoded text have to be equal, also the text of random ids. --train N makes N small models with random options
(types, white space as suffix, symbols of the user, byte fallback, normalization ...) and compares those too; what quince
refuses is listed. Needs quince and sentencepiece.
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


def trained(n, seed):
    """Small models with options by chance."""
    for number in range(n):
        r = random.Random(f"{seed} {number}")
        chance = lambda p: r.random() < p  # noqa: E731
        option = {"model_type": r.choice(["unigram", "unigram", "bpe", "bpe", "bpe", "char", "word"]), "vocab_size": r.choice([150, 300, 600])}
        if chance(0.3):
            option |= {"byte_fallback": True, "vocab_size": option["vocab_size"] + 256}
        for name, p in (("treat_whitespace_as_suffix", 0.15), ("split_digits", 0.3), ("allow_whitespace_only_pieces", 0.3), ("split_by_whitespace", 0.2),
                        ("split_by_unicode_script", 0.3), ("split_by_number", 0.3)):
            if chance(p):
                option[name] = not name.startswith("split_by")
        for name in ("add_dummy_prefix", "remove_extra_whitespaces"):
            if chance(0.3):
                option[name] = False
        if chance(0.4):
            option["user_defined_symbols"] = r.sample(["<user>", "<sep>", "▁the", "é", " x", "▁", "ab", "日", "\n", "▁▁", "the quick", "<s>x"], r.randrange(1, 5))
        if chance(0.2):
            option["control_symbols"] = ["<ctl>", "don't"]
        if chance(0.2):
            option["unk_surface"] = r.choice(["[?]", "", " "])
        if chance(0.2):
            option |= r.choice([{"bos_id": -1}, {"pad_id": 3}, {"unk_id": 1, "bos_id": 0}, {"eos_id": -1, "bos_id": -1}])
        option["normalization_rule_name"] = r.choice(["nmt_nfkc", "nmt_nfkc", "nfkc", "identity", "nfkc_cf", "nmt_nfkc_cf"])
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, minloglevel=2,
                                                     hard_vocab_limit=False, character_coverage=0.99, **option)
        except (RuntimeError, OSError) as error:
            print(f"{number}: not trained: {str(error)[:80]} {option}")
            continue
        yield f"{number} {option}", model.getvalue()


def compare(name, model, runs, seed):
    judge = sentencepiece.SentencePieceProcessor(model_proto=model)
    with tempfile.NamedTemporaryFile(suffix=".model") as file:
        file.write(model)
        file.flush()
        try:
            own = quince.Tokenizer(file.name)
        except quince.Error as error:
            print(f"{name}: refused: {str(error).replace(file.name, 'FILE')}")
            return 0
    found = 0
    r = random.Random(seed)
    for _ in range(runs):
        text = text_of(r)
        want, got = judge.encode(text), own.encode(text, add_special_tokens=False)
        back, own_back = judge.decode(want), own.decode(want)
        if want == got and r.random() < 0.3:
            stream, got = own.encode_stream(add_special_tokens=False), []
            for at in range(0, len(text), 7):
                got += stream.push(text[at:at + 7])
            got += stream.flush()
        if want == got and back == own_back:
            want = got = [r.randrange(judge.vocab_size()) for _ in range(r.randrange(1, 8))]
            back, own_back = judge.decode(want), own.decode(want)
        if want != got or back != own_back:
            found += 1
            if found <= 5:
                print(f"{name}: {text!r:.200}\n  quince {got}\n  judge  {want}" if want != got else
                      f"{name}: {[judge.id_to_piece(i) for i in want]!r:.200}\n  quince {own_back!r:.200}\n  judge  {back!r:.200}")
    print(f"{name}: {runs} texts, {found} differences")
    return found


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--train", type=int, default=0)
    options.add_argument("models", nargs="*")
    options = options.parse_args()
    models = [(path, open(path, "rb").read()) for path in options.models] + list(trained(options.train, options.seed))
    found = sum(compare(name, model, options.runs, options.seed) for name, model in models)
    print(f"{len(models)} models, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
