#!/usr/bin/env python3
"""Measures the grammar engine on the JSON-Schema-Test-Suite and on MaskBench.

  QUINCE_SHARED=DIR run_suites.py LIBQUINCE.so [suite|suite7|maskbench ...] [--no-remotes] [--verbose]

DIR/data holds json-schema-test-suite and maskbench. Every instance is written as JSON text and checked by the same machine
that makes the masks; the verdict must be the suite's. Prints a line for each group that is refused or wrong, totals last;
exits 1 when a share is below what the project promises.
"""
import ctypes, json, os, sys, time

lib = None


class Document(ctypes.Structure):
    _fields_ = [("uri", ctypes.c_char_p), ("text", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class Options(ctypes.Structure):
    _fields_ = [("documents", ctypes.POINTER(Document)), ("n_documents", ctypes.c_size_t),
                ("annotate_formats", ctypes.c_bool), ("best_effort", ctypes.c_bool), ("compact", ctypes.c_bool)]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 512), ("where", ctypes.c_char * 256)]


class Refused(Exception):
    pass


class Grammar:
    def __init__(self, schema, options):
        text = json.dumps(schema).encode()
        self.handle, err = ctypes.c_void_p(), Error()
        if lib.qn_grammar_from_json_schema(text, ctypes.c_size_t(len(text)), ctypes.byref(options), ctypes.byref(self.handle),
                                           ctypes.byref(err)) != 0:
            raise Refused(err.message.decode())

    def check(self, value):
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        valid, at, err = ctypes.c_bool(), ctypes.c_size_t(), Error()
        if lib.qn_grammar_check(self.handle, text, ctypes.c_size_t(len(text)), ctypes.byref(valid), ctypes.byref(at),
                                ctypes.byref(err)) != 0:
            raise Refused("while checking: " + err.message.decode())
        return valid.value, at.value

    def __del__(self):
        lib.qn_grammar_free(self.handle)


def remotes(folder):
    found = []
    for base, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(base, name)
            if name.endswith(".json"):
                text = open(path, "rb").read()
                uri = "http://localhost:1234/" + os.path.relpath(path, folder)
                found.append(Document(uri.encode(), text, len(text)))
    return found


def run_suite(folder, documents, dialect, verbose):
    array = (Document * len(documents))(*documents)
    options = Options(array, len(documents), True, False, False)
    right = total = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        for group in json.load(open(os.path.join(folder, name))):
            total += len(group["tests"])
            schema = group["schema"]
            if dialect and isinstance(schema, dict) and "$schema" not in schema:
                schema = dict(schema, **{"$schema": dialect})
            where = "%s: %s" % (name, group["description"])
            try:
                grammar = Grammar(schema, options)
                for test in group["tests"]:
                    valid, at = grammar.check(test["data"])
                    right += valid == test["valid"]
                    if valid != test["valid"]:
                        print("WRONG   %s: %s: %s at %d" % (where, test["description"], "accepted" if valid else "refused", at))
                        if verbose:
                            print("   ", json.dumps(schema)[:1500], json.dumps(test["data"])[:300])
            except Refused as e:
                print("REFUSED %s: %s" % (where, e))
    return right, total


def run_maskbench(folder, verbose, only=None):
    options = Options(None, 0, False, False, False)
    counts = {"schemas": 0, "refused": 0, "valid right": 0, "valid": 0, "invalid right": 0, "invalid": 0}
    slow = []
    for name in sorted(os.listdir(folder)):
        case = json.load(open(os.path.join(folder, name)))
        counts["schemas"] += 1
        start = time.perf_counter()
        try:
            grammar = Grammar(case["schema"], options)
        except Refused as e:
            counts["refused"] += 1
            print("REFUSED %s: %s" % (name, e))
            continue
        slow.append((time.perf_counter() - start, name))
        for test in case["tests"]:
            kind = "valid" if test["valid"] else "invalid"
            counts[kind] += 1
            try:
                valid, at = grammar.check(test["data"])
            except Refused as e:
                print("FAILED  %s: %s" % (name, e))
                continue
            counts[kind + " right"] += valid == test["valid"]
            if valid != test["valid"]:
                text = json.dumps(test["data"], ensure_ascii=False)
                print("WRONG   %s: %s instance at byte %d: ...%s" % (name, kind, at, text.encode()[max(0, at - 60):at + 20]))
                print("        %s" % test.get("description"))
        slow.append((time.perf_counter() - start, name))
    slow.sort()
    print("compile: mean %.2f ms, slowest %s" % (1e3 * sum(t for t, _ in slow) / len(slow), [("%.1f ms" % (1e3 * t), n) for t, n in slow[-5:]]))
    return counts


def main():
    global lib
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    verbose = "--verbose" in sys.argv
    lib = ctypes.CDLL(arguments[0])
    lib.qn_grammar_free.argtypes = [ctypes.c_void_p]
    data = os.path.join(os.environ["QUINCE_SHARED"], "data")
    suites = os.path.join(data, "json-schema-test-suite")
    documents = [] if "--no-remotes" in sys.argv else remotes(os.path.join(suites, "remotes"))
    fine = True
    for what in arguments[1:] or ["suite", "suite7", "maskbench"]:
        if what == "maskbench":
            c = run_maskbench(os.path.join(data, "maskbench"), verbose)
            print("maskbench:", c)
            fine = fine and c["refused"] <= 0.02 * c["schemas"] and c["valid"] == c["valid right"]
            fine = fine and c["invalid"] == c["invalid right"]
        else:
            draft, dialect = ("draft7", "http://json-schema.org/draft-07/schema#") if what == "suite7" else ("draft2020-12", None)
            right, total = run_suite(os.path.join(suites, draft), documents, dialect, verbose)
            print("%s: %d of %d right (%.1f %%)" % (draft, right, total, 100 * right / total))
            fine = fine and right >= (0.99 if documents else 0.95) * total
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
