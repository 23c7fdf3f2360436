// Each format of calls: found by its template, held by its grammar, read into OpenAI's form.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/json.h"
#include "lm/constraint.h"

#include <string.h>

static const char tools_text[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"parameters\": "
    "{\"type\": "
    "\"object\", \"properties\": {\"city\": {\"type\": \"string\", \"minLength\": 2}, \"days\": "
    "{\"type\": \"integer\", \"maximum\": 9}, \"unit\": {\"type\": \"string\", \"enum\": [\"c\", "
    "\"f\"]}}, \"required\": [\"city\", \"days\"], \"additionalProperties\": false}}}, {\"type\": "
    "\"function\", \"function\": {\"name\": \"stop_clock\"}}]";

// One call of get_weather in Bonn for 3 days, as each format writes it; then what must not be.
static const struct {
    const char *marker, *name, *text, *wrong;
} cases[] = {
    {"<tool_call>", "hermes",
     "Hi <tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\", \"days\": "
     "3}}\n"
     "</tool_call>",
     "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}}</tool_call>"},
    {"a <tool_call>\n<function=f>", "qwen3_coder",
     "Hi <tool_call>\n<function=get_weather>\n<parameter=days>\n3\n</parameter>\n<parameter=city>\n"
     "Bonn\n</parameter>\n</function>\n</tool_call>",
     "<tool_call>\n<function=get_weather>\n<parameter=city>\nBonn\n</parameter>\n</function>\n"
     "</tool_call>"},
    {"'<tool_call>\\n<function=' + name", "qwen3_coder_text",
     "<tool_call>\n<function=get_weather>\n<parameter=city>\nBonn\n</parameter>\n<parameter=days>\n"
     "3\n</parameter>\n</function>\n</tool_call>",
     "<tool_call>\n<function=get_weather>\n<parameter=city>\nB\n</parameter>\n<parameter=days>\n3\n"
     "</parameter>\n</function>\n</tool_call>"},
    {"<|start|>assistant<|channel|>commentary", "harmony",
     "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": "
     "\"Bonn\", \"days\": 3}",
     "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": 3}"},
    {"<|start|>assistant<|channel|>commentary", "harmony",
     " to=functions.get_weather<|channel|>commentary <|constrain|>json<|message|>{\"city\": "
     "\"Bonn\", \"days\": 3}",
     " to=functions.get_rain<|channel|>commentary <|constrain|>json<|message|>{\"city\": \"B\"}"},
    {"<tool_call>{n}<arg_key>", "glm",
     "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Bonn</arg_value>\n<arg_key>days"
     "</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
     "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Bonn</arg_value>\n<arg_key>days"
     "</arg_key>\n<arg_value>10</arg_value>\n</tool_call>"},
    {"<minimax:tool_call>", "minimax_m2",
     "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter "
     "name=\"city\">Bonn</parameter>\n"
     "<parameter name=\"days\">3</parameter>\n</invoke>\n</minimax:tool_call>",
     "<minimax:tool_call>\n<invoke name=\"get_time\">\n</invoke>\n</minimax:tool_call>"},
    {"<|tool_calls_section_begin|>", "kimi_k2",
     "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0"
     "<|tool_call_argument_begin|>{\"city\": \"Bonn\", \"days\": 3}<|tool_call_end|>"
     "<|tool_calls_section_end|>",
     "<|tool_calls_section_begin|><|tool_calls_section_end|>"},
    {"[TOOL_CALLS]", "mistral",
     "[TOOL_CALLS][{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\", \"days\": 3}}]",
     "[TOOL_CALLS][]"},
    {"[TOOL_CALLS]f[ARGS]", "mistral_v11",
     "[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Bonn\", \"days\": 3}",
     "[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Bonn\", \"days\": 3, \"x\": 1}"},
    {"render({'role': 'function call'})", "gigachat3",
     "Hi<|message_sep|>\n\nfunction call<|role_sep|>\n{\"name\": \"get_weather\", \"arguments\": "
     "{\"city\": \"Bonn\", \"days\": 3}}",
     "<|message_sep|>\n\nfunction call<|role_sep|>\n{\"name\": \"get_weather\", \"arguments\": "
     "{}}"},
    {"<longcat_tool_call>", "longcat",
     "<longcat_tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\", \"days\": "
     "3}}"
     "</longcat_tool_call>",
     "<longcat_tool_call>{}</longcat_tool_call>"},
    {"<start_function_call>", "function_gemma",
     "<start_function_call>call:get_weather{city:<escape>Bonn<escape>,days:3}<end_function_call>",
     "<start_function_call>call:get_weather{city:<escape>Bonn<escape>days:3}<end_function_call>"},
    {"<|tool_call>", "gemma4",
     "<|tool_call>call:get_weather{days:3,city:<|\"|>Bonn<|\"|>}<tool_call|>",
     "<|tool_call>call:get_weather{,days:3,city:<|\"|>Bonn<|\"|>}<tool_call|>"},
    {"<|tool_list_start|>", "lfm2",
     "<|tool_call_start|>[get_weather(city=\"Bonn\", days=3)]<|tool_call_end|>",
     "<|tool_call_start|>[get_weather(city=\"Bonn\")]<|tool_call_end|>"},
    {"<|python_tag|>", "llama3",
     "<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Bonn\", \"days\": 3}}",
     "<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": 1, \"days\": 3}}"},
};

static bool holds(qni_engine *e, const char *text)
{
    qni_state s;
    qn_error err;
    size_t n = strlen(text);
    assert_int_equal(qni_engine_begin(e, &err), QN_OK);
    bool alive = qni_engine_start(e, &s);
    for (size_t i = 1; i <= n && alive; i++) {
        alive = qni_engine_step(e, &s, text, i);
    }
    return alive && qni_engine_accepts(e, &s, text, n);
}

static json_t *read_tools(void)
{
    json_t *tools = NULL;
    assert_int_equal(qni_json_parse(tools_text, strlen(tools_text), "tools", &tools, NULL), QN_OK);
    return tools;
}

static void test_grammar_holds_calls(void **state)
{
    json_t *tools = read_tools();
    qn_error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const qni_tool_format *format = qni_tool_format_find(cases[i].marker);
        assert_non_null(format);
        assert_string_equal(format->name, cases[i].name);
        char *source = NULL;
        qni_engine *engine = NULL;
        assert_int_equal(qni_constraint_source(format, tools, "auto", &source, &err), QN_OK);
        const qni_source from = {.language = QNI_LANGUAGE_TAGS,
                                 .text = source,
                                 .size = strlen(source),
                                 .json = {.max_spaces = 64}};
        if (qni_engine_create(&from, &engine, &err) != QN_OK) {
            fail_msg("%s: %s", format->name, err.message);
        }
        if (!holds(engine, cases[i].text) || holds(engine, cases[i].wrong)) {
            fail_msg("%s: %s", format->name,
                     holds(engine, cases[i].text) ? cases[i].wrong : cases[i].text);
        }
        assert_true(holds(engine, "Nothing to call."));
        qni_engine_free(engine);
        qni_free(source);
    }
    json_decref(tools);
}

static void test_calls_are_read(void **state)
{
    json_t *tools = read_tools();
    qn_error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const qni_tool_format *format = qni_tool_format_find(cases[i].marker);
        json_t *message = NULL;
        const qni_call_options options = {.format = format, .tools = tools};
        assert_int_equal(
            qni_tool_calls_parse(&options, cases[i].text, strlen(cases[i].text), &message, &err),
            QN_OK);
        const json_t *calls = json_object_get(message, "tool_calls");
        if (json_array_size(calls) != 1) {
            fail_msg("%s: %zu calls", format->name, json_array_size(calls));
        }
        const json_t *function = json_object_get(json_array_get(calls, 0), "function");
        const char *text = json_string_value(json_object_get(function, "arguments"));
        json_t *arguments = json_loads(text, 0, NULL),
               *want = json_pack("{s:s, s:i}", "city", "Bonn", "days", 3);
        assert_string_equal(json_string_value(json_object_get(function, "name")), "get_weather");
        if (!json_equal(arguments, want)) {
            fail_msg("%s: %s", format->name, text);
        }
        json_decref(arguments);
        json_decref(want);
        json_decref(message);
    }
    json_decref(tools);
}

static void test_what_is_no_call_stays(void **state)
{
    static const char text[] = "<tool_call>\n<function=get_weather>\n<parameter=city>";
    json_t *message = NULL;
    qn_error err = {0};
    (void)state;
    const qni_call_options options = {.format = qni_tool_format_find("<tool_call>\n<function=")};
    assert_int_equal(qni_tool_calls_parse(&options, text, strlen(text), &message, &err), QN_OK);
    assert_string_equal(json_string_value(json_object_get(message, "content")), text);
    assert_null(json_object_get(message, "tool_calls"));
    json_decref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar_holds_calls),
        cmocka_unit_test(test_calls_are_read),
        cmocka_unit_test(test_what_is_no_call_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
