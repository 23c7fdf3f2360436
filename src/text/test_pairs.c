// The table of merges beside a plain list of them.
#include "text/pairs.h"

#include "base/alloc.h"

#include "tests/random.h"
#include "tests/torture.h"

enum { MOST = 3000 };

// What the list says of a pair: the last entry of it.
static const qni_bpe_merge *look_up(const qni_bpe_merge *list, size_t n, uint32_t left,
                                    uint32_t right)
{
    for (size_t i = n; i > 0; i--) {
        if (list[i - 1].left == left && list[i - 1].right == right) {
            return &list[i - 1];
        }
    }
    return NULL;
}

static void check_pair(const qni_pairs *pairs, const qni_bpe_merge *list, size_t n, uint32_t left,
                       uint32_t right)
{
    const qni_bpe_merge *want = look_up(list, n, left, right);
    uint32_t id = 0, rank = qni_pairs_find(pairs, left, right, &id);
    assert_int_equal(rank, want != NULL ? want->rank : QNI_NO_RANK);
    if (want != NULL) {
        assert_int_equal(id, want->id);
    }
}

static void check(uint32_t n_ids, size_t n)
{
    static qni_bpe_merge list[MOST];
    qn_error err;
    qni_pairs pairs;
    for (size_t i = 0; i < n; i++) {
        list[i] = (qni_bpe_merge){below(n_ids), below(n_ids), (uint32_t)i, below(n_ids)};
    }
    assert_int_equal(qni_pairs_build(list, n, n_ids, &pairs, &err), QN_OK);
    size_t found = 0, different = 0;
    for (size_t i = 0; i < n; i++) {
        check_pair(&pairs, list, n, list[i].left, list[i].right);
        different += look_up(list, n, list[i].left, list[i].right) == &list[i];
        check_pair(&pairs, list, n, below(n_ids), below(n_ids));
    }
    for (uint32_t at = 0; at < pairs.n_slots; at++) { // each is in one slot, and nothing else is
        qni_bpe_merge m;
        if (qni_pairs_at(&pairs, at, &m)) {
            const qni_bpe_merge *want = look_up(list, n, m.left, m.right);
            assert_non_null(want);
            assert_int_equal(m.rank, want->rank);
            assert_int_equal(m.id, want->id);
            found++;
        }
    }
    assert_int_equal(found, different);
    qni_pairs_end(&pairs);
}

static void test_beside_a_list(void **unused)
{
    (void)unused;
    random_state = 1;
    check(1, 0);
    check(1, 1);
    check(2, 3);
    check(300, 40);
    check(60, MOST); // most pairs that there are
    check(1000, 1000);
    check(1 << 18, MOST);
    check(1 << 24, MOST); // as many ids as a vocabulary may have
}

static qn_status build(void *context, qn_error *err)
{
    (void)context;
    static const qni_bpe_merge merges[] = {{0, 1, 0, 2}, {2, 1, 1, 3}};
    qni_pairs pairs;
    QNI_TRY(qni_pairs_build(merges, 2, 4, &pairs, err));
    qni_pairs_end(&pairs);
    return QN_OK;
}

static void test_running_out_of_memory(void **unused)
{
    (void)unused;
    assert_int_equal(torture(build, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_a_list),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
