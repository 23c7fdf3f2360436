// Checking a whole function again, as passes leave it.
#include "mil/build.h"

#include "base/alloc.h"
#include "mil/internal.h"

typedef struct verifier {
    const qni_function *function;
    unsigned char *defined; // by value id: seen before the place we are at, in a block around it
    qn_error *err;
} verifier;

static qn_status bad(const verifier *v, const qni_op *op, const char *what, const char *name)
{
    char where[256];
    return qni_fail(v->err, QN_INTERNAL,
                    op != NULL ? qni_mil_where(op, where, sizeof where) : v->function->name,
                    "%s \"%s\"", what, name);
}

static bool is_mine(const verifier *v, const qni_value *value)
{
    return value->id < v->function->n_values && v->function->values[value->id] == value;
}

static qn_status define(const verifier *v, const qni_op *op, const qni_value *value)
{
    if (!is_mine(v, value)) {
        return bad(v, op, "a value of another function is defined:", value->name);
    }
    if (v->defined[value->id] != 0) {
        return bad(v, op, "a value is defined twice:", value->name);
    }
    v->defined[value->id] = 1;
    return QN_OK;
}

static qn_status check_use(const verifier *v, const qni_op *op, const qni_value *value)
{
    if (value == NULL || !is_mine(v, value)) {
        return bad(v, op, "a value of another function is used:", value != NULL ? value->name : "");
    }
    bool free_standing = value->op == NULL && value->constant != NULL;
    if (v->defined[value->id] == 0 && !free_standing) {
        return bad(v, op,
                   "a value is used before it is defined, or outside of its block:", value->name);
    }
    return QN_OK;
}

static qn_status verify_block(const verifier *v, const qni_block *block);

static qn_status verify_op(const verifier *v, const qni_op *op)
{
    for (size_t p = 0; p < op->def->n_params; p++) {
        if (op->params[p].first + op->params[p].count > op->n_args) {
            return bad(v, op, "arguments out of range for parameter", op->def->params[p].name);
        }
    }
    for (uint32_t i = 0; i < op->n_args; i++) {
        QNI_TRY(check_use(v, op, op->args[i]));
    }
    for (uint32_t i = 0; i < op->n_blocks; i++) {
        QNI_TRY(verify_block(v, op->blocks[i]));
    }
    for (uint32_t i = 0; i < op->n_outs; i++) {
        if (op->outs[i]->op != op || op->outs[i]->index != i) {
            return bad(v, op, "the maker of this value is another operation:", op->outs[i]->name);
        }
        QNI_TRY(define(v, op, op->outs[i]));
    }
    return QN_OK;
}

// The values of a block are forgotten at its end: nobody outside may use them.
static void forget(const verifier *v, const qni_block *block)
{
    for (uint32_t i = 0; i < block->n_inputs; i++) {
        v->defined[block->inputs[i]->id] = 0;
    }
    for (uint32_t i = 0; i < block->n_ops; i++) {
        for (uint32_t j = 0; j < block->ops[i]->n_outs; j++) {
            v->defined[block->ops[i]->outs[j]->id] = 0;
        }
    }
}

static qn_status verify_block(const verifier *v, const qni_block *block)
{
    for (uint32_t i = 0; i < block->n_inputs; i++) {
        QNI_TRY(define(v, NULL, block->inputs[i]));
    }
    for (uint32_t i = 0; i < block->n_ops; i++) {
        if (block->ops[i]->block != block) {
            return bad(v, block->ops[i], "stands in another block:", block->ops[i]->name);
        }
        QNI_TRY(verify_op(v, block->ops[i]));
    }
    for (uint32_t i = 0; i < block->n_outputs; i++) {
        QNI_TRY(check_use(v, NULL, block->outputs[i]));
    }
    forget(v, block);
    return QN_OK;
}

qn_status qni_function_verify(const qni_function *function, qn_error *err)
{
    verifier v = {function, qni_calloc(function->n_values + 1, 1), err};
    if (v.defined == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = verify_block(&v, function->body);
    qni_free(v.defined);
    return status;
}
