// The table of all operations: the lines of ops.def.
#ifndef QNI_OPS_OPS_H
#define QNI_OPS_OPS_H

#include "mil/op_def.h"

// The constant table; never freed.
const qni_op_table *qni_ops(void);

#endif
