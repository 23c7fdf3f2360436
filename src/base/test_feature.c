#include "base/feature.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const qni_shape choices[] = {{2, {1, 64}}, {2, {1, 128}}, {1, {7}}};

static qni_feature fixed(void)
{
    return (qni_feature){.name = "x", .dtype = QNI_F16, .shape = {2, {1, 64}}};
}

static qni_feature enumerated(void)
{
    qni_feature f = fixed();
    f.choices = choices;
    f.n_choices = 3;
    return f;
}

static qni_feature ranged(void)
{
    qni_feature f = fixed();
    f.is_range = true;
    memcpy(f.lo, (int64_t[]){1, 2}, 2 * sizeof f.lo[0]);
    memcpy(f.hi, (int64_t[]){1, 2048}, 2 * sizeof f.hi[0]);
    return f;
}

static void check_described(const qni_feature *f, const char *want)
{
    char text[128];
    assert_string_equal(qni_feature_describe(f, text, sizeof text), want);
    for (size_t size = 1; size <= strlen(want); size++) { // cut, never overrun
        memset(text, 'x', sizeof text);
        qni_feature_describe(f, text, size);
        assert_int_equal(strlen(text), size - 1);
        assert_memory_equal(text, want, size - 1);
        assert_int_equal(text[size], 'x');
    }
}

static void test_descriptions(void **state)
{
    (void)state;
    qni_feature f = fixed();
    check_described(&f, "fp16[1, 64]");
    f = enumerated();
    check_described(&f, "fp16[1, 64] or [1, 128] or [7]");
    f = ranged();
    check_described(&f, "fp16[1, 2..2048]");
    f.hi[0] = -1;
    check_described(&f, "fp16[1.., 2..2048]");
    f = (qni_feature){.name = "i", .kind = QNI_FEATURE_OTHER, .kind_name = "imageType"};
    check_described(&f, "imageType");
    f = (qni_feature){.name = "d", .kind = QNI_FEATURE_DOUBLE, .dtype = QNI_F64};
    check_described(&f, "fp64[]");
}

static qn_status check2(const qni_feature *f, int64_t a, int64_t b)
{
    return qni_feature_check(f, 2, (int64_t[]){a, b}, NULL);
}

static void test_allowed_shapes(void **state)
{
    (void)state;
    qni_feature f = fixed();
    assert_int_equal(check2(&f, 1, 64), QN_OK);
    assert_int_equal(check2(&f, 64, 1), QN_INVALID_ARGUMENT);
    assert_int_equal(qni_feature_check(&f, 1, (int64_t[]){1}, NULL), QN_INVALID_ARGUMENT);
    assert_int_equal(qni_feature_check(&f, 0, NULL, NULL), QN_INVALID_ARGUMENT);
    f = enumerated();
    assert_int_equal(check2(&f, 1, 128), QN_OK);
    assert_int_equal(check2(&f, 1, 96), QN_INVALID_ARGUMENT);
    assert_int_equal(qni_feature_check(&f, 1, (int64_t[]){7}, NULL), QN_OK);
    f = ranged();
    assert_int_equal(check2(&f, 1, 2), QN_OK);
    assert_int_equal(check2(&f, 1, 2048), QN_OK);
    assert_int_equal(check2(&f, 1, 1), QN_INVALID_ARGUMENT);
    assert_int_equal(check2(&f, 1, 2049), QN_INVALID_ARGUMENT);
    assert_int_equal(check2(&f, 2, 2), QN_INVALID_ARGUMENT);
    f.hi[1] = -1; // no upper bound
    assert_int_equal(check2(&f, 1, INT64_MAX), QN_OK);
}

static void test_the_message_says_what_is_allowed(void **state)
{
    (void)state;
    qn_error err;
    qni_feature f = ranged();
    assert_int_equal(qni_feature_check(&f, 3, (int64_t[]){1, 2, 3}, &err), QN_INVALID_ARGUMENT);
    assert_string_equal(err.where, "x");
    assert_non_null(strstr(err.message, "[1, 2, 3]"));
    assert_non_null(strstr(err.message, "fp16[1, 2..2048]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_allowed_shapes),
        cmocka_unit_test(test_the_message_says_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
