// The cache of words gives the tokens that it was given, whatever else came in between, or nothing.
#include "text/words.h"

#include "base/alloc.h"

#include "tests/random.h"
#include "tests/torture.h"

#include <stdio.h>

enum { WORDS = 700000, MOST_IDS = 6 }; // more than the slots, and more bytes than the pool

typedef struct word {
    char text[64];
    size_t n, n_ids;
    int32_t ids[MOST_IDS];
} word;

// All about a word by its number: short and long ones, of a few tokens and of many.
static word make_word(uint32_t number)
{
    word w = {.n_ids = number % 7 == 0 ? MOST_IDS : number % 4};
    w.n = (size_t)snprintf(w.text, sizeof w.text, "%x%.*s", number, (int)(number % 5 * 9),
                           "--------------------------------------------");
    for (size_t i = 0; i < w.n_ids; i++) {
        w.ids[i] = (int32_t)(number + i);
    }
    return w;
}

static qni_word_key key_of(const word *w)
{
    return qni_word_key_of(w->text, w->n);
}

// Whether the word is there; fails when it has other tokens than its own.
static bool find(const qni_words *words, uint32_t number)
{
    word w = make_word(number);
    qni_word_key key = key_of(&w);
    const qni_word_slot *slot = qni_words_find(words, &key, w.text, w.n);
    if (slot == NULL) {
        return false;
    }
    size_t n;
    const int32_t *ids = qni_word_ids(words, slot, &n);
    assert_int_equal(n, w.n_ids);
    assert_memory_equal(ids, w.ids, n * sizeof *ids);
    assert_true(!qni_word_is_near(slot, &key) || (n <= QNI_WORD_NEAR && ids == slot->ids));
    return true;
}

static void add(qni_words *words, uint32_t number)
{
    word w = make_word(number);
    qni_word_key key = key_of(&w);
    qni_words_add(words, &key, w.text, w.n, w.ids, w.n_ids);
}

static void test_words_have_their_own_tokens(void **unused)
{
    (void)unused;
    qni_words words = {0};
    random_state = 1;
    assert_false(find(&words, 1));
    for (uint32_t i = 0; i < 1000; i++) {
        add(&words, i);
    }
    for (uint32_t i = 0; i < 1000; i++) { // few of them are all there
        assert_true(find(&words, i));
    }
    assert_int_equal(words.n_replaced, 0);
    size_t n_slots = 0, n_sizes = 0, n_found = 0, n_lost = 0;
    for (uint32_t i = 1000; i < WORDS; i++) {
        if (!find(&words, i)) {
            add(&words, i);
        }
        n_lost += !find(&words, i);
        n_found += find(&words, below(i));
        n_sizes += words.n_slots != n_slots;
        n_slots = words.n_slots;
    }
    assert_true(n_sizes == 4);
    assert_true(n_lost <= n_sizes); // those that crowd the slots, and may stand elsewhere
    assert_true(n_found > WORDS / 4 && n_found < WORDS);
    qni_words_end(&words);
}

static void test_long_words_are_told_apart_by_all_their_bytes(void **unused)
{
    (void)unused;
    char text[QNI_WORD_LONGEST + 16];
    memset(text, 'a', sizeof text);
    for (size_t n = QNI_WORD_SHORT + 1; n <= sizeof text; n += 7) {
        qni_words words = {0};
        qni_word_key key = qni_word_key_of(text, n);
        const int32_t id = (int32_t)n;
        qni_words_add(&words, &key, text, n, &id, 1);
        assert_true((qni_words_find(&words, &key, text, n) != NULL) == (n <= QNI_WORD_LONGEST));
        for (size_t at = 0; at < n; at += 5) {
            text[at] = 'b';
            key = qni_word_key_of(text, n);
            assert_null(qni_words_find(&words, &key, text, n));
            text[at] = 'a';
        }
        qni_words_end(&words);
    }
}

static void test_without_memory_nothing_is_kept(void **unused)
{
    (void)unused;
    for (uint64_t after = 1; after < 8; after++) {
        qni_words words = {0};
        qni_alloc_fail_after(after);
        for (uint32_t i = 0; i < 50000; i++) {
            add(&words, i);
        }
        qni_alloc_fail_after(0);
        for (uint32_t i = 0; i < 50000; i++) {
            find(&words, i);
        }
        qni_words_end(&words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_have_their_own_tokens),
        cmocka_unit_test(test_long_words_are_told_apart_by_all_their_bytes),
        cmocka_unit_test(test_without_memory_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
