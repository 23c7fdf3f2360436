// How values begin under a goal, and strings under several formulas at once.
#include "grammar/frame.h"

#include "base/alloc.h"
#include "base/limits.h"

// The goal's formulas for values of one type, with the frames to go on in.
static size_t for_type(qni_frames *fr, qni_goal goal, qni_jtype type, qni_formula *alts,
                       qni_frame *then)
{
    size_t n = qni_goal_size(fr, goal);
    for (size_t i = 0; i < n; i++) {
        const uint32_t *r = qni_intern_at(&fr->goals, goal, NULL);
        then[i] = r[2 * i + 1];
        alts[i] = qni_formula_for_type(fr->f, r[2 * i], type);
    }
    return n;
}

static uint32_t begin_string(qni_frames *fr, const qni_formula *alts, size_t n)
{
    uint32_t tuple[QNI_MAX_ALTERNATIVES];
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        tuple[i] = alts[i] == QNI_FALSE ? QNI_TERM_NOTHING : qni_formula_term(fr->f, alts[i]);
        if (!qni_term_live(fr->f->terms, tuple[i])) {
            tuple[i] = QNI_TERM_NOTHING;
        }
        any = any || tuple[i] != QNI_TERM_NOTHING;
    }
    return !any ? 0 : n == 1 ? tuple[0] : qni_intern_add(&fr->tuples, tuple, n, NULL);
}

static uint32_t begin_number(qni_frames *fr, qni_goal goal, const qni_formula *alts, size_t n)
{
    qni_number_set *sets = qni_calloc(n, sizeof *sets);
    bool any = false;
    if (sets == NULL) {
        qni_account_fail(fr->account, QN_OUT_OF_MEMORY, "out of memory");
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (alts[i] != QNI_FALSE && !qni_formula_numbers(fr->f, alts[i], &sets[i])) {
            sets[i].n = 0;
        }
        any = any || sets[i].n != 0;
    }
    qni_goal_info_of(fr, goal)->numbers = sets;
    return any;
}

static uint32_t begin_word(const qni_formula *alts, const qni_frame *then, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (alts[i] == QNI_TRUE) {
            return then[i];
        }
    }
    return 0;
}

uint32_t qni_goal_begin(qni_frames *fr, qni_goal goal, qni_jtype type)
{
    if (qni_goal_info_of(fr, goal)->known[type]) {
        return qni_goal_info_of(fr, goal)->begins[type];
    }
    qni_formula alts[QNI_MAX_ALTERNATIVES];
    qni_frame then[QNI_MAX_ALTERNATIVES];
    size_t n = for_type(fr, goal, type, alts, then);
    uint32_t begins = 0;
    switch (type) {
    case QNI_J_STRING: begins = begin_string(fr, alts, n); break;
    case QNI_J_NUMBER: begins = begin_number(fr, goal, alts, n); break;
    case QNI_J_ARRAY:
        begins = qni_frame_make(fr, QNI_FRAME_ARRAY, UINT32_MAX, 0, 0, alts, then, n, 0);
        break;
    case QNI_J_OBJECT:
        begins = qni_frame_make(fr, QNI_FRAME_OBJECT, UINT32_MAX, qni_universe_make(fr, alts, n), 0,
                                alts, then, n, 0);
        break;
    case QNI_J_NULL:
    case QNI_J_FALSE:
    case QNI_J_TRUE:
    case QNI_N_JTYPES:
    default: begins = begin_word(alts, then, n); break;
    }
    if (fr->account->status == QN_OK) {
        qni_goal_info_of(fr, goal)->known[type] = true;
        qni_goal_info_of(fr, goal)->begins[type] = begins;
    }
    return begins;
}

const qni_number_set *qni_goal_numbers(const qni_frames *fr, qni_goal goal)
{
    return qni_goal_info_of(fr, goal)->numbers;
}

uint32_t qni_lex_step(qni_frames *fr, qni_goal goal, uint32_t lex, unsigned byte)
{
    qni_terms *t = fr->f->terms;
    size_t n = qni_goal_size(fr, goal);
    if (n == 1) {
        return qni_term_step(t, lex, byte);
    }
    uint32_t tuple[QNI_MAX_ALTERNATIVES];
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        tuple[i] = qni_term_step(t, qni_intern_at(&fr->tuples, lex, NULL)[i], byte);
        any = any || tuple[i] != QNI_TERM_NOTHING;
    }
    return any ? qni_intern_add(&fr->tuples, tuple, n, NULL) : 0;
}

qni_frame qni_lex_finish(qni_frames *fr, qni_goal goal, uint32_t lex)
{
    qni_terms *t = fr->f->terms;
    size_t n = qni_goal_size(fr, goal);
    for (size_t i = 0; i < n; i++) {
        qni_term term = n == 1 ? lex : qni_intern_at(&fr->tuples, lex, NULL)[i];
        if (qni_term_nullable(t, term)) {
            return qni_goal_then(fr, goal, i);
        }
    }
    return 0;
}
