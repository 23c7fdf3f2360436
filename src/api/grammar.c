#include "quince/grammar.h"

#include "api/grammar_inside.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

#include <string.h>

enum { SPACES_IN_A_GAP = 64 };

static qn_status create(const qni_source *source, qn_grammar **out, qn_error *err)
{
    qn_grammar *g = qni_calloc(1, sizeof *g);
    if (g == NULL) {
        return qni_fail_memory(err);
    }
    g->references = 1;
    qn_status status = qni_engine_create(source, &g->engine, err);
    if (status != QN_OK) {
        qni_free(g);
        return status;
    }
    *out = g;
    return QN_OK;
}

static qn_status create_from(qni_language language, const char *text, size_t size,
                             const qn_grammar_options *options, qn_grammar **out, qn_error *err)
{
    static const qn_grammar_options defaults = {0};
    options = options != NULL ? options : &defaults;
    qni_schema_document *documents = qni_alloc_array(options->n_documents, sizeof *documents);
    char *copy = qni_strndup(text, size);
    qn_status status = QN_OK;
    if (documents == NULL || copy == NULL) {
        status = qni_fail_memory(err);
        goto done;
    }
    for (size_t i = 0; i < options->n_documents; i++) {
        const qn_grammar_document *d = &options->documents[i];
        documents[i] = (qni_schema_document){d->uri, d->text, d->size};
    }
    qni_source source = {
        .language = language,
        .text = copy,
        .size = size,
        .schema = {documents, options->n_documents, options->annotate_formats,
                   options->best_effort},
        .json = {.max_spaces = options->compact ? 0 : SPACES_IN_A_GAP},
    };
    status = create(&source, out, err);
done:
    qni_free(copy);
    qni_free(documents);
    return status;
}

qn_status qn_grammar_from_json_schema(const char *text, size_t size,
                                      const qn_grammar_options *options, qn_grammar **out,
                                      qn_error *err)
{
    return create_from(QNI_LANGUAGE_JSON_SCHEMA, text, size, options, out, err);
}

qn_status qn_grammar_from_regex(const char *text, size_t size, qn_grammar **out, qn_error *err)
{
    return create_from(QNI_LANGUAGE_REGEX, text, size, NULL, out, err);
}

qn_status qn_grammar_from_gbnf(const char *text, size_t size, qn_grammar **out, qn_error *err)
{
    return create_from(QNI_LANGUAGE_GBNF, text, size, NULL, out, err);
}

qn_status qn_grammar_from_lark(const char *text, size_t size, const qn_grammar_options *options,
                               qn_grammar **out, qn_error *err)
{
    return create_from(QNI_LANGUAGE_LARK, text, size, options, out, err);
}

qn_status qn_grammar_from_tags(const char *text, size_t size, const qn_grammar_options *options,
                               qn_grammar **out, qn_error *err)
{
    return create_from(QNI_LANGUAGE_TAGS, text, size, options, out, err);
}

qn_status qn_grammar_from_choice(const char *const *texts, size_t n, qn_grammar **out,
                                 qn_error *err)
{
    // As alternatives of a regular expression, with every byte that could mean something escaped.
    static const char special[] = "\\^$.|?*+()[]{}";
    qni_buf pattern;
    qni_buf_begin(&pattern, QNI_MAX_GRAMMAR_SOURCE_BYTES, "QNI_MAX_GRAMMAR_SOURCE_BYTES");
    qn_status status = n == 0 ? qni_fail(err, QN_INVALID_ARGUMENT, NULL, "a choice of no texts")
                              : QN_OK;
    for (size_t i = 0; i < n && status == QN_OK; i++) {
        status = i == 0 ? QN_OK : qni_buf_add(&pattern, "|", 1, err);
        for (const char *c = texts[i]; *c != '\0' && status == QN_OK; c++) {
            if (strchr(special, *c) != NULL) {
                status = qni_buf_add(&pattern, "\\", 1, err);
            }
            if (status == QN_OK) {
                status = qni_buf_add(&pattern, c, 1, err);
            }
        }
    }
    if (status == QN_OK) {
        const char *text = pattern.size != 0 ? pattern.data : "";
        status = qn_grammar_from_regex(text, pattern.size, out, err);
    }
    qni_buf_end(&pattern);
    return status;
}

qn_grammar *qn_grammar_share(qn_grammar *g)
{
    if (g != NULL) {
        atomic_fetch_add(&g->references, 1);
    }
    return g;
}

void qn_grammar_free(qn_grammar *g)
{
    if (g != NULL && atomic_fetch_sub(&g->references, 1) == 1) {
        qni_engine_free(g->engine);
        qni_free(g);
    }
}

bool qn_grammar_is_satisfiable(const qn_grammar *g)
{
    return g->engine->satisfiable;
}

const char *qn_grammar_left_out(const qn_grammar *g)
{
    return g->engine->left_out.size != 0 ? g->engine->left_out.data : "";
}

qn_status qn_grammar_check(qn_grammar *g, const char *text, size_t size, bool *valid,
                           size_t *position, qn_error *err)
{
    qni_engine *e = g->engine;
    pthread_mutex_lock(&e->lock);
    qn_status status = qni_engine_begin(e, err);
    if (status == QN_OK) {
        qni_state s;
        bool alive = qni_engine_start(e, &s);
        size_t at = 0;
        while (alive && at < size) {
            alive = qni_engine_step(e, &s, text, at + 1);
            at += alive;
            e->account.work = 0;
        }
        *valid = alive && qni_engine_accepts(e, &s, text, size);
        if (position != NULL) {
            *position = at;
        }
        status = qni_engine_end(e, err);
    }
    pthread_mutex_unlock(&e->lock);
    return status;
}
