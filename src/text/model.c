#include "text/model.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

void qni_model_end(qni_model *model)
{
    qni_bpe_end(&model->bpe);
    qni_vocab_end(&model->vocab);
    qni_free(model->prefix);
    qni_free(model->suffix);
    *model = (qni_model){0};
}

void qni_model_scratch_end(qni_model_scratch *scratch)
{
    qni_bpe_scratch_end(&scratch->bpe);
    qni_free(scratch->pieces.items);
    qni_free(scratch->symbols.items);
    *scratch = (qni_model_scratch){0};
}

qn_status qni_pieces_add(qni_pieces *pieces, uint32_t id, size_t n, qn_error *err)
{
    if (qni_grow(&pieces->items, &pieces->capacity, pieces->n + 1, sizeof *pieces->items) != 0) {
        return qni_fail_memory(err);
    }
    pieces->items[pieces->n++] = (qni_bpe_symbol){id, (uint32_t)n};
    return QN_OK;
}

// The encoding of known symbols, by the fast way, appended to the pieces.
static qn_status add_encoded(const qni_model *model, qni_model_scratch *s, const char *text,
                             size_t n, qn_error *err)
{
    size_t n_tokens;
    QNI_TRY(qni_bpe_encode(&model->bpe, &s->bpe, text, n, &n_tokens, err));
    qni_pieces *out = &s->pieces;
    if (qni_grow(&out->items, &out->capacity, out->n + n_tokens, sizeof *out->items) != 0) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < n_tokens; i++) {
        qni_bpe_symbol *piece = &out->items[out->n + i];
        piece->id = s->bpe.tokens[i];
        qni_vocab_at(&model->vocab, piece->id, &piece->n);
    }
    out->n += n_tokens;
    return QN_OK;
}

// The token of the symbol text[at, at + length) of a word, with the affixes that the model puts on
// it.
static int32_t find_symbol(const qni_model *model, const char *word, size_t n, size_t at,
                           size_t length)
{
    bool prefix = model->prefix != NULL && at > 0;
    bool suffix = model->suffix != NULL && at + length == n;
    if (!prefix && !suffix) {
        return qni_vocab_find(&model->vocab, word + at, length);
    }
    char text[256];
    size_t size = 0;
    size_t before = prefix ? strlen(model->prefix) : 0, after = suffix ? strlen(model->suffix) : 0;
    if (before + length + after > sizeof text) {
        return QNI_NO_TOKEN;
    }
    if (before > 0) {
        memcpy(text, model->prefix, before);
    }
    size = before;
    memcpy(text + size, word + at, length);
    size += length;
    if (after > 0) {
        memcpy(text + size, model->suffix, after);
    }
    return qni_vocab_find(&model->vocab, text, size + after);
}

// An unknown character waiting for its neighbours.
typedef struct unknown {
    size_t n; // bytes; 0: none waits
} unknown;

static qn_status flush_unknown(const qni_model *model, qni_model_scratch *s, unknown *wait,
                               qn_error *err)
{
    size_t n = wait->n;
    wait->n = 0;
    return n == 0 ? QN_OK : qni_pieces_add(&s->symbols, (uint32_t)model->unk, n, err);
}

static qn_status add_unknown(const qni_model *model, qni_model_scratch *s, unknown *wait,
                             const char *text, size_t n, qn_error *err)
{
    bool fallback = model->byte_fallback;
    for (size_t i = 0; i < n && fallback; i++) {
        fallback = model->byte_ids[(unsigned char)text[i]] >= 0;
    }
    for (size_t i = 0; i < n && fallback; i++) {
        QNI_TRY(
            qni_pieces_add(&s->symbols, (uint32_t)model->byte_ids[(unsigned char)text[i]], 1, err));
    }
    if (fallback || model->unk < 0) {
        return QN_OK;
    }
    if (!model->fuse_unk) {
        QNI_TRY(flush_unknown(model, s, wait, err));
    }
    wait->n += n;
    return QN_OK;
}

// The symbols that merging begins with.
static qn_status collect_symbols(const qni_model *model, qni_model_scratch *s, const char *word,
                                 size_t n, qn_error *err)
{
    s->symbols.n = 0;
    unknown wait = {0};
    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t length = 1;
        if (!model->byte_level) {
            length = (size_t)qni_utf8_decode((const unsigned char *)word + at, n - at, &code);
        }
        int32_t id = find_symbol(model, word, n, at, length);
        if (id >= 0) {
            QNI_TRY(flush_unknown(model, s, &wait, err));
            QNI_TRY(qni_pieces_add(&s->symbols, (uint32_t)id, length, err));
        } else {
            QNI_TRY(add_unknown(model, s, &wait, word + at, length, err));
        }
        at += length;
    }
    return flush_unknown(model, s, &wait, err);
}

static qn_status encode_bpe(const qni_model *model, qni_model_scratch *s, const char *word,
                            size_t n, qn_error *err)
{
    if (model->ignore_merges) {
        int32_t whole = qni_vocab_find(&model->vocab, word, n);
        if (whole >= 0) {
            return qni_pieces_add(&s->pieces, (uint32_t)whole, n, err);
        }
    }
    if (model->bpe.linear && model->complete) {
        return add_encoded(model, s, word, n, err);
    }
    QNI_TRY(collect_symbols(model, s, word, n, err));
    QNI_TRY(qni_bpe_merge_symbols(&model->bpe, &s->bpe, s->symbols.items, &s->symbols.n, err));
    for (size_t i = 0; i < s->symbols.n; i++) {
        QNI_TRY(qni_pieces_add(&s->pieces, s->symbols.items[i].id, s->symbols.items[i].n, err));
    }
    return QN_OK;
}

qn_status qni_model_encode(const qni_model *model, qni_model_scratch *scratch, const char *word,
                           size_t n, qn_error *err)
{
    scratch->pieces.n = 0;
    if (n == 0) {
        return QN_OK;
    }
    switch (model->kind) {
    case QNI_MODEL_BPE: return encode_bpe(model, scratch, word, n, err);
    case QNI_MODEL_UNIGRAM:
    case QNI_MODEL_WORDPIECE:
    case QNI_MODEL_WORDLEVEL: break;
    }
    return qni_fail(err, QN_UNSUPPORTED, NULL, "this kind of tokenizer model");
}
