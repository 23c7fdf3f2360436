// A checksum that runs at the speed of memory, for files of our own: it finds damage by accident,
// not by design.
#ifndef QNI_BASE_CHECKSUM_H
#define QNI_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t qni_checksum(const void *bytes, size_t n);

#endif
