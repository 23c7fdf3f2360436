#include "text/tokenizer_pieces.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

qn_status qni_pieces_append(qni_piece_source *source, qni_piece piece, qn_error *err)
{
    if (source->n >= QNI_MAX_VOCABULARY || piece.n > QNI_MAX_TOKEN_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "token %zu: too many, or too long",
                        source->n);
    }
    if (qni_grow(&source->items, &source->capacity, source->n + 1, sizeof piece) != 0) {
        return qni_fail_memory(err);
    }
    source->items[source->n++] = piece;
    return QN_OK;
}

qn_status qni_tokenizer_set_ends(qni_tokenizer *t, int32_t bos, int32_t eos, qn_error *err)
{
    for (int pair = 0; pair < 2; pair++) {
        qni_template_row *row = pair ? &t->pair : &t->single;
        qni_free(row->items);
        *row = (qni_template_row){qni_calloc(6, sizeof *row->items), 0, 0};
        if (row->items == NULL) {
            return qni_fail_memory(err);
        }
        for (int which = 0; which <= pair; which++) {
            if (bos >= 0) {
                row->items[row->n++] = (qni_template_part){bos, 0, 0};
            }
            row->items[row->n++] = (qni_template_part){-1, which, 0};
            if (eos >= 0) {
                row->items[row->n++] = (qni_template_part){eos, 0, 0};
            }
        }
        row->n_special = row->n - (size_t)(pair + 1);
    }
    return QN_OK;
}

typedef struct builder {
    qni_tokenizer *t;
    const qni_piece_source *s;
    qni_token_list written, model;
    qni_bpe_merge *merges;
    size_t n_merges, merges_capacity;
    qn_error *err;
} builder;

static qn_status check_types(builder *b)
{
    for (size_t i = 0; i < b->s->n; i++) {
        const qni_piece *p = &b->s->items[i];
        if (p->type < QNI_PIECE_NORMAL || p->type > QNI_PIECE_BYTE) {
            return qni_fail(b->err, QN_UNSUPPORTED, NULL, "token %zu has the unknown type %d", i,
                            p->type);
        }
        if (p->type == QNI_PIECE_UNUSED && !b->s->unigram && !b->s->controls_in_text) {
            return qni_fail(b->err, QN_UNSUPPORTED, NULL, "unused piece %zu of a BPE model", i);
        }
        if (!(p->score >= (float)-QNI_MAX_PIECE_SCORE && p->score <= (float)QNI_MAX_PIECE_SCORE)) {
            return qni_fail(b->err, QN_INVALID_MODEL, NULL, "token %zu has the score %g", i,
                            (double)p->score);
        }
    }
    return QN_OK;
}

// Unigram weighs symbols of the user against other ways to cut a text; elsewhere they are cut out
// of it first.
static bool weighs_symbols(const builder *b)
{
    return b->s->unigram && !b->s->controls_in_text;
}

static bool is_of_model(const builder *b, const qni_piece *p)
{
    return p->type == QNI_PIECE_NORMAL || (p->type == QNI_PIECE_USER && weighs_symbols(b));
}

static qn_status build_vocabularies(builder *b)
{
    qni_tokenizer *t = b->t;
    for (size_t i = 0; i < b->s->n; i++) {
        const qni_piece *p = &b->s->items[i];
        QNI_TRY(qni_token_list_add(&b->written, p->text, p->n, (uint32_t)i, false, b->err));
        if (is_of_model(b, p)) {
            QNI_TRY(qni_token_list_add(&b->model, p->text, p->n, (uint32_t)i, p->n == 0, b->err));
        } else if (p->type == QNI_PIECE_UNKNOWN && t->model.unk == QNI_NO_TOKEN) {
            t->model.unk = (int32_t)i;
        }
    }
    for (int byte = 0; byte < 256; byte++) {
        t->model.byte_ids[byte] = QNI_NO_TOKEN;
    }
    for (size_t i = 0; i < b->s->n; i++) {
        const qni_piece *p = &b->s->items[i];
        static const char digits[] = "0123456789ABCDEF";
        const char *high = p->n == 6 && p->type == QNI_PIECE_BYTE ? strchr(digits, p->text[3])
                                                                  : NULL;
        const char *low = high != NULL ? strchr(digits, p->text[4]) : NULL;
        if (low != NULL && *high != '\0' && *low != '\0') {
            t->model.byte_ids[(high - digits) * 16 + (low - digits)] = (int32_t)i;
        }
    }
    QNI_TRY(qni_vocab_build(b->written.items, b->written.n, &t->written, b->err));
    return qni_vocab_build(b->model.items, b->model.n, &t->model.vocab, b->err);
}

typedef struct ranked {
    float score;
    uint32_t id;
} ranked;

static int by_score(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score ? -1 : 1) : x->id < y->id ? -1 : 1;
}

// Every way to put a token together of two others; tokens of higher scores first.
static qn_status collect_merges(builder *b, const ranked *order, size_t n)
{
    const qni_vocab *vocab = &b->t->model.vocab;
    uint32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t size;
        const char *bytes = qni_vocab_at(vocab, order[i].id, &size);
        rank += i > 0 && order[i].score < order[i - 1].score;
        for (uint32_t cut = 1; cut < size; cut++) {
            int32_t left = qni_vocab_find(vocab, bytes, cut);
            int32_t right = left >= 0 ? qni_vocab_find(vocab, bytes + cut, size - cut) : -1;
            if (right < 0 || qni_vocab_find(vocab, bytes, size) != (int32_t)order[i].id) {
                continue;
            }
            if (qni_grow(&b->merges, &b->merges_capacity, b->n_merges + 1, sizeof *b->merges) !=
                0) {
                return qni_fail_memory(b->err);
            }
            b->merges[b->n_merges++] = (qni_bpe_merge){(uint32_t)left, (uint32_t)right, rank,
                                                       order[i].id};
        }
    }
    return qni_model_build_bpe(&b->t->model, b->merges, b->n_merges, b->err);
}

static qn_status build_bpe(builder *b)
{
    size_t n = 0;
    ranked *order = qni_alloc_array(b->s->n + 1, sizeof *order);
    if (order == NULL) {
        return qni_fail_memory(b->err);
    }
    for (size_t i = 0; i < b->s->n && !b->s->characters; i++) {
        if (b->s->items[i].type == QNI_PIECE_NORMAL && b->s->items[i].n > 0) {
            order[n++] = (ranked){b->s->items[i].score, (uint32_t)i};
        }
    }
    qsort(order, n, sizeof *order, by_score);
    qn_status status = collect_merges(b, order, n);
    qni_free(order);
    return status;
}

static qn_status build_unigram(builder *b)
{
    qni_model *model = &b->t->model;
    double *scores = qni_calloc((size_t)model->vocab.n + 1, sizeof *scores);
    if (scores == NULL) {
        return qni_fail_memory(b->err);
    }
    float least = FLT_MAX;
    for (uint32_t i = 0; i < model->vocab.n; i++) {
        const qni_piece *p = &b->s->items[i];
        least = p->type == QNI_PIECE_NORMAL ? fminf(least, p->score) : least;
        scores[i] = (double)p->score; // of symbols of the user as a rule 0, more than all others
    }
    qn_status status = qni_unigram_build(&model->vocab, scores, &model->unigram, b->err);
    qni_free(scores);
    model->unigram.single = true;
    model->unigram.unknown_score = (double)(least - QNI_UNKNOWN_PENALTY);
    return status;
}

static qn_status build_model(builder *b)
{
    qni_model *model = &b->t->model;
    model->kind = b->s->unigram ? QNI_MODEL_UNIGRAM : QNI_MODEL_BPE;
    model->byte_fallback = b->s->byte_fallback;
    model->fuse_unk = true;
    QNI_TRY(build_vocabularies(b));
    if (model->unk == QNI_NO_TOKEN) {
        return qni_fail(b->err, QN_INVALID_MODEL, NULL, "the vocabulary has no unknown token");
    }
    return b->s->unigram ? build_unigram(b) : build_bpe(b);
}

static bool is_added(const builder *b, const qni_piece *p)
{
    bool special = p->type == QNI_PIECE_CONTROL || p->type == QNI_PIECE_UNKNOWN;
    return p->n > 0 && (p->type == QNI_PIECE_USER || (special && b->s->controls_in_text));
}

static qn_status add_tokens(builder *b)
{
    qni_tokenizer *t = b->t;
    size_t n = 0;
    for (size_t i = 0; i < b->s->n; i++) {
        n += is_added(b, &b->s->items[i]);
    }
    t->added = qni_calloc(n + 1, sizeof *t->added);
    if (t->added == NULL || n > QNI_MAX_ADDED_TOKENS) {
        return t->added == NULL
                   ? qni_fail_memory(b->err)
                   : qni_fail(b->err, QN_LIMIT_EXCEEDED, NULL, "too many added tokens");
    }
    for (size_t i = 0; i < b->s->n; i++) {
        const qni_piece *p = &b->s->items[i];
        if (!is_added(b, p)) {
            continue;
        }
        qni_added_token *a = &t->added[t->n_added];
        *a = (qni_added_token){.content = qni_strndup(p->text, p->n),
                               .n = p->n,
                               .id = (int32_t)i,
                               .special = p->type != QNI_PIECE_USER,
                               .normalized = !b->s->controls_in_text};
        if (a->content == NULL) {
            return qni_fail_memory(b->err);
        }
        t->n_added++;
    }
    return QN_OK;
}

// The user's symbols as they stand in normalized text.
static qn_status build_symbols(builder *b, qni_trie *trie)
{
    qni_trie_key *keys = qni_alloc_array(b->t->n_added + 1, sizeof *keys);
    size_t n = 0;
    if (keys == NULL) {
        return qni_fail_memory(b->err);
    }
    for (size_t i = 0; i < b->t->n_added; i++) {
        const qni_added_token *a = &b->t->added[i];
        keys[n++] = (qni_trie_key){(const unsigned char *)a->content, (uint32_t)a->n, (uint32_t)i};
    }
    qn_status status;
    if (trie != NULL) {
        status = qni_trie_build(keys, n, trie, b->err);
    } else {
        qni_added_set_end(&b->t->added_normalized);
        status = qni_added_set_build(b->t->added, keys, n, &b->t->added_normalized, b->err);
    }
    qni_free(keys);
    return status;
}

static qn_status build_normalizer(builder *b)
{
    qni_tokenizer *t = b->t;
    qni_sentencepiece *rules = qni_calloc(1, sizeof *rules);
    t->normalizers = qni_calloc(1, sizeof *t->normalizers);
    if (rules == NULL || t->normalizers == NULL) {
        qni_free(rules);
        return qni_fail_memory(b->err);
    }
    t->n_normalizers = 1;
    t->normalizers[0].kind = QNI_NORMALIZE_SENTENCEPIECE;
    t->normalizers[0].sentencepiece = rules;
    rules->add_space = b->s->add_space;
    rules->space_behind = b->s->space_behind;
    rules->tidy = b->s->tidy;
    rules->escape = b->s->escape;
    QNI_TRY(qni_charsmap_open(b->s->charsmap, b->s->n_charsmap, &rules->charsmap, b->err));
    rules->has_symbols = t->n_added > 0 && !b->s->controls_in_text;
    QNI_TRY(rules->has_symbols ? build_symbols(b, &rules->symbols) : QN_OK);
    qni_sentencepiece_settle(rules);
    return QN_OK;
}

static qn_status add_replace(builder *b, const char *text, size_t n, const char *by, size_t n_by)
{
    qni_decode_step step = {
        .kind = QNI_DECODE_REPLACE, .content = qni_strndup(by, n_by), .n_content = n_by};
    qni_decoder *d = &b->t->decoder;
    if (step.content == NULL) {
        return qni_fail_memory(b->err);
    }
    qn_status status = qni_splitter_open_literal(text, n, QNI_SPLIT_ISOLATED, false, &step.splitter,
                                                 b->err);
    if (status != QN_OK) {
        qni_free(step.content);
        return status;
    }
    d->steps[d->n_steps++] = step;
    return QN_OK;
}

// The names of all pieces of a type give `text`.
static qn_status add_named(builder *b, int type, const char *text, size_t n)
{
    qni_buf names;
    qni_decode_step step = {.kind = QNI_DECODE_NAMED, .delimiter = qni_strndup(text, n)};
    qni_buf_begin(&names, QNI_MAX_TEXT_FILE_BYTES, "the names of special pieces");
    qn_status status = step.delimiter == NULL ? qni_fail_memory(b->err)
                                              : qni_buf_add_text(&names, QNI_NAME_BORDER, b->err);
    for (size_t i = 0; i < b->s->n && status == QN_OK; i++) {
        const qni_piece *p = &b->s->items[i];
        if (p->type == type && p->n > 0) {
            status = qni_buf_add(&names, p->text, p->n, b->err);
            status = status == QN_OK ? qni_buf_add_text(&names, QNI_NAME_BORDER, b->err) : status;
        }
    }
    step.n_content = names.size;
    step.content = status == QN_OK ? qni_buf_take(&names) : NULL;
    qni_buf_end(&names);
    if (step.content == NULL) {
        qni_free(step.delimiter);
        return status == QN_OK ? qni_fail_memory(b->err) : status;
    }
    b->t->decoder.steps[b->t->decoder.n_steps++] = step;
    return QN_OK;
}

static qn_status build_decoder(builder *b)
{
    static const char unknown[] = " \xE2\x81\x87 ", mark[] = "\xE2\x96\x81";
    const qni_piece_source *s = b->s;
    qni_decoder *d = &b->t->decoder;
    d->steps = qni_calloc(8, sizeof *d->steps);
    if (d->steps == NULL) {
        return qni_fail_memory(b->err);
    }
    if (!s->controls_in_text) {
        bool given = s->unknown != NULL;
        QNI_TRY(add_named(b, QNI_PIECE_CONTROL, "", 0));
        QNI_TRY(add_named(b, QNI_PIECE_UNKNOWN, given ? s->unknown : unknown,
                          given ? s->n_unknown : sizeof unknown - 1));
        d->lone_bytes = true;
        d->front = s->tidy        ? QNI_FRONT_LOSES_ALL
                   : s->add_space ? QNI_FRONT_LOSES_ONE
                                  : QNI_FRONT_STAYS;
    }
    QNI_TRY(add_replace(b, mark, 3, " ", 1));
    if (s->byte_fallback) {
        d->steps[d->n_steps++].kind = QNI_DECODE_BYTES;
    }
    d->steps[d->n_steps++].kind = QNI_DECODE_FUSE;
    if (s->controls_in_text && s->add_space && !s->space_behind) {
        qni_decode_step *strip = &d->steps[d->n_steps++];
        *strip = (qni_decode_step){
            .kind = QNI_DECODE_STRIP, .content = qni_strdup(" "), .n_content = 1, .start = 1};
        return strip->content != NULL ? QN_OK : qni_fail_memory(b->err);
    }
    return QN_OK;
}

static qn_status build(builder *b)
{
    QNI_TRY(check_types(b));
    QNI_TRY(add_tokens(b));
    QNI_TRY(build_model(b));
    QNI_TRY(build_normalizer(b));
    QNI_TRY(build_decoder(b));
    QNI_TRY(qni_tokenizer_finish(b->t, &b->written, b->err));
    for (size_t i = 0; i < b->s->n; i++) {
        b->t->traits[i] |= b->s->items[i].type == QNI_PIECE_CONTROL
                               ? QNI_TOKEN_SPECIAL | QNI_TOKEN_SKIPPED
                               : 0;
    }
    if (weighs_symbols(b)) { // they stay in the normalizer's list
        qni_added_set_end(&b->t->added_normalized);
        b->t->added_normalized = (qni_added_set){.tokens = b->t->added};
    } else if (!b->s->controls_in_text) {
        QNI_TRY(build_symbols(b, NULL));
    }
    return qni_tokenizer_set_ends(b->t, -1, -1, b->err);
}

qn_status qni_pieces_build(qni_tokenizer *t, const qni_piece_source *source, qn_error *err)
{
    builder b = {.t = t, .s = source, .err = err};
    qn_status status = build(&b);
    qni_free(b.written.items);
    qni_free(b.model.items);
    qni_free(b.merges);
    return status;
}
