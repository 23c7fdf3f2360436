#include "base/alloc.h"
#include "base/utf8.h"
#include "text/encode_context.h"

#include <string.h>

typedef struct encoder {
    const qni_tokenizer *t;
    qni_context *c;
    const qni_encode_options *options;
    qni_ids *out;
    size_t count; // tokens so far, when out is NULL
    qn_error *err;
} encoder;

void qni_ids_end(qni_ids *ids)
{
    qni_free(ids->ids);
    qni_free(ids->spans);
    *ids = (qni_ids){0};
}

static qn_status reserve(encoder *e, size_t more)
{
    qni_ids *out = e->out;
    // A little more than asked, so that a slot's ids can be stored whole.
    size_t need = out->n + more + QNI_WORD_NEAR + 1;
    if ((need > out->capacity &&
         qni_grow(&out->ids, &out->capacity, need, sizeof *out->ids) != 0) ||
        (e->options->offsets && need > out->spans_capacity &&
         qni_grow(&out->spans, &out->spans_capacity, need, sizeof *out->spans) != 0)) {
        return qni_fail_memory(e->err);
    }
    return QN_OK;
}

static qni_text_span span_in(const qni_passage *p, size_t begin, size_t end)
{
    if (p->origin == NULL) {
        return (qni_text_span){p->shift + begin, p->shift + end};
    }
    if (begin == end) {
        return (qni_text_span){0, 0};
    }
    return (qni_text_span){p->origin[begin].begin, p->origin[end - 1].end};
}

static qn_status add_token(encoder *e, int32_t id, qni_text_span span)
{
    QNI_TRY(reserve(e, 1));
    e->out->ids[e->out->n] = id;
    if (e->options->offsets) {
        e->out->spans[e->out->n] = span;
    }
    e->out->n++;
    return QN_OK;
}

// Encodes a word by the model and keeps the result. The tokens are in the context's pieces.
static qn_status encode_word(encoder *e, const qni_word_key *key, const char *word, size_t n)
{
    qni_context *c = e->c;
    QNI_TRY(qni_model_encode(&e->t->model, &c->model, word, n, e->err));
    const qni_pieces *pieces = &c->model.pieces;
    QNI_TRY(reserve(e, pieces->n));
    int32_t *ids = e->out->ids + e->out->n;
    for (size_t i = 0; i < pieces->n; i++) {
        ids[i] = (int32_t)pieces->items[i].id;
    }
    qni_words_add(&c->words, key, word, n, ids, pieces->n);
    return QN_OK;
}

static qn_status add_word(encoder *e, const char *word, size_t n)
{
    qni_word_key key = qni_word_key_of(word, n);
    const qni_word_slot *slot = qni_words_find(&e->c->words, &key, word, n);
    if (slot == NULL) {
        QNI_TRY(encode_word(e, &key, word, n));
        e->out->n += e->c->model.pieces.n;
        return QN_OK;
    }
    size_t n_ids;
    const int32_t *ids = qni_word_ids(&e->c->words, slot, &n_ids);
    QNI_TRY(reserve(e, n_ids));
    memcpy(e->out->ids + e->out->n, ids, n_ids * sizeof *ids);
    e->out->n += n_ids;
    return QN_OK;
}

// With offsets the model tells which bytes each token covers, so the cache is left aside.
static qn_status add_word_with_spans(encoder *e, const qni_passage *p, size_t begin, size_t end)
{
    QNI_TRY(qni_model_encode(&e->t->model, &e->c->model, p->text + begin, end - begin, e->err));
    const qni_pieces *pieces = &e->c->model.pieces;
    for (size_t i = 0; i < pieces->n; i++) {
        size_t piece_end = begin + pieces->items[i].n;
        QNI_TRY(add_token(e, (int32_t)pieces->items[i].id, span_in(p, begin, piece_end)));
        begin = piece_end;
    }
    return QN_OK;
}

static qn_status add_words(encoder *e, const qni_passage *p, const qni_cuts *cuts)
{
    for (size_t i = 0; i < cuts->n; i++) {
        size_t begin = cuts->items[i].begin, end = cuts->items[i].end;
        QNI_TRY(e->options->offsets ? add_word_with_spans(e, p, begin, end)
                                    : add_word(e, p->text + begin, end - begin));
    }
    return QN_OK;
}

static void swap_cuts(qni_context *c)
{
    qni_cuts other = c->cuts;
    c->cuts = c->next_cuts;
    c->next_cuts = other;
}

static bool begins_with_space(const char *text, size_t n)
{
    return n > 0 && text[0] == ' ';
}

// Puts a space before each piece that has none.
static qn_status prefix_spaces(encoder *e, qni_passage *p, qni_draft *draft)
{
    qni_context *c = e->c;
    bool track = e->options->offsets;
    draft->n = 0;
    for (size_t i = 0; i < c->cuts.n; i++) {
        qni_cut *cut = &c->cuts.items[i];
        size_t begin = draft->n;
        if (!begins_with_space(p->text + cut->begin, cut->end - cut->begin)) {
            qni_text_span first = span_in(p, cut->begin, cut->begin + 1);
            QNI_TRY(qni_draft_add(draft, " ", 1, (qni_text_span){first.begin, first.begin}, track,
                                  e->err));
        }
        for (size_t at = cut->begin; at < cut->end; at++) {
            QNI_TRY(qni_draft_add(draft, p->text + at, 1, span_in(p, at, at + 1), track, e->err));
        }
        *cut = (qni_cut){begin, draft->n};
    }
    *p = (qni_passage){draft->text, draft->n, track ? draft->origin : NULL, 0};
    return QN_OK;
}

static qn_status pretokenize(encoder *e, qni_passage *p)
{
    qni_context *c = e->c;
    int next_draft = 0;
    c->cuts.n = 0;
    if (qni_grow(&c->cuts.items, &c->cuts.capacity, 1, sizeof *c->cuts.items) != 0) {
        return qni_fail_memory(e->err);
    }
    c->cuts.items[c->cuts.n++] = (qni_cut){0, p->n};
    for (size_t s = 0; s < e->t->n_pretokenizers; s++) {
        const qni_pretokenizer *step = &e->t->pretokenizers[s];
        switch (step->kind) {
        case QNI_PRE_SPLIT:
            c->next_cuts.n = 0;
            for (size_t i = 0; i < c->cuts.n; i++) {
                QNI_TRY(qni_splitter_run(&step->splitter, p->text, c->cuts.items[i].begin,
                                         c->cuts.items[i].end, &c->match, &c->next_cuts, e->err));
            }
            swap_cuts(c);
            break;
        case QNI_PRE_PREFIX_SPACE:
            QNI_TRY(prefix_spaces(e, p, &c->drafts[next_draft]));
            next_draft = 1 - next_draft;
            break;
        case QNI_PRE_BYTES:
            return qni_fail(e->err, QN_UNSUPPORTED, NULL, "ByteLevel before other pre-tokenizers");
        }
    }
    return QN_OK;
}

// Text between added tokens.
static qn_status encode_plain(encoder *e, qni_passage p)
{
    if (p.n == 0) {
        return QN_OK;
    }
    QNI_TRY(pretokenize(e, &p));
    return add_words(e, &p, &e->c->cuts);
}

static qni_passage part_of(const qni_passage *p, size_t begin, size_t end)
{
    return (qni_passage){p->text + begin, end - begin, p->origin != NULL ? p->origin + begin : NULL,
                         p->shift + begin};
}

typedef qn_status part_fn(encoder *e, qni_passage p);

// Cuts added tokens out of a passage and hands what lies between on.
static qn_status cut_added(encoder *e, const qni_added_set *set, qni_passage p, part_fn *between)
{
    size_t at = 0, from = 0;
    qni_added_match m;
    while (qni_added_next(set, p.text, p.n, from, at, e->options->plain_special, &from, &m)) {
        if (m.begin > at) {
            QNI_TRY(between(e, part_of(&p, at, m.begin)));
        }
        QNI_TRY(add_token(e, m.token->id, span_in(&p, m.begin, m.end)));
        at = m.end;
    }
    return at < p.n ? between(e, part_of(&p, at, p.n)) : QN_OK;
}

static qn_status encode_normalized(encoder *e, qni_passage p)
{
    return cut_added(e, &e->t->added_normalized, p, encode_plain);
}

// Replaces what is not UTF-8.
static qn_status clean_text(encoder *e, const char *text, size_t n, qni_passage *p)
{
    *p = (qni_passage){text, n, NULL, 0};
    if (qni_utf8_is_valid(text, n)) {
        return QN_OK;
    }
    qni_draft *draft = &e->c->clean;
    bool track = e->options->offsets;
    draft->n = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)text + at, n - at, &code);
        size_t size = (size_t)(length < 0 ? -length : length);
        bool bad = length < 0;
        // Origins are per byte, so that a token of part of a character has just its bytes.
        for (size_t i = 0; i < (bad ? 1 : size); i++) {
            qni_text_span from = bad ? (qni_text_span){at, at + size}
                                     : (qni_text_span){at + i, at + i + 1};
            QNI_TRY(qni_draft_add(draft, bad ? "\xEF\xBF\xBD" : text + at + i, bad ? 3 : 1, from,
                                  track, e->err));
        }
        at += size;
    }
    *p = (qni_passage){draft->text, draft->n, track ? draft->origin : NULL, 0};
    return QN_OK;
}

static qn_status add_around(encoder *e, const int32_t *ids, size_t n)
{
    for (size_t i = 0; e->options->add_special_tokens && i < n; i++) {
        QNI_TRY(add_token(e, ids[i], (qni_text_span){0, 0}));
    }
    return QN_OK;
}

static qn_status encode(encoder *e, const char *text, size_t n)
{
    qni_passage p;
    QNI_TRY(clean_text(e, text, n, &p));
    QNI_TRY(add_around(e, e->t->before, e->t->n_before));
    QNI_TRY(cut_added(e, &e->t->added_raw, p, encode_normalized));
    return add_around(e, e->t->after, e->t->n_after);
}

qn_status qni_tokenizer_encode(const qni_tokenizer *tokenizer, const char *text, size_t n,
                               const qni_encode_options *options, qni_ids *out, qn_error *err)
{
    static const qni_encode_options defaults;
    encoder e = {
        .t = tokenizer, .options = options != NULL ? options : &defaults, .out = out, .err = err};
    QNI_TRY(qni_context_take(tokenizer, &e.c, err));
    size_t n_before = out->n;
    qn_status status = encode(&e, text, n);
    qni_context_give(tokenizer, e.c);
    size_t most = e.options->max_tokens;
    if (status != QN_OK) {
        out->n = n_before;
    } else if (most > 0 && out->n - n_before > most) {
        out->n = n_before + most;
    }
    return status;
}

qn_status qni_tokenizer_count(const qni_tokenizer *tokenizer, const char *text, size_t n,
                              const qni_encode_options *options, size_t *count, qn_error *err)
{
    qni_ids ids = {0};
    qn_status status = qni_tokenizer_encode(tokenizer, text, n, options, &ids, err);
    *count = ids.n;
    qni_ids_end(&ids);
    return status;
}
