// Eight characters of ASCII at once, or sixteen. Little endian.
#ifndef QNI_TEXT_ASCII_H
#define QNI_TEXT_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define QNI_ASCII_ONES 0x0101010101010101u
#define QNI_ASCII_TOPS 0x8080808080808080u

// How many of the first ones are ASCII, at least 0x20 and below 0x7F.
static inline size_t qni_ascii_count_printable(uint64_t part)
{
    uint64_t low = part & ~QNI_ASCII_TOPS;
    uint64_t each = ~part & (low + QNI_ASCII_ONES * 0x60) & ~(low + QNI_ASCII_ONES);
    uint64_t others = ~each & QNI_ASCII_TOPS;
    return others != 0 ? (size_t)__builtin_ctzll(others) / 8 : sizeof part;
}

// Lower case of ASCII.
static inline uint64_t qni_ascii_lower(uint64_t part)
{
    uint64_t upper = (part + QNI_ASCII_ONES * (0x80 - 'A')) &
                     ~(part + QNI_ASCII_ONES * (0x7F - 'Z')) & QNI_ASCII_TOPS;
    return part | upper >> 2;
}

// Copies printable characters from the beginning of `from`, which has n bytes, as they are or in
// lower case. Returns how many: up to the first other one, or less than eight before the end. All n
// bytes of `to` may be written.
static inline size_t qni_ascii_copy_printable(char *to, const char *from, size_t n, bool lower)
{
    size_t at = 0;
#if defined(__SSE2__)
    for (; n - at >= 16; at += 16) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(from + at));
        __m128i printable = _mm_and_si128(_mm_cmpgt_epi8(part, _mm_set1_epi8(0x1F)),
                                          _mm_cmplt_epi8(part, _mm_set1_epi8(0x7F)));
        unsigned others = (unsigned)_mm_movemask_epi8(printable) ^ 0xFFFF;
        if (lower) {
            __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(part, _mm_set1_epi8('A' - 1)),
                                          _mm_cmplt_epi8(part, _mm_set1_epi8('Z' + 1)));
            part = _mm_or_si128(part, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
        }
        _mm_storeu_si128((__m128i *)(void *)(to + at), part);
        if (others != 0) {
            return at + (size_t)__builtin_ctz(others);
        }
    }
#endif
    for (uint64_t part; n - at >= sizeof part; at += sizeof part) {
        memcpy(&part, from + at, sizeof part);
        size_t some = qni_ascii_count_printable(part);
        part = lower ? qni_ascii_lower(part) : part;
        memcpy(to + at, &part, sizeof part);
        if (some < sizeof part) {
            return at + some;
        }
    }
    return at;
}

#endif
