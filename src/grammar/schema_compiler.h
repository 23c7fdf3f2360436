// What the files that turn keywords into formulas share.
#ifndef QNI_GRAMMAR_SCHEMA_COMPILER_H
#define QNI_GRAMMAR_SCHEMA_COMPILER_H

#include "grammar/schema_index.h"

// Members (items) that a schema has evaluated, for unevaluatedProperties (unevaluatedItems): those
// that `keys` has (that stand below `to`, or satisfy `matching`), where `when` holds.
typedef struct qni_evaluated {
    qni_formula when;
    bool items;
    qni_keys keys;
    uint32_t to;
    qni_formula matching;
    struct qni_evaluated *next;
} qni_evaluated;

// A subschema under one dynamic scope.
typedef struct qni_compiled {
    qni_formula formula;
    qni_evaluated *evaluated;
    bool open; // its compilation has not ended
    bool has_definition;
    uint32_t definition; // what it is called while open
} qni_compiled;

typedef struct qni_schema_compiler {
    qni_formulas *f;
    qni_arena arena;
    qni_schema_index index;
    const qni_schema_options *options;
    qni_buf *left_out;
    qni_intern places;      // (value, scope)
    qni_compiled *compiled; // by place
    size_t compiled_capacity;
    qni_intern scopes;         // (name, value) pairs, outermost resource first
    const qni_jvalue **values; // by id: those that scopes name
    int depth;
    qn_error *err;
} qni_schema_compiler;

// One subschema while its keywords are read.
typedef struct qni_subschema {
    qni_schema_compiler *c;
    const qni_jvalue *v;
    uint32_t resource;
    uint32_t scope;
    qni_dialect dialect;
    bool assertions;     // the dialect has them
    qni_formula formula; // so far
    qni_evaluated *evaluated;
} qni_subschema;

// Compiles a subschema in the scope of `s`. `*evaluated` (may be NULL) gets what it evaluates.
QNI_WARN_UNUSED qn_status qni_schema_child(qni_subschema *s, const qni_jvalue *v, qni_formula *out,
                                           qni_evaluated **evaluated);

// The keywords that look at one value without subschemas.
QNI_WARN_UNUSED qn_status qni_schema_assertions(qni_subschema *s);

// The keywords of arrays and objects with subschemas, without unevaluated*.
QNI_WARN_UNUSED qn_status qni_schema_containers(qni_subschema *s);

// unevaluatedProperties and unevaluatedItems, when all else has been read.
QNI_WARN_UNUSED qn_status qni_schema_unevaluated(qni_subschema *s);

// Conjoins.
void qni_schema_add(qni_subschema *s, qni_formula a);

// Conjoins "not of the type, or a".
void qni_schema_add_typed(qni_subschema *s, qni_jtype type, qni_formula a);

QNI_WARN_UNUSED qn_status qni_schema_note(qni_subschema *s, qni_formula when,
                                          const qni_evaluated *what);

// A member of the schema of one type; NULL when it is not there; an error when it is of another.
// `types` is a set of bits.
QNI_WARN_UNUSED qn_status qni_schema_keyword(qni_subschema *s, const char *name, uint32_t types,
                                             const qni_jvalue **out);
#define QNI_J_BIT(type) (1u << (type))
#define QNI_J_SCHEMA    (QNI_J_BIT(QNI_J_OBJECT) | QNI_J_BIT(QNI_J_TRUE) | QNI_J_BIT(QNI_J_FALSE))

// A count that is not negative ("2" and "2.0" are 2).
QNI_WARN_UNUSED qn_status qni_schema_count(qni_subschema *s, const char *name, bool *found,
                                           uint32_t *out);

// Something in the keyword `v` cannot be enforced: an error, or under best_effort a line in
// left_out and QN_OK.
QNI_WARN_UNUSED qn_status qni_schema_cannot(qni_subschema *s, const qni_jvalue *v,
                                            const char *reason);

// Prefixes an error with the JSON pointer of `v`.
qn_status qni_schema_fail_at(qni_subschema *s, const qni_jvalue *v, qn_status status,
                             const char *reason);

// The language of a pattern that searches; keeps `*out` for the empty language when it is left out.
QNI_WARN_UNUSED qn_status qni_schema_pattern(qni_subschema *s, const qni_jvalue *at,
                                             const char *text, size_t size, qni_term *out,
                                             bool *left_out);

// The set of one key.
qni_keys qni_schema_one_key(qni_formulas *f, const char *text, size_t size);

// metaschemas.c: the documents that are always known.
extern const qni_schema_document qni_metaschemas[];
extern const size_t qni_n_metaschemas;

// The language of a format; false when the name is not known.
bool qni_format_pattern(const char *name, const char **pattern);

#endif
