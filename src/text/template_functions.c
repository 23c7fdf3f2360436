// Filters, tests, methods and functions of templates: rows of tables.
#include "base/alloc.h"
#include "base/utf8.h"
#include "text/template_call.h"
#include "text/unicode.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

qn_status qni_call_give(const qni_call *c, json_t *made, json_t **out)
{
    *out = made;
    return made != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

qn_status qni_call_fail(const qni_call *c, const char *what, const char *name)
{
    return qni_template_fail(c->e, c->node, QN_INVALID_ARGUMENT, what, name);
}

static qn_status begin(qni_eval_state *e, const qni_node *node, qni_call *c)
{
    *c = (qni_call){.e = e, .node = node};
    if (node->items.n > QNI_TEMPLATE_ARGUMENTS) {
        return qni_template_fail(e, node, QN_LIMIT_EXCEEDED, "too many arguments", "");
    }
    for (size_t i = 0; i < node->items.n; i++) {
        c->names[i] = node->names != NULL ? node->names[i] : NULL;
        QNI_TRY(qni_template_eval(e, node->items.items[i], &c->values[i]));
        c->n++;
    }
    return QN_OK;
}

static void end(qni_call *c)
{
    json_decref(c->self);
    for (size_t i = 0; i < c->n; i++) {
        json_decref(c->values[i]);
    }
}

json_t *qni_call_argument(const qni_call *c, size_t position, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->names[i] != NULL ? strcmp(c->names[i], name) == 0 : i == position) {
            return c->values[i];
        }
    }
    return NULL;
}

const char *qni_call_text(const qni_call *c, size_t position, const char *name,
                          const char *otherwise)
{
    const char *text = json_string_value(qni_call_argument(c, position, name));
    return text != NULL ? text : otherwise;
}

static const char *self_text(const qni_call *c)
{
    return json_is_string(c->self) ? json_string_value(c->self) : "";
}

// ---- Text

static bool is_stripped(char c, const char *set)
{
    return set != NULL ? strchr(set, c) != NULL && c != '\0' : isspace((unsigned char)c) != 0;
}

static qn_status strip(const qni_call *c, bool left, bool right, json_t **out)
{
    json_t *text = NULL;
    QNI_TRY(qni_template_text(c->e, c->self, &text));
    const char *s = json_string_value(text);
    const char *set = qni_call_text(c, 0, "chars", NULL);
    size_t n = strlen(s);
    while (left && n > 0 && is_stripped(*s, set)) {
        s++;
        n--;
    }
    while (right && n > 0 && is_stripped(s[n - 1], set)) {
        n--;
    }
    qn_status status = qni_call_give(c, json_stringn(s, n), out);
    json_decref(text);
    return status;
}

static qn_status f_strip(const qni_call *c, json_t **out)
{
    return strip(c, true, true, out);
}
static qn_status f_lstrip(const qni_call *c, json_t **out)
{
    return strip(c, true, false, out);
}
static qn_status f_rstrip(const qni_call *c, json_t **out)
{
    return strip(c, false, true, out);
}

// mode: u upper, l lower, t title, c capitalize.
static qn_status change_case(const qni_call *c, char mode, json_t **out)
{
    json_t *text = NULL;
    qni_buf buf;
    QNI_TRY(qni_template_text(c->e, c->self, &text));
    const unsigned char *at = (const unsigned char *)json_string_value(text);
    size_t left = json_string_length(text);
    bool start = true;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_add_text(&buf, "", c->e->err);
    while (left > 0 && status == QN_OK) {
        uint32_t code;
        size_t n = (size_t)qni_utf8_decode(at, left, &code);
        bool up = mode == 'u' || ((mode == 't' || mode == 'c') && start);
        uint32_t made[3];
        int n_made = up ? qni_unicode_upper(code, made) : qni_unicode_lower(code, made);
        for (int i = 0; i < n_made && status == QN_OK; i++) {
            char bytes[4];
            status = qni_buf_add(&buf, bytes, (size_t)qni_utf8_encode(made[i], bytes), c->e->err);
        }
        start = mode == 't' && (QNI_LETTERS >> qni_unicode_category(code) & 1) == 0;
        at += n;
        left -= n;
    }
    status = status == QN_OK ? qni_call_give(c, json_stringn(buf.data, buf.size), out) : status;
    qni_buf_end(&buf);
    json_decref(text);
    return status;
}

static qn_status f_upper(const qni_call *c, json_t **out)
{
    return change_case(c, 'u', out);
}
static qn_status f_lower(const qni_call *c, json_t **out)
{
    return change_case(c, 'l', out);
}
static qn_status f_title(const qni_call *c, json_t **out)
{
    return change_case(c, 't', out);
}
static qn_status f_capitalize(const qni_call *c, json_t **out)
{
    return change_case(c, 'c', out);
}

static qn_status f_startswith(const qni_call *c, json_t **out)
{
    const char *s = self_text(c);
    const char *with = qni_call_text(c, 0, "prefix", "");
    return qni_call_give(c, json_boolean(strncmp(s, with, strlen(with)) == 0), out);
}

static qn_status f_endswith(const qni_call *c, json_t **out)
{
    const char *s = self_text(c);
    const char *with = qni_call_text(c, 0, "suffix", "");
    size_t n = strlen(s);
    size_t m = strlen(with);
    return qni_call_give(c, json_boolean(n >= m && strcmp(s + n - m, with) == 0), out);
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

static qn_status f_split(const qni_call *c, json_t **out)
{
    const char *s = self_text(c);
    const char *by = qni_call_text(c, 0, "sep", NULL);
    json_t *most = qni_call_argument(c, 1, "maxsplit");
    json_int_t left = json_is_integer(most) ? json_integer_value(most) : -1;
    QNI_TRY(qni_call_give(c, json_array(), out));
    if (by == NULL) {
        return split_spaces(s, *out);
    }
    if (by[0] == '\0') {
        return qni_call_fail(c, "an empty separator", "");
    }
    for (const char *at = strstr(s, by); at != NULL && left != 0; at = strstr(s, by), left--) {
        (void)json_array_append_new(*out, json_stringn(s, (size_t)(at - s)));
        s = at + strlen(by);
    }
    (void)json_array_append_new(*out, json_string(s));
    return QN_OK;
}

static qn_status f_replace(const qni_call *c, json_t **out)
{
    json_t *self = NULL;
    QNI_TRY(qni_template_text(c->e, c->self, &self));
    const char *s = json_string_value(self);
    const char *from = qni_call_text(c, 0, "old", "");
    const char *to = qni_call_text(c, 1, "new", "");
    const json_t *most = qni_call_argument(c, 2, "count");
    json_int_t left = json_is_integer(most) ? json_integer_value(most) : -1;
    qni_buf buf;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_add_text(&buf, "", c->e->err);
    while (status == QN_OK && *s != '\0') {
        size_t n = strlen(from);
        if (n > 0 && left != 0 && strncmp(s, from, n) == 0) {
            left--;
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
static qn_status join(const qni_call *c, const json_t *list, const char *by, json_t **out)
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

static qn_status f_join(const qni_call *c, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    qn_status status = join(c, items, qni_call_text(c, 0, "d", ""), out);
    json_decref(items);
    return status;
}

static qn_status m_join(const qni_call *c, json_t **out)
{
    return join(c, qni_call_argument(c, 0, "iterable"), self_text(c), out);
}

static qn_status f_indent(const qni_call *c, json_t **out)
{
    json_t *width = qni_call_argument(c, 0, "width");
    bool first = qni_value_is_true(qni_call_argument(c, 1, "first"));
    bool blank = qni_value_is_true(qni_call_argument(c, 2, "blank"));
    int n = json_is_integer(width) ? (int)(json_integer_value(width) & 1023) : 4;
    qni_buf buf;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_printf(&buf, c->e->err, "%*s", first ? n : 0, "");
    for (const char *s = self_text(c); *s != '\0' && status == QN_OK; s++) {
        status = qni_buf_add(&buf, s, 1, c->e->err);
        bool fill = blank || (s[1] != '\n' && s[1] != '\0');
        if (*s == '\n' && fill && status == QN_OK) {
            status = qni_buf_printf(&buf, c->e->err, "%*s", n, "");
        }
    }
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

// tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False), as transformers has
// it.
static qn_status f_tojson(const qni_call *c, json_t **out)
{
    const json_t *indent = qni_call_argument(c, 1, "indent");
    const json_t *separators = qni_call_argument(c, 2, "separators");
    qni_json_form form = {
        .indent = json_is_integer(indent) ? (int)(json_integer_value(indent) & 63) : -1,
        .ascii = qni_value_is_true(qni_call_argument(c, 0, "ensure_ascii")),
        .sort_keys = qni_value_is_true(qni_call_argument(c, 3, "sort_keys")),
        .item = json_string_value(json_array_get(separators, 0)),
        .member = json_string_value(json_array_get(separators, 1)),
    };
    qni_buf buf;
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    if (c->self == NULL) {
        return qni_call_fail(c, "the undefined value cannot be written as JSON", "");
    }
    qn_status status = qni_value_to_json(c->self, &form, &buf, c->e->err);
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

// ---- Values

static qn_status f_string(const qni_call *c, json_t **out)
{
    return qni_template_text(c->e, c->self, out);
}

static qn_status f_same(const qni_call *c, json_t **out)
{
    *out = json_incref(c->self);
    return QN_OK;
}

static qn_status f_length(const qni_call *c, json_t **out)
{
    bool has = c->self == NULL || json_is_string(c->self) || json_is_array(c->self) ||
               json_is_object(c->self);
    if (!has) {
        return qni_call_fail(c, "this value has no length", "");
    }
    return qni_call_give(c, json_integer((json_int_t)qni_template_length(c->self)), out);
}

static qn_status f_list(const qni_call *c, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    *out = json_copy(items);
    json_decref(items);
    return *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status end_item(const qni_call *c, bool last, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    size_t n = json_array_size(items);
    *out = n != 0 ? json_incref(json_array_get(items, last ? n - 1 : 0)) : NULL;
    json_decref(items);
    return QN_OK;
}

static qn_status f_first(const qni_call *c, json_t **out)
{
    return end_item(c, false, out);
}
static qn_status f_last(const qni_call *c, json_t **out)
{
    return end_item(c, true, out);
}

static qn_status f_reverse(const qni_call *c, json_t **out)
{
    json_t *items = NULL;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    QNI_TRY(qni_call_give(c, json_array(), out));
    for (size_t i = json_array_size(items); i-- > 0;) {
        (void)json_array_append(*out, json_array_get(items, i));
    }
    json_decref(items);
    return QN_OK;
}

static qn_status f_default(const qni_call *c, json_t **out)
{
    bool falsy = qni_value_is_true(qni_call_argument(c, 1, "boolean"));
    bool missing = c->self == NULL || (falsy && !qni_value_is_true(c->self));
    json_t *otherwise = qni_call_argument(c, 0, "default_value");
    *out = missing ? (otherwise != NULL ? json_incref(otherwise) : json_string(""))
                   : json_incref(c->self);
    return QN_OK;
}

static qn_status f_int(const qni_call *c, json_t **out)
{
    json_int_t value = json_is_string(c->self)    ? strtoll(json_string_value(c->self), NULL, 10)
                       : json_is_boolean(c->self) ? json_is_true(c->self)
                                                  : (json_int_t)json_number_value(c->self);
    return qni_call_give(c, json_integer(value), out);
}

static qn_status f_float(const qni_call *c, json_t **out)
{
    return qni_call_give(c,
                         json_real(json_is_string(c->self)
                                       ? strtod(json_string_value(c->self), NULL)
                                       : json_number_value(c->self)),
                         out);
}

static qn_status f_abs(const qni_call *c, json_t **out)
{
    return qni_call_give(c,
                         json_is_integer(c->self) ? json_integer(llabs(json_integer_value(c->self)))
                                                  : json_real(fabs(json_number_value(c->self))),
                         out);
}

static qn_status f_items(const qni_call *c, json_t **out)
{
    const char *key;
    json_t *value;
    if (c->self != NULL && !json_is_object(c->self)) {
        return qni_call_fail(c, "items of a value that is no mapping", "");
    }
    QNI_TRY(qni_call_give(c, json_array(), out));
    json_object_foreach (c->self, key, value) {
        (void)json_array_append_new(*out, json_pack("[o, O]", qni_value_of_key(key), value));
    }
    return QN_OK;
}

static qn_status m_keys(const qni_call *c, json_t **out)
{
    return qni_template_items(c->e, c->node, c->self, out);
}

static qn_status m_values(const qni_call *c, json_t **out)
{
    const char *key;
    json_t *value;
    QNI_TRY(qni_call_give(c, json_array(), out));
    json_object_foreach (c->self, key, value) {
        (void)json_array_append(*out, value);
    }
    return QN_OK;
}

static qn_status m_get(const qni_call *c, json_t **out)
{
    char key[QNI_KEY_BYTES];
    const json_t *wanted = qni_call_argument(c, 0, "key");
    json_t *found = json_object_get(c->self, qni_value_key(wanted, key));
    json_t *otherwise = qni_call_argument(c, 1, "default");
    *out = found != NULL       ? json_incref(found)
           : otherwise != NULL ? json_incref(otherwise)
                               : json_null();
    return QN_OK;
}

static qn_status m_copy(const qni_call *c, json_t **out)
{
    return qni_call_give(c, json_copy(c->self), out);
}

// ---- Tests

// Letters of one case, and at least one.
static bool is_cased(const char *text, bool upper)
{
    bool any = false;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (upper ? islower(c) != 0 : isupper(c) != 0) {
            return false;
        }
        any = any || isalpha(c) != 0;
    }
    return any;
}

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
    if (strcmp(name, "ne") == 0 || strcmp(name, "!=") == 0)
        return !qni_values_equal(v, other);
    if (strcmp(name, "sameas") == 0)
        return v == other ||
               (!json_is_array(v) && !json_is_object(v) && v != NULL && other != NULL &&
                json_typeof(v) == json_typeof(other) && qni_values_equal(v, other));
    if (strcmp(name, "lower") == 0 || strcmp(name, "upper") == 0)
        return json_is_string(v) && is_cased(json_string_value(v), name[0] == 'u');
    int order = qni_values_compare(v, other);
    if (strcmp(name, "lt") == 0 || strcmp(name, "lessthan") == 0 || strcmp(name, "<") == 0)
        return order == -1;
    if (strcmp(name, "gt") == 0 || strcmp(name, "greaterthan") == 0 || strcmp(name, ">") == 0)
        return order == 1;
    if (strcmp(name, "le") == 0 || strcmp(name, "<=") == 0)
        return order == -1 || order == 0;
    if (strcmp(name, "ge") == 0 || strcmp(name, ">=") == 0)
        return order == 1 || order == 0;
    if (strcmp(name, "callable") == 0 || strcmp(name, "escaped") == 0)
        return false;
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
        if (json_is_string(other) && json_is_string(v)) {
            return strstr(json_string_value(other), json_string_value(v)) != NULL;
        }
        char key[QNI_KEY_BYTES];
        return json_is_object(other) && json_object_get(other, qni_value_key(v, key)) != NULL;
    }
    *known = false;
    return false;
}

qn_status qni_template_test(qni_eval_state *e, const qni_node *node, json_t **out)
{
    qni_call c;
    qn_status status = begin(e, node, &c);
    status = status == QN_OK ? qni_template_eval(e, node->a, &c.self) : status;
    if (status == QN_OK) {
        bool known;
        bool yes = is_true_test(node->text, c.self, qni_call_argument(&c, 0, ""), &known);
        status = known ? qni_call_give(&c, json_boolean(yes != node->negated), out)
                       : qni_call_fail(&c, "no test named ", node->text);
    }
    end(&c);
    return status;
}

// ---- Choosing elements

json_t *qni_call_attribute(const json_t *item, const char *path)
{
    char name[256];
    while (item != NULL && *path != '\0') {
        size_t n = strcspn(path, ".");
        if (n >= sizeof name) {
            return NULL;
        }
        memcpy(name, path, n);
        name[n] = '\0';
        bool index = n > 0 && strspn(name, "0123456789") == n;
        item = index && json_is_array(item) ? json_array_get(item, strtoul(name, NULL, 10))
                                            : json_object_get(item, name);
        path += n + (path[n] == '.');
    }
    return (json_t *)(uintptr_t)item;
}

// map(attribute=..., default=...), or map(filter, arguments ...)
static qn_status map_one(const qni_call *c, const char *attribute, json_t *item, json_t **out)
{
    if (attribute == NULL) {
        return qni_call_filter(c, qni_call_text(c, 0, "", ""), item, 1, out);
    }
    json_t *value = qni_call_attribute(item, attribute);
    value = value == NULL ? qni_call_argument(c, 99, "default") : value;
    *out = value != NULL ? json_incref(value) : json_null();
    return QN_OK;
}

static qn_status f_map(const qni_call *c, json_t **out)
{
    const char *attribute = qni_call_text(c, 99, "attribute", NULL);
    json_t *items = NULL;
    json_t *made = json_array();
    size_t i;
    json_t *item;
    *out = NULL;
    if (made == NULL) {
        return qni_fail_memory(c->e->err);
    }
    qn_status status = qni_template_items(c->e, c->node, c->self, &items);
    json_array_foreach (items, i, item) {
        json_t *value = NULL;
        status = map_one(c, attribute, item, &value);
        if (status == QN_OK && json_array_append_new(made, value) != 0) {
            status = qni_fail_memory(c->e->err);
        }
        if (status != QN_OK) {
            break;
        }
    }
    json_decref(items);
    if (status != QN_OK) {
        json_decref(made);
        return status;
    }
    *out = made;
    return QN_OK;
}

static qn_status choose(const qni_call *c, bool by_attribute, bool wanted, json_t **out)
{
    const char *name = by_attribute ? qni_call_text(c, 0, "attribute", "") : NULL;
    size_t at = by_attribute ? 1 : 0;
    const char *test = qni_call_text(c, at, "test", NULL);
    json_t *items = NULL;
    size_t i;
    json_t *item;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    *out = json_array();
    json_array_foreach (items, i, item) {
        const json_t *value = by_attribute ? qni_call_attribute(item, name) : item;
        bool known = true;
        bool yes = test == NULL
                       ? qni_value_is_true(value)
                       : is_true_test(test, value, qni_call_argument(c, at + 1, ""), &known);
        if (!known) {
            json_decref(items);
            json_decref(*out);
            *out = NULL;
            return qni_call_fail(c, "no test named ", test);
        }
        if (yes == wanted) {
            (void)json_array_append(*out, item);
        }
    }
    json_decref(items);
    return *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status f_select(const qni_call *c, json_t **out)
{
    return choose(c, false, true, out);
}
static qn_status f_reject(const qni_call *c, json_t **out)
{
    return choose(c, false, false, out);
}
static qn_status f_selectattr(const qni_call *c, json_t **out)
{
    return choose(c, true, true, out);
}
static qn_status f_rejectattr(const qni_call *c, json_t **out)
{
    return choose(c, true, false, out);
}

// ---- Tables

static const qni_call_row filters[] = {
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
    {NULL, NULL},
};

// By the type of what they are called on.
static const qni_call_row text_methods[] = {
    {"strip", f_strip},
    {"lstrip", f_lstrip},
    {"rstrip", f_rstrip},
    {"upper", f_upper},
    {"lower", f_lower},
    {"title", f_title},
    {"capitalize", f_capitalize},
    {"startswith", f_startswith},
    {"endswith", f_endswith},
    {"split", f_split},
    {"replace", f_replace},
    {"join", m_join},
    {NULL, NULL},
};
static const qni_call_row mapping_methods[] = {
    {"items", f_items}, {"keys", m_keys}, {"values", m_values},
    {"get", m_get},     {"copy", m_copy}, {NULL, NULL},
};

static qni_call_fn *find_row(const qni_call_row *rows, const char *name)
{
    for (; rows->name != NULL; rows++) {
        if (strcmp(rows->name, name) == 0) {
            return rows->fn;
        }
    }
    return NULL;
}

static qni_call_fn *find_filter(const char *name)
{
    qni_call_fn *fn = find_row(filters, name);
    return fn != NULL ? fn : find_row(qni_sequence_filters, name);
}

qn_status qni_call_filter(const qni_call *c, const char *name, json_t *value, size_t first,
                          json_t **out)
{
    qni_call inner = {.e = c->e, .node = c->node, .self = value};
    for (size_t i = first; i < c->n; i++) {
        inner.values[inner.n] = c->values[i];
        inner.names[inner.n++] = c->names[i];
    }
    qni_call_fn *fn = find_filter(name);
    return fn != NULL ? fn(&inner, out) : qni_call_fail(c, "no filter named ", name);
}

qn_status qni_template_filter(qni_eval_state *e, const qni_node *node, json_t **out)
{
    qni_call c;
    qn_status status = begin(e, node, &c);
    status = status == QN_OK ? qni_template_eval(e, node->a, &c.self) : status;
    qni_call_fn *fn = find_filter(node->text);
    if (status == QN_OK) {
        status = fn != NULL ? fn(&c, out) : qni_call_fail(&c, "no filter named ", node->text);
    }
    end(&c);
    return status;
}

// ---- Functions

static qn_status call_range(const qni_call *c, json_t **out)
{
    json_int_t n[3] = {0, 0, 1};
    for (size_t i = 0; i < c->n && i < 3; i++) {
        n[i] = json_integer_value(c->values[i]);
    }
    if (c->n == 1) {
        n[1] = n[0];
        n[0] = 0;
    }
    QNI_TRY(qni_call_give(c, json_array(), out));
    for (json_int_t i = n[0]; n[2] > 0 ? i < n[1] : n[2] < 0 && i > n[1]; i += n[2]) {
        if (json_array_size(*out) > 100000) {
            return qni_call_fail(c, "a range of more than 100000", "");
        }
        (void)json_array_append_new(*out, json_integer(i));
    }
    return QN_OK;
}

static qn_status call_dict(const qni_call *c, json_t **out)
{
    QNI_TRY(qni_call_give(c, json_object(), out));
    for (size_t i = 0; i < c->n; i++) {
        if (c->names[i] != NULL) {
            (void)json_object_set(*out, c->names[i],
                                  c->values[i] != NULL ? c->values[i] : json_null());
        } else if (json_is_object(c->values[i])) {
            (void)json_object_update(*out, c->values[i]);
        }
    }
    return QN_OK;
}

static qn_status call_namespace(const qni_call *c, json_t **out)
{
    const char *key;
    json_t *value;
    QNI_TRY(call_dict(c, out));
    json_object_foreach (*out, key, value) {
        if (key[0] == '_') {
            qn_status status = qni_call_fail(c,
                                             "a namespace keeps no name that begins with _: ", key);
            json_decref(*out);
            *out = NULL;
            return status;
        }
    }
    return QN_OK;
}

static qn_status call_raise(const qni_call *c, json_t **out)
{
    *out = NULL;
    return qni_call_fail(c, "", qni_call_text(c, 0, "message", ""));
}

static qn_status call_strftime(const qni_call *c, json_t **out)
{
    char text[256] = "";
    struct tm parts;
    time_t now = (time_t)c->e->now;
    if (localtime_r(&now, &parts) != NULL) {
        const char *format = qni_call_text(c, 0, "format", "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wformat-nonliteral" // the format is the template's; strftime reads no arguments
        (void)strftime(text, sizeof text, format, &parts);
#pragma GCC diagnostic pop
    }
    return qni_call_give(c, json_string(text), out);
}

static const qni_call_row functions[] = {
    {"range", call_range},           {"namespace", call_namespace},   {"dict", call_dict},
    {"raise_exception", call_raise}, {"strftime_now", call_strftime},
};

static qn_status call_method(qni_eval_state *e, const qni_node *node, qni_call *c, json_t **out)
{
    const char *name = node->a->text;
    QNI_TRY(qni_template_eval(e, node->a->a, &c->self));
    qni_call_fn *fn = NULL;
    if (json_is_string(c->self)) {
        fn = find_row(text_methods, name);
        fn = fn != NULL ? fn : find_row(qni_string_methods, name);
    } else if (json_is_object(c->self)) {
        fn = find_row(mapping_methods, name);
    }
    return fn != NULL ? fn(c, out) : qni_call_fail(c, "this value has no method ", name);
}

static qn_status call_named(qni_eval_state *e, const qni_node *node, const qni_call *c,
                            json_t **out)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcmp(functions[i].name, node->a->text) == 0) {
            return functions[i].fn(c, out);
        }
    }
    (void)e;
    return qni_call_fail(c, "no function named ", node->a->text);
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
    qni_call c;
    qn_status status = begin(e, node, &c);
    if (status == QN_OK) {
        status = node->a->kind == QNI_NODE_NAME ? call_named(e, node, &c, out)
                 : node->a->kind == QNI_NODE_MEMBER
                     ? call_method(e, node, &c, out)
                     : qni_call_fail(&c, "this cannot be called", "");
    }
    end(&c);
    return status;
}
