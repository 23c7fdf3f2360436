// What an image gives back is the tokenizer that it was made of, for every kind of part; what is no
// image of the file as it is now is left alone.
#include "text/tokenizer_image.h"

#include "base/alloc.h"

#include "tests/temporary.h"
#include "tests/torture.h"

#include <string.h>

enum { WORDS = 20000 }; // so many that the file is worth an image

typedef struct kind {
    const char *name;
    const char *head;    // of the file, up to the words of the vocabulary
    const char *word[3]; // around each word and its number
    const char *tail;
} kind;

static const kind kinds[] = {
    {"bytes",
     "{\"added_tokens\":[{\"id\":30000,\"content\":\"<|end|>\",\"special\":true},{\"id\":30001,"
     "\"content\":\"mask\",\"lstrip\":true,\"normalized\":true}],"
     "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":"
     "\"Replace\",\"pattern\":{\"Regex\":\"(x)\\\\1+\"},\"content\":\"z\"},{\"type\":\"Prepend\","
     "\"prepend\":\"w\"}]},"
     "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{"
     "\"Regex\":\"\\\\s?\\\\p{L}+|\\\\p{N}{1,3}|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":"
     "\"Isolated\","
     "\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
     "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
     "\"<|end|>\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{"
     "\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],"
     "\"special_tokens\":{\"<|end|>\":{\"id\":\"<|end|>\",\"ids\":[30000],\"tokens\":[\"<|end|>\"]}"
     "}},\"decoder\":{\"type\":\"ByteLevel\"},"
     "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1,\"b\":2,\"ab\":3,\"\\u0120\":4,\"\\u0120ab\":"
     "5,"
     "\"w\":6,\"wa\":7,\"1\":8,\"2\":9,\"z\":10",
     {",\"w", "\":", ""},
     "},\"merges\":[\"a b\",\"\\u0120 ab\",\"w a\"]}}"},
    {"unigram",
     "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"\"},"
     "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":"
     "\"always\",\"split\":true},"
     "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{"
     "\"String\":\"\\u2581\"},\"content\":\" \"},{\"type\":\"Fuse\"},{\"type\":\"Strip\","
     "\"content\":\" \",\"start\":1,\"stop\":0}]},"
     "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\"\\u2581\",-1],"
     "[\"a\",-2],[\"ab\",-2.5],[\"b\",-3],[\"1\",-3]",
     {",[\"w", "\",-", ".5]"},
     "]}}"},
    {"wordpiece",
     "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":"
     "true,\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":"
     "\"BertPreTokenizer\"},\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}"
     ","
     "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":"
     "\"##\",\"max_input_chars_per_word\":100,\"vocab\":{\"[UNK]\":0,\"a\":1,\"##b\":2,\"##1\":3,"
     "\"w\":4",
     {",\"w", "\":", ""},
     "}}}"},
};

typedef struct fixture {
    char folder[TEMPORARY_PATH];
    char file[TEMPORARY_PATH + 32];
} fixture;

static void begin(fixture *f, const kind *k)
{
    qn_error err;
    qni_buf text;
    temporary_begin(f->folder);
    snprintf(f->file, sizeof f->file, "%s/tokenizer.json", f->folder);
    char cache[TEMPORARY_PATH + 32];
    snprintf(cache, sizeof cache, "%s/cache", f->folder);
    setenv("QUINCE_CACHE", cache, 1);
    qni_buf_begin(&text, 16 << 20, "a tokenizer");
    assert_int_equal(qni_buf_add_text(&text, k->head, &err), QN_OK);
    for (int i = 0; i < WORDS; i++) {
        const char *const *w = k->word;
        assert_int_equal(qni_buf_printf(&text, &err, "%s%05d%s%d%s", w[0], i, w[1], i + 100, w[2]),
                         QN_OK);
    }
    assert_int_equal(qni_buf_add_text(&text, k->tail, &err), QN_OK);
    assert_int_equal(qni_file_write(f->file, text.data, text.size, &err), QN_OK);
    qni_buf_end(&text);
}

static qni_tokenizer *open_one(const fixture *f)
{
    qn_error err;
    qni_tokenizer *t;
    qn_status status = qni_tokenizer_open(f->file, &t, &err);
    if (status != QN_OK) {
        fail_msg("%s", err.message);
    }
    return t;
}

// Opens the file, and leaves an image of it though it is fresh.
static qni_tokenizer *open_and_store(const fixture *f, char **path)
{
    qn_error err;
    qni_tokenizer_stamp stamp;
    qni_tokenizer *t = open_one(f);
    assert_null(t->image);
    assert_int_equal(qni_tokenizer_stamp_take(f->file, f->folder, false, &stamp, &err), QN_OK);
    if (stamp.fresh) {                             // on a busy machine it is not any more
        assert_false(qni_file_exists(stamp.path)); // opening left none
    }
    stamp.fresh = false;
    qni_tokenizer_image_store(&stamp, t);
    assert_true(qni_file_exists(stamp.path));
    *path = qni_strdup(stamp.path);
    qni_tokenizer_stamp_end(&stamp);
    return t;
}

static const char sample[] = "ab w00012 ab<|end|> Ab mask 12\t\xE6\x97\xA5 xxx w19999ab \xCC\x81";

static void assert_same(const qni_tokenizer *a, const qni_tokenizer *b)
{
    qn_error err;
    for (int way = 0; way < 8; way++) {
        qni_encode_options o = {.add_special_tokens = way & 1,
                                .offsets = (way & 2) != 0,
                                .plain_special = (way & 4) != 0};
        qni_ids x = {0}, y = {0};
        size_t n = sizeof sample - 1, n_x, n_y;
        char *text_x, *text_y;
        assert_int_equal(qni_tokenizer_encode(a, sample, n, &o, &x, &err), QN_OK);
        assert_int_equal(qni_tokenizer_encode(b, sample, n, &o, &y, &err), QN_OK);
        assert_int_equal(x.n, y.n);
        assert_true(x.n > 5);
        assert_memory_equal(x.ids, y.ids, x.n * sizeof *x.ids);
        if (o.offsets) {
            assert_memory_equal(x.spans, y.spans, x.n * sizeof *x.spans);
        }
        assert_int_equal(qni_tokenizer_decode(a, x.ids, x.n, NULL, &text_x, &n_x, &err), QN_OK);
        assert_int_equal(qni_tokenizer_decode(b, y.ids, y.n, NULL, &text_y, &n_y, &err), QN_OK);
        assert_int_equal(n_x, n_y);
        assert_memory_equal(text_x, text_y, n_x);
        qni_free(text_x);
        qni_free(text_y);
        qni_ids_end(&x);
        qni_ids_end(&y);
    }
}

static void test_image_is_the_tokenizer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        fixture f;
        char *path;
        begin(&f, &kinds[i]);
        qni_tokenizer *t = open_and_store(&f, &path), *again = open_one(&f);
        assert_non_null(again->image);
        assert_same(t, again);
        qni_tokenizer_close(t);
        assert_same(again, again); // nothing of the first one is in it
        qni_tokenizer_close(again);
        qni_free(path);
        temporary_end(f.folder);
    }
}

static void test_damaged_or_missing_image_does_not_matter(void **state)
{
    (void)state;
    fixture f;
    char *path, *bytes;
    size_t n;
    qn_error err;
    begin(&f, &kinds[0]);
    qni_tokenizer *t = open_and_store(&f, &path);
    assert_int_equal(qni_file_read(path, 64 << 20, &bytes, &n, &err), QN_OK);
    for (size_t i = 0; i < 12; i++) {
        size_t size = i % 3 == 0 ? n * i / 12 : n; // some are cut off
        bytes[n * i / 12] ^= 0x10;
        assert_int_equal(qni_file_write(path, bytes, size, &err), QN_OK);
        bytes[n * i / 12] ^= 0x10;
        qni_tokenizer *other = open_one(&f);
        assert_null(other->image);
        assert_same(t, other);
        qni_tokenizer_close(other);
    }
    qni_free(bytes);
    qni_free(path);
    qni_tokenizer_close(t);
    temporary_end(f.folder);
}

static void test_changed_files_make_another_one(void **state)
{
    (void)state;
    fixture f;
    char *path, config[TEMPORARY_PATH + 40];
    qn_error err;
    begin(&f, &kinds[0]);
    qni_tokenizer_close(open_and_store(&f, &path));
    qni_tokenizer *t = open_one(&f);
    assert_non_null(t->image);
    assert_int_equal(qni_tokenizer_bos(t), -1);
    qni_tokenizer_close(t);
    snprintf(config, sizeof config, "%s/tokenizer_config.json", f.folder);
    static const char text[] = "{\"bos_token\": \"<|end|>\"}";
    assert_int_equal(qni_file_write(config, text, sizeof text - 1, &err), QN_OK);
    t = open_one(&f);
    assert_null(t->image);
    assert_int_equal(qni_tokenizer_bos(t), qni_tokenizer_find(t, "<|end|>", 7));
    qni_tokenizer_close(t);
    qni_free(path);
    temporary_end(f.folder);
}

static qn_status open_and_close(void *context, qn_error *err)
{
    qni_tokenizer *t;
    QNI_TRY(qni_tokenizer_open(context, &t, err));
    bool mapped = t->image != NULL;
    qni_tokenizer_close(t);
    assert_true(mapped);
    return QN_OK;
}

static void test_running_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        fixture f;
        char *path;
        begin(&f, &kinds[i]);
        qni_tokenizer_close(open_and_store(&f, &path));
        assert_true(torture(open_and_close, f.file) > 10);
        qni_free(path);
        temporary_end(f.folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_is_the_tokenizer),
        cmocka_unit_test(test_damaged_or_missing_image_does_not_matter),
        cmocka_unit_test(test_changed_files_make_another_one),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
