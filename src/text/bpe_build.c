// What is worked out of a vocabulary's merges before the first word is encoded.
#include "base/alloc.h"
#include "base/limits.h"
#include "text/bpe_border.h"

#include <string.h>

static bool is_made(const qni_bpe_origin *origins, const uint8_t *symbols, uint32_t id)
{
    return (symbols[id] & QNI_BPE_SINGLE) != 0 || origins[id].as_left != 0;
}

// Of a token whose last merge is `m`. That of equal times done first is the left part's; so when
// the part at the border is as late as the whole, what came after it is the merge itself, and for a
// right part as late as the whole, that part's merges too.
static void set_origin(qni_bpe_origin *origins, const qni_bpe_merge *m, uint32_t left_size)
{
    const qni_bpe_origin *l = &origins[m->left], *r = &origins[m->right];
    uint32_t rank = m->rank + 1, left = qni_bpe_time(l), right = qni_bpe_time(r);
    uint32_t time = rank > left ? rank : left;
    time = time > right ? time : right;
    qni_bpe_origin *o = &origins[m->id];
    o->left = m->left;
    o->right = m->right;
    o->as_left = right < time ? time : rank;
    o->as_right = left < time || right == time ? time : rank;
    o->last_time = r->as_left == 0 ? time : r->last_time;
    o->left_size = (uint16_t)left_size;
}

// The bit of a symbol among those beside another one, if it is a byte.
static uint32_t byte_bit(const qni_bpe_origin *o)
{
    return qni_bpe_is_longer(o) ? 0 : (uint32_t)1 << o->left % 32;
}

static void sign_all(qni_bpe_origin *origins, qni_bpe_beside *beside, uint32_t n_ids,
                     const qni_bpe_merge *merges, size_t n)
{
    for (uint32_t id = 0; id < n_ids; id++) {
        origins[id].rights = origins[id].lefts = 0;
        beside[id] = (qni_bpe_beside){0, 0};
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t left = merges[i].left, right = merges[i].right;
        origins[left].rights |= qni_bpe_sign(right);
        origins[right].lefts |= qni_bpe_sign(left);
        beside[left].rights |= byte_bit(&origins[right]);
        beside[right].lefts |= byte_bit(&origins[left]);
    }
}

// Whether nothing merges across the border of two tokens before they merge themselves.
static bool stay_apart(const qni_bpe *bpe, uint32_t left, uint32_t right)
{
    uint32_t n_left, n_right;
    const char *l = qni_vocab_at(bpe->vocab, left, &n_left);
    const char *r = qni_vocab_at(bpe->vocab, right, &n_right);
    const qni_bpe_crossing *crossing = qni_bpe_crossing_at(bpe, (unsigned char)l[n_left - 1],
                                                           (unsigned char)r[0]);
    return qni_bpe_border(bpe, left, right, crossing) == QNI_BPE_APART;
}

// Finds how each token comes about, if its text gives it at all: parts before what they make.
static qn_status trace_origins(qni_bpe *out, qni_bpe_origin *origins, const qni_bpe_merge *merges,
                               size_t n, const uint8_t *symbols, qn_error *err)
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
        bool open = !is_made(origins, symbols, m->id) && is_made(origins, symbols, m->left) &&
                    is_made(origins, symbols, m->right);
        if (open && qni_pairs_find(&out->pairs, m->left, m->right, NULL) == m->rank &&
            stay_apart(out, m->left, m->right)) {
            qni_vocab_at(out->vocab, m->left, &size);
            set_origin(origins, m, size);
        }
    }
    qni_free(order);
    qni_free(firsts);
    return QN_OK;
}

static qn_status build_trie(qni_bpe *out, qni_bpe_origin *origins, const uint8_t *symbols,
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
            bool made = is_made(origins, symbols, id);
            uint32_t hint = qni_unmade_hint(bytes, size);
            if (made && size > QNI_MAX_MERGED_BYTES) {
                qni_free(keys);
                return qni_fail(err, QN_LIMIT_EXCEEDED, NULL,
                                "token %u is merged to %u bytes, more than %d", id, size,
                                QNI_MAX_MERGED_BYTES);
            }
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
                origin->shorter = qni_trie_value(out->trie.units[node]);
                origin->shorter_size = (uint16_t)(j + 1);
            }
        }
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

// Begins the origins, all as if nothing merged: a symbol of one byte holds it.
static void begin_origins(const qni_vocab *vocab, const uint8_t *symbols, qni_bpe_origin *origins)
{
    for (uint32_t id = 0; id < vocab->n; id++) {
        uint32_t size;
        const char *bytes = qni_vocab_at(vocab, id, &size);
        bool is_byte = (symbols[id] & QNI_BPE_SINGLE) != 0 && size == 1;
        origins[id].left = is_byte ? (unsigned char)bytes[0] : QNI_BPE_NO_BYTE;
        origins[id].last_time = UINT32_MAX;
    }
}

// Finds what merges across each two bytes. Where the texts of tokens do not say which bytes meet
// in a merge, it may be any of anything but the two of them.
static void list_crossings(const qni_bpe *bpe, const qni_bpe_merge *merges, size_t n,
                           qni_bpe_crossing *crossings)
{
    uint32_t unknown = bpe->finds_merges ? UINT32_MAX : 0;
    for (size_t i = 0; i < (size_t)QNI_BPE_BYTES * QNI_BPE_BYTES; i++) {
        crossings[i] = (qni_bpe_crossing){UINT32_MAX, unknown, unknown};
    }
    for (size_t i = 0; i < n; i++) {
        const qni_bpe_merge *m = &merges[i];
        uint32_t n_left, n_right, rank = m->rank + 1;
        const char *left = qni_vocab_at(bpe->vocab, m->left, &n_left);
        const char *right = qni_vocab_at(bpe->vocab, m->right, &n_right);
        bool is_left_longer = qni_bpe_is_longer(&bpe->origins[m->left]);
        bool is_right_longer = qni_bpe_is_longer(&bpe->origins[m->right]);
        if (n_left == 0 || n_right == 0) {
            continue;
        }
        qni_bpe_crossing *c = &crossings[(unsigned char)left[n_left - 1] * (size_t)QNI_BPE_BYTES +
                                         (unsigned char)right[0]];
        if (!is_left_longer && !is_right_longer) {
            c->pair = rank;
        } else if (rank < c->longer) {
            c->longer = rank;
        }
        if (!is_left_longer && rank < c->by_left) {
            c->by_left = rank;
        }
    }
}

static bool finds_merges(const qni_vocab *vocab, const qni_bpe_merge *merges, size_t n)
{
    bool finds = true;
    for (size_t i = 0; i < n && finds; i++) {
        uint32_t n_left, n_right, size;
        const char *left = qni_vocab_at(vocab, merges[i].left, &n_left);
        const char *right = qni_vocab_at(vocab, merges[i].right, &n_right);
        const char *text = qni_vocab_at(vocab, merges[i].id, &size);
        finds = size == n_left + n_right && memcmp(text, left, n_left) == 0 &&
                memcmp(text + n_left, right, n_right) == 0 &&
                qni_vocab_find(vocab, text, size) == (int32_t)merges[i].id;
    }
    return finds;
}

// Leaves the merges out that no text brings about: where the text of both parts gives the merged
// token in another way, they never stand beside each other, because something has merged across
// their border before both of them were there. That holds for symbols that stand for their text.
static qn_status leave_out_merges(qni_bpe *out, qni_bpe_origin *origins, qni_bpe_beside *beside,
                                  qni_bpe_merge *merges, size_t *n, const uint8_t *symbols,
                                  qn_error *err)
{
    size_t left = 0;
    for (size_t i = 0; i < *n; i++) {
        if (((symbols[merges[i].left] | symbols[merges[i].right]) & QNI_BPE_GIVEN) != 0) {
            return QN_OK;
        }
    }
    for (size_t i = 0; i < *n; i++) {
        const qni_bpe_origin *o = &origins[merges[i].id];
        if (o->as_left != 0 && o->left == merges[i].left && o->right == merges[i].right) {
            merges[left++] = merges[i];
        }
    }
    *n = left;
    sign_all(origins, beside, out->vocab->n, merges, left);
    qni_pairs_end(&out->pairs);
    return qni_pairs_build(merges, left, out->vocab->n, &out->pairs, err);
}

static qn_status build(qni_bpe *out, qni_bpe_merge *merges, size_t n, const uint8_t *symbols,
                       qn_error *err)
{
    qni_bpe_origin *origins = qni_calloc_aligned(((size_t)out->vocab->n + 1) * sizeof *origins);
    qni_bpe_beside *beside = qni_calloc_aligned(((size_t)out->vocab->n + 1) * sizeof *beside);
    qni_bpe_crossing *crossings = qni_alloc_aligned((size_t)QNI_BPE_BYTES * QNI_BPE_BYTES *
                                                    sizeof *crossings);
    out->origins = origins;
    out->beside = beside;
    out->crossings = crossings;
    if (origins == NULL || beside == NULL || crossings == NULL) {
        return qni_fail_memory(err);
    }
    QNI_TRY(qni_pairs_build(merges, n, out->vocab->n, &out->pairs, err));
    out->finds_merges = finds_merges(out->vocab, merges, n);
    begin_origins(out->vocab, symbols, origins);
    list_crossings(out, merges, n, crossings);
    sign_all(origins, beside, out->vocab->n, merges, n);
    QNI_TRY(trace_origins(out, origins, merges, n, symbols, err));
    if (out->finds_merges) {
        QNI_TRY(leave_out_merges(out, origins, beside, merges, &n, symbols, err));
        list_crossings(out, merges, n, crossings);
    }
    return build_trie(out, origins, symbols, err);
}

qn_status qni_bpe_build(const qni_vocab *vocab, const qni_bpe_merge *merges, size_t n,
                        const uint8_t *symbols, qni_bpe *out, qn_error *err)
{
    *out = (qni_bpe){.owned = true};
    qni_bpe_attach(out, vocab);
    qni_bpe_merge *counted;
    QNI_TRY(count_ranks(merges, n, &counted, err));
    qn_status status = build(out, counted, n, symbols, err);
    qni_free(counted);
    if (status != QN_OK) {
        qni_bpe_end(out);
    }
    return status;
}

void qni_bpe_attach(qni_bpe *bpe, const qni_vocab *vocab)
{
    bpe->vocab = vocab;
    bpe->wide = qni_outlook_is_wide(); // the results are the same with and without
}

void qni_bpe_end(qni_bpe *bpe)
{
    if (bpe->owned) {
        qni_free_aligned((void *)(uintptr_t)bpe->origins);
        qni_free_aligned((void *)(uintptr_t)bpe->beside);
        qni_free_aligned((void *)(uintptr_t)bpe->crossings);
    }
    qni_pairs_end(&bpe->pairs);
    qni_trie_end(&bpe->trie);
    *bpe = (qni_bpe){0};
}
