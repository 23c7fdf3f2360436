#include "grammar/pattern.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct pool {
    qni_account account;
    qni_terms terms;
} pool;

static void pool_begin(pool *p)
{
    qni_account_begin(&p->account, QNI_MAX_GRAMMAR_BYTES, QNI_MAX_GRAMMAR_WORK);
    assert_int_equal(qni_terms_begin(&p->terms, &p->account, NULL), QN_OK);
}

static bool accepts(qni_terms *terms, qni_term t, const char *text)
{
    for (; *text != '\0'; text++) {
        t = qni_term_step(terms, t, (unsigned char)*text);
    }
    return qni_term_nullable(terms, t);
}

typedef struct row {
    const char *pattern;
    const char *yes[4];
    const char *no[4];
} row;

static void check_rows(const row *rows, size_t n, qni_pattern_syntax syntax,
                       qni_pattern_extent extent)
{
    pool p;
    pool_begin(&p);
    for (size_t i = 0; i < n; i++) {
        qni_term t = 0;
        qn_error err = {0};
        if (qni_pattern_parse(&p.terms, rows[i].pattern, strlen(rows[i].pattern), syntax, extent,
                              &t, &err) != QN_OK) {
            fail_msg("%s: %s", rows[i].pattern, err.message);
        }
        for (size_t k = 0; k < 4 && rows[i].yes[k] != NULL; k++) {
            if (!accepts(&p.terms, t, rows[i].yes[k])) {
                fail_msg("'%s' refuses '%s'", rows[i].pattern, rows[i].yes[k]);
            }
        }
        for (size_t k = 0; k < 4 && rows[i].no[k] != NULL; k++) {
            if (accepts(&p.terms, t, rows[i].no[k])) {
                fail_msg("'%s' takes '%s'", rows[i].pattern, rows[i].no[k]);
            }
        }
    }
    assert_int_equal(p.account.status, QN_OK);
    qni_terms_end(&p.terms);
}

static void test_ecma_search(void **state)
{
    static const row rows[] = {
        {"^a*$", {"", "a", "aaa"}, {"b", "ab"}},
        {"a+", {"xaay", "a"}, {"xyz", ""}},
        {"^[\\w.-]+@\\w+\\.(com|org)$", {"a.b-c@d.org"}, {"a@b.net", "@b.com"}},
        {"^\\d{3,5}$", {"123", "12345"}, {"12", "123456"}},
        {"^(?!foo)\\w+$", {"bar", "fo"}, {"foo", "foobar"}},
        {"^(?=.*\\d)(?=.*[a-z]).{4,}$", {"abc1", "1abcdef"}, {"abcd", "a1"}},
        {"\\bcat\\b", {"cat", "a cat.", "the cat"}, {"cats", "concat"}},
        {"\\Bat", {"cat"}, {"at", " at"}},
        {"^\\p{Lu}\\p{L}*$", {"Zoë", "Éa"}, {"zoë", "1"}},
        {"^\\S$", {"é", "日"}, {" ", "\xC2\xA0", "ab"}},
        {"^[^a-c]$", {"d", "日", "\xF0\x9F\x90\xB2"}, {"a", "dd"}},
        {"^\xF0\x9F\x90\xB2*$", {"", "\xF0\x9F\x90\xB2\xF0\x9F\x90\xB2"}, {"\xF0\x9F\x90\xB2x"}},
        {"^\\uD83D\\uDC32$", {"\xF0\x9F\x90\xB2"}, {"a"}},
        {"^x|y$", {"xa", "by"}, {"ax", "yb"}},
        {"(^a|b)c", {"ac", "xbc"}, {"xac"}},
        {"^[A-Za-z-_]+$", {"a-b_c"}, {"a b"}},
        {"^[\\w-_]+$", {"a-b_c"}, {"a b"}},
        {"^a{,3}$", {"a{,3}"}, {"a", "aaa"}},
        {"^$", {""}, {"a"}},
        {"", {"", "anything"}, {NULL}},
        {"^(a|ab)(c|bcd)$", {"ac", "abc", "abcd", "abbcd"}, {"ab", "abcdd"}},
        {"^(?:(?:x{2}){2})$", {"xxxx"}, {"xxx", "xxxxx"}},
        {"^.$", {"a"}, {"\n", "", "ab"}},
        {"^\\cC$", {"\x03"}, {"C"}},
    };
    check_rows(rows, sizeof rows / sizeof *rows, QNI_PATTERN_ECMA, QNI_PATTERN_SEARCH);
    (void)state;
}

static void test_re2_whole(void **state)
{
    static const row rows[] = {
        {"(?i)abc", {"ABC", "aBc"}, {"ab"}},
        {"(?i:a)b", {"Ab", "ab"}, {"aB"}},
        {"(?i)σ\\p{Lu}\\W", {"ςa.", "ΣÉ-"}, {"s\xC3\x89k", "σ1.", "σa\xC5\xBF"}},
        {"[[:alpha:]]+\\d", {"ab1"}, {"1"}},
        {"\\Qa.b\\E+", {"a.b", "a.bb"}, {"axb", "a.ba.b"}},
        {"(?i)x\\Q\\Ea\\Q|é)\\E{2}\\Q", {"xa|é))", "XA|É))"}, {"xa", "xa|é)"}},
        {"(?s).", {"\n"}, {""}},
        {"\\pN+", {"12"}, {"a"}},
        {"(?P<year>\\d{4})-x", {"2024-x"}, {"24-x"}},
        {"\\Aab\\z", {"ab"}, {"abc"}},
        {"[]a]+", {"]a"}, {"b"}},
    };
    check_rows(rows, sizeof rows / sizeof *rows, QNI_PATTERN_RE2, QNI_PATTERN_WHOLE);
    (void)state;
}

static void test_refused(void **state)
{
    static const struct {
        const char *pattern;
        qn_status status;
    } rows[] = {{"(a", QN_INVALID_ARGUMENT},       {"a)", QN_INVALID_ARGUMENT},
                {"[a", QN_INVALID_ARGUMENT},       {"*a", QN_INVALID_ARGUMENT},
                {"a\\", QN_INVALID_ARGUMENT},      {"[b-a]", QN_INVALID_ARGUMENT},
                {"(a)\\1", QN_UNSUPPORTED},        {"(?<=a)b", QN_UNSUPPORTED},
                {"a{3,2}", QN_INVALID_ARGUMENT},   {"(^a|b)*", QN_UNSUPPORTED},
                {"a{9999999}", QN_LIMIT_EXCEEDED}, {"\\p{Script=Greek}", QN_UNSUPPORTED},
                {"\xFF", QN_INVALID_ARGUMENT}};
    pool p;
    pool_begin(&p);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qni_term t;
        qn_error err = {0};
        assert_int_equal(qni_pattern_parse(&p.terms, rows[i].pattern, strlen(rows[i].pattern),
                                           QNI_PATTERN_ECMA, QNI_PATTERN_SEARCH, &t, &err),
                         rows[i].status);
        assert_non_null(strstr(err.message, "pattern"));
    }
    qni_terms_end(&p.terms);
    (void)state;
}

static void test_boolean_operations(void **state)
{
    pool p;
    pool_begin(&p);
    qni_terms *t = &p.terms;
    qni_term a, b;
    assert_int_equal(
        qni_pattern_parse(t, "(ab)*", 5, QNI_PATTERN_ECMA, QNI_PATTERN_WHOLE, &a, NULL), QN_OK);
    assert_int_equal(qni_pattern_parse(t, "a.*c", 4, QNI_PATTERN_ECMA, QNI_PATTERN_WHOLE, &b, NULL),
                     QN_OK);
    assert_false(qni_term_live(t, qni_term_and2(t, a, b)));
    assert_true(qni_term_live(t, qni_term_and2(t, a, qni_term_not(t, b))));
    const char *words[] = {"to", "tea", "ten", "i", "in", "inn", "tea"};
    size_t sizes[] = {2, 3, 3, 1, 2, 3, 3};
    qni_term w = qni_term_words(t, words, sizes, 7);
    assert_int_equal(qni_term_count(t, w, 100), 6);
    assert_true(accepts(t, w, "inn"));
    assert_false(accepts(t, w, "te"));
    qni_term denied = qni_term_and2(t, w, qni_term_not(t, qni_term_literal(t, "i", 1)));
    char text[8];
    size_t size;
    assert_true(qni_term_shortest(t, denied, text, sizeof text, &size));
    assert_int_equal(size, 2);
    assert_memory_equal(text, "in", 2);
    assert_int_equal(qni_term_count(t, qni_term_and2(t, t->text, qni_term_not(t, w)), 50), 50);
    qni_terms_end(t);
    (void)state;
}

// Every allocation in turn fails; nothing leaks, nothing breaks, and the last run succeeds.
static void test_out_of_memory(void **state)
{
    const char *pattern = "^(?!ab)[a-zA-Z]{1,20}(x|yz)+\\b$";
    for (uint64_t n = 1;; n++) {
        pool p = {0};
        qni_term t = 0;
        qni_account_begin(&p.account, QNI_MAX_GRAMMAR_BYTES, QNI_MAX_GRAMMAR_WORK);
        qni_alloc_fail_after(n);
        qn_status status = qni_terms_begin(&p.terms, &p.account, NULL);
        if (status == QN_OK) {
            status = qni_pattern_parse(&p.terms, pattern, strlen(pattern), QNI_PATTERN_ECMA,
                                       QNI_PATTERN_SEARCH, &t, NULL);
        }
        bool yes = status == QN_OK && accepts(&p.terms, t, "abx") == false &&
                   accepts(&p.terms, t, "bax");
        if (status == QN_OK && p.account.status != QN_OK) {
            status = p.account.status;
        }
        qni_alloc_fail_after(0);
        qni_terms_end(&p.terms);
        if (status == QN_OK) {
            assert_true(yes);
            break;
        }
        assert_int_equal(status, QN_OUT_OF_MEMORY);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecma_search),   cmocka_unit_test(test_re2_whole),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_boolean_operations),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
