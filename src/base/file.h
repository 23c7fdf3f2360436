// Files: whole, mapped, and named safely.
#ifndef QNI_BASE_FILE_H
#define QNI_BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

// A read-only mapping. Shared by reference count, from any thread; the last release unmaps.
typedef struct qni_map qni_map;

QNI_WARN_UNUSED qn_status qni_map_open(const char *path, qni_map **out, qn_error *err);
qni_map *qni_map_share(qni_map *map);
void qni_map_release(qni_map *map);                    // NULL is fine
const unsigned char *qni_map_data(const qni_map *map); // 64-byte aligned; not NULL even when empty
size_t qni_map_size(const qni_map *map);

// All of it will be read soon: the system may bring it at once rather than page by page.
void qni_map_populate(const qni_map *map);
const char *qni_map_path(const qni_map *map);

// A whole file in memory, with a zero byte behind it that `*size` does not count; free it with
// qni_free.
QNI_WARN_UNUSED qn_status qni_file_read(const char *path, size_t limit_bytes, char **data,
                                        size_t *size, qn_error *err);

// Writes beside the target and renames, so that a reader sees the old file or the new one. What is
// there and no regular file (/dev/stdout) is written to.
QNI_WARN_UNUSED qn_status qni_file_write(const char *path, const void *data, size_t size,
                                         qn_error *err);

bool qni_file_exists(const char *path);
bool qni_folder_exists(const char *path);

// "folder/name"; free it with qni_free. NULL when memory is out.
char *qni_path_join(const char *folder, const char *name);

// The part after the last slash (trailing slashes do not count); points into `path`, `*size` long.
const char *qni_path_base(const char *path, size_t *size);

// The path without links and dots; free it with qni_free. NULL when there is nothing, or no memory.
char *qni_path_real(const char *path);

// True when `name` stays below the folder that it is joined to: relative, not empty, no "..".
bool qni_path_is_inside(const char *name);

// True when the file or folder at `path` exists below the folder `root`, links followed.
bool qni_path_is_below(const char *root, const char *path);

#endif
