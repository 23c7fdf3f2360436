#!/usr/bin/env python3
"""Compares regular expressions with RE2: random ones, over letters whose cases are hard, on random texts.

  compare_re2.py [--runs N] [--seed S]

Prints the expressions that differ on some text, and how many texts were compared; exits with 1 when some differ.
Expressions that one of the two refuses are left out. Needs quince and google-re2.
"""
import argparse
import random
import sys

import quince
import re2

LETTERS = "aAkK\u212asS\u017f\u00e9\u00c9\u00df\u1e9e\u00b5\u03bc\u039c\u03c2\u03c3\u03a3iI\u0131\u0130\u01c4\u01c5\u01c6\u03c9\u2126\u00e5\u00c5\u212b\u1fb3\u1fbc\u04e8\u04e91. "
CLASSES = [r"\p{Lu}", r"\P{Lu}", r"\p{L}", r"\pN", r"\d", r"\w", r"\W", "[[:upper:]]", r"[^\W1]"]


def atom(r):
    pick = r.random()
    if pick < 0.35:
        return r.choice(LETTERS).replace(".", r"\.")
    if pick < 0.5:
        return "[%s%s]" % (r.choice(["", "^"]), "".join(r.sample("aksK\u00e9\u03c3\u00df", 2)))
    if pick < 0.6:
        return r"\Q%s\E" % "".join(r.choice("a.|)k\u03c2") for _ in range(r.randint(0, 3)))
    if pick < 0.7:
        return r.choice(CLASSES)
    if pick < 0.85:
        return "(%s)" % sequence(r, 2)
    return r.choice([".", "(?s:.)", "(?i:%s)" % sequence(r, 1)])


def sequence(r, most):
    return "".join(atom(r) + r.choice(["", "", "", "+", "?", "{2}", "*"]) for _ in range(r.randint(1, most)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    r = random.Random(options.seed)
    compared = differ = 0
    for _ in range(options.runs):
        pattern = r.choice(["", "(?i)"]) + sequence(r, 3)
        try:
            judge, ours = re2.compile(pattern), quince.Grammar.from_regex(pattern)
        except (re2.error, quince.Error):
            continue
        for text in ("".join(r.choice(LETTERS) for _ in range(r.randint(0, 4))) for _ in range(12)):
            compared += 1
            valid, _ = ours.check(text)
            if valid != bool(judge.fullmatch(text)):
                differ += 1
                print("%r on %r: %s" % (pattern, text, valid))
                break
    print("%d texts compared, %d expressions differ" % (compared, differ))
    return differ != 0


if __name__ == "__main__":
    sys.exit(main())
