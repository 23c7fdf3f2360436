// Expressions of templates, by recursive descent with a bound on its depth.
#include "text/template_parse.h"

#include "text/template_value.h"

#include <string.h>

static qn_status parse_or(qni_parser *p, qni_node **out);
static qn_status parse_unary(qni_parser *p, bool filters, qni_node **out);

static qn_status literal(qni_parser *p, qni_value *value, qni_node **out)
{
    QNI_TRY(qni_parse_node(p, QNI_NODE_LITERAL, out));
    (*out)->value = value;
    return QN_OK;
}

static qn_status parse_word(qni_parser *p, bool namespaces, qni_node **out)
{
    static const char *const words[] = {"true", "True", "false", "False", "none", "None"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (qni_peek_word(p, words[i])) {
            QNI_TRY(literal(p, i < 4 ? qni_bool(i < 2) : qni_none(), out));
            p->at++;
            return QN_OK;
        }
    }
    QNI_TRY(qni_parse_node(p, QNI_NODE_NAME, out));
    QNI_TRY(qni_need_name(p, &(*out)->name));
    if (namespaces && qni_take_sign(p, ".")) {
        (*out)->kind = QNI_NODE_NAMESPACE;
        return qni_need_name(p, &(*out)->text);
    }
    return QN_OK;
}

static qn_status parse_quoted(qni_parser *p, qni_node **out)
{
    size_t n = 0;
    const qni_word *first = p->at;
    for (; p->at->kind == QNI_WORD_TEXT; p->at++) {
        n += p->at->n;
    }
    if (p->at == first + 1) {
        return literal(p, first->value, out);
    }
    char *all = qni_arena_alloc(&p->t->arena, n + 1);
    qni_value *value = qni_arena_alloc(&p->t->arena, sizeof *value);
    if (all == NULL || value == NULL) {
        return qni_fail_memory(p->err);
    }
    *value = *first->value;
    value->as.text.at = all;
    value->as.text.n = n;
    for (; first < p->at; first++) {
        memcpy(all, first->at, first->n);
        all += first->n;
    }
    return literal(p, value, out);
}

static qn_status parse_list(qni_parser *p, qni_node **out)
{
    QNI_TRY(qni_parse_node(p, QNI_NODE_LIST, out));
    p->at++;
    while (!qni_take_sign(p, "]")) {
        qni_node *item;
        if ((*out)->items.n > 0) {
            QNI_TRY(qni_need_sign(p, ",", "expected ',' or ']'"));
            if (qni_take_sign(p, "]")) {
                break;
            }
        }
        QNI_TRY(qni_parse_expression(p, &item));
        QNI_TRY(qni_parse_append(p, &(*out)->items, item));
    }
    return QN_OK;
}

static qn_status parse_dict(qni_parser *p, qni_node **out)
{
    QNI_TRY(qni_parse_node(p, QNI_NODE_DICT, out));
    p->at++;
    while (!qni_take_sign(p, "}")) {
        qni_node *item;
        if ((*out)->items.n > 0) {
            QNI_TRY(qni_need_sign(p, ",", "expected ',' or '}'"));
            if (qni_take_sign(p, "}")) {
                break;
            }
        }
        QNI_TRY(qni_parse_expression(p, &item));
        QNI_TRY(qni_parse_append(p, &(*out)->items, item));
        QNI_TRY(qni_need_sign(p, ":", "expected ':'"));
        QNI_TRY(qni_parse_expression(p, &item));
        QNI_TRY(qni_parse_append(p, &(*out)->items, item));
    }
    return QN_OK;
}

static qn_status parse_primary(qni_parser *p, bool namespaces, qni_node **out)
{
    switch ((int)p->at->kind) {
    case QNI_WORD_NAME: return parse_word(p, namespaces, out);
    case QNI_WORD_TEXT: return parse_quoted(p, out);
    case QNI_WORD_NUMBER:
        QNI_TRY(literal(p, p->at->value, out));
        p->at++;
        return QN_OK;
    default: break;
    }
    if (qni_take_sign(p, "(")) {
        QNI_TRY(qni_parse_tuple(p, QNI_TUPLE_BRACKETS, NULL, out));
        return qni_need_sign(p, ")", "expected ')'");
    }
    if (qni_peek_sign(p, "[")) {
        return parse_list(p, out);
    }
    return qni_peek_sign(p, "{") ? parse_dict(p, out) : qni_parse_fail(p, "expected an expression");
}

qn_status qni_parse_tuple(qni_parser *p, qni_tuple_kind kind, const char *end, qni_node **out)
{
    bool simple = kind == QNI_TUPLE_NAMES || kind == QNI_TUPLE_TARGETS, is_tuple = false;
    qni_node_list items = {NULL, 0, 0};
    QNI_TRY(qni_parse_deeper(p));
    for (;;) {
        qni_node *item;
        if (items.n > 0) {
            QNI_TRY(qni_need_sign(p, ",", "expected ','"));
        }
        if (p->at->kind == QNI_WORD_OUTPUT_END || p->at->kind == QNI_WORD_TAG_END ||
            qni_peek_sign(p, ")") || (end != NULL && qni_peek_word(p, end))) {
            break;
        }
        QNI_TRY(simple ? parse_primary(p, kind == QNI_TUPLE_TARGETS, &item)
                : kind == QNI_TUPLE_NO_CONDITION ? parse_or(p, &item)
                                                 : qni_parse_expression(p, &item));
        QNI_TRY(qni_parse_append(p, &items, item));
        if (!qni_peek_sign(p, ",")) {
            break;
        }
        is_tuple = true;
    }
    p->depth--;
    if (!is_tuple && items.n > 0) {
        *out = items.items[0];
        return QN_OK;
    }
    if (!is_tuple && kind != QNI_TUPLE_BRACKETS) {
        return qni_parse_fail(p, "expected an expression");
    }
    QNI_TRY(qni_parse_node(p, QNI_NODE_TUPLE, out));
    (*out)->items = items;
    return QN_OK;
}

// ---- Calls

static qn_status parse_named(qni_parser *p, qni_node *node)
{
    qni_node *value;
    const char *name;
    QNI_TRY(qni_need_name(p, &name));
    p->at++; // "="
    for (size_t i = 0; i < node->named.n; i++) {
        if (node->names[i] == name) {
            return qni_parse_fail(p, "an argument that is given twice");
        }
    }
    QNI_TRY(qni_parse_expression(p, &value));
    const char **names = qni_arena_array(&p->t->arena, node->named.n + 1, sizeof *names);
    if (names == NULL) {
        return qni_fail_memory(p->err);
    }
    if (node->named.n != 0) {
        memcpy(names, node->names, node->named.n * sizeof *names);
    }
    names[node->named.n] = name;
    node->names = names;
    return qni_parse_append(p, &node->named, value);
}

// Behind "(".
static qn_status parse_arguments(qni_parser *p, qni_node *node)
{
    static const char wrong[] = "an argument that may not stand here";
    enum { MAX_NAMED = 1000 };
    bool first = true;
    while (!qni_take_sign(p, ")")) {
        if (!first) {
            QNI_TRY(qni_need_sign(p, ",", "expected ',' or ')'"));
            if (qni_take_sign(p, ")")) {
                break;
            }
        }
        first = false;
        if (qni_take_sign(p, "*")) {
            if (node->star != NULL || node->star_star != NULL) {
                return qni_parse_fail(p, wrong);
            }
            QNI_TRY(qni_parse_expression(p, &node->star));
        } else if (qni_take_sign(p, "**")) {
            if (node->star_star != NULL) {
                return qni_parse_fail(p, wrong);
            }
            QNI_TRY(qni_parse_expression(p, &node->star_star));
        } else if (p->at->kind == QNI_WORD_NAME && p->at[1].kind == QNI_WORD_SIGN &&
                   strcmp(p->at[1].at, "=") == 0) {
            if (node->star_star != NULL || node->named.n >= MAX_NAMED) {
                return qni_parse_fail(p, wrong);
            }
            QNI_TRY(parse_named(p, node));
        } else {
            qni_node *value;
            if (node->star != NULL || node->star_star != NULL || node->named.n > 0) {
                return qni_parse_fail(p, wrong);
            }
            QNI_TRY(qni_parse_expression(p, &value));
            QNI_TRY(qni_parse_append(p, &node->items, value));
        }
    }
    return QN_OK;
}

static qn_status parse_call(qni_parser *p, qni_node **node)
{
    qni_node *call;
    QNI_TRY(qni_parse_node(p, QNI_NODE_CALL, &call));
    p->at++;
    call->line = (*node)->line;
    call->column = (*node)->column;
    call->a = *node;
    *node = call;
    return parse_arguments(p, call);
}

static qn_status dotted_name(qni_parser *p, const char **out)
{
    QNI_TRY(qni_need_name(p, out));
    while (qni_take_sign(p, ".")) { // no filter or test of ours has such a name
        QNI_TRY(qni_need_name(p, out));
        *out = qni_intern(p->t, "a name with dots", 16);
        if (*out == NULL) {
            return qni_fail_memory(p->err);
        }
    }
    return QN_OK;
}

qn_status qni_parse_filters(qni_parser *p, bool first, qni_node **node)
{
    while (first || qni_take_sign(p, "|")) {
        qni_node *filter;
        first = false;
        QNI_TRY(qni_parse_node(p, QNI_NODE_FILTER, &filter));
        filter->a = *node;
        *node = filter;
        QNI_TRY(dotted_name(p, &filter->name));
        if (qni_take_sign(p, "(")) {
            QNI_TRY(parse_arguments(p, filter));
        }
    }
    return QN_OK;
}

// ---- What stands behind a value

// An index or a slice.
static qn_status parse_part(qni_parser *p, qni_node **out)
{
    qni_node *parts[3] = {NULL};
    if (!qni_peek_sign(p, ":")) {
        QNI_TRY(qni_parse_expression(p, &parts[0]));
        if (!qni_peek_sign(p, ":")) {
            *out = parts[0];
            return QN_OK;
        }
    }
    QNI_TRY(qni_parse_node(p, QNI_NODE_SLICE, out));
    p->at++;
    if (!qni_peek_sign(p, ":") && !qni_peek_sign(p, "]") && !qni_peek_sign(p, ",")) {
        QNI_TRY(qni_parse_expression(p, &parts[1]));
    }
    if (qni_take_sign(p, ":") && !qni_peek_sign(p, "]") && !qni_peek_sign(p, ",")) {
        QNI_TRY(qni_parse_expression(p, &parts[2]));
    }
    for (int i = 0; i < 3; i++) {
        QNI_TRY(qni_parse_append(p, &(*out)->items, parts[i]));
    }
    return QN_OK;
}

static qn_status parse_subscript(qni_parser *p, qni_node **node)
{
    qni_node *index;
    qni_node_list parts = {NULL, 0, 0};
    QNI_TRY(qni_parse_node(p, QNI_NODE_INDEX, &index));
    p->at++;
    index->a = *node;
    while (!qni_take_sign(p, "]")) {
        qni_node *part;
        if (parts.n > 0) {
            QNI_TRY(qni_need_sign(p, ",", "expected ',' or ']'"));
        }
        QNI_TRY(parse_part(p, &part));
        QNI_TRY(qni_parse_append(p, &parts, part));
    }
    if (parts.n == 1) {
        index->b = parts.items[0];
    } else {
        QNI_TRY(qni_parse_node(p, QNI_NODE_TUPLE, &index->b));
        index->b->items = parts;
    }
    *node = index;
    return QN_OK;
}

static qn_status parse_member(qni_parser *p, qni_node **node)
{
    qni_node *member;
    QNI_TRY(qni_parse_node(p, QNI_NODE_MEMBER, &member));
    p->at++;
    member->a = *node;
    if (p->at->kind == QNI_WORD_NUMBER && p->at->value->kind == QNI_INT) {
        member->kind = QNI_NODE_INDEX;
        QNI_TRY(literal(p, p->at->value, &member->b));
        p->at++;
    } else {
        QNI_TRY(qni_need_name(p, &member->name));
    }
    *node = member;
    return QN_OK;
}

static qn_status parse_postfix(qni_parser *p, qni_node **node)
{
    for (;;) {
        if (qni_peek_sign(p, ".")) {
            QNI_TRY(parse_member(p, node));
        } else if (qni_peek_sign(p, "[")) {
            QNI_TRY(parse_subscript(p, node));
        } else if (qni_peek_sign(p, "(")) {
            QNI_TRY(parse_call(p, node));
        } else {
            return QN_OK;
        }
    }
}

static bool begins_argument(const qni_parser *p)
{
    if (p->at->kind == QNI_WORD_NAME) {
        return !qni_peek_word(p, "else") && !qni_peek_word(p, "or") && !qni_peek_word(p, "and");
    }
    return p->at->kind == QNI_WORD_TEXT || p->at->kind == QNI_WORD_NUMBER ||
           qni_peek_sign(p, "(") || qni_peek_sign(p, "[") || qni_peek_sign(p, "{");
}

static qn_status parse_test(qni_parser *p, qni_node **node)
{
    qni_node *test;
    QNI_TRY(qni_parse_node(p, QNI_NODE_TEST, &test));
    p->at++;
    bool negated = qni_take_word(p, "not");
    test->a = *node;
    QNI_TRY(dotted_name(p, &test->name));
    if (qni_take_sign(p, "(")) {
        QNI_TRY(parse_arguments(p, test));
    } else if (begins_argument(p)) {
        qni_node *argument;
        if (qni_peek_word(p, "is")) {
            return qni_parse_fail(p, "tests cannot be chained");
        }
        QNI_TRY(parse_primary(p, false, &argument));
        QNI_TRY(parse_postfix(p, &argument));
        QNI_TRY(qni_parse_append(p, &test->items, argument));
    }
    *node = test;
    if (negated) {
        qni_node *opposite;
        QNI_TRY(qni_parse_node(p, QNI_NODE_UNARY, &opposite));
        opposite->text = "not";
        opposite->a = test;
        *node = opposite;
    }
    return QN_OK;
}

static qn_status parse_filter_tail(qni_parser *p, qni_node **node)
{
    for (;;) {
        if (qni_peek_sign(p, "|")) {
            QNI_TRY(qni_parse_filters(p, false, node));
        } else if (qni_peek_word(p, "is")) {
            QNI_TRY(parse_test(p, node));
        } else if (qni_peek_sign(p, "(")) {
            QNI_TRY(parse_call(p, node));
        } else {
            return QN_OK;
        }
    }
}

// ---- Operators

static qn_status parse_unary(qni_parser *p, bool filters, qni_node **out)
{
    QNI_TRY(qni_parse_deeper(p));
    if (qni_peek_sign(p, "-") || qni_peek_sign(p, "+")) {
        QNI_TRY(qni_parse_node(p, QNI_NODE_UNARY, out));
        (*out)->text = p->at->at;
        p->at++;
        QNI_TRY(parse_unary(p, false, &(*out)->a));
    } else {
        QNI_TRY(parse_primary(p, false, out));
    }
    QNI_TRY(parse_postfix(p, out));
    QNI_TRY(filters ? parse_filter_tail(p, out) : QN_OK);
    p->depth--;
    return QN_OK;
}

static qn_status binary(qni_parser *p, const char *op, qni_node *right, qni_node **left)
{
    qni_node *node;
    QNI_TRY(qni_parse_node(p, QNI_NODE_BINARY, &node));
    node->line = (*left)->line;
    node->column = (*left)->column;
    node->text = op;
    node->a = *left;
    node->b = right;
    *left = node;
    return QN_OK;
}

// Operators from the loosest to the tightest: sums, "~", products, powers.
static qn_status parse_math(qni_parser *p, int level, qni_node **out)
{
    static const char *const signs[4][5] = {
        {"+", "-", NULL}, {"~", NULL}, {"*", "/", "//", "%", NULL}, {"**", NULL}};
    if (level == 4) {
        return parse_unary(p, true, out);
    }
    QNI_TRY(parse_math(p, level + 1, out));
    for (;;) {
        const char *const *sign = signs[level];
        qni_node *right;
        while (*sign != NULL && !qni_peek_sign(p, *sign)) {
            sign++;
        }
        if (*sign == NULL) {
            return QN_OK;
        }
        p->at++;
        QNI_TRY(parse_math(p, level + 1, &right));
        if (level != 1) {
            QNI_TRY(binary(p, *sign, right, out));
            continue;
        }
        if ((*out)->kind != QNI_NODE_CONCAT || (*out)->flag) {
            qni_node *first = *out;
            QNI_TRY(qni_parse_node(p, QNI_NODE_CONCAT, out));
            QNI_TRY(qni_parse_append(p, &(*out)->items, first));
        }
        QNI_TRY(qni_parse_append(p, &(*out)->items, right));
    }
}

static qn_status parse_compare(qni_parser *p, qni_node **out)
{
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">=", NULL};
    QNI_TRY(parse_math(p, 0, out));
    for (qni_node *chain = NULL;;) {
        const char *op = NULL;
        for (size_t i = 0; signs[i] != NULL && op == NULL; i++) {
            op = qni_take_sign(p, signs[i]) ? signs[i] : NULL;
        }
        if (op == NULL && qni_take_word(p, "in")) {
            op = "in";
        } else if (op == NULL && qni_peek_word(p, "not") && p->at[1].kind == QNI_WORD_NAME &&
                   strcmp(p->at[1].at, "in") == 0) {
            p->at += 2;
            op = "not in";
        }
        if (op == NULL) {
            return QN_OK;
        }
        if (chain == NULL) {
            QNI_TRY(qni_parse_node(p, QNI_NODE_COMPARE, &chain));
            chain->a = *out;
            *out = chain;
        }
        qni_node *operand;
        QNI_TRY(qni_parse_node(p, QNI_NODE_OPERAND, &operand));
        operand->text = op;
        QNI_TRY(parse_math(p, 0, &operand->a));
        QNI_TRY(qni_parse_append(p, &chain->items, operand));
    }
}

static qn_status parse_not(qni_parser *p, qni_node **out)
{
    if (!qni_peek_word(p, "not")) {
        return parse_compare(p, out);
    }
    QNI_TRY(qni_parse_deeper(p));
    QNI_TRY(qni_parse_node(p, QNI_NODE_UNARY, out));
    (*out)->text = "not";
    p->at++;
    QNI_TRY(parse_not(p, &(*out)->a));
    p->depth--;
    return QN_OK;
}

static qn_status parse_and(qni_parser *p, qni_node **out)
{
    QNI_TRY(parse_not(p, out));
    while (qni_take_word(p, "and")) {
        qni_node *right;
        QNI_TRY(parse_not(p, &right));
        QNI_TRY(binary(p, "and", right, out));
    }
    return QN_OK;
}

static qn_status parse_or(qni_parser *p, qni_node **out)
{
    QNI_TRY(parse_and(p, out));
    while (qni_take_word(p, "or")) {
        qni_node *right;
        QNI_TRY(parse_and(p, &right));
        QNI_TRY(binary(p, "or", right, out));
    }
    return QN_OK;
}

qn_status qni_parse_expression(qni_parser *p, qni_node **out)
{
    QNI_TRY(qni_parse_deeper(p));
    QNI_TRY(parse_or(p, out));
    while (qni_take_word(p, "if")) {
        qni_node *node;
        QNI_TRY(qni_parse_node(p, QNI_NODE_IF_ELSE, &node));
        node->a = *out;
        QNI_TRY(parse_or(p, &node->b));
        if (qni_take_word(p, "else")) {
            QNI_TRY(qni_parse_expression(p, &node->c));
        }
        *out = node;
    }
    p->depth--;
    return QN_OK;
}
