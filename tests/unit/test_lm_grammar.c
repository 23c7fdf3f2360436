// Answers under a grammar: valid whatever the sampling, complete whatever the budget, and unchanged
// where the model was right by itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quince/quince.h"

#include <jansson.h>
#include <string.h>

static const char *const worker = QNI_SOURCE_DIR "/examples/models/worker";
static const char person[] =
    "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": 12},"
    " \"age\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 99}},"
    " \"required\": [\"name\", \"age\"], \"additionalProperties\": false}";
static const char tools[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"parameters\":"
    " {\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}},"
    " \"required\": [\"city\"]}}},"
    " {\"type\": \"function\", \"function\": {\"name\": \"stop_clock\"}}]";

typedef struct fixture {
    qn_lm *lm;
    qn_session *session;
} fixture;

static void begin(fixture *f)
{
    qn_error err = {0};
    assert_int_equal(qn_lm_open(worker, NULL, &f->lm, &err), QN_OK);
    assert_int_equal(qn_session_create(f->lm, NULL, &f->session, &err), QN_OK);
}

static void end(fixture *f)
{
    qn_session_free(f->session);
    qn_lm_close(f->lm);
}

static qn_grammar *schema(const char *text)
{
    qn_error err = {0};
    qn_grammar *grammar = NULL;
    assert_int_equal(qn_grammar_from_json_schema(text, strlen(text), NULL, &grammar, &err), QN_OK);
    return grammar;
}

static bool is_valid(qn_grammar *grammar, const char *text)
{
    bool valid = false;
    assert_int_equal(qn_grammar_check(grammar, text, strlen(text), &valid, NULL, NULL), QN_OK);
    return valid;
}

static void test_sampled_answers_are_valid(void **state)
{
    fixture f;
    qn_grammar *grammar = schema(person);
    (void)state;
    begin(&f);
    for (uint64_t seed = 0; seed < 40; seed++) {
        // from 20 tokens on a completion fits, so that the budget never cuts the answer
        const qn_generate_options options = {.max_tokens = 20 + (int64_t)seed * 3,
                                             .sample = 1,
                                             .temperature = 1.5,
                                             .seed = seed,
                                             .grammar = grammar};
        qn_result *result = NULL;
        qn_error err = {0};
        if (qn_session_generate(f.session, "Once", &options, &result, &err) != QN_OK) {
            fail_msg("%s", err.message);
        }
        if (!is_valid(grammar, qn_result_text(result))) {
            fail_msg("seed %d: %s", (int)seed, qn_result_text(result));
        }
        qn_result_free(result);
    }
    qn_grammar_free(grammar);
    end(&f);
}

// The name that a chat with this tool_choice calls; "" for none.
static void called(fixture *f, const char *question, const char *choice, char *name, size_t size)
{
    char messages[256];
    qn_result *result = NULL;
    qn_error err = {0};
    const qn_generate_options options = {.max_tokens = 60, .sample = -1, .tool_choice = choice};
    snprintf(messages, sizeof messages, "[{\"role\": \"user\", \"content\": \"%s\"}]", question);
    if (qn_session_chat(f->session, messages, tools, NULL, &options, &result, &err) != QN_OK) {
        fail_msg("%s", err.message);
    }
    json_t *message = json_loads(qn_result_message(result), 0, NULL);
    const json_t *call = json_array_get(json_object_get(message, "tool_calls"), 0);
    const json_t *function = json_object_get(call, "function");
    const char *found = json_string_value(json_object_get(function, "name"));
    snprintf(name, size, "%s", found != NULL ? found : "");
    if (found != NULL) {
        json_t *arguments = json_loads(json_string_value(json_object_get(function, "arguments")), 0,
                                       NULL);
        assert_true(json_is_object(arguments));
        assert_true(strcmp(found, "get_weather") != 0 ||
                    json_is_string(json_object_get(arguments, "city")));
        json_decref(arguments);
    }
    json_decref(message);
    qn_result_free(result);
}

static void test_tools_are_called_as_chosen(void **state)
{
    fixture f;
    char name[64];
    (void)state;
    begin(&f);
    called(&f, "Show me the weather in Paris", NULL, name, sizeof name);
    assert_string_equal(name, "get_weather");
    called(&f, "Show me the weather in Paris", "none", name, sizeof name);
    assert_string_equal(name, "");
    called(&f, "Hello", "required", name, sizeof name);
    assert_true(strcmp(name, "get_weather") == 0 || strcmp(name, "stop_clock") == 0);
    called(&f, "Show me the weather in Paris", "stop_clock", name, sizeof name);
    assert_string_equal(name, "stop_clock");
    end(&f);
}

static void test_bad_choices_are_errors(void **state)
{
    static const char messages[] = "[{\"role\": \"user\", \"content\": \"Hello\"}]";
    fixture f;
    qn_result *result = NULL;
    qn_error err = {0};
    const qn_generate_options unknown = {.tool_choice = "fly"};
    const qn_generate_options must = {.tool_choice = "required"};
    (void)state;
    begin(&f);
    assert_int_equal(qn_session_chat(f.session, messages, tools, NULL, &unknown, &result, &err),
                     QN_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "\"fly\""));
    assert_int_equal(qn_session_chat(f.session, messages, NULL, NULL, &must, &result, &err),
                     QN_INVALID_ARGUMENT);
    qn_grammar *nothing = schema("false");
    const qn_generate_options never = {.grammar = nothing};
    assert_int_equal(qn_session_generate(f.session, "x", &never, &result, &err),
                     QN_INVALID_ARGUMENT);
    qn_grammar_free(nothing);
    end(&f);
}

// What greedy decoding writes is its own proof: a grammar of just that text changes nothing.
static void test_a_valid_answer_stays_the_same(void **state)
{
    fixture f;
    qn_result *plain = NULL;
    qn_result *bound = NULL;
    qn_error err = {0};
    (void)state;
    begin(&f);
    const qn_generate_options options = {.max_tokens = 16, .sample = -1};
    assert_int_equal(qn_session_generate(f.session, "The weather", &options, &plain, &err), QN_OK);
    const char *texts[] = {"something else", qn_result_text(plain)};
    qn_grammar *grammar = NULL;
    assert_int_equal(qn_grammar_from_choice(texts, 2, &grammar, &err), QN_OK);
    const qn_generate_options with = {.max_tokens = 200, .sample = -1, .grammar = grammar};
    assert_int_equal(qn_session_generate(f.session, "The weather", &with, &bound, &err), QN_OK);
    assert_string_equal(qn_result_text(bound), qn_result_text(plain));
    qn_result_free(plain);
    qn_result_free(bound);
    qn_grammar_free(grammar);
    end(&f);
}

// Text that the grammar forces is the same tokens whether the model is asked for them or not.
static void test_jumping_ahead_changes_nothing(void **state)
{
    static const char schema_text[] =
        "{\"type\": \"object\", \"properties\": {\"temperature\": {\"type\": \"integer\"}, "
        "\"place\": "
        "{\"const\": \"Amsterdam and Rotterdam\"}}, \"required\": [\"temperature\", \"place\"], "
        "\"additionalProperties\": false}";
    const qn_grammar_options compact = {.compact = true};
    fixture f;
    qn_grammar *grammar = NULL;
    qn_result *results[2] = {NULL, NULL};
    qn_error err = {0};
    (void)state;
    begin(&f);
    assert_int_equal(
        qn_grammar_from_json_schema(schema_text, sizeof schema_text - 1, &compact, &grammar, &err),
        QN_OK);
    for (int i = 0; i < 2; i++) {
        const qn_generate_options options = {
            .max_tokens = 400, .sample = -1, .grammar = grammar, .no_jump_ahead = i == 1};
        assert_int_equal(qn_session_generate(f.session, "JSON: ", &options, &results[i], &err),
                         QN_OK);
        assert_true(is_valid(grammar, qn_result_text(results[i])));
    }
    assert_string_equal(qn_result_text(results[0]), qn_result_text(results[1]));
    qn_result_free(results[0]);
    qn_result_free(results[1]);
    qn_grammar_free(grammar);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sampled_answers_are_valid),
                                       cmocka_unit_test(test_tools_are_called_as_chosen),
                                       cmocka_unit_test(test_bad_choices_are_errors),
                                       cmocka_unit_test(test_jumping_ahead_changes_nothing),
                                       cmocka_unit_test(test_a_valid_answer_stays_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
