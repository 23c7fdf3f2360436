#include "base/alloc.h"

#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_sizes_of_zero(void **state)
{
    (void)state;
    void *a = qni_alloc(0);
    void *b = qni_calloc(0, 8);
    void *c = qni_realloc(NULL, 0);
    void *d = qni_alloc_aligned(0);
    assert_true(a != NULL && b != NULL && c != NULL && d != NULL);
    qni_free(a);
    qni_free(b);
    qni_free(c);
    qni_free_aligned(d);
    qni_free(NULL);
    qni_free_aligned(NULL);
}

static void test_products_that_overflow(void **state)
{
    (void)state;
    assert_null(qni_alloc_array(SIZE_MAX / 2, 3));
    assert_null(qni_calloc(SIZE_MAX / 2, 3));
    assert_null(qni_alloc_aligned(SIZE_MAX));
    assert_null(qni_alloc_aligned(SIZE_MAX - 63));
}

static void test_aligned_memory(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 300; bytes += 7) {
        char *memory = qni_alloc_aligned(bytes);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        memset(memory, 1, bytes);
        qni_free_aligned(memory);
    }
}

static void test_large_aligned_memory(void **state)
{
    (void)state;
    // around the size from which it is asked of the system
    for (size_t bytes = ((size_t)2 << 20) - 1; bytes < (size_t)8 << 20; bytes = bytes * 2 - 1000) {
        char *memory = qni_calloc_aligned(bytes);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        for (size_t i = 0; i < bytes; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 1, bytes);
        qni_free_aligned(memory);
    }
    char *small = qni_calloc_aligned(1000);
    assert_non_null(small);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(small[i], 0);
    }
    qni_free_aligned(small);
}

static void test_strings(void **state)
{
    (void)state;
    char *whole = qni_strdup("quince");
    char *part = qni_strndup("quince", 3);
    assert_string_equal(whole, "quince");
    assert_string_equal(part, "qui");
    qni_free(whole);
    qni_free(part);
}

static void test_grow_keeps_items(void **state)
{
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(qni_grow(&items, &capacity, (size_t)i + 1, sizeof *items), 0);
        items[i] = i;
    }
    assert_true(capacity >= 1000 && capacity < 4000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(items[i], i);
    }
    int *before = items;
    size_t same = capacity;
    assert_int_equal(qni_grow(&items, &capacity, SIZE_MAX, sizeof *items), -1);
    assert_int_equal(qni_grow(&items, &capacity, SIZE_MAX / 2, sizeof *items), -1);
    qni_alloc_fail_after(1);
    assert_int_equal(qni_grow(&items, &capacity, capacity + 1, sizeof *items), -1);
    qni_alloc_fail_after(0);
    assert_ptr_equal(items, before);
    assert_int_equal(capacity, same);
    qni_free(items);
}

static void test_count_and_failure(void **state)
{
    (void)state;
    uint64_t before = qni_alloc_count();
    qni_alloc_fail_after(3);
    void *first = qni_alloc(1);
    void *second = qni_calloc(1, 1);
    assert_true(first != NULL && second != NULL);
    assert_null(qni_alloc(1)); // the third and all later ones
    assert_null(qni_calloc(1, 1));
    assert_null(qni_realloc(NULL, 1));
    assert_null(qni_alloc_array(1, 1));
    assert_null(qni_alloc_aligned(1));
    assert_null(qni_strdup("x"));
    qni_alloc_fail_after(0);
    void *after = qni_alloc(1);
    assert_non_null(after);
    assert_int_equal(qni_alloc_count() - before, 9);
    qni_free(first);
    qni_free(second);
    qni_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_of_zero),     cmocka_unit_test(test_products_that_overflow),
        cmocka_unit_test(test_aligned_memory),    cmocka_unit_test(test_large_aligned_memory),
        cmocka_unit_test(test_strings),           cmocka_unit_test(test_grow_keeps_items),
        cmocka_unit_test(test_count_and_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
