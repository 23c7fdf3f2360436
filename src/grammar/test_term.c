// The facts about terms that masks rest on, against the states themselves.
#include "grammar/pattern.h"

#include "base/limits.h"
#include "grammar/char_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_STATES = 4000, MAX_CHARS = 9, NEVER = 1000000 };

// The states that a term leads to, and the ways from each to an end: `ways[s][k]` is the fewest
// bytes with at least k characters, `ascii[s][k]` says whether there is one of k bytes of ASCII.
typedef struct automaton {
    const char *name;
    qni_terms *terms;
    qni_term states[MAX_STATES];
    size_t n;
    int ways[MAX_STATES][MAX_CHARS + 1];
    bool ascii[MAX_STATES][MAX_CHARS + 1];
} automaton;

static automaton a;

static void begin_terms(qni_terms *terms, qni_account *account)
{
    qni_account_begin(account, QNI_MAX_GRAMMAR_BYTES, UINT64_MAX);
    assert_int_equal(qni_terms_begin(terms, account, NULL), QN_OK);
}

static size_t find_state(qni_term t)
{
    for (size_t i = 0; i < a.n; i++) {
        if (a.states[i] == t) {
            return i;
        }
    }
    if (a.n == MAX_STATES) {
        fail_msg("%s: more than %d states", a.name, MAX_STATES);
    }
    a.states[a.n] = t;
    return a.n++;
}

// One round over the ways; false when none became shorter.
static bool shorten(void)
{
    bool changed = false;
    for (size_t i = a.n; i-- > 0;) {
        for (unsigned b = 0; b < 256; b++) {
            qni_term next = qni_term_step(a.terms, a.states[i], b);
            if (next == QNI_TERM_NOTHING) {
                continue;
            }
            size_t to = find_state(next);
            for (int k = 0; k <= MAX_CHARS; k++) {
                int left = k > 0 && (b & 0xC0) != 0x80 ? k - 1 : k;
                bool ascii = k > 0 && b < 0x80 && a.ascii[to][k - 1] && !a.ascii[i][k];
                bool shorter = a.ways[to][left] + 1 < a.ways[i][k];
                a.ways[i][k] = shorter ? a.ways[to][left] + 1 : a.ways[i][k];
                a.ascii[i][k] = a.ascii[i][k] || ascii;
                changed = changed || shorter || ascii;
            }
        }
    }
    return changed;
}

static void explore(qni_terms *terms, qni_term start, const char *name)
{
    a.name = name;
    a.terms = terms;
    a.n = 0;
    find_state(start);
    for (size_t i = 0; i < a.n; i++) {
        bool ends = qni_term_nullable(terms, a.states[i]);
        for (unsigned b = 0; b < 256; b++) {
            qni_term next = qni_term_step(terms, a.states[i], b);
            if (next != QNI_TERM_NOTHING) {
                find_state(next);
            }
        }
        for (int k = 0; k <= MAX_CHARS; k++) {
            a.ways[i][k] = k == 0 && ends ? 0 : NEVER;
            a.ascii[i][k] = k == 0 && ends;
        }
    }
    while (shorten()) {
    }
}

// Nothing comes of ASCII but what a state is said to use.
static bool uses_all(const qni_term_info *info, qni_term state)
{
    bool all = true;
    for (unsigned b = 0; b < 0x80; b++) {
        bool said = (info->uses[b / 32] >> b % 32 & 1) != 0;
        all = all && (said || qni_term_step(a.terms, state, b) == QNI_TERM_NOTHING);
    }
    return all;
}

// All texts of the characters that a state covers are in it, and what is of ASCII alone has no
// other bytes: so for all states that these lead to from it.
static bool covers_all(size_t state)
{
    static size_t seen[MAX_STATES];
    const qni_term_info *info = qni_term_info_of(a.terms, a.states[state]);
    bool all = true;
    for (int ascii = 0; ascii < 2; ascii++) {
        size_t n = 1;
        seen[0] = state;
        for (size_t i = 0; i < n && (ascii ? info->ascii : info->n_covers) != 0; i++) {
            all = all && (ascii || qni_term_nullable(a.terms, a.states[seen[i]]));
            for (unsigned b = 0; b < 256; b++) {
                bool covered = b < 0x80 && (info->covers[b / 32] >> b % 32 & 1) != 0;
                qni_term next = qni_term_step(a.terms, a.states[seen[i]], b);
                if (next == QNI_TERM_NOTHING) {
                    all = all && (ascii || !covered);
                    continue;
                }
                all = all && (!ascii || b < 0x80);
                bool known = !ascii && !covered;
                for (size_t k = 0, to = find_state(next); k < n && !known; k++) {
                    known = seen[k] == to;
                }
                if (!known) {
                    seen[n++] = find_state(next);
                }
            }
        }
    }
    return all;
}

// What is said of each state, and of all that the first one leads to.
static void check_facts(const char *what)
{
    const qni_term_info *all = qni_term_info_of(a.terms, a.states[0]);
    for (size_t i = 0; i < a.n; i++) {
        const qni_term_info *info = qni_term_info_of(a.terms, a.states[i]);
        bool fine = a.ways[i][0] < NEVER && (int)info->least <= a.ways[i][0];
        fine = fine && (all->reach == 0 || a.ways[i][0] <= (int)(all->reach - 1));
        fine = fine && uses_all(info, a.states[i]) && covers_all(i);
        for (int k = 0; k <= MAX_CHARS; k++) {
            bool listed = (uint32_t)k >= info->low && (uint32_t)k <= info->high;
            fine = fine && (!listed || a.ascii[i][k]);
            fine = fine && ((uint32_t)k <= info->most || a.ways[i][k] == NEVER);
            fine = fine && (all->stretch == 0 || a.ways[i][k] <= k + (int)(all->stretch - 1));
        }
        if (!fine) {
            fail_msg("%s: a fact about state %zu of %zu is wrong: least %u, reach %u, low %u, high "
                     "%u, most %u, stretch %u; %d bytes end it",
                     what, i, a.n, info->least, all->reach, info->low, info->high, info->most,
                     all->stretch, a.ways[i][0]);
        }
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// One character of each group beyond ASCII, some at the ends of ranges.
static const char *const wide[] = {
    "\xC2\x80",         "\xC2\xA0",        "\xC2\xA1",     "\xC3\xA9",     "\xE0\xA0\x80",
    "\xE1\x9A\x80",     "\xE1\x9A\x81",    "\xE2\x80\x8A", "\xE2\x80\x8B", "\xE2\x80\xA8",
    "\xE2\x80\xAF",     "\xE2\x81\x9F",    "\xE3\x80\x80", "\xE6\x97\xA5", "\xED\x9F\xBF",
    "\xEE\x80\x80",     "\xEF\xB7\xAF",    "\xEF\xBB\xBF", "\xEF\xBF\xAF", "\xEF\xBF\xBD",
    "\xF0\x9F\x90\xB2", "\xF4\x8F\xBF\xBF"};
enum { N_WIDE = sizeof wide / sizeof *wide };

static qni_term step_text(qni_term t, const char *text, size_t n)
{
    for (size_t i = 0; i < n && t != QNI_TERM_NOTHING; i++) {
        t = qni_term_step(a.terms, t, (unsigned char)text[i]);
    }
    return t;
}

// Texts of characters of the groups where a state stays; behind each, the dead groups must end it.
// So must it be with beginnings of characters.
static void check_groups(const char *what, qni_term start, uint32_t *seed)
{
    qni_term_groups g = qni_term_loop(a.terms, start), self = qni_term_self(a.terms, start);
    bool free = qni_term_info_of(a.terms, start)->free;
    qni_term t = start;
    for (int i = 0; i < 60; i++) {
        qni_term to = t;
        for (unsigned k = 0x20; k < 0x80 + N_WIDE; k++) {
            char one[2] = {(char)k, '\0'};
            const char *text = k < 0x80 ? one : wide[k - 0x80];
            for (size_t n = 1; n <= strlen(text) && k != '"' && k != '\\'; n++) {
                uint64_t group = QNI_GROUP_BIT(qni_group_of((const uint8_t *)text, n));
                qni_term next = step_text(t, text, n);
                if (next != QNI_TERM_NOTHING && (g.dead & group) != 0) {
                    fail_msg("%s: %zu bytes of \"%s\" go on, but their group is dead", what, n,
                             text);
                }
                if (t == start && next != QNI_TERM_NOTHING && (self.dead & group) != 0) {
                    fail_msg("%s: %zu bytes of \"%s\" go on, but their group is shut", what, n,
                             text);
                }
                if (n == strlen(text) && next != start && t == start && !free &&
                    (self.stay & group) != 0) {
                    fail_msg("%s: \"%s\" leads elsewhere, but its group leads back", what, text);
                }
                if (next == QNI_TERM_NOTHING && (g.stay & group) != 0) {
                    fail_msg("%s: %zu bytes of \"%s\" end it, but their group stays", what, n,
                             text);
                }
            }
            bool stays = (g.stay &
                          QNI_GROUP_BIT(qni_group_of((const uint8_t *)text, strlen(text)))) != 0;
            to = stays && next_random(seed) % 16 == 0 ? step_text(t, text, strlen(text)) : to;
        }
        t = to;
    }
}

// Along a run, the bytes of its groups may come and no other.
static void check_run(const char *what, qni_term start, uint32_t *seed)
{
    qni_term_run run = qni_term_run_find(a.terms, start, 16);
    qni_term t = start;
    for (uint32_t i = 0; i < run.length; i++) {
        qni_term next = QNI_TERM_NOTHING;
        for (unsigned b = 0x20; b < 0x100; b++) {
            qni_term behind = qni_term_step(a.terms, t, b);
            bool said = b < 0x80 && (run.groups & QNI_GROUP_BIT(qni_ascii_group(b))) != 0;
            if (b != '"' && b != '\\' && said != (behind != QNI_TERM_NOTHING)) {
                fail_msg("%s: byte %u in a run of %u, at %u", what, b, run.length, i);
            }
            if (behind != QNI_TERM_NOTHING && (next == 0 || next_random(seed) % 8 == 0)) {
                next = behind;
            }
        }
        t = next;
    }
}

// Patterns whose texts must also match, or must not (with "!" in front), and a bound on the length.
static const struct {
    const char *pattern, *other;
    uint32_t min, max;
} rows[] = {
    {"^[a-z]+@[a-z]+\\.c$", NULL, 0, QNI_TERM_NO_MAX},
    {"^[^@\\s]+@[^@]+(\\.[^@]*)*.gov", NULL, 5, QNI_TERM_NO_MAX},
    {"^[a-z]+@[a-z.]+$", NULL, 5, QNI_TERM_NO_MAX},
    {"^[a-z]+@[a-z.]+$", NULL, 3, 9},
    {"^(ab|cde){2,4}x?$", NULL, 6, QNI_TERM_NO_MAX},
    {"^(ab{3}|c){0,3}$", NULL, 0, 7},
    {"^([a-c]{2,3}_)*$", NULL, 4, QNI_TERM_NO_MAX},
    {"^([a-c]{5}){3,}$", "!^a", 2, QNI_TERM_NO_MAX},
    {"^%[0-9A-F]{2}|[a-z/%]*$", NULL, 0, QNI_TERM_NO_MAX},
    {"^([a-z/]|%[0-9A-F]{2})*$", NULL, 1, QNI_TERM_NO_MAX},
    {"^[a-z][a-z0-9+]*:([^ <>]|%[0-9A-F]{2})*$", NULL, 0, QNI_TERM_NO_MAX},
    {"^(\\S+\\s+){0,3}\\S+$", NULL, 1, 9},
    {"b", "!^(ab|b|bb)$", 0, QNI_TERM_NO_MAX},
    {"^[^\\u3000]*$", "!^abc$", 2, QNI_TERM_NO_MAX},
    {"^(red|green|blue)$", "!^red$", 0, QNI_TERM_NO_MAX},
    {"^(red|green|blue)$", "e", 0, 4},
    {"^[\xC3\xA9\xE6\x97\xA5]{1,3}$", NULL, 2, QNI_TERM_NO_MAX},
    {"^(?=.{1,9}$)[a-z]{1,4}(\\.[a-z]{1,4})*$", NULL, 0, QNI_TERM_NO_MAX},
    {"^[0-9A-Za-z]{4}-[0-9a-f]{3}$", NULL, 0, QNI_TERM_NO_MAX},
    {"^[a-z]{3}[a-y]", NULL, 2, QNI_TERM_NO_MAX},
    {"", "!^([a-z/]|%[0-9A-F]{2})*$", 0, QNI_TERM_NO_MAX},
    {"^[a-z%]", "!^([a-z/]|%[0-9A-F]{2})*$", 3, QNI_TERM_NO_MAX},
    {"", "!^[\\x00-\\x7F]*$", 0, QNI_TERM_NO_MAX},
    {"^([a-z]+|[b-y]*[0-9]?)*$", NULL, 0, QNI_TERM_NO_MAX},
    {"^([a-z.]+\\.)?[a-z.]{1,3}[a-z.\\/]*\\/?$", NULL, 0, QNI_TERM_NO_MAX},
    {"^[a-z]*$", "!^.{2}[^q].*$", 0, QNI_TERM_NO_MAX},
    {"", "!^[^]{3}", 0, QNI_TERM_NO_MAX},
};

static void test_facts_hold_for_the_states(void **state)
{
    qni_account account;
    qni_terms terms;
    uint32_t seed = 1;
    begin_terms(&terms, &account);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qni_term parts[3] = {0};
        const char *pattern = rows[i].pattern, *other = rows[i].other;
        assert_int_equal(qni_pattern_parse(&terms, pattern, strlen(pattern), QNI_PATTERN_ECMA,
                                           QNI_PATTERN_SEARCH, &parts[0], NULL),
                         QN_OK);
        parts[1] = qni_term_repeat(&terms, terms.character, rows[i].min, rows[i].max);
        parts[2] = terms.text;
        if (other != NULL) {
            bool denied = *other == '!';
            other += denied;
            assert_int_equal(qni_pattern_parse(&terms, other, strlen(other), QNI_PATTERN_ECMA,
                                               QNI_PATTERN_SEARCH, &parts[2], NULL),
                             QN_OK);
            parts[2] = denied ? qni_term_not(&terms, parts[2]) : parts[2];
        }
        qni_term t = qni_term_and(&terms, parts, 3);
        assert_true(qni_term_live(&terms, t));
        explore(&terms, t, pattern);
        check_facts(pattern);
        for (size_t k = 0; k < a.n && k < 40; k++) {
            // Groups are of characters: a state inside of one is no place to ask.
            bool between = true;
            for (unsigned b = 0x80; b < 0xC0 && between; b++) {
                between = qni_term_step(&terms, a.states[k], b) == QNI_TERM_NOTHING;
            }
            if (between) {
                check_groups(pattern, a.states[k], &seed);
                check_run(pattern, a.states[k], &seed);
            }
        }
    }
    assert_int_equal(account.status, QN_OK);
    qni_terms_end(&terms);
    (void)state;
}

// A & !(B & !x), where the members of B are among those of A, is A & x.
static void test_a_denial_of_a_denial_is_opened(void **state)
{
    qni_account account;
    qni_terms terms;
    begin_terms(&terms, &account);
    qni_term x = qni_term_literal(&terms, "abc", 3), y = qni_term_literal(&terms, "xyz", 3);
    qni_term_mark_whole(&terms, x);
    qni_term not_x = qni_term_and2(&terms, terms.text, qni_term_not(&terms, x));
    assert_int_equal(qni_term_and2(&terms, terms.text, qni_term_not(&terms, not_x)), x);
    qni_term sum = qni_term_alt2(&terms, not_x, y);
    qni_term left = qni_term_and2(&terms, terms.text, qni_term_not(&terms, sum));
    assert_int_equal(left, qni_term_and2(&terms, x, qni_term_not(&terms, y)));
    qni_terms_end(&terms);
    (void)state;
}

// In a sum, all texts of some characters are one state with whatever is of these alone.
static void test_what_is_covered_is_left_out(void **state)
{
    qni_account account;
    qni_terms terms;
    begin_terms(&terms, &account);
    qni_term letter = qni_term_byte_range(&terms, 'a', 'z');
    qni_term all = qni_term_repeat(&terms, letter, 0, QNI_TERM_NO_MAX);
    qni_term other = qni_term_byte_range(&terms, 'a', '{');
    assert_int_equal(qni_term_alt2(&terms, all, qni_term_literal(&terms, "quince", 6)), all);
    assert_int_equal(qni_term_alt2(&terms, qni_term_repeat(&terms, letter, 2, 7), all), all);
    assert_int_not_equal(qni_term_alt2(&terms, all, qni_term_literal(&terms, "q{", 2)), all);
    assert_int_not_equal(qni_term_alt2(&terms, all, qni_term_literal(&terms, "\xC3\xA9", 2)), all);
    // All texts that end in "z" are not all.
    qni_term ends = qni_term_concat(&terms, all, qni_term_literal(&terms, "z", 1));
    assert_int_not_equal(qni_term_alt2(&terms, ends, qni_term_literal(&terms, "a", 1)), ends);
    // Of two that cover, the one of more characters stays.
    qni_term more = qni_term_repeat(&terms, other, 0, QNI_TERM_NO_MAX);
    assert_int_equal(qni_term_alt2(&terms, all, more), more);
    qni_terms_end(&terms);
    (void)state;
}

// A row may have as many kinds as bytes.
static void test_every_byte_may_lead_elsewhere(void **state)
{
    qni_account account;
    qni_terms terms;
    begin_terms(&terms, &account);
    qni_term items[256];
    for (unsigned n = 255; n <= 256; n++) {
        for (unsigned b = 0; b < n; b++) {
            char text[2] = {(char)b, (char)(b ^ 1)};
            items[b] = qni_term_literal(&terms, text, 2);
        }
        qni_term sum = qni_term_alt(&terms, items, n);
        for (unsigned b = 0; b < 256; b++) {
            qni_term next = qni_term_step(&terms, sum, b);
            qni_term expected = qni_term_byte_range(&terms, b ^ 1, b ^ 1);
            assert_int_equal(next, b < n ? expected : QNI_TERM_NOTHING);
        }
    }
    qni_terms_end(&terms);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_covered_is_left_out),
        cmocka_unit_test(test_every_byte_may_lead_elsewhere),
        cmocka_unit_test(test_facts_hold_for_the_states),
        cmocka_unit_test(test_a_denial_of_a_denial_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
