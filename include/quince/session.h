// quince/session.h: a Core ML language model in use: prompts, answers, chats, tool calls.
//
//     qn_lm *lm;          qn_lm_open("models/worker", NULL, &lm, &err);
//     qn_session *s;      qn_session_create(lm, NULL, &s, &err);
//     qn_result *result;  qn_session_generate(s, "Once upon a time", NULL, &result, &err);
//     puts(qn_result_text(result));
//
// A language model is opened once and shared by threads. A session is one timeline of tokens with
// its own state; one thread at a time. It is handed the whole prompt each time: what continues the
// last one runs only what is new, and the result says how much that was.
#ifndef QUINCE_SESSION_H
#define QUINCE_SESSION_H

#include "quince/grammar.h"
#include "quince/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_lm qn_lm;
typedef struct qn_session qn_session;
typedef struct qn_result qn_result;

// How to open a language model. Zero-initialize.
typedef struct qn_lm_options {
    qn_model_options model;
    // a tokenizer file or a folder with the tokenizer's files; NULL: beside the package
    const char *tokenizer;
} qn_lm_options;

// Opens a language model: a `.mlpackage` with tokenizer.json, tokenizer_config.json,
// chat_template.jinja and generation_config.json beside it, or a folder that holds these and one
// package. The contract (which input is what) is found by inspection; QN_UNSUPPORTED says what was
// looked for and what is there. `options` may be NULL.
QN_API qn_status qn_lm_open(const char *path, const qn_lm_options *options, qn_lm **out,
                            qn_error *err);
QN_API void qn_lm_close(qn_lm *lm); // NULL is fine

QN_API int64_t qn_lm_vocabulary(const qn_lm *lm);     // logits per token
QN_API int64_t qn_lm_context_length(const qn_lm *lm); // tokens that a session can hold
QN_API const char *qn_lm_contract(const qn_lm *lm);   // JSON: the contract found, and why

// The model's tokens for matchers of a grammar: as many as it has logits, its special tokens
// without text, its end tokens as stops. Made once; each call gives one more reference, freed with
// qn_vocabulary_free.
QN_API qn_status qn_lm_grammar_vocabulary(qn_lm *lm, qn_vocabulary **out, qn_error *err);

typedef struct qn_session_options {
    int64_t prefill_chunk; // tokens a prompt is run at a time; 0: the default (64, then 16, then 1)
} qn_session_options;
QN_API qn_status qn_session_create(qn_lm *lm, const qn_session_options *options, qn_session **out,
                                   qn_error *err);
QN_API void qn_session_free(qn_session *session);  // NULL is fine
QN_API void qn_session_reset(qn_session *session); // forgets the timeline

// Called with pieces of the answer as they come: whole UTF-8 characters, never cut. Of a chat, with
// its content: neither reasoning nor calls. Return false to
// stop; the result then ends with finish_reason "cancelled".
typedef bool qn_text_fn(void *user, const char *text, size_t n_bytes);

// What happens in the answer of a chat, as it comes. New kinds may be added at the end.
typedef enum qn_event_kind {
    QN_EVENT_CONTENT,     // text of the answer
    QN_EVENT_REASONING,   // text that the model thinks before it, in a block of its own
    QN_EVENT_CALL_BEGIN,  // a tool is called: index, id and name
    QN_EVENT_ARGUMENTS,   // text: a piece of that call's arguments, which are JSON
    QN_EVENT_CALL_END,    // the arguments are complete
    QN_EVENT_CALL_FAILED, // what began as that call is none; its text comes as content
} qn_event_kind;

// `text` is `n_bytes` of UTF-8, whole characters, not ended by a zero. All pointers live until the
// callback returns.
typedef struct qn_event {
    qn_event_kind kind;
    const char *text; // CONTENT, REASONING and ARGUMENTS; else NULL and 0 bytes
    size_t n_bytes;
    size_t index;     // of the call, from 0; of a call alone, as are
    const char *id;   // of CALL_BEGIN, CALL_END and CALL_FAILED; else NULL
    const char *name; // the same
} qn_event;

// Called for each event. Joined, the pieces are what the result's message says: its content, its
// reasoning_content, and its calls' arguments. A call fails only where no grammar holds it (see
// qn_generate_options) or the answer ends inside of it; the index of one that failed is not used
// again. Return false to stop, as with qn_text_fn.
typedef bool qn_event_fn(void *user, const qn_event *event);

// How to generate. Zero-initialize; zeros are the defaults, and defaults are those of
// generation_config.json.
typedef struct qn_generate_options {
    int64_t max_tokens;      // 0: until the end or the context is full
    int sample;              // 0: as generation_config.json says; 1: sample; -1: greedy
    double temperature;      // of sampling, as all up to seed. 0: generation_config.json's, else 1
    int64_t top_k;           // 0: generation_config.json's, else off; -1: off
    double top_p;            // 0: generation_config.json's, else off; 1: off
    double min_p;            // 0: generation_config.json's, else off; -1: off
    uint64_t seed;           // the same seed and prompt give the same answer
    const char *const *stop; // strings that end the answer and are not part of it; n_stop of them
    size_t n_stop;
    bool ignore_eos;
    // of a text prompt (generate): as the tokenizer's own default when true
    bool add_special_tokens;
    qn_text_fn *on_text;
    qn_event_fn *on_event;      // of a chat
    void *user;                 // of both
    const volatile int *cancel; // when not NULL and it becomes non-zero, generation ends cleanly
    // The whole answer is a text of this grammar, finished also where max_tokens or the context
    // ends it, when that leaves room. NULL: any text; and of a chat with tools, text in which
    // whatever begins as a call ends as one that is valid for its tool's schema (keywords that
    // cannot be enforced are left out).
    qn_grammar *grammar;
    // of a chat with tools: "auto" (NULL), "none", "required", or the name of the one tool to call
    const char *tool_choice;
    // Text that the grammar forces is appended without running the model for each of its tokens, in
    // the tokens that the tokenizer gives. true: the model is asked for those too.
    bool no_jump_ahead;
} qn_generate_options;

// Continues a text, or token ids. `options` may be NULL. The result is the caller's; free it.
QN_API qn_status qn_session_generate(qn_session *session, const char *text,
                                     const qn_generate_options *options, qn_result **out,
                                     qn_error *err);
QN_API qn_status qn_session_generate_ids(qn_session *session, const int32_t *ids, size_t n,
                                         const qn_generate_options *options, qn_result **out,
                                         qn_error *err);

// Answers a conversation. `messages` and `tools` are JSON arrays in OpenAI's form (tools may be
// NULL), rendered by the model's chat template; `variables` (NULL or a JSON object) are further
// template variables. The result's message is an OpenAI message: {"role": "assistant", "content":
// ..., "reasoning_content": ..., "tool_calls": [...]}, the last two where there are some.
QN_API qn_status qn_session_chat(qn_session *session, const char *messages, const char *tools,
                                 const char *variables, const qn_generate_options *options,
                                 qn_result **out, qn_error *err);

// The logits after every token of a prompt: n * vocabulary floats into `out`, row by row. Uses and
// extends the timeline as a prompt does.
QN_API qn_status qn_session_logits(qn_session *session, const int32_t *ids, size_t n, float *out,
                                   qn_error *err);

// What came out. Strings live as long as the result.
QN_API void qn_result_free(qn_result *result); // NULL is fine
// the answer without special tokens and stop strings
QN_API const char *qn_result_text(const qn_result *result);
QN_API const char *qn_result_message(const qn_result *result);           // JSON; of chat, else NULL
QN_API const int32_t *qn_result_ids(const qn_result *result, size_t *n); // the tokens generated
QN_API const char *
qn_result_finish_reason(const qn_result *result); // "stop", "length", "tool_calls", "cancelled"

// Counts and times of one answer; names as llama.cpp's server has them in `timings`.
typedef struct qn_usage {
    int64_t prompt_tokens; // of the whole prompt
    int64_t cached_tokens; // of these, already in the session's timeline
    int64_t generated_tokens;
    double ttft_ms;              // from the call to the first token
    double prompt_ms;            // running the prompt
    double predicted_ms;         // generating
    double prompt_per_second;    // tokens that were run, per second
    double predicted_per_second; // tokens after the first, per second
    const char *timeline;        // "extended", "rewound" or "rebuilt"
} qn_usage;
QN_API void qn_result_usage(const qn_result *result, qn_usage *out);

QN_API void qn_session_get_stats(const qn_session *session, qn_context_stats *out);

#ifdef __cplusplus
}
#endif
#endif
