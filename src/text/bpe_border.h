// What happens at the border of two tokens, which both the building of their origins and the search
// for a word's tokens ask.
#ifndef QNI_TEXT_BPE_BORDER_H
#define QNI_TEXT_BPE_BORDER_H

#include "text/bpe.h"

// The rank of the merge of two symbols, counted from 1; UINT32_MAX: there is none.
static inline uint32_t qni_bpe_rank_from_1(const qni_bpe *bpe, uint32_t left, uint32_t right)
{
    uint32_t rank = qni_bpe_rank(bpe, left, right, NULL);
    return rank != QNI_NO_RANK ? rank + 1 : UINT32_MAX;
}

// What happens at the border of two tokens whose texts stand beside each other: they stay apart, or
// some part of the left one merges with some part of the right one; then this is how many bytes of
// the left one stand before that part, 0 when that is all of it.
#define QNI_BPE_APART UINT32_MAX

// What happens at the border of `left` and `right`, which are not merged themselves, where these
// bytes meet: undoes the latest merge at the border until single symbols are left, and looks each
// time whether the two symbols there would have merged while they stood beside each other. They
// would if their rank is below that of some merge done in that time, whose highest is `as_left` or
// `as_right` of what is undone. Of equal ranks the left one merges first, so a merge across the
// border comes before one on its right of the same rank, and after one on its left.
//
// The jumps are meant: what follows one that was guessed right is on its way from memory meanwhile.
static inline uint32_t qni_bpe_border(const qni_bpe *bpe, uint32_t left, uint32_t right,
                                      const qni_bpe_crossing *crossing)
{
    const qni_bpe_origin *l = &bpe->origins[left], *r = &bpe->origins[right];
    uint32_t before = 0; // bytes of the left token before the symbol at the border
    for (;;) {
        uint32_t limit;
        if (qni_bpe_time(l) > qni_bpe_time(r)) {
            limit = l->as_left;
            before += l->left_size;
            left = l->right;
            l = &bpe->origins[left];
        } else if (r->as_right > 0) {
            limit = r->as_right + 1;
            right = r->left;
            r = &bpe->origins[right];
        } else {
            return QNI_BPE_APART;
        }
        if (!qni_bpe_is_longer(l) && !qni_bpe_is_longer(r)) {
            return crossing->pair < limit ? before : QNI_BPE_APART;
        }
        if (crossing->longer < limit && qni_bpe_rank_from_1(bpe, left, right) < limit) {
            return before;
        }
    }
}

// Whether the border of two tokens of so many bytes certainly is QNI_BPE_APART; false is not
// certain. No limit that qni_bpe_border compares with is above the times of both tokens, and the
// last one, where only the two bytes are left, is not above the time at which the left one's last
// symbol merges, nor above that of the right token, whose first symbol has merged by then. Where
// there are three bytes in all, that last one is the only one.
static inline bool qni_bpe_is_apart(const qni_bpe_origin *l, uint32_t n_left,
                                    const qni_bpe_origin *r, uint32_t n_right,
                                    const qni_bpe_crossing *crossing)
{
    uint32_t left = qni_bpe_time(l), right = qni_bpe_time(r);
    uint32_t limit = left > right ? left : right + 1;
    uint32_t behind = right + 1 - (right == 0 ? 2u : 0u); // above all ranks for a single symbol
    uint32_t last = behind < l->last_time ? behind : l->last_time;
    return (crossing->pair >= last) & ((crossing->longer >= limit) | (n_left + n_right <= 3));
}

#endif
