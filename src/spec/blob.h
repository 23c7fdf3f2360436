// Weight files: blobs behind descriptors, mapped and never copied. reference: the storage format of
// coremltools' libmilstoragepython, version 2.
#ifndef QNI_SPEC_BLOB_H
#define QNI_SPEC_BLOB_H

#include "base/file.h"
#include "base/tensor.h"

// Finds the blob whose descriptor stands at `offset` and checks it against what the program
// declares. The tensor's data points into the map. `where` names the value in errors.
QNI_WARN_UNUSED qn_status qni_blob_find(const qni_map *map, uint64_t offset, qni_dtype dtype,
                                        int32_t rank, const int64_t *dims, const char *where,
                                        qni_tensor *out, qn_error *err);

#endif
