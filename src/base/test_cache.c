#include "base/cache.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"

#include "tests/temporary.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

static void test_folder_is_the_first_one_named(void **state)
{
    (void)state;
    setenv("HOME", "/home/somebody", 1);
    setenv("XDG_CACHE_HOME", "/x", 1);
    setenv("QUINCE_CACHE", "/q", 1);
    char *path = qni_cache_path("kind", "key"), *other = qni_cache_path("kind", "another key");
    assert_int_equal(strncmp(path, "/q/kind-", 8), 0);
    assert_string_not_equal(path, other);
    qni_free(path);
    qni_free(other);
    setenv("QUINCE_CACHE", "", 1);
    assert_null(qni_cache_path("kind", "key"));
    unsetenv("QUINCE_CACHE");
    path = qni_cache_path("kind", "key");
    assert_int_equal(strncmp(path, "/x/quince/kind-", 15), 0);
    qni_free(path);
    unsetenv("XDG_CACHE_HOME");
    path = qni_cache_path("kind", "key");
    assert_int_equal(strncmp(path, "/home/somebody/", 15), 0);
    qni_free(path);
    unsetenv("HOME");
    assert_null(qni_cache_path("kind", "key"));
}

static void test_folders_are_made_for_the_user_alone(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], path[TEMPORARY_PATH + 32];
    struct stat info;
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/a/b/file", folder);
    assert_true(qni_cache_prepare(path));
    assert_true(qni_cache_prepare(path));
    snprintf(path, sizeof path, "%s/a/b", folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/a/b/c", folder);
    qn_error err;
    assert_int_equal(qni_file_write(path, "", 0, &err), QN_OK);
    snprintf(path, sizeof path, "%s/a/b/c/file", folder);
    assert_false(qni_cache_prepare(path));
    temporary_end(folder);
}

static void make_file(const char *folder, const char *name, size_t bytes, int age_s, char *path)
{
    qn_error err;
    snprintf(path, TEMPORARY_PATH + 32, "%s/%s", folder, name);
    assert_int_equal(qni_file_write(path, "", 0, &err), QN_OK);
    assert_int_equal(truncate(path, (off_t)bytes), 0); // takes no room on the disk
    struct utimbuf when = {1000000000 - age_s, 1000000000 - age_s};
    assert_int_equal(utime(path, &when), 0);
}

static void test_the_oldest_go_when_there_is_too_much(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], paths[4][TEMPORARY_PATH + 32];
    size_t half = QNI_MAX_CACHE_BYTES / 2;
    temporary_begin(folder);
    make_file(folder, "this", half, 9, paths[0]);
    make_file(folder, "old", half, 5, paths[1]);
    make_file(folder, "older", half, 7, paths[2]);
    make_file(folder, "new", 100, 0, paths[3]);
    qni_cache_trim(paths[0]);
    assert_true(qni_file_exists(paths[0]));
    assert_false(qni_file_exists(paths[1])); // with it there were 100 bytes too many
    assert_false(qni_file_exists(paths[2]));
    assert_true(qni_file_exists(paths[3]));
    temporary_end(folder);
}

static char *stamp_of(const char *path, bool *fresh)
{
    qni_buf text;
    qn_error err;
    qni_buf_begin(&text, 4096, "a stamp");
    *fresh = false;
    assert_int_equal(qni_cache_stamp(path, &text, fresh, &err), QN_OK);
    return qni_buf_take(&text);
}

static void test_stamp_changes_with_the_file(void **state)
{
    (void)state;
    char folder[TEMPORARY_PATH], path[TEMPORARY_PATH + 32];
    bool fresh;
    qn_error err;
    temporary_begin(folder);
    snprintf(path, sizeof path, "%s/file", folder);
    char *none = stamp_of(path, &fresh);
    assert_false(fresh);
    assert_int_equal(qni_file_write(path, "a", 1, &err), QN_OK);
    char *first = stamp_of(path, &fresh);
    assert_true(fresh);
    char *again = stamp_of(path, &fresh);
    assert_int_equal(qni_file_write(path, "b", 1, &err), QN_OK);
    char *second = stamp_of(path, &fresh);
    assert_string_not_equal(none, first);
    assert_string_equal(first, again);
    assert_string_not_equal(first, second);
    qni_free(none);
    qni_free(first);
    qni_free(again);
    qni_free(second);
    temporary_end(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_is_the_first_one_named),
        cmocka_unit_test(test_folders_are_made_for_the_user_alone),
        cmocka_unit_test(test_the_oldest_go_when_there_is_too_much),
        cmocka_unit_test(test_stamp_changes_with_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
