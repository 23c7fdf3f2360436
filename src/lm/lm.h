// A language model in use: the model behind a contract, its tokenizer, its chat template. Opened
// once, shared.
#ifndef QNI_LM_LM_H
#define QNI_LM_LM_H

#include "lm/constraint.h"
#include "lm/contract.h"
#include "lm/sampler.h"
#include "lm/tool_calls.h"
#include "text/template.h"
#include "text/tokenizer.h"

#include <jansson.h>

typedef struct qni_lm {
    qni_runner *runner;
    const qni_model_info *info;
    qni_contract contract;
    qni_tokenizer *tokenizer;
    qni_template *chat_template;           // NULL: the model has none
    json_t *template_variables;            // bos_token and its kin
    const qni_tool_format *tool_format;    // NULL: the template shows none that is known
    const qni_reasoning_format *reasoning; // the same
    qni_sampling defaults;                 // of generation_config.json
    qni_constraint_cache *constraints;
} qni_lm;

// Opens the package at `path`, or the one package in the folder `path`, with `table`. `tokenizer`
// may be NULL: the files are looked for beside the package.
QNI_WARN_UNUSED qn_status qni_lm_open(const qni_runner_table *table, const char *path,
                                      const qni_runner_options *options, const char *tokenizer,
                                      qni_lm **out, qn_error *err);
void qni_lm_close(qni_lm *lm); // NULL is fine

#endif
