// JSON Schema as formulas: drafts 4, 6, 7, 2019-09 and 2020-12.
#ifndef QNI_GRAMMAR_SCHEMA_H
#define QNI_GRAMMAR_SCHEMA_H

#include "base/buf.h"
#include "grammar/formula.h"

// A schema that others may refer to by its URI. Borrowed while the schema is compiled.
typedef struct qni_schema_document {
    const char *uri;
    const char *text;
    size_t size;
} qni_schema_document;

typedef struct qni_schema_options {
    const qni_schema_document *documents; // the network is never asked
    size_t n_documents;
    bool annotate_formats; // `format` says nothing about validity
    // leave out what cannot be enforced and tell, where otherwise it is an error
    bool best_effort;
} qni_schema_options;

// Compiles `size` bytes of a schema's text. What was left out is appended to `left_out` (may be
// NULL), a line each. Errors begin with the JSON pointer of the keyword: QN_INVALID_ARGUMENT for
// what is no schema, QN_UNSUPPORTED for what cannot be enforced or found.
QNI_WARN_UNUSED qn_status qni_schema_compile(qni_formulas *f, const char *text, size_t size,
                                             const qni_schema_options *options, qni_buf *left_out,
                                             qni_formula *out, qn_error *err);

#endif
