// Vocabularies of pieces with scores and types, as SentencePiece's files and GGUF have them.
#ifndef QNI_TEXT_TOKENIZER_PIECES_H
#define QNI_TEXT_TOKENIZER_PIECES_H

#include "text/sentencepiece.h"
#include "text/tokenizer_impl.h"

typedef enum qni_piece_type {
    QNI_PIECE_NORMAL = 1,
    QNI_PIECE_UNKNOWN = 2,
    QNI_PIECE_CONTROL = 3,
    QNI_PIECE_USER = 4,
    QNI_PIECE_UNUSED = 5,
    QNI_PIECE_BYTE = 6
} qni_piece_type;

typedef struct qni_piece {
    const char *text; // borrowed until the build is done
    uint32_t n;
    float score;
    int type;
} qni_piece;

typedef struct qni_piece_source {
    qni_piece *items; // by id
    size_t n, capacity;
    bool unigram;          // else BPE
    bool characters;       // of which nothing is merged
    bool byte_fallback;    // characters without a piece become their bytes
    bool controls_in_text; // control and user symbols are found in the text before all else
    const char *unknown;   // what the unknown token reads as; NULL: " U+2047 "
    size_t n_unknown;
    const char *charsmap; // n_charsmap bytes
    size_t n_charsmap;
    bool add_space, space_behind, tidy, escape;
} qni_piece_source;

QNI_WARN_UNUSED qn_status qni_pieces_append(qni_piece_source *source, qni_piece piece,
                                            qn_error *err);

// Fills the tokenizer: model, normalizer, added tokens, decoder.
QNI_WARN_UNUSED qn_status qni_pieces_build(qni_tokenizer *t, const qni_piece_source *source,
                                           qn_error *err);

// Sets the special tokens around texts: `bos` in front and `eos` behind, where they are not
// negative.
QNI_WARN_UNUSED qn_status qni_tokenizer_set_ends(qni_tokenizer *t, int32_t bos, int32_t eos,
                                                 qn_error *err);

#endif
