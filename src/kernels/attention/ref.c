#include "kernels/attention/generic.h"

const qk_kernel *qk_attention__ref(void)
{
    static const qk_kernel kernel = {"qk_attention__ref", QNI_CPU_REF, n_tasks, scratch_bytes, run};
    return &kernel;
}
