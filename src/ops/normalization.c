// Family normalization: values brought to a common scale, each operation as one: fp32 inside, one
// rounding. Formulas: kernels/norm/norm.h.
#include "ops/elementwise.h"
#include "ops/rows.h"

#include <math.h>
#include <string.h>

#define FLOATS QNI_SET_FLOAT

// A plain view of a weight broadcast along all of x but the dimensions in `axes`, which are its
// own.
static qn_status spread_view(qni_lower *lower, const qni_value *weight, const qni_type *x,
                             uint32_t axes, qni_view *out)
{
    QNI_TRY(qni_lower_dense(lower, weight, out));
    for (int32_t d = 0; d < x->rank; d++) {
        if ((axes >> d & 1) == 0) {
            qni_view_insert(out, d);
        }
    }
    (void)qni_view_broadcast(lower->symbols, out, x->rank, x->dims);
    return QN_OK;
}

static qni_tensor spread_tensor(const qni_tensor *weight, const qni_tensor *x, uint32_t axes)
{
    qni_tensor out = *x;
    int32_t from = 0;
    out.data = weight->data;
    out.dtype = weight->dtype;
    for (int32_t d = 0; d < x->rank; d++) {
        out.strides[d] = (axes >> d & 1) != 0 ? weight->strides[from++] : 0;
    }
    return out;
}

// The rest of every operation here: out, x, then the given weights among parameters [first, first +
// n), which lie along `weight_axes`; rows along `row_axes`.
static qn_status eval_with(qni_eval *call, qk_norm_params params, uint32_t row_axes,
                           uint32_t weight_axes, size_t first, size_t n)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    qni_tensor views[6] = {call->outs[0], *x};
    size_t count = 2;
    for (size_t p = first; p < first + n; p++) {
        if (qni_eval_arg(call, p) != NULL) {
            views[count++] = spread_tensor(qni_eval_arg(call, p), x, weight_axes);
        }
    }
    return qni_eval_norm(call, &params, row_axes, views, count);
}

static qn_status lower_with(qni_lower *lower, const qni_op *op, qk_norm_params params,
                            uint32_t row_axes, uint32_t weight_axes, size_t first, size_t n)
{
    const qni_type *x = &qni_arg(op, 0)->type;
    qni_view views[6];
    size_t count = 2;
    QNI_TRY(qni_lower_plain(lower, qni_arg(op, 0), &views[1]));
    for (size_t p = first; p < first + n; p++) {
        if (qni_arg(op, p) != NULL) {
            QNI_TRY(spread_view(lower, qni_arg(op, p), x, weight_axes, &views[count++]));
        }
    }
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    return qni_lower_norm(lower, &params, row_axes, views, count);
}

static float number_of(const qni_op *op, size_t p)
{
    return (float)qni_tensor_get(qni_arg(op, p)->constant, 0);
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

// The axes from `first` on.
static uint32_t axes_from(int32_t rank, int32_t first)
{
    return (((uint32_t)1 << rank) - 1) & ~(((uint32_t)1 << first) - 1);
}

#define VERSIONS(name_, n_, infer_, eval_, lower_)                              \
    const qni_op_def qni_op_##name_ = {.name = #name_,                          \
                                       .opset = QNI_IOS15,                      \
                                       .family = "normalization",               \
                                       .params = name_##_params,                \
                                       .n_params = n_,                          \
                                       .n_outs = 1,                             \
                                       .infer = infer_,                         \
                                       .eval = eval_,                           \
                                       .lower = lower_,                         \
                                       .cases = name_##_cases};                 \
    const qni_op_def qni_op_##name_##__ios17 = {.name = #name_,                 \
                                                .opset = QNI_IOS17,             \
                                                .family = "normalization",      \
                                                .params = name_##_params_ios17, \
                                                .n_params = n_,                 \
                                                .n_outs = 1,                    \
                                                .infer = infer_,                \
                                                .eval = eval_,                  \
                                                .lower = lower_,                \
                                                .cases = name_##_cases};

// ---- layer_norm: rows along `axes` (all by default), gamma and beta of their shape.

static const qni_param layer_norm_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"axes", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"gamma", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'T', NULL},
    {"beta", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'T', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'T', "1e-05"},
};
static const qni_param layer_norm_params_ios17[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"axes", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"gamma", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'U', NULL},
    {"beta", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'U', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'U', "1e-05"},
};

static qn_status infer_layer_norm(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    uint32_t axes;
    QNI_TRY(qni_infer_axes(ctx, 1, x->rank, &axes));
    for (size_t p = 2; p <= 3; p++) {
        const qni_type *weight = qni_infer_type(ctx, p);
        int32_t at = 0;
        for (int32_t d = 0; weight != NULL && d < x->rank; d++) {
            if ((axes >> d & 1) == 0) {
                continue;
            }
            if (at == weight->rank) {
                break;
            }
            QNI_TRY(qni_infer_equal(ctx, weight->dims[at++], x->dims[d], "a weight and x"));
        }
        if (weight != NULL && (at != weight->rank || at != __builtin_popcount(axes))) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "%s needs the dimensions of the %d axes",
                                  ctx->op->def->params[p].name, __builtin_popcount(axes));
        }
    }
    return qni_infer_like_x(ctx);
}

static qk_norm_params layer_params(uint32_t axes, float epsilon, bool gamma, bool beta)
{
    return (qk_norm_params){QK_NORM_LAYER, __builtin_popcount(axes), epsilon, gamma, beta};
}

static qn_status eval_layer_norm(qni_eval *call)
{
    uint32_t axes = axes_of(qni_eval_arg(call, 1), qni_eval_arg(call, 0)->rank);
    qk_norm_params params = layer_params(axes, (float)qni_eval_number(call, 4, 1e-5),
                                         qni_eval_arg(call, 2) != NULL,
                                         qni_eval_arg(call, 3) != NULL);
    return eval_with(call, params, axes, axes, 2, 2);
}

static qn_status lower_layer_norm(qni_lower *lower, const qni_op *op)
{
    const qni_value *given = qni_arg(op, 1);
    uint32_t axes = axes_of(given != NULL ? given->constant : NULL, qni_arg(op, 0)->type.rank);
    qk_norm_params params = layer_params(axes, number_of(op, 4), qni_arg(op, 2) != NULL,
                                         qni_arg(op, 3) != NULL);
    return lower_with(lower, op, params, axes, axes, 2, 2);
}

static const char *const layer_norm_cases[] = {
    "x=fp16[2,70]{-4..4}; axes=[-1]; gamma=fp16[70]; beta=fp16[70]",
    "x=fp32[3,4,5]{-4..4}; axes=[1,2]; gamma=fp32[4,5]", "x=fp32[4,3]{-4..4}; axes=[0]", NULL};

VERSIONS(layer_norm, 5, infer_layer_norm, eval_layer_norm, lower_layer_norm)

// ---- instance_norm: rows along the spatial dimensions of each channel.

static const qni_param instance_norm_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"gamma", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'T', NULL},
    {"beta", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'T', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'T', "1e-05"},
};
static const qni_param instance_norm_params_ios17[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"gamma", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'U', NULL},
    {"beta", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'U', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'U', "1e-05"},
};

// Weights from parameter `first` on are one for each channel, dimension 1.
static qn_status check_channels(qni_infer *ctx, size_t first, size_t n)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    if (x->rank < 2) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "x has rank %d; it needs 2 or more",
                              (int)x->rank);
    }
    for (size_t p = first; p < first + n; p++) {
        const qni_type *weight = qni_infer_type(ctx, p);
        if (weight != NULL && weight->rank != 1) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "%s needs rank 1",
                                  ctx->op->def->params[p].name);
        }
        if (weight != NULL) {
            QNI_TRY(qni_infer_equal(ctx, weight->dims[0], x->dims[1],
                                    "the channels of x and a weight"));
        }
    }
    return qni_infer_like_x(ctx);
}

static qn_status infer_instance_norm(qni_infer *ctx)
{
    return check_channels(ctx, 1, 2);
}

static qn_status eval_instance_norm(qni_eval *call)
{
    uint32_t axes = axes_from(qni_eval_arg(call, 0)->rank, 2);
    qk_norm_params params = layer_params(axes, (float)qni_eval_number(call, 3, 1e-5),
                                         qni_eval_arg(call, 1) != NULL,
                                         qni_eval_arg(call, 2) != NULL);
    return eval_with(call, params, axes, 2, 1, 2);
}

static qn_status lower_instance_norm(qni_lower *lower, const qni_op *op)
{
    uint32_t axes = axes_from(qni_arg(op, 0)->type.rank, 2);
    qk_norm_params params = layer_params(axes, number_of(op, 3), qni_arg(op, 1) != NULL,
                                         qni_arg(op, 2) != NULL);
    return lower_with(lower, op, params, axes, 2, 1, 2);
}

static const char *const instance_norm_cases[] = {
    "x=fp16[2,3,4,5]{-4..4}; gamma=fp16[3]; beta=fp16[3]", "x=fp32[1,3,7]{-4..4}", NULL};

VERSIONS(instance_norm, 4, infer_instance_norm, eval_instance_norm, lower_instance_norm)

// ---- batch_norm: (x - mean) / sqrt(variance + epsilon) * gamma + beta, one of each for a channel.

static const qni_param batch_norm_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"mean", FLOATS, QNI_WEIGHT, 'T', NULL},
    {"variance", FLOATS, QNI_WEIGHT, 'T', NULL},
    {"gamma", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'T', NULL},
    {"beta", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'T', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'T', "1e-05"},
};
static const qni_param batch_norm_params_ios17[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"mean", FLOATS, QNI_WEIGHT, 'U', NULL},
    {"variance", FLOATS, QNI_WEIGHT, 'U', NULL},
    {"gamma", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'U', NULL},
    {"beta", FLOATS, QNI_WEIGHT | QNI_OPTIONAL, 'U', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'U', "1e-05"},
};

static qn_status infer_batch_norm(qni_infer *ctx)
{
    return check_channels(ctx, 1, 4);
}

static qn_status eval_batch_norm(qni_eval *call)
{
    int32_t rank = qni_eval_arg(call, 0)->rank;
    qk_norm_params params = {QK_NORM_BATCH, 1, (float)qni_eval_number(call, 5, 1e-5),
                             qni_eval_arg(call, 3) != NULL, qni_eval_arg(call, 4) != NULL};
    return eval_with(call, params, (uint32_t)1 << (rank - 1), 2, 1, 4);
}

static qn_status lower_batch_norm(qni_lower *lower, const qni_op *op)
{
    int32_t rank = qni_arg(op, 0)->type.rank;
    qk_norm_params params = {QK_NORM_BATCH, 1, number_of(op, 5), qni_arg(op, 3) != NULL,
                             qni_arg(op, 4) != NULL};
    return lower_with(lower, op, params, (uint32_t)1 << (rank - 1), 2, 1, 4);
}

static const char *const batch_norm_cases[] = {
    "x=fp16[2,3,4,5]{-4..4}; mean=fp16[3]; variance=fp16[3]{1..2}; gamma=fp16[3]; beta=fp16[3]",
    "x=fp32[1,3,7]{-4..4}; mean=fp32[3]; variance=fp32[3]{1..2}", NULL};

VERSIONS(batch_norm, 6, infer_batch_norm, eval_batch_norm, lower_batch_norm)

// ---- l2_norm: x / sqrt(sum of squares over the last three dimensions + epsilon).

static const qni_param l2_norm_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'T', "1e-06"},
};
static const qni_param l2_norm_params_ios17[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"epsilon", FLOATS, QNI_CONST | QNI_OPTIONAL, 'U', "1e-06"},
};

static qn_status infer_l2_norm(qni_infer *ctx)
{
    if (qni_infer_type(ctx, 0)->rank < 3) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "x has rank %d; it needs 3 or more",
                              (int)qni_infer_type(ctx, 0)->rank);
    }
    return qni_infer_like_x(ctx);
}

static qn_status eval_l2_norm(qni_eval *call)
{
    int32_t rank = qni_eval_arg(call, 0)->rank;
    qk_norm_params params = {QK_NORM_L2, 3, (float)qni_eval_number(call, 1, 1e-6), false, false};
    return eval_with(call, params, axes_from(rank, rank - 3), 0, 0, 0);
}

static qn_status lower_l2_norm(qni_lower *lower, const qni_op *op)
{
    int32_t rank = qni_arg(op, 0)->type.rank;
    qk_norm_params params = {QK_NORM_L2, 3, number_of(op, 1), false, false};
    return lower_with(lower, op, params, axes_from(rank, rank - 3), 0, 0, 0);
}

static const char *const l2_norm_cases[] = {"x=fp16[2,3,4,5]{-4..4}", "x=fp32[3,4,7]{-4..4}", NULL};

VERSIONS(l2_norm, 2, infer_l2_norm, eval_l2_norm, lower_l2_norm)

// ---- local_response_norm: x / (k + alpha / size * sum of squares of `size` channels around)^beta.

static const qni_param local_response_norm_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"size", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"alpha", FLOATS, QNI_CONST | QNI_OPTIONAL, 'T', "1e-04"},
    {"beta", FLOATS, QNI_CONST | QNI_OPTIONAL, 'T', "0.75"},
    {"k", FLOATS, QNI_CONST | QNI_OPTIONAL, 'T', "1.0"},
};
static const qni_param local_response_norm_params_ios17[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"size", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"alpha", FLOATS, QNI_CONST | QNI_OPTIONAL, 'U', "1e-04"},
    {"beta", FLOATS, QNI_CONST | QNI_OPTIONAL, 'U', "0.75"},
    {"k", FLOATS, QNI_CONST | QNI_OPTIONAL, 'U', "1.0"},
};

static qn_status infer_local_response_norm(qni_infer *ctx)
{
    if (qni_infer_int(ctx, 1, 0) <= 0) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "size %lld; it must be above 0",
                              (long long)qni_infer_int(ctx, 1, 0));
    }
    return check_channels(ctx, 0, 0);
}

static qn_status eval_local_response_norm(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    int64_t size = qni_eval_int(call, 1, 1);
    double alpha = qni_eval_number(call, 2, 1e-4);
    double beta = qni_eval_number(call, 3, 0.75);
    double k = qni_eval_number(call, 4, 1.0);
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    int64_t inner = 1;
    for (int32_t d = 2; d < x->rank; d++) {
        inner *= x->dims[d];
    }
    int64_t channels = x->dims[1];
    for (int64_t i = 0, n = qni_tensor_count(x); i < n; i++) {
        int64_t c = i / inner % channels;
        int64_t first = c - (size - 1) / 2;
        float sum = 0.0f;
        for (int64_t j = first < 0 ? 0 : first; j < first + size && j < channels; j++) {
            float v = (float)qni_tensor_get(x, i + (j - c) * inner);
            sum = fmaf(v, v, sum);
        }
        double scale = pow(k + alpha / (double)size * (double)sum, beta);
        qni_tensor_set(&call->outs[0], i, (double)(float)(qni_tensor_get(x, i) / scale));
    }
    return QN_OK;
}

static const char *const local_response_norm_cases[] = {
    "x=fp16[2,7,4]{-4..4}; size=3", "x=fp32[1,5,2,2]{-4..4}; size=2; alpha=0.5", NULL};

VERSIONS(local_response_norm, 5, infer_local_response_norm, eval_local_response_norm, NULL)
