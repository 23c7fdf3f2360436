#include "lm/sampler.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

struct qni_candidate {
    double p; // logit, then probability
    int32_t id;
};
typedef struct qni_candidate qni_candidate;

qn_status qni_sampling_check(const qni_sampling *s, qn_error *err)
{
    if (!(s->temperature > 0) || isinf(s->temperature)) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "temperature",
                        "temperature %g; it must be above 0", s->temperature);
    }
    if (s->top_k < 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "top_k", "top_k %lld; it must be 0 (off) or more",
                        (long long)s->top_k);
    }
    if (!(s->top_p > 0 && s->top_p <= 1)) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "top_p",
                        "top_p %g; it must be above 0, at most 1", s->top_p);
    }
    if (!(s->min_p >= 0 && s->min_p <= 1)) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "min_p", "min_p %g; it must be 0 to 1", s->min_p);
    }
    return QN_OK;
}

qn_status qni_sampler_begin(qni_sampler *sampler, const qni_sampling *sampling, int64_t vocabulary,
                            qn_error *err)
{
    *sampler = (qni_sampler){.sampling = *sampling, .random = sampling->seed, .n = vocabulary};
    if (sampling->greedy) {
        return QN_OK;
    }
    QNI_TRY(qni_sampling_check(sampling, err));
    sampler->candidates = qni_alloc_array((size_t)vocabulary + 1, sizeof *sampler->candidates);
    return sampler->candidates != NULL ? QN_OK : qni_fail_memory(err);
}

void qni_sampler_end(qni_sampler *sampler)
{
    qni_free(sampler->candidates);
    sampler->candidates = NULL;
}

static bool is_allowed(const uint32_t *allowed, int64_t i)
{
    return allowed == NULL || (allowed[i / 32] >> i % 32 & 1) != 0;
}

int32_t qni_argmax(const float *logits, int64_t n, const uint32_t *allowed)
{
    int64_t best = -1;
    for (int64_t i = 0; i < n; i++) {
        if (is_allowed(allowed, i) &&
            (best < 0 || logits[i] > logits[best] || (isnan(logits[best]) && !isnan(logits[i])))) {
            best = i;
        }
    }
    return (int32_t)(best < 0 ? 0 : best);
}

// splitmix64, in [0, 1).
static double draw(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

// Most likely first; equal ones by id, so that the order is one.
static int by_probability(const void *a, const void *b)
{
    const qni_candidate *x = a;
    const qni_candidate *y = b;
    if (x->p != y->p) {
        return x->p < y->p ? 1 : -1;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

static int64_t fill(qni_sampler *s, const float *logits, const uint32_t *allowed)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->n; i++) {
        if (is_allowed(allowed, i) && !isnan(logits[i]) && logits[i] > -INFINITY) {
            s->candidates[n].p = (double)logits[i] / s->sampling.temperature;
            s->candidates[n++].id = (int32_t)i;
        }
    }
    return n;
}

static void to_probabilities(qni_candidate *c, int64_t n)
{
    double total = 0;
    double most = c[0].p;
    for (int64_t i = 0; i < n; i++) {
        c[i].p = isinf(most) ? (c[i].p == most) : exp(c[i].p - most);
        total += c[i].p;
    }
    for (int64_t i = 0; i < n; i++) {
        c[i].p /= total;
    }
}

// How many of the sorted candidates stay.
static int64_t cut(const qni_sampling *s, const qni_candidate *c, int64_t n)
{
    int64_t kept = n;
    double total = 0;
    for (int64_t i = 0; i < n && s->top_p < 1; i++) {
        total += c[i].p;
        if (total >= s->top_p) {
            kept = i + 1;
            break;
        }
    }
    while (kept > 1 && c[kept - 1].p < s->min_p * c[0].p) {
        kept--;
    }
    return kept;
}

int32_t qni_sampler_next(qni_sampler *s, const float *logits, const uint32_t *allowed)
{
    if (s->sampling.greedy) {
        return qni_argmax(logits, s->n, allowed);
    }
    qni_candidate *c = s->candidates;
    int64_t n = fill(s, logits, allowed);
    if (n == 0) {
        return qni_argmax(logits, s->n, allowed);
    }
    qsort(c, (size_t)n, sizeof *c, by_probability);
    if (s->sampling.top_k > 0 && s->sampling.top_k < n) {
        n = s->sampling.top_k;
    }
    to_probabilities(c, n);
    n = cut(&s->sampling, c, n);
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
        total += c[i].p;
    }
    double at = draw(&s->random) * total;
    for (int64_t i = 0; i < n; i++) {
        at -= c[i].p;
        if (at < 0) {
            return c[i].id;
        }
    }
    return c[n - 1].id;
}
