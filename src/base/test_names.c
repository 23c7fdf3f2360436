#include "base/names.h"

#include "tests/torture.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 100000, KEY_BYTES = 16 };

static void test_a_hundred_thousand_keys(void **state)
{
    (void)state;
    static char keys[MANY][KEY_BYTES];
    qni_names names = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        size_t n = (size_t)snprintf(keys[i], KEY_BYTES, "key.%u", i);
        bool found = true;
        assert_int_equal(qni_names_add(&names, keys[i], n, i * 7, &found, NULL, NULL), QN_OK);
        assert_false(found);
    }
    assert_int_equal(names.n_used, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t value = 0;
        assert_true(qni_names_find(&names, keys[i], strlen(keys[i]), &value));
        assert_int_equal(value, i * 7);
        assert_false(qni_names_find(&names, keys[i], strlen(keys[i]) - 1, &value) && i >= 10 &&
                     value == i * 7); // a prefix is another key
    }
    uint32_t value;
    assert_false(qni_names_find(&names, "key.100000", 10, &value));
    qni_names_end(&names);
    assert_false(qni_names_find(&names, "key.1", 5, &value));
}

static void test_adding_twice_changes_nothing(void **state)
{
    (void)state;
    qni_names names = {0};
    bool found;
    uint32_t old = 0;
    uint32_t value = 0;
    assert_int_equal(qni_names_add(&names, "a", 1, 1, NULL, NULL, NULL), QN_OK);
    assert_int_equal(qni_names_add(&names, "a", 1, 2, &found, &old, NULL), QN_OK);
    assert_true(found);
    assert_int_equal(old, 1);
    assert_true(qni_names_find(&names, "a", 1, &value));
    assert_int_equal(value, 1);
    assert_int_equal(names.n_used, 1);
    qni_names_end(&names);
}

static void test_put_replaces(void **state)
{
    (void)state;
    qni_names names = {0};
    uint32_t value = 0;
    assert_int_equal(qni_names_put(&names, "a", 1, 1, NULL), QN_OK);
    assert_int_equal(qni_names_put(&names, "a", 1, 2, NULL), QN_OK);
    assert_true(qni_names_find(&names, "a", 1, &value));
    assert_int_equal(value, 2);
    qni_names_end(&names);
}

static void test_keys_are_bytes(void **state)
{
    (void)state;
    qni_names names = {0};
    uint32_t value = 0;
    assert_int_equal(qni_names_put(&names, "", 0, 1, NULL), QN_OK);
    assert_int_equal(qni_names_put(&names, "a\0b", 3, 2, NULL), QN_OK);
    assert_int_equal(qni_names_put(&names, "a\0c", 3, 3, NULL), QN_OK);
    assert_int_equal(qni_names_put(&names, "a", 1, 4, NULL), QN_OK);
    assert_true(qni_names_find(&names, "", 0, &value) && value == 1);
    assert_true(qni_names_find(&names, "a\0b", 3, &value) && value == 2);
    assert_true(qni_names_find(&names, "a\0c", 3, &value) && value == 3);
    assert_true(qni_names_find(&names, "a", 1, &value) && value == 4);
    qni_names_end(&names);
}

// Neighbouring keys must not crowd the table: each of 2^16 buckets of the hash's low bits would get
// 16 of 2^20 keys on average, and some 40 at most when they fall at random.
static void test_the_hash_spreads(void **state)
{
    (void)state;
    static unsigned short buckets[1 << 16];
    for (uint32_t i = 0; i < 1 << 20; i++) {
        buckets[qni_hash_bytes(&i, sizeof i) & 0xFFFF]++;
    }
    for (size_t i = 0; i < 1 << 16; i++) {
        assert_true(buckets[i] < 50);
    }
}

static qn_status add_some(void *context, qn_error *err)
{
    (void)context;
    static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    qni_names names = {0};
    qn_status status = QN_OK;
    size_t n = 0;
    for (size_t i = 1; i < sizeof text && status == QN_OK; i++) {
        status = qni_names_put(&names, text, i, (uint32_t)i, err);
        n += status == QN_OK;
    }
    assert_int_equal(names.n_used, n);
    for (size_t i = 1; i <= n; i++) { // what was in before the failure is still there
        uint32_t value = 0;
        assert_true(qni_names_find(&names, text, i, &value) && value == i);
    }
    qni_names_end(&names);
    return status;
}

static void test_failing_allocation(void **state)
{
    (void)state;
    assert_true(torture(add_some, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hundred_thousand_keys),
        cmocka_unit_test(test_adding_twice_changes_nothing),
        cmocka_unit_test(test_put_replaces),
        cmocka_unit_test(test_keys_are_bytes),
        cmocka_unit_test(test_the_hash_spreads),
        cmocka_unit_test(test_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
