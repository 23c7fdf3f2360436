// A table from names to small numbers: open addressing, keys borrowed from the caller.
#ifndef QNI_BASE_NAMES_H
#define QNI_BASE_NAMES_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct qni_names_slot {
    const char *key; // NULL: free
    size_t length;
    uint32_t hash;
    uint32_t value;
} qni_names_slot;

// All zero is an empty table. Keys must outlive it.
typedef struct qni_names {
    qni_names_slot *slots;
    size_t n_slots; // a power of two, or 0
    size_t n_used;
} qni_names;

void qni_names_end(qni_names *names);

// Adds `key` -> `value`. When the key is there already, nothing changes and `*old` gets its value
// and true is put in `*found` (either may be NULL).
QNI_WARN_UNUSED qn_status qni_names_add(qni_names *names, const char *key, size_t length,
                                        uint32_t value, bool *found, uint32_t *old, qn_error *err);

// Replaces the value of `key`, or adds it.
QNI_WARN_UNUSED qn_status qni_names_put(qni_names *names, const char *key, size_t length,
                                        uint32_t value, qn_error *err);

bool qni_names_find(const qni_names *names, const char *key, size_t length, uint32_t *value);

// FNV-1a with a final mix.
uint32_t qni_hash_bytes(const void *bytes, size_t n);

#endif
