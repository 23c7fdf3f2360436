// The WordPiece model: from left to right the longest token each time, or else the whole word is
// unknown.
#ifndef QNI_TEXT_WORDPIECE_H
#define QNI_TEXT_WORDPIECE_H

#include "text/trie.h"
#include "text/vocab.h"

typedef struct qni_wordpiece {
    qni_trie first; // tokens as they stand at the beginning of a word
    qni_trie rest;  // those that continue one, without their prefix
    size_t longest; // characters of a word, more make it unknown
} qni_wordpiece;

QNI_WARN_UNUSED qn_status qni_wordpiece_build(const qni_vocab *vocab, const char *prefix,
                                              size_t longest, qni_wordpiece *out, qn_error *err);
void qni_wordpiece_end(qni_wordpiece *wordpiece);

#endif
