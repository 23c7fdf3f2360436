// fp16 and bf16 to and from fp32, round to nearest even. Portable, so that every CPU tier gives the
// same bits; SIMD files use the instructions, which agree. NaN payloads: the result is quiet and
// keeps its upper bits, as F16C does.
#ifndef QNI_BASE_HALF_H
#define QNI_BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t qni_f32_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float qni_f32_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline float qni_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t rest = h & 0x7FFFu;
    if (rest >= 0x7C00u) { // infinity; a NaN becomes quiet
        uint32_t quiet = rest > 0x7C00u ? 0x00400000u : 0;
        return qni_f32_from_bits(sign | 0x7F800000u | (rest & 0x3FFu) << 13 | quiet);
    }
    // Shift the exponent and mantissa in place, then let one exact multiplication rebias and
    // normalize.
    float magnitude = qni_f32_from_bits(rest << 13) * 0x1p112f;
    return qni_f32_from_bits(sign | qni_f32_bits(magnitude));
}

static inline uint16_t qni_f32_to_f16(float x)
{
    uint32_t u = qni_f32_bits(x);
    uint16_t sign = (uint16_t)(u >> 16 & 0x8000u);
    uint32_t rest = u & 0x7FFFFFFFu;
    if (rest > 0x7F800000u) {
        return (uint16_t)(sign | 0x7E00u | (rest >> 13 & 0x3FFu));
    }
    if (rest >= 0x477FF000u) { // 65520 and above round to infinity
        return (uint16_t)(sign | 0x7C00u);
    }
    if (rest < 0x38800000u) { // below 2^-14: subnormal, one exact addition rounds at 2^-24
        float shifted = qni_f32_from_bits(rest) + 0.5f;
        return (uint16_t)(sign | (qni_f32_bits(shifted) - 0x3F000000u));
    }
    uint32_t odd = rest >> 13 & 1;
    return (uint16_t)(sign | ((rest - 0x38000000u + 0xFFFu + odd) >> 13));
}

static inline float qni_bf16_to_f32(uint16_t h)
{
    return qni_f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t qni_f32_to_bf16(float x)
{
    uint32_t u = qni_f32_bits(x);
    if ((u & 0x7FFFFFFFu) > 0x7F800000u) {
        return (uint16_t)(u >> 16 | 0x40u);
    }
    return (uint16_t)((u + 0x7FFFu + (u >> 16 & 1)) >> 16);
}

#endif
