// Words whose parts are looked up, as characters and by their hash, give the tokens of the whole
// word.
#include "text/characters.h"

#include "base/utf8.h"
#include "text/encode_words.h"

#include "tests/random.h"
#include "tests/torture.h"

#include <string.h>

enum {
    FIRST_HAN = 0x4E00,
    HAN = 2900,  // as many as make a vocabulary large
    PAIRS = 350, // of two of them
    EMOJI = 15,
    TOKENS = 256 + HAN + HAN / 32 + 2 + EMOJI + PAIRS,
    MERGES = 2 * HAN + PAIRS
};

typedef struct vocabulary {
    char texts[TOKENS][6];
    qni_vocab_entry tokens[TOKENS];
    uint32_t n;
    qni_bpe_merge merges[MERGES];
    uint32_t n_merges;
    qni_model model;
} vocabulary;

static uint32_t add(vocabulary *v, const char *text, uint32_t n)
{
    memcpy(v->texts[v->n], text, n);
    v->tokens[v->n] = (qni_vocab_entry){.bytes = v->texts[v->n], .n = n, .id = v->n};
    return v->n++;
}

static uint32_t merge(vocabulary *v, uint32_t left, uint32_t right)
{
    char text[6];
    uint32_t n_left = v->tokens[left].n, n_right = v->tokens[right].n;
    memcpy(text, v->texts[left], n_left);
    memcpy(text + n_left, v->texts[right], n_right);
    uint32_t id = add(v, text, n_left + n_right);
    v->merges[v->n_merges] = (qni_bpe_merge){left, right, v->n_merges, id};
    v->n_merges++;
    return id;
}

// All bytes, most Han of a range, and some pairs of these.
static void open(vocabulary *v)
{
    qn_error err;
    uint32_t first = 0, han[HAN], n_han = 0;
    memset(v, 0, sizeof *v);
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        add(v, &byte, 1);
    }
    for (uint32_t code = FIRST_HAN; code < FIRST_HAN + HAN; code++) {
        char text[4];
        qni_utf8_encode(code, text);
        if (code % 64 == FIRST_HAN % 64) { // the first with these two bytes
            first = merge(v, (unsigned char)text[0], (unsigned char)text[1]);
        }
        if (code % 7 != 0) {
            han[n_han++] = merge(v, first, (unsigned char)text[2]);
        }
    }
    // some characters of a row are tokens, and all of them begin with one
    uint32_t two = merge(v, 0xF0, 0x9F), three = merge(v, two, 0x98);
    for (uint32_t last = 0x80; last < 0x80 + 3 * EMOJI; last += 3) {
        merge(v, three, last);
    }
    for (int i = 0; i < PAIRS; i++) {
        merge(v, han[7 * i], han[5 * i + 1]);
    }
    v->model = (qni_model){.kind = QNI_MODEL_BPE, .byte_level = true, .unk = QNI_NO_TOKEN};
    assert_int_equal(qni_vocab_build(v->tokens, v->n, &v->model.vocab, &err), QN_OK);
    assert_int_equal(qni_model_build_bpe(&v->model, v->merges, v->n_merges, &err), QN_OK);
    assert_int_equal(qni_model_settle(&v->model, &err), QN_OK);
    assert_non_null(v->model.characters.known);
}

static size_t write_word(const vocabulary *v, char *to, size_t most)
{
    static const uint32_t firsts[] = {'a', 0xE9, 0x430, 0x3042, FIRST_HAN + HAN - 20, 0x1F600};
    size_t n = 0;
    while (n + 8 < most) {
        uint32_t kind = below(12);
        if (kind < 3) {
            const qni_vocab_entry *pair = &v->tokens[v->n - 1 - below(PAIRS)];
            memcpy(to + n, pair->bytes, pair->n);
            n += pair->n;
        } else {
            uint32_t code = kind < 6 ? FIRST_HAN + below(HAN)
                                     : firsts[kind - 6] + below(kind == 11 ? 60 : 20);
            n += (size_t)qni_utf8_encode(code, to + n);
        }
    }
    return n;
}

static void test_parts_are_the_word(void **unused)
{
    (void)unused;
    static vocabulary v;
    qn_error err;
    qni_model_scratch s = {0};
    qni_context *context = qni_calloc(1, sizeof *context);
    qni_ids out = {0};
    random_state = 1;
    open(&v);
    for (uint32_t code = 0; code < QNI_CHARACTERS; code += 3) { // some are not known
        ((qni_character *)(uintptr_t)v.model.characters.known)[code] = 0;
    }
    for (int i = 0; i < 3000; i++) {
        char word[200];
        size_t n = write_word(&v, word, 20 + below(sizeof word - 20));
        size_t behind = below(20); // readable bytes
        char *copy = qni_alloc(n + behind);
        memcpy(copy, word, n);
        memset(copy + n, 'x', behind);
        assert_int_equal(qni_model_encode(&v.model, &s, word, n, &err), QN_OK);
        qni_word_place place = {0, (uint32_t)n};
        out.n = 0;
        assert_int_equal(
            qni_encode_words(&v.model, context, copy, n + behind, &place, 1, &out, &err), QN_OK);
        assert_int_equal(out.n, s.pieces.n);
        for (size_t k = 0; k < out.n; k++) {
            assert_int_equal(out.ids[k], s.pieces.items[k].id);
        }
        qni_free(copy);
    }
    qni_ids_end(&out);
    qni_context_free(context);
    qni_model_scratch_end(&s);
    qni_model_end(&v.model);
}

// Words that are one character each, among others.
static void test_words_of_one_character(void **unused)
{
    (void)unused;
    enum { WORDS = 300, KINDS = 5 };
    qn_error err;
    static const char *texts[] = {"[UNK]", "a", "\xE4\xB8\xAD", "\xE4\xB8\xADx", "##x", "cde"};
    // the last two have three bytes too: letters, and half of a surrogate pair
    static const char *kinds[KINDS] = {"\xE4\xB8\xAD", "\xE4\xB8\xAE", "\xE4\xB8\xADx", "cde",
                                       "\xED\xA0\x80"};
    qni_vocab_entry tokens[sizeof texts / sizeof *texts];
    for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tokens[i] = (qni_vocab_entry){.bytes = texts[i], .n = (uint32_t)strlen(texts[i]), .id = i};
    }
    qni_model model = {.kind = QNI_MODEL_WORDPIECE, .unk = 0};
    assert_int_equal(qni_vocab_build(tokens, sizeof texts / sizeof *texts, &model.vocab, &err),
                     QN_OK);
    assert_int_equal(qni_wordpiece_build(&model.vocab, "##", 100, &model.wordpiece, &err), QN_OK);
    assert_int_equal(qni_model_settle(&model, &err), QN_OK);
    assert_non_null(model.characters.known);
    qni_context *context = qni_calloc(1, sizeof *context);
    qni_model_scratch s = {0};
    qni_ids out = {0};
    random_state = 2;
    for (int turn = 0; turn < 50; turn++) {
        char text[4 * WORDS + 16] = {0};
        qni_word_place words[WORDS];
        int32_t want[2 * WORDS];
        size_t n = 0, n_want = 0;
        for (size_t i = 0; i < WORDS; i++) { // long rows of characters, or all mixed
            size_t kind = below(turn % 2 == 0 ? 60 : KINDS);
            const char *word = kinds[kind < KINDS ? kind : kind % 2];
            size_t size = strlen(word);
            memcpy(text + n, word, size);
            words[i] = (qni_word_place){(uint32_t)n, (uint32_t)(n + size)};
            n += size;
            assert_int_equal(qni_model_encode(&model, &s, word, size, &err), QN_OK);
            for (size_t k = 0; k < s.pieces.n; k++) {
                want[n_want++] = (int32_t)s.pieces.items[k].id;
            }
        }
        out.n = 0;
        assert_int_equal(qni_encode_words(&model, context, text, n, words, WORDS, &out, &err),
                         QN_OK);
        assert_int_equal(out.n, n_want);
        assert_memory_equal(out.ids, want, n_want * sizeof *want);
    }
    qni_ids_end(&out);
    qni_context_free(context);
    qni_model_scratch_end(&s);
    qni_model_end(&model);
}

static void test_codes(void **unused)
{
    (void)unused;
    for (uint32_t code = 0; code < QNI_NO_CHARACTER; code += 1 + code / 4096) {
        char text[4];
        size_t n = (size_t)qni_utf8_encode(code, text);
        bool is_surrogate = code >= 0xD800 && code < 0xE000;
        assert_true(is_surrogate || qni_character_code(text, n) == code);
    }
    assert_int_equal(qni_character_code("\xE0\x80\x80", 3), QNI_NO_CHARACTER); // overlong
    assert_int_equal(qni_character_code("\xC1\xBF", 2), QNI_NO_CHARACTER);
    assert_int_equal(qni_character_code("\xE4\xB8", 2), QNI_NO_CHARACTER); // parts
    assert_int_equal(qni_character_code("\xE4\xB8"
                                        "a",
                                        3),
                     QNI_NO_CHARACTER);
    assert_int_equal(qni_character_code("\x80", 1), QNI_NO_CHARACTER);
    assert_int_equal(qni_character_code("\xF0\x8F\xBF\xBF", 4), QNI_NO_CHARACTER); // overlong
    assert_int_equal(qni_character_code("\xF4\x90\x80\x80", 4), QNI_NO_CHARACTER); // too high
    assert_int_equal(qni_character_code("\xF8\x90\x80\x80", 4), QNI_NO_CHARACTER);
    assert_int_equal(qni_character_code("\xF0\x9F\x98z", 4), QNI_NO_CHARACTER);
    assert_int_equal(qni_character_code("ab", 2), QNI_NO_CHARACTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_the_word),
        cmocka_unit_test(test_words_of_one_character),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
