#include "text/unigram.h"

#include "base/alloc.h"

#include <float.h>
#include <math.h>
#include <string.h>

// Numbers the keys, which are sorted, and keeps the score and the id of each.
static qn_status list_leaves(const qni_trie_key *keys, size_t n, const double *scores,
                             uint32_t n_ids, qni_unigram *out, qn_error *err)
{
    uint32_t *by_id = qni_alloc_array((size_t)n_ids + 1, sizeof *by_id);
    qni_unigram_leaf *leaves = qni_alloc_array(n + 1, sizeof *leaves);
    out->leaves = leaves;
    if (by_id == NULL || leaves == NULL) {
        qni_free(by_id);
        return qni_fail_memory(err);
    }
    memset(leaves, 0, (n + 1) * sizeof *leaves); // the image holds what lies between as well
    for (size_t i = 0; i < n; i++) {
        leaves[i].score = scores[keys[i].value];
        leaves[i].id = keys[i].value;
        by_id[keys[i].value] = (uint32_t)i;
    }
    out->n_leaves = (uint32_t)n;
    qni_trie_map_values(&out->trie, by_id);
    qni_free(by_id);
    return QN_OK;
}

qn_status qni_unigram_build(const qni_vocab *vocab, const double *scores, qni_unigram *out,
                            qn_error *err)
{
    *out = (qni_unigram){.owned = true};
    qni_trie_key *keys = qni_alloc_array((size_t)vocab->n + 1, sizeof *keys);
    if (keys == NULL) {
        return qni_fail_memory(err);
    }
    double least = DBL_MAX;
    size_t n = 0;
    for (uint32_t id = 0; id < vocab->n; id++) {
        uint32_t size;
        const char *bytes = qni_vocab_at(vocab, id, &size);
        if (!vocab->present[id]) {
            continue;
        }
        least = fmin(least, scores[id]);
        if (size > 0 && qni_vocab_find(vocab, bytes, size) == (int32_t)id) {
            keys[n++] = (qni_trie_key){(const unsigned char *)bytes, size, id};
        }
    }
    out->unknown_score = least - (double)QNI_UNKNOWN_PENALTY;
    qn_status status = qni_trie_build(keys, n, &out->trie, err);
    if (status == QN_OK) {
        status = list_leaves(keys, n, scores, vocab->n, out, err);
    }
    qni_free(keys);
    if (status != QN_OK) {
        qni_unigram_end(out);
    }
    return status;
}

void qni_unigram_end(qni_unigram *unigram)
{
    if (unigram->owned) {
        qni_free((void *)(uintptr_t)unigram->leaves);
    }
    qni_trie_end(&unigram->trie);
    *unigram = (qni_unigram){0};
}

static inline void offer(qni_unigram_place *place, double score, size_t begin, int32_t id)
{
    // the first way counts whatever its sum: a file's scores may add up to no number
    if (place->begin == QNI_UNIGRAM_NOWHERE || score > place->score) {
        *place = (qni_unigram_place){score, (uint32_t)begin, id};
    }
}

static inline double sum(bool single, double score, double here)
{
    return single ? (double)((float)score + (float)here) : score + here;
}

// Sums too far from 0 lose digits: those of all places from the first to the last that is reached
// count from the first one's on. The threshold is that of SentencePiece 0.2.3.
static void begin_sums_again(qni_unigram_place *first, const qni_unigram_place *last)
{
    static const double farthest = 100000.0;
    double offset = first->score;
    if (fabs(offset) <= farthest) {
        return;
    }
    for (qni_unigram_place *place = first; place <= last; place++) {
        if (place->begin != QNI_UNIGRAM_NOWHERE) {
            place->score = (double)((float)place->score - (float)offset);
        }
    }
}

static size_t character_length(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

// Goes from each character to the ends of all tokens that begin there. `single` is the model's,
// said so that each of both has a loop of its own.
static inline __attribute__((always_inline)) void find_ways(const qni_unigram *u,
                                                            qni_unigram_place *places,
                                                            const unsigned char *word, size_t n,
                                                            bool single)
{
    const qni_trie trie = u->trie;
    const qni_unigram_leaf *leaves = u->leaves;
    size_t last = 0; // that is reached
    for (size_t at = 0; at < n;) {
        size_t first = character_length(word[at]);
        if (single) {
            begin_sums_again(&places[at], &places[last]);
        }
        double here = places[at].score;
        bool has_single = false;
        uint32_t node = 0;
        for (size_t i = at; i < n && qni_trie_step(&trie, &node, word[i]); i++) {
            if (qni_trie_is_key(&trie, node)) {
                const qni_unigram_leaf *leaf = &leaves[qni_trie_value(trie.units[node])];
                last = i + 1 > last ? i + 1 : last;
                offer(&places[i + 1], sum(single, leaf->score, here), at, (int32_t)leaf->id);
                has_single = has_single || i + 1 - at == first;
            }
        }
        if (!has_single) {
            last = at + first > last ? at + first : last;
            offer(&places[at + first], sum(single, u->unknown_score, here), at, QNI_NO_TOKEN);
        }
        at += first;
    }
}

qn_status qni_unigram_encode(const qni_unigram *u, qni_unigram_scratch *scratch, const char *word,
                             size_t n, qn_error *err)
{
    if (n >= UINT32_MAX ||
        qni_grow(&scratch->places, &scratch->capacity, n + 1, sizeof *scratch->places) != 0) {
        return qni_fail_memory(err);
    }
    qni_unigram_place *places = scratch->places;
    for (size_t i = 1; i <= n; i++) {
        places[i].begin = QNI_UNIGRAM_NOWHERE;
    }
    places[0] = (qni_unigram_place){scratch->start, 0, QNI_NO_TOKEN};
    if (u->single) {
        find_ways(u, places, (const unsigned char *)word, n, true);
    } else {
        find_ways(u, places, (const unsigned char *)word, n, false);
    }
    return QN_OK;
}
