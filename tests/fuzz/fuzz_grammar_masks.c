// Any bytes as a grammar: the first byte chooses the language, the second seeds a walk. What
// compiles is walked by random tokens that its masks allow: each must be taken, no walk may end
// where nothing is allowed, a matcher that was rolled back must agree with a fresh one, and what
// completes the output must end it.
#include "tests/fuzz/grammar_inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 24, LANGUAGES = 5 };

static qn_status open_grammar(int language, const char *text, size_t size, qn_grammar **out,
                              qn_error *err)
{
    switch (language) {
    case 0: return qn_grammar_from_json_schema(text, size, NULL, out, err);
    case 1: return qn_grammar_from_regex(text, size, out, err);
    case 2: return qn_grammar_from_gbnf(text, size, out, err);
    case 3: return qn_grammar_from_lark(text, size, NULL, out, err);
    default: return qn_grammar_from_tags(text, size, NULL, out, err);
    }
}

static uint32_t pick(const uint32_t *mask, uint32_t *seed)
{
    uint32_t allowed[N_TOKENS], n = 0;
    for (uint32_t i = 0; i < N_TOKENS; i++) {
        if ((mask[i / 32] >> i % 32 & 1) != 0) {
            allowed[n++] = i;
        }
    }
    *seed = *seed * 1664525u + 1013904223u;
    return n == 0 ? N_TOKENS : allowed[(*seed >> 8) % n];
}

// True while the walk can go on.
static bool step(qn_matcher *m, qn_matcher *fresh, uint32_t *path, size_t at, uint32_t *seed)
{
    uint32_t mask[N_WORDS], again[N_WORDS];
    qn_error err = {0};
    size_t taken;
    qn_status status = qn_matcher_mask(m, mask, N_WORDS, &err);
    if (status != QN_OK) {
        must(status == QN_LIMIT_EXCEEDED || status == QN_UNSUPPORTED, err.message);
        return false;
    }
    path[at] = pick(mask, seed);
    must(path[at] != N_TOKENS || at == 0, "a dead end");
    if (path[at] == N_TOKENS) {
        return false;
    }
    status = qn_matcher_consume(m, &path[at], 1, &taken, &err);
    must(status != QN_OK || taken == 1, "an allowed token is not taken");
    if (status != QN_OK || at % 5 != 4) {
        return status == QN_OK && path[at] != STOP;
    }
    // There and back, beside a matcher that only goes there.
    must(qn_matcher_rollback(m, 2, &err) == QN_OK, "no way back");
    qn_matcher_reset(fresh);
    status = qn_matcher_consume(fresh, path, at - 1, &taken, &err);
    must(status != QN_OK || taken == at - 1, "a fresh matcher refuses the way");
    if (status != QN_OK || qn_matcher_mask(m, mask, N_WORDS, &err) != QN_OK ||
        qn_matcher_mask(fresh, again, N_WORDS, &err) != QN_OK) {
        return false;
    }
    must(memcmp(mask, again, sizeof mask) == 0, "a mask that depends on the way");
    status = qn_matcher_consume(m, path + at - 1, 2, &taken, &err);
    return status == QN_OK && taken == 2 && path[at] != STOP;
}

// What completes the output ends it.
static void complete(qn_matcher *m)
{
    static char text[1 << 14];
    size_t n = 0;
    bool taken = true, can = false;
    qn_error err = {0};
    if (qn_matcher_shortest(m, text, sizeof text, &n, &err) == QN_OK &&
        (n == 0 || qn_matcher_consume_text(m, text, n, &taken, &err) == QN_OK) &&
        qn_matcher_can_end(m, &can, &err) == QN_OK) {
        must(taken && can, "a completion that does not end");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096) {
        return 0;
    }
    qn_grammar *grammar = NULL;
    qn_error err = {0};
    if (open_grammar(data[0] % LANGUAGES, (const char *)data + 2, size - 2, &grammar, &err) !=
        QN_OK) {
        must(err.message[0] != '\0', "a refusal without a reason");
        return 0;
    }
    qn_matcher *m = NULL, *fresh = NULL;
    must(qn_matcher_create(grammar, vocabulary(), &m, &err) == QN_OK, "no matcher");
    must(qn_matcher_create(grammar, vocabulary(), &fresh, &err) == QN_OK, "no second matcher");
    uint32_t path[STEPS], seed = data[1];
    for (size_t at = 0; at < STEPS && step(m, fresh, path, at, &seed); at++) {
    }
    complete(m);
    qn_matcher_free(m);
    qn_matcher_free(fresh);
    qn_grammar_free(grammar);
    return 0;
}
