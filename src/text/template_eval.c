// Expressions of templates: what they are worth.
#include "text/template_run.h"

#include <math.h>
#include <string.h>

// ---- Arithmetic

static qni_value *overflow(qni_run *r)
{
    return qni_raise(r, "a whole number beyond 64 bits");
}

static qni_value *power(qni_run *r, int64_t base, int64_t exponent)
{
    int64_t result = 1;
    if (exponent < 0) {
        return base == 0 ? qni_raise(r, "zero to a negative power")
                         : qni_real(r, pow((double)base, (double)exponent));
    }
    if (base == 0 || base == 1 || base == -1) {
        return qni_int(r, exponent == 0 || base == 1 ? 1 : base == 0 ? 0 : exponent % 2 ? -1 : 1);
    }
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(result, base, &result)) {
            return overflow(r);
        }
    }
    return qni_int(r, result);
}

// // and % round toward minus infinity.
static qni_value *divide_whole(qni_run *r, bool remainder, int64_t x, int64_t y)
{
    if (y == 0) {
        return qni_raise(r, "a division by zero");
    }
    if (y == -1) {
        return remainder ? qni_int(r, 0) : x == INT64_MIN ? overflow(r) : qni_int(r, -x);
    }
    int64_t quotient = x / y, rest = x % y;
    bool down = rest != 0 && (rest < 0) != (y < 0);
    return qni_int(r, remainder ? rest + (down ? y : 0) : quotient - down);
}

static qni_value *whole_math(qni_run *r, const char *op, int64_t x, int64_t y)
{
    int64_t result = 0;
    bool over = false;
    if (op[0] == '*' && op[1] == '*') {
        return power(r, x, y);
    }
    if (op[0] == '%' || (op[0] == '/' && op[1] == '/')) {
        return divide_whole(r, op[0] == '%', x, y);
    }
    if (op[0] == '/') {
        return y == 0 ? qni_raise(r, "a division by zero")
                      : qni_real(r, (double)((long double)x / (long double)y));
    }
    over = op[0] == '+'   ? __builtin_add_overflow(x, y, &result)
           : op[0] == '-' ? __builtin_sub_overflow(x, y, &result)
                          : __builtin_mul_overflow(x, y, &result);
    return over ? overflow(r) : qni_int(r, result);
}

static qni_value *real_power(qni_run *r, double x, double y)
{
    if (x == 0 && y < 0) {
        return qni_raise(r, "zero to a negative power");
    }
    if (x < 0 && isfinite(x) && isfinite(y) && y != floor(y)) {
        return qni_raise(r, "a power that is no real number");
    }
    double result = pow(x, y);
    return isinf(result) && isfinite(x) && isfinite(y) ? qni_raise(r, "a power that is too large")
                                                       : qni_real(r, result);
}

static qni_value *real_math(qni_run *r, const char *op, double x, double y)
{
    if (op[0] == '*' && op[1] == '*') {
        return real_power(r, x, y);
    }
    if ((op[0] == '/' || op[0] == '%') && y == 0) {
        return qni_raise(r, "a division by zero");
    }
    if (op[0] == '%' || (op[0] == '/' && op[1] == '/')) {
        double rest = fmod(x, y);
        double quotient = (x - rest) / y;
        if (rest != 0 && (y < 0) != (rest < 0)) {
            rest += y;
            quotient -= 1;
        } else if (rest == 0) {
            rest = copysign(0, y);
        }
        if (op[0] == '%') {
            return qni_real(r, rest);
        }
        double whole = floor(quotient);
        whole += quotient - whole > 0.5;
        return qni_real(r, quotient != 0 ? whole : copysign(0, x / y));
    }
    return qni_real(r, op[0] == '+' ? x + y : op[0] == '-' ? x - y : op[0] == '*' ? x * y : x / y);
}

static qni_value *repeat(qni_run *r, qni_value *v, int64_t times)
{
    size_t n = v->kind == QNI_TEXT ? v->as.text.n : v->as.list.n, total;
    times = times < 0 ? 0 : times;
    if (__builtin_mul_overflow(n, (size_t)times, &total) || total > r->limits.output_bytes) {
        (void)qni_fails(r, QN_LIMIT_EXCEEDED, "a text or list of more than %zu",
                        r->limits.output_bytes);
        return NULL;
    }
    if (v->kind == QNI_TEXT) {
        char *bytes = qni_charge(r, total / 64) ? qni_run_alloc(r, total + 1) : NULL;
        for (int64_t i = 0; bytes != NULL && n > 0 && i < times; i++) {
            memcpy(bytes + (size_t)i * n, v->as.text.at, n);
        }
        qni_value *text = bytes != NULL ? qni_text_at(r, bytes, total) : NULL;
        if (text != NULL) {
            text->markup = v->markup;
        }
        return text;
    }
    qni_value *list = qni_list(r, (qni_kind)v->kind, total);
    for (size_t i = 0; list != NULL && i < total; i++) {
        list->as.list.items[i] = v->as.list.items[i % n];
    }
    return list;
}

static qni_value *join_lists(qni_run *r, const qni_value *a, const qni_value *b)
{
    size_t n = a->as.list.n, m = b->as.list.n;
    qni_value *list = qni_list(r, (qni_kind)a->kind, n + m);
    if (list != NULL && n != 0) {
        memcpy(list->as.list.items, a->as.list.items, n * sizeof(qni_value *));
    }
    if (list != NULL && m != 0) {
        memcpy(list->as.list.items + n, b->as.list.items, m * sizeof(qni_value *));
    }
    return list;
}

static bool is_sequence(const qni_value *v)
{
    return v->kind == QNI_TEXT || v->kind == QNI_LIST || v->kind == QNI_TUPLE;
}

static qni_value *join_texts(qni_run *r, qni_value *a, qni_value *b)
{
    bool markup = a->markup || b->markup;
    if (markup && a->markup != b->markup) { // the one that is none is escaped
        qni_value **plain = a->markup ? &b : &a;
        *plain = qni_escaped(r, *plain);
    }
    qni_value *both = a != NULL && b != NULL ? qni_join(r, a, b) : NULL;
    if (both != NULL && markup && !both->markup) {
        both = qni_text_at(r, both->as.text.at, both->as.text.n);
        if (both != NULL) {
            both->markup = true;
        }
    }
    return both;
}

qni_value *qni_binary(qni_run *r, const char *op, qni_value *a, qni_value *b)
{
    double x, y;
    int64_t m, n;
    if (qni_is_whole(a, &m) && qni_is_whole(b, &n)) {
        return whole_math(r, op, m, n);
    }
    if (qni_is_number(a, &x) && qni_is_number(b, &y)) {
        return real_math(r, op, x, y);
    }
    if (op[0] == '%' && a->kind == QNI_TEXT) {
        return qni_percent(r, a, b);
    }
    if (op[0] == '+' && a->kind == b->kind && is_sequence(a)) {
        return a->kind == QNI_TEXT ? join_texts(r, a, b) : join_lists(r, a, b);
    }
    if (op[0] == '*' && op[1] == '\0') {
        if (is_sequence(a) && qni_is_whole(b, &n)) {
            return repeat(r, a, n);
        }
        if (is_sequence(b) && qni_is_whole(a, &n)) {
            return repeat(r, b, n);
        }
    }
    return qni_use(r, a) && qni_use(r, b)
               ? qni_raise(r, "no %s of a %s and a %s", op, qni_kind_name(a), qni_kind_name(b))
               : NULL;
}

static qni_value *eval_unary(qni_run *r, const qni_node *node)
{
    qni_value *v = qni_eval(r, node->a);
    if (v == NULL) {
        return NULL;
    }
    if (node->text[0] == 'n') {
        return qni_bool(!qni_is_true(r, v));
    }
    int64_t n;
    r->at = node;
    if (qni_is_whole(v, &n)) {
        return node->text[0] == '+' ? qni_int(r, n) : n == INT64_MIN ? overflow(r) : qni_int(r, -n);
    }
    if (v->kind == QNI_REAL) {
        return node->text[0] == '+' ? v : qni_real(r, -v->as.real);
    }
    return qni_use(r, v) ? qni_raise(r, "no sign before a %s", qni_kind_name(v)) : NULL;
}

static qni_value *eval_binary(qni_run *r, const qni_node *node)
{
    qni_value *a = qni_eval(r, node->a);
    if (a == NULL) {
        return NULL;
    }
    if (node->text[0] == 'a' || node->text[0] == 'o') {
        return qni_is_true(r, a) == (node->text[0] == 'a') ? qni_eval(r, node->b) : a;
    }
    qni_value *b = qni_eval(r, node->b);
    r->at = node;
    return b != NULL ? qni_binary(r, node->text, a, b) : NULL;
}

// ---- Comparisons

static bool compare(qni_run *r, const char *op, qni_value *a, qni_value *b, bool *out)
{
    int order;
    if (op[0] == 'i' || op[0] == 'n') {
        bool fine = qni_contains(r, b, a, out);
        *out = *out == (op[0] == 'i');
        return fine;
    }
    if (op[0] == '=' || op[0] == '!') {
        bool fine = qni_equal(r, a, b, out);
        *out = *out == (op[0] == '=');
        return fine;
    }
    if (!qni_compare(r, a, b, &order)) {
        return false;
    }
    *out = order != 2 && ((op[1] == '=' && order == 0) || order == (op[0] == '<' ? -1 : 1));
    return true;
}

static qni_value *eval_compare(qni_run *r, const qni_node *node)
{
    qni_value *left = qni_eval(r, node->a);
    bool yes = true;
    for (size_t i = 0; left != NULL && yes && i < node->items.n; i++) {
        const qni_node *operand = node->items.items[i];
        qni_value *right = qni_eval(r, operand->a);
        r->at = node;
        if (right == NULL || !compare(r, operand->text, left, right, &yes)) {
            return NULL;
        }
        left = right;
    }
    return left != NULL ? qni_bool(yes) : NULL;
}

// ---- Lists, mappings, texts

static qni_value *eval_list(qni_run *r, const qni_node *node)
{
    qni_value *list = qni_list(r, node->kind == QNI_NODE_LIST ? QNI_LIST : QNI_TUPLE,
                               node->items.n);
    for (size_t i = 0; list != NULL && i < node->items.n; i++) {
        list->as.list.items[i] = qni_eval(r, node->items.items[i]);
        list = list->as.list.items[i] != NULL ? list : NULL;
    }
    return list;
}

static qni_value *eval_dict(qni_run *r, const qni_node *node)
{
    qni_value *dict = qni_dict_new(r, QNI_DICT);
    for (size_t i = 0; dict != NULL && i + 1 < node->items.n; i += 2) {
        qni_value *key = qni_eval(r, node->items.items[i]);
        qni_value *value = key != NULL ? qni_eval(r, node->items.items[i + 1]) : NULL;
        r->at = node;
        dict = value != NULL && qni_dict_put(r, dict->as.dict, key, value) ? dict : NULL;
    }
    return dict;
}

static qni_value *eval_concat(qni_run *r, const qni_node *node)
{
    qni_value *all = NULL;
    for (size_t i = 0; i < node->items.n; i++) {
        qni_value *item = qni_eval(r, node->items.items[i]);
        r->at = node;
        item = item != NULL ? qni_to_text(r, item) : NULL;
        all = item == NULL ? NULL : i == 0 ? item : qni_join(r, all, item);
        if (all == NULL) {
            return NULL;
        }
    }
    return all;
}

static qni_value *eval_index(qni_run *r, const qni_node *node)
{
    qni_value *object = qni_eval(r, node->a);
    if (object == NULL) {
        return NULL;
    }
    if (node->b->kind == QNI_NODE_SLICE) {
        qni_value *parts[3] = {qni_none(), qni_none(), qni_none()};
        for (size_t i = 0; i < 3; i++) {
            const qni_node *part = node->b->items.items[i];
            parts[i] = part != NULL ? qni_eval(r, part) : parts[i];
            if (parts[i] == NULL) {
                return NULL;
            }
        }
        r->at = node;
        return qni_get_slice(r, object, parts);
    }
    qni_value *key = qni_eval(r, node->b);
    r->at = node;
    return key != NULL ? qni_get_item(r, object, key) : NULL;
}

// ---- Calls

static bool spread_named(qni_run *r, qni_value *from, qni_args *args, size_t capacity)
{
    if (from->kind != QNI_DICT) {
        return qni_raise(r, "** before a %s", qni_kind_name(from)) != NULL;
    }
    for (size_t i = 0; i < from->as.dict->n && args->n_named < capacity; i++) {
        const qni_value *key = from->as.dict->keys[i];
        if (key->kind != QNI_TEXT) {
            return qni_raise(r, "the name of an argument is no text") != NULL;
        }
        char *name = qni_run_alloc(r, key->as.text.n + 1);
        if (name == NULL) {
            return false;
        }
        memcpy(name, key->as.text.at, key->as.text.n);
        for (size_t j = 0; j < args->n_named; j++) {
            if (strcmp(args->names[j], name) == 0) {
                return qni_raise(r, "the argument %s is given twice", name) != NULL;
            }
        }
        args->names[args->n_named] = name;
        args->named[args->n_named++] = from->as.dict->values[i];
        if (!qni_charge(r, args->n_named)) {
            return false;
        }
    }
    return true;
}

bool qni_eval_args(qni_run *r, const qni_node *node, qni_args *args)
{
    qni_items items = {NULL, 0, 0};
    *args = (qni_args){NULL, 0, NULL, NULL, 0};
    for (size_t i = 0; i < node->items.n; i++) {
        if (!qni_items_add(r, &items, qni_eval(r, node->items.items[i]))) {
            return false;
        }
    }
    qni_value *star = node->star != NULL ? qni_eval(r, node->star) : NULL;
    if (node->star != NULL) {
        star = star != NULL ? qni_to_list(r, star) : NULL;
        for (size_t i = 0; star != NULL && i < star->as.list.n; i++) {
            star = qni_items_add(r, &items, star->as.list.items[i]) ? star : NULL;
        }
        if (star == NULL) {
            return false;
        }
    }
    args->items = items.items;
    args->n = items.n;
    size_t n = node->named.n;
    if (n == 0 && node->star_star == NULL) {
        return true;
    }
    args->names = qni_run_alloc(r, (n + 1) * sizeof *args->names);
    args->named = qni_run_alloc(r, (n + 1) * sizeof(qni_value *));
    for (size_t i = 0; args->names != NULL && args->named != NULL && i < n; i++) {
        args->names[i] = node->names[i];
        args->named[i] = qni_eval(r, node->named.items[i]);
        if (args->named[i] == NULL) {
            return false;
        }
    }
    args->n_named = n;
    if (node->star_star == NULL || args->names == NULL || args->named == NULL) {
        return args->names != NULL && args->named != NULL;
    }
    qni_value *more = qni_eval(r, node->star_star);
    size_t capacity = n + (more != NULL && more->kind == QNI_DICT ? more->as.dict->n : 0);
    const char **names = qni_run_alloc(r, (capacity + 1) * sizeof *names);
    qni_value **named = qni_run_alloc(r, (capacity + 1) * sizeof *named);
    if (more == NULL || names == NULL || named == NULL) {
        return false;
    }
    memcpy(names, args->names, n * sizeof *names);
    memcpy(named, args->named, n * sizeof *named);
    args->names = names;
    args->named = named;
    r->at = node;
    return spread_named(r, more, args, capacity);
}

static qni_value *eval_call(qni_run *r, const qni_node *node)
{
    qni_args args;
    qni_value *callee = qni_eval(r, node->a);
    if (callee == NULL || !qni_eval_args(r, node, &args)) {
        return NULL;
    }
    r->at = node;
    return qni_call_value(r, callee, &args);
}

static qni_value *eval_filter(qni_run *r, const qni_node *node)
{
    qni_args args;
    qni_value *self = node->a != NULL ? qni_eval(r, node->a) : r->captured;
    if (self == NULL || !qni_eval_args(r, node, &args)) {
        return NULL;
    }
    r->at = node;
    return node->row != NULL
               ? qni_call_row(r, node->row, self, &args)
               : qni_raise(r, "no %s named %s", node->kind == QNI_NODE_FILTER ? "filter" : "test",
                           node->name);
}

static qni_value *eval_choice(qni_run *r, const qni_node *node)
{
    qni_value *condition = qni_eval(r, node->b);
    if (condition == NULL) {
        return NULL;
    }
    return qni_is_true(r, condition) ? qni_eval(r, node->a)
           : node->c != NULL         ? qni_eval(r, node->c)
                                     : qni_undefined(r, "an if without an else was not met", "");
}

static qni_value *eval_member(qni_run *r, const qni_node *node)
{
    qni_value *object = qni_eval(r, node->a);
    r->at = node;
    return object != NULL ? qni_get_attribute(r, object, node->name, strlen(node->name)) : NULL;
}

static qni_value *eval_kind(qni_run *r, const qni_node *node)
{
    r->at = node;
    switch ((int)node->kind) {
    case QNI_NODE_LITERAL: return node->value;
    case QNI_NODE_NAME: return qni_look_up(r, node->name);
    case QNI_NODE_LIST:
    case QNI_NODE_TUPLE: return eval_list(r, node);
    case QNI_NODE_DICT: return eval_dict(r, node);
    case QNI_NODE_MEMBER: return eval_member(r, node);
    case QNI_NODE_INDEX: return eval_index(r, node);
    case QNI_NODE_CALL: return eval_call(r, node);
    case QNI_NODE_FILTER:
    case QNI_NODE_TEST: return eval_filter(r, node);
    case QNI_NODE_UNARY: return eval_unary(r, node);
    case QNI_NODE_BINARY: return eval_binary(r, node);
    case QNI_NODE_CONCAT: return eval_concat(r, node);
    case QNI_NODE_COMPARE: return eval_compare(r, node);
    case QNI_NODE_IF_ELSE: return eval_choice(r, node);
    default: return qni_raise(r, "a slice among several indices");
    }
}

qni_value *qni_eval(qni_run *r, const qni_node *node)
{
    qni_value *v = qni_enter(r) && qni_charge(r, 1) ? eval_kind(r, node) : NULL;
    qni_leave(r);
    return v;
}
