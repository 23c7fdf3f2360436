#include "base/safetensors.h"

#include "base/file.h"
#include "tests/temporary.h"
#include "tests/torture.h"

#include <stdio.h>
#include <string.h>

typedef struct place {
    char folder[TEMPORARY_PATH];
    char path[TEMPORARY_PATH + 32];
} place;

static int set_up(void **state)
{
    static place p;
    temporary_begin(p.folder);
    snprintf(p.path, sizeof p.path, "%s/x.safetensors", p.folder);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    temporary_end(((place *)*state)->folder);
    return 0;
}

// Writes a file from a header and `data_bytes` bytes 0, 1, 2 ...
static void write_raw(const char *path, const char *header, size_t data_bytes)
{
    unsigned char file[4096];
    uint64_t n = strlen(header);
    assert_true(8 + n + data_bytes <= sizeof file);
    memcpy(file, &n, 8);
    memcpy(file + 8, header, n);
    for (size_t i = 0; i < data_bytes; i++) {
        file[8 + n + i] = (unsigned char)i;
    }
    assert_int_equal(qni_file_write(path, file, 8 + n + data_bytes, NULL), QN_OK);
}

static void test_round_trip_of_every_type(void **state)
{
    place *p = *state;
    static const qni_dtype dtypes[] = {QNI_BOOL, QNI_F16, QNI_I64, QNI_U8,  QNI_F32,
                                       QNI_BF16, QNI_I8,  QNI_U16, QNI_I16, QNI_U32,
                                       QNI_I32,  QNI_U64, QNI_F64};
    enum { N = sizeof dtypes / sizeof *dtypes };
    _Alignas(8) unsigned char data[N][3 * 8];
    qni_named_tensor tensors[N];
    for (int i = 0; i < N; i++) {
        for (size_t j = 0; j < sizeof data[i]; j++) {
            data[i][j] = (unsigned char)(17 * i + (int)j);
        }
        tensors[i].name = qni_dtype_name(dtypes[i]);
        tensors[i].tensor = qni_tensor_make(dtypes[i], 2, (int64_t[]){1, 3}, data[i]);
    }
    assert_int_equal(qni_safetensors_write(p->path, tensors, N, NULL), QN_OK);
    qni_safetensors *file;
    assert_int_equal(qni_safetensors_open(p->path, &file, NULL), QN_OK);
    assert_int_equal(qni_safetensors_count(file), N);
    for (size_t i = 0; i < N; i++) {
        const qni_named_tensor *got = qni_safetensors_at(file, i);
        const qni_tensor *want = &tensors[i].tensor;
        assert_string_equal(got->name, tensors[i].name);
        assert_int_equal(got->tensor.dtype, want->dtype);
        assert_true(qni_tensor_same_shape(&got->tensor, want));
        assert_memory_equal(got->tensor.data, want->data, qni_tensor_bytes(want));
        assert_int_equal((uintptr_t)got->tensor.data % (qni_dtype_bits(want->dtype) / 8), 0);
        assert_ptr_equal(qni_safetensors_find(file, got->name), &got->tensor);
    }
    assert_null(qni_safetensors_find(file, "fp8"));
    qni_safetensors_close(file);
    qni_safetensors_close(NULL);
}

static void test_strided_scalar_and_empty_tensors(void **state)
{
    place *p = *state;
    const int16_t data[] = {1, 2, 3, 4, 5, 6};
    void *start = (void *)(uintptr_t)data;
    qni_named_tensor tensors[] = {
        {"transposed", qni_tensor_make(QNI_I16, 2, (int64_t[]){3, 2}, start)},
        {"empty", qni_tensor_make(QNI_I16, 3, (int64_t[]){2, 0, 5}, NULL)},
        {"scalar \xC3\xA9\"\\", qni_tensor_make(QNI_I16, 0, NULL, start)},
    };
    tensors[0].tensor.strides[0] = 1;
    tensors[0].tensor.strides[1] = 3;
    assert_int_equal(qni_safetensors_write(p->path, tensors, 3, NULL), QN_OK);
    qni_safetensors *file;
    assert_int_equal(qni_safetensors_open(p->path, &file, NULL), QN_OK);
    const qni_tensor *t = qni_safetensors_find(file, "transposed");
    assert_memory_equal(t->data, ((int16_t[]){1, 4, 2, 5, 3, 6}), 12);
    assert_true(qni_tensor_is_contiguous(t));
    t = qni_safetensors_find(file, "empty");
    assert_int_equal(t->dims[2], 5);
    assert_int_equal(qni_tensor_count(t), 0);
    t = qni_safetensors_find(file, "scalar \xC3\xA9\"\\");
    assert_int_equal(t->rank, 0);
    assert_int_equal(qni_tensor_get_int(t, 0), 1);
    qni_safetensors_close(file);
    assert_int_equal(qni_safetensors_write(p->path, NULL, 0, NULL), QN_OK);
    assert_int_equal(qni_safetensors_open(p->path, &file, NULL), QN_OK);
    assert_int_equal(qni_safetensors_count(file), 0);
    qni_safetensors_close(file);
}

static void test_what_cannot_be_written(void **state)
{
    place *p = *state;
    qn_error err;
    uint64_t data = 0;
    qni_tensor t = qni_tensor_make(QNI_I32, 0, NULL, &data);
    qni_named_tensor twice[] = {{"a", t}, {"a", t}};
    assert_int_equal(qni_safetensors_write(p->path, twice, 2, &err), QN_INVALID_ARGUMENT);
    assert_string_equal(err.where, "a");
    qni_named_tensor metadata = {"__metadata__", t};
    assert_int_equal(qni_safetensors_write(p->path, &metadata, 1, &err), QN_INVALID_ARGUMENT);
    qni_named_tensor ill_formed = {"\xFF", t};
    assert_int_equal(qni_safetensors_write(p->path, &ill_formed, 1, &err), QN_INVALID_ARGUMENT);
    qni_named_tensor packed = {"a", qni_tensor_make(QNI_U4, 0, NULL, &data)};
    assert_int_equal(qni_safetensors_write(p->path, &packed, 1, &err), QN_UNSUPPORTED);
    assert_non_null(strstr(err.message, "uint4"));
    assert_false(qni_file_exists(p->path));
}

static void test_headers_of_other_writers(void **state)
{
    place *p = *state;
    // Metadata, spaces, places in another order than the header's, an empty tensor between.
    write_raw(p->path,
              " {\"__metadata__\": {\"format\": \"pt\"},\n"
              "\"b\": {\"data_offsets\": [4, 8], \"dtype\": \"I16\", \"shape\": [2]},"
              "\"e\": {\"dtype\": \"F32\", \"shape\": [0], \"data_offsets\": [4, 4]},"
              "\"a\": {\"dtype\": \"U8\", \"shape\": [2, 2], \"data_offsets\": [0, 4]}}  ",
              8);
    qni_safetensors *file;
    assert_int_equal(qni_safetensors_open(p->path, &file, NULL), QN_OK);
    assert_int_equal(qni_safetensors_count(file), 3);
    assert_string_equal(qni_safetensors_at(file, 0)->name, "b");
    assert_memory_equal(qni_safetensors_find(file, "a")->data, "\0\1\2\3", 4);
    assert_memory_equal(qni_safetensors_find(file, "b")->data, "\4\5\6\7", 4);
    qni_safetensors_close(file);
}

// A header of odd length, and a byte before wider elements: each tensor is aligned none the less.
static void test_misaligned_data_is_copied(void **state)
{
    place *p = *state;
    char header[256];
    for (int spaces = 0; spaces < 8; spaces++) {
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                 "\"b\":{\"dtype\":\"U32\",\"shape\":[2],\"data_offsets\":[1,9]},"
                 "\"c\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[9,17]}}%*s",
                 spaces, "");
        write_raw(p->path, header, 17);
        qni_safetensors *file;
        assert_int_equal(qni_safetensors_open(p->path, &file, NULL), QN_OK);
        const qni_tensor *b = qni_safetensors_find(file, "b");
        const qni_tensor *c = qni_safetensors_find(file, "c");
        assert_int_equal((uintptr_t)b->data % 4, 0);
        assert_int_equal((uintptr_t)c->data % 8, 0);
        assert_int_equal(qni_tensor_get_int(b, 1), 0x08070605);
        assert_int_equal(qni_tensor_get_int(c, 0), 0x100F0E0D0C0B0A09);
        qni_safetensors_close(file);
    }
}

#define ENTRY(type, shape, begin, end) \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

// Each header is followed by eight bytes of data.
static const struct {
    const char *header;
    qn_status status;
    const char *said; // in the message
    const char *where;
} malformed[] = {
    {"{\"a\":" ENTRY("U8", "[4]", 0, 4) ",\"b\":" ENTRY("U8", "[5]", 3, 8) "}", QN_INVALID_MODEL,
     "inside of a tensor", "b"},
    {"{\"a\":" ENTRY("U8", "[8]", 0, 8) ",\"b\":" ENTRY("U8", "[8]", 0, 8) "}", QN_INVALID_MODEL,
     "inside of a tensor", NULL},
    {"{\"a\":" ENTRY("U8", "[3]", 0, 3) ",\"b\":" ENTRY("U8", "[4]", 4, 8) "}", QN_INVALID_MODEL,
     "gap", "b"},
    {"{\"a\":" ENTRY("U8", "[7]", 1, 8) "}", QN_INVALID_MODEL, "gap", "a"},
    {"{\"a\":" ENTRY("U8", "[7]", 0, 7) "}", QN_INVALID_MODEL, "1 of 8 bytes", NULL},
    {"{}", QN_INVALID_MODEL, "8 of 8 bytes", NULL},
    {"{\"a\":" ENTRY("U8", "[9]", 0, 9) "}", QN_INVALID_MODEL, "0 to 9 of 8 bytes", "a"},
    {"{\"a\":" ENTRY("U8", "[4]", 8, 4) "}", QN_INVALID_MODEL, "8 to 4", "a"},
    {"{\"a\":" ENTRY("U8", "[8]", -8, 0) "}", QN_INVALID_MODEL, "-8 to 0", "a"},
    {"{\"a\":" ENTRY("F32", "[3]", 0, 8) "}", QN_INVALID_MODEL, "12 of the shape", "a"},
    {"{\"a\":" ENTRY("U8", "[8]", 0, 9223372036854775807) "}", QN_INVALID_MODEL, "data_offsets",
     "a"},
    {"{\"a\":" ENTRY("U8", "[8]", 0, 92233720368547758070) "}", QN_INVALID_MODEL, "data_offsets",
     "a"},
    {"{\"a\":" ENTRY("U8", "[4294967296,4294967296,4]", 0, 8) "}", QN_LIMIT_EXCEEDED, "more than",
     "a"},
    {"{\"a\":" ENTRY("F64", "[2305843009213693953]", 0, 8) "}", QN_LIMIT_EXCEEDED, "more than",
     "a"},
    {"{\"a\":" ENTRY("U8", "[0,9223372036854775807,9223372036854775807]", 0, 0) "}",
     QN_LIMIT_EXCEEDED, "more than", "a"},
    {"{\"a\":" ENTRY("U8", "[-8]", 0, 8) "}", QN_INVALID_MODEL, "negative", "a"},
    {"{\"a\":" ENTRY("U8", "[8.0]", 0, 8) "}", QN_INVALID_MODEL, "non-integers", "a"},
    {"{\"a\":" ENTRY("U8", "8", 0, 8) "}", QN_INVALID_MODEL, "not an array", "a"},
    {"{\"a\":" ENTRY("U8", "[1,1,1,1,1,1,1,1,8]", 0, 8) "}", QN_UNSUPPORTED, "rank 9", "a"},
    {"{\"a\":" ENTRY("F8_E4M3", "[8]", 0, 8) "}", QN_UNSUPPORTED, "F8_E4M3", "a"},
    {"{\"a\":{\"shape\":[8],\"data_offsets\":[0,8]}}", QN_INVALID_MODEL, "no dtype", "a"},
    {"{\"a\":{\"dtype\":7,\"shape\":[8],\"data_offsets\":[0,8]}}", QN_INVALID_MODEL, "no dtype",
     "a"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,8]}}", QN_INVALID_MODEL, "shape", "a"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8]}}", QN_INVALID_MODEL, "data_offsets", "a"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0]}}", QN_INVALID_MODEL,
     "two integers", "a"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8,8]}}", QN_INVALID_MODEL,
     "two integers", "a"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8.0]}}", QN_INVALID_MODEL,
     "two integers", "a"},
    {"{\"a\":" ENTRY("U8", "[8]", 0, 8) ",\"a\":" ENTRY("U8", "[8]", 0, 8) "}", QN_INVALID_MODEL,
     "duplicate", NULL},
    {"{\"a\":[]}", QN_INVALID_MODEL, "no dtype", "a"},
    {"[]", QN_INVALID_MODEL, "not an object", NULL},
    {"{\"a\":", QN_INVALID_MODEL, "JSON", NULL},
    {"{\"a\\u0000b\":" ENTRY("U8", "[8]", 0, 8) "}", QN_INVALID_MODEL, "JSON", NULL},
};

static void test_malformed_headers(void **state)
{
    place *p = *state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        qn_error err = {0};
        qni_safetensors *file;
        write_raw(p->path, malformed[i].header, 8);
        qn_status status = qni_safetensors_open(p->path, &file, &err);
        bool as_told = status == malformed[i].status && err.status == status && file == NULL &&
                       strstr(err.message, malformed[i].said) != NULL &&
                       (malformed[i].where == NULL || strcmp(err.where, malformed[i].where) == 0);
        if (!as_told || err.where[0] == '\0') {
            fail_msg("%s: %s, \"%s\" in \"%s\"", malformed[i].header, qn_status_name(status),
                     err.message, err.where);
        }
    }
}

static void test_truncated_files(void **state)
{
    place *p = *state;
    char *whole;
    size_t size;
    qn_error err;
    qni_safetensors *file;
    write_raw(p->path, "{\"a\":" ENTRY("U8", "[8]", 0, 8) "}", 8);
    assert_int_equal(qni_file_read(p->path, 1000, &whole, &size, NULL), QN_OK);
    for (size_t n = 0; n < size; n++) {
        assert_int_equal(qni_file_write(p->path, whole, n, NULL), QN_OK);
        assert_int_equal(qni_safetensors_open(p->path, &file, &err), QN_INVALID_MODEL);
    }
    // A length of the header that is anything but right.
    static const uint64_t lengths[] = {0, 1, UINT64_MAX, (uint64_t)1 << 63, 1 << 20};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(whole, &lengths[i], 8);
        assert_int_equal(qni_file_write(p->path, whole, size, NULL), QN_OK);
        assert_int_equal(qni_safetensors_open(p->path, &file, &err), QN_INVALID_MODEL);
    }
    qni_free(whole);
    assert_int_equal(qni_safetensors_open(p->folder, &file, &err), QN_IO);
}

static qn_status write_and_open(void *context, qn_error *err)
{
    const char *path = context;
    uint64_t data = 7;
    qni_named_tensor t = {"a", qni_tensor_make(QNI_U64, 0, NULL, &data)};
    qni_safetensors *file;
    QNI_TRY(qni_safetensors_write(path, &t, 1, err));
    QNI_TRY(qni_safetensors_open(path, &file, err));
    assert_int_equal(qni_safetensors_count(file), 1);
    qni_safetensors_close(file);
    return QN_OK;
}

static qn_status open_misaligned(void *context, qn_error *err)
{
    qni_safetensors *file;
    QNI_TRY(qni_safetensors_open(context, &file, err));
    qni_safetensors_close(file);
    return QN_OK;
}

static void test_failing_allocation(void **state)
{
    place *p = *state;
    uint64_t n = torture(write_and_open, p->path);
    assert_true(n > 8);
    write_raw(p->path, "{\"a\":" ENTRY("U32", "[1]", 0, 4) "}", 4);
    assert_true(torture(open_misaligned, p->path) > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip_of_every_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strided_scalar_and_empty_tensors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_headers_of_other_writers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_misaligned_data_is_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failing_allocation, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
