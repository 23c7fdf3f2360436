#include "spec/wire.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

// The parts of the wire format: a tag is field << 3 | type;
// https://protobuf.dev/programming-guides/encoding
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

typedef struct cursor {
    const unsigned char *at, *end;
} cursor;

static bool read_varint(cursor *c, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 70 && c->at < c->end; shift += 7) {
        unsigned char byte = *c->at++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

// One field: its number, and for BYTES what it holds.
static bool read_field(cursor *c, uint32_t *field, unsigned *type, cursor *inner)
{
    uint64_t tag;
    uint64_t n;
    if (!read_varint(c, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF) {
        return false;
    }
    *field = (uint32_t)(tag >> 3);
    *type = (unsigned)(tag & 7);
    switch (*type) {
    case VARINT: return read_varint(c, &n);
    case FIXED64: n = 8; break;
    case FIXED32: n = 4; break;
    case BYTES:
        if (!read_varint(c, &n)) {
            return false;
        }
        break;
    default: return false; // groups are long gone
    }
    if (n > (uint64_t)(c->end - c->at)) {
        return false;
    }
    inner->at = c->at;
    inner->end = c->at + n;
    c->at += n;
    return true;
}

bool qni_wire_each_field(const unsigned char *bytes, size_t n,
                         bool (*see)(void *context, uint32_t field), void *context)
{
    cursor c = {bytes, bytes + n};
    while (c.at < c.end) {
        uint32_t field;
        unsigned type;
        cursor inner;
        if (!read_field(&c, &field, &type, &inner)) {
            return false;
        }
        if (!see(context, field)) {
            return true;
        }
    }
    return true;
}

// ---- Depth

typedef struct level {
    cursor rest;
    const ProtobufCMessageDescriptor *type;
} level;

static qn_status fail_at(const unsigned char *start, const cursor *c, const char *where,
                         const char *type, qn_error *err)
{
    return qni_fail(err, QN_INVALID_MODEL, where, "broken protobuf at byte %zu, in a message %s",
                    (size_t)(c->at - start), type);
}

// Follows the messages that the type has; what it does not know stays bytes for protobuf-c, too.
static qn_status check_depth(const ProtobufCMessageDescriptor *type, const unsigned char *bytes,
                             size_t n, const char *where, qn_error *err)
{
    level stack[QNI_MAX_PROTO_DEPTH];
    int depth = 1;
    stack[0] = (level){{bytes, bytes + n}, type};
    while (depth > 0) {
        level *top = &stack[depth - 1];
        if (top->rest.at == top->rest.end) {
            depth--;
            continue;
        }
        uint32_t number;
        unsigned wire;
        cursor inner;
        if (!read_field(&top->rest, &number, &wire, &inner)) {
            return fail_at(bytes, &top->rest, where, top->type->short_name, err);
        }
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(top->type,
                                                                                        number);
        if (field == NULL || wire != BYTES || field->type != PROTOBUF_C_TYPE_MESSAGE) {
            continue;
        }
        if (depth == QNI_MAX_PROTO_DEPTH) {
            return qni_fail(err, QN_LIMIT_EXCEEDED, where, "messages nested more than %d deep",
                            QNI_MAX_PROTO_DEPTH);
        }
        stack[depth++] = (level){inner, field->descriptor};
    }
    return QN_OK;
}

// ---- Memory

// An empty message takes two bytes on the wire and up to a few hundred in memory; each piece has
// its header, too.
enum { BYTES_PER_BYTE = 128 };

typedef struct budget {
    size_t left;
    bool is_over; // the budget, or
    bool is_out;  // the machine's memory
} budget;

static void *budget_alloc(void *context, size_t bytes)
{
    budget *b = context;
    if (bytes + 32 > b->left) {
        b->is_over = true;
        return NULL;
    }
    b->left -= bytes + 32;
    void *memory = qni_alloc(bytes);
    b->is_out = b->is_out || memory == NULL;
    return memory;
}

static void budget_free(void *context, void *memory)
{
    (void)context;
    qni_free(memory);
}

qn_status qni_wire_unpack(const ProtobufCMessageDescriptor *type, const unsigned char *bytes,
                          size_t n, const char *where, ProtobufCMessage **message, qn_error *err)
{
    *message = NULL;
    if (n > QNI_MAX_MODEL_PROTO_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, where,
                        "%zu bytes of protobuf; at most %zu are read", n,
                        QNI_MAX_MODEL_PROTO_BYTES);
    }
    QNI_TRY(check_depth(type, bytes, n, where, err));
    budget b = {.left = QNI_MIB + BYTES_PER_BYTE * n};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &b};
    *message = protobuf_c_message_unpack(type, &allocator, n, bytes);
    if (*message != NULL) {
        return QN_OK;
    }
    if (b.is_over) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, where,
                        "the model takes too much memory for its size");
    }
    if (b.is_out) {
        return qni_fail_memory(err);
    }
    return qni_fail(err, QN_INVALID_MODEL, where,
                    "not a model: the protobuf does not fit the format");
}

void qni_wire_free(ProtobufCMessage *message)
{
    static ProtobufCAllocator allocator = {budget_alloc, budget_free, NULL};
    if (message != NULL) {
        protobuf_c_message_free_unpacked(message, &allocator);
    }
}
