// The body lives in a header so that each file is compiled for its own instruction set.
#include "kernels/unary/generic.h"

const qk_kernel *qk_unary__x86_avx512(void)
{
    static const qk_kernel kernel = {"qk_unary__x86_avx512", QNI_CPU_X86_AVX512, qk_row_tasks, NULL,
                                     run};
    return &kernel;
}
