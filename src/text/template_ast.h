// The tree of a template.
#ifndef QNI_TEXT_TEMPLATE_AST_H
#define QNI_TEXT_TEMPLATE_AST_H

#include "base/arena.h"
#include "text/template.h"

#include <stdbool.h>

typedef enum qni_node_kind {
    // expressions
    QNI_NODE_LITERAL, // value
    QNI_NODE_NAME,    // text
    QNI_NODE_LIST,    // items
    QNI_NODE_DICT,    // items: key, value, key, value ...
    QNI_NODE_MEMBER,  // a . text
    QNI_NODE_INDEX,   // a [ b ]
    QNI_NODE_SLICE,   // a [ items[0] : items[1] : items[2] ], NULL where left out
    QNI_NODE_CALL,    // a ( items ), keyword arguments have names
    QNI_NODE_FILTER,  // a | text ( items )
    QNI_NODE_TEST,    // a is text ( items ); negated
    QNI_NODE_UNARY,   // text a: "not", "-", "+"
    QNI_NODE_BINARY,  // a text b
    QNI_NODE_IF_ELSE, // a if b else c
    // statements
    QNI_NODE_TEXT,   // text, n bytes
    QNI_NODE_OUTPUT, // a
    QNI_NODE_IF,     // a, body, else_body
    QNI_NODE_FOR,    // targets in a (if b), body, else_body
    QNI_NODE_SET,    // targets = a, or body for a block set; text: an attribute of targets[0]
    QNI_NODE_MACRO,  // text, targets with defaults in items, body
    QNI_NODE_BREAK,
    QNI_NODE_CONTINUE,
    QNI_NODE_GENERATION,   // body
    QNI_NODE_FILTER_BLOCK, // a: filters over a BODY; body
    QNI_NODE_WITH,         // targets are items, body
    QNI_NODE_BODY,         // what the body of the statement around it writes
} qni_node_kind;

typedef struct qni_node qni_node;

typedef struct qni_node_list {
    qni_node **items;
    size_t n, capacity;
} qni_node_list;

struct qni_node {
    qni_node_kind kind;
    int line, column;
    const char *text;
    size_t n; // of TEXT
    bool negated;
    json_t *value;
    qni_node *a, *b, *c;
    qni_node_list items;
    const char **names; // of items: keyword arguments; NULL entries are positional
    const char **targets;
    size_t n_targets;
    qni_node_list body, else_body;
};

struct qni_template {
    qni_arena arena;
    char *source;
    char *where;
    qni_node_list body;
    json_t *literals; // holds the values of LITERAL nodes
};

// Fills `tmpl->body` from its source.
QNI_WARN_UNUSED qn_status qni_template_parse_source(qni_template *tmpl, qn_error *err);

#endif
