// Text on its way through the steps of a tokenizer, and the rewriting of it.
//
// A passage is valid UTF-8. `origin` says for each byte which bytes of the given text it stands
// for; it is kept only when offsets are asked for. A character that a step puts in the place of
// another stands for all bytes of the other; one that a step adds stands for what the character
// before it stands for, which is how Hugging Face's tokenizers count.
#ifndef QNI_TEXT_PASSAGE_H
#define QNI_TEXT_PASSAGE_H

#include "text/tokenizer.h"

typedef struct qni_passage {
    const char *text;
    size_t n;
    const qni_text_span *origin; // NULL: byte i stands for itself, at shift + i
    size_t shift;
    size_t base;    // of the given text: what is put in front of the passage stands there
    bool at_start;  // its first character stands for the first of the given text
    bool continues; // text of the same passage stood before it, see settle.h
    bool goes_on;   // and more of it follows
} qni_passage;

// The bytes of the given text that the passage's bytes [begin, end) stand for.
qni_text_span qni_passage_span(const qni_passage *p, size_t begin, size_t end);

// The character that holds byte `at`.
qni_text_span qni_passage_character(const qni_passage *p, size_t at);

// A buffer that a step writes its result to.
typedef struct qni_draft {
    char *text;
    qni_text_span *origin;
    size_t n, capacity, origin_capacity;
    bool track; // keep origins
} qni_draft;

void qni_draft_begin(qni_draft *draft, bool track); // empty, memory kept
void qni_draft_end(qni_draft *draft);

// Room for `n` bytes at *to, without origins; what is written there counts when the draft's `n`
// does.
QNI_WARN_UNUSED qn_status qni_draft_room(qni_draft *draft, size_t n, char **to, qn_error *err);

// Adds bytes that stand for `from`.
QNI_WARN_UNUSED qn_status qni_draft_add(qni_draft *draft, const char *bytes, size_t n,
                                        qni_text_span from, qn_error *err);

// Adds bytes [begin, end) of the passage as they are.
QNI_WARN_UNUSED qn_status qni_draft_copy(qni_draft *draft, const qni_passage *p, size_t begin,
                                         size_t end, qn_error *err);

// Adds bytes [begin, end) of the passage with `with` (n bytes) in the place of every `byte`, which
// is ASCII. Without origins only.
QNI_WARN_UNUSED qn_status qni_draft_replace(qni_draft *draft, const qni_passage *p, size_t begin,
                                            size_t end, char byte, const char *with, size_t n,
                                            qn_error *err);

// The passage that a draft has become.
void qni_draft_give(const qni_draft *draft, qni_passage *p);

// Makes U+FFFD of what is not UTF-8, in the draft, where there is any.
QNI_WARN_UNUSED qn_status qni_passage_clean(qni_passage *p, qni_draft *draft, bool track,
                                            qn_error *err);

// Rewriting character by character. `at` is the place in `from` that is read next.
typedef struct qni_rewrite {
    const qni_passage *from;
    qni_draft *to;
    size_t at;
    qn_error *err;
} qni_rewrite;

// Writes one character. `change` 0: it takes the place of the next character; 1: it is added; -k:
// it takes the place of the next character and k more.
QNI_WARN_UNUSED qn_status qni_rewrite_put(qni_rewrite *r, uint32_t code, int change);

// The next character to read; its length goes to *n.
uint32_t qni_rewrite_next(const qni_rewrite *r, size_t *n);

#endif
