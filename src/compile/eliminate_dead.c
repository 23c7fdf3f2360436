// Removes operations whose results nobody reads.
#include "base/alloc.h"
#include "compile/passes.h"

static void mark_uses(const qni_block *block, unsigned char *used);

static void mark_op(const qni_op *op, unsigned char *used)
{
    for (uint32_t i = 0; i < op->n_args; i++) {
        used[op->args[i]->id] = 1;
    }
    for (uint32_t i = 0; i < op->n_blocks; i++) {
        mark_uses(op->blocks[i], used);
    }
}

// Of nested blocks everything is kept.
static void mark_uses(const qni_block *block, unsigned char *used)
{
    for (uint32_t i = 0; i < block->n_ops; i++) {
        mark_op(block->ops[i], used);
    }
    for (uint32_t i = 0; i < block->n_outputs; i++) {
        used[block->outputs[i]->id] = 1;
    }
}

static bool is_live(const qni_op *op, const unsigned char *used)
{
    bool all_known = op->n_outs != 0;
    for (uint32_t i = 0; i < op->n_outs; i++) {
        all_known = all_known && op->outs[i]->constant != NULL;
    }
    if ((op->def->traits & QNI_EFFECT) != 0 || op->n_blocks != 0) {
        return true;
    }
    for (uint32_t i = 0; i < op->n_outs && !all_known; i++) {
        if (used[op->outs[i]->id] != 0) {
            return true;
        }
    }
    return false;
}

qn_status qni_pass_eliminate_dead(qni_function *function, qn_error *err)
{
    qni_block *body = function->body;
    unsigned char *used = qni_calloc(function->n_values + 1, 1);
    if (used == NULL) {
        return qni_fail_memory(err);
    }
    for (uint32_t i = 0; i < body->n_outputs; i++) {
        used[body->outputs[i]->id] = 1;
    }
    uint32_t kept = body->n_ops; // filled from the end
    for (uint32_t i = body->n_ops; i-- > 0;) {
        qni_op *op = body->ops[i];
        if (is_live(op, used)) {
            mark_op(op, used);
            body->ops[--kept] = op;
        } else {
            for (uint32_t j = 0; j < op->n_outs; j++) {
                op->outs[j]->op = NULL; // a known result stands by its contents from here on
            }
        }
    }
    function->n_ops -= kept;
    body->n_ops -= kept;
    for (uint32_t i = 0; i < body->n_ops; i++) {
        body->ops[i] = body->ops[kept + i];
    }
    qni_free(used);
    return QN_OK;
}
