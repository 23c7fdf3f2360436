#include "base/dtype.h"

#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names_are_read_back(void **state)
{
    (void)state;
    for (int t = 1; t < QNI_N_DTYPES; t++) {
        assert_int_equal(qni_dtype_from_name(qni_dtype_name((qni_dtype)t)), t);
    }
    assert_string_equal(qni_dtype_name(QNI_F16), "fp16");
    assert_string_equal(qni_dtype_name(QNI_U3), "uint3");
    assert_string_equal(qni_dtype_name(QNI_NO_DTYPE), "none");
    assert_int_equal(qni_dtype_from_name("none"), QNI_NO_DTYPE);
    assert_int_equal(qni_dtype_from_name("fp8"), QNI_NO_DTYPE);
    assert_int_equal(qni_dtype_from_name(""), QNI_NO_DTYPE);
}

static void test_classes(void **state)
{
    (void)state;
    int floats = 0;
    int ints = 0;
    int signed_ints = 0;
    for (int t = 0; t < QNI_N_DTYPES; t++) {
        floats += qni_dtype_is_float((qni_dtype)t);
        ints += qni_dtype_is_int((qni_dtype)t);
        signed_ints += qni_dtype_is_signed((qni_dtype)t);
        assert_false(qni_dtype_is_float((qni_dtype)t) && qni_dtype_is_int((qni_dtype)t));
    }
    assert_int_equal(floats, 4);
    assert_int_equal(ints, 14);
    assert_int_equal(signed_ints, 5);
    assert_false(qni_dtype_is_int(QNI_BOOL));
    assert_false(qni_dtype_is_int(QNI_STRING));
    assert_true(qni_dtype_is_signed(QNI_I4));
}

static void check_range(qni_dtype dtype, int64_t lo, int64_t hi)
{
    int64_t got_lo, got_hi;
    qni_dtype_range(dtype, &got_lo, &got_hi);
    assert_true(got_lo == lo && got_hi == hi);
}

static void test_ranges(void **state)
{
    (void)state;
    check_range(QNI_I4, -8, 7);
    check_range(QNI_I8, -128, 127);
    check_range(QNI_I16, INT16_MIN, INT16_MAX);
    check_range(QNI_I32, INT32_MIN, INT32_MAX);
    check_range(QNI_I64, INT64_MIN, INT64_MAX);
    check_range(QNI_U1, 0, 1);
    check_range(QNI_U3, 0, 7);
    check_range(QNI_U6, 0, 63);
    check_range(QNI_U8, 0, 255);
    check_range(QNI_U32, 0, UINT32_MAX);
    check_range(QNI_U64, 0, INT64_MAX);
}

static void test_bytes_of_packed_elements(void **state)
{
    (void)state;
    size_t bytes = 99;
    assert_true(qni_dtype_bytes(QNI_F32, 3, &bytes) && bytes == 12);
    assert_true(qni_dtype_bytes(QNI_U3, 3, &bytes) && bytes == 2);
    assert_true(qni_dtype_bytes(QNI_U1, 8, &bytes) && bytes == 1);
    assert_true(qni_dtype_bytes(QNI_U1, 9, &bytes) && bytes == 2);
    assert_true(qni_dtype_bytes(QNI_U6, 0, &bytes) && bytes == 0);
    assert_false(qni_dtype_bytes(QNI_F32, -1, &bytes));
    assert_false(qni_dtype_bytes(QNI_F64, INT64_MAX, &bytes));
    assert_true(qni_dtype_bytes(QNI_U1, INT64_MAX, &bytes) && bytes == (size_t)1 << 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_read_back),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_bytes_of_packed_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
