// Where the arena's buffers lie: the largest first, each at the lowest place that is free while it
// is alive.
#include "compile/internal.h"

#include "base/alloc.h"

#include <stdlib.h>

typedef struct life {
    uint32_t buffer;
    uint32_t first, last; // steps
    size_t bytes;         // rounded up to 64
    size_t offset;
} life;

static int by_size(const void *a, const void *b)
{
    const life *x = a;
    const life *y = b;
    if (x->bytes != y->bytes) {
        return x->bytes < y->bytes ? 1 : -1;
    }
    return x->buffer < y->buffer ? -1 : x->buffer > y->buffer;
}

static int by_offset(const void *a, const void *b)
{
    const life *x = *(const life *const *)a;
    const life *y = *(const life *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void measure(const qni_plan *plan, life *lives)
{
    for (uint32_t i = 0; i < plan->n_buffers; i++) {
        lives[i] = (life){.buffer = i, .first = UINT32_MAX};
    }
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const qni_step *step = &plan->steps[i];
        for (uint32_t j = 0; j < step->n_operands; j++) {
            life *l = &lives[plan->operands[step->first + j].buffer];
            l->first = i < l->first ? i : l->first;
            l->last = i;
        }
    }
}

// The lowest gap between the placed ones that live at the same time. `around` has room for them
// all.
static size_t find_place(const life *lives, size_t n_placed, const life *l, const life **around)
{
    size_t n = 0;
    for (size_t i = 0; i < n_placed; i++) {
        if (lives[i].first <= l->last && l->first <= lives[i].last) {
            around[n++] = &lives[i];
        }
    }
    qsort(around, n, sizeof *around, by_offset);
    size_t at = 0;
    for (size_t i = 0; i < n && around[i]->offset < at + l->bytes; i++) {
        size_t end = around[i]->offset + around[i]->bytes;
        at = end > at ? end : at;
    }
    return at;
}

static void place_all(qni_plan *plan, life *lives, const life **around)
{
    size_t n = 0; // those that need memory, moved to the front
    for (uint32_t i = 0; i < plan->n_buffers; i++) {
        const qni_buffer *b = &plan->buffers[i];
        if (lives[i].first == UINT32_MAX) {
            continue;
        }
        if (b->kind == QNI_BUFFER_CONST) {
            plan->constant_bytes += b->bytes;
        }
        if (b->kind == QNI_BUFFER_ARENA) {
            lives[n] = lives[i];
            lives[n].bytes = (b->bytes + 63) / 64 * 64;
            n++;
        }
    }
    qsort(lives, n, sizeof *lives, by_size);
    for (size_t i = 0; i < n; i++) {
        lives[i].offset = find_place(lives, i, &lives[i], around);
        plan->buffers[lives[i].buffer].offset = lives[i].offset;
        size_t end = lives[i].offset + lives[i].bytes;
        plan->arena_bytes = end > plan->arena_bytes ? end : plan->arena_bytes;
    }
}

qn_status qni_plan_memory_map(qni_plan *plan, qn_error *err)
{
    life *lives = qni_calloc(plan->n_buffers + 1, sizeof *lives);
    const life **around = qni_calloc(plan->n_buffers + 1, sizeof *around);
    qn_status status = QN_OK;
    if (lives == NULL || around == NULL) {
        status = qni_fail_memory(err);
    } else {
        measure(plan, lives);
        place_all(plan, lives, around);
    }
    qni_free(lives);
    qni_free(around);
    return status;
}
