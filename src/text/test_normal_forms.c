// Normal forms pass over plain text many bytes at a time: what they do with a character and a mark
// is the same in the middle of such text as in text that is too short for that.
#include "text/normalizer.h"

#include "base/utf8.h"
#include "text/unicode.h"

#include "tests/torture.h"

#include <string.h>

enum { AROUND = 24, ROOM = 2 * AROUND + 4 * QNI_MOST_PARTS + 16 };

typedef struct forms {
    bool compose, compatible;
    qni_normalize_scratch scratch;
    qni_draft out;
} forms;

// The normal form of n bytes, in `to`; its length.
static size_t normalize(forms *f, const char *text, size_t n, char *to)
{
    qn_error err;
    bool same;
    qni_passage p = {.text = text, .n = n};
    qni_draft_begin(&f->out, false);
    assert_int_equal(
        qni_normal_form(&p, f->compose, f->compatible, &f->scratch, &f->out, &same, &err), QN_OK);
    size_t size = same ? n : f->out.n;
    memcpy(to, same ? text : f->out.text, size);
    return size;
}

static void check(forms *f, const uint32_t *codes, int n_codes)
{
    char middle[16], alone[ROOM], text[ROOM], got[ROOM];
    size_t n = 0;
    for (int i = 0; i < n_codes; i++) {
        n += (size_t)qni_utf8_encode(codes[i], middle + n);
    }
    memset(text, 'x', sizeof text);
    memcpy(text + 1, middle, n);
    size_t n_alone = normalize(f, text, n + 2, alone);
    memset(text, 'x', sizeof text);
    memcpy(text + AROUND, middle, n);
    size_t n_got = normalize(f, text, n + 2 * AROUND, got);
    assert_int_equal(n_got, n_alone + 2 * (AROUND - 1));
    assert_memory_equal(got + AROUND - 1, alone, n_alone);
}

static void test_in_plain_text(void **unused)
{
    (void)unused;
    static const uint32_t marks[] = {0x301, 0x3099, 0x11A8, 0x1161};
    for (int form = 0; form < 4; form++) {
        forms f = {.compose = form % 2 != 0, .compatible = form / 2 != 0};
        for (uint32_t code = 1; code < QNI_CODE_POINTS; code++) {
            if ((code >= 0xD800 && code < 0xE000) || code > 0x30000) {
                continue;
            }
            check(&f, &code, 1);
            check(&f, (uint32_t[]){code, marks[code % 4]}, 2);
            if (code >= 0x3000 && code < 0x3100) {
                check(&f, (uint32_t[]){code, 0x3099, code}, 3);
            }
        }
        qni_normalize_scratch_end(&f.scratch);
        qni_draft_end(&f.out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
