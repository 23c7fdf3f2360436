// What is known of a term from its parts, when it is made.
#include "grammar/term_impl.h"

#include <string.h>

static uint32_t add_lengths(uint32_t a, uint32_t b)
{
    return a > QNI_TERM_NO_MAX / 2 || b > QNI_TERM_NO_MAX / 2 ? QNI_TERM_NO_MAX / 2 : a + b;
}

static uint32_t add_counts(uint32_t a, uint32_t b)
{
    return b > QNI_TERM_NO_MAX - a ? QNI_TERM_NO_MAX : a + b;
}

static uint32_t times(uint32_t a, uint32_t n)
{
    uint64_t all = (uint64_t)a * n;
    return a == 0 || n == 0                                                   ? 0
           : a == QNI_TERM_NO_MAX || n == QNI_TERM_NO_MAX || all > UINT32_MAX ? QNI_TERM_NO_MAX
                                                                              : (uint32_t)all;
}

// Where `a` denies some texts: the most characters that one of them has, or a huge number.
static uint32_t most_denied(const qni_terms *terms, qni_term a)
{
    const uint32_t *r = qni_term_record(terms, a, NULL);
    return r[0] == KIND_NOT && r[1] != 0 ? qni_term_info_of(terms, r[1])->most : QNI_TERM_NO_MAX;
}

// Of one language with a stretch under bounds from below on the length and without some short
// texts: what is longer than all of these is in it as before.
static uint32_t stretch_of_and(const qni_terms *terms, const uint32_t *r, size_t n,
                               qni_term_info *info)
{
    const qni_term_info *rest = NULL, *length = NULL;
    uint32_t longest = 0;
    for (size_t i = 1; i < n; i++) {
        const qni_term_info *part = qni_term_info_of(terms, r[i]);
        uint32_t most = most_denied(terms, r[i]);
        if (most < QNI_TERM_NO_MAX / 4) {
            longest = most + 1 > longest ? most + 1 : longest;
        } else if (length == NULL && qni_term_is_length(terms, r[i]) && part->stretch != 0) {
            length = part;
        } else if (rest == NULL && part->whole && part->stretch != 0) {
            rest = part;
        } else {
            return 0;
        }
    }
    if (rest != NULL && length != NULL && length->low > longest) {
        longest = length->low;
    }
    rest = rest == NULL ? length : rest;
    if (rest == NULL) {
        return 0;
    }
    info->ideal = info->ideal || rest->ideal;
    info->free = info->free || rest->free;
    return add_lengths(rest->stretch, longest);
}

// Where a text can go on for as long as one likes however it begins: for each n it is one of the
// language's with at least n characters and at most n + `stretch` bytes more. So a bound from below
// on the length is met soon, and that gives the reach of the two together.
static void measure_stretch(qni_terms *terms, qni_term id)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, id, &n);
    qni_term_info *info = qni_term_info_of(terms, id);
    const qni_term_info *part = n > 1 && r[0] != KIND_SET && r[1] != 0
                                    ? qni_term_info_of(terms, r[1])
                                    : NULL;
    uint32_t stretch = 0; // + 1, or 0: none is known
    if (r[0] == KIND_ALL) {
        stretch = 1;
    } else if (r[0] == KIND_CONCAT && part->reach != 0 &&
               qni_term_info_of(terms, r[2])->stretch != 0) {
        stretch = add_lengths(part->reach - 1, qni_term_info_of(terms, r[2])->stretch);
    } else if (r[0] == KIND_REPEAT && info->high == QNI_TERM_NO_MAX && part->reach != 0) {
        stretch = add_lengths(part->reach, info->low);
    } else if (r[0] == KIND_REPEAT && part->stretch != 0 && (!part->crossed || r[2] == 0)) {
        stretch = add_lengths(part->stretch, times(part->least, r[2]));
    } else if (r[0] == KIND_ALT) {
        stretch = part->stretch;
        for (size_t i = 2; i < n; i++) {
            uint32_t other = qni_term_info_of(terms, r[i])->stretch;
            stretch = stretch == 0 || other == 0 ? 0 : other > stretch ? other : stretch;
        }
    } else if (r[0] == KIND_AND) {
        stretch = stretch_of_and(terms, r, n, info);
        info->reach = stretch;
    }
    info->stretch = stretch > QNI_TERM_NO_MAX / 4 ? 0 : stretch;
    info->life = info->stretch != 0 ? LIFE_YES : info->life;
}

// No more bytes than that are needed for some text; where the reach is known.
static uint32_t shortest(const qni_term_info *info)
{
    return info->crossed ? info->reach - 1 : info->least;
}

// Bounds on a new term's texts, from its parts.
static void measure(qni_terms *terms, qni_term id)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, id, &n);
    uint32_t least = 0, reach = r[0] == KIND_SET, more = 0;
    bool known = r[0] != KIND_AND && r[0] != KIND_NOT; // the reach
    uint8_t counted = r[0] == KIND_REPEAT && r[3] != QNI_TERM_NO_MAX;
    size_t last = r[0] == KIND_REPEAT ? 2 : n;
    for (size_t i = 1; i < last && r[0] != KIND_SET && r[0] != KIND_NOT; i++) {
        const qni_term_info *part = qni_term_info_of(terms, r[i]);
        counted |= part->counted;
        known = known && part->reach != 0;
        uint32_t way = part->reach - 1;
        if (known && r[0] == KIND_CONCAT && i == 1) {
            way = add_lengths(way, shortest(qni_term_info_of(terms, r[2])));
        }
        reach = known && way > reach ? way : reach;
        if (r[0] == KIND_CONCAT) {
            least = add_lengths(least, part->least);
        } else if (r[0] == KIND_ALT) {
            least = i == 1 || part->least < least ? part->least : least;
        } else {
            least = part->least > least ? part->least : least;
        }
    }
    if (r[0] == KIND_REPEAT) {
        if (r[2] > 1 && known) {
            more = add_lengths(0, times(shortest(qni_term_info_of(terms, r[1])), r[2] - 1));
        }
        reach = add_lengths(reach, more);
        least = add_lengths(0, times(least, r[2]));
    }
    qni_term_info_of(terms, id)->least = r[0] == KIND_SET ? 1 : least;
    qni_term_info_of(terms, id)->counted = counted;
    // The ways out of the parts add up; those of intersections must be looked for.
    qni_term_info_of(terms, id)->reach = known ? reach + 1 : 0;
    measure_stretch(terms, id);
}

static void count_set(const uint32_t *r, qni_term_info *info)
{
    bool ascii = (r[1] | r[2] | r[3] | r[4]) != 0, inner = (r[5] | r[6]) != 0;
    info->most = ascii || (r[7] | r[8]) != 0;
    info->fewest = info->most != 0 && !inner;
    info->low = 1;
    info->high = ascii;
}

static void count_repeat(const uint32_t *r, const qni_term_info *part, qni_term_info *info)
{
    uint32_t min = r[2], max = r[3];
    info->fewest = times(part->fewest, min);
    info->most = times(part->most, max);
    bool none = part->low > part->high;
    // From `from` times on, the lengths of so many and of one more meet.
    uint32_t from = min == 0 && part->low > 1 ? 1 : min;
    bool meet = !none && (uint64_t)part->high * from + 1 >= (uint64_t)part->low * (from + 1);
    if (meet && from <= max) {
        info->low = times(part->low, from);
        info->high = times(part->high, max);
    } else if (!none || min == 0) {
        info->low = times(part->low, min);
        info->high = none ? 0 : times(part->high, min);
    }
}

static void count_sum(qni_term_info *info, const qni_term_info *part)
{
    info->fewest = part->fewest < info->fewest ? part->fewest : info->fewest;
    info->most = part->most > info->most ? part->most : info->most;
    if (part->low > part->high) {
        return;
    }
    if (info->low <= info->high && add_counts(info->high, 1) >= part->low &&
        add_counts(part->high, 1) >= info->low) {
        info->low = part->low < info->low ? part->low : info->low;
        info->high = part->high > info->high ? part->high : info->high;
    } else if (info->low > info->high || part->high - part->low > info->high - info->low ||
               (part->high - part->low == info->high - info->low && part->low < info->low)) {
        info->low = part->low; // one of the two: with more lengths, or the shorter one
        info->high = part->high;
    }
}

// Any text of ASCII is in a bare length, so that such a member of an intersection cuts the lengths
// of one other; and what is longer than all that is denied is not denied.
static void count_and(const qni_terms *terms, const uint32_t *r, size_t n, qni_term_info *info)
{
    size_t others = 0;
    info->fewest = info->low = 0;
    info->most = info->high = QNI_TERM_NO_MAX;
    for (size_t i = 1; i < n; i++) {
        const qni_term_info *part = qni_term_info_of(terms, r[i]);
        uint32_t denied = most_denied(terms, r[i]);
        if (denied != QNI_TERM_NO_MAX) {
            info->low = denied + 1 > info->low ? denied + 1 : info->low;
            continue;
        }
        others += !qni_term_is_length(terms, r[i]);
        info->fewest = part->fewest > info->fewest ? part->fewest : info->fewest;
        info->most = part->most < info->most ? part->most : info->most;
        info->low = part->low > info->low ? part->low : info->low;
        info->high = part->high < info->high ? part->high : info->high;
    }
    if (others > 1) {
        info->low = 1;
        info->high = 0;
    }
}

// How many characters the texts of a new term have, as far as its parts tell.
static void count_characters(const qni_terms *terms, const uint32_t *r, size_t n,
                             qni_term_info *info)
{
    info->low = 1; // none is known
    switch (r[0]) {
    case KIND_EMPTY: info->low = 0; break;
    case KIND_ALL:
        info->low = 0;
        info->most = info->high = QNI_TERM_NO_MAX;
        break;
    case KIND_SET: count_set(r, info); break;
    case KIND_CONCAT: {
        const qni_term_info *x = qni_term_info_of(terms, r[1]), *y = qni_term_info_of(terms, r[2]);
        info->fewest = add_counts(x->fewest, y->fewest);
        info->most = add_counts(x->most, y->most);
        if (x->low <= x->high && y->low <= y->high) {
            info->low = add_counts(x->low, y->low);
            info->high = add_counts(x->high, y->high);
        }
        break;
    }
    case KIND_ALT:
        info->fewest = QNI_TERM_NO_MAX;
        for (size_t i = 1; i < n; i++) {
            count_sum(info, qni_term_info_of(terms, r[i]));
        }
        break;
    case KIND_AND: count_and(terms, r, n, info); break;
    case KIND_REPEAT: count_repeat(r, qni_term_info_of(terms, r[1]), info); break;
    case KIND_NOT:
    default: info->most = QNI_TERM_NO_MAX; break;
    }
}

// The characters of ASCII in the texts of a new term; more than that may be said.
static void describe_uses(const qni_terms *terms, const uint32_t *r, size_t n, qni_term_info *info)
{
    bool all = r[0] == KIND_AND || r[0] == KIND_NOT || r[0] == KIND_ALL;
    for (size_t w = 0; w < 4; w++) {
        info->uses[w] = r[0] == KIND_SET ? r[1 + w] : all ? UINT32_MAX : 0;
    }
    size_t last = r[0] == KIND_SET || r[0] == KIND_NOT ? 1 : r[0] == KIND_REPEAT ? 2 : n;
    for (size_t i = 1; i < last; i++) {
        for (size_t w = 0; w < 4; w++) {
            uint32_t part = r[i] == QNI_TERM_NOTHING ? 0 : qni_term_info_of(terms, r[i])->uses[w];
            info->uses[w] = r[0] == KIND_AND ? info->uses[w] & part : info->uses[w] | part;
        }
    }
}

// Adds the characters of ASCII that are texts of the term by themselves, where it is a set or a sum
// with one.
static void add_singles(const qni_terms *terms, qni_term a, uint32_t bits[4])
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    for (size_t i = 1; r[0] == KIND_ALT && i < n; i++) {
        const uint32_t *part = qni_term_record(terms, r[i], NULL);
        for (size_t w = 0; part[0] == KIND_SET && w < 4; w++) {
            bits[w] |= part[1 + w];
        }
    }
    for (size_t w = 0; r[0] == KIND_SET && w < 4; w++) {
        bits[w] |= r[1 + w];
    }
}

// A set of characters of ASCII of which all texts are in a new term; other sets may do, too.
static void describe_covers(const qni_terms *terms, const uint32_t *r, size_t n,
                            qni_term_info *info)
{
    if (r[0] == KIND_ALL) {
        memset(info->covers, 0xFF, sizeof info->covers);
    } else if (r[0] == KIND_REPEAT && r[2] == 0) {
        memcpy(info->covers, qni_term_info_of(terms, r[1])->covers, sizeof info->covers);
        if (r[3] == QNI_TERM_NO_MAX) {
            add_singles(terms, r[1], info->covers);
        }
    } else if (r[0] == KIND_AND) {
        memset(info->covers, 0xFF, sizeof info->covers);
        for (size_t i = 1; i < n; i++) {
            for (size_t w = 0; w < 4; w++) {
                info->covers[w] &= qni_term_info_of(terms, r[i])->covers[w];
            }
        }
    } else if (r[0] == KIND_ALT || (r[0] == KIND_CONCAT && info->nullable)) {
        for (size_t i = 1; i < n; i++) { // the largest
            const qni_term_info *part = qni_term_info_of(terms, r[i]);
            if (part->n_covers > info->n_covers) {
                memcpy(info->covers, part->covers, sizeof info->covers);
                info->n_covers = part->n_covers;
            }
        }
        return;
    }
    for (size_t w = 0; w < 4; w++) {
        info->n_covers += info->covers[w] != 0 ? (uint32_t)__builtin_popcount(info->covers[w]) : 0;
    }
}

// Is some character of ASCII in no text of a language?
static bool misses_some(const qni_term_info *info)
{
    return (info->uses[0] & info->uses[1] & info->uses[2] & info->uses[3]) != UINT32_MAX;
}

// What a new term takes whatever is written; all three may be false though they hold.
static void describe_freedom(const qni_terms *terms, const uint32_t *r, size_t n,
                             qni_term_info *info)
{
    bool any_text = r[0] == KIND_ALL || (r[0] == KIND_REPEAT && r[1] == terms->character &&
                                         r[1] != 0 && r[3] == QNI_TERM_NO_MAX);
    info->open = info->ideal = info->free = any_text;
    if (r[0] == KIND_CONCAT) {
        const qni_term_info *first = qni_term_info_of(terms, r[1]),
                            *second = qni_term_info_of(terms, r[2]);
        bool goes_on = second->life == LIFE_YES;
        info->open = second->open;
        info->ideal = first->ideal && goes_on && first->open && second->open;
        info->free = first->free && goes_on;
    } else if (r[0] == KIND_ALT || r[0] == KIND_AND) {
        bool some_ideal = false, all_ideal = true, some_free = false, all_open = true;
        for (size_t i = 1; i < n; i++) {
            const qni_term_info *part = qni_term_info_of(terms, r[i]);
            some_ideal = some_ideal || part->ideal;
            all_ideal = all_ideal && part->ideal;
            some_free = some_free || part->free;
            all_open = all_open && part->open;
        }
        // Texts of ideals, one behind the other, are in all of them.
        info->open = all_open;
        info->ideal = r[0] == KIND_ALT ? some_ideal : all_ideal;
        info->free = info->ideal || (r[0] == KIND_ALT && some_free);
    } else if (r[0] == KIND_NOT && r[1] != QNI_TERM_NOTHING) {
        // Texts with a character that no denied text has.
        info->ideal = info->free = misses_some(qni_term_info_of(terms, r[1]));
    }
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
    h *= 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

// The name of a new term. Members of a sum or an intersection have no order of their own.
static void give_name(const qni_terms *terms, const uint32_t *r, size_t n, qni_term_info *info)
{
    bool by_members = r[0] == KIND_ALT || r[0] == KIND_AND;
    size_t n_parts = r[0] == KIND_SET ? 1 : r[0] == KIND_REPEAT ? 2 : n;
    for (uint64_t half = 0; half < 2; half++) {
        uint64_t h = mix(half + 1, r[0] + 1), sum = 0;
        for (size_t i = 1; i < n_parts; i++) {
            uint64_t part = r[i] == QNI_TERM_NOTHING ? 0
                                                     : qni_term_info_of(terms, r[i])->name[half];
            sum += mix(part, 7);
            h = by_members ? h : mix(h, part);
        }
        for (size_t i = n_parts; i < n; i++) { // the words of a set, the bounds of a repetition
            h = mix(h, r[i]);
        }
        info->name[half] = by_members ? mix(h, sum) : h;
    }
}

// The facts of a new term, from its parts.
void qni_term_describe(qni_terms *terms, qni_term id)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, id, &n);
    qni_term_info *info = qni_term_info_of(terms, id);
    *info = (qni_term_info){0};
    bool any = r[0] == KIND_ALT;
    bool all_null = true, some_null = false, whole = true, some_whole = false;
    bool ascii = true, some_ascii = false;
    size_t last = r[0] == KIND_REPEAT ? 2 : n;
    for (size_t i = 1; i < last && r[0] != KIND_SET; i++) {
        if (r[i] == 0) {
            continue; // the complement of nothing
        }
        const qni_term_info *part = qni_term_info_of(terms, r[i]);
        all_null = all_null && part->nullable;
        some_null = some_null || part->nullable;
        whole = whole && part->whole;
        some_whole = some_whole || part->whole;
        ascii = ascii && part->ascii;
        some_ascii = some_ascii || part->ascii;
        info->crossed |= part->crossed;
    }
    switch (r[0]) {
    case KIND_SET: info->whole = info->ascii = (r[5] | r[6] | r[7] | r[8]) == 0; break;
    case KIND_NOT:
        info->nullable = !some_null;
        info->crossed = 1;
        break;
    case KIND_AND:
        info->nullable = all_null;
        info->crossed = 1;
        info->whole = some_whole;
        info->ascii = some_ascii;
        break;
    case KIND_REPEAT:
        info->nullable = r[2] == 0;
        info->whole = whole;
        info->ascii = ascii;
        break;
    default:
        info->nullable = any ? some_null : all_null;
        info->whole = whole && r[0] != KIND_ALL;
        info->ascii = ascii && r[0] != KIND_ALL;
        break;
    }
    count_characters(terms, r, n, info);
    describe_uses(terms, r, n, info);
    describe_covers(terms, r, n, info);
    bool some = !info->crossed || info->nullable || info->low <= info->high;
    info->life = some ? LIFE_YES : info->fewest > info->most ? LIFE_NO : LIFE_UNKNOWN;
    describe_freedom(terms, r, n, info);
    give_name(terms, r, n, info);
    measure(terms, id);
}
