// Inside of the call stream: its state, and what its two readers of calls (call_json.c for calls as
// JSON, call_tags.c for calls with tags) share.
#ifndef QNI_LM_CALL_READER_H
#define QNI_LM_CALL_READER_H

#include "base/buf.h"
#include "lm/call_stream.h"
#include "lm/json_scan.h"

typedef enum qni_step {
    QNI_STEP_MORE, // the next byte is needed
    QNI_STEP_ON,   // go on: the state has changed
    QNI_STEP_DONE, // the calls are over; what stands at `at` is text again
    QNI_STEP_BAD,  // no call stands here
} qni_step;

typedef enum qni_match { QNI_MATCH_NO, QNI_MATCH_YES, QNI_MATCH_MORE } qni_match;

// White space as Python's str.strip takes it from ASCII text, which is what readers of these
// formats do.
static inline bool qni_call_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// A piece of a word of the format, mostly without the white space around it.
typedef struct qni_word {
    const char *text;
    size_t n;
} qni_word;

typedef enum qni_tag_state {
    QNI_TAG_CALL,        // call_open is due
    QNI_TAG_NAME_BEGIN,  // the tool's name is due
    QNI_TAG_NAME,        // in it
    QNI_TAG_NUMBER,      // in the call's number
    QNI_TAG_OBJECT_OPEN, // key_close is due, and then
    QNI_TAG_OBJECT,      // arguments that are one JSON object
    QNI_TAG_ARGUMENT,    // an argument or the call's end is due
    QNI_TAG_KEY,         // in an argument's key
    QNI_TAG_VALUE,       // behind its close
    QNI_TAG_TEXT,        // in a value that is text
    QNI_TAG_TEXT_END,    // behind it, value_close is due
    QNI_TAG_JSON,        // in a value that is JSON
    QNI_TAG_JSON_END,    // behind it, value_close is due
    QNI_TAG_CLOSE,       // call_close is due
    QNI_TAG_AFTER,       // the end or another call is due
} qni_tag_state;

// How the arguments' bytes become the pieces that are given.
typedef enum qni_arguments_form {
    QNI_ARGUMENTS_NONE,
    QNI_ARGUMENTS_RAW,    // as they are
    QNI_ARGUMENTS_STRING, // what the JSON string says
} qni_arguments_form;

// One call of the answer. Places are those in `held`.
typedef struct qni_call {
    qni_buf name; // as a C string, once it is known
    bool is_begun;
    qni_arguments_form form;
    size_t next;     // the arguments' first byte that was not given yet
    size_t last;     // the place behind them; 0: they go on
    uint32_t escape; // of a string: what of "\uXXXX" has come (see call_json.c)
    uint32_t code;
    uint32_t high;             // a high surrogate that waits for its other half
    qni_buf keys;              // of a call with tags: those that have come, as C strings
    size_t key_begin, key_end; // the argument at work
    const json_t *schema;      // of it; NULL: unknown
} qni_call;

struct qni_call_stream {
    qni_call_options options;
    const qni_tool_format *format;
    qni_event_fn *on_event;
    void *user;
    qn_error *err;
    qn_status status; // the first failure of memory
    bool is_refused;
    bool ended; // no more bytes come

    // Text from the first byte that has not become an event. `from` is that byte's place, `at` is
    // how far it has been read.
    qni_buf held;
    size_t from, at;
    size_t n_reread; // bytes that were read once more behind what looked like a call

    enum { QNI_IN_TEXT, QNI_IN_REASONING, QNI_IN_CALLS } mode;
    bool is_fresh;  // no content and no call has come
    size_t n_begin; // bytes of the begin of the calls at work
    bool has_given; // a call of theirs has ended

    // Pieces that go out together, and white space that waits for what follows.
    qni_event_kind out_kind;
    qni_buf out, gap;
    bool skip_blanks; // none has come since the beginning of the reasoning, or the end of it

    size_t n_calls; // begun so far
    uint64_t seed;
    char id[16];

    // The readers' own.
    qni_call call;
    qni_json_scan scan;
    uint32_t call_depth; // containers that are open inside of a call; 0: not known yet
    enum { QNI_ROLE_NONE, QNI_ROLE_NAME, QNI_ROLE_ARGUMENTS, QNI_ROLE_OTHER } role;
    size_t piece;  // where the key or value at work began
    bool is_after; // the JSON is whole, the end is due
    qni_tag_state tag;
    bool is_streamed; // the value's bytes were given as they came
    size_t piece_end; // of a JSON value
    const char *word; // the value, where Python writes it differently
};

// Whether the word stands at `at`, which moves behind it then. With `blanks`, white space in front
// of it is passed over.
qni_match qni_call_match(qni_call_stream *s, qni_word word, bool blanks);
qni_word qni_word_of(const char *text);   // all of it; none for NULL
qni_word qni_word_core(const char *text); // without white space around it
qni_word qni_word_left(const char *text); // without white space behind it
qni_word qni_word_tail(const char *text); // the white space behind it

// Keeps the first failure, which ends the reading. Did it go well?
bool qni_call_note(qni_call_stream *s, qn_status status);

void qni_call_emit(qni_call_stream *s, qni_event_kind kind, const char *text, size_t n);
void qni_call_emit_quoted(qni_call_stream *s, const char *text, size_t n); // escaped, no quotes

// The call's name is known and its arguments come: CALL_BEGIN. False: it cannot be a name.
bool qni_call_begin(qni_call_stream *s);
// CALL_END; what was read so far will not be read again.
void qni_call_end(qni_call_stream *s);
// Gives the arguments' bytes before the place `end`.
void qni_call_forward(qni_call_stream *s, size_t end);

// What a tool of that name says of the key; NULL: nothing.
const json_t *qni_call_schema(const json_t *tools, const char *name, const char *key);

void qni_json_calls_begin(qni_call_stream *s);
qni_step qni_json_calls_step(qni_call_stream *s);
void qni_tagged_calls_begin(qni_call_stream *s);
qni_step qni_tagged_calls_step(qni_call_stream *s);

#endif
