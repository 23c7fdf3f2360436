#include "compile/specialize.h"

#include "base/alloc.h"

#include <string.h>

typedef struct specializer {
    const qni_function *from;
    qni_function *to;
    const qni_binding *bindings;
    qni_dim *dims;      // by symbol of `from`: what it is in `to`; {0, -1} not made yet
    qni_value **values; // by id in `from`
    qn_error *err;
} specializer;

static qni_dim bind_symbol(specializer *s, int32_t sym)
{
    const qni_symbol *x = &s->from->symbols.items[sym];
    if (s->dims[sym].sym < 0) {
        const qni_binding *b = &s->bindings[sym];
        s->dims[sym] = b->is_register ? qni_dim_input(&s->to->symbols, x->name, b->lo, b->hi)
                                      : qni_dim_of(b->value);
    }
    return s->dims[sym];
}

static qn_status copy_inputs(specializer *s)
{
    const qni_block *body = s->from->body;
    for (uint32_t i = 0; i < body->n_inputs; i++) {
        qni_type type = body->inputs[i]->type;
        for (int32_t d = 0; d < type.rank; d++) {
            if (type.dims[d].sym != 0) {
                qni_dim bound = bind_symbol(s, type.dims[d].sym);
                type.dims[d] = qni_dim_add(&s->to->symbols, bound, qni_dim_of(type.dims[d].add));
            }
        }
        QNI_TRY(qni_block_add_input(s->to->body, body->inputs[i]->name, &type,
                                    &s->values[body->inputs[i]->id], s->err));
    }
    return qni_symbols_check(&s->to->symbols, s->from->name, s->err);
}

static qn_status value_of(specializer *s, const qni_value *old, qni_value **out)
{
    qni_value **made = &s->values[old->id];
    if (*made == NULL && old->constant != NULL) {
        QNI_TRY(qni_function_add_constant(s->to, old->name, old->constant, made, s->err));
    }
    *out = *made;
    return *made != NULL ? QN_OK
                         : qni_fail(s->err, QN_INTERNAL, s->from->name,
                                    "\"%s\" is used before it is defined", old->name);
}

// What the original's inference settled, for results that only the data decide; dimensions that
// were not constant say nothing.
static void declared_type(const qni_value *old, qni_type *type)
{
    static const qni_dim nothing = {0, INT32_MAX};
    *type = old->type;
    for (int32_t d = 0; d < type->rank; d++) {
        if (!qni_dim_is_const(type->dims[d])) {
            type->dims[d] = nothing;
        }
    }
}

static bool is_known(const qni_op *op)
{
    for (uint32_t i = 0; i < op->n_outs; i++) {
        if (op->outs[i]->constant == NULL) {
            return false;
        }
    }
    return op->n_outs != 0;
}

static qn_status copy_op_with(specializer *s, const qni_op *op, qni_value **args,
                              const char **names, qni_type *types, const qni_type **type_list)
{
    for (uint32_t i = 0; i < op->n_args; i++) {
        QNI_TRY(value_of(s, op->args[i], &args[i]));
    }
    for (uint32_t i = 0; i < op->n_outs; i++) {
        names[i] = op->outs[i]->name;
        declared_type(op->outs[i], &types[i]);
        type_list[i] = &types[i];
    }
    qni_op_spec spec = {.def = op->def,
                        .name = op->name,
                        .out_names = names,
                        .out_types = type_list,
                        .n_outs = op->n_outs};
    qni_op *copy;
    QNI_TRY(qni_block_add_bound(s->to->body, &spec, args, op->params, &copy, s->err));
    for (uint32_t i = 0; i < op->n_outs; i++) {
        s->values[op->outs[i]->id] = copy->outs[i];
        if (copy->outs[i]->type.rank == QNI_RANK_UNKNOWN) {
            return qni_fail(s->err, QN_UNSUPPORTED, op->name,
                            "\"%s\" has a rank that only the data tell, which is not supported",
                            copy->outs[i]->name);
        }
    }
    return QN_OK;
}

static qn_status copy_op(specializer *s, const qni_op *op)
{
    if (is_known(op)) {
        return QN_OK; // its results are taken as constants where they are used
    }
    if (op->n_blocks != 0) {
        return qni_fail(s->err, QN_UNSUPPORTED, op->name,
                        "operation \"%s\" has nested blocks, which are not compiled yet",
                        op->def->name);
    }
    qni_arena scratch;
    qni_arena_begin(&scratch, QNI_MAX_PROGRAM_BYTES);
    qni_value **args = qni_arena_array(&scratch, op->n_args + 1, sizeof *args);
    const char **names = qni_arena_array(&scratch, op->n_outs + 1, sizeof *names);
    qni_type *types = qni_arena_array(&scratch, op->n_outs + 1, sizeof *types);
    const qni_type **list = qni_arena_array(&scratch, op->n_outs + 1, sizeof *list);
    qn_status status = args == NULL || names == NULL || types == NULL || list == NULL
                           ? qni_fail_memory(s->err)
                           : copy_op_with(s, op, args, names, types, list);
    qni_arena_end(&scratch);
    return status;
}

static qn_status copy_body(specializer *s)
{
    const qni_block *body = s->from->body;
    QNI_TRY(copy_inputs(s));
    for (uint32_t i = 0; i < body->n_ops; i++) {
        QNI_TRY(copy_op(s, body->ops[i]));
    }
    qni_value **outputs = qni_calloc(body->n_outputs + 1, sizeof *outputs);
    if (outputs == NULL) {
        return qni_fail_memory(s->err);
    }
    qn_status status = QN_OK;
    for (uint32_t i = 0; i < body->n_outputs && status == QN_OK; i++) {
        status = value_of(s, body->outputs[i], &outputs[i]);
    }
    if (status == QN_OK) {
        status = qni_block_set_outputs(s->to->body, outputs, body->n_outputs, s->err);
    }
    qni_free(outputs);
    return status;
}

static qn_status begin(specializer *s, qni_program *program)
{
    s->dims = qni_alloc_array(s->from->symbols.n + 1, sizeof *s->dims);
    s->values = qni_calloc(s->from->n_values + 1, sizeof *s->values);
    if (s->dims == NULL || s->values == NULL) {
        return qni_fail_memory(s->err);
    }
    for (size_t i = 0; i < s->from->symbols.n; i++) {
        s->dims[i] = (qni_dim){0, -1};
    }
    return qni_function_create(program, s->from->name, s->from->opset, &s->to, s->err);
}

qn_status qni_specialize(const qni_function *function, const qni_binding *bindings,
                         qni_program **out, qn_error *err)
{
    *out = NULL;
    qni_program *program;
    QNI_TRY(qni_program_create(&program, err));
    specializer s = {.from = function, .bindings = bindings, .err = err};
    qn_status status = begin(&s, program);
    if (status == QN_OK) {
        status = copy_body(&s);
    }
    qni_free(s.dims);
    qni_free(s.values);
    if (status != QN_OK) {
        qni_program_free(program);
        return status;
    }
    *out = program;
    return QN_OK;
}
