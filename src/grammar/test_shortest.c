// Completions: valid, short, and found at once where orders and digits are many.
#include "grammar/matcher.h"

#include "base/alloc.h"
#include "grammar/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 1 << 20 };

typedef struct fixture {
    qni_vocabulary *vocabulary;
    qni_engine *engine;
    qni_matcher matcher;
    char *text; // ROOM bytes
} fixture;

static void begin(fixture *f, qni_language language, const char *source)
{
    const uint32_t offsets[3] = {0, 1, 1}, stop = 1;
    qn_error err = {0};
    char *copy = qni_strdup(source);
    const qni_source from = {
        .language = language, .text = copy, .size = strlen(source), .json = {64}};
    assert_int_equal(qni_vocabulary_create(2, "a", offsets, NULL, &stop, 1, &f->vocabulary, NULL),
                     QN_OK);
    if (qni_engine_create(&from, &f->engine, &err) != QN_OK) {
        fail_msg("%s: %s", source, err.message);
    }
    qni_free(copy);
    assert_int_equal(qni_matcher_begin(&f->matcher, f->engine, f->vocabulary, NULL), QN_OK);
    f->text = qni_alloc(ROOM);
}

static void end(fixture *f)
{
    qni_matcher_end(&f->matcher);
    qni_engine_free(f->engine);
    qni_vocabulary_free(f->vocabulary);
    qni_free(f->text);
}

// Takes `written`, completes it, and says in how many bytes.
static size_t complete(fixture *f, const char *written, size_t n)
{
    bool taken = true, can = false;
    size_t size = 0;
    qn_error err = {0};
    if (n != 0) {
        assert_int_equal(qni_matcher_consume_text(&f->matcher, written, n, &taken, NULL), QN_OK);
    }
    assert_true(taken);
    if (qni_matcher_shortest(&f->matcher, f->text, ROOM, &size, &err) != QN_OK) {
        fail_msg("'%.80s': %s", written, err.message);
    }
    if (size != 0) {
        assert_int_equal(qni_matcher_consume_text(&f->matcher, f->text, size, &taken, NULL), QN_OK);
    }
    assert_int_equal(qni_matcher_can_end(&f->matcher, &can, NULL), QN_OK);
    assert_true(taken && can);
    return size;
}

static void test_completions(void **state)
{
    static const struct {
        qni_language language;
        const char *source, *written, *rest;
    } rows[] = {
        // what could be closed at once is not what is wanted
        {QNI_LANGUAGE_JSON_SCHEMA,
         "{\"type\":\"array\",\"uniqueItems\":true,\"contains\":{\"const\":\"abc\"}}", "[1,",
         "\"abc\"]"},
        {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"object\",\"required\":[\"b\",\"a\"]}", "",
         "{\"a\":0,\"b\":0}"},
        {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"object\",\"required\":[\"b\",\"a\"]}", "{\"x\":[1",
         "],\"a\":0,\"b\":0}"},
        {QNI_LANGUAGE_JSON_SCHEMA,
         "{\"required\":[\"ab\"],\"type\":\"object\",\"additionalProperties\":false,"
         "\"properties\":{\"ab\":{\"enum\":[\"longer\",true]},\"ax\":{}}}",
         "{\"a", "b\":true}"},
        {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"string\",\"minLength\":3}", "\"a", "  \""},
        {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"array\",\"minItems\":3}", "[[", "],0,0]"},
        {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"integer\",\"multipleOf\":1000,\"minimum\":1}", "7",
         "e3"},
        {QNI_LANGUAGE_JSON_SCHEMA, "{\"const\":\"a\\nb\"}", "", "\"a\\nb\""},
        {QNI_LANGUAGE_JSON_SCHEMA, "{\"required\":[\"\\n\"],\"type\":\"object\"}", "",
         "{\"\\n\":0}"},
        {QNI_LANGUAGE_JSON_SCHEMA,
         "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"required\":[\"next\"],"
         "\"properties\":{\"next\":{\"$ref\":\"#\"}}}]}",
         "{\"next\":{", "\"next\":null}}"},
        {QNI_LANGUAGE_REGEX, "(abc)+d|abcabcabcabcx", "abcabcabcabc", "d"},
        {QNI_LANGUAGE_GBNF, "root ::= \"(\" root \")\" | \"x\"", "((", "x))"},
        {QNI_LANGUAGE_TAGS,
         "{\"tags\":[{\"begin\":\"<c>\",\"schema\":{\"type\":\"object\",\"required\":[\"k\"]},"
         "\"end\":\"</c>\"}],\"free\":true}",
         "text <c>", "{\"k\":0}</c>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        begin(&f, rows[i].language, rows[i].source);
        size_t size = complete(&f, rows[i].written, strlen(rows[i].written));
        if (size != strlen(rows[i].rest) || memcmp(f.text, rows[i].rest, size) != 0) {
            fail_msg("'%s' after '%s': '%.*s', not '%s'", rows[i].source, rows[i].written,
                     (int)size, f.text, rows[i].rest);
        }
        end(&f);
    }
    (void)state;
}

// Forty required members have 40! orders, and values among which a byte less here costs one there.
static void test_many_required_members(void **state)
{
    char source[8192];
    size_t n = (size_t)snprintf(source, sizeof source, "{\"type\":\"object\",\"required\":[");
    for (int i = 0; i < 40; i++) {
        n += (size_t)snprintf(source + n, sizeof source - n, "%s\"key%02d\"", i == 0 ? "" : ",", i);
    }
    snprintf(source + n, sizeof source - n,
             "],\"additionalProperties\":{\"type\":\"array\",\"minItems\":2,\"items\":"
             "{\"type\":\"string\",\"minLength\":1}}}");
    fixture f;
    begin(&f, QNI_LANGUAGE_JSON_SCHEMA, source);
    assert_int_equal(complete(&f, "", 0), 2 + 40 * strlen("\"key00\":[\" \",\" \"],") - 1);
    end(&f);
    (void)state;
}

// No stack is used up by a text that nests deep.
static void test_deep_text(void **state)
{
    enum { DEPTH = 30000 };
    fixture f;
    char *written = qni_alloc(DEPTH);
    memset(written, '[', DEPTH);
    begin(&f, QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}");
    assert_int_equal(complete(&f, written, DEPTH), DEPTH);
    end(&f);
    qni_free(written);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completions),
        cmocka_unit_test(test_many_required_members),
        cmocka_unit_test(test_deep_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
