// Items of one size, known by number, in blocks that stay where they are: a table that is copied
// when it is full makes some masks take much longer than others.
#ifndef QNI_GRAMMAR_BLOCKS_H
#define QNI_GRAMMAR_BLOCKS_H

#include "grammar/account.h"

enum { QNI_BLOCK_ITEMS = 256 };

typedef struct qni_blocks {
    void **blocks;
    size_t n;
    size_t capacity;
} qni_blocks;

// One more block, of zeros.
bool qni_blocks_add(qni_blocks *b, qni_account *account, size_t item_bytes);
void qni_blocks_end(qni_blocks *b);

// Makes room for item `i`, which may be the one behind those there are. New items are zero.
static inline bool qni_blocks_reach(qni_blocks *b, qni_account *account, size_t i,
                                    size_t item_bytes)
{
    return i < b->n * QNI_BLOCK_ITEMS || qni_blocks_add(b, account, item_bytes);
}

static inline void *qni_blocks_at(const qni_blocks *b, size_t i, size_t item_bytes)
{
    return (char *)b->blocks[i / QNI_BLOCK_ITEMS] + i % QNI_BLOCK_ITEMS * item_bytes;
}

#endif
