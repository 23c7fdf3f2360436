// What one call of encode needs besides the tokenizer; pooled and reused.
#ifndef QNI_TEXT_ENCODE_CONTEXT_H
#define QNI_TEXT_ENCODE_CONTEXT_H

#include "text/tokenizer_impl.h"
#include "text/words.h"

// Text on its way through the steps, valid UTF-8. `origin` says for each byte which bytes of the
// given text it stands for; without it, byte i stands for itself, at shift + i.
typedef struct qni_passage {
    const char *text;
    size_t n;
    const qni_text_span *origin;
    size_t shift;
} qni_passage;

// A buffer that a step writes its result to.
typedef struct qni_draft {
    char *text;
    qni_text_span *origin;
    size_t n, capacity, origin_capacity;
} qni_draft;

struct qni_context {
    qni_words words;
    qni_model_scratch model;
    qni_cuts cuts, next_cuts;
    void *match;     // of the regular-expression library
    qni_draft clean; // the text with U+FFFD for what is not UTF-8
    qni_draft drafts[2];
};

QNI_WARN_UNUSED qn_status qni_context_take(const qni_tokenizer *t, qni_context **out,
                                           qn_error *err);
void qni_context_give(const qni_tokenizer *t, qni_context *context);

// Adds bytes that stand for `from` to a draft; `track` keeps origins.
QNI_WARN_UNUSED qn_status qni_draft_add(qni_draft *draft, const char *bytes, size_t n,
                                        qni_text_span from, bool track, qn_error *err);

#endif
