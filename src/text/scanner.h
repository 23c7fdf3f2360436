// An automaton made fast: cutting a text into the matches of its pattern, a window at a time.
//
// The window is classified first: a byte for each of its characters, and the place where it begins.
// Then all borders are told at once from the classes around them (borders.h), many places at a
// time; where that is unsure, the automaton runs from the border before.
#ifndef QNI_TEXT_SCANNER_H
#define QNI_TEXT_SCANNER_H

#include "text/scan_ways.h"

enum { QNI_SCAN_WINDOW = 4096 };

typedef struct qni_scanner {
    qni_automaton automaton; // borrows the memory of the one that it was built from
    qni_borders borders;
    uint32_t way; // of qni_scan_ways
} qni_scanner;

QNI_WARN_UNUSED qn_status qni_scanner_build(const qni_automaton *automaton, qni_scanner *out,
                                            qn_error *err);

// Gives a scanner whose borders are there already its automaton, which is to be the one that they
// were built from.
void qni_scanner_attach(qni_scanner *scanner, const qni_automaton *automaton);

// False when the automaton is not one for this.
static inline bool qni_scanner_is_ready(const qni_scanner *scanner)
{
    return scanner->borders.n_planes > 0;
}

// A window and the pieces in it; pooled and reused. All zero is empty.
typedef struct qni_scan {
    uint8_t *memory;  // of the classes and what stands around them
    uint32_t *places; // the first byte of each character, and the end
    size_t capacity;
    qni_word_place *words; // room for as many as the window has bytes
    size_t n_words;
} qni_scan;

void qni_scan_end(qni_scan *scan);

// Cuts a beginning of text[0, n) (valid UTF-8) into pieces that lie end to end: matches, and what
// stands between them, in scan->words. *done is the end of the last of them: all of the text, or as
// much of it as a window holds; then the rest can be cut by itself.
QNI_WARN_UNUSED qn_status qni_scanner_cut(const qni_scanner *scanner, const char *text, size_t n,
                                          qni_scan *scan, size_t *done, qn_error *err);

#endif
