#include "exec/exec.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "exec/finite.h"

#include <stdint.h>
#include <string.h>

struct qni_exec {
    const qni_plan *plan;
    qni_threads *threads;
    unsigned char *memory; // the arena, the outputs, then the threads' scratch
    unsigned char *scratch;
    int64_t *regs;
    qni_tensor *views; // one per operand
    qni_tensor *outputs;
    void **dynamic;   // per buffer: memory that a step of this run made
    size_t *n_tasks;  // per step; of steps with dynamic operands it is found again
    uint32_t *moving; // the dynamic operands
    uint32_t n_moving;
    bool *step_moves;
    qni_arena run_memory; // of evaluations
    const qni_tensor *inputs;
    void *const *states;
    bool profile, watch;
    qni_tap_fn *tap;
    void *tap_context;
    qni_step_stats *stats;
};

// ---- Resolving operands

static void *buffer_data(const qni_exec *x, const qni_buffer *b, uint32_t number)
{
    switch (b->kind) {
    case QNI_BUFFER_ARENA: return x->memory + b->offset;
    case QNI_BUFFER_OUTPUT: return x->memory + x->plan->arena_bytes + b->offset;
    case QNI_BUFFER_CONST: return (void *)(uintptr_t)b->data;
    case QNI_BUFFER_INPUT: return x->inputs != NULL ? x->inputs[b->index].data : NULL;
    case QNI_BUFFER_STATE: return x->states != NULL ? x->states[b->index] : NULL;
    case QNI_BUFFER_DYNAMIC: return x->dynamic[number];
    }
    return NULL;
}

static void resolve(qni_exec *x, uint32_t i)
{
    const qni_operand *o = &x->plan->operands[i];
    qni_tensor *t = &x->views[i];
    t->dtype = o->dtype;
    t->rank = o->rank;
    for (int32_t d = 0; d < o->rank; d++) {
        t->dims[d] = qni_int_value(o->dims[d], x->regs);
        t->strides[d] = qni_int_value(o->strides[d], x->regs);
    }
    unsigned char *data = buffer_data(x, &x->plan->buffers[o->buffer], o->buffer);
    int64_t offset = qni_int_value(o->offset, x->regs);
    if (data != NULL && offset != 0) {
        data += offset * (int64_t)(qni_dtype_bits(o->dtype) / 8);
    }
    t->data = data;
}

static void resolve_moving(qni_exec *x)
{
    for (uint32_t i = 0; i < x->n_moving; i++) {
        resolve(x, x->moving[i]);
    }
}

// ---- Making a context

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static qn_status allocate(qni_exec *x, qn_error *err)
{
    const qni_plan *p = x->plan;
    size_t scratch = aligned(p->scratch_bytes) * qni_threads_count(x->threads);
    x->memory = qni_alloc_aligned(aligned(p->arena_bytes) + aligned(p->output_bytes) + scratch +
                                  64);
    x->regs = qni_calloc(p->n_regs + 1, sizeof *x->regs);
    x->views = qni_calloc(p->n_operands + 1, sizeof *x->views);
    x->outputs = qni_calloc(p->n_outputs + 1, sizeof *x->outputs);
    x->dynamic = qni_calloc(p->n_buffers + 1, sizeof *x->dynamic);
    x->n_tasks = qni_calloc(p->n_steps + 1, sizeof *x->n_tasks);
    x->moving = qni_calloc(p->n_operands + 1, sizeof *x->moving);
    x->step_moves = qni_calloc(p->n_steps + 1, sizeof *x->step_moves);
    x->stats = qni_calloc(p->n_steps + 1, sizeof *x->stats);
    if (x->memory == NULL || x->regs == NULL || x->views == NULL || x->outputs == NULL ||
        x->dynamic == NULL || x->n_tasks == NULL || x->moving == NULL || x->step_moves == NULL ||
        x->stats == NULL) {
        return qni_fail_memory(err);
    }
    // Gaps between a row's elements are never read; zeros keep what a debugger shows steady.
    memset(x->memory, 0, aligned(p->arena_bytes) + aligned(p->output_bytes));
    x->scratch = x->memory + aligned(p->arena_bytes) + aligned(p->output_bytes);
    return QN_OK;
}

static size_t count_tasks(const qni_exec *x, const qni_step *step)
{
    qk_call call = {step->params, &x->views[step->first], step->n_operands};
    return step->kernel->n_tasks(&call);
}

static void prepare(qni_exec *x)
{
    const qni_plan *p = x->plan;
    for (uint32_t i = 0; i < p->n_operands; i++) {
        if (p->operands[i].is_dynamic) {
            x->moving[x->n_moving++] = i;
        } else {
            resolve(x, i);
        }
    }
    for (uint32_t i = 0; i < p->n_steps; i++) {
        const qni_step *step = &p->steps[i];
        for (uint32_t j = 0; j < step->n_operands; j++) {
            const qni_operand *o = &p->operands[step->first + j];
            bool sized = false; // by registers, or only its address moves?
            for (int32_t d = 0; d < o->rank; d++) {
                sized = sized || o->dims[d].reg >= 0 || o->strides[d].reg >= 0;
            }
            x->step_moves[i] = x->step_moves[i] || sized || o->is_late;
            if (o->is_dynamic && !sized) {
                resolve(x, step->first + j); // its shape, for counting tasks once
            }
        }
        if (step->kernel != NULL && !x->step_moves[i]) {
            x->n_tasks[i] = count_tasks(x, step);
        }
    }
}

qn_status qni_exec_create(const qni_plan *plan, qni_threads *threads, qni_exec **out, qn_error *err)
{
    *out = NULL;
    qni_exec *x = qni_calloc(1, sizeof *x);
    if (x == NULL) {
        return qni_fail_memory(err);
    }
    x->plan = plan;
    x->threads = threads;
    qni_arena_begin(&x->run_memory, QNI_MAX_DYNAMIC_BYTES);
    qn_status status = allocate(x, err);
    if (status != QN_OK) {
        qni_exec_free(x);
        return status;
    }
    prepare(x);
    *out = x;
    return QN_OK;
}

void qni_exec_free(qni_exec *x)
{
    if (x == NULL) {
        return;
    }
    qni_arena_end(&x->run_memory);
    qni_free_aligned(x->memory);
    qni_free(x->regs);
    qni_free(x->views);
    qni_free(x->outputs);
    qni_free(x->dynamic);
    qni_free(x->n_tasks);
    qni_free(x->moving);
    qni_free(x->step_moves);
    qni_free(x->stats);
    qni_free(x);
}

void qni_exec_set_profile(qni_exec *x, bool on)
{
    x->profile = on;
}

void qni_exec_set_watch(qni_exec *x, bool on)
{
    x->watch = on;
}

void qni_exec_set_tap(qni_exec *x, qni_tap_fn *tap, void *context)
{
    x->tap = tap;
    x->tap_context = context;
}

void qni_exec_clear_overflows(qni_exec *x)
{
    for (uint32_t i = 0; i < x->plan->n_steps; i++) {
        x->stats[i].overflows = 0;
    }
}

const qni_step_stats *qni_exec_stats(const qni_exec *x)
{
    return x->stats;
}

const qni_tensor *qni_exec_output(const qni_exec *x, size_t i)
{
    return &x->outputs[i];
}

// ---- Running

typedef struct shared_call {
    const qni_exec *exec;
    const qk_kernel *kernel;
    qk_call call;
} shared_call;

static void run_tasks(void *context, size_t thread, size_t begin, size_t end)
{
    const shared_call *s = context;
    void *scratch = s->exec->scratch + thread * aligned(s->exec->plan->scratch_bytes);
    s->kernel->run(&s->call, scratch, begin, end);
}

static void run_kernel(qni_exec *x, uint32_t i)
{
    const qni_step *step = &x->plan->steps[i];
    size_t n = x->step_moves[i] ? count_tasks(x, step) : x->n_tasks[i];
    shared_call s = {x, step->kernel, {step->params, &x->views[step->first], step->n_operands}};
    size_t grain = n / (4 * qni_threads_count(x->threads));
    qni_threads_run(x->threads, run_tasks, &s, n, grain != 0 ? grain : 1);
}

static qn_status check(const qni_exec *x, bool late, qn_error *err)
{
    const qni_plan *p = x->plan;
    for (uint32_t i = 0; i < p->n_checks; i++) {
        const qni_plan_check *c = &p->checks[i];
        int64_t a = qni_int_value(c->a, x->regs);
        int64_t b = qni_int_value(c->b, x->regs);
        if (c->is_late != late || (c->is_range ? a >= c->lo && a <= c->hi : a == b)) {
            continue;
        }
        if (c->is_range) {
            return qni_fail(err, QN_INVALID_ARGUMENT, c->where,
                            "%s: %lld is outside of %lld to %lld", c->what, (long long)a,
                            (long long)c->lo, (long long)c->hi);
        }
        return qni_fail(err, QN_INVALID_ARGUMENT, c->where, "%s do not fit: %lld and %lld", c->what,
                        (long long)a, (long long)b);
    }
    return QN_OK;
}

// Registers that the step's results set, and what follows from them.
static void take_late(qni_exec *x, const qni_step *step)
{
    bool any = false;
    for (uint32_t i = 0; i < step->n_outs; i++) {
        const qni_operand *o = &x->plan->operands[step->first + i];
        const qni_tensor *t = &x->views[step->first + i];
        if (x->plan->buffers[o->buffer].kind == QNI_BUFFER_DYNAMIC) {
            x->dynamic[o->buffer] = t->data;
            any = true;
        }
        for (int32_t d = 0; step->late != NULL && d < o->rank; d++) {
            int32_t reg = step->late[i * QNI_MAX_RANK + (uint32_t)d];
            if (reg >= 0) {
                x->regs[reg] = t->dims[d];
            }
        }
    }
    if (any) {
        qni_plan_eval_regs(x->plan, x->inputs, x->regs);
        resolve_moving(x);
    }
}

// Memory for outputs whose size the registers tell only now. Those that not even they tell, `eval`
// makes itself.
static qn_status make_dynamic(qni_exec *x, const qni_step *step, qn_error *err)
{
    for (uint32_t i = 0; i < step->n_outs; i++) {
        uint32_t number = x->plan->operands[step->first + i].buffer;
        const qni_buffer *b = &x->plan->buffers[number];
        if (b->kind != QNI_BUFFER_DYNAMIC || x->dynamic[number] != NULL || b->is_made_by_eval) {
            continue;
        }
        int64_t bytes = qni_int_value(b->run_bytes, x->regs);
        x->dynamic[number] = bytes < 0 ? NULL : qni_arena_alloc(&x->run_memory, (size_t)bytes + 1);
        if (x->dynamic[number] == NULL) {
            return qni_fail(err, QN_LIMIT_EXCEEDED, step->name,
                            "no memory for a result of %lld bytes; a run has %zu of at most %zu",
                            (long long)bytes, x->run_memory.total_bytes, x->run_memory.limit_bytes);
        }
        resolve(x, step->first + i);
    }
    return QN_OK;
}

static qn_status run_eval(qni_exec *x, const qni_step *step, qn_error *err)
{
    qni_tensor *views = &x->views[step->first];
    for (uint32_t i = 0; step->late != NULL && i < step->n_outs; i++) {
        for (int32_t d = 0; d < views[i].rank; d++) {
            if (step->late[i * QNI_MAX_RANK + (uint32_t)d] >= 0) {
                views[i].dims[d] = -1;
            }
        }
    }
    qni_eval call = {.args = views + step->n_outs,
                     .params = step->spans,
                     .outs = views,
                     .n_outs = step->n_outs,
                     .name = step->name,
                     .arena = &x->run_memory,
                     .err = err};
    QNI_TRY(step->eval(&call));
    if (x->plan->has_late) {
        take_late(x, step);
    }
    return QN_OK;
}

static void watch_step(qni_exec *x, uint32_t i)
{
    const qni_step *step = &x->plan->steps[i];
    const qni_tensor *views = &x->views[step->first];
    uint64_t bad = 0;
    for (uint32_t j = 0; j < step->n_outs; j++) {
        bad += qni_count_not_finite(&views[j]);
    }
    for (uint32_t j = step->n_outs; bad != 0 && j < step->n_operands; j++) {
        if (qni_count_not_finite(&views[j]) != 0) {
            bad = 0;
        }
    }
    x->stats[i].overflows += bad;
}

static qn_status run_step(qni_exec *x, uint32_t i, qn_error *err)
{
    const qni_step *step = &x->plan->steps[i];
    uint64_t start = x->profile ? qni_clock_us() : 0;
    if (x->plan->has_late) {
        QNI_TRY(make_dynamic(x, step, err));
    }
    if (step->kernel != NULL) {
        run_kernel(x, i);
    } else {
        qn_status status = run_eval(x, step, err);
        if (status != QN_OK) {
            return qni_fail_in(err, status, step->name);
        }
    }
    if (x->profile) {
        x->stats[i].us += qni_clock_us() - start;
    }
    x->stats[i].calls++;
    if (x->watch) {
        watch_step(x, i);
    }
    return x->tap != NULL ? x->tap(x->tap_context, step, &x->views[step->first], step->n_outs, err)
                          : QN_OK;
}

qn_status qni_exec_run(qni_exec *x, const qni_tensor *inputs, void *const *states, qn_error *err)
{
    const qni_plan *p = x->plan;
    x->inputs = inputs;
    x->states = states;
    qni_plan_eval_regs(p, inputs, x->regs);
    QNI_TRY(check(x, false, err));
    if (x->run_memory.newest != NULL) {
        qni_arena_end(&x->run_memory);
        qni_arena_begin(&x->run_memory, QNI_MAX_DYNAMIC_BYTES);
    }
    if (p->has_late) {
        memset(x->dynamic, 0, p->n_buffers * sizeof *x->dynamic);
    }
    resolve_moving(x);
    for (uint32_t i = 0; i < p->n_steps; i++) {
        QNI_TRY(run_step(x, i, err));
    }
    QNI_TRY(check(x, true, err));
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        x->outputs[i] = x->views[p->outputs[i].operand];
    }
    return QN_OK;
}
