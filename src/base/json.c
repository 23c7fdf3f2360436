#include "base/json.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

#include <stdbool.h>
#include <string.h>

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

static json_t *load(const char *text, size_t size, json_error_t *problem)
{
    return json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY,
                      problem);
}

// The text with ".0" behind every whole number of so many digits that it may not fit 64 bits.
static qn_status write_reals(const char *text, size_t size, qni_buf *out, qn_error *err)
{
    enum { SAFE_DIGITS = 18 };
    bool in_string = false;
    size_t copied = 0;
    for (size_t i = 0; i < size; i++) {
        size_t n = 0;
        if (in_string) {
            bool escapes = text[i] == '\\';
            in_string = escapes || text[i] != '"';
            i += escapes;
            continue;
        }
        in_string = text[i] == '"';
        while (i + n < size && text[i + n] >= '0' && text[i + n] <= '9') {
            n++;
        }
        bool goes_on = i + n < size && strchr(".eE", text[i + n]) != NULL;
        bool is_part = i > 0 && strchr(".eE+", text[i - 1]) != NULL;
        i += n > 0 ? n - 1 : 0;
        if (n > SAFE_DIGITS && !goes_on && !is_part) {
            QNI_TRY(qni_buf_add(out, text + copied, i + 1 - copied, err));
            QNI_TRY(qni_buf_add_text(out, ".0", err));
            copied = i + 1;
        }
    }
    return qni_buf_add(out, text + copied, size - copied, err);
}

static qn_status load_with_reals(const char *text, size_t size, json_t **out, json_error_t *problem,
                                 qn_error *err)
{
    qni_buf buf;
    qni_buf_begin(&buf, 2 * size + 2, "a text of numbers");
    qn_status status = write_reals(text, size, &buf, err);
    *out = status == QN_OK ? load(buf.data, buf.size, problem) : NULL;
    qni_buf_end(&buf);
    return status;
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
    *out = load(text, size, &problem);
    if (*out == NULL && json_error_code(&problem) == json_error_numeric_overflow) {
        QNI_TRY(load_with_reals(text, size, out, &problem, err));
    }
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

qn_status qni_json_read_beside(const char *folder, const char *name, size_t limit_bytes,
                               json_t **out, qn_error *err)
{
    char *path = qni_path_join(folder, name);
    *out = NULL;
    if (path == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = QN_OK;
    if (qni_file_exists(path)) {
        status = qni_json_read(path, limit_bytes, out, err);
    }
    qni_free(path);
    return status;
}
