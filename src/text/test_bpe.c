// The fast way of byte pair encoding beside its definition, for random merges over few bytes and
// words of any length: tokens that no text gives, ranks that do not rise, rows that repeat.
#include "text/bpe.h"

#include "base/alloc.h"
#include "base/limits.h"

#include "tests/random.h"
#include "tests/torture.h"

enum { MERGES = 120, MOST_BYTES = 12, ROOM = 3000, PLAIN = 80 };

typedef struct vocabulary {
    char texts[256 + MERGES][MOST_BYTES];
    qni_vocab_entry tokens[256 + MERGES];
    uint32_t n;
    qni_bpe_merge merges[MERGES];
    uint8_t singles[256 + MERGES];
    qni_vocab vocab;
    qni_bpe bpe;
} vocabulary;

static uint32_t find(const vocabulary *v, const char *text, size_t n)
{
    for (uint32_t id = 0; id < v->n; id++) {
        if (v->tokens[id].n == n && memcmp(v->texts[id], text, n) == 0) {
            return id;
        }
    }
    return v->n;
}

// Merges of what there is by then, over so many of the bytes from 'a' on; some come about in
// several ways, some never. Some tokens may be such that their text does not find them.
static void make(vocabulary *v, size_t letters, bool hides)
{
    memset(v, 0, sizeof *v);
    for (v->n = 0; v->n < 256; v->n++) {
        v->texts[v->n][0] = (char)v->n;
        v->tokens[v->n] = (qni_vocab_entry){.bytes = v->texts[v->n], .n = 1, .id = v->n};
        v->singles[v->n] = 1;
    }
    for (size_t i = 0; i < MERGES;) {
        size_t known = letters + v->n - 256, left = below(known), right = below(known);
        left += left < letters ? 'a' : 256 - letters;
        right += right < letters ? 'a' : 256 - letters;
        uint32_t n_left = v->tokens[left].n, n = n_left + v->tokens[right].n;
        if (n > MOST_BYTES) {
            continue;
        }
        char text[MOST_BYTES];
        memcpy(text, v->texts[left], n_left);
        memcpy(text + n_left, v->texts[right], n - n_left);
        uint32_t id = find(v, text, n);
        if (id == v->n) {
            memcpy(v->texts[id], text, n);
            v->tokens[id] = (qni_vocab_entry){
                .bytes = v->texts[id], .n = n, .id = id, .hidden = hides && below(20) == 0};
            v->n++;
        }
        v->merges[i] = (qni_bpe_merge){(uint32_t)left, (uint32_t)right, (uint32_t)i, id};
        i++;
    }
}

static qn_status open(vocabulary *v, qn_error *err)
{
    QNI_TRY(qni_vocab_build(v->tokens, v->n, &v->vocab, err));
    return qni_bpe_build(&v->vocab, v->merges, MERGES, v->singles, &v->bpe, err);
}

static void end(vocabulary *v)
{
    qni_bpe_end(&v->bpe);
    qni_vocab_end(&v->vocab);
}

// Random letters, with stretches of one and of few again and again.
static void write_word(char *word, size_t n, size_t letters)
{
    for (size_t at = 0; at < n;) {
        size_t period = 1 + below(4), run = below(3) == 0 ? 1 + below(300) : 1;
        for (size_t i = 0; i < run * period && at < n; i++, at++) {
            word[at] = (char)(i < period ? 'a' + (int)below(letters) : word[at - period]);
        }
    }
}

// The definition in its plainest form, with every merge of the list: what is left out when merges
// are built never counts. Of equal pairs the last counts.
static size_t merge_plainly(const vocabulary *v, qni_bpe_symbol *symbols, size_t n)
{
    static uint32_t merge_of[256 + MERGES][256 + MERGES];
    memset(merge_of, 0, sizeof merge_of);
    for (uint32_t i = 0; i < MERGES; i++) {
        merge_of[v->merges[i].left][v->merges[i].right] = i + 1;
    }
    for (;;) {
        size_t at = n;
        uint32_t first = UINT32_MAX;
        for (size_t i = 0; i + 1 < n; i++) {
            uint32_t merge = merge_of[symbols[i].id][symbols[i + 1].id];
            if (merge > 0 && merge < first) {
                first = merge;
                at = i;
            }
        }
        if (at == n) {
            return n;
        }
        symbols[at] = (qni_bpe_symbol){v->merges[first - 1].id, symbols[at].n + symbols[at + 1].n};
        n--;
        memmove(symbols + at + 1, symbols + at + 2, (n - at - 1) * sizeof *symbols);
    }
}

// What a hidden token stands in is left to the definition.
static void check(const vocabulary *v, qni_bpe_scratch *s, const char *word, size_t n)
{
    static qni_bpe_symbol want[ROOM], got[ROOM];
    const qni_bpe *bpe = &v->bpe;
    qn_error err;
    size_t n_want = n, n_got;
    for (size_t i = 0; i < n; i++) {
        want[i] = got[i] = (qni_bpe_symbol){(uint32_t)(unsigned char)word[i], 1};
    }
    assert_int_equal(qni_bpe_merge_symbols(bpe, s, want, &n_want, &err), QN_OK);
    if (n <= PLAIN) {
        assert_int_equal(merge_plainly(v, got, n), n_want);
        assert_memory_equal(got, want, n_want * sizeof *want);
    }
    assert_int_equal(qni_bpe_encode(bpe, s, word, n, got, &n_got, &err), QN_OK);
    if (n_got == 0 && !bpe->finds_merges) {
        return;
    }
    assert_int_equal(n_got, n_want);
    assert_memory_equal(got, want, n_want * sizeof *want);
}

static void test_beside_the_definition(void **unused)
{
    (void)unused;
    static vocabulary v;
    static char word[ROOM];
    qn_error err;
    for (uint64_t run = 0; run < 60; run++) {
        qni_bpe_scratch s = {0};
        random_state = run + 1;
        size_t letters = 1 + below(6);
        make(&v, letters, run % 3 == 0);
        assert_int_equal(open(&v, &err), QN_OK);
        assert_true(v.bpe.finds_merges || run % 3 == 0);
        for (int i = 0; i < 40; i++) {
            size_t n = 1 + below(i % 2 == 0 ? 80 : ROOM);
            write_word(word, n, letters);
            check(&v, &s, word, n);
            bool wide = v.bpe.wide;
            v.bpe.wide = false;
            check(&v, &s, word, n);
            v.bpe.wide = wide;
        }
        qni_bpe_scratch_end(&s);
        end(&v);
    }
}

static size_t count_pairs(const qni_bpe *bpe)
{
    size_t n = 0;
    qni_bpe_merge m;
    for (uint32_t at = 0; at < bpe->pairs.n_slots; at++) {
        n += qni_pairs_at(&bpe->pairs, at, &m);
    }
    return n;
}

// "abc" comes about as "ab" and "c": "a" and "bc" never stand beside each other. Unless some symbol
// stands for another text than its own.
static void test_merges_that_never_happen(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"a", "b", "c", "ab", "bc", "abc"};
    static const qni_bpe_merge merges[] = {{0, 1, 0, 3}, {1, 2, 1, 4}, {3, 2, 2, 5}, {0, 4, 3, 5}};
    qni_vocab_entry tokens[6];
    qni_vocab vocab;
    qni_bpe bpe;
    qn_error err;
    for (uint32_t id = 0; id < 6; id++) {
        tokens[id] = (qni_vocab_entry){
            .bytes = texts[id], .n = (uint32_t)strlen(texts[id]), .id = id};
    }
    assert_int_equal(qni_vocab_build(tokens, 6, &vocab, &err), QN_OK);
    for (int given = 0; given < 2; given++) {
        uint8_t symbols[6] = {QNI_BPE_SINGLE, QNI_BPE_SINGLE, QNI_BPE_SINGLE};
        symbols[4] |= given ? QNI_BPE_GIVEN : 0;
        assert_int_equal(qni_bpe_build(&vocab, merges, 4, symbols, &bpe, &err), QN_OK);
        assert_int_equal(count_pairs(&bpe), given ? 4 : 3);
        assert_int_equal(qni_bpe_rank(&bpe, 0, 4, NULL), given ? 3 : QNI_NO_RANK);
        assert_int_equal(qni_bpe_rank(&bpe, 3, 2, NULL), 2);
        qni_bpe_end(&bpe);
    }
    qni_vocab_end(&vocab);
}

// Each token is twice the one before.
static void test_too_long(void **unused)
{
    (void)unused;
    enum { DOUBLINGS = 16 };
    static char text[1 << DOUBLINGS];
    qni_vocab_entry tokens[DOUBLINGS + 1];
    qni_bpe_merge merges[DOUBLINGS];
    uint8_t symbols[DOUBLINGS + 1] = {QNI_BPE_SINGLE};
    memset(text, 'a', sizeof text);
    for (uint32_t i = 0; i <= DOUBLINGS; i++) {
        tokens[i] = (qni_vocab_entry){.bytes = text, .n = 1u << i, .id = i};
        if (i > 0) {
            merges[i - 1] = (qni_bpe_merge){i - 1, i - 1, i - 1, i};
        }
    }
    for (uint32_t n = DOUBLINGS; n <= DOUBLINGS + 1; n++) { // tokens
        qni_vocab vocab;
        qni_bpe bpe;
        qn_error err;
        bool fits = tokens[n - 1].n <= QNI_MAX_MERGED_BYTES;
        assert_int_equal(fits, n == DOUBLINGS);
        assert_int_equal(qni_vocab_build(tokens, n, &vocab, &err), QN_OK);
        assert_int_equal(qni_bpe_build(&vocab, merges, n - 1, symbols, &bpe, &err),
                         fits ? QN_OK : QN_LIMIT_EXCEEDED);
        if (fits) {
            qni_bpe_end(&bpe);
        } else {
            assert_non_null(strstr(err.message, "65536 bytes"));
        }
        qni_vocab_end(&vocab);
    }
}

static qn_status build_and_encode(void *context, qn_error *err)
{
    vocabulary *v = context;
    static qni_bpe_symbol tokens[100];
    char word[100];
    size_t n_tokens = 0;
    qni_bpe_scratch s = {0};
    memset(word, 'b', sizeof word);
    qn_status status = open(v, err);
    if (status == QN_OK) {
        status = qni_bpe_encode(&v->bpe, &s, word, sizeof word, tokens, &n_tokens, err);
    }
    qni_bpe_scratch_end(&s);
    end(v);
    return status;
}

static void test_running_out_of_memory(void **unused)
{
    (void)unused;
    static vocabulary v;
    random_state = 1;
    make(&v, 3, false);
    assert_true(torture(build_and_encode, &v) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_the_definition),
        cmocka_unit_test(test_merges_that_never_happen),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
