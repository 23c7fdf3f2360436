#include "base/buf.h"

#include "tests/torture.h"

#include <string.h>

static void test_text_and_numbers(void **state)
{
    (void)state;
    qni_buf buf;
    qni_buf_begin(&buf, 1000, "a test's limit");
    assert_null(buf.data);
    qni_buf_clear(&buf);
    assert_int_equal(qni_buf_add_text(&buf, "one", NULL), QN_OK);
    assert_int_equal(qni_buf_add(&buf, " two?", 4, NULL), QN_OK);
    assert_int_equal(qni_buf_printf(&buf, NULL, " %d", 3), QN_OK);
    assert_int_equal(qni_buf_add(&buf, NULL, 0, NULL), QN_OK);
    assert_string_equal(buf.data, "one two 3");
    assert_int_equal(buf.size, 9);
    qni_buf_clear(&buf);
    assert_string_equal(buf.data, "");
    assert_int_equal(qni_buf_add(&buf, "a\0b", 3, NULL), QN_OK);
    assert_memory_equal(buf.data, "a\0b", 4);
    qni_buf_end(&buf);
    assert_null(buf.data);
}

static void test_the_limit_is_exact_and_whole(void **state)
{
    (void)state;
    qni_buf buf;
    qn_error err;
    qni_buf_begin(&buf, 10, "QNI_MAX_TEST_BYTES");
    assert_int_equal(qni_buf_add(&buf, "0123456789", 10, &err), QN_OK);
    assert_int_equal(qni_buf_add(&buf, "x", 1, &err), QN_LIMIT_EXCEEDED);
    assert_non_null(strstr(err.message, "QNI_MAX_TEST_BYTES"));
    assert_int_equal(qni_buf_printf(&buf, NULL, "%d", 1), QN_LIMIT_EXCEEDED);
    assert_int_equal(qni_buf_reserve(&buf, SIZE_MAX, NULL), QN_LIMIT_EXCEEDED);
    assert_string_equal(buf.data, "0123456789");
    qni_buf_clear(&buf);
    assert_int_equal(qni_buf_add(&buf, "0123456789a", 11, NULL), QN_LIMIT_EXCEEDED);
    assert_int_equal(buf.size, 0);
    assert_int_equal(qni_buf_printf(&buf, NULL, "%010d", 1), QN_OK);
    assert_string_equal(buf.data, "0000000001");
    qni_buf_end(&buf);
}

static void test_reserved_room_needs_no_memory(void **state)
{
    (void)state;
    qni_buf buf;
    qni_buf_begin(&buf, 5000, "limit");
    assert_int_equal(qni_buf_reserve(&buf, 4000, NULL), QN_OK);
    uint64_t before = qni_alloc_count();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(qni_buf_add(&buf, "abcd", 4, NULL), QN_OK);
    }
    assert_int_equal(qni_alloc_count(), before);
    qni_buf_end(&buf);
}

static void test_take(void **state)
{
    (void)state;
    qni_buf buf;
    qni_buf_begin(&buf, 100, "limit");
    assert_null(qni_buf_take(&buf));
    assert_int_equal(qni_buf_add_text(&buf, "mine", NULL), QN_OK);
    char *text = qni_buf_take(&buf);
    assert_string_equal(text, "mine");
    assert_null(buf.data);
    assert_int_equal(qni_buf_add_text(&buf, "next", NULL), QN_OK);
    qni_buf_end(&buf);
    qni_free(text);
}

static qn_status write_lines(void *context, qn_error *err)
{
    (void)context;
    qni_buf buf;
    qni_buf_begin(&buf, 1 << 20, "limit");
    qn_status status = QN_OK;
    for (int i = 0; i < 500 && status == QN_OK; i++) {
        size_t before = buf.size;
        status = qni_buf_printf(&buf, err, "line %d\n", i);
        assert_true(status == QN_OK || buf.size == before);
    }
    qni_buf_end(&buf);
    return status;
}

static void test_failing_allocation(void **state)
{
    (void)state;
    assert_true(torture(write_lines, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_numbers),
        cmocka_unit_test(test_the_limit_is_exact_and_whole),
        cmocka_unit_test(test_reserved_room_needs_no_memory),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
