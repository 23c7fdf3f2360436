// The body lives in a header so that each file is compiled for its own instruction set.
#include "kernels/norm/generic.h"

const qk_kernel *qk_norm__x86_avx512(void)
{
    static const qk_kernel kernel = {"qk_norm__x86_avx512", QNI_CPU_X86_AVX512, n_tasks,
                                     scratch_bytes, run};
    return &kernel;
}
