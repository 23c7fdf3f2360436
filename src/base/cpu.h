// Which instruction sets this machine can run, and which of them quince may use.
#ifndef QNI_BASE_CPU_H
#define QNI_BASE_CPU_H

#include "base/error.h"

#include <stdint.h>

// Tiers in rising order; each includes the ones before it of the same architecture. The names are
// the names of the kernel files and the values of the environment variable QUINCE_CPU.
#define QNI_CPU_TIERS(X)        \
    X(REF, "ref")               \
    X(X86_AVX2, "x86_avx2")     \
    X(X86_AVX512, "x86_avx512") \
    X(X86_AVX512VNNI, "x86_avx512vnni")

typedef enum qni_cpu_tier {
#define QNI_CPU_TIER_ENUM(name, text) QNI_CPU_##name,
    QNI_CPU_TIERS(QNI_CPU_TIER_ENUM)
#undef QNI_CPU_TIER_ENUM
        QNI_N_CPU_TIERS
} qni_cpu_tier;

// A set of tiers, one bit each.
typedef uint32_t qni_cpu_flags;
#define QNI_CPU_BIT(tier) ((qni_cpu_flags)1 << (tier))

// What the processor and the operating system support (CPUID and the register state that the system
// saves). QNI_CPU_REF is always in it.
qni_cpu_flags qni_cpu_detect(void);

// `flags` without the tiers above the one named `limit` (QUINCE_CPU's value); NULL or "" leaves
// them as they are.
QNI_WARN_UNUSED qn_status qni_cpu_limit(qni_cpu_flags flags, const char *limit, qni_cpu_flags *out,
                                        qn_error *err);

const char *qni_cpu_tier_name(qni_cpu_tier tier);

#endif
