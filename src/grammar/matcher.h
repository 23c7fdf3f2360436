// One output on its way through a grammar.
#ifndef QNI_GRAMMAR_MATCHER_H
#define QNI_GRAMMAR_MATCHER_H

#include "grammar/mask.h"

// After a token: how much text there was, and the state there.
typedef struct qni_mark {
    size_t size;
    qni_state state;
    bool ended; // by a stop token
} qni_mark;

typedef struct qni_matcher {
    qni_engine *engine;
    qni_vocabulary *vocabulary;
    qni_masker *masker;
    uint64_t epoch; // of the states
    qni_buf text;
    qni_mark *marks; // marks[0] is the beginning, then one a token
    size_t n_marks;
    size_t marks_capacity;
    uint32_t search_nodes; // of searches for completions: what they cost, added up
} qni_matcher;

// The caller holds no lock in any of these. The masker is the engine's for this vocabulary.
QNI_WARN_UNUSED qn_status qni_matcher_begin(qni_matcher *m, qni_engine *engine,
                                            qni_vocabulary *vocabulary, qn_error *err);
void qni_matcher_end(qni_matcher *m);
QNI_WARN_UNUSED qn_status qni_matcher_copy(qni_matcher *m, const qni_matcher *from, qn_error *err);

// Takes tokens until one does not fit; `*taken` counts those that did.
QNI_WARN_UNUSED qn_status qni_matcher_consume(qni_matcher *m, const uint32_t *tokens, size_t n,
                                              size_t *taken, qn_error *err);

// Takes text as one token, all of it or nothing.
QNI_WARN_UNUSED qn_status qni_matcher_consume_text(qni_matcher *m, const char *text, size_t n,
                                                   bool *taken, qn_error *err);

QNI_WARN_UNUSED qn_status qni_matcher_rollback(qni_matcher *m, size_t n, qn_error *err);
QNI_WARN_UNUSED qn_status qni_matcher_mask(qni_matcher *m, uint32_t *mask, qn_error *err);

// The same by walking the whole vocabulary byte by byte: what a mask means. For tests.
QNI_WARN_UNUSED qn_status qni_matcher_mask_by_walk(qni_matcher *m, uint32_t *mask, qn_error *err);

QNI_WARN_UNUSED qn_status qni_matcher_can_end(qni_matcher *m, bool *can, qn_error *err);

// Text that must come next whatever is chosen: up to `limit` bytes, whole characters.
QNI_WARN_UNUSED qn_status qni_matcher_forced(qni_matcher *m, char *out, size_t limit, size_t *size,
                                             qn_error *err);

// The bytes that may follow the output and `text`; none where it does not fit. `*can_end`: whether
// the output may end there.
QNI_WARN_UNUSED qn_status qni_matcher_next_bytes(qni_matcher *m, const char *text, size_t n,
                                                 bool bytes[256], bool *can_end, qn_error *err);

// A text that completes the output, about as short as any, in bytes. QN_LIMIT_EXCEEDED when it
// takes more than `limit`.
QNI_WARN_UNUSED qn_status qni_matcher_shortest(qni_matcher *m, char *out, size_t limit,
                                               size_t *size, qn_error *err);

// shortest.c
QNI_WARN_UNUSED qn_status qni_shortest_find(qni_matcher *m, const qni_state *start, char *out,
                                            size_t limit, size_t *size, qn_error *err);

#endif
