#!/usr/bin/env python3
"""Samples answers and tool calls under random schemas at a high temperature and validates each with jsonschema.

  sample_answers.py LANGUAGE_MODEL SCHEMAS [--answers N] [--seed S] [--max-tokens N] [--calls SHARE] [--free]

SCHEMAS is a folder of JSON files with a member "schema" each. A share of the answers are calls of one to three tools whose
parameters are such schemas, in each format of src/lm/tool_formats.def in turn. An answer may have as many tokens as
--max-tokens or, where the shortest valid one takes more, as many as that one: so each has to be complete. One that is not
valid, or was cut, is printed, and the exit status is 1. --free samples without the grammars, to see how many are valid
then. Needs quince and jsonschema; with quickjs patterns are
judged by an engine of ECMA-262, else those that Python cannot say are not judged.
"""
import argparse
import ast
import collections
import decimal
import json
import pathlib
import random
import re
import sys
import tempfile

import jsonschema
import quince

decimal.setcontext(decimal.Context(prec=4000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN))
ROOT = pathlib.Path(__file__).parents[2]
TEMPERATURE = 1.5
TEMPLATE = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}{# MARKERS #}")
ANY = quince.Grammar.from_regex(r"(?s:.*)")

try:
    import quickjs
    MATCHES = quickjs.Context().eval("""(pattern, text) => {
        let r; try { r = new RegExp(pattern, "u") } catch (e) { r = new RegExp(pattern) }
        return r.test(text) }""")
except ImportError:
    MATCHES = None

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
    """`pattern` as ECMA-262 means it: by an engine of that language, or translated where there is none here."""
    if not validator.is_type(instance, "string"):
        return
    python = translate(pattern) if MATCHES is None else None
    if MATCHES is None and python is None:
        raise NotImplementedError(pattern)
    if not (MATCHES(pattern, instance) if MATCHES is not None else re.search(python, instance)):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def is_integer(checker, value):
    """1.0 and 1e3 are integers, from draft 6 on."""
    if isinstance(value, decimal.Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def validator_of(schema):
    base = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    types = base.TYPE_CHECKER.redefine("integer", is_integer)
    return jsonschema.validators.extend(base, {"pattern": ecma_pattern}, type_checker=types)(schema)


class Sample:
    """A schema of the folder with its grammar, its validator, and how many tokens its shortest instance takes."""

    def __init__(self, file, lm):
        self.name = file.name
        self.schema = json.loads(file.read_text())["schema"]
        self.judge = validator_of(json.loads(file.read_text(), parse_float=decimal.Decimal)["schema"])
        self.grammar, self.needed, self.refused = None, 0, None
        try:
            grammar = quince.Grammar.from_json_schema(self.schema)
            if not grammar.is_satisfiable:
                self.refused = "nothing is valid"
                return
            self.needed = len(grammar.matcher(lm).completion())
            self.grammar = grammar
        except quince.Error as error:
            self.refused = str(error)

    @property
    def is_parameters(self):
        """Whether calls in every format can keep it: one object of named members, each with a schema of its own."""
        simple = {"type", "properties", "required", "additionalProperties", "title", "description", "$schema", "$id", "id",
                  "$defs", "definitions", "$comment", "default", "examples"}
        s = self.schema
        return (self.grammar is not None and isinstance(s, dict) and s.get("type") == "object" and set(s) <= simple and
                0 < len(s.get("properties", {})) <= 12 and set(s.get("required", [])) <= set(s["properties"]) and
                isinstance(s.get("additionalProperties", True), bool) and self.needed < 400 and
                all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", k) for k in s["properties"]))

    def problem(self, text):
        """Why the text is no valid instance; None when it is one."""
        try:
            value = json.loads(text, parse_float=decimal.Decimal)
        except ValueError as error:
            return f"no JSON: {error}"
        errors = sorted(self.judge.iter_errors(value), key=str)
        return errors[0].message[:200] if errors else None


def formats():
    """{name: (markers, begin)} of every tool format."""
    text = (ROOT / "src/lm/tool_formats.def").read_text()
    rows = re.findall(r"^QNI_TOOL_FORMAT\((\w+),(.*?)\)$", text, re.S | re.M)
    string = r'"(?:[^"\\]|\\.)*"'
    texts = lambda field, row: "".join(ast.literal_eval(m) for m in re.findall(rf"\.{field} = ({string})", row))
    return {name: (texts("(?:and_)?marker", row), texts("begin", row).strip()) for name, row in rows if ".marker" in row}


def open_format(model, folder, markers, begin):
    """The format's name, its begin, and a session of the model under a template that has the format."""
    path = pathlib.Path(folder, str(abs(hash(markers))))
    path.mkdir()
    for file in pathlib.Path(model).iterdir():
        if file.name != "chat_template.jinja":
            (path / file.name).symlink_to(file.resolve())
    (path / "chat_template.jinja").write_text(TEMPLATE.replace("MARKERS", markers))
    found = quince.chat_formats((path / "chat_template.jinja").read_text())["tools"]
    return found, begin, quince.Session(quince.LanguageModel(str(path)))


def sample_text(session, sample, seed, args):
    budget = max(args.max_tokens, sample.needed)
    answer = session.generate("Answer with JSON:", grammar=None if args.free else sample.grammar,
                              temperature=TEMPERATURE, seed=seed, max_tokens=budget)
    return answer["text"], sample.problem(answer["text"])


def sample_call(session, begin, tools, choice, seed, args):
    """The text of the calls, and what is wrong with them."""
    given = [{"type": "function", "function": {"name": name, "parameters": s.schema}} for name, s in tools.items()]
    # Tags around each member, and names, take more than JSON does.
    most = max(160 + 45 * len(s.schema.get("required", [])) + s.needed for s in tools.values())
    answer = session.chat([{"role": "user", "content": "Call a tool."}], tools=given, temperature=TEMPERATURE, seed=seed,
                          max_tokens=max(args.max_tokens, most), **({"grammar": ANY} if args.free else {"tool_choice": choice}))
    calls = answer.get("tool_calls", [])
    text = json.dumps([answer["finish_reason"], answer["usage"]["completion_tokens"], answer.get("content"), calls], ensure_ascii=False)
    if not calls and choice != "auto":
        return text, "no call"
    for call in calls:
        name = call["function"]["name"]
        if name not in tools or choice not in ("auto", "required", name):
            return text, f"a call of {name!r}"
        wrong = tools[name].problem(call["function"]["arguments"])
        if wrong is not None:
            return text, wrong
    return text, "a call that is cut" if begin in (answer["content"] or "") else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("schemas")
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=80)
    parser.add_argument("--calls", type=float, default=0.3)
    parser.add_argument("--free", action="store_true")
    args = parser.parse_args()
    lm = quince.LanguageModel(args.model)
    session = quince.Session(lm)
    samples = [Sample(file, lm) for file in sorted(pathlib.Path(args.schemas).glob("*.json"))]
    for s in samples:
        if s.refused:
            print(f"left out: {s.name}: {s.refused[:150]}")
    drawn = [s for s in samples if s.grammar is not None and s.needed < lm.context_length // 2]
    parameters = [s for s in drawn if s.is_parameters]
    draw = random.Random(args.seed)
    count, by_format = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        sessions = [open_format(args.model, folder, *row) for row in formats().values()]
        print(f"{len(drawn)} schemas, {len(parameters)} of them as tools, {len(sessions)} formats")
        for i in range(args.answers):
            if draw.random() < args.calls:
                kind, (name, begin, speaker) = "calls", sessions[i % len(sessions)]
                tools = {f"tool_{k}": s for k, s in enumerate(draw.sample(parameters, draw.randint(1, 3)))}
                choice = draw.choice(["required", "required", "auto", draw.choice(sorted(tools))])
                about = f"{name}, {choice}, {', '.join(s.name for s in tools.values())}"
                run = lambda: sample_call(speaker, begin, tools, choice, i, args)
                by_format[name] += 1
            else:
                kind, sample = "answers", draw.choice(drawn)
                about, run = sample.name, lambda: sample_text(session, sample, i, args)
            try:
                text, wrong = run()
            except NotImplementedError:  # a pattern that Python cannot say
                count[f"{kind} not judged"] += 1
                continue
            except quince.Error as error:
                text, wrong = "", f"refused: {error}"
            if i % 1000 == 999:
                print(f"{i + 1}: {dict(count)}", flush=True)
            count[f"{kind} {'valid' if wrong is None else 'not valid'}"] += 1
            if wrong is not None and not args.free:
                print(f"{about}, seed {i}: {wrong}\n    {text[:400]}", flush=True)
    print(", ".join(f"{n} {name}" for name, n in sorted(count.items())))
    print("calls by format: " + ", ".join(f"{name} {n}" for name, n in sorted(by_format.items())))
    return 1 if count["answers not valid"] + count["calls not valid"] and not args.free else 0


if __name__ == "__main__":
    sys.exit(main())
