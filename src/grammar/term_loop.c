// Where a term stays alive: what lets a walk take whole subtrees of a vocabulary at once.
#include "grammar/term.h"
#include "grammar/char_groups.h"

enum { MAX_STATES = 24 };

// The states that characters of some groups lead to from one.
typedef struct closure {
    qni_terms *terms;
    qni_term states[MAX_STATES];
    uint64_t via[MAX_STATES]; // the groups that lead to them
    size_t n;
    size_t limit;
    uint64_t group;    // of the bytes that are followed
    uint64_t via_more; // the groups that lead to more states than the limit
} closure;

static void add_state(closure *c, qni_term state)
{
    for (size_t i = c->n; i-- > 0;) {
        if (c->states[i] == state) {
            c->via[i] |= c->group;
            return;
        }
    }
    if (c->n == c->limit) {
        c->via_more |= c->group;
    } else {
        c->via[c->n] = c->group;
        c->states[c->n++] = state;
    }
}

// The end of a run of bytes that a state does not tell apart.
static unsigned run_end(const qni_terms *terms, qni_term state, unsigned byte)
{
    const qni_term_row *row = qni_term_info_of(terms, state)->row;
    return row != NULL ? qni_run_end(row->starts, byte) : 256;
}

// Adds where the characters of a part lead, from the byte `at` on. False when some lead nowhere.
static bool add_targets(closure *c, qni_term from, const qni_wide_part *part, unsigned at)
{
    qni_term before = QNI_TERM_NOTHING;
    for (unsigned b = part->bytes[at][0];
         b <= part->bytes[at][1] && (c->via_more & c->group) == 0;) {
        qni_term next = qni_term_next(c->terms, from, b);
        b = run_end(c->terms, from, b);
        if (next == QNI_TERM_NOTHING) {
            return false;
        }
        if (next == before) {
            continue;
        }
        before = next;
        if (at + 1u == part->n_bytes) {
            add_state(c, next);
        } else if (!add_targets(c, next, part, at + 1)) {
            return false;
        }
    }
    return true;
}

// The same for ASCII.
static bool add_ascii_targets(closure *c, qni_term from, const qni_ascii_part *part)
{
    for (unsigned b = part->first; b <= part->last;) {
        qni_term next = qni_term_next(c->terms, from, b);
        b = run_end(c->terms, from, b);
        if (next == QNI_TERM_NOTHING) {
            return false;
        }
        add_state(c, next);
    }
    return true;
}

// Adds where the groups lead from a state; returns those that lead nowhere somewhere.
static uint64_t follow(closure *c, qni_term from, uint64_t groups)
{
    uint64_t dead = 0;
    for (size_t i = 0; i < QNI_N_ASCII_PARTS; i++) {
        c->group = QNI_GROUP_BIT(qni_ascii_group(qni_ascii_parts[i].first));
        if ((groups & c->group & ~(dead | c->via_more)) != 0) {
            dead |= add_ascii_targets(c, from, &qni_ascii_parts[i]) ? 0 : c->group;
        }
    }
    for (size_t i = 0; i < QNI_N_WIDE_PARTS; i++) {
        c->group = QNI_GROUP_BIT(qni_wide_parts[i].group);
        if ((groups & c->group & ~(dead | c->via_more)) != 0) {
            dead |= add_targets(c, from, &qni_wide_parts[i], 0) ? 0 : c->group;
        }
    }
    return dead;
}

// Does some character of a part go on from a state?
static bool goes_on(qni_terms *terms, qni_term from, const qni_wide_part *part, unsigned at)
{
    for (unsigned b = part->bytes[at][0]; b <= part->bytes[at][1]; b = run_end(terms, from, b)) {
        qni_term next = qni_term_next(terms, from, b);
        if (next != QNI_TERM_NOTHING &&
            (at + 1u == part->n_bytes || goes_on(terms, next, part, at + 1))) {
            return true;
        }
    }
    return false;
}

// The groups of which some character goes on from one of the states, beside those known.
static uint64_t taken(const closure *c, uint64_t known)
{
    for (size_t i = 0; i < c->n; i++) {
        size_t k = 0;
        bool wide = false;
        for (unsigned b = ' ', end; b < 256; b = end) {
            bool alive = qni_term_next(c->terms, c->states[i], b) != QNI_TERM_NOTHING;
            end = run_end(c->terms, c->states[i], b);
            for (; k < QNI_N_ASCII_PARTS && qni_ascii_parts[k].first < end; k++) {
                if (alive && qni_ascii_parts[k].last >= b) {
                    known |= QNI_GROUP_BIT(qni_ascii_group(qni_ascii_parts[k].first));
                }
            }
            k -= k > 0 && qni_ascii_parts[k - 1].last >= end; // the next run has some of it
            wide = wide || (alive && end > 0x80);
        }
        for (size_t j = 0; wide && j < QNI_N_WIDE_PARTS; j++) {
            uint64_t group = QNI_GROUP_BIT(qni_wide_parts[j].group);
            if ((known & group) == 0 && goes_on(c->terms, c->states[i], &qni_wide_parts[j], 0)) {
                known |= group;
            }
        }
    }
    return known | ((known & QNI_CUT_GROUPS) != 0 ? QNI_GROUP_BIT(QNI_GROUP_CUT) : 0);
}

// About how many texts need the groups: letters are in most.
static int worth(uint64_t groups)
{
    enum { LETTER = 12 };
    uint64_t letters = 0;
    for (unsigned b = 'A'; b <= 'z'; b = b == 'Z' ? 'a' : b + 1) {
        letters |= QNI_GROUP_BIT(qni_ascii_group(b));
    }
    return __builtin_popcountll(groups) + LETTER * __builtin_popcountll(groups & letters);
}

// What to do without where `dead` lead nowhere in a state: these, or those that lead there. So "%"
// is left out where it must be followed by digits, and not all but the digits.
static uint64_t restriction(const closure *c, size_t state, uint64_t groups, uint64_t dead)
{
    uint64_t via = state == 0 ? 0 : c->via[state] & groups;
    return via != 0 && worth(via) < worth(dead) ? via : dead;
}

// Those of the groups of ASCII whose texts stay among a few states, which `c` gets: first those of
// `a` with all of them, then once more without what leads nowhere somewhere.
static uint64_t close_ascii(closure *c, uint64_t groups)
{
    for (size_t i = 0; i < c->n; i++) {
        uint64_t dead = follow(c, c->states[i], groups);
        if (c->via_more != 0) {
            return groups;
        }
        if (dead != 0) {
            groups &= ~restriction(c, i, groups, dead);
            c->n = 1;
            i = SIZE_MAX;
        }
    }
    return groups;
}

// Those of the wide groups that lead from the states to none but them: others would have many.
static uint64_t close_wide(closure *c, uint64_t groups)
{
    c->limit = c->n;
    for (size_t i = 0; i < c->n && groups != 0; i++) {
        uint64_t dead = follow(c, c->states[i], groups);
        groups &= ~(dead | c->via_more);
    }
    return groups;
}

// The beginning of a character that may become one of several groups goes with those of most.
static uint64_t with_cut(uint64_t groups)
{
    return groups |
           ((groups & QNI_GROUP_BIT(QNI_GROUP_WIDE)) != 0 ? QNI_GROUP_BIT(QNI_GROUP_CUT) : 0);
}

static const uint64_t CUT = QNI_GROUP_BIT(QNI_GROUP_CUT);

// What a walk comes to: all but what never stands for itself, and the beginnings of characters.
static uint64_t all_groups(void)
{
    return QNI_ALL_GROUPS & ~QNI_NEVER_GROUPS & ~CUT;
}

qni_term_groups qni_term_self_find(qni_terms *terms, qni_term a)
{
    const qni_term_info *info = qni_term_info_of(terms, a);
    bool free = info->free, ends = info->most != QNI_TERM_NO_MAX; // no text of any length
    uint64_t groups = ends ? 0 : all_groups();
    closure c = {.terms = terms, .states = {a}, .n = 1, .limit = 1};
    if (!free && !ends) {
        groups &= ~follow(&c, a, groups);
        groups &= ~c.via_more;
    }
    qni_term_groups found = {with_cut(groups),
                             QNI_ALL_GROUPS & ~(free ? groups | CUT : taken(&c, groups))};
    if (terms->account->status != QN_OK) {
        return (qni_term_groups){0, 0};
    }
    qni_term_info_of(terms, a)->self = found;
    qni_term_info_of(terms, a)->self_known = true;
    return found;
}

qni_term_groups qni_term_loop_find(qni_terms *terms, qni_term a)
{
    closure c = {.terms = terms, .states = {a}, .n = 1, .limit = MAX_STATES};
    qni_term_groups found = qni_term_self(terms, a);
    const qni_term_info *info = qni_term_info_of(terms, a);
    if (!info->free && info->most == QNI_TERM_NO_MAX) {
        uint64_t groups = close_ascii(&c, all_groups() & ~QNI_WIDE_GROUPS);
        if (c.via_more == 0) { // or there are too many states
            groups |= close_wide(&c, all_groups() & QNI_WIDE_GROUPS);
            found = (qni_term_groups){with_cut(groups), QNI_ALL_GROUPS & ~taken(&c, groups)};
        }
    }
    if (terms->account->status != QN_OK) {
        return (qni_term_groups){0, 0};
    }
    // Where any text stays, it does from the states that it leads to as well; others may take more.
    size_t n = (found.stay | QNI_NEVER_GROUPS) == QNI_ALL_GROUPS ? c.n : 1;
    for (size_t i = 0; i < n; i++) {
        qni_term_info_of(terms, c.states[i])->loop = found;
        qni_term_info_of(terms, c.states[i])->loop_known = true;
    }
    return found;
}

// Where all bytes that may come lead from a state, when these are whole groups of ASCII and there
// is one such state.
static qni_term only_target(qni_terms *terms, qni_term from, uint64_t *groups)
{
    qni_term target = QNI_TERM_NOTHING;
    *groups = 0;
    for (size_t i = 0; i < QNI_N_ASCII_PARTS; i++) {
        unsigned b = qni_ascii_parts[i].first;
        qni_term next = qni_term_next(terms, from, b);
        bool whole = run_end(terms, from, b) > qni_ascii_parts[i].last;
        if (!whole || (next != QNI_TERM_NOTHING && target != QNI_TERM_NOTHING && next != target)) {
            return QNI_TERM_NOTHING;
        }
        target = next != QNI_TERM_NOTHING ? next : target;
        *groups |= next != QNI_TERM_NOTHING ? QNI_GROUP_BIT(qni_ascii_group(b)) : 0;
    }
    for (unsigned b = 0x80; b < 256; b = run_end(terms, from, b)) {
        if (qni_term_next(terms, from, b) != QNI_TERM_NOTHING) {
            return QNI_TERM_NOTHING;
        }
    }
    return target;
}

qni_term_run qni_term_run_find(qni_terms *terms, qni_term a, uint32_t most)
{
    qni_term_run run = {0};
    closure last = {.terms = terms, .states = {a}, .n = 1};
    uint64_t groups;
    qni_term next = only_target(terms, a, &groups);
    run.groups = groups;
    while (next != QNI_TERM_NOTHING && groups == run.groups && run.length < most) {
        run.length++;
        last.states[0] = next;
        next = only_target(terms, next, &groups);
    }
    run.behind = run.length == 0 ? 0 : taken(&last, 0);
    return run;
}
