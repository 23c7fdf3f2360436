// Answers: prompts in, text out, piece by piece.
#ifndef QNI_LM_GENERATE_H
#define QNI_LM_GENERATE_H

#include "base/buf.h"
#include "lm/session.h"

// Gets pieces of the answer, whole characters. False ends it.
typedef bool qni_text_fn(void *user, const char *text, size_t n);

typedef struct qni_generation {
    int64_t max_tokens; // 0: until the end or the context is full
    qni_sampling sampling;
    const char *const *stop;
    size_t n_stop;
    bool ignore_eos;
    bool no_jump_ahead;   // the model is asked for text too that the grammar forces
    qni_text_fn *on_text; // may be NULL
    void *user;
    const volatile int *cancel; // may be NULL
    qni_engine *grammar;        // what the answer must be; NULL: anything
} qni_generation;

typedef enum qni_finish { QNI_FINISH_STOP, QNI_FINISH_LENGTH, QNI_FINISH_CANCELLED } qni_finish;

typedef struct qni_answer {
    qni_buf text; // without special tokens and stop strings
    int32_t *ids; // as generated, the one that ended it included
    size_t n_ids, ids_capacity;
    qni_finish finish;
    qni_sync sync;
    size_t n_prompt, n_kept;
    uint64_t start_us, prompt_us, first_us, end_us; // times; first: when the first token was chosen
} qni_answer;

void qni_answer_begin(qni_answer *answer);
void qni_answer_end(qni_answer *answer);

// Continues the prompt. On failure the answer holds what came before it.
QNI_WARN_UNUSED qn_status qni_generate(qni_session *session, const int32_t *ids, size_t n,
                                       const qni_generation *generation, qni_answer *answer,
                                       qn_error *err);

// Renders the conversation with the model's chat template and encodes it. `tools` and `variables`
// may be NULL. `*reasoning`: the prompt ends inside of the answer's reasoning.
QNI_WARN_UNUSED qn_status qni_chat_prompt(const qni_lm *lm, const json_t *messages,
                                          const json_t *tools, const json_t *variables,
                                          qni_ids *out, bool *reasoning, qn_error *err);

#endif
