// Filters, tests, methods and functions of templates: rows of tables.
#include "base/alloc.h"
#include "text/template_eval.h"
#include "text/template_value.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ARGUMENTS = 16 };

// Evaluated arguments: positional ones first, then by name.
typedef struct arguments {
    json_t *values[MAX_ARGUMENTS];
    const char *names[MAX_ARGUMENTS];
    size_t n;
} arguments;

typedef struct call {
    qni_eval_state *e;
    const qni_node *node;
    json_t *self; // what a filter, test or method is applied to
    arguments args;
} call;

static qn_status give(const call *c, json_t *made, json_t **out)
{
    *out = made;
    return made != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status fail(const call *c, const char *what, const char *name)
{
    return qni_template_fail(c->e, c->node, QN_INVALID_ARGUMENT, what, name);
}

static qn_status begin(qni_eval_state *e, const qni_node *node, call *c)
{
    *c = (call){.e = e, .node = node};
    if (node->items.n > MAX_ARGUMENTS) {
        return qni_template_fail(e, node, QN_LIMIT_EXCEEDED, "too many arguments", "");
    }
    for (size_t i = 0; i < node->items.n; i++) {
        c->args.names[i] = node->names != NULL ? node->names[i] : NULL;
        QNI_TRY(qni_template_eval(e, node->items.items[i], &c->args.values[i]));
        c->args.n++;
    }
    return QN_OK;
}

static void end(call *c)
{
    json_decref(c->self);
    for (size_t i = 0; i < c->args.n; i++) {
        json_decref(c->args.values[i]);
    }
}

// The argument called `name`, or the one at `position`; NULL when it is not given.
static json_t *argument(const call *c, size_t position, const char *name)
{
    for (size_t i = 0; i < c->args.n; i++) {
        if (c->args.names[i] != NULL ? strcmp(c->args.names[i], name) == 0 : i == position) {
            return c->args.values[i];
        }
    }
    return NULL;
}

static const char *text_argument(const call *c, size_t position, const char *name,
                                 const char *otherwise)
{
    const char *text = json_string_value(argument(c, position, name));
    return text != NULL ? text : otherwise;
}

static const char *self_text(const call *c)
{
    return json_is_string(c->self) ? json_string_value(c->self) : "";
}

// ---- Text

static bool is_stripped(char c, const char *set)
{
    return set != NULL ? strchr(set, c) != NULL && c != '\0' : isspace((unsigned char)c) != 0;
}

static qn_status strip(const call *c, bool left, bool right, json_t **out)
{
    const char *s = self_text(c);
    const char *set = text_argument(c, 0, "chars", NULL);
    size_t n = strlen(s);
    while (left && n > 0 && is_stripped(*s, set)) {
        s++;
        n--;
    }
    while (right && n > 0 && is_stripped(s[n - 1], set)) {
        n--;
    }
    return give(c, json_stringn(s, n), out);
}

static qn_status f_strip(const call *c, json_t **out)
{
    return strip(c, true, true, out);
}
static qn_status f_lstrip(const call *c, json_t **out)
{
    return strip(c, true, false, out);
}
static qn_status f_rstrip(const call *c, json_t **out)
{
    return strip(c, false, true, out);
}

// mode: u upper, l lower, t title, c capitalize.
static qn_status change_case(const call *c, char mode, json_t **out)
{
    json_t *text = NULL;
    QNI_TRY(qni_template_text(c->e, c->self, &text));
    char *copy = qni_strdup(json_string_value(text));
    json_decref(text);
    if (copy == NULL) {
        return qni_fail_memory(c->e->err);
    }
    bool start = true;
    for (char *p = copy; *p != '\0'; p++) {
        bool up = mode == 'u' || ((mode == 't' || mode == 'c') && start);
        *p = (char)(up ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
        start = mode == 't' && !isalpha((unsigned char)*p);
    }
    qn_status status = give(c, json_string(copy), out);
    qni_free(copy);
    return status;
}

static qn_status f_upper(const call *c, json_t **out)
{
    return change_case(c, 'u', out);
}
static qn_status f_lower(const call *c, json_t **out)
{
    return change_case(c, 'l', out);
}
static qn_status f_title(const call *c, json_t **out)
{
    return change_case(c, 't', out);
}
static qn_status f_capitalize(const call *c, json_t **out)
{
    return change_case(c, 'c', out);
}

static qn_status f_startswith(const call *c, json_t **out)
{
    const char *s = self_text(c);
    const char *with = text_argument(c, 0, "prefix", "");
    return give(c, json_boolean(strncmp(s, with, strlen(with)) == 0), out);
}

static qn_status f_endswith(const call *c, json_t **out)
{
    const char *s = self_text(c);
    const char *with = text_argument(c, 0, "suffix", "");
    size_t n = strlen(s);
    size_t m = strlen(with);
    return give(c, json_boolean(n >= m && strcmp(s + n - m, with) == 0), out);
}

static qn_status split_spaces(const char *s, json_t *out)
{
    while (*s != '\0') {
        while (isspace((unsigned char)*s)) {
            s++;
        }
        size_t n = 0;
        while (s[n] != '\0' && !isspace((unsigned char)s[n])) {
            n++;
        }
        if (n > 0) {
            (void)json_array_append_new(out, json_stringn(s, n));
        }
        s += n;
    }
    return QN_OK;
}

static qn_status f_split(const call *c, json_t **out)
{
    const char *s = self_text(c);
    const char *by = text_argument(c, 0, "sep", NULL);
    json_t *most = argument(c, 1, "maxsplit");
    json_int_t left = json_is_integer(most) ? json_integer_value(most) : -1;
    QNI_TRY(give(c, json_array(), out));
    if (by == NULL) {
        return split_spaces(s, *out);
    }
    if (by[0] == '\0') {
        return fail(c, "an empty separator", "");
    }
    for (const char *at = strstr(s, by); at != NULL && left != 0; at = strstr(s, by), left--) {
        (void)json_array_append_new(*out, json_stringn(s, (size_t)(at - s)));
        s = at + strlen(by);
    }
    (void)json_array_append_new(*out, json_string(s));
    return QN_OK;
}

static qn_status f_replace(const call *c, json_t **out)
{
    json_t *self = NULL;
    QNI_TRY(qni_template_text(c->e, c->self, &self));
    const char *s = json_string_value(self);
    const char *from = text_argument(c, 0, "old", "");
    const char *to = text_argument(c, 1, "new", "");
    qni_buf buf;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_add_text(&buf, "", c->e->err);
    while (status == QN_OK && *s != '\0') {
        size_t n = strlen(from);
        if (n > 0 && strncmp(s, from, n) == 0) {
            status = qni_buf_add_text(&buf, to, c->e->err);
            s += n;
        } else {
            status = qni_buf_add(&buf, s++, 1, c->e->err);
        }
    }
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    json_decref(self);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

// `by` between the texts of the elements.
static qn_status join(const call *c, const json_t *list, const char *by, json_t **out)
{
    qni_buf buf;
    size_t i;
    json_t *item;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_add_text(&buf, "", c->e->err);
    json_array_foreach (list, i, item) {
        status = status == QN_OK && i > 0 ? qni_buf_add_text(&buf, by, c->e->err) : status;
        status = status == QN_OK ? qni_value_print(item, &buf, c->e->err) : status;
    }
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status f_join(const call *c, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    qn_status status = join(c, items, text_argument(c, 0, "d", ""), out);
    json_decref(items);
    return status;
}

static qn_status m_join(const call *c, json_t **out)
{
    return join(c, argument(c, 0, "iterable"), self_text(c), out);
}

static qn_status f_indent(const call *c, json_t **out)
{
    json_t *width = argument(c, 0, "width");
    bool first = qni_value_is_true(argument(c, 1, "first"));
    int n = json_is_integer(width) ? (int)(json_integer_value(width) & 1023) : 4;
    qni_buf buf;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_printf(&buf, c->e->err, "%*s", first ? n : 0, "");
    for (const char *s = self_text(c); *s != '\0' && status == QN_OK; s++) {
        status = qni_buf_add(&buf, s, 1, c->e->err);
        if (*s == '\n' && s[1] != '\n' && s[1] != '\0' && status == QN_OK) {
            status = qni_buf_printf(&buf, c->e->err, "%*s", n, "");
        }
    }
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status f_tojson(const call *c, json_t **out)
{
    json_t *indent = argument(c, 1, "indent");
    indent = indent == NULL ? argument(c, 0, "indent") : indent;
    qni_buf buf;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    if (c->self == NULL) {
        return fail(c, "the undefined value cannot be written as JSON", "");
    }
    qn_status status = qni_value_to_json(
        c->self, json_is_integer(indent) ? (int)(json_integer_value(indent) & 63) : -1,
        qni_value_is_true(argument(c, 9, "sort_keys")), &buf, c->e->err);
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

// ---- Values

static qn_status f_string(const call *c, json_t **out)
{
    return qni_template_text(c->e, c->self, out);
}

static qn_status f_same(const call *c, json_t **out)
{
    *out = json_incref(c->self);
    return QN_OK;
}

static qn_status f_length(const call *c, json_t **out)
{
    return give(c, json_integer((json_int_t)qni_template_length(c->self)), out);
}

static qn_status f_list(const call *c, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    *out = json_copy(items);
    json_decref(items);
    return *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status end_item(const call *c, bool last, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    size_t n = json_array_size(items);
    *out = n != 0 ? json_incref(json_array_get(items, last ? n - 1 : 0)) : NULL;
    json_decref(items);
    return QN_OK;
}

static qn_status f_first(const call *c, json_t **out)
{
    return end_item(c, false, out);
}
static qn_status f_last(const call *c, json_t **out)
{
    return end_item(c, true, out);
}

static qn_status f_reverse(const call *c, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    QNI_TRY(give(c, json_array(), out));
    for (size_t i = json_array_size(items); i-- > 0;) {
        (void)json_array_append(*out, json_array_get(items, i));
    }
    json_decref(items);
    return QN_OK;
}

static qn_status f_default(const call *c, json_t **out)
{
    bool falsy = qni_value_is_true(argument(c, 1, "boolean"));
    bool missing = c->self == NULL || (falsy && !qni_value_is_true(c->self));
    json_t *otherwise = argument(c, 0, "default_value");
    *out = missing ? (otherwise != NULL ? json_incref(otherwise) : json_string(""))
                   : json_incref(c->self);
    return QN_OK;
}

static qn_status f_int(const call *c, json_t **out)
{
    json_int_t value = json_is_string(c->self)    ? strtoll(json_string_value(c->self), NULL, 10)
                       : json_is_boolean(c->self) ? json_is_true(c->self)
                                                  : (json_int_t)json_number_value(c->self);
    return give(c, json_integer(value), out);
}

static qn_status f_float(const call *c, json_t **out)
{
    return give(c,
                json_real(json_is_string(c->self) ? strtod(json_string_value(c->self), NULL)
                                                  : json_number_value(c->self)),
                out);
}

static qn_status f_abs(const call *c, json_t **out)
{
    return give(c,
                json_is_integer(c->self) ? json_integer(llabs(json_integer_value(c->self)))
                                         : json_real(fabs(json_number_value(c->self))),
                out);
}

static qn_status f_items(const call *c, json_t **out)
{
    const char *key;
    json_t *value;
    QNI_TRY(give(c, json_array(), out));
    json_object_foreach (c->self, key, value) {
        (void)json_array_append_new(*out, json_pack("[s, O]", key, value));
    }
    return QN_OK;
}

static qn_status m_keys(const call *c, json_t **out)
{
    return qni_template_items(c->e, c->node, c->self, out);
}

static qn_status m_values(const call *c, json_t **out)
{
    const char *key;
    json_t *value;
    QNI_TRY(give(c, json_array(), out));
    json_object_foreach (c->self, key, value) {
        (void)json_array_append(*out, value);
    }
    return QN_OK;
}

static qn_status m_get(const call *c, json_t **out)
{
    json_t *found = json_object_get(c->self, text_argument(c, 0, "key", ""));
    json_t *otherwise = argument(c, 1, "default");
    *out = found != NULL       ? json_incref(found)
           : otherwise != NULL ? json_incref(otherwise)
                               : json_null();
    return QN_OK;
}

static qn_status m_append(const call *c, json_t **out)
{
    json_t *value = argument(c, 0, "object");
    if (!json_is_array(c->self)) {
        return fail(c, "this value has no append", "");
    }
    (void)json_array_append(c->self, value != NULL ? value : json_null());
    *out = json_null();
    return QN_OK;
}

// ---- Tests

static bool is_true_test(const char *name, const json_t *v, const json_t *other, bool *known)
{
    *known = true;
    if (strcmp(name, "defined") == 0)
        return v != NULL;
    if (strcmp(name, "undefined") == 0)
        return v == NULL;
    if (strcmp(name, "none") == 0)
        return json_is_null(v);
    if (strcmp(name, "string") == 0)
        return json_is_string(v);
    if (strcmp(name, "mapping") == 0)
        return json_is_object(v);
    if (strcmp(name, "iterable") == 0 || strcmp(name, "sequence") == 0)
        return json_is_array(v) || json_is_string(v) || json_is_object(v);
    if (strcmp(name, "number") == 0)
        return json_is_number(v) || json_is_boolean(v);
    if (strcmp(name, "integer") == 0)
        return json_is_integer(v);
    if (strcmp(name, "float") == 0)
        return json_is_real(v);
    if (strcmp(name, "boolean") == 0)
        return json_is_boolean(v);
    if (strcmp(name, "true") == 0)
        return json_is_true(v);
    if (strcmp(name, "false") == 0)
        return json_is_false(v);
    if (strcmp(name, "odd") == 0)
        return json_is_integer(v) && json_integer_value(v) % 2 != 0;
    if (strcmp(name, "even") == 0)
        return json_is_integer(v) && json_integer_value(v) % 2 == 0;
    if (strcmp(name, "eq") == 0 || strcmp(name, "equalto") == 0 || strcmp(name, "==") == 0)
        return qni_values_equal(v, other);
    if (strcmp(name, "ne") == 0)
        return !qni_values_equal(v, other);
    if (strcmp(name, "divisibleby") == 0)
        return json_is_integer(v) && json_integer_value(other) != 0 &&
               json_integer_value(v) % json_integer_value(other) == 0;
    if (strcmp(name, "in") == 0) {
        size_t i;
        json_t *item;
        json_array_foreach (other, i, item) {
            if (qni_values_equal(item, v)) {
                return true;
            }
        }
        return json_is_object(other) && json_is_string(v) &&
               json_object_get(other, json_string_value(v)) != NULL;
    }
    *known = false;
    return false;
}

qn_status qni_template_test(qni_eval_state *e, const qni_node *node, json_t **out)
{
    call c;
    qn_status status = begin(e, node, &c);
    status = status == QN_OK ? qni_template_eval(e, node->a, &c.self) : status;
    if (status == QN_OK) {
        bool known;
        bool yes = is_true_test(node->text, c.self, argument(&c, 0, ""), &known);
        status = known ? give(&c, json_boolean(yes != node->negated), out)
                       : fail(&c, "no test named ", node->text);
    }
    end(&c);
    return status;
}

// ---- Choosing elements

// map(attribute=...), selectattr(name, test, value), select(test, value) and their opposites.
static json_t *attribute_of(const json_t *item, const char *name)
{
    return json_is_object(item) ? json_object_get(item, name) : NULL;
}

static qn_status f_map(const call *c, json_t **out)
{
    const char *name = text_argument(c, 99, "attribute", NULL);
    json_t *items = NULL;
    size_t i;
    json_t *item;
    if (name == NULL) {
        return fail(c, "map needs attribute=", "");
    }
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    *out = json_array();
    json_array_foreach (items, i, item) {
        json_t *value = attribute_of(item, name);
        (void)json_array_append(*out, value != NULL ? value : json_null());
    }
    json_decref(items);
    return *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status choose(const call *c, bool by_attribute, bool wanted, json_t **out)
{
    const char *name = by_attribute ? text_argument(c, 0, "attribute", "") : NULL;
    size_t at = by_attribute ? 1 : 0;
    const char *test = text_argument(c, at, "test", NULL);
    json_t *items = NULL;
    size_t i;
    json_t *item;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    *out = json_array();
    json_array_foreach (items, i, item) {
        const json_t *value = by_attribute ? attribute_of(item, name) : item;
        bool known = true;
        bool yes = test == NULL ? qni_value_is_true(value)
                                : is_true_test(test, value, argument(c, at + 1, ""), &known);
        if (!known) {
            json_decref(items);
            json_decref(*out);
            *out = NULL;
            return fail(c, "no test named ", test);
        }
        if (yes == wanted) {
            (void)json_array_append(*out, item);
        }
    }
    json_decref(items);
    return *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status f_select(const call *c, json_t **out)
{
    return choose(c, false, true, out);
}
static qn_status f_reject(const call *c, json_t **out)
{
    return choose(c, false, false, out);
}
static qn_status f_selectattr(const call *c, json_t **out)
{
    return choose(c, true, true, out);
}
static qn_status f_rejectattr(const call *c, json_t **out)
{
    return choose(c, true, false, out);
}

// ---- Tables

typedef qn_status function(const call *c, json_t **out);

static const struct {
    const char *name;
    function *fn;
} filters[] =
    {
        {"tojson", f_tojson},
        {"trim", f_strip},
        {"length", f_length},
        {"count", f_length},
        {"upper", f_upper},
        {"lower", f_lower},
        {"title", f_title},
        {"capitalize", f_capitalize},
        {"join", f_join},
        {"first", f_first},
        {"last", f_last},
        {"default", f_default},
        {"d", f_default},
        {"list", f_list},
        {"string", f_string},
        {"int", f_int},
        {"float", f_float},
        {"abs", f_abs},
        {"replace", f_replace},
        {"items", f_items},
        {"map", f_map},
        {"select", f_select},
        {"reject", f_reject},
        {"selectattr", f_selectattr},
        {"rejectattr", f_rejectattr},
        {"reverse", f_reverse},
        {"safe", f_same},
        {"indent", f_indent},
},
  methods[] = {
      {"strip", f_strip},           {"lstrip", f_lstrip},
      {"rstrip", f_rstrip},         {"upper", f_upper},
      {"lower", f_lower},           {"title", f_title},
      {"capitalize", f_capitalize}, {"startswith", f_startswith},
      {"endswith", f_endswith},     {"split", f_split},
      {"replace", f_replace},       {"join", m_join},
      {"items", f_items},           {"keys", m_keys},
      {"values", m_values},         {"get", m_get},
      {"append", m_append},
};

qn_status qni_template_filter(qni_eval_state *e, const qni_node *node, json_t **out)
{
    call c;
    qn_status status = begin(e, node, &c);
    status = status == QN_OK ? qni_template_eval(e, node->a, &c.self) : status;
    function *fn = NULL;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        fn = strcmp(filters[i].name, node->text) == 0 ? filters[i].fn : fn;
    }
    if (status == QN_OK) {
        status = fn != NULL ? fn(&c, out) : fail(&c, "no filter named ", node->text);
    }
    end(&c);
    return status;
}

// ---- Functions

static qn_status call_range(const call *c, json_t **out)
{
    json_int_t n[3] = {0, 0, 1};
    for (size_t i = 0; i < c->args.n && i < 3; i++) {
        n[i] = json_integer_value(c->args.values[i]);
    }
    if (c->args.n == 1) {
        n[1] = n[0];
        n[0] = 0;
    }
    QNI_TRY(give(c, json_array(), out));
    for (json_int_t i = n[0]; n[2] > 0 ? i < n[1] : n[2] < 0 && i > n[1]; i += n[2]) {
        if (json_array_size(*out) > 100000) {
            return fail(c, "a range of more than 100000", "");
        }
        (void)json_array_append_new(*out, json_integer(i));
    }
    return QN_OK;
}

static qn_status call_namespace(const call *c, json_t **out)
{
    QNI_TRY(give(c, json_object(), out));
    for (size_t i = 0; i < c->args.n; i++) {
        if (c->args.names[i] != NULL) {
            (void)json_object_set(*out, c->args.names[i],
                                  c->args.values[i] != NULL ? c->args.values[i] : json_null());
        } else if (json_is_object(c->args.values[i])) {
            (void)json_object_update(*out, c->args.values[i]);
        }
    }
    return QN_OK;
}

static qn_status call_raise(const call *c, json_t **out)
{
    *out = NULL;
    return fail(c, "", text_argument(c, 0, "message", ""));
}

static qn_status call_strftime(const call *c, json_t **out)
{
    char text[256] = "";
    struct tm parts;
    time_t now = (time_t)c->e->now;
    if (localtime_r(&now, &parts) != NULL) {
        const char *format = text_argument(c, 0, "format", "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wformat-nonliteral" // the format is the template's; strftime reads no arguments
        (void)strftime(text, sizeof text, format, &parts);
#pragma GCC diagnostic pop
    }
    return give(c, json_string(text), out);
}

static const struct {
    const char *name;
    function *fn;
} functions[] = {
    {"range", call_range},           {"namespace", call_namespace},   {"dict", call_namespace},
    {"raise_exception", call_raise}, {"strftime_now", call_strftime},
};

static qn_status call_method(qni_eval_state *e, const qni_node *node, call *c, json_t **out)
{
    QNI_TRY(qni_template_eval(e, node->a->a, &c->self));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, node->a->text) == 0) {
            return methods[i].fn(c, out);
        }
    }
    return fail(c, "no method named ", node->a->text);
}

static qn_status call_named(qni_eval_state *e, const qni_node *node, const call *c, json_t **out)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcmp(functions[i].name, node->a->text) == 0) {
            return functions[i].fn(c, out);
        }
    }
    (void)e;
    return fail(c, "no function named ", node->a->text);
}

qn_status qni_template_call(qni_eval_state *e, const qni_node *node, json_t **out)
{
    if (node->a->kind == QNI_NODE_NAME) {
        for (size_t i = e->n_macros; i-- > 0;) {
            if (strcmp(e->macros[i]->text, node->a->text) == 0) {
                return qni_template_call_macro(e, e->macros[i], node, out);
            }
        }
    }
    call c;
    qn_status status = begin(e, node, &c);
    if (status == QN_OK) {
        status = node->a->kind == QNI_NODE_NAME     ? call_named(e, node, &c, out)
                 : node->a->kind == QNI_NODE_MEMBER ? call_method(e, node, &c, out)
                                                    : fail(&c, "this cannot be called", "");
    }
    end(&c);
    return status;
}
