// Calls that are written as JSON: an object with the tool's name and its arguments, or a list.
#include "lm/call_reader.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/utf8.h"

#include <string.h>

void qni_json_calls_begin(qni_call_stream *s)
{
    s->scan = (qni_json_scan){0};
    s->call_depth = 0;
    s->role = QNI_ROLE_NONE;
    s->is_after = false;
}

// ---- Arguments that are given as they come

static void emit_code(qni_call_stream *s, uint32_t c)
{
    char b[4];
    int n = qni_utf8_encode(c, b);
    qni_call_emit(s, QNI_EVENT_ARGUMENTS, b, (size_t)n);
}

// A UTF-16 unit of "\uXXXX"; halves of pairs that stand alone become U+FFFD.
static void emit_unit(qni_call_stream *s, uint32_t unit)
{
    qni_call *call = &s->call;
    bool low = unit >= 0xDC00 && unit <= 0xDFFF;
    uint32_t high = call->high;
    call->high = 0;
    if (high != 0 && low) {
        emit_code(s, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
        return;
    }
    if (high != 0) {
        emit_code(s, 0xFFFD);
    }
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        call->high = unit;
    } else {
        emit_code(s, low ? 0xFFFD : unit);
    }
}

// One byte inside of a JSON string that the scan has found right. `escape`: 0 outside of one, 1
// behind the backslash, 2 to 5 with that many digits due, less one.
static void emit_unescaped(qni_call_stream *s, char c)
{
    static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
    qni_call *call = &s->call;
    if (call->escape > 1) {
        call->code = call->code << 4 | (uint32_t)qni_hex_value(c);
        if (--call->escape == 1) {
            call->escape = 0;
            emit_unit(s, call->code);
        }
        return;
    }
    if (call->escape == 1) {
        const char *name = strchr(names, c);
        call->escape = c == 'u' ? 5 : 0;
        call->code = 0;
        if (c != 'u') {
            emit_unit(s, (unsigned char)(name != NULL ? meant[name - names] : c));
        }
        return;
    }
    if (c == '\\') {
        call->escape = 1;
        return;
    }
    if (call->high != 0) {
        call->high = 0;
        emit_code(s, 0xFFFD);
    }
    if (c != '"') { // the quotes at its ends are not part of it
        qni_call_emit(s, QNI_EVENT_ARGUMENTS, &c, 1);
    }
}

void qni_call_forward(qni_call_stream *s, size_t end)
{
    qni_call *call = &s->call;
    const char *text = s->held.data;
    if (call->form == QNI_ARGUMENTS_RAW) {
        qni_call_emit(s, QNI_EVENT_ARGUMENTS, text + call->next, end - call->next);
    }
    for (size_t i = call->next; i < end && call->form == QNI_ARGUMENTS_STRING; i++) {
        emit_unescaped(s, text[i]);
    }
    call->next = end;
}

// ---- The parts of a call

// Is the JSON string from `piece` to the quote at `end` this key? It may be written with escapes.
static bool is_key(const qni_call_stream *s, size_t end, const char *key)
{
    size_t n = strlen(key), size = end - s->piece;
    const char *text = s->held.data + s->piece;
    if (memchr(text, '\\', size) == NULL) {
        return size == n && memcmp(text, key, n) == 0;
    }
    json_t *value = NULL;
    bool same = qni_json_parse(text - 1, size + 2, "key", &value, NULL) == QN_OK &&
                json_string_length(value) == n && memcmp(json_string_value(value), key, n) == 0;
    json_decref(value);
    return same;
}

// The name from a JSON string between two places, its quotes included.
static bool take_name(qni_call_stream *s, size_t begin, size_t end)
{
    qni_buf *name = &s->call.name;
    if (name->size != 0) {
        return false;
    }
    json_t *value = NULL;
    qn_error err;
    if (qni_json_parse(s->held.data + begin, end - begin, "name", &value, &err) != QN_OK) {
        qni_call_note(s, err.status == QN_OUT_OF_MEMORY ? qni_fail_memory(s->err) : QN_OK);
        return false;
    }
    bool fine = qni_call_note(
        s, qni_buf_add(name, json_string_value(value), json_string_length(value), s->err));
    json_decref(value);
    return fine && name->size != 0;
}

// Behind a key of the call: what its value is. Without keys of the format the key is the name.
static bool key_ended(qni_call_stream *s, size_t end)
{
    const qni_tool_format *f = s->format;
    if (f->name_key == NULL) {
        s->role = QNI_ROLE_ARGUMENTS;
        return take_name(s, s->piece - 1, end + 1);
    }
    s->role = is_key(s, end, f->name_key)        ? QNI_ROLE_NAME
              : is_key(s, end, f->arguments_key) ? QNI_ROLE_ARGUMENTS
                                                 : QNI_ROLE_OTHER;
    return true;
}

static bool value_begins(qni_call_stream *s, size_t at)
{
    char c = s->held.data[at];
    s->piece = at;
    if (s->role == QNI_ROLE_NAME) {
        return c == '"';
    }
    if (s->role != QNI_ROLE_ARGUMENTS) {
        return true;
    }
    if (s->call.form != QNI_ARGUMENTS_NONE) {
        return false;
    }
    s->call.form = c == '{'   ? QNI_ARGUMENTS_RAW
                   : c == '"' ? QNI_ARGUMENTS_STRING
                              : QNI_ARGUMENTS_NONE;
    s->call.next = at;
    return s->call.form != QNI_ARGUMENTS_NONE || c == 'n'; // null: none
}

// A call's object has closed.
static bool close_call(qni_call_stream *s)
{
    qni_call *call = &s->call;
    bool none = call->form == QNI_ARGUMENTS_NONE;
    if (!call->is_begun && ((none && s->n_begin == 0) || !qni_call_begin(s))) {
        return false;
    }
    if (none) {
        qni_call_emit(s, QNI_EVENT_ARGUMENTS, "{}", 2);
    }
    qni_call_end(s);
    return true;
}

// One byte of the JSON at the place before `at`; `was` is the scan before it.
static bool watch(qni_call_stream *s, qni_scan_state was, uint32_t depth)
{
    const qni_json_scan *scan = &s->scan;
    size_t place = s->at - 1;
    char c = s->held.data[place];
    bool begins = (was == QNI_SCAN_VALUE || was == QNI_SCAN_FIRST_VALUE) &&
                  (scan->state != was || scan->depth != depth);
    if (s->call_depth == 0 && begins) {
        s->call_depth = c == '[' ? 2 : 1;
        return c == '[' || c == '{';
    }
    if (depth + 1 == s->call_depth && begins) {
        return c == '{' || c == ']'; // an element of the list, or its end
    }
    if (depth == s->call_depth && (was == QNI_SCAN_KEY || was == QNI_SCAN_FIRST_KEY) && c == '"') {
        s->piece = s->at;
        return true;
    }
    if (scan->state == QNI_SCAN_COLON && was != QNI_SCAN_COLON && depth == s->call_depth) {
        return key_ended(s, place);
    }
    if (depth == s->call_depth && begins && !value_begins(s, place)) {
        return false;
    }
    bool over = scan->depth == s->call_depth && scan->state == QNI_SCAN_AFTER;
    if (s->role == QNI_ROLE_NAME && over) {
        s->role = QNI_ROLE_NONE;
        if (!take_name(s, s->piece, s->at)) {
            return false;
        }
    }
    if (s->call.form != QNI_ARGUMENTS_NONE && s->call.name.size != 0 && !s->call.is_begun &&
        !qni_call_begin(s)) {
        return false;
    }
    return true;
}

// Gives what has come of the arguments, and notes their end.
static void pass_arguments(qni_call_stream *s)
{
    bool over = s->scan.depth <= s->call_depth && s->scan.state == QNI_SCAN_AFTER;
    if (s->role == QNI_ROLE_ARGUMENTS && s->call.form != QNI_ARGUMENTS_NONE && s->call.last == 0 &&
        over) {
        s->call.last = s->at;
    }
    if (s->call.is_begun) {
        qni_call_forward(s, s->call.last != 0 ? s->call.last : s->at);
    }
}

static qni_step after_calls(qni_call_stream *s)
{
    qni_match end = qni_call_match(s, qni_word_core(s->format->end), true);
    return end == QNI_MATCH_MORE ? QNI_STEP_MORE : QNI_STEP_DONE;
}

qni_step qni_json_calls_step(qni_call_stream *s)
{
    if (s->is_after) {
        return after_calls(s);
    }
    if (s->at == s->held.size) {
        return s->ended ? QNI_STEP_BAD : QNI_STEP_MORE;
    }
    qni_scan_state was = s->scan.state;
    uint32_t depth = s->scan.depth;
    qni_scan_result result = qni_json_scan_byte(&s->scan, (unsigned char)s->held.data[s->at++]);
    if (result == QNI_SCAN_BAD || result == QNI_SCAN_PAST || !watch(s, was, depth)) {
        return QNI_STEP_BAD;
    }
    pass_arguments(s);
    if (depth == s->call_depth && s->scan.depth + 1 == depth && !close_call(s)) {
        return QNI_STEP_BAD;
    }
    s->is_after = result == QNI_SCAN_DONE;
    return s->is_after && !s->has_given ? QNI_STEP_BAD : QNI_STEP_ON;
}
