// SentencePiece's normalization: its table of characters, white space, the space in front, and
// symbols of the user that stay as they are. After src/normalizer.cc of google/sentencepiece.
#ifndef QNI_TEXT_SENTENCEPIECE_H
#define QNI_TEXT_SENTENCEPIECE_H

#include "text/charsmap.h"
#include "text/passage.h"
#include "text/trie.h"

typedef struct qni_sentencepiece {
    qni_charsmap charsmap;
    qni_trie symbols; // of the user
    bool has_symbols;
    bool holds_space, holds_line; // behind the first byte of a key or symbol; false is certain
    bool add_space;               // in front, or
    bool space_behind;            // at the end
    bool tidy;                    // no white space at the ends, none twice
    bool escape;                  // spaces become U+2581
} qni_sentencepiece;

// Finds out what keys and symbols hold, after they are there.
void qni_sentencepiece_settle(qni_sentencepiece *rules);

void qni_sentencepiece_free(qni_sentencepiece *rules); // NULL is fine

QNI_WARN_UNUSED qn_status qni_sentencepiece_normalize(const qni_sentencepiece *rules,
                                                      const qni_passage *p, qni_draft *out,
                                                      qn_error *err);

#endif
