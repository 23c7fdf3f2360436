// Keeping a budget of tokens: the model chooses while there are plenty; where the budget ends, the
// shortest completion is written.
//
// Near the end a completion is known at each token, as the tokens of a plan. A token that was
// chosen is taken when a completion fits behind it, else the plan is, token by token. So an output
// that could be completed when it began is complete when the budget ends.
#ifndef QNI_GRAMMAR_STEER_H
#define QNI_GRAMMAR_STEER_H

#include "grammar/matcher.h"
#include "text/tokenizer.h"

// Tokens that spell just this text, into `out`; `*found` false when there are none.
typedef qn_status qni_spell_fn(void *context, const char *text, size_t n, qni_ids *out, bool *found,
                               qn_error *err);

// All zero but the first two at the beginning, and again when the output was changed by others.
typedef struct qni_steering {
    qni_spell_fn *spell; // NULL: qni_vocabulary_spell on the matcher's vocabulary
    void *context;
    qni_ids plan;  // tokens that complete the output as it stands, when has_plan
    qni_ids spare; // for the next plan
    bool has_plan;
    bool is_closing;  // the plan is being followed
    bool is_over;     // the last token was not taken: the output has to end where it is
    size_t n_closed;  // tokens of it that were given
    size_t n_taken;   // tokens so far
    size_t next_look; // when so many are, completing is looked at again
    size_t room;      // tokens that may come from now on without a look; see qni_steer_skip
} qni_steering;

void qni_steering_end(qni_steering *s);
void qni_steering_forget(qni_steering *s); // the output was changed by others

// Takes the token that was chosen, one of the mask, while `budget` tokens may still come, it
// included. `*id` is another one afterwards when only that lets the output be completed, and -1,
// with `is_over`, when it is complete and the token would begin what cannot be. A stop token is
// not counted as needed: an output that may end where the budget does is complete.
QNI_WARN_UNUSED qn_status qni_steer_take(qni_steering *s, qni_matcher *m, int64_t budget,
                                         int32_t *id, qn_error *err);

// `n` tokens that were the only ones possible, at most `room`, were taken beside it.
void qni_steer_skip(qni_steering *s, size_t n);

// Tokens that complete the output as it stands: those of `spell` when they are within the budget,
// else the fewest. `*found` false when no completion is in sight.
QNI_WARN_UNUSED qn_status qni_steer_plan(const qni_steering *s, qni_matcher *m, int64_t budget,
                                         qni_ids *out, bool *found, qn_error *err);

// The fewest tokens of the vocabulary that spell the text.
QNI_WARN_UNUSED qn_status qni_vocabulary_spell(const qni_vocabulary *v, const char *text, size_t n,
                                               qni_ids *out, bool *found, qn_error *err);

#endif
