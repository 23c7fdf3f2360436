// What the description says of inputs, outputs and states.
#include "spec/codes.h"
#include "spec/reader.h"

#include <string.h>

static const char *kind_name(const Spec__FeatureType *type)
{
    static const char *const names[] = {"nothing",        "int64Type",    "doubleType",
                                        "stringType",     "imageType",    "multiArrayType",
                                        "dictionaryType", "sequenceType", "stateType"};
    int kind = (int)type->type_case;
    return kind >= 0 && kind < (int)(sizeof names / sizeof *names) ? names[kind] : "unknown";
}

static qn_status read_shape(qni_reader *r, const int64_t *dims, size_t n, const char *name,
                            qni_shape *to)
{
    if (n > QNI_MAX_RANK) {
        return qni_reader_fail(r, QN_UNSUPPORTED, "\"%s\" has rank %zu; at most %d is supported",
                               name, n, QNI_MAX_RANK);
    }
    to->rank = (int32_t)n;
    for (size_t i = 0; i < n; i++) {
        if (dims[i] < 0 || dims[i] > INT64_MAX / 2) {
            return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has a dimension of %lld", name,
                                   (long long)dims[i]);
        }
        to->dims[i] = dims[i];
    }
    return QN_OK;
}

static qn_status read_choices(qni_reader *r, const Spec__Shapes *from, qni_feature *to)
{
    qni_shape *choices = qni_arena_array(&r->program->arena, from->n_shapes + 1, sizeof *choices);
    if (choices == NULL) {
        return qni_fail_memory(r->err);
    }
    for (size_t i = 0; i < from->n_shapes; i++) {
        QNI_TRY(
            read_shape(r, from->shapes[i]->dims, from->shapes[i]->n_dims, to->name, &choices[i]));
    }
    to->choices = choices;
    to->n_choices = from->n_shapes;
    return QN_OK;
}

static qn_status read_ranges(qni_reader *r, const Spec__Ranges *from, qni_feature *to)
{
    if (from->n_ranges > QNI_MAX_RANK) {
        return qni_reader_fail(r, QN_UNSUPPORTED, "\"%s\" has rank %zu; at most %d is supported",
                               to->name, from->n_ranges, QNI_MAX_RANK);
    }
    to->is_range = true;
    if (to->shape.rank == 0) { // some writers leave the default shape out
        to->shape.rank = (int32_t)from->n_ranges;
        for (size_t i = 0; i < from->n_ranges; i++) {
            to->shape.dims[i] =
                (int64_t)(from->ranges[i]->lower < INT32_MAX ? from->ranges[i]->lower : 0);
        }
    }
    if (to->shape.rank != (int32_t)from->n_ranges) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has rank %d and %zu ranges", to->name,
                               (int)to->shape.rank, from->n_ranges);
    }
    for (size_t i = 0; i < from->n_ranges; i++) {
        uint64_t lower = from->ranges[i]->lower;
        int64_t upper = from->ranges[i]->upper;
        if (lower > INT64_MAX / 2 || (upper >= 0 && upper < (int64_t)lower)) {
            return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has a dimension of %llu to %lld",
                                   to->name, (unsigned long long)lower, (long long)upper);
        }
        to->lo[i] = (int64_t)lower;
        to->hi[i] = upper < 0 ? -1 : upper;
    }
    return QN_OK;
}

static qn_status read_array(qni_reader *r, const Spec__ArrayType *from, qni_feature *to)
{
    to->dtype = qni_dtype_of_array(from->data_type);
    if (to->dtype == QNI_NO_DTYPE) {
        return qni_reader_fail(r, QN_UNSUPPORTED,
                               "\"%s\" has array type %d, which is not supported", to->name,
                               (int)from->data_type);
    }
    QNI_TRY(read_shape(r, from->shape, from->n_shape, to->name, &to->shape));
    if (from->flexibility_case == SPEC__ARRAY_TYPE__FLEXIBILITY_ENUMERATED) {
        QNI_TRY(read_choices(r, from->enumerated, to));
    } else if (from->flexibility_case == SPEC__ARRAY_TYPE__FLEXIBILITY_RANGES) {
        QNI_TRY(read_ranges(r, from->ranges, to));
    }
    if (from->default_case == SPEC__ARRAY_TYPE__DEFAULT_DEFAULT_INT) {
        to->default_value = from->default_int;
    } else if (from->default_case == SPEC__ARRAY_TYPE__DEFAULT_DEFAULT_FLOAT) {
        to->default_value = (double)from->default_float;
    } else if (from->default_case == SPEC__ARRAY_TYPE__DEFAULT_DEFAULT_DOUBLE) {
        to->default_value = from->default_double;
    }
    return QN_OK;
}

static qn_status read_feature(qni_reader *r, const Spec__Feature *from, qni_feature *to)
{
    QNI_TRY(qni_read_text(r, from->name, &to->name));
    QNI_TRY(qni_read_text(r, from->description, &to->description));
    if (from->type == NULL) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "feature \"%s\" has no type", to->name);
    }
    to->kind_name = kind_name(from->type);
    to->is_optional = from->type->is_optional != 0;
    switch (from->type->type_case) {
    case SPEC__FEATURE_TYPE__TYPE_ARRAY_TYPE:
        to->kind = QNI_FEATURE_ARRAY;
        return read_array(r, from->type->array_type, to);
    case SPEC__FEATURE_TYPE__TYPE_STATE_TYPE:
        to->kind = QNI_FEATURE_STATE;
        if (from->type->state_type->array_type == NULL) {
            return qni_reader_fail(r, QN_INVALID_MODEL, "state \"%s\" has no array type", to->name);
        }
        return read_array(r, from->type->state_type->array_type, to);
    case SPEC__FEATURE_TYPE__TYPE_DOUBLE_TYPE:
        to->kind = QNI_FEATURE_DOUBLE;
        to->dtype = QNI_F64;
        return QN_OK;
    case SPEC__FEATURE_TYPE__TYPE_INT64_TYPE:
        to->kind = QNI_FEATURE_INT64;
        to->dtype = QNI_I64;
        return QN_OK;
    case SPEC__FEATURE_TYPE__TYPE_STRING_TYPE:
    case SPEC__FEATURE_TYPE__TYPE_IMAGE_TYPE:
    case SPEC__FEATURE_TYPE__TYPE_DICTIONARY_TYPE:
    case SPEC__FEATURE_TYPE__TYPE_SEQUENCE_TYPE:
    case SPEC__FEATURE_TYPE__TYPE__NOT_SET:
    case _SPEC__FEATURE_TYPE__TYPE__CASE_IS_INT_SIZE: break;
    }
    to->kind = QNI_FEATURE_OTHER;
    return QN_OK;
}

qn_status qni_read_features(qni_reader *r, Spec__Feature *const *from, size_t n,
                            const qni_feature **out)
{
    qni_feature *features = qni_arena_array(&r->program->arena, n + 1, sizeof *features);
    if (features == NULL) {
        return qni_fail_memory(r->err);
    }
    for (size_t i = 0; i < n; i++) {
        QNI_TRY(read_feature(r, from[i], &features[i]));
    }
    *out = features;
    return QN_OK;
}

qn_status qni_read_metadata(qni_reader *r, const Spec__Metadata *from)
{
    size_t n = from != NULL ? from->n_user : 0;
    const char **pairs = qni_arena_array(&r->program->arena, 2 * n + 9, sizeof *pairs);
    if (pairs == NULL) {
        return qni_fail_memory(r->err);
    }
    r->model->metadata = pairs;
    if (from == NULL) {
        return QN_OK;
    }
    const char *const fixed[][2] = {{"description", from->description},
                                    {"version", from->version},
                                    {"author", from->author},
                                    {"license", from->license}};
    for (size_t i = 0; i < 4; i++) {
        if (fixed[i][1] != NULL && fixed[i][1][0] != '\0') {
            *pairs++ = fixed[i][0];
            QNI_TRY(qni_read_text(r, fixed[i][1], pairs++));
        }
    }
    for (size_t i = 0; i < n; i++) {
        QNI_TRY(qni_read_text(r, from->user[i]->key, pairs++));
        QNI_TRY(qni_read_text(r, from->user[i]->value, pairs++));
    }
    return QN_OK;
}
