// The stream of events of an answer: what comes when, and that it never depends on where the text
// is cut.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "lm/call_stream.h"
#include "lm/json_scan.h"
#include "tests/torture.h"

#include <stdio.h>
#include <string.h>

static const char tools_text[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"type\": "
    "\"object\", \"properties\": {\"t\": {\"type\": \"string\"}, \"n\": {\"type\": \"integer\"}, "
    "\"o\": {\"type\": \"object\"}}}}}, {\"name\": \"g\"}]";

// Events as a line: "c:" content, "r:" reasoning, "+name" begin, "a:" arguments, "." end, "!"
// failed; pieces of one kind are joined, so that lines of two ways of cutting can be compared.
typedef struct record {
    qni_buf line;
    qni_event_kind last;
    bool any;
    size_t n_events, stop_after; // 0: never
} record;

static bool take(void *user, const qni_event *e)
{
    record *r = user;
    qn_error err;
    bool joined = r->any && r->last == e->kind &&
                  (e->kind == QNI_EVENT_CONTENT || e->kind == QNI_EVENT_REASONING ||
                   e->kind == QNI_EVENT_ARGUMENTS);
    if (!joined) {
        const char *const marks[] = {"|c:", "|r:", "|+", "|a:", "|.", "|!"};
        assert_int_equal(qni_buf_add_text(&r->line, marks[e->kind], &err), QN_OK);
    }
    if (e->kind == QNI_EVENT_CALL_BEGIN) {
        assert_int_equal(strlen(e->id), 14);
        assert_int_equal(qni_buf_printf(&r->line, &err, "%zu%s", e->index, e->name), QN_OK);
    }
    assert_true(e->n != 0 || e->text == NULL);
    assert_int_equal(qni_buf_add(&r->line, e->text, e->n, &err), QN_OK);
    r->last = e->kind;
    r->any = true;
    return ++r->n_events != r->stop_after;
}

static void begin(record *r)
{
    memset(r, 0, sizeof *r);
    qni_buf_begin(&r->line, SIZE_MAX, "SIZE_MAX");
}

// The text in pieces of `step` bytes; 0: of random sizes.
static void read_in_pieces(const qni_call_options *options, const char *text, size_t step,
                           uint32_t seed, record *r)
{
    qni_call_stream *stream;
    qn_error err;
    size_t n = strlen(text), size;
    begin(r);
    assert_int_equal(qni_call_stream_create(options, take, r, &stream, &err), QN_OK);
    for (size_t at = 0; at < n; at += size) {
        seed = seed * 1664525u + 1013904223u;
        size = step != 0 ? step : seed >> 28;
        size = size < n - at ? size : n - at;
        assert_int_equal(qni_call_stream_push(stream, text + at, size, &err), QN_OK);
    }
    assert_int_equal(qni_call_stream_flush(stream, &err), QN_OK);
    qni_call_stream_free(stream);
}

static void expect(const char *format, const char *reasoning, bool open, const char *text,
                   const char *want)
{
    json_t *tools = json_loads(tools_text, 0, NULL);
    qni_call_options options = {.tools = tools, .reasoning_open = open};
    for (size_t i = 0; qni_tool_format_at(i) != NULL; i++) {
        const qni_tool_format *f = qni_tool_format_at(i);
        options.format = strcmp(f->name, format) == 0 ? f : options.format;
    }
    for (size_t i = 0; reasoning != NULL && qni_reasoning_format_at(i) != NULL; i++) {
        const qni_reasoning_format *f = qni_reasoning_format_at(i);
        options.reasoning = strcmp(f->name, reasoning) == 0 ? f : options.reasoning;
    }
    assert_true(format[0] == '\0' || options.format != NULL);
    assert_true(reasoning == NULL || options.reasoning != NULL);
    for (uint32_t way = 0; way < 12; way++) {
        record r;
        size_t step = way == 0   ? strlen(text) + 1
                      : way == 2 ? strlen(text) / 2 + 1
                      : way < 4  ? 1
                                 : 0;
        read_in_pieces(&options, text, step, way, &r);
        const char *got = r.line.data != NULL ? r.line.data : "";
        if (strcmp(got, want) != 0) {
            fail_msg("%s, way %u, %s\n gives %s\n  not  %s", format, way, text, got, want);
        }
        qni_buf_end(&r.line);
    }
    json_decref(tools);
}

static void test_json_calls(void **state)
{
    (void)state;
    expect("hermes", NULL, false,
           "Hi <tool_call>\n{\"name\": \"f\", \"arguments\": {\"t\": \"a}\\\"</tool_call>\"}}\n"
           "</tool_call>\n<tool_call>{\"arguments\":{ },\"name\":\"g\"}</tool_call> bye ",
           "|c:Hi|+0f|a:{\"t\": \"a}\\\"</tool_call>\"}|.|+1g|a:{ }|.|c: \n bye");
    // no arguments, arguments as a string, other keys
    expect("hermes", NULL, false, "<tool_call>{\"id\": [1, {\"name\": 2}], \"name\": \"g\"}",
           "|+0g|a:{}|.");
    expect("hermes", NULL, false,
           "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"t\\\": \\\"\\u00e9\\ud83d\\ude00"
           "\\\\n\\\"}\"}</tool_call>",
           "|+0f|a:{\"t\": \"\xC3\xA9\xF0\x9F\x98\x80\\n\"}|.");
    expect("granite", NULL, false,
           "<|tool_call|>[{\"name\": \"f\", \"arguments\": {\"n\": 1}}, {\"name\": \"g\", "
           "\"arguments\": {}}]",
           "|+0f|a:{\"n\": 1}|.|+1g|a:{}|.");
    expect("nemotron", NULL, false,
           "<TOOLCALL>[{\"name\": \"f\", \"arguments\": {\"n\": 1}}]</TOOLCALL>",
           "|+0f|a:{\"n\": 1}|.");
    expect("apertus", NULL, false,
           "<|tools_prefix|>[{\"f\": {\"n\": 1}}, {\"g\": {}}]<|tools_suffix|>",
           "|+0f|a:{\"n\": 1}|.|+1g|a:{}|.");
    expect("cohere", NULL, false,
           "<|START_ACTION|>[\n {\"tool_call_id\": \"0\", \"tool_name\": \"f\", \"parameters\": "
           "{\"n\": 1}}\n]<|END_ACTION|>",
           "|+0f|a:{\"n\": 1}|.");
}

static void test_bare_calls(void **state)
{
    (void)state;
    expect("llama3", NULL, false, "{\"name\": \"f\", \"parameters\": {\"n\": 1}}",
           "|+0f|a:{\"n\": 1}|.");
    expect("llama3", NULL, false, "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"n\": 1}}",
           "|+0f|a:{\"n\": 1}|.");
    // JSON that names no tool, has no parameters, or does not come first
    const char *const others[] = {"{\"name\": \"Anna\", \"parameters\": {}}",
                                  "{\"name\": \"f\"}",
                                  "{\"a\": 1}",
                                  "A {\"name\": \"f\", \"parameters\": {}}",
                                  "{",
                                  "{\"name\": \"f\", \"parameters\": 3}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char want[100];
        snprintf(want, sizeof want, "|c:%s", others[i]);
        expect("llama3", NULL, false, others[i], want);
    }
}

static void test_tagged_calls(void **state)
{
    (void)state;
    const char *const both = "|+0f|a:{\"t\": \"a\\n</b>\\\"\", \"n\": 3, \"o\": {\"x\": [1]}}|."
                             "|+1g|a:{}|.";
    expect("qwen3_coder", NULL, false,
           "<tool_call>\n<function=f>\n<parameter=t>\na\n</b>\"\n</parameter>\n<parameter=n>\n3\n"
           "</parameter>\n<parameter=o>\n{\"x\": [1]}\n</parameter>\n</function>\n</tool_call>\n"
           "<tool_call>\n<function=g>\n</function>\n</tool_call>",
           both);
    expect("seed", NULL, false,
           "<seed:tool_call>\n<function=f>\n<parameter=t>a\n</b>\"</parameter>\n<parameter=n>3"
           "</parameter>\n<parameter=o>{\"x\": [1]}</parameter>\n</function>\n</seed:tool_call>"
           "<seed:tool_call><function=g></function></seed:tool_call>",
           both);
    expect("minimax_m2", NULL, false,
           "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"t\">a\n</b>\"</parameter>\n"
           "<parameter name=\"n\">3</parameter>\n<parameter name=\"o\">{\"x\": [1]}</parameter>\n"
           "</invoke>\n<invoke name=\"g\"></invoke></minimax:tool_call>",
           both);
    expect("minimax_m3", NULL, false,
           "]<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name=\"f\">]<]minimax[>[<t>a\n</b>\""
           "]<]minimax[>[</t>]<]minimax[>[<n>3]<]minimax[>[</n>]<]minimax[>[<o>{\"x\": [1]}"
           "]<]minimax[>[</o>]<]minimax[>[</invoke>\n]<]minimax[>[<invoke name=\"g\">"
           "]<]minimax[>[</invoke>\n]<]minimax[>[</tool_call>",
           both);
    expect("glm", NULL, false,
           "<tool_call>f\n<arg_key>t</arg_key>\n<arg_value>a\n</b>\"</arg_value>\n<arg_key>n"
           "</arg_key>\n<arg_value>3</arg_value>\n<arg_key>o</arg_key><arg_value>{\"x\": [1]}"
           "</arg_value></tool_call>\n<tool_call>g</tool_call>",
           both);
    expect("deepseek_v32", NULL, false,
           "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"t\" "
           "string=\"true\">a\n</b>\"</｜DSML｜parameter>\n<｜DSML｜parameter name=\"n\" "
           "string=\"false\">3</｜DSML｜parameter>\n<｜DSML｜parameter name=\"o\" string=\"false\">"
           "{\"x\": [1]}</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n"
           "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
           both);
}

static void test_calls_around_objects(void **state)
{
    (void)state;
    const char *const both = "|+0f|a:{\"n\": 1}|.|+1g|a:{}|.";
    expect(
        "kimi_k2", NULL, false,
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>"
        "{\"n\": 1}<|tool_call_end|><|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>"
        "{}<|tool_call_end|><|tool_calls_section_end|>",
        both);
    expect("mistral_v11", NULL, false, "[TOOL_CALLS]f[ARGS]{\"n\": 1}[TOOL_CALLS]g[ARGS]{}", both);
    expect(
        "deepseek_v3", NULL, false,
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"n\": 1}\n"
        "```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{}\n"
        "```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        both);
    expect("deepseek_v31", NULL, false,
           "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"n\": 1}<｜tool▁call▁end｜>"
           "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
           both);
    expect("lfm2", NULL, false, "<|tool_call_start|>[f(n=1), g()]<|tool_call_end|>", both);
}

// Values whose schema is not known, and such as are not what it says.
static void test_values_of_tags(void **state)
{
    (void)state;
    expect("seed", NULL, false,
           "<seed:tool_call><function=h><parameter=a>[1, tr</parameter><parameter=b>True"
           "</parameter><parameter=c>{\"x\": 1}</parameter><parameter=d>3 days</parameter>"
           "<parameter=e>None</parameter><parameter=f>Nonet</parameter></function>"
           "</seed:tool_call>",
           "|+0h|a:{\"a\": \"[1, tr\", \"b\": true, \"c\": {\"x\": 1}, \"d\": \"3 days\", \"e\": "
           "null, \"f\": \"Nonet\"}|.");
    expect("seed", NULL, false,
           "<seed:tool_call><function=f><parameter=n>three</parameter><parameter=t>3</parameter>"
           "</function></seed:tool_call>",
           "|+0f|a:{\"n\": \"three\", \"t\": \"3\"}|.");
    // an object that is none, after it was begun; a key that comes twice
    expect("seed", NULL, false,
           "<seed:tool_call><function=f><parameter=o>{\"x\" 1}</parameter></function>"
           "</seed:tool_call>",
           "|+0f|a:{\"o\": {\"x\" |!|c:<seed:tool_call><function=f><parameter=o>{\"x\" 1}"
           "</parameter></function></seed:tool_call>");
    expect("seed", NULL, false,
           "<seed:tool_call><function=f><parameter=t>1</parameter>"
           "<parameter=t>",
           "|+0f|a:{\"t\": \"1\"|!|c:<seed:tool_call><function=f><parameter=t>1</parameter>"
           "<parameter=t>");
}

static void test_what_is_no_call(void **state)
{
    (void)state;
    expect("hermes", NULL, false, "a <tool_cal <tool_call> b <tool_call>",
           "|c:a <tool_cal <tool_call> b <tool_call>");
    expect("hermes", NULL, false, "<tool_call>[]</tool_call>", "|c:<tool_call>[]</tool_call>");
    expect("hermes", NULL, false, "<tool_call>{\"name\": \"f\", \"arguments\": {\"n\": 1, }}",
           "|+0f|a:{\"n\": 1, |!|c:<tool_call>{\"name\": \"f\", \"arguments\": {\"n\": 1, }}");
    // a begin inside of what failed is one
    expect("hermes", NULL, false, "<tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>",
           "|c:<tool_call>|+0g|a:{}|.");
    // the calls before it stay; numbers are not used again
    expect("granite", NULL, false,
           "<|tool_call|>[{\"name\": \"f\", \"arguments\": {}}, {\"name\": \"g\", \"arguments\": "
           "{1<|tool_call|>[{\"name\": \"g\"}]",
           "|+0f|a:{}|.|+1g|a:{|!|c:, {\"name\": \"g\", \"arguments\": {1|+2g|a:{}|.");
    expect("glm", NULL, false, "<tool_call>foo bar", "|c:<tool_call>foo bar");
    expect("", NULL, false, "<tool_call> a \n", "|c:<tool_call> a");
    expect("hermes", NULL, false, "", "");
}

static void test_reasoning(void **state)
{
    (void)state;
    expect("hermes", "think", false,
           "<think>\nWell, <tool_call>{\"name\": \"f\"}</tool_call>\n</think>\n\nYes <think>",
           "|r:Well, <tool_call>{\"name\": \"f\"}</tool_call>|c:Yes <think>");
    expect("hermes", "think", true, " Well </thinking \n </think>\n<tool_call>{\"name\": \"f\"}",
           "|r:Well </thinking|+0f|a:{}|.");
    expect("hermes", "think", true, "cut of", "|r:cut of");
    expect("hermes", "think", false, "</think>Yes", "|c:Yes");
    expect("llama3", "think", false, "<think></think>{\"name\": \"g\", \"parameters\": {}}",
           "|+0g|a:{}|.");
    expect("", "mistral", false, "[THINK]a[/THINK]b", "|r:a|c:b");
    // Words between the parts of an answer are none of it, and a call has two forms.
    expect("harmony", "harmony", false,
           "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary "
           "to=functions.f <|constrain|>json<|message|>{\"n\": 1}<|call|>",
           "|r:a|+0f|a:{\"n\": 1}|.");
    expect("harmony", "harmony", false,
           " to=functions.f<|channel|>commentary json<|message|>{\"n\": 1}<|call|>",
           "|+0f|a:{\"n\": 1}|.");
    expect("harmony", "harmony", false,
           "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b "
           "<|channel<|return|>",
           "|r:a|c:b <|channel");
    expect("", "seed", false, "<seed:think>a</seed:think>b", "|r:a|c:b");
    expect("", "cohere", false, "<|START_THINKING|>a<|END_THINKING|>b", "|r:a|c:b");
    const qni_reasoning_format *think = qni_reasoning_format_find("'<think>' </think>");
    assert_string_equal(think->name, "think");
    assert_null(qni_reasoning_format_find("<think> alone"));
    assert_true(qni_reasoning_is_open(think, "a<think>\n", 9));
    assert_false(qni_reasoning_is_open(think, "<think>\n\n</think>\n\n", 19));
    assert_false(qni_reasoning_is_open(NULL, "<think>", 7));
}

// What is certain comes at once, and no more than what may begin something is held back.
static void test_as_soon_as_possible(void **state)
{
    static const struct {
        const char *text, *line; // what has come when the text has
    } steps[] = {
        {"Hello <too", "|c:Hello"},
        {"ls> <tool_call>\n{\"name\": \"f\"", "|c:Hello <tools>"},
        {", \"arguments\": {\"t\": \"ab", "|c:Hello <tools>|+0f|a:{\"t\": \"ab"},
        {"cd", "|c:Hello <tools>|+0f|a:{\"t\": \"abcd"},
        {"\"}", "|c:Hello <tools>|+0f|a:{\"t\": \"abcd\"}"},
        {"}", "|c:Hello <tools>|+0f|a:{\"t\": \"abcd\"}|."},
    };
    qni_call_options options = {.format = qni_tool_format_find("<tool_call>")};
    qni_call_stream *stream;
    qn_error err;
    record r;
    (void)state;
    begin(&r);
    assert_int_equal(qni_call_stream_create(&options, take, &r, &stream, &err), QN_OK);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(qni_call_stream_push(stream, steps[i].text, strlen(steps[i].text), &err),
                         QN_OK);
        assert_string_equal(r.line.data, steps[i].line);
    }
    qni_call_stream_free(stream);
    qni_buf_end(&r.line);
}

static void test_receiver_ends_it(void **state)
{
    qni_call_options options = {.format = qni_tool_format_find("<tool_call>")};
    qni_call_stream *stream;
    qn_error err;
    record r;
    (void)state;
    begin(&r);
    r.stop_after = 1;
    assert_int_equal(qni_call_stream_create(&options, take, &r, &stream, &err), QN_OK);
    assert_int_equal(qni_call_stream_push(stream, "one", 3, &err), QN_OK);
    assert_int_equal(qni_call_stream_push(stream, "two", 3, &err), QN_OK);
    assert_int_equal(qni_call_stream_flush(stream, &err), QN_OK);
    assert_string_equal(r.line.data, "|c:one");
    qni_call_stream_free(stream);
    qni_buf_end(&r.line);
}

static qn_status parse_all(void *context, qn_error *err)
{
    const qni_call_options *options = context;
    static const char text[] = "Hi <|tool_call_start|>[f(t=\"a\", o={}), f(n=";
    json_t *message = NULL;
    qn_status status = qni_tool_calls_parse(options, text, sizeof text - 1, &message, err);
    if (status == QN_OK) {
        assert_string_equal(json_string_value(json_object_get(message, "content")), "Hi , f(n=");
        assert_int_equal(json_array_size(json_object_get(message, "tool_calls")), 1);
    }
    json_decref(message);
    return status;
}

static void test_memory(void **state)
{
    const qni_call_options options = {.format = qni_tool_format_find("<|tool_list_start|>")};
    (void)state;
    assert_true(torture(parse_all, (void *)(uintptr_t)&options) > 5);
}

// An answer made of begins is read in a time that grows with its length.
static void test_many_begins(void **state)
{
    enum { N = 200000 };
    static const char piece[] = "<tool_call>{\"name\":\"";
    qni_call_options options = {.format = qni_tool_format_find("<tool_call>")};
    qni_buf text;
    qn_error err;
    json_t *message;
    (void)state;
    qni_buf_begin(&text, SIZE_MAX, "SIZE_MAX");
    assert_int_equal(qni_buf_add_text(&text, "<tool_call>{\"name\":\"", &err), QN_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(qni_buf_add(&text, piece, 11, &err), QN_OK);
    }
    assert_int_equal(qni_tool_calls_parse(&options, text.data, text.size, &message, &err), QN_OK);
    const json_t *content = json_object_get(message, "content");
    assert_int_equal(json_string_length(content), text.size);
    assert_memory_equal(json_string_value(content), text.data, text.size);
    json_decref(message);
    qni_buf_end(&text);
}

static void test_json_scan(void **state)
{
    static const char *const good[] = {"0",
                                       "-1.5e+3",
                                       "\"a\\u00e9\\n\"",
                                       "[]",
                                       "{}",
                                       "null",
                                       "[1, {\"a\": [true, false]}, \"\"]",
                                       " {\"a\":-0}"};
    static const char *const bad[] = {
        "01", "1.", "-",       "\"\n\"",      "[1,]", "{\"a\":1,}", "{a:1}", "nul1",
        "[}", "{]", "\"\\x\"", "\"\\u12g4\"", "+1",   "1e",         "[1 2]", "{\"a\" 1}",
        "",   "\"", "["};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool want = i < sizeof good / sizeof *good;
        const char *text = want ? good[i] : bad[i - sizeof good / sizeof *good];
        qni_json_scan scan = {0};
        bool fine = true;
        for (const char *at = text; *at != '\0' && fine; at++) {
            qni_scan_result r = qni_json_scan_byte(&scan, (unsigned char)*at);
            fine = r == QNI_SCAN_MORE || (r == QNI_SCAN_DONE && at[1] == '\0');
        }
        if ((fine && qni_json_scan_is_whole(&scan)) != want) {
            fail_msg("%s", text);
        }
    }
    qni_json_scan scan = {0};
    for (int i = 0; i < QNI_MAX_JSON_DEPTH; i++) {
        assert_int_equal(qni_json_scan_byte(&scan, '['), QNI_SCAN_MORE);
    }
    assert_int_equal(qni_json_scan_byte(&scan, '['), QNI_SCAN_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_calls),       cmocka_unit_test(test_bare_calls),
        cmocka_unit_test(test_tagged_calls),     cmocka_unit_test(test_calls_around_objects),
        cmocka_unit_test(test_values_of_tags),   cmocka_unit_test(test_what_is_no_call),
        cmocka_unit_test(test_reasoning),        cmocka_unit_test(test_as_soon_as_possible),
        cmocka_unit_test(test_receiver_ends_it), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_many_begins),      cmocka_unit_test(test_json_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
