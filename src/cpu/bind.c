#include "cpu/bind.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

void qni_plan_cache_begin(qni_plan_cache *cache, const qni_function *function,
                          const qni_compile_options *options)
{
    memset(cache, 0, sizeof *cache);
    cache->function = function;
    cache->options = options;
    pthread_mutex_init(&cache->lock, NULL);
}

static void free_bound(qni_bound_plan *bound)
{
    qni_plan_free(bound->plan);
    qni_free(bound->bindings);
    qni_free(bound);
}

void qni_plan_cache_end(qni_plan_cache *cache)
{
    for (size_t i = 0; i < cache->n; i++) {
        free_bound(cache->plans[i]);
    }
    pthread_mutex_destroy(&cache->lock);
}

// ---- Values of symbols

static qn_status bind_dim(const qni_function *function, const qni_value *value, int32_t d,
                          int64_t given, int64_t *values, qn_error *err)
{
    qni_dim dim = value->type.dims[d];
    if (qni_dim_is_const(dim)) {
        return dim.add == given
                   ? QN_OK
                   : qni_fail(err, QN_INVALID_ARGUMENT, value->name,
                              "dimension %d of \"%s\" is %lld; the program takes %lld", (int)d,
                              value->name, (long long)given, (long long)dim.add);
    }
    const qni_symbol *symbol = &function->symbols.items[dim.sym];
    int64_t v = given - dim.add;
    if (v < symbol->lo || v > symbol->hi) {
        return qni_fail(err, QN_INVALID_ARGUMENT, value->name,
                        "dimension %d of \"%s\" is %lld; allowed are %lld to %lld", (int)d,
                        value->name, (long long)given, (long long)(symbol->lo + dim.add),
                        (long long)qni_dim_hi(&function->symbols, dim));
    }
    if (values[dim.sym] >= 0 && values[dim.sym] != v) {
        return qni_fail(err, QN_INVALID_ARGUMENT, value->name,
                        "dimension %d of \"%s\" is %lld; another input makes it %lld", (int)d,
                        value->name, (long long)given, (long long)(values[dim.sym] + dim.add));
    }
    values[dim.sym] = v;
    return QN_OK;
}

qn_status qni_bind_shapes(const qni_function *function, const qni_tensor *inputs, int64_t *values,
                          qn_error *err)
{
    for (size_t i = 0; i < function->symbols.n; i++) {
        values[i] = -1;
    }
    size_t input = 0;
    for (uint32_t i = 0; i < function->body->n_inputs; i++) {
        const qni_value *value = function->body->inputs[i];
        if (value->type.is_state) {
            continue;
        }
        const qni_tensor *t = &inputs[input++];
        if (t->rank != value->type.rank) {
            return qni_fail(err, QN_INVALID_ARGUMENT, value->name,
                            "\"%s\" has rank %d; the program takes %d", value->name, (int)t->rank,
                            (int)value->type.rank);
        }
        for (int32_t d = 0; d < t->rank; d++) {
            QNI_TRY(bind_dim(function, value, d, t->dims[d], values, err));
        }
    }
    return QN_OK;
}

static bool is_input_symbol(const qni_function *function, size_t sym)
{
    return function->symbols.items[sym].kind == QNI_SYM_INPUT;
}

bool qni_bound_plan_fits(const qni_bound_plan *bound, const qni_function *function,
                         const int64_t *values)
{
    for (size_t i = 1; i < function->symbols.n; i++) {
        const qni_binding *b = &bound->bindings[i];
        if (!is_input_symbol(function, i)) {
            continue;
        }
        if (b->is_register ? values[i] < b->lo || values[i] > b->hi : values[i] != b->value) {
            return false;
        }
    }
    return true;
}

// ---- Which symbols stay open

// The bounds of a register for a symbol that has the value v now. Buffers are sized by the upper
// one, so where the program allows far more than what is asked for, it grows by doubling.
static void open_binding(const qni_symbol *symbol, int64_t v, qni_binding *b)
{
    int64_t room = 4096;
    while (room < v && room < INT64_MAX / 2) {
        room *= 2;
    }
    b->is_register = true;
    b->lo = symbol->lo > 2 ? symbol->lo : 2;
    b->hi = symbol->hi < room ? symbol->hi : room;
}

// The one symbol in which the values differ from what the plan was made for; 0 when there is none
// or more than one, or when it is not one that can be opened.
static size_t only_difference(const qni_bound_plan *bound, const qni_function *function,
                              const int64_t *values)
{
    size_t found = 0;
    for (size_t i = 1; i < function->symbols.n; i++) {
        const qni_binding *b = &bound->bindings[i];
        bool differs = is_input_symbol(function, i) &&
                       (b->is_register ? values[i] < b->lo || values[i] > b->hi
                                       : values[i] != b->value);
        if (differs && (found != 0 || values[i] < 2 || (!b->is_register && b->value < 2))) {
            return 0;
        }
        found = differs ? i : found;
    }
    return found;
}

static void choose_bindings(const qni_plan_cache *cache, const int64_t *values, const bool *open,
                            qni_binding *out)
{
    const qni_function *function = cache->function;
    for (size_t i = 1; i < function->symbols.n; i++) {
        out[i] = (qni_binding){.value = values[i]};
        if (is_input_symbol(function, i) && open != NULL && open[i] && values[i] >= 2) {
            open_binding(&function->symbols.items[i], values[i], &out[i]);
        }
    }
    for (size_t p = 0; p < cache->n; p++) {
        const qni_bound_plan *other = cache->plans[p];
        size_t sym = only_difference(other, function, values);
        if (sym == 0) {
            continue;
        }
        for (size_t i = 1; i < function->symbols.n; i++) {
            if (other->bindings[i].is_register) {
                out[i] = other->bindings[i];
            }
        }
        open_binding(&function->symbols.items[sym], values[sym], &out[sym]);
        return;
    }
}

static bool close_bindings(const qni_function *function, const int64_t *values, qni_binding *out)
{
    bool any = false;
    for (size_t i = 1; i < function->symbols.n; i++) {
        any = any || out[i].is_register;
        out[i] = (qni_binding){.value = values[i]};
    }
    return any;
}

// ---- The cache

static qn_status compile_bound(qni_plan_cache *cache, const int64_t *values, qni_bound_plan *bound,
                               qn_error *err)
{
    qni_compile_options options = *cache->options;
    options.bindings = bound->bindings;
    uint64_t start = qni_clock_us();
    qn_status status = qni_compile_function(cache->function, &options, &bound->plan, err);
    // What cannot be compiled for all values may be compiled for these.
    if (status != QN_OK && status != QN_OUT_OF_MEMORY &&
        close_bindings(cache->function, values, bound->bindings)) {
        status = qni_compile_function(cache->function, &options, &bound->plan, err);
    }
    cache->n_compiled++;
    cache->compile_us += qni_clock_us() - start;
    return status;
}

static void evict(qni_plan_cache *cache)
{
    size_t oldest = 0;
    for (size_t i = 1; i < cache->n; i++) {
        oldest = cache->plans[i]->used < cache->plans[oldest]->used ? i : oldest;
    }
    qni_bound_plan *gone = cache->plans[oldest];
    cache->plans[oldest] = cache->plans[--cache->n];
    gone->is_cached = false;
    if (gone->n_users == 0) {
        free_bound(gone);
    }
}

static qn_status make(qni_plan_cache *cache, const int64_t *values, const bool *open,
                      qni_bound_plan **out, qn_error *err)
{
    qni_bound_plan *bound = qni_calloc(1, sizeof *bound);
    if (bound == NULL) {
        return qni_fail_memory(err);
    }
    bound->bindings = qni_calloc(cache->function->symbols.n + 1, sizeof *bound->bindings);
    if (bound->bindings == NULL) {
        free_bound(bound);
        return qni_fail_memory(err);
    }
    choose_bindings(cache, values, open, bound->bindings);
    qn_status status = compile_bound(cache, values, bound, err);
    if (status != QN_OK) {
        free_bound(bound);
        return status;
    }
    if (cache->n == QNI_MAX_PLANS) {
        evict(cache);
    }
    bound->is_cached = true;
    cache->plans[cache->n++] = bound;
    *out = bound;
    return QN_OK;
}

static qn_status get(qni_plan_cache *cache, const int64_t *values, const bool *open,
                     qni_bound_plan **out, qn_error *err)
{
    for (size_t i = 0; i < cache->n; i++) {
        if (qni_bound_plan_fits(cache->plans[i], cache->function, values)) {
            *out = cache->plans[i];
            return QN_OK;
        }
    }
    return make(cache, values, open, out, err);
}

qn_status qni_plan_cache_get(qni_plan_cache *cache, const int64_t *values, const bool *open,
                             qni_bound_plan **out, qn_error *err)
{
    pthread_mutex_lock(&cache->lock);
    qn_status status = get(cache, values, open, out, err);
    if (status == QN_OK) {
        (*out)->used = ++cache->clock;
        (*out)->n_users++;
    }
    pthread_mutex_unlock(&cache->lock);
    return status;
}

void qni_plan_cache_release(qni_plan_cache *cache, qni_bound_plan *bound)
{
    pthread_mutex_lock(&cache->lock);
    bound->n_users--;
    if (!bound->is_cached && bound->n_users == 0) {
        free_bound(bound);
    }
    pthread_mutex_unlock(&cache->lock);
}
