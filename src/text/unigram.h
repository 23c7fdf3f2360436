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

typedef struct qni_unigram_leaf {
    double score;
    uint32_t id;
} qni_unigram_leaf;

typedef struct qni_unigram {
    // In the order of the tokens' bytes: those that begin in the same way, which are looked at one
    // after the other, lie near each other.
    const qni_unigram_leaf *leaves;
    uint32_t n_leaves;
    double unknown_score;
    // Sums are rounded to fp32 at each step, and begin again at 0 when they get far from it, as
    // SentencePiece has them.
    bool single;
    qni_trie trie; // every token that its bytes find; values are leaves
    bool owned;
} qni_unigram;

// Of scores by id, vocab->n of them.
QNI_WARN_UNUSED qn_status qni_unigram_build(const qni_vocab *vocab, const double *scores,
                                            qni_unigram *out, qn_error *err);
void qni_unigram_end(qni_unigram *unigram);

// The token that is just these n > 0 bytes, or QNI_NO_TOKEN.
static inline int32_t qni_unigram_find(const qni_unigram *unigram, const char *bytes, size_t n)
{
    uint32_t leaf;
    bool found = qni_trie_longest(&unigram->trie, (const unsigned char *)bytes, n, &leaf) == n;
    return found ? (int32_t)unigram->leaves[leaf].id : QNI_NO_TOKEN;
}

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
