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
} qni_tool_format;

// The format whose marker the chat template contains; NULL when there is none.
const qni_tool_format *qni_tool_format_find(const char *chat_template);

// The answer as an OpenAI message: {"role": "assistant", "content": text or null, "tool_calls":
// [...]}. What begins as a call but does not parse stays in the content, so nothing is lost.
// `format` may be NULL. `seed` makes the calls' ids. Release with json_decref.
QNI_WARN_UNUSED qn_status qni_tool_calls_parse(const qni_tool_format *format, const char *text,
                                               uint64_t seed, json_t **message, qn_error *err);

#endif
