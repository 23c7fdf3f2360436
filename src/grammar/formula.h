// What a JSON value must be, as a boolean formula over a few kinds of atoms. Every keyword of JSON
// Schema becomes such a formula, and what remains to be satisfied while a value is being written is
// one again: after a member or an item the counts of the atoms have gone down. The atoms:
//
//   type T            the value is of type T
//   string L          it is a string of the regular language L
//   number N          it is a number of the set N
//   items n f t S     it is an array, and at least n of its items with index in [f, t) satisfy S
//   members n K S     it is an object, and at least n of its members with a key in K have a value
//       that satisfies S
//   unique S          no two of its remaining items are equal, and none satisfies S (equals an
//       earlier one)
//   one A B ...       exactly one of three or more formulas holds; a connective, as conjunction is
//   ref D             definition D holds; how recursive schemas stay finite
//   hole S            the child now being opened satisfies S; exists only inside qni_frames
//       (frame.h)
//
// `properties p: S` is "not (members 1 {p} (not S))", `required p` is "members 1 {p} true", `items`
// is "not (items 1 0 inf (not S))", `contains` and the bounds on counts are themselves, and
// negation needs no rules of its own.
#ifndef QNI_GRAMMAR_FORMULA_H
#define QNI_GRAMMAR_FORMULA_H

#include "grammar/jvalue.h"
#include "grammar/number.h"
#include "grammar/term.h"

// A formula's node times two, plus one when negated.
typedef uint32_t qni_formula;

#define QNI_TRUE   ((qni_formula)2)
#define QNI_FALSE  ((qni_formula)3) // also what a failed call returns
#define QNI_NO_END UINT32_MAX       // of an index range

typedef enum qni_atom {
    QNI_ATOM_TRUE,
    QNI_ATOM_AND,
    QNI_ATOM_ONE,     // formulas, sorted
    QNI_ATOM_TYPE,    // type
    QNI_ATOM_STRING,  // term
    QNI_ATOM_NUMBER,  // index into sets
    QNI_ATOM_ITEMS,   // n, from, to, formula
    QNI_ATOM_MEMBERS, // n, key set, formula
    QNI_ATOM_UNIQUE,  // formula
    QNI_ATOM_REF,     // definition
    QNI_ATOM_HOLE,    // formula
} qni_atom;

typedef uint32_t qni_string; // an id of a text kept once
typedef uint32_t qni_keys;   // an id of a set of keys

typedef struct qni_formulas {
    qni_account *account;
    qni_arena *arena; // number sets
    qni_terms *terms;
    qni_intern nodes;
    qni_intern strings;  // byte count, then the bytes
    qni_intern key_sets; // see qni_keys_make
    qni_intern memo;     // small results: see qni_formulas_memo
    uint32_t *memo_values;
    size_t memo_values_capacity;
    uint32_t nowhere; // taken for a memo's place when the account has failed
    qni_number_set *sets;
    size_t n_sets;
    size_t sets_capacity;
    qni_formula *definitions;
    size_t n_definitions;
    size_t definitions_capacity;
    uint32_t *map_stamps; // of qni_formula_map
    size_t map_stamps_capacity;
    qni_formula *map_values;
    size_t map_values_capacity;
    uint32_t map_stamp;
} qni_formulas;

QNI_WARN_UNUSED qn_status qni_formulas_begin(qni_formulas *f, qni_terms *terms, qni_arena *arena,
                                             qn_error *err);
void qni_formulas_end(qni_formulas *f);

static inline qni_formula qni_not(qni_formula a)
{
    return a ^ 1;
}

qni_formula qni_and(qni_formulas *f, const qni_formula *items, size_t n);
qni_formula qni_and2(qni_formulas *f, qni_formula a, qni_formula b);
qni_formula qni_or(qni_formulas *f, const qni_formula *items, size_t n);
qni_formula qni_or2(qni_formulas *f, qni_formula a, qni_formula b);

// Exactly one of the items holds. Written out that takes as many conjunctions of as many parts, so
// it stays one record, and what looks for an alternative takes it apart (qni_formula_branch).
qni_formula qni_one(qni_formulas *f, const qni_formula *items, size_t n);

// In how many ways `a` is a disjunction, and the i-th of them: `a` holds when one of them does. 0
// for what is none.
size_t qni_formula_branches(const qni_formulas *f, qni_formula a);
qni_formula qni_formula_branch(qni_formulas *f, qni_formula a, size_t i);

qni_formula qni_type_is(qni_formulas *f, qni_jtype type);
qni_formula qni_string_in(qni_formulas *f, qni_term term);
qni_formula qni_number_in(qni_formulas *f, const qni_number_set *set);
qni_formula qni_items(qni_formulas *f, uint32_t n, uint32_t from, uint32_t to, qni_formula item);
qni_formula qni_members(qni_formulas *f, uint32_t n, qni_keys keys, qni_formula value);
qni_formula qni_unique(qni_formulas *f, qni_formula earlier);
qni_formula qni_hole(qni_formulas *f, qni_formula a);

// A new definition, to be set later; its formula; setting it.
uint32_t qni_definition_new(qni_formulas *f);
qni_formula qni_ref(qni_formulas *f, uint32_t definition);

// Exactly the value `v`.
qni_formula qni_equals(qni_formulas *f, const qni_jvalue *v);

// The record behind a formula, negation aside: the kind, then what the kind's comment lists.
static inline const uint32_t *qni_formula_node(const qni_formulas *f, qni_formula a, size_t *n)
{
    return qni_intern_at(&f->nodes, a >> 1, n);
}

// Rebuilds a formula with every atom replaced by what `fn` gives for it (never called for true, for
// conjunctions and for `one`). Each node is visited once. `fn` must not call qni_formula_map.
typedef qni_formula qni_formula_fn(void *context, qni_formula atom, const uint32_t *node);
qni_formula qni_formula_map(qni_formulas *f, qni_formula a, qni_formula_fn *fn, void *context);

// Calls `fn` for every atom of the formula, in the same way, and makes nothing.
typedef void qni_formula_see_fn(void *context, const uint32_t *node);
void qni_formula_see(qni_formulas *f, qni_formula a, qni_formula_see_fn *fn, void *context);

// The formula for values of one type: atoms of other types are false, refs are opened.
qni_formula qni_formula_for_type(qni_formulas *f, qni_formula a, qni_jtype type);

// For formulas of one type: does the empty rest satisfy it (no more items, no more members)?
bool qni_formula_closes(qni_formulas *f, qni_formula a);

// Every `unique` atom with `value` among the earlier items.
qni_formula qni_unique_without(qni_formulas *f, qni_formula a, qni_formula value);

// The regular language, or the number set, of a formula for strings or numbers.
qni_term qni_formula_term(qni_formulas *f, qni_formula a);
bool qni_formula_numbers(qni_formulas *f, qni_formula a, qni_number_set *out);

// Does the formula say, in one of its conjuncts, that the value is one string? Which.
bool qni_formula_only_text(qni_formulas *f, qni_formula a, qni_string *out);

// Does a string satisfy the formula?
bool qni_formula_has_text(qni_formulas *f, qni_formula a, qni_string text);

// Texts.
qni_string qni_string_make(qni_formulas *f, const char *text, size_t n);
const char *qni_string_text(const qni_formulas *f, qni_string s, size_t *n);
bool qni_string_matches(qni_formulas *f, qni_string s, qni_term term);

// Sets of keys: texts and languages, or everything but these.
qni_keys qni_keys_make(qni_formulas *f, bool all_but, const qni_string *texts, size_t n_texts,
                       const qni_term *terms, size_t n_terms);
bool qni_keys_has(qni_formulas *f, qni_keys keys, qni_string key);

typedef struct qni_keys_view {
    bool all_but;
    const qni_string *texts; // sorted ids; valid until the next qni_keys_make
    size_t n_texts;
    const qni_term *terms;
    size_t n_terms;
} qni_keys_view;

qni_keys_view qni_keys_get(const qni_formulas *f, qni_keys keys);

// The value kept under `key`: `*found` tells whether there is one; otherwise the place to put it is
// returned.
uint32_t *qni_formulas_memo(qni_formulas *f, const uint32_t *key, size_t n, bool *found);

#endif
