// Open arrays and objects, and what may come next inside them, such that no way leads to a dead
// end.
//
// A frame is an array or object that has begun. Its alternatives are pairs (formula, frame around):
// if the rest of it makes the formula true, writing goes on in that frame around. Almost always
// there is one alternative; there are several when the outcome decides what is left of the frames
// around, as with the branches of a oneOf. The formulas of a frame's alternatives exclude each
// other, and each can be satisfied: an alternative that cannot is dropped when the frame is made,
// so every frame that exists can be closed.
//
// A goal is a value about to begin, in the same form: pairs (formula, frame to go on in).
//
// Frames and goals are interned: a state of the machine is a few ids, copying it copies those, and
// what was found out about a frame is kept with it.
#ifndef QNI_GRAMMAR_FRAME_H
#define QNI_GRAMMAR_FRAME_H

#include "grammar/formula.h"

typedef uint32_t qni_frame; // 0: none
typedef uint32_t qni_goal;  // 0: none

#define QNI_FRAME_DONE ((qni_frame)1) // around the outermost value

typedef enum qni_frame_kind { QNI_FRAME_OUTSIDE, QNI_FRAME_ARRAY, QNI_FRAME_OBJECT } qni_frame_kind;

// The keys that an object's formulas name, and the languages.
typedef struct qni_universe {
    qni_string *keys; // sorted by their bytes
    size_t n_keys;
    qni_term *terms;
    size_t n_terms;
    qni_term others; // every text but the keys
} qni_universe;

typedef struct qni_frame_info {
    uint8_t *verdicts;   // of the universe's keys: see qni_frame_takes_key
    uint8_t *needed;     // of the same: see qni_frame_needs_key
    qni_term others;     // the other keys that may come next
    qni_goal other_goal; // of such a key, where they are all alike
    // it, or one around it, was made with `start`: what follows depends on the text
    bool waits;
    bool others_known;
    bool close_known;
    bool item_known;
    qni_frame closed; // where closing leads, or 0
    qni_goal item;    // for an array without `start`
    uint32_t shape;   // see qni_frame_shape; 0 while unknown
} qni_frame_info;

typedef struct qni_goal_info {
    bool known[QNI_N_JTYPES];
    uint32_t begins[QNI_N_JTYPES]; // what qni_goal_begin found
    qni_number_set *numbers;       // one for each alternative, when known[QNI_J_NUMBER]
} qni_goal_info;

typedef struct qni_frames {
    qni_account *account;
    qni_formulas *f;
    qni_intern frames;
    qni_blocks frame_infos;
    qni_intern goals;
    qni_blocks goal_infos;
    qni_intern seen;   // (list before, key): the keys of an object so far
    qni_intern tuples; // terms of a string under several alternatives
    qni_intern universe_ids;
    qni_intern shapes;
    qni_universe *universes;
    size_t universes_capacity;
    uint8_t *sat; // by formula: see sat.c
    size_t sat_capacity;
    uint32_t sat_depth;
    uint32_t sat_lowest;
    bool approximate; // some decision was taken in favour of "can be satisfied"
} qni_frames;

static inline qni_frame_info *qni_frame_info_of(const qni_frames *fr, qni_frame frame)
{
    return qni_blocks_at(&fr->frame_infos, frame, sizeof(qni_frame_info));
}

static inline qni_goal_info *qni_goal_info_of(const qni_frames *fr, qni_goal goal)
{
    return qni_blocks_at(&fr->goal_infos, goal, sizeof(qni_goal_info));
}

QNI_WARN_UNUSED qn_status qni_frames_begin(qni_frames *fr, qni_formulas *f, qn_error *err);
void qni_frames_end(qni_frames *fr);

// Is there a value that satisfies `a`?
bool qni_satisfiable(qni_frames *fr, qni_formula a);

// How many values do, up to `limit`; containers count as many.
size_t qni_count_values(qni_frames *fr, qni_formula a, size_t limit);

// sat.c: can the rest of an object (an array) satisfy `a`? `parent` (or 0) is a formula known to be
// satisfiable that `a` may be a weakening of.
bool qni_object_satisfiable(qni_frames *fr, qni_formula a, uint32_t universe, uint32_t seen,
                            qni_formula parent);
bool qni_array_satisfiable(qni_frames *fr, qni_formula a);

// What an item may be that a later one has to be equal to, when `rest` is what must hold of the
// items behind it: no less than that; QNI_TRUE when that is not found out. `depth` is 0. sat.c
qni_formula qni_equal_partners(qni_frames *fr, qni_formula rest, uint32_t depth);

// What one more child does to some formulas of a frame: for each outcome, the child's formula and
// what is left of the others.
typedef struct qni_outcomes {
    qni_frames *fr;
    bool object;
    qni_string key;   // of the member
    qni_formula must; // an atom that the child has to count for, or 0
    size_t n_alts;
    uint32_t *leaves; // child, then n_alts formulas, again and again
    size_t n_leaves;
    size_t leaves_capacity; // words
    qni_formula holes[32];
    size_t n_holes;
    bool unique; // a `unique` atom waits for the child's value
} qni_outcomes;

// Fills in `leaves`; free them with qni_free. `alts` are formulas for the frame's type. False when
// the account failed.
bool qni_outcomes_find(qni_outcomes *o, const qni_formula *alts);

// A frame for what is left; 0 when no alternative can be satisfied. `start` is where the text of an
// item began, when its value must be known for `unique`; else UINT32_MAX.
qni_frame qni_frame_make(qni_frames *fr, qni_frame_kind kind, uint32_t start, uint32_t universe,
                         uint32_t seen, const qni_formula *alts, const qni_frame *around, size_t n,
                         qni_formula parent);

qni_frame_kind qni_frame_kind_of(const qni_frames *fr, qni_frame frame);

// The frame's alternatives, as (formula, frame around); returns how many. Valid until a frame is
// made.
size_t qni_frame_pairs(const qni_frames *fr, qni_frame frame, const uint32_t **pairs);

// Calls `fn` for a frame such that it was called for those around first, however deep they are:
// it returns false and names one around that has not been seen to yet. False when memory is out.
typedef bool qni_frame_fn(qni_frames *fr, qni_frame frame, qni_frame *unknown);
bool qni_frames_outermost_first(qni_frames *fr, qni_frame frame, qni_frame_fn *fn);

// A goal of one alternative; 0 when it cannot be satisfied.
qni_goal qni_goal_make(qni_frames *fr, qni_formula a, qni_frame then);
static inline size_t qni_goal_size(const qni_frames *fr, qni_goal goal)
{
    size_t n;
    qni_intern_at(&fr->goals, goal, &n);
    return n / 2;
}
static inline qni_frame qni_goal_then(const qni_frames *fr, qni_goal goal, size_t i)
{
    return qni_intern_at(&fr->goals, goal, NULL)[2 * i + 1];
}

// A goal of the i-th alternative alone.
qni_goal qni_goal_part(qni_frames *fr, qni_goal goal, size_t i);

// How a value of `type` begins under the goal; 0 when none can. For null, false, true: the frame to
// go on in. For an array or object: its frame. For a string: the goal's lexical state (qni_lex_*).
// For a number: 1, and qni_goal_numbers has more.
uint32_t qni_goal_begin(qni_frames *fr, qni_goal goal, qni_jtype type);
const qni_number_set *qni_goal_numbers(const qni_frames *fr, qni_goal goal); // one an alternative

// The lexical state of a string under a goal. Its step gives 0 when no string goes on that way.
uint32_t qni_lex_step(qni_frames *fr, qni_goal goal, uint32_t lex, unsigned byte);
qni_frame qni_lex_finish(qni_frames *fr, qni_goal goal, uint32_t lex); // 0: it may not end here

// Does what follows in the frame (under the goal) depend on text that has been written?
bool qni_frame_waits(const qni_frames *fr, qni_frame frame);
bool qni_goal_waits(const qni_frames *fr, qni_goal goal);

// Is it the frame around an item whose own value is waited for?
bool qni_frame_waits_for_item(const qni_frames *fr, qni_frame frame);

// An id that frames (goals) share which differ only in the keys that they have seen: all but alike
// in what may follow.
uint32_t qni_frame_shape(qni_frames *fr, qni_frame frame);
uint32_t qni_goal_shape(qni_frames *fr, qni_goal goal);

// Where closing the array or object leads; 0 when more must come.
qni_frame qni_frame_close(qni_frames *fr, qni_frame frame);

// The goal of the next item; `start` as in qni_frame_make: where the item's text begins. 0 when no
// item may come.
qni_goal qni_frame_item(qni_frames *fr, qni_frame frame, uint32_t start);

// The goal of a member; 0 when it may not come.
qni_goal qni_frame_member(qni_frames *fr, qni_frame frame, qni_string key);

const qni_universe *qni_frame_universe(const qni_frames *fr, qni_frame frame);
bool qni_frame_takes_key(qni_frames *fr, qni_frame frame, size_t i); // the i-th of the universe
bool qni_frame_has_seen(const qni_frames *fr, qni_frame frame, qni_string key);

// The other keys that may come: a term, with the seen ones struck out where that matters. `text`
// itself stands for "any".
qni_term qni_frame_other_keys(qni_frames *fr, qni_frame frame);

// Where every other key may come and all are alike: the goal of any of them; else 0. After
// qni_frame_other_keys.
qni_goal qni_frame_other_goal(const qni_frames *fr, qni_frame frame);

// The goal of any other key in a class (see qni_universe_witness); 0 when none may come.
qni_goal qni_frame_class_goal(qni_frames *fr, qni_frame frame, uint32_t class_bits);

// The keys so far, newest first: 0 ends the list.
uint32_t qni_frame_seen(const qni_frames *fr, qni_frame frame);
qni_string qni_seen_next(const qni_frames *fr, uint32_t *seen);

// For a frame made with `start`: takes the item's value in. `text` is the whole text so far, `size`
// bytes.
qni_frame qni_frame_settle(qni_frames *fr, qni_frame frame, const char *text, size_t size);

// The same where what follows a string is the same whatever string it is, as long as it differs
// from those before: the frame behind some string. But for a text that says that very string again,
// the same texts may follow. 0 where that is not so, or not known to be.
qni_frame qni_frame_settle_alike(qni_frames *fr, qni_frame frame);

uint32_t qni_universe_make(qni_frames *fr, const qni_formula *alts, size_t n);
bool qni_seen_has(const qni_frames *fr, uint32_t seen, qni_string key);
uint32_t qni_seen_add(qni_frames *fr, uint32_t seen, qni_string key);

// A key of the universe's other keys that is in the class: it matches just the terms whose bit is
// set. `universe` is an id.
qni_string qni_universe_witness(qni_frames *fr, uint32_t universe, uint32_t class_bits,
                                uint32_t seen);
qni_term qni_universe_class(qni_frames *fr, uint32_t universe, uint32_t class_bits);
enum { QNI_MAX_CLASS_TERMS = 5 }; // languages of keys whose combinations are all tried

#endif
