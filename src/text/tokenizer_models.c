// Reads the models of tokenizer.json.
#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The bytes that a byte-level token stands for, in the arena; NULL (and *ok still true) when it is
// not written that way.
static char *decode_bytes(qni_json_reader *r, const char *text, size_t n, size_t *size, bool *ok)
{
    char *bytes = qni_arena_alloc(&r->arena, n + 1);
    *ok = bytes != NULL;
    *size = 0;
    for (size_t at = 0; bytes != NULL && at < n;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)text + at, n - at, &code);
        int byte = qni_code_to_byte(code);
        if (length < 0 || byte < 0) {
            return NULL;
        }
        bytes[(*size)++] = (char)byte;
        at += (size_t)length;
    }
    return bytes;
}

static qn_status add_model_token(qni_json_reader *r, const char *text, size_t n, uint32_t id)
{
    QNI_TRY(qni_token_list_add(&r->written, text, n, id, false, r->err));
    if (!r->t->model.byte_level) {
        return qni_token_list_add(&r->model, text, n, id, false, r->err);
    }
    size_t size;
    bool ok;
    const char *bytes = decode_bytes(r, text, n, &size, &ok);
    if (!ok) {
        return qni_fail_memory(r->err);
    }
    bool hidden = bytes == NULL; // a token in other letters: no text gives it
    return qni_token_list_add(&r->model, hidden ? text : bytes, hidden ? n : size, id, hidden,
                              r->err);
}

static qn_status read_vocab_object(qni_json_reader *r, const json_t *vocab)
{
    const char *key;
    size_t n;
    json_t *value;
    json_t *members = (json_t *)(uintptr_t)vocab; // the library's loop takes no const
    if (!json_is_object(vocab)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "\"vocab\" is not an object");
    }
    json_object_keylen_foreach(members, key, n, value)
    {
        int32_t id;
        QNI_TRY(qni_read_id(value, key, &id, r->err));
        QNI_TRY(add_model_token(r, key, n, (uint32_t)id));
    }
    return QN_OK;
}

static bool parse_merge(const json_t *merge, const char **left, size_t *n_left, const char **right,
                        size_t *n_right)
{
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        const json_t *l = json_array_get(merge, 0), *r = json_array_get(merge, 1);
        *left = json_string_value(l);
        *n_left = json_string_length(l);
        *right = json_string_value(r);
        *n_right = json_string_length(r);
        return *left != NULL && *right != NULL;
    }
    const char *text = json_string_value(merge);
    const char *space = text != NULL ? strchr(text, ' ') : NULL;
    if (space == NULL) {
        return false;
    }
    *left = text;
    *n_left = (size_t)(space - text);
    *right = space + 1;
    *n_right = json_string_length(merge) - *n_left - 1;
    return memchr(*right, ' ', *n_right) == NULL;
}

static qn_status read_merge(qni_json_reader *r, const json_t *source, uint32_t rank, char *joined,
                            qni_bpe_merge *out)
{
    const char *left, *right;
    size_t n_left, n_right;
    const qni_vocab *vocab = &r->t->written;
    if (!parse_merge(source, &left, &n_left, &right, &n_right)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "merge %u is not two tokens", rank);
    }
    size_t dropped = r->t->model.prefix != NULL ? strlen(r->t->model.prefix) : 0;
    dropped = dropped > n_right ? n_right : dropped;
    if (n_left + n_right > 2 * (size_t)QNI_MAX_TOKEN_BYTES) {
        return qni_fail(r->err, QN_LIMIT_EXCEEDED, NULL, "merge %u is too long", rank);
    }
    memcpy(joined, left, n_left);
    memcpy(joined + n_left, right + dropped, n_right - dropped);
    int32_t a = qni_vocab_find(vocab, left, n_left), b = qni_vocab_find(vocab, right, n_right);
    int32_t c = qni_vocab_find(vocab, joined, n_left + n_right - dropped);
    if (a < 0 || b < 0 || c < 0) {
        return qni_fail(
            r->err, QN_INVALID_MODEL, NULL,
            "merge %u (\"%.60s\" and \"%.60s\") names a token that the vocabulary lacks", rank,
            left, right);
    }
    *out = (qni_bpe_merge){(uint32_t)a, (uint32_t)b, rank, (uint32_t)c};
    return QN_OK;
}

static qn_status build_bpe(qni_json_reader *r, const json_t *merges)
{
    size_t n = json_array_size(merges);
    qni_bpe_merge *list = qni_alloc_array(n + 1, sizeof *list);
    char *joined = qni_alloc(2 * (size_t)QNI_MAX_TOKEN_BYTES);
    qn_status status = list == NULL || joined == NULL ? qni_fail_memory(r->err) : QN_OK;
    for (size_t i = 0; i < n && status == QN_OK; i++) {
        status = read_merge(r, json_array_get(merges, i), (uint32_t)i, joined, &list[i]);
    }
    status = status == QN_OK ? qni_model_build_bpe(&r->t->model, list, n, r->err) : status;
    qni_free(list);
    qni_free(joined);
    return status;
}

static qn_status copy_affix(const json_t *source, const char *key, char **out, qn_error *err)
{
    const char *text;
    size_t n;
    QNI_TRY(qni_json_text(source, key, &text, &n, err));
    if (text == NULL || n == 0) {
        return QN_OK;
    }
    if (n > 64) {
        return qni_fail(err, QN_UNSUPPORTED, NULL, "\"%s\" of %zu bytes", key, n);
    }
    *out = qni_strndup(text, n);
    return *out != NULL ? QN_OK : qni_fail_memory(err);
}

static qn_status read_bpe_flags(qni_json_reader *r, const json_t *source)
{
    qni_model *model = &r->t->model;
    double dropout = json_number_value(json_object_get(source, "dropout"));
    if (dropout != 0) {
        return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                        "a BPE model with dropout %g gives different tokens each time", dropout);
    }
    QNI_TRY(qni_json_bool(source, "fuse_unk", false, &model->fuse_unk, r->err));
    QNI_TRY(qni_json_bool(source, "byte_fallback", false, &model->byte_fallback, r->err));
    QNI_TRY(qni_json_bool(source, "ignore_merges", false, &model->ignore_merges, r->err));
    QNI_TRY(copy_affix(source, "continuing_subword_prefix", &model->prefix, r->err));
    QNI_TRY(copy_affix(source, "end_of_word_suffix", &model->suffix, r->err));
    if (model->byte_fallback && (model->prefix != NULL || model->suffix != NULL)) {
        // bytes of the prefix and the suffix would count with those of the unknown character
        return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                        "byte_fallback with a continuing_subword_prefix or end_of_word_suffix");
    }
    if (model->ignore_merges && (model->prefix != NULL || model->suffix != NULL)) {
        return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                        "ignore_merges with a continuing_subword_prefix or end_of_word_suffix");
    }
    return QN_OK;
}

static qn_status build_vocabularies(qni_json_reader *r)
{
    QNI_TRY(qni_vocab_build(r->written.items, r->written.n, &r->t->written, r->err));
    return qni_vocab_build(r->model.items, r->model.n, &r->t->model.vocab, r->err);
}

static qn_status find_unknown(qni_json_reader *r, const json_t *source)
{
    const char *unk;
    size_t n;
    QNI_TRY(qni_json_text(source, "unk_token", &unk, &n, r->err));
    r->t->model.unk = unk != NULL ? qni_vocab_find(&r->t->written, unk, n) : QNI_NO_TOKEN;
    return QN_OK;
}

static void find_byte_tokens(qni_tokenizer *t)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[8] = "<0x00>";
        text[3] = "0123456789ABCDEF"[byte >> 4];
        text[4] = "0123456789ABCDEF"[byte & 15];
        t->model.byte_ids[byte] = qni_vocab_find(&t->written, text, 6);
    }
}

static qn_status find_special_ids(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(find_unknown(r, source));
    find_byte_tokens(r->t);
    return QN_OK;
}

static qn_status read_bpe(qni_json_reader *r, const json_t *source)
{
    qni_tokenizer *t = r->t;
    t->model.kind = QNI_MODEL_BPE;
    QNI_TRY(qni_json_only(source, "the BPE model",
                          "type dropout unk_token continuing_subword_prefix end_of_word_suffix "
                          "fuse_unk byte_fallback ignore_merges vocab merges",
                          r->err));
    QNI_TRY(read_bpe_flags(r, source));
    QNI_TRY(read_vocab_object(r, json_object_get(source, "vocab")));
    QNI_TRY(build_vocabularies(r));
    QNI_TRY(find_special_ids(r, source));
    return build_bpe(r, json_object_get(source, "merges"));
}

// ---- Unigram: a list of tokens with their scores

// The library's reader of JSON takes a number's digits for an integer and divides that by a power
// of ten: rounded twice, every fourth score of XLM-R is off in its last bit. Which of two ways to
// cut a word with the same tokens in another order has the higher sum depends on it. The digits are
// the shortest that read back as the same number, as JSON is written.
static double as_library_reads(double x)
{
    enum { FEWEST = 15, MOST = 17 }; // digits; fewer are exact either way
    char digits[40], power_of_ten[40], *end;
    for (int n = FEWEST; n <= MOST; n++) {
        snprintf(digits, sizeof digits, "%.*e", n - 1, fabs(x));
        if (strtod(digits, NULL) == fabs(x)) {
            break;
        }
    }
    uint64_t integer = 0;
    int behind = -1; // digits behind the point
    for (end = digits; *end != 'e'; end++) {
        bool digit = *end >= '0' && *end <= '9';
        integer = digit ? 10 * integer + (uint64_t)(*end - '0') : integer;
        behind += digit;
    }
    for (; integer != 0 && integer % 10 == 0; integer /= 10) {
        behind--;
    }
    int power = (int)strtol(end + 1, NULL, 10) - behind;
    snprintf(power_of_ten, sizeof power_of_ten, "1e%d", power < 0 ? -power : power);
    double ten = strtod(power_of_ten, NULL);
    double read = power < 0 ? (double)integer / ten : (double)integer * ten;
    return x < 0 ? -read : read;
}

static qn_status read_scored(qni_json_reader *r, const json_t *row, uint32_t id, double *score)
{
    const json_t *token = json_array_get(row, 0), *number = json_array_get(row, 1);
    if (!json_is_string(token) || !json_is_number(number)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL,
                        "entry %u of \"vocab\" is not a token and its score", id);
    }
    *score = json_is_real(number) ? as_library_reads(json_number_value(number))
                                  : json_number_value(number);
    if (*score > QNI_MAX_PIECE_SCORE || *score < -QNI_MAX_PIECE_SCORE) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL,
                        "entry %u of \"vocab\" has the score %g; at most %g either way", id, *score,
                        QNI_MAX_PIECE_SCORE);
    }
    return add_model_token(r, json_string_value(token), json_string_length(token), id);
}

static qn_status build_unigram(qni_json_reader *r, const json_t *vocab)
{
    qni_model *model = &r->t->model;
    size_t n = json_array_size(vocab);
    if (!json_is_array(vocab) || n >= QNI_MAX_VOCABULARY) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL,
                        "\"vocab\" is not a list of less than %d tokens", QNI_MAX_VOCABULARY);
    }
    double *scores = qni_calloc(n + 1, sizeof *scores);
    if (scores == NULL) {
        return qni_fail_memory(r->err);
    }
    qn_status status = QN_OK;
    for (size_t i = 0; i < n && status == QN_OK; i++) {
        status = read_scored(r, json_array_get(vocab, i), (uint32_t)i, &scores[i]);
    }
    status = status == QN_OK ? build_vocabularies(r) : status;
    if (status == QN_OK) {
        status = qni_unigram_build(&model->vocab, scores, &model->unigram, r->err);
    }
    qni_free(scores);
    return status;
}

static qn_status read_unigram(qni_json_reader *r, const json_t *source)
{
    qni_model *model = &r->t->model;
    int64_t unk;
    model->kind = QNI_MODEL_UNIGRAM;
    QNI_TRY(qni_json_only(source, "the Unigram model", "type unk_id vocab byte_fallback", r->err));
    QNI_TRY(qni_json_bool(source, "byte_fallback", false, &model->byte_fallback, r->err));
    QNI_TRY(qni_json_integer(source, "unk_id", QNI_NO_TOKEN, &unk, r->err));
    QNI_TRY(build_unigram(r, json_object_get(source, "vocab")));
    if (unk != QNI_NO_TOKEN && (unk < 0 || unk >= model->vocab.n)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "unk_id %lld of %u tokens", (long long)unk,
                        model->vocab.n);
    }
    model->unk = (int32_t)unk;
    model->fuse_unk = true;
    find_byte_tokens(r->t);
    return QN_OK;
}

// ---- WordPiece and WordLevel

static qn_status read_wordpiece(qni_json_reader *r, const json_t *source)
{
    qni_model *model = &r->t->model;
    int64_t longest;
    char *prefix;
    size_t n;
    model->kind = QNI_MODEL_WORDPIECE;
    QNI_TRY(qni_json_only(source, "the WordPiece model",
                          "type unk_token continuing_subword_prefix max_input_chars_per_word vocab",
                          r->err));
    QNI_TRY(qni_json_integer(source, "max_input_chars_per_word", 100, &longest, r->err));
    QNI_TRY(read_vocab_object(r, json_object_get(source, "vocab")));
    QNI_TRY(build_vocabularies(r));
    QNI_TRY(find_unknown(r, source));
    QNI_TRY(qni_read_copy(source, "continuing_subword_prefix", &prefix, &n, r->err));
    qn_status status = longest < 0
                           ? qni_fail(r->err, QN_INVALID_MODEL, NULL,
                                      "\"max_input_chars_per_word\" is %lld", (long long)longest)
                           : qni_wordpiece_build(&model->vocab, prefix != NULL ? prefix : "##",
                                                 (size_t)longest, &model->wordpiece, r->err);
    qni_free(prefix);
    return status;
}

static qn_status read_wordlevel(qni_json_reader *r, const json_t *source)
{
    r->t->model.kind = QNI_MODEL_WORDLEVEL;
    QNI_TRY(qni_json_only(source, "the WordLevel model", "type unk_token vocab", r->err));
    QNI_TRY(read_vocab_object(r, json_object_get(source, "vocab")));
    QNI_TRY(build_vocabularies(r));
    return find_unknown(r, source);
}

// Old files do not name the model's type.
static qn_status read_untyped(qni_json_reader *r, const json_t *source)
{
    if (json_object_get(source, "merges") != NULL) {
        return read_bpe(r, source);
    }
    if (json_is_array(json_object_get(source, "vocab"))) {
        return read_unigram(r, source);
    }
    return json_object_get(source, "max_input_chars_per_word") != NULL ? read_wordpiece(r, source)
                                                                       : read_wordlevel(r, source);
}

qn_status qni_read_model(qni_json_reader *r)
{
    static const qni_component rows[] = {
        {"BPE", read_bpe},
        {"Unigram", read_unigram},
        {"WordPiece", read_wordpiece},
        {"WordLevel", read_wordlevel},
        {"", read_untyped},
    };
    const json_t *model = json_object_get(r->root, "model");
    if (!json_is_object(model)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "\"model\" is missing");
    }
    return qni_read_component(r, model, "model", rows, QNI_ROWS(rows));
}
