#include "base/buf.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qni_buf_begin(qni_buf *buf, size_t limit_bytes, const char *limit_name)
{
    *buf = (qni_buf){.limit_bytes = limit_bytes, .limit_name = limit_name};
}

void qni_buf_end(qni_buf *buf)
{
    qni_free(buf->data);
    qni_buf_begin(buf, buf->limit_bytes, buf->limit_name);
}

void qni_buf_clear(qni_buf *buf)
{
    buf->size = 0;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

qn_status qni_buf_reserve(qni_buf *buf, size_t n, qn_error *err)
{
    if (n > buf->limit_bytes || buf->size > buf->limit_bytes - n) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "%s: %zu + %zu bytes pass the limit of %zu",
                        buf->limit_name, buf->size, n, buf->limit_bytes);
    }
    if (qni_grow(&buf->data, &buf->capacity, buf->size + n + 1, 1) != 0) {
        return qni_fail_memory(err);
    }
    return QN_OK;
}

qn_status qni_buf_add(qni_buf *buf, const void *bytes, size_t n, qn_error *err)
{
    QNI_TRY(qni_buf_reserve(buf, n, err));
    if (n != 0) {
        memcpy(buf->data + buf->size, bytes, n);
    }
    buf->size += n;
    buf->data[buf->size] = '\0';
    return QN_OK;
}

qn_status qni_buf_add_text(qni_buf *buf, const char *text, qn_error *err)
{
    return qni_buf_add(buf, text, strlen(text), err);
}

qn_status qni_buf_printf(qni_buf *buf, qn_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        return qni_fail(err, QN_INTERNAL, NULL, "a text could not be formatted");
    }
    QNI_TRY(qni_buf_reserve(buf, (size_t)n, err));
    va_start(args, format);
    vsnprintf(buf->data + buf->size, (size_t)n + 1, format, args);
    va_end(args);
    buf->size += (size_t)n;
    return QN_OK;
}

char *qni_buf_take(qni_buf *buf)
{
    char *data = buf->data;
    qni_buf_begin(buf, buf->limit_bytes, buf->limit_name);
    return data;
}
