// The tokens of a vocabulary: bytes by id and id by bytes.
#ifndef QNI_TEXT_VOCAB_H
#define QNI_TEXT_VOCAB_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { QNI_NO_TOKEN = -1 };

// Memory is the caller's pool, or a mapped file's; see `owned`.
typedef struct qni_vocab {
    uint32_t n;              // ids are below this
    const uint32_t *offsets; // n + 1 places in the pool, each token followed by a zero byte
    const char *pool;
    const uint8_t *present; // per id: 1 when there is such a token
    const uint32_t *slots;  // id + 1, or 0: free; open addressing
    uint32_t n_slots;       // a power of two
    bool owned;
} qni_vocab;

typedef struct qni_vocab_entry {
    const char *bytes; // borrowed until the build is done
    uint32_t n;
    uint32_t id;
    bool hidden; // found by id only
} qni_vocab_entry;

// Of entries with one id the last counts; of entries with equal bytes the last is found.
QNI_WARN_UNUSED qn_status qni_vocab_build(const qni_vocab_entry *entries, size_t n, qni_vocab *out,
                                          qn_error *err);
void qni_vocab_end(qni_vocab *vocab);

static inline const char *qni_vocab_at(const qni_vocab *v, uint32_t id, uint32_t *n)
{
    *n = v->offsets[id + 1] - v->offsets[id] - 1;
    return v->pool + v->offsets[id];
}

int32_t qni_vocab_find(const qni_vocab *vocab, const char *bytes, size_t n);

// A hash of short byte strings.
uint32_t qni_token_hash(const char *bytes, size_t n);

#endif
