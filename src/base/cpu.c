#include "base/cpu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[QNI_N_CPU_TIERS] = {
#define QNI_CPU_TIER_NAME(name, text) [QNI_CPU_##name] = text,
    QNI_CPU_TIERS(QNI_CPU_TIER_NAME)
#undef QNI_CPU_TIER_NAME
};

#define QNI_CPU_TIER_LISTED(name, text) " " text

#if defined(__x86_64__)
// clang's own test does not know this one. Whether the system saves the registers, AVX2's test
// told.
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

// The compiler's own test reads CPUID and XGETBV, so a tier counts only when the system saves its
// registers.
static qni_cpu_flags detect(void)
{
    qni_cpu_flags flags = QNI_CPU_BIT(QNI_CPU_REF);
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_f16c()) {
        return flags;
    }
    flags |= QNI_CPU_BIT(QNI_CPU_X86_AVX2);
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
        return flags;
    }
    flags |= QNI_CPU_BIT(QNI_CPU_X86_AVX512);
    if (__builtin_cpu_supports("avx512vnni")) {
        flags |= QNI_CPU_BIT(QNI_CPU_X86_AVX512VNNI);
    }
#endif
    return flags;
}

// A virtual machine's CPUID takes twelve microseconds. Threads that come at once find the same.
qni_cpu_flags qni_cpu_detect(void)
{
    static _Atomic qni_cpu_flags known;
    qni_cpu_flags flags = atomic_load_explicit(&known, memory_order_relaxed);
    if (flags == 0) {
        flags = detect();
        atomic_store_explicit(&known, flags, memory_order_relaxed);
    }
    return flags;
}

const char *qni_cpu_tier_name(qni_cpu_tier tier)
{
    return names[tier];
}

qn_status qni_cpu_limit(qni_cpu_flags flags, const char *limit, qni_cpu_flags *out, qn_error *err)
{
    *out = flags;
    if (limit == NULL || limit[0] == '\0') {
        return QN_OK;
    }
    for (int tier = 0; tier < QNI_N_CPU_TIERS; tier++) {
        if (strcmp(limit, names[tier]) != 0) {
            continue;
        }
        if ((flags & QNI_CPU_BIT(tier)) == 0) {
            return qni_fail(err, QN_INVALID_ARGUMENT, "QUINCE_CPU",
                            "this machine cannot run \"%s\"", limit);
        }
        *out = flags & (QNI_CPU_BIT(tier + 1) - 1);
        return QN_OK;
    }
    return qni_fail(err, QN_INVALID_ARGUMENT, "QUINCE_CPU",
                    "unknown CPU tier \"%s\"; allowed are" QNI_CPU_TIERS(QNI_CPU_TIER_LISTED),
                    limit);
}
