// Keywords about the items of arrays and the members of objects.
#include "base/limits.h"
#include "grammar/schema_compiler.h"

#include <string.h>

static qn_status note_items(qni_subschema *s, uint32_t to, qni_formula matching)
{
    qni_evaluated e = {.when = QNI_TRUE, .items = true, .to = to, .matching = matching};
    return qni_schema_note(s, QNI_TRUE, &e);
}

static qn_status note_members(qni_subschema *s, qni_keys keys)
{
    qni_evaluated e = {.when = QNI_TRUE, .keys = keys, .matching = QNI_FALSE};
    return qni_schema_note(s, QNI_TRUE, &e);
}

// No item with index in [from, to) fails `item`.
static void add_items(qni_subschema *s, uint32_t from, uint32_t to, qni_formula item)
{
    qni_schema_add(s, qni_not(qni_items(s->c->f, 1, from, to, qni_not(item))));
}

static void add_members(qni_subschema *s, qni_keys keys, qni_formula value)
{
    qni_schema_add(s, qni_not(qni_members(s->c->f, 1, keys, qni_not(value))));
}

// prefixItems and items; before 2020-12, items as a list and additionalItems.
static qn_status read_items(qni_subschema *s)
{
    const qni_jvalue *prefix, *rest;
    uint32_t any = QNI_J_SCHEMA | QNI_J_BIT(QNI_J_ARRAY);
    QNI_TRY(qni_schema_keyword(s, "prefixItems", QNI_J_BIT(QNI_J_ARRAY), &prefix));
    QNI_TRY(qni_schema_keyword(s, "items", any, &rest));
    if (s->dialect < QNI_DRAFT_2020) {
        prefix = NULL;
    }
    if (rest != NULL && rest->type == QNI_J_ARRAY) {
        prefix = rest;
        QNI_TRY(qni_schema_keyword(s, "additionalItems", QNI_J_SCHEMA, &rest));
    }
    uint32_t n = 0;
    for (const qni_jvalue *c = prefix != NULL ? prefix->first : NULL; c != NULL; c = c->next, n++) {
        qni_formula item;
        QNI_TRY(qni_schema_child(s, c, &item, NULL));
        add_items(s, n, n + 1, item);
    }
    if (n != 0) {
        QNI_TRY(note_items(s, n, QNI_FALSE));
    }
    if (rest != NULL) {
        qni_formula item;
        QNI_TRY(qni_schema_child(s, rest, &item, NULL));
        add_items(s, n, QNI_NO_END, item);
        QNI_TRY(note_items(s, QNI_NO_END, QNI_FALSE));
    }
    return QN_OK;
}

static qn_status read_contains(qni_subschema *s)
{
    qni_formulas *f = s->c->f;
    const qni_jvalue *v = qni_jvalue_member(s->v, "contains");
    bool has_min = false, has_max = false;
    uint32_t min = 1, max = 0;
    if (v == NULL || s->dialect < QNI_DRAFT_6) {
        return QN_OK;
    }
    if (s->dialect >= QNI_DRAFT_2019 && s->assertions) {
        QNI_TRY(qni_schema_count(s, "minContains", &has_min, &min));
        QNI_TRY(qni_schema_count(s, "maxContains", &has_max, &max));
    }
    qni_formula item;
    QNI_TRY(qni_schema_child(s, v, &item, NULL));
    qni_schema_add_typed(s, QNI_J_ARRAY, qni_items(f, min, 0, QNI_NO_END, item));
    if (has_max) {
        qni_schema_add(s, qni_not(qni_items(f, max + 1, 0, QNI_NO_END, item)));
    }
    return s->dialect == QNI_DRAFT_2020 ? note_items(s, 0, item) : QN_OK;
}

// properties, patternProperties and additionalProperties.
static qn_status read_properties(qni_subschema *s)
{
    const qni_jvalue *named, *patterns, *rest;
    qni_formulas *f = s->c->f;
    QNI_TRY(qni_schema_keyword(s, "properties", QNI_J_BIT(QNI_J_OBJECT), &named));
    QNI_TRY(qni_schema_keyword(s, "patternProperties", QNI_J_BIT(QNI_J_OBJECT), &patterns));
    QNI_TRY(qni_schema_keyword(s, "additionalProperties", QNI_J_SCHEMA, &rest));
    size_t n_named = named != NULL ? named->n : 0, n_patterns = patterns != NULL ? patterns->n : 0;
    qni_string *texts = qni_arena_array(&s->c->arena, n_named + 1, sizeof *texts);
    qni_term *terms = qni_arena_array(&s->c->arena, n_patterns + 1, sizeof *terms);
    if (texts == NULL || terms == NULL) {
        return qni_fail_memory(s->c->err);
    }
    n_named = n_patterns = 0;
    qni_formula value;
    for (const qni_jvalue *c = named != NULL ? named->first : NULL; c != NULL; c = c->next) {
        texts[n_named] = qni_string_make(f, c->key, c->key_size);
        QNI_TRY(qni_schema_child(s, c, &value, NULL));
        add_members(s, qni_keys_make(f, false, &texts[n_named++], 1, NULL, 0), value);
    }
    for (const qni_jvalue *c = patterns != NULL ? patterns->first : NULL; c != NULL; c = c->next) {
        bool left_out;
        QNI_TRY(qni_schema_pattern(s, c, c->key, c->key_size, &terms[n_patterns], &left_out));
        QNI_TRY(qni_schema_child(s, c, &value, NULL));
        if (!left_out) {
            add_members(s, qni_keys_make(f, false, NULL, 0, &terms[n_patterns++], 1), value);
        }
    }
    if (n_named + n_patterns != 0) {
        QNI_TRY(note_members(s, qni_keys_make(f, false, texts, n_named, terms, n_patterns)));
    }
    if (rest != NULL) {
        QNI_TRY(qni_schema_child(s, rest, &value, NULL));
        add_members(s, qni_keys_make(f, true, texts, n_named, terms, n_patterns), value);
        QNI_TRY(note_members(s, qni_keys_make(f, true, NULL, 0, NULL, 0)));
    }
    return QN_OK;
}

static qn_status read_property_names(qni_subschema *s)
{
    qni_formulas *f = s->c->f;
    const qni_jvalue *v = qni_jvalue_member(s->v, "propertyNames");
    if (v == NULL || s->dialect < QNI_DRAFT_6) {
        return QN_OK;
    }
    qni_formula name;
    QNI_TRY(qni_schema_child(s, v, &name, NULL));
    qni_formula text = qni_formula_for_type(f, name, QNI_J_STRING);
    if (text == QNI_TRUE) {
        return QN_OK;
    }
    qni_term term = text == QNI_FALSE ? QNI_TERM_NOTHING : qni_formula_term(f, text);
    qni_keys others = qni_keys_make(f, true, NULL, 0, &term, term != QNI_TERM_NOTHING);
    qni_schema_add(s, qni_not(qni_members(f, 1, others, QNI_TRUE)));
    return QN_OK;
}

// dependentSchemas, and the schemas in dependencies.
static qn_status read_dependent(qni_subschema *s, const char *keyword)
{
    const qni_jvalue *v;
    qni_formulas *f = s->c->f;
    QNI_TRY(qni_schema_keyword(s, keyword, QNI_J_BIT(QNI_J_OBJECT), &v));
    for (const qni_jvalue *c = v != NULL ? v->first : NULL; c != NULL; c = c->next) {
        if (c->type == QNI_J_ARRAY) {
            continue; // names: an assertion
        }
        qni_formula a,
            there = qni_members(f, 1, qni_schema_one_key(f, c->key, c->key_size), QNI_TRUE);
        qni_evaluated *evaluated;
        QNI_TRY(qni_schema_child(s, c, &a, &evaluated));
        qni_schema_add(s, qni_or2(f, qni_not(there), a));
        QNI_TRY(qni_schema_note(s, there, evaluated));
    }
    return QN_OK;
}

qn_status qni_schema_containers(qni_subschema *s)
{
    QNI_TRY(read_items(s));
    QNI_TRY(read_contains(s));
    QNI_TRY(read_properties(s));
    QNI_TRY(read_property_names(s));
    QNI_TRY(read_dependent(s, "dependentSchemas"));
    return read_dependent(s, "dependencies");
}

// The notes of one kind, by whether they always hold.
typedef struct cases {
    const qni_evaluated *always[64];
    const qni_evaluated *sometimes[QNI_MAX_UNEVALUATED_CASES];
    size_t n_always, n_sometimes;
} cases;

static qn_status sort_cases(qni_subschema *s, const qni_jvalue *v, bool items, cases *out)
{
    *out = (cases){.n_always = 0};
    for (const qni_evaluated *e = s->evaluated; e != NULL; e = e->next) {
        if (e->items != items || e->when == QNI_FALSE) {
            continue;
        }
        bool always = e->when == QNI_TRUE;
        if (always ? out->n_always == 64 : out->n_sometimes == QNI_MAX_UNEVALUATED_CASES) {
            return qni_schema_fail_at(s, v, QN_LIMIT_EXCEEDED,
                                      "too many conditions decide what is evaluated");
        }
        if (always) {
            out->always[out->n_always++] = e;
        } else {
            out->sometimes[out->n_sometimes++] = e;
        }
    }
    return QN_OK;
}

// The members that neither the notes of `chosen` nor those that always hold have evaluated.
static qni_formula rest_of_members(qni_subschema *s, const cases *k, uint32_t chosen,
                                   qni_formula value)
{
    qni_formulas *f = s->c->f;
    qni_string texts[QNI_MAX_EVALUATED_KEYS];
    qni_term terms[QNI_MAX_EVALUATED_KEYS];
    size_t n_texts = 0, n_terms = 0;
    for (size_t i = 0; i < k->n_always + k->n_sometimes; i++) {
        size_t at = i - k->n_always;
        if (i >= k->n_always && (chosen >> at & 1) == 0) {
            continue;
        }
        const qni_evaluated *e = i < k->n_always ? k->always[i] : k->sometimes[at];
        qni_keys_view view = qni_keys_get(f, e->keys);
        if (view.all_but) { // only ever "all"
            return QNI_TRUE;
        }
        if (n_texts + view.n_texts > QNI_MAX_EVALUATED_KEYS ||
            n_terms + view.n_terms > QNI_MAX_EVALUATED_KEYS) {
            qni_account_fail(f->account, QN_LIMIT_EXCEEDED, "too many evaluated members");
            return QNI_FALSE;
        }
        memcpy(texts + n_texts, view.texts, view.n_texts * sizeof *texts);
        memcpy(terms + n_terms, view.terms, view.n_terms * sizeof *terms);
        n_texts += view.n_texts;
        n_terms += view.n_terms;
    }
    qni_keys rest = qni_keys_make(f, true, texts, n_texts, terms, n_terms);
    return qni_not(qni_members(f, 1, rest, qni_not(value)));
}

static qni_formula rest_of_items(qni_subschema *s, const cases *k, uint32_t chosen,
                                 qni_formula value)
{
    qni_formulas *f = s->c->f;
    uint32_t to = 0;
    for (size_t i = 0; i < k->n_always + k->n_sometimes; i++) {
        size_t at = i - k->n_always;
        if (i >= k->n_always && (chosen >> at & 1) == 0) {
            continue;
        }
        const qni_evaluated *e = i < k->n_always ? k->always[i] : k->sometimes[at];
        to = e->to > to ? e->to : to;
        value = qni_or2(f, value, e->matching);
    }
    return to == QNI_NO_END ? QNI_TRUE : qni_not(qni_items(f, 1, to, QNI_NO_END, qni_not(value)));
}

// For every subset of the conditions: one of the others holds, or what the subset leaves over
// satisfies the keyword. More conditions only ever evaluate more, so the subsets may overlap.
static qn_status read_unevaluated(qni_subschema *s, const char *keyword, bool items)
{
    const qni_jvalue *v;
    qni_formulas *f = s->c->f;
    QNI_TRY(qni_schema_keyword(s, keyword, QNI_J_SCHEMA, &v));
    if (v == NULL) {
        return QN_OK;
    }
    qni_formula value;
    cases k;
    QNI_TRY(qni_schema_child(s, v, &value, NULL));
    QNI_TRY(sort_cases(s, v, items, &k));
    for (uint32_t chosen = 0; chosen < (uint32_t)1 << k.n_sometimes; chosen++) {
        qni_formula either = items ? rest_of_items(s, &k, chosen, value)
                                   : rest_of_members(s, &k, chosen, value);
        for (size_t i = 0; i < k.n_sometimes; i++) {
            if ((chosen >> i & 1) == 0) {
                either = qni_or2(f, either, k.sometimes[i]->when);
            }
        }
        qni_schema_add(s, either);
    }
    return items ? note_items(s, QNI_NO_END, QNI_FALSE)
                 : note_members(s, qni_keys_make(f, true, NULL, 0, NULL, 0));
}

qn_status qni_schema_unevaluated(qni_subschema *s)
{
    QNI_TRY(read_unevaluated(s, "unevaluatedProperties", false));
    return read_unevaluated(s, "unevaluatedItems", true);
}
