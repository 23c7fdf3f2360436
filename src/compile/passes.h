// Passes: each takes a specialized function and leaves it verified.
#ifndef QNI_COMPILE_PASSES_H
#define QNI_COMPILE_PASSES_H

#include "mil/build.h"

#define QNI_PASS(name) \
    QNI_WARN_UNUSED qn_status qni_pass_##name(qni_function *function, qn_error *err);
#include "compile/passes.def"
#undef QNI_PASS

#endif
