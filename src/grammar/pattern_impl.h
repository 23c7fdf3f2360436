// A pattern while it is read; for the pattern*.c files alone.
//
// What has no anchor inside becomes a term at once. What has one stays a node until the whole is
// known, because the meaning of an anchor depends on what stands around it.
#ifndef QNI_GRAMMAR_PATTERN_IMPL_H
#define QNI_GRAMMAR_PATTERN_IMPL_H

#include "base/arena.h"
#include "grammar/pattern.h"

typedef enum qni_node_kind {
    QNI_NODE_TERM, // without anchors inside, so its term stands for it everywhere
    QNI_NODE_CONCAT,
    QNI_NODE_ALT,
    QNI_NODE_REPEAT,
    QNI_NODE_START,
    QNI_NODE_END,
    QNI_NODE_BOUNDARY,
    QNI_NODE_AHEAD,
} qni_node_kind;

typedef struct qni_node {
    qni_node_kind kind;
    bool negated; // QNI_NODE_BOUNDARY, QNI_NODE_AHEAD
    qni_term term;
    uint32_t min, max;
    struct qni_node *first; // of the parts
    struct qni_node *next;  // beside this one
} qni_node;

typedef struct qni_pattern_parser {
    qni_terms *terms;
    qni_arena arena;
    const char *text;
    size_t size;
    size_t at;
    qni_pattern_syntax syntax;
    bool fold_case;
    bool dot_all;
    bool quoted; // between \Q and \E
    int depth;
    qn_error *err;
} qni_pattern_parser;

// QN_INVALID_ARGUMENT and QN_UNSUPPORTED, with the pattern and the place in it.
qn_status qni_pattern_bad(qni_pattern_parser *p, const char *what);
qn_status qni_pattern_unsupported(qni_pattern_parser *p, const char *what);

// Does `word` come next? The second takes it then.
bool qni_pattern_has(const qni_pattern_parser *p, const char *word);
bool qni_pattern_take(qni_pattern_parser *p, const char *word);

QNI_WARN_UNUSED qn_status qni_pattern_node(qni_pattern_parser *p, qni_node_kind kind,
                                           qni_node **out);
QNI_WARN_UNUSED qn_status qni_pattern_term(qni_pattern_parser *p, qni_term term, qni_node **out);

// pattern_class.c. Behind an opening bracket; behind a full stop; one code point; behind a
// backslash.
QNI_WARN_UNUSED qn_status qni_pattern_class(qni_pattern_parser *p, qni_node **out);
QNI_WARN_UNUSED qn_status qni_pattern_dot(qni_pattern_parser *p, qni_node **out);
QNI_WARN_UNUSED qn_status qni_pattern_one(qni_pattern_parser *p, uint32_t code, qni_node **out);
QNI_WARN_UNUSED qn_status qni_pattern_escape(qni_pattern_parser *p, qni_node **out);

// One character that \w means, or one that it does not.
qni_term qni_pattern_word(qni_pattern_parser *p, bool inverted);

// The language of the whole. Failures are the account's. pattern_compile.c
qni_term qni_pattern_compile(qni_pattern_parser *p, const qni_node *root,
                             qni_pattern_extent extent);

#endif
