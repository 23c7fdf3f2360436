// Free text in which some words begin a part with a grammar of its own: what tool calls look like,
// whatever their format.
#include "base/limits.h"
#include "grammar/cursor.h"

#include <string.h>

typedef struct tags {
    qni_cfg *g;
    const char *source;
    const qni_schema_options *schemas;
    qni_json_options json;
    qn_error *err;
} tags;

static qn_status bad(tags *t, const char *what)
{
    return qni_fail(t->err, QN_INVALID_ARGUMENT, NULL, "tags: %s", what);
}

static qn_status member_text(tags *t, const qni_jvalue *tag, const char *name, const char **text,
                             size_t *n)
{
    const qni_jvalue *v = qni_jvalue_member(tag, name);
    *text = "";
    *n = 0;
    if (v != NULL && v->type != QNI_J_STRING) {
        return bad(t, "begin, text and end are strings");
    }
    if (v != NULL) {
        *text = v->text;
        *n = v->size;
    }
    return QN_OK;
}

// White space between a JSON value and the words around it: models write each on a line of its own.
static qni_term gap_of(qni_terms *terms, uint32_t max)
{
    const uint32_t blanks[8] = {1u << '\t' | 1u << '\n' | 1u << '\r', 1u << (' ' - 32)};
    return qni_term_repeat(terms, qni_term_set(terms, blanks), 0, max);
}

// What stands behind the trigger: a JSON value under a schema or free text, then the end.
static qn_status read_inside(tags *t, const qni_jvalue *tag, qni_expr *out)
{
    qni_terms *terms = t->g->terms;
    const char *end;
    size_t n_end;
    QNI_TRY(member_text(t, tag, "end", &end, &n_end));
    const qni_jvalue *schema = qni_jvalue_member(tag, "schema");
    if (schema != NULL) {
        qni_formula a;
        QNI_TRY(qni_schema_compile(t->g->frames->f, t->source + schema->begin,
                                   schema->end - schema->begin, t->schemas, NULL, &a, t->err));
        qni_term gap = gap_of(terms, t->json.max_spaces);
        qni_term close = qni_term_concat(terms, gap, qni_term_literal(terms, end, n_end));
        qni_expr value = qni_cfg_concat(t->g, qni_cfg_term(t->g, gap),
                                        qni_cfg_json(t->g, a, t->json));
        *out = qni_cfg_concat(t->g, value, qni_cfg_term(t->g, close));
        return QN_OK;
    }
    if (n_end == 0) {
        return bad(t, "a tag without a schema needs an end");
    }
    *out = qni_cfg_term(t->g, qni_text_through(terms, end, n_end));
    return QN_OK;
}

// All tags behind the text that leads to their triggers, and the text that has none.
static qn_status read_tags(tags *t, const qni_jvalue *list, bool free, qni_expr *part,
                           qni_expr *rest)
{
    qni_terms *terms = t->g->terms;
    const char *begins[QNI_MAX_TAGS];
    size_t sizes[QNI_MAX_TAGS], n = 0;
    for (const qni_jvalue *tag = list->first; tag != NULL; tag = tag->next, n++) {
        if (n == QNI_MAX_TAGS) {
            return qni_fail(t->err, QN_LIMIT_EXCEEDED, NULL, "more than %d tags", QNI_MAX_TAGS);
        }
        QNI_TRY(member_text(t, tag, "begin", &begins[n], &sizes[n]));
        if (sizes[n] == 0) {
            return bad(t, "a tag needs a begin");
        }
    }
    qni_term before = free ? qni_text_without(terms, begins, sizes, n) : QNI_TERM_EMPTY;
    *rest = qni_cfg_term(t->g, before);
    *part = 0;
    n = 0;
    for (const qni_jvalue *tag = list->first; tag != NULL; tag = tag->next, n++) {
        qni_expr inside = 0;
        QNI_TRY(read_inside(t, tag, &inside));
        qni_expr begin = qni_cfg_term(t->g, qni_term_literal(terms, begins[n], sizes[n]));
        qni_expr whole = qni_cfg_concat(t->g, begin, inside);
        *part = *part == 0 ? whole : qni_cfg_alt(t->g, *part, whole);
    }
    *part = *part == 0 ? 0 : qni_cfg_concat(t->g, qni_cfg_term(t->g, before), *part);
    return qni_account_status(t->g->account, t->err);
}

static qn_status read_count(tags *t, const qni_jvalue *v, uint32_t *out)
{
    if (v == NULL) {
        return QN_OK;
    }
    uint64_t n = 0;
    for (size_t i = 0; i < v->size; i++) {
        if (v->type != QNI_J_NUMBER || v->text[i] < '0' || v->text[i] > '9' || n > 1000) {
            return bad(t, "min and max are counts up to 1000");
        }
        n = n * 10 + (uint64_t)(v->text[i] - '0');
    }
    *out = (uint32_t)n;
    return QN_OK;
}

qn_status qni_tags_read(qni_cfg *g, const char *text, size_t size,
                        const qni_schema_options *schemas, qni_json_options json, qn_error *err)
{
    tags t = {g, text, schemas, json, err};
    qni_jvalue *root;
    uint32_t min = 0, max = QNI_TERM_NO_MAX;
    QNI_TRY(qni_jvalue_parse(g->arena, text, size, NULL, NULL, &root, err));
    const qni_jvalue *list = qni_jvalue_member(root, "tags");
    const qni_jvalue *free = qni_jvalue_member(root, "free");
    if (list == NULL || list->type != QNI_J_ARRAY || list->n == 0) {
        return bad(&t, "a list of tags is needed");
    }
    QNI_TRY(read_count(&t, qni_jvalue_member(root, "min"), &min));
    QNI_TRY(read_count(&t, qni_jvalue_member(root, "max"), &max));
    qni_expr part = 0, rest = 0;
    QNI_TRY(read_tags(&t, list, free != NULL && free->type == QNI_J_TRUE, &part, &rest));
    qni_cfg_define(g, "start", 5, qni_cfg_concat(g, qni_cfg_repeat(g, part, min, max), rest));
    return qni_cfg_finish(g, "start", err);
}
