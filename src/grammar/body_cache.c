#include "grammar/body_cache.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <pthread.h>
#include <string.h>

typedef struct entry {
    uint64_t name[2];
    uint32_t *mask; // NULL: free
} entry;

struct qni_body_cache {
    pthread_mutex_t lock;
    uint32_t n_words;
    entry *slots; // open addressing, at most half full
    size_t n_slots;
    size_t n;
    size_t limit; // masks
};

qni_body_cache *qni_body_cache_create(uint32_t n_words)
{
    qni_body_cache *cache = qni_calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    size_t bytes = (size_t)n_words * sizeof(uint32_t) + 1;
    cache->n_words = n_words;
    cache->limit = QNI_MAX_SHARED_MASK_BYTES / bytes;
    cache->limit = cache->limit > QNI_MAX_SHARED_MASKS ? QNI_MAX_SHARED_MASKS : cache->limit;
    cache->n_slots = 64;
    while (cache->n_slots < 2 * (cache->limit + 1)) {
        cache->n_slots *= 2;
    }
    cache->slots = qni_calloc(cache->n_slots, sizeof *cache->slots);
    if (cache->slots == NULL) {
        qni_free(cache);
        return NULL;
    }
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void clear(qni_body_cache *cache)
{
    for (size_t i = 0; i < cache->n_slots; i++) {
        qni_free(cache->slots[i].mask);
        cache->slots[i].mask = NULL;
    }
    cache->n = 0;
}

void qni_body_cache_free(qni_body_cache *cache)
{
    if (cache != NULL) {
        clear(cache);
        qni_free(cache->slots);
        pthread_mutex_destroy(&cache->lock);
        qni_free(cache);
    }
}

static entry *find(qni_body_cache *cache, const uint64_t name[2])
{
    size_t at = name[0] & (cache->n_slots - 1);
    while (cache->slots[at].mask != NULL &&
           memcmp(cache->slots[at].name, name, sizeof cache->slots[at].name) != 0) {
        at = (at + 1) & (cache->n_slots - 1);
    }
    return &cache->slots[at];
}

bool qni_body_cache_get(qni_body_cache *cache, const uint64_t name[2], uint32_t *mask)
{
    pthread_mutex_lock(&cache->lock);
    const entry *e = find(cache, name);
    bool found = e->mask != NULL;
    if (found) {
        memcpy(mask, e->mask, cache->n_words * sizeof *mask);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void qni_body_cache_put(qni_body_cache *cache, const uint64_t name[2], const uint32_t *mask)
{
    uint32_t *copy = qni_alloc_array((size_t)cache->n_words + 1, sizeof *copy);
    if (copy == NULL || cache->limit == 0) {
        qni_free(copy);
        return;
    }
    memcpy(copy, mask, cache->n_words * sizeof *copy);
    pthread_mutex_lock(&cache->lock);
    if (cache->n >= cache->limit) {
        clear(cache);
    }
    entry *e = find(cache, name);
    cache->n += e->mask == NULL;
    qni_free(e->mask);
    memcpy(e->name, name, sizeof e->name);
    e->mask = copy;
    pthread_mutex_unlock(&cache->lock);
}
