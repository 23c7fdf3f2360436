#include "cpu/cpu.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "cpu/context.h"
#include "ops/ops.h"

#include <stdlib.h>
#include <string.h>

static qni_cpu_runner *runner_of(const qni_runner *base)
{
    return (qni_cpu_runner *)(uintptr_t)base;
}

// ---- Opening

static qn_status choose_cpu(const qni_runner_options *options, qni_cpu_flags *out, qn_error *err)
{
    const char *limit = options->cpu != NULL ? options->cpu : getenv("QUINCE_CPU");
    return qni_cpu_limit(qni_cpu_detect(), limit, out, err);
}

static qn_status check_precision(const char *precision, qn_error *err)
{
    if (precision == NULL || strcmp(precision, "exact") == 0 || strcmp(precision, "fast") == 0) {
        return QN_OK;
    }
    return qni_fail(err, QN_INVALID_ARGUMENT, "precision",
                    "unknown precision \"%s\"; allowed are exact and fast", precision);
}

static qn_status fill_info(qni_cpu_runner *r, qn_error *err)
{
    const qni_model *m = r->model;
    r->signatures = qni_calloc(m->n_functions + 1, sizeof *r->signatures);
    r->caches = qni_calloc(m->n_functions + 1, sizeof *r->caches);
    if (r->signatures == NULL || r->caches == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < m->n_functions; i++) {
        const qni_model_function *f = &m->functions[i];
        r->signatures[i] = (qni_signature){f->name,     f->inputs,    f->outputs, f->states,
                                           f->n_inputs, f->n_outputs, f->n_states};
        qni_plan_cache_begin(&r->caches[i], f->function, &r->options);
        r->n_caches++;
    }
    r->info = (qni_model_info){.path = r->path,
                               .specification_version = m->specification_version,
                               .default_function = m->default_function,
                               .functions = r->signatures,
                               .n_functions = m->n_functions,
                               .metadata = m->metadata,
                               .weight_bytes = m->weight_bytes};
    return QN_OK;
}

static qn_status open_parts(qni_cpu_runner *r, const char *path, const qni_runner_options *options,
                            qn_error *err)
{
    QNI_TRY(check_precision(options->precision, err));
    QNI_TRY(choose_cpu(options, &r->options.cpu, err));
    r->options.precision = "exact";
    r->path = qni_strdup(path);
    if (r->path == NULL) {
        return qni_fail_memory(err);
    }
    QNI_TRY(qni_threads_create(options->n_threads, &r->threads, err));
    QNI_TRY(qni_pack_cache_create(&r->packs, err));
    r->options.packs = r->packs;
    QNI_TRY(qni_model_read(path, qni_ops(), &r->model, err));
    return fill_info(r, err);
}

static void cpu_close(qni_runner *base)
{
    qni_cpu_runner *r = runner_of(base);
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->n_caches; i++) {
        qni_plan_cache_end(&r->caches[i]);
    }
    qni_free(r->caches);
    qni_free(r->signatures);
    qni_pack_cache_free(r->packs);
    qni_model_free(r->model);
    qni_threads_free(r->threads);
    qni_free(r->path);
    qni_free(r);
}

static qn_status cpu_open(const char *path, const qni_runner_options *options, qni_runner **out,
                          qn_error *err)
{
    static const qni_runner_options defaults = {0};
    *out = NULL;
    qni_cpu_runner *r = qni_calloc(1, sizeof *r);
    if (r == NULL) {
        return qni_fail_memory(err);
    }
    r->base.table = qni_cpu_runner_table();
    qn_status status = open_parts(r, path, options != NULL ? options : &defaults, err);
    if (status != QN_OK) {
        cpu_close(&r->base);
        return status;
    }
    *out = &r->base;
    return QN_OK;
}

static const qni_model_info *cpu_info(const qni_runner *base)
{
    return &runner_of(base)->info;
}

// ---- States

struct qni_run_state {
    const qni_model_function *function;
    qni_tensor *tensors;
    size_t n;
};

static void cpu_free_state(qni_run_state *state)
{
    if (state == NULL) {
        return;
    }
    for (size_t i = 0; state->tensors != NULL && i < state->n; i++) {
        qni_free_aligned(state->tensors[i].data);
    }
    qni_free(state->tensors);
    qni_free(state);
}

static qn_status fill_state(qni_run_state *state, qn_error *err)
{
    const qni_model_function *f = state->function;
    state->tensors = qni_calloc(f->n_states + 1, sizeof *state->tensors);
    if (state->tensors == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < f->n_states; i++) {
        qni_tensor *t = &state->tensors[i];
        *t = qni_tensor_make(f->states[i].dtype, f->states[i].shape.rank, f->states[i].shape.dims,
                             NULL);
        size_t bytes = qni_tensor_bytes(t);
        t->data = qni_alloc_aligned(bytes + 64);
        if (t->data == NULL) {
            return qni_fail_memory(err);
        }
        memset(t->data, 0, bytes);
        state->n = i + 1;
    }
    return QN_OK;
}

static qn_status cpu_create_state(qni_runner *base, size_t function, qni_run_state **out,
                                  qn_error *err)
{
    *out = NULL;
    qni_run_state *state = qni_calloc(1, sizeof *state);
    if (state == NULL) {
        return qni_fail_memory(err);
    }
    state->function = &runner_of(base)->model->functions[function];
    qn_status status = fill_state(state, err);
    if (status != QN_OK) {
        cpu_free_state(state);
        return status;
    }
    *out = state;
    return QN_OK;
}

static qni_tensor cpu_state_tensor(qni_run_state *state, size_t i)
{
    return state->tensors[i];
}

qn_status qni_cpu_state_memory(const qni_run_state *state, const qni_model_function *function,
                               void **memory, qn_error *err)
{
    if ((state != NULL ? state->n : 0) == 0 && function->n_states != 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, function->name,
                        "function \"%s\" needs a state, and none is given", function->name);
    }
    for (size_t i = 0; i < function->n_states; i++) {
        const qni_feature *wanted = &function->states[i];
        memory[i] = NULL;
        for (size_t j = 0; j < state->n; j++) {
            const qni_feature *have = &state->function->states[j];
            if (strcmp(have->name, wanted->name) == 0 && have->dtype == wanted->dtype &&
                qni_feature_check(wanted, have->shape.rank, have->shape.dims, NULL) == QN_OK) {
                memory[i] = state->tensors[j].data;
            }
        }
        if (memory[i] == NULL) {
            return qni_fail(err, QN_INVALID_ARGUMENT, wanted->name,
                            "the state given has no \"%s\" of the shape that function \"%s\" has",
                            wanted->name, function->name);
        }
    }
    return QN_OK;
}

const qni_runner_table *qni_cpu_runner_table(void)
{
    static const qni_runner_table table = {
        .name = "cpu",
        .open = cpu_open,
        .close = cpu_close,
        .info = cpu_info,
        .create_context = qni_cpu_create_context,
        .free_context = qni_cpu_free_context,
        .create_state = cpu_create_state,
        .free_state = cpu_free_state,
        .state_tensor = cpu_state_tensor,
        .run = qni_cpu_run,
        .output = qni_cpu_output,
        .set_watch = qni_cpu_set_watch,
        .set_profile = qni_cpu_set_profile,
        .set_tap = qni_cpu_set_tap,
        .overflows = qni_cpu_overflows,
        .profile = qni_cpu_profile,
        .stats = qni_cpu_stats,
        .describe = qni_cpu_describe,
    };
    return &table;
}
