// Every code point, and ill-formed text against a decoder that is written after the algorithm of
// the WHATWG encoding standard, whose replacements Python's errors="replace" shares.
#include "base/utf8.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        if (code >= 0xD800 && code <= 0xDFFF) {
            continue;
        }
        char text[4];
        uint32_t back = 0;
        int n = qni_utf8_encode(code, text);
        assert_int_equal(n, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        assert_int_equal(qni_utf8_decode((unsigned char *)text, (size_t)n, &back), n);
        assert_int_equal(back, code);
        assert_true(qni_utf8_is_valid(text, (size_t)n));
        for (int cut = 1; cut < n; cut++) { // a character that is cut off
            assert_int_equal(qni_utf8_decode((unsigned char *)text, (size_t)cut, &back), -cut);
            assert_int_equal(back, 0xFFFD);
            assert_int_equal(qni_utf8_unfinished(text, (size_t)cut), cut);
        }
        assert_int_equal(qni_utf8_unfinished(text, (size_t)n), 0);
    }
}

// The state of the standard's decoder; see https://encoding.spec.whatwg.org/#utf-8-decoder
typedef struct whatwg {
    uint32_t code;
    int seen;
    int needed;
    unsigned lower;
    unsigned upper;
} whatwg;

enum { MORE = -1, REPLACED = -2, REPLACED_AGAIN = -3 };

// One byte: a code point, MORE, REPLACED (the byte belongs to what is replaced), or REPLACED_AGAIN
// (what came before it is replaced, and the byte has to be given again).
static int64_t whatwg_step(whatwg *d, unsigned byte)
{
    if (d->needed == 0) {
        *d = (whatwg){.lower = 0x80, .upper = 0xBF};
        if (byte < 0x80) {
            return byte;
        }
        if (byte >= 0xC2 && byte <= 0xDF) {
            d->needed = 1;
            d->code = byte & 0x1F;
        } else if (byte >= 0xE0 && byte <= 0xEF) {
            d->lower = byte == 0xE0 ? 0xA0 : 0x80;
            d->upper = byte == 0xED ? 0x9F : 0xBF;
            d->needed = 2;
            d->code = byte & 0xF;
        } else if (byte >= 0xF0 && byte <= 0xF4) {
            d->lower = byte == 0xF0 ? 0x90 : 0x80;
            d->upper = byte == 0xF4 ? 0x8F : 0xBF;
            d->needed = 3;
            d->code = byte & 0x7;
        } else {
            return REPLACED;
        }
        return MORE;
    }
    if (byte < d->lower || byte > d->upper) {
        d->needed = 0;
        return REPLACED_AGAIN;
    }
    d->lower = 0x80;
    d->upper = 0xBF;
    d->code = d->code << 6 | (byte & 0x3F);
    if (++d->seen != d->needed) {
        return MORE;
    }
    d->needed = 0;
    return d->code;
}

static size_t decode_as_whatwg(const unsigned char *text, size_t n, uint32_t *out)
{
    whatwg d = {0};
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        int64_t got = whatwg_step(&d, text[i]);
        i += got != REPLACED_AGAIN;
        if (got != MORE) {
            out[count++] = got < 0 ? 0xFFFD : (uint32_t)got;
        }
    }
    if (d.needed != 0) {
        out[count++] = 0xFFFD;
    }
    return count;
}

// The same within a longer text, at another place each time; long ones are checked by blocks.
static void check_inside(const unsigned char *text, size_t n, bool valid)
{
    enum { LONG = 101 };
    static size_t at = 0;
    char around[LONG];
    memset(around, 'x', LONG);
    at = (at + 1) % (LONG - n + 1);
    memcpy(around + at, text, n);
    assert_int_equal(qni_utf8_is_valid(around, LONG), valid);
}

static void check_text(const unsigned char *text, size_t n)
{
    uint32_t want[8];
    uint32_t got[8] = {0};
    size_t n_want = decode_as_whatwg(text, n, want);
    size_t n_got = 0;
    bool valid = true;
    for (size_t i = 0; i < n;) {
        int length = qni_utf8_decode(text + i, n - i, &got[n_got++]);
        valid = valid && length > 0;
        i += (size_t)(length > 0 ? length : -length);
    }
    assert_int_equal(n_got, n_want);
    assert_memory_equal(got, want, n_want * sizeof *want);
    assert_int_equal(qni_utf8_is_valid((const char *)text, n), valid);
    check_inside(text, n, valid);
}

static void test_ill_formed_parts(void **state)
{
    (void)state;
    // All texts of two bytes, and all of up to six that are made of the bytes at the borders of the
    // table of well-formed sequences.
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            check_text((unsigned char[]){(unsigned char)a, (unsigned char)b}, 2);
        }
    }
    static const unsigned char edges[] = {'a',  0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2,
                                          0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5};
    enum { N = sizeof edges };
    for (size_t code = 0; code < (size_t)N * N * N * N * N; code++) {
        unsigned char text[5];
        size_t rest = code;
        for (int i = 0; i < 5; i++, rest /= N) {
            text[i] = edges[rest % N];
        }
        check_text(text, 5);
    }
}

static void test_unfinished_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t unfinished;
    } cases[] = {
        {"", 0},
        {"abc", 0},
        {"\xC3\xA9", 0},
        {"ab\xC3", 1},
        {"ab\xE2\x82", 2},
        {"\xF0\x9F\x98", 3},
        {"\xF0\x9F\x98\x80", 0},
        {"\xC1", 0},         // no character begins so
        {"\xED\xA0", 0},     // a surrogate: more bytes do not help
        {"\xF4\x90\x80", 0}, // above U+10FFFF
        {"\xE2\x28", 0},
        {"\x80\x80\x80", 0},
        {"\xF0\x9F\x98\x80\x80\x80", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(qni_utf8_unfinished(cases[i].text, strlen(cases[i].text)),
                         cases[i].unfinished);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_ill_formed_parts),
        cmocka_unit_test(test_unfinished_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
