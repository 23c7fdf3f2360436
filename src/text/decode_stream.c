// Decoding one token at a time.
#include "base/alloc.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

#include <string.h>

void qni_decode_stream_begin(qni_decode_stream *stream, const qni_tokenizer *tokenizer,
                             const qni_decode_options *options)
{
    memset(stream, 0, sizeof *stream);
    stream->tokenizer = tokenizer;
    if (options != NULL) {
        stream->options = *options;
    }
}

void qni_decode_stream_end(qni_decode_stream *stream)
{
    qni_free(stream->text);
    memset(stream, 0, sizeof *stream);
}

// Text of `n` bytes behind the pending ones, with U+FFFD for what is ill-formed; the unfinished end
// stays pending unless it is the last call.
static qn_status give(qni_decode_stream *s, const char *bytes, size_t n, bool last,
                      const char **text, size_t *size, qn_error *err)
{
    size_t total = s->n_pending + n;
    if (qni_grow(&s->text, &s->text_capacity, 4 * total + 4, 1) != 0) {
        return qni_fail_memory(err);
    }
    char *raw = s->text + 3 * total; // behind the longest result
    memcpy(raw, s->pending, s->n_pending);
    if (n != 0) {
        memcpy(raw + s->n_pending, bytes, n);
    }
    s->n_pending = last ? 0 : qni_utf8_unfinished(raw, total);
    size_t stop = total - s->n_pending;
    memcpy(s->pending, raw + stop, s->n_pending);
    size_t to = 0;
    for (size_t at = 0; at < stop;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)raw + at, stop - at, &code);
        if (length < 0) {
            memcpy(s->text + to, "\xEF\xBF\xBD", 3);
            to += 3;
            at += (size_t)-length;
        } else {
            memmove(s->text + to, raw + at, (size_t)length);
            to += (size_t)length;
            at += (size_t)length;
        }
    }
    s->text[to] = '\0';
    *text = s->text;
    *size = to;
    return QN_OK;
}

qn_status qni_decode_stream_push(qni_decode_stream *stream, int32_t id, const char **text,
                                 size_t *n, qn_error *err)
{
    size_t size = 0;
    const char *bytes = NULL;
    if (!stream->options.skip_special_tokens || !qni_tokenizer_is_special(stream->tokenizer, id)) {
        bytes = qni_tokenizer_token_bytes(stream->tokenizer, id, &size);
    }
    return give(stream, bytes, bytes != NULL ? size : 0, false, text, n, err);
}

qn_status qni_decode_stream_flush(qni_decode_stream *stream, const char **text, size_t *n,
                                  qn_error *err)
{
    return give(stream, NULL, 0, true, text, n, err);
}
