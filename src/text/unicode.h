// Properties of code points: what utf8proc knows, brought up to the Unicode version of the
// tokenizers that quince is judged against. Slow functions, for building tables; text is never
// scanned with them.
#ifndef QNI_TEXT_UNICODE_H
#define QNI_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// General categories, in utf8proc's order.
typedef enum qni_category {
    QNI_CATEGORY_CN,
    QNI_CATEGORY_LU,
    QNI_CATEGORY_LL,
    QNI_CATEGORY_LT,
    QNI_CATEGORY_LM,
    QNI_CATEGORY_LO,
    QNI_CATEGORY_MN,
    QNI_CATEGORY_MC,
    QNI_CATEGORY_ME,
    QNI_CATEGORY_ND,
    QNI_CATEGORY_NL,
    QNI_CATEGORY_NO,
    QNI_CATEGORY_PC,
    QNI_CATEGORY_PD,
    QNI_CATEGORY_PS,
    QNI_CATEGORY_PE,
    QNI_CATEGORY_PI,
    QNI_CATEGORY_PF,
    QNI_CATEGORY_PO,
    QNI_CATEGORY_SM,
    QNI_CATEGORY_SC,
    QNI_CATEGORY_SK,
    QNI_CATEGORY_SO,
    QNI_CATEGORY_ZS,
    QNI_CATEGORY_ZL,
    QNI_CATEGORY_ZP,
    QNI_CATEGORY_CC,
    QNI_CATEGORY_CF,
    QNI_CATEGORY_CS,
    QNI_CATEGORY_CO
} qni_category;

qni_category qni_unicode_category(uint32_t code);

// As the libraries behind BertNormalizer, BertPreTokenizer and Punctuation (Unicode 8), and behind
// StripAccents (Unicode 9), know it.
qni_category qni_unicode_category_8(uint32_t code);
qni_category qni_unicode_category_9(uint32_t code);

// A bit for each category, as (1 << category). The masks of \p{L}, \p{N} and so on.
#define QNI_CATEGORY_BIT(c) (1u << QNI_CATEGORY_##c)
#define QNI_LETTERS                                                                              \
    (QNI_CATEGORY_BIT(LU) | QNI_CATEGORY_BIT(LL) | QNI_CATEGORY_BIT(LT) | QNI_CATEGORY_BIT(LM) | \
     QNI_CATEGORY_BIT(LO))
#define QNI_MARKS   (QNI_CATEGORY_BIT(MN) | QNI_CATEGORY_BIT(MC) | QNI_CATEGORY_BIT(ME))
#define QNI_NUMBERS (QNI_CATEGORY_BIT(ND) | QNI_CATEGORY_BIT(NL) | QNI_CATEGORY_BIT(NO))
#define QNI_PUNCTUATION                                                                          \
    (QNI_CATEGORY_BIT(PC) | QNI_CATEGORY_BIT(PD) | QNI_CATEGORY_BIT(PS) | QNI_CATEGORY_BIT(PE) | \
     QNI_CATEGORY_BIT(PI) | QNI_CATEGORY_BIT(PF) | QNI_CATEGORY_BIT(PO))

// White_Space: TAB to CR, space, NEL, and the separators.
bool qni_unicode_is_space(uint32_t code);

// What \w matches: letters, marks, decimal digits, letter-like numbers and symbols, and connectors
// such as '_'.
bool qni_unicode_is_word(uint32_t code);

// The lower case without context, one to three code points. Returns how many.
int qni_unicode_lower(uint32_t code, uint32_t out[3]);

// The same for texts that are compared without case (Unicode's full case folding).
int qni_unicode_casefold(uint32_t code, uint32_t out[3]);
int qni_unicode_upper(uint32_t code, uint32_t out[3]);

// Whether the character makes no grapheme together with another one that stands alone.
bool qni_unicode_stands_alone(uint32_t code);

// Bytes of the extended grapheme cluster (UAX #29) that valid UTF-8 text begins with, n > 0.
size_t qni_unicode_grapheme(const char *text, size_t n);

// GPT-2's way to write bytes as printable characters: the code point of each byte, and back (-1:
// not one of them).
uint32_t qni_byte_to_code(unsigned char byte);
int qni_code_to_byte(uint32_t code);

// The class by which marks are reordered, 0 for what is not. Marks that are newer than Unicode 9
// have none in the tables that tokenizers were made with.
int qni_unicode_combining_class(uint32_t code);

// The simple case folding.
uint32_t qni_unicode_fold(uint32_t code);

#endif
