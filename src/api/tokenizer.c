#include "quince/tokenizer.h"

#include "base/alloc.h"
#include "base/threads.h"
#include "text/encode_stream.h"

#include <stdatomic.h>
#include <string.h>

struct qn_tokens {
    qni_ids ids;
};

struct qn_decode_stream {
    qni_decode_stream stream;
};

// A public tokenizer is the inner one.
static const qni_tokenizer *inner(const qn_tokenizer *tokenizer)
{
    return (const qni_tokenizer *)(const void *)tokenizer;
}

qn_status qn_tokenizer_open(const char *path, qn_tokenizer **out, qn_error *err)
{
    qni_tokenizer *t = NULL;
    qn_status status = qni_tokenizer_open(path, &t, err);
    *out = (qn_tokenizer *)(void *)t;
    return status;
}

void qn_tokenizer_close(qn_tokenizer *tokenizer)
{
    qni_tokenizer_close((qni_tokenizer *)(void *)tokenizer);
}

qn_status qn_tokens_create(qn_tokens **out, qn_error *err)
{
    *out = qni_calloc(1, sizeof **out);
    return *out != NULL ? QN_OK : qni_fail_memory(err);
}

void qn_tokens_free(qn_tokens *tokens)
{
    if (tokens != NULL) {
        qni_ids_end(&tokens->ids);
        qni_free(tokens);
    }
}

void qn_tokens_clear(qn_tokens *tokens)
{
    tokens->ids.n = 0;
}

const int32_t *qn_tokens_ids(const qn_tokens *tokens, size_t *n)
{
    *n = tokens->ids.n;
    return tokens->ids.ids;
}

const qn_span *qn_tokens_spans(const qn_tokens *tokens)
{
    _Static_assert(sizeof(qn_span) == sizeof(qni_text_span), "the same two sizes");
    return (const qn_span *)(const void *)tokens->ids.spans;
}

static qni_encode_options encode_options(const qn_encode_options *o)
{
    static const qn_encode_options defaults;
    o = o != NULL ? o : &defaults;
    return (qni_encode_options){.add_special_tokens = o->add_special_tokens,
                                .plain_special = o->plain_special,
                                .offsets = o->offsets,
                                .truncate = o->truncate,
                                .pad = o->pad,
                                .max_tokens = o->max_tokens,
                                .pair = o->pair,
                                .n_pair = o->pair_size,
                                .known_utf8 = o->known_utf8};
}

qn_status qn_tokenizer_encode(const qn_tokenizer *tokenizer, const char *text, size_t size,
                              const qn_encode_options *options, qn_tokens *tokens, qn_error *err)
{
    qni_encode_options o = encode_options(options);
    return qni_tokenizer_encode(inner(tokenizer), text, size, &o, &tokens->ids, err);
}

qn_status qn_tokenizer_count(const qn_tokenizer *tokenizer, const char *text, size_t size,
                             const qn_encode_options *options, size_t *count, qn_error *err)
{
    qni_encode_options o = encode_options(options);
    return qni_tokenizer_count(inner(tokenizer), text, size, &o, count, err);
}

// ---- Texts in parts

struct qn_encode_stream {
    qni_encode_stream stream;
};

qn_status qn_encode_stream_create(const qn_tokenizer *tokenizer, const qn_encode_options *options,
                                  qn_encode_stream **out, qn_error *err)
{
    qni_encode_options o = encode_options(options);
    *out = qni_calloc(1, sizeof **out);
    if (*out == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = qni_encode_stream_begin(&(*out)->stream, inner(tokenizer), &o, err);
    if (status != QN_OK) {
        qn_encode_stream_free(*out);
        *out = NULL;
    }
    return status;
}

void qn_encode_stream_free(qn_encode_stream *stream)
{
    if (stream != NULL) {
        qni_encode_stream_end(&stream->stream);
        qni_free(stream);
    }
}

qn_status qn_encode_stream_push(qn_encode_stream *stream, const char *text, size_t size,
                                qn_tokens *tokens, qn_error *err)
{
    return qni_encode_stream_push(&stream->stream, text, size, &tokens->ids, err);
}

qn_status qn_encode_stream_peek(qn_encode_stream *stream, qn_tokens *tokens, qn_error *err)
{
    return qni_encode_stream_peek(&stream->stream, &tokens->ids, err);
}

qn_status qn_encode_stream_flush(qn_encode_stream *stream, qn_tokens *tokens, qn_error *err)
{
    return qni_encode_stream_flush(&stream->stream, &tokens->ids, err);
}

// ---- Batches

typedef struct batch {
    const qn_tokenizer *tokenizer;
    const char *const *texts;
    const size_t *sizes;
    const qn_encode_options *options;
    qn_tokens *const *rows;
    atomic_int failed; // the first failure writes `error`
    qn_status status;
    qn_error error;
} batch;

static void encode_some(void *context, size_t thread, size_t begin, size_t end)
{
    batch *b = context;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        qn_error err;
        qn_status status = qn_tokenizer_encode(b->tokenizer, b->texts[i], b->sizes[i], b->options,
                                               b->rows[i], &err);
        if (status != QN_OK && atomic_exchange(&b->failed, 1) == 0) {
            b->status = status;
            b->error = err;
        }
    }
}

// Pads to the longest of the batch, where the tokenizer says so; `before` is what the rows held.
static qn_status pad_rows(const batch *b, size_t n, const size_t *before, qn_error *err)
{
    const qni_encode_options options = encode_options(b->options);
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t more = b->rows[i]->ids.n - before[i];
        longest = more > longest ? more : longest;
    }
    for (size_t i = 0; i < n; i++) {
        QNI_TRY(qni_tokenizer_pad(inner(b->tokenizer), before[i], longest, &options,
                                  &b->rows[i]->ids, err));
    }
    return QN_OK;
}

qn_status qn_tokenizer_encode_batch(const qn_tokenizer *tokenizer, const char *const *texts,
                                    const size_t *sizes, size_t n, const qn_encode_options *options,
                                    size_t threads, qn_tokens *const *rows, qn_error *err)
{
    batch b = {.tokenizer = tokenizer,
               .texts = texts,
               .sizes = sizes,
               .options = options,
               .rows = rows,
               .status = QN_OK};
    qni_threads *pool = NULL;
    size_t *before = qni_alloc_array(n + 1, sizeof *before);
    if (before == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        (void)qn_tokens_ids(rows[i], &before[i]);
    }
    qn_status status = n > 1 && threads != 1 ? qni_threads_create(threads, &pool, err) : QN_OK;
    if (status != QN_OK) {
        qni_free(before);
        return status;
    }
    size_t grain = n / (16 * qni_threads_count(pool)) + 1;
    qni_threads_run(pool, encode_some, &b, n, grain);
    qni_threads_free(pool);
    if (b.status == QN_OK && options != NULL && options->pad) {
        b.status = pad_rows(&b, n, before, &b.error);
    }
    qni_free(before);
    if (b.status != QN_OK && err != NULL) {
        *err = b.error;
    }
    return b.status;
}

// ---- Back to text

static qni_decode_options decode_options(const qn_decode_options *o)
{
    static const qn_decode_options defaults;
    o = o != NULL ? o : &defaults;
    return (qni_decode_options){.skip_special_tokens = o->skip_special_tokens,
                                .clean_up = o->clean_up};
}

qn_status qn_tokenizer_decode(const qn_tokenizer *tokenizer, const int32_t *ids, size_t n,
                              const qn_decode_options *options, char **text, size_t *size,
                              qn_error *err)
{
    qni_decode_options o = decode_options(options);
    return qni_tokenizer_decode(inner(tokenizer), ids, n, &o, text, size, err);
}

qn_status qn_decode_stream_create(const qn_tokenizer *tokenizer, const qn_decode_options *options,
                                  qn_decode_stream **out, qn_error *err)
{
    qni_decode_options o = decode_options(options);
    *out = qni_calloc(1, sizeof **out);
    if (*out == NULL) {
        return qni_fail_memory(err);
    }
    qni_decode_stream_begin(&(*out)->stream, inner(tokenizer), &o);
    return QN_OK;
}

void qn_decode_stream_free(qn_decode_stream *stream)
{
    if (stream != NULL) {
        qni_decode_stream_end(&stream->stream);
        qni_free(stream);
    }
}

qn_status qn_decode_stream_push(qn_decode_stream *stream, int32_t id, const char **text,
                                size_t *size, qn_error *err)
{
    return qni_decode_stream_push(&stream->stream, id, text, size, err);
}

qn_status qn_decode_stream_flush(qn_decode_stream *stream, const char **text, size_t *size,
                                 qn_error *err)
{
    return qni_decode_stream_flush(&stream->stream, text, size, err);
}

// ---- The vocabulary

size_t qn_tokenizer_vocabulary_size(const qn_tokenizer *tokenizer)
{
    return qni_tokenizer_vocabulary(inner(tokenizer));
}

const char *qn_tokenizer_token(const qn_tokenizer *tokenizer, int32_t id, size_t *size)
{
    return qni_tokenizer_token_text(inner(tokenizer), id, size);
}

const char *qn_tokenizer_token_bytes(const qn_tokenizer *tokenizer, int32_t id, size_t *size)
{
    return qni_tokenizer_token_bytes(inner(tokenizer), id, size);
}

int32_t qn_tokenizer_find(const qn_tokenizer *tokenizer, const char *token, size_t size)
{
    return qni_tokenizer_find(inner(tokenizer), token, size);
}

bool qn_tokenizer_is_special(const qn_tokenizer *tokenizer, int32_t id)
{
    return qni_tokenizer_is_special(inner(tokenizer), id);
}

int32_t qn_tokenizer_bos(const qn_tokenizer *tokenizer)
{
    return qni_tokenizer_bos(inner(tokenizer));
}

const int32_t *qn_tokenizer_eos(const qn_tokenizer *tokenizer, size_t *n)
{
    const int32_t *ids;
    *n = qni_tokenizer_eos(inner(tokenizer), &ids);
    return ids;
}
