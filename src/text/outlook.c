#include "text/outlook.h"

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

bool qni_outlook_is_wide(void)
{
    return (qni_cpu_detect() & QNI_CPU_BIT(QNI_CPU_X86_AVX2)) != 0;
}

#if defined(__x86_64__)
#define QNI_AVX2 __attribute__((target("avx2")))

// Halves of units: the lower ones, or the upper ones, which are the values.
QNI_AVX2 static inline __m256i gather(const qni_trie *trie, __m256i at, bool upper)
{
    const int *halves = (const int *)(const void *)trie->units;
    return _mm256_i32gather_epi32(halves + upper, at, sizeof *trie->units);
}

// Eight places next to each other, on their way down the trie.
typedef struct walk {
    __m256i unit, open, found, size;
} walk;

QNI_AVX2 static inline walk begin_walk(const qni_trie *trie)
{
    return (walk){_mm256_set1_epi32((int)trie->units[0]), _mm256_set1_epi32(-1),
                  _mm256_setzero_si256(), _mm256_setzero_si256()};
}

// One step of all eight, by the bytes that stand so far behind the places.
QNI_AVX2 static inline void step(walk *w, const qni_trie *trie, const unsigned char *text,
                                 int depth)
{
    const __m256i label = _mm256_set1_epi32(QNI_TRIE_LABEL);
    __m256i byte = _mm256_cvtepu8_epi32(
        _mm_loadl_epi64((const __m128i *)(const void *)(text + depth)));
    __m256i child = _mm256_xor_si256(_mm256_srli_epi32(w->unit, QNI_TRIE_BASE_SHIFT), byte);
    w->unit = gather(trie, child, false);
    w->open = _mm256_and_si256(w->open, _mm256_cmpeq_epi32(_mm256_and_si256(w->unit, label), byte));
    __m256i key = _mm256_slli_epi32(w->unit, 31 - QNI_TRIE_KEY_BIT);
    key = _mm256_and_si256(w->open, _mm256_srai_epi32(key, 31));
    w->found = _mm256_blendv_epi8(w->found, child, key);
    w->size = _mm256_blendv_epi8(w->size, _mm256_set1_epi32(depth + 1), key);
}

QNI_AVX2 static inline void end_walk(const walk *w, const qni_trie *trie, qni_outlook_place *places)
{
    __m256i value = gather(trie, w->found, true);
    __m256i size = _mm256_blendv_epi8(w->size, _mm256_set1_epi32(QNI_OUTLOOK_FAR), w->open);
    __m256i even = _mm256_unpacklo_epi32(value, size), odd = _mm256_unpackhi_epi32(value, size);
    __m256i *to = (__m256i *)(void *)places;
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
}

// Walks that take each step together, so that what they wait for comes together. More of them have
// to go as far as the longest one of all.
enum { WALKS = 4 };

QNI_AVX2 static inline void walk_together(const qni_trie *trie, const unsigned char *text,
                                          qni_outlook_place *places)
{
    walk walks[WALKS];
    for (int i = 0; i < WALKS; i++) {
        walks[i] = begin_walk(trie);
    }
    for (int depth = 0; depth < QNI_OUTLOOK_NEAR; depth++) {
        __m256i open = _mm256_setzero_si256();
        for (int i = 0; i < WALKS; i++) {
            step(&walks[i], trie, text + 8 * i, depth);
            open = _mm256_or_si256(open, walks[i].open);
        }
        if (_mm256_testz_si256(open, open)) {
            break;
        }
    }
    for (int i = 0; i < WALKS; i++) {
        end_walk(&walks[i], trie, places + 8 * i);
    }
}

QNI_AVX2 void qni_outlook_look(qni_outlook *outlook, const qni_trie *trie,
                               const unsigned char *text, size_t at)
{
    outlook->at = at;
    for (int i = 0; i < QNI_OUTLOOK_PLACES; i += 8 * WALKS) {
        walk_together(trie, text + at + i, outlook->places + i);
    }
}
#else
void qni_outlook_look(qni_outlook *outlook, const qni_trie *trie, const unsigned char *text,
                      size_t at)
{
    (void)trie, (void)text;
    outlook->at = at;
    for (int i = 0; i < QNI_OUTLOOK_PLACES; i++) {
        outlook->places[i] = (qni_outlook_place){0, QNI_OUTLOOK_FAR};
    }
}
#endif
