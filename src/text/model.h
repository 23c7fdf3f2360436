// The model of a tokenizer: one word to tokens.
#ifndef QNI_TEXT_MODEL_H
#define QNI_TEXT_MODEL_H

#include "text/bpe.h"
#include "text/characters.h"
#include "text/seams.h"
#include "text/splitter.h"
#include "text/unigram.h"
#include "text/wordpiece.h"

typedef enum qni_model_kind {
    QNI_MODEL_BPE,
    QNI_MODEL_UNIGRAM,
    QNI_MODEL_WORDPIECE,
    QNI_MODEL_WORDLEVEL
} qni_model_kind;

typedef struct qni_model {
    qni_model_kind kind;
    // tokens as they stand in the words that the model is given: for byte-level models raw bytes
    qni_vocab vocab;
    qni_bpe bpe;
    qni_seams seams;           // of BPE, where every byte is a symbol or stands for one
    qni_characters characters; // of a large vocabulary with seams, or of WordPiece
    qni_unigram unigram;
    qni_wordpiece wordpiece;
    // QNI_NO_TOKEN: BPE drops characters without a token, the others refuse them
    int32_t unk;
    bool drops;            // of BPE: there may be such characters
    bool fuse_unk;         // neighbouring unknown characters make one token
    bool byte_level;       // symbols are bytes, not characters
    bool byte_fallback;    // unknown characters become "<0x..>" tokens, their bytes
    bool ignore_merges;    // a word that is a token is that token
    int32_t byte_ids[256]; // the tokens of byte_fallback
    // BPE over characters, and Unigram: what precedes a "▁" inside of some token, as sorted code
    // points. Before any other one a word can be cut: no merge ever crosses there, and all of
    // Unigram's ways pass there, so that the best way on from there needs only the sum so far.
    uint32_t *joined;
    size_t n_joined;
    bool cuts;          // BPE
    bool carries;       // Unigram
    bool cuts_lines;    // before a line feed too, if what precedes it is no white space
    qni_splitter parts; // cuts there too, many at a time; its scanner may be not ready
    char *prefix;       // of symbols that are not first in a word; NULL: none
    char *suffix;       // of the last symbol of a word; NULL: none
} qni_model;

void qni_model_end(qni_model *model);

// A growing row of tokens with the bytes of the word that each covers; 0: those of the token before
// it, as the bytes of what Unigram does not know have it.
typedef struct qni_pieces {
    qni_bpe_symbol *items;
    size_t n, capacity;
} qni_pieces;

typedef struct qni_model_scratch {
    qni_bpe_scratch bpe;
    qni_unigram_scratch unigram;
    qni_pieces pieces;  // what qni_model_encode gave
    qni_pieces symbols; // on the way
} qni_model_scratch;

void qni_model_scratch_end(qni_model_scratch *scratch);

// Puts the tokens of one word (valid UTF-8, or any bytes for a byte-level model) in
// scratch->pieces.
QNI_WARN_UNUSED qn_status qni_model_encode(const qni_model *model, qni_model_scratch *scratch,
                                           const char *word, size_t n, qn_error *err);

// The same for a part of a word between two seams, which is never looked up as a whole word is.
QNI_WARN_UNUSED qn_status qni_model_encode_part(const qni_model *model, qni_model_scratch *scratch,
                                                const char *part, size_t n, qn_error *err);

// Cuts a word (n > 0) into the parts that are encoded by themselves, as qni_seams_cut does; into
// one when it has to be encoded as a whole.
static inline size_t qni_model_cut(const qni_model *model, const char *word, size_t n,
                                   size_t behind, size_t *ends, size_t most)
{
    if (model->ignore_merges && qni_bpe_may_be_unmade(&model->bpe, word, n)) {
        ends[0] = n;
        return 1;
    }
    return qni_seams_cut(&model->seams, word, n, behind, ends, most);
}

// Builds the model of merges in rising order of rank, after the vocabulary and the flags are there.
QNI_WARN_UNUSED qn_status qni_model_build_bpe(qni_model *model, const qni_bpe_merge *merges,
                                              size_t n, qn_error *err);

// Finds out where words can be cut; after the vocabulary and the flags are there.
QNI_WARN_UNUSED qn_status qni_model_settle(qni_model *model, qn_error *err);

// Where a word of n > 0 bytes can be cut first at or behind `least` > 0; n when nowhere.
size_t qni_model_part(const qni_model *model, const char *word, size_t n, size_t least);

// The tokens of a word (n > 0) of a model that carries, in scratch->pieces, when it stands behind
// text whose sum of scores is `score`. `score` becomes the sum at its end.
QNI_WARN_UNUSED qn_status qni_model_encode_behind(const qni_model *model,
                                                  qni_model_scratch *scratch, const char *word,
                                                  size_t n, double *score, qn_error *err);

// Whether a word can be cut between these two characters, of which the first is no white space,
// wherever they stand in it.
bool qni_model_cuts_between(const qni_model *model, uint32_t before, uint32_t after);

// Room for one more token at least.
QNI_WARN_UNUSED qn_status qni_pieces_grow(qni_pieces *pieces, qn_error *err);

static inline qn_status qni_pieces_add(qni_pieces *pieces, uint32_t id, size_t n, qn_error *err)
{
    if (pieces->n == pieces->capacity) {
        QNI_TRY(qni_pieces_grow(pieces, err));
    }
    pieces->items[pieces->n++] = (qni_bpe_symbol){id, (uint32_t)n};
    return QN_OK;
}

#endif
