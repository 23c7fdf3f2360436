#include "compile/compile.h"

#include "base/alloc.h"
#include "compile/internal.h"
#include "compile/passes.h"
#include "compile/specialize.h"

#include <string.h>

static qn_status run_passes(qni_function *function, qn_error *err)
{
    typedef qn_status pass_fn(qni_function * function, qn_error * err);
    static pass_fn *const passes[] = {
#define QNI_PASS(name) qni_pass_##name,
#include "compile/passes.def"
#undef QNI_PASS
    };
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        QNI_TRY(passes[i](function, err));
        QNI_TRY(qni_function_verify(function, err));
    }
    return QN_OK;
}

// ---- Lowering

static void find_last_uses(struct qni_compile *c)
{
    const qni_block *body = c->function->body;
    for (uint32_t i = 0; i < body->n_ops; i++) {
        for (uint32_t j = 0; j < body->ops[i]->n_args; j++) {
            c->last_use[body->ops[i]->args[j]->id] = i;
        }
    }
    for (uint32_t i = 0; i < body->n_outputs; i++) {
        c->last_use[body->outputs[i]->id] = QNI_NEVER;
    }
}

static qn_status place_inputs(struct qni_compile *c)
{
    const qni_block *body = c->function->body;
    uint32_t n[2] = {0, 0}; // inputs and states are numbered apart
    for (uint32_t i = 0; i < body->n_inputs; i++) {
        const qni_value *value = body->inputs[i];
        bool is_state = value->type.is_state;
        uint32_t buffer;
        QNI_TRY(qni_draft_add_buffer(c, is_state ? QNI_BUFFER_STATE : QNI_BUFFER_INPUT,
                                     value->type.dtype,
                                     qni_type_count(&c->function->symbols, &value->type), &buffer));
        c->buffers[buffer].index = n[is_state]++;
        c->places[value->id].is_bound = true;
        c->places[value->id].view = qni_view_dense(&c->function->symbols, buffer, value->type.dtype,
                                                   value->type.rank, value->type.dims);
    }
    return QN_OK;
}

static bool has_unbounded(const qni_symbols *s, const qni_value *value)
{
    for (int32_t d = 0; d < value->type.rank; d++) {
        if (qni_dim_hi(s, value->type.dims[d]) == INT64_MAX) {
            return true;
        }
    }
    return false;
}

// Kernels are prepared for the upper bounds of their dimensions; where there is none, the reference
// evaluation runs.
static bool is_bounded(const struct qni_compile *c, const qni_op *op)
{
    for (uint32_t i = 0; i < op->n_args; i++) {
        if (has_unbounded(&c->function->symbols, op->args[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < op->n_outs; i++) {
        if (has_unbounded(&c->function->symbols, op->outs[i])) {
            return false;
        }
    }
    return true;
}

static qn_status check_placed(const struct qni_compile *c, const qni_op *op)
{
    for (uint32_t i = 0; i < op->n_outs; i++) {
        if (!c->places[op->outs[i]->id].is_bound && op->outs[i]->constant == NULL) {
            return qni_fail(c->lower.err, QN_INTERNAL, op->name,
                            "the lowering of \"%s\" leaves output \"%s\" without a place",
                            op->def->name, op->outs[i]->name);
        }
    }
    return QN_OK;
}

static qn_status lower_op(struct qni_compile *c, const qni_op *op)
{
    c->op_name = op->name;
    c->op_kind = op->def->name;
    qn_status status;
    if (op->def->lower != NULL && ((op->def->traits & QNI_STATEFUL) != 0 || is_bounded(c, op))) {
        status = op->def->lower(&c->lower, op);
    } else if (op->def->eval != NULL) {
        status = qni_lower_eval(&c->lower, op);
    } else {
        return qni_fail(c->lower.err, QN_UNSUPPORTED, op->name,
                        "operation \"%s\" cannot be run yet", op->def->name);
    }
    if (status != QN_OK) {
        return qni_fail_in(c->lower.err, status, op->name);
    }
    QNI_TRY(c->deferred);
    QNI_TRY(qni_symbols_check(&c->function->symbols, op->name, c->lower.err));
    return check_placed(c, op);
}

// Outputs get memory of their own, which lives until the next run: the buffer that the value lies
// in when it is whole and nobody else's, else a copy.
static qn_status place_output(struct qni_compile *c, uint32_t i)
{
    const qni_value *value = c->function->body->outputs[i];
    qni_view *out = &c->outputs[i];
    QNI_TRY(qni_lower_view(&c->lower, value, out));
    qni_draft_buffer *b = &c->buffers[out->buffer];
    bool own = b->kind == QNI_BUFFER_ARENA || b->kind == QNI_BUFFER_DYNAMIC;
    qni_dim count = qni_type_count(&c->function->symbols, &value->type);
    if (!own || b->is_output || !qni_dim_is(out->offset, 0) || !qni_dim_equal(count, b->count) ||
        !qni_view_is_dense(&c->function->symbols, out)) {
        qni_view copy;
        QNI_TRY(qni_lower_temporary(&c->lower, value->type.dtype, value->type.rank,
                                    value->type.dims, &copy));
        QNI_TRY(qni_lower_copy(&c->lower, &copy, out));
        *out = copy;
    }
    b = &c->buffers[out->buffer];
    b->kind = b->kind == QNI_BUFFER_ARENA ? QNI_BUFFER_OUTPUT : b->kind;
    qni_view dense = qni_view_dense(&c->function->symbols, out->buffer, value->type.dtype,
                                    value->type.rank, value->type.dims);
    *out = dense;
    b->is_output = true;
    return QN_OK;
}

static qn_status lower_all(struct qni_compile *c)
{
    const qni_block *body = c->function->body;
    find_last_uses(c);
    QNI_TRY(place_inputs(c));
    for (uint32_t i = 0; i < body->n_ops; i++) {
        c->at = i;
        QNI_TRY(lower_op(c, body->ops[i]));
    }
    c->at = body->n_ops;
    c->op_name = c->function->name;
    c->op_kind = "output";
    for (uint32_t i = 0; i < body->n_outputs; i++) {
        QNI_TRY(place_output(c, i));
    }
    QNI_TRY(qni_symbols_check(&c->function->symbols, c->function->name, c->lower.err));
    QNI_TRY(qni_draft_remove_dead(c));
    return qni_draft_finish(c);
}

static qn_status begin(struct qni_compile *c, const qni_compile_options *options, qn_error *err)
{
    c->options = options;
    c->lower.symbols = &c->function->symbols;
    c->lower.arena = &c->plan->arena;
    c->lower.cpu = options->cpu;
    c->lower.err = err;
    c->lower.compile = c;
    c->places = qni_calloc(c->function->n_values + 1, sizeof *c->places);
    c->last_use = qni_calloc(c->function->n_values + 1, sizeof *c->last_use);
    c->late_known = qni_calloc(c->function->symbols.n + 1, sizeof *c->late_known);
    c->outputs = qni_calloc(c->function->body->n_outputs + 1, sizeof *c->outputs);
    c->plan->function = qni_arena_strdup(&c->plan->arena, c->function->name);
    c->plan->precision = qni_arena_strdup(&c->plan->arena, options->precision);
    if (c->places == NULL || c->last_use == NULL || c->late_known == NULL || c->outputs == NULL ||
        c->plan->function == NULL || c->plan->precision == NULL) {
        return qni_fail_memory(err);
    }
    return QN_OK;
}

static void end(struct qni_compile *c)
{
    qni_free(c->places);
    qni_free(c->last_use);
    qni_free(c->late_known);
    qni_free(c->outputs);
    qni_free(c->buffers);
    qni_free(c->views);
    qni_free(c->steps);
}

static qn_status create_plan(qni_plan **out, qn_error *err)
{
    qni_arena arena;
    qni_arena_begin(&arena, QNI_MAX_PROGRAM_BYTES);
    *out = qni_arena_alloc(&arena, sizeof **out);
    if (*out == NULL) {
        qni_arena_end(&arena);
        return qni_fail_memory(err);
    }
    (*out)->arena = arena;
    return QN_OK;
}

static void free_program(void *program)
{
    qni_program_free(program);
}

qn_status qni_compile_function(const qni_function *function, const qni_compile_options *options,
                               qni_plan **out, qn_error *err)
{
    *out = NULL;
    qni_program *program;
    QNI_TRY(qni_specialize(function, options->bindings, &program, err));
    struct qni_compile c = {.function = program->functions[0]};
    qn_status status = run_passes(c.function, err);
    if (status == QN_OK) {
        status = create_plan(&c.plan, err);
    }
    if (status == QN_OK) {
        status = begin(&c, options, err);
    }
    if (status == QN_OK) {
        status = lower_all(&c);
    }
    end(&c);
    if (status != QN_OK) {
        qni_plan_free(c.plan);
        qni_program_free(program);
        return status;
    }
    c.plan->owned = program; // folded constants and literals lie in it
    c.plan->free_owned = free_program;
    *out = c.plan;
    return QN_OK;
}
