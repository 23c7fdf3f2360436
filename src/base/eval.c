#include "base/eval.h"

int64_t qni_eval_int(const qni_eval *call, size_t p, int64_t otherwise)
{
    const qni_tensor *t = qni_eval_arg(call, p);
    return t != NULL ? qni_tensor_get_int(t, 0) : otherwise;
}

double qni_eval_number(const qni_eval *call, size_t p, double otherwise)
{
    const qni_tensor *t = qni_eval_arg(call, p);
    return t != NULL ? qni_tensor_get(t, 0) : otherwise;
}

bool qni_eval_bool(const qni_eval *call, size_t p, bool otherwise)
{
    const qni_tensor *t = qni_eval_arg(call, p);
    return t != NULL ? qni_tensor_get_int(t, 0) != 0 : otherwise;
}

const char *qni_eval_text(const qni_eval *call, size_t p, const char *otherwise)
{
    const qni_tensor *t = qni_eval_arg(call, p);
    return t != NULL ? *(const char *const *)t->data : otherwise;
}

qn_status qni_eval_resize(qni_eval *call, size_t i, const int64_t *dims)
{
    qni_tensor *out = &call->outs[i];
    QNI_TRY(qni_shape_check(out->dtype, out->rank, dims, call->name, call->err));
    qni_tensor sized = qni_tensor_make(out->dtype, out->rank, dims, NULL);
    void *data;
    QNI_TRY(qni_eval_scratch(call, qni_tensor_bytes(&sized), 1, &data));
    sized.data = data;
    *out = sized;
    return QN_OK;
}

qn_status qni_eval_scratch(qni_eval *call, size_t count, size_t size, void *out)
{
    void *memory = qni_arena_array(call->arena, count != 0 ? count : 1, size);
    if (memory == NULL) {
        size_t bytes;
        size_t room = call->arena->limit_bytes - call->arena->total_bytes;
        if (!__builtin_mul_overflow(count, size, &bytes) && bytes <= room / 16 * 16) {
            return qni_fail_memory(call->err);
        }
        return qni_eval_fail(call, QN_LIMIT_EXCEEDED,
                             "no memory for %zu elements of %zu bytes; the run has %zu of at "
                             "most %zu bytes",
                             count, size, call->arena->total_bytes, call->arena->limit_bytes);
    }
    *(void **)out = memory;
    return QN_OK;
}
