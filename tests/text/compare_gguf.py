#!/usr/bin/env python3
"""Writes GGUF files from folders with tokenizer.json, reads them, and compares the ids with those of the tokenizer.json.

  compare_gguf.py [--runs N] NAME=FOLDER ...

NAME is the kind of vocabulary: "bert", "llama", or for byte-level BPE the name under "tokenizer.ggml.pre". Needs quince
and the package gguf.
"""
import argparse
import json
import os
import random
import sys
import tempfile

import gguf
import quince
from compare_sentencepiece import text_of


def write(kind, folder, path):
    source = json.load(open(os.path.join(folder, "tokenizer.json"), encoding="utf-8"))
    vocab = dict(source["model"]["vocab"])
    added = {token["content"]: token for token in source["added_tokens"]}
    ids = {**vocab, **{content: token["id"] for content, token in added.items()}}
    tokens, types = [f"[PAD{i}]" for i in range(max(ids.values()) + 1)], [5] * (max(ids.values()) + 1)
    for text, number in ids.items():
        tokens[number] = text
        types[number] = (3 if added[text]["special"] else 4) if text in added else 6 if text.startswith("<0x") and len(text) == 6 else 1
    writer = gguf.GGUFWriter(path, "llama")
    if kind == "bert":
        tokens = [t if t.startswith("[") and t.endswith("]") else t[2:] if t.startswith("##") else "\u2581" + t for t in tokens]
    writer.add_tokenizer_model(kind if kind in ("bert", "llama") else "gpt2")
    writer.add_token_list(tokens)
    if kind == "llama":
        if source["model"]["unk_token"] in ids:
            types[ids[source["model"]["unk_token"]]] = 2
        ranks = {"".join(m if isinstance(m, list) else m.split(" ", 1)): -float(i) for i, m in reversed(list(enumerate(source["model"]["merges"])))}
        writer.add_token_scores([ranks.get(t, -1e6) for t in tokens])
    elif kind != "bert":
        writer.add_tokenizer_pre(kind)
        writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in source["model"]["merges"]])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("pairs", nargs="+")
    options = options.parse_args()
    total = 0
    for pair in options.pairs:
        kind, folder = pair.split("=", 1)
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "v.gguf")
            write(kind, folder, path)
            own, judge = quince.Tokenizer(path), quince.Tokenizer(os.path.join(folder, "tokenizer.json"))
        r, found = random.Random(1), 0
        for _ in range(options.runs):
            text = text_of(r)
            want, got = (t.encode(text, add_special_tokens=False) for t in (judge, own))
            if want != got or judge.decode(want) != own.decode(want):
                found += 1
                if found <= 3:
                    print(f"{pair}: {text!r:.150}\n  gguf {got}\n  json {want}")
        print(f"{pair}: {options.runs} texts, {found} differences")
        total += found
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
