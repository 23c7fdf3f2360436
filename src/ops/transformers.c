// Family transformers.
#include "kernels/attention/attention.h"
#include "ops/elementwise.h"

#include <math.h>
#include <string.h>

// ---- scaled_dot_product_attention: softmax(query . key^T / sqrt(d) + attn_mask) . value. A mask
// of bool leaves out what is false.

static const qni_param attention_params[] = {
    {"query", QNI_SET_FLOAT, 0, 'T', NULL},
    {"key", QNI_SET_FLOAT, 0, 'T', NULL},
    {"value", QNI_SET_FLOAT, 0, 'T', NULL},
    {"attn_mask", QNI_SET_FLOAT | QNI_DT(BOOL), QNI_OPTIONAL, 0, NULL},
};

static qn_status infer_attention(qni_infer *ctx)
{
    const qni_type *q = qni_infer_type(ctx, 0);
    const qni_type *k = qni_infer_type(ctx, 1);
    const qni_type *v = qni_infer_type(ctx, 2);
    const qni_type *mask = qni_infer_type(ctx, 3);
    int32_t r = q->rank;
    if (r < 3 || r > 5 || k->rank != r || v->rank != r) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED,
                              "query, key and value have ranks %d, %d and %d; wanted is "
                              "one of 3 to 5",
                              (int)r, (int)k->rank, (int)v->rank);
    }
    qni_dim dims[QNI_MAX_RANK];
    for (int32_t d = 0; d < r - 2; d++) {
        QNI_TRY(qni_infer_equal(ctx, q->dims[d], k->dims[d],
                                "the leading dimensions of query and key"));
        QNI_TRY(qni_infer_equal(ctx, q->dims[d], v->dims[d],
                                "the leading dimensions of query and value"));
        dims[d] = q->dims[d];
    }
    QNI_TRY(qni_infer_equal(ctx, q->dims[r - 1], k->dims[r - 1], "the columns of query and key"));
    QNI_TRY(qni_infer_equal(ctx, k->dims[r - 2], v->dims[r - 2], "the rows of key and value"));
    dims[r - 2] = q->dims[r - 2];
    dims[r - 1] = v->dims[r - 1];
    if (mask != NULL) {
        qni_type scores = {.rank = r};
        int32_t rank;
        qni_dim spread[QNI_MAX_RANK];
        memcpy(scores.dims, dims, sizeof scores.dims);
        scores.dims[r - 1] = k->dims[r - 2];
        QNI_TRY(qni_infer_broadcast(ctx, mask, &scores, &rank, spread));
        if (rank != r) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "attn_mask has rank %d; at most %d fits",
                                  (int)mask->rank, (int)r);
        }
    }
    qni_infer_set(ctx, 0, q->dtype, r, dims);
    return QN_OK;
}

// [..., m, d] as [b, h, 1, m, d] or, for keys and values, [b, h, t, d]: leading dimensions are put
// into b.
static qni_tensor split_leading(const qni_tensor *t, bool with_group)
{
    qni_tensor out = *t;
    out.rank = with_group ? 5 : 4;
    int64_t b = 1;
    for (int32_t d = 0; d < t->rank - 2; d++) {
        b *= t->dims[d];
    }
    int32_t tail = out.rank - 2;
    for (int32_t d = 0; d < tail; d++) {
        out.dims[d] = 1;
        out.strides[d] = 0;
    }
    out.dims[0] = b;
    out.strides[0] = t->dims[t->rank - 2] * t->dims[t->rank - 1]; // contiguous
    for (int32_t d = 0; d < 2; d++) {
        out.dims[tail + d] = t->dims[t->rank - 2 + d];
        out.strides[tail + d] = t->strides[t->rank - 2 + d];
    }
    return out;
}

static qn_status eval_attention(qni_eval *call)
{
    const qni_tensor *q = qni_eval_arg(call, 0);
    const qni_tensor *k = qni_eval_arg(call, 1);
    const qni_tensor *mask = qni_eval_arg(call, 3);
    if (call->outs[0].data == NULL) {
        return qni_eval_fail(call, QN_UNSUPPORTED, "attention of shapes that only the run tells");
    }
    const qk_attention_params params = {1.0f / sqrtf((float)q->dims[q->rank - 1]), mask != NULL};
    qni_tensor views[5] = {split_leading(&call->outs[0], true), split_leading(q, true),
                           split_leading(k, false), split_leading(qni_eval_arg(call, 2), false)};
    if (mask != NULL) { // written out to the scores' shape
        int64_t dims[QNI_MAX_RANK];
        memcpy(dims, q->dims, sizeof dims);
        dims[q->rank - 1] = k->dims[k->rank - 2];
        qni_tensor whole = qni_tensor_make(mask->dtype, q->rank, dims, NULL);
        QNI_TRY(qni_eval_scratch(call, qni_tensor_bytes(&whole) + 1, 1, &whole.data));
        qni_tensor spread = qni_tensor_broadcast(mask, &whole);
        qni_tensor_copy(&whole, &spread);
        views[4] = split_leading(&whole, true);
    }
    const qk_kernel *kernel = qk_attention_select(QNI_CPU_BIT(QNI_CPU_REF));
    qk_call inner = {&params, views, mask != NULL ? 5 : 4};
    void *scratch;
    QNI_TRY(qni_eval_scratch(call, kernel->scratch_bytes(&inner), 1, &scratch));
    kernel->run(&inner, scratch, 0, kernel->n_tasks(&inner));
    return QN_OK;
}

// The heads of a view, dimension `d`, as heads of keys times queries that share them. `group` is
// the second factor.
static bool split_heads(qni_symbols *s, qni_view *view, int32_t d, qni_dim heads, qni_dim group)
{
    qni_dim dims[QNI_MAX_RANK];
    for (int32_t i = 0; i < d; i++) {
        dims[i] = qni_view_dim(s, view, i);
    }
    dims[d] = heads;
    dims[d + 1] = group;
    for (int32_t i = d + 1; i < view->rank; i++) {
        dims[i + 1] = qni_view_dim(s, view, i);
    }
    return view->rank < QNI_MAX_RANK && qni_view_reshape(s, view, view->rank + 1, dims);
}

// Keys whose heads are repeated for several heads of queries: {(heads, stride), (group, 0)}.
static qni_dim group_of(const qni_view *k, int32_t d)
{
    int32_t f = k->first[d];
    bool grouped = k->first[d + 1] - f == 2 && qni_dim_is(k->stride[f + 1], 0);
    return grouped ? k->size[f + 1] : qni_dim_of(1);
}

// Views of rank 4 or less, brought to the kernel's [b, h, g, m, d] and [b, h, t, d].
static qn_status attention_views(qni_lower *lower, const qni_op *op, qni_view *views, bool *ok)
{
    qni_symbols *s = lower->symbols;
    int32_t r = op->outs[0]->type.rank;
    for (size_t p = 0; p < 3; p++) {
        QNI_TRY(qni_lower_view(lower, qni_arg(op, p), &views[1 + p]));
        qni_view_simplify(s, &views[1 + p]);
        if (r == 3) {
            qni_view_insert(&views[1 + p], 0);
        }
    }
    qni_view *k = &views[2];
    qni_view *v = &views[3];
    qni_dim group = group_of(k, 1);
    *ok = r <= 4 && qni_dim_equal(group, group_of(v, 1));
    if (!*ok) {
        return QN_OK;
    }
    qni_dim heads = qni_dim_exact_div(s, qni_view_dim(s, &views[1], 1), group);
    if (!qni_dim_is(group, 1)) {
        for (qni_view *x = k; x <= v; x++) { // without the repetition
            int32_t f = x->first[1] + 1;
            x->size[f] = qni_dim_of(1);
            qni_view_simplify(s, x);
        }
    }
    *ok = split_heads(s, &views[1], 1, heads, group) && qni_view_is_plain(&views[1]) &&
          qni_view_is_plain(k) && qni_view_is_plain(v);
    if (*ok && qni_arg(op, 3) != NULL) {
        qni_dim dims[4] = {qni_view_dim(s, &views[1], 0), qni_dim_mul(s, heads, group),
                           qni_view_dim(s, &views[1], 3), qni_view_dim(s, k, 2)};
        QNI_TRY(qni_lower_plain(lower, qni_arg(op, 3), &views[4]));
        *ok = qni_view_broadcast(s, &views[4], 4, dims) &&
              split_heads(s, &views[4], 1, heads, group) && qni_view_is_plain(&views[4]);
    }
    return QN_OK;
}

static qn_status lower_attention(qni_lower *lower, const qni_op *op)
{
    const qni_type *q = &qni_arg(op, 0)->type;
    qni_view views[5];
    bool ok;
    QNI_TRY(attention_views(lower, op, views, &ok));
    if (!ok || !qni_dim_is_const(q->dims[q->rank - 1])) {
        return qni_lower_eval(lower, op);
    }
    qk_attention_params *params = qni_arena_alloc(lower->arena, sizeof *params);
    if (params == NULL) {
        return qni_fail_memory(lower->err);
    }
    bool has_mask = qni_arg(op, 3) != NULL;
    *params = (qk_attention_params){1.0f / sqrtf((float)q->dims[q->rank - 1].add), has_mask};
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    if (q->rank == 3) {
        qni_view_insert(&views[0], 0);
    }
    if (!split_heads(lower->symbols, &views[0], 1, qni_view_dim(lower->symbols, &views[1], 1),
                     qni_view_dim(lower->symbols, &views[1], 2))) {
        return qni_fail(lower->err, QN_INTERNAL, op->name,
                        "the heads of the result cannot be split");
    }
    return qni_lower_step(lower, qk_attention_select(lower->cpu), params, views, has_mask ? 5 : 4,
                          1);
}

static const char *const attention_cases[] = {
    "query=fp16[1,2,3,20]; key=fp16[1,2,5,20]; value=fp16[1,2,5,18]",
    "query=fp32[2,2,1,32]; key=fp32[2,2,70,32]; value=fp32[2,2,70,32]; "
    "attn_mask=fp32[1,1,1,70]{-2..0}",
    "query=fp16[1,4,13,32]; key=fp16[1,4,33,32]; value=fp16[1,4,33,32]; attn_mask=bool[13,33]",
    "query=fp32[2,3,8]; key=fp32[2,4,8]; value=fp32[2,4,8]",
    NULL,
};

const qni_op_def qni_op_scaled_dot_product_attention = {
    .name = "scaled_dot_product_attention",
    .opset = QNI_IOS18,
    .family = "transformers",
    .params = attention_params,
    .n_params = 4,
    .n_outs = 1,
    .infer = infer_attention,
    .eval = eval_attention,
    .lower = lower_attention,
    .cases = attention_cases,
};
