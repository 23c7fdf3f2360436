#include "kernels/norm/generic.h"

const qk_kernel *qk_norm__ref(void)
{
    static const qk_kernel kernel = {"qk_norm__ref", QNI_CPU_REF, n_tasks, scratch_bytes, run};
    return &kernel;
}
