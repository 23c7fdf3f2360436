#include "base/dtype.h"

#include <string.h>

static const struct {
    const char *name;
    uint8_t bits;
    char class;
} types[QNI_N_DTYPES] = {
#define QNI_DTYPE_ROW(name, text, bits, class) [QNI_##name] = {text, bits, class},
    QNI_DTYPES(QNI_DTYPE_ROW)
#undef QNI_DTYPE_ROW
        [QNI_NO_DTYPE] = {"none", 0, '-'},
};

const char *qni_dtype_name(qni_dtype dtype)
{
    return types[dtype].name;
}

qni_dtype qni_dtype_from_name(const char *name)
{
    for (int t = 1; t < QNI_N_DTYPES; t++) {
        if (strcmp(types[t].name, name) == 0) {
            return (qni_dtype)t;
        }
    }
    return QNI_NO_DTYPE;
}

unsigned qni_dtype_bits(qni_dtype dtype)
{
    return types[dtype].bits;
}

bool qni_dtype_is_float(qni_dtype dtype)
{
    return types[dtype].class == 'f';
}

bool qni_dtype_is_int(qni_dtype dtype)
{
    return types[dtype].class == 'i' || types[dtype].class == 'u';
}

bool qni_dtype_is_signed(qni_dtype dtype)
{
    return types[dtype].class == 'i';
}

void qni_dtype_range(qni_dtype dtype, int64_t *lo, int64_t *hi)
{
    unsigned bits = types[dtype].bits;
    if (types[dtype].class == 'i') {
        *hi = bits == 64 ? INT64_MAX : ((int64_t)1 << (bits - 1)) - 1;
        *lo = -*hi - 1;
    } else {
        *lo = 0;
        *hi = bits == 64 ? INT64_MAX : ((int64_t)1 << bits) - 1;
    }
}

bool qni_dtype_bytes(qni_dtype dtype, int64_t count, size_t *bytes)
{
    uint64_t bits;
    if (count < 0 || __builtin_mul_overflow((uint64_t)count, (uint64_t)types[dtype].bits, &bits) ||
        bits > UINT64_MAX - 7) {
        return false;
    }
    *bytes = (size_t)((bits + 7) / 8);
    return true;
}
