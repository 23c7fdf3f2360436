#include "kernels/binary/generic.h"

const qk_kernel *qk_binary__ref(void)
{
    static const qk_kernel kernel = {"qk_binary__ref", QNI_CPU_REF, qk_row_tasks, NULL, run};
    return &kernel;
}
