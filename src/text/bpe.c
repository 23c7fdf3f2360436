#include "text/bpe.h"

#include "base/alloc.h"
#include "text/bpe_border.h"

#include <string.h>

void qni_bpe_scratch_end(qni_bpe_scratch *scratch)
{
    qni_free(scratch->tried);
    qni_free(scratch->links);
    qni_free(scratch->heap);
    qni_free(scratch->longest);
    *scratch = (qni_bpe_scratch){0};
}

// A word of so many bytes is long: what takes memory, or time to begin, pays.
enum { LONG = 64 };

typedef qni_outlook_place place; // a token and its size, 0: there is none

// The longest token at a place of a long word of n bytes, behind a token of so many.
static inline place longest_ahead(const qni_bpe *bpe, qni_outlook *outlook,
                                  const unsigned char *text, size_t n, size_t at, uint32_t last)
{
    bool covers = qni_outlook_covers(outlook, at);
    if (!covers && bpe->wide && last < QNI_OUTLOOK_NEAR / 2 && qni_outlook_has_room(at, n)) {
        qni_outlook_look(outlook, &bpe->trie, text, at);
        for (int i = 0; i < QNI_OUTLOOK_PLACES; i++) {
            __builtin_prefetch(&bpe->origins[outlook->places[i].value]);
        }
        covers = true;
    }
    if (covers && outlook->places[at - outlook->at].size != QNI_OUTLOOK_FAR) {
        return outlook->places[at - outlook->at];
    }
    place p;
    p.size = (uint32_t)qni_trie_longest(&bpe->trie, text + at, n - at, &p.value);
    return p;
}

// What a search needs: a bit for each place from which no row of tokens leads on, and where the
// last of them is; by token of the row how long the longest one is where it begins; for a long word
// an outlook.
typedef struct notes {
    uint64_t *tried;
    size_t tried_end;
    uint32_t *longest;
    qni_outlook *outlook;
} notes;

// Of the tokens that `token` begins with, the longest one of up to `most` bytes.
static inline place shorten(const qni_bpe *bpe, uint32_t token, uint32_t most)
{
    const qni_bpe_origin *longer = &bpe->origins[token];
    while (longer->shorter_size > most) {
        longer = &bpe->origins[longer->shorter];
    }
    return (place){longer->shorter, longer->shorter_size};
}

// Whether the byte that a token ends with and the one behind it, text[end], merge with each other,
// so that no such token ends there. They do when nothing else can come first: in the token its last
// symbol merges later, and what stands behind text[end] begins no symbol that merges with it
// earlier.
static inline bool is_crossed(const qni_bpe *bpe, uint32_t token, const unsigned char *text,
                              size_t n, size_t end)
{
    uint32_t rank = qni_bpe_crossing_at(bpe, text[end - 1], text[end])->pair;
    if (rank >= bpe->origins[token].last_time) {
        return false;
    }
    return end + 1 == n || rank <= qni_bpe_crossing_at(bpe, text[end], text[end + 1])->by_left;
}

// Of a token at text[at] and those that it begins with, the longest one that is not crossed where
// it ends; none is none.
static inline place skip_crossed(const qni_bpe *bpe, const unsigned char *text, size_t n, size_t at,
                                 place p)
{
    while (p.size > 0 && at + p.size < n && is_crossed(bpe, p.value, text, n, at + p.size)) {
        p = shorten(bpe, p.value, p.size);
    }
    return p;
}

// How many bytes from text[at] on are those that stand `period` bytes before them.
static size_t count_alike(const unsigned char *text, size_t n, size_t at, size_t period)
{
    size_t i = at;
    uint64_t a, b;
    for (; i + sizeof a <= n; i += sizeof a) {
        memcpy(&a, text + i, sizeof a);
        memcpy(&b, text + i - period, sizeof b);
        if (a != b) {
            break;
        }
    }
    while (i < n && text[i] == text[i - period]) {
        i++;
    }
    return i - at;
}

// How many more of a token follow that stands twice before text[at], found in the same way both
// times: what the search reads from there on is what it read where that token begins, for as long
// as the text goes on like it. It reads two bytes behind the longest way through the trie.
static __attribute__((noinline)) size_t count_again(const qni_bpe *bpe, const unsigned char *text,
                                                    size_t n, size_t at, size_t size)
{
    size_t alike = count_alike(text, n, at, size);
    size_t read = alike > size ? qni_trie_depth(&bpe->trie, text + at, n - at) + 2 : alike;
    return alike > read ? (alike - read) / size : 0;
}

// Writes the item that stands before `items`, of so many bytes, so many times more.
static void repeat_last(void *items, size_t size, size_t more)
{
    const char *from = (char *)items - size;
    for (size_t done = 0; done < more;) {
        size_t some = more - done < done + 1 ? more - done : done + 1;
        memcpy((char *)items + done * size, from, some * size);
        done += some;
    }
}

// Whether two tokens stay apart where these bytes meet.
static inline bool are_apart(const qni_bpe *bpe, qni_bpe_symbol left, place right,
                             const qni_bpe_crossing *crossing)
{
    return qni_bpe_is_apart(&bpe->origins[left.id], left.n, &bpe->origins[right.value], right.size,
                            crossing) ||
           qni_bpe_border(bpe, left.id, right.value, crossing) == QNI_BPE_APART;
}

// Whether two tokens that stay apart are merged themselves in the end. Then that token, which its
// text gives, was found where the left one begins: it is not longer than the longest one there.
static inline bool are_merged(const qni_bpe *bpe, qni_bpe_symbol left, place right,
                              uint32_t longest)
{
    return (left.n + right.size <= longest || !bpe->finds_merges) &&
           qni_bpe_rank_from_1(bpe, left.id, right.value) != UINT32_MAX;
}

// Finds the row of compatible tokens that is the word's encoding; the longest token at its
// beginning is known. Returns how many tokens it has; 0 when some symbol is unknown.
static inline __attribute__((always_inline)) size_t find_row(const qni_bpe *bpe,
                                                             const unsigned char *text, size_t n,
                                                             place next, notes keep,
                                                             qni_bpe_symbol *tokens, bool is_long)
{
    size_t at = 0, count = 0;
    uint32_t longest = next.size; // where `next` begins
    qni_bpe_symbol last = {UINT32_MAX, 0};
    for (;;) {
        next = skip_crossed(bpe, text, n, at, next);
        size_t end = at + next.size;
        if (next.size == 0) { // nothing leads on from here: try a shorter token before it
            if (count == 0) {
                return 0;
            }
            keep.tried[at / 64] |= (uint64_t)1 << (at % 64);
            keep.tried_end = at + 1 > keep.tried_end ? at + 1 : keep.tried_end;
            next = shorten(bpe, last.id, last.n);
            at -= last.n;
            longest = keep.longest[--count];
            last = count > 0 ? tokens[count - 1] : last;
            continue;
        }
        bool fits = end >= keep.tried_end || (keep.tried[end / 64] >> (end % 64) & 1) == 0;
        if (fits && count > 0) {
            fits = are_apart(bpe, last, next, qni_bpe_crossing_at(bpe, text[at - 1], text[at])) &&
                   !are_merged(bpe, last, next, keep.longest[count - 1]);
        }
        if (!fits) {
            next = shorten(bpe, next.value, next.size);
            continue;
        }
        bool again = is_long && last.id == next.value && keep.longest[count - 1] == longest;
        last = (qni_bpe_symbol){next.value, next.size};
        keep.longest[count] = longest;
        tokens[count].id = last.id;
        tokens[count++].n = last.n;
        at = end;
        if (again && at >= keep.tried_end) {
            size_t more = count_again(bpe, text, n, at, last.n);
            repeat_last(keep.longest + count, sizeof longest, more);
            repeat_last(tokens + count, sizeof last, more);
            count += more;
            at += more * last.n;
        }
        if (at == n) {
            return count;
        }
        if (is_long) {
            next = longest_ahead(bpe, keep.outlook, text, n, at, last.n);
        } else {
            next.size = (uint32_t)qni_trie_longest(&bpe->trie, text + at, n - at, &next.value);
        }
        longest = next.size;
    }
}

// The longest token at the beginning of the text. How the tokens on the way there come about is
// asked for meanwhile.
static inline place longest_token(const qni_bpe *bpe, const unsigned char *text, size_t n)
{
    place p;
    p.size = (uint32_t)qni_trie_longest_row(&bpe->trie, text, n, &p.value, bpe->origins,
                                            sizeof *bpe->origins);
    return p;
}

// Finds the row of a short word as find_row does, in the order that is right for nearly all words:
// where a part of the last token merges with what follows, it is that token which has to end before
// this part, rather than the next one which has to be shorter. Returns 0 for the few other words.
static inline size_t guess_row(const qni_bpe *bpe, const unsigned char *text, size_t n, place next,
                               qni_bpe_symbol *tokens)
{
    uint32_t longest[LONG]; // by token of the row, where it begins
    size_t at = 0, count = 0;
    longest[0] = next.size;
    for (;;) {
        next = skip_crossed(bpe, text, n, at, next);
        if (next.size == 0) {
            return 0;
        }
        if (count > 0) {
            qni_bpe_symbol last = tokens[count - 1];
            uint32_t before = qni_bpe_border(bpe, last.id, next.value,
                                             qni_bpe_crossing_at(bpe, text[at - 1], text[at]));
            if (before == QNI_BPE_APART && are_merged(bpe, last, next, longest[count - 1])) {
                before = 0;
            }
            if (before == 0) {
                next = shorten(bpe, next.value, next.size);
                continue;
            }
            if (before != QNI_BPE_APART) {
                at -= last.n;
                count--;
                next = shorten(bpe, last.id, before);
                continue;
            }
        }
        tokens[count++] = (qni_bpe_symbol){next.value, next.size};
        at += next.size;
        if (at == n) {
            return count;
        }
        // what the next look at the border reads comes while the trie is walked
        __builtin_prefetch(&bpe->origins[bpe->origins[tokens[count - 1].id].right]);
        next = longest_token(bpe, text + at, n - at);
        longest[count] = next.size;
    }
}

static __attribute__((noinline)) qn_status find_long_row(const qni_bpe *bpe, qni_bpe_scratch *s,
                                                         const unsigned char *text, size_t n,
                                                         place first, qni_bpe_symbol *tokens,
                                                         size_t *n_tokens, qn_error *err)
{
    size_t words = n / 64 + 1;
    if (qni_grow(&s->tried, &s->tried_capacity, words, sizeof *s->tried) != 0 ||
        qni_grow(&s->longest, &s->longest_capacity, n, sizeof *s->longest) != 0) {
        return qni_fail_memory(err);
    }
    qni_outlook outlook;
    qni_outlook_begin(&outlook, n);
    memset(s->tried, 0, words * sizeof *s->tried);
    *n_tokens = find_row(bpe, text, n, first, (notes){s->tried, 0, s->longest, &outlook}, tokens,
                         true);
    return QN_OK;
}

qn_status qni_bpe_encode(const qni_bpe *bpe, qni_bpe_scratch *s, const char *word, size_t n,
                         qni_bpe_symbol *tokens, size_t *n_tokens, qn_error *err)
{
    const unsigned char *text = (const unsigned char *)word;
    place first = longest_token(bpe, text, n);
    if (first.size == n) {
        tokens[0] = (qni_bpe_symbol){first.value, first.size};
        *n_tokens = 1;
    } else if (n < LONG) {
        *n_tokens = guess_row(bpe, text, n, first, tokens);
        if (*n_tokens > 0) {
            return QN_OK;
        }
        uint64_t tried = 0;
        uint32_t longest[LONG];
        *n_tokens = find_row(bpe, text, n, first, (notes){&tried, 0, longest, NULL}, tokens, false);
    } else {
        return find_long_row(bpe, s, text, n, first, tokens, n_tokens, err);
    }
    return QN_OK;
}

// A walk down the trie to the longest token, and from its end on again.
typedef struct walk {
    const unsigned char *bytes;
    size_t n, depth, longest;
    uint32_t node; // that was asked for
} walk;

// All walks go one step by turns, so that each waits for memory while the others do.
void qni_bpe_expect(const qni_bpe *bpe, const qni_bpe_text *words, size_t n)
{
    const uint64_t *units = bpe->trie.units;
    walk walks[QNI_BPE_EXPECTED];
    for (size_t i = 0; i < n; i++) {
        uint32_t node = qni_trie_child(units[0], words[i].bytes[0]);
        walks[i] = (walk){words[i].bytes, words[i].n, 0, 0, node};
    }
    while (n > 0) {
        for (size_t i = 0; i < n; i++) {
            walk *w = &walks[i];
            uint64_t unit = units[w->node];
            bool fits = (unit & QNI_TRIE_LABEL) == w->bytes[w->depth];
            if (fits && (unit & QNI_TRIE_KEY) != 0) {
                __builtin_prefetch(&bpe->origins[qni_trie_value(unit)]);
                w->longest = w->depth + 1;
            }
            if (fits && ++w->depth < w->n) {
                w->node = qni_trie_child(unit, w->bytes[w->depth]);
            } else if (w->longest > 0 && w->longest < w->n) {
                const unsigned char *end = w->bytes + w->longest;
                __builtin_prefetch(qni_bpe_crossing_at(bpe, end[-1], end[0]));
                *w = (walk){end, w->n - w->longest, 0, 0, qni_trie_child(units[0], end[0])};
            } else {
                *w = walks[--n];
                i--;
                continue;
            }
            __builtin_prefetch(&units[w->node]);
        }
    }
}
