// Sets of Unicode code points, as regular expressions and normalizers name them.
//
// A set is an inversion list: rising code points at which membership flips, outside first. {0x41,
// 0x5B} is A to Z; {0} is everything; {} is nothing. Surrogates are never met in text, so they may
// be on either side.
#ifndef QNI_TEXT_CHARSET_H
#define QNI_TEXT_CHARSET_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct qni_charset {
    uint32_t *flips;
    size_t n, capacity;
} qni_charset;

enum { QNI_CODE_POINTS = 0x110000 };

void qni_charset_end(qni_charset *set); // all zero is the empty set and needs no end

// Adds [first, last], both included.
QNI_WARN_UNUSED qn_status qni_charset_add(qni_charset *set, uint32_t first, uint32_t last,
                                          qn_error *err);

typedef enum qni_charset_op { QNI_UNION, QNI_INTERSECTION, QNI_DIFFERENCE } qni_charset_op;

// *set = *set op other.
QNI_WARN_UNUSED qn_status qni_charset_combine(qni_charset *set, qni_charset_op op,
                                              const qni_charset *other, qn_error *err);

QNI_WARN_UNUSED qn_status qni_charset_invert(qni_charset *set, qn_error *err);

// Adds every code point whose simple case folding equals that of a member.
QNI_WARN_UNUSED qn_status qni_charset_fold_case(qni_charset *set, qn_error *err);

bool qni_charset_has(const qni_charset *set, uint32_t code);
bool qni_charset_meets(const qni_charset *a, const qni_charset *b);       // have a member in common
bool qni_charset_covers(const qni_charset *set, const qni_charset *part); // holds all of `part`
bool qni_charset_equal(const qni_charset *a, const qni_charset *b);

// Adds the members of a property by its name inside \p{}: a general category ("L", "Lu", "Letter"),
// "Any", or a script or property that the regular-expression library knows ("Han", "Greek").
// Unknown names are QN_UNSUPPORTED.
QNI_WARN_UNUSED qn_status qni_charset_add_property(qni_charset *set, const char *name, size_t n,
                                                   qn_error *err);

// Adds the members of a POSIX class by its name inside [: :], as Oniguruma has them in Unicode:
// "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
// "space", "upper", "word" or "xdigit". Others are QN_UNSUPPORTED.
QNI_WARN_UNUSED qn_status qni_charset_add_posix(qni_charset *set, const char *name, size_t n,
                                                qn_error *err);

// The Perl classes, by their letter: 'd', 's' or 'w'.
QNI_WARN_UNUSED qn_status qni_charset_add_perl(qni_charset *set, char letter, qn_error *err);

#endif
