// The tests of templates: what stands behind "is".
#include "text/template_run.h"

#include "base/utf8.h"
#include "text/unicode.h"

#include <math.h>
#include <string.h>

#define TEST(name, yes)                                                                      \
    static qni_value *name(qni_run *r, qni_value *self, qni_value **a, const qni_args *args) \
    {                                                                                        \
        (void)r;                                                                             \
        (void)a;                                                                             \
        (void)args;                                                                          \
        return qni_bool(yes);                                                                \
    }

TEST(t_defined, self->kind != QNI_UNDEFINED)
TEST(t_undefined, self->kind == QNI_UNDEFINED)
TEST(t_none, self->kind == QNI_NONE)
TEST(t_boolean, self->kind == QNI_BOOL)
TEST(t_true, self->kind == QNI_BOOL && self->as.truth)
TEST(t_false, self->kind == QNI_BOOL && !self->as.truth)
TEST(t_integer, self->kind == QNI_INT)
TEST(t_float, self->kind == QNI_REAL)
TEST(t_number, self->kind == QNI_INT || self->kind == QNI_REAL || self->kind == QNI_BOOL)
TEST(t_string, self->kind == QNI_TEXT)
TEST(t_mapping, self->kind == QNI_DICT)
TEST(t_sequence, self->kind == QNI_TEXT || self->kind == QNI_LIST || self->kind == QNI_TUPLE ||
                     self->kind == QNI_DICT || self->kind == QNI_RANGE ||
                     self->kind == QNI_UNDEFINED)
TEST(t_iterable, self->kind == QNI_TEXT || self->kind == QNI_LIST || self->kind == QNI_TUPLE ||
                     self->kind == QNI_DICT || self->kind == QNI_RANGE ||
                     self->kind == QNI_UNDEFINED || self->kind == QNI_ITERATOR ||
                     self->kind == QNI_VIEW || self->kind == QNI_LOOP)
TEST(t_callable, self->kind == QNI_METHOD || self->kind == QNI_FUNCTION ||
                     self->kind == QNI_MACRO || self->kind == QNI_LOOP ||
                     self->kind == QNI_JOINER || self->kind == QNI_BLOCK ||
                     self->kind == QNI_UNDEFINED)
TEST(t_escaped, self->kind == QNI_TEXT && self->markup)

static qni_value *is_cased(qni_run *r, qni_value *self, qni_category wrong, qni_category right)
{
    qni_value *text = qni_to_text(r, self);
    bool any = false;
    text = text != NULL && qni_charge(r, text->as.text.n / 4) ? text : NULL;
    for (size_t i = 0; text != NULL && i < text->as.text.n;) {
        uint32_t code;
        int n = qni_utf8_decode((const unsigned char *)text->as.text.at + i, text->as.text.n - i,
                                &code);
        qni_category category = qni_unicode_category(code);
        if (category == wrong || category == QNI_CATEGORY_LT) {
            return qni_bool(false);
        }
        any = any || category == right;
        i += (size_t)(n < 0 ? -n : n);
    }
    return text != NULL ? qni_bool(any) : NULL;
}

static qni_value *t_lower(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return is_cased(r, self, QNI_CATEGORY_LU, QNI_CATEGORY_LL);
}

static qni_value *t_upper(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return is_cased(r, self, QNI_CATEGORY_LL, QNI_CATEGORY_LU);
}

static qni_value *modulo_is(qni_run *r, qni_value *self, qni_value *by, int64_t rest)
{
    qni_value *wanted = qni_int(r, rest);
    qni_value *found = wanted != NULL ? qni_binary(r, "%", self, by) : NULL;
    bool same;
    return found != NULL && qni_equal(r, found, wanted, &same) ? qni_bool(same) : NULL;
}

static qni_value *t_odd(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    qni_value *two = qni_int(r, 2);
    return two != NULL ? modulo_is(r, self, two, 1) : NULL;
}

static qni_value *t_even(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    qni_value *two = qni_int(r, 2);
    return two != NULL ? modulo_is(r, self, two, 0) : NULL;
}

static qni_value *t_divisibleby(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return modulo_is(r, self, a[0], 0);
}

static qni_value *t_sameas(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    bool same = self == a[0];
    (void)args;
    // Python keeps one of each small number
    if (!same && self->kind == QNI_INT && a[0]->kind == QNI_INT) {
        same = self->as.whole == a[0]->as.whole && self->as.whole >= -5 && self->as.whole <= 256;
    }
    (void)r;
    return qni_bool(same);
}

static qni_value *t_in(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    bool yes;
    (void)args;
    return qni_contains(r, a[0], self, &yes) ? qni_bool(yes) : NULL;
}

static qni_value *equals(qni_run *r, qni_value *a, qni_value *b, bool wanted)
{
    bool same;
    return qni_equal(r, a, b, &same) ? qni_bool(same == wanted) : NULL;
}

static qni_value *t_eq(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return equals(r, self, a[0], true);
}
static qni_value *t_ne(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return equals(r, self, a[0], false);
}

static qni_value *ordered(qni_run *r, qni_value *a, qni_value *b, int wanted, bool equal)
{
    int how;
    return qni_compare(r, a, b, &how) ? qni_bool(how == wanted || (equal && how == 0)) : NULL;
}

static qni_value *t_lt(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return ordered(r, self, a[0], -1, false);
}
static qni_value *t_le(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return ordered(r, self, a[0], -1, true);
}
static qni_value *t_gt(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return ordered(r, self, a[0], 1, false);
}
static qni_value *t_ge(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return ordered(r, self, a[0], 1, true);
}

static qni_value *t_exists(qni_run *r, qni_value *self, bool filter)
{
    char name[32];
    if (!qni_is_hashable(r, self)) {
        return qni_raise(r, "a %s cannot be a name", qni_kind_name(self));
    }
    if (self->kind != QNI_TEXT || self->as.text.n >= sizeof name) {
        return qni_bool(false);
    }
    memcpy(name, self->as.text.at, self->as.text.n);
    name[self->as.text.n] = '\0';
    return qni_bool((filter ? qni_find_filter(name) : qni_find_test(name)) != NULL);
}

static qni_value *t_filter(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return t_exists(r, self, true);
}
static qni_value *t_test(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return t_exists(r, self, false);
}

static const qni_row tests[] = {
    {"defined", "", t_defined},
    {"undefined", "", t_undefined},
    {"none", "", t_none},
    {"boolean", "", t_boolean},
    {"true", "", t_true},
    {"false", "", t_false},
    {"integer", "", t_integer},
    {"float", "", t_float},
    {"number", "", t_number},
    {"string", "", t_string},
    {"mapping", "", t_mapping},
    {"sequence", "", t_sequence},
    {"iterable", "", t_iterable},
    {"callable", "", t_callable},
    {"escaped", "", t_escaped},
    {"lower", "", t_lower},
    {"upper", "", t_upper},
    {"odd", "", t_odd},
    {"even", "", t_even},
    {"divisibleby", "num", t_divisibleby},
    {"sameas", "other", t_sameas},
    {"in", "seq", t_in},
    {"filter", "", t_filter},
    {"test", "", t_test},
    {"==", "/ b", t_eq},
    {"eq", "/ b", t_eq},
    {"equalto", "/ b", t_eq},
    {"!=", "/ b", t_ne},
    {"ne", "/ b", t_ne},
    {"<", "/ b", t_lt},
    {"lt", "/ b", t_lt},
    {"lessthan", "/ b", t_lt},
    {"<=", "/ b", t_le},
    {"le", "/ b", t_le},
    {">", "/ b", t_gt},
    {"gt", "/ b", t_gt},
    {"greaterthan", "/ b", t_gt},
    {">=", "/ b", t_ge},
    {"ge", "/ b", t_ge},
    {NULL, NULL, NULL},
};

const qni_row *qni_find_test(const char *name)
{
    return qni_find_row(tests, name);
}
