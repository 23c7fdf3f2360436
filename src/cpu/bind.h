// From the shapes that a caller gives to a plan that fits them.
#ifndef QNI_CPU_BIND_H
#define QNI_CPU_BIND_H

#include "compile/compile.h"

#include <pthread.h>

// A plan and what it was made for. Shared by the contexts that use it.
typedef struct qni_bound_plan {
    qni_plan *plan;
    qni_binding *bindings; // by symbol of the function
    uint64_t used;         // the cache's clock when it was last asked for
    uint32_t n_users;      // contexts that hold it
    bool is_cached;
} qni_bound_plan;

// The plans of one function, at most QNI_MAX_PLANS; the least recently used goes first. Safe from
// several threads.
typedef struct qni_plan_cache {
    const qni_function *function;
    const qni_compile_options *options; // bindings are filled in for each plan
    pthread_mutex_t lock;
    qni_bound_plan *plans[QNI_MAX_PLANS];
    size_t n;
    uint64_t clock;
    uint64_t n_compiled;
    uint64_t compile_us;
} qni_plan_cache;

void qni_plan_cache_begin(qni_plan_cache *cache, const qni_function *function,
                          const qni_compile_options *options);
void qni_plan_cache_end(qni_plan_cache *cache); // after all users have released theirs

// The values that the inputs' shapes give to the function's symbols, by symbol. `inputs` in the
// order of the function's inputs that are no states. Fails when a shape contradicts the program or
// another input.
QNI_WARN_UNUSED qn_status qni_bind_shapes(const qni_function *function, const qni_tensor *inputs,
                                          int64_t *values, qn_error *err);

// Whether a plan serves these values.
bool qni_bound_plan_fits(const qni_bound_plan *plan, const qni_function *function,
                         const int64_t *values);

// A plan for the values, compiled when there is none. Symbols marked in `open` (may be NULL) become
// registers at once; a symbol seen with two values while all others stay the same becomes one then.
// Release it after use.
QNI_WARN_UNUSED qn_status qni_plan_cache_get(qni_plan_cache *cache, const int64_t *values,
                                             const bool *open, qni_bound_plan **out, qn_error *err);
void qni_plan_cache_release(qni_plan_cache *cache, qni_bound_plan *plan);

#endif
