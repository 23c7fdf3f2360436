#include "text/automaton.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

// The steps of a thread. A thread waits at a SET for its character; the others cost nothing.
typedef enum step_kind { STEP_SET, STEP_SPLIT, STEP_LOOK, STEP_MATCH } step_kind;

typedef struct step {
    step_kind kind;
    int32_t set;
    int32_t next, other; // a split tries `next` first
    bool negated;
} step;

typedef struct builder {
    const qni_regex *regex;
    qni_automaton *out;
    step *steps;
    size_t n_steps, steps_capacity;
    // of each class: the sets that hold it, a bit each; none for the end of the text
    uint64_t class_sets[256];
    int32_t *threads; // the states' lists, one after another
    size_t n_threads, threads_capacity;
    size_t *firsts; // where a state's list begins; n_states + 1 of them
    size_t firsts_capacity;
    uint8_t *seen; // a step's marks: 1 followed for this character, 2 in the new list
    int32_t *stack;
    int32_t *list;
    size_t n_list;
    qn_error *err;
} builder;

enum { MAX_SETS = 64, MAX_CLASSES = 255 };

static qn_status too_much(builder *b, const char *what)
{
    return qni_fail(b->err, QN_UNSUPPORTED, NULL, "regular expression: %s for an automaton", what);
}

static qn_status add_step(builder *b, step s, int32_t *out)
{
    if (b->n_steps >= QNI_MAX_REGEX_NODES) {
        return too_much(b, "too long");
    }
    if (qni_grow(&b->steps, &b->steps_capacity, b->n_steps + 1, sizeof *b->steps) != 0) {
        return qni_fail_memory(b->err);
    }
    b->steps[b->n_steps] = s;
    *out = (int32_t)b->n_steps++;
    return QN_OK;
}

// Whether looking ahead surely fails before a character of `set`.
static bool look_fails_on(const builder *b, const step *look, const qni_charset *set)
{
    const qni_charset *ahead = &b->regex->sets[look->set];
    return look->negated ? qni_charset_covers(ahead, set) : !qni_charset_meets(ahead, set);
}

// A possessive repetition of `set` never gives back what it took. A greedy one would give it back
// only if what follows could go on with a character of the set. `from` is what follows.
static bool never_gives_back(const builder *b, int32_t from, const qni_charset *set, int depth)
{
    const step *s = &b->steps[from];
    if (depth > QNI_MAX_REGEX_DEPTH) {
        return false;
    }
    if (s->kind == STEP_SET) {
        return !qni_charset_meets(&b->regex->sets[s->set], set);
    }
    if (s->kind == STEP_SPLIT) {
        return never_gives_back(b, s->next, set, depth + 1) &&
               never_gives_back(b, s->other, set, depth + 1);
    }
    return s->kind == STEP_MATCH || look_fails_on(b, s, set) ||
           never_gives_back(b, s->next, set, depth + 1);
}

static qn_status emit(builder *b, int32_t node, int32_t next, int32_t *entry);

static qn_status emit_repeat(builder *b, const qni_regex_node *n, int32_t next, int32_t *entry)
{
    if (n->greed == QNI_POSSESSIVE) {
        const qni_regex_node *body = &b->regex->nodes[n->a];
        if (body->kind != QNI_REGEX_SET ||
            !never_gives_back(b, next, &b->regex->sets[body->set], 0)) {
            return too_much(b, "too possessive");
        }
    }
    bool lazy = n->greed == QNI_LAZY;
    *entry = next;
    if (n->max == QNI_REGEX_ENDLESS) {
        int32_t split, body;
        QNI_TRY(add_step(b, (step){.kind = STEP_SPLIT}, &split));
        QNI_TRY(emit(b, n->a, split, &body));
        b->steps[split].next = lazy ? next : body;
        b->steps[split].other = lazy ? body : next;
        *entry = split;
    }
    // those that may be left out, from the last to the first
    for (int32_t i = n->min; i < n->max; i++) {
        int32_t body;
        QNI_TRY(emit(b, n->a, *entry, &body));
        step split = {STEP_SPLIT, 0, lazy ? next : body, lazy ? body : next, false};
        QNI_TRY(add_step(b, split, entry));
    }
    for (int32_t i = 0; i < n->min; i++) {
        QNI_TRY(emit(b, n->a, *entry, entry));
    }
    return QN_OK;
}

// Writes the steps of `node`, which go on at `next`, and gives the first of them. Backwards, so
// that what follows is known.
static qn_status emit(builder *b, int32_t node, int32_t next, int32_t *entry)
{
    const qni_regex_node *n = &b->regex->nodes[node];
    switch (n->kind) {
    case QNI_REGEX_EMPTY: *entry = next; return QN_OK;
    case QNI_REGEX_SET:
        return add_step(b, (step){.kind = STEP_SET, .set = n->set, .next = next}, entry);
    case QNI_REGEX_LOOK:
        return add_step(
            b, (step){.kind = STEP_LOOK, .set = n->set, .next = next, .negated = n->negated},
            entry);
    case QNI_REGEX_CAT: QNI_TRY(emit(b, n->b, next, &next)); return emit(b, n->a, next, entry);
    case QNI_REGEX_ALT: {
        step split = {.kind = STEP_SPLIT};
        QNI_TRY(emit(b, n->a, next, &split.next));
        QNI_TRY(emit(b, n->b, next, &split.other));
        return add_step(b, split, entry);
    }
    case QNI_REGEX_REPEAT: return emit_repeat(b, n, next, entry);
    }
    return too_much(b, "unknown part");
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// The class of code points that the sets with these bits hold, made when it is new.
static qn_status class_of(builder *b, uint64_t sets, uint32_t *class)
{
    qni_automaton *a = b->out;
    for (*class = 0; *class < a->n_classes; ++*class) {
        if (b->class_sets[*class] == sets) {
            return QN_OK;
        }
    }
    if (a->n_classes >= MAX_CLASSES) {
        return too_much(b, "too many classes of characters");
    }
    b->class_sets[a->n_classes++] = sets;
    return QN_OK;
}

// Gives the code points from `first` to before `end` a class.
static void paint(uint8_t *flat, uint32_t first, uint32_t end, uint32_t class)
{
    memset(flat + first, (int)class, end - first);
}

// Finds the classes and writes each code point's into `flat`.
static qn_status classify(builder *b, uint8_t *flat, uint32_t *flips, size_t n_flips)
{
    qsort(flips, n_flips, sizeof *flips, by_value);
    uint32_t from = 0;
    uint64_t inside = 0;
    for (size_t i = 0; i <= n_flips; i++) {
        uint32_t to = i < n_flips ? flips[i] : QNI_CODE_POINTS;
        if (to > from) {
            inside = 0;
            for (size_t s = 0; s < b->regex->n_sets; s++) {
                inside |= (uint64_t)qni_charset_has(&b->regex->sets[s], from) << s;
            }
            uint32_t class;
            QNI_TRY(class_of(b, inside, &class));
            paint(flat, from, to, class);
            from = to;
        }
    }
    return QN_OK;
}

// Packs the flat map into pages that share equal blocks.
static qn_status pack_pages(builder *b, const uint8_t *flat)
{
    qni_automaton *a = b->out;
    enum { SIZE = QNI_AUTOMATON_PAGE };
    _Static_assert(QNI_AUTOMATON_PAGES * SIZE == QNI_CODE_POINTS, "pages for all of them");
    a->pages = qni_alloc_array(QNI_AUTOMATON_PAGES, sizeof *a->pages);
    a->blocks = qni_alloc_array(QNI_AUTOMATON_PAGES, SIZE);
    if (a->pages == NULL || a->blocks == NULL) {
        return qni_fail_memory(b->err);
    }
    for (uint32_t page = 0; page < QNI_AUTOMATON_PAGES; page++) {
        const uint8_t *block = flat + (size_t)page * SIZE;
        uint32_t at = 0;
        while (at < a->n_blocks && memcmp(a->blocks + (size_t)at * SIZE, block, SIZE) != 0) {
            at++;
        }
        if (at == a->n_blocks) {
            memcpy(a->blocks + (size_t)at * SIZE, block, SIZE);
            a->n_blocks++;
        }
        a->pages[page] = (uint16_t)at;
    }
    uint8_t *smaller = qni_realloc(a->blocks, (size_t)a->n_blocks * SIZE);
    a->blocks = smaller != NULL ? smaller : a->blocks;
    memcpy(a->ascii, flat, sizeof a->ascii);
    return QN_OK;
}

static qn_status build_classes(builder *b)
{
    const qni_regex *r = b->regex;
    if (r->n_sets > MAX_SETS) {
        return too_much(b, "too many sets of characters");
    }
    size_t n_flips = 0;
    for (size_t i = 0; i < r->n_sets; i++) {
        n_flips += r->sets[i].n;
    }
    uint32_t *flips = qni_alloc_array(n_flips, sizeof *flips);
    uint8_t *flat = qni_alloc(QNI_CODE_POINTS);
    qn_status status = QN_OK;
    if (flips == NULL || flat == NULL) {
        status = qni_fail_memory(b->err);
    } else {
        size_t at = 0;
        for (size_t i = 0; i < r->n_sets; i++) {
            for (size_t j = 0; j < r->sets[i].n; j++) {
                flips[at++] = r->sets[i].flips[j];
            }
        }
        status = classify(b, flat, flips, n_flips);
    }
    if (status == QN_OK) {
        status = pack_pages(b, flat);
    }
    qni_free(flips);
    qni_free(flat);
    b->class_sets[b->out->n_classes++] = 0; // the end of the text
    return status;
}

// Follows the steps from `from` that need no character, in order of priority, knowing that `class`
// comes next. Threads that take the character go to the list. Returns true when the match is
// reached, which ends all later threads.
static bool follow(builder *b, int32_t from, uint32_t class)
{
    bool at_end = class == b->out->n_classes - 1;
    uint64_t sets = b->class_sets[class];
    size_t n = 0;
    b->stack[n++] = from;
    while (n > 0) {
        int32_t at = b->stack[--n];
        const step *s = &b->steps[at];
        if ((b->seen[at] & 1) != 0) {
            continue;
        }
        b->seen[at] |= 1;
        bool holds = !at_end && (sets >> s->set & 1) != 0;
        switch (s->kind) {
        case STEP_MATCH: return true;
        case STEP_SPLIT:
            b->stack[n++] = s->other;
            b->stack[n++] = s->next;
            break;
        case STEP_LOOK:
            if (holds != s->negated) {
                b->stack[n++] = s->next;
            }
            break;
        case STEP_SET:
            if (holds && (b->seen[s->next] & 2) == 0) {
                b->seen[s->next] |= 2;
                b->list[b->n_list++] = s->next;
            }
            break;
        }
    }
    return false;
}

// The state whose list is b->list, made when it is new.
static qn_status intern_state(builder *b, uint32_t *state)
{
    qni_automaton *a = b->out;
    for (*state = 0; *state < a->n_states; ++*state) {
        size_t first = b->firsts[*state], n = b->firsts[*state + 1] - first;
        if (n == b->n_list && memcmp(b->threads + first, b->list, n * sizeof *b->list) == 0) {
            return QN_OK;
        }
    }
    if (a->n_states >= QNI_MAX_REGEX_STATES) {
        return too_much(b, "too many states");
    }
    size_t need = b->n_threads + b->n_list;
    if (qni_grow(&b->threads, &b->threads_capacity, need, sizeof *b->threads) != 0 ||
        qni_grow(&b->firsts, &b->firsts_capacity, a->n_states + 2, sizeof *b->firsts) != 0) {
        return qni_fail_memory(b->err);
    }
    if (b->n_list > 0) {
        memcpy(b->threads + b->n_threads, b->list, b->n_list * sizeof *b->list);
    }
    b->firsts[a->n_states] = b->n_threads;
    b->n_threads += b->n_list;
    b->firsts[++a->n_states] = b->n_threads;
    return QN_OK;
}

static qn_status build_states(builder *b, int32_t start)
{
    qni_automaton *a = b->out;
    uint32_t state;
    size_t capacity = 0;
    QNI_TRY(intern_state(b, &state)); // dead: no threads
    b->list[0] = start;
    b->n_list = 1;
    QNI_TRY(intern_state(b, &state));
    for (uint32_t from = 0; from < a->n_states; from++) {
        size_t need = (size_t)(from + 1) * a->n_classes;
        if (qni_grow(&a->table, &capacity, need, sizeof *a->table) != 0) {
            return qni_fail_memory(b->err);
        }
        for (uint32_t class = 0; class < a->n_classes; class ++) {
            memset(b->seen, 0, b->n_steps);
            b->n_list = 0;
            bool match = false;
            for (size_t i = b->firsts[from]; i < b->firsts[from + 1] && !match; i++) {
                match = follow(b, b->threads[i], class);
            }
            QNI_TRY(intern_state(b, &state));
            a->table[(size_t)from * a->n_classes + class] =
                (uint16_t)(state | (match ? (uint32_t)QNI_AUTOMATON_MATCH : 0));
        }
    }
    return QN_OK;
}

qn_status qni_automaton_build(const qni_regex *regex, qni_automaton *out, qn_error *err)
{
    *out = (qni_automaton){0};
    builder b = {.regex = regex, .out = out, .err = err};
    int32_t end = 0, start = 0;
    qn_status status = add_step(&b, (step){.kind = STEP_MATCH}, &end);
    if (status == QN_OK) {
        status = emit(&b, regex->root, end, &start);
    }
    if (status == QN_OK) {
        b.seen = qni_alloc(b.n_steps);
        b.stack = qni_alloc_array(2 * b.n_steps + 2, sizeof *b.stack);
        b.list = qni_alloc_array(b.n_steps + 1, sizeof *b.list);
        bool memory = b.seen != NULL && b.stack != NULL && b.list != NULL;
        status = memory ? build_classes(&b) : qni_fail_memory(err);
    }
    if (status == QN_OK) {
        status = build_states(&b, start);
    }
    qni_free(b.steps);
    qni_free(b.threads);
    qni_free(b.firsts);
    qni_free(b.seen);
    qni_free(b.stack);
    qni_free(b.list);
    if (status != QN_OK) {
        qni_automaton_end(out);
    }
    return status;
}

void qni_automaton_end(qni_automaton *automaton)
{
    qni_free(automaton->table);
    qni_free(automaton->blocks);
    qni_free(automaton->pages);
    *automaton = (qni_automaton){0};
}

size_t qni_automaton_match(const qni_automaton *a, const char *text, size_t n, size_t from)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t end_class = a->n_classes - 1;
    uint32_t state = QNI_AUTOMATON_START;
    size_t end = from;
    for (size_t at = from; state != QNI_AUTOMATON_DEAD;) {
        size_t length = 0;
        uint32_t class = at < n ? qni_automaton_class(a, bytes + at, &length) : end_class;
        uint32_t entry = a->table[state * a->n_classes + class];
        end = (entry & QNI_AUTOMATON_MATCH) != 0 ? at : end;
        state = entry & ~(uint32_t)QNI_AUTOMATON_MATCH;
        at += length;
    }
    return end;
}
