// What the files of terms share: term.c (what terms are made of), term_facts.c (what is
// known of them) and term_step.c (their derivatives, as states of an automaton).
#ifndef QNI_GRAMMAR_TERM_IMPL_H
#define QNI_GRAMMAR_TERM_IMPL_H

#include "grammar/term.h"

// A term's record is its kind, then its parts: 8 words of a set, terms, and for a repetition the
// term and its bounds.
enum { KIND_EMPTY, KIND_ALL, KIND_SET, KIND_CONCAT, KIND_ALT, KIND_AND, KIND_NOT, KIND_REPEAT };
enum { LIFE_UNKNOWN, LIFE_YES, LIFE_NO };

// Members of a sum or an intersection while it is put together.
typedef struct qni_term_bag {
    qni_terms *terms;
    qni_term *items;
    size_t n;
    size_t capacity;
    qni_term first[16];
} qni_term_bag;

void qni_term_bag_begin(qni_term_bag *b, qni_terms *terms);
void qni_term_bag_end(qni_term_bag *b);
void qni_term_bag_add(qni_term_bag *b, qni_term item);

static inline const uint32_t *qni_term_record(const qni_terms *terms, qni_term a, size_t *n)
{
    return qni_intern_at(&terms->table, a, n);
}

// Is it `character` repeated?
static inline bool qni_term_is_length(const qni_terms *terms, qni_term a)
{
    const uint32_t *r = qni_term_record(terms, a, NULL);
    return r[0] == KIND_REPEAT && r[1] == terms->character;
}

// term_facts.c: fills in the facts about a new term.
void qni_term_describe(qni_terms *terms, qni_term id);

#endif
