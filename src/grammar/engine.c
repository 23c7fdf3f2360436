#include "grammar/engine.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/mask.h"
#include "grammar/pattern.h"
#include "grammar/cursor.h"

#include <string.h>

static void clear_tables(qni_engine *e)
{
    qni_cfg_end(&e->cfg);
    qni_frames_end(&e->frames);
    qni_formulas_end(&e->formulas);
    qni_terms_end(&e->terms);
    qni_arena_end(&e->arena);
}

static qn_status compile_schema(qni_engine *e, qn_error *err)
{
    qni_formula root;
    e->machine = QNI_MACHINE_JSON;
    QNI_TRY(qni_schema_compile(&e->formulas, e->source.text, e->source.size, &e->source.schema,
                               &e->left_out, &root, err));
    qni_json_begin(&e->json, &e->frames, root, e->source.json);
    e->satisfiable = e->json.root != 0;
    return qni_account_status(&e->account, err);
}

static qn_status finish_term(qni_engine *e, qni_term root, qn_error *err)
{
    e->machine = QNI_MACHINE_TERM;
    e->root = root;
    e->satisfiable = qni_term_live(&e->terms, root);
    return qni_account_status(&e->account, err);
}

static qn_status compile_cfg(qni_engine *e, qn_error *err)
{
    const qni_source *s = &e->source;
    qni_cfg_begin(&e->cfg, &e->terms, &e->frames, &e->arena);
    if (s->language == QNI_LANGUAGE_GBNF) {
        QNI_TRY(qni_gbnf_read(&e->cfg, s->text, s->size, err));
    } else if (s->language == QNI_LANGUAGE_LARK) {
        QNI_TRY(qni_lark_read(&e->cfg, s->text, s->size, &s->schema, s->json, err));
    } else {
        QNI_TRY(qni_tags_read(&e->cfg, s->text, s->size, &s->schema, s->json, err));
    }
    if (e->cfg.regular) {
        return finish_term(e, e->cfg.root, err);
    }
    e->machine = QNI_MACHINE_CFG;
    e->satisfiable = e->cfg.start != 0;
    return qni_account_status(&e->account, err);
}

static qn_status compile(qni_engine *e, qn_error *err)
{
    qni_account_begin(&e->account, QNI_MAX_GRAMMAR_BYTES, QNI_MAX_GRAMMAR_WORK);
    qni_arena_begin(&e->arena, QNI_MAX_GRAMMAR_BYTES);
    qni_buf_clear(&e->left_out);
    e->epoch++;
    QNI_TRY(qni_terms_begin(&e->terms, &e->account, err));
    QNI_TRY(qni_formulas_begin(&e->formulas, &e->terms, &e->arena, err));
    QNI_TRY(qni_frames_begin(&e->frames, &e->formulas, err));
    if (e->source.language == QNI_LANGUAGE_JSON_SCHEMA) {
        return compile_schema(e, err);
    }
    if (e->source.language != QNI_LANGUAGE_REGEX) {
        return compile_cfg(e, err);
    }
    qni_term root;
    QNI_TRY(qni_pattern_parse(&e->terms, e->source.text, e->source.size, QNI_PATTERN_RE2,
                              QNI_PATTERN_WHOLE, &root, err));
    return finish_term(e, root, err);
}

static qn_status copy_source(qni_engine *e, const qni_source *source, qn_error *err)
{
    e->source = *source;
    e->source.schema.documents = NULL;
    e->source.schema.n_documents = 0;
    e->source.text = qni_strndup(source->text, source->size);
    size_t n = source->schema.n_documents;
    qni_schema_document *documents = qni_calloc(n + 1, sizeof *documents);
    e->source.schema.documents = documents;
    if (e->source.text == NULL || documents == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const qni_schema_document *d = &source->schema.documents[i];
        documents[i].uri = qni_strdup(d->uri);
        documents[i].text = qni_strndup(d->text, d->size);
        documents[i].size = d->size;
        e->source.schema.n_documents++;
        if (documents[i].uri == NULL || documents[i].text == NULL) {
            return qni_fail_memory(err);
        }
    }
    return QN_OK;
}

static void free_const(const char *text)
{
    void *memory;
    memcpy(&memory, &text, sizeof memory);
    qni_free(memory);
}

qn_status qni_engine_create(const qni_source *source, qni_engine **out, qn_error *err)
{
    if (source->size > QNI_MAX_GRAMMAR_SOURCE_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL,
                        "a grammar of %zu bytes; at most %zu are read", source->size,
                        QNI_MAX_GRAMMAR_SOURCE_BYTES);
    }
    qni_engine *e = qni_calloc(1, sizeof *e);
    if (e == NULL) {
        return qni_fail_memory(err);
    }
    pthread_mutex_init(&e->lock, NULL);
    qni_buf_begin(&e->left_out, QNI_MAX_GRAMMAR_SOURCE_BYTES, "QNI_MAX_GRAMMAR_SOURCE_BYTES");
    qn_status status = copy_source(e, source, err);
    if (status == QN_OK) {
        status = compile(e, err);
    }
    if (status != QN_OK) {
        qni_engine_free(e);
        return status;
    }
    *out = e;
    return QN_OK;
}

void qni_engine_free(qni_engine *e)
{
    if (e == NULL) {
        return;
    }
    clear_tables(e);
    for (size_t i = 0; i < e->n_maskers; i++) {
        qni_masker_free(e->maskers[i]);
    }
    qni_free(e->maskers);
    for (size_t i = 0; i < e->source.schema.n_documents; i++) {
        free_const(e->source.schema.documents[i].uri);
        free_const(e->source.schema.documents[i].text);
    }
    free_const((const char *)e->source.schema.documents);
    qni_free(e->source.text);
    qni_buf_end(&e->left_out);
    pthread_mutex_destroy(&e->lock);
    qni_free(e);
}

qn_status qni_engine_begin(qni_engine *e, qn_error *err)
{
    e->account.work = 0;
    bool full = e->account.used_bytes > e->account.limit_bytes / 2;
    if (e->account.status == QN_OK && !full) {
        return QN_OK;
    }
    // After a failure, and before the limit is met, start afresh.
    clear_tables(e);
    qn_status status = compile(e, err);
    if (status != QN_OK && e->account.status == QN_OK) {
        e->account.status = status;
        e->account.reason = "the grammar could not be compiled again";
    }
    return status;
}

qn_status qni_engine_end(qni_engine *e, qn_error *err)
{
    return qni_account_status(&e->account, err);
}

bool qni_engine_start(qni_engine *e, qni_state *out)
{
    memset(out, 0, sizeof *out);
    switch (e->machine) {
    case QNI_MACHINE_JSON: out->json = qni_json_start(&e->json); break;
    case QNI_MACHINE_TERM: out->term = e->root; break;
    case QNI_MACHINE_CFG:
    default: out->set = e->cfg.start; break;
    }
    return e->satisfiable;
}

bool qni_engine_step(qni_engine *e, qni_state *s, const char *text, size_t size)
{
    switch (e->machine) {
    case QNI_MACHINE_JSON: return qni_json_step(&e->json, &s->json, text, size);
    case QNI_MACHINE_TERM:
        s->term = qni_term_next(&e->terms, s->term, (unsigned char)text[size - 1]);
        return s->term != QNI_TERM_NOTHING;
    case QNI_MACHINE_CFG:
    default: s->set = qni_cfg_step(&e->cfg, s->set, text, size); return s->set != 0;
    }
}

bool qni_engine_accepts(qni_engine *e, const qni_state *s, const char *text, size_t size)
{
    switch (e->machine) {
    case QNI_MACHINE_JSON: return qni_json_accepts(&e->json, &s->json, text, size);
    case QNI_MACHINE_TERM: return qni_term_nullable(&e->terms, s->term);
    case QNI_MACHINE_CFG:
    default: return qni_cfg_accepts(&e->cfg, s->set);
    }
}

qn_status qni_engine_masker(qni_engine *e, qni_vocabulary *vocabulary, qni_masker **out,
                            qn_error *err)
{
    for (size_t i = 0; i < e->n_maskers; i++) {
        if (qni_masker_vocabulary(e->maskers[i]) == vocabulary) {
            *out = e->maskers[i];
            return QN_OK;
        }
    }
    if (qni_grow(&e->maskers, &e->maskers_capacity, e->n_maskers + 1, sizeof *e->maskers) != 0) {
        return qni_fail_memory(err);
    }
    QNI_TRY(qni_masker_create(e, vocabulary, out, err));
    e->maskers[e->n_maskers++] = *out;
    return QN_OK;
}
