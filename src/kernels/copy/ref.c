#include "kernels/copy/copy.h"

#include <string.h>

enum { TASK_ELEMENTS = 1 << 15 }; // some 10 us

static int64_t rows_of(const qni_tensor *t)
{
    int64_t rows = 1;
    for (int32_t d = 0; d + 1 < t->rank; d++) {
        rows *= t->dims[d];
    }
    return rows;
}

static int64_t rows_per_task(const qni_tensor *t)
{
    int64_t n = t->rank > 0 ? t->dims[t->rank - 1] : 1;
    return n >= TASK_ELEMENTS ? 1 : TASK_ELEMENTS / (n > 0 ? n : 1);
}

static size_t n_tasks(const qk_call *call)
{
    const qni_tensor *out = &call->views[0];
    if (qni_tensor_count(out) == 0) {
        return 0;
    }
    int64_t per = rows_per_task(out);
    return (size_t)((rows_of(out) + per - 1) / per);
}

// One row of n elements of `size` bytes; strides in bytes. `size` is a constant where this is
// inlined.
static inline void copy_row(unsigned char *to, int64_t to_stride, const unsigned char *from,
                            int64_t from_stride, int64_t n, size_t size)
{
    if (to_stride == (int64_t)size && from_stride == (int64_t)size) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        memcpy(to + i * to_stride, from + i * from_stride, size);
    }
}

static inline void run_sized(const qk_call *call, size_t begin, size_t end, size_t size)
{
    const qni_tensor *out = &call->views[0];
    const qni_tensor *in = &call->views[1];
    int32_t last = out->rank - 1;
    int64_t n = last >= 0 ? out->dims[last] : 1;
    int64_t to_stride = (last >= 0 ? out->strides[last] : 1) * (int64_t)size;
    int64_t from_stride = (last >= 0 ? in->strides[last] : 1) * (int64_t)size;
    int64_t per = rows_per_task(out);
    int64_t rows = rows_of(out);
    int64_t stop = (int64_t)end * per < rows ? (int64_t)end * per : rows;
    for (int64_t row = (int64_t)begin * per; row < stop; row++) {
        int64_t rest = row;
        int64_t to = 0;
        int64_t from = 0;
        for (int32_t d = last - 1; d >= 0; d--) {
            int64_t i = rest % out->dims[d];
            rest /= out->dims[d];
            to += i * out->strides[d];
            from += i * in->strides[d];
        }
        copy_row((unsigned char *)out->data + to * (int64_t)size, to_stride,
                 (const unsigned char *)in->data + from * (int64_t)size, from_stride, n, size);
    }
}

static void run_1(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    (void)scratch;
    run_sized(call, begin, end, 1);
}

static void run_2(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    (void)scratch;
    run_sized(call, begin, end, 2);
}

static void run_4(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    (void)scratch;
    run_sized(call, begin, end, 4);
}

static void run_8(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    (void)scratch;
    run_sized(call, begin, end, 8);
}

const qk_kernel *qk_copy_select(unsigned element_bytes, qni_cpu_flags cpu)
{
    static const qk_kernel kernels[] = {
        {"qk_copy_1__ref", QNI_CPU_REF, n_tasks, NULL, run_1},
        {"qk_copy_2__ref", QNI_CPU_REF, n_tasks, NULL, run_2},
        {"qk_copy_4__ref", QNI_CPU_REF, n_tasks, NULL, run_4},
        {"qk_copy_8__ref", QNI_CPU_REF, n_tasks, NULL, run_8},
    };
    (void)cpu;
    return &kernels[element_bytes == 1 ? 0 : element_bytes == 2 ? 1 : element_bytes == 4 ? 2 : 3];
}
