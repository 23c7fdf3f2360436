// Runs plans. A context holds what one run at a time needs: memory, registers, resolved views.
// Making it allocates all of that; running it allocates nothing, unless the program has results
// whose size only the run can tell.
#ifndef QNI_EXEC_EXEC_H
#define QNI_EXEC_EXEC_H

#include "base/threads.h"
#include "plan/plan.h"

typedef struct qni_exec qni_exec;

// Counters of one step, summed over runs while watching or profiling is on.
typedef struct qni_step_stats {
    uint64_t calls;
    uint64_t us; // with profile
    // with watch: elements that are not finite though all inputs of the step were
    uint64_t overflows;
} qni_step_stats;

// Sees each step's outputs right after it, in the calling thread. A failure ends the run with it.
typedef qn_status qni_tap_fn(void *context, const qni_step *step, const qni_tensor *outs,
                             size_t n_outs, qn_error *err);

// `plan` and `threads` (may be NULL) must outlive the context.
QNI_WARN_UNUSED qn_status qni_exec_create(const qni_plan *plan, qni_threads *threads,
                                          qni_exec **out, qn_error *err);
void qni_exec_free(qni_exec *exec); // NULL is fine

void qni_exec_set_profile(qni_exec *exec, bool on);
void qni_exec_set_watch(qni_exec *exec, bool on);
void qni_exec_clear_overflows(qni_exec *exec);
void qni_exec_set_tap(qni_exec *exec, qni_tap_fn *tap, void *context); // NULL: none
const qni_step_stats *qni_exec_stats(const qni_exec *exec);            // one per step of the plan

// One run. `inputs` in the plan's order: contiguous, of the plan's element types; dimensions that
// are constants in the plan must be those. `states` points to the memory of each state, in the
// plan's order. On success outputs can be read until the next run. QN_INVALID_ARGUMENT when a check
// of the plan does not hold.
QNI_WARN_UNUSED qn_status qni_exec_run(qni_exec *exec, const qni_tensor *inputs,
                                       void *const *states, qn_error *err);

const qni_tensor *qni_exec_output(const qni_exec *exec, size_t i);

#endif
