#include "text/model.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <string.h>

void qni_model_end(qni_model *model)
{
    qni_bpe_end(&model->bpe);
    qni_seams_end(&model->seams);
    if (model->characters.owned) {
        qni_free((void *)(uintptr_t)model->characters.known);
        qni_free((void *)(uintptr_t)model->characters.rows);
    }
    qni_unigram_end(&model->unigram);
    qni_wordpiece_end(&model->wordpiece);
    qni_vocab_end(&model->vocab);
    qni_splitter_end(&model->parts);
    qni_free(model->joined);
    qni_free(model->prefix);
    qni_free(model->suffix);
    *model = (qni_model){0};
}

void qni_model_scratch_end(qni_model_scratch *scratch)
{
    qni_bpe_scratch_end(&scratch->bpe);
    qni_free(scratch->unigram.places);
    qni_free(scratch->pieces.items);
    qni_free(scratch->symbols.items);
    *scratch = (qni_model_scratch){0};
}

// Marks the tokens that are one byte or one character, and those that stand for others.
static void mark_symbols(const qni_model *model, uint8_t *symbols)
{
    bool affixes = model->prefix != NULL || model->suffix != NULL;
    for (uint32_t id = 0; id < model->vocab.n; id++) {
        uint32_t n, code;
        const char *bytes = qni_vocab_at(&model->vocab, id, &n);
        symbols[id] = affixes ? QNI_BPE_GIVEN : 0;
        if (n > 0 && model->vocab.present[id]) {
            size_t one = 1;
            if (!model->byte_level) {
                int length = qni_utf8_decode((const unsigned char *)bytes, n, &code);
                one = (size_t)(length < 0 ? -length : length);
            }
            bool single = one == n && qni_vocab_find(&model->vocab, bytes, n) == (int32_t)id;
            symbols[id] |= single ? QNI_BPE_SINGLE : 0;
        }
    }
    for (int i = 0; i < 256 && model->byte_fallback; i++) {
        if (model->byte_ids[i] >= 0) {
            symbols[model->byte_ids[i]] |= QNI_BPE_GIVEN;
        }
    }
    if (model->unk >= 0) {
        symbols[model->unk] |= QNI_BPE_GIVEN;
    }
}

qn_status qni_model_build_bpe(qni_model *model, const qni_bpe_merge *merges, size_t n,
                              qn_error *err)
{
    uint8_t *symbols = qni_calloc((size_t)model->vocab.n + 1, 1);
    if (symbols == NULL) {
        return qni_fail_memory(err);
    }
    mark_symbols(model, symbols);
    qn_status status = qni_bpe_build(&model->vocab, merges, n, symbols, &model->bpe, err);
    qni_free(symbols);
    return status;
}

qn_status qni_pieces_grow(qni_pieces *pieces, qn_error *err)
{
    if (qni_grow(&pieces->items, &pieces->capacity, pieces->n + 1, sizeof *pieces->items) != 0) {
        return qni_fail_memory(err);
    }
    return QN_OK;
}

// The encoding of known symbols, by the fast way, appended to the pieces.
static qn_status add_encoded(const qni_model *model, qni_model_scratch *s, const char *text,
                             size_t n, qn_error *err)
{
    size_t n_tokens;
    qni_pieces *out = &s->pieces;
    if (out->n + n > out->capacity &&
        qni_grow(&out->items, &out->capacity, out->n + n, sizeof *out->items) != 0) {
        return qni_fail_memory(err);
    }
    QNI_TRY(qni_bpe_encode(&model->bpe, &s->bpe, text, n, out->items + out->n, &n_tokens, err));
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

static bool is_one_character(const char *text, size_t n)
{
    uint32_t code;
    return qni_utf8_decode((const unsigned char *)text, n, &code) == (int)n;
}

// The tokens of the bytes of a part that has none itself: each covers its byte, or all of them
// cover the part. *done is false when a byte has no token.
static qn_status add_bytes(const qni_model *model, qni_model_scratch *s, const char *text, size_t n,
                           bool whole, bool *done, qn_error *err)
{
    *done = model->byte_fallback;
    for (size_t i = 0; i < n && *done; i++) {
        *done = model->byte_ids[(unsigned char)text[i]] >= 0;
    }
    for (size_t i = 0; i < n && *done; i++) {
        uint32_t id = (uint32_t)model->byte_ids[(unsigned char)text[i]];
        QNI_TRY(qni_pieces_add(&s->pieces, id, !whole ? 1 : i == 0 ? n : 0, err));
    }
    return QN_OK;
}

static qn_status merge_symbols(const qni_model *model, qni_model_scratch *s, const char *word,
                               size_t n, qn_error *err)
{
    if (model->prefix == NULL && model->suffix == NULL) {
        size_t before = s->pieces.n;
        QNI_TRY(add_encoded(model, s, word, n, err));
        if (s->pieces.n > before) {
            return QN_OK;
        }
        if (model->seams.kinds != NULL && n <= 4 && (n == 1 || is_one_character(word, n))) {
            bool done; // it has no token of its own
            return add_bytes(model, s, word, n, false, &done, err);
        }
    }
    QNI_TRY(collect_symbols(model, s, word, n, err));
    QNI_TRY(qni_bpe_merge_symbols(&model->bpe, &s->bpe, s->symbols.items, &s->symbols.n, err));
    for (size_t i = 0; i < s->symbols.n; i++) {
        QNI_TRY(qni_pieces_add(&s->pieces, s->symbols.items[i].id, s->symbols.items[i].n, err));
    }
    return QN_OK;
}

static qn_status encode_bpe(const qni_model *model, qni_model_scratch *s, const char *word,
                            size_t n, qn_error *err)
{
    // A token that merges make is what its own text gives, with or without them.
    if (model->ignore_merges && qni_bpe_may_be_unmade(&model->bpe, word, n)) {
        int32_t whole = qni_vocab_find(&model->vocab, word, n);
        if (whole >= 0) {
            return qni_pieces_add(&s->pieces, (uint32_t)whole, n, err);
        }
    }
    return merge_symbols(model, s, word, n, err);
}

qn_status qni_model_encode_part(const qni_model *model, qni_model_scratch *scratch,
                                const char *part, size_t n, qn_error *err)
{
    scratch->pieces.n = 0;
    return merge_symbols(model, scratch, part, n, err);
}

static qn_status no_unknown(const char *word, size_t n, qn_error *err)
{
    return qni_fail(err, QN_INVALID_ARGUMENT, NULL,
                    "the vocabulary has neither a token for \"%.*s\" nor one for what it lacks",
                    (int)(n < 60 ? n : 60), word);
}

// A part of a word that Unigram's best way calls unknown.
static qn_status add_unknown_part(const qni_model *model, qni_model_scratch *s, const char *text,
                                  size_t n, qn_error *err)
{
    // Unknown characters joined may spell a token.
    int32_t id = qni_unigram_find(&model->unigram, text, n);
    bool done = false;
    if (id < 0) {
        QNI_TRY(add_bytes(model, s, text, n, true, &done, err));
        id = model->unk;
    }
    if (done) {
        return QN_OK;
    }
    return id >= 0 ? qni_pieces_add(&s->pieces, (uint32_t)id, n, err) : no_unknown(text, n, err);
}

static qn_status encode_unigram(const qni_model *model, qni_model_scratch *s, const char *word,
                                size_t n, qn_error *err)
{
    QNI_TRY(qni_unigram_encode(&model->unigram, &s->unigram, word, n, err));
    qni_pieces *row = &s->symbols; // is filled from its end
    if (n > row->capacity && qni_grow(&row->items, &row->capacity, n, sizeof *row->items) != 0) {
        return qni_fail_memory(err);
    }
    size_t first = n;
    for (size_t end = n; end > 0;) {
        const qni_unigram_place *place = &s->unigram.places[end];
        uint32_t size = (uint32_t)end - place->begin;
        bool lacks = place->id < 0 || place->id == model->unk;
        if (lacks && model->fuse_unk && first < n && row->items[first].id == UINT32_MAX) {
            row->items[first].n += size;
        } else {
            row->items[--first] = (qni_bpe_symbol){lacks ? UINT32_MAX : (uint32_t)place->id, size};
        }
        end = place->begin;
    }
    for (; first < n; first++) {
        qni_bpe_symbol part = row->items[first];
        QNI_TRY(part.id != UINT32_MAX ? qni_pieces_add(&s->pieces, part.id, part.n, err)
                                      : add_unknown_part(model, s, word, part.n, err));
        word += part.n;
    }
    return QN_OK;
}

// Whether a word has more characters than so many.
static bool is_longer(const char *word, size_t n, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; n > most && i < n && count <= most; i++) {
        count += ((unsigned char)word[i] & 0xC0) != 0x80;
    }
    return count > most;
}

static qn_status encode_wordpiece(const qni_model *model, qni_model_scratch *s, const char *word,
                                  size_t n, qn_error *err)
{
    const qni_wordpiece *w = &model->wordpiece;
    size_t at = 0;
    bool fits = !is_longer(word, n, w->longest);
    while (at < n && fits) {
        uint32_t id;
        size_t length = qni_trie_longest(at == 0 ? &w->first : &w->rest,
                                         (const unsigned char *)word + at, n - at, &id);
        if (length == 0) {
            break;
        }
        QNI_TRY(qni_pieces_add(&s->pieces, id, length, err));
        at += length;
    }
    if (at == n) {
        return QN_OK;
    }
    s->pieces.n = 0;
    return model->unk >= 0 ? qni_pieces_add(&s->pieces, (uint32_t)model->unk, n, err)
                           : no_unknown(word, n, err);
}

static qn_status encode_whole(const qni_model *model, qni_model_scratch *s, const char *word,
                              size_t n, qn_error *err)
{
    int32_t id = qni_vocab_find(&model->vocab, word, n);
    id = id >= 0 ? id : model->unk;
    return id >= 0 ? qni_pieces_add(&s->pieces, (uint32_t)id, n, err) : no_unknown(word, n, err);
}

qn_status qni_model_encode_behind(const qni_model *model, qni_model_scratch *scratch,
                                  const char *word, size_t n, double *score, qn_error *err)
{
    scratch->unigram.start = *score;
    qn_status status = qni_model_encode(model, scratch, word, n, err);
    scratch->unigram.start = 0;
    *score = status == QN_OK ? scratch->unigram.places[n].score : *score;
    return status;
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
    case QNI_MODEL_UNIGRAM: return encode_unigram(model, scratch, word, n, err);
    case QNI_MODEL_WORDPIECE: return encode_wordpiece(model, scratch, word, n, err);
    case QNI_MODEL_WORDLEVEL: return encode_whole(model, scratch, word, n, err);
    }
    return QN_OK;
}
