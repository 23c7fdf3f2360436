// Decoding one token at a time.
#include "base/alloc.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"

#include <string.h>

void qni_decode_stream_begin(qni_decode_stream *stream, const qni_tokenizer *tokenizer,
                             const qni_decode_options *options)
{
    memset(stream, 0, sizeof *stream);
    stream->tokenizer = tokenizer;
    stream->to_strip = tokenizer->decoder.strip_start;
    if (options != NULL) {
        stream->options = *options;
    }
}

void qni_decode_stream_end(qni_decode_stream *stream)
{
    qni_free(stream->text);
    qni_free(stream->window);
    memset(stream, 0, sizeof *stream);
}

// Takes the characters that the decoder strips from the front of the whole text.
static size_t strip_front(qni_decode_stream *s, char *text, size_t n)
{
    const qni_decoder *d = &s->tokenizer->decoder;
    size_t at = 0;
    while (s->to_strip > 0 && at < n) {
        bool strip = false;
        for (size_t i = 0; i < d->n_steps; i++) {
            strip = strip || (d->steps[i].kind == QNI_DECODE_STRIP && i >= d->n_single &&
                              text[at] == d->steps[i].content[0]);
        }
        s->to_strip = strip ? s->to_strip - 1 : 0;
        at += strip;
    }
    memmove(text, text + at, n - at);
    return n - at;
}

// Text of `n` bytes behind the pending ones; the unfinished end stays pending unless it is the
// last.
static qn_status give(qni_decode_stream *s, const char *bytes, size_t n, bool last,
                      const char **text, size_t *size, qn_error *err)
{
    size_t total = s->n_pending + n;
    if (qni_grow(&s->text, &s->text_capacity, 4 * total + 4, 1) != 0) {
        return qni_fail_memory(err);
    }
    bool each_byte = s->tokenizer->decoder.bytes;
    char *raw = s->text + 3 * total; // behind the longest result
    memcpy(raw, s->pending, s->n_pending);
    if (n != 0) {
        memcpy(raw + s->n_pending, bytes, n);
    }
    s->n_pending = last ? 0 : qni_utf8_unfinished(raw, total);
    size_t stop = total - s->n_pending;
    memcpy(s->pending, raw + stop, s->n_pending);
    size_t to = qni_decode_valid(raw, stop, each_byte, s->text);
    to = strip_front(s, s->text, to);
    s->text[to] = '\0';
    *text = s->text;
    *size = to;
    return QN_OK;
}

// ---- Decoders in which a token's text depends on its neighbours

// What the window's first `n` tokens give.
static qn_status decode_window(const qni_decode_stream *s, size_t n, char **text, size_t *size,
                               qn_error *err)
{
    return qni_tokenizer_decode(s->tokenizer, s->window, n, &s->options, text, size, err);
}

static bool ends_unfinished(const char *text, size_t n)
{
    return n >= 3 && memcmp(text + n - 3, "\xEF\xBF\xBD", 3) == 0;
}

// The text of the window beyond what was given. The tokens that gave it then begin a new window, so
// that the next ones are decoded with their neighbours before them.
static qn_status give_window(qni_decode_stream *s, bool last, const char **text, size_t *size,
                             qn_error *err)
{
    char *all = NULL;
    size_t n = 0, kept = 0;
    *text = "";
    *size = 0;
    QNI_TRY(decode_window(s, s->n_window, &all, &n, err));
    if (n <= s->given_bytes || (!last && ends_unfinished(all, n))) {
        qni_free(all);
        return QN_OK;
    }
    qni_free(s->text);
    s->text = all;
    s->text_capacity = n + 1;
    *text = all + s->given_bytes;
    *size = n - s->given_bytes;
    size_t gone = s->n_given;
    s->n_given = s->n_window - gone;
    memmove(s->window, s->window + gone, s->n_given * sizeof *s->window);
    s->n_window = s->n_given;
    char *rest = NULL;
    QNI_TRY(decode_window(s, s->n_window, &rest, &kept, err));
    qni_free(rest);
    s->given_bytes = kept;
    return QN_OK;
}

static qn_status push_window(qni_decode_stream *s, int32_t id, const char **text, size_t *size,
                             qn_error *err)
{
    if (qni_grow(&s->window, &s->window_capacity, s->n_window + 1, sizeof *s->window) != 0) {
        return qni_fail_memory(err);
    }
    s->window[s->n_window++] = id;
    return give_window(s, false, text, size, err);
}

qn_status qni_decode_stream_push(qni_decode_stream *stream, int32_t id, const char **text,
                                 size_t *n, qn_error *err)
{
    const qni_tokenizer *t = stream->tokenizer;
    size_t size = 0;
    if (!t->decoder.streams) {
        return push_window(stream, id, text, n, err);
    }
    const char *bytes = qni_tokenizer_token_bytes(t, id, &size);
    if (stream->options.skip_special_tokens && bytes != NULL &&
        (t->traits[id] & QNI_TOKEN_SKIPPED) != 0) {
        bytes = NULL;
    }
    if (bytes != NULL && t->decoder.front != QNI_FRONT_STAYS && !stream->begun) {
        size_t n_token;
        const char *token = qni_tokenizer_token_text(t, id, &n_token);
        size_t lost = size > 0 ? qni_decoder_front(&t->decoder, token, n_token) : 0;
        bytes += lost;
        size -= lost;
        stream->begun = size > 0 || (lost > 0 && t->decoder.front == QNI_FRONT_LOSES_ONE);
    }
    bool is_byte = bytes != NULL && (t->traits[id] & QNI_TOKEN_BYTE) != 0;
    if (t->decoder.bytes && bytes != NULL && !is_byte && stream->n_pending > 0) {
        // Bytes that no further byte completes come before this token.
        char made[32];
        size_t n_made = qni_decode_valid(stream->pending, stream->n_pending, true, made);
        stream->n_pending = 0;
        QNI_TRY(give(stream, bytes, size, false, text, n, err));
        if (qni_grow(&stream->text, &stream->text_capacity, *n + n_made + 1, 1) != 0) {
            return qni_fail_memory(err);
        }
        memmove(stream->text + n_made, stream->text, *n + 1);
        memcpy(stream->text, made, n_made);
        *text = stream->text;
        *n += n_made;
        return QN_OK;
    }
    return give(stream, bytes, bytes != NULL ? size : 0, false, text, n, err);
}

qn_status qni_decode_stream_flush(qni_decode_stream *stream, const char **text, size_t *n,
                                  qn_error *err)
{
    if (stream->tokenizer->decoder.streams) {
        QNI_TRY(give(stream, NULL, 0, true, text, n, err));
    } else {
        QNI_TRY(give_window(stream, true, text, n, err));
        stream->n_window = stream->n_given = stream->given_bytes = 0;
    }
    stream->to_strip = stream->tokenizer->decoder.strip_start;
    stream->begun = false;
    return QN_OK;
}
