#include "api/model.h"

#include "api/convert.h"
#include "base/alloc.h"
#include "cpu/cpu.h"
#include "quince/quince.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qn_context {
    qn_model *model;
    const qni_signature *signature;
    qni_run_context *run;
    qni_tensor *inputs; // data NULL: not given
    qn_tensor *outputs; // of the last run, as callers see them
    bool has_run;
    qn_tap *tap;
    void *tap_user;
};

struct qn_state {
    qn_model *model;
    const qni_signature *signature;
    qni_run_state *run;
};

const char *qn_version(void)
{
    return QN_VERSION;
}

void qn_free(void *memory)
{
    qni_free(memory);
}

const qni_runner_table *qni_api_runner(void)
{
    return qni_cpu_runner_table();
}

qni_runner_options qni_api_options(const qn_model_options *options)
{
    qni_runner_options out = {0};
    if (options != NULL) {
        out = (qni_runner_options){options->n_threads, options->precision, options->cpu};
    }
    return out;
}

// ---- Models

qn_status qn_model_open(const char *path, const qn_model_options *options, qn_model **out,
                        qn_error *err)
{
    *out = NULL;
    qn_model *model = qni_calloc(1, sizeof *model);
    if (model == NULL) {
        return qni_fail_memory(err);
    }
    qni_runner_options inner = qni_api_options(options);
    qn_status status = qni_api_runner()->open(path, &inner, &model->runner, err);
    if (status != QN_OK) {
        qni_free(model);
        return status;
    }
    model->info = model->runner->table->info(model->runner);
    *out = model;
    return QN_OK;
}

void qn_model_close(qn_model *model)
{
    if (model != NULL) {
        model->runner->table->close(model->runner);
        qni_free(model);
    }
}

size_t qn_model_n_functions(const qn_model *model)
{
    return model->info->n_functions;
}

const char *qn_model_function_name(const qn_model *model, size_t function)
{
    return function < model->info->n_functions ? model->info->functions[function].name : NULL;
}

static bool give_feature(const qni_feature *features, size_t n, size_t i, qn_feature *out)
{
    if (i >= n) {
        return false;
    }
    const qni_feature *f = &features[i];
    *out = (qn_feature){.name = f->name,
                        .kind = f->kind_name,
                        .dtype = qni_dtype_to_public(f->dtype),
                        .rank = f->shape.rank,
                        .is_flexible = f->is_range || f->n_choices > 1,
                        .is_optional = f->is_optional};
    memcpy(out->shape, f->shape.dims, sizeof out->shape);
    return true;
}

static const qni_signature *signature(const qn_model *model, size_t function)
{
    static const qni_signature none = {0};
    return function < model->info->n_functions ? &model->info->functions[function] : &none;
}

bool qn_model_input(const qn_model *model, size_t function, size_t i, qn_feature *out)
{
    const qni_signature *s = signature(model, function);
    return give_feature(s->inputs, s->n_inputs, i, out);
}

bool qn_model_output(const qn_model *model, size_t function, size_t i, qn_feature *out)
{
    const qni_signature *s = signature(model, function);
    return give_feature(s->outputs, s->n_outputs, i, out);
}

bool qn_model_state(const qn_model *model, size_t function, size_t i, qn_feature *out)
{
    const qni_signature *s = signature(model, function);
    return give_feature(s->states, s->n_states, i, out);
}

static qn_status find_function(const qn_model *model, const char *name, size_t *out, qn_error *err)
{
    char names[256] = "";
    *out = 0;
    if (name == NULL) {
        return QN_OK;
    }
    for (size_t i = 0; i < model->info->n_functions; i++) {
        if (strcmp(model->info->functions[i].name, name) == 0) {
            *out = i;
            return QN_OK;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ",
                 model->info->functions[i].name);
    }
    return qni_fail(err, QN_INVALID_ARGUMENT, model->info->path,
                    "the model has no function \"%s\"; it has %s", name, names);
}

// ---- Contexts

static qn_status fill_context(qn_context *c, size_t function, qn_error *err)
{
    c->inputs = qni_calloc(c->signature->n_inputs + 1, sizeof *c->inputs);
    c->outputs = qni_calloc(c->signature->n_outputs + 1, sizeof *c->outputs);
    if (c->inputs == NULL || c->outputs == NULL) {
        return qni_fail_memory(err);
    }
    return c->model->runner->table->create_context(c->model->runner, function, NULL, 0, &c->run,
                                                   err);
}

qn_status qn_context_create(qn_model *model, const char *function, qn_context **out, qn_error *err)
{
    *out = NULL;
    size_t number = 0;
    QNI_TRY(find_function(model, function, &number, err));
    qn_context *c = qni_calloc(1, sizeof *c);
    if (c == NULL) {
        return qni_fail_memory(err);
    }
    c->model = model;
    c->signature = &model->info->functions[number];
    qn_status status = fill_context(c, number, err);
    if (status != QN_OK) {
        qn_context_free(c);
        return status;
    }
    *out = c;
    return QN_OK;
}

void qn_context_free(qn_context *c)
{
    if (c == NULL) {
        return;
    }
    if (c->run != NULL) {
        c->model->runner->table->free_context(c->run);
    }
    qni_free(c->inputs);
    qni_free(c->outputs);
    qni_free(c);
}

qn_status qn_context_set_input(qn_context *c, const char *name, const qn_tensor *tensor,
                               qn_error *err)
{
    char names[256] = "";
    for (size_t i = 0; i < c->signature->n_inputs; i++) {
        const qni_feature *f = &c->signature->inputs[i];
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ", f->name);
        if (strcmp(f->name, name) != 0) {
            continue;
        }
        qni_tensor t;
        QNI_TRY(qni_tensor_of_public(tensor, name, &t, err));
        if (tensor->data == NULL && qni_tensor_count(&t) != 0) {
            return qni_fail(err, QN_INVALID_ARGUMENT, name, "\"%s\" has no data", name);
        }
        QNI_TRY(qni_feature_check(f, t.rank, t.dims, err));
        static char nothing; // an empty tensor is given, too
        t.data = t.data != NULL ? t.data : &nothing;
        c->inputs[i] = t;
        return QN_OK;
    }
    return qni_fail(err, QN_INVALID_ARGUMENT, name,
                    "function \"%s\" has no input \"%s\"; it has %s", c->signature->name, name,
                    names);
}

void qn_context_clear_inputs(qn_context *c)
{
    memset(c->inputs, 0, (c->signature->n_inputs + 1) * sizeof *c->inputs);
}

qn_status qn_context_run(qn_context *c, qn_state *state, qn_error *err)
{
    c->has_run = false;
    if (state != NULL && c->signature->n_states == 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, c->signature->name,
                        "function \"%s\" has no states, and a state is given", c->signature->name);
    }
    const qni_runner_table *table = c->model->runner->table;
    QNI_TRY(table->run(c->run, c->inputs, state != NULL ? state->run : NULL, err));
    for (size_t i = 0; i < c->signature->n_outputs; i++) {
        c->outputs[i] = qni_tensor_to_public(table->output(c->run, i));
    }
    c->has_run = true;
    return QN_OK;
}

const qn_tensor *qn_context_output(const qn_context *c, const char *name)
{
    for (size_t i = 0; c->has_run && i < c->signature->n_outputs; i++) {
        if (strcmp(c->signature->outputs[i].name, name) == 0) {
            return &c->outputs[i];
        }
    }
    return NULL;
}

// ---- Reports

void qn_context_watch(qn_context *c, bool on)
{
    c->model->runner->table->set_watch(c->run, on);
}

size_t qn_context_overflows(const qn_context *c, qn_overflow *rows, size_t capacity)
{
    qni_overflow *inner = qni_alloc_array(capacity + 1, sizeof *inner);
    if (inner == NULL) {
        return 0;
    }
    size_t n = c->model->runner->table->overflows(c->run, inner, capacity);
    for (size_t i = 0; i < n && i < capacity; i++) {
        rows[i] = (qn_overflow){inner[i].operation, inner[i].op, inner[i].elements};
    }
    qni_free(inner);
    return n;
}

void qn_context_profile(qn_context *c, bool on)
{
    c->model->runner->table->set_profile(c->run, on);
}

size_t qn_context_profile_rows(const qn_context *c, qn_profile_row *rows, size_t capacity)
{
    qni_profile_row *inner = qni_alloc_array(capacity + 1, sizeof *inner);
    if (inner == NULL) {
        return 0;
    }
    size_t n = c->model->runner->table->profile(c->run, inner, capacity);
    for (size_t i = 0; i < n && i < capacity; i++) {
        rows[i] = (qn_profile_row){inner[i].operation, inner[i].op, inner[i].kernel, inner[i].calls,
                                   inner[i].us};
    }
    qni_free(inner);
    return n;
}

static qn_status tap_results(void *user, const char *operation, const char *op,
                             const qni_tensor *results, size_t n_results, qn_error *err)
{
    enum { MAX_RESULTS = 64 };
    const qn_context *c = user;
    qn_tensor tensors[MAX_RESULTS];
    size_t n = n_results < MAX_RESULTS ? n_results : MAX_RESULTS;
    for (size_t i = 0; i < n; i++) {
        tensors[i] = qni_tensor_to_public(&results[i]);
    }
    qn_status status = c->tap(c->tap_user, operation, op, tensors, n);
    return status == QN_OK ? QN_OK : qni_fail(err, status, operation, "stopped by the tap");
}

void qn_context_set_tap(qn_context *c, qn_tap *tap, void *user)
{
    c->tap = tap;
    c->tap_user = user;
    c->model->runner->table->set_tap(c->run, tap != NULL ? tap_results : NULL, c);
}

void qn_context_get_stats(const qn_context *c, qn_context_stats *out)
{
    qni_run_stats s;
    c->model->runner->table->stats(c->run, &s);
    *out = (qn_context_stats){s.n_plans, s.n_compiled, s.compile_us, s.memory_bytes,
                              s.packed_bytes};
}

qn_status qn_context_plan(const qn_context *c, char **text, qn_error *err)
{
    qni_buf buf;
    qni_buf_begin(&buf, QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
    *text = NULL;
    qn_status status = c->model->runner->table->describe(c->run, &buf, err);
    if (status == QN_OK) {
        status = qni_buf_add_text(&buf, "", err);
    }
    if (status == QN_OK) {
        *text = qni_buf_take(&buf);
    }
    qni_buf_end(&buf);
    return status;
}

// ---- States

qn_status qn_state_create(qn_model *model, const char *function, qn_state **out, qn_error *err)
{
    *out = NULL;
    size_t number = 0;
    QNI_TRY(find_function(model, function, &number, err));
    if (model->info->functions[number].n_states == 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, model->info->functions[number].name,
                        "function \"%s\" has no states", model->info->functions[number].name);
    }
    qn_state *state = qni_calloc(1, sizeof *state);
    if (state == NULL) {
        return qni_fail_memory(err);
    }
    state->model = model;
    state->signature = &model->info->functions[number];
    qn_status status = model->runner->table->create_state(model->runner, number, &state->run, err);
    if (status != QN_OK) {
        qni_free(state);
        return status;
    }
    *out = state;
    return QN_OK;
}

void qn_state_free(qn_state *state)
{
    if (state != NULL) {
        state->model->runner->table->free_state(state->run);
        qni_free(state);
    }
}

static qn_status find_state(qn_state *state, const char *name, const qn_tensor *given,
                            qni_tensor *memory, qni_tensor *other, qn_error *err)
{
    for (size_t i = 0; i < state->signature->n_states; i++) {
        if (strcmp(state->signature->states[i].name, name) != 0) {
            continue;
        }
        *memory = state->model->runner->table->state_tensor(state->run, i);
        QNI_TRY(qni_tensor_of_public(given, name, other, err));
        return qni_feature_check(&state->signature->states[i], other->rank, other->dims, err);
    }
    return qni_fail(err, QN_INVALID_ARGUMENT, name, "there is no state \"%s\"", name);
}

qn_status qn_state_read(qn_state *state, const char *name, qn_tensor *to, qn_error *err)
{
    qni_tensor memory;
    qni_tensor other;
    QNI_TRY(find_state(state, name, to, &memory, &other, err));
    qni_tensor_convert(&other, &memory);
    return QN_OK;
}

qn_status qn_state_write(qn_state *state, const char *name, const qn_tensor *from, qn_error *err)
{
    qni_tensor memory;
    qni_tensor other;
    QNI_TRY(find_state(state, name, from, &memory, &other, err));
    qni_tensor_convert(&memory, &other);
    return QN_OK;
}
