// Walking several views together.
#ifndef QNI_COMPILE_ALIGN_H
#define QNI_COMPILE_ALIGN_H

#include "ops/view.h"

enum { QNI_MAX_ALIGNED = 16 };

// Parts of dimensions, innermost first, common to all views.
typedef struct qni_aligned {
    int32_t n;
    qni_dim size[QNI_MAX_FACTORS];
    qni_dim stride[QNI_MAX_ALIGNED][QNI_MAX_FACTORS];
} qni_aligned;

// Makes views of one logical shape plain and of one rank, with as few dimensions as all of them
// allow; each element keeps its partners. False, and nothing changed, when that takes more than
// QNI_MAX_RANK dimensions or the sizes are not known to fit.
bool qni_align_views(qni_symbols *symbols, qni_view *views, size_t n);

#endif
