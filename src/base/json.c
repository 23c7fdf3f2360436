#include "base/json.h"

#include "base/alloc.h"
#include "base/file.h"

qn_status qni_json_parse(const char *text, size_t size, const char *where, json_t **out,
                         qn_error *err)
{
    json_error_t problem;
    // Jansson's own limit on nesting (2,048) bounds the recursion.
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY,
                      &problem);
    if (*out != NULL) {
        return QN_OK;
    }
    if (json_error_code(&problem) == json_error_out_of_memory) {
        return qni_fail_memory(err);
    }
    return qni_fail(err, QN_INVALID_MODEL, where, "not valid JSON: line %d, column %d: %s",
                    problem.line, problem.column, problem.text);
}

qn_status qni_json_read(const char *path, size_t limit_bytes, json_t **out, qn_error *err)
{
    char *text;
    size_t size;
    *out = NULL;
    QNI_TRY(qni_file_read(path, limit_bytes, &text, &size, err));
    qn_status status = qni_json_parse(text, size, path, out, err);
    qni_free(text);
    return status;
}
