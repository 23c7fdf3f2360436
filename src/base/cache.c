#include "base/cache.h"

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/limits.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __APPLE__
#define HOME_CACHE "Library/Caches/quince"
#define MODIFIED   st_mtimespec
#define CHANGED    st_ctimespec
#else
#define HOME_CACHE ".cache/quince"
#define MODIFIED   st_mtim
#define CHANGED    st_ctim
#endif

static char *cache_folder(void)
{
    const char *own = getenv("QUINCE_CACHE"), *shared = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (own != NULL) {
        return own[0] != 0 ? qni_strdup(own) : NULL;
    }
    if (shared != NULL && shared[0] == '/') {
        return qni_path_join(shared, "quince");
    }
    return home != NULL && home[0] == '/' ? qni_path_join(home, HOME_CACHE) : NULL;
}

char *qni_cache_path(const char *kind, const char *key)
{
    char *folder = cache_folder(), *path = NULL;
    if (folder != NULL) {
        char name[128];
        snprintf(name, sizeof name, "%.64s-%016" PRIx64, kind, qni_checksum(key, strlen(key)));
        path = qni_path_join(folder, name);
    }
    qni_free(folder);
    return path;
}

bool qni_cache_prepare(const char *path)
{
    char *copy = qni_strdup(path);
    bool done = copy != NULL;
    for (char *slash = done ? strchr(copy + 1, '/') : NULL; slash != NULL && done;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        done = qni_folder_exists(copy) || mkdir(copy, 0700) == 0 || qni_folder_exists(copy);
        *slash = '/';
    }
    qni_free(copy);
    return done;
}

typedef struct old_file {
    char *path; // NULL: there is none
    int64_t written;
} old_file;

// Sums up the sizes of the folder's files, and finds the one written longest ago.
static size_t look_over(const char *folder, const char *but, old_file *oldest)
{
    size_t total = 0;
    DIR *files = opendir(folder);
    *oldest = (old_file){0};
    for (const struct dirent *f; files != NULL && (f = readdir(files)) != NULL;) {
        struct stat info;
        char *path = qni_path_join(folder, f->d_name);
        bool is_file = path != NULL && lstat(path, &info) == 0 && S_ISREG(info.st_mode);
        total += is_file ? (size_t)info.st_size : 0;
        bool older = is_file && strcmp(path, but) != 0 &&
                     (oldest->path == NULL || info.st_mtime < oldest->written);
        if (older) {
            qni_free(oldest->path);
            *oldest = (old_file){path, info.st_mtime};
        } else {
            qni_free(path);
        }
    }
    if (files != NULL) {
        closedir(files);
    }
    return total;
}

void qni_cache_trim(const char *path)
{
    size_t n;
    const char *base = qni_path_base(path, &n);
    char *folder = qni_strndup(path, (size_t)(base - path));
    for (bool more = folder != NULL; more;) {
        old_file oldest;
        more = look_over(folder, path, &oldest) > QNI_MAX_CACHE_BYTES && oldest.path != NULL &&
               unlink(oldest.path) == 0;
        qni_free(oldest.path);
    }
    qni_free(folder);
}

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

qn_status qni_cache_stamp(const char *path, qni_buf *out, bool *fresh, qn_error *err)
{
    struct stat info;
    struct timespec now;
    if (stat(path, &info) != 0) {
        return qni_buf_printf(out, err, "%s: none\n", path);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    *fresh = *fresh || nanoseconds(now) - nanoseconds(info.CHANGED) < 1000000000;
    return qni_buf_printf(out, err, "%s: %ju %ju %jd %" PRId64 " %" PRId64 "\n", path,
                          (uintmax_t)info.st_dev, (uintmax_t)info.st_ino, (intmax_t)info.st_size,
                          nanoseconds(info.MODIFIED), nanoseconds(info.CHANGED));
}
