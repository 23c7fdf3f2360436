// Evaluates what only depends on constants and was too large to be evaluated while the program was
// read.
#include "base/limits.h"
#include "compile/passes.h"

static bool is_small(const qni_op *op)
{
    size_t total = 0;
    for (uint32_t i = 0; i < op->n_outs; i++) {
        size_t bytes;
        qni_dim count = qni_type_count(&op->block->function->symbols, &op->outs[i]->type);
        if (qni_dim_is_const(count)) {
            if (!qni_dtype_bytes(op->outs[i]->type.dtype, count.add, &bytes)) {
                return false;
            }
            total += bytes;
        }
    }
    return total <= QNI_MAX_FOLD_BYTES;
}

qn_status qni_pass_fold_constants(qni_function *function, qn_error *err)
{
    for (uint32_t i = 0; i < function->body->n_ops; i++) {
        qni_op *op = function->body->ops[i];
        if (is_small(op)) {
            QNI_TRY(qni_op_fold(op, err));
        }
    }
    return QN_OK;
}
