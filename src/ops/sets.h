// Sets of element types that the parameter tables name often.
#ifndef QNI_OPS_SETS_H
#define QNI_OPS_SETS_H

#include "base/dtype.h"

#define QNI_SET_FLOAT  (QNI_DT(F16) | QNI_DT(F32))
#define QNI_SET_INT8S  (QNI_DT(I8) | QNI_DT(U8))
#define QNI_SET_INT16S (QNI_DT(I16) | QNI_DT(U16))
#define QNI_SET_INT    (QNI_DT(I32))
#define QNI_SET_NUMBER (QNI_SET_FLOAT | QNI_DT(I32))
#define QNI_SET_INDEX  (QNI_DT(I32) | QNI_SET_INT8S | QNI_SET_INT16S)
#define QNI_SET_BYTES  (QNI_SET_NUMBER | QNI_SET_INT8S | QNI_SET_INT16S | QNI_DT(BOOL))
#define QNI_SET_SUB_BYTE \
    (QNI_DT(I4) | QNI_DT(U1) | QNI_DT(U2) | QNI_DT(U3) | QNI_DT(U4) | QNI_DT(U6))
#define QNI_SET_ANY 0xFFFFFFFEu

#endif
