// The Unigram model: of all ways to cut a word into tokens, the one with the highest sum of scores.
//
// Kudo, "Subword Regularization", https://arxiv.org/abs/1804.10959, section 3.2; the penalty of
// unknown characters is SentencePiece's (src/unigram_model.cc), and ties go to the cut found first,
// from left to right and with shorter tokens before longer ones.
#ifndef QNI_TEXT_UNIGRAM_H
#define QNI_TEXT_UNIGRAM_H

#include "text/trie.h"
#include "text/vocab.h"

// How much less than the least likely token an unknown character scores.
#define QNI_UNKNOWN_PENALTY 10.0F

typedef struct qni_unigram {
    const double *scores; // by id
    double unknown_score;
    // Sums are rounded to fp32 at each step, and begin again at 0 when they get far from it, as
    // SentencePiece has them.
    bool single;
    qni_trie trie; // every token; values are ids
    bool owned;
} qni_unigram;

// Takes `scores` (by id, vocab->n of them) over, also when it fails. Tokens marked in `unused` (by
// id, may be NULL) are never given.
QNI_WARN_UNUSED qn_status qni_unigram_build(const qni_vocab *vocab, double *scores,
                                            const uint8_t *unused, qni_unigram *out, qn_error *err);
void qni_unigram_end(qni_unigram *unigram);

#define QNI_UNIGRAM_NOWHERE UINT32_MAX

// The best way to one place of the word.
typedef struct qni_unigram_place {
    double score;
    uint32_t begin; // where its last token begins; QNI_UNIGRAM_NOWHERE: no way leads here
    int32_t id;     // QNI_NO_TOKEN: an unknown character
} qni_unigram_place;

typedef struct qni_unigram_scratch {
    qni_unigram_place *places;
    size_t capacity;
    double start; // the sum of what stands before the word; 0 for a word by itself
} qni_unigram_scratch;

// Fills scratch->places[0..n]: the tokens are found from places[n] backwards.
QNI_WARN_UNUSED qn_status qni_unigram_encode(const qni_unigram *unigram,
                                             qni_unigram_scratch *scratch, const char *word,
                                             size_t n, qn_error *err);

#endif
