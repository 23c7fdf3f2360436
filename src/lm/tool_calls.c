#include "lm/tool_calls.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const qni_tool_format formats[] = {
#define QNI_TOOL_FORMAT(name, marker, begin, end, name_key, arguments_key, is_list) \
    {#name, marker, begin, end, name_key, arguments_key, is_list,                   \
     false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
#define QNI_TOOL_FORMAT_TAGGED(name, marker, begin, end, call, name_close, argument, key_close, \
                               quote, value_close, between, call_close, between_calls)          \
    {#name, marker, begin, end, "name", "arguments", false,                                     \
     true, call, name_close, argument, key_close, quote, value_close, between, call_close,      \
     between_calls},
#include "lm/tool_formats.def"
#undef QNI_TOOL_FORMAT_TAGGED
#undef QNI_TOOL_FORMAT
};
// clang-format on

const qni_tool_format *qni_tool_format_find(const char *chat_template)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strstr(chat_template, formats[i].marker) != NULL) {
            return &formats[i];
        }
    }
    return NULL;
}

typedef struct parser {
    const qni_tool_format *format;
    const json_t *tools;
    json_t *calls;
    qni_buf content;
    uint64_t seed;
    qn_error *err;
} parser;

// "call_" and nine letters or digits, as OpenAI's clients know them.
static void make_id(parser *p, char *id, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t z = p->seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    size_t used = (size_t)snprintf(id, size, "call_");
    for (int i = 0; i < 9 && used + 1 < size; i++, z /= 36) {
        id[used++] = letters[z % 36];
    }
    id[used] = '\0';
}

// One {"name": ..., "arguments": ...}. False when it is not that.
static bool add_call(parser *p, json_t *call)
{
    const char *name = json_string_value(json_object_get(call, p->format->name_key));
    json_t *arguments = json_object_get(call, p->format->arguments_key);
    if (name == NULL) {
        return false;
    }
    char *text = NULL;
    if (json_is_string(arguments)) {
        text = qni_strdup(json_string_value(arguments));
    } else if (arguments == NULL) {
        text = qni_strdup("{}");
    } else if (qni_json_print(arguments, JSON_ENCODE_ANY, &text, NULL) != QN_OK) {
        return false;
    }
    char id[32];
    make_id(p, id, sizeof id);
    json_t *made = text != NULL ? json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", id, "type",
                                            "function", "function", "name", name, "arguments", text)
                                : NULL;
    qni_free(text);
    return made != NULL && json_array_append_new(p->calls, made) == 0;
}

static bool add_calls(parser *p, const char *text, size_t n)
{
    json_t *value = NULL;
    size_t before = json_array_size(p->calls);
    if (qni_json_parse(text, n, "tool call", &value, NULL) != QN_OK) {
        return false;
    }
    bool ok = true;
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value) && ok; i++) {
            ok = add_call(p, json_array_get(value, i));
        }
    } else {
        ok = add_call(p, value);
    }
    json_decref(value);
    while (!ok && json_array_size(p->calls) > before) {
        json_array_remove(p->calls, json_array_size(p->calls) - 1);
    }
    return ok;
}

// The calls behind a begin; what stands behind them, or NULL where they are none.
static const char *take_calls(parser *p, const char *inner)
{
    if (p->format->is_tagged) {
        json_t *calls = json_array();
        const char *after = qni_tagged_calls_read(p->format, p->tools, inner, calls);
        for (size_t i = 0; after != NULL && i < json_array_size(calls); i++) {
            after = add_call(p, json_array_get(calls, i)) ? after : NULL;
        }
        json_decref(calls);
        return after;
    }
    const char *end = p->format->end[0] != '\0' ? strstr(inner, p->format->end) : NULL;
    size_t n = end != NULL ? (size_t)(end - inner) : strlen(inner);
    return !add_calls(p, inner, n) ? NULL : end != NULL ? end + strlen(p->format->end) : inner + n;
}

static qn_status walk(parser *p, const char *text)
{
    while (*text != '\0') {
        const char *begin = p->format != NULL ? strstr(text, p->format->begin) : NULL;
        if (begin == NULL) {
            return qni_buf_add_text(&p->content, text, p->err);
        }
        QNI_TRY(qni_buf_add(&p->content, text, (size_t)(begin - text), p->err));
        const char *inner = begin + strlen(p->format->begin);
        const char *after = take_calls(p, inner);
        if (after == NULL) { // no calls: text like all else
            QNI_TRY(qni_buf_add(&p->content, begin, (size_t)(inner - begin), p->err));
        }
        text = after != NULL ? after : inner;
    }
    return QN_OK;
}

static qn_status finish(parser *p, json_t **message)
{
    size_t n = p->content.size;
    while (n > 0 && isspace((unsigned char)p->content.data[n - 1])) {
        n--;
    }
    bool calls = json_array_size(p->calls) != 0;
    json_t *content = n != 0 || !calls ? json_stringn(n != 0 ? p->content.data : "", n)
                                       : json_null();
    *message = json_pack("{s:s, s:o}", "role", "assistant", "content", content);
    if (*message != NULL && calls && json_object_set(*message, "tool_calls", p->calls) != 0) {
        json_decref(*message);
        *message = NULL;
    }
    return *message != NULL ? QN_OK : qni_fail_memory(p->err);
}

qn_status qni_tool_calls_parse(const qni_tool_format *format, const json_t *tools, const char *text,
                               uint64_t seed, json_t **message, qn_error *err)
{
    parser p = {.format = format, .tools = tools, .calls = json_array(), .seed = seed, .err = err};
    qni_buf_begin(&p.content, QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
    qn_status status = p.calls != NULL ? walk(&p, text) : qni_fail_memory(err);
    if (status == QN_OK) {
        status = finish(&p, message);
    }
    json_decref(p.calls);
    qni_buf_end(&p.content);
    return status;
}
