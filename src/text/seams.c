#include "text/seams.h"

#include "base/alloc.h"
#include "text/ascii.h"

#include <string.h>

enum { MOST = 3, BITS_PER_MERGE = 8 }; // bytes on either side
enum { LONGEST = MOST * MOST - 1 };    // the kind of merges of MOST and more on both

// A merge of at least so many bytes on either side.
static unsigned kind_of(size_t left, size_t right)
{
    return (unsigned)((left < MOST ? left : MOST) - 1) * MOST +
           (unsigned)((right < MOST ? right : MOST) - 1);
}

static size_t pair_of(const char *place)
{
    return (size_t)(unsigned char)place[-1] << 8 | (unsigned char)place[0];
}

// A bit for `bytes` around a place (the first one is the lowest) that are a merge of this kind.
static size_t bit_of(const qni_seams *seams, unsigned kind, uint64_t bytes)
{
    bytes = (bytes | (uint64_t)kind << 8 * 2 * MOST) * 0x9E3779B97F4A7C15u;
    return (size_t)(bytes >> 32 ^ bytes >> 13) & (seams->n_bits - 1);
}

// The bytes around a place of a word, MOST on either side; zero where the word ends.
static uint64_t bytes_around(const char *word, size_t n, size_t at)
{
    uint64_t bytes = 0;
    for (size_t i = at < MOST ? MOST - at : 0; i < 2 * MOST && at + i - MOST < n; i++) {
        bytes |= (uint64_t)(unsigned char)word[at + i - MOST] << 8 * i;
    }
    return bytes;
}

// Of those as many as the kind says.
static inline uint64_t bytes_of(unsigned kind, uint64_t around)
{
    unsigned before = kind / MOST + 1, n = before + kind % MOST + 1;
    return around >> 8 * (MOST - before) & (((uint64_t)1 << 8 * n) - 1);
}

static bool is_crossed(const qni_seams *seams, size_t bit)
{
    return (seams->crossed[bit / 64] >> (bit % 64) & 1) != 0;
}

qn_status qni_seams_begin(qni_seams *seams, size_t n, qn_error *err)
{
    *seams = (qni_seams){.owned = true, .n_bits = 64};
    while (seams->n_bits < BITS_PER_MERGE * n) {
        seams->n_bits *= 2;
    }
    seams->kinds = qni_calloc(QNI_SEAM_KINDS, sizeof *seams->kinds);
    seams->crossed = qni_calloc(seams->n_bits / 64, sizeof *seams->crossed);
    if (seams->kinds == NULL || seams->crossed == NULL) {
        qni_seams_end(seams);
        return qni_fail_memory(err);
    }
    return QN_OK;
}

void qni_seams_end(qni_seams *seams)
{
    if (seams->owned) {
        qni_free((void *)(uintptr_t)seams->kinds);
        qni_free((void *)(uintptr_t)seams->crossed);
    }
    *seams = (qni_seams){0};
}

void qni_seams_add(qni_seams *seams, const char *left, size_t n_left, const char *right,
                   size_t n_right)
{
    if (!qni_seams_look_at(left[n_left - 1], right[0])) {
        return;
    }
    char around[2 * MOST]; // the place is in the middle
    for (size_t i = 0; i < MOST && i < n_left; i++) {
        around[MOST - 1 - i] = left[n_left - 1 - i];
    }
    for (size_t i = 0; i < MOST && i < n_right; i++) {
        around[MOST + i] = right[i];
    }
    unsigned kind = kind_of(n_left, n_right);
    size_t bit = bit_of(seams, kind, bytes_of(kind, bytes_around(around, sizeof around, MOST)));
    uint16_t *kinds = (uint16_t *)(uintptr_t)seams->kinds;
    uint64_t *crossed = (uint64_t *)(uintptr_t)seams->crossed;
    kinds[pair_of(around + MOST)] |= (uint16_t)(1u << kind);
    crossed[bit / 64] |= (uint64_t)1 << (bit % 64);
}

// The kinds of merges that have at most so many bytes on either side, by 1 to MOST of them.
static const uint16_t kinds_within[MOST][MOST] = {{1, 3, 7}, {011, 033, 077}, {0111, 0333, 0777}};

// Whether some merge of these kinds crosses.
static __attribute__((noinline)) bool crosses(const qni_seams *seams, unsigned kinds,
                                              uint64_t around)
{
    if ((kinds & 1) != 0) {
        return true; // the two bytes themselves merge
    }
    for (; kinds != 0; kinds &= kinds - 1) {
        unsigned kind = (unsigned)__builtin_ctz(kinds);
        if (is_crossed(seams, bit_of(seams, kind, bytes_of(kind, around)))) {
            return true;
        }
    }
    return false;
}

// Whether a place is a seam of a word of n bytes that has one at `begin`, or begins there, and so
// many readable bytes. About every second one is, by no rule that a processor could guess, so
// nothing branches on what the filter says of the usual kind of merges.
static inline bool is_seam(const qni_seams *seams, const char *word, size_t n, size_t readable,
                           size_t begin, size_t at)
{
    size_t before = at - begin, behind = n - at;
    unsigned kinds = seams->kinds[pair_of(word + at)];
    if (before < MOST || behind < MOST) { // nothing longer than what is there
        kinds &= kinds_within[before < MOST ? before - 1 : MOST - 1]
                             [behind < MOST ? behind - 1 : MOST - 1];
    }
    if (kinds == 0) {
        return true;
    }
    uint64_t around;
    if (at >= MOST && readable - at >= sizeof around - MOST) {
        memcpy(&around, word + at - MOST, sizeof around);
    } else {
        around = bytes_around(word, n, at);
    }
    if ((kinds & ~(1u << LONGEST)) != 0) {
        return !crosses(seams, kinds, around);
    }
    return !is_crossed(seams, bit_of(seams, LONGEST, bytes_of(LONGEST, around)));
}

// Whether all bytes are ASCII.
static bool is_ascii(const char *word, size_t n)
{
    uint64_t part, some = 0;
    if (n < sizeof part) {
        for (size_t i = 0; i < n; i++) {
            some |= (uint64_t)(unsigned char)word[i];
        }
        return some < 0x80;
    }
    for (size_t i = 0; i + sizeof part < n; i += sizeof part) {
        memcpy(&part, word + i, sizeof part);
        some |= part;
    }
    memcpy(&part, word + n - sizeof part, sizeof part);
    return ((some | part) & QNI_ASCII_TOPS) == 0;
}

// How many bytes of ASCII stand at a place, as far as eight at a time tell.
static inline size_t skip_ascii(const char *word, size_t n, size_t at)
{
    size_t end = at;
    for (uint64_t part; n - end >= sizeof part; end += sizeof part) {
        memcpy(&part, word + end, sizeof part);
        if ((part & QNI_ASCII_TOPS) != 0) {
            break;
        }
    }
    return end - at;
}

// The length of the character that a byte begins, by its upper half. Of what is no UTF-8 some
// places are not looked at.
static inline size_t length_of(char first)
{
    const uint64_t lengths = 0x4322111111111111u;
    return lengths >> ((unsigned char)first >> 4) * 4 & 7;
}

size_t qni_seams_cut(const qni_seams *seams, const char *word, size_t n, size_t behind,
                     size_t *ends, size_t most)
{
    size_t count = 0, begin = 0;
    if (seams->kinds == NULL || (n <= 64 && is_ascii(word, n))) {
        ends[0] = n;
        return 1;
    }
    for (size_t at = length_of(word[0]); at < n; at += length_of(word[at])) {
        size_t skipped = (unsigned char)word[at - 1] < 0x80 ? skip_ascii(word, n, at) : 0;
        if (skipped > 0) {
            at += skipped - 1; // what follows the last of them is looked at
            continue;
        }
        if (qni_seams_look_at(word[at - 1], word[at])) {
            bool seam = is_seam(seams, word, n, n + behind, begin, at);
            ends[count] = at;
            count += seam;
            begin = seam ? at : begin;
            if (count == most) {
                return count;
            }
        }
    }
    ends[count] = n;
    return count + 1;
}
