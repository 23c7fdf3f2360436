// Chat templates: the Jinja language as models' templates use it, with the environment that
// transformers gives them (trim_blocks, lstrip_blocks, loop controls, tojson without escaping,
// raise_exception, strftime_now).
//
// A template is parsed once, never changes, and is shared by threads.
#ifndef QNI_TEXT_TEMPLATE_H
#define QNI_TEXT_TEMPLATE_H

#include "base/buf.h"

#include <jansson.h>

typedef struct qni_template qni_template;

// Bounds of one rendering; zero takes the default of base/limits.h.
typedef struct qni_template_limits {
    size_t steps; // statements and expressions evaluated
    size_t output_bytes;
} qni_template_limits;

// Parses `n` bytes of source. `where` names the template in errors, which point at line and column.
QNI_WARN_UNUSED qn_status qni_template_parse(const char *source, size_t n, const char *where,
                                             qni_template **out, qn_error *err);
void qni_template_free(qni_template *tmpl); // NULL is fine

const char *qni_template_source(const qni_template *tmpl);

// Appends the text to `out`. `variables` is an object; `now` (seconds since 1970, local time) is
// what strftime_now tells. QN_INVALID_ARGUMENT for what the template itself raises.
QNI_WARN_UNUSED qn_status qni_template_render(const qni_template *tmpl, const json_t *variables,
                                              const qni_template_limits *limits, int64_t now,
                                              qni_buf *out, qn_error *err);

int64_t qni_template_now(void);

// The chat template of a model's folder: chat_template.jinja, then chat_template.json, then
// chat_template in tokenizer_config.json (a string, or a list of which `name` or "default" is
// taken). `*out` is NULL when there is none. `*variables` gets the special tokens that transformers
// passes along (bos_token, eos_token ...); json_decref it.
QNI_WARN_UNUSED qn_status qni_template_find(const char *folder, const char *name,
                                            qni_template **out, json_t **variables, qn_error *err);

// The same of a GGUF file: tokenizer.chat_template, or with a name tokenizer.chat_template.NAME.
QNI_WARN_UNUSED qn_status qni_template_find_gguf(const char *path, const char *name,
                                                 qni_template **out, json_t **variables,
                                                 qn_error *err);

#endif
