// Element types of tensors, with the names that MIL gives them.
#ifndef QNI_BASE_DTYPE_H
#define QNI_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// X(enumerator, MIL name, bits, class). Class: b bool, s string, f float, i signed, u unsigned. A
// bool takes one byte. Types below 8 bits are packed least significant bits first, across byte
// borders, and are contiguous always.
#define QNI_DTYPES(X)            \
    X(BOOL, "bool", 8, 'b')      \
    X(STRING, "string", 64, 's') \
    X(F16, "fp16", 16, 'f')      \
    X(F32, "fp32", 32, 'f')      \
    X(F64, "fp64", 64, 'f')      \
    X(BF16, "bf16", 16, 'f')     \
    X(I8, "int8", 8, 'i')        \
    X(I16, "int16", 16, 'i')     \
    X(I32, "int32", 32, 'i')     \
    X(I64, "int64", 64, 'i')     \
    X(I4, "int4", 4, 'i')        \
    X(U8, "uint8", 8, 'u')       \
    X(U16, "uint16", 16, 'u')    \
    X(U32, "uint32", 32, 'u')    \
    X(U64, "uint64", 64, 'u')    \
    X(U1, "uint1", 1, 'u')       \
    X(U2, "uint2", 2, 'u')       \
    X(U3, "uint3", 3, 'u')       \
    X(U4, "uint4", 4, 'u')       \
    X(U6, "uint6", 6, 'u')

typedef enum qni_dtype {
    QNI_NO_DTYPE = 0,
#define QNI_DTYPE_ENUM(name, text, bits, class) QNI_##name,
    QNI_DTYPES(QNI_DTYPE_ENUM)
#undef QNI_DTYPE_ENUM
        QNI_N_DTYPES
} qni_dtype;

// A set of element types.
typedef uint32_t qni_dtype_set;
#define QNI_DT(name) ((qni_dtype_set)1 << QNI_##name)

const char *qni_dtype_name(qni_dtype dtype);     // "fp16"; "none" for QNI_NO_DTYPE
qni_dtype qni_dtype_from_name(const char *name); // QNI_NO_DTYPE when unknown
unsigned qni_dtype_bits(qni_dtype dtype);        // 0 for QNI_NO_DTYPE
bool qni_dtype_is_float(qni_dtype dtype);
bool qni_dtype_is_int(qni_dtype dtype);    // signed or unsigned, not bool
bool qni_dtype_is_signed(qni_dtype dtype); // signed integers only

// The least and greatest value of an integer type; uint64 is cut at INT64_MAX.
void qni_dtype_range(qni_dtype dtype, int64_t *lo, int64_t *hi);

// Bytes of `count` packed elements, rounded up. False when it does not fit size_t.
bool qni_dtype_bytes(qni_dtype dtype, int64_t count, size_t *bytes);

#endif
