// The words of a text to tokens, many at a time: what is in the cache of words is copied, the rest
// goes through the model.
#ifndef QNI_TEXT_ENCODE_WORDS_H
#define QNI_TEXT_ENCODE_WORDS_H

#include "text/encode_context.h"

// Room in `out` for `more` ids, and a little behind them, so that a slot's ids can be stored whole.
QNI_WARN_UNUSED qn_status qni_ids_reserve(qni_ids *out, size_t more, qn_error *err);

// Appends the tokens of the words (none empty) of text[0, n) to `out`, whose spans stay as they
// are. The context's mark is the same in all calls.
QNI_WARN_UNUSED qn_status qni_encode_words(const qni_model *model, qni_context *context,
                                           const char *text, size_t n, const qni_word_place *words,
                                           size_t n_words, qni_ids *out, qn_error *err);

#endif
