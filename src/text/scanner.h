// An automaton made fast: cutting a text into the matches of its pattern, a window at a time.
//
// The window is classified first: each byte gets the class of its character, and the set of loops
// that the character stays in. A loop is what a state repeats on: the letters of a word, the spaces
// between two. Cutting then jumps: one look at a match's first two bytes says which loop follows,
// sixteen bytes at a time are looked at for its end, and for most words that end is the match's.
//
// The bytes of a character behind its first have a class of their own, on which every state stays,
// and their first byte's loops.
#ifndef QNI_TEXT_SCANNER_H
#define QNI_TEXT_SCANNER_H

#include "text/automaton.h"

enum {
    QNI_SCAN_CLASSES = 64, // at most, those of the end and of a character's later bytes included
    QNI_SCAN_LOOPS = 8,
    QNI_SCAN_WINDOW = 4096,
    QNI_SCAN_PADDING = 64 // readable bytes behind a window's classes and loops
};

typedef struct qni_scanner {
    qni_automaton automaton; // borrows the memory of the one that it was built from
    uint8_t loops_of_class[QNI_SCAN_CLASSES];
    uint8_t ascii_class[128], ascii_loops[128];
    uint32_t n_classes; // row length of the tables
    uint16_t *table;    // as the automaton's, with the class of later bytes
    uint32_t *start;    // by a match's first two classes, see scanner.c
    uint8_t *state_loop;
    bool wide; // the processor has AVX2
} qni_scanner;

// NULL tables, and false from qni_scanner_is_ready, when the automaton has too many classes.
QNI_WARN_UNUSED qn_status qni_scanner_build(const qni_automaton *automaton, qni_scanner *out,
                                            qn_error *err);
void qni_scanner_end(qni_scanner *scanner);

static inline bool qni_scanner_is_ready(const qni_scanner *scanner)
{
    return scanner->table != NULL;
}

// Bytes [begin, end) of a text.
typedef struct qni_word_place {
    uint32_t begin, end;
} qni_word_place;

// A window and the pieces in it; pooled and reused. All zero is empty.
typedef struct qni_scan {
    uint8_t *classes, *loops;
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
