// quince tokenize: a text to tokens and back.
#include "cli.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince tokenize TOKENIZER [-p TEXT | -f FILE] [options]\n"
    "\n"
    "Prints the tokens of a text, one a line: id, bytes [begin, end) of the text, the token as "
    "the\n"
    "file writes it. TOKENIZER is a tokenizer.json, or a folder that holds one. The text comes "
    "from\n"
    "-p, from a file, or from standard input; it may be any bytes, and of any size.\n"
    "\n"
    "  --ids              only the ids, on one line\n"
    "  --count            only how many they are\n"
    "  --decode           the input is ids (white space or commas between them); prints their "
    "text\n"
    "  --json             as JSON: ids, offsets, tokens\n"
    "  --special          with the tokens that the tokenizer puts around a text\n"
    "  --plain            special tokens in the text are read as letters\n"
    "  --skip-special     with --decode: leave special tokens out\n"
    "  -n N               only the first N tokens\n"
    "  --bench            how fast the text is encoded, and decoded again\n"
    "\n"
    "  quince tokenize examples/models/worker -p 'What is the weather in Paris?'\n"
    "  quince tokenize examples/models/worker -p 'Hello' --ids | quince tokenize "
    "examples/models/worker --decode\n";

typedef struct request {
    const char *tokenizer, *text, *file;
    bool ids, count, decode, json, bench, skip_special;
    qn_encode_options encode;
} request;

// ---- Output

static void print_ids(const qn_tokens *tokens, size_t n, bool first)
{
    size_t all;
    const int32_t *ids = qn_tokens_ids(tokens, &all);
    for (size_t i = 0; i < n; i++) {
        printf("%s%d", i == 0 && first ? "" : " ", ids[i]);
    }
}

// A token on one line: what does not print as its number.
static void print_token(const char *token, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)token[i];
        if (c < 0x20 || c == 0x7F) {
            printf("\\x%02x", c);
        } else {
            putchar(c);
        }
    }
}

static void print_rows(const qn_tokenizer *tokenizer, const qn_tokens *tokens, size_t n)
{
    size_t all, size;
    const int32_t *ids = qn_tokens_ids(tokens, &all);
    const qn_span *spans = qn_tokens_spans(tokens);
    for (size_t i = 0; i < n; i++) {
        const char *token = qn_tokenizer_token(tokenizer, ids[i], &size);
        printf("%8d  %6zu %6zu  ", ids[i], spans[i].begin, spans[i].end);
        print_token(token != NULL ? token : "", token != NULL ? size : 0);
        putchar('\n');
    }
}

static int print_json(const qn_tokenizer *tokenizer, const qn_tokens *tokens, size_t n)
{
    size_t all, size;
    const int32_t *ids = qn_tokens_ids(tokens, &all);
    const qn_span *spans = qn_tokens_spans(tokens);
    json_t *out = json_pack("{s:[], s:[], s:[]}", "ids", "offsets", "tokens");
    for (size_t i = 0; i < n; i++) {
        const char *token = qn_tokenizer_token(tokenizer, ids[i], &size);
        json_t *text = token != NULL ? json_stringn(token, size) : NULL;
        (void)json_array_append_new(json_object_get(out, "ids"), json_integer(ids[i]));
        (void)json_array_append_new(
            json_object_get(out, "offsets"),
            json_pack("[I, I]", (json_int_t)spans[i].begin, (json_int_t)spans[i].end));
        (void)json_array_append_new(json_object_get(out, "tokens"),
                                    text != NULL ? text : json_null());
    }
    int failed = json_dumpf(out, stdout, 0);
    json_decref(out);
    putchar('\n');
    return failed == 0 ? CLI_OK : CLI_BAD_MODEL;
}

// ---- Work

static qn_status parse_ids(const char *text, int32_t **out, size_t *n, qn_error *err)
{
    size_t capacity = 0;
    *out = NULL;
    *n = 0;
    for (const char *at = text;;) {
        while (isspace((unsigned char)*at) || *at == ',' || *at == '[' || *at == ']') {
            at++;
        }
        if (*at == '\0') {
            return QN_OK;
        }
        char *end;
        errno = 0;
        long id = strtol(at, &end, 10);
        if (end == at || errno != 0 || id < 0 || id > INT32_MAX) {
            return qni_fail(err, QN_INVALID_ARGUMENT, "the ids", "\"%.20s\" is not an id", at);
        }
        if (qni_grow(out, &capacity, *n + 1, sizeof **out) != 0) {
            return qni_fail_memory(err);
        }
        (*out)[(*n)++] = (int32_t)id;
        at = end;
    }
}

static qn_status decode(const request *r, const qn_tokenizer *tokenizer, const char *input,
                        qn_error *err)
{
    int32_t *ids = NULL;
    size_t n = 0, size;
    char *text = NULL;
    const qn_decode_options options = {.skip_special_tokens = r->skip_special};
    qn_status status = parse_ids(input, &ids, &n, err);
    if (status == QN_OK) {
        status = qn_tokenizer_decode(tokenizer, ids, n, &options, &text, &size, err);
    }
    if (status == QN_OK) {
        fwrite(text, 1, size, stdout);
        putchar('\n');
    }
    qn_free(text);
    qni_free(ids);
    return status;
}

static qn_status bench(const request *r, const qn_tokenizer *tokenizer, const char *input,
                       size_t size, qn_tokens *tokens, qn_error *err)
{
    enum { ROUNDS = 5 };
    double first = 0, best = 1e9, back = 1e9;
    size_t n = 0;
    qn_encode_options options = r->encode;
    options.offsets = false;
    for (int round = 0; round < ROUNDS; round++) {
        char *text = NULL;
        size_t text_size;
        qn_tokens_clear(tokens);
        int64_t start = qni_clock_us();
        QNI_TRY(qn_tokenizer_encode(tokenizer, input, size, &options, tokens, err));
        double took = (double)(qni_clock_us() - start) / 1e6;
        first = round == 0 ? took : first;
        best = took < best ? took : best;
        const int32_t *ids = qn_tokens_ids(tokens, &n);
        start = qni_clock_us();
        QNI_TRY(qn_tokenizer_decode(tokenizer, ids, n, NULL, &text, &text_size, err));
        took = (double)(qni_clock_us() - start) / 1e6;
        back = took < back ? took : back;
        qn_free(text);
    }
    double megabytes = (double)size / 1e6;
    printf("bytes %zu, tokens %zu\n", size, n);
    printf("encode, first time  %9.1f MB/s\n", megabytes / first);
    printf("encode, best of %d   %9.1f MB/s  %11.0f tokens/s\n", ROUNDS, megabytes / best,
           (double)n / best);
    printf("decode, best of %d   %9.1f MB/s\n", ROUNDS, megabytes / back);
    return QN_OK;
}

// What is done with tokens as they come.
typedef struct sink {
    const request *r;
    const qn_tokenizer *tokenizer;
    qn_tokens *tokens; // of the last part; with --json, all
    size_t n;          // tokens before them
    bool full;         // -n is reached
} sink;

static void take_tokens(sink *s)
{
    size_t n, most = s->r->encode.max_tokens;
    qn_tokens_ids(s->tokens, &n);
    s->full = most > 0 && s->n + n >= most;
    n = s->full ? most - s->n : n;
    if (s->r->json) {
        return;
    }
    if (s->r->ids) {
        print_ids(s->tokens, n, s->n == 0);
    } else if (!s->r->count) {
        print_rows(s->tokenizer, s->tokens, n);
    }
    s->n += n;
    qn_tokens_clear(s->tokens);
}

static int print_end(sink *s)
{
    size_t n;
    qn_tokens_ids(s->tokens, &n);
    if (s->r->json) {
        return print_json(s->tokenizer, s->tokens, s->full ? s->r->encode.max_tokens : n);
    }
    if (s->r->count) {
        printf("%zu\n", s->n);
    } else if (s->r->ids) {
        putchar('\n');
    }
    return CLI_OK;
}

// The input is read, encoded and printed part by part, so that its size does not matter.
static qn_status encode_parts(const request *r, sink *s, cli_input *input, qn_error *err)
{
    qn_encode_stream *stream = NULL;
    qn_encode_options options = r->encode;
    options.offsets = r->json || (!r->ids && !r->count);
    options.max_tokens = 0;
    qn_status status = qn_encode_stream_create(s->tokenizer, &options, &stream, err);
    const char *text = "";
    for (size_t n = 1; status == QN_OK && n > 0 && !s->full;) {
        status = cli_input_read(input, &text, &n, err);
        if (status == QN_OK) {
            status = n > 0 ? qn_encode_stream_push(stream, text, n, s->tokens, err)
                           : qn_encode_stream_flush(stream, s->tokens, err);
        }
        if (status == QN_OK) {
            take_tokens(s);
        }
    }
    qn_encode_stream_free(stream);
    return status;
}

static qn_status encode(const request *r, const qn_tokenizer *tokenizer, qn_tokens *tokens,
                        qn_error *err)
{
    cli_input *input = NULL;
    sink s = {.r = r, .tokenizer = tokenizer, .tokens = tokens};
    qn_status status = cli_input_open(r->text, r->file, &input, err);
    status = status == QN_OK ? encode_parts(r, &s, input, err) : status;
    cli_input_close(input);
    if (status == QN_OK) {
        print_end(&s);
    }
    return status;
}

// Decoding, and measuring, take the input as a whole.
static qn_status use_whole(const request *r, const qn_tokenizer *tokenizer, qn_tokens *tokens,
                           qn_error *err)
{
    char *input;
    size_t size;
    QNI_TRY(cli_read_input(r->text, r->file, &input, &size, err));
    qn_status status = r->decode ? decode(r, tokenizer, input, err)
                                 : bench(r, tokenizer, input, size, tokens, err);
    qni_free(input);
    return status;
}

static qn_status run(const request *r, qn_error *err)
{
    qn_tokenizer *tokenizer = NULL;
    qn_tokens *tokens = NULL;
    qn_status status = qn_tokenizer_open(r->tokenizer, &tokenizer, err);
    status = status == QN_OK ? qn_tokens_create(&tokens, err) : status;
    if (status == QN_OK) {
        status = r->decode || r->bench ? use_whole(r, tokenizer, tokens, err)
                                       : encode(r, tokenizer, tokens, err);
    }
    qn_tokens_free(tokens);
    qn_tokenizer_close(tokenizer);
    return status;
}

int cmd_tokenize(int argc, char **argv)
{
    static const struct option longs[] = {
        {"prompt", 1, NULL, 'p'},  {"file", 1, NULL, 'f'},   {"ids", 0, NULL, 'i'},
        {"count", 0, NULL, 'c'},   {"decode", 0, NULL, 'd'}, {"json", 0, NULL, 'j'},
        {"special", 0, NULL, 's'}, {"plain", 0, NULL, 'l'},  {"skip-special", 0, NULL, 'k'},
        {"bench", 0, NULL, 'b'},   {"help", 0, NULL, 'h'},   {NULL, 0, NULL, 0}};
    request r = {0};
    int64_t most = 0;
    for (int c; (c = getopt_long(argc, argv, "p:f:n:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'p': r.text = optarg; break;
        case 'f': r.file = optarg; break;
        case 'i': r.ids = true; break;
        case 'c': r.count = true; break;
        case 'd': r.decode = true; break;
        case 'j': r.json = true; break;
        case 's': r.encode.add_special_tokens = true; break;
        case 'l': r.encode.plain_special = true; break;
        case 'k': r.skip_special = true; break;
        case 'b': r.bench = true; break;
        case 'n':
            if (!cli_int("-n", optarg, 1, INT64_MAX, &most)) {
                return CLI_BAD_USE;
            }
            r.encode.max_tokens = (size_t)most;
            break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    if (optind + 1 != argc || (r.text != NULL && r.file != NULL)) {
        return cli_usage(usage);
    }
    r.tokenizer = argv[optind];
    r.ids = r.ids && !r.json;
    qn_error err;
    return run(&r, &err) == QN_OK ? CLI_OK : cli_fail("tokenize", &err);
}
