#include "text/settle.h"

#include "base/utf8.h"
#include "text/sentencepiece.h"
#include "text/unicode.h"

#include <string.h>

enum {
    MOST_TRIED = 256, // places, of one call
    WINDOW = 64,      // bytes that are normalized to see what stands before a place, at least
    FARTHEST = 4096,  // and at most
};

// What stands at a place: the text before it (its last characters), and the character behind it.
typedef struct edge {
    const char *before, *after;
    size_t n_before, n_after;
} edge;

// The length of the stop that the text begins with; 0: there is none.
static size_t stop_length(const char *text, size_t n)
{
    static const char *const wide[] = {"\xE3\x80\x81", "\xE3\x80\x82", "\xEF\xBC\x8C"};
    if (n > 0 && (text[0] == ' ' || text[0] == '\n')) {
        return 1;
    }
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (n >= 3 && memcmp(text, wide[i], 3) == 0) {
            return 3;
        }
    }
    return 0;
}

// The character that ends at `at` (at > 0); false when it is not UTF-8.
static bool character_before(const char *text, size_t at, size_t *begin, uint32_t *code)
{
    *begin = at - 1;
    while (*begin > 0 && at - *begin < 4 && ((unsigned char)text[*begin] & 0xC0) == 0x80) {
        --*begin;
    }
    int length = qni_utf8_decode((const unsigned char *)text + *begin, at - *begin, code);
    return length > 0 && *begin + (size_t)length == at;
}

// ---- Normalizers

static bool literal_is_apart(const qni_splitter *s, char stop)
{
    bool apart = s->literal != NULL && ((unsigned char)stop < 0x80 || s->literal_bytes == 1);
    for (size_t i = 1; i < s->literal_bytes && apart; i++) {
        // an earlier step may have made a space or a mark of it
        apart = s->literal[i] != stop && s->literal[i] != ' ' && s->literal[i] != '\xE2';
    }
    return apart;
}

static bool sentencepiece_is_apart(const qni_sentencepiece *s, const char *text, size_t n,
                                   size_t at)
{
    bool apart = text[at] == ' ' ? !s->holds_space : text[at] == '\n' && !s->holds_line;
    return apart && !qni_charsmap_has(&s->charsmap, text + at, n - at < 2 ? n - at : 2);
}

// Whether a normalizer treats both sides of `at` by themselves; `begin` is where the character
// before it begins.
static bool normalizer_is_apart(const qni_normalizer *step, const char *text, size_t n,
                                size_t begin, size_t at)
{
    switch (step->kind) {
    case QNI_NORMALIZE_FORM:
    case QNI_NORMALIZE_LOWERCASE:
    case QNI_NORMALIZE_STRIP:
    case QNI_NORMALIZE_STRIP_ACCENTS:
    case QNI_NORMALIZE_STRIP_MARKS:
    case QNI_NORMALIZE_CLEAN:
    case QNI_NORMALIZE_CHINESE:
    case QNI_NORMALIZE_NMT:
    case QNI_NORMALIZE_PREPEND:
    case QNI_NORMALIZE_BYTES: return true;
    case QNI_NORMALIZE_CHARSMAP: return qni_unicode_grapheme(text + begin, n - begin) == at - begin;
    case QNI_NORMALIZE_REPLACE: return literal_is_apart(&step->splitter, text[at]);
    case QNI_NORMALIZE_SENTENCEPIECE:
        return sentencepiece_is_apart(step->sentencepiece, text, n, at);
    }
    return false;
}

// Whether what follows the stop is there and does not join it.
static bool follower_is_apart(const char *text, size_t n, size_t stop)
{
    uint32_t code;
    size_t most = n < stop + 4 ? n : stop + 4;
    int length = qni_utf8_decode((const unsigned char *)text + stop, most - stop, &code);
    // an unfinished one would be less than 4 bytes
    return length > 0 && qni_unicode_grapheme(text, stop + (size_t)length) == stop;
}

// Whether all that happens to the given text, up to its normalization, happens to both sides of
// `at` by themselves.
static bool is_apart(const qni_tokenizer *t, const char *text, size_t n, size_t at)
{
    size_t stop = stop_length(text + at, n - at), begin;
    uint32_t code;
    bool known = stop > 0 && at > 0 && character_before(text, at, &begin, &code) &&
                 !qni_unicode_is_space(code) && follower_is_apart(text + at, n - at, stop) &&
                 qni_added_apart(&t->added_raw, text, n, at);
    if (!known) {
        return false;
    }
    for (size_t i = 0; i < t->n_normalizers; i++) {
        if (!normalizer_is_apart(&t->normalizers[i], text, n, begin, at)) {
            return false;
        }
    }
    return true;
}

// ---- Pre-tokenizers

// What a step does at the place.
typedef enum effect {
    JOINS,  // it may treat the two sides together
    LEAVES, // it treats them by themselves, within one piece
    CUTS    // and there is a border between two pieces
} effect;

enum { MOST_STATES = 64 };

static uint32_t next_state(const qni_automaton *a, uint32_t state, uint32_t class)
{
    return a->table[state * a->n_classes + class] & ~(uint32_t)QNI_AUTOMATON_MATCH;
}

static bool matches(const qni_automaton *a, uint32_t state, uint32_t class)
{
    return (a->table[state * a->n_classes + class] & QNI_AUTOMATON_MATCH) != 0;
}

// The states that an automaton may be in at the place: from any state, and newly begun anywhere.
static uint64_t states_at(const qni_automaton *a, const edge *e, bool *last_begins)
{
    const unsigned char *text = (const unsigned char *)e->before;
    uint64_t states = a->n_states < 64 ? ((uint64_t)1 << a->n_states) - 1 : UINT64_MAX;
    states &= ~((uint64_t)1 << QNI_AUTOMATON_DEAD);
    for (size_t at = 0; at < e->n_before;) {
        size_t length;
        uint32_t class = qni_automaton_class(a, text + at, &length);
        uint64_t after = 0;
        states |= (uint64_t)1 << QNI_AUTOMATON_START;
        for (uint32_t s = 0; s < a->n_states; s++) {
            after |= (states >> s & 1) << next_state(a, s, class);
        }
        states = after & ~((uint64_t)1 << QNI_AUTOMATON_DEAD);
        *last_begins = next_state(a, QNI_AUTOMATON_START, class) != QNI_AUTOMATON_DEAD;
        at += length;
    }
    return states;
}

// Whether a match that begins with the character is there already, whatever follows.
static bool begins_match(const qni_automaton *a, uint32_t class)
{
    uint32_t state = next_state(a, QNI_AUTOMATON_START, class);
    bool is_match = state != QNI_AUTOMATON_DEAD;
    for (uint32_t other = 0; other < a->n_classes && is_match; other++) {
        is_match = matches(a, state, other);
    }
    return is_match;
}

static effect automaton_effect(const qni_splitter *s, const edge *e)
{
    const qni_automaton *a = &s->automaton;
    size_t length;
    uint32_t stop = qni_automaton_class(a, (const unsigned char *)e->after, &length);
    uint32_t end = a->n_classes - 1;
    bool last_begins = false, in_match = true;
    if (a->n_states > MOST_STATES) {
        return JOINS;
    }
    uint64_t states = states_at(a, e, &last_begins);
    for (uint32_t state = 0; state < a->n_states; state++) {
        if ((states >> state & 1) != 0) {
            bool match = matches(a, state, stop);
            if (next_state(a, state, stop) != QNI_AUTOMATON_DEAD ||
                match != matches(a, state, end)) {
                return JOINS;
            }
            in_match = in_match && match;
        }
    }
    // A match ends there for certain when each character before it begins one, and each way through
    // it is in one; or one begins there.
    in_match = in_match && last_begins && states != 0;
    bool begins = begins_match(a, stop),
         apart = s->behavior == QNI_SPLIT_ISOLATED || s->behavior == QNI_SPLIT_REMOVED;
    if ((in_match || begins) && apart) {
        return CUTS;
    }
    if (in_match && s->behavior == QNI_SPLIT_MERGED_WITH_PREVIOUS && !s->invert) {
        return CUTS;
    }
    if (begins && s->behavior == QNI_SPLIT_MERGED_WITH_NEXT && !s->invert) {
        return CUTS;
    }
    // neither of the two is in a match
    bool none = states == 0 && !last_begins &&
                next_state(a, QNI_AUTOMATON_START, stop) == QNI_AUTOMATON_DEAD;
    return none ? LEAVES : JOINS;
}

static effect literal_effect(const qni_splitter *s, const edge *e)
{
    size_t begin;
    uint32_t code;
    bool is_stop = s->literal_bytes == e->n_after && memcmp(s->literal, e->after, e->n_after) == 0;
    bool cuts = s->behavior == QNI_SPLIT_ISOLATED || s->behavior == QNI_SPLIT_REMOVED ||
                s->behavior == QNI_SPLIT_MERGED_WITH_NEXT || s->behavior == QNI_SPLIT_CONTIGUOUS;
    if (!character_before(e->before, e->n_before, &begin, &code)) {
        return JOINS;
    }
    bool touches = memmem(s->literal, s->literal_bytes, e->after, e->n_after) != NULL ||
                   memmem(s->literal, s->literal_bytes, e->before + begin, e->n_before - begin) !=
                       NULL;
    if (!touches) {
        return LEAVES;
    }
    bool before_is = s->literal_bytes == e->n_before - begin &&
                     memcmp(s->literal, e->before + begin, s->literal_bytes) == 0;
    return is_stop && !before_is && cuts && !s->invert ? CUTS : JOINS;
}

static effect pretokenizer_effect(const qni_pretokenizer *step, edge *e)
{
    switch (step->kind) {
    case QNI_PRE_SPLIT:
        return step->splitter.literal != NULL          ? literal_effect(&step->splitter, e)
               : step->splitter.automaton.n_states > 0 ? automaton_effect(&step->splitter, e)
                                                       : JOINS;
    case QNI_PRE_PREFIX_SPACE: return e->after[0] == ' ' ? LEAVES : JOINS;
    case QNI_PRE_METASPACE:
        if (e->after[0] != ' ') {
            return JOINS;
        }
        e->after = step->mark;
        e->n_after = step->n_mark;
        // what stands before is the same without its spaces
        for (size_t i = e->n_before; i > 0; i--) {
            if (e->before[i - 1] == ' ') {
                e->before += i;
                e->n_before -= i;
                break;
            }
        }
        return LEAVES;
    case QNI_PRE_BYTES:
    case QNI_PRE_LENGTH: return JOINS;
    }
    return JOINS;
}

static bool words_are_apart(const qni_tokenizer *t, edge e)
{
    size_t begin;
    uint32_t before, after;
    for (size_t i = 0; i < t->n_pretokenizers; i++) {
        effect does = pretokenizer_effect(&t->pretokenizers[i], &e);
        if (does != LEAVES) {
            return does == CUTS;
        }
    }
    qni_utf8_decode((const unsigned char *)e.after, e.n_after, &after);
    // the sum of scores is carried along only where a passage is one word
    return (t->model.kind != QNI_MODEL_UNIGRAM || t->n_pretokenizers == 0) &&
           character_before(e.before, e.n_before, &begin, &before) &&
           qni_model_cuts_between(&t->model, before, after);
}

// ---- Places

// What stands before `at`, from a place that is apart too, from behind an added token or from the
// text's beginning on. False when such a place is too far off.
static bool find_window(const qni_tokenizer *t, const char *text, size_t n, size_t at,
                        bool continues, qni_passage *p)
{
    size_t least = t->added_normalized.longest > WINDOW ? t->added_normalized.longest : WINDOW;
    size_t from = at > least ? at - least : 0;
    while (from > 0 && at - from < FARTHEST && !is_apart(t, text, n, from)) {
        from--;
    }
    if (at - from >= FARTHEST) {
        return false;
    }
    *p = (qni_passage){.continues = from > 0 || continues, .goes_on = true};
    size_t resume = from;
    qni_added_match m;
    // whether special tokens count does not matter: in doubt the window begins behind them
    while (qni_added_next(&t->added_raw, text, at, resume, from, false, &resume, &m)) {
        from = m.end;
        p->continues = false;
    }
    p->text = text + from;
    p->n = at - from;
    return p->n > 0;
}

// The character before the place, as it is normalized, can be told and is no white space.
static bool front_is_known(const qni_passage *p)
{
    size_t begin;
    uint32_t code;
    return p->n > 0 && character_before(p->text, p->n, &begin, &code) &&
           !qni_unicode_is_space(code) && code != 0x2581;
}

static qn_status try_place(const qni_tokenizer *t, qni_context *c, const char *text, size_t n,
                           size_t at, bool continues, bool *settled, qn_error *err)
{
    qni_passage p, stop = {.text = text + at,
                           .n = stop_length(text + at, n - at),
                           .continues = true,
                           .goes_on = true};
    char after[16]; // normalizing what stands before writes over it
    uint32_t code;
    *settled = false;
    if (!is_apart(t, text, n, at) || !find_window(t, text, n, at, continues, &p)) {
        return QN_OK;
    }
    QNI_TRY(qni_normalize(t->normalizers, t->n_normalizers, &c->normalize, false, &stop, err));
    int length = stop.n > 0 ? qni_utf8_decode((const unsigned char *)stop.text, stop.n, &code) : 0;
    if (length <= 0 || stop.n > sizeof after) {
        return QN_OK;
    }
    memcpy(after, stop.text, stop.n);
    QNI_TRY(qni_passage_clean(&p, &c->clean, false, err));
    QNI_TRY(qni_normalize(t->normalizers, t->n_normalizers, &c->normalize, false, &p, err));
    // what follows does not matter but for tokens that ask which character stands before them
    *settled = front_is_known(&p) && !t->added_normalized.has_single_word &&
               qni_added_apart(&t->added_normalized, p.text, p.n, p.n) &&
               words_are_apart(t, (edge){p.text, after, p.n, (size_t)length});
    return QN_OK;
}

qn_status qni_settled_before(const qni_tokenizer *t, qni_context *c, const char *text, size_t n,
                             size_t from, bool continues, size_t *settled, qn_error *err)
{
    int tried = 0;
    *settled = 0;
    for (size_t at = n; at-- > from + 1 && tried < MOST_TRIED;) {
        if (stop_length(text + at, n - at) > 0) {
            bool is;
            QNI_TRY(try_place(t, c, text, n, at, continues, &is, err));
            if (is) {
                *settled = at;
                return QN_OK;
            }
            tried++;
        }
    }
    return QN_OK;
}

// Behind an added token a new passage begins. The token is what it is in the whole text when no
// longer one fits there and it takes no white space; and what follows is found again when nothing
// asks which character stands before it.
size_t qni_settled_token(const qni_tokenizer *t, const char *text, size_t n, bool plain_special)
{
    const qni_added_set *set = &t->added_raw;
    size_t resume = 0, at = 0, settled = 0;
    qni_added_match m;
    if (set->has_single_word) {
        return 0;
    }
    while (qni_added_next(set, text, n, resume, at, plain_special, &resume, &m)) {
        at = m.end;
        if (n - at >= set->longest && n - at >= 4 && resume == at) {
            settled = at;
        }
    }
    return settled;
}
