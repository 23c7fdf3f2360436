#include "ops/elementwise.h"

void qni_run_kernel(const qk_kernel *kernel, const void *params, const qni_tensor *views, size_t n)
{
    qk_call call = {params, views, n};
    kernel->run(&call, NULL, 0, kernel->n_tasks(&call));
}

qni_tensor qni_tensor_broadcast(const qni_tensor *t, const qni_tensor *shape)
{
    qni_tensor out = *shape;
    out.data = t->data;
    out.dtype = t->dtype;
    int32_t skipped = shape->rank - t->rank;
    for (int32_t d = 0; d < shape->rank; d++) {
        int32_t from = d - skipped;
        out.strides[d] = from < 0 || t->dims[from] == 1 ? 0 : t->strides[from];
    }
    return out;
}

static qn_status ensure_out(qni_eval *call, int32_t rank, const int64_t *dims)
{
    return call->outs[0].data != NULL || rank != call->outs[0].rank
               ? QN_OK
               : qni_eval_resize(call, 0, dims);
}

// ---- One number

qn_status qni_infer_like_x(qni_infer *ctx)
{
    qni_infer_same(ctx, 0, qni_infer_type(ctx, 0));
    return QN_OK;
}

qn_status qni_eval_unary(qni_eval *call, qk_unary_op op, size_t a, size_t b)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qk_unary_params params = {op, 0, 0};
    params.a = a != QNI_NO_PARAM ? (float)qni_eval_number(call, a, 0) : 0.0f;
    params.b = b != QNI_NO_PARAM ? (float)qni_eval_number(call, b, 0) : 0.0f;
    QNI_TRY(ensure_out(call, x->rank, x->dims));
    const qni_tensor views[2] = {call->outs[0], *x};
    qni_run_kernel(qk_unary_select(QNI_CPU_BIT(QNI_CPU_REF)), &params, views, 2);
    return QN_OK;
}

static float param_value(const qni_op *op, size_t p)
{
    const qni_value *value = p != QNI_NO_PARAM ? qni_arg(op, p) : NULL;
    return value != NULL ? (float)qni_tensor_get(value->constant, 0) : 0.0f;
}

qn_status qni_lower_unary(qni_lower *lower, const qni_op *op, qk_unary_op function, size_t a,
                          size_t b)
{
    qk_unary_params *params = qni_arena_alloc(lower->arena, sizeof *params);
    if (params == NULL) {
        return qni_fail_memory(lower->err);
    }
    *params = (qk_unary_params){function, param_value(op, a), param_value(op, b)};
    qni_view views[2];
    QNI_TRY(qni_lower_view(lower, qni_arg(op, 0), &views[1]));
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    return qni_lower_elementwise(lower, qk_unary_select(lower->cpu), params, views, 2, 1);
}

// ---- Two numbers

qn_status qni_infer_binary(qni_infer *ctx, bool to_bool)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_type *y = qni_infer_type(ctx, 1);
    int32_t rank;
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(qni_infer_broadcast(ctx, x, y, &rank, dims));
    qni_infer_set(ctx, 0, to_bool ? QNI_BOOL : x->dtype, rank, dims);
    return QN_OK;
}

static qn_status resize_binary(qni_eval *call, const qni_tensor *x, const qni_tensor *y)
{
    int64_t dims[QNI_MAX_RANK];
    int32_t rank = call->outs[0].rank;
    for (int32_t d = 0; d < rank; d++) {
        int32_t ix = d - (rank - x->rank);
        int32_t iy = d - (rank - y->rank);
        int64_t dx = ix >= 0 ? x->dims[ix] : 1;
        int64_t dy = iy >= 0 ? y->dims[iy] : 1;
        if (dx != dy && dx != 1 && dy != 1) {
            return qni_eval_fail(call, QN_INVALID_ARGUMENT, "shapes do not fit: %lld and %lld",
                                 (long long)dx, (long long)dy);
        }
        dims[d] = dx == 1 ? dy : dx;
    }
    return qni_eval_resize(call, 0, dims);
}

qn_status qni_eval_binary(qni_eval *call, qk_binary_op op)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *y = qni_eval_arg(call, 1);
    if (call->outs[0].data == NULL) {
        QNI_TRY(resize_binary(call, x, y));
    }
    const qk_binary_params params = {op};
    const qni_tensor views[3] = {call->outs[0], qni_tensor_broadcast(x, &call->outs[0]),
                                 qni_tensor_broadcast(y, &call->outs[0])};
    qni_run_kernel(qk_binary_select(QNI_CPU_BIT(QNI_CPU_REF)), &params, views, 3);
    return QN_OK;
}

qn_status qni_lower_binary(qni_lower *lower, const qni_op *op, qk_binary_op function)
{
    qk_binary_params *params = qni_arena_alloc(lower->arena, sizeof *params);
    if (params == NULL) {
        return qni_fail_memory(lower->err);
    }
    params->op = function;
    const qni_type *out = &op->outs[0]->type;
    qni_view views[3];
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    for (size_t i = 0; i < 2; i++) {
        QNI_TRY(qni_lower_view(lower, qni_arg(op, i), &views[1 + i]));
        if (!qni_view_broadcast(lower->symbols, &views[1 + i], out->rank, out->dims)) {
            QNI_TRY(qni_lower_dense(lower, qni_arg(op, i), &views[1 + i]));
            (void)qni_view_broadcast(lower->symbols, &views[1 + i], out->rank, out->dims);
        }
    }
    return qni_lower_elementwise(lower, qk_binary_select(lower->cpu), params, views, 3, 1);
}
