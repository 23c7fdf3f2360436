// Filters of single values: numbers, defaults, JSON.
#include "text/template_run.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static qni_value *f_length(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t n;
    (void)a;
    (void)args;
    if (qni_has_length(r, self, &n)) {
        return qni_int(r, n);
    }
    return qni_raise(r, "a %s has no length", qni_kind_name(self));
}

static qni_value *f_default(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    bool falsy = a[1] != NULL && qni_is_true(r, a[1]);
    (void)args;
    bool missing = self->kind == QNI_UNDEFINED || (falsy && !qni_is_true(r, self));
    return !missing ? self : a[0] != NULL ? a[0] : qni_text_at(r, "", 0);
}

// Digits as Python's int() and float() read them: "_" between two, white space around. Written into
// `out`; false when they do not fit.
static bool clean_number(const qni_value *text, char out[128], size_t *n)
{
    const char *at = text->as.text.at, *end = at + text->as.text.n;
    while (at < end && isspace((unsigned char)*at)) {
        at++;
    }
    while (end > at && isspace((unsigned char)end[-1])) {
        end--;
    }
    *n = 0;
    for (const char *c = at; c < end; c++) {
        bool between = c > at && c + 1 < end && isalnum((unsigned char)c[-1]) &&
                       isalnum((unsigned char)c[1]);
        if (*c == '_' && between) {
            continue;
        }
        if (*c == '\0' || *c == '_' || *n + 1 >= 128) {
            return false;
        }
        out[(*n)++] = *c;
    }
    out[*n] = '\0';
    return *n > 0;
}

static bool parse_real(const qni_value *text, double *out)
{
    char digits[128], *end;
    size_t n;
    if (!clean_number(text, digits, &n) || strpbrk(digits, "xXpP(") != NULL) {
        return false;
    }
    *out = strtod(digits, &end);
    return end == digits + n;
}

// 1: read; 0: no number; -1: beyond 64 bits
static int parse_whole(const qni_value *text, int64_t base, int64_t *out)
{
    char digits[128], *end;
    size_t n;
    if (!clean_number(text, digits, &n) || base < 0 || base == 1 || base > 36) {
        return 0;
    }
    const char *at = digits + (digits[0] == '-' || digits[0] == '+');
    if (at[0] == '0' && isalpha((unsigned char)at[1])) {
        int kind = tolower((unsigned char)at[1]);
        int64_t own = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
        if (own == 0 || (base != 0 && base != own)) {
            if (base <= 10) {
                return 0;
            }
        } else {
            memmove((char *)(uintptr_t)at, at + 2, strlen(at + 2) + 1);
            base = own;
            n -= 2;
        }
    } else if (base == 0) {
        base = 10;
    }
    if (isalnum((unsigned char)*at) == 0) {
        return 0;
    }
    errno = 0;
    *out = strtoll(digits, &end, (int)base);
    return end != digits + n ? 0 : errno == ERANGE ? -1 : 1;
}

static qni_value *whole_of_real(qni_run *r, double x, qni_value *otherwise)
{
    if (isnan(x) || isinf(x)) {
        return otherwise;
    }
    return fabs(x) >= 9223372036854775808.0 ? qni_raise(r, "a whole number beyond 64 bits")
                                            : qni_int(r, (int64_t)x);
}

static qni_value *f_int(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *otherwise = a[0] != NULL ? a[0] : qni_int(r, 0);
    int64_t base = 10, n;
    double x;
    (void)args;
    if (otherwise == NULL) {
        return NULL;
    }
    if (qni_is_whole(self, &n)) {
        return qni_int(r, n);
    }
    if (self->kind == QNI_REAL) {
        return isinf(self->as.real) ? qni_raise(r, "infinity is no whole number")
                                    : whole_of_real(r, self->as.real, otherwise);
    }
    if (self->kind == QNI_TEXT) {
        if (a[1] != NULL && !qni_is_whole(a[1], &base)) {
            return parse_real(self, &x) ? whole_of_real(r, x, otherwise) : otherwise;
        }
        int how = parse_whole(self, base, &n);
        return how == 1               ? qni_int(r, n)
               : how == -1            ? qni_raise(r, "a whole number beyond 64 bits")
               : parse_real(self, &x) ? whole_of_real(r, x, otherwise)
                                      : otherwise;
    }
    return qni_use(r, self) ? otherwise : NULL;
}

static qni_value *f_float(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    double x;
    (void)args;
    if (qni_is_number(self, &x) || (self->kind == QNI_TEXT && parse_real(self, &x))) {
        return qni_real(r, x);
    }
    return !qni_use(r, self) ? NULL : a[0] != NULL ? a[0] : qni_real(r, 0);
}

static qni_value *f_abs(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t n;
    (void)a;
    (void)args;
    if (qni_is_whole(self, &n)) {
        return n == INT64_MIN ? qni_raise(r, "a whole number beyond 64 bits")
                              : qni_int(r, n < 0 ? -n : n);
    }
    return self->kind == QNI_REAL ? qni_real(r, fabs(self->as.real))
                                  : qni_raise(r, "no absolute value of a %s", qni_kind_name(self));
}

// As Python rounds: to even, by the exact value.
static qni_value *round_common(qni_run *r, qni_value *self, int64_t precision)
{
    char text[700];
    int64_t n;
    if (qni_is_whole(self, &n)) {
        int64_t scale = 1;
        for (int64_t i = 0; i < -precision; i++) {
            if (__builtin_mul_overflow(scale, 10, &scale)) {
                return qni_int(r, 0);
            }
        }
        int64_t rest = n % scale, half = scale / 2, quotient = n / scale;
        int64_t size = rest < 0 ? -rest : rest;
        bool up = scale > 1 && (size > half || (size == half && quotient % 2 != 0));
        return qni_int(r, (quotient + (up ? (n < 0 ? -1 : 1) : 0)) * scale);
    }
    double x = self->as.real;
    if (isnan(x) || isinf(x) || precision > 320) {
        return self;
    }
    if (precision < 0) {
        if (precision < -308) {
            return qni_real(r, 0 * x);
        }
        double scale = pow(10, (double)-precision);
        return qni_real(r, nearbyint(x / scale) * scale);
    }
    snprintf(text, sizeof text, "%.*f", (int)precision, x);
    return qni_real(r, strtod(text, NULL));
}

static qni_value *f_round(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t precision = 0;
    double x;
    (void)args;
    bool common = a[1] == NULL || qni_is_text(a[1], "common"), up = qni_is_text(a[1], "ceil");
    if (!common && !up && !qni_is_text(a[1], "floor")) {
        return qni_raise(r, "a way of rounding that is not known");
    }
    if ((a[0] != NULL && !(common && a[0]->kind == QNI_NONE) && !qni_is_whole(a[0], &precision)) ||
        !qni_is_number(self, &x)) {
        return qni_use(r, self) ? qni_raise(r, "round needs numbers") : NULL;
    }
    if (common && a[0] != NULL && a[0]->kind == QNI_NONE) {
        qni_value *whole = round_common(r, self, 0);
        return whole != NULL && whole->kind == QNI_REAL ? whole_of_real(r, whole->as.real, NULL)
                                                        : whole;
    }
    if (common) {
        return round_common(r, self, precision);
    }
    double scale = pow(10, (double)precision), scaled = x * scale;
    if (isnan(scaled) || isinf(scaled) || scale == 0) {
        return qni_raise(r, "a number that cannot be rounded so");
    }
    return qni_real(r, (up ? ceil(scaled) : floor(scaled)) / scale);
}

// tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False), as transformers has it
static qni_value *f_tojson(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_json_form form = {.ascii = a[0] != NULL && qni_is_true(r, a[0]),
                          .sort_keys = a[3] != NULL && qni_is_true(r, a[3])};
    int64_t width;
    (void)args;
    if (a[1] != NULL && a[1]->kind == QNI_TEXT) {
        form.indent = a[1]->as.text.at;
        form.n_indent = a[1]->as.text.n;
    } else if (a[1] != NULL && qni_is_whole(a[1], &width)) {
        qni_value *space = qni_text_at(r, " ", 1), *times = qni_int(r, width);
        space = space != NULL && times != NULL ? qni_binary(r, "*", space, times) : NULL;
        if (space == NULL) {
            return NULL;
        }
        form.indent = space->as.text.at;
        form.n_indent = space->as.text.n;
    } else if (a[1] != NULL && a[1]->kind != QNI_NONE && self->kind != QNI_TEXT) {
        return qni_raise(r, "an indent that is neither a number nor a text");
    }
    if (a[2] != NULL && a[2]->kind != QNI_NONE) {
        qni_value *two = qni_to_list(r, a[2]);
        if (two == NULL || two->as.list.n != 2 || two->as.list.items[0]->kind != QNI_TEXT ||
            two->as.list.items[1]->kind != QNI_TEXT) {
            return qni_raise(r, "separators are two texts");
        }
        form.item = two->as.list.items[0];
        form.member = two->as.list.items[1];
    }
    qni_buf buf;
    qni_put_begin(r, &buf);
    return qni_put_end(r, &buf, qni_to_json(r, self, &form, &buf));
}

static qni_value *f_attr(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    if (a[0]->kind != QNI_TEXT) {
        return qni_raise(r, "the name of an attribute is a text");
    }
    if (self->kind == QNI_UNDEFINED) {
        return qni_get_attribute(r, self, a[0]->as.text.at, a[0]->as.text.n);
    }
    qni_value view = *self;
    qni_dict none = {NULL, NULL, NULL, NULL, 0, 0, 0};
    if (self->kind == QNI_DICT) { // its entries are no attributes
        view.as.dict = &none;
    }
    qni_value *found = qni_get_attribute(r, &view, a[0]->as.text.at, a[0]->as.text.n);
    if (found != NULL && found->kind == QNI_METHOD) {
        found->as.method.self = self;
    }
    return found;
}

static qni_value *f_filesizeformat(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    static const char *const binary[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
    bool two = a[0] != NULL && qni_is_true(r, a[0]);
    double x, base = two ? 1024 : 1000, unit = base;
    char text[400];
    int i = 0;
    (void)args;
    if (!qni_is_number(self, &x) && !(self->kind == QNI_TEXT && parse_real(self, &x))) {
        return qni_use(r, self) ? qni_raise(r, "a size that is no number") : NULL;
    }
    if (x == 1) {
        return qni_text_at(r, "1 Byte", 6);
    }
    if (x < base) {
        snprintf(text, sizeof text, "%.0f Bytes", trunc(x) + 0.0);
        return qni_text(r, text, strlen(text));
    }
    for (; i < 7 && x >= unit * base; i++) {
        unit *= base;
    }
    snprintf(text, sizeof text, "%.1f %s", base * x / (unit * base), two ? binary[i] : names[i]);
    return qni_text(r, text, strlen(text));
}

const qni_row qni_value_filters[] = {
    {"length", "/", f_length},
    {"count", "/", f_length},
    {"default", "default_value? boolean?", f_default},
    {"d", "default_value? boolean?", f_default},
    {"int", "default? base?", f_int},
    {"float", "default?", f_float},
    {"abs", "/", f_abs},
    {"round", "precision? method?", f_round},
    {"tojson", "ensure_ascii? indent? separators? sort_keys?", f_tojson},
    {"attr", "name", f_attr},
    {"filesizeformat", "binary?", f_filesizeformat},
    {NULL, NULL, NULL},
};
