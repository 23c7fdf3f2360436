// What the harnesses beside jinja2 cannot see: errors and their places, limits, and failing
// allocations.
#include "tests/torture.h"
#include "text/template.h"

#include <string.h>

static const char variables[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"hi <b>\"}, {\"role\": \"assistant\", "
    "\"reasoning\": \"r\", \"content\": \" Once \"}], \"rows\": [{\"n\": \"b\", \"v\": 2}, "
    "{\"n\": \"A\", \"v\": 1.5}], \"x\": 3}";

static qn_status render(const char *source, const char *given, const qni_template_limits *limits,
                        char text[4096], qn_error *err)
{
    json_t *json = json_loads(given, 0, NULL);
    qni_template *t = NULL;
    qni_buf out;
    text[0] = '\0';
    if (json == NULL) { // its memory is ours too
        return qni_fail_memory(err);
    }
    qni_buf_begin(&out, 1 << 20, "the output of a test");
    qn_status status = qni_template_parse(source, strlen(source), "t", &t, err);
    status = status == QN_OK ? qni_template_render(t, json, limits, 0, &out, err) : status;
    if (status == QN_OK && out.size > 0) {
        snprintf(text, 4096, "%s", out.data);
    }
    qni_buf_end(&out);
    qni_template_free(t);
    json_decref(json);
    return status;
}

static void expect(const char *source, const char *wanted)
{
    char text[4096];
    qn_error err = {.status = QN_OK};
    if (render(source, variables, NULL, text, &err) != QN_OK) {
        fail_msg("%s: %s", source, err.message);
    }
    assert_string_equal(text, wanted);
}

static void expect_error(const char *source, qn_status status, const char *part)
{
    char text[4096];
    qn_error err = {.status = QN_OK};
    assert_int_equal(render(source, variables, NULL, text, &err), status);
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, err.message);
    }
}

static void test_errors_point_at_line_and_column(void **state)
{
    (void)state;
    expect_error("a\n{{ x.", QN_INVALID_MODEL, "line 2, column 6");
    expect_error("{% if x %}\n  {{ 1 +* 2 }}{% endif %}", QN_INVALID_MODEL, "line 2, column 9");
    expect_error("{{ x | nosuch }}", QN_INVALID_MODEL, "no filter named nosuch");
    expect_error("{% for i in x %}", QN_INVALID_MODEL, "line 1, column 17");
    expect_error("é{{ missing.member }}", QN_INVALID_ARGUMENT, "line 1, column 12: missing is");
    expect_error("\n\n{{ 1 // 0 }}", QN_INVALID_ARGUMENT, "line 3, column 4: a division by zero");
    expect_error("{{ raise_exception('no ' ~ x) }}", QN_INVALID_ARGUMENT, "no 3");
    expect_error("{{ [1]|random }}", QN_INVALID_ARGUMENT, "the filter random");
    expect_error("{{ [1]|sort(reverse='x') }}", QN_INVALID_ARGUMENT, "reverse is a text");
    expect_error("{{ lipsum() }}", QN_INVALID_ARGUMENT, "the function lipsum");
    expect_error("{% set n = namespace(_a=1) %}", QN_INVALID_ARGUMENT, "_a");
}

static void test_limits_end_what_would_take_too_long(void **state)
{
    (void)state;
    const qni_template_limits small = {.steps = 200000, .output_bytes = 1 << 20};
    static const char *const sources[] = {
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}{{ ('&' * 9999)|forceescape|length }}{% endfor %}",
        "{% for i in range(9999) %}{{ ('a' * 99999).rfind('b') }}{% endfor %}",
        "{{ ('a' * 999999).strip('b' * 999999 ~ 'a') }}",
        "{% for i in range(9999) %}{{ ('a' * 99999)|wordcount }}{% endfor %}",
        "{% set n = namespace(v=()) %}{% for i in range(60) %}{% set n.v = (n.v, n.v) %}"
        "{% endfor %}{{ {n.v: 1} }}",
        "{% set n = namespace(v=()) %}{% for i in range(9999) %}{% set n.v = (n.v,) %}"
        "{% endfor %}{{ {n.v: 1} }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'a' * 9999999 }}",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        char text[4096];
        qn_error err = {.status = QN_OK};
        assert_int_equal(render(sources[i], variables, &small, text, &err), QN_LIMIT_EXCEEDED);
    }
}

static void test_values_are_as_in_python(void **state)
{
    (void)state;
    expect("{{ {1: 'a', 1.0: 'b', true: 'c'} }}", "{1: 'c'}");
    expect("{{ {((1, 2), 'x'): 5}[((1.0, 2), 'x')] }}", "5");
    expect("{{ cycler(4, 5).current }}{{ 7.bit_count() }}{{ (-2).conjugate() }}", "43-2");
    expect("{{ 2.7|int(0, 'x') }}{{ 'a'|tojson(indent=[]) }}", "2\"a\"");
    expect("{{ '{0[a]} {}'.format({'a': 1}) }}", "1 {'a': 1}");
    expect("{{ dict.fromkeys(['a', 'b'], 0) }}", "{'a': 0, 'b': 0}");
    expect("{{ '{:c}{:4c}'.format(65, 233) }}", "A   \xC3\xA9");
    expect("{{ 'Stra\xC3\x9F"
           "e \xC7\x85'.casefold() }}",
           "strasse \xC7\x86");
    expect_error("{{ '%5%' % 1 }}", QN_INVALID_ARGUMENT, "not known");
}

static void test_methods_of_safe_texts_give_safe_texts(void **state)
{
    (void)state;
    expect("{{ ['<x>'|safe|upper, ('a,b'|safe).split(',')] }}",
           "[Markup('<X>'), [Markup('a'), Markup('b')]]");
    expect("{{ ('a'|safe).replace('a', '<') }}{{ '<a>'|safe|replace('a', '<') }}", "&lt;<<>");
    expect("{{ '<&>'|e }}{{ '<&>'|e|e }}{{ '<'|e|forceescape }}",
           "&lt;&amp;&gt;&lt;&amp;&gt;&amp;lt;");
}

static void test_what_is_formatted_into_safe_texts_is_escaped(void **state)
{
    (void)state;
    expect("{{ ('%s|%5s|%r'|safe) % ('<', '>'|safe, '&') }}", "&lt;|    >|&#39;&amp;&#39;");
    expect("{{ ('{}{:>4}{!r}{}'|safe).format('<', 1.5, 'a', '&'|safe) }}", "&lt; 1.5&#39;a&#39;&");
    expect("{{ ('<%s>'|safe)|format('<')|e }}", "<&lt;>");
    expect_error("{{ ('%x'|safe) % 1 }}", QN_INVALID_ARGUMENT, "%x in a safe text");
}

// As Python's pprint and textwrap have them.
static void test_text_in_lines(void **state)
{
    (void)state;
    expect(
        "{{ {'b': [1, 'x' * 70], 'a': {'k': none}, 'text': 'the quick brown fox jumps over the "
        "lazy dog and then it goes on for a while'}|pprint }}",
        "{'a': {'k': None},\n 'b': [1,\n       "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],\n 'text': 'the "
        "quick brown fox jumps over the lazy dog and then it goes on for '\n         'a while'}");
    expect("{{ ('word ' * 20)|pprint }}",
           "('word word word word word word word word word word word word word word word '\n 'word "
           "word word word word ')");
    expect("{{ ''|pprint }}{{ [[]]|pprint }}", "''[[]]");
    expect("{{ 'the quick-brown fox\njumped--over supercalifragilistic dogs'|wordwrap(10) }}",
           "the quick-\nbrown fox\njumped--\nover super\ncalifragil\nistic dogs");
    expect("{{ 'the quick-brown supercalifragilistic'|wordwrap(8, false, '|', false) }}",
           "the|quick-brown|supercalifragilistic");
    expect_error("{{ 'a'|wordwrap(0) }}", QN_INVALID_ARGUMENT, "0 columns");
}

static void expect_continued(const char *source, const char *how, const char *wanted)
{
    char given[1024], text[4096];
    qn_error err = {.status = QN_OK};
    snprintf(given, sizeof given, "{\"continue_final_message\": %s, %s", how, variables + 1);
    qn_status status = render(source, given, NULL, text, &err);
    assert_int_equal(status, wanted != NULL ? QN_OK : QN_INVALID_ARGUMENT);
    assert_string_equal(text, wanted != NULL ? wanted : "");
}

static void test_final_message_stays_open(void **state)
{
    (void)state;
    static const char plain[] = "{% for m in messages %}<{{ m.content }}>{% endfor %}";
    static const char stripped[] = "{% for m in messages %}<{{ m.content|trim }}>{% endfor %}";
    static const char thought[] = "{% for m in messages %}<{{ m.reasoning_content }}>{% endfor %}";
    expect_continued(plain, "true", "<hi <b>>< Once ");
    expect_continued(stripped, "true", "<hi <b>><Once");
    expect_continued(plain, "false", "<hi <b>>< Once >");
    expect_continued(thought, "\"thinking\"", "<><r");
    expect_continued(plain, "\"reasoning\"", NULL); // the template does not read it
    expect_continued(thought, "true", NULL);
    expect_continued("content {{ messages|length }}", "true", NULL); // does not write it
}

static qn_status rich(void *context, qn_error *err)
{
    static const char source[] =
        "{% macro m(q, i=2) %}{{ q|upper }}{{ i }}{{ caller() if caller else varargs }}{% endmacro "
        "%}"
        "{% set ns = namespace(v=[]) %}{% for r in rows|sort(attribute='n') if r.v %}"
        "{{ loop.index }}{{ r.n ~ loop.last }}{% set ns.v = ns.v + [r.v] %}{% endfor %}"
        "{% call m('a') %}{% filter title %}b c{% endfilter %}{% endcall %}{% set t %}x{% endset %}"
        "{{ rows|groupby('v')|list|length }}{{ '%5.2f|%s' % (1.5, t) }}{{ '{:>4}'.format(x) }}"
        "{{ messages|tojson(indent=1)|length }}{{ rows|map(attribute='n')|unique|join('-') }}"
        "{{ 'a b c'.split()|reverse|list }}{% with y = {'k': (1, 2)} %}{{ y.k[::-1] }}{% endwith %}"
        "{% block b %}{{ '<'|e }}{% endblock %}{{ self.b() }}{{ 'abc'[1:]|replace('b', 'd') }}"
        "{{ ([{'k': 'word ' * 20}] * 3)|pprint|wordwrap(9)|length }}";
    char text[4096];
    (void)context;
    QNI_TRY(render(source, variables, NULL, text, err));
    assert_non_null(strstr(text, "1AFalse2bTrueA2B C2 1.50|x   3"));
    assert_non_null(strstr(text, "b-A['c', 'b', 'a'](2, 1)&lt;&lt;dc"));
    return QN_OK;
}

static void test_memory_running_out(void **state)
{
    (void)state;
    assert_true(torture(rich, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_point_at_line_and_column),
        cmocka_unit_test(test_limits_end_what_would_take_too_long),
        cmocka_unit_test(test_values_are_as_in_python),
        cmocka_unit_test(test_methods_of_safe_texts_give_safe_texts),
        cmocka_unit_test(test_what_is_formatted_into_safe_texts_is_escaped),
        cmocka_unit_test(test_text_in_lines),
        cmocka_unit_test(test_final_message_stays_open),
        cmocka_unit_test(test_memory_running_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
