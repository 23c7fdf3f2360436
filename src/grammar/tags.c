// Free text in which some words begin a part with a grammar of its own: what tool calls look like,
// whatever their format.
#include "base/limits.h"
#include "grammar/cursor.h"

#include <stdio.h>
#include <string.h>

typedef struct tags {
    qni_cfg *g;
    const char *source;
    const qni_schema_options *schemas;
    qni_json_options json;
    qn_error *err;
    uint32_t n_sets; // read so far
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

static qn_status read_part(tags *t, const qni_jvalue *part, bool may_miss, qni_expr *out);
static qn_status read_parts(tags *t, const qni_jvalue *list, qni_expr *out);

static qn_status schema_formula(tags *t, const qni_jvalue *schema, qni_formula *out)
{
    return qni_schema_compile(t->g->frames->f, t->source + schema->begin,
                              schema->end - schema->begin, t->schemas, NULL, out, t->err);
}

// A string as it is, not as JSON, up to the first `until`, which is read too.
static qn_status read_bare_string(tags *t, const qni_jvalue *part, const qni_jvalue *schema,
                                  qni_expr *out)
{
    qni_frames *fr = t->g->frames;
    qni_terms *terms = t->g->terms;
    const char *until;
    size_t n;
    qni_formula a;
    QNI_TRY(member_text(t, part, "until", &until, &n));
    QNI_TRY(schema_formula(t, schema, &a));
    qni_goal goal = qni_goal_make(fr, a, QNI_FRAME_DONE);
    qni_term text = goal != 0 && qni_goal_size(fr, goal) == 1
                        ? qni_goal_begin(fr, goal, QNI_J_STRING)
                        : QNI_TERM_NOTHING;
    text = qni_term_concat(terms, text, qni_term_literal(terms, until, n));
    *out = qni_cfg_term(t->g, qni_term_and2(terms, text, qni_text_through(terms, until, n)));
    return QN_OK;
}

static bool is_true(const qni_jvalue *part, const char *name)
{
    const qni_jvalue *v = qni_jvalue_member(part, name);
    return v != NULL && v->type == QNI_J_TRUE;
}

// What stands for a set of parts that are left, behind others (`behind`) or at the beginning: a
// rule, so that it is shared. `ways` are the parts that may come next with what is left then.
static qni_expr set_rule(tags *t, uint32_t set, uint32_t left, bool behind, qni_expr ways)
{
    char name[40]; // no grammar's own name begins with a blank
    size_t n = (size_t)snprintf(name, sizeof name, " set%u.%u.%d", set, left, (int)behind);
    qni_cfg_define(t->g, name, n, ways);
    qni_cfg_keep(t->g, name, n);
    return qni_cfg_name_expr(t->g, name, n);
}

// Parts in any order, each once at most, those that are not optional once, with `between` between
// two. With many parts the order is theirs: then only the first of those that are left may come, or
// be left out.
static qn_status read_set(tags *t, const qni_jvalue *list, qni_expr between, qni_expr *out)
{
    enum { MAX_ANY_ORDER = 6, MAX_PARTS = 63 };
    qni_expr items[MAX_PARTS], rules[1 << MAX_ANY_ORDER][2],
        nothing = qni_cfg_term(t->g, QNI_TERM_EMPTY);
    uint64_t optional = 0;
    uint32_t n = 0, number = t->n_sets++;
    if (list->n > MAX_PARTS) {
        return qni_fail(t->err, QN_LIMIT_EXCEEDED, NULL, "a set of more than %d parts", MAX_PARTS);
    }
    for (const qni_jvalue *part = list->first; part != NULL; part = part->next, n++) {
        optional |= (uint64_t)is_true(part, "optional") << n;
        QNI_TRY(read_part(t, part, false, &items[n]));
    }
    bool any_order = n <= MAX_ANY_ORDER;
    // With an order, what is left are the last parts: rules[k] for the last k.
    for (uint32_t left = 0; left < (any_order ? (uint32_t)1 << n : n + 1); left++) {
        for (int behind = 0; behind < 2; behind++) {
            bool may_end = any_order ? (left & ~optional) == 0 : left == 0;
            qni_expr ways = may_end ? nothing : 0;
            uint32_t first = any_order ? 0 : n - left, end = any_order || left == 0 ? n : first + 1;
            for (uint32_t i = first; i < end && left != 0; i++) {
                if (any_order && (left >> i & 1) == 0) {
                    continue;
                }
                uint32_t rest = any_order ? left & ~((uint32_t)1 << i) : left - 1;
                qni_expr way = qni_cfg_concat(t->g, items[i], rules[rest][1]);
                way = behind ? qni_cfg_concat(t->g, between, way) : way;
                ways = ways == 0 ? way : qni_cfg_alt(t->g, ways, way);
                if (!any_order && (optional >> i & 1) != 0) {
                    ways = qni_cfg_alt(t->g, ways, rules[rest][behind]);
                }
            }
            rules[left][behind] = set_rule(t, number, left, behind != 0, ways);
        }
    }
    *out = rules[any_order ? ((uint32_t)1 << n) - 1 : n][0];
    return QN_OK;
}

static qn_status read_choice(tags *t, const qni_jvalue *list, qni_expr *out)
{
    *out = 0;
    for (const qni_jvalue *part = list->first; part != NULL; part = part->next) {
        qni_expr one;
        QNI_TRY(read_part(t, part, true, &one));
        *out = *out == 0 ? one : qni_cfg_alt(t->g, *out, one);
    }
    return *out != 0 ? QN_OK : bad(t, "a choice of nothing");
}

// {"text"}, {"schema"} (JSON), {"schema", "until"} (a bare string), {"parts", "optional"}, {"set"}
// of parts in any order, {"any", "many"}: one of some parts, or several one after the other.
static qn_status read_part(tags *t, const qni_jvalue *part, bool may_miss, qni_expr *out)
{
    const qni_jvalue *schema = qni_jvalue_member(part, "schema");
    const qni_jvalue *parts = qni_jvalue_member(part, "parts");
    const qni_jvalue *set = qni_jvalue_member(part, "set"), *any = qni_jvalue_member(part, "any");
    const char *text;
    size_t n;
    if (schema != NULL && qni_jvalue_member(part, "until") != NULL) {
        return read_bare_string(t, part, schema, out);
    }
    if (schema != NULL) {
        qni_formula a;
        QNI_TRY(schema_formula(t, schema, &a));
        *out = qni_cfg_json(t->g, a, t->json);
        return QN_OK;
    }
    QNI_TRY(member_text(t, part, "between", &text, &n));
    qni_expr between = qni_cfg_term(t->g, qni_term_literal(t->g->terms, text, n));
    if (set != NULL && set->type == QNI_J_ARRAY) {
        return read_set(t, set, between, out);
    }
    if (any != NULL && any->type == QNI_J_ARRAY) {
        QNI_TRY(read_choice(t, any, out));
        if (qni_jvalue_member(part, "between") != NULL) {
            qni_expr more = qni_cfg_concat(t->g, between, *out);
            *out = qni_cfg_concat(t->g, *out, qni_cfg_repeat(t->g, more, 0, QNI_TERM_NO_MAX));
        }
        return QN_OK;
    }
    if (parts != NULL && parts->type == QNI_J_ARRAY) {
        QNI_TRY(read_parts(t, parts, out));
        *out = may_miss && is_true(part, "optional") ? qni_cfg_repeat(t->g, *out, 0, 1) : *out;
        return QN_OK;
    }
    QNI_TRY(member_text(t, part, "text", &text, &n));
    *out = qni_cfg_term(t->g, qni_term_literal(t->g->terms, text, n));
    return QN_OK;
}

static qn_status read_parts(tags *t, const qni_jvalue *list, qni_expr *out)
{
    *out = qni_cfg_term(t->g, QNI_TERM_EMPTY);
    for (const qni_jvalue *part = list->first; part != NULL; part = part->next) {
        qni_expr one;
        QNI_TRY(read_part(t, part, true, &one));
        *out = qni_cfg_concat(t->g, *out, one);
    }
    return QN_OK;
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
        QNI_TRY(schema_formula(t, schema, &a));
        qni_term gap = gap_of(terms, t->json.max_spaces);
        qni_term close = qni_term_concat(terms, gap, qni_term_literal(terms, end, n_end));
        qni_expr value = qni_cfg_concat(t->g, qni_cfg_term(t->g, gap),
                                        qni_cfg_json(t->g, a, t->json));
        *out = qni_cfg_concat(t->g, value, qni_cfg_term(t->g, close));
        return QN_OK;
    }
    const qni_jvalue *parts = qni_jvalue_member(tag, "parts");
    if (parts != NULL && parts->type == QNI_J_ARRAY) {
        QNI_TRY(read_parts(t, parts, out));
        *out = qni_cfg_concat(t->g, *out, qni_cfg_term(t->g, qni_term_literal(terms, end, n_end)));
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

// {"documents": {uri: schema}}: what $ref may name, beside what the caller gives.
static qn_status read_documents(const qni_cfg *g, const char *source, const qni_jvalue *documents,
                                qni_schema_options *options, qn_error *err)
{
    if (documents == NULL || documents->type != QNI_J_OBJECT) {
        return QN_OK;
    }
    size_t n = options->n_documents;
    qni_schema_document *all = qni_arena_array(g->arena, n + documents->n, sizeof *all);
    if (all == NULL) {
        return qni_fail_memory(err);
    }
    if (n != 0) {
        memcpy(all, options->documents, n * sizeof *all);
    }
    for (const qni_jvalue *d = documents->first; d != NULL; d = d->next) {
        char *uri = qni_arena_array(g->arena, d->key_size + 1, 1);
        if (uri == NULL) {
            return qni_fail_memory(err);
        }
        memcpy(uri, d->key, d->key_size);
        uri[d->key_size] = '\0';
        all[n++] = (qni_schema_document){uri, source + d->begin, d->end - d->begin};
    }
    options->documents = all;
    options->n_documents = n;
    return QN_OK;
}

qn_status qni_tags_read(qni_cfg *g, const char *text, size_t size,
                        const qni_schema_options *schemas, qni_json_options json, qn_error *err)
{
    qni_schema_options options = *schemas;
    tags t = {.g = g, .source = text, .schemas = &options, .json = json, .err = err};
    qni_jvalue *root;
    uint32_t min = 0, max = QNI_TERM_NO_MAX;
    QNI_TRY(qni_jvalue_parse(g->arena, text, size, NULL, NULL, &root, err));
    QNI_TRY(read_documents(g, text, qni_jvalue_member(root, "documents"), &options, err));
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
