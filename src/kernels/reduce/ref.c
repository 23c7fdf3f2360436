#include "kernels/reduce/generic.h"

const qk_kernel *qk_reduce__ref(void)
{
    static const qk_kernel kernel = {"qk_reduce__ref", QNI_CPU_REF, n_tasks, scratch_bytes, run};
    return &kernel;
}
