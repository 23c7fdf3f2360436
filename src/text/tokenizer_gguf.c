// Reads the vocabulary of a GGUF file. Byte-level BPE and WordPiece vocabularies are put into the
// form of tokenizer.json and read as that; SentencePiece ones are pieces with scores.
#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/gguf.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_pieces.h"

#include <string.h>

typedef struct reader {
    qni_tokenizer *t;
    qni_gguf file;
    uint64_t n; // tokens
    qn_error *err;
} reader;

// ---- How words are cut, by the name under "tokenizer.ggml.pre"

#define REST   "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define SHORT  "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORD   "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SIGNS  " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define GPT2   "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LLAMA3 SHORT "|" WORD "|\\p{N}{1,3}|" SIGNS REST
#define QWEN2  SHORT "|" WORD "|\\p{N}|" SIGNS REST
#define QWEN35                                              \
    SHORT "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| " \
          "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" REST
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASES(end, numbers)                                                                    \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" end "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER \
    "*" end "|" numbers "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" REST
#define DEEPSEEK3                                                                    \
    "[!\"#$%&'()*+,\\-./"                                                            \
    ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+" \
    "| ?[\\p{P}\\p{S}]+[\\r\\n]*" REST

typedef struct pre_row {
    const char *name;
    const char *patterns[5]; // each cuts what those before left
    bool nfc, whole_words, bos;
} pre_row;

#define NUMBERS3 "[0-9][0-9][0-9]"
#define LING                                                                     \
    "'(?i:[sdmt]|ll|ve|re)|" WORD "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[" \
    "\\r\\n]|\\s+(?!\\S)|\\s+"
#define SEED      SHORT "|" WORD "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" REST
#define CJK       "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+"
#define CJK_OLDER "[\xE4\xB8\x80-\xE9\xBE\xA5\xE0\xA0\x80-\xE4\xB8\x80\xEA\xB0\x80-\xED\x9F\xBF]+"
#define GPT4O     CASES("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}")

// The patterns and flags of llama.cpp (src/llama-vocab.cpp), where it has simplified them for its
// own engine those of the models; the normal form is the models' own.
static const pre_row pre_rows[] = {
    {"default", {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", NUMBERS3}, false, false, false},
    {"gpt-2", {GPT2}, false, false, false},
    {"phi-2", {GPT2}, false, false, false},
    {"jais", {GPT2}, false, false, false},
    {"jina-es", {GPT2}, false, false, false},
    {"jina-de", {GPT2}, false, false, false},
    {"jina-v2-es", {GPT2}, false, false, false},
    {"jina-v2-de", {GPT2}, false, false, false},
    {"gigachat", {GPT2}, false, false, false},
    {"a.x-4.0", {GPT2}, false, false, false},
    {"mellum", {GPT2}, false, false, false},
    {"exaone4", {GPT2}, false, false, false},
    {"trillion", {GPT2}, false, false, false},
    {"granite-docling", {GPT2}, false, false, false},
    {"olmo", {GPT2}, true, false, false},
    {"mpt", {GPT2}, true, false, false},
    {"llama-bpe", {LLAMA3}, false, true, true},
    {"llama3", {LLAMA3}, false, true, true},
    {"llama-v3", {LLAMA3}, false, true, true},
    {"falcon3", {LLAMA3}, false, true, true},
    {"falcon-h1", {LLAMA3}, false, true, true},
    {"pixtral", {LLAMA3}, false, true, true},
    {"midm-2.0", {LLAMA3}, false, true, true},
    {"lfm2", {LLAMA3}, false, true, true},
    {"dbrx", {LLAMA3}, false, false, false},
    {"smaug-bpe", {LLAMA3}, false, false, false},
    {"glm4", {LLAMA3}, false, false, false},
    {"chatglm-bpe", {LLAMA3}, false, false, false},
    {"qwen2", {QWEN2}, true, false, false},
    {"deepseek-r1-qwen", {QWEN2}, true, false, false},
    {"stablelm2", {QWEN2}, false, false, false},
    {"hunyuan", {QWEN2}, false, false, false},
    {"megrez", {QWEN2}, false, false, false},
    {"grok-2", {QWEN2}, false, false, false},
    {"kormo", {QWEN2}, false, false, false},
    {"qwen35", {QWEN35}, false, false, false},
    {"starcoder", {"\\p{N}", GPT2}, false, false, false},
    {"refact", {"\\p{N}", GPT2}, false, false, false},
    {"smollm", {"\\p{N}", GPT2}, false, false, false},
    {"codeshell", {"\\p{N}", GPT2}, false, false, false},
    {"exaone", {"\\p{N}", GPT2}, false, false, false},
    {"minerva-7b", {"\\p{N}", GPT2}, false, false, false},
    {"command-r", {"\\p{N}", GPT2}, true, false, false},
    {"gpt-4o", {GPT4O}, false, false, false},
    {"llama4", {GPT4O}, false, false, false},
    {"minimax-m2", {GPT4O}, false, false, false},
    {"tekken", {CASES("", "\\p{N}")}, false, true, true},
    {"bailingmoe", {LING}, false, false, false},
    {"bailingmoe2", {LING}, false, false, false},
    {"llada-moe", {LING}, false, false, false},
    {"seed-coder", {SEED}, false, false, false},
    {"deepseek-v3", {"\\p{N}{1,3}", CJK, DEEPSEEK3}, false, false, false},
    {"hunyuan-dense", {"\\p{N}{1,3}", CJK, DEEPSEEK3}, false, false, false},
    {"deepseek-coder",
     {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK_OLDER, "\\p{N}"},
     false,
     false,
     false},
    {"falcon", {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, NUMBERS3}, false, false, false},
};

// ---- Values

static qn_status find(const reader *r, const char *key, bool array, bool text, qni_gguf_value *out,
                      bool *has)
{
    *has = qni_gguf_find(&r->file, key, out);
    if (*has && (out->is_array != array || (out->type == QNI_GGUF_TEXT) != text)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "%s is of another type", key);
    }
    return QN_OK;
}

static qn_status number(const reader *r, const char *key, int64_t missing, int64_t *out)
{
    qni_gguf_value v;
    bool has;
    *out = missing;
    QNI_TRY(find(r, key, false, false, &v, &has));
    double x = has ? qni_gguf_number(&r->file, &v) : 0;
    *out = has && x >= -2147483648.0 && x <= 4294967295.0 ? (int64_t)x : missing;
    return QN_OK;
}

static qn_status token_id(const reader *r, const char *key, int64_t missing, int64_t *out)
{
    QNI_TRY(number(r, key, missing, out));
    *out = *out >= 0 && (uint64_t)*out < r->n ? *out : -1;
    return QN_OK;
}

static qn_status name_of(const reader *r, const char *key, const char *missing, char out[64])
{
    qni_gguf_value v;
    bool has;
    size_t n = strlen(missing);
    QNI_TRY(find(r, key, false, true, &v, &has));
    const char *text = has ? qni_gguf_text(&r->file, &v, &n) : missing;
    if (n >= 64) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "%s is too long", key);
    }
    memcpy(out, text, n);
    out[n] = '\0';
    return QN_OK;
}

// An array with an entry for each token; *has false: it is not there.
static qn_status per_token(const reader *r, const char *key, bool text, qni_gguf_value *out,
                           bool *has)
{
    QNI_TRY(find(r, key, true, text, out, has));
    if (*has && out->count != r->n) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL,
                        "%s has not as many entries as there are tokens", key);
    }
    return QN_OK;
}

// ---- Vocabularies in the form of tokenizer.json

static qn_status add_token(json_t *added, const char *text, size_t n, uint64_t id, int type,
                           qn_error *err)
{
    json_t *token = json_pack("{s:I, s:s%, s:b, s:b}", "id", (json_int_t)id, "content", text, n,
                              "special", type == QNI_PIECE_CONTROL, "normalized", 0);
    return json_array_append_new(added, token) == 0 ? QN_OK : qni_fail_memory(err);
}

// "▁word" begins a word, others go on, "[...]" stands for itself.
static json_t *bert_word(const char *text, size_t n, char *room, size_t *size)
{
    bool special = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    bool begins = n >= 3 && memcmp(text, "\xE2\x96\x81", 3) == 0;
    size_t skip = begins && !special ? 3 : 0, front = special || begins ? 0 : 2;
    memcpy(room, "##", front);
    memcpy(room + front, text + skip, n - skip);
    *size = front + n - skip;
    return json_stringn(room, *size);
}

static qn_status read_tokens(const reader *r, bool bert, json_t *vocab, json_t *added)
{
    qni_gguf_value tokens, types;
    bool has, has_types;
    QNI_TRY(per_token(r, "tokenizer.ggml.tokens", true, &tokens, &has));
    QNI_TRY(per_token(r, "tokenizer.ggml.token_type", false, &types, &has_types));
    char *room = qni_alloc((size_t)QNI_MAX_TOKEN_BYTES + 8);
    qn_status status = room != NULL ? QN_OK : qni_fail_memory(r->err);
    for (uint64_t id = 0; id < r->n && status == QN_OK; id++) {
        size_t n;
        const char *text = qni_gguf_text(&r->file, &tokens, &n);
        int type = has_types ? (int)qni_gguf_number(&r->file, &types) : QNI_PIECE_NORMAL;
        if (n > QNI_MAX_TOKEN_BYTES || !qni_utf8_is_valid(text, n) || memchr(text, 0, n) != NULL) {
            status = qni_fail(r->err, QN_INVALID_MODEL, NULL, "token %llu is no text",
                              (unsigned long long)id);
            break;
        }
        if (type == QNI_PIECE_CONTROL || type == QNI_PIECE_USER) {
            status = n > 0 ? add_token(added, text, n, id, type, r->err) : QN_OK;
            if (!bert) {
                continue;
            }
        }
        memcpy(room, text, n);
        if (bert) {
            json_decref(bert_word(text, n, room, &n));
        }
        if (json_object_getn(vocab, room, n) == NULL &&
            json_object_setn_new(vocab, room, n, json_integer((json_int_t)id)) != 0) {
            status = qni_fail_memory(r->err);
        }
    }
    qni_free(room);
    return status;
}

static bool has_token(const json_t *vocab, const char *text, size_t n)
{
    return json_object_getn(vocab, text, n) != NULL;
}

// Merges of tokens that are there.
static qn_status read_merges(const reader *r, const json_t *vocab, json_t *merges)
{
    qni_gguf_value v;
    bool has;
    QNI_TRY(find(r, "tokenizer.ggml.merges", true, true, &v, &has));
    if (!has) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "tokenizer.ggml.merges is missing");
    }
    char *joined = qni_alloc((size_t)QNI_MAX_TOKEN_BYTES + 1);
    qn_status status = joined != NULL ? QN_OK : qni_fail_memory(r->err);
    for (uint64_t i = 0; i < v.count && status == QN_OK; i++) {
        size_t n;
        const char *text = qni_gguf_text(&r->file, &v, &n);
        const char *space = n > 1 && n <= QNI_MAX_TOKEN_BYTES ? memchr(text + 1, ' ', n - 1) : NULL;
        if (space == NULL || !qni_utf8_is_valid(text, n)) {
            status = qni_fail(r->err, QN_INVALID_MODEL, NULL, "merge %llu is not two tokens",
                              (unsigned long long)i);
            break;
        }
        size_t left = (size_t)(space - text), right = n - left - 1;
        memcpy(joined, text, left);
        memcpy(joined + left, space + 1, right);
        if (has_token(vocab, text, left) && has_token(vocab, space + 1, right) &&
            has_token(vocab, joined, left + right) &&
            json_array_append_new(merges, json_pack("[s%, s%]", text, left, space + 1, right)) !=
                0) {
            status = qni_fail_memory(r->err);
        }
    }
    qni_free(joined);
    return status;
}

static json_t *splits(const pre_row *row)
{
    json_t *list = json_array();
    for (size_t i = 0; i < 5 && row->patterns[i] != NULL; i++) {
        json_t *split = json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex",
                                  row->patterns[i], "behavior", "Isolated", "invert", 0);
        (void)json_array_append_new(list, split);
    }
    json_t *bytes = json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                              "trim_offsets", 1, "use_regex", 0);
    (void)json_array_append_new(list, bytes);
    return json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", list);
}

static qn_status build_json(const reader *r, const json_t *root)
{
    return root != NULL ? qni_tokenizer_build_json(r->t, root, true, r->err)
                        : qni_fail_memory(r->err);
}

static qn_status read_gpt2(reader *r, bool *bos)
{
    char name[64];
    const pre_row *row = NULL;
    QNI_TRY(name_of(r, "tokenizer.ggml.pre", "default", name));
    for (size_t i = 0; i < sizeof pre_rows / sizeof *pre_rows && row == NULL; i++) {
        row = strcmp(pre_rows[i].name, name) == 0 ? &pre_rows[i] : NULL;
    }
    if (row == NULL) {
        return qni_fail(r->err, QN_UNSUPPORTED, NULL, "tokenizer.ggml.pre \"%s\" is not known",
                        name);
    }
    *bos = row->bos;
    json_t *vocab = json_object(), *added = json_array(), *merges = json_array();
    qn_status status = read_tokens(r, false, vocab, added);
    status = status == QN_OK ? read_merges(r, vocab, merges) : status;
    if (status == QN_OK) {
        json_t *root = json_pack(
            "{s:O, s:o, s:o, s:{s:s}, s:{s:s, s:b, s:O, s:O}}", "added_tokens", added, "normalizer",
            row->nfc ? json_pack("{s:s}", "type", "NFC") : json_null(), "pre_tokenizer",
            splits(row), "decoder", "type", "ByteLevel", "model", "type", "BPE", "ignore_merges",
            row->whole_words, "vocab", vocab, "merges", merges);
        status = build_json(r, root);
        json_decref(root);
    }
    json_decref(vocab);
    json_decref(added);
    json_decref(merges);
    return status;
}

static qn_status read_bert(reader *r)
{
    json_t *vocab = json_object(), *added = json_array();
    qn_status status = read_tokens(r, true, vocab, added);
    if (status == QN_OK) {
        json_t *root = json_pack(
            "{s:O, s:{s:s, s:b, s:b, s:n, s:b}, s:{s:s}, s:{s:s, s:s, s:b}, s:{s:s, s:s, s:s, s:i, "
            "s:O}}",
            "added_tokens", added, "normalizer", "type", "BertNormalizer", "clean_text", 1,
            "handle_chinese_chars", 1, "strip_accents", "lowercase", 1, "pre_tokenizer", "type",
            "BertPreTokenizer", "decoder", "type", "WordPiece", "prefix", "##", "cleanup", 1,
            "model", "type", "WordPiece", "unk_token", "[UNK]", "continuing_subword_prefix", "##",
            "max_input_chars_per_word", 100, "vocab", vocab);
        status = build_json(r, root);
        json_decref(root);
    }
    json_decref(vocab);
    json_decref(added);
    return status;
}

// ---- Pieces

static qn_status read_pieces(reader *r, bool unigram)
{
    qni_piece_source source = {.unigram = unigram, .controls_in_text = true, .escape = true};
    qni_gguf_value tokens, scores, types, map;
    bool has[4];
    int64_t space, tidy;
    QNI_TRY(per_token(r, "tokenizer.ggml.tokens", true, &tokens, &has[0]));
    QNI_TRY(per_token(r, "tokenizer.ggml.scores", false, &scores, &has[1]));
    QNI_TRY(per_token(r, "tokenizer.ggml.token_type", false, &types, &has[2]));
    QNI_TRY(find(r, "tokenizer.ggml.precompiled_charsmap", true, false, &map, &has[3]));
    QNI_TRY(number(r, "tokenizer.ggml.add_space_prefix", 1, &space));
    QNI_TRY(number(r, "tokenizer.ggml.remove_extra_whitespaces", 0, &tidy));
    if (!has[1] || !has[2] || (has[3] && map.type > QNI_GGUF_I8)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL,
                        "scores or types of the tokens are missing");
    }
    source.add_space = space != 0;
    source.tidy = tidy != 0;
    source.charsmap = has[3] ? (const char *)r->file.data + map.at : NULL;
    source.n_charsmap = has[3] ? (size_t)map.count : 0;
    qn_status status = QN_OK;
    for (uint64_t id = 0; id < r->n && status == QN_OK; id++) {
        size_t n;
        const char *text = qni_gguf_text(&r->file, &tokens, &n);
        double type = qni_gguf_number(&r->file, &types);
        qni_piece piece = {text, n > QNI_MAX_TOKEN_BYTES ? UINT32_MAX : (uint32_t)n,
                           (float)qni_gguf_number(&r->file, &scores),
                           type >= 0 && type <= 6 ? (int)type : -1};
        source.byte_fallback = source.byte_fallback || piece.type == QNI_PIECE_BYTE;
        status = piece.n != UINT32_MAX && !qni_utf8_is_valid(text, n)
                     ? qni_fail(r->err, QN_INVALID_MODEL, NULL, "token %llu is no text",
                                (unsigned long long)id)
                     : qni_pieces_append(&source, piece, r->err);
    }
    status = status == QN_OK ? qni_pieces_build(r->t, &source, r->err) : status;
    qni_free(source.items);
    return status;
}

static qn_status read_ends(reader *r, bool bert, bool add_bos, bool add_eos)
{
    int64_t bos, eos, front, behind, separator;
    QNI_TRY(token_id(r, "tokenizer.ggml.bos_token_id", -1, &bos));
    QNI_TRY(token_id(r, "tokenizer.ggml.eos_token_id", -1, &eos));
    QNI_TRY(token_id(r, "tokenizer.ggml.seperator_token_id", eos, &separator)); // as it is spelled
    QNI_TRY(number(r, "tokenizer.ggml.add_bos_token", add_bos, &front));
    QNI_TRY(number(r, "tokenizer.ggml.add_eos_token", add_eos, &behind));
    r->t->bos = (int32_t)bos;
    if (eos >= 0) {
        r->t->eos = qni_calloc(1, sizeof *r->t->eos);
        if (r->t->eos == NULL) {
            return qni_fail_memory(r->err);
        }
        r->t->eos[0] = (int32_t)eos;
        r->t->n_eos = 1;
    }
    return qni_tokenizer_set_ends(r->t, front != 0 ? (int32_t)bos : -1,
                                  behind != 0 ? (int32_t)(bert ? separator : eos) : -1, r->err);
}

static qn_status read_all(reader *r, const void *data, size_t n)
{
    char model[64];
    qni_gguf_value tokens;
    bool has, bos = false;
    QNI_TRY(qni_gguf_open(data, n, &r->file, r->err));
    QNI_TRY(name_of(r, "tokenizer.ggml.model", "", model));
    QNI_TRY(find(r, "tokenizer.ggml.tokens", true, true, &tokens, &has));
    r->n = has ? tokens.count : 0;
    if (r->n == 0 || r->n > QNI_MAX_VOCABULARY) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL,
                        "a GGUF file without tokens, or with too many");
    }
    bool bert = strcmp(model, "bert") == 0, t5 = strcmp(model, "t5") == 0;
    bool llama = strcmp(model, "llama") == 0;
    if (strcmp(model, "gpt2") == 0) {
        QNI_TRY(read_gpt2(r, &bos));
    } else if (bert) {
        QNI_TRY(read_bert(r));
    } else if (llama || t5) {
        QNI_TRY(read_pieces(r, t5));
    } else {
        return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                        "tokenizer.ggml.model \"%s\" is not known; gpt2, llama, t5 and bert are",
                        model);
    }
    return read_ends(r, bert, bos || llama || bert, bert || t5);
}

qn_status qni_tokenizer_read_gguf(qni_tokenizer *t, const char *path, qn_error *err)
{
    reader r = {.t = t, .err = err};
    qni_map *map;
    QNI_TRY(qni_map_open(path, &map, err));
    qn_status status = read_all(&r, qni_map_data(map), qni_map_size(map));
    qni_map_release(map);
    return status == QN_OK ? QN_OK : qni_fail_in(err, status, path);
}
