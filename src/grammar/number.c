#include "grammar/number_piece.h"

#include "base/limits.h"

#include <string.h>

#define WIDE_LIMIT ((qni_wide)1 << 126) // quotients past it are only known to be large

bool qni_decimal_read(const char *text, size_t size, uint8_t *room, qni_decimal *out)
{
    *out = (qni_decimal){.digits = room};
    size_t i = 0;
    if (i < size && text[i] == '-') {
        out->negative = true;
        i++;
    }
    uint32_t n = 0;
    int64_t point = 0;
    bool fraction = false;
    for (; i < size && (text[i] == '.' || (text[i] >= '0' && text[i] <= '9')); i++) {
        if (text[i] == '.') {
            fraction = true;
            continue;
        }
        if (n > 0 || text[i] != '0') {
            room[n++] = (uint8_t)(text[i] - '0');
            point += !fraction;
        } else {
            point -= fraction;
        }
    }
    int64_t exponent = 0;
    if (i < size) { // e, sign, digits
        i++;
        bool minus = i < size && text[i] == '-';
        i += i < size && (text[i] == '-' || text[i] == '+');
        for (; i < size; i++) {
            exponent = exponent * 10 + (text[i] - '0');
            if (exponent > QNI_MAX_NUMBER_EXPONENT) {
                return false;
            }
        }
        exponent = minus ? -exponent : exponent;
    }
    while (n > 0 && room[n - 1] == 0) {
        n--;
    }
    out->n = n;
    out->point = n == 0 ? 0 : (int32_t)(point + exponent);
    out->negative = out->negative && n > 0;
    return true;
}

int qni_decimal_compare_magnitudes(const qni_decimal *a, const qni_decimal *b)
{
    if (a->n == 0 || b->n == 0) {
        return (a->n > 0) - (b->n > 0);
    }
    if (a->point != b->point) {
        return a->point < b->point ? -1 : 1;
    }
    uint32_t n = a->n < b->n ? a->n : b->n;
    int order = memcmp(a->digits, b->digits, n);
    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

int qni_decimal_compare(const qni_decimal *a, const qni_decimal *b)
{
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    int order = qni_decimal_compare_magnitudes(a, b);
    return a->negative ? -order : order;
}

static qni_wide power_of_ten(uint32_t n)
{
    qni_wide p = 1;
    while (n-- > 0) {
        p *= 10;
    }
    return p;
}

// |x| / step, cut to an integer. `*exact` tells whether nothing was cut off. False when it is past
// WIDE_LIMIT.
static bool divide(const qni_decimal *x, qni_number_step step, qni_wide *quotient, bool *exact)
{
    *quotient = 0;
    *exact = true;
    if (x->n == 0) {
        return true;
    }
    // The digits one by one, as by hand, then the zeros behind them.
    int64_t zeros = (int64_t)x->point - x->n - step.exponent;
    qni_wide q = 0, rest = 0;
    int64_t kept = zeros < 0 ? (int64_t)x->n + zeros : x->n;
    for (int64_t i = 0; i < (int64_t)x->n; i++) {
        if (i >= kept) { // below the step's last digit
            *exact = false;
            break;
        }
        rest = rest * 10 + x->digits[i];
        q = q * 10 + rest / step.unit;
        rest %= step.unit;
        if (q > WIDE_LIMIT / 10) {
            return false;
        }
    }
    for (int64_t i = 0; i < zeros && (q != 0 || rest != 0); i++) {
        rest *= 10;
        q = q * 10 + rest / step.unit;
        rest %= step.unit;
        if (q > WIDE_LIMIT / 10) {
            return false;
        }
    }
    *exact = *exact && rest == 0;
    *quotient = q;
    return true;
}

// The least t >= 0 with unit | digits * 10^t; -1 when there is none.
int qni_number_zeros_needed(const qni_decimal *x, uint64_t unit)
{
    qni_wide rest = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        rest = (rest * 10 + x->digits[i]) % unit;
    }
    for (int t = 0; t <= 64; t++) {
        if (rest == 0) {
            return t;
        }
        rest = rest * 10 % unit;
    }
    return -1;
}

static bool is_multiple(const qni_decimal *x, qni_number_step step)
{
    if (x->n == 0) {
        return true;
    }
    int needed = qni_number_zeros_needed(x, step.unit);
    return needed >= 0 && (int64_t)x->point - x->n - step.exponent >= needed;
}

bool qni_number_piece_has(const qni_number_piece *p, const qni_decimal *x)
{
    if (p->has_low) {
        int order = qni_decimal_compare(x, &p->low);
        if (order < 0 || (order == 0 && p->low_open)) {
            return false;
        }
    }
    if (p->has_high) {
        int order = qni_decimal_compare(x, &p->high);
        if (order > 0 || (order == 0 && p->high_open)) {
            return false;
        }
    }
    if (p->step.unit != 0 && !is_multiple(x, p->step)) {
        return false;
    }
    for (uint32_t i = 0; i < p->n_denied; i++) {
        if (is_multiple(x, p->denied[i])) {
            return false;
        }
    }
    return true;
}

bool qni_number_has(const qni_number_set *set, const qni_decimal *value)
{
    for (size_t i = 0; i < set->n; i++) {
        if (qni_number_piece_has(&set->pieces[i], value)) {
            return true;
        }
    }
    return false;
}

static const qni_decimal zero = {0};

qni_number_side qni_number_side_of(const qni_number_piece *p, bool negative)
{
    qni_number_side s = {.low = zero, .low_open = true};
    const qni_decimal *near = negative ? &p->high : &p->low, *far = negative ? &p->low : &p->high;
    bool has_near = negative ? p->has_high : p->has_low;
    bool has_far = negative ? p->has_low : p->has_high;
    if (has_near && near->n > 0 && near->negative == negative) {
        s.low = *near;
        s.low.negative = false;
        s.low_open = negative ? p->high_open : p->low_open;
    }
    if (has_far) {
        s.empty = far->n == 0 || far->negative != negative;
        s.has_high = true;
        s.high = *far;
        s.high.negative = false;
        s.high_open = negative ? p->low_open : p->high_open;
    }
    if (!s.empty && s.has_high) {
        int order = qni_decimal_compare_magnitudes(&s.low, &s.high);
        s.empty = order > 0 || (order == 0 && (s.low_open || s.high_open));
    }
    return s;
}

static bool step_denied(const qni_number_piece *p, qni_wide n)
{
    // n * step, as a decimal.
    uint8_t digits[48], forward[48];
    uint32_t count = 0;
    qni_wide value = n;
    if (value > WIDE_LIMIT / p->step.unit) {
        return false;
    }
    value *= p->step.unit;
    for (; value != 0 && count < 48; value /= 10) {
        digits[count++] = (uint8_t)(value % 10);
    }
    qni_decimal x = {.digits = forward, .point = (int32_t)count + p->step.exponent};
    for (uint32_t i = 0; i < count; i++) {
        forward[i] = digits[count - 1 - i];
    }
    x.n = count;
    while (x.n > 0 && forward[x.n - 1] == 0) {
        x.n--;
    }
    for (uint32_t i = 0; i < p->n_denied; i++) {
        if (is_multiple(&x, p->denied[i])) {
            return true;
        }
    }
    return false;
}

// Is a multiple of the step in [low, high] (open ends as said), none of the denied? A bound of NULL
// is infinite.
bool qni_number_lattice_meets(const qni_number_piece *p, const qni_decimal *low, bool low_open,
                              const qni_decimal *high, bool high_open)
{
    qni_wide first, last;
    bool exact;
    if (high == NULL) {
        return true;
    }
    if (!divide(high, p->step, &last, &exact)) {
        return qni_decimal_compare_magnitudes(low, high) < 0; // so far out, many lie between
    }
    if (exact && high_open) {
        if (last == 0) {
            return false;
        }
        last--;
    }
    if (!divide(low, p->step, &first, &exact)) {
        return false;
    }
    first += !exact || low_open;
    for (int tries = 0; first <= last && tries < 256; first++, tries++) {
        if (first > 0 && !step_denied(p, first)) {
            return true;
        }
    }
    return false;
}

bool qni_number_point_denied(const qni_number_piece *p, const qni_decimal *x)
{
    for (uint32_t i = 0; i < p->n_denied; i++) {
        if (is_multiple(x, p->denied[i])) {
            return true;
        }
    }
    return false;
}

bool qni_number_side_is_empty(const qni_number_piece *p, const qni_number_side *s)
{
    if (s->empty) {
        return true;
    }
    if (p->step.unit != 0) {
        return !qni_number_lattice_meets(p, &s->low, s->low_open, s->has_high ? &s->high : NULL,
                                         s->high_open);
    }
    bool point = s->has_high && qni_decimal_compare_magnitudes(&s->low, &s->high) == 0;
    return point && qni_number_point_denied(p, &s->low);
}

static bool piece_is_empty(const qni_number_piece *p)
{
    if (qni_number_piece_has(p, &zero)) {
        return false;
    }
    for (int negative = 0; negative < 2; negative++) {
        qni_number_side s = qni_number_side_of(p, negative);
        if (!qni_number_side_is_empty(p, &s)) {
            return false;
        }
    }
    return true;
}

bool qni_number_is_empty(const qni_number_set *set)
{
    return set->n == 0; // builders keep no empty piece
}

static qni_wide gcd(qni_wide a, qni_wide b)
{
    while (b != 0) {
        qni_wide t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static bool step_from(const qni_decimal *x, qni_number_step *out)
{
    *out = (qni_number_step){.exponent = x->point - (int32_t)x->n};
    for (uint32_t i = 0; i < x->n; i++) {
        out->unit = out->unit * 10 + x->digits[i];
    }
    return x->n > 0 && x->n <= 18;
}

// The least common multiple; false when it does not fit.
static bool join_steps(qni_number_step a, qni_number_step b, qni_number_step *out)
{
    if (a.unit == 0 || b.unit == 0) {
        *out = a.unit == 0 ? b : a;
        return true;
    }
    if (a.exponent < b.exponent) {
        qni_number_step t = a;
        a = b;
        b = t;
    }
    if (a.exponent - b.exponent > 18) {
        return false;
    }
    qni_wide x = a.unit * power_of_ten((uint32_t)(a.exponent - b.exponent)), y = b.unit;
    qni_wide joined = x / gcd(x, y);
    if (joined > ((qni_wide)1 << 100) / y) {
        return false;
    }
    joined *= y;
    int32_t exponent = b.exponent;
    for (; joined % 10 == 0; joined /= 10) {
        exponent++;
    }
    if (joined > (uint64_t)999999999999999999) {
        return false;
    }
    *out = (qni_number_step){(uint64_t)joined, exponent};
    return true;
}

// Is every multiple of `fine` one of `coarse`?
static bool step_within(qni_number_step fine, qni_number_step coarse)
{
    qni_number_step joined;
    return fine.unit != 0 && join_steps(fine, coarse, &joined) && joined.unit == fine.unit &&
           joined.exponent == fine.exponent;
}

// Appends to a set that nothing else shares yet: its array is of the next power of two.
static bool append_piece(qni_numbers *numbers, qni_number_set *set, const qni_number_piece *piece)
{
    if (set->n == QNI_MAX_NUMBER_PIECES) {
        return qni_account_fail(numbers->account, QN_LIMIT_EXCEEDED,
                                "a set of numbers has too many pieces");
    }
    if ((set->n & (set->n - 1)) == 0) { // full
        qni_number_piece *grown = qni_arena_array(numbers->arena, set->n == 0 ? 1 : set->n * 2,
                                                  sizeof *grown);
        if (grown == NULL) {
            return qni_account_fail(numbers->account, QN_OUT_OF_MEMORY, "out of memory");
        }
        if (set->n != 0) {
            memcpy(grown, set->pieces, set->n * sizeof *grown);
        }
        set->pieces = grown;
    }
    set->pieces[set->n++] = *piece;
    return true;
}

static bool add_piece(qni_numbers *numbers, qni_number_set *set, const qni_number_piece *piece)
{
    for (uint32_t i = 0; i < piece->n_denied; i++) {
        if (step_within(piece->step, piece->denied[i])) {
            return true; // nothing is left of it
        }
    }
    return piece_is_empty(piece) || append_piece(numbers, set, piece);
}

bool qni_number_all(qni_numbers *numbers, qni_number_set *out)
{
    *out = (qni_number_set){0};
    return add_piece(numbers, out, &(qni_number_piece){0});
}

bool qni_number_at_least(qni_numbers *numbers, const qni_decimal *bound, qni_number_set *out)
{
    *out = (qni_number_set){0};
    return add_piece(numbers, out, &(qni_number_piece){.has_low = true, .low = *bound});
}

bool qni_number_at_most(qni_numbers *numbers, const qni_decimal *bound, qni_number_set *out)
{
    *out = (qni_number_set){0};
    return add_piece(numbers, out, &(qni_number_piece){.has_high = true, .high = *bound});
}

bool qni_number_multiple_of(qni_numbers *numbers, const qni_decimal *step, qni_number_set *out)
{
    *out = (qni_number_set){0};
    qni_number_piece piece = {0};
    if (!step_from(step, &piece.step)) {
        return qni_account_fail(numbers->account, QN_UNSUPPORTED,
                                "multipleOf takes up to 18 significant digits");
    }
    return add_piece(numbers, out, &piece);
}

static bool and_pieces(qni_numbers *numbers, const qni_number_piece *a, const qni_number_piece *b,
                       qni_number_set *out)
{
    qni_number_piece p = *a;
    if (b->has_low) {
        int order = p.has_low ? qni_decimal_compare(&b->low, &p.low) : 1;
        p.low_open = order > 0 ? b->low_open : p.low_open || (order == 0 && b->low_open);
        p.low = order > 0 ? b->low : p.low;
        p.has_low = true;
    }
    if (b->has_high) {
        int order = p.has_high ? qni_decimal_compare(&b->high, &p.high) : -1;
        p.high_open = order < 0 ? b->high_open : p.high_open || (order == 0 && b->high_open);
        p.high = order < 0 ? b->high : p.high;
        p.has_high = true;
    }
    if (!join_steps(a->step, b->step, &p.step)) {
        return qni_account_fail(numbers->account, QN_UNSUPPORTED,
                                "the common multiple of several multipleOf is too large");
    }
    for (uint32_t i = 0; i < b->n_denied; i++) {
        if (p.n_denied == QNI_NUMBER_MAX_DENIED) {
            return qni_account_fail(numbers->account, QN_LIMIT_EXCEEDED,
                                    "too many denied multiples of a number");
        }
        p.denied[p.n_denied++] = b->denied[i];
    }
    return add_piece(numbers, out, &p);
}

static bool is_all(const qni_number_set *set)
{
    const qni_number_piece *p = set->pieces;
    return set->n == 1 && !p->has_low && !p->has_high && p->step.unit == 0 && p->n_denied == 0;
}

bool qni_number_and(qni_numbers *numbers, const qni_number_set *a, const qni_number_set *b,
                    qni_number_set *out)
{
    if (is_all(a) || is_all(b)) {
        *out = is_all(a) ? *b : *a;
        return true;
    }
    qni_number_set result = {0};
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < b->n; k++) {
            if (!and_pieces(numbers, &a->pieces[i], &b->pieces[k], &result)) {
                return false;
            }
        }
    }
    *out = result;
    return true;
}

bool qni_number_or(qni_numbers *numbers, const qni_number_set *a, const qni_number_set *b,
                   qni_number_set *out)
{
    qni_number_set result = {0};
    for (size_t i = 0; i < a->n; i++) {
        if (!append_piece(numbers, &result, &a->pieces[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < b->n; i++) {
        bool there = false;
        for (size_t k = 0; k < a->n; k++) {
            there = there || memcmp(&a->pieces[k], &b->pieces[i], sizeof *a->pieces) == 0;
        }
        if (!there && !add_piece(numbers, &result, &b->pieces[i])) {
            return false;
        }
    }
    *out = result;
    return true;
}

// What is outside one piece: below, above, off its lattice, and on the denied ones.
static bool not_piece(qni_numbers *numbers, const qni_number_piece *p, qni_number_set *out)
{
    *out = (qni_number_set){0};
    bool fine = true;
    if (p->has_low) {
        qni_number_piece below = {.has_high = true, .high = p->low, .high_open = !p->low_open};
        fine = add_piece(numbers, out, &below);
    }
    if (fine && p->has_high) {
        qni_number_piece above = {.has_low = true, .low = p->high, .low_open = !p->high_open};
        fine = add_piece(numbers, out, &above);
    }
    qni_number_piece inside = *p;
    inside.step = (qni_number_step){0};
    inside.n_denied = 0;
    if (fine && p->step.unit != 0) {
        qni_number_piece off = inside;
        off.denied[off.n_denied++] = p->step;
        fine = add_piece(numbers, out, &off);
    }
    for (uint32_t i = 0; fine && i < p->n_denied; i++) {
        qni_number_piece on = inside;
        on.step = p->denied[i];
        fine = add_piece(numbers, out, &on);
    }
    return fine;
}

bool qni_number_not(qni_numbers *numbers, const qni_number_set *a, qni_number_set *out)
{
    qni_number_set result;
    if (!qni_number_all(numbers, &result)) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        qni_number_set outside;
        if (!not_piece(numbers, &a->pieces[i], &outside) ||
            !qni_number_and(numbers, &result, &outside, &result)) {
            return false;
        }
    }
    *out = result;
    return true;
}

size_t qni_number_count(const qni_number_set *set, size_t limit)
{
    size_t total = 0;
    for (size_t i = 0; i < set->n && total < limit; i++) {
        const qni_number_piece *p = &set->pieces[i];
        total += qni_number_piece_has(p, &zero);
        for (int negative = 0; negative < 2 && total < limit; negative++) {
            qni_number_side s = qni_number_side_of(p, negative);
            qni_wide first, last;
            bool exact;
            if (qni_number_side_is_empty(p, &s)) {
                continue;
            }
            if (p->step.unit == 0) {
                bool point = s.has_high && qni_decimal_compare_magnitudes(&s.low, &s.high) == 0;
                total = point ? total + 1 : limit;
                continue;
            }
            if (!s.has_high || !divide(&s.high, p->step, &last, &exact)) {
                return limit;
            }
            last -= exact && s.high_open;
            if (!divide(&s.low, p->step, &first, &exact)) {
                continue;
            }
            first += !exact || s.low_open || first == 0;
            for (; first <= last && total < limit; first++) {
                total += !step_denied(p, first);
            }
        }
    }
    return total < limit ? total : limit;
}

bool qni_number_next_phase(qni_number_phase phase, unsigned byte, qni_number_phase *next)
{
    bool digit = byte >= '0' && byte <= '9';
    bool e = byte == 'e' || byte == 'E';
    switch (phase) {
    case QNI_NUMBER_SIGN: *next = byte == '0' ? QNI_NUMBER_ZERO : QNI_NUMBER_INTEGER; return digit;
    case QNI_NUMBER_ZERO:
    case QNI_NUMBER_INTEGER:
        *next = byte == '.' ? QNI_NUMBER_POINT : e ? QNI_NUMBER_E : QNI_NUMBER_INTEGER;
        return byte == '.' || e || (digit && phase == QNI_NUMBER_INTEGER);
    case QNI_NUMBER_POINT:
    case QNI_NUMBER_FRACTION:
        *next = e ? QNI_NUMBER_E : QNI_NUMBER_FRACTION;
        return digit || (e && phase == QNI_NUMBER_FRACTION);
    case QNI_NUMBER_E:
        *next = digit ? QNI_NUMBER_E_DIGITS : QNI_NUMBER_E_SIGN;
        return digit || byte == '+' || byte == '-';
    case QNI_NUMBER_E_SIGN:
    case QNI_NUMBER_E_DIGITS:
    default: *next = QNI_NUMBER_E_DIGITS; return digit;
    }
}

bool qni_number_phase_is_final(qni_number_phase phase)
{
    return phase == QNI_NUMBER_ZERO || phase == QNI_NUMBER_INTEGER ||
           phase == QNI_NUMBER_FRACTION || phase == QNI_NUMBER_E_DIGITS;
}
