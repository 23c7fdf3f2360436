#include "grammar/frame.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

// A frame's record: kind, start + 1 (or 0), universe, seen, then (formula, frame around) pairs.
enum { FRAME_KIND, FRAME_START, FRAME_UNIVERSE, FRAME_SEEN, FRAME_PAIRS };

qn_status qni_frames_begin(qni_frames *fr, qni_formulas *f, qn_error *err)
{
    *fr = (qni_frames){.account = f->account, .f = f, .sat_lowest = UINT32_MAX};
    qni_intern_begin(&fr->frames, fr->account);
    qni_intern_begin(&fr->goals, fr->account);
    qni_intern_begin(&fr->seen, fr->account);
    qni_intern_begin(&fr->tuples, fr->account);
    qni_intern_begin(&fr->universe_ids, fr->account);
    qni_intern_begin(&fr->shapes, fr->account);
    if (qni_blocks_reach(&fr->frame_infos, fr->account, 0, sizeof(qni_frame_info))) {
        uint32_t outside[FRAME_PAIRS] = {QNI_FRAME_OUTSIDE};
        qni_intern_add(&fr->frames, outside, FRAME_PAIRS, NULL);
        *qni_frame_info_of(fr, QNI_FRAME_DONE) = (qni_frame_info){0};
    }
    return qni_account_status(fr->account, err);
}

void qni_frames_end(qni_frames *fr)
{
    for (uint32_t i = 1; i < fr->frames.n; i++) {
        qni_free(qni_frame_info_of(fr, i)->verdicts);
        qni_free(qni_frame_info_of(fr, i)->needed);
    }
    for (uint32_t i = 1; i < fr->goals.n; i++) {
        qni_free(qni_goal_info_of(fr, i)->numbers);
    }
    for (uint32_t i = 1; i < fr->universe_ids.n && fr->universes != NULL; i++) {
        qni_free(fr->universes[i].keys);
        qni_free(fr->universes[i].terms);
    }
    qni_intern_end(&fr->frames);
    qni_intern_end(&fr->goals);
    qni_intern_end(&fr->seen);
    qni_intern_end(&fr->tuples);
    qni_intern_end(&fr->universe_ids);
    qni_intern_end(&fr->shapes);
    qni_blocks_end(&fr->frame_infos);
    qni_blocks_end(&fr->goal_infos);
    qni_free(fr->universes);
    qni_free(fr->sat);
    *fr = (qni_frames){0};
}

qni_frame_kind qni_frame_kind_of(const qni_frames *fr, qni_frame frame)
{
    return (qni_frame_kind)qni_intern_at(&fr->frames, frame, NULL)[FRAME_KIND];
}

size_t qni_frame_pairs(const qni_frames *fr, qni_frame frame, const uint32_t **pairs)
{
    size_t n;
    *pairs = qni_intern_at(&fr->frames, frame, &n) + FRAME_PAIRS;
    return (n - FRAME_PAIRS) / 2;
}

bool qni_frames_outermost_first(qni_frames *fr, qni_frame frame, qni_frame_fn *fn)
{
    qni_frame *open = NULL, unknown;
    size_t n = 0, capacity = 0;
    bool fine = true;
    while (fine && (n > 0 || frame != 0)) {
        if (frame != 0 && qni_grow(&open, &capacity, n + 1, sizeof *open) != 0) {
            fine = qni_account_fail(fr->account, QN_OUT_OF_MEMORY, "out of memory");
            break;
        }
        if (frame != 0) {
            open[n++] = frame;
        }
        bool done = fn(fr, open[n - 1], &unknown);
        n -= done;
        frame = done ? 0 : unknown;
    }
    qni_free(open);
    return fine;
}

bool qni_seen_has(const qni_frames *fr, uint32_t seen, qni_string key)
{
    while (seen != 0) {
        const uint32_t *r = qni_intern_at(&fr->seen, seen, NULL);
        if (r[1] == key) {
            return true;
        }
        seen = r[0];
    }
    return false;
}

uint32_t qni_seen_add(qni_frames *fr, uint32_t seen, qni_string key)
{
    return qni_intern_add(&fr->seen, (uint32_t[]){seen, key}, 2, NULL);
}

bool qni_frame_has_seen(const qni_frames *fr, qni_frame frame, qni_string key)
{
    return qni_seen_has(fr, qni_intern_at(&fr->frames, frame, NULL)[FRAME_SEEN], key);
}

const qni_universe *qni_frame_universe(const qni_frames *fr, qni_frame frame)
{
    return &fr->universes[qni_intern_at(&fr->frames, frame, NULL)[FRAME_UNIVERSE]];
}

// Collecting the names that formulas mention.
typedef struct collection {
    qni_frames *fr;
    uint32_t *keys, *terms;
    size_t n_keys, n_terms, keys_capacity, terms_capacity;
} collection;

static void collect(collection *c, uint32_t **items, size_t *n, size_t *capacity, uint32_t item)
{
    if (qni_grow(items, capacity, *n + 1, sizeof **items) != 0) {
        qni_account_fail(c->fr->account, QN_OUT_OF_MEMORY, "out of memory");
        return;
    }
    (*items)[(*n)++] = item;
}

static void collect_atom(void *context, const uint32_t *node)
{
    collection *c = context;
    qni_keys_view v = {0};
    if (node[0] == QNI_ATOM_MEMBERS) {
        v = qni_keys_get(c->fr->f, node[2]);
    }
    for (size_t i = 0; i < v.n_texts; i++) {
        collect(c, &c->keys, &c->n_keys, &c->keys_capacity, v.texts[i]);
    }
    for (size_t i = 0; i < v.n_terms; i++) {
        collect(c, &c->terms, &c->n_terms, &c->terms_capacity, v.terms[i]);
    }
}

static void sort_once(uint32_t *items, size_t *n)
{
    if (*n == 0) {
        return;
    }
    qni_ids_sort(items, *n);
    size_t kept = 1;
    for (size_t i = 1; i < *n; i++) {
        if (items[i] != items[kept - 1]) {
            items[kept++] = items[i];
        }
    }
    *n = kept;
}

static int compare_texts(const qni_formulas *f, qni_string a, qni_string b)
{
    size_t n_a, n_b;
    const char *x = qni_string_text(f, a, &n_a), *y = qni_string_text(f, b, &n_b);
    int order = memcmp(x, y, n_a < n_b ? n_a : n_b);
    return order != 0 ? order : (n_a > n_b) - (n_a < n_b);
}

// Merge sort by bytes: `room` is as large as `keys`.
static void sort_texts(const qni_formulas *f, qni_string *keys, qni_string *room, size_t n)
{
    if (n < 2) {
        return;
    }
    size_t half = n / 2, a = 0, b = half, k = 0;
    sort_texts(f, keys, room, half);
    sort_texts(f, keys + half, room, n - half);
    while (k < n) {
        bool first = b == n || (a < half && compare_texts(f, keys[a], keys[b]) <= 0);
        room[k++] = first ? keys[a++] : keys[b++];
    }
    memcpy(keys, room, n * sizeof *keys);
}

static qni_term term_of_keys(qni_frames *fr, const qni_string *keys, size_t n)
{
    qni_formulas *f = fr->f;
    const char **texts = qni_alloc_array(n + 1, sizeof *texts);
    size_t *sizes = qni_alloc_array(n + 1, sizeof *sizes);
    qni_term term = QNI_TERM_NOTHING;
    if (texts == NULL || sizes == NULL) {
        qni_account_fail(fr->account, QN_OUT_OF_MEMORY, "out of memory");
    } else {
        for (size_t i = 0; i < n; i++) {
            texts[i] = qni_string_text(f, keys[i], &sizes[i]);
        }
        term = qni_term_words(f->terms, texts, sizes, n);
    }
    qni_free(texts);
    qni_free(sizes);
    return term;
}

static uint32_t universe_from(qni_frames *fr, collection *c)
{
    sort_once(c->keys, &c->n_keys);
    sort_once(c->terms, &c->n_terms);
    size_t n = c->n_keys + c->n_terms + 1;
    uint32_t *record = qni_alloc_array(n, sizeof *record);
    if (record == NULL ||
        !qni_account_grow(fr->account, &fr->universes, &fr->universes_capacity,
                          (size_t)fr->universe_ids.n + 2, sizeof *fr->universes)) {
        qni_account_fail(fr->account, QN_OUT_OF_MEMORY, "out of memory");
        qni_free(record);
        return 0;
    }
    record[0] = (uint32_t)c->n_keys;
    if (c->n_keys != 0) {
        memcpy(record + 1, c->keys, c->n_keys * sizeof *record);
    }
    if (c->n_terms != 0) {
        memcpy(record + 1 + c->n_keys, c->terms, c->n_terms * sizeof *record);
    }
    bool fresh;
    uint32_t id = qni_intern_add(&fr->universe_ids, record, n, &fresh);
    if (fresh) {
        // The record's memory is at hand for the sorting.
        sort_texts(fr->f, c->keys, record, c->n_keys);
        fr->universes[id] = (qni_universe){c->keys, c->n_keys, c->terms, c->n_terms, 0};
        c->keys = c->terms = NULL;
    }
    qni_free(record);
    return id;
}

uint32_t qni_universe_make(qni_frames *fr, const qni_formula *alts, size_t n)
{
    bool found;
    uint32_t key[3] = {6, n == 1 ? alts[0] : 0, 0};
    if (n == 1) {
        uint32_t known = *qni_formulas_memo(fr->f, key, 3, &found);
        if (found) {
            return known;
        }
    }
    collection c = {.fr = fr};
    for (size_t i = 0; i < n; i++) {
        qni_formula_see(fr->f, alts[i], collect_atom, &c);
    }
    uint32_t id = universe_from(fr, &c);
    qni_free(c.keys);
    qni_free(c.terms);
    if (n == 1 && fr->account->status == QN_OK) {
        *qni_formulas_memo(fr->f, key, 3, &found) = id;
    }
    return id;
}

qni_term qni_universe_class(qni_frames *fr, uint32_t universe, uint32_t class_bits)
{
    qni_terms *t = fr->f->terms;
    qni_universe *u = &fr->universes[universe];
    if (u->others == QNI_TERM_NOTHING) {
        u->others = qni_term_and2(t, t->text,
                                  qni_term_not(t, term_of_keys(fr, u->keys, u->n_keys)));
    }
    qni_term term = u->others;
    for (size_t i = 0; i < u->n_terms; i++) {
        bool in = i < 32 && (class_bits >> i & 1) != 0;
        term = qni_term_and2(t, term, in ? u->terms[i] : qni_term_not(t, u->terms[i]));
    }
    return term;
}

// Strikes the seen keys out of a language: those without which some beginning of theirs would lead
// nowhere. The others are refused where they end.
static qni_term without_seen(qni_frames *fr, qni_term term, uint32_t seen)
{
    qni_terms *t = fr->f->terms;
    size_t n_seen = 1;
    for (uint32_t s = seen; s != 0; s = qni_intern_at(&fr->seen, s, NULL)[0]) {
        n_seen++;
    }
    for (; seen != 0; seen = qni_intern_at(&fr->seen, seen, NULL)[0]) {
        size_t n;
        qni_string key = qni_intern_at(&fr->seen, seen, NULL)[1];
        if (!qni_string_matches(fr->f, key, term)) {
            continue;
        }
        const char *text = qni_string_text(fr->f, key, &n);
        qni_term rest = term;
        for (size_t i = 0; i < n; i++) {
            rest = qni_term_step(t, rest, (unsigned char)text[i]);
        }
        if (qni_term_count(t, rest, n_seen + 1) <= n_seen) {
            text = qni_string_text(fr->f, key, &n);
            term = qni_term_and2(t, term, qni_term_not(t, qni_term_literal(t, text, n)));
        }
    }
    return term;
}

// The plainest key that the universe does not name and that has not been seen: a character of a
// private plane, which no tokenizer's tokens complete to a key. 0 when those are used up.
static qni_string plain_witness(qni_frames *fr, const qni_universe *u, uint32_t seen)
{
    enum { FIRST = 0xF0000, LAST = 0xFFFFD };
    for (uint32_t code = FIRST; code <= LAST && fr->account->status == QN_OK; code++) {
        char text[4];
        size_t n = (size_t)qni_utf8_encode(code, text);
        qni_string key = qni_string_make(fr->f, text, n);
        bool named = false;
        for (size_t i = 0; i < u->n_keys && !named; i++) {
            named = u->keys[i] == key;
        }
        if (!named && !qni_seen_has(fr, seen, key)) {
            return key;
        }
    }
    return 0;
}

// The shortest text of a language that matters here.
static qni_string shortest_key(qni_frames *fr, qni_term term)
{
    bool found;
    uint32_t memo_key[3] = {9, term, 0};
    uint32_t *value = qni_formulas_memo(fr->f, memo_key, 3, &found);
    if (!found) {
        char text[512];
        size_t size;
        bool any = qni_term_shortest(fr->f->terms, term, text, sizeof text, &size);
        qni_string key = any ? qni_string_make(fr->f, text, size) : 0;
        value = qni_formulas_memo(fr->f, memo_key, 3, &found);
        *value = key;
    }
    return *value;
}

qni_string qni_universe_witness(qni_frames *fr, uint32_t universe, uint32_t class_bits,
                                uint32_t seen)
{
    if (fr->universes[universe].n_terms == 0) {
        qni_universe u = fr->universes[universe];
        qni_string key = plain_witness(fr, &u, seen);
        if (key != 0) {
            return key;
        }
    }
    // Only keys that would be the witness themselves are struck out, so that few languages arise.
    qni_terms *t = fr->f->terms;
    qni_term term = qni_universe_class(fr, universe, class_bits);
    qni_string key = shortest_key(fr, term);
    while (key != 0 && qni_seen_has(fr, seen, key)) {
        size_t n;
        const char *text = qni_string_text(fr->f, key, &n);
        term = qni_term_and2(t, term, qni_term_not(t, qni_term_literal(t, text, n)));
        key = shortest_key(fr, term);
    }
    return key;
}

// Joins pairs that go on in the same frame; sorted by that frame. `pairs` is (formula, frame), `n`
// of them.
static size_t join_pairs(qni_formulas *f, uint32_t *pairs, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        qni_formula a = pairs[2 * i];
        uint32_t then = pairs[2 * i + 1];
        size_t at = 0;
        while (at < kept && pairs[2 * at + 1] < then) {
            at++;
        }
        if (at < kept && pairs[2 * at + 1] == then) {
            pairs[2 * at] = qni_or2(f, pairs[2 * at], a);
            continue;
        }
        memmove(pairs + 2 * at + 2, pairs + 2 * at, (kept - at) * 2 * sizeof *pairs);
        pairs[2 * at] = a;
        pairs[2 * at + 1] = then;
        kept++;
    }
    return kept;
}

static bool rest_satisfiable(qni_frames *fr, qni_frame_kind kind, qni_formula a, uint32_t universe,
                             uint32_t seen, qni_formula parent)
{
    if (a == QNI_TRUE || a == QNI_FALSE) {
        return a == QNI_TRUE;
    }
    return kind == QNI_FRAME_ARRAY ? qni_array_satisfiable(fr, a)
                                   : qni_object_satisfiable(fr, a, universe, seen, parent);
}

// A frame of alternatives that are known to be satisfiable.
static qni_frame add_frame(qni_frames *fr, qni_frame_kind kind, uint32_t start, uint32_t universe,
                           uint32_t seen, const qni_formula *alts, const qni_frame *around,
                           size_t n)
{
    uint32_t record[FRAME_PAIRS + 2 * QNI_MAX_ALTERNATIVES] = {kind, start + 1, universe, seen};
    for (size_t i = 0; i < n; i++) {
        record[FRAME_PAIRS + 2 * i] = alts[i];
        record[FRAME_PAIRS + 2 * i + 1] = around[i];
    }
    if (n == 0 || !qni_blocks_reach(&fr->frame_infos, fr->account, (size_t)fr->frames.n + 1,
                                    sizeof(qni_frame_info))) {
        return 0;
    }
    n = n == 1 ? 1 : join_pairs(fr->f, record + FRAME_PAIRS, n);
    bool fresh;
    qni_frame id = qni_intern_add(&fr->frames, record, FRAME_PAIRS + 2 * n, &fresh);
    if (fresh) {
        bool waits = start != UINT32_MAX;
        for (size_t i = 0; i < n; i++) {
            waits = waits || qni_frame_info_of(fr, record[FRAME_PAIRS + 2 * i + 1])->waits;
        }
        *qni_frame_info_of(fr, id) = (qni_frame_info){.waits = waits};
    }
    return id;
}

bool qni_frame_waits(const qni_frames *fr, qni_frame frame)
{
    return frame != 0 && qni_frame_info_of(fr, frame)->waits;
}

bool qni_frame_waits_for_item(const qni_frames *fr, qni_frame frame)
{
    return qni_intern_at(&fr->frames, frame, NULL)[FRAME_START] != 0;
}

bool qni_goal_waits(const qni_frames *fr, qni_goal goal)
{
    bool waits = false;
    for (size_t i = 0; goal != 0 && i < qni_goal_size(fr, goal); i++) {
        waits = waits || qni_frame_waits(fr, qni_goal_then(fr, goal, i));
    }
    return waits;
}

qni_frame qni_frame_make(qni_frames *fr, qni_frame_kind kind, uint32_t start, uint32_t universe,
                         uint32_t seen, const qni_formula *alts, const qni_frame *around, size_t n,
                         qni_formula parent)
{
    qni_formula kept[QNI_MAX_ALTERNATIVES];
    qni_frame kept_around[QNI_MAX_ALTERNATIVES];
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (rest_satisfiable(fr, kind, alts[i], universe, seen, n == 1 ? parent : 0)) {
            kept[n_kept] = alts[i];
            kept_around[n_kept++] = around[i];
        }
    }
    return add_frame(fr, kind, start, universe, seen, kept, kept_around, n_kept);
}

// Keeps the pairs whose formula some value satisfies.
static qni_goal goal_from(qni_frames *fr, uint32_t *pairs, size_t n)
{
    n = n < 2 ? n : join_pairs(fr->f, pairs, n);
    if (n == 0 || !qni_blocks_reach(&fr->goal_infos, fr->account, (size_t)fr->goals.n + 1,
                                    sizeof(qni_goal_info))) {
        return 0;
    }
    bool fresh;
    qni_goal id = qni_intern_add(&fr->goals, pairs, 2 * n, &fresh);
    if (fresh) {
        *qni_goal_info_of(fr, id) = (qni_goal_info){0};
    }
    return id;
}

qni_goal qni_goal_make(qni_frames *fr, qni_formula a, qni_frame then)
{
    uint32_t pair[2] = {a, then};
    return qni_satisfiable(fr, a) ? goal_from(fr, pair, 1) : 0;
}

qni_goal qni_goal_part(qni_frames *fr, qni_goal goal, size_t i)
{
    const uint32_t *r = qni_intern_at(&fr->goals, goal, NULL);
    uint32_t pair[2] = {r[2 * i], r[2 * i + 1]};
    return goal_from(fr, pair, 1);
}

// The parts of a frame's record that stay put while others are made.
typedef struct frame_copy {
    qni_frame_kind kind;
    uint32_t start, universe, seen;
    size_t n;
    qni_formula alts[QNI_MAX_ALTERNATIVES];
    qni_frame around[QNI_MAX_ALTERNATIVES];
} frame_copy;

static void copy_frame(const qni_frames *fr, qni_frame frame, frame_copy *out)
{
    size_t n;
    const uint32_t *r = qni_intern_at(&fr->frames, frame, &n);
    out->kind = (qni_frame_kind)r[FRAME_KIND];
    out->start = r[FRAME_START] - 1;
    out->universe = r[FRAME_UNIVERSE];
    out->seen = r[FRAME_SEEN];
    out->n = (n - FRAME_PAIRS) / 2;
    for (size_t i = 0; i < out->n; i++) {
        out->alts[i] = r[FRAME_PAIRS + 2 * i];
        out->around[i] = r[FRAME_PAIRS + 2 * i + 1];
    }
}

static bool make_shape(qni_frames *fr, qni_frame frame, qni_frame *unknown)
{
    frame_copy c;
    copy_frame(fr, frame, &c);
    uint32_t record[2 + 2 * QNI_MAX_ALTERNATIVES] = {c.kind, c.universe};
    for (size_t i = 0; i < c.n; i++) {
        uint32_t around = c.around[i] == 0 ? 0 : qni_frame_info_of(fr, c.around[i])->shape;
        if (c.around[i] != 0 && around == 0 && fr->account->status == QN_OK) {
            *unknown = c.around[i];
            return false;
        }
        record[2 + 2 * i] = c.alts[i];
        record[3 + 2 * i] = around;
    }
    qni_frame_info_of(fr, frame)->shape = qni_intern_add(&fr->shapes, record, 2 + 2 * c.n, NULL);
    return true;
}

uint32_t qni_frame_shape(qni_frames *fr, qni_frame frame)
{
    if (frame != 0 && qni_frame_info_of(fr, frame)->shape == 0) {
        qni_frames_outermost_first(fr, frame, make_shape);
    }
    return frame == 0 ? 0 : qni_frame_info_of(fr, frame)->shape;
}

uint32_t qni_goal_shape(qni_frames *fr, qni_goal goal)
{
    uint32_t record[1 + 2 * QNI_MAX_ALTERNATIVES] = {UINT32_MAX};
    size_t n = goal == 0 ? 0 : qni_goal_size(fr, goal);
    for (size_t i = 0; i < n; i++) {
        record[1 + 2 * i] = qni_intern_at(&fr->goals, goal, NULL)[2 * i];
        record[2 + 2 * i] = qni_frame_shape(fr, qni_goal_then(fr, goal, i));
    }
    return n == 0 ? 0 : qni_intern_add(&fr->shapes, record, 1 + 2 * n, NULL);
}

// The frame behind an item whose value `unique` waits for. Where two items must be equal and no two
// later ones can, the item, which is one of `*value`, has to be what a later one can be.
static qni_frame waiting_frame(qni_frames *fr, const frame_copy *c, uint32_t start,
                               const uint32_t *rests, qni_formula *value)
{
    qni_formula alts[QNI_MAX_ALTERNATIVES], partners = QNI_FALSE;
    qni_frame around[QNI_MAX_ALTERNATIVES];
    size_t n = 0;
    bool is_one = qni_count_values(fr, *value, 2) < 2; // then it is known before it is written
    for (size_t i = 0; i < c->n; i++) {
        qni_formula rest = is_one ? qni_unique_without(fr->f, rests[i], *value) : rests[i];
        bool fine = qni_array_satisfiable(fr, rest);
        qni_formula partner = fine ? QNI_TRUE : QNI_FALSE;
        if (!fine && qni_array_satisfiable(fr, qni_unique_without(fr->f, rests[i], *value))) {
            partner = qni_equal_partners(fr, rests[i], 0);
            fr->approximate = fr->approximate || partner == QNI_TRUE;
            fine = true;
        }
        partners = qni_or2(fr->f, partners, partner);
        alts[n] = rests[i];
        around[n] = c->around[i];
        n += fine;
    }
    *value = qni_and2(fr->f, *value, partners);
    return !qni_satisfiable(fr, *value)
               ? 0
               : add_frame(fr, QNI_FRAME_ARRAY, start, 0, 0, alts, around, n);
}

// The goal of a child of `c`: `key` for a member, 0 for an item.
static qni_goal child_goal(qni_frames *fr, const frame_copy *c, qni_string key, uint32_t start)
{
    uint32_t pairs[2 * QNI_MAX_ALTERNATIVES];
    size_t n = 0;
    qni_outcomes o = {.fr = fr, .object = key != 0, .key = key, .n_alts = c->n};
    qni_goal goal = 0;
    if (!qni_outcomes_find(&o, c->alts)) {
        goto done;
    }
    uint32_t seen = key != 0 ? qni_seen_add(fr, c->seen, key) : 0;
    for (size_t i = 0; i < o.n_leaves; i++) {
        const uint32_t *leaf = o.leaves + i * (1 + c->n);
        qni_formula value = leaf[0];
        qni_frame next = o.unique ? waiting_frame(fr, c, start, leaf + 1, &value)
                                  : qni_frame_make(fr, c->kind, UINT32_MAX, c->universe, seen,
                                                   leaf + 1, c->around, c->n, c->alts[0]);
        if (next == 0) {
            continue;
        }
        if (n == QNI_MAX_ALTERNATIVES) {
            n = join_pairs(fr->f, pairs, n);
        }
        if (n == QNI_MAX_ALTERNATIVES) {
            qni_account_fail(fr->account, QN_LIMIT_EXCEEDED,
                             "a value could count for its surroundings in too many ways");
            goto done;
        }
        pairs[2 * n] = value;
        pairs[2 * n + 1] = next;
        n++;
    }
    goal = goal_from(fr, pairs, n);
done:
    qni_free(o.leaves);
    return goal;
}

qni_goal qni_frame_member(qni_frames *fr, qni_frame frame, qni_string key)
{
    bool found;
    uint32_t memo_key[3] = {7, frame, key};
    uint32_t *value = qni_formulas_memo(fr->f, memo_key, 3, &found);
    if (found) {
        return *value;
    }
    frame_copy c;
    copy_frame(fr, frame, &c);
    qni_goal goal = qni_seen_has(fr, c.seen, key) ? 0 : child_goal(fr, &c, key, 0);
    *qni_formulas_memo(fr->f, memo_key, 3, &found) = goal;
    return goal;
}

qni_goal qni_frame_item(qni_frames *fr, qni_frame frame, uint32_t start)
{
    if (qni_frame_info_of(fr, frame)->item_known) {
        return qni_frame_info_of(fr, frame)->item;
    }
    frame_copy c;
    copy_frame(fr, frame, &c);
    qni_goal goal = child_goal(fr, &c, 0, start);
    // Only where the item's place does not matter is the answer the same next time.
    bool placed = goal != 0 &&
                  qni_intern_at(&fr->frames, qni_goal_then(fr, goal, 0), NULL)[FRAME_START] != 0;
    if (!placed && fr->account->status == QN_OK) {
        qni_frame_info_of(fr, frame)->item_known = true;
        qni_frame_info_of(fr, frame)->item = goal;
    }
    return goal;
}

qni_frame qni_frame_close(qni_frames *fr, qni_frame frame)
{
    qni_frame_info *info = qni_frame_info_of(fr, frame);
    if (!info->close_known) {
        size_t n;
        const uint32_t *r = qni_intern_at(&fr->frames, frame, &n);
        for (size_t i = FRAME_PAIRS; i < n; i += 2) {
            if (qni_formula_closes(fr->f, r[i])) {
                info->closed = r[i + 1];
            }
        }
        info->close_known = true;
    }
    return info->closed;
}

qni_term qni_frame_other_keys(qni_frames *fr, qni_frame frame)
{
    if (qni_frame_info_of(fr, frame)->others_known) {
        return qni_frame_info_of(fr, frame)->others;
    }
    const uint32_t *r = qni_intern_at(&fr->frames, frame, NULL);
    uint32_t universe = r[FRAME_UNIVERSE], seen = r[FRAME_SEEN];
    size_t n_terms = fr->universes[universe].n_terms;
    qni_terms *t = fr->f->terms;
    qni_term sum = QNI_TERM_NOTHING;
    if (n_terms > QNI_MAX_CLASS_TERMS) {
        // Too many combinations to look at: every other key may begin, and is judged where it ends.
        fr->approximate = true;
        sum = t->text;
    } else {
        bool all = true;
        for (uint32_t c = 0; c < (uint32_t)1 << n_terms; c++) {
            qni_goal goal = qni_frame_class_goal(fr, frame, c);
            bool takes = goal != 0;
            qni_frame_info_of(fr, frame)->other_goal = n_terms == 0 ? goal : 0;
            all = all && takes;
            if (takes) {
                sum = qni_term_alt2(t, sum, qni_universe_class(fr, universe, c));
            }
        }
        // Without languages the rest is endless, and a repeated key is refused where it ends.
        sum = all && n_terms == 0 ? t->text : without_seen(fr, sum, seen);
    }
    if (fr->account->status == QN_OK) {
        qni_frame_info_of(fr, frame)->others_known = true;
        qni_frame_info_of(fr, frame)->others = sum;
    }
    return sum;
}

qni_goal qni_frame_other_goal(const qni_frames *fr, qni_frame frame)
{
    return qni_frame_info_of(fr, frame)->other_goal;
}

// Does the formula of an object with one alternative deny every key that it does not name? Then it
// does so whatever has been seen. Without languages of keys, where all others are alike.
static bool denies_others(qni_frames *fr, const frame_copy *c)
{
    if (c->n != 1 || fr->universes[c->universe].n_terms != 0) {
        return false;
    }
    bool found;
    uint32_t memo_key[3] = {10, c->alts[0], c->universe};
    uint32_t *value = qni_formulas_memo(fr->f, memo_key, 3, &found);
    if (!found) {
        qni_outcomes o = {.fr = fr, .object = true, .n_alts = 1};
        o.key = qni_universe_witness(fr, c->universe, 0, 0);
        bool denied = o.key != 0 && qni_outcomes_find(&o, c->alts) && o.n_leaves == 0;
        qni_free(o.leaves);
        value = qni_formulas_memo(fr->f, memo_key, 3, &found);
        *value = denied;
    }
    return *value != 0;
}

qni_goal qni_frame_class_goal(qni_frames *fr, qni_frame frame, uint32_t class_bits)
{
    bool found;
    uint32_t memo_key[3] = {8, frame, class_bits};
    uint32_t *value = qni_formulas_memo(fr->f, memo_key, 3, &found);
    if (!found) {
        frame_copy c;
        copy_frame(fr, frame, &c);
        qni_goal goal = 0;
        if (!denies_others(fr, &c)) {
            qni_string key = qni_universe_witness(fr, c.universe, class_bits, c.seen);
            goal = key == 0 ? 0 : qni_frame_member(fr, frame, key);
        }
        value = qni_formulas_memo(fr->f, memo_key, 3, &found);
        *value = goal;
    }
    return *value;
}

uint32_t qni_frame_seen(const qni_frames *fr, qni_frame frame)
{
    return qni_intern_at(&fr->frames, frame, NULL)[FRAME_SEEN];
}

qni_string qni_seen_next(const qni_frames *fr, uint32_t *seen)
{
    const uint32_t *r = qni_intern_at(&fr->seen, *seen, NULL);
    *seen = r[0];
    return r[1];
}

qni_frame qni_frame_settle(qni_frames *fr, qni_frame frame, const char *text, size_t size)
{
    frame_copy c;
    copy_frame(fr, frame, &c);
    if (c.start == UINT32_MAX) {
        return frame;
    }
    qni_arena arena;
    qni_arena_begin(&arena, QNI_MAX_GRAMMAR_SOURCE_BYTES);
    qni_jvalue *value;
    qni_formula equal = QNI_FALSE;
    qn_status status = qni_jvalue_parse(&arena, text + c.start, size - c.start, NULL, NULL, &value,
                                        NULL);
    if (status == QN_OK) {
        equal = qni_equals(fr->f, value);
    } else {
        qni_account_fail(fr->account, status, "an item cannot be compared with the others");
    }
    qni_arena_end(&arena);
    for (size_t i = 0; i < c.n; i++) {
        c.alts[i] = qni_unique_without(fr->f, c.alts[i], equal);
    }
    return qni_frame_make(fr, c.kind, UINT32_MAX, c.universe, c.seen, c.alts, c.around, c.n, 0);
}

// Where the rest of an array is bound in nothing but what each item must be, how many there are,
// and that all differ: what each must be. False for others.
static bool alike_items(qni_formulas *f, qni_formula rest, qni_formula *item)
{
    size_t n;
    const uint32_t *r = qni_formula_node(f, rest, &n);
    bool conjunction = (rest & 1) == 0 && r[0] == QNI_ATOM_AND;
    *item = QNI_TRUE;
    for (size_t i = 0; i < (conjunction ? n - 1 : 1); i++) {
        qni_formula part = conjunction ? qni_formula_node(f, rest, NULL)[i + 1] : rest;
        const uint32_t *p = qni_formula_node(f, part, NULL);
        bool denied = (part & 1) != 0, items = p[0] == QNI_ATOM_ITEMS;
        if (items && denied && p[1] == 1 && p[2] == 0 && p[3] == QNI_NO_END) {
            *item = qni_and2(f, *item, qni_not(p[4])); // none is another
        } else if (!(items && p[4] == QNI_TRUE) && !(p[0] == QNI_ATOM_UNIQUE && !denied)) {
            return false;
        }
    }
    return true;
}

qni_frame qni_frame_settle_alike(qni_frames *fr, qni_frame frame)
{
    frame_copy c;
    copy_frame(fr, frame, &c);
    qni_formula item;
    if (c.start == UINT32_MAX || c.n != 1 || qni_frame_waits(fr, c.around[0]) ||
        !alike_items(fr->f, c.alts[0], &item)) {
        return 0;
    }
    // One string less makes no difference where each beginning has endless ones.
    qni_term term = qni_formula_term(fr->f, qni_formula_for_type(fr->f, item, QNI_J_STRING));
    if (term == QNI_TERM_NOTHING || qni_term_info_of(fr->f->terms, term)->stretch == 0) {
        return 0;
    }
    static const char some[] = "\xF3\xB0\x80\x80"; // a character of private use
    qni_formula equal = qni_string_in(fr->f, qni_term_literal(fr->f->terms, some, 4));
    qni_formula rest = qni_unique_without(fr->f, c.alts[0], equal);
    return qni_frame_make(fr, c.kind, UINT32_MAX, c.universe, c.seen, &rest, c.around, 1, 0);
}
