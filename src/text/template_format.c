// Python's formatting: "..." % values, and "...".format(...).
#include "text/template_run.h"

#include "base/utf8.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct spec {
    char fill[5];
    char align, sign; // '\0': not given
    bool alternate, zero;
    int64_t width, precision; // -1: not given
    char group;               // ',' or '_'
    char type;
} spec;

static size_t count_codes(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    }
    return count;
}

// `text` within the width; with '=' the fill stands behind the sign.
static bool put_padded(qni_run *r, qni_buf *out, const spec *s, char align, const char *text,
                       size_t n)
{
    int64_t more = s->width - (int64_t)count_codes(text, n);
    int64_t left = more <= 0 ? 0 : align == '<' ? 0 : align == '^' ? more / 2 : more;
    const char *fill = s->fill[0] != '\0' ? s->fill : " ";
    size_t sign = align == '=' && n > 0 && text[0] != '\0' && strchr("+- ", text[0]) != NULL ? 1
                                                                                             : 0;
    bool fine = qni_put(r, out, text, sign);
    for (int64_t i = 0; fine && i < left; i++) {
        fine = qni_charge(r, 1) && qni_put_text(r, out, fill);
    }
    fine = fine && qni_put(r, out, text + sign, n - sign);
    for (int64_t i = left; fine && i < more; i++) {
        fine = qni_charge(r, 1) && qni_put_text(r, out, fill);
    }
    return fine;
}

static size_t whole_digits(uint64_t n, char type, char out[80])
{
    unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
    char room[80];
    size_t count = 0;
    do {
        room[count++] = (type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[n % base];
        n /= base;
    } while (n > 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = room[count - 1 - i];
    }
    return count;
}

static size_t group_digits(const spec *s, const char *digits, size_t n, char *out)
{
    size_t every = s->type == 'x' || s->type == 'X' || s->type == 'o' || s->type == 'b' ? 4 : 3,
           m = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->group != '\0' && i > 0 && (n - i) % every == 0) {
            out[m++] = s->group;
        }
        out[m++] = digits[i];
    }
    return m;
}

static bool put_whole(qni_run *r, qni_buf *out, const spec *s, int64_t n)
{
    char digits[80], text[260];
    size_t m = 0;
    uint64_t size = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;
    size_t count = whole_digits(size, s->type, digits);
    if (n < 0 || s->sign == '+' || s->sign == ' ') {
        text[m++] = n < 0 ? '-' : s->sign;
    }
    if (s->alternate && s->type != 'd' && s->type != '\0') {
        text[m++] = '0';
        text[m++] = s->type;
    }
    for (int64_t i = (int64_t)count; s->precision > i && i < 100; i++) {
        text[m++] = '0';
    }
    m += group_digits(s, digits, count, text + m);
    return put_padded(r, out, s, s->align != '\0' ? s->align : s->zero ? '=' : '>', text, m);
}

static bool put_real(qni_run *r, qni_buf *out, const spec *s, double x)
{
    char text[700], made[1000], format[16] = "%";
    char type = s->type == '\0' ? 'r' : s->type == 'n' ? 'g' : s->type;
    int64_t precision = s->precision < 0 ? 6 : s->precision;
    size_t m = 0, n = 0;
    if (precision > 300) {
        return qni_raise(r, "a precision of more than 300 digits") != NULL;
    }
    double shown = type == '%' ? fabs(x) * 100 : fabs(x);
    if (isnan(x) || isinf(x)) {
        snprintf(text, sizeof text, isnan(x) ? "nan" : "inf");
    } else if (type == 'r' && s->precision < 0) {
        qni_real_text(shown, text);
    } else {
        snprintf(format, sizeof format, "%%%s.*%c", s->alternate ? "#" : "",
                 type == 'r'   ? 'g'
                 : type == '%' ? 'f'
                               : type);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, format, (int)(type == 'r' && precision == 0 ? 1 : precision),
                 shown);
#pragma GCC diagnostic pop
        if (type == 'r' && strpbrk(text, ".e") == NULL) {
            size_t end = strlen(text);
            snprintf(text + end, sizeof text - end, ".0");
        }
    }
    if (signbit(x) && !isnan(x)) {
        made[m++] = '-';
    } else if (s->sign == '+' || s->sign == ' ') {
        made[m++] = s->sign;
    }
    while (isdigit((unsigned char)text[n])) {
        n++;
    }
    m += group_digits(s, text, n, made + m);
    m += (size_t)snprintf(made + m, sizeof made - m, "%s%s", text + n, type == '%' ? "%" : "");
    return put_padded(r, out, s, s->align != '\0' ? s->align : s->zero ? '=' : '>', made, m);
}

static bool put_text(qni_run *r, qni_buf *out, const spec *s, qni_value *text)
{
    size_t n = text->as.text.n;
    if (s->precision >= 0 && (size_t)s->precision < qni_characters(text)) {
        n = qni_text_offset(text, (size_t)s->precision);
    }
    return put_padded(r, out, s, s->align != '\0' ? s->align : '<', text->as.text.at, n);
}

// ---- "..." % values

typedef struct percent {
    qni_value *values;
    size_t next;
    bool by_name;
    bool escapes; // values of a safe text
} percent;

static qni_value *next_value(qni_run *r, percent *p)
{
    bool many = p->values->kind == QNI_TUPLE;
    if (p->next >= (many ? p->values->as.list.n : 1)) {
        return qni_raise(r, "not enough values for the format");
    }
    return many ? p->values->as.list.items[p->next++] : (p->next++, p->values);
}

static bool read_count(qni_run *r, percent *p, const char **at, const char *end, int64_t *out)
{
    if (*at < end && **at == '*') {
        qni_value *v = next_value(r, p);
        (*at)++;
        return v != NULL && (v->kind == QNI_INT ? (*out = v->as.whole, true)
                                                : qni_raise(r, "* needs a number") != NULL);
    }
    for (*out = 0; *at < end && isdigit((unsigned char)**at); (*at)++) {
        *out = 10 * *out + (**at - '0');
        if (*out > 1 << 28) {
            return qni_raise(r, "a width that is too large") != NULL;
        }
    }
    return true;
}

static qni_value *repr_text(qni_run *r, qni_value *v)
{
    qni_buf buf;
    qni_put_begin(r, &buf);
    return qni_put_end(r, &buf, qni_repr(r, v, &buf));
}

static bool put_percent(qni_run *r, qni_buf *out, spec *s, qni_value *v, bool escapes)
{
    double x;
    int64_t n;
    char type = s->type;
    if (type == 's' || type == 'r' || type == 'a') {
        qni_value *text = type != 's' ? repr_text(r, v) : escapes ? v : qni_to_text(r, v);
        text = escapes && text != NULL ? qni_escaped(r, text) : text;
        s->zero = false;
        s->align = s->align != '\0' ? s->align : '>';
        return text != NULL && put_text(r, out, s, text);
    }
    s->fill[0] = s->zero && s->align == '\0' ? '0' : '\0';
    s->fill[1] = '\0';
    if (escapes && strchr("cxXo", type) != NULL) { // what stands for the value is no number
        return qni_raise(r, "%%%c in a safe text", type) != NULL;
    }
    if (type == 'c') {
        char bytes[4];
        if (v->kind == QNI_TEXT && qni_characters(v) == 1) {
            return put_padded(r, out, s, s->align != '\0' ? s->align : '>', v->as.text.at,
                              v->as.text.n);
        }
        if (!qni_is_whole(v, &n) || n < 0 || n > 0x10FFFF || (n >= 0xD800 && n < 0xE000)) {
            return qni_raise(r, "%%c needs a character") != NULL;
        }
        s->fill[0] = '\0';
        return put_padded(r, out, s, s->align != '\0' ? s->align : '>', bytes,
                          (size_t)qni_utf8_encode((uint32_t)n, bytes));
    }
    if (strchr("diuxXo", type) != NULL) {
        bool whole = qni_is_whole(v, &n);
        if (!whole && v->kind == QNI_REAL && strchr("diu", type) != NULL &&
            fabs(v->as.real) < 9e18) {
            n = (int64_t)v->as.real;
            whole = true;
        }
        s->type = strchr("diu", type) != NULL ? 'd' : type;
        return whole ? put_whole(r, out, s, n)
                     : qni_use(r, v) && qni_raise(r, "%%%c needs a number", type) != NULL;
    }
    if (strchr("eEfFgG", type) != NULL) {
        return qni_is_number(v, &x)
                   ? put_real(r, out, s, x)
                   : qni_use(r, v) && qni_raise(r, "%%%c needs a number", type) != NULL;
    }
    return qni_raise(r, "a format that is not known") != NULL;
}

static bool one_percent(qni_run *r, percent *p, const char **at, const char *end, qni_buf *out)
{
    spec s = {.width = -1, .precision = -1};
    qni_value *v = NULL;
    if (*at < end && **at == '%') {
        (*at)++;
        return qni_put(r, out, "%", 1);
    }
    if (*at < end && **at == '(') {
        int depth = 1;
        const char *name = ++*at;
        for (; *at < end && depth > 0; (*at)++) {
            depth += (**at == '(') - (**at == ')');
        }
        if (depth > 0 || p->values->kind != QNI_DICT) {
            return qni_raise(r, "a format by name needs a mapping") != NULL;
        }
        p->by_name = true;
        v = qni_dict_get(p->values->as.dict, name, (size_t)(*at - 1 - name));
        if (v == NULL) {
            return qni_raise(r, "the format has a name that the mapping lacks") != NULL;
        }
    }
    for (; *at < end && **at != '\0' && strchr("-+ #0", **at) != NULL; (*at)++) {
        s.align = **at == '-' ? '<' : s.align;
        s.sign = **at == '+' ? '+' : **at == ' ' && s.sign == '\0' ? ' ' : s.sign;
        s.alternate = s.alternate || **at == '#';
        s.zero = s.zero || **at == '0';
    }
    if (!read_count(r, p, at, end, &s.width)) {
        return false;
    }
    if (s.width < 0) {
        s.align = '<';
        s.width = s.width < -(1 << 28) ? 1 << 28 : -s.width;
    }
    if (*at < end && **at == '.') {
        (*at)++;
        if (!read_count(r, p, at, end, &s.precision)) {
            return false;
        }
        s.precision = s.precision < 0 ? 0 : s.precision;
    }
    while (*at < end && (**at == 'l' || **at == 'h' || **at == 'L')) {
        (*at)++;
    }
    if (*at == end) {
        return qni_raise(r, "an incomplete format") != NULL;
    }
    s.type = *(*at)++;
    v = v != NULL ? v : next_value(r, p);
    return v != NULL && s.type != '\0' && put_percent(r, out, &s, v, p->escapes);
}

qni_value *qni_percent(qni_run *r, qni_value *format, qni_value *values)
{
    percent p = {.values = values, .escapes = format->markup};
    const char *at = format->as.text.at, *end = at + format->as.text.n;
    qni_buf out;
    bool fine = true;
    qni_put_begin(r, &out);
    while (fine && at < end) {
        const char *sign = memchr(at, '%', (size_t)(end - at));
        size_t n = (size_t)((sign != NULL ? sign : end) - at);
        fine = qni_put(r, &out, at, n);
        at += n;
        if (fine && sign != NULL) {
            at++;
            fine = one_percent(r, &p, &at, end, &out);
        }
    }
    bool mapping = values->kind == QNI_DICT || values->kind == QNI_LIST ||
                   values->kind == QNI_RANGE || values->kind == QNI_UNDEFINED;
    size_t n = values->kind == QNI_TUPLE ? values->as.list.n : mapping ? 0 : 1;
    if (fine && p.next < n) {
        fine = qni_raise(r, "values that the format does not use") != NULL;
    }
    qni_value *made = qni_put_end(r, &out, fine);
    if (made != NULL) {
        made->markup = format->markup;
    }
    return made;
}

// ---- "...".format(...)

static bool read_spec(qni_run *r, const char *at, size_t n, spec *s)
{
    const char *end = at + n;
    *s = (spec){.width = -1, .precision = -1};
    uint32_t code = 0;
    int first = n > 0 ? qni_utf8_decode((const unsigned char *)at, n, &code) : 0;
    if (first > 0 && at + first < end && strchr("<>=^", at[first]) != NULL && at[first] != '\0') {
        memcpy(s->fill, at, (size_t)first);
        s->align = at[first];
        at += first + 1;
    } else if (n > 0 && at[0] != '\0' && strchr("<>=^", at[0]) != NULL) {
        s->align = *at++;
    }
    if (at < end && (*at == '+' || *at == '-' || *at == ' ')) {
        s->sign = *at++;
    }
    if (at < end && *at == '#') {
        s->alternate = true;
        at++;
    }
    if (at < end && *at == '0') {
        s->zero = s->align == '\0';
        if (s->fill[0] == '\0') {
            s->fill[0] = '0';
        }
        at++;
    }
    percent none = {.values = qni_none()};
    if (at < end && isdigit((unsigned char)*at) && !read_count(r, &none, &at, end, &s->width)) {
        return false;
    }
    if (at < end && (*at == ',' || *at == '_')) {
        s->group = *at++;
    }
    if (at < end && *at == '.') {
        at++;
        if (at == end || !isdigit((unsigned char)*at)) {
            return qni_raise(r, "a format without its precision") != NULL;
        }
        if (!read_count(r, &none, &at, end, &s->precision)) {
            return false;
        }
    }
    if (at < end) {
        s->type = *at++;
    }
    return at == end || qni_raise(r, "a format that is not known") != NULL;
}

// A number as the character of that code point.
static bool put_character(qni_run *r, qni_buf *out, spec *s, int64_t code)
{
    char bytes[4];
    bool fine = s->sign == '\0' && !s->alternate && s->precision < 0 && s->group == '\0' &&
                code >= 0 && code <= 0x10FFFF && (code < 0xD800 || code >= 0xE000);
    return fine ? put_padded(r, out, s, s->align != '\0' ? s->align : '>', bytes,
                             (size_t)qni_utf8_encode((uint32_t)code, bytes))
                : qni_raise(r, "a format that is not one of characters") != NULL;
}

static bool put_formatted(qni_run *r, qni_buf *out, qni_value *v, const char *at, size_t n)
{
    spec s;
    double x;
    int64_t whole;
    if (n == 0) {
        return qni_print(r, v, out);
    }
    if (!read_spec(r, at, n, &s)) {
        return false;
    }
    bool text_type = s.type == '\0' || s.type == 's';
    if (v->kind == QNI_TEXT) {
        bool fine = text_type && s.align != '=' && s.sign == '\0' && !s.alternate &&
                    s.group == '\0';
        return fine ? put_text(r, out, &s, v)
                    : qni_raise(r, "a format that is not one of texts") != NULL;
    }
    if (v->kind == QNI_BOOL && text_type && s.type == 's') {
        return qni_raise(r, "a format that is not one of numbers") != NULL;
    }
    if (s.type == 'c' && qni_is_whole(v, &whole)) {
        return put_character(r, out, &s, whole);
    }
    bool as_real = s.type != '\0' && strchr("eEfFgG%", s.type) != NULL;
    if (qni_is_whole(v, &whole) && !as_real) {
        bool known = (s.type == '\0' || strchr("bdoxXn", s.type) != NULL) && s.precision < 0 &&
                     !(s.group == ',' && s.type != '\0' && s.type != 'd');
        return known ? put_whole(r, out, &s, whole)
                     : qni_raise(r, "a format that is not one of numbers") != NULL;
    }
    if (qni_is_number(v, &x)) {
        return as_real || s.type == '\0' || s.type == 'n'
                   ? put_real(r, out, &s, x)
                   : qni_raise(r, "a format that is not one of numbers") != NULL;
    }
    return qni_raise(r, "a %s has no format", qni_kind_name(v)) != NULL;
}

typedef struct formatter {
    const qni_args *args;
    size_t next;
    bool automatic, manual;
    int depth;
    bool escapes; // values of a safe text
} formatter;

// `whole`: nothing stands behind the name. Only then Python lets it count as one with or without a
// number.
static qni_value *named_value(qni_run *r, formatter *f, const char *name, size_t n, bool whole)
{
    bool digits = n > 0 && n < 9;
    size_t index = 0;
    for (size_t i = 0; i < n && digits; i++) {
        digits = isdigit((unsigned char)name[i]) != 0;
        index = 10 * index + (size_t)(name[i] - '0');
    }
    if (digits || (n == 0 && whole)) {
        f->automatic = f->automatic || n == 0;
        f->manual = f->manual || (n != 0 && whole);
        index = n == 0 ? f->next++ : index;
        if (f->automatic && f->manual) {
            return qni_raise(r, "fields with and without numbers");
        }
        return index < f->args->n ? f->args->items[index]
                                  : qni_raise(r, "not enough values for the format");
    }
    for (size_t i = 0; i < f->args->n_named; i++) {
        if (strlen(f->args->names[i]) == n && memcmp(f->args->names[i], name, n) == 0) {
            return f->args->named[i];
        }
    }
    return qni_raise(r, "the format has a name that was not given");
}

// name, then .attribute and [index]
static qni_value *field_value(qni_run *r, formatter *f, const char *at, const char *end)
{
    const char *stop = at;
    while (stop < end && *stop != '.' && *stop != '[') {
        stop++;
    }
    qni_value *v = named_value(r, f, at, (size_t)(stop - at), stop == end);
    while (v != NULL && stop < end) {
        bool index = *stop == '[';
        at = ++stop;
        while (stop < end && (index ? *stop != ']' : *stop != '.' && *stop != '[')) {
            stop++;
        }
        if (stop == at || (index && stop == end)) {
            return qni_raise(r, "a field of a format that is not complete");
        }
        qni_value *key = qni_text_at(r, at, (size_t)(stop - at));
        if (index) {
            bool digits = true;
            int64_t number = 0;
            for (const char *c = at; c < stop && digits; c++) {
                digits = isdigit((unsigned char)*c) != 0 && number < 1 << 28;
                number = 10 * number + (*c - '0');
            }
            key = digits ? qni_int(r, number) : key;
            stop++;
        }
        v = key == NULL ? NULL
            : index     ? qni_get_item(r, v, key)
                        : qni_get_attribute(r, v, at, (size_t)(stop - at));
    }
    return v;
}

static bool put_fields(qni_run *r, formatter *f, const char *at, const char *end, qni_buf *out);

// A value in a safe text: formatted, then escaped unless it is safe itself.
static bool put_escaped(qni_run *r, qni_buf *out, qni_value *v, const char *at, size_t n)
{
    if (v->kind == QNI_TEXT && v->markup) {
        return n == 0 ? qni_print(r, v, out) : qni_raise(r, "a format of a safe text") != NULL;
    }
    qni_buf buf;
    qni_put_begin(r, &buf);
    qni_value *text = qni_put_end(r, &buf, put_formatted(r, &buf, v, at, n));
    text = text != NULL ? qni_escaped(r, text) : NULL;
    return text != NULL && qni_print(r, text, out);
}

static bool put_field(qni_run *r, formatter *f, const char *at, const char *end, qni_buf *out)
{
    const char *stop = at;
    while (stop < end && *stop != '!' && *stop != ':') {
        stop += *stop == '[' && memchr(stop, ']', (size_t)(end - stop)) != NULL
                    ? (const char *)memchr(stop, ']', (size_t)(end - stop)) - stop
                    : 1;
    }
    qni_value *v = field_value(r, f, at, stop);
    if (v != NULL && stop < end && *stop == '!') {
        if (end - stop < 2 || (stop + 2 < end && stop[2] != ':') ||
            strchr("rsa", stop[1]) == NULL) {
            return qni_raise(r, "a conversion that is not known") != NULL;
        }
        v = stop[1] == 's' ? qni_to_text(r, v) : repr_text(r, v);
        stop += 2;
    }
    if (v == NULL) {
        return false;
    }
    stop += stop < end;
    qni_buf inner;
    qni_put_begin(r, &inner);
    f->depth++;
    bool fine = f->depth <= 2 ? put_fields(r, f, stop, end, &inner)
                              : qni_raise(r, "formats inside of formats") != NULL;
    f->depth--;
    const char *form = inner.data != NULL ? inner.data : "";
    fine = fine && (f->escapes ? put_escaped(r, out, v, form, inner.size)
                               : put_formatted(r, out, v, form, inner.size));
    qni_buf_end(&inner);
    return fine;
}

static bool put_fields(qni_run *r, formatter *f, const char *at, const char *end, qni_buf *out)
{
    bool fine = true;
    while (fine && at < end) {
        if (*at != '{' && *at != '}') {
            const char *stop = at;
            while (stop < end && *stop != '{' && *stop != '}') {
                stop++;
            }
            fine = qni_put(r, out, at, (size_t)(stop - at));
            at = stop;
        } else if (at + 1 < end && at[1] == at[0]) {
            fine = qni_put(r, out, at, 1);
            at += 2;
        } else if (*at == '}') {
            return qni_raise(r, "a single } in a format") != NULL;
        } else {
            int depth = 1;
            const char *stop = ++at;
            for (; stop < end && depth > 0; stop++) {
                depth += (*stop == '{') - (*stop == '}');
            }
            if (depth > 0) {
                return qni_raise(r, "a { without its } in a format") != NULL;
            }
            fine = put_field(r, f, at, stop - 1, out);
            at = stop;
        }
    }
    return fine;
}

qni_value *qni_format_text(qni_run *r, qni_value *format, const qni_args *args)
{
    formatter f = {.args = args, .escapes = format->markup};
    qni_buf out;
    qni_put_begin(r, &out);
    const char *at = format->as.text.at;
    return qni_put_end(r, &out, put_fields(r, &f, at, at + format->as.text.n, &out));
}
