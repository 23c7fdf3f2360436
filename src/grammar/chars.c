#include "grammar/chars.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void qni_chars_end(qni_chars *set)
{
    qni_free(set->ranges);
    *set = (qni_chars){0};
}

bool qni_chars_add(qni_chars *set, uint32_t first, uint32_t last, qni_account *account)
{
    if (qni_grow(&set->ranges, &set->capacity, set->n + 1, sizeof *set->ranges) != 0) {
        return qni_account_fail(account, QN_OUT_OF_MEMORY, "out of memory");
    }
    set->ranges[set->n++] = (qni_char_range){first, last};
    return true;
}

bool qni_chars_add_set(qni_chars *set, const qni_chars *other, qni_account *account)
{
    for (size_t i = 0; i < other->n; i++) {
        if (!qni_chars_add(set, other->ranges[i].first, other->ranges[i].last, account)) {
            return false;
        }
    }
    return true;
}

static int compare_ranges(const void *a, const void *b)
{
    const qni_char_range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

void qni_chars_normalize(qni_chars *set)
{
    if (set->n == 0) {
        return;
    }
    qsort(set->ranges, set->n, sizeof *set->ranges, compare_ranges);
    size_t kept = 0;
    for (size_t i = 0; i < set->n; i++) {
        qni_char_range r = set->ranges[i];
        if (kept > 0 && r.first <= set->ranges[kept - 1].last + 1) {
            qni_char_range *before = &set->ranges[kept - 1];
            before->last = r.last > before->last ? r.last : before->last;
        } else {
            set->ranges[kept++] = r;
        }
    }
    set->n = kept;
}

bool qni_chars_invert(qni_chars *set, qni_account *account)
{
    qni_chars out = {0};
    uint32_t next = 0;
    bool fine = true;
    qni_chars_normalize(set);
    for (size_t i = 0; i < set->n && fine; i++) {
        if (set->ranges[i].first > next) {
            fine = qni_chars_add(&out, next, set->ranges[i].first - 1, account);
        }
        next = set->ranges[i].last + 1;
    }
    if (fine && next <= 0x10FFFF) {
        fine = qni_chars_add(&out, next, 0x10FFFF, account);
    }
    qni_chars_end(set);
    *set = out;
    return fine;
}

// What all cases of a letter have in common: Unicode's simple folding (CaseFolding.txt, C and S),
// by the simple mappings, but that the Turkish letters are apart.
static uint32_t fold(uint32_t code)
{
    enum { DOTTED_CAPITAL = 0x130, DOTLESS_SMALL = 0x131 };
    if (code == DOTTED_CAPITAL || code == DOTLESS_SMALL) {
        return code;
    }
    return (uint32_t)utf8proc_tolower(utf8proc_toupper((utf8proc_int32_t)code));
}

// Adds those of some code points that are another case of a folded letter.
static bool add_cases(qni_chars *set, uint32_t folded, const uint32_t *codes, size_t n,
                      qni_account *account)
{
    bool fine = true;
    for (size_t i = 0; i < n && fine; i++) {
        fine = fold(codes[i]) != folded || qni_chars_add(set, codes[i], codes[i], account);
    }
    return fine;
}

bool qni_chars_fold_case(qni_chars *set, qni_account *account)
{
    // Where letters with cases are (Unicode 15).
    static const qni_char_range blocks[] = {
        {0x41, 0x586},      {0x10A0, 0x10FF},   {0x13A0, 0x13FD},   {0x1C80, 0x2184},
        {0x24B6, 0x24E9},   {0x2C00, 0x2D2D},   {0xA640, 0xA7F6},   {0xAB53, 0xABBF},
        {0xFF21, 0xFF5A},   {0x10400, 0x105BC}, {0x10C80, 0x10CF2}, {0x118A0, 0x118DF},
        {0x16E40, 0x16E7F}, {0x1E900, 0x1E943}};
    // Those that are neither the small, the capital nor the title case of what they are folded to.
    static const uint32_t others[] = {0xB5,   0x17F,  0x345,  0x3C2,  0x3D0,  0x3D1,  0x3D5,
                                      0x3D6,  0x3F0,  0x3F1,  0x3F4,  0x3F5,  0x1C80, 0x1C81,
                                      0x1C82, 0x1C83, 0x1C84, 0x1C85, 0x1C86, 0x1C87, 0x1C88,
                                      0x1E9B, 0x1FBE, 0x2126, 0x212A, 0x212B};
    size_t n = set->n;
    bool fine = true;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++) {
            qni_char_range r = set->ranges[i];
            uint32_t first = r.first > blocks[k].first ? r.first : blocks[k].first;
            uint32_t last = r.last < blocks[k].last ? r.last : blocks[k].last;
            for (uint32_t c = first; c <= last && fine; c++) {
                utf8proc_int32_t f = (utf8proc_int32_t)fold(c);
                uint32_t plain[] = {(uint32_t)f, (uint32_t)utf8proc_toupper(f),
                                    (uint32_t)utf8proc_totitle(f)};
                fine = add_cases(set, (uint32_t)f, plain, 3, account) &&
                       add_cases(set, (uint32_t)f, others, sizeof others / 4, account);
            }
        }
    }
    return fine;
}

// Unicode's general categories with their long names (UAX 44, table 12).
static const struct {
    const char *brief, *name;
} categories[] = {
    {"Lu", "Uppercase_Letter"},
    {"Ll", "Lowercase_Letter"},
    {"Lt", "Titlecase_Letter"},
    {"LC", "Cased_Letter"},
    {"Lm", "Modifier_Letter"},
    {"Lo", "Other_Letter"},
    {"L", "Letter"},
    {"Mn", "Nonspacing_Mark"},
    {"Mc", "Spacing_Mark"},
    {"Me", "Enclosing_Mark"},
    {"M", "Mark"},
    {"Nd", "Decimal_Number"},
    {"Nl", "Letter_Number"},
    {"No", "Other_Number"},
    {"N", "Number"},
    {"Pc", "Connector_Punctuation"},
    {"Pd", "Dash_Punctuation"},
    {"Ps", "Open_Punctuation"},
    {"Pe", "Close_Punctuation"},
    {"Pi", "Initial_Punctuation"},
    {"Pf", "Final_Punctuation"},
    {"Po", "Other_Punctuation"},
    {"P", "Punctuation"},
    {"Sm", "Math_Symbol"},
    {"Sc", "Currency_Symbol"},
    {"Sk", "Modifier_Symbol"},
    {"So", "Other_Symbol"},
    {"S", "Symbol"},
    {"Zs", "Space_Separator"},
    {"Zl", "Line_Separator"},
    {"Zp", "Paragraph_Separator"},
    {"Z", "Separator"},
    {"Cc", "Control"},
    {"Cf", "Format"},
    {"Co", "Private_Use"},
    {"Cn", "Unassigned"},
    {"C", "Other"},
    {"Nd", "digit"},
    {"Any", "Any"},
    {"Cc", "cntrl"},
    {"P", "punct"},
};

// Is `category` (two letters, as utf8proc names it) the one of `brief`, or of its group?
static bool category_matches(const char *category, const char *brief)
{
    if (strcmp(brief, "Any") == 0) {
        return true;
    }
    if (strcmp(brief, "LC") == 0) {
        return category[0] == 'L' && strchr("ult", category[1]) != NULL;
    }
    return category[0] == brief[0] && (brief[1] == '\0' || category[1] == brief[1]);
}

static bool is_name(const char *name, size_t n, const char *known)
{
    return strlen(known) == n && memcmp(known, name, n) == 0;
}

bool qni_chars_add_category(qni_chars *set, const char *name, size_t n, bool *known,
                            qni_account *account)
{
    static const char prefix[] = "General_Category=", brief_prefix[] = "gc=";
    if (n > sizeof prefix - 1 && memcmp(name, prefix, sizeof prefix - 1) == 0) {
        name += sizeof prefix - 1;
        n -= sizeof prefix - 1;
    } else if (n > 3 && memcmp(name, brief_prefix, 3) == 0) {
        name += 3;
        n -= 3;
    }
    const char *brief = NULL;
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        if (is_name(name, n, categories[i].brief) || is_name(name, n, categories[i].name)) {
            brief = categories[i].brief;
        }
    }
    *known = brief != NULL;
    if (brief == NULL) {
        return false;
    }
    bool inside = false;
    uint32_t start = 0;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        bool now = c < 0x110000 && (c < 0xD800 || c > 0xDFFF) &&
                   category_matches(utf8proc_category_string((utf8proc_int32_t)c), brief);
        if (now && !inside) {
            start = c;
        } else if (!now && inside && !qni_chars_add(set, start, c - 1, account)) {
            return false;
        }
        inside = now;
    }
    return true;
}

// The bytes from `lo` to `hi`, both of `n` bytes and of one form of UTF-8.
static qni_term byte_span(qni_terms *terms, const char *lo, const char *hi, int n)
{
    unsigned a = (unsigned char)lo[0], b = (unsigned char)hi[0];
    if (n == 1) {
        return qni_term_byte_range(terms, a, b);
    }
    if (a == b) {
        return qni_term_concat(terms, qni_term_byte_range(terms, a, a),
                               byte_span(terms, lo + 1, hi + 1, n - 1));
    }
    const char min[] = "\x80\x80\x80", max[] = "\xBF\xBF\xBF";
    qni_term low = QNI_TERM_NOTHING, high = QNI_TERM_NOTHING;
    if (memcmp(lo + 1, min, (size_t)n - 1) != 0) {
        low = qni_term_concat(terms, qni_term_byte_range(terms, a, a),
                              byte_span(terms, lo + 1, max, n - 1));
        a++;
    }
    if (memcmp(hi + 1, max, (size_t)n - 1) != 0) {
        high = qni_term_concat(terms, qni_term_byte_range(terms, b, b),
                               byte_span(terms, min, hi + 1, n - 1));
        b--;
    }
    qni_term middle = QNI_TERM_NOTHING;
    if (a <= b) {
        middle = qni_term_concat(terms, qni_term_byte_range(terms, a, b),
                                 byte_span(terms, min, max, n - 1));
    }
    return qni_term_alt(terms, (qni_term[]){low, middle, high}, 3);
}

qni_term qni_chars_term(qni_chars *set, qni_terms *terms)
{
    // Where the length of the encoding changes, and around the surrogates.
    static const qni_char_range parts[] = {
        {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, 0x10FFFF}};
    qni_chars_normalize(set);
    if (set->n == 1 && set->ranges[0].first == 0 && set->ranges[0].last == 0x10FFFF) {
        return terms->character;
    }
    qni_term *items = qni_alloc_array(set->n * 5 + 1, sizeof *items);
    if (items == NULL) {
        qni_account_fail(terms->account, QN_OUT_OF_MEMORY, "out of memory");
        return QNI_TERM_NOTHING;
    }
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++) {
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            qni_char_range r = set->ranges[i];
            r.first = r.first > parts[p].first ? r.first : parts[p].first;
            r.last = r.last < parts[p].last ? r.last : parts[p].last;
            if (r.first <= r.last) {
                char lo[4] = {0}, hi[4] = {0};
                int size = qni_utf8_encode(r.first, lo);
                qni_utf8_encode(r.last, hi);
                items[n++] = byte_span(terms, lo, hi, size);
            }
        }
    }
    qni_term result = qni_term_alt(terms, items, n);
    qni_free(items);
    qni_term_mark_whole(terms, result);
    return result;
}
