#include "text/bpe.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

// Whether `left` and `right` stay apart in all merges of a rank below `limit`, and in all that came
// before: undoes the latest merge at the border until single symbols are left, and looks each time
// whether the two symbols there would have merged while they stood beside each other. They would if
// their rank is below that of some merge done in that time, whose highest is `as_left` or
// `as_right` of what is undone. Of equal ranks the left one merges first, so a merge across the
// border comes before one on its right of the same rank, and after one on its left.
//
// The jumps are meant: what follows one that was guessed right is on its way from memory meanwhile.
static bool stay_apart(const qni_bpe *bpe, uint32_t left, uint32_t right, uint32_t limit)
{
    for (;;) {
        if (qni_pairs_may_hold(&bpe->pairs, left, right)) {
            uint32_t rank = qni_pairs_find(&bpe->pairs, left, right, NULL);
            if (rank != QNI_NO_RANK && rank + 1 < limit) {
                return false;
            }
        }
        const qni_bpe_origin *l = &bpe->origins[left], *r = &bpe->origins[right];
        if (l->time > r->time) {
            limit = l->as_left;
            left = l->right;
        } else if (r->time > 0) {
            limit = r->as_right;
            right = r->left;
        } else {
            return true;
        }
    }
}

static bool is_made(const qni_bpe_origin *origins, const uint8_t *singles, uint32_t id)
{
    return singles[id] != 0 || origins[id].time != 0;
}

// A token whose last merge is `m`. That of equal times done first is the left part's; so when the
// part at the border is as late as the whole, what came after it is the merge itself, and for a
// right part as late as the whole, that part's merges too.
static qni_bpe_origin origin_of(const qni_bpe_origin *origins, const qni_bpe_merge *m)
{
    uint32_t rank = m->rank + 1, left = origins[m->left].time, right = origins[m->right].time;
    uint32_t time = rank > left ? rank : left;
    time = time > right ? time : right;
    return (qni_bpe_origin){.left = m->left,
                            .right = m->right,
                            .time = time,
                            .as_left = right < time ? time : rank,
                            .as_right = (left < time || right == time ? time : rank) + 1};
}

// Finds how each token comes about, if its text gives it at all: parts before what they make.
static qn_status trace_origins(qni_bpe *out, qni_bpe_origin *origins, const qni_bpe_merge *merges,
                               size_t n, const uint8_t *singles, qn_error *err)
{
    uint32_t *order = qni_alloc_array(n + 1, sizeof *order), size;
    uint32_t *firsts = qni_calloc(QNI_MAX_TOKEN_BYTES + 2, sizeof *firsts);
    if (order == NULL || firsts == NULL) {
        qni_free(order);
        qni_free(firsts);
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        qni_vocab_at(out->vocab, merges[i].id, &size);
        firsts[size + 1]++;
    }
    for (size_t i = 1; i < QNI_MAX_TOKEN_BYTES + 2; i++) {
        firsts[i] += firsts[i - 1];
    }
    for (size_t i = 0; i < n; i++) {
        qni_vocab_at(out->vocab, merges[i].id, &size);
        order[firsts[size]++] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) {
        const qni_bpe_merge *m = &merges[order[i]];
        bool open = !is_made(origins, singles, m->id) && is_made(origins, singles, m->left) &&
                    is_made(origins, singles, m->right);
        // limit 0: that the two merge in the end is what is wanted
        if (open && qni_pairs_find(&out->pairs, m->left, m->right, NULL) == m->rank &&
            stay_apart(out, m->left, m->right, 0)) {
            origins[m->id] = origin_of(origins, m);
        }
    }
    qni_free(order);
    qni_free(firsts);
    return QN_OK;
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
        if (size > 0 && qni_vocab_find(vocab, bytes, size) == (int32_t)id) {
            keys[n] = (qni_trie_key){(const unsigned char *)bytes, size, id};
            bool made = is_made(origins, singles, id);
            uint32_t hint = qni_unmade_hint(bytes, size);
            n += made;
            out->unmade[hint / 64] |= (uint64_t)!made << (hint % 64);
        }
    }
    qn_status status = qni_trie_build(keys, n, &out->trie, err);
    // The last key on the way to a key is the longest that it begins with.
    for (size_t i = 0; status == QN_OK && i < n; i++) {
        qni_bpe_origin *origin = &origins[keys[i].value];
        uint32_t node = 0;
        for (uint32_t j = 0; j + 1 < keys[i].n; j++) {
            qni_trie_step(&out->trie, &node, keys[i].bytes[j]);
            if (qni_trie_is_key(&out->trie, node)) {
                origin->shorter = out->trie.values[node];
                origin->shorter_size = j + 1;
            }
        }
        origin->size = keys[i].n;
    }
    qni_free(keys);
    return status;
}

// The merges with ranks that are counted from 0 on, without gaps.
static qn_status count_ranks(const qni_bpe_merge *merges, size_t n, qni_bpe_merge **out,
                             qn_error *err)
{
    if (n >= QNI_NO_RANK) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "%zu merges are more than %d", n,
                        QNI_NO_RANK - 1);
    }
    qni_bpe_merge *counted = qni_alloc_array(n + 1, sizeof *counted);
    if (counted == NULL) {
        return qni_fail_memory(err);
    }
    uint32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        rank += i > 0 && merges[i].rank != merges[i - 1].rank;
        counted[i] = merges[i];
        counted[i].rank = rank;
    }
    *out = counted;
    return QN_OK;
}

static qn_status build(qni_bpe *out, const qni_bpe_merge *merges, size_t n, const uint8_t *singles,
                       qn_error *err)
{
    qni_bpe_origin *origins = qni_calloc((size_t)out->vocab->n + 1, sizeof *origins);
    out->origins = origins;
    if (origins == NULL) {
        return qni_fail_memory(err);
    }
    QNI_TRY(qni_pairs_build(merges, n, out->vocab->n, &out->pairs, err));
    QNI_TRY(trace_origins(out, origins, merges, n, singles, err));
    return build_trie(out, origins, singles, err);
}

qn_status qni_bpe_build(const qni_vocab *vocab, const qni_bpe_merge *merges, size_t n,
                        const uint8_t *singles, qni_bpe *out, qn_error *err)
{
    *out = (qni_bpe){.vocab = vocab, .owned = true};
    qni_bpe_merge *counted;
    QNI_TRY(count_ranks(merges, n, &counted, err));
    qn_status status = build(out, counted, n, singles, err);
    qni_free(counted);
    if (status != QN_OK) {
        qni_bpe_end(out);
    }
    return status;
}

void qni_bpe_end(qni_bpe *bpe)
{
    if (bpe->owned) {
        qni_free((void *)(uintptr_t)bpe->origins);
    }
    qni_pairs_end(&bpe->pairs);
    qni_trie_end(&bpe->trie);
    *bpe = (qni_bpe){0};
}

void qni_bpe_scratch_end(qni_bpe_scratch *scratch)
{
    qni_free(scratch->tried);
    qni_free(scratch->links);
    qni_free(scratch->heap);
    qni_free(scratch->verdicts);
    *scratch = (qni_bpe_scratch){0};
}

// Long words have the same neighbours again and again, short ones seldom.
enum { VERDICT_BITS = 15, VERDICTS = 1 << VERDICT_BITS, LONG = 64 };

// stay_apart without a limit, remembered. An entry holds the pair (31 bits each) and the answer in
// the lowest bit.
static bool compatible(const qni_bpe *bpe, uint64_t *verdicts, uint32_t left, uint32_t right)
{
    uint64_t key = ((uint64_t)left << 31 | right) << 1 | (uint64_t)1 << 63;
    uint64_t *verdict = &verdicts[key * 0x9E3779B97F4A7C15u >> (64 - VERDICT_BITS)];
    if ((*verdict & ~(uint64_t)1) != key) {
        *verdict = key | stay_apart(bpe, left, right, UINT32_MAX);
    }
    return (*verdict & 1) != 0;
}

// What a long word needs besides.
static qn_status begin_long(qni_bpe_scratch *s, size_t n, qn_error *err)
{
    size_t words = n / 64 + 1;
    if (s->verdicts == NULL) {
        s->verdicts = qni_calloc(VERDICTS, sizeof *s->verdicts);
    }
    if (s->verdicts == NULL ||
        qni_grow(&s->tried, &s->tried_capacity, words, sizeof *s->tried) != 0) {
        return qni_fail_memory(err);
    }
    memset(s->tried, 0, words * sizeof *s->tried);
    return QN_OK;
}

qn_status qni_bpe_encode(const qni_bpe *bpe, qni_bpe_scratch *scratch, const char *word, size_t n,
                         qni_bpe_symbol *tokens, size_t *n_tokens, qn_error *err)
{
    const unsigned char *text = (const unsigned char *)word;
    uint32_t next;                                              // the token to try at `at`
    size_t size = qni_trie_longest(&bpe->trie, text, n, &next); // of it; 0: there is none
    uint64_t few = 0, *tried = &few;                            // a bit for each place
    bool is_long = n >= LONG;
    *n_tokens = size == n;
    tokens[0] = (qni_bpe_symbol){next, (uint32_t)size};
    if (size == n) {
        return QN_OK;
    }
    if (is_long) {
        QNI_TRY(begin_long(scratch, n, err));
        tried = scratch->tried;
    }
    size_t at = 0, count = 0;
    while (at < n) {
        // nothing leads on from here: take the last token back and try a shorter one in its place
        if (size == 0) {
            if (count == 0) {
                return QN_OK; // some symbol is unknown
            }
            tried[at / 64] |= (uint64_t)1 << (at % 64);
            const qni_bpe_origin *last = &bpe->origins[tokens[--count].id];
            at -= last->size;
            next = last->shorter;
            size = last->shorter_size;
            continue;
        }
        size_t end = at + size;
        bool taken = (tried[end / 64] >> (end % 64) & 1) == 0 &&
                     (count == 0 ||
                      (is_long ? compatible(bpe, scratch->verdicts, tokens[count - 1].id, next)
                               : stay_apart(bpe, tokens[count - 1].id, next, UINT32_MAX)));
        if (taken) {
            tokens[count++] = (qni_bpe_symbol){next, (uint32_t)size};
            at = end;
            size = qni_trie_longest(&bpe->trie, text + at, n - at, &next);
        } else {
            const qni_bpe_origin *longer = &bpe->origins[next];
            next = longer->shorter;
            size = longer->shorter_size;
        }
    }
    *n_tokens = count;
    return QN_OK;
}
