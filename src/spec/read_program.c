// Functions: their inputs, blocks and operations, built into the IR, which checks and infers as it
// goes.
#include "base/alloc.h"
#include "spec/codes.h"
#include "spec/reader.h"

#include <stdio.h>
#include <string.h>

// Names that are visible at a place in the program. Inner blocks hide nothing: MIL's names are
// unique in a function.
typedef struct scope {
    qni_names names; // -> value id
    qni_function *function;
} scope;

// ---- Choosing a specialization

qn_status qni_choose_block(qni_reader *r, const Spec__Function *from, const char *name,
                           const Spec__Block **block, int32_t *opset)
{
    const char *wanted = from->opset != NULL ? from->opset : "";
    const Spec__BlockEntry *chosen = NULL;
    for (size_t i = 0; i < from->n_blocks; i++) {
        if (from->blocks[i]->key != NULL && strcmp(from->blocks[i]->key, wanted) == 0) {
            if (chosen != NULL) {
                return qni_reader_fail(r, QN_INVALID_MODEL,
                                       "function \"%s\" has two blocks for \"%s\"", name, wanted);
            }
            chosen = from->blocks[i];
        }
    }
    if (chosen == NULL || chosen->value == NULL) {
        return qni_reader_fail(r, QN_INVALID_MODEL,
                               "function \"%s\" has no block for its opset \"%s\"", name, wanted);
    }
    *opset = qni_opset_of_key(wanted);
    if (*opset == 0) {
        return qni_reader_fail(r, QN_UNSUPPORTED,
                               "function \"%s\" is of opset \"%s\"; known are CoreML5 to CoreML9",
                               name, wanted);
    }
    *block = chosen->value;
    return QN_OK;
}

// ---- Scope

static qn_status define(qni_reader *r, scope *s, const qni_value *value)
{
    bool found = false;
    QNI_TRY(qni_names_add(&s->names, value->name, strlen(value->name), value->id, &found, NULL,
                          r->err));
    if (found) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" is defined twice", value->name);
    }
    return QN_OK;
}

static qn_status look_up(qni_reader *r, const scope *s, const char *name, const char *user,
                         qni_value **out)
{
    uint32_t id;
    const char *text = name != NULL ? name : "";
    if (!qni_names_find(&s->names, text, strlen(text), &id)) {
        return qni_reader_fail(r, QN_INVALID_MODEL,
                               "%s reads \"%s\", which is not defined before it", user, text);
    }
    *out = s->function->values[id];
    return QN_OK;
}

// ---- Operations

// Everything that one operation of the file becomes before it is added.
typedef struct draft {
    qni_named_arg *args;
    size_t n_args;
    qni_value **values;
    size_t n_values;
    const char **out_names;
    qni_type *out_types;
    const qni_type **out_type_list;
    qni_arena arena;
} draft;

static qn_status begin_draft(qni_reader *r, const Spec__Operation *op, draft *d)
{
    size_t n_values = op->n_attributes;
    for (size_t i = 0; i < op->n_inputs; i++) {
        size_t n = op->inputs[i]->value != NULL ? op->inputs[i]->value->n_bindings : 0;
        if (n > QNI_MAX_VALUES_PER_ARGUMENT) {
            return qni_reader_fail(r, QN_LIMIT_EXCEEDED,
                                   "an argument of %zu values; at most %d are read", n,
                                   QNI_MAX_VALUES_PER_ARGUMENT);
        }
        n_values += n;
    }
    memset(d, 0, sizeof *d);
    qni_arena_begin(&d->arena, QNI_MAX_PROGRAM_BYTES);
    d->args = qni_arena_array(&d->arena, op->n_inputs + op->n_attributes + 1, sizeof *d->args);
    d->values = qni_arena_array(&d->arena, n_values + 1, sizeof *d->values);
    d->out_names = qni_arena_array(&d->arena, op->n_outputs + 1, sizeof *d->out_names);
    d->out_types = qni_arena_array(&d->arena, op->n_outputs + 1, sizeof *d->out_types);
    d->out_type_list = qni_arena_array(&d->arena, op->n_outputs + 1, sizeof *d->out_type_list);
    return d->args != NULL && d->values != NULL && d->out_names != NULL && d->out_types != NULL &&
                   d->out_type_list != NULL
               ? QN_OK
               : qni_fail_memory(r->err);
}

static qn_status read_inputs(qni_reader *r, scope *s, const Spec__Operation *op, draft *d)
{
    for (size_t i = 0; i < op->n_inputs; i++) {
        const Spec__Argument *from = op->inputs[i]->value;
        qni_named_arg *arg = &d->args[d->n_args++];
        QNI_TRY(qni_read_text(r, op->inputs[i]->key, &arg->name));
        arg->values = &d->values[d->n_values];
        arg->n = from != NULL ? from->n_bindings : 0;
        for (size_t j = 0; j < arg->n; j++) {
            const Spec__Binding *b = from->bindings[j];
            qni_value **value = &d->values[d->n_values++];
            if (b->binding_case == SPEC__BINDING__BINDING_NAME) {
                QNI_TRY(look_up(r, s, b->name, op->type, value));
            } else if (b->binding_case == SPEC__BINDING__BINDING_VALUE) {
                QNI_TRY(qni_read_value(r, s->function, b->value, arg->name, value));
            } else {
                return qni_reader_fail(r, QN_INVALID_MODEL, "argument \"%s\" of %s is empty",
                                       arg->name, op->type);
            }
        }
    }
    return QN_OK;
}

static bool has_param(const qni_op_def *def, const char *name)
{
    for (size_t p = 0; p < def->n_params; p++) {
        if (strcmp(def->params[p].name, name) == 0) {
            return true;
        }
    }
    return false;
}

// Attributes are the operation's name, notes of the writer, and values of parameters: const's and
// those of iOS16's compressed constants.
static qn_status read_attributes(qni_reader *r, scope *s, const Spec__Operation *op,
                                 const qni_op_def *def, draft *d)
{
    for (size_t i = 0; i < op->n_attributes; i++) {
        const char *key = op->attributes[i]->key != NULL ? op->attributes[i]->key : "";
        if (!has_param(def, key)) {
            continue;
        }
        qni_named_arg *arg = &d->args[d->n_args++];
        QNI_TRY(qni_read_text(r, key, &arg->name));
        arg->values = &d->values[d->n_values];
        arg->n = 1;
        QNI_TRY(qni_read_value(
            r, s->function, op->attributes[i]->value,
            op->n_outputs != 0 && op->outputs[0]->name != NULL ? op->outputs[0]->name : key,
            &d->values[d->n_values++]));
    }
    return QN_OK;
}

static qn_status read_outputs(qni_reader *r, const Spec__Operation *op, draft *d)
{
    for (size_t i = 0; i < op->n_outputs; i++) {
        QNI_TRY(qni_read_text(r, op->outputs[i]->name, &d->out_names[i]));
        QNI_TRY(qni_read_type(r, op->outputs[i]->type, d->out_names[i], &d->out_types[i]));
        d->out_type_list[i] = &d->out_types[i];
    }
    return QN_OK;
}

static const char *name_of_op(const Spec__Operation *op)
{
    for (size_t i = 0; i < op->n_attributes; i++) {
        const Spec__ValueEntry *a = op->attributes[i];
        if (a->key != NULL && strcmp(a->key, "name") == 0 && a->value != NULL &&
            a->value->value_case == SPEC__VALUE__VALUE_IMMEDIATE &&
            a->value->immediate->value_case == SPEC__IMMEDIATE__VALUE_TENSOR) {
            const Spec__TensorValue *v = a->value->immediate->tensor;
            if (v->value_case == SPEC__TENSOR_VALUE__VALUE_STRINGS && v->strings->n_values == 1) {
                return v->strings->values[0];
            }
        }
    }
    return op->n_outputs != 0 ? op->outputs[0]->name : op->type;
}

static qn_status add_op(qni_reader *r, scope *s, qni_block *block, const Spec__Operation *op,
                        const qni_op_def *def, draft *d)
{
    const char *name = NULL;
    QNI_TRY(begin_draft(r, op, d));
    QNI_TRY(qni_read_text(r, name_of_op(op), &name));
    QNI_TRY(read_inputs(r, s, op, d));
    QNI_TRY(read_attributes(r, s, op, def, d));
    QNI_TRY(read_outputs(r, op, d));
    qni_op_spec spec = {.def = def,
                        .name = name,
                        .args = d->args,
                        .n_args = d->n_args,
                        .out_names = d->out_names,
                        .out_types = d->out_type_list,
                        .n_outs = op->n_outputs};
    qni_op *made = NULL;
    QNI_TRY(qni_block_add_op(block, &spec, &made, r->err));
    for (uint32_t i = 0; i < made->n_outs; i++) {
        QNI_TRY(define(r, s, made->outs[i]));
    }
    return QN_OK;
}

static qn_status read_op(qni_reader *r, scope *s, qni_block *block, const Spec__Operation *op)
{
    const char *type = op->type != NULL ? op->type : "";
    const qni_op_def *def = qni_op_find(r->table, type, s->function->opset);
    if (def == NULL) {
        return qni_reader_fail(r, QN_UNSUPPORTED, "operation \"%.80s\" (%s) is not supported", type,
                               qni_opset_name(s->function->opset));
    }
    if (op->n_blocks != 0) {
        return qni_reader_fail(r, QN_UNSUPPORTED, "operation \"%.80s\" has nested blocks", type);
    }
    draft d;
    qn_status status = add_op(r, s, block, op, def, &d);
    qni_arena_end(&d.arena);
    return status;
}

// ---- Functions

// What callers may give for an unknown dimension of an input.
static void dim_bounds(const qni_feature *f, int32_t d, int64_t *lo, int64_t *hi)
{
    *lo = 0;
    *hi = INT64_MAX;
    if (f == NULL || d >= f->shape.rank) {
        return;
    }
    if (f->is_range) {
        *lo = f->lo[d];
        *hi = f->hi[d] < 0 ? INT64_MAX : f->hi[d];
        return;
    }
    *lo = f->shape.dims[d];
    *hi = f->shape.dims[d];
    for (size_t i = 0; i < f->n_choices; i++) {
        int64_t size = d < f->choices[i].rank ? f->choices[i].dims[d] : 0;
        *lo = size < *lo ? size : *lo;
        *hi = size > *hi ? size : *hi;
    }
}

static const qni_feature *find_feature(const qni_feature *features, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(features[i].name, name) == 0) {
            return &features[i];
        }
    }
    return NULL;
}

static qn_status open_dims(qni_reader *r, qni_function *function, const qni_feature *f,
                           const char *name, qni_type *type)
{
    for (int32_t d = 0; d < type->rank; d++) {
        if (type->dims[d].sym == 0) {
            continue;
        }
        char text[300];
        snprintf(text, sizeof text, "%.200s[%d]", name, (int)d);
        const char *symbol = qni_arena_strdup(&r->program->arena, text);
        if (symbol == NULL) {
            return qni_fail_memory(r->err);
        }
        int64_t lo;
        int64_t hi;
        dim_bounds(f, d, &lo, &hi);
        type->dims[d] = qni_dim_input(&function->symbols, symbol, lo, hi);
    }
    return qni_symbols_check(&function->symbols, name, r->err);
}

static qn_status read_function_inputs(qni_reader *r, scope *s, const Spec__Function *from,
                                      const qni_model_function *to)
{
    for (size_t i = 0; i < from->n_inputs; i++) {
        const char *name = NULL;
        qni_type type;
        qni_value *value = NULL;
        QNI_TRY(qni_read_text(r, from->inputs[i]->name, &name));
        QNI_TRY(qni_read_type(r, from->inputs[i]->type, name, &type));
        const qni_feature *f = type.is_state ? find_feature(to->states, to->n_states, name)
                                             : find_feature(to->inputs, to->n_inputs, name);
        if (f == NULL) {
            return qni_reader_fail(r, QN_INVALID_MODEL,
                                   "the function's input \"%s\" is not in the description", name);
        }
        QNI_TRY(open_dims(r, s->function, f, name, &type));
        QNI_TRY(qni_block_add_input(s->function->body, name, &type, &value, r->err));
        QNI_TRY(define(r, s, value));
    }
    return QN_OK;
}

static qn_status read_block_outputs(qni_reader *r, const scope *s, const Spec__Block *from)
{
    qni_value **values = qni_alloc_array(from->n_outputs + 1, sizeof *values);
    qn_status status = values != NULL ? QN_OK : qni_fail_memory(r->err);
    for (size_t i = 0; i < from->n_outputs && status == QN_OK; i++) {
        status = look_up(r, s, from->outputs[i], "the block's output", &values[i]);
    }
    if (status == QN_OK) {
        status = qni_block_set_outputs(s->function->body, values, from->n_outputs, r->err);
    }
    qni_free(values);
    return status;
}

static qn_status read_body(qni_reader *r, scope *s, const Spec__Function *from,
                           const Spec__Block *block, const qni_model_function *to)
{
    QNI_TRY(read_function_inputs(r, s, from, to));
    for (size_t i = 0; i < block->n_operations; i++) {
        QNI_TRY(read_op(r, s, s->function->body, block->operations[i]));
    }
    return read_block_outputs(r, s, block);
}

// The program's inputs, states and outputs in the order of the features: what runners go by.
static qn_status match_features(qni_reader *r, qni_model_function *f)
{
    const qni_block *body = f->function->body;
    size_t n_inputs = 0;
    size_t n_states = 0;
    qni_feature *inputs = qni_arena_array(&r->program->arena, body->n_inputs + 1, sizeof *inputs);
    qni_feature *states = qni_arena_array(&r->program->arena, body->n_inputs + 1, sizeof *states);
    qni_feature *outputs = qni_arena_array(&r->program->arena, body->n_outputs + 1,
                                           sizeof *outputs);
    if (inputs == NULL || states == NULL || outputs == NULL) {
        return qni_fail_memory(r->err);
    }
    for (uint32_t i = 0; i < body->n_inputs; i++) {
        const qni_value *value = body->inputs[i];
        if (value->type.is_state) {
            states[n_states++] = *find_feature(f->states, f->n_states, value->name);
        } else {
            inputs[n_inputs++] = *find_feature(f->inputs, f->n_inputs, value->name);
        }
    }
    for (uint32_t i = 0; i < body->n_outputs; i++) {
        const qni_value *value = body->outputs[i];
        const qni_feature *known = find_feature(f->outputs, f->n_outputs, value->name);
        outputs[i] = known != NULL ? *known
                                   : (qni_feature){.name = value->name,
                                                   .description = "",
                                                   .kind_name = "multiArrayType"};
        outputs[i].dtype = value->type.dtype;
        // descriptions mostly leave it out; 0: known when it has run
        outputs[i].shape.rank = value->type.rank != QNI_RANK_UNKNOWN ? value->type.rank : 0;
        for (int32_t d = 0; d < value->type.rank; d++) {
            outputs[i].shape.dims[d] = qni_dim_is_const(value->type.dims[d])
                                           ? value->type.dims[d].add
                                           : 0;
        }
    }
    f->inputs = inputs;
    f->n_inputs = n_inputs;
    f->states = states;
    f->n_states = n_states;
    f->outputs = outputs;
    f->n_outputs = body->n_outputs;
    return QN_OK;
}

qn_status qni_read_function(qni_reader *r, const Spec__Function *from, qni_model_function *to)
{
    const Spec__Block *block = NULL;
    scope s = {.function = NULL};
    int32_t opset = 0;
    QNI_TRY(qni_choose_block(r, from, to->name, &block, &opset));
    QNI_TRY(qni_function_create(r->program, to->name, opset, &s.function, r->err));
    qn_status status = read_body(r, &s, from, block, to);
    qni_names_end(&s.names);
    QNI_TRY(status);
    to->function = s.function;
    return match_features(r, to);
}

// ---- Names only

static qn_status count_missing(qni_reader *r, const char *type, int32_t opset,
                               qni_missing_op **missing, size_t capacity)
{
    for (size_t i = 0; i < r->model->n_missing; i++) {
        if (strcmp((*missing)[i].name, type) == 0 && (*missing)[i].opset == opset) {
            (*missing)[i].count++;
            return QN_OK;
        }
    }
    if (r->model->n_missing == capacity) {
        return QN_OK; // the rest is not listed
    }
    qni_missing_op *row = &(*missing)[r->model->n_missing++];
    row->opset = opset;
    row->count = 1;
    return qni_read_text(r, type, &row->name);
}

qn_status qni_read_operation_names(qni_reader *r, const Spec__Function *from)
{
    enum { MAX_LISTED = 256 };
    const Spec__Block *stack[QNI_MAX_PROTO_DEPTH];
    size_t depth = 0;
    int32_t opset = 0;
    QNI_TRY(qni_choose_block(r, from, "", &stack[depth++], &opset));
    qni_missing_op *missing = (qni_missing_op *)(uintptr_t)r->model->missing;
    if (missing == NULL) {
        missing = qni_arena_array(&r->program->arena, MAX_LISTED, sizeof *missing);
        if (missing == NULL) {
            return qni_fail_memory(r->err);
        }
        r->model->missing = missing;
    }
    while (depth > 0) {
        const Spec__Block *block = stack[--depth];
        for (size_t i = 0; i < block->n_operations; i++) {
            const Spec__Operation *op = block->operations[i];
            const char *type = op->type != NULL ? op->type : "";
            r->model->n_operations += strcmp(type, "const") != 0;
            if (qni_op_find(r->table, type, opset) == NULL) {
                QNI_TRY(count_missing(r, type, opset, &missing, MAX_LISTED));
            }
            for (size_t j = 0; j < op->n_blocks && depth < QNI_MAX_PROTO_DEPTH; j++) {
                stack[depth++] = op->blocks[j];
            }
        }
    }
    return QN_OK;
}
