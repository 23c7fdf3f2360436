#include "quince/session.h"

#include "api/grammar_inside.h"
#include "api/model.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "lm/call_stream.h"
#include "lm/generate.h"

#include <string.h>

struct qn_lm {
    qni_lm *lm;
    char *contract;
};

struct qn_session {
    qn_lm *lm;
    qni_session *session;
};

struct qn_result {
    qni_answer answer;
    json_t *json;
    char *message;
    bool has_calls;
};

// ---- Models

static qn_status explain(qn_lm *lm, qn_error *err)
{
    qni_buf buf;
    qni_buf_begin(&buf, QNI_MAX_TEXT_FILE_BYTES, "QNI_MAX_TEXT_FILE_BYTES");
    qn_status status = qni_contract_explain(lm->lm->info, &lm->lm->contract, &buf, err);
    lm->contract = status == QN_OK ? qni_buf_take(&buf) : NULL;
    qni_buf_end(&buf);
    return status;
}

qn_status qn_lm_open(const char *path, const qn_lm_options *options, qn_lm **out, qn_error *err)
{
    *out = NULL;
    qn_lm *lm = qni_calloc(1, sizeof *lm);
    if (lm == NULL) {
        return qni_fail_memory(err);
    }
    qni_runner_options inner = qni_api_options(options != NULL ? &options->model : NULL);
    qn_status status = qni_lm_open(qni_api_runner(), path, &inner,
                                   options != NULL ? options->tokenizer : NULL, &lm->lm, err);
    if (status == QN_OK) {
        status = explain(lm, err);
    }
    if (status != QN_OK) {
        qn_lm_close(lm);
        return status;
    }
    *out = lm;
    return QN_OK;
}

void qn_lm_close(qn_lm *lm)
{
    if (lm != NULL) {
        qni_lm_close(lm->lm);
        qni_free(lm->contract);
        qni_free(lm);
    }
}

int64_t qn_lm_vocabulary(const qn_lm *lm)
{
    return lm->lm->contract.vocabulary;
}

int64_t qn_lm_context_length(const qn_lm *lm)
{
    return lm->lm->contract.context;
}

const char *qn_lm_contract(const qn_lm *lm)
{
    return lm->contract;
}

qn_status qn_lm_grammar_vocabulary(qn_lm *lm, qn_vocabulary **out, qn_error *err)
{
    qni_vocabulary *vocabulary;
    QNI_TRY(qni_constraint_vocabulary(lm->lm->constraints, &vocabulary, err));
    *out = (qn_vocabulary *)qni_vocabulary_share(vocabulary);
    return QN_OK;
}

// ---- Sessions

qn_status qn_session_create(qn_lm *lm, const qn_session_options *options, qn_session **out,
                            qn_error *err)
{
    *out = NULL;
    qn_session *session = qni_calloc(1, sizeof *session);
    if (session == NULL) {
        return qni_fail_memory(err);
    }
    session->lm = lm;
    int64_t chunk = options != NULL ? options->prefill_chunk : 0;
    qn_status status = qni_session_create(lm->lm, chunk, &session->session, err);
    if (status != QN_OK) {
        qni_free(session);
        return status;
    }
    *out = session;
    return QN_OK;
}

void qn_session_free(qn_session *session)
{
    if (session != NULL) {
        qni_session_free(session->session);
        qni_free(session);
    }
}

void qn_session_reset(qn_session *session)
{
    qni_session_reset(session->session);
}

void qn_session_get_stats(const qn_session *session, qn_context_stats *out)
{
    qni_run_stats s;
    qni_session_stats(session->session, &s);
    *out = (qn_context_stats){s.n_plans, s.n_compiled, s.compile_us, s.memory_bytes,
                              s.packed_bytes};
}

qn_status qn_session_logits(qn_session *session, const int32_t *ids, size_t n, float *out,
                            qn_error *err)
{
    return qni_session_all_logits(session->session, ids, n, out, err);
}

// ---- Generating

static qni_generation generation_of(const qni_lm *lm, const qn_generate_options *o)
{
    qni_generation g = {.sampling = lm->defaults};
    if (o == NULL) {
        return g;
    }
    g.max_tokens = o->max_tokens;
    g.stop = o->stop;
    g.n_stop = o->n_stop;
    g.ignore_eos = o->ignore_eos;
    g.no_jump_ahead = o->no_jump_ahead;
    g.on_text = o->on_text;
    g.user = o->user;
    g.cancel = o->cancel;
    g.grammar = o->grammar != NULL ? o->grammar->engine : NULL;
    qni_sampling *s = &g.sampling;
    s->greedy = o->sample != 0 ? o->sample < 0 : s->greedy;
    s->temperature = o->temperature != 0 ? o->temperature : s->temperature;
    s->top_k = o->top_k > 0 ? o->top_k : o->top_k < 0 ? 0 : s->top_k;
    s->top_p = o->top_p != 0 ? o->top_p : s->top_p;
    s->min_p = o->min_p > 0 ? o->min_p : o->min_p < 0 ? 0 : s->min_p;
    s->seed = o->seed;
    return g;
}

static qn_status new_result(qn_result **out, qn_error *err)
{
    *out = qni_calloc(1, sizeof **out);
    if (*out == NULL) {
        return qni_fail_memory(err);
    }
    qni_answer_begin(&(*out)->answer);
    return QN_OK;
}

static qn_status generate(qn_session *session, const int32_t *ids, size_t n,
                          const qni_generation *g, qn_result **out, qn_error *err)
{
    *out = NULL;
    qn_result *result = NULL;
    QNI_TRY(new_result(&result, err));
    qn_status status = qni_generate(session->session, ids, n, g, &result->answer, err);
    if (status != QN_OK) {
        qn_result_free(result);
        return status;
    }
    *out = result;
    return QN_OK;
}

qn_status qn_session_generate_ids(qn_session *session, const int32_t *ids, size_t n,
                                  const qn_generate_options *options, qn_result **out,
                                  qn_error *err)
{
    qni_generation g = generation_of(session->lm->lm, options);
    return generate(session, ids, n, &g, out, err);
}

qn_status qn_session_generate(qn_session *session, const char *text,
                              const qn_generate_options *options, qn_result **out, qn_error *err)
{
    *out = NULL;
    qni_ids ids = {0};
    const qni_encode_options encode = {
        .add_special_tokens = options != NULL && options->add_special_tokens,
    };
    qn_status status = qni_tokenizer_encode(session->lm->lm->tokenizer, text, strlen(text), &encode,
                                            &ids, err);
    if (status == QN_OK) {
        status = qn_session_generate_ids(session, ids.ids, ids.n, options, out, err);
    }
    qni_ids_end(&ids);
    return status;
}

// ---- Chats

static qn_status parse_array(const char *text, const char *what, json_t **out, qn_error *err)
{
    *out = NULL;
    if (text == NULL) {
        return QN_OK;
    }
    QNI_TRY(qni_json_parse(text, strlen(text), what, out, err));
    if (!json_is_array(*out)) {
        json_decref(*out);
        *out = NULL;
        return qni_fail(err, QN_INVALID_ARGUMENT, what, "%s must be a JSON array", what);
    }
    return QN_OK;
}

// How the answer is read: its calls get ids by the prompt and the seed, known before it comes.
static qni_call_options reading_of(const qni_lm *lm, const json_t *tools, const qni_ids *prompt,
                                   bool reasoning_open, const qn_generate_options *o)
{
    bool none = o != NULL && o->tool_choice != NULL && strcmp(o->tool_choice, "none") == 0;
    qni_call_options read = {
        .format = tools != NULL && !none ? lm->tool_format : NULL,
        .tools = tools,
        // what follows the caller's grammar begins at once
        .reasoning = o != NULL && o->grammar != NULL ? NULL : lm->reasoning,
        .reasoning_open = reasoning_open,
        .seed = o != NULL ? o->seed : 0,
    };
    for (size_t i = 0; i < prompt->n; i++) {
        read.seed = (read.seed ^ (uint64_t)prompt->ids[i]) * 0x100000001B3u;
    }
    return read;
}

static qn_status add_message(qn_result *result, const qni_call_options *read, qn_error *err)
{
    const qni_answer *a = &result->answer;
    QNI_TRY(qni_tool_calls_parse(read, a->text.data != NULL ? a->text.data : "", a->text.size,
                                 &result->json, err));
    result->has_calls = json_object_get(result->json, "tool_calls") != NULL;
    return qni_json_print(result->json, JSON_COMPACT, &result->message, err);
}

// The caller's functions behind the stream that reads the answer.
typedef struct listener {
    const qn_generate_options *options;
    qni_call_stream *stream; // NULL: nobody listens
    bool refused;
    qn_status status;
    qn_error *err;
} listener;

static bool hear_event(void *user, const qni_event *e)
{
    static const qn_event_kind kinds[] = {
        [QNI_EVENT_CONTENT] = QN_EVENT_CONTENT,
        [QNI_EVENT_REASONING] = QN_EVENT_REASONING,
        [QNI_EVENT_CALL_BEGIN] = QN_EVENT_CALL_BEGIN,
        [QNI_EVENT_ARGUMENTS] = QN_EVENT_ARGUMENTS,
        [QNI_EVENT_CALL_END] = QN_EVENT_CALL_END,
        [QNI_EVENT_CALL_FAILED] = QN_EVENT_CALL_FAILED,
    };
    listener *l = user;
    const qn_generate_options *o = l->options;
    const qn_event event = {.kind = kinds[e->kind],
                            .text = e->text,
                            .n_bytes = e->n,
                            .index = e->index,
                            .id = e->id,
                            .name = e->name};
    bool text = e->kind == QNI_EVENT_CONTENT && o->on_text != NULL;
    l->refused = (text && !o->on_text(o->user, e->text, e->n)) ||
                 (o->on_event != NULL && !o->on_event(o->user, &event));
    return !l->refused;
}

static bool hear_text(void *user, const char *text, size_t n)
{
    listener *l = user;
    l->status = qni_call_stream_push(l->stream, text, n, l->err);
    return l->status == QN_OK && !l->refused;
}

static qn_status generate_heard(qn_session *session, const qni_ids *ids, qni_generation *g,
                                const qni_call_options *read, const qn_generate_options *options,
                                qn_result **out, qn_error *err)
{
    listener l = {.options = options, .status = QN_OK, .err = err};
    g->on_text = NULL;
    if (options != NULL && (options->on_text != NULL || options->on_event != NULL)) {
        QNI_TRY(qni_call_stream_create(read, hear_event, &l, &l.stream, err));
        g->on_text = hear_text;
        g->user = &l;
    }
    qn_status status = generate(session, ids->ids, ids->n, g, out, err);
    if (status == QN_OK && l.status == QN_OK && l.stream != NULL) {
        l.status = qni_call_stream_flush(l.stream, err);
    }
    qni_call_stream_free(l.stream);
    if (status == QN_OK && l.status != QN_OK) {
        qn_result_free(*out);
        *out = NULL;
    }
    return status != QN_OK ? status : l.status;
}

// The grammar of calls, when the caller gave none: *out is NULL when the answer may be any text.
static qn_status tool_grammar(const qni_lm *lm, const json_t *tools,
                              const qn_generate_options *options, qni_engine **out, qn_error *err)
{
    const char *choice = options != NULL && options->tool_choice != NULL ? options->tool_choice
                                                                         : "auto";
    bool any = json_array_size(tools) != 0 && (options == NULL || options->grammar == NULL);
    bool must = strcmp(choice, "auto") != 0 && strcmp(choice, "none") != 0;
    *out = NULL;
    if (must && json_array_size(tools) == 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "tool_choice", "tool_choice \"%s\" without tools",
                        choice);
    }
    if (must && lm->tool_format == NULL) {
        return qni_fail(err, QN_UNSUPPORTED, "tool_choice",
                        "the model's chat template shows no way to call tools that quince knows");
    }
    return any ? qni_constraint_tools(lm->constraints, tools, choice, out, err) : QN_OK;
}

static qn_status chat(qn_session *session, const json_t *messages, const json_t *tools,
                      const json_t *variables, const qn_generate_options *options, qn_result **out,
                      qn_error *err)
{
    const qni_lm *lm = session->lm->lm;
    qni_generation g = generation_of(lm, options);
    qni_ids ids = {0};
    qni_engine *calls = NULL;
    bool reasoning = false;
    qn_status status = qni_chat_prompt(lm, messages, tools, variables, &ids, &reasoning, err);
    const qni_call_options read = reading_of(lm, tools, &ids, reasoning, options);
    if (status == QN_OK) {
        status = tool_grammar(lm, tools, options, &calls, err);
        g.grammar = calls != NULL ? calls : g.grammar;
    }
    if (status == QN_OK) {
        status = generate_heard(session, &ids, &g, &read, options, out, err);
    }
    qni_constraint_release(lm->constraints, calls);
    if (status == QN_OK) {
        status = add_message(*out, &read, err);
        if (status != QN_OK) {
            qn_result_free(*out);
            *out = NULL;
        }
    }
    qni_ids_end(&ids);
    return status;
}

qn_status qn_session_chat(qn_session *session, const char *messages, const char *tools,
                          const char *variables, const qn_generate_options *options,
                          qn_result **out, qn_error *err)
{
    *out = NULL;
    json_t *m = NULL;
    json_t *t = NULL;
    json_t *v = NULL;
    qn_status status = parse_array(messages, "messages", &m, err);
    status = status == QN_OK ? parse_array(tools, "tools", &t, err) : status;
    if (status == QN_OK && variables != NULL) {
        status = qni_json_parse(variables, strlen(variables), "variables", &v, err);
    }
    if (status == QN_OK && m == NULL) {
        status = qni_fail(err, QN_INVALID_ARGUMENT, "messages", "messages are missing");
    }
    if (status == QN_OK) {
        status = chat(session, m, t, v, options, out, err);
    }
    json_decref(m);
    json_decref(t);
    json_decref(v);
    return status;
}

// ---- Results

void qn_result_free(qn_result *result)
{
    if (result != NULL) {
        qni_answer_end(&result->answer);
        json_decref(result->json);
        qni_free(result->message);
        qni_free(result);
    }
}

const char *qn_result_text(const qn_result *result)
{
    return result->answer.text.data != NULL ? result->answer.text.data : "";
}

const char *qn_result_message(const qn_result *result)
{
    return result->message;
}

const int32_t *qn_result_ids(const qn_result *result, size_t *n)
{
    *n = result->answer.n_ids;
    return result->answer.ids;
}

const char *qn_result_finish_reason(const qn_result *result)
{
    static const char *const names[] = {[QNI_FINISH_STOP] = "stop",
                                        [QNI_FINISH_LENGTH] = "length",
                                        [QNI_FINISH_CANCELLED] = "cancelled"};
    bool calls = result->has_calls && result->answer.finish == QNI_FINISH_STOP;
    return calls ? "tool_calls" : names[result->answer.finish];
}

static double per_second(size_t n, double ms)
{
    return ms > 0 ? 1000.0 * (double)n / ms : 0;
}

void qn_result_usage(const qn_result *result, qn_usage *out)
{
    static const char *const names[] = {[QNI_SYNC_EXTENDED] = "extended",
                                        [QNI_SYNC_REWOUND] = "rewound",
                                        [QNI_SYNC_REBUILT] = "rebuilt"};
    const qni_answer *a = &result->answer;
    uint64_t first = a->first_us != 0 ? a->first_us : a->prompt_us;
    *out = (qn_usage){.prompt_tokens = (int64_t)a->n_prompt,
                      .cached_tokens = (int64_t)a->n_kept,
                      .generated_tokens = (int64_t)a->n_ids,
                      .ttft_ms = (double)(first - a->start_us) / 1000.0,
                      .prompt_ms = (double)(a->prompt_us - a->start_us) / 1000.0,
                      .predicted_ms = (double)(a->end_us - first) / 1000.0,
                      .timeline = names[a->sync]};
    out->prompt_per_second = per_second(a->n_prompt - a->n_kept, out->prompt_ms);
    out->predicted_per_second = per_second(a->n_ids > 0 ? a->n_ids - 1 : 0, out->predicted_ms);
}
