// NFC, NFD, NFKC and NFKD, with what becomes of each character. Decompositions and classes are
// utf8proc's.
//
// Characters of class 0 that never join the one before them are bounds: what lies between two of
// them is treated alone, and almost all text is nothing but bounds that stay as they are.
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/ascii.h"
#include "text/normalizer.h"
#include "text/unicode.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef struct form {
    bool compose, compatible;
    uint64_t *known; // two bits a character: it was asked for, and it is plain; NULL: nothing is
                     // remembered
} form;

enum { KNOWN_WORDS = QNI_CODE_POINTS / 32, ASKED = 1, PLAIN = 2 };

// Characters whose decompositions are newer than the tables that tokenizers were made with
// (Unicode 12).
static bool is_newer(uint32_t code)
{
    static const uint32_t ranges[][2] = {{0x32FF, 0x32FF},   {0xA7F2, 0xA7F4},   {0xAB69, 0xAB69},
                                         {0x10781, 0x107BA}, {0x11938, 0x11938}, {0x1E030, 0x1E06D},
                                         {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9}};
    for (size_t i = 0; code >= 0x32FF && i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i][0] && code <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

int qni_decompose(uint32_t code, bool compatible, int32_t parts[QNI_MOST_PARTS])
{
    int last_class = UTF8PROC_BOUNDCLASS_START;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)code, parts, QNI_MOST_PARTS,
                                                 options, &last_class);
    if (n <= 0 || n > QNI_MOST_PARTS || is_newer(code)) {
        parts[0] = (utf8proc_int32_t)code;
        return 1;
    }
    return (int)n;
}

// Whether a character of class 0 may join the one before it. These are the second halves of
// Unicode's compositions that are no marks: Hangul vowels and final consonants, and vowel signs.
static bool joins_backward(uint32_t code)
{
    static const uint32_t signs[] = {0x9BE,   0x9D7,   0xB3E,   0xB56,   0xB57,   0xBBE,   0xBD7,
                                     0xCC2,   0xCD5,   0xCD6,   0xD3E,   0xD57,   0xDCF,   0xDDF,
                                     0x102E,  0x1B35,  0x11127, 0x1133E, 0x11357, 0x114B0, 0x114BA,
                                     0x114BD, 0x115AF, 0x11930, 0x113B8, 0x113BB, 0x113C2, 0x113C5,
                                     0x113C7, 0x113C9, 0x16129, 0x1611E, 0x1611F, 0x16120};
    if (code >= 0x1161 && code <= 0x11C2) {
        return true;
    }
    for (size_t i = 0; code >= 0x9BE && i < sizeof signs / sizeof signs[0]; i++) {
        if (signs[i] == code) {
            return true;
        }
    }
    return false;
}

static bool find_plain(uint32_t code, form f)
{
    utf8proc_int32_t parts[QNI_MOST_PARTS];
    if (qni_unicode_combining_class(code) != 0 || joins_backward(code)) {
        return false;
    }
    int n = qni_decompose(code, f.compatible, parts);
    if (n == 1) {
        return parts[0] == (utf8proc_int32_t)code;
    }
    if (!f.compose) {
        return false;
    }
    n = (int)utf8proc_normalize_utf32(parts, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    return n == 1 && parts[0] == (utf8proc_int32_t)code;
}

// A bound that stays as it is.
static bool is_plain(uint32_t code, form f)
{
    if (code < (f.compatible ? 0xA0u : f.compose ? 0x300u : 0xC0u)) {
        return true;
    }
    // Han that stand for themselves, and Hangul syllables where they stay whole.
    if ((code >= 0x3400 && code <= 0x9FFF) || (f.compose && code >= 0xAC00 && code <= 0xD7A3)) {
        return true;
    }
    if (f.known == NULL) {
        return find_plain(code, f);
    }
    uint64_t *known = &f.known[code / 32];
    unsigned shift = 2 * (code % 32);
    if ((*known >> shift & ASKED) == 0) {
        *known |= (uint64_t)(find_plain(code, f) ? ASKED | PLAIN : ASKED) << shift;
    }
    return (*known >> shift & PLAIN) != 0;
}

// The character that two make together, or 0.
static uint32_t compose_pair(uint32_t a, uint32_t b)
{
    utf8proc_int32_t pair[3] = {(utf8proc_int32_t)a, (utf8proc_int32_t)b, 0};
    bool syllable = a >= 0xAC00 && a <= 0xD7A3;
    if (syllable && ((a - 0xAC00) % 28 != 0 || b <= 0x11A7 || b > 0x11C2)) {
        return 0;
    }
    if (syllable) {
        return a + b - 0x11A7;
    }
    return utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) == 1
               ? (uint32_t)pair[0]
               : 0;
}

static qn_status add_decomposed(uint32_t code, form f, qni_changes *out, qn_error *err)
{
    utf8proc_int32_t parts[QNI_MOST_PARTS];
    int n = qni_decompose(code, f.compatible, parts);
    for (int i = 0; i < n; i++) {
        QNI_TRY(qni_changes_add(out, (uint32_t)parts[i], i > 0, err));
        // Marks are ordered by class, equal ones stay as they come.
        int own = qni_unicode_combining_class((uint32_t)parts[i]);
        qni_change moved = out->items[out->n - 1];
        size_t at = out->n - 1;
        while (own != 0 && at > 0 && qni_unicode_combining_class(out->items[at - 1].code) > own) {
            out->items[at] = out->items[at - 1];
            at--;
        }
        out->items[at] = moved;
    }
    return QN_OK;
}

// Composes `list` in place, from its item `first` on.
static void compose(qni_changes *list, size_t first)
{
    size_t starter = SIZE_MAX, kept = first;
    int last_class = -1; // of what was kept behind the starter; -1: nothing
    for (size_t i = first; i < list->n; i++) {
        qni_change c = list->items[i];
        int own = qni_unicode_combining_class(c.code);
        uint32_t joined = 0;
        if (starter != SIZE_MAX && last_class < own && last_class != 0) {
            joined = compose_pair(list->items[starter].code, c.code);
        }
        if (joined != 0) {
            list->items[starter].code = joined;
            list->items[starter].change += c.change - 1;
            continue;
        }
        if (own == 0) {
            starter = kept;
            last_class = -1;
        } else {
            last_class = own;
        }
        list->items[kept++] = c;
    }
    list->n = kept;
}

qn_status qni_changes_add(qni_changes *changes, uint32_t code, int change, qn_error *err)
{
    if (qni_grow(&changes->items, &changes->capacity, changes->n + 1, sizeof *changes->items) !=
        0) {
        return qni_fail_memory(err);
    }
    changes->items[changes->n++] = (qni_change){code, change};
    return QN_OK;
}

// Whether nearly all characters that begin with this byte are plain: ASCII, most Han, Hangul
// syllables where they stay whole, what is below U+0300; in NFC, punctuation, kana and wide forms.
static bool is_skipped(char first, form f)
{
    unsigned char byte = (unsigned char)first;
    bool is_nfc = f.compose && !f.compatible;
    return byte < 0x80 || (byte >= 0xE4 && byte <= 0xE9) || // U+4000 to U+9FFF
           (f.compose && (byte == 0xEB || byte == 0xEC)) || // U+B000 to U+CFFF
           (is_nfc &&
            ((byte >= 0xC2 && byte <= 0xCB) || byte == 0xE2 || byte == 0xE3 || byte == 0xEF));
}

// Skips bytes as long as those that begin a character begin plain ones, whatever follows them. The
// end may lie within a character.
#if defined(__SSE2__)
static __m128i is_between(__m128i bytes, unsigned char low, unsigned char high)
{
    __m128i lo = _mm_set1_epi8((char)low), hi = _mm_set1_epi8((char)high);
    return _mm_cmpeq_epi8(_mm_min_epu8(_mm_max_epu8(bytes, lo), hi), bytes);
}

static __m128i is_byte(__m128i bytes, unsigned char byte)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte));
}

// Of characters of three bytes, those that NFC leaves alone and that need a look at the other two.
static __m128i is_plain_nfc(__m128i first, __m128i second, __m128i third)
{
    // U+3000 to U+3FFF but U+302A to U+302F, U+3099 and U+309A, which are marks
    __m128i marks = _mm_or_si128(
        _mm_and_si128(is_byte(second, 0x80), is_between(third, 0xAA, 0xAF)),
        _mm_and_si128(is_byte(second, 0x82), is_between(third, 0x99, 0x9A)));
    __m128i kana = _mm_andnot_si128(marks, is_byte(first, 0xE3));
    // U+2002 to U+203F, U+FF00 to U+FFFF
    __m128i signs = _mm_and_si128(_mm_and_si128(is_byte(first, 0xE2), is_byte(second, 0x80)),
                                  is_between(third, 0x82, 0xBF));
    __m128i wide = _mm_and_si128(is_byte(first, 0xEF), is_between(second, 0xBC, 0xBF));
    return _mm_or_si128(kana, _mm_or_si128(signs, wide));
}

static __m128i load(const char *text)
{
    return _mm_loadu_si128((const __m128i *)(const void *)text);
}

static size_t skip_plain(const char *text, size_t at, size_t n, form f)
{
    for (; n - at >= 18; at += 16) {
        __m128i bytes = load(text + at);
        __m128i plain = is_between(bytes, 0xE4, 0xE9);
        if (f.compose) {
            plain = _mm_or_si128(plain, is_between(bytes, 0xEB, 0xEC));
        }
        if (f.compose && !f.compatible) {
            plain = _mm_or_si128(plain, is_between(bytes, 0xC2, 0xCB));
            plain = _mm_or_si128(plain,
                                 is_plain_nfc(bytes, load(text + at + 1), load(text + at + 2)));
        }
        __m128i asks = _mm_andnot_si128(plain, is_between(bytes, 0xC0, 0xFF));
        unsigned any = (unsigned)_mm_movemask_epi8(asks);
        if (any != 0) {
            return at + (size_t)__builtin_ctz(any);
        }
    }
    return at;
}
#else
static size_t skip_plain(const char *text, size_t at, size_t n, form f)
{
    (void)f;
    for (uint64_t part; n - at >= sizeof part; at += sizeof part) {
        memcpy(&part, text + at, sizeof part);
        if ((part & QNI_ASCII_TOPS) != 0) {
            break;
        }
    }
    return at;
}
#endif

static bool is_inside(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

// The end of the bytes from `from` on that are plain; `*last` is where their last character begins.
static size_t plain_run(const qni_passage *p, size_t from, form f, size_t *last)
{
    size_t at = from;
    for (bool plain = true; plain && at < p->n;) {
        at = skip_plain(p->text, at, p->n, f);
        while (at < p->n && is_inside(p->text[at])) {
            at++;
        }
        // what is not skipped stands beside its like, as a rule
        for (bool asks = true; asks && at < p->n;) {
            size_t length;
            plain = is_plain(qni_utf8_read(p->text + at, &length), f);
            at += plain ? length : 0;
            asks = plain && at < p->n && !is_skipped(p->text[at], f);
        }
    }
    *last = at;
    while (*last > from && is_inside(p->text[--*last])) {
    }
    return at;
}

// Rewrites the characters from r->at up to the next two plain ones (the first of them may be joined
// by what comes before it, never by what comes after).
static qn_status rewrite_part(qni_rewrite *r, form f, qni_changes *changes)
{
    size_t at = r->at;
    changes->n = 0;
    bool first = true;
    while (at < r->from->n) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)r->from->text + at, r->from->n - at,
                                     &code);
        if (!first && is_plain(code, f)) {
            break;
        }
        QNI_TRY(add_decomposed(code, f, changes, r->err));
        at += (size_t)length;
        first = false;
    }
    if (f.compose) {
        compose(changes, 0);
    }
    for (size_t i = 0; i < changes->n; i++) {
        QNI_TRY(qni_rewrite_put(r, changes->items[i].code, changes->items[i].change));
    }
    r->at = at;
    return QN_OK;
}

qn_status qni_normal_form(const qni_passage *p, bool compose, bool compatible,
                          qni_normalize_scratch *scratch, qni_draft *out, bool *same, qn_error *err)
{
    qni_changes *changes = &scratch->changes;
    uint64_t **known = &scratch->plain[compose + 2 * compatible];
    if (*known == NULL) { // without memory nothing is remembered
        *known = qni_calloc(KNOWN_WORDS, sizeof **known);
    }
    form f = {compose, compatible, *known};
    qni_rewrite r = {.from = p, .to = out, .err = err};
    size_t last, end = plain_run(p, 0, f, &last);
    *same = end == p->n;
    while (!*same && r.at < p->n) {
        // The last plain character belongs to what follows it.
        size_t stop = end == p->n ? end : last;
        QNI_TRY(qni_draft_copy(out, p, r.at, stop, err));
        r.at = stop;
        if (stop < p->n) {
            QNI_TRY(rewrite_part(&r, f, changes));
            end = plain_run(p, r.at, f, &last);
        }
    }
    return QN_OK;
}
