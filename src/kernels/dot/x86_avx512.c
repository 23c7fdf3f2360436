#define QK_MR 12
#define QK_NP 2
#include "kernels/dot/generic.h"

const qk_kernel *qk_dot__x86_avx512(void)
{
    static const qk_kernel kernel = {"qk_dot__x86_avx512", QNI_CPU_X86_AVX512, dot_tasks,
                                     dot_scratch, dot_run};
    return &kernel;
}

const qk_kernel *qk_matmul__x86_avx512(void)
{
    static const qk_kernel kernel = {"qk_matmul__x86_avx512", QNI_CPU_X86_AVX512, matmul_tasks,
                                     matmul_scratch, matmul_run};
    return &kernel;
}

const qk_kernel *qk_rows__x86_avx512(void)
{
    static const qk_kernel kernel = {"qk_rows__x86_avx512", QNI_CPU_X86_AVX512, rows_tasks,
                                     rows_scratch, rows_run};
    return &kernel;
}
