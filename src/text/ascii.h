// Eight characters of ASCII at once. Little endian.
#ifndef QNI_TEXT_ASCII_H
#define QNI_TEXT_ASCII_H

#include <stdbool.h>
#include <stdint.h>

#define QNI_ASCII_ONES 0x0101010101010101u
#define QNI_ASCII_TOPS 0x8080808080808080u

// Whether all are ASCII, at least 0x20 and below 0x7F.
static inline bool qni_ascii_is_printable(uint64_t part)
{
    uint64_t low = part & ~QNI_ASCII_TOPS;
    uint64_t each = ~part & (low + QNI_ASCII_ONES * 0x60) & ~(low + QNI_ASCII_ONES);
    return (each & QNI_ASCII_TOPS) == QNI_ASCII_TOPS;
}

// Lower case of ASCII.
static inline uint64_t qni_ascii_lower(uint64_t part)
{
    uint64_t upper = (part + QNI_ASCII_ONES * (0x80 - 'A')) &
                     ~(part + QNI_ASCII_ONES * (0x7F - 'Z')) & QNI_ASCII_TOPS;
    return part | upper >> 2;
}

#endif
