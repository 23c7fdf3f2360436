#include "exec/finite.h"

#include "base/half.h"

static uint64_t count_row(const qni_tensor *t, const unsigned char *row, int64_t n, int64_t stride)
{
    uint64_t bad = 0;
    if (t->dtype == QNI_F16) {
        for (int64_t i = 0; i < n; i++) {
            uint16_t h;
            memcpy(&h, row + 2 * i * stride, sizeof h);
            bad += (h & 0x7C00u) == 0x7C00u;
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            uint32_t u;
            memcpy(&u, row + 4 * i * stride, sizeof u);
            bad += (u & 0x7F800000u) == 0x7F800000u;
        }
    }
    return bad;
}

uint64_t qni_count_not_finite(const qni_tensor *t)
{
    if ((t->dtype != QNI_F16 && t->dtype != QNI_F32) || t->data == NULL ||
        qni_tensor_count(t) == 0) {
        return 0;
    }
    int64_t n = t->rank > 0 ? t->dims[t->rank - 1] : 1;
    int64_t stride = t->rank > 0 ? t->strides[t->rank - 1] : 1;
    int64_t rows = qni_tensor_count(t) / n;
    uint64_t bad = 0;
    for (int64_t r = 0; r < rows; r++) {
        int64_t offset = qni_tensor_offset(t, r * n) * (int64_t)(qni_dtype_bits(t->dtype) / 8);
        bad += count_row(t, (const unsigned char *)t->data + offset, n, stride);
    }
    return bad;
}
