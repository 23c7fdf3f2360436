#include "base/safetensors.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

// The entry of the header that is no tensor.
#define METADATA "__metadata__"

struct qni_safetensors {
    qni_map *map;
    qni_arena names;
    qni_named_tensor *tensors;
    size_t n;
    void *aligned; // copies of the tensors that the file does not align; NULL: none
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

static qn_status read_shape(const json_t *shape, qni_dtype dtype, const char *name, qni_tensor *out,
                            qn_error *err)
{
    int64_t dims[QNI_MAX_RANK];
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape)) {
        return qni_fail(err, QN_INVALID_MODEL, name, "safetensors: shape is not an array");
    }
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
    *out = qni_tensor_make(dtype, (int32_t)rank, dims, NULL);
    return QN_OK;
}

static qn_status read_entry(const json_t *entry, const char *name, const unsigned char *data,
                            uint64_t data_bytes, qni_tensor *out, qn_error *err)
{
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *range = json_object_get(entry, "data_offsets");
    qni_dtype dtype = type_of(type);
    if (type == NULL) {
        return qni_fail(err, QN_INVALID_MODEL, name, "safetensors: no dtype");
    }
    if (dtype == QNI_NO_DTYPE) {
        return qni_fail(err, QN_UNSUPPORTED, name, "safetensors: dtype \"%s\" is not supported",
                        type);
    }
    QNI_TRY(read_shape(json_object_get(entry, "shape"), dtype, name, out, err));
    const json_t *first = json_array_get(range, 0);
    const json_t *last = json_array_get(range, 1);
    if (json_array_size(range) != 2 || !json_is_integer(first) || !json_is_integer(last)) {
        return qni_fail(err, QN_INVALID_MODEL, name,
                        "safetensors: data_offsets are not two integers");
    }
    int64_t begin = json_integer_value(first);
    int64_t end = json_integer_value(last);
    bool fits = begin >= 0 && begin <= end && (uint64_t)end <= data_bytes &&
                (uint64_t)(end - begin) == qni_tensor_bytes(out);
    if (!fits) {
        return qni_fail(err, QN_INVALID_MODEL, name,
                        "safetensors: data_offsets %lld to %lld of %llu bytes are not the %zu of "
                        "the shape",
                        (long long)begin, (long long)end, (unsigned long long)data_bytes,
                        qni_tensor_bytes(out));
    }
    out->data = (void *)(uintptr_t)(data + begin);
    return QN_OK;
}

// By where the data begins, and an empty tensor before the one that begins there.
static int compare_places(const void *a, const void *b)
{
    const qni_tensor *x = &(*(const qni_named_tensor *const *)a)->tensor;
    const qni_tensor *y = &(*(const qni_named_tensor *const *)b)->tensor;
    uintptr_t x_at = (uintptr_t)x->data;
    uintptr_t y_at = (uintptr_t)y->data;
    if (x_at != y_at) {
        return x_at < y_at ? -1 : 1;
    }
    size_t x_bytes = qni_tensor_bytes(x);
    size_t y_bytes = qni_tensor_bytes(y);
    return (x_bytes > y_bytes) - (x_bytes < y_bytes);
}

// The tensors have to tile the data: none overlaps another and no byte is left over, so that
// nothing can hide in a file.
static qn_status check_places(const qni_safetensors *file, const unsigned char *data,
                              uint64_t data_bytes, qn_error *err)
{
    const qni_named_tensor **sorted = qni_alloc_array(file->n, sizeof *sorted);
    if (sorted == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < file->n; i++) {
        sorted[i] = &file->tensors[i];
    }
    qsort(sorted, file->n, sizeof *sorted, compare_places);
    uint64_t at = 0;
    qn_status status = QN_OK;
    for (size_t i = 0; i < file->n && status == QN_OK; i++) {
        const qni_tensor *t = &sorted[i]->tensor;
        uint64_t begin = (uint64_t)((const unsigned char *)t->data - data);
        if (begin != at) {
            status = qni_fail(err, QN_INVALID_MODEL, sorted[i]->name,
                              "safetensors: data begins at %llu, %s %llu",
                              (unsigned long long)begin,
                              begin < at ? "inside of a tensor that ends at" : "behind a gap from",
                              (unsigned long long)at);
        }
        at = begin + qni_tensor_bytes(t);
    }
    if (status == QN_OK && at != data_bytes) {
        status = qni_fail(err, QN_INVALID_MODEL, NULL,
                          "safetensors: %llu of %llu bytes of data belong to no tensor",
                          (unsigned long long)(data_bytes - at), (unsigned long long)data_bytes);
    }
    qni_free(sorted);
    return status;
}

static bool is_misaligned(const qni_tensor *t)
{
    return (uintptr_t)t->data % (qni_dtype_bits(t->dtype) / 8) != 0;
}

// Older writers neither pad the header nor sort by width. What they misalign is copied.
static qn_status align(qni_safetensors *file, qn_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < file->n; i++) {
        const qni_tensor *t = &file->tensors[i].tensor;
        bytes += is_misaligned(t) ? (qni_tensor_bytes(t) + 63) / 64 * 64 : 0;
    }
    if (bytes == 0) {
        return QN_OK;
    }
    file->aligned = qni_alloc_aligned(bytes);
    if (file->aligned == NULL) {
        return qni_fail_memory(err);
    }
    unsigned char *at = file->aligned;
    for (size_t i = 0; i < file->n; i++) {
        qni_tensor *t = &file->tensors[i].tensor;
        if (is_misaligned(t)) {
            memcpy(at, t->data, qni_tensor_bytes(t));
            t->data = at;
            at += (qni_tensor_bytes(t) + 63) / 64 * 64;
        }
    }
    return QN_OK;
}

static qn_status read_header(qni_safetensors *file, const json_t *header, uint64_t header_bytes,
                             qn_error *err)
{
    const unsigned char *data = qni_map_data(file->map) + 8 + header_bytes;
    uint64_t data_bytes = qni_map_size(file->map) - 8 - header_bytes;
    file->tensors = qni_alloc_array(json_object_size(header), sizeof *file->tensors);
    if (file->tensors == NULL) {
        return qni_fail_memory(err);
    }
    const char *key;
    json_t *entry;
    json_object_foreach ((json_t *)(uintptr_t)header, key, entry) {
        if (strcmp(key, METADATA) == 0) {
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
    QNI_TRY(check_places(file, data, data_bytes, err));
    return align(file, err);
}

// The mapped file's header, parsed.
static qn_status parse_header(const qni_map *map, const char *path, json_t **header,
                              uint64_t *header_bytes, qn_error *err)
{
    size_t size = qni_map_size(map);
    *header_bytes = 0;
    if (size >= 8) {
        memcpy(header_bytes, qni_map_data(map), 8);
    }
    if (*header_bytes == 0 || *header_bytes > QNI_MAX_SAFETENSORS_HEADER_BYTES ||
        *header_bytes > size - 8) {
        return qni_fail(err, QN_INVALID_MODEL, path,
                        "not a safetensors file: %zu bytes with a header of %llu", size,
                        (unsigned long long)*header_bytes);
    }
    const char *text = (const char *)qni_map_data(map) + 8;
    QNI_TRY(qni_json_parse(text, (size_t)*header_bytes, path, header, err));
    if (!json_is_object(*header)) {
        return qni_fail(err, QN_INVALID_MODEL, path, "safetensors: the header is not an object");
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
    if (status == QN_OK) {
        status = parse_header(file->map, path, &header, &header_bytes, err);
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
        qni_free(file->tensors);
        qni_free_aligned(file->aligned);
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
    json_t *shape = json_array();
    int bad = shape == NULL;
    for (int32_t i = 0; i < t->rank && !bad; i++) {
        bad = json_array_append_new(shape, json_integer(t->dims[i]));
    }
    json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", name_of(t->dtype), "shape", shape,
                              "data_offsets", (json_int_t)offset,
                              (json_int_t)(offset + qni_tensor_bytes(t)));
    bad |= json_object_set_new(header, named->name, entry);
    return bad ? qni_fail_memory(err) : QN_OK;
}

static qn_status check_writable(const json_t *header, const qni_named_tensor *named, qn_error *err)
{
    if (name_of(named->tensor.dtype) == NULL) {
        return qni_fail(err, QN_UNSUPPORTED, named->name, "safetensors holds no %s",
                        qni_dtype_name(named->tensor.dtype));
    }
    if (json_object_get(header, named->name) != NULL) {
        return qni_fail(err, QN_INVALID_ARGUMENT, named->name, "two tensors of one name");
    }
    if (!qni_utf8_is_valid(named->name, strlen(named->name)) ||
        strcmp(named->name, METADATA) == 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, named->name,
                        "a tensor's name is UTF-8 and not " METADATA);
    }
    return QN_OK;
}

// Gives each tensor its place in the data: the widest types first, so that all are aligned.
static size_t place(const qni_named_tensor *tensors, size_t n, size_t *offsets)
{
    size_t at = 0;
    for (unsigned bits = 64; bits >= 8; bits /= 2) {
        for (size_t i = 0; i < n; i++) {
            if (qni_dtype_bits(tensors[i].tensor.dtype) == bits) {
                offsets[i] = at;
                at += qni_tensor_bytes(&tensors[i].tensor);
            }
        }
    }
    return at;
}

// The header is padded with spaces so that the data begins on 8 bytes, as the reference writer
// does.
static qn_status write_file(const char *path, const json_t *header, const qni_named_tensor *tensors,
                            const size_t *offsets, size_t n, size_t data_bytes, qn_error *err)
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
    for (size_t i = 0; i < n; i++) {
        const qni_tensor *t = &tensors[i].tensor;
        char *at = file + 8 + padded + offsets[i];
        qni_tensor to = qni_tensor_make(t->dtype, t->rank, t->dims, at);
        qni_tensor_copy(&to, t);
    }
    qn_status status = qni_file_write(path, file, (size_t)(8 + padded) + data_bytes, err);
    qni_free(file);
    return status;
}

qn_status qni_safetensors_write(const char *path, const qni_named_tensor *tensors, size_t n,
                                qn_error *err)
{
    json_t *header = json_object();
    size_t *offsets = qni_alloc_array(n, sizeof *offsets);
    if (header == NULL || offsets == NULL) {
        json_decref(header);
        qni_free(offsets);
        return qni_fail_memory(err);
    }
    qn_status status = QN_OK;
    size_t data_bytes = place(tensors, n, offsets);
    for (size_t i = 0; i < n && status == QN_OK; i++) {
        status = check_writable(header, &tensors[i], err);
        if (status == QN_OK) {
            status = add_entry(header, &tensors[i], offsets[i], err);
        }
    }
    if (status == QN_OK) {
        status = write_file(path, header, tensors, offsets, n, data_bytes, err);
    }
    qni_free(offsets);
    json_decref(header);
    return status;
}
