#include "base/alloc.h"
#include "grammar/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct row {
    const char *schema;
    const char *yes[8];
    const char *no[8];
} row;

static qn_status create(const char *schema, bool best_effort, qni_engine **out, qn_error *err)
{
    char *copy = qni_strdup(schema);
    if (copy == NULL) {
        return QN_OUT_OF_MEMORY;
    }
    qni_source source = {
        .text = copy, .size = strlen(copy), .json = {64}, .schema = {.best_effort = best_effort}};
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
    {"{}",
     {"1", "\"a\"", "[]", "{\"a\": [1, {\"b\": null}]}", "-0.5e+10"},
     {"", "01", "{\"a\":1,\"a\":2}", "[1,]", "nul"}},
    {"{\"type\":\"integer\",\"minimum\":1,\"maximum\":14}",
     {"1", "14", "7.0", "1.4e1", "140e-1"},
     {"0", "15", "7.5", "-1", "1e2"}},
    {"{\"type\":\"integer\",\"minimum\":-9223372036854775808,\"maximum\":18446744073709551615}",
     {"18446744073709551615", "-9223372036854775808", "1.8446744073709551615e19", "120.00"},
     {"18446744073709551616", "-9223372036854775809", "18446744073709551615.5", "2e19", "-1.25"}},
    {"{\"multipleOf\":7,\"exclusiveMinimum\":700000000000000000000,"
     "\"maximum\":700000000000000000021}",
     {"700000000000000000007", "700000000000000000021", "7.00000000000000000014E20"},
     {"700000000000000000000", "700000000000000000020", "700000000000000000028", "7e20"}},
    {"{\"multipleOf\":0.01}", {"4.02", "\"x\"", "0", "1e9"}, {"4.021", "1e-3"}},
    {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"\\u00e9\\ud83d\\udc32x\""},
     {"\"a\"", "\"abcd\"", "\"\\ud83d\"", "1"}},
    {"{\"enum\":[\"a\\\"b\",1,null,[1],{\"k\":[]}]}",
     {"\"a\\\"b\"", "\"a\\u0022b\"", "1.0", "null", "[ 1 ]", "{\"k\": []}"},
     {"\"a\"", "2", "[1,1]", "{}", "{\"k\":[],\"l\":1}"}},
    {"{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"number\"}},\"required\":["
     "\"a\",\"b\"],\"additionalProperties\":false}",
     {"{\"b\": 1, \"a\": \"\"}", "[]"},
     {"{\"a\":\"x\"}", "{\"a\":1,\"b\":1}", "{\"a\":\"x\",\"b\":1,\"c\":0}", "{}",
      "{\"a\":\"\",\"\\u0061\":\"\"}"}},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", {"1", "2.5", "\"a\""}, {"3", "1.5"}},
    {"{\"oneOf\":[{\"pattern\":\"a\"},{\"pattern\":\"b\"},{\"minLength\":3}]}",
     {"\"a\"", "\"b\"", "\"ccc\""},
     {"\"ab\"", "\"aaa\"", "\"c\"", "1"}},
    {"{\"not\":{\"oneOf\":[{\"minimum\":2},{\"maximum\":3},{\"multipleOf\":2}]},\"type\":"
     "\"number\"}",
     {"2", "2.5", "4", "0"},
     {"1", "5", "2e-1"}},
    {"{\"oneOf\":[{\"properties\":{\"k\":{\"const\":\"x\"}},\"required\":[\"k\"]},{\"properties\":{"
     "\"k\":{\"const\":\"y\"},\"n\":{\"type\":\"null\"}},\"required\":[\"n\"]},{\"properties\":{"
     "\"k\":{"
     "\"enum\":[\"x\",\"z\"]}},\"required\":[\"m\"]},{\"required\":[\"k\"]}],\"type\":\"object\"}",
     {"{\"k\":\"y\"}", "{\"n\":null}", "{\"m\":0}", "{\"k\":\"y\",\"m\":0}"},
     {"{\"k\":\"x\"}", "{\"n\":null,\"k\":\"y\"}", "{\"m\":0,\"n\":null}", "{\"k\":\"x\",\"m\":0}",
      "{}"}},
    {"{\"not\":{\"type\":[\"integer\",\"string\"]}}", {"1.5", "null"}, {"1", "\"a\""}},
    {"{\"if\":{\"properties\":{\"k\":{\"const\":1}},\"required\":[\"k\"]},\"then\":{\"required\":["
     "\"x\"]},\"else\":{\"required\":[\"y\"]}}",
     {"{\"k\":1,\"x\":0}", "{\"x\":0,\"k\":1}", "{\"y\":0}", "{\"k\":2,\"y\":0}"},
     {"{\"k\":1,\"y\":0}", "{\"k\":2,\"x\":0}", "{}"}},
    {"{\"uniqueItems\":true}",
     {"[1,2,[1],{\"a\":1}]", "[]", "[true,1]"},
     {"[1,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "[\"a\",\"\\u0061\"]"}},
    {"{\"items\":{\"enum\":[1,2]},\"uniqueItems\":true,\"minItems\":2,\"type\":\"array\"}",
     {"[1,2]", "[2, 1]"},
     {"[1]", "[1,1]", "[1,2,1]"}},
    {"{\"contains\":{\"type\":\"string\"},\"minContains\":2,\"maxContains\":3}",
     {"[\"\",1,\"\"]", "[\"\",\"\",\"\",1]"},
     {"[\"\"]", "[\"\",\"\",\"\",\"\"]"}},
    {"{\"prefixItems\":[{\"type\":\"integer\"}],\"items\":{\"type\":\"string\"},\"maxItems\":2}",
     {"[]", "[1,\"a\"]"},
     {"[\"a\"]", "[1,2]", "[1,\"a\",\"b\"]"}},
    {"{\"patternProperties\":{\"^x\":{\"type\":\"null\"}},\"propertyNames\":{\"maxLength\":2},"
     "\"minProperties\":1,\"type\":\"object\"}",
     {"{\"xa\":null}", "{\"y\":1}"},
     {"{}", "{\"xa\":1}", "{\"abc\":1}"}},
    {"{\"$defs\":{\"t\":{\"type\":\"object\",\"properties\":{\"c\":{\"items\":{\"$ref\":\"#/$defs/"
     "t\"},\"type\":\"array\"}},\"additionalProperties\":false}},\"$ref\":\"#/$defs/t\"}",
     {"{\"c\":[{},{\"c\":[]}]}"},
     {"{\"c\":[1]}", "{\"d\":1}"}},
    {"{\"allOf\":[{\"properties\":{\"a\":true}},{\"properties\":{\"b\":true}}],"
     "\"unevaluatedProperties\":false}",
     {"{\"a\":1,\"b\":1}"},
     {"{\"c\":1}"}},
    {"{\"dependentRequired\":{\"a\":[\"b\"]}}",
     {"{\"b\":1,\"a\":1}", "{\"a\":1,\"b\":1}", "{}"},
     {"{\"a\":1}"}},
    {"{\"format\":\"date\",\"type\":\"string\"}",
     {"\"2024-02-29\"", "\"1999-12-31\""},
     {"\"2023-02-29\"", "\"1999-13-01\""}},
    {"{\"$schema\":\"http://json-schema.org/draft-04/"
     "schema#\",\"minimum\":3,\"exclusiveMinimum\":true}",
     {"3.01", "4"},
     {"3"}},
    {"false", {NULL}, {"1", "null", "{}"}},
    {"{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"}},\"required\":[\"next\"]}",
     {NULL},
     {"{}", "{\"next\":{}}"}},
};

static void test_validity(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qni_engine *e;
        qn_error err = {0};
        if (create(rows[i].schema, false, &e, &err) != QN_OK) {
            fail_msg("%s: %s", rows[i].schema, err.message);
        }
        for (size_t k = 0; k < 8 && rows[i].yes[k] != NULL; k++) {
            if (!accepts(e, rows[i].yes[k])) {
                fail_msg("%s refuses %s", rows[i].schema, rows[i].yes[k]);
            }
        }
        for (size_t k = 0; k < 8 && rows[i].no[k] != NULL; k++) {
            if (accepts(e, rows[i].no[k])) {
                fail_msg("%s takes %s", rows[i].schema, rows[i].no[k]);
            }
        }
        assert_int_equal(qni_engine_end(e, &err), QN_OK);
        assert_int_equal(e->satisfiable, rows[i].yes[0] != NULL);
        qni_engine_free(e);
    }
    (void)state;
}

static void test_refused_with_pointer(void **state)
{
    static const struct {
        const char *schema, *message;
        qn_status status;
    } bad[] = {
        {"{\"properties\":{\"a\":{\"pattern\":\"(x)\\\\1\"}}}",
         "/properties/a/pattern: ", QN_UNSUPPORTED},
        {"{\"properties\":{\"a\":{\"type\":\"strin\"}}}",
         "/properties/a/type: ", QN_INVALID_ARGUMENT},
        {"{\"$ref\":\"#/nowhere\"}", "/$ref: ", QN_UNSUPPORTED},
        {"{\"$schema\":\"http://example.org/mine\"}", "dialect", QN_UNSUPPORTED},
        {"{\"minLength\":-1}", "/minLength: ", QN_INVALID_ARGUMENT},
        {"{\"allOf\":[{\"required\":1}]}", "/allOf/0/required: ", QN_INVALID_ARGUMENT},
        {"{\"a\":1", "not JSON", QN_INVALID_ARGUMENT},
        {"3", "a schema is", QN_INVALID_ARGUMENT},
        {"{\"$ref\":\"#\"}", "leads back", QN_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qni_engine *e;
        qn_error err = {0};
        assert_int_equal(create(bad[i].schema, false, &e, &err), bad[i].status);
        if (strstr(err.message, bad[i].message) == NULL) {
            fail_msg("%s: %s", bad[i].schema, err.message);
        }
    }
    (void)state;
}

static void test_best_effort_tells(void **state)
{
    qni_engine *e;
    assert_int_equal(create("{\"properties\":{\"a\":{\"pattern\":\"(x)\\\\1\",\"maxLength\":1}}}",
                            true, &e, NULL),
                     QN_OK);
    assert_non_null(strstr(e->left_out.data, "/properties/a/pattern: "));
    assert_true(accepts(e, "{\"a\":\"y\"}"));
    assert_false(accepts(e, "{\"a\":\"yy\"}"));
    qni_engine_free(e);
    (void)state;
}

// Every allocation in turn fails; nothing leaks, nothing breaks, and the last run is right.
static void test_out_of_memory(void **state)
{
    const char *schema =
        "{\"properties\":{\"a\":{\"oneOf\":[{\"type\":\"integer\",\"minimum\":2},{\"pattern\":\"^"
        "x\"}]},"
        "\"b\":{\"uniqueItems\":true}},\"patternProperties\":{\"^c\":{\"not\":{\"const\":1}}}}";
    const char *text = "{\"a\": 1, \"b\": [1, \"x\"], \"cc\": 2, \"other\": {}}";
    for (uint64_t n = 1;; n++) {
        qni_engine *e = NULL;
        bool yes = false;
        qni_alloc_fail_after(n);
        qn_status status = create(schema, false, &e, NULL);
        if (status == QN_OK) {
            yes = accepts(e, text);
            status = qni_engine_end(e, NULL);
        }
        qni_alloc_fail_after(0);
        if (status == QN_OK && e != NULL) {
            assert_true(yes);
            qni_engine_free(e);
            break;
        }
        assert_int_equal(status, QN_OUT_OF_MEMORY);
        if (e != NULL) { // the engine recovers
            assert_true(accepts(e, text));
        }
        qni_engine_free(e);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_refused_with_pointer),
        cmocka_unit_test(test_best_effort_tells),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
