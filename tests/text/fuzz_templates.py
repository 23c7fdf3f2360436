#!/usr/bin/env python3
"""Renders random templates and compares with jinja2 as transformers sets it up.

  fuzz_templates.py [--runs N] [--seed S]

The texts have to be equal, or both have to raise. Prints what differs, and exits with 1 when anything does. Needs quince
and transformers. What has no meaning outside of Python (addresses of objects, integers beyond 64 bits) is left out.
"""
import argparse
import random
import re
import signal
import sys

import quince
from transformers.utils.chat_template_utils import _compile_jinja_template

VARIABLES = {
    "x": 3, "y": 2.5, "s": "Hello wörld", "t": "  a,b;c \n", "l": [3, 1, 2], "e": [], "n": None, "b": True,
    "d": {"a": 1, "k": "v", "z": [1, 2]}, "rows": [{"n": "b", "v": 2}, {"n": "A", "v": 1}, {"n": "a", "v": 2}],
    "deep": [[1, [2, 3]], [4]], "tree": [{"v": 1, "c": [{"v": 2, "c": []}]}, {"v": 3, "c": []}],
}
NAMES = list(VARIABLES) + ["missing", "i", "loop", "ns", "m", "q"]
TEXTS = ["''", "'a'", "'b c'", '"é"', "','", "'%s-%d'", "'{} {}'", "'x\\ny'", "'<b>'", "'12'", "'AbC dE'", "'{0:>5}'", "'3.7'"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable",
         "sequence", "odd", "even", "true", "false", "lower", "upper", "callable", "divisibleby(2)", "eq(1)", "ne 2",
         "in [1, 2, 'a']", "sameas(none)", "gt 1", "lt(2)", "ge 2", "le(2)", "escaped", "filter", "test", "in 'abc'"]
FILTERS = ["upper", "lower", "title", "capitalize", "trim", "length", "count", "first", "last", "list", "string", "int",
           "float", "abs", "reverse|list", "sort", "sort(reverse=true)", "unique|list", "join(',')", "join", "tojson",
           "tojson(indent=2)", "default('z')", "d(1, true)", "round", "round(1)", "round(1, 'floor')", "sum", "min", "max",
           "replace('a', 'b')", "items|list", "dictsort", "map('upper')|list", "map(attribute='n')|list",
           "map(attribute='v', default=0)|list", "select|list", "select('odd')|list", "reject('none')|list",
           "selectattr('v')|list", "selectattr('v', 'eq', 2)|list", "rejectattr('n', 'equalto', 'a')|list",
           "batch(2)|list", "batch(2, 0)|list", "slice(2)|list", "slice(2, 'f')|list", "groupby('v')", "groupby('n')",
           "wordcount", "center(9)", "indent", "indent(2, true)", "truncate(5)", "truncate(4, true, '.')", "e", "escape",
           "forceescape", "safe", "attr('a')", "format(1, 2)", "urlencode", "filesizeformat", "xmlattr", "trim('a')",
           "sum(attribute='v')", "sort(attribute='n')", "sort(attribute='v,n')", "min(attribute='v')", "join(', ', 'n')",
           "int(7)", "int(base=16)", "float(1)", "dictsort(by='value')", "tojson(sort_keys=true)", "map('int')|sum",
           "tojson(ensure_ascii=true)", "tojson(separators=(',', ':'))", "unique(attribute='n')|list", "last|string",
           "map(attribute='v')|join('-')", "items", "nosuch", "map('string')|join", "reverse", "groupby('v')|map('last')|list"]
METHODS = ["upper()", "lower()", "title()", "strip()", "lstrip('H ')", "rstrip()", "split()", "split(',')", "split('l', 1)",
           "rsplit('l', 1)", "rsplit(none, 1)", "replace('l', 'L')", "replace('l', 'L', 1)", "startswith('He')", "endswith('d')",
           "startswith(('a', 'H'))", "find('l')", "rfind('l')", "index('o')", "count('l')", "join(['a', 'b'])", "join(l)",
           "isdigit()", "isalpha()", "isspace()", "istitle()", "splitlines()", "partition(',')", "rpartition('l')",
           "zfill(5)", "center(9, '*')", "ljust(8)", "rjust(8, '.')", "swapcase()", "capitalize()", "removeprefix('He')",
           "removesuffix('d')", "format(1, 2)", "format(1)", "expandtabs()", "keys()|list", "values()|list", "items()|list",
           "get('a')", "get('q', 5)", "get('q')", "copy()", "index(1)", "count(1)", "append(1)", "pop()", "update({})", "keys()",
           "values()", "items()", "a", "k", "v", "__class__", "_x", "real", "items", "is_integer()", "casefold()", "nosuch()"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">", "<=", ">=", "and", "or", "in", "not in"]


class Grammar:
    def __init__(self, random_numbers):
        self.r = random_numbers

    def pick(self, items):
        return self.r.choice(items)

    def expression(self, depth=3):
        r = self.r
        if depth <= 0 or r.random() < 0.15:
            return self.pick([self.pick(NAMES), self.pick(NAMES), self.pick(TEXTS),
                              self.pick(["0", "1", "2", "-1", "1.5", "true", "false", "none", "[]", "{}", "()", "1e3", "0x1f", "10"])])
        sub = lambda: self.expression(depth - 1)  # noqa: E731
        kind = r.randrange(17)
        if kind < 3:
            return f"{self.atom(depth)}|{self.pick(FILTERS)}"
        if kind < 5:
            return f"{self.atom(depth)}.{self.pick(METHODS)}"
        if kind < 8:
            return f"{self.atom(depth)} {self.pick(OPERATORS)} {self.atom(depth)}"
        if kind == 8:
            return f"{self.atom(depth)} is {self.pick(['', 'not '])}{self.pick(TESTS)}"
        if kind == 9:
            return f"{sub()} if {sub()}" + (f" else {sub()}" if r.random() < 0.7 else "")
        if kind == 10:
            return "[" + ", ".join(sub() for _ in range(r.randrange(4))) + "]"
        if kind == 11:
            items = [sub() for _ in range(r.randrange(3))]
            return "(" + "".join(i + ", " for i in items) + ")"
        if kind == 12:
            return "{" + ", ".join(f"{self.pick(TEXTS + ['1', 'true', '1.0', 'none', '(1, 2)'])}: {sub()}" for _ in range(r.randrange(3))) + "}"
        if kind == 13:
            parts = [self.pick(["", "", "0", "1", "-1", "2", "none", "x"]) for _ in range(r.choice([2, 2, 3]))]
            return f"{self.pick(['s', 't', 'l', 'x', 'd', 'rows', 'missing', 'range(5)', 'deep'])}[{':'.join(parts)}]"
        if kind == 14:
            return f"{self.atom(depth)}[{sub()}]"
        if kind == 15:
            return self.pick(["not ", "-", "+"]) + self.atom(depth)
        return self.pick(["range({})", "dict(a={})", "namespace(v={})", "m({})", "m(q={})", "joiner()() ~ ({})", "range(1, {})",
                          "cycler(1, 2).next() ~ ({})", "loop.cycle({}, 2)", "loop({})", "dict({})", "range(5, 0, {})"]).format(sub())

    def atom(self, depth):
        text = self.expression(depth - 1)
        return text if re.fullmatch(r"\w+|'[^']*'", text) else f"({text})"

    def tag(self, text):
        return "{%" + self.pick(["", "", "", "-", "+"]) + f" {text} " + self.pick(["", "", "", "-", "+"]) + "%}"

    def text(self):
        return self.pick(["", "a", " ", "\n", "  \n", "x\n  ", "é ", "\n\n", "{", "}}", "\t"])

    def body(self, depth):
        return "".join(self.statement(depth) for _ in range(self.r.randrange(1, 4)))

    def statement(self, depth=3):
        r = self.r
        if depth <= 0 or r.random() < 0.3:
            return self.text() + "{{" + self.pick(["", "", "-"]) + " " + self.expression() + " " + self.pick(["", "", "-"]) + "}}"
        e, body = self.expression, lambda: self.body(depth - 1)
        kind = r.randrange(18)
        if kind < 3:
            middle = self.tag("elif " + e(2)) + body() if r.random() < 0.2 else ""
            middle += self.tag("else") + body() if r.random() < 0.5 else ""
            return self.text() + self.tag("if " + e(2)) + body() + middle + self.tag("endif")
        if kind < 6:
            over = self.pick(["l", "rows", "d", "s", "range(3)", "e", "d.items()", "rows|map(attribute='v')", "tree", e(2)])
            target = self.pick(["i", "i", "i", "k", "i, q"])
            test = f" if {e(1)}" if r.random() < 0.2 else ""
            recursive = " recursive" if r.random() < 0.2 else ""
            other = self.tag("else") + body() if r.random() < 0.2 else ""
            loop = "{{ loop." + self.pick(["index", "index0", "first", "last", "length", "revindex", "revindex0", "previtem",
                                           "nextitem", "depth", "depth0", "changed(i)", "cycle('a', 'b')"]) + " }}"
            jump = (self.tag("if " + e(1)) + self.tag(self.pick(["break", "continue"])) + self.tag("endif")) if r.random() < 0.2 else ""
            again = "{{ loop(i.c) }}" if recursive and r.random() < 0.7 else ""
            return (self.text() + self.tag(f"for {target} in {over}{test}{recursive}") + self.pick(["", loop]) + jump + body() +
                    again + other + self.tag("endfor"))
        if kind < 9:
            name = self.pick(["x", "q", "ns", "i", "s", "m"])
            return self.text() + self.tag(f"set {name} = {self.pick([e(2), e(2), 'namespace(v=1)'])}")
        if kind == 9:
            return self.tag(f"set ns.v = {e(2)}")
        if kind == 10:
            return self.tag("set " + self.pick(["q", "q | upper", "q | trim | length"])) + body() + self.tag("endset")
        if kind == 11:
            args = self.pick(["", "q", "q=1", "q, i=2", "i, q=x"])
            extra = self.pick(["", "", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}", "{{ caller(1) if caller else 0 }}"])
            return self.tag(f"macro m({args})") + body() + extra + self.tag("endmacro")
        if kind == 12:
            return self.tag("call" + self.pick(["", "(q)"]) + " m(" + self.pick(["", "1", "q=2"]) + ")") + body() + self.tag("endcall")
        if kind == 13:
            return self.tag("filter " + self.pick(["upper", "trim", "replace('a', 'b')", "length"])) + body() + self.tag("endfilter")
        if kind == 14:
            return self.tag(f"with q = {e(1)}, i = q") + body() + self.tag("endwith")
        if kind == 15:
            return self.text() + "{#" + self.pick(["", "-"]) + " note " + self.pick(["", "-"]) + "#}" + self.text()
        if kind == 16:
            return self.tag("raw") + self.text() + "{{ x }}" + self.tag("endraw")
        return self.tag("generation") + body() + self.tag("endgeneration")


def by_judge(source):
    class Slow(Exception):
        pass

    def stop(*_):
        raise Slow

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        return _compile_jinja_template(source).render(messages=[], tools=None, documents=None, add_generation_prompt=False, **VARIABLES)
    except Slow:
        return None
    except Exception as error:  # whatever a template may raise
        return error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def by_quince(source):
    try:
        return quince.render_chat_template(source, now=0, **VARIABLES)
    except quince.Error as error:
        return error


# An address, a number too large, or an error that only says that we stop there.
LEFT_OUT = re.compile(r" at 0x[0-9a-f]+|object at|\d{19}|\d+e\+\d\d|bound method|<function|built-in method|\dj\b")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", type=int, default=20)
    options = options.parse_args()
    found = raised = left_out = 0
    for number in range(options.runs):
        source = "".join(Grammar(random.Random(f"{options.seed}-{number}")).statement() for _ in range(1))
        want, got = by_judge(source), by_quince(source)
        if want is None or (isinstance(want, str) and LEFT_OUT.search(want)) or "beyond 64 bits" in str(got):
            left_out += 1
            continue
        raised += isinstance(want, Exception)
        if isinstance(got, Exception) if isinstance(want, Exception) else got == want:
            continue
        found += 1
        if found <= options.show:
            print(f"{number}: {source!r}\n  quince {got!r:.300}\n  judge  {want!r:.300}")
    print(f"{options.runs} templates, {raised} raise, {left_out} left out, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
