// Adding operations: binding arguments to parameters, checking them, inferring results.
#include "mil/build.h"

#include "base/limits.h"
#include "mil/infer.h"
#include "mil/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

QNI_PRINTF(4, 5)
static qn_status fail_op(const qni_op *op, qn_status status, qn_error *err, const char *format, ...)
{
    char where[256];
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return qni_fail(err, status, qni_mil_where(op, where, sizeof where), "%s", message);
}

static void describe_set(qni_dtype_set set, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int d = 1; d < QNI_N_DTYPES && used < size; d++) {
        if ((set >> d & 1) != 0) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                     qni_dtype_name((qni_dtype)d));
        }
    }
}

static int find_param(const qni_op_def *def, const char *name)
{
    for (size_t p = 0; p < def->n_params; p++) {
        if (strcmp(def->params[p].name, name) == 0) {
            return (int)p;
        }
    }
    return -1;
}

// ---- Binding

static qn_status fail_unknown(const qni_op *op, const char *name, qn_error *err)
{
    char names[256];
    size_t used = 0;
    names[0] = '\0';
    for (size_t p = 0; p < op->def->n_params && used < sizeof names; p++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", p == 0 ? "" : ", ",
                                 op->def->params[p].name);
    }
    return fail_op(op, QN_INVALID_MODEL, err, "has no parameter \"%s\"; it has %s", name, names);
}

static qn_status bind_named(qni_op *op, const qni_op_spec *spec, qn_error *err)
{
    uint32_t n = 0;
    for (size_t i = 0; i < spec->n_args; i++) {
        const qni_named_arg *arg = &spec->args[i];
        int p = find_param(op->def, arg->name);
        if (p < 0) {
            return fail_unknown(op, arg->name, err);
        }
        if (op->params[p].count != 0) {
            return fail_op(op, QN_INVALID_MODEL, err, "parameter \"%s\" is given twice", arg->name);
        }
        bool variadic = (op->def->params[p].flags & QNI_VARIADIC) != 0;
        if (arg->n == 0 || (arg->n > 1 && !variadic)) {
            return fail_op(op, QN_INVALID_MODEL, err,
                           "parameter \"%s\" takes %s, and %zu are given", arg->name,
                           variadic ? "one value or more" : "one value", arg->n);
        }
        op->params[p].first = n;
        op->params[p].count = (uint32_t)arg->n;
        memcpy(&op->args[n], arg->values, arg->n * sizeof *arg->values);
        n += (uint32_t)arg->n;
    }
    op->n_args = n;
    return QN_OK;
}

// ---- Checking what is bound

static qn_status check_value(const qni_op *op, const qni_param *param, const qni_value *value,
                             qn_error *err)
{
    if (value->type.is_state != ((param->flags & QNI_STATE) != 0)) {
        return fail_op(op, QN_INVALID_MODEL, err, "parameter \"%s\" takes %s, and \"%s\" is %s",
                       param->name, value->type.is_state ? "a tensor" : "a state", value->name,
                       value->type.is_state ? "a state" : "a tensor");
    }
    if ((param->dtypes >> value->type.dtype & 1) == 0) {
        char allowed[160];
        describe_set(param->dtypes, allowed, sizeof allowed);
        return fail_op(op, QN_INVALID_MODEL, err, "parameter \"%s\" is %s; allowed are %s",
                       param->name, qni_dtype_name(value->type.dtype), allowed);
    }
    bool compressed = value->op != NULL && (value->op->def->traits & QNI_CONSTEXPR) != 0;
    bool is_needed = (param->flags & QNI_CONST) != 0 ||
                     ((param->flags & QNI_WEIGHT) != 0 && !compressed);
    if (is_needed && value->constant == NULL) {
        return fail_op(op, QN_UNSUPPORTED, err,
                       "parameter \"%s\" must be known before the run, and \"%s\" is not",
                       param->name, value->name);
    }
    return QN_OK;
}

static qn_status check_args(const qni_op *op, qn_error *err)
{
    for (size_t p = 0; p < op->def->n_params; p++) {
        const qni_param *param = &op->def->params[p];
        for (size_t i = 0; i < op->params[p].count; i++) {
            QNI_TRY(check_value(op, param, qni_arg_at(op, p, i), err));
        }
        if (op->params[p].count == 0 && (param->flags & QNI_OPTIONAL) == 0) {
            return fail_op(op, QN_INVALID_MODEL, err, "parameter \"%s\" is missing", param->name);
        }
    }
    return QN_OK;
}

// The element type that the parameters of one domain agree on so far.
static qni_dtype domain_dtype(const qni_op *op, char domain, size_t *which)
{
    for (size_t p = 0; p < op->def->n_params; p++) {
        if (op->def->params[p].domain == domain && op->params[p].count != 0) {
            *which = p;
            return qni_arg(op, p)->type.dtype;
        }
    }
    return QNI_NO_DTYPE;
}

static qn_status check_domains(const qni_op *op, qn_error *err)
{
    for (size_t p = 0; p < op->def->n_params; p++) {
        const qni_param *param = &op->def->params[p];
        size_t other = p;
        qni_dtype wanted = param->domain != 0 ? domain_dtype(op, param->domain, &other) : 0;
        for (size_t i = 0; wanted != QNI_NO_DTYPE && i < op->params[p].count; i++) {
            qni_dtype got = qni_arg_at(op, p, i)->type.dtype;
            if (got != wanted) {
                return fail_op(op, QN_INVALID_MODEL, err,
                               "parameter \"%s\" is %s and \"%s\" is %s; they must be the same",
                               param->name, qni_dtype_name(got), op->def->params[other].name,
                               qni_dtype_name(wanted));
            }
        }
    }
    return QN_OK;
}

// ---- Defaults

static qni_dtype default_dtype(const qni_op *op, const qni_param *param)
{
    size_t which;
    qni_dtype dtype = param->domain != 0 ? domain_dtype(op, param->domain, &which) : QNI_NO_DTYPE;
    if (dtype != QNI_NO_DTYPE) {
        return dtype;
    }
    const char *text = param->fallback + (param->fallback[0] == '[');
    bool is_bool = strncmp(text, "true", 4) == 0 || strncmp(text, "false", 5) == 0;
    bool is_number = strcspn(text, ".einf") < strlen(text);
    static const qni_dtype numbers[] = {QNI_F32, QNI_F16, QNI_I32};
    static const qni_dtype integers[] = {QNI_I32, QNI_F32, QNI_F16};
    const qni_dtype *order = is_number ? numbers : integers;
    if (is_bool || text[0] == '"') {
        return is_bool ? QNI_BOOL : QNI_STRING;
    }
    for (int i = 0; i < 3; i++) {
        if ((param->dtypes >> order[i] & 1) != 0) {
            return order[i];
        }
    }
    return QNI_I32;
}

static qn_status add_default(qni_op *op, size_t p, qn_error *err)
{
    const qni_param *param = &op->def->params[p];
    qni_function *function = op->block->function;
    qni_tensor contents;
    QNI_TRY(qni_mil_literal(&function->program->arena, param->fallback, default_dtype(op, param),
                            &contents, err));
    op->params[p].first = op->n_args;
    op->params[p].count = 1;
    return qni_function_add_constant(function, param->name, &contents, &op->args[op->n_args++],
                                     err);
}

static qn_status add_defaults(qni_op *op, qn_error *err)
{
    for (size_t p = 0; p < op->def->n_params; p++) {
        if (op->params[p].count == 0 && op->def->params[p].fallback != NULL) {
            QNI_TRY(add_default(op, p, err));
        }
    }
    return QN_OK;
}

// ---- Putting it together

static qn_status make_op(qni_block *block, const qni_op_spec *spec, size_t n_args, qni_op **out,
                         qn_error *err)
{
    qni_arena *arena = &block->function->program->arena;
    if (block->function->n_ops >= QNI_MAX_OPERATIONS) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, block->function->name, "more than %d operations",
                        QNI_MAX_OPERATIONS);
    }
    qni_op *op = qni_arena_alloc(arena, sizeof *op);
    if (op == NULL) {
        return qni_fail_memory(err);
    }
    op->def = spec->def;
    op->block = block;
    op->name = qni_arena_strdup(arena, spec->name);
    op->params = qni_arena_array(arena, spec->def->n_params + 1, sizeof *op->params);
    op->args = qni_arena_array(arena, n_args + spec->def->n_params + 1, sizeof *op->args);
    op->outs = qni_arena_array(arena, spec->n_outs + 1, sizeof *op->outs);
    op->blocks = qni_arena_array(arena, spec->n_blocks + 1, sizeof *op->blocks);
    if (op->name == NULL || op->params == NULL || op->args == NULL || op->outs == NULL ||
        op->blocks == NULL) {
        return qni_fail_memory(err);
    }
    if (spec->n_blocks != 0) {
        memcpy(op->blocks, spec->blocks, spec->n_blocks * sizeof *spec->blocks);
    }
    op->n_blocks = (uint32_t)spec->n_blocks;
    if (spec->def->n_outs >= 0 && spec->n_outs != (size_t)spec->def->n_outs) {
        return fail_op(op, QN_INVALID_MODEL, err, "has %zu outputs; it must have %d", spec->n_outs,
                       (int)spec->def->n_outs);
    }
    *out = op;
    return QN_OK;
}

static bool has_unknown_rank(const qni_op *op)
{
    for (uint32_t i = 0; i < op->n_args; i++) {
        if (op->args[i]->type.rank == QNI_RANK_UNKNOWN) {
            return true;
        }
    }
    return false;
}

// The results of an operation on values of unknown rank are as declared, and of unknown rank.
static qn_status take_declared(qni_infer *ctx)
{
    for (uint32_t i = 0; i < ctx->op->n_outs; i++) {
        const qni_type *declared = ctx->declared != NULL ? ctx->declared[i] : NULL;
        if (declared == NULL) {
            return qni_infer_fail(ctx, QN_UNSUPPORTED,
                                  "output \"%s\" is made of values of unknown rank, and its type "
                                  "is not declared",
                                  ctx->op->outs[i]->name);
        }
        qni_infer_set_unknown_rank(ctx, i, declared->dtype);
    }
    return QN_OK;
}

static qn_status infer_op(qni_op *op, const qni_op_spec *spec, qn_error *err)
{
    qni_function *function = op->block->function;
    for (size_t i = 0; i < spec->n_outs; i++) {
        const char *name = spec->out_names != NULL ? spec->out_names[i] : spec->name;
        QNI_TRY(qni_mil_new_value(function, name, &op->outs[i], err));
        op->outs[i]->op = op;
        op->outs[i]->index = (uint32_t)i;
    }
    op->n_outs = (uint32_t)spec->n_outs;
    qni_infer ctx = {&function->symbols, &function->program->arena, op, spec->out_types, err};
    qn_status status = has_unknown_rank(op) ? take_declared(&ctx) : op->def->infer(&ctx);
    if (status == QN_OK) {
        status = qni_mil_settle(&ctx);
    }
    if (status != QN_OK) {
        char where[256];
        return qni_fail_in(err, status, qni_mil_where(op, where, sizeof where));
    }
    return QN_OK;
}

static qn_status finish_op(qni_op *op, const qni_op_spec *spec, qni_op **out, qn_error *err)
{
    qni_block *block = op->block;
    uint32_t values_before = block->function->n_values;
    qn_status status = check_args(op, err);
    if (status == QN_OK) {
        status = check_domains(op, err);
    }
    if (status == QN_OK) {
        status = add_defaults(op, err);
    }
    if (status == QN_OK) {
        status = infer_op(op, spec, err);
    }
    if (status == QN_OK) {
        status = qni_mil_grow(block->function->program, &block->ops, &block->op_capacity,
                              block->n_ops + 1, sizeof(qni_op *), err);
    }
    if (status != QN_OK) {
        block->function->n_values = values_before;
        return status;
    }
    block->ops[block->n_ops++] = op;
    block->function->n_ops++;
    if (out != NULL) {
        *out = op;
    }
    return QN_OK;
}

qn_status qni_block_add_op(qni_block *block, const qni_op_spec *spec, qni_op **out, qn_error *err)
{
    size_t n_args = 0;
    for (size_t i = 0; i < spec->n_args; i++) {
        n_args += spec->args[i].n;
    }
    qni_op *op;
    QNI_TRY(make_op(block, spec, n_args, &op, err));
    QNI_TRY(bind_named(op, spec, err));
    return finish_op(op, spec, out, err);
}

qn_status qni_block_add_bound(qni_block *block, const qni_op_spec *spec, qni_value *const *args,
                              const qni_span *params, qni_op **out, qn_error *err)
{
    size_t n_args = 0;
    for (size_t p = 0; p < spec->def->n_params; p++) {
        n_args += params[p].count;
    }
    qni_op *op;
    QNI_TRY(make_op(block, spec, n_args, &op, err));
    for (size_t p = 0; p < spec->def->n_params; p++) {
        op->params[p].first = op->n_args;
        op->params[p].count = params[p].count;
        for (uint32_t i = 0; i < params[p].count; i++) {
            op->args[op->n_args++] = args[params[p].first + i];
        }
    }
    return finish_op(op, spec, out, err);
}
