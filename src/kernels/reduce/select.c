#include "kernels/reduce/reduce.h"

const qk_kernel *qk_reduce_select(qni_cpu_flags cpu)
{
    const qk_kernel *const kernels[] = {
#define QK_KERNEL(isa) qk_reduce__##isa(),
#include "kernels/reduce/kernels.def"
#undef QK_KERNEL
    };
    size_t i = 0;
    while ((QNI_CPU_BIT(kernels[i]->tier) & cpu) == 0 && kernels[i]->tier != QNI_CPU_REF) {
        i++;
    }
    return kernels[i];
}
