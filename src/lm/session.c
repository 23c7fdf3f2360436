#include "lm/session.h"

#include "base/alloc.h"
#include "base/half.h"

#include <math.h>
#include <string.h>

// Sizes in which prompts are run, the largest first: few sizes, so that few plans serve all
// lengths. What is left of a prompt is filled up to the next size with tokens that nobody looks at:
// their places in the caches lie behind `end`, and are written again when real tokens come there.
static const int64_t chunks[] = {64, 16, 1};
enum { N_CHUNKS = sizeof chunks / sizeof *chunks };

struct qni_session {
    const qni_lm *lm;
    qni_run_context *context;
    qni_run_state *state;
    qni_tensor *inputs; // one per input of the function
    size_t n_inputs;
    int32_t *timeline; // room for the whole context
    int32_t *query;    // room for the largest chunk
    void *mask;        // room for the largest chunk times the context
    float *logits;     // after the last token
    int64_t length;    // tokens in the caches
    int64_t chunk;     // asked for; 0: `chunks`
    int64_t max_query;
    bool has_logits;
};

static const qni_runner_table *table_of(const qni_session *s)
{
    return s->lm->runner->table;
}

// ---- Making and freeing

static qn_status allocate(qni_session *s, qn_error *err)
{
    const qni_contract *c = &s->lm->contract;
    s->n_inputs = s->lm->info->functions[c->function].n_inputs;
    s->inputs = qni_calloc(s->n_inputs + 1, sizeof *s->inputs);
    s->timeline = qni_alloc_array((size_t)c->context + 1, sizeof *s->timeline);
    s->query = qni_alloc_array((size_t)s->max_query + 1, sizeof *s->query);
    s->mask = qni_alloc_aligned((size_t)(s->max_query * c->context) * sizeof(float) + 64);
    s->logits = qni_alloc_array((size_t)c->vocabulary + 1, sizeof *s->logits);
    return s->inputs != NULL && s->timeline != NULL && s->query != NULL && s->mask != NULL &&
                   s->logits != NULL
               ? QN_OK
               : qni_fail_memory(err);
}

static qn_status create_parts(qni_session *s, int64_t chunk, qn_error *err)
{
    const qni_contract *c = &s->lm->contract;
    if (chunk < 0 || chunk > c->max_query) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "prefill_chunk",
                        "prefill_chunk %lld; the model takes 1 to %lld tokens at a time",
                        (long long)chunk, (long long)c->max_query);
    }
    s->chunk = chunk;
    s->max_query = chunk != 0 ? chunk : chunks[0];
    s->max_query = s->max_query < c->max_query ? s->max_query : c->max_query;
    if (c->vocabulary <= 0) {
        return qni_fail(err, QN_UNSUPPORTED, "logits",
                        "the model does not say how many logits it has");
    }
    QNI_TRY(allocate(s, err));
    // The mask's last dimension grows by what is run: it stays open in the plans.
    qni_open_dim grows = {(size_t)c->causal_mask, 3};
    QNI_TRY(table_of(s)->create_context(s->lm->runner, c->function, &grows, 1, &s->context, err));
    return table_of(s)->create_state(s->lm->runner, c->function, &s->state, err);
}

qn_status qni_session_create(const qni_lm *lm, int64_t chunk, qni_session **out, qn_error *err)
{
    *out = NULL;
    qni_session *s = qni_calloc(1, sizeof *s);
    if (s == NULL) {
        return qni_fail_memory(err);
    }
    s->lm = lm;
    qn_status status = create_parts(s, chunk, err);
    if (status != QN_OK) {
        qni_session_free(s);
        return status;
    }
    *out = s;
    return QN_OK;
}

void qni_session_free(qni_session *s)
{
    if (s == NULL) {
        return;
    }
    table_of(s)->free_context(s->context);
    table_of(s)->free_state(s->state);
    qni_free(s->inputs);
    qni_free(s->timeline);
    qni_free(s->query);
    qni_free_aligned(s->mask);
    qni_free(s->logits);
    qni_free(s);
}

void qni_session_reset(qni_session *s)
{
    s->length = 0;
    s->has_logits = false;
}

const qni_lm *qni_session_lm(const qni_session *s)
{
    return s->lm;
}

int64_t qni_session_length(const qni_session *s)
{
    return s->length;
}

const float *qni_session_logits(const qni_session *s)
{
    return s->logits;
}

void qni_session_stats(const qni_session *s, qni_run_stats *out)
{
    table_of(s)->stats(s->context, out);
}

// ---- Running tokens

// Row r may see the positions up to past + r.
static void fill_mask(void *mask, qni_dtype dtype, int64_t past, int64_t q)
{
    int64_t end = past + q;
    for (int64_t r = 0; r < q; r++) {
        for (int64_t t = 0; t < end; t++) {
            bool hidden = t > past + r;
            if (dtype == QNI_F16) {
                ((uint16_t *)mask)[r * end + t] = hidden ? 0xFC00u : 0;
            } else {
                ((float *)mask)[r * end + t] = hidden ? -INFINITY : 0.0f;
            }
        }
    }
}

static void copy_row(const qni_tensor *logits, int64_t row, int64_t vocabulary, float *out)
{
    for (int64_t i = 0; i < vocabulary; i++) {
        int64_t at = row * vocabulary + i;
        out[i] = logits->dtype == QNI_F16 ? qni_f16_to_f32(((const uint16_t *)logits->data)[at])
                                          : ((const float *)logits->data)[at];
    }
}

static qn_status check_logits(const qni_session *s, const qni_tensor *logits, int64_t q,
                              qn_error *err)
{
    int64_t vocabulary = s->lm->contract.vocabulary;
    if (logits == NULL || qni_tensor_count(logits) != q * vocabulary ||
        (logits->dtype != QNI_F16 && logits->dtype != QNI_F32)) {
        char text[128];
        return qni_fail(err, QN_UNSUPPORTED, "logits",
                        "logits came out as %s; wanted is fp16 or fp32[1, %lld, %lld]",
                        logits != NULL ? qni_tensor_describe(logits, text, sizeof text) : "nothing",
                        (long long)q, (long long)vocabulary);
    }
    return QN_OK;
}

// Runs `n` tokens at the end of the timeline as `q` of them, the rest filled up.
static qn_status run(qni_session *s, const int32_t *ids, int64_t n, int64_t q,
                     const qni_tensor **logits, qn_error *err)
{
    const qni_contract *c = &s->lm->contract;
    const qni_feature *mask = &s->lm->info->functions[c->function].inputs[c->causal_mask];
    for (int64_t i = 0; i < q; i++) {
        s->query[i] = ids[i < n ? i : n - 1];
    }
    fill_mask(s->mask, mask->dtype, s->length, q);
    const int64_t ids_dims[2] = {1, q};
    const int64_t mask_dims[4] = {1, 1, q, s->length + q};
    s->inputs[c->input_ids] = qni_tensor_make(QNI_I32, 2, ids_dims, s->query);
    s->inputs[c->causal_mask] = qni_tensor_make(mask->dtype, 4, mask_dims, s->mask);
    QNI_TRY(table_of(s)->run(s->context, s->inputs, s->state, err));
    *logits = table_of(s)->output(s->context, (size_t)c->logits);
    QNI_TRY(check_logits(s, *logits, q, err));
    memcpy(s->timeline + s->length, ids, (size_t)n * sizeof *ids);
    s->length += n;
    return QN_OK;
}

// How many tokens to run next of `left`, and as how many.
static int64_t choose_chunk(const qni_session *s, int64_t left, int64_t *q)
{
    if (s->chunk != 0) {
        *q = left < s->chunk ? left : s->chunk;
        return *q;
    }
    for (int i = 0; i < N_CHUNKS; i++) {
        bool fills = left > (i + 1 < N_CHUNKS ? chunks[i + 1] : 0);
        bool has_room = s->length + chunks[i] <= s->lm->contract.context;
        if (fills && has_room && chunks[i] <= s->max_query) {
            *q = chunks[i];
            return left < *q ? left : *q;
        }
    }
    *q = 1;
    return 1;
}

// `all` (may be NULL) gets a row for each token.
static qn_status run_all(qni_session *s, const int32_t *ids, int64_t n, float *all, qn_error *err)
{
    int64_t vocabulary = s->lm->contract.vocabulary;
    if (s->length + n > s->lm->contract.context) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, "context",
                        "%lld tokens; the model's context holds %lld", (long long)(s->length + n),
                        (long long)s->lm->contract.context);
    }
    s->has_logits = false;
    for (int64_t at = 0; at < n;) {
        int64_t q;
        int64_t count = choose_chunk(s, n - at, &q);
        const qni_tensor *logits;
        QNI_TRY(run(s, ids + at, count, q, &logits, err));
        at += count;
        for (int64_t r = 0; all != NULL && r < count; r++, all += vocabulary) {
            copy_row(logits, r, vocabulary, all);
        }
        if (at == n) {
            copy_row(logits, count - 1, vocabulary, s->logits);
        }
    }
    s->has_logits = true;
    return QN_OK;
}

qn_status qni_session_step(qni_session *s, int32_t id, qn_error *err)
{
    return run_all(s, &id, 1, NULL, err);
}

qn_status qni_session_extend(qni_session *s, const int32_t *ids, size_t n, qn_error *err)
{
    return run_all(s, ids, (int64_t)n, NULL, err);
}

static qn_status check_ids(const qni_session *s, const int32_t *ids, size_t n, qn_error *err)
{
    int64_t vocabulary = s->lm->contract.vocabulary;
    if (n == 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "prompt", "the prompt has no tokens");
    }
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= vocabulary) {
            return qni_fail(err, QN_INVALID_ARGUMENT, "prompt",
                            "token %zu is %d; the model's are 0 to %lld", i, (int)ids[i],
                            (long long)vocabulary - 1);
        }
    }
    return QN_OK;
}

qn_status qni_session_sync(qni_session *s, const int32_t *ids, size_t n, qni_sync *how,
                           size_t *n_kept, qn_error *err)
{
    QNI_TRY(check_ids(s, ids, n, err));
    int64_t same = 0;
    while (same < s->length && same < (int64_t)n && s->timeline[same] == ids[same]) {
        same++;
    }
    *how = same == 0 ? QNI_SYNC_REBUILT : same < s->length ? QNI_SYNC_REWOUND : QNI_SYNC_EXTENDED;
    if (same == (int64_t)n && same == s->length && s->has_logits) {
        *n_kept = n;
        return QN_OK; // the very prompt; its logits are still here
    }
    if (same == (int64_t)n) {
        same--; // the last token is run again for its logits
    }
    *n_kept = (size_t)same;
    s->length = same;
    return run_all(s, ids + same, (int64_t)n - same, NULL, err);
}

qn_status qni_session_all_logits(qni_session *s, const int32_t *ids, size_t n, float *out,
                                 qn_error *err)
{
    QNI_TRY(check_ids(s, ids, n, err));
    qni_session_reset(s);
    return run_all(s, ids, (int64_t)n, out, err);
}
