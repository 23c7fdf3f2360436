// Any bytes as a tokenizer.json or rank file. What opens must encode and decode without a finding,
// give the same ids with offsets and without, spans inside of the text, as many as it counts, and
// the same when the text comes in parts.
#include "base/file.h"
#include "text/encode_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_tokenizer: %s\n", what);
        abort();
    }
}

static void try_text(const qni_tokenizer *t, const char *text, size_t n)
{
    qni_ids plain = {0}, spanned = {0};
    qn_error err;
    size_t count = 0, length = 0;
    char *back = NULL;
    const qni_encode_options options = {.offsets = true, .add_special_tokens = true};
    const qni_encode_options without = {.add_special_tokens = true};
    qn_status status = qni_tokenizer_encode(t, text, n, &options, &spanned, &err);
    check(qni_tokenizer_encode(t, text, n, &without, &plain, &err) == status, "another status");
    if (status == QN_OK) {
        check(plain.n == spanned.n && (plain.n == 0 || memcmp(plain.ids, spanned.ids,
                                                              plain.n * sizeof *plain.ids) == 0),
              "other ids with offsets");
        for (size_t i = 0; i < spanned.n; i++) {
            check(spanned.spans[i].begin <= spanned.spans[i].end && spanned.spans[i].end <= n,
                  "a span outside of the text");
        }
        check(qni_tokenizer_count(t, text, n, &without, &count, &err) == QN_OK && count == plain.n,
              "another count");
        check(qni_tokenizer_decode(t, plain.ids, plain.n, NULL, &back, &length, &err) == QN_OK,
              "ids that are not decoded");
    }
    free(back);
    qni_ids_end(&plain);
    qni_ids_end(&spanned);
}

// The text again and again, in parts of odd lengths.
static void try_parts(const qni_tokenizer *t, const char *text, size_t n, uint64_t seed)
{
    enum { SIZE = 1600 };
    char whole[SIZE];
    qni_ids all = {0}, parts = {0};
    qni_encode_stream stream;
    qn_error err;
    const qni_encode_options options = {.offsets = seed % 2 == 0};
    for (size_t i = 0; i < SIZE; i++) {
        whole[i] = text[i % n];
    }
    if (qni_encode_stream_begin(&stream, t, &options, &err) == QN_OK &&
        qni_tokenizer_encode(t, whole, SIZE, &options, &all, &err) == QN_OK) {
        for (size_t at = 0, more; at < SIZE; at += more) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            more = 1 + (size_t)(seed >> 33) % 700;
            more = more < SIZE - at ? more : SIZE - at;
            check(qni_encode_stream_push(&stream, whole + at, more, &parts, &err) == QN_OK,
                  "a part that fails");
        }
        check(qni_encode_stream_flush(&stream, &parts, &err) == QN_OK, "an end that fails");
        check(parts.n == all.n &&
                  (all.n == 0 || memcmp(parts.ids, all.ids, all.n * sizeof *all.ids) == 0),
              "other ids in parts");
        check(!options.offsets || all.n == 0 ||
                  memcmp(parts.spans, all.spans, all.n * sizeof *all.spans) == 0,
              "other offsets in parts");
    }
    qni_encode_stream_end(&stream);
    qni_ids_end(&all);
    qni_ids_end(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = {"", "Hello,  world 12",
                                        "\xE2\x96\x81"
                                        "a b\xC3\xA9\xF0\x9F\x98\x80\xFF",
                                        "<s>\tab\r\n \xE6\xBC\xA2"
                                        "e\xCC\x81 [MASK]"};
    char path[64];
    qn_error err;
    snprintf(path, sizeof path, "fuzz_tokenizer.%d.json", (int)getpid());
    if (qni_file_write(path, data, size, &err) != QN_OK) {
        return 0;
    }
    qni_tokenizer *t = NULL;
    if (qni_tokenizer_open(path, &t, &err) == QN_OK) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            try_text(t, texts[i], strlen(texts[i]));
            if (i > 0) {
                try_parts(t, texts[i], strlen(texts[i]), size + i);
            }
        }
    }
    qni_tokenizer_close(t);
    unlink(path);
    return 0;
}
