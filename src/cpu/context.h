// What the files of src/cpu share: the runner, and its contexts' part of the runner's table.
#ifndef QNI_CPU_CONTEXT_H
#define QNI_CPU_CONTEXT_H

#include "base/threads.h"
#include "cpu/bind.h"
#include "cpu/cpu.h"
#include "spec/read.h"

typedef struct qni_cpu_runner {
    qni_runner base;
    char *path;
    qni_model *model;
    qni_threads *threads;
    qni_pack_cache *packs;
    qni_compile_options options; // bindings empty
    qni_plan_cache *caches;      // one per function
    size_t n_caches;
    qni_signature *signatures;
    qni_model_info info;
} qni_cpu_runner;

// The memory of each state that the function declares, found by name in `state` (may be NULL).
QNI_WARN_UNUSED qn_status qni_cpu_state_memory(const qni_run_state *state,
                                               const qni_model_function *function, void **memory,
                                               qn_error *err);

// See runner.h.
QNI_WARN_UNUSED qn_status qni_cpu_create_context(qni_runner *runner, size_t function,
                                                 const qni_open_dim *open_dims, size_t n_open_dims,
                                                 qni_run_context **out, qn_error *err);
void qni_cpu_free_context(qni_run_context *context);
QNI_WARN_UNUSED qn_status qni_cpu_run(qni_run_context *context, const qni_tensor *inputs,
                                      qni_run_state *state, qn_error *err);
const qni_tensor *qni_cpu_output(const qni_run_context *context, size_t i);
void qni_cpu_set_watch(qni_run_context *context, bool on);
void qni_cpu_set_profile(qni_run_context *context, bool on);
void qni_cpu_set_tap(qni_run_context *context, qni_run_tap *tap, void *user);
size_t qni_cpu_overflows(const qni_run_context *context, qni_overflow *rows, size_t capacity);
size_t qni_cpu_profile(const qni_run_context *context, qni_profile_row *rows, size_t capacity);
void qni_cpu_stats(const qni_run_context *context, qni_run_stats *out);
QNI_WARN_UNUSED qn_status qni_cpu_describe(const qni_run_context *context, qni_buf *out,
                                           qn_error *err);

#endif
