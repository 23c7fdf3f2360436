#!/usr/bin/env python3
"""Samples answers under random schemas at a high temperature and validates each with jsonschema.

  sample_answers.py LANGUAGE_MODEL SCHEMAS [--answers N] [--seed S] [--max-tokens N] [--free]

SCHEMAS is a folder of JSON files with a member "schema" each. An answer that does not parse, or is
not valid, is printed, and the exit status is 1. --free samples without the grammar, to see how many
are valid then. Needs quince and jsonschema.
"""
import argparse
import decimal
import json
import pathlib
import random
import re
import sys

import jsonschema
import quince


# ECMA-262's meaning of what Python's re reads otherwise, for patterns with neither of those in a class.
ECMA = {"$": r"\Z", r"\d": "[0-9]", r"\D": "[^0-9]", r"\w": "[A-Za-z0-9_]", r"\W": "[^A-Za-z0-9_]", ".": "[^\n\r\u2028\u2029]"}
CLASSES = {r"\d": "0-9", r"\w": "A-Za-z0-9_", r"\s": "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"}


def translate(pattern):
    """The pattern for Python's re; None where the two differ beyond this."""
    out, in_class = "", False
    for part in re.findall(r"\\.|.", pattern, re.S):
        if part in (r"\p", r"\P", r"\c", r"\b", r"\B", r"\u") or (in_class and part in (r"\D", r"\W", r"\S")):
            return None
        if in_class:
            out += CLASSES.get(part, part)
        elif part in (r"\s", r"\S"):
            out += f"[{'^' if part == chr(92) + 'S' else ''}{CLASSES[chr(92) + 's']}]"
        else:
            out += ECMA.get(part, part)
        in_class = part == "[" or (in_class and part != "]")
    return None if "(?" in out else out


def ecma_pattern(validator, pattern, instance, schema):
    """`pattern` as the schema language means it; a pattern that cannot be translated stays unchecked."""
    if not validator.is_type(instance, "string"):
        return
    python = translate(pattern)
    if python is None:
        raise NotImplementedError(pattern)
    if not re.search(python, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def is_integer(checker, value):
    """1.0 and 1e3 are integers, from draft 6 on."""
    if isinstance(value, decimal.Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def problem(schema, text):
    """Why the text is no valid instance; None when it is one."""
    try:
        value = json.loads(text, parse_float=decimal.Decimal)
    except ValueError as error:
        return f"no JSON: {error}"
    base = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    types = base.TYPE_CHECKER.redefine("integer", is_integer)
    kind = jsonschema.validators.extend(base, {"pattern": ecma_pattern}, type_checker=types)
    errors = sorted(kind(schema).iter_errors(value), key=str)
    return errors[0].message[:200] if errors else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("schemas")
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=300)
    parser.add_argument("--free", action="store_true")
    args = parser.parse_args()
    files = sorted(pathlib.Path(args.schemas).glob("*.json"))
    session = quince.Session(args.model)
    draw = random.Random(args.seed)
    grammars = {}
    count = {"valid": 0, "wrong": 0, "cut": 0, "refused": 0, "unchecked": 0}
    for i in range(args.answers):
        file = draw.choice(files)
        schema = json.loads(file.read_text())["schema"]
        if file not in grammars:
            try:
                grammars[file] = quince.Grammar.from_json_schema(schema)
            except quince.Error:
                grammars[file] = None
        if grammars[file] is None or not grammars[file].is_satisfiable:
            count["refused"] += 1
            continue
        answer = session.generate("Answer with JSON:", grammar=None if args.free else grammars[file],
                                  temperature=1.5, seed=i, max_tokens=args.max_tokens)
        if answer["finish_reason"] == "length" and not grammars[file].check(answer["text"])[0]:
            count["cut"] += 1
            continue
        try:
            wrong = problem(schema, answer["text"])
        except Exception as error:  # jsonschema cannot read the schema
            count["unchecked"] += 1
            continue
        count["valid" if wrong is None else "wrong"] += 1
        if wrong is not None and not args.free:
            print(f"{file.name} seed {i}: {wrong}\n    {answer['text'][:300]}")
    print(", ".join(f"{n} {name}" for name, n in count.items()))
    return 1 if count["wrong"] and not args.free else 0


if __name__ == "__main__":
    sys.exit(main())
