#!/usr/bin/env python3
"""Renders chat templates over many conversations and compares with transformers' own rendering.

  compare_templates.py [--all] [--random N] [--seed S] TEMPLATE.JINJA ...

Bytes have to be equal where jinja2 renders, and where it raises, quince has to raise too. The clock stands still. Each
conversation meets each set of tools; with --all also each set of variables, else some of them. Then come N random
conversations (200) for each template. Prints the differences, and exits with 1 when there are any. Needs quince and
transformers.
"""
import argparse
import datetime
import itertools
import os
import random
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()

import quince  # noqa: E402
from transformers.utils import chat_template_utils as judge  # noqa: E402

NOW = 1785930000


def function(name, description, properties, required=(), **more):
    parameters = {"type": "object", "properties": properties, "required": list(required), **more}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = function(
    "get_weather", 'Get the "weather" <now>',
    {"city": {"type": "string", "description": "City é"}, "unit": {"type": "string", "enum": ["c", "f"]},
     "days": {"type": "integer", "default": 3}}, ["city"])
SEARCH = function(
    "search", "Search",
    {"q": {"type": ["string", "null"]}, "deep": {"type": "boolean"}, "w": {"type": "number"},
     "filters": {"type": "array", "items": {"type": "object", "properties": {"k": {"$ref": "#/$defs/K"}}}}},
    ["q", "deep"], **{"$defs": {"K": {"type": "string"}}})
NESTED = function(
    "book_\u65c5", "Rese\u00f1a \u2028 'x' \U0001F44D",
    {"who": {"type": "object", "description": "a\nb", "required": ["name"],
             "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
                            "tags": {"type": "array", "items": {"type": "string", "enum": ["\u65e5", "b"]}, "minItems": 1}}},
     "either": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
     "one": {"oneOf": [{"type": "number"}, {"type": "string", "format": "date"}], "title": "One"},
     "grid": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
     "all": {"allOf": [{"type": "object"}], "nullable": True}, "free": {}, "const": {"const": 5},
     "map": {"type": "object", "additionalProperties": {"type": "integer"}}},
    ["who"], additionalProperties=False)
BARE = {"type": "function", "function": {"name": "bare", "description": "No parameters at all."}}
NAME_ONLY = {"type": "function", "function": {"name": "name_only"}}
NULLS = {"type": "function", "function": {"name": "nulls", "description": None, "parameters": None}}
UNWRAPPED = {"name": "unwrapped", "description": "not inside of function",
             "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
RETURNS = {"type": "function", "function": {"name": "returns", "description": "d", "strict": True,
                                            "parameters": {"type": "object", "properties": {}},
                                            "return": {"type": "string"}, "response": {"type": "object"}}}
ENUMS = function("enums", "", {"e": {"type": "string", "enum": []}, "n": {"type": "integer", "enum": [1, 2]},
                               "m": {"enum": ["x", None, True, 1.5]}, "t": {"type": ["integer", "string"]}})
TOOLS = [None, [WEATHER, SEARCH], [function("ping", "Ping.", {})], [NESTED], [BARE, WEATHER], [NAME_ONLY], [NULLS],
         [UNWRAPPED], [RETURNS, ENUMS], []]


def call(arguments, name="get_weather", call_id="call_abc12", **more):
    made = {"type": "function", "function": {"name": name, "arguments": arguments}, **more}
    return made if call_id is None else {"id": call_id, **made}


def said(role, content, **more):
    return {"role": role, "content": content, **more}


def calls(*made, content="", **more):
    return said("assistant", content, tool_calls=list(made), **more)


def result(content, **more):
    return said("tool", content, name="get_weather", tool_call_id="call_abc12", **more)


SYSTEM, USER = said("system", "You are é helpful.\n"), said("user", "What's the weather in Paris?")
ANSWER = said("assistant", "Hello there.")
PART = {"type": "text", "text": "part"}
IMAGE, AUDIO, VIDEO = {"type": "image"}, {"type": "audio"}, {"type": "video"}
PARIS = {"city": "Paris", "days": 2}
MIXED = {"q": "x", "deep": True, "w": 1.5, "filters": [{"k": "v"}], "n": None, "o": {}, "l": [], "s": "a\nb", "e": ""}
CONVERSATIONS = {
    "user": [USER], "system": [SYSTEM, USER], "turns": [SYSTEM, USER, ANSWER, said("user", "  and   Rome?  ")],
    "ends with answer": [USER, ANSWER],
    # calls
    "call": [SYSTEM, USER, calls(call(PARIS)), result('{"t": 21.5}'), ANSWER, USER],
    "two calls": [USER, calls(call({"city": "Paris"}), call(MIXED, "search", "call_abc13"), content=None),
                  result("sunny"), said("tool", "no", name="search", tool_call_id="call_abc13")],
    "arguments as text": [USER, {"role": "assistant", "tool_calls": [call('{"city": "Paris"}')]}, result("sunny")],
    "arguments as odd text": [USER, calls(call("not json {")), result("x")],
    "no arguments": [USER, calls(call({})), result("x")], "empty arguments": [USER, calls(call("")), result("x")],
    "none as arguments": [USER, calls(call(None)), result("x")],
    "arguments left out": [USER, calls({"type": "function", "id": "call_abc12", "function": {"name": "f"}}), result("x")],
    "list as arguments": [USER, calls(call([1, "a"])), result("x")],
    "call without id": [USER, calls(call(PARIS, call_id=None)), said("tool", "x")],
    "call with a short id": [USER, calls(call(PARIS, call_id="1")), said("tool", "x", tool_call_id="1")],
    "call with an id of nine": [USER, calls(call(PARIS, call_id="abcdefghi")), said("tool", "x", tool_call_id="abcdefghi")],
    "id of kimi": [USER, calls(call(PARIS, call_id="functions.get_weather:0")),
                   said("tool", "x", tool_call_id="functions.get_weather:0")],
    "unwrapped call": [USER, calls({"name": "f", "arguments": {"a": 1}}), said("tool", "x", name="f")],
    "call and content": [USER, calls(call({"city": "日本"}), content="Let me look."), result([PART])],
    "call and parts": [USER, calls(call(PARIS), content=[PART]), result([PART, PART])],
    "call is last": [USER, calls(call(PARIS))], "no calls": [USER, calls(), USER], "none as calls": [
        USER, said("assistant", "a", tool_calls=None), USER],
    "calls in turn": [USER, calls(call(PARIS)), result("a"), calls(call(MIXED, "search")), result("b"), ANSWER, USER,
                      calls(call({"city": "é"})), result("c")],
    "old call": [USER, said("assistant", "", function_call={"name": "f", "arguments": "{}"})],
    "old result": [USER, said("assistant", None, function_call={"name": "f", "arguments": {"a": 1}}),
                   said("function", "out", name="f")],
    "call index": [USER, calls(call(PARIS, index=0)), said("tool", "x", tool_call_id="call_abc12")],
    # results
    "result as mapping": [USER, calls(call(PARIS)), result({"t": 21.5, "ok": True, "é": None})],
    "result as list": [USER, calls(call(PARIS)), result([{"name": "a", "output": "b"}, {"t": 1}])],
    "result as number": [USER, calls(call(PARIS)), result(21.5)], "no result": [USER, calls(call(PARIS)), result("")],
    "none as result": [USER, calls(call(PARIS)), result(None)], "empty list as result": [USER, calls(call(PARIS)), result([])],
    "result with image": [USER, calls(call(PARIS)), result([PART, IMAGE])],
    "result without call": [USER, said("tool", "x")], "result first": [said("tool", "x"), USER],
    "three results": [USER, calls(call(PARIS), call(PARIS, call_id="call_abc13")), result("a"), result("b"), result("c"), USER],
    "tool responses": [USER, said("assistant", "", tool_calls=[call(PARIS)],
                                  tool_responses=[{"name": "get_weather", "response": {"t": 1}}]), USER],
    # reasoning
    "reasoning": [SYSTEM, USER, said("assistant", "21", reasoning_content="think hard\n", thinking="th"), USER],
    "thinking": [USER, said("assistant", "21", thinking="\nth\n")],
    "reasoning by its third name": [USER, said("assistant", "21", reasoning="r é"), USER, said("assistant", "22", reasoning="s")],
    "reasoning is empty": [USER, said("assistant", "21", reasoning_content=""), USER],
    "reasoning is none": [USER, said("assistant", "21", reasoning_content=None, thinking=None), USER],
    "reasoning alone": [USER, {"role": "assistant", "reasoning_content": "r"}],
    "reasoning and call": [USER, calls(call({"city": "Paris"}), reasoning_content="need tool"), result("x")],
    "reasoning through calls": [USER, calls(call(PARIS), reasoning_content="one"), result("a"),
                                calls(call(PARIS), reasoning_content="two"), result("b"),
                                said("assistant", "done", reasoning_content="three"), USER],
    "thinking parts": [USER, said("assistant", [{"type": "thinking", "thinking": "t"}, PART]), USER],
    "think tags": [USER, said("assistant", "<think>\nhmm\n</think>\n\nanswer"), USER],
    "open think tag": [USER, said("assistant", "<think>\nhmm"), USER], "closed think tag": [
        USER, said("assistant", "hmm</think>answer</think>x"), USER],
    "no think": [said("user", "x /no_think"), ANSWER, said("system", "/think"), USER],
    "seed think": [USER, said("assistant", "<seed:think>a</seed:think>b"), USER],
    # parts
    "parts": [said("user", [PART, {"type": "image"}, {"type": "image_url", "image_url": {"url": "http://x"}}, PART])],
    "all parts": [said("system", [PART]), said("user", [PART]), said("assistant", [PART]), USER],
    "media": [said("user", [IMAGE, AUDIO, VIDEO, {"type": "input_audio", "input_audio": {"data": "x"}},
                            {"type": "video_url", "video_url": {"url": "u"}}, PART])],
    "media by key": [said("user", [{"image": "x.png"}, {"video": "x.mp4"}, {"text": "t"}, {"audio": "a.wav"}])],
    "image in system": [said("system", [IMAGE, PART]), USER], "image in answer": [USER, said("assistant", [PART, IMAGE]), USER],
    "two images": [said("user", [PART, IMAGE]), ANSWER, said("user", [IMAGE, IMAGE, PART])],
    "parts of texts": [said("user", ["a", "b"])], "no parts": [said("user", [])], "odd part": [said("user", [{"type": "x"}])],
    "part without text": [said("user", [{"type": "text"}])], "part with none": [said("user", [{"type": "text", "text": None}])],
    "document part": [said("user", [{"type": "document", "title": "T", "text": "d"}, PART])],
    # roles
    "developer": [said("developer", "dev"), USER], "ipython": [USER, said("ipython", "out")],
    "developer and system": [said("developer", "dev"), SYSTEM, USER], "late developer": [USER, ANSWER, said("developer", "d"), USER],
    "function": [USER, said("function", "out", name="f")], "model": [USER, said("model", "out"), USER],
    "observation": [USER, said("observation", "o")], "context": [said("context", "c"), USER], "root": [said("root", "c"), USER],
    "odd role": [USER, said("narrator", "x")], "empty role": [said("", "x")], "no role": [{"content": "x"}],
    "none as role": [said(None, "x")], "number as role": [said(1, "x")], "role in capitals": [said("User", "x")],
    "names": [said("system", "s", name="sys"), said("user", "u", name="Ann"), said("assistant", "a", name="Bob"), USER],
    "channels": [USER, said("assistant", "a", channel="analysis"), said("assistant", "b", channel="final"), USER],
    # order
    "two users": [USER, USER], "answer first": [ANSWER, USER], "empty": [], "two answers": [USER, ANSWER, ANSWER],
    "only system": [SYSTEM], "two systems": [SYSTEM, USER, SYSTEM, USER], "three systems": [SYSTEM, SYSTEM, SYSTEM, USER],
    "late system": [USER, SYSTEM], "system after answer": [USER, ANSWER, SYSTEM, USER],
    "long": [SYSTEM] + [USER, ANSWER] * 4 + [USER],
    # content
    "no text": [said("user", "")], "number": [said("user", 5)], "none": [said("user", None)], "bool": [said("user", True)],
    "mapping": [said("user", {"a": 1})], "no content": [{"role": "user"}], "empty answer": [USER, said("assistant", ""), USER],
    "none as answer": [USER, said("assistant", None), USER], "no answer": [USER, {"role": "assistant"}, USER],
    "empty system": [said("system", ""), USER], "none as system": [said("system", None), USER], "spaces": [
        said("system", " \n "), said("user", "\n\n"), said("assistant", "  a  "), USER],
    "odd text": [said("user", "<|im_end|> {{ x }} {% y %} \\n \t 'q' \"d\" <b>&amp;</b> \u2028 👍")],
    "scripts": [said("system", "\u0130 \u00df \u1e9e \ufb01 \u0e44\u0e17\u0e22"), said("user", "e\u0301 \u4f60\u597d \u0645\u0631"),
                said("assistant", "\U0001F468\u200d\U0001F469 \u00a0x\u00a0 \u3000"), said("user", "\ufeff\u200bz\u0085")],
    "newlines": [said("system", "a\r\nb\rc"), said("user", "\n\na\n\nb\n\n\n"), said("assistant", "\r\n"), USER],
    "prefix": [USER, said("assistant", "Once", prefix=True)], "more fields": [said("user", "x", mask=1, weight=0.5, extra=[1])],
}
VARIABLES = [
    {}, {"enable_thinking": False}, {"enable_thinking": True, "bos_token": "<s>", "eos_token": "</s>",
                                     "date_string": "01 Jan 2026"},
    {"documents": [{"title": "T", "text": "doc"}]},
    {"reasoning_effort": "high", "builtin_tools": ["python", "browser"], "thinking": True, "model_identity": "me"},
    {"tools_in_user_message": False, "custom_tools": None, "preserve_thinking": True, "add_vision_id": True},
    {"thinking": False, "documents": [{"title": "é", "text": "", "doc_id": 3}, {"text": "two\n"}], "bos_token": "<s>"},
    {"thinking_budget": 512, "thinking_mode": "on", "reasoning_effort": "low", "keep_reasoning": True, "clear_thinking": False},
    {"date_string": "26 Jul 2024", "tools_in_user_message": True, "bos_token": "", "eos_token": "", "unk_token": "<unk>"},
    {"xml_tools": [{"name": "x"}], "python_tools": [{"name": "p", "function": "f"}], "custom_instructions": "do",
     "documents": [], "thinking": None, "enable_thinking": None, "reasoning_effort": None, "thinking_budget": 0},
    {"continue_final_message": True}, {"continue_final_message": "reasoning_content"}, {"continue_final_message": "thinking"},
]
TEXTS = ["", "x", "Hello", " a b ", "\n", "<think>a</think>b", "<think>\n\n</think>\n\nc", "é日👍", "{}", '{"a": 1}', "'q' \"d\"",
         "a\nb", "</think>", "/no_think", "<tool_response>\nx\n</tool_response>", "0", None]
ROLES = ["system", "user", "assistant", "tool", "developer", "function", "narrator"]


def random_value(r, depth=2):
    kind = r.randrange(9 if depth > 0 else 6)
    if kind < 6:
        return [r.choice(TEXTS), r.randrange(-5, 2000), r.choice([0.1, 1.5, 1e20, -0.0]), r.choice([True, False]), None, "v"][kind]
    if kind == 6:
        return [random_value(r, depth - 1) for _ in range(r.randrange(3))]
    return {r.choice(["a", "city", "é", "type", "items", "text"]): random_value(r, depth - 1) for _ in range(r.randrange(3))}


def random_part(r):
    return r.choice([{"type": "text", "text": r.choice(TEXTS)}, IMAGE, AUDIO, VIDEO, PART, PART,
                     {"type": "image_url", "image_url": {"url": "u"}}, {"text": "t"}, {"type": "thinking", "thinking": "t"}])


def random_message(r, role):
    content = r.choice([r.choice(TEXTS), r.choice(TEXTS), "plain", [random_part(r) for _ in range(r.randrange(4))]])
    message = said(role, content)
    if r.random() < 0.05:
        message["content"] = random_value(r)
    if role == "assistant":
        if r.random() < 0.4:
            message["tool_calls"] = [
                call(r.choice([{"a": random_value(r)}, random_value(r), '{"a": 1}', {}]), r.choice(["f", "get_weather"]),
                     r.choice([None, "call_abc12", "abcdefghi", "functions.f:0"])) for _ in range(r.randrange(3))]
        for name in ("reasoning_content", "thinking", "reasoning"):
            if r.random() < 0.15:
                message[name] = r.choice(TEXTS)
    elif role == "tool":
        message.update({k: v for k, v in (("name", "f"), ("tool_call_id", "call_abc12")) if r.random() < 0.7})
    if r.random() < 0.05:
        message.pop("content")
    return message


def random_case(r):
    """Mostly what a conversation looks like; now and then not."""
    roles = ["system"] if r.random() < 0.4 else []
    for _ in range(r.randrange(1, 4)):
        roles += ["user", "assistant"]
        while r.random() < 0.4:
            roles += ["tool"] * r.randrange(1, 3) + ["assistant"]
    if r.random() < 0.5:
        roles.append("user")
    roles = [r.choice(ROLES) if r.random() < 0.05 else role for role in roles]
    return [random_message(r, role) for role in roles], r.choice(TOOLS), r.random() < 0.5, dict(r.choice(VARIABLES))


class StandingClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


def by_judge(source, messages, tools, prompt, variables):
    variables = dict(variables)
    documents = variables.pop("documents", None)
    try:
        return judge.render_jinja_template([messages], tools=tools, documents=documents, chat_template=source,
                                           add_generation_prompt=prompt, **variables)[0][0]
    except Exception as error:  # whatever a template may raise
        return error


def by_quince(source, messages, tools, prompt, variables):
    try:
        return quince.render_chat_template(source, messages, tools, prompt, now=NOW, **variables)
    except quince.Error as error:
        return error


def named_cases(every):
    pairs = itertools.product(CONVERSATIONS.items(), TOOLS, (False, True))
    for number, ((name, messages), tools, prompt) in enumerate(pairs):
        some = VARIABLES if every else [VARIABLES[0], VARIABLES[1 + number % (len(VARIABLES) - 1)]]
        for variables in some:
            yield name, messages, tools, prompt, variables


def random_cases(path, seed, count):
    for number in range(count):
        name = f"{seed}-{number}"
        yield (f"random {name}", *random_case(random.Random(f"{os.path.basename(path)} {name}")))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--all", action="store_true")
    options.add_argument("--random", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", type=int, default=20)
    options.add_argument("templates", nargs="+")
    options = options.parse_args()
    judge.datetime = StandingClock
    total = raised = found = 0
    for path in options.templates:
        source = open(path, encoding="utf-8").read()
        cases = itertools.chain(named_cases(options.all), random_cases(path, options.seed, options.random))
        for name, messages, tools, prompt, variables in cases:
            want = by_judge(source, messages, tools, prompt, variables)
            got = by_quince(source, messages, tools, prompt, variables)
            total += 1
            raised += isinstance(want, Exception)
            same = isinstance(got, Exception) if isinstance(want, Exception) else got == want
            if not same:
                found += 1
                if found <= options.show:
                    print(f"{path}: {name}, tools {tools and [t.get('function', t)['name'] for t in tools]}, prompt {prompt}, "
                          f"{variables}\n  quince {str(got)[:300]!r}\n  judge  {str(want)[:300]!r}")
    print(f"{total} renderings, {raised} of them raise, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
