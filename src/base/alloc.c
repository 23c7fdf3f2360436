#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Atomic uint64_t n_calls;
static _Atomic uint64_t fail_at; // n_calls value from which calls fail; 0 is never

static int refuse(void)
{
    uint64_t call = atomic_fetch_add_explicit(&n_calls, 1, memory_order_relaxed) + 1;
    uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    return at != 0 && call >= at;
}

void *qni_alloc(size_t bytes)
{
    return refuse() ? NULL : malloc(bytes != 0 ? bytes : 1);
}

void *qni_calloc(size_t count, size_t size)
{
    size_t bytes; // the sanitizer's calloc ends the process where the product overflows
    if (refuse() || __builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return calloc(bytes != 0 ? bytes : 1, 1);
}

void *qni_realloc(void *memory, size_t bytes)
{
    return refuse() ? NULL : realloc(memory, bytes != 0 ? bytes : 1);
}

void qni_free(void *memory)
{
    free(memory);
}

void *qni_alloc_array(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return qni_alloc(bytes);
}

void *qni_alloc_aligned(size_t bytes)
{
    const size_t large = (size_t)2 << 20; // a page of the larger kind
    size_t unit = bytes >= large ? large : 64;
    if (refuse() || bytes > SIZE_MAX - unit) {
        return NULL;
    }
    size_t size = bytes >= large ? (bytes + large - 1) / large * large : (bytes + 64) / 64 * 64;
    void *memory = aligned_alloc(unit, size);
#if defined(MADV_HUGEPAGE)
    if (memory != NULL && bytes >= large) {
        madvise(memory, size,
                MADV_HUGEPAGE); // a hint: tables that are read here and there live by it
    }
#endif
    return memory;
}

void qni_free_aligned(void *memory)
{
    free(memory);
}

char *qni_strndup(const char *text, size_t n)
{
    char *copy = qni_alloc(n + 1);
    if (copy != NULL) {
        memcpy(copy, text, n);
        copy[n] = '\0';
    }
    return copy;
}

char *qni_strdup(const char *text)
{
    return qni_strndup(text, strlen(text));
}

int qni_grow(void *items, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) {
        return 0;
    }
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    while (wanted < need) {
        if (wanted > SIZE_MAX / 2) {
            return -1;
        }
        wanted *= 2;
    }
    size_t bytes;
    if (__builtin_mul_overflow(wanted, size, &bytes)) {
        return -1;
    }
    void *old;
    memcpy(&old, items, sizeof old); // `items` is a T **: read it without assuming T
    void *grown = qni_realloc(old, bytes);
    if (grown == NULL) {
        return -1;
    }
    memcpy(items, &grown, sizeof grown);
    *capacity = wanted;
    return 0;
}

uint64_t qni_alloc_count(void)
{
    return atomic_load_explicit(&n_calls, memory_order_relaxed);
}

void qni_alloc_fail_after(uint64_t n)
{
    uint64_t at = n == 0 ? 0 : atomic_load_explicit(&n_calls, memory_order_relaxed) + n;
    atomic_store_explicit(&fail_at, at, memory_order_relaxed);
}
