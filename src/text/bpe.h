// Byte pair encoding, exactly and in linear time.
//
// The definition: a word is a row of symbols; of all neighbours that may merge, the pair of lowest
// rank (the leftmost of these) becomes one symbol, again and again. qni_bpe_merge does that, with a
// heap.
//
// The fast way rests on a property of it. Call two tokens compatible when the definition, run on
// the text of both, ends in just these two. Then a row of tokens is the encoding of its text if and
// only if all its neighbours are compatible: the first merge across a border in the whole text
// would have happened in the text of the two neighbours alone, because up to then both runs do the
// same to them. So qni_bpe_encode searches a row of compatible tokens, longest first, and steps
// back where there is none. Compatibility is decided by undoing the merges at the border, the
// latest first, and looking whether the two symbols there would have merged earlier than what was
// undone. In which order tokens are tried does not matter, since there is one such row only. Nearly
// always the longest token is right that no merge of the bytes at its end crosses, or else the part
// of it that merged across the border tells where it has to end instead.
//
// Ranks need not rise from a token's parts to the token. A merge that becomes possible late, with a
// rank long past, is done at once, before anything else: the times at which a token's merges are
// done, seen from outside, are the highest ranks among all that lead to each. So merges of two
// neighbours come in the order of these times, those of the left one first where they are equal.
// A token that its own text does not give is found out by the same test, and left out.
#ifndef QNI_TEXT_BPE_H
#define QNI_TEXT_BPE_H

#include "text/outlook.h"
#include "text/pairs.h"
#include "text/trie.h"
#include "text/vocab.h"

#include <string.h>

// How a token comes about, in half a cache line. Ranks are counted from 1 here.
//
// Most neighbours that are looked at never merge. Their signs tell so at nearly every one, without
// a look at the table of merges, which is some megabytes large.
typedef struct qni_bpe_origin {
    // the two symbols merged last; of a single symbol: its byte, or NO_BYTE
    _Alignas(32) uint32_t left;
    uint32_t right;
    // The highest rank done since the part at that border came about, when it stands on that side
    // of the border; 0 for a single symbol. One of them is the highest of all its merges.
    uint32_t as_left, as_right;
    uint32_t last_time;     // when its last symbol merges first; UINT32_MAX for a single symbol
    uint32_t shorter;       // the longest other token that this one begins with
    uint16_t shorter_size;  // bytes of that; 0: there is none
    uint16_t left_size;     // bytes of `left`
    uint16_t rights, lefts; // the signs of what merges with this one on its right, on its left
} qni_bpe_origin;

// Which single bytes merge with a token on its right and on its left: bit byte % 32. Letters merge
// with so much that signs say little about them.
typedef struct qni_bpe_beside {
    uint32_t rights, lefts;
} qni_bpe_beside;

enum { QNI_UNMADE_HINTS = 1 << 16, QNI_BPE_BYTES = 256, QNI_BPE_NO_BYTE = QNI_BPE_BYTES };

// What merges across the border between two bytes: ranks of merges of a symbol that ends with the
// first one and a symbol that begins with the second one, counted from 1; UINT32_MAX is none. Where
// texts of tokens do not say which bytes meet in a merge, the last two are 0.
typedef struct qni_bpe_crossing {
    uint32_t pair;    // of the two bytes alone
    uint32_t by_left; // no merge of the first byte alone is below that
    uint32_t longer;  // no merge of which one symbol or both are more than the byte
} qni_bpe_crossing;

typedef struct qni_bpe {
    const qni_vocab *vocab;
    qni_pairs pairs;
    const qni_bpe_origin *origins;          // by id
    const qni_bpe_beside *beside;           // by id
    const qni_bpe_crossing *crossings;      // QNI_BPE_BYTES * QNI_BPE_BYTES, by the two bytes
    qni_trie trie;                          // the tokens that a text can give
    uint64_t unmade[QNI_UNMADE_HINTS / 64]; // a bit for each other one, by its hint
    bool finds_merges; // the vocabulary finds what each merge gives by the text of its two parts
    bool wide;         // long words are looked over ahead
    bool owned;
} qni_bpe;

typedef enum qni_bpe_symbols {
    QNI_BPE_SINGLE = 1, // the text of this token is one symbol
    QNI_BPE_GIVEN = 2,  // it is a symbol where another text than its own stands
} qni_bpe_symbols;

// Builds from merges in rising order of rank. `symbols[id]` is of qni_bpe_symbols. Merges that no
// text brings about are left out, unless some merge has a part that is GIVEN.
QNI_WARN_UNUSED qn_status qni_bpe_build(const qni_vocab *vocab, const qni_bpe_merge *merges,
                                        size_t n, const uint8_t *symbols, qni_bpe *out,
                                        qn_error *err);
void qni_bpe_end(qni_bpe *bpe);

// Sets what depends on the run, not on the merges; for one that was read from an image.
void qni_bpe_attach(qni_bpe *bpe, const qni_vocab *vocab);

static inline const qni_bpe_crossing *qni_bpe_crossing_at(const qni_bpe *bpe, unsigned char before,
                                                          unsigned char behind)
{
    return &bpe->crossings[before * (size_t)QNI_BPE_BYTES + behind];
}

// The highest rank of all merges of a token, 0 for a single symbol.
static inline uint32_t qni_bpe_time(const qni_bpe_origin *origin)
{
    return origin->as_left > origin->as_right ? origin->as_left : origin->as_right;
}

static inline uint16_t qni_bpe_sign(uint32_t id)
{
    return (uint16_t)(1u << (id * 0x9E3779B1u >> 28));
}

// Whether a symbol is anything but one byte.
static inline bool qni_bpe_is_longer(const qni_bpe_origin *o)
{
    return ((o->as_left != 0) | (o->left >= QNI_BPE_BYTES)) != 0;
}

// Whether there may be a merge of two tokens: false when one of them is a byte that is not beside
// the other one in any merge.
static inline bool qni_bpe_are_beside(const qni_bpe *bpe, uint32_t left, uint32_t right)
{
    const qni_bpe_origin *l = &bpe->origins[left], *r = &bpe->origins[right];
    uint32_t on_right = bpe->beside[left].rights >> r->left % 32;
    uint32_t on_left = bpe->beside[right].lefts >> l->left % 32;
    return (((on_right | qni_bpe_is_longer(r)) & (on_left | qni_bpe_is_longer(l))) & 1) != 0;
}

// The rank of the merge of two tokens, counted from 0, or QNI_NO_RANK; the merged token goes to *id
// unless that is NULL.
static inline uint32_t qni_bpe_rank(const qni_bpe *bpe, uint32_t left, uint32_t right, uint32_t *id)
{
    bool may = (bpe->origins[left].rights & qni_bpe_sign(right)) != 0 &&
               (bpe->origins[right].lefts & qni_bpe_sign(left)) != 0;
    if (!may || !qni_bpe_are_beside(bpe, left, right)) { // two jumps: the second reads elsewhere
        return QNI_NO_RANK;
    }
    return qni_pairs_find(&bpe->pairs, left, right, id);
}

// A number below QNI_UNMADE_HINTS for n > 0 bytes, by their ends.
static inline uint32_t qni_unmade_hint(const char *word, size_t n)
{
    uint32_t first, last;
    if (n >= sizeof first) {
        memcpy(&first, word, sizeof first);
        memcpy(&last, word + n - sizeof last, sizeof last);
    } else {
        first = (uint32_t)(unsigned char)word[0] << 8 | (unsigned char)word[n / 2];
        last = (unsigned char)word[n - 1];
    }
    return (first * 0x9E3779B1u ^ last * 0x85EBCA6Bu ^ (uint32_t)n * 0xC2B2AE35u) >> 16;
}

// Whether a word of n > 0 bytes may be one of the tokens that no text gives; false is certain.
static inline bool qni_bpe_may_be_unmade(const qni_bpe *bpe, const char *word, size_t n)
{
    uint32_t hint = qni_unmade_hint(word, n);
    return (bpe->unmade[hint / 64] >> (hint % 64) & 1) != 0;
}

// A symbol on its way: its token and how many bytes of the word it covers.
typedef struct qni_bpe_symbol {
    uint32_t id;
    uint32_t n;
} qni_bpe_symbol;

// What an encoder needs besides; grows as needed and is reused. All zero is empty. One thread at a
// time.
typedef struct qni_bpe_scratch {
    uint64_t *tried;    // a bit per place of a long word: no row leads on from there
    uint32_t *longest;  // of its row of tokens: bytes of the longest one where each begins
    void *links, *heap; // of qni_bpe_merge_symbols
    size_t tried_capacity, longest_capacity, links_capacity, heap_capacity;
} qni_bpe_scratch;

void qni_bpe_scratch_end(qni_bpe_scratch *scratch);

// A word of n > 0 bytes.
typedef struct qni_bpe_text {
    const unsigned char *bytes;
    size_t n;
} qni_bpe_text;

// Asks for what encoding these words, at most QNI_BPE_EXPECTED, will most likely read.
enum { QNI_BPE_EXPECTED = 32 };
void qni_bpe_expect(const qni_bpe *bpe, const qni_bpe_text *words, size_t n);

// The encoding of a word of n > 0 bytes, in `tokens`, which has room for n: *n_tokens of them; none
// when some symbol of the word is no token of the vocabulary.
QNI_WARN_UNUSED qn_status qni_bpe_encode(const qni_bpe *bpe, qni_bpe_scratch *scratch,
                                         const char *word, size_t n, qni_bpe_symbol *tokens,
                                         size_t *n_tokens, qn_error *err);

// The definition: merges `symbols` in place until nothing merges; *n is their number before and
// after.
QNI_WARN_UNUSED qn_status qni_bpe_merge_symbols(const qni_bpe *bpe, qni_bpe_scratch *scratch,
                                                qni_bpe_symbol *symbols, size_t *n, qn_error *err);

#endif
