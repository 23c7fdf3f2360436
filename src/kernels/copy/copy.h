// copy: elements from one strided view to another.
//
// views[0] out, views[1] in: same element type and dimensions, rank 0 to QNI_MAX_RANK; any strides,
// also 0 and negative,
//   on `in`; no two elements of `out` in one place. They do not overlap. params: NULL.
#ifndef QK_COPY_H
#define QK_COPY_H

#include "kernels/kernel.h"

// A kernel for elements of 1, 2, 4 or 8 bytes.
const qk_kernel *qk_copy_select(unsigned element_bytes, qni_cpu_flags cpu);

#endif
