#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD";

typedef struct decoding {
    const qni_tokenizer *t;
    const qni_decode_options *options;
    qni_buf out;
    size_t bytes_from; // where a row of byte tokens begins; SIZE_MAX: none is open
    qn_error *err;
} decoding;

static bool is_skipped(const decoding *d, int32_t id)
{
    return id < 0 || (uint32_t)id >= d->t->plain.n || !d->t->plain.present[id] ||
           (d->options->skip_special_tokens && (d->t->traits[id] & QNI_TOKEN_SKIPPED) != 0);
}

// A row of byte tokens that is not UTF-8 as a whole gives U+FFFD for each of them, or for those
// that make no character.
static qn_status close_bytes(decoding *d)
{
    size_t from = d->bytes_from;
    d->bytes_from = SIZE_MAX;
    if (from == SIZE_MAX || qni_utf8_is_valid(d->out.data + from, d->out.size - from)) {
        return QN_OK;
    }
    size_t n = d->out.size - from;
    if (d->t->decoder.lone_bytes) {
        QNI_TRY(qni_buf_reserve(&d->out, 3 * n, d->err)); // what comes of the bytes, behind them
        char *row = d->out.data + from;
        size_t made = qni_decode_valid(row, n, true, row + n);
        memmove(row, row + n, made);
        d->out.size = from + made;
        return QN_OK;
    }
    d->out.size = from;
    for (size_t i = 0; i < n; i++) {
        QNI_TRY(qni_buf_add(&d->out, replacement, 3, d->err));
    }
    return QN_OK;
}

// A token that gives something else at the ends than in the middle.
static qn_status add_differing(decoding *d, int32_t id, bool first, bool last)
{
    bool is_byte;
    size_t n;
    const char *text;
    qni_normalize_scratch scratch = {0};
    qn_status status = qni_tokenizer_shown(d->t, (uint32_t)id, &scratch, &text, &n, d->err);
    if (status == QN_OK) {
        status = qni_decoder_token(&d->t->decoder, text, n, first, last, &d->out, &is_byte, d->err);
    }
    qni_normalize_scratch_end(&scratch);
    return status;
}

static qn_status add_token(decoding *d, int32_t id, bool first, bool last)
{
    const qni_decoder *decoder = &d->t->decoder;
    uint32_t n;
    if ((d->t->traits[id] & QNI_TOKEN_BYTE) != 0) {
        d->bytes_from = d->bytes_from == SIZE_MAX ? d->out.size : d->bytes_from;
    } else {
        QNI_TRY(close_bytes(d));
    }
    bool differs = (first && (decoder->first || decoder->spaces)) || (last && decoder->last);
    if (differs) {
        return add_differing(d, id, first, last);
    }
    const char *bytes = qni_vocab_at(&d->t->plain, (uint32_t)id, &n);
    return qni_buf_add(&d->out, bytes, n, d->err);
}

// Adds tokens from the middle of a text.
static qn_status add_middle(decoding *d, const int32_t *ids, size_t n)
{
    enum { SOME = 512 }; // tokens that there is room for
    const qni_brief_token *brief = d->t->brief.items;
    uint32_t n_brief = d->t->plain.n;
    for (size_t i = 0; i < n;) {
        size_t stop = n - i < SOME ? n : i + SOME;
        QNI_TRY(qni_buf_reserve(&d->out, SOME * sizeof *brief, d->err));
        char *to = d->out.data + d->out.size;
        while (i < stop && (uint32_t)ids[i] < n_brief && brief[ids[i]].n != QNI_NOT_BRIEF &&
               d->bytes_from == SIZE_MAX) {
            const qni_brief_token *token = &brief[ids[i++]];
            memcpy(to, token, sizeof *token); // the next one is written over what is too much
            to += token->n;
        }
        d->out.size = (size_t)(to - d->out.data);
        if (i < stop) {
            QNI_TRY(is_skipped(d, ids[i]) ? QN_OK : add_token(d, ids[i], false, false));
            i++;
        }
    }
    return QN_OK;
}

// Adds a token while nothing but spaces that are lost stood before it. *begun: what follows is the
// middle.
static qn_status add_front(decoding *d, int32_t id, bool first, bool last, bool *begun)
{
    const qni_decoder *decoder = &d->t->decoder;
    size_t before = d->out.size, n;
    QNI_TRY(add_token(d, id, first, last));
    const char *token = qni_tokenizer_token_text(d->t, id, &n);
    size_t lost = d->out.size > before ? qni_decoder_front(decoder, token, n) : 0;
    if (lost > 0 && before == 0) {
        d->out.size -= lost;
        memmove(d->out.data, d->out.data + lost, d->out.size);
    }
    *begun = decoder->front == QNI_FRONT_STAYS || d->out.size > 0 ||
             (lost > 0 && decoder->front == QNI_FRONT_LOSES_ONE);
    return QN_OK;
}

// The first and the last token may give something else than those between.
static qn_status add_tokens(decoding *d, const int32_t *ids, size_t n)
{
    bool any = false, begun = false;
    while (n > 0 && is_skipped(d, ids[n - 1])) {
        n--;
    }
    size_t at = 0;
    for (; at < n && !begun; at++) {
        if (!is_skipped(d, ids[at])) {
            QNI_TRY(add_front(d, ids[at], !any, at + 1 == n, &begun));
            any = true;
        }
    }
    if (at + 1 < n) {
        QNI_TRY(add_middle(d, ids + at, n - at - 1));
    }
    if (at < n) {
        QNI_TRY(add_token(d, ids[n - 1], false, true));
    }
    return close_bytes(d);
}

// Whether two tokens are decoded from the same text.
static qn_status are_alike(decoding *d, int32_t a, int32_t b, bool *alike)
{
    *alike = a == b;
    if (a == b || a < 0 || ((d->t->traits[a] | d->t->traits[b]) & QNI_TOKEN_SHOWN) == 0) {
        return QN_OK;
    }
    qni_normalize_scratch of_a = {0}, of_b = {0};
    const char *text[2];
    size_t n[2];
    qn_status status = qni_tokenizer_shown(d->t, (uint32_t)a, &of_a, &text[0], &n[0], d->err);
    if (status == QN_OK) {
        status = qni_tokenizer_shown(d->t, (uint32_t)b, &of_b, &text[1], &n[1], d->err);
    }
    *alike = status == QN_OK && n[0] == n[1] && memcmp(text[0], text[1], n[0]) == 0;
    qni_normalize_scratch_end(&of_a);
    qni_normalize_scratch_end(&of_b);
    return status;
}

// The same, but a token that comes again at once does not count.
static qn_status add_tokens_once(decoding *d, const int32_t *ids, size_t n)
{
    while (n > 0 && is_skipped(d, ids[n - 1])) {
        n--;
    }
    int32_t previous = -1;
    for (size_t i = 0; i < n; i++) {
        bool again = true;
        if (!is_skipped(d, ids[i])) {
            QNI_TRY(are_alike(d, previous, ids[i], &again));
        }
        if (!again) {
            QNI_TRY(add_token(d, ids[i], previous < 0, i + 1 == n));
            previous = ids[i];
        }
    }
    return close_bytes(d);
}

// U+FFFD for each ill-formed part.
static qn_status replace_invalid(decoding *d)
{
    qni_buf clean;
    if (d->out.size == 0 || qni_utf8_is_valid(d->out.data, d->out.size)) {
        return QN_OK;
    }
    qni_buf_begin(&clean, d->out.limit_bytes, d->out.limit_name);
    const char *text = d->out.data;
    size_t n = d->out.size;
    qn_status status = QN_OK;
    for (size_t at = 0; at < n && status == QN_OK;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)text + at, n - at, &code);
        size_t size = (size_t)(length < 0 ? -length : length);
        status = length < 0 ? qni_buf_add(&clean, replacement, 3, d->err)
                            : qni_buf_add(&clean, text + at, size, d->err);
        at += size;
    }
    qni_buf_end(&d->out);
    d->out = clean;
    return status;
}

static qn_status decode(decoding *d, const int32_t *ids, size_t n)
{
    const qni_decoder *decoder = &d->t->decoder;
    QNI_TRY(decoder->once ? add_tokens_once(d, ids, n) : add_tokens(d, ids, n));
    if (decoder->byte_level) {
        QNI_TRY(replace_invalid(d));
    }
    QNI_TRY(qni_buf_reserve(&d->out, 1, d->err)); // never NULL
    QNI_TRY(qni_decoder_whole(decoder, &d->out, d->err));
    if (d->options->clean_up) {
        d->out.size = qni_decode_cleanup(d->out.data, d->out.size);
    }
    d->out.data[d->out.size] = '\0';
    return QN_OK;
}

qn_status qni_tokenizer_decode(const qni_tokenizer *t, const int32_t *ids, size_t n,
                               const qni_decode_options *options, char **text, size_t *size,
                               qn_error *err)
{
    static const qni_decode_options defaults;
    decoding d = {.t = t,
                  .options = options != NULL ? options : &defaults,
                  .bytes_from = SIZE_MAX,
                  .err = err};
    *text = NULL;
    *size = 0;
    qni_buf_begin(&d.out, QNI_MAX_DECODED_BYTES, "decoded text (QNI_MAX_DECODED_BYTES)");
    qn_status status = decode(&d, ids, n);
    if (status == QN_OK) {
        *size = d.out.size;
        *text = qni_buf_take(&d.out);
    }
    qni_buf_end(&d.out);
    return status;
}
