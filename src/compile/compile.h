// From a function of the IR to a plan, for one binding of its input dimensions.
//
// The way: specialize (a copy of the function with its dimensions bound, inferred anew), the passes
// of passes.def on that copy, lowering (each operation adds steps or says its result is a view),
// dead steps out, memory laid out, dimensions turned into registers.
#ifndef QNI_COMPILE_COMPILE_H
#define QNI_COMPILE_COMPILE_H

#include "mil/ir.h"
#include "ops/lower.h"
#include "plan/plan.h"

// How an input symbol of the function is bound: to a value, or, to stay open in the plan, to a
// register that takes values in [lo, hi]. lo is at least 2: a dimension of 1 broadcasts, and so
// changes what the program means.
typedef struct qni_binding {
    bool is_register;
    int64_t value;
    int64_t lo, hi;
} qni_binding;

// Packed weights of one model, shared by its plans. Safe from several threads.
typedef struct qni_pack_cache qni_pack_cache;
QNI_WARN_UNUSED qn_status qni_pack_cache_create(qni_pack_cache **out, qn_error *err);
void qni_pack_cache_free(qni_pack_cache *cache); // NULL is fine; after all plans that use it
size_t qni_pack_cache_bytes(qni_pack_cache *cache);

typedef struct qni_compile_options {
    const qni_binding *bindings; // by symbol of the function; those of input symbols are read
    qni_cpu_flags cpu;
    const char *precision; // "exact"
    qni_pack_cache *packs;
} qni_compile_options;

// The plan refers to the program's constants and to packed weights: both must outlive it.
QNI_WARN_UNUSED qn_status qni_compile_function(const qni_function *function,
                                               const qni_compile_options *options, qni_plan **out,
                                               qn_error *err);

#endif
