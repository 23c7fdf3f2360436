// A bump allocator: many small pieces that die together. Pieces are 16-byte aligned and zeroed, and
// stay where they are until the arena is freed.
//
//   chunk:  [next | used | size | piece piece piece ...... free ]  ->  older chunk -> ... -> NULL
//
// One thread at a time.
#ifndef QNI_BASE_ARENA_H
#define QNI_BASE_ARENA_H

#include <stddef.h>

typedef struct qni_arena_chunk qni_arena_chunk;

typedef struct qni_arena {
    qni_arena_chunk *newest;
    size_t total_bytes; // asked of the allocator so far
    size_t limit_bytes; // past it every request fails
} qni_arena;

// An empty arena allocates nothing. `limit_bytes` comes from base/limits.h.
void qni_arena_begin(qni_arena *arena, size_t limit_bytes);

// Frees all pieces. The arena may be begun again.
void qni_arena_end(qni_arena *arena);

// NULL when memory is out or the limit would be passed.
void *qni_arena_alloc(qni_arena *arena, size_t bytes);
void *qni_arena_array(qni_arena *arena, size_t count, size_t size);
char *qni_arena_strndup(qni_arena *arena, const char *text, size_t n);
char *qni_arena_strdup(qni_arena *arena, const char *text);

#endif
