// quince/tokenizer.h: text to tokens and back, exactly as the formats' own libraries do it.
//
// A tokenizer is opened once, never changes, and is shared by threads; what a call needs besides
// comes from a pool inside, so that encoding allocates nothing once it is warm. Ids are never
// negative. Offsets are bytes of the text as given.
//
//     qn_tokenizer_open("model/tokenizer.json", NULL, &tokenizer, &err);
//     qn_tokens_create(&tokens, &err);
//     qn_tokenizer_encode(tokenizer, text, strlen(text), NULL, tokens, &err);
//     ids = qn_tokens_ids(tokens, &n);
#ifndef QUINCE_TOKENIZER_H
#define QUINCE_TOKENIZER_H

#include "quince/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_tokenizer qn_tokenizer;

// `path` is a file, known by its contents (tokenizer.json, a SentencePiece model, a GGUF file,
// tiktoken's ranks), or a folder that holds tokenizer.json or else tokenizer.model.
// tokenizer_config.json, special_tokens_map.json, generation_config.json and config.json beside it
// are read too. A folder's tokenizer.json is taken as transformers' AutoTokenizer takes it: classes
// such as LlamaTokenizer build the steps anew from the vocabulary, and configurations add tokens; a
// tokenizer.json that is named itself counts as it is.
// QN_UNSUPPORTED names what the file asks for and quince does not do. Close it with
// qn_tokenizer_close.
//
// What opening works out is kept in the cache folder and used as long as none of these files
// changes: $QUINCE_CACHE (empty: nothing is kept), or "quince" in $XDG_CACHE_HOME, or
// ~/.cache/quince, ~/Library/Caches/quince on a Mac. It may be deleted at any time.
QN_API qn_status qn_tokenizer_open(const char *path, qn_tokenizer **out, qn_error *err);
QN_API void qn_tokenizer_close(qn_tokenizer *tokenizer); // NULL is fine

// Where a token lies in the text: bytes [begin, end).
typedef struct qn_span {
    size_t begin, end;
} qn_span;

// A row of tokens that grows and is used again; one thread at a time.
typedef struct qn_tokens qn_tokens;
QN_API qn_status qn_tokens_create(qn_tokens **out, qn_error *err);
QN_API void qn_tokens_free(qn_tokens *tokens);  // NULL is fine
QN_API void qn_tokens_clear(qn_tokens *tokens); // empty, memory kept
// Valid until the row changes.
QN_API const int32_t *qn_tokens_ids(const qn_tokens *tokens, size_t *n);
// As many as there are ids; NULL when no call has asked for offsets.
QN_API const qn_span *qn_tokens_spans(const qn_tokens *tokens);

// All zero is the default.
typedef struct qn_encode_options {
    bool add_special_tokens; // the tokens that the tokenizer puts around a text
    bool plain_special;      // "<|end|>" in the text is read as letters, not as the special token
    bool offsets;            // fill spans; a token that the tokenizer adds has the span {0, 0}
    bool truncate;           // by the tokenizer's own rule
    bool pad;                // by the tokenizer's own rule, when it names a length
    size_t max_tokens;       // keep only this many; 0: all
    const char *pair;        // a second text of pair_size bytes, set beside the first
    size_t pair_size;
    // The caller is sure that both texts are UTF-8, so they are not checked; with other bytes the
    // behaviour is undefined. Streams check all the same.
    bool known_utf8;
} qn_encode_options;

// Appends the tokens of `size` bytes of text. Any bytes are taken unless known_utf8: what is not
// UTF-8 reads as U+FFFD, the way Python's errors="replace" counts. `options` may be NULL. After a
// failure the row is as it was.
QN_API qn_status qn_tokenizer_encode(const qn_tokenizer *tokenizer, const char *text, size_t size,
                                     const qn_encode_options *options, qn_tokens *tokens,
                                     qn_error *err);

// Encodes `n` texts, each appended to its own row, over `threads` threads (0: one for each
// processor). The result does not depend on their number.
QN_API qn_status qn_tokenizer_encode_batch(const qn_tokenizer *tokenizer, const char *const *texts,
                                           const size_t *sizes, size_t n,
                                           const qn_encode_options *options, size_t threads,
                                           qn_tokens *const *rows, qn_error *err);

// How many tokens qn_tokenizer_encode gives, without keeping them. With max_tokens it reads little
// more of a text than that many take.
QN_API qn_status qn_tokenizer_count(const qn_tokenizer *tokenizer, const char *text, size_t size,
                                    const qn_encode_options *options, size_t *count, qn_error *err);

// Encoding a text that comes in parts, of any size: tokens come out as soon as nothing that follows
// can change them, so all of them together are exactly those of the whole text. What is kept back
// is the end of the text behind the last place that surely ends a word, a few hundred bytes as a
// rule. A conversation to which something is appended costs what was appended:
//
//     qn_encode_stream_push(stream, turn, strlen(turn), certain, &err);
//     qn_tokens_clear(end);
//     qn_encode_stream_peek(stream, end, &err);  // certain and end: all tokens up to here
//
// One thread at a time. Options that need the whole text (truncate, pad, pair, max_tokens) are
// QN_UNSUPPORTED. Offsets count from the beginning of the text.
typedef struct qn_encode_stream qn_encode_stream;
QN_API qn_status qn_encode_stream_create(const qn_tokenizer *tokenizer,
                                         const qn_encode_options *options, qn_encode_stream **out,
                                         qn_error *err);
QN_API void qn_encode_stream_free(qn_encode_stream *stream); // NULL is fine
// Adds `size` bytes to the text and appends the tokens that have become certain. After a failure
// the row is as it was and the stream at its beginning. QN_LIMIT_EXCEEDED: 64 MiB of text in which
// no word surely ends.
QN_API qn_status qn_encode_stream_push(qn_encode_stream *stream, const char *text, size_t size,
                                       qn_tokens *tokens, qn_error *err);
// Appends the tokens that follow if the text ends here; the stream stays as it is.
QN_API qn_status qn_encode_stream_peek(qn_encode_stream *stream, qn_tokens *tokens, qn_error *err);
// Appends the rest; the stream is at its beginning again.
QN_API qn_status qn_encode_stream_flush(qn_encode_stream *stream, qn_tokens *tokens, qn_error *err);

typedef struct qn_decode_options {
    bool skip_special_tokens;
    bool clean_up; // take out the spaces before punctuation that English tokenizers leave
} qn_decode_options;

// The text of `n` ids: a string with a final zero that `*size` does not count, freed with
// qn_free. Bytes that are not UTF-8 become U+FFFD; ids that stand for nothing are skipped.
QN_API qn_status qn_tokenizer_decode(const qn_tokenizer *tokenizer, const int32_t *ids, size_t n,
                                     const qn_decode_options *options, char **text, size_t *size,
                                     qn_error *err);

// Decoding one token at a time: text comes out as soon as it is certain, never a part of a
// character. One thread at a time.
typedef struct qn_decode_stream qn_decode_stream;
QN_API qn_status qn_decode_stream_create(const qn_tokenizer *tokenizer,
                                         const qn_decode_options *options, qn_decode_stream **out,
                                         qn_error *err);
QN_API void qn_decode_stream_free(qn_decode_stream *stream); // NULL is fine
// `*text` (`*size` bytes, may be empty) lives until the next call.
QN_API qn_status qn_decode_stream_push(qn_decode_stream *stream, int32_t id, const char **text,
                                       size_t *size, qn_error *err);
// The rest; the stream is at its beginning again.
QN_API qn_status qn_decode_stream_flush(qn_decode_stream *stream, const char **text, size_t *size,
                                        qn_error *err);

// Ids are below this; not every one needs to stand for a token.
QN_API size_t qn_tokenizer_vocabulary_size(const qn_tokenizer *tokenizer);

// The token as the file writes it ("Ġthe"), or the bytes that it adds to a text (" the"); NULL for
// an id that stands for nothing. They live as long as the tokenizer.
QN_API const char *qn_tokenizer_token(const qn_tokenizer *tokenizer, int32_t id, size_t *size);
QN_API const char *qn_tokenizer_token_bytes(const qn_tokenizer *tokenizer, int32_t id,
                                            size_t *size);
// The id of a token as the file writes it, or -1.
QN_API int32_t qn_tokenizer_find(const qn_tokenizer *tokenizer, const char *token, size_t size);
QN_API bool qn_tokenizer_is_special(const qn_tokenizer *tokenizer, int32_t id);
// The beginning of a text, or -1; the tokens that end an answer.
QN_API int32_t qn_tokenizer_bos(const qn_tokenizer *tokenizer);
QN_API const int32_t *qn_tokenizer_eos(const qn_tokenizer *tokenizer, size_t *n);

#ifdef __cplusplus
}
#endif
#endif
