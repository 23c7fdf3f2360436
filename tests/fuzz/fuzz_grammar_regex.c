// Any bytes as a regular expression and, behind a zero byte, a text: PCRE2 finds the same, where
// both know the expression and mean the same by it; and what completes a text matches.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "quince/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const char *pattern, size_t n)
{
    if (!holds) {
        fprintf(stderr, "fuzz_grammar_regex: %s: '%.*s'\n", what, (int)n, pattern);
        abort();
    }
}

// What both read alike: no classes by name, no groups but plain ones, no possessive repeats, no
// braces that PCRE2 takes for something else, ASCII alone.
static bool is_common(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i], before = i > 0 ? p[i - 1] : 0;
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && strchr("()|*+?.^$-,{} _[]", c) == NULL) {
            return false;
        }
        if ((c == '+' || c == '?' || c == '*') && before != 0 && strchr("*+?}(", before) != NULL) {
            return false;
        }
        bool bracket = c == '[' && i + 1 < n && strchr("]:^", p[i + 1]) != NULL;
        if (bracket || (c == '{' && (i + 1 == n || p[i + 1] < '0' || p[i + 1] > '9')) ||
            (c == '{' && before != 0 && strchr("*+?}", before) != NULL) ||
            (c == '[' && memchr(p + i + 1, '[', n - i - 1) != NULL)) {
            return false;
        }
    }
    return true;
}

static void compare(qn_grammar *grammar, const char *p, size_t n, const char *text, size_t size)
{
    int code;
    PCRE2_SIZE where;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)p, n,
                                   PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY |
                                       PCRE2_NO_AUTO_CAPTURE,
                                   &code, &where, NULL);
    if (re == NULL) {
        return;
    }
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(re, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(context, 100000);
    int found = pcre2_match(re, (PCRE2_SPTR)text, size, 0, 0, match, context);
    bool valid = false;
    qn_error err = {0};
    if ((found >= 0 || found == PCRE2_ERROR_NOMATCH) &&
        qn_grammar_check(grammar, text, size, &valid, NULL, &err) == QN_OK) {
        must(valid == (found >= 0), valid ? "PCRE2 finds no match" : "PCRE2 finds a match", p, n);
    }
    pcre2_match_context_free(context);
    pcre2_match_data_free(match);
    pcre2_code_free(re);
}

// The completion of the text as far as it goes.
static void complete(qn_grammar *grammar, const char *p, size_t n, const char *text, size_t size)
{
    const uint32_t offsets[2] = {0, 1};
    qn_vocabulary *vocabulary = NULL;
    qn_matcher *m = NULL;
    char whole[4096];
    size_t position = 0, more = 0;
    bool valid = false, taken = true;
    qn_error err = {0};
    if (qn_grammar_check(grammar, text, size, &valid, &position, &err) != QN_OK ||
        position > 1000 || !qn_grammar_is_satisfiable(grammar)) {
        return;
    }
    must(qn_vocabulary_create(1, "a", offsets, NULL, NULL, 0, &vocabulary, &err) == QN_OK &&
             qn_matcher_create(grammar, vocabulary, &m, &err) == QN_OK,
         err.message, p, n);
    if (position > 0 && qn_matcher_consume_text(m, text, position, &taken, &err) == QN_OK) {
        must(taken, "a beginning that is not taken", p, n);
    }
    if (qn_matcher_shortest(m, whole + position, sizeof whole - position, &more, &err) == QN_OK) {
        memcpy(whole, text, position);
        if (qn_grammar_check(grammar, whole, position + more, &valid, NULL, &err) == QN_OK) {
            must(valid, "a completion that does not match", p, n);
        }
    }
    qn_matcher_free(m);
    qn_vocabulary_free(vocabulary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 2048) {
        return 0;
    }
    const uint8_t *end = memchr(data, 0, size);
    const char *p = (const char *)data;
    size_t n = end != NULL ? (size_t)(end - data) : size;
    const char *text = end != NULL ? (const char *)end + 1 : "";
    size_t n_text = end != NULL ? size - n - 1 : 0;
    qn_grammar *grammar = NULL;
    qn_error err = {0};
    if (qn_grammar_from_regex(p, n, &grammar, &err) != QN_OK) {
        must(err.message[0] != '\0', "a refusal without a reason", p, n);
        return 0;
    }
    bool ascii = true;
    for (size_t i = 0; i < n_text; i++) {
        ascii = ascii && text[i] != '\n' && text[i] != '\r' && (text[i] & 0x80) == 0;
    }
    if (ascii && is_common(p, n)) {
        compare(grammar, p, n, text, n_text);
    }
    complete(grammar, p, n, text, n_text);
    qn_grammar_free(grammar);
    return 0;
}
