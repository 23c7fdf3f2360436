// Answers under a grammar: the model's vocabulary as the grammar sees it, the grammar of a
// conversation's tool calls, and the mask for each next token.
#ifndef QNI_LM_CONSTRAINT_H
#define QNI_LM_CONSTRAINT_H

#include "grammar/steer.h"
#include "lm/tool_calls.h"
#include "text/tokenizer.h"

#include <pthread.h>

// What a language model keeps for its sessions, made when it is first asked for. Any thread.
typedef struct qni_constraint_cache qni_constraint_cache;

QNI_WARN_UNUSED qn_status qni_constraint_cache_create(const qni_tokenizer *tokenizer,
                                                      const qni_tool_format *format,
                                                      const qni_reasoning_format *reasoning,
                                                      int64_t vocabulary,
                                                      qni_constraint_cache **out, qn_error *err);
void qni_constraint_cache_free(qni_constraint_cache *cache); // NULL is fine

// The model's tokens: `vocabulary` of them, one for each logit. Special tokens stand for no text,
// but for those that calls and reasoning are written with. It lives as long as the cache.
QNI_WARN_UNUSED qn_status qni_constraint_vocabulary(qni_constraint_cache *cache,
                                                    qni_vocabulary **out, qn_error *err);

// The grammar of answers that may call `tools` (OpenAI's JSON): free text, in which whatever begins
// as a call ends as one that is valid for its tool's schema. `choice` is "auto", "none" (no call),
// "required" (calls alone, at least one) or the name of the one tool to call. Keywords of schemas
// that cannot be enforced are left out. Kept by contents; give it back with
// qni_constraint_release. NULL when the model has no tool format.
QNI_WARN_UNUSED qn_status qni_constraint_tools(qni_constraint_cache *cache, const json_t *tools,
                                               const char *choice, qni_engine **out, qn_error *err);
void qni_constraint_release(qni_constraint_cache *cache, qni_engine *engine); // NULL is fine

// The grammar's source for that, in the language of tags.
QNI_WARN_UNUSED qn_status qni_constraint_source(const qni_tool_format *format, const json_t *tools,
                                                const char *choice, char **out, qn_error *err);

// Whether the token stands for text of an answer: not special, or part of one of the formats (each
// may be NULL).
bool qni_token_is_text(const qni_tokenizer *tokenizer, const qni_tool_format *format,
                       const qni_reasoning_format *reasoning, int32_t id);

// One answer on its way through a grammar, complete when its budget of tokens ends (see steer.h).
typedef struct qni_constraint {
    qni_matcher matcher;
    qni_steering steering;
    const qni_tokenizer *tokenizer;
    uint32_t *mask;
} qni_constraint;

QNI_WARN_UNUSED qn_status qni_constraint_begin(qni_constraint *c, qni_constraint_cache *cache,
                                               qni_engine *engine, qn_error *err);
void qni_constraint_end(qni_constraint *c);

// Which tokens may come next: a bit for each; NULL when nothing may follow.
QNI_WARN_UNUSED qn_status qni_constraint_mask(qni_constraint *c, const uint32_t **mask,
                                              qn_error *err);

// jump.c: the tokens that must come next, whatever the model says, into `out`: text that the
// grammar forces, in just the tokens that the tokenizer gives however the answer goes on. `ids` are
// the tokens of the answer so far. They are taken. None near the end of the budget.
QNI_WARN_UNUSED qn_status qni_constraint_jump(qni_constraint *c, const int32_t *ids, size_t n,
                                              qni_ids *out, qn_error *err);

#endif
