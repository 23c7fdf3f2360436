#include "text/gguf.h"

#include "base/limits.h"

#include <string.h>

static uint64_t read_le(const unsigned char *at, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static size_t size_of(uint32_t type)
{
    static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

// Moves *at over `n` bytes; false when they are not there.
static bool skip(const qni_gguf *f, size_t *at, uint64_t n)
{
    if (*at > f->n || n > f->n - *at) {
        return false;
    }
    *at += (size_t)n;
    return true;
}

static bool skip_text(const qni_gguf *f, size_t *at)
{
    size_t begin = *at;
    return skip(f, at, 8) && skip(f, at, read_le(f->data + begin, 8));
}

static bool read_value(const qni_gguf *f, size_t *at, qni_gguf_value *out)
{
    size_t begin = *at;
    if (!skip(f, at, 4)) {
        return false;
    }
    *out = (qni_gguf_value){.type = (uint32_t)read_le(f->data + begin, 4), .count = 1};
    if (out->type == QNI_GGUF_ARRAY) {
        begin = *at;
        if (!skip(f, at, 12)) {
            return false;
        }
        out->is_array = true;
        out->type = (uint32_t)read_le(f->data + begin, 4);
        out->count = read_le(f->data + begin + 4, 8);
    }
    out->at = *at;
    if (out->type == QNI_GGUF_TEXT) {
        for (uint64_t i = 0; i < out->count; i++) { // ends with the file at the latest
            if (!skip_text(f, at)) {
                return false;
            }
        }
        return true;
    }
    size_t size = size_of(out->type);
    return size != 0 && out->count <= f->n / size && skip(f, at, out->count * size);
}

static bool next_key(const qni_gguf *f, size_t *at, const char **key, size_t *n,
                     qni_gguf_value *value)
{
    size_t begin = *at;
    if (!skip_text(f, at)) {
        return false;
    }
    *key = (const char *)f->data + begin + 8;
    *n = *at - begin - 8;
    return read_value(f, at, value);
}

qn_status qni_gguf_open(const void *data, size_t n, qni_gguf *out, qn_error *err)
{
    *out = (qni_gguf){.data = data, .n = n, .first = 24};
    if (n < 24 || memcmp(data, "GGUF", 4) != 0) {
        return qni_fail(err, QN_INVALID_MODEL, NULL, "not a GGUF file");
    }
    uint64_t version = read_le(out->data + 4, 4);
    if (version != 2 && version != 3) {
        return qni_fail(err, QN_UNSUPPORTED, NULL, "GGUF version %llu; 2 and 3 are supported",
                        (unsigned long long)version);
    }
    out->n_keys = read_le(out->data + 16, 8);
    if (out->n_keys > QNI_MAX_GGUF_KEYS) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "a GGUF file of more than %d keys",
                        QNI_MAX_GGUF_KEYS);
    }
    size_t at = out->first;
    for (uint64_t i = 0; i < out->n_keys; i++) {
        const char *key;
        size_t length;
        qni_gguf_value value;
        if (!next_key(out, &at, &key, &length, &value)) {
            return qni_fail(err, QN_INVALID_MODEL, NULL,
                            "a GGUF file whose key %llu does not fit, or has an unknown type",
                            (unsigned long long)i);
        }
    }
    return QN_OK;
}

bool qni_gguf_find(const qni_gguf *f, const char *wanted, qni_gguf_value *out)
{
    size_t at = f->first;
    for (uint64_t i = 0; i < f->n_keys; i++) {
        const char *key;
        size_t n;
        if (!next_key(f, &at, &key, &n, out)) {
            break;
        }
        if (n == strlen(wanted) && memcmp(key, wanted, n) == 0) {
            return true;
        }
    }
    return false;
}

double qni_gguf_number(const qni_gguf *f, qni_gguf_value *v)
{
    size_t size = size_of(v->type);
    uint64_t bits = read_le(f->data + v->at, size);
    uint32_t low = (uint32_t)bits;
    float single;
    double real;
    v->at += size;
    memcpy(&single, &low, sizeof single);
    memcpy(&real, &bits, sizeof real);
    switch (v->type) {
    case QNI_GGUF_I8: return (int8_t)bits;
    case QNI_GGUF_I16: return (int16_t)bits;
    case QNI_GGUF_I32: return (int32_t)bits;
    case QNI_GGUF_I64: return (double)(int64_t)bits;
    case QNI_GGUF_F32: return (double)single;
    case QNI_GGUF_F64: return real;
    default: return (double)bits;
    }
}

const char *qni_gguf_text(const qni_gguf *f, qni_gguf_value *v, size_t *n)
{
    *n = (size_t)read_le(f->data + v->at, 8);
    const char *text = (const char *)f->data + v->at + 8;
    v->at += 8 + *n;
    return text;
}
