// What number.c and number_prefix.c share about the pieces of a set.
#ifndef QNI_GRAMMAR_NUMBER_PIECE_H
#define QNI_GRAMMAR_NUMBER_PIECE_H

#include "grammar/number.h"

typedef unsigned __int128 qni_wide;

// The part of a piece on one side of zero, as magnitudes: 0 < x. Without a bound of its own, low is
// zero and open.
typedef struct qni_number_side {
    qni_decimal low, high;
    bool low_open, has_high, high_open;
    bool empty; // by its bounds alone
} qni_number_side;

qni_number_side qni_number_side_of(const qni_number_piece *p, bool negative);
bool qni_number_side_is_empty(const qni_number_piece *p, const qni_number_side *s);
bool qni_number_piece_has(const qni_number_piece *p, const qni_decimal *x);

// Is a multiple of the piece's step in [low, high] (open ends as said), none of the denied? `high`
// NULL is infinite.
bool qni_number_lattice_meets(const qni_number_piece *p, const qni_decimal *low, bool low_open,
                              const qni_decimal *high, bool high_open);
bool qni_number_point_denied(const qni_number_piece *p, const qni_decimal *x);

// The least t >= 0 with unit | digits * 10^t; -1 when there is none.
int qni_number_zeros_needed(const qni_decimal *x, uint64_t unit);

int qni_decimal_compare_magnitudes(const qni_decimal *a, const qni_decimal *b);

#endif
