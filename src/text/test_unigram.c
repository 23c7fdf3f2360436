// Unigram's best way beside one that looks every stretch up in the vocabulary.
#include "text/unigram.h"

#include "base/alloc.h"

#include "tests/random.h"
#include "tests/torture.h"

#include <string.h>

enum { TOKENS = 60, MOST_BYTES = 6, ROOM = 200 };

// Text of these, of one to three bytes; not all of them are tokens.
static const char *const letters[] = {"a", "b", "\xC3\xA9", "\xE4\xB8\xAD", "\xE4\xB8\x80"};

static size_t write_text(char *to, size_t most)
{
    size_t n = 0;
    for (size_t size; n + 3 <= most; n += size) {
        const char *letter = letters[below(sizeof letters / sizeof letters[0])];
        size = strlen(letter);
        memcpy(to + n, letter, size);
    }
    return n;
}

typedef struct fixture {
    char texts[TOKENS][MOST_BYTES];
    double scores[TOKENS];
    qni_vocab_entry entries[TOKENS];
    qni_vocab vocab;
    qni_unigram unigram;
} fixture;

// Few scores, so that there are ties.
static qn_status open(fixture *f, bool single, qn_error *err)
{
    for (uint32_t i = 0; i < TOKENS; i++) {
        size_t n = write_text(f->texts[i], 3 + below(MOST_BYTES - 2));
        f->scores[i] = -1 - (double)below(8) * (double)n / 4;
        f->entries[i] = (qni_vocab_entry){.bytes = f->texts[i], .n = (uint32_t)n, .id = i};
    }
    QNI_TRY(qni_vocab_build(f->entries, TOKENS, &f->vocab, err));
    qn_status status = qni_unigram_build(&f->vocab, f->scores, &f->unigram, err);
    f->unigram.single = single;
    if (status != QN_OK) {
        qni_vocab_end(&f->vocab);
    }
    return status;
}

static void end(fixture *f)
{
    qni_unigram_end(&f->unigram);
    qni_vocab_end(&f->vocab);
}

static void find_places(const fixture *f, const char *text, size_t n, qni_unigram_place *places)
{
    for (size_t end = 1; end <= n; end++) {
        places[end].begin = QNI_UNIGRAM_NOWHERE;
        for (size_t begin = 0; begin < end; begin++) {
            size_t length = 1;
            while (begin + length < n && ((unsigned char)text[begin + length] & 0xC0) == 0x80) {
                length++;
            }
            bool is_place = ((unsigned char)text[begin] & 0xC0) != 0x80;
            bool is_one = end - begin == length;
            int32_t id = is_place ? qni_vocab_find(&f->vocab, text + begin, end - begin) : -1;
            if (id < 0 && !(is_place && is_one)) {
                continue;
            }
            double score = id >= 0 ? f->scores[id] : f->unigram.unknown_score;
            double sum = f->unigram.single ? (double)((float)places[begin].score + (float)score)
                                           : places[begin].score + score;
            if (places[end].begin == QNI_UNIGRAM_NOWHERE || sum > places[end].score) {
                places[end] = (qni_unigram_place){sum, (uint32_t)begin, id};
            }
        }
    }
}

static void test_beside_all_ways(void **unused)
{
    (void)unused;
    static fixture f;
    static char text[ROOM];
    static qni_unigram_place want[ROOM + 1];
    qn_error err;
    qni_unigram_scratch s = {0};
    for (uint64_t run = 0; run < 200; run++) {
        random_state = run + 1;
        assert_int_equal(open(&f, run % 2 == 0, &err), QN_OK);
        for (uint32_t id = 0; id < TOKENS; id++) {
            int32_t found = qni_vocab_find(&f.vocab, f.texts[id], f.entries[id].n);
            assert_int_equal(qni_unigram_find(&f.unigram, f.texts[id], f.entries[id].n), found);
        }
        assert_int_equal(qni_unigram_find(&f.unigram, "ac", 2), QNI_NO_TOKEN);
        size_t n = write_text(text, ROOM);
        want[0] = (qni_unigram_place){0, 0, QNI_NO_TOKEN};
        find_places(&f, text, n, want);
        assert_int_equal(qni_unigram_encode(&f.unigram, &s, text, n, &err), QN_OK);
        for (size_t i = n; i > 0; i = want[i].begin) {
            assert_int_equal(s.places[i].id, want[i].id);
            assert_int_equal(s.places[i].begin, want[i].begin);
        }
        end(&f);
    }
    qni_free(s.places);
}

static qn_status open_and_end(void *context, qn_error *err)
{
    QNI_TRY(open(context, false, err));
    end(context);
    return QN_OK;
}

static void test_running_out_of_memory(void **unused)
{
    (void)unused;
    static fixture f;
    assert_true(torture(open_and_end, &f) > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_all_ways),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
