// Where a pattern cuts, told from a few characters on both sides.
//
// For the patterns that tokenizers use, nearly every border between two matches can be seen from
// the three characters before it and the two behind it. Here this is worked out for any automaton:
// which of these windows have a border in their middle whatever else the text holds, which never
// have one, and which are unsure. Both the windows with a border and the unsure ones are written as
// unions of boxes, one set of classes for each of the five characters, so that a place is decided
// by five table rows, one for each character's class:
//
//     rows[0][v] & rows[1][w] & rows[2][x] & rows[3][y] & rows[4][z]
//
// has a bit for each box that the window lies in. Unsure places are left to the automaton.
//
// How the windows are worked out: run the pattern over a text and guess at each place where a match
// may end whether this one is its end. A guess "it ends here" leaves a promise behind, that the
// automaton, going on from there, finds no later end; a guess "it goes on" has to come to a later
// one. Wrong guesses come to nothing, for any text at its end at the latest. So a border is
// possible in a window when some guesses put one there and could still come true; if no guess does
// without it, it is certain.
#ifndef QNI_TEXT_BORDERS_H
#define QNI_TEXT_BORDERS_H

#include "text/automaton.h"

enum {
    QNI_BORDER_BEFORE = 3, // characters of a window that stand before its middle
    QNI_BORDER_WINDOW = 5,
    QNI_BORDER_CLASSES = 32,
    QNI_BORDER_PLANES = 16, // of eight boxes each
};

typedef struct qni_borders {
    // bytes of eight boxes: those with a border first, then the unsure ones
    uint8_t planes[QNI_BORDER_PLANES][QNI_BORDER_WINDOW][QNI_BORDER_CLASSES];
    uint32_t n_planes;  // 0: not ready
    uint32_t n_certain; // of them; the rest is unsure
    uint32_t
        n_classes; // the automaton's; before the text's beginning its last, the end, stands too
} qni_borders;

// Leaves n_planes 0 when the automaton is too large or too many boxes would be needed.
QNI_WARN_UNUSED qn_status qni_borders_build(const qni_automaton *automaton, qni_borders *out,
                                            qn_error *err);

#endif
