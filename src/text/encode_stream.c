#include "text/encode_stream.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "text/settle.h"

#include <string.h>

enum {
    SLICE = 1 << 18, // bytes that are taken at a time: a processor's cache holds them
    FEW = 512,       // bytes that are not worth a look
    AHEAD = 8,       // bytes behind a place that decide, at most
    FIRST_TOKEN_TRY = 1 << 14,
};

static void reset(qni_encode_stream *s)
{
    s->n = s->base = s->checked = 0;
    s->next_token = FIRST_TOKEN_TRY;
    s->has_begun = s->continues = s->has_tokens = false;
    s->score = 0;
}

qn_status qni_encode_stream_begin(qni_encode_stream *s, const qni_tokenizer *t,
                                  const qni_encode_options *options, qn_error *err)
{
    *s = (qni_encode_stream){.tokenizer = t, .options = *options};
    s->options.known_utf8 = false; // a part may end within a character
    reset(s);
    const char *needs_all = options->truncate         ? "truncation"
                            : options->pad            ? "padding"
                            : options->pair != NULL   ? "a pair of texts"
                            : options->max_tokens > 0 ? "a number of tokens"
                                                      : NULL;
    if (needs_all != NULL) {
        return qni_fail(err, QN_UNSUPPORTED, NULL,
                        "encoding in parts: %s needs the whole text; special tokens, plain special "
                        "tokens and offsets do not",
                        needs_all);
    }
    size_t texts = 0;
    for (size_t i = 0; i < t->single.n; i++) {
        texts += t->single.items[i].id < 0;
    }
    if (t->single.n > 0 && texts != 1 && options->add_special_tokens) {
        return qni_fail(err, QN_UNSUPPORTED, NULL,
                        "encoding in parts: the tokenizer's template holds the text %zu times",
                        texts);
    }
    return QN_OK;
}

void qni_encode_stream_end(qni_encode_stream *s)
{
    qni_free(s->text);
    *s = (qni_encode_stream){0};
}

// Encodes the first `n` bytes.
static qn_status encode(const qni_encode_stream *s, size_t n, bool goes_on, double *score,
                        qni_ids *out, qn_error *err)
{
    qni_text_part part = {.base = s->base,
                          .continues = s->continues,
                          .goes_on = goes_on,
                          .has_tokens = s->has_tokens,
                          .score = *score};
    qn_status status = qni_encode_part(s->tokenizer, s->text, n, &part, &s->options, out, err);
    *score = part.score;
    return status;
}

// Gives the tokens of the first `n` bytes away and forgets them.
static qn_status settle(qni_encode_stream *s, size_t n, bool within, qni_ids *out, qn_error *err)
{
    size_t before = out->n;
    QNI_TRY(encode(s, n, within, &s->score, out, err));
    s->has_tokens = s->has_tokens || out->n > before;
    memmove(s->text, s->text + n, s->n - n);
    s->n -= n;
    s->base += n;
    s->checked = 0;
    s->next_token = FIRST_TOKEN_TRY;
    s->continues = within;
    return QN_OK;
}

// Gives away what can be.
static qn_status advance(qni_encode_stream *s, qni_ids *out, qn_error *err)
{
    qni_context *c;
    size_t place = 0;
    if (s->n - s->checked < FEW) {
        return QN_OK;
    }
    QNI_TRY(qni_context_take(s->tokenizer, &c, err));
    qn_status status = qni_settled_before(s->tokenizer, c, s->text, s->n, s->checked, s->continues,
                                          &place, err);
    qni_context_give(s->tokenizer, c);
    QNI_TRY(status);
    if (place > 0) {
        return settle(s, place, true, out, err);
    }
    s->checked = s->n - AHEAD;
    if (s->n >= s->next_token) { // doubled, so that all looks together are linear
        s->next_token = 2 * s->n;
        place = qni_settled_token(s->tokenizer, s->text, s->n, s->options.plain_special);
        QNI_TRY(place > 0 ? settle(s, place, false, out, err) : QN_OK);
    }
    if (s->n > QNI_MAX_UNSPLIT_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL,
                        "bytes %zu to %zu of the text hold no place where this tokenizer's words "
                        "certainly end; at most %zu can be kept (QNI_MAX_UNSPLIT_BYTES)",
                        s->base, s->base + s->n, (size_t)QNI_MAX_UNSPLIT_BYTES);
    }
    return QN_OK;
}

static qn_status take(qni_encode_stream *s, const char *text, size_t n, qni_ids *out, qn_error *err)
{
    QNI_TRY(s->has_begun ? QN_OK : qni_encode_around(s->tokenizer, false, &s->options, out, err));
    s->has_begun = true;
    for (size_t at = 0; at < n;) {
        size_t more = n - at < SLICE ? n - at : SLICE;
        if (qni_grow(&s->text, &s->capacity, s->n + more + 16, 1) != 0) {
            return qni_fail_memory(err);
        }
        memcpy(s->text + s->n, text + at, more);
        s->n += more;
        at += more;
        QNI_TRY(advance(s, out, err));
    }
    return QN_OK;
}

qn_status qni_encode_stream_push(qni_encode_stream *s, const char *text, size_t n, qni_ids *out,
                                 qn_error *err)
{
    size_t before = out->n;
    qn_status status = take(s, text, n, out, err);
    if (status != QN_OK) {
        out->n = before;
        reset(s);
    }
    return status;
}

static qn_status give_rest(qni_encode_stream *s, qni_ids *out, qn_error *err)
{
    QNI_TRY(s->has_begun ? QN_OK : qni_encode_around(s->tokenizer, false, &s->options, out, err));
    double score = s->score;
    QNI_TRY(encode(s, s->n, false, &score, out, err));
    return qni_encode_around(s->tokenizer, true, &s->options, out, err);
}

qn_status qni_encode_stream_peek(qni_encode_stream *s, qni_ids *out, qn_error *err)
{
    size_t before = out->n;
    qn_status status = give_rest(s, out, err);
    out->n = status == QN_OK ? out->n : before;
    return status;
}

qn_status qni_encode_stream_flush(qni_encode_stream *s, qni_ids *out, qn_error *err)
{
    qn_status status = qni_encode_stream_peek(s, out, err);
    reset(s);
    return status;
}

qn_status qni_encode_first(const qni_tokenizer *t, const char *text, size_t n,
                           const qni_encode_options *options, qni_ids *out, size_t *count,
                           bool *done, qn_error *err)
{
    enum { BITE = 1 << 12 };
    size_t before = out->n, at = 0, most = options->max_tokens, taken = 0;
    qni_encode_options all = *options;
    qni_encode_stream s;
    all.max_tokens = 0;
    qn_status status = qni_encode_stream_begin(&s, t, &all, err);
    for (bool flushed = false; status == QN_OK && !flushed && taken < most;) {
        size_t more = n - at < BITE ? n - at : BITE;
        flushed = more == 0;
        status = flushed ? qni_encode_stream_flush(&s, out, err)
                         : qni_encode_stream_push(&s, text + at, more, out, err);
        at += more;
        taken = (count != NULL ? taken : 0) + out->n - before;
        out->n = count != NULL ? before : out->n;
    }
    qni_encode_stream_end(&s);
    *done = status == QN_OK;
    taken = taken < most ? taken : most;
    if (count != NULL) {
        *count = taken;
    }
    out->n = *done && count == NULL ? before + taken : before;
    return status == QN_UNSUPPORTED || status == QN_LIMIT_EXCEEDED ? QN_OK : status;
}
