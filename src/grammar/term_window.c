// Counters seen from far: what a term allows within a window of some bytes.
//
// A counter that still has more to go than a text is long makes no difference for the text. So
// terms that differ only in such counters have the same masks, and one walk serves a whole string.
#include "base/limits.h"
#include "grammar/term.h"

qni_term qni_term_widen(qni_terms *terms, qni_term a, uint32_t least, uint32_t *room)
{
    *room = QNI_TERM_NO_MAX;
    if (a == QNI_TERM_NOTHING || !qni_term_info_of(terms, a)->counted) {
        return a;
    }
    uint32_t key[2] = {a, least};
    bool fresh;
    uint32_t id = qni_intern_add(&terms->window_ids, key, 2, &fresh);
    if (id == 0 || !qni_account_grow(terms->account, &terms->windows, &terms->windows_capacity,
                                     (size_t)id + 1, sizeof *terms->windows)) {
        return a;
    }
    if (fresh) {
        // Parts are as deep as the term is nested, which its own derivatives recurse through too.
        terms->windows[id] = (qni_term_window){a, QNI_TERM_NO_MAX};
        qni_term_window w = {QNI_TERM_NOTHING, QNI_TERM_NO_MAX};
        w.term = qni_term_rebuild(terms, a, least, &w.room);
        terms->windows[id] = w;
    }
    *room = terms->windows[id].room;
    return terms->windows[id].term;
}

// One round over the found states: is some way to the end now known to be shorter?
static bool shorten_ways(qni_terms *terms, const uint32_t *states, uint32_t *ways, size_t n)
{
    bool changed = false;
    for (size_t i = n; i-- > 0;) {
        const qni_term_row *row = qni_term_info_of(terms, states[i])->row;
        uint32_t best = ways[i];
        for (unsigned b = 0; b < 256; b = qni_run_end(row->starts, b)) {
            if (qni_row_next(row, b) != QNI_TERM_NOTHING) {
                uint32_t way = ways[qni_term_info_of(terms, qni_row_next(row, b))->place];
                best = way < best - 1 ? way + 1 : best;
            }
        }
        changed = changed || best != ways[i];
        ways[i] = best;
    }
    return changed;
}

uint32_t qni_term_reach(qni_terms *terms, qni_term a)
{
    if (a == QNI_TERM_NOTHING || qni_term_info_of(terms, a)->reach != 0) {
        return a == QNI_TERM_NOTHING ? 0 : qni_term_info_of(terms, a)->reach - 1;
    }
    uint32_t states[QNI_MAX_WINDOW_STATES], ways[QNI_MAX_WINDOW_STATES];
    size_t n = 1;
    bool whole = true;
    states[0] = a;
    qni_term_info_of(terms, a)->place = 0;
    for (size_t i = 0; i < n && whole; i++) {
        qni_term before = QNI_TERM_NOTHING;
        for (unsigned b = 0, end; b < 256 && whole; b = end) {
            // Stepping, not the row alone, so that dead ends are gone from it.
            qni_term next = qni_term_next(terms, states[i], b);
            const qni_term_row *row = qni_term_info_of(terms, states[i])->row;
            end = row != NULL ? qni_run_end(row->starts, b) : 256;
            if (next == QNI_TERM_NOTHING || next == before) {
                continue;
            }
            before = next;
            uint32_t place =
                qni_term_info_of(terms, next)->place; // of this search, if that state stands there
            bool known = place < n && states[place] == next;
            if (!known && n == QNI_MAX_WINDOW_STATES) {
                whole = false;
            } else if (!known) {
                qni_term_info_of(terms, next)->place = (uint32_t)n;
                states[n++] = next;
            }
        }
    }
    uint32_t worst = QNI_TERM_NO_MAX - 1;
    if (whole && terms->account->status == QN_OK) {
        for (size_t i = 0; i < n; i++) {
            qni_term_info_of(terms, states[i])->place = (uint32_t)i;
            ways[i] = qni_term_info_of(terms, states[i])->nullable ? 0 : QNI_TERM_NO_MAX / 2;
        }
        while (shorten_ways(terms, states, ways, n)) {
        }
        worst = 0;
        for (size_t i = 0; i < n; i++) {
            worst = ways[i] > worst ? ways[i] : worst;
        }
    }
    for (size_t i = 0; i < n; i++) { // what they reach, `a` reaches
        qni_term_info_of(terms, states[i])->reach = worst + 1;
    }
    return worst;
}
