#include "text/scanner.h"

#include "base/alloc.h"
#include "base/cpu.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// A state's loop: its number, and whether each step of it says that a match ends before its
// character (a run of spaces of which the last is left to the next word).
enum { LOOP_NONE = 0xFF, LOOP_MATCHES = 0x80, LOOP_NUMBER = 0x7F };

// An entry of `start`: the state after both bytes in the upper half, and below
enum {
    START_ONE = 1,  // the first byte alone is a match
    START_LOOP = 2, // what follows is the loop of number entry >> 4 & 7, and its end the match's
    START_NUMBER_SHIFT = 4,
    START_STATE_SHIFT = 16
};

// ---- Building

typedef struct builder {
    qni_scanner *out;
    const qni_automaton *a;
    uint8_t sets[QNI_SCAN_LOOPS][QNI_SCAN_CLASSES]; // of each loop: 1 for its classes
    uint32_t n_sets;
} builder;

static uint32_t entry_of(const builder *b, uint32_t state, uint32_t class)
{
    return b->out->table[state * b->out->n_classes + class];
}

// The classes by which a state leads to itself with this mark. False when there are none.
static bool find_loop(const builder *b, uint32_t state, uint32_t mark, uint8_t *set)
{
    bool any = false;
    for (uint32_t c = 0; c + 1 < b->a->n_classes; c++) {
        set[c] = entry_of(b, state, c) == (state | mark);
        any = any || set[c] != 0;
    }
    return any;
}

// The number of a loop, made when it is new; LOOP_NONE when there are too many.
static uint8_t number_of_loop(builder *b, const uint8_t *set)
{
    uint32_t i = 0;
    while (i < b->n_sets && memcmp(b->sets[i], set, QNI_SCAN_CLASSES) != 0) {
        i++;
    }
    if (i == QNI_SCAN_LOOPS) {
        return LOOP_NONE;
    }
    if (i == b->n_sets) {
        memcpy(b->sets[b->n_sets++], set, QNI_SCAN_CLASSES);
    }
    return (uint8_t)i;
}

static uint32_t state_after(const builder *b, const char *text)
{
    uint32_t state = QNI_AUTOMATON_START;
    for (; *text != 0; text++) {
        state = entry_of(b, state, b->a->ascii[(unsigned char)*text]) &
                ~(uint32_t)QNI_AUTOMATON_MATCH;
    }
    return state;
}

// The loop of number 0 is met soonest: that of a word's letters, if there is one.
static void number_letters(builder *b)
{
    uint8_t set[QNI_SCAN_CLASSES] = {0};
    uint32_t state = state_after(b, " x");
    if (find_loop(b, state, 0, set) || find_loop(b, state, QNI_AUTOMATON_MATCH, set)) {
        number_of_loop(b, set);
    }
}

static void build_loops(builder *b)
{
    qni_scanner *s = b->out;
    number_letters(b);
    s->state_loop[QNI_AUTOMATON_DEAD] = LOOP_NONE;
    for (uint32_t state = 1; state < b->a->n_states; state++) {
        uint8_t set[QNI_SCAN_CLASSES] = {0};
        s->state_loop[state] = LOOP_NONE;
        if (find_loop(b, state, 0, set)) {
            s->state_loop[state] = number_of_loop(b, set);
        } else if (find_loop(b, state, QNI_AUTOMATON_MATCH, set)) {
            uint8_t number = number_of_loop(b, set);
            s->state_loop[state] = number == LOOP_NONE ? LOOP_NONE : number | LOOP_MATCHES;
        }
    }
    for (uint32_t i = 0; i < b->n_sets; i++) {
        for (uint32_t c = 0; c < QNI_SCAN_CLASSES; c++) {
            s->loops_of_class[c] |= (uint8_t)(b->sets[i][c] << (7 - i));
        }
    }
    for (uint32_t i = 0; i < 128; i++) {
        s->ascii_class[i] = b->a->ascii[i];
        s->ascii_loops[i] = s->loops_of_class[s->ascii_class[i]];
    }
}

// Whether a state's loop is all there is to it: any other class ends the match right there.
static bool ends_with_loop(const builder *b, uint32_t state)
{
    uint8_t loop = b->out->state_loop[state];
    if (loop == LOOP_NONE) {
        return false;
    }
    bool all = true;
    for (uint32_t c = 0; c < b->a->n_classes; c++) {
        all = all &&
              (b->sets[loop & LOOP_NUMBER][c] != 0 || entry_of(b, state, c) == QNI_AUTOMATON_MATCH);
    }
    return all;
}

static uint32_t start_entry(const builder *b, uint32_t first, uint32_t second)
{
    uint32_t later = b->a->n_classes; // the class of a character's later bytes
    uint32_t state = entry_of(b, QNI_AUTOMATON_START, first) & ~(uint32_t)QNI_AUTOMATON_MATCH;
    uint32_t entry = entry_of(b, state, second);
    state = entry & ~(uint32_t)QNI_AUTOMATON_MATCH;
    uint32_t result = state << START_STATE_SHIFT | (entry != state ? START_ONE : 0);
    uint32_t last = second == later ? first : second;
    // The later bytes of the last character have to lie in the loop too.
    uint32_t loop = b->out->state_loop[state] & LOOP_NUMBER;
    if (ends_with_loop(b, state) && b->sets[loop][last] != 0) {
        result |= START_LOOP | loop << START_NUMBER_SHIFT;
    }
    return result;
}

static void build_tables(builder *b)
{
    const qni_automaton *a = b->a;
    qni_scanner *s = b->out;
    for (uint32_t state = 0; state < a->n_states; state++) {
        memcpy(s->table + (size_t)state * s->n_classes, a->table + (size_t)state * a->n_classes,
               a->n_classes * sizeof *s->table);
        s->table[(size_t)state * s->n_classes + a->n_classes] = (uint16_t)state;
    }
    build_loops(b);
    for (uint32_t first = 0; first < s->n_classes; first++) {
        for (uint32_t second = 0; second < s->n_classes; second++) {
            s->start[first * QNI_SCAN_CLASSES + second] = start_entry(b, first, second);
        }
    }
}

qn_status qni_scanner_build(const qni_automaton *automaton, qni_scanner *out, qn_error *err)
{
    *out = (qni_scanner){.automaton = *automaton, .n_classes = automaton->n_classes + 1};
    if (out->n_classes > QNI_SCAN_CLASSES) {
        return QN_OK;
    }
    size_t cells = (size_t)automaton->n_states * out->n_classes;
    out->table = qni_alloc_array(cells, sizeof *out->table);
    out->start = qni_calloc(QNI_SCAN_CLASSES * QNI_SCAN_CLASSES, sizeof *out->start);
    out->state_loop = qni_alloc(automaton->n_states);
    if (out->table == NULL || out->start == NULL || out->state_loop == NULL) {
        qni_scanner_end(out);
        return qni_fail_memory(err);
    }
    builder b = {.out = out, .a = automaton};
    build_tables(&b);
    out->wide = (qni_cpu_detect() & QNI_CPU_BIT(QNI_CPU_X86_AVX2)) != 0; // the results are the same
    return QN_OK;
}

void qni_scanner_end(qni_scanner *scanner)
{
    qni_free(scanner->table);
    qni_free(scanner->start);
    qni_free(scanner->state_loop);
    *scanner = (qni_scanner){0};
}

void qni_scan_end(qni_scan *scan)
{
    qni_free(scan->classes);
    qni_free(scan->loops);
    qni_free(scan->words);
    *scan = (qni_scan){0};
}

// ---- Classifying

typedef size_t ascii_fn(const qni_scanner *s, const unsigned char *text, size_t n, qni_scan *scan,
                        size_t at);

// Classifies ASCII characters from `at` on, up to the first other one at the latest.
static size_t classify_ascii(const qni_scanner *s, const unsigned char *text, size_t n,
                             qni_scan *scan, size_t at)
{
    for (; at < n && text[at] < 0x80; at++) {
        scan->classes[at] = s->ascii_class[text[at]];
        scan->loops[at] = s->ascii_loops[text[at]];
    }
    return at;
}

#if defined(__x86_64__)
// A table of 128 entries is eight shuffles, one for each upper half of a byte; a shuffle gives zero
// for indices with the top bit set, which adding 0x70 with saturation does to all other halves.
__attribute__((target("avx2"))) static size_t classify_ascii_avx2(const qni_scanner *s,
                                                                  const unsigned char *text,
                                                                  size_t n, qni_scan *scan,
                                                                  size_t at)
{
    const __m256i lift = _mm256_set1_epi8(0x70);
    while (n - at >= 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(text + at));
        if (_mm256_movemask_epi8(bytes) != 0) {
            break;
        }
        __m256i classes = _mm256_setzero_si256(), loops = classes;
        for (int half = 0; half < 8; half++) {
            __m256i index = _mm256_adds_epu8(
                _mm256_xor_si256(bytes, _mm256_set1_epi8((char)(half << 4))), lift);
            __m256i row = _mm256_broadcastsi128_si256(
                _mm_loadu_si128((const __m128i *)(const void *)(s->ascii_class + 16 * half)));
            classes = _mm256_or_si256(classes, _mm256_shuffle_epi8(row, index));
            row = _mm256_broadcastsi128_si256(
                _mm_loadu_si128((const __m128i *)(const void *)(s->ascii_loops + 16 * half)));
            loops = _mm256_or_si256(loops, _mm256_shuffle_epi8(row, index));
        }
        _mm256_storeu_si256((__m256i *)(void *)(scan->classes + at), classes);
        _mm256_storeu_si256((__m256i *)(void *)(scan->loops + at), loops);
        at += 32;
    }
    // up to the next other character, or a few
    size_t end = n - at < 32 ? n : at + 32;
    return classify_ascii(s, text, end, scan, at);
}
#endif

static void fill(qni_scan *scan, size_t at, size_t length, uint8_t class, uint8_t later,
                 uint8_t loops)
{
    scan->classes[at] = class;
    scan->loops[at] = loops;
    for (size_t i = at + 1; i < at + length; i++) {
        scan->classes[i] = later;
        scan->loops[i] = loops;
    }
}

// Classifies text[0, n), which ends with a character, and sets what stands behind it.
static void classify(const qni_scanner *s, const unsigned char *text, size_t n, qni_scan *scan)
{
    const uint8_t later = (uint8_t)s->automaton.n_classes;
    ascii_fn *ascii = classify_ascii;
#if defined(__x86_64__)
    ascii = s->wide ? classify_ascii_avx2 : ascii;
#endif
    for (size_t at = 0; at < n;) {
        if (text[at] < 0x80) {
            at = ascii(s, text, n, scan, at);
            continue;
        }
        size_t length;
        uint8_t class = (uint8_t)qni_automaton_class(&s->automaton, text + at, &length);
        fill(scan, at, length, class, later, s->loops_of_class[class]);
        at += length;
    }
    memset(scan->classes + n, (int)s->automaton.n_classes - 1, QNI_SCAN_PADDING);
    memset(scan->loops + n, 0, QNI_SCAN_PADDING);
}

// ---- Cutting

// The first byte at or behind `at` that is not in the loop; loop k is bit 7 - k. Behind the window
// no byte is in one.
static inline size_t leave_loop(const uint8_t *loops, uint32_t number, size_t at)
{
#if defined(__x86_64__)
    const __m128i up = _mm_cvtsi32_si128((int)number);
    for (;;) {
        __m128i some = _mm_loadu_si128((const __m128i *)(const void *)(loops + at));
        unsigned outside = ~(unsigned)_mm_movemask_epi8(_mm_sll_epi16(some, up)) & 0xFFFF;
        if (outside != 0) {
            return at + (size_t)__builtin_ctz(outside);
        }
        at += 16;
    }
#else
    while ((loops[at] << number & 0x80) != 0) {
        at++;
    }
    return at;
#endif
}

// Goes on from `state` at `at`, with the last end of a match seen so far. *reached is the first
// byte not looked at.
static size_t go_on(const qni_scanner *s, const qni_scan *scan, uint32_t state, size_t at,
                    size_t end, size_t *reached)
{
    const uint8_t later = (uint8_t)(s->n_classes - 1);
    while (state != QNI_AUTOMATON_DEAD) {
        uint8_t loop = s->state_loop[state];
        if (loop != LOOP_NONE) {
            size_t left = leave_loop(scan->loops, loop & LOOP_NUMBER, at);
            if (left > at && (loop & LOOP_MATCHES) != 0) {
                // the match ends before the last character of the loop, unless that began earlier
                size_t last = left - 1;
                while (last > at && scan->classes[last] == later) {
                    last--;
                }
                end = scan->classes[last] != later ? last : end;
            }
            at = left;
        }
        uint32_t entry = s->table[state * s->n_classes + scan->classes[at]];
        end = (entry & QNI_AUTOMATON_MATCH) != 0 ? at : end;
        state = entry & ~(uint32_t)QNI_AUTOMATON_MATCH;
        at++;
    }
    *reached = at;
    return end;
}

// The end of the match at `from`; `from` when there is none.
static inline size_t match(const qni_scanner *s, const qni_scan *scan, size_t from, size_t *reached)
{
    uint32_t start =
        s->start[(uint32_t)scan->classes[from] * QNI_SCAN_CLASSES + scan->classes[from + 1]];
    if ((start & START_LOOP) != 0) {
        // The number 0 is written out: then nothing of the search waits for the entry.
        uint32_t number = start >> START_NUMBER_SHIFT & 7;
        size_t end = number == 0 ? leave_loop(scan->loops, 0, from + 2)
                                 : leave_loop(scan->loops, number, from + 2);
        *reached = end + 1;
        return end;
    }
    *reached = from + 2;
    size_t end = from + (start & START_ONE);
    uint32_t state = start >> START_STATE_SHIFT;
    return state == QNI_AUTOMATON_DEAD ? end : go_on(s, scan, state, from + 2, end, reached);
}

// Cuts the window of n bytes; the rest of the text is behind it when `more`. Returns where it
// stopped: a piece that looked behind the window's end is not certain.
static size_t cut(const qni_scanner *s, qni_scan *scan, size_t n, bool more)
{
    const uint8_t later = (uint8_t)(s->n_classes - 1);
    qni_word_place *words = scan->words;
    size_t at = 0, gap = 0; // what lies between `gap` and `at` has no match
    size_t n_words = 0;
    while (at < n) {
        size_t reached, end = match(s, scan, at, &reached);
        if (more && reached > n) {
            break;
        }
        if (end > at) {
            if (gap < at) {
                words[n_words++] = (qni_word_place){(uint32_t)gap, (uint32_t)at};
            }
            words[n_words++] = (qni_word_place){(uint32_t)at, (uint32_t)end};
            at = gap = end;
            continue;
        }
        do {
            at++;
        } while (at < n && scan->classes[at] == later);
    }
    if (gap < at && !more) {
        words[n_words++] = (qni_word_place){(uint32_t)gap, (uint32_t)at};
        gap = at;
    }
    scan->n_words = n_words;
    return gap;
}

static qn_status reserve(qni_scan *scan, size_t n, qn_error *err)
{
    if (n <= scan->capacity) {
        return QN_OK;
    }
    qni_scan_end(scan);
    scan->classes = qni_alloc(n + QNI_SCAN_PADDING);
    scan->loops = qni_alloc(n + QNI_SCAN_PADDING);
    scan->words = qni_alloc_array(n + 1, sizeof *scan->words);
    if (scan->classes == NULL || scan->loops == NULL || scan->words == NULL) {
        return qni_fail_memory(err);
    }
    scan->capacity = n;
    return QN_OK;
}

qn_status qni_scanner_cut(const qni_scanner *s, const char *text, size_t n, qni_scan *scan,
                          size_t *done, qn_error *err)
{
    *done = 0;
    scan->n_words = 0;
    for (size_t window = QNI_SCAN_WINDOW; n > 0 && *done == 0; window *= 4) {
        size_t size = n;
        if (n > window) {
            size = window;
            while (((unsigned char)text[size] & 0xC0) == 0x80) {
                size--;
            }
        }
        QNI_TRY(reserve(scan, size, err));
        classify(s, (const unsigned char *)text, size, scan);
        *done = cut(s, scan, size, size < n);
    }
    return QN_OK;
}
