// The inside of a tokenizer, shared by the files that read formats and those that encode and
// decode.
#ifndef QNI_TEXT_TOKENIZER_IMPL_H
#define QNI_TEXT_TOKENIZER_IMPL_H

#include "base/file.h"
#include "text/added.h"
#include "text/decoder.h"
#include "text/model.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

#include <stdatomic.h>

// One part of what stands around texts: a special token, or a text itself.
typedef struct qni_template_part {
    int32_t id;   // of a special token; -1: a text
    int which;    // 0 or 1: of the texts
    int32_t type; // the token type of its tokens
} qni_template_part;

typedef struct qni_template_row {
    qni_template_part *items;
    size_t n, n_special;
} qni_template_row;

// White space at the ends of tokens that offsets leave out (ByteLevel, RobertaProcessing).
typedef struct qni_trim {
    bool on;
    bool prefix_space; // keep the one that was put in front
} qni_trim;

typedef struct qni_truncation {
    size_t max_tokens; // 0: none
    size_t stride;
    bool from_left;
    int strategy; // 0 longest first, 1 only the first text, 2 only the second
} qni_truncation;

typedef struct qni_padding {
    bool on, left;
    size_t fixed, multiple; // 0: the longest of a batch; any
    int32_t id, type;
} qni_padding;

typedef struct qni_context qni_context;

enum { QNI_POOLED_CONTEXTS = 64 };

typedef enum qni_token_trait {
    QNI_TOKEN_SPECIAL = 1,
    QNI_TOKEN_BYTE = 2,    // a byte that makes characters together with its neighbours
    QNI_TOKEN_SKIPPED = 4, // by skip_special_tokens
    QNI_TOKEN_SHOWN = 8,   // decoded as another text than the written one, see qni_tokenizer_shown
} qni_token_trait;

// What most tokens give in the middle of a text, in one piece of memory.
enum { QNI_BRIEF_BYTES = 15, QNI_NOT_BRIEF = 0xFF };
typedef struct qni_brief_token {
    char bytes[QNI_BRIEF_BYTES];
    uint8_t n; // QNI_NOT_BRIEF: longer, special, a byte, or nothing at all
} qni_brief_token;

typedef struct qni_brief_tokens {
    const qni_brief_token *items; // plain.n of them
    bool owned;
} qni_brief_tokens;

struct qni_tokenizer {
    qni_vocab written; // every token as the file writes it, added ones too
    qni_vocab plain;   // every token as the bytes that it adds to a text; found by id only
    qni_brief_tokens brief;
    qni_model model;

    qni_added_token *added;
    size_t n_added;
    qni_added_set added_raw, added_normalized;
    uint8_t *traits; // per id, of qni_token_trait

    qni_normalizer *normalizers;
    size_t n_normalizers;
    qni_pretokenizer *pretokenizers;
    size_t n_pretokenizers;
    bool tracks_front; // origins are needed where a text begins
    qni_decoder decoder;

    qni_template_row single, pair; // special tokens around one text and two
    qni_trim trim;                 // of offsets
    qni_truncation truncation;
    qni_padding padding;

    int32_t bos;
    int32_t *eos;
    size_t n_eos;
    bool clean_up; // of spaces, when decoding

    // What stands before this is what an image of the tokenizer holds (tokenizer_image.h).
    qni_map *image;                                       // that the tables lie in, or NULL
    _Atomic(qni_context *) contexts[QNI_POOLED_CONTEXTS]; // free ones
};

typedef struct qni_token_list {
    qni_vocab_entry *items;
    size_t n, capacity;
} qni_token_list;

QNI_WARN_UNUSED qn_status qni_token_list_add(qni_token_list *list, const char *bytes, size_t n,
                                             uint32_t id, bool hidden, qn_error *err);

// Readers of the formats fill a zeroed tokenizer and call qni_tokenizer_finish at their end, with
// the tokens as the file writes them; added tokens are put in.
// tokenizer.json; `folder` NULL: as it is, else as its folder's configurations have it
// (tokenizer_class.h).
QNI_WARN_UNUSED qn_status qni_tokenizer_read_json(qni_tokenizer *t, const char *path,
                                                  const char *folder, qn_error *err);
QNI_WARN_UNUSED qn_status qni_tokenizer_read_ranks(qni_tokenizer *t, const char *path,
                                                   qn_error *err);
QNI_WARN_UNUSED qn_status qni_tokenizer_read_sentencepiece(qni_tokenizer *t, const char *path,
                                                           qn_error *err);
QNI_WARN_UNUSED qn_status qni_tokenizer_read_gguf(qni_tokenizer *t, const char *path,
                                                  qn_error *err);
QNI_WARN_UNUSED qn_status qni_tokenizer_finish(qni_tokenizer *t, qni_token_list *written,
                                               qn_error *err);

// What a token is decoded from: the text as the file writes it, but for added tokens that are
// looked for in normalized text their normalized form, as the library does since 0.23. It lives as
// long as the tokenizer, or in the scratch.
QNI_WARN_UNUSED qn_status qni_tokenizer_shown(const qni_tokenizer *tokenizer, uint32_t id,
                                              qni_normalize_scratch *scratch, const char **text,
                                              size_t *n, qn_error *err);

// Frees all that a tokenizer holds; it is as good as new.
void qni_tokenizer_clear(qni_tokenizer *t);

// The files beside a tokenizer's that count, in the order in which they are read; NULL at the end.
extern const char *const qni_tokenizer_configs[];

void qni_context_free(qni_context *context);

// A part of a longer text, cut where qni_settled_before allows it.
typedef struct qni_text_part {
    size_t base;     // bytes of the text before it
    bool continues;  // it begins within a passage, not behind an added token
    bool goes_on;    // and ends within one
    bool has_tokens; // what stands before it has given tokens
    double score;    // of what stands before it, for Unigram; becomes that at its end
} qni_text_part;

// Appends the tokens of one part, without any around it.
QNI_WARN_UNUSED qn_status qni_encode_part(const qni_tokenizer *tokenizer, const char *text,
                                          size_t n, qni_text_part *part,
                                          const qni_encode_options *options, qni_ids *out,
                                          qn_error *err);

// Appends the special tokens that stand before a text, or those behind it.
QNI_WARN_UNUSED qn_status qni_encode_around(const qni_tokenizer *tokenizer, bool behind,
                                            const qni_encode_options *options, qni_ids *out,
                                            qn_error *err);

#endif
