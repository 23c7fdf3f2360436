#include "ops/ops.h"

#define QNI_OP(name, opset, family) extern const qni_op_def qni_op_##name;
#define QNI_OP_VERSION(name, opset, suffix, family) \
    extern const qni_op_def qni_op_##name##__##suffix;
#include "ops/ops.def"
#undef QNI_OP
#undef QNI_OP_VERSION

static const qni_op_def *const all[] = {
#define QNI_OP(name, opset, family)                 &qni_op_##name,
#define QNI_OP_VERSION(name, opset, suffix, family) &qni_op_##name##__##suffix,
#include "ops/ops.def"
#undef QNI_OP
#undef QNI_OP_VERSION
};

const qni_op_table *qni_ops(void)
{
    static const qni_op_table table = {all, sizeof all / sizeof *all};
    return &table;
}
