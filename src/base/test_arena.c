#include "base/arena.h"

#include "tests/torture.h"

#include <string.h>

static void test_pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    enum { N = 3000 };
    static unsigned char *pieces[N];
    qni_arena arena;
    qni_arena_begin(&arena, (size_t)1 << 30);
    for (size_t i = 0; i < N; i++) {
        size_t bytes = i % 977;
        pieces[i] = qni_arena_alloc(&arena, bytes);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < bytes; j++) {
            assert_int_equal(pieces[i][j], 0);
        }
        memset(pieces[i], (int)(i % 251), bytes);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < i % 977; j++) {
            assert_int_equal(pieces[i][j], i % 251);
        }
    }
    qni_arena_end(&arena);
}

static void test_a_piece_above_the_chunk_size(void **state)
{
    (void)state;
    qni_arena arena;
    qni_arena_begin(&arena, (size_t)1 << 30);
    char *small = qni_arena_alloc(&arena, 10);
    char *large = qni_arena_alloc(&arena, (size_t)10 << 20);
    char *next = qni_arena_alloc(&arena, 10);
    assert_true(small != NULL && large != NULL && next != NULL);
    memset(large, 1, (size_t)10 << 20);
    assert_int_equal(small[9] + next[9], 0);
    qni_arena_end(&arena);
}

static void test_the_limit(void **state)
{
    (void)state;
    qni_arena arena;
    qni_arena_begin(&arena, 10000);
    assert_null(qni_arena_alloc(&arena, 10001));
    assert_null(qni_arena_alloc(&arena, SIZE_MAX));
    assert_null(qni_arena_alloc(&arena, SIZE_MAX - 15));
    assert_null(qni_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(qni_arena_strndup(&arena, "", SIZE_MAX));
    size_t n = 0;
    while (qni_arena_alloc(&arena, 100) != NULL) {
        n++;
    }
    assert_true(n >= 80 && n <= 100);
    assert_true(arena.total_bytes <= 10000);
    qni_arena_end(&arena);
    assert_int_equal(arena.total_bytes, 0);
    assert_non_null(qni_arena_alloc(&arena, 9000)); // begun again, with the same limit
    assert_null(qni_arena_alloc(&arena, 9000));
    qni_arena_end(&arena);
}

static void test_strings(void **state)
{
    (void)state;
    qni_arena arena;
    qni_arena_begin(&arena, 1000);
    assert_string_equal(qni_arena_strdup(&arena, "quince"), "quince");
    assert_string_equal(qni_arena_strndup(&arena, "quince", 3), "qui");
    assert_string_equal(qni_arena_strndup(&arena, NULL, 0), "");
    qni_arena_end(&arena);
}

static qn_status fill(void *context, qn_error *err)
{
    (void)context;
    qni_arena arena;
    qni_arena_begin(&arena, (size_t)1 << 30);
    qn_status status = QN_OK;
    for (size_t i = 0; i < 100 && status == QN_OK; i++) {
        if (qni_arena_alloc(&arena, i * 100) == NULL) {
            status = qni_fail_memory(err);
        }
    }
    qni_arena_end(&arena);
    return status;
}

static void test_failing_allocation(void **state)
{
    (void)state;
    assert_true(torture(fill, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(test_a_piece_above_the_chunk_size),
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
