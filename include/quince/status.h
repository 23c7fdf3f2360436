// quince/status.h: how every call of the library reports failure.
//
// A function that can fail returns a qn_status and takes a `qn_error *` last. The error may be NULL
// when the caller wants the status alone. On QN_OK the error is left as it was.
#ifndef QUINCE_STATUS_H
#define QUINCE_STATUS_H

#include "quince/api.h"

#ifdef __cplusplus
extern "C" {
#endif

// The values are part of the ABI: they are never renumbered, new ones are added at the end.
typedef enum qn_status {
    QN_OK = 0,
    QN_INVALID_ARGUMENT = 1, // the caller passed something that the function does not take
    QN_INVALID_STATE = 2,    // calls in the wrong order
    QN_INVALID_MODEL = 3,    // the bytes of a file are broken
    QN_UNSUPPORTED = 4,      // valid, but quince does not do it
    QN_OUT_OF_MEMORY = 5,
    QN_LIMIT_EXCEEDED = 6, // a named limit of src/base/limits.h or of the caller
    QN_IO = 7,
    QN_CANCELLED = 8,
    QN_INTERNAL = 9 // a defect of quince; please report it
} qn_status;

// What went wrong, in words for a person. Plain data: copy it freely, nothing to free.
typedef struct qn_error {
    qn_status status;
    char message[512]; // UTF-8, one line, names what was given and what is allowed
    char where[256];   // the file, operation or field that the message is about; may be empty
} qn_error;

// The stable lower-case name of a status, such as "invalid_model". Never NULL.
QN_API const char *qn_status_name(qn_status status);

#ifdef __cplusplus
}
#endif
#endif
