#include "base/tensor.h"
#include "base/half.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_make_and_describe(void **state)
{
    (void)state;
    char text[128];
    const int64_t dims[] = {2, 3, 4};
    qni_tensor t = qni_tensor_make(QNI_F16, 3, dims, NULL);
    assert_int_equal(t.strides[0], 12);
    assert_int_equal(t.strides[1], 4);
    assert_int_equal(t.strides[2], 1);
    assert_int_equal(qni_tensor_count(&t), 24);
    assert_int_equal(qni_tensor_bytes(&t), 48);
    assert_string_equal(qni_tensor_describe(&t, text, sizeof text), "fp16[2, 3, 4]");
    qni_tensor scalar = qni_tensor_make(QNI_U3, 0, NULL, NULL);
    assert_int_equal(qni_tensor_count(&scalar), 1);
    assert_int_equal(qni_tensor_bytes(&scalar), 1);
    assert_string_equal(qni_tensor_describe(&scalar, text, sizeof text), "uint3[]");
    // A text that is too short is cut, never overrun.
    for (size_t size = 1; size < 14; size++) {
        memset(text, 'x', sizeof text);
        qni_tensor_describe(&t, text, size);
        assert_int_equal(strlen(text), size - 1);
        assert_memory_equal(text, "fp16[2, 3, 4]", size - 1);
        assert_int_equal(text[size], 'x');
    }
}

static void test_contiguity(void **state)
{
    (void)state;
    const int64_t dims[] = {2, 1, 3};
    qni_tensor t = qni_tensor_make(QNI_F32, 3, dims, NULL);
    assert_true(qni_tensor_is_contiguous(&t));
    t.strides[1] = 77; // of a dimension of one: never used
    assert_true(qni_tensor_is_contiguous(&t));
    t.strides[0] = 4;
    assert_false(qni_tensor_is_contiguous(&t));
    t.strides[0] = 3;
    t.strides[2] = -1;
    assert_false(qni_tensor_is_contiguous(&t));
    t.strides[2] = 0;
    assert_false(qni_tensor_is_contiguous(&t));
    t.dims[0] = 0; // nothing has no gaps
    assert_true(qni_tensor_is_contiguous(&t));
}

static void test_same_shape(void **state)
{
    (void)state;
    qni_tensor a = qni_tensor_make(QNI_F32, 2, (int64_t[]){2, 3}, NULL);
    qni_tensor b = qni_tensor_make(QNI_I8, 2, (int64_t[]){2, 3}, NULL);
    qni_tensor c = qni_tensor_make(QNI_F32, 2, (int64_t[]){3, 2}, NULL);
    qni_tensor d = qni_tensor_make(QNI_F32, 1, (int64_t[]){6}, NULL);
    assert_true(qni_tensor_same_shape(&a, &b));
    assert_false(qni_tensor_same_shape(&a, &c));
    assert_false(qni_tensor_same_shape(&a, &d));
}

static qn_status check_shape(qni_dtype dtype, int64_t rank, int64_t a, int64_t b, int64_t c)
{
    const int64_t dims[9] = {a, b, c, 1, 1, 1, 1, 1, 1};
    return qni_shape_check(dtype, rank, dims, "x", NULL);
}

static void test_shapes_of_files(void **state)
{
    (void)state;
    const int64_t huge = (int64_t)1 << 40;
    assert_int_equal(check_shape(QNI_F32, 3, 2, 3, 4), QN_OK);
    assert_int_equal(check_shape(QNI_F32, 0, 2, 3, 4), QN_OK);
    assert_int_equal(check_shape(QNI_F32, 8, 2, 3, 4), QN_OK);
    assert_int_equal(check_shape(QNI_F32, 9, 2, 3, 4), QN_INVALID_MODEL);
    assert_int_equal(check_shape(QNI_F32, -1, 2, 3, 4), QN_INVALID_MODEL);
    assert_int_equal(check_shape(QNI_F32, 3, 2, -3, 4), QN_INVALID_MODEL);
    assert_int_equal(check_shape(QNI_F32, 3, 2, 0, 4), QN_OK);
    assert_int_equal(check_shape(QNI_U8, 1, huge, 1, 1), QN_OK);
    assert_int_equal(check_shape(QNI_U8, 1, huge + 1, 1, 1), QN_LIMIT_EXCEEDED);
    assert_int_equal(check_shape(QNI_U1, 1, 8 * huge, 1, 1), QN_OK);
    assert_int_equal(check_shape(QNI_F32, 2, INT64_MAX, INT64_MAX, 1), QN_LIMIT_EXCEEDED);
    // Nothing in it, but strides that do not fit.
    assert_int_equal(check_shape(QNI_F32, 3, 0, huge, huge), QN_LIMIT_EXCEEDED);
}

// Reads element `index` of a packed array bit by bit.
static int64_t slow_packed_get(const unsigned char *data, qni_dtype dtype, int64_t index)
{
    unsigned bits = qni_dtype_bits(dtype);
    uint64_t value = 0;
    for (unsigned b = 0; b < bits; b++) {
        uint64_t at = (uint64_t)index * bits + b;
        value |= (uint64_t)(data[at / 8] >> at % 8 & 1) << b;
    }
    bool negative = qni_dtype_is_signed(dtype) && bits < 64 && (value >> (bits - 1) & 1) != 0;
    return (int64_t)(negative ? value | ~(uint64_t)0 << bits : value);
}

static void test_packing(void **state)
{
    (void)state;
    enum { N = 67 };
    for (int d = 1; d < QNI_N_DTYPES; d++) {
        qni_dtype dtype = (qni_dtype)d;
        if (!qni_dtype_is_int(dtype)) {
            continue;
        }
        size_t bytes = 0;
        assert_true(qni_dtype_bytes(dtype, N, &bytes));
        unsigned char *data = malloc(bytes); // exact, so that the sanitizer sees a byte too far
        assert_non_null(data);
        for (size_t i = 0; i < bytes; i++) {
            data[i] = (unsigned char)(i * 151 + 7);
        }
        int64_t lo, hi;
        qni_dtype_range(dtype, &lo, &hi);
        for (int64_t i = 0; i < N; i++) {
            assert_int_equal(qni_packed_get(data, dtype, i), slow_packed_get(data, dtype, i));
            int64_t left = i > 0 ? slow_packed_get(data, dtype, i - 1) : 0;
            int64_t right = i + 1 < N ? slow_packed_get(data, dtype, i + 1) : 0;
            const int64_t values[] = {lo, hi, 0, hi / 3};
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                qni_packed_set(data, dtype, i, values[v]);
                assert_int_equal(slow_packed_get(data, dtype, i), values[v]);
            }
            qni_packed_set(data, dtype, i, -1); // out of an unsigned type's range: it wraps
            unsigned bits = qni_dtype_bits(dtype);
            int64_t ones = bits == 64 ? -1 : (int64_t)(((uint64_t)1 << bits) - 1);
            assert_int_equal(slow_packed_get(data, dtype, i),
                             qni_dtype_is_signed(dtype) ? -1 : ones);
            assert_int_equal(i > 0 ? slow_packed_get(data, dtype, i - 1) : 0, left);
            assert_int_equal(i + 1 < N ? slow_packed_get(data, dtype, i + 1) : 0, right);
        }
        free(data);
    }
}

static void test_strides_are_followed(void **state)
{
    (void)state;
    int32_t data[24];
    for (int i = 0; i < 24; i++) {
        data[i] = i;
    }
    // [4, 3] transposed from [3, 4] of a larger one, its second dimension reversed.
    qni_tensor t = {.data = data + 20, .dtype = QNI_I32, .rank = 2};
    memcpy(t.dims, (int64_t[]){4, 3}, 2 * sizeof t.dims[0]);
    memcpy(t.strides, (int64_t[]){1, -8}, 2 * sizeof t.strides[0]);
    for (int64_t i = 0; i < 12; i++) {
        assert_int_equal(qni_tensor_get_int(&t, i), 20 + i / 3 - i % 3 * 8);
        assert_int_equal(qni_tensor_offset(&t, i), i / 3 - i % 3 * 8);
    }
    t.strides[0] = 0; // a broadcast
    assert_int_equal(qni_tensor_get_int(&t, 10), 12);
}

static void test_copy_between_any_strides(void **state)
{
    (void)state;
    static const qni_dtype dtypes[] = {QNI_U8, QNI_F16, QNI_I32, QNI_F64};
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        size_t size = qni_dtype_bits(dtypes[d]) / 8;
        unsigned char from[24 * 8], to[48 * 8], dense[24 * 8];
        for (size_t i = 0; i < sizeof from; i++) {
            from[i] = (unsigned char)(i * 7 % 23);
        }
        memset(to, 0xEE, sizeof to);
        qni_tensor source = qni_tensor_make(dtypes[d], 3, (int64_t[]){4, 3, 2}, from);
        memcpy(source.strides, (int64_t[]){1, 8, 4}, 3 * sizeof source.strides[0]);
        qni_tensor target = qni_tensor_make(dtypes[d], 3, (int64_t[]){4, 3, 2}, to);
        memcpy(target.strides, (int64_t[]){12, 4, 1}, 3 * sizeof target.strides[0]);
        qni_tensor straight = qni_tensor_make(dtypes[d], 3, (int64_t[]){4, 3, 2}, dense);
        qni_tensor_copy(&target, &source);
        qni_tensor_copy(&straight, &target);
        for (int64_t i = 0; i < 24; i++) {
            const unsigned char *want = from + qni_tensor_offset(&source, i) * (int64_t)size;
            assert_memory_equal(to + qni_tensor_offset(&target, i) * (int64_t)size, want, size);
            assert_memory_equal(dense + i * (int64_t)size, want, size);
        }
        for (size_t i = 0; i < 48; i++) { // what lies between the target's elements stays
            bool inside = i % 4 < 2 && i / 4 % 3 < 3;
            assert_true(inside || to[i * size] == 0xEE);
        }
    }
}

static void test_copy_of_nothing_and_of_one(void **state)
{
    (void)state;
    qni_tensor none = qni_tensor_make(QNI_F32, 2, (int64_t[]){0, 3}, NULL);
    qni_tensor_copy(&none, &none);
    float a = 1.5f;
    float b = 0;
    qni_tensor from = qni_tensor_make(QNI_F32, 0, NULL, &a);
    qni_tensor to = qni_tensor_make(QNI_F32, 0, NULL, &b);
    qni_tensor_copy(&to, &from);
    assert_true(b == 1.5f);
    unsigned char packed[2] = {0xA5, 0x01};
    unsigned char other[2] = {0};
    from = qni_tensor_make(QNI_U3, 1, (int64_t[]){3}, packed);
    to = qni_tensor_make(QNI_U3, 1, (int64_t[]){3}, other);
    qni_tensor_copy(&to, &from);
    assert_memory_equal(other, packed, 2);
}

static double set_and_get(qni_dtype dtype, double value)
{
    uint64_t data = 0;
    qni_tensor t = qni_tensor_make(dtype, 0, NULL, &data);
    qni_tensor_set(&t, 0, value);
    return qni_tensor_get(&t, 0);
}

static void test_set_rounds_once(void **state)
{
    (void)state;
    assert_true(set_and_get(QNI_I32, 2.5) == 2);
    assert_true(set_and_get(QNI_I32, 3.5) == 4);
    assert_true(set_and_get(QNI_I32, -2.5) == -2);
    assert_true(set_and_get(QNI_I64, NAN) == 0);
    assert_true(set_and_get(QNI_I64, INFINITY) == 0x1p63);
    assert_true(set_and_get(QNI_I64, -INFINITY) == -0x1p63);
    assert_true(set_and_get(QNI_U64, 0x1.8p63) == 0x1.8p63);
    assert_true(set_and_get(QNI_U64, 1e30) == 0x1p64);
    assert_true(set_and_get(QNI_BOOL, 0.25) == 1);
    assert_true(set_and_get(QNI_BOOL, 0) == 0);
    assert_true(set_and_get(QNI_F32, 1 + 0x1p-24) == 1);
    // Just above the middle of two fp16 numbers: fp32 would round it onto the middle, and from
    // there to the even one below.
    assert_true(set_and_get(QNI_F16, 1 + 0x1p-11 + 0x1p-40) == 1 + 0x1p-10);
    assert_true(set_and_get(QNI_F16, -1 - 0x1p-11 - 0x1p-40) == -1 - 0x1p-10);
    assert_true(set_and_get(QNI_F16, 1 + 0x3p-11 - 0x1p-40) == 1 + 0x1p-10);
    assert_true(set_and_get(QNI_F16, 1 + 0x1p-11) == 1);
    assert_true(set_and_get(QNI_BF16, 1 + 0x1p-8 + 0x1p-50) == 1 + 0x1p-7);
    assert_true(set_and_get(QNI_F16, 0x1p-25 + 0x1p-60) == 0x1p-24);
    assert_true(set_and_get(QNI_F16, 0x1p-25) == 0);
    assert_true(set_and_get(QNI_F16, 0x1p-200) == 0);
    assert_true(isinf(set_and_get(QNI_F16, 65520)));
    assert_true(set_and_get(QNI_F16, 65520 - 0x1p-30) == 65504);
    assert_true(isnan(set_and_get(QNI_F16, NAN)));
    assert_true(isinf(set_and_get(QNI_BF16, 1e300)));
}

static void test_integers_of_floats(void **state)
{
    (void)state;
    double value = 0;
    qni_tensor t = qni_tensor_make(QNI_F64, 0, NULL, &value);
    static const struct {
        double value;
        int64_t integer;
    } cases[] = {{2.9, 2},
                 {-2.9, -2},
                 {0x1p63, INT64_MAX},
                 {-0x1p63, INT64_MIN},
                 {1e300, INT64_MAX},
                 {-INFINITY, INT64_MIN},
                 {NAN, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        value = cases[i].value;
        assert_int_equal(qni_tensor_get_int(&t, 0), cases[i].integer);
    }
    qni_tensor_set_int(&t, 0, -7);
    assert_true(value == -7);
    uint8_t flag = 9;
    qni_tensor b = qni_tensor_make(QNI_BOOL, 0, NULL, &flag);
    qni_tensor_set_int(&b, 0, 256);
    assert_int_equal(flag, 1);
}

static void test_convert(void **state)
{
    (void)state;
    const float from[] = {0.5f, -1.75f, 300.0f, 65519.0f, -0.0f, 1e-8f};
    qni_tensor source = qni_tensor_make(QNI_F32, 1, (int64_t[]){6}, (void *)(uintptr_t)from);
    uint16_t halves[6];
    int8_t bytes[6];
    uint8_t flags[6];
    float back[6];
    qni_tensor to = qni_tensor_make(QNI_F16, 1, (int64_t[]){6}, halves);
    qni_tensor_convert(&to, &source);
    qni_tensor wide = qni_tensor_make(QNI_F32, 1, (int64_t[]){6}, back);
    qni_tensor_convert(&wide, &to);
    assert_memory_equal(back, ((float[]){0.5f, -1.75f, 300.0f, 65504.0f, -0.0f, 0.0f}),
                        sizeof back);
    qni_tensor ints = qni_tensor_make(QNI_I8, 1, (int64_t[]){6}, bytes);
    qni_tensor_convert(&ints, &source);
    assert_memory_equal(bytes, ((int8_t[]){0, -1, 44, -17, 0, 0}), sizeof bytes);
    qni_tensor bools = qni_tensor_make(QNI_BOOL, 1, (int64_t[]){6}, flags);
    qni_tensor_convert(&bools, &source);
    assert_memory_equal(flags, ((uint8_t[]){1, 1, 1, 1, 0, 1}), sizeof flags);
    source.data = (void *)(uintptr_t)(from + 5);
    source.strides[0] = -1;
    qni_tensor_convert(&to, &source); // reversed
    assert_int_equal(halves[3], qni_f32_to_f16(300.0f));
    uint64_t large = (uint64_t)3 << 62;
    qni_tensor one = qni_tensor_make(QNI_U64, 0, NULL, &large);
    wide = qni_tensor_make(QNI_F32, 0, NULL, back);
    qni_tensor_convert(&wide, &one);
    assert_true(back[0] == 0x3p62f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make_and_describe),
        cmocka_unit_test(test_contiguity),
        cmocka_unit_test(test_same_shape),
        cmocka_unit_test(test_shapes_of_files),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_strides_are_followed),
        cmocka_unit_test(test_copy_between_any_strides),
        cmocka_unit_test(test_copy_of_nothing_and_of_one),
        cmocka_unit_test(test_set_rounds_once),
        cmocka_unit_test(test_integers_of_floats),
        cmocka_unit_test(test_convert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
