#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "text/encode_context.h"
#include "text/json_read.h"
#include "text/tokenizer_image.h"
#include "text/tokenizer_pieces.h"

#include <ctype.h>
#include <string.h>

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

// Added tokens that the model has too keep the model's number.
static qn_status settle_added(qni_tokenizer *t, qni_token_list *written, qn_error *err)
{
    for (size_t i = 0; i < t->n_added; i++) {
        qni_added_token *a = &t->added[i];
        int32_t known = qni_vocab_find(&t->written, a->content, a->n);
        a->id = known >= 0 ? known : a->id;
        QNI_TRY(qni_token_list_add(written, a->content, a->n, (uint32_t)a->id, false, err));
    }
    qni_vocab_end(&t->written);
    QNI_TRY(qni_vocab_build(written->items, written->n, &t->written, err));
    t->traits = qni_calloc((size_t)t->written.n + 1, 1);
    if (t->traits == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < t->n_added; i++) {
        t->traits[t->added[i].id] |= t->added[i].special ? QNI_TOKEN_SPECIAL : 0;
    }
    return QN_OK;
}

// The texts that added tokens are found by: their contents, normalized for those that are looked
// for in the normalized text.
static qn_status build_set(qni_tokenizer *t, bool normalized, qni_added_set *out, qn_error *err)
{
    qni_trie_key *keys = qni_alloc_array(t->n_added + 1, sizeof *keys);
    char **texts = qni_calloc(t->n_added + 1, sizeof *texts);
    qni_normalize_scratch scratch = {0};
    qn_status status = keys == NULL || texts == NULL ? qni_fail_memory(err) : QN_OK;
    size_t n = 0;
    for (size_t i = 0; i < t->n_added && status == QN_OK; i++) {
        const qni_added_token *a = &t->added[i];
        qni_passage p = {.text = a->content, .n = a->n};
        if (a->normalized != normalized || a->n == 0) {
            continue;
        }
        if (normalized) {
            status = qni_normalize(t->normalizers, t->n_normalizers, &scratch, false, &p, err);
        }
        texts[n] = qni_strndup(p.text, p.n);
        if (texts[n] == NULL) {
            status = qni_fail_memory(err);
        } else if (p.n > 0) {
            keys[n] = (qni_trie_key){(const unsigned char *)texts[n], (uint32_t)p.n, (uint32_t)i};
            n++;
        } else {
            qni_free(texts[n]);
        }
    }
    status = status == QN_OK ? qni_added_set_build(t->added, keys, n, out, err) : status;
    for (size_t i = 0; texts != NULL && i < n; i++) {
        qni_free(texts[i]);
    }
    qni_normalize_scratch_end(&scratch);
    qni_free(texts);
    qni_free(keys);
    return status;
}

qn_status qni_tokenizer_shown(const qni_tokenizer *t, uint32_t id, qni_normalize_scratch *scratch,
                              const char **text, size_t *n, qn_error *err)
{
    *text = qni_tokenizer_token_text(t, (int32_t)id, n);
    if ((t->traits[id] & QNI_TOKEN_SHOWN) != 0) {
        qni_passage p = {.text = *text, .n = *n};
        QNI_TRY(qni_normalize(t->normalizers, t->n_normalizers, scratch, false, &p, err));
        *text = p.text;
        *n = p.n;
    }
    return QN_OK;
}

// Marks the added tokens that are shown in another form, and those that are skipped: the library
// tells them by what they are shown as, so that a special token in another form stays unless a
// special token is written like that.
static qn_status settle_shown(qni_tokenizer *t, qni_normalize_scratch *scratch, qn_error *err)
{
    bool sentencepiece = t->n_normalizers == 1 &&
                         t->normalizers[0].kind == QNI_NORMALIZE_SENTENCEPIECE;
    for (size_t i = 0; i < t->n_added; i++) {
        const qni_added_token *a = &t->added[i];
        const char *text;
        size_t n;
        t->traits[a->id] &= (uint8_t)~QNI_TOKEN_SHOWN; // the last one of an id counts
        t->traits[a->id] |= a->normalized && !sentencepiece ? QNI_TOKEN_SHOWN : 0;
        QNI_TRY(qni_tokenizer_shown(t, (uint32_t)a->id, scratch, &text, &n, err));
        bool same = n == a->n && memcmp(text, a->content, n) == 0;
        t->traits[a->id] &= (uint8_t) ~(same ? QNI_TOKEN_SHOWN : 0);
        int32_t like = same ? a->id : qni_tokenizer_find(t, text, n);
        bool skipped = like >= 0 && (t->traits[like] & QNI_TOKEN_SPECIAL) != 0;
        t->traits[a->id] &= (uint8_t)~QNI_TOKEN_SKIPPED;
        t->traits[a->id] |= skipped ? QNI_TOKEN_SKIPPED : 0;
    }
    return QN_OK;
}

// What each token gives in the middle of a text.
static qn_status write_plain(qni_tokenizer *t, qni_buf *pool, uint32_t *ends,
                             qni_normalize_scratch *scratch, qn_error *err)
{
    for (uint32_t id = 0; id < t->written.n; id++) {
        if (t->written.present[id]) {
            bool is_byte;
            size_t n;
            const char *text;
            QNI_TRY(qni_tokenizer_shown(t, id, scratch, &text, &n, err));
            QNI_TRY(qni_decoder_token(&t->decoder, text, n, false, false, pool, &is_byte, err));
            t->traits[id] |= is_byte ? QNI_TOKEN_BYTE : 0;
        }
        ends[id] = (uint32_t)pool->size;
    }
    return QN_OK;
}

static qn_status build_plain(qni_tokenizer *t, qn_error *err)
{
    qni_token_list plain = {0};
    qni_buf pool;
    qni_buf_begin(&pool, UINT32_MAX, "the text of all tokens");
    uint32_t *ends = qni_alloc_array((size_t)t->written.n + 1, sizeof *ends);
    qni_normalize_scratch scratch = {0};
    qn_status status = ends == NULL ? qni_fail_memory(err) : settle_shown(t, &scratch, err);
    status = status == QN_OK ? write_plain(t, &pool, ends, &scratch, err) : status;
    qni_normalize_scratch_end(&scratch);
    for (uint32_t id = 0; id < t->written.n && status == QN_OK; id++) {
        uint32_t begin = id > 0 ? ends[id - 1] : 0;
        if (t->written.present[id]) {
            status = qni_token_list_add(&plain, pool.data + begin, ends[id] - begin, id, true, err);
        }
    }
    status = status == QN_OK ? qni_vocab_build(plain.items, plain.n, &t->plain, err) : status;
    qni_free(plain.items);
    qni_free(ends);
    qni_buf_end(&pool);
    return status;
}

static qn_status build_brief(qni_tokenizer *t, qn_error *err)
{
    qni_brief_token *brief = qni_calloc((size_t)t->plain.n + 1, sizeof *brief);
    if (brief == NULL) {
        return qni_fail_memory(err);
    }
    t->brief = (qni_brief_tokens){.items = brief, .owned = true};
    for (uint32_t id = 0; id < t->plain.n; id++) {
        uint32_t n;
        const char *bytes = qni_vocab_at(&t->plain, id, &n);
        bool is = t->plain.present[id] && t->traits[id] == 0 && n <= QNI_BRIEF_BYTES;
        brief[id].n = is ? (uint8_t)n : QNI_NOT_BRIEF;
        if (is && n > 0) {
            memcpy(brief[id].bytes, bytes, n);
        }
    }
    return QN_OK;
}

// Whether a step puts a mark in front of the first word only, behind steps that may have put text
// there or taken some away: then what stands for the first character of the text is kept track of.
static bool tracks_front(const qni_tokenizer *t)
{
    bool changes = t->n_normalizers > 0;
    for (size_t i = 0; i < t->n_pretokenizers; i++) {
        const qni_pretokenizer *step = &t->pretokenizers[i];
        if (step->kind == QNI_PRE_METASPACE && step->prepend == QNI_PREPEND_FIRST && changes) {
            return true;
        }
        changes = changes || (step->kind != QNI_PRE_SPLIT && step->kind != QNI_PRE_LENGTH);
    }
    return false;
}

qn_status qni_tokenizer_finish(qni_tokenizer *t, qni_token_list *written, qn_error *err)
{
    t->tracks_front = tracks_front(t);
    QNI_TRY(settle_added(t, written, err));
    QNI_TRY(qni_decoder_settle(&t->decoder, err));
    QNI_TRY(qni_model_settle(&t->model, err));
    QNI_TRY(build_set(t, false, &t->added_raw, err));
    QNI_TRY(build_set(t, true, &t->added_normalized, err));
    QNI_TRY(build_plain(t, err));
    return build_brief(t, err);
}

void qni_tokenizer_clear(qni_tokenizer *t)
{
    for (int i = 0; i < QNI_POOLED_CONTEXTS; i++) {
        qni_context_free(atomic_load_explicit(&t->contexts[i], memory_order_acquire));
    }
    for (size_t i = 0; i < t->n_added; i++) {
        qni_free((void *)(uintptr_t)t->added[i].content);
    }
    for (size_t i = 0; i < t->n_normalizers; i++) {
        qni_normalizer_end(&t->normalizers[i]);
    }
    for (size_t i = 0; i < t->n_pretokenizers; i++) {
        qni_splitter_end(&t->pretokenizers[i].splitter);
    }
    qni_decoder_end(&t->decoder);
    qni_added_set_end(&t->added_raw);
    qni_added_set_end(&t->added_normalized);
    qni_model_end(&t->model);
    qni_vocab_end(&t->written);
    qni_vocab_end(&t->plain);
    if (t->brief.owned) {
        qni_free((void *)(uintptr_t)t->brief.items);
    }
    qni_free(t->added);
    qni_free(t->traits);
    qni_free(t->normalizers);
    qni_free(t->pretokenizers);
    qni_free(t->single.items);
    qni_free(t->pair.items);
    qni_free(t->eos);
    qni_map_release(t->image);
    *t = (qni_tokenizer){.bos = -1, .model.unk = QNI_NO_TOKEN};
}

void qni_tokenizer_close(qni_tokenizer *t)
{
    if (t != NULL) {
        qni_tokenizer_clear(t);
        qni_free(t);
    }
}

static qn_status add_eos(qni_tokenizer *t, int64_t id, qn_error *err)
{
    for (size_t i = 0; i < t->n_eos; i++) {
        if (t->eos[i] == id) {
            return QN_OK;
        }
    }
    if (id < 0 || id >= QNI_MAX_VOCABULARY) {
        return qni_fail(err, QN_INVALID_MODEL, NULL, "eos_token_id %lld", (long long)id);
    }
    int32_t *more = qni_realloc(t->eos, (t->n_eos + 1) * sizeof *more);
    if (more == NULL) {
        return qni_fail_memory(err);
    }
    t->eos = more;
    t->eos[t->n_eos++] = (int32_t)id;
    return QN_OK;
}

// eos_token_id and bos_token_id: a number or a list of them.
static qn_status read_ids(qni_tokenizer *t, const json_t *config, qn_error *err)
{
    const json_t *eos = json_object_get(config, "eos_token_id");
    const json_t *bos = json_object_get(config, "bos_token_id");
    if (json_is_integer(eos)) {
        QNI_TRY(add_eos(t, json_integer_value(eos), err));
    }
    for (size_t i = 0; i < json_array_size(eos); i++) {
        if (json_is_integer(json_array_get(eos, i))) {
            QNI_TRY(add_eos(t, json_integer_value(json_array_get(eos, i)), err));
        }
    }
    if (t->bos < 0 && json_is_integer(bos)) {
        t->bos = (int32_t)json_integer_value(bos);
    }
    return QN_OK;
}

// A token of tokenizer_config.json: its text, or an object with "content". -1 when there is none.
static int32_t named_token(const qni_tokenizer *t, const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    value = json_is_object(value) ? json_object_get(value, "content") : value;
    return json_is_string(value)
               ? qni_tokenizer_find(t, json_string_value(value), json_string_length(value))
               : -1;
}

static qn_status read_tokenizer_config(qni_tokenizer *t, const json_t *config, qn_error *err)
{
    int32_t eos = named_token(t, config, "eos_token");
    int32_t bos = named_token(t, config, "bos_token");
    t->bos = bos >= 0 ? bos : t->bos;
    QNI_TRY(qni_json_bool(config, "clean_up_tokenization_spaces", false, &t->clean_up, err));
    // a SentencePiece model does not say itself what stands around texts
    if (t->n_normalizers == 1 && t->normalizers[0].kind == QNI_NORMALIZE_SENTENCEPIECE) {
        bool front, behind;
        QNI_TRY(qni_json_bool(config, "add_bos_token", false, &front, err));
        QNI_TRY(qni_json_bool(config, "add_eos_token", false, &behind, err));
        if (front || behind) {
            int32_t end = eos >= 0 ? eos : t->n_eos > 0 ? t->eos[0] : -1;
            QNI_TRY(qni_tokenizer_set_ends(t, front ? t->bos : -1, behind ? end : -1, err));
        }
    }
    return eos >= 0 ? add_eos(t, eos, err) : QN_OK;
}

typedef qn_status config_fn(qni_tokenizer *t, const json_t *config, qn_error *err);

// special_tokens_map.json, of older folders: the names only.
static qn_status read_special_tokens(qni_tokenizer *t, const json_t *config, qn_error *err)
{
    int32_t eos = named_token(t, config, "eos_token");
    int32_t bos = named_token(t, config, "bos_token");
    t->bos = bos >= 0 ? bos : t->bos;
    return eos >= 0 ? add_eos(t, eos, err) : QN_OK;
}

const char *const qni_tokenizer_configs[] = {"generation_config.json", "config.json",
                                             "special_tokens_map.json", "tokenizer_config.json",
                                             NULL};
static config_fn *const read_config[] = {read_ids, read_ids, read_special_tokens,
                                         read_tokenizer_config};

static qn_status read_beside(qni_tokenizer *t, const char *folder, const char *name,
                             config_fn *read, qn_error *err)
{
    json_t *config;
    QNI_TRY(qni_json_read_beside(folder, name, QNI_MAX_TEXT_FILE_BYTES, &config, err));
    qn_status status = config != NULL ? read(t, config, err) : QN_OK;
    json_decref(config);
    return status;
}

static qn_status read_configs(qni_tokenizer *t, const char *folder, qn_error *err)
{
    for (size_t i = 0; qni_tokenizer_configs[i] != NULL; i++) {
        QNI_TRY(read_beside(t, folder, qni_tokenizer_configs[i], read_config[i], err));
    }
    return QN_OK;
}

// A line of a rank file: base64, a space, a number.
static bool looks_like_ranks(const unsigned char *text, size_t n)
{
    size_t at = 0;
    while (at < n && (isalnum(text[at]) || text[at] == '+' || text[at] == '/' || text[at] == '=')) {
        at++;
    }
    return at > 0 && at + 1 < n && text[at] == ' ' && isdigit(text[at + 1]);
}

// The first piece of a SentencePiece model: a message that begins with its text.
static bool looks_like_pieces(const unsigned char *text, size_t n)
{
    return n > 4 && text[0] == 10 && text[1] > 2 && text[1] < 128 && text[2] == 10 &&
           text[3] <= text[1] - 2;
}

// What a file is, its first bytes tell.
static qn_status read_file(qni_tokenizer *t, const char *path, const char *folder, qn_error *err)
{
    qni_map *map;
    QNI_TRY(qni_map_open(path, &map, err));
    bool ranks = looks_like_ranks(qni_map_data(map), qni_map_size(map));
    bool pieces = looks_like_pieces(qni_map_data(map), qni_map_size(map));
    bool gguf = qni_map_size(map) >= 4 && memcmp(qni_map_data(map), "GGUF", 4) == 0;
    qni_map_release(map);
    if (gguf) {
        return qni_tokenizer_read_gguf(t, path, err);
    }
    if (pieces) {
        return qni_tokenizer_read_sentencepiece(t, path, err);
    }
    return ranks ? qni_tokenizer_read_ranks(t, path, err)
                 : qni_tokenizer_read_json(t, path, folder, err);
}

static qn_status open_file(qni_tokenizer *t, const char *path, const char *folder, bool as_folder,
                           qn_error *err)
{
    qni_tokenizer_stamp stamp;
    QNI_TRY(qni_tokenizer_stamp_take(path, folder, as_folder, &stamp, err));
    qn_status status = QN_OK;
    if (!qni_tokenizer_image_load(&stamp, t)) {
        status = read_file(t, path, as_folder ? folder : NULL, err);
        status = status == QN_OK ? read_configs(t, folder, err) : status;
        if (status == QN_OK) {
            qni_tokenizer_image_store(&stamp, t);
        }
    }
    qni_tokenizer_stamp_end(&stamp);
    return status;
}

static qn_status open_path(qni_tokenizer *t, const char *path, qn_error *err)
{
    bool is_folder = qni_folder_exists(path);
    size_t n;
    const char *base = qni_path_base(path, &n);
    char *file = is_folder ? qni_path_join(path, "tokenizer.json") : qni_strdup(path);
    if (is_folder && file != NULL && !qni_file_exists(file)) {
        char *model = qni_path_join(path, "tokenizer.model");
        bool there = model != NULL && qni_file_exists(model);
        qni_free(there ? file : model);
        file = there ? model : file;
    }
    char *folder = is_folder     ? qni_strdup(path)
                   : base > path ? qni_strndup(path, (size_t)(base - path))
                                 : qni_strdup(".");
    qn_status status = file == NULL || folder == NULL ? qni_fail_memory(err)
                                                      : open_file(t, file, folder, is_folder, err);
    qni_free(file);
    qni_free(folder);
    return status;
}

qn_status qni_tokenizer_open(const char *path, qni_tokenizer **out, qn_error *err)
{
    *out = NULL;
    qni_tokenizer *t = qni_calloc(1, sizeof *t);
    if (t == NULL) {
        return qni_fail_memory(err);
    }
    qni_tokenizer_clear(t);
    qn_status status = open_path(t, path, err);
    if (status != QN_OK) {
        qni_tokenizer_close(t);
        return status;
    }
    *out = t;
    return QN_OK;
}

size_t qni_tokenizer_vocabulary(const qni_tokenizer *t)
{
    return t->written.n;
}

static const char *token_in(const qni_vocab *vocab, int32_t id, size_t *n)
{
    *n = 0;
    if (id < 0 || (uint32_t)id >= vocab->n || !vocab->present[id]) {
        return NULL;
    }
    uint32_t size;
    const char *bytes = qni_vocab_at(vocab, (uint32_t)id, &size);
    *n = size;
    return bytes;
}

const char *qni_tokenizer_token_bytes(const qni_tokenizer *t, int32_t id, size_t *n)
{
    return token_in(&t->plain, id, n);
}

const char *qni_tokenizer_token_text(const qni_tokenizer *t, int32_t id, size_t *n)
{
    return token_in(&t->written, id, n);
}

int32_t qni_tokenizer_find(const qni_tokenizer *t, const char *token, size_t n)
{
    return qni_vocab_find(&t->written, token, n);
}

bool qni_tokenizer_is_special(const qni_tokenizer *t, int32_t id)
{
    return id >= 0 && (uint32_t)id < t->written.n && (t->traits[id] & QNI_TOKEN_SPECIAL) != 0;
}

int32_t qni_tokenizer_bos(const qni_tokenizer *t)
{
    return t->bos;
}

size_t qni_tokenizer_eos(const qni_tokenizer *t, const int32_t **ids)
{
    *ids = t->eos;
    return t->n_eos;
}

size_t qni_tokenizer_added(const qni_tokenizer *t, const qni_added_token **tokens)
{
    *tokens = t->added;
    return t->n_added;
}
