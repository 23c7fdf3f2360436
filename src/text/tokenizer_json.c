// Reads Hugging Face's tokenizer.json: the file as a whole and its added tokens. The other parts
// are read in tokenizer_models.c, tokenizer_normalizers.c, tokenizer_pretokenizers.c,
// tokenizer_decoders.c and tokenizer_post.c.
#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/tokenizer_class.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"

#include <string.h>

qn_status qni_read_component(qni_json_reader *r, const json_t *source, const char *what,
                             const qni_component *rows, size_t n)
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

qn_status qni_read_id(const json_t *value, const char *token, int32_t *id, qn_error *err)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number >= QNI_MAX_VOCABULARY) {
        return qni_fail(err, QN_INVALID_MODEL, NULL,
                        "the id of token \"%.60s\" is not a number from 0 to %d", token,
                        QNI_MAX_VOCABULARY - 1);
    }
    *id = (int32_t)number;
    return QN_OK;
}

qn_status qni_read_copy(const json_t *source, const char *key, char **out, size_t *n, qn_error *err)
{
    const char *text;
    *out = NULL;
    QNI_TRY(qni_json_text(source, key, &text, n, err));
    if (text == NULL) {
        return QN_OK;
    }
    *out = qni_strndup(text, *n);
    return *out != NULL ? QN_OK : qni_fail_memory(err);
}

qn_status qni_read_pattern(const json_t *pattern, qni_split_behavior behavior, bool invert,
                           qni_splitter *out, qn_error *err)
{
    const char *text;
    size_t n;
    QNI_TRY(qni_json_only(pattern, "a pattern", "Regex String", err));
    QNI_TRY(qni_json_text(pattern, "Regex", &text, &n, err));
    if (text != NULL) {
        return qni_splitter_open(text, QNI_REGEX_ONIGURUMA, behavior, invert, out, err);
    }
    QNI_TRY(qni_json_need_text(pattern, "String", &text, &n, err));
    if (n == 0) {
        return qni_fail(err, QN_INVALID_MODEL, NULL, "a pattern that is an empty text");
    }
    return qni_splitter_open_literal(text, n, behavior, invert, out, err);
}

static qn_status read_added_token(qni_json_reader *r, const json_t *source, qni_added_token *out)
{
    QNI_TRY(qni_json_only(source, "an added token",
                          "id content single_word lstrip rstrip normalized special", r->err));
    const char *text;
    QNI_TRY(qni_json_need_text(source, "content", &text, &out->n, r->err));
    QNI_TRY(qni_read_id(json_object_get(source, "id"), text, &out->id, r->err));
    QNI_TRY(qni_json_bool(source, "special", false, &out->special, r->err));
    QNI_TRY(qni_json_bool(source, "single_word", false, &out->single_word, r->err));
    QNI_TRY(qni_json_bool(source, "lstrip", false, &out->lstrip, r->err));
    QNI_TRY(qni_json_bool(source, "rstrip", false, &out->rstrip, r->err));
    QNI_TRY(qni_json_bool(source, "normalized", !out->special, &out->normalized, r->err));
    out->content = qni_strndup(text, out->n);
    return out->content != NULL ? QN_OK : qni_fail_memory(r->err);
}

// The tokens that were read so far, by their contents.
typedef struct added_index {
    uint32_t *slots, mask; // an index and 1; 0 is free
} added_index;

static qn_status begin_index(qni_json_reader *r, size_t n, added_index *index)
{
    size_t size = 16;
    while (size < 2 * n) {
        size *= 2;
    }
    index->mask = (uint32_t)size - 1;
    index->slots = qni_arena_alloc(&r->arena, size * sizeof *index->slots);
    if (index->slots == NULL) {
        return qni_fail_memory(r->err);
    }
    memset(index->slots, 0, size * sizeof *index->slots);
    return QN_OK;
}

// A token of the same content before the last one, or NULL; then the last one is put in.
static qni_added_token *added_before(const qni_tokenizer *t, added_index *index)
{
    const qni_added_token *last = &t->added[t->n_added - 1];
    for (uint32_t i = qni_token_hash(last->content, last->n);; i++) {
        uint32_t slot = index->slots[i & index->mask];
        if (slot == 0) {
            index->slots[i & index->mask] = (uint32_t)t->n_added;
            return NULL;
        }
        qni_added_token *a = &t->added[slot - 1];
        if (a->n == last->n && memcmp(a->content, last->content, a->n) == 0) {
            return a;
        }
    }
}

// Settles the last token that was read. The library takes no notice of the ids in the file: a token
// that the model lacks gets the next free one. Of equal ones the flags of the last count, but what
// was special stays so; an empty one is none.
static void place_added(qni_json_reader *r, added_index *index, uint32_t *next_id)
{
    qni_tokenizer *t = r->t;
    qni_added_token *last = &t->added[t->n_added - 1];
    qni_added_token *same = last->n > 0 ? added_before(t, index) : NULL;
    int32_t known = qni_vocab_find(&t->written, last->content, last->n);
    if (same != NULL) {
        const char *content = last->content;
        last->content = same->content;
        last->special = last->special || same->special;
        last->id = same->id;
        *same = *last;
        last->content = content;
    } else if (last->n > 0) {
        int32_t free_id = r->keeps_ids ? last->id : (int32_t)*next_id;
        *next_id += known < 0;
        last->id = known >= 0 ? known : free_id;
    }
    if (same != NULL || last->n == 0) {
        qni_free((void *)(uintptr_t)last->content);
        t->n_added--;
    }
}

static qn_status read_added(qni_json_reader *r)
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
    added_index index;
    uint32_t next_id = (uint32_t)r->written.n; // as many as the model has tokens
    QNI_TRY(begin_index(r, n, &index));
    for (size_t i = 0; i < n; i++) {
        qni_added_token *a = &r->t->added[r->t->n_added];
        QNI_TRY(read_added_token(r, json_array_get(list, i), a));
        r->t->n_added++;
        place_added(r, &index, &next_id);
    }
    return QN_OK;
}

// Whether bytes can stand in the place of the characters that they are written with: no affix joins
// them, and none is looked for among the tokens of single bytes.
static bool holds_bytes(const json_t *model)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (int i = 0; i < 2; i++) {
        if (json_string_length(json_object_get(model, affixes[i])) > 0) {
            return false;
        }
    }
    const json_t *vocab = json_object_get(model, "vocab");
    bool all = true;
    for (int byte = 0; byte < 256 && all; byte++) {
        char text[4];
        int n = qni_utf8_encode(qni_byte_to_code((unsigned char)byte), text);
        all = json_object_getn(vocab, text, (size_t)n) != NULL;
    }
    return all || !json_is_true(json_object_get(model, "byte_fallback"));
}

// A byte-level model meets bytes, if turning them into characters is the last thing before it and
// happens only there.
static void settle_bytes(qni_json_reader *r)
{
    qni_tokenizer *t = r->t;
    size_t n = t->n_pretokenizers, found = 0;
    const json_t *model = json_object_get(r->root, "model");
    bool is_bpe = strcmp(qni_json_type(model), "BPE") == 0 ||
                  (qni_json_type(model)[0] == 0 && json_object_get(model, "merges") != NULL);
    for (size_t i = 0; i < n; i++) {
        found += t->pretokenizers[i].kind == QNI_PRE_BYTES;
    }
    for (size_t i = 0; i < t->n_normalizers; i++) {
        found += t->normalizers[i].kind == QNI_NORMALIZE_BYTES;
    }
    if (is_bpe && holds_bytes(model) && found == 1 && n > 0 &&
        t->pretokenizers[n - 1].kind == QNI_PRE_BYTES) {
        t->model.byte_level = true;
        t->n_pretokenizers--;
    }
}

static qn_status read_all(qni_json_reader *r)
{
    const json_t *root = r->root;
    QNI_TRY(qni_json_only(root, "tokenizer.json",
                          "version truncation padding added_tokens normalizer pre_tokenizer "
                          "post_processor decoder model",
                          r->err));
    QNI_TRY(qni_read_normalizer(r, json_object_get(root, "normalizer")));
    QNI_TRY(qni_read_pretokenizer(r, json_object_get(root, "pre_tokenizer")));
    settle_bytes(r);
    QNI_TRY(qni_read_model(r));
    QNI_TRY(read_added(r));
    QNI_TRY(qni_read_processor(r, json_object_get(root, "post_processor")));
    QNI_TRY(qni_read_truncation(r, json_object_get(root, "truncation")));
    QNI_TRY(qni_read_padding(r, json_object_get(root, "padding")));
    return qni_read_decoder(r, json_object_get(root, "decoder"));
}

qn_status qni_tokenizer_build_json(qni_tokenizer *t, const json_t *root, bool keeps_ids,
                                   qn_error *err)
{
    qni_json_reader r = {.t = t, .root = root, .keeps_ids = keeps_ids, .err = err};
    qni_arena_begin(&r.arena, QNI_GIB);
    qn_status status = read_all(&r);
    // The tables of all tokens need the lists that point into the JSON, so they are made here.
    if (status == QN_OK) {
        status = qni_tokenizer_finish(t, &r.written, err);
    }
    qni_free(r.written.items);
    qni_free(r.model.items);
    qni_arena_end(&r.arena);
    return status;
}

qn_status qni_tokenizer_read_json(qni_tokenizer *t, const char *path, const char *folder,
                                  qn_error *err)
{
    json_t *root;
    QNI_TRY(qni_json_read(path, QNI_MAX_TEXT_FILE_BYTES, &root, err));
    qn_status status = folder != NULL ? qni_tokenizer_apply_class(root, folder, err) : QN_OK;
    status = status == QN_OK ? qni_tokenizer_build_json(t, root, false, err) : status;
    json_decref(root);
    return status == QN_OK ? QN_OK : qni_fail_in(err, status, path);
}
