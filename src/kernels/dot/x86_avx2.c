#define QK_MR 6
#define QK_NP 1
#include "kernels/dot/generic.h"

const qk_kernel *qk_dot__x86_avx2(void)
{
    static const qk_kernel kernel = {"qk_dot__x86_avx2", QNI_CPU_X86_AVX2, dot_tasks, dot_scratch,
                                     dot_run};
    return &kernel;
}

const qk_kernel *qk_matmul__x86_avx2(void)
{
    static const qk_kernel kernel = {"qk_matmul__x86_avx2", QNI_CPU_X86_AVX2, matmul_tasks,
                                     matmul_scratch, matmul_run};
    return &kernel;
}

const qk_kernel *qk_rows__x86_avx2(void)
{
    static const qk_kernel kernel = {"qk_rows__x86_avx2", QNI_CPU_X86_AVX2, rows_tasks,
                                     rows_scratch, rows_run};
    return &kernel;
}
