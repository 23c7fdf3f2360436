// Family control_flow, what of it has no blocks: choosing by element. const is in constexpr.c.
#include "ops/elementwise.h"

#include <string.h>

// ---- select: a where cond is true, b elsewhere; the three are broadcast together.

static const qni_param select_params[] = {
    {"cond", QNI_DT(BOOL), 0, 0, NULL},
    {"a", QNI_SET_BYTES, 0, 'T', NULL},
    {"b", QNI_SET_BYTES, 0, 'T', NULL},
};

static qn_status infer_select(qni_infer *ctx)
{
    qni_type both = *qni_infer_type(ctx, 1);
    int32_t rank;
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(qni_infer_broadcast(ctx, &both, qni_infer_type(ctx, 2), &rank, dims));
    both.rank = rank;
    memcpy(both.dims, dims, sizeof both.dims);
    QNI_TRY(qni_infer_broadcast(ctx, &both, qni_infer_type(ctx, 0), &rank, dims));
    qni_infer_set(ctx, 0, both.dtype, rank, dims);
    return QN_OK;
}

static qn_status eval_select(qni_eval *call)
{
    qni_tensor *out = &call->outs[0];
    if (out->data == NULL) { // sizes that only the run tells: of the argument of the highest rank
        const qni_tensor *widest = qni_eval_arg(call, 0);
        for (size_t p = 1; p < 3; p++) {
            const qni_tensor *t = qni_eval_arg(call, p);
            widest = qni_tensor_count(t) > qni_tensor_count(widest) ? t : widest;
        }
        if (widest->rank != out->rank) {
            return qni_eval_fail(call, QN_UNSUPPORTED, "shapes that only the run tells");
        }
        QNI_TRY(qni_eval_resize(call, 0, widest->dims));
    }
    qni_tensor views[3];
    for (size_t p = 0; p < 3; p++) {
        views[p] = qni_tensor_broadcast(qni_eval_arg(call, p), out);
    }
    size_t size = qni_element_bytes(out->dtype);
    for (int64_t i = 0, n = qni_tensor_count(out); i < n; i++) {
        const qni_tensor *from = &views[qni_tensor_get_int(&views[0], i) != 0 ? 1 : 2];
        memcpy((char *)out->data + (size_t)i * size,
               (const char *)from->data + (size_t)qni_tensor_offset(from, i) * size, size);
    }
    return QN_OK;
}

static const char *const select_cases[] = {
    "cond=bool[2,3]; a=fp16[2,3]; b=fp16[2,3]",
    "cond=bool[3]; a=int32[2,1]{-9..9}; b=int32[]{-9..9}",
    "cond=bool[2](true, false); a=fp32[2](1, 2); b=fp32[2](3, 4) -> fp32[2](1, 4)",
    NULL,
};

const qni_op_def qni_op_select = {
    .name = "select",
    .opset = QNI_IOS15,
    .family = "control_flow",
    .params = select_params,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_ELEMENTWISE,
    .infer = infer_select,
    .eval = eval_select,
    .cases = select_cases,
};
