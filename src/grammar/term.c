#include "grammar/term.h"

#include "base/alloc.h"
#include "grammar/term_impl.h"

#include <string.h>

static qni_term make(qni_terms *terms, const uint32_t *words, size_t n)
{
    bool fresh;
    if (!qni_account_grow(terms->account, &terms->info, &terms->info_capacity,
                          (size_t)terms->table.n + 2, sizeof *terms->info)) {
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
    qni_intern_begin(&terms->table, account);
    qni_intern_begin(&terms->window_ids, account);
    make(terms, (uint32_t[]){QNI_TERM_KIND_EMPTY}, 1);
    make(terms, (uint32_t[]){QNI_TERM_KIND_ALL}, 1);
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
    for (uint32_t id = 1; id < terms->table.n && terms->info != NULL; id++) {
        qni_free(terms->info[id].row);
    }
    qni_intern_end(&terms->table);
    qni_intern_end(&terms->window_ids);
    qni_free(terms->windows);
    qni_free(terms->info);
    qni_free(terms->todo);
    *terms = (qni_terms){0};
}

void qni_term_mark_whole(qni_terms *terms, qni_term a)
{
    if (a != QNI_TERM_NOTHING) {
        terms->info[a].whole = 1;
    }
}

qni_term qni_term_set(qni_terms *terms, const uint32_t bits[8])
{
    uint32_t r[9] = {QNI_TERM_KIND_SET};
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
    return make(terms, (uint32_t[]){QNI_TERM_KIND_CONCAT, a, b}, 3);
}

static qni_term bag_make(qni_bag *b, uint32_t kind)
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

// In a sum, "any text" swallows every well-formed member, "everything" swallows all, and byte sets
// join.
static void simplify_alt(qni_bag *b)
{
    qni_terms *terms = b->terms;
    uint32_t set[8] = {0};
    bool has_text = false;
    size_t n_sets = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i] == QNI_TERM_ALL) {
            b->items[0] = QNI_TERM_ALL;
            b->n = 1;
            return;
        }
        has_text = has_text || b->items[i] == terms->text;
        if (qni_term_kind(terms, b->items[i]) == QNI_TERM_KIND_SET) {
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
        bool swallowed = has_text && item != terms->text && terms->info[item].whole;
        if (!swallowed && !(n_sets > 1 && qni_term_kind(terms, item) == QNI_TERM_KIND_SET)) {
            b->items[kept++] = item;
        }
    }
    b->n = kept;
    if (n_sets > 1) {
        qni_bag_add(b, qni_term_set(terms, set));
        qni_bag_normalize(b);
    }
}

qni_term qni_term_alt(qni_terms *terms, const qni_term *items, size_t n)
{
    qni_bag b;
    qni_bag_begin(&b, terms);
    for (size_t i = 0; i < n; i++) {
        qni_bag_add_flat(&b, QNI_TERM_KIND_ALT, items[i]);
    }
    qni_bag_normalize(&b);
    simplify_alt(&b);
    qni_term id = b.n == 0   ? QNI_TERM_NOTHING
                  : b.n == 1 ? b.items[0]
                             : bag_make(&b, QNI_TERM_KIND_ALT);
    qni_bag_end(&b);
    return id;
}

qni_term qni_term_alt2(qni_terms *terms, qni_term a, qni_term b)
{
    return a == b ? a : qni_term_alt(terms, (qni_term[]){a, b}, 2);
}

// Is it `character` repeated?
static bool is_length(const qni_terms *terms, qni_term a)
{
    const uint32_t *r = qni_term_record(terms, a, NULL);
    return r[0] == QNI_TERM_KIND_REPEAT && r[1] == terms->character;
}

// Joins complements into one, and bounds on the length into one; drops what the others imply.
// False: nothing is left.
static bool simplify_and(qni_bag *b)
{
    qni_terms *terms = b->terms;
    qni_bag denied;
    qni_bag_begin(&denied, terms);
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
        if (r[0] == QNI_TERM_KIND_NOT) {
            qni_bag_add(&denied, r[1]);
        } else if (is_length(terms, item)) {
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
        whole = whole || terms->info[b->items[i]].whole;
    }
    bool possible = min <= max;
    if (has_length && possible && !(whole && min == 0 && max == QNI_TERM_NO_MAX)) {
        qni_bag_add(b, qni_term_repeat(terms, terms->character, min, max));
    }
    if (denied.n != 0) {
        qni_term sum = qni_term_alt(terms, denied.items, denied.n);
        for (size_t i = 0; i < b->n; i++) {
            possible = possible && b->items[i] != sum;
        }
        qni_bag_add(b, qni_term_not(terms, sum));
    }
    qni_bag_end(&denied);
    qni_bag_normalize(b);
    if (empty && possible) { // the empty text against the rest: decided now
        for (size_t i = 0; i < b->n; i++) {
            possible = possible && terms->info[b->items[i]].nullable;
        }
        b->items[0] = QNI_TERM_EMPTY;
        b->n = 1;
    }
    return possible;
}

qni_term qni_term_and(qni_terms *terms, const qni_term *items, size_t n)
{
    qni_bag b;
    qni_bag_begin(&b, terms);
    bool possible = true;
    for (size_t i = 0; i < n; i++) {
        possible = possible && items[i] != QNI_TERM_NOTHING;
        if (possible) {
            qni_bag_add_flat(&b, QNI_TERM_KIND_AND, items[i]);
        }
    }
    qni_bag_normalize(&b);
    possible = possible && simplify_and(&b);
    qni_term id = !possible  ? QNI_TERM_NOTHING
                  : b.n == 0 ? QNI_TERM_ALL
                  : b.n == 1 ? b.items[0]
                             : bag_make(&b, QNI_TERM_KIND_AND);
    qni_bag_end(&b);
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
    return r[0] == QNI_TERM_KIND_NOT ? r[1] : make(terms, (uint32_t[]){QNI_TERM_KIND_NOT, a}, 2);
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
    if (r[0] == QNI_TERM_KIND_REPEAT && r[2] == 0 && r[3] == QNI_TERM_NO_MAX) {
        return a; // (x*){m,n} is x*, n not being 0
    }
    if (terms->info[a].nullable) {
        min = 0;
    }
    return make(terms, (uint32_t[]){QNI_TERM_KIND_REPEAT, a, min, max}, 4);
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
    if (!is_length(terms, a)) {
        return false;
    }
    const uint32_t *r = qni_term_record(terms, a, NULL);
    *min = r[2];
    *max = r[3];
    return true;
}
