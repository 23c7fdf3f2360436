#include "text/base64.h"

#include <stdint.h>

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool qni_base64_decode(const char *text, size_t n, char *out, size_t *size)
{
    while (n > 0 && text[n - 1] == '=') {
        n--;
    }
    uint32_t bits = 0;
    *size = 0;
    for (size_t i = 0; i < n; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0) {
            out[(*size)++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xFF);
        }
    }
    return n % 4 != 1;
}
