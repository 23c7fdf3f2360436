#include "base/utf8.h"

#include <string.h>

// The range of the second byte depends on the first (Unicode 15, table 3-7).
static int sequence_length(unsigned char first, unsigned char *lo, unsigned char *hi)
{
    *lo = 0x80;
    *hi = 0xBF;
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    if (first < 0xE0) {
        return 2;
    }
    if (first < 0xF0) {
        *lo = first == 0xE0 ? 0xA0 : 0x80;
        *hi = first == 0xED ? 0x9F : 0xBF;
        return 3;
    }
    *lo = first == 0xF0 ? 0x90 : 0x80;
    *hi = first == 0xF4 ? 0x8F : 0xBF;
    return 4;
}

int qni_utf8_decode(const unsigned char *text, size_t n, uint32_t *code)
{
    unsigned char lo, hi;
    int length = sequence_length(text[0], &lo, &hi);
    if (length == 1) {
        *code = text[0];
        return 1;
    }
    *code = 0xFFFD;
    if (length == 0) {
        return -1;
    }
    uint32_t value = text[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= n || text[i] < lo || text[i] > hi) {
            return -i;
        }
        value = value << 6 | (text[i] & 0x3Fu);
        lo = 0x80;
        hi = 0xBF;
    }
    *code = value;
    return length;
}

int qni_utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

// The first byte at or behind `i` that is not ASCII.
static size_t skip_ascii(const unsigned char *text, size_t n, size_t i)
{
    uint64_t part[4];
    for (; n - i >= sizeof part; i += sizeof part) {
        memcpy(part, text + i, sizeof part);
        if (((part[0] | part[1] | part[2] | part[3]) & 0x8080808080808080u) != 0) {
            break;
        }
    }
    while (i < n && text[i] < 0x80) {
        i++;
    }
    return i;
}

bool qni_utf8_is_valid(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i = 0;
    while (i < n) {
        uint32_t code;
        // Three bytes of which the first alone says that the others may be any later ones: most of
        // the world's characters.
        if (n - i >= 3 && bytes[i] > 0xE0 && bytes[i] < 0xF0 && bytes[i] != 0xED &&
            (bytes[i + 1] & 0xC0) == 0x80 && (bytes[i + 2] & 0xC0) == 0x80) {
            i += 3;
        } else if (bytes[i] < 0x80) {
            i = skip_ascii(bytes, n, i);
        } else {
            int length = qni_utf8_decode(bytes + i, n - i, &code);
            if (length < 0) {
                return false;
            }
            i += (size_t)length;
        }
    }
    return true;
}

size_t qni_utf8_unfinished(const char *text, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const unsigned char *at = (const unsigned char *)text + n - back;
        if ((*at & 0xC0) == 0x80) {
            continue;
        }
        unsigned char lo, hi;
        uint32_t code;
        int length = sequence_length(*at, &lo, &hi);
        bool cut = length > (int)back && qni_utf8_decode(at, back, &code) == -(int)back;
        return cut ? back : 0;
    }
    return 0;
}
