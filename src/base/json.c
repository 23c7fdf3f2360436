#include "base/json.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

#include <stdbool.h>

// Whether brackets outside of strings stand deeper than the limit. What recurses over a document
// may then recurse, the parser included.
static bool is_too_deep(const char *text, size_t size)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > QNI_MAX_JSON_DEPTH) {
                return true;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

qn_status qni_json_parse(const char *text, size_t size, const char *where, json_t **out,
                         qn_error *err)
{
    *out = NULL;
    if (is_too_deep(text, size)) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, where, "JSON nested deeper than %d levels",
                        QNI_MAX_JSON_DEPTH);
    }
    json_error_t problem;
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

static int add_text(const char *text, size_t size, void *buf)
{
    return qni_buf_add(buf, text, size, NULL) == QN_OK ? 0 : -1;
}

qn_status qni_json_print(const json_t *json, size_t flags, char **out, qn_error *err)
{
    qni_buf buf;
    qni_buf_begin(&buf, QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
    *out = NULL;
    if (json_dump_callback(json, add_text, &buf, flags | JSON_ENCODE_ANY) != 0) {
        qni_buf_end(&buf);
        return qni_fail_memory(err);
    }
    *out = qni_buf_take(&buf);
    return QN_OK;
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
