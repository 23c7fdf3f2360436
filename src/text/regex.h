// Regular expressions as tokenizers write them, parsed into a tree. What the tree cannot say
// (captures that are looked at, looking back, conditions) is QN_UNSUPPORTED, and the caller hands
// the pattern to the general library instead.
#ifndef QNI_TEXT_REGEX_H
#define QNI_TEXT_REGEX_H

#include "base/error.h"
#include "text/charset.h"

// Whose rules a pattern follows where they differ.
typedef enum qni_regex_flavor {
    // tokenizer.json: `$` is the end of a line, `x{1,3}+` repeats the repetition, \h is hex
    QNI_REGEX_ONIGURUMA,
    QNI_REGEX_RUST // tiktoken: `$` is the end of the text, `x{1,3}+` is possessive
} qni_regex_flavor;

typedef enum qni_regex_kind {
    QNI_REGEX_EMPTY,
    QNI_REGEX_SET,    // one character of `set`
    QNI_REGEX_CAT,    // `a` then `b`
    QNI_REGEX_ALT,    // `a`, or else `b`
    QNI_REGEX_REPEAT, // `a`, `min` to `max` times
    QNI_REGEX_LOOK    // the next character is in `set` (or, when `negated`, it is not, or the text
                      // ends)
} qni_regex_kind;

typedef enum qni_regex_greed { QNI_GREEDY, QNI_LAZY, QNI_POSSESSIVE } qni_regex_greed;

enum { QNI_REGEX_ENDLESS = -1 };

typedef struct qni_regex_node {
    qni_regex_kind kind;
    int32_t a, b;     // children, by index
    int32_t set;      // of SET and LOOK, index into sets
    int32_t min, max; // of REPEAT
    qni_regex_greed greed;
    bool negated; // of LOOK
} qni_regex_node;

typedef struct qni_regex {
    qni_regex_node *nodes;
    size_t n_nodes, nodes_capacity;
    qni_charset *sets; // no two are equal
    size_t n_sets, sets_capacity;
    int32_t root;
} qni_regex;

// Parses `pattern` (zero-terminated UTF-8). Free the result with qni_regex_end, after a failure
// too.
QNI_WARN_UNUSED qn_status qni_regex_parse(const char *pattern, qni_regex_flavor flavor,
                                          qni_regex *out, qn_error *err);
void qni_regex_end(qni_regex *regex);

// Whether some match may be empty.
QNI_WARN_UNUSED qn_status qni_regex_may_be_empty(const qni_regex *regex, bool *may, qn_error *err);

// Reads one bracketed class or one escape that stands for a set, at *at, which moves behind it.
QNI_WARN_UNUSED qn_status qni_regex_read_set(const char **at, qni_regex_flavor flavor,
                                             qni_charset *set, qn_error *err);

#endif
