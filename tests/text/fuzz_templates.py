#!/usr/bin/env python3
"""Renders random templates and compares with jinja2 as transformers sets it up.

  fuzz_templates.py [--runs N] [--seed S] [--first NUMBER]

The texts have to be equal, or both have to raise. Prints what differs, and exits with 1 when anything does. Needs quince
and transformers. What has no meaning outside of Python (addresses of objects, integers beyond 64 bits) is left out.
"""
import argparse
import datetime
import multiprocessing
import random
import re
import resource
import signal
import sys

import quince
from transformers.utils import chat_template_utils as judge

NOW = 1785930000

VARIABLES = {
    "x": 3, "y": 2.5, "s": "Hello wörld", "t": "  a,b;c \n", "l": [3, 1, 2], "e": [], "n": None, "b": True,
    "d": {"a": 1, "k": "v", "z": [1, 2]}, "rows": [{"n": "b", "v": 2}, {"n": "A", "v": 1}, {"n": "a", "v": 2}],
    "deep": [[1, [2, 3]], [4]], "tree": [{"v": 1, "c": [{"v": 2, "c": []}]}, {"v": 3, "c": []}],
    "u": "é日👍\u0130\u00df ǅ", "w": "the quick-brown fox\njumps\t over   the lazy dog", "h": "<a href='x'>T&amp;c</a> \"q\"",
    "words": ["b", "A", "a", "é", ""], "big": 4611686018427387904, "neg": -7, "tiny": 1e-7, "huge": 1e22, "zero": 0, "f": False,
    "calls": [{"function": {"name": "f", "arguments": {"a": [1, 2.5, None, True], "é": "x\"y"}}}], "nested": {"a": {"b": {"c": 5}}},
}
NAMES = list(VARIABLES) + ["missing", "i", "loop", "ns", "m", "q"]
NUMBERS = ["0", "1", "2", "-1", "3", "10", "1.5", "0.5", "1e3", "0x1f", "0b101", "0o17", "1_000", "2.0", "100", "255", "-0.0", "1e16",
           "123456789", "0.1", "1e-5", "7", "x", "y", "big", "neg", "tiny", "huge", "zero", "true", "2**62", "1.25", "2.675", "1e100",
           "9223372036854775807", "-9223372036854775808"]
SMALL = ["0", "1", "2", "3", "-1", "5", "9", "-2", "x", "true", "1.5", "none", "12", "zero", "neg"]
TEXTS = ["''", "'a'", "'b c'", '"é"', "','", "'%s-%d'", "'{} {}'", "'x\\ny'", "'<b>'", "'12'", "'AbC dE'", "'{0:>5}'", "'3.7'",
         "s", "t", "u", "w", "h", "'\\u00e9\\t\\x41'", "'a' 'b'", "' 1_0 '", "'-5'", "'0x1F'", "'1e3'", "'inf'", "'nan'", "'l'", "'ß'",
         "'a\\r\\nb\\x0bc'", "'%'", "'{'", "'null'", "'one two three'", "'aXbXc'", "'+7'", "'₂'", "'Ⅷ'", "'٣'", "'%(a)s'", "'{a}'",
         "'<x>'|safe", "h|e", "'&'|safe", "s|e"]
LISTS = ["l", "e", "words", "rows", "deep", "range(5)", "range(3, 0, -1)", "[1, 2, 3]", "['b', 'a']", "(1, 'a')", "[]", "()", "d.items()",
         "d.keys()", "d.values()", "rows|map(attribute='v')", "calls", "[none, 1, 'x', [2]]", "tree", "[[1, 2], [3, 4]]", "words|select",
         "'abc'", "s", "d", "[1, 1.0, true, 'a']", "[{'a': 1}, {'a': 2}, {}]", "[0.1, 0.2]", "s.split()", "d|items", "range(10)|batch(3)"]
DICTS = ["d", "{}", "{'b': 1, 'a': 2}", "nested", "{1: 2, 'x': [1]}", "dict(a=1, c='x')", "rows[0]", "calls[0]", "{'A': 1, 'b': 0, 'a': 3}",
         "dict([['k', 1]])", "dict(d, q=1)", "{none: 1, true: 2, 1.5: 3}", "dict.fromkeys(['a', 'b'], 0)", "{(1, 2): 'x'}"]
# For each filter and method what its arguments are: T text, N number, L sequence, D mapping, E anything.
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "odd", "even",
         "true", "false", "lower", "upper", "callable", "divisibleby(N)", "divisibleby N", "eq(E)", "ne E", "in L", "in T", "sameas(E)",
         "sameas none", "gt N", "lt(N)", "ge N", "le(E)", "escaped", "filter", "test", "in 'abc'", "equalto E", "lessthan N",
         "greaterthan(N)", "==(E)", "defined()", "in D", "lower()", "in(L)", "nosuch"]
TEXT_FILTERS = [
    "upper", "lower", "title", "capitalize", "trim", "trim(T)", "length", "string", "int", "float", "int(7)", "int(0, 16)", "int(base=0)",
    "float(1)", "reverse", "list", "first", "last", "replace(T, T)", "replace(T, T, N)", "e", "escape", "forceescape", "safe", "center(9)",
    "center(N)", "indent", "indent(2, true)", "indent(N, E, E)", "indent(T)", "truncate(5)", "truncate(4, true, '.')", "truncate(N, E, T)",
    "truncate(9, false, '', 0)", "urlencode", "wordcount", "format(E, E)", "format(N)", "format(a=E)", "striptags", "urlize", "urlize(5)",
    "urlize(target=T, nofollow=true)", "urlize(rel=T)", "wordwrap(5)", "wordwrap(N)", "wordwrap(9, false)", "wordwrap(4, true, T)",
    "wordwrap(7, break_on_hyphens=false)", "default(E)", "d(E, true)", "tojson", "pprint", "join(T)", "unique|join", "sort|join", "batch(2)|list",
    "filesizeformat", "upper|lower", "count", "groupby(0)", "attr('upper')", "max", "min", "select|join", "map('upper')|join", "sum"]
NUMBER_FILTERS = ["abs", "int", "float", "round", "round(N)", "round(1)", "round(2, 'floor')", "round(1, 'ceil')", "round(-1)", "round(none)",
                  "string", "filesizeformat", "filesizeformat(true)", "tojson", "pprint", "default(E)", "d(E, true)", "int(E, N)", "e", "abs|round(N)",
                  "round(method='ceil')", "round(N, 'common')", "urlencode", "upper", "length", "float|int", "string|length"]
LIST_FILTERS = [
    "length", "count", "first", "last", "list", "reverse|list", "sort", "sort(reverse=true)", "sort(E, E)", "sort(attribute=T)", "unique|list",
    "unique(true)|list", "join(',')", "join", "join(T, T)", "tojson", "tojson(indent=2)", "tojson(indent=N)", "sum", "sum(start=N)", "min", "max",
    "max(true)", "map('upper')|list", "map('int')|sum", "map('string')|join", "map(attribute='n')|list", "map(attribute='v', default=0)|list",
    "map('default', E)|list", "map('round', N)|list", "map('replace', T, T)|list", "select|list", "select('odd')|list", "reject('none')|list",
    "select('in', L)|list", "reject('equalto', E)|list", "select('gt', N)|list", "batch(2)|list", "batch(N, E)|list", "slice(2)|list",
    "slice(N, E)|list", "random", "pprint", "string", "unique|map('string')|join", "items|list", "reverse", "map('tojson')|join", "map('list')|list",
    "map('length')|list", "select('string')|list", "select('mapping')|list", "map('first')|list", "map('e')|join", "map('items')|map('list')|list",
    "sort|first", "map('pprint')|join", "urlencode", "xmlattr", "batch(3)|map('join')|list", "slice(3)|map('length')|list", "map(attribute=0)|list"]
ROW_FILTERS = [
    "selectattr('v')|list", "selectattr('v', 'eq', 2)|list", "rejectattr('n', 'equalto', 'a')|list", "groupby('v')", "groupby('n')",
    "groupby('n', case_sensitive=true)", "groupby('q', default=E)|list", "groupby('v')|map('last')|list", "groupby('v')|map(attribute='list')|list",
    "groupby('v')|map(attribute='grouper')|list", "sort(attribute='n')", "sort(attribute='v,n')", "sort(attribute='v', reverse=true)",
    "min(attribute='v')", "max(attribute='n')", "sum(attribute='v')", "sum('v', N)", "join(', ', 'n')", "unique(attribute='n')|list",
    "map(attribute='q')|list", "map(attribute='n')|map('upper')|join('-')", "selectattr('n', 'in', L)|list", "selectattr('q', 'defined')|list",
    "rejectattr('v', 'divisibleby', 2)|list", "map('attr', 'items')|list", "map('dictsort')|list", "map('xmlattr')|join", "selectattr('n', T)|list",
    "rejectattr('q')|list", "map('selectattr', 'n')|list", "map(attribute='a.b')|list", "selectattr('function.name')|list",
    "map(attribute='function.arguments')|list", "sort(attribute='q')", "sort(case_sensitive=true, attribute='n')|map(attribute='n')|join"]
DICT_FILTERS = ["dictsort", "dictsort(by='value')", "dictsort(true)", "dictsort(reverse=true)", "dictsort(false, 'value', true)", "items|list", "length",
                "list", "tojson", "tojson(sort_keys=true)", "tojson(indent=4)", "tojson(ensure_ascii=true)", "tojson(separators=(',', ':'))",
                "tojson(indent=T)", "tojson(separators=(T, T), indent=1)", "xmlattr", "xmlattr(false)", "urlencode", "string", "attr('a')", "attr('items')",
                "first", "last", "join", "sort", "max", "map('upper')|list", "select|list", "pprint", "reverse|list", "unique|list", "sum", "attr(T)",
                "tojson(false, 2, none, true)", "default(E, true)", "length|string", "batch(2)|list", "random", "tojson|tojson", "tojson|e"]
TEXT_METHODS = [
    "upper()", "lower()", "title()", "strip()", "strip(T)", "lstrip('H ')", "rstrip(T)", "rstrip()", "split()", "split(T)", "split(',', N)",
    "split('l', 1)", "split(maxsplit=1)", "rsplit('l', 1)", "rsplit(none, 1)", "rsplit(T)", "rsplit(T, N)", "replace(T, T)", "replace(T, T, N)",
    "startswith(T)", "endswith(T)", "startswith(('a', 'H'))", "startswith(T, N)", "endswith(T, N, N)", "find(T)", "rfind(T)", "find(T, N)",
    "rfind(T, N, N)", "index(T)", "rindex(T)", "count(T)", "count(T, N, N)", "join(L)", "join(words)", "join(s)", "isdigit()", "isalpha()",
    "isspace()", "istitle()", "isupper()", "islower()", "isalnum()", "isnumeric()", "isdecimal()", "isascii()", "isidentifier()", "isprintable()",
    "splitlines()", "splitlines(true)", "partition(T)", "rpartition(T)", "zfill(N)", "center(N, '*')", "center(9)", "ljust(8)", "rjust(8, T)",
    "ljust(N, T)", "swapcase()", "capitalize()", "casefold()", "removeprefix(T)", "removesuffix(T)", "format(E, E)", "format(E)", "format(a=E)",
    "format(*L)", "format_map(D)", "expandtabs()", "expandtabs(N)", "encode()", "translate({97: 'z', 98: none})", "translate(D)", "maketrans('a', 'b')",
    "unescape()", "striptags()", "isspace", "__class__", "_x", "nosuch", "nosuch()", "real", "items"]
LIST_METHODS = ["index(E)", "count(E)", "copy()", "append(E)", "pop()", "sort()", "reverse()", "insert(0, E)", "index(E, N)", "0", "1", "extend(L)",
                "clear()", "remove(E)", "start", "stop", "step", "__len__", "nosuch", "first", "isdisjoint(L)", "mapping"]
DICT_METHODS = ["keys()|list", "values()|list", "items()|list", "get('a')", "get('q', E)", "get(T)", "get(T, E)", "copy()", "keys()", "values()",
                "items()", "update({})", "pop('a')", "setdefault('a', 1)", "popitem()", "clear()", "a", "k", "z", "items", "fromkeys(L)",
                "fromkeys(L, E)", "b", "function.arguments", "a.b", "nosuch", "nosuch.x", "get", "keys", "__len__", "name", "get(key='a')"]
NUMBER_METHODS = ["real", "imag", "numerator", "denominator", "bit_length()", "is_integer()", "conjugate()", "bit_count()", "as_integer_ratio()",
                  "hex()", "nosuch", "to_bytes(8, 'big')", "fromhex('0x1')", "__add__(1)"]
PERCENTS = ["%s", "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%x", "%X", "%o", "%#x", "%f", "%.2f", "%8.3f", "%e", "%g", "%G", "%.3g", "%r", "%c", "%%",
            "%i", "%u", "%10s|", "%-10s|", "%.2s", "%a", "%(a)s", "%(k)r", "%*d", "%.*f", "%#o", "%E", "%.0f", "%.0e", "%+.1f", "%z", "%5%", "%ld", "%", "%#.3g", "%010.3f"]
SPECS = ["{}", "{0}", "{1}", "{a}", "{:5}", "{:<5}|", "{:>5}", "{:^7}|", "{:*^9}", "{:05}", "{:+}", "{: }", "{:,}", "{:_}", "{:.2f}", "{:8.3f}", "{:e}", "{:g}",
         "{:x}", "{:#x}", "{:b}", "{:#b}", "{:o}", "{:X}", "{:%}", "{:.1%}", "{:d}", "{:n}", "{:s}", "{:.3}", "{!r}", "{!s:>6}", "{!a}", "{0.real}", "{0[0]}", "{0[a]}",
         "{a.b}", "{:{}}", "{:>{}}", "{{", "}}", "{", "}", "{:=+7}", "{:010,.2f}", "{:,.0f}", "{:c}", "{:é>4}", "{:#o}", "{:#X}", "{:G}", "{:E}", "{:F}", "{0!q}", "{:10s}|",
         "{:_x}", "{:z.1f}", "{:-}", "{0[0][1]}", "{:,d}", "{:.0f}", "{:#.3g}", "{:<08}", "{:=5}", "{:1$}"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">", "<=", ">=", "and", "or", "in", "not in"]


class Grammar:
    """Expressions of a wanted type (T, N, L, D as above, R: rows), now and then of another one."""

    def __init__(self, random_numbers):
        self.r = random_numbers

    def pick(self, items):
        return self.r.choice(items)

    def filled(self, pattern, depth):
        """Letters that stand for arguments become expressions."""
        return re.sub(r"(?<![\w'])[TNLDE](?![\w'])", lambda m: self.argument("S" if m.group() == "N" else m.group(), depth - 1), pattern)

    def argument(self, kind, depth):
        text = self.expression(max(depth, 0) if self.r.random() < 0.2 else 0, None if kind == "E" else kind)
        return text if re.fullmatch(r"[\w.]+|'[^']*'|\[.*\]|\(.*\)|\{.*\}", text) and not text[0] == "-" else f"({text})"

    def leaf(self, kind):
        return self.pick({"T": TEXTS, "N": NUMBERS, "S": SMALL, "L": LISTS, "D": DICTS, "R": ["rows", "rows", "tree", "calls", "[{'a': 1}, {'a': 2}, {}]"]}.get(
            kind, NAMES + ["none", "true", "false", "missing.x", "m", "namespace(a=1)", "cycler(1, 2)", "joiner('-')", "d.get", "s.upper", "range"]))

    def expression(self, depth=3, kind=None):
        r = self.r
        if kind is None or r.random() < 0.03:
            kind = self.pick("TTTNNLLDRX")
        if depth <= 0 or r.random() < 0.1:
            return self.leaf(kind)
        chance = r.randrange(10)
        if chance == 0:
            return self.general(depth)
        if kind == "T":
            return self.text_expression(depth, chance)
        if kind in "NS":
            return self.number_expression(depth, chance)
        if kind == "X":
            return self.general(depth)
        subject = self.atom(depth, kind)
        filters = {"L": LIST_FILTERS, "R": ROW_FILTERS + LIST_FILTERS, "D": DICT_FILTERS}[kind]
        methods = {"L": LIST_METHODS, "R": LIST_METHODS, "D": DICT_METHODS}[kind]
        if chance < 6:
            return f"{subject}|{self.filled(self.pick(filters), depth)}"
        if chance < 8:
            return f"{subject}.{self.filled(self.pick(methods), depth)}"
        if chance == 8:
            return f"{subject}[{self.index(depth, kind)}]"
        if kind == "D":
            keys = ["'a'", "'b'", "1", "1.0", "true", "none", "(1, 2)", "'é'", "x", "s"]
            return "{" + ", ".join(f"{self.pick(keys)}: {self.expression(depth - 1)}" for _ in range(r.randrange(4))) + "}"
        if r.random() < 0.5:
            return f"{subject} {self.pick(['+', '+', '*'])} {self.atom(depth, self.pick(['L', 'L', 'N']))}"
        items = [self.expression(depth - 1) for _ in range(r.randrange(4))]
        return "[" + ", ".join(items) + "]" if r.random() < 0.6 else "(" + "".join(i + ", " for i in items) + ")"

    def index(self, depth, kind):
        if kind == "D":
            return self.expression(depth - 1, "T") if self.r.random() < 0.3 else self.pick(["'a'", "'k'", "'function'", "'nosuch'", "1", "none"])
        if self.r.random() < 0.4:
            return self.pick(["0", "-1", "1", "5", "x", "true", "'a'", "1.0", "none", "-2", "(1, 2)", "1:2, 3"])
        parts = [self.pick(["", "", "0", "1", "-1", "2", "none", "x", "-2", "7", "-9"]) for _ in range(self.r.choice([2, 2, 3]))]
        return ":".join(parts)

    def text_expression(self, depth, chance):
        if chance < 4:
            return f"{self.atom(depth, 'T')}|{self.filled(self.pick(TEXT_FILTERS), depth)}"
        if chance < 7:
            return f"{self.atom(depth, 'T')}.{self.filled(self.pick(TEXT_METHODS), depth)}"
        if chance == 7:
            return f"{self.atom(depth, 'T')}[{self.index(depth, 'T')}]"
        if chance == 8:
            safe = self.pick(["", "", "|safe"])
            if self.r.random() < 0.5:
                text = " ".join(self.pick(PERCENTS) for _ in range(self.r.randrange(1, 3)))
                values = self.pick([f"({self.expression(depth - 1)},)", f"({self.expression(0)}, {self.expression(0)})", self.atom(depth), self.atom(0, "N"), "d"])
                return f"('{text}'{safe} % {values})"
            text = " ".join(self.pick(SPECS) for _ in range(self.r.randrange(1, 3)))
            values = self.pick(["", "", "a=" + self.expression(depth - 1), "a=nested"])
            values = ", ".join([self.argument(self.pick("TNNELD"), depth) for _ in range(self.r.randrange(1, 3))] + ([values] if values else []))
            return f"('{text}'{safe}).format({values})"
        return f"{self.atom(depth, 'T')} {self.pick(['+', '~', '~', '*'])} {self.atom(depth, self.pick('TTTNLX'))}"

    def number_expression(self, depth, chance):
        if chance < 3:
            return f"{self.atom(depth, 'N')}|{self.filled(self.pick(NUMBER_FILTERS), depth)}"
        if chance == 3:
            return f"{self.atom(depth, 'N')}.{self.filled(self.pick(NUMBER_METHODS), depth)}"
        if chance == 4:
            return f"{self.pick(['-', '+', 'not '])}{self.atom(depth, 'N')}"
        operator = self.pick(OPERATORS)
        return f"{self.atom(depth, 'N')} {operator} {self.atom(0, 'S') if operator == '**' else self.atom(depth, self.pick('NNNNX'))}"

    def general(self, depth):
        r = self.r
        sub = lambda: self.expression(depth - 1)  # noqa: E731
        kind = r.randrange(8)
        if kind == 0:
            return f"{self.atom(depth)} is {self.pick(['', 'not '])}{self.filled(self.pick(TESTS), depth)}"
        if kind == 1:
            return f"{sub()} if {sub()}" + (f" else {sub()}" if r.random() < 0.7 else "")
        if kind == 2:
            return f"{self.atom(depth)} {self.pick(OPERATORS)} {self.atom(depth)}"
        if kind == 3:
            chain = "".join(f" {self.pick(['==', '!=', '<', '>', '<=', '>=', 'in', 'not in'])} {self.atom(0, self.pick('NNNT'))}" for _ in range(r.randrange(1, 4)))
            return f"{self.atom(0, 'N')}{chain}"
        if kind == 4:
            return f"{self.pick(['not ', '-', '+'])}{self.atom(depth)}"
        if kind == 5:
            return f"{self.atom(depth)}[{sub()}]"
        if kind == 6:
            return f"{self.atom(depth)}.{self.filled(self.pick(TEXT_METHODS + LIST_METHODS + DICT_METHODS), depth)}"
        return self.pick(["range({})", "dict(a={})", "namespace(v={})", "m({})", "m(q={})", "joiner()() ~ ({})", "range(1, {})", "m(*{})", "m(**{})",
                          "cycler(1, 2).next() ~ ({})", "loop.cycle({}, 2)", "loop({})", "dict({})", "range(5, 0, {})", "namespace({})", "cycler({}).current",
                          "caller({})", "loop.changed({})", "dict.fromkeys({})", "self.blk()", "namespace(**{})", "lipsum({})", "m.name", "m.arguments",
                          "strftime_now({})", "strftime_now('%Y-%m-%d %H %b %A %j %%')", "ns.v", "ns['v']", "m(1, 2, 3)", "varargs", "raise_exception({})"]).format(sub())

    def atom(self, depth, kind=None):
        text = self.expression(depth - 1, kind)
        return text if re.fullmatch(r"[a-z]\w*|'[^']*'", text) else f"({text})"

    def tag(self, text):
        return "{%" + self.pick(["", "", "", "-", "+"]) + f" {text} " + self.pick(["", "", "", "-", "+"]) + "%}"

    def text(self):
        return self.pick(["", "a", " ", "\n", "  \n", "x\n  ", "é ", "\n\n", "{", "}}", "\t", "\r\n", "\u00a0", "# x\n", "{ {", "%}"])

    def body(self, depth):
        return "".join(self.statement(depth) for _ in range(self.r.randrange(1, 4)))

    def statement(self, depth=3):
        r = self.r
        if depth <= 0 or r.random() < 0.35:
            return self.text() + "{{" + self.pick(["", "", "-", "+"]) + " " + self.expression() + " " + self.pick(["", "", "-"]) + "}}"
        e, body = self.expression, lambda: self.body(depth - 1)
        kind = r.randrange(22)
        if kind < 3:
            middle = self.tag("elif " + e(2)) + body() if r.random() < 0.2 else ""
            middle += self.tag("else") + body() if r.random() < 0.5 else ""
            return self.text() + self.tag("if " + e(2)) + body() + middle + self.tag("endif")
        if kind < 7:
            return self.loop(depth)
        if kind < 9:
            name = self.pick(["x", "q", "ns", "i", "s", "m", "q, i", "(q, i), x", "loop", "_z"])
            return self.text() + self.tag(f"set {name} = {self.pick([e(2), e(2), 'namespace(v=1)', '1, 2', '(1, 2), 3'])}")
        if kind == 9:
            return self.pick(["", self.tag("set ns = namespace(v=1)")]) + self.tag(f"set {self.pick(['ns.v', 'ns.w', 'ns._v', 'd.a', 'ns.v, q'])} = {e(2)}")
        if kind == 10:
            return self.tag("set " + self.pick(["q", "q | upper", "q | trim | length", "ns.v", "q|e", "q|safe"])) + body() + self.tag("endset")
        if kind == 11:
            return self.macro(depth)
        if kind == 12:
            return self.tag("call" + self.pick(["", "(q)", "(q, i=2)", "()"]) + " m(" + self.pick(["", "1", "q=2", "*l", "**d", "caller=1"]) + ")") + body() + self.tag("endcall")
        if kind == 13:
            return self.tag("filter " + self.pick(["upper", "trim", "replace('a', 'b')", "length", "e", "upper|lower", "indent(2)", "safe"])) + body() + self.tag("endfilter")
        if kind == 14:
            return self.tag(f"with {self.pick(['q = ' + e(1) + ', i = q', 'q = 1', '', 'q, i = (1, 2)', 'x = x'])}") + body() + self.tag("endwith")
        if kind == 15:
            return self.text() + "{#" + self.pick(["", "-", "+"]) + " note {{ " + self.pick(["", "-", "+"]) + "#}" + self.text()
        if kind == 16:
            return self.text() + self.tag("raw") + self.text() + "{{ x }}" + self.text() + self.tag("endraw") + self.text()
        if kind == 17:
            return self.tag("generation") + body() + self.tag("endgeneration")
        if kind == 18:
            name = self.pick(["blk", "other"])
            return self.tag(f"block {name}" + self.pick(["", "", " scoped", " required"])) + body() + self.tag("endblock" + self.pick(["", " " + name]))
        if kind == 19:
            return self.tag("print " + e(2) + self.pick(["", ", " + e(1)]))
        if kind == 20:
            return self.tag("autoescape " + self.pick(["true", "false", "true", "b", "x"])) + body() + self.tag("endautoescape")
        return self.tag(self.pick(["break", "continue", "do x", "include 'x'", "import 'x' as q", "extends 'x'", "from 'x' import q", "endif", "else", "set q",
                                   "if false", "include 'x' ignore missing", "debug", "trans"])) if r.random() < 0.2 else self.text()

    def loop(self, depth):
        r = self.r
        e, body = self.expression, lambda: self.body(depth - 1)
        over = self.pick(["l", "rows", "d", "s", "range(3)", "e", "d.items()", "rows|map(attribute='v')", "tree", e(2, "L"), e(1), "loop", "deep", "words|select"])
        target = self.pick(["i", "i", "i", "k", "i, q", "i, (q, k)", "x"])
        test = f" if {e(1)}" if r.random() < 0.2 else ""
        recursive = " recursive" if r.random() < 0.2 else ""
        other = self.tag("else") + body() if r.random() < 0.2 else ""
        shown = "{{ loop." + self.pick(["index", "index0", "first", "last", "length", "revindex", "revindex0", "previtem", "nextitem", "depth", "depth0",
                                        "changed(i)", "cycle('a', 'b')", "nosuch", "previtem.n", "nextitem|default('-')"]) + " }}"
        jump = (self.tag("if " + e(1)) + self.tag(self.pick(["break", "continue"])) + self.tag("endif")) if r.random() < 0.2 else ""
        again = self.pick(["{{ loop(i.c) }}", "{{ loop(i) }}"]) if recursive and r.random() < 0.7 else ""
        return (self.text() + self.tag(f"for {target} in {over}{test}{recursive}") + self.pick(["", "", "{{ i }}", shown]) + jump + body() + again +
                other + self.tag("endfor"))

    def macro(self, depth):
        arguments = self.pick(["", "q", "q=1", "q, i=2", "i, q=x", "q, caller=none", "q=q", "varargs", "q=[], i=q"])
        extra = self.pick(["", "", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}", "{{ caller(1) if caller else 0 }}", "{{ q }}", "{{ caller }}"])
        made = self.tag(f"macro m({arguments})") + self.body(depth - 1) + extra + self.tag("endmacro")
        return made + self.pick(["", "{{ m(" + self.expression(1) + ") }}", "{{ m() }}", self.tag("call m()") + "c" + self.tag("endcall")])


class StandingClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


def by_judge(source):
    class Slow(Exception):
        pass

    def stop(*_):
        raise Slow

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        return judge._compile_jinja_template(source).render(messages=[], tools=None, documents=None, add_generation_prompt=False, **VARIABLES)
    except Slow:
        return None
    except Exception as error:  # whatever a template may raise
        return error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def by_quince(source):
    try:
        return quince.render_chat_template(source, now=NOW, **VARIABLES)
    except quince.Error as error:
        return error


# What has no meaning outside of Python: addresses, bytes, complex numbers.
LEFT_OUT = re.compile(r" at 0x[0-9a-f]{6,}|built-in method|bound method|<function|\bb'|\dj\)?|<class|<[\w.]+ object")
NOT_OURS = re.compile(r"beyond 64 bits|too many digits|the filter random|the function lipsum")


def same(want, got):
    return isinstance(got, Exception) if isinstance(want, Exception) else got == want


def compare(source):
    """A line about what differs, "raise" when both do, "left out", or ""."""
    want, got = by_judge(source), by_quince(source)
    if want is None or (isinstance(want, str) and LEFT_OUT.search(want)) or NOT_OURS.search(str(got)):
        return "left out"
    if same(want, got):
        return "raise" if isinstance(want, Exception) else ""
    return f"{source!r}\n  quince {got!r:.300}\n  judge  {want!r:.300}"


def work(numbers, seed, answers):
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    for number in numbers:
        answers.send(compare(Grammar(random.Random(f"{seed}-{number}")).statement()))


def answers_of(first, runs, seed):
    """Python cannot be stopped while it computes a power: a child that hangs is replaced."""
    fork = multiprocessing.get_context("fork")
    number, child = first, None
    while number < first + runs:
        if child is None:
            here, there = fork.Pipe(False)
            child = fork.Process(target=work, args=(range(number, first + runs), seed, there), daemon=True)
            child.start()
            there.close()
        try:
            answer = here.recv() if here.poll(10) else None
        except EOFError:
            answer = "the process died"
        if answer is None or answer == "the process died":
            child.kill()
            child.join()
            child = None
        yield number, answer or ("left out" if answer is None else "")
        number += 1


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--show", type=int, default=20)
    options = options.parse_args()
    judge.datetime = StandingClock
    found = raised = left_out = 0
    for number, answer in answers_of(options.first, options.runs, options.seed):
        raised += answer == "raise"
        left_out += answer == "left out"
        if answer not in ("", "raise", "left out"):
            found += 1
            if found <= options.show:
                print(f"{number}: {answer}", flush=True)
    print(f"{options.runs} templates, {raised} raise, {left_out} left out, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
