#include "base/names.h"

#include "base/alloc.h"

#include <string.h>

uint32_t qni_hash_bytes(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 0x100000001B3u;
    }
    h ^= h >> 32;
    h *= 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32);
}

void qni_names_end(qni_names *names)
{
    qni_free(names->slots);
    *names = (qni_names){0};
}

// The slot that holds the key, or the free one where it belongs.
static qni_names_slot *slot_of(const qni_names *names, const char *key, size_t length,
                               uint32_t hash)
{
    size_t mask = names->n_slots - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        qni_names_slot *slot = &names->slots[i];
        bool same = slot->key == NULL || (slot->hash == hash && slot->length == length &&
                                          memcmp(slot->key, key, length) == 0);
        if (same) {
            return slot;
        }
    }
}

static qn_status grow(qni_names *names, qn_error *err)
{
    size_t n = names->n_slots == 0 ? 16 : names->n_slots * 2;
    qni_names bigger = {.slots = qni_calloc(n, sizeof *bigger.slots), .n_slots = n};
    if (bigger.slots == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < names->n_slots; i++) {
        const qni_names_slot *slot = &names->slots[i];
        if (slot->key != NULL) {
            *slot_of(&bigger, slot->key, slot->length, slot->hash) = *slot;
        }
    }
    bigger.n_used = names->n_used;
    qni_free(names->slots);
    *names = bigger;
    return QN_OK;
}

qn_status qni_names_add(qni_names *names, const char *key, size_t length, uint32_t value,
                        bool *found, uint32_t *old, qn_error *err)
{
    if (names->n_used * 4 >= names->n_slots * 3) {
        QNI_TRY(grow(names, err));
    }
    uint32_t hash = qni_hash_bytes(key, length);
    qni_names_slot *slot = slot_of(names, key, length, hash);
    bool there = slot->key != NULL;
    if (found != NULL) {
        *found = there;
    }
    if (there) {
        if (old != NULL) {
            *old = slot->value;
        }
        return QN_OK;
    }
    *slot = (qni_names_slot){key, length, hash, value};
    names->n_used++;
    return QN_OK;
}

qn_status qni_names_put(qni_names *names, const char *key, size_t length, uint32_t value,
                        qn_error *err)
{
    bool found = false;
    QNI_TRY(qni_names_add(names, key, length, value, &found, NULL, err));
    if (found) {
        slot_of(names, key, length, qni_hash_bytes(key, length))->value = value;
    }
    return QN_OK;
}

bool qni_names_find(const qni_names *names, const char *key, size_t length, uint32_t *value)
{
    if (names->n_slots == 0) {
        return false;
    }
    const qni_names_slot *slot = slot_of(names, key, length, qni_hash_bytes(key, length));
    if (slot->key == NULL) {
        return false;
    }
    *value = slot->value;
    return true;
}
