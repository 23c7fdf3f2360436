// Reads tiktoken's rank files: a line "base64 rank" for each token. Of two neighbours the pair
// whose joined bytes have the lowest rank is merged first; a rank is the token's id too.
//
// The file does not say how words are cut. That is known for the vocabularies that are in use, by
// how many tokens they have.
#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/base64.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

typedef struct known {
    size_t n_tokens;
    const char *name, *pattern;
} known;

#define GPT2 "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define CL100K(numbers)                                                   \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const known vocabularies[] = {
    {50256, "gpt2, r50k_base", GPT2},
    {50280, "p50k_base", GPT2},
    {100256, "cl100k_base", CL100K("\\p{N}{1,3}")},
    {128000, "Llama 3", CL100K("\\p{N}{1,3}")},
    {151643, "Qwen", CL100K("\\p{N}")},
    {199998, "o200k_base",
     "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
     "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
     "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
     "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|"
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};

typedef struct reader {
    qni_tokenizer *t;
    qni_arena arena;
    qni_token_list raw, written; // as bytes, and as printable characters
    qn_error *err;
} reader;

static qn_status add_written(reader *r, const char *bytes, size_t n, uint32_t id)
{
    char *text = qni_arena_alloc(&r->arena, 2 * n + 1);
    size_t size = 0;
    if (text == NULL) {
        return qni_fail_memory(r->err);
    }
    for (size_t i = 0; i < n; i++) { // characters up to U+0143: two bytes at most
        size += (size_t)qni_utf8_encode(qni_byte_to_code((unsigned char)bytes[i]), text + size);
    }
    return qni_token_list_add(&r->written, text, size, id, false, r->err);
}

static qn_status read_line(reader *r, const char *line, size_t n, size_t number)
{
    const char *space = memchr(line, ' ', n);
    size_t n_text = space != NULL ? (size_t)(space - line) : 0, size;
    char *end = NULL;
    unsigned long rank = space != NULL ? strtoul(space + 1, &end, 10) : 0;
    char *bytes = qni_arena_alloc(&r->arena, 3 * (n_text / 4) + 4);
    if (bytes == NULL) {
        return qni_fail_memory(r->err);
    }
    bool fine = n_text > 0 && end != NULL && end != space + 1 && end <= line + n &&
                rank < QNI_MAX_VOCABULARY && qni_base64_decode(line, n_text, bytes, &size);
    if (!fine || size == 0) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL,
                        "line %zu is not a token in base64 and a rank", number);
    }
    QNI_TRY(qni_token_list_add(&r->raw, bytes, size, (uint32_t)rank, false, r->err));
    return add_written(r, bytes, size, (uint32_t)rank);
}

static qn_status read_lines(reader *r, const char *text, size_t n)
{
    size_t number = 1;
    for (size_t at = 0; at < n; number++) {
        const char *stop = memchr(text + at, '\n', n - at);
        size_t end = stop != NULL ? (size_t)(stop - text) : n, length = end - at;
        length -= length > 0 && text[at + length - 1] == '\r';
        if (length > 0) {
            QNI_TRY(read_line(r, text + at, length, number));
        }
        at = end + 1;
    }
    return QN_OK;
}

// Every way to put a token together of two others.
static qn_status collect_merges(reader *r, qni_bpe_merge **out, size_t *n)
{
    const qni_vocab *vocab = &r->t->model.vocab;
    size_t capacity = 0;
    for (uint32_t id = 0; id < vocab->n; id++) {
        uint32_t size;
        const char *bytes = qni_vocab_at(vocab, id, &size);
        for (uint32_t cut = 1; vocab->present[id] && cut < size; cut++) {
            int32_t left = qni_vocab_find(vocab, bytes, cut);
            int32_t right = left >= 0 ? qni_vocab_find(vocab, bytes + cut, size - cut) : -1;
            if (right < 0) {
                continue;
            }
            if (qni_grow(out, &capacity, *n + 1, sizeof **out) != 0) {
                return qni_fail_memory(r->err);
            }
            (*out)[(*n)++] = (qni_bpe_merge){(uint32_t)left, (uint32_t)right, id, id};
        }
    }
    return QN_OK;
}

static qn_status set_pattern(reader *r)
{
    qni_tokenizer *t = r->t;
    for (size_t i = 0; i < sizeof vocabularies / sizeof vocabularies[0]; i++) {
        if (vocabularies[i].n_tokens == r->raw.n) {
            t->pretokenizers = qni_calloc(1, sizeof *t->pretokenizers);
            if (t->pretokenizers == NULL) {
                return qni_fail_memory(r->err);
            }
            t->n_pretokenizers = 1;
            return qni_splitter_open(vocabularies[i].pattern, QNI_REGEX_RUST, QNI_SPLIT_ISOLATED,
                                     false, &t->pretokenizers[0].splitter, r->err);
        }
    }
    return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                    "a rank file of %zu tokens does not say how words are cut; known are those of "
                    "gpt2 (50256), p50k_base (50280), cl100k_base (100256), Llama 3 (128000), Qwen "
                    "(151643) and o200k_base (199998)",
                    r->raw.n);
}

static qn_status build(reader *r)
{
    qni_tokenizer *t = r->t;
    qni_bpe_merge *merges = NULL;
    size_t n = 0;
    QNI_TRY(set_pattern(r));
    t->model.kind = QNI_MODEL_BPE;
    t->model.byte_level = true;
    t->model.ignore_merges = true; // a word that is a token is that token
    QNI_TRY(qni_vocab_build(r->raw.items, r->raw.n, &t->model.vocab, r->err));
    QNI_TRY(qni_vocab_build(r->written.items, r->written.n, &t->written, r->err));
    qn_status status = collect_merges(r, &merges, &n);
    status = status == QN_OK ? qni_model_build_bpe(&t->model, merges, n, r->err) : status;
    qni_free(merges);
    QNI_TRY(status);
    t->decoder.steps = qni_calloc(1, sizeof *t->decoder.steps);
    if (t->decoder.steps == NULL) {
        return qni_fail_memory(r->err);
    }
    t->decoder.steps[0].kind = QNI_DECODE_BYTE_LEVEL;
    t->decoder.n_steps = 1;
    return qni_tokenizer_finish(t, &r->written, r->err);
}

qn_status qni_tokenizer_read_ranks(qni_tokenizer *t, const char *path, qn_error *err)
{
    reader r = {.t = t, .err = err};
    char *text = NULL;
    size_t n = 0;
    QNI_TRY(qni_file_read(path, QNI_MAX_TEXT_FILE_BYTES, &text, &n, err));
    qni_arena_begin(&r.arena, QNI_GIB);
    qn_status status = read_lines(&r, text, n);
    status = status == QN_OK ? build(&r) : status;
    qni_free(r.raw.items);
    qni_free(r.written.items);
    qni_arena_end(&r.arena);
    qni_free(text);
    return status == QN_OK ? QN_OK : qni_fail_in(err, status, path);
}
