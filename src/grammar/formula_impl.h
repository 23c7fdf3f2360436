// What the files of formulas share: formula.c (what formulas are made of), formula_walk.c
// (rebuilding them), formula_value.c (what they say of strings and numbers) and formula_keys.c
// (texts and keys).
#ifndef QNI_GRAMMAR_FORMULA_IMPL_H
#define QNI_GRAMMAR_FORMULA_IMPL_H

#include "base/alloc.h"
#include "grammar/formula.h"

#include <string.h>

// A list of formulas while a conjunction is put together.
typedef struct qni_formula_list {
    qni_formula *items; // one word in front is free for the record's kind
    size_t n;
    size_t capacity;
    uint32_t first[66];
    bool failed;
} qni_formula_list;

static inline void qni_formula_list_begin(qni_formula_list *l)
{
    l->items = l->first + 1;
    l->n = 0;
    l->capacity = 65;
    l->failed = false;
}

static inline void qni_formula_list_end(qni_formula_list *l)
{
    if (l->items != l->first + 1) {
        qni_free(l->items - 1);
    }
}

static inline void qni_formula_list_add(qni_formula_list *l, qni_formula item)
{
    if (l->n == l->capacity) {
        uint32_t *grown = qni_alloc_array(l->capacity * 2 + 1, sizeof *grown);
        if (grown == NULL) {
            l->failed = true;
            return;
        }
        memcpy(grown + 1, l->items, l->n * sizeof *grown);
        qni_formula_list_end(l);
        l->items = grown + 1;
        l->capacity *= 2;
    }
    l->items[l->n++] = item;
}

// Is `id` among sorted ones?
static inline bool qni_ids_have(const uint32_t *ids, size_t n, uint32_t id)
{
    size_t from = 0, left = n;
    while (left > 1) { // where it would be, without a branch to be guessed wrong
        size_t half = left / 2;
        from += ids[from + half] <= id ? half : 0;
        left -= half;
    }
    return n != 0 && ids[from] == id;
}

#endif
