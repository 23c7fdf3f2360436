#include "base/image.h"

#include "tests/temporary.h"
#include "tests/torture.h"

#include <string.h>

typedef struct row {
    uint32_t n;
    const uint32_t *numbers;
    double *large;
    char *name, *nothing;
} row;

static void keep_row(qni_image *image, row *r)
{
    qni_image_value(image, r, sizeof *r);
    qni_image_array(image, &r->numbers, r->n, sizeof *r->numbers);
    qni_image_large(image, &r->large, r->n, sizeof *r->large);
    qni_image_text(image, &r->name);
    qni_image_text(image, &r->nothing);
}

static void free_copies(row *r)
{
    qni_free_aligned(r->large);
    qni_free(r->name);
    qni_free(r->nothing);
}

static qn_status write_row(const char *path, qn_error *err)
{
    static const uint32_t numbers[] = {3, 1, 4, 1, 5};
    static double large[] = {0.5, 1.5, 2.5, 3.5, 4.5};
    static char name[] = "row";
    row r = {5, numbers, large, name, NULL};
    qni_image image;
    qni_image_begin(&image, "stamp", 5, err);
    keep_row(&image, &r);
    return qni_image_save(&image, path);
}

static qn_status read_row(const qni_map *map, const char *stamp, row *r, qn_error *err)
{
    qni_image image;
    QNI_TRY(qni_image_read(&image, map, stamp, strlen(stamp), err));
    keep_row(&image, r);
    return image.status;
}

static void test_what_was_kept_comes_back(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], path[TEMPORARY_PATH + 8];
    qn_error err;
    qni_map *map;
    row r;
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/i", folder);
    assert_int_equal(write_row(path, &err), QN_OK);
    assert_int_equal(qni_map_open(path, &map, &err), QN_OK);
    assert_int_equal(read_row(map, "stamp", &r, &err), QN_OK);
    assert_int_equal(r.n, 5);
    assert_int_equal(r.numbers[4], 5);
    assert_int_equal((uintptr_t)r.numbers % 64, 0);
    assert_int_equal((uintptr_t)r.large % 64, 0);
    assert_true(r.large[4] == 4.5);
    assert_string_equal(r.name, "row");
    assert_null(r.nothing);
    free_copies(&r);
    qni_map_release(map);
    temporary_end(folder);
}

static void test_another_stamp_is_refused(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], path[TEMPORARY_PATH + 8];
    qn_error err;
    qni_map *map;
    row r;
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/i", folder);
    assert_int_equal(write_row(path, &err), QN_OK);
    assert_int_equal(qni_map_open(path, &map, &err), QN_OK);
    assert_int_equal(read_row(map, "stamq", &r, &err), QN_INVALID_ARGUMENT);
    assert_int_equal(read_row(map, "stamp and more", &r, &err), QN_INVALID_ARGUMENT);
    assert_int_equal(read_row(map, "", &r, &err), QN_INVALID_ARGUMENT);
    qni_map_release(map);
    temporary_end(folder);
}

// Every bit that is changed and every byte that is missing.
static void test_damage_is_refused(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], path[TEMPORARY_PATH + 8], *bytes;
    size_t n;
    qn_error err;
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/i", folder);
    assert_int_equal(write_row(path, &err), QN_OK);
    assert_int_equal(qni_file_read(path, 4096, &bytes, &n, &err), QN_OK);
    for (size_t bit = 0; bit < 9 * n; bit++) {
        size_t size = bit < 8 * n ? n : bit - 8 * n;
        qni_map *map;
        row r;
        bytes[bit / 8 % n] ^= (char)(1 << bit % 8);
        assert_int_equal(qni_file_write(path, bytes, size, &err), QN_OK);
        bytes[bit / 8 % n] ^= (char)(1 << bit % 8);
        assert_int_equal(qni_map_open(path, &map, &err), QN_OK);
        assert_int_not_equal(read_row(map, "stamp", &r, &err), QN_OK);
        qni_map_release(map);
    }
    qni_free(bytes);
    temporary_end(folder);
}

// A part that the image does not have reads as nothing.
static void test_reading_past_the_end_fails(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], path[TEMPORARY_PATH + 8];
    qn_error err;
    qni_map *map;
    row r, more = {.n = 7};
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/i", folder);
    assert_int_equal(write_row(path, &err), QN_OK);
    assert_int_equal(qni_map_open(path, &map, &err), QN_OK);
    qni_image image;
    assert_int_equal(qni_image_read(&image, map, "stamp", 5, &err), QN_OK);
    keep_row(&image, &r);
    assert_int_equal(image.status, QN_OK);
    keep_row(&image, &more);
    assert_int_equal(image.status, QN_INVALID_MODEL);
    assert_int_equal(more.n, 0);
    assert_null(more.numbers);
    assert_null(more.large);
    assert_null(more.name);
    free_copies(&r);
    qni_map_release(map);
    temporary_end(folder);
}

static qn_status write_and_read(void *context, qn_error *err)
{
    qni_map *map;
    row r = {0};
    QNI_TRY(write_row(context, err));
    QNI_TRY(qni_map_open(context, &map, err));
    qn_status status = read_row(map, "stamp", &r, err);
    free_copies(&r);
    qni_map_release(map);
    return status;
}

static void test_running_out_of_memory(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], path[TEMPORARY_PATH + 8];
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/i", folder);
    assert_true(torture(write_and_read, path) > 4);
    temporary_end(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_kept_comes_back),
        cmocka_unit_test(test_another_stamp_is_refused),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_reading_past_the_end_fails),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
