// MIL text: functions, blocks, operations and types, one operation a line.
#ifndef QNI_MIL_PRINT_H
#define QNI_MIL_PRINT_H

#include "base/buf.h"
#include "mil/op_def.h"

// Appends the text of one function. Constants of up to eight elements show their contents, larger
// ones their shape.
QNI_WARN_UNUSED qn_status qni_function_print(const qni_function *function, qni_buf *out,
                                             qn_error *err);
QNI_WARN_UNUSED qn_status qni_program_print(const qni_program *program, qni_buf *out,
                                            qn_error *err);

#endif
