#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
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

// What stands in the 64 bytes before aligned memory.
typedef struct header {
    void *base;
    size_t mapped; // bytes; 0: base is for free
} header;

enum { ALIGNED = 64, LARGE_PAGE = 2 << 20 };

static header *header_of(void *memory)
{
    return (header *)(void *)((char *)memory - ALIGNED);
}

// Large tables that are read here and there live by large pages. These come only with memory that
// nobody has touched yet, so it is asked of the system itself.
static void *map_aligned(size_t bytes)
{
    size_t size = bytes + LARGE_PAGE + ALIGNED;
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    size_t past = (uintptr_t)(base + ALIGNED) % LARGE_PAGE;
    char *memory = base + ALIGNED + (past > 0 ? LARGE_PAGE - past : 0);
#if defined(MADV_HUGEPAGE)
    madvise(memory, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE); // a hint
#endif
    *header_of(memory) = (header){base, size};
    return memory;
}

// The address sanitizer knows the bounds only of what the library gives.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QNI_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(QNI_ADDRESS_SANITIZER)
enum { FOR_SYSTEM = false };
#else
enum { FOR_SYSTEM = true };
#endif

static bool is_for_system(size_t bytes)
{
    return FOR_SYSTEM && bytes >= LARGE_PAGE;
}

void *qni_alloc_aligned(size_t bytes)
{
    if (refuse() || bytes > SIZE_MAX - 2 * LARGE_PAGE) {
        return NULL;
    }
    if (is_for_system(bytes)) {
        return map_aligned(bytes);
    }
    char *base = aligned_alloc(ALIGNED, (bytes + 2 * ALIGNED) / ALIGNED * ALIGNED);
    if (base == NULL) {
        return NULL;
    }
    *header_of(base + ALIGNED) = (header){base, 0};
    return base + ALIGNED;
}

void *qni_calloc_aligned(size_t bytes)
{
    void *memory = qni_alloc_aligned(bytes);
    if (memory != NULL && !is_for_system(bytes)) { // what the system gives is zero
        memset(memory, 0, bytes);
    }
    return memory;
}

void qni_free_aligned(void *memory)
{
    if (memory == NULL) {
        return;
    }
    header *h = header_of(memory);
    if (h->mapped > 0) {
        munmap(h->base, h->mapped);
    } else {
        free(h->base);
    }
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
