#include "base/json.h"
#include "base/limits.h"

#include "tests/temporary.h"
#include "tests/torture.h"

#include <stdio.h>
#include <string.h>

static qn_status parse(const char *text, json_t **out, qn_error *err)
{
    return qni_json_parse(text, strlen(text), "test.json", out, err);
}

static void test_values(void **state)
{
    (void)state;
    json_t *json;
    assert_int_equal(parse("{\"a\": [1, -2.5, true, null, \"\\u00e9\\u0000x\"]}", &json, NULL),
                     QN_OK);
    json_t *list = json_object_get(json, "a");
    assert_int_equal(json_array_size(list), 5);
    assert_int_equal(json_integer_value(json_array_get(list, 0)), 1);
    assert_true(json_real_value(json_array_get(list, 1)) == -2.5);
    assert_int_equal(json_string_length(json_array_get(list, 4)), 4);
    assert_memory_equal(json_string_value(json_array_get(list, 4)), "\xC3\xA9\0x", 5);
    json_decref(json);
    assert_int_equal(parse(" 12 ", &json, NULL), QN_OK); // any value may stand alone
    json_decref(json);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
        {"", "line 1"},
        {"{\"a\": 1,\n \"b\" 2}", "line 2"},
        {"{\"a\": 1, \"a\": 2}", "duplicate"},
        {"[1, 2", "line 1"},
        {"[1] 2", "line 1"},
        {"[01]", "line 1"},
        {"[\"\xFF\"]", "0xff"},
        {"[\"\\ud800\"]", "line 1"},
        {"{'a': 1}", "line 1"},
        {"[1e999]", "line 1"},
        {"[99999999999999999999, 1e999]", "line 1"},
        {"[NaN]", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_error err = {0};
        json_t *json = (json_t *)&err;
        assert_int_equal(parse(cases[i].text, &json, &err), QN_INVALID_MODEL);
        assert_null(json);
        assert_string_equal(err.where, "test.json");
        if (strstr(err.message, cases[i].said) == NULL) {
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.message, cases[i].said);
        }
    }
}

static qn_status parse_nested(size_t depth, char open, char close)
{
    char text[2 * QNI_MAX_JSON_DEPTH + 64];
    memset(text, open, depth);
    memset(text + depth, close, depth);
    json_t *json = NULL;
    qn_status status = qni_json_parse(text, 2 * depth, NULL, &json, NULL);
    json_decref(json);
    return status;
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(QNI_MAX_JSON_DEPTH, '[', ']'), QN_OK);
    assert_int_equal(parse_nested(QNI_MAX_JSON_DEPTH + 1, '[', ']'), QN_LIMIT_EXCEEDED);
    assert_int_equal(parse_nested(QNI_MAX_JSON_DEPTH + 1, '{', '}'), QN_LIMIT_EXCEEDED);
    // Brackets inside strings, escaped quotes before them too, do not nest.
    char text[3000] = "[\"\\\"";
    memset(text + 4, '[', 1000);
    memcpy(text + 1004, "\", {}]", 7);
    json_t *json = NULL;
    assert_int_equal(parse(text, &json, NULL), QN_OK);
    json_decref(json);
    // A thousand in a row are not deep.
    memset(text, '\0', sizeof text);
    text[0] = '[';
    for (size_t i = 0; i < 900; i++) {
        memcpy(text + 1 + 3 * i, "[],", 3);
    }
    memcpy(text + 1 + 3 * 900, "0]", 2);
    assert_int_equal(parse(text, &json, NULL), QN_OK);
    json_decref(json);
}

static qn_status parse_big(void *context, qn_error *err)
{
    json_t *json;
    QNI_TRY(parse("{\"most\": 1000000000000000019884624838656, \"least\":-20000000000000000000, "
                  "\"fits\": 9007199254740993, \"text\": \"\\\"1000000000000000000000\", "
                  "\"list\": [0.1234567890123456789012, 12345678901234567890123e2]}",
                  &json, err));
    assert_true(json_number_value(json_object_get(json, "most")) == 1e30);
    assert_true(json_number_value(json_object_get(json, "least")) == -2e19);
    assert_true(json_integer_value(json_object_get(json, "fits")) == 9007199254740993);
    assert_string_equal(json_string_value(json_object_get(json, "text")),
                        "\"1000000000000000000000");
    json_decref(json);
    (void)context;
    return QN_OK;
}

static void test_whole_numbers_beyond_64_bits_are_reals(void **state)
{
    (void)state;
    assert_true(torture(parse_big, NULL) > 0);
    json_t *json;
    assert_int_equal(parse("[1e400]", &json, NULL), QN_INVALID_MODEL);
}

static qn_status print(void *context, qn_error *err)
{
    char *text;
    QNI_TRY(qni_json_print(context, JSON_COMPACT, &text, err));
    assert_string_equal(text, "{\"b\":[1,true],\"a\":\"\xC3\xA9\\n\"}");
    qni_free(text);
    return QN_OK;
}

static void test_printing(void **state)
{
    (void)state;
    json_t *json;
    assert_int_equal(parse("{\"b\": [1, true], \"a\": \"\\u00e9\\n\"}", &json, NULL), QN_OK);
    assert_true(torture(print, json) > 0);
    char *text;
    assert_int_equal(qni_json_print(json_object_get(json, "a"), 0, &text, NULL), QN_OK);
    assert_string_equal(text, "\"\xC3\xA9\\n\"");
    qni_free(text);
    json_decref(json);
}

static qn_status read_file(void *path, qn_error *err)
{
    json_t *json;
    QNI_TRY(qni_json_read(path, 100, &json, err));
    assert_int_equal(json_integer_value(json), 42);
    json_decref(json);
    return QN_OK;
}

static void test_files(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH];
    char path[TEMPORARY_PATH + 16];
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/a.json", folder);
    json_t *json;
    qn_error err;
    assert_int_equal(qni_json_read(path, 100, &json, &err), QN_IO);
    assert_string_equal(err.where, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("42", file);
    fclose(file);
    assert_int_equal(qni_json_read(path, 1, &json, &err), QN_LIMIT_EXCEEDED);
    assert_true(torture(read_file, path) > 0);
    temporary_end(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_whole_numbers_beyond_64_bits_are_reals),
        cmocka_unit_test(test_printing),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
