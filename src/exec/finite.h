// Counting elements that are infinite or not numbers.
#ifndef QNI_EXEC_FINITE_H
#define QNI_EXEC_FINITE_H

#include "base/tensor.h"

// 0 for types that are no floats.
uint64_t qni_count_not_finite(const qni_tensor *t);

#endif
