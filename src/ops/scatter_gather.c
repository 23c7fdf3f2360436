// Family scatter_gather: elements chosen, or written, by indices. A negative index counts from the
// end. One outside of the dimension is an error of the run when it is read.
#include "ops/common.h"
#include "ops/elementwise.h"
#include "ops/weights.h"

#include <string.h>

#define WIDE  QNI_SET_BYTES
#define INDEX QNI_SET_INDEX

// An index of the run brought to [0, n).
static qn_status take_index(const qni_eval *call, int64_t index, int64_t n, int64_t *out)
{
    *out = index < 0 ? index + n : index;
    if (*out < 0 || *out >= n) {
        return qni_eval_fail(call, QN_INVALID_ARGUMENT,
                             "index %lld is outside of a dimension of %lld", (long long)index,
                             (long long)n);
    }
    return QN_OK;
}

// Scattering takes the nearest place for an index outside of the dimension, whatever
// validate_indices says: the recorded conformance cases expect it, and MIL leaves the behaviour
// open where it is false. (On a Mac, Core ML refuses to predict where it is true.)
static int64_t nearest_index(int64_t index, int64_t n)
{
    index += index < 0 ? n : 0;
    return index < 0 ? 0 : index >= n ? n - 1 : index;
}

static int64_t product(const int64_t *dims, int32_t begin, int32_t end)
{
    int64_t n = 1;
    for (int32_t d = begin; d < end; d++) {
        n *= dims[d];
    }
    return n;
}

static void copy_elements(const qni_tensor *out, int64_t to, const qni_tensor *x, int64_t from,
                          int64_t n)
{
    size_t size = qni_element_bytes(x->dtype);
    memcpy((char *)out->data + (size_t)to * size, (const char *)x->data + (size_t)from * size,
           (size_t)n * size);
}

#define GATHER(name_, suffix, opset_, params_, n_)                         \
    const qni_op_def qni_op_##name_##suffix = {.name = #name_,             \
                                               .opset = opset_,            \
                                               .family = "scatter_gather", \
                                               .params = params_,          \
                                               .n_params = n_,             \
                                               .n_outs = 1,                \
                                               .infer = infer_##name_,     \
                                               .eval = eval_##name_,       \
                                               .lower = lower_##name_,     \
                                               .cases = name_##_cases};

// ---- gather: slices of x along `axis`, one for each index; batch_dims leading dimensions go
// along.

static const qni_param gather_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"indices", QNI_DT(I32) | QNI_SET_INT16S, 0, 'I', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
    {"batch_dims", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
};
static const qni_param gather_params_ios17[] = {
    {"x", WIDE, 0, 'T', NULL},
    {"indices", INDEX, 0, 'I', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
    {"batch_dims", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
    {"validate_indices", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

static void gather_ints(qni_infer *ctx)
{
    const qni_value *x = qni_arg(ctx->op, 0);
    const qni_value *indices = qni_arg(ctx->op, 1);
    int64_t n = qni_value_n_ints(x);
    bool known = x->type.rank == 1 && n >= 0 && indices->constant != NULL &&
                 indices->type.rank <= 1;
    qni_dim *ints = known ? qni_infer_ints(ctx, 0) : NULL;
    for (int64_t i = 0; ints != NULL && i < qni_tensor_count(indices->constant); i++) {
        int64_t at = qni_tensor_get_int(indices->constant, i);
        at += at < 0 ? n : 0;
        if (at < 0 || at >= n) {
            ctx->op->outs[0]->ints = NULL;
            return;
        }
        ints[i] = qni_value_int(x, at);
    }
}

static qn_status infer_gather(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_type *indices = qni_infer_type(ctx, 1);
    int64_t batch = ctx->op->def->n_params > 3 ? qni_infer_int(ctx, 3, 0) : 0;
    int32_t axis;
    qni_dim dims[2 * QNI_MAX_RANK];
    QNI_TRY(qni_infer_axis(ctx, 2, qni_infer_int(ctx, 2, 0), x->rank, &axis));
    batch += batch < 0 ? indices->rank : 0;
    int64_t rank = (int64_t)x->rank - 1 + indices->rank - batch;
    if (batch < 0 || batch > axis || batch > indices->rank || rank > QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "batch_dims %lld with axis %d and indices of rank %d",
                              (long long)batch, (int)axis, (int)indices->rank);
    }
    int32_t n = 0;
    for (int32_t d = 0; d < axis; d++) {
        if (d < batch) {
            QNI_TRY(
                qni_infer_equal(ctx, x->dims[d], indices->dims[d], "the batches of x and indices"));
        }
        dims[n++] = x->dims[d];
    }
    for (int32_t d = (int32_t)batch; d < indices->rank; d++) {
        dims[n++] = indices->dims[d];
    }
    for (int32_t d = axis + 1; d < x->rank; d++) {
        dims[n++] = x->dims[d];
    }
    qni_infer_set(ctx, 0, x->dtype, n, dims);
    gather_ints(ctx);
    return QN_OK;
}

static qn_status resize_gather(qni_eval *call, int32_t axis, int64_t batch)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *indices = qni_eval_arg(call, 1);
    int64_t dims[2 * QNI_MAX_RANK];
    int32_t n = 0;
    for (int32_t d = 0; d < axis; d++) {
        dims[n++] = x->dims[d];
    }
    for (int32_t d = (int32_t)batch; d < indices->rank; d++) {
        dims[n++] = indices->dims[d];
    }
    for (int32_t d = axis + 1; d < x->rank; d++) {
        dims[n++] = x->dims[d];
    }
    return qni_eval_resize(call, 0, dims);
}

static qn_status eval_gather(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *indices = qni_eval_arg(call, 1);
    int64_t axis = qni_eval_int(call, 2, 0);
    int64_t batch = qni_eval_int(call, 3, 0);
    axis += axis < 0 ? x->rank : 0;
    batch += batch < 0 ? indices->rank : 0;
    if (call->outs[0].data == NULL) {
        QNI_TRY(resize_gather(call, (int32_t)axis, batch));
    }
    int64_t batches = product(x->dims, 0, (int32_t)batch);
    int64_t outer = product(x->dims, (int32_t)batch, (int32_t)axis);
    int64_t n = x->dims[axis];
    int64_t inner = product(x->dims, (int32_t)axis + 1, x->rank);
    int64_t per = product(indices->dims, (int32_t)batch, indices->rank);
    int64_t to = 0;
    for (int64_t b = 0; b < batches; b++) {
        for (int64_t o = 0; o < outer; o++) {
            for (int64_t i = 0; i < per; i++, to += inner) {
                int64_t at;
                QNI_TRY(take_index(call, qni_tensor_get_int(indices, b * per + i), n, &at));
                copy_elements(&call->outs[0], to, x, ((b * outer + o) * n + at) * inner, inner);
            }
        }
    }
    return QN_OK;
}

// Rows of a compressed weight are unpacked as they are gathered: an embedding never stands whole in
// memory.
static qn_status lower_gather(qni_lower *lower, const qni_op *op)
{
    const qni_value *x = qni_arg(op, 0);
    const qni_value *indices = qni_arg(op, 1);
    qni_weight_source source;
    bool by_rows = x->constant == NULL && qni_find_weight(x, &source) &&
                   qni_tensor_get_int(qni_arg(op, 2)->constant, 0) == 0 &&
                   qni_tensor_get_int(qni_arg(op, 3)->constant, 0) == 0;
    if (!by_rows) {
        return qni_lower_eval(lower, op);
    }
    qk_dot_params *params = qni_arena_alloc(lower->arena, sizeof *params);
    if (params == NULL) {
        return qni_fail_memory(lower->err);
    }
    QNI_TRY(qni_lower_weights(lower, &source, &params->weights));
    qni_dim rows = qni_type_count(lower->symbols, &indices->type);
    const qni_dim dims[2] = {rows, x->type.dims[1]};
    qni_view views[2];
    qni_view out;
    QNI_TRY(qni_lower_dense(lower, indices, &views[1]));
    qni_dim offset = views[1].offset;
    views[1] = qni_view_dense(lower->symbols, views[1].buffer, views[1].dtype, 1, &rows);
    views[1].offset = offset;
    QNI_TRY(qni_lower_output(lower, op->outs[0], &out));
    views[0] = qni_view_dense(lower->symbols, out.buffer, out.dtype, 2, dims);
    return qni_lower_step(lower, qk_rows_select(lower->cpu), params, views, 2, 1);
}

static const char *const gather_cases[] = {
    "x=fp16[5,3]; indices=int32[4]{-5..4}; axis=0",
    "x=fp32[2,5,3]; indices=int32[2,2]{0..4}; axis=1",
    "x=fp32[2,5,3]; indices=int32[2,2]{0..4}; axis=1; batch_dims=1",
    "x=int32[5]{-9..9}; indices=int32[](2)",
    "x=fp32[3](5, 6, 7); indices=int32[2](2, 0) -> fp32[2](7, 5)",
    NULL,
};

GATHER(gather, , QNI_IOS15, gather_params, 4)
GATHER(gather, __ios17, QNI_IOS17, gather_params_ios17, 5)

// ---- gather_along_axis: out[..., i, ...] = x[..., indices[..., i, ...], ...].

static const qni_param along_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"indices", QNI_DT(I32) | QNI_SET_INT16S, 0, 'I', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
};
static const qni_param along_params_ios17[] = {
    {"x", WIDE, 0, 'T', NULL},
    {"indices", INDEX, 0, 'I', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
    {"validate_indices", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

static qn_status infer_gather_along_axis(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_type *indices = qni_infer_type(ctx, 1);
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 2, qni_infer_int(ctx, 2, 0), x->rank, &axis));
    if (x->rank != indices->rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "x has rank %d and indices %d", (int)x->rank,
                              (int)indices->rank);
    }
    for (int32_t d = 0; d < x->rank; d++) {
        if (d != axis) {
            QNI_TRY(qni_infer_equal(ctx, x->dims[d], indices->dims[d], "x and indices"));
        }
    }
    qni_infer_set(ctx, 0, x->dtype, x->rank, indices->dims);
    return QN_OK;
}

static qn_status eval_gather_along_axis(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *indices = qni_eval_arg(call, 1);
    int64_t axis = qni_eval_int(call, 2, 0);
    axis += axis < 0 ? x->rank : 0;
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, indices->dims));
    }
    int64_t inner = product(x->dims, (int32_t)axis + 1, x->rank);
    int64_t n = x->dims[axis];
    int64_t count = indices->dims[axis];
    for (int64_t i = 0, total = qni_tensor_count(indices); i < total; i++) {
        int64_t at;
        QNI_TRY(take_index(call, qni_tensor_get_int(indices, i), n, &at));
        int64_t outer = i / (inner * count);
        copy_elements(&call->outs[0], i, x, (outer * n + at) * inner + i % inner, 1);
    }
    return QN_OK;
}

#define lower_gather_along_axis NULL

static const char *const gather_along_axis_cases[] = {
    "x=fp16[5,3]; indices=int32[4,3]{-5..4}; axis=0",
    "x=fp32[2,5]; indices=int32[2,7]{0..4}; axis=-1", NULL};

GATHER(gather_along_axis, , QNI_IOS15, along_params, 3)
GATHER(gather_along_axis, __ios17, QNI_IOS17, along_params_ios17, 4)

// ---- gather_nd: the last dimension of indices is a place in x (behind batch_dims leading
// dimensions).

static const qni_param nd_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"indices", QNI_DT(I32) | QNI_SET_INT16S, 0, 'I', NULL},
    {"batch_dims", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
};
static const qni_param nd_params_ios17[] = {
    {"x", WIDE, 0, 'T', NULL},
    {"indices", INDEX, 0, 'I', NULL},
    {"batch_dims", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
    {"validate_indices", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

static qn_status infer_gather_nd(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_type *indices = qni_infer_type(ctx, 1);
    int64_t batch = qni_infer_int(ctx, 2, 0);
    qni_dim dims[2 * QNI_MAX_RANK];
    bool known = indices->rank > 0 && qni_dim_is_const(indices->dims[indices->rank - 1]);
    int64_t depth = known ? indices->dims[indices->rank - 1].add : -1;
    if (!known || batch < 0 || batch >= indices->rank || depth < 0 || batch + depth > x->rank ||
        indices->rank - 1 + x->rank - batch - depth > QNI_MAX_RANK) {
        return qni_infer_fail(
            ctx, QN_INVALID_MODEL,
            "indices of rank %d, whose last dimension is %lld, with batch_dims %lld, for x "
            "of rank %d",
            (int)indices->rank, (long long)depth, (long long)batch, (int)x->rank);
    }
    int32_t n = 0;
    for (int32_t d = 0; d + 1 < indices->rank; d++) {
        if (d < batch) {
            QNI_TRY(
                qni_infer_equal(ctx, x->dims[d], indices->dims[d], "the batches of x and indices"));
        }
        dims[n++] = indices->dims[d];
    }
    for (int32_t d = (int32_t)(batch + depth); d < x->rank; d++) {
        dims[n++] = x->dims[d];
    }
    qni_infer_set(ctx, 0, x->dtype, n, dims);
    return QN_OK;
}

// The position in x of place number i: the elements from there on are the slice.
static qn_status nd_place(const qni_eval *call, const qni_tensor *x, const qni_tensor *indices,
                          int64_t i, int64_t batch, int64_t depth, int64_t *out)
{
    int64_t per_batch = product(indices->dims, (int32_t)batch, indices->rank - 1);
    int64_t at = batch > 0 && per_batch > 0 ? i / per_batch : 0;
    for (int64_t d = 0; d < depth; d++) {
        int64_t index;
        int64_t n = x->dims[batch + d];
        QNI_TRY(take_index(call, qni_tensor_get_int(indices, i * depth + d), n, &index));
        at = at * n + index;
    }
    *out = at * product(x->dims, (int32_t)(batch + depth), x->rank);
    return QN_OK;
}

static qn_status eval_gather_nd(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *indices = qni_eval_arg(call, 1);
    int64_t batch = qni_eval_int(call, 2, 0);
    int64_t depth = indices->dims[indices->rank - 1];
    if (call->outs[0].data == NULL) {
        return qni_eval_fail(call, QN_UNSUPPORTED, "gather_nd of shapes that only the run tells");
    }
    int64_t inner = product(x->dims, (int32_t)(batch + depth), x->rank);
    int64_t places = product(indices->dims, 0, indices->rank - 1);
    for (int64_t i = 0; i < places; i++) {
        int64_t from;
        QNI_TRY(nd_place(call, x, indices, i, batch, depth, &from));
        copy_elements(&call->outs[0], i * inner, x, from, inner);
    }
    return QN_OK;
}

#define lower_gather_nd NULL

static const char *const gather_nd_cases[] = {
    "x=fp16[5,3]; indices=int32[4,1]{-5..4}",
    "x=fp32[2,5,3]; indices=int32[2,2,1]{0..4}; batch_dims=1",
    "x=fp32[4,3]; indices=int32[3,2]{0..2}", NULL};

GATHER(gather_nd, , QNI_IOS15, nd_params, 3)
GATHER(gather_nd, __ios17, QNI_IOS17, nd_params_ios17, 4)

// ---- Scattering: a copy of data, with updates combined into it one after the other.

static const char *const modes[] = {"add", "sub", "mul", "div", "max", "min", "update"};
enum { N_MODES = sizeof modes / sizeof *modes };

static int find_mode(const char *name)
{
    for (int m = 0; m < N_MODES; m++) {
        if (strcmp(modes[m], name) == 0) {
            return m;
        }
    }
    return -1;
}

static qn_status check_mode(qni_infer *ctx, size_t p)
{
    const char *mode = qni_infer_text(ctx, p, "add");
    return find_mode(mode) >= 0
               ? QN_OK
               : qni_infer_fail(ctx, QN_INVALID_MODEL,
                                "mode \"%s\"; allowed are add, sub, mul, div, max, min and update",
                                mode);
}

static void combine(const qni_tensor *out, int64_t to, const qni_tensor *updates, int64_t from,
                    int mode)
{
    static const qk_binary_op ops[N_MODES] = {
        QK_BINARY_add,     QK_BINARY_sub,     QK_BINARY_mul,  QK_BINARY_real_div,
        QK_BINARY_maximum, QK_BINARY_minimum, QK_BINARY_first};
    size_t size = qni_element_bytes(out->dtype);
    qni_tensor a = qni_tensor_make(out->dtype, 0, NULL, (char *)out->data + (size_t)to * size);
    qni_tensor b = qni_tensor_make(out->dtype, 0, NULL,
                                   (char *)updates->data + (size_t)from * size);
    const qk_binary_params params = {ops[mode]};
    const qni_tensor views[3] = {a, ops[mode] == QK_BINARY_first ? b : a, b};
    qni_run_kernel(qk_binary_select(QNI_CPU_BIT(QNI_CPU_REF)), &params, views, 3);
}

static qn_status begin_scatter(qni_eval *call)
{
    const qni_tensor *data = qni_eval_arg(call, 0);
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, data->dims));
    }
    qni_tensor_copy(&call->outs[0], data);
    return QN_OK;
}

#define SCATTER_PARAMS(name_, axis_param)                                           \
    static const qni_param name_##_params[] = {                                     \
        {"data", WIDE, 0, 'T', NULL},                                               \
        {"indices", INDEX, 0, 0, NULL},                                             \
        {"updates", WIDE, 0, 'T', NULL},                                            \
        axis_param{"mode", QNI_DT(STRING), QNI_CONST | QNI_OPTIONAL, 0, "\"add\""}, \
        {"validate_indices", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},   \
    };
#define AXIS {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
#define NO_AXIS

#define SCATTER(name_, n_)                                                  \
    const qni_op_def qni_op_##name_ = {.name = #name_,                      \
                                       .opset = QNI_IOS15,                  \
                                       .family = "scatter_gather",          \
                                       .params = name_##_params,            \
                                       .n_params = (n_)-1,                  \
                                       .n_outs = 1,                         \
                                       .infer = infer_##name_,              \
                                       .eval = eval_##name_,                \
                                       .cases = name_##_cases};             \
    const qni_op_def qni_op_##name_##__ios17 = {.name = #name_,             \
                                                .opset = QNI_IOS17,         \
                                                .family = "scatter_gather", \
                                                .params = name_##_params,   \
                                                .n_params = n_,             \
                                                .n_outs = 1,                \
                                                .infer = infer_##name_,     \
                                                .eval = eval_##name_,       \
                                                .cases = name_##_cases};

// ---- scatter: updates[..., i, ...] into data[..., indices[i], ...].

SCATTER_PARAMS(scatter, AXIS)

static qn_status infer_scatter(qni_infer *ctx)
{
    const qni_type *data = qni_infer_type(ctx, 0);
    const qni_type *indices = qni_infer_type(ctx, 1);
    const qni_type *updates = qni_infer_type(ctx, 2);
    int32_t axis;
    QNI_TRY(check_mode(ctx, 4));
    QNI_TRY(qni_infer_axis(ctx, 3, qni_infer_int(ctx, 3, 0), data->rank, &axis));
    if (updates->rank != data->rank - 1 + indices->rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "updates has rank %d; wanted is %d",
                              (int)updates->rank, (int)(data->rank - 1 + indices->rank));
    }
    for (int32_t d = 0; d < updates->rank; d++) {
        int32_t i = d - axis;
        qni_dim wanted = i < 0               ? data->dims[d]
                         : i < indices->rank ? indices->dims[i]
                                             : data->dims[d - indices->rank + 1];
        QNI_TRY(qni_infer_equal(ctx, updates->dims[d], wanted, "updates"));
    }
    qni_infer_same(ctx, 0, data);
    return QN_OK;
}

static qn_status eval_scatter(qni_eval *call)
{
    const qni_tensor *data = qni_eval_arg(call, 0);
    const qni_tensor *indices = qni_eval_arg(call, 1);
    int64_t axis = qni_eval_int(call, 3, 0);
    int mode = find_mode(qni_eval_text(call, 4, "add"));
    axis += axis < 0 ? data->rank : 0;
    QNI_TRY(begin_scatter(call));
    int64_t outer = product(data->dims, 0, (int32_t)axis);
    int64_t inner = product(data->dims, (int32_t)axis + 1, data->rank);
    int64_t n = data->dims[axis];
    int64_t count = qni_tensor_count(indices);
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < count; i++) {
            int64_t at = nearest_index(qni_tensor_get_int(indices, i), n);
            for (int64_t j = 0; j < inner; j++) {
                combine(&call->outs[0], (o * n + at) * inner + j, qni_eval_arg(call, 2),
                        (o * count + i) * inner + j, mode);
            }
        }
    }
    return QN_OK;
}

static const char *const scatter_cases[] = {
    "data=fp16[5,3]; indices=int32[2](1, -1); updates=fp16[2,3]; axis=0",
    "data=fp32[2,5]; indices=int32[3](0, 4, 0); updates=fp32[2,3]; axis=1; mode=\"update\"",
    "data=int32[4]{-9..9}; indices=int32[2](1, 1); updates=int32[2]{1..3}; mode=\"mul\"", NULL};

SCATTER(scatter, 6)

// ---- scatter_along_axis: updates[..., i, ...] into data[..., indices[..., i, ...], ...].

SCATTER_PARAMS(scatter_along_axis, AXIS)

static qn_status infer_scatter_along_axis(qni_infer *ctx)
{
    const qni_type *data = qni_infer_type(ctx, 0);
    const qni_type *indices = qni_infer_type(ctx, 1);
    const qni_type *updates = qni_infer_type(ctx, 2);
    int32_t axis;
    QNI_TRY(check_mode(ctx, 4));
    QNI_TRY(qni_infer_axis(ctx, 3, qni_infer_int(ctx, 3, 0), data->rank, &axis));
    if (indices->rank != data->rank || updates->rank != data->rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "data, indices and updates have ranks %d, %d and %d", (int)data->rank,
                              (int)indices->rank, (int)updates->rank);
    }
    for (int32_t d = 0; d < data->rank; d++) {
        QNI_TRY(qni_infer_equal(ctx, updates->dims[d], indices->dims[d], "updates and indices"));
        if (d != axis) {
            QNI_TRY(qni_infer_equal(ctx, data->dims[d], indices->dims[d], "data and indices"));
        }
    }
    qni_infer_same(ctx, 0, data);
    return QN_OK;
}

static qn_status eval_scatter_along_axis(qni_eval *call)
{
    const qni_tensor *data = qni_eval_arg(call, 0);
    const qni_tensor *indices = qni_eval_arg(call, 1);
    int64_t axis = qni_eval_int(call, 3, 0);
    int mode = find_mode(qni_eval_text(call, 4, "add"));
    axis += axis < 0 ? data->rank : 0;
    QNI_TRY(begin_scatter(call));
    int64_t inner = product(data->dims, (int32_t)axis + 1, data->rank);
    int64_t n = data->dims[axis];
    int64_t count = indices->dims[axis];
    for (int64_t i = 0, total = qni_tensor_count(indices); i < total; i++) {
        int64_t at = nearest_index(qni_tensor_get_int(indices, i), n);
        combine(&call->outs[0], (i / (inner * count) * n + at) * inner + i % inner,
                qni_eval_arg(call, 2), i, mode);
    }
    return QN_OK;
}

static const char *const scatter_along_axis_cases[] = {
    "data=fp16[5,3]; indices=int32[2,3]{-5..4}; updates=fp16[2,3]; axis=0",
    "data=fp32[2,5]; indices=int32[2,3]{0..4}; updates=fp32[2,3]; axis=1; mode=\"max\"", NULL};

SCATTER(scatter_along_axis, 6)

// ---- scatter_nd: updates[i] into data at the place that the last dimension of indices[i] tells.

SCATTER_PARAMS(scatter_nd, NO_AXIS)

static qn_status infer_scatter_nd(qni_infer *ctx)
{
    const qni_type *data = qni_infer_type(ctx, 0);
    const qni_type *indices = qni_infer_type(ctx, 1);
    const qni_type *updates = qni_infer_type(ctx, 2);
    QNI_TRY(check_mode(ctx, 3));
    bool known = indices->rank > 0 && qni_dim_is_const(indices->dims[indices->rank - 1]);
    int64_t depth = known ? indices->dims[indices->rank - 1].add : -1;
    if (!known || depth > data->rank || updates->rank != indices->rank - 1 + data->rank - depth) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "updates has rank %d for indices of depth %lld", (int)updates->rank,
                              (long long)depth);
    }
    for (int32_t d = 0; d < updates->rank; d++) {
        qni_dim wanted = d + 1 < indices->rank ? indices->dims[d]
                                               : data->dims[d - indices->rank + 1 + depth];
        QNI_TRY(qni_infer_equal(ctx, updates->dims[d], wanted, "updates"));
    }
    qni_infer_same(ctx, 0, data);
    return QN_OK;
}

static qn_status eval_scatter_nd(qni_eval *call)
{
    const qni_tensor *data = qni_eval_arg(call, 0);
    const qni_tensor *indices = qni_eval_arg(call, 1);
    int64_t depth = indices->dims[indices->rank - 1];
    int mode = find_mode(qni_eval_text(call, 3, "add"));
    QNI_TRY(begin_scatter(call));
    int64_t inner = product(data->dims, (int32_t)depth, data->rank);
    int64_t places = product(indices->dims, 0, indices->rank - 1);
    for (int64_t i = 0; i < places; i++) {
        int64_t to = 0;
        for (int64_t d = 0; d < depth; d++) {
            to = to * data->dims[d] +
                 nearest_index(qni_tensor_get_int(indices, i * depth + d), data->dims[d]);
        }
        to *= inner;
        for (int64_t j = 0; j < inner; j++) {
            combine(&call->outs[0], to + j, qni_eval_arg(call, 2), i * inner + j, mode);
        }
    }
    return QN_OK;
}

static const char *const scatter_nd_cases[] = {
    "data=fp16[5,3]; indices=int32[2,1](1, -1); updates=fp16[2,3]",
    "data=fp32[4,3]; indices=int32[3,2]{0..2}; updates=fp32[3]; mode=\"div\"", NULL};

SCATTER(scatter_nd, 5)
