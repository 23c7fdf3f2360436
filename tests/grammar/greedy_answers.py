#!/usr/bin/env python3
"""A mask does not change greedy answers that are valid without it, with jump-ahead and without.

  greedy_answers.py LANGUAGE_MODEL QUESTIONS.jsonl [--generations N]

A line of QUESTIONS holds "messages" and "tools". Each question is answered greedily without a grammar; where `check` says that the
answer is valid under a grammar of its tools, the answer under that grammar must be the same tokens. Two grammars a question: calls
in free text, and calls alone. Exits 1 when an answer differs.
"""
import argparse
import json
import pathlib
import sys

import quince

MAX_TOKENS = 200


def grammar_of(tools, free):
    calls = [{"type": "object", "properties": {"name": {"const": t["function"]["name"]}, "arguments": t["function"]["parameters"]},
              "required": ["name", "arguments"], "additionalProperties": False} for t in tools]
    tags = [{"begin": "<tool_call>", "schema": {"anyOf": calls}, "end": "</tool_call>"}]
    return quince.Grammar.from_tags(tags, free=free, min=0 if free else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("questions")
    parser.add_argument("--generations", type=int, default=1000)
    args = parser.parse_args()
    template = pathlib.Path(args.model, "chat_template.jinja").read_text()
    session = quince.Session(args.model)
    count = {"same": 0, "invalid without": 0, "different": 0}
    with open(args.questions, encoding="utf-8") as file:
        questions = [json.loads(line) for line in file][:(args.generations + 1) // 2]
    for i, q in enumerate(questions):
        prompt = quince.render_chat_template(template, messages=q["messages"], tools=q["tools"], add_generation_prompt=True)
        ask = lambda **more: session.generate(prompt, temperature=0, max_tokens=MAX_TOKENS, add_special_tokens=False, **more)
        plain = ask()
        for free in (True, False):
            grammar = grammar_of(q["tools"], free)
            if not grammar.check(plain["text"])[0]:
                count["invalid without"] += 1
                continue
            held = ask(grammar=grammar, jump_ahead=False)
            jumped = ask(grammar=grammar)
            same = plain["ids"] == held["ids"] == jumped["ids"]
            count["same" if same else "different"] += 1
            if not same:
                print(f"question {i}, {'free' if free else 'call alone'}:\n  {plain['text']!r}\n  {held['text']!r}\n  {jumped['text']!r}")
    print(", ".join(f"{n} {name}" for name, n in count.items()))
    return 1 if count["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
