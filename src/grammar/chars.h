// Sets of code points as sorted ranges, and their terms.
#ifndef QNI_GRAMMAR_CHARS_H
#define QNI_GRAMMAR_CHARS_H

#include "grammar/term.h"

typedef struct qni_char_range {
    uint32_t first, last; // both inside
} qni_char_range;

// All zero is the empty set. Surrogates are never members.
typedef struct qni_chars {
    qni_char_range *ranges; // sorted and apart once normalized
    size_t n;
    size_t capacity;
} qni_chars;

void qni_chars_end(qni_chars *set);
bool qni_chars_add(qni_chars *set, uint32_t first, uint32_t last, qni_account *account);
bool qni_chars_add_set(qni_chars *set, const qni_chars *other, qni_account *account);
void qni_chars_normalize(qni_chars *set);

// The complement among all scalar values; normalizes.
bool qni_chars_invert(qni_chars *set, qni_account *account);

// Adds the other cases of letters, as Unicode's simple folding has them.
bool qni_chars_fold_case(qni_chars *set, qni_account *account);

// Adds the code points of a Unicode general category, by its short or long name ("Lu", "Letter").
// False with `*known` unset when the name is not one.
bool qni_chars_add_category(qni_chars *set, const char *name, size_t n, bool *known,
                            qni_account *account);

// One character of the set; normalizes.
qni_term qni_chars_term(qni_chars *set, qni_terms *terms);

#endif
