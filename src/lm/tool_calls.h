// Tool calls in the text that a model writes.
#ifndef QNI_LM_TOOL_CALLS_H
#define QNI_LM_TOOL_CALLS_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

// One row of tool_formats.def.
typedef struct qni_tool_format {
    const char *name;
    const char *marker;
    const char *begin, *end;
    const char *name_key, *arguments_key;
    bool is_list;
    bool is_tagged; // the rest counts
    const char *call_open, *name_close, *argument_open, *key_close;
    const char *quote; // around strings; NULL: they are JSON too
    const char *value_close, *between, *call_close;
    const char *between_calls; // NULL: there is one only
} qni_tool_format;

// The format whose marker the chat template contains; NULL when there is none.
const qni_tool_format *qni_tool_format_find(const char *chat_template);

// The answer as an OpenAI message: {"role": "assistant", "content": text or null, "tool_calls":
// [...]}. What begins as a call but does not parse stays in the content, so nothing is lost.
// `format` may be NULL. `tools` (may be NULL) tell which arguments are strings where the format
// does not show it. `seed` makes the calls' ids. Release with json_decref.
QNI_WARN_UNUSED qn_status qni_tool_calls_parse(const qni_tool_format *format, const json_t *tools,
                                               const char *text, uint64_t seed, json_t **message,
                                               qn_error *err);

// tagged_calls.c: what a format with tags writes between its begin and its end.

// The parts of one call of the tool, as qni_tags_read takes them.
json_t *qni_tagged_call_parts(const qni_tool_format *format, const char *name,
                              const json_t *parameters);

// Reads the calls behind the begin into a list of {"name", "arguments"}; what stands behind the
// end, or NULL where the text is no calls.
const char *qni_tagged_calls_read(const qni_tool_format *format, const json_t *tools,
                                  const char *text, json_t *calls);

// Is the argument written as it is? Strings are, and nothing else.
bool qni_tagged_is_text(const json_t *schema);

#endif
