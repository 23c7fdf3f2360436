// The metadata of a GGUF file: keys and values in front of the tensors.
// The layout is ggml's: docs/gguf.md of ggml-org/ggml.
#ifndef QNI_TEXT_GGUF_H
#define QNI_TEXT_GGUF_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum qni_gguf_type {
    QNI_GGUF_U8,
    QNI_GGUF_I8,
    QNI_GGUF_U16,
    QNI_GGUF_I16,
    QNI_GGUF_U32,
    QNI_GGUF_I32,
    QNI_GGUF_F32,
    QNI_GGUF_BOOL,
    QNI_GGUF_TEXT,
    QNI_GGUF_ARRAY,
    QNI_GGUF_U64,
    QNI_GGUF_I64,
    QNI_GGUF_F64,
} qni_gguf_type;

typedef struct qni_gguf {
    const unsigned char *data;
    size_t n;
    uint64_t n_keys;
    size_t first; // where the first key stands
} qni_gguf;

// A value: where it stands. Of an array `type` is that of its elements, `count` their number.
typedef struct qni_gguf_value {
    uint32_t type;
    bool is_array;
    uint64_t count;
    size_t at;
} qni_gguf_value;

// Checks the header and walks all keys once. `data` is borrowed.
QNI_WARN_UNUSED qn_status qni_gguf_open(const void *data, size_t n, qni_gguf *out, qn_error *err);

bool qni_gguf_find(const qni_gguf *file, const char *key, qni_gguf_value *out);
// Element `value->at`, which moves on behind it. Numbers of any kind; texts are borrowed.
double qni_gguf_number(const qni_gguf *file, qni_gguf_value *value);
const char *qni_gguf_text(const qni_gguf *file, qni_gguf_value *value, size_t *n);

#endif
