#include "kernels/dot/dot.h"

static const qk_kernel *choose(const qk_kernel *const *kernels, qni_cpu_flags cpu)
{
    while ((QNI_CPU_BIT((*kernels)->tier) & cpu) == 0 && (*kernels)->tier != QNI_CPU_REF) {
        kernels++;
    }
    return *kernels;
}

const qk_kernel *qk_dot_select(qni_cpu_flags cpu)
{
    const qk_kernel *const kernels[] = {
#define QK_KERNEL(isa) qk_dot__##isa(),
#include "kernels/dot/kernels.def"
#undef QK_KERNEL
    };
    return choose(kernels, cpu);
}

const qk_kernel *qk_matmul_select(qni_cpu_flags cpu)
{
    const qk_kernel *const kernels[] = {
#define QK_KERNEL(isa) qk_matmul__##isa(),
#include "kernels/dot/kernels.def"
#undef QK_KERNEL
    };
    return choose(kernels, cpu);
}

const qk_kernel *qk_rows_select(qni_cpu_flags cpu)
{
    const qk_kernel *const kernels[] = {
#define QK_KERNEL(isa) qk_rows__##isa(),
#include "kernels/dot/kernels.def"
#undef QK_KERNEL
    };
    return choose(kernels, cpu);
}
