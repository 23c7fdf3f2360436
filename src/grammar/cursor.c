#include "grammar/cursor.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <string.h>

qn_status qni_cursor_fail(qni_cursor *r, qn_status status, const char *what)
{
    size_t line = 1;
    for (size_t i = 0; i < r->at && i < r->size; i++) {
        line += r->text[i] == '\n';
    }
    return qni_fail(r->err, status, NULL, "grammar, line %zu: %s", line, what);
}

bool qni_cursor_has(const qni_cursor *r, const char *word)
{
    size_t n = strlen(word);
    return r->size - r->at >= n && memcmp(r->text + r->at, word, n) == 0;
}

bool qni_cursor_take(qni_cursor *r, const char *word)
{
    bool found = qni_cursor_has(r, word);
    r->at += found ? strlen(word) : 0;
    return found;
}

bool qni_cursor_is_name(char c, bool first)
{
    bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
    return letter || (!first && ((c >= '0' && c <= '9') || c == '-'));
}

const char *qni_cursor_name(qni_cursor *r, size_t *n)
{
    size_t start = r->at;
    while (r->at < r->size && qni_cursor_is_name(r->text[r->at], r->at == start)) {
        r->at++;
    }
    *n = r->at - start;
    return r->text + start;
}

bool qni_cursor_number(qni_cursor *r, uint32_t *value)
{
    size_t start = r->at;
    uint64_t v = 0;
    while (r->at < r->size && r->text[r->at] >= '0' && r->text[r->at] <= '9') {
        v = v * 10 + (uint64_t)(r->text[r->at++] - '0');
        v = v > QNI_MAX_PATTERN_REPEAT ? QNI_MAX_PATTERN_REPEAT : v;
    }
    *value = (uint32_t)v;
    return r->at > start;
}

static bool take_hex(qni_cursor *r, int digits, uint32_t *code)
{
    uint32_t v = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        char c = r->at < r->size ? r->text[r->at] : '\0';
        int d = c >= '0' && c <= '9'                     ? c - '0'
                : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                         : -1;
        if (d < 0) {
            return false;
        }
        v = v << 4 | (uint32_t)d;
    }
    *code = v;
    return v <= 0x10FFFF && (v < 0xD800 || v > 0xDFFF);
}

qn_status qni_cursor_character(qni_cursor *r, uint32_t *code)
{
    static const char names[] = "ntrfv0", values[] = "\n\t\r\f\v\0";
    if (!qni_cursor_take(r, "\\")) {
        int n = r->at < r->size
                    ? qni_utf8_decode((const unsigned char *)r->text + r->at, r->size - r->at, code)
                    : -1;
        if (n < 0) {
            return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "ill-formed UTF-8");
        }
        r->at += (size_t)n;
        return QN_OK;
    }
    char c = r->at < r->size ? r->text[r->at++] : '\0';
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (name != NULL) {
        *code = (unsigned char)values[name - names];
    } else if (digits != 0) {
        return take_hex(r, digits, code)
                   ? QN_OK
                   : qni_cursor_fail(r, QN_INVALID_ARGUMENT, "a broken hexadecimal escape");
    } else if (c == '\0' || (c & 0x80) != 0 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
        return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "an unknown escape");
    } else {
        *code = (unsigned char)c;
    }
    return QN_OK;
}

qn_status qni_cursor_string(qni_cursor *r, char *out, size_t *n)
{
    r->at++;
    *n = 0;
    while (!qni_cursor_take(r, "\"")) {
        uint32_t code;
        if (r->at >= r->size || r->text[r->at] == '\n') {
            return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "a text without its closing quote");
        }
        QNI_TRY(qni_cursor_character(r, &code));
        *n += (size_t)qni_utf8_encode(code, out + *n);
    }
    return QN_OK;
}
