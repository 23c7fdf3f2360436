// Family tensor_operation, making tensors: of one value, of a range, with margins, of bands.
#include "ops/common.h"

#include <math.h>
#include <string.h>

// ---- fill: a tensor of one value, of the shape given.

static const qni_param fill_params[] = {
    {"shape", QNI_DT(I32), 0, 0, NULL},
    {"value", QNI_SET_BYTES, QNI_CONST | QNI_OPTIONAL, 0, "0.0"},
};

static qn_status infer_fill(qni_infer *ctx)
{
    const qni_value *shape = qni_arg(ctx->op, 0);
    qni_dim dims[QNI_MAX_RANK];
    if (shape->type.rank == 1 && !qni_dim_is_const(shape->type.dims[0])) {
        qni_infer_set_unknown_rank(ctx, 0, qni_infer_type(ctx, 1)->dtype);
        return QN_OK;
    }
    if (shape->type.rank != 1 || shape->type.dims[0].add > QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED, "shape must be a vector of at most %d",
                              QNI_MAX_RANK);
    }
    int32_t rank = (int32_t)shape->type.dims[0].add;
    bool known = qni_value_n_ints(shape) >= 0;
    for (int32_t d = 0; d < rank; d++) {
        dims[d] = known ? qni_value_int(shape, d) : qni_dim_unknown(ctx->symbols, ctx->op->name);
    }
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 1)->dtype, rank, dims);
    qni_dim count = qni_type_count(ctx->symbols, qni_infer_out(ctx, 0));
    const qni_value *value = qni_arg(ctx->op, 1);
    bool counted = qni_dim_is_const(count) && qni_value_n_ints(value) == 1;
    qni_dim *ints = counted ? qni_infer_ints(ctx, 0) : NULL;
    for (int64_t i = 0; ints != NULL && i < count.add; i++) {
        ints[i] = qni_value_int(value, 0);
    }
    return QN_OK;
}

static void fill_with(const qni_tensor *out, const qni_tensor *value)
{
    qni_tensor spread = *out;
    spread.data = value->data;
    memset(spread.strides, 0, sizeof spread.strides);
    qni_tensor_copy(out, &spread);
}

static qn_status eval_fill(qni_eval *call)
{
    if (call->outs[0].data == NULL) {
        int64_t dims[QNI_MAX_RANK];
        for (int32_t d = 0; d < call->outs[0].rank; d++) {
            dims[d] = qni_tensor_get_int(qni_eval_arg(call, 0), d);
        }
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    fill_with(&call->outs[0], qni_eval_arg(call, 1));
    return QN_OK;
}

static const char *const fill_cases[] = {"shape=[2,3]; value=1.5", "shape=int32[2](2, 3); value=7",
                                         "shape=[0]", NULL};

const qni_op_def qni_op_fill = {
    .name = "fill",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = fill_params,
    .n_params = 2,
    .n_outs = 1,
    .infer = infer_fill,
    .eval = eval_fill,
    .cases = fill_cases,
};

// ---- fill_like: the same, of the shape of ref_tensor.

static const qni_param fill_like_params[] = {
    {"ref_tensor", QNI_SET_BYTES, 0, 0, NULL},
    {"value", QNI_SET_BYTES, QNI_CONST | QNI_OPTIONAL, 0, "0.0"},
};

static qn_status infer_fill_like(qni_infer *ctx)
{
    const qni_type *ref = qni_infer_type(ctx, 0);
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 1)->dtype, ref->rank, ref->dims);
    return QN_OK;
}

static qn_status eval_fill_like(qni_eval *call)
{
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, qni_eval_arg(call, 0)->dims));
    }
    fill_with(&call->outs[0], qni_eval_arg(call, 1));
    return QN_OK;
}

static const char *const fill_like_cases[] = {"ref_tensor=fp16[2,3]; value=1.5",
                                              "ref_tensor=bool[2]; value=7", NULL};

const qni_op_def qni_op_fill_like = {
    .name = "fill_like",
    .opset = QNI_IOS16,
    .family = "tensor_operation",
    .params = fill_like_params,
    .n_params = 2,
    .n_outs = 1,
    .infer = infer_fill_like,
    .eval = eval_fill_like,
    .cases = fill_like_cases,
};

// ---- range_1d: start, start + step, ... up to end, end not among them.

static const qni_param range_params[] = {
    {"end", QNI_SET_NUMBER, 0, 'T', NULL},
    {"start", QNI_SET_NUMBER, 0, 'T', NULL},
    {"step", QNI_SET_NUMBER, 0, 'T', NULL},
};

static int64_t range_length(double start, double end, double step)
{
    double n = step != 0 ? ceil((end - start) / step) : 0;
    return n > 0 && n < 1e12 ? (int64_t)n : 0;
}

// Ends that inference follows give a length that it follows, for steps of 1.
static qn_status infer_range(qni_infer *ctx)
{
    const qni_value *end = qni_arg(ctx->op, 0);
    const qni_value *start = qni_arg(ctx->op, 1);
    const qni_value *step = qni_arg(ctx->op, 2);
    qni_dtype dtype = end->type.dtype;
    qni_dim count;
    if (step->constant != NULL && qni_tensor_get(step->constant, 0) == 0) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "step is 0");
    }
    if (end->constant != NULL && start->constant != NULL && step->constant != NULL) {
        count = qni_dim_of(range_length(qni_tensor_get(start->constant, 0),
                                        qni_tensor_get(end->constant, 0),
                                        qni_tensor_get(step->constant, 0)));
    } else if (qni_value_n_ints(end) == 1 && qni_value_n_ints(start) == 1 &&
               qni_value_n_ints(step) == 1 && qni_dim_is(qni_value_int(step, 0), 1)) {
        qni_dim length = qni_dim_sub(ctx->symbols, qni_value_int(end, 0), qni_value_int(start, 0));
        count = qni_dim_max(ctx->symbols, length, qni_dim_of(0));
    } else {
        count = qni_dim_unknown(ctx->symbols, ctx->op->name);
    }
    qni_infer_set(ctx, 0, dtype, 1, &count);
    return QN_OK;
}

static qn_status eval_range(qni_eval *call)
{
    double start = qni_eval_number(call, 1, 0);
    double step = qni_eval_number(call, 2, 1);
    if (call->outs[0].data == NULL) {
        int64_t n = range_length(start, qni_eval_number(call, 0, 0), step);
        QNI_TRY(qni_eval_resize(call, 0, &n));
    }
    for (int64_t i = 0, n = qni_tensor_count(&call->outs[0]); i < n; i++) {
        if (call->outs[0].dtype == QNI_I32) {
            qni_tensor_set_int(&call->outs[0], i,
                               qni_eval_int(call, 1, 0) + i * qni_eval_int(call, 2, 1));
        } else {
            qni_tensor_set(&call->outs[0], i, start + (double)i * step);
        }
    }
    return QN_OK;
}

static const char *const range_cases[] = {
    "end=7; start=1; step=2", "end=fp32[](2.5); start=fp32[](0); step=fp32[](0.5)",
    "end=int32[](9); start=int32[](3); step=int32[](-1)", NULL};

const qni_op_def qni_op_range_1d = {
    .name = "range_1d",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = range_params,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_range,
    .eval = eval_range,
    .cases = range_cases,
};

// ---- one_hot: on_value where the index along the new dimension `axis` is the one given, off_value
// elsewhere.

static const qni_param one_hot_params[] = {
    {"indices", QNI_SET_INDEX, 0, 0, NULL},
    {"one_hot_vector_size", QNI_DT(I32), 0, 0, NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "-1"},
    {"on_value", QNI_SET_BYTES, QNI_CONST | QNI_OPTIONAL, 'T', "1"},
    {"off_value", QNI_SET_BYTES, QNI_CONST | QNI_OPTIONAL, 'T', "0"},
};

static qn_status infer_one_hot(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_value *size = qni_arg(ctx->op, 1);
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 2, qni_infer_int(ctx, 2, -1), x->rank + 1, &axis));
    if (x->rank == QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED, "the result has more than %d dimensions",
                              QNI_MAX_RANK);
    }
    qni_dim depth = qni_value_n_ints(size) == 1 ? qni_value_int(size, 0)
                                                : qni_dim_unknown(ctx->symbols, ctx->op->name);
    qni_dim dims[QNI_MAX_RANK];
    for (int32_t d = 0; d <= x->rank; d++) {
        dims[d] = d == axis ? depth : x->dims[d - (d > axis)];
    }
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 3)->dtype, x->rank + 1, dims);
    return QN_OK;
}

static qn_status eval_one_hot(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qni_tensor *out = &call->outs[0];
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 2, -1), x->rank + 1, &axis));
    if (out->data == NULL) {
        int64_t dims[QNI_MAX_RANK];
        for (int32_t d = 0; d <= x->rank; d++) {
            dims[d] = d == axis ? qni_eval_int(call, 1, 0) : x->dims[d - (d > axis)];
        }
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    fill_with(out, qni_eval_arg(call, 4));
    int64_t inner = 1;
    for (int32_t d = axis + 1; d < out->rank; d++) {
        inner *= out->dims[d];
    }
    int64_t depth = out->dims[axis];
    size_t size = qni_element_bytes(out->dtype);
    for (int64_t i = 0, n = qni_tensor_count(x); i < n; i++) {
        int64_t index = qni_tensor_get_int(x, i);
        if (index >= 0 && index < depth) {
            int64_t at = (i / inner * depth + index) * inner + i % inner;
            memcpy((char *)out->data + (size_t)at * size, qni_eval_arg(call, 3)->data, size);
        }
    }
    return QN_OK;
}

static const char *const one_hot_cases[] = {
    "indices=int32[3](0, 2, 9); one_hot_vector_size=4",
    "indices=int32[2,2]{0..2}; one_hot_vector_size=3; axis=0; "
    "on_value=2.5; off_value=-1.0",
    NULL};

const qni_op_def qni_op_one_hot = {
    .name = "one_hot",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = one_hot_params,
    .n_params = 5,
    .n_outs = 1,
    .infer = infer_one_hot,
    .eval = eval_one_hot,
    .cases = one_hot_cases,
};

// ---- pad: margins around the last dimensions: of a constant, mirrored without the edge, or of the
// edge repeated.

static const qni_param pad_params[] = {
    {"x", QNI_SET_BYTES, 0, 0, NULL},
    {"pad", QNI_DT(I32), 0, 0, NULL},
    {"mode", QNI_DT(STRING), QNI_CONST | QNI_OPTIONAL, 0, "\"constant\""},
    {"constant_val", QNI_SET_BYTES, QNI_CONST | QNI_OPTIONAL, 0, "0.0"},
};

static qn_status infer_pad(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_value *pad = qni_arg(ctx->op, 1);
    const char *mode = qni_infer_text(ctx, 2, "constant");
    bool sized = pad->type.rank == 1 && qni_dim_is_const(pad->type.dims[0]);
    int64_t n = sized ? pad->type.dims[0].add : -1;
    if (n < 0 || n % 2 != 0 || n / 2 > x->rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "pad has %lld numbers for rank %d",
                              (long long)n, (int)x->rank);
    }
    if (strcmp(mode, "constant") != 0 && strcmp(mode, "reflect") != 0 &&
        strcmp(mode, "replicate") != 0) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "mode \"%s\"; allowed are constant, reflect and replicate", mode);
    }
    bool known = qni_value_n_ints(pad) >= 0;
    qni_dim dims[QNI_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    for (int32_t i = 0; i < n / 2; i++) {
        int32_t d = x->rank - (int32_t)(n / 2) + i;
        if (!known) {
            dims[d] = qni_dim_unknown(ctx->symbols, ctx->op->name);
            continue;
        }
        qni_dim margins = qni_dim_add(ctx->symbols, qni_value_int(pad, 2 * i),
                                      qni_value_int(pad, 2 * i + 1));
        dims[d] = qni_dim_add(ctx->symbols, x->dims[d], margins);
    }
    qni_infer_set(ctx, 0, x->dtype, x->rank, dims);
    return QN_OK;
}

// Where element i of a padded dimension comes from; -1: a margin of the constant.
static int64_t pad_source(char mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n) {
        return i;
    }
    if (mode == 'c' || n == 0) {
        return -1;
    }
    if (mode == 'r') {
        i = i < 0 ? -i : 2 * (n - 1) - i;
    }
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static qn_status eval_pad(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *pad = qni_eval_arg(call, 1);
    qni_tensor *out = &call->outs[0];
    const char *name = qni_eval_text(call, 2, "constant");
    char mode = name[0] == 'c' ? 'c' : name[2] == 'f' ? 'r' : 'e';
    int64_t before[QNI_MAX_RANK] = {0};
    int64_t dims[QNI_MAX_RANK];
    int32_t n = (int32_t)(qni_tensor_count(pad) / 2);
    memcpy(dims, x->dims, sizeof dims);
    for (int32_t i = 0; i < n; i++) {
        before[x->rank - n + i] = qni_tensor_get_int(pad, 2 * i);
        dims[x->rank - n + i] += before[x->rank - n + i] + qni_tensor_get_int(pad, 2 * i + 1);
    }
    if (out->data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    qni_tensor value;
    int64_t one = 1;
    value = qni_tensor_make(x->dtype, 1, &one, NULL);
    QNI_TRY(qni_eval_scratch(call, 16, 1, &value.data));
    qni_tensor_convert(
        &value,
        &(qni_tensor){qni_eval_arg(call, 3)->data, qni_eval_arg(call, 3)->dtype, 1, {1}, {1}});
    size_t size = qni_element_bytes(x->dtype);
    for (int64_t i = 0, count = qni_tensor_count(out); i < count; i++) {
        int64_t rest = i;
        int64_t from = 0;
        bool inside = true;
        for (int32_t d = x->rank - 1; d >= 0; d--) {
            int64_t source = pad_source(mode, rest % out->dims[d] - before[d], x->dims[d]);
            rest /= out->dims[d];
            inside = inside && source >= 0;
            from += source * x->strides[d];
        }
        memcpy((char *)out->data + (size_t)i * size,
               inside ? (const char *)x->data + (size_t)from * size : value.data, size);
    }
    return QN_OK;
}

static const char *const pad_cases[] = {
    "x=fp16[2,3]; pad=[1,2]; constant_val=0.5", "x=fp32[2,3,4]; pad=[0,1,2,0]; mode=\"reflect\"",
    "x=fp32[3]; pad=[2,2]; mode=\"replicate\"", "x=fp32[2,3]; pad=int32[4](1, 0, 0, 2)", NULL};

const qni_op_def qni_op_pad = {
    .name = "pad",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = pad_params,
    .n_params = 4,
    .n_outs = 1,
    .infer = infer_pad,
    .eval = eval_pad,
    .cases = pad_cases,
};

// ---- band_part: x inside a band around the diagonal of its last two dimensions, 0 outside; -1 is
// no bound.

static const qni_param band_params[] = {
    {"x", QNI_SET_BYTES, 0, 0, NULL},
    {"lower", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "-1"},
    {"upper", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "-1"},
};

static qn_status infer_band(qni_infer *ctx)
{
    if (qni_infer_type(ctx, 0)->rank < 2) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "x has rank %d; it needs 2 or more",
                              (int)qni_infer_type(ctx, 0)->rank);
    }
    qni_infer_same(ctx, 0, qni_infer_type(ctx, 0));
    return QN_OK;
}

static qn_status eval_band(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    int64_t lower = qni_eval_int(call, 1, -1);
    int64_t upper = qni_eval_int(call, 2, -1);
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    qni_tensor_copy(&call->outs[0], x);
    int64_t columns = x->dims[x->rank - 1];
    int64_t rows = x->dims[x->rank - 2];
    size_t size = qni_element_bytes(x->dtype);
    for (int64_t i = 0, n = qni_tensor_count(x); i < n; i++) {
        int64_t below = i / columns % rows - i % columns;
        if ((lower >= 0 && below > lower) || (upper >= 0 && -below > upper)) {
            memset((char *)call->outs[0].data + (size_t)i * size, 0, size);
        }
    }
    return QN_OK;
}

static const char *const band_cases[] = {"x=fp16[4,5]; lower=1; upper=0",
                                         "x=fp32[2,3,3]; lower=-1; upper=1", NULL};

const qni_op_def qni_op_band_part = {
    .name = "band_part",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = band_params,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_band,
    .eval = eval_band,
    .cases = band_cases,
};

// ---- cumsum: sums along `axis` so far; without the element itself when exclusive, from the end
// when reverse.

static const qni_param cumsum_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "0"},
    {"exclusive", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
    {"reverse", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

static qn_status infer_cumsum(qni_infer *ctx)
{
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 1, qni_infer_int(ctx, 1, 0), qni_infer_type(ctx, 0)->rank, &axis));
    qni_infer_same(ctx, 0, qni_infer_type(ctx, 0));
    return QN_OK;
}

static qn_status eval_cumsum(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    bool exclusive = qni_eval_bool(call, 2, false);
    bool reverse = qni_eval_bool(call, 3, false);
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 1, 0), x->rank, &axis));
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    int64_t n = x->dims[axis];
    int64_t step = x->strides[axis];
    for (int64_t i = 0, count = qni_tensor_count(x); i < count; i++) {
        if (i / step % n != 0) {
            continue; // a row begins here
        }
        float sum = 0.0f;
        uint64_t whole = 0;
        for (int64_t j = 0; j < n; j++) {
            int64_t at = i + (reverse ? n - 1 - j : j) * step;
            float old = sum;
            uint64_t old_whole = whole;
            sum = sum + (float)qni_tensor_get(x, at);
            whole += (uint64_t)qni_tensor_get_int(x, at);
            if (x->dtype == QNI_I32) {
                qni_tensor_set_int(&call->outs[0], at, (int64_t)(exclusive ? old_whole : whole));
            } else {
                qni_tensor_set(&call->outs[0], at, (double)(exclusive ? old : sum));
            }
        }
    }
    return QN_OK;
}

static const char *const cumsum_cases[] = {"x=fp16[4,5]; axis=1",
                                           "x=int32[3,4]{-9..9}; axis=0; exclusive=true",
                                           "x=fp32[2,3,4]; axis=-1; reverse=true", NULL};

const qni_op_def qni_op_cumsum = {
    .name = "cumsum",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = cumsum_params,
    .n_params = 4,
    .n_outs = 1,
    .infer = infer_cumsum,
    .eval = eval_cumsum,
    .cases = cumsum_cases,
};
