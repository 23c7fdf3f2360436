#!/usr/bin/env python3
"""Exact tool calls of a language model over held questions, with and without the grammar of its tools.

  tool_answers.py LANGUAGE_MODEL QUESTIONS.jsonl [--questions N] [--free-only]

A line of QUESTIONS holds "messages", "tools" and "expected" (name and arguments). Answers are greedy. Without the grammar is
what the model writes when nothing holds it; a call counts when its name and arguments are those expected. Fails when a
question that is right without the grammar is wrong with it, or when a call with the grammar is not valid for its tool.
"""
import argparse
import json
import sys

import jsonschema
import quince

MAX_TOKENS = 200


def calls_of(message):
    return [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in message.get("tool_calls", [])]


def free_answer(session, question):
    """The same prompt without a mask: a grammar of any text holds nothing back but goes through the same parser of calls."""
    return session.chat(question["messages"], tools=question["tools"], grammar=ANY, temperature=0, max_tokens=MAX_TOKENS)


def invalid(question, calls):
    schemas = {t["function"]["name"]: t["function"].get("parameters", {}) for t in question["tools"]}
    return [c for c in calls if c[0] not in schemas or not jsonschema.Draft202012Validator(schemas[c[0]]).is_valid(c[1])]


ANY = quince.Grammar.from_regex(r"(?s:.*)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("questions")
    parser.add_argument("--questions", dest="limit", type=int, default=2000)
    args = parser.parse_args()
    session = quince.Session(args.model)
    with open(args.questions, encoding="utf-8") as file:
        questions = [json.loads(line) for line in file][:args.limit]
    right = {"free": 0, "grammar": 0}
    lost, won, bad = [], [], {"free": 0, "grammar": 0}
    for i, q in enumerate(questions):
        expected = [(q["expected"]["name"], q["expected"]["arguments"])]
        found = {}
        for kind in ("free", "grammar"):
            answer = free_answer(session, q) if kind == "free" else session.chat(
                q["messages"], tools=q["tools"], temperature=0, max_tokens=MAX_TOKENS)
            calls = calls_of(answer)
            found[kind] = calls == expected
            right[kind] += found[kind]
            bad[kind] += len(invalid(q, calls))
        if found["free"] and not found["grammar"]:
            lost.append(i)
        if found["grammar"] and not found["free"]:
            won.append(i)
    print(f"{len(questions)} questions: exact without the grammar {right['free']}, with it {right['grammar']}; "
          f"calls invalid for their tool: {bad['free']} and {bad['grammar']}; won {won}, lost {lost}")
    return 1 if lost or bad["grammar"] else 0


if __name__ == "__main__":
    sys.exit(main())
