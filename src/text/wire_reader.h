// Reading protobuf's wire format, for the one message that tokenizers need. Every length is checked
// against what is left.
#ifndef QNI_TEXT_WIRE_READER_H
#define QNI_TEXT_WIRE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qni_wire {
    const unsigned char *at, *end;
    bool broken; // something did not fit; nothing more is read
} qni_wire;

typedef struct qni_wire_field {
    uint64_t number; // of the field
    int type;        // 0 varint, 1 eight bytes, 2 bytes, 5 four bytes
    uint64_t value;  // of a number
    const char *bytes;
    size_t n;
} qni_wire_field;

// False at the end, and when the bytes are no message.
bool qni_wire_next(qni_wire *wire, qni_wire_field *field);
qni_wire qni_wire_inside(const qni_wire_field *field); // a message in a message
float qni_wire_float(const qni_wire_field *field);

#endif
