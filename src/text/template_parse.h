// What the two files that parse templates share.
#ifndef QNI_TEXT_TEMPLATE_PARSE_H
#define QNI_TEXT_TEMPLATE_PARSE_H

#include "text/template_lex.h"

typedef struct qni_parser {
    qni_template *t;
    const qni_word *at;
    int depth;
    int loops; // that break and continue can leave
    qn_error *err;
} qni_parser;

qn_status qni_parse_fail(const qni_parser *p, const char *what);
QNI_WARN_UNUSED qn_status qni_parse_deeper(qni_parser *p);
QNI_WARN_UNUSED qn_status qni_parse_node(qni_parser *p, qni_node_kind kind, qni_node **out);
QNI_WARN_UNUSED qn_status qni_parse_append(qni_parser *p, qni_node_list *list, qni_node *node);

bool qni_peek_sign(const qni_parser *p, const char *sign);
bool qni_take_sign(qni_parser *p, const char *sign);
bool qni_peek_word(const qni_parser *p, const char *word);
bool qni_take_word(qni_parser *p, const char *word);
QNI_WARN_UNUSED qn_status qni_need_sign(qni_parser *p, const char *sign, const char *otherwise);
QNI_WARN_UNUSED qn_status qni_need_name(qni_parser *p, const char **out);

typedef enum qni_tuple_kind {
    QNI_TUPLE_ANY,
    QNI_TUPLE_NO_CONDITION, // "a if b else c" only in brackets
    QNI_TUPLE_NAMES,        // names and constants alone
    QNI_TUPLE_TARGETS,      // and members of namespaces
    QNI_TUPLE_BRACKETS,     // inside of "(" and ")": may be empty
} qni_tuple_kind;

// An expression, or several with commas between them, up to the word `end`.
QNI_WARN_UNUSED qn_status qni_parse_tuple(qni_parser *p, qni_tuple_kind kind, const char *end,
                                          qni_node **out);
QNI_WARN_UNUSED qn_status qni_parse_expression(qni_parser *p, qni_node **out);
// "| a | b(c)" behind *node; `first`: the first one stands without its "|".
QNI_WARN_UNUSED qn_status qni_parse_filters(qni_parser *p, bool first, qni_node **node);

#endif
