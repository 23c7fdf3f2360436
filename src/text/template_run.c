// Rendering templates: statements, scopes, loops, macros and blocks.
#include "text/template_run.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// ---- Failing, and what bounds a run

bool qni_fails(qni_run *r, qn_status status, const char *format, ...)
{
    char text[400];
    va_list list;
    if (r->status != QN_OK) {
        return false; // the first one counts
    }
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    r->status = qni_fail(r->err, status, r->t->where, "line %d, column %d: %s", r->at->line,
                         r->at->column, text);
    return false;
}

qni_value *qni_raise(qni_run *r, const char *format, ...)
{
    char text[400];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    (void)qni_fails(r, QN_INVALID_ARGUMENT, "%s", text);
    return NULL;
}

bool qni_charge(qni_run *r, size_t work)
{
    r->steps += work;
    return (r->status == QN_OK && r->steps <= r->limits.steps) ||
           qni_fails(r, QN_LIMIT_EXCEEDED, "the template takes too many steps");
}

bool qni_charge_bytes(qni_run *r, size_t n)
{
    r->bytes += n + 8; // many short copies are work too
    size_t steps = r->bytes / 64;
    r->bytes %= 64;
    return qni_charge(r, steps);
}

void *qni_run_alloc(qni_run *r, size_t bytes)
{
    void *memory = r->status == QN_OK ? qni_arena_alloc(&r->arena, bytes + (bytes == 0)) : NULL;
    if (memory == NULL && r->status == QN_OK) {
        bool full = bytes > r->arena.limit_bytes - r->arena.total_bytes;
        (void)qni_fails(r, full ? QN_LIMIT_EXCEEDED : QN_OUT_OF_MEMORY,
                        full ? "the template needs too much memory" : "out of memory");
    }
    return memory;
}

bool qni_enter(qni_run *r)
{
    return ++r->depth <= QNI_MAX_TEMPLATE_DEPTH ||
           qni_fails(r, QN_LIMIT_EXCEEDED, "the template nests too deep");
}

void qni_leave(qni_run *r)
{
    r->depth--;
}

bool qni_use(qni_run *r, const qni_value *v)
{
    if (v->kind != QNI_UNDEFINED) {
        return true;
    }
    (void)qni_raise(r, "%s%s", v->as.undefined.name, v->as.undefined.says);
    return false;
}

// ---- Text that is being made

void qni_put_begin(qni_run *r, qni_buf *buf)
{
    qni_buf_begin(buf, r->limits.output_bytes, "output bytes of a template");
}

bool qni_put(qni_run *r, qni_buf *buf, const char *bytes, size_t n)
{
    if (!qni_charge_bytes(r, n)) {
        return false;
    }
    if (buf == r->out && n > r->limits.output_bytes - (buf->size - r->out_begin)) {
        return qni_fails(r, QN_LIMIT_EXCEEDED, "more than %zu bytes of output",
                         r->limits.output_bytes);
    }
    qn_error err = {.status = QN_OK};
    qn_status status = qni_buf_add(buf, bytes, n, &err);
    return status == QN_OK || qni_fails(r, status, "%s", err.message);
}

bool qni_put_text(qni_run *r, qni_buf *buf, const char *text)
{
    return qni_put(r, buf, text, strlen(text));
}

bool qni_put_code(qni_run *r, qni_buf *buf, uint32_t code)
{
    char bytes[4];
    return qni_put(r, buf, bytes, (size_t)qni_utf8_encode(code, bytes));
}

qni_value *qni_put_end(qni_run *r, qni_buf *buf, bool fine)
{
    qni_value *text = fine ? qni_text(r, buf->data, buf->size) : NULL;
    qni_buf_end(buf);
    return text;
}

// ---- Scopes

qni_frame *qni_frame_new(qni_run *r, qni_frame *outer)
{
    qni_frame *frame = qni_run_alloc(r, sizeof *frame);
    if (frame != NULL) {
        frame->outer = outer;
    }
    return frame;
}

bool qni_frame_set(qni_run *r, qni_frame *f, const char *name, qni_value *value)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->names[i] == name) {
            f->values[i] = value;
            return qni_charge(r, i / 16);
        }
    }
    if (f->n == f->capacity) {
        size_t wanted = 2 * f->capacity + 4;
        const char **names = qni_run_alloc(r, wanted * sizeof *names);
        qni_value **values = qni_run_alloc(r, wanted * sizeof *values);
        if (names == NULL || values == NULL) {
            return false;
        }
        if (f->n != 0) {
            memcpy(names, f->names, f->n * sizeof *names);
            memcpy(values, f->values, f->n * sizeof *values);
        }
        f->names = names;
        f->values = values;
        f->capacity = wanted;
    }
    f->names[f->n] = name;
    f->values[f->n++] = value;
    return qni_charge(r, f->n / 16);
}

qni_value *qni_look_up(qni_run *r, const char *name)
{
    bool through = false;
    for (qni_frame *f = r->frame; f != NULL; f = f->outer) {
        through = through || f->sees_context;
        for (size_t i = 0; i < f->n; i++) {
            if (f->names[i] != name) {
                continue;
            }
            if (f->values[i]->kind != QNI_MISSING) {
                return f->values[i];
            }
            if (!through || f != r->root) {
                return qni_undefined(r, " is undefined", name);
            }
        }
        if (!qni_charge(r, f->n / 16)) {
            return NULL;
        }
    }
    qni_value *found = qni_dict_get(r->context, name, strlen(name));
    if (found != NULL) {
        return found;
    }
    const qni_row *row = qni_find_function(name);
    if (row == NULL) {
        return qni_undefined(r, " is undefined", name);
    }
    qni_value *function = qni_run_alloc(r, sizeof *function);
    if (function != NULL) {
        function->kind = QNI_FUNCTION;
        function->as.method.row = row;
    }
    return function;
}

static bool begin_scope(qni_run *r, const qni_node *node, qni_frame *frame)
{
    for (size_t i = 0; i < node->n_hidden; i++) {
        if (!qni_frame_set(r, frame, node->hidden[i], qni_missing())) {
            return false;
        }
    }
    r->frame = frame;
    return true;
}

static bool set_member(qni_run *r, const qni_node *target, qni_value *value)
{
    qni_value *space = qni_look_up(r, target->name);
    r->at = target;
    if (space == NULL || space->kind != QNI_NAMESPACE) {
        return space != NULL && qni_raise(r, "%s is no namespace", target->name) != NULL;
    }
    qni_value *key = qni_text_at(r, target->text, strlen(target->text));
    return key != NULL && qni_may_name(r, key) && qni_dict_put(r, space->as.dict, key, value);
}

static bool assign(qni_run *r, qni_frame *frame, const qni_node *target, qni_value *value)
{
    if (target->kind == QNI_NODE_NAME) {
        return qni_frame_set(r, frame, target->name, value);
    }
    if (target->kind == QNI_NODE_NAMESPACE) {
        return set_member(r, target, value);
    }
    r->at = target;
    qni_value *list = qni_to_list(r, value);
    if (list == NULL) {
        return false;
    }
    if (list->as.list.n != target->items.n) {
        return qni_raise(r, "%zu values for %zu names", list->as.list.n, target->items.n) != NULL;
    }
    for (size_t i = 0; i < target->items.n; i++) {
        if (!assign(r, frame, target->items.items[i], list->as.list.items[i])) {
            return false;
        }
    }
    return true;
}

// ---- Statements

typedef enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE } flow;

static bool run_body(qni_run *r, const qni_node_list *body, flow *how);

static bool run_if(qni_run *r, const qni_node *node, flow *how)
{
    for (; node != NULL; node = node->c) {
        qni_value *condition = qni_eval(r, node->a);
        if (condition == NULL) {
            return false;
        }
        if (qni_is_true(r, condition)) {
            return run_body(r, &node->body, how);
        }
        if (node->c == NULL) {
            return run_body(r, &node->else_body, how);
        }
    }
    return true;
}

// What a body writes, in a scope of its own that has begun.
static qni_value *capture(qni_run *r, const qni_node_list *body, flow *how)
{
    qni_buf *outer = r->out;
    size_t begin = r->out_begin;
    qni_buf inner;
    qni_put_begin(r, &inner);
    r->out = &inner;
    r->out_begin = 0;
    bool fine = run_body(r, body, how);
    r->out = outer;
    r->out_begin = begin;
    return qni_put_end(r, &inner, fine);
}

// The elements for which the condition of a loop holds.
static bool next_chosen(qni_run *r, qni_iterator *it, qni_value **out)
{
    const qni_node *node = it->node;
    for (;;) {
        if (!qni_next(r, it->source, out) || *out == NULL) {
            return r->status == QN_OK;
        }
        qni_frame *frame = qni_frame_new(r, it->frame);
        qni_frame *before = r->frame;
        bool fine = frame != NULL && assign(r, frame, node->b, *out);
        r->frame = frame;
        qni_value *condition = fine ? qni_eval(r, node->c) : NULL;
        r->frame = before;
        if (condition == NULL) {
            return false;
        }
        if (qni_is_true(r, condition)) {
            return true;
        }
    }
}

static qni_value *choose(qni_run *r, const qni_node *node, qni_value *over, qni_frame *frame)
{
    qni_value *source = qni_iterate(r, over);
    if (source == NULL || node->c == NULL) {
        return source;
    }
    qni_value *chosen = qni_iterate_list(r, source, false);
    if (chosen != NULL) {
        chosen->as.iterator->next = next_chosen;
        chosen->as.iterator->node = node;
        chosen->as.iterator->frame = frame;
    }
    return chosen;
}

bool qni_loop_length(qni_run *r, qni_loop *l, int64_t *n)
{
    if (l->length < 0 && l->node->c == NULL && l->over->kind != QNI_ITERATOR) {
        if (!qni_has_length(r, l->over, &l->length)) {
            return false;
        }
    }
    if (l->length < 0) {
        qni_value *rest = qni_to_list(r, l->iterator);
        l->iterator = rest != NULL ? qni_iterate_list(r, rest, false) : NULL;
        if (l->iterator == NULL) {
            return false;
        }
        l->length = (int64_t)rest->as.list.n + l->index0 + 1 + (l->after != NULL);
    }
    *n = l->length;
    return true;
}

static bool peek(qni_run *r, qni_loop *l, qni_value **out)
{
    bool fine = l->after != NULL || qni_next(r, l->iterator, &l->after);
    *out = l->after;
    return fine;
}

qni_value *qni_loop_attribute(qni_run *r, qni_value *loop, const char *name)
{
    qni_loop *l = loop->as.loop;
    qni_value *next;
    int64_t n;
    if (strcmp(name, "index") == 0 || strcmp(name, "index0") == 0) {
        return qni_int(r, l->index0 + (name[5] == '\0'));
    }
    if (strcmp(name, "first") == 0) {
        return qni_bool(l->index0 == 0);
    }
    if (strcmp(name, "depth") == 0 || strcmp(name, "depth0") == 0) {
        return qni_int(r, l->depth0 + (name[5] == '\0'));
    }
    if (strcmp(name, "previtem") == 0) {
        return l->index0 == 0 || l->before == NULL
                   ? qni_undefined(r, "there is no previous item", "")
                   : l->before;
    }
    if (strcmp(name, "last") == 0 || strcmp(name, "nextitem") == 0) {
        if (!peek(r, l, &next)) {
            return NULL;
        }
        return name[0] == 'l' ? qni_bool(next == NULL)
               : next == NULL ? qni_undefined(r, "there is no next item", "")
                              : next;
    }
    if (strcmp(name, "length") == 0 || strncmp(name, "revindex", 8) == 0) {
        if (!qni_loop_length(r, l, &n)) {
            return NULL;
        }
        return strcmp(name, "length") == 0      ? qni_int(r, n)
               : strcmp(name, "revindex") == 0  ? qni_int(r, n - l->index0)
               : strcmp(name, "revindex0") == 0 ? qni_int(r, n - l->index0 - 1)
                                                : qni_undefined(r, " of a loop is undefined", name);
    }
    const qni_row *row = qni_find_method(loop, name);
    if (row == NULL) {
        return qni_undefined(r, " of a loop is undefined", name);
    }
    qni_value *method = qni_run_alloc(r, sizeof *method);
    if (method != NULL) {
        method->kind = QNI_METHOD;
        method->as.method.self = loop;
        method->as.method.row = row;
    }
    return method;
}

static qni_value *new_loop(qni_run *r, const qni_node *node, qni_value *over, qni_frame *outside,
                           int depth0)
{
    qni_value *v = qni_run_alloc(r, sizeof *v);
    qni_loop *l = qni_run_alloc(r, sizeof *l);
    if (v == NULL || l == NULL) {
        return NULL;
    }
    v->kind = QNI_LOOP;
    v->as.loop = l;
    *l = (qni_loop){
        .node = node, .frame = outside, .over = over, .index0 = -1, .length = -1, .depth0 = depth0};
    l->iterator = choose(r, node, over, outside);
    return l->iterator != NULL ? v : NULL;
}

bool qni_loop_step(qni_run *r, qni_loop *l, qni_value **out)
{
    if (!peek(r, l, out)) {
        return false;
    }
    if (*out != NULL) {
        l->after = NULL;
        l->before = l->current;
        l->current = *out;
        l->index0++;
    }
    return true;
}

static bool run_items(qni_run *r, const qni_node *node, qni_value *loop, bool *ran)
{
    qni_loop *l = loop->as.loop;
    const char *name = node->special ? qni_interned(r->t, "loop") : NULL;
    qni_frame *frame = qni_frame_new(r, l->frame);
    for (; frame != NULL;) {
        flow how = FLOW_NEXT;
        qni_value *next;
        if (!qni_loop_step(r, l, &next)) {
            return false;
        }
        if (next == NULL) {
            return true;
        }
        frame->n = 0;
        r->at = node;
        bool fine = assign(r, frame, node->b, next) &&
                    (name == NULL || qni_frame_set(r, frame, name, loop)) &&
                    begin_scope(r, node, frame) && run_body(r, &node->body, &how);
        r->frame = l->frame;
        if (!fine) {
            return false;
        }
        *ran = *ran || how == FLOW_NEXT;
        if (how == FLOW_BREAK) {
            return true;
        }
    }
    return false;
}

// jinja2 runs the else of a loop also when no body came to its end.
static bool run_loop(qni_run *r, const qni_node *node, qni_value *over, qni_frame *outside,
                     int depth0, flow *how)
{
    bool ran = false;
    qni_value *loop = new_loop(r, node, over, outside, depth0);
    if (loop == NULL || !run_items(r, node, loop, &ran)) {
        return false;
    }
    if (ran || node->else_body.n == 0) {
        return true;
    }
    qni_frame *frame = qni_frame_new(r, outside);
    bool fine = frame != NULL;
    r->frame = frame;
    fine = fine && run_body(r, &node->else_body, how);
    r->frame = outside;
    return fine;
}

static bool run_for(qni_run *r, const qni_node *node, flow *how)
{
    qni_value *over = qni_eval(r, node->a);
    r->at = node;
    return over != NULL && run_loop(r, node, over, r->frame, 0, how);
}

qni_value *qni_call_loop(qni_run *r, qni_loop *l, qni_value *over)
{
    if (!l->node->flag) {
        return qni_raise(r, "this loop is not marked as recursive");
    }
    qni_frame *before = r->frame;
    qni_buf *outer = r->out, inner;
    size_t begin = r->out_begin;
    flow how = FLOW_NEXT;
    qni_put_begin(r, &inner);
    r->out = &inner;
    r->out_begin = 0;
    r->frame = l->frame;
    bool fine = qni_enter(r) && run_loop(r, l->node, over, l->frame, l->depth0 + 1, &how);
    qni_leave(r);
    r->frame = before;
    r->out = outer;
    r->out_begin = begin;
    return qni_put_end(r, &inner, fine);
}

// What the body writes, through the filters of `node->a`.
static qni_value *capture_filtered(qni_run *r, const qni_node *node, flow *how)
{
    qni_frame *before = r->frame, *frame = qni_frame_new(r, before);
    qni_value *text = frame != NULL && begin_scope(r, node, frame) ? capture(r, &node->body, how)
                                                                   : NULL;
    r->frame = before;
    if (text == NULL || node->a == NULL || *how != FLOW_NEXT) {
        return text;
    }
    qni_value *outer = r->captured;
    r->captured = text;
    text = qni_eval(r, node->a);
    r->captured = outer;
    return text;
}

static bool run_filter_block(qni_run *r, const qni_node *node, flow *how)
{
    qni_value *text = capture_filtered(r, node, how);
    if (text != NULL && *how == FLOW_NEXT && text->kind != QNI_TEXT) {
        return qni_raise(r, "the filters of a block have to give a text") != NULL;
    }
    return text != NULL && (*how != FLOW_NEXT || qni_print(r, text, r->out));
}

static bool run_set_block(qni_run *r, const qni_node *node, flow *how)
{
    qni_value *text = capture_filtered(r, node, how);
    return text != NULL && (*how != FLOW_NEXT || assign(r, r->frame, node->b, text));
}

static bool run_set(qni_run *r, const qni_node *node)
{
    qni_value *value = qni_eval(r, node->a);
    return value != NULL && assign(r, r->frame, node->b, value);
}

static bool run_with(qni_run *r, const qni_node *node, flow *how)
{
    qni_frame *before = r->frame, *frame = qni_frame_new(r, before);
    for (size_t i = 0; i < node->items.n; i++) {
        qni_value *value = qni_eval(r, node->a->items.items[i]);
        if (frame == NULL || value == NULL || !assign(r, frame, node->items.items[i], value)) {
            return false;
        }
    }
    bool fine = frame != NULL && begin_scope(r, node, frame) && run_body(r, &node->body, how);
    r->frame = before;
    return fine;
}

static qni_value *new_macro(qni_run *r, const qni_node *node)
{
    qni_value *v = qni_run_alloc(r, sizeof *v);
    qni_macro *macro = qni_run_alloc(r, sizeof *macro);
    if (v == NULL || macro == NULL) {
        return NULL;
    }
    macro->node = node;
    macro->frame = r->frame;
    v->kind = QNI_MACRO;
    v->as.macro = macro;
    return v;
}

static bool run_call_block(qni_run *r, const qni_node *node)
{
    qni_args args;
    qni_value *macro = new_macro(r, node);
    qni_value *callee = macro != NULL ? qni_eval(r, node->b->a) : NULL;
    if (callee == NULL || !qni_eval_args(r, node->b, &args)) {
        return false;
    }
    const char **names = qni_run_alloc(r, (args.n_named + 1) * sizeof *names);
    qni_value **named = qni_run_alloc(r, (args.n_named + 1) * sizeof *named);
    if (names == NULL || named == NULL) {
        return false;
    }
    for (size_t i = 0; i < args.n_named; i++) {
        if (strcmp(args.names[i], "caller") == 0) {
            return qni_raise(r, "the argument caller is given twice") != NULL;
        }
        names[i] = args.names[i];
        named[i] = args.named[i];
    }
    names[args.n_named] = "caller";
    named[args.n_named++] = macro;
    args.names = names;
    args.named = named;
    r->at = node;
    qni_value *text = qni_call_value(r, callee, &args);
    return text != NULL && qni_print(r, text, r->out);
}

static bool run_generation(qni_run *r, const qni_node *node)
{
    flow how = FLOW_NEXT;
    qni_frame *before = r->frame, *frame = qni_frame_new(r, before);
    bool fine = frame != NULL && begin_scope(r, node, frame) && run_body(r, &node->body, &how);
    r->frame = before;
    return fine;
}

// A block sees the variables that the template has set outermost, or, scoped, those around it.
qni_value *qni_call_block(qni_run *r, const qni_node *block)
{
    qni_frame *before = r->frame;
    qni_frame *frame = qni_frame_new(r, block->flag ? before : r->root);
    flow how = FLOW_NEXT;
    if (frame == NULL || !qni_enter(r)) {
        qni_leave(r);
        return NULL;
    }
    frame->sees_context = true;
    if (block->special) {
        return qni_raise(r, "the required block %s is not there", block->name);
    }
    qni_value *text = begin_scope(r, block, frame) ? capture(r, &block->body, &how) : NULL;
    r->frame = before;
    qni_leave(r);
    return text;
}

static bool run_output(qni_run *r, const qni_node *node)
{
    for (size_t i = 0; i < node->items.n; i++) {
        qni_value *value = qni_eval(r, node->items.items[i]);
        r->at = node;
        if (value == NULL || !qni_print(r, value, r->out)) {
            return false;
        }
    }
    return true;
}

static bool run_block(qni_run *r, const qni_node *node)
{
    qni_value *text = qni_call_block(r, node);
    return text != NULL && qni_print(r, text, r->out);
}

static bool run_macro_statement(qni_run *r, const qni_node *node)
{
    qni_value *macro = new_macro(r, node);
    return macro != NULL && qni_frame_set(r, r->frame, node->name, macro);
}

static bool run_statement(qni_run *r, const qni_node *node, flow *how)
{
    r->at = node;
    switch ((int)node->kind) {
    case QNI_NODE_TEXT: return qni_put(r, r->out, node->text, node->n);
    case QNI_NODE_OUTPUT: return run_output(r, node);
    case QNI_NODE_IF: return run_if(r, node, how);
    case QNI_NODE_FOR: return run_for(r, node, how);
    case QNI_NODE_SET: return run_set(r, node);
    case QNI_NODE_SET_BLOCK: return run_set_block(r, node, how);
    case QNI_NODE_MACRO: return run_macro_statement(r, node);
    case QNI_NODE_CALL_BLOCK: return run_call_block(r, node);
    case QNI_NODE_FILTER_BLOCK: return run_filter_block(r, node, how);
    case QNI_NODE_WITH: return run_with(r, node, how);
    case QNI_NODE_BLOCK: return run_block(r, node);
    case QNI_NODE_GENERATION: return run_generation(r, node);
    case QNI_NODE_BREAK: *how = FLOW_BREAK; return true;
    case QNI_NODE_CONTINUE: *how = FLOW_CONTINUE; return true;
    default: return qni_raise(r, "%s: there is nothing to load templates with", node->text) != NULL;
    }
}

static bool run_body(qni_run *r, const qni_node_list *body, flow *how)
{
    bool fine = qni_enter(r);
    for (size_t i = 0; fine && i < body->n && *how == FLOW_NEXT; i++) {
        r->at = body->items[i];
        fine = qni_charge(r, 1) && run_statement(r, body->items[i], how);
    }
    qni_leave(r);
    return fine;
}

// ---- Macros

static qni_value *take_named(const qni_args *args, const char *name, bool *used)
{
    for (size_t i = 0; i < args->n_named; i++) {
        if (strcmp(args->names[i], name) == 0) {
            used[i] = true;
            return args->named[i];
        }
    }
    return NULL;
}

static bool bind_rest(qni_run *r, const qni_node *node, const qni_args *args, const bool *used,
                      qni_frame *frame)
{
    size_t n = node->items.n;
    qni_value *kwargs = qni_dict_new(r, QNI_DICT);
    for (size_t i = 0; i < args->n_named; i++) {
        if (used[i]) {
            continue;
        }
        if (!node->uses_kwargs) {
            return qni_raise(r, "the macro has no parameter %s", args->names[i]) != NULL;
        }
        qni_value *key = qni_text_at(r, args->names[i], strlen(args->names[i]));
        if (kwargs == NULL || !qni_dict_put(r, kwargs->as.dict, key, args->named[i])) {
            return false;
        }
    }
    if (args->n > n && !node->uses_varargs) {
        return qni_raise(r, "the macro has no more than %zu parameters", n) != NULL;
    }
    size_t more = args->n > n ? args->n - n : 0;
    qni_value *varargs = qni_list(r, QNI_TUPLE, more);
    for (size_t i = 0; varargs != NULL && i < more; i++) {
        varargs->as.list.items[i] = args->items[n + i];
    }
    return kwargs != NULL && varargs != NULL &&
           (!node->uses_kwargs || qni_frame_set(r, frame, qni_interned(r->t, "kwargs"), kwargs)) &&
           (!node->uses_varargs || qni_frame_set(r, frame, qni_interned(r->t, "varargs"), varargs));
}

static bool bind_macro(qni_run *r, const qni_node *node, const qni_args *args, qni_frame *frame)
{
    size_t n = node->items.n;
    bool *used = qni_run_alloc(r, args->n_named + 1);
    if (used == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *name = node->items.items[i]->name;
        qni_value *value = i < args->n ? args->items[i] : take_named(args, name, used);
        if (!qni_frame_set(r, frame, name, value != NULL ? value : qni_missing())) {
            return false;
        }
    }
    if (node->uses_caller) {
        qni_value *caller = take_named(args, "caller", used);
        if (caller == NULL || caller->kind == QNI_NONE) {
            caller = qni_undefined(r, "there is no caller", "");
        }
        if (caller == NULL || !qni_frame_set(r, frame, qni_interned(r->t, "caller"), caller)) {
            return false;
        }
    }
    return bind_rest(r, node, args, used, frame);
}

static bool set_defaults(qni_run *r, const qni_node *node, qni_frame *frame)
{
    for (size_t i = 0; i < node->items.n; i++) {
        if (frame->values[i]->kind != QNI_MISSING) {
            continue;
        }
        const qni_node *otherwise = node->a->items.items[i];
        qni_value *value = otherwise != NULL ? qni_eval(r, otherwise)
                                             : qni_undefined(r, " was not given", frame->names[i]);
        if (value == NULL) {
            return false;
        }
        frame->values[i] = value;
    }
    return true;
}

qni_value *qni_call_macro(qni_run *r, qni_macro *macro, const qni_args *args)
{
    const qni_node *at = r->at;
    qni_frame *before = r->frame, *frame = qni_frame_new(r, macro->frame);
    flow how = FLOW_NEXT;
    bool fine = qni_enter(r) && frame != NULL && bind_macro(r, macro->node, args, frame);
    if (fine) {
        r->frame = frame;
        fine = set_defaults(r, macro->node, frame) && begin_scope(r, macro->node, frame);
    }
    qni_value *text = fine ? capture(r, &macro->node->body, &how) : NULL;
    r->frame = before;
    r->at = r->status == QN_OK ? at : r->at;
    qni_leave(r);
    return text;
}

// ---- The public functions

qn_status qni_template_render(const qni_template *t, const json_t *variables,
                              const qni_template_limits *limits, int64_t now, qni_buf *out,
                              qn_error *err)
{
    qni_run r = {
        .t = t, .at = &t->root, .out = out, .out_begin = out->size, .now = now, .err = err};
    r.limits.steps = limits != NULL && limits->steps != 0 ? limits->steps : QNI_MAX_TEMPLATE_STEPS;
    r.limits.output_bytes = limits != NULL && limits->output_bytes != 0 ? limits->output_bytes
                                                                        : QNI_MAX_TEMPLATE_BYTES;
    flow how = FLOW_NEXT;
    qni_arena_begin(&r.arena, QNI_MAX_TEMPLATE_MEMORY);
    r.frame = qni_frame_new(&r, NULL);
    r.root = r.frame;
    bool fine = r.frame != NULL && qni_take_variables(&r, variables);
    r.steps = 0; // what the caller gives is not the template's
    fine = fine && begin_scope(&r, &t->root, r.frame);
    const char *self = qni_interned(t, "self");
    if (fine && self != NULL) {
        qni_value *blocks = qni_run_alloc(&r, sizeof *blocks);
        if (blocks != NULL) {
            blocks->kind = QNI_SELF;
        }
        fine = blocks != NULL && qni_frame_set(&r, r.frame, self, blocks);
    }
    fine = fine && run_body(&r, &t->root.body, &how) && qni_end_continued(&r);
    qni_arena_end(&r.arena);
    return fine ? QN_OK
           : r.status != QN_OK
               ? r.status
               : qni_fail(err, QN_INTERNAL, t->where, "a failure that says nothing");
}

int64_t qni_template_now(void)
{
    return (int64_t)time(NULL);
}
