#define QK_MR 4
#define QK_NP 1
#include "kernels/dot/generic.h"

const qk_kernel *qk_dot__ref(void)
{
    static const qk_kernel kernel = {"qk_dot__ref", QNI_CPU_REF, dot_tasks, dot_scratch, dot_run};
    return &kernel;
}

const qk_kernel *qk_matmul__ref(void)
{
    static const qk_kernel kernel = {"qk_matmul__ref", QNI_CPU_REF, matmul_tasks, matmul_scratch,
                                     matmul_run};
    return &kernel;
}

const qk_kernel *qk_rows__ref(void)
{
    static const qk_kernel kernel = {"qk_rows__ref", QNI_CPU_REF, rows_tasks, rows_scratch,
                                     rows_run};
    return &kernel;
}
