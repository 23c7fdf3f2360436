#include "base/error.h"

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

// A cut message ends in "..." at a character boundary, so that it stays valid UTF-8.
static void mark_cut(char *text, size_t size)
{
    size_t at = size - 4;
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80) {
        at--;
    }
    memcpy(text + at, "...", 4);
}

static void copy_where(qn_error *err, const char *where)
{
    int n = snprintf(err->where, sizeof err->where, "%s", where != NULL ? where : "");
    if (n >= (int)sizeof err->where) {
        mark_cut(err->where, sizeof err->where);
    }
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
