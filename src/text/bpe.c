#include "text/bpe.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

// The rank of the merge of two symbols, counted from 1; UINT32_MAX: there is none.
static inline uint32_t rank_of(const qni_bpe *bpe, uint32_t left, uint32_t right)
{
    uint32_t rank = qni_bpe_rank(bpe, left, right, NULL);
    return rank != QNI_NO_RANK ? rank + 1 : UINT32_MAX;
}

// What happens at the border of two tokens whose texts stand beside each other: they stay apart, or
// some part of the left one merges with some part of the right one; then this is how many bytes of
// the left one stand before that part, 0 when that is all of it.
enum { APART = UINT32_MAX };

// What happens at the border of `left` and `right`, which are not merged themselves, in all merges
// of a rank below `limit`, and in all that came before: undoes the latest merge at the border until
// single symbols are left, and looks each time whether the two symbols there would have merged
// while they stood beside each other. They would if their rank is below that of some merge done in
// that time, whose highest is `as_left` or `as_right` of what is undone. Of equal ranks the left
// one merges first, so a merge across the border comes before one on its right of the same rank,
// and after one on its left.
//
// The jumps are meant: what follows one that was guessed right is on its way from memory meanwhile.
static uint32_t look_at_border(const qni_bpe *bpe, uint32_t left, uint32_t right, uint32_t limit)
{
    const qni_bpe_origin *l = &bpe->origins[left], *r = &bpe->origins[right];
    uint32_t before = 0; // bytes of the left token before the symbol at the border
    for (;;) {
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
            return APART;
        }
        if ((l->as_left | r->as_left) == 0 && (l->left | r->left) < QNI_BPE_BYTES) {
            bool stay = bpe->byte_ranks[l->left * QNI_BPE_BYTES + r->left] >= limit;
            return stay ? APART : before;
        }
        if (rank_of(bpe, left, right) < limit) {
            return before;
        }
    }
}

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

static void sign_all(qni_bpe_origin *origins, uint32_t n_ids, const qni_bpe_merge *merges, size_t n)
{
    for (uint32_t id = 0; id < n_ids; id++) {
        origins[id].rights = origins[id].lefts = 0;
    }
    for (size_t i = 0; i < n; i++) {
        origins[merges[i].left].rights |= qni_bpe_sign(merges[i].right);
        origins[merges[i].right].lefts |= qni_bpe_sign(merges[i].left);
    }
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
        // limit 0: that the two merge in the end is what is wanted
        if (open && qni_pairs_find(&out->pairs, m->left, m->right, NULL) == m->rank &&
            look_at_border(out, m->left, m->right, 0) == APART) {
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

// Finds the merges of two symbols that are one byte each, and marks these symbols.
static void list_byte_ranks(const qni_vocab *vocab, const qni_bpe_merge *merges, size_t n,
                            const uint8_t *symbols, qni_bpe_origin *origins, uint32_t *byte_ranks)
{
    for (uint32_t id = 0; id < vocab->n; id++) {
        uint32_t size;
        const char *bytes = qni_vocab_at(vocab, id, &size);
        bool is_byte = (symbols[id] & QNI_BPE_SINGLE) != 0 && size == 1;
        origins[id].left = is_byte ? (unsigned char)bytes[0] : QNI_BPE_NO_BYTE;
        origins[id].last_time = UINT32_MAX;
    }
    memset(byte_ranks, 0xFF, sizeof *byte_ranks * QNI_BPE_BYTES * QNI_BPE_BYTES);
    for (size_t i = 0; i < n; i++) {
        uint32_t left = origins[merges[i].left].left, right = origins[merges[i].right].left;
        if ((left | right) < QNI_BPE_BYTES) {
            byte_ranks[left * QNI_BPE_BYTES + right] = merges[i].rank + 1;
        }
    }
}

// Finds the least ranks of merges of a byte with what is behind it. Where the texts of tokens do
// not say what stands there, 0.
static void list_least_ranks(const qni_bpe *bpe, const qni_bpe_merge *merges, size_t n,
                             uint16_t *least)
{
    memset(least, bpe->finds_merges ? 0xFF : 0, sizeof *least * QNI_BPE_BYTES * QNI_BPE_BYTES);
    for (size_t i = 0; i < n; i++) {
        uint32_t size, left = bpe->origins[merges[i].left].left, rank = merges[i].rank + 1;
        bool is_byte = left < QNI_BPE_BYTES && bpe->origins[merges[i].left].as_left == 0;
        const char *right = qni_vocab_at(bpe->vocab, merges[i].right, &size);
        if (is_byte && size > 0) {
            uint16_t *cell = &least[left * QNI_BPE_BYTES + (unsigned char)right[0]];
            *cell = rank < *cell ? (uint16_t)rank : *cell;
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
static qn_status leave_out_merges(qni_bpe *out, qni_bpe_origin *origins, qni_bpe_merge *merges,
                                  size_t n, const uint8_t *symbols, qn_error *err)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (((symbols[merges[i].left] | symbols[merges[i].right]) & QNI_BPE_GIVEN) != 0) {
            return QN_OK;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const qni_bpe_origin *o = &origins[merges[i].id];
        if (o->as_left != 0 && o->left == merges[i].left && o->right == merges[i].right) {
            merges[left++] = merges[i];
        }
    }
    sign_all(origins, out->vocab->n, merges, left);
    qni_pairs_end(&out->pairs);
    return qni_pairs_build(merges, left, out->vocab->n, &out->pairs, err);
}

static qn_status build(qni_bpe *out, qni_bpe_merge *merges, size_t n, const uint8_t *symbols,
                       qn_error *err)
{
    qni_bpe_origin *origins = qni_calloc_aligned(((size_t)out->vocab->n + 1) * sizeof *origins);
    uint32_t *byte_ranks = qni_alloc_array((size_t)QNI_BPE_BYTES * QNI_BPE_BYTES,
                                           sizeof *byte_ranks);
    uint16_t *least_ranks = qni_alloc_array((size_t)QNI_BPE_BYTES * QNI_BPE_BYTES,
                                            sizeof *least_ranks);
    out->origins = origins;
    out->byte_ranks = byte_ranks;
    out->least_ranks = least_ranks;
    if (origins == NULL || byte_ranks == NULL || least_ranks == NULL) {
        return qni_fail_memory(err);
    }
    QNI_TRY(qni_pairs_build(merges, n, out->vocab->n, &out->pairs, err));
    list_byte_ranks(out->vocab, merges, n, symbols, origins, byte_ranks);
    sign_all(origins, out->vocab->n, merges, n);
    QNI_TRY(trace_origins(out, origins, merges, n, symbols, err));
    out->finds_merges = finds_merges(out->vocab, merges, n);
    list_least_ranks(out, merges, n, least_ranks);
    if (out->finds_merges) {
        QNI_TRY(leave_out_merges(out, origins, merges, n, symbols, err));
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
        qni_free((void *)(uintptr_t)bpe->byte_ranks);
        qni_free((void *)(uintptr_t)bpe->least_ranks);
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
    qni_free(scratch->longest);
    *scratch = (qni_bpe_scratch){0};
}

// ---- Encoding

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
    uint32_t rank = bpe->byte_ranks[text[end - 1] * (size_t)QNI_BPE_BYTES + text[end]];
    if (rank >= bpe->origins[token].last_time) {
        return false;
    }
    return end + 1 == n ||
           rank <= bpe->least_ranks[text[end] * (size_t)QNI_BPE_BYTES + text[end + 1]];
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

// How many bytes at most the token behind this one has, when the two merge into one in the end:
// that one is a token which its text gives, so it was found where this one begins.
static inline uint32_t room_behind(const qni_bpe *bpe, qni_bpe_symbol token, uint32_t longest)
{
    return bpe->finds_merges ? longest - token.n : UINT32_MAX;
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
    uint32_t room = 0;            // behind the last token
    qni_bpe_symbol last = {UINT32_MAX, 0};
    // The last neighbours looked at, and whether their parts stay apart: in a row of one character
    // all are the same.
    uint32_t left = UINT32_MAX, right = UINT32_MAX;
    bool apart = false;
    for (;;) {
        next = skip_crossed(bpe, text, n, at, next);
        size_t end = at + next.size;
        if (next.size == 0) { // nothing leads on from here: try a shorter token before it
            if (count == 0) {
                return 0;
            }
            keep.tried[at / 64] |= (uint64_t)1 << (at % 64);
            keep.tried_end = at + 1 > keep.tried_end ? at + 1 : keep.tried_end;
            const qni_bpe_origin *longer = &bpe->origins[last.id];
            next = (place){longer->shorter, longer->shorter_size};
            at -= last.n;
            longest = keep.longest[--count];
            if (count > 0) {
                last = tokens[count - 1];
                room = room_behind(bpe, last, keep.longest[count - 1]);
            }
            continue;
        }
        bool fits = (keep.tried[end / 64] >> (end % 64) & 1) == 0;
        if (fits && count > 0) {
            if (!is_long || last.id != left || next.value != right) {
                left = last.id;
                right = next.value;
                apart = look_at_border(bpe, left, right, UINT32_MAX) == APART;
            }
            fits = apart && (next.size > room || rank_of(bpe, last.id, next.value) == UINT32_MAX);
        }
        if (!fits) {
            const qni_bpe_origin *longer = &bpe->origins[next.value];
            next = (place){longer->shorter, longer->shorter_size};
            continue;
        }
        bool again = is_long && last.id == next.value && keep.longest[count - 1] == longest;
        last = (qni_bpe_symbol){next.value, next.size};
        room = room_behind(bpe, last, longest);
        keep.longest[count] = longest;
        tokens[count++] = last;
        at = end;
        if (again && at >= keep.tried_end) {
            size_t more = count_again(bpe, text, n, at, last.n);
            for (size_t i = 0; i < more; i++) {
                keep.longest[count + i] = longest;
            }
            for (size_t i = 0; i < more; i++) {
                tokens[count + i] = last;
            }
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

// Finds the row of a short word as find_row does, in the order that is right for nearly all words:
// where a part of the last token merges with what follows, it is that token which has to end before
// this part, rather than the next one which has to be shorter. Returns 0 for the few other words.
static inline size_t longest_token(const qni_bpe *bpe, const unsigned char *text, size_t n,
                                   uint32_t *value)
{
    const qni_trie *trie = &bpe->trie;
    uint64_t unit = trie->units[0], found = 0;
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        unit = trie->units[qni_trie_child(unit, text[i])];
        if ((unit & QNI_TRIE_LABEL) != text[i]) {
            break;
        }
        bool is_key = (unit & QNI_TRIE_KEY) != 0; // hard to guess: nothing branches on it
        found = is_key ? unit : found;
        length = is_key ? i + 1 : length;
        __builtin_prefetch(&bpe->origins[qni_trie_value(found)]);
    }
    *value = qni_trie_value(found);
    return length;
}

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
            uint32_t before = look_at_border(bpe, last.id, next.value, UINT32_MAX);
            if (before == APART && next.size <= room_behind(bpe, last, longest[count - 1]) &&
                rank_of(bpe, last.id, next.value) != UINT32_MAX) {
                before = 0;
            }
            if (before == 0) {
                next = shorten(bpe, next.value, next.size);
                continue;
            }
            if (before != APART) {
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
        next.size = (uint32_t)longest_token(bpe, text + at, n - at, &next.value);
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
    place first;
    first.size = (uint32_t)longest_token(bpe, text, n, &first.value);
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
