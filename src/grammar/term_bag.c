// Members of a sum or an intersection while it is put together.
#include "base/alloc.h"
#include "grammar/term_impl.h"

#include <stdlib.h>
#include <string.h>

void qni_bag_begin(qni_bag *b, qni_terms *terms)
{
    b->terms = terms;
    b->items = b->first;
    b->n = 0;
    b->capacity = 16;
}

void qni_bag_end(qni_bag *b)
{
    if (b->items != b->first) {
        qni_free(b->items);
    }
}

void qni_bag_add(qni_bag *b, qni_term item)
{
    if (b->n == b->capacity) {
        qni_term *grown = qni_alloc_array(b->capacity * 2, sizeof *grown);
        if (grown == NULL) {
            qni_account_fail(b->terms->account, QN_OUT_OF_MEMORY, "out of memory");
            return;
        }
        memcpy(grown, b->items, b->n * sizeof *grown);
        qni_bag_end(b);
        b->items = grown;
        b->capacity *= 2;
    }
    b->items[b->n++] = item;
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

// Sorts and drops repetitions and the empty language.
void qni_bag_normalize(qni_bag *b)
{
    qsort(b->items, b->n, sizeof *b->items, compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i] != 0 && (kept == 0 || b->items[kept - 1] != b->items[i])) {
            b->items[kept++] = b->items[i];
        }
    }
    b->n = kept;
}

// Adds a term to a sum or an intersection of `kind`, opening one of the same kind.
void qni_bag_add_flat(qni_bag *b, uint32_t kind, qni_term item)
{
    if (item == QNI_TERM_NOTHING || qni_term_kind(b->terms, item) != kind) {
        qni_bag_add(b, item);
        return;
    }
    size_t n;
    qni_term_record(b->terms, item, &n);
    for (size_t i = 1; i < n; i++) {
        qni_bag_add(b, qni_term_record(b->terms, item, NULL)[i]);
    }
}
