// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef QNI_BASE_UTF8_H
#define QNI_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decodes the character at `text` (n > 0 bytes left). Returns its length in bytes, 1 to 4, with the
// code point in `*code`; or minus the length of the maximal ill-formed part, 1 to 3, with U+FFFD in
// `*code`, which is how Python's errors="replace" and the WHATWG decoder count.
int qni_utf8_decode(const unsigned char *text, size_t n, uint32_t *code);

// The character that valid UTF-8 begins with; its length goes to *length.
static inline uint32_t qni_utf8_read(const char *text, size_t *length)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < 0x80) {
        *length = 1;
        return c[0];
    }
    if (c[0] < 0xE0) {
        *length = 2;
        return (c[0] & 0x1Fu) << 6 | (c[1] & 0x3Fu);
    }
    if (c[0] < 0xF0) {
        *length = 3;
        return (c[0] & 0x0Fu) << 12 | (c[1] & 0x3Fu) << 6 | (c[2] & 0x3Fu);
    }
    *length = 4;
    return (c[0] & 0x07u) << 18 | (c[1] & 0x3Fu) << 12 | (c[2] & 0x3Fu) << 6 | (c[3] & 0x3Fu);
}

// Writes a code point (a scalar value) into `out` (room for 4). Returns the bytes written.
int qni_utf8_encode(uint32_t code, char *out);

bool qni_utf8_is_valid(const char *text, size_t n);

// How many bytes at the end of `text` begin a character that more bytes could complete (0 to 3).
size_t qni_utf8_unfinished(const char *text, size_t n);

#endif
