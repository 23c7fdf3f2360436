// Finding the pieces that a pre-tokenizer's pattern cuts a text into: by an automaton of our own
// where the pattern allows it, by PCRE2 with its just-in-time compiler elsewhere.
#ifndef QNI_TEXT_SPLITTER_H
#define QNI_TEXT_SPLITTER_H

#include "base/image.h"
#include "text/scanner.h"

// What becomes of the matches ("delimiters"), as Hugging Face tokenizers name it. For '-' in
// "a--b":
typedef enum qni_split_behavior {
    QNI_SPLIT_REMOVED,              // a b
    QNI_SPLIT_ISOLATED,             // a - - b
    QNI_SPLIT_MERGED_WITH_PREVIOUS, // a- - b
    QNI_SPLIT_MERGED_WITH_NEXT,     // a - -b
    QNI_SPLIT_CONTIGUOUS            // a -- b
} qni_split_behavior;

typedef struct qni_splitter {
    qni_automaton automaton; // n_states 0: not used
    qni_scanner scanner;     // of the automaton; may be not ready
    // Every character that can begin a match is one by itself, whatever follows; so what lies
    // between matches is told by its first character.
    bool clear;
    void *code;    // pcre2_code, or NULL
    char *pattern; // that it was compiled from, with `options`
    uint32_t options;
    bool may_be_empty; // some of its matches are empty: they cut too
    char *literal; // or a plain string of literal_bytes
    size_t literal_bytes;
    qni_split_behavior behavior;
    bool invert; // what matches is the text, what lies between is the delimiter
} qni_splitter;

// A pattern that matches a character of the ways \p{..} or [..] write it, or any other regular
// expression.
QNI_WARN_UNUSED qn_status qni_splitter_open(const char *pattern, qni_regex_flavor flavor,
                                            qni_split_behavior behavior, bool invert,
                                            qni_splitter *out, qn_error *err);

// One that looks for a plain string (not empty).
QNI_WARN_UNUSED qn_status qni_splitter_open_literal(const char *text, size_t n,
                                                    qni_split_behavior behavior, bool invert,
                                                    qni_splitter *out, qn_error *err);

// One that cuts where the script changes, as the UnicodeScripts pre-tokenizer does.
QNI_WARN_UNUSED qn_status qni_splitter_open_scripts(qni_splitter *out, qn_error *err);
void qni_splitter_end(qni_splitter *splitter);

// Describes one for an image; what the library made is compiled again when it is read.
void qni_splitter_keep(qni_image *image, qni_splitter *splitter);

// The pieces of a text: the end of each; pieces to be left out are marked.
typedef struct qni_cut {
    size_t begin, end;
} qni_cut;

typedef struct qni_cuts {
    qni_cut *items;
    size_t n, capacity;
} qni_cuts;

// Appends the pieces of text[begin, end) to `cuts`. `match` is a pcre2_match_data made on first use
// and kept by the caller.
QNI_WARN_UNUSED qn_status qni_splitter_run(const qni_splitter *splitter, const char *text,
                                           size_t begin, size_t end, void **match, qni_cuts *cuts,
                                           qn_error *err);

// Whether a piece of a clear splitter is a match.
static inline bool qni_splitter_keeps(const qni_splitter *s, const char *piece)
{
    size_t length;
    uint32_t class = qni_automaton_class(&s->automaton, (const unsigned char *)piece, &length);
    uint32_t entry = s->automaton.table[QNI_AUTOMATON_START * s->automaton.n_classes + class];
    return (entry & ~(uint32_t)QNI_AUTOMATON_MATCH) != QNI_AUTOMATON_DEAD;
}

void qni_splitter_free_match(void *match);

// The next match at or after `from` in text[0, n). `*found` is the match before, {SIZE_MAX,
// SIZE_MAX} at first: none is empty that begins where that ends. *any false: there is none.
QNI_WARN_UNUSED qn_status qni_splitter_next(const qni_splitter *splitter, const char *text,
                                            size_t n, size_t from, void **match, qni_cut *found,
                                            bool *any, qn_error *err);

#endif
