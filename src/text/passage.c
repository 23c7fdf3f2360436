#include "text/passage.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

qni_text_span qni_passage_span(const qni_passage *p, size_t begin, size_t end)
{
    if (p->origin == NULL) {
        return (qni_text_span){p->shift + begin, p->shift + end};
    }
    if (begin == end) {
        return (qni_text_span){0, 0};
    }
    return (qni_text_span){p->origin[begin].begin, p->origin[end - 1].end};
}

static bool is_inside(const qni_passage *p, size_t at)
{
    return at < p->n && ((unsigned char)p->text[at] & 0xC0) == 0x80;
}

qni_text_span qni_passage_character(const qni_passage *p, size_t at)
{
    size_t end = at + 1;
    while (at > 0 && is_inside(p, at)) {
        at--;
    }
    while (is_inside(p, end)) {
        end++;
    }
    return qni_passage_span(p, at, end);
}

void qni_draft_begin(qni_draft *draft, bool track)
{
    draft->n = 0;
    draft->track = track;
}

void qni_draft_end(qni_draft *draft)
{
    qni_free(draft->text);
    qni_free(draft->origin);
    *draft = (qni_draft){0};
}

static qn_status reserve(qni_draft *draft, size_t more, qn_error *err)
{
    size_t need = draft->n + more;
    // Words are read 16 bytes at a time, so the end has that much behind it.
    if ((need + 16 > draft->capacity &&
         qni_grow(&draft->text, &draft->capacity, need + 16, 1) != 0) ||
        (draft->track &&
         qni_grow(&draft->origin, &draft->origin_capacity, need, sizeof *draft->origin) != 0)) {
        return qni_fail_memory(err);
    }
    return QN_OK;
}

qn_status qni_draft_room(qni_draft *draft, size_t n, char **to, qn_error *err)
{
    QNI_TRY(reserve(draft, n, err));
    *to = draft->text + draft->n;
    return QN_OK;
}

qn_status qni_draft_add(qni_draft *draft, const char *bytes, size_t n, qni_text_span from,
                        qn_error *err)
{
    QNI_TRY(reserve(draft, n, err));
    memcpy(draft->text + draft->n, bytes, n);
    for (size_t i = 0; draft->track && i < n; i++) {
        draft->origin[draft->n + i] = from;
    }
    draft->n += n;
    return QN_OK;
}

qn_status qni_draft_copy(qni_draft *draft, const qni_passage *p, size_t begin, size_t end,
                         qn_error *err)
{
    QNI_TRY(reserve(draft, end - begin, err));
    memcpy(draft->text + draft->n, p->text + begin, end - begin);
    for (size_t i = begin; draft->track && i < end; i++) {
        draft->origin[draft->n + i - begin] = qni_passage_span(p, i, i + 1);
    }
    draft->n += end - begin;
    return QN_OK;
}

// Copies bytes with `with` in the place of every `byte`, eight at a time: what is written behind
// the end of a piece is written over by the next. Little endian.
static char *replace_byte(char *to, const char *from, const char *end, char byte, const char *with,
                          size_t n)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t by = 0, part;
    memcpy(&by, with, n <= sizeof by ? n : 0);
    while (n <= sizeof by && end - from >= (ptrdiff_t)sizeof part) {
        memcpy(&part, from, sizeof part);
        memcpy(to, &part, sizeof part);
        uint64_t other = part ^ ones * (unsigned char)byte;
        uint64_t found = (other - ones) & ~other & tops; // the lowest is exact
        if (found == 0) {
            from += sizeof part;
            to += sizeof part;
            continue;
        }
        int before = __builtin_ctzll(found) / 8;
        memcpy(to + before, &by, sizeof by);
        to += (size_t)before + n;
        from += before + 1;
    }
    for (; from < end; from++) {
        if (*from != byte) {
            *to++ = *from;
        } else {
            memcpy(to, with, n);
            to += n;
        }
    }
    return to;
}

qn_status qni_draft_replace(qni_draft *draft, const qni_passage *p, size_t begin, size_t end,
                            char byte, const char *with, size_t n, qn_error *err)
{
    enum { SOME = 1024 };
    while (begin < end) {
        size_t stop = end - begin < SOME ? end : begin + SOME;
        QNI_TRY(reserve(draft, (stop - begin) * (n > 0 ? n : 1), err)); // and 16 bytes
        char *to = replace_byte(draft->text + draft->n, p->text + begin, p->text + stop, byte, with,
                                n);
        draft->n = (size_t)(to - draft->text);
        begin = stop;
    }
    return QN_OK;
}

void qni_draft_give(const qni_draft *draft, qni_passage *p)
{
    p->text = draft->n > 0 ? draft->text : "";
    p->n = draft->n;
    p->origin = draft->track ? draft->origin : NULL;
    p->shift = 0;
}

uint32_t qni_rewrite_next(const qni_rewrite *r, size_t *n)
{
    uint32_t code;
    int length = qni_utf8_decode((const unsigned char *)r->from->text + r->at, r->from->n - r->at,
                                 &code);
    *n = (size_t)(length < 0 ? -length : length);
    return code;
}

static void skip_characters(qni_rewrite *r, int n)
{
    for (; n > 0 && r->at < r->from->n; n--) {
        r->at++;
        while (is_inside(r->from, r->at)) {
            r->at++;
        }
    }
}

qn_status qni_rewrite_put(qni_rewrite *r, uint32_t code, int change)
{
    char bytes[4];
    int n = qni_utf8_encode(code, bytes);
    qni_text_span from = {r->from->base, r->from->base};
    if (r->to->track && r->from->n > 0) {
        size_t last = r->from->n - 1;
        if (change <= 0) {
            from = qni_passage_character(r->from, r->at < last ? r->at : last);
        } else if (r->at > 0) {
            from = qni_passage_character(r->from, r->at - 1);
        }
    }
    if (change <= 0) {
        skip_characters(r, 1 - change);
    }
    return qni_draft_add(r->to, bytes, (size_t)n, from, r->err);
}

qn_status qni_passage_clean(qni_passage *p, qni_draft *draft, bool track, qn_error *err)
{
    if (qni_utf8_is_valid(p->text, p->n)) {
        return QN_OK;
    }
    qni_draft_begin(draft, track);
    for (size_t at = 0; at < p->n;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)p->text + at, p->n - at, &code);
        size_t size = (size_t)(length < 0 ? -length : length);
        qni_text_span whole = {p->shift + at, p->shift + at + size};
        QNI_TRY(length < 0 ? qni_draft_add(draft, "\xEF\xBF\xBD", 3, whole, err)
                           : qni_draft_copy(draft, p, at, at + size, err));
        at += size;
    }
    qni_draft_give(draft, p);
    return QN_OK;
}
