// The scanner cuts as the automaton does, one match after another.
#include "text/scanner.h"

#include "tests/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const patterns[] = {
    // GPT-2, Llama 3, Qwen 2, o200k, and some that leave text between matches
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| "
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "\\s+",
    "\\p{N}+",
    "[A-Za-z]+|é|日本",
    "a|ab|abc+",
    "x*?y",
};

static const char *const bits[] = {
    "a",  "b",  "c",   "x",  "y",      "Word",   "the",  " ", " ", "  ",     "\n", "\r\n",
    "\t", "'s", "'RE", "'",  "12",     "3",      ".",    ",", "!", "/",      "é",  "É",
    "日", "本", "語",  "。", "\u3000", "\u0301", "🏳", "ſ", "ǅ", "\u00A0", "(",  "-",
};

enum { TEXTS = 300 };

static size_t write_text(char *text, size_t room)
{
    size_t n = 0, wanted = below(below(20) == 0 ? room - 8 : 200);
    while (n < wanted) {
        const char *bit = bits[below(sizeof bits / sizeof bits[0])];
        size_t times = below(50) == 0 ? below(300) : 1;
        for (size_t i = 0; i < times && n < wanted; i++) {
            memcpy(text + n, bit, strlen(bit));
            n += strlen(bit);
        }
    }
    return n;
}

static void check_text(const qni_automaton *automaton, const qni_scanner *scanner, qni_scan *scan,
                       const char *text, size_t n)
{
    size_t at = 0, gap = 0, done;
    for (size_t from = 0; from < n; from += done) {
        assert_int_equal(qni_scanner_cut(scanner, text + from, n - from, scan, &done, NULL), QN_OK);
        assert_true(done > 0);
        for (size_t i = 0; i < scan->n_words; i++) {
            assert_int_equal(from + scan->words[i].begin, gap);
            size_t end = qni_automaton_match(automaton, text, n, at);
            while (at < n && end == at && from + scan->words[i].end > at) {
                do {
                    at++;
                } while (at < n && ((unsigned char)text[at] & 0xC0) == 0x80);
                end = at < n ? qni_automaton_match(automaton, text, n, at) : at;
            }
            at = at > gap ? at : end; // what has no match is a piece of its own
            assert_int_equal(from + scan->words[i].end, at);
            gap = at;
        }
    }
    assert_int_equal(gap, n);
}

static void test_scanner_cuts_as_the_automaton(void **state)
{
    (void)state;
    enum { ROOM = 20000 };
    char *text = malloc(ROOM + 64);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        qni_regex regex;
        qni_automaton automaton;
        qni_scanner scanner;
        qni_scan scan = {0};
        assert_int_equal(qni_regex_parse(patterns[i], QNI_REGEX_ONIGURUMA, &regex, NULL), QN_OK);
        assert_int_equal(qni_automaton_build(&regex, &automaton, NULL), QN_OK);
        assert_int_equal(qni_scanner_build(&automaton, &scanner, NULL), QN_OK);
        assert_true(qni_scanner_is_ready(&scanner));
        for (int j = 0; j < TEXTS; j++) {
            size_t n = write_text(text, ROOM);
            for (scanner.way = 0; scanner.way < qni_scan_ways_here(); scanner.way++) {
                check_text(&automaton, &scanner, &scan, text, n);
            }
        }
        qni_scan_end(&scan);
        qni_automaton_end(&automaton);
        qni_regex_end(&regex);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scanner_cuts_as_the_automaton),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
