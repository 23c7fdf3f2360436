#include "grammar/matcher.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

qn_status qni_matcher_begin(qni_matcher *m, qni_engine *engine, qni_vocabulary *vocabulary,
                            qn_error *err)
{
    *m = (qni_matcher){.engine = engine, .vocabulary = qni_vocabulary_share(vocabulary)};
    qni_buf_begin(&m->text, QNI_MAX_OUTPUT_BYTES, "QNI_MAX_OUTPUT_BYTES");
    if (qni_grow(&m->marks, &m->marks_capacity, 1, sizeof *m->marks) != 0) {
        return qni_fail_memory(err);
    }
    m->marks[0] = (qni_mark){0};
    m->n_marks = 1;
    pthread_mutex_lock(&engine->lock);
    qn_status status = qni_engine_masker(engine, vocabulary, &m->masker, err);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

void qni_matcher_end(qni_matcher *m)
{
    qni_vocabulary_free(m->vocabulary);
    qni_buf_end(&m->text);
    qni_free(m->marks);
    *m = (qni_matcher){0};
}

qn_status qni_matcher_copy(qni_matcher *m, const qni_matcher *from, qn_error *err)
{
    *m = *from;
    m->vocabulary = qni_vocabulary_share(from->vocabulary);
    m->marks = NULL;
    m->marks_capacity = 0;
    qni_buf_begin(&m->text, QNI_MAX_OUTPUT_BYTES, "QNI_MAX_OUTPUT_BYTES");
    if (qni_grow(&m->marks, &m->marks_capacity, from->n_marks, sizeof *m->marks) != 0) {
        return qni_fail_memory(err);
    }
    memcpy(m->marks, from->marks, from->n_marks * sizeof *m->marks);
    return from->text.size == 0 ? QN_OK
                                : qni_buf_add(&m->text, from->text.data, from->text.size, err);
}

static qni_mark *last(qni_matcher *m)
{
    return &m->marks[m->n_marks - 1];
}

// Walks the text anew: after the engine's tables were emptied, or at the beginning.
static qn_status replay(qni_matcher *m, qn_error *err)
{
    qni_state s;
    size_t at = 0;
    bool alive = qni_engine_start(m->engine, &s);
    for (size_t i = 0; i < m->n_marks; i++) {
        for (; alive && at < m->marks[i].size; at++) {
            alive = qni_engine_step(m->engine, &s, m->text.data, at + 1);
            m->engine->account.work = 0;
        }
        m->marks[i].state = s;
    }
    m->epoch = m->engine->epoch;
    QNI_TRY(qni_engine_end(m->engine, err));
    if (!alive && m->text.size != 0) {
        return qni_fail(err, QN_INTERNAL, NULL, "a text that fitted its grammar no longer does");
    }
    return QN_OK;
}

// Takes the lock and makes the states good.
static qn_status enter(qni_matcher *m, qn_error *err)
{
    pthread_mutex_lock(&m->engine->lock);
    qn_status status = qni_engine_begin(m->engine, err);
    if (status == QN_OK && m->epoch != m->engine->epoch) {
        status = replay(m, err);
    }
    if (status != QN_OK) {
        pthread_mutex_unlock(&m->engine->lock);
    }
    return status;
}

static qn_status leave(qni_matcher *m, qn_status status, qn_error *err)
{
    if (status == QN_OK) {
        status = qni_engine_end(m->engine, err);
    }
    pthread_mutex_unlock(&m->engine->lock);
    return status;
}

static qn_status add_mark(qni_matcher *m, const qni_state *state, bool ended, qn_error *err)
{
    if (qni_grow(&m->marks, &m->marks_capacity, m->n_marks + 1, sizeof *m->marks) != 0) {
        return qni_fail_memory(err);
    }
    m->marks[m->n_marks++] = (qni_mark){m->text.size, *state, ended};
    return QN_OK;
}

static qn_status take_text(qni_matcher *m, const char *text, size_t n, bool *taken, qn_error *err)
{
    qni_state s = last(m)->state;
    size_t before = m->text.size;
    *taken = m->engine->satisfiable;
    if (!*taken) {
        return QN_OK;
    }
    QNI_TRY(qni_buf_add(&m->text, text, n, err));
    for (size_t i = before; i < before + n && *taken; i++) {
        *taken = qni_engine_step(m->engine, &s, m->text.data, i + 1);
    }
    qn_status status = qni_engine_end(m->engine, err);
    if (status == QN_OK && *taken) {
        status = add_mark(m, &s, false, err);
    }
    if (status != QN_OK || !*taken) {
        *taken = false;
        m->text.size = before;
    }
    return status;
}

static qn_status take_token(qni_matcher *m, uint32_t token, bool *taken, qn_error *err)
{
    const qni_vocabulary *v = m->vocabulary;
    *taken = false;
    if (last(m)->ended || token >= v->n_tokens) {
        return QN_OK;
    }
    for (uint32_t i = 0; i < v->n_stops; i++) {
        if (v->stops[i] == token) {
            *taken = m->engine->satisfiable &&
                     qni_engine_accepts(m->engine, &last(m)->state, m->text.data, m->text.size);
            qni_state state = last(m)->state;
            return *taken ? add_mark(m, &state, true, err) : QN_OK;
        }
    }
    if (!qni_vocabulary_has_text(v, token)) {
        return QN_OK;
    }
    uint32_t from = v->offsets[token];
    return take_text(m, v->bytes + from, v->offsets[token + 1] - from, taken, err);
}

qn_status qni_matcher_consume(qni_matcher *m, const uint32_t *tokens, size_t n, size_t *taken,
                              qn_error *err)
{
    *taken = 0;
    QNI_TRY(enter(m, err));
    qn_status status = QN_OK;
    bool fits = true;
    for (size_t i = 0; i < n && fits && status == QN_OK; i++) {
        status = take_token(m, tokens[i], &fits, err);
        *taken += status == QN_OK && fits;
    }
    return leave(m, status, err);
}

qn_status qni_matcher_consume_text(qni_matcher *m, const char *text, size_t n, bool *taken,
                                   qn_error *err)
{
    QNI_TRY(enter(m, err));
    *taken = false;
    qn_status status = last(m)->ended ? QN_OK : take_text(m, text, n, taken, err);
    return leave(m, status, err);
}

qn_status qni_matcher_rollback(qni_matcher *m, size_t n, qn_error *err)
{
    if (n >= m->n_marks) {
        return qni_fail(err, QN_INVALID_ARGUMENT, NULL, "rollback by %zu of %zu tokens", n,
                        m->n_marks - 1);
    }
    m->n_marks -= n;
    m->text.size = last(m)->size;
    return QN_OK;
}

static qn_status fill_mask(qni_matcher *m, bool by_walk, uint32_t *mask, qn_error *err)
{
    if (last(m)->ended || !m->engine->satisfiable) {
        memset(mask, 0, m->vocabulary->n_words * sizeof *mask);
        return QN_OK;
    }
    QNI_TRY(qni_buf_reserve(&m->text, QNI_MAX_MASKED_TOKEN_BYTES + 1, err));
    return qni_masker_fill(m->masker, &last(m)->state, m->text.data, m->text.size, by_walk, mask,
                           err);
}

qn_status qni_matcher_mask(qni_matcher *m, uint32_t *mask, qn_error *err)
{
    QNI_TRY(enter(m, err));
    return leave(m, fill_mask(m, false, mask, err), err);
}

qn_status qni_matcher_mask_by_walk(qni_matcher *m, uint32_t *mask, qn_error *err)
{
    QNI_TRY(enter(m, err));
    return leave(m, fill_mask(m, true, mask, err), err);
}

qn_status qni_matcher_can_end(qni_matcher *m, bool *can, qn_error *err)
{
    QNI_TRY(enter(m, err));
    *can = m->engine->satisfiable &&
           (last(m)->ended ||
            qni_engine_accepts(m->engine, &last(m)->state, m->text.data, m->text.size));
    return leave(m, QN_OK, err);
}

// The only byte that may come next; -1 when there are several or the text may end.
static int only_byte(qni_matcher *m, const qni_state *s, size_t size, qni_state *next)
{
    int only = -1;
    if (qni_engine_accepts(m->engine, s, m->text.data, size)) {
        return -1;
    }
    for (int b = 0; b < 256; b++) {
        qni_state to = *s;
        m->text.data[size] = (char)b;
        if (qni_engine_step(m->engine, &to, m->text.data, size + 1)) {
            if (only >= 0) {
                return -1;
            }
            only = b;
            *next = to;
        }
    }
    if (only >= 0) {
        m->text.data[size] = (char)only;
    }
    return only;
}

static qn_status find_forced(qni_matcher *m, char *out, size_t limit, size_t *size, qn_error *err)
{
    qni_state s = last(m)->state;
    size_t n = 0, whole = 0;
    QNI_TRY(qni_buf_reserve(&m->text, limit + 1, err));
    qni_state next;
    while (n < limit && only_byte(m, &s, m->text.size + n, &next) >= 0) {
        s = next;
        n++;
        m->engine->account.work = 0;
    }
    // A character cut in two is no text for a tokenizer.
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)m->text.data[m->text.size + i];
        size_t length = b < 0x80 ? 1 : b < 0xC0 ? 0 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
        whole = length != 0 && i + length <= n ? i + length : whole;
    }
    memcpy(out, m->text.data + m->text.size, whole);
    *size = whole;
    return QN_OK;
}

qn_status qni_matcher_forced(qni_matcher *m, char *out, size_t limit, size_t *size, qn_error *err)
{
    *size = 0;
    if (last(m)->ended || !m->engine->satisfiable) {
        return QN_OK;
    }
    QNI_TRY(enter(m, err));
    return leave(m, find_forced(m, out, limit, size, err), err);
}

static qn_status find_bytes(qni_matcher *m, const char *text, size_t n, bool bytes[256],
                            bool *can_end, qn_error *err)
{
    qni_state s = last(m)->state;
    bool alive = true;
    QNI_TRY(qni_buf_reserve(&m->text, n + 1, err));
    memcpy(m->text.data + m->text.size, text, n);
    for (size_t i = 1; i <= n && alive; i++) {
        alive = qni_engine_step(m->engine, &s, m->text.data, m->text.size + i);
    }
    *can_end = alive && qni_engine_accepts(m->engine, &s, m->text.data, m->text.size + n);
    for (int b = 0; b < 256; b++) {
        qni_state to = s;
        m->text.data[m->text.size + n] = (char)b;
        bytes[b] = alive && qni_engine_step(m->engine, &to, m->text.data, m->text.size + n + 1);
    }
    return QN_OK;
}

qn_status qni_matcher_next_bytes(qni_matcher *m, const char *text, size_t n, bool bytes[256],
                                 bool *can_end, qn_error *err)
{
    QNI_TRY(enter(m, err));
    return leave(m, find_bytes(m, text, n, bytes, can_end, err), err);
}

qn_status qni_matcher_shortest(qni_matcher *m, char *out, size_t limit, size_t *size, qn_error *err)
{
    *size = 0;
    if (last(m)->ended) {
        return QN_OK;
    }
    if (!m->engine->satisfiable) {
        return qni_fail(err, QN_INVALID_STATE, NULL, "no text is valid under this grammar");
    }
    QNI_TRY(enter(m, err));
    qni_state start = last(m)->state;
    return leave(m, qni_shortest_find(m, &start, out, limit, size, err), err);
}
