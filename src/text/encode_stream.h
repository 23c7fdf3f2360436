// Encoding a text that comes in parts: what is encoded is given away as soon as nothing that
// follows can change it, and what is left is a short end (settle.h has the proof). So a file of any
// size takes little memory, and a text to which something is appended costs what was appended.
#ifndef QNI_TEXT_ENCODE_STREAM_H
#define QNI_TEXT_ENCODE_STREAM_H

#include "text/tokenizer_impl.h"

// One thread at a time. Begin, push and flush as often as wanted, end.
typedef struct qni_encode_stream {
    const qni_tokenizer *tokenizer;
    qni_encode_options options;
    char *text; // n bytes that are not encoded yet
    size_t n, capacity;
    size_t base;       // bytes of the text before them
    size_t checked;    // places among them that have been tried
    size_t next_token; // where the ends of added tokens are tried next
    bool has_begun;    // the special tokens in front are given away
    bool continues;    // the bytes begin within a passage
    bool has_tokens;   // some token of the text is given away
    double score;      // of what is given away, for Unigram
} qni_encode_stream;

// QN_UNSUPPORTED for options that need the whole text: truncate, pad, pair, max_tokens; and for a
// tokenizer that sets a text twice among its special tokens.
QNI_WARN_UNUSED qn_status qni_encode_stream_begin(qni_encode_stream *stream,
                                                  const qni_tokenizer *tokenizer,
                                                  const qni_encode_options *options, qn_error *err);
void qni_encode_stream_end(qni_encode_stream *stream);

// Adds to the text and appends the tokens to `out` that have become certain. After a failure `out`
// is as it was and the stream at its beginning. QN_LIMIT_EXCEEDED: more than QNI_MAX_UNSPLIT_BYTES
// in which the text can nowhere be cut.
QNI_WARN_UNUSED qn_status qni_encode_stream_push(qni_encode_stream *stream, const char *text,
                                                 size_t n, qni_ids *out, qn_error *err);

// Appends the tokens that would follow if the text ended here; the stream stays as it is.
QNI_WARN_UNUSED qn_status qni_encode_stream_peek(qni_encode_stream *stream, qni_ids *out,
                                                 qn_error *err);

// Appends the tokens that are left. The stream is at its beginning again.
QNI_WARN_UNUSED qn_status qni_encode_stream_flush(qni_encode_stream *stream, qni_ids *out,
                                                  qn_error *err);

// The first options->max_tokens tokens of a text, of which little more is read than they need.
// *done is false where it takes the whole text; then `out` is as it was. With `count` they are
// counted, and `out` stays as it was in any case.
QNI_WARN_UNUSED qn_status qni_encode_first(const qni_tokenizer *tokenizer, const char *text,
                                           size_t n, const qni_encode_options *options,
                                           qni_ids *out, size_t *count, bool *done, qn_error *err);

#endif
