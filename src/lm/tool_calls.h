// Tool calls in the text that a model writes: the formats that are known, and a whole answer read
// at once (call_stream.h reads it as it comes).
#ifndef QNI_LM_TOOL_CALLS_H
#define QNI_LM_TOOL_CALLS_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

// One row of tool_formats.def, which says what the fields mean.
typedef struct qni_tool_format {
    const char *name;
    const char *marker, *and_marker; // in the chat template; NULL: only as another's `also`
    const char *also;                // the row of another form that the same models write
    const char *begin, *end;
    // Calls as JSON.
    const char *name_key, *arguments_key;
    bool is_list;
    bool is_bare; // an answer may also begin with a call, without the begin
    // Calls with tags, where call_open is not NULL.
    const char *call_open, *name_close, *call_close;
    const char *between_calls; // NULL: there is one call only
    bool is_numbered;
    const char *argument_open, *key_close, *key_close_or, *between, *value_close;
    const char *key_again; // behind value_close come the key and this
    const char *text_open, *text_close, *json_open;
} qni_tool_format;

// The format whose markers the chat template contains; NULL when there is none.
const qni_tool_format *qni_tool_format_find(const char *chat_template);
// The format's other form; NULL when there is none.
const qni_tool_format *qni_tool_format_also(const qni_tool_format *format);
// Row `i` of the table; NULL behind the last.
const qni_tool_format *qni_tool_format_at(size_t i);

enum { QNI_MAX_SILENT_WORDS = 5 };

// One row of reasoning_formats.def: what a model thinks before it answers stands between the two.
typedef struct qni_reasoning_format {
    const char *name;
    const char *begin, *end;
    const char *silent[QNI_MAX_SILENT_WORDS];
} qni_reasoning_format;

// The format whose begin and end the chat template contains; NULL when there is none.
const qni_reasoning_format *qni_reasoning_format_find(const char *chat_template);
const qni_reasoning_format *qni_reasoning_format_at(size_t i);

// Does a prompt that ends like this leave the answer inside of its reasoning?
bool qni_reasoning_is_open(const qni_reasoning_format *format, const char *prompt, size_t n);

// What a text is read by.
typedef struct qni_call_options {
    const qni_tool_format *format; // NULL: there are no calls
    // The tools, in OpenAI's form (may be NULL): they tell which arguments are strings where the
    // format does not show it. They outlive the reading.
    const json_t *tools;
    const qni_reasoning_format *reasoning; // NULL: all is content
    bool reasoning_open;                   // the prompt began it
    uint64_t seed;                         // makes the calls' ids
} qni_call_options;

// The answer as an OpenAI message: {"role": "assistant", "content": text or null,
// "reasoning_content": text (when there is some), "tool_calls": [...] (when there are some)}.
// What begins as a call but does not parse stays in the content, so nothing is lost but white
// space at the ends. Release with json_decref.
QNI_WARN_UNUSED qn_status qni_tool_calls_parse(const qni_call_options *options, const char *text,
                                               size_t n, json_t **message, qn_error *err);

// call_grammar.c: the parts of one call of a tool in a format with tags, as qni_tags_read takes
// them. The tool's parameters are also the document "quince:tool/N", N being `tool`.
json_t *qni_tagged_call_parts(const qni_tool_format *format, const char *name, size_t tool,
                              const json_t *parameters);

// Is the argument written as it is, where the format writes strings so? Strings are, and nothing
// else.
bool qni_tagged_is_text(const json_t *schema);

#endif
