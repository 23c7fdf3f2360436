#include "text/encode_words.h"

#include "base/alloc.h"

#include <string.h>

// Words whose keys are made, and whose slots are asked for, before the first of them is looked up.
enum { AHEAD = 32 };

qn_status qni_ids_reserve(qni_ids *out, size_t more, qn_error *err)
{
    size_t need = out->n + more + QNI_WORD_NEAR + 1;
    if (need > out->capacity && qni_grow(&out->ids, &out->capacity, need, sizeof *out->ids) != 0) {
        return qni_fail_memory(err);
    }
    return QN_OK;
}

// Encodes a word by the model and keeps the result.
static qn_status encode_word(const qni_model *model, qni_context *c, const qni_word_key *key,
                             const char *word, size_t n, qni_ids *out, qn_error *err)
{
    QNI_TRY(qni_model_encode(model, &c->model, word, n, err));
    const qni_pieces *pieces = &c->model.pieces;
    QNI_TRY(qni_ids_reserve(out, pieces->n, err));
    int32_t *ids = out->ids + out->n;
    for (size_t i = 0; i < pieces->n; i++) {
        ids[i] = (int32_t)pieces->items[i].id;
    }
    qni_words_add(&c->words, key, word, n, ids, pieces->n);
    out->n += pieces->n;
    return QN_OK;
}

// A word that is not in the first slot of its hash, or has tokens elsewhere.
static __attribute__((noinline)) qn_status add_word(const qni_model *model, qni_context *c,
                                                    const qni_word_key *key, const char *word,
                                                    size_t n, qni_ids *out, qn_error *err)
{
    const qni_word_slot *slot = qni_words_find(&c->words, key, word, n);
    if (slot == NULL) {
        return encode_word(model, c, key, word, n, out, err);
    }
    size_t n_ids;
    const int32_t *ids = qni_word_ids(&c->words, slot, &n_ids);
    QNI_TRY(qni_ids_reserve(out, n_ids, err));
    memcpy(out->ids + out->n, ids, n_ids * sizeof *ids);
    out->n += n_ids;
    return QN_OK;
}

// Up to AHEAD words. What the loops go by is kept in locals, which no store of theirs can change.
static qn_status encode_some(const qni_model *model, qni_context *c, const char *text, size_t n,
                             const qni_word_place *words, size_t n_words, qni_ids *out,
                             qn_error *err)
{
    qni_word_key keys[AHEAD];
    qni_word_table table = qni_words_table(&c->words);
    for (size_t i = 0; i < n_words; i++) {
        const char *word = text + words[i].begin;
        size_t size = words[i].end - words[i].begin;
        bool is_short = size <= QNI_WORD_SHORT && n - words[i].begin > QNI_WORD_SHORT;
        qni_word_key key = is_short ? qni_word_short_key(word, size) : qni_word_key_of(word, size);
        __builtin_prefetch(&table.slots[key.hash & table.mask]);
        keys[i] = key;
    }
    QNI_TRY(qni_ids_reserve(out, n_words * (QNI_WORD_NEAR + 1), err));
    int32_t *to = out->ids + out->n;
    for (size_t i = 0; i < n_words; i++) {
        const qni_word_slot *slot = &table.slots[keys[i].hash & table.mask];
        // Long words have no slot with their hi, which holds a place.
        if (slot->lo == keys[i].lo && slot->hi == keys[i].hi && slot->n <= QNI_WORD_NEAR) {
            memcpy(to, slot->ids, sizeof slot->ids + sizeof slot->n);
            to += slot->n; // a copy of a fixed size: there is room behind
            continue;
        }
        out->n = (size_t)(to - out->ids);
        QNI_TRY(add_word(model, c, &keys[i], text + words[i].begin, words[i].end - words[i].begin,
                         out, err));
        QNI_TRY(qni_ids_reserve(out, (n_words - i) * (QNI_WORD_NEAR + 1), err));
        to = out->ids + out->n;
        table = qni_words_table(&c->words);
    }
    out->n = (size_t)(to - out->ids);
    return QN_OK;
}

qn_status qni_encode_words(const qni_model *model, qni_context *context, const char *text, size_t n,
                           const qni_word_place *words, size_t n_words, qni_ids *out, qn_error *err)
{
    for (size_t i = 0; i < n_words; i += AHEAD) {
        size_t some = n_words - i < AHEAD ? n_words - i : AHEAD;
        QNI_TRY(encode_some(model, context, text, n, words + i, some, out, err));
    }
    return QN_OK;
}
