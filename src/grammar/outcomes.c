// What one more child does to the formulas of an open array or object.
//
// First every atom that the child can count for is replaced by "hole S and the atom counted up, or
// not S and the atom as it was"; then the holes are decided one by one. A decision that contradicts
// what the child must already be, or that makes every formula false, is not followed, so schemas
// that tell their branches apart by one member have one outcome for each branch and not one for
// each subset.
#include "grammar/frame.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

static void add_hole(qni_outcomes *o, qni_formula s)
{
    s &= ~(qni_formula)1;
    if (s == QNI_TRUE) {
        return;
    }
    for (size_t i = 0; i < o->n_holes; i++) {
        if (o->holes[i] == s) {
            return;
        }
    }
    if (o->n_holes == sizeof o->holes / sizeof *o->holes) {
        qni_account_fail(o->fr->account, QN_LIMIT_EXCEEDED,
                         "too many subschemas apply to one value");
        return;
    }
    o->holes[o->n_holes++] = s;
}

// "The child satisfies s and the atom is counted up, or it does not and the atom is what is left."
static qni_formula choose(qni_outcomes *o, qni_formula s, qni_formula taken, qni_formula left)
{
    qni_formulas *f = o->fr->f;
    if (taken == left) {
        return taken;
    }
    add_hole(o, s);
    qni_formula hole = qni_hole(f, s);
    return qni_or2(f, qni_and2(f, hole, taken), qni_and2(f, qni_not(hole), left));
}

static qni_formula open_member(void *context, qni_formula atom, const uint32_t *node)
{
    qni_outcomes *o = context;
    qni_formulas *f = o->fr->f;
    if (!qni_keys_has(f, node[2], o->key)) {
        return atom;
    }
    qni_keys_view v = qni_keys_get(f, node[2]);
    bool only = !v.all_but && v.n_texts == 1 && v.n_terms == 0; // no other key can count any more
    qni_formula taken = node[1] == 1 ? QNI_TRUE
                        : only       ? QNI_FALSE
                                     : qni_members(f, node[1] - 1, node[2], node[3]);
    qni_formula left = only || o->must == atom ? QNI_FALSE : atom;
    return choose(o, node[3], taken, left);
}

static qni_formula open_item(void *context, qni_formula atom, const uint32_t *node)
{
    qni_outcomes *o = context;
    qni_formulas *f = o->fr->f;
    if (node[0] == QNI_ATOM_UNIQUE) {
        o->unique = true;
        return choose(o, node[1], QNI_FALSE, atom);
    }
    uint32_t from = node[2] == 0 ? 0 : node[2] - 1;
    uint32_t to = node[3] == QNI_NO_END ? QNI_NO_END : node[3] - 1;
    qni_formula left = qni_items(f, node[1], from, to, node[4]);
    if (node[2] != 0) {
        return left;
    }
    qni_formula taken = node[1] == 1 ? QNI_TRUE : qni_items(f, node[1] - 1, 0, to, node[4]);
    return choose(o, node[4], taken, left);
}

// Decided holes: parallel arrays.
typedef struct decisions {
    qni_formula holes[32];
    bool values[32];
    size_t n;
} decisions;

static qni_formula fill_hole(void *context, qni_formula atom, const uint32_t *node)
{
    const decisions *d = context;
    if (node[0] != QNI_ATOM_HOLE) {
        return atom;
    }
    for (size_t i = 0; i < d->n; i++) {
        if (d->holes[i] == node[1]) {
            return d->values[i] ? QNI_TRUE : QNI_FALSE;
        }
    }
    return atom;
}

static bool add_leaf(qni_outcomes *o, qni_formula child, const qni_formula *alts)
{
    size_t width = 1 + o->n_alts;
    if (o->n_leaves >= QNI_MAX_OUTCOMES) {
        return qni_account_fail(o->fr->account, QN_LIMIT_EXCEEDED,
                                "a value could count for its surroundings in too many ways");
    }
    if (qni_grow(&o->leaves, &o->leaves_capacity, (o->n_leaves + 1) * width, 4) != 0) {
        return qni_account_fail(o->fr->account, QN_OUT_OF_MEMORY, "out of memory");
    }
    uint32_t *leaf = o->leaves + o->n_leaves++ * width;
    leaf[0] = child;
    memcpy(leaf + 1, alts, o->n_alts * sizeof *alts);
    return true;
}

// Holes that stand alone in the only formula must be what they are there. Decides those at once.
static void find_forced(qni_outcomes *o, qni_formula a, decisions *d)
{
    qni_formulas *f = o->fr->f;
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool conjunction = (a & 1) == 0 && r[0] == QNI_ATOM_AND;
    size_t count = conjunction ? n - 1 : 1;
    for (size_t i = 0; i < count; i++) {
        qni_formula part = conjunction ? r[i + 1] : a;
        const uint32_t *p = qni_formula_node(f, part, NULL);
        if (p[0] == QNI_ATOM_HOLE && d->n < 32) {
            d->holes[d->n] = p[1];
            d->values[d->n++] = (part & 1) == 0;
        }
    }
}

static bool any_possible(const qni_formula *alts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (alts[i] != QNI_FALSE) {
            return true;
        }
    }
    return false;
}

// The holes that are left in some formulas, by their places in `o`.
typedef struct left_holes {
    const qni_outcomes *o;
    uint32_t places;
} left_holes;

static void see_hole(void *context, const uint32_t *node)
{
    left_holes *left = context;
    for (size_t i = 0; node[0] == QNI_ATOM_HOLE && i < left->o->n_holes; i++) {
        left->places |= (uint32_t)(left->o->holes[i] == node[1]) << i;
    }
}

static uint32_t find_left(const qni_outcomes *o, const qni_formula *alts)
{
    left_holes left = {.o = o};
    for (size_t i = 0; i < o->n_alts; i++) {
        qni_formula_see(o->fr->f, alts[i], see_hole, &left);
    }
    return left.places;
}

static bool decide(qni_outcomes *o, const qni_formula *alts, qni_formula child);

// Fills in `d`; `child` has been narrowed to it already.
static bool follow(qni_outcomes *o, const qni_formula *alts, qni_formula child, decisions *d)
{
    qni_formula next[QNI_MAX_ALTERNATIVES];
    for (size_t i = 0; i < o->n_alts; i++) {
        next[i] = qni_formula_map(o->fr->f, alts[i], fill_hole, d);
    }
    return !any_possible(next, o->n_alts) || decide(o, next, child);
}

// Splits on the hole `at`.
static bool split(qni_outcomes *o, size_t at, const qni_formula *alts, qni_formula child)
{
    qni_frames *fr = o->fr;
    qni_formula s = o->holes[at];
    qni_formula sides[2] = {qni_and2(fr->f, child, qni_not(s)), qni_and2(fr->f, child, s)};
    bool possible[2] = {qni_satisfiable(fr, sides[0]), qni_satisfiable(fr, sides[1])};
    for (int value = 0; value < 2; value++) {
        qni_formula next[QNI_MAX_ALTERNATIVES];
        decisions d = {{s}, {value != 0}, 1};
        for (size_t i = 0; possible[value] && i < o->n_alts; i++) {
            next[i] = qni_formula_map(fr->f, alts[i], fill_hole, &d);
        }
        // Where the other side is impossible the child is narrow enough as it is.
        qni_formula narrowed = possible[1 - value] ? sides[value] : child;
        if (possible[value] && any_possible(next, o->n_alts) && !decide(o, next, narrowed)) {
            return false;
        }
    }
    return true;
}

static bool decide(qni_outcomes *o, const qni_formula *alts, qni_formula child)
{
    qni_frames *fr = o->fr;
    if (!qni_account_step(fr->account, 16)) {
        return false;
    }
    decisions forced = {.n = 0};
    if (o->n_alts == 1 && o->n_holes != 0) {
        find_forced(o, alts[0], &forced);
    }
    if (forced.n != 0) {
        for (size_t i = 0; i < forced.n; i++) {
            child = qni_and2(fr->f, child, forced.holes[i] ^ !forced.values[i]);
        }
        return !qni_satisfiable(fr, child) || follow(o, alts, child, &forced);
    }
    uint32_t left = find_left(o, alts);
    qni_string text;
    if (left == 0) {
        return add_leaf(o, child, alts);
    }
    if (!qni_formula_only_text(fr->f, child, &text)) {
        return split(o, (size_t)__builtin_ctz(left), alts, child);
    }
    // A discriminator's value has been chosen: it decides the rest.
    decisions known = {.n = 0};
    for (; left != 0; left &= left - 1) {
        qni_formula hole = o->holes[__builtin_ctz(left)];
        known.holes[known.n] = hole;
        known.values[known.n++] = qni_formula_has_text(fr->f, hole, text);
    }
    return follow(o, alts, child, &known);
}

bool qni_outcomes_find(qni_outcomes *o, const qni_formula *alts)
{
    qni_formula opened[QNI_MAX_ALTERNATIVES];
    for (size_t i = 0; i < o->n_alts; i++) {
        opened[i] = qni_formula_map(o->fr->f, alts[i], o->object ? open_member : open_item, o);
    }
    if (!any_possible(opened, o->n_alts)) {
        return o->fr->account->status == QN_OK;
    }
    return decide(o, opened, QNI_TRUE) && o->fr->account->status == QN_OK;
}
