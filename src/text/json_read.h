// Reading the members of JSON objects that configure a tokenizer, with errors that name them.
#ifndef QNI_TEXT_JSON_READ_H
#define QNI_TEXT_JSON_READ_H

#include "base/json.h"

#include <stdbool.h>

// A member, or the value given for when it is missing or null. A value of another type is
// QN_INVALID_MODEL.
QNI_WARN_UNUSED qn_status qni_json_bool(const json_t *object, const char *key, bool missing,
                                        bool *out, qn_error *err);
QNI_WARN_UNUSED qn_status qni_json_integer(const json_t *object, const char *key, int64_t missing,
                                           int64_t *out, qn_error *err);

// NULL when missing or null; else borrowed from the object.
QNI_WARN_UNUSED qn_status qni_json_text(const json_t *object, const char *key, const char **out,
                                        size_t *n, qn_error *err);

// A member that must be there.
QNI_WARN_UNUSED qn_status qni_json_need_text(const json_t *object, const char *key,
                                             const char **out, size_t *n, qn_error *err);

// Fails with QN_UNSUPPORTED, naming it, on a member that is not among `known` (words separated by
// spaces) unless it is null.
QNI_WARN_UNUSED qn_status qni_json_only(const json_t *object, const char *what, const char *known,
                                        qn_error *err);

// "type" of an object; an empty text when there is none.
const char *qni_json_type(const json_t *object);

#endif
