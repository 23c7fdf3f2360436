#include "base/error.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *qn_status_name(qn_status status)
{
    switch (status) {
    case QN_OK: return "ok";
    case QN_INVALID_ARGUMENT: return "invalid_argument";
    case QN_INVALID_STATE: return "invalid_state";
    case QN_INVALID_MODEL: return "invalid_model";
    case QN_UNSUPPORTED: return "unsupported";
    case QN_OUT_OF_MEMORY: return "out_of_memory";
    case QN_LIMIT_EXCEEDED: return "limit_exceeded";
    case QN_IO: return "io";
    case QN_CANCELLED: return "cancelled";
    case QN_INTERNAL: return "internal";
    }
    return "unknown";
}

// A text that was cut ends in "..." at a character boundary.
static void mark_cut(char *text, size_t size)
{
    size_t at = size - 4;
    for (int back = 0; back < 3 && ((unsigned char)text[at] & 0xC0) == 0x80; back++) {
        at--;
    }
    memcpy(text + at, "...", 4);
}

// Makes UTF-8 of one line of what may hold a file's bytes.
static void make_plain(char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        uint32_t code;
        int length = qni_utf8_decode((unsigned char *)text + i, n - i, &code);
        if (length < 0) {
            memset(text + i, '?', (size_t)-length);
            length = -length;
        } else if (code < 0x20 || code == 0x7F) {
            text[i] = ' ';
        }
        i += (size_t)length;
    }
}

static void copy_where(qn_error *err, const char *where)
{
    int n = snprintf(err->where, sizeof err->where, "%s", where != NULL ? where : "");
    if (n >= (int)sizeof err->where) {
        mark_cut(err->where, sizeof err->where);
    }
    make_plain(err->where);
}

qn_status qni_fail(qn_error *err, qn_status status, const char *where, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    err->status = status;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n >= (int)sizeof err->message) {
        mark_cut(err->message, sizeof err->message);
    }
    make_plain(err->message);
    copy_where(err, where);
    return status;
}

qn_status qni_fail_in(qn_error *err, qn_status status, const char *where)
{
    if (err == NULL) {
        return status;
    }
    if (err->where[0] == '\0') {
        copy_where(err, where);
    }
    return status;
}
