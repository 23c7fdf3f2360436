// Terms as states: derivatives, rows of successors, and searches along them.
#include "grammar/term_impl.h"

#include "base/alloc.h"

#include <string.h>

static qni_term derive(qni_terms *terms, qni_term a, unsigned byte);

static qni_term derive_members(qni_terms *terms, qni_term a, size_t n, unsigned byte, uint32_t kind)
{
    qni_term_bag b;
    qni_term_bag_begin(&b, terms);
    bool possible = true;
    for (size_t i = 1; i < n && possible; i++) {
        qni_term d = derive(terms, qni_term_record(terms, a, NULL)[i], byte);
        possible = kind == KIND_ALT || d != QNI_TERM_NOTHING;
        if (d != QNI_TERM_NOTHING) {
            qni_term_bag_add(&b, d);
        }
    }
    qni_term result = QNI_TERM_NOTHING;
    if (possible) {
        result = kind == KIND_ALT ? qni_term_alt(terms, b.items, b.n)
                                  : qni_term_and(terms, b.items, b.n);
    }
    qni_term_bag_end(&b);
    return result;
}

static qni_term derive_new(qni_terms *terms, qni_term a, unsigned byte)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    uint32_t x = n > 1 ? r[1] : 0, y = n > 2 ? r[2] : 0, z = n > 3 ? r[3] : 0;
    switch (r[0]) {
    case KIND_ALL: return QNI_TERM_ALL;
    case KIND_SET: return r[1 + byte / 32] >> byte % 32 & 1 ? QNI_TERM_EMPTY : QNI_TERM_NOTHING;
    case KIND_NOT: return qni_term_not(terms, derive(terms, x, byte));
    case KIND_CONCAT: {
        qni_term head = qni_term_concat(terms, derive(terms, x, byte), y);
        if (!qni_term_info_of(terms, x)->nullable) {
            return head;
        }
        return qni_term_alt2(terms, head, derive(terms, y, byte));
    }
    case KIND_REPEAT: {
        uint32_t min = y == 0 ? 0 : y - 1, max = z == QNI_TERM_NO_MAX ? z : z - 1;
        qni_term head = derive(terms, x, byte);
        return head == QNI_TERM_NOTHING
                   ? QNI_TERM_NOTHING
                   : qni_term_concat(terms, head, qni_term_repeat(terms, x, min, max));
    }
    case KIND_ALT:
    case KIND_AND: return derive_members(terms, a, n, byte, r[0]);
    default: return QNI_TERM_NOTHING; // KIND_EMPTY
    }
}

// The derivative. Terms share parts, so each part is derived once for a byte.
static qni_term derive(qni_terms *terms, qni_term a, unsigned byte)
{
    if (a == QNI_TERM_NOTHING || !qni_account_step(terms->account, 1)) {
        return QNI_TERM_NOTHING;
    }
    if (qni_term_info_of(terms, a)->row != NULL) {
        return qni_row_next(qni_term_info_of(terms, a)->row, byte);
    }
    if (qni_term_info_of(terms, a)->visit == terms->visit) {
        return qni_term_info_of(terms, a)->derived;
    }
    qni_term result = derive_new(terms, a, byte);
    qni_term_info_of(terms, a)->visit = terms->visit;
    qni_term_info_of(terms, a)->derived = result;
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

// A set of bytes of a term, as the words of a class.
static void read_set(const uint32_t *record, uint64_t set[4])
{
    for (unsigned w = 0; w < 4; w++) {
        set[w] = record[1 + 2 * w] | (uint64_t)record[2 + 2 * w] << 32;
    }
}

// Splits the bytes into classes that the first derivative of `a` cannot tell apart.
static void refine(qni_terms *terms, qni_term a, partition *p)
{
    if (a == QNI_TERM_NOTHING || p->n == 256 || qni_term_info_of(terms, a)->visit == terms->visit) {
        return;
    }
    qni_term_info_of(terms, a)->visit = terms->visit;
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    switch (r[0]) {
    case KIND_SET: {
        uint64_t set[4];
        read_set(r, set);
        split_classes(p, set);
        break;
    }
    case KIND_CONCAT:
        refine(terms, r[1], p);
        if (qni_term_info_of(terms, r[1])->nullable) {
            refine(terms, r[2], p);
        }
        break;
    case KIND_NOT:
    case KIND_REPEAT: refine(terms, r[1], p); break;
    case KIND_ALT:
    case KIND_AND:
        for (size_t i = 1; i < n; i++) {
            refine(terms, r[i], p);
        }
        break;
    default: break;
    }
}

// A row while it is put together.
typedef struct row_draft {
    uint64_t starts[4];
    uint8_t kinds[256];
    qni_term next[256];
    unsigned n; // kinds that lead somewhere: 1 .. n, and the 256th is 0, which else leads nowhere
} row_draft;

static uint8_t add_kind(row_draft *row, qni_term next)
{
    uint8_t kind = (uint8_t)++row->n;
    row->next[kind] = next;
    return kind;
}

// Gives the bytes of a class their kind; 0 leads nowhere.
static void set_kind(row_draft *row, const uint64_t class[4], uint8_t kind)
{
    uint64_t last = 0; // was the byte before the word in the class?
    for (unsigned w = 0; w < 4; w++) {
        row->starts[w] |= class[w] & ~(class[w] << 1 | last);
        last = class[w] >> 63;
        for (uint64_t left = kind == 0 ? 0 : class[w]; left != 0; left &= left - 1) {
            row->kinds[64 * w + (unsigned)__builtin_ctzll(left)] = kind;
        }
    }
}

// Where a term is a set of bytes with something behind it, or several of those of which no two
// share a byte, these are its successors: words, written out, are such terms.
static bool fill_row_by_heads(qni_terms *terms, qni_term a, row_draft *row)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    bool many = r[0] == KIND_ALT;
    uint64_t rest[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    for (size_t i = 1; i < (many ? n : 2); i++) {
        qni_term member = many ? r[i] : a;
        const uint32_t *m = qni_term_record(terms, member, NULL);
        qni_term behind = m[0] == KIND_CONCAT ? m[2] : QNI_TERM_EMPTY;
        m = m[0] == KIND_CONCAT ? qni_term_record(terms, m[1], NULL) : m;
        if (m[0] == KIND_EMPTY) {
            continue;
        }
        uint64_t set[4], shared = 0;
        if (m[0] != KIND_SET) {
            return false;
        }
        read_set(m, set);
        for (unsigned w = 0; w < 4; w++) {
            shared |= set[w] & ~rest[w];
            rest[w] &= ~set[w];
        }
        if (shared != 0) {
            return false;
        }
        set_kind(row, set, add_kind(row, behind));
    }
    set_kind(row, rest, 0);
    return true;
}

static void fill_row(qni_terms *terms, qni_term a, row_draft *row)
{
    partition p;
    memset(p.classes[0], 0xFF, sizeof p.classes[0]);
    p.n = 1;
    terms->visit++;
    refine(terms, a, &p);
    row->starts[0] = 1;
    for (unsigned c = 0; c < p.n; c++) {
        const uint64_t *class = p.classes[c];
        unsigned first = 256;
        for (unsigned w = 4; w-- > 0;) {
            first = class[w] != 0 ? 64 * w + (unsigned)__builtin_ctzll(class[w]) : first;
        }
        if (first == 256) {
            continue;
        }
        terms->visit++;
        qni_term next = derive(terms, a, first);
        set_kind(row, class, next == QNI_TERM_NOTHING ? 0 : add_kind(row, next));
    }
}

static qni_term_row *row_of(qni_terms *terms, qni_term a);

// What a term's successors are put together from: each part has the successors of `of`, with `rest`
// behind them. QNI_TERM_EMPTY: nothing.
enum { MOST_PARTS = 8 };
typedef struct row_parts {
    uint32_t kind; // of an intersection, a union or a complement
    size_t n;
    qni_term of[MOST_PARTS], rest[MOST_PARTS];
} row_parts;

// A repetition, or a chain with a counter, that has no row yet goes by that of what comes first.
static void add_part(qni_terms *terms, row_parts *p, qni_term part)
{
    const qni_term_info *info = qni_term_info_of(terms, part);
    const uint32_t *r = qni_term_record(terms, part, NULL);
    p->of[p->n] = part;
    p->rest[p->n] = QNI_TERM_EMPTY;
    if (info->row == NULL && r[0] == KIND_REPEAT) {
        uint32_t x = r[1], min = r[2] == 0 ? 0 : r[2] - 1;
        uint32_t max = r[3] == QNI_TERM_NO_MAX ? r[3] : r[3] - 1;
        p->of[p->n] = x;
        p->rest[p->n] = qni_term_repeat(terms, x, min, max);
    } else if (info->row == NULL && r[0] == KIND_CONCAT && info->counted &&
               !qni_term_info_of(terms, r[1])->nullable) {
        p->of[p->n] = r[1];
        p->rest[p->n] = r[2];
    }
    p->n++;
}

// An intersection or a complement goes by its parts, which others share: a pattern under a bound on
// the length has as many states as both together, and few rows of its own. So does a pattern with a
// counter: its states at one count are those at another with another rest.
static bool find_parts(qni_terms *terms, qni_term a, row_parts *out)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, a, &n);
    uint32_t kind = r[0];
    bool counted = qni_term_info_of(terms, a)->counted,
         always = kind == KIND_AND || kind == KIND_NOT;
    bool known = always || kind == KIND_ALT || kind == KIND_CONCAT || kind == KIND_REPEAT;
    *out = (row_parts){.kind = always ? kind : KIND_ALT};
    if (!known || (!always && !counted)) {
        return false;
    }
    if (kind == KIND_REPEAT) {
        add_part(terms, out, a);
        return true;
    }
    if (kind == KIND_CONCAT) {
        uint32_t x = r[1], y = r[2];
        out->of[0] = x;
        out->rest[0] = y;
        out->n = 1;
        if (qni_term_info_of(terms, x)->nullable) {
            add_part(terms, out, y);
        }
        return true;
    }
    for (size_t i = 1; i < n && n <= MOST_PARTS + 1; i++) {
        add_part(terms, out, qni_term_record(terms, a, NULL)[i]);
    }
    return n <= MOST_PARTS + 1;
}

// The successor of a term whose parts have those in `next`.
static qni_term join_parts(qni_terms *terms, const row_parts *p, qni_term *next)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->rest[i] != QNI_TERM_EMPTY) {
            next[i] = qni_term_concat(terms, next[i], p->rest[i]);
        }
    }
    return p->kind == KIND_NOT   ? qni_term_not(terms, next[0])
           : p->kind == KIND_AND ? qni_term_and(terms, next, p->n)
                                 : qni_term_alt(terms, next, p->n);
}

static void fill_row_by_parts(qni_terms *terms, const row_parts *p,
                              const qni_term_row *const rows[], row_draft *row)
{
    for (size_t i = 0; i < p->n; i++) {
        for (unsigned w = 0; w < 4; w++) {
            row->starts[w] |= rows[i]->starts[w];
        }
    }
    uint8_t firsts[256]; // by kind, less 1: the first byte of it
    for (unsigned b = 0, end; b < 256; b = end) {
        qni_term next[MOST_PARTS];
        size_t n_dead = 0;
        end = qni_run_end(row->starts, b);
        for (size_t i = 0; i < p->n; i++) {
            next[i] = qni_row_next(rows[i], b);
            n_dead += next[i] == QNI_TERM_NOTHING;
        }
        if ((p->kind == KIND_AND && n_dead > 0) || (p->kind == KIND_ALT && n_dead == p->n)) {
            continue; // nothing, as it is
        }
        unsigned k = row->n;
        bool same = false;
        while (!same && k-- > 0) {
            same = true;
            for (size_t i = 0; i < p->n && same; i++) {
                same = next[i] == qni_row_next(rows[i], firsts[k]);
            }
        }
        if (!same) {
            firsts[row->n] = (uint8_t)b;
            add_kind(row, join_parts(terms, p, next));
        }
        memset(row->kinds + b, same ? (int)k + 1 : (int)row->n, end - b);
    }
}

// The rows of a term's parts; false when it is not made of such, or the account failed. The only
// step that leads to other rows: what takes more of the stack comes after it.
static bool find_part_rows(qni_terms *terms, qni_term a, row_parts *p, const qni_term_row *rows[])
{
    bool found = find_parts(terms, a, p);
    for (size_t i = 0; i < p->n && found; i++) {
        rows[i] = row_of(terms, p->of[i]);
        found = rows[i] != NULL;
    }
    return found;
}

static __attribute__((noinline)) qni_term_row *
make_row(qni_terms *terms, qni_term a, const row_parts *p, const qni_term_row *const rows[])
{
    row_draft draft;
    memset(&draft, 0, offsetof(row_draft, next));
    draft.next[0] = QNI_TERM_NOTHING;
    draft.n = 0;
    if (p != NULL) {
        fill_row_by_parts(terms, p, rows, &draft);
    } else if (!fill_row_by_heads(terms, a, &draft)) {
        memset(&draft, 0, offsetof(row_draft, next));
        draft.n = 0;
        fill_row(terms, a, &draft);
    }
    size_t n = draft.n < 256 ? draft.n + 1 : 256;
    qni_term_row *row = qni_account_piece(terms->account, &terms->rows,
                                          sizeof *row + n * sizeof *row->next);
    if (row != NULL) {
        memcpy(row->starts, draft.starts, sizeof row->starts);
        memcpy(row->kinds, draft.kinds, sizeof row->kinds);
        memcpy(row->next, draft.next, n * sizeof *row->next);
    }
    return row;
}

// Makes the row of successors; NULL when the account failed.
static qni_term_row *row_of(qni_terms *terms, qni_term a)
{
    if (qni_term_info_of(terms, a)->row != NULL) {
        return qni_term_info_of(terms, a)->row;
    }
    if (!qni_account_step(terms->account, 64)) {
        return NULL;
    }
    row_parts p;
    const qni_term_row *rows[MOST_PARTS];
    bool by_parts = find_part_rows(terms, a, &p, rows);
    qni_term_row *row = make_row(terms, a, by_parts ? &p : NULL, rows);
    if (terms->account->status != QN_OK) {
        return NULL;
    }
    qni_term_info_of(terms, a)->row = row;
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
    qni_term_info_of(terms, a)->stamp = stamp;
    for (size_t at = 0; at < n; at += 2) {
        const qni_term_row *row = row_of(terms, terms->todo[at]);
        if (row == NULL) {
            return false;
        }
        for (unsigned b = 0; b < 256; b = qni_run_end(row->starts, b)) {
            qni_term next = qni_row_next(row, b);
            if (next == 0 || qni_term_info_of(terms, next)->stamp == stamp ||
                qni_term_info_of(terms, next)->life == LIFE_NO) {
                continue;
            }
            qni_term_info_of(terms, next)->stamp = stamp;
            if (qni_term_info_of(terms, next)->life == LIFE_YES) {
                for (size_t i = at; i != UINT32_MAX; i = terms->todo[i + 1]) {
                    qni_term_info_of(terms, terms->todo[i])->life = LIFE_YES;
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
        qni_term_info_of(terms, terms->todo[i])->life = LIFE_NO;
    }
    return false;
}

bool qni_term_live(qni_terms *terms, qni_term a)
{
    if (a == QNI_TERM_NOTHING) {
        return false;
    }
    uint8_t life = qni_term_info_of(terms, a)->life;
    return life == LIFE_UNKNOWN ? search_life(terms, a) : life == LIFE_YES;
}

qni_term qni_term_step(qni_terms *terms, qni_term a, unsigned byte)
{
    qni_term_row *row = a == QNI_TERM_NOTHING ? NULL : row_of(terms, a);
    if (row == NULL) {
        return QNI_TERM_NOTHING;
    }
    qni_term next = qni_row_next(row, byte);
    if (next != QNI_TERM_NOTHING && qni_term_info_of(terms, next)->life != LIFE_YES &&
        !qni_term_live(terms, next)) {
        row->next[row->kinds[byte]] = next = QNI_TERM_NOTHING; // for all of the kind
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
            qni_term_info_of(terms, a)->stamp = stamp;
        }
        if (at >= n || qni_term_info_of(terms, terms->todo[at])->nullable) {
            break;
        }
        const qni_term_row *row = row_of(terms, terms->todo[at]);
        for (unsigned b = 0; row != NULL && b < 256; b = qni_run_end(row->starts, b)) {
            qni_term next = qni_row_next(row, b);
            if (next == 0 || qni_term_info_of(terms, next)->stamp == stamp) {
                continue;
            }
            qni_term_info_of(terms, next)->stamp = stamp;
            if (!qni_account_grow(account, &terms->todo, &terms->todo_capacity, n + 3, 4)) {
                return false;
            }
            memcpy(terms->todo + n, (uint32_t[]){next, (uint32_t)at, b}, 12);
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
    for (unsigned b = 0, end; b < 256 && found < limit; b = end) {
        qni_term next = qni_term_step(terms, a, b); // makes the row, too
        const qni_term_row *row = qni_term_info_of(terms, a)->row;
        end = row != NULL ? qni_run_end(row->starts, b) : 256;
        if (next != QNI_TERM_NOTHING) {
            size_t room = limit - found, n = end - b;
            size_t each = count_texts(terms, next, room, depth + 1);
            found += each < (room + n - 1) / n ? n * each : room;
        }
    }
    return found;
}

size_t qni_term_count(qni_terms *terms, qni_term a, size_t limit)
{
    return qni_term_live(terms, a) ? count_texts(terms, a, limit, 0) : 0;
}
