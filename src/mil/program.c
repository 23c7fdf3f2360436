// Programs, functions, blocks and values: making and freeing them.
#include "mil/build.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "mil/internal.h"

#include <string.h>

qn_status qni_program_create(qni_program **out, qn_error *err)
{
    *out = NULL;
    qni_program *program = qni_calloc(1, sizeof *program);
    if (program == NULL) {
        return qni_fail_memory(err);
    }
    qni_arena_begin(&program->arena, QNI_MAX_PROGRAM_BYTES);
    *out = program;
    return QN_OK;
}

void qni_program_free(qni_program *program)
{
    if (program == NULL) {
        return;
    }
    for (uint32_t i = 0; i < program->n_functions; i++) {
        qni_symbols_end(&program->functions[i]->symbols);
    }
    for (uint32_t i = 0; i < program->n_maps; i++) {
        qni_map_release(program->maps[i]);
    }
    qni_arena_end(&program->arena);
    qni_free(program);
}

qn_status qni_mil_grow(qni_program *program, void *items, uint32_t *capacity, uint32_t need,
                       size_t size, qn_error *err)
{
    if (need <= *capacity) {
        return QN_OK;
    }
    uint32_t wanted = *capacity < 4 ? 8 : 2 * *capacity;
    wanted = wanted < need ? need : wanted;
    void *bigger = qni_arena_array(&program->arena, wanted, size);
    if (bigger == NULL) {
        return qni_fail_memory(err);
    }
    void *old;
    memcpy(&old, items, sizeof old);
    if (*capacity != 0) {
        memcpy(bigger, old, *capacity * size);
    }
    memcpy(items, &bigger, sizeof bigger);
    *capacity = wanted;
    return QN_OK;
}

qn_status qni_program_add_map(qni_program *program, qni_map *map, qn_error *err)
{
    QNI_TRY(qni_mil_grow(program, &program->maps, &program->map_capacity, program->n_maps + 1,
                         sizeof(qni_map *), err));
    program->maps[program->n_maps++] = qni_map_share(map);
    return QN_OK;
}

qni_function *qni_program_find(const qni_program *program, const char *name)
{
    for (uint32_t i = 0; i < program->n_functions; i++) {
        if (strcmp(program->functions[i]->name, name) == 0) {
            return program->functions[i];
        }
    }
    return NULL;
}

qn_status qni_function_create(qni_program *program, const char *name, int32_t opset,
                              qni_function **out, qn_error *err)
{
    *out = NULL;
    if (qni_program_find(program, name) != NULL) {
        return qni_fail(err, QN_INVALID_MODEL, name, "the program has two functions \"%s\"", name);
    }
    if (program->n_functions == QNI_MAX_FUNCTIONS) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, name, "more than %d functions", QNI_MAX_FUNCTIONS);
    }
    qni_function *function = qni_arena_alloc(&program->arena, sizeof *function);
    if (function == NULL) {
        return qni_fail_memory(err);
    }
    function->program = program;
    function->opset = opset;
    function->name = qni_arena_strdup(&program->arena, name);
    if (function->name == NULL) {
        return qni_fail_memory(err);
    }
    QNI_TRY(qni_mil_grow(program, &program->functions, &program->function_capacity,
                         program->n_functions + 1, sizeof function, err));
    QNI_TRY(qni_symbols_begin(&function->symbols, &program->arena, err));
    program->functions[program->n_functions++] = function;
    QNI_TRY(qni_block_create(function, NULL, &function->body, err));
    *out = function;
    return QN_OK;
}

qn_status qni_block_create(qni_function *function, qni_block *outer, qni_block **out, qn_error *err)
{
    uint32_t depth = 0;
    for (const qni_block *b = outer; b != NULL; b = b->outer) {
        depth++;
    }
    if (depth >= QNI_MAX_NESTED_BLOCKS) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, function->name, "blocks nested more than %d deep",
                        QNI_MAX_NESTED_BLOCKS);
    }
    qni_block *block = qni_arena_alloc(&function->program->arena, sizeof *block);
    if (block == NULL) {
        return qni_fail_memory(err);
    }
    block->function = function;
    block->outer = outer;
    *out = block;
    return QN_OK;
}

qn_status qni_mil_new_value(qni_function *function, const char *name, qni_value **out,
                            qn_error *err)
{
    qni_program *program = function->program;
    QNI_TRY(qni_mil_grow(program, &function->values, &function->value_capacity,
                         function->n_values + 1, sizeof(qni_value *), err));
    qni_value *value = qni_arena_alloc(&program->arena, sizeof *value);
    if (value == NULL) {
        return qni_fail_memory(err);
    }
    value->name = qni_arena_strdup(&program->arena, name != NULL ? name : "");
    if (value->name == NULL) {
        return qni_fail_memory(err);
    }
    value->id = function->n_values;
    function->values[function->n_values++] = value;
    *out = value;
    return QN_OK;
}

qn_status qni_block_add_input(qni_block *block, const char *name, const qni_type *type,
                              qni_value **out, qn_error *err)
{
    qni_program *program = block->function->program;
    qni_value *value;
    if (type->rank == QNI_RANK_UNKNOWN) {
        return qni_fail(err, QN_UNSUPPORTED, name,
                        "input \"%s\" has dimensions of unknown number; only results may", name);
    }
    QNI_TRY(qni_mil_new_value(block->function, name, &value, err));
    value->type = *type;
    value->index = block->n_inputs;
    uint32_t capacity = block->n_inputs; // inputs are few: grown one by one
    QNI_TRY(qni_mil_grow(program, &block->inputs, &capacity, block->n_inputs + 1,
                         sizeof(qni_value *), err));
    block->inputs[block->n_inputs++] = value;
    *out = value;
    return QN_OK;
}

qn_status qni_function_add_constant(qni_function *function, const char *name,
                                    const qni_tensor *contents, qni_value **out, qn_error *err)
{
    qni_value *value;
    QNI_TRY(qni_mil_new_value(function, name, &value, err));
    qni_tensor *copy = qni_arena_alloc(&function->program->arena, sizeof *copy);
    if (copy == NULL) {
        return qni_fail_memory(err);
    }
    *copy = *contents;
    value->constant = copy;
    value->type = qni_mil_type_of(contents);
    *out = value;
    return QN_OK;
}

// Strings are copied too: the tensor's elements are pointers.
static qn_status copy_elements(qni_arena *arena, const qni_tensor *from, qni_tensor *to,
                               qn_error *err)
{
    *to = qni_tensor_make(from->dtype, from->rank, from->dims, NULL);
    to->data = qni_arena_alloc(arena, qni_tensor_bytes(to) + 1);
    if (to->data == NULL) {
        return qni_fail_memory(err);
    }
    qni_tensor_copy(to, from);
    if (from->dtype != QNI_STRING) {
        return QN_OK;
    }
    const char **texts = to->data;
    for (int64_t i = 0, n = qni_tensor_count(to); i < n; i++) {
        texts[i] = qni_arena_strdup(arena, texts[i]);
        if (texts[i] == NULL) {
            return qni_fail_memory(err);
        }
    }
    return QN_OK;
}

qn_status qni_function_copy_constant(qni_function *function, const char *name,
                                     const qni_tensor *contents, qni_value **out, qn_error *err)
{
    qni_tensor copy;
    QNI_TRY(copy_elements(&function->program->arena, contents, &copy, err));
    return qni_function_add_constant(function, name, &copy, out, err);
}

qn_status qni_block_set_outputs(qni_block *block, qni_value *const *values, size_t n, qn_error *err)
{
    block->outputs = qni_arena_array(&block->function->program->arena, n + 1, sizeof *values);
    if (block->outputs == NULL) {
        return qni_fail_memory(err);
    }
    if (n != 0) {
        memcpy(block->outputs, values, n * sizeof *values);
    }
    block->n_outputs = (uint32_t)n;
    return QN_OK;
}
