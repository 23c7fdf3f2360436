// JSON through jansson, with this library's errors.
#ifndef QNI_BASE_JSON_H
#define QNI_BASE_JSON_H

#include "base/error.h"

#include <jansson.h>

// Parses `size` bytes of UTF-8. A whole number beyond 64 bits, such as the 10^30 by which
// tokenizer_config.json says that there is no limit, is read as a real. Repeated keys and nesting
// deeper than QNI_MAX_JSON_DEPTH are refused. `where` names the source in errors. Release the
// result with json_decref.
QNI_WARN_UNUSED qn_status qni_json_parse(const char *text, size_t size, const char *where,
                                         json_t **out, qn_error *err);

// The value as text (`flags` are jansson's JSON_INDENT(2) and the like); free it with qni_free.
QNI_WARN_UNUSED qn_status qni_json_print(const json_t *json, size_t flags, char **out,
                                         qn_error *err);

// Reads and parses a file of at most `limit_bytes`.
QNI_WARN_UNUSED qn_status qni_json_read(const char *path, size_t limit_bytes, json_t **out,
                                        qn_error *err);

// The same of a file in a folder, which may be missing: then *out is NULL.
QNI_WARN_UNUSED qn_status qni_json_read_beside(const char *folder, const char *name,
                                               size_t limit_bytes, json_t **out, qn_error *err);

#endif
