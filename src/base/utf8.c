#include "base/utf8.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The range of the second byte depends on the first (Unicode 15, table 3-7).
static int sequence_length(unsigned char first, unsigned char *lo, unsigned char *hi)
{
    *lo = 0x80;
    *hi = 0xBF;
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    if (first < 0xE0) {
        return 2;
    }
    if (first < 0xF0) {
        *lo = first == 0xE0 ? 0xA0 : 0x80;
        *hi = first == 0xED ? 0x9F : 0xBF;
        return 3;
    }
    *lo = first == 0xF0 ? 0x90 : 0x80;
    *hi = first == 0xF4 ? 0x8F : 0xBF;
    return 4;
}

int qni_utf8_decode(const unsigned char *text, size_t n, uint32_t *code)
{
    unsigned char lo, hi;
    int length = sequence_length(text[0], &lo, &hi);
    if (length == 1) {
        *code = text[0];
        return 1;
    }
    *code = 0xFFFD;
    if (length == 0) {
        return -1;
    }
    uint32_t value = text[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= n || text[i] < lo || text[i] > hi) {
            return -i;
        }
        value = value << 6 | (text[i] & 0x3Fu);
        lo = 0x80;
        hi = 0xBF;
    }
    *code = value;
    return length;
}

int qni_utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

// The first byte at or behind `i` that is not ASCII.
static size_t skip_ascii(const unsigned char *text, size_t n, size_t i)
{
    uint64_t part[4];
    for (; n - i >= sizeof part; i += sizeof part) {
        memcpy(part, text + i, sizeof part);
        if (((part[0] | part[1] | part[2] | part[3]) & 0x8080808080808080u) != 0) {
            break;
        }
    }
    while (i < n && text[i] < 0x80) {
        i++;
    }
    return i;
}

#if defined(__x86_64__)
// All errors of two neighbouring bytes are found in three tables, by the halves of the first and
// the upper half of the second: where the three agree on a bit there is that error. Only how many
// later bytes follow the first of three or four is seen elsewhere. (J. Keiser, D. Lemire,
// "Validating UTF-8 In Less Than One Instruction Per Byte", 2021.)
enum {
    SHORT = 1,       // a first byte without the later one that it needs
    LONG = 2,        // a later byte behind ASCII
    OVERLONG_3 = 4,  // E0 80..9F
    LARGE = 8,       // above F4 8F
    SURROGATE = 16,  // ED A0..BF
    OVERLONG_2 = 32, // C0, C1
    LARGE_8 = 64,    // F5 80 and so on; F0 80
    TWO_LATER = 128, // two later bytes in a row, which is right behind E0 and more
    ANY = SHORT | LONG | TWO_LATER,
};

__attribute__((target("avx2"))) static inline __m256i look_up(const uint8_t *table, __m256i index)
{
    __m256i row = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)table));
    return _mm256_shuffle_epi8(row, index);
}

__attribute__((target("avx2"))) static inline __m256i upper_half(__m256i bytes)
{
    return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
}

__attribute__((target("avx2"))) static inline __m256i load(const unsigned char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

// Not zero where the 32 bytes at `at`, with the three before them, are not UTF-8.
__attribute__((target("avx2"))) static inline __m256i find_errors(const unsigned char *at)
{
    enum { F0_F4 = SHORT | LARGE | LARGE_8, LATER = LONG | OVERLONG_2 | TWO_LATER };
    static const uint8_t first_upper[16] = {LONG,
                                            LONG,
                                            LONG,
                                            LONG,
                                            LONG,
                                            LONG,
                                            LONG,
                                            LONG,
                                            TWO_LATER,
                                            TWO_LATER,
                                            TWO_LATER,
                                            TWO_LATER,
                                            SHORT | OVERLONG_2,
                                            SHORT,
                                            SHORT | OVERLONG_3 | SURROGATE,
                                            F0_F4};
    static const uint8_t first_lower[16] = {ANY | OVERLONG_3 | OVERLONG_2 | LARGE_8,
                                            ANY | OVERLONG_2,
                                            ANY,
                                            ANY,
                                            ANY | LARGE,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8 | SURROGATE,
                                            ANY | LARGE | LARGE_8,
                                            ANY | LARGE | LARGE_8};
    static const uint8_t second_upper[16] = {SHORT,
                                             SHORT,
                                             SHORT,
                                             SHORT,
                                             SHORT,
                                             SHORT,
                                             SHORT,
                                             SHORT,
                                             LATER | OVERLONG_3 | LARGE_8,
                                             LATER | OVERLONG_3 | LARGE,
                                             LATER | SURROGATE | LARGE,
                                             LATER | SURROGATE | LARGE,
                                             SHORT,
                                             SHORT,
                                             SHORT,
                                             SHORT};
    __m256i bytes = load(at), before = load(at - 1);
    __m256i lower = _mm256_and_si256(before, _mm256_set1_epi8(15));
    __m256i errors = _mm256_and_si256(
        _mm256_and_si256(look_up(first_upper, upper_half(before)), look_up(first_lower, lower)),
        look_up(second_upper, upper_half(bytes)));
    // the top bit where a byte has to be the third or fourth of a character
    __m256i third = _mm256_subs_epu8(load(at - 2), _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(load(at - 3), _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i later = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(errors, later);
}

// Checks from `i` >= 3, the beginning of a character, and gives where it stopped: at one again,
// with less than 35 bytes to go. SIZE_MAX: not UTF-8.
__attribute__((target("avx2"))) static size_t check_avx2(const unsigned char *text, size_t n,
                                                         size_t i)
{
    __m256i errors = _mm256_setzero_si256();
    for (; n - i >= 32; i += 32) {
        __m256i near = _mm256_or_si256(load(text + i), load(text + i - 3));
        if (_mm256_movemask_epi8(near) != 0) {
            errors = _mm256_or_si256(errors, find_errors(text + i));
        }
    }
    if (_mm256_testz_si256(errors, errors) == 0) {
        return SIZE_MAX;
    }
    size_t back = 1;
    while (back < 3 && (text[i - back] & 0xC0) == 0x80) {
        back++;
    }
    return text[i - back] >= 0xC0 ? i - back : i;
}
#endif

// Checks from `i`, the beginning of a character.
static bool is_valid_from(const unsigned char *bytes, size_t n, size_t i)
{
    while (i < n) {
        uint32_t code;
        if (bytes[i] < 0x80) {
            i = skip_ascii(bytes, n, i);
        } else {
            int length = qni_utf8_decode(bytes + i, n - i, &code);
            if (length < 0) {
                return false;
            }
            i += (size_t)length;
        }
    }
    return true;
}

bool qni_utf8_is_valid(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i = 0;
#if defined(__x86_64__)
    if (n >= 64 && __builtin_cpu_supports("avx2")) {
        uint32_t code;
        while (i < 3) {
            int length = qni_utf8_decode(bytes + i, n - i, &code);
            if (length < 0) {
                return false;
            }
            i += (size_t)length;
        }
        i = check_avx2(bytes, n, i);
    }
#endif
    return i != SIZE_MAX && is_valid_from(bytes, n, i);
}

size_t qni_utf8_unfinished(const char *text, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const unsigned char *at = (const unsigned char *)text + n - back;
        if ((*at & 0xC0) == 0x80) {
            continue;
        }
        unsigned char lo, hi;
        uint32_t code;
        int length = sequence_length(*at, &lo, &hi);
        bool cut = length > (int)back && qni_utf8_decode(at, back, &code) == -(int)back;
        return cut ? back : 0;
    }
    return 0;
}
