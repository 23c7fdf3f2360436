#include "grammar/schema.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/pattern.h"
#include "grammar/schema_compiler.h"

#include <stdio.h>
#include <string.h>

// Writes the JSON pointer of `v` inside `root`; false when it is not there.
static bool write_pointer(const qni_jvalue *root, const qni_jvalue *v, char *out, size_t size)
{
    size_t n = strlen(out);
    if (root == v) {
        return true;
    }
    uint32_t i = 0;
    for (const qni_jvalue *c = root->first; c != NULL; c = c->next, i++) {
        if (c->next != NULL && c->next->id <= v->id) {
            continue; // ids count in the order of the text
        }
        int wrote;
        if (c->key != NULL) {
            wrote = snprintf(out + n, size - n, "/%.*s", (int)(c->key_size < 80 ? c->key_size : 80),
                             c->key);
        } else {
            wrote = snprintf(out + n, size - n, "/%u", i);
        }
        if (wrote > 0 && (size_t)wrote < size - n && write_pointer(c, v, out, size)) {
            return true;
        }
        out[n] = '\0';
    }
    return false;
}

static void pointer_of(const qni_subschema *s, const qni_jvalue *v, char *out, size_t size)
{
    const qni_schema_index *x = &s->c->index;
    out[0] = '\0';
    for (size_t i = 0; i < x->n_resources; i++) {
        const qni_jvalue *root = x->resources[i].root;
        if (v->id >= root->id && write_pointer(root, v, out, size)) {
            return;
        }
    }
}

qn_status qni_schema_fail_at(qni_subschema *s, const qni_jvalue *v, qn_status status,
                             const char *reason)
{
    char pointer[200];
    pointer_of(s, v, pointer, sizeof pointer);
    return qni_fail(s->c->err, status, NULL, "%s: %s", pointer[0] != '\0' ? pointer : "/", reason);
}

qn_status qni_schema_cannot(qni_subschema *s, const qni_jvalue *v, const char *reason)
{
    if (!s->c->options->best_effort) {
        return qni_schema_fail_at(s, v, QN_UNSUPPORTED, reason);
    }
    char pointer[200];
    pointer_of(s, v, pointer, sizeof pointer);
    return s->c->left_out == NULL
               ? QN_OK
               : qni_buf_printf(s->c->left_out, s->c->err, "%s: %s\n", pointer, reason);
}

qn_status qni_schema_keyword(qni_subschema *s, const char *name, uint32_t types,
                             const qni_jvalue **out)
{
    *out = qni_jvalue_member(s->v, name);
    if (*out == NULL || (QNI_J_BIT((*out)->type) & types) != 0) {
        return QN_OK;
    }
    return qni_schema_fail_at(s, *out, QN_INVALID_ARGUMENT, "not a value that this keyword takes");
}

qn_status qni_schema_count(qni_subschema *s, const char *name, bool *found, uint32_t *out)
{
    const qni_jvalue *v;
    QNI_TRY(qni_schema_keyword(s, name, QNI_J_BIT(QNI_J_NUMBER), &v));
    *found = v != NULL;
    if (v == NULL) {
        return QN_OK;
    }
    uint8_t room[QNI_MAX_NUMBER_BYTES];
    qni_decimal d;
    bool fine = qni_decimal_read(v->text, v->size, room, &d) && !d.negative &&
                d.point >= (int32_t)d.n;
    uint64_t value = 0;
    for (int32_t i = 0; fine && i < d.point && value <= UINT32_MAX; i++) {
        value = value * 10 + (i < (int32_t)d.n ? d.digits[i] : 0);
    }
    if (!fine) {
        return qni_schema_fail_at(s, v, QN_INVALID_ARGUMENT, "not a count");
    }
    *out = value < UINT32_MAX - 2 ? (uint32_t)value : UINT32_MAX - 2;
    return QN_OK;
}

void qni_schema_add(qni_subschema *s, qni_formula a)
{
    s->formula = qni_and2(s->c->f, s->formula, a);
}

void qni_schema_add_typed(qni_subschema *s, qni_jtype type, qni_formula a)
{
    qni_formulas *f = s->c->f;
    qni_schema_add(s, qni_or2(f, qni_not(qni_type_is(f, type)), a));
}

qn_status qni_schema_note(qni_subschema *s, qni_formula when, const qni_evaluated *what)
{
    for (; what != NULL; what = what->next) {
        qni_evaluated *e = qni_arena_alloc(&s->c->arena, sizeof *e);
        if (e == NULL) {
            return qni_fail_memory(s->c->err);
        }
        *e = *what;
        e->when = qni_and2(s->c->f, when, what->when);
        e->next = s->evaluated;
        s->evaluated = e;
    }
    return QN_OK;
}

qn_status qni_schema_pattern(qni_subschema *s, const qni_jvalue *at, const char *text, size_t size,
                             qni_term *out, bool *left_out)
{
    qn_error err = {0};
    *left_out = false;
    qn_status status = qni_pattern_parse(s->c->f->terms, text, size, QNI_PATTERN_ECMA,
                                         QNI_PATTERN_SEARCH, out, &err);
    if (status == QN_UNSUPPORTED || status == QN_INVALID_ARGUMENT) {
        *left_out = true;
        return qni_schema_cannot(s, at, err.message);
    }
    return status == QN_OK ? QN_OK : qni_schema_fail_at(s, at, status, err.message);
}

// The scope inside `resource`: the dynamic anchors that it adds to those bound outside.
static uint32_t scope_inside(qni_schema_compiler *c, uint32_t scope, uint32_t resource)
{
    uint32_t words[2 * QNI_MAX_DYNAMIC_ANCHORS];
    size_t n = 0;
    if (scope != 0) {
        const uint32_t *r = qni_intern_at(&c->scopes, scope, &n);
        memcpy(words, r, n * sizeof *words);
    }
    size_t before = n;
    for (const qni_dynamic_anchor *a = c->index.resources[resource].dynamic; a != NULL;
         a = a->next) {
        uint32_t name = qni_string_make(c->f, a->name, strlen(a->name));
        bool bound = false;
        for (size_t i = 0; i < before; i += 2) {
            bound = bound || words[i] == name;
        }
        if (!bound && n < 2 * QNI_MAX_DYNAMIC_ANCHORS) {
            words[n++] = name;
            words[n++] = a->value->id;
            c->values[a->value->id] = a->value;
        }
    }
    return n == before ? scope : qni_intern_add(&c->scopes, words, n, NULL);
}

static qn_status compile(qni_schema_compiler *c, const qni_jvalue *v, uint32_t scope,
                         qni_formula *out, qni_evaluated **evaluated);

qn_status qni_schema_child(qni_subschema *s, const qni_jvalue *v, qni_formula *out,
                           qni_evaluated **evaluated)
{
    bool schema = (QNI_J_BIT(v->type) & QNI_J_SCHEMA) != 0;
    return schema ? compile(s->c, v, s->scope, out, evaluated)
                  : qni_schema_fail_at(s, v, QN_INVALID_ARGUMENT, "not a schema");
}

static qn_status follow(qni_subschema *s, const qni_jvalue *target)
{
    qni_formula a;
    qni_evaluated *evaluated;
    QNI_TRY(compile(s->c, target, s->scope, &a, &evaluated));
    qni_schema_add(s, a);
    return qni_schema_note(s, QNI_TRUE, evaluated);
}

// What a dynamic anchor of that name means here; NULL when none is bound.
static const qni_jvalue *bound_anchor(qni_schema_compiler *c, uint32_t scope, const char *name)
{
    uint32_t id = qni_string_make(c->f, name, strlen(name));
    size_t n = 0;
    const uint32_t *r = scope == 0 ? NULL : qni_intern_at(&c->scopes, scope, &n);
    for (size_t i = 0; i < n; i += 2) {
        if (r[i] == id) {
            return c->values[r[i + 1]];
        }
    }
    return NULL;
}

static bool is_dynamic(const qni_schema_compiler *c, const qni_jvalue *v, const char *name)
{
    const qni_resource *r = &c->index.resources[qni_schema_index_resource(&c->index, v)];
    for (const qni_dynamic_anchor *a = r->dynamic; a != NULL; a = a->next) {
        if (a->value == v && strcmp(a->name, name) == 0) {
            return true;
        }
    }
    return false;
}

// $ref, $dynamicRef and $recursiveRef.
static qn_status read_reference(qni_subschema *s, const char *keyword)
{
    const qni_jvalue *v, *target;
    const char *anchor;
    qni_schema_compiler *c = s->c;
    QNI_TRY(qni_schema_keyword(s, keyword, QNI_J_BIT(QNI_J_STRING), &v));
    if (v == NULL) {
        return QN_OK;
    }
    QNI_TRY(qni_schema_index_find(&c->index, s->resource, v->text, v->size, &target, &anchor));
    // New documents bring new values.
    const qni_jvalue **values = qni_realloc(c->values,
                                            ((size_t)c->index.n_ids + 1) * sizeof *values);
    if (values == NULL) {
        return qni_fail_memory(c->err);
    }
    c->values = values;
    if (target == NULL) {
        return qni_schema_fail_at(s, v, QN_UNSUPPORTED, "nothing is known under this reference");
    }
    bool dynamic = strcmp(keyword, "$dynamicRef") == 0 && anchor != NULL;
    bool recursive = strcmp(keyword, "$recursiveRef") == 0;
    anchor = recursive ? "" : anchor;
    if ((dynamic || recursive) && is_dynamic(c, target, anchor)) {
        const qni_jvalue *bound = bound_anchor(c, s->scope, anchor);
        target = bound != NULL ? bound : target;
    }
    if ((QNI_J_BIT(target->type) & QNI_J_SCHEMA) == 0) {
        return qni_schema_fail_at(s, v, QN_INVALID_ARGUMENT, "the reference names no schema");
    }
    return follow(s, target);
}

static qn_status read_all_of(qni_subschema *s)
{
    const qni_jvalue *v;
    QNI_TRY(qni_schema_keyword(s, "allOf", QNI_J_BIT(QNI_J_ARRAY), &v));
    for (const qni_jvalue *c = v != NULL ? v->first : NULL; c != NULL; c = c->next) {
        qni_formula a;
        qni_evaluated *evaluated;
        QNI_TRY(qni_schema_child(s, c, &a, &evaluated));
        qni_schema_add(s, a);
        QNI_TRY(qni_schema_note(s, QNI_TRUE, evaluated));
    }
    return QN_OK;
}

// anyOf, and oneOf: at least one, and no two.
static qn_status read_some_of(qni_subschema *s, const char *keyword, bool exactly_one)
{
    const qni_jvalue *v;
    qni_formulas *f = s->c->f;
    QNI_TRY(qni_schema_keyword(s, keyword, QNI_J_BIT(QNI_J_ARRAY), &v));
    if (v == NULL) {
        return QN_OK;
    }
    qni_formula *branches = qni_arena_array(&s->c->arena, (size_t)v->n + 1, sizeof *branches);
    if (branches == NULL) {
        return qni_fail_memory(s->c->err);
    }
    uint32_t n = 0;
    for (const qni_jvalue *c = v->first; c != NULL; c = c->next) {
        qni_evaluated *evaluated;
        QNI_TRY(qni_schema_child(s, c, &branches[n], &evaluated));
        QNI_TRY(qni_schema_note(s, branches[n], evaluated));
        n++;
    }
    qni_schema_add(s, exactly_one ? qni_one(f, branches, n) : qni_or(f, branches, n));
    return QN_OK;
}

static qn_status read_not(qni_subschema *s)
{
    const qni_jvalue *v = qni_jvalue_member(s->v, "not");
    if (v != NULL) {
        qni_formula a;
        QNI_TRY(qni_schema_child(s, v, &a, NULL));
        qni_schema_add(s, qni_not(a));
    }
    return QN_OK;
}

static qn_status read_if(qni_subschema *s)
{
    static const char *const names[] = {"then", "else"};
    qni_formulas *f = s->c->f;
    const qni_jvalue *v = qni_jvalue_member(s->v, "if");
    if (v == NULL || s->dialect < QNI_DRAFT_7) {
        return QN_OK;
    }
    qni_formula test, branches[2] = {QNI_TRUE, QNI_TRUE};
    qni_evaluated *evaluated;
    QNI_TRY(qni_schema_child(s, v, &test, &evaluated));
    QNI_TRY(qni_schema_note(s, test, evaluated));
    for (int i = 0; i < 2; i++) {
        v = qni_jvalue_member(s->v, names[i]);
        if (v != NULL) {
            QNI_TRY(qni_schema_child(s, v, &branches[i], &evaluated));
            QNI_TRY(qni_schema_note(s, test ^ (qni_formula)i, evaluated));
        }
    }
    qni_schema_add(s, qni_or2(f, qni_not(test), branches[0]));
    qni_schema_add(s, qni_or2(f, test, branches[1]));
    return QN_OK;
}

static qn_status read_keywords(qni_subschema *s)
{
    bool alone = s->dialect <= QNI_DRAFT_7 && qni_jvalue_member(s->v, "$ref") != NULL;
    QNI_TRY(read_reference(s, "$ref"));
    if (alone) { // in older drafts nothing beside a $ref counts
        return QN_OK;
    }
    if (s->dialect == QNI_DRAFT_2020) {
        QNI_TRY(read_reference(s, "$dynamicRef"));
    } else if (s->dialect == QNI_DRAFT_2019) {
        QNI_TRY(read_reference(s, "$recursiveRef"));
    }
    if (s->assertions) {
        QNI_TRY(qni_schema_assertions(s));
    }
    QNI_TRY(qni_schema_containers(s));
    QNI_TRY(read_all_of(s));
    QNI_TRY(read_some_of(s, "anyOf", false));
    QNI_TRY(read_some_of(s, "oneOf", true));
    QNI_TRY(read_not(s));
    QNI_TRY(read_if(s));
    return s->dialect >= QNI_DRAFT_2019 ? qni_schema_unevaluated(s) : QN_OK;
}

static qn_status compile_object(qni_schema_compiler *c, const qni_jvalue *v, uint32_t scope,
                                qni_compiled *out)
{
    uint32_t resource = qni_schema_index_resource(&c->index, v);
    const qni_resource *r = &c->index.resources[resource];
    qni_subschema s = {
        .c = c,
        .v = v,
        .resource = resource,
        .scope = scope,
        .dialect = r->dialect,
        .assertions = !r->no_validation,
        .formula = QNI_TRUE,
    };
    QNI_TRY(read_keywords(&s));
    out->formula = s.formula;
    out->evaluated = s.evaluated;
    return qni_account_status(c->f->account, c->err);
}

static qn_status compile(qni_schema_compiler *c, const qni_jvalue *v, uint32_t scope,
                         qni_formula *out, qni_evaluated **evaluated)
{
    qni_evaluated *ignored;
    evaluated = evaluated != NULL ? evaluated : &ignored;
    *evaluated = NULL;
    *out = v->type == QNI_J_TRUE ? QNI_TRUE : QNI_FALSE;
    if (v->type != QNI_J_OBJECT) {
        return QN_OK;
    }
    scope = scope_inside(c, scope, qni_schema_index_resource(&c->index, v));
    bool fresh;
    uint32_t place = qni_intern_add(&c->places, (uint32_t[]){v->id, scope}, 2, &fresh);
    if (place == 0 || !qni_account_grow(c->f->account, &c->compiled, &c->compiled_capacity,
                                        (size_t)place + 1, sizeof *c->compiled)) {
        return qni_account_status(c->f->account, c->err);
    }
    if (!fresh) {
        qni_compiled *known = &c->compiled[place];
        if (known->open && !known->has_definition) {
            known->has_definition = true;
            known->definition = qni_definition_new(c->f);
        }
        *out = known->open ? qni_ref(c->f, known->definition) : known->formula;
        *evaluated = known->open ? NULL : known->evaluated;
        return qni_account_status(c->f->account, c->err);
    }
    if (++c->depth > QNI_MAX_JSON_DEPTH) {
        return qni_fail(c->err, QN_LIMIT_EXCEEDED, NULL, "a schema nested deeper than %d",
                        QNI_MAX_JSON_DEPTH);
    }
    c->compiled[place] = (qni_compiled){.open = true};
    qni_compiled result = {0};
    QNI_TRY(compile_object(c, v, scope, &result));
    c->depth--;
    qni_compiled *kept = &c->compiled[place];
    kept->formula = result.formula;
    kept->evaluated = result.evaluated;
    kept->open = false;
    if (kept->has_definition) {
        c->f->definitions[kept->definition] = result.formula;
    }
    *out = kept->formula;
    *evaluated = kept->evaluated;
    return QN_OK;
}

qn_status qni_schema_compile(qni_formulas *f, const char *text, size_t size,
                             const qni_schema_options *options, qni_buf *left_out, qni_formula *out,
                             qn_error *err)
{
    qni_schema_compiler c = {.f = f, .options = options, .left_out = left_out, .err = err};
    if (size > QNI_MAX_GRAMMAR_SOURCE_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "a schema of %zu bytes; at most %zu are read",
                        size, QNI_MAX_GRAMMAR_SOURCE_BYTES);
    }
    qni_arena_begin(&c.arena, QNI_MAX_GRAMMAR_BYTES);
    qni_intern_begin(&c.places, f->account);
    qni_intern_begin(&c.scopes, f->account);
    const qni_jvalue *root;
    qn_status status = qni_schema_index_begin(&c.index, &c.arena, options, err);
    if (status == QN_OK) {
        status = qni_schema_index_add(&c.index, NULL, text, size, &root);
    }
    if (status == QN_OK) {
        c.values = qni_alloc_array((size_t)c.index.n_ids + 1, sizeof *c.values);
        status = c.values == NULL ? qni_fail_memory(err) : QN_OK;
    }
    if (status == QN_OK && (QNI_J_BIT(root->type) & QNI_J_SCHEMA) == 0) {
        status = qni_fail(err, QN_INVALID_ARGUMENT, NULL,
                          "/: a schema is an object, true or false");
    }
    if (status == QN_OK) {
        status = compile(&c, root, 0, out, NULL);
    }
    if (status == QN_OK) {
        status = qni_account_status(f->account, err);
    }
    qni_schema_index_end(&c.index);
    qni_intern_end(&c.places);
    qni_intern_end(&c.scopes);
    qni_free(c.compiled);
    qni_free(c.values);
    qni_arena_end(&c.arena);
    return status;
}
