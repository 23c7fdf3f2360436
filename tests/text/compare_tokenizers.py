#!/usr/bin/env python3
"""Compares quince's tokenizers with Hugging Face's over many texts: ids, offsets, decoded text, streamed text.

  compare_tokenizers.py TOKENIZER.JSON ... [--texts N] [--seed S] [--files FILE ...]

Texts are drawn from many scripts, from marks, emoji and controls, from any code point, and from lists of known
troubles; --files adds the files' contents in pieces. Prints the differences, and exits with 1 when there are any.
Needs quince and tokenizers.
"""
import argparse
import bisect
import random
import sys

import quince
import tokenizers

KNOWN = [
    "Hello world", "  leading", "trail  ", "don't I'll we've", "a\tb\nc\r\nd", "\u00e9t\u00e9 e\u0301te\u0301",
    "日本語テスト", "한국어 \u1112\u1161\u11ab", "नमस्ते दुनिया", "العربية", "👩‍👩‍👧‍👦 family 🏳️‍🌈", "<s>x</s>",
    "<|endoftext|>mid<|endoftext|>", "[MASK] word [CLS]", "12345 678.90", "\u2581under", "   \u3000 x", "\u00a0nbsp",
    "ﬁ ligature ① ㈱", "İstanbul ß ẞ", "\x00\x01\x7f", "x\u0301\u0302\u0323y", "\ufb01\ufdfa", "ไทยภาษา",
    "\U00020000\U0002f800", "zero\u200bwidth\u200d", "Ωμέγα ΣΑΣ", "ſ K Å", "!!!...???", "a" * 300, "\r\n\r\n",
    "'s 't 're", "$+<=>^`|~", "A\u030a", "\u0f73\u0344", "\ufffd\ufeff",
]
RANGES = [
    (32, 126), (32, 126), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x4FF), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xFFF),
    (0x1000, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF), (0xFB00, 0xFFEF), (0x10000, 0x107FF), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF), (0x2F800, 0x2FA1F),
    (0, 31),
]


def any_character(draw):
    code = draw.randint(0, 0x10FFFF - 0x800)
    return chr(code if code < 0xD800 else code + 0x800)


def texts(seed, n):
    draw = random.Random(seed)
    yield from KNOWN
    for _ in range(n):
        kind = draw.random()
        if kind < 0.5:
            words = ("".join(chr(draw.randint(*draw.choice(RANGES))) for _ in range(draw.randint(1, 8)))
                     for _ in range(draw.randint(1, 8)))
            yield " ".join(words)
        elif kind < 0.8:
            yield "".join(draw.choice(KNOWN) for _ in range(draw.randint(1, 5)))
        else:
            yield "".join(any_character(draw) for _ in range(draw.randint(1, 30)))


def pieces(path, size=8192):
    text = open(path, encoding="utf-8", errors="replace").read()
    return (text[i:i + size] for i in range(0, len(text), size))


def in_characters(text, spans):
    """Byte spans widened to the characters that they touch; None for empty ones."""
    starts = [0]
    for character in text:
        starts.append(starts[-1] + len(character.encode()))
    return [(bisect.bisect_right(starts, a) - 1, bisect.bisect_left(starts, b)) if b > a else None for a, b in spans]


def differences(own, judge, text):
    want = judge.encode(text, add_special_tokens=True)
    ids, spans = own.encode_with_offsets(text)
    if ids != want.ids or own.encode(text) != want.ids or own.count(text) != len(want.ids):
        yield "ids", ids, want.ids
        return
    offsets = [tuple(o) if o[1] > o[0] else None for o in want.offsets]
    if in_characters(text, spans) != offsets:
        yield "offsets", in_characters(text, spans), offsets
    for skip in (False, True):
        decoded = judge.decode(want.ids, skip_special_tokens=skip)
        if own.decode(ids, skip_special_tokens=skip) != decoded:
            yield "decoded", own.decode(ids, skip_special_tokens=skip), decoded


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", nargs="*", default=[])
    args = parser.parse_args()
    failed = False
    for path in args.tokenizers:
        own, judge = quince.Tokenizer(path), tokenizers.Tokenizer.from_file(path)
        judge.no_truncation()
        judge.no_padding()
        n = size = found = 0
        for text in list(texts(args.seed, args.texts)) + [p for f in args.files for p in pieces(f)]:
            n += 1
            size += len(text.encode())
            for what, mine, theirs in differences(own, judge, text):
                found += 1
                if found <= 5:
                    print(f"{path}: {what} of {text[:100]!r}\n  quince {str(mine)[:300]}\n  judge  {str(theirs)[:300]}")
        print(f"{path}: {n} texts, {size / 1e6:.1f} MB, {found} differences")
        failed = failed or found > 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
