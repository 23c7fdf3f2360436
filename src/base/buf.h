// A growing byte buffer with a hard limit. Empty is {NULL, 0}; once used, `data` ends in a zero
// byte that `size` does not count, so text can be read as a C string. Every append either happens
// whole or not at all.
#ifndef QNI_BASE_BUF_H
#define QNI_BASE_BUF_H

#include "base/error.h"

#include <stdint.h>

typedef struct qni_buf {
    char *data;
    size_t size;
    size_t capacity;
    size_t limit_bytes;
    const char *limit_name; // named in the error when the limit is passed
} qni_buf;

void qni_buf_begin(qni_buf *buf, size_t limit_bytes, const char *limit_name);
void qni_buf_end(qni_buf *buf);
void qni_buf_clear(qni_buf *buf); // size 0, memory kept

QNI_WARN_UNUSED qn_status qni_buf_add(qni_buf *buf, const void *bytes, size_t n, qn_error *err);
QNI_WARN_UNUSED qn_status qni_buf_add_text(qni_buf *buf, const char *text, qn_error *err);
QNI_WARN_UNUSED qn_status qni_buf_printf(qni_buf *buf, qn_error *err, const char *format, ...)
    QNI_PRINTF(3, 4);

// Makes room for `n` more bytes; appends up to that many then cannot fail.
QNI_WARN_UNUSED qn_status qni_buf_reserve(qni_buf *buf, size_t n, qn_error *err);

// Hands the memory to the caller, who frees it with qni_free; the buffer is empty again. NULL if it
// was never used.
char *qni_buf_take(qni_buf *buf);

#endif
