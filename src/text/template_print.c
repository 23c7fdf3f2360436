// Values of templates as text: Python's str() and repr(), and json.dumps.
#include "base/alloc.h"
#include "base/utf8.h"
#include "text/template_run.h"
#include "text/unicode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The shortest digits that read back as the same number, laid out as Python does.
void qni_real_text(double x, char text[40])
{
    char digits[40], *e;
    if (isnan(x) || isinf(x)) {
        snprintf(text, 40, "%s", isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision, x);
        if (strtod(digits, NULL) == x) {
            break;
        }
    }
    e = strchr(digits, 'e');
    int power = (int)strtol(e + 1, NULL, 10);
    if (power < -4 || power >= 16) {
        snprintf(text, 40, "%s", digits);
        return;
    }
    int places = (int)(e - digits) - (digits[0] == '-') - 1;
    places = places > 0 ? places - 1 : 0; // digits behind the point
    places -= power;
    snprintf(text, 40, "%.*f", places < 1 ? 1 : places, x);
}

static bool is_printable(uint32_t code)
{
    unsigned hidden = QNI_CATEGORY_BIT(CC) | QNI_CATEGORY_BIT(CF) | QNI_CATEGORY_BIT(CS) |
                      QNI_CATEGORY_BIT(CO) | QNI_CATEGORY_BIT(CN) | QNI_CATEGORY_BIT(ZL) |
                      QNI_CATEGORY_BIT(ZP) | QNI_CATEGORY_BIT(ZS);
    return code == ' ' || (hidden >> qni_unicode_category(code) & 1) == 0;
}

static bool put_code_escape(qni_run *r, qni_buf *out, uint32_t code)
{
    char text[16];
    snprintf(text, sizeof text,
             code < 0x100     ? "\\x%02x"
             : code < 0x10000 ? "\\u%04x"
                              : "\\U%08x",
             code);
    return qni_put_text(r, out, text);
}

static bool print_quoted(qni_run *r, const char *s, size_t n, qni_buf *out)
{
    static const char plain[] = "\n\r\t\\", letters[] = "nrt\\";
    char quote = memchr(s, '\'', n) != NULL && memchr(s, '"', n) == NULL ? '"' : '\'';
    bool fine = qni_put(r, out, &quote, 1);
    for (size_t i = 0; i < n && fine;) {
        unsigned char c = (unsigned char)s[i];
        uint32_t code = c;
        int length = c < 0x80 ? 1 : qni_utf8_decode((const unsigned char *)s + i, n - i, &code);
        length = length < 0 ? -length : length;
        const char *at = c != '\0' ? strchr(plain, c) : NULL;
        if (at != NULL || c == (unsigned char)quote) {
            const char pair[2] = {'\\', at != NULL ? letters[at - plain] : quote};
            fine = qni_put(r, out, pair, 2);
        } else if (is_printable(code)) {
            fine = qni_put(r, out, s + i, (size_t)length);
        } else {
            fine = put_code_escape(r, out, code);
        }
        i += (size_t)length;
    }
    return fine && qni_put(r, out, &quote, 1);
}

static bool print_items(qni_run *r, const qni_value *v, qni_buf *out)
{
    bool tuple = v->kind == QNI_TUPLE;
    bool fine = qni_put_text(r, out, tuple ? "(" : "[");
    for (size_t i = 0; i < v->as.list.n && fine; i++) {
        fine = qni_put_text(r, out, i == 0 ? "" : ", ") && qni_repr(r, v->as.list.items[i], out);
    }
    return fine && qni_put_text(r, out, tuple ? v->as.list.n == 1 ? ",)" : ")" : "]");
}

static bool print_dict(qni_run *r, const qni_dict *d, qni_buf *out)
{
    bool fine = qni_put_text(r, out, "{");
    for (size_t i = 0; i < d->n && fine; i++) {
        fine = qni_put_text(r, out, i == 0 ? "" : ", ") && qni_repr(r, d->keys[i], out) &&
               qni_put_text(r, out, ": ") && qni_repr(r, d->values[i], out);
    }
    return fine && qni_put_text(r, out, "}");
}

static bool print_view(qni_run *r, const qni_value *v, qni_buf *out)
{
    const qni_dict *d = v->as.dict;
    char kind = (char)v->extra;
    bool fine = qni_put_text(r, out,
                             kind == 'k'   ? "dict_keys(["
                             : kind == 'v' ? "dict_values(["
                                           : "dict_items([");
    for (size_t i = 0; i < d->n && fine; i++) {
        qni_value *pair = kind == 'i' ? qni_pair(r, d->keys[i], d->values[i]) : NULL;
        fine = qni_put_text(r, out, i == 0 ? "" : ", ") && (kind != 'i' || pair != NULL) &&
               qni_repr(r,
                        kind == 'k'   ? d->keys[i]
                        : kind == 'v' ? d->values[i]
                                      : pair,
                        out);
    }
    return fine && qni_put_text(r, out, "])");
}

static bool print_loop(qni_run *r, qni_loop *loop, qni_buf *out)
{
    char text[80];
    int64_t n;
    if (!qni_loop_length(r, loop, &n)) {
        return false;
    }
    snprintf(text, sizeof text, "<LoopContext %lld/%lld>", (long long)loop->index0 + 1,
             (long long)n);
    return qni_put_text(r, out, text);
}

static bool repr_inside(qni_run *r, qni_value *v, qni_buf *out)
{
    char text[100];
    switch ((qni_kind)v->kind) {
    case QNI_UNDEFINED: return qni_put_text(r, out, "Undefined");
    case QNI_NONE: return qni_put_text(r, out, "None");
    case QNI_BOOL: return qni_put_text(r, out, v->as.truth ? "True" : "False");
    case QNI_INT:
        snprintf(text, sizeof text, "%lld", (long long)v->as.whole);
        return qni_put_text(r, out, text);
    case QNI_REAL: qni_real_text(v->as.real, text); return qni_put_text(r, out, text);
    case QNI_TEXT:
        return !v->markup ? print_quoted(r, v->as.text.at, v->as.text.n, out)
                          : qni_put_text(r, out, "Markup(") &&
                                print_quoted(r, v->as.text.at, v->as.text.n, out) &&
                                qni_put_text(r, out, ")");
    case QNI_LIST:
    case QNI_TUPLE: return print_items(r, v, out);
    case QNI_DICT: return print_dict(r, v->as.dict, out);
    case QNI_NAMESPACE:
        return qni_put_text(r, out, "<Namespace ") && print_dict(r, v->as.dict, out) &&
               qni_put_text(r, out, ">");
    case QNI_RANGE:
        snprintf(text, sizeof text,
                 v->as.range.step == 1 ? "range(%lld, %lld)" : "range(%lld, %lld, %lld)",
                 (long long)v->as.range.start, (long long)v->as.range.stop,
                 (long long)v->as.range.step);
        return qni_put_text(r, out, text);
    case QNI_VIEW: return print_view(r, v, out);
    case QNI_LOOP: return print_loop(r, v->as.loop, out);
    case QNI_MACRO: {
        const qni_node *node = v->as.macro->node;
        return qni_put_text(r, out, "<Macro ") &&
               (node->name == NULL ? qni_put_text(r, out, "anonymous")
                                   : print_quoted(r, node->name, strlen(node->name), out)) &&
               qni_put_text(r, out, ">");
    }
    case QNI_ITERATOR:
    case QNI_METHOD:
    case QNI_FUNCTION:
    case QNI_CYCLER:
    case QNI_JOINER:
    case QNI_SELF:
    case QNI_BLOCK:
    case QNI_MISSING: break;
    }
    return qni_put_text(r, out, "<") && qni_put_text(r, out, qni_kind_name(v)) &&
           qni_put_text(r, out, ">");
}

bool qni_repr(qni_run *r, qni_value *v, qni_buf *out)
{
    bool fine = qni_enter(r) && repr_inside(r, v, out);
    qni_leave(r);
    return fine;
}

bool qni_print(qni_run *r, qni_value *v, qni_buf *out)
{
    return v->kind == QNI_TEXT        ? qni_put(r, out, v->as.text.at, v->as.text.n)
           : v->kind == QNI_UNDEFINED ? true
                                      : qni_repr(r, v, out);
}

qni_value *qni_to_text(qni_run *r, qni_value *v)
{
    if (v->kind == QNI_TEXT && !v->markup) {
        return v;
    }
    qni_buf buf;
    qni_put_begin(r, &buf);
    return qni_put_end(r, &buf, qni_print(r, v, &buf));
}

// ---- JSON

static bool json_text(qni_run *r, const char *s, size_t n, bool ascii, qni_buf *out)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    bool fine = qni_put(r, out, "\"", 1);
    for (size_t i = 0; i < n && fine;) {
        unsigned char c = (unsigned char)s[i];
        const char *at = c != '\0' ? strchr(plain, c) : NULL;
        size_t run = i;
        while (run < n && (unsigned char)s[run] >= 0x20 && s[run] != '"' && s[run] != '\\' &&
               (!ascii || (unsigned char)s[run] < 0x80)) {
            run++;
        }
        if (run > i) {
            fine = qni_put(r, out, s + i, run - i);
            i = run;
            continue;
        }
        uint32_t code = c;
        int length = c < 0x80 ? 1 : qni_utf8_decode((const unsigned char *)s + i, n - i, &code);
        char text[16];
        if (at != NULL) {
            snprintf(text, sizeof text, "\\%c", letters[at - plain]);
        } else if (code < 0x10000) {
            snprintf(text, sizeof text, "\\u%04x", code);
        } else {
            snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xD800 + ((code - 0x10000) >> 10),
                     0xDC00 + ((code - 0x10000) & 1023));
        }
        fine = qni_put_text(r, out, text);
        i += (size_t)(length < 0 ? -length : length);
    }
    return fine && qni_put(r, out, "\"", 1);
}

static bool new_line(qni_run *r, const qni_json_form *form, int depth, qni_buf *out)
{
    bool fine = form->indent == NULL || qni_put(r, out, "\n", 1);
    for (int i = 0; form->indent != NULL && i < depth && fine; i++) {
        fine = qni_put(r, out, form->indent, form->n_indent);
    }
    return fine;
}

static bool between(qni_run *r, const qni_json_form *form, bool first, int depth, qni_buf *out)
{
    bool fine = first                ? true
                : form->item != NULL ? qni_print(r, form->item, out)
                                     : qni_put_text(r, out, form->indent == NULL ? ", " : ",");
    return fine && new_line(r, form, depth, out);
}

static bool to_json(qni_run *r, qni_value *v, const qni_json_form *form, int depth, qni_buf *out);

static bool json_scalar(qni_run *r, qni_value *v, qni_buf *out)
{
    char text[40];
    switch ((int)v->kind) {
    case QNI_NONE: return qni_put_text(r, out, "null");
    case QNI_BOOL: return qni_put_text(r, out, v->as.truth ? "true" : "false");
    case QNI_INT: return qni_repr(r, v, out);
    case QNI_REAL:
        qni_real_text(v->as.real, text);
        return qni_put_text(r, out,
                            isnan(v->as.real)   ? "NaN"
                            : isinf(v->as.real) ? v->as.real < 0 ? "-Infinity" : "Infinity"
                                                : text);
    default: (void)qni_raise(r, "a %s cannot be written as JSON", qni_kind_name(v)); return false;
    }
}

static bool json_key(qni_run *r, qni_value *key, const qni_json_form *form, qni_buf *out)
{
    if (key->kind == QNI_TEXT) {
        return json_text(r, key->as.text.at, key->as.text.n, form->ascii, out);
    }
    return qni_put_text(r, out, "\"") && json_scalar(r, key, out) && qni_put_text(r, out, "\"");
}

// Insertion sort on small ones would do, but mappings come from anywhere: merge.
static bool sort_keys(qni_run *r, const qni_dict *d, uint32_t *order, uint32_t *room, size_t n)
{
    size_t half = n / 2;
    if (n < 2) {
        return true;
    }
    if (!sort_keys(r, d, order, room, half) || !sort_keys(r, d, order + half, room, n - half)) {
        return false;
    }
    memcpy(room, order, n * sizeof *order);
    for (size_t i = 0, left = 0, right = half; i < n; i++) {
        int how = 0;
        if (left < half && right < n &&
            !qni_compare(r, d->keys[room[right]], d->keys[room[left]], &how)) {
            return false;
        }
        order[i] = right == n || (left < half && how != -1) ? room[left++] : room[right++];
    }
    return true;
}

static bool json_dict(qni_run *r, const qni_dict *d, const qni_json_form *form, int depth,
                      qni_buf *out)
{
    uint32_t *order = qni_run_alloc(r, (2 * d->n + 1) * sizeof *order);
    bool fine = order != NULL && qni_put_text(r, out, "{");
    for (size_t i = 0; fine && i < d->n; i++) {
        order[i] = (uint32_t)i;
    }
    fine = fine && (!form->sort_keys || sort_keys(r, d, order, order + d->n, d->n));
    for (size_t i = 0; i < d->n && fine; i++) {
        fine = between(r, form, i == 0, depth + 1, out) &&
               json_key(r, d->keys[order[i]], form, out) &&
               (form->member != NULL ? qni_print(r, form->member, out)
                                     : qni_put_text(r, out, ": ")) &&
               to_json(r, d->values[order[i]], form, depth + 1, out);
    }
    return fine && (d->n == 0 || new_line(r, form, depth, out)) && qni_put_text(r, out, "}");
}

static bool to_json(qni_run *r, qni_value *v, const qni_json_form *form, int depth, qni_buf *out)
{
    bool fine = qni_enter(r);
    if (fine && v->kind == QNI_TEXT) {
        fine = json_text(r, v->as.text.at, v->as.text.n, form->ascii, out);
    } else if (fine && v->kind == QNI_DICT) {
        fine = json_dict(r, v->as.dict, form, depth, out);
    } else if (fine && (v->kind == QNI_LIST || v->kind == QNI_TUPLE)) {
        fine = qni_put_text(r, out, "[");
        for (size_t i = 0; i < v->as.list.n && fine; i++) {
            fine = between(r, form, i == 0, depth + 1, out) &&
                   to_json(r, v->as.list.items[i], form, depth + 1, out);
        }
        fine = fine && (v->as.list.n == 0 || new_line(r, form, depth, out)) &&
               qni_put_text(r, out, "]");
    } else if (fine) {
        fine = json_scalar(r, v, out);
    }
    qni_leave(r);
    return fine;
}

bool qni_to_json(qni_run *r, qni_value *v, const qni_json_form *form, qni_buf *out)
{
    return to_json(r, v, form, 0, out);
}
