#include "grammar/jvalue.h"

#include "base/limits.h"
#include "base/names.h"
#include "base/utf8.h"

#include <string.h>

typedef struct reader {
    qni_arena *arena;
    const char *text;
    size_t size;
    size_t at;
    const char *where;
    uint32_t n_ids;
    int depth;
    qn_error *err;
} reader;

static qn_status bad(reader *r, const char *what)
{
    return qni_fail(r->err, QN_INVALID_ARGUMENT, r->where, "not JSON: %s at byte %zu", what, r->at);
}

static void skip_space(reader *r)
{
    while (r->at < r->size && memchr(" \t\n\r", r->text[r->at], 4) != NULL) {
        r->at++;
    }
}

static bool hex4(const reader *r, size_t at, uint32_t *value)
{
    *value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < r->size ? r->text[i] : '\0';
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0) {
            return false;
        }
        *value = *value << 4 | (uint32_t)d;
    }
    return true;
}

// After the backslash.
static qn_status read_escape(reader *r, char *out, size_t *n)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->size ? r->text[r->at] : '\0';
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    if (name != NULL) {
        out[(*n)++] = values[name - names];
        r->at++;
        return QN_OK;
    }
    uint32_t code, low;
    if (c != 'u' || !hex4(r, r->at + 1, &code)) {
        return bad(r, "an unknown escape");
    }
    r->at += 5;
    if (code >= 0xD800 && code < 0xE000) {
        bool pair = code < 0xDC00 && r->size - r->at >= 6 && r->text[r->at] == '\\' &&
                    r->text[r->at + 1] == 'u' && hex4(r, r->at + 2, &low) && low >= 0xDC00 &&
                    low < 0xE000;
        if (!pair) {
            return bad(r, "a lone surrogate");
        }
        r->at += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *n += (size_t)qni_utf8_encode(code, out + *n);
    return QN_OK;
}

// At the opening quote.
static qn_status read_string(reader *r, const char **text, size_t *size)
{
    size_t end = ++r->at;
    while (end < r->size && r->text[end] != '"') {
        end += r->text[end] == '\\' ? 2 : 1;
    }
    if (end >= r->size) {
        return bad(r, "a string without its end");
    }
    char *out = qni_arena_alloc(r->arena, end - r->at + 1);
    if (out == NULL) {
        return qni_fail_memory(r->err);
    }
    size_t n = 0;
    while (r->at < end) {
        unsigned char c = (unsigned char)r->text[r->at];
        if (c == '\\') {
            r->at++;
            QNI_TRY(read_escape(r, out, &n));
        } else if (c < 0x20) {
            return bad(r, "a control character in a string");
        } else {
            out[n++] = r->text[r->at++];
        }
    }
    r->at = end + 1;
    if (!qni_utf8_is_valid(out, n)) {
        return bad(r, "ill-formed UTF-8 in a string");
    }
    *text = out;
    *size = n;
    return QN_OK;
}

bool qni_jvalue_unescape(const char *text, size_t n, char *out, size_t *size)
{
    reader r = {.text = text, .size = n};
    *size = 0;
    while (r.at < n) {
        if (text[r.at] != '\\') {
            out[(*size)++] = text[r.at++];
            continue;
        }
        r.at++;
        if (r.at >= n || read_escape(&r, out, size) != QN_OK) {
            return false;
        }
    }
    return true;
}

static bool digits(reader *r)
{
    size_t start = r->at;
    while (r->at < r->size && r->text[r->at] >= '0' && r->text[r->at] <= '9') {
        r->at++;
    }
    return r->at > start;
}

static bool take(reader *r, char c)
{
    bool there = r->at < r->size && r->text[r->at] == c;
    r->at += there;
    return there;
}

static qn_status read_number(reader *r, qni_jvalue *v)
{
    size_t start = r->at;
    take(r, '-');
    bool fine = take(r, '0') || digits(r);
    if (fine && take(r, '.')) {
        fine = digits(r);
    }
    if (fine && (take(r, 'e') || take(r, 'E'))) {
        if (!take(r, '+')) {
            take(r, '-');
        }
        fine = digits(r);
    }
    if (!fine) {
        return bad(r, "a broken number");
    }
    if (r->at - start > QNI_MAX_NUMBER_BYTES) {
        return qni_fail(r->err, QN_LIMIT_EXCEEDED, r->where, "a number of more than %d digits",
                        QNI_MAX_NUMBER_BYTES);
    }
    v->type = QNI_J_NUMBER;
    v->text = r->text + start;
    v->size = r->at - start;
    return QN_OK;
}

static qn_status read_value(reader *r, qni_jvalue **out);

static qn_status read_key(reader *r, qni_names *keys, const char **key, size_t *size)
{
    skip_space(r);
    if (r->at >= r->size || r->text[r->at] != '"') {
        return bad(r, "a member without a name");
    }
    QNI_TRY(read_string(r, key, size));
    bool found;
    QNI_TRY(qni_names_add(keys, *key, *size, 0, &found, NULL, r->err));
    if (found) {
        return bad(r, "a repeated member");
    }
    skip_space(r);
    return take(r, ':') ? QN_OK : bad(r, "a member without a colon");
}

// After the opening bracket.
static qn_status read_parts(reader *r, qni_jvalue *v, char close, qni_names *keys)
{
    qni_jvalue **link = &v->first;
    skip_space(r);
    if (take(r, close)) {
        return QN_OK;
    }
    do {
        const char *key = NULL;
        size_t key_size = 0;
        if (close == '}') {
            QNI_TRY(read_key(r, keys, &key, &key_size));
        }
        QNI_TRY(read_value(r, link));
        (*link)->key = key;
        (*link)->key_size = key_size;
        link = &(*link)->next;
        v->n++;
        skip_space(r);
    } while (take(r, ','));
    return take(r, close) ? QN_OK : bad(r, "a missing comma or bracket");
}

static qn_status read_nested(reader *r, qni_jvalue *v)
{
    bool object = r->text[r->at++] == '{';
    v->type = object ? QNI_J_OBJECT : QNI_J_ARRAY;
    if (++r->depth > QNI_MAX_JSON_DEPTH) {
        return qni_fail(r->err, QN_LIMIT_EXCEEDED, r->where, "JSON nested deeper than %d",
                        QNI_MAX_JSON_DEPTH);
    }
    qni_names keys = {0};
    qn_status status = read_parts(r, v, object ? '}' : ']', &keys);
    qni_names_end(&keys);
    r->depth--;
    return status;
}

static qn_status read_inner(reader *r, qni_jvalue *v)
{
    static const struct {
        const char *word;
        qni_jtype type;
    } words[] = {{"null", QNI_J_NULL}, {"false", QNI_J_FALSE}, {"true", QNI_J_TRUE}};
    char c = r->at < r->size ? r->text[r->at] : '\0';
    if (c == '{' || c == '[') {
        return read_nested(r, v);
    }
    if (c == '"') {
        v->type = QNI_J_STRING;
        return read_string(r, &v->text, &v->size);
    }
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i].word);
        if (r->size - r->at >= n && memcmp(r->text + r->at, words[i].word, n) == 0) {
            v->type = words[i].type;
            r->at += n;
            return QN_OK;
        }
    }
    return read_number(r, v);
}

static qn_status read_value(reader *r, qni_jvalue **out)
{
    qni_jvalue *v = qni_arena_alloc(r->arena, sizeof *v);
    if (v == NULL) {
        return qni_fail_memory(r->err);
    }
    *out = v;
    v->id = ++r->n_ids;
    skip_space(r);
    v->begin = r->at;
    QNI_TRY(read_inner(r, v));
    v->end = r->at;
    return QN_OK;
}

qn_status qni_jvalue_parse(qni_arena *arena, const char *text, size_t size, const char *where,
                           uint32_t *n_ids, qni_jvalue **out, qn_error *err)
{
    reader r = {.arena = arena,
                .text = text,
                .size = size,
                .where = where,
                .err = err,
                .n_ids = n_ids != NULL ? *n_ids : 0};
    QNI_TRY(read_value(&r, out));
    skip_space(&r);
    if (r.at != size) {
        return bad(&r, "text after the value");
    }
    if (n_ids != NULL) {
        *n_ids = r.n_ids;
    }
    return QN_OK;
}

const qni_jvalue *qni_jvalue_member_n(const qni_jvalue *object, const char *key, size_t size)
{
    if (object == NULL || object->type != QNI_J_OBJECT) {
        return NULL;
    }
    for (const qni_jvalue *m = object->first; m != NULL; m = m->next) {
        if (m->key_size == size && memcmp(m->key, key, size) == 0) {
            return m;
        }
    }
    return NULL;
}

const qni_jvalue *qni_jvalue_member(const qni_jvalue *object, const char *key)
{
    return qni_jvalue_member_n(object, key, strlen(key));
}
