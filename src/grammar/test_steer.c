// An output is complete when its budget ends, whatever is chosen, if it could be when it began.
#include "grammar/steer.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const pieces[] = {"{\"",  "\":", "\",\"", "\"}", "}}", "]]", "[[",   "true",
                                     "null", "12",  "0,",    "ab",  "<c", ">{", "</c>", "key"};
enum {
    N_PIECES = sizeof pieces / sizeof *pieces,
    STOP = 128 + N_PIECES,
    N_TOKENS = STOP + 1,
    N_WORDS = (N_TOKENS + 31) / 32,
};

static qni_vocabulary *make_vocabulary(void)
{
    char bytes[512];
    uint32_t offsets[N_TOKENS + 1] = {0}, n = 0, stop = STOP;
    for (uint32_t i = 0; i < N_TOKENS; i++) {
        size_t size = i < 128 ? 1 : i == STOP ? 0 : strlen(pieces[i - 128]);
        const char one = (char)i;
        memcpy(bytes + n, i < 128 ? &one : i == STOP ? "" : pieces[i - 128], size);
        n += (uint32_t)size;
        offsets[i + 1] = n;
    }
    qni_vocabulary *v = NULL;
    assert_int_equal(qni_vocabulary_create(N_TOKENS, bytes, offsets, NULL, &stop, 1, &v, NULL),
                     QN_OK);
    return v;
}

static const struct {
    qni_language language;
    const char *source;
} grammars[] = {
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"number\"}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"object\",\"required\":[\"key\",\"ab\",\"third\"],\"properties\":{\"key\":"
     "{\"type\":\"array\",\"minItems\":4},\"opt\":{\"type\":\"object\",\"required\":[\"a\",\"b\","
     "\"c\",\"d\"],\"additionalProperties\":{\"type\":\"string\",\"minLength\":6}}}}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"uniqueItems\":true,\"minItems\":3,\"items\":{\"enum\":[1,true,null,"
     "\"ab\"]}}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}"},
    {QNI_LANGUAGE_REGEX, "(ab|12)*(true){2,9}"},
    {QNI_LANGUAGE_GBNF, "root ::= \"[[\" root? \"]]\" | [a-z]+ \"0,\""},
    {QNI_LANGUAGE_TAGS,
     "{\"tags\":[{\"begin\":\"<c>\",\"schema\":{\"type\":\"object\",\"required\":[\"key\"]},"
     "\"end\":\"</c>\"}],\"free\":true}"},
};

static uint32_t pick(const uint32_t *mask, uint32_t *seed)
{
    uint32_t allowed[N_TOKENS], n = 0;
    for (uint32_t i = 0; i < N_TOKENS; i++) {
        if ((mask[i / 32] >> i % 32 & 1) != 0 && (i != STOP || *seed % 4 == 0)) {
            allowed[n++] = i;
        }
    }
    *seed = *seed * 1664525u + 1013904223u;
    return n == 0 ? STOP : allowed[(*seed >> 8) % n];
}

static void check_walk(qni_engine *e, qni_vocabulary *v, const char *source, size_t more,
                       uint32_t seed)
{
    qni_matcher m;
    qni_steering s = {0};
    qni_ids plan = {0};
    qn_error err = {0};
    bool found = false, can = false;
    assert_int_equal(qni_matcher_begin(&m, e, v, NULL), QN_OK);
    assert_int_equal(qni_steer_plan(&s, &m, 0, &plan, &found, &err), QN_OK);
    assert_true(found);
    for (size_t budget = plan.n + more; budget > 0; budget--) {
        uint32_t mask[N_WORDS];
        assert_int_equal(qni_matcher_mask(&m, mask, &err), QN_OK);
        int32_t id = (int32_t)pick(mask, &seed);
        if (qni_steer_take(&s, &m, (int64_t)budget, &id, &err) != QN_OK) {
            fail_msg("%s: %s", source, err.message);
        }
        if (id == STOP || id < 0) {
            break;
        }
    }
    assert_int_equal(qni_matcher_can_end(&m, &can, &err), QN_OK);
    if (!can) {
        fail_msg("%s with %zu tokens more than needed, seed %u: cut to '%.*s'", source, more, seed,
                 (int)m.text.size, m.text.data);
    }
    qni_ids_end(&plan);
    qni_steering_end(&s);
    qni_matcher_end(&m);
}

static void test_budgets_are_kept(void **state)
{
    qni_vocabulary *v = make_vocabulary();
    for (size_t g = 0; g < sizeof grammars / sizeof *grammars; g++) {
        char *copy = qni_strdup(grammars[g].source);
        const qni_source from = {
            .language = grammars[g].language, .text = copy, .size = strlen(copy), .json = {64}};
        qni_engine *e = NULL;
        assert_int_equal(qni_engine_create(&from, &e, NULL), QN_OK);
        for (size_t more = 0; more < 100; more += more < 6 ? 1 : 17) {
            for (uint32_t seed = 0; seed < 5; seed++) {
                check_walk(e, v, grammars[g].source, more, seed * 2654435761u);
            }
        }
        qni_engine_free(e);
        qni_free(copy);
    }
    qni_vocabulary_free(v);
    (void)state;
}

static void test_spelling(void **state)
{
    qni_vocabulary *v = make_vocabulary();
    qni_ids ids = {0};
    bool found = false;
    const char text[] = "{\"key\":[[12,\"ab\"]]}";
    assert_int_equal(qni_vocabulary_spell(v, text, sizeof text - 1, &ids, &found, NULL), QN_OK);
    assert_true(found);
    size_t at = 0;
    for (size_t i = 0; i < ids.n; i++) {
        uint32_t from = v->offsets[ids.ids[i]], size = v->offsets[ids.ids[i] + 1] - from;
        assert_memory_equal(text + at, v->bytes + from, size);
        at += size;
    }
    assert_int_equal(at, sizeof text - 1);
    assert_int_equal(ids.n, 11); // {" key ": [[ 12 , " ab " ]] }
    assert_int_equal(qni_vocabulary_spell(v, "a\xC3\xA9", 3, &ids, &found, NULL), QN_OK);
    assert_false(found);
    qni_ids_end(&ids);
    qni_vocabulary_free(v);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budgets_are_kept),
        cmocka_unit_test(test_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
