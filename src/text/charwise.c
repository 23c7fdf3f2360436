#include "text/charwise.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/ascii.h"
#include "text/unicode.h"

#include <string.h>

enum {
    KEPT = 1 << 16, // characters, by their code; memory that no character uses is never touched
    MOST = 11,      // bytes that one becomes
    IN_THE_WAY = 0xFF,
    SOME = 1024 // bytes that are read before room is made again
};

struct qni_charwise_entry {
    uint32_t code; // plus 1; 0: none
    char bytes[MOST];
    uint8_t n; // or IN_THE_WAY
};

// Han of whole blocks. No step tells those of one apart, so what becomes of each is what becomes of
// the first.
enum { USUAL = 1, FIRST_USUAL = 0x4E00, LAST_USUAL = 0x9FA5 };
static const struct {
    uint32_t first, last;
} han_blocks[QNI_HAN_BLOCKS] = {{0x3400, 0x4DB5}, {FIRST_USUAL, LAST_USUAL}, {0x20000, 0x2A6D6}};

bool qni_charwise_can(const qni_normalizer *steps, size_t n_steps)
{
    for (size_t i = 0; i < n_steps; i++) {
        switch (steps[i].kind) {
        case QNI_NORMALIZE_LOWERCASE:
        case QNI_NORMALIZE_STRIP_ACCENTS:
        case QNI_NORMALIZE_STRIP_MARKS:
        case QNI_NORMALIZE_CLEAN:
        case QNI_NORMALIZE_CHINESE:
        case QNI_NORMALIZE_NMT: break;
        case QNI_NORMALIZE_FORM:
            if (steps[i].compose) {
                return false;
            }
            break;
        case QNI_NORMALIZE_STRIP:
        case QNI_NORMALIZE_PREPEND:
        case QNI_NORMALIZE_REPLACE:
        case QNI_NORMALIZE_CHARSMAP:
        case QNI_NORMALIZE_BYTES:
        case QNI_NORMALIZE_SENTENCEPIECE: return false;
        }
    }
    return n_steps > 0;
}

// What one step makes of n characters: how many; -1: too many.
static int step_on(const qni_normalizer *step, const uint32_t *from, int n, uint32_t *to)
{
    int n_to = 0;
    for (int i = 0; i < n; i++) {
        int32_t parts[QNI_MOST_PARTS];
        qni_change made[3];
        bool form = step->kind == QNI_NORMALIZE_FORM;
        int n_made = form ? qni_decompose(from[i], step->compatible, parts)
                          : qni_map_character(step->kind, from[i], made);
        if (n_to + (n_made < 0 ? 1 : n_made) > QNI_MOST_PARTS) {
            return -1;
        }
        if (n_made < 0) {
            to[n_to++] = from[i];
        }
        for (int k = 0; k < n_made; k++) {
            to[n_to++] = form ? (uint32_t)parts[k] : made[k].code;
        }
    }
    return n_to;
}

// What the steps make of one character.
static qni_charwise_entry find(const qni_normalizer *steps, size_t n_steps, uint32_t code)
{
    qni_charwise_entry e = {.code = code + 1, .n = IN_THE_WAY};
    uint32_t codes[2][QNI_MOST_PARTS], *last = codes[0];
    int n = 1, size = 0;
    bool reorders = false;
    codes[0][0] = code;
    for (size_t i = 0; i < n_steps && n >= 0; i++) {
        uint32_t *next = codes[(i + 1) % 2];
        n = step_on(&steps[i], last, n, next);
        last = next;
        reorders = reorders || steps[i].kind == QNI_NORMALIZE_FORM;
    }
    for (int i = 0; i < n; i++) {
        char text[4];
        int length = qni_utf8_encode(last[i], text);
        if (size + length > MOST || (reorders && qni_unicode_combining_class(last[i]) != 0)) {
            return e;
        }
        memcpy(e.bytes + size, text, (size_t)length);
        size += length;
    }
    e.n = n >= 0 ? (uint8_t)size : (uint8_t)IN_THE_WAY;
    return e;
}

// An ASCII character becomes at most one byte.
static qn_status open_tables(const qni_normalizer *steps, size_t n_steps,
                             qni_normalize_scratch *scratch, qn_error *err)
{
    if (scratch->charwise != NULL) {
        return QN_OK;
    }
    qni_charwise_entry *entries = qni_calloc(KEPT + QNI_HAN_BLOCKS, sizeof *entries);
    scratch->stays = qni_calloc(KEPT / 64, sizeof *scratch->stays);
    if (entries == NULL || scratch->stays == NULL) {
        qni_free(entries);
        qni_free(scratch->stays);
        scratch->stays = NULL;
        return qni_fail_memory(err);
    }
    scratch->ascii_same = scratch->ascii_lower = true;
    for (uint32_t c = 0; c < 0x80; c++) {
        qni_charwise_entry e = find(steps, n_steps, c);
        scratch->ascii_way = scratch->ascii_way || e.n > 1;
        scratch->ascii[c] = e.bytes[0];
        scratch->ascii_n[c] = e.n == 1;
        if (c >= 0x20 && c < 0x7F) {
            char lower = (char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
            scratch->ascii_same = scratch->ascii_same && e.n == 1 && e.bytes[0] == (char)c;
            scratch->ascii_lower = scratch->ascii_lower && e.n == 1 && e.bytes[0] == lower;
        }
    }
    for (int i = 0; i < QNI_HAN_BLOCKS; i++) {
        char text[4];
        size_t n = (size_t)qni_utf8_encode(han_blocks[i].first, text);
        qni_charwise_entry *e = &entries[KEPT + i];
        *e = find(steps, n_steps, han_blocks[i].first);
        const char *at = e->n != IN_THE_WAY ? memmem(e->bytes, e->n, text, n) : NULL;
        scratch->han[i] = at != NULL ? e : NULL;
        scratch->han_at[i] = at != NULL ? (size_t)(at - e->bytes) : 0;
    }
    scratch->charwise = entries;
    return QN_OK;
}

// What the steps make of the first character of the text, which is not ASCII. Returns how many
// bytes it has; 0 when it is in the way.
static inline size_t write_other(const qni_normalizer *steps, size_t n_steps,
                                 qni_normalize_scratch *scratch, const char *text, char **to)
{
    size_t length;
    uint32_t code = qni_utf8_read(text, &length);
    if (code < KEPT && (scratch->stays[code / 64] >> (code % 64) & 1) != 0) {
        memcpy(*to, text, 2); // and the third
        (*to)[2] = text[length - 1];
        *to += length;
        return length;
    }
    int block = code < FIRST_USUAL ? USUAL - 1 : USUAL + 1;
    const qni_charwise_entry *han = scratch->han[block];
    if (code >= han_blocks[block].first && code <= han_blocks[block].last && han != NULL) {
        memcpy(*to, han->bytes, MOST);
        memcpy(*to + scratch->han_at[block], text, length);
        *to += han->n;
        return length;
    }
    qni_charwise_entry *e = &scratch->charwise[code % KEPT];
    if (e->code != code + 1) {
        *e = find(steps, n_steps, code);
        bool stays = code < KEPT && e->n == length && memcmp(e->bytes, text, length) == 0;
        scratch->stays[code % KEPT / 64] |= (uint64_t)stays << (code % 64);
    }
    if (e->n == IN_THE_WAY) {
        return 0;
    }
    memcpy(*to, e->bytes, MOST);
    *to += e->n;
    return length;
}

// Han of the usual block that begin within the first n bytes of the text. Returns how many bytes
// were done.
static inline size_t write_han(const qni_normalize_scratch *scratch, const char *text, size_t n,
                               char **to)
{
    const qni_charwise_entry *han = scratch->han[USUAL];
    size_t at = 0, han_at = scratch->han_at[USUAL];
    while (han != NULL && at < n) {
        size_t length;
        uint32_t code = qni_utf8_read(text + at, &length);
        if (code < FIRST_USUAL || code > LAST_USUAL) {
            break;
        }
        memcpy(*to, han->bytes, MOST);
        memcpy(*to + han_at, text + at, 3);
        *to += han->n;
        at += 3;
    }
    return at;
}

// What the steps make of text[0, n), to the end of a draft.
static qn_status add_by_steps(const qni_normalizer *steps, size_t n_steps,
                              qni_normalize_scratch *scratch, const char *text, size_t n,
                              qn_error *err)
{
    qni_passage p = {.text = text, .n = n};
    QNI_TRY(qni_normalize_by_steps(steps, n_steps, scratch, false, &p, err));
    return qni_draft_add(&scratch->whole, p.text, p.n, (qni_text_span){0, 0}, err);
}

qn_status qni_charwise_normalize(const qni_normalizer *steps, size_t n_steps,
                                 qni_normalize_scratch *scratch, qni_passage *p, bool *done,
                                 qn_error *err)
{
    *done = false;
    QNI_TRY(open_tables(steps, n_steps, scratch, err));
    if (scratch->ascii_way) {
        return QN_OK;
    }
    qni_draft *out = &scratch->whole;
    const char *text = p->text;
    size_t n = p->n;
    qni_draft_begin(out, false);
    for (size_t at = 0; at < n;) {
        char *to;
        size_t stop = n - at < SOME ? n : at + SOME;
        // a character of two bytes is the one that can grow most
        QNI_TRY(qni_draft_room(out, SOME / 2 * (MOST + 1) + MOST, &to, err));
        while (at < stop) {
            if ((scratch->ascii_lower || scratch->ascii_same) && (unsigned char)text[at] < 0x80) {
                size_t some = qni_ascii_copy_printable(to, text + at, stop - at,
                                                       scratch->ascii_lower);
                to += some;
                at += some;
            }
            for (unsigned char c; at < stop && (c = (unsigned char)text[at]) < 0x80; at++) {
                *to = scratch->ascii[c];
                to += scratch->ascii_n[c];
                if (c < 0x20) {
                    at++;
                    break;
                }
            }
            at += write_han(scratch, text + at, stop - at, &to);
            if (at >= stop || (unsigned char)text[at] < 0x80) {
                continue;
            }
            size_t length = write_other(steps, n_steps, scratch, text + at, &to);
            if (length == 0) {
                break;
            }
            at += length;
        }
        out->n = (size_t)(to - out->text);
        if (at < stop) { // up to an ASCII character that stays all goes by the steps
            size_t end = at;
            while (end < n && ((unsigned char)text[end] >= 0x80 ||
                               scratch->ascii_n[(unsigned char)text[end]] == 0)) {
                end++;
            }
            QNI_TRY(add_by_steps(steps, n_steps, scratch, text + at, end - at, err));
            at = end;
        }
    }
    qni_draft_give(out, p);
    *done = true;
    return QN_OK;
}
