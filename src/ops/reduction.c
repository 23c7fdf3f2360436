// Family reduction: one number of many. Orders of sums and what empty rows give:
// kernels/reduce/reduce.h.
#include "ops/rows.h"

#include <string.h>

static const qni_param axes_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"axes", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"keep_dims", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

// The result's dimensions when those of the set `axes` are reduced.
static void reduced_dims(const qni_type *x, uint32_t axes, bool keep, int32_t *rank, qni_dim *dims)
{
    *rank = 0;
    for (int32_t d = 0; d < x->rank; d++) {
        if ((axes >> d & 1) == 0) {
            dims[(*rank)++] = x->dims[d];
        } else if (keep) {
            dims[(*rank)++] = qni_dim_of(1);
        }
    }
}

static qn_status infer_reduce(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    uint32_t axes;
    int32_t rank;
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(qni_infer_axes(ctx, 1, x->rank, &axes));
    reduced_dims(x, axes, qni_infer_bool(ctx, 2, false), &rank, dims);
    qni_infer_set(ctx, 0, x->dtype, rank, dims);
    return QN_OK;
}

static uint32_t axes_of(const qni_tensor *t, int32_t rank)
{
    uint32_t axes = t == NULL ? ((uint32_t)1 << rank) - 1 : 0;
    for (int64_t i = 0; t != NULL && i < qni_tensor_count(t); i++) {
        int64_t axis = qni_tensor_get_int(t, i);
        axes |= (uint32_t)1 << (axis < 0 ? axis + rank : axis);
    }
    return axes;
}

// out without the reduced dimensions, then x with them last.
static qn_status eval_rows(qni_eval *call, qk_reduce_op op, uint32_t axes)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qk_kernel *kernel = qk_reduce_select(QNI_CPU_BIT(QNI_CPU_REF));
    const qk_reduce_params params = {op};
    int32_t perm[QNI_MAX_RANK];
    qni_axes_last(x->rank, axes, perm);
    qni_tensor in = qni_tensor_permute(x, perm);
    int32_t kept = x->rank - __builtin_popcount(axes);
    if (call->outs[0].data == NULL) {
        int64_t dims[QNI_MAX_RANK];
        for (int32_t d = 0; d < call->outs[0].rank; d++) {
            bool keeps = call->outs[0].rank == x->rank;
            dims[d] = !keeps ? in.dims[d] : (axes >> d & 1) != 0 ? 1 : x->dims[d];
        }
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    qni_tensor out = qni_tensor_make(call->outs[0].dtype, kept, in.dims, call->outs[0].data);
    const qni_tensor views[2] = {out, in};
    qk_call kernel_call = {&params, views, 2};
    void *scratch;
    QNI_TRY(qni_eval_scratch(call, kernel->scratch_bytes(&kernel_call), 1, &scratch));
    kernel->run(&kernel_call, scratch, 0, kernel->n_tasks(&kernel_call));
    return QN_OK;
}

static qn_status lower_rows(qni_lower *lower, const qni_op *op, qk_reduce_op function,
                            uint32_t axes)
{
    qk_reduce_params *params = qni_arena_alloc(lower->arena, sizeof *params);
    if (params == NULL) {
        return qni_fail_memory(lower->err);
    }
    params->op = function;
    qni_view views[2];
    QNI_TRY(qni_lower_plain(lower, qni_arg(op, 0), &views[1]));
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    int32_t rank = views[1].rank;
    if (views[0].rank == rank) {
        for (int32_t d = rank - 1; d >= 0; d--) {
            if ((axes >> d & 1) != 0) {
                qni_view_remove(&views[0], d);
            }
        }
    }
    int32_t perm[QNI_MAX_RANK];
    qni_axes_last(rank, axes, perm);
    qni_view_permute(&views[1], perm);
    return qni_lower_step(lower, qk_reduce_select(lower->cpu), params, views, 2, 1);
}

#define REDUCTION(name_, function)                                                              \
    static qn_status eval_##name_(qni_eval *call)                                               \
    {                                                                                           \
        return eval_rows(call, function,                                                        \
                         axes_of(qni_eval_arg(call, 1), qni_eval_arg(call, 0)->rank));          \
    }                                                                                           \
    static qn_status lower_##name_(qni_lower *lower, const qni_op *op)                          \
    {                                                                                           \
        const qni_value *axes = qni_arg(op, 1);                                                 \
        return lower_rows(                                                                      \
            lower, op, function,                                                                \
            axes_of(axes != NULL ? axes->constant : NULL, qni_arg(op, 0)->type.rank));          \
    }                                                                                           \
    static const char *const name_##_cases[] = {                                                \
        "x=fp16[2,70]{0.1..2}; axes=[-1]", "x=fp32[3,4,5]{0.1..2}; axes=[0,2]; keep_dims=true", \
        "x=fp32[4,3]{0.1..2}", "x=int32[3,4]{1..4}; axes=[1]", NULL};                           \
    const qni_op_def qni_op_##name_ = {.name = #name_,                                          \
                                       .opset = QNI_IOS15,                                      \
                                       .family = "reduction",                                   \
                                       .params = axes_params,                                   \
                                       .n_params = 3,                                           \
                                       .n_outs = 1,                                             \
                                       .infer = infer_reduce,                                   \
                                       .eval = eval_##name_,                                    \
                                       .lower = lower_##name_,                                  \
                                       .cases = name_##_cases};

REDUCTION(reduce_l1_norm, QK_REDUCE_L1_NORM)
REDUCTION(reduce_l2_norm, QK_REDUCE_L2_NORM)
REDUCTION(reduce_log_sum, QK_REDUCE_LOG_SUM)
REDUCTION(reduce_log_sum_exp, QK_REDUCE_LOG_SUM_EXP)
REDUCTION(reduce_max, QK_REDUCE_MAX)
REDUCTION(reduce_mean, QK_REDUCE_MEAN)
REDUCTION(reduce_min, QK_REDUCE_MIN)
REDUCTION(reduce_prod, QK_REDUCE_PROD)
REDUCTION(reduce_sum, QK_REDUCE_SUM)
REDUCTION(reduce_sum_square, QK_REDUCE_SUM_SQUARE)

// ---- reduce_argmax, reduce_argmin: where the largest or smallest element stands along `axis`.

static const qni_param arg_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "-1"},
    {"keep_dims", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
    {"output_dtype", QNI_DT(STRING), QNI_CONST | QNI_OPTIONAL, 0, "\"int32\""},
};

static qn_status infer_arg(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int32_t axis;
    int32_t rank;
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(qni_infer_axis(ctx, 1, qni_infer_int(ctx, 1, -1), x->rank, &axis));
    bool named = ctx->op->def->n_params > 3;
    const char *name = named ? qni_infer_text(ctx, 3, "int32") : "int32";
    qni_dtype dtype = qni_dtype_from_name(name);
    if (dtype != QNI_I32 && dtype != QNI_U16 && dtype != QNI_I16) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "output_dtype \"%s\"; allowed are int32 and uint16", name);
    }
    reduced_dims(x, (uint32_t)1 << axis, qni_infer_bool(ctx, 2, false), &rank, dims);
    qni_infer_set(ctx, 0, dtype, rank, dims);
    return QN_OK;
}

#define ARG_REDUCTION(name_, suffix, opset_, n_, function)                                       \
    static qn_status eval_##name_##suffix(qni_eval *call)                                        \
    {                                                                                            \
        int32_t axis;                                                                            \
        QNI_TRY(                                                                                 \
            qni_eval_axis(call, qni_eval_int(call, 1, -1), qni_eval_arg(call, 0)->rank, &axis)); \
        return eval_rows(call, function, (uint32_t)1 << axis);                                   \
    }                                                                                            \
    static qn_status lower_##name_##suffix(qni_lower *lower, const qni_op *op)                   \
    {                                                                                            \
        return lower_rows(lower, op, function,                                                   \
                          axes_of(qni_arg(op, 1)->constant, qni_arg(op, 0)->type.rank));         \
    }                                                                                            \
    static const char *const name_##suffix##_cases[] = {                                         \
        "x=fp16[2,70]{-4..4}", "x=int32[3,4]{-4..4}; axis=0; keep_dims=true", NULL};             \
    const qni_op_def qni_op_##name_##suffix = {.name = #name_,                                   \
                                               .opset = opset_,                                  \
                                               .family = "reduction",                            \
                                               .params = arg_params,                             \
                                               .n_params = n_,                                   \
                                               .n_outs = 1,                                      \
                                               .infer = infer_arg,                               \
                                               .eval = eval_##name_##suffix,                     \
                                               .lower = lower_##name_##suffix,                   \
                                               .cases = name_##suffix##_cases};

ARG_REDUCTION(reduce_argmax, , QNI_IOS15, 3, QK_REDUCE_ARGMAX)
ARG_REDUCTION(reduce_argmax, __ios17, QNI_IOS17, 4, QK_REDUCE_ARGMAX)
ARG_REDUCTION(reduce_argmin, , QNI_IOS15, 3, QK_REDUCE_ARGMIN)
ARG_REDUCTION(reduce_argmin, __ios17, QNI_IOS17, 4, QK_REDUCE_ARGMIN)
