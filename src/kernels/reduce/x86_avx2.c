// The body lives in a header so that each file is compiled for its own instruction set.
#include "kernels/reduce/generic.h"

const qk_kernel *qk_reduce__x86_avx2(void)
{
    static const qk_kernel kernel = {"qk_reduce__x86_avx2", QNI_CPU_X86_AVX2, n_tasks,
                                     scratch_bytes, run};
    return &kernel;
}
