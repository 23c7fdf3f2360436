#include "text/bpe.h"

#include "base/alloc.h"

#include <string.h>

static uint32_t pair_slot(const qni_bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t key = (uint64_t)left << 32 | right;
    key *= 0x9E3779B97F4A7C15u;
    return (uint32_t)((key ^ key >> 29) >> 20) & (bpe->n_pairs - 1);
}

const qni_bpe_merge *qni_bpe_find(const qni_bpe *bpe, uint32_t left, uint32_t right)
{
    for (uint32_t i = pair_slot(bpe, left, right);; i = (i + 1) & (bpe->n_pairs - 1)) {
        const qni_bpe_merge *pair = &bpe->pairs[i];
        if (pair->rank == UINT32_MAX) {
            return NULL;
        }
        if (pair->left == left && pair->right == right) {
            return pair;
        }
    }
}

// Whether `left` and `right` stay apart in all merges of a rank below `limit`. Undoes the latest
// merge at the border until single symbols are left. Of equal ranks the left one merged first, so a
// merge across the border comes before the one undone on its right when the ranks are equal, and
// after the one undone on its left.
static bool stay_apart(const qni_bpe *bpe, uint32_t left, uint32_t right, uint32_t limit)
{
    const qni_bpe_origin *origins = bpe->origins;
    for (;;) {
        const qni_bpe_merge *across = qni_bpe_find(bpe, left, right);
        if (across != NULL && across->rank + 1 < limit) {
            return false;
        }
        uint32_t left_rank = origins[left].rank, right_rank = origins[right].rank;
        if (left_rank > right_rank) {
            limit = left_rank;
            left = origins[left].right;
        } else if (right_rank > 0) {
            limit = right_rank + 1;
            right = origins[right].left;
        } else {
            return true;
        }
    }
}

static qn_status build_pairs(qni_bpe *out, const qni_bpe_merge *merges, size_t n, qn_error *err)
{
    out->n_pairs = 16;
    while (out->n_pairs < 2 * n) {
        out->n_pairs *= 2;
    }
    qni_bpe_merge *pairs = qni_alloc_array(out->n_pairs, sizeof *pairs);
    if (pairs == NULL) {
        return qni_fail_memory(err);
    }
    out->pairs = pairs;
    memset(pairs, 0xFF, out->n_pairs * sizeof *pairs);
    for (size_t i = 0; i < n; i++) {
        uint32_t at = pair_slot(out, merges[i].left, merges[i].right);
        while (pairs[at].rank != UINT32_MAX &&
               (pairs[at].left != merges[i].left || pairs[at].right != merges[i].right)) {
            at = (at + 1) & (out->n_pairs - 1);
        }
        pairs[at] = merges[i]; // of equal pairs the last counts
    }
    return QN_OK;
}

static bool is_made(const qni_bpe_origin *origins, const uint8_t *singles, uint32_t id)
{
    return singles[id] != 0 || origins[id].rank != 0;
}

// Finds how each token comes about, and counts the merges that would happen out of order.
static void trace_origins(qni_bpe *out, qni_bpe_origin *origins, const qni_bpe_merge *merges,
                          size_t n, const uint8_t *singles)
{
    for (size_t i = 0; i < n; i++) {
        const qni_bpe_merge *m = &merges[i];
        bool open = !is_made(origins, singles, m->id) && is_made(origins, singles, m->left) &&
                    is_made(origins, singles, m->right);
        if (open && qni_bpe_find(out, m->left, m->right)->rank == m->rank &&
            stay_apart(out, m->left, m->right, m->rank + 1)) {
            origins[m->id] = (qni_bpe_origin){m->left, m->right, m->rank + 1, 0};
        }
    }
    for (size_t i = 0; i < n; i++) {
        const qni_bpe_merge *m = &merges[i];
        if (!is_made(origins, singles, m->left) || !is_made(origins, singles, m->right)) {
            continue;
        }
        uint32_t left = origins[m->left].rank, right = origins[m->right].rank;
        uint32_t latest = left > right ? left : right;
        if (m->rank + 1 > latest) {
            continue;
        }
        // Harmless if the two can never meet: then they part company in some merge before the
        // latest.
        bool meet = left > right ? stay_apart(out, origins[m->left].right, m->right, left)
                                 : stay_apart(out, m->left, origins[m->right].left, right + 1);
        out->n_odd += meet;
    }
}

static qn_status build_trie(qni_bpe *out, qni_bpe_origin *origins, const uint8_t *singles,
                            qn_error *err)
{
    const qni_vocab *vocab = out->vocab;
    qni_trie_key *keys = qni_alloc_array((size_t)vocab->n + 1, sizeof *keys);
    if (keys == NULL) {
        return qni_fail_memory(err);
    }
    size_t n = 0;
    for (uint32_t id = 0; id < vocab->n; id++) {
        uint32_t size;
        const char *bytes = qni_vocab_at(vocab, id, &size);
        if (size > 0 && is_made(origins, singles, id) &&
            qni_vocab_find(vocab, bytes, size) == (int32_t)id) {
            keys[n++] = (qni_trie_key){(const unsigned char *)bytes, size, id};
        }
    }
    qn_status status = qni_trie_build(keys, n, &out->trie, err);
    // The last key on the way to a key is the longest that it begins with.
    for (size_t i = 0; status == QN_OK && i < n; i++) {
        uint32_t shorter = 0, node = 0;
        for (uint32_t j = 0; j + 1 < keys[i].n; j++) {
            qni_trie_step(&out->trie, &node, keys[i].bytes[j]);
            shorter = qni_trie_is_key(&out->trie, node) ? out->trie.values[node] + 1 : shorter;
        }
        origins[keys[i].value].shorter = shorter;
    }
    qni_free(keys);
    return status;
}

qn_status qni_bpe_build(const qni_vocab *vocab, const qni_bpe_merge *merges, size_t n,
                        const uint8_t *singles, qni_bpe *out, qn_error *err)
{
    *out = (qni_bpe){.vocab = vocab, .owned = true};
    qni_bpe_origin *origins = qni_calloc((size_t)vocab->n + 1, sizeof *origins);
    out->origins = origins;
    qn_status status = origins == NULL ? qni_fail_memory(err) : build_pairs(out, merges, n, err);
    if (status == QN_OK) {
        trace_origins(out, origins, merges, n, singles);
        out->linear = out->n_odd == 0;
        status = build_trie(out, origins, singles, err);
    }
    if (status != QN_OK) {
        qni_bpe_end(out);
    }
    return status;
}

void qni_bpe_end(qni_bpe *bpe)
{
    if (bpe->owned) {
        qni_free((void *)(uintptr_t)bpe->pairs);
        qni_free((void *)(uintptr_t)bpe->origins);
    }
    qni_trie_end(&bpe->trie);
    *bpe = (qni_bpe){0};
}

void qni_bpe_scratch_end(qni_bpe_scratch *scratch)
{
    qni_free(scratch->tokens);
    qni_free(scratch->tried);
    qni_free(scratch->links);
    qni_free(scratch->heap);
    qni_free(scratch->verdicts);
    *scratch = (qni_bpe_scratch){0};
}

enum { VERDICTS = 1 << 15 };

// stay_apart without a limit, remembered. An entry holds the pair (31 bits each) and the answer in
// the lowest bit.
static bool compatible(const qni_bpe *bpe, uint64_t *verdicts, uint32_t left, uint32_t right)
{
    uint64_t key = ((uint64_t)left << 31 | right) << 1 | (uint64_t)1 << 63;
    uint64_t *verdict = &verdicts[key * 0x9E3779B97F4A7C15u >> (64 - 15)];
    if ((*verdict & ~(uint64_t)1) != key) {
        *verdict = key | stay_apart(bpe, left, right, UINT32_MAX);
    }
    return (*verdict & 1) != 0;
}

static qn_status prepare(qni_bpe_scratch *s, size_t n, qn_error *err)
{
    size_t words = n / 64 + 1;
    if (s->verdicts == NULL) {
        s->verdicts = qni_calloc(VERDICTS, sizeof *s->verdicts);
    }
    if (s->verdicts == NULL ||
        qni_grow(&s->tokens, &s->tokens_capacity, n, sizeof *s->tokens) != 0 ||
        qni_grow(&s->tried, &s->tried_capacity, words, sizeof *s->tried) != 0) {
        return qni_fail_memory(err);
    }
    memset(s->tried, 0, words * sizeof *s->tried);
    return QN_OK;
}

qn_status qni_bpe_encode(const qni_bpe *bpe, qni_bpe_scratch *scratch, const char *word, size_t n,
                         size_t *n_tokens, qn_error *err)
{
    *n_tokens = 0;
    QNI_TRY(prepare(scratch, n, err));
    const unsigned char *text = (const unsigned char *)word;
    const qni_vocab *vocab = bpe->vocab;
    uint32_t *tokens = scratch->tokens;
    uint64_t *tried = scratch->tried;
    size_t at = 0, count = 0;
    uint32_t next; // the token to try at `at`
    bool have = n > 0 && qni_trie_longest(&bpe->trie, text, n, &next) > 0;
    while (at < n) {
        // nothing leads on from here: take the last token back and try a shorter one in its place
        if (!have) {
            if (count == 0) {
                return qni_fail(err, QN_INTERNAL, NULL, "a word of %zu bytes has no encoding", n);
            }
            tried[at / 64] |= (uint64_t)1 << (at % 64);
            uint32_t last = tokens[--count], size;
            qni_vocab_at(vocab, last, &size);
            at -= size;
            have = bpe->origins[last].shorter != 0;
            next = bpe->origins[last].shorter - 1;
            continue;
        }
        uint32_t size;
        qni_vocab_at(vocab, next, &size);
        size_t end = at + size;
        bool taken = (tried[end / 64] >> (end % 64) & 1) == 0 &&
                     (count == 0 || compatible(bpe, scratch->verdicts, tokens[count - 1], next));
        if (taken) {
            tokens[count++] = next;
            at = end;
            have = at < n && qni_trie_longest(&bpe->trie, text + at, n - at, &next) > 0;
        } else {
            have = bpe->origins[next].shorter != 0;
            next = bpe->origins[next].shorter - 1;
        }
    }
    *n_tokens = count;
    return QN_OK;
}
