// fp16 and bf16 against conversions that go by the definition of the formats, in double.
#include "base/half.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The number that the bits of a small float format stand for, by its definition.
static double value_of(unsigned bits, int exponent_bits, int mantissa_bits)
{
    int bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (int)(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    unsigned mantissa = bits & ((1u << mantissa_bits) - 1);
    double sign = bits >> (exponent_bits + mantissa_bits) & 1 ? -1.0 : 1.0;
    if (exponent == (1 << exponent_bits) - 1) {
        return mantissa != 0 ? (double)NAN : sign * INFINITY;
    }
    if (exponent == 0) {
        return sign * ldexp(mantissa, 1 - bias - mantissa_bits);
    }
    return sign *
           ldexp((double)mantissa + (double)(1u << mantissa_bits), exponent - bias - mantissa_bits);
}

static void test_f16_every_value(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x10000; h++) {
        float got = qni_f16_to_f32((uint16_t)h);
        double want = value_of(h, 5, 10);
        if (isnan(want)) {
            // Quiet, with the sign and the payload's upper bits.
            uint32_t bits = (h & 0x8000) << 16 | 0x7FC00000u | (h & 0x3FF) << 13;
            assert_int_equal(qni_f32_bits(got), bits);
            assert_int_equal(qni_f32_to_f16(got), h | 0x200);
        } else {
            assert_true((double)got == want);
            assert_int_equal(signbit(got) != 0, h >> 15);
            assert_int_equal(qni_f32_to_f16(got), h);
        }
    }
}

static void test_bf16_every_value(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x10000; h++) {
        float got = qni_bf16_to_f32((uint16_t)h);
        double want = value_of(h, 8, 7);
        assert_int_equal(qni_f32_bits(got), h << 16);
        if (isnan(want)) {
            assert_int_equal(qni_f32_to_bf16(got), h | 0x40);
        } else {
            assert_true((double)got == want);
            assert_int_equal(qni_f32_to_bf16(got), h);
        }
    }
}

// Between each pair of neighbours: the middle goes to the even one, what is next to the middle to
// the nearer one, on both sides of zero.
static void check_between(uint16_t low, uint16_t high, double middle, uint16_t (*narrow)(float))
{
    float tie = (float)middle;
    assert_true((double)tie == middle);
    uint16_t even = (low & 1) == 0 ? low : high;
    assert_int_equal(narrow(tie), even);
    assert_int_equal(narrow(nextafterf(tie, 0.0f)), low);
    assert_int_equal(narrow(nextafterf(tie, INFINITY)), high);
    assert_int_equal(narrow(-tie), even | 0x8000);
    assert_int_equal(narrow(nextafterf(-tie, 0.0f)), low | 0x8000);
    assert_int_equal(narrow(nextafterf(-tie, -INFINITY)), high | 0x8000);
}

static void test_f16_ties(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x7BFF; h++) {
        double middle = (value_of(h, 5, 10) + value_of(h + 1, 5, 10)) / 2;
        check_between((uint16_t)h, (uint16_t)(h + 1), middle, qni_f32_to_f16);
    }
    // The largest number's upper neighbour would be 65536: the middle becomes infinity.
    check_between(0x7BFF, 0x7C00, 65520.0, qni_f32_to_f16);
}

static void test_bf16_ties(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x7F7F; h++) {
        double middle = (value_of(h, 8, 7) + value_of(h + 1, 8, 7)) / 2;
        check_between((uint16_t)h, (uint16_t)(h + 1), middle, qni_f32_to_bf16);
    }
    check_between(0x7F7F, 0x7F80, ldexp(511, 119), qni_f32_to_bf16);
}

static void test_outside_of_the_range(void **state)
{
    (void)state;
    assert_int_equal(qni_f32_to_f16(INFINITY), 0x7C00);
    assert_int_equal(qni_f32_to_f16(-INFINITY), 0xFC00);
    assert_int_equal(qni_f32_to_f16(3e38f), 0x7C00);
    assert_int_equal(qni_f32_to_f16(0x1p-149f), 0);
    assert_int_equal(qni_f32_to_f16(-0x1p-149f), 0x8000);
    assert_int_equal(qni_f32_to_bf16(INFINITY), 0x7F80);
    assert_int_equal(qni_f32_to_bf16(-0.0f), 0x8000);
    // A signalling NaN whose payload is all in the bits that are cut must not become infinity.
    assert_int_equal(qni_f32_to_f16(qni_f32_from_bits(0x7F800001u)), 0x7E00);
    assert_int_equal(qni_f32_to_bf16(qni_f32_from_bits(0xFF800001u)), 0xFFC0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f16_every_value),
        cmocka_unit_test(test_bf16_every_value),
        cmocka_unit_test(test_f16_ties),
        cmocka_unit_test(test_bf16_ties),
        cmocka_unit_test(test_outside_of_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
