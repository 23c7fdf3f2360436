#include "lm/call_reader.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

// Bytes that are read once more in one answer, behind begins of calls that were none. An answer
// that is made of begins and nothing else would otherwise take time by the square of its length.
enum { MAX_REREAD_BYTES = 1 << 20 };

// ---- Words

qni_word qni_word_of(const char *text)
{
    return (qni_word){text, text != NULL ? strlen(text) : 0};
}

qni_word qni_word_left(const char *text)
{
    qni_word w = qni_word_of(text);
    while (w.n > 0 && qni_call_is_blank(w.text[w.n - 1])) {
        w.n--;
    }
    return w;
}

qni_word qni_word_core(const char *text)
{
    qni_word w = qni_word_left(text);
    while (w.n > 0 && qni_call_is_blank(w.text[0])) {
        w.text++;
        w.n--;
    }
    return w;
}

qni_word qni_word_tail(const char *text)
{
    qni_word all = qni_word_of(text);
    qni_word left = qni_word_left(text);
    return (qni_word){text != NULL ? text + left.n : NULL, all.n - left.n};
}

// White space inside of a word stands for any, so that formats may be written on one line.
qni_match qni_call_match(qni_call_stream *s, qni_word word, bool blanks)
{
    const char *text = s->held.data;
    size_t at = s->at, size = s->held.size;
    for (size_t i = 0; i < word.n; blanks = false) {
        bool any = blanks || (i > 0 && qni_call_is_blank(word.text[i]));
        while (any && at < size && qni_call_is_blank(text[at])) {
            at++;
        }
        while (any && !blanks && qni_call_is_blank(word.text[i])) {
            i++;
        }
        if (at == size) {
            return s->ended ? QNI_MATCH_NO : QNI_MATCH_MORE;
        }
        if (text[at++] != word.text[i++]) {
            return QNI_MATCH_NO;
        }
    }
    s->at = at;
    return QNI_MATCH_YES;
}

// ---- Events

bool qni_call_note(qni_call_stream *s, qn_status status)
{
    s->status = s->status == QN_OK ? status : s->status;
    return status == QN_OK;
}

static void give(qni_call_stream *s, qni_event event)
{
    if (!s->is_refused && s->status == QN_OK) {
        s->is_refused = !s->on_event(s->user, &event);
    }
}

static void send_out(qni_call_stream *s)
{
    if (s->out.size != 0) {
        give(s, (qni_event){.kind = s->out_kind,
                            .text = s->out.data,
                            .n = s->out.size,
                            .index = s->n_calls != 0 ? s->n_calls - 1 : 0});
        qni_buf_clear(&s->out);
    }
}

static void give_of_call(qni_call_stream *s, qni_event_kind kind)
{
    send_out(s);
    give(s, (qni_event){.kind = kind,
                        .index = s->n_calls - 1,
                        .id = s->id,
                        .name = s->call.name.data != NULL ? s->call.name.data : ""});
}

void qni_call_emit(qni_call_stream *s, qni_event_kind kind, const char *text, size_t n)
{
    if (kind != s->out_kind) {
        send_out(s);
        s->out_kind = kind;
    }
    (void)qni_call_note(s, qni_buf_add(&s->out, text, n, s->err));
}

void qni_call_emit_quoted(qni_call_stream *s, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        char escaped[8] = {'\\', text[i]};
        size_t size = c == '"' || c == '\\' ? 2 : 1;
        if (c < 0x20) {
            size = (size_t)snprintf(escaped, sizeof escaped, c == '\n' ? "\\n" : "\\u%04x", c);
        }
        qni_call_emit(s, QNI_EVENT_ARGUMENTS, size == 1 ? text + i : escaped, size);
    }
}

// Content or reasoning. White space waits until something follows it.
static void emit_text(qni_call_stream *s, qni_event_kind kind, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (qni_call_is_blank(text[i])) {
            if (!s->skip_blanks) {
                (void)qni_call_note(s, qni_buf_add(&s->gap, text + i, 1, s->err));
            }
            continue;
        }
        s->skip_blanks = false;
        s->is_fresh = s->is_fresh && kind == QNI_EVENT_REASONING;
        if (s->gap.size != 0) {
            qni_call_emit(s, kind, s->gap.data, s->gap.size);
            qni_buf_clear(&s->gap);
        }
        qni_call_emit(s, kind, text + i, 1);
    }
}

static void enter(qni_call_stream *s, bool reasoning)
{
    s->mode = reasoning ? QNI_IN_REASONING : QNI_IN_TEXT;
    s->from = s->at;
    s->skip_blanks = true;
    qni_buf_clear(&s->gap);
}

// ---- Calls

// "call_" and nine letters or digits, as OpenAI's clients know them.
static void make_id(qni_call_stream *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t z = s->seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    size_t used = (size_t)snprintf(s->id, sizeof s->id, "call_");
    for (int i = 0; i < 9; i++, z /= 36) {
        s->id[used++] = letters[z % 36];
    }
    s->id[used] = '\0';
}

static const json_t *function_named(const json_t *tools, const char *name)
{
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i);
        const json_t *function = json_object_get(tool, "function");
        function = function != NULL ? function : tool;
        const char *its = json_string_value(json_object_get(function, "name"));
        if (its != NULL && strcmp(its, name) == 0) {
            return function;
        }
    }
    return NULL;
}

const json_t *qni_call_schema(const json_t *tools, const char *name, const char *key)
{
    const json_t *parameters = json_object_get(function_named(tools, name), "parameters");
    return json_object_get(json_object_get(parameters, "properties"), key);
}

bool qni_call_begin(qni_call_stream *s)
{
    const qni_buf *name = &s->call.name;
    if (name->size == 0 || memchr(name->data, '\0', name->size) != NULL) {
        return false;
    }
    // Without a begin any JSON would be a call: it has to name a tool.
    if (s->n_begin == 0 && json_array_size(s->options.tools) != 0 &&
        function_named(s->options.tools, name->data) == NULL) {
        return false;
    }
    make_id(s);
    s->n_calls++;
    s->call.is_begun = true;
    s->is_fresh = false;
    give_of_call(s, QNI_EVENT_CALL_BEGIN);
    return true;
}

static void clear_call(qni_call_stream *s)
{
    qni_buf name = s->call.name, keys = s->call.keys;
    qni_buf_clear(&name);
    qni_buf_clear(&keys);
    s->call = (qni_call){.name = name, .keys = keys};
}

void qni_call_end(qni_call_stream *s)
{
    give_of_call(s, QNI_EVENT_CALL_END);
    s->has_given = true;
    s->from = s->at;
    clear_call(s);
}

static void begin_calls(qni_call_stream *s)
{
    s->mode = QNI_IN_CALLS;
    s->n_begin = s->at - s->from;
    s->has_given = false;
    clear_call(s);
    if (s->format->call_open != NULL) {
        qni_tagged_calls_begin(s);
    } else {
        qni_json_calls_begin(s);
    }
}

// What was read as calls is none: its begin is text, and so is what follows, unless another begin
// stands in it.
static void fail_calls(qni_call_stream *s)
{
    size_t n = s->has_given ? 0 : s->n_begin;
    if (s->call.is_begun) {
        give_of_call(s, QNI_EVENT_CALL_FAILED);
    }
    clear_call(s);
    s->mode = QNI_IN_TEXT;
    s->is_fresh = false;
    s->n_reread += s->held.size - s->from - n;
    if (s->n_reread > MAX_REREAD_BYTES) {
        n = s->held.size - s->from;
    }
    emit_text(s, QNI_EVENT_CONTENT, s->held.data + s->from, n);
    s->from += n;
}

// ---- Reading

// The text at `from`: something begins, or its first byte is an event. False: more is needed.
static bool text_step(qni_call_stream *s)
{
    const qni_reasoning_format *reasoning = s->is_fresh ? s->options.reasoning : NULL;
    qni_match calls = QNI_MATCH_NO, begin = QNI_MATCH_NO, end = QNI_MATCH_NO;
    s->at = s->from;
    if (s->format != NULL) {
        calls = qni_call_match(s, qni_word_core(s->format->begin), false);
    }
    if (calls == QNI_MATCH_YES) {
        begin_calls(s);
        return true;
    }
    if (reasoning != NULL) {
        begin = qni_call_match(s, qni_word_of(reasoning->begin), false);
        // Some models close what they did not begin, to say that they did not think.
        end = begin != QNI_MATCH_YES ? qni_call_match(s, qni_word_of(reasoning->end), false) : end;
    }
    if (begin == QNI_MATCH_YES || end == QNI_MATCH_YES) {
        enter(s, begin == QNI_MATCH_YES);
        return true;
    }
    if (calls == QNI_MATCH_MORE || begin == QNI_MATCH_MORE || end == QNI_MATCH_MORE) {
        return false;
    }
    if (s->is_fresh && s->format != NULL && s->format->is_bare && s->held.data[s->from] == '{') {
        begin_calls(s);
        return true;
    }
    emit_text(s, QNI_EVENT_CONTENT, s->held.data + s->from, 1);
    s->from++;
    return true;
}

static bool reasoning_step(qni_call_stream *s)
{
    s->at = s->from;
    switch (qni_call_match(s, qni_word_of(s->options.reasoning->end), false)) {
    case QNI_MATCH_YES: enter(s, false); return true;
    case QNI_MATCH_MORE: return false;
    case QNI_MATCH_NO: break;
    }
    emit_text(s, QNI_EVENT_REASONING, s->held.data + s->from, 1);
    s->from++;
    return true;
}

static bool calls_step(qni_call_stream *s)
{
    qni_step step = s->format->call_open != NULL ? qni_tagged_calls_step(s)
                                                 : qni_json_calls_step(s);
    switch (step) {
    case QNI_STEP_DONE:
        clear_call(s);
        s->mode = QNI_IN_TEXT;
        s->from = s->at;
        return true;
    case QNI_STEP_BAD: fail_calls(s); return true;
    case QNI_STEP_ON: return true;
    case QNI_STEP_MORE: break;
    }
    return false;
}

static void run(qni_call_stream *s)
{
    for (bool on = true; on && s->status == QN_OK && !s->is_refused;) {
        bool empty = s->from == s->held.size;
        switch (s->mode) {
        case QNI_IN_TEXT: on = !empty && text_step(s); break;
        case QNI_IN_REASONING: on = !empty && reasoning_step(s); break;
        case QNI_IN_CALLS: on = calls_step(s); break;
        }
    }
    if (s->mode != QNI_IN_CALLS && s->from == s->held.size) {
        qni_buf_clear(&s->held);
        s->from = s->at = 0;
    }
}

// Byte by byte, so that where the text is cut makes no difference.
qn_status qni_call_stream_push(qni_call_stream *s, const char *text, size_t n, qn_error *err)
{
    s->err = err;
    for (size_t i = 0; i < n && s->status == QN_OK && !s->is_refused; i++) {
        (void)qni_call_note(s, qni_buf_add(&s->held, text + i, 1, err));
        run(s);
    }
    send_out(s);
    return s->status;
}

qn_status qni_call_stream_flush(qni_call_stream *s, qn_error *err)
{
    s->err = err;
    s->ended = true;
    run(s);
    send_out(s);
    return s->status;
}

qn_status qni_call_stream_create(const qni_call_options *options, qni_event_fn *on_event,
                                 void *user, qni_call_stream **out, qn_error *err)
{
    qni_call_stream *s = qni_calloc(1, sizeof *s);
    if (s == NULL) {
        return qni_fail_memory(err);
    }
    s->options = *options;
    s->format = options->format;
    s->on_event = on_event;
    s->user = user;
    s->seed = options->seed;
    s->is_fresh = true;
    qni_buf *const buffers[] = {&s->held, &s->out, &s->gap, &s->call.name, &s->call.keys};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        qni_buf_begin(buffers[i], QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
    }
    if (options->reasoning != NULL && options->reasoning_open) {
        enter(s, true);
    }
    *out = s;
    return QN_OK;
}

void qni_call_stream_free(qni_call_stream *s)
{
    if (s != NULL) {
        qni_buf_end(&s->held);
        qni_buf_end(&s->out);
        qni_buf_end(&s->gap);
        qni_buf_end(&s->call.name);
        qni_buf_end(&s->call.keys);
        qni_free(s);
    }
}
