#include "ops/common.h"

#include <string.h>

void qni_carry_ints(qni_infer *ctx, size_t p)
{
    const qni_value *value = qni_arg(ctx->op, p);
    int64_t n = qni_value_n_ints(value);
    qni_dim *ints = n >= 0 && n <= QNI_MAX_TRACKED_INTS ? qni_infer_ints(ctx, 0) : NULL;
    for (int64_t i = 0; ints != NULL && i < n; i++) {
        ints[i] = qni_value_int(value, i);
    }
}

qn_status qni_eval_same_elements(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qni_tensor *out = &call->outs[0];
    if (out->data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    if (qni_tensor_count(out) != qni_tensor_count(x)) {
        return qni_eval_fail(call, QN_INVALID_ARGUMENT, "%lld elements do not fit the new shape",
                             (long long)qni_tensor_count(x));
    }
    if (qni_tensor_bytes(x) != 0) {
        memcpy(out->data, x->data, qni_tensor_bytes(x));
    }
    return QN_OK;
}

qn_status qni_lower_same_elements(qni_lower *lower, const qni_op *op)
{
    const qni_value *out = op->outs[0];
    qni_view view;
    QNI_TRY(qni_lower_view(lower, qni_arg(op, 0), &view));
    if (!qni_view_reshape(lower->symbols, &view, out->type.rank, out->type.dims)) {
        QNI_TRY(qni_lower_dense(lower, qni_arg(op, 0), &view));
        qni_dim offset = view.offset;
        view = qni_view_dense(lower->symbols, view.buffer, view.dtype, out->type.rank,
                              out->type.dims);
        view.offset = offset;
    }
    return qni_lower_bind(lower, out, &view);
}

size_t qni_element_bytes(qni_dtype dtype)
{
    return qni_dtype_bits(dtype) / 8;
}

qni_tensor qni_tensor_slice(const qni_tensor *t, int32_t d, int64_t begin, int64_t size,
                            int64_t step)
{
    qni_tensor part = *t;
    part.dims[d] = size;
    part.strides[d] = t->strides[d] * step;
    if (size > 0) {
        part.data = (char *)t->data + begin * t->strides[d] * (int64_t)qni_element_bytes(t->dtype);
    }
    return part;
}

qni_tensor qni_tensor_permute(const qni_tensor *t, const int32_t *perm)
{
    qni_tensor out = *t;
    for (int32_t d = 0; d < t->rank; d++) {
        out.dims[d] = t->dims[perm[d]];
        out.strides[d] = t->strides[perm[d]];
    }
    return out;
}

qni_tensor qni_tensor_reshape(const qni_tensor *t, int32_t rank, const int64_t *dims)
{
    return qni_tensor_make(t->dtype, rank, dims, t->data);
}

qn_status qni_eval_axis(const qni_eval *call, int64_t axis, int32_t rank, int32_t *out)
{
    if (axis < -rank || axis >= rank) {
        return qni_eval_fail(call, QN_INVALID_ARGUMENT, "axis %lld is outside of [%d, %d)",
                             (long long)axis, (int)-rank, (int)rank);
    }
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return QN_OK;
}
