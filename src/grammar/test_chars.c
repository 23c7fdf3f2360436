#include "grammar/chars.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <utf8proc.h>

static bool has(const qni_chars *set, uint32_t code)
{
    bool in = false;
    for (size_t i = 0; i < set->n; i++) {
        in = in || (code >= set->ranges[i].first && code <= set->ranges[i].last);
    }
    return in;
}

// Each letter stands for its other cases, and they for it, whatever version the tables are of.
static void test_cases(void **state)
{
    enum { DOTTED_CAPITAL = 0x130, DOTLESS_SMALL = 0x131 };
    qni_account account;
    qni_account_begin(&account, QNI_MAX_GRAMMAR_BYTES, UINT64_MAX);
    for (utf8proc_int32_t c = 0; c < 0x110000; c++) {
        utf8proc_int32_t others[] = {utf8proc_tolower(c), utf8proc_toupper(c), utf8proc_totitle(c)};
        for (int i = 0; i < 3 && c != DOTTED_CAPITAL && c != DOTLESS_SMALL; i++) {
            uint32_t from[] = {(uint32_t)c, (uint32_t)others[i]};
            for (int k = 0; k < 2 && others[i] != c; k++) {
                qni_chars set = {0};
                assert_true(qni_chars_add(&set, from[k], from[k], &account));
                assert_true(qni_chars_fold_case(&set, &account));
                if (!has(&set, from[1 - k])) {
                    fail_msg("U+%04X does not stand for U+%04X", from[k], from[1 - k]);
                }
                qni_chars_end(&set);
            }
        }
    }
    qni_chars turkish = {0};
    assert_true(qni_chars_add(&turkish, 'i', 'i', &account));
    assert_true(qni_chars_fold_case(&turkish, &account));
    assert_true(has(&turkish, 'I') && !has(&turkish, DOTTED_CAPITAL) &&
                !has(&turkish, DOTLESS_SMALL));
    qni_chars_end(&turkish);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
