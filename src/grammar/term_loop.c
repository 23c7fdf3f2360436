// Where a term stays alive: what lets a walk take whole subtrees of a vocabulary at once.
#include "grammar/term.h"
#include "grammar/vocabulary.h"

enum { MAX_STATES = 24 };

// The states that characters of some groups lead to from one.
typedef struct closure {
    qni_terms *terms;
    qni_term states[MAX_STATES];
    size_t n;
    bool full; // there are more
} closure;

static void add_state(closure *c, qni_term state)
{
    for (size_t i = c->n; i-- > 0;) {
        if (c->states[i] == state) {
            return;
        }
    }
    if (c->n == MAX_STATES) {
        c->full = true;
    } else {
        c->states[c->n++] = state;
    }
}

// Adds where the bytes from `first` to `last`, with `more` continuation bytes behind each, lead.
// False when some lead nowhere.
static bool add_targets(closure *c, qni_term from, unsigned first, unsigned last, int more)
{
    qni_term before = QNI_TERM_NOTHING;
    for (unsigned b = first; b <= last && !c->full; b++) {
        qni_term next = qni_term_next(c->terms, from, b);
        if (next == QNI_TERM_NOTHING) {
            return false;
        }
        if (next == before) {
            continue;
        }
        before = next;
        if (more == 0) {
            add_state(c, next);
        } else if (!add_targets(c, next, 0x80, 0xBF, more - 1)) {
            return false;
        }
    }
    return true;
}

// The same for every character beyond ASCII: well-formed UTF-8, Unicode's table 3-7.
static bool add_high_targets(closure *c, qni_term from)
{
    static const struct {
        unsigned char lead[2], second[2];
        int more;
    } forms[] = {
        {{0xC2, 0xDF}, {0x80, 0xBF}, 0}, {{0xE0, 0xE0}, {0xA0, 0xBF}, 1},
        {{0xE1, 0xEC}, {0x80, 0xBF}, 1}, {{0xED, 0xED}, {0x80, 0x9F}, 1},
        {{0xEE, 0xEF}, {0x80, 0xBF}, 1}, {{0xF0, 0xF0}, {0x90, 0xBF}, 2},
        {{0xF1, 0xF3}, {0x80, 0xBF}, 2}, {{0xF4, 0xF4}, {0x80, 0x8F}, 2},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        qni_term before = QNI_TERM_NOTHING;
        for (unsigned b = forms[i].lead[0]; b <= forms[i].lead[1] && !c->full; b++) {
            qni_term next = qni_term_next(c->terms, from, b);
            if (next == QNI_TERM_NOTHING ||
                (next != before &&
                 !add_targets(c, next, forms[i].second[0], forms[i].second[1], forms[i].more))) {
                return false;
            }
            before = next;
        }
    }
    return true;
}

// Adds where the groups lead from a state; returns those that lead nowhere somewhere.
static uint64_t follow(closure *c, qni_term from, uint64_t groups)
{
    uint64_t dead = 0;
    for (unsigned b = 0x20; b < 0x80; b++) {
        uint64_t bit = QNI_GROUP_BIT(qni_byte_group(b));
        if ((groups & bit & ~dead) != 0) {
            dead |= add_targets(c, from, b, b, 0) ? 0 : bit;
        }
    }
    uint64_t high = QNI_GROUP_BIT(QNI_GROUP_HIGH);
    return (groups & high) != 0 && !add_high_targets(c, from) ? dead | high : dead;
}

// The groups of ASCII whose characters lead back at once.
static uint64_t staying(qni_terms *terms, qni_term a)
{
    uint64_t groups = ~QNI_GROUP_BIT(QNI_GROUP_HIGH);
    for (unsigned b = 0; b < 0x80; b++) {
        if (b < 0x20 || b == '"' || b == '\\' || qni_term_next(terms, a, b) != a) {
            groups &= ~QNI_GROUP_BIT(qni_byte_group(b));
        }
    }
    return groups;
}

uint64_t qni_term_loop(qni_terms *terms, qni_term a)
{
    if (terms->info[a].loop_known) {
        return terms->info[a].loop;
    }
    // Control characters, quotes and backslashes never stand for themselves in a string of JSON.
    uint64_t groups = ~(QNI_GROUP_BIT(qni_byte_group(0)) | QNI_GROUP_BIT(qni_byte_group('"')) |
                        QNI_GROUP_BIT(qni_byte_group('\\')));
    closure c = {.terms = terms, .states = {a}, .n = 1};
    for (size_t i = terms->info[a].free; i < c.n && groups != 0; i++) {
        uint64_t dead = follow(&c, c.states[i], groups);
        if (dead != 0 || c.full) { // once more without them, or with those that stay here
            groups = c.full ? staying(terms, a) : groups & ~dead;
            c = (closure){.terms = terms, .states = {a}, .n = 1};
            i = SIZE_MAX;
        }
    }
    if (terms->account->status != QN_OK) {
        return 0;
    }
    for (size_t i = 0; i < c.n; i++) { // what holds for one holds for all that it leads to
        qni_term_info *info = &terms->info[c.states[i]];
        if (!info->loop_known || (info->loop & ~groups) == 0) {
            info->loop = groups;
            info->loop_known = true;
        }
    }
    return groups;
}
