// What the files of the template's evaluator share: the state of one rendering, and rows of
// functions. What fails returns NULL (or false) with the error set.
#ifndef QNI_TEXT_TEMPLATE_RUN_H
#define QNI_TEXT_TEMPLATE_RUN_H

#include "base/arena.h"
#include "text/template_ast.h"
#include "text/template_value.h"

// The variables of a scope.
typedef struct qni_frame qni_frame;
struct qni_frame {
    qni_frame *outer;
    const char **names; // interned
    qni_value **values;
    size_t n, capacity;
    bool sees_context; // names of the outermost frame that are not set yet are looked up further
};

struct qni_run {
    const qni_template *t;
    qni_arena arena;
    qn_status status;
    qn_error *err;
    const qni_node *at; // where errors point
    qni_template_limits limits;
    size_t steps;
    size_t bytes; // copied, and not yet a whole step
    int depth;
    qni_frame *frame, *root;
    qni_dict *context;
    qni_buf *out;
    size_t out_begin;    // bytes of `out` that were there before
    qni_value *captured; // what the body of a filtered block wrote
    int64_t now;
    qni_value *continued; // the text of the final message, which is left open; NULL: none is
};

struct qni_macro {
    const qni_node *node; // MACRO or CALL_BLOCK
    qni_frame *frame;     // where it was defined
};

struct qni_loop {
    const qni_node *node;
    qni_frame *frame; // outside of the loop
    qni_value *over;  // what it goes over
    qni_value *iterator;
    qni_value *before, *current, *after; // NULL: none
    qni_value *changed;                  // the last values that were asked about
    int64_t index0, length;              // length -1: not known yet
    int depth0;
};

struct qni_iterator {
    bool (*next)(qni_run *r, qni_iterator *it, qni_value **out); // NULL: goes over `list`
    qni_value *source; // of a filter, an iterator; else the list
    size_t at;
    bool backward;
    const qni_node *node; // a loop whose condition chooses, seen from `frame`
    qni_frame *frame;
    const struct qni_args *args; // of a filter
    const struct qni_row *row;
    bool by_attribute, wanted;
    int64_t size; // of the parts that batch and slice make
    qni_value *other;
    qni_dict *seen;
};

// ---- Failing

// "<where>: line 3, column 7: ..."
bool qni_fails(qni_run *r, qn_status status, const char *format, ...) QNI_PRINTF(3, 4);
qni_value *qni_raise(qni_run *r, const char *format, ...) QNI_PRINTF(2, 3); // QN_INVALID_ARGUMENT
bool qni_charge(qni_run *r, size_t work);
bool qni_charge_bytes(qni_run *r, size_t n); // of one copy
void *qni_run_alloc(qni_run *r, size_t bytes);
bool qni_enter(qni_run *r); // one level deeper; qni_leave in any case
void qni_leave(qni_run *r);
bool qni_use(qni_run *r, const qni_value *v); // fails for the undefined value

// ---- Text that is being made

void qni_put_begin(qni_run *r, qni_buf *buf);
bool qni_put(qni_run *r, qni_buf *buf, const char *bytes, size_t n);
bool qni_put_text(qni_run *r, qni_buf *buf, const char *text);
bool qni_put_code(qni_run *r, qni_buf *buf, uint32_t code);
qni_value *qni_put_end(qni_run *r, qni_buf *buf, bool fine); // the text, or NULL

// ---- Calls

enum { QNI_MAX_PARAMETERS = 8 };

typedef struct qni_args {
    qni_value **items;
    size_t n;
    const char **names; // of the named ones
    qni_value **named;
    size_t n_named;
} qni_args;

// `a` are the arguments bound by the row's parameters, NULL where not given. `self` is what a
// filter, test or method is applied to.
typedef qni_value *qni_row_fn(qni_run *r, qni_value *self, qni_value **a, const qni_args *args);

// Parameters are names with spaces between them; "?" behind one: it may be left out; "/" before
// all: not by name. NULL: the function reads the arguments itself.
typedef struct qni_row {
    const char *name;
    const char *parameters;
    qni_row_fn *fn;
} qni_row;

const qni_row *qni_find_row(const qni_row *rows, const char *name); // rows end with a NULL name
bool qni_bind(qni_run *r, const char *name, const char *parameters, const qni_args *args,
              qni_value **a);
qni_value *qni_call_row(qni_run *r, const qni_row *row, qni_value *self, const qni_args *args);
// A text's or another's method; what it makes of a safe text is safe.
qni_value *qni_call_method(qni_run *r, const qni_row *row, qni_value *self, const qni_args *args);
qni_value *qni_call_value(qni_run *r, qni_value *callee, const qni_args *args);
qni_value *qni_call_macro(qni_run *r, qni_macro *macro, const qni_args *args);
qni_value *qni_call_loop(qni_run *r, qni_loop *loop, qni_value *over);
qni_value *qni_call_block(qni_run *r, const qni_node *block);

const qni_row *qni_find_filter(const char *name);
const qni_row *qni_find_test(const char *name);
const qni_row *qni_find_function(const char *name);
const qni_row *qni_find_method(const qni_value *self, const char *name);

extern const qni_row qni_text_filters[], qni_sequence_filters[], qni_value_filters[],
    qni_layout_filters[];
extern const qni_row qni_text_methods[];

bool qni_may_name(qni_run *r, const qni_value *key); // a member of a namespace

// ---- What the caller gives

// Fills the context from a JSON object. continue_final_message is no variable: with true, or the
// name of a field of the final message, the text ends where that one does.
bool qni_take_variables(qni_run *r, const json_t *variables);
bool qni_end_continued(qni_run *r);

// ---- Members, elements, parts

qni_value *qni_get_attribute(qni_run *r, qni_value *of, const char *name, size_t n);
qni_value *qni_get_item(qni_run *r, qni_value *of, qni_value *key);
qni_value *qni_get_slice(qni_run *r, qni_value *of, qni_value *const part[3]);
qni_value *qni_loop_attribute(qni_run *r, qni_value *loop, const char *name);
// The next element, NULL at the end; the loop goes on behind it.
bool qni_loop_step(qni_run *r, qni_loop *loop, qni_value **out);
bool qni_loop_length(qni_run *r, qni_loop *loop, int64_t *n);
// As filters read attributes: a path "a.0.b", or a number.
qni_value *qni_get_path(qni_run *r, qni_value *of, qni_value *path);

// ---- Expressions and statements

qni_value *qni_eval(qni_run *r, const qni_node *node);
qni_value *qni_binary(qni_run *r, const char *op, qni_value *a, qni_value *b);
qni_value *qni_percent(qni_run *r, qni_value *format, qni_value *values);        // format % values
qni_value *qni_format_text(qni_run *r, qni_value *format, const qni_args *args); // .format()
qni_value *qni_escaped(qni_run *r, qni_value *v);                                // as a safe text
bool qni_eval_args(qni_run *r, const qni_node *node, qni_args *args);
qni_frame *qni_frame_new(qni_run *r, qni_frame *outer);
bool qni_frame_set(qni_run *r, qni_frame *frame, const char *name, qni_value *value);
qni_value *qni_look_up(qni_run *r, const char *name);

#endif
