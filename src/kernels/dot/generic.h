// The body of the dot kernels; each ISA's file includes it after saying how large its register tile
// is: QK_MR rows by QK_NP panels.
#include "kernels/dot/dot.h"
#include "kernels/simd/block.h"
#include "kernels/simd/f32x16.h"

enum {
    // chains that run side by side, so that none waits for its last multiply-add
    GEMV_PANELS = 4,
    TASK_TERMS = 1 << 18, // multiply-adds that are worth a task
    ROW_BLOCK = 48,       // rows of a that are converted at a time
};

// ---- Unpacking

// The sixteen weights of one k.
QK_INLINE qk_f32x16 weight_lanes(const qk_weights *w, qk_weight_format format, bool round_f16,
                                 bool has_zero, const unsigned char *at, qk_f32x16 scale,
                                 qk_f32x16 zero, const float *table)
{
    if (format == QK_WEIGHT_F32) {
        return qk_load((const float *)(const void *)at);
    }
    if (format == QK_WEIGHT_F16) {
        return qk_load_f16((const uint16_t *)(const void *)at);
    }
    if (format == QK_WEIGHT_LUT4) {
        return qk_look_up_u4(at, table);
    }
    (void)w;
    qk_f32x16 code = format == QK_WEIGHT_I8 ? qk_load_i8((const int8_t *)at) : qk_load_u4(at);
    qk_f32x16 value = qk_mul(has_zero ? qk_sub(code, zero) : code, scale);
    return round_f16 ? qk_round_f16(value) : value;
}

static inline const unsigned char *panel_data(const qk_weights *w, int64_t panel)
{
    return w->data + (size_t)panel * (size_t)w->k * w->k_bytes;
}

// One panel as floats: to[k * width + lane].
QK_INLINE void unpack_as(const qk_weights *w, qk_weight_format format, bool round_f16,
                         bool has_zero, int64_t panel, float *to, int64_t width)
{
    const unsigned char *at = panel_data(w, panel);
    int64_t blocks = w->k / w->block_k;
    const float *table = format == QK_WEIGHT_LUT4 ? w->table + panel * 16 : NULL;
    for (int64_t b = 0; b < blocks; b++) {
        int64_t s = (panel * blocks + b) * QK_PANEL;
        qk_f32x16 scale = w->scale != NULL ? qk_load(w->scale + s) : qk_zero();
        qk_f32x16 zero = w->zero != NULL ? qk_load(w->zero + s) : qk_zero();
        for (int64_t k = 0; k < w->block_k; k++, at += w->k_bytes, to += width) {
            qk_store(to, weight_lanes(w, format, round_f16, has_zero, at, scale, zero, table));
        }
    }
}

// The forms that occur, each a loop of its own.
static void unpack_panel(const qk_weights *w, int64_t panel, float *to, int64_t width)
{
    bool zero = w->zero != NULL;
    switch (w->format) {
    case QK_WEIGHT_F32: unpack_as(w, QK_WEIGHT_F32, false, false, panel, to, width); break;
    case QK_WEIGHT_F16: unpack_as(w, QK_WEIGHT_F16, false, false, panel, to, width); break;
    case QK_WEIGHT_LUT4: unpack_as(w, QK_WEIGHT_LUT4, false, false, panel, to, width); break;
    case QK_WEIGHT_I8:
        if (w->round_f16 && !zero) {
            unpack_as(w, QK_WEIGHT_I8, true, false, panel, to, width);
        } else {
            unpack_as(w, QK_WEIGHT_I8, w->round_f16, zero, panel, to, width);
        }
        break;
    case QK_WEIGHT_I4: unpack_as(w, QK_WEIGHT_I4, w->round_f16, zero, panel, to, width); break;
    }
}

// ---- Storing results

static void store_lanes(const qni_tensor *out, int64_t row, int64_t column, const float *lanes,
                        int64_t n, const qni_tensor *bias)
{
    float biased[QK_PANEL];
    if (bias != NULL) {
        qk_block_load(biased, bias->data, bias->dtype, column, bias->strides[0], n);
        for (int64_t i = 0; i < n; i++) {
            biased[i] = lanes[i] + biased[i];
        }
        lanes = biased;
    }
    char *at = (char *)out->data +
               (row * out->strides[0]) * (int64_t)(qni_dtype_bits(out->dtype) / 8);
    qk_block_store(at, out->dtype, column, 1, lanes, n);
}

// ---- One row

QK_INLINE void gemv_as(const qk_weights *w, qk_weight_format format, bool round_f16, bool has_zero,
                       int64_t panel, int64_t n_panels, const float *a, qk_f32x16 *sums)
{
    int64_t blocks = w->k / w->block_k;
    const unsigned char *at[GEMV_PANELS];
    const float *table[GEMV_PANELS];
    qk_f32x16 scale[GEMV_PANELS];
    qk_f32x16 zero[GEMV_PANELS];
    qk_f32x16 sum[GEMV_PANELS];
    for (int64_t p = 0; p < n_panels; p++) {
        at[p] = panel_data(w, panel + p);
        table[p] = format == QK_WEIGHT_LUT4 ? w->table + (panel + p) * 16 : NULL;
        sum[p] = qk_zero();
        scale[p] = qk_zero();
        zero[p] = qk_zero();
    }
    for (int64_t b = 0; b < blocks; b++) {
        for (int64_t p = 0; p < n_panels && w->scale != NULL; p++) {
            int64_t s = ((panel + p) * blocks + b) * QK_PANEL;
            scale[p] = qk_load(w->scale + s);
            zero[p] = has_zero ? qk_load(w->zero + s) : qk_zero();
        }
        for (int64_t k = 0; k < w->block_k; k++) {
            qk_f32x16 x = qk_set1(*a++);
            for (int64_t p = 0; p < n_panels; p++) {
                sum[p] = qk_fma(x,
                                weight_lanes(w, format, round_f16, has_zero, at[p], scale[p],
                                             zero[p], table[p]),
                                sum[p]);
                at[p] += w->k_bytes;
            }
        }
    }
    for (int64_t p = 0; p < n_panels; p++) {
        sums[p] = sum[p];
    }
}

QK_INLINE void gemv_form(const qk_weights *w, int64_t panel, int64_t n_panels, const float *a,
                         qk_f32x16 *sums)
{
    bool zero = w->zero != NULL;
    switch (w->format) {
    case QK_WEIGHT_F32: gemv_as(w, QK_WEIGHT_F32, false, false, panel, n_panels, a, sums); break;
    case QK_WEIGHT_F16: gemv_as(w, QK_WEIGHT_F16, false, false, panel, n_panels, a, sums); break;
    case QK_WEIGHT_LUT4: gemv_as(w, QK_WEIGHT_LUT4, false, false, panel, n_panels, a, sums); break;
    case QK_WEIGHT_I8:
        if (w->round_f16 && !zero) {
            gemv_as(w, QK_WEIGHT_I8, true, false, panel, n_panels, a, sums);
        } else {
            gemv_as(w, QK_WEIGHT_I8, w->round_f16, zero, panel, n_panels, a, sums);
        }
        break;
    case QK_WEIGHT_I4:
        if (w->round_f16 && zero) {
            gemv_as(w, QK_WEIGHT_I4, true, true, panel, n_panels, a, sums);
        } else {
            gemv_as(w, QK_WEIGHT_I4, w->round_f16, zero, panel, n_panels, a, sums);
        }
        break;
    }
}

static void gemv(const qk_call *call, const float *a, int64_t panel)
{
    const qk_dot_params *p = call->params;
    const qk_weights *w = p->weights;
    const qni_tensor *bias = p->has_bias ? &call->views[2] : NULL;
    int64_t left = (w->n + QK_PANEL - 1) / QK_PANEL - panel;
    qk_f32x16 sums[GEMV_PANELS];
    if (left >= GEMV_PANELS) {
        left = GEMV_PANELS;
        gemv_form(w, panel, GEMV_PANELS, a, sums);
    } else {
        for (int64_t i = 0; i < left; i++) {
            gemv_form(w, panel + i, 1, a, &sums[i]);
        }
    }
    for (int64_t i = 0; i < left; i++) {
        float lanes[QK_PANEL];
        int64_t column = (panel + i) * QK_PANEL;
        qk_store(lanes, sums[i]);
        store_lanes(&call->views[0], 0, column, lanes,
                    w->n - column < QK_PANEL ? w->n - column : QK_PANEL, bias);
    }
}

// ---- Many rows: a tile of rows by panels in registers, all of k at once

// b: [k][QK_NP * 16]; a: rows of floats, `a_stride` apart.
QK_INLINE void tile(const float *a, int64_t a_stride, const float *b, int64_t k, int rows,
                    float *out)
{
    qk_f32x16 sum[QK_MR][QK_NP];
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < QK_NP; p++) {
            sum[r][p] = qk_zero();
        }
    }
    for (int64_t i = 0; i < k; i++) {
        qk_f32x16 w[QK_NP];
        for (int p = 0; p < QK_NP; p++) {
            w[p] = qk_load(b + p * QK_PANEL);
        }
        b += QK_NP * QK_PANEL;
        for (int r = 0; r < rows; r++) {
            qk_f32x16 x = qk_set1(a[r * a_stride + i]);
            for (int p = 0; p < QK_NP; p++) {
                sum[r][p] = qk_fma(x, w[p], sum[r][p]);
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < QK_NP; p++) {
            qk_store(out + (r * QK_NP + p) * QK_PANEL, sum[r][p]);
        }
    }
}

#define TILE(n) \
    case n: tile(a, a_stride, b, k, n, out); break;

static void tile_rows(const float *a, int64_t a_stride, const float *b, int64_t k, int64_t rows,
                      float *out)
{
    switch (rows) {
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
#if QK_MR > 4
        TILE(5)
        TILE(6)
#endif
#if QK_MR > 6
        TILE(7)
        TILE(8)
        TILE(9)
        TILE(10)
        TILE(11)
        TILE(12)
#endif
    default: break;
    }
}

#undef TILE

// Rows [first, first + n) of a as floats, k apart.
static void convert_rows(const qni_tensor *a, const char *base, int64_t row_stride,
                         int64_t k_stride, int64_t first, int64_t n, int64_t k, float *to)
{
    int64_t size = (int64_t)(qni_dtype_bits(a->dtype) / 8);
    for (int64_t r = 0; r < n; r++) {
        qk_block_load(to + r * k, base + (first + r) * row_stride * size, a->dtype, 0, k_stride, k);
    }
}

typedef struct product {
    const qni_tensor *a; // its type
    const char *a_base;
    int64_t a_row, a_column; // strides
    int64_t m, k, n;
    const qni_tensor *bias;
    qni_tensor out; // [m, n]
} product;

// All rows against QK_NP panels that stand in `b` as floats; their first output is `column`.
static void multiply(const product *x, const float *b, int64_t column, float *a_rows)
{
    for (int64_t first = 0; first < x->m; first += ROW_BLOCK) {
        int64_t rows = x->m - first < ROW_BLOCK ? x->m - first : ROW_BLOCK;
        convert_rows(x->a, x->a_base, x->a_row, x->a_column, first, rows, x->k, a_rows);
        for (int64_t r = 0; r < rows; r += QK_MR) {
            float out[QK_MR * QK_NP * QK_PANEL];
            int64_t count = rows - r < QK_MR ? rows - r : QK_MR;
            tile_rows(a_rows + r * x->k, x->k, b, x->k, count, out);
            for (int64_t i = 0; i < count; i++) {
                for (int64_t p = 0; p < QK_NP; p++) {
                    int64_t at = column + p * QK_PANEL;
                    int64_t n = x->n - at < QK_PANEL ? x->n - at : QK_PANEL;
                    if (n > 0) {
                        store_lanes(&x->out, first + r + i, at, out + (i * QK_NP + p) * QK_PANEL, n,
                                    x->bias);
                    }
                }
            }
        }
    }
}

static size_t tile_scratch(int64_t k)
{
    return (size_t)k * sizeof(float) * (QK_NP * QK_PANEL + ROW_BLOCK) + 128;
}

// ---- dot

static int64_t rows_of(const qk_call *call)
{
    return call->views[0].dims[0];
}

// Panels that are worked on together.
static int64_t unit_of(const qk_call *call)
{
    return rows_of(call) == 1 ? GEMV_PANELS : QK_NP;
}

static int64_t units_per_task(const qk_call *call)
{
    const qk_weights *w = ((const qk_dot_params *)call->params)->weights;
    int64_t terms = rows_of(call) * w->k * unit_of(call) * QK_PANEL;
    return terms >= TASK_TERMS ? 1 : TASK_TERMS / (terms > 0 ? terms : 1);
}

static int64_t n_units(const qk_call *call)
{
    const qk_weights *w = ((const qk_dot_params *)call->params)->weights;
    int64_t panels = (w->n + QK_PANEL - 1) / QK_PANEL;
    return (panels + unit_of(call) - 1) / unit_of(call);
}

static size_t dot_tasks(const qk_call *call)
{
    int64_t per = units_per_task(call);
    return rows_of(call) == 0 ? 0 : (size_t)((n_units(call) + per - 1) / per);
}

static size_t dot_scratch(const qk_call *call)
{
    return tile_scratch(((const qk_dot_params *)call->params)->weights->k);
}

static void dot_unit(const qk_call *call, float *scratch, int64_t unit)
{
    const qk_dot_params *p = call->params;
    const qk_weights *w = p->weights;
    const qni_tensor *a = &call->views[1];
    int64_t panels = (w->n + QK_PANEL - 1) / QK_PANEL;
    if (rows_of(call) == 1) {
        gemv(call, scratch, unit * GEMV_PANELS);
        return;
    }
    float *b = scratch;
    float *rows = scratch + w->k * QK_NP * QK_PANEL;
    for (int64_t i = 0; i < QK_NP; i++) {
        if (unit * QK_NP + i < panels) {
            unpack_panel(w, unit * QK_NP + i, b + i * QK_PANEL, QK_NP * QK_PANEL);
        }
    }
    product x = {.a = a,
                 .a_base = a->data,
                 .a_row = a->strides[0],
                 .a_column = 1,
                 .m = rows_of(call),
                 .k = w->k,
                 .n = w->n,
                 .bias = p->has_bias ? &call->views[2] : NULL,
                 .out = call->views[0]};
    multiply(&x, b, unit * QK_NP * QK_PANEL, rows);
}

static void dot_run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    const qk_weights *w = ((const qk_dot_params *)call->params)->weights;
    int64_t per = units_per_task(call);
    int64_t last = (int64_t)end * per < n_units(call) ? (int64_t)end * per : n_units(call);
    if (rows_of(call) == 1) {
        convert_rows(&call->views[1], call->views[1].data, 0, 1, 0, 1, w->k, scratch);
    }
    for (int64_t unit = (int64_t)begin * per; unit < last; unit++) {
        dot_unit(call, scratch, unit);
    }
}

// ---- matmul

static int64_t batch_of(const qni_tensor *t)
{
    int64_t n = 1;
    for (int32_t d = 0; d + 2 < t->rank; d++) {
        n *= t->dims[d];
    }
    return n;
}

static size_t matmul_tasks(const qk_call *call)
{
    return qni_tensor_count(&call->views[0]) == 0 ? 0 : (size_t)batch_of(&call->views[0]);
}

static size_t matmul_scratch(const qk_call *call)
{
    return tile_scratch(call->views[1].dims[call->views[1].rank - 1]);
}

static const char *batch_base(const qni_tensor *t, int64_t batch)
{
    int64_t offset = 0;
    for (int32_t d = t->rank - 3; d >= 0; d--) {
        offset += batch % t->dims[d] * t->strides[d];
        batch /= t->dims[d];
    }
    return (const char *)t->data + offset * (int64_t)(qni_dtype_bits(t->dtype) / 8);
}

static void matmul_one(const qk_call *call, float *scratch, int64_t batch)
{
    const qni_tensor *out = &call->views[0];
    const qni_tensor *a = &call->views[1];
    const qni_tensor *b = &call->views[2];
    int32_t r = out->rank;
    const int64_t dims[2] = {out->dims[r - 2], out->dims[r - 1]};
    product x = {.a = a,
                 .a_base = batch_base(a, batch),
                 .a_row = a->strides[r - 2],
                 .a_column = a->strides[r - 1],
                 .m = dims[0],
                 .k = a->dims[r - 1],
                 .n = dims[1]};
    x.out = qni_tensor_make(out->dtype, 2, dims, (void *)(uintptr_t)batch_base(out, batch));
    x.out.strides[0] = out->strides[r - 2];
    const char *b_base = batch_base(b, batch);
    int64_t b_size = (int64_t)(qni_dtype_bits(b->dtype) / 8);
    float *panel = scratch;
    for (int64_t column = 0; column < x.n; column += QK_NP * QK_PANEL) {
        int64_t width = x.n - column < QK_NP * QK_PANEL ? x.n - column : QK_NP * QK_PANEL;
        for (int64_t k = 0; k < x.k; k++) {
            float *to = panel + k * QK_NP * QK_PANEL;
            qk_block_load(to, b_base + k * b->strides[r - 2] * b_size, b->dtype, column,
                          b->strides[r - 1], width);
            for (int64_t i = width; i < QK_NP * QK_PANEL; i++) {
                to[i] = 0.0f;
            }
        }
        multiply(&x, panel, column, scratch + x.k * QK_NP * QK_PANEL);
    }
}

static void matmul_run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    for (size_t batch = begin; batch < end; batch++) {
        matmul_one(call, scratch, (int64_t)batch);
    }
}

// ---- rows

static size_t rows_tasks(const qk_call *call)
{
    return qni_tensor_count(&call->views[1]) == 0 ? 0 : 1;
}

static size_t rows_scratch(const qk_call *call)
{
    const qk_weights *w = ((const qk_dot_params *)call->params)->weights;
    return (size_t)w->k * sizeof(float) + 64;
}

// One row out of its panel: sixteen are unpacked for each k, one is kept.
static void one_weight_row(const qk_weights *w, int64_t row, float *to)
{
    int64_t panel = row / QK_PANEL;
    int64_t blocks = w->k / w->block_k;
    const unsigned char *at = panel_data(w, panel);
    const float *table = w->table != NULL ? w->table + panel * 16 : NULL;
    for (int64_t k = 0; k < w->k; k++, at += w->k_bytes) {
        int64_t s = (panel * blocks + k / w->block_k) * QK_PANEL;
        float lanes[QK_PANEL];
        qk_f32x16 scale = w->scale != NULL ? qk_load(w->scale + s) : qk_zero();
        qk_f32x16 zero = w->zero != NULL ? qk_load(w->zero + s) : qk_zero();
        qk_store(lanes,
                 weight_lanes(w, w->format, w->round_f16, w->zero != NULL, at, scale, zero, table));
        to[k] = lanes[row % QK_PANEL];
    }
}

static void rows_run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    const qk_weights *w = ((const qk_dot_params *)call->params)->weights;
    const qni_tensor *out = &call->views[0];
    const qni_tensor *ids = &call->views[1];
    float *row = scratch;
    (void)begin;
    (void)end;
    for (int64_t i = 0; i < ids->dims[0]; i++) {
        int64_t id = qni_tensor_get_int(ids, i);
        id += id < 0 ? w->n : 0;
        if (id >= 0 && id < w->n) {
            one_weight_row(w, id, row);
        } else {
            memset(row, 0, (size_t)w->k * sizeof *row);
        }
        char *to = (char *)out->data +
                   i * out->strides[0] * (int64_t)(qni_dtype_bits(out->dtype) / 8);
        qk_block_store(to, out->dtype, 0, 1, row, w->k);
    }
}
