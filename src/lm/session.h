// One timeline of tokens over a runner: the tokens whose keys and values the caches hold. It is
// handed the whole prompt each time; whether it extends what is there, goes back, or begins anew is
// its decision, and it reports which.
//
// One thread at a time. After it is warm, generating a token allocates nothing.
#ifndef QNI_LM_SESSION_H
#define QNI_LM_SESSION_H

#include "lm/lm.h"

typedef struct qni_session qni_session;

// What qni_session_sync did with the timeline.
typedef enum qni_sync {
    QNI_SYNC_EXTENDED, // everything that was there is part of the prompt
    QNI_SYNC_REWOUND,  // a common beginning was kept
    QNI_SYNC_REBUILT,  // nothing of use was there
} qni_sync;

// `chunk`: tokens that a prompt is run at a time; 0: the sizes that suit best.
QNI_WARN_UNUSED qn_status qni_session_create(const qni_lm *lm, int64_t chunk, qni_session **out,
                                             qn_error *err);
void qni_session_free(qni_session *session); // NULL is fine
void qni_session_reset(qni_session *session);

const qni_lm *qni_session_lm(const qni_session *session);
int64_t qni_session_length(const qni_session *session); // tokens in the timeline

// Makes the timeline the `n` tokens given (n > 0), running what it does not hold. `*n_kept` tokens
// needed no run.
QNI_WARN_UNUSED qn_status qni_session_sync(qni_session *session, const int32_t *ids, size_t n,
                                           qni_sync *how, size_t *n_kept, qn_error *err);

// Appends one token and runs it.
QNI_WARN_UNUSED qn_status qni_session_step(qni_session *session, int32_t id, qn_error *err);

// The same for several at once; the logits are those after the last.
QNI_WARN_UNUSED qn_status qni_session_extend(qni_session *session, const int32_t *ids, size_t n,
                                             qn_error *err);

// The logits after the last token: `vocabulary` floats, until the next call.
const float *qni_session_logits(const qni_session *session);

// Runs the whole prompt and gives the logits after each of its tokens, row by row.
QNI_WARN_UNUSED qn_status qni_session_all_logits(qni_session *session, const int32_t *ids, size_t n,
                                                 float *out, qn_error *err);

void qni_session_stats(const qni_session *session, qni_run_stats *out);

#endif
