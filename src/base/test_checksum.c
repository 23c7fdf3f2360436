#include "base/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_one_changed_bit_is_seen(void **state)
{
    (void)state;
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    for (size_t n = 0; n <= sizeof bytes; n++) {
        uint64_t whole = qni_checksum(bytes, n);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_true(qni_checksum(bytes, n) != whole);
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        assert_true(qni_checksum(bytes, n) == whole);
    }
}

static void test_length_and_order_count(void **state)
{
    (void)state;
    unsigned char zeros[256] = {0}, mixed[128];
    for (size_t n = 1; n <= sizeof zeros; n++) {
        assert_true(qni_checksum(zeros, n) != qni_checksum(zeros, n - 1));
    }
    memset(mixed, 1, 64);
    memset(mixed + 64, 2, 64);
    uint64_t one = qni_checksum(mixed, 128);
    memset(mixed, 2, 64);
    memset(mixed + 64, 1, 64);
    assert_true(qni_checksum(mixed, 128) != one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_changed_bit_is_seen),
        cmocka_unit_test(test_length_and_order_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
