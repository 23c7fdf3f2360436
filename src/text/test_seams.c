// A word that is cut at its seams gives the tokens of the whole word: beside the definition of byte
// pair encoding, for vocabularies of random merges over characters of one to three bytes.
#include "text/model.h"

#include "base/alloc.h"

#include "tests/random.h"
#include "tests/torture.h"

#include <stdio.h>
#include <string.h>

static const char *const symbols[] = {
    "a", "b", ".", "\xC3\xA9", "\xD0\xB0", "\xE6\x97\xA5", "\xE6\x9C\xAC", "\xE8\xAA\x9E"};

enum {
    SYMBOLS = sizeof symbols / sizeof symbols[0],
    MERGES = 24,
    MOST_TOKENS = 256 + SYMBOLS + MERGES
};

typedef struct vocabulary {
    char texts[MOST_TOKENS][256];
    qni_vocab_entry tokens[MOST_TOKENS];
    uint32_t n;
    qni_bpe_merge merges[MERGES];
    size_t n_merges;
} vocabulary;

static uint32_t add(vocabulary *v, const char *text, size_t n)
{
    for (uint32_t id = 0; id < v->n; id++) {
        if (v->tokens[id].n == n && memcmp(v->texts[id], text, n) == 0) {
            return id;
        }
    }
    memcpy(v->texts[v->n], text, n);
    v->tokens[v->n] = (qni_vocab_entry){.bytes = v->texts[v->n], .n = (uint32_t)n, .id = v->n};
    return v->n++;
}

// All bytes, which are the symbols, and merges of what is there already.
static void make(vocabulary *v)
{
    v->n = 0;
    v->n_merges = 0;
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        add(v, &byte, 1);
    }
    // the characters come about first, as in a vocabulary that was trained on text
    uint32_t known[SYMBOLS + MERGES];
    size_t n_known = 0;
    while (v->n_merges < MERGES) {
        uint32_t left, right;
        if (n_known < SYMBOLS && below(3) > 0) {
            const char *s = symbols[n_known];
            uint32_t id = (uint32_t)(unsigned char)s[0];
            for (size_t i = 1; i < strlen(s) && v->n_merges < MERGES; i++) {
                uint32_t next = (uint32_t)(unsigned char)s[i], to = add(v, s, i + 1);
                v->merges[v->n_merges] = (qni_bpe_merge){id, next, (uint32_t)v->n_merges, to};
                v->n_merges++;
                id = to;
            }
            known[n_known++] = id;
            continue;
        }
        left = n_known > 0 && below(4) > 0 ? known[below(n_known)] : (uint32_t)below(256);
        right = n_known > 0 && below(4) > 0 ? known[below(n_known)] : (uint32_t)below(256);
        size_t n = v->tokens[left].n + v->tokens[right].n;
        char text[512];
        memcpy(text, v->texts[left], v->tokens[left].n);
        memcpy(text + v->tokens[left].n, v->texts[right], v->tokens[right].n);
        if (n <= 32 && n_known < SYMBOLS + MERGES) {
            uint32_t to = add(v, text, n);
            v->merges[v->n_merges] = (qni_bpe_merge){left, right, (uint32_t)v->n_merges, to};
            v->n_merges++;
            known[n_known++] = to;
        }
    }
}

static void build(vocabulary *v, qni_model *model)
{
    qn_error err;
    *model = (qni_model){.kind = QNI_MODEL_BPE, .byte_level = true, .unk = QNI_NO_TOKEN};
    assert_int_equal(qni_vocab_build(v->tokens, v->n, &model->vocab, &err), QN_OK);
    assert_int_equal(qni_model_build_bpe(model, v->merges, v->n_merges, &err), QN_OK);
    assert_int_equal(qni_model_settle(model, &err), QN_OK);
    assert_non_null(model->seams.kinds);
}

// The tokens by the definition.
static size_t define(const qni_model *model, qni_model_scratch *s, const char *word, size_t n,
                     qni_bpe_symbol *out)
{
    qn_error err;
    for (size_t i = 0; i < n; i++) {
        out[i] = (qni_bpe_symbol){(uint32_t)qni_vocab_find(&model->vocab, word + i, 1), 1};
    }
    assert_int_equal(qni_bpe_merge_symbols(&model->bpe, &s->bpe, out, &n, &err), QN_OK);
    return n;
}

static size_t write_word(char *to, size_t most)
{
    size_t n = 0;
    for (size_t i = 1 + below(20); i > 0 && n + 4 < most; i--) {
        const char *s = symbols[below(SYMBOLS)];
        size_t size = below(12) == 0 ? 1 : strlen(s); // at times a part of a character
        memcpy(to + n, s, size);
        n += size;
    }
    return n;
}

static void test_parts_are_the_word(void **unused)
{
    (void)unused;
    static vocabulary v;
    qn_error err;
    size_t seams = 0;
    for (uint64_t run = 0; run < 60; run++) {
        qni_model model;
        qni_model_scratch s = {0};
        random_state = run + 1;
        make(&v);
        build(&v, &model);
        for (int k = 0; k < 200; k++) {
            char word[128] = {0};
            qni_bpe_symbol want[128];
            size_t behind = below(9), n = write_word(word, sizeof word - behind), got = 0;
            write_word(word + n, behind); // is readable, and does not count
            size_t n_want = define(&model, &s, word, n, want);
            for (size_t at = 0, part; at < n; at += part) {
                qni_seams_cut(&model.seams, word + at, n - at, behind, &part, 1);
                seams += part < n - at;
                assert_int_equal(qni_model_encode_part(&model, &s, word + at, part, &err), QN_OK);
                for (size_t i = 0; i < s.pieces.n; i++, got++) {
                    assert_true(got < n_want);
                    assert_int_equal(s.pieces.items[i].id, want[got].id);
                    assert_int_equal(s.pieces.items[i].n, want[got].n);
                }
            }
            assert_int_equal(got, n_want);
        }
        qni_model_scratch_end(&s);
        qni_model_end(&model);
    }
    assert_true(seams > 1000);
}

static qn_status make_seams(void *context, qn_error *err)
{
    (void)context;
    qni_seams seams;
    QNI_TRY(qni_seams_begin(&seams, 100, err));
    qni_seams_add(&seams, "\xE6\x97\xA5", 3, "\xE6\x9C\xAC", 3);
    static const char word[] = "\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5";
    size_t first;
    qni_seams_cut(&seams, word, sizeof word - 1, 0, &first, 1);
    qni_seams_end(&seams);
    assert_int_equal(first, 6);
    return QN_OK;
}

static void test_running_out_of_memory(void **unused)
{
    (void)unused;
    assert_int_equal(torture(make_seams, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_the_word),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
