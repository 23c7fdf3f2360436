"""Tokenizers of every kind, small enough to be written here. The ids, offsets (in bytes) and texts are those that
Hugging Face's tokenizers 0.23 gives."""

import json
import pathlib

import pytest

import quince

WORKER = pathlib.Path(__file__).parents[2] / "examples/models/worker"

CASES = [
    ('NFC',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 3, 4, 0, 5, 1],
     [(0, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 29), (32, 37)],
     '[U] [U] 12 a b [U] é hello'),
    ('NFD',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "NFD"}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 3, 4, 0, 0, 1],
     [(0, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 31), (32, 37)],
     '[U] [U] 12 a b [U] [U] hello'),
    ('NFKC',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "NFKC"}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 3, 4, 0, 5, 1],
     [(0, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 29), (32, 37)],
     '[U] [U] 12 a b [U] é hello'),
    ('NFKD',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "NFKD"}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 3, 4, 0, 0, 1],
     [(0, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 31), (32, 37)],
     '[U] [U] 12 a b [U] [U] hello'),
    ('Lowercase',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 3, 4, 0, 0, 1],
     [(0, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 31), (32, 37)],
     '[U] [U] 12 a b [U] [U] hello'),
    ('StripAccents',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "StripAccents"}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 3, 4, 0, 6, 1],
     [(0, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 29), (32, 37)],
     '[U] [U] 12 a b [U] e hello'),
    ('Nmt',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "Nmt"}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 3, 4, 0, 0, 1],
     [(0, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 31), (32, 37)],
     '[U] [U] 12 a b [U] [U] hello'),
    ('Bert',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello 漢字',
     [1, 7, 2, 8, 3, 4, 0, 6, 1, 0, 0],
     [(0, 5), (5, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 29), (32, 37), (38, 41), (41, 44)],
     'hello , world 12 a b [U] e hello [U] [U]'),
    ('Replace',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": "a"}, "pre_tokenizer": {"type": "Split", "pattern": {"String": "a"}, "behavior": "Isolated", "invert": false}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 3, 0, 3, 8, 3, 3, 3, 4, 3, 0, 3, 0, 3, 1],
     [(0, 6), (7, 8), (8, 14), (14, 15), (15, 17), (17, 18), (18, 19), (19, 20), (20, 21), (21, 22), (22, 27), (27, 28), (28, 31), (31, 32), (32, 37)],
     '[U] a [U] a 12 a a a b a [U] a [U] a hello'),
    ('Whitespace',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 7, 0, 8, 3, 4, 0, 0, 1],
     [(0, 5), (5, 6), (8, 14), (15, 17), (18, 19), (20, 21), (22, 27), (28, 31), (32, 37)],
     '[U] , [U] 12 a b [U] [U] hello'),
    ('Punctuation',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "Punctuation", "behavior": "Isolated"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 7, 0],
     [(0, 5), (5, 6), (6, 37)],
     '[U] , [U]'),
    ('Digits',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "Digits", "individual_digits": true}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 9, 0, 0],
     [(0, 15), (15, 16), (16, 17), (17, 37)],
     '[U] 1 [U] [U]'),
    ('Metaspace',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 0, 0, 0, 0, 0, 10],
     [(0, 6), (6, 7), (7, 14), (14, 17), (17, 21), (21, 27), (27, 31), (31, 37)],
     '[U] [U] [U] [U] [U] [U] [U] ▁hello'),
    ('FixedLength',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "FixedLength", "length": 4}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 0, 0, 0, 0, 0, 0],
     [(0, 4), (4, 8), (8, 13), (13, 17), (17, 21), (21, 28), (28, 33), (33, 37)],
     '[U] [U] [U] [U] [U] [U] [U] [U]'),
    ('CharDelimiterSplit',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": " "}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'Hello,  wörld 12 a\tb ＡÉ é hello',
     [0, 0, 8, 0, 0, 0, 1],
     [(0, 6), (8, 14), (15, 17), (18, 21), (22, 27), (28, 31), (32, 37)],
     '[U] [U] 12 [U] [U] [U] hello'),
    ('Unigram',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}, "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}, "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁", -2.0], ["h", -3.5], ["e", -3.0], ["l", -3.2], ["o", -3.1], ["he", -4.0], ["llo", -4.5], ["▁hello", -5.0], ["w", -4.2], ["or", -4.4], ["ld", -4.6]], "byte_fallback": false}}'''),
     'hello world heo ✓✓ llo',
     [8, 1, 9, 10, 11, 1, 6, 5, 1, 0, 1, 7],
     [(0, 5), (5, 6), (6, 7), (7, 9), (9, 11), (11, 12), (12, 14), (14, 15), (15, 16), (16, 22), (22, 23), (23, 26)],
     'hello world heo <unk> llo'),
    ('WordPiece',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 8], "cls": ["[CLS]", 7]}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true}, "model": {"type": "WordPiece", "unk_token": "[U]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 10, "vocab": {"[U]": 0, "un": 1, "##aff": 2, "##able": 3, "a": 4, "##b": 5, "##c": 6, "[CLS]": 7, "[SEP]": 8}}}'''),
     'unaffable abc abx aaaaaaaaaaaaaaa un',
     [7, 1, 2, 3, 4, 5, 6, 0, 0, 1, 8],
     [(0, 0), (0, 2), (2, 5), (5, 9), (10, 11), (11, 12), (12, 13), (14, 17), (18, 33), (34, 36), (0, 0)],
     '[CLS] unaffable abc [U] [U] un [SEP]'),
    ('ByteFallback',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}, "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}, "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "vocab": {"<unk>": 0, "▁": 1, "a": 2, "b": 3, "ab": 4, "▁ab": 5, "▁a": 6}, "merges": [["a", "b"], ["▁", "ab"], ["▁", "a"]]}}'''),
     'ab a  aab é ab漢',
     [5, 6, 1, 6, 4, 1, 202, 176, 5, 237, 195, 169],
     [(0, 2), (2, 4), (4, 5), (5, 7), (7, 9), (9, 10), (10, 12), (10, 12), (12, 15), (15, 18), (15, 18), (15, 18)],
     'ab a  aab é ab漢'),
    ('AddedTokens',
     json.loads(r'''{"version": "1.0", "added_tokens": [{"id": 13, "content": "<x>", "single_word": false, "lstrip": true, "rstrip": true, "normalized": false, "special": true}, {"id": 14, "content": "lo", "single_word": true, "lstrip": false, "rstrip": false, "normalized": true, "special": false}], "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "hello": 1, "world": 2, "a": 3, "b": 4, "é": 5, "e": 6, ",": 7, "12": 8, "1": 9, "▁hello": 10, "▁a": 11, "A": 12}, "unk_token": "[U]"}}'''),
     'hello <x>  a lo <x>b',
     [1, 13, 3, 14, 13, 4],
     [(0, 5), (5, 11), (11, 12), (13, 15), (15, 19), (19, 20)],
     'hello a lo b'),
    ('BPE that drops characters',
     json.loads(r'''{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "▁": 3, "▁a": 4, "-": 5, "a▁": 6, "c": 7, "bc": 8}, "merges": [["a", "b"], ["▁", "a"], ["a", "▁"], ["b", "c"]]}, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": false}}'''),
     'a日 日a b日日 bc',
     [0, 4, 3, 1, 3, 8],
     [(0, 1), (1, 5), (4, 8), (5, 8), (5, 10), (9, 10)],
     'a ▁a ▁ b ▁ bc'),
    ('BPE that drops bytes',
     json.loads(r'''{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": [["a", "b"]]}, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false, "trim_offsets": false}}'''),
     '\n\naéb a\tb',
     [2, 3, 2],
     [(0, 1), (1, 2), (2, 5)],
     'ab Ġ ab'),
    ("Unigram's bytes",
     json.loads(r'''{"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["<0x63>", -9.0], ["<0x97>", -9.0], ["<0xA5>", -9.0], ["<0xA9>", -9.0], ["<0xC3>", -9.0], ["<0xE6>", -9.0]], "byte_fallback": true}}'''),
     'a日éb日日cxa',
     [1, 8, 4, 5, 7, 6, 2, 0, 1],
     [(0, 1), (1, 6), (1, 6), (1, 6), (1, 6), (1, 6), (6, 7), (7, 15), (15, 16)],
     'a <0xE6> <0x97> <0xA5> <0xC3> <0xA9> b <unk> a'),
    ('the first word behind Strip',
     json.loads(r'''{"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["▁", -2.0], ["x", -3]]}, "normalizer": {"type": "Strip", "strip_left": true, "strip_right": false}, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}}'''),
     ' ab a',
     [1, 2, 3, 1],
     [(1, 2), (2, 3), (3, 4), (4, 5)],
     'a b ▁ a'),
    ('the first word behind Replace',
     json.loads(r'''{"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["▁", -2.0], ["x", -3]]}, "normalizer": {"type": "Replace", "pattern": {"Regex": "^x"}, "content": ""}, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}}'''),
     'xab a',
     [1, 2, 3, 1],
     [(1, 2), (2, 3), (3, 4), (4, 5)],
     'a b ▁ a'),
    ('the first words behind Prepend',
     json.loads(r'''{"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["▁", -2.0], ["x", -3]]}, "normalizer": {"type": "Prepend", "prepend": "b"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"String": "b"}, "behavior": "Isolated", "invert": false}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}]}}'''),
     'xab a',
     [3, 2, 3, 4, 1, 2, 3, 1],
     [(0, 1), (0, 1), (0, 1), (0, 1), (1, 2), (2, 3), (3, 4), (4, 5)],
     '▁ b ▁ x a b ▁ a'),
    ('normalized added tokens',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "Lowercase"}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": false}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "<t>": 1, "a": 2}, "unk_token": "[U]"}, "added_tokens": [{"id": 3, "content": "<S>", "special": true, "normalized": true, "single_word": false, "lstrip": false, "rstrip": false}, {"id": 4, "content": "<T>", "special": true, "normalized": true, "single_word": false, "lstrip": false, "rstrip": false}, {"id": 5, "content": "<X>", "special": false, "normalized": true, "single_word": false, "lstrip": false, "rstrip": false}, {"id": 6, "content": "<x>", "special": true, "normalized": false, "single_word": false, "lstrip": false, "rstrip": false}]}'''),
     '<S><T>a<X>a',
     [3, 4, 2, 5, 2],
     [(0, 3), (3, 6), (6, 7), (7, 10), (10, 11)],
     '<s> <t> a a'),
    ('trimmed by what is written there',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "Prepend", "prepend": " "}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}, "model": {"type": "WordLevel", "vocab": {"[U]": 0, "a": 1, "x": 2}, "unk_token": "[U]"}, "added_tokens": [{"id": 3, "content": "<s>", "special": false, "normalized": true, "single_word": false, "lstrip": false, "rstrip": true}, {"id": 4, "content": "<t>", "special": false, "normalized": false, "single_word": false, "lstrip": true, "rstrip": false}]}'''),
     '<s>a <t> <s>',
     [3, 1, 4, 3],
     [(1, 3), (3, 4), (5, 8), (9, 12)],
     ' <s> a <t>  <s>'),
    ('put in front of a passage',
     json.loads(r'''{"version": "1.0", "normalizer": {"type": "Replace", "pattern": {"Regex": "^"}, "content": "x"}, "model": {"type": "BPE", "vocab": {"x": 0, "a": 1, "xa": 2}, "merges": [["x", "a"]]}, "added_tokens": [{"id": 3, "content": "<s>", "special": false, "normalized": false, "single_word": false, "lstrip": false, "rstrip": false}]}'''),
     'a<s>a',
     [2, 3, 2],
     [(0, 1), (1, 4), (4, 5)],
     'xa <s> xa'),
    ('Unigram between equal sums',
     json.loads(r'''{"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["p", -1.6596717982899483], ["ab", -7.542354364494413], ["c", -5.647720365244649], ["a", -5.647720365244649], ["bc", -7.542354364494413]]}}'''),
     'pabc',
     [1, 4, 5],
     [(0, 1), (1, 2), (2, 4)],
     'p a bc'),
    ('trimmed no further than the text',
     json.loads(r'''{"version": "1.0", "post_processor": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}, "model": {"type": "BPE", "continuing_subword_prefix": "##", "vocab": {"## ": 0, "##  ": 1}, "merges": [["## ", "## "]]}}'''),
     '🙂  ',
     [1],
     [(0, 4)],
     '##  '),
    ('scripts of Unicode 9',
     json.loads(r'''{"version": "1.0", "pre_tokenizer": {"type": "UnicodeScripts"}, "model": {"type": "WordLevel", "vocab": {"u": 0}, "unk_token": "u"}}'''),
     'क॓̀॔1։ա؛ا\u061c2',
     [0, 0, 0, 0, 0, 0, 0, 0],
     [(0, 6), (6, 8), (8, 11), (11, 14), (14, 16), (16, 18), (18, 20), (20, 23)],
     'u u u u u u u u'),
]


def save(tmp_path, tokenizer):
    if tokenizer["model"].get("byte_fallback") and tokenizer["model"]["type"] == "BPE":
        tokenizer["model"]["vocab"].update({f"<0x{i:02X}>": 7 + i for i in range(256)})
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(tokenizer))
    return path


def widen(text, span):
    """The bytes of the characters that a span touches: the reference knows characters only."""
    data = text.encode()
    begin, end = span
    while begin < end and data[begin] & 0xC0 == 0x80:
        begin -= 1
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1
    return begin, end


@pytest.mark.parametrize("name,tokenizer,text,ids,offsets,decoded", CASES, ids=[c[0] for c in CASES])
def test_as_the_reference(tmp_path, name, tokenizer, text, ids, offsets, decoded):
    own = quince.Tokenizer(save(tmp_path, tokenizer))
    assert own.encode(text) == own.encode(text.encode()) == ids  # which UTF-8 is looked at and which is known to be that
    got = own.encode_with_offsets(text)
    assert got[0] == ids and [widen(text, span) for span in got[1]] == offsets
    assert own.encode_batch([text, "", text]) == own.encode_batch([text, "", text.encode()]) == [ids, own.encode(""), ids]
    assert own.count(text) == len(ids)
    assert own.decode(ids, skip_special_tokens=True) == decoded
    assert own.encode(text, max_length=2) == ids[:2]


@pytest.mark.parametrize("part,value,message", [
    ("normalizer", {"type": "Upper"}, 'the normalizer "Upper" is not known'),
    ("pre_tokenizer", {"type": "Split", "pattern": {"String": "a"}, "behavior": "Odd"}, "behavior"),
    ("decoder", {"type": "Strip", "content": "", "start": 1, "stop": 0}, "content"),
    ("decoder", {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "WordPiece", "prefix": "##", "cleanup": False}]},
     "behind ByteFallback"),
    ("model", {"type": "WordLevel", "vocab": {"a": -1}}, "is not a number from 0"),
    ("surprise", 1, '"surprise" is not known'),
])
def test_what_is_not_known_is_named(tmp_path, part, value, message):
    tokenizer = {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, part: value}
    with pytest.raises(quince.Error, match=message):
        quince.Tokenizer(save(tmp_path, tokenizer))


def test_bytes_that_are_no_text():
    own = quince.Tokenizer(WORKER)
    assert own.decode(own.encode(b"a\xff\xc3(b")) == "a\ufffd\ufffd(b"
    ids, offsets = own.encode_with_offsets(b"\xff!")
    assert offsets[0] == (0, 1) and offsets[-1] == (1, 2)


def test_chat_templates():
    own = quince.Tokenizer(WORKER)
    messages = [{"role": "user", "content": "Hi"}]
    text = own.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    assert own.apply_chat_template(messages, add_generation_prompt=True) == own.encode(text, add_special_tokens=False)
    render = quince.render_chat_template
    assert render("{% for m in messages %}{{ loop.index }}{{ m.content|tojson }}{% endfor %}", messages) == '1"Hi"'
    assert render("{{ strftime_now('%Y') }}", now=0).startswith(("1970", "1969"))
    with pytest.raises(quince.Error, match="line 2, column"):
        render("\n{{ raise_exception('no ' ~ x) }}", x="way")
    for source in ("{{ [].append(1) }}", "{{ none.x.y }}", "{% if %}{% endif %}", "{{ 'a' in 5 }}", "{% break %}"):
        with pytest.raises(quince.Error):
            render(source)


@pytest.mark.parametrize("source,text", [
    ("{{ -1|abs }}{{ 7 // 2 }}{{ 2 ** 3 }}{{ 'ab' * 2 }}{{ 0x1f }}{{ 1_000 }}", "138abab311000"),
    ("{% set a, b = 1, 2 %}{{ a + b }}{% with a = 5 %}{{ a }}{% endwith %}{{ a }}", "351"),
    ("{% filter upper %}\u00e9a{% endfilter %}{% raw %}{{ x }}{% endraw %}", "\u00c9A{{ x }}"),
    ("{{ '\\u00e9' }}{{ {'a': {'b': [1, 2]}}.a.b[1] }}{{ {none: 1}[none] }}", "\u00e921"),
    ("{{ {'b': 1, 'a': 'é'}|tojson(ensure_ascii=true, sort_keys=true) }}", '{"a": "\\u00e9", "b": 1}'),
    ("{% for k, v in {'b': 1, 'a': 2}|dictsort %}{{ k }}{{ v }}{% endfor %}", "a2b1"),
    ("{{ [3, 1, 2]|sort|join(',') }}{{ [1, 2]|sum }}{{ ['a', 'A']|unique|list }}", "1,2,33['a']"),
    ("{{ [{'a': {'b': 1}}]|map(attribute='a.b')|list }}{{ ['x']|map('upper')|first }}", "[1]X"),
    ("{{ 'a-b-c'.rsplit('-', 1) }}{{ 'x'.find('y') }}{{ '7'.zfill(3) }}", "['a-b', 'c']-1007"),
])
def test_the_language_of_templates(source, text):
    assert quince.render_chat_template(source) == text


def test_encode_stream_gives_what_encode_gives():
    tokenizer = quince.Tokenizer(WORKER)
    text = "Hello there, what is the weather? <|im_end|>\n wörld 日本語。" * 100
    stream = tokenizer.encode_stream()
    ids = []
    for at in range(0, len(text), 37):
        ids += stream.push(text[at:at + 37])
        if at % 10 == 0:
            assert ids + stream.peek() == tokenizer.encode(text[:at + 37])
    assert len(ids) > 1000
    assert ids + stream.flush() == tokenizer.encode(text)

    stream = tokenizer.encode_stream(add_special_tokens=False, offsets=True)
    rows = [stream.push(text.encode()[at:at + 1000]) for at in range(0, len(text.encode()), 1000)] + [stream.flush()]
    assert (sum((ids for ids, _ in rows), []), sum((offsets for _, offsets in rows), [])) == tokenizer.encode_with_offsets(
        text, add_special_tokens=False)
    with pytest.raises(TypeError):
        stream.push(3)


LETTERS = {"type": "WordLevel", "vocab": {c: i for i, c in enumerate("uabcdefgh")}, "unk_token": "u"}
SPLIT = {"type": "Whitespace"}


def write(folder, **parts):
    path = folder / "tokenizer.json"
    path.write_text(json.dumps({"added_tokens": [], "pre_tokenizer": SPLIT, "model": LETTERS, **parts}))
    return path


def test_padding_to_the_longest_of_a_batch(tmp_path):
    rule = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 5, "pad_type_id": 0, "pad_token": "e"}
    t = quince.Tokenizer(write(tmp_path, padding=rule))
    assert t.encode_batch(["a b c", "a"], padding=True) == [[1, 2, 3], [1, 5, 5]]
    t = quince.Tokenizer(write(tmp_path, padding=dict(rule, pad_to_multiple_of=4, direction="Left")))
    assert t.encode_batch(["a b c", "a"], padding=True, threads=2) == [[5, 1, 2, 3], [5, 5, 5, 1]]
    assert t.encode("a b c", padding=True) == [5, 1, 2, 3]
    assert t.encode_batch(["a b c", "a"]) == [[1, 2, 3], [1]]


def test_truncation_with_hardly_any_room(tmp_path):
    rule = {"direction": "Right", "max_length": 1, "strategy": "OnlyFirst", "stride": 0}
    around = {"type": "BertProcessing", "sep": ["g", 7], "cls": ["h", 8]}
    t = quince.Tokenizer(write(tmp_path, truncation=rule, post_processor=around))
    assert t.encode("a b c", truncation=True) == [8, 1, 2, 3, 7]  # less than what stands around: no limit at all
    t = quince.Tokenizer(write(tmp_path, truncation=dict(rule, max_length=3), post_processor=around))
    assert t.encode("a b c", "a", truncation=True) == [8, 7, 7]


def test_counting_up_to_a_number_reads_no_further(tmp_path):
    t = quince.Tokenizer(write(tmp_path, model={**LETTERS, "unk_token": None}))
    text = "a b " * 20000 + "?"
    with pytest.raises(quince.Error, match="vocabulary has neither"):
        t.count(text)
    assert (t.count(text, max_length=1000), t.count(text[:-1], max_length=1000), t.count("a b", max_length=1000)) == (1000, 1000, 2)
    assert t.encode(text, max_length=3) == [1, 2, 1]
    with pytest.raises(ValueError):
        t.count("a", max_length=-1)


def test_special_tokens_map_names_the_ends(tmp_path):
    write(tmp_path)
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"eos_token": "g", "bos_token": {"content": "h"}}))
    t = quince.Tokenizer(tmp_path)
    assert (t.bos_token_id, t.eos_token_ids) == (8, [7])


LLAMA = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "merges": [["a", "b"], ["\u2581", "ab"]],
         "vocab": {t: i for i, t in enumerate(["<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "\u2581ab"] + [f"<0x{i:02X}>" for i in range(256)])}}
SPECIAL = {"special": True, "normalized": False, "single_word": False, "lstrip": False, "rstrip": False}
MARKED = {"added_tokens": [{"id": i, "content": t, **SPECIAL} for i, t in enumerate(["<unk>", "<s>", "</s>"])], "model": LLAMA, "pre_tokenizer": None,
          "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                             {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}}
PIECES = {"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                    "vocab": {t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "A"])}}}


@pytest.mark.parametrize("parts,config,model,text,ids", [
    (MARKED, None, None, "ab</s>ab ab", [7, 2, 7, 7]),
    (MARKED, {"tokenizer_class": "LlamaTokenizer"}, None, "ab</s>ab ab", [7, 2, 6, 7]),
    (MARKED, {"tokenizer_class": "LlamaTokenizerFast", "legacy": True}, {"model_type": "llama"}, "ab</s>ab ab", [7, 2, 7, 7]),
    (MARKED, {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": False}, None, "ab</s>ab ab", [6, 2, 6, 7]),
    (MARKED, {"tokenizer_class": "LlamaTokenizer"}, {"model_type": "phi3"}, "ab</s>ab ab", [7, 2, 7, 7]),
    (MARKED, {"tokenizer_class": "LlamaTokenizer", "eos_token": "<|end|>", "added_tokens_decoder": {"1": {"content": "<s>", **SPECIAL}}}, None,
     "ab<|end|>ab</s>", [7, 264, 6, 68, 55, 123, 70]),
    (PIECES, {"tokenizer_class": "BertTokenizer"}, None, "aB A[MASK]", [2, 5, 6, 5, 4, 3]),
    (PIECES, {"do_lower_case": False}, {"model_type": "bert"}, "aB A", [2, 1, 7, 3]),
    (PIECES, {"tokenizer_class": "PreTrainedTokenizerFast"}, None, "ab A", [5, 6, 7]),
])
def test_folders_are_what_transformers_makes_of_them(tmp_path, parts, config, model, text, ids):
    path = write(tmp_path, **parts)
    as_it_is = quince.Tokenizer(path).encode(text)
    for name, content in (("tokenizer_config.json", config), ("config.json", model)):
        if content is not None:
            (tmp_path / name).write_text(json.dumps(content))
    assert quince.Tokenizer(tmp_path).encode(text) == ids
    assert quince.Tokenizer(path).encode(text) == as_it_is  # a file that is named counts as it is
