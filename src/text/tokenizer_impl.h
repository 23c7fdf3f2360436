// The inside of a tokenizer, shared by the files that read formats and those that encode and
// decode.
#ifndef QNI_TEXT_TOKENIZER_IMPL_H
#define QNI_TEXT_TOKENIZER_IMPL_H

#include "text/added.h"
#include "text/model.h"
#include "text/splitter.h"
#include "text/tokenizer.h"

#include <stdatomic.h>

// One step that cuts words, or that changes the words' text.
typedef enum qni_pretokenizer_kind {
    QNI_PRE_SPLIT,        // cut by `splitter`
    QNI_PRE_PREFIX_SPACE, // put a space before a piece that does not begin with one
    QNI_PRE_BYTES         // write each byte as a printable character, as GPT-2 does
} qni_pretokenizer_kind;

typedef struct qni_pretokenizer {
    qni_pretokenizer_kind kind;
    qni_splitter splitter;
} qni_pretokenizer;

// One step of turning tokens into text.
typedef enum qni_decoder_kind {
    QNI_DECODE_BYTE_LEVEL,
} qni_decoder_kind;

typedef struct qni_decoder {
    qni_decoder_kind kind;
} qni_decoder;

typedef struct qni_context qni_context;

enum { QNI_POOLED_CONTEXTS = 64 };

struct qni_tokenizer {
    qni_vocab written; // every token as the file writes it, added ones too
    qni_vocab plain;   // every token as the bytes that it adds to a text; found by id only
    qni_model model;

    qni_added_token *added;
    size_t n_added;
    qni_added_set added_raw, added_normalized;
    uint8_t *special; // per id

    qni_pretokenizer *pretokenizers;
    size_t n_pretokenizers;
    qni_decoder *decoders;
    size_t n_decoders;

    int32_t *before, *after; // special tokens around a text
    size_t n_before, n_after;
    bool trim_offsets;

    int32_t bos;
    int32_t *eos;
    size_t n_eos;
    bool clean_up; // of spaces, when decoding

    _Atomic(qni_context *) contexts[QNI_POOLED_CONTEXTS]; // free ones
};

typedef struct qni_token_list {
    qni_vocab_entry *items;
    size_t n, capacity;
} qni_token_list;

QNI_WARN_UNUSED qn_status qni_token_list_add(qni_token_list *list, const char *bytes, size_t n,
                                             uint32_t id, bool hidden, qn_error *err);

// Readers of the formats fill a zeroed tokenizer and call qni_tokenizer_finish at their end, with
// the tokens as the file writes them and as the model meets them; added tokens are put in.
QNI_WARN_UNUSED qn_status qni_tokenizer_read_json(qni_tokenizer *t, const char *path,
                                                  qn_error *err);
QNI_WARN_UNUSED qn_status qni_tokenizer_finish(qni_tokenizer *t, qni_token_list *written,
                                               qni_token_list *model, qn_error *err);

// GPT-2's way to write bytes as characters: the code point of each byte, and back (-1: not one of
// them).
uint32_t qni_byte_to_code(unsigned char byte);
int qni_code_to_byte(uint32_t code);

void qni_context_free(qni_context *context);

#endif
