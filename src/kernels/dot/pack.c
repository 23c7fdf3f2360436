// Packing weights.
#include "kernels/dot/dot.h"

#include "base/alloc.h"
#include "base/half.h"

#include <string.h>

// The index of block (i, j) in a tensor whose blocks divide [n, k].
static int64_t block_of(const qk_weight_source *s, const qni_tensor *blocks, int64_t i, int64_t j)
{
    int64_t rows = s->is_transposed ? s->data.dims[1] : s->data.dims[0];
    int64_t columns = s->is_transposed ? s->data.dims[0] : s->data.dims[1];
    int64_t row_blocks = s->is_transposed ? blocks->dims[1] : blocks->dims[0];
    int64_t column_blocks = s->is_transposed ? blocks->dims[0] : blocks->dims[1];
    int64_t bi = i / (rows / row_blocks);
    int64_t bj = j / (columns / column_blocks);
    return s->is_transposed ? bj * row_blocks + bi : bi * column_blocks + bj;
}

static int64_t data_index(const qk_weight_source *s, int64_t i, int64_t j)
{
    return s->is_transposed ? j * s->data.dims[1] + i : i * s->data.dims[1] + j;
}

double qk_weight_at(const qk_weight_source *s, int64_t i, int64_t j)
{
    int64_t at = data_index(s, i, j);
    if (s->lut != NULL) {
        int64_t entries = s->lut->dims[2];
        return qni_tensor_get(s->lut, block_of(s, s->lut, i, j) * entries +
                                          qni_tensor_get_int(&s->data, at));
    }
    double value = qni_tensor_get(&s->data, at);
    if (s->scale != NULL) {
        int64_t block = block_of(s, s->scale, i, j);
        value -= s->offset != NULL ? qni_tensor_get(s->offset, block) : 0;
        value *= qni_tensor_get(s->scale, block);
    }
    return value;
}

// ---- Choosing the form

static int64_t blocks_along(const qk_weight_source *s, const qni_tensor *blocks, bool along_k)
{
    return blocks->dims[along_k != s->is_transposed ? 1 : 0];
}

static qk_weight_format choose_format(const qk_weight_source *s, int64_t n)
{
    qni_dtype d = s->data.dtype;
    if (s->lut != NULL) {
        int64_t groups = blocks_along(s, s->lut, false);
        bool panel_wide = blocks_along(s, s->lut, true) == 1 &&
                          (groups == 1 || n / groups % QK_PANEL == 0);
        if (panel_wide && s->lut->dims[2] <= 16) {
            return QK_WEIGHT_LUT4;
        }
    } else if (s->scale != NULL) {
        if (d == QNI_I4 || d == QNI_U4) {
            return QK_WEIGHT_I4;
        }
        if (d == QNI_I8 || d == QNI_U8) {
            return QK_WEIGHT_I8;
        }
    }
    return s->declared == QNI_F16 ? QK_WEIGHT_F16 : QK_WEIGHT_F32;
}

static size_t bytes_per_k(qk_weight_format format)
{
    switch (format) {
    case QK_WEIGHT_F32: return 4 * QK_PANEL;
    case QK_WEIGHT_F16: return 2 * QK_PANEL;
    case QK_WEIGHT_I8: return QK_PANEL;
    case QK_WEIGHT_I4:
    case QK_WEIGHT_LUT4: return QK_PANEL / 2;
    }
    return 0;
}

// ---- Filling

static int64_t panels_of(const qk_weights *w)
{
    return (w->n + QK_PANEL - 1) / QK_PANEL;
}

static void put_nibble(unsigned char *at, int64_t lane, int64_t code)
{
    at[lane % 8] = (unsigned char)(at[lane % 8] | code << (lane / 8 * 4));
}

static void put_weight(const qk_weight_source *s, const qk_weights *w, int64_t i, int64_t j)
{
    int64_t lane = i % QK_PANEL;
    unsigned char *at = w->data + ((size_t)(i / QK_PANEL) * (size_t)w->k + (size_t)j) * w->k_bytes;
    int64_t index = data_index(s, i, j);
    switch (w->format) {
    case QK_WEIGHT_F32: {
        float value = (float)qk_weight_at(s, i, j);
        memcpy(at + 4 * lane, &value, sizeof value);
        break;
    }
    case QK_WEIGHT_F16: {
        uint16_t half;
        qni_tensor t = qni_tensor_make(QNI_F16, 0, NULL, &half);
        qni_tensor_set(&t, 0, qk_weight_at(s, i, j));
        memcpy(at + 2 * lane, &half, sizeof half);
        break;
    }
    case QK_WEIGHT_I8: {
        int64_t code = qni_tensor_get_int(&s->data, index);
        at[lane] = (unsigned char)(s->data.dtype == QNI_U8 ? code - 128 : code);
        break;
    }
    case QK_WEIGHT_I4: {
        int64_t code = qni_tensor_get_int(&s->data, index);
        put_nibble(at, lane, s->data.dtype == QNI_I4 ? code + 8 : code);
        break;
    }
    case QK_WEIGHT_LUT4: put_nibble(at, lane, qni_tensor_get_int(&s->data, index)); break;
    }
}

// What was taken from unsigned codes, or added to signed ones, is part of the zero point.
static double code_shift(const qk_weight_source *s)
{
    switch ((int)s->data.dtype) {
    case QNI_U8: return -128;
    case QNI_I4: return 8;
    default: return 0;
    }
}

static void fill_scales(const qk_weight_source *s, const qk_weights *w)
{
    int64_t blocks = w->k / w->block_k;
    double shift = code_shift(s);
    for (int64_t i = 0; i < w->n; i++) {
        for (int64_t b = 0; b < blocks; b++) {
            int64_t block = block_of(s, s->scale, i, b * w->block_k);
            int64_t at = (i / QK_PANEL * blocks + b) * QK_PANEL + i % QK_PANEL;
            w->scale[at] = (float)qni_tensor_get(s->scale, block);
            if (w->zero != NULL) {
                w->zero[at] = (float)((s->offset != NULL ? qni_tensor_get(s->offset, block) : 0) +
                                      shift);
            }
        }
    }
}

static void fill_table(const qk_weight_source *s, const qk_weights *w)
{
    int64_t entries = s->lut->dims[2];
    for (int64_t p = 0; p < panels_of(w); p++) {
        int64_t group = block_of(s, s->lut, p * QK_PANEL, 0);
        for (int64_t e = 0; e < 16; e++) {
            w->table[p * 16 + e] = e < entries ? (float)qni_tensor_get(s->lut, group * entries + e)
                                               : 0.0f;
        }
    }
}

static qn_status allocate(const qk_weight_source *s, qk_weights *w, qn_error *err)
{
    size_t panels = (size_t)panels_of(w);
    size_t data = panels * (size_t)w->k * w->k_bytes;
    w->data = qni_alloc_aligned(data + 64);
    w->bytes = data;
    bool affine = w->format == QK_WEIGHT_I8 || w->format == QK_WEIGHT_I4;
    if (affine) {
        size_t scales = panels * (size_t)(w->k / w->block_k) * QK_PANEL;
        bool shifted = s->offset != NULL || code_shift(s) < 0 || code_shift(s) > 0;
        w->scale = qni_calloc(scales + 16, sizeof *w->scale);
        w->zero = shifted ? qni_calloc(scales + 16, sizeof *w->zero) : NULL;
        w->bytes += scales * sizeof(float) * (shifted ? 2 : 1);
        if (w->scale == NULL || (shifted && w->zero == NULL)) {
            return qni_fail_memory(err);
        }
    }
    if (w->format == QK_WEIGHT_LUT4) {
        w->table = qni_calloc(panels * 16 + 16, sizeof *w->table);
        w->bytes += panels * 16 * sizeof(float);
    }
    if (w->data == NULL || (w->format == QK_WEIGHT_LUT4 && w->table == NULL)) {
        return qni_fail_memory(err);
    }
    memset(w->data, 0, data + 64);
    return QN_OK;
}

// The plain cases by rows, which large models are made of.
static bool fill_fast(const qk_weight_source *s, const qk_weights *w)
{
    bool bytes = w->format == QK_WEIGHT_I8 && s->data.dtype == QNI_I8;
    bool halves = w->format == QK_WEIGHT_F16 && s->data.dtype == QNI_F16 && s->scale == NULL &&
                  s->lut == NULL;
    if (s->is_transposed || (!bytes && !halves)) {
        return false;
    }
    for (int64_t i = 0; i < w->n; i++) {
        unsigned char *panel = w->data + (size_t)(i / QK_PANEL) * (size_t)w->k * w->k_bytes;
        int64_t lane = i % QK_PANEL;
        for (int64_t j = 0; j < w->k; j++) {
            if (bytes) {
                panel[j * QK_PANEL + lane] = ((const unsigned char *)s->data.data)[i * w->k + j];
            } else {
                ((uint16_t *)(void *)panel)[j * QK_PANEL + lane] =
                    ((const uint16_t *)s->data.data)[i * w->k + j];
            }
        }
    }
    return true;
}

static void fill(const qk_weight_source *s, const qk_weights *w)
{
    if (w->scale != NULL) {
        fill_scales(s, w);
    }
    if (w->table != NULL) {
        fill_table(s, w);
    }
    if (fill_fast(s, w)) {
        return;
    }
    for (int64_t i = 0; i < w->n; i++) {
        for (int64_t j = 0; j < w->k; j++) {
            put_weight(s, w, i, j);
        }
    }
}

qn_status qk_weights_pack(const qk_weight_source *s, qk_weights **out, qn_error *err)
{
    *out = NULL;
    qk_weights *w = qni_calloc(1, sizeof *w);
    if (w == NULL) {
        return qni_fail_memory(err);
    }
    w->n = s->data.dims[s->is_transposed ? 1 : 0];
    w->k = s->data.dims[s->is_transposed ? 0 : 1];
    w->format = choose_format(s, w->n);
    w->round_f16 = s->declared == QNI_F16 &&
                   (w->format == QK_WEIGHT_I8 || w->format == QK_WEIGHT_I4);
    w->k_bytes = bytes_per_k(w->format);
    w->block_k = s->scale != NULL ? w->k / blocks_along(s, s->scale, true) : w->k;
    w->block_k = w->block_k > 0 ? w->block_k : 1;
    qn_status status = allocate(s, w, err);
    if (status != QN_OK) {
        qk_weights_free(w);
        return status;
    }
    fill(s, w);
    *out = w;
    return QN_OK;
}

void qk_weights_free(qk_weights *w)
{
    if (w != NULL) {
        qni_free_aligned(w->data);
        qni_free(w->scale);
        qni_free(w->zero);
        qni_free(w->table);
        qni_free(w);
    }
}
