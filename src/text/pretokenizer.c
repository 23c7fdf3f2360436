#include "text/pretokenizer.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include <string.h>

typedef struct cutter {
    qni_pretokenize_scratch *s;
    qni_passage *p;
    bool track;
    int next_draft;
    qn_error *err;
} cutter;

void qni_pretokenize_scratch_end(qni_pretokenize_scratch *scratch)
{
    qni_free(scratch->cuts.items);
    qni_free(scratch->next_cuts.items);
    qni_draft_end(&scratch->drafts[0]);
    qni_draft_end(&scratch->drafts[1]);
    qni_splitter_free_match(scratch->match);
    *scratch = (qni_pretokenize_scratch){0};
}

static qn_status add_cut(qni_cuts *cuts, size_t begin, size_t end, qn_error *err)
{
    if (begin == end) {
        return QN_OK;
    }
    if (qni_grow(&cuts->items, &cuts->capacity, cuts->n + 1, sizeof *cuts->items) != 0) {
        return qni_fail_memory(err);
    }
    cuts->items[cuts->n++] = (qni_cut){begin, end};
    return QN_OK;
}

typedef qn_status cut_fn(cutter *c, const qni_pretokenizer *step, qni_cut piece);

// Replaces each piece by what `cut` adds to next_cuts for it.
static qn_status cut_pieces(cutter *c, const qni_pretokenizer *step, cut_fn *cut)
{
    qni_cuts *from = &c->s->cuts, *to = &c->s->next_cuts;
    to->n = 0;
    for (size_t i = 0; i < from->n; i++) {
        QNI_TRY(cut(c, step, from->items[i]));
    }
    qni_cuts other = *from;
    *from = *to;
    *to = other;
    return QN_OK;
}

static qn_status cut_by_splitter(cutter *c, const qni_pretokenizer *step, qni_cut piece)
{
    return qni_splitter_run(&step->splitter, c->p->text, piece.begin, piece.end, &c->s->match,
                            &c->s->next_cuts, c->err);
}

static size_t character_length(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static qn_status cut_by_length(cutter *c, const qni_pretokenizer *step, qni_cut piece)
{
    size_t begin = piece.begin, count = 0;
    for (size_t at = begin; at < piece.end;) {
        at += character_length((unsigned char)c->p->text[at]);
        if (++count == step->length || at == piece.end) {
            QNI_TRY(add_cut(&c->s->next_cuts, begin, at, c->err));
            begin = at;
            count = 0;
        }
    }
    return QN_OK;
}

typedef qn_status write_fn(cutter *c, const qni_pretokenizer *step, qni_cut piece, qni_draft *out);

// Writes every piece anew into a draft, which becomes the passage.
static qn_status rewrite_pieces(cutter *c, const qni_pretokenizer *step, write_fn *write)
{
    qni_draft *out = &c->s->drafts[c->next_draft];
    c->next_draft = 1 - c->next_draft;
    qni_draft_begin(out, c->track);
    for (size_t i = 0; i < c->s->cuts.n; i++) {
        size_t begin = out->n;
        QNI_TRY(write(c, step, c->s->cuts.items[i], out));
        c->s->cuts.items[i] = (qni_cut){begin, out->n};
    }
    qni_draft_give(out, c->p);
    return QN_OK;
}

static bool begins_with(const char *text, size_t n, const char *what, size_t n_what)
{
    return n >= n_what && memcmp(text, what, n_what) == 0;
}

// An added first character stands for what the one behind it stands for.
static qn_status put_in_front(cutter *c, size_t at, const char *text, size_t n, qni_draft *out)
{
    qni_text_span first = c->track ? qni_passage_character(c->p, at) : (qni_text_span){0, 0};
    return qni_draft_add(out, text, n, first, c->err);
}

static qn_status write_prefixed(cutter *c, const qni_pretokenizer *step, qni_cut piece,
                                qni_draft *out)
{
    (void)step;
    if (!begins_with(c->p->text + piece.begin, piece.end - piece.begin, " ", 1)) {
        QNI_TRY(put_in_front(c, piece.begin, " ", 1, out));
    }
    return qni_draft_copy(out, c->p, piece.begin, piece.end, c->err);
}

static qn_status write_bytes(cutter *c, const qni_pretokenizer *step, qni_cut piece, qni_draft *out)
{
    (void)step;
    for (size_t at = piece.begin; at < piece.end; at++) {
        char text[4];
        int n = qni_utf8_encode(qni_byte_to_code((unsigned char)c->p->text[at]), text);
        qni_text_span from = c->track ? qni_passage_character(c->p, at) : (qni_text_span){0, 0};
        QNI_TRY(qni_draft_add(out, text, (size_t)n, from, c->err));
    }
    return QN_OK;
}

static qn_status write_marked(cutter *c, const qni_pretokenizer *step, qni_cut piece,
                              qni_draft *out)
{
    const char *text = c->p->text;
    bool wants = step->prepend == QNI_PREPEND_ALWAYS ||
                 (step->prepend == QNI_PREPEND_FIRST && c->p->at_start &&
                  qni_passage_span(c->p, piece.begin, piece.end).begin == 0);
    bool has = begins_with(text + piece.begin, piece.end - piece.begin, step->mark, step->n_mark) ||
               text[piece.begin] == ' ';
    if (wants && !has) {
        QNI_TRY(put_in_front(c, piece.begin, step->mark, step->n_mark, out));
    }
    size_t copied = piece.begin;
    const char *space;
    while (copied < piece.end && (space = memchr(text + copied, ' ', piece.end - copied)) != NULL) {
        size_t at = (size_t)(space - text);
        QNI_TRY(qni_draft_copy(out, c->p, copied, at, c->err));
        QNI_TRY(qni_draft_add(out, step->mark, step->n_mark, qni_passage_span(c->p, at, at + 1),
                              c->err));
        copied = at + 1;
    }
    return qni_draft_copy(out, c->p, copied, piece.end, c->err);
}

static qn_status run(cutter *c, const qni_pretokenizer *step)
{
    switch (step->kind) {
    case QNI_PRE_SPLIT: return cut_pieces(c, step, cut_by_splitter);
    case QNI_PRE_LENGTH: return cut_pieces(c, step, cut_by_length);
    case QNI_PRE_PREFIX_SPACE: return rewrite_pieces(c, step, write_prefixed);
    case QNI_PRE_BYTES: return rewrite_pieces(c, step, write_bytes);
    case QNI_PRE_METASPACE: return rewrite_pieces(c, step, write_marked);
    }
    return QN_OK;
}

qn_status qni_pretokenize(const qni_pretokenizer *steps, size_t n_steps,
                          qni_pretokenize_scratch *scratch, bool track, qni_passage *p,
                          qn_error *err)
{
    cutter c = {.s = scratch, .p = p, .track = track, .err = err};
    scratch->cuts.n = 0;
    QNI_TRY(add_cut(&scratch->cuts, 0, p->n, err));
    for (size_t i = 0; i < n_steps; i++) {
        QNI_TRY(run(&c, &steps[i]));
    }
    return QN_OK;
}
