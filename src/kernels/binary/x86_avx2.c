// The body lives in a header so that each file is compiled for its own instruction set.
#include "kernels/binary/generic.h"

const qk_kernel *qk_binary__x86_avx2(void)
{
    static const qk_kernel kernel = {"qk_binary__x86_avx2", QNI_CPU_X86_AVX2, qk_row_tasks, NULL,
                                     run};
    return &kernel;
}
