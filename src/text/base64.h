// Base64 as RFC 4648 §4 has it.
#ifndef QNI_TEXT_BASE64_H
#define QNI_TEXT_BASE64_H

#include <stdbool.h>
#include <stddef.h>

// Decodes `n` characters into `out`, which has room for 3 * (n / 4) + 3 bytes. False when they are
// not base64.
bool qni_base64_decode(const char *text, size_t n, char *out, size_t *size);

#endif
