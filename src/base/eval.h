// How the reference evaluation of an operation is called: over plain tensor views, without the IR,
// so that a plan can carry it as a function pointer.
#ifndef QNI_BASE_EVAL_H
#define QNI_BASE_EVAL_H

#include "base/arena.h"
#include "base/tensor.h"

// The arguments of one parameter: args[first .. first + count). Count 0: not given, and it has no
// default.
typedef struct qni_span {
    uint32_t first;
    uint32_t count;
} qni_span;

// One call. Arguments are in the order of the operation's parameter table, with its defaults filled
// in. An output comes with its type; when its shape is known, also with memory. Otherwise `data` is
// NULL, its unknown dimensions are -1, and the evaluation gives them to qni_eval_resize before it
// writes.
typedef struct qni_eval {
    const qni_tensor *args;
    const qni_span *params;
    qni_tensor *outs;
    size_t n_outs;
    const char *name; // of the operation, for messages
    qni_arena *arena; // of qni_eval_resize and qni_eval_scratch; lives to the end of the run
    qn_error *err;
} qni_eval;

typedef qn_status qni_eval_fn(qni_eval *call);

// The only argument of parameter `p`; NULL when it is not given.
static inline const qni_tensor *qni_eval_arg(const qni_eval *call, size_t p)
{
    return call->params[p].count != 0 ? &call->args[call->params[p].first] : NULL;
}

static inline size_t qni_eval_count(const qni_eval *call, size_t p)
{
    return call->params[p].count;
}

static inline const qni_tensor *qni_eval_arg_at(const qni_eval *call, size_t p, size_t i)
{
    return &call->args[call->params[p].first + i];
}

// The value of a scalar parameter; `otherwise` when it is not given.
int64_t qni_eval_int(const qni_eval *call, size_t p, int64_t otherwise);
double qni_eval_number(const qni_eval *call, size_t p, double otherwise);
bool qni_eval_bool(const qni_eval *call, size_t p, bool otherwise);

// The text of a string parameter; `otherwise` when it is not given.
const char *qni_eval_text(const qni_eval *call, size_t p, const char *otherwise);

// Gives output `i` its dimensions (rank as in outs[i]) and zeroed memory.
QNI_WARN_UNUSED qn_status qni_eval_resize(qni_eval *call, size_t i, const int64_t *dims);

// Zeroed memory for the time of the call; fails with QN_LIMIT_EXCEEDED past the arena's limit.
QNI_WARN_UNUSED qn_status qni_eval_scratch(qni_eval *call, size_t count, size_t size, void *out);

// Fails with the operation's name as `where`.
#define qni_eval_fail(call, status, ...) qni_fail((call)->err, status, (call)->name, __VA_ARGS__)

#endif
