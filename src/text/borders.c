#include "text/borders.h"

#include "base/alloc.h"

#include <string.h>

enum {
    CLASSES = QNI_BORDER_CLASSES,
    STATES = 63, // of the automaton, at most
    GAP = 63,    // in place of a state: text between matches
    MOST = 255,  // guesses, and sets of them
    CHOICES = 3,
};

// What a run may be at: the state of the match it is in, and the states of those promised to be
// over.
typedef struct guess {
    uint64_t over;
    uint32_t state;
} guess;

typedef struct choice {
    uint8_t to;
    bool border; // before the character
} choice;

typedef struct guesses {
    uint64_t bits[4]; // of MOST + 1
} guesses;

// All about windows that end before their middle with the same set of guesses.
typedef struct verdict {
    uint32_t with[CLASSES], without[CLASSES]; // by the next class: bits of the class behind it
} verdict;

typedef struct worker {
    const qni_automaton *a;
    uint32_t n, end; // classes; the end's
    guess items[MOST + 1];
    size_t n_items;
    choice steps[MOST + 1][CLASSES][CHOICES];
    uint8_t n_steps[MOST + 1][CLASSES];
    bool ends[MOST + 1]; // the text may end here
    guesses possible;    // those that can come true
    guesses sets[MOST + 1];
    size_t n_sets;
    uint8_t next_set[MOST + 1][CLASSES];
    verdict verdicts[MOST + 1];
    uint8_t left[CLASSES][CLASSES][CLASSES]; // the set behind three characters
    // by the first four characters of a window: bits of the fifth, still to be put in a box
    uint32_t (*open)[CLASSES];
    bool too_much;
} worker;

// ---- Guesses

enum { BEGINNING = 0 }; // the guess at the text's beginning

static uint8_t guess_number(worker *w, guess g)
{
    size_t i = BEGINNING + 1;
    while (i < w->n_items && (w->items[i].over != g.over || w->items[i].state != g.state)) {
        i++;
    }
    if (i == MOST) {
        w->too_much = true;
        return BEGINNING;
    }
    if (i == w->n_items) {
        w->items[w->n_items++] = g;
    }
    return (uint8_t)i;
}

static uint32_t entry_of(const worker *w, uint32_t state, uint32_t class)
{
    return w->a->table[state * w->a->n_classes + class];
}

static uint32_t state_of(uint32_t entry)
{
    return entry & ~(uint32_t)QNI_AUTOMATON_MATCH;
}

static uint64_t promise(uint32_t state)
{
    return state != QNI_AUTOMATON_DEAD ? (uint64_t)1 << state : 0;
}

// The promises after a character. False when one is broken.
static bool keep_promises(const worker *w, uint64_t over, uint32_t class, uint64_t *after)
{
    *after = 0;
    for (uint32_t state = 1; state < w->a->n_states; state++) {
        if ((over >> state & 1) != 0) {
            uint32_t entry = entry_of(w, state, class);
            if ((entry & QNI_AUTOMATON_MATCH) != 0) {
                return false;
            }
            *after |= promise(entry);
        }
    }
    return true;
}

static void add_choice(worker *w, size_t from, uint32_t class, guess to, bool border)
{
    uint8_t number = guess_number(w, to);
    w->steps[from][class][w->n_steps[from][class]++] = (choice){number, border};
}

// A match begins at the character, or none does.
static void add_beginnings(worker *w, size_t from, uint32_t class, uint64_t over, bool in_gap)
{
    uint32_t state = state_of(entry_of(w, QNI_AUTOMATON_START, class));
    if (state != QNI_AUTOMATON_DEAD) {
        add_choice(w, from, class, (guess){over, state}, true);
    }
    add_choice(w, from, class, (guess){over | promise(state), GAP}, !in_gap);
}

static void find_steps(worker *w, size_t from, uint32_t class)
{
    guess g = w->items[from];
    uint64_t over;
    if (from == BEGINNING) {
        add_beginnings(w, from, class, 0, false);
        return;
    }
    if (!keep_promises(w, g.over, class, &over)) {
        return;
    }
    if (g.state == GAP) {
        add_beginnings(w, from, class, over, true);
        return;
    }
    uint32_t entry = entry_of(w, g.state, class), next = state_of(entry);
    if (next != QNI_AUTOMATON_DEAD) {
        add_choice(w, from, class, (guess){over, next}, false);
    }
    if ((entry & QNI_AUTOMATON_MATCH) != 0) {
        add_beginnings(w, from, class, over | promise(next), false);
    }
}

static bool may_end(const worker *w, guess g)
{
    uint64_t over;
    return keep_promises(w, g.over, w->end, &over) &&
           (g.state == GAP || (entry_of(w, g.state, w->end) & QNI_AUTOMATON_MATCH) != 0);
}

static bool has(const guesses *set, size_t i)
{
    return (set->bits[i / 64] >> (i % 64) & 1) != 0;
}

static void put(guesses *set, size_t i)
{
    set->bits[i / 64] |= (uint64_t)1 << (i % 64);
}

// Whether some step from the guess on `class` can come true.
static bool leads_on(const worker *w, size_t from, uint32_t class)
{
    if (class == w->end) {
        return w->ends[from];
    }
    bool any = false;
    for (size_t i = 0; i < w->n_steps[from][class]; i++) {
        any = any || has(&w->possible, w->steps[from][class][i].to);
    }
    return any;
}

static void find_guesses(worker *w)
{
    w->n_items = 1;
    for (size_t from = 0; from < w->n_items && !w->too_much; from++) {
        w->ends[from] = from != BEGINNING && may_end(w, w->items[from]);
        for (uint32_t class = 0; class < w->end && !w->too_much; class ++) {
            find_steps(w, from, class);
        }
    }
    for (bool more = true; more;) {
        more = false;
        for (size_t from = 0; from < w->n_items; from++) {
            bool found = has(&w->possible, from);
            for (uint32_t class = 0; class <= w->end && !found; class ++) {
                found = leads_on(w, from, class);
                more = more || found;
            }
            if (found) {
                put(&w->possible, from);
            }
        }
    }
}

// ---- Windows

static uint8_t set_number(worker *w, const guesses *set)
{
    size_t i = 0;
    while (i < w->n_sets && memcmp(&w->sets[i], set, sizeof *set) != 0) {
        i++;
    }
    if (i == MOST) {
        w->too_much = true;
        return 0;
    }
    if (i == w->n_sets) {
        w->sets[w->n_sets++] = *set;
    }
    return (uint8_t)i;
}

// The set after a character; the end's class stands for the text's beginning.
static guesses set_after(const worker *w, const guesses *set, uint32_t class)
{
    guesses after = {{0}};
    if (class == w->end) {
        put(&after, BEGINNING);
        return after;
    }
    for (size_t from = 0; from < w->n_items; from++) {
        for (size_t i = 0; has(set, from) && i < w->n_steps[from][class]; i++) {
            size_t to = w->steps[from][class][i].to;
            if (has(&w->possible, to)) {
                put(&after, to);
            }
        }
    }
    return after;
}

static void find_sets(worker *w)
{
    set_number(w, &w->possible);
    for (size_t from = 0; from < w->n_sets && !w->too_much; from++) {
        for (uint32_t class = 0; class <= w->end && !w->too_much; class ++) {
            guesses after = set_after(w, &w->sets[from], class);
            w->next_set[from][class] = set_number(w, &after);
        }
    }
    for (uint32_t i = 0; i < w->n && !w->too_much; i++) {
        for (uint32_t j = 0; j < w->n; j++) {
            for (uint32_t k = 0; k < w->n; k++) {
                w->left[i][j][k] = w->next_set[w->next_set[w->next_set[0][i]][j]][k];
            }
        }
    }
}

// What becomes of a window after a guess, for all classes behind the next.
static void judge(worker *w, verdict *v, size_t from, uint32_t class)
{
    for (size_t i = 0; i < w->n_steps[from][class]; i++) {
        choice c = w->steps[from][class][i];
        uint32_t *bits = c.border ? &v->with[class] : &v->without[class];
        for (uint32_t behind = 0; behind < w->n; behind++) {
            *bits |= (uint32_t)leads_on(w, c.to, behind) << behind;
        }
    }
}

static void find_verdicts(worker *w)
{
    for (size_t set = 0; set < w->n_sets; set++) {
        for (size_t from = BEGINNING + 1; from < w->n_items; from++) {
            for (uint32_t class = 0; class < w->end && has(&w->sets[set], from); class ++) {
                judge(w, &w->verdicts[set], from, class);
            }
        }
    }
}

// ---- Boxes

typedef uint32_t box[QNI_BORDER_WINDOW]; // bits of classes

// The classes behind `y` with which a window has to lie in a box of the kind.
static uint32_t wanted(const verdict *v, uint32_t y, bool unsure)
{
    return unsure ? v->with[y] & v->without[y] : v->with[y] & ~v->without[y];
}

// And those with which it must not: windows without a border; of the unsure kind also with one.
static uint32_t banned(const verdict *v, uint32_t y, bool unsure)
{
    return unsure ? v->with[y] ^ v->without[y] : v->without[y] & ~v->with[y];
}

// What a set of guesses bans from a box at its last two places: classes there, or anything at all.
typedef struct bans {
    uint32_t fourth, fifth;
    bool any;
} bans;

static bans find_bans(const worker *w, const verdict *v, const box b, bool unsure)
{
    bans found = {0, 0, false};
    for (uint32_t y = 0; y < w->end; y++) {
        uint32_t no = banned(v, y, unsure);
        bool inside = (b[3] >> y & 1) != 0, hit = (no & b[4]) != 0;
        found.fourth |= (uint32_t)hit << y;
        found.fifth |= inside ? no : 0;
        found.any = found.any || (inside && hit);
    }
    return found;
}

// The classes that can be put into the box at one place and keep it right.
static uint32_t fitting(const worker *w, const box given, uint32_t place, bool unsure)
{
    bans of[MOST + 1];
    box b;
    uint32_t bad = 0, all = UINT32_MAX >> (32 - w->n);
    memcpy(b, given, sizeof b);
    for (size_t set = 0; set < w->n_sets; set++) {
        of[set] = find_bans(w, &w->verdicts[set], b, unsure);
    }
    b[place] = all;
    for (uint32_t i = 0; i < w->n; i++) {
        for (uint32_t j = 0; j < w->n && (b[0] >> i & 1) != 0; j++) {
            for (uint32_t l = 0; l < w->n && (b[1] >> j & 1) != 0; l++) {
                const bans *found = &of[w->left[i][j][l]];
                const uint32_t classes[QNI_BORDER_WINDOW] = {
                    (uint32_t)found->any << i, (uint32_t)found->any << j, (uint32_t)found->any << l,
                    found->fourth, found->fifth};
                bad |= (b[2] >> l & 1) != 0 ? classes[place] : 0;
            }
        }
    }
    return all & ~bad;
}

// Visits the windows of the box that no box has yet: counts them, or takes them.
static size_t visit(worker *w, const box b, bool take)
{
    size_t count = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        for (uint32_t j = 0; j < w->n && (b[0] >> i & 1) != 0; j++) {
            for (uint32_t l = 0; l < w->n && (b[1] >> j & 1) != 0; l++) {
                uint32_t *open = w->open[(i * w->n + j) * w->n + l];
                for (uint32_t y = 0; y < w->end && (b[2] >> l & 1) != 0; y++) {
                    uint32_t bits = (b[3] >> y & 1) != 0 ? open[y] & b[4] : 0;
                    count += (size_t)__builtin_popcount(bits);
                    open[y] &= take ? ~bits : UINT32_MAX;
                }
            }
        }
    }
    return count;
}

static void set_open(worker *w, bool unsure)
{
    for (uint32_t i = 0; i < w->n; i++) {
        for (uint32_t j = 0; j < w->n; j++) {
            for (uint32_t l = 0; l < w->n; l++) {
                for (uint32_t y = 0; y < w->end; y++) {
                    w->open[(i * w->n + j) * w->n + l][y] = wanted(&w->verdicts[w->left[i][j][l]],
                                                                   y, unsure);
                }
            }
        }
    }
}

// A window without a box, looked for from a place on; false when there is none.
static bool find_open(const worker *w, uint32_t from, box out)
{
    const uint32_t n = w->n, all = n * n * n;
    for (uint32_t step = 0; step < all; step++) {
        uint32_t at = (from + step) % all;
        for (uint32_t y = 0; y < w->end; y++) {
            uint32_t bits = w->open[at][y];
            if (bits != 0) {
                out[0] = 1u << at / (n * n);
                out[1] = 1u << at / n % n;
                out[2] = 1u << at % n;
                out[3] = 1u << y;
                out[4] = bits & -bits;
                return true;
            }
        }
    }
    return false;
}

// Boxes are grown from single windows, in several orders of their places, and the one that takes
// the most in is kept; again and again.
static void cover(worker *w, bool unsure, qni_borders *out)
{
    static const uint8_t orders[][QNI_BORDER_WINDOW] = {
        {4, 3, 0, 1, 2}, {0, 1, 2, 3, 4}, {0, 1, 4, 3, 2}, {2, 1, 0, 3, 4}};
    enum { SEEDS = 3, ORDERS = sizeof orders / sizeof orders[0] };
    set_open(w, unsure);
    uint32_t n_boxes = 8 * out->n_planes;
    box best;
    for (uint32_t at = 0; find_open(w, at, best); n_boxes++) {
        size_t most = 0;
        if (n_boxes == 8 * QNI_BORDER_PLANES) {
            w->too_much = true;
            return;
        }
        for (uint32_t seed = 0; seed < SEEDS; seed++, at += 11003) {
            box start;
            find_open(w, at, start);
            for (size_t order = 0; order < ORDERS; order++) {
                box b;
                memcpy(b, start, sizeof b);
                for (int i = 0; i < QNI_BORDER_WINDOW; i++) {
                    b[orders[order][i]] = fitting(w, b, orders[order][i], unsure);
                }
                size_t count = visit(w, b, false);
                if (count > most) {
                    most = count;
                    memcpy(best, b, sizeof b);
                }
            }
        }
        visit(w, best, true);
        for (uint32_t place = 0; place < QNI_BORDER_WINDOW; place++) {
            for (uint32_t class = 0; class < w->n; class ++) {
                out->planes[n_boxes / 8][place][class] |= (uint8_t)((best[place] >> class & 1)
                                                                    << n_boxes % 8);
            }
        }
    }
    out->n_planes = (n_boxes + 7) / 8;
}

static qn_status build(worker *w, qni_borders *out, qn_error *err)
{
    w->open = qni_calloc((size_t)w->n * w->n * w->n, sizeof *w->open);
    if (w->open == NULL) {
        return qni_fail_memory(err);
    }
    find_guesses(w);
    if (!w->too_much) {
        find_sets(w);
    }
    if (!w->too_much) {
        find_verdicts(w);
        cover(w, false, out);
        out->n_certain = out->n_planes;
    }
    if (!w->too_much) {
        cover(w, true, out);
    }
    if (w->too_much) {
        out->n_planes = 0;
    }
    return QN_OK;
}

qn_status qni_borders_build(const qni_automaton *automaton, qni_borders *out, qn_error *err)
{
    *out = (qni_borders){.n_classes = automaton->n_classes};
    if (automaton->n_classes > CLASSES || automaton->n_states > STATES) {
        return QN_OK;
    }
    worker *w = qni_calloc(1, sizeof *w);
    if (w == NULL) {
        return qni_fail_memory(err);
    }
    w->a = automaton;
    w->n = automaton->n_classes;
    w->end = automaton->n_classes - 1;
    qn_status status = build(w, out, err);
    qni_free(w->open);
    qni_free(w);
    return status;
}
