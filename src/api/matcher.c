#include "quince/grammar.h"

#include "api/grammar_inside.h"
#include "base/alloc.h"
#include "grammar/steer.h"

#include <string.h>

// The public vocabulary is the engine's, under another name.
static qni_vocabulary *inside(qn_vocabulary *vocabulary)
{
    return (qni_vocabulary *)vocabulary;
}

qn_status qn_vocabulary_create(uint32_t n_tokens, const char *bytes, const uint32_t *offsets,
                               const uint8_t *special, const uint32_t *stops, uint32_t n_stops,
                               qn_vocabulary **out, qn_error *err)
{
    qni_vocabulary *v;
    QNI_TRY(qni_vocabulary_create(n_tokens, bytes, offsets, special, stops, n_stops, &v, err));
    *out = (qn_vocabulary *)v;
    return QN_OK;
}

void qn_vocabulary_free(qn_vocabulary *vocabulary)
{
    qni_vocabulary_free(inside(vocabulary));
}

struct qn_matcher {
    qni_matcher m;
    qni_steering
        steering; // on the way of qn_matcher_steer; forgotten when others change the output
    qn_grammar *grammar;
};

qn_status qn_matcher_create(qn_grammar *grammar, qn_vocabulary *vocabulary, qn_matcher **out,
                            qn_error *err)
{
    qn_matcher *matcher = qni_calloc(1, sizeof *matcher);
    if (matcher == NULL) {
        return qni_fail_memory(err);
    }
    matcher->grammar = qn_grammar_share(grammar);
    qn_status status = qni_matcher_begin(&matcher->m, grammar->engine, inside(vocabulary), err);
    if (status != QN_OK) {
        qn_matcher_free(matcher);
        return status;
    }
    *out = matcher;
    return QN_OK;
}

qn_status qn_matcher_copy(const qn_matcher *from, qn_matcher **out, qn_error *err)
{
    qn_matcher *matcher = qni_calloc(1, sizeof *matcher);
    if (matcher == NULL) {
        return qni_fail_memory(err);
    }
    matcher->grammar = qn_grammar_share(from->grammar);
    qn_status status = qni_matcher_copy(&matcher->m, &from->m, err);
    if (status != QN_OK) {
        qn_matcher_free(matcher);
        return status;
    }
    *out = matcher;
    return QN_OK;
}

void qn_matcher_free(qn_matcher *matcher)
{
    if (matcher != NULL) {
        qni_matcher_end(&matcher->m);
        qni_steering_end(&matcher->steering);
        qn_grammar_free(matcher->grammar);
        qni_free(matcher);
    }
}

void qn_matcher_reset(qn_matcher *matcher)
{
    matcher->m.n_marks = 1;
    matcher->m.text.size = 0;
    qni_steering_forget(&matcher->steering);
}

qn_status qn_matcher_consume(qn_matcher *matcher, const uint32_t *tokens, size_t n, size_t *taken,
                             qn_error *err)
{
    qni_steering_forget(&matcher->steering);
    return qni_matcher_consume(&matcher->m, tokens, n, taken, err);
}

qn_status qn_matcher_consume_text(qn_matcher *matcher, const char *text, size_t size, bool *taken,
                                  qn_error *err)
{
    qni_steering_forget(&matcher->steering);
    return qni_matcher_consume_text(&matcher->m, text, size, taken, err);
}

qn_status qn_matcher_rollback(qn_matcher *matcher, size_t n, qn_error *err)
{
    qni_steering_forget(&matcher->steering);
    return qni_matcher_rollback(&matcher->m, n, err);
}

qn_status qn_matcher_mask(qn_matcher *matcher, uint32_t *mask, size_t n_words, qn_error *err)
{
    size_t need = matcher->m.vocabulary->n_words;
    if (n_words < need) {
        return qni_fail(err, QN_INVALID_ARGUMENT, NULL,
                        "a mask of %zu words where the vocabulary needs %zu", n_words, need);
    }
    memset(mask + need, 0, (n_words - need) * sizeof *mask);
    return qni_matcher_mask(&matcher->m, mask, err);
}

qn_status qn_matcher_masks(qn_matcher *const *matchers, size_t n, uint32_t *masks, size_t n_words,
                           qn_error *err)
{
    for (size_t i = 0; i < n; i++) {
        QNI_TRY(qn_matcher_mask(matchers[i], masks + i * n_words, n_words, err));
    }
    return QN_OK;
}

qn_status qn_matcher_can_end(qn_matcher *matcher, bool *can, qn_error *err)
{
    return qni_matcher_can_end(&matcher->m, can, err);
}

qn_status qn_matcher_forced(qn_matcher *matcher, char *out, size_t limit, size_t *size,
                            qn_error *err)
{
    return qni_matcher_forced(&matcher->m, out, limit, size, err);
}

qn_status qn_matcher_shortest(qn_matcher *matcher, char *out, size_t limit, size_t *size,
                              qn_error *err)
{
    return qni_matcher_shortest(&matcher->m, out, limit, size, err);
}

qn_status qn_matcher_completion(qn_matcher *matcher, uint32_t *tokens, size_t limit, size_t *n,
                                qn_error *err)
{
    qni_ids ids = {0};
    bool found = false;
    qn_status status = qni_steer_plan(&matcher->steering, &matcher->m, 0, &ids, &found, err);
    if (status == QN_OK && (!found || ids.n > limit)) {
        status = qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "no completion within %zu tokens", limit);
    }
    *n = status == QN_OK ? ids.n : 0;
    for (size_t i = 0; i < *n; i++) {
        tokens[i] = (uint32_t)ids.ids[i];
    }
    qni_ids_end(&ids);
    return status;
}

qn_status qn_matcher_steer(qn_matcher *matcher, size_t budget, uint32_t *token, qn_error *err)
{
    const qni_vocabulary *v = matcher->m.vocabulary;
    int32_t id = (int32_t)*token;
    if (budget == 0 || *token > INT32_MAX) {
        return qni_fail(err, QN_INVALID_ARGUMENT, budget == 0 ? "budget" : "token",
                        "token %u with %zu more to come; a token of the mask takes one at least",
                        *token, budget);
    }
    QNI_TRY(qni_steer_take(&matcher->steering, &matcher->m,
                           budget < INT64_MAX ? (int64_t)budget : INT64_MAX, &id, err));
    *token = id < 0 ? QN_NO_TOKEN : (uint32_t)id;
    if (id < 0 && v->n_stops != 0) { // what may end here is ended
        size_t taken;
        *token = v->stops[0];
        return qni_matcher_consume(&matcher->m, token, 1, &taken, err);
    }
    return QN_OK;
}
