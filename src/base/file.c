#include "base/file.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct qni_map {
    _Atomic int references;
    size_t size;
    void *data; // NULL when the file is empty
    char *path;
};

static qn_status fail_io(qn_error *err, const char *path, const char *verb)
{
    return qni_fail(err, QN_IO, path, "cannot %s: %s", verb, strerror(errno));
}

// Opens a regular file for reading and tells its size.
static qn_status open_regular(const char *path, int *fd, size_t *size, qn_error *err)
{
    // Not blocking, so that a pipe is refused below rather than waited for.
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        return fail_io(err, path, "open");
    }
    struct stat info;
    if (fstat(*fd, &info) != 0) {
        qn_status status = fail_io(err, path, "read");
        close(*fd);
        return status;
    }
    if (!S_ISREG(info.st_mode)) {
        close(*fd);
        return qni_fail(err, QN_IO, path, "not a regular file");
    }
    *size = (size_t)info.st_size;
    return QN_OK;
}

qn_status qni_map_open(const char *path, qni_map **out, qn_error *err)
{
    *out = NULL;
    int fd;
    size_t size;
    QNI_TRY(open_regular(path, &fd, &size, err));
    qni_map *map = qni_calloc(1, sizeof *map);
    char *copy = qni_strdup(path);
    void *data = NULL;
    qn_status status = QN_OK;
    if (map == NULL || copy == NULL) {
        status = qni_fail_memory(err);
    } else if (size != 0) {
        data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            status = fail_io(err, path, "map");
        }
    }
    close(fd);
    if (status != QN_OK) {
        qni_free(copy);
        qni_free(map);
        return status;
    }
    atomic_store(&map->references, 1);
    map->size = size;
    map->data = data;
    map->path = copy;
    *out = map;
    return QN_OK;
}

qni_map *qni_map_share(qni_map *map)
{
    atomic_fetch_add(&map->references, 1);
    return map;
}

void qni_map_release(qni_map *map)
{
    if (map == NULL || atomic_fetch_sub(&map->references, 1) != 1) {
        return;
    }
    if (map->data != NULL) {
        munmap(map->data, map->size);
    }
    qni_free(map->path);
    qni_free(map);
}

const unsigned char *qni_map_data(const qni_map *map)
{
    static const _Alignas(64) unsigned char empty[64];
    return map->data != NULL ? map->data : empty;
}

size_t qni_map_size(const qni_map *map)
{
    return map->size;
}

void qni_map_populate(const qni_map *map)
{
#ifdef MADV_POPULATE_READ
    if (map->data != NULL) {
        (void)madvise(map->data, map->size, MADV_POPULATE_READ); // only for speed
    }
#else
    (void)map;
#endif
}

const char *qni_map_path(const qni_map *map)
{
    return map->path;
}

static qn_status read_all(int fd, const char *path, char *data, size_t size, size_t *got,
                          qn_error *err)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, data + *got, size - *got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_io(err, path, "read");
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    return QN_OK;
}

qn_status qni_file_read(const char *path, size_t limit_bytes, char **data, size_t *size,
                        qn_error *err)
{
    *data = NULL;
    int fd;
    QNI_TRY(open_regular(path, &fd, size, err));
    if (*size > limit_bytes) {
        close(fd);
        return qni_fail(err, QN_LIMIT_EXCEEDED, path, "%zu bytes; at most %zu are read", *size,
                        limit_bytes);
    }
    char *bytes = qni_alloc(*size + 1);
    qn_status status = bytes == NULL ? qni_fail_memory(err)
                                     : read_all(fd, path, bytes, *size, size, err);
    close(fd);
    if (status != QN_OK) {
        qni_free(bytes);
        return status;
    }
    bytes[*size] = '\0';
    *data = bytes;
    return QN_OK;
}

static qn_status write_all(int fd, const char *path, const char *data, size_t size, qn_error *err)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_io(err, path, "write");
        }
        data += n;
        size -= (size_t)n;
    }
    return QN_OK;
}

// A device or a pipe takes the bytes as they come; it must not be replaced by a file.
static qn_status write_special(const char *path, const void *data, size_t size, qn_error *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_io(err, path, "open");
    }
    qn_status status = write_all(fd, path, data, size, err);
    if (close(fd) != 0 && status == QN_OK) {
        status = fail_io(err, path, "write");
    }
    return status;
}

qn_status qni_file_write(const char *path, const void *data, size_t size, qn_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return write_special(path, data, size, err);
    }
    size_t length = strlen(path);
    char *temporary = qni_alloc(length + 8);
    if (temporary == NULL) {
        return qni_fail_memory(err);
    }
    memcpy(temporary, path, length);
    memcpy(temporary + length, ".XXXXXX", 8);
    int fd = mkstemp(temporary);
    if (fd < 0) {
        qn_status status = fail_io(err, path, "create");
        qni_free(temporary);
        return status;
    }
    qn_status status = write_all(fd, path, data, size, err);
    if (status == QN_OK && fchmod(fd, 0644) != 0) {
        status = fail_io(err, path, "write");
    }
    if (close(fd) != 0 && status == QN_OK) {
        status = fail_io(err, path, "write");
    }
    if (status == QN_OK && rename(temporary, path) != 0) {
        status = fail_io(err, path, "replace");
    }
    if (status != QN_OK) {
        unlink(temporary);
    }
    qni_free(temporary);
    return status;
}

bool qni_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool qni_folder_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *qni_path_join(const char *folder, const char *name)
{
    size_t a = strlen(folder);
    size_t b = strlen(name);
    bool slash = a > 0 && folder[a - 1] != '/';
    char *path = qni_alloc(a + slash + b + 1);
    if (path != NULL) {
        memcpy(path, folder, a);
        if (slash) {
            path[a] = '/';
        }
        memcpy(path + a + slash, name, b + 1);
    }
    return path;
}

const char *qni_path_base(const char *path, size_t *size)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    *size = end - begin;
    return path + begin;
}

char *qni_path_real(const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = real != NULL ? qni_strdup(real) : NULL;
    free(real);
    return copy;
}

bool qni_path_is_inside(const char *name)
{
    if (name[0] == '\0' || name[0] == '/') {
        return false;
    }
    for (const char *part = name; part != NULL;) {
        const char *slash = strchr(part, '/');
        size_t n = slash != NULL ? (size_t)(slash - part) : strlen(part);
        if (n == 2 && part[0] == '.' && part[1] == '.') {
            return false;
        }
        part = slash != NULL ? slash + 1 : NULL;
    }
    return true;
}

bool qni_path_is_below(const char *root, const char *path)
{
    char *real_root = realpath(root, NULL);
    char *real_path = realpath(path, NULL);
    bool below = false;
    if (real_root != NULL && real_path != NULL) {
        size_t n = strlen(real_root);
        n -= real_root[n - 1] == '/'; // the root of the file system
        below = strncmp(real_root, real_path, n) == 0 && real_path[n] == '/';
    }
    free(real_root);
    free(real_path);
    return below;
}
