// What the files of the templates' filters and methods share.
#ifndef QNI_TEXT_TEMPLATE_CALL_H
#define QNI_TEXT_TEMPLATE_CALL_H

#include "text/template_eval.h"
#include "text/template_value.h"

enum { QNI_TEMPLATE_ARGUMENTS = 16 };

// A filter, test, method or function on its way. Arguments: positional ones first, then by name.
typedef struct qni_call {
    qni_eval_state *e;
    const qni_node *node;
    json_t *self; // what a filter, test or method is applied to; NULL: undefined
    json_t *values[QNI_TEMPLATE_ARGUMENTS];
    const char *names[QNI_TEMPLATE_ARGUMENTS];
    size_t n;
} qni_call;

typedef qn_status qni_call_fn(const qni_call *c, json_t **out);

typedef struct qni_call_row {
    const char *name;
    qni_call_fn *fn;
} qni_call_row;

// `made`, or out of memory when it is NULL.
QNI_WARN_UNUSED qn_status qni_call_give(const qni_call *c, json_t *made, json_t **out);
qn_status qni_call_fail(const qni_call *c, const char *what, const char *name);

// The argument called `name`, or the one at `position`; NULL when it is not given.
json_t *qni_call_argument(const qni_call *c, size_t position, const char *name);
const char *qni_call_text(const qni_call *c, size_t position, const char *name,
                          const char *otherwise);

// The attribute (or a path of them, "a.b") of a value; NULL when there is none. Borrowed.
json_t *qni_call_attribute(const json_t *item, const char *path);

// Applies the filter of that name to a value, with the arguments from `first` on.
QNI_WARN_UNUSED qn_status qni_call_filter(const qni_call *c, const char *name, json_t *value,
                                          size_t first, json_t **out);

// Rows end with a NULL name: methods of texts (template_strings.c), filters of sequences
// (template_sequences.c).
extern const qni_call_row qni_string_methods[];
extern const qni_call_row qni_sequence_filters[];

#endif
