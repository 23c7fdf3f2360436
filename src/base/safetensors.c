#include "base/safetensors.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

struct qni_safetensors {
    qni_map *map;
    qni_arena names;
    qni_named_tensor *tensors;
    size_t n;
};

static const struct {
    const char *name;
    qni_dtype dtype;
} types[] = {
    {"BOOL", QNI_BOOL}, {"U8", QNI_U8},     {"I8", QNI_I8},   {"U16", QNI_U16}, {"I16", QNI_I16},
    {"F16", QNI_F16},   {"BF16", QNI_BF16}, {"U32", QNI_U32}, {"I32", QNI_I32}, {"F32", QNI_F32},
    {"U64", QNI_U64},   {"I64", QNI_I64},   {"F64", QNI_F64},
};
enum { N_TYPES = sizeof types / sizeof types[0] };

static qni_dtype type_of(const char *name)
{
    for (int i = 0; name != NULL && i < N_TYPES; i++) {
        if (strcmp(types[i].name, name) == 0) {
            return types[i].dtype;
        }
    }
    return QNI_NO_DTYPE;
}

static const char *name_of(qni_dtype dtype)
{
    for (int i = 0; i < N_TYPES; i++) {
        if (types[i].dtype == dtype) {
            return types[i].name;
        }
    }
    return NULL;
}

static qn_status read_entry(const json_t *entry, const char *name, const unsigned char *data,
                            uint64_t data_bytes, qni_tensor *out, qn_error *err)
{
    qni_dtype dtype = type_of(json_string_value(json_object_get(entry, "dtype")));
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *range = json_object_get(entry, "data_offsets");
    if (dtype == QNI_NO_DTYPE) {
        return qni_fail(err, QN_UNSUPPORTED, name, "safetensors: missing or unknown dtype");
    }
    if (!json_is_array(shape) || !json_is_array(range) || json_array_size(range) != 2) {
        return qni_fail(err, QN_INVALID_MODEL, name, "safetensors: needs shape and data_offsets");
    }
    int64_t dims[QNI_MAX_RANK];
    size_t rank = json_array_size(shape);
    if (rank > QNI_MAX_RANK) {
        return qni_fail(err, QN_UNSUPPORTED, name, "safetensors: rank %zu is above %d", rank,
                        QNI_MAX_RANK);
    }
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim)) {
            return qni_fail(err, QN_INVALID_MODEL, name, "safetensors: a shape of non-integers");
        }
        dims[i] = json_integer_value(dim);
    }
    QNI_TRY(qni_shape_check(dtype, (int64_t)rank, dims, name, err));
    const json_t *first = json_array_get(range, 0);
    const json_t *last = json_array_get(range, 1);
    int64_t begin = json_integer_value(first);
    int64_t end = json_integer_value(last);
    *out = qni_tensor_make(dtype, (int32_t)rank, dims, NULL);
    bool fits = json_is_integer(first) && json_is_integer(last) && begin >= 0 && begin <= end &&
                (uint64_t)end <= data_bytes && (uint64_t)(end - begin) == qni_tensor_bytes(out);
    if (!fits) {
        return qni_fail(err, QN_INVALID_MODEL, name,
                        "safetensors: data_offsets %lld to %lld do not hold %zu bytes of %llu",
                        (long long)begin, (long long)end, qni_tensor_bytes(out),
                        (unsigned long long)data_bytes);
    }
    out->data = (void *)(uintptr_t)(data + begin);
    return QN_OK;
}

static qn_status read_header(qni_safetensors *file, const json_t *header, uint64_t header_bytes,
                             qn_error *err)
{
    const unsigned char *data = qni_map_data(file->map) + 8 + header_bytes;
    uint64_t data_bytes = qni_map_size(file->map) - 8 - header_bytes;
    file->tensors = qni_arena_array(&file->names, json_object_size(header) + 1,
                                    sizeof *file->tensors);
    if (file->tensors == NULL) {
        return qni_fail_memory(err);
    }
    const char *key;
    json_t *entry;
    json_object_foreach ((json_t *)(uintptr_t)header, key, entry) {
        if (strcmp(key, "__metadata__") == 0) {
            continue;
        }
        qni_named_tensor *named = &file->tensors[file->n];
        named->name = qni_arena_strdup(&file->names, key);
        if (named->name == NULL) {
            return qni_fail_memory(err);
        }
        QNI_TRY(read_entry(entry, key, data, data_bytes, &named->tensor, err));
        file->n++;
    }
    return QN_OK;
}

qn_status qni_safetensors_open(const char *path, qni_safetensors **out, qn_error *err)
{
    *out = NULL;
    qni_safetensors *file = qni_calloc(1, sizeof *file);
    if (file == NULL) {
        return qni_fail_memory(err);
    }
    qni_arena_begin(&file->names, QNI_MAX_SAFETENSORS_HEADER_BYTES);
    json_t *header = NULL;
    uint64_t header_bytes = 0;
    qn_status status = qni_map_open(path, &file->map, err);
    if (status == QN_OK && qni_map_size(file->map) >= 8) {
        memcpy(&header_bytes, qni_map_data(file->map), 8);
    }
    if (status == QN_OK && (header_bytes == 0 || header_bytes > QNI_MAX_SAFETENSORS_HEADER_BYTES ||
                            header_bytes > qni_map_size(file->map) - 8)) {
        status = qni_fail(err, QN_INVALID_MODEL, path,
                          "not a safetensors file: header of %llu bytes",
                          (unsigned long long)header_bytes);
    }
    if (status == QN_OK) {
        status = qni_json_parse((const char *)qni_map_data(file->map) + 8, (size_t)header_bytes,
                                path, &header, err);
    }
    if (status == QN_OK && !json_is_object(header)) {
        status = qni_fail(err, QN_INVALID_MODEL, path, "safetensors: the header is not an object");
    }
    if (status == QN_OK) {
        status = read_header(file, header, header_bytes, err);
    }
    json_decref(header);
    if (status != QN_OK) {
        qni_safetensors_close(file);
        return qni_fail_in(err, status, path);
    }
    *out = file;
    return QN_OK;
}

void qni_safetensors_close(qni_safetensors *file)
{
    if (file != NULL) {
        qni_map_release(file->map);
        qni_arena_end(&file->names);
        qni_free(file);
    }
}

size_t qni_safetensors_count(const qni_safetensors *file)
{
    return file->n;
}

const qni_named_tensor *qni_safetensors_at(const qni_safetensors *file, size_t index)
{
    return &file->tensors[index];
}

const qni_tensor *qni_safetensors_find(const qni_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) {
            return &file->tensors[i].tensor;
        }
    }
    return NULL;
}

static qn_status add_entry(json_t *header, const qni_named_tensor *named, size_t offset,
                           qn_error *err)
{
    const qni_tensor *t = &named->tensor;
    const char *dtype = name_of(t->dtype);
    if (dtype == NULL) {
        return qni_fail(err, QN_UNSUPPORTED, named->name, "safetensors holds no %s",
                        qni_dtype_name(t->dtype));
    }
    if (json_object_get(header, named->name) != NULL) {
        return qni_fail(err, QN_INVALID_ARGUMENT, named->name, "two tensors of one name");
    }
    json_t *shape = json_array();
    for (int32_t i = 0; i < t->rank; i++) {
        json_array_append_new(shape, json_integer(t->dims[i]));
    }
    json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype, "shape", shape, "data_offsets",
                              (json_int_t)offset, (json_int_t)(offset + qni_tensor_bytes(t)));
    if (entry == NULL || json_object_set_new(header, named->name, entry) != 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, named->name, "the name is not valid UTF-8");
    }
    return QN_OK;
}

// The header is padded with spaces so that the data begins on 8 bytes, as the reference writer
// does.
static qn_status write_file(const char *path, const json_t *header, const qni_named_tensor *tensors,
                            size_t n, size_t data_bytes, qn_error *err)
{
    char *text = json_dumps(header, JSON_COMPACT);
    if (text == NULL) {
        return qni_fail_memory(err);
    }
    uint64_t length = strlen(text);
    uint64_t padded = (length + 7) / 8 * 8;
    char *file = qni_calloc(1, (size_t)(8 + padded) + data_bytes);
    if (file == NULL) {
        free(text);
        return qni_fail_memory(err);
    }
    memcpy(file, &padded, 8);
    memset(file + 8, ' ', padded);
    memcpy(file + 8, text, length);
    free(text);
    char *at = file + 8 + padded;
    for (size_t i = 0; i < n; i++) {
        const qni_tensor *t = &tensors[i].tensor;
        qni_tensor to = qni_tensor_make(t->dtype, t->rank, t->dims, at);
        qni_tensor_copy(&to, t);
        at += qni_tensor_bytes(t);
    }
    qn_status status = qni_file_write(path, file, (size_t)(8 + padded) + data_bytes, err);
    qni_free(file);
    return status;
}

qn_status qni_safetensors_write(const char *path, const qni_named_tensor *tensors, size_t n,
                                qn_error *err)
{
    json_t *header = json_object();
    if (header == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = QN_OK;
    size_t offset = 0;
    for (size_t i = 0; i < n && status == QN_OK; i++) {
        status = add_entry(header, &tensors[i], offset, err);
        offset += qni_tensor_bytes(&tensors[i].tensor);
    }
    if (status == QN_OK) {
        status = write_file(path, header, tensors, n, offset, err);
    }
    json_decref(header);
    return status;
}
