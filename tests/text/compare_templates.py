#!/usr/bin/env python3
"""Renders chat templates over many conversations and compares with transformers' own rendering.

  compare_templates.py TEMPLATE.JINJA ...

Bytes have to be equal where jinja2 renders, and where it raises, quince has to raise too. The clock stands still.
Prints the differences, and exits with 1 when there are any. Needs quince and transformers.
"""
import datetime
import itertools
import os
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


WEATHER = function("get_weather", 'Get the "weather" <now>',
                   {"city": {"type": "string", "description": "City é"}, "unit": {"type": "string", "enum": ["c", "f"]},
                    "days": {"type": "integer", "default": 3}}, ["city"])
SEARCH = function("search", "Search",
                  {"q": {"type": ["string", "null"]}, "deep": {"type": "boolean"}, "w": {"type": "number"},
                   "filters": {"type": "array", "items": {"type": "object", "properties": {"k": {"$ref": "#/$defs/K"}}}}},
                  ["q", "deep"], **{"$defs": {"K": {"type": "string"}}})
TOOLS = [None, [WEATHER, SEARCH], [function("ping", "Ping.", {})]]


def call(arguments, name="get_weather", call_id="call_abc12"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def said(role, content, **more):
    return {"role": role, "content": content, **more}


def result(content, **more):
    return said("tool", content, name="get_weather", tool_call_id="call_abc12", **more)


SYSTEM, USER = said("system", "You are é helpful.\n"), said("user", "What's the weather in Paris?")
ANSWER = said("assistant", "Hello there.")
PART = {"type": "text", "text": "part"}
CONVERSATIONS = {
    "user": [USER], "system": [SYSTEM, USER], "turns": [SYSTEM, USER, ANSWER, said("user", "  and   Rome?  ")],
    "ends with answer": [USER, ANSWER],
    "call": [SYSTEM, USER, said("assistant", "", tool_calls=[call({"city": "Paris", "days": 2})]),
             result('{"t": 21.5}'), ANSWER, USER],
    "two calls": [USER, said("assistant", None, tool_calls=[
        call({"city": "Paris"}),
        call({"q": "x", "deep": True, "w": 1.5, "filters": [{"k": "v"}], "n": None}, "search", "call_abc13")]),
                  result("sunny"), said("tool", "no", name="search", tool_call_id="call_abc13")],
    "arguments as text": [USER, {"role": "assistant", "tool_calls": [call('{"city": "Paris"}')]}, result("sunny")],
    "call and content": [USER, said("assistant", "Let me look.", tool_calls=[call({"city": "日本"})]), result([PART])],
    "old call": [USER, said("assistant", "", function_call={"name": "f", "arguments": "{}"})],
    "reasoning": [SYSTEM, USER, said("assistant", "21", reasoning_content="think hard\n", thinking="th"), USER],
    "reasoning and call": [USER, said("assistant", "", reasoning_content="need tool",
                                      tool_calls=[call({"city": "Paris"})]), result("x")],
    "think tags": [USER, said("assistant", "<think>\nhmm\n</think>\n\nanswer"), USER],
    "parts": [said("user", [PART, {"type": "image"}, {"type": "image_url", "image_url": {"url": "http://x"}}, PART])],
    "all parts": [said("system", [PART]), said("user", [PART]), said("assistant", [PART]), USER],
    "developer": [said("developer", "dev"), USER], "ipython": [USER, said("ipython", "out")],
    "odd role": [USER, said("narrator", "x")], "two users": [USER, USER], "answer first": [ANSWER, USER], "empty": [],
    "only system": [SYSTEM], "no text": [said("user", "")], "number": [said("user", 5)], "none": [said("user", None)],
    "no content": [{"role": "user"}], "two systems": [SYSTEM, USER, SYSTEM, USER],
    "odd text": [said("user", "<|im_end|> {{ x }} {% y %} \\n \t 'q' \"d\" <b>&amp;</b> \u2028 👍")],
    "long": [SYSTEM] + [USER, ANSWER] * 4 + [USER],
}
VARIABLES = [
    {}, {"enable_thinking": False}, {"enable_thinking": True, "bos_token": "<s>", "eos_token": "</s>",
                                     "date_string": "01 Jan 2026"},
    {"documents": [{"title": "T", "text": "doc"}]},
    {"reasoning_effort": "high", "builtin_tools": ["python", "browser"], "thinking": True, "model_identity": "me"},
    {"tools_in_user_message": False, "custom_tools": None, "preserve_thinking": True, "add_vision_id": True},
]


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


def main():
    judge.datetime = StandingClock
    total = raised = found = 0
    for path in sys.argv[1:]:
        source = open(path, encoding="utf-8").read()
        for case in itertools.product(CONVERSATIONS.items(), TOOLS, (False, True), VARIABLES):
            (name, messages), tools, prompt, variables = case
            want = by_judge(source, messages, tools, prompt, variables)
            got = by_quince(source, messages, tools, prompt, variables)
            total += 1
            raised += isinstance(want, Exception)
            same = isinstance(got, Exception) if isinstance(want, Exception) else got == want
            if not same:
                found += 1
                if found <= 20:
                    print(f"{path}: {name}, tools {tools is not None}, prompt {prompt}, {variables}\n"
                          f"  quince {str(got)[:300]!r}\n  judge  {str(want)[:300]!r}")
    print(f"{total} renderings, {raised} of them raise, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
