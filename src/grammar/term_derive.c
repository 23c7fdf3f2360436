// Derivatives: a term's successors, whether it has texts, the shortest of them, how many.
#include "base/alloc.h"
#include "grammar/term_impl.h"

#include <string.h>

static qni_term derive(qni_terms *terms, qni_term a, unsigned byte);

static qni_term derive_members(qni_terms *terms, qni_term a, size_t n, unsigned byte, uint32_t kind)
{
    qni_bag b;
    qni_bag_begin(&b, terms);
    bool possible = true;
    for (size_t i = 1; i < n && possible; i++) {
        qni_term d = derive(terms, qni_term_record(terms, a, NULL)[i], byte);
        possible = kind == QNI_TERM_KIND_ALT || d != QNI_TERM_NOTHING;
        if (d != QNI_TERM_NOTHING) {
            qni_bag_add(&b, d);
        }
    }
    qni_term result = QNI_TERM_NOTHING;
    if (possible) {
        result = kind == QNI_TERM_KIND_ALT ? qni_term_alt(terms, b.items, b.n)
                                           : qni_term_and(terms, b.items, b.n);
    }
    qni_bag_end(&b);
    return result;
}

static qni_term derive_new(qni_terms *terms, qni_term a, unsigned byte)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    uint32_t x = n > 1 ? r[1] : 0, y = n > 2 ? r[2] : 0, z = n > 3 ? r[3] : 0;
    switch (r[0]) {
    case QNI_TERM_KIND_ALL: return QNI_TERM_ALL;
    case QNI_TERM_KIND_SET:
        return r[1 + byte / 32] >> byte % 32 & 1 ? QNI_TERM_EMPTY : QNI_TERM_NOTHING;
    case QNI_TERM_KIND_NOT: return qni_term_not(terms, derive(terms, x, byte));
    case QNI_TERM_KIND_CONCAT: {
        qni_term head = qni_term_concat(terms, derive(terms, x, byte), y);
        if (!terms->info[x].nullable) {
            return head;
        }
        return qni_term_alt2(terms, head, derive(terms, y, byte));
    }
    case QNI_TERM_KIND_REPEAT: {
        uint32_t min = y == 0 ? 0 : y - 1, max = z == QNI_TERM_NO_MAX ? z : z - 1;
        qni_term head = derive(terms, x, byte);
        return head == QNI_TERM_NOTHING
                   ? QNI_TERM_NOTHING
                   : qni_term_concat(terms, head, qni_term_repeat(terms, x, min, max));
    }
    case QNI_TERM_KIND_ALT:
    case QNI_TERM_KIND_AND: return derive_members(terms, a, n, byte, r[0]);
    default: return QNI_TERM_NOTHING; // QNI_TERM_KIND_EMPTY
    }
}

// The derivative. Terms share parts, so each part is derived once for a byte.
static qni_term derive(qni_terms *terms, qni_term a, unsigned byte)
{
    if (a == QNI_TERM_NOTHING || !qni_account_step(terms->account, 1)) {
        return QNI_TERM_NOTHING;
    }
    if (terms->info[a].row != NULL) {
        return terms->info[a].row[byte];
    }
    if (terms->info[a].visit == terms->visit) {
        return terms->info[a].derived;
    }
    qni_term result = derive_new(terms, a, byte);
    terms->info[a].visit = terms->visit;
    terms->info[a].derived = result;
    return result;
}

// A partition of the bytes.
typedef struct partition {
    uint64_t classes[256][4];
    unsigned n;
} partition;

static void split_classes(partition *p, const uint64_t set[4])
{
    unsigned before = p->n;
    for (unsigned c = 0; c < before; c++) {
        uint64_t *class = p->classes[c];
        uint64_t in[4], out[4], any_in = 0, any_out = 0;
        for (unsigned w = 0; w < 4; w++) {
            in[w] = class[w] & set[w];
            out[w] = class[w] & ~set[w];
            any_in |= in[w];
            any_out |= out[w];
        }
        if (any_in != 0 && any_out != 0) {
            memcpy(class, in, sizeof in);
            memcpy(p->classes[p->n++], out, sizeof out);
        }
    }
}

// Splits the bytes into classes that the first derivative of `a` cannot tell apart.
static void refine(qni_terms *terms, qni_term a, partition *p)
{
    if (a == QNI_TERM_NOTHING || p->n == 256 || terms->info[a].visit == terms->visit) {
        return;
    }
    terms->info[a].visit = terms->visit;
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    switch (r[0]) {
    case QNI_TERM_KIND_SET: {
        uint64_t set[4];
        for (unsigned w = 0; w < 4; w++) {
            set[w] = r[1 + 2 * w] | (uint64_t)r[2 + 2 * w] << 32;
        }
        split_classes(p, set);
        break;
    }
    case QNI_TERM_KIND_CONCAT:
        refine(terms, r[1], p);
        if (terms->info[r[1]].nullable) {
            refine(terms, r[2], p);
        }
        break;
    case QNI_TERM_KIND_NOT:
    case QNI_TERM_KIND_REPEAT: refine(terms, r[1], p); break;
    case QNI_TERM_KIND_ALT:
    case QNI_TERM_KIND_AND:
        for (size_t i = 1; i < n; i++) {
            refine(terms, r[i], p);
        }
        break;
    default: break;
    }
}

// The successors of `a`, class by class.
static void fill_row(qni_terms *terms, qni_term a, uint32_t *row)
{
    partition p;
    memset(p.classes[0], 0xFF, sizeof p.classes[0]);
    p.n = 1;
    terms->visit++;
    refine(terms, a, &p);
    for (unsigned c = 0; c < p.n; c++) {
        qni_term next = QNI_TERM_NOTHING;
        bool derived = false;
        for (unsigned w = 0; w < 4; w++) {
            for (uint64_t left = p.classes[c][w]; left != 0; left &= left - 1) {
                unsigned b = 64 * w + (unsigned)__builtin_ctzll(left);
                if (!derived) {
                    terms->visit++;
                    next = derive(terms, a, b);
                    derived = true;
                }
                row[b] = next;
            }
        }
    }
}

// Makes the row of successors; NULL when the account failed.
static uint32_t *row_of(qni_terms *terms, qni_term a)
{
    if (terms->info[a].row != NULL) {
        return terms->info[a].row;
    }
    if (!qni_account_step(terms->account, 64)) {
        return NULL;
    }
    uint32_t *row = NULL;
    size_t capacity = 0;
    if (!qni_account_grow(terms->account, &row, &capacity, 256, sizeof *row)) {
        return NULL;
    }
    fill_row(terms, a, row);
    if (terms->account->status != QN_OK) {
        qni_free(row);
        return NULL;
    }
    terms->info[a].row = row;
    return row;
}

// Breadth first over successors until a text ends. What the search finds is kept: the way to the
// end is live, and when the search runs dry everything it saw is empty.
static bool search_life(qni_terms *terms, qni_term a)
{
    uint32_t stamp = ++terms->stamp;
    size_t n = 0;
    if (!qni_account_grow(terms->account, &terms->todo, &terms->todo_capacity, 2,
                          sizeof *terms->todo)) {
        return false;
    }
    terms->todo[n++] = a;
    terms->todo[n++] = UINT32_MAX;
    terms->info[a].stamp = stamp;
    for (size_t at = 0; at < n; at += 2) {
        const uint32_t *row = row_of(terms, terms->todo[at]);
        if (row == NULL) {
            return false;
        }
        for (unsigned b = 0; b < 256; b++) {
            qni_term next = row[b];
            if (next == 0 || (b > 0 && next == row[b - 1]) || terms->info[next].stamp == stamp ||
                terms->info[next].life == QNI_LIFE_NO) {
                continue;
            }
            terms->info[next].stamp = stamp;
            if (terms->info[next].life == QNI_LIFE_YES) {
                for (size_t i = at; i != UINT32_MAX; i = terms->todo[i + 1]) {
                    terms->info[terms->todo[i]].life = QNI_LIFE_YES;
                }
                return true;
            }
            if (!qni_account_grow(terms->account, &terms->todo, &terms->todo_capacity, n + 2,
                                  sizeof *terms->todo)) {
                return false;
            }
            terms->todo[n++] = next;
            terms->todo[n++] = (uint32_t)at;
        }
    }
    for (size_t i = 0; i < n; i += 2) {
        terms->info[terms->todo[i]].life = QNI_LIFE_NO;
    }
    return false;
}

bool qni_term_live(qni_terms *terms, qni_term a)
{
    if (a == QNI_TERM_NOTHING) {
        return false;
    }
    uint8_t life = terms->info[a].life;
    return life == QNI_LIFE_UNKNOWN ? search_life(terms, a) : life == QNI_LIFE_YES;
}

qni_term qni_term_step(qni_terms *terms, qni_term a, unsigned byte)
{
    uint32_t *row = a == QNI_TERM_NOTHING ? NULL : row_of(terms, a);
    if (row == NULL) {
        return QNI_TERM_NOTHING;
    }
    qni_term next = row[byte];
    if (next != QNI_TERM_NOTHING && terms->info[next].life != QNI_LIFE_YES &&
        !qni_term_live(terms, next)) {
        row[byte] = next = QNI_TERM_NOTHING;
    }
    return next;
}

bool qni_term_shortest(qni_terms *terms, qni_term a, char *out, size_t limit, size_t *size)
{
    *size = 0;
    if (!qni_term_live(terms, a)) {
        return false;
    }
    // Breadth first again, remembering the byte beside the predecessor: three words an entry.
    uint32_t stamp = ++terms->stamp;
    size_t n = 0, at = 0;
    qni_account *account = terms->account;
    for (;;) {
        if (at == 0 && n == 0) {
            if (!qni_account_grow(account, &terms->todo, &terms->todo_capacity, 3, 4)) {
                return false;
            }
            memcpy(terms->todo, (uint32_t[]){a, UINT32_MAX, 0}, 12);
            n = 3;
            terms->info[a].stamp = stamp;
        }
        if (at >= n || terms->info[terms->todo[at]].nullable) {
            break;
        }
        const uint32_t *row = row_of(terms, terms->todo[at]);
        for (unsigned b = 0; row != NULL && b < 256; b++) {
            if (row[b] == 0 || terms->info[row[b]].stamp == stamp) {
                continue;
            }
            terms->info[row[b]].stamp = stamp;
            if (!qni_account_grow(account, &terms->todo, &terms->todo_capacity, n + 3, 4)) {
                return false;
            }
            memcpy(terms->todo + n, (uint32_t[]){row[b], (uint32_t)at, b}, 12);
            n += 3;
        }
        at += 3;
    }
    if (at >= n) {
        return false;
    }
    for (size_t i = at; terms->todo[i + 1] != UINT32_MAX; i = terms->todo[i + 1]) {
        ++*size;
    }
    if (*size > limit) {
        return false;
    }
    size_t left = *size;
    for (size_t i = at; terms->todo[i + 1] != UINT32_MAX; i = terms->todo[i + 1]) {
        out[--left] = (char)terms->todo[i + 2];
    }
    return true;
}

// Depth first; a text longer than `limit` times the states would repeat a state, and then there are
// more than any limit.
static size_t count_texts(qni_terms *terms, qni_term a, size_t limit, size_t depth)
{
    if (depth > 512) {
        return limit; // so long a text is taken for endless
    }
    size_t found = qni_term_nullable(terms, a) ? 1 : 0;
    for (unsigned b = 0; b < 256 && found < limit; b++) {
        qni_term next = qni_term_step(terms, a, b);
        if (next != QNI_TERM_NOTHING) {
            found += count_texts(terms, next, limit - found, depth + 1);
        }
    }
    return found;
}

size_t qni_term_count(qni_terms *terms, qni_term a, size_t limit)
{
    return qni_term_live(terms, a) ? count_texts(terms, a, limit, 0) : 0;
}
