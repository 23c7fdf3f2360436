// Weights behind constants and compressed constants, as the kernels pack them.
#ifndef QNI_OPS_WEIGHTS_H
#define QNI_OPS_WEIGHTS_H

#include "kernels/dot/dot.h"
#include "ops/lower.h"

// What the packed form is made of. The scales and palettes are views of the program's constants.
typedef struct qni_weight_source {
    qk_weight_source source;
    qni_tensor scale, offset, lut;
} qni_weight_source;

// Follows `value` ([n, k]) to a constant, or through one operation that decompresses constants.
// False when it comes from anything else.
bool qni_find_weight(const qni_value *value, qni_weight_source *out);

// The packed form, from the model's cache.
QNI_WARN_UNUSED qn_status qni_lower_weights(qni_lower *lower, qni_weight_source *source,
                                            const qk_weights **out);

#endif
