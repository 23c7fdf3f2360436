// What byte pair encoding makes of a character by itself, for those of up to three bytes.
//
// In scripts without spaces half of what lies between two seams is one character, and a text may
// hold thousands that the words before it did not have: they are found by their code.
#ifndef QNI_TEXT_CHARACTERS_H
#define QNI_TEXT_CHARACTERS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QNI_CHARACTERS = 0x10000, QNI_CHARACTER_TOKENS = 3, QNI_CHARACTER_ID_BITS = 20 };

// Three ids, the first lowest; behind them how many there are. 0: what becomes of the character is
// not known here.
typedef uint64_t qni_character;

enum { QNI_CHARACTER_N_SHIFT = QNI_CHARACTER_TOKENS * QNI_CHARACTER_ID_BITS };
#define QNI_CHARACTER_KNOWN ((uint64_t)1 << 63)
#define QNI_CHARACTER_MOST  (((uint32_t)1 << QNI_CHARACTER_ID_BITS) - 1) // the highest id

// How many tokens a known character has; writes QNI_CHARACTER_TOKENS.
static inline size_t qni_character_read(qni_character character, int32_t *ids)
{
    for (int i = 0; i < QNI_CHARACTER_TOKENS; i++) {
        uint32_t id = (uint32_t)(character >> i * QNI_CHARACTER_ID_BITS) & QNI_CHARACTER_MOST;
        ids[i] = (int32_t)id;
    }
    return (size_t)(character >> QNI_CHARACTER_N_SHIFT) & 3;
}

// The code of the character that is these n bytes; QNI_CHARACTERS when they are none of up to three
// bytes.
static inline uint32_t qni_character_code(const char *bytes, size_t n)
{
    const unsigned char *c = (const unsigned char *)bytes;
    uint32_t code = QNI_CHARACTERS;
    if (n == 3 && (c[0] & 0xF0) == 0xE0 && (c[1] & 0xC0) == 0x80 && (c[2] & 0xC0) == 0x80) {
        code = (uint32_t)(c[0] & 0x0F) << 12 | (uint32_t)(c[1] & 0x3F) << 6 | (c[2] & 0x3F);
        code = code >= 0x800 ? code : QNI_CHARACTERS;
    } else if (n == 2 && c[0] >= 0xC2 && c[0] < 0xE0 && (c[1] & 0xC0) == 0x80) {
        code = (uint32_t)(c[0] & 0x1F) << 6 | (c[1] & 0x3F);
    } else if (n == 1 && c[0] < 0x80) {
        code = c[0];
    }
    return code;
}

#endif
