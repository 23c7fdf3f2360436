// A JSON value, byte by byte: whether it may still become one, and where it ends. What is accepted
// is RFC 8259's grammar, nested up to QNI_MAX_JSON_DEPTH.
#ifndef QNI_LM_JSON_SCAN_H
#define QNI_LM_JSON_SCAN_H

#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum qni_scan_result {
    QNI_SCAN_MORE, // the value goes on
    QNI_SCAN_DONE, // it ended with this byte
    QNI_SCAN_PAST, // it (a number) ended before this byte, which is not part of it
    QNI_SCAN_BAD,
} qni_scan_result;

typedef enum qni_scan_state {
    QNI_SCAN_VALUE,       // white space or the first byte of a value
    QNI_SCAN_FIRST_VALUE, // that, or "]"
    QNI_SCAN_KEY,         // white space or a key's quote
    QNI_SCAN_FIRST_KEY,   // that, or "}"
    QNI_SCAN_COLON,       // behind a key
    QNI_SCAN_AFTER,       // behind a member or an element
    QNI_SCAN_STRING,      // inside of one, a key or a value
    QNI_SCAN_ESCAPE,      // behind a backslash
    QNI_SCAN_HEX,         // in the digits of \u
    QNI_SCAN_MINUS,       // a number: behind its sign
    QNI_SCAN_ZERO,        // a leading zero
    QNI_SCAN_WHOLE,       // digits
    QNI_SCAN_POINT,       // behind the point
    QNI_SCAN_FRACTION,    // digits
    QNI_SCAN_E,           // behind the e
    QNI_SCAN_SIGN,        // behind the exponent's sign
    QNI_SCAN_EXPONENT,    // digits
    QNI_SCAN_WORD,        // in true, false or null
    QNI_SCAN_END,         // behind the whole value
} qni_scan_state;

// Begins as {0}.
typedef struct qni_json_scan {
    qni_scan_state state;
    bool is_key;                             // of STRING, ESCAPE and HEX
    uint32_t depth;                          // containers that are open
    uint32_t n_hex;                          // digits that are due
    const char *word;                        // what is due of a word
    uint8_t objects[QNI_MAX_JSON_DEPTH / 8]; // a bit for each open container: is it an object?
} qni_json_scan;

qni_scan_result qni_json_scan_byte(qni_json_scan *scan, unsigned char byte);

// Is what has come a whole value, if nothing more comes?
bool qni_json_scan_is_whole(const qni_json_scan *scan);

#endif
