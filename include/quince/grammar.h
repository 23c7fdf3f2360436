// quince/grammar.h: output that is always valid.
//
// A grammar is compiled once from a JSON Schema or a regular expression, is immutable to its users, and is shared by
// threads. A matcher follows one output through it: ask it for the mask of the tokens that may come next, sample one of
// them, let it consume that token, and so on. A token is allowed exactly when some valid text begins with what has been
// written and the token.
//
//     qn_grammar_options options = {0};
//     qn_grammar_from_json_schema(schema, strlen(schema), &options, &grammar, &err);
//     qn_matcher_create(grammar, vocabulary, &matcher, &err);
//     while (!ended) {
//         qn_matcher_mask(matcher, mask, words, &err);
//         id = sample(logits, mask);
//         qn_matcher_consume(matcher, &id, 1, &taken, &err);
//     }
#ifndef QUINCE_GRAMMAR_H
#define QUINCE_GRAMMAR_H

#include "quince/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_grammar qn_grammar;

// A schema that others may name by its URI.
typedef struct qn_grammar_document {
    const char *uri;
    const char *text;
    size_t size; // bytes
} qn_grammar_document;

// All zero is the default.
typedef struct qn_grammar_options {
    const qn_grammar_document *documents; // what $ref may name beside the schema itself; copied
    size_t n_documents;
    bool annotate_formats; // `format` says nothing about validity
    bool best_effort;      // leave out what cannot be enforced (see qn_grammar_left_out); else it is an error
    bool compact;          // no whitespace between the parts of JSON; else up to 64 bytes in a gap
} qn_grammar_options;

// Compiles a JSON Schema of drafts 4, 6, 7, 2019-09 or 2020-12 (the last where $schema is absent). Errors begin with the JSON
// pointer of the keyword: QN_INVALID_ARGUMENT for what is no schema, QN_UNSUPPORTED for what cannot be enforced,
// QN_LIMIT_EXCEEDED for schemas that take too much. `options` may be NULL. Free the result with qn_grammar_free.
QN_API qn_status qn_grammar_from_json_schema(const char *text, size_t size,
                                             const qn_grammar_options *options, qn_grammar **out,
                                             qn_error *err);

// Compiles a regular expression in RE2's syntax that the whole text matches.
QN_API qn_status qn_grammar_from_regex(const char *text, size_t size, qn_grammar **out,
                                       qn_error *err);

// One more reference to the same grammar; each is freed. Any thread. NULL is fine.
QN_API qn_grammar *qn_grammar_share(qn_grammar *grammar);
QN_API void qn_grammar_free(qn_grammar *grammar);

// False when no text at all is valid; a matcher of such a grammar allows no token.
QN_API bool qn_grammar_is_satisfiable(const qn_grammar *grammar);

// What best effort left out: a line each, "pointer: reason". Never NULL; lives as long as the grammar.
QN_API const char *qn_grammar_left_out(const qn_grammar *grammar);

// Is the whole text valid? Where it is not, `*position` (bytes, may be NULL) is the first byte that no valid text has
// there, or `size` when the text ends too early. Any thread.
QN_API qn_status qn_grammar_check(qn_grammar *grammar, const char *text, size_t size, bool *valid,
                                  size_t *position, qn_error *err);

#ifdef __cplusplus
}
#endif
#endif
