#include "text/scan_ways.h"

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// ---- Plain

static size_t read_ascii(const uint8_t *table, const unsigned char *text, size_t n, size_t at,
                         uint8_t *classes, uint32_t *places)
{
    size_t read = 0;
    for (; at + read < n && text[at + read] < 0x80; read++) {
        classes[read] = table[text[at + read]];
        places[read] = (uint32_t)(at + read);
    }
    return read;
}

static qni_scan_borders find_borders(const qni_borders *rules, const uint8_t *classes)
{
    qni_scan_borders found = {0, 0};
    for (uint32_t plane = 0; plane < rules->n_planes; plane++) {
        const uint8_t(*rows)[QNI_BORDER_CLASSES] = rules->planes[plane];
        uint64_t bits = 0;
        for (int i = 0; i < 64; i++) {
            const uint8_t *c = classes + i - QNI_BORDER_BEFORE;
            int hit = rows[0][c[0]] & rows[1][c[1]] & rows[2][c[2]] & rows[3][c[3]] & rows[4][c[4]];
            bits |= (uint64_t)(hit != 0) << i;
        }
        *(plane < rules->n_certain ? &found.certain : &found.unsure) |= bits;
    }
    return found;
}

static qni_word_place *add_borders(qni_word_place *word, const uint32_t *places, uint64_t bits)
{
    for (; bits != 0; bits &= bits - 1, word++) {
        word[0].end = word[1].begin = places[__builtin_ctzll(bits)];
    }
    return word;
}

#if defined(__x86_64__)

// ---- AVX2

#define AVX2 __attribute__((target("avx2,bmi")))

AVX2 static inline __m256i load_row(const uint8_t *row)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)row));
}

// The entries of those bytes that have this upper half. A shuffle gives zero for indices with the
// top bit set, which adding 0x70 with saturation does to all other halves.
AVX2 static inline __m256i classes_of_half(__m256i bytes, const uint8_t *table, int half)
{
    __m256i lower = _mm256_xor_si256(bytes, _mm256_set1_epi8((char)(half << 4)));
    return _mm256_shuffle_epi8(load_row(table + 16 * half),
                               _mm256_adds_epu8(lower, _mm256_set1_epi8(0x70)));
}

AVX2 static inline void write_places(uint32_t *places, size_t at)
{
    const __m256i eight = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (size_t i = 0; i < 32; i += 8) {
        __m256i first = _mm256_set1_epi32((int)(at + i));
        _mm256_storeu_si256((__m256i *)(void *)(places + i), _mm256_add_epi32(first, eight));
    }
}

// All 32 are written, and those up to the first other character count.
AVX2 static size_t read_ascii_avx2(const uint8_t *table, const unsigned char *text, size_t n,
                                   size_t at, uint8_t *classes, uint32_t *places)
{
    size_t read = 0;
    for (; n - at - read >= 32; read += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(text + at + read));
        __m256i found = classes_of_half(bytes, table, 0) | classes_of_half(bytes, table, 1) |
                        classes_of_half(bytes, table, 2) | classes_of_half(bytes, table, 3) |
                        classes_of_half(bytes, table, 4) | classes_of_half(bytes, table, 5) |
                        classes_of_half(bytes, table, 6) | classes_of_half(bytes, table, 7);
        _mm256_storeu_si256((__m256i *)(void *)(classes + read), found);
        write_places(places + read, at + read);
        unsigned others = (unsigned)_mm256_movemask_epi8(bytes);
        if (others != 0) {
            return read + (size_t)__builtin_ctz(others);
        }
    }
    return read + read_ascii(table, text, n, at + read, classes + read, places + read);
}

// The boxes that a class lies in, for 32 classes.
AVX2 static inline __m256i boxes_of(const uint8_t *row, const uint8_t *classes, bool many)
{
    __m256i at = _mm256_loadu_si256((const __m256i *)(const void *)classes);
    __m256i boxes = _mm256_shuffle_epi8(load_row(row), at);
    if (many) { // the upper half of the row is for classes with bit 4
        __m256i upper = _mm256_shuffle_epi8(load_row(row + 16), at);
        boxes = _mm256_blendv_epi8(boxes, upper, _mm256_slli_epi16(at, 3));
    }
    return boxes;
}

AVX2 static inline uint64_t find_bits(const uint8_t (*rows)[QNI_BORDER_CLASSES],
                                      const uint8_t *classes, bool many)
{
    uint64_t found = 0;
    for (int i = 0; i < 64; i += 32) {
        const uint8_t *first = classes + i - QNI_BORDER_BEFORE;
        __m256i boxes = boxes_of(rows[0], first, many) & boxes_of(rows[1], first + 1, many) &
                        boxes_of(rows[2], first + 2, many) & boxes_of(rows[3], first + 3, many) &
                        boxes_of(rows[4], first + 4, many);
        __m256i none = _mm256_cmpeq_epi8(boxes, _mm256_setzero_si256());
        found |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(none) << i;
    }
    return found;
}

AVX2 static inline qni_scan_borders find_all(const qni_borders *rules, const uint8_t *classes,
                                             bool many)
{
    qni_scan_borders found = {0, 0};
    for (uint32_t plane = 0; plane < rules->n_certain; plane++) {
        found.certain |= find_bits(rules->planes[plane], classes, many);
    }
    for (uint32_t plane = rules->n_certain; plane < rules->n_planes; plane++) {
        found.unsure |= find_bits(rules->planes[plane], classes, many);
    }
    return found;
}

AVX2 static qni_scan_borders find_borders_avx2(const qni_borders *rules, const uint8_t *classes)
{
    return rules->n_classes > 16 ? find_all(rules, classes, true) : find_all(rules, classes, false);
}

// ---- AVX-512 with VBMI, whose shuffles have 64 or 128 entries to choose from

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")))

AVX512 static size_t read_ascii_avx512(const uint8_t *table, const unsigned char *text, size_t n,
                                       size_t at, uint8_t *classes, uint32_t *places)
{
    const __m512i lower = _mm512_loadu_si512(table), upper = _mm512_loadu_si512(table + 64);
    size_t read = 0;
    for (size_t left = n - at; left > 0; left = n - at - read) {
        size_t some = left < 64 ? left : 64;
        __m512i bytes = _mm512_maskz_loadu_epi8(UINT64_MAX >> (64 - some), text + at + read);
        uint64_t others = _mm512_movepi8_mask(bytes); // the lower seven bits choose
        _mm512_storeu_si512(classes + read, _mm512_permutex2var_epi8(lower, bytes, upper));
        some = others != 0 ? (size_t)__builtin_ctzll(others) : some;
        for (size_t i = 0; i < some; i += 32) {
            write_places(places + read + i, at + read + i);
        }
        read += some;
        if (others != 0) {
            break;
        }
    }
    return read;
}

AVX512 static inline __m512i boxes_of_64(const uint8_t *row, const uint8_t *classes)
{
    __m512i at = _mm512_loadu_si512(classes);
    __m256i boxes = _mm256_loadu_si256((const __m256i *)(const void *)row);
    return _mm512_permutexvar_epi8(at, _mm512_castsi256_si512(boxes));
}

AVX512 static inline uint64_t find_bits_avx512(const uint8_t (*rows)[QNI_BORDER_CLASSES],
                                               const uint8_t *classes)
{
    const uint8_t *first = classes - QNI_BORDER_BEFORE;
    __m512i boxes = boxes_of_64(rows[0], first) & boxes_of_64(rows[1], first + 1) &
                    boxes_of_64(rows[2], first + 2) & boxes_of_64(rows[3], first + 3) &
                    boxes_of_64(rows[4], first + 4);
    return _mm512_test_epi8_mask(boxes, boxes);
}

AVX512 static qni_scan_borders find_borders_avx512(const qni_borders *rules, const uint8_t *classes)
{
    qni_scan_borders found = {0, 0};
    for (uint32_t plane = 0; plane < rules->n_certain; plane++) {
        found.certain |= find_bits_avx512(rules->planes[plane], classes);
    }
    for (uint32_t plane = rules->n_certain; plane < rules->n_planes; plane++) {
        found.unsure |= find_bits_avx512(rules->planes[plane], classes);
    }
    return found;
}

// The end of a word and the beginning of the next stand side by side, so each place is written
// twice; always sixteen of them, of which those of the bits count.
AVX512 static qni_word_place *add_borders_avx512(qni_word_place *word, const uint32_t *places,
                                                 uint64_t bits)
{
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    const __m512i upper = _mm512_or_si512(twice, _mm512_set1_epi32(8));
    for (int i = 0; i < 64; i += 16) {
        __mmask16 some = (__mmask16)(bits >> i);
        __m512i found = _mm512_maskz_compress_epi32(some, _mm512_loadu_si512(places + i));
        _mm512_storeu_si512(&word[0].end, _mm512_permutexvar_epi32(twice, found));
        _mm512_storeu_si512(&word[8].end, _mm512_permutexvar_epi32(upper, found));
        word += __builtin_popcount(some);
    }
    return word;
}
#endif

const qni_scan_way qni_scan_ways[QNI_SCAN_WAYS] = {
    {read_ascii, find_borders, add_borders},
#if defined(__x86_64__)
    {read_ascii_avx2, find_borders_avx2, add_borders},
    {read_ascii_avx512, find_borders_avx512, add_borders_avx512},
#endif
};

uint32_t qni_scan_ways_here(void)
{
    uint32_t n = 1;
#if defined(__x86_64__)
    qni_cpu_flags flags = qni_cpu_detect();
    n += (flags & QNI_CPU_BIT(QNI_CPU_X86_AVX2)) != 0;
    n += (flags & QNI_CPU_BIT(QNI_CPU_X86_AVX512)) != 0 && __builtin_cpu_supports("avx512vbmi");
#endif
    return n;
}
