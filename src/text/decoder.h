// Turning tokens into text: the steps of a tokenizer's decoder, under the names and with the
// results of Hugging Face's tokenizers.
//
// Steps work on each token alone up to one that joins all (Fuse, ByteLevel), and on the whole text
// behind it. What a token gives in the middle of a text is worked out once, when the tokenizer is
// opened.
#ifndef QNI_TEXT_DECODER_H
#define QNI_TEXT_DECODER_H

#include "base/buf.h"
#include "text/splitter.h"

typedef enum qni_decode_kind {
    QNI_DECODE_BYTE_LEVEL, // characters back to the bytes that they stand for; joins
    QNI_DECODE_REPLACE,    // what `splitter` finds by `content`
    QNI_DECODE_BYTES,      // "<0x0A>" is a byte ("ByteFallback")
    QNI_DECODE_FUSE,       // joins
    QNI_DECODE_STRIP,      // up to `start` and `stop` of the character `content` at the ends
    QNI_DECODE_METASPACE,  // `content` is a space, and nothing in the first token if `first`
    QNI_DECODE_WORDPIECE,  // tokens without the prefix `content` have a space before them
    QNI_DECODE_SUFFIX,     // `content` ends a word ("BPEDecoder")
    QNI_DECODE_CTC,        // repeated tokens count once, `content` is padding, `delimiter` a space
    QNI_DECODE_NAMED,      // tokens that are a name of `content` as a whole give `delimiter`
} qni_decode_kind;

// A name in the list of QNI_DECODE_NAMED stands between two of these, which no text has.
#define QNI_NAME_BORDER "\xFF"

// Spaces that tokens lose at the beginning of a text, as SentencePiece has it: those that are
// written
// "\xE2\x96\x81".
typedef enum qni_decode_front {
    QNI_FRONT_STAYS,
    QNI_FRONT_LOSES_ONE, // of the first token with text
    QNI_FRONT_LOSES_ALL  // of each token until there is text
} qni_decode_front;

typedef struct qni_decode_step {
    qni_decode_kind kind;
    char *content;
    size_t n_content;
    char *delimiter;
    size_t start, stop;
    bool first, cleanup;
    qni_splitter splitter;
} qni_decode_step;

typedef struct qni_decoder {
    qni_decode_step *steps;
    size_t n_steps;
    size_t n_single; // steps up to the one that joins
    bool spaces;     // no decoder at all: tokens are joined by spaces
    bool byte_level; // the text is made of bytes, and what is not UTF-8 is replaced
    bool bytes;      // some tokens are bytes
    bool lone_bytes; // of which those alone are replaced that make no character; else the row
    qni_decode_front front;
    bool first, last;   // the first (last) token gives something else than in the middle
    bool once;          // repeated tokens count once
    size_t strip_start; // characters to be taken from the front of the whole text
    bool streams;       // text is certain as soon as its bytes are there, but for the above
} qni_decoder;

// Works out the flags. QN_UNSUPPORTED for steps in an order that nothing uses.
QNI_WARN_UNUSED qn_status qni_decoder_settle(qni_decoder *decoder, qn_error *err);
void qni_decoder_end(qni_decoder *decoder);

// Appends what one token gives. `*is_byte` tells a byte that is to be joined with its neighbours.
QNI_WARN_UNUSED qn_status qni_decoder_token(const qni_decoder *decoder, const char *token, size_t n,
                                            bool first, bool last, qni_buf *out, bool *is_byte,
                                            qn_error *err);

// How many bytes of what a token gives are lost where nothing stands before it.
size_t qni_decoder_front(const qni_decoder *decoder, const char *token, size_t n);

// U+FFFD for what is ill-formed, for each part of it or for each byte; `out` has room for three
// times `n` bytes. The size of what is written.
size_t qni_decode_valid(const char *raw, size_t n, bool each_byte, char *out);

// The steps on the whole text, in place.
QNI_WARN_UNUSED qn_status qni_decoder_whole(const qni_decoder *decoder, qni_buf *text,
                                            qn_error *err);

// The spaces before punctuation that English tokenizers leave, taken out in place; the new size.
size_t qni_decode_cleanup(char *text, size_t n);

#endif
