// Which beginnings of a number's text can still end inside a set. While the mantissa is being
// written the exponent is free, so a beginning stands for every number whose significant digits
// begin alike, at any scale; once the exponent has begun, the numbers are one mantissa at the
// scales that the exponent's digits still allow.
#include "grammar/number_piece.h"

#include "base/limits.h"

#include <string.h>

typedef struct prefix {
    bool negative;
    bool has_exponent; // 'e' was read
    int exponent_sign; // 0: not read yet
    bool has_digits;   // of the exponent
    int64_t exponent;  // as far as read, without sign
    qni_decimal exact; // the mantissa, without trailing zeros
    uint32_t n;        // significant digits as written, trailing zeros too
    uint8_t digits[QNI_MAX_NUMBER_BYTES];
} prefix;

static bool read_prefix(const char *text, size_t size, prefix *out)
{
    out->negative = text[0] == '-';
    size_t i = out->negative, end = i;
    while (end < size && text[end] != 'e' && text[end] != 'E') {
        end++;
    }
    out->has_exponent = end < size;
    out->n = 0;
    for (; i < end; i++) {
        if (text[i] != '.' && (out->n > 0 || text[i] != '0')) {
            out->n++;
        }
    }
    if (!qni_decimal_read(text, end, out->digits, &out->exact)) {
        return false;
    }
    out->exact.negative = false;
    out->exponent_sign = 0;
    out->exponent = 0;
    out->has_digits = false;
    for (i = end + 1; i < size; i++) {
        if (text[i] == '-' || text[i] == '+') {
            out->exponent_sign = text[i] == '-' ? -1 : 1;
            continue;
        }
        out->has_digits = true;
        out->exponent_sign = out->exponent_sign == 0 ? 1 : out->exponent_sign;
        out->exponent = out->exponent * 10 + (text[i] - '0');
        if (out->exponent > QNI_MAX_NUMBER_EXPONENT) {
            return false;
        }
    }
    return true;
}

// The numbers that begin with the digits of `p` at scale `point`: from `low` to below `high`.
typedef struct block {
    qni_decimal low, high;
    uint8_t digits[QNI_MAX_NUMBER_BYTES + 1];
} block;

static void fill_block(const prefix *p, block *b)
{
    b->low = p->exact;
    uint32_t n = p->n;
    b->digits[0] = 0;
    memcpy(b->digits + 1, p->digits, n);
    uint32_t i = n;
    while (b->digits[i] == 9) { // one unit of the last digit more
        b->digits[i--] = 0;
    }
    b->digits[i]++;
    bool carried = b->digits[0] != 0;
    b->high = (qni_decimal){.digits = b->digits + !carried, .n = i + carried};
}

static void set_scale(block *b, int32_t point)
{
    b->low.point = point;
    b->high.point = point + (b->digits[0] != 0);
}

static bool block_meets(const qni_number_piece *piece, const qni_number_side *s, const block *b)
{
    bool low_inside = qni_decimal_compare_magnitudes(&b->low, &s->low) > 0;
    const qni_decimal *low = low_inside ? &b->low : &s->low;
    bool low_open = !low_inside && s->low_open;
    bool high_inside = !s->has_high || qni_decimal_compare_magnitudes(&b->high, &s->high) <= 0;
    const qni_decimal *high = high_inside ? &b->high : &s->high;
    bool high_open = high_inside || s->high_open;
    int order = qni_decimal_compare_magnitudes(low, high);
    if (order > 0 || (order == 0 && (low_open || high_open))) {
        return false;
    }
    if (piece->step.unit != 0) {
        return qni_number_lattice_meets(piece, low, low_open, high, high_open);
    }
    return order < 0 || !qni_number_point_denied(piece, low);
}

static int32_t step_point(const qni_number_step *step)
{
    int32_t n = 0;
    for (uint64_t u = step->unit; u != 0; u /= 10) {
        n++;
    }
    return n + step->exponent;
}

// The digits of a whole number.
static qni_wide whole_number(const qni_decimal *x)
{
    qni_wide n = 0;
    for (uint32_t i = 0; i < (uint32_t)x->point; i++) {
        n = n * 10 + (i < x->n ? x->digits[i] : 0);
    }
    return n;
}

// The common case in machine integers: multiples of a small integer between bounds below 10^37.
static bool small_block_meets(const qni_number_piece *piece, const qni_number_side *s,
                              const prefix *p, bool *decided)
{
    enum { MOST = 37 }; // digits, and ten times as many numbers fit
    *decided = piece->n_denied == 0 && piece->step.exponent >= 0 && piece->step.exponent < 9 &&
               piece->step.unit < 1000000000 && s->has_high && s->high.point <= MOST &&
               (uint32_t)s->high.point >= s->high.n && (uint32_t)s->low.point >= s->low.n &&
               s->low.point >= 0 && p->n <= MOST;
    if (!*decided) {
        return false;
    }
    qni_wide step = piece->step.unit, d = 0, scale = 1;
    for (int32_t i = 0; i < piece->step.exponent; i++) {
        step *= 10;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        d = d * 10 + p->digits[i];
    }
    qni_wide low = whole_number(&s->low) + s->low_open;
    qni_wide high = whole_number(&s->high) - s->high_open;
    // Integers of up to so many digits that begin like d.
    for (int32_t point = (int32_t)p->n; point <= s->high.point; point++, scale *= 10) {
        qni_wide first = d * scale, last = first + scale - 1;
        first = first < low ? low : first;
        last = last > high ? high : last;
        if (first <= last && (step == 1 || last / step * step >= first)) {
            return true;
        }
    }
    // With digits to spare, only d itself cut exactly.
    scale = 10;
    for (int32_t point = (int32_t)p->n - 1; point >= 1; point--, scale *= 10) {
        qni_wide whole = d / scale;
        if (whole * scale != d) {
            break;
        }
        if (whole >= low && whole <= high && whole % step == 0) {
            return true;
        }
    }
    return false;
}

static bool is_point(const qni_number_piece *piece)
{
    return piece->has_low && piece->has_high && qni_decimal_compare(&piece->low, &piece->high) == 0;
}

// Does a number begin with the digits, at whatever scale?
static bool begins_like(const qni_decimal *x, const prefix *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->digits[i] != (i < x->n ? x->digits[i] : 0)) {
            return false;
        }
    }
    return x->n > 0;
}

static bool mantissa_live(const qni_number_piece *piece, const prefix *p)
{
    if (p->n > 0 && is_point(piece)) {
        return piece->low.negative == p->negative && begins_like(&piece->low, p);
    }
    qni_number_side s = qni_number_side_of(piece, p->negative);
    if (p->n == 0) { // zeros so far: zero itself, or anything at a small scale
        qni_decimal zero = {0};
        return qni_number_piece_has(piece, &zero) || !qni_number_side_is_empty(piece, &s);
    }
    if (s.empty) {
        return false;
    }
    bool lattice = piece->step.unit != 0;
    if (!s.has_high || (!lattice && (s.low.n == 0 || s.high.point - s.low.point >= 2))) {
        return true;
    }
    bool decided;
    bool live = lattice && small_block_meets(piece, &s, p, &decided);
    if (lattice && decided) {
        return live;
    }
    block b;
    fill_block(p, &b);
    int32_t least = lattice ? step_point(&piece->step) : s.low.point;
    least = s.low.n > 0 && s.low.point > least ? s.low.point : least;
    for (int32_t point = s.high.point; point >= least; point--) {
        set_scale(&b, point);
        if (block_meets(piece, &s, &b)) {
            return true;
        }
    }
    return false;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// From which exponent on is the mantissa a multiple of the step? Past the limit when never.
static int64_t least_exponent(const prefix *p, qni_number_step step)
{
    int needed = qni_number_zeros_needed(&p->exact, step.unit);
    return needed < 0 ? (int64_t)QNI_MAX_NUMBER_EXPONENT + 1
                      : (int64_t)needed + step.exponent + p->exact.n - p->exact.point;
}

// The exponents [*low, *high] that put the mantissa into the piece.
static void exponent_range(const qni_number_piece *piece, const prefix *p, int64_t *low,
                           int64_t *high)
{
    qni_number_side s = qni_number_side_of(piece, p->negative);
    *low = -QNI_MAX_NUMBER_EXPONENT;
    *high = s.empty ? *low - 1 : QNI_MAX_NUMBER_EXPONENT;
    qni_decimal x = p->exact;
    if (s.low.n > 0) {
        x.point = s.low.point;
        int order = qni_decimal_compare_magnitudes(&x, &s.low);
        bool fits = order > 0 || (order == 0 && !s.low_open);
        *low = larger(*low, (int64_t)s.low.point - p->exact.point + !fits);
    }
    if (s.has_high) {
        x.point = s.high.point;
        int order = qni_decimal_compare_magnitudes(&x, &s.high);
        bool fits = order < 0 || (order == 0 && !s.high_open);
        *high = smaller(*high, (int64_t)s.high.point - p->exact.point - !fits);
    }
    if (piece->step.unit != 0) {
        *low = larger(*low, least_exponent(p, piece->step));
    }
    for (uint32_t i = 0; i < piece->n_denied; i++) {
        *high = smaller(*high, least_exponent(p, piece->denied[i]) - 1);
    }
}

// Does an exponent of this sign that continues the digits lie in [low, high]?
static bool exponents_meet(const prefix *p, int sign, int64_t low, int64_t high)
{
    if (sign < 0) {
        int64_t t = low;
        low = -high;
        high = -t;
    }
    if (p->exponent == 0) { // no digits, or zeros only: any may follow
        return high >= 0 && low <= QNI_MAX_NUMBER_EXPONENT;
    }
    for (int64_t first = p->exponent, span = 1; first <= QNI_MAX_NUMBER_EXPONENT;
         first *= 10, span *= 10) {
        if (first <= high && first + span - 1 >= low) {
            return true;
        }
    }
    return false;
}

static bool exponent_live(const qni_number_piece *piece, const prefix *p)
{
    if (p->exact.n == 0) {
        return qni_number_piece_has(piece, &p->exact);
    }
    int64_t low, high;
    exponent_range(piece, p, &low, &high);
    if (low > high) {
        return false;
    }
    return (p->exponent_sign >= 0 && exponents_meet(p, 1, low, high)) ||
           (p->exponent_sign <= 0 && exponents_meet(p, -1, low, high));
}

bool qni_number_live(const qni_number_set *set, const char *text, size_t size,
                     qni_number_phase phase)
{
    prefix p;
    if (size > QNI_MAX_NUMBER_BYTES || !read_prefix(text, size, &p)) {
        return false;
    }
    (void)phase;
    for (size_t i = 0; i < set->n; i++) {
        if (p.has_exponent ? exponent_live(&set->pieces[i], &p)
                           : mantissa_live(&set->pieces[i], &p)) {
            return true;
        }
    }
    return false;
}
