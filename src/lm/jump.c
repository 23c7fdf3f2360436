// Text that the grammar forces, appended without asking the model.
//
// Tokens do not end where forced text ends: `"na` may be forced to go on as `me"`, and the
// tokenizer may join the quote with whatever comes next. So the text is encoded together with the
// last tokens of the answer and with each character that may follow, and what all of these have in
// common is taken.
#include "lm/constraint.h"

#include "base/alloc.h"

#include <string.h>

enum { MAX_FORCED_BYTES = 256, WINDOW_TOKENS = 16, MAX_WINDOW_BYTES = 4096 };

typedef struct jump {
    qni_constraint *c;
    const int32_t *window; // the last tokens of the answer
    size_t n_window;
    char text[MAX_WINDOW_BYTES + MAX_FORCED_BYTES + 8];
    size_t n_before; // bytes of the window
    size_t n;        // with the forced ones
    qni_ids now;     // of the text with a character behind it
    qni_ids *common;
    bool any;
} jump;

// Keeps what the text has in common with those before when `follow` stands behind it.
static qn_status narrow(jump *j, const char *follow, qn_error *err)
{
    static const qni_encode_options plain = {};
    size_t n_follow = strlen(follow), same = 0;
    memcpy(j->text + j->n, follow, n_follow);
    QNI_TRY(qni_tokenizer_encode(j->c->tokenizer, j->text, j->n + n_follow, &plain, &j->now, err));
    if (!j->any) {
        qni_ids swap = *j->common;
        *j->common = j->now;
        j->now = swap;
        j->any = true;
        return QN_OK;
    }
    while (same < j->common->n && same < j->now.n && j->common->ids[same] == j->now.ids[same]) {
        same++;
    }
    j->common->n = same;
    return QN_OK;
}

// What all continuations share.
static qn_status share(jump *j, qn_error *err)
{
    // Characters beyond ASCII of the kinds that pre-tokenizers tell apart.
    static const char *const others[] = {"\u00e9", "\u4e2d", "\u0663",
                                         "\u00a0", "\u2014", "\U0001F600"};
    bool bytes[256], can_end, high = false;
    QNI_TRY(qni_matcher_next_bytes(&j->c->matcher, j->text + j->n_before, j->n - j->n_before, bytes,
                                   &can_end, err));
    if (can_end) {
        QNI_TRY(narrow(j, "", err));
    }
    for (int b = 1; b < 256; b++) {
        char follow[2] = {(char)b, 0};
        high = high || (b >= 0x80 && bytes[b]);
        if (b < 0x80 && bytes[b]) {
            QNI_TRY(narrow(j, follow, err));
        }
    }
    for (size_t i = 0; high && i < sizeof others / sizeof *others; i++) {
        QNI_TRY(narrow(j, others[i], err));
    }
    return QN_OK;
}

// Cuts the window off, and what goes beyond the forced text; nothing is left where the answer is
// not in the tokens that the tokenizer gives.
static void cut(jump *j)
{
    qni_ids *ids = j->common;
    size_t bytes = 0, n = 0;
    if (!j->any || ids->n <= j->n_window ||
        memcmp(ids->ids, j->window, j->n_window * sizeof *ids->ids) != 0) {
        ids->n = 0;
        return;
    }
    ids->n -= j->n_window;
    memmove(ids->ids, ids->ids + j->n_window, ids->n * sizeof *ids->ids);
    while (n < ids->n) {
        size_t size = 0;
        const char *text = qni_tokenizer_token_bytes(j->c->tokenizer, ids->ids[n], &size);
        bool fits = text != NULL && size <= j->n - j->n_before - bytes &&
                    memcmp(text, j->text + j->n_before + bytes, size) == 0;
        if (!fits) {
            break;
        }
        bytes += size;
        n++;
    }
    ids->n = n;
}

// The answer's last tokens with their text, as many as belong together.
static bool begin_window(jump *j, const int32_t *ids, size_t n)
{
    const qni_matcher *m = &j->c->matcher;
    size_t k = n < WINDOW_TOKENS ? n : WINDOW_TOKENS;
    if (n + 1 != m->n_marks || m->marks[n].ended) {
        return false;
    }
    size_t from = m->marks[n - k].size;
    j->n_before = m->text.size - from;
    j->window = ids + (n - k);
    j->n_window = k;
    if (j->n_before > MAX_WINDOW_BYTES || j->n_before == 0) {
        return false;
    }
    memcpy(j->text, m->text.data + from, j->n_before);
    return true;
}

qn_status qni_constraint_jump(qni_constraint *c, const int32_t *ids, size_t n, qni_ids *out,
                              qn_error *err)
{
    out->n = 0;
    if (c->steering.room == 0) {
        return QN_OK;
    }
    jump j = {.c = c, .common = out};
    size_t n_forced = 0, taken;
    if (!begin_window(&j, ids, n)) {
        return QN_OK;
    }
    QNI_TRY(qni_matcher_forced(&c->matcher, j.text + j.n_before, MAX_FORCED_BYTES, &n_forced, err));
    j.n = j.n_before + n_forced;
    qn_status status = n_forced == 0 ? QN_OK : share(&j, err);
    cut(&j);
    qni_ids_end(&j.now);
    out->n = out->n < c->steering.room ? out->n : c->steering.room;
    for (size_t i = 0; status == QN_OK && i < out->n; i++) {
        uint32_t token = (uint32_t)out->ids[i];
        status = qni_matcher_consume(&c->matcher, &token, 1, &taken, err);
        if (status == QN_OK && taken == 0) {
            out->n = i; // a token that is no text of answers
        }
    }
    qni_steer_skip(&c->steering, out->n);
    return status;
}
