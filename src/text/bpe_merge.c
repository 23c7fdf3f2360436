// Byte pair encoding by its definition: a heap of the pairs that may merge, over a linked row of
// symbols.
#include "base/alloc.h"
#include "text/bpe.h"

typedef struct link {
    uint32_t id;
    uint32_t n;       // bytes; 0: merged into another
    uint32_t version; // rises when the symbol changes, so that older pairs are known to be gone
    int32_t before, after;
} link;

typedef struct candidate {
    uint32_t rank;
    int32_t at; // the left symbol
    uint32_t left_version, right_version;
    uint32_t id;
} candidate;

typedef struct merger {
    const qni_bpe *bpe;
    qni_bpe_scratch *scratch;
    link *links;
    candidate *heap;
    size_t n_heap;
} merger;

static bool comes_before(const candidate *a, const candidate *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static void push(merger *m, candidate c)
{
    size_t at = m->n_heap++;
    while (at > 0 && comes_before(&c, &m->heap[(at - 1) / 2])) {
        m->heap[at] = m->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    m->heap[at] = c;
}

static candidate pop(merger *m)
{
    candidate top = m->heap[0], last = m->heap[--m->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= m->n_heap) {
            break;
        }
        child += child + 1 < m->n_heap && comes_before(&m->heap[child + 1], &m->heap[child]);
        if (!comes_before(&m->heap[child], &last)) {
            break;
        }
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = last;
    return top;
}

static void offer(merger *m, int32_t left)
{
    if (left < 0 || m->links[left].after < 0) {
        return;
    }
    const link *l = &m->links[left], *r = &m->links[l->after];
    uint32_t id, rank = qni_bpe_rank(m->bpe, l->id, r->id, &id);
    if (rank != QNI_NO_RANK) {
        push(m, (candidate){rank, left, l->version, r->version, id});
    }
}

static void merge_all(merger *m)
{
    while (m->n_heap > 0) {
        candidate c = pop(m);
        link *left = &m->links[c.at];
        if (left->n == 0 || left->version != c.left_version || left->after < 0 ||
            m->links[left->after].version != c.right_version) {
            continue;
        }
        link *right = &m->links[left->after];
        left->id = c.id;
        left->n += right->n;
        left->version++;
        right->n = 0;
        right->version++;
        left->after = right->after;
        if (left->after >= 0) {
            m->links[left->after].before = c.at;
        }
        offer(m, left->before);
        offer(m, c.at);
    }
}

qn_status qni_bpe_merge_symbols(const qni_bpe *bpe, qni_bpe_scratch *scratch,
                                qni_bpe_symbol *symbols, size_t *n, qn_error *err)
{
    size_t count = *n;
    if (count < 2) {
        return QN_OK;
    }
    // Every merge takes one symbol away and offers two pairs at most.
    if (qni_grow(&scratch->links, &scratch->links_capacity, count, sizeof(link)) != 0 ||
        qni_grow(&scratch->heap, &scratch->heap_capacity, 3 * count, sizeof(candidate)) != 0) {
        return qni_fail_memory(err);
    }
    merger m = {.bpe = bpe, .scratch = scratch, .links = scratch->links, .heap = scratch->heap};
    for (size_t i = 0; i < count; i++) {
        m.links[i] = (link){.id = symbols[i].id,
                            .n = symbols[i].n,
                            .before = (int32_t)i - 1,
                            .after = i + 1 < count ? (int32_t)i + 1 : -1};
    }
    for (size_t i = 0; i < count; i++) {
        offer(&m, (int32_t)i);
    }
    merge_all(&m);
    size_t kept = 0;
    for (int32_t i = 0; i >= 0; i = m.links[i].after) {
        symbols[kept++] = (qni_bpe_symbol){m.links[i].id, m.links[i].n};
    }
    *n = kept;
    return QN_OK;
}
