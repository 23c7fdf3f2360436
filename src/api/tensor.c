#include "api/convert.h"

qni_dtype qni_dtype_of_public(qn_dtype dtype)
{
    static const qni_dtype map[] = {
        [QN_DTYPE_NONE] = QNI_NO_DTYPE, [QN_DTYPE_BOOL] = QNI_BOOL, [QN_DTYPE_F16] = QNI_F16,
        [QN_DTYPE_F32] = QNI_F32,       [QN_DTYPE_F64] = QNI_F64,   [QN_DTYPE_I8] = QNI_I8,
        [QN_DTYPE_I16] = QNI_I16,       [QN_DTYPE_I32] = QNI_I32,   [QN_DTYPE_I64] = QNI_I64,
        [QN_DTYPE_U8] = QNI_U8,         [QN_DTYPE_U16] = QNI_U16,   [QN_DTYPE_U32] = QNI_U32,
        [QN_DTYPE_U64] = QNI_U64,       [QN_DTYPE_BF16] = QNI_BF16,
    };
    return (unsigned)dtype < sizeof map / sizeof *map ? map[dtype] : QNI_NO_DTYPE;
}

qn_dtype qni_dtype_to_public(qni_dtype dtype)
{
    for (int d = QN_DTYPE_NONE; d <= QN_DTYPE_BF16; d++) {
        if (qni_dtype_of_public((qn_dtype)d) == dtype) {
            return (qn_dtype)d;
        }
    }
    return QN_DTYPE_NONE;
}

qn_status qni_tensor_of_public(const qn_tensor *from, const char *where, qni_tensor *to,
                               qn_error *err)
{
    qni_dtype dtype = qni_dtype_of_public(from->dtype);
    if (dtype == QNI_NO_DTYPE) {
        return qni_fail(err, QN_INVALID_ARGUMENT, where,
                        "\"%s\" has element type %d, which is none", where, (int)from->dtype);
    }
    if (from->rank < 0 || from->rank > QN_MAX_RANK) {
        return qni_fail(err, QN_INVALID_ARGUMENT, where, "\"%s\" has rank %d; allowed are 0 to %d",
                        where, (int)from->rank, QN_MAX_RANK);
    }
    QNI_TRY(qni_shape_check(dtype, from->rank, from->dims, where, err));
    *to = qni_tensor_make(dtype, from->rank, from->dims, from->data);
    for (int32_t d = 0; d < from->rank; d++) {
        to->strides[d] = from->strides[d];
    }
    return QN_OK;
}

qn_tensor qni_tensor_to_public(const qni_tensor *from)
{
    qn_tensor to = {
        .data = from->data, .dtype = qni_dtype_to_public(from->dtype), .rank = from->rank};
    for (int32_t d = 0; d < from->rank; d++) {
        to.dims[d] = from->dims[d];
        to.strides[d] = from->strides[d];
    }
    return to;
}

qn_tensor qn_tensor_make(qn_dtype dtype, int32_t rank, const int64_t *dims, void *data)
{
    qni_tensor t = qni_tensor_make(qni_dtype_of_public(dtype), rank, dims, data);
    return qni_tensor_to_public(&t);
}

int64_t qn_tensor_count(const qn_tensor *tensor)
{
    int64_t count = 1;
    for (int32_t d = 0; d < tensor->rank; d++) {
        count *= tensor->dims[d];
    }
    return count;
}

size_t qn_dtype_bytes(qn_dtype dtype)
{
    return qni_dtype_bits(qni_dtype_of_public(dtype)) / 8;
}

const char *qn_dtype_name(qn_dtype dtype)
{
    return qni_dtype_name(qni_dtype_of_public(dtype));
}

qn_dtype qn_dtype_from_name(const char *name)
{
    return qni_dtype_to_public(qni_dtype_from_name(name));
}
