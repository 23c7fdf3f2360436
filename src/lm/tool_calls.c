#include "lm/tool_calls.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "lm/call_stream.h"

#include <ctype.h>
#include <string.h>

// clang-format off
static const qni_tool_format formats[] = {
#define QNI_TOOL_FORMAT(id, ...) {.name = #id, __VA_ARGS__},
#include "lm/tool_formats.def"
#undef QNI_TOOL_FORMAT
};

static const qni_reasoning_format reasoning_formats[] = {
#define QNI_REASONING_FORMAT(id, ...) {.name = #id, __VA_ARGS__},
#include "lm/reasoning_formats.def"
#undef QNI_REASONING_FORMAT
};
// clang-format on

const qni_tool_format *qni_tool_format_at(size_t i)
{
    return i < sizeof formats / sizeof *formats ? &formats[i] : NULL;
}

const qni_tool_format *qni_tool_format_find(const char *chat_template)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const qni_tool_format *f = &formats[i];
        if (f->marker != NULL && strstr(chat_template, f->marker) != NULL &&
            (f->and_marker == NULL || strstr(chat_template, f->and_marker) != NULL)) {
            return f;
        }
    }
    return NULL;
}

const qni_tool_format *qni_tool_format_also(const qni_tool_format *format)
{
    for (size_t i = 0; format->also != NULL && i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, format->also) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

const qni_reasoning_format *qni_reasoning_format_at(size_t i)
{
    return i < sizeof reasoning_formats / sizeof *reasoning_formats ? &reasoning_formats[i] : NULL;
}

const qni_reasoning_format *qni_reasoning_format_find(const char *chat_template)
{
    for (size_t i = 0; i < sizeof reasoning_formats / sizeof *reasoning_formats; i++) {
        const qni_reasoning_format *f = &reasoning_formats[i];
        if (strstr(chat_template, f->begin) != NULL && strstr(chat_template, f->end) != NULL) {
            return f;
        }
    }
    return NULL;
}

bool qni_reasoning_is_open(const qni_reasoning_format *format, const char *prompt, size_t n)
{
    while (n > 0 && isspace((unsigned char)prompt[n - 1])) {
        n--;
    }
    size_t m = format != NULL ? strlen(format->begin) : 0;
    return m != 0 && n >= m && memcmp(prompt + n - m, format->begin, m) == 0;
}

// ---- A whole answer

// The message as its events make it.
typedef struct builder {
    qni_buf content, reasoning, arguments;
    json_t *calls;
    qn_status status;
    qn_error *err;
} builder;

static bool note(builder *b, qn_status status)
{
    b->status = b->status == QN_OK ? status : b->status;
    return b->status == QN_OK;
}

static bool add_call(builder *b, const qni_event *e)
{
    json_t *call = json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", e->id, "type", "function",
                             "function", "name", e->name, "arguments", "");
    bool fine = call != NULL && json_array_append_new(b->calls, call) == 0;
    qni_buf_clear(&b->arguments);
    return note(b, fine ? QN_OK : qni_fail_memory(b->err));
}

static bool end_call(builder *b)
{
    json_t *call = json_array_get(b->calls, json_array_size(b->calls) - 1);
    json_t *text = json_stringn(b->arguments.data != NULL ? b->arguments.data : "",
                                b->arguments.size);
    bool fine = json_object_set_new(json_object_get(call, "function"), "arguments", text) == 0;
    return note(b, fine ? QN_OK : qni_fail_memory(b->err));
}

static bool build(void *user, const qni_event *e)
{
    builder *b = user;
    switch (e->kind) {
    case QNI_EVENT_CONTENT: return note(b, qni_buf_add(&b->content, e->text, e->n, b->err));
    case QNI_EVENT_REASONING: return note(b, qni_buf_add(&b->reasoning, e->text, e->n, b->err));
    case QNI_EVENT_CALL_BEGIN: return add_call(b, e);
    case QNI_EVENT_ARGUMENTS: return note(b, qni_buf_add(&b->arguments, e->text, e->n, b->err));
    case QNI_EVENT_CALL_END: return end_call(b);
    case QNI_EVENT_CALL_FAILED:
        return json_array_remove(b->calls, json_array_size(b->calls) - 1) == 0;
    }
    return false;
}

static qn_status finish(const builder *b, json_t **message)
{
    const qni_buf *content = &b->content, *reasoning = &b->reasoning;
    bool calls = json_array_size(b->calls) != 0;
    json_t *text = content->size != 0 ? json_stringn(content->data, content->size)
                   : calls            ? json_null()
                                      : json_string("");
    *message = json_pack("{s:s, s:o}", "role", "assistant", "content", text);
    bool fine = *message != NULL;
    if (fine && reasoning->size != 0) {
        fine = json_object_set_new(*message, "reasoning_content",
                                   json_stringn(reasoning->data, reasoning->size)) == 0;
    }
    if (fine && calls) {
        fine = json_object_set(*message, "tool_calls", b->calls) == 0;
    }
    if (!fine) {
        json_decref(*message);
        *message = NULL;
    }
    return fine ? QN_OK : qni_fail_memory(b->err);
}

qn_status qni_tool_calls_parse(const qni_call_options *options, const char *text, size_t n,
                               json_t **message, qn_error *err)
{
    builder b = {.calls = json_array(), .err = err};
    qni_call_stream *stream = NULL;
    qni_buf *const buffers[] = {&b.content, &b.reasoning, &b.arguments};
    for (size_t i = 0; i < 3; i++) {
        qni_buf_begin(buffers[i], QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
    }
    *message = NULL;
    qn_status status = b.calls != NULL ? qni_call_stream_create(options, build, &b, &stream, err)
                                       : qni_fail_memory(err);
    if (status == QN_OK) {
        status = qni_call_stream_push(stream, text, n, err);
    }
    if (status == QN_OK) {
        status = qni_call_stream_flush(stream, err);
    }
    status = status == QN_OK ? b.status : status;
    if (status == QN_OK) {
        status = finish(&b, message);
    }
    qni_call_stream_free(stream);
    json_decref(b.calls);
    for (size_t i = 0; i < 3; i++) {
        qni_buf_end(buffers[i]);
    }
    return status;
}
