// Normalizers done all at once give what they give one after the other.
#include "text/charwise.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include "tests/random.h"
#include "tests/torture.h"

#include <string.h>

typedef struct steps {
    const char *name;
    qni_normalizer items[5];
    size_t n;
} steps;

static const steps lists[] = {
    {"Bert",
     {{.kind = QNI_NORMALIZE_CLEAN},
      {.kind = QNI_NORMALIZE_CHINESE},
      {.kind = QNI_NORMALIZE_FORM},
      {.kind = QNI_NORMALIZE_STRIP_MARKS},
      {.kind = QNI_NORMALIZE_LOWERCASE}},
     5},
    {"Bert, cased", {{.kind = QNI_NORMALIZE_CLEAN}, {.kind = QNI_NORMALIZE_CHINESE}}, 2},
    {"decomposed", {{.kind = QNI_NORMALIZE_FORM, .compatible = true}}, 1},
    {"decomposed, lower case",
     {{.kind = QNI_NORMALIZE_LOWERCASE}, {.kind = QNI_NORMALIZE_FORM}},
     2},
    {"without accents",
     {{.kind = QNI_NORMALIZE_FORM, .compatible = true}, {.kind = QNI_NORMALIZE_STRIP_ACCENTS}},
     2},
    {"Nmt", {{.kind = QNI_NORMALIZE_NMT}}, 1},
};

static uint32_t some_code(void)
{
    static const uint32_t marks[] = {0x301, 0x323, 0x5B0, 0x94D, 0x302E, 0x1D165, 0x3099};
    switch (below(10)) {
    case 0: return marks[below(sizeof marks / sizeof marks[0])];
    case 1: return 0xA0 + below(0x500);
    case 2: return 0x3000 + below(0x7000);
    case 3: return below(0xD800);
    case 4: return 0xE000 + below(0x102000);
    case 5: return below(0x20);
    case 6: // at the ends of the blocks of Han
        return (const uint32_t[]){0x3400, 0x4DB5, 0x4E00, 0x9FA5, 0x20000, 0x2A6D6}[below(6)] - 2 +
               below(5);
    case 7: return (1 + below(16)) << 16 | (0x4E00 + below(3)); // of the same place as a Han
    default: return 0x20 + below(0x60);
    }
}

static size_t write_text(char *to, size_t most)
{
    size_t n = 0;
    uint32_t printable = below(2); // long rows of it at times
    while (n + 4 < most) {
        uint32_t code = printable != 0 && below(20) > 0 ? 0x20 + below(0x5F) : some_code();
        n += (size_t)qni_utf8_encode(code, to + n);
    }
    return n;
}

static void test_at_once_is_step_by_step(void **unused)
{
    (void)unused;
    qn_error err;
    char text[3000];
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        qni_normalize_scratch one = {0}, other = {0};
        for (uint64_t run = 1; run < 300; run++) {
            random_state = run;
            size_t n = write_text(text, run % 3 == 0 ? sizeof text : 40);
            qni_passage a = {.text = text, .n = n}, b = a;
            bool done;
            assert_true(qni_charwise_can(lists[i].items, lists[i].n));
            assert_int_equal(
                qni_charwise_normalize(lists[i].items, lists[i].n, &one, &a, &done, &err), QN_OK);
            assert_true(done);
            assert_int_equal(
                qni_normalize_by_steps(lists[i].items, lists[i].n, &other, false, &b, &err), QN_OK);
            if (a.n != b.n || memcmp(a.text, b.text, a.n) != 0) {
                fail_msg("%s: text %d becomes %zu bytes, not %zu", lists[i].name, (int)run, a.n,
                         b.n);
            }
        }
        qni_normalize_scratch_end(&one);
        qni_normalize_scratch_end(&other);
    }
}

static void test_what_looks_around_is_not_charwise(void **unused)
{
    (void)unused;
    const qni_normalizer composed = {.kind = QNI_NORMALIZE_FORM, .compose = true};
    const qni_normalizer prepended = {.kind = QNI_NORMALIZE_PREPEND};
    assert_false(qni_charwise_can(&composed, 1));
    assert_false(qni_charwise_can(&prepended, 1));
    assert_false(qni_charwise_can(NULL, 0));
}

static qn_status normalize_one(void *context, qn_error *err)
{
    (void)context;
    bool done = false;
    qni_normalize_scratch scratch = {0};
    qni_passage p = {.text = "A\xCC\xA3\xE3\x80\xAE\xCC\xA3z", .n = 9};
    qn_status status = qni_charwise_normalize(lists[3].items, lists[3].n, &scratch, &p, &done, err);
    bool right = status != QN_OK || (done && p.n == 9);
    qni_normalize_scratch_end(&scratch);
    assert_true(right);
    return status;
}

static void test_running_out_of_memory(void **unused)
{
    (void)unused;
    assert_true(torture(normalize_one, NULL) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once_is_step_by_step),
        cmocka_unit_test(test_what_looks_around_is_not_charwise),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
