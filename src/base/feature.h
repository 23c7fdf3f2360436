// The description of a named input, output or state of a model, as callers see it: what they may
// pass and what they get. Plain data; the model owns it.
#ifndef QNI_BASE_FEATURE_H
#define QNI_BASE_FEATURE_H

#include "base/tensor.h"

typedef enum qni_feature_kind {
    QNI_FEATURE_ARRAY,  // a multi-dimensional array
    QNI_FEATURE_DOUBLE, // a scalar
    QNI_FEATURE_INT64,
    QNI_FEATURE_STATE, // an array that the model keeps between runs
    QNI_FEATURE_OTHER, // image, dictionary, sequence, string: described, not run
} qni_feature_kind;

typedef struct qni_shape {
    int32_t rank;
    int64_t dims[QNI_MAX_RANK];
} qni_shape;

// Allowed shapes: `shape` alone; or one of `choices` when n_choices > 0; or, when `is_range`, every
// dimension between lo and hi (hi -1: no upper bound).
typedef struct qni_feature {
    const char *name;
    const char *description; // "" when the model has none
    const char *kind_name;   // as the format spells it: "multiArrayType", "imageType" ...
    qni_feature_kind kind;
    qni_dtype dtype;
    qni_shape shape; // the default shape
    const qni_shape *choices;
    size_t n_choices;
    bool is_range;
    int64_t lo[QNI_MAX_RANK];
    int64_t hi[QNI_MAX_RANK];
    bool is_optional;
    double default_value; // of an optional input: every element
} qni_feature;

// Whether `dims` is one of the allowed shapes; fails with a message that names the feature, what
// was given and what is allowed.
QNI_WARN_UNUSED qn_status qni_feature_check(const qni_feature *feature, int32_t rank,
                                            const int64_t *dims, qn_error *err);

// "fp16[1, 1..2048]" or "int32[1, 64] or [1, 128]"; returns `text`.
const char *qni_feature_describe(const qni_feature *feature, char *text, size_t size);

#endif
