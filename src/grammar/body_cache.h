// Masks of string languages that the grammars of one vocabulary share: schemas of one kind ask for
// the same formats and patterns again and again. Kept by what a language is made of, not by its id.
//
// Any thread.
#ifndef QNI_GRAMMAR_BODY_CACHE_H
#define QNI_GRAMMAR_BODY_CACHE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct qni_body_cache qni_body_cache;

// `n_words` of a mask. NULL when memory is out.
qni_body_cache *qni_body_cache_create(uint32_t n_words);
void qni_body_cache_free(qni_body_cache *cache); // NULL is fine

// Copies the mask out; false when it is not there.
bool qni_body_cache_get(qni_body_cache *cache, const uint64_t name[2], uint32_t *mask);

// Keeps a copy, if there is memory. A full cache is emptied.
void qni_body_cache_put(qni_body_cache *cache, const uint64_t name[2], const uint32_t *mask);

#endif
