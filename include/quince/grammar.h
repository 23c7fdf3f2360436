// quince/grammar.h: output that is always valid.
//
// A grammar is compiled once from a JSON Schema, a regular expression, GBNF or Lark, is immutable
// to its users, and is shared by threads. A matcher follows one output through it: ask it for the
// mask of the tokens that may come next, sample one of them, let it consume that token, and so on.
// A token is allowed exactly when some valid text begins with what has been written and the token.
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
    // leave out what cannot be enforced (see qn_grammar_left_out); else it is an error
    bool best_effort;
    bool compact; // no whitespace between the parts of JSON; else up to 64 bytes in a gap
} qn_grammar_options;

// Compiles a JSON Schema of drafts 4, 6, 7, 2019-09 or 2020-12 (the last where $schema is absent).
// Errors begin with the JSON pointer of the keyword: QN_INVALID_ARGUMENT for what is no schema,
// QN_UNSUPPORTED for what cannot be enforced, QN_LIMIT_EXCEEDED for schemas that take too much.
// `options` may be NULL. Free the result with qn_grammar_free.
QN_API qn_status qn_grammar_from_json_schema(const char *text, size_t size,
                                             const qn_grammar_options *options, qn_grammar **out,
                                             qn_error *err);

// Compiles a regular expression in RE2's syntax that the whole text matches.
QN_API qn_status qn_grammar_from_regex(const char *text, size_t size, qn_grammar **out,
                                       qn_error *err);

// Compiles a grammar file of llama.cpp (GBNF); the text is what `root` derives.
QN_API qn_status qn_grammar_from_gbnf(const char *text, size_t size, qn_grammar **out,
                                      qn_error *err);

// Compiles a Lark grammar in llguidance's dialect, with %json schemas inside; `start` is where it
// begins. `options` (NULL: the defaults) hold for the schemas.
QN_API qn_status qn_grammar_from_lark(const char *text, size_t size,
                                      const qn_grammar_options *options, qn_grammar **out,
                                      qn_error *err);

// Compiles text in which some words begin a part with a grammar of its own, as tool calls do.
// `text` is a JSON object:
//
//     "tags": [TAG, ...]     one at least
//     "free": true           text without any tag's begin may stand before, between and behind the
//                            tags; without it (the default) they follow each other at once
//     "min": 0, "max": N     how many tags there are; no "max": any number
//     "documents": {URI: SCHEMA, ...}   what $ref may name, beside those of the options
//
// A TAG is {"begin": "<call>", CONTENT, "end": "</call>"}. Once its begin is written, in free text
// or not, the whole tag must be. "end" may be missing or empty but for a tag of free text. CONTENT
// is one of
//
//     "schema": SCHEMA       JSON that is valid for it, with white space around it
//     "parts": [PART, ...]   one after the other, with nothing between them
//     nothing                any text up to the first "end"
//
// and a PART is one of
//
//     {"text": "..."}                      these bytes
//     {"schema": SCHEMA}                   JSON
//     {"schema": SCHEMA, "until": "..."}   a string that SCHEMA allows, written as it is, without
//                                          quotes and escapes, up to the first "until", which is
//                                          written too
//     {"parts": [...], "optional": true}   a group; it may be left out where it says so
//     {"set": [PART, ...], "between": ","} each once, but the optional ones at most once, with
//                                          "between" between two: in any order up to six parts, in
//                                          theirs beyond that; 63 at most
//     {"any": [PART, ...], "between": ","} one of them; with "between" one or more, with that
//                                          between two
//
// As an example, two arguments in any order, the second of which may be missing:
//
//     {"tags": [{"begin": "<call name=now>", "end": "</call>", "parts": [{"set": [
//         {"parts": [{"text": "<zone>"}, {"schema": {"type": "string"}, "until": "</zone>"}]},
//         {"parts": [{"text": "<year>"}, {"schema": {"type": "integer"}}, {"text": "</year>"}],
//          "optional": true}], "between": "\n"}]}], "free": true, "max": 1}
QN_API qn_status qn_grammar_from_tags(const char *text, size_t size,
                                      const qn_grammar_options *options, qn_grammar **out,
                                      qn_error *err);

// One of `n` texts.
QN_API qn_status qn_grammar_from_choice(const char *const *texts, size_t n, qn_grammar **out,
                                        qn_error *err);

// Compiles what requests say of the form of an answer, as JSON: OpenAI's response_format ({"type":
// "text" | "json_object" | "json_schema", "json_schema": {"schema": ...}}) or, without "type",
// vLLM's structured_outputs ({"json": SCHEMA}, {"json_object": true}, {"regex": ...}, {"choice":
// [...]} or {"grammar": GBNF or Lark}, with "disable_any_whitespace"). `*out` is NULL with QN_OK
// for the type "text", which asks for nothing. `options` may be NULL.
QN_API qn_status qn_grammar_from_request(const char *text, size_t size,
                                         const qn_grammar_options *options, qn_grammar **out,
                                         qn_error *err);

// One more reference to the same grammar; each is freed. Any thread. NULL is fine.
QN_API qn_grammar *qn_grammar_share(qn_grammar *grammar);
QN_API void qn_grammar_free(qn_grammar *grammar);

// False when no text at all is valid; a matcher of such a grammar allows no token.
QN_API bool qn_grammar_is_satisfiable(const qn_grammar *grammar);

// What best effort left out: a line each, "pointer: reason". Never NULL; lives as long as the
// grammar.
QN_API const char *qn_grammar_left_out(const qn_grammar *grammar);

// Is the whole text valid? Where it is not, `*position` (bytes, may be NULL) is the first byte that
// no valid text has there, or `size` when the text ends too early. Any thread.
QN_API qn_status qn_grammar_check(qn_grammar *grammar, const char *text, size_t size, bool *valid,
                                  size_t *position, qn_error *err);

// A tokenizer's vocabulary, built once and shared by matchers and threads.
typedef struct qn_vocabulary qn_vocabulary;

// Token `i` is the bytes from offsets[i] up to offsets[i + 1] (n_tokens + 1 offsets). `special`
// (NULL: none) marks with 1 the tokens that stand for no text; they and tokens without bytes are
// never allowed. `stops` end an output. Everything is copied. Free the result with
// qn_vocabulary_free; matchers keep it alive.
QN_API qn_status qn_vocabulary_create(uint32_t n_tokens, const char *bytes, const uint32_t *offsets,
                                      const uint8_t *special, const uint32_t *stops,
                                      uint32_t n_stops, qn_vocabulary **out, qn_error *err);
QN_API void qn_vocabulary_free(qn_vocabulary *vocabulary); // NULL is fine

// One output on its way through a grammar. A matcher belongs to one thread at a time; matchers of
// one grammar may be used from several.
typedef struct qn_matcher qn_matcher;

QN_API qn_status qn_matcher_create(qn_grammar *grammar, qn_vocabulary *vocabulary, qn_matcher **out,
                                   qn_error *err);
QN_API qn_status qn_matcher_copy(const qn_matcher *matcher, qn_matcher **out, qn_error *err);
QN_API void qn_matcher_free(qn_matcher *matcher); // NULL is fine

// Back to the empty output.
QN_API void qn_matcher_reset(qn_matcher *matcher);

// Takes tokens until one does not fit; `*taken` counts those that did. A stop token fits where the
// output may end, and nothing fits after it.
QN_API qn_status qn_matcher_consume(qn_matcher *matcher, const uint32_t *tokens, size_t n,
                                    size_t *taken, qn_error *err);

// Takes text (as one token for rollback), all of it or, with `*taken` false, nothing.
QN_API qn_status qn_matcher_consume_text(qn_matcher *matcher, const char *text, size_t size,
                                         bool *taken, qn_error *err);

// Takes the last `n` tokens back. QN_INVALID_ARGUMENT when there are fewer.
QN_API qn_status qn_matcher_rollback(qn_matcher *matcher, size_t n, qn_error *err);

// Which tokens may come next: bit i % 32 of word i / 32. `n_words` may be more than the vocabulary
// needs (a model may have more logits than tokens): the rest is cleared. QN_INVALID_ARGUMENT when
// it is less.
QN_API qn_status qn_matcher_mask(qn_matcher *matcher, uint32_t *mask, size_t n_words,
                                 qn_error *err);

// The masks of `n` matchers, `n_words` apart.
QN_API qn_status qn_matcher_masks(qn_matcher *const *matchers, size_t n, uint32_t *masks,
                                  size_t n_words, qn_error *err);

// May the output end here?
QN_API qn_status qn_matcher_can_end(qn_matcher *matcher, bool *can, qn_error *err);

// The text that must come next whatever the model says, whole characters, up to `limit` bytes into
// `out` (it may be empty). The caller tokenizes it together with the output and lets the matcher
// consume it.
QN_API qn_status qn_matcher_forced(qn_matcher *matcher, char *out, size_t limit, size_t *size,
                                   qn_error *err);

// A completion of the output, about as short as any, in bytes, into `out`. QN_LIMIT_EXCEEDED when
// it takes more than `limit`.
QN_API qn_status qn_matcher_shortest(qn_matcher *matcher, char *out, size_t limit, size_t *size,
                                     qn_error *err);

// The same in tokens: `*n` of them into `tokens`, the fewest that spell it. QN_LIMIT_EXCEEDED when
// there are more than `limit`, or no completion is in sight.
QN_API qn_status qn_matcher_completion(qn_matcher *matcher, uint32_t *tokens, size_t limit,
                                       size_t *n, qn_error *err);

#define QN_NO_TOKEN UINT32_MAX

// Takes one token, as qn_matcher_consume, and keeps a budget: `budget` is how many tokens may still
// come, this one included. `*token` is what was chosen, one of the mask, and afterwards what was
// taken: another one where only that leaves enough tokens to complete the output, and a stop token
// (QN_NO_TOKEN when there is none) where the output is complete and the token would begin what the
// budget cannot end. So an output is complete when its budget ends, if its shortest completion
// fitted when it began. QN_INVALID_ARGUMENT when the token does not fit the grammar.
QN_API qn_status qn_matcher_steer(qn_matcher *matcher, size_t budget, uint32_t *token,
                                  qn_error *err);

#ifdef __cplusplus
}
#endif
#endif
