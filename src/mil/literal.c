// Literals of parameter tables and cases: numbers, booleans, strings, and flat lists of them.
#include "mil/internal.h"

#include "base/limits.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *at;
    const char *whole;
    qni_arena *arena;
    qn_error *err;
} reader;

static qn_status bad(const reader *r, const char *wanted)
{
    return qni_fail(r->err, QN_INVALID_ARGUMENT, NULL,
                    "the literal \"%s\": expected %s at \"%.20s\"", r->whole, wanted, r->at);
}

static void skip(reader *r)
{
    while (isspace((unsigned char)*r->at)) {
        r->at++;
    }
}

static qn_status read_string(reader *r, const qni_tensor *out, int64_t i)
{
    const char *end = *r->at == '"' ? strchr(r->at + 1, '"') : NULL;
    if (end == NULL) {
        return bad(r, "a string in quotes");
    }
    char *text = qni_arena_strndup(r->arena, r->at + 1, (size_t)(end - r->at - 1));
    if (text == NULL) {
        return qni_fail_memory(r->err);
    }
    ((const char **)out->data)[i] = text;
    r->at = end + 1;
    return QN_OK;
}

static qn_status read_element(reader *r, const qni_tensor *out, int64_t i)
{
    skip(r);
    if (out->dtype == QNI_STRING) {
        return read_string(r, out, i);
    }
    if (strncmp(r->at, "true", 4) == 0 || strncmp(r->at, "false", 5) == 0) {
        qni_tensor_set_int(out, i, *r->at == 't');
        r->at += *r->at == 't' ? 4 : 5;
        return QN_OK;
    }
    char *end = NULL;
    errno = 0;
    if (qni_dtype_is_float(out->dtype)) {
        qni_tensor_set(out, i, strtod(r->at, &end));
    } else {
        int64_t v = strtoll(r->at, &end, 0);
        if (errno == ERANGE) {
            return bad(r, "an integer of at most 64 bits");
        }
        qni_tensor_set_int(out, i, v);
    }
    if (end == r->at) {
        return bad(r, qni_dtype_is_float(out->dtype) ? "a number" : "an integer");
    }
    r->at = end;
    return QN_OK;
}

// Elements of a list, by its commas outside strings.
static int64_t count_elements(const char *list)
{
    int64_t n = 0;
    bool quoted = false;
    bool any = false;
    for (const char *p = list; *p != '\0' && (quoted || *p != ']'); p++) {
        quoted = quoted != (*p == '"');
        n += !quoted && *p == ',';
        any = any || !isspace((unsigned char)*p);
    }
    return any ? n + 1 : 0;
}

qn_status qni_mil_literal(qni_arena *arena, const char *text, qni_dtype dtype, qni_tensor *out,
                          qn_error *err)
{
    reader r = {text, text, arena, err};
    skip(&r);
    bool is_list = *r.at == '[';
    int64_t n = 1;
    if (is_list) {
        r.at++;
        n = count_elements(r.at);
    }
    *out = qni_tensor_make(dtype, is_list ? 1 : 0, &n, NULL);
    out->data = qni_arena_alloc(arena, qni_tensor_bytes(out) + 1);
    if (out->data == NULL) {
        return qni_fail_memory(err);
    }
    for (int64_t i = 0; i < n; i++) {
        QNI_TRY(read_element(&r, out, i));
        skip(&r);
        if (i + 1 < n && *r.at++ != ',') {
            r.at--;
            return bad(&r, "','");
        }
    }
    if (is_list && *r.at++ != ']') {
        r.at--;
        return bad(&r, "']'");
    }
    skip(&r);
    return *r.at == '\0' ? QN_OK : bad(&r, "the end");
}
