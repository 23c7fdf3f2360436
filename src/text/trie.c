#include "text/trie.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256, OPEN_BLOCKS = 12, FREE = 0x100, MAX_UNITS = 1 << 22 };

typedef struct builder {
    uint64_t *units;
    uint8_t *base_used; // per place: it is some node's base
    size_t n, capacity, used_capacity;
    uint32_t open[OPEN_BLOCKS]; // blocks that may have room, the newest last
    uint32_t full[OPEN_BLOCKS]; // how often a search in them failed
    int n_open;
    const qni_trie_key *keys;
    qn_error *err;
} builder;

// A node still to be given children: keys [first, last) share the path to it, `depth` bytes long.
typedef struct task {
    uint32_t node, first, last, depth;
} task;

static int compare_keys(const void *a, const void *b)
{
    const qni_trie_key *x = a, *y = b;
    uint32_t n = x->n < y->n ? x->n : y->n;
    int order = memcmp(x->bytes, y->bytes, n);
    order = order != 0 ? order : (x->n > y->n) - (x->n < y->n);
    return order != 0 ? order : (x->value > y->value) - (x->value < y->value);
}

static qn_status add_block(builder *b)
{
    size_t n = b->n + BLOCK;
    if (n > MAX_UNITS) {
        return qni_fail(b->err, QN_LIMIT_EXCEEDED, NULL,
                        "the vocabulary's trie would have more than %d nodes", MAX_UNITS);
    }
    if (qni_grow(&b->units, &b->capacity, n, sizeof *b->units) != 0 ||
        qni_grow(&b->base_used, &b->used_capacity, n, sizeof *b->base_used) != 0) {
        return qni_fail_memory(b->err);
    }
    for (size_t i = b->n; i < n; i++) {
        b->units[i] = FREE;
        b->base_used[i] = 0;
    }
    if (b->n_open == OPEN_BLOCKS) {
        memmove(b->open, b->open + 1, sizeof b->open - sizeof b->open[0]);
        memmove(b->full, b->full + 1, sizeof b->full - sizeof b->full[0]);
        b->n_open--;
    }
    b->open[b->n_open] = (uint32_t)(b->n / BLOCK);
    b->full[b->n_open++] = 0;
    b->n = n;
    return QN_OK;
}

static bool fits(const builder *b, uint32_t base, const unsigned char *labels, int n_labels)
{
    if (b->base_used[base]) {
        return false;
    }
    for (int i = 0; i < n_labels; i++) {
        if ((b->units[base ^ labels[i]] & FREE) == 0) {
            return false;
        }
    }
    return true;
}

// A base in the block for children by these labels, or -1.
static int64_t search_block(const builder *b, uint32_t block, const unsigned char *labels, int n)
{
    for (uint32_t base = block * BLOCK; base < (block + 1) * BLOCK; base++) {
        if (fits(b, base, labels, n)) {
            return base;
        }
    }
    return -1;
}

static void close_block(builder *b, int at)
{
    b->n_open--;
    memmove(b->open + at, b->open + at + 1, (size_t)(b->n_open - at) * sizeof b->open[0]);
    memmove(b->full + at, b->full + at + 1, (size_t)(b->n_open - at) * sizeof b->full[0]);
}

static qn_status find_base(builder *b, const unsigned char *labels, int n_labels, uint32_t *base)
{
    enum { PATIENCE = 8 };
    for (int i = 0; i < b->n_open; i++) {
        int64_t found = search_block(b, b->open[i], labels, n_labels);
        if (found >= 0) {
            *base = (uint32_t)found;
            return QN_OK;
        }
        // no room even for a small family: give the block up
        if (n_labels <= 2 && ++b->full[i] > PATIENCE) {
            close_block(b, i--);
        }
    }
    QNI_TRY(add_block(b));
    *base = (uint32_t)(b->n - BLOCK);
    return QN_OK;
}

// The bytes that follow the task's path, and where the keys of each begin.
static int collect_labels(const builder *b, const task *t, unsigned char *labels, uint32_t *firsts)
{
    int n = 0;
    for (uint32_t i = t->first; i < t->last; i++) {
        unsigned char c = b->keys[i].bytes[t->depth];
        if (n == 0 || labels[n - 1] != c) {
            labels[n] = c;
            firsts[n++] = i;
        }
    }
    firsts[n] = t->last;
    return n;
}

static qn_status place_children(builder *b, task t, task *children, int *n_children)
{
    unsigned char labels[256];
    uint32_t firsts[257], base;
    while (t.first < t.last && b->keys[t.first].n == t.depth) { // the shortest ones end here
        uint64_t value = b->keys[t.first++].value;
        b->units[t.node] = (b->units[t.node] & QNI_TRIE_LABEL) | QNI_TRIE_KEY |
                           value << QNI_TRIE_VALUE_SHIFT;
    }
    *n_children = 0;
    if (t.first == t.last) {
        return QN_OK;
    }
    int n = collect_labels(b, &t, labels, firsts);
    QNI_TRY(find_base(b, labels, n, &base));
    b->base_used[base] = 1;
    b->units[t.node] |= (uint64_t)base << QNI_TRIE_BASE_SHIFT;
    for (int i = 0; i < n; i++) {
        b->units[base ^ labels[i]] = labels[i];
        children[i] = (task){base ^ labels[i], firsts[i], firsts[i + 1], t.depth + 1};
    }
    *n_children = n;
    return QN_OK;
}

static qn_status build_nodes(builder *b, size_t n_keys)
{
    task *stack = NULL, children[256];
    size_t n = 1, capacity = 0;
    if (qni_grow(&stack, &capacity, 256, sizeof *stack) != 0) {
        return qni_fail_memory(b->err);
    }
    stack[0] = (task){0, 0, (uint32_t)n_keys, 0};
    qn_status status = QN_OK;
    while (n > 0 && status == QN_OK) {
        int n_children;
        status = place_children(b, stack[--n], children, &n_children);
        if (status == QN_OK && n_children > 0) {
            if (qni_grow(&stack, &capacity, n + (size_t)n_children, sizeof *stack) != 0) {
                status = qni_fail_memory(b->err);
                break;
            }
            for (int i = n_children - 1; i >= 0; i--) {
                stack[n++] = children[i];
            }
        }
    }
    qni_free(stack);
    return status;
}

qn_status qni_trie_build(qni_trie_key *keys, size_t n, qni_trie *out, qn_error *err)
{
    *out = (qni_trie){0};
    builder b = {.keys = keys, .err = err};
    qn_status status = add_block(&b);
    if (status == QN_OK) {
        // A node without children keeps base 0, so no family may live there. The root's own place
        // must answer to no byte: it carries 0xFF, which only base 0xFF would look for.
        b.units[0] = 0xFF;
        b.base_used[0] = b.base_used[0xFF] = 1;
    }
    if (status == QN_OK && n > 0) {
        qsort(keys, n, sizeof *keys, compare_keys);
        status = build_nodes(&b, n);
    }
    qni_free(b.base_used);
    if (status != QN_OK) {
        qni_free(b.units);
        return status;
    }
    *out = (qni_trie){b.units, (uint32_t)b.n, true};
    return QN_OK;
}

void qni_trie_map_values(qni_trie *trie, const uint32_t *to)
{
    uint64_t *units = (uint64_t *)(uintptr_t)trie->units;
    for (uint32_t i = 0; i < trie->n; i++) {
        if (qni_trie_is_key(trie, i)) {
            uint64_t value = to[qni_trie_value(units[i])];
            units[i] = (uint32_t)units[i] | value << QNI_TRIE_VALUE_SHIFT;
        }
    }
}

bool qni_trie_holds(const qni_trie *trie, unsigned char byte)
{
    for (uint32_t i = 1; i < trie->n; i++) { // 0 is the root
        uint32_t node = i;
        bool used = (trie->units[i] & QNI_TRIE_LABEL) != FREE;
        if (used && qni_trie_step(trie, &node, byte)) {
            return true;
        }
    }
    return false;
}

void qni_trie_end(qni_trie *trie)
{
    if (trie->owned) {
        qni_free((void *)(uintptr_t)trie->units);
    }
    *trie = (qni_trie){0};
}
