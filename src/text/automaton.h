// A regular expression compiled to a table: one step a character, with the matches that a
// backtracking engine would find (the leftmost, and among those the first alternative that fits).
//
// Characters fall into classes that no set of the pattern tells apart. A state is an ordered list
// of threads, so that priority is kept, and an entry says where a class leads and whether a match
// ends before that character:
//
//   entry = next state | QNI_AUTOMATON_MATCH, at table[state * n_classes + class]
//
// The end of the text is a class of its own, which is how looking one character ahead costs
// nothing.
#ifndef QNI_TEXT_AUTOMATON_H
#define QNI_TEXT_AUTOMATON_H

#include "base/utf8.h"
#include "text/regex.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QNI_AUTOMATON_MATCH = 0x8000,
    QNI_AUTOMATON_DEAD = 0,
    QNI_AUTOMATON_START = 1,
    // Of all code points. A page is what one first byte of three leads to.
    QNI_AUTOMATON_PAGE_BITS = 12,
    QNI_AUTOMATON_PAGE = 1 << QNI_AUTOMATON_PAGE_BITS,
    QNI_AUTOMATON_PAGES = 272
};

typedef struct qni_automaton {
    uint16_t *table; // n_states rows of n_classes entries
    uint32_t n_states;
    uint32_t n_classes; // the end of the text is the last
    uint8_t ascii[128]; // class of an ASCII character
    // Classes of the others: pages say which block of QNI_AUTOMATON_PAGE of them holds theirs.
    // Pages alike share one, and the first 16 are in the first 16 blocks.
    uint8_t *blocks;
    uint16_t *pages; // QNI_AUTOMATON_PAGES of them
    uint32_t n_blocks;
} qni_automaton;

// QN_UNSUPPORTED when the pattern is not one for a table: too many states, or a possessive
// repetition that is not the same as a greedy one.
QNI_WARN_UNUSED qn_status qni_automaton_build(const qni_regex *regex, qni_automaton *out,
                                              qn_error *err);
void qni_automaton_end(qni_automaton *automaton);

// The end of the match that begins at `from`; `from` itself when there is none, or an empty one.
// The text is valid UTF-8 and from <= n.
size_t qni_automaton_match(const qni_automaton *automaton, const char *text, size_t n, size_t from);

// The class of the character at `text` (valid UTF-8), whose length goes to *length.
static inline uint8_t qni_automaton_class(const qni_automaton *a, const unsigned char *text,
                                          size_t *length)
{
    if (text[0] < 0x80) {
        *length = 1;
        return a->ascii[text[0]];
    }
    uint32_t code = qni_utf8_read((const char *)text, length);
    size_t block = a->pages[code >> QNI_AUTOMATON_PAGE_BITS];
    return a->blocks[block * QNI_AUTOMATON_PAGE + code % QNI_AUTOMATON_PAGE];
}

#endif
