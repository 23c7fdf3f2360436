// Family tensor_transformation, blocks: reorderings that are a reshape, a transpose and a reshape,
// and windows.
#include "ops/common.h"

#include <string.h>

#define FLOATS QNI_SET_FLOAT

// out = reshape(transpose(reshape(x, middle), perm)): how all of these move elements.
typedef struct shuffle {
    int32_t rank;
    qni_dim middle[QNI_MAX_RANK];
    int32_t perm[QNI_MAX_RANK];
} shuffle;

static qn_status eval_shuffle(qni_eval *call, const shuffle *s)
{
    int64_t dims[QNI_MAX_RANK];
    for (int32_t d = 0; d < s->rank; d++) {
        dims[d] = s->middle[d].add;
    }
    qni_tensor middle = qni_tensor_reshape(qni_eval_arg(call, 0), s->rank, dims);
    qni_tensor turned = qni_tensor_permute(&middle, s->perm);
    qni_tensor out = qni_tensor_reshape(&call->outs[0], s->rank, turned.dims);
    qni_tensor_copy(&out, &turned);
    return QN_OK;
}

static qn_status lower_shuffle(qni_lower *lower, const qni_op *op, const shuffle *s)
{
    const qni_type *type = &op->outs[0]->type;
    qni_view view;
    QNI_TRY(qni_lower_view(lower, qni_arg(op, 0), &view));
    if (!qni_view_reshape(lower->symbols, &view, s->rank, s->middle)) {
        return qni_lower_eval(lower, op);
    }
    qni_view_permute(&view, s->perm);
    if (!qni_view_reshape(lower->symbols, &view, type->rank, type->dims)) {
        return qni_lower_eval(lower, op);
    }
    return qni_lower_bind(lower, op->outs[0], &view);
}

typedef enum block_order {
    DEPTH_TO_SPACE,
    SPACE_TO_DEPTH,
    PIXEL_SHUFFLE,
    PIXEL_UNSHUFFLE
} block_order;

// [n, c, h, w] by blocks of b: where the block's rows and columns stand in c is what tells them
// apart.
static void order_blocks(qni_symbols *sy, block_order order, const qni_dim *x, int64_t b,
                         shuffle *s)
{
    static const int32_t perms[4][6] = {
        [DEPTH_TO_SPACE] = {0, 3, 4, 1, 5, 2},  // [n, b, b, c, h, w] -> [n, c, h, b, w, b]
        [SPACE_TO_DEPTH] = {0, 3, 5, 1, 2, 4},  // [n, c, h, b, w, b] -> [n, b, b, c, h, w]
        [PIXEL_SHUFFLE] = {0, 1, 4, 2, 5, 3},   // [n, c, b, b, h, w] -> [n, c, h, b, w, b]
        [PIXEL_UNSHUFFLE] = {0, 1, 3, 5, 2, 4}, // [n, c, h, b, w, b] -> [n, c, b, b, h, w]
    };
    qni_dim block = qni_dim_of(b);
    s->rank = 6;
    memcpy(s->perm, perms[order], sizeof perms[order]);
    if (order == DEPTH_TO_SPACE || order == PIXEL_SHUFFLE) {
        qni_dim c = qni_dim_floor_div(sy, x[1], qni_dim_of(b * b));
        const qni_dim middle[6] = {x[0],  order == DEPTH_TO_SPACE ? block : c,
                                   block, order == DEPTH_TO_SPACE ? c : block,
                                   x[2],  x[3]};
        memcpy(s->middle, middle, sizeof middle);
    } else {
        const qni_dim middle[6] = {x[0],
                                   x[1],
                                   qni_dim_floor_div(sy, x[2], block),
                                   block,
                                   qni_dim_floor_div(sy, x[3], block),
                                   block};
        memcpy(s->middle, middle, sizeof middle);
    }
}

static const qni_param block_params[] = {{"x", FLOATS, 0, 'T', NULL},
                                         {"block_size", QNI_DT(I32), QNI_CONST, 0, NULL}};
static const qni_param upscale_params[] = {{"x", FLOATS, 0, 'T', NULL},
                                           {"upscale_factor", QNI_DT(I32), QNI_CONST, 0, NULL}};
static const qni_param downscale_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"downscale_factor", QNI_DT(U32) | QNI_DT(I32), QNI_CONST, 0, NULL}};

static qn_status infer_blocks(qni_infer *ctx, block_order order)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int64_t b = qni_infer_int(ctx, 1, 0);
    bool to_space = order == DEPTH_TO_SPACE || order == PIXEL_SHUFFLE;
    if (x->rank != 4 || b < 1 || b > 1 << 15) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "x has rank %d and blocks size %lld; wanted are rank 4 and 1 "
                              "or more",
                              (int)x->rank, (long long)b);
    }
    qni_dim block = qni_dim_of(b);
    qni_dim square = qni_dim_of(b * b);
    qni_symbols *s = ctx->symbols;
    qni_dim dims[4] = {x->dims[0], x->dims[1], x->dims[2], x->dims[3]};
    bool divides = true;
    if (to_space) {
        dims[1] = qni_dim_floor_div(s, x->dims[1], square);
        dims[2] = qni_dim_mul(s, x->dims[2], block);
        dims[3] = qni_dim_mul(s, x->dims[3], block);
        divides = qni_dim_equal(qni_dim_mul(s, dims[1], square), x->dims[1]);
    } else {
        dims[1] = qni_dim_mul(s, x->dims[1], square);
        for (int d = 2; d < 4; d++) {
            dims[d] = qni_dim_floor_div(s, x->dims[d], block);
            divides = divides && qni_dim_equal(qni_dim_mul(s, dims[d], block), x->dims[d]);
        }
    }
    if (!divides) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "blocks of %lld do not divide x",
                              (long long)b);
    }
    qni_infer_set(ctx, 0, x->dtype, 4, dims);
    return QN_OK;
}

static qn_status eval_blocks(qni_eval *call, block_order order)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qni_dim dims[4];
    shuffle s;
    for (int d = 0; d < 4; d++) {
        dims[d] = qni_dim_of(x->dims[d]);
    }
    order_blocks(NULL, order, dims, qni_eval_int(call, 1, 1), &s);
    return eval_shuffle(call, &s);
}

static qn_status lower_blocks(qni_lower *lower, const qni_op *op, block_order order)
{
    shuffle s;
    order_blocks(lower->symbols, order, qni_arg(op, 0)->type.dims,
                 qni_tensor_get_int(qni_arg(op, 1)->constant, 0), &s);
    return lower_shuffle(lower, op, &s);
}

#define BLOCKS(name_, opset_, order, params_, cases_)                     \
    static qn_status infer_##name_(qni_infer *ctx)                        \
    {                                                                     \
        return infer_blocks(ctx, order);                                  \
    }                                                                     \
    static qn_status eval_##name_(qni_eval *call)                         \
    {                                                                     \
        return eval_blocks(call, order);                                  \
    }                                                                     \
    static qn_status lower_##name_(qni_lower *lower, const qni_op *op)    \
    {                                                                     \
        return lower_blocks(lower, op, order);                            \
    }                                                                     \
    static const char *const name_##_cases[] = {cases_, NULL};            \
    const qni_op_def qni_op_##name_ = {.name = #name_,                    \
                                       .opset = opset_,                   \
                                       .family = "tensor_transformation", \
                                       .params = params_,                 \
                                       .n_params = 2,                     \
                                       .n_outs = 1,                       \
                                       .traits = QNI_VIEW,                \
                                       .infer = infer_##name_,            \
                                       .eval = eval_##name_,              \
                                       .lower = lower_##name_,            \
                                       .cases = name_##_cases};

BLOCKS(depth_to_space, QNI_IOS15, DEPTH_TO_SPACE, block_params, "x=fp16[1,8,2,3]; block_size=2")
BLOCKS(space_to_depth, QNI_IOS15, SPACE_TO_DEPTH, block_params, "x=fp32[2,2,4,6]; block_size=2")
BLOCKS(pixel_shuffle, QNI_IOS15, PIXEL_SHUFFLE, upscale_params, "x=fp16[1,8,2,3]; upscale_factor=2")
BLOCKS(pixel_unshuffle, QNI_IOS16, PIXEL_UNSHUFFLE, downscale_params,
       "x=fp32[1,2,4,6]; downscale_factor=uint32[](2)")

// ---- space_to_batch, batch_to_space: blocks of the two spatial dimensions into the batch, after
// padding, and back, before cropping. [n, c, h, w].

static const qni_param to_batch_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"block_shape", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"paddings", QNI_DT(I32), QNI_CONST, 0, NULL},
};
static const qni_param from_batch_params[] = {
    {"x", FLOATS, 0, 'T', NULL},
    {"block_shape", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"crops", QNI_DT(I32), QNI_CONST, 0, NULL},
};

// Block sizes and the margins before and after, checked.
static qn_status read_blocks(qni_infer *ctx, int64_t *blocks, int64_t *margins)
{
    const qni_tensor *b = qni_infer_const(ctx, 1);
    const qni_tensor *m = qni_infer_const(ctx, 2);
    bool ok = qni_infer_type(ctx, 0)->rank == 4 && qni_tensor_count(b) == 2 &&
              qni_tensor_count(m) == 4;
    for (int i = 0; ok && i < 4; i++) {
        margins[i] = qni_tensor_get_int(m, i);
        blocks[i / 2] = qni_tensor_get_int(b, i / 2);
        ok = margins[i] >= 0 && margins[i] < INT32_MAX && blocks[i / 2] > 0 &&
             blocks[i / 2] < 1 << 15;
    }
    return ok ? QN_OK
              : qni_infer_fail(ctx, QN_INVALID_MODEL,
                               "x needs rank 4, block_shape 2 sizes above 0, and the margins "
                               "4 numbers that are not negative");
}

static qn_status infer_space_to_batch(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int64_t b[2];
    int64_t m[4];
    QNI_TRY(read_blocks(ctx, b, m));
    qni_symbols *s = ctx->symbols;
    qni_dim dims[4] = {qni_dim_mul(s, x->dims[0], qni_dim_of(b[0] * b[1])), x->dims[1]};
    for (int d = 0; d < 2; d++) {
        qni_dim padded = qni_dim_add(s, x->dims[2 + d], qni_dim_of(m[2 * d] + m[2 * d + 1]));
        dims[2 + d] = qni_dim_floor_div(s, padded, qni_dim_of(b[d]));
        QNI_TRY(qni_infer_equal(ctx, qni_dim_mul(s, dims[2 + d], qni_dim_of(b[d])), padded,
                                "the padded dimension and whole blocks"));
    }
    qni_infer_set(ctx, 0, x->dtype, 4, dims);
    return QN_OK;
}

static qn_status infer_batch_to_space(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int64_t b[2];
    int64_t m[4];
    QNI_TRY(read_blocks(ctx, b, m));
    qni_symbols *s = ctx->symbols;
    qni_dim dims[4] = {qni_dim_floor_div(s, x->dims[0], qni_dim_of(b[0] * b[1])), x->dims[1]};
    QNI_TRY(qni_infer_equal(ctx, qni_dim_mul(s, dims[0], qni_dim_of(b[0] * b[1])), x->dims[0],
                            "the batch and whole blocks"));
    for (int d = 0; d < 2; d++) {
        dims[2 + d] = qni_dim_sub(s, qni_dim_mul(s, x->dims[2 + d], qni_dim_of(b[d])),
                                  qni_dim_of(m[2 * d] + m[2 * d + 1]));
        if (qni_dim_hi(s, dims[2 + d]) < 0) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "crops are larger than the dimension");
        }
    }
    qni_infer_set(ctx, 0, x->dtype, 4, dims);
    return QN_OK;
}

// Element [n, c, y, x] of the space side for an element of the batch side; false when it lies in a
// margin.
static bool space_place(const int64_t *batch_index, const int64_t *b, const int64_t *m,
                        const qni_tensor *space, int64_t *place)
{
    int64_t n = space->dims[0];
    int64_t block = batch_index[0] / n;
    int64_t y = batch_index[2] * b[0] + block / b[1] - m[0];
    int64_t x = batch_index[3] * b[1] + block % b[1] - m[2];
    if (y < 0 || x < 0 || y >= space->dims[2] || x >= space->dims[3]) {
        return false;
    }
    *place = ((batch_index[0] % n * space->dims[1] + batch_index[1]) * space->dims[2] + y) *
                 space->dims[3] +
             x;
    return true;
}

static qn_status eval_batches(qni_eval *call, bool to_batch)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qni_tensor *out = &call->outs[0];
    const qni_tensor *batch = to_batch ? out : x;
    const qni_tensor *space = to_batch ? x : out;
    size_t size = qni_element_bytes(x->dtype);
    int64_t b[2];
    int64_t m[4];
    for (int i = 0; i < 4; i++) {
        m[i] = qni_tensor_get_int(qni_eval_arg(call, 2), i);
        b[i / 2] = qni_tensor_get_int(qni_eval_arg(call, 1), i / 2);
    }
    memset(out->data, 0, qni_tensor_bytes(out));
    for (int64_t i = 0, n = qni_tensor_count(batch); i < n; i++) {
        int64_t rest = i;
        int64_t index[4];
        int64_t place;
        for (int d = 3; d >= 0; d--) {
            index[d] = rest % batch->dims[d];
            rest /= batch->dims[d];
        }
        if (space_place(index, b, m, space, &place)) {
            int64_t to = to_batch ? i : place;
            int64_t from = to_batch ? place : i;
            memcpy((char *)out->data + (size_t)to * size,
                   (const char *)x->data + (size_t)from * size, size);
        }
    }
    return QN_OK;
}

static qn_status eval_space_to_batch(qni_eval *call)
{
    return eval_batches(call, true);
}

static qn_status eval_batch_to_space(qni_eval *call)
{
    return eval_batches(call, false);
}

static const char *const space_to_batch_cases[] = {
    "x=fp16[2,3,4,6]; block_shape=[2,3]; paddings=int32[2,2](0, 0, 0, 0)",
    "x=fp32[1,1,3,4]; block_shape=[2,2]; paddings=int32[2,2](1, 0, 1, 1)", NULL};
static const char *const batch_to_space_cases[] = {
    "x=fp16[12,3,2,2]; block_shape=[2,3]; crops=int32[2,2](0, 0, 0, 0)",
    "x=fp32[4,1,2,3]; block_shape=[2,2]; crops=int32[2,2](1, 0, 1, 1)", NULL};

const qni_op_def qni_op_space_to_batch = {
    .name = "space_to_batch",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = to_batch_params,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_space_to_batch,
    .eval = eval_space_to_batch,
    .cases = space_to_batch_cases,
};

const qni_op_def qni_op_batch_to_space = {
    .name = "batch_to_space",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = from_batch_params,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_batch_to_space,
    .eval = eval_batch_to_space,
    .cases = batch_to_space_cases,
};

// ---- sliding_windows: all windows of `size` along `axis`, `stride` apart: a dimension of windows,
// then one of size.

static const qni_param windows_params[] = {
    {"x", QNI_SET_BYTES, 0, 0, NULL},
    {"axis", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"size", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"stride", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "1"},
};

static qn_status infer_windows(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int64_t size = qni_infer_int(ctx, 2, 1);
    int64_t stride = qni_infer_int(ctx, 3, 1);
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 1, qni_infer_int(ctx, 1, 0), x->rank, &axis));
    if (size < 1 || stride < 1 || x->rank == QNI_MAX_RANK ||
        qni_dim_hi(ctx->symbols, x->dims[axis]) < size) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "windows of %lld, %lld apart, for rank %d",
                              (long long)size, (long long)stride, (int)x->rank);
    }
    qni_dim dims[QNI_MAX_RANK];
    for (int32_t d = 0; d <= x->rank; d++) {
        dims[d] = d <= axis ? x->dims[d] : d == axis + 1 ? qni_dim_of(size) : x->dims[d - 1];
    }
    qni_dim room = qni_dim_sub(ctx->symbols, x->dims[axis], qni_dim_of(size));
    dims[axis] = qni_dim_add(
        ctx->symbols, qni_dim_floor_div(ctx->symbols, room, qni_dim_of(stride)), qni_dim_of(1));
    qni_infer_set(ctx, 0, x->dtype, x->rank + 1, dims);
    return QN_OK;
}

static qn_status eval_windows(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *out = &call->outs[0];
    int64_t stride = qni_eval_int(call, 3, 1);
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 1, 0), x->rank, &axis));
    qni_tensor view = *out;
    view.data = x->data;
    for (int32_t d = 0; d < out->rank; d++) {
        view.strides[d] = x->strides[d > axis ? d - 1 : d];
    }
    view.strides[axis] = x->strides[axis] * stride;
    qni_tensor_copy(out, &view);
    return QN_OK;
}

static const char *const windows_cases[] = {"x=fp16[2,7]; axis=1; size=3",
                                            "x=fp32[7,2]; axis=0; size=2; stride=3", NULL};

const qni_op_def qni_op_sliding_windows = {
    .name = "sliding_windows",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = windows_params,
    .n_params = 4,
    .n_outs = 1,
    .infer = infer_windows,
    .eval = eval_windows,
    .cases = windows_cases,
};

// ---- reverse: the elements along `axes` (all by default) from the last to the first.

static const qni_param reverse_params[] = {
    {"x", QNI_SET_BYTES, 0, 0, NULL},
    {"axes", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
};

static qn_status infer_reverse(qni_infer *ctx)
{
    uint32_t axes;
    QNI_TRY(qni_infer_axes(ctx, 1, qni_infer_type(ctx, 0)->rank, &axes));
    qni_infer_same(ctx, 0, qni_infer_type(ctx, 0));
    return QN_OK;
}

static bool has_axis(const qni_tensor *axes, int32_t rank, int32_t d)
{
    for (int64_t i = 0; axes != NULL && i < qni_tensor_count(axes); i++) {
        int64_t axis = qni_tensor_get_int(axes, i);
        if (axis == d || axis + rank == d) {
            return true;
        }
    }
    return axes == NULL;
}

static qn_status eval_reverse(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qni_tensor view = *x;
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    for (int32_t d = 0; d < x->rank; d++) {
        if (has_axis(qni_eval_arg(call, 1), x->rank, d)) {
            view = qni_tensor_slice(&view, d, x->dims[d] - 1, x->dims[d], -1);
        }
    }
    qni_tensor_copy(&call->outs[0], &view);
    return QN_OK;
}

static qn_status lower_reverse(qni_lower *lower, const qni_op *op)
{
    const qni_type *x = &qni_arg(op, 0)->type;
    const qni_tensor *axes = qni_arg(op, 1) != NULL ? qni_arg(op, 1)->constant : NULL;
    qni_view view;
    QNI_TRY(qni_lower_plain(lower, qni_arg(op, 0), &view));
    for (int32_t d = 0; d < x->rank; d++) {
        qni_dim last = qni_dim_sub(lower->symbols, x->dims[d], qni_dim_of(1));
        if (has_axis(axes, x->rank, d) && !qni_dim_is(x->dims[d], 0) &&
            !qni_view_slice(lower->symbols, &view, d, last, x->dims[d], -1)) {
            return qni_lower_eval(lower, op);
        }
    }
    return qni_lower_bind(lower, op->outs[0], &view);
}

static const char *const reverse_cases[] = {"x=fp16[2,7]; axes=[1]", "x=int32[3,4]{-9..9}", NULL};

const qni_op_def qni_op_reverse = {
    .name = "reverse",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = reverse_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_reverse,
    .eval = eval_reverse,
    .lower = lower_reverse,
    .cases = reverse_cases,
};

// ---- reverse_sequence: for each slice along batch_axis, its first `lengths` elements along
// seq_axis reversed.

static const qni_param reverse_sequence_params[] = {
    {"x", QNI_SET_BYTES, 0, 0, NULL},
    {"lengths", QNI_SET_INDEX, 0, 0, NULL},
    {"seq_axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
    {"batch_axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
};

static qn_status infer_reverse_sequence(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int32_t seq;
    int32_t batch;
    QNI_TRY(qni_infer_axis(ctx, 2, qni_infer_int(ctx, 2, 0), x->rank, &seq));
    QNI_TRY(qni_infer_axis(ctx, 3, qni_infer_int(ctx, 3, 0), x->rank, &batch));
    if (seq == batch || qni_infer_type(ctx, 1)->rank != 1) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "seq_axis and batch_axis are both %d, or lengths is no vector",
                              (int)seq);
    }
    QNI_TRY(qni_infer_equal(ctx, qni_infer_type(ctx, 1)->dims[0], x->dims[batch],
                            "lengths and the batch"));
    qni_infer_same(ctx, 0, x);
    return QN_OK;
}

static qn_status eval_reverse_sequence(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    int32_t seq;
    int32_t batch;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 2, 0), x->rank, &seq));
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 3, 0), x->rank, &batch));
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    qni_tensor_copy(&call->outs[0], x);
    for (int64_t i = 0; i < x->dims[batch]; i++) {
        int64_t n = qni_tensor_get_int(qni_eval_arg(call, 1), i);
        if (n < 0 || n > x->dims[seq]) {
            return qni_eval_fail(call, QN_INVALID_ARGUMENT, "length %lld; allowed are 0 to %lld",
                                 (long long)n, (long long)x->dims[seq]);
        }
        qni_tensor to = qni_tensor_slice(&call->outs[0], batch, i, 1, 1);
        qni_tensor from = qni_tensor_slice(x, batch, i, 1, 1);
        to = qni_tensor_slice(&to, seq, 0, n, 1);
        from = qni_tensor_slice(&from, seq, n - 1, n, -1);
        qni_tensor_copy(&to, &from);
    }
    return QN_OK;
}

static const char *const reverse_sequence_cases[] = {
    "x=fp16[3,5]; lengths=int32[3](0, 2, 5); seq_axis=1; batch_axis=0",
    "x=int32[4,2,3]{-9..9}; lengths=int32[3](1, 3, 4); seq_axis=0; batch_axis=2", NULL};

const qni_op_def qni_op_reverse_sequence = {
    .name = "reverse_sequence",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = reverse_sequence_params,
    .n_params = 4,
    .n_outs = 1,
    .infer = infer_reverse_sequence,
    .eval = eval_reverse_sequence,
    .cases = reverse_sequence_cases,
};

// ---- reshape_like: x under dimensions taken from reference tensors: [begins[i], ends[i]) of each,
// to its last dimension where end_masks[i] says so.

static const qni_param reshape_like_params[] = {
    {"x", QNI_SET_BYTES, 0, 0, NULL},
    {"ref_tensors", QNI_SET_BYTES, QNI_VARIADIC, 0, NULL},
    {"begins", QNI_DT(I32), QNI_CONST | QNI_VARIADIC, 0, NULL},
    {"ends", QNI_DT(I32), QNI_CONST | QNI_VARIADIC, 0, NULL},
    {"end_masks", QNI_DT(BOOL), QNI_CONST | QNI_VARIADIC, 0, NULL},
};

static int64_t python_index(int64_t i, int32_t rank)
{
    i += i < 0 ? rank : 0;
    return i < 0 ? 0 : i > rank ? rank : i;
}

static qn_status infer_reshape_like(qni_infer *ctx)
{
    const qni_op *op = ctx->op;
    size_t n = qni_arg_count(op, 1);
    qni_dim dims[QNI_MAX_RANK];
    int32_t rank = 0;
    if (qni_arg_count(op, 2) != n || qni_arg_count(op, 3) != n || qni_arg_count(op, 4) != n) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "ref_tensors, begins, ends and end_masks differ in number");
    }
    for (size_t i = 0; i < n; i++) {
        const qni_type *ref = &qni_arg_at(op, 1, i)->type;
        bool to_end = qni_tensor_get_int(qni_arg_at(op, 4, i)->constant, 0) != 0;
        int64_t begin = python_index(qni_tensor_get_int(qni_arg_at(op, 2, i)->constant, 0),
                                     ref->rank);
        int64_t end = to_end ? ref->rank
                             : python_index(qni_tensor_get_int(qni_arg_at(op, 3, i)->constant, 0),
                                            ref->rank);
        for (int64_t d = begin; d < end; d++) {
            if (rank == QNI_MAX_RANK) {
                return qni_infer_fail(ctx, QN_UNSUPPORTED, "the result has more than %d dimensions",
                                      QNI_MAX_RANK);
            }
            dims[rank++] = ref->dims[d];
        }
    }
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 0)->dtype, rank, dims);
    return qni_infer_equal(ctx, qni_type_count(ctx->symbols, qni_infer_out(ctx, 0)),
                           qni_type_count(ctx->symbols, qni_infer_type(ctx, 0)),
                           "the new shape and the number of elements");
}

static const char *const reshape_like_cases[] = {
    "x=fp16[6,4]; ref_tensors=(fp16[2,3,9], fp16[7,4]); begins=(0, 1); ends=(2, 2); "
    "end_masks=(false, true)",
    NULL};

const qni_op_def qni_op_reshape_like = {
    .name = "reshape_like",
    .opset = QNI_IOS16,
    .family = "tensor_transformation",
    .params = reshape_like_params,
    .n_params = 5,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_reshape_like,
    .eval = qni_eval_same_elements,
    .lower = qni_lower_same_elements,
    .cases = reshape_like_cases,
};
