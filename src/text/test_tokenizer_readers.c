// The readers of SentencePiece models, GGUF vocabularies, rank files and tokenizer.json, on small
// files that the tests write, and with each allocation failing in turn.
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

#include "tests/temporary.h"
#include "tests/torture.h"

#include <string.h>

// ---- Files

typedef struct file {
    char folder[TEMPORARY_PATH];
    char path[TEMPORARY_PATH + 32];
} file;

static void write_file(file *f, const char *name, const void *bytes, size_t n)
{
    qn_error err;
    temporary_begin(f->folder);
    snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
    assert_int_equal(qni_file_write(f->path, bytes, n, &err), QN_OK);
}

static void put(qni_buf *out, const void *bytes, size_t n)
{
    assert_int_equal(qni_buf_add(out, bytes, n, NULL), QN_OK);
}

static void put_byte(qni_buf *out, int byte)
{
    char c = (char)byte;
    put(out, &c, 1);
}

// A field of protobuf: a number below 128, or bytes of which there are less than 128.
static void put_number(qni_buf *out, int field, int value)
{
    if (field >= 16) {
        put_byte(out, (field << 3 & 0x7F) | 0x80);
        put_byte(out, field >> 4);
    } else {
        put_byte(out, field << 3);
    }
    put_byte(out, value);
}

static void put_field(qni_buf *out, int field, const void *bytes, size_t n)
{
    put_byte(out, field << 3 | 2);
    put_byte(out, (int)n);
    put(out, bytes, n);
}

typedef struct piece {
    const char *text;
    float score;
    int type;
} piece;

static const piece pieces[] = {
    {"<unk>", 0, 2},
    {"<s>", 0, 3},
    {"</s>", 0, 3},
    {"<user>", 0, 4},
    {"<0x41>", 0, 6},
    {"a", -3, 1},
    {"b", -3, 1},
    {"\xE2\x96\x81", -2, 1},
    {"ab", -1, 1},
    {"c", -4, 1},
    {"\xE2\x96\x81"
     "ab",
     -0.5F, 1},
};

enum { N_PIECES = sizeof pieces / sizeof pieces[0] };

// A model of `type` (1 Unigram, 2 BPE, 3 words, 4 characters); `extra` adds a field to the trainer.
static void make_model(qni_buf *out, int type, bool byte_fallback)
{
    qni_buf part;
    for (int i = 0; i < N_PIECES; i++) {
        qni_buf_begin(&part, 1000, "a piece");
        put_field(&part, 1, pieces[i].text, strlen(pieces[i].text));
        put_byte(&part, 2 << 3 | 5);
        put(&part, &pieces[i].score, 4);
        put_number(&part, 3, pieces[i].type);
        put_field(out, 1, part.data, part.size);
        qni_buf_end(&part);
    }
    qni_buf_begin(&part, 1000, "the trainer");
    put_number(&part, 3, type);
    put_number(&part, 35, byte_fallback);
    put_field(out, 2, part.data, part.size);
    qni_buf_end(&part);
}

static void write_model(file *f, int type, bool byte_fallback)
{
    qni_buf out;
    qni_buf_begin(&out, 10000, "a model");
    make_model(&out, type, byte_fallback);
    write_file(f, "tokenizer.model", out.data, out.size);
    qni_buf_end(&out);
}

// ---- What a tokenizer gives

// The ids as text, such as "7 5 ".
static qn_status encode(const qni_tokenizer *t, const char *text, char *out, size_t room,
                        qn_error *err)
{
    qni_ids ids = {0};
    out[0] = '\0';
    qn_status status = qni_tokenizer_encode(t, text, strlen(text), NULL, &ids, err);
    for (size_t i = 0, at = 0; status == QN_OK && i < ids.n; i++) {
        at += (size_t)snprintf(out + at, room - at, "%d ", ids.ids[i]);
    }
    qni_ids_end(&ids);
    return status;
}

static void check_ids(const char *path, const char *text, const char *want)
{
    qni_tokenizer *t;
    qn_error err;
    char got[400];
    assert_int_equal(qni_tokenizer_open(path, &t, &err), QN_OK);
    assert_int_equal(encode(t, text, got, sizeof got, &err), QN_OK);
    assert_string_equal(got, want);
    qni_tokenizer_close(t);
}

static void check_text(const char *path, const int32_t *ids, size_t n, const char *want)
{
    qni_tokenizer *t;
    qn_error err;
    char *text;
    size_t size;
    assert_int_equal(qni_tokenizer_open(path, &t, &err), QN_OK);
    assert_int_equal(qni_tokenizer_decode(t, ids, n, NULL, &text, &size, &err), QN_OK);
    assert_string_equal(text, want);
    qni_free(text);
    // one token after another
    qni_decode_stream stream;
    qni_buf all;
    const char *part;
    qni_buf_begin(&all, 200, "a text");
    qni_decode_stream_begin(&stream, t, NULL);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(qni_decode_stream_push(&stream, ids[i], &part, &size, &err), QN_OK);
        put(&all, part, size);
    }
    assert_int_equal(qni_decode_stream_flush(&stream, &part, &size, &err), QN_OK);
    put(&all, part, size);
    assert_string_equal(all.data, want);
    qni_buf_end(&all);
    qni_decode_stream_end(&stream);
    qni_tokenizer_close(t);
}

static void check_refused(const char *path, qn_status status, const char *said)
{
    qni_tokenizer *t;
    qn_error err;
    assert_int_equal(qni_tokenizer_open(path, &t, &err), status);
    if (strstr(err.message, said) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, said);
    }
}

static qn_status open_and_use(void *path, qn_error *err)
{
    qni_tokenizer *t;
    char got[100];
    QNI_TRY(qni_tokenizer_open(path, &t, err));
    qn_status status = encode(t, "ab", got, sizeof got, err);
    qni_tokenizer_close(t);
    return status;
}

// ---- SentencePiece

static void test_sentencepiece_types(void **state)
{
    (void)state;
    static const struct {
        int type;
        const char *text, *ids;
    } cases[] = {
        {1, "ab abc<user>c", "10 10 9 3 9 "},
        {2, "ab abc<user>c", "10 10 9 3 9 "},
        {4, "ab abc<user>c", "7 5 6 7 5 6 9 3 9 "},
        {1, "xy a", "7 0 7 5 "},
        {4, "xy a", "7 0 7 5 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file f;
        write_model(&f, cases[i].type, false);
        check_ids(f.path, cases[i].text, cases[i].ids);
        temporary_end(f.folder);
    }
    file f;
    write_model(&f, 3, false);
    check_refused(f.path, QN_UNSUPPORTED, "WORD");
    temporary_end(f.folder);
}

// Spaces in front go, and control symbols; of bytes those alone are replaced that make no
// character.
static void test_sentencepiece_decodes(void **state)
{
    (void)state;
    static const int32_t front[] = {1, 7, 7, 10, 7, 5, 2}, unknown[] = {0, 10},
                         bytes[] = {5, 4, 4, 10}, user[] = {3, 7, 3};
    file f;
    write_model(&f, 2, true);
    check_text(f.path, front, 7, "ab a");
    check_text(f.path, unknown, 2, " \xE2\x81\x87  ab");
    check_text(f.path, bytes, 4, "aAA ab");
    check_text(f.path, user, 3, "<user> <user>");
    temporary_end(f.folder);
}

static void test_sentencepiece_out_of_memory(void **state)
{
    (void)state;
    for (int type = 1; type <= 2; type++) {
        file f;
        write_model(&f, type, type == 2);
        assert_true(torture(open_and_use, f.path) > 20);
        temporary_end(f.folder);
    }
}

static void test_sentencepiece_cut_short(void **state)
{
    (void)state;
    qni_buf out;
    qni_buf_begin(&out, 10000, "a model");
    make_model(&out, 1, false);
    for (size_t n = 5; n < out.size; n++) {
        file f;
        qni_tokenizer *t = NULL;
        qn_error err;
        write_file(&f, "tokenizer.model", out.data, n);
        qn_status status = qni_tokenizer_open(f.path, &t, &err); // some ends are ends of a field
        assert_true(status == QN_OK || status == QN_INVALID_MODEL || status == QN_UNSUPPORTED);
        qni_tokenizer_close(status == QN_OK ? t : NULL);
        temporary_end(f.folder);
    }
    qni_buf_end(&out);
}

// ---- GGUF

static void put_u64(qni_buf *out, uint64_t value)
{
    put(out, &value, sizeof value);
}

static void put_text(qni_buf *out, const char *text)
{
    put_u64(out, strlen(text));
    put(out, text, strlen(text));
}

static void put_key(qni_buf *out, const char *key, uint32_t type)
{
    put_text(out, key);
    put(out, &type, sizeof type);
}

static void put_texts(qni_buf *out, const char *key, const char *const *texts, size_t n)
{
    uint32_t type = 8;
    put_key(out, key, 9);
    put(out, &type, sizeof type);
    put_u64(out, n);
    for (size_t i = 0; i < n; i++) {
        put_text(out, texts[i]);
    }
}

static void put_types(qni_buf *out, const uint32_t *types, size_t n)
{
    uint32_t type = 4;
    put_key(out, "tokenizer.ggml.token_type", 9);
    put(out, &type, sizeof type);
    put_u64(out, n);
    put(out, types, n * sizeof *types);
}

static void begin_gguf(qni_buf *out, uint64_t n_keys, const char *model)
{
    uint32_t version = 3;
    qni_buf_begin(out, 100000, "a file");
    put(out, "GGUF", 4);
    put(out, &version, sizeof version);
    put_u64(out, 0);
    put_u64(out, n_keys);
    put_key(out, "tokenizer.ggml.model", 8);
    put_text(out, model);
}

// A control token stands before the others, and is found in text by its number.
static void write_gpt2(file *f, const char *pre)
{
    static const char space_ab[] = "\xC4\xA0"
                                   "ab";
    static const char *const tokens[] = {"<|end|>", "a", "b", "ab", "\xC4\xA0", space_ab, "1", "2"};
    static const char *const merges[] = {"a b", "\xC4\xA0 ab"};
    static const uint32_t types[] = {3, 1, 1, 1, 1, 1, 1, 1};
    qni_buf out;
    begin_gguf(&out, 5, "gpt2");
    put_key(&out, "tokenizer.ggml.pre", 8);
    put_text(&out, pre);
    put_texts(&out, "tokenizer.ggml.tokens", tokens, 8);
    put_texts(&out, "tokenizer.ggml.merges", merges, 2);
    put_types(&out, types, 8);
    write_file(f, "model.gguf", out.data, out.size);
    qni_buf_end(&out);
}

static void write_pieces(file *f, const char *model)
{
    const char *tokens[N_PIECES];
    float scores[N_PIECES];
    uint32_t types[N_PIECES], type = 6;
    for (int i = 0; i < N_PIECES; i++) {
        tokens[i] = pieces[i].text;
        scores[i] = pieces[i].score;
        types[i] = (uint32_t)pieces[i].type;
    }
    qni_buf out;
    begin_gguf(&out, 4, model);
    put_texts(&out, "tokenizer.ggml.tokens", tokens, N_PIECES);
    put_key(&out, "tokenizer.ggml.scores", 9);
    put(&out, &type, sizeof type);
    put_u64(&out, N_PIECES);
    put(&out, scores, sizeof scores);
    put_types(&out, types, N_PIECES);
    write_file(f, "model.gguf", out.data, out.size);
    qni_buf_end(&out);
}

static void test_gguf_vocabularies(void **state)
{
    (void)state;
    file f;
    static const char *const names[] = {"qwen2",      "default",    "falcon",
                                        "bailingmoe", "seed-coder", "deepseek-coder"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        write_gpt2(&f, names[i]);
        check_ids(f.path, "ab ab<|end|>12", "3 5 0 6 7 ");
        temporary_end(f.folder);
    }
    write_gpt2(&f, "nothing-known");
    check_refused(f.path, QN_UNSUPPORTED, "nothing-known");
    temporary_end(f.folder);
    write_pieces(&f, "llama");
    check_ids(f.path, "ab ab</s>c", "10 10 2 7 9 ");
    temporary_end(f.folder);
    write_pieces(&f, "t5");
    check_ids(f.path, "ab ab</s>c", "10 10 2 7 9 ");
    temporary_end(f.folder);
    write_pieces(&f, "rwkv");
    check_refused(f.path, QN_UNSUPPORTED, "rwkv");
    temporary_end(f.folder);
}

static void test_gguf_out_of_memory(void **state)
{
    (void)state;
    file f;
    write_gpt2(&f, "gpt-2");
    // a pattern takes long to make, so not every allocation has its turn
    uint64_t n = 1;
    while (!torture_once(open_and_use, f.path, n)) {
        n += 1 + n / 8;
    }
    assert_true(n > 20);
    temporary_end(f.folder);
    write_pieces(&f, "t5");
    assert_true(torture(open_and_use, f.path) > 20);
    temporary_end(f.folder);
}

// ---- Rank files

// Single bytes, and pairs of them up to `n` tokens.
static void write_ranks(file *f, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    qni_buf out;
    qni_buf_begin(&out, (size_t)1 << 22, "ranks");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t pair = i - 256;
        uint32_t bits = i < 256 ? i << 16 : (pair >> 8) << 16 | (pair & 255) << 8;
        char line[5] = {digits[bits >> 18], digits[bits >> 12 & 63],
                        i < 256 ? '=' : digits[bits >> 6 & 63], '=', '\0'};
        assert_int_equal(qni_buf_printf(&out, NULL, "%s %u\n", line, i), QN_OK);
    }
    write_file(f, "ranks.tiktoken", out.data, out.size);
    qni_buf_end(&out);
}

static void test_ranks(void **state)
{
    (void)state;
    file f;
    char want[40];
    write_ranks(&f, 50256); // as many as gpt2 has
    snprintf(want, sizeof want, "%d %d 33 ", 256 + ('a' << 8) + 'b', 256 + (' ' << 8) + 'a');
    check_ids(f.path, "ab a!", want);
    temporary_end(f.folder);
    write_ranks(&f, 300);
    check_refused(f.path, QN_UNSUPPORTED, "300 tokens");
    temporary_end(f.folder);
    static const char bad[] = "YQ== 0\nYg=! 1\n";
    write_file(&f, "ranks.tiktoken", bad, sizeof bad - 1);
    check_refused(f.path, QN_INVALID_MODEL, "line 2");
    temporary_end(f.folder);
}

// ---- tokenizer.json

#define WORDS(before, model)                                                        \
    "{" before "\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"model\":{" model \
    "\"vocab\":{\"u\":0,\"a\":1,\"b\":2,\"z\":9},\"unk_token\":\"u\"}}"
#define WORDLEVEL                "\"type\":\"WordLevel\","
#define TOKEN(id, content, more) "{\"id\":" #id ",\"content\":\"" content "\"" more "}"

// Numbers of added tokens are given anew, as the library does it; equal ones are one.
static void test_added_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text, *ids;
    } cases[] = {
        {WORDS("\"added_tokens\":[" TOKEN(30, "Y", "") "," TOKEN(20, "X", "") "],", WORDLEVEL),
         "XYa b z", "5 4 1 2 9 "},
        {WORDS("\"added_tokens\":[" TOKEN(7, "a", "") "," TOKEN(8, "X", "") "],", WORDLEVEL), "aXb",
         "1 4 2 "},
        {WORDS("\"added_tokens\":[" TOKEN(20, "X", "") "," TOKEN(
                   21, "X", ",\"lstrip\":true") "," TOKEN(22, "", "") "," TOKEN(23, "Y", "") "],",
               WORDLEVEL),
         "a X Y", "1 4 5 "},
        {WORDS("\"added_tokens\":[" TOKEN(20, "X", ",\"single_word\":true") "],", WORDLEVEL),
         "X\xE2\x80\x8D X", "0 4 "},
        {WORDS("\"added_tokens\":[" TOKEN(20, "X", ",\"lstrip\":true,\"rstrip\":true") "," TOKEN(
                   21, "\\n", ",\"lstrip\":true,\"rstrip\":true") "],",
               WORDLEVEL),
         "a X\n\nb", "1 4 2 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file f;
        write_file(&f, "tokenizer.json", cases[i].json, strlen(cases[i].json));
        check_ids(f.path, cases[i].text, cases[i].ids);
        temporary_end(f.folder);
    }
}

#define SPLIT(pattern, behavior)                                                                   \
    "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" pattern                     \
    "\"},\"behavior\":\"" behavior                                                                 \
    "\",\"invert\":false},\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"u\":0,"                   \
    "\"a\":1,\"b\":2,\"A\":3,\"aA\":4,\"\xE4\xB8\xAD\":5,\"\xE3\x80\x82\":6},\"unk_token\":\"u\"}" \
    "}"

// Empty matches cut too, and a script does not hold what is used with several.
static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text, *ids;
    } cases[] = {
        {SPLIT("(?=[A-Z])", "Isolated"), "aAaA", "1 0 3 "},
        {SPLIT("(?=[A-Z])", "Removed"), "aA", "1 3 "},
        {SPLIT("x*", "MergedWithPrevious"), "abA", "1 2 3 "},
        {SPLIT("x*", "MergedWithNext"), "abA", "1 2 3 "},
        {SPLIT("\\\\b", "Contiguous"),
         "a\xE3\x80\x82"
         "b",
         "1 6 2 "},
        {SPLIT("\\\\p{Han}+", "Isolated"), "\xE4\xB8\xAD\xE3\x80\x82", "5 6 "},
        {SPLIT("[[:punct:]]", "Removed"), "a+b-A", "1 2 3 "}, // symbols as well
        {SPLIT("[[:upper:][:digit:]]+", "Removed"), "aA1Ab\xE4\xB8\xAD", "1 0 "},
        {SPLIT("[x[:^alpha:]]", "Removed"), "a bx\xE3\x80\x82\xE4\xB8\xAD", "1 2 5 "},
        {SPLIT("[[:alnum:]&&[^b]]", "Isolated"), "aab", "1 1 2 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file f;
        write_file(&f, "tokenizer.json", cases[i].json, strlen(cases[i].json));
        check_ids(f.path, cases[i].text, cases[i].ids);
        temporary_end(f.folder);
    }
}

// What the library does with these nobody asks for; they are refused by name.
static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *said;
    } cases[] = {
        {WORDS("\"decoder\":{\"type\":\"BPEDecoder\",\"suffix\":\"\"},", WORDLEVEL), "suffix"},
        {WORDS("\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{"
               "\"type\":\"CTC\",\"pad_token\":\"a\",\"word_delimiter_token\":\"|\",\"cleanup\":"
               "true}]},",
               WORDLEVEL),
         "CTC"},
        {WORDS("\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":"
               "\"BertProcessing\",\"sep\":[\"a\",1],\"cls\":[\"b\",2]},{\"type\":"
               "\"BertProcessing\",\"sep\":[\"a\",1],\"cls\":[\"b\",2]}]},",
               WORDLEVEL),
         "two post-processors"},
        {WORDS(
             "",
             "\"type\":\"BPE\",\"merges\":[],\"byte_fallback\":true,\"end_of_word_suffix\":\"e\","),
         "byte_fallback"},
        {WORDS(
             "",
             "\"type\":\"BPE\",\"merges\":[],\"ignore_merges\":true,\"end_of_word_suffix\":\"e\","),
         "ignore_merges"},
        {SPLIT("[[:letter:]]", "Removed"), "[:letter:]"},
        {SPLIT("[[:alpha]]", "Removed"), "a POSIX class"},
        {SPLIT("[[:]", "Removed"), "a POSIX class"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file f;
        write_file(&f, "tokenizer.json", cases[i].json, strlen(cases[i].json));
        check_refused(f.path, QN_UNSUPPORTED, cases[i].said);
        temporary_end(f.folder);
    }
}

// A decoder without steps joins tokens; without a decoder there are spaces.
static void test_empty_decoder(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {WORDS("\"decoder\":{\"type\":\"Sequence\",\"decoders\":[]},", WORDLEVEL), "ab"},
        {WORDS("", WORDLEVEL), "a b"}};
    static const int32_t ids[] = {1, 2};
    for (size_t i = 0; i < 2; i++) {
        file f;
        write_file(&f, "tokenizer.json", cases[i][0], strlen(cases[i][0]));
        check_text(f.path, ids, 2, cases[i][1]);
        temporary_end(f.folder);
    }
}

// ---- Folders whose class rebuilds the steps

static void write_beside(const file *f, const char *name, const char *text)
{
    char path[TEMPORARY_PATH + 32];
    qn_error err;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(qni_file_write(path, text, strlen(text), &err), QN_OK);
}

#define BERT                                                                                     \
    "{\"added_tokens\":[],\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"model\":{\"type\":"      \
    "\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","                \
    "\"max_input_chars_per_word\":100,\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":" \
    "3,\"[MASK]\":4,\"a\":5,\"##b\":6,\"A\":7}}}"

// As transformers' AutoTokenizer gives them.
static void test_classes_of_folders(void **state)
{
    (void)state;
    static const struct {
        const char *config, *model, *ids;
    } cases[] = {
        {"{}", "{}", "1 7 "},
        {"{\"tokenizer_class\":\"BertTokenizerFast\"}", "{}", "5 6 5 "},
        {"{\"do_lower_case\":false}", "{\"model_type\":\"bert\"}", "1 7 "},
        {"{\"tokenizer_class\":\"BertTokenizer\"}", "{\"model_type\":\"olmo2\"}", "1 7 "},
        {"{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}", "{}", "1 7 "},
        {"{\"tokenizer_class\":\"Other\",\"added_tokens_decoder\":{\"8\":{\"content\":\"aB\"}}}",
         "{\"model_type\":\"llama\"}", "8 7 "},
        {"{\"tokenizer_class\":\"BertTokenizer\",\"sep_token\":\"aB\",\"cls_token\":null}", "{}",
         "8 5 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file f;
        write_file(&f, "tokenizer.json", BERT, strlen(BERT));
        write_beside(&f, "tokenizer_config.json", cases[i].config);
        write_beside(&f, "config.json", cases[i].model);
        check_ids(f.path, "aB A", "1 7 "); // the file is what it is
        check_ids(f.folder, "aB A", cases[i].ids);
        temporary_end(f.folder);
    }
}

static void test_classes_of_folders_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *config, *said;
    } cases[] = {
        {"{\"added_tokens_decoder\":{\"8\":{}}}", "content"},
        {"{\"added_tokens_decoder\":{\"8\":{\"content\":\"x\",\"lstrip\":1}}}", "lstrip"},
        {"{\"tokenizer_class\":\"BertTokenizer\",\"do_lower_case\":3}", "lowercase"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file f;
        write_file(&f, "tokenizer.json", BERT, strlen(BERT));
        write_beside(&f, "tokenizer_config.json", cases[i].config);
        check_refused(f.folder, QN_INVALID_MODEL, cases[i].said);
        temporary_end(f.folder);
    }
}

static void test_classes_of_folders_out_of_memory(void **state)
{
    (void)state;
    static const char json[] =
        "{\"added_tokens\":[{\"id\":3,\"content\":\"<s>\"}],\"model\":{\"type\":\"BPE\",\"vocab\":{"
        "\"a\":0,\"b\":1,\"ab\":2},\"merges\":[[\"a\",\"b\"]]}}";
    file f;
    write_file(&f, "tokenizer.json", json, sizeof json - 1);
    write_beside(&f, "tokenizer_config.json",
                 "{\"tokenizer_class\":\"LlamaTokenizer\",\"extra_special_tokens\":[\"<x>\"]}");
    assert_true(torture(open_and_use, f.folder) > 20);
    temporary_end(f.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentencepiece_types),
        cmocka_unit_test(test_sentencepiece_decodes),
        cmocka_unit_test(test_sentencepiece_out_of_memory),
        cmocka_unit_test(test_sentencepiece_cut_short),
        cmocka_unit_test(test_gguf_vocabularies),
        cmocka_unit_test(test_gguf_out_of_memory),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_added_tokens),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_empty_decoder),
        cmocka_unit_test(test_classes_of_folders),
        cmocka_unit_test(test_classes_of_folders_are_checked),
        cmocka_unit_test(test_classes_of_folders_out_of_memory),
    };
    setenv("QUINCE_CACHE", "", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
