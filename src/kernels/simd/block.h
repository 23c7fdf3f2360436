// Blocks of elements in fp32 registers' clothing: loading rows of any type and stride into floats,
// and storing them with one rounding. Plain loops; the flags of the file that includes this decide
// which instructions they become, and as every step is exact or rounds once, all of them give the
// same bits.
#ifndef QK_SIMD_BLOCK_H
#define QK_SIMD_BLOCK_H

#include "base/half.h"
#include "base/tensor.h"

#include <math.h>
#ifdef __F16C__
#include <immintrin.h>
#endif

enum { QK_BLOCK = 256 }; // elements that are worked on at a time; they stay in the first cache

static inline void qk_block_from_f16(float *to, const uint16_t *from, int64_t n)
{
    int64_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16) {
        _mm512_storeu_ps(
            to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(from + i))));
    }
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8) {
        _mm256_storeu_ps(
            to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from + i))));
    }
#endif
    for (; i < n; i++) {
        to[i] = qni_f16_to_f32(from[i]);
    }
}

static inline void qk_block_to_f16(uint16_t *to, const float *from, int64_t n)
{
    int64_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16) {
        _mm256_storeu_si256((__m256i *)(void *)(to + i),
                            _mm512_cvtps_ph(_mm512_loadu_ps(from + i),
                                            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8) {
        _mm_storeu_si128((__m128i *)(void *)(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
#endif
    for (; i < n; i++) {
        to[i] = qni_f32_to_f16(from[i]);
    }
}

// n elements of `row` from element `at` on, `stride` elements apart. Integers above 2^24 lose
// digits: operations on integers do not come here.
static inline void qk_block_load(float *to, const void *row, qni_dtype dtype, int64_t at,
                                 int64_t stride, int64_t n)
{
    if (dtype == QNI_F16) {
        const uint16_t *from = (const uint16_t *)row + at * stride;
        if (stride == 1) {
            qk_block_from_f16(to, from, n);
            return;
        }
        for (int64_t i = 0; i < n; i++) {
            to[i] = qni_f16_to_f32(from[i * stride]);
        }
    } else if (dtype == QNI_F32) {
        const float *from = (const float *)row + at * stride;
        for (int64_t i = 0; i < n; i++) {
            to[i] = from[i * stride];
        }
    } else { // bool
        const uint8_t *from = (const uint8_t *)row + at * stride;
        for (int64_t i = 0; i < n; i++) {
            to[i] = from[i * stride] != 0 ? 1.0f : 0.0f;
        }
    }
}

static inline void qk_block_store(void *row, qni_dtype dtype, int64_t at, int64_t stride,
                                  const float *from, int64_t n)
{
    if (dtype == QNI_F16) {
        uint16_t *to = (uint16_t *)row + at * stride;
        if (stride == 1) {
            qk_block_to_f16(to, from, n);
            return;
        }
        for (int64_t i = 0; i < n; i++) {
            to[i * stride] = qni_f32_to_f16(from[i]);
        }
    } else if (dtype == QNI_F32) {
        float *to = (float *)row + at * stride;
        for (int64_t i = 0; i < n; i++) {
            to[i * stride] = from[i];
        }
    } else { // bool
        uint8_t *to = (uint8_t *)row + at * stride;
        for (int64_t i = 0; i < n; i++) {
            to[i * stride] = from[i] != 0.0f;
        }
    }
}

static inline bool qk_is_block_dtype(qni_dtype dtype)
{
    return dtype == QNI_F16 || dtype == QNI_F32 || dtype == QNI_BOOL;
}

#endif
