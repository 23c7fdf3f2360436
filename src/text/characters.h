// What byte pair encoding and WordPiece make of a character by itself.
//
// In scripts without spaces half of what lies between two seams is one character, BERT's words are
// single Han, and a text may hold thousands that the words before it did not have: they are found
// by their code. In byte pair encoding those of four bytes are rarely a token, and nearly always
// the tokens of their first three bytes and that of the last one, so a row of sixty-four stands for
// them.
#ifndef QNI_TEXT_CHARACTERS_H
#define QNI_TEXT_CHARACTERS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QNI_CHARACTERS = 0x10000, // those of up to three bytes
    QNI_CHARACTERS_END = 0x40000,
    QNI_CHARACTERS_A_ROW = 64,
    QNI_CHARACTER_ROWS = (QNI_CHARACTERS_END - QNI_CHARACTERS) / QNI_CHARACTERS_A_ROW,
    QNI_NO_CHARACTER = 0x110000,
    QNI_CHARACTER_TOKENS = 3, // of a known character, of a row's beginning
    QNI_CHARACTER_ID_BITS = 20
};

// Three ids, the first lowest; behind them how many there are. 0: what becomes of the character is
// not known here.
typedef uint64_t qni_character;

enum { QNI_CHARACTER_N_SHIFT = QNI_CHARACTER_TOKENS * QNI_CHARACTER_ID_BITS };
#define QNI_CHARACTER_KNOWN ((uint64_t)1 << 63)
#define QNI_CHARACTER_MOST  (((uint32_t)1 << QNI_CHARACTER_ID_BITS) - 1) // the highest id

// Characters of four bytes with the same first three.
typedef struct qni_character_row {
    qni_character beginning; // of what these three become
    uint64_t others;         // a bit for each character that is not that and its last byte
} qni_character_row;

typedef struct qni_characters {
    const qni_character *known;         // QNI_CHARACTERS, by code; NULL: nothing is known
    const qni_character_row *rows;      // QNI_CHARACTER_ROWS, by code from QNI_CHARACTERS on; of
                                        // WordPiece NULL
    int32_t last[QNI_CHARACTERS_A_ROW]; // the tokens of last bytes
    bool owned;
} qni_characters;

// How many tokens a known character has; writes QNI_CHARACTER_TOKENS.
static inline size_t qni_character_read(qni_character character, int32_t *ids)
{
    for (int i = 0; i < QNI_CHARACTER_TOKENS; i++) {
        uint32_t id = (uint32_t)(character >> i * QNI_CHARACTER_ID_BITS) & QNI_CHARACTER_MOST;
        ids[i] = (int32_t)id;
    }
    return (size_t)(character >> QNI_CHARACTER_N_SHIFT) & 3;
}

// The code of the character that is these n bytes; QNI_NO_CHARACTER when they are none.
static inline uint32_t qni_character_code(const char *bytes, size_t n)
{
    const unsigned char *c = (const unsigned char *)bytes;
    uint32_t code = QNI_NO_CHARACTER;
    if (n == 3 && (c[0] & 0xF0) == 0xE0 && (c[1] & 0xC0) == 0x80 && (c[2] & 0xC0) == 0x80) {
        code = (uint32_t)(c[0] & 0x0F) << 12 | (uint32_t)(c[1] & 0x3F) << 6 | (c[2] & 0x3F);
        code = code >= 0x800 ? code : QNI_NO_CHARACTER;
    } else if (n == 2 && c[0] >= 0xC2 && c[0] < 0xE0 && (c[1] & 0xC0) == 0x80) {
        code = (uint32_t)(c[0] & 0x1F) << 6 | (c[1] & 0x3F);
    } else if (n == 1 && c[0] < 0x80) {
        code = c[0];
    } else if (n == 4 && (c[0] & 0xF8) == 0xF0 && (c[1] & 0xC0) == 0x80 && (c[2] & 0xC0) == 0x80 &&
               (c[3] & 0xC0) == 0x80) {
        code = (uint32_t)(c[0] & 0x07) << 18 | (uint32_t)(c[1] & 0x3F) << 12 |
               (uint32_t)(c[2] & 0x3F) << 6 | (c[3] & 0x3F);
        code = code >= QNI_CHARACTERS && code < QNI_NO_CHARACTER ? code : QNI_NO_CHARACTER;
    }
    return code;
}

#endif
