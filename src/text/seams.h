// Where no merge of byte pair encoding crosses, whatever else the word holds.
//
// A merge of x and y crosses a place of a word only where what precedes ends in x and what follows
// begins with y. So when no merge has an x that ends in the last bytes before the place and a y
// that begins with the first bytes behind it, the place is a seam: what stands on either side is
// encoded by itself. In scripts without spaces about every second character has one before it, and
// what lies between two of them comes again where whole runs never do.
//
// Merges are known by up to three bytes on either side: which numbers of bytes there are for a last
// and a first byte stands in a table, whether the bytes themselves are some merge's in a Bloom
// filter. A place that is taken for crossed and is not costs time only.
#ifndef QNI_TEXT_SEAMS_H
#define QNI_TEXT_SEAMS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QNI_SEAM_KINDS = 65536 };

// Only places beside a character of several bytes are looked at: nearly all others are crossed.
typedef struct qni_seams {
    const uint16_t *kinds;   // QNI_SEAM_KINDS; by last byte * 256 + first byte. NULL: no seams
    const uint64_t *crossed; // n_bits, a power of two, at least 64
    size_t n_bits;
    bool owned;
} qni_seams;

// Whether a place between these two bytes is looked at.
static inline bool qni_seams_look_at(char before, char behind)
{
    unsigned char a = (unsigned char)before, b = (unsigned char)behind;
    return b >= 0xC0 || (a >= 0x80 && b < 0x80);
}

// For `n` merges whose bytes in the middle are looked at; then each merge.
QNI_WARN_UNUSED qn_status qni_seams_begin(qni_seams *seams, size_t n, qn_error *err);
void qni_seams_add(qni_seams *seams, const char *left, size_t n_left, const char *right,
                   size_t n_right);
void qni_seams_end(qni_seams *seams);

// The ends of the first parts of the word (n > 0) between its seams, at most `most` > 0 of them:
// how many. The end of the word is the last one's when there are fewer. So many bytes are readable
// behind the word; they do not count.
size_t qni_seams_cut(const qni_seams *seams, const char *word, size_t n, size_t behind,
                     size_t *ends, size_t most);

#endif
