#include "base/cpu.h"

#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// All tiers of a made-up machine.
static const qni_cpu_flags all = QNI_CPU_BIT(QNI_N_CPU_TIERS) - 1;

static void test_detect_has_ref_and_leaves_no_gap(void **state)
{
    (void)state;
    qni_cpu_flags flags = qni_cpu_detect();
    assert_true((flags & QNI_CPU_BIT(QNI_CPU_REF)) != 0);
    assert_int_equal(flags & ~all, 0);
    assert_int_equal(flags & (flags + 1), 0); // each tier includes the ones before it
}

static void test_no_limit(void **state)
{
    (void)state;
    qni_cpu_flags out = 0;
    assert_int_equal(qni_cpu_limit(all, NULL, &out, NULL), QN_OK);
    assert_int_equal(out, all);
    assert_int_equal(qni_cpu_limit(all, "", &out, NULL), QN_OK);
    assert_int_equal(out, all);
}

static void test_every_tier_by_name(void **state)
{
    (void)state;
    for (int tier = 0; tier < QNI_N_CPU_TIERS; tier++) {
        const char *name = qni_cpu_tier_name((qni_cpu_tier)tier);
        qni_cpu_flags out = 0;
        assert_int_equal(qni_cpu_limit(all, name, &out, NULL), QN_OK);
        assert_int_equal(out, QNI_CPU_BIT(tier + 1) - 1);
    }
    assert_string_equal(qni_cpu_tier_name(QNI_CPU_REF), "ref");
    assert_string_equal(qni_cpu_tier_name(QNI_CPU_X86_AVX512VNNI), "x86_avx512vnni");
}

static void test_what_cannot_be_run_is_refused(void **state)
{
    (void)state;
    qn_error err;
    qni_cpu_flags out;
    qni_cpu_flags small = QNI_CPU_BIT(QNI_CPU_REF) | QNI_CPU_BIT(QNI_CPU_X86_AVX2);
    assert_int_equal(qni_cpu_limit(small, "x86_avx512", &out, &err), QN_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "x86_avx512"));
    assert_string_equal(err.where, "QUINCE_CPU");
    assert_int_equal(qni_cpu_limit(small, "avx2", &out, &err), QN_INVALID_ARGUMENT);
    for (int tier = 0; tier < QNI_N_CPU_TIERS; tier++) { // the message says what is allowed
        assert_non_null(strstr(err.message, qni_cpu_tier_name((qni_cpu_tier)tier)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detect_has_ref_and_leaves_no_gap),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_every_tier_by_name),
        cmocka_unit_test(test_what_cannot_be_run_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
