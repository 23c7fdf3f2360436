// The folder where quince keeps what it can make again: $QUINCE_CACHE, or "quince" in
// $XDG_CACHE_HOME, or ~/.cache/quince (~/Library/Caches/quince on a Mac). QUINCE_CACHE set to an
// empty string turns it off. Anything in it may be deleted at any time; nothing fails for lack of
// it.
#ifndef QNI_BASE_CACHE_H
#define QNI_BASE_CACHE_H

#include "base/buf.h"

#include <stdbool.h>

// The path of a file in the cache folder, which need not be there; free it with qni_free. NULL when
// there is no cache folder, or no memory. The name is made of `kind` and of what `key` hashes to.
char *qni_cache_path(const char *kind, const char *key);

// Makes the folders that lead to a path of qni_cache_path, for the user alone. False when that
// fails.
bool qni_cache_prepare(const char *path);

// Deletes the files that were written longest ago until those beside `path` take no more than
// QNI_MAX_CACHE_BYTES; `path` itself stays.
void qni_cache_trim(const char *path);

// Appends a line that changes when the file does: its path and, where it is there, device, inode,
// size and the times of its last changes. Those of inodes are the system's own and cannot be set.
// *fresh becomes true for a file that changed within the last second, which could change again
// without a trace.
QNI_WARN_UNUSED qn_status qni_cache_stamp(const char *path, qni_buf *out, bool *fresh,
                                          qn_error *err);

#endif
