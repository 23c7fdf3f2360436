// What the files of a mask share: mask.c (whole masks, and which way each is found), mask_trie.c
// (walks of a trie by the machine, and what may follow a quote), mask_string.c and mask_key.c
// (strings and keys of JSON).
#ifndef QNI_GRAMMAR_MASK_IMPL_H
#define QNI_GRAMMAR_MASK_IMPL_H

#include "grammar/mask.h"
#include "grammar/term_walk.h"

// What a lexical state of a string takes.
typedef struct qni_mask_body {
    uint32_t *bits; // tokens that stay inside
} qni_mask_body;

// The tails that may follow in a state behind a closed string.
typedef struct qni_tail_list {
    uint32_t *tails;
    uint32_t n;
} qni_tail_list;

struct qni_masker {
    qni_engine *engine;
    qni_vocabulary *vocabulary;
    uint64_t epoch;
    qni_state *stack;                         // of a walk, one a byte
    qni_term_depth *depths;                   // the same of a walk by terms
    uint32_t (*classes)[QNI_MAX_CLASS_TERMS]; // the same of the languages of keys
    uint32_t *tail_bits;                      // a bit for each tail, to look one up
    qni_account account;
    qni_intern body_ids;
    qni_mask_body *bodies;
    size_t bodies_capacity;
    qni_intern tail_ids;
    qni_tail_list *tails;
    size_t tails_capacity;
    qni_intern mask_ids;
    uint32_t **masks;
    size_t masks_capacity;
};

// One walk.
typedef struct qni_mask_walk {
    qni_masker *m;
    char *text;
    size_t size; // bytes before the walk
    uint32_t *mask;
    qni_json *inside; // steps in a JSON string alone, or NULL: steps in the grammar
} qni_mask_walk;

enum { QNI_STATE_WORDS = sizeof(qni_state) / 4 };

static inline void qni_mask_or_bits(uint32_t *to, const uint32_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        to[i] |= from[i];
    }
}

// mask_trie.c

// Does what follows in the state depend on more than the state?
bool qni_mask_waits(const qni_mask_walk *w, const qni_state *state);

// Called with the entries of every node whose bytes the machine takes, and the state behind them.
typedef void qni_mask_found_fn(qni_mask_walk *w, void *context, const qni_state *state,
                               uint32_t depth, const uint32_t *entries, uint32_t n);

// Walks from `start` on, which is `offset` bytes of another walk behind the text.
void qni_mask_walk_trie(qni_mask_walk *w, const qni_token_trie *trie, const qni_state *start,
                        size_t offset, qni_mask_found_fn *found, void *context);

// Two to be called so: the entries are tokens, and are set; the entries are closers with one text
// before the quote, and those are set whose tails may follow.
qni_mask_found_fn qni_mask_set_tokens, qni_mask_set_closers;

// The tails that may follow in `state`, and behind the closing quote of `state` (inside a string),
// `offset` bytes behind the walk's text. NULL when none may, or the account failed.
qni_tail_list *qni_mask_tails_after(qni_mask_walk *w, const qni_state *state, size_t offset);
qni_tail_list *qni_mask_tails_behind_quote(qni_mask_walk *w, const qni_state *state, size_t offset);

// mask_string.c

// The term without the counters that no token can exhaust: its masks are the same.
qni_term qni_mask_near_term(qni_masker *m, qni_term term);

// The body of a string state outside escapes; NULL when the account failed.
const qni_mask_body *qni_mask_body_of(qni_mask_walk *w, const qni_state *state);

// Sets the tokens that begin inside a character.
void qni_mask_set_odd(qni_mask_walk *w, const qni_state *state, qni_term lex);

void qni_mask_fill_string(qni_mask_walk *w, const qni_state *state);

// mask_key.c
void qni_mask_fill_key(qni_mask_walk *w, const qni_state *state);

#endif
