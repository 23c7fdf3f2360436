// A folder for the files of one test, removed with all that is in it.
//
//     char folder[TEMPORARY_PATH];
//     temporary_begin(folder);
//     ... "%s/x", folder ...
//     temporary_end(folder);
#ifndef QUINCE_TESTS_TEMPORARY_H
#define QUINCE_TESTS_TEMPORARY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_PATH = 512 };

static inline void temporary_begin(char folder[TEMPORARY_PATH])
{
    const char *root = getenv("TMPDIR");
    snprintf(folder, TEMPORARY_PATH, "%s/quince-test-XXXXXX", root != NULL ? root : "/tmp");
    if (mkdtemp(folder) == NULL) {
        fail_msg("cannot make a folder in %s", root != NULL ? root : "/tmp");
    }
}

static inline int temporary_remove(const char *path, const struct stat *info, int type,
                                   struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void temporary_end(const char *folder)
{
    assert_int_equal(nftw(folder, temporary_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
