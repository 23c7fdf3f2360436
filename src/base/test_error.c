#include "base/error.h"
#include "base/utf8.h"

#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(qn_status_name(QN_OK), "ok");
    assert_string_equal(qn_status_name(QN_INTERNAL), "internal");
    for (int a = QN_OK; a <= QN_INTERNAL; a++) {
        for (int b = QN_OK; b < a; b++) {
            assert_string_not_equal(qn_status_name((qn_status)a), qn_status_name((qn_status)b));
        }
    }
    assert_string_equal(qn_status_name((qn_status)-1), "unknown");
    assert_string_equal(qn_status_name((qn_status)1000), "unknown");
}

static void test_fields_are_filled(void **state)
{
    (void)state;
    qn_error err;
    memset(&err, 'x', sizeof err);
    assert_int_equal(qni_fail(&err, QN_IO, "file.txt", "%d of %s", 3, "four"), QN_IO);
    assert_int_equal(err.status, QN_IO);
    assert_string_equal(err.message, "3 of four");
    assert_string_equal(err.where, "file.txt");
    assert_int_equal(qni_fail(&err, QN_IO, NULL, "again"), QN_IO);
    assert_string_equal(err.where, "");
    assert_int_equal(qni_fail(NULL, QN_CANCELLED, "x", "nobody listens"), QN_CANCELLED);
    assert_int_equal(qni_fail_memory(NULL), QN_OUT_OF_MEMORY);
}

static void test_the_innermost_place_stays(void **state)
{
    (void)state;
    qn_error err;
    (void)qni_fail(&err, QN_IO, NULL, "message");
    assert_int_equal(qni_fail_in(&err, QN_IO, "inner"), QN_IO);
    assert_int_equal(qni_fail_in(&err, QN_IO, "outer"), QN_IO);
    assert_string_equal(err.where, "inner");
    assert_int_equal(qni_fail_in(NULL, QN_IO, "inner"), QN_IO);
}

// Whatever the phase of the three-byte characters at the cut, the result is whole characters.
static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 6; shift++) {
        char text[1024] = "abcdef";
        size_t n = shift;
        while (n + 4 < sizeof text) {
            memcpy(text + n, "\xE2\x82\xAC", 3);
            n += 3;
        }
        text[n] = '\0';
        qn_error err;
        (void)qni_fail(&err, QN_IO, text, "%s", text);
        size_t size = strlen(err.message);
        assert_true(size > sizeof err.message - 5 && size < sizeof err.message);
        assert_string_equal(err.message + size - 3, "...");
        assert_true(qni_utf8_is_valid(err.message, size));
        assert_true(qni_utf8_is_valid(err.where, strlen(err.where)));
        assert_memory_equal(err.message, text, size - 3);
    }
}

static void test_a_message_is_one_line_of_utf8(void **state)
{
    (void)state;
    qn_error err;
    (void)qni_fail(&err, QN_IO, "a\xFF.txt", "no\n\t\x7F\xE2\x82 \xC3\xA9\xF0\x9F");
    assert_string_equal(err.message, "no   ?? \xC3\xA9??");
    assert_string_equal(err.where, "a?.txt");
}

static void test_a_text_that_just_fits(void **state)
{
    (void)state;
    qn_error err;
    char text[sizeof err.message + 1];
    memset(text, 'a', sizeof text);
    text[sizeof err.message - 1] = '\0';
    (void)qni_fail(&err, QN_IO, NULL, "%s", text);
    assert_string_equal(err.message, text);
}

static qn_status forward(qn_status status, int *reached)
{
    QNI_TRY(status);
    *reached = 1;
    return QN_OK;
}

static void test_try_forwards(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(forward(QN_UNSUPPORTED, &reached), QN_UNSUPPORTED);
    assert_int_equal(reached, 0);
    assert_int_equal(forward(QN_OK, &reached), QN_OK);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_fields_are_filled),
        cmocka_unit_test(test_the_innermost_place_stays),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_a_message_is_one_line_of_utf8),
        cmocka_unit_test(test_a_text_that_just_fits),
        cmocka_unit_test(test_try_forwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
