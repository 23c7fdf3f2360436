#include "text/charwise.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include <string.h>

enum {
    KEPT = 4096, // characters, by their code
    MOST = 11,   // bytes that one becomes
    IN_THE_WAY = 0xFF,
    SOME = 1024 // bytes that are read before room is made again
};

struct qni_charwise_entry {
    uint32_t code; // plus 1; 0: none
    char bytes[MOST];
    uint8_t n; // or IN_THE_WAY
};

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

// Lets the steps work on one character.
static qn_status find(const qni_normalizer *steps, size_t n_steps, qni_normalize_scratch *scratch,
                      uint32_t code, const char *text, size_t n, qni_charwise_entry *out,
                      qn_error *err)
{
    qni_passage p = {.text = text, .n = n};
    QNI_TRY(qni_normalize_by_steps(steps, n_steps, scratch, false, &p, err));
    *out = (qni_charwise_entry){.code = code + 1,
                                .n = p.n <= MOST ? (uint8_t)p.n : (uint8_t)IN_THE_WAY};
    bool reorders = false;
    for (size_t i = 0; i < n_steps; i++) {
        reorders = reorders || steps[i].kind == QNI_NORMALIZE_FORM;
    }
    for (size_t at = 0; at < p.n && reorders && out->n != IN_THE_WAY;) {
        uint32_t made;
        int length = qni_utf8_decode((const unsigned char *)p.text + at, p.n - at, &made);
        out->n = qni_unicode_combining_class(made) == 0 ? out->n : (uint8_t)IN_THE_WAY;
        at += (size_t)(length < 0 ? -length : length);
    }
    if (out->n != IN_THE_WAY && p.n > 0) {
        memcpy(out->bytes, p.text, p.n);
    }
    return QN_OK;
}

// An ASCII character becomes at most one byte: its own place in the table, with a bit that says
// whether anything is left of it.
static qn_status open_tables(const qni_normalizer *steps, size_t n_steps,
                             qni_normalize_scratch *scratch, qn_error *err)
{
    if (scratch->charwise != NULL) {
        return QN_OK;
    }
    qni_charwise_entry *entries = qni_calloc(KEPT, sizeof *entries);
    if (entries == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = QN_OK;
    for (uint32_t c = 0; c < 0x80 && status == QN_OK; c++) {
        char text = (char)c;
        qni_charwise_entry e;
        status = find(steps, n_steps, scratch, c, &text, 1, &e, err);
        scratch->ascii_way = scratch->ascii_way || e.n > 1;
        scratch->ascii[c] = e.bytes[0];
        scratch->ascii_n[c] = e.n == 1;
    }
    if (status != QN_OK) {
        qni_free(entries);
        return status;
    }
    scratch->charwise = entries;
    return QN_OK;
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
    qni_draft_begin(out, false);
    for (size_t at = 0; at < p->n;) {
        char *to;
        size_t stop = p->n - at < SOME ? p->n : at + SOME;
        QNI_TRY(qni_draft_room(out, SOME / 2 * (MOST + 1) + MOST, &to, err));
        while (at < stop) {
            unsigned char c = (unsigned char)p->text[at];
            if (c < 0x80) {
                *to = scratch->ascii[c];
                to += scratch->ascii_n[c];
                at++;
                continue;
            }
            uint32_t code;
            int length = qni_utf8_decode((const unsigned char *)p->text + at, p->n - at, &code);
            qni_charwise_entry *e = &scratch->charwise[code % KEPT];
            if (e->code != code + 1) {
                QNI_TRY(find(steps, n_steps, scratch, code, p->text + at, (size_t)length, e, err));
            }
            if (e->n == IN_THE_WAY) {
                return QN_OK;
            }
            memcpy(to, e->bytes, MOST);
            to += e->n;
            at += (size_t)length;
        }
        out->n = (size_t)(to - out->text);
    }
    qni_draft_give(out, p);
    *done = true;
    return QN_OK;
}
