#include "base/alloc.h"
#include "grammar/matcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct row {
    qni_language language;
    const char *grammar;
    const char *yes[6];
    const char *no[6];
} row;

static qn_status create(qni_language language, const char *text, qni_engine **out, qn_error *err)
{
    char *copy = qni_strdup(text);
    if (copy == NULL) {
        return QN_OUT_OF_MEMORY;
    }
    qni_source source = {.language = language, .text = copy, .size = strlen(copy), .json = {64}};
    qn_status status = qni_engine_create(&source, out, err);
    qni_free(copy);
    return status;
}

static bool accepts(qni_engine *e, const char *text)
{
    qni_state s;
    size_t n = strlen(text);
    if (qni_engine_begin(e, NULL) != QN_OK || !qni_engine_start(e, &s)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!qni_engine_step(e, &s, text, i + 1)) {
            return false;
        }
    }
    return qni_engine_accepts(e, &s, text, n);
}

static const row rows[] = {
    {QNI_LANGUAGE_GBNF,
     "# lists\nroot ::= (expr \"=\" term \"\\n\")+\nexpr ::= term ([-+*/] term)*\nterm ::= num | "
     "\"(\" expr \")\"\nnum ::= [0-9]+",
     {"1=2\n", "(1+2)*3=9\n1=1\n"},
     {"1=2", "(1=2\n", "", "1+=2\n"}},
    {QNI_LANGUAGE_GBNF,
     "root ::= \"a\"{2,3} [^x-z\\]] .? | \"\\x41\\u00e9\"\n  | (\n \"q\"\n \"r\" )",
     {"aab", "aaac!", "A\xC3\xA9", "qr"},
     {"ab", "aax", "aa]", "q"}},
    {QNI_LANGUAGE_GBNF,
     "root ::= \"[\" root{0,2} \"]\"",
     {"[]", "[[][]]", "[[[]]]"},
     {"[[][][]]", "[", "]"}},
    {QNI_LANGUAGE_GBNF,
     "root ::= a | b\na ::= a \"x\" | \"\"\nb ::= \"(\" b \")\" | \"y\" nothing\nnothing ::= "
     "nothing \"z\"",
     {"", "x", "xxx"},
     {"y", "(", "xy"}},
    {QNI_LANGUAGE_LARK,
     "start: item (\",\" item)*\nitem: \"(\" start \")\" | NUMBER | /[a-z]+/i\nNUMBER: /[0-9]+/ "
     "(\".\" DIGIT+)?\nDIGIT: \"0\"..\"9\"\n",
     {"1,(a,2.5),Bc", "x"},
     {"1,", "()", "2."}},
    {QNI_LANGUAGE_LARK,
     "%import common.WS\n%import common (INT, CNAME)\n%ignore WS\nstart: CNAME \"=\" sum\n?sum: "
     "sum \"+\" atom | atom -> one\natom: INT | \"[\" [sum] \"]\"",
     {"x = 1 + 2", " y=[ ]+[1] "},
     {"= 1", "x = 1 +"}},
    {QNI_LANGUAGE_LARK,
     "start: \"Kä-1\"i \"x\"",
     {"kÄ-1x", "\xE2\x84\xAA\xC3\xA4-1x"},
     {"kÄ-1X", "ka-1x"}},
    {QNI_LANGUAGE_LARK,
     "start: \"call \" args \";\"\nargs: %json {\"type\": \"object\", \"properties\": {\"a\": "
     "{\"type\": \"integer\"}}, \"required\": [\"a\"]}",
     {"call {\"a\": 1};", "call {\"b\":[\"}\"],\"a\":2};"},
     {"call {};", "call {\"a\":1}", "call {\"a\":\"x\"};"}},
    {QNI_LANGUAGE_TAGS,
     "{\"free\":true,\"tags\":[{\"begin\":\"<f>\",\"schema\":{\"type\":\"integer\",\"maximum\":9},"
     "\"end\":\"</f>\"},{\"begin\":\"<t>\",\"end\":\"</t>\"}]}",
     {"", "hello < f>", "a <f>7</f> b <t>x<f>y</t>", "<f>1</f><f>2</f>"},
     {"a <f>", "<f>x</f>", "<f>12</f>", "<t>"}},
    {QNI_LANGUAGE_TAGS,
     "{\"min\":1,\"max\":1,\"tags\":[{\"begin\":\"<f>\",\"schema\":{\"const\":1},\"end\":\"\"}]}",
     {"<f>1"},
     {"", "<f>", "x<f>1", "<f>1<f>1"}},
    {QNI_LANGUAGE_REGEX, "(ab|c)+\\d{2}", {"abc12", "c00"}, {"ab1", "12"}},
};

static void test_validity(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qni_engine *e;
        qn_error err = {0};
        if (create(rows[i].language, rows[i].grammar, &e, &err) != QN_OK) {
            fail_msg("%s: %s", rows[i].grammar, err.message);
        }
        for (size_t k = 0; k < 6 && rows[i].yes[k] != NULL; k++) {
            if (!accepts(e, rows[i].yes[k])) {
                fail_msg("%s refuses %s", rows[i].grammar, rows[i].yes[k]);
            }
        }
        for (size_t k = 0; k < 6 && rows[i].no[k] != NULL; k++) {
            if (accepts(e, rows[i].no[k])) {
                fail_msg("%s takes %s", rows[i].grammar, rows[i].no[k]);
            }
        }
        assert_int_equal(qni_engine_end(e, &err), QN_OK);
        qni_engine_free(e);
    }
    (void)state;
}

static void test_refused(void **state)
{
    static const struct {
        qni_language language;
        const char *grammar, *message;
        qn_status status;
    } bad[] = {
        {QNI_LANGUAGE_GBNF, "root ::= other", "'other' is used", QN_INVALID_ARGUMENT},
        {QNI_LANGUAGE_GBNF, "a ::= \"x\"", "named 'root'", QN_INVALID_ARGUMENT},
        {QNI_LANGUAGE_GBNF, "root ::= \"x\"\n\nroot2 = 1", "line 3", QN_INVALID_ARGUMENT},
        {QNI_LANGUAGE_GBNF, "root ::= <[12]>", "tokens by name", QN_UNSUPPORTED},
        {QNI_LANGUAGE_LARK, "start: foo", "'foo' is used", QN_INVALID_ARGUMENT},
        {QNI_LANGUAGE_LARK, "start: /(a/", "pattern", QN_INVALID_ARGUMENT},
        {QNI_LANGUAGE_LARK, "%import x.Y\nstart: \"a\"", "import", QN_UNSUPPORTED},
        {QNI_LANGUAGE_TAGS, "{}", "a list of tags", QN_INVALID_ARGUMENT},
        {QNI_LANGUAGE_REGEX, "a(", "pattern", QN_INVALID_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qni_engine *e;
        qn_error err = {0};
        assert_int_equal(create(bad[i].language, bad[i].grammar, &e, &err), bad[i].status);
        if (strstr(err.message, bad[i].message) == NULL) {
            fail_msg("%s: %s", bad[i].grammar, err.message);
        }
    }
    (void)state;
}

static void test_out_of_memory(void **state)
{
    const row *r = &rows[6];
    for (uint64_t n = 1;; n++) {
        qni_engine *e = NULL;
        bool yes = false;
        qni_alloc_fail_after(n);
        qn_status status = create(r->language, r->grammar, &e, NULL);
        if (status == QN_OK) {
            yes = accepts(e, r->yes[1]);
            status = qni_engine_end(e, NULL);
        }
        qni_alloc_fail_after(0);
        if (status == QN_OK) {
            assert_true(yes);
            qni_engine_free(e);
            break;
        }
        assert_int_equal(status, QN_OUT_OF_MEMORY);
        qni_engine_free(e);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
