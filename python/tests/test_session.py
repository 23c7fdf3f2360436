import json

import numpy as np
import pytest

import quince

from conftest import ROOT

TOOLS = json.loads((ROOT / "examples" / "tools.json").read_text())
ASK = [{"role": "user", "content": "Show me the weather in Paris"}]


def test_a_chat_calls_a_tool_and_answers(worker):
    session = quince.Session(worker)
    message = session.chat(ASK, tools=TOOLS)
    assert message["role"] == "assistant" and message["finish_reason"] == "tool_calls"
    call = message["tool_calls"][0]["function"]
    assert "Paris" in json.loads(call["arguments"]).values()
    answer = session.chat(ASK + [message, {"role": "tool", "name": call["name"],
                                           "content": '{"value": 21.5, "unit": "celsius"}'}], tools=TOOLS)
    assert answer["finish_reason"] == "stop" and "21.5" in answer["content"]
    usage, timings = answer["usage"], answer["timings"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == timings["cache_n"] > 0
    assert timings["prompt_n"] + timings["cache_n"] == usage["prompt_tokens"]
    assert timings["predicted_n"] == usage["completion_tokens"] and timings["predicted_ms"] > 0


def test_a_stream_is_the_answer(worker):
    session = quince.Session(worker)
    whole = session.generate("The weather in", max_tokens=8, temperature=0)
    stream = session.generate("The weather in", max_tokens=8, temperature=0, stream=True)
    pieces = list(stream)
    assert len(pieces) > 2 and "".join(pieces) == whole["text"] == stream.answer["text"]
    assert stream.answer["ids"] == whole["ids"] and whole["finish_reason"] == "length"


def test_a_stream_can_be_left(worker):
    session = quince.Session(worker)
    with session.generate("The", max_tokens=200, ignore_eos=True, stream=True) as stream:
        next(stream)
    assert stream.answer["finish_reason"] == "cancelled" and len(stream.answer["ids"]) < 200
    assert session.generate("The", max_tokens=2)["usage"]["completion_tokens"] <= 2


def test_listeners_stop_and_fail(worker):
    session = quince.Session(worker)
    heard = []
    out = session.generate("The", max_tokens=50, ignore_eos=True,
                           on_text=lambda piece: heard.append(piece) or len(heard) < 3)
    assert len(heard) == 3 and out["finish_reason"] == "cancelled"
    with pytest.raises(ZeroDivisionError):
        session.generate("The", max_tokens=50, ignore_eos=True, on_text=lambda piece: 1 / 0)


def test_what_continues_runs_only_what_is_new(worker):
    session, fresh = quince.Session(worker), quince.Session(worker)
    ids = list(range(40, 90))
    first = session.generate(ids, max_tokens=4, temperature=0)
    longer = ids + first["ids"] + [33, 34]
    again = session.generate(longer, max_tokens=8, temperature=0)
    assert again["timings"]["cache_n"] >= len(ids)
    assert again["ids"] == fresh.generate(longer, max_tokens=8, temperature=0)["ids"]
    np.testing.assert_array_equal(session.logits(longer), fresh.logits(longer))
    assert session.logits(ids).shape == (50, worker.vocabulary)
    session.reset()
    assert session.generate(ids, max_tokens=1)["timings"]["cache_n"] == 0


def test_seeds_repeat(worker):
    session = quince.Session(worker)
    one, two, other = (session.generate("Once", max_tokens=30, temperature=1.5, seed=s)["ids"] for s in (1, 1, 2))
    assert one == two != other


def test_stop_strings_are_cut(worker):
    session = quince.Session(worker)
    text = session.generate("The weather in", max_tokens=24, temperature=0)["text"]
    stop = text[len(text) // 2:len(text) // 2 + 3]
    out = session.generate("The weather in", max_tokens=24, temperature=0, stop=stop)
    assert out["text"] == text[:text.index(stop)] and out["finish_reason"] == "stop"


@pytest.mark.parametrize("bad", [
    dict(temperature=-1), dict(max_tokens=0), dict(top_p=1.5), dict(min_p=2.0, temperature=1)])
def test_bad_options_are_errors(worker, bad):
    with pytest.raises(quince.Error, match=next(iter(bad))):
        quince.Session(worker).generate("x", **bad)


def test_bad_use_is_an_error(worker, tmp_path):
    session = quince.Session(worker)
    with pytest.raises(quince.Error, match=f"token 0 is {worker.vocabulary}"):
        session.generate([worker.vocabulary])
    with pytest.raises(TypeError):
        session.generate([1.5])
    with pytest.raises(quince.Error):
        session.chat([{"role": "user"}], tools="weather")
    with pytest.raises(quince.Error):
        quince.LanguageModel(tmp_path)
    with pytest.raises(quince.Error, match="threads"):
        quince.Session(worker, threads=1)


def test_the_contract_is_told(worker):
    assert worker.contract and worker.context_length > 0


def joined(deltas):
    """The message that OpenAI's deltas add up to, and how many of each kind there were."""
    message, counts = {"role": "assistant", "content": ""}, {"content": 0, "arguments": 0}
    for delta in deltas:
        assert len(delta) == 1
        if "content" in delta:
            message["content"] += delta["content"]
            counts["content"] += 1
        for piece in delta.get("tool_calls", []):
            calls = message.setdefault("tool_calls", [])
            if "id" in piece:
                assert piece["index"] == len(calls) and piece["type"] == "function"
                calls.append({k: dict(v) if isinstance(v, dict) else v for k, v in piece.items() if k != "index"})
            else:
                calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
                counts["arguments"] += 1
    return message, counts


def test_a_chat_streams_deltas(worker):
    session = quince.Session(worker)
    whole = session.chat(ASK, tools=TOOLS, temperature=0)
    stream = session.chat(ASK, tools=TOOLS, temperature=0, stream=True)
    message, counts = joined(stream)
    assert message["tool_calls"] == whole["tool_calls"] == stream.answer["tool_calls"]
    assert message["content"] == "" and whole["content"] is None and counts["arguments"] > 1
    # a name comes before the arguments, and ids stay
    texts = session.chat([{"role": "user", "content": "Hello"}], tools=TOOLS, temperature=0, stream=True)
    message, counts = joined(texts)
    assert message["content"] == texts.answer["content"] != "" and counts["content"] > 1
    assert "tool_calls" not in message and texts.answer["finish_reason"] == "stop"


def test_choices_in_streams(worker):
    session = quince.Session(worker)
    for choice, want in (("none", None), ("required", "get_weather"), (TOOLS[0]["function"]["name"], None),
                         ({"type": "function", "function": {"name": TOOLS[-1]["function"]["name"]}}, None)):
        stream = session.chat(ASK, tools=TOOLS, tool_choice=choice, temperature=0, max_tokens=60, stream=True)
        message, _ = joined(stream)
        named = choice["function"]["name"] if isinstance(choice, dict) else choice
        if choice == "none":
            assert "tool_calls" not in message and message["content"] == stream.answer["content"]
            continue
        calls = message["tool_calls"]
        assert calls == stream.answer["tool_calls"] and stream.answer["finish_reason"] == "tool_calls"
        assert all(isinstance(json.loads(c["function"]["arguments"]), dict) for c in calls)
        assert calls[0]["function"]["name"] == (want or named)


def test_a_chat_stream_can_be_left(worker):
    session = quince.Session(worker)
    with session.chat(ASK, tools=TOOLS, temperature=0, stream=True) as stream:
        first = next(stream)["tool_calls"][0]
        assert first["function"] == {"name": "get_weather", "arguments": ""}
    assert stream.answer["finish_reason"] == "cancelled"
    assert session.chat(ASK, tools=TOOLS, temperature=0)["finish_reason"] == "tool_calls"
