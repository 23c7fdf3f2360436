// The packed weights of a model, by what they are made of.
#include "base/alloc.h"
#include "compile/internal.h"

#include <pthread.h>
#include <string.h>

typedef struct pack {
    const void *key;
    char *format;
    void *packed;
    size_t bytes;
    void (*free_packed)(void *packed);
} pack;

struct qni_pack_cache {
    pthread_mutex_t lock; // held while packing too: two plans that need one weight pack it once
    pack *items;
    size_t n, capacity;
};

qn_status qni_pack_cache_create(qni_pack_cache **out, qn_error *err)
{
    *out = qni_calloc(1, sizeof **out);
    if (*out == NULL) {
        return qni_fail_memory(err);
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return QN_OK;
}

void qni_pack_cache_free(qni_pack_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < cache->n; i++) {
        cache->items[i].free_packed(cache->items[i].packed);
        qni_free(cache->items[i].format);
    }
    pthread_mutex_destroy(&cache->lock);
    qni_free(cache->items);
    qni_free(cache);
}

size_t qni_pack_cache_bytes(qni_pack_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    size_t bytes = 0;
    for (size_t i = 0; i < cache->n; i++) {
        bytes += cache->items[i].bytes;
    }
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}

static const pack *find(const qni_pack_cache *cache, const qni_pack *wanted)
{
    for (size_t i = 0; i < cache->n; i++) {
        if (cache->items[i].key == wanted->key &&
            strcmp(cache->items[i].format, wanted->format) == 0) {
            return &cache->items[i];
        }
    }
    return NULL;
}

static qn_status add(qni_pack_cache *cache, const qni_pack *wanted, const void **out, qn_error *err)
{
    if (qni_grow(&cache->items, &cache->capacity, cache->n + 1, sizeof *cache->items) != 0) {
        return qni_fail_memory(err);
    }
    pack made = {.key = wanted->key,
                 .format = qni_strdup(wanted->format),
                 .free_packed = wanted->free_packed};
    if (made.format == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = wanted->pack(wanted->context, &made.packed, &made.bytes, err);
    if (status != QN_OK) {
        qni_free(made.format);
        return status;
    }
    cache->items[cache->n++] = made;
    *out = made.packed;
    return QN_OK;
}

qn_status qni_pack_cache_get(qni_pack_cache *cache, const qni_pack *wanted, const void **out,
                             qn_error *err)
{
    pthread_mutex_lock(&cache->lock);
    const pack *found = find(cache, wanted);
    qn_status status = QN_OK;
    if (found != NULL) {
        *out = found->packed;
    } else {
        status = add(cache, wanted, out, err);
    }
    pthread_mutex_unlock(&cache->lock);
    return status;
}
