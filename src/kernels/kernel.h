// What every compute kernel looks like to whoever runs it. A primitive's own header
// (kernels/<p>/<p>.h) says which views and parameters its kernels take, and selects one; nothing
// here knows what a kernel computes.
#ifndef QK_KERNEL_H
#define QK_KERNEL_H

#include "base/cpu.h"
#include "base/tensor.h"

// One call: views[0] is the output, or the first of them, the inputs follow, in the order of the
// primitive's header. Dimensions and strides of views may differ from call to call where the header
// does not say otherwise; `params` is the primitive's own struct, fixed when the step was made.
typedef struct qk_call {
    const void *params;
    const qni_tensor *views;
    size_t n_views;
} qk_call;

// Tasks share out outputs, never a sum, so results do not depend on who ran which task.
typedef struct qk_kernel {
    const char *name; // "qk_dot_f16_i8_f16_1x64__x86_avx512": the function's name
    qni_cpu_tier tier;

    // How many tasks the call splits into: 1 when it is too small to share (under some 10 us of
    // work); 0: nothing to do. Enough of them, when large, that a few threads end together.
    size_t (*n_tasks)(const qk_call *call);

    // Bytes of 64-byte aligned memory that one thread needs while it runs tasks. Grows with the
    // dimensions of the views; it is asked once for their upper bounds. NULL: none.
    size_t (*scratch_bytes)(const qk_call *call);

    // Runs the tasks [begin, end). The views overlap only where the primitive's header allows it.
    void (*run)(const qk_call *call, void *scratch, size_t begin, size_t end);
} qk_kernel;

#endif
