// JSON as it is written: numbers keep their digits, members their order. For schemas, and for parts
// of an output that must be compared with others.
#ifndef QNI_GRAMMAR_JVALUE_H
#define QNI_GRAMMAR_JVALUE_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum qni_jtype {
    QNI_J_NULL,
    QNI_J_FALSE,
    QNI_J_TRUE,
    QNI_J_NUMBER,
    QNI_J_STRING,
    QNI_J_ARRAY,
    QNI_J_OBJECT,
    QNI_N_JTYPES
} qni_jtype;

typedef struct qni_jvalue {
    qni_jtype type;
    uint32_t n;       // of items or members
    const char *text; // a string, unescaped; a number, as written
    size_t size;      // in bytes
    const char *key;  // of a member, unescaped; NULL in an array
    size_t key_size;
    struct qni_jvalue *first; // item or member
    struct qni_jvalue *next;  // beside this one
    size_t begin, end;        // where it stands in the text, in bytes
    uint32_t id;              // counts values in the order of their text, from 1
} qni_jvalue;

// Parses `size` bytes of UTF-8. Repeated members are refused, and so are lone surrogates. The
// result lives in the arena; `*n_ids` (may be NULL) is added to and gives the ids.
QNI_WARN_UNUSED qn_status qni_jvalue_parse(qni_arena *arena, const char *text, size_t size,
                                           const char *where, uint32_t *n_ids, qni_jvalue **out,
                                           qn_error *err);

// The member `key`, or NULL; NULL also when `object` is not one.
const qni_jvalue *qni_jvalue_member(const qni_jvalue *object, const char *key);
const qni_jvalue *qni_jvalue_member_n(const qni_jvalue *object, const char *key, size_t size);

// The text that `n` bytes inside of a string stand for; `out` has room for as many. False when an
// escape is not whole.
bool qni_jvalue_unescape(const char *text, size_t n, char *out, size_t *size);

#endif
