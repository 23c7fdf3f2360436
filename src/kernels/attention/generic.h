// The body of the attention kernels; each ISA's file includes it.
#include "kernels/attention/attention.h"
#include "kernels/simd/f32x16.h"
#include "kernels/simd/math.h"
#include "kernels/simd/trailing.h"

enum {
    // of queries that are worked on together; they share each key and value that is read
    ROWS = 12,
    KEY_TILE = 16,
    VALUE_BLOCK = 64,
};

typedef struct shape {
    int64_t b, h, g, m, t, d, dv;
    int64_t blocks; // of ROWS among the g * m rows of one head of keys
} shape;

static shape shape_of(const qk_call *call)
{
    const qni_tensor *q = &call->views[1];
    const qni_tensor *v = &call->views[3];
    shape s = {q->dims[0], q->dims[1], q->dims[2], q->dims[3],
               v->dims[2], q->dims[4], v->dims[3], 0};
    s.blocks = (s.g * s.m + ROWS - 1) / ROWS;
    return s;
}

static size_t n_tasks(const qk_call *call)
{
    shape s = shape_of(call);
    int64_t work = s.b * s.h * s.g * s.m * s.t * (s.d + s.dv);
    if (work == 0 && qni_tensor_count(&call->views[0]) == 0) {
        return 0;
    }
    return work < 1 << 17 ? 1 : (size_t)(s.b * s.h * s.blocks);
}

static int64_t padded(int64_t n)
{
    return (n + 15) / 16 * 16;
}

static size_t scratch_bytes(const qk_call *call)
{
    shape s = shape_of(call);
    int64_t floats = ROWS * padded(s.d) + padded(s.d) * KEY_TILE + ROWS * padded(s.t) +
                     VALUE_BLOCK * padded(s.dv) + ROWS * padded(s.dv) +
                     padded(s.t > s.d ? s.t : s.d);
    return (size_t)floats * sizeof(float) + 64;
}

typedef struct work {
    const qk_call *call;
    shape s;
    int64_t b, h, first, rows; // rows [first, first + rows) of the head's g * m
    float *q, *keys, *scores, *values, *sums, *row;
} work;

static const char *address(const qni_tensor *t, int64_t i0, int64_t i1, int64_t i2, int64_t i3)
{
    int64_t at = i0 * t->strides[0] + i1 * t->strides[1] + i2 * t->strides[2] + i3 * t->strides[3];
    return (const char *)t->data + at * (int64_t)(qni_dtype_bits(t->dtype) / 8);
}

// A tile of keys, turned: to[component][key].
static void load_keys(const work *w, int64_t t0, int64_t n)
{
    const qni_tensor *k = &w->call->views[2];
    for (int64_t j = 0; j < KEY_TILE; j++) {
        if (j >= n) {
            for (int64_t i = 0; i < w->s.d; i++) {
                w->keys[i * KEY_TILE + j] = 0.0f;
            }
            continue;
        }
        qk_block_load(w->row, address(k, w->b, w->h, t0 + j, 0), k->dtype, 0, k->strides[3],
                      w->s.d);
        for (int64_t i = 0; i < w->s.d; i++) {
            w->keys[i * KEY_TILE + j] = w->row[i];
        }
    }
}

QK_INLINE void score_rows(const work *w, int64_t t0, int rows, int64_t from)
{
    int64_t stride = padded(w->s.d);
    qk_f32x16 sum[ROWS];
    for (int r = 0; r < rows; r++) {
        sum[r] = qk_zero();
    }
    for (int64_t i = 0; i < w->s.d; i++) {
        qk_f32x16 key = qk_load(w->keys + i * KEY_TILE);
        for (int r = 0; r < rows; r++) {
            sum[r] = qk_fma(qk_set1(w->q[(from + r) * stride + i]), key, sum[r]);
        }
    }
    for (int r = 0; r < rows; r++) {
        qk_store(w->scores + (from + r) * padded(w->s.t) + t0, sum[r]);
    }
}

static void all_scores(const work *w)
{
    for (int64_t t0 = 0; t0 < w->s.t; t0 += KEY_TILE) {
        load_keys(w, t0, w->s.t - t0 < KEY_TILE ? w->s.t - t0 : KEY_TILE);
        int64_t r = 0;
        for (; r + 4 <= w->rows; r += 4) {
            score_rows(w, t0, 4, r);
        }
        for (; r < w->rows; r++) {
            score_rows(w, t0, 1, r);
        }
    }
}

static void add_mask(const work *w, int64_t row, float *scores)
{
    const qni_tensor *mask = &w->call->views[4];
    int64_t at = w->first + row;
    qk_block_load(w->row, address(mask, w->b, w->h, at / w->s.m, at % w->s.m), mask->dtype, 0,
                  mask->strides[4], w->s.t);
    for (int64_t t = 0; t < w->s.t; t++) {
        if (mask->dtype == QNI_BOOL) {
            scores[t] = w->row[t] != 0.0f ? scores[t] : -INFINITY;
        } else {
            scores[t] = scores[t] + w->row[t];
        }
    }
}

// Scores to weights; the row's sum, 0 when it is masked whole.
static float weigh(const work *w, int64_t row)
{
    const qk_attention_params *p = w->call->params;
    float *scores = w->scores + row * padded(w->s.t);
    for (int64_t t = 0; t < w->s.t; t++) {
        scores[t] = scores[t] * p->scale;
    }
    if (p->has_mask) {
        add_mask(w, row, scores);
    }
    float most = qk_max(scores, w->s.t);
    if (most == -INFINITY) {
        for (int64_t t = 0; t < w->s.t; t++) {
            scores[t] = scores[t] != scores[t] ? scores[t] : 0.0f;
        }
        return 0.0f;
    }
    for (int64_t t = 0; t < w->s.t; t++) {
        scores[t] = qk_exp(scores[t] - most);
    }
    return qk_sum(scores, w->s.t);
}

QK_INLINE void add_value_lanes(const float *weights, const float *values, int64_t stride, int64_t n,
                               float *sums, int lanes)
{
    qk_f32x16 sum[4];
    for (int l = 0; l < lanes; l++) {
        sum[l] = qk_load(sums + l * 16);
    }
    for (int64_t t = 0; t < n; t++) {
        if (weights[t] == 0.0f) {
            continue;
        }
        qk_f32x16 weight = qk_set1(weights[t]);
        for (int l = 0; l < lanes; l++) {
            sum[l] = qk_fma(weight, qk_load(values + t * stride + l * 16), sum[l]);
        }
    }
    for (int l = 0; l < lanes; l++) {
        qk_store(sums + l * 16, sum[l]);
    }
}

static void add_values(const work *w)
{
    const qni_tensor *v = &w->call->views[3];
    int64_t stride = padded(w->s.dv);
    for (int64_t t0 = 0; t0 < w->s.t; t0 += VALUE_BLOCK) {
        int64_t n = w->s.t - t0 < VALUE_BLOCK ? w->s.t - t0 : VALUE_BLOCK;
        for (int64_t j = 0; j < n; j++) {
            qk_block_load(w->values + j * stride, address(v, w->b, w->h, t0 + j, 0), v->dtype, 0,
                          v->strides[3], w->s.dv);
        }
        for (int64_t r = 0; r < w->rows; r++) {
            const float *weights = w->scores + r * padded(w->s.t) + t0;
            float *sums = w->sums + r * stride;
            int64_t at = 0;
            for (; at + 64 <= stride; at += 64) {
                add_value_lanes(weights, w->values + at, stride, n, sums + at, 4);
            }
            for (; at + 32 <= stride; at += 32) {
                add_value_lanes(weights, w->values + at, stride, n, sums + at, 2);
            }
            for (; at < stride; at += 16) {
                add_value_lanes(weights, w->values + at, stride, n, sums + at, 1);
            }
        }
    }
}

static void run_block(const work *w)
{
    const qni_tensor *q = &w->call->views[1];
    const qni_tensor *out = &w->call->views[0];
    float totals[ROWS];
    for (int64_t r = 0; r < w->rows; r++) {
        int64_t at = w->first + r;
        qk_block_load(w->q + r * padded(w->s.d), address(q, w->b, w->h, at / w->s.m, at % w->s.m),
                      q->dtype, 0, q->strides[4], w->s.d);
    }
    all_scores(w);
    for (int64_t r = 0; r < w->rows; r++) {
        totals[r] = weigh(w, r);
    }
    memset(w->sums, 0, (size_t)(w->rows * padded(w->s.dv)) * sizeof(float));
    memset(w->values, 0, (size_t)(VALUE_BLOCK * padded(w->s.dv)) * sizeof(float));
    add_values(w);
    for (int64_t r = 0; r < w->rows; r++) {
        int64_t at = w->first + r;
        float *sums = w->sums + r * padded(w->s.dv);
        for (int64_t i = 0; i < w->s.dv && totals[r] != 0.0f; i++) {
            sums[i] = sums[i] / totals[r];
        }
        char *to = (char *)(uintptr_t)address(out, w->b, w->h, at / w->s.m, at % w->s.m);
        qk_block_store(to, out->dtype, 0, out->strides[4], sums, w->s.dv);
    }
}

static void run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    work w = {.call = call, .s = shape_of(call)};
    w.q = scratch;
    w.keys = w.q + ROWS * padded(w.s.d);
    w.scores = w.keys + padded(w.s.d) * KEY_TILE;
    w.values = w.scores + ROWS * padded(w.s.t);
    w.sums = w.values + VALUE_BLOCK * padded(w.s.dv);
    w.row = w.sums + ROWS * padded(w.s.dv);
    int64_t blocks = w.s.b * w.s.h * w.s.blocks;
    int64_t per = n_tasks(call) <= 1 ? blocks : 1;
    for (int64_t i = (int64_t)begin * per; i < (int64_t)end * per && i < blocks; i++) {
        int64_t head = i / w.s.blocks;
        w.b = head / w.s.h;
        w.h = head % w.s.h;
        w.first = i % w.s.blocks * ROWS;
        w.rows = w.s.g * w.s.m - w.first < ROWS ? w.s.g * w.s.m - w.first : ROWS;
        run_block(&w);
    }
}
