import json
import pathlib

import numpy as np
import pytest

import quince

WORKER = pathlib.Path(__file__).parents[2] / "examples/models/worker"

PERSON = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12},
                                           "age": {"type": "integer", "minimum": 1, "maximum": 99}},
          "required": ["name", "age"], "additionalProperties": False}


def test_masks_say_what_may_come(worker):
    matcher = quince.Grammar.from_regex("(yes|no)!", worker).matcher()
    vocabulary = quince.Vocabulary([b"y", b"yes", b"n", b"no", b"maybe", b"es", b"o!", b"!", None], [8])
    small = quince.Grammar.from_regex("(yes|no)!").matcher(vocabulary)
    assert small.allowed().tolist() == [0, 1, 2, 3]
    assert small.consume([2]) == 1 and small.allowed().tolist() == [6]
    assert small.consume([6]) == 1 and small.can_end() and small.allowed().tolist() == [8]
    small.rollback(1)
    assert small.consume([6, 8, 7]) == 2
    small.reset()
    assert small.mask(np.full(3, 0xFFFFFFFF, np.uint32)).tolist() == [15, 0, 0]
    other = small.copy()
    assert other.consume_text("ye") and not small.consume_text("e")
    assert other.forced() == "s!" and other.shortest() == "s!"
    assert matcher.accepts("yes") and matcher.accepts("n") and not matcher.accepts("maybe")


def test_grammars_check_texts():
    grammar = quince.Grammar.from_json_schema(PERSON)
    assert grammar.is_satisfiable and grammar.left_out == []
    assert grammar.check('{"age": 3, "name": "x"}') == (True, 23)
    assert grammar.check('{"age": "3"') == (False, 8)
    assert grammar.check('{"age": 300') == (False, 11)  # may become 300e-2
    assert not quince.Grammar.from_json_schema(False).is_satisfiable
    assert quince.Grammar.from_choice(["a.b", "c"]).check("a.b")[0]
    assert not quince.Grammar.from_choice(["a.b", "c"]).check("axb")[0]
    assert quince.Grammar.from_gbnf('root ::= "a" root | "b"').check("aaab")[0]
    assert quince.Grammar.from_lark('start: "a" | "(" start ")"').check("((a))")[0]
    tags = quince.Grammar.from_tags([{"begin": "<n>", "schema": {"type": "integer"}, "end": "</n>"}])
    assert tags.check("free <n>\n12 </n> text")[0] and not tags.check("<n>x</n>")[0]
    ref = quince.Grammar.from_json_schema({"$ref": "urn:a"}, documents={"urn:a": {"const": 1}})
    assert ref.check("1")[0] and not ref.check("2")[0]


def test_bad_grammars_are_errors():
    with pytest.raises(quince.Error, match="/type"):
        quince.Grammar.from_json_schema({"type": "nothing"})
    with pytest.raises(quince.Error):
        quince.Grammar.from_regex("(")
    with pytest.raises(quince.Error):
        quince.Grammar.from_json_schema({"$ref": "https://example.org/none"})
    with pytest.raises(TypeError):
        quince.Grammar.from_regex("a").matcher("gpt2")
    with pytest.raises(quince.Error, match="tokenizer"):
        quince.Grammar.from_regex("a").matcher()


def test_answers_fit(worker):
    session = quince.Session(worker)
    ask = [{"role": "user", "content": "Tell me about Ann"}]
    for use in (dict(json_schema=PERSON), dict(grammar=quince.Grammar.from_json_schema(PERSON)),
                dict(response_format={"type": "json_schema", "json_schema": {"schema": PERSON}}),
                dict(structured_outputs={"json": PERSON})):
        answer = json.loads(session.chat(ask, max_tokens=60, temperature=1.3, seed=3, **use)["content"])
        assert set(answer) == {"name", "age"} and 1 <= answer["age"] <= 99 and len(answer["name"]) <= 12
    assert session.generate("Is it?", structured_outputs={"choice": ["yes", "no"]})["text"] in ("yes", "no")
    assert isinstance(json.loads(session.chat(ask, max_tokens=80, response_format={"type": "json_object"})["content"]), dict)
    compact = session.generate("x", structured_outputs={"json": PERSON, "disable_any_whitespace": True}, max_tokens=60)["text"]
    assert compact == json.dumps(json.loads(compact), separators=(",", ":"), ensure_ascii=False)
    assert session.generate("x", structured_outputs={"grammar": 'start: "a" | "b"'})["text"] in ("a", "b")
    assert session.generate("x", structured_outputs={"grammar": 'root ::= "a" | "b"'})["text"] in ("a", "b")
    with pytest.raises(quince.Error, match="exclude"):
        session.chat(ask, json_schema=PERSON, structured_outputs={"regex": "a"})


def test_tools_are_chosen(worker):
    tools = [{"type": "function", "function": {"name": n, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}} for n in ("sun", "rain")]
    session = quince.Session(worker)
    ask = [{"role": "user", "content": "Hello"}]
    for choice in ("rain", {"type": "function", "function": {"name": "rain"}}):
        call = session.chat(ask, tools=tools, tool_choice=choice, max_tokens=50)["tool_calls"][0]["function"]
        assert call["name"] == "rain" and isinstance(json.loads(call["arguments"])["city"], str)
    assert "tool_calls" not in session.chat(ask, tools=tools, tool_choice="none", max_tokens=50)
    with pytest.raises(quince.Error, match='"snow"'):
        session.chat(ask, tools=tools, tool_choice="snow")


def test_transformers_tokenizers_are_taken(tmp_path):
    transformers = pytest.importorskip("transformers")
    from conftest import WORKER
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(WORKER))
    matcher = quince.Grammar.from_json_schema(PERSON, tokenizer).matcher()
    text = '{"name": "Zoë", "age": 41}'
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    for i in ids:
        assert i in matcher.allowed()
        assert matcher.consume([i]) == 1
    assert matcher.allowed().tolist() == [tokenizer.eos_token_id]


def test_vocabulary_of_a_tokenizer_with_several_stops():
    tokenizer = quince.Tokenizer(WORKER)
    model = quince.LanguageModel(WORKER)
    grammar = quince.Grammar.from_regex("(yes|no)")
    of_model, of_tokenizer = grammar.matcher(model), grammar.matcher(tokenizer)
    size = (len(tokenizer) + 31) // 32
    assert (of_model.mask(np.zeros(size, np.uint32)) == of_tokenizer.mask(np.zeros(size, np.uint32))).all()

    matcher = grammar.matcher(tokenizer, stops=[3, 5])
    assert matcher.consume(tokenizer.encode("yes", add_special_tokens=False)) > 0
    words = matcher.mask(np.zeros(size, np.uint32))
    allowed = np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little"))
    assert list(allowed) == [3, 5]
    with pytest.raises(TypeError):
        quince.Vocabulary.of(model, stops=[3])


TOKENS = quince.Vocabulary([bytes([b]) for b in range(32, 127)] + [b'{"', b'":', b'"}', b"]]", b"true", b"ab", None], [101])


def test_masks_of_several_matchers_at_once():
    grammars = [quince.Grammar.from_regex(r) for r in ("ab", "[{]", "x*")]
    matchers = [g.matcher(TOKENS) for g in grammars]
    assert (quince.Matcher.masks(matchers) == [m.mask() for m in matchers]).all()
    wide = quince.Matcher.masks(matchers, np.full((3, 6), 0xFFFFFFFF, np.uint32))
    assert (wide[:, :4] == quince.Matcher.masks(matchers)).all() and not wide[:, 4:].any()
    assert quince.Matcher.masks([]).shape == (0, 0)
    with pytest.raises(TypeError):
        quince.Matcher.masks(matchers, np.zeros(7, np.uint32))
    with pytest.raises(quince.Error, match="words"):
        quince.Matcher.masks(matchers, np.zeros((3, 1), np.uint32))


def test_a_budget_is_kept():
    grammar = quince.Grammar.from_json_schema(PERSON)
    draw = np.random.default_rng(1)
    needed = len(grammar.matcher(TOKENS).completion())
    assert grammar.check(grammar.matcher(TOKENS).shortest())[0]
    for more in (0, 1, 2, 5, 9, 30):
        matcher = grammar.matcher(TOKENS)
        for left in range(needed + more, 0, -1):
            token = matcher.steer(draw.choice(matcher.allowed()), left)
            if token in (101, None):
                break
        assert matcher.can_end()
    free = quince.Grammar.from_tags([{"begin": "{", "schema": {"type": "object"}, "end": ""}]).matcher(TOKENS)
    assert free.steer(ord("{") - 32, 2) == 101  # what would begin cannot be ended
    with pytest.raises(quince.Error, match="token"):
        grammar.matcher(TOKENS).steer(5, 60)


def test_logits_processor_keeps_a_budget():
    torch = pytest.importorskip("torch")
    grammar = quince.Grammar.from_json_schema(PERSON)
    torch.manual_seed(1)
    needed = len(grammar.matcher(TOKENS).completion())
    for max_tokens in (needed, needed + 3, needed + 20):
        processor = quince.LogitsProcessor(grammar, TOKENS, max_tokens=max_tokens)
        ids = torch.zeros((3, 2), dtype=torch.long)  # a prompt
        outputs = [grammar.matcher(TOKENS) for _ in range(3)]
        for _ in range(max_tokens):
            scores = processor(ids, torch.randn(3, 104))
            chosen = scores.argmax(-1)
            for matcher, token in zip(outputs, chosen.tolist()):
                assert matcher.consume([token]) == 1 or 101 not in matcher.allowed()
            ids = torch.cat([ids, chosen[:, None]], 1)
        assert all(m.can_end() for m in outputs)
