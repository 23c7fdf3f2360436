// Context-free grammars over bytes: what GBNF and Lark-style files, and tool-call formats, are read
// into.
//
// A grammar is first a list of named expressions. Those that do not lead back to themselves are
// regular and become terms; the rest become rules for an Earley parser (Earley 1970) whose sets are
// interned: an item's origin is the id of the set in which it began, so equal sets have equal ids,
// a state is one id, and steps can be remembered. Terminals are languages of bytes or JSON values
// under a schema. Where several ways of reading a text are possible all are followed.
#ifndef QNI_GRAMMAR_CFG_H
#define QNI_GRAMMAR_CFG_H

#include "base/names.h"
#include "grammar/json_machine.h"

typedef uint32_t qni_expr; // an index; 0 is "no expression", the result of a failed call

typedef enum qni_expr_kind {
    QNI_EXPR_NONE,
    QNI_EXPR_TERM,   // term
    QNI_EXPR_NAME,   // of a rule
    QNI_EXPR_CONCAT, // first, second
    QNI_EXPR_ALT,    // first, second
    QNI_EXPR_REPEAT, // first, min, max
    QNI_EXPR_JSON,   // index of a schema
} qni_expr_kind;

typedef struct qni_expr_node {
    qni_expr_kind kind;
    uint32_t first, second, third;
} qni_expr_node;

typedef struct qni_cfg_name {
    const char *text; // in the arena
    size_t size;
    qni_expr body;   // 0 while it is not defined
    uint8_t mark;    // of the search for cycles
    bool recursive;  // or kept as a rule
    uint32_t term;   // of a regular name, once made
    uint32_t symbol; // of a recursive name
} qni_cfg_name;

// A symbol of a rule: a nonterminal, or a terminal with the high bit.
#define QNI_CFG_TERMINAL ((uint32_t)1 << 31)

typedef struct qni_cfg_rule {
    uint32_t left;     // nonterminal
    uint32_t first, n; // into symbols
} qni_cfg_rule;

typedef struct qni_cfg_terminal {
    qni_term term;
    uint32_t json; // index of a schema + 1, or 0
} qni_cfg_terminal;

typedef struct qni_cfg {
    qni_account *account;
    qni_arena *arena;
    qni_terms *terms;
    qni_frames *frames; // for schemas
    qni_json *schemas;
    size_t n_schemas, schemas_capacity;
    qni_expr_node *exprs;
    size_t n_exprs, exprs_capacity;
    qni_cfg_name *names;
    size_t n_names, names_capacity;
    qni_names name_ids;
    qni_cfg_rule *rules;
    size_t n_rules, rules_capacity;
    uint32_t *symbols;
    size_t n_symbols, symbols_capacity;
    qni_cfg_terminal *terminals;
    size_t n_terminals, terminals_capacity;
    uint32_t n_nonterminals;
    bool *nullable;     // by nonterminal
    uint32_t *least;    // the same: see cfg_cost.c; NULL before it is asked for
    uint32_t *rules_of; // by nonterminal: its first rule; one more at the end
    bool regular;       // the whole grammar is the term `root`
    qni_term root;
    // The parser.
    // items of four words: rule, dot, origin (0: this set), terminal's state (0: its start)
    qni_intern sets;
    qni_intern json_states; // (schema, state)
    qni_intern steps;       // (set, byte) -> set
    uint32_t *step_to;
    size_t step_to_capacity;
    uint32_t *work; // the set being closed
    size_t n_work, work_capacity;
    uint32_t start;    // the first set; 0 when nothing is valid
    uint32_t top_rule; // complete when the text is
} qni_cfg;

void qni_cfg_begin(qni_cfg *g, qni_terms *terms, qni_frames *frames, qni_arena *arena);
void qni_cfg_end(qni_cfg *g);

// Building. All return 0 when the account failed.
qni_expr qni_cfg_term(qni_cfg *g, qni_term term);
qni_expr qni_cfg_concat(qni_cfg *g, qni_expr a, qni_expr b);
qni_expr qni_cfg_alt(qni_cfg *g, qni_expr a, qni_expr b);
qni_expr qni_cfg_repeat(qni_cfg *g, qni_expr a, uint32_t min, uint32_t max);
qni_expr qni_cfg_json(qni_cfg *g, qni_formula schema, qni_json_options options);
qni_expr qni_cfg_name_expr(qni_cfg *g, const char *name, size_t n); // defined or not yet
void qni_cfg_define(qni_cfg *g, const char *name, size_t n, qni_expr body);
// The rule stays one, where it is regular and would become a part of a term: many ways that share
// parts are few rules and may be a large term.
void qni_cfg_keep(qni_cfg *g, const char *name, size_t n);
bool qni_cfg_is_defined(const qni_cfg *g, const char *name, size_t n);

// Free text up to and with the first `trigger`; free text without it.
qni_term qni_text_through(qni_terms *terms, const char *trigger, size_t n);
qni_term qni_text_without(qni_terms *terms, const char *const *triggers, const size_t *sizes,
                          size_t n);

// The term of a regular expression whose names are all defined.
QNI_WARN_UNUSED qn_status qni_cfg_as_term(qni_cfg *g, qni_expr e, qni_term *out, qn_error *err);

// Makes the parser. Fails for names that are used and not defined.
QNI_WARN_UNUSED qn_status qni_cfg_finish(qni_cfg *g, const char *start, qn_error *err);

// earley.c: the first set, for the nonterminal of one rule around the whole grammar.
QNI_WARN_UNUSED qn_status qni_cfg_make_start(qni_cfg *g, uint32_t top, qn_error *err);

// States are set ids. As qni_json_step; 0 when no text goes on so.
uint32_t qni_cfg_step(qni_cfg *g, uint32_t set, const char *text, size_t size);
bool qni_cfg_accepts(qni_cfg *g, uint32_t set);

// Is a JSON value being read in the set? What follows may depend on its text then.
bool qni_cfg_reads_json(const qni_cfg *g, uint32_t set);

// Is a number of a JSON value being read, while the text might go on without it?
bool qni_cfg_may_end_number(const qni_cfg *g, uint32_t set);

// When just one terminal is being read in the set, and that a JSON value: its state.
bool qni_cfg_only_json(const qni_cfg *g, uint32_t set, qni_json_state *out);

#endif
