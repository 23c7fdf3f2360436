#include "text/scanner.h"

#include "base/alloc.h"
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
    scanner->way = qni_scan_ways_here() - 1;
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

static inline const qni_scan_way *way_of(const window *w)
{
    return &qni_scan_ways[w->s->way];
}

// ---- Classifying

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

// Classifies all of the text, and sets what stands around it. What the loop goes by is kept in
// locals, which no store of a class can change.
static void classify(window *w, const unsigned char *text, size_t n)
{
    const qni_automaton *a = &w->s->automaton;
    const uint8_t *of_ascii = a->ascii;
    uint8_t *classes = w->classes;
    uint32_t *places = w->places;
    const qni_scan_way *way = way_of(w);
    size_t k = 0;
    for (size_t at = 0; at < n;) {
        size_t few = count_few(text + at, n - at);
        if (few == FEW) {
            size_t read = way->read_ascii(of_ascii, text, n, at, classes + k, places + k);
            at += read;
            k += read;
            continue;
        }
        for (size_t stop = at + few; at < stop; at++, k++) {
            classes[k] = of_ascii[text[at]];
            places[k] = (uint32_t)at;
        }
        if (at == n || text[at] < 0x80) {
            continue;
        }
        size_t width = text[at] < 0xE0 ? 2 : 3;
        if (text[at] < 0xF0 && n - at > width && text[at + width] >= 0x80) { // not alone
            size_t read = way->read_wide(a, width, text, n, at, classes + k, places + k);
            at += width * read;
            k += read;
            continue;
        }
        classes[k] = qni_automaton_class(a, text + at, &width);
        places[k++] = (uint32_t)at;
        at += width;
    }
    w->n = k;
    w->places[w->n] = (uint32_t)n;
    int end = (int)a->n_classes - 1;
    memset(w->classes - QNI_SCAN_PADDING, end, QNI_SCAN_PADDING);
    memset(w->classes + w->n, end, QNI_SCAN_PADDING);
}

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

// Runs the automaton from character `at` on, and sets *end where a match ends. False when it would
// have to look behind the window, where it goes on from *state.
static bool run(const window *w, size_t at, uint32_t *state, size_t *end)
{
    const qni_automaton *a = &w->s->automaton;
    while (*state != QNI_AUTOMATON_DEAD) {
        if (at >= w->n && w->more) {
            return false;
        }
        const uint16_t *entries = a->table + (size_t)*state * a->n_classes;
        uint32_t entry = entries[w->classes[at]];
        uint32_t next = entry & ~(uint32_t)QNI_AUTOMATON_MATCH;
        size_t last = at; // that is read in the same way: what the state stays on, runs at first
        if (next == *state && at < w->n) {
            last = end_of_run(w->classes, at) - 1;
            while (last + 1 < w->n && entries[w->classes[last + 1]] == entry) {
                last++;
            }
        }
        *end = (entry & QNI_AUTOMATON_MATCH) != 0 ? last : *end;
        *state = next;
        at = last + 1;
    }
    return true;
}

// The automaton's own match from `from`; false when it would have to look behind the window.
static bool match(const window *w, size_t from, size_t *end)
{
    uint32_t state = QNI_AUTOMATON_START;
    *end = from;
    return run(w, from, &state, end);
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
    if (bits == 0) {
        return;
    }
    qni_word_place *last = way_of(w)->add_borders(w->words + w->n_words, w->places + base, bits);
    w->n_words = (size_t)(last - w->words);
    w->last = base + 63 - (size_t)__builtin_clzll(bits);
}

// Those of the bits of 64 places that are behind the last border.
static inline uint64_t behind_last(const window *w, size_t base, uint64_t bits)
{
    return w->last < base        ? bits
           : w->last - base < 63 ? bits & ~(uint64_t)1 << (w->last - base)
                                 : 0;
}

// Cuts at the borders among 64 places. False when the window is too short.
static bool cut_places(window *w, size_t base, qni_scan_borders found)
{
    for (;;) {
        uint64_t certain = behind_last(w, base, found.certain);
        uint64_t unsure = behind_last(w, base, found.unsure);
        if (unsure == 0) {
            add_borders(w, base, certain);
            return true;
        }
        add_borders(w, base, certain & ((unsure & -unsure) - 1));
        if (!cut_to(w, base + (size_t)__builtin_ctzll(unsure))) {
            return false;
        }
    }
}

// Cuts the window. All borders are certain; with more behind it, what follows the last one is not
// cut yet.
static void cut(window *w)
{
    // behind the last place that sees its window of classes
    size_t end = w->more ? w->n - 1 : w->n;
    for (size_t base = 0; base < end; base += 64) {
        qni_scan_borders found = way_of(w)->find_borders(&w->s->borders, w->classes + base);
        uint64_t here = end - base < 64 ? ((uint64_t)1 << (end - base)) - 1 : UINT64_MAX;
        if (!cut_places(w, base, (qni_scan_borders){found.certain & here, found.unsure & here})) {
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
    scan->words = qni_alloc_array(n + QNI_SCAN_PADDING, sizeof *scan->words);
    if (scan->memory == NULL || scan->places == NULL || scan->words == NULL) {
        return qni_fail_memory(err);
    }
    scan->capacity = n;
    return QN_OK;
}

// A window at the beginning of text[0, n), of up to `most` bytes, classified.
static qn_status open_window(const qni_scanner *s, const char *text, size_t n, size_t most,
                             qni_scan *scan, window *out, qn_error *err)
{
    size_t size = n;
    if (n > most) {
        size = most;
        while (((unsigned char)text[size] & 0xC0) == 0x80) {
            size--;
        }
    }
    QNI_TRY(reserve(scan, size, err));
    *out = (window){.s = s,
                    .classes = scan->memory + QNI_SCAN_PADDING,
                    .places = scan->places,
                    .more = size < n,
                    .words = scan->words};
    classify(out, (const unsigned char *)text, size);
    return QN_OK;
}

// Cuts a window and gives the end of its last piece that is certain.
static size_t cut_window(window *w, qni_scan *scan)
{
    w->words[0].begin = 0;
    cut(w);
    if (!w->more) {
        w->words[w->n_words++].end = w->places[w->n];
    }
    scan->n_words = w->n_words;
    return w->n_words > 0 ? w->words[w->n_words - 1].end : 0;
}

// A match that begins with the text, however long, window by window; its end, 0 when there is none.
static qn_status match_far(const qni_scanner *s, const char *text, size_t n, qni_scan *scan,
                           size_t *end, qn_error *err)
{
    uint32_t state = QNI_AUTOMATON_START;
    *end = 0;
    window w;
    for (size_t at = 0;; at += w.places[w.n]) {
        size_t here = SIZE_MAX;
        QNI_TRY(open_window(s, text + at, n - at, QNI_SCAN_WINDOW, scan, &w, err));
        bool over = run(&w, 0, &state, &here);
        *end = here != SIZE_MAX ? at + w.places[here] : *end;
        if (over) {
            return QN_OK;
        }
    }
}

qn_status qni_scanner_cut(const qni_scanner *s, const char *text, size_t n, qni_scan *scan,
                          size_t *done, qn_error *err)
{
    window w;
    *done = 0;
    scan->n_words = 0;
    if (n == 0) {
        return QN_OK;
    }
    QNI_TRY(open_window(s, text, n, QNI_SCAN_WINDOW, scan, &w, err));
    *done = cut_window(&w, scan);
    if (*done == 0) {
        QNI_TRY(match_far(s, text, n, scan, done, err));
        scan->words[0] = (qni_word_place){0, (uint32_t)*done};
        scan->n_words = *done > 0;
    }
    for (size_t most = 4 * QNI_SCAN_WINDOW; *done == 0; most *= 4) { // a gap
        QNI_TRY(open_window(s, text, n, most, scan, &w, err));
        *done = cut_window(&w, scan);
    }
    return QN_OK;
}
