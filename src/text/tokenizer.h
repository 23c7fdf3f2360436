// Text to tokens and back, for the formats that language models ship: Hugging Face tokenizer.json,
// SentencePiece .model, tiktoken rank files and the vocabulary of a GGUF file.
//
// A tokenizer is opened once, never changes, and is shared by threads. What a call needs besides
// (buffers, the cache of words) comes from a pool inside and is reused, so that encoding allocates
// nothing once it is warm.
//
// text -> added tokens cut out -> normalized -> cut into words -> each word to tokens -> special
// tokens around
//
// Token ids are int32_t, never negative. Offsets are bytes of the text as given, from 0; a token
// that stands for part of a character has the bytes of that part, but for the byte tokens of
// Unigram, which all have those of the characters that were not known.
#ifndef QNI_TEXT_TOKENIZER_H
#define QNI_TEXT_TOKENIZER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qni_tokenizer qni_tokenizer;

// `path` is a file of one of the formats, known by its contents, or a folder that holds one
// (tokenizer.json, as its class has it, before tokenizer.model). tokenizer_config.json and
// generation_config.json beside it are read too.
QNI_WARN_UNUSED qn_status qni_tokenizer_open(const char *path, qni_tokenizer **out, qn_error *err);
void qni_tokenizer_close(qni_tokenizer *tokenizer); // NULL is fine

// Where a token lies in the text: bytes [begin, end).
typedef struct qni_text_span {
    size_t begin, end;
} qni_text_span;

// A growing array of ids that the caller owns; all zero is empty. `spans` is filled along when
// asked for.
typedef struct qni_ids {
    int32_t *ids;
    qni_text_span *spans; // NULL until a call that asks for offsets
    size_t n, capacity, spans_capacity;
} qni_ids;

void qni_ids_end(qni_ids *ids);

typedef struct qni_encode_options {
    bool add_special_tokens; // the tokens that the tokenizer puts around a text
    bool plain_special;      // "<|end|>" in the text is read as letters, not as the special token
    // fill `spans`; a token that the tokenizer adds has the empty span {0, 0}
    bool offsets;
    bool truncate;     // by the file's own rule
    bool pad;          // by the file's own rule, when it names a length
    size_t max_tokens; // keep only this many; 0: all
    const char *pair;  // a second text of n_pair bytes, set beside the first by the file's template
    size_t n_pair;
    bool known_utf8; // the texts are UTF-8 for sure
} qni_encode_options;

// Appends the tokens of `text` to `out`. Any bytes are taken: what is not UTF-8 reads as U+FFFD,
// the way Python's errors="replace" counts. NULL options are all zero. After a failure `out->n` is
// as it was.
QNI_WARN_UNUSED qn_status qni_tokenizer_encode(const qni_tokenizer *tokenizer, const char *text,
                                               size_t n, const qni_encode_options *options,
                                               qni_ids *out, qn_error *err);

// Pads the tokens of `row` from `first` on to `want` where the tokenizer's rule is the longest of a
// batch; nothing else.
QNI_WARN_UNUSED qn_status qni_tokenizer_pad(const qni_tokenizer *tokenizer, size_t first,
                                            size_t want, const qni_encode_options *options,
                                            qni_ids *row, qn_error *err);

// How many tokens qni_tokenizer_encode gives, without keeping them.
QNI_WARN_UNUSED qn_status qni_tokenizer_count(const qni_tokenizer *tokenizer, const char *text,
                                              size_t n, const qni_encode_options *options,
                                              size_t *count, qn_error *err);

typedef struct qni_decode_options {
    bool skip_special_tokens;
    bool clean_up; // take out the spaces before punctuation that English tokenizers leave
} qni_decode_options;

// The text of `n` ids: a string with a final zero that *size does not count, freed with qni_free.
// Bytes that are not UTF-8 become U+FFFD, as the tokenizer's own decoder does it. Ids that stand
// for nothing are skipped.
QNI_WARN_UNUSED qn_status qni_tokenizer_decode(const qni_tokenizer *tokenizer, const int32_t *ids,
                                               size_t n, const qni_decode_options *options,
                                               char **text, size_t *size, qn_error *err);

// Decoding one token at a time. Text comes out as soon as it cannot change any more: never a part
// of a character. All pieces together are what decoding at once gives, but for tokens that stand
// for single bytes of which some make no character: here those that do still come out. One thread
// at a time. Begin, push and flush as often as wanted, end.
typedef struct qni_decode_stream {
    const qni_tokenizer *tokenizer;
    qni_decode_options options;
    char pending[8]; // the beginning of a character
    size_t n_pending;
    size_t to_strip; // characters to be taken from the front
    bool begun;      // there was text
    char *text;      // what the last call gave
    size_t text_capacity;
    // for decoders in which a token depends on its neighbours: the tokens that may still matter,
    // and the bytes that those before `n_given` of them gave
    int32_t *window;
    size_t n_window, window_capacity, n_given, given_bytes;
} qni_decode_stream;

void qni_decode_stream_begin(qni_decode_stream *stream, const qni_tokenizer *tokenizer,
                             const qni_decode_options *options);
void qni_decode_stream_end(qni_decode_stream *stream);

// *text (n bytes, zero-terminated, may be empty) is what has become certain. Valid until the next
// call.
QNI_WARN_UNUSED qn_status qni_decode_stream_push(qni_decode_stream *stream, int32_t id,
                                                 const char **text, size_t *n, qn_error *err);

// The rest, where an unfinished character reads as U+FFFD. The stream is at its beginning again.
QNI_WARN_UNUSED qn_status qni_decode_stream_flush(qni_decode_stream *stream, const char **text,
                                                  size_t *n, qn_error *err);

// Ids are below this. Not every one needs to stand for a token.
size_t qni_tokenizer_vocabulary(const qni_tokenizer *tokenizer);

// The bytes that a token adds to a text (" the" for "Ġthe" or "▁the"; the content of an added
// token); NULL and 0 for an id that stands for nothing.
const char *qni_tokenizer_token_bytes(const qni_tokenizer *tokenizer, int32_t id, size_t *n);

// The token as the file writes it ("Ġthe"); NULL for an id that stands for nothing. It lives as
// long as the tokenizer.
const char *qni_tokenizer_token_text(const qni_tokenizer *tokenizer, int32_t id, size_t *n);

// The id of a token as the file writes it, or -1.
int32_t qni_tokenizer_find(const qni_tokenizer *tokenizer, const char *token, size_t n);

bool qni_tokenizer_is_special(const qni_tokenizer *tokenizer, int32_t id);

// The beginning of a text, or -1.
int32_t qni_tokenizer_bos(const qni_tokenizer *tokenizer);

// The tokens that end an answer: those of generation_config.json, config.json and
// tokenizer_config.json together, in that order. They live as long as the tokenizer.
size_t qni_tokenizer_eos(const qni_tokenizer *tokenizer, const int32_t **ids);

typedef struct qni_added_token {
    const char *content; // zero-terminated
    size_t n;            // bytes of it
    int32_t id;
    bool special;     // skipped by skip_special_tokens
    bool single_word; // only where no word character touches it
    bool lstrip;      // takes the white space before it along
    bool rstrip;      // and behind it
    bool normalized;  // looked for in the normalized text
} qni_added_token;

// In the order of the file. They live as long as the tokenizer.
size_t qni_tokenizer_added(const qni_tokenizer *tokenizer, const qni_added_token **tokens);

#endif
