#include "grammar/term.h"

#include "base/alloc.h"
#include "grammar/term_impl.h"

#include <stdlib.h>
#include <string.h>

void qni_term_bag_begin(qni_term_bag *b, qni_terms *terms)
{
    b->terms = terms;
    b->items = b->first;
    b->n = 0;
    b->capacity = 16;
}

void qni_term_bag_end(qni_term_bag *b)
{
    if (b->items != b->first) {
        qni_free(b->items);
    }
}

void qni_term_bag_add(qni_term_bag *b, qni_term item)
{
    if (b->n == b->capacity) {
        qni_term *grown = qni_alloc_array(b->capacity * 2, sizeof *grown);
        if (grown == NULL) {
            qni_account_fail(b->terms->account, QN_OUT_OF_MEMORY, "out of memory");
            return;
        }
        memcpy(grown, b->items, b->n * sizeof *grown);
        qni_term_bag_end(b);
        b->items = grown;
        b->capacity *= 2;
    }
    b->items[b->n++] = item;
}

// Sorts and drops repetitions and the empty language.
static void bag_normalize(qni_term_bag *b)
{
    qni_ids_sort(b->items, b->n);
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i] != 0 && (kept == 0 || b->items[kept - 1] != b->items[i])) {
            b->items[kept++] = b->items[i];
        }
    }
    b->n = kept;
}

static uint32_t kind_of(const qni_terms *terms, qni_term a)
{
    return qni_term_record(terms, a, NULL)[0];
}

static qni_term make(qni_terms *terms, const uint32_t *words, size_t n)
{
    bool fresh;
    if (!qni_blocks_reach(&terms->infos, terms->account, (size_t)terms->table.n + 1,
                          sizeof(qni_term_info))) {
        return QNI_TERM_NOTHING;
    }
    qni_term id = qni_intern_add(&terms->table, words, n, &fresh);
    if (fresh) {
        qni_term_describe(terms, id);
    }
    return id;
}

qn_status qni_terms_begin(qni_terms *terms, qni_account *account, qn_error *err)
{
    *terms = (qni_terms){.account = account};
    qni_arena_begin(&terms->rows, account->limit_bytes);
    qni_intern_begin(&terms->table, account);
    qni_intern_begin(&terms->window_ids, account);
    make(terms, (uint32_t[]){KIND_EMPTY}, 1);
    make(terms, (uint32_t[]){KIND_ALL}, 1);
    qni_term tail = qni_term_byte_range(terms, 0x80, 0xBF);
    qni_term two = qni_term_concat(terms, tail, tail);
    // Well-formed UTF-8, Unicode's table 3-7: each lead byte with the second bytes that it allows.
    static const struct {
        unsigned lead[2], second[2];
        int more;
    } forms[] = {
        {{0xC2, 0xDF}, {0x80, 0xBF}, 0}, {{0xE0, 0xE0}, {0xA0, 0xBF}, 1},
        {{0xE1, 0xEC}, {0x80, 0xBF}, 1}, {{0xED, 0xED}, {0x80, 0x9F}, 1},
        {{0xEE, 0xEF}, {0x80, 0xBF}, 1}, {{0xF0, 0xF0}, {0x90, 0xBF}, 2},
        {{0xF1, 0xF3}, {0x80, 0xBF}, 2}, {{0xF4, 0xF4}, {0x80, 0x8F}, 2},
    };
    qni_term items[9];
    for (size_t i = 0; i < 8; i++) {
        qni_term rest = forms[i].more == 0 ? QNI_TERM_EMPTY : forms[i].more == 1 ? tail : two;
        qni_term second = qni_term_byte_range(terms, forms[i].second[0], forms[i].second[1]);
        qni_term lead = qni_term_byte_range(terms, forms[i].lead[0], forms[i].lead[1]);
        items[i] = qni_term_concat(terms, lead, qni_term_concat(terms, second, rest));
    }
    items[8] = qni_term_byte_range(terms, 0, 0x7F);
    terms->character = qni_term_alt(terms, items, 9);
    qni_term_mark_whole(terms, terms->character);
    terms->text = qni_term_repeat(terms, terms->character, 0, QNI_TERM_NO_MAX);
    return qni_account_status(account, err);
}

void qni_terms_end(qni_terms *terms)
{
    qni_arena_end(&terms->rows);
    qni_intern_end(&terms->table);
    qni_intern_end(&terms->window_ids);
    qni_free(terms->windows);
    qni_blocks_end(&terms->infos);
    qni_free(terms->todo);
    *terms = (qni_terms){0};
}

void qni_term_mark_whole(qni_terms *terms, qni_term a)
{
    if (a != QNI_TERM_NOTHING) {
        qni_term_info_of(terms, a)->whole = 1;
    }
}

qni_term qni_term_set(qni_terms *terms, const uint32_t bits[8])
{
    uint32_t r[9] = {KIND_SET};
    uint32_t any = 0;
    for (size_t i = 0; i < 8; i++) {
        r[i + 1] = bits[i];
        any |= bits[i];
    }
    return any == 0 ? QNI_TERM_NOTHING : make(terms, r, 9);
}

qni_term qni_term_byte_range(qni_terms *terms, unsigned first, unsigned last)
{
    uint32_t bits[8] = {0};
    for (unsigned b = first; b <= last && b < 256; b++) {
        bits[b / 32] |= (uint32_t)1 << b % 32;
    }
    return qni_term_set(terms, bits);
}

qni_term qni_term_literal(qni_terms *terms, const char *bytes, size_t n)
{
    qni_term result = QNI_TERM_EMPTY;
    for (size_t i = n; i-- > 0;) {
        unsigned b = (unsigned char)bytes[i];
        result = qni_term_concat(terms, qni_term_byte_range(terms, b, b), result);
    }
    return result;
}

// The only byte of a set.
static bool only_byte(const qni_terms *terms, qni_term a, char *out)
{
    const uint32_t *r = qni_term_record(terms, a, NULL);
    uint32_t n = 0;
    for (uint32_t w = 0; r[0] == KIND_SET && w < 8; w++) {
        n += (uint32_t)__builtin_popcount(r[1 + w]);
        *out = r[1 + w] == 0 ? *out : (char)(32 * w + (uint32_t)__builtin_ctz(r[1 + w]));
    }
    return n == 1;
}

bool qni_term_text(const qni_terms *terms, qni_term a, char *out, size_t limit, size_t *size)
{
    for (*size = 0; a != QNI_TERM_EMPTY; ++*size) {
        if (a == QNI_TERM_NOTHING || *size == limit) {
            return false;
        }
        const uint32_t *r = qni_term_record(terms, a, NULL);
        bool more = r[0] == KIND_CONCAT;
        if (!only_byte(terms, more ? r[1] : a, out + *size)) {
            return false;
        }
        a = more ? r[2] : QNI_TERM_EMPTY;
    }
    return true;
}

qni_term qni_term_concat(qni_terms *terms, qni_term a, qni_term b)
{
    if (a == QNI_TERM_NOTHING || b == QNI_TERM_NOTHING) {
        return QNI_TERM_NOTHING;
    }
    if (a == QNI_TERM_EMPTY) {
        return b;
    }
    if (b == QNI_TERM_EMPTY) {
        return a;
    }
    return make(terms, (uint32_t[]){KIND_CONCAT, a, b}, 3);
}

// Adds a term to a sum or an intersection of `kind`, opening one of the same kind.
static void bag_add_flat(qni_term_bag *b, uint32_t kind, qni_term item)
{
    if (item == QNI_TERM_NOTHING || kind_of(b->terms, item) != kind) {
        qni_term_bag_add(b, item);
        return;
    }
    size_t n;
    qni_term_record(b->terms, item, &n);
    for (size_t i = 1; i < n; i++) {
        qni_term_bag_add(b, qni_term_record(b->terms, item, NULL)[i]);
    }
}

static qni_term bag_make(qni_term_bag *b, uint32_t kind)
{
    // The kind goes in front of the members; a small record stays on the stack.
    uint32_t small[17];
    uint32_t *r = small;
    if (b->n + 1 > 17) {
        r = qni_alloc_array(b->n + 1, sizeof *r);
        if (r == NULL) {
            qni_account_fail(b->terms->account, QN_OUT_OF_MEMORY, "out of memory");
            return QNI_TERM_NOTHING;
        }
    }
    r[0] = kind;
    memcpy(r + 1, b->items, b->n * sizeof *r);
    qni_term id = make(b->terms, r, b->n + 1);
    if (r != small) {
        qni_free(r);
    }
    return id;
}

// Has `wide` all texts of `narrow`, as all of some characters of ASCII?
static bool covers(const qni_term_info *wide, const qni_term_info *narrow)
{
    bool all = narrow->ascii;
    for (size_t w = 0; w < 4; w++) {
        all = all && (narrow->uses[w] & ~wide->covers[w]) == 0;
    }
    return all;
}

// In a sum, "any text" swallows every well-formed member and a bound on the length those within it,
// all texts of a set of characters those of its characters, "everything" swallows all, and byte
// sets join.
static void simplify_alt(qni_term_bag *b)
{
    qni_terms *terms = b->terms;
    uint32_t set[8] = {0};
    qni_term length = QNI_TERM_NOTHING, cover = QNI_TERM_NOTHING;
    uint32_t n_covered = 0;
    size_t n_sets = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i] == QNI_TERM_ALL) {
            b->items[0] = QNI_TERM_ALL;
            b->n = 1;
            return;
        }
        if (qni_term_is_length(terms, b->items[i]) &&
            (length == QNI_TERM_NOTHING ||
             qni_term_info_of(terms, b->items[i])->most > qni_term_info_of(terms, length)->most)) {
            length = b->items[i];
        }
        uint32_t n = qni_term_info_of(terms, b->items[i])->n_covers;
        if (n > n_covered) {
            n_covered = n;
            cover = b->items[i];
        }
        if (kind_of(terms, b->items[i]) == KIND_SET) {
            const uint32_t *r = qni_term_record(terms, b->items[i], NULL);
            for (size_t w = 0; w < 8; w++) {
                set[w] |= r[w + 1];
            }
            n_sets++;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        qni_term item = b->items[i];
        bool swallowed =
            length != QNI_TERM_NOTHING && item != length && qni_term_info_of(terms, item)->whole &&
            qni_term_info_of(terms, item)->fewest >= qni_term_info_of(terms, length)->fewest &&
            qni_term_info_of(terms, item)->most <= qni_term_info_of(terms, length)->most;
        swallowed = swallowed ||
                    (cover != QNI_TERM_NOTHING && item != cover &&
                     covers(qni_term_info_of(terms, cover), qni_term_info_of(terms, item)));
        if (!swallowed && !(n_sets > 1 && kind_of(terms, item) == KIND_SET)) {
            b->items[kept++] = item;
        }
    }
    b->n = kept;
    if (n_sets > 1) {
        qni_term_bag_add(b, qni_term_set(terms, set));
        bag_normalize(b);
    }
}

qni_term qni_term_alt(qni_terms *terms, const qni_term *items, size_t n)
{
    qni_term_bag b;
    qni_term_bag_begin(&b, terms);
    for (size_t i = 0; i < n; i++) {
        bag_add_flat(&b, KIND_ALT, items[i]);
    }
    bag_normalize(&b);
    simplify_alt(&b);
    qni_term id = b.n == 0 ? QNI_TERM_NOTHING : b.n == 1 ? b.items[0] : bag_make(&b, KIND_ALT);
    qni_term_bag_end(&b);
    return id;
}

qni_term qni_term_alt2(qni_terms *terms, qni_term a, qni_term b)
{
    return a == b ? a : qni_term_alt(terms, (qni_term[]){a, b}, 2);
}

// Joins complements into one, and bounds on the length into one; drops what the others imply.
// False: nothing is left.
static bool simplify_and(qni_term_bag *b)
{
    qni_terms *terms = b->terms;
    qni_term_bag denied;
    qni_term_bag_begin(&denied, terms);
    uint32_t min = 0, max = QNI_TERM_NO_MAX;
    bool has_length = false, empty = false;
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        qni_term item = b->items[i];
        const uint32_t *r = qni_term_record(terms, item, NULL);
        empty = empty || item == QNI_TERM_EMPTY;
        if (item == QNI_TERM_ALL) {
            continue;
        }
        if (r[0] == KIND_NOT) {
            qni_term_bag_add(&denied, r[1]);
        } else if (qni_term_is_length(terms, item)) {
            has_length = true;
            min = r[2] > min ? r[2] : min;
            max = r[3] < max ? r[3] : max;
        } else {
            b->items[kept++] = item;
        }
    }
    b->n = kept;
    bool whole = false;
    for (size_t i = 0; i < kept; i++) {
        whole = whole || qni_term_info_of(terms, b->items[i])->whole;
    }
    bool possible = min <= max;
    if (has_length && possible && !(whole && min == 0 && max == QNI_TERM_NO_MAX)) {
        qni_term_bag_add(b, qni_term_repeat(terms, terms->character, min, max));
    }
    if (denied.n != 0) {
        qni_term sum = qni_term_alt(terms, denied.items, denied.n);
        for (size_t i = 0; i < b->n; i++) {
            possible = possible && b->items[i] != sum;
        }
        qni_term_bag_add(b, qni_term_not(terms, sum));
    }
    qni_term_bag_end(&denied);
    bag_normalize(b);
    if (empty && possible) { // the empty text against the rest: decided now
        for (size_t i = 0; i < b->n; i++) {
            possible = possible && qni_term_info_of(terms, b->items[i])->nullable;
        }
        b->items[0] = QNI_TERM_EMPTY;
        b->n = 1;
    }
    return possible;
}

// Where `a` is an intersection of members of `b` and one complement: what that denies, or 0.
static qni_term denied_beside(const qni_term_bag *b, qni_term a)
{
    size_t n;
    const uint32_t *r = qni_term_record(b->terms, a, &n);
    qni_term denied = QNI_TERM_NOTHING;
    for (size_t i = 1; r[0] == KIND_AND && i < n; i++) {
        uint32_t kind = kind_of(b->terms, r[i]);
        bool known = false;
        for (size_t k = 0; k < b->n && !known; k++) {
            known = b->items[k] == r[i];
        }
        if (!known && (kind != KIND_NOT || denied != QNI_TERM_NOTHING)) {
            return QNI_TERM_NOTHING;
        }
        denied = known ? denied : qni_term_record(b->terms, r[i], NULL)[1];
    }
    return denied;
}

// A & !(B & !x), where the members of B are among those of A, is A & x; so is one of several that
// are denied. Alternatives of a schema come in this form.
static bool open_denials(qni_term_bag *b)
{
    qni_terms *terms = b->terms;
    for (size_t i = 0; i < b->n; i++) {
        const uint32_t *r = qni_term_record(terms, b->items[i], NULL);
        if (r[0] != KIND_NOT) {
            continue;
        }
        qni_term sum = r[1];
        size_t n = 2;
        const uint32_t *parts = qni_term_record(terms, sum, &n);
        bool several = parts[0] == KIND_ALT;
        for (size_t k = 1; k < (several ? n : 2); k++) {
            qni_term part = several ? qni_term_record(terms, sum, NULL)[k] : sum;
            qni_term found = denied_beside(b, part);
            if (found == QNI_TERM_NOTHING) {
                continue;
            }
            qni_term_bag rest;
            qni_term_bag_begin(&rest, terms);
            for (size_t j = 1; several && j < n; j++) {
                if (j != k) {
                    qni_term_bag_add(&rest, qni_term_record(terms, sum, NULL)[j]);
                }
            }
            qni_term left = qni_term_not(terms, qni_term_alt(terms, rest.items, rest.n));
            qni_term_bag_end(&rest);
            b->items[i] = left;
            bag_add_flat(b, KIND_AND, found);
            bag_normalize(b);
            return true;
        }
    }
    return false;
}

qni_term qni_term_and(qni_terms *terms, const qni_term *items, size_t n)
{
    qni_term_bag b;
    qni_term_bag_begin(&b, terms);
    bool possible = true;
    for (size_t i = 0; i < n; i++) {
        possible = possible && items[i] != QNI_TERM_NOTHING;
        if (possible) {
            bag_add_flat(&b, KIND_AND, items[i]);
        }
    }
    bag_normalize(&b);
    while (possible && open_denials(&b)) { // each opens one, and they are nested
        possible = terms->account->status == QN_OK;
    }
    possible = possible && simplify_and(&b);
    qni_term id = !possible  ? QNI_TERM_NOTHING
                  : b.n == 0 ? QNI_TERM_ALL
                  : b.n == 1 ? b.items[0]
                             : bag_make(&b, KIND_AND);
    qni_term_bag_end(&b);
    return id;
}

qni_term qni_term_and2(qni_terms *terms, qni_term a, qni_term b)
{
    return a == b ? a : qni_term_and(terms, (qni_term[]){a, b}, 2);
}

qni_term qni_term_not(qni_terms *terms, qni_term a)
{
    if (a == QNI_TERM_NOTHING) {
        return QNI_TERM_ALL;
    }
    if (a == QNI_TERM_ALL) {
        return QNI_TERM_NOTHING;
    }
    const uint32_t *r = qni_term_record(terms, a, NULL);
    return r[0] == KIND_NOT ? r[1] : make(terms, (uint32_t[]){KIND_NOT, a}, 2);
}

qni_term qni_term_repeat(qni_terms *terms, qni_term a, uint32_t min, uint32_t max)
{
    if (max == 0 || a == QNI_TERM_EMPTY) {
        return QNI_TERM_EMPTY;
    }
    if (a == QNI_TERM_NOTHING) {
        return min == 0 ? QNI_TERM_EMPTY : QNI_TERM_NOTHING;
    }
    if (min == 1 && max == 1) {
        return a;
    }
    const uint32_t *r = qni_term_record(terms, a, NULL);
    if (r[0] == KIND_REPEAT && r[2] == 0 && r[3] == QNI_TERM_NO_MAX) {
        return a; // (x*){m,n} is x*, n not being 0
    }
    if (qni_term_info_of(terms, a)->nullable) {
        min = 0;
    }
    return make(terms, (uint32_t[]){KIND_REPEAT, a, min, max}, 4);
}

qni_term qni_term_rebuild(qni_terms *terms, qni_term a, uint32_t least, uint32_t *room)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    uint32_t kind = r[0], inner;
    if (kind == KIND_REPEAT) {
        uint32_t part = r[1], min = r[2], max = r[3];
        // Repetitions of nothing can be left out of a text, so each of the others takes a byte.
        uint32_t each = qni_term_info_of(terms, part)->least == 0
                            ? 1
                            : qni_term_info_of(terms, part)->least;
        uint64_t holds = (uint64_t)max * each;
        if (max != QNI_TERM_NO_MAX && holds >= least) {
            *room = holds < *room ? (uint32_t)holds : *room;
            max = QNI_TERM_NO_MAX;
        }
        part = qni_term_widen(terms, part, least, &inner);
        *room = inner < *room ? inner : *room;
        return qni_term_repeat(terms, part, min, max);
    }
    if (kind != KIND_CONCAT && kind != KIND_ALT && kind != KIND_AND) {
        return a;
    }
    qni_term_bag b;
    qni_term_bag_begin(&b, terms);
    for (size_t i = 1; i < n; i++) {
        qni_term_bag_add(&b,
                         qni_term_widen(terms, qni_term_record(terms, a, NULL)[i], least, &inner));
        *room = inner < *room ? inner : *room;
    }
    qni_term result = kind == KIND_CONCAT ? qni_term_concat(terms, b.items[0], b.items[1])
                      : kind == KIND_ALT  ? qni_term_alt(terms, b.items, b.n)
                                          : qni_term_and(terms, b.items, b.n);
    qni_term_bag_end(&b);
    return result;
}

bool qni_term_length(const qni_terms *terms, qni_term a, uint32_t *min, uint32_t *max)
{
    if (a == QNI_TERM_NOTHING) {
        return false;
    }
    if (a == terms->character || a == QNI_TERM_EMPTY) {
        *min = *max = a == terms->character;
        return true;
    }
    if (!qni_term_is_length(terms, a)) {
        return false;
    }
    const uint32_t *r = qni_term_record(terms, a, NULL);
    *min = r[2];
    *max = r[3];
    return true;
}
