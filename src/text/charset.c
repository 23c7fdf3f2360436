#include "text/charset.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

void qni_charset_end(qni_charset *set)
{
    qni_free(set->flips);
    *set = (qni_charset){0};
}

static qn_status append(qni_charset *set, uint32_t flip, qn_error *err)
{
    if (qni_grow(&set->flips, &set->capacity, set->n + 1, sizeof *set->flips) != 0) {
        return qni_fail_memory(err);
    }
    set->flips[set->n++] = flip;
    return QN_OK;
}

static bool apply(qni_charset_op op, bool a, bool b)
{
    return op == QNI_UNION ? a || b : op == QNI_INTERSECTION ? a && b : a && !b;
}

qn_status qni_charset_combine(qni_charset *set, qni_charset_op op, const qni_charset *other,
                              qn_error *err)
{
    qni_charset result = {0};
    size_t i = 0, j = 0;
    bool inside = false;
    while (i < set->n || j < other->n) {
        uint32_t a = i < set->n ? set->flips[i] : UINT32_MAX;
        uint32_t b = j < other->n ? other->flips[j] : UINT32_MAX;
        uint32_t at = a < b ? a : b;
        i += a == at;
        j += b == at;
        bool now = apply(op, i % 2 == 1, j % 2 == 1);
        if (now != inside) {
            qn_status status = append(&result, at, err);
            if (status != QN_OK) {
                qni_charset_end(&result);
                return status;
            }
            inside = now;
        }
    }
    qni_charset_end(set);
    *set = result;
    return QN_OK;
}

qn_status qni_charset_add(qni_charset *set, uint32_t first, uint32_t last, qn_error *err)
{
    // Sets are mostly built in rising order.
    if (set->n % 2 == 0 && (set->n == 0 || set->flips[set->n - 1] < first)) {
        size_t n = set->n;
        qn_status status = append(set, first, err);
        if (status == QN_OK && last + 1 < QNI_CODE_POINTS) {
            status = append(set, last + 1, err);
        }
        if (status != QN_OK) {
            set->n = n;
        }
        return status;
    }
    uint32_t flips[2] = {first, last + 1};
    qni_charset range = {.flips = flips, .n = last + 1 < QNI_CODE_POINTS ? 2 : 1};
    return qni_charset_combine(set, QNI_UNION, &range, err);
}

qn_status qni_charset_invert(qni_charset *set, qn_error *err)
{
    if (set->n > 0 && set->flips[0] == 0) {
        memmove(set->flips, set->flips + 1, (set->n - 1) * sizeof *set->flips);
        set->n--;
        return QN_OK;
    }
    QNI_TRY(append(set, 0, err));
    memmove(set->flips + 1, set->flips, (set->n - 1) * sizeof *set->flips);
    set->flips[0] = 0;
    return QN_OK;
}

qn_status qni_charset_fold_case(qni_charset *set, qn_error *err)
{
    qni_charset folded = {0};
    qn_status status = QN_OK;
    for (size_t i = 0; i < set->n && status == QN_OK; i += 2) {
        uint32_t end = i + 1 < set->n ? set->flips[i + 1] : QNI_CODE_POINTS;
        for (uint32_t code = set->flips[i]; code < end && status == QN_OK; code++) {
            uint32_t to = qni_unicode_fold(code);
            if (!qni_charset_has(&folded, to)) {
                status = qni_charset_add(&folded, to, to, err);
            }
        }
    }
    // Nothing above this folds, and nothing folds to it.
    for (uint32_t code = 0; code < 0x20000 && status == QN_OK; code++) {
        if (qni_charset_has(&folded, qni_unicode_fold(code)) && !qni_charset_has(set, code)) {
            status = qni_charset_add(set, code, code, err);
        }
    }
    qni_charset_end(&folded);
    return status;
}

bool qni_charset_has(const qni_charset *set, uint32_t code)
{
    size_t lo = 0, hi = set->n; // the number of flips at or below `code`
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (set->flips[middle] <= code) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return lo % 2 == 1;
}

bool qni_charset_meets(const qni_charset *a, const qni_charset *b)
{
    size_t i = 0, j = 0;
    while (i < a->n && j < b->n) {
        uint32_t a_end = i + 1 < a->n ? a->flips[i + 1] : QNI_CODE_POINTS;
        uint32_t b_end = j + 1 < b->n ? b->flips[j + 1] : QNI_CODE_POINTS;
        if (a->flips[i] < b_end && b->flips[j] < a_end) {
            return true;
        }
        if (a_end < b_end) {
            i += 2;
        } else {
            j += 2;
        }
    }
    return false;
}

bool qni_charset_covers(const qni_charset *set, const qni_charset *part)
{
    size_t j = 0;
    for (size_t i = 0; i < part->n; i += 2) {
        uint32_t end = i + 1 < part->n ? part->flips[i + 1] : QNI_CODE_POINTS;
        while (j + 1 < set->n && set->flips[j + 1] < end) {
            j += 2;
        }
        if (j >= set->n || set->flips[j] > part->flips[i]) {
            return false;
        }
    }
    return true;
}

bool qni_charset_equal(const qni_charset *a, const qni_charset *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->flips, b->flips, a->n * sizeof *a->flips) == 0);
}

// Adds the code points that `test` holds for.
static qn_status add_where(qni_charset *set, bool (*test)(uint32_t code, uint32_t mask),
                           uint32_t mask, qn_error *err)
{
    qni_charset members = {0};
    qn_status status = QN_OK;
    bool inside = false;
    for (uint32_t code = 0; code < QNI_CODE_POINTS && status == QN_OK; code++) {
        bool now = test(code, mask);
        if (now != inside) {
            status = append(&members, code, err);
            inside = now;
        }
    }
    if (status == QN_OK) {
        status = qni_charset_combine(set, QNI_UNION, &members, err);
    }
    qni_charset_end(&members);
    return status;
}

static bool is_of_category(uint32_t code, uint32_t mask)
{
    return (mask >> qni_unicode_category(code) & 1) != 0;
}

static bool is_space(uint32_t code, uint32_t mask)
{
    (void)mask;
    return qni_unicode_is_space(code);
}

// Oniguruma's \w: of Latin-1 also the superscripts and fractions.
static bool is_word(uint32_t code, uint32_t mask)
{
    (void)mask;
    return qni_unicode_is_word(code) ||
           (code < 256 && qni_unicode_category(code) == QNI_CATEGORY_NO);
}

#define BIT(c)     QNI_CATEGORY_BIT(c)
#define SYMBOLS    (BIT(SM) | BIT(SC) | BIT(SK) | BIT(SO))
#define SEPARATORS (BIT(ZS) | BIT(ZL) | BIT(ZP))

static const struct {
    const char *name;
    uint32_t mask;
} categories[] = {
    // clang-format off
    {"L", QNI_LETTERS}, {"Letter", QNI_LETTERS}, {"M", QNI_MARKS}, {"Mark", QNI_MARKS},
    {"N", QNI_NUMBERS}, {"Number", QNI_NUMBERS}, {"P", QNI_PUNCTUATION},
    {"Punctuation", QNI_PUNCTUATION}, {"punct", QNI_PUNCTUATION},
    {"S", SYMBOLS}, {"Symbol", SYMBOLS},
    {"Z", SEPARATORS}, {"Separator", SEPARATORS},
    {"C", BIT(CN) | BIT(CC) | BIT(CF) | BIT(CS) | BIT(CO)},
    {"Lu", BIT(LU)}, {"Ll", BIT(LL)}, {"Lt", BIT(LT)}, {"Lm", BIT(LM)}, {"Lo", BIT(LO)},
    {"Mn", BIT(MN)}, {"Mc", BIT(MC)}, {"Me", BIT(ME)}, {"Nd", BIT(ND)}, {"Nl", BIT(NL)},
    {"No", BIT(NO)}, {"Pc", BIT(PC)}, {"Pd", BIT(PD)}, {"Ps", BIT(PS)}, {"Pe", BIT(PE)},
    {"Pi", BIT(PI)}, {"Pf", BIT(PF)}, {"Po", BIT(PO)}, {"Sm", BIT(SM)}, {"Sc", BIT(SC)},
    {"Sk", BIT(SK)}, {"So", BIT(SO)}, {"Zs", BIT(ZS)}, {"Zl", BIT(ZL)}, {"Zp", BIT(ZP)},
    {"Cc", BIT(CC)}, {"Cf", BIT(CF)}, {"Co", BIT(CO)}, {"Cn", BIT(CN)}, {"Any", UINT32_MAX},
    // clang-format on
};

// Every code point, surrogates left out, as UTF-8.
static char *all_text(size_t *size)
{
    char *text = qni_alloc((size_t)QNI_CODE_POINTS * 4);
    *size = 0;
    for (uint32_t code = 0; text != NULL && code < QNI_CODE_POINTS; code++) {
        if (code < 0xD800 || code > 0xDFFF) {
            *size += (size_t)qni_utf8_encode(code, text + *size);
        }
    }
    return text;
}

// Adds the code points of the runs that `pattern` finds in a text of all of them.
static qn_status add_runs(qni_charset *set, pcre2_code *pattern, const char *text, size_t size,
                          qn_error *err)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    if (match == NULL) {
        return qni_fail_memory(err);
    }
    qni_charset members = {0};
    qn_status status = QN_OK;
    size_t at = 0;
    while (status == QN_OK && at < size &&
           pcre2_match(pattern, (PCRE2_SPTR)text, size, at, PCRE2_NO_UTF_CHECK, match, NULL) >= 0) {
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(match);
        uint32_t first, last;
        size_t tail = span[1] - 1;
        while (((unsigned char)text[tail] & 0xC0) == 0x80) {
            tail--;
        }
        qni_utf8_decode((const unsigned char *)text + span[0], size - span[0], &first);
        qni_utf8_decode((const unsigned char *)text + tail, size - tail, &last);
        status = qni_charset_add(&members, first, last, err);
        at = span[1];
    }
    if (status == QN_OK) {
        status = qni_charset_combine(set, QNI_UNION, &members, err);
    }
    qni_charset_end(&members);
    pcre2_match_data_free(match);
    return status;
}

// What a property has gained since the library's tables.
static qn_status add_newer(qni_charset *set, const char *name, size_t n, qn_error *err)
{
    static const struct {
        const char *name;
        uint32_t first, last;
    } rows[] = {
#define QNI_SINCE_9(first, last)
#define QNI_SINCE_14(name, first, last) {#name, first, last},
#include "text/unicode_newer.def"
#undef QNI_SINCE_9
#undef QNI_SINCE_14
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0) {
            QNI_TRY(qni_charset_add(set, rows[i].first, rows[i].last, err));
        }
    }
    return QN_OK;
}

static pcre2_code *compile_property(const char *kind, const char *name, size_t n)
{
    char source[64];
    int code;
    PCRE2_SIZE where;
    (void)snprintf(source, sizeof source, "\\p{%s%.*s}+", kind, (int)n, name);
    return pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &where, NULL);
}

static qn_status add_by_library(qni_charset *set, const char *name, size_t n, qn_error *err)
{
    // A script is meant without what is used with several ("sc:" says so); else it is no script.
    pcre2_code *pattern = compile_property("sc:", name, n);
    pattern = pattern != NULL ? pattern : compile_property("", name, n);
    if (pattern == NULL) {
        return qni_fail(err, QN_UNSUPPORTED, NULL, "the character property \\p{%.*s} is not known",
                        (int)n, name);
    }
    pcre2_jit_compile(pattern, PCRE2_JIT_COMPLETE);
    size_t size;
    char *text = all_text(&size);
    qn_status status = text == NULL ? qni_fail_memory(err)
                                    : add_runs(set, pattern, text, size, err);
    qni_free(text);
    pcre2_code_free(pattern);
    return status == QN_OK ? add_newer(set, name, n, err) : status;
}

qn_status qni_charset_add_property(qni_charset *set, const char *name, size_t n, qn_error *err)
{
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++) {
        if (strlen(categories[i].name) == n && memcmp(categories[i].name, name, n) == 0) {
            return add_where(set, is_of_category, categories[i].mask, err);
        }
    }
    if (n == 0 || n > 48 ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") < n) {
        return qni_fail(err, QN_UNSUPPORTED, NULL, "a character property of %zu letters", n);
    }
    return add_by_library(set, name, n, err);
}

qn_status qni_charset_add_perl(qni_charset *set, char letter, qn_error *err)
{
    return letter == 'd'   ? add_where(set, is_of_category, BIT(ND), err)
           : letter == 's' ? add_where(set, is_space, 0, err)
                           : add_where(set, is_word, 0, err);
}

qn_status qni_charset_add_posix(qni_charset *set, const char *name, size_t n, qn_error *err)
{
    // What a class holds: categories, a property and ranges of ASCII.
    static const struct {
        const char *name;
        uint32_t mask;
        const char *property;
        uint8_t ranges[3][2];
    } classes[] = {
        {"alnum", BIT(ND) | QNI_LETTERS | BIT(NL), "Alphabetic", {{0}}},
        {"alpha", QNI_LETTERS | BIT(NL), "Alphabetic", {{0}}},
        {"ascii", 0, NULL, {{0, 0x7F}}},
        {"blank", BIT(ZS), NULL, {{'\t', '\t'}}},
        {"cntrl", BIT(CC), NULL, {{0}}},
        {"digit", BIT(ND), NULL, {{0}}},
        {"graph", ~(SEPARATORS | BIT(CC) | BIT(CS) | BIT(CN)), NULL, {{0}}},
        {"lower", BIT(LL), "Lowercase", {{0}}},
        {"print", ~(BIT(ZL) | BIT(ZP) | BIT(CC) | BIT(CS) | BIT(CN)), NULL, {{0}}},
        {"punct", QNI_PUNCTUATION | SYMBOLS, NULL, {{0}}},
        {"space", SEPARATORS, NULL, {{'\t', '\r'}, {0x85, 0x85}}},
        {"upper", BIT(LU), "Uppercase", {{0}}},
        {"word", BIT(ND) | BIT(PC) | QNI_LETTERS | QNI_MARKS | BIT(NL), "Alphabetic", {{0}}},
        {"xdigit", 0, NULL, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strlen(classes[i].name) != n || memcmp(classes[i].name, name, n) != 0) {
            continue;
        }
        for (int k = 0; k < 3 && classes[i].ranges[k][1] != 0; k++) {
            QNI_TRY(qni_charset_add(set, classes[i].ranges[k][0], classes[i].ranges[k][1], err));
        }
        if (classes[i].property != NULL) {
            QNI_TRY(qni_charset_add_property(set, classes[i].property, strlen(classes[i].property),
                                             err));
        }
        return add_where(set, is_of_category, classes[i].mask, err);
    }
    return qni_fail(err, QN_UNSUPPORTED, NULL, "the class [:%.*s:] is not known", (int)n, name);
}
