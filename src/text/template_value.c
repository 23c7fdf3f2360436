#include "text/template_value.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool qni_value_is_true(const json_t *v)
{
    if (v == NULL || json_is_null(v) || json_is_false(v)) {
        return false;
    }
    switch (json_typeof(v)) {
    case JSON_STRING: return json_string_length(v) != 0;
    case JSON_INTEGER: return json_integer_value(v) != 0;
    case JSON_REAL: return json_real_value(v) != 0;
    case JSON_ARRAY: return json_array_size(v) != 0;
    case JSON_OBJECT: return json_object_size(v) != 0;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL: break;
    }
    return true;
}

static bool as_number(const json_t *v, double *out)
{
    if (v == NULL || !(json_is_number(v) || json_is_boolean(v))) {
        return false;
    }
    *out = json_is_boolean(v) ? json_is_true(v) : json_number_value(v);
    return true;
}

bool qni_values_equal(const json_t *a, const json_t *b)
{
    double x;
    double y;
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (as_number(a, &x) && as_number(b, &y)) {
        return x == y;
    }
    return json_equal(a, b) != 0;
}

int qni_values_compare(const json_t *a, const json_t *b)
{
    double x;
    double y;
    if (as_number(a, &x) && as_number(b, &y)) {
        return x < y ? -1 : x > y;
    }
    // by code points, which bytes of UTF-8 are ordered like
    if (json_is_string(a) && json_is_string(b)) {
        int order = strcmp(json_string_value(a), json_string_value(b));
        return order < 0 ? -1 : order > 0;
    }
    return 2;
}

// The shortest digits that read back as the same number, as Python writes them.
static void real_text(double x, char *text, size_t size)
{
    if (isnan(x) || isinf(x)) {
        snprintf(text, size, "%s", isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, x);
        if (strtod(text, NULL) == x) {
            break;
        }
    }
    double m = fabs(x);
    if (strchr(text, 'e') != NULL && m >= 1e-4 && m < 1e16) {
        snprintf(text, size, "%.0f", x); // Python keeps positions up to 16 digits
    }
    if (strpbrk(text, ".e") == NULL) {
        size_t n = strlen(text);
        snprintf(text + n, size - n, ".0");
    }
}

static qn_status print_scalar(const json_t *v, const char *t, const char *f, const char *n,
                              qni_buf *out, qn_error *err)
{
    char text[64];
    switch (json_typeof(v)) {
    case JSON_TRUE: return qni_buf_add_text(out, t, err);
    case JSON_FALSE: return qni_buf_add_text(out, f, err);
    case JSON_NULL: return qni_buf_add_text(out, n, err);
    case JSON_INTEGER: return qni_buf_printf(out, err, "%lld", (long long)json_integer_value(v));
    case JSON_REAL:
        real_text(json_real_value(v), text, sizeof text);
        return qni_buf_add_text(out, text, err);
    case JSON_STRING:
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return QN_OK;
}

// Python's repr() of a string.
static qn_status print_quoted(const char *s, qni_buf *out, qn_error *err)
{
    char quote = strchr(s, '\'') != NULL && strchr(s, '"') == NULL ? '"' : '\'';
    QNI_TRY(qni_buf_printf(out, err, "%c", quote));
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        const char *at = strchr("\n\r\t", c);
        if (at != NULL) {
            QNI_TRY(qni_buf_printf(out, err, "\\%c", "nrt"[at - strchr("\n\r\t", '\n')]));
        } else if (c == (unsigned char)quote || c == '\\') {
            QNI_TRY(qni_buf_printf(out, err, "\\%c", c));
        } else if (c < 0x20 || c == 0x7F) {
            QNI_TRY(qni_buf_printf(out, err, "\\x%02x", c));
        } else {
            QNI_TRY(qni_buf_add(out, s, 1, err));
        }
    }
    return qni_buf_printf(out, err, "%c", quote);
}

static qn_status print_inner(const json_t *v, qni_buf *out, qn_error *err)
{
    const char *key;
    json_t *item;
    size_t i;
    bool first = true;
    if (json_is_string(v)) {
        return print_quoted(json_string_value(v), out, err);
    }
    if (json_is_array(v)) {
        QNI_TRY(qni_buf_add_text(out, "[", err));
        json_array_foreach (v, i, item) {
            QNI_TRY(qni_buf_add_text(out, i == 0 ? "" : ", ", err));
            QNI_TRY(print_inner(item, out, err));
        }
        return qni_buf_add_text(out, "]", err);
    }
    if (json_is_object(v)) {
        QNI_TRY(qni_buf_add_text(out, "{", err));
        json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
            QNI_TRY(qni_buf_add_text(out, first ? "" : ", ", err));
            first = false;
            QNI_TRY(key[0] == 1 ? qni_buf_add_text(out, key + 1, err)
                                : print_quoted(key, out, err));
            QNI_TRY(qni_buf_add_text(out, ": ", err));
            QNI_TRY(print_inner(item, out, err));
        }
        return qni_buf_add_text(out, "}", err);
    }
    return print_scalar(v, "True", "False", "None", out, err);
}

qn_status qni_value_print(const json_t *v, qni_buf *out, qn_error *err)
{
    if (v == NULL) {
        return QN_OK;
    }
    return json_is_string(v) ? qni_buf_add(out, json_string_value(v), json_string_length(v), err)
                             : print_inner(v, out, err);
}

// ---- Keys

enum { KEY_MARK = 1 };

const char *qni_value_key(const json_t *value, char room[QNI_KEY_BYTES])
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    if (value == NULL || json_is_array(value) || json_is_object(value)) {
        return NULL;
    }
    room[0] = KEY_MARK;
    if (json_is_integer(value) || json_is_boolean(value)) { // True is 1
        long long n = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
        snprintf(room + 1, QNI_KEY_BYTES - 1, "%lld", n);
    } else if (json_is_real(value)) {
        real_text(json_real_value(value), room + 1, QNI_KEY_BYTES - 1);
    } else {
        snprintf(room + 1, QNI_KEY_BYTES - 1, "None");
    }
    return room;
}

json_t *qni_value_of_key(const char *key)
{
    if (key[0] != KEY_MARK) {
        return json_string(key);
    }
    key++;
    return strcmp(key, "None") == 0       ? json_null()
           : strpbrk(key, ".ein") != NULL ? json_real(strtod(key, NULL))
                                          : json_integer(strtoll(key, NULL, 10));
}

// ---- JSON

static qn_status json_ascii(uint32_t code, qni_buf *out, qn_error *err)
{
    if (code < 0x10000) {
        return qni_buf_printf(out, err, "\\u%04x", code);
    }
    code -= 0x10000;
    return qni_buf_printf(out, err, "\\u%04x\\u%04x", 0xD800 + (code >> 10),
                          0xDC00 + (code & 1023));
}

static qn_status json_text(const char *s, size_t n, bool ascii, qni_buf *out, qn_error *err)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    QNI_TRY(qni_buf_add_text(out, "\"", err));
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *at = c != '\0' ? strchr(plain, c) : NULL;
        uint32_t code = c;
        int length = ascii && c >= 0x80
                         ? qni_utf8_decode((const unsigned char *)s + i, n - i, &code)
                         : 1;
        if (at != NULL) {
            QNI_TRY(qni_buf_printf(out, err, "\\%c", letters[at - plain]));
        } else if (c < 0x20 || (ascii && c >= 0x7F)) {
            QNI_TRY(c == 0x7F ? qni_buf_add(out, s + i, 1, err) : json_ascii(code, out, err));
        } else {
            QNI_TRY(qni_buf_add(out, s + i, 1, err));
        }
        i += (size_t)(length < 0 ? -length : length) - 1;
    }
    return qni_buf_add_text(out, "\"", err);
}

static qn_status new_line(const qni_json_form *form, int depth, qni_buf *out, qn_error *err)
{
    return form->indent < 0 ? QN_OK : qni_buf_printf(out, err, "\n%*s", form->indent * depth, "");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *item_separator(const qni_json_form *form)
{
    return form->item != NULL ? form->item : form->indent < 0 ? ", " : ",";
}

static qn_status to_json(const json_t *v, const qni_json_form *form, int depth, qni_buf *out,
                         qn_error *err);

// A key that is no text is written as the text of its JSON.
static qn_status member_to_json(const char *key, const json_t *value, const qni_json_form *form,
                                int depth, qni_buf *out, qn_error *err)
{
    if (key[0] == KEY_MARK) {
        key = strcmp(key + 1, "None") == 0 ? "null" : key + 1;
    }
    QNI_TRY(json_text(key, strlen(key), form->ascii, out, err));
    QNI_TRY(qni_buf_add_text(out, form->member != NULL ? form->member : ": ", err));
    return to_json(value, form, depth, out, err);
}

static qn_status object_to_json(const json_t *v, const qni_json_form *form, int depth, qni_buf *out,
                                qn_error *err)
{
    size_t n = json_object_size(v);
    const char **keys = qni_calloc(n + 1, sizeof *keys);
    const char *key;
    json_t *item;
    size_t i = 0;
    if (keys == NULL) {
        return qni_fail_memory(err);
    }
    json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
        keys[i++] = key;
    }
    if (form->sort_keys) {
        qsort(keys, n, sizeof *keys, by_text);
    }
    qn_status status = qni_buf_add_text(out, "{", err);
    for (i = 0; i < n && status == QN_OK; i++) {
        status = qni_buf_add_text(out, i == 0 ? "" : item_separator(form), err);
        status = status == QN_OK ? new_line(form, depth + 1, out, err) : status;
        status = status == QN_OK ? member_to_json(keys[i], json_object_get(v, keys[i]), form,
                                                  depth + 1, out, err)
                                 : status;
    }
    qni_free(keys);
    QNI_TRY(status);
    QNI_TRY(n != 0 ? new_line(form, depth, out, err) : QN_OK);
    return qni_buf_add_text(out, "}", err);
}

static qn_status to_json(const json_t *v, const qni_json_form *form, int depth, qni_buf *out,
                         qn_error *err)
{
    json_t *item;
    size_t i;
    if (json_is_string(v)) {
        return json_text(json_string_value(v), json_string_length(v), form->ascii, out, err);
    }
    if (json_is_object(v)) {
        return object_to_json(v, form, depth, out, err);
    }
    if (json_is_array(v)) {
        QNI_TRY(qni_buf_add_text(out, "[", err));
        json_array_foreach (v, i, item) {
            QNI_TRY(qni_buf_add_text(out, i == 0 ? "" : item_separator(form), err));
            QNI_TRY(new_line(form, depth + 1, out, err));
            QNI_TRY(to_json(item, form, depth + 1, out, err));
        }
        QNI_TRY(json_array_size(v) != 0 ? new_line(form, depth, out, err) : QN_OK);
        return qni_buf_add_text(out, "]", err);
    }
    return print_scalar(v, "true", "false", "null", out, err);
}

qn_status qni_value_to_json(const json_t *value, const qni_json_form *form, qni_buf *out,
                            qn_error *err)
{
    return value == NULL ? QN_OK : to_json(value, form, 0, out, err);
}
