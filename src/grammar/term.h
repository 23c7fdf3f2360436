// Regular languages of bytes as terms, with the boolean operations, walked by derivatives.
//
// A term is a 32-bit id; equal terms have equal ids. The derivative of a term by a byte is the
// language of what may follow that byte, again a term, so a term is also the state of a
// deterministic automaton whose states are made when they are first reached. Intersection and
// complement cost nothing extra, which is why JSON Schema's `not`, `oneOf` and crossed patterns
// need no machinery of their own. (Brzozowski, "Derivatives of regular expressions", 1964.)
//
// One thread at a time. Failures are the account's.
#ifndef QNI_GRAMMAR_TERM_H
#define QNI_GRAMMAR_TERM_H

#include "grammar/intern.h"

typedef uint32_t qni_term;

#define QNI_TERM_NOTHING ((qni_term)0) // the empty language; also what a failed call returns
#define QNI_TERM_EMPTY   ((qni_term)1) // the empty text alone
#define QNI_TERM_ALL     ((qni_term)2) // every text of bytes, well-formed or not
#define QNI_TERM_NO_MAX  UINT32_MAX

// Groups of characters (char_groups.h) in the texts that may follow.
typedef struct qni_term_groups {
    uint64_t stay; // every text of their characters, or one that is cut inside of the last, may
    uint64_t dead; // none of them may come first, nor behind a text of those
} qni_term_groups;

// The successors of a term by byte: bytes of one kind have the same one. Bytes in a row mostly do,
// so what looks at all of them goes from run to run. A row is small, since much of the time of a
// slow mask is that of memory for new ones.
typedef struct qni_term_row {
    uint64_t starts[4]; // a bit for each byte that begins a run; a run may be cut into several
    uint8_t kinds[256];
    qni_term next[]; // by kind
} qni_term_row;

static inline qni_term qni_row_next(const qni_term_row *row, unsigned byte)
{
    return row->next[row->kinds[byte]];
}

// The byte behind the run that `byte` is in.
static inline unsigned qni_run_end(const uint64_t starts[4], unsigned byte)
{
    unsigned word = byte / 64;
    uint64_t left = starts[word] & (UINT64_MAX - 1) << byte % 64;
    while (left == 0 && ++word < 4) {
        left = starts[word];
    }
    return word == 4 ? 256 : 64 * word + (unsigned)__builtin_ctzll(left);
}

typedef struct qni_term_info {
    qni_term_row *row; // or NULL before the first step
    uint32_t stamp;    // of the search that saw it last
    uint32_t visit;    // of the derivation that saw it last, and what came of it
    uint32_t derived;
    uint8_t nullable;
    // an intersection or a complement is inside, so it may be empty without looking so
    uint8_t crossed;
    uint8_t whole;   // all its texts are well-formed UTF-8, by construction
    uint8_t ascii;   // all its texts are of ASCII, by construction
    uint8_t life;    // 1: it has texts; 2: it has none; 0: not looked at yet
    uint8_t counted; // a bounded repetition is inside, outside complements
    uint32_t least;  // no text of it is shorter, in bytes
    uint32_t fewest; // nor has fewer characters
    uint32_t most;   // nor more
    // of ASCII alone it has texts of each length from `low` to `high`; none where low > high
    uint32_t low, high;
    uint32_t reach;   // qni_term_reach + 1, or 0
    uint32_t place;   // in the search for that
    uint32_t stretch; // see measure_stretch in term.c; + 1, or 0
    uint8_t open;     // whatever text follows one of its texts, the whole is one of them too
    uint8_t ideal;    // it has some such language that any text may also stand before
    uint8_t free;     // every text is a beginning of it
    uint32_t uses[4]; // a bit for each character of ASCII that may be in its texts
    // a bit for each character of ASCII of a set of which all texts are in the language
    uint32_t covers[4];
    uint32_t n_covers; // bits in it
    qni_term_groups self, loop;
    bool self_known, loop_known;
    uint64_t name[2]; // of what it is made of: the same in every table of terms
} qni_term_info;

// A term with its far counters left out; see qni_term_widen.
typedef struct qni_term_window {
    qni_term term;
    uint32_t room;
} qni_term_window;

typedef struct qni_terms {
    qni_account *account;
    qni_intern table;
    qni_arena rows;
    qni_blocks infos;
    uint32_t *todo; // the search's queue: term, predecessor
    size_t todo_capacity;
    uint32_t stamp;
    uint32_t visit;
    qni_intern window_ids; // (term, least)
    qni_term_window *windows;
    size_t windows_capacity;
    qni_term character; // any one code point
    qni_term text;      // any well-formed UTF-8
} qni_terms;

static inline qni_term_info *qni_term_info_of(const qni_terms *terms, qni_term a)
{
    return qni_blocks_at(&terms->infos, a, sizeof(qni_term_info));
}

QNI_WARN_UNUSED qn_status qni_terms_begin(qni_terms *terms, qni_account *account, qn_error *err);
void qni_terms_end(qni_terms *terms);

// One byte out of a set of 256 bits, bit b of word b / 32.
qni_term qni_term_set(qni_terms *terms, const uint32_t bits[8]);
qni_term qni_term_byte_range(qni_terms *terms, unsigned first, unsigned last);
qni_term qni_term_literal(qni_terms *terms, const char *bytes, size_t n);
qni_term qni_term_concat(qni_terms *terms, qni_term a, qni_term b);
qni_term qni_term_alt(qni_terms *terms, const qni_term *items, size_t n);
qni_term qni_term_alt2(qni_terms *terms, qni_term a, qni_term b);
qni_term qni_term_and(qni_terms *terms, const qni_term *items, size_t n);
qni_term qni_term_and2(qni_terms *terms, qni_term a, qni_term b);
qni_term qni_term_not(qni_terms *terms, qni_term a);
qni_term qni_term_repeat(qni_terms *terms, qni_term a, uint32_t min, uint32_t max);

// A set of texts, sorted by memcmp order or not, as one term that branches byte by byte.
qni_term qni_term_words(qni_terms *terms, const char *const *words, const size_t *sizes, size_t n);

// Says that every text of `a` is well-formed UTF-8, where the builder knows and the shape does not
// show it.
void qni_term_mark_whole(qni_terms *terms, qni_term a);

static inline bool qni_term_nullable(const qni_terms *terms, qni_term a)
{
    return a != QNI_TERM_NOTHING && qni_term_info_of(terms, a)->nullable;
}

// Is it a literal, one text written out? Its bytes; false when it is none or `limit` does not hold
// it.
bool qni_term_text(const qni_terms *terms, qni_term a, char *out, size_t limit, size_t *size);

// Whether the language has any text.
bool qni_term_live(qni_terms *terms, qni_term a);

// The successor by `byte`, or QNI_TERM_NOTHING when no text goes on that way.
qni_term qni_term_step(qni_terms *terms, qni_term a, unsigned byte);

// The same, quick where both states are known already.
static inline qni_term qni_term_next(qni_terms *terms, qni_term a, unsigned byte)
{
    const qni_term_row *row = qni_term_info_of(terms, a)->row;
    qni_term next = row != NULL ? qni_row_next(row, byte) : QNI_TERM_NOTHING;
    bool known = row != NULL &&
                 (next == QNI_TERM_NOTHING || qni_term_info_of(terms, next)->life == 1);
    return known ? next : qni_term_step(terms, a, byte);
}

// Appends to `out` the first in length of the texts in the language (among those, the first by
// bytes). False when there is none, or when the account failed or `limit` bytes do not hold it.
// `*size` gets its length.
bool qni_term_shortest(qni_terms *terms, qni_term a, char *out, size_t limit, size_t *size);

// Is it the language of all texts of `*min` to `*max` characters?
bool qni_term_length(const qni_terms *terms, qni_term a, uint32_t *min, uint32_t *max);

// The term with every counter unbounded that has room for texts of `least` bytes. Both have the
// same texts of up to `*room` bytes, and the result has all texts of `a`. term_window.c
qni_term qni_term_widen(qni_terms *terms, qni_term a, uint32_t least, uint32_t *room);

// However a text begins, at most so many more bytes end it; a huge number when there are too many
// states to tell.
uint32_t qni_term_reach(qni_terms *terms, qni_term a);

// term.c: one level of qni_term_widen. `*room` is lowered.
qni_term qni_term_rebuild(qni_terms *terms, qni_term a, uint32_t least, uint32_t *room);

// Where the language stays alive whatever comes, and where it ends at once: of the groups that lead
// back to the term itself, and of those whose texts lead to a few other terms. term_loop.c
qni_term_groups qni_term_self_find(qni_terms *terms, qni_term a);
qni_term_groups qni_term_loop_find(qni_terms *terms, qni_term a);

static inline qni_term_groups qni_term_self(qni_terms *terms, qni_term a)
{
    const qni_term_info *info = qni_term_info_of(terms, a);
    return info->self_known ? info->self : qni_term_self_find(terms, a);
}

static inline qni_term_groups qni_term_loop(qni_terms *terms, qni_term a)
{
    const qni_term_info *info = qni_term_info_of(terms, a);
    return info->loop_known ? info->loop : qni_term_loop_find(terms, a);
}

// A beginning in which only the number of bytes counts: for the next `length` bytes any of ASCII of
// `groups` may come and nothing else, whatever came before. `length` is 0 when there is none, and
// no more than `most`.
typedef struct qni_term_run {
    uint64_t groups;
    uint64_t behind; // the groups of which a byte may follow the run
    uint32_t length;
} qni_term_run;

qni_term_run qni_term_run_find(qni_terms *terms, qni_term a, uint32_t most);

// How many texts the language has, counted up to `limit`.
size_t qni_term_count(qni_terms *terms, qni_term a, size_t limit);

#endif
