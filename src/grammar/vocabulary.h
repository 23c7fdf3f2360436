// A tokenizer's vocabulary as bytes, arranged for walking: built once, immutable, shared by
// threads.
#ifndef QNI_GRAMMAR_VOCABULARY_H
#define QNI_GRAMMAR_VOCABULARY_H

#include "grammar/group_trie.h"

#include <stdbool.h>

// A token that closes a JSON string: what stands behind its first bare quote is its tail.
typedef struct qni_closer {
    uint32_t token;
    uint32_t tail;     // index into tails
    uint32_t n_before; // bytes before the quote
    uint16_t n_chars;  // characters before the quote
    bool escaped;      // some of them by an escape
} qni_closer;

// The rows of `of_group`: one for each group, then one for all of either.
enum { QNI_ROW_WIDE = QNI_N_GROUPS, QNI_ROW_MARKS, QNI_N_GROUP_ROWS };

typedef struct qni_vocabulary {
    uint32_t n_tokens;
    char *bytes;
    uint32_t *offsets; // n_tokens + 1
    uint32_t *stops;
    uint32_t n_stops;
    uint32_t n_words;    // 32-bit words of a mask
    uint32_t *texts;     // a mask: tokens that have bytes and are not special
    qni_token_trie trie; // of all tokens that have bytes and are not special
    // For strings of JSON. A token read inside a string either stays inside it or closes it.
    // tokens without a bare quote that can begin outside an escape and between characters
    qni_token_trie inside;
    qni_token_trie odd;             // those that begin inside a character
    qni_token_trie escaped;         // those of `inside` with an escape
    qni_group_trie groups;          // the others, by the groups of their characters
    qni_token_trie closing;         // the bytes before the quote -> closer
    qni_token_trie closing_escaped; // those with an escape before it
    qni_token_trie tails;           // what stands behind it -> tail
    qni_closer *closers;            // sorted by tail
    uint32_t n_closers;
    uint32_t *tail_first; // by tail: its first closer; one more at the end
    uint32_t n_tails;
    // by row of QNI_N_GROUP_ROWS a mask: the `inside` tokens that have a character of it
    uint32_t *of_group;
    uint32_t *plain;     // the mask of `inside` tokens that any text takes
    uint32_t *by_length; // `plain` tokens by characters, longest first
    uint16_t *n_chars;   // by position in by_length
    uint32_t n_plain;
    struct qni_body_cache *bodies; // masks of languages, shared by grammars
    size_t references;
} qni_vocabulary;

// Token `i` is bytes[offsets[i] .. offsets[i + 1]). `special` (may be NULL) marks those that stand
// for no text; tokens without bytes are never allowed. `stops` end the output. Everything is
// copied.
QNI_WARN_UNUSED qn_status qni_vocabulary_create(uint32_t n_tokens, const char *bytes,
                                                const uint32_t *offsets, const uint8_t *special,
                                                const uint32_t *stops, uint32_t n_stops,
                                                qni_vocabulary **out, qn_error *err);
qni_vocabulary *qni_vocabulary_share(qni_vocabulary *vocabulary);
void qni_vocabulary_free(qni_vocabulary *vocabulary); // NULL is fine

// Does the token stand for text that an output may contain?
bool qni_vocabulary_has_text(const qni_vocabulary *vocabulary, uint32_t token);

static inline void qni_mask_set(uint32_t *mask, uint32_t token)
{
    mask[token / 32] |= (uint32_t)1 << token % 32;
}

// Clears the `plain` tokens of more characters than `most`.
static inline void qni_mask_clear_longer(const qni_vocabulary *v, uint32_t *mask, uint32_t most)
{
    for (uint32_t i = 0; i < v->n_plain && v->n_chars[i] > most; i++) {
        mask[v->by_length[i] / 32] &= ~((uint32_t)1 << v->by_length[i] % 32);
    }
}

#endif
