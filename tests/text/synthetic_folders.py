#!/usr/bin/env python3
"""Folders made up from a seed, compared with transformers' AutoTokenizer: small vocabularies, a class that rebuilds the
steps, settings and tokens in tokenizer_config.json, a model's type in config.json.

  synthetic_folders.py [--runs N] [--seed S] [--texts N]

Ids (with and without special tokens) and decoded text have to be equal. What transformers cannot load or encode is passed over.
Needs quince and transformers.
"""
import argparse
import collections
import json
import logging
import os
import pathlib
import random
import sys
import tempfile
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("QUINCE_CACHE", "")

import quince  # noqa: E402
import transformers  # noqa: E402

BITS = ["the", "ab", "a", " ", "  ", " the", "he", "hello", "1", "12", "123", "\n", ".", ",", "é", "e\u0301", "日", "T", "The", "'s", "<s>", "</s>",
        "<|im_end|>", "<tool>", "<|endoftext|>", "<unk>", "<mask>", "[MASK]", "[CLS]", "<bos>", "<x>", "<|padding|>", "<img>", "▁", "\t", "a b"]
TYPES = ["llama", "qwen2", "qwen3", "gpt2", "phi3", "mistral", "gemma2", "bert", "xlm-roberta", "t5", "gpt_neox", "cohere", "olmo2", "roberta",
         "distilbert", "opt", "qwen3_5"]
MASK = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False}
NAMED = [("bos_token", "<s>"), ("eos_token", "</s>"), ("eos_token", "<|im_end|>"), ("pad_token", "<x>"), ("unk_token", "<unk>"),
         ("unk_token", "<|endoftext|>"), ("image_token", "<img>"), ("mask_token", MASK), ("bos_token", None)]


def added(number, content, special=True, **flags):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special, **flags}


def around(before, behind, numbers):
    token = lambda t, kind: {"SpecialToken": {"id": t, "type_id": kind}}  # noqa: E731
    one = [token(before, 0)] * bool(before) + [{"Sequence": {"id": "A", "type_id": 0}}] + [token(behind, 0)] * bool(behind)
    two = [token(before, 1)] * bool(before) + [{"Sequence": {"id": "B", "type_id": 1}}] + [token(behind, 1)] * bool(behind)
    return {"type": "TemplateProcessing", "single": one, "pair": one + two,
            "special_tokens": {t: {"id": t, "ids": [numbers[t]], "tokens": [t]} for t in (before, behind) if t}}


def bpe(tokens, merges, **flags):
    tokens = tokens + [a + b for a, b in merges if a + b not in tokens]
    return {"type": "BPE", "dropout": None, "vocab": {t: i for i, t in enumerate(dict.fromkeys(tokens))}, "merges": [list(m) for m in merges], **flags}


def byte_level(r):
    alphabet = sorted(set("".join(map(chr, list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256)) + list(range(256, 324))))))
    merges = [("t", "h"), ("Ġ", "t"), ("Ġt", "h"), ("th", "e"), ("Ġ", "a"), ("a", "b"), ("Ġ", "Ġ"), ("1", "2"), ("Ġ", "1"), ("Ġa", "b"), ("l", "l"),
              ("h", "e"), ("Ġ", "h"), ("Ġh", "e"), ("o", "r"), ("Ã", "©")]
    model = bpe(alphabet, merges, unk_token=None, fuse_unk=False, byte_fallback=False, ignore_merges=r.random() < 0.2)
    n, step = len(model["vocab"]), {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    return {"added_tokens": [added(n, "<|endoftext|>"), added(n + 1, "<|im_end|>"), added(n + 2, "<tool>", False)], "normalizer": {"type": "NFC"},
            "pre_tokenizer": step, "post_processor": step, "decoder": step, "model": model}


def marked(r, special=("<unk>", "<s>", "</s>")):
    merges = [("▁", "a"), ("a", "b"), ("▁", "t"), ("t", "h"), ("▁t", "h"), ("th", "e"), ("▁th", "e"), ("▁", "▁"), ("1", "2"), ("l", "l"), ("h", "e"), ("▁", "he")]
    model = bpe(list(special) + [f"<0x{i:02X}>" for i in range(256)] + list("▁abcdehlort12.,é"), merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    n = len(model["vocab"])
    mark = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    space = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    steps = [space, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    return {"added_tokens": [added(model["vocab"][s], s) for s in special] + [added(n, "<|im_end|>"), added(n + 1, "<tool>", False)],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, mark]}, "pre_tokenizer": None,
            "post_processor": around(special[-1], None, model["vocab"]), "decoder": {"type": "Sequence", "decoders": steps}, "model": model}


def gemma(r):
    made = marked(r, ("<pad>", "<eos>", "<unk>", "<mask>", "<bos>"))
    made["normalizer"] = made["normalizer"]["normalizers"][1]
    made["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    del made["decoder"]["decoders"][3]
    return made


def wordpiece(r):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdehlort12.,éT") + ["##" + c for c in "abcdehlort12é"] + ["the", "hello", "##llo", "日"]
    vocab = {t: i for i, t in enumerate(tokens)}
    return {"added_tokens": [added(i, t) for i, t in enumerate(tokens[:5])],
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": around("[CLS]", "[SEP]", vocab),
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab}}


def unigram(r):
    tokens = ["▁", "a", "b", "t", "h", "e", "l", "o", "▁the", "▁a", "ab", "llo", "1", "2", ".", ",", "é", "▁▁"]
    vocab = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]] + [[t, -2.0 - i / 7] for i, t in enumerate(tokens)] + [["<mask>", 0.0]]
    mark = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    numbers = {t: i for i, (t, _) in enumerate(vocab)}
    return {"added_tokens": [added(i, vocab[i][0]) for i in range(4)] + [added(len(vocab) - 1, "<mask>", lstrip=True)], "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, mark]}, "post_processor": around("<s>", "</s>", numbers),
            "decoder": mark, "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": False}}


KINDS = [
    (marked, ["LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizerFast", "GemmaTokenizer"]),
    (byte_level, ["GPT2Tokenizer", "Qwen2Tokenizer", "Qwen2TokenizerFast", "GPTNeoXTokenizerFast", "CohereTokenizerFast", "RobertaTokenizer",
                  "LlamaTokenizerFast", "CodeGenTokenizer", "Qwen3_5Tokenizer", "PreTrainedTokenizerFast", "TokenizersBackend"]),
    (gemma, ["GemmaTokenizer", "GemmaTokenizerFast", "LlamaTokenizer"]),
    (wordpiece, ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizerFast", "ElectraTokenizer", "PreTrainedTokenizerFast"]),
    (unigram, ["XLMRobertaTokenizer", "XLMRobertaTokenizerFast", "T5Tokenizer", "T5TokenizerFast"]),
]


def make(r):
    """The folder's files by name."""
    kind, classes = r.choice(KINDS + KINDS[:2])
    tokenizer, config = {"version": "1.0", "truncation": None, "padding": None, **kind(r)}, {}
    if r.random() < 0.85:
        config["tokenizer_class"] = r.choice(classes)
    for key in ("add_prefix_space", "legacy", "do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_bos_token", "add_eos_token", "trim_offsets"):
        if r.random() < 0.3:
            config[key] = r.random() < 0.5
    config.update(named for named in NAMED if r.random() < 0.15)
    if r.random() < 0.2:
        config[r.choice(["extra_special_tokens", "additional_special_tokens"])] = r.sample(["<x>", "<img>", "<|im_end|>", "hello"], 2)
    if r.random() < 0.4:
        tokens = [t for t in tokenizer["added_tokens"] if r.random() < 0.9]
        if r.random() < 0.5:
            tokens.append(added(max(t["id"] for t in tokenizer["added_tokens"]) + 1, "<x>", r.random() < 0.5, lstrip=r.random() < 0.3, normalized=r.random() < 0.3))
        config["added_tokens_decoder"] = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tokens}
    if r.random() < 0.2:
        tokenizer["post_processor"] = None
    files = {"tokenizer.json": tokenizer}
    if config or r.random() < 0.5:
        files["tokenizer_config.json"] = config
    model = r.choice(TYPES) if r.random() < 0.6 else None
    # a class over the vocabulary of another kind is nobody's
    fits = model not in ("bert", "distilbert", "xlm-roberta", "t5", "gemma2") if kind is byte_level else False
    if model and (fits or (config.get("tokenizer_class") and model not in ("qwen2", "qwen3_5"))):
        files["config.json"] = {"model_type": model}
    if r.random() < 0.2:
        files["special_tokens_map.json"] = {"bos_token": "<s>", "pad_token": {k: v for k, v in added(0, "<x>").items() if k not in ("id", "special")}}
    return files


def differs(r, own, judge, texts):
    """What differs, or None; judge's failures are raised."""
    for _ in range(texts):
        text = "".join(r.choice(BITS) for _ in range(r.randrange(1, 9)))
        for special in (True, False):
            want, got = judge(text, add_special_tokens=special)["input_ids"], own.encode(text, add_special_tokens=special)
            if want != got:
                return f"ids of {text!r} (special {special})\n  quince {got}\n  judge  {want}"
        want, got = judge.decode(want, clean_up_tokenization_spaces=False), own.decode(want)
        if want != got:
            return f"text of {text!r}\n  quince {got!r}\n  judge  {want!r}"
    return None


def run(number, options):
    r = random.Random(f"{options.seed}-{number}")
    files = make(r)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            pathlib.Path(folder, name).write_text(json.dumps(content))
        try:
            judge = transformers.AutoTokenizer.from_pretrained(folder)
        except Exception:
            return "unmade"
        own = quince.Tokenizer(folder)
    try:
        found = differs(r, own, judge, options.texts)
    except quince.Error:
        raise
    except Exception:
        return "unmade"
    if found:
        print(f"{number}: {type(judge).__name__}: {found}\n  " + json.dumps({k: v for k, v in files.items() if k != "tokenizer.json"}), flush=True)
    return "differ" if found else "equal"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=30)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    counts = collections.Counter(run(number, options) for number in range(options.runs))
    print(f"{options.runs} folders, {options.texts} texts each: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
