#include "base/alloc.h"
#include "grammar/matcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// A vocabulary with all single bytes, pieces of JSON that cross its structure, cut characters and a
// stop token.
static const char *const pieces[] = {
    "\",",
    "\":",
    "\": ",
    "\":\"",
    "\"}",
    "\"},",
    "\",\"",
    "\", \"",
    "{\"",
    "[{\"",
    "}}",
    "]}",
    "],[",
    "[\"",
    "\"]",
    "true",
    "fals",
    "null,",
    " \"",
    "\n  ",
    "  ",
    "\\\"",
    "\\u00",
    "\\u0061",
    "\\ud83d\\udc32",
    "abc",
    "abcdefgh",
    "foo\":",
    "bar\": 1",
    "b\":\"",
    "cc",
    "12",
    "345",
    "0.5",
    "e1",
    "e-",
    "1,",
    "2]",
    "}",
    "x\\",
    "x\\n",
    "abc_b",
    "\\n\",",
    "\xC3\xA9",
    "\xF0\x9F\x90\xB2",
    "\xE6\x97",
    "\xA5\"",
    "a\xE6",
    "\\u006",
    "name",
    "_1",
    " ",
    "\t",
    "a\"",
    "a\":",
    "ab\"",
    "c\", \"a\"",
    "<f>",
    "</f>",
    "\"a\": [1, 1",
    "1, 1",
    "{}",
    "[]",
    "{},",
    "-",
    "1e",
    "9}",
    "<",
    "/f",
    "\xE2\x80",
    "\xE2\x80\xA8x",
    "\xC2\xA0",
    "a\xC2\xA0",
    "\xE3\x80\x80",
    "http",
    "http:",
    "://",
    "Ab9",
    "abc\xC3\xA9/",
    "\",\"\",\"",
    "a\",\"b\"",
    "\\\"\",\"a\",\"",
    "b\",\"b\",\"b",
};
enum {
    N_PIECES = sizeof pieces / sizeof *pieces,
    N_TOKENS = 256 + N_PIECES + 1,
    STOP = N_TOKENS - 1,
    N_WORDS = (N_TOKENS + 31) / 32
};

static qn_status make_vocabulary(bool bytes_alone, qni_vocabulary **out)
{
    char bytes[8192];
    uint32_t offsets[N_TOKENS + 1] = {0};
    uint8_t special[N_TOKENS] = {0}; // those are never allowed
    uint32_t n = 0, stop = STOP;
    memset(special + 256, bytes_alone, N_TOKENS - 256);
    for (uint32_t i = 0; i < N_TOKENS; i++) {
        if (i < 256) {
            bytes[n++] = (char)i;
        } else if (i != STOP) {
            size_t size = strlen(pieces[i - 256]);
            memcpy(bytes + n, pieces[i - 256], size);
            n += (uint32_t)size;
        }
        offsets[i + 1] = n;
    }
    return qni_vocabulary_create(N_TOKENS, bytes, offsets, special, &stop, 1, out, NULL);
}

static qni_engine *make_engine(qni_language language, const char *text)
{
    char *copy = qni_strdup(text);
    qni_source source = {.language = language, .text = copy, .size = strlen(copy), .json = {64}};
    qni_engine *e = NULL;
    qn_error err = {0};
    if (qni_engine_create(&source, &e, &err) != QN_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    qni_free(copy);
    return e;
}

static const struct {
    qni_language language;
    const char *text;
} grammars[] = {
    {QNI_LANGUAGE_JSON_SCHEMA, "{}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"object\",\"properties\":{\"abc\":{\"type\":\"string\"},\"abd\":{\"type\":"
     "\"integer\",\"maximum\":120},\"a\":{\"maxLength\":3}},\"required\":[\"abc\"]}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"object\",\"properties\":{\"foo\":{\"enum\":[\"abc\",\"abcdefgh\",12]},\"bar\":{}}"
     ",\"additionalProperties\":false,\"minProperties\":1}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"object\",\"patternProperties\":{\"^a\":{\"type\":\"integer\"},\"c$\":{"
     "\"minimum\":3}},\"additionalProperties\":{\"type\":\"boolean\"}}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[a-c]{1,2}$"
                               "\"},\"minProperties\":2,\"maxProperties\":3}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"anyOf\":[{\"enum\":[1,\"a\",true]},{"
     "\"type\":\"object\",\"maxProperties\":1}]},\"minItems\":2}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"items\":{\"pattern\":\"^a/.+$\",\"type\":\"string\"},"
                               "\"minItems\":2,\"type\":\"array\"}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"items\":{\"pattern\":\"https?://\",\"type\":\"string\"},"
                               "\"minItems\":2,\"type\":\"array\"}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"items\":{\"pattern\":\"^\\\\S[^/b]*$\",\"type\":\"string\"},"
                               "\"minItems\":2,\"type\":\"array\"}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"items\":{\"format\":\"uri\",\"type\":\"string\"},"
                               "\"minItems\":2,\"type\":\"array\",\"uniqueItems\":true}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"items\":{\"pattern\":\"^(\\\\w|\xE6\x97\xA5)+$\",\"type\":"
                               "\"string\",\"minLength\":2,\"maxLength\":5},\"type\":\"array\"}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"oneOf\":[{\"properties\":{\"a\":{\"const\":\"c\"},\"b\":{\"type\":\"string\"}},"
     "\"required\":[\"a\",\"b\"]},{\"properties\":{\"a\":{\"pattern\":\"^ab\"},\"b\":{\"type\":"
     "\"number\"}},\"required\":[\"a\",\"b\"]}],\"type\":\"object\"}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":[\"number\",\"array\"],\"multipleOf\":0.5,"
                               "\"exclusiveMinimum\":-12,\"contains\":{\"type\":\"string\"}}"},
    {QNI_LANGUAGE_LARK, "start: \"<f>\" args \"</f>\" start | \"x\"\nargs: %json "
                        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"name\":"
                        "{\"type\":\"integer\",\"minimum\":12}},\"additionalProperties\":false}"},
    {QNI_LANGUAGE_TAGS, "{\"free\":true,\"tags\":[{\"begin\":\"<f>\",\"schema\":{\"type\":"
                        "\"array\",\"items\":{\"maximum\":12}},\"end\":\"</f>\"}]}"},
    {QNI_LANGUAGE_GBNF,
     "root ::= \"[\" (root (\",\" root)*)? \"]\" | [0-9a-c]+ | \"\\\"\" [^\"\\\\]* \"\\\"\""},
    {QNI_LANGUAGE_REGEX, "(abc|12|\\s)*(true|[\xC3\xA9\xE6\x97\xA5])?x"},
    // counters that a token exhausts, and ones that none does
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"items\":{\"type\":\"string\",\"pattern\":\"^([a-c]{1,2}_?){0,30}$\",\"maxLength\":90}}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"string\",\"pattern\":\"^(\\\\S+\\\\s+){0,9}\\\\S+$\",\"maxLength\":5000}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"items\":{\"oneOf\":[{\"type\":\"string\",\"pattern\":\"^[a-h]{3,14}$\"},{\"const\":"
     "\"abc1\"},{\"minLength\":20}]}}"},
    {QNI_LANGUAGE_REGEX, "([a-c]{1,70}|[a-h ]{9,12})x{0,20}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"items\":{\"type\":\"string\",\"pattern\":\"^[^@\\\\s]+@[^@]+("
                               "\\\\.[^@]*)*.c\",\"minLength\":5,"
                               "\"maxLength\":90}}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"items\":{\"type\":\"string\",\"pattern\":\"^[a-c]+(_[a-c]+)*$\",\"minLength\":7,"
     "\"maxLength\":12}}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"items\":{\"type\":\"string\",\"pattern\":\"^([a-z/]|%[0-9A-F]{2})*$\"}}"},
    // bytes of which only the number counts, then others; some of them have to be escaped
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"items\":{\"type\":\"string\",\"pattern\":\"^([a-z]{4}[0-9,]?[a-c]|[0-9]{3}-)$\"}}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"items\":{\"type\":\"string\",\"pattern\":\"^[a-z]{3}[ab_]*$\"}}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"string\",\"pattern\":\"^[ -~]{5}-$\"}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"items\":{\"type\":\"string\",\"anyOf\":[{\"format\":"
                               "\"hostname\"},{\"format\":\"ipv4\"},{\"format\":\"ipv6\"}]}}"},
    // items that differ: alike ones, ones that run out, and ones that the place or others bind
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"type\":\"string\"},\"minItems\":3}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"uniqueItems\":true,\"maxItems\":4,\"items\":{\"type\":[\"string\","
     "\"integer\"],\"pattern\":\"^[ab\\\"]*$\",\"maximum\":12}}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"enum\":[\"\",\"a\",\"b\",\"abc\"]}}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"array\",\"uniqueItems\":true,\"prefixItems\":[{"
                               "\"type\":\"string\"},{\"enum\":[\"a\","
                               "\"b\"]},{\"enum\":[\"a\",\"b\"]}],\"minItems\":3}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"type\":"
                               "\"string\"},\"contains\":{\"enum\":"
                               "[\"a\",\"b\"]},\"minContains\":2,\"maxItems\":3}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"uniqueItems\":true,\"minItems\":2,\"items\":{\"type\":\"array\","
     "\"uniqueItems\":true,\"items\":{\"type\":\"string\"},\"maxItems\":2}}"},
    // items of which two must be equal, and that may not be as they like before that
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"not\":{\"uniqueItems\":true},\"prefixItems\":[{},"
     "{\"maxLength\":1}],\"maxItems\":2}"},
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"array\",\"not\":{\"uniqueItems\":true},\"prefixItems\":"
                               "[{\"maxItems\":1},{\"enum\":[\"a\","
                               "\"ab\"]},{\"minimum\":2}],\"maxItems\":3}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"array\",\"anyOf\":[{\"not\":{\"uniqueItems\":true},\"prefixItems\":[{},{\"enum\":"
     "[\"a\","
     "\"ab\"]}],\"maxItems\":2},{\"minItems\":2,\"uniqueItems\":true,\"items\":{\"const\":1}}]}"},
    // an upper count beside a lower one that cannot be met
    {QNI_LANGUAGE_JSON_SCHEMA, "{\"uniqueItems\":true,\"contains\":{\"const\":2},\"minContains\":2,"
                               "\"maxContains\":2}"},
    // keys with escapes in what has been written
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"object\",\"properties\":{\"\\\"abc\":{\"type\":\"integer\"},\"\\\"a\":{}},"
     "\"additionalProperties\":{\"type\":\"boolean\"},\"minProperties\":2}"},
    {QNI_LANGUAGE_JSON_SCHEMA,
     "{\"type\":\"object\",\"patternProperties\":{\"^\\\"a\":{\"type\":\"integer\"},\"c$\":{"
     "\"minimum\":3}},\"additionalProperties\":{\"type\":\"boolean\"},\"minProperties\":2}"},
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// One of the allowed tokens; N_TOKENS when there is none. Bytes that grow without end are taken
// less often.
static uint32_t pick(const uint32_t *mask, uint32_t *seed)
{
    uint32_t allowed[N_TOKENS], n = 0;
    for (uint32_t i = 0; i < N_TOKENS; i++) {
        if (mask[i / 32] >> i % 32 & 1) {
            allowed[n++] = i;
        }
    }
    return n == 0 ? N_TOKENS : allowed[next_random(seed) % n];
}

static void assert_fine(qn_status status, const qn_error *err)
{
    if (status != QN_OK) {
        fail_msg("%s", err->message);
    }
}

// Random outputs: at every step the mask is what walking the vocabulary gives, a matcher that was
// rolled back or copied agrees with a fresh one, and the output can always be completed.
static void test_masks_mean_what_they_say(void **state)
{
    qni_vocabulary *v;
    assert_int_equal(make_vocabulary(false, &v), QN_OK);
    uint32_t seed = 1;
    for (size_t g = 0; g < sizeof grammars / sizeof *grammars; g++) {
        qni_engine *e = make_engine(grammars[g].language, grammars[g].text);
        for (int round = 0; round < 12; round++) {
            qni_matcher m, copy;
            qn_error err = {0};
            assert_int_equal(qni_matcher_begin(&m, e, v, NULL), QN_OK);
            for (int step = 0; step < 40; step++) {
                uint32_t mask[N_WORDS], walked[N_WORDS];
                size_t taken;
                assert_fine(qni_matcher_mask(&m, mask, &err), &err);
                assert_fine(qni_matcher_mask_by_walk(&m, walked, &err), &err);
                for (uint32_t i = 0; i < N_TOKENS; i++) {
                    if ((mask[i / 32] ^ walked[i / 32]) >> i % 32 & 1) {
                        fail_msg("%s\nafter '%.*s': token %u '%s' in %s only", grammars[g].text,
                                 (int)m.text.size, m.text.data, i,
                                 i >= 256 && i != STOP ? pieces[i - 256] : "byte",
                                 mask[i / 32] >> i % 32 & 1 ? "the mask" : "the walk");
                    }
                }
                uint32_t token = pick(mask, &seed);
                if (token == N_TOKENS) {
                    fail_msg("%s: dead end after '%.*s'", grammars[g].text, (int)m.text.size,
                             m.text.data);
                }
                assert_fine(qni_matcher_consume(&m, &token, 1, &taken, &err), &err);
                assert_int_equal(taken, 1);
                if (token == STOP) {
                    break;
                }
                if (step % 7 == 6) { // there and back again
                    assert_int_equal(qni_matcher_copy(&copy, &m, NULL), QN_OK);
                    assert_int_equal(qni_matcher_rollback(&m, 3, NULL), QN_OK);
                    uint32_t again[N_WORDS];
                    assert_fine(qni_matcher_mask(&m, again, &err), &err);
                    assert_fine(qni_matcher_mask_by_walk(&m, walked, &err), &err);
                    assert_memory_equal(again, walked, sizeof walked);
                    qni_matcher_end(&m);
                    m = copy;
                }
            }
            char rest[400];
            size_t size;
            bool can = false, taken;
            if (!m.marks[m.n_marks - 1].ended) {
                qn_status status = qni_matcher_shortest(&m, rest, sizeof rest, &size, &err);
                if (status != QN_OK) {
                    fail_msg("%s: after '%.*s': %s", grammars[g].text, (int)m.text.size,
                             m.text.data, err.message);
                }
                assert_fine(qni_matcher_consume_text(&m, rest, size, &taken, &err), &err);
                assert_true(taken);
            }
            assert_fine(qni_matcher_can_end(&m, &can, &err), &err);
            assert_true(can);
            qni_matcher_end(&m);
        }
        qni_engine_free(e);
    }
    qni_vocabulary_free(v);
    (void)state;
}

// A key that has been written may not come again, whatever tokens there are to close it.
static void test_keys_do_not_repeat(void **state)
{
    static const char *const texts[] = {"{\"a\":1,\"a", "{\"\":1,\"", "{\"ab\":1,\"a\\u0062"};
    for (size_t i = 0; i < 2 * sizeof texts / sizeof *texts; i++) {
        const char *text = texts[i / 2];
        qni_vocabulary *v;
        qni_matcher m;
        uint32_t mask[N_WORDS];
        bool taken;
        assert_int_equal(make_vocabulary(i % 2 == 0, &v), QN_OK);
        qni_engine *e = make_engine(QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"object\"}");
        assert_int_equal(qni_matcher_begin(&m, e, v, NULL), QN_OK);
        assert_int_equal(qni_matcher_consume_text(&m, text, strlen(text), &taken, NULL), QN_OK);
        assert_true(taken);
        assert_int_equal(qni_matcher_mask(&m, mask, NULL), QN_OK);
        assert_int_equal(mask['"' / 32] >> '"' % 32 & 1, 0);
        assert_int_equal(mask['c' / 32] >> 'c' % 32 & 1, 1);
        qni_matcher_end(&m);
        qni_engine_free(e);
        qni_vocabulary_free(v);
    }
    (void)state;
}

static void test_forced_text(void **state)
{
    qni_vocabulary *v;
    assert_int_equal(make_vocabulary(false, &v), QN_OK);
    qni_engine *e = make_engine(QNI_LANGUAGE_JSON_SCHEMA, "{\"const\":\"caf\xC3\xA9\"}");
    qni_matcher m;
    char text[64];
    size_t size;
    bool taken;
    assert_int_equal(qni_matcher_begin(&m, e, v, NULL), QN_OK);
    assert_int_equal(qni_matcher_forced(&m, text, sizeof text, &size, NULL), QN_OK);
    assert_int_equal(size, 1); // then each character may be written as an escape
    assert_memory_equal(text, "\"", 1);
    qni_matcher_end(&m);
    qni_engine_free(e);

    e = make_engine(QNI_LANGUAGE_REGEX, "abc\xE6\x97\xA5(x|y)z");
    assert_int_equal(qni_matcher_begin(&m, e, v, NULL), QN_OK);
    assert_int_equal(qni_matcher_forced(&m, text, sizeof text, &size, NULL), QN_OK);
    assert_int_equal(size, 6);
    assert_int_equal(qni_matcher_forced(&m, text, 5, &size, NULL), QN_OK);
    assert_int_equal(size, 3); // no character is cut
    assert_int_equal(qni_matcher_consume_text(&m, "abc\xE6\x97\xA5x", 7, &taken, NULL), QN_OK);
    assert_true(taken);
    assert_int_equal(qni_matcher_forced(&m, text, sizeof text, &size, NULL), QN_OK);
    assert_int_equal(size, 1);
    qni_matcher_end(&m);
    qni_engine_free(e);
    qni_vocabulary_free(v);
    (void)state;
}

// When the tables are emptied, matchers read their text again and go on as before.
static void test_epochs(void **state)
{
    qni_vocabulary *v;
    assert_int_equal(make_vocabulary(false, &v), QN_OK);
    qni_engine *e = make_engine(QNI_LANGUAGE_JSON_SCHEMA, grammars[5].text);
    qni_matcher m;
    uint32_t before[N_WORDS], after[N_WORDS];
    bool taken;
    assert_int_equal(qni_matcher_begin(&m, e, v, NULL), QN_OK);
    assert_int_equal(qni_matcher_consume_text(&m, "[1, \"a\", ", 9, &taken, NULL), QN_OK);
    assert_true(taken);
    assert_int_equal(qni_matcher_mask(&m, before, NULL), QN_OK);
    uint64_t epoch = e->epoch;
    e->account.used_bytes = e->account.limit_bytes; // as if they were full
    assert_int_equal(qni_matcher_mask(&m, after, NULL), QN_OK);
    assert_true(e->epoch > epoch);
    assert_memory_equal(before, after, sizeof after);
    qni_matcher_end(&m);
    qni_engine_free(e);
    qni_vocabulary_free(v);
    (void)state;
}

static void test_stop_and_rollback(void **state)
{
    qni_vocabulary *v;
    assert_int_equal(make_vocabulary(false, &v), QN_OK);
    qni_engine *e = make_engine(QNI_LANGUAGE_JSON_SCHEMA, "{\"type\":\"boolean\"}");
    qni_matcher m;
    uint32_t tokens[] = {'t', 'r', 'u', 'e', STOP, 't'}, mask[N_WORDS];
    size_t taken;
    qn_error err = {0};
    assert_int_equal(qni_matcher_begin(&m, e, v, NULL), QN_OK);
    assert_int_equal(qni_matcher_consume(&m, tokens, 6, &taken, NULL), QN_OK);
    assert_int_equal(taken, 5);
    assert_int_equal(qni_matcher_mask(&m, mask, NULL), QN_OK);
    for (size_t i = 0; i < N_WORDS; i++) {
        assert_int_equal(mask[i], 0); // nothing follows the end
    }
    assert_int_equal(qni_matcher_rollback(&m, 6, &err), QN_INVALID_ARGUMENT);
    assert_int_equal(qni_matcher_rollback(&m, 5, NULL), QN_OK);
    assert_int_equal(qni_matcher_consume(&m, tokens + 4, 1, &taken, NULL), QN_OK);
    assert_int_equal(taken, 0); // too early to stop
    tokens[0] = N_TOKENS + 5;
    assert_int_equal(qni_matcher_consume(&m, tokens, 1, &taken, NULL), QN_OK);
    assert_int_equal(taken, 0);
    qni_matcher_end(&m);
    qni_engine_free(e);
    qni_vocabulary_free(v);
    (void)state;
}

static qn_status use_everything(qni_vocabulary **v, qni_engine **e, qni_matcher *m)
{
    uint32_t mask[N_WORDS];
    bool taken;
    size_t size;
    char text[64];
    QNI_TRY(make_vocabulary(false, v));
    char *copy = qni_strdup(grammars[5].text);
    if (copy == NULL) {
        return QN_OUT_OF_MEMORY;
    }
    qni_source source = {.text = copy, .size = strlen(copy), .json = {64}};
    qn_status status = qni_engine_create(&source, e, NULL);
    qni_free(copy);
    QNI_TRY(status);
    QNI_TRY(qni_matcher_begin(m, *e, *v, NULL));
    QNI_TRY(qni_matcher_mask(m, mask, NULL));
    QNI_TRY(qni_matcher_consume_text(m, "[{\"a", 4, &taken, NULL));
    QNI_TRY(qni_matcher_mask(m, mask, NULL));
    return qni_matcher_shortest(m, text, sizeof text, &size, NULL);
}

static void test_out_of_memory(void **state)
{
    for (uint64_t n = 1;; n += n < 300 ? 1 : 7) {
        qni_vocabulary *v = NULL;
        qni_engine *e = NULL;
        qni_matcher m = {0};
        qni_alloc_fail_after(n);
        qn_status status = use_everything(&v, &e, &m);
        qni_alloc_fail_after(0);
        qni_matcher_end(&m);
        qni_engine_free(e);
        qni_vocabulary_free(v);
        if (status == QN_OK) {
            break;
        }
        assert_int_equal(status, QN_OUT_OF_MEMORY);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_mean_what_they_say),
        cmocka_unit_test(test_keys_do_not_repeat),
        cmocka_unit_test(test_forced_text),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_stop_and_rollback),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
