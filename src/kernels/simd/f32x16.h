// Sixteen fp32 lanes: one AVX-512 register, two of AVX2, or an array, as the including file is
// compiled. Every operation gives the same bits in all three.
#ifndef QK_SIMD_F32X16_H
#define QK_SIMD_F32X16_H

#include "base/half.h"

#include <math.h>
#include <stdint.h>

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512 qk_f32x16;
#elif defined(__AVX2__)
#include <immintrin.h>
typedef struct qk_f32x16 {
    __m256 lo, hi;
} qk_f32x16;
#else
typedef struct qk_f32x16 {
    float lane[16];
} qk_f32x16;
#endif

#define QK_INLINE static inline __attribute__((always_inline))

QK_INLINE qk_f32x16 qk_zero(void)
{
#if defined(__AVX512F__)
    return _mm512_setzero_ps();
#elif defined(__AVX2__)
    return (qk_f32x16){_mm256_setzero_ps(), _mm256_setzero_ps()};
#else
    return (qk_f32x16){{0}};
#endif
}

QK_INLINE qk_f32x16 qk_set1(float x)
{
#if defined(__AVX512F__)
    return _mm512_set1_ps(x);
#elif defined(__AVX2__)
    return (qk_f32x16){_mm256_set1_ps(x), _mm256_set1_ps(x)};
#else
    qk_f32x16 v;
    for (int i = 0; i < 16; i++) {
        v.lane[i] = x;
    }
    return v;
#endif
}

QK_INLINE qk_f32x16 qk_load(const float *p)
{
#if defined(__AVX512F__)
    return _mm512_loadu_ps(p);
#elif defined(__AVX2__)
    return (qk_f32x16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
#else
    qk_f32x16 v;
    memcpy(v.lane, p, sizeof v.lane);
    return v;
#endif
}

QK_INLINE void qk_store(float *p, qk_f32x16 v)
{
#if defined(__AVX512F__)
    _mm512_storeu_ps(p, v);
#elif defined(__AVX2__)
    _mm256_storeu_ps(p, v.lo);
    _mm256_storeu_ps(p + 8, v.hi);
#else
    memcpy(p, v.lane, sizeof v.lane);
#endif
}

// a * b + c, rounded once.
QK_INLINE qk_f32x16 qk_fma(qk_f32x16 a, qk_f32x16 b, qk_f32x16 c)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
    return (qk_f32x16){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
#else
    for (int i = 0; i < 16; i++) {
        c.lane[i] = fmaf(a.lane[i], b.lane[i], c.lane[i]);
    }
    return c;
#endif
}

QK_INLINE qk_f32x16 qk_mul(qk_f32x16 a, qk_f32x16 b)
{
#if defined(__AVX512F__)
    return _mm512_mul_ps(a, b);
#elif defined(__AVX2__)
    return (qk_f32x16){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
#else
    for (int i = 0; i < 16; i++) {
        a.lane[i] *= b.lane[i];
    }
    return a;
#endif
}

QK_INLINE qk_f32x16 qk_sub(qk_f32x16 a, qk_f32x16 b)
{
#if defined(__AVX512F__)
    return _mm512_sub_ps(a, b);
#elif defined(__AVX2__)
    return (qk_f32x16){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
#else
    for (int i = 0; i < 16; i++) {
        a.lane[i] -= b.lane[i];
    }
    return a;
#endif
}

QK_INLINE qk_f32x16 qk_load_f16(const uint16_t *p)
{
#if defined(__AVX512F__)
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
#elif defined(__AVX2__)
    return (qk_f32x16){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)),
                       _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p + 8)))};
#else
    qk_f32x16 v;
    for (int i = 0; i < 16; i++) {
        v.lane[i] = qni_f16_to_f32(p[i]);
    }
    return v;
#endif
}

QK_INLINE void qk_store_f16(uint16_t *p, qk_f32x16 v)
{
#if defined(__AVX512F__)
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(__AVX2__)
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm256_cvtps_ph(v.lo, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    _mm_storeu_si128((__m128i *)(void *)(p + 8),
                     _mm256_cvtps_ph(v.hi, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#else
    for (int i = 0; i < 16; i++) {
        p[i] = qni_f32_to_f16(v.lane[i]);
    }
#endif
}

// Each lane rounded to the nearest fp16.
QK_INLINE qk_f32x16 qk_round_f16(qk_f32x16 v)
{
#if defined(__AVX512F__)
    return _mm512_cvtph_ps(_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(__AVX2__)
    return (qk_f32x16){
        _mm256_cvtph_ps(_mm256_cvtps_ph(v.lo, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)),
        _mm256_cvtph_ps(_mm256_cvtps_ph(v.hi, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))};
#else
    for (int i = 0; i < 16; i++) {
        v.lane[i] = qni_f16_to_f32(qni_f32_to_f16(v.lane[i]));
    }
    return v;
#endif
}

QK_INLINE qk_f32x16 qk_load_i8(const int8_t *p)
{
#if defined(__AVX512F__)
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
#elif defined(__AVX2__)
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (qk_f32x16){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(b)),
                       _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(b, 8)))};
#else
    qk_f32x16 v;
    for (int i = 0; i < 16; i++) {
        v.lane[i] = (float)p[i];
    }
    return v;
#endif
}

// Sixteen numbers of 0 to 15 in eight bytes: lanes 0 to 7 in the low halves, 8 to 15 in the high
// ones.
QK_INLINE qk_f32x16 qk_load_u4(const uint8_t *p)
{
#if defined(__AVX2__)
    __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)p);
    __m128i nibbles = _mm_unpacklo_epi64(b, _mm_srli_epi16(b, 4));
    nibbles = _mm_and_si128(nibbles, _mm_set1_epi8(15));
#if defined(__AVX512F__)
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(nibbles));
#else
    return (qk_f32x16){_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(nibbles)),
                       _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(nibbles, 8)))};
#endif
#else
    qk_f32x16 v;
    for (int i = 0; i < 8; i++) {
        v.lane[i] = (float)(p[i] & 15);
        v.lane[i + 8] = (float)(p[i] >> 4);
    }
    return v;
#endif
}

// table[index] for the sixteen indices of qk_load_u4's form.
QK_INLINE qk_f32x16 qk_look_up_u4(const uint8_t *p, const float *table)
{
#if defined(__AVX512F__)
    __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)p);
    __m128i nibbles = _mm_unpacklo_epi64(b, _mm_srli_epi16(b, 4));
    return _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(_mm_and_si128(nibbles, _mm_set1_epi8(15))),
                                 _mm512_loadu_ps(table));
#else
    float lanes[16];
    for (int i = 0; i < 8; i++) {
        lanes[i] = table[p[i] & 15];
        lanes[i + 8] = table[p[i] >> 4];
    }
    return qk_load(lanes);
#endif
}

#endif
