#include "grammar/char_groups.h"

const qni_ascii_part qni_ascii_parts[QNI_N_ASCII_PARTS] = {
    {0x20, 0x20}, {0x21, 0x21}, {0x22, 0x22}, {0x23, 0x23}, {0x24, 0x24}, {0x25, 0x25},
    {0x26, 0x26}, {0x27, 0x27}, {0x28, 0x28}, {0x29, 0x29}, {0x2A, 0x2A}, {0x2B, 0x2B},
    {0x2C, 0x2C}, {0x2D, 0x2D}, {0x2E, 0x2E}, {0x2F, 0x2F}, {'0', '9'},   {0x3A, 0x3A},
    {0x3B, 0x3B}, {0x3C, 0x3C}, {0x3D, 0x3D}, {0x3E, 0x3E}, {0x3F, 0x3F}, {0x40, 0x40},
    {'A', 'F'},   {'G', 'Z'},   {0x5B, 0x5B}, {0x5C, 0x5C}, {0x5D, 0x5D}, {0x5E, 0x5E},
    {0x5F, 0x5F}, {0x60, 0x60}, {'a', 'f'},   {'g', 'z'},   {0x7B, 0x7B}, {0x7C, 0x7C},
    {0x7D, 0x7D}, {0x7E, 0x7E}, {0x7F, 0x7F}};

// Any continuation byte.
#define ANY        \
    {              \
        0x80, 0xBF \
    }
#define ONE(byte)  \
    {              \
        byte, byte \
    }

const qni_wide_part qni_wide_parts[QNI_N_WIDE_PARTS] = {
    {QNI_GROUP_RARE, 2, {ONE(0xC2), {0x80, 0x9F}}}, // U+0080
    {QNI_GROUP_SPACE, 2, {ONE(0xC2), ONE(0xA0)}},   // U+00A0
    {QNI_GROUP_WIDE, 2, {ONE(0xC2), {0xA1, 0xBF}}},
    {QNI_GROUP_WIDE, 2, {{0xC3, 0xDF}, ANY}},
    {QNI_GROUP_WIDE, 3, {ONE(0xE0), {0xA0, 0xBF}, ANY}}, // U+0800
    {QNI_GROUP_WIDE, 3, {ONE(0xE1), {0x80, 0x99}, ANY}},
    {QNI_GROUP_SPACE, 3, {ONE(0xE1), ONE(0x9A), ONE(0x80)}}, // U+1680
    {QNI_GROUP_WIDE, 3, {ONE(0xE1), ONE(0x9A), {0x81, 0xBF}}},
    {QNI_GROUP_WIDE, 3, {ONE(0xE1), {0x9B, 0xBF}, ANY}},
    {QNI_GROUP_SPACE, 3, {ONE(0xE2), ONE(0x80), {0x80, 0x8A}}}, // U+2000
    {QNI_GROUP_WIDE, 3, {ONE(0xE2), ONE(0x80), {0x8B, 0xA7}}},
    {QNI_GROUP_LINE, 3, {ONE(0xE2), ONE(0x80), {0xA8, 0xA9}}}, // U+2028
    {QNI_GROUP_WIDE, 3, {ONE(0xE2), ONE(0x80), {0xAA, 0xAE}}},
    {QNI_GROUP_SPACE, 3, {ONE(0xE2), ONE(0x80), ONE(0xAF)}}, // U+202F
    {QNI_GROUP_WIDE, 3, {ONE(0xE2), ONE(0x80), {0xB0, 0xBF}}},
    {QNI_GROUP_WIDE, 3, {ONE(0xE2), ONE(0x81), {0x80, 0x9E}}},
    {QNI_GROUP_SPACE, 3, {ONE(0xE2), ONE(0x81), ONE(0x9F)}}, // U+205F
    {QNI_GROUP_WIDE, 3, {ONE(0xE2), ONE(0x81), {0xA0, 0xBF}}},
    {QNI_GROUP_WIDE, 3, {ONE(0xE2), {0x82, 0xBF}, ANY}},
    {QNI_GROUP_SPACE, 3, {ONE(0xE3), ONE(0x80), ONE(0x80)}}, // U+3000
    {QNI_GROUP_WIDE, 3, {ONE(0xE3), ONE(0x80), {0x81, 0xBF}}},
    {QNI_GROUP_WIDE, 3, {ONE(0xE3), {0x81, 0xBF}, ANY}},
    {QNI_GROUP_WIDE, 3, {{0xE4, 0xEC}, ANY, ANY}},
    {QNI_GROUP_WIDE, 3, {ONE(0xED), {0x80, 0x9F}, ANY}},
    {QNI_GROUP_RARE, 3, {ONE(0xEE), ANY, ANY}}, // U+E000
    {QNI_GROUP_RARE, 3, {ONE(0xEF), {0x80, 0xA3}, ANY}},
    {QNI_GROUP_WIDE, 3, {ONE(0xEF), {0xA4, 0xB6}, ANY}},
    {QNI_GROUP_WIDE, 3, {ONE(0xEF), ONE(0xB7), {0x80, 0x8F}}},
    {QNI_GROUP_RARE, 3, {ONE(0xEF), ONE(0xB7), {0x90, 0xAF}}}, // U+FDD0
    {QNI_GROUP_WIDE, 3, {ONE(0xEF), ONE(0xB7), {0xB0, 0xBF}}},
    {QNI_GROUP_WIDE, 3, {ONE(0xEF), {0xB8, 0xBA}, ANY}},
    {QNI_GROUP_WIDE, 3, {ONE(0xEF), ONE(0xBB), {0x80, 0xBE}}},
    {QNI_GROUP_SPACE, 3, {ONE(0xEF), ONE(0xBB), ONE(0xBF)}}, // U+FEFF
    {QNI_GROUP_WIDE, 3, {ONE(0xEF), {0xBC, 0xBE}, ANY}},
    {QNI_GROUP_WIDE, 3, {ONE(0xEF), ONE(0xBF), {0x80, 0xAF}}},
    {QNI_GROUP_RARE, 3, {ONE(0xEF), ONE(0xBF), {0xB0, 0xBF}}},  // U+FFF0
    {QNI_GROUP_BEYOND, 4, {ONE(0xF0), {0x90, 0xBF}, ANY, ANY}}, // U+10000
    {QNI_GROUP_BEYOND, 4, {{0xF1, 0xF3}, ANY, ANY, ANY}},
    {QNI_GROUP_BEYOND, 4, {ONE(0xF4), {0x80, 0x8F}, ANY, ANY}}};

unsigned qni_group_of(const uint8_t *bytes, size_t n)
{
    if (bytes[0] < 0x80) {
        return qni_ascii_group(bytes[0]);
    }
    unsigned found = QNI_GROUP_INNER;
    for (size_t i = 0; i < QNI_N_WIDE_PARTS; i++) {
        const qni_wide_part *part = &qni_wide_parts[i];
        bool begins = n <= part->n_bytes;
        for (size_t k = 0; k < n && begins; k++) {
            begins = bytes[k] >= part->bytes[k][0] && bytes[k] <= part->bytes[k][1];
        }
        if (begins && found != QNI_GROUP_INNER && found != part->group) {
            return QNI_GROUP_CUT;
        }
        found = begins ? part->group : found;
    }
    return found;
}
