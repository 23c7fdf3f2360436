// What the files of the template's evaluator share.
#ifndef QNI_TEXT_TEMPLATE_EVAL_H
#define QNI_TEXT_TEMPLATE_EVAL_H

#include "text/template_ast.h"

typedef struct qni_frame qni_frame;
struct qni_frame {
    json_t *variables;
    qni_frame *outer;
};

typedef struct qni_eval_state {
    const qni_template *t;
    qni_frame *frame;
    const qni_node **macros; // defined so far
    size_t n_macros, macro_capacity;
    qni_buf *out;
    json_t *captured; // what the body of a filtered block wrote
    qni_template_limits limits;
    size_t steps;
    int depth; // of macro calls
    int64_t now;
    qn_error *err;
} qni_eval_state;

// "<where>: line 3, column 7: <what><name>"
qn_status qni_template_fail(const qni_eval_state *e, const qni_node *node, qn_status status,
                            const char *what, const char *name);

// The value of an expression; json_decref it. NULL is the undefined value.
QNI_WARN_UNUSED qn_status qni_template_eval(qni_eval_state *e, const qni_node *node, json_t **out);

QNI_WARN_UNUSED qn_status qni_template_call(qni_eval_state *e, const qni_node *node, json_t **out);
QNI_WARN_UNUSED qn_status qni_template_filter(qni_eval_state *e, const qni_node *node,
                                              json_t **out);
QNI_WARN_UNUSED qn_status qni_template_test(qni_eval_state *e, const qni_node *node, json_t **out);
QNI_WARN_UNUSED qn_status qni_template_call_macro(qni_eval_state *e, const qni_node *macro,
                                                  const qni_node *call, json_t **out);

// Elements, keys or characters of a value, as an array.
QNI_WARN_UNUSED qn_status qni_template_items(qni_eval_state *e, const qni_node *node,
                                             const json_t *value, json_t **out);
QNI_WARN_UNUSED qn_status qni_template_text(qni_eval_state *e, const json_t *value, json_t **out);
QNI_WARN_UNUSED qn_status qni_template_capture(qni_eval_state *e, const qni_node_list *body,
                                               json_t **out);

size_t qni_template_length(const json_t *value); // of a string in code points

#endif
