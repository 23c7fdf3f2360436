#!/usr/bin/env python3
"""Compares masks with a brute-force oracle on random schemas.

  oracle.py LIBQUINCE.so [--schemas N] [--seed S]

Each schema is crossed with a small finite domain. Every document of the domain is written in every order of its members and
judged by Python's jsonschema; the valid texts make the oracle: a token is allowed exactly when some valid text begins with
what is written and the token. Every prefix of every valid text is compared. Needs jsonschema.
"""
import argparse, ctypes, itertools, json, random, sys

import jsonschema

# Numbers and strings have several spellings in JSON; the domain and the vocabulary leave out what the others need (\\ . e - 0).
TOKENS = [bytes([b]) for b in b'"abc123,:{}[]nultrfs'] + [b'",', b'":', b'"a', b'{"', b'"}', b'},', b'":[', b'["', b'a":', b'"b":1',
          b'null', b'true', b'],[', b'ab', b'1,', b'":"', b'","', b'[1,', b'}}', b'b"]', b'"c":{"a"', b'11', b'tru', b'l,', b'3]', b'":{']
TOKENS += [b"e,", b"e]", b"e}", b"ue", b"se"]
KEYS = ["a", "b", "c"]
STRINGS = ["", "a", "b", "ab"]
SCALARS = [None, True, False, 1, 2, 3] + STRINGS


def domain(depth):
    scalars = {"enum": SCALARS}
    if depth == 0:
        return scalars
    inner = domain(depth - 1)
    return {"anyOf": [scalars, {"type": "array", "items": inner, "maxItems": 2},
                      {"type": "object", "additionalProperties": inner, "propertyNames": {"enum": KEYS}, "maxProperties": 2}]}


def documents(depth):
    """Texts of the domain with their values, in every order of members."""
    out = [(json.dumps(s), s) for s in SCALARS]
    if depth == 0:
        return out
    inner = documents(depth - 1)
    out.append(("[]", []))
    out.append(("{}", {}))
    for t, v in inner:
        out.append(("[%s]" % t, [v]))
        out += [('{"%s":%s}' % (k, t), {k: v}) for k in KEYS]
    for (t, v), (u, w) in itertools.product(inner, inner):
        out.append(("[%s,%s]" % (t, u), [v, w]))
        out += [('{"%s":%s,"%s":%s}' % (k, t, l, u), {k: v, l: w}) for k in KEYS for l in KEYS if k != l]
    return out


def random_schema(r, depth=2):
    pick = r.random()
    if depth == 0 or pick < 0.25:
        return r.choice([{"type": r.choice(["integer", "string", "boolean", "null", "array", "object"])},
                         {"enum": r.sample(SCALARS, r.randint(1, 3))}, {"const": r.choice(SCALARS + [[], {}, [1], {"a": 1}])},
                         {"minimum": r.randint(1, 3)}, {"multipleOf": 2}, {"minLength": 1}, {"maxLength": 1}, {"pattern": r.choice(["a", "^a", "b$", "^$"])},
                         {"exclusiveMaximum": r.randint(1, 3)}, True, False, {}])
    sub = lambda: random_schema(r, depth - 1)

    def tagged():
        tag, other = r.sample(KEYS, 2)
        beside = {"required": [tag]} if r.random() < 0.7 else {}
        return [{"properties": {tag: {"const": c}, other: sub()}, **beside} for c in r.choices(SCALARS, k=r.randint(2, 5))]

    kinds = {
        "properties": lambda: {k: sub() for k in r.sample(KEYS, r.randint(1, 3))},
        "required": lambda: r.sample(KEYS, r.randint(1, 2)), "additionalProperties": sub, "minProperties": lambda: r.randint(0, 2),
        "maxProperties": lambda: r.randint(0, 2), "propertyNames": lambda: r.choice([{"pattern": "^[ab]"}, {"const": "c"}, {"enum": ["a", "c"]}]),
        "patternProperties": lambda: {r.choice(["^a", "b|c", "^[ac]$"]): sub()}, "items": sub, "prefixItems": lambda: [sub() for _ in range(r.randint(1, 2))],
        "minItems": lambda: r.randint(0, 2), "maxItems": lambda: r.randint(0, 2), "uniqueItems": lambda: True, "contains": sub,
        "anyOf": lambda: [sub() for _ in range(r.randint(2, 4))], "oneOf": lambda: tagged() if r.random() < 0.4 else [sub() for _ in range(r.randint(2, 5))], "allOf": lambda: [sub(), sub()], "not": sub,
        "dependentRequired": lambda: {r.choice(KEYS): [r.choice(KEYS)]}, "dependentSchemas": lambda: {r.choice(KEYS): sub()},
        "unevaluatedProperties": sub, "unevaluatedItems": sub, "type": lambda: r.choice(["array", "object", ["object", "string"]]),
    }
    schema = {k: kinds[k]() for k in r.sample(sorted(kinds), r.randint(1, 3))}
    if r.random() < 0.15:
        schema.update({"if": sub(), "then": sub(), "else": sub()})
    if "contains" in schema and r.random() < 0.5:
        schema["minContains"], schema["maxContains"] = r.choice([(0, 1), (1, 1), (2, 2)])
    return schema


class Engine:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        for name in ("qn_grammar_free", "qn_matcher_free", "qn_matcher_reset"):
            getattr(self.lib, name).argtypes = [ctypes.c_void_p]
        offsets = [0]
        for t in TOKENS:
            offsets.append(offsets[-1] + len(t))
        self.n = len(TOKENS) + 1  # and the stop token
        offsets.append(offsets[-1])
        self.stop = len(TOKENS)
        self.vocabulary = ctypes.c_void_p()
        stops = (ctypes.c_uint32 * 1)(self.stop)
        self.call("qn_vocabulary_create", self.n, b"".join(TOKENS), (ctypes.c_uint32 * len(offsets))(*offsets), None, stops, 1,
                  ctypes.byref(self.vocabulary))
        self.words = (self.n + 31) // 32
        self.mask = (ctypes.c_uint32 * self.words)()

    def call(self, name, *arguments):
        err = ctypes.create_string_buffer(1024)
        if getattr(self.lib, name)(*arguments, err) != 0:
            raise RuntimeError("%s: %s" % (name, err.raw[4:516].split(b"\0")[0].decode()))

    def open(self, schema):
        text = json.dumps(schema).encode()

        class Options(ctypes.Structure):
            _fields_ = [("documents", ctypes.c_void_p), ("n", ctypes.c_size_t), ("a", ctypes.c_bool), ("b", ctypes.c_bool), ("compact", ctypes.c_bool)]

        grammar, matcher = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("qn_grammar_from_json_schema", text, ctypes.c_size_t(len(text)), ctypes.byref(Options(None, 0, False, False, True)), ctypes.byref(grammar))
        self.call("qn_matcher_create", grammar, self.vocabulary, ctypes.byref(matcher))
        return grammar, matcher

    def allowed(self, matcher):
        self.call("qn_matcher_mask", matcher, self.mask, ctypes.c_size_t(self.words))
        return {i for i in range(self.n) if self.mask[i // 32] >> i % 32 & 1}


def compare(engine, schema, texts):
    grammar, matcher = engine.open(schema)
    prefixes = {}
    for t in texts:
        data = t.encode()
        for i in range(len(data) + 1):
            prefixes.setdefault(data[:i], set())
    for p in prefixes:
        want = prefixes[p]
        for i, token in enumerate(TOKENS):
            if p + token in prefixes:
                want.add(i)
    for t in texts:
        prefixes[t.encode()].add(engine.stop)
    wrong = None
    taken = ctypes.c_bool()
    for p, want in (prefixes if prefixes else {b"": set()}).items():
        engine.lib.qn_matcher_reset(matcher)
        if p:
            engine.call("qn_matcher_consume_text", matcher, p, ctypes.c_size_t(len(p)), ctypes.byref(taken))
            if not taken.value:
                wrong = (p, "a valid beginning is refused")
                break
        got = engine.allowed(matcher)
        if got != want:
            name = lambda s: [TOKENS[i].decode() if i < len(TOKENS) else "<stop>" for i in sorted(s)]
            wrong = (p, "too many %s, missing %s" % (name(got - want), name(want - got)))
            break
    engine.lib.qn_matcher_free(matcher)
    engine.lib.qn_grammar_free(grammar)
    return wrong, len(prefixes)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("library")
    p.add_argument("--schemas", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    engine, r = Engine(a.library), random.Random(a.seed)
    docs, box, bad, masks, unsatisfiable = documents(1), domain(1), 0, 0, 0
    for number in range(a.schemas):
        schema = {"allOf": [random_schema(r), box]}
        check = jsonschema.Draft202012Validator(schema)
        texts = [t for t, v in docs if check.is_valid(v)]
        unsatisfiable += not texts
        try:
            wrong, n = compare(engine, schema, texts)
        except RuntimeError as e:
            wrong, n = (b"", str(e)), 0
        masks += n
        if wrong:
            bad += 1
            print("%d after %r: %s\n   %s" % (number, wrong[0].decode(), wrong[1], json.dumps(schema["allOf"][0])))
    print("%d schemas (%d without any valid text), %d masks, %d schemas wrong" % (a.schemas, unsatisfiable, masks, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
