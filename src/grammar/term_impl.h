// How terms are stored and put together; for the term_*.c files alone.
//
// A term's record in the table is its kind and then, by kind: the eight words of a set; the two
// parts of a concatenation; the members of a sum or an intersection, sorted; the part of a
// complement; the part and the bounds of a repetition.
#ifndef QNI_GRAMMAR_TERM_IMPL_H
#define QNI_GRAMMAR_TERM_IMPL_H

#include "grammar/term.h"

enum {
    QNI_TERM_KIND_EMPTY,
    QNI_TERM_KIND_ALL,
    QNI_TERM_KIND_SET,
    QNI_TERM_KIND_CONCAT,
    QNI_TERM_KIND_ALT,
    QNI_TERM_KIND_AND,
    QNI_TERM_KIND_NOT,
    QNI_TERM_KIND_REPEAT
};

static inline const uint32_t *qni_term_record(const qni_terms *terms, qni_term a, size_t *n)
{
    return qni_intern_at(&terms->table, a, n);
}

static inline uint32_t qni_term_kind(const qni_terms *terms, qni_term a)
{
    return qni_term_record(terms, a, NULL)[0];
}

// Fills in what is known of a new term (terms->info). term_facts.c
void qni_term_describe(qni_terms *terms, qni_term id);

// Members of a sum or an intersection while it is put together. term_bag.c
typedef struct qni_bag {
    qni_terms *terms;
    qni_term *items;
    size_t n;
    size_t capacity;
    qni_term first[16];
} qni_bag;

void qni_bag_begin(qni_bag *b, qni_terms *terms);
void qni_bag_end(qni_bag *b);
void qni_bag_add(qni_bag *b, qni_term item); // a failure is the account's

// The same; of a term of `kind` itself the members are added.
void qni_bag_add_flat(qni_bag *b, uint32_t kind, qni_term item);

// Sorts and drops repetitions and the empty language.
void qni_bag_normalize(qni_bag *b);

#endif
