// Satisfiability: is there a value, or a rest of an array or object, that makes a formula true?
//
// The answer is the least fixpoint over the grammar of values: a formula met again below itself
// counts as false there, and a "no" that rested on such an assumption is not kept. Rests of arrays
// and objects are searched by adding one child at a time, towards an atom that still has to be
// counted up; the first conjunction that needs nothing more is a witness.
#include "grammar/frame.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

enum { SAT_UNKNOWN, SAT_YES, SAT_NO, SAT_OPEN };

// The state of formula `a`, growing the table; NULL when the account failed.
static uint8_t *sat_of(qni_frames *fr, qni_formula a)
{
    size_t before = fr->sat_capacity;
    if (!qni_account_grow(fr->account, &fr->sat, &fr->sat_capacity, (size_t)a + 1, 1)) {
        return NULL;
    }
    if (fr->sat_capacity > before) {
        memset(fr->sat + before, 0, fr->sat_capacity - before);
    }
    return &fr->sat[a];
}

static bool number_satisfiable(qni_frames *fr, qni_formula a)
{
    qni_number_set set;
    return qni_formula_numbers(fr->f, a, &set) && !qni_number_is_empty(&set);
}

static bool type_satisfiable(qni_frames *fr, qni_formula a, qni_jtype type)
{
    qni_formula t = qni_formula_for_type(fr->f, a, type);
    if (t == QNI_FALSE || t == QNI_TRUE) {
        return t == QNI_TRUE;
    }
    switch (type) {
    case QNI_J_NUMBER: return number_satisfiable(fr, t);
    case QNI_J_STRING: return qni_term_live(fr->f->terms, qni_formula_term(fr->f, t));
    case QNI_J_ARRAY: return qni_array_satisfiable(fr, t);
    case QNI_J_OBJECT: return qni_object_satisfiable(fr, t, qni_universe_make(fr, &t, 1), 0, 0);
    case QNI_J_NULL:
    case QNI_J_FALSE:
    case QNI_J_TRUE:
    case QNI_N_JTYPES:
    default: return false;
    }
}

bool qni_satisfiable(qni_frames *fr, qni_formula a)
{
    if (a == QNI_TRUE || a == QNI_FALSE) {
        return a == QNI_TRUE;
    }
    uint8_t *state = sat_of(fr, a);
    if (state == NULL || !qni_account_step(fr->account, 16)) {
        return false;
    }
    if (*state == SAT_YES || *state == SAT_NO) {
        return *state == SAT_YES;
    }
    qni_string text;
    if (qni_formula_only_text(fr->f, a, &text)) {
        bool yes = qni_formula_has_text(fr->f, a, text);
        fr->sat[a] = yes ? SAT_YES : SAT_NO;
        return yes;
    }
    if (*state >= SAT_OPEN) { // open formulas remember how deep they lie, as far as a byte goes
        uint32_t depth = *state - SAT_OPEN;
        fr->sat_lowest = depth < fr->sat_lowest ? depth : fr->sat_lowest;
        return false;
    }
    uint32_t depth = fr->sat_depth, outer_lowest = fr->sat_lowest;
    if (depth > QNI_MAX_JSON_DEPTH) {
        return qni_account_fail(fr->account, QN_LIMIT_EXCEEDED, "a schema that nests too deep");
    }
    uint32_t kept_depth = depth < 255 - SAT_OPEN ? depth : 255 - SAT_OPEN;
    *state = (uint8_t)(SAT_OPEN + kept_depth);
    fr->sat_depth++;
    fr->sat_lowest = UINT32_MAX;
    bool yes = false;
    for (int type = 0; type < QNI_N_JTYPES && !yes; type++) {
        yes = type_satisfiable(fr, a, (qni_jtype)type);
    }
    fr->sat_depth--;
    bool assumed = fr->sat_lowest < kept_depth;
    fr->sat[a] = yes ? SAT_YES : assumed ? SAT_UNKNOWN : SAT_NO;
    uint32_t lowest = assumed && !yes ? fr->sat_lowest : UINT32_MAX;
    fr->sat_lowest = lowest < outer_lowest ? lowest : outer_lowest;
    return yes;
}

size_t qni_count_values(qni_frames *fr, qni_formula a, size_t limit)
{
    size_t total = 0;
    for (int type = 0; type < QNI_N_JTYPES && total < limit; type++) {
        qni_formula t = qni_formula_for_type(fr->f, a, (qni_jtype)type);
        qni_number_set set;
        if (t == QNI_FALSE) {
            continue;
        }
        if (type == QNI_J_STRING) {
            total += qni_term_count(fr->f->terms, qni_formula_term(fr->f, t), limit - total);
        } else if (type == QNI_J_NUMBER && qni_formula_numbers(fr->f, t, &set)) {
            total += qni_number_count(&set, limit - total);
        } else if (type == QNI_J_ARRAY || type == QNI_J_OBJECT) {
            total = type_satisfiable(fr, a, (qni_jtype)type) ? limit : total;
        } else {
            total += t == QNI_TRUE;
        }
    }
    return total < limit ? total : limit;
}

// What a kept answer rests on: an answer is stored only when no assumption was made below it.
typedef struct memo_key {
    uint32_t words[4];
} memo_key;

static bool memo_read(qni_frames *fr, const memo_key *key, bool *answer)
{
    bool found;
    uint32_t *value = qni_formulas_memo(fr->f, key->words, 4, &found);
    *answer = *value == SAT_YES;
    // an assumption, and about how deep no matter: nothing below may be kept
    if (*value == SAT_OPEN) {
        fr->sat_lowest = 0;
    }
    return found && *value != SAT_UNKNOWN;
}

static void memo_write(qni_frames *fr, const memo_key *key, bool answer, uint32_t lowest_before)
{
    bool found;
    if (fr->account->status == QN_OK && (answer || fr->sat_lowest == lowest_before)) {
        *qni_formulas_memo(fr->f, key->words, 4, &found) = answer ? SAT_YES : SAT_NO;
    }
}

static bool is_and(const qni_formulas *f, qni_formula a)
{
    return (a & 1) == 0 && qni_formula_node(f, a, NULL)[0] == QNI_ATOM_AND;
}

// The members of a conjunction; a formula that is none is its own only member.
static size_t conjuncts(const qni_formulas *f, qni_formula a)
{
    size_t n;
    qni_formula_node(f, a, &n);
    return is_and(f, a) ? n - 1 : 1;
}

static qni_formula conjunct(const qni_formulas *f, qni_formula a, size_t i)
{
    return is_and(f, a) ? qni_formula_node(f, a, NULL)[i + 1] : a;
}

// The conjunction without one of its members.
static bool without(qni_formulas *f, qni_formula a, qni_formula member, qni_formula *out)
{
    size_t n = conjuncts(f, a), kept = 0;
    qni_formula *parts = qni_alloc_array(n, sizeof *parts);
    if (parts == NULL) {
        return qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        if (conjunct(f, a, i) != member) {
            parts[kept++] = conjunct(f, a, i);
        }
    }
    *out = qni_and(f, parts, kept);
    qni_free(parts);
    return true;
}

typedef bool search_fn(qni_frames *fr, qni_formula a, uint32_t universe, uint32_t seen);

// Takes a disjunction apart, or the first one inside a conjunction. `*split` tells whether there
// was one.
static bool search_branches(qni_frames *fr, qni_formula a, uint32_t universe, uint32_t seen,
                            search_fn *search, bool *split)
{
    qni_formulas *f = fr->f;
    qni_formula or = QNI_FALSE;
    size_t n = conjuncts(f, a), best = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        qni_formula part = conjunct(f, a, i);
        size_t size = qni_formula_branches(f, part);
        if (size != 0 && size < best) { // the one with the fewest branches
            or = part;
            best = size;
        }
    }
    *split = or != QNI_FALSE;
    qni_formula rest = QNI_TRUE;
    if (*split && !without(f, a, or, &rest)) {
        return false;
    }
    for (size_t i = 0; *split && i < best; i++) {
        qni_formula both = qni_and2(f, rest, qni_formula_branch(f, or, i));
        if (both != QNI_FALSE && search(fr, both, universe, seen)) {
            return true;
        }
    }
    return false;
}

// Does the only key of the set stand in it? Returns the key, or 0.
static qni_string only_key(const qni_formulas *f, qni_keys keys)
{
    qni_keys_view v = qni_keys_get(f, keys);
    return !v.all_but && v.n_texts == 1 && v.n_terms == 0 ? v.texts[0] : 0;
}

// A conjunction whose every required member is one named key: the keys do not depend on each other.
static bool is_simple_object(const qni_formulas *f, qni_formula a)
{
    size_t n = conjuncts(f, a), n_required = 0;
    uint32_t room = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        qni_formula part = conjunct(f, a, i);
        const uint32_t *r = qni_formula_node(f, part, NULL);
        if (r[0] != QNI_ATOM_MEMBERS) {
            return false;
        }
        if ((part & 1) == 0) {
            n_required++;
            if (r[1] != 1 || only_key(f, r[2]) == 0) {
                return false;
            }
        } else if (r[1] > 1) {
            room = r[1] - 1 < room ? r[1] - 1 : room;
        }
    }
    return n_required <= room;
}

// What a member named `key` must be for a simple conjunction to stay satisfiable.
static qni_formula simple_member(qni_formulas *f, qni_formula a, qni_string key)
{
    qni_formula value = QNI_TRUE;
    size_t n = conjuncts(f, a);
    for (size_t i = 0; i < n && value != QNI_FALSE; i++) {
        qni_formula part = conjunct(f, a, i);
        const uint32_t *r = qni_formula_node(f, part, NULL);
        if (r[1] == 1 && qni_keys_has(f, r[2], key)) {
            qni_formula inner = qni_formula_node(f, part, NULL)[3];
            value = qni_and2(f, value, inner ^ (part & 1));
        }
    }
    return value;
}

static bool simple_satisfiable(qni_frames *fr, qni_formula a)
{
    qni_formulas *f = fr->f;
    size_t n = conjuncts(f, a);
    for (size_t i = 0; i < n; i++) {
        qni_formula part = conjunct(f, a, i);
        if ((part & 1) == 0) {
            qni_string key = only_key(f, qni_formula_node(f, part, NULL)[2]);
            if (!qni_satisfiable(fr, simple_member(f, a, key))) {
                return false;
            }
        }
    }
    return true;
}

// Is every conjunct of `a` one of `whole`? Both lists are sorted.
static bool weakens(const qni_formulas *f, qni_formula a, qni_formula whole)
{
    size_t n = conjuncts(f, a), n_whole = conjuncts(f, whole), k = 0;
    for (size_t i = 0; i < n; i++) {
        qni_formula part = conjunct(f, a, i);
        while (k < n_whole && conjunct(f, whole, k) < part) {
            k++;
        }
        if (k == n_whole || conjunct(f, whole, k) != part) {
            return false;
        }
    }
    return true;
}

static bool search_object(qni_frames *fr, qni_formula a, uint32_t universe, uint32_t seen);

// Tries one member named `key` that counts for `required`, and searches on.
static bool search_member(qni_frames *fr, qni_formula a, qni_formula required, uint32_t universe,
                          uint32_t seen, qni_string key)
{
    if (key == 0 || qni_seen_has(fr, seen, key)) {
        return false;
    }
    qni_outcomes o = {.fr = fr, .object = true, .key = key, .must = required, .n_alts = 1};
    bool yes = false;
    uint32_t then = qni_seen_add(fr, seen, key);
    if (qni_outcomes_find(&o, &a)) {
        for (size_t i = 0; i < o.n_leaves && !yes; i++) {
            yes = search_object(fr, o.leaves[2 * i + 1], universe, then);
        }
    }
    qni_free(o.leaves);
    return yes;
}

// A conjunction of atoms of which `required` still has to be counted up.
static bool search_required(qni_frames *fr, qni_formula a, qni_formula required, uint32_t universe,
                            uint32_t seen)
{
    qni_formulas *f = fr->f;
    qni_keys keys = qni_formula_node(f, required, NULL)[2];
    qni_string only = only_key(f, keys);
    if (only != 0) {
        return search_member(fr, a, required, universe, seen, only);
    }
    // Another key first: it is free of what the schema says about named ones.
    size_t n_terms = fr->universes[universe].n_terms;
    uint32_t classes = n_terms <= QNI_MAX_CLASS_TERMS ? (uint32_t)1 << n_terms : 1;
    fr->approximate = fr->approximate || n_terms > QNI_MAX_CLASS_TERMS;
    for (uint32_t c = 0; c < classes; c++) {
        qni_string key = qni_universe_witness(fr, universe, c, seen);
        if (key != 0 && qni_keys_has(f, keys, key) &&
            search_member(fr, a, required, universe, seen, key)) {
            return true;
        }
    }
    for (size_t i = 0; i < fr->universes[universe].n_keys; i++) {
        qni_string key = fr->universes[universe].keys[i];
        if (qni_keys_has(f, keys, key) && search_member(fr, a, required, universe, seen, key)) {
            return true;
        }
    }
    return n_terms > QNI_MAX_CLASS_TERMS;
}

static bool search_object(qni_frames *fr, qni_formula a, uint32_t universe, uint32_t seen)
{
    qni_formulas *f = fr->f;
    if (a == QNI_FALSE || qni_formula_closes(f, a)) {
        return a != QNI_FALSE;
    }
    bool simple = is_simple_object(f, a);
    memo_key key = {{4, a, simple ? 0 : seen, simple ? 0 : universe}};
    bool yes, split;
    if (memo_read(fr, &key, &yes)) {
        return yes;
    }
    if (!qni_account_step(fr->account, 16)) {
        return false;
    }
    uint32_t lowest = fr->sat_lowest;
    if (simple) {
        yes = simple_satisfiable(fr, a);
    } else {
        yes = search_branches(fr, a, universe, seen, search_object, &split);
        for (size_t i = 0; !split && i < conjuncts(f, a); i++) {
            qni_formula part = conjunct(f, a, i);
            if ((part & 1) == 0) {
                yes = search_required(fr, a, part, universe, seen);
                break;
            }
        }
    }
    memo_write(fr, &key, yes, lowest);
    return yes;
}

bool qni_object_satisfiable(qni_frames *fr, qni_formula a, uint32_t universe, uint32_t seen,
                            qni_formula parent)
{
    if (parent != 0 && is_simple_object(fr->f, a) && is_simple_object(fr->f, parent) &&
        weakens(fr->f, a, parent)) {
        return true;
    }
    return search_object(fr, a, universe, seen);
}

bool qni_frame_takes_key(qni_frames *fr, qni_frame frame, size_t i)
{
    enum { UNKNOWN, YES, NO };
    qni_frame_info *info = qni_frame_info_of(fr, frame);
    const uint32_t *r = qni_intern_at(&fr->frames, frame, NULL);
    uint32_t seen = r[3];
    const qni_universe *u = &fr->universes[r[2]];
    if (info->verdicts == NULL) {
        info->verdicts = qni_calloc(u->n_keys + 1, 1);
        if (info->verdicts == NULL) {
            return qni_account_fail(fr->account, QN_OUT_OF_MEMORY, "out of memory");
        }
    }
    uint8_t *verdict = &info->verdicts[i];
    if (*verdict != UNKNOWN) {
        return *verdict == YES;
    }
    qni_string key = u->keys[i];
    bool yes = !qni_seen_has(fr, seen, key);
    size_t n;
    r = qni_intern_at(&fr->frames, frame, &n);
    bool single = n == 6;
    if (yes && single && is_simple_object(fr->f, r[4])) {
        // Room left for the others is the only way in which keys depend on each other here:
        // qni_frame_member looks.
        qni_formula a = r[4];
        bool bounded = false;
        for (size_t k = 0; k < conjuncts(fr->f, a); k++) {
            qni_formula part = conjunct(fr->f, a, k);
            bounded = bounded || ((part & 1) != 0 && qni_formula_node(fr->f, part, NULL)[1] > 1);
        }
        yes = bounded ? qni_frame_member(fr, frame, key) != 0
                      : qni_satisfiable(fr, simple_member(fr->f, a, key));
    } else if (yes) {
        yes = qni_frame_member(fr, frame, key) != 0;
    }
    if (fr->account->status == QN_OK) {
        qni_frame_info_of(fr, frame)->verdicts[i] = yes ? YES : NO;
    }
    return yes;
}

// Arrays. Where all atoms look at every item from here on, the needed items do not depend on their
// order.
typedef struct uniform {
    bool is;
    bool unique;
    qni_formula earlier; // what `unique` denies
    qni_formula every;   // what each item must be
    uint32_t most;       // items at most
    bool bounded_parts;  // an upper count of some items only
    uint32_t least;      // items at least
    uint64_t counted;    // the sum of the other lower counts
} uniform;

static uniform examine_array(qni_formulas *f, qni_formula a)
{
    uniform u = {.is = true, .every = QNI_TRUE, .earlier = QNI_FALSE, .most = UINT32_MAX};
    size_t n = conjuncts(f, a);
    for (size_t i = 0; i < n && u.is; i++) {
        qni_formula part = conjunct(f, a, i);
        bool denied = (part & 1) != 0;
        const uint32_t *r = qni_formula_node(f, part, NULL);
        if (r[0] == QNI_ATOM_UNIQUE) {
            u.unique = u.unique || !denied;
            u.earlier = denied ? u.earlier : r[1];
            u.is = !denied;
        } else if (r[2] != 0 || r[3] != QNI_NO_END) {
            u.is = false;
        } else if (denied) {
            uint32_t most = r[1] - 1;
            if (r[4] == QNI_TRUE) {
                u.most = most < u.most ? most : u.most;
            } else if (most == 0) {
                u.every = qni_and2(f, u.every, qni_not(r[4]));
            } else {
                u.bounded_parts = true;
            }
        } else if (r[4] == QNI_TRUE) {
            u.least = r[1] > u.least ? r[1] : u.least;
        } else {
            u.counted += r[1];
        }
    }
    return u;
}

// Decides a uniform conjunction without search where that is exact. `*decided` tells whether it
// was.
static bool uniform_satisfiable(qni_frames *fr, qni_formula a, bool *decided)
{
    qni_formulas *f = fr->f;
    uniform u = examine_array(f, a);
    *decided = false;
    if (!u.is || u.least > u.most) {
        *decided = u.is;
        return false;
    }
    // Else several counts must share items, or an item of one count takes from another's bound.
    *decided = u.counted <= u.most && !u.bounded_parts;
    qni_formula every = u.unique ? qni_and2(f, u.every, qni_not(u.earlier)) : u.every;
    size_t n = conjuncts(f, a);
    bool yes = u.least == 0 || qni_satisfiable(fr, every);
    if (yes && u.unique && u.least > 1) {
        yes = qni_count_values(fr, every, u.least) >= u.least;
    }
    for (size_t i = 0; i < n && yes; i++) {
        qni_formula part = conjunct(f, a, i);
        const uint32_t *r = qni_formula_node(f, part, NULL);
        if ((part & 1) == 0 && r[0] == QNI_ATOM_ITEMS && r[4] != QNI_TRUE) {
            uint32_t need = r[1];
            qni_formula one = qni_and2(f, r[4], every);
            yes = qni_satisfiable(fr, one) &&
                  (!u.unique || need == 1 || qni_count_values(fr, one, need) >= need);
        }
    }
    if (!yes) {
        *decided = true; // a part that cannot be met alone cannot be met with others
    }
    return yes;
}

// Must two items be equal? Then an earlier item may be taken to be whatever a later one needs,
// within its own formula.
static bool wants_equal_items(const qni_formulas *f, qni_formula a)
{
    bool wants = false;
    for (size_t i = 0; i < conjuncts(f, a); i++) {
        qni_formula part = conjunct(f, a, i);
        wants = wants || ((part & 1) != 0 && qni_formula_node(f, part, NULL)[0] == QNI_ATOM_UNIQUE);
    }
    return wants;
}

static bool search_array(qni_frames *fr, qni_formula a, uint32_t unused, uint32_t depth)
{
    qni_formulas *f = fr->f;
    if (a == QNI_FALSE || qni_formula_closes(f, a)) {
        return a != QNI_FALSE;
    }
    memo_key key = {{5, a, 0, 0}};
    bool yes, split, decided;
    if (memo_read(fr, &key, &yes)) {
        return yes;
    }
    if (!qni_account_step(fr->account, 16)) {
        return false;
    }
    if (depth > QNI_MAX_SEARCHED_ITEMS) {
        fr->approximate = true;
        return true;
    }
    uint32_t lowest = fr->sat_lowest;
    yes = search_branches(fr, a, unused, depth, search_array, &split);
    if (!split) {
        yes = uniform_satisfiable(fr, a, &decided);
        if (!decided) {
            // While it is being searched it counts as unsatisfiable: a shorter array would do as
            // well.
            bool found;
            *qni_formulas_memo(f, key.words, 4, &found) = SAT_OPEN;
            qni_outcomes o = {.fr = fr, .n_alts = 1};
            bool equal = wants_equal_items(f, a);
            yes = false;
            if (qni_outcomes_find(&o, &a)) {
                for (size_t i = 0; i < o.n_leaves && !yes; i++) {
                    qni_formula rest = o.leaves[2 * i + 1];
                    rest = equal ? qni_unique_without(f, rest, o.leaves[2 * i]) : rest;
                    yes = search_array(fr, rest, 0, depth + 1);
                }
            }
            qni_free(o.leaves);
            fr->approximate = fr->approximate || (o.unique && !equal);
            *qni_formulas_memo(f, key.words, 4, &found) = SAT_UNKNOWN;
        }
    }
    memo_write(fr, &key, yes, lowest);
    return yes;
}

bool qni_array_satisfiable(qni_frames *fr, qni_formula a)
{
    return search_array(fr, a, 0, 0);
}

// Adds what the items of one outcome after another may be to `*all`, where the rest is satisfiable.
static void add_partners(qni_frames *fr, qni_formula rest, bool equal, uint32_t depth,
                         qni_formula *all)
{
    qni_formulas *f = fr->f;
    qni_outcomes o = {.fr = fr, .n_alts = 1};
    qni_formula with = equal ? qni_unique_without(f, rest, QNI_TRUE) : rest;
    if (qni_outcomes_find(&o, &with)) {
        for (size_t i = 0; i < o.n_leaves && *all != QNI_TRUE; i++) {
            qni_formula then = o.leaves[2 * i + 1];
            if (equal) {
                *all = qni_array_satisfiable(fr, then) ? qni_or2(f, *all, o.leaves[2 * i]) : *all;
            } else if (then != rest && then != QNI_FALSE) {
                *all = qni_or2(f, *all, qni_equal_partners(fr, then, depth + 1));
            }
        }
    }
    qni_free(o.leaves);
}

qni_formula qni_equal_partners(qni_frames *fr, qni_formula rest, uint32_t depth)
{
    enum { MOST = 6 }; // items that are looked at
    qni_formula all = QNI_FALSE;
    if (depth == MOST || !qni_account_step(fr->account, 16)) {
        return QNI_TRUE;
    }
    add_partners(fr, rest, true, depth, &all);
    add_partners(fr, rest, false, depth, &all);
    return all;
}
