// Calls that are written with tags around names and values. Their arguments become JSON on the way.
#include "lm/call_reader.h"

#include "base/json.h"

#include <string.h>

enum { MAX_NAME_BYTES = 512 }; // of a tool or an argument

void qni_tagged_calls_begin(qni_call_stream *s)
{
    s->tag = QNI_TAG_CALL;
}

static qni_step to(qni_call_stream *s, qni_tag_state tag)
{
    s->tag = tag;
    return QNI_STEP_ON;
}

// The word must stand here, after white space perhaps.
static qni_step expect(qni_call_stream *s, qni_word word, qni_tag_state next)
{
    switch (qni_call_match(s, word, true)) {
    case QNI_MATCH_YES: return to(s, next);
    case QNI_MATCH_MORE: return QNI_STEP_MORE;
    case QNI_MATCH_NO: break;
    }
    return QNI_STEP_BAD;
}

static qni_step more(const qni_call_stream *s)
{
    return s->ended ? QNI_STEP_BAD : QNI_STEP_MORE;
}

static void emit(qni_call_stream *s, const char *text)
{
    qni_call_emit(s, QNI_EVENT_ARGUMENTS, text, strlen(text));
}

// ---- Names

static qni_step begin_name(qni_call_stream *s, qni_tag_state tag)
{
    s->piece = s->at;
    return to(s, tag);
}

// Passes over white space. MORE where nothing follows it yet.
static qni_step skip_blanks(qni_call_stream *s)
{
    while (s->at < s->held.size && qni_call_is_blank(s->held.data[s->at])) {
        s->at++;
    }
    return s->at < s->held.size ? QNI_STEP_ON : more(s);
}

static qni_step begin_tool_name(qni_call_stream *s)
{
    qni_step step = skip_blanks(s);
    return step == QNI_STEP_ON ? begin_name(s, QNI_TAG_NAME) : step;
}

// The tool's name: up to its close or, where that is white space, up to what is no name.
static qni_step in_name(qni_call_stream *s)
{
    qni_word close = qni_word_core(s->format->name_close);
    const qni_tool_format *f = s->format;
    if (s->at - s->piece > MAX_NAME_BYTES) {
        return QNI_STEP_BAD;
    }
    size_t end = s->at;
    bool over = false;
    if (close.n != 0) {
        qni_match m = qni_call_match(s, close, false);
        over = m == QNI_MATCH_YES;
        if (m == QNI_MATCH_MORE) {
            return QNI_STEP_MORE;
        }
    }
    if (!over) {
        if (s->at == s->held.size && !(s->ended && close.n == 0)) {
            return more(s);
        }
        char c = s->at < s->held.size ? s->held.data[s->at] : ' ';
        bool stop = qni_call_is_blank(c) || c == '<' || c == '{' || c == '[' || c == '"' ||
                    c == '\0';
        if (!stop || (c == '[' && close.n != 0)) {
            s->at++;
            return QNI_STEP_ON;
        }
        if (close.n != 0 || end == s->piece || c == '{' || c == '"') {
            return QNI_STEP_BAD;
        }
    }
    if (!qni_call_note(
            s, qni_buf_add(&s->call.name, s->held.data + s->piece, end - s->piece, s->err))) {
        return QNI_STEP_BAD;
    }
    return to(s, f->argument_open != NULL ? QNI_TAG_ARGUMENT
                 : f->is_numbered         ? QNI_TAG_NUMBER
                                          : QNI_TAG_OBJECT_OPEN);
}

static qni_step in_number(qni_call_stream *s)
{
    if (s->at == s->held.size) {
        return more(s);
    }
    bool digit = s->held.data[s->at] >= '0' && s->held.data[s->at] <= '9';
    s->at += digit;
    return digit ? QNI_STEP_ON : to(s, QNI_TAG_OBJECT_OPEN);
}

// ---- Arguments that are one JSON object

static qni_step in_object(qni_call_stream *s)
{
    qni_call *call = &s->call;
    if (call->form == QNI_ARGUMENTS_NONE) {
        qni_step step = skip_blanks(s);
        if (step != QNI_STEP_ON) {
            return step;
        }
        char c = s->held.data[s->at];
        call->form = c == '{' ? QNI_ARGUMENTS_RAW : QNI_ARGUMENTS_STRING;
        call->next = s->at;
        s->scan = (qni_json_scan){0};
        return (c == '{' || c == '"') && qni_call_begin(s) ? QNI_STEP_ON : QNI_STEP_BAD;
    }
    if (s->at == s->held.size) {
        return more(s);
    }
    qni_scan_result r = qni_json_scan_byte(&s->scan, (unsigned char)s->held.data[s->at++]);
    if (r == QNI_SCAN_BAD) {
        return QNI_STEP_BAD;
    }
    qni_call_forward(s, s->at);
    return r == QNI_SCAN_DONE ? to(s, QNI_TAG_CLOSE) : QNI_STEP_ON;
}

// ---- Arguments one by one

static qni_step next_argument(qni_call_stream *s)
{
    const qni_tool_format *f = s->format;
    qni_word close = qni_word_core(f->call_close);
    bool first = s->call.keys.size == 0;
    size_t before = s->at;
    if (close.n != 0) {
        qni_match m = qni_call_match(s, close, true);
        if (m != QNI_MATCH_NO) {
            s->at = before;
            return m == QNI_MATCH_YES ? to(s, QNI_TAG_CLOSE) : QNI_STEP_MORE;
        }
    }
    qni_match m = first ? QNI_MATCH_YES : qni_call_match(s, qni_word_core(f->between), true);
    if (m == QNI_MATCH_YES) {
        m = qni_call_match(s, qni_word_core(f->argument_open), true);
    }
    if (m == QNI_MATCH_YES) {
        return begin_name(s, QNI_TAG_KEY);
    }
    s->at = before;
    return m == QNI_MATCH_MORE ? QNI_STEP_MORE : close.n == 0 ? to(s, QNI_TAG_CLOSE) : QNI_STEP_BAD;
}

static bool has_key(const qni_buf *keys, const char *key, size_t n)
{
    for (size_t at = 0; at < keys->size; at += strlen(keys->data + at) + 1) {
        if (strlen(keys->data + at) == n && memcmp(keys->data + at, key, n) == 0) {
            return true;
        }
    }
    return false;
}

// Notes the key, whose text goes up to `end`, and writes it. False: it is none, or came before.
static bool take_key(qni_call_stream *s, size_t end)
{
    qni_call *call = &s->call;
    size_t begin = s->piece;
    while (s->format->argument_open[0] == '\0' && begin < end &&
           qni_call_is_blank(s->held.data[begin])) {
        begin++;
    }
    const char *text = s->held.data + begin;
    size_t n = end - begin;
    if (n == 0 || memchr(text, '\0', n) != NULL || has_key(&call->keys, text, n) ||
        (!call->is_begun && !qni_call_begin(s))) {
        return false;
    }
    emit(s, call->keys.size == 0 ? "{\"" : ", \"");
    qni_call_emit_quoted(s, text, n);
    emit(s, "\": ");
    size_t place = call->keys.size;
    if (!qni_call_note(s, qni_buf_add(&call->keys, text, n, s->err)) ||
        !qni_call_note(s, qni_buf_add(&call->keys, "", 1, s->err))) {
        return false;
    }
    call->schema = qni_call_schema(s->options.tools, call->name.data, call->keys.data + place);
    call->key_begin = begin;
    call->key_end = end;
    return true;
}

static qni_step in_key(qni_call_stream *s)
{
    qni_word close = qni_word_core(s->format->key_close);
    size_t end = s->at;
    if (s->at - s->piece > MAX_NAME_BYTES) {
        return QNI_STEP_BAD;
    }
    switch (qni_call_match(s, close, false)) {
    case QNI_MATCH_MORE: return QNI_STEP_MORE;
    case QNI_MATCH_YES: return take_key(s, end) ? to(s, QNI_TAG_VALUE) : QNI_STEP_BAD;
    case QNI_MATCH_NO: break;
    }
    if (s->at == s->held.size) {
        return more(s);
    }
    s->at++;
    return QNI_STEP_ON;
}

static qni_step begin_text(qni_call_stream *s)
{
    emit(s, "\"");
    return to(s, QNI_TAG_TEXT);
}

static qni_step begin_json(qni_call_stream *s)
{
    s->scan = (qni_json_scan){0};
    s->piece = s->at;
    s->is_streamed = false;
    s->word = NULL;
    return to(s, QNI_TAG_JSON);
}

// Behind a key's close: which kind of value comes.
static qni_step begin_value(qni_call_stream *s)
{
    const qni_tool_format *f = s->format;
    bool bare = f->text_open != NULL && f->text_open[0] == '\0';
    qni_word tail = qni_word_tail(f->key_close);
    if (!bare && f->text_open != NULL) {
        qni_match text = qni_call_match(s, qni_word_of(f->text_open), true);
        if (text == QNI_MATCH_YES) {
            return begin_text(s);
        }
        qni_match json = qni_call_match(s, qni_word_of(f->json_open), true);
        return text == QNI_MATCH_MORE || json == QNI_MATCH_MORE ? QNI_STEP_MORE
               : json == QNI_MATCH_YES                          ? begin_json(s)
                                                                : QNI_STEP_BAD;
    }
    // The white space behind the close is the format's, if it is there.
    if (qni_call_match(s, tail, false) == QNI_MATCH_MORE) {
        return QNI_STEP_MORE;
    }
    return bare && s->call.schema != NULL && qni_tagged_is_text(s->call.schema) ? begin_text(s)
                                                                                : begin_json(s);
}

// What ends a text that stands here: its own close, or the value's.
static qni_match match_text_end(qni_call_stream *s)
{
    const qni_tool_format *f = s->format;
    size_t before = s->at;
    bool own = f->text_close != NULL;
    qni_match m = qni_call_match(
        s, own ? qni_word_of(f->text_close) : qni_word_left(f->value_close), false);
    if (m == QNI_MATCH_YES && !own && f->key_again != NULL) {
        const qni_word key = {s->held.data + s->call.key_begin,
                              s->call.key_end - s->call.key_begin};
        m = qni_call_match(s, key, false);
        m = m == QNI_MATCH_YES ? qni_call_match(s, qni_word_left(f->key_again), false) : m;
    }
    s->at = m == QNI_MATCH_YES ? s->at : before;
    return m;
}

static qni_step in_text(qni_call_stream *s)
{
    switch (match_text_end(s)) {
    case QNI_MATCH_MORE: return QNI_STEP_MORE;
    case QNI_MATCH_YES:
        emit(s, "\"");
        return to(s, s->format->text_close != NULL ? QNI_TAG_TEXT_END : QNI_TAG_ARGUMENT);
    case QNI_MATCH_NO: break;
    }
    if (s->at == s->held.size) {
        return more(s);
    }
    qni_call_emit_quoted(s, s->held.data + s->at++, 1);
    return QNI_STEP_ON;
}

// A value that was to be JSON is not. Where text and JSON look the same it is text.
static qni_step no_json(qni_call_stream *s)
{
    const char *open = s->format->text_open;
    if (open == NULL || open[0] != '\0' || s->is_streamed) {
        return QNI_STEP_BAD;
    }
    s->at = s->piece;
    return begin_text(s);
}

// JSON's words as Python writes them.
static qni_step python_word(qni_call_stream *s)
{
    static const struct {
        const char *theirs, *ours;
    } words[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        qni_match m = qni_call_match(s, qni_word_of(words[i].theirs), false);
        if (m == QNI_MATCH_YES) {
            s->word = words[i].ours;
            return to(s, QNI_TAG_JSON_END);
        }
        if (m == QNI_MATCH_MORE) {
            return QNI_STEP_MORE;
        }
    }
    return QNI_STEP_BAD;
}

static void stream_json(qni_call_stream *s)
{
    const char *open = s->format->text_open;
    bool sure = open == NULL || open[0] != '\0' || s->call.schema != NULL;
    if (!s->is_streamed && sure && s->scan.depth != 0) { // a container, and text is no choice
        s->is_streamed = true;
        s->call.next = s->piece;
    }
    if (s->is_streamed) {
        qni_call_emit(s, QNI_EVENT_ARGUMENTS, s->held.data + s->call.next, s->at - s->call.next);
        s->call.next = s->at;
    }
}

static qni_step in_json(qni_call_stream *s)
{
    if (s->at == s->held.size) {
        if (s->ended) {
            return no_json(s);
        }
        return QNI_STEP_MORE;
    }
    if (s->at == s->piece) {
        qni_step word = python_word(s);
        if (word != QNI_STEP_BAD) {
            return word;
        }
    }
    switch (qni_json_scan_byte(&s->scan, (unsigned char)s->held.data[s->at])) {
    case QNI_SCAN_BAD: return no_json(s);
    case QNI_SCAN_PAST: s->piece_end = s->at; return to(s, QNI_TAG_JSON_END);
    case QNI_SCAN_DONE:
        s->piece_end = ++s->at;
        stream_json(s);
        return to(s, QNI_TAG_JSON_END);
    case QNI_SCAN_MORE: break;
    }
    s->at++;
    stream_json(s);
    return QNI_STEP_ON;
}

// Behind a JSON value: it counts once what closes it has come.
static qni_step end_json(qni_call_stream *s)
{
    size_t before = s->at;
    const qni_tool_format *f = s->format;
    qni_match m = qni_call_match(s, qni_word_core(f->value_close), true);
    if (m == QNI_MATCH_YES && f->key_again != NULL) {
        s->at = before;
        while (qni_call_is_blank(s->held.data[s->at])) {
            s->at++;
        }
        m = match_text_end(s);
    }
    if (m != QNI_MATCH_YES) {
        s->at = before;
        return m == QNI_MATCH_MORE ? QNI_STEP_MORE : no_json(s);
    }
    if (s->word != NULL) {
        emit(s, s->word);
    } else if (!s->is_streamed) {
        qni_call_emit(s, QNI_EVENT_ARGUMENTS, s->held.data + s->piece, s->piece_end - s->piece);
    }
    return to(s, QNI_TAG_ARGUMENT);
}

// ---- The end of a call

// A call that nothing closes is over with the end, which then has to come.
static qni_step close_call(qni_call_stream *s)
{
    const qni_tool_format *f = s->format;
    qni_word close = qni_word_core(f->call_close);
    bool by_end = close.n == 0 && f->between_calls == NULL;
    qni_step step = expect(s, by_end ? qni_word_core(f->end) : close, QNI_TAG_AFTER);
    if (step != QNI_STEP_ON) {
        return step;
    }
    if (!s->call.is_begun && !qni_call_begin(s)) {
        return QNI_STEP_BAD;
    }
    if (f->argument_open != NULL) {
        emit(s, s->call.keys.size == 0 ? "{}" : "}");
    }
    qni_call_end(s);
    return by_end ? QNI_STEP_DONE : QNI_STEP_ON;
}

// Behind a call: the end, another call, or text without an end, which is forgiven.
static qni_step after_call(qni_call_stream *s)
{
    const qni_tool_format *f = s->format;
    qni_word between = qni_word_core(f->between_calls);
    size_t before = s->at;
    qni_match end = qni_call_match(s, qni_word_core(f->end), true);
    if (end == QNI_MATCH_YES || f->between_calls == NULL) {
        return end == QNI_MATCH_MORE ? QNI_STEP_MORE : QNI_STEP_DONE;
    }
    qni_match next = qni_call_match(s, between, true);
    if (between.n == 0) {
        next = qni_call_match(s, qni_word_core(f->call_open), true);
        s->at = before;
    }
    if (next == QNI_MATCH_YES) {
        return to(s, QNI_TAG_CALL);
    }
    return end == QNI_MATCH_MORE || next == QNI_MATCH_MORE ? QNI_STEP_MORE : QNI_STEP_DONE;
}

qni_step qni_tagged_calls_step(qni_call_stream *s)
{
    switch (s->tag) {
    case QNI_TAG_CALL: return expect(s, qni_word_core(s->format->call_open), QNI_TAG_NAME_BEGIN);
    case QNI_TAG_NAME_BEGIN: return begin_tool_name(s);
    case QNI_TAG_NAME: return in_name(s);
    case QNI_TAG_NUMBER: return in_number(s);
    case QNI_TAG_OBJECT_OPEN: return expect(s, qni_word_core(s->format->key_close), QNI_TAG_OBJECT);
    case QNI_TAG_OBJECT: return in_object(s);
    case QNI_TAG_ARGUMENT: return next_argument(s);
    case QNI_TAG_KEY: return in_key(s);
    case QNI_TAG_VALUE: return begin_value(s);
    case QNI_TAG_TEXT: return in_text(s);
    case QNI_TAG_TEXT_END:
        return expect(s, qni_word_core(s->format->value_close), QNI_TAG_ARGUMENT);
    case QNI_TAG_JSON: return in_json(s);
    case QNI_TAG_JSON_END: return end_json(s);
    case QNI_TAG_CLOSE: return close_call(s);
    case QNI_TAG_AFTER: return after_call(s);
    }
    return QNI_STEP_BAD;
}
