// Filters of sequences beyond those in template_functions.c: order, choice, sums.
#include "base/alloc.h"
#include "text/template_call.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

// What elements are compared by: an attribute, and texts without regard to case unless asked for.
typedef struct order {
    const qni_call *c;
    const char *attribute;
    bool case_sensitive;
} order;

static order order_of(const qni_call *c, size_t case_at, size_t attribute_at)
{
    return (order){c, qni_call_text(c, attribute_at, "attribute", NULL),
                   qni_value_is_true(qni_call_argument(c, case_at, "case_sensitive"))};
}

static const json_t *key_of(const order *o, const json_t *item)
{
    return o->attribute != NULL ? qni_call_attribute(item, o->attribute) : item;
}

static int compare_texts(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        int x = tolower((unsigned char)*a), y = tolower((unsigned char)*b);
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return *a != '\0' ? 1 : *b != '\0' ? -1 : 0;
}

// -1, 0, 1; 2 when they have no order.
static int compare(const order *o, const json_t *a, const json_t *b)
{
    if (json_is_string(a) && json_is_string(b) && !o->case_sensitive) {
        return compare_texts(json_string_value(a), json_string_value(b));
    }
    if (json_is_array(a) && json_is_array(b)) {
        size_t n = json_array_size(a), m = json_array_size(b);
        for (size_t i = 0; i < n && i < m; i++) {
            int how = compare(o, json_array_get(a, i), json_array_get(b, i));
            if (how != 0) {
                return how;
            }
        }
        return n < m ? -1 : n > m;
    }
    return qni_values_compare(a, b);
}

// Merges two sorted halves; equal elements keep their order. False when some have no order.
static bool merge_sort(const order *o, json_t **items, json_t **room, size_t n)
{
    if (n < 2) {
        return true;
    }
    size_t half = n / 2;
    if (!merge_sort(o, items, room, half) || !merge_sort(o, items + half, room, n - half)) {
        return false;
    }
    memcpy(room, items, n * sizeof *items);
    for (size_t i = 0, left = 0, right = half; i < n; i++) {
        int how = left == half || right == n
                      ? 0
                      : compare(o, key_of(o, room[left]), key_of(o, room[right]));
        if (how == 2) {
            return false;
        }
        bool take_left = right == n || (left < half && how <= 0);
        items[i] = take_left ? room[left++] : room[right++];
    }
    return true;
}

static qn_status sorted(const qni_call *c, const order *o, const json_t *list, bool reverse,
                        json_t **out)
{
    size_t n = json_array_size(list);
    json_t **items = qni_calloc(2 * n + 1, sizeof *items);
    if (items == NULL) {
        return qni_fail_memory(c->e->err);
    }
    for (size_t i = 0; i < n; i++) { // reversed twice, equal elements keep their order
        items[i] = json_array_get(list, reverse ? n - 1 - i : i);
    }
    qn_status status = merge_sort(o, items, items + n, n)
                           ? qni_call_give(c, json_array(), out)
                           : qni_call_fail(c, "values that have no order", "");
    for (size_t i = 0; i < n && status == QN_OK; i++) {
        (void)json_array_append(*out, items[reverse ? n - 1 - i : i]);
    }
    qni_free(items);
    return status;
}

static qn_status f_sort(const qni_call *c, json_t **out)
{
    json_t *items = NULL;
    order o = order_of(c, 1, 2);
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    qn_status status = sorted(c, &o, items, qni_value_is_true(qni_call_argument(c, 0, "reverse")),
                              out);
    json_decref(items);
    return status;
}

static qn_status f_dictsort(const qni_call *c, json_t **out)
{
    const char *by = qni_call_text(c, 1, "by", "key");
    order o = order_of(c, 0, 99);
    o.attribute = strcmp(by, "value") == 0 ? "1" : "0";
    const char *key;
    json_t *value;
    if (!json_is_object(c->self)) {
        return qni_call_fail(c, "dictsort of a value that is no mapping", "");
    }
    json_t *pairs = json_array();
    json_object_foreach (c->self, key, value) {
        (void)json_array_append_new(pairs, json_pack("[o, O]", qni_value_of_key(key), value));
    }
    qn_status status = sorted(c, &o, pairs, qni_value_is_true(qni_call_argument(c, 2, "reverse")),
                              out);
    json_decref(pairs);
    return status;
}

static qn_status f_unique(const qni_call *c, json_t **out)
{
    json_t *items = NULL;
    size_t i, j;
    json_t *item, *other;
    order o = order_of(c, 0, 1);
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    *out = json_array();
    json_array_foreach (items, i, item) {
        bool seen = false;
        json_array_foreach (*out, j, other) {
            const json_t *a = key_of(&o, item), *b = key_of(&o, other);
            seen = seen || qni_values_equal(a, b) || compare(&o, a, b) == 0;
        }
        if (!seen) {
            (void)json_array_append(*out, item);
        }
    }
    json_decref(items);
    return *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status extreme(const qni_call *c, int wanted, json_t **out)
{
    json_t *items = NULL;
    size_t i;
    json_t *item, *best = NULL;
    order o = order_of(c, 0, 1);
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    json_array_foreach (items, i, item) {
        if (best == NULL || compare(&o, key_of(&o, item), key_of(&o, best)) == wanted) {
            best = item;
        }
    }
    *out = json_incref(best);
    json_decref(items);
    return QN_OK;
}

static qn_status f_min(const qni_call *c, json_t **out)
{
    return extreme(c, -1, out);
}
static qn_status f_max(const qni_call *c, json_t **out)
{
    return extreme(c, 1, out);
}

static qn_status f_sum(const qni_call *c, json_t **out)
{
    json_t *items = NULL;
    size_t i;
    json_t *item;
    const char *attribute = qni_call_text(c, 0, "attribute", NULL);
    json_int_t whole = json_integer_value(qni_call_argument(c, 1, "start"));
    double total = json_number_value(qni_call_argument(c, 1, "start"));
    bool real = false;
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    json_array_foreach (items, i, item) {
        const json_t *value = attribute != NULL ? qni_call_attribute(item, attribute) : item;
        if (!json_is_number(value)) {
            json_decref(items);
            return qni_call_fail(c, "a sum of values that are no numbers", "");
        }
        real = real || json_is_real(value);
        whole += json_integer_value(value);
        total += json_number_value(value);
    }
    json_decref(items);
    return qni_call_give(c, real ? json_real(total) : json_integer(whole), out);
}

static qn_status f_round(const qni_call *c, json_t **out)
{
    const json_t *precision = qni_call_argument(c, 0, "precision");
    const char *method = qni_call_text(c, 1, "method", "common");
    double scale = pow(10, (double)json_integer_value(precision));
    double x = json_number_value(c->self) * scale;
    if (!json_is_number(c->self)) {
        return qni_call_fail(c, "a value that is no number cannot be rounded", "");
    }
    x = strcmp(method, "ceil") == 0    ? ceil(x)
        : strcmp(method, "floor") == 0 ? floor(x)
                                       : nearbyint(x); // ties to even, as Python's round
    return qni_call_give(c, json_real(x / scale), out);
}

static qn_status f_batch(const qni_call *c, json_t **out)
{
    json_t *items = NULL;
    size_t i;
    json_t *item, *row = NULL;
    json_int_t size = json_integer_value(qni_call_argument(c, 0, "linecount"));
    json_t *with = qni_call_argument(c, 1, "fill_with");
    if (size < 1) {
        return qni_call_fail(c, "batch needs a size", "");
    }
    QNI_TRY(qni_template_items(c->e, c->node, c->self, &items));
    *out = json_array();
    json_array_foreach (items, i, item) {
        if (i % (size_t)size == 0) {
            row = json_array();
            (void)json_array_append_new(*out, row);
        }
        (void)json_array_append(row, item);
    }
    while (with != NULL && row != NULL && json_array_size(row) < (size_t)size &&
           json_array_append(row, with) == 0) {
    }
    json_decref(items);
    return *out != NULL ? QN_OK : qni_fail_memory(c->e->err);
}

static qn_status f_wordcount(const qni_call *c, json_t **out)
{
    json_int_t n = 0;
    bool inside = false;
    for (const char *at = json_is_string(c->self) ? json_string_value(c->self) : ""; *at != '\0';
         at++) {
        bool word = isalnum((unsigned char)*at) || *at == '_' || (unsigned char)*at >= 0x80;
        n += word && !inside;
        inside = word;
    }
    return qni_call_give(c, json_integer(n), out);
}

// <, >, &, " and ' as entities.
static qn_status f_escape(const qni_call *c, json_t **out)
{
    json_t *text = NULL;
    qni_buf buf;
    QNI_TRY(qni_template_text(c->e, c->self, &text));
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_add_text(&buf, "", c->e->err);
    for (const char *at = json_string_value(text); *at != '\0' && status == QN_OK; at++) {
        const char *as = *at == '<'    ? "&lt;"
                         : *at == '>'  ? "&gt;"
                         : *at == '&'  ? "&amp;"
                         : *at == '"'  ? "&#34;"
                         : *at == '\'' ? "&#39;"
                                       : NULL;
        status = as != NULL ? qni_buf_add_text(&buf, as, c->e->err)
                            : qni_buf_add(&buf, at, 1, c->e->err);
    }
    status = status == QN_OK ? qni_call_give(c, json_stringn(buf.data, buf.size), out) : status;
    qni_buf_end(&buf);
    json_decref(text);
    return status;
}

static qn_status f_attr(const qni_call *c, json_t **out)
{
    *out = json_incref(json_object_get(c->self, qni_call_text(c, 0, "name", "")));
    return QN_OK;
}

const qni_call_row qni_sequence_filters[] = {
    {"sort", f_sort},
    {"dictsort", f_dictsort},
    {"unique", f_unique},
    {"min", f_min},
    {"max", f_max},
    {"sum", f_sum},
    {"round", f_round},
    {"batch", f_batch},
    {"wordcount", f_wordcount},
    {"escape", f_escape},
    {"e", f_escape},
    {"forceescape", f_escape},
    {"attr", f_attr},
    {NULL, NULL},
};
