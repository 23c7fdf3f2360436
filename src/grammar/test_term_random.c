// Random terms against the same languages as plain sets of the texts of a and b up to six letters.
#include "grammar/term.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = 6, N_TEXTS = (1 << (LONGEST + 1)) - 1, ROUNDS = 400, N_PARTS = 24 };

// Text k of length n, letters from the first on, is bit (1 << n) - 1 + k.
typedef struct language {
    bool has[N_TEXTS];
} language;

static unsigned length_of(unsigned text)
{
    unsigned n = 0;
    while (text + 1 >= 2u << n) {
        n++;
    }
    return n;
}

static size_t spell(unsigned text, char *out)
{
    unsigned n = length_of(text), letters = text + 1 - (1u << n);
    for (unsigned i = 0; i < n; i++) {
        out[i] = (letters >> (n - 1 - i) & 1) != 0 ? 'b' : 'a';
    }
    return n;
}

static language concat(const language *x, const language *y)
{
    language out = {{0}};
    for (unsigned i = 0; i < N_TEXTS; i++) {
        for (unsigned k = 0; k < N_TEXTS && x->has[i]; k++) {
            unsigned n = length_of(i), m = length_of(k);
            if (y->has[k] && n + m <= LONGEST) {
                unsigned letters = (i + 1 - (1u << n)) << m | (k + 1 - (1u << m));
                out.has[(1u << (n + m)) - 1 + letters] = true;
            }
        }
    }
    return out;
}

static language join(const language *x, const language *y)
{
    language out;
    for (unsigned i = 0; i < N_TEXTS; i++) {
        out.has[i] = x->has[i] || y->has[i];
    }
    return out;
}

static language repeat(const language *x, unsigned min, unsigned max)
{
    language all = {{0}}, power = {{true}};
    for (unsigned i = 0; i <= LONGEST + min && i <= max; i++) {
        all = i >= min ? join(&all, &power) : all;
        power = concat(&power, x);
    }
    return all;
}

typedef struct pair {
    qni_term term;
    language set;
} pair;

static uint32_t draw(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

// The term of a text, or an operation on two earlier ones.
static pair make(qni_terms *t, const pair *parts, size_t n, uint32_t *seed)
{
    const pair *x = &parts[draw(seed, (uint32_t)n)], *y = &parts[draw(seed, (uint32_t)n)];
    unsigned min = draw(seed, 3), max = min + draw(seed, 3);
    pair out = {0};
    switch (draw(seed, 6)) {
    case 0: out = (pair){qni_term_concat(t, x->term, y->term), concat(&x->set, &y->set)}; break;
    case 1: out = (pair){qni_term_alt2(t, x->term, y->term), join(&x->set, &y->set)}; break;
    case 2:
        out.term = qni_term_and2(t, x->term, y->term);
        for (unsigned i = 0; i < N_TEXTS; i++) {
            out.set.has[i] = x->set.has[i] && y->set.has[i];
        }
        break;
    case 3:
        out.term = qni_term_not(t, x->term);
        for (unsigned i = 0; i < N_TEXTS; i++) {
            out.set.has[i] = !x->set.has[i];
        }
        break;
    case 4: out = (pair){qni_term_repeat(t, x->term, min, max), repeat(&x->set, min, max)}; break;
    default:
        out.term = qni_term_repeat(t, x->term, min, QNI_TERM_NO_MAX);
        out.set = repeat(&x->set, min, UINT32_MAX);
        break;
    }
    return out;
}

static bool accepts(qni_terms *terms, qni_term t, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        t = qni_term_step(terms, t, (unsigned char)text[i]);
    }
    return qni_term_nullable(terms, t);
}

static void check_texts(qni_terms *t, const pair *p)
{
    unsigned shortest = N_TEXTS;
    char text[64];
    for (unsigned i = 0; i < N_TEXTS; i++) {
        size_t n = spell(i, text);
        if (accepts(t, p->term, text, n) != p->set.has[i]) {
            fail_msg("'%.*s' is %s the language", (int)n, text, p->set.has[i] ? "in" : "not in");
        }
        shortest = p->set.has[i] && i < shortest ? i : shortest;
    }
    size_t size = 0;
    bool found = qni_term_shortest(t, p->term, text, sizeof text, &size);
    assert_true(found == qni_term_live(t, p->term) || size > sizeof text);
    if (shortest != N_TEXTS) { // others than a and b may be shorter still
        assert_true(found && size <= length_of(shortest));
    }
    assert_true(!found || accepts(t, p->term, text, size));
    assert_true(!found || qni_term_info_of(t, p->term)->least <= size);
}

// Alike for texts of up to `room` bytes, and never narrower.
static void check_window(qni_terms *t, const pair *p, uint32_t least)
{
    uint32_t room;
    qni_term wide = qni_term_widen(t, p->term, least, &room);
    assert_true(room >= least);
    for (unsigned i = 0; i < N_TEXTS; i++) {
        char text[LONGEST];
        size_t n = spell(i, text);
        bool in = accepts(t, wide, text, n);
        assert_true(in || !p->set.has[i]);
        assert_true(n > room || in == p->set.has[i]);
    }
}

// From wherever a text of a and b leads, some text of at most `reach` bytes ends it.
static void check_reach(qni_terms *t, const pair *p)
{
    uint32_t reach = qni_term_reach(t, p->term);
    for (unsigned i = 0; i < N_TEXTS && reach < 64; i++) {
        char text[LONGEST], rest[64];
        size_t n = spell(i, text), size = 0;
        qni_term at = p->term;
        for (size_t k = 0; k < n; k++) {
            at = qni_term_step(t, at, (unsigned char)text[k]);
        }
        if (qni_term_live(t, at)) {
            assert_true(qni_term_shortest(t, at, rest, reach, &size));
        }
    }
}

static void check_round(uint32_t seed)
{
    qni_account account;
    qni_terms terms;
    pair parts[N_PARTS];
    qni_account_begin(&account, QNI_MAX_GRAMMAR_BYTES, QNI_MAX_GRAMMAR_WORK);
    assert_int_equal(qni_terms_begin(&terms, &account, NULL), QN_OK);
    memset(parts, 0, sizeof parts);
    parts[0] = (pair){qni_term_literal(&terms, "a", 1), {{0}}};
    parts[1] = (pair){qni_term_literal(&terms, "b", 1), {{0}}};
    parts[0].set.has[1] = parts[1].set.has[2] = true;
    for (size_t n = 2; n < N_PARTS; n++) {
        parts[n] = make(&terms, parts, n, &seed);
        assert_int_equal(account.status, QN_OK);
        check_texts(&terms, &parts[n]);
        check_window(&terms, &parts[n], 1 + draw(&seed, 4));
        check_reach(&terms, &parts[n]);
    }
    qni_terms_end(&terms);
}

static void test_random_terms(void **state)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        check_round(round * 2654435761u);
    }
    (void)state;
}

// The same members, put together in other orders in other tables, have the same name; others do
// not.
static void test_names(void **state)
{
    uint64_t names[3][2];
    for (int order = 0; order < 3; order++) {
        qni_account account;
        qni_terms terms;
        qni_account_begin(&account, QNI_MAX_GRAMMAR_BYTES, QNI_MAX_GRAMMAR_WORK);
        assert_int_equal(qni_terms_begin(&terms, &account, NULL), QN_OK);
        const char *const words[3][2] = {{"ab", "ba"}, {"ba", "ab"}, {"ab", "bb"}};
        qni_term items[2];
        for (int i = 0; i < 2; i++) {
            items[i] = qni_term_literal(&terms, words[order][i], 2);
        }
        qni_term sum = qni_term_alt(&terms, items, 2);
        memcpy(names[order], qni_term_info_of(&terms, qni_term_not(&terms, sum))->name,
               sizeof names[order]);
        qni_terms_end(&terms);
    }
    assert_memory_equal(names[0], names[1], sizeof names[0]);
    assert_memory_not_equal(names[0], names[2], sizeof names[0]);
    (void)state;
}

// A count is exact up to its limit, and stops there.
static void test_counts(void **state)
{
    qni_account account;
    qni_terms t;
    qni_account_begin(&account, QNI_MAX_GRAMMAR_BYTES, QNI_MAX_GRAMMAR_WORK);
    assert_int_equal(qni_terms_begin(&t, &account, NULL), QN_OK);
    qni_term digit = qni_term_byte_range(&t, '0', '9');
    assert_int_equal(qni_term_count(&t, qni_term_repeat(&t, digit, 1, 2), 1000), 110);
    assert_int_equal(qni_term_count(&t, qni_term_repeat(&t, digit, 0, QNI_TERM_NO_MAX), 1000),
                     1000);
    assert_int_equal(qni_term_count(&t, QNI_TERM_NOTHING, 1000), 0);
    uint32_t min = 0, max = 0;
    assert_true(qni_term_length(&t, qni_term_repeat(&t, t.character, 2, 5), &min, &max));
    assert_true(min == 2 && max == 5);
    assert_false(qni_term_length(&t, digit, &min, &max));
    qni_terms_end(&t);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_terms),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
