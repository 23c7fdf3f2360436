#include "text/scanner.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "text/ascii.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

qn_status qni_scanner_build(const qni_automaton *automaton, qni_scanner *out, qn_error *err)
{
    *out = (qni_scanner){0};
    qni_scanner_attach(out, automaton);
    return qni_borders_build(automaton, &out->borders, err);
}

void qni_scanner_attach(qni_scanner *scanner, const qni_automaton *automaton)
{
    scanner->automaton = *automaton;
    // the results are the same with and without
    scanner->wide = (qni_cpu_detect() & QNI_CPU_BIT(QNI_CPU_X86_AVX2)) != 0;
}

void qni_scan_end(qni_scan *scan)
{
    qni_free(scan->memory);
    qni_free(scan->places);
    qni_free(scan->words);
    *scan = (qni_scan){0};
}

// A window on its way.
typedef struct window {
    const qni_scanner *s;
    uint8_t *classes; // n of them, QNI_SCAN_PADDING of the end before and behind
    uint32_t *places;
    size_t n;
    bool more; // the text goes on behind the window
    qni_word_place *words;
    size_t n_words;
    size_t last; // the border that came last, by its character
} window;

// ---- Classifying

// Reads ASCII characters of text[0, n) from `at` on, up to the first other one at the latest.
// Returns how far.
typedef size_t ascii_fn(window *w, const unsigned char *text, size_t n, size_t at);

static size_t read_ascii(window *w, const unsigned char *text, size_t n, size_t at)
{
    const uint8_t *classes = w->s->automaton.ascii;
    for (; at < n && text[at] < 0x80; at++) {
        w->classes[w->n] = classes[text[at]];
        w->places[w->n++] = (uint32_t)at;
    }
    return at;
}

#if defined(__x86_64__)
#define QNI_AVX2 __attribute__((target("avx2,bmi,popcnt")))

QNI_AVX2 static inline __m256i load_row(const uint8_t *row)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)row));
}

// A table of 128 entries is eight shuffles, one for each upper half of a byte; a shuffle gives zero
// for indices with the top bit set, which adding 0x70 with saturation does to all other halves.
QNI_AVX2 static size_t read_ascii_avx2(window *w, const unsigned char *text, size_t n, size_t at)
{
    const __m256i lift = _mm256_set1_epi8(0x70);
    const uint8_t *table = w->s->automaton.ascii;
    while (n - at >= 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(text + at));
        __m256i classes = _mm256_setzero_si256();
        for (int half = 0; half < 8; half++) {
            __m256i index = _mm256_adds_epu8(
                _mm256_xor_si256(bytes, _mm256_set1_epi8((char)(half << 4))), lift);
            classes = _mm256_or_si256(classes,
                                      _mm256_shuffle_epi8(load_row(table + 16 * half), index));
        }
        // all are written, and those up to the first other character stay
        _mm256_storeu_si256((__m256i *)(void *)(w->classes + w->n), classes);
        const __m256i eight = _mm256_set1_epi32(8);
        __m256i places = _mm256_add_epi32(_mm256_set1_epi32((int)at),
                                          _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        for (int i = 0; i < 4; i++) {
            _mm256_storeu_si256((__m256i *)(void *)(w->places + w->n + 8 * i), places);
            places = _mm256_add_epi32(places, eight);
        }
        unsigned others = (unsigned)_mm256_movemask_epi8(bytes);
        size_t read = others != 0 ? (size_t)__builtin_ctz(others) : 32;
        w->n += read;
        at += read;
        if (read < 32) {
            return at;
        }
    }
    return read_ascii(w, text, n, at);
}
#endif

// How many ASCII characters come next, of up to FEW: so few are read one by one.
enum { FEW = 4 };
static inline size_t count_few(const unsigned char *text, size_t n)
{
    uint32_t bytes;
    if (n < sizeof bytes) {
        return n > 0 && text[0] < 0x80;
    }
    memcpy(&bytes, text, sizeof bytes);
    bytes &= (uint32_t)QNI_ASCII_TOPS;
    return bytes != 0 ? (size_t)__builtin_ctz(bytes) / 8 : FEW;
}

static inline uint8_t class_of(const uint16_t *pages, const uint8_t *blocks, uint32_t code)
{
    return blocks[(size_t)pages[code >> 7] * 128 + (code & 127)];
}

// Classifies all of the text, and sets what stands around it. What the loop goes by is kept in
// locals, which no store of a class can change.
static void classify(window *w, const unsigned char *text, size_t n)
{
    const qni_automaton *a = &w->s->automaton;
    const uint8_t *of_ascii = a->ascii, *blocks = a->blocks;
    const uint16_t *pages = a->pages;
    uint8_t *classes = w->classes;
    uint32_t *places = w->places;
    ascii_fn *ascii = read_ascii;
#if defined(__x86_64__)
    ascii = w->s->wide ? read_ascii_avx2 : ascii;
#endif
    size_t k = 0;
    for (size_t at = 0; at < n;) {
        size_t few = count_few(text + at, n - at);
        if (few == FEW) {
            w->n = k;
            at = ascii(w, text, n, at);
            k = w->n;
            continue;
        }
        for (size_t stop = at + few; at < stop; at++, k++) {
            classes[k] = of_ascii[text[at]];
            places[k] = (uint32_t)at;
        }
        uint32_t bytes;
        for (; n - at >= sizeof bytes; at += 3, k++) { // characters of three bytes
            memcpy(&bytes, text + at, sizeof bytes);
            if ((bytes & 0xF0) != 0xE0) {
                break;
            }
            uint32_t code = (bytes & 0x0F) << 12 | (bytes >> 2 & 0xFC0) | (bytes >> 16 & 0x3F);
            classes[k] = class_of(pages, blocks, code);
            places[k] = (uint32_t)at;
        }
        if (at < n && text[at] >= 0x80) { // one of others, or at the end
            size_t length;
            uint32_t code = qni_utf8_read((const char *)text + at, &length);
            classes[k] = class_of(pages, blocks, code);
            places[k++] = (uint32_t)at;
            at += length;
        }
    }
    w->n = k;
    w->places[w->n] = (uint32_t)n;
    int end = (int)a->n_classes - 1;
    memset(w->classes - QNI_SCAN_PADDING, end, QNI_SCAN_PADDING);
    memset(w->classes + w->n, end, QNI_SCAN_PADDING);
}

// ---- Borders

// 64 places: whether a piece begins there, and whether that is unsure.
typedef struct borders {
    uint64_t certain, unsure;
} borders;

typedef borders borders_fn(const qni_borders *rules, const uint8_t *classes);

static borders find_borders(const qni_borders *rules, const uint8_t *classes)
{
    borders found = {0, 0};
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

#if defined(__x86_64__)
QNI_AVX2 static inline uint64_t find_bits(const uint8_t (*rows)[QNI_BORDER_CLASSES],
                                          const uint8_t *classes, bool many)
{
    uint64_t found = 0;
    for (int i = 0; i < 64; i += 32) {
        __m256i bits = _mm256_set1_epi8(-1);
        for (int place = 0; place < QNI_BORDER_WINDOW; place++) {
            __m256i at = _mm256_loadu_si256(
                (const __m256i *)(const void *)(classes + i + place - QNI_BORDER_BEFORE));
            __m256i row = _mm256_shuffle_epi8(load_row(rows[place]), at);
            if (many) { // the upper half of the row is for classes with bit 4
                __m256i upper = _mm256_shuffle_epi8(load_row(rows[place] + 16), at);
                row = _mm256_blendv_epi8(row, upper, _mm256_slli_epi16(at, 3));
            }
            bits = _mm256_and_si256(bits, row);
        }
        __m256i none = _mm256_cmpeq_epi8(bits, _mm256_setzero_si256());
        found |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(none) << i;
    }
    return found;
}

QNI_AVX2 static inline borders find_all(const qni_borders *rules, const uint8_t *classes, bool many)
{
    borders found = {0, 0};
    for (uint32_t plane = 0; plane < rules->n_certain; plane++) {
        found.certain |= find_bits(rules->planes[plane], classes, many);
    }
    for (uint32_t plane = rules->n_certain; plane < rules->n_planes; plane++) {
        found.unsure |= find_bits(rules->planes[plane], classes, many);
    }
    return found;
}

QNI_AVX2 static borders find_borders_avx2(const qni_borders *rules, const uint8_t *classes)
{
    return rules->n_classes > 16 ? find_all(rules, classes, true) : find_all(rules, classes, false);
}
#endif

// ---- Cutting

// Ends the piece that goes on and begins one at a character. The two stand side by side in memory.
static inline void add_border(window *w, size_t at)
{
    uint32_t place = w->places[at];
    w->words[w->n_words++].end = place;
    w->words[w->n_words].begin = place;
    w->last = at;
}

// The first place behind `at` with another class.
static inline size_t end_of_run(const uint8_t *classes, size_t at)
{
    const uint8_t class = classes[at];
#if defined(__x86_64__)
    const __m128i same = _mm_set1_epi8((char)class);
    for (;; at += 16) { // behind the window stands no class of a character
        __m128i some = _mm_loadu_si128((const __m128i *)(const void *)(classes + at));
        unsigned others = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(some, same)) ^ 0xFFFF;
        if (others != 0) {
            return at + (size_t)__builtin_ctz(others);
        }
    }
#else
    while (classes[at] == class) {
        at++;
    }
    return at;
#endif
}

// The automaton's own match from `from`; false when it would have to look behind the window.
static bool match(const window *w, size_t from, size_t *end)
{
    const qni_automaton *a = &w->s->automaton;
    size_t at = from;
    *end = from;
    for (uint32_t state = QNI_AUTOMATON_START; state != QNI_AUTOMATON_DEAD;) {
        if (at >= w->n && w->more) {
            return false;
        }
        uint32_t entry = a->table[state * a->n_classes + w->classes[at]];
        uint32_t next = entry & ~(uint32_t)QNI_AUTOMATON_MATCH;
        size_t last = at; // that is read in the same way: all of a run that the state stays on
        if (next == state && at < w->n) {
            last = end_of_run(w->classes, at) - 1;
        }
        *end = (entry & QNI_AUTOMATON_MATCH) != 0 ? last : *end;
        state = next;
        at = last + 1;
    }
    return true;
}

// The end of the piece that begins with the last border.
static bool next_border(const window *w, size_t *end)
{
    size_t at = w->last, from;
    if (!match(w, at, end)) {
        return false;
    }
    if (*end > at) {
        return true;
    }
    do { // a gap
        from = ++at;
        if (at < w->n && !match(w, from, end)) {
            return false;
        }
    } while (at < w->n && *end == from);
    *end = at;
    return at < w->n || !w->more;
}

// Cuts with the automaton until a place is behind. False when the window is too short.
static bool cut_to(window *w, size_t at)
{
    while (w->last < at) {
        size_t end;
        if (!next_border(w, &end)) {
            return false;
        }
        if (end == w->n) { // the text's end is no border
            w->last = end;
            return true;
        }
        add_border(w, end);
    }
    return true;
}

// Adds the border at each bit, all of them behind the last one.
static void add_borders(window *w, size_t base, uint64_t bits)
{
    const uint32_t *places = w->places + base;
    qni_word_place *word = w->words + w->n_words;
    for (uint64_t left = bits; left != 0; left &= left - 1, word++) {
        word[0].end = word[1].begin = places[__builtin_ctzll(left)];
    }
    w->n_words = (size_t)(word - w->words);
    w->last = bits != 0 ? base + 63 - (size_t)__builtin_clzll(bits) : w->last;
}

// Cuts at the borders among 64 places of which some are unsure.
static bool add_unsure(window *w, size_t base, borders found)
{
    for (uint64_t bits = found.certain | found.unsure; bits != 0; bits &= bits - 1) {
        size_t at = base + (size_t)__builtin_ctzll(bits);
        if (at <= w->last) {
            continue;
        }
        if ((found.unsure & (bits & -bits)) == 0) {
            add_border(w, at);
        } else if (!cut_to(w, at)) {
            return false;
        }
    }
    return true;
}

// Cuts the window. All borders are certain; with more behind it, what follows the last one is not
// cut yet.
static void cut(window *w)
{
    borders_fn *find = find_borders;
#if defined(__x86_64__)
    find = w->s->wide ? find_borders_avx2 : find;
#endif
    // behind the last place that sees its window of classes
    size_t end = w->more ? w->n - 1 : w->n;
    for (size_t base = 0; base < end; base += 64) {
        borders found = find(&w->s->borders, w->classes + base);
        uint64_t here = end - base < 64 ? ((uint64_t)1 << (end - base)) - 1 : UINT64_MAX;
        here &= w->last < base        ? UINT64_MAX
                : w->last - base < 63 ? ~(uint64_t)1 << (w->last - base)
                                      : 0;
        found.certain &= here;
        found.unsure &= here;
        if (found.unsure == 0) {
            add_borders(w, base, found.certain);
        } else if (!add_unsure(w, base, found)) {
            return;
        }
    }
}

static qn_status reserve(qni_scan *scan, size_t n, qn_error *err)
{
    if (n <= scan->capacity) {
        return QN_OK;
    }
    qni_scan_end(scan);
    scan->memory = qni_alloc(n + 2 * QNI_SCAN_PADDING);
    scan->places = qni_alloc_array(n + QNI_SCAN_PADDING, sizeof *scan->places);
    scan->words = qni_alloc_array(n + 2, sizeof *scan->words);
    if (scan->memory == NULL || scan->places == NULL || scan->words == NULL) {
        return qni_fail_memory(err);
    }
    scan->capacity = n;
    return QN_OK;
}

// Cuts text[0, n) and gives the end of its last piece that is certain.
static size_t cut_window(const qni_scanner *s, const char *text, size_t n, bool more,
                         qni_scan *scan)
{
    window w = {.s = s,
                .classes = scan->memory + QNI_SCAN_PADDING,
                .places = scan->places,
                .more = more,
                .words = scan->words};
    classify(&w, (const unsigned char *)text, n);
    w.words[0].begin = 0;
    cut(&w);
    if (!more) {
        w.words[w.n_words++].end = (uint32_t)n;
    }
    scan->n_words = w.n_words;
    return w.n_words > 0 ? w.words[w.n_words - 1].end : 0;
}

qn_status qni_scanner_cut(const qni_scanner *s, const char *text, size_t n, qni_scan *scan,
                          size_t *done, qn_error *err)
{
    *done = 0;
    scan->n_words = 0;
    for (size_t most = QNI_SCAN_WINDOW; n > 0 && *done == 0; most *= 4) {
        size_t size = n;
        if (n > most) {
            size = most;
            while (((unsigned char)text[size] & 0xC0) == 0x80) {
                size--;
            }
        }
        QNI_TRY(reserve(scan, size, err));
        *done = cut_window(s, text, size, size < n, scan);
    }
    return QN_OK;
}
