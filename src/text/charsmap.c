#include "text/charsmap.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include <string.h>

static uint32_t read_u32(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

qn_status qni_charsmap_open(const char *bytes, size_t n, qni_charsmap *out, qn_error *err)
{
    *out = (qni_charsmap){.same = true};
    if (n == 0) {
        return QN_OK;
    }
    uint32_t size = n >= 4 ? read_u32(bytes) : 0;
    if (n < 4 || size > n - 4 || size % 4 != 0) {
        return qni_fail(err, QN_INVALID_MODEL, NULL,
                        "a precompiled_charsmap of %zu bytes whose table has %u", n, size);
    }
    out->n_units = size / 4;
    out->n_pool = n - 4 - size;
    out->units = qni_alloc_array((size_t)out->n_units + 1, sizeof *out->units);
    out->pool = qni_strndup(bytes + 4 + size, out->n_pool);
    if (out->units == NULL || out->pool == NULL) {
        qni_charsmap_end(out);
        return qni_fail_memory(err);
    }
    for (uint32_t i = 0; i < out->n_units; i++) {
        out->units[i] = read_u32(bytes + 4 + 4 * (size_t)i);
    }
    for (int c = 1; c < 128 && out->n_units > 0; c++) {
        char text = (char)c;
        size_t key;
        out->ascii[c] = qni_charsmap_has(out, &text, 1);
        const char *found = qni_charsmap_find(out, &text, 1, false, &key);
        out->alone[c] = found != NULL ? (uint32_t)(found - out->pool) + 1 : 0;
        out->same = out->same && (found == NULL || c < 0x20 || c == 0x7F);
    }
    return QN_OK;
}

void qni_charsmap_end(qni_charsmap *map)
{
    qni_free(map->units);
    qni_free(map->pool);
    qni_free(map->stays);
    *map = (qni_charsmap){0};
}

// Moves to the child of a node by one byte; false when there is none.
static bool step(const qni_charsmap *map, uint32_t *at, unsigned char byte)
{
    *at ^= byte;
    return *at < map->n_units && (map->units[*at] & 0x800000FF) == byte;
}

static uint32_t children(uint32_t at, uint32_t unit)
{
    return at ^ unit >> 10 << ((unit & 0x200) >> 6);
}

bool qni_charsmap_has(const qni_charsmap *map, const char *text, size_t n)
{
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (map->n_units == 0) {
            return false;
        }
        at = children(at, map->units[at]);
        if (text[i] == 0 || !step(map, &at, (unsigned char)text[i])) {
            return false;
        }
    }
    return true;
}

bool qni_charsmap_may_hold(const qni_charsmap *map, char byte)
{
    for (uint32_t i = 1; i < map->n_units; i++) { // 0 is the root
        uint32_t at = children(i, map->units[i]);
        if (step(map, &at, (unsigned char)byte)) {
            return true;
        }
    }
    return false;
}

const char *qni_charsmap_find(const qni_charsmap *map, const char *text, size_t n, bool longest,
                              size_t *key)
{
    const char *found = NULL;
    uint32_t at = 0;
    for (size_t i = 0; map->n_units > 0; i++) {
        uint32_t unit = map->units[at];
        at = children(at, unit);
        if (i > 0 && (unit >> 8 & 1) != 0 && at < map->n_units) { // a key ends here
            uint32_t value = map->units[at] & 0x7FFFFFFF;
            found = value <= map->n_pool ? map->pool + value : found;
            *key = i;
            if (!longest) {
                return found;
            }
        }
        if (i == n || text[i] == 0) {
            return found;
        }
        if (!step(map, &at, (unsigned char)text[i])) {
            return found;
        }
    }
    return found;
}

qn_status qni_charsmap_find_staying(qni_charsmap *map, qn_error *err)
{
    map->stays = qni_calloc(QNI_CHARSMAP_CODES / 64, sizeof *map->stays);
    if (map->stays == NULL) {
        return qni_fail_memory(err);
    }
    for (uint32_t code = 0; code < QNI_CHARSMAP_CODES; code++) {
        char text[4];
        size_t key;
        bool stays = (code < 0xD800 || code > 0xDFFF) && qni_unicode_stands_alone(code) &&
                     qni_charsmap_find(map, text, (size_t)qni_utf8_encode(code, text), false,
                                       &key) == NULL;
        map->stays[code / 64] |= (uint64_t)stays << (code % 64);
    }
    return QN_OK;
}
