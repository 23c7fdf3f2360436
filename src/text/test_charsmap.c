// SentencePiece's table: a text goes through it in the same way with and without origins, which are
// kept by another loop; characters that stand alone make no graphemes.
#include "text/normalizer.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include "tests/random.h"
#include "tests/torture.h"

#include <string.h>
#include <utf8proc.h>

// ---- A table of a few keys, in the layout of the file

typedef struct pair {
    const char *key, *with;
} pair;

static const pair pairs[] = {
    {"\xEF\xBC\x81", "!"},                        // fullwidth exclamation mark
    {"\xEF\xBC\x8C", ","},                        // and comma
    {"\xE3\x8D\xBF", "\xE6\xA0\xAA\xE5\xBC\x8F"}, // a square, by two ideographs
    {"\xC2\xAA", "a"},                            // an ordinal
    {"e\xCC\x81", "\xC3\xA9"},                    // a letter and its accent
    {"\xE3\x82\xAB\xE3\x82\x99", "\xE3\x82\xAC"}, // kana and its mark
    {"q", "Q"},                                   // ASCII
    {"\t", " "},                                  // white space
    {"\xE4\xBD\xA0", ""},                         // an ideograph that goes
};

enum { PAIRS = sizeof pairs / sizeof pairs[0], UNITS = 4096, HAS_LEAF = 0x100 };

typedef struct table {
    uint32_t units[UNITS];
    bool used[UNITS];
    char pool[256];
    size_t n_pool;
} table;

// Places the children of node `at`: the keys [0, n) of `list` share their first `depth` bytes.
static void place(table *t, uint32_t at, const uint32_t *list, size_t n, size_t depth)
{
    uint32_t base = 1;
    for (bool fits = false; !fits; base += !fits) {
        fits = true;
        for (size_t i = 0; i < n; i++) {
            fits = fits && !t->used[base ^ (unsigned char)pairs[list[i]].key[depth]];
        }
    }
    assert_true((base ^ at) < UNITS); // the offset is written without its larger form
    t->units[at] |= (base ^ at) << 10;
    for (size_t i = 0; i < n; i++) {
        t->used[base ^ (unsigned char)pairs[list[i]].key[depth]] = true;
    }
    bool done[256] = {false};
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)pairs[list[i]].key[depth];
        if (byte == 0) { // the key ends: a leaf with the place of its text
            t->units[at] |= HAS_LEAF;
            t->units[base] = 0x80000000 | (uint32_t)t->n_pool;
            size_t size = strlen(pairs[list[i]].with) + 1;
            memcpy(t->pool + t->n_pool, pairs[list[i]].with, size);
            t->n_pool += size;
        } else if (!done[byte]) {
            uint32_t some[PAIRS];
            size_t n_some = 0;
            for (size_t k = i; k < n; k++) {
                some[n_some] = list[k];
                n_some += (unsigned char)pairs[list[k]].key[depth] == byte;
            }
            done[byte] = true;
            t->units[base ^ byte] = byte;
            place(t, base ^ byte, some, n_some, depth + 1);
        }
    }
}

static qn_status open(qni_charsmap *map, qn_error *err)
{
    static table t;
    static char bytes[4 + sizeof t.units + sizeof t.pool];
    uint32_t all[PAIRS], size = sizeof t.units;
    memset(&t, 0, sizeof t);
    for (uint32_t i = 0; i < PAIRS; i++) {
        all[i] = i;
    }
    t.used[0] = true;
    place(&t, 0, all, PAIRS, 0);
    memcpy(bytes, &size, sizeof size);
    memcpy(bytes + 4, t.units, sizeof t.units);
    memcpy(bytes + 4 + sizeof t.units, t.pool, t.n_pool);
    QNI_TRY(qni_charsmap_open(bytes, 4 + sizeof t.units + t.n_pool, map, err));
    qn_status status = qni_charsmap_find_staying(map, err);
    if (status != QN_OK) {
        qni_charsmap_end(map);
    }
    return status;
}

// ---- Texts

static size_t write_text(char *to, size_t most)
{
    static const char *const bits[] = {"\xCC\x81",
                                       "\xE3\x82\x99",
                                       "\r\n",
                                       "\r",
                                       "\n",
                                       "e\xCC\x81",
                                       "\xE2\x80\x8D",
                                       "\xF0\x9F\x91\x8D",
                                       "\xF0\x9F\x8F\xBD",
                                       "\xF0\x9F\x87\xA9",
                                       "\xE1\x84\x80\xE1\x85\xA1",
                                       "\xE0\xA5\x8D",
                                       "\xD8\x80"};
    size_t n = 0;
    while (n + 16 < most) {
        uint32_t kind = below(12);
        const char *bit = kind < 3 ? pairs[below(PAIRS)].key
                                   : bits[below(sizeof bits / sizeof bits[0])];
        if (kind < 5) {
            memcpy(to + n, bit, strlen(bit));
            n += strlen(bit);
        } else if (kind < 7) {
            for (uint32_t i = 1 + below(9); i > 0 && n + 16 < most; i--) {
                to[n++] = (char)(0x20 + below(0x5F));
            }
        } else {
            static const uint32_t firsts[] = {0xA0, 0x3040, 0x4E00, 0xAC00, 0x20000};
            uint32_t first = firsts[kind - 7];
            for (uint32_t i = 1 + below(9); i > 0 && n + 16 < most; i--) {
                n += (size_t)qni_utf8_encode(first + below(0x60), to + n);
            }
        }
    }
    return n;
}

static void test_with_and_without_origins(void **unused)
{
    (void)unused;
    enum { MOST = 3000 };
    static char text[MOST];
    qn_error err;
    qni_normalizer step = {.kind = QNI_NORMALIZE_CHARSMAP};
    qni_normalize_scratch with = {0}, without = {0};
    assert_int_equal(open(&step.charsmap, &err), QN_OK);
    assert_true(qni_charsmap_stays(&step.charsmap, 0x4E2D));
    assert_false(qni_charsmap_stays(&step.charsmap, 0x4F60));
    assert_false(qni_charsmap_stays(&step.charsmap, 0x301));
    for (random_state = 1; random_state < 2000; random_state++) {
        uint64_t seed = random_state;
        size_t n = write_text(text, random_state % 4 == 0 ? MOST : 20 + random_state % 100);
        qni_passage a = {.text = text, .n = n}, b = {.text = text, .n = n};
        assert_int_equal(qni_normalize(&step, 1, &with, true, &a, &err), QN_OK);
        assert_int_equal(qni_normalize(&step, 1, &without, false, &b, &err), QN_OK);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.text, b.text, a.n);
        random_state = seed;
    }
    qni_normalize_scratch_end(&with);
    qni_normalize_scratch_end(&without);
    qni_normalizer_end(&step);
}

static void test_characters_that_stand_alone(void **unused)
{
    (void)unused;
    int32_t last = 'a';
    for (uint32_t code = 0x20; code < 0x30000; code++) {
        if ((code >= 0xD800 && code < 0xE000) || !qni_unicode_stands_alone(code)) {
            continue;
        }
        int32_t one = (int32_t)code, others[] = {last, one, 'a', 0x1F44D, 0xAC00, 0xAC01, 0x4E2D};
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            assert_true(utf8proc_grapheme_break(one, others[i]));
            assert_true(utf8proc_grapheme_break(others[i], one));
        }
        last = one;
    }
    assert_false(qni_unicode_stands_alone(0x301));
    assert_false(qni_unicode_stands_alone(0x200D));
    assert_false(qni_unicode_stands_alone(0x1F1E6));
}

static qn_status open_and_end(void *context, qn_error *err)
{
    (void)context;
    qni_charsmap map;
    QNI_TRY(open(&map, err));
    qni_charsmap_end(&map);
    return QN_OK;
}

static void test_running_out_of_memory(void **unused)
{
    (void)unused;
    assert_int_equal(torture(open_and_end, NULL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_and_without_origins),
        cmocka_unit_test(test_characters_that_stand_alone),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
