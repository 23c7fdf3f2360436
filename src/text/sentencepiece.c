#include "text/sentencepiece.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

void qni_sentencepiece_free(qni_sentencepiece *rules)
{
    if (rules != NULL) {
        qni_charsmap_end(&rules->charsmap);
        qni_trie_end(&rules->symbols);
        qni_free(rules);
    }
}

typedef struct unit {
    const char *text; // what stands for it
    size_t n;
    size_t taken; // bytes of the passage
} unit;

static size_t symbol_length(const qni_sentencepiece *s, const char *text, size_t n)
{
    size_t found = 0;
    uint32_t node = 0;
    for (size_t i = 0; s->has_symbols && i < n; i++) {
        if (!qni_trie_step(&s->symbols, &node, (unsigned char)text[i])) {
            break;
        }
        found = qni_trie_is_key(&s->symbols, node) ? i + 1 : found;
    }
    return found;
}

static unit next_unit(const qni_sentencepiece *s, const char *text, size_t n)
{
    size_t key = symbol_length(s, text, n);
    if (key > 0) {
        return (unit){text, key, key};
    }
    const char *found = qni_charsmap_find(&s->charsmap, text, n, true, &key);
    if (found != NULL) {
        return (unit){found, strlen(found), key};
    }
    uint32_t code;
    int length = qni_utf8_decode((const unsigned char *)text, n, &code);
    size_t taken = (size_t)(length < 0 ? -length : length);
    return (unit){text, taken, taken};
}

static const char mark[] = "\xE2\x96\x81";

static qn_status add_space(const qni_sentencepiece *s, qni_draft *out, qni_text_span from,
                           qn_error *err)
{
    return s->escape ? qni_draft_add(out, mark, 3, from, err)
                     : qni_draft_add(out, " ", 1, from, err);
}

static qni_text_span span_of(const qni_passage *p, const qni_draft *out, size_t at, size_t n)
{
    return out->track ? qni_passage_span(p, at, at + n) : (qni_text_span){0, 0};
}

// A space that is put in covers nothing, at its place.
static qni_text_span place_of(const qni_passage *p, const qni_draft *out, size_t at)
{
    if (!out->track || p->origin == NULL) {
        return span_of(p, out, at, 0);
    }
    size_t place = at < p->n ? p->origin[at].begin : at > 0 ? p->origin[at - 1].end : 0;
    return (qni_text_span){place, place};
}

static qn_status add_unit(const qni_sentencepiece *s, const qni_passage *p, size_t at, unit u,
                          qni_draft *out, qn_error *err)
{
    qni_text_span from = span_of(p, out, at, u.taken);
    for (size_t i = 0; i < u.n;) {
        const char *space = s->escape ? memchr(u.text + i, ' ', u.n - i) : NULL;
        size_t run = space != NULL ? (size_t)(space - u.text) - i : u.n - i;
        if (run > 0) {
            QNI_TRY(qni_draft_add(out, u.text + i, run, from, err));
        }
        i += run;
        if (space != NULL) {
            QNI_TRY(add_space(s, out, from, err));
            i++;
        }
    }
    return QN_OK;
}

static void cut_spaces(const qni_sentencepiece *s, qni_draft *out)
{
    size_t n = s->escape ? 3 : 1;
    while (out->n >= n && memcmp(out->text + out->n - n, s->escape ? mark : " ", n) == 0) {
        out->n -= n;
    }
}

static bool holds(const qni_sentencepiece *s, char byte)
{
    return qni_charsmap_may_hold(&s->charsmap, byte) ||
           (s->has_symbols && qni_trie_holds(&s->symbols, (unsigned char)byte));
}

void qni_sentencepiece_settle(qni_sentencepiece *s)
{
    s->holds_space = holds(s, ' ');
    s->holds_line = holds(s, '\n');
}

qn_status qni_sentencepiece_normalize(const qni_sentencepiece *s, const qni_passage *p,
                                      qni_draft *out, qn_error *err)
{
    size_t at = 0;
    for (; s->tidy && !p->continues && at < p->n;) {
        unit u = next_unit(s, p->text + at, p->n - at);
        if (u.n != 1 || u.text[0] != ' ') {
            break;
        }
        at += u.taken;
    }
    if (at >= p->n) {
        return QN_OK;
    }
    if (s->add_space && !s->space_behind && !p->continues) {
        QNI_TRY(add_space(s, out, place_of(p, out, at), err));
    }
    bool after_space = s->tidy && !p->continues;
    while (at < p->n) {
        unit u = next_unit(s, p->text + at, p->n - at);
        size_t taken = u.taken;
        while (after_space && u.n > 0 && u.text[0] == ' ') {
            u.text++;
            u.n--;
        }
        if (u.n > 0) {
            QNI_TRY(add_unit(s, p, at, u, out, err));
            after_space = u.text[u.n - 1] == ' ';
        }
        after_space = after_space && s->tidy;
        at += taken;
    }
    if (p->goes_on) {
        return QN_OK;
    }
    if (s->tidy) {
        cut_spaces(s, out);
    }
    return s->add_space && s->space_behind ? add_space(s, out, place_of(p, out, p->n), err) : QN_OK;
}
