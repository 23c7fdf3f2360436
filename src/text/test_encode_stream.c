// Encoding in parts gives what encoding the whole gives, however the text is cut: ids, offsets, and
// at each place what would follow if the text ended there.
#include "text/encode_stream.h"

#include "base/alloc.h"
#include "base/limits.h"

#include "tests/temporary.h"
#include "tests/random.h"
#include "tests/torture.h"

#include <string.h>

#define BYTE_LEVEL(pattern, normalizer)                                                          \
    "{\"added_tokens\":[{\"id\":50,\"content\":\"<|end|>\",\"special\":true},{\"id\":51,"        \
    "\"content\":\"mask\",\"lstrip\":true,\"rstrip\":true},{\"id\":52,\"content\":\"b "          \
    "a\",\"normalized\":false},{\"id\":53,\"content\":\"a \\u3002\",\"normalized\":true}],"      \
    "\"normalizer\":" normalizer ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[" \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" pattern "\"},\"behavior\":\"Isolated\","     \
    "\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}"  \
    "]},\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"     \
    "\"id\":\"<|end|>\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{"           \
    "\"SpecialToken\":{\"id\":\"<|end|>\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{"     \
    "\"<|end|>\":{\"id\":\"<|end|>\",\"ids\":[50],\"tokens\":[\"<|end|>\"]}}},\"decoder\":{"     \
    "\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1,\"b\":2,\"ab\":3,"   \
    "\"\\u0120\":4,\"\\u0120ab\":5,\"\\u00ef\":6,\"\\u00bc\":7,\"\\u013b\":8,\"\\u00e3\":9,"     \
    "\"\\u0122\":10,\"\\u0124\":11,\"\\u010a\":12,\"\\u00cc\":13,\"\\u0123\":14,\".\":15,"       \
    "\"\\u00bd\":16,\"\\u00bf\":17,\"1\":18,\"'\":19,\"s\":20,\".\\u010a\":21,"                  \
    "\"\\u0120\\u0120\":22},\"merges\":[\"a b\",\"\\u0120 ab\",\". \\u010a\",\"\\u0120 "         \
    "\\u0120\"]}}"

#define MARKED(model)                                                                            \
    "{\"added_tokens\":[{\"id\":0,\"content\":\"<|end|>\",\"special\":true}],\"normalizer\":{"   \
    "\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"},{"    \
    "\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}]},"            \
    "\"pre_tokenizer\":null,\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":"         \
    "\"Replace\",\"pattern\":{\"String\":\"\\u2581\"},\"content\":\" \"},{\"type\":\"Fuse\"}]}," \
    "\"model\":" model "}"

typedef struct kind {
    const char *name, *file;
    size_t most_kept; // bytes of a sample that are kept back, at most
} kind;

static const kind kinds[] = {
    {"as GPT-2 and Llama 3 cut",
     BYTE_LEVEL(
         "'s|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]"
         "+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+",
         "null"),
     2000},
    {"with a normal form", BYTE_LEVEL("\\\\s?\\\\p{L}+|\\\\s+|.", "{\"type\":\"NFC\"}"), 2000},
    {"by the library", BYTE_LEVEL("(a)\\\\1|\\\\s+|[^\\\\s]", "{\"type\":\"NFC\"}"), 9000},
    {"marks and byte fallback",
     MARKED(
         "{\"type\":\"BPE\",\"unk_token\":\"<|end|>\",\"fuse_unk\":true,\"vocab\":{\"<|end|>\":0,"
         "\"\\u2581\":1,\"a\":2,\"b\":3,\"\\u2581a\":4,\"ab\":5,\"\\u2581\\u2581\":6,\"\\n\":7,"
         "\"1\":8,\"\\u2581ab\":9},\"merges\":[\"\\u2581 a\",\"a b\",\"\\u2581 ab\",\"\\u2581 "
         "\\u2581\"]}"),
     2000},
    {"Unigram over whole passages",
     MARKED(
         "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<|end|>\",0],[\"\\u2581\",-1.3],[\"a\","
         "-2.1],[\"\\u2581a\",-2.7],[\"ab\",-2.9],[\"b\",-3.7],[\"aba\",-3.9],[\"1\",-3]]}"),
     2000},
    {"Unigram over words",
     "{\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
     "\"WhitespaceSplit\"},{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":"
     "\"always\",\"split\":true}]},\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>"
     "\",0],"
     "[\"\\u2581\",-1.3],[\"a\",-2.1],[\"\\u2581a\",-2.7],[\"ab\",-2.9],[\"b\",-3.7],[\"aba\",-3.9]"
     ","
     "[\"1\",-3]]}}",
     2000},
    {"WordPiece",
     "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":"
     "true,"
     "\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
     "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":"
     "\"##\",\"max_input_chars_per_word\":100,\"vocab\":{\"[UNK]\":0,\"a\":1,\"##b\":2,\"##1\":3,"
     "\"b\":4,\"##a\":5,\".\":6}}}",
     2000},
};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static qni_tokenizer *open_kind(const kind *k)
{
    char folder[TEMPORARY_PATH], file[TEMPORARY_PATH + 32];
    qn_error err;
    qni_tokenizer *t = NULL;
    temporary_begin(folder);
    snprintf(file, sizeof file, "%s/tokenizer.json", folder);
    assert_int_equal(qni_file_write(file, k->file, strlen(k->file), &err), QN_OK);
    if (qni_tokenizer_open(file, &t, &err) != QN_OK) {
        fail_msg("%s: %s", k->name, err.message);
    }
    temporary_end(folder);
    return t;
}

// ---- Texts

// A text of bits that touch each other in all ways.
static size_t write_sample(char *to, size_t most)
{
    static const char *const bits[] = {"a",
                                       "b",
                                       "ab",
                                       " ",
                                       " ",
                                       "  ",
                                       "\n",
                                       "1",
                                       ".",
                                       "'s",
                                       "mask",
                                       "b a",
                                       "aaa",
                                       "\xCC\x81",
                                       "\xE3\x80\x82",
                                       "\xEF\xBC\x8C",
                                       "\xFF",
                                       "\xE3\x80",
                                       "\t",
                                       "\r\n",
                                       "<|end|>",
                                       "\xE2\x96\x81",
                                       "\xC2\xA0",
                                       "<|en"};
    size_t n = 0;
    for (const char *bit; n + 8 < most; n += strlen(bit)) {
        bit = bits[below(sizeof bits / sizeof bits[0])];
        memcpy(to + n, bit, strlen(bit));
    }
    return n;
}

static void assert_same(const kind *k, const qni_ids *whole, const qni_ids *parts, bool offsets)
{
    size_t n = whole->n < parts->n ? whole->n : parts->n;
    for (size_t i = 0; i < n; i++) {
        bool same = whole->ids[i] == parts->ids[i] &&
                    (!offsets || (whole->spans[i].begin == parts->spans[i].begin &&
                                  whole->spans[i].end == parts->spans[i].end));
        if (!same) {
            fail_msg("%s: token %zu is %d, not %d", k->name, i, parts->ids[i], whole->ids[i]);
        }
    }
    assert_int_equal(whole->n, parts->n);
}

static void encode_whole(const qni_tokenizer *t, const char *text, size_t n,
                         const qni_encode_options *o, qni_ids *out)
{
    qn_error err;
    out->n = 0;
    assert_int_equal(qni_tokenizer_encode(t, text, n, o, out, &err), QN_OK);
}

static void copy_ids(qni_ids *to, const qni_ids *from)
{
    *to = *from;
    to->ids = qni_alloc_array(from->capacity + 1, sizeof *to->ids);
    to->spans = from->spans != NULL ? qni_alloc_array(from->spans_capacity + 1, sizeof *to->spans)
                                    : NULL;
    if (from->n > 0) {
        memcpy(to->ids, from->ids, from->n * sizeof *to->ids);
    }
    if (to->spans != NULL) {
        memcpy(to->spans, from->spans, from->n * sizeof *to->spans);
    }
}

// Pushes a text in parts of up to `most` bytes and compares; some parts are followed by a look at
// the end.
static void check_parts(const kind *k, qni_encode_stream *s, const char *text, size_t n,
                        size_t most)
{
    qn_error err;
    qni_ids whole = {0}, parts = {0};
    const qni_encode_options o = s->options;
    for (size_t at = 0; at < n;) {
        size_t more = 1 + below(most < n - at ? most : n - at);
        assert_int_equal(qni_encode_stream_push(s, text + at, more, &parts, &err), QN_OK);
        at += more;
        if (below(8) == 0) {
            qni_ids both;
            copy_ids(&both, &parts);
            assert_int_equal(qni_encode_stream_peek(s, &both, &err), QN_OK);
            encode_whole(s->tokenizer, text, at, &o, &whole);
            assert_same(k, &whole, &both, o.offsets);
            qni_ids_end(&both);
        }
        assert_true(s->n <= k->most_kept);
    }
    assert_int_equal(qni_encode_stream_flush(s, &parts, &err), QN_OK);
    encode_whole(s->tokenizer, text, n, &o, &whole);
    assert_same(k, &whole, &parts, o.offsets);
    qni_ids_end(&whole);
    qni_ids_end(&parts);
}

static void test_parts_give_what_the_whole_gives(void **state)
{
    (void)state;
    enum { MOST = 8000, RUNS = 16 };
    qn_error err;
    static char text[MOST];
    for (size_t i = 0; i < N_KINDS; i++) {
        qni_tokenizer *t = open_kind(&kinds[i]);
        for (int run = 0; run < RUNS; run++) {
            random_state = (uint64_t)(run + 1);
            qni_encode_options o = {.offsets = run & 1,
                                    .add_special_tokens = (run & 2) != 0,
                                    .plain_special = (run & 4) != 0};
            qni_encode_stream s;
            assert_int_equal(qni_encode_stream_begin(&s, t, &o, &err), QN_OK);
            size_t n = write_sample(text, MOST);
            check_parts(&kinds[i], &s, text, n, 700);
            check_parts(&kinds[i], &s, text, n, n); // it is at its beginning again
            qni_encode_stream_end(&s);
        }
        qni_tokenizer_close(t);
    }
}

// Offsets go another way through the tokenizer than ids alone do.
static void test_offsets_change_no_id(void **state)
{
    (void)state;
    enum { MOST = 500, RUNS = 200 };
    static char text[MOST];
    for (size_t i = 0; i < N_KINDS; i++) {
        qni_tokenizer *t = open_kind(&kinds[i]);
        qni_ids with = {0}, without = {0};
        for (int run = 0; run < RUNS; run++) {
            random_state = (uint64_t)(run + 100);
            size_t n = write_sample(text, (size_t)(run % MOST + 1));
            encode_whole(t, text, n, &(qni_encode_options){.offsets = true}, &with);
            encode_whole(t, text, n, &(qni_encode_options){0}, &without);
            assert_same(&kinds[i], &with, &without, false);
        }
        qni_ids_end(&with);
        qni_ids_end(&without);
        qni_tokenizer_close(t);
    }
}

static void test_first_tokens_of_a_long_text(void **state)
{
    (void)state;
    enum { MOST = 60000 };
    static char text[MOST];
    random_state = 3;
    size_t n = write_sample(text, MOST);
    for (size_t i = 0; i < N_KINDS; i++) {
        qni_tokenizer *t = open_kind(&kinds[i]);
        for (int way = 0; way < 4; way++) {
            static const size_t numbers[] = {1, 7, 5000, MOST};
            qni_ids all = {0}, some = {0};
            qni_encode_options o = {.offsets = way & 1, .add_special_tokens = (way & 2) != 0};
            encode_whole(t, text, n, &o, &all);
            for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
                o.max_tokens = numbers[k];
                encode_whole(t, text, n, &o, &some);
                size_t kept = all.n;
                all.n = kept < numbers[k] ? kept : numbers[k];
                assert_same(&kinds[i], &all, &some, o.offsets);
                size_t count;
                qn_error err;
                assert_int_equal(qni_tokenizer_count(t, text, n, &o, &count, &err), QN_OK);
                assert_int_equal(count, all.n);
                all.n = kept;
            }
            qni_ids_end(&all);
            qni_ids_end(&some);
        }
        qni_tokenizer_close(t);
    }
}

static void test_nothing_and_little(void **state)
{
    (void)state;
    qn_error err;
    const qni_encode_options o = {.add_special_tokens = true};
    for (size_t i = 0; i < N_KINDS; i++) {
        qni_tokenizer *t = open_kind(&kinds[i]);
        qni_encode_stream s;
        qni_ids whole = {0}, parts = {0};
        assert_int_equal(qni_encode_stream_begin(&s, t, &o, &err), QN_OK);
        for (int n = 0; n < 2; n++) {
            parts.n = 0;
            assert_int_equal(qni_encode_stream_flush(&s, &parts, &err), QN_OK);
            encode_whole(t, "", 0, &o, &whole);
            assert_same(&kinds[i], &whole, &parts, false);
        }
        qni_ids_end(&whole);
        qni_ids_end(&parts);
        qni_encode_stream_end(&s);
        qni_tokenizer_close(t);
    }
}

// Without a space in the text, the ends of added tokens do.
static void test_added_tokens_cut_too(void **state)
{
    (void)state;
    enum { SIZE = 1 << 16 };
    qn_error err;
    char *text = qni_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        text[i] = "<|end|>aaaaaaaaaaaaaaaaaaaaaaaab"[i % 32];
    }
    qni_tokenizer *t = open_kind(&kinds[2]);
    qni_encode_stream s;
    qni_ids whole = {0}, parts = {0};
    const qni_encode_options o = {.offsets = true};
    assert_int_equal(qni_encode_stream_begin(&s, t, &o, &err), QN_OK);
    assert_int_equal(qni_encode_stream_push(&s, text, SIZE / 2, &parts, &err), QN_OK);
    assert_true(parts.n > 1000);
    assert_true(s.n < 200);
    assert_int_equal(qni_encode_stream_push(&s, text + SIZE / 2, SIZE / 2, &parts, &err), QN_OK);
    assert_int_equal(qni_encode_stream_flush(&s, &parts, &err), QN_OK);
    encode_whole(t, text, SIZE, &o, &whole);
    assert_same(&kinds[2], &whole, &parts, true);
    qni_ids_end(&whole);
    qni_ids_end(&parts);
    qni_encode_stream_end(&s);
    qni_tokenizer_close(t);
    qni_free(text);
}

static void test_what_cannot_be_cut_ends_at_a_limit(void **state)
{
    (void)state;
    enum { PART = 1 << 20 };
    qn_error err;
    qn_status status = QN_OK;
    char *text = qni_alloc(PART);
    memset(text, 'a', PART);
    qni_tokenizer *t = open_kind(&kinds[0]);
    qni_encode_stream s;
    qni_ids out = {0};
    assert_int_equal(qni_encode_stream_begin(&s, t, &(qni_encode_options){0}, &err), QN_OK);
    assert_int_equal(qni_encode_stream_push(&s, "a b", 3, &out, &err), QN_OK);
    for (size_t i = 0; i < QNI_MAX_UNSPLIT_BYTES / PART + 1 && status == QN_OK; i++) {
        status = qni_encode_stream_push(&s, text, PART, &out, &err);
    }
    assert_int_equal(status, QN_LIMIT_EXCEEDED);
    assert_non_null(strstr(err.message, "QNI_MAX_UNSPLIT_BYTES"));
    // it goes on with a new text
    out.n = 0;
    assert_int_equal(qni_encode_stream_push(&s, "ab", 2, &out, &err), QN_OK);
    assert_int_equal(qni_encode_stream_flush(&s, &out, &err), QN_OK);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.ids[0], 3);
    qni_ids_end(&out);
    qni_encode_stream_end(&s);
    qni_tokenizer_close(t);
    qni_free(text);
}

static void test_options_that_need_the_whole_text(void **state)
{
    (void)state;
    qn_error err;
    qni_encode_stream s;
    qni_tokenizer *t = open_kind(&kinds[0]);
    const qni_encode_options refused[] = {
        {.truncate = true}, {.pad = true}, {.pair = "a", .n_pair = 1}, {.max_tokens = 3}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(qni_encode_stream_begin(&s, t, &refused[i], &err), QN_UNSUPPORTED);
        assert_non_null(strstr(err.message, "needs the whole text"));
        qni_encode_stream_end(&s);
    }
    qni_tokenizer_close(t);
}

static qn_status push_all(void *context, qn_error *err)
{
    static char text[3000];
    random_state = 5;
    size_t n = write_sample(text, sizeof text);
    qni_encode_stream s;
    qni_ids out = {0};
    const qni_encode_options o = {.offsets = true, .add_special_tokens = true};
    qn_status status = qni_encode_stream_begin(&s, context, &o, err);
    for (size_t at = 0; at < n && status == QN_OK; at += 1000) {
        size_t before = out.n;
        status = qni_encode_stream_push(&s, text + at, n - at < 1000 ? n - at : 1000, &out, err);
        assert_true(status == QN_OK || out.n == before);
    }
    status = status == QN_OK ? qni_encode_stream_flush(&s, &out, err) : status;
    qni_encode_stream_end(&s);
    qni_ids_end(&out);
    return status;
}

static void test_running_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        // the pool of contexts keeps what a run has allocated, so each has a tokenizer of its own
        qni_tokenizer *t = open_kind(&kinds[i]);
        assert_true(torture(push_all, t) > 3);
        qni_tokenizer_close(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_give_what_the_whole_gives),
        cmocka_unit_test(test_offsets_change_no_id),
        cmocka_unit_test(test_first_tokens_of_a_long_text),
        cmocka_unit_test(test_nothing_and_little),
        cmocka_unit_test(test_added_tokens_cut_too),
        cmocka_unit_test(test_what_cannot_be_cut_ends_at_a_limit),
        cmocka_unit_test(test_options_that_need_the_whole_text),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
