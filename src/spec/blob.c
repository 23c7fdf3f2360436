#include "spec/blob.h"

#include "spec/codes.h"

#include <string.h>

enum { HEADER_BYTES = 64, DESCRIPTOR_BYTES = 64, ALIGNMENT = 64, VERSION = 2 };
#define SENTINEL 0xDEADBEEFu

static uint32_t u32_at(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t u64_at(const unsigned char *p)
{
    return (uint64_t)u32_at(p) | (uint64_t)u32_at(p + 4) << 32;
}

static qn_status check_header(const qni_map *map, qn_error *err)
{
    if (qni_map_size(map) < HEADER_BYTES) {
        return qni_fail(err, QN_INVALID_MODEL, qni_map_path(map),
                        "a weight file of %zu bytes has no header", qni_map_size(map));
    }
    uint32_t version = u32_at(qni_map_data(map) + 4);
    if (version != VERSION) {
        return qni_fail(err, QN_UNSUPPORTED, qni_map_path(map),
                        "weight files of version %u; only version %d is known", version, VERSION);
    }
    return QN_OK;
}

qn_status qni_blob_find(const qni_map *map, uint64_t offset, qni_dtype dtype, int32_t rank,
                        const int64_t *dims, const char *where, qni_tensor *out, qn_error *err)
{
    QNI_TRY(check_header(map, err));
    size_t size = qni_map_size(map);
    if (offset % ALIGNMENT != 0 || offset < HEADER_BYTES || offset > size ||
        size - offset < DESCRIPTOR_BYTES) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "no blob at byte %llu of a weight file of %zu bytes",
                        (unsigned long long)offset, size);
    }
    const unsigned char *d = qni_map_data(map) + offset;
    if (u32_at(d) != SENTINEL) {
        return qni_fail(err, QN_INVALID_MODEL, where, "byte %llu of the weight file begins no blob",
                        (unsigned long long)offset);
    }
    qni_dtype stored = qni_dtype_of_blob(u32_at(d + 4));
    uint64_t bytes = u64_at(d + 8);
    uint64_t begin = u64_at(d + 16);
    *out = qni_tensor_make(dtype, rank, dims, NULL);
    size_t wanted = qni_tensor_bytes(out);
    if (stored != dtype) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "the program says %s, the weight file has %s (%u)", qni_dtype_name(dtype),
                        qni_dtype_name(stored), u32_at(d + 4));
    }
    if (bytes != wanted) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "the program's shape takes %zu bytes, the weight file has %llu", wanted,
                        (unsigned long long)bytes);
    }
    if (begin % ALIGNMENT != 0 || begin > size || bytes > size - begin) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "a blob of %llu bytes at %llu lies outside of a weight file of %zu bytes",
                        (unsigned long long)bytes, (unsigned long long)begin, size);
    }
    out->data = (void *)(uintptr_t)(qni_map_data(map) + begin);
    return QN_OK;
}
