// A copy of a function with its input dimensions bound.
#ifndef QNI_COMPILE_SPECIALIZE_H
#define QNI_COMPILE_SPECIALIZE_H

#include "compile/compile.h"
#include "mil/build.h"

// The copy is the one function of a new program, which the caller frees; constants are shared with
// the original. Every operation is inferred anew, so shapes that do not fit this binding are found
// here.
QNI_WARN_UNUSED qn_status qni_specialize(const qni_function *function, const qni_binding *bindings,
                                         qni_program **out, qn_error *err);

#endif
