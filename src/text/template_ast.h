// The tree of a template.
#ifndef QNI_TEXT_TEMPLATE_AST_H
#define QNI_TEXT_TEMPLATE_AST_H

#include "base/arena.h"
#include "text/template.h"

#include <stdbool.h>

typedef enum qni_node_kind {
    // expressions
    QNI_NODE_LITERAL, // value
    QNI_NODE_NAME,    // name
    QNI_NODE_LIST,    // items
    QNI_NODE_TUPLE,   // items
    QNI_NODE_DICT,    // items: key, value, key, value ...
    QNI_NODE_MEMBER,  // a . name
    QNI_NODE_INDEX,   // a [ b ]
    QNI_NODE_SLICE,   // items[0] : items[1] : items[2], NULL where left out
    QNI_NODE_CALL,    // a ( arguments )
    QNI_NODE_FILTER,  // a | name ( arguments ); a NULL: what the body wrote
    QNI_NODE_TEST,    // a is name ( arguments )
    QNI_NODE_UNARY,   // name a: "not", "-", "+"
    QNI_NODE_BINARY,  // a name b
    QNI_NODE_CONCAT,  // items
    QNI_NODE_COMPARE, // a, then items: OPERAND
    QNI_NODE_OPERAND, // name a
    QNI_NODE_IF_ELSE, // a if b else c
    // statements
    QNI_NODE_TEXT,   // text, n bytes
    QNI_NODE_OUTPUT, // items
    QNI_NODE_IF,     // a, body, c: the next elif, else_body
    QNI_NODE_FOR, // b in a (if c), body, else_body; flag: recursive; special: has a loop variable
    QNI_NODE_SET, // b = a
    QNI_NODE_SET_BLOCK,    // b = body, through the filters of a
    QNI_NODE_NAMESPACE,    // name . text, as a target
    QNI_NODE_MACRO,        // name, parameters in items (NAME) with defaults in a's items, body
    QNI_NODE_CALL_BLOCK,   // b: the call; parameters as of a macro, body
    QNI_NODE_FILTER_BLOCK, // a: filters over the body
    QNI_NODE_WITH,         // targets in items, values in a's items, body
    QNI_NODE_BLOCK,        // name, body; flag: scoped; special: required
    QNI_NODE_GENERATION,   // body
    QNI_NODE_BREAK,
    QNI_NODE_CONTINUE,
    QNI_NODE_NO_LOADER, // extends, include, import: text is its name
} qni_node_kind;

typedef struct qni_node qni_node;
struct qni_value;

typedef struct qni_node_list {
    qni_node **items;
    size_t n, capacity;
} qni_node_list;

struct qni_node {
    qni_node_kind kind;
    int line, column;
    const char *name; // interned: equal names are one pointer
    const char *text;
    size_t n; // of TEXT
    struct qni_value *value;
    qni_node *a, *b, *c;
    qni_node_list items; // positional ones of a call
    qni_node_list named; // of a call, with `names`
    const char **names;
    qni_node *star, *star_star; // f(*star, **star_star)
    qni_node_list body, else_body;
    bool flag, special;
    bool uses_caller, uses_varargs, uses_kwargs; // of macros
    // Names that have no value at the beginning of the scope, not even from outside, because it
    // sets them before it reads them.
    const char **hidden;
    size_t n_hidden;
    const void *row; // of a filter or test, NULL: not known
};

typedef struct qni_name_table {
    const char **slots;
    size_t n, capacity;
} qni_name_table;

struct qni_template {
    qni_arena arena;
    char *source;
    char *where;
    const char *text; // the source with its newlines made "\n"
    size_t n_text;
    qni_node root; // body, hidden
    qni_node_list blocks;
    qni_name_table interned;
};

// One pointer for each name. NULL when memory is out.
const char *qni_intern(qni_template *t, const char *name, size_t n);
// The pointer of a name that the template has; NULL: it has not.
const char *qni_interned(const qni_template *t, const char *name);

// "line 3, column 7: ..." with QN_INVALID_MODEL.
qn_status qni_template_fail_at(const qni_template *t, int line, int column, const char *what,
                               const char *name, qn_error *err);

// Fills the tree of `tmpl` from its source.
QNI_WARN_UNUSED qn_status qni_template_parse_source(qni_template *tmpl, qn_error *err);
// Finds which names scopes hide, and what jinja2's compiler refuses.
QNI_WARN_UNUSED qn_status qni_template_check(qni_template *tmpl, qn_error *err);

#endif
