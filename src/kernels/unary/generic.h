// The body of the unary kernels; each ISA's file includes it after naming itself in QK_ISA.
#include "kernels/simd/block.h"
#include "kernels/simd/rows.h"
#include "kernels/unary/unary.h"

#define QK_LOOP(name)                                              \
    static void loop_##name(float *x, int64_t n, float a, float b) \
    {                                                              \
        for (int64_t i = 0; i < n; i++) {                          \
            x[i] = qk_f_##name(x[i], a, b);                        \
        }                                                          \
    }
QK_UNARY_FUNCTIONS(QK_LOOP)
#undef QK_LOOP

typedef void loop_fn(float *x, int64_t n, float a, float b);

static loop_fn *const loops[] = {
#define QK_LOOP(name) loop_##name,
    QK_UNARY_FUNCTIONS(QK_LOOP)
#undef QK_LOOP
};

static int64_t of_int(const qk_unary_params *p, int64_t x)
{
    int64_t a = (int64_t)p->a;
    switch ((int)p->op) {
    case QK_UNARY_abs: return x < 0 ? -x : x;
    case QK_UNARY_sign: return (x > 0) - (x < 0);
    case QK_UNARY_square: return x * x;
    case QK_UNARY_threshold: return x < a ? a : x;
    case QK_UNARY_clip: return x < a ? a : x > (int64_t)p->b ? (int64_t)p->b : x;
    case QK_UNARY_relu: return x < 0 ? 0 : x;
    default: return x;
    }
}

static void int_row(const qk_call *call, int64_t row, int64_t begin, int64_t end)
{
    const qni_tensor *out = &call->views[0];
    const qni_tensor *in = &call->views[1];
    qni_tensor to = {qk_row(out, row), out->dtype, 1, {end}, {qk_row_stride(out)}};
    qni_tensor from = {qk_row(in, row), in->dtype, 1, {end}, {qk_row_stride(in)}};
    for (int64_t i = begin; i < end; i++) {
        qni_tensor_set_int(&to, i, of_int(call->params, qni_tensor_get_int(&from, i)));
    }
}

static void one_row(const qk_call *call, int64_t row, int64_t begin, int64_t end)
{
    const qk_unary_params *p = call->params;
    const qni_tensor *out = &call->views[0];
    const qni_tensor *in = &call->views[1];
    if (!qk_is_block_dtype(in->dtype)) {
        int_row(call, row, begin, end);
        return;
    }
    void *to = qk_row(out, row);
    const void *from = qk_row(in, row);
    float x[QK_BLOCK];
    for (int64_t i = begin; i < end; i += QK_BLOCK) {
        int64_t n = end - i < QK_BLOCK ? end - i : QK_BLOCK;
        qk_block_load(x, from, in->dtype, i, qk_row_stride(in), n);
        loops[p->op](x, n, p->a, p->b);
        qk_block_store(to, out->dtype, i, qk_row_stride(out), x, n);
    }
}

static void run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    (void)scratch;
    qk_run_rows(call, begin, end, one_row);
}
