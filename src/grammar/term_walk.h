// Walks of a vocabulary by the term of a JSON string alone, outside of escapes: which tokens stay
// inside it, and which close it.
//
// A term often takes any text of most characters (qni_term_loop), so a walk takes whole subtrees by
// the groups of characters that occur in them, and visits those where it matters.
#ifndef QNI_GRAMMAR_TERM_WALK_H
#define QNI_GRAMMAR_TERM_WALK_H

#include "grammar/term.h"
#include "grammar/vocabulary.h"

// What a walk knows at a depth.
typedef struct qni_term_depth {
    qni_term state;     // what is left of the term
    qni_term wide;      // and of a wider one
    uint64_t way;       // the groups of characters on the way here
    uint32_t next, end; // the nodes to look at
} qni_term_depth;

typedef struct qni_term_walk {
    qni_terms *terms;
    const qni_vocabulary *vocabulary;
    qni_term_depth *depths; // room for QNI_MAX_MASKED_TOKEN_BYTES + 2
    uint32_t *mask;         // what is set and cleared
} qni_term_walk;

// Sets the tokens without an escape that stay inside from `start` on. The mask is empty before.
void qni_term_walk_inside(const qni_term_walk *w, qni_term start);

// Takes the tokens that stay inside back where a narrower language ends earlier: `near` and `far`
// are its state and that of a wider one that is set, alike for texts of up to `safe` bytes.
void qni_term_walk_narrow(const qni_term_walk *w, qni_term near, qni_term far, uint32_t safe);

// Sets the tokens whose text before the quote, without an escape, is in the language and whose
// tail is marked in `tails` (a bit each).
void qni_term_walk_closing(const qni_term_walk *w, qni_term start, const uint32_t *tails);

#endif
