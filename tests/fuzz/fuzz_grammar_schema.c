// Any bytes as a JSON Schema and, behind a zero byte, a text: whether the text is valid is the same
// read at once and byte by byte, what is valid up to a place can be completed there, and what
// completes it is valid.
#include "tests/fuzz/grammar_inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 14 };

static qn_matcher *make_matcher(qn_grammar *grammar)
{
    char bytes[256];
    uint32_t offsets[258], stop = 256;
    for (uint32_t i = 0; i < 257; i++) {
        bytes[i % 256] = (char)(i % 256);
        offsets[i] = i;
    }
    offsets[257] = 256;
    qn_vocabulary *vocabulary = NULL;
    qn_matcher *m = NULL;
    qn_error err = {0};
    must(qn_vocabulary_create(257, bytes, offsets, NULL, &stop, 1, &vocabulary, &err) == QN_OK &&
             qn_matcher_create(grammar, vocabulary, &m, &err) == QN_OK,
         err.message);
    qn_vocabulary_free(vocabulary);
    return m;
}

// What completes the output makes a valid text.
static void complete(qn_grammar *grammar, qn_matcher *m, const char *text, size_t n)
{
    static char whole[ROOM];
    size_t more = 0, position;
    bool valid = false;
    qn_error err = {0};
    memcpy(whole, text, n);
    if (n < ROOM && fine(qn_matcher_shortest(m, whole + n, ROOM - n, &more, &err), &err) &&
        fine(qn_grammar_check(grammar, whole, n + more, &valid, &position, &err), &err)) {
        must(valid, "a completion that is not valid");
    }
}

static void check_text(qn_grammar *grammar, const char *text, size_t n)
{
    bool valid = false, can = false;
    size_t position = 0, taken = 0;
    qn_error err = {0};
    if (!fine(qn_grammar_check(grammar, text, n, &valid, &position, &err), &err)) {
        return;
    }
    must(valid ? position == n : position <= n, "a place behind the text");
    qn_matcher *m = make_matcher(grammar);
    uint32_t mask[9];
    for (; taken < n; taken++) {
        uint32_t token = (unsigned char)text[taken];
        size_t one;
        if (!fine(qn_matcher_mask(m, mask, 9, &err), &err) ||
            !fine(qn_matcher_consume(m, &token, 1, &one, &err), &err)) {
            break;
        }
        must(one == (mask[token / 32] >> token % 32 & 1), "a mask that says otherwise");
        must((one == 1) == (taken < position), "another place, byte by byte");
        if (one == 0) {
            break;
        }
    }
    if (err.status == QN_OK && taken == n && fine(qn_matcher_can_end(m, &can, &err), &err)) {
        must(can == valid, "another answer, byte by byte");
    }
    if (err.status == QN_OK && qn_grammar_is_satisfiable(grammar)) {
        complete(grammar, m, text, taken);
    }
    qn_matcher_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 8192) {
        return 0;
    }
    const uint8_t *end = memchr(data, 0, size);
    size_t n = end != NULL ? (size_t)(end - data) : size;
    const qn_grammar_options options = {.best_effort = n % 2 == 0, .annotate_formats = n % 3 == 0};
    qn_grammar *grammar = NULL;
    qn_error err = {0};
    if (qn_grammar_from_json_schema((const char *)data, n, &options, &grammar, &err) != QN_OK) {
        must(err.message[0] != '\0', "a refusal without a reason");
        return 0;
    }
    const char *text = end != NULL ? (const char *)end + 1 : "";
    check_text(grammar, text, end != NULL ? size - n - 1 : 0);
    qn_grammar_free(grammar);
    return 0;
}
