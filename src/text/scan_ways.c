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

static size_t read_wide(const qni_automaton *a, size_t width, const unsigned char *text, size_t n,
                        size_t at, uint8_t *classes, uint32_t *places)
{
    size_t read = 0;
    for (size_t length; at < n; at += width, read++) {
        uint8_t class = qni_automaton_class(a, text + at, &length);
        if (length != width) {
            break;
        }
        classes[read] = class;
        places[read] = (uint32_t)at;
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

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

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

// Four characters in lanes of 32 bits: how their bytes come there, the last one lowest; what of
// them tells that they have this width, and what belongs to the code; and where they stand.
typedef struct lanes {
    int8_t order[16];
    uint32_t mask[4], lead[4], bits[4], places[4];
} lanes;

#define FOUR(x)    \
    {              \
        x, x, x, x \
    }
static const lanes lanes_of[4] = {
    [2] = {{1, 0, -1, -1, 3, 2, -1, -1, 5, 4, -1, -1, 7, 6, -1, -1},
           FOUR(0xE000),
           FOUR(0xC000),
           FOUR(0x1F3F),
           {0, 2, 4, 6}},
    [3] = {{2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1},
           FOUR(0xF00000),
           FOUR(0xE00000),
           FOUR(0x0F3F3F),
           {0, 3, 6, 9}},
};

AVX2 static inline __m128i load_lanes(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

// Four at a time, and those before the first other character count. All is written, too; what is
// no such character gets some class.
AVX2 static inline size_t read_lanes(const qni_automaton *a, size_t width,
                                     const unsigned char *text, size_t n, size_t at,
                                     uint8_t *classes, uint32_t *places)
{
    const uint8_t *blocks = a->blocks; // a local, which no store of a class can change
    const lanes *kind = &lanes_of[width];
    const __m128i order = load_lanes(kind->order), mask = load_lanes(kind->mask);
    const __m128i lead = load_lanes(kind->lead), bits = load_lanes(kind->bits);
    // of the bytes of a code: 1, 64 and 64 * 64
    const __m128i lower = _mm_set1_epi32(0x00014001), upper = _mm_set1_epi32(0x10000001);
    // what has three bytes is in the first sixteen pages, whose blocks have numbers below sixteen
    const __m128i pages = _mm_packus_epi16(load_lanes(a->pages), load_lanes(a->pages + 8));
    const __m128i unused = _mm_set1_epi32((int)0x80808000); // bytes of an index
    size_t read = 0;
    for (; n - at >= sizeof order; at += 4 * width, read += 4) {
        __m128i four = _mm_shuffle_epi8(load_lanes(text + at), order);
        __m128i fit = _mm_cmpeq_epi32(_mm_and_si128(four, mask), lead);
        unsigned fits = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(fit));
        __m128i codes = _mm_maddubs_epi16(_mm_and_si128(four, bits), lower);
        codes = _mm_madd_epi16(codes, upper);
        __m128i page = _mm_or_si128(_mm_srli_epi32(codes, QNI_AUTOMATON_PAGE_BITS), unused);
        __m128i block = _mm_shuffle_epi8(pages, page);
        __m128i class = _mm_or_si128(_mm_slli_epi32(block, QNI_AUTOMATON_PAGE_BITS),
                                     _mm_and_si128(codes, _mm_set1_epi32(QNI_AUTOMATON_PAGE - 1)));
        uint64_t low = (uint64_t)_mm_cvtsi128_si64(class);
        uint64_t high = (uint64_t)_mm_extract_epi64(class, 1);
        classes[read] = blocks[(uint32_t)low];
        classes[read + 1] = blocks[low >> 32];
        classes[read + 2] = blocks[(uint32_t)high];
        classes[read + 3] = blocks[high >> 32];
        __m128i here = _mm_add_epi32(_mm_set1_epi32((int)at), load_lanes(kind->places));
        _mm_storeu_si128((__m128i *)(void *)(places + read), here);
        if (fits != 15) { // a branch: when it is guessed nothing waits for it
            return read + (size_t)__builtin_ctz(~fits);
        }
    }
    return read + read_wide(a, width, text, n, at, classes + read, places + read);
}

AVX2 static size_t read_wide_avx2(const qni_automaton *a, size_t width, const unsigned char *text,
                                  size_t n, size_t at, uint8_t *classes, uint32_t *places)
{
    return width == 2 ? read_lanes(a, 2, text, n, at, classes, places)
                      : read_lanes(a, 3, text, n, at, classes, places);
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

// Sixteen at first, whether there are so many or not: a loop's end would be guessed wrong at nearly
// every call. Behind the last bit stand places that do not count.
AVX2 static qni_word_place *add_borders_avx2(qni_word_place *word, const uint32_t *places,
                                             uint64_t bits)
{
    size_t n = (size_t)__builtin_popcountll(bits);
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++, bits = _blsr_u64(bits)) {
        word[i].end = word[i + 1].begin = places[_tzcnt_u64(bits)];
    }
    for (size_t i = 16; i < n; i++, bits = _blsr_u64(bits)) {
        word[i].end = word[i + 1].begin = places[_tzcnt_u64(bits)];
    }
    return word + n;
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
    {read_ascii, read_wide, find_borders, add_borders},
#if defined(__x86_64__)
    {read_ascii_avx2, read_wide_avx2, find_borders_avx2, add_borders_avx2},
    {read_ascii_avx512, read_wide_avx2, find_borders_avx512, add_borders_avx512},
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
