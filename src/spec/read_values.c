// Types and constants.
#include "base/alloc.h"
#include "base/half.h"
#include "base/utf8.h"
#include "spec/blob.h"
#include "spec/codes.h"
#include "spec/reader.h"

#include <string.h>

qn_status qni_read_text(qni_reader *r, const char *from, const char **to)
{
    const char *text = from != NULL ? from : "";
    if (!qni_utf8_is_valid(text, strlen(text))) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "a string of the model is not UTF-8");
    }
    *to = qni_arena_strdup(&r->program->arena, text);
    return *to != NULL ? QN_OK : qni_fail_memory(r->err);
}

// ---- Types

static qn_status read_dim(qni_reader *r, const Spec__Dimension *from, const char *name, qni_dim *to)
{
    if (from->dimension_case == SPEC__DIMENSION__DIMENSION_CONSTANT) {
        uint64_t size = from->constant->size;
        if (size > INT64_MAX / 2) {
            return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has a dimension of %llu", name,
                                   (unsigned long long)size);
        }
        *to = qni_dim_of((int64_t)size);
        return QN_OK;
    }
    if (from->dimension_case == SPEC__DIMENSION__DIMENSION_UNKNOWN &&
        from->unknown->variadic == 0) {
        *to = (qni_dim){0, INT32_MAX};
        return QN_OK;
    }
    return qni_reader_fail(r, QN_UNSUPPORTED, "\"%s\" has dimensions of unknown number", name);
}

static qn_status read_tensor_type(qni_reader *r, const Spec__TensorType *from, const char *name,
                                  qni_type *to)
{
    qni_dtype dtype = qni_dtype_of_program(from->data_type);
    if (dtype == QNI_NO_DTYPE) {
        return qni_reader_fail(r, QN_UNSUPPORTED,
                               "\"%s\" has element type %d, which is not supported", name,
                               (int)from->data_type);
    }
    if (from->n_dims > QNI_MAX_RANK || (from->rank >= 0 && from->rank != (int64_t)from->n_dims)) {
        return qni_reader_fail(r, from->n_dims > QNI_MAX_RANK ? QN_UNSUPPORTED : QN_INVALID_MODEL,
                               "\"%s\" has rank %lld and %zu dimensions; at most %d are supported",
                               name, (long long)from->rank, from->n_dims, QNI_MAX_RANK);
    }
    to->dtype = dtype;
    // An unknown rank is written as one dimension that stands for any number of them; coremltools
    // calls its rank 1.
    if (from->n_dims == 1 && from->dims[0]->dimension_case == SPEC__DIMENSION__DIMENSION_UNKNOWN &&
        from->dims[0]->unknown->variadic != 0) {
        to->rank = QNI_RANK_UNKNOWN;
        return QN_OK;
    }
    to->rank = (int32_t)from->n_dims;
    for (size_t i = 0; i < from->n_dims; i++) {
        QNI_TRY(read_dim(r, from->dims[i], name, &to->dims[i]));
    }
    return QN_OK;
}

qn_status qni_read_type(qni_reader *r, const Spec__ValueType *from, const char *name, qni_type *to)
{
    static const char *const others[] = {[SPEC__VALUE_TYPE__TYPE_LIST] = "list",
                                         [SPEC__VALUE_TYPE__TYPE_TUPLE] = "tuple",
                                         [SPEC__VALUE_TYPE__TYPE_DICTIONARY] = "dictionary"};
    memset(to, 0, sizeof *to);
    if (from == NULL) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has no type", name);
    }
    if (from->type_case == SPEC__VALUE_TYPE__TYPE_TENSOR) {
        return read_tensor_type(r, from->tensor, name, to);
    }
    if (from->type_case == SPEC__VALUE_TYPE__TYPE_STATE) {
        const Spec__ValueType *inner = from->state->type;
        if (inner == NULL || inner->type_case != SPEC__VALUE_TYPE__TYPE_TENSOR) {
            return qni_reader_fail(r, QN_UNSUPPORTED, "state \"%s\" holds no tensor", name);
        }
        QNI_TRY(read_tensor_type(r, inner->tensor, name, to));
        to->is_state = true;
        return QN_OK;
    }
    if (from->type_case == SPEC__VALUE_TYPE__TYPE__NOT_SET) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has no type", name);
    }
    return qni_reader_fail(r, QN_UNSUPPORTED, "\"%s\" is a %s, which is not supported", name,
                           others[from->type_case]);
}

// ---- Immediate values

static qn_status wrong_count(qni_reader *r, const char *name, size_t got, int64_t wanted)
{
    return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has %zu elements; its shape takes %lld",
                           name, got, (long long)wanted);
}

// How many elements stand in the message, or SIZE_MAX for bytes.
static size_t n_elements(const Spec__TensorValue *v)
{
    switch (v->value_case) {
    case SPEC__TENSOR_VALUE__VALUE_FLOATS: return v->floats->n_values;
    case SPEC__TENSOR_VALUE__VALUE_INTS: return v->ints->n_values;
    case SPEC__TENSOR_VALUE__VALUE_BOOLS: return v->bools->n_values;
    case SPEC__TENSOR_VALUE__VALUE_STRINGS: return v->strings->n_values;
    case SPEC__TENSOR_VALUE__VALUE_LONGS: return v->longs->n_values;
    case SPEC__TENSOR_VALUE__VALUE_DOUBLES: return v->doubles->n_values;
    case SPEC__TENSOR_VALUE__VALUE_BYTES: return SIZE_MAX;
    case SPEC__TENSOR_VALUE__VALUE__NOT_SET:
    case _SPEC__TENSOR_VALUE__VALUE__CASE_IS_INT_SIZE: break;
    }
    return 0;
}

static qn_status set_element(qni_reader *r, const Spec__TensorValue *v, size_t i,
                             const qni_tensor *to)
{
    int64_t at = (int64_t)i;
    switch (v->value_case) {
    case SPEC__TENSOR_VALUE__VALUE_FLOATS:
        qni_tensor_set(to, at, (double)v->floats->values[i]);
        break;
    case SPEC__TENSOR_VALUE__VALUE_DOUBLES: qni_tensor_set(to, at, v->doubles->values[i]); break;
    case SPEC__TENSOR_VALUE__VALUE_INTS: qni_tensor_set_int(to, at, v->ints->values[i]); break;
    case SPEC__TENSOR_VALUE__VALUE_LONGS: qni_tensor_set_int(to, at, v->longs->values[i]); break;
    case SPEC__TENSOR_VALUE__VALUE_BOOLS:
        qni_tensor_set_int(to, at, v->bools->values[i] != 0);
        break;
    case SPEC__TENSOR_VALUE__VALUE_STRINGS:
        return qni_read_text(r, v->strings->values[i], &((const char **)to->data)[i]);
    case SPEC__TENSOR_VALUE__VALUE_BYTES:
    case SPEC__TENSOR_VALUE__VALUE__NOT_SET:
    case _SPEC__TENSOR_VALUE__VALUE__CASE_IS_INT_SIZE: break;
    }
    return QN_OK;
}

// Whether values of the message's kind can stand for the element type.
static bool kind_fits(const Spec__TensorValue *v, qni_dtype dtype)
{
    switch (v->value_case) {
    case SPEC__TENSOR_VALUE__VALUE_FLOATS:
    case SPEC__TENSOR_VALUE__VALUE_DOUBLES: return qni_dtype_is_float(dtype);
    case SPEC__TENSOR_VALUE__VALUE_INTS:
    case SPEC__TENSOR_VALUE__VALUE_LONGS: return qni_dtype_is_int(dtype);
    case SPEC__TENSOR_VALUE__VALUE_BOOLS: return dtype == QNI_BOOL;
    case SPEC__TENSOR_VALUE__VALUE_STRINGS: return dtype == QNI_STRING;
    case SPEC__TENSOR_VALUE__VALUE_BYTES: return dtype != QNI_STRING;
    case SPEC__TENSOR_VALUE__VALUE__NOT_SET: return true; // no elements
    case _SPEC__TENSOR_VALUE__VALUE__CASE_IS_INT_SIZE: break;
    }
    return false;
}

static qn_status fill_immediate(qni_reader *r, const Spec__TensorValue *v, const char *name,
                                const qni_tensor *to)
{
    int64_t count = qni_tensor_count(to);
    size_t n = n_elements(v);
    if (!kind_fits(v, to->dtype)) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "the elements of \"%s\" do not fit %s", name,
                               qni_dtype_name(to->dtype));
    }
    if (v->value_case == SPEC__TENSOR_VALUE__VALUE_BYTES) {
        const ProtobufCBinaryData *bytes = &v->bytes->values;
        if (bytes->len != qni_tensor_bytes(to)) {
            return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has %zu bytes; its type takes %zu",
                                   name, bytes->len, qni_tensor_bytes(to));
        }
        if (bytes->len != 0) {
            memcpy(to->data, bytes->data, bytes->len);
        }
        return QN_OK;
    }
    if ((int64_t)n != count) {
        return wrong_count(r, name, n, count);
    }
    for (size_t i = 0; i < n; i++) {
        QNI_TRY(set_element(r, v, i, to));
    }
    return QN_OK;
}

static qn_status read_immediate(qni_reader *r, const Spec__Immediate *from, const char *name,
                                qni_tensor *to)
{
    if (from->value_case != SPEC__IMMEDIATE__VALUE_TENSOR) {
        return qni_reader_fail(r, QN_UNSUPPORTED, "\"%s\" is no tensor, which is not supported",
                               name);
    }
    // Memory is only asked for what the message can fill.
    size_t n = n_elements(from->tensor);
    if (n != SIZE_MAX && (int64_t)n != qni_tensor_count(to)) {
        return wrong_count(r, name, n, qni_tensor_count(to));
    }
    if (n == SIZE_MAX && from->tensor->bytes->values.len != qni_tensor_bytes(to)) {
        return wrong_count(r, name, from->tensor->bytes->values.len, (int64_t)qni_tensor_bytes(to));
    }
    to->data = qni_arena_alloc(&r->program->arena, qni_tensor_bytes(to) + 1);
    if (to->data == NULL) {
        return qni_fail_memory(r->err);
    }
    return fill_immediate(r, from->tensor, name, to);
}

// ---- Weight files

static qn_status open_map(qni_reader *r, const char *name, qni_map **out)
{
    for (size_t i = 0; i < r->n_maps; i++) {
        if (strcmp(r->map_names[i], name) == 0) {
            *out = r->maps[i];
            return QN_OK;
        }
    }
    if (qni_grow(&r->maps, &r->map_capacity, r->n_maps + 1, sizeof *r->maps) != 0 ||
        qni_grow(&r->map_names, &r->name_capacity, r->n_maps + 1, sizeof *r->map_names) != 0) {
        return qni_fail_memory(r->err);
    }
    char *path;
    QNI_TRY(qni_package_weight_path(&r->package, name, &path, r->err));
    qni_map *map = NULL;
    qn_status status = qni_map_open(path, &map, r->err);
    qni_free(path);
    QNI_TRY(status);
    status = qni_program_add_map(r->program, map, r->err);
    char *copy = status == QN_OK ? qni_strdup(name) : NULL;
    if (copy == NULL) {
        qni_map_release(map);
        return status != QN_OK ? status : qni_fail_memory(r->err);
    }
    r->model->weight_bytes += qni_map_size(map);
    r->map_names[r->n_maps] = copy;
    r->maps[r->n_maps++] = map;
    *out = map;
    return QN_OK;
}

static qn_status read_blob(qni_reader *r, const Spec__BlobReference *from, const char *name,
                           qni_tensor *t)
{
    qni_map *map = NULL;
    QNI_TRY(open_map(r, from->file, &map));
    return qni_blob_find(map, from->offset, t->dtype, t->rank, t->dims, name, t, r->err);
}

qn_status qni_read_value(qni_reader *r, qni_function *function, const Spec__Value *from,
                         const char *name, qni_value **out)
{
    qni_type type;
    int64_t dims[QNI_MAX_RANK];
    if (from == NULL) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has no value", name);
    }
    QNI_TRY(qni_read_type(r, from->type, name, &type));
    if (type.is_state || !qni_type_is_static(&type)) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "the constant \"%s\" has no fixed shape", name);
    }
    for (int32_t d = 0; d < type.rank; d++) {
        dims[d] = type.dims[d].add;
    }
    QNI_TRY(qni_shape_check(type.dtype, type.rank, dims, name, r->err));
    qni_tensor t = qni_tensor_make(type.dtype, type.rank, dims, NULL);
    if (from->value_case == SPEC__VALUE__VALUE_IMMEDIATE) {
        QNI_TRY(read_immediate(r, from->immediate, name, &t));
    } else if (from->value_case == SPEC__VALUE__VALUE_BLOB) {
        QNI_TRY(read_blob(r, from->blob, name, &t));
    } else {
        return qni_reader_fail(r, QN_INVALID_MODEL, "\"%s\" has no value", name);
    }
    return qni_function_add_constant(function, name, &t, out, r->err);
}
