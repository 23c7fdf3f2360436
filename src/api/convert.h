// Between the public structs and the internal ones.
#ifndef QNI_API_CONVERT_H
#define QNI_API_CONVERT_H

#include "base/tensor.h"
#include "quince/tensor.h"

qni_dtype qni_dtype_of_public(qn_dtype dtype);
qn_dtype qni_dtype_to_public(qni_dtype dtype); // QN_DTYPE_NONE for types that the API has not

// Checks what a caller gives: type, rank, dimensions. `where` names it in errors.
QNI_WARN_UNUSED qn_status qni_tensor_of_public(const qn_tensor *from, const char *where,
                                               qni_tensor *to, qn_error *err);
qn_tensor qni_tensor_to_public(const qni_tensor *from);

#endif
