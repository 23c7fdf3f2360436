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

// Writes a code point (a scalar value) into `out` (room for 4). Returns the bytes written.
int qni_utf8_encode(uint32_t code, char *out);

bool qni_utf8_is_valid(const char *text, size_t n);

// How many bytes at the end of `text` begin a character that more bytes could complete (0 to 3).
size_t qni_utf8_unfinished(const char *text, size_t n);

#endif
