// Looking over protobuf bytes before protobuf-c takes them apart: it recurses without a limit and
// allocates what the bytes say.
#ifndef QNI_SPEC_WIRE_H
#define QNI_SPEC_WIRE_H

#include "base/error.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

// Unpacks `bytes` as a message of the type. Refused are bytes that are no protobuf, messages nested
// more than QNI_MAX_PROTO_DEPTH deep, and what would take more memory than a fixed multiple of the
// bytes. `*message` is NULL after a failure; free it with qni_wire_free.
QNI_WARN_UNUSED qn_status qni_wire_unpack(const ProtobufCMessageDescriptor *type,
                                          const unsigned char *bytes, size_t n, const char *where,
                                          ProtobufCMessage **message, qn_error *err);
void qni_wire_free(ProtobufCMessage *message); // NULL is fine

// Calls `see` for each field number at the top of the message until it returns false. False when
// the bytes are broken.
bool qni_wire_each_field(const unsigned char *bytes, size_t n,
                         bool (*see)(void *context, uint32_t field), void *context);

#endif
