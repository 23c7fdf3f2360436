#include "text/decoder.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include <string.h>

void qni_decoder_end(qni_decoder *decoder)
{
    for (size_t i = 0; i < decoder->n_steps; i++) {
        qni_free(decoder->steps[i].content);
        qni_free(decoder->steps[i].delimiter);
        qni_splitter_end(&decoder->steps[i].splitter);
    }
    qni_free(decoder->steps);
    *decoder = (qni_decoder){0};
}

static bool joins(qni_decode_kind kind)
{
    return kind == QNI_DECODE_FUSE || kind == QNI_DECODE_BYTE_LEVEL;
}

qn_status qni_decoder_settle(qni_decoder *d, qn_error *err)
{
    d->spaces = d->n_steps == 0;
    d->n_single = 0;
    while (d->n_single < d->n_steps && !joins(d->steps[d->n_single].kind)) {
        d->n_single++;
    }
    for (size_t i = 0; i < d->n_steps; i++) {
        const qni_decode_step *s = &d->steps[i];
        bool whole = i >= d->n_single;
        bool spaces = s->kind == QNI_DECODE_WORDPIECE || s->kind == QNI_DECODE_SUFFIX;
        if (spaces && (d->bytes || d->once)) { // they would count bytes, and tokens that are gone
            return qni_fail(err, QN_UNSUPPORTED, NULL,
                            "a decoder WordPiece or BPEDecoder behind ByteFallback or CTC");
        }
        d->byte_level = d->byte_level || s->kind == QNI_DECODE_BYTE_LEVEL;
        d->bytes = d->bytes || s->kind == QNI_DECODE_BYTES;
        d->first = d->first || s->kind == QNI_DECODE_WORDPIECE ||
                   (s->kind == QNI_DECODE_METASPACE && s->first);
        d->last = d->last || s->kind == QNI_DECODE_SUFFIX;
        d->once = d->once || s->kind == QNI_DECODE_CTC;
        bool fits = !whole || s->kind == QNI_DECODE_STRIP || s->kind == QNI_DECODE_REPLACE ||
                    (joins(s->kind) && (i == d->n_single || s->kind == QNI_DECODE_FUSE));
        if (!fits) {
            return qni_fail(err, QN_UNSUPPORTED, NULL,
                            "a decoder with a step behind Fuse or ByteLevel that is neither Strip "
                            "nor Replace");
        }
    }
    d->streams = !d->spaces && !d->first && !d->last && !d->once;
    for (size_t i = d->n_single; i < d->n_steps; i++) {
        const qni_decode_step *s = &d->steps[i];
        bool front = s->kind == QNI_DECODE_STRIP && s->stop == 0 && d->strip_start == 0 &&
                     s->n_content == 1;
        d->strip_start = front ? s->start : d->strip_start;
        d->streams = d->streams && (front || joins(s->kind));
    }
    return QN_OK;
}

// ---- Steps on a text, in place

static qn_status replace_all(qni_buf *text, size_t from, const char *what, size_t n_what,
                             const char *by, size_t n_by, qn_error *err)
{
    qni_buf out;
    if (n_what == 0 || text->size <= from ||
        memmem(text->data + from, text->size - from, what, n_what) == NULL) {
        return QN_OK;
    }
    qni_buf_begin(&out, text->limit_bytes, text->limit_name);
    qn_status status = QN_OK;
    size_t at = from;
    while (status == QN_OK && at < text->size) {
        const char *found = memmem(text->data + at, text->size - at, what, n_what);
        size_t stop = found != NULL ? (size_t)(found - text->data) : text->size;
        status = qni_buf_add(&out, text->data + at, stop - at, err);
        if (status == QN_OK && found != NULL) {
            status = qni_buf_add(&out, by, n_by, err);
        }
        at = stop + (found != NULL ? n_what : 0);
    }
    text->size = from;
    status = status == QN_OK ? qni_buf_add(text, out.data, out.size, err) : status;
    qni_buf_end(&out);
    return status;
}

static qn_status replace_matches(const qni_decode_step *s, qni_buf *text, size_t from,
                                 qn_error *err)
{
    if (s->splitter.literal != NULL) {
        return replace_all(text, from, s->splitter.literal, s->splitter.literal_bytes, s->content,
                           s->n_content, err);
    }
    qni_buf out;
    qni_buf_begin(&out, text->limit_bytes, text->limit_name);
    void *match = NULL;
    qn_status status = QN_OK;
    bool any = text->size > from;
    const char *token = any ? text->data + from : "";
    size_t n = text->size - from;
    qni_cut found = {SIZE_MAX, SIZE_MAX};
    for (size_t at = 0; status == QN_OK && any;) {
        status = qni_splitter_next(&s->splitter, token, n, at, &match, &found, &any, err);
        size_t stop = any ? found.begin : n;
        if (status == QN_OK && stop > at) {
            status = qni_buf_add(&out, token + at, stop - at, err);
        }
        if (status == QN_OK && any) {
            status = qni_buf_add(&out, s->content, s->n_content, err);
        }
        at = found.end;
    }
    text->size = from;
    if (status == QN_OK && out.size > 0) {
        status = qni_buf_add(text, out.data, out.size, err);
    }
    qni_splitter_free_match(match);
    qni_buf_end(&out);
    return status;
}

static void strip(const qni_decode_step *s, qni_buf *text, size_t from)
{
    size_t begin = from, end = text->size, n = s->n_content;
    for (size_t i = 0; i < s->start && end - begin >= n; i++) {
        if (memcmp(text->data + begin, s->content, n) != 0) {
            break;
        }
        begin += n;
    }
    for (size_t i = 0; i < s->stop && end - begin >= n; i++) {
        if (memcmp(text->data + end - n, s->content, n) != 0) {
            break;
        }
        end -= n;
    }
    if (begin > from) {
        memmove(text->data + from, text->data + begin, end - begin);
    }
    text->size = from + end - begin;
}

static const char *const untidy[][2] = {
    {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
    {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
    {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

size_t qni_decode_cleanup(char *text, size_t n)
{
    for (size_t row = 0; row < sizeof untidy / sizeof untidy[0]; row++) {
        const char *what = untidy[row][0], *by = untidy[row][1];
        size_t n_what = strlen(what), n_by = strlen(by), to = 0;
        for (size_t at = 0; at < n;) {
            if (n - at >= n_what && memcmp(text + at, what, n_what) == 0) {
                memcpy(text + to, by, n_by); // never longer than what it takes the place of
                to += n_by;
                at += n_what;
            } else {
                text[to++] = text[at++];
            }
        }
        n = to;
    }
    return n;
}

// ---- Steps on one token

static bool reads_as_byte(const char *text, size_t n, unsigned char *byte)
{
    if (n != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>' || qni_hex_value(text[3]) < 0 ||
        qni_hex_value(text[4]) < 0) {
        return false;
    }
    *byte = (unsigned char)(qni_hex_value(text[3]) << 4 | qni_hex_value(text[4]));
    return true;
}

// A token with a character that stands for no byte is taken as it is.
static void read_bytes(qni_buf *text, size_t from)
{
    char *data = text->data + from;
    size_t n = text->size - from, to = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)data + at, n - at, &code);
        if (length < 0 || qni_code_to_byte(code) < 0) {
            return;
        }
        at += (size_t)length;
    }
    for (size_t at = 0; at < n;) {
        uint32_t code;
        at += (size_t)qni_utf8_decode((const unsigned char *)data + at, n - at, &code);
        data[to++] = (char)qni_code_to_byte(code);
    }
    text->size = from + to;
}

static qn_status join_wordpiece(const qni_decode_step *s, qni_buf *text, size_t from, bool first,
                                qn_error *err)
{
    size_t n = s->n_content;
    if (!first && text->size - from >= n && memcmp(text->data + from, s->content, n) == 0) {
        memmove(text->data + from, text->data + from + n, text->size - from - n);
        text->size -= n;
    } else if (!first) {
        QNI_TRY(qni_buf_add(text, " ", 1, err));
        memmove(text->data + from + 1, text->data + from, text->size - from - 1);
        text->data[from] = ' ';
    }
    if (s->cleanup) {
        text->size = from + qni_decode_cleanup(text->data + from, text->size - from);
    }
    return QN_OK;
}

static qn_status read_ctc(const qni_decode_step *s, qni_buf *text, size_t from, qn_error *err)
{
    QNI_TRY(replace_all(text, from, s->content, s->n_content, "", 0, err));
    if (!s->cleanup || text->size == from) {
        return QN_OK;
    }
    text->size = from + qni_decode_cleanup(text->data + from, text->size - from);
    return replace_all(text, from, s->delimiter, strlen(s->delimiter), " ", 1, err);
}

static qn_status read_named(const qni_decode_step *s, qni_buf *text, size_t from, qn_error *err)
{
    size_t n = text->size - from;
    const char *at = s->content, *end = s->content + s->n_content;
    while (n > 0 && (at = memmem(at, (size_t)(end - at), text->data + from, n)) != NULL) {
        if (at[-1] == QNI_NAME_BORDER[0] && at[n] == QNI_NAME_BORDER[0]) {
            text->size = from;
            return qni_buf_add_text(text, s->delimiter, err);
        }
        at++;
    }
    return QN_OK;
}

static qn_status run_single(const qni_decode_step *s, qni_buf *text, size_t from, bool first,
                            bool last, bool *is_byte, qn_error *err)
{
    unsigned char byte;
    switch (s->kind) {
    case QNI_DECODE_BYTE_LEVEL: read_bytes(text, from); return QN_OK;
    case QNI_DECODE_FUSE: return QN_OK;
    case QNI_DECODE_REPLACE: return replace_matches(s, text, from, err);
    case QNI_DECODE_BYTES:
        if (reads_as_byte(text->data + from, text->size - from, &byte)) {
            text->data[from] = (char)byte;
            text->size = from + 1;
            *is_byte = true;
        }
        return QN_OK;
    case QNI_DECODE_STRIP: strip(s, text, from); return QN_OK;
    case QNI_DECODE_METASPACE:
        return replace_all(text, from, s->content, s->n_content, " ", first && s->first ? 0 : 1,
                           err);
    case QNI_DECODE_WORDPIECE: return join_wordpiece(s, text, from, first, err);
    case QNI_DECODE_SUFFIX:
        return replace_all(text, from, s->content, s->n_content, " ", last ? 0 : 1, err);
    case QNI_DECODE_CTC: return read_ctc(s, text, from, err);
    case QNI_DECODE_NAMED: return read_named(s, text, from, err);
    }
    return QN_OK;
}

qn_status qni_decoder_token(const qni_decoder *d, const char *token, size_t n, bool first,
                            bool last, qni_buf *out, bool *is_byte, qn_error *err)
{
    size_t from = out->size;
    *is_byte = false;
    if (d->spaces && !first) {
        QNI_TRY(qni_buf_add(out, " ", 1, err));
    }
    QNI_TRY(qni_buf_add(out, token, n, err));
    for (size_t i = 0; i < d->n_steps && i <= d->n_single; i++) {
        QNI_TRY(run_single(&d->steps[i], out, from, first, last, is_byte, err));
    }
    return QN_OK;
}

size_t qni_decoder_front(const qni_decoder *d, const char *token, size_t n)
{
    return d->front != QNI_FRONT_STAYS && n >= 3 && memcmp(token, "\xE2\x96\x81", 3) == 0;
}

size_t qni_decode_valid(const char *raw, size_t n, bool each_byte, char *out)
{
    size_t to = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)raw + at, n - at, &code);
        size_t size = (size_t)(length < 0 ? -length : length);
        for (size_t i = 0; length < 0 && i < (each_byte ? size : 1); i++) {
            memcpy(out + to, "\xEF\xBF\xBD", 3);
            to += 3;
        }
        if (length > 0) {
            memmove(out + to, raw + at, size);
            to += size;
        }
        at += size;
    }
    return to;
}

qn_status qni_decoder_whole(const qni_decoder *d, qni_buf *text, qn_error *err)
{
    for (size_t i = d->n_single + 1; i < d->n_steps; i++) {
        if (d->steps[i].kind == QNI_DECODE_STRIP) {
            strip(&d->steps[i], text, 0);
        } else if (d->steps[i].kind == QNI_DECODE_REPLACE) {
            QNI_TRY(replace_matches(&d->steps[i], text, 0, err));
        }
    }
    return QN_OK;
}
