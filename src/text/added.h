// Added tokens: cut out of the text before anything else looks at it, at every place the longest
// that fits.
#ifndef QNI_TEXT_ADDED_H
#define QNI_TEXT_ADDED_H

#include "text/tokenizer.h"
#include "text/trie.h"

enum { QNI_ADDED_BEGINNINGS = 4 };

typedef struct qni_added_beginning {
    char first, second;
    bool any_second;
} qni_added_beginning;

// One of the two sets: those looked for in the text as it is, and those looked for in the
// normalized text.
typedef struct qni_added_set {
    const qni_added_token *tokens;
    qni_trie trie;      // values are indices into tokens
    uint8_t first[256]; // 1 for bytes that a token begins with
    // What tokens begin with, when that is few: two bytes, or one of them with any other behind it.
    qni_added_beginning beginnings[QNI_ADDED_BEGINNINGS];
    int n_beginnings; // 0: it is not few
    size_t n;
    size_t longest; // bytes of a token
    bool has_single_word;
    bool holds_replacement; // some token has U+FFFD in it, which may stand for any bytes
} qni_added_set;

// `contents[i]` is what is looked for, for token index[i].
QNI_WARN_UNUSED qn_status qni_added_set_build(const qni_added_token *tokens,
                                              const qni_trie_key *keys, size_t n,
                                              qni_added_set *out, qn_error *err);
void qni_added_set_end(qni_added_set *set);

typedef struct qni_added_match {
    size_t begin, end;
    const qni_added_token *token;
} qni_added_match;

// The first added token at or after `from`, of those that count: its flags hold, and it is not
// special when `plain_special`. `previous` is the end of the match before. False when there is
// none.
bool qni_added_next(const qni_added_set *set, const char *text, size_t n, size_t from,
                    size_t previous, bool plain_special, size_t *resume, qni_added_match *out);

// Whether no token lies across `at` or ends there, and those behind it do not ask what stands
// before. What is not UTF-8 need not be replaced.
bool qni_added_apart(const qni_added_set *set, const char *text, size_t n, size_t at);

#endif
