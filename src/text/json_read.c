#include "text/json_read.h"

#include <stdint.h>
#include <string.h>

static qn_status wrong_type(const char *key, const char *want, qn_error *err)
{
    return qni_fail(err, QN_INVALID_MODEL, NULL, "\"%s\" is not %s", key, want);
}

static bool is_missing(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

qn_status qni_json_bool(const json_t *object, const char *key, bool missing, bool *out,
                        qn_error *err)
{
    const json_t *value = json_object_get(object, key);
    *out = is_missing(value) ? missing : json_is_true(value);
    return is_missing(value) || json_is_boolean(value) ? QN_OK
                                                       : wrong_type(key, "true or false", err);
}

qn_status qni_json_integer(const json_t *object, const char *key, int64_t missing, int64_t *out,
                           qn_error *err)
{
    const json_t *value = json_object_get(object, key);
    *out = is_missing(value) ? missing : json_integer_value(value);
    return is_missing(value) || json_is_integer(value) ? QN_OK
                                                       : wrong_type(key, "a whole number", err);
}

qn_status qni_json_text(const json_t *object, const char *key, const char **out, size_t *n,
                        qn_error *err)
{
    const json_t *value = json_object_get(object, key);
    *out = json_string_value(value);
    *n = json_string_length(value);
    return is_missing(value) || json_is_string(value) ? QN_OK : wrong_type(key, "a text", err);
}

qn_status qni_json_need_text(const json_t *object, const char *key, const char **out, size_t *n,
                             qn_error *err)
{
    QNI_TRY(qni_json_text(object, key, out, n, err));
    return *out != NULL ? QN_OK : qni_fail(err, QN_INVALID_MODEL, NULL, "\"%s\" is missing", key);
}

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    // the empty word is found everywhere, even behind the end, and is none of them
    for (const char *at = n > 0 ? strstr(words, word) : NULL; at != NULL;
         at = strstr(at + 1, word)) {
        if ((at == words || at[-1] == ' ') && (at[n] == 0 || at[n] == ' ')) {
            return true;
        }
    }
    return false;
}

qn_status qni_json_only(const json_t *object, const char *what, const char *known, qn_error *err)
{
    const char *key;
    json_t *value;
    json_t *members = (json_t *)(uintptr_t)object; // the library's loop takes no const
    json_object_foreach (members, key, value) {
        if (!json_is_null(value) && !has_word(known, key)) {
            return qni_fail(err, QN_UNSUPPORTED, NULL, "%s: \"%s\" is not known; known are: %s",
                            what, key, known);
        }
    }
    return QN_OK;
}

const char *qni_json_type(const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    return type != NULL ? type : "";
}
