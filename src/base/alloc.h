// The one place where quince asks the system for memory. Counted, and able to fail on purpose, so
// that tests can walk every out-of-memory path ("torture") and can assert that decoding a token
// allocates nothing.
#ifndef QNI_BASE_ALLOC_H
#define QNI_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

// As malloc, calloc, realloc and free; NULL when there is no memory. Sizes of zero give a valid
// pointer.
void *qni_alloc(size_t bytes);
void *qni_calloc(size_t count, size_t size);
void *qni_realloc(void *memory, size_t bytes);
void qni_free(void *memory);

// An array of `count` items of `size` bytes, NULL also when the product overflows.
void *qni_alloc_array(size_t count, size_t size);

// 64-byte aligned memory for tensors and large tables, on large pages where it is large and the
// system has them; free it with qni_free_aligned.
void *qni_alloc_aligned(size_t bytes);
void *qni_calloc_aligned(size_t bytes); // all zero
void qni_free_aligned(void *memory);

// A copy of a string, or of its first `n` bytes with a final zero.
char *qni_strdup(const char *text);
char *qni_strndup(const char *text, size_t n);

// Grows `*items` (elements of `size` bytes) to hold at least `need`; `*capacity` counts elements.
// Returns 0, or -1 when memory is out and the array is unchanged.
int qni_grow(void *items, size_t *capacity, size_t need, size_t size);

// Calls served since the process began, over all threads.
uint64_t qni_alloc_count(void);

// For tests: the n-th allocation from now fails (1 is the next), and so does every later one until
// it is called with 0.
void qni_alloc_fail_after(uint64_t n);

#endif
