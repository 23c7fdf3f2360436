// How fast a tokenizer encodes and decodes one's own texts, on one thread.
//
//   tokenizer TOKENIZER FILE ... [--rounds N] [--passes N] [--only PHASE]
//   tokenizer TOKENIZER --long: nanoseconds a byte for words and rows of 64 KB, 1 MB and 16 MB
//
// The files are cut into documents of about 8 KB at the ends of characters. `cold` is the first
// half of them by a tokenizer just opened, `unseen` the other half after that, `warm` all of them
// again (best of the passes), `decode` their tokens back to text. Best of the rounds, MB/s of
// UTF-8; `open` is in milliseconds, from the cache folder when there is more than one round.
// `append` is how many microseconds it takes to have all tokens of a conversation of 1,000 and of
// 100,000 tokens when text of about 64 tokens that was not seen before is added.
#include "base/clock.h"
#include "base/file.h"
#include "quince/quince.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT = 8192, MOST_DOCUMENTS = 1 << 20 };

typedef struct documents {
    const char **texts;
    size_t *sizes;
    size_t n, bytes;
} documents;

static void cut(const char *text, size_t n, documents *out)
{
    for (size_t at = 0; at < n && out->n < MOST_DOCUMENTS;) {
        size_t end = n - at < DOCUMENT ? n : at + DOCUMENT;
        while (end < n && ((unsigned char)text[end] & 0xC0) == 0x80) {
            end--;
        }
        out->texts[out->n] = text + at;
        out->sizes[out->n++] = end - at;
        out->bytes += end - at;
        at = end;
    }
}

static void fail(const qn_error *err)
{
    fprintf(stderr, "tokenizer: %s\n", err->message);
    exit(1);
}

static int number(const char *text)
{
    long value = strtol(text, NULL, 10);
    return value < 1 ? 1 : value > 1000000 ? 1000000 : (int)value;
}

// Encodes every `step`-th document from `first`; the seconds that it took.
static double encode(const qn_tokenizer *t, const documents *d, size_t first, size_t step,
                     qn_tokens *tokens)
{
    qn_error err;
    int64_t start = qni_clock_us();
    for (size_t i = first; i < d->n; i += step) {
        qn_tokens_clear(tokens);
        if (qn_tokenizer_encode(t, d->texts[i], d->sizes[i], NULL, tokens, &err) != QN_OK) {
            fail(&err);
        }
    }
    return (double)(qni_clock_us() - start) / 1e6;
}

static double decode(const qn_tokenizer *t, const qn_tokens *tokens)
{
    qn_error err;
    char *text;
    size_t n, size;
    const int32_t *ids = qn_tokens_ids(tokens, &n);
    int64_t start = qni_clock_us();
    if (qn_tokenizer_decode(t, ids, n, NULL, &text, &size, &err) != QN_OK) {
        fail(&err);
    }
    double took = (double)(qni_clock_us() - start) / 1e6;
    qn_free(text);
    return took;
}

static double decode_all(const qn_tokenizer *t, const documents *d, qn_tokens *tokens)
{
    double took = 0;
    for (size_t i = 0; i < d->n; i++) {
        qn_error err;
        qn_tokens_clear(tokens);
        if (qn_tokenizer_encode(t, d->texts[i], d->sizes[i], NULL, tokens, &err) != QN_OK) {
            fail(&err);
        }
        took += decode(t, tokens);
    }
    return took;
}

static void push(qn_encode_stream *stream, const documents *d, size_t from, size_t n,
                 qn_tokens *tokens)
{
    qn_error err;
    while (n > 0) {
        size_t i = from / DOCUMENT % d->n, at = from % DOCUMENT % d->sizes[i];
        size_t some = d->sizes[i] - at < n ? d->sizes[i] - at : n;
        if (qn_encode_stream_push(stream, d->texts[i] + at, some, tokens, &err) != QN_OK) {
            fail(&err);
        }
        from += DOCUMENT - from % DOCUMENT;
        n -= some;
    }
}

// The microseconds for each addition to a conversation of `have` tokens, by a tokenizer that is
// warm from its texts only.
static double append(const char *path, const documents *d, size_t have)
{
    enum { MORE = 64, TIMES = 200, BYTES = 4 }; // bytes of a token, about
    qn_error err;
    qn_tokenizer *t;
    qn_encode_stream *stream;
    qn_tokens *tokens, *end;
    if (qn_tokenizer_open(path, &t, &err) != QN_OK ||
        qn_encode_stream_create(t, NULL, &stream, &err) != QN_OK ||
        qn_tokens_create(&tokens, &err) != QN_OK || qn_tokens_create(&end, &err) != QN_OK) {
        fail(&err);
    }
    push(stream, d, 0, have * BYTES, tokens);
    size_t from = have * BYTES + DOCUMENT;
    int64_t start = qni_clock_us();
    for (int i = 0; i < TIMES; i++) {
        push(stream, d, from + (size_t)i * MORE * BYTES, MORE * BYTES, tokens);
        qn_tokens_clear(end);
        if (qn_encode_stream_peek(stream, end, &err) != QN_OK) {
            fail(&err);
        }
    }
    double took = (double)(qni_clock_us() - start) / TIMES;
    qn_tokens_free(tokens);
    qn_tokens_free(end);
    qn_encode_stream_free(stream);
    qn_tokenizer_close(t);
    return took;
}

// ---- Long words

typedef struct kind {
    const char *name;
    const char *const *units; // one after the other, or at random
    size_t n;
    bool random;
} kind;

static void fill(const kind *k, char *text, size_t n)
{
    uint64_t state = 1;
    size_t at = 0, i = 0;
    for (size_t size; at < n; at += size) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        i = k->random ? (size_t)(state >> 33) % k->n : (i + 1) % k->n;
        size = strlen(k->units[i]);
        size = size <= n - at ? size : n - at;
        memcpy(text + at, k->units[i], size);
    }
}

static double best_of(const qn_tokenizer *t, const char *text, size_t n, qn_tokens *tokens)
{
    documents one = {&text, &n, 1, n};
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        double took = encode(t, &one, 0, 1, tokens);
        best = took < best ? took : best;
    }
    return best;
}

// Each text is encoded three times by a tokenizer just opened; the cost of a byte does not rise
// with the length.
static int measure_long(const char *path)
{
    enum { MOST = 16 << 20 };
    static const char *const a[] = {"a"}, *const space[] = {" "}, *const mark[] = {"\xCC\x81"};
    static const char *const letters[] = {"e", "t", "a", "o", "i", "n", "s", "h", "r", "q", "x"};
    static const char *const signs[] = {"!", "#", "(", ")", "-", "=", "[", "]", "{", "}", ";"};
    static const char *const han[] = {"\xE4\xB8\xAD", "\xE5\x9B\xBD", "\xE4\xBA\xBA",
                                      "\xE7\x9A\x84", "\xE6\xB0\xB4", "\xE9\xBE\x98"};
    static const kind kinds[] = {{"one letter", a, 1, false}, {"spaces", space, 1, false},
                                 {"marks", mark, 1, false},   {"letters", letters, 11, true},
                                 {"signs", signs, 11, true},  {"ideographs", han, 6, true}};
    char *text = malloc(MOST);
    qn_tokens *tokens;
    qn_error err;
    if (text == NULL || qn_tokens_create(&tokens, &err) != QN_OK) {
        return 1;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        printf("%-12s", kinds[i].name);
        fill(&kinds[i], text, MOST);
        for (size_t n = 1 << 16; n <= MOST; n *= 16) {
            qn_tokenizer *t;
            if (qn_tokenizer_open(path, &t, &err) != QN_OK) {
                fail(&err);
            }
            printf("  %8zu B %7.2f ns/B", n, best_of(t, text, n, tokens) * 1e9 / (double)n);
            qn_tokenizer_close(t);
        }
        putchar('\n');
    }
    qn_tokens_free(tokens);
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    enum { COLD, UNSEEN, WARM, DECODE, PHASES };
    static const char *const names[PHASES] = {"cold", "unseen", "warm", "decode"};
    const char *only = NULL;
    int rounds = 5, passes = 3;
    documents d = {calloc(MOST_DOCUMENTS, sizeof(char *)), calloc(MOST_DOCUMENTS, sizeof(size_t)),
                   0, 0};
    qn_error err;
    qn_tokens *tokens;
    if (argc < 3 || d.texts == NULL || d.sizes == NULL ||
        qn_tokens_create(&tokens, &err) != QN_OK) {
        fputs("usage: tokenizer TOKENIZER FILE ... [--rounds N] [--passes N] [--only PHASE]\n",
              stderr);
        return argc < 3 ? 0 : 1; // alone among the benchmarks it needs inputs
    }
    if (strcmp(argv[2], "--long") == 0) {
        qn_tokens_free(tokens);
        return measure_long(argv[1]);
    }
    for (int i = 2; i < argc; i++) {
        qni_map *map; // stays mapped to the end
        if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
            rounds = number(argv[++i]);
        } else if (strcmp(argv[i], "--passes") == 0 && i + 1 < argc) {
            passes = number(argv[++i]);
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else if (qni_map_open(argv[i], &map, &err) == QN_OK) {
            cut((const char *)qni_map_data(map), qni_map_size(map), &d);
        } else {
            fail(&err);
        }
    }
    double open_ms = 1e9, best[PHASES] = {1e9, 1e9, 1e9, 1e9};
    for (int round = 0; round < rounds; round++) {
        qn_tokenizer *t;
        double took[PHASES] = {1e9, 1e9, 1e9, 1e9};
        int64_t start = qni_clock_us();
        if (qn_tokenizer_open(argv[1], &t, &err) != QN_OK) {
            fail(&err);
        }
        double opened = (double)(qni_clock_us() - start) / 1e3;
        open_ms = opened < open_ms ? opened : open_ms;
        took[COLD] = encode(t, &d, 0, 2, tokens) * 2;
        took[UNSEEN] = encode(t, &d, 1, 2, tokens) * 2;
        for (int again = 0; again < passes; again++) {
            double warm = encode(t, &d, 0, 1, tokens);
            took[WARM] = warm < took[WARM] ? warm : took[WARM];
        }
        took[DECODE] = only == NULL || strcmp(only, "decode") == 0 ? decode_all(t, &d, tokens)
                                                                   : 1e9;
        for (int phase = 0; phase < PHASES; phase++) {
            best[phase] = took[phase] < best[phase] ? took[phase] : best[phase];
        }
        qn_tokenizer_close(t);
    }
    printf("%zu documents, %.2f MB:", d.n, (double)d.bytes / 1e6);
    for (int phase = 0; phase < PHASES; phase++) {
        if (only == NULL || strcmp(only, names[phase]) == 0) {
            printf("  %s %.1f", names[phase], (double)d.bytes / 1e6 / best[phase]);
        }
    }
    printf(" MB/s  open %.2f ms", open_ms);
    if (only == NULL || strcmp(only, "append") == 0) {
        double to_few = append(argv[1], &d, 1000), to_many = append(argv[1], &d, 100000);
        printf("  append %.1f %.1f us", to_few, to_many);
    }
    putchar('\n');
    return 0;
}
