// Elementary functions in fp32 of our own, for one element; loops over them become vector code.
// Only fused multiply-adds, products, sums and exact steps, so every instruction set gives the same
// bits. No table, no branch.
#ifndef QK_SIMD_MATH_H
#define QK_SIMD_MATH_H

#include "base/half.h"

#include <math.h>

// e^x within 1 ulp. x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its series to degree 7, whose rest
// is below 1e-8; 2^n in two factors, so that results below the normal range round once.
static inline float qk_exp(float x)
{
    float c = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x; // a NaN passes: no comparison holds
    float n = fmaf(c, 1.44269504f, 12582912.0f) - 12582912.0f;
    float r = fmaf(n, -0.693145752f, c);
    r = fmaf(n, -1.42860677e-6f, r);
    float p = 1.98412701e-4f;
    p = fmaf(p, r, 1.38888892e-3f);
    p = fmaf(p, r, 8.33333377e-3f);
    p = fmaf(p, r, 4.16666679e-2f);
    p = fmaf(p, r, 1.66666672e-1f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    int32_t e = (int32_t)(x == x ? n : 0.0f);
    int32_t half = e / 2;
    float a = qni_f32_from_bits((uint32_t)(half + 127) << 23);
    float b = qni_f32_from_bits((uint32_t)(e - half + 127) << 23);
    return p * a * b;
}

// tanh x = (1 - t) / (1 + t) with t = e^(-2|x|); near 0 an odd polynomial, as the difference loses
// digits there.
static inline float qk_tanh(float x)
{
    float m = fabsf(x);
    float t = qk_exp(-2.0f * m);
    float far = (1.0f - t) / (1.0f + t);
    float s = x * x;
    float p = -5.70498872745e-3f;
    p = fmaf(p, s, 2.06390887954e-2f);
    p = fmaf(p, s, -5.37397155531e-2f);
    p = fmaf(p, s, 1.33314422036e-1f);
    p = fmaf(p, s, -3.33332819422e-1f);
    float near = fmaf(p * s, m, m);
    float r = m < 0.625f ? near : far;
    return copysignf(x == x ? r : x, x);
}

static inline float qk_sigmoid(float x)
{
    return 1.0f / (1.0f + qk_exp(-x));
}

#endif
