#include "grammar/blocks.h"

#include "base/alloc.h"

bool qni_blocks_add(qni_blocks *b, qni_account *account, size_t item_bytes)
{
    if (!qni_account_grow(account, &b->blocks, &b->capacity, b->n + 1, sizeof *b->blocks)) {
        return false;
    }
    void *block = qni_account_alloc(account, QNI_BLOCK_ITEMS * item_bytes);
    if (block != NULL) {
        b->blocks[b->n++] = block;
    }
    return block != NULL;
}

void qni_blocks_end(qni_blocks *b)
{
    for (size_t i = 0; i < b->n; i++) {
        qni_free(b->blocks[i]);
    }
    qni_free(b->blocks);
    *b = (qni_blocks){0};
}
