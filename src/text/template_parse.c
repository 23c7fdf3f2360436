// From the words of a template to its tree: statements. Expressions are read in
// template_expression.c.
#include "text/template_parse.h"

#include "base/alloc.h"

#include <string.h>

qn_status qni_template_fail_at(const qni_template *t, int line, int column, const char *what,
                               const char *name, qn_error *err)
{
    return qni_fail(err, QN_INVALID_MODEL, t->where, "line %d, column %d: %s%s", line, column, what,
                    name);
}

qn_status qni_parse_fail(const qni_parser *p, const char *what)
{
    return qni_template_fail_at(p->t, p->at->line, p->at->column, what, "", p->err);
}

qn_status qni_parse_deeper(qni_parser *p)
{
    enum { MAX_DEPTH = 200 };
    return ++p->depth <= MAX_DEPTH ? QN_OK : qni_parse_fail(p, "nested too deep");
}

qn_status qni_parse_node(qni_parser *p, qni_node_kind kind, qni_node **out)
{
    *out = qni_arena_alloc(&p->t->arena, sizeof **out);
    if (*out == NULL) {
        return qni_fail_memory(p->err);
    }
    (*out)->kind = kind;
    (*out)->line = p->at->line;
    (*out)->column = p->at->column;
    return QN_OK;
}

qn_status qni_parse_append(qni_parser *p, qni_node_list *list, qni_node *node)
{
    if (list->n == list->capacity) {
        size_t wanted = list->capacity < 4 ? 8 : 2 * list->capacity;
        qni_node **more = qni_arena_array(&p->t->arena, wanted, sizeof *more);
        if (more == NULL) {
            return qni_fail_memory(p->err);
        }
        if (list->n != 0) {
            memcpy(more, list->items, list->n * sizeof *more);
        }
        list->items = more;
        list->capacity = wanted;
    }
    list->items[list->n++] = node;
    return QN_OK;
}

bool qni_peek_sign(const qni_parser *p, const char *sign)
{
    return p->at->kind == QNI_WORD_SIGN && strcmp(p->at->at, sign) == 0;
}

bool qni_take_sign(qni_parser *p, const char *sign)
{
    bool is = qni_peek_sign(p, sign);
    p->at += is;
    return is;
}

bool qni_peek_word(const qni_parser *p, const char *word)
{
    return p->at->kind == QNI_WORD_NAME && strcmp(p->at->at, word) == 0;
}

bool qni_take_word(qni_parser *p, const char *word)
{
    bool is = qni_peek_word(p, word);
    p->at += is;
    return is;
}

qn_status qni_need_sign(qni_parser *p, const char *sign, const char *otherwise)
{
    return qni_take_sign(p, sign) ? QN_OK : qni_parse_fail(p, otherwise);
}

qn_status qni_need_name(qni_parser *p, const char **out)
{
    if (p->at->kind != QNI_WORD_NAME) {
        return qni_parse_fail(p, "expected a name");
    }
    *out = p->at++->at;
    return QN_OK;
}

// ---- Bodies

static qn_status parse_body(qni_parser *p, const char *const *ends, qni_node_list *body);

// Up to one of the tags `ends`, whose name is the next word then. The tag around ends first.
static qn_status parse_block(qni_parser *p, const char *const *ends, qni_node_list *body)
{
    (void)qni_take_sign(p, ":");
    if (p->at->kind != QNI_WORD_TAG_END) {
        return qni_parse_fail(p, "expected the end of the tag");
    }
    p->at++;
    QNI_TRY(qni_parse_deeper(p));
    QNI_TRY(parse_body(p, ends, body));
    p->depth--;
    return QN_OK;
}

// The same, and over the name of the end.
static qn_status parse_last_block(qni_parser *p, const char *end, qni_node_list *body)
{
    const char *const ends[] = {end, NULL};
    QNI_TRY(parse_block(p, ends, body));
    p->at++;
    return QN_OK;
}

// A body that is a function of its own: no loop around it can be left from inside.
static qn_status parse_function(qni_parser *p, const char *end, qni_node_list *body)
{
    int loops = p->loops;
    p->loops = 0;
    QNI_TRY(parse_last_block(p, end, body));
    p->loops = loops;
    return QN_OK;
}

// ---- Statements

static qn_status parse_if(qni_parser *p, qni_node *node)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    for (;;) {
        QNI_TRY(qni_parse_tuple(p, QNI_TUPLE_NO_CONDITION, NULL, &node->a));
        QNI_TRY(parse_block(p, ends, &node->body));
        if (qni_take_word(p, "elif")) {
            QNI_TRY(qni_parse_node(p, QNI_NODE_IF, &node->c));
            node = node->c;
            continue;
        }
        if (qni_take_word(p, "else")) {
            return parse_last_block(p, "endif", &node->else_body);
        }
        p->at++;
        return QN_OK;
    }
}

static bool is_target(const qni_node *node)
{
    if (node->kind == QNI_NODE_TUPLE) {
        for (size_t i = 0; i < node->items.n; i++) {
            if (!is_target(node->items.items[i])) {
                return false;
            }
        }
        return true;
    }
    return node->kind == QNI_NODE_NAME || node->kind == QNI_NODE_NAMESPACE;
}

static qn_status parse_target(qni_parser *p, bool namespaces, const char *end, qni_node **out)
{
    QNI_TRY(qni_parse_tuple(p, namespaces ? QNI_TUPLE_TARGETS : QNI_TUPLE_NAMES, end, out));
    return is_target(*out) ? QN_OK : qni_parse_fail(p, "nothing can be assigned to this");
}

static qn_status parse_for(qni_parser *p, qni_node *node)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    QNI_TRY(parse_target(p, false, "in", &node->b));
    if (!qni_take_word(p, "in")) {
        return qni_parse_fail(p, "expected \"in\"");
    }
    QNI_TRY(qni_parse_tuple(p, QNI_TUPLE_NO_CONDITION, "recursive", &node->a));
    if (qni_take_word(p, "if")) {
        QNI_TRY(qni_parse_expression(p, &node->c));
    }
    node->flag = qni_take_word(p, "recursive");
    int loops = p->loops;
    p->loops = node->flag ? 1 : loops + 1;
    QNI_TRY(parse_block(p, ends, &node->body));
    p->loops = node->flag ? 0 : loops;
    if (qni_take_word(p, "else")) {
        QNI_TRY(parse_last_block(p, "endfor", &node->else_body));
    } else {
        p->at++;
    }
    p->loops = loops;
    return QN_OK;
}

static qn_status parse_set(qni_parser *p, qni_node *node)
{
    QNI_TRY(parse_target(p, true, NULL, &node->b));
    if (qni_take_sign(p, "=")) {
        return qni_parse_tuple(p, QNI_TUPLE_ANY, NULL, &node->a);
    }
    node->kind = QNI_NODE_SET_BLOCK;
    QNI_TRY(qni_parse_filters(p, false, &node->a));
    return parse_last_block(p, "endset", &node->body);
}

static qn_status parse_filter_block(qni_parser *p, qni_node *node)
{
    QNI_TRY(qni_parse_filters(p, true, &node->a));
    return parse_last_block(p, "endfilter", &node->body);
}

static qn_status parse_with(qni_parser *p, qni_node *node)
{
    QNI_TRY(qni_parse_node(p, QNI_NODE_LIST, &node->a));
    while (p->at->kind != QNI_WORD_TAG_END) {
        qni_node *target;
        qni_node *value;
        if (node->items.n > 0) {
            QNI_TRY(qni_need_sign(p, ",", "expected ','"));
        }
        QNI_TRY(parse_target(p, false, NULL, &target));
        QNI_TRY(qni_need_sign(p, "=", "expected '='"));
        QNI_TRY(qni_parse_expression(p, &value));
        QNI_TRY(qni_parse_append(p, &node->items, target));
        QNI_TRY(qni_parse_append(p, &node->a->items, value));
    }
    return parse_last_block(p, "endwith", &node->body);
}

static qn_status parse_parameters(qni_parser *p, qni_node *node)
{
    while (!qni_peek_sign(p, ")")) {
        qni_node *parameter;
        qni_node *otherwise = NULL;
        if (node->items.n > 0) {
            QNI_TRY(qni_need_sign(p, ",", "expected ',' or ')'"));
        }
        QNI_TRY(qni_parse_node(p, QNI_NODE_NAME, &parameter));
        QNI_TRY(qni_need_name(p, &parameter->name));
        for (size_t i = 0; i < node->items.n; i++) {
            if (node->items.items[i]->name == parameter->name) {
                return qni_parse_fail(p, "two parameters of one name");
            }
        }
        if (qni_take_sign(p, "=")) {
            QNI_TRY(qni_parse_expression(p, &otherwise));
        } else if (node->items.n > 0 && node->a->items.items[node->items.n - 1] != NULL) {
            return qni_parse_fail(p, "a parameter without a default behind one with it");
        }
        QNI_TRY(qni_parse_append(p, &node->items, parameter));
        QNI_TRY(qni_parse_append(p, &node->a->items, otherwise));
    }
    p->at++;
    return QN_OK;
}

static qn_status parse_macro(qni_parser *p, qni_node *node)
{
    QNI_TRY(qni_parse_node(p, QNI_NODE_LIST, &node->a));
    QNI_TRY(qni_need_name(p, &node->name));
    QNI_TRY(qni_need_sign(p, "(", "expected '('"));
    QNI_TRY(parse_parameters(p, node));
    return parse_function(p, "endmacro", &node->body);
}

static qn_status parse_call_block(qni_parser *p, qni_node *node)
{
    QNI_TRY(qni_parse_node(p, QNI_NODE_LIST, &node->a));
    if (qni_take_sign(p, "(")) {
        QNI_TRY(parse_parameters(p, node));
    }
    QNI_TRY(qni_parse_expression(p, &node->b));
    if (node->b->kind != QNI_NODE_CALL) {
        return qni_parse_fail(p, "expected a call");
    }
    return parse_function(p, "endcall", &node->body);
}

static bool is_white(const qni_node *node)
{
    if (node->kind != QNI_NODE_TEXT) {
        return false;
    }
    for (size_t i = 0; i < node->n;) {
        size_t n = qni_python_space(node->text + i, node->n - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

static qn_status parse_named_block(qni_parser *p, qni_node *node)
{
    QNI_TRY(qni_need_name(p, &node->name));
    node->flag = qni_take_word(p, "scoped");
    node->special = qni_take_word(p, "required");
    for (size_t i = 0; i < p->t->blocks.n; i++) {
        if (p->t->blocks.items[i]->name == node->name) {
            return qni_parse_fail(p, "two blocks of one name");
        }
    }
    QNI_TRY(qni_parse_append(p, &p->t->blocks, node));
    QNI_TRY(parse_function(p, "endblock", &node->body));
    for (size_t i = 0; node->special && i < node->body.n; i++) {
        if (!is_white(node->body.items[i])) {
            return qni_parse_fail(p, "a required block that is not empty");
        }
    }
    (void)qni_take_word(p, node->name);
    return QN_OK;
}

static qn_status parse_generation(qni_parser *p, qni_node *node)
{
    if (p->at->kind != QNI_WORD_TAG_END && !qni_peek_sign(p, ":")) {
        return qni_parse_fail(p, "expected the end of the tag");
    }
    return parse_function(p, "endgeneration", &node->body);
}

static qn_status parse_jump(qni_parser *p, qni_node *node)
{
    (void)node;
    return p->loops > 0 ? QN_OK : qni_parse_fail(p, "break or continue outside of a loop");
}

static qn_status parse_print(qni_parser *p, qni_node *node)
{
    while (p->at->kind != QNI_WORD_TAG_END) {
        qni_node *item;
        if (node->items.n > 0) {
            QNI_TRY(qni_need_sign(p, ",", "expected ','"));
        }
        QNI_TRY(qni_parse_expression(p, &item));
        QNI_TRY(qni_parse_append(p, &node->items, item));
    }
    return QN_OK;
}

// extends, include, import and from: there is nothing that they could load.
static qn_status parse_no_loader(qni_parser *p, qni_node *node)
{
    node->text = p->at[-1].at;
    QNI_TRY(qni_parse_expression(p, &node->a));
    if (strcmp(node->text, "import") == 0 || strcmp(node->text, "from") == 0) {
        if (!qni_take_word(p, node->text[0] == 'i' ? "as" : "import")) {
            return qni_parse_fail(p, "expected \"as\" or \"import\"");
        }
    }
    while (strcmp(node->text, "extends") != 0 && p->at->kind == QNI_WORD_NAME) {
        p->at++;
        (void)(node->text[0] == 'f' && qni_take_sign(p, ","));
    }
    return QN_OK;
}

static qn_status parse_autoescape(qni_parser *p, qni_node *node)
{
    (void)node;
    return qni_parse_fail(p, "autoescape is not supported");
}

static const struct {
    const char *name;
    qni_node_kind kind;
    qn_status (*parse)(qni_parser *p, qni_node *node);
} statements[] = {
    {"if", QNI_NODE_IF, parse_if},
    {"for", QNI_NODE_FOR, parse_for},
    {"set", QNI_NODE_SET, parse_set},
    {"macro", QNI_NODE_MACRO, parse_macro},
    {"call", QNI_NODE_CALL_BLOCK, parse_call_block},
    {"break", QNI_NODE_BREAK, parse_jump},
    {"continue", QNI_NODE_CONTINUE, parse_jump},
    {"generation", QNI_NODE_GENERATION, parse_generation},
    {"filter", QNI_NODE_FILTER_BLOCK, parse_filter_block},
    {"with", QNI_NODE_WITH, parse_with},
    {"block", QNI_NODE_BLOCK, parse_named_block},
    {"print", QNI_NODE_OUTPUT, parse_print},
    {"extends", QNI_NODE_NO_LOADER, parse_no_loader},
    {"include", QNI_NODE_NO_LOADER, parse_no_loader},
    {"import", QNI_NODE_NO_LOADER, parse_no_loader},
    {"from", QNI_NODE_NO_LOADER, parse_no_loader},
    {"autoescape", QNI_NODE_NO_LOADER, parse_autoescape},
};

static qn_status parse_statement(qni_parser *p, qni_node_list *body)
{
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        qni_node *node;
        if (!qni_peek_word(p, statements[i].name)) {
            continue;
        }
        QNI_TRY(qni_parse_node(p, statements[i].kind, &node));
        p->at++;
        QNI_TRY(statements[i].parse(p, node));
        QNI_TRY(qni_parse_append(p, body, node));
        if (p->at->kind != QNI_WORD_TAG_END) {
            return qni_parse_fail(p, "expected the end of the tag");
        }
        p->at++;
        return QN_OK;
    }
    return qni_parse_fail(p, "an unknown tag");
}

static qn_status parse_output(qni_parser *p, qni_node_list *body)
{
    qni_node *node;
    qni_node *item;
    QNI_TRY(qni_parse_node(p, QNI_NODE_OUTPUT, &node));
    p->at++;
    QNI_TRY(qni_parse_tuple(p, QNI_TUPLE_ANY, NULL, &item));
    QNI_TRY(qni_parse_append(p, &node->items, item));
    QNI_TRY(qni_parse_append(p, body, node));
    if (p->at->kind != QNI_WORD_OUTPUT_END) {
        return qni_parse_fail(p, "expected \"}}\"");
    }
    p->at++;
    return QN_OK;
}

static bool is_end(const qni_parser *p, const char *const *ends)
{
    for (; ends != NULL && *ends != NULL; ends++) {
        if (qni_peek_word(p, *ends)) {
            return true;
        }
    }
    return false;
}

static qn_status parse_body(qni_parser *p, const char *const *ends, qni_node_list *body)
{
    while (p->at->kind != QNI_WORD_END) {
        qni_node *node;
        if (p->at->kind == QNI_WORD_DATA) {
            QNI_TRY(qni_parse_node(p, QNI_NODE_TEXT, &node));
            node->text = p->at->at;
            node->n = p->at->n;
            p->at++;
            QNI_TRY(qni_parse_append(p, body, node));
        } else if (p->at->kind == QNI_WORD_OUTPUT_BEGIN) {
            QNI_TRY(parse_output(p, body));
        } else {
            p->at++;
            if (is_end(p, ends)) {
                return QN_OK;
            }
            QNI_TRY(parse_statement(p, body));
        }
    }
    return ends == NULL ? QN_OK : qni_parse_fail(p, "a block without its end");
}

qn_status qni_template_parse_source(qni_template *t, qn_error *err)
{
    qni_word *words;
    size_t n;
    QNI_TRY(qni_template_lex(t, &words, &n, err));
    qni_parser p = {.t = t, .at = words, .err = err};
    t->root.line = 1;
    t->root.column = 1;
    QNI_TRY(parse_body(&p, NULL, &t->root.body));
    return qni_template_check(t, err);
}
