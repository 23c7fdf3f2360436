// The body of the binary kernels; each ISA's file includes it.
#include "kernels/binary/binary.h"
#include "kernels/simd/block.h"
#include "kernels/simd/rows.h"

#define QK_F(name) static inline float f_##name(float x, float y)

QK_F(add)
{
    return x + y;
}
QK_F(sub)
{
    return x - y;
}
QK_F(mul)
{
    return x * y;
}
QK_F(real_div)
{
    return x / y;
}
QK_F(floor_div)
{
    return floorf(x / y);
}
QK_F(mod) // of Python: the sign of y
{
    float r = fmodf(x, y);
    return r != 0.0f && (r < 0.0f) != (y < 0.0f) ? r + y : r;
}
QK_F(maximum)
{
    return x > y || x != x ? x : y;
}
QK_F(minimum)
{
    return x < y || x != x ? x : y;
}
QK_F(pow)
{
    return y == 2.0f ? x * x : (float)pow((double)x, (double)y);
}
QK_F(equal)
{
    return x == y ? 1.0f : 0.0f;
}
QK_F(not_equal)
{
    return x != y ? 1.0f : 0.0f;
}
QK_F(less)
{
    return x < y ? 1.0f : 0.0f;
}
QK_F(less_equal)
{
    return x <= y ? 1.0f : 0.0f;
}
QK_F(greater)
{
    return x > y ? 1.0f : 0.0f;
}
QK_F(greater_equal)
{
    return x >= y ? 1.0f : 0.0f;
}
QK_F(logical_and)
{
    return x != 0.0f && y != 0.0f ? 1.0f : 0.0f;
}
QK_F(logical_or)
{
    return x != 0.0f || y != 0.0f ? 1.0f : 0.0f;
}
QK_F(logical_xor)
{
    return (x != 0.0f) != (y != 0.0f) ? 1.0f : 0.0f;
}
QK_F(prelu)
{
    return x < 0.0f ? x * y : x;
}
QK_F(first)
{
    (void)y;
    return x;
}

#undef QK_F

#define QK_LOOP(name)                                            \
    static void loop_##name(float *x, const float *y, int64_t n) \
    {                                                            \
        for (int64_t i = 0; i < n; i++) {                        \
            x[i] = f_##name(x[i], y[i]);                         \
        }                                                        \
    }
QK_BINARY_FUNCTIONS(QK_LOOP)
#undef QK_LOOP

typedef void loop_fn(float *x, const float *y, int64_t n);

static loop_fn *const loops[] = {
#define QK_LOOP(name) loop_##name,
    QK_BINARY_FUNCTIONS(QK_LOOP)
#undef QK_LOOP
};

static int64_t int_div(int64_t x, int64_t y)
{
    if (y == 0) {
        return 0;
    }
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
}

static int64_t int_pow(int64_t x, int64_t y)
{
    uint64_t r = 1;
    uint64_t base = (uint64_t)x;
    if (y < 0) {
        return x == 1 ? 1 : x == -1 ? (y % 2 != 0 ? -1 : 1) : 0;
    }
    for (; y > 0; y >>= 1, base *= base) {
        r *= (y & 1) != 0 ? base : 1;
    }
    return (int64_t)r;
}

static int64_t of_ints(qk_binary_op op, int64_t x, int64_t y)
{
    switch (op) {
    case QK_BINARY_add: return x + y;
    case QK_BINARY_sub: return x - y;
    case QK_BINARY_mul: return (int64_t)((uint64_t)x * (uint64_t)y);
    case QK_BINARY_real_div: return y == 0 ? 0 : x / y;
    case QK_BINARY_floor_div: return int_div(x, y);
    case QK_BINARY_mod: return x - y * int_div(x, y);
    case QK_BINARY_maximum: return x > y ? x : y;
    case QK_BINARY_minimum: return x < y ? x : y;
    case QK_BINARY_pow: return int_pow(x, y);
    case QK_BINARY_equal: return x == y;
    case QK_BINARY_not_equal: return x != y;
    case QK_BINARY_less: return x < y;
    case QK_BINARY_less_equal: return x <= y;
    case QK_BINARY_greater: return x > y;
    case QK_BINARY_greater_equal: return x >= y;
    case QK_BINARY_logical_and: return x != 0 && y != 0;
    case QK_BINARY_logical_or: return x != 0 || y != 0;
    case QK_BINARY_logical_xor: return (x != 0) != (y != 0);
    case QK_BINARY_prelu: return x < 0 ? x * y : x;
    case QK_BINARY_first: return x;
    case QK_N_BINARY: break;
    }
    return 0;
}

static qni_tensor row_view(const qni_tensor *t, int64_t row, int64_t n)
{
    return (qni_tensor){qk_row(t, row), t->dtype, 1, {n}, {qk_row_stride(t)}};
}

static void int_row(const qk_call *call, int64_t row, int64_t begin, int64_t end)
{
    const qk_binary_params *p = call->params;
    qni_tensor to = row_view(&call->views[0], row, end);
    qni_tensor x = row_view(&call->views[1], row, end);
    qni_tensor y = row_view(&call->views[2], row, end);
    for (int64_t i = begin; i < end; i++) {
        qni_tensor_set_int(&to, i,
                           of_ints(p->op, qni_tensor_get_int(&x, i), qni_tensor_get_int(&y, i)));
    }
}

static void one_row(const qk_call *call, int64_t row, int64_t begin, int64_t end)
{
    const qk_binary_params *p = call->params;
    const qni_tensor *out = &call->views[0];
    const qni_tensor *xs = &call->views[1];
    const qni_tensor *ys = &call->views[2];
    if (!qk_is_block_dtype(xs->dtype)) {
        int_row(call, row, begin, end);
        return;
    }
    void *to = qk_row(out, row);
    const void *x_row = qk_row(xs, row);
    const void *y_row = qk_row(ys, row);
    float x[QK_BLOCK];
    float y[QK_BLOCK];
    for (int64_t i = begin; i < end; i += QK_BLOCK) {
        int64_t n = end - i < QK_BLOCK ? end - i : QK_BLOCK;
        qk_block_load(x, x_row, xs->dtype, i, qk_row_stride(xs), n);
        qk_block_load(y, y_row, ys->dtype, i, qk_row_stride(ys), n);
        loops[p->op](x, y, n);
        qk_block_store(to, out->dtype, i, qk_row_stride(out), x, n);
    }
}

static void run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    (void)scratch;
    qk_run_rows(call, begin, end, one_row);
}
