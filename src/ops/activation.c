// Family activation: functions of one number between layers. The formulas are in
// kernels/unary/functions.h; from iOS17 the parameters may have another float type than x.
#include "kernels/norm/norm.h"
#include "ops/elementwise.h"
#include "ops/rows.h"

#include <string.h>

#define FLOATS QNI_SET_FLOAT

#define ACTIVATION(name_, range)                                                              \
    static const qni_param name_##_params[] = {{"x", FLOATS, 0, 'T', NULL}};                  \
    static qn_status eval_##name_(qni_eval *call)                                             \
    {                                                                                         \
        return qni_eval_unary(call, QK_UNARY_##name_, QNI_NO_PARAM, QNI_NO_PARAM);            \
    }                                                                                         \
    static qn_status lower_##name_(qni_lower *lower, const qni_op *op)                        \
    {                                                                                         \
        return qni_lower_unary(lower, op, QK_UNARY_##name_, QNI_NO_PARAM, QNI_NO_PARAM);      \
    }                                                                                         \
    static const char *const name_##_cases[] = {"x=fp16[2,33]" range, "x=fp32[5,7]" range,    \
                                                "x=fp32[]" range, "x=fp16[0,3]" range, NULL}; \
    const qni_op_def qni_op_##name_ = {.name = #name_,                                        \
                                       .opset = QNI_IOS15,                                    \
                                       .family = "activation",                                \
                                       .params = name_##_params,                              \
                                       .n_params = 1,                                         \
                                       .n_outs = 1,                                           \
                                       .traits = QNI_ELEMENTWISE,                             \
                                       .infer = qni_infer_like_x,                             \
                                       .eval = eval_##name_,                                  \
                                       .lower = lower_##name_,                                \
                                       .cases = name_##_cases};

ACTIVATION(relu, "{-4..4}")
ACTIVATION(relu6, "{-9..9}")
ACTIVATION(sigmoid, "{-9..9}")
ACTIVATION(silu, "{-9..9}")
ACTIVATION(softplus, "{-9..9}")
ACTIVATION(softsign, "{-9..9}")

// With alpha, and with alpha and beta.
#define ACTIVATION_WITH(name_, suffix, opset_, domain_, n_, b_param, cases_)                  \
    static const qni_param name_##suffix##_params[] = {                                       \
        {"x", FLOATS, 0, 'T', NULL},                                                          \
        {"alpha", FLOATS, QNI_CONST, domain_, NULL},                                          \
        {"beta", FLOATS, QNI_CONST, domain_, NULL}};                                          \
    static qn_status eval_##name_##suffix(qni_eval *call)                                     \
    {                                                                                         \
        return qni_eval_unary(call, QK_UNARY_##name_, 1, b_param);                            \
    }                                                                                         \
    static qn_status lower_##name_##suffix(qni_lower *lower, const qni_op *op)                \
    {                                                                                         \
        return qni_lower_unary(lower, op, QK_UNARY_##name_, 1, b_param);                      \
    }                                                                                         \
    static const char *const name_##suffix##_cases[] = {"x=fp16[2,33]{-4..4}; " cases_,       \
                                                        "x=fp32[5,7]{-4..4}; " cases_, NULL}; \
    const qni_op_def qni_op_##name_##suffix = {.name = #name_,                                \
                                               .opset = opset_,                               \
                                               .family = "activation",                        \
                                               .params = name_##suffix##_params,              \
                                               .n_params = n_,                                \
                                               .n_outs = 1,                                   \
                                               .traits = QNI_ELEMENTWISE,                     \
                                               .infer = qni_infer_like_x,                     \
                                               .eval = eval_##name_##suffix,                  \
                                               .lower = lower_##name_##suffix,                \
                                               .cases = name_##suffix##_cases};

#define WITH_ALPHA(name)                                                   \
    ACTIVATION_WITH(name, , QNI_IOS15, 'T', 2, QNI_NO_PARAM, "alpha=0.75") \
    ACTIVATION_WITH(name, __ios17, QNI_IOS17, 'U', 2, QNI_NO_PARAM, "alpha=0.75")
#define WITH_BOTH(name)                                                   \
    ACTIVATION_WITH(name, , QNI_IOS15, 'T', 3, 2, "alpha=0.75; beta=1.5") \
    ACTIVATION_WITH(name, __ios17, QNI_IOS17, 'U', 3, 2, "alpha=0.75; beta=1.5")

WITH_BOTH(clamped_relu)
WITH_ALPHA(elu)
WITH_ALPHA(leaky_relu)
WITH_BOTH(linear_activation)
WITH_BOTH(scaled_tanh)
WITH_BOTH(sigmoid_hard)
WITH_ALPHA(thresholded_relu)

// ---- gelu: x times the normal distribution's share below x, exact or by one of two
// approximations.

static const qni_param gelu_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"mode", QNI_DT(STRING), QNI_CONST | QNI_OPTIONAL, 0, "\"EXACT\""},
};

static bool gelu_mode(const char *mode, qk_unary_op *op)
{
    *op = strcmp(mode, "TANH_APPROXIMATION") == 0      ? QK_UNARY_gelu_tanh
          : strcmp(mode, "SIGMOID_APPROXIMATION") == 0 ? QK_UNARY_gelu_sigmoid
                                                       : QK_UNARY_gelu_exact;
    return *op != QK_UNARY_gelu_exact || strcmp(mode, "EXACT") == 0;
}

static qn_status infer_gelu(qni_infer *ctx)
{
    qk_unary_op op;
    const char *mode = qni_infer_text(ctx, 1, "EXACT");
    if (!gelu_mode(mode, &op)) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "mode \"%s\"; allowed are EXACT, TANH_APPROXIMATION and "
                              "SIGMOID_APPROXIMATION",
                              mode);
    }
    return qni_infer_like_x(ctx);
}

static qn_status eval_gelu(qni_eval *call)
{
    qk_unary_op op;
    (void)gelu_mode(qni_eval_text(call, 1, "EXACT"), &op);
    return qni_eval_unary(call, op, QNI_NO_PARAM, QNI_NO_PARAM);
}

static qn_status lower_gelu(qni_lower *lower, const qni_op *op)
{
    qk_unary_op function;
    const qni_value *mode = qni_arg(op, 1);
    (void)gelu_mode(*(const char *const *)mode->constant->data, &function);
    return qni_lower_unary(lower, op, function, QNI_NO_PARAM, QNI_NO_PARAM);
}

static const char *const gelu_cases[] = {"x=fp16[2,33]{-4..4}",
                                         "x=fp32[7]{-4..4}; mode=\"TANH_APPROXIMATION\"",
                                         "x=fp16[7]{-4..4}; mode=\"SIGMOID_APPROXIMATION\"", NULL};

const qni_op_def qni_op_gelu = {
    .name = "gelu",
    .opset = QNI_IOS15,
    .family = "activation",
    .params = gelu_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_ELEMENTWISE,
    .infer = infer_gelu,
    .eval = eval_gelu,
    .lower = lower_gelu,
    .cases = gelu_cases,
};

// ---- prelu: alpha[c] x below 0, x above; channels are dimension 1.

#define CHANNEL_PARAMS(name_, suffix, domain_)          \
    static const qni_param name_##suffix##_params[] = { \
        {"x", FLOATS, 0, 'T', NULL},                    \
        {"alpha", FLOATS, QNI_CONST, domain_, NULL},    \
        {"beta", FLOATS, QNI_CONST, domain_, NULL}};
CHANNEL_PARAMS(prelu, , 'T')
CHANNEL_PARAMS(prelu, __ios17, 'U')
CHANNEL_PARAMS(softplus_parametric, , 'T')
CHANNEL_PARAMS(softplus_parametric, __ios17, 'U')

static qn_status infer_channels(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    for (size_t p = 1; p < ctx->op->def->n_params; p++) {
        const qni_type *t = qni_infer_type(ctx, p);
        bool one = t->rank == 1 && qni_dim_is(t->dims[0], 1);
        if (x->rank < 2 || t->rank != 1) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "x needs rank 2 or more, %s rank 1",
                                  ctx->op->def->params[p].name);
        }
        if (!one) {
            QNI_TRY(
                qni_infer_equal(ctx, t->dims[0], x->dims[1], "the channels of x and a parameter"));
        }
    }
    return qni_infer_like_x(ctx);
}

// A parameter's value for element i of x.
static double channel_value(const qni_tensor *x, const qni_tensor *t, int64_t i)
{
    int64_t inner = 1;
    for (int32_t d = 2; d < x->rank; d++) {
        inner *= x->dims[d];
    }
    return qni_tensor_get(t, qni_tensor_count(t) == 1 ? 0 : i / inner % x->dims[1]);
}

static qn_status eval_prelu(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    for (int64_t i = 0, n = qni_tensor_count(x); i < n; i++) {
        float v = (float)qni_tensor_get(x, i);
        float a = (float)channel_value(x, qni_eval_arg(call, 1), i);
        qni_tensor_set(&call->outs[0], i, (double)(v < 0.0f ? v * a : v));
    }
    return QN_OK;
}

// ---- softplus_parametric: alpha[c] log(1 + e^(beta[c] x)).

static qn_status eval_softplus_parametric(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    for (int64_t i = 0, n = qni_tensor_count(x); i < n; i++) {
        double v = qni_tensor_get(x, i) * channel_value(x, qni_eval_arg(call, 2), i);
        double y = (v > 0 ? v : 0) + log1p(exp(-fabs(v)));
        qni_tensor_set(&call->outs[0], i,
                       (double)(float)(channel_value(x, qni_eval_arg(call, 1), i) * y));
    }
    return QN_OK;
}

#define CHANNELS(name_, suffix, opset_, n_, cases_)                              \
    static const char *const name_##suffix##_cases[] = {cases_, NULL};           \
    const qni_op_def qni_op_##name_##suffix = {.name = #name_,                   \
                                               .opset = opset_,                  \
                                               .family = "activation",           \
                                               .params = name_##suffix##_params, \
                                               .n_params = n_,                   \
                                               .n_outs = 1,                      \
                                               .infer = infer_channels,          \
                                               .eval = eval_##name_,             \
                                               .cases = name_##suffix##_cases};

CHANNELS(prelu, , QNI_IOS15, 2, "x=fp16[2,3,4]{-4..4}; alpha=fp16[3]")
CHANNELS(prelu, __ios17, QNI_IOS17, 2, "x=fp16[2,3,4]{-4..4}; alpha=fp32[3]")
CHANNELS(softplus_parametric, , QNI_IOS15, 3, "x=fp32[2,3,4]{-4..4}; alpha=fp32[3]; beta=fp32[3]")
CHANNELS(softplus_parametric, __ios17, QNI_IOS17, 3,
         "x=fp16[1,3]{-4..4}; alpha=fp32[3]; beta=fp32[3]")

// ---- softmax: e^x over its sum along `axis`.

static const qni_param softmax_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "-1"},
};

static qn_status infer_softmax(qni_infer *ctx)
{
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 1, qni_infer_int(ctx, 1, -1), qni_infer_type(ctx, 0)->rank, &axis));
    return qni_infer_like_x(ctx);
}

static qn_status eval_softmax(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 1, -1), x->rank, &axis));
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    const qk_norm_params params = {.op = QK_NORM_SOFTMAX, .n_axes = 1};
    const qni_tensor views[2] = {call->outs[0], *x};
    return qni_eval_norm(call, &params, (uint32_t)1 << axis, views, 2);
}

static qn_status lower_softmax(qni_lower *lower, const qni_op *op)
{
    const qk_norm_params params = {.op = QK_NORM_SOFTMAX, .n_axes = 1};
    int64_t axis = qni_tensor_get_int(qni_arg(op, 1)->constant, 0);
    axis += axis < 0 ? op->outs[0]->type.rank : 0;
    qni_view views[2];
    QNI_TRY(qni_lower_plain(lower, qni_arg(op, 0), &views[1]));
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    return qni_lower_norm(lower, &params, (uint32_t)1 << axis, views, 2);
}

static const char *const softmax_cases[] = {"x=fp16[2,33]{-9..9}", "x=fp32[5,7]{-9..9}; axis=0",
                                            "x=fp16[2,3,70]{-9..9}; axis=1", NULL};

const qni_op_def qni_op_softmax = {
    .name = "softmax",
    .opset = QNI_IOS15,
    .family = "activation",
    .params = softmax_params,
    .n_params = 2,
    .n_outs = 1,
    .infer = infer_softmax,
    .eval = eval_softmax,
    .lower = lower_softmax,
    .cases = softmax_cases,
};
