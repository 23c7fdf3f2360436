// The steps of a scanner (scanner.h) that go over many characters at once, in each way that some
// processor has for them. All ways give the same.
#ifndef QNI_TEXT_SCAN_WAYS_H
#define QNI_TEXT_SCAN_WAYS_H

#include "text/borders.h"

// Bytes [begin, end) of a text.
typedef struct qni_word_place {
    uint32_t begin, end;
} qni_word_place;

// 64 places: whether a piece begins there, and whether that is unsure.
typedef struct qni_scan_borders {
    uint64_t certain, unsure;
} qni_scan_borders;

enum {
    QNI_SCAN_PADDING = 64, // entries of each array behind those that count that may be written
    QNI_SCAN_WAYS = 3
};

typedef struct qni_scan_way {
    // Classifies the ASCII characters of text[0, n) from `at` on, up to the first other one: writes
    // the class of each, by a table of 128, and where it stands. Returns how many there are.
    size_t (*read_ascii)(const uint8_t *table, const unsigned char *text, size_t n, size_t at,
                         uint8_t *classes, uint32_t *places);
    // The same for characters of two bytes or of three, whichever stands at `at`, by the
    // automaton's pages.
    size_t (*read_wide)(const qni_automaton *a, size_t width, const unsigned char *text, size_t n,
                        size_t at, uint8_t *classes, uint32_t *places);
    // The borders before 64 characters; QNI_BORDER_BEFORE classes before the first of them and one
    // behind the last are read, too.
    qni_scan_borders (*find_borders)(const qni_borders *rules, const uint8_t *classes);
    // Ends the word and begins the next one at the place of each bit. Returns the last word begun.
    qni_word_place *(*add_borders)(qni_word_place *word, const uint32_t *places, uint64_t bits);
} qni_scan_way;

// Each faster than those before it.
extern const qni_scan_way qni_scan_ways[QNI_SCAN_WAYS];

// How many of them this processor can go, at least one.
uint32_t qni_scan_ways_here(void);

#endif
