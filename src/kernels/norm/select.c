#include "kernels/norm/norm.h"

const qk_kernel *qk_norm_select(qni_cpu_flags cpu)
{
    const qk_kernel *const kernels[] = {
#define QK_KERNEL(isa) qk_norm__##isa(),
#include "kernels/norm/kernels.def"
#undef QK_KERNEL
    };
    size_t i = 0;
    while ((QNI_CPU_BIT(kernels[i]->tier) & cpu) == 0 && kernels[i]->tier != QNI_CPU_REF) {
        i++;
    }
    return kernels[i];
}
