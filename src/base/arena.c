#include "base/arena.h"

#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

enum { PIECE_ALIGN = 16, FIRST_CHUNK_BYTES = 4096, LARGEST_CHUNK_BYTES = 1 << 20 };

struct qni_arena_chunk {
    qni_arena_chunk *next;
    size_t used;
    size_t size;
    size_t padding; // keeps the data 16-byte aligned
};

void qni_arena_begin(qni_arena *arena, size_t limit_bytes)
{
    *arena = (qni_arena){.limit_bytes = limit_bytes};
}

void qni_arena_end(qni_arena *arena)
{
    for (qni_arena_chunk *chunk = arena->newest; chunk != NULL;) {
        qni_arena_chunk *next = chunk->next;
        qni_free(chunk);
        chunk = next;
    }
    *arena = (qni_arena){.limit_bytes = arena->limit_bytes};
}

static qni_arena_chunk *add_chunk(qni_arena *arena, size_t need)
{
    size_t size = arena->newest == NULL ? FIRST_CHUNK_BYTES : arena->newest->size * 2;
    if (size > LARGEST_CHUNK_BYTES) {
        size = LARGEST_CHUNK_BYTES;
    }
    if (size < need) {
        size = need;
    }
    if (size > arena->limit_bytes - arena->total_bytes) {
        size = need;
    }
    if (size > arena->limit_bytes - arena->total_bytes) {
        return NULL;
    }
    qni_arena_chunk *chunk = qni_alloc(sizeof *chunk + size);
    if (chunk == NULL) {
        return NULL;
    }
    *chunk = (qni_arena_chunk){.next = arena->newest, .size = size};
    arena->newest = chunk;
    arena->total_bytes += size;
    return chunk;
}

void *qni_arena_alloc(qni_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - PIECE_ALIGN) {
        return NULL;
    }
    size_t need = (bytes + PIECE_ALIGN - 1) / PIECE_ALIGN * PIECE_ALIGN;
    qni_arena_chunk *chunk = arena->newest;
    if (chunk == NULL || chunk->size - chunk->used < need) {
        chunk = add_chunk(arena, need);
        if (chunk == NULL) {
            return NULL;
        }
    }
    char *piece = (char *)(chunk + 1) + chunk->used;
    chunk->used += need;
    memset(piece, 0, need);
    return piece;
}

void *qni_arena_array(qni_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return qni_arena_alloc(arena, bytes);
}

char *qni_arena_strndup(qni_arena *arena, const char *text, size_t n)
{
    char *copy = n < SIZE_MAX ? qni_arena_alloc(arena, n + 1) : NULL;
    if (copy != NULL && n != 0) {
        memcpy(copy, text, n);
    }
    return copy;
}

char *qni_arena_strdup(qni_arena *arena, const char *text)
{
    return qni_arena_strndup(arena, text, strlen(text));
}
