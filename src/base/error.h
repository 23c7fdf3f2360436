// Raising and forwarding errors.
#ifndef QNI_BASE_ERROR_H
#define QNI_BASE_ERROR_H

#include "quince/status.h"

#include <stddef.h>

#if defined(__GNUC__)
#define QNI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define QNI_WARN_UNUSED       __attribute__((warn_unused_result))
#else
#define QNI_PRINTF(fmt, args)
#define QNI_WARN_UNUSED
#endif

// Fills `err` (may be NULL) and returns `status`. `where` may be NULL. Messages longer than the
// field end in "..."; control characters and bytes that are not UTF-8 are replaced, so that what a
// file holds can be quoted.
qn_status qni_fail(qn_error *err, qn_status status, const char *where, const char *format, ...)
    QNI_PRINTF(4, 5);

// Sets `where` of an error raised deeper down, if it has none yet. Returns err's status, or
// `status` when err is NULL.
qn_status qni_fail_in(qn_error *err, qn_status status, const char *where);

static inline qn_status qni_fail_memory(qn_error *err)
{
    return qni_fail(err, QN_OUT_OF_MEMORY, NULL, "out of memory");
}

// Forwards a failure of `call` to the caller.
#define QNI_TRY(call)                      \
    do {                                   \
        qn_status qni_try_status = (call); \
        if (qni_try_status != QN_OK) {     \
            return qni_try_status;         \
        }                                  \
    } while (0)

#endif
