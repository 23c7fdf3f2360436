// Characters in groups that patterns rarely cut, by which a walk takes many tokens at once.
//
// A bit of a word each. ASCII is in groups of digits, letters and single marks. What is beyond it
// is nearly all in one, but for what some patterns and formats leave out.
#ifndef QNI_GRAMMAR_CHAR_GROUPS_H
#define QNI_GRAMMAR_CHAR_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QNI_GROUP_WIDE = 7,  // beyond ASCII, and in none of the others
    QNI_GROUP_LINE = 41, // U+2028 and U+2029, which no "." of ECMAScript takes
    QNI_GROUP_SPACE,     // the other white space of ECMAScript beyond ASCII
    QNI_GROUP_RARE,      // controls, private use and noncharacters: what IRIs leave out (RFC 3987)
    QNI_GROUP_BEYOND,    // beyond the first plane
    QNI_GROUP_CUT,       // no character: the beginning of one that may be of several groups
    QNI_N_GROUPS,
    QNI_GROUP_INNER = QNI_N_GROUPS, // no group: a byte with more of its character behind it
};
#define QNI_GROUP_BIT(group) ((uint64_t)1 << (group))
#define QNI_ALL_GROUPS       (QNI_GROUP_BIT(QNI_N_GROUPS) - 1)
#define QNI_WIDE_GROUPS      (QNI_GROUP_BIT(QNI_GROUP_WIDE) | (uint64_t)0x1F << QNI_GROUP_LINE)
// Of the marks of ASCII behind the space.
#define QNI_MARK_GROUPS ((QNI_GROUP_BIT(41) - 1) & ~(QNI_GROUP_BIT(9) - 1))
// The characters that a cut one may become: it is dead where all of these are.
#define QNI_CUT_GROUPS                                               \
    (QNI_GROUP_BIT(QNI_GROUP_WIDE) | QNI_GROUP_BIT(QNI_GROUP_LINE) | \
     QNI_GROUP_BIT(QNI_GROUP_SPACE) | QNI_GROUP_BIT(QNI_GROUP_RARE))
// Control characters, quotes and backslashes, which never stand for themselves in a JSON string.
#define QNI_NEVER_GROUPS                                                       \
    (QNI_GROUP_BIT(qni_ascii_group(0)) | QNI_GROUP_BIT(qni_ascii_group('"')) | \
     QNI_GROUP_BIT(qni_ascii_group('\\')))

// Whether a byte stands for itself in a JSON string.
static inline bool qni_byte_is_plain(unsigned b)
{
    return b >= 0x20 && b != '"' && b != '\\';
}

static inline unsigned qni_ascii_group(unsigned b)
{
    if (b < 0x20 || b == 0x7F) {
        return b == 0x7F;
    }
    unsigned low = b | 0x20;
    if (low >= 'a' && low <= 'z') {
        return (b == low ? 3u : 5u) + (low > 'f');
    }
    return b < '0'    ? 8 + b - 0x20
           : b <= '9' ? 2
           : b < 'A'  ? 24 + b - 0x3A
           : b < 'a'  ? 31 + b - 0x5B
                      : 37 + b - 0x7B;
}

// ASCII from the space on, in ranges of one group each.
typedef struct qni_ascii_part {
    uint8_t first, last;
} qni_ascii_part;

enum { QNI_N_ASCII_PARTS = 39 };
extern const qni_ascii_part qni_ascii_parts[QNI_N_ASCII_PARTS];

// The other characters, in products of ranges of bytes, of one group each.
typedef struct qni_wide_part {
    uint8_t group, n_bytes;
    uint8_t bytes[4][2]; // first and last
} qni_wide_part;

enum { QNI_N_WIDE_PARTS = 39 };
extern const qni_wide_part qni_wide_parts[QNI_N_WIDE_PARTS];

// The group of a character that begins with `n` bytes (1 to 4) of well-formed UTF-8: its own, or
// where they are not all of it that of all that begin so, or QNI_GROUP_CUT.
unsigned qni_group_of(const uint8_t *bytes, size_t n);

#endif
