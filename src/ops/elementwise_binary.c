// Family elementwise_binary: functions of two numbers, broadcast together as NumPy does. The
// arithmetic of floats and integers is described in kernels/binary/binary.h.
#include "ops/elementwise.h"

// What becomes of numbers that inference follows; NULL: they are not followed.
typedef qni_dim int_fn(qni_symbols *symbols, qni_dim a, qni_dim b);

static void follow_ints(qni_infer *ctx, int_fn *fn)
{
    const qni_value *x = qni_arg(ctx->op, 0);
    const qni_value *y = qni_arg(ctx->op, 1);
    int64_t nx = qni_value_n_ints(x);
    int64_t ny = qni_value_n_ints(y);
    if (nx < 0 || ny < 0 || (x->constant != NULL && y->constant != NULL)) {
        return;
    }
    if (x->type.rank > 1 || y->type.rank > 1 || (nx != ny && nx != 1 && ny != 1)) {
        return;
    }
    int64_t n = nx > ny ? nx : ny;
    qni_dim *ints = qni_infer_ints(ctx, 0);
    for (int64_t i = 0; ints != NULL && i < n; i++) {
        qni_dim b = qni_value_int(y, ny == 1 ? 0 : i);
        if ((fn == qni_dim_floor_div || fn == qni_dim_mod) && qni_dim_is(b, 0)) {
            ctx->op->outs[0]->ints = NULL;
            return;
        }
        ints[i] = fn(ctx->symbols, qni_value_int(x, nx == 1 ? 0 : i), b);
    }
}

#define BINARY_WITH(name_, types, result_is_bool, follow, first_case)       \
    static const qni_param name_##_params[] = {{"x", types, 0, 'T', NULL},  \
                                               {"y", types, 0, 'T', NULL}}; \
    static qn_status infer_##name_(qni_infer *ctx)                          \
    {                                                                       \
        int_fn *fn = follow;                                                \
        QNI_TRY(qni_infer_binary(ctx, result_is_bool));                     \
        if (fn != NULL) {                                                   \
            follow_ints(ctx, fn);                                           \
        }                                                                   \
        return QN_OK;                                                       \
    }                                                                       \
    static qn_status eval_##name_(qni_eval *call)                           \
    {                                                                       \
        return qni_eval_binary(call, QK_BINARY_##name_);                    \
    }                                                                       \
    static qn_status lower_##name_(qni_lower *lower, const qni_op *op)      \
    {                                                                       \
        return qni_lower_binary(lower, op, QK_BINARY_##name_);              \
    }                                                                       \
    static const char *const name_##_cases[] = {first_case, NULL};          \
    const qni_op_def qni_op_##name_ = {.name = #name_,                      \
                                       .opset = QNI_IOS15,                  \
                                       .family = "elementwise_binary",      \
                                       .params = name_##_params,            \
                                       .n_params = 2,                       \
                                       .n_outs = 1,                         \
                                       .traits = QNI_ELEMENTWISE,           \
                                       .infer = infer_##name_,              \
                                       .eval = eval_##name_,                \
                                       .lower = lower_##name_,              \
                                       .cases = name_##_cases};

#define NUMBER_CASES                                                                  \
    "x=fp16[2,33]{1..4}; y=fp16[33]{1..4}", "x=fp32[5,1,3]{1..4}; y=fp32[2,1]{1..4}", \
        "x=int32[7]{-9..9}; y=int32[7]{1..4}", "x=fp32[]{1..4}; y=fp32[3]{1..4}",     \
        "x=fp16[0,3]; y=fp16[1,3]", "x=fp16[4]{1..4}; y=1.5"
#define BOOL_CASES "x=bool[3,5]; y=bool[5]", "x=bool[1]; y=bool[4]"

#define ARITHMETIC(name, follow) BINARY_WITH(name, QNI_SET_NUMBER, false, follow, NUMBER_CASES)
#define COMPARISON(name, types)  BINARY_WITH(name, types, true, NULL, NUMBER_CASES)
#define LOGIC(name)              BINARY_WITH(name, QNI_DT(BOOL), true, NULL, BOOL_CASES)

ARITHMETIC(add, qni_dim_add)
COMPARISON(equal, QNI_SET_NUMBER | QNI_DT(BOOL))
ARITHMETIC(floor_div, qni_dim_floor_div)
COMPARISON(greater, QNI_SET_NUMBER)
COMPARISON(greater_equal, QNI_SET_NUMBER)
COMPARISON(less, QNI_SET_NUMBER)
COMPARISON(less_equal, QNI_SET_NUMBER)
LOGIC(logical_and)
LOGIC(logical_or)
LOGIC(logical_xor)
ARITHMETIC(maximum, qni_dim_max)
ARITHMETIC(minimum, qni_dim_min)
ARITHMETIC(mod, qni_dim_mod)
ARITHMETIC(mul, qni_dim_mul)
COMPARISON(not_equal, QNI_SET_NUMBER | QNI_DT(BOOL))
ARITHMETIC(pow, NULL)
ARITHMETIC(real_div, NULL)
ARITHMETIC(sub, qni_dim_sub)
