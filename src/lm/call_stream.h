// An answer read as it comes: its content, its reasoning, and its tool calls as OpenAI streams
// them, the name first and then the pieces of the arguments' JSON.
//
// The events depend on the text alone, not on where it is cut: joined, the pieces of each kind are
// the same for every way of pushing it. A byte that may begin a call (or reasoning, or the end of
// it) is held back only as long as it may still do so. White space at the end of the content, at
// both ends of reasoning and behind it, is left out.
//
// A call begins when its tool's name and the beginning of its arguments are known. Its pieces,
// joined, are one JSON object when CALL_END comes (where the format writes the object as a string:
// what that string holds). When the text goes on as no call can, or ends too early, CALL_FAILED
// comes instead: who has shown the call already drops it, and its whole text, the begin included,
// comes as content. A number that was used is not used again.
//
// One thread at a time.
#ifndef QNI_LM_CALL_STREAM_H
#define QNI_LM_CALL_STREAM_H

#include "lm/tool_calls.h"

typedef enum qni_event_kind {
    QNI_EVENT_CONTENT,     // text
    QNI_EVENT_REASONING,   // text
    QNI_EVENT_CALL_BEGIN,  // index, id, name
    QNI_EVENT_ARGUMENTS,   // index, text: a piece of the arguments
    QNI_EVENT_CALL_END,    // index
    QNI_EVENT_CALL_FAILED, // index
} qni_event_kind;

typedef struct qni_event {
    qni_event_kind kind;
    const char *text; // `n` bytes, not ended by a zero; whole characters where those pushed are
    size_t n;
    size_t index; // of the call, from 0
    const char *id, *name;
} qni_event;

// False ends the stream: no more events come.
typedef bool qni_event_fn(void *user, const qni_event *event);

typedef struct qni_call_stream qni_call_stream;

QNI_WARN_UNUSED qn_status qni_call_stream_create(const qni_call_options *options,
                                                 qni_event_fn *on_event, void *user,
                                                 qni_call_stream **out, qn_error *err);
void qni_call_stream_free(qni_call_stream *stream); // NULL is fine

QNI_WARN_UNUSED qn_status qni_call_stream_push(qni_call_stream *stream, const char *text, size_t n,
                                               qn_error *err);
// The text is over: what was held back comes.
QNI_WARN_UNUSED qn_status qni_call_stream_flush(qni_call_stream *stream, qn_error *err);

#endif
