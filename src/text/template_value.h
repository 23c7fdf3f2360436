// Values of templates: Python's, as far as templates meet them. All live in the arena of one
// rendering (constants of the source in that of the template) and are never freed one by one.
// Only namespaces, iterators, loops, cyclers and joiners ever change.
//
// What fails returns NULL (or false) and has set the error of the run.
#ifndef QNI_TEXT_TEMPLATE_VALUE_H
#define QNI_TEXT_TEMPLATE_VALUE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct qni_value qni_value;
typedef struct qni_run qni_run;
typedef struct qni_dict qni_dict;
typedef struct qni_iterator qni_iterator;
typedef struct qni_loop qni_loop;
typedef struct qni_macro qni_macro;

typedef enum qni_kind {
    QNI_UNDEFINED, // text: what a use of it says
    QNI_NONE,
    QNI_BOOL,
    QNI_INT,
    QNI_REAL,
    QNI_TEXT,
    QNI_LIST,
    QNI_TUPLE,
    QNI_DICT,
    QNI_NAMESPACE, // dict
    QNI_RANGE,
    QNI_VIEW,     // keys, values or items of a dict
    QNI_ITERATOR, // can be gone through once
    QNI_METHOD,   // bound to a value
    QNI_FUNCTION, // a global one
    QNI_MACRO,
    QNI_LOOP,
    QNI_CYCLER,
    QNI_JOINER,
    QNI_SELF,    // the template's blocks
    QNI_BLOCK,   // one of them
    QNI_MISSING, // no value yet: what a name is before it is set
} qni_kind;

// Memory behind a text that grew by joining: another text that begins where this one ends can be
// put there without copying this one.
typedef struct qni_text_room {
    size_t used, capacity;
    char *data;
} qni_text_room;

struct qni_value {
    uint8_t kind;
    bool markup;    // of a text: its special characters are entities
    uint32_t extra; // of a view: k, v or i; of a tuple: 1 for what groupby gives
    union {
        bool truth;
        int64_t whole;
        double real;
        struct {
            const char *at;
            size_t n, characters; // (size_t)-1: not counted yet
            qni_text_room *room;
        } text;
        struct {
            qni_value **items;
            size_t n;
        } list;
        struct {
            const char *says, *name;
        } undefined;
        qni_dict *dict;
        struct {
            int64_t start, stop, step;
        } range;
        qni_iterator *iterator;
        struct {
            qni_value *self;
            const struct qni_row *row;
        } method;
        qni_macro *macro;
        qni_loop *loop;
        struct {
            qni_value **items;
            size_t n, at;
        } cycler;
        struct {
            qni_value *by;
            bool used;
        } joiner;
        const struct qni_node *node;
    } as;
};

// In the order of insertion.
struct qni_dict {
    qni_value **keys, **values;
    uint64_t *hashes;
    uint32_t *slots; // index + 1; 0: free
    size_t n, capacity, n_slots;
};

// ---- Making

qni_value *qni_none(void);
qni_value *qni_bool(bool truth);
qni_value *qni_missing(void);
qni_value *qni_undefined(qni_run *r, const char *says, const char *name);
qni_value *qni_int(qni_run *r, int64_t whole);
qni_value *qni_real(qni_run *r, double real);
qni_value *qni_text(qni_run *r, const char *bytes, size_t n);    // copies
qni_value *qni_text_at(qni_run *r, const char *bytes, size_t n); // bytes that live long enough
qni_value *qni_list(qni_run *r, qni_kind kind, size_t n);        // items still NULL
qni_value *qni_pair(qni_run *r, qni_value *a, qni_value *b);     // a tuple
qni_value *qni_dict_new(qni_run *r, qni_kind kind);
qni_value *qni_iterate_list(qni_run *r, qni_value *list, bool backward); // an iterator
qni_value *qni_from_json(qni_run *r, const json_t *json);
qni_value *qni_join(qni_run *r, qni_value *a, qni_value *b); // of texts

// A list that grows.
typedef struct qni_items {
    qni_value **items;
    size_t n, capacity;
} qni_items;
bool qni_items_add(qni_run *r, qni_items *list, qni_value *value);
qni_value *qni_items_take(qni_run *r, const qni_items *list, qni_kind kind);

// ---- Mappings. A key that cannot be hashed fails.

bool qni_dict_put(qni_run *r, qni_dict *dict, qni_value *key, qni_value *value);
bool qni_dict_find(qni_run *r, const qni_dict *dict, qni_value *key, qni_value **out); // NULL: none
qni_value *qni_dict_get(const qni_dict *dict, const char *key, size_t n);

// ---- Asking

bool qni_is_true(qni_run *r, qni_value *v);
bool qni_is_hashable(qni_run *r, const qni_value *v); // or fails: too deep
bool qni_is_number(const qni_value *v, double *out);  // bool, int, real
bool qni_is_whole(const qni_value *v, int64_t *out);  // bool, int
bool qni_is_text(const qni_value *v, const char *text);
bool qni_equal(qni_run *r, qni_value *a, qni_value *b, bool *out);
// -1, 0, 1, or 2: all comparisons are false (NaN). Fails where Python has no order.
bool qni_compare(qni_run *r, qni_value *a, qni_value *b, int *out);
bool qni_contains(qni_run *r, qni_value *in, qni_value *v, bool *out);
size_t qni_characters(qni_value *text);
size_t qni_text_offset(qni_value *text, size_t character); // in bytes
bool qni_has_length(qni_run *r, qni_value *v, int64_t *n);
const char *qni_kind_name(const qni_value *v);

// What a loop goes over, as an iterator; `*next` is NULL at the end.
qni_value *qni_iterate(qni_run *r, qni_value *v);
bool qni_next(qni_run *r, qni_value *iterator, qni_value **next);
// All of them; fails where there is nothing to go over.
qni_value *qni_to_list(qni_run *r, qni_value *v);

// ---- Writing

bool qni_print(qni_run *r, qni_value *v, qni_buf *out); // str()
bool qni_repr(qni_run *r, qni_value *v, qni_buf *out);  // repr()
qni_value *qni_to_text(qni_run *r, qni_value *v);       // str() as a text
void qni_real_text(double x, char text[40]);

// How json.dumps writes.
typedef struct qni_json_form {
    const char *indent; // NULL: on one line
    size_t n_indent;
    bool ascii, sort_keys;
    qni_value *item, *member; // separators; NULL: Python's own
} qni_json_form;
bool qni_to_json(qni_run *r, qni_value *v, const qni_json_form *form, qni_buf *out);

#endif
