// Choosing the next token from logits.
#ifndef QNI_LM_SAMPLER_H
#define QNI_LM_SAMPLER_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct qni_sampling {
    bool greedy;
    double temperature; // above 0
    int64_t top_k;      // 0: off
    double top_p;       // 1: off
    double min_p;       // 0: off
    uint64_t seed;
} qni_sampling;

// One stream of choices. The same sampling, seed and logits give the same tokens on every machine.
typedef struct qni_sampler {
    qni_sampling sampling;
    uint64_t random;
    struct qni_candidate *candidates; // room for a vocabulary
    int64_t n;
} qni_sampler;

// Checks the numbers: the error names what is allowed.
QNI_WARN_UNUSED qn_status qni_sampling_check(const qni_sampling *sampling, qn_error *err);

QNI_WARN_UNUSED qn_status qni_sampler_begin(qni_sampler *sampler, const qni_sampling *sampling,
                                            int64_t vocabulary, qn_error *err);
void qni_sampler_end(qni_sampler *sampler);

// The index of the largest logit that `allowed` has the bit of (NULL: all), the first of equals;
// NaN is never chosen while there is a number. At least one is allowed.
int32_t qni_argmax(const float *logits, int64_t n, const uint32_t *allowed);

// In this order, as transformers has them: temperature, top_k, top_p, min_p, of the allowed tokens
// (NULL: all); then one draw.
int32_t qni_sampler_next(qni_sampler *sampler, const float *logits, const uint32_t *allowed);

#endif
