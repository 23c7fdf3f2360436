// quince/template.h: chat templates, the Jinja language as models' templates use it, with the
// environment that transformers gives them.
//
// A template is parsed once, never changes, and is shared by threads. It runs within limits: a
// template that takes too many steps, nests too deep or writes too much is an error.
#ifndef QUINCE_TEMPLATE_H
#define QUINCE_TEMPLATE_H

#include "quince/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_template qn_template;

// Parses `size` bytes of source. `name` (NULL: "template") stands in errors, which point at line
// and column. Free the result with qn_template_free.
QN_API qn_status qn_template_parse(const char *source, size_t size, const char *name,
                                   qn_template **out, qn_error *err);

// Opens the template at `path`: a template file, a GGUF file (*.gguf), or a model's folder, in
// which chat_template.jinja, then chat_template.json, then tokenizer_config.json is looked at.
// `name` (NULL: "default") picks one where a file has several. The folder's special tokens
// (bos_token and so on) become variables. QN_INVALID_ARGUMENT when there is none.
QN_API qn_status qn_template_open(const char *path, const char *name, qn_template **out,
                                  qn_error *err);
QN_API void qn_template_free(qn_template *tmpl); // NULL is fine

QN_API const char *qn_template_source(const qn_template *tmpl); // lives as long as the template

typedef struct qn_template_options {
    bool has_now; // `now` is what strftime_now tells, in seconds since 1970; else the clock
    int64_t now;
    size_t steps;        // most statements and expressions evaluated; 0: the default
    size_t output_bytes; // most bytes written; 0: the default
} qn_template_options;

// Renders with `variables`, a JSON object of `size` bytes: messages, tools, add_generation_prompt
// and whatever else the template reads. "continue_final_message" is none of them: with true (or the
// name of a field instead of "content") the final message stays open and the text ends where that
// one does, for a model to go on with it. The text is freed with qn_free (quince/model.h).
// QN_INVALID_ARGUMENT carries what the template itself raises. `options` may be NULL.
QN_API qn_status qn_template_render(const qn_template *tmpl, const char *variables, size_t size,
                                    const qn_template_options *options, char **text,
                                    size_t *text_size, qn_error *err);

// How models with this template write tool calls, and what they think before they answer: names of
// formats, found by what the template contains. NULL: none that is known.
QN_API const char *qn_template_tool_format(const qn_template *tmpl);
QN_API const char *qn_template_reasoning_format(const qn_template *tmpl);

// Reads an answer, `size` bytes of UTF-8, as OpenAI's message: {"role": "assistant", "content":
// text or null, "reasoning_content": text (when there is some), "tool_calls": [...] (when there are
// some)}, as JSON that is freed with qn_free. What begins as a call but does not parse stays in the
// content. `tools` (a JSON array in OpenAI's form, or NULL) tell which arguments are strings where
// the format does not show it. `prompt` (or NULL) is the text that was answered: it may end inside
// of the reasoning.
QN_API qn_status qn_template_read_answer(const qn_template *tmpl, const char *prompt,
                                         const char *tools, const char *text, size_t size,
                                         char **message, qn_error *err);

#ifdef __cplusplus
}
#endif
#endif
