// Masks: which tokens may come next in a state.
//
// A token is allowed when the machine can take its bytes, so a mask is a walk of the vocabulary's
// trie. Two things make it cheap. Inside JSON strings, where nearly every token is allowed, the
// tokens that stay inside depend on the string's lexical state alone and are kept for it; those
// that close it depend on that state up to the quote and on the frame behind it, and few distinct
// tails stand behind quotes. And whole masks are kept by state.
#ifndef QNI_GRAMMAR_MASK_H
#define QNI_GRAMMAR_MASK_H

#include "grammar/engine.h"
#include "grammar/vocabulary.h"

// What is kept for one engine and one vocabulary. The engine's lock guards it.
typedef struct qni_masker qni_masker;

QNI_WARN_UNUSED qn_status qni_masker_create(qni_engine *engine, qni_vocabulary *vocabulary,
                                            qni_masker **out, qn_error *err);
void qni_masker_free(qni_masker *masker); // NULL is fine
const qni_vocabulary *qni_masker_vocabulary(const qni_masker *masker);

// Fills vocabulary->n_words words. `text` is what has been written, with room for
// QNI_MAX_MASKED_TOKEN_BYTES more behind `size` that the walk writes to; `state` belongs to it.
// `by_walk` leaves the shortcuts out, for tests. Between qni_engine_begin and qni_engine_end.
QNI_WARN_UNUSED qn_status qni_masker_fill(qni_masker *masker, const qni_state *state, char *text,
                                          size_t size, bool by_walk, uint32_t *mask, qn_error *err);

#endif
