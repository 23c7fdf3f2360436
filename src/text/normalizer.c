#include "text/normalizer.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/ascii.h"
#include "text/charwise.h"
#include "text/sentencepiece.h"
#include "text/unicode.h"

#include <string.h>

void qni_normalizer_end(qni_normalizer *step)
{
    qni_free(step->content);
    qni_splitter_end(&step->splitter);
    qni_charsmap_end(&step->charsmap);
    qni_sentencepiece_free(step->sentencepiece);
    *step = (qni_normalizer){0};
}

void qni_normalize_scratch_end(qni_normalize_scratch *scratch)
{
    qni_draft_end(&scratch->drafts[0]);
    qni_draft_end(&scratch->drafts[1]);
    qni_draft_end(&scratch->whole);
    qni_free(scratch->charwise);
    qni_free(scratch->stays);
    for (size_t i = 0; i < sizeof scratch->plain / sizeof *scratch->plain; i++) {
        qni_free(scratch->plain[i]);
    }
    qni_free(scratch->changes.items);
    qni_splitter_free_match(scratch->match);
    *scratch = (qni_normalize_scratch){0};
}

// ---- Steps that look at each character by itself

// What becomes of one character: nothing (taken away), itself, or up to three others.
typedef int map_fn(uint32_t code, qni_change out[3]);

enum { SAME = -1, GONE = 0 };

static int lowercase(uint32_t code, qni_change out[3])
{
    uint32_t lower[3];
    int n = qni_unicode_lower(code, lower);
    for (int i = 0; i < n; i++) {
        out[i] = (qni_change){lower[i], i > 0};
    }
    return n == 1 && lower[0] == code ? SAME : n;
}

static int strip_accents(uint32_t code, qni_change out[3])
{
    (void)out;
    return code >= 0x300 && (QNI_MARKS >> qni_unicode_category_9(code) & 1) != 0 ? GONE : SAME;
}

static int strip_marks(uint32_t code, qni_change out[3])
{
    (void)out;
    return code >= 0x300 && qni_unicode_category_8(code) == QNI_CATEGORY_MN ? GONE : SAME;
}

static int clean(uint32_t code, qni_change out[3])
{
    out[0] = (qni_change){' ', 0};
    if (code == '\t' || code == '\n' || code == '\r') {
        return 1;
    }
    qni_category category = qni_unicode_category_8(code);
    bool other = category == QNI_CATEGORY_CC || category == QNI_CATEGORY_CF ||
                 category == QNI_CATEGORY_CO;
    if (code == 0 || code == 0xFFFD || other) {
        return GONE;
    }
    return code != ' ' && qni_unicode_is_space(code) ? 1 : SAME;
}

static int chinese(uint32_t code, qni_change out[3])
{
    bool is = (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x3400 && code <= 0x4DBF) ||
              (code >= 0x20000 && code <= 0x2A6DF) || (code >= 0x2A700 && code <= 0x2B73F) ||
              (code >= 0x2B740 && code <= 0x2B81F) || (code >= 0x2B920 && code <= 0x2CEAF) ||
              (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x2F800 && code <= 0x2FA1F);
    if (!is) {
        return SAME;
    }
    out[0] = (qni_change){' ', 0};
    out[1] = (qni_change){code, 1};
    out[2] = (qni_change){' ', 1};
    return 3;
}

static int nmt(uint32_t code, qni_change out[3])
{
    out[0] = (qni_change){' ', 0};
    if ((code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
        code == 0x8F || code == 0x9F) {
        return GONE;
    }
    bool space = code == 9 || code == 0xA || code == 0xC || code == 0xD || code == 0x1680 ||
                 (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 ||
                 code == 0x2581 || code == 0xFEFF || code == 0xFFFD;
    return space ? 1 : SAME;
}

// The steps that look at each character by itself; NULL for the others.
static map_fn *const maps[] = {
    [QNI_NORMALIZE_LOWERCASE] = lowercase,
    [QNI_NORMALIZE_STRIP_ACCENTS] = strip_accents,
    [QNI_NORMALIZE_STRIP_MARKS] = strip_marks,
    [QNI_NORMALIZE_CLEAN] = clean,
    [QNI_NORMALIZE_CHINESE] = chinese,
    [QNI_NORMALIZE_NMT] = nmt,
    [QNI_NORMALIZE_BYTES] = NULL,
};

int qni_map_character(qni_normalizer_kind kind, uint32_t code, qni_change out[3])
{
    return maps[kind](code, out);
}

static qn_status map_characters(map_fn *map, const qni_passage *p, qni_draft *out, bool *same,
                                qn_error *err)
{
    qni_rewrite r = {.from = p, .to = out, .err = err};
    size_t copied = 0;
    for (size_t at = 0; at < p->n;) {
        qni_change made[3];
        r.at = at;
        size_t n;
        int n_made = map(qni_rewrite_next(&r, &n), made);
        at += n;
        if (n_made == SAME) {
            continue;
        }
        QNI_TRY(qni_draft_copy(out, p, copied, r.at, err));
        for (int i = 0; i < n_made; i++) {
            QNI_TRY(qni_rewrite_put(&r, made[i].code, made[i].change));
        }
        copied = at;
        *same = false;
    }
    return *same ? QN_OK : qni_draft_copy(out, p, copied, p->n, err);
}

// ---- The others

static qn_status strip(const qni_normalizer *step, qni_passage *p)
{
    size_t begin = 0, end = p->n;
    while (step->left && !p->continues && begin < end) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)p->text + begin, end - begin, &code);
        if (!qni_unicode_is_space(code)) {
            break;
        }
        begin += (size_t)length;
    }
    while (step->right && !p->goes_on && end > begin) {
        size_t at = end - 1;
        while (at > begin && ((unsigned char)p->text[at] & 0xC0) == 0x80) {
            at--;
        }
        uint32_t code;
        qni_utf8_decode((const unsigned char *)p->text + at, end - at, &code);
        if (!qni_unicode_is_space(code)) {
            break;
        }
        end = at;
    }
    p->text += begin;
    p->origin = p->origin != NULL ? p->origin + begin : NULL;
    p->shift += begin;
    p->n = end - begin;
    return QN_OK;
}

static qn_status prepend(const qni_normalizer *step, const qni_passage *p, qni_draft *out,
                         bool *same, qn_error *err)
{
    *same = p->n == 0 || p->continues;
    if (*same) {
        return QN_OK;
    }
    qni_text_span first = out->track ? qni_passage_character(p, 0) : (qni_text_span){0, 0};
    QNI_TRY(qni_draft_add(out, step->content, step->n_content, first, err));
    return qni_draft_copy(out, p, 0, p->n, err);
}

// What takes the place of a match stands for its last character.
static qn_status replace(const qni_normalizer *step, const qni_passage *p, void **match,
                         qni_draft *out, bool *same, qn_error *err)
{
    size_t at = 0;
    bool any = true;
    if (!out->track && step->splitter.literal_bytes == 1) {
        char byte = step->splitter.literal[0];
        *same = memchr(p->text, byte, p->n) == NULL;
        return *same
                   ? QN_OK
                   : qni_draft_replace(out, p, 0, p->n, byte, step->content, step->n_content, err);
    }
    qni_cut found = {SIZE_MAX, SIZE_MAX};
    while (any) {
        QNI_TRY(qni_splitter_next(&step->splitter, p->text, p->n, at, match, &found, &any, err));
        if (any) {
            qni_text_span last = out->track && found.end > 0
                                     ? qni_passage_character(p, found.end - 1)
                                     : (qni_text_span){p->base, p->base};
            QNI_TRY(qni_draft_copy(out, p, at, found.begin, err));
            QNI_TRY(qni_draft_add(out, step->content, step->n_content, last, err));
            at = found.end;
            *same = false;
        }
    }
    return *same ? QN_OK : qni_draft_copy(out, p, at, p->n, err);
}

static qn_status add_replacement(qni_changes *changes, const char *text, int n_old, qn_error *err)
{
    size_t size = strlen(text), first = changes->n;
    for (size_t at = 0; at < size;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)text + at, size - at, &code);
        at += (size_t)(length < 0 ? -length : length);
        QNI_TRY(qni_changes_add(changes, code, 0, err));
    }
    int more = (int)(changes->n - first) - n_old;
    for (int i = 0; i < more; i++) {
        changes->items[changes->n - 1 - (size_t)i].change = 1;
    }
    if (more < 0 && changes->n > 0) {
        changes->items[changes->n - 1].change += more;
    }
    return QN_OK;
}

static int count_characters(const char *text, size_t n)
{
    int count = 0;
    for (size_t i = 0; i < n; i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

// A grapheme of less than six bytes is looked up whole, and what its first matching prefix says
// takes the place of all of it; else each character is looked up.
static qn_status map_grapheme(const qni_charsmap *map, const char *text, size_t n,
                              qni_changes *changes, bool *same, qn_error *err)
{
    size_t key;
    const char *found = n < 6 ? qni_charsmap_find(map, text, n, false, &key) : NULL;
    if (found != NULL) {
        *same = false;
        return add_replacement(changes, found, count_characters(text, n), err);
    }
    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t length = (size_t)qni_utf8_decode((const unsigned char *)text + at, n - at, &code);
        found = qni_charsmap_find(map, text + at, length, false, &key);
        *same = *same && found == NULL;
        QNI_TRY(found != NULL ? add_replacement(changes, found, 1, err)
                              : qni_changes_add(changes, code, 0, err));
        at += length;
    }
    return QN_OK;
}

static qn_status add_text(qni_draft *out, const char *text, size_t n, qn_error *err)
{
    return qni_draft_add(out, text, n, (qni_text_span){0, 0}, err);
}

static qn_status add_grapheme(const qni_charsmap *map, const char *text, size_t n, qni_draft *out,
                              qn_error *err)
{
    size_t key;
    const char *found = n < 6 ? qni_charsmap_find(map, text, n, false, &key) : NULL;
    if (found != NULL) {
        return add_text(out, found, strlen(found), err);
    }
    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t length = (size_t)qni_utf8_decode((const unsigned char *)text + at, n - at, &code);
        if (length == n) { // which was looked up
            return add_text(out, text, n, err);
        }
        found = qni_charsmap_find(map, text + at, length, false, &key);
        QNI_TRY(found != NULL ? add_text(out, found, strlen(found), err)
                              : add_text(out, text + at, length, err));
        at += length;
    }
    return QN_OK;
}

// How many of the first `most` bytes of text[0, n) are characters that stay as they are, each of
// them a grapheme; up to two ASCII characters.
static size_t count_staying(const qni_charsmap *map, const char *text, size_t n, size_t most)
{
    size_t at = 0, length, next_length = 0;
    uint32_t code = qni_utf8_read(text, &length);
    for (bool stays = qni_charsmap_stays(map, code); stays && length <= most - at;) {
        size_t next = at + length;
        if (next < n) {
            code = qni_utf8_read(text + next, &next_length);
            stays = qni_charsmap_stays(map, code);
            if ((!stays && !qni_unicode_stands_alone(code)) || (length == 1 && next_length == 1)) {
                return at;
            }
        }
        at = next;
        length = next_length;
        if (at == n) {
            return n;
        }
    }
    return at;
}

// The same without origins. An ASCII character before another one is a grapheme.
static qn_status write_by_table(const qni_charsmap *map, const qni_passage *p, qni_draft *out,
                                bool *same, qn_error *err)
{
    enum { SOME = 512 };
    const char *text = p->text;
    *same = false;
    for (size_t at = 0; at < p->n;) {
        size_t stop = p->n - at < SOME ? p->n : at + SOME;
        char *to;
        QNI_TRY(qni_draft_room(out, SOME, &to, err));
        uint32_t alone = 0;
        if (map->same) { // the last of them could be joined by what follows
            size_t some = qni_ascii_copy_printable(to, text + at, stop - at, false);
            some -= some > 0 && (at + some == p->n || (unsigned char)text[at + some] >= 0x80);
            to += some;
            at += some;
        }
        bool joins = false;
        for (int some = 0; some < 16 && at < stop && alone == 0 && !joins; some++) {
            joins = (unsigned char)text[at] >= 0x80 ||
                    (at + 1 < p->n && ((unsigned char)text[at + 1] >= 0x80 || text[at] == '\r'));
            if (!joins) {
                alone = map->alone[(unsigned char)text[at]];
                *to = text[at++];
                to += alone == 0;
            }
        }
        out->n = (size_t)(to - out->text);
        if (alone != 0) {
            QNI_TRY(add_text(out, map->pool + alone - 1, strlen(map->pool + alone - 1), err));
        } else if (joins) {
            size_t staying = map->stays != NULL && at < stop
                                 ? count_staying(map, text + at, p->n - at, stop - at)
                                 : 0;
            if (staying > 0) {
                memcpy(to, text + at, staying);
                out->n += staying;
                at += staying;
                continue;
            }
            size_t n = qni_unicode_grapheme(text + at, p->n - at);
            QNI_TRY(add_grapheme(map, text + at, n, out, err));
            at += n;
        }
    }
    return QN_OK;
}

static qn_status map_by_table(const qni_charsmap *map, const qni_passage *p, qni_changes *changes,
                              qni_draft *out, bool *same, qn_error *err)
{
    if (!out->track) {
        return write_by_table(map, p, out, same, err);
    }
    changes->n = 0;
    for (size_t at = 0; at < p->n;) {
        size_t n = qni_unicode_grapheme(p->text + at, p->n - at);
        QNI_TRY(map_grapheme(map, p->text + at, n, changes, same, err));
        at += n;
    }
    qni_rewrite r = {.from = p, .to = out, .err = err};
    for (size_t i = 0; !*same && i < changes->n; i++) {
        QNI_TRY(qni_rewrite_put(&r, changes->items[i].code, changes->items[i].change));
    }
    return QN_OK;
}

static qn_status write_bytes(const qni_passage *p, qni_draft *out, qn_error *err)
{
    for (size_t at = 0; at < p->n; at++) {
        char text[4];
        int n = qni_utf8_encode(qni_byte_to_code((unsigned char)p->text[at]), text);
        qni_text_span from = out->track ? qni_passage_character(p, at) : (qni_text_span){0, 0};
        QNI_TRY(qni_draft_add(out, text, (size_t)n, from, err));
    }
    return QN_OK;
}

static qn_status run(const qni_normalizer *step, qni_normalize_scratch *s, qni_passage *p,
                     qni_draft *out, bool *same, qn_error *err)
{
    switch (step->kind) {
    case QNI_NORMALIZE_FORM:
        return qni_normal_form(p, step->compose, step->compatible, s, out, same, err);
    case QNI_NORMALIZE_STRIP: return strip(step, p);
    case QNI_NORMALIZE_PREPEND: return prepend(step, p, out, same, err);
    case QNI_NORMALIZE_REPLACE: return replace(step, p, &s->match, out, same, err);
    case QNI_NORMALIZE_CHARSMAP:
        return map_by_table(&step->charsmap, p, &s->changes, out, same, err);
    case QNI_NORMALIZE_SENTENCEPIECE:
        *same = false;
        return qni_sentencepiece_normalize(step->sentencepiece, p, out, err);
    case QNI_NORMALIZE_BYTES: *same = false; return write_bytes(p, out, err);
    case QNI_NORMALIZE_LOWERCASE:
    case QNI_NORMALIZE_STRIP_ACCENTS:
    case QNI_NORMALIZE_STRIP_MARKS:
    case QNI_NORMALIZE_CLEAN:
    case QNI_NORMALIZE_CHINESE:
    case QNI_NORMALIZE_NMT: return map_characters(maps[step->kind], p, out, same, err);
    }
    return QN_OK;
}

qn_status qni_normalize(const qni_normalizer *steps, size_t n_steps, qni_normalize_scratch *scratch,
                        bool track, qni_passage *p, qn_error *err)
{
    bool done = false;
    if (!track && qni_charwise_can(steps, n_steps)) {
        QNI_TRY(qni_charwise_normalize(steps, n_steps, scratch, p, &done, err));
    }
    return done ? QN_OK : qni_normalize_by_steps(steps, n_steps, scratch, track, p, err);
}

qn_status qni_normalize_by_steps(const qni_normalizer *steps, size_t n_steps,
                                 qni_normalize_scratch *scratch, bool track, qni_passage *p,
                                 qn_error *err)
{
    int next = 0;
    for (size_t i = 0; i < n_steps; i++) {
        qni_draft *out = &scratch->drafts[next];
        bool same = true;
        qni_draft_begin(out, track);
        QNI_TRY(run(&steps[i], scratch, p, out, &same, err));
        if (!same) {
            qni_draft_give(out, p);
            next = 1 - next;
        }
    }
    return QN_OK;
}
