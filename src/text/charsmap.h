// SentencePiece's table of characters and their replacements ("precompiled_charsmap"): a double
// array whose keys are UTF-8 and whose values are places in a pool of zero-terminated texts.
//
// The array is darts-clone's: https://github.com/s-yata/darts-clone, the file's layout
// sentencepiece's src/builder.cc.
#ifndef QNI_TEXT_CHARSMAP_H
#define QNI_TEXT_CHARSMAP_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qni_charsmap {
    uint32_t *units;
    uint32_t n_units; // 0: an empty table
    char *pool;
    size_t n_pool;
    uint8_t ascii[128];  // 1: some key begins with this character
    uint32_t alone[128]; // the place of its replacement in the pool, plus 1; 0: it is no key
    bool same;           // no printable one is a key
    // a bit for each code below QNI_CHARSMAP_CODES: the character stands alone, and no key is all
    // of it or begins it. NULL: not asked for
    uint64_t *stays;
} qni_charsmap;

enum { QNI_CHARSMAP_CODES = 0x10000 };

// Copies a table of `n` bytes.
QNI_WARN_UNUSED qn_status qni_charsmap_open(const char *bytes, size_t n, qni_charsmap *out,
                                            qn_error *err);
void qni_charsmap_end(qni_charsmap *map);

// Finds which characters stay as they are.
QNI_WARN_UNUSED qn_status qni_charsmap_find_staying(qni_charsmap *map, qn_error *err);

static inline bool qni_charsmap_stays(const qni_charsmap *map, uint32_t code)
{
    return code < QNI_CHARSMAP_CODES && (map->stays[code / 64] >> (code % 64) & 1) != 0;
}

// The replacement of the longest (or else the shortest) key that `text` begins with, and the key's
// length; NULL when there is none.
const char *qni_charsmap_find(const qni_charsmap *map, const char *text, size_t n, bool longest,
                              size_t *key);

// Whether some key begins with all `n` bytes of the text.
bool qni_charsmap_has(const qni_charsmap *map, const char *text, size_t n);

// Whether some key may have the byte (ASCII, not 0) at another place than its first. False is
// certain.
bool qni_charsmap_may_hold(const qni_charsmap *map, char byte);

#endif
