// Family elementwise_unary: functions of one number. Computed in fp32 and rounded once to the
// declared type; the formulas are in kernels/unary/functions.h.
#include "ops/elementwise.h"

#include <string.h>

#define FLOATS  QNI_SET_FLOAT
#define NUMBERS QNI_SET_NUMBER

// One operation without parameters of its own: its name, element types and a range for test values.
#define UNARY(name_, types, range)                                                            \
    static const qni_param name_##_params[] = {{"x", types, 0, 'T', NULL}};                   \
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
                                       .family = "elementwise_unary",                         \
                                       .params = name_##_params,                              \
                                       .n_params = 1,                                         \
                                       .n_outs = 1,                                           \
                                       .traits = QNI_ELEMENTWISE,                             \
                                       .infer = qni_infer_like_x,                             \
                                       .eval = eval_##name_,                                  \
                                       .lower = lower_##name_,                                \
                                       .cases = name_##_cases};

UNARY(abs, NUMBERS, "{-4..4}")
UNARY(acos, FLOATS, "{-1..1}")
UNARY(asin, FLOATS, "{-1..1}")
UNARY(atan, FLOATS, "{-9..9}")
UNARY(atanh, FLOATS, "{-0.9..0.9}")
UNARY(ceil, FLOATS, "{-4..4}")
UNARY(cos, FLOATS, "{-9..9}")
UNARY(cosh, FLOATS, "{-4..4}")
UNARY(erf, FLOATS, "{-3..3}")
UNARY(exp, FLOATS, "{-9..9}")
UNARY(exp2, FLOATS, "{-9..9}")
UNARY(floor, FLOATS, "{-4..4}")
UNARY(round, FLOATS, "{-4..4}")
UNARY(sign, NUMBERS, "{-4..4}")
UNARY(sin, FLOATS, "{-9..9}")
UNARY(sinh, FLOATS, "{-4..4}")
UNARY(sqrt, FLOATS, "{0..9}")
UNARY(square, NUMBERS, "{-4..4}")
UNARY(tan, FLOATS, "{-1..1}")
UNARY(tanh, FLOATS, "{-4..4}")

// ---- logical_not: true where x is false.

static const qni_param logical_not_params[] = {{"x", QNI_DT(BOOL), 0, 0, NULL}};

static qn_status eval_logical_not(qni_eval *call)
{
    return qni_eval_unary(call, QK_UNARY_logical_not, QNI_NO_PARAM, QNI_NO_PARAM);
}

static qn_status lower_logical_not(qni_lower *lower, const qni_op *op)
{
    return qni_lower_unary(lower, op, QK_UNARY_logical_not, QNI_NO_PARAM, QNI_NO_PARAM);
}

static const char *const logical_not_cases[] = {
    "x=bool[3,5]", "x=bool[2](true, false) -> bool[2](false, true)", NULL};

const qni_op_def qni_op_logical_not = {
    .name = "logical_not",
    .opset = QNI_IOS15,
    .family = "elementwise_unary",
    .params = logical_not_params,
    .n_params = 1,
    .n_outs = 1,
    .traits = QNI_ELEMENTWISE,
    .infer = qni_infer_like_x,
    .eval = eval_logical_not,
    .lower = lower_logical_not,
    .cases = logical_not_cases,
};

// ---- With one parameter: inverse 1 / (x + epsilon), log(x + epsilon), rsqrt 1 / sqrt(x +
// epsilon), threshold max(x, alpha). From iOS17 the parameter may have another float type than x.

#define UNARY_A(name_, suffix, opset_, types, param, fallback, flags, domain, range)           \
    static const qni_param name_##suffix##_params[] = {                                        \
        {"x", types, 0, 'T', NULL}, {param, types, QNI_CONST | (flags), domain, fallback}};    \
    static qn_status eval_##name_##suffix(qni_eval *call)                                      \
    {                                                                                          \
        return qni_eval_unary(call, QK_UNARY_##name_, 1, QNI_NO_PARAM);                        \
    }                                                                                          \
    static qn_status lower_##name_##suffix(qni_lower *lower, const qni_op *op)                 \
    {                                                                                          \
        return qni_lower_unary(lower, op, QK_UNARY_##name_, 1, QNI_NO_PARAM);                  \
    }                                                                                          \
    static const char *const name_##suffix##_cases[] = {                                       \
        "x=fp16[2,33]" range "; " param "=0.5", "x=fp32[5,7]" range "; " param "=0.25", NULL}; \
    const qni_op_def qni_op_##name_##suffix = {.name = #name_,                                 \
                                               .opset = opset_,                                \
                                               .family = "elementwise_unary",                  \
                                               .params = name_##suffix##_params,               \
                                               .n_params = 2,                                  \
                                               .n_outs = 1,                                    \
                                               .traits = QNI_ELEMENTWISE,                      \
                                               .infer = qni_infer_like_x,                      \
                                               .eval = eval_##name_##suffix,                   \
                                               .lower = lower_##name_##suffix,                 \
                                               .cases = name_##suffix##_cases};

UNARY_A(inverse, , QNI_IOS15, FLOATS, "epsilon", "1e-04", QNI_OPTIONAL, 'T', "{0.5..4}")
UNARY_A(inverse, __ios17, QNI_IOS17, FLOATS, "epsilon", "1e-04", QNI_OPTIONAL, 0, "{0.5..4}")
UNARY_A(log, , QNI_IOS15, FLOATS, "epsilon", "1e-45", QNI_OPTIONAL, 'T', "{0.5..4}")
UNARY_A(log, __ios17, QNI_IOS17, FLOATS, "epsilon", "1e-45", QNI_OPTIONAL, 0, "{0.5..4}")
UNARY_A(rsqrt, , QNI_IOS15, FLOATS, "epsilon", "1e-12", QNI_OPTIONAL, 'T', "{0.5..4}")
UNARY_A(rsqrt, __ios17, QNI_IOS17, FLOATS, "epsilon", "1e-12", QNI_OPTIONAL, 0, "{0.5..4}")
UNARY_A(threshold, , QNI_IOS15, NUMBERS, "alpha", NULL, 0, 'T', "{-4..4}")
UNARY_A(threshold, __ios17, QNI_IOS17, NUMBERS, "alpha", NULL, 0, 'T', "{-4..4}")

// ---- clip: x between alpha and beta.

static const qni_param clip_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"alpha", FLOATS, QNI_CONST, 'T', NULL},
    {"beta", FLOATS, QNI_CONST, 'T', NULL},
};

static const qni_param clip_params_ios17[] = {
    {"x", FLOATS | QNI_SET_INT8S | QNI_SET_INT16S | QNI_DT(I32), 0, 0, NULL},
    {"alpha", QNI_SET_BYTES, QNI_CONST, 0, NULL},
    {"beta", QNI_SET_BYTES, QNI_CONST, 0, NULL},
};

static qn_status eval_clip(qni_eval *call)
{
    return qni_eval_unary(call, QK_UNARY_clip, 1, 2);
}

static qn_status lower_clip(qni_lower *lower, const qni_op *op)
{
    return qni_lower_unary(lower, op, QK_UNARY_clip, 1, 2);
}

static const char *const clip_cases[] = {"x=fp16[2,33]{-4..4}; alpha=-1.0; beta=2.0",
                                         "x=fp32[7]{-4..4}; alpha=0.5; beta=0.75", NULL};

const qni_op_def qni_op_clip = {
    .name = "clip",
    .opset = QNI_IOS15,
    .family = "elementwise_unary",
    .params = clip_params,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_ELEMENTWISE,
    .infer = qni_infer_like_x,
    .eval = eval_clip,
    .lower = lower_clip,
    .cases = clip_cases,
};

const qni_op_def qni_op_clip__ios17 = {
    .name = "clip",
    .opset = QNI_IOS17,
    .family = "elementwise_unary",
    .params = clip_params_ios17,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_ELEMENTWISE,
    .infer = qni_infer_like_x,
    .eval = eval_clip,
    .lower = lower_clip,
    .cases = clip_cases,
};

// ---- cast: to the element type that `dtype` names. See kernels/unary/unary.h for the rounding.

static const qni_param cast_params[] = {
    {"x", QNI_SET_BYTES, 0, 0, NULL},
    {"dtype", QNI_DT(STRING), QNI_CONST, 0, NULL},
};

// Numbers that inference follows go on as they are; that they fit the new type is checked before a
// run.
static qn_status cast_ints(qni_infer *ctx, qni_dtype dtype)
{
    const qni_value *x = qni_arg(ctx->op, 0);
    int64_t n = qni_value_n_ints(x);
    if (!qni_dtype_is_int(dtype) || x->constant != NULL || n < 0) {
        return QN_OK;
    }
    int64_t lo;
    int64_t hi;
    qni_dtype_range(dtype, &lo, &hi);
    qni_dim *ints = qni_infer_ints(ctx, 0);
    for (int64_t i = 0; ints != NULL && i < n; i++) {
        ints[i] = qni_value_int(x, i);
        if (!qni_dim_require(ctx->symbols, ints[i], lo, hi, ctx->op->name,
                             "a dimension that the program casts to a smaller type")) {
            return qni_infer_fail(ctx, QN_UNSUPPORTED, "a dimension does not fit %s",
                                  qni_dtype_name(dtype));
        }
    }
    return QN_OK;
}

static qn_status infer_cast(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const char *name = qni_infer_text(ctx, 1, "");
    qni_dtype dtype = qni_dtype_from_name(name);
    if ((QNI_SET_BYTES >> dtype & 1) == 0 || dtype == QNI_NO_DTYPE) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "dtype \"%s\"; allowed are fp16, fp32, int8, uint8, int16, uint16, "
                              "int32 and bool",
                              name);
    }
    qni_infer_set(ctx, 0, dtype, x->rank, x->dims);
    return cast_ints(ctx, dtype);
}

static qn_status eval_cast(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    const qni_tensor views[2] = {call->outs[0], *x};
    qni_run_kernel(qk_cast_select(QNI_CPU_BIT(QNI_CPU_REF)), NULL, views, 2);
    return QN_OK;
}

static qn_status lower_cast(qni_lower *lower, const qni_op *op)
{
    qni_view views[2];
    QNI_TRY(qni_lower_view(lower, qni_arg(op, 0), &views[1]));
    if (op->outs[0]->type.dtype == views[1].dtype) {
        return qni_lower_bind(lower, op->outs[0], &views[1]);
    }
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    return qni_lower_elementwise(lower, qk_cast_select(lower->cpu), NULL, views, 2, 1);
}

static const char *const cast_cases[] = {
    "x=fp16[3,20]{-9..9}; dtype=\"fp32\"",
    "x=fp32[3,20]{-9..9}; dtype=\"fp16\"",
    "x=fp32[20]{-9..9}; dtype=\"int32\"",
    "x=int32[20]{-9..9}; dtype=\"fp16\"",
    "x=int32[20]{-1..1}; dtype=\"bool\"",
    "x=bool[5]; dtype=\"int32\"",
    "x=fp32[3](-1.5, 1.5, 2.5); dtype=\"int32\" -> int32[3](-1, 1, 2)",
    "x=fp16[]; dtype=\"fp16\"",
    NULL,
};

const qni_op_def qni_op_cast = {
    .name = "cast",
    .opset = QNI_IOS15,
    .family = "elementwise_unary",
    .params = cast_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_ELEMENTWISE | QNI_VIEW,
    .infer = infer_cast,
    .eval = eval_cast,
    .lower = lower_cast,
    .cases = cast_cases,
};

const qni_op_def qni_op_cast__ios17 = {
    .name = "cast",
    .opset = QNI_IOS17,
    .family = "elementwise_unary",
    .params = cast_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_ELEMENTWISE | QNI_VIEW,
    .infer = infer_cast,
    .eval = eval_cast,
    .lower = lower_cast,
    .cases = cast_cases,
};
