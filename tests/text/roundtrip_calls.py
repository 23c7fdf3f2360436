#!/usr/bin/env python3
"""Renders an answer with tool calls through chat templates and reads it back.

  roundtrip_calls.py FOLDER

For each template of the folder (*.jinja) that mentions tools: which format quince finds by it, whether the two calls of
an assistant's message come back from what the template writes for it, and whether its reasoning does. Where a template
takes no second call it is one call; where it takes arguments only as text, they are text. Exits with 1 when a template
whose format is known does not give back the calls or the reasoning that it writes. Needs quince alone.
"""
import json
import pathlib
import sys

import quince

PARAMETERS = {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "exact": {"type": "boolean"},
    "spots": {"type": "array", "items": {"type": "string"}}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "The weather.", "parameters": PARAMETERS}},
         {"type": "function", "function": {"name": "stop_clock", "description": "Stops it.",
                                           "parameters": {"type": "object", "properties": {"hard": {"type": "string"}}}}}]
FLAT = [("get_weather", {"city": "Bonn <am> \"Rhein\"\n& \u00e9", "days": 3, "exact": True}), ("stop_clock", {"hard": "no"})]
DEEP = [("get_weather", {"city": "Bonn", "days": 3, "spots": ["a", "b c"]}), ("stop_clock", {"hard": "3"})]
USER = {"role": "user", "content": "What is the weather?"}
THOUGHT = "Let me see. First the weather."
# Where templates look for what the model thought.
THOUGHTS = [{"reasoning_content": THOUGHT}, {"thinking": THOUGHT}, {"content": [{"type": "thinking", "thinking": THOUGHT}]}]


def message(calls, as_text, reasoning):
    made = [{"id": f"functions.{name}:{i}", "type": "function",
             "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False) if as_text else arguments}}
            for i, (name, arguments) in enumerate(calls)]
    for call, number in zip(made, ("abcdefgh1", "abcdefgh2")):
        call["id"] = call["id"] if as_text is not None else number
    return {"role": "assistant", "content": "", "tool_calls": made, **(reasoning or {})}


def render(source, messages, prompt=False):
    return quince.render_chat_template(source, messages, TOOLS, prompt, bos_token="<s>", eos_token="</s>",
                                       enable_thinking=True, thinking=True)


def answers(source, calls, reasoning):
    """What the template writes for the message behind the conversation before it, in each way that it takes."""
    failure = "?"
    for as_text in (False, True, None):
        said = message(calls, as_text, reasoning)
        try:
            before, prompt, whole = (render(source, [USER]), render(source, [USER], True), render(source, [USER, said]))
        except quince.Error as error:
            failure = str(error).splitlines()[0]
            continue
        shared = prompt if whole.startswith(prompt) else before
        if whole.startswith(shared):
            yield whole[len(shared):], shared if shared == prompt else None
    if failure != "?":
        yield None, failure


def found(answer):
    return [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in answer.get("tool_calls", [])]


def try_calls(source, calls, reasoning=None):
    failure = "not rendered"
    for count in (len(calls), 1):
        for text, prompt in answers(source, calls[:count], reasoning):
            if text is None:
                failure = prompt
                continue
            answer = quince.read_answer(source, text, TOOLS, prompt)
            thought = not reasoning or THOUGHT in (answer.get("reasoning_content") or "")
            got = found(answer)
            if got == calls[:count] and thought:
                return f"{count} of {len(calls)}"
            absent = calls[0][0] not in text or (reasoning and THOUGHT not in text)
            failure = ("the template writes none" if absent else
                       f"{'calls' if got != calls[:count] else 'reasoning'} lost: {text[:300]!r}")
    return failure


def main(folder):
    lost = 0
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        source = path.read_text()
        if "tool" not in source:
            continue
        formats = quince.chat_formats(source)
        name = formats["tools"] or "-"
        flat, deep = try_calls(source, FLAT), try_calls(source, DEEP)
        tried = [try_calls(source, FLAT, t) for t in THOUGHTS] if formats["reasoning"] else ["-"]
        thought = next((t for t in tried if t.endswith(f"of {len(FLAT)}")), tried[0])
        lost += formats["tools"] is not None and "lost" in flat + deep + thought
        print(f"{path.stem:50} {name:18} {formats['reasoning'] or '-':8} calls: {flat}; nested: {deep}; behind reasoning: {thought}")
    return 1 if lost else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
