#include "cpu/context.h"

#include "base/alloc.h"
#include "exec/exec.h"

#include <string.h>

// A plan with the memory to run it, most recently used first.
typedef struct prepared {
    qni_bound_plan *bound;
    qni_exec *exec;
} prepared;

// Room for an input that is converted or has to be made contiguous.
typedef struct staged {
    void *memory;
    size_t bytes;
} staged;

struct qni_run_context {
    qni_cpu_runner *runner;
    const qni_model_function *function;
    qni_plan_cache *cache;
    bool *open;      // by symbol of the function
    int64_t *values; // by symbol
    prepared plans[QNI_MAX_PLANS];
    size_t n_plans;
    qni_tensor *inputs; // as the plan takes them
    staged *staging;
    void **states;
    bool watch, profile, has_run;
    qni_run_tap *tap;
    void *tap_user;
};

// ---- Making and freeing

static qni_value *input_value(const qni_model_function *f, size_t input)
{
    for (uint32_t i = 0; i < f->function->body->n_inputs; i++) {
        qni_value *value = f->function->body->inputs[i];
        if (!value->type.is_state && input-- == 0) {
            return value;
        }
    }
    return NULL;
}

static qn_status mark_open(qni_run_context *c, const qni_open_dim *dims, size_t n, qn_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const qni_value *value = input_value(c->function, dims[i].input);
        if (value == NULL || dims[i].axis < 0 || dims[i].axis >= value->type.rank) {
            return qni_fail(err, QN_INVALID_ARGUMENT, c->function->name,
                            "no axis %d of input %zu to leave open", (int)dims[i].axis,
                            dims[i].input);
        }
        c->open[value->type.dims[dims[i].axis].sym] = true;
    }
    return QN_OK;
}

static qn_status fill(qni_run_context *c, qn_error *err)
{
    size_t n = c->function->function->symbols.n;
    c->open = qni_calloc(n + 1, sizeof *c->open);
    c->values = qni_calloc(n + 1, sizeof *c->values);
    c->inputs = qni_calloc(c->function->n_inputs + 1, sizeof *c->inputs);
    c->staging = qni_calloc(c->function->n_inputs + 1, sizeof *c->staging);
    c->states = qni_calloc(c->function->n_states + 1, sizeof *c->states);
    return c->open != NULL && c->values != NULL && c->inputs != NULL && c->staging != NULL &&
                   c->states != NULL
               ? QN_OK
               : qni_fail_memory(err);
}

qn_status qni_cpu_create_context(qni_runner *base, size_t function, const qni_open_dim *open_dims,
                                 size_t n_open_dims, qni_run_context **out, qn_error *err)
{
    *out = NULL;
    qni_cpu_runner *runner = (qni_cpu_runner *)(void *)base;
    qni_run_context *c = qni_calloc(1, sizeof *c);
    if (c == NULL) {
        return qni_fail_memory(err);
    }
    c->runner = runner;
    c->function = &runner->model->functions[function];
    c->cache = &runner->caches[function];
    qn_status status = fill(c, err);
    if (status == QN_OK) {
        status = mark_open(c, open_dims, n_open_dims, err);
    }
    if (status != QN_OK) {
        qni_cpu_free_context(c);
        return status;
    }
    *out = c;
    return QN_OK;
}

static void drop_plan(qni_run_context *c, prepared *p)
{
    qni_exec_free(p->exec);
    qni_plan_cache_release(c->cache, p->bound);
}

void qni_cpu_free_context(qni_run_context *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->n_plans; i++) {
        drop_plan(c, &c->plans[i]);
    }
    for (size_t i = 0; c->staging != NULL && i < c->function->n_inputs; i++) {
        qni_free_aligned(c->staging[i].memory);
    }
    qni_free(c->staging);
    qni_free(c->inputs);
    qni_free(c->states);
    qni_free(c->values);
    qni_free(c->open);
    qni_free(c);
}

// ---- Inputs

static qn_status stage(staged *s, const qni_tensor *given, qni_dtype dtype, qni_tensor *out,
                       qn_error *err)
{
    *out = qni_tensor_make(dtype, given->rank, given->dims, NULL);
    size_t bytes = qni_tensor_bytes(out);
    if (bytes > s->bytes || s->memory == NULL) {
        qni_free_aligned(s->memory);
        s->memory = qni_alloc_aligned(bytes + 64);
        s->bytes = s->memory != NULL ? bytes : 0;
        if (s->memory == NULL) {
            return qni_fail_memory(err);
        }
    }
    out->data = s->memory;
    qni_tensor_convert(out, given);
    return QN_OK;
}

static qn_status stage_default(staged *s, const qni_feature *feature, qni_dtype dtype,
                               qni_tensor *out, qn_error *err)
{
    double value = feature->default_value;
    qni_tensor scalar = qni_tensor_make(QNI_F64, 0, NULL, &value);
    qni_tensor spread = scalar;
    spread.rank = feature->shape.rank;
    memcpy(spread.dims, feature->shape.dims, sizeof spread.dims);
    memset(spread.strides, 0, sizeof spread.strides);
    return stage(s, &spread, dtype, out, err);
}

static qn_status take_input(qni_run_context *c, size_t i, const qni_tensor *given, qn_error *err)
{
    const qni_feature *feature = &c->function->inputs[i];
    qni_dtype dtype = input_value(c->function, i)->type.dtype;
    if (given->data == NULL) {
        if (!feature->is_optional) {
            return qni_fail(err, QN_INVALID_ARGUMENT, feature->name, "input \"%s\" is not given",
                            feature->name);
        }
        return stage_default(&c->staging[i], feature, dtype, &c->inputs[i], err);
    }
    QNI_TRY(qni_feature_check(feature, given->rank, given->dims, err));
    if (given->dtype == dtype && qni_tensor_is_contiguous(given)) {
        c->inputs[i] = *given;
    } else {
        QNI_TRY(stage(&c->staging[i], given, dtype, &c->inputs[i], err));
    }
    if (input_value(c->function, i)->type.rank == 0 && qni_tensor_count(given) == 1) {
        c->inputs[i].rank = 0; // descriptions have no scalars: one element stands for it
    }
    return QN_OK;
}

// ---- Plans

static qn_status prepare(qni_run_context *c, qn_error *err)
{
    prepared made;
    QNI_TRY(qni_plan_cache_get(c->cache, c->values, c->open, &made.bound, err));
    qn_status status = qni_exec_create(made.bound->plan, c->runner->threads, &made.exec, err);
    if (status != QN_OK) {
        qni_plan_cache_release(c->cache, made.bound);
        return status;
    }
    if (c->n_plans == QNI_MAX_PLANS) {
        drop_plan(c, &c->plans[--c->n_plans]);
    }
    memmove(&c->plans[1], &c->plans[0], c->n_plans * sizeof c->plans[0]);
    c->plans[0] = made;
    c->n_plans++;
    return QN_OK;
}

// Brings the plan for the values at hand to the front.
static qn_status find_plan(qni_run_context *c, qn_error *err)
{
    for (size_t i = 0; i < c->n_plans; i++) {
        if (qni_bound_plan_fits(c->plans[i].bound, c->function->function, c->values)) {
            prepared found = c->plans[i];
            memmove(&c->plans[1], &c->plans[0], i * sizeof c->plans[0]);
            c->plans[0] = found;
            return QN_OK;
        }
    }
    return prepare(c, err);
}

static qn_status tap_step(void *context, const qni_step *step, const qni_tensor *outs,
                          size_t n_outs, qn_error *err)
{
    const qni_run_context *c = context;
    return c->tap(c->tap_user, step->name, step->op, outs, n_outs, err);
}

qn_status qni_cpu_run(qni_run_context *c, const qni_tensor *inputs, qni_run_state *state,
                      qn_error *err)
{
    c->has_run = false;
    for (size_t i = 0; i < c->function->n_inputs; i++) {
        QNI_TRY(take_input(c, i, &inputs[i], err));
    }
    QNI_TRY(qni_cpu_state_memory(state, c->function, c->states, err));
    QNI_TRY(qni_bind_shapes(c->function->function, c->inputs, c->values, err));
    QNI_TRY(find_plan(c, err));
    qni_exec *exec = c->plans[0].exec;
    qni_exec_set_watch(exec, c->watch);
    qni_exec_set_profile(exec, c->profile);
    qni_exec_set_tap(exec, c->tap != NULL ? tap_step : NULL, c);
    QNI_TRY(qni_exec_run(exec, c->inputs, c->states, err));
    c->has_run = true;
    return QN_OK;
}

const qni_tensor *qni_cpu_output(const qni_run_context *c, size_t i)
{
    return c->has_run && i < c->function->n_outputs ? qni_exec_output(c->plans[0].exec, i) : NULL;
}

// ---- Reports

void qni_cpu_set_watch(qni_run_context *c, bool on)
{
    c->watch = on;
    for (size_t i = 0; on && i < c->n_plans; i++) {
        qni_exec_clear_overflows(c->plans[i].exec);
    }
}

void qni_cpu_set_profile(qni_run_context *c, bool on)
{
    c->profile = on;
}

void qni_cpu_set_tap(qni_run_context *c, qni_run_tap *tap, void *user)
{
    c->tap = tap;
    c->tap_user = user;
}

size_t qni_cpu_overflows(const qni_run_context *c, qni_overflow *rows, size_t capacity)
{
    size_t n = 0;
    for (size_t p = 0; p < c->n_plans; p++) {
        const qni_plan *plan = c->plans[p].bound->plan;
        const qni_step_stats *stats = qni_exec_stats(c->plans[p].exec);
        for (uint32_t i = 0; i < plan->n_steps; i++) {
            if (stats[i].overflows == 0) {
                continue;
            }
            if (n < capacity) {
                rows[n] = (qni_overflow){plan->steps[i].name, plan->steps[i].op,
                                         stats[i].overflows};
            }
            n++;
        }
    }
    return n;
}

size_t qni_cpu_profile(const qni_run_context *c, qni_profile_row *rows, size_t capacity)
{
    size_t n = 0;
    for (size_t p = 0; p < c->n_plans; p++) {
        const qni_plan *plan = c->plans[p].bound->plan;
        const qni_step_stats *stats = qni_exec_stats(c->plans[p].exec);
        for (uint32_t i = 0; i < plan->n_steps; i++, n++) {
            const qni_step *s = &plan->steps[i];
            if (n < capacity) {
                rows[n] = (qni_profile_row){s->name, s->op,
                                            s->kernel != NULL ? s->kernel->name : "eval",
                                            stats[i].calls, stats[i].us};
            }
        }
    }
    return n;
}

void qni_cpu_stats(const qni_run_context *c, qni_run_stats *out)
{
    pthread_mutex_lock(&c->cache->lock);
    *out = (qni_run_stats){.n_plans = c->cache->n,
                           .n_compiled = c->cache->n_compiled,
                           .compile_us = c->cache->compile_us};
    pthread_mutex_unlock(&c->cache->lock);
    out->packed_bytes = qni_pack_cache_bytes(c->runner->packs);
    for (size_t i = 0; i < c->n_plans; i++) {
        out->memory_bytes += qni_plan_memory(c->plans[i].bound->plan,
                                             qni_threads_count(c->runner->threads));
    }
}

qn_status qni_cpu_describe(const qni_run_context *c, qni_buf *out, qn_error *err)
{
    return c->n_plans != 0 ? qni_plan_print(c->plans[0].bound->plan, out, err) : QN_OK;
}
