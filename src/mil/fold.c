// Values known before the run: evaluating operations whose arguments all are.
#include "mil/build.h"

#include "base/limits.h"
#include "mil/internal.h"

static const unsigned never = QNI_STATEFUL | QNI_RANDOM | QNI_CONSTEXPR | QNI_NO_FOLD;

bool qni_op_can_fold(const qni_op *op)
{
    if ((op->def->traits & never) != 0 || op->def->eval == NULL || op->n_blocks != 0) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_args; i++) {
        if (op->args[i]->constant == NULL) {
            return false;
        }
    }
    return op->n_outs > 0;
}

static bool is_folded(const qni_op *op)
{
    for (uint32_t i = 0; i < op->n_outs; i++) {
        if (op->outs[i]->constant == NULL) {
            return false;
        }
    }
    return true;
}

// The output's view with memory where its shape is known.
static qn_status prepare_out(const qni_op *op, uint32_t i, qni_arena *arena, qni_tensor *out,
                             qn_error *err)
{
    const qni_type *type = &op->outs[i]->type;
    int64_t dims[QNI_MAX_RANK];
    bool known = true;
    for (int32_t d = 0; d < type->rank; d++) {
        known = known && qni_dim_is_const(type->dims[d]);
        dims[d] = qni_dim_is_const(type->dims[d]) ? type->dims[d].add : -1;
    }
    *out = qni_tensor_make(type->dtype, type->rank, dims, NULL);
    if (!known) {
        return QN_OK;
    }
    out->data = qni_arena_alloc(arena, qni_tensor_bytes(out) + 1);
    return out->data != NULL ? QN_OK : qni_fail_memory(err);
}

static qn_status keep_out(qni_op *op, uint32_t i, const qni_tensor *result, qn_error *err)
{
    qni_program *program = op->block->function->program;
    qni_value *value = op->outs[i];
    if (value->constant != NULL) {
        return QN_OK;
    }
    qni_tensor *kept = qni_arena_alloc(&program->arena, sizeof *kept);
    if (kept == NULL) {
        return qni_fail_memory(err);
    }
    *kept = qni_tensor_make(result->dtype, result->rank, result->dims, NULL);
    kept->data = qni_arena_alloc(&program->arena, qni_tensor_bytes(kept) + 1);
    if (kept->data == NULL) {
        return qni_fail_memory(err);
    }
    qni_tensor_copy(kept, result);
    value->constant = kept;
    value->ints = NULL;
    value->type = qni_mil_type_of(kept);
    return QN_OK;
}

static qn_status fold_with(qni_op *op, qni_arena *scratch, qn_error *err)
{
    qni_tensor *args = qni_arena_array(scratch, op->n_args + 1, sizeof *args);
    qni_tensor *outs = qni_arena_array(scratch, op->n_outs + 1, sizeof *outs);
    if (args == NULL || outs == NULL) {
        return qni_fail_memory(err);
    }
    for (uint32_t i = 0; i < op->n_args; i++) {
        args[i] = *op->args[i]->constant;
    }
    for (uint32_t i = 0; i < op->n_outs; i++) {
        QNI_TRY(prepare_out(op, i, scratch, &outs[i], err));
    }
    qni_eval call = {args, op->params, outs, op->n_outs, op->name, scratch, err};
    QNI_TRY(op->def->eval(&call));
    for (uint32_t i = 0; i < op->n_outs; i++) {
        QNI_TRY(keep_out(op, i, &outs[i], err));
    }
    return QN_OK;
}

qn_status qni_op_fold(qni_op *op, qn_error *err)
{
    if (is_folded(op) || !qni_op_can_fold(op)) {
        return QN_OK;
    }
    qni_arena scratch;
    qni_arena_begin(&scratch, QNI_MAX_DYNAMIC_BYTES);
    qn_status status = fold_with(op, &scratch, err);
    qni_arena_end(&scratch);
    return status;
}

qn_status qni_op_fold_small(qni_op *op, qn_error *err)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < op->n_args; i++) {
        bytes += op->args[i]->constant != NULL ? qni_tensor_bytes(op->args[i]->constant) : 0;
    }
    for (uint32_t i = 0; i < op->n_outs; i++) {
        const qni_type *type = &op->outs[i]->type;
        qni_dim count = qni_type_count(&op->block->function->symbols, type);
        size_t size = 0;
        if (qni_dim_is_const(count) && !qni_dtype_bytes(type->dtype, count.add, &size)) {
            return QN_OK;
        }
        bytes += size;
    }
    return bytes <= QNI_MAX_EARLY_FOLD_BYTES ? qni_op_fold(op, err) : QN_OK;
}
