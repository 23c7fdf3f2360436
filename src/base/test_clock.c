#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_time_moves_forward_in_microseconds(void **state)
{
    (void)state;
    uint64_t begin = qni_clock_us();
    uint64_t last = begin;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = qni_clock_us();
        assert_true(now >= last);
        last = now;
    }
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    uint64_t slept = qni_clock_us() - last;
    assert_true(slept >= 20000 && slept < 20000000);
}

static void test_peak_memory_counts_what_was_touched(void **state)
{
    (void)state;
    enum { BYTES = 64 << 20 };
    uint64_t before = qni_peak_memory_bytes();
    char *memory = malloc(BYTES);
    assert_non_null(memory);
    memset(memory, 1, BYTES);
    __asm__ volatile("" : : "r"(memory) : "memory"); // the compiler must not leave the writes out
    uint64_t after = qni_peak_memory_bytes();
    free(memory);
    assert_true(before > 0);
    assert_true(after >= BYTES);
    assert_true(qni_peak_memory_bytes() >= after); // a peak does not fall
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_moves_forward_in_microseconds),
        cmocka_unit_test(test_peak_memory_counts_what_was_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
