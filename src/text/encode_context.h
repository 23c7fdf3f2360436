// What one call of encode needs besides the tokenizer; pooled and reused.
#ifndef QNI_TEXT_ENCODE_CONTEXT_H
#define QNI_TEXT_ENCODE_CONTEXT_H

#include "text/tokenizer_impl.h"
#include "text/words.h"

enum { QNI_PARTS = 8192 };

struct qni_context {
    qni_words words;
    qni_word_slot *parts; // QNI_PARTS of words between seams, by their hashes; NULL at first
    qni_model_scratch model;
    qni_normalize_scratch normalize;
    qni_pretokenize_scratch pretokenize;
    qni_scan scan;
    qni_ids late;    // of words that were left out at first
    qni_draft clean; // the text with U+FFFD for what is not UTF-8
    // Put in front of each word that does not begin with it, before the model sees it; NULL:
    // nothing
    const char *mark;
    size_t n_mark;
    bool cuts_at_marks; // and the model sees what begins with each mark by itself
    char *marked;       // a word with its mark
    size_t marked_capacity;
};

QNI_WARN_UNUSED qn_status qni_context_take(const qni_tokenizer *t, qni_context **out,
                                           qn_error *err);
void qni_context_give(const qni_tokenizer *t, qni_context *context);

#endif
