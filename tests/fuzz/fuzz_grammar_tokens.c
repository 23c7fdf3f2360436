// Any bytes as what is done to a matcher: tokens, texts, ways back, copies, looks ahead. Its mask
// and its end are those of a fresh matcher that was only given what is left of it.
#include "tests/fuzz/grammar_inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_PATH = 512, MAX_ACTS = 96 };

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
    for (size_t i = 1; i < size && i < MAX_ACTS && t->n + 1 < MAX_PATH && act(t, data[i]); i++) {
    }
    qn_matcher_free(t->m);
    free(t);
    return 0;
}
