// The body of the norm kernels; each ISA's file includes it.
#include "kernels/norm/norm.h"
#include "kernels/simd/math.h"
#include "kernels/simd/trailing.h"

static int32_t first_axis(const qk_call *call)
{
    const qk_norm_params *p = call->params;
    return call->views[0].rank - p->n_axes;
}

static int64_t row_length(const qk_call *call)
{
    return qk_product(&call->views[0], first_axis(call), call->views[0].rank);
}

static int64_t row_count(const qk_call *call)
{
    return qk_product(&call->views[0], 0, first_axis(call));
}

static size_t n_tasks(const qk_call *call)
{
    int64_t n = row_length(call);
    return n == 0 || row_count(call) == 0 ? 0 : qk_trailing_tasks(row_count(call), n);
}

static size_t scratch_bytes(const qk_call *call)
{
    return 5 * ((size_t)row_length(call) * sizeof(float) + 64);
}

static void softmax(float *x, int64_t n)
{
    float most = qk_max(x, n);
    if (most == -INFINITY) {
        for (int64_t i = 0; i < n; i++) {
            x[i] = 0.0f;
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        x[i] = qk_exp(x[i] - most);
    }
    float sum = qk_sum(x, n);
    for (int64_t i = 0; i < n; i++) {
        x[i] = x[i] / sum;
    }
}

static void scale_all(float *x, int64_t n, float shift, float factor)
{
    for (int64_t i = 0; i < n; i++) {
        x[i] = (x[i] - shift) * factor;
    }
}

static void batch(float *x, const float *mean, const float *variance, int64_t n, float epsilon)
{
    for (int64_t i = 0; i < n; i++) {
        x[i] = (x[i] - mean[i]) * (1.0f / sqrtf(variance[i] + epsilon));
    }
}

static void apply(float *x, const float *gamma, const float *beta, int64_t n)
{
    if (gamma != NULL) {
        for (int64_t i = 0; i < n; i++) {
            x[i] = x[i] * gamma[i];
        }
    }
    if (beta != NULL) {
        for (int64_t i = 0; i < n; i++) {
            x[i] = x[i] + beta[i];
        }
    }
}

static void one_row(const qk_call *call, int64_t row, float *x, int64_t n)
{
    const qk_norm_params *p = call->params;
    int32_t first = first_axis(call);
    size_t view = 2;
    float *extra[4] = {NULL};
    size_t n_extra = (p->op == QK_NORM_BATCH ? 2 : 0) + (size_t)p->has_gamma + (size_t)p->has_beta;
    for (size_t i = 0; i < n_extra; i++) {
        extra[i] = x + (i + 1) * (size_t)n;
        qk_trailing_load(&call->views[view++], first, row, extra[i], n);
    }
    qk_trailing_load(&call->views[1], first, row, x, n);
    float mean;
    switch (p->op) {
    case QK_NORM_LAYER:
        mean = qk_sum(x, n) / (float)n;
        scale_all(x, n, mean, 1.0f / sqrtf(qk_sum_squares(x, n, mean) / (float)n + p->epsilon));
        break;
    case QK_NORM_L2:
        scale_all(x, n, 0.0f, 1.0f / sqrtf(qk_sum_squares(x, n, 0.0f) + p->epsilon));
        break;
    case QK_NORM_SOFTMAX: softmax(x, n); break;
    case QK_NORM_BATCH: batch(x, extra[0], extra[1], n, p->epsilon); break;
    }
    size_t at = p->op == QK_NORM_BATCH ? 2 : 0;
    const float *gamma = p->has_gamma ? extra[at] : NULL;
    const float *beta = p->has_beta ? extra[at + (size_t)p->has_gamma] : NULL;
    apply(x, gamma, beta, n);
    qk_trailing_store(&call->views[0], first, row, x, n);
}

static void run(const qk_call *call, void *scratch, size_t begin, size_t end)
{
    int64_t rows = row_count(call);
    int64_t n = row_length(call);
    for (size_t task = begin; task < end; task++) {
        int64_t first;
        int64_t last;
        qk_trailing_range(rows, n, task, &first, &last);
        for (int64_t row = first; row < last; row++) {
            one_row(call, row, scratch, n);
        }
    }
}
