// The body of the reduce kernels; each ISA's file includes it.
#include "kernels/reduce/reduce.h"
#include "kernels/simd/math.h"
#include "kernels/simd/trailing.h"

static int64_t row_length(const qk_call *call)
{
    return qk_product(&call->views[1], call->views[0].rank, call->views[1].rank);
}

static size_t n_tasks(const qk_call *call)
{
    int64_t rows = qni_tensor_count(&call->views[0]);
    return rows == 0 ? 0 : qk_trailing_tasks(rows, row_length(call));
}

static size_t scratch_bytes(const qk_call *call)
{
    return (size_t)row_length(call) * sizeof(float) + 64;
}

static int64_t best_index(const float *x, int64_t n, float sign)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++) {
        if (sign * x[i] > sign * x[best] || (x[best] != x[best] && x[i] == x[i])) {
            best = i;
        }
    }
    return best;
}

static float log_sum_exp(float *x, int64_t n)
{
    float most = qk_max(x, n);
    if (isinf(most)) {
        return most;
    }
    for (int64_t i = 0; i < n; i++) {
        x[i] = qk_exp(x[i] - most);
    }
    return most + (float)log((double)qk_sum(x, n));
}

static float of_floats(qk_reduce_op op, float *x, int64_t n)
{
    float y = 1.0f;
    switch (op) {
    case QK_REDUCE_SUM: return qk_sum(x, n);
    case QK_REDUCE_MEAN: return qk_sum(x, n) / (float)n;
    case QK_REDUCE_PROD:
        for (int64_t i = 0; i < n; i++) {
            y *= x[i];
        }
        return y;
    case QK_REDUCE_MAX: return qk_max(x, n);
    case QK_REDUCE_MIN:
        for (int64_t i = 0; i < n; i++) {
            x[i] = -x[i];
        }
        return -qk_max(x, n);
    case QK_REDUCE_L1_NORM:
        for (int64_t i = 0; i < n; i++) {
            x[i] = fabsf(x[i]);
        }
        return qk_sum(x, n);
    case QK_REDUCE_L2_NORM: return sqrtf(qk_sum_squares(x, n, 0.0f));
    case QK_REDUCE_SUM_SQUARE: return qk_sum_squares(x, n, 0.0f);
    case QK_REDUCE_LOG_SUM: return (float)log((double)qk_sum(x, n));
    case QK_REDUCE_LOG_SUM_EXP: return log_sum_exp(x, n);
    case QK_REDUCE_ARGMAX:
    case QK_REDUCE_ARGMIN: break;
    }
    return 0.0f;
}

static int64_t of_ints(qk_reduce_op op, const qni_tensor *t, int32_t first, int64_t row, int64_t n)
{
    qk_trailing w = qk_trailing_begin(t, first, row);
    uint64_t sum = op == QK_REDUCE_PROD;
    int64_t best = 0;
    int64_t index = 0;
    for (int64_t i = 0; i < n;) {
        int64_t count;
        int64_t stride;
        void *from = qk_trailing_next(&w, n - i, &count, &stride);
        qni_tensor piece = {from, t->dtype, 1, {count}, {stride}};
        for (int64_t j = 0; j < count; j++, i++) {
            int64_t x = qni_tensor_get_int(&piece, j);
            bool low = op == QK_REDUCE_MIN || op == QK_REDUCE_ARGMIN;
            if (i == 0 || (low ? x < best : x > best)) {
                best = x;
                index = i;
            }
            bool square = op == QK_REDUCE_SUM_SQUARE || op == QK_REDUCE_L2_NORM;
            uint64_t term = square ? (uint64_t)x * (uint64_t)x
                                   : (uint64_t)(op == QK_REDUCE_L1_NORM && x < 0 ? -x : x);
            sum = op == QK_REDUCE_PROD ? sum * term : sum + term;
        }
    }
    switch (op) {
    case QK_REDUCE_MAX:
    case QK_REDUCE_MIN: return best;
    case QK_REDUCE_ARGMAX:
    case QK_REDUCE_ARGMIN: return index;
    case QK_REDUCE_MEAN: return n != 0 ? (int64_t)sum / n : 0;
    case QK_REDUCE_L2_NORM: return (int64_t)sqrt((double)(int64_t)sum);
    case QK_REDUCE_LOG_SUM: return (int64_t)log((double)(int64_t)sum);
    case QK_REDUCE_SUM:
    case QK_REDUCE_PROD:
    case QK_REDUCE_L1_NORM:
    case QK_REDUCE_SUM_SQUARE:
    case QK_REDUCE_LOG_SUM_EXP: break;
    }
    return (int64_t)sum;
}

static void run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    const qk_reduce_params *p = call->params;
    const qni_tensor *out = &call->views[0];
    const qni_tensor *in = &call->views[1];
    int64_t rows = qni_tensor_count(out);
    int64_t n = row_length(call);
    float *x = scratch;
    for (size_t task = begin; task < end; task++) {
        int64_t first;
        int64_t last;
        qk_trailing_range(rows, n, task, &first, &last);
        for (int64_t row = first; row < last; row++) {
            if (in->dtype != QNI_F16 && in->dtype != QNI_F32) {
                qni_tensor_set_int(out, row, of_ints(p->op, in, out->rank, row, n));
                continue;
            }
            qk_trailing_load(in, out->rank, row, x, n);
            if (p->op == QK_REDUCE_ARGMAX || p->op == QK_REDUCE_ARGMIN) {
                qni_tensor_set_int(out, row,
                                   best_index(x, n, p->op == QK_REDUCE_ARGMAX ? 1.0f : -1.0f));
            } else {
                qni_tensor_set(out, row, (double)of_floats(p->op, x, n));
            }
        }
    }
}
