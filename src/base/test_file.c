#include "base/file.h"

#include "tests/temporary.h"
#include "tests/torture.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct place {
    char folder[TEMPORARY_PATH];
    char path[TEMPORARY_PATH + 16];
} place;

static int set_up(void **state)
{
    static place p;
    temporary_begin(p.folder);
    snprintf(p.path, sizeof p.path, "%s/file", p.folder);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    temporary_end(((place *)*state)->folder);
    return 0;
}

static size_t n_entries(const char *folder)
{
    size_t n = 0;
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    }
    closedir(stream);
    return n;
}

static void test_written_is_read(void **state)
{
    place *p = *state;
    char *data;
    size_t size;
    assert_int_equal(qni_file_write(p->path, "a\0b", 3, NULL), QN_OK);
    assert_int_equal(qni_file_read(p->path, 3, &data, &size, NULL), QN_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "a\0b", 4); // and the zero behind
    qni_free(data);
    assert_int_equal(qni_file_write(p->path, NULL, 0, NULL), QN_OK);
    assert_int_equal(qni_file_read(p->path, 0, &data, &size, NULL), QN_OK);
    assert_int_equal(size, 0);
    assert_string_equal(data, "");
    qni_free(data);
    struct stat info;
    assert_int_equal(stat(p->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
}

static void test_reading_fails_with_the_path(void **state)
{
    place *p = *state;
    qn_error err;
    char *data;
    size_t size;
    assert_int_equal(qni_file_read(p->path, 10, &data, &size, &err), QN_IO);
    assert_string_equal(err.where, p->path);
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(qni_file_read(p->folder, 10, &data, &size, &err), QN_IO);
    assert_non_null(strstr(err.message, "not a regular file"));
    assert_int_equal(qni_file_write(p->path, "0123456789", 10, NULL), QN_OK);
    assert_int_equal(qni_file_read(p->path, 9, &data, &size, &err), QN_LIMIT_EXCEEDED);
    assert_null(data);
}

static void test_a_pipe_is_not_waited_for(void **state)
{
    place *p = *state;
    qn_error err;
    char *data;
    size_t size;
    qni_map *map;
    assert_int_equal(mkfifo(p->path, 0600), 0);
    assert_int_equal(qni_file_read(p->path, 10, &data, &size, &err), QN_IO);
    assert_int_equal(qni_map_open(p->path, &map, &err), QN_IO);
    assert_null(map);
}

// A reader has the old file mapped while a new one takes its place.
static void test_writing_is_atomic(void **state)
{
    place *p = *state;
    qni_map *map;
    assert_int_equal(qni_file_write(p->path, "old", 3, NULL), QN_OK);
    assert_int_equal(qni_map_open(p->path, &map, NULL), QN_OK);
    assert_int_equal(qni_file_write(p->path, "newer", 5, NULL), QN_OK);
    assert_int_equal(qni_map_size(map), 3);
    assert_memory_equal(qni_map_data(map), "old", 3);
    qni_map_release(map);
    assert_int_equal(n_entries(p->folder), 1); // nothing temporary is left
}

static void test_a_failed_write_leaves_nothing(void **state)
{
    place *p = *state;
    qn_error err;
    char inside[sizeof p->path + 16];
    snprintf(inside, sizeof inside, "%s/missing/file", p->folder);
    assert_int_equal(qni_file_write(inside, "x", 1, &err), QN_IO);
    assert_string_equal(err.where, inside);
    assert_int_equal(qni_file_write(p->folder, "x", 1, &err), QN_IO); // a folder
    assert_int_equal(n_entries(p->folder), 0);
}

static void test_a_device_is_written_to_and_stays(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(qni_file_write("/dev/null", "x", 1, NULL), QN_OK);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(qni_file_write("/dev/full", "x", 1, NULL), QN_IO);
}

static void test_maps_are_shared(void **state)
{
    place *p = *state;
    qni_map *map;
    assert_int_equal(qni_file_write(p->path, "quince", 6, NULL), QN_OK);
    assert_int_equal(qni_map_open(p->path, &map, NULL), QN_OK);
    qni_map *other = qni_map_share(map);
    qni_map_release(map);
    assert_memory_equal(qni_map_data(other), "quince", 6);
    assert_int_equal((uintptr_t)qni_map_data(other) % 64, 0);
    assert_string_equal(qni_map_path(other), p->path);
    qni_map_release(other);
    qni_map_release(NULL);
}

static void test_an_empty_map(void **state)
{
    place *p = *state;
    qni_map *map;
    assert_int_equal(qni_file_write(p->path, NULL, 0, NULL), QN_OK);
    assert_int_equal(qni_map_open(p->path, &map, NULL), QN_OK);
    assert_int_equal(qni_map_size(map), 0);
    assert_non_null(qni_map_data(map));
    assert_int_equal((uintptr_t)qni_map_data(map) % 64, 0);
    qni_map_release(map);
}

static void test_exists(void **state)
{
    place *p = *state;
    assert_false(qni_file_exists(p->path));
    assert_int_equal(qni_file_write(p->path, NULL, 0, NULL), QN_OK);
    assert_true(qni_file_exists(p->path));
    assert_false(qni_folder_exists(p->path));
    assert_true(qni_folder_exists(p->folder));
    assert_false(qni_file_exists(p->folder));
}

static void check_join(const char *folder, const char *name, const char *want)
{
    char *path = qni_path_join(folder, name);
    assert_string_equal(path, want);
    qni_free(path);
}

static void check_base(const char *path, const char *want)
{
    size_t size;
    const char *base = qni_path_base(path, &size);
    assert_int_equal(size, strlen(want));
    assert_memory_equal(base, want, size);
}

static void test_paths(void **state)
{
    (void)state;
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("/", "b", "/b");
    check_join("", "b", "b");
    check_join("a", "", "a/");
    check_base("a/b.c", "b.c");
    check_base("a/b//", "b");
    check_base("b", "b");
    check_base("", "");
    check_base("/", "");
    check_base("/a", "a");
}

static void test_inside(void **state)
{
    (void)state;
    static const char *const inside[] = {"a",   "a/b", "a//b",  "a/", "./a",
                                         "..a", "a..", "a/...", "."};
    static const char *const outside[] = {"",     "/",    "/a",     "..",
                                          "../a", "a/..", "a/../b", "a/../../b"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        assert_true(qni_path_is_inside(inside[i]));
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_false(qni_path_is_inside(outside[i]));
    }
}

static void test_below(void **state)
{
    place *p = *state;
    char link[sizeof p->path];
    snprintf(link, sizeof link, "%s/link", p->folder);
    assert_false(qni_path_is_below(p->folder, p->path)); // does not exist
    assert_int_equal(qni_file_write(p->path, "x", 1, NULL), QN_OK);
    assert_true(qni_path_is_below(p->folder, p->path));
    assert_true(qni_path_is_below("/", p->path));
    assert_false(qni_path_is_below(p->path, p->folder));
    assert_int_equal(symlink("/etc/passwd", link), 0); // leads outside
    assert_false(qni_path_is_below(p->folder, link));
    assert_int_equal(remove(link), 0);
    assert_int_equal(symlink("file", link), 0);
    assert_true(qni_path_is_below(p->folder, link));
    char beside[sizeof p->folder + 8]; // begins like the folder and is another
    snprintf(beside, sizeof beside, "%s.beside", p->folder);
    assert_int_equal(qni_file_write(beside, "x", 1, NULL), QN_OK);
    assert_false(qni_path_is_below(p->folder, beside));
    assert_int_equal(remove(beside), 0);
}

static qn_status use_all(void *context, qn_error *err)
{
    const char *path = context;
    char *data = NULL;
    size_t size;
    qni_map *map = NULL;
    QNI_TRY(qni_file_write(path, "quince", 6, err));
    QNI_TRY(qni_file_read(path, 100, &data, &size, err));
    qn_status status = qni_map_open(path, &map, err);
    qni_free(data);
    qni_map_release(map);
    return status;
}

static void test_failing_allocation(void **state)
{
    place *p = *state;
    assert_int_equal(torture(use_all, p->path), 4);
    assert_int_equal(n_entries(p->folder), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading_fails_with_the_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pipe_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writing_is_atomic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_write_leaves_nothing, set_up, tear_down),
        cmocka_unit_test(test_a_device_is_written_to_and_stays),
        cmocka_unit_test_setup_teardown(test_maps_are_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exists, set_up, tear_down),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_inside),
        cmocka_unit_test_setup_teardown(test_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failing_allocation, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
