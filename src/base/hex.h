// Hexadecimal digits.
#ifndef QNI_BASE_HEX_H
#define QNI_BASE_HEX_H

// The value of a digit of either case, or -1.
static inline int qni_hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

#endif
