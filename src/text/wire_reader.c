#include "text/wire_reader.h"

#include <string.h>

static uint64_t varint(qni_wire *w)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (w->at == w->end) {
            break;
        }
        unsigned char byte = *w->at++;
        value |= shift < 64 ? (uint64_t)(byte & 127) << shift : 0;
        if (byte < 128) {
            return value;
        }
    }
    w->broken = true;
    return 0;
}

bool qni_wire_next(qni_wire *w, qni_wire_field *f)
{
    if (w->broken || w->at == w->end) {
        return false;
    }
    uint64_t key = varint(w);
    *f = (qni_wire_field){.number = key >> 3, .type = (int)(key & 7)};
    if (f->type == 0) {
        f->value = varint(w);
        return !w->broken;
    }
    uint64_t n = f->type == 1 ? 8 : f->type == 5 ? 4 : f->type == 2 ? varint(w) : UINT64_MAX;
    if (w->broken || n > (size_t)(w->end - w->at)) {
        w->broken = true;
        return false;
    }
    f->bytes = (const char *)w->at;
    f->n = (size_t)n;
    w->at += n;
    return true;
}

qni_wire qni_wire_inside(const qni_wire_field *f)
{
    const unsigned char *at = (const unsigned char *)f->bytes;
    return (qni_wire){at, at != NULL ? at + f->n : NULL, f->type != 2};
}

float qni_wire_float(const qni_wire_field *f)
{
    float value = 0;
    if (f->type == 5) {
        memcpy(&value, f->bytes, sizeof value);
    }
    return value;
}
