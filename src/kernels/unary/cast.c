#include "kernels/simd/block.h"
#include "kernels/simd/rows.h"
#include "kernels/unary/unary.h"

// A float to an integer of the type given.
static int64_t to_int(double x, qni_dtype dtype)
{
    if (x != x) {
        return 0;
    }
    int64_t lo;
    int64_t hi;
    qni_dtype_range(dtype, &lo, &hi);
    double cut = trunc(x);
    return cut <= (double)lo ? lo : cut >= (double)hi ? hi : (int64_t)cut;
}

static void cast_element(const qni_tensor *to, const qni_tensor *from, int64_t i)
{
    if (to->dtype == QNI_BOOL) {
        bool yes = qni_dtype_is_float(from->dtype) ? qni_tensor_get(from, i) != 0
                                                   : qni_tensor_get_int(from, i) != 0;
        qni_tensor_set_int(to, i, yes);
    } else if (qni_dtype_is_float(from->dtype)) {
        double x = qni_tensor_get(from, i);
        if (qni_dtype_is_float(to->dtype)) {
            qni_tensor_set(to, i, x);
        } else {
            qni_tensor_set_int(to, i, to_int(x, to->dtype));
        }
    } else if (qni_dtype_is_float(to->dtype)) {
        qni_tensor_set(to, i, (double)qni_tensor_get_int(from, i));
    } else {
        qni_tensor_set_int(to, i, qni_tensor_get_int(from, i));
    }
}

static bool is_float_pair(const qni_tensor *to, const qni_tensor *from)
{
    return (to->dtype == QNI_F16 || to->dtype == QNI_F32) &&
           (from->dtype == QNI_F16 || from->dtype == QNI_F32);
}

static void one_row(const qk_call *call, int64_t row, int64_t begin, int64_t end)
{
    const qni_tensor *out = &call->views[0];
    const qni_tensor *in = &call->views[1];
    void *to_row = qk_row(out, row);
    void *from_row = qk_row(in, row);
    if (is_float_pair(out, in)) {
        float x[QK_BLOCK];
        for (int64_t i = begin; i < end; i += QK_BLOCK) {
            int64_t n = end - i < QK_BLOCK ? end - i : QK_BLOCK;
            qk_block_load(x, from_row, in->dtype, i, qk_row_stride(in), n);
            qk_block_store(to_row, out->dtype, i, qk_row_stride(out), x, n);
        }
        return;
    }
    qni_tensor to = {to_row, out->dtype, 1, {end}, {qk_row_stride(out)}};
    qni_tensor from = {from_row, in->dtype, 1, {end}, {qk_row_stride(in)}};
    for (int64_t i = begin; i < end; i++) {
        cast_element(&to, &from, i);
    }
}

static void run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    (void)scratch;
    qk_run_rows(call, begin, end, one_row);
}

const qk_kernel *qk_cast_select(qni_cpu_flags cpu)
{
    static const qk_kernel kernel = {"qk_cast__ref", QNI_CPU_REF, qk_row_tasks, NULL, run};
    (void)cpu;
    return &kernel;
}
