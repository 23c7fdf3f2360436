#include "kernels/unary/generic.h"

const qk_kernel *qk_unary__ref(void)
{
    static const qk_kernel kernel = {"qk_unary__ref", QNI_CPU_REF, qk_row_tasks, NULL, run};
    return &kernel;
}
