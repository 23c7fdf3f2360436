// Any bytes as a tokenizer.json or rank file. What opens must encode and decode without a finding,
// give the same ids with offsets and without, spans inside of the text, and as many as it counts.
#include "base/file.h"
#include "text/tokenizer.h"

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
        }
    }
    qni_tokenizer_close(t);
    unlink(path);
    return 0;
}
