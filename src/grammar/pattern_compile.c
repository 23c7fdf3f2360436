// A parsed pattern as a term: its anchors, boundaries and look-ahead against what may stand there.
#include "grammar/pattern_impl.h"

// What stands before a place in the text decides what an anchor there means.
enum { AT_START, AFTER_OTHER, AFTER_WORD, N_PLACES };

// For each place, the language of what may follow.
typedef struct rest {
    qni_term after[N_PLACES];
} rest;

// A part without anchors, then the rest. What it takes is split by what its last character leaves
// behind.
static qni_term compile_plain(qni_pattern_parser *p, qni_term a, const rest *k, int place)
{
    qni_terms *t = p->terms;
    qni_term other = k->after[AFTER_OTHER], word = k->after[AFTER_WORD];
    if (other == word && (k->after[place] == other || !qni_term_nullable(t, a))) {
        return qni_term_concat(t, a, other);
    }
    qni_term none = qni_term_nullable(t, a) ? k->after[place] : QNI_TERM_NOTHING;
    qni_term some = QNI_TERM_NOTHING;
    if (other == word) {
        qni_term any = qni_term_concat(t, t->character, t->text);
        some = qni_term_concat(t, qni_term_and2(t, a, any), other);
    } else {
        qni_term ends_other = qni_term_concat(t, t->text, qni_pattern_word(p, true));
        qni_term ends_word = qni_term_concat(t, t->text, qni_pattern_word(p, false));
        some = qni_term_alt2(t, qni_term_concat(t, qni_term_and2(t, a, ends_other), other),
                             qni_term_concat(t, qni_term_and2(t, a, ends_word), word));
    }
    return qni_term_alt2(t, none, some);
}

static rest compile_all(qni_pattern_parser *p, const qni_node *n, const rest *k);

static qni_term compile_boundary(qni_pattern_parser *p, const qni_node *n, const rest *k, int place)
{
    qni_terms *t = p->terms;
    qni_term word_next = qni_term_concat(t, qni_pattern_word(p, false), t->text);
    bool want_word = (place == AFTER_WORD) == n->negated;
    qni_term next = want_word ? word_next : qni_term_not(t, word_next);
    return qni_term_and2(t, next, k->after[place]);
}

static qni_term compile_ahead(qni_pattern_parser *p, const qni_node *n, const rest *k, int place)
{
    qni_terms *t = p->terms;
    rest any = {{t->text, t->text, t->text}};
    rest body = compile_all(p, n->first, &any);
    qni_term seen = body.after[place];
    return qni_term_and2(t, n->negated ? qni_term_not(t, seen) : seen, k->after[place]);
}

// `n`, then `k`, for each place where `n` may begin.
static rest compile_all(qni_pattern_parser *p, const qni_node *n, const rest *k)
{
    qni_terms *t = p->terms;
    rest out = {{0}};
    if (!qni_account_step(t->account, 16)) {
        return out;
    }
    if (n->kind == QNI_NODE_CONCAT) {
        const qni_node *items[64];
        size_t count = 0;
        const qni_node *i = n->first;
        for (; i != NULL && count < 64; i = i->next) {
            items[count++] = i;
        }
        out = *k;
        if (i != NULL) { // a long run: the later part first
            qni_node later = {.kind = QNI_NODE_CONCAT, .first = n->first};
            for (size_t skip = 0; skip < 64; skip++) {
                later.first = later.first->next;
            }
            out = compile_all(p, &later, k);
        }
        while (count > 0) {
            rest after = out;
            out = compile_all(p, items[--count], &after);
        }
        return out;
    }
    if (n->kind == QNI_NODE_REPEAT) {
        // Optional copies behind, required ones before.
        rest all = *k;
        for (uint32_t i = n->max; i-- > 0 && t->account->status == QN_OK;) {
            rest once = compile_all(p, n->first, &all);
            for (int place = 0; place < N_PLACES; place++) {
                all.after[place] = i < n->min
                                       ? once.after[place]
                                       : qni_term_alt2(t, once.after[place], k->after[place]);
            }
        }
        return all;
    }
    if (n->kind == QNI_NODE_ALT) {
        for (const qni_node *i = n->first; i != NULL; i = i->next) {
            rest one = compile_all(p, i, k);
            for (int place = 0; place < N_PLACES; place++) {
                out.after[place] = qni_term_alt2(t, out.after[place], one.after[place]);
            }
        }
        return out;
    }
    for (int place = 0; place < N_PLACES; place++) {
        qni_term then = k->after[place];
        switch (n->kind) {
        case QNI_NODE_START: out.after[place] = place == AT_START ? then : QNI_TERM_NOTHING; break;
        case QNI_NODE_END: out.after[place] = qni_term_and2(t, QNI_TERM_EMPTY, then); break;
        case QNI_NODE_BOUNDARY: out.after[place] = compile_boundary(p, n, k, place); break;
        case QNI_NODE_AHEAD: out.after[place] = compile_ahead(p, n, k, place); break;
        case QNI_NODE_TERM:
        case QNI_NODE_CONCAT:
        case QNI_NODE_ALT:
        case QNI_NODE_REPEAT:
        default: out.after[place] = compile_plain(p, n->term, k, place); break;
        }
    }
    return out;
}

qni_term qni_pattern_compile(qni_pattern_parser *p, const qni_node *root, qni_pattern_extent extent)
{
    qni_terms *t = p->terms;
    if (extent == QNI_PATTERN_WHOLE) {
        rest end = {{QNI_TERM_EMPTY, QNI_TERM_EMPTY, QNI_TERM_EMPTY}};
        return compile_all(p, root, &end).after[AT_START];
    }
    rest any = {{t->text, t->text, t->text}};
    rest match = compile_all(p, root, &any);
    qni_term first = match.after[AT_START];
    if (match.after[AFTER_WORD] == QNI_TERM_NOTHING &&
        match.after[AFTER_OTHER] == QNI_TERM_NOTHING) {
        return first;
    }
    match.after[AT_START] = QNI_TERM_NOTHING;
    qni_term before = qni_term_concat(t, t->character, t->text);
    if (match.after[AFTER_WORD] == first && match.after[AFTER_OTHER] == first) {
        return qni_term_concat(t, t->text, first);
    }
    return qni_term_alt2(t, first, compile_plain(p, before, &match, AT_START));
}
