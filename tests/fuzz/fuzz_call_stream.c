// Any text as an answer, in any of the formats: where it is cut changes nothing, text without calls
// comes back whole, and arguments that tags were made into are JSON. The first bytes say which
// formats, and seed the cuts.
#include "base/buf.h"
#include "lm/call_stream.h"
#include "lm/json_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct record {
    const qni_call_options *options;
    qni_buf events; // as text, pieces of one kind joined
    qni_buf content;
    qni_buf arguments; // of the call at work
    qni_event_kind last;
    bool any, in_call;
    size_t n_calls;
} record;

static void must(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "fuzz_call_stream: %s\n", what);
        abort();
    }
}

static bool is_json(const qni_buf *text)
{
    qni_json_scan scan = {0};
    for (size_t i = 0; i < text->size; i++) {
        if (qni_json_scan_byte(&scan, (unsigned char)text->data[i]) == QNI_SCAN_BAD) {
            return false;
        }
    }
    return qni_json_scan_is_whole(&scan) && text->data[0] == '{';
}

static bool take(void *user, const qni_event *e)
{
    record *r = user;
    qn_error err;
    bool is_text = e->kind == QNI_EVENT_CONTENT || e->kind == QNI_EVENT_REASONING;
    must(is_text ? !r->in_call : r->in_call == (e->kind != QNI_EVENT_CALL_BEGIN), "out of order");
    if (!r->any || r->last != e->kind || e->n == 0) {
        must(qni_buf_printf(&r->events, &err, "\n%d ", (int)e->kind) == QN_OK, "memory");
    }
    if (e->kind == QNI_EVENT_CALL_BEGIN) {
        must(e->index == r->n_calls++ && e->name[0] != '\0', "a call's number or name");
        must(qni_buf_printf(&r->events, &err, "%s %s", e->id, e->name) == QN_OK, "memory");
        qni_buf_clear(&r->arguments);
    }
    r->in_call = e->kind == QNI_EVENT_CALL_BEGIN || e->kind == QNI_EVENT_ARGUMENTS;
    must(qni_buf_add(&r->events, e->text, e->n, &err) == QN_OK, "memory");
    if (e->kind == QNI_EVENT_ARGUMENTS) {
        must(qni_buf_add(&r->arguments, e->text, e->n, &err) == QN_OK, "memory");
    }
    if (e->kind == QNI_EVENT_CONTENT) {
        must(qni_buf_add(&r->content, e->text, e->n, &err) == QN_OK, "memory");
    }
    must(e->kind != QNI_EVENT_CALL_END || r->options->format->argument_open == NULL ||
             is_json(&r->arguments),
         "arguments that are no JSON");
    r->last = e->kind;
    r->any = true;
    return true;
}

// In pieces; whole with seed 0.
static void read_text(const qni_call_options *options, const char *text, size_t n, uint32_t seed,
                      record *r)
{
    qni_call_stream *stream;
    qn_error err;
    memset(r, 0, sizeof *r);
    r->options = options;
    qni_buf_begin(&r->content, SIZE_MAX, "SIZE_MAX");
    qni_buf_begin(&r->events, SIZE_MAX, "SIZE_MAX");
    qni_buf_begin(&r->arguments, SIZE_MAX, "SIZE_MAX");
    must(qni_call_stream_create(options, take, r, &stream, &err) == QN_OK, err.message);
    for (size_t at = 0, size; at < n; at += size) {
        size_t piece = seed == 0 ? n : 1 + (seed >> 28);
        seed = seed * 1664525u + 1013904223u;
        size = piece < n - at ? piece : n - at;
        must(qni_call_stream_push(stream, text + at, size, &err) == QN_OK, err.message);
    }
    must(qni_call_stream_flush(stream, &err) == QN_OK, err.message);
    must(!r->in_call, "a call that does not end");
    qni_call_stream_free(stream);
}

static void end(record *r)
{
    qni_buf_end(&r->events);
    qni_buf_end(&r->content);
    qni_buf_end(&r->arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char tools_text[] =
        "[{\"name\": \"f\", \"parameters\": {\"properties\": {\"t\": {\"type\": \"string\"}, "
        "\"n\": {\"type\": \"integer\"}, \"o\": {\"type\": \"object\"}}}}]";
    if (size < 3) {
        return 0;
    }
    size_t n_formats = 0, n_reasoning = 0;
    while (qni_tool_format_at(n_formats) != NULL) {
        n_formats++;
    }
    while (qni_reasoning_format_at(n_reasoning) != NULL) {
        n_reasoning++;
    }
    json_t *tools = json_loads(tools_text, 0, NULL);
    const qni_call_options options = {
        .format = qni_tool_format_at(data[0] % n_formats),
        .reasoning = qni_reasoning_format_at(data[1] % (n_reasoning + 1)),
        .reasoning_open = (data[1] & 128) != 0,
        .tools = (data[2] & 1) != 0 ? tools : NULL,
    };
    const char *text = (const char *)data + 3;
    record whole, cut;
    read_text(&options, text, size - 3, 0, &whole);
    for (uint32_t seed = 1; seed < 3; seed++) {
        read_text(&options, text, size - 3, data[2] * 2654435761u + seed, &cut);
        must(cut.events.size == whole.events.size &&
                 (cut.events.size == 0 ||
                  memcmp(cut.events.data, whole.events.data, whole.events.size) == 0),
             "where the text is cut makes a difference");
        end(&cut);
    }
    if (whole.n_calls == 0 && options.reasoning == NULL) {
        size_t n = size - 3;
        while (n > 0 && (text[n - 1] == ' ' || (text[n - 1] >= '\t' && text[n - 1] <= '\r'))) {
            n--;
        }
        must(whole.content.size == n && (n == 0 || memcmp(whole.content.data, text, n) == 0),
             "text that is lost");
    }
    end(&whole);
    json_decref(tools);
    return 0;
}
