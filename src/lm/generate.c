#include "lm/generate.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

void qni_answer_begin(qni_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    qni_buf_begin(&answer->text, QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
}

void qni_answer_end(qni_answer *answer)
{
    qni_buf_end(&answer->text);
    qni_free(answer->ids);
    answer->ids = NULL;
}

// The text side of an answer: what has come, what was passed on, and what is held back because it
// may become a stop string.
typedef struct writer {
    const qni_generation *g;
    qni_answer *answer;
    qni_decode_stream stream;
    size_t n_passed;
    bool stopped; // a stop string came, or the receiver said so
    bool refused;
    qni_constraint *constraint; // NULL: none
    qni_ids next;               // tokens that were chosen and not run
    qni_ids forced;             // of the last jump
    qn_error *err;
} writer;

// Bytes at the end of the text that begin `wanted` but are not all of it.
static size_t unfinished(const char *text, size_t n, const char *wanted)
{
    size_t m = strlen(wanted);
    for (size_t k = m < n + 1 ? m - 1 : n; k > 0; k--) {
        if (memcmp(text + n - k, wanted, k) == 0) {
            return k;
        }
    }
    return 0;
}

static const char *find_from(const qni_buf *text, size_t from, const char *wanted)
{
    return text->size > from ? strstr(text->data + from, wanted) : NULL;
}

// Ends the text at the first stop string that is in it. Only what is new, and what could reach into
// it, is searched.
static void apply_stops(writer *w, size_t old_size)
{
    qni_buf *text = &w->answer->text;
    for (size_t i = 0; i < w->g->n_stop; i++) {
        size_t m = strlen(w->g->stop[i]);
        const char *at = m != 0 ? find_from(text, old_size > m ? old_size - m : 0, w->g->stop[i])
                                : NULL;
        if (at != NULL && (size_t)(at - text->data) < text->size) {
            text->size = (size_t)(at - text->data);
            text->data[text->size] = '\0';
            w->stopped = true;
        }
    }
}

static size_t held_back(const writer *w)
{
    const qni_buf *text = &w->answer->text;
    size_t held = 0;
    for (size_t i = 0; !w->stopped && i < w->g->n_stop; i++) {
        size_t k = w->g->stop[i][0] != '\0' ? unfinished(text->data, text->size, w->g->stop[i]) : 0;
        held = k > held ? k : held;
    }
    return held;
}

static void pass_on(writer *w, bool all)
{
    const qni_buf *text = &w->answer->text;
    if (w->refused || text->size == 0 || w->g->on_text == NULL) {
        return;
    }
    size_t end = text->size - (all ? 0 : held_back(w));
    if (end > w->n_passed) {
        w->refused = !w->g->on_text(w->g->user, text->data + w->n_passed, end - w->n_passed);
        w->n_passed = end;
    }
}

static qn_status write_text(writer *w, const char *text, size_t n, bool last)
{
    size_t old = w->answer->text.size;
    QNI_TRY(qni_buf_add(&w->answer->text, text, n, w->err));
    apply_stops(w, old);
    pass_on(w, last || w->stopped);
    return QN_OK;
}

static bool is_eos(const qni_tokenizer *tokenizer, int32_t id)
{
    const int32_t *eos;
    size_t n = qni_tokenizer_eos(tokenizer, &eos);
    for (size_t i = 0; i < n; i++) {
        if (eos[i] == id) {
            return true;
        }
    }
    return false;
}

static qn_status keep_id(qni_answer *answer, int32_t id, qn_error *err)
{
    if (qni_grow(&answer->ids, &answer->ids_capacity, answer->n_ids + 1, sizeof id) != 0) {
        return qni_fail_memory(err);
    }
    answer->ids[answer->n_ids++] = id;
    return QN_OK;
}

static bool is_cancelled(const writer *w)
{
    return w->refused || (w->g->cancel != NULL && *w->g->cancel != 0);
}

// Tokens that may still come.
static int64_t budget_of(const qni_session *s, const writer *w)
{
    int64_t left = qni_session_lm(s)->contract.context - qni_session_length(s) + 1;
    int64_t asked = w->g->max_tokens - (int64_t)w->answer->n_ids;
    return w->g->max_tokens > 0 && asked < left ? asked : left;
}

// The next token; -1 when the grammar, or what is left of the budget, lets nothing follow.
static qn_status choose(qni_session *s, writer *w, qni_sampler *sampler, int32_t *id)
{
    const uint32_t *allowed = NULL;
    if (w->constraint == NULL) {
        *id = qni_sampler_next(sampler, qni_session_logits(s), NULL);
        return QN_OK;
    }
    QNI_TRY(qni_constraint_mask(w->constraint, &allowed, w->err));
    *id = allowed != NULL ? qni_sampler_next(sampler, qni_session_logits(s), allowed) : -1;
    return *id >= 0 ? qni_steer_take(&w->constraint->steering, &w->constraint->matcher,
                                     budget_of(s, w), id, w->err)
                    : QN_OK;
}

static qn_status write_token(const qni_lm *lm, writer *w, int32_t id)
{
    const char *text;
    size_t n;
    // A special token that calls or reasoning are written with is text, though the others are not.
    if (qni_tokenizer_is_special(lm->tokenizer, id) &&
        qni_token_is_text(lm->tokenizer, lm->tool_format, lm->reasoning, id)) {
        QNI_TRY(qni_decode_stream_flush(&w->stream, &text, &n, w->err));
        QNI_TRY(write_text(w, text, n, false));
        text = qni_tokenizer_token_text(lm->tokenizer, id, &n);
    } else {
        QNI_TRY(qni_decode_stream_push(&w->stream, id, &text, &n, w->err));
    }
    return write_text(w, text, n, false);
}

// Is the answer over, whatever might come?
static bool has_ended(const qni_session *s, writer *w, size_t n_pending)
{
    qni_answer *answer = w->answer;
    int64_t length = qni_session_length(s) + (int64_t)n_pending;
    if (w->stopped || is_cancelled(w)) {
        answer->finish = w->stopped ? QNI_FINISH_STOP : QNI_FINISH_CANCELLED;
        return true;
    }
    if ((w->g->max_tokens > 0 && (int64_t)answer->n_ids >= w->g->max_tokens) ||
        length >= qni_session_lm(s)->contract.context) {
        answer->finish = QNI_FINISH_LENGTH;
        return true;
    }
    return false;
}

static qn_status add_next(writer *w, int32_t id)
{
    qni_ids *next = &w->next;
    if (qni_grow(&next->ids, &next->capacity, next->n + 1, sizeof id) != 0) {
        return qni_fail_memory(w->err);
    }
    next->ids[next->n++] = id;
    return QN_OK;
}

// Runs the token, and with it the text that the grammar forces behind it. `*ended`: the answer is
// over.
static qn_status advance(qni_session *s, writer *w, int32_t id, bool *ended)
{
    w->next.n = 0;
    w->forced.n = 0;
    QNI_TRY(add_next(w, id));
    if (w->constraint != NULL && !w->g->no_jump_ahead) {
        QNI_TRY(qni_constraint_jump(w->constraint, w->answer->ids, w->answer->n_ids, &w->forced,
                                    w->err));
    }
    for (size_t i = 0; i < w->forced.n; i++) {
        QNI_TRY(keep_id(w->answer, w->forced.ids[i], w->err));
        QNI_TRY(write_token(qni_session_lm(s), w, w->forced.ids[i]));
        if (has_ended(s, w, w->next.n)) {
            *ended = true;
            return QN_OK;
        }
        QNI_TRY(add_next(w, w->forced.ids[i]));
    }
    return qni_session_extend(s, w->next.ids, w->next.n, w->err);
}

static qn_status decode(qni_session *s, writer *w, qni_sampler *sampler)
{
    qni_answer *answer = w->answer;
    const qni_lm *lm = qni_session_lm(s);
    const qni_tokenizer *tokenizer = lm->tokenizer;
    for (bool ended = false; !ended;) {
        int32_t id;
        QNI_TRY(choose(s, w, sampler, &id));
        if (id < 0) {
            bool is_cut = w->constraint != NULL && w->constraint->steering.is_over;
            answer->finish = is_cut ? QNI_FINISH_LENGTH : QNI_FINISH_STOP;
            return QN_OK;
        }
        answer->first_us = answer->first_us != 0 ? answer->first_us : qni_clock_us();
        QNI_TRY(keep_id(answer, id, w->err));
        if ((!w->g->ignore_eos || w->constraint != NULL) && is_eos(tokenizer, id)) {
            answer->finish = QNI_FINISH_STOP;
            return QN_OK;
        }
        QNI_TRY(write_token(lm, w, id));
        if (has_ended(s, w, 0)) {
            return QN_OK;
        }
        QNI_TRY(advance(s, w, id, &ended));
    }
    return QN_OK;
}

static qn_status generate(qni_session *s, const int32_t *ids, size_t n, writer *w,
                          qni_sampler *sampler)
{
    qni_answer *answer = w->answer;
    answer->n_prompt = n;
    answer->start_us = qni_clock_us();
    QNI_TRY(qni_session_sync(s, ids, n, &answer->sync, &answer->n_kept, w->err));
    answer->prompt_us = qni_clock_us();
    if (is_cancelled(w)) {
        answer->finish = QNI_FINISH_CANCELLED;
        return QN_OK;
    }
    QNI_TRY(decode(s, w, sampler));
    const char *text;
    size_t size;
    QNI_TRY(qni_decode_stream_flush(&w->stream, &text, &size, w->err));
    return w->stopped ? QN_OK : write_text(w, text, size, true);
}

qn_status qni_generate(qni_session *s, const int32_t *ids, size_t n, const qni_generation *g,
                       qni_answer *answer, qn_error *err)
{
    static const qni_decode_options options = {.skip_special_tokens = true};
    const qni_lm *lm = qni_session_lm(s);
    qni_sampler sampler;
    QNI_TRY(qni_sampler_begin(&sampler, &g->sampling, lm->contract.vocabulary, err));
    writer w = {.g = g, .answer = answer, .err = err};
    qni_constraint constraint = {.mask = NULL};
    qn_status status = QN_OK;
    if (g->grammar != NULL) {
        status = qni_constraint_begin(&constraint, lm->constraints, g->grammar, err);
        w.constraint = &constraint;
    }
    qni_decode_stream_begin(&w.stream, lm->tokenizer, &options);
    if (status == QN_OK) {
        status = generate(s, ids, n, &w, &sampler);
    }
    answer->end_us = qni_clock_us();
    qni_constraint_end(&constraint);
    qni_ids_end(&w.next);
    qni_ids_end(&w.forced);
    qni_decode_stream_end(&w.stream);
    qni_sampler_end(&sampler);
    return status;
}

// ---- Conversations

static qn_status render(const qni_lm *lm, const json_t *messages, const json_t *tools,
                        const json_t *variables, qni_buf *out, qn_error *err)
{
    json_t *all = json_copy(lm->template_variables);
    if (all == NULL) {
        all = json_object();
    }
    int failed = json_object_set(all, "messages", (json_t *)(uintptr_t)messages);
    failed |= json_object_set_new(all, "add_generation_prompt", json_true());
    if (tools != NULL) {
        failed |= json_object_set(all, "tools", (json_t *)(uintptr_t)tools);
    }
    if (variables != NULL) {
        failed |= json_object_update(all, (json_t *)(uintptr_t)variables);
    }
    qn_status status = failed != 0 ? qni_fail_memory(err)
                                   : qni_template_render(lm->chat_template, all, NULL,
                                                         qni_template_now(), out, err);
    json_decref(all);
    return status;
}

qn_status qni_chat_prompt(const qni_lm *lm, const json_t *messages, const json_t *tools,
                          const json_t *variables, qni_ids *out, bool *reasoning, qn_error *err)
{
    *reasoning = false;
    if (lm->chat_template == NULL) {
        return qni_fail(err, QN_UNSUPPORTED, lm->info->path,
                        "the model has no chat template (chat_template.jinja, or chat_template in "
                        "tokenizer_config.json)");
    }
    qni_buf text;
    qni_buf_begin(&text, QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
    qn_status status = render(lm, messages, tools, variables, &text, err);
    if (status == QN_OK) {
        // the template writes them
        static const qni_encode_options options = {};
        status = qni_tokenizer_encode(lm->tokenizer, text.data != NULL ? text.data : "", text.size,
                                      &options, out, err);
        *reasoning = text.data != NULL &&
                     qni_reasoning_is_open(lm->reasoning, text.data, text.size);
    }
    qni_buf_end(&text);
    return status;
}
