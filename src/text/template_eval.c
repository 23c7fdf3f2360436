// Rendering templates.
#include "base/alloc.h"
#include "base/limits.h"
#include "text/template_ast.h"
#include "text/template_eval.h"
#include "text/template_value.h"

#include <math.h>
#include <string.h>
#include <time.h>

// ---- Places

qn_status qni_template_fail(const qni_eval_state *e, const qni_node *node, qn_status status,
                            const char *what, const char *name)
{
    return qni_fail(e->err, status, e->t->where, "line %d, column %d: %s%s", node->line,
                    node->column, what, name);
}

static qn_status step(qni_eval_state *e, const qni_node *node)
{
    if (++e->steps > e->limits.steps) {
        return qni_template_fail(e, node, QN_LIMIT_EXCEEDED, "the template takes too many steps",
                                 "");
    }
    return QN_OK;
}

// ---- Variables: frames from the innermost outward

static json_t *look_up(const qni_eval_state *e, const char *name)
{
    for (const qni_frame *f = e->frame; f != NULL; f = f->outer) {
        json_t *value = json_object_get(f->variables, name);
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

static qn_status assign(qni_eval_state *e, const char *name, json_t *value)
{
    if (value == NULL) {
        (void)json_object_del(e->frame->variables, name);
        return QN_OK;
    }
    return json_object_set(e->frame->variables, name, value) == 0 ? QN_OK : qni_fail_memory(e->err);
}

static qn_status push(qni_eval_state *e, qni_frame *frame)
{
    *frame = (qni_frame){json_object(), e->frame};
    if (frame->variables == NULL) {
        return qni_fail_memory(e->err);
    }
    e->frame = frame;
    return QN_OK;
}

static void pop(qni_eval_state *e)
{
    qni_frame *frame = e->frame;
    e->frame = frame->outer;
    json_decref(frame->variables);
}

// ---- Expressions

static qn_status give(qni_eval_state *e, json_t *made, json_t **out)
{
    *out = made;
    return made != NULL ? QN_OK : qni_fail_memory(e->err);
}

static qn_status eval_list(qni_eval_state *e, const qni_node *node, json_t **out)
{
    QNI_TRY(give(e, json_array(), out));
    for (size_t i = 0; i < node->items.n; i++) {
        json_t *item = NULL;
        qn_status status = qni_template_eval(e, node->items.items[i], &item);
        if (status == QN_OK &&
            json_array_append_new(*out, item != NULL ? item : json_null()) != 0) {
            status = qni_fail_memory(e->err);
        }
        if (status != QN_OK) {
            json_decref(*out);
            *out = NULL;
            return status;
        }
    }
    return QN_OK;
}

static qn_status eval_dict(qni_eval_state *e, const qni_node *node, json_t **out)
{
    QNI_TRY(give(e, json_object(), out));
    for (size_t i = 0; i + 1 < node->items.n; i += 2) {
        json_t *key = NULL;
        json_t *value = NULL;
        qn_status status = qni_template_eval(e, node->items.items[i], &key);
        status = status == QN_OK ? qni_template_eval(e, node->items.items[i + 1], &value) : status;
        char room[QNI_KEY_BYTES];
        const char *name = qni_value_key(key, room);
        if (status == QN_OK && name == NULL) {
            status = qni_template_fail(e, node, QN_INVALID_ARGUMENT,
                                       "a key that is a list, a "
                                       "mapping or undefined",
                                       "");
        }
        if (status == QN_OK) {
            (void)json_object_set_new(*out, name, value != NULL ? value : json_null());
        }
        json_decref(key);
        if (status != QN_OK) {
            json_decref(*out);
            *out = NULL;
            return status;
        }
    }
    return QN_OK;
}

static size_t text_characters(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++) {
        n += ((unsigned char)*s & 0xC0) != 0x80;
    }
    return n;
}

size_t qni_template_length(const json_t *v)
{
    return json_is_string(v)   ? text_characters(json_string_value(v))
           : json_is_array(v)  ? json_array_size(v)
           : json_is_object(v) ? json_object_size(v)
                               : 0;
}

static const char *character(const char *s, size_t index)
{
    while (index > 0) {
        s++;
        index -= ((unsigned char)*s & 0xC0) != 0x80;
    }
    return s;
}

static json_t *text_part(const char *s, size_t begin, size_t end)
{
    const char *from = character(s, begin);
    return json_stringn(from, (size_t)(character(s, end) - s) - (size_t)(from - s));
}

// The member or element; undefined when there is none.
static qn_status get_item(qni_eval_state *e, const json_t *object, const json_t *key, json_t **out)
{
    *out = NULL;
    char room[QNI_KEY_BYTES];
    if (json_is_object(object)) {
        const char *name = qni_value_key(key, room);
        *out = name != NULL ? json_incref(json_object_get(object, name)) : NULL;
        return QN_OK;
    }
    if (!json_is_integer(key) || !(json_is_array(object) || json_is_string(object))) {
        return QN_OK;
    }
    json_int_t n = (json_int_t)qni_template_length(object);
    json_int_t i = json_integer_value(key);
    i += i < 0 ? n : 0;
    if (i < 0 || i >= n) {
        return QN_OK;
    }
    *out = json_is_array(object) ? json_incref(json_array_get(object, (size_t)i))
                                 : text_part(json_string_value(object), (size_t)i, (size_t)i + 1);
    return *out != NULL ? QN_OK : qni_fail_memory(e->err);
}

static qn_status eval_member(qni_eval_state *e, const qni_node *node, json_t **out)
{
    json_t *object = NULL;
    QNI_TRY(qni_template_eval(e, node->a, &object));
    if (object == NULL) {
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "the undefined value has no ",
                                 node->text);
    }
    *out = json_is_object(object) ? json_incref(json_object_get(object, node->text)) : NULL;
    json_decref(object);
    return QN_OK;
}

static qn_status eval_index(qni_eval_state *e, const qni_node *node, json_t **out)
{
    json_t *object = NULL;
    json_t *key = NULL;
    qn_status status = qni_template_eval(e, node->a, &object);
    status = status == QN_OK ? qni_template_eval(e, node->b, &key) : status;
    if (status == QN_OK && object == NULL) {
        status = qni_template_fail(e, node, QN_INVALID_ARGUMENT,
                                   "the undefined value has no elements", "");
    }
    status = status == QN_OK ? get_item(e, object, key, out) : status;
    json_decref(object);
    json_decref(key);
    return status;
}

static qn_status slice_part(qni_eval_state *e, const qni_node *node, size_t i, json_int_t otherwise,
                            json_int_t *out)
{
    json_t *value = NULL;
    *out = otherwise;
    if (node->items.items[i] != NULL) {
        QNI_TRY(qni_template_eval(e, node->items.items[i], &value));
        *out = json_is_integer(value) ? json_integer_value(value) : otherwise;
        json_decref(value);
    }
    return QN_OK;
}

static json_int_t clamp(json_int_t i, json_int_t n, json_int_t lo, json_int_t hi)
{
    i += i < 0 ? n : 0;
    return i < lo ? lo : i > hi ? hi : i;
}

static qn_status slice_value(qni_eval_state *e, const qni_node *node, const json_t *object,
                             json_t **out)
{
    json_int_t n = (json_int_t)qni_template_length(object);
    json_int_t step_size;
    json_int_t begin;
    json_int_t end;
    QNI_TRY(slice_part(e, node, 2, 1, &step_size));
    bool back = step_size < 0;
    if (step_size == 0 || !(json_is_array(object) || json_is_string(object))) {
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "this cannot be sliced", "");
    }
    QNI_TRY(slice_part(e, node, 0, back ? n - 1 : 0, &begin));
    QNI_TRY(slice_part(e, node, 1, back ? -n - 1 : n, &end));
    begin = clamp(begin, n, back ? -1 : 0, back ? n - 1 : n);
    end = clamp(end, n, back ? -1 : 0, back ? n - 1 : n);
    if (json_is_string(object) && step_size == 1) {
        return give(e,
                    text_part(json_string_value(object), (size_t)begin,
                              (size_t)(end > begin ? end : begin)),
                    out);
    }
    QNI_TRY(give(e, json_is_string(object) ? json_string("") : json_array(), out));
    for (json_int_t i = begin; back ? i > end : i < end; i += step_size) {
        if (json_is_array(object)) {
            (void)json_array_append(*out, json_array_get(object, (size_t)i));
            continue;
        }
        json_t *one = text_part(json_string_value(object), (size_t)i, (size_t)i + 1);
        json_t *both = json_sprintf("%s%s", json_string_value(*out), json_string_value(one));
        json_decref(one);
        json_decref(*out);
        QNI_TRY(give(e, both, out));
    }
    return QN_OK;
}

static qn_status eval_slice(qni_eval_state *e, const qni_node *node, json_t **out)
{
    json_t *object = NULL;
    QNI_TRY(qni_template_eval(e, node->a, &object));
    qn_status status = slice_value(e, node, object, out);
    json_decref(object);
    return status;
}

qn_status qni_template_text(qni_eval_state *e, const json_t *value, json_t **out)
{
    qni_buf buf;
    qni_buf_begin(&buf, e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_value_print(value, &buf, e->err);
    status = status == QN_OK ? qni_buf_add_text(&buf, "", e->err) : status;
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(e->err);
}

static qn_status concat(qni_eval_state *e, const json_t *a, const json_t *b, json_t **out)
{
    qni_buf buf;
    qni_buf_begin(&buf, e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_value_print(a, &buf, e->err);
    status = status == QN_OK ? qni_value_print(b, &buf, e->err) : status;
    status = status == QN_OK ? qni_buf_add_text(&buf, "", e->err) : status;
    *out = status == QN_OK ? json_stringn(buf.data, buf.size) : NULL;
    qni_buf_end(&buf);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(e->err);
}

static qn_status contains(qni_eval_state *e, const qni_node *node, const json_t *set,
                          const json_t *value, bool *yes)
{
    size_t i;
    json_t *item;
    char room[QNI_KEY_BYTES];
    *yes = false;
    bool fits = set == NULL || json_is_array(set) || json_is_object(set) ||
                (json_is_string(set) && json_is_string(value));
    if (!fits) {
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "no values to look in behind ",
                                 node->text);
    }
    if (json_is_string(set)) {
        *yes = strstr(json_string_value(set), json_string_value(value)) != NULL;
    } else if (json_is_object(set)) {
        const char *name = qni_value_key(value, room);
        *yes = name != NULL && json_object_get(set, name) != NULL;
    }
    json_array_foreach (set, i, item) {
        *yes = *yes || qni_values_equal(item, value);
    }
    return QN_OK;
}

// A text or a list, so many times.
static qn_status repeat(qni_eval_state *e, const qni_node *node, const json_t *what,
                        json_int_t times, json_t **out)
{
    size_t size = json_is_string(what) ? json_string_length(what) : json_array_size(what);
    if (times > 0 && size > e->limits.output_bytes / (size_t)times) {
        return qni_template_fail(e, node, QN_LIMIT_EXCEEDED, "a repetition that is too long", "");
    }
    if (json_is_array(what)) {
        QNI_TRY(give(e, json_array(), out));
        for (; times > 0; times--) {
            (void)json_array_extend(*out, (json_t *)(uintptr_t)what);
        }
        return QN_OK;
    }
    qni_buf buf;
    qni_buf_begin(&buf, e->limits.output_bytes, "output bytes of a template");
    qn_status status = qni_buf_add_text(&buf, "", e->err);
    for (; times > 0 && status == QN_OK; times--) {
        status = qni_buf_add(&buf, json_string_value(what), size, e->err);
    }
    status = status == QN_OK ? give(e, json_stringn(buf.data, buf.size), out) : status;
    qni_buf_end(&buf);
    return status;
}

static qn_status arithmetic(qni_eval_state *e, const qni_node *node, const json_t *a,
                            const json_t *b, json_t **out)
{
    char op = node->text[0];
    bool twice = node->text[1] != '\0'; // // or **
    if (op == '+' && json_is_string(a) && json_is_string(b)) {
        return concat(e, a, b, out);
    }
    if (op == '+' && json_is_array(a) && json_is_array(b)) {
        *out = json_copy((json_t *)(uintptr_t)a);
        return *out != NULL && json_array_extend(*out, (json_t *)(uintptr_t)b) == 0
                   ? QN_OK
                   : qni_fail_memory(e->err);
    }
    bool repeats = op == '*' && !twice;
    if (repeats && (json_is_string(a) || json_is_array(a)) && json_is_integer(b)) {
        return repeat(e, node, a, json_integer_value(b), out);
    }
    if (repeats && (json_is_string(b) || json_is_array(b)) && json_is_integer(a)) {
        return repeat(e, node, b, json_integer_value(a), out);
    }
    if (!json_is_number(a) || !json_is_number(b)) {
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT,
                                 "values that do not go together with ", node->text);
    }
    double x = json_number_value(a);
    double y = json_number_value(b);
    if ((op == '/' || op == '%') && y == 0) {
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "a division by zero", "");
    }
    double r = op == '+'            ? x + y
               : op == '-'          ? x - y
               : op == '*' && twice ? pow(x, y)
               : op == '*'          ? x * y
               : op == '/' && twice ? floor(x / y)
               : op == '/'          ? x / y
                                    : x - y * floor(x / y);
    bool whole = json_is_integer(a) && json_is_integer(b) && (op != '/' || twice) && fabs(r) < 9e15;
    return give(e, whole ? json_integer((json_int_t)r) : json_real(r), out);
}

static qn_status compare(qni_eval_state *e, const qni_node *node, const json_t *a, const json_t *b,
                         json_t **out)
{
    const char *op = node->text;
    bool yes;
    if (strcmp(op, "==") == 0 || strcmp(op, "!=") == 0) {
        yes = qni_values_equal(a, b) == (op[0] == '=');
    } else if (strcmp(op, "in") == 0 || strcmp(op, "not in") == 0) {
        QNI_TRY(contains(e, node, b, a, &yes));
        yes = yes == (op[0] == 'i');
    } else {
        int order = qni_values_compare(a, b);
        if (order == 2) {
            return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "values without an order for ",
                                     op);
        }
        yes = op[0] == '<' ? order < 0 : order > 0;
        yes = yes || (op[1] == '=' && order == 0);
    }
    return give(e, json_boolean(yes), out);
}

static qn_status eval_binary(qni_eval_state *e, const qni_node *node, json_t **out)
{
    json_t *a = NULL;
    json_t *b = NULL;
    QNI_TRY(qni_template_eval(e, node->a, &a));
    bool is_and = strcmp(node->text, "and") == 0;
    if (is_and || strcmp(node->text, "or") == 0) { // the value that decides
        if (qni_value_is_true(a) != is_and) {
            *out = a;
            return QN_OK;
        }
        json_decref(a);
        return qni_template_eval(e, node->b, out);
    }
    qn_status status = qni_template_eval(e, node->b, &b);
    if (status == QN_OK) {
        status = node->text[0] == '~'                     ? concat(e, a, b, out)
                 : strchr("+-*/%", node->text[0]) != NULL ? arithmetic(e, node, a, b, out)
                                                          : compare(e, node, a, b, out);
    }
    json_decref(a);
    json_decref(b);
    return status;
}

static qn_status eval_unary(qni_eval_state *e, const qni_node *node, json_t **out)
{
    json_t *a = NULL;
    QNI_TRY(qni_template_eval(e, node->a, &a));
    json_t *made = NULL;
    if (node->text[0] == 'n') {
        made = json_boolean(!qni_value_is_true(a));
    } else if (json_is_integer(a)) {
        made = json_integer(node->text[0] == '-' ? -json_integer_value(a) : json_integer_value(a));
    } else if (json_is_real(a)) {
        made = json_real(node->text[0] == '-' ? -json_real_value(a) : json_real_value(a));
    } else {
        json_decref(a);
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "no number behind ", node->text);
    }
    json_decref(a);
    return give(e, made, out);
}

static qn_status eval_choice(qni_eval_state *e, const qni_node *node, json_t **out)
{
    json_t *condition = NULL;
    QNI_TRY(qni_template_eval(e, node->b, &condition));
    bool yes = qni_value_is_true(condition);
    json_decref(condition);
    if (yes) {
        return qni_template_eval(e, node->a, out);
    }
    return node->c != NULL ? qni_template_eval(e, node->c, out) : QN_OK;
}

qn_status qni_template_eval(qni_eval_state *e, const qni_node *node, json_t **out)
{
    *out = NULL;
    QNI_TRY(step(e, node));
    switch (node->kind) {
    case QNI_NODE_LITERAL: *out = json_incref(node->value); return QN_OK;
    case QNI_NODE_NAME: *out = json_incref(look_up(e, node->text)); return QN_OK;
    case QNI_NODE_LIST: return eval_list(e, node, out);
    case QNI_NODE_DICT: return eval_dict(e, node, out);
    case QNI_NODE_MEMBER: return eval_member(e, node, out);
    case QNI_NODE_INDEX: return eval_index(e, node, out);
    case QNI_NODE_SLICE: return eval_slice(e, node, out);
    case QNI_NODE_CALL: return qni_template_call(e, node, out);
    case QNI_NODE_FILTER: return qni_template_filter(e, node, out);
    case QNI_NODE_TEST: return qni_template_test(e, node, out);
    case QNI_NODE_UNARY: return eval_unary(e, node, out);
    case QNI_NODE_BINARY: return eval_binary(e, node, out);
    case QNI_NODE_IF_ELSE: return eval_choice(e, node, out);
    case QNI_NODE_TEXT:
    case QNI_NODE_OUTPUT:
    case QNI_NODE_IF:
    case QNI_NODE_FOR:
    case QNI_NODE_SET:
    case QNI_NODE_MACRO:
    case QNI_NODE_BREAK:
    case QNI_NODE_CONTINUE:
    case QNI_NODE_GENERATION:
    case QNI_NODE_FILTER_BLOCK:
    case QNI_NODE_WITH: break;
    case QNI_NODE_BODY: *out = json_incref(e->captured); return QN_OK;
    }
    return qni_template_fail(e, node, QN_INTERNAL, "a statement among expressions", "");
}

// ---- Statements

typedef enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE } flow;

static qn_status run_body(qni_eval_state *e, const qni_node_list *body, flow *how);

static qn_status run_if(qni_eval_state *e, const qni_node *node, flow *how)
{
    json_t *condition = NULL;
    QNI_TRY(qni_template_eval(e, node->a, &condition));
    bool yes = qni_value_is_true(condition);
    json_decref(condition);
    return run_body(e, yes ? &node->body : &node->else_body, how);
}

static qn_status assign_targets(qni_eval_state *e, const qni_node *node, json_t *value)
{
    if (node->n_targets == 1) {
        return assign(e, node->targets[0], value);
    }
    if (!json_is_array(value) || json_array_size(value) != node->n_targets) {
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "not as many values as names", "");
    }
    for (size_t i = 0; i < node->n_targets; i++) {
        QNI_TRY(assign(e, node->targets[i], json_array_get(value, i)));
    }
    return QN_OK;
}

static json_t *loop_object(const json_t *items, size_t i)
{
    size_t n = json_array_size(items);
    json_t *loop = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I, s:I}", "index",
                             (json_int_t)i + 1, "index0", (json_int_t)i, "revindex",
                             (json_int_t)(n - i), "revindex0", (json_int_t)(n - i - 1), "first",
                             (int)(i == 0), "last", (int)(i + 1 == n), "length", (json_int_t)n,
                             "depth", (json_int_t)1, "depth0", (json_int_t)0);
    if (loop != NULL && i > 0) {
        (void)json_object_set(loop, "previtem", json_array_get(items, i - 1));
    }
    if (loop != NULL && i + 1 < n) {
        (void)json_object_set(loop, "nextitem", json_array_get(items, i + 1));
    }
    return loop;
}

// What `for` goes over: elements, keys, characters.
qn_status qni_template_items(qni_eval_state *e, const qni_node *node, const json_t *value,
                             json_t **out)
{
    const char *key;
    json_t *item;
    if (json_is_array(value)) {
        *out = json_incref((json_t *)(uintptr_t)value);
        return QN_OK;
    }
    if (value != NULL && !json_is_object(value) && !json_is_string(value)) {
        return qni_template_fail(e, node, QN_INVALID_ARGUMENT, "this value has no elements", "");
    }
    QNI_TRY(give(e, json_array(), out));
    if (json_is_object(value)) {
        json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
            (void)json_array_append_new(*out, qni_value_of_key(key));
        }
    }
    for (size_t i = 0; json_is_string(value) && i < qni_template_length(value); i++) {
        (void)json_array_append_new(*out, text_part(json_string_value(value), i, i + 1));
    }
    return QN_OK;
}

// The elements for which the loop's own condition holds.
static qn_status filter_items(qni_eval_state *e, const qni_node *node, json_t **items)
{
    json_t *kept = json_array();
    size_t i;
    json_t *item;
    qn_status status = kept != NULL ? QN_OK : qni_fail_memory(e->err);
    json_array_foreach (*items, i, item) {
        json_t *condition = NULL;
        status = status == QN_OK ? assign_targets(e, node, item) : status;
        status = status == QN_OK ? qni_template_eval(e, node->b, &condition) : status;
        if (status == QN_OK && qni_value_is_true(condition)) {
            (void)json_array_append(kept, item);
        }
        json_decref(condition);
        if (status != QN_OK) {
            break;
        }
    }
    json_decref(*items);
    *items = kept;
    return status;
}

static qn_status run_loop(qni_eval_state *e, const qni_node *node, const json_t *items)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        qni_frame frame;
        flow how = FLOW_NEXT;
        QNI_TRY(step(e, node));
        QNI_TRY(push(e, &frame));
        json_t *loop = loop_object(items, i);
        qn_status status = loop != NULL ? assign(e, "loop", loop) : qni_fail_memory(e->err);
        json_decref(loop);
        status = status == QN_OK ? assign_targets(e, node, json_array_get(items, i)) : status;
        status = status == QN_OK ? run_body(e, &node->body, &how) : status;
        pop(e);
        QNI_TRY(status);
        if (how == FLOW_BREAK) {
            break;
        }
    }
    return QN_OK;
}

static qn_status run_for(qni_eval_state *e, const qni_node *node, flow *how)
{
    json_t *value = NULL;
    json_t *items = NULL;
    QNI_TRY(qni_template_eval(e, node->a, &value));
    qn_status status = qni_template_items(e, node, value, &items);
    json_decref(value);
    if (status == QN_OK && node->b != NULL) {
        qni_frame frame;
        status = push(e, &frame);
        if (status == QN_OK) {
            status = filter_items(e, node, &items);
            pop(e);
        }
    }
    if (status == QN_OK) {
        status = json_array_size(items) == 0 ? run_body(e, &node->else_body, how)
                                             : run_loop(e, node, items);
    }
    json_decref(items);
    return status;
}

// What a body writes, as a string.
qn_status qni_template_capture(qni_eval_state *e, const qni_node_list *body, json_t **out)
{
    qni_buf *outer = e->out;
    qni_buf inner;
    flow how = FLOW_NEXT;
    qni_buf_begin(&inner, e->limits.output_bytes, "output bytes of a template");
    e->out = &inner;
    qn_status status = run_body(e, body, &how);
    e->out = outer;
    status = status == QN_OK ? qni_buf_add_text(&inner, "", e->err) : status;
    *out = status == QN_OK ? json_stringn(inner.data, inner.size) : NULL;
    qni_buf_end(&inner);
    return status != QN_OK ? status : *out != NULL ? QN_OK : qni_fail_memory(e->err);
}

// What the body writes, through the filters of `node->a` when there are some.
static qn_status capture_filtered(qni_eval_state *e, const qni_node *node, json_t **out)
{
    json_t *text = NULL;
    json_t *outer = e->captured;
    QNI_TRY(qni_template_capture(e, &node->body, &text));
    if (node->a == NULL) {
        *out = text;
        return QN_OK;
    }
    e->captured = text;
    qn_status status = qni_template_eval(e, node->a, out);
    e->captured = outer;
    json_decref(text);
    return status;
}

static qn_status run_filter_block(qni_eval_state *e, const qni_node *node)
{
    json_t *value = NULL;
    QNI_TRY(capture_filtered(e, node, &value));
    qn_status status = qni_value_print(value, e->out, e->err);
    json_decref(value);
    return status;
}

static qn_status run_with(qni_eval_state *e, const qni_node *node, flow *how)
{
    qni_frame frame = {json_object(), e->frame};
    qn_status status = frame.variables != NULL ? QN_OK : qni_fail_memory(e->err);
    for (size_t i = 0; i < node->n_targets && status == QN_OK; i++) { // values of the names outside
        json_t *value = NULL;
        status = qni_template_eval(e, node->items.items[i], &value);
        if (status == QN_OK && value != NULL) {
            (void)json_object_set(frame.variables, node->targets[i], value);
        }
        json_decref(value);
    }
    if (status == QN_OK) {
        e->frame = &frame;
        status = run_body(e, &node->body, how);
        e->frame = frame.outer;
    }
    json_decref(frame.variables);
    return status;
}

static qn_status run_set(qni_eval_state *e, const qni_node *node)
{
    json_t *value = NULL;
    QNI_TRY(node->a != NULL && node->body.n == 0 ? qni_template_eval(e, node->a, &value)
                                                 : capture_filtered(e, node, &value));
    qn_status status;
    if (node->text == NULL) {
        status = assign_targets(e, node, value);
    } else {
        json_t *space = look_up(e, node->targets[0]);
        if (node->text[0] == '_') {
            status = qni_template_fail(
                e, node, QN_INVALID_ARGUMENT,
                "a namespace keeps no name that begins with _: ", node->text);
        } else if (!json_is_object(space)) {
            status = qni_template_fail(e, node, QN_INVALID_ARGUMENT, "no namespace ",
                                       node->targets[0]);
        } else {
            (void)json_object_set(space, node->text, value != NULL ? value : json_null());
            status = QN_OK;
        }
    }
    json_decref(value);
    return status;
}

static qn_status add_macro(qni_eval_state *e, const qni_node *node)
{
    if (qni_grow(&e->macros, &e->macro_capacity, e->n_macros + 1, sizeof *e->macros) != 0) {
        return qni_fail_memory(e->err);
    }
    e->macros[e->n_macros++] = node;
    return QN_OK;
}

static qn_status run_output(qni_eval_state *e, const qni_node *node)
{
    json_t *value = NULL;
    QNI_TRY(qni_template_eval(e, node->a, &value));
    qn_status status = qni_value_print(value, e->out, e->err);
    json_decref(value);
    return status;
}

static qn_status run_statement(qni_eval_state *e, const qni_node *node, flow *how)
{
    QNI_TRY(step(e, node));
    switch ((int)node->kind) {
    case QNI_NODE_TEXT: return qni_buf_add(e->out, node->text, node->n, e->err);
    case QNI_NODE_OUTPUT: return run_output(e, node);
    case QNI_NODE_IF: return run_if(e, node, how);
    case QNI_NODE_FOR: return run_for(e, node, how);
    case QNI_NODE_SET: return run_set(e, node);
    case QNI_NODE_MACRO: return add_macro(e, node);
    case QNI_NODE_BREAK: *how = FLOW_BREAK; return QN_OK;
    case QNI_NODE_CONTINUE: *how = FLOW_CONTINUE; return QN_OK;
    case QNI_NODE_GENERATION: return run_body(e, &node->body, how);
    case QNI_NODE_FILTER_BLOCK: return run_filter_block(e, node);
    case QNI_NODE_WITH: return run_with(e, node, how);
    default: return qni_template_fail(e, node, QN_INTERNAL, "an expression among statements", "");
    }
}

static qn_status run_body(qni_eval_state *e, const qni_node_list *body, flow *how)
{
    for (size_t i = 0; i < body->n && *how == FLOW_NEXT; i++) {
        QNI_TRY(run_statement(e, body->items[i], how));
    }
    return QN_OK;
}

// ---- Macros

static qn_status bind_macro(qni_eval_state *e, const qni_node *macro, const qni_node *call,
                            json_t **values)
{
    size_t next = 0;
    for (size_t i = 0; i < call->items.n; i++) {
        size_t target = next;
        if (call->names[i] != NULL) {
            for (target = 0; target < macro->n_targets &&
                             strcmp(macro->targets[target], call->names[i]) != 0;) {
                target++;
            }
        } else {
            next++;
        }
        if (target >= macro->n_targets) {
            return qni_template_fail(e, call, QN_INVALID_ARGUMENT, "an argument too many for ",
                                     macro->text);
        }
        json_decref(values[target]);
        QNI_TRY(qni_template_eval(e, call->items.items[i], &values[target]));
    }
    return QN_OK;
}

static qn_status run_macro(qni_eval_state *e, const qni_node *macro, json_t *const *values,
                           json_t **out)
{
    qni_frame *caller = e->frame;
    qni_frame frame;
    while (e->frame->outer != NULL) { // a macro sees the template's variables, not its caller's
        e->frame = e->frame->outer;
    }
    qn_status status = push(e, &frame);
    if (status == QN_OK) {
        for (size_t i = 0; i < macro->n_targets && status == QN_OK; i++) {
            json_t *value = json_incref(values[i]);
            if (value == NULL && macro->items.items[i] != NULL) {
                status = qni_template_eval(e, macro->items.items[i], &value);
            }
            status = status == QN_OK ? assign(e, macro->targets[i], value) : status;
            json_decref(value);
        }
        status = status == QN_OK ? qni_template_capture(e, &macro->body, out) : status;
        pop(e);
    }
    e->frame = caller;
    return status;
}

qn_status qni_template_call_macro(qni_eval_state *e, const qni_node *macro, const qni_node *call,
                                  json_t **out)
{
    enum { MAX_CALLS = 100 };
    if (++e->depth > MAX_CALLS) {
        return qni_template_fail(e, call, QN_LIMIT_EXCEEDED, "macros call each other too deep", "");
    }
    json_t **values = qni_calloc(macro->n_targets + 1, sizeof *values);
    qn_status status = values != NULL ? bind_macro(e, macro, call, values)
                                      : qni_fail_memory(e->err);
    status = status == QN_OK ? run_macro(e, macro, values, out) : status;
    for (size_t i = 0; values != NULL && i < macro->n_targets; i++) {
        json_decref(values[i]);
    }
    qni_free(values);
    e->depth--;
    return status;
}

// ---- The public functions

// What transformers does before it renders: the reasoning of a message goes by all of its names.
static json_t *with_reasoning(const json_t *message)
{
    static const char *const names[] = {"reasoning_content", "thinking", "reasoning"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *reasoning = json_object_get(message, names[i]);
        if (reasoning == NULL || json_is_null(reasoning)) {
            continue;
        }
        json_t *made = json_pack("{s:O}", "thinking", reasoning);
        if (made == NULL || json_object_update(made, (json_t *)(uintptr_t)message) != 0 ||
            json_object_set(made, "reasoning_content", reasoning) != 0) {
            json_decref(made);
            return NULL;
        }
        return made;
    }
    return json_incref((json_t *)(uintptr_t)message);
}

static qn_status take_messages(json_t *variables, qn_error *err)
{
    const json_t *messages = json_object_get(variables, "messages");
    if (!json_is_array(messages)) {
        return QN_OK;
    }
    json_t *made = json_array();
    size_t i;
    json_t *message;
    bool fine = made != NULL;
    json_array_foreach (messages, i, message) {
        fine = fine && json_array_append_new(made, with_reasoning(message)) == 0;
    }
    if (!fine || json_object_set(variables, "messages", made) != 0) {
        json_decref(made);
        return qni_fail_memory(err);
    }
    json_decref(made);
    return QN_OK;
}

qn_status qni_template_render(const qni_template *t, const json_t *variables,
                              const qni_template_limits *limits, int64_t now, qni_buf *out,
                              qn_error *err)
{
    qni_frame global = {json_copy((json_t *)(uintptr_t)variables), NULL};
    if (global.variables == NULL) {
        return qni_fail_memory(err);
    }
    qni_eval_state e = {.t = t, .frame = &global, .out = out, .now = now, .err = err};
    e.limits.steps = limits != NULL && limits->steps != 0 ? limits->steps : QNI_MAX_TEMPLATE_STEPS;
    e.limits.output_bytes = limits != NULL && limits->output_bytes != 0 ? limits->output_bytes
                                                                        : QNI_MAX_TEMPLATE_BYTES;
    flow how = FLOW_NEXT;
    qn_status status = take_messages(global.variables, err);
    status = status == QN_OK ? run_body(&e, &t->body, &how) : status;
    json_decref(global.variables);
    qni_free(e.macros);
    return status;
}

int64_t qni_template_now(void)
{
    return (int64_t)time(NULL);
}
