// Family linear: products of matrices. The order of their sums: kernels/dot/dot.h.
#include "ops/elementwise.h"
#include "ops/weights.h"

#include <math.h>
#include <string.h>

// The element of a tensor of numbers as a float: what products compute with.
static float element(const qni_tensor *t, int64_t i)
{
    return (float)qni_tensor_get(t, i);
}

// ---- linear: x . weight^T + bias.

static const qni_param linear_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"weight", QNI_SET_NUMBER, QNI_WEIGHT, 'T', NULL},
    {"bias", QNI_SET_NUMBER, QNI_WEIGHT | QNI_OPTIONAL, 'T', NULL},
};
static const qni_param linear_params_ios17[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"weight", QNI_SET_NUMBER, QNI_WEIGHT, 'U', NULL},
    {"bias", QNI_SET_NUMBER, QNI_WEIGHT | QNI_OPTIONAL, 'U', NULL},
};

static qn_status infer_linear(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_type *weight = qni_infer_type(ctx, 1);
    const qni_type *bias = qni_infer_type(ctx, 2);
    qni_dim dims[QNI_MAX_RANK];
    if (x->rank < 1 || weight->rank != 2 || (bias != NULL && bias->rank != 1)) {
        return qni_infer_fail(
            ctx, QN_INVALID_MODEL,
            "x, weight and bias have ranks %d, %d and %d; wanted are 1 or more, 2 and 1",
            (int)x->rank, (int)weight->rank, bias != NULL ? (int)bias->rank : 1);
    }
    QNI_TRY(
        qni_infer_equal(ctx, x->dims[x->rank - 1], weight->dims[1], "the columns of x and weight"));
    if (bias != NULL) {
        QNI_TRY(
            qni_infer_equal(ctx, bias->dims[0], weight->dims[0], "bias and the rows of weight"));
    }
    memcpy(dims, x->dims, sizeof dims);
    dims[x->rank - 1] = weight->dims[0];
    qni_infer_set(ctx, 0, x->dtype, x->rank, dims);
    return QN_OK;
}

static void linear_row(const qni_tensor *out, const qni_tensor *x, const qni_tensor *weight,
                       const qni_tensor *bias, int64_t row)
{
    int64_t k = weight->dims[1];
    int64_t n = weight->dims[0];
    for (int64_t j = 0; j < n; j++) {
        if (out->dtype == QNI_I32) {
            uint64_t sum = bias != NULL ? (uint64_t)qni_tensor_get_int(bias, j) : 0;
            for (int64_t i = 0; i < k; i++) {
                sum += (uint64_t)qni_tensor_get_int(x, row * k + i) *
                       (uint64_t)qni_tensor_get_int(weight, j * k + i);
            }
            qni_tensor_set_int(out, row * n + j, (int64_t)sum);
            continue;
        }
        float sum = 0.0f;
        for (int64_t i = 0; i < k; i++) {
            sum = fmaf(element(x, row * k + i), element(weight, j * k + i), sum);
        }
        sum = bias != NULL ? sum + element(bias, j) : sum;
        qni_tensor_set(out, row * n + j, (double)sum);
    }
}

static qn_status eval_linear(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *weight = qni_eval_arg(call, 1);
    if (call->outs[0].data == NULL) {
        int64_t dims[QNI_MAX_RANK];
        memcpy(dims, x->dims, sizeof dims);
        dims[x->rank - 1] = weight->dims[0];
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    int64_t rows = 1;
    for (int32_t d = 0; d + 1 < x->rank; d++) {
        rows *= x->dims[d];
    }
    for (int64_t row = 0; row < rows; row++) {
        linear_row(&call->outs[0], x, weight, qni_eval_arg(call, 2), row);
    }
    return QN_OK;
}

// The leading dimensions become one: rows.
static qn_status as_rows(qni_lower *lower, const qni_value *x, qni_view *view)
{
    const qni_type *t = &x->type;
    qni_dim dims[2] = {qni_dim_of(1), t->dims[t->rank - 1]};
    for (int32_t d = 0; d + 1 < t->rank; d++) {
        dims[0] = qni_dim_mul(lower->symbols, dims[0], t->dims[d]);
    }
    QNI_TRY(qni_lower_view(lower, x, view));
    bool ok = qni_view_reshape(lower->symbols, view, 2, dims) && qni_view_is_plain(view);
    // The kernel wants the columns side by side.
    ok = ok && (view->first[2] == view->first[1] || qni_dim_is(view->stride[view->first[1]], 1));
    if (!ok) {
        QNI_TRY(qni_lower_dense(lower, x, view));
        qni_dim offset = view->offset;
        *view = qni_view_dense(lower->symbols, view->buffer, view->dtype, 2, dims);
        view->offset = offset;
    }
    return QN_OK;
}

static qn_status lower_linear(qni_lower *lower, const qni_op *op)
{
    const qni_value *out = op->outs[0];
    qni_weight_source source;
    if (out->type.dtype == QNI_I32 || !qni_find_weight(qni_arg(op, 1), &source)) {
        return qni_lower_eval(lower, op);
    }
    qk_dot_params *params = qni_arena_alloc(lower->arena, sizeof *params);
    if (params == NULL) {
        return qni_fail_memory(lower->err);
    }
    QNI_TRY(qni_lower_weights(lower, &source, &params->weights));
    params->has_bias = qni_arg(op, 2) != NULL;
    qni_view views[3];
    QNI_TRY(as_rows(lower, qni_arg(op, 0), &views[1]));
    if (params->has_bias) {
        QNI_TRY(qni_lower_dense(lower, qni_arg(op, 2), &views[2]));
    }
    qni_view result;
    QNI_TRY(qni_lower_output(lower, out, &result));
    qni_dim dims[2] = {qni_view_dim(lower->symbols, &views[1], 0),
                       out->type.dims[out->type.rank - 1]};
    views[0] = qni_view_dense(lower->symbols, result.buffer, out->type.dtype, 2, dims);
    return qni_lower_step(lower, qk_dot_select(lower->cpu), params, views, params->has_bias ? 3 : 2,
                          1);
}

static const char *const linear_cases[] = {
    "x=fp16[2,33]; weight=fp16[20,33]; bias=fp16[20]",
    "x=fp32[3,2,7]; weight=fp32[65,7]",
    "x=fp16[1,1,40]; weight=fp16[70,40]",
    "x=fp16[13,40]; weight=fp16[33,40]; bias=fp16[33]",
    "x=fp16[5]; weight=fp16[3,5]",
    "x=int32[2,3]{-9..9}; weight=int32[4,3]{-9..9}",
    "x=fp32[0,7]; weight=fp32[5,7]",
    NULL,
};

const qni_op_def qni_op_linear = {
    .name = "linear",
    .opset = QNI_IOS15,
    .family = "linear",
    .params = linear_params,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_linear,
    .eval = eval_linear,
    .lower = lower_linear,
    .cases = linear_cases,
};

const qni_op_def qni_op_linear__ios17 = {
    .name = "linear",
    .opset = QNI_IOS17,
    .family = "linear",
    .params = linear_params_ios17,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_linear,
    .eval = eval_linear,
    .lower = lower_linear,
    .cases = linear_cases,
};

// ---- matmul: x . y over the last two dimensions, the others broadcast; a vector counts as a row
// or a column.

static const qni_param matmul_params[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"y", QNI_SET_NUMBER, 0, 'T', NULL},
    {"transpose_x", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
    {"transpose_y", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};
static const qni_param matmul_params_ios17[] = {
    {"x", QNI_SET_NUMBER, 0, 'T', NULL},
    {"y", QNI_SET_NUMBER, 0, 'U', NULL},
    {"transpose_x", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
    {"transpose_y", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

// The dimensions of an operand as a stack of matrices.
static void as_matrices(const qni_type *t, bool transposed, bool is_left, int32_t *rank,
                        qni_dim *dims)
{
    if (t->rank == 1) {
        *rank = 2;
        dims[0] = is_left ? qni_dim_of(1) : t->dims[0];
        dims[1] = is_left ? t->dims[0] : qni_dim_of(1);
        return;
    }
    *rank = t->rank;
    memcpy(dims, t->dims, (size_t)t->rank * sizeof *dims);
    if (transposed) {
        qni_dim swap = dims[t->rank - 1];
        dims[t->rank - 1] = dims[t->rank - 2];
        dims[t->rank - 2] = swap;
    }
}

static qn_status infer_matmul(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_type *y = qni_infer_type(ctx, 1);
    int32_t rx;
    int32_t ry;
    int32_t rank;
    qni_type a = {.rank = 0};
    qni_type b = {.rank = 0};
    qni_dim dims[QNI_MAX_RANK];
    if (x->rank < 1 || y->rank < 1) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "x and y need rank 1 or more");
    }
    as_matrices(x, qni_infer_bool(ctx, 2, false), true, &rx, a.dims);
    as_matrices(y, qni_infer_bool(ctx, 3, false), false, &ry, b.dims);
    QNI_TRY(
        qni_infer_equal(ctx, a.dims[rx - 1], b.dims[ry - 2], "the columns of x and the rows of y"));
    qni_dim m = a.dims[rx - 2];
    qni_dim n = b.dims[ry - 1];
    a.rank = rx - 2;
    b.rank = ry - 2;
    QNI_TRY(qni_infer_broadcast(ctx, &a, &b, &rank, dims));
    if (x->rank > 1) {
        dims[rank++] = m;
    }
    if (y->rank > 1) {
        dims[rank++] = n;
    }
    // A constant is a weight: the result has the type of the other.
    bool x_is_weight = qni_infer_const(ctx, 0) != NULL && qni_infer_const(ctx, 1) == NULL;
    qni_infer_set(ctx, 0, x_is_weight ? y->dtype : x->dtype, rank, dims);
    return QN_OK;
}

// A tensor as [..., rows, columns] of `rank` dimensions, the leading ones broadcast to those of
// `dims`.
static qni_tensor matrices_of(const qni_tensor *t, bool transposed, bool is_left, int32_t rank,
                              const int64_t *dims)
{
    qni_tensor m = *t;
    if (t->rank == 1) {
        m.rank = 2;
        m.dims[0] = is_left ? 1 : t->dims[0];
        m.dims[1] = is_left ? t->dims[0] : 1;
        m.strides[0] = is_left ? 0 : t->strides[0];
        m.strides[1] = is_left ? t->strides[0] : 0;
    } else if (transposed) {
        m.dims[t->rank - 1] = t->dims[t->rank - 2];
        m.dims[t->rank - 2] = t->dims[t->rank - 1];
        m.strides[t->rank - 1] = t->strides[t->rank - 2];
        m.strides[t->rank - 2] = t->strides[t->rank - 1];
    }
    qni_tensor out = m;
    out.rank = rank;
    for (int32_t d = 0; d < rank; d++) {
        int32_t from = d - (rank - m.rank);
        bool leading = d < rank - 2;
        out.dims[d] = leading ? dims[d] : m.dims[from];
        bool spread = from < 0 || (leading && m.dims[from] == 1);
        out.strides[d] = spread ? 0 : m.strides[from];
    }
    return out;
}

static int64_t offset_of_batch(const qni_tensor *t, int64_t batch)
{
    int64_t at = 0;
    for (int32_t d = t->rank - 3; d >= 0; d--) {
        at += batch % t->dims[d] * t->strides[d];
        batch /= t->dims[d];
    }
    return at;
}

static qni_tensor one_matrix(const qni_tensor *t, int64_t batch)
{
    qni_tensor m = *t;
    m.rank = 2;
    for (int32_t d = 0; d < 2; d++) {
        m.dims[d] = t->dims[t->rank - 2 + d];
        m.strides[d] = t->strides[t->rank - 2 + d];
    }
    m.data = (char *)t->data + offset_of_batch(t, batch) * (int64_t)qni_element_bytes(t->dtype);
    return m;
}

static void multiply(const qni_tensor *out, const qni_tensor *a, const qni_tensor *b)
{
    int64_t k = a->dims[1];
    int64_t n = b->dims[1];
    for (int64_t i = 0; i < a->dims[0]; i++) {
        for (int64_t j = 0; j < n; j++) {
            float sum = 0.0f;
            uint64_t whole = 0;
            for (int64_t l = 0; l < k; l++) {
                if (out->dtype == QNI_I32) {
                    whole += (uint64_t)qni_tensor_get_int(a, i * k + l) *
                             (uint64_t)qni_tensor_get_int(b, l * n + j);
                } else {
                    sum = fmaf(element(a, i * k + l), element(b, l * n + j), sum);
                }
            }
            if (out->dtype == QNI_I32) {
                qni_tensor_set_int(out, i * n + j, (int64_t)whole);
            } else {
                qni_tensor_set(out, i * n + j, (double)sum);
            }
        }
    }
}

static void batch_dims(const qni_tensor *x, const qni_tensor *y, int32_t *rank, int64_t *dims)
{
    int32_t rx = x->rank > 2 ? x->rank : 2;
    int32_t ry = y->rank > 2 ? y->rank : 2;
    *rank = rx > ry ? rx : ry;
    for (int32_t d = 0; d < *rank - 2; d++) {
        int32_t ix = d - (*rank - x->rank);
        int32_t iy = d - (*rank - y->rank);
        int64_t dx = ix >= 0 && x->rank > 2 ? x->dims[ix] : 1;
        int64_t dy = iy >= 0 && y->rank > 2 ? y->dims[iy] : 1;
        dims[d] = dx == 1 ? dy : dx;
    }
}

static qn_status eval_matmul(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *y = qni_eval_arg(call, 1);
    int32_t rank;
    int64_t dims[QNI_MAX_RANK];
    batch_dims(x, y, &rank, dims);
    qni_tensor a = matrices_of(x, qni_eval_bool(call, 2, false) && x->rank > 1, true, rank, dims);
    qni_tensor b = matrices_of(y, qni_eval_bool(call, 3, false) && y->rank > 1, false, rank, dims);
    dims[rank - 2] = a.dims[rank - 2];
    dims[rank - 1] = b.dims[rank - 1];
    if (call->outs[0].data == NULL) {
        return qni_eval_fail(call, QN_UNSUPPORTED, "products of shapes that only the run tells");
    }
    qni_tensor out = qni_tensor_make(call->outs[0].dtype, rank, dims, call->outs[0].data);
    int64_t batches = 1;
    for (int32_t d = 0; d < rank - 2; d++) {
        batches *= dims[d];
    }
    for (int64_t i = 0; i < batches; i++) {
        qni_tensor mo = one_matrix(&out, i);
        qni_tensor ma = one_matrix(&a, i);
        qni_tensor mb = one_matrix(&b, i);
        multiply(&mo, &ma, &mb);
    }
    return QN_OK;
}

// An operand's view as [..., rows, columns], broadcast to the leading dimensions `dims` of `rank`
// in all.
static qn_status matrices_view(qni_lower *lower, const qni_value *value, bool transposed,
                               bool is_left, int32_t rank, const qni_dim *dims, qni_view *view)
{
    QNI_TRY(qni_lower_plain(lower, value, view));
    if (view->rank == 1) {
        qni_view_insert(view, is_left ? 0 : 1);
    } else if (transposed) {
        int32_t perm[QNI_MAX_RANK];
        for (int32_t d = 0; d < view->rank; d++) {
            perm[d] = d;
        }
        perm[view->rank - 1] = view->rank - 2;
        perm[view->rank - 2] = view->rank - 1;
        qni_view_permute(view, perm);
    }
    qni_dim wanted[QNI_MAX_RANK];
    memcpy(wanted, dims, sizeof wanted);
    wanted[rank - 2] = qni_view_dim(lower->symbols, view, view->rank - 2);
    wanted[rank - 1] = qni_view_dim(lower->symbols, view, view->rank - 1);
    (void)qni_view_broadcast(lower->symbols, view, rank, wanted);
    return QN_OK;
}

static bool bool_arg(const qni_op *op, size_t p)
{
    return qni_arg(op, p) != NULL && qni_tensor_get_int(qni_arg(op, p)->constant, 0) != 0;
}

static qn_status lower_matmul(qni_lower *lower, const qni_op *op)
{
    const qni_value *x = qni_arg(op, 0);
    const qni_value *y = qni_arg(op, 1);
    const qni_type *t = &op->outs[0]->type;
    if (t->dtype == QNI_I32 || x->type.dtype == QNI_I32 || y->type.dtype == QNI_I32) {
        return qni_lower_eval(lower, op);
    }
    int32_t leading = t->rank - (x->type.rank > 1) - (y->type.rank > 1);
    int32_t rank = leading + 2;
    qni_dim dims[QNI_MAX_RANK] = {{0, 0}};
    memcpy(dims, t->dims, (size_t)leading * sizeof *dims);
    qni_view views[3];
    QNI_TRY(
        matrices_view(lower, x, bool_arg(op, 2) && x->type.rank > 1, true, rank, dims, &views[1]));
    QNI_TRY(
        matrices_view(lower, y, bool_arg(op, 3) && y->type.rank > 1, false, rank, dims, &views[2]));
    dims[rank - 2] = qni_view_dim(lower->symbols, &views[1], rank - 2);
    dims[rank - 1] = qni_view_dim(lower->symbols, &views[2], rank - 1);
    QNI_TRY(qni_lower_output(lower, op->outs[0], &views[0]));
    views[0] = qni_view_dense(lower->symbols, views[0].buffer, t->dtype, rank, dims);
    return qni_lower_step(lower, qk_matmul_select(lower->cpu), NULL, views, 3, 1);
}

static const char *const matmul_cases[] = {
    "x=fp16[2,33]; y=fp16[33,20]",
    "x=fp32[3,2,7]; y=fp32[7,5]",
    "x=fp32[2,1,4,7]; y=fp32[3,7,5]",
    "x=fp16[7,3]; y=fp16[9,7]; transpose_x=true; transpose_y=true",
    "x=fp16[7]; y=fp16[7,3]",
    "x=fp32[2,7]; y=fp32[7]",
    "x=int32[2,3]{-9..9}; y=int32[3,4]{-9..9}",
    "x=fp16[14,40]; y=fp16[40,50]",
    NULL,
};

const qni_op_def qni_op_matmul = {
    .name = "matmul",
    .opset = QNI_IOS15,
    .family = "linear",
    .params = matmul_params,
    .n_params = 4,
    .n_outs = 1,
    .infer = infer_matmul,
    .eval = eval_matmul,
    .lower = lower_matmul,
    .cases = matmul_cases,
};

const qni_op_def qni_op_matmul__ios17 = {
    .name = "matmul",
    .opset = QNI_IOS17,
    .family = "linear",
    .params = matmul_params_ios17,
    .n_params = 4,
    .n_outs = 1,
    .infer = infer_matmul,
    .eval = eval_matmul,
    .lower = lower_matmul,
    .cases = matmul_cases,
};

// ---- einsum: two operands, "abcd,adce->abce": letters in both and not in the result are summed,
// in the order of the first operand.

static const qni_param einsum_params[] = {
    {"values", QNI_SET_FLOAT | QNI_DT(I32), QNI_VARIADIC, 'T', NULL},
    {"equation", QNI_DT(STRING), QNI_CONST, 0, NULL},
};

enum { MAX_LETTERS = 2 * QNI_MAX_RANK };

typedef struct einsum {
    char in[2][QNI_MAX_RANK + 1];
    char out[QNI_MAX_RANK + 1];
    char summed[MAX_LETTERS + 1];
} einsum;

static bool take_letters(const char **at, char *to)
{
    size_t n = 0;
    while (**at == ' ' || (**at >= 'a' && **at <= 'z') || (**at >= 'A' && **at <= 'Z')) {
        if (**at != ' ') {
            if (n == QNI_MAX_RANK || memchr(to, **at, n) != NULL) {
                return false;
            }
            to[n++] = **at;
        }
        (*at)++;
    }
    to[n] = '\0';
    return true;
}

static bool parse_einsum(const char *equation, einsum *e)
{
    const char *at = equation;
    if (!take_letters(&at, e->in[0]) || *at++ != ',' || !take_letters(&at, e->in[1]) ||
        *at++ != '-' || *at++ != '>' || !take_letters(&at, e->out) || *at != '\0') {
        return false;
    }
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        for (const char *c = e->in[i]; *c != '\0'; c++) {
            if (strchr(e->out, *c) == NULL && memchr(e->summed, *c, n) == NULL) {
                e->summed[n++] = *c;
            }
        }
    }
    e->summed[n] = '\0';
    for (const char *c = e->out; *c != '\0'; c++) {
        if (strchr(e->in[0], *c) == NULL && strchr(e->in[1], *c) == NULL) {
            return false;
        }
    }
    return true;
}

static qn_status infer_einsum(qni_infer *ctx)
{
    einsum e;
    const char *equation = qni_infer_text(ctx, 1, "");
    qni_dim dims[QNI_MAX_RANK];
    if (qni_arg_count(ctx->op, 0) != 2 || !parse_einsum(equation, &e) ||
        (int32_t)strlen(e.in[0]) != qni_arg_at(ctx->op, 0, 0)->type.rank ||
        (int32_t)strlen(e.in[1]) != qni_arg_at(ctx->op, 0, 1)->type.rank) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED, "the equation \"%s\" for %zu values", equation,
                              qni_arg_count(ctx->op, 0));
    }
    int32_t rank = (int32_t)strlen(e.out);
    for (int i = 0; i < 2; i++) {
        const qni_type *t = &qni_arg_at(ctx->op, 0, (size_t)i)->type;
        for (int32_t d = 0; d < t->rank; d++) {
            const char *other = strchr(e.in[1 - i], e.in[i][d]);
            qni_dim mine = t->dims[d];
            if (other != NULL) {
                qni_dim its =
                    qni_arg_at(ctx->op, 0, (size_t)(1 - i))->type.dims[other - e.in[1 - i]];
                bool one = qni_dim_is(mine, 1) || qni_dim_is(its, 1);
                if (!one) {
                    QNI_TRY(qni_infer_equal(ctx, mine, its, "dimensions of one letter"));
                }
                mine = qni_dim_is(mine, 1) ? its : mine;
            }
            const char *to = strchr(e.out, e.in[i][d]);
            if (to != NULL) {
                dims[to - e.out] = mine;
            }
        }
    }
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 0)->dtype, rank, dims);
    return QN_OK;
}

// The view of an operand with the dimensions of `letters`, those that it has not with stride 0.
static qni_tensor by_letters(const qni_tensor *t, const char *mine, const char *letters,
                             const int64_t *sizes)
{
    qni_tensor out = *t;
    out.rank = (int32_t)strlen(letters);
    for (int32_t d = 0; d < out.rank; d++) {
        const char *at = strchr(mine, letters[d]);
        out.dims[d] = sizes[d];
        out.strides[d] = at != NULL && t->dims[at - mine] != 1 ? t->strides[at - mine] : 0;
    }
    return out;
}

static qn_status eval_einsum(qni_eval *call)
{
    einsum e;
    if (!parse_einsum(qni_eval_text(call, 1, ""), &e) || call->outs[0].data == NULL) {
        return qni_eval_fail(call, QN_UNSUPPORTED, "this equation");
    }
    const qni_tensor *x = qni_eval_arg_at(call, 0, 0);
    const qni_tensor *y = qni_eval_arg_at(call, 0, 1);
    int64_t sizes[2][MAX_LETTERS];
    const char *const groups[2] = {e.out, e.summed};
    for (int g = 0; g < 2; g++) {
        for (size_t i = 0; groups[g][i] != '\0'; i++) {
            const char *ix = strchr(e.in[0], groups[g][i]);
            const char *iy = strchr(e.in[1], groups[g][i]);
            int64_t nx = ix != NULL ? x->dims[ix - e.in[0]] : 1;
            int64_t ny = iy != NULL ? y->dims[iy - e.in[1]] : 1;
            sizes[g][i] = nx == 1 ? ny : nx;
        }
    }
    if (strlen(e.summed) > QNI_MAX_RANK) {
        return qni_eval_fail(call, QN_UNSUPPORTED, "an equation that sums over %zu letters",
                             strlen(e.summed));
    }
    qni_tensor xo = by_letters(x, e.in[0], e.out, sizes[0]);
    qni_tensor yo = by_letters(y, e.in[1], e.out, sizes[0]);
    qni_tensor xs = by_letters(x, e.in[0], e.summed, sizes[1]);
    qni_tensor ys = by_letters(y, e.in[1], e.summed, sizes[1]);
    int64_t terms = qni_tensor_count(&xs);
    for (int64_t i = 0, n = qni_tensor_count(&call->outs[0]); i < n; i++) {
        float sum = 0.0f;
        uint64_t whole = 0;
        xs.data = (char *)x->data +
                  qni_tensor_offset(&xo, i) * (int64_t)qni_element_bytes(x->dtype);
        ys.data = (char *)y->data +
                  qni_tensor_offset(&yo, i) * (int64_t)qni_element_bytes(y->dtype);
        for (int64_t k = 0; k < terms; k++) {
            sum = fmaf(element(&xs, k), element(&ys, k), sum);
            whole += (uint64_t)qni_tensor_get_int(&xs, k) * (uint64_t)qni_tensor_get_int(&ys, k);
        }
        if (call->outs[0].dtype == QNI_I32) {
            qni_tensor_set_int(&call->outs[0], i, (int64_t)whole);
        } else {
            qni_tensor_set(&call->outs[0], i, (double)sum);
        }
    }
    return QN_OK;
}

static const char *const einsum_cases[] = {
    "values=(fp32[2,3,1,4], fp32[2,4,1,5]); equation=\"nchw,nwhu->nchu\"",
    "values=(fp16[2,3], fp16[3,4]); equation=\"ab,bc->ac\"",
    NULL,
};

const qni_op_def qni_op_einsum = {
    .name = "einsum",
    .opset = QNI_IOS15,
    .family = "linear",
    .params = einsum_params,
    .n_params = 2,
    .n_outs = 1,
    .infer = infer_einsum,
    .eval = eval_einsum,
    .cases = einsum_cases,
};
