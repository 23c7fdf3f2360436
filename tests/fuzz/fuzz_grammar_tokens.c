// Any bytes as what is done to a matcher: tokens, texts, ways back, copies, looks ahead. Its mask
// and its end are those of a fresh matcher that was only given what is left of it.
#include "quince/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const pieces[] = {"\",",      "\":", "{\"", "\"}", "],[",   "true",
                                     "null,",    "12",  "0.5", "e1",  "\\u00", "ab",
                                     "\xC3\xA9", "  ",  "[[",  "</c>"};
enum {
    N_PIECES = sizeof pieces / sizeof *pieces,
    STOP = 256 + N_PIECES,
    N_TOKENS = STOP + 1,
    N_WORDS = (N_TOKENS + 31) / 32,
    MAX_PATH = 512,
    N_GRAMMARS = 8,
};

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_grammar_tokens: %s\n", what);
        abort();
    }
}

static bool fine(qn_status status, const qn_error *err)
{
    must(status == QN_OK || status == QN_LIMIT_EXCEEDED || status == QN_UNSUPPORTED, err->message);
    return status == QN_OK;
}

static qn_vocabulary *vocabulary(void)
{
    static qn_vocabulary *v;
    char bytes[512];
    uint32_t offsets[N_TOKENS + 1] = {0}, n = 0, stop = STOP;
    for (uint32_t i = 0; v == NULL && i < N_TOKENS; i++) {
        const char one = (char)i;
        const char *from = i < 256 ? &one : i == STOP ? "" : pieces[i - 256];
        size_t length = i < 256 ? 1 : strlen(from);
        memcpy(bytes + n, from, length);
        n += (uint32_t)length;
        offsets[i + 1] = n;
    }
    qn_error err = {0};
    must(v != NULL ||
             qn_vocabulary_create(N_TOKENS, bytes, offsets, NULL, &stop, 1, &v, &err) == QN_OK,
         "no vocabulary");
    return v;
}

static qn_grammar *grammar_of(unsigned i)
{
    static const char *const schemas[] = {
        "true", "{\"type\":\"object\",\"required\":[\"ab\",\"12\"],\"maxProperties\":3}",
        "{\"type\":\"array\",\"uniqueItems\":true,\"contains\":{\"type\":\"string\",\"maxLength\":"
        "3}}",
        "{\"oneOf\":[{\"multipleOf\":0.5},{\"type\":\"integer\",\"minimum\":3},{\"type\":\"array\","
        "\"items\":{\"$ref\":\"#\"}}]}",
        "{\"type\":\"object\",\"patternProperties\":{\"^a+b\":{\"enum\":[1,true]}},"
        "\"additionalProperties\":{\"type\":\"string\",\"pattern\":\"^[a-c]{2,}\"}}"};
    static qn_grammar *made[N_GRAMMARS];
    qn_error err = {0};
    qn_status status = QN_OK;
    qn_grammar **g = &made[i];
    if (*g != NULL) {
        return *g;
    }
    if (i < 5) {
        status = qn_grammar_from_json_schema(schemas[i], strlen(schemas[i]), NULL, g, &err);
    } else if (i == 5) {
        static const char text[] = "(ab|12)*(true){2,5}[^a]?";
        status = qn_grammar_from_regex(text, sizeof text - 1, g, &err);
    } else if (i == 6) {
        static const char text[] = "root ::= \"[[\" (root | \"e1\")* \"],[\" | [a-c]+ \"12\"?";
        status = qn_grammar_from_gbnf(text, sizeof text - 1, g, &err);
    } else {
        static const char text[] = "{\"tags\":[{\"begin\":\"ab\",\"schema\":{\"type\":\"object\"},"
                                   "\"end\":\"</c>\"}],\"free\":true}";
        status = qn_grammar_from_tags(text, sizeof text - 1, NULL, g, &err);
    }
    must(status == QN_OK, err.message);
    return *g;
}

typedef struct trial {
    qn_grammar *grammar;
    qn_matcher *m;
    uint32_t path[MAX_PATH];
    size_t n;
} trial;

// One token: the `choice`-th that the mask allows, or just that number.
static bool take(trial *t, unsigned choice, bool steered)
{
    uint32_t mask[N_WORDS], allowed[N_TOKENS], n = 0;
    qn_error err = {0};
    size_t taken = 0;
    if (!fine(qn_matcher_mask(t->m, mask, N_WORDS, &err), &err)) {
        return false;
    }
    for (uint32_t i = 0; i < N_TOKENS; i++) {
        if ((mask[i / 32] >> i % 32 & 1) != 0) {
            allowed[n++] = i;
        }
    }
    bool right = n != 0 && choice % 8 != 7;
    uint32_t token = right ? allowed[(choice * 2654435761u >> 8) % n] : choice % N_TOKENS;
    right = (mask[token / 32] >> token % 32 & 1) != 0;
    if (steered && right) {
        if (!fine(qn_matcher_steer(t->m, 1 + choice % 40, &token, &err), &err)) {
            return false;
        }
        taken = 1;
    } else if (!fine(qn_matcher_consume(t->m, &token, 1, &taken, &err), &err)) {
        return false;
    }
    must((taken == 1) == right, "a token against the mask");
    if (taken == 1) {
        t->path[t->n++] = token;
    }
    return true;
}

static bool compare(const trial *t)
{
    qn_matcher *fresh = NULL;
    uint32_t mask[2 * N_WORDS], alone[N_WORDS];
    qn_error err = {0};
    size_t taken = 0;
    bool ends = false, fresh_ends = false;
    must(qn_matcher_create(t->grammar, vocabulary(), &fresh, &err) == QN_OK, err.message);
    qn_matcher *const both[2] = {t->m, fresh};
    bool known = fine(qn_matcher_consume(fresh, t->path, t->n, &taken, &err), &err) &&
                 fine(qn_matcher_masks(both, 2, mask, N_WORDS, &err), &err) &&
                 fine(qn_matcher_mask(t->m, alone, N_WORDS, &err), &err) &&
                 fine(qn_matcher_can_end(t->m, &ends, &err), &err) &&
                 fine(qn_matcher_can_end(fresh, &fresh_ends, &err), &err);
    must(!known || taken == t->n, "a fresh matcher refuses the way");
    must(!known || memcmp(mask, mask + N_WORDS, sizeof alone) == 0, "another mask than fresh");
    must(!known || memcmp(mask, alone, sizeof alone) == 0, "another mask than alone");
    must(!known || ends == fresh_ends, "another end than fresh");
    qn_matcher_free(fresh);
    return known;
}

// Looking ahead changes nothing.
static bool look(trial *t, char *room, size_t size)
{
    uint32_t tokens[256];
    size_t n = 0;
    qn_error err = {0};
    return fine(qn_matcher_forced(t->m, room, size, &n, &err), &err) &&
           (fine(qn_matcher_completion(t->m, tokens, 256, &n, &err), &err) ||
            err.status == QN_LIMIT_EXCEEDED);
}

static bool act(trial *t, uint8_t what)
{
    char room[1024];
    qn_error err = {0};
    qn_matcher *copy = NULL;
    size_t back = what >> 3;
    switch (what & 7) {
    case 0:
        back = back < t->n ? back : t->n;
        must(qn_matcher_rollback(t->m, back, &err) == QN_OK, err.message);
        t->n -= back;
        must(qn_matcher_rollback(t->m, t->n + 1, &err) == QN_INVALID_ARGUMENT, "too far back");
        return compare(t);
    case 1:
        must(qn_matcher_copy(t->m, &copy, &err) == QN_OK, err.message);
        if ((what & 8) != 0 && !take(&(trial){.grammar = t->grammar, .m = t->m}, what, false)) {
            qn_matcher_free(copy);
            return false;
        }
        qn_matcher_free(t->m);
        t->m = copy;
        return compare(t);
    case 2: return look(t, room, sizeof room) && compare(t);
    case 3:
        if (what > 240) {
            qn_matcher_reset(t->m);
            t->n = 0;
        }
        return compare(t);
    case 4: return take(t, what, true);
    default: return take(t, what, false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    trial *t = calloc(1, sizeof *t);
    qn_error err = {0};
    must(t != NULL, "memory");
    t->grammar = grammar_of(data[0] % N_GRAMMARS);
    must(qn_matcher_create(t->grammar, vocabulary(), &t->m, &err) == QN_OK, err.message);
    for (size_t i = 1; i < size && t->n + 1 < MAX_PATH && act(t, data[i]); i++) {
    }
    qn_matcher_free(t->m);
    free(t);
    return 0;
}
