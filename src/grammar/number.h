// Sets of numbers, exactly, and which beginnings of a number's text can still end inside one.
//
// A set is a union of pieces; a piece is an interval, perhaps on a lattice (`multipleOf`), without
// some sub-lattices. Numbers are decimals of any length, so 0.1 is 0.1 and 1e400 is no infinity.
#ifndef QNI_GRAMMAR_NUMBER_H
#define QNI_GRAMMAR_NUMBER_H

#include "base/arena.h"
#include "grammar/account.h"

// 0.d1d2d3... times ten to the `point`. No zero at either end of the digits; zero has none.
typedef struct qni_decimal {
    const uint8_t *digits;
    uint32_t n;
    int32_t point;
    bool negative;
} qni_decimal;

// Reads JSON's form of a number. `room` holds `size` digits and lives as long as `*out`. False when
// the exponent is past QNI_MAX_NUMBER_EXPONENT (the text is otherwise taken to be well formed).
bool qni_decimal_read(const char *text, size_t size, uint8_t *room, qni_decimal *out);
int qni_decimal_compare(const qni_decimal *a, const qni_decimal *b);

// unit * 10^exponent; the unit does not end in 0.
typedef struct qni_number_step {
    uint64_t unit; // 0: none
    int32_t exponent;
} qni_number_step;

enum { QNI_NUMBER_MAX_DENIED = 6 };

typedef struct qni_number_piece {
    qni_decimal low, high;
    bool has_low, has_high, low_open, high_open;
    qni_number_step step;                          // all are its multiples
    qni_number_step denied[QNI_NUMBER_MAX_DENIED]; // none is a multiple of these
    uint32_t n_denied;
} qni_number_piece;

typedef struct qni_number_set {
    qni_number_piece *pieces;
    size_t n;
} qni_number_set;

// Builders keep their results in the arena. False when the account failed.
typedef struct qni_numbers {
    qni_arena *arena;
    qni_account *account;
} qni_numbers;

bool qni_number_all(qni_numbers *numbers, qni_number_set *out);
bool qni_number_at_least(qni_numbers *numbers, const qni_decimal *bound, qni_number_set *out);
bool qni_number_at_most(qni_numbers *numbers, const qni_decimal *bound, qni_number_set *out);
bool qni_number_multiple_of(qni_numbers *numbers, const qni_decimal *step, qni_number_set *out);
bool qni_number_and(qni_numbers *numbers, const qni_number_set *a, const qni_number_set *b,
                    qni_number_set *out);
bool qni_number_or(qni_numbers *numbers, const qni_number_set *a, const qni_number_set *b,
                   qni_number_set *out);
bool qni_number_not(qni_numbers *numbers, const qni_number_set *a, qni_number_set *out);

// The text of a number so far, in the grammar of JSON.
typedef enum qni_number_phase {
    QNI_NUMBER_SIGN, // after '-'
    QNI_NUMBER_ZERO, // after a leading 0
    QNI_NUMBER_INTEGER,
    QNI_NUMBER_POINT, // after '.'
    QNI_NUMBER_FRACTION,
    QNI_NUMBER_E, // after 'e'
    QNI_NUMBER_E_SIGN,
    QNI_NUMBER_E_DIGITS,
} qni_number_phase;

// The phase after one more byte; false when the byte cannot follow.
bool qni_number_next_phase(qni_number_phase phase, unsigned byte, qni_number_phase *next);
bool qni_number_phase_is_final(qni_number_phase phase);

bool qni_number_has(const qni_number_set *set, const qni_decimal *value);

// Whether some continuation of `text` is a number of the set. `phase` is that of the text.
bool qni_number_live(const qni_number_set *set, const char *text, size_t size,
                     qni_number_phase phase);

bool qni_number_is_empty(const qni_number_set *set);

// How many numbers the set has, up to `limit`.
size_t qni_number_count(const qni_number_set *set, size_t limit);

#endif
