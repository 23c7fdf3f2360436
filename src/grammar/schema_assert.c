// Keywords that look at one value alone.
#include "base/limits.h"
#include "grammar/pattern.h"
#include "grammar/schema_compiler.h"

#include <string.h>

static qn_status account(qni_subschema *s)
{
    return qni_account_status(s->c->f->account, s->c->err);
}

static qn_status read_decimal(qni_subschema *s, const qni_jvalue *v, qni_decimal *out)
{
    uint8_t *room = qni_arena_alloc(s->c->f->arena, v->size + 1);
    if (room == NULL) {
        return qni_fail_memory(s->c->err);
    }
    return qni_decimal_read(v->text, v->size, room, out)
               ? QN_OK
               : qni_schema_fail_at(s, v, QN_UNSUPPORTED, "an exponent beyond what is compared");
}

static qni_formula integer(qni_formulas *f)
{
    static const uint8_t one[] = {1};
    qni_decimal step = {.digits = one, .n = 1, .point = 1};
    qni_numbers numbers = {f->arena, f->account};
    qni_number_set set;
    return qni_number_multiple_of(&numbers, &step, &set) ? qni_number_in(f, &set) : QNI_FALSE;
}

static qni_formula type_named(qni_formulas *f, const qni_jvalue *v, bool *known)
{
    static const struct {
        const char *name;
        qni_jtype type;
    } names[] = {{"null", QNI_J_NULL},
                 {"number", QNI_J_NUMBER},
                 {"string", QNI_J_STRING},
                 {"array", QNI_J_ARRAY},
                 {"object", QNI_J_OBJECT}};
    *known = v->type == QNI_J_STRING;
    for (size_t i = 0; *known && i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, v->text) == 0) {
            return qni_type_is(f, names[i].type);
        }
    }
    if (*known && strcmp(v->text, "boolean") == 0) {
        return qni_or2(f, qni_type_is(f, QNI_J_TRUE), qni_type_is(f, QNI_J_FALSE));
    }
    *known = *known && strcmp(v->text, "integer") == 0;
    return integer(f);
}

static qn_status read_type(qni_subschema *s)
{
    const qni_jvalue *v = qni_jvalue_member(s->v, "type");
    bool known;
    if (v == NULL) {
        return QN_OK;
    }
    const qni_jvalue *first = v->type == QNI_J_ARRAY ? v->first : v;
    qni_formula any = QNI_FALSE;
    for (const qni_jvalue *t = first; t != NULL; t = v->type == QNI_J_ARRAY ? t->next : NULL) {
        any = qni_or2(s->c->f, any, type_named(s->c->f, t, &known));
        if (!known) {
            return qni_schema_fail_at(s, t, QN_INVALID_ARGUMENT, "not the name of a type");
        }
    }
    qni_schema_add(s, any);
    return QN_OK;
}

static qn_status read_enum(qni_subschema *s)
{
    const qni_jvalue *v;
    qni_formulas *f = s->c->f;
    QNI_TRY(qni_schema_keyword(s, "enum", QNI_J_BIT(QNI_J_ARRAY), &v));
    if (v == NULL) {
        return QN_OK;
    }
    const char **words = qni_arena_array(&s->c->arena, (size_t)v->n + 1, sizeof *words);
    size_t *sizes = qni_arena_array(&s->c->arena, (size_t)v->n + 1, sizeof *sizes);
    qni_formula *others = qni_arena_array(&s->c->arena, (size_t)v->n + 1, sizeof *others);
    if (words == NULL || sizes == NULL || others == NULL) {
        return qni_fail_memory(s->c->err);
    }
    size_t n_words = 0, n = 0;
    for (const qni_jvalue *c = v->first; c != NULL; c = c->next) {
        if (c->type == QNI_J_STRING) { // all strings make one language
            words[n_words] = c->text;
            sizes[n_words++] = c->size;
        } else {
            others[n++] = qni_equals(f, c);
        }
    }
    others[n++] = qni_string_in(f, qni_term_words(f->terms, words, sizes, n_words));
    qni_schema_add(s, qni_or(f, others, n));
    return account(s);
}

// The set of numbers of one bound; `open` leaves the bound itself out.
static qn_status add_bound(qni_subschema *s, const qni_jvalue *v, bool low, bool open)
{
    qni_formulas *f = s->c->f;
    qni_numbers numbers = {f->arena, f->account};
    qni_decimal d;
    qni_number_set set;
    QNI_TRY(read_decimal(s, v, &d));
    // x > d is "not x <= d".
    bool fine = low != open ? qni_number_at_least(&numbers, &d, &set)
                            : qni_number_at_most(&numbers, &d, &set);
    if (fine && open) {
        fine = qni_number_not(&numbers, &set, &set);
    }
    if (fine) {
        qni_schema_add_typed(s, QNI_J_NUMBER, qni_number_in(f, &set));
    }
    return account(s);
}

static qn_status read_bounds(qni_subschema *s)
{
    static const char *const names[2][2] = {{"maximum", "exclusiveMaximum"},
                                            {"minimum", "exclusiveMinimum"}};
    for (int low = 0; low < 2; low++) {
        const qni_jvalue *bound, *strict;
        uint32_t strict_types = QNI_J_BIT(QNI_J_NUMBER);
        if (s->dialect == QNI_DRAFT_4) {
            strict_types = QNI_J_BIT(QNI_J_TRUE) | QNI_J_BIT(QNI_J_FALSE);
        }
        QNI_TRY(qni_schema_keyword(s, names[low][0], QNI_J_BIT(QNI_J_NUMBER), &bound));
        QNI_TRY(qni_schema_keyword(s, names[low][1], strict_types, &strict));
        bool flag = strict != NULL && s->dialect == QNI_DRAFT_4;
        if (bound != NULL) {
            QNI_TRY(add_bound(s, bound, low, flag && strict->type == QNI_J_TRUE));
        }
        if (strict != NULL && !flag) {
            QNI_TRY(add_bound(s, strict, low, true));
        }
    }
    return QN_OK;
}

static qn_status read_multiple(qni_subschema *s)
{
    const qni_jvalue *v;
    qni_formulas *f = s->c->f;
    qni_numbers numbers = {f->arena, f->account};
    qni_decimal d;
    qni_number_set set;
    QNI_TRY(qni_schema_keyword(s, "multipleOf", QNI_J_BIT(QNI_J_NUMBER), &v));
    if (v == NULL) {
        return QN_OK;
    }
    QNI_TRY(read_decimal(s, v, &d));
    if (d.negative || d.n == 0) {
        return qni_schema_fail_at(s, v, QN_INVALID_ARGUMENT, "multipleOf takes a number above 0");
    }
    if (qni_number_multiple_of(&numbers, &d, &set)) {
        qni_schema_add_typed(s, QNI_J_NUMBER, qni_number_in(f, &set));
    }
    return account(s);
}

static qn_status read_lengths(qni_subschema *s)
{
    qni_terms *t = s->c->f->terms;
    bool has_min, has_max;
    uint32_t min = 0, max = QNI_TERM_NO_MAX;
    QNI_TRY(qni_schema_count(s, "minLength", &has_min, &min));
    QNI_TRY(qni_schema_count(s, "maxLength", &has_max, &max));
    if (has_min || has_max) {
        qni_term term = min > max ? QNI_TERM_NOTHING : qni_term_repeat(t, t->character, min, max);
        if (max == 0 && min == 0 && has_max) {
            term = QNI_TERM_EMPTY;
        }
        qni_schema_add_typed(s, QNI_J_STRING, qni_string_in(s->c->f, term));
    }
    return QN_OK;
}

static qn_status read_pattern(qni_subschema *s)
{
    const qni_jvalue *v;
    qni_term term;
    bool left_out;
    QNI_TRY(qni_schema_keyword(s, "pattern", QNI_J_BIT(QNI_J_STRING), &v));
    if (v != NULL) {
        QNI_TRY(qni_schema_pattern(s, v, v->text, v->size, &term, &left_out));
        if (!left_out) {
            qni_schema_add_typed(s, QNI_J_STRING, qni_string_in(s->c->f, term));
        }
    }
    return QN_OK;
}

static qn_status read_format(qni_subschema *s)
{
    const qni_jvalue *v;
    const char *pattern;
    qni_term term;
    QNI_TRY(qni_schema_keyword(s, "format", QNI_J_BIT(QNI_J_STRING), &v));
    bool asserted = !s->c->options->annotate_formats ||
                    s->c->index.resources[s->resource].assert_formats;
    if (v == NULL || !asserted || !qni_format_pattern(v->text, &pattern)) {
        return QN_OK;
    }
    QNI_TRY(qni_pattern_parse(s->c->f->terms, pattern, strlen(pattern), QNI_PATTERN_ECMA,
                              QNI_PATTERN_WHOLE, &term, s->c->err));
    qni_schema_add_typed(s, QNI_J_STRING, qni_string_in(s->c->f, term));
    return QN_OK;
}

static qn_status read_array_bounds(qni_subschema *s)
{
    qni_formulas *f = s->c->f;
    bool has_min, has_max;
    uint32_t min, max;
    QNI_TRY(qni_schema_count(s, "minItems", &has_min, &min));
    QNI_TRY(qni_schema_count(s, "maxItems", &has_max, &max));
    if (has_min) {
        qni_schema_add_typed(s, QNI_J_ARRAY, qni_items(f, min, 0, QNI_NO_END, QNI_TRUE));
    }
    if (has_max) {
        qni_schema_add(s, qni_not(qni_items(f, max + 1, 0, QNI_NO_END, QNI_TRUE)));
    }
    const qni_jvalue *unique;
    uint32_t flags = QNI_J_BIT(QNI_J_TRUE) | QNI_J_BIT(QNI_J_FALSE);
    QNI_TRY(qni_schema_keyword(s, "uniqueItems", flags, &unique));
    if (unique != NULL && unique->type == QNI_J_TRUE) {
        qni_schema_add_typed(s, QNI_J_ARRAY, qni_unique(f, QNI_FALSE));
    }
    return QN_OK;
}

qni_keys qni_schema_one_key(qni_formulas *f, const char *text, size_t size)
{
    qni_string key = qni_string_make(f, text, size);
    return qni_keys_make(f, false, &key, 1, NULL, 0);
}

// "Has the members that the list names."
static qn_status required(qni_subschema *s, const qni_jvalue *list, qni_formula *out)
{
    *out = QNI_TRUE;
    for (const qni_jvalue *c = list->first; c != NULL; c = c->next) {
        if (c->type != QNI_J_STRING) {
            return qni_schema_fail_at(s, c, QN_INVALID_ARGUMENT, "not the name of a member");
        }
        qni_keys key = qni_schema_one_key(s->c->f, c->text, c->size);
        *out = qni_and2(s->c->f, *out, qni_members(s->c->f, 1, key, QNI_TRUE));
    }
    return QN_OK;
}

static qn_status read_object_bounds(qni_subschema *s)
{
    qni_formulas *f = s->c->f;
    qni_keys all = qni_keys_make(f, true, NULL, 0, NULL, 0);
    bool has_min, has_max;
    uint32_t min, max;
    QNI_TRY(qni_schema_count(s, "minProperties", &has_min, &min));
    QNI_TRY(qni_schema_count(s, "maxProperties", &has_max, &max));
    if (has_min) {
        qni_schema_add_typed(s, QNI_J_OBJECT, qni_members(f, min, all, QNI_TRUE));
    }
    if (has_max) {
        qni_schema_add(s, qni_not(qni_members(f, max + 1, all, QNI_TRUE)));
    }
    const qni_jvalue *list;
    QNI_TRY(qni_schema_keyword(s, "required", QNI_J_BIT(QNI_J_ARRAY), &list));
    if (list != NULL) {
        qni_formula a;
        QNI_TRY(required(s, list, &a));
        qni_schema_add_typed(s, QNI_J_OBJECT, a);
    }
    return QN_OK;
}

// dependentRequired, and the lists of names in dependencies.
static qn_status read_dependent_required(qni_subschema *s, const char *keyword)
{
    const qni_jvalue *v;
    qni_formulas *f = s->c->f;
    QNI_TRY(qni_schema_keyword(s, keyword, QNI_J_BIT(QNI_J_OBJECT), &v));
    for (const qni_jvalue *c = v != NULL ? v->first : NULL; c != NULL; c = c->next) {
        if (c->type == QNI_J_ARRAY) {
            qni_formula a;
            QNI_TRY(required(s, c, &a));
            qni_keys key = qni_schema_one_key(f, c->key, c->key_size);
            qni_schema_add(s, qni_or2(f, qni_not(qni_members(f, 1, key, QNI_TRUE)), a));
        }
    }
    return QN_OK;
}

qn_status qni_schema_assertions(qni_subschema *s)
{
    QNI_TRY(read_type(s));
    QNI_TRY(read_enum(s));
    const qni_jvalue *constant = qni_jvalue_member(s->v, "const");
    if (constant != NULL && s->dialect >= QNI_DRAFT_6) {
        qni_schema_add(s, qni_equals(s->c->f, constant));
    }
    QNI_TRY(read_bounds(s));
    QNI_TRY(read_multiple(s));
    QNI_TRY(read_lengths(s));
    QNI_TRY(read_pattern(s));
    QNI_TRY(read_format(s));
    QNI_TRY(read_array_bounds(s));
    QNI_TRY(read_object_bounds(s));
    QNI_TRY(read_dependent_required(s, "dependentRequired"));
    return read_dependent_required(s, "dependencies");
}
