// Family tensor_operation, sorting and searching. Equal elements keep their order.
#include "ops/common.h"

#include <math.h>
#include <string.h>

// ---- Sorting rows

typedef struct sorted {
    double key;
    int64_t index;
} sorted;

// Ascending by key (NaN last), then by index. A merge sort: stable, and no worse for any input.
static bool comes_first(const sorted *a, const sorted *b, bool ascending)
{
    if (isnan(a->key) || isnan(b->key)) {
        return !isnan(a->key) || isnan(b->key);
    }
    return ascending ? a->key <= b->key : a->key >= b->key;
}

static void merge_sort(sorted *items, sorted *room, int64_t n, bool ascending)
{
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            int64_t middle = begin + width < n ? begin + width : n;
            int64_t end = begin + 2 * width < n ? begin + 2 * width : n;
            int64_t i = begin;
            int64_t j = middle;
            for (int64_t k = begin; k < end; k++) {
                bool left = i < middle &&
                            (j >= end || comes_first(&items[i], &items[j], ascending));
                room[k] = left ? items[i++] : items[j++];
            }
        }
        memcpy(items, room, (size_t)n * sizeof *items);
    }
}

// The row number `row` along `axis` of x, sorted. `items` and `room` hold the axis.
static int64_t row_start(const qni_tensor *x, int32_t axis, int64_t row)
{
    int64_t step = x->strides[axis];
    return row / step * step * x->dims[axis] + row % step;
}

static void sort_row(const qni_tensor *x, int32_t axis, int64_t row, bool ascending, sorted *items,
                     sorted *room)
{
    int64_t start = row_start(x, axis, row);
    for (int64_t i = 0; i < x->dims[axis]; i++) {
        items[i] = (sorted){qni_tensor_get(x, start + i * x->strides[axis]), i};
    }
    merge_sort(items, room, x->dims[axis], ascending);
}

static qn_status begin_rows(qni_eval *call, const qni_tensor *x, int32_t axis, sorted **items,
                            sorted **room, int64_t *rows)
{
    QNI_TRY(qni_eval_scratch(call, (size_t)x->dims[axis] + 1, sizeof **items, items));
    QNI_TRY(qni_eval_scratch(call, (size_t)x->dims[axis] + 1, sizeof **room, room));
    *rows = x->dims[axis] > 0 ? qni_tensor_count(x) / x->dims[axis] : 0;
    return QN_OK;
}

// ---- argsort: the indices that sort x along `axis`.

static const qni_param argsort_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "-1"},
    {"ascending", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

static qn_status infer_argsort(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 1, qni_infer_int(ctx, 1, -1), x->rank, &axis));
    qni_infer_set(ctx, 0, QNI_I32, x->rank, x->dims);
    return QN_OK;
}

static qn_status eval_argsort(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    sorted *items;
    sorted *room;
    int64_t rows;
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 1, -1), x->rank, &axis));
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, x->dims));
    }
    QNI_TRY(begin_rows(call, x, axis, &items, &room, &rows));
    for (int64_t row = 0; row < rows; row++) {
        sort_row(x, axis, row, qni_eval_bool(call, 2, false), items, room);
        for (int64_t i = 0; i < x->dims[axis]; i++) {
            qni_tensor_set_int(&call->outs[0], row_start(x, axis, row) + i * x->strides[axis],
                               items[i].index);
        }
    }
    return QN_OK;
}

static const char *const argsort_cases[] = {"x=fp16[4,5]",
                                            "x=int32[3,4]{-2..2}; axis=0; ascending=true",
                                            "x=fp32[3](2, 3, 1) -> int32[3](1, 0, 2)", NULL};

const qni_op_def qni_op_argsort = {
    .name = "argsort",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = argsort_params,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_argsort,
    .eval = eval_argsort,
    .cases = argsort_cases,
};

// ---- topk: the k largest (smallest when ascending) along `axis`, in order, and their indices.

static const qni_param topk_params[] = {
    {"x", QNI_SET_NUMBER | QNI_SET_INT8S | QNI_SET_INT16S, 0, 'T', NULL},
    {"k", QNI_DT(I32) | QNI_DT(I8) | QNI_DT(I16), QNI_CONST | QNI_OPTIONAL, 0, "1"},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "-1"},
    {"ascending", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
    {"sort", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "true"},
    {"return_indices", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "true"},
    {"output_indices_dtype", QNI_DT(STRING), QNI_CONST | QNI_OPTIONAL, 0, "\"int32\""},
};

static qn_status infer_topk(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    bool indices = ctx->op->def->n_params < 6 || qni_infer_bool(ctx, 5, true);
    int64_t k = qni_infer_int(ctx, 1, 1);
    int32_t axis;
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(qni_infer_axis(ctx, 2, qni_infer_int(ctx, 2, -1), x->rank, &axis));
    if (ctx->op->n_outs != (indices ? 2u : 1u)) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "has %u outputs", ctx->op->n_outs);
    }
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = k == -1 ? x->dims[axis] : qni_dim_of(k);
    if (k < -1 || !qni_dim_require(ctx->symbols, x->dims[axis], k, INT64_MAX, ctx->op->name,
                                   "the dimension for topk")) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "k %lld of a smaller dimension", (long long)k);
    }
    const char *name = ctx->op->def->n_params > 6 ? qni_infer_text(ctx, 6, "int32") : "int32";
    qni_dtype dtype = qni_dtype_from_name(name);
    if ((QNI_SET_INDEX >> dtype & 1) == 0) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "output_indices_dtype \"%s\"", name);
    }
    qni_infer_set(ctx, 0, x->dtype, x->rank, dims);
    if (indices) {
        qni_infer_set(ctx, 1, dtype, x->rank, dims);
    }
    return QN_OK;
}

static qn_status eval_topk(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    sorted *items;
    sorted *room;
    int64_t rows;
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 2, -1), x->rank, &axis));
    int64_t k = qni_eval_int(call, 1, 1);
    k = k == -1 ? x->dims[axis] : k;
    for (size_t o = 0; o < call->n_outs; o++) {
        int64_t dims[QNI_MAX_RANK];
        memcpy(dims, x->dims, sizeof dims);
        dims[axis] = k;
        if (call->outs[o].data == NULL) {
            QNI_TRY(qni_eval_resize(call, o, dims));
        }
    }
    if (k > x->dims[axis]) {
        return qni_eval_fail(call, QN_INVALID_ARGUMENT, "k %lld of %lld elements", (long long)k,
                             (long long)x->dims[axis]);
    }
    QNI_TRY(begin_rows(call, x, axis, &items, &room, &rows));
    size_t size = qni_element_bytes(x->dtype);
    for (int64_t row = 0; row < rows; row++) {
        sort_row(x, axis, row, qni_eval_bool(call, 3, false), items, room);
        int64_t from = row_start(x, axis, row);
        int64_t to = row_start(&call->outs[0], axis, row);
        for (int64_t i = 0; i < k; i++) {
            int64_t at = to + i * call->outs[0].strides[axis];
            memcpy((char *)call->outs[0].data + (size_t)at * size,
                   (const char *)x->data +
                       (size_t)(from + items[i].index * x->strides[axis]) * size,
                   size);
            if (call->n_outs > 1) {
                qni_tensor_set_int(&call->outs[1], at, items[i].index);
            }
        }
    }
    return QN_OK;
}

static const char *const topk_cases[] = {"x=fp16[4,5]; k=2",
                                         "x=int32[3,4]{-9..9}; k=3; axis=0; ascending=true",
                                         "x=fp32[2,3]; k=-1", NULL};

const qni_op_def qni_op_topk = {
    .name = "topk",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = topk_params,
    .n_params = 4,
    .n_outs = -1,
    .infer = infer_topk,
    .eval = eval_topk,
    .cases = topk_cases,
};

const qni_op_def qni_op_topk__ios16 = {
    .name = "topk",
    .opset = QNI_IOS16,
    .family = "tensor_operation",
    .params = topk_params,
    .n_params = 6,
    .n_outs = -1,
    .infer = infer_topk,
    .eval = eval_topk,
    .cases = topk_cases,
};

const qni_op_def qni_op_topk__ios17 = {
    .name = "topk",
    .opset = QNI_IOS17,
    .family = "tensor_operation",
    .params = topk_params,
    .n_params = 7,
    .n_outs = -1,
    .infer = infer_topk,
    .eval = eval_topk,
    .cases = topk_cases,
};

// ---- non_zero: the indices of the elements that are not zero, one row each.

static const qni_param non_zero_params[] = {{"x", QNI_SET_BYTES, 0, 0, NULL}};

static qn_status infer_non_zero(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    qni_dim dims[2] = {qni_dim_unknown(ctx->symbols, ctx->op->name), qni_dim_of(x->rank)};
    qni_infer_set(ctx, 0, QNI_I32, 2, dims);
    return QN_OK;
}

static bool is_zero(const qni_tensor *x, int64_t i)
{
    return qni_dtype_is_float(x->dtype) ? qni_tensor_get(x, i) == 0 : qni_tensor_get_int(x, i) == 0;
}

static qn_status eval_non_zero(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    int64_t n = qni_tensor_count(x);
    int64_t dims[2] = {0, x->rank};
    for (int64_t i = 0; i < n; i++) {
        dims[0] += !is_zero(x, i);
    }
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    int64_t row = 0;
    for (int64_t i = 0; i < n; i++) {
        if (is_zero(x, i)) {
            continue;
        }
        int64_t rest = i;
        for (int32_t d = x->rank - 1; d >= 0; d--) {
            qni_tensor_set_int(&call->outs[0], row * x->rank + d, rest % x->dims[d]);
            rest /= x->dims[d];
        }
        row++;
    }
    return QN_OK;
}

static const char *const non_zero_cases[] = {"x=int32[3,4]{-1..1}",
                                             "x=fp32[3](0, 2, 0) -> int32[1,1](1)", NULL};

const qni_op_def qni_op_non_zero = {
    .name = "non_zero",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = non_zero_params,
    .n_params = 1,
    .n_outs = 1,
    .infer = infer_non_zero,
    .eval = eval_non_zero,
    .cases = non_zero_cases,
};

// ---- non_maximum_suppression: of boxes that overlap more than iou_threshold, only that of the
// highest score stays. Boxes are center x, center y, width, height. iOS17 has the boxes in the last
// dimension, and no score_threshold.

static const qni_param nms_params[] = {
    {"boxes", QNI_SET_FLOAT, 0, 'T', NULL},
    {"scores", QNI_SET_FLOAT, 0, 'T', NULL},
    {"iou_threshold", QNI_SET_FLOAT, QNI_CONST, 'T', NULL},
    {"score_threshold", QNI_SET_FLOAT, QNI_CONST, 'T', NULL},
    {"max_boxes", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"per_class_suppression", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};
static const qni_param nms_params_ios17[] = {
    {"boxes", QNI_SET_FLOAT, 0, 'T', NULL},
    {"scores", QNI_SET_FLOAT, 0, 'T', NULL},
    {"iou_threshold", QNI_SET_FLOAT, QNI_CONST, 'T', NULL},
    {"max_boxes", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"per_class_suppression", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

// [n, boxes, values], whichever way the file has it.
static qn_status infer_nms(qni_infer *ctx)
{
    const qni_type *boxes = qni_infer_type(ctx, 0);
    const qni_type *scores = qni_infer_type(ctx, 1);
    bool last = ctx->op->def->opset >= QNI_IOS17;
    int64_t most = qni_infer_int(ctx, last ? 3 : 4, 0);
    if (boxes->rank != 3 || scores->rank != 3 || most < 0 ||
        !qni_dim_is(boxes->dims[last ? 1 : 2], 4)) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "boxes and scores need rank 3, boxes four values each");
    }
    QNI_TRY(qni_infer_equal(ctx, boxes->dims[last ? 2 : 1], scores->dims[last ? 2 : 1],
                            "boxes and scores"));
    qni_dim n = boxes->dims[0];
    qni_dim classes = scores->dims[last ? 1 : 2];
    qni_dim count = qni_dim_of(most);
    const qni_dim b[2][3] = {{n, count, qni_dim_of(4)}, {n, qni_dim_of(4), count}};
    const qni_dim s[2][3] = {{n, count, classes}, {n, classes, count}};
    const qni_dim i[2] = {n, count};
    qni_infer_set(ctx, 0, boxes->dtype, 3, b[last]);
    qni_infer_set(ctx, 1, scores->dtype, 3, s[last]);
    qni_infer_set(ctx, 2, QNI_I32, 2, i);
    if (!last) {
        qni_infer_set(ctx, 3, QNI_I32, 1, &n);
    }
    return QN_OK;
}

// The share of two boxes that they have in common.
static double overlap(const qni_tensor *boxes, int64_t batch, int64_t i, int64_t j)
{
    double a[4];
    double b[4];
    for (int v = 0; v < 4; v++) {
        a[v] = qni_tensor_get(boxes, (batch * boxes->dims[1] + i) * 4 + v);
        b[v] = qni_tensor_get(boxes, (batch * boxes->dims[1] + j) * 4 + v);
    }
    double w = fmin(a[0] + a[2] / 2, b[0] + b[2] / 2) - fmax(a[0] - a[2] / 2, b[0] - b[2] / 2);
    double h = fmin(a[1] + a[3] / 2, b[1] + b[3] / 2) - fmax(a[1] - a[3] / 2, b[1] - b[3] / 2);
    double both = w > 0 && h > 0 ? w * h : 0;
    double either = a[2] * a[3] + b[2] * b[3] - both;
    return either > 0 ? both / either : 0;
}

typedef struct suppression {
    const qni_tensor *boxes, *scores; // [n, boxes, 4], [n, boxes, classes]
    double iou, score;
    int64_t most;
    bool per_class;
} suppression;

static int64_t best_class(const suppression *s, int64_t batch, int64_t i, double *score)
{
    int64_t classes = s->scores->dims[2];
    int64_t best = 0;
    *score = -INFINITY;
    for (int64_t c = 0; c < classes; c++) {
        double v = qni_tensor_get(s->scores, (batch * s->scores->dims[1] + i) * classes + c);
        if (v > *score) {
            *score = v;
            best = c;
        }
    }
    return best;
}

// Fills `kept` with the indices that stay, and returns how many.
static int64_t suppress(const suppression *s, int64_t batch, sorted *items, sorted *room,
                        int64_t *kept)
{
    int64_t n = s->boxes->dims[1];
    int64_t candidates = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        double score;
        (void)best_class(s, batch, i, &score);
        if (score >= s->score) {
            items[candidates++] = (sorted){score, i};
        }
    }
    merge_sort(items, room, candidates, false);
    for (int64_t c = 0; c < candidates && count < s->most; c++) {
        bool stays = true;
        double score;
        int64_t mine = best_class(s, batch, items[c].index, &score);
        for (int64_t k = 0; k < count && stays; k++) {
            bool rivals = !s->per_class || best_class(s, batch, kept[k], &score) == mine;
            stays = !rivals || overlap(s->boxes, batch, items[c].index, kept[k]) <= s->iou;
        }
        if (stays) {
            kept[count++] = items[c].index;
        }
    }
    return count;
}

// What is not filled: boxes and scores 0, indices -1.
static void give_kept(const qni_eval *call, const suppression *s, bool last, int64_t batch,
                      const int64_t *kept, int64_t count)
{
    for (int64_t k = 0; k < s->most; k++) {
        for (int o = 0; o < 2; o++) {
            const qni_tensor *from = o == 0 ? s->boxes : s->scores;
            int64_t width = from->dims[2];
            for (int64_t v = 0; v < width; v++) {
                int64_t to = last ? (batch * width + v) * s->most + k
                                  : (batch * s->most + k) * width + v;
                double x = k < count
                               ? qni_tensor_get(from, (batch * from->dims[1] + kept[k]) * width + v)
                               : 0;
                qni_tensor_set(&call->outs[o], to, x);
            }
        }
        qni_tensor_set_int(&call->outs[2], batch * s->most + k, k < count ? kept[k] : -1);
    }
    if (call->n_outs > 3) {
        qni_tensor_set_int(&call->outs[3], batch, count);
    }
}

static qn_status run_nms(qni_eval *call, bool last)
{
    static const int32_t turn[3] = {0, 2, 1};
    qni_tensor boxes = *qni_eval_arg(call, 0);
    qni_tensor scores = *qni_eval_arg(call, 1);
    if (last) {
        boxes = qni_tensor_permute(&boxes, turn);
        scores = qni_tensor_permute(&scores, turn);
    }
    suppression s = {&boxes,
                     &scores,
                     qni_eval_number(call, 2, 0),
                     last ? -INFINITY : qni_eval_number(call, 3, 0),
                     qni_eval_int(call, last ? 3 : 4, 0),
                     qni_eval_bool(call, last ? 4 : 5, false)};
    sorted *items;
    sorted *room;
    int64_t *kept;
    size_t n = (size_t)boxes.dims[1] + 1;
    if (call->outs[0].data == NULL) {
        return qni_eval_fail(call, QN_UNSUPPORTED,
                             "non_maximum_suppression of shapes that only the run tells");
    }
    QNI_TRY(qni_eval_scratch(call, n, sizeof *items, &items));
    QNI_TRY(qni_eval_scratch(call, n, sizeof *room, &room));
    QNI_TRY(qni_eval_scratch(call, n, sizeof *kept, &kept));
    for (int64_t batch = 0; batch < boxes.dims[0]; batch++) {
        give_kept(call, &s, last, batch, kept, suppress(&s, batch, items, room, kept));
    }
    return QN_OK;
}

static qn_status eval_nms(qni_eval *call)
{
    return run_nms(call, false);
}

static qn_status eval_nms_ios17(qni_eval *call)
{
    return run_nms(call, true);
}

static const char *const nms_cases[] = {"boxes=fp32[1,6,4]{0.5..2}; scores=fp32[1,6,2]{0..1}; "
                                        "iou_threshold=0.3; score_threshold=0.2; max_boxes=4",
                                        NULL};
static const char *const nms_cases_ios17[] = {
    "boxes=fp32[1,4,6]{0.5..2}; scores=fp32[1,2,6]{0..1}; iou_threshold=0.3; max_boxes=4; "
    "per_class_suppression=true",
    NULL};

const qni_op_def qni_op_non_maximum_suppression = {
    .name = "non_maximum_suppression",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = nms_params,
    .n_params = 6,
    .n_outs = 4,
    .infer = infer_nms,
    .eval = eval_nms,
    .cases = nms_cases,
};

const qni_op_def qni_op_non_maximum_suppression__ios17 = {
    .name = "non_maximum_suppression",
    .opset = QNI_IOS17,
    .family = "tensor_operation",
    .params = nms_params_ios17,
    .n_params = 5,
    .n_outs = 3,
    .infer = infer_nms,
    .eval = eval_nms_ios17,
    .cases = nms_cases_ios17,
};
