#include "text/unicode.h"

#include "base/utf8.h"

#include <utf8proc.h>

typedef struct category_range {
    uint32_t first, last;
    qni_category category;
} category_range;

// utf8proc 2.8 has Unicode 15.0; these are the changes of 15.1 and 16.0, in order.
static const category_range newer[] = {
    // clang-format off
    {0x897, 0x897, QNI_CATEGORY_MN}, {0x1B4E, 0x1B4F, QNI_CATEGORY_PO},
    {0x1B7F, 0x1B7F, QNI_CATEGORY_PO}, {0x1C89, 0x1C89, QNI_CATEGORY_LU},
    {0x1C8A, 0x1C8A, QNI_CATEGORY_LL}, {0x2427, 0x2429, QNI_CATEGORY_SO},
    {0x2FFC, 0x2FFF, QNI_CATEGORY_SO}, {0x31E4, 0x31E5, QNI_CATEGORY_SO},
    {0x31EF, 0x31EF, QNI_CATEGORY_SO}, {0xA7CB, 0xA7CC, QNI_CATEGORY_LU},
    {0xA7CD, 0xA7CD, QNI_CATEGORY_LL}, {0xA7DA, 0xA7DA, QNI_CATEGORY_LU},
    {0xA7DB, 0xA7DB, QNI_CATEGORY_LL}, {0xA7DC, 0xA7DC, QNI_CATEGORY_LU},
    {0x105C0, 0x105F3, QNI_CATEGORY_LO}, {0x10D40, 0x10D49, QNI_CATEGORY_ND},
    {0x10D4A, 0x10D4D, QNI_CATEGORY_LO}, {0x10D4E, 0x10D4E, QNI_CATEGORY_LM},
    {0x10D4F, 0x10D4F, QNI_CATEGORY_LO}, {0x10D50, 0x10D65, QNI_CATEGORY_LU},
    {0x10D69, 0x10D6D, QNI_CATEGORY_MN}, {0x10D6E, 0x10D6E, QNI_CATEGORY_PD},
    {0x10D6F, 0x10D6F, QNI_CATEGORY_LM}, {0x10D70, 0x10D85, QNI_CATEGORY_LL},
    {0x10D8E, 0x10D8F, QNI_CATEGORY_SM}, {0x10EC2, 0x10EC4, QNI_CATEGORY_LO},
    {0x10EFC, 0x10EFC, QNI_CATEGORY_MN}, {0x11380, 0x11389, QNI_CATEGORY_LO},
    {0x1138B, 0x1138B, QNI_CATEGORY_LO}, {0x1138E, 0x1138E, QNI_CATEGORY_LO},
    {0x11390, 0x113B5, QNI_CATEGORY_LO}, {0x113B7, 0x113B7, QNI_CATEGORY_LO},
    {0x113B8, 0x113BA, QNI_CATEGORY_MC}, {0x113BB, 0x113C0, QNI_CATEGORY_MN},
    {0x113C2, 0x113C2, QNI_CATEGORY_MC}, {0x113C5, 0x113C5, QNI_CATEGORY_MC},
    {0x113C7, 0x113CA, QNI_CATEGORY_MC}, {0x113CC, 0x113CD, QNI_CATEGORY_MC},
    {0x113CE, 0x113CE, QNI_CATEGORY_MN}, {0x113CF, 0x113CF, QNI_CATEGORY_MC},
    {0x113D0, 0x113D0, QNI_CATEGORY_MN}, {0x113D1, 0x113D1, QNI_CATEGORY_LO},
    {0x113D2, 0x113D2, QNI_CATEGORY_MN}, {0x113D3, 0x113D3, QNI_CATEGORY_LO},
    {0x113D4, 0x113D5, QNI_CATEGORY_PO}, {0x113D7, 0x113D8, QNI_CATEGORY_PO},
    {0x113E1, 0x113E2, QNI_CATEGORY_MN}, {0x116D0, 0x116E3, QNI_CATEGORY_ND},
    {0x1171E, 0x1171E, QNI_CATEGORY_MC}, {0x11BC0, 0x11BE0, QNI_CATEGORY_LO},
    {0x11BE1, 0x11BE1, QNI_CATEGORY_PO}, {0x11BF0, 0x11BF9, QNI_CATEGORY_ND},
    {0x11F5A, 0x11F5A, QNI_CATEGORY_MN}, {0x13460, 0x143FA, QNI_CATEGORY_LO},
    {0x16100, 0x1611D, QNI_CATEGORY_LO}, {0x1611E, 0x16129, QNI_CATEGORY_MN},
    {0x1612A, 0x1612C, QNI_CATEGORY_MC}, {0x1612D, 0x1612F, QNI_CATEGORY_MN},
    {0x16130, 0x16139, QNI_CATEGORY_ND}, {0x16D40, 0x16D42, QNI_CATEGORY_LM},
    {0x16D43, 0x16D6A, QNI_CATEGORY_LO}, {0x16D6B, 0x16D6C, QNI_CATEGORY_LM},
    {0x16D6D, 0x16D6F, QNI_CATEGORY_PO}, {0x16D70, 0x16D79, QNI_CATEGORY_ND},
    {0x18CFF, 0x18CFF, QNI_CATEGORY_LO}, {0x1CC00, 0x1CCEF, QNI_CATEGORY_SO},
    {0x1CCF0, 0x1CCF9, QNI_CATEGORY_ND}, {0x1CD00, 0x1CEB3, QNI_CATEGORY_SO},
    {0x1E5D0, 0x1E5ED, QNI_CATEGORY_LO}, {0x1E5EE, 0x1E5EF, QNI_CATEGORY_MN},
    {0x1E5F0, 0x1E5F0, QNI_CATEGORY_LO}, {0x1E5F1, 0x1E5FA, QNI_CATEGORY_ND},
    {0x1E5FF, 0x1E5FF, QNI_CATEGORY_PO}, {0x1F8B2, 0x1F8BB, QNI_CATEGORY_SO},
    {0x1F8C0, 0x1F8C1, QNI_CATEGORY_SO}, {0x1FA89, 0x1FA89, QNI_CATEGORY_SO},
    {0x1FA8F, 0x1FA8F, QNI_CATEGORY_SO}, {0x1FABE, 0x1FABE, QNI_CATEGORY_SO},
    {0x1FAC6, 0x1FAC6, QNI_CATEGORY_SO}, {0x1FADC, 0x1FADC, QNI_CATEGORY_SO},
    {0x1FADF, 0x1FADF, QNI_CATEGORY_SO}, {0x1FAE9, 0x1FAE9, QNI_CATEGORY_SO},
    {0x1FBCB, 0x1FBEF, QNI_CATEGORY_SO}, {0x2EBF0, 0x2EE5D, QNI_CATEGORY_LO},
    // clang-format on
};

#define QNI_OLDER_8(first, last, category) {first, last, QNI_CATEGORY_##category},
#define QNI_OLDER_9(first, last, category)
static const category_range older_8[] = {
#include "text/unicode_older.def"
};
#undef QNI_OLDER_8
#undef QNI_OLDER_9

#define QNI_OLDER_8(first, last, category)
#define QNI_OLDER_9(first, last, category) {first, last, QNI_CATEGORY_##category},
static const category_range older_9[] = {
#include "text/unicode_older.def"
};

// The range that holds a code point, or NULL.
static const category_range *find_range(const category_range *ranges, size_t n, uint32_t code)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (code > ranges[middle].last) {
            lo = middle + 1;
        } else if (code < ranges[middle].first) {
            hi = middle;
        } else {
            return &ranges[middle];
        }
    }
    return NULL;
}

#define FIND(ranges, code) find_range(ranges, sizeof(ranges) / sizeof((ranges)[0]), code)

qni_category qni_unicode_category(uint32_t code)
{
    const category_range *range = FIND(newer, code);
    return range != NULL ? range->category
                         : (qni_category)utf8proc_category((utf8proc_int32_t)code);
}

qni_category qni_unicode_category_8(uint32_t code)
{
    const category_range *range = FIND(older_8, code);
    return range != NULL ? range->category : qni_unicode_category(code);
}

qni_category qni_unicode_category_9(uint32_t code)
{
    const category_range *range = FIND(older_9, code);
    return range != NULL ? range->category : qni_unicode_category(code);
}

bool qni_unicode_is_space(uint32_t code)
{
    uint32_t separators = QNI_CATEGORY_BIT(ZS) | QNI_CATEGORY_BIT(ZL) | QNI_CATEGORY_BIT(ZP);
    return (code >= 9 && code <= 13) || code == 0x85 ||
           (separators >> qni_unicode_category(code) & 1) != 0;
}

bool qni_unicode_is_word(uint32_t code)
{
    uint32_t mask = QNI_LETTERS | QNI_MARKS | QNI_CATEGORY_BIT(ND) | QNI_CATEGORY_BIT(NL) |
                    QNI_CATEGORY_BIT(PC);
    // Symbols that are alphabetic: letters in circles and squares.
    static const uint32_t symbols[][2] = {
        {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        if (code >= symbols[i][0] && code <= symbols[i][1]) {
            return true;
        }
    }
    return (mask >> qni_unicode_category(code) & 1) != 0;
}

uint32_t qni_unicode_fold(uint32_t code)
{
    // Simple folding, but for a few, is the lower case of the upper case.
    utf8proc_int32_t upper = utf8proc_toupper((utf8proc_int32_t)code);
    return (uint32_t)utf8proc_tolower(upper);
}

int qni_unicode_lower(uint32_t code, uint32_t out[3])
{
    // the only one that becomes two without looking at what stands beside it
    if (code == 0x130) {
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    // letters of Unicode 16 and 17
    bool garay = code >= 0x10D50 && code <= 0x10D65;
    if (code >= 0x16EA0 && code <= 0x16EB8) {
        out[0] = code + 0x1B;
        return 1;
    }
    switch (code) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7CE:
    case 0xA7D2:
    case 0xA7D4:
    case 0xA7DA: out[0] = code + 1; return 1;
    case 0xA7CB: out[0] = 0x264; return 1;
    case 0xA7DC: out[0] = 0x19B; return 1;
    default: break;
    }
    out[0] = garay ? code + 0x20 : (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
    return 1;
}

int qni_unicode_casefold(uint32_t code, uint32_t out[3])
{
    utf8proc_int32_t folded[3];
    int last = UTF8PROC_BOUNDCLASS_START;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)code, folded, 3,
                                                 UTF8PROC_CASEFOLD, &last);
    for (utf8proc_ssize_t i = 0; i < n && n <= 3; i++) {
        out[i] = (uint32_t)folded[i];
    }
    if (n < 1 || n > 3) {
        out[0] = code;
    }
    return n < 1 || n > 3 ? 1 : (int)n;
}

int qni_unicode_upper(uint32_t code, uint32_t out[3])
{
    if (code == 0xDF) { // the only one of common use that becomes two
        out[0] = out[1] = 'S';
        return 2;
    }
    out[0] = (uint32_t)utf8proc_toupper((utf8proc_int32_t)code);
    return 1;
}

// Letters, ideographs, kana, Hangul syllables and punctuation stand alone, as far as they come in
// ranges. False says nothing.
static bool is_in_ranges(uint32_t c)
{
    return c < 0x300    ? (c >= 0x20 && c < 0x7F) || (c >= 0xA1 && c != 0xAD)
           : c < 0x3000 ? (c >= 0x370 && c < 0x483) || (c >= 0x48A && c < 0x530)
                        : (c >= 0x3001 && c < 0x302A) || (c >= 0x3041 && c < 0x3097) ||
                              (c >= 0x30A1 && c < 0x3100) || (c >= 0x3400 && c < 0xA000) ||
                              (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xFF01 && c < 0xFF9E);
}

bool qni_unicode_stands_alone(uint32_t code)
{
    if (is_in_ranges(code)) {
        return true;
    }
    switch (utf8proc_get_property((utf8proc_int32_t)code)->boundclass) {
    case UTF8PROC_BOUNDCLASS_OTHER:
    case UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC:
    case UTF8PROC_BOUNDCLASS_LV:
    case UTF8PROC_BOUNDCLASS_LVT: return true;
    default: return false;
    }
}

size_t qni_unicode_grapheme(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    // Two ASCII characters stay together only as an end of line.
    if (n == 1 || (bytes[0] < 0x80 && bytes[1] < 0x80)) {
        return n > 1 && bytes[0] == '\r' && bytes[1] == '\n' ? 2 : 1;
    }
    uint32_t last, code;
    utf8proc_int32_t state = 0;
    size_t at = (size_t)qni_utf8_decode(bytes, n, &last);
    if (at < n && qni_unicode_stands_alone(last)) {
        qni_utf8_decode(bytes + at, n - at, &code);
        if (qni_unicode_stands_alone(code)) {
            return at;
        }
    }
    while (at < n) {
        int length = qni_utf8_decode(bytes + at, n - at, &code);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)last, (utf8proc_int32_t)code,
                                             &state)) {
            break;
        }
        at += (size_t)length;
        last = code;
    }
    return at;
}

uint32_t qni_byte_to_code(unsigned char byte)
{
    bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
    if (printable) {
        return byte;
    }
    // The others follow from 256 on, in rising order: 0 to 32, 127 to 160, 173.
    return byte <= 32 ? 256u + byte : byte <= 160 ? 256u + 33 + byte - 127 : 256u + 67;
}

int qni_code_to_byte(uint32_t code)
{
    if (code < 256) {
        return qni_byte_to_code((unsigned char)code) == code ? (int)code : -1;
    }
    uint32_t rank = code - 256;
    return rank <= 32 ? (int)rank : rank < 67 ? (int)(rank - 33 + 127) : rank == 67 ? 173 : -1;
}

int qni_unicode_combining_class(uint32_t code)
{
    int own = code < 0x300 ? 0 : utf8proc_get_property((utf8proc_int32_t)code)->combining_class;
    return own != 0 && qni_unicode_category_9(code) == QNI_CATEGORY_CN ? 0 : own;
}
