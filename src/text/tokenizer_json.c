// Reads Hugging Face's tokenizer.json.
#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/json_read.h"
#include "text/tokenizer_impl.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    qni_tokenizer *t;
    const json_t *root;
    qni_token_list written; // tokens as the file writes them
    qni_token_list model;   // as the model meets them
    qni_arena arena;        // their bytes
    qn_error *err;
} reader;

qn_status qni_token_list_add(qni_token_list *list, const char *bytes, size_t n, uint32_t id,
                             bool hidden, qn_error *err)
{
    if (qni_grow(&list->items, &list->capacity, list->n + 1, sizeof *list->items) != 0) {
        return qni_fail_memory(err);
    }
    if (n > QNI_MAX_TOKEN_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "token %u has %zu bytes, more than %d", id, n,
                        QNI_MAX_TOKEN_BYTES);
    }
    list->items[list->n++] = (qni_vocab_entry){bytes, (uint32_t)n, id, hidden};
    return QN_OK;
}

uint32_t qni_byte_to_code(unsigned char byte)
{
    bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
    if (printable) {
        return byte;
    }
    // The others follow from 256 on, in rising order: 0 to 32, 127 to 160, 173.
    return byte <= 32 ? 256u + byte : byte <= 160 ? 256u + 33 + byte - 127 : 256u + 67;
}

int qni_code_to_byte(uint32_t code)
{
    if (code < 256) {
        return qni_byte_to_code((unsigned char)code) == code ? (int)code : -1;
    }
    uint32_t rank = code - 256;
    return rank <= 32 ? (int)rank : rank < 67 ? (int)(rank - 33 + 127) : rank == 67 ? 173 : -1;
}

// The bytes that a byte-level token stands for, in the arena; NULL (and *ok still true) when it is
// not written that way.
static char *decode_bytes(reader *r, const char *text, size_t n, size_t *size, bool *ok)
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

static qn_status check_id(const json_t *value, const char *token, uint32_t *id, qn_error *err)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number >= QNI_MAX_VOCABULARY) {
        return qni_fail(err, QN_INVALID_MODEL, NULL,
                        "the id of token \"%.60s\" is not a number from 0 to %d", token,
                        QNI_MAX_VOCABULARY - 1);
    }
    *id = (uint32_t)number;
    return QN_OK;
}

static qn_status add_model_token(reader *r, const char *text, size_t n, uint32_t id)
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

static qn_status read_vocab_object(reader *r, const json_t *vocab)
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
        uint32_t id;
        QNI_TRY(check_id(value, key, &id, r->err));
        QNI_TRY(add_model_token(r, key, n, id));
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

static qn_status read_merge(reader *r, const json_t *source, uint32_t rank, char *joined,
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

// Marks the tokens that are one byte or one character.
static void mark_singles(const qni_model *model, uint8_t *singles)
{
    for (uint32_t id = 0; id < model->vocab.n; id++) {
        uint32_t n, code;
        const char *bytes = qni_vocab_at(&model->vocab, id, &n);
        if (n > 0 && model->vocab.present[id]) {
            size_t one = 1;
            if (!model->byte_level) {
                int length = qni_utf8_decode((const unsigned char *)bytes, n, &code);
                one = (size_t)(length < 0 ? -length : length);
            }
            singles[id] = one == n && qni_vocab_find(&model->vocab, bytes, n) == (int32_t)id;
        }
    }
}

static qn_status build_bpe(reader *r, const json_t *merges)
{
    qni_model *model = &r->t->model;
    size_t n = json_array_size(merges);
    qni_bpe_merge *list = qni_alloc_array(n, sizeof *list);
    uint8_t *singles = qni_calloc((size_t)model->vocab.n + 1, 1);
    char *joined = qni_alloc(2 * (size_t)QNI_MAX_TOKEN_BYTES);
    qn_status status = QN_OK;
    if (list == NULL || singles == NULL || joined == NULL) {
        status = qni_fail_memory(r->err);
    }
    for (size_t i = 0; i < n && status == QN_OK; i++) {
        status = read_merge(r, json_array_get(merges, i), (uint32_t)i, joined, &list[i]);
    }
    if (status == QN_OK) {
        mark_singles(model, singles);
        status = qni_bpe_build(&model->vocab, list, n, singles, &model->bpe, r->err);
    }
    qni_free(list);
    qni_free(singles);
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

static qn_status read_bpe_flags(reader *r, const json_t *source)
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
    return copy_affix(source, "end_of_word_suffix", &model->suffix, r->err);
}

static qn_status find_special_ids(reader *r, const json_t *source)
{
    qni_model *model = &r->t->model;
    const char *unk;
    size_t n;
    QNI_TRY(qni_json_text(source, "unk_token", &unk, &n, r->err));
    model->unk = unk != NULL ? qni_vocab_find(&r->t->written, unk, n) : QNI_NO_TOKEN;
    model->complete = model->byte_level && model->prefix == NULL && model->suffix == NULL;
    for (int byte = 0; byte < 256; byte++) {
        char text[8] = "<0x00>", one = (char)byte;
        text[3] = "0123456789ABCDEF"[byte >> 4];
        text[4] = "0123456789ABCDEF"[byte & 15];
        model->byte_ids[byte] = qni_vocab_find(&r->t->written, text, 6);
        model->complete = model->complete && qni_vocab_find(&model->vocab, &one, 1) >= 0;
    }
    return QN_OK;
}

static qn_status read_bpe(reader *r, const json_t *source)
{
    qni_tokenizer *t = r->t;
    t->model.kind = QNI_MODEL_BPE;
    QNI_TRY(qni_json_only(source, "the BPE model",
                          "type dropout unk_token continuing_subword_prefix end_of_word_suffix "
                          "fuse_unk byte_fallback ignore_merges vocab merges",
                          r->err));
    QNI_TRY(read_bpe_flags(r, source));
    QNI_TRY(read_vocab_object(r, json_object_get(source, "vocab")));
    QNI_TRY(qni_vocab_build(r->written.items, r->written.n, &t->written, r->err));
    QNI_TRY(qni_vocab_build(r->model.items, r->model.n, &t->model.vocab, r->err));
    QNI_TRY(find_special_ids(r, source));
    return build_bpe(r, json_object_get(source, "merges"));
}

static qn_status add_pretokenizer(reader *r, qni_pretokenizer step)
{
    qni_tokenizer *t = r->t;
    qni_pretokenizer *more = qni_realloc(t->pretokenizers,
                                         (t->n_pretokenizers + 1) * sizeof *t->pretokenizers);
    if (more == NULL) {
        qni_splitter_end(&step.splitter);
        return qni_fail_memory(r->err);
    }
    t->pretokenizers = more;
    t->pretokenizers[t->n_pretokenizers++] = step;
    return QN_OK;
}

static qn_status read_behavior(const json_t *source, qni_split_behavior *out, qn_error *err)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char *name;
    size_t n;
    QNI_TRY(qni_json_need_text(source, "behavior", &name, &n, err));
    for (int i = 0; i < 5; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (qni_split_behavior)i;
            return QN_OK;
        }
    }
    return qni_fail(err, QN_UNSUPPORTED, NULL, "the split behavior \"%s\"", name);
}

static qn_status read_split(reader *r, const json_t *source)
{
    qni_pretokenizer step = {.kind = QNI_PRE_SPLIT};
    qni_split_behavior behavior;
    bool invert;
    QNI_TRY(qni_json_only(source, "Split", "type pattern behavior invert", r->err));
    QNI_TRY(read_behavior(source, &behavior, r->err));
    QNI_TRY(qni_json_bool(source, "invert", false, &invert, r->err));
    const json_t *pattern = json_object_get(source, "pattern");
    const char *text;
    size_t n;
    QNI_TRY(qni_json_only(pattern, "a pattern", "Regex String", r->err));
    QNI_TRY(qni_json_text(pattern, "Regex", &text, &n, r->err));
    if (text != NULL) {
        QNI_TRY(
            qni_splitter_open(text, QNI_REGEX_ONIGURUMA, behavior, invert, &step.splitter, r->err));
    } else {
        QNI_TRY(qni_json_need_text(pattern, "String", &text, &n, r->err));
        QNI_TRY(qni_splitter_open_literal(text, n, behavior, invert, &step.splitter, r->err));
    }
    return add_pretokenizer(r, step);
}

static const char gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static qn_status read_byte_level(reader *r, const json_t *source)
{
    bool prefix, pattern;
    QNI_TRY(
        qni_json_only(source, "ByteLevel", "type add_prefix_space trim_offsets use_regex", r->err));
    QNI_TRY(qni_json_bool(source, "add_prefix_space", false, &prefix, r->err));
    QNI_TRY(qni_json_bool(source, "use_regex", true, &pattern, r->err));
    if (prefix) {
        QNI_TRY(add_pretokenizer(r, (qni_pretokenizer){.kind = QNI_PRE_PREFIX_SPACE}));
    }
    if (pattern) {
        qni_pretokenizer step = {.kind = QNI_PRE_SPLIT};
        QNI_TRY(qni_splitter_open(gpt2_pattern, QNI_REGEX_ONIGURUMA, QNI_SPLIT_ISOLATED, false,
                                  &step.splitter, r->err));
        QNI_TRY(add_pretokenizer(r, step));
    }
    return add_pretokenizer(r, (qni_pretokenizer){.kind = QNI_PRE_BYTES});
}

static qn_status read_pretokenizer(reader *r, const json_t *source);

static qn_status read_pretokenizer_sequence(reader *r, const json_t *source)
{
    const json_t *steps = json_object_get(source, "pretokenizers");
    QNI_TRY(qni_json_only(source, "Sequence", "type pretokenizers", r->err));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        QNI_TRY(read_pretokenizer(r, json_array_get(steps, i)));
    }
    return QN_OK;
}

// A row of a table: the reader of a component of that type.
typedef struct component {
    const char *type;
    qn_status (*read)(reader *r, const json_t *source);
} component;

static qn_status read_component(reader *r, const json_t *source, const char *what,
                                const component *rows, size_t n)
{
    if (source == NULL || json_is_null(source)) {
        return QN_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].type, qni_json_type(source)) == 0) {
            return rows[i].read(r, source);
        }
    }
    return qni_fail(r->err, QN_UNSUPPORTED, NULL, "the %s \"%s\" is not known", what,
                    qni_json_type(source));
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static qn_status read_pretokenizer(reader *r, const json_t *source)
{
    static const component rows[] = {
        {"Sequence", read_pretokenizer_sequence},
        {"Split", read_split},
        {"ByteLevel", read_byte_level},
    };
    return read_component(r, source, "pre-tokenizer", rows, COUNT(rows));
}

static qn_status read_model(reader *r)
{
    static const component rows[] = {{"BPE", read_bpe}};
    return read_component(r, json_object_get(r->root, "model"), "model", rows, COUNT(rows));
}

static qn_status read_added_token(reader *r, const json_t *source, qni_added_token *out)
{
    QNI_TRY(qni_json_only(source, "an added token",
                          "id content single_word lstrip rstrip normalized special", r->err));
    const char *text;
    uint32_t id;
    QNI_TRY(qni_json_need_text(source, "content", &text, &out->n, r->err));
    QNI_TRY(check_id(json_object_get(source, "id"), text, &id, r->err));
    out->id = (int32_t)id;
    QNI_TRY(qni_json_bool(source, "special", false, &out->special, r->err));
    QNI_TRY(qni_json_bool(source, "single_word", false, &out->single_word, r->err));
    QNI_TRY(qni_json_bool(source, "lstrip", false, &out->lstrip, r->err));
    QNI_TRY(qni_json_bool(source, "rstrip", false, &out->rstrip, r->err));
    QNI_TRY(qni_json_bool(source, "normalized", !out->special, &out->normalized, r->err));
    out->content = qni_strndup(text, out->n);
    return out->content != NULL ? QN_OK : qni_fail_memory(r->err);
}

static qn_status read_added(reader *r)
{
    const json_t *list = json_object_get(r->root, "added_tokens");
    size_t n = json_array_size(list);
    if (n > QNI_MAX_ADDED_TOKENS) {
        return qni_fail(r->err, QN_LIMIT_EXCEEDED, NULL,
                        "%zu added tokens, at most %d are allowed (QNI_MAX_ADDED_TOKENS)", n,
                        QNI_MAX_ADDED_TOKENS);
    }
    r->t->added = qni_calloc(n + 1, sizeof *r->t->added);
    if (r->t->added == NULL) {
        return qni_fail_memory(r->err);
    }
    for (size_t i = 0; i < n; i++) {
        r->t->n_added = i + 1;
        QNI_TRY(read_added_token(r, json_array_get(list, i), &r->t->added[i]));
    }
    return QN_OK;
}

static qn_status append_id(int32_t **ids, size_t *n, int32_t id, qn_error *err)
{
    int32_t *more = qni_realloc(*ids, (*n + 1) * sizeof *more);
    if (more == NULL) {
        return qni_fail_memory(err);
    }
    more[(*n)++] = id;
    *ids = more;
    return QN_OK;
}

static qn_status read_template_special(reader *r, const json_t *source, const json_t *piece,
                                       bool behind)
{
    qni_tokenizer *t = r->t;
    const char *name = json_string_value(json_object_get(piece, "id"));
    const json_t *special = json_object_get(json_object_get(source, "special_tokens"), name);
    const json_t *ids = json_object_get(special, "ids");
    if (!json_is_array(ids)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "the template's token \"%.60s\" has no ids",
                        name != NULL ? name : "");
    }
    for (size_t i = 0; i < json_array_size(ids); i++) {
        uint32_t id;
        QNI_TRY(check_id(json_array_get(ids, i), name, &id, r->err));
        QNI_TRY(behind ? append_id(&t->after, &t->n_after, (int32_t)id, r->err)
                       : append_id(&t->before, &t->n_before, (int32_t)id, r->err));
    }
    return QN_OK;
}

static qn_status read_template(reader *r, const json_t *source)
{
    QNI_TRY(qni_json_only(source, "TemplateProcessing", "type single pair special_tokens", r->err));
    const json_t *pieces = json_object_get(source, "single");
    bool behind = false;
    for (size_t i = 0; i < json_array_size(pieces); i++) {
        const json_t *piece = json_array_get(pieces, i);
        const json_t *special = json_object_get(piece, "SpecialToken");
        if (special != NULL) {
            QNI_TRY(read_template_special(r, source, special, behind));
        } else if (behind || json_object_get(piece, "Sequence") == NULL) {
            return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                            "TemplateProcessing: a template with more than one text");
        } else {
            behind = true;
        }
    }
    return QN_OK;
}

static qn_status read_byte_level_processor(reader *r, const json_t *source)
{
    return qni_json_bool(source, "trim_offsets", true, &r->t->trim_offsets, r->err);
}

static qn_status read_processor(reader *r, const json_t *source);

static qn_status read_processor_sequence(reader *r, const json_t *source)
{
    const json_t *steps = json_object_get(source, "processors");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        QNI_TRY(read_processor(r, json_array_get(steps, i)));
    }
    return QN_OK;
}

static qn_status read_processor(reader *r, const json_t *source)
{
    static const component rows[] = {
        {"Sequence", read_processor_sequence},
        {"TemplateProcessing", read_template},
        {"ByteLevel", read_byte_level_processor},
    };
    return read_component(r, source, "post-processor", rows, COUNT(rows));
}

static qn_status read_byte_level_decoder(reader *r, const json_t *source)
{
    (void)source;
    r->t->decoders = qni_calloc(1, sizeof *r->t->decoders);
    if (r->t->decoders == NULL) {
        return qni_fail_memory(r->err);
    }
    r->t->decoders[0].kind = QNI_DECODE_BYTE_LEVEL;
    r->t->n_decoders = 1;
    return QN_OK;
}

static qn_status read_decoder(reader *r, const json_t *source)
{
    static const component rows[] = {{"ByteLevel", read_byte_level_decoder}};
    return read_component(r, source, "decoder", rows, COUNT(rows));
}

static qn_status read_normalizer(reader *r, const json_t *source)
{
    return read_component(r, source, "normalizer", NULL, 0);
}

// A byte-level model meets bytes, if turning them into characters is the last thing before it.
static void settle_bytes(qni_tokenizer *t)
{
    size_t n = t->n_pretokenizers;
    if (n > 0 && t->pretokenizers[n - 1].kind == QNI_PRE_BYTES) {
        t->model.byte_level = true;
        t->n_pretokenizers--;
    }
}

static qn_status read_all(reader *r)
{
    QNI_TRY(qni_json_only(r->root, "tokenizer.json",
                          "version truncation padding added_tokens normalizer pre_tokenizer "
                          "post_processor decoder model",
                          r->err));
    QNI_TRY(read_pretokenizer(r, json_object_get(r->root, "pre_tokenizer")));
    settle_bytes(r->t);
    QNI_TRY(read_normalizer(r, json_object_get(r->root, "normalizer")));
    QNI_TRY(read_added(r));
    QNI_TRY(read_model(r));
    QNI_TRY(read_processor(r, json_object_get(r->root, "post_processor")));
    return read_decoder(r, json_object_get(r->root, "decoder"));
}

qn_status qni_tokenizer_read_json(qni_tokenizer *t, const char *path, qn_error *err)
{
    json_t *root;
    QNI_TRY(qni_json_read(path, QNI_MAX_TEXT_FILE_BYTES, &root, err));
    reader r = {.t = t, .root = root, .err = err};
    qni_arena_begin(&r.arena, QNI_GIB);
    qn_status status = read_all(&r);
    // The tables of all tokens need the lists that point into the JSON, so they are made here.
    if (status == QN_OK) {
        status = qni_tokenizer_finish(t, &r.written, &r.model, err);
    }
    qni_free(r.written.items);
    qni_free(r.model.items);
    qni_arena_end(&r.arena);
    json_decref(root);
    return status == QN_OK ? QN_OK : qni_fail_in(err, status, path);
}
