// Reading templates: text, tags with their control of white space, statements and expressions, by
// recursive descent with a bound on its depth.
#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/template_ast.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 200 };

typedef struct parser {
    qni_template *t;
    const char *at, *end;
    const char *tag_end; // of the tag that is read: expressions stop here
    int depth;
    int loops;       // around what is being read
    bool strip_next; // the last tag ended in "-": white space behind it goes
    bool trim_next;  // a newline right behind the last tag goes
    qn_error *err;
} parser;

static void place_of(const parser *p, const char *at, int *line, int *column)
{
    *line = 1;
    *column = 1;
    for (const char *c = p->t->source; c < at; c++) {
        *column = *c == '\n' ? 1 : *column + 1;
        *line += *c == '\n';
    }
}

static qn_status fail(const parser *p, const char *what)
{
    int line;
    int column;
    place_of(p, p->at, &line, &column);
    return qni_fail(p->err, QN_INVALID_MODEL, p->t->where, "line %d, column %d: %s", line, column,
                    what);
}

static qn_status new_node(parser *p, qni_node_kind kind, qni_node **out)
{
    *out = qni_arena_alloc(&p->t->arena, sizeof **out);
    if (*out == NULL) {
        return qni_fail_memory(p->err);
    }
    (*out)->kind = kind;
    place_of(p, p->at, &(*out)->line, &(*out)->column);
    return QN_OK;
}

static qn_status grow(parser *p, void *items, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) {
        return QN_OK;
    }
    size_t wanted = *capacity < 4 ? 8 : 2 * *capacity;
    void *more = qni_arena_array(&p->t->arena, wanted, size);
    if (more == NULL) {
        return qni_fail_memory(p->err);
    }
    void *old;
    memcpy(&old, items, sizeof old);
    if (*capacity != 0) {
        memcpy(more, old, *capacity * size);
    }
    memcpy(items, &more, sizeof more);
    *capacity = wanted;
    return QN_OK;
}

static qn_status append(parser *p, qni_node_list *list, qni_node *node)
{
    QNI_TRY(grow(p, &list->items, &list->capacity, list->n + 1, sizeof node));
    list->items[list->n++] = node;
    return QN_OK;
}

// ---- Words and signs inside of a tag

static void skip(parser *p)
{
    while (p->at < p->tag_end && isspace((unsigned char)*p->at)) {
        p->at++;
    }
}

static bool take(parser *p, const char *sign)
{
    skip(p);
    size_t n = strlen(sign);
    if ((size_t)(p->tag_end - p->at) < n || memcmp(p->at, sign, n) != 0) {
        return false;
    }
    p->at += n;
    return true;
}

static size_t word_length(const parser *p)
{
    size_t n = 0;
    while (p->at + n < p->tag_end && (isalnum((unsigned char)p->at[n]) || p->at[n] == '_')) {
        n++;
    }
    return n > 0 && isdigit((unsigned char)p->at[0]) ? 0 : n;
}

static bool peek_word(parser *p, const char *word)
{
    skip(p);
    return word_length(p) == strlen(word) && memcmp(p->at, word, strlen(word)) == 0;
}

static bool take_word(parser *p, const char *word)
{
    if (!peek_word(p, word)) {
        return false;
    }
    p->at += strlen(word);
    return true;
}

static qn_status read_name(parser *p, const char **out)
{
    skip(p);
    size_t n = word_length(p);
    if (n == 0) {
        return fail(p, "expected a name");
    }
    *out = qni_arena_strndup(&p->t->arena, p->at, n);
    p->at += n;
    return *out != NULL ? QN_OK : qni_fail_memory(p->err);
}

// ---- Expressions

static qn_status parse_expression(parser *p, qni_node **out);
static qn_status parse_unary(parser *p, qni_node **out);
static qn_status parse_operators(parser *p, int level, qni_node **out);

static qn_status literal(parser *p, json_t *value, qni_node **out)
{
    QNI_TRY(new_node(p, QNI_NODE_LITERAL, out));
    if (value == NULL || json_array_append_new(p->t->literals, value) != 0) {
        return qni_fail_memory(p->err);
    }
    (*out)->value = value;
    return QN_OK;
}

// Writes what the escape behind a backslash stands for, as Python reads it; what Python does not
// know keeps its backslash.
static size_t unescape(parser *p, char *out)
{
    static const char names[] = "ntrabfv0\\'\"", values[] = "\n\t\r\a\b\f\v\0\\'\"";
    char c = *p->at++;
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t code = 0;
    if (c == '\n') {
        return 0;
    }
    if (digits > 0 && p->tag_end - p->at >= digits &&
        strspn(p->at, "0123456789abcdefABCDEF") >= (size_t)digits) {
        for (int i = 0; i < digits; i++, p->at++) {
            int digit = isdigit((unsigned char)*p->at) ? *p->at - '0'
                                                       : tolower((unsigned char)*p->at) - 'a' + 10;
            code = code << 4 | (uint32_t)digit;
        }
        bool scalar = code < 0xD800 || (code > 0xDFFF && code < 0x110000);
        return (size_t)qni_utf8_encode(scalar ? code : 0xFFFD, out);
    }
    const char *found = strchr(names, c);
    out[0] = found != NULL && c != '\0' ? values[found - names] : '\\';
    out[1] = c;
    return found != NULL && c != '\0' ? 1 : 2;
}

static qn_status parse_string(parser *p, qni_node **out)
{
    char quote = *p->at++;
    char *text = qni_arena_alloc(&p->t->arena, 2 * (size_t)(p->tag_end - p->at) + 4);
    size_t n = 0;
    if (text == NULL) {
        return qni_fail_memory(p->err);
    }
    while (p->at < p->tag_end && *p->at != quote) {
        if (*p->at == '\\' && p->at + 1 < p->tag_end) {
            p->at++;
            n += unescape(p, text + n);
        } else {
            text[n++] = *p->at++;
        }
    }
    if (p->at == p->tag_end) {
        return fail(p, "a string without its end");
    }
    p->at++;
    json_t *value = json_stringn(text, n);
    return value != NULL ? literal(p, value, out) : fail(p, "a string that is not UTF-8");
}

// Digits may be parted by "_"; whole numbers may begin with 0x, 0o or 0b.
static qn_status parse_number(parser *p, qni_node **out)
{
    char text[64];
    size_t n = 0;
    int base = 10;
    bool is_real = false;
    if (p->at[0] == '0' && p->at + 1 < p->tag_end && strchr("xXoObB", p->at[1]) != NULL) {
        int kind = tolower((unsigned char)p->at[1]);
        base = kind == 'x' ? 16 : kind == 'o' ? 8 : 2;
        p->at += 2;
    }
    for (; p->at < p->tag_end && n + 1 < sizeof text; p->at++) {
        char c = *p->at;
        bool next_digit = p->at + 1 < p->tag_end && isdigit((unsigned char)p->at[1]);
        bool sign = base == 10 && n > 0 && tolower((unsigned char)text[n - 1]) == 'e' &&
                    (c == '-' || c == '+');
        bool part = base == 10 && ((c == '.' && next_digit && !is_real) ||
                                   ((c == 'e' || c == 'E') && p->at + 1 < p->tag_end &&
                                    (next_digit || p->at[1] == '-' || p->at[1] == '+')));
        is_real = is_real || part;
        if (part || sign || (base == 16 ? isxdigit((unsigned char)c) : isdigit((unsigned char)c))) {
            text[n++] = c;
        } else if (c != '_') {
            break;
        }
    }
    text[n] = '\0';
    return literal(
        p, is_real ? json_real(strtod(text, NULL)) : json_integer(strtoll(text, NULL, base)), out);
}

static qn_status parse_items(parser *p, const char *close, qni_node *node, bool keywords)
{
    size_t capacity = 0;
    while (!take(p, close)) {
        const char *name = NULL;
        skip(p);
        size_t n = word_length(p);
        const char *after = p->at + n;
        while (after < p->tag_end && isspace((unsigned char)*after)) {
            after++;
        }
        if (keywords && n > 0 && after + 1 < p->tag_end && after[0] == '=' && after[1] != '=') {
            QNI_TRY(read_name(p, &name));
            (void)take(p, "=");
        }
        qni_node *item;
        QNI_TRY(parse_expression(p, &item));
        QNI_TRY(append(p, &node->items, item));
        QNI_TRY(grow(p, &node->names, &capacity, node->items.n, sizeof *node->names));
        node->names[node->items.n - 1] = name;
        if (!take(p, ",")) {
            return take(p, close) ? QN_OK : fail(p, "expected ',' or the end of a list");
        }
    }
    return QN_OK;
}

static qn_status parse_dict(parser *p, qni_node **out)
{
    QNI_TRY(new_node(p, QNI_NODE_DICT, out));
    while (!take(p, "}")) {
        qni_node *key;
        qni_node *value;
        QNI_TRY(parse_expression(p, &key));
        if (!take(p, ":")) {
            return fail(p, "expected ':'");
        }
        QNI_TRY(parse_expression(p, &value));
        QNI_TRY(append(p, &(*out)->items, key));
        QNI_TRY(append(p, &(*out)->items, value));
        if (!take(p, ",")) {
            return take(p, "}") ? QN_OK : fail(p, "expected ',' or '}'");
        }
    }
    return QN_OK;
}

static qn_status parse_group(parser *p, qni_node **out)
{
    if (take(p, ")")) {
        return new_node(p, QNI_NODE_LIST, out);
    }
    QNI_TRY(parse_expression(p, out));
    if (!take(p, ",")) {
        return take(p, ")") ? QN_OK : fail(p, "expected ')'");
    }
    qni_node *list;
    QNI_TRY(new_node(p, QNI_NODE_LIST, &list));
    QNI_TRY(append(p, &list->items, *out));
    *out = list;
    return parse_items(p, ")", list, false);
}

static qn_status parse_word(parser *p, qni_node **out)
{
    static const char *const constants[][2] = {{"true", "t"},  {"True", "t"}, {"false", "f"},
                                               {"False", "f"}, {"none", "n"}, {"None", "n"}};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (take_word(p, constants[i][0])) {
            char kind = constants[i][1][0];
            return literal(p,
                           kind == 't'   ? json_true()
                           : kind == 'f' ? json_false()
                                         : json_null(),
                           out);
        }
    }
    QNI_TRY(new_node(p, QNI_NODE_NAME, out));
    return read_name(p, &(*out)->text);
}

static qn_status parse_atom(parser *p, qni_node **out)
{
    skip(p);
    if (p->at == p->tag_end) {
        return fail(p, "expected an expression");
    }
    if (*p->at == '\'' || *p->at == '"') {
        QNI_TRY(parse_string(p, out));
        skip(p);
        while (p->at < p->tag_end && (*p->at == '\'' || *p->at == '"')) { // neighbours join
            qni_node *more;
            QNI_TRY(parse_string(p, &more));
            json_t *both = json_sprintf("%s%s", json_string_value((*out)->value),
                                        json_string_value(more->value));
            QNI_TRY(literal(p, both, out));
            skip(p);
        }
        return QN_OK;
    }
    if (isdigit((unsigned char)*p->at)) {
        return parse_number(p, out);
    }
    if (take(p, "(")) {
        return parse_group(p, out);
    }
    if (take(p, "[")) {
        QNI_TRY(new_node(p, QNI_NODE_LIST, out));
        return parse_items(p, "]", *out, false);
    }
    if (take(p, "{")) {
        return parse_dict(p, out);
    }
    return parse_word(p, out);
}

// What stands in [ ]: an index, or a slice of which each part may be left out.
static qn_status parse_subscript(parser *p, qni_node *object, qni_node **out)
{
    qni_node *parts[3] = {NULL};
    int n = 0;
    bool is_slice = false;
    for (;;) {
        if (take(p, "]")) {
            break;
        }
        if (take(p, ":")) {
            is_slice = true;
            if (++n > 2) {
                return fail(p, "a slice of more than three parts");
            }
            continue;
        }
        QNI_TRY(parse_expression(p, &parts[n]));
    }
    QNI_TRY(new_node(p, is_slice ? QNI_NODE_SLICE : QNI_NODE_INDEX, out));
    (*out)->a = object;
    (*out)->b = parts[0];
    if (!is_slice) {
        return parts[0] != NULL ? QN_OK : fail(p, "expected an index");
    }
    for (int i = 0; i < 3; i++) {
        QNI_TRY(append(p, &(*out)->items, parts[i]));
    }
    return QN_OK;
}

static qn_status parse_filter(parser *p, qni_node **node)
{
    qni_node *filter;
    QNI_TRY(new_node(p, QNI_NODE_FILTER, &filter));
    filter->a = *node;
    QNI_TRY(read_name(p, &filter->text));
    *node = filter;
    return take(p, "(") ? parse_items(p, ")", filter, true) : QN_OK;
}

static qn_status parse_test(parser *p, qni_node **node)
{
    static const char *const ends[] = {"and", "or", "else", "if", "is", "in", "not"};
    qni_node *test;
    QNI_TRY(new_node(p, QNI_NODE_TEST, &test));
    test->negated = take_word(p, "not");
    test->a = *node;
    QNI_TRY(read_name(p, &test->text));
    *node = test;
    if (take(p, "(")) {
        return parse_items(p, ")", test, true);
    }
    skip(p);
    bool has_argument = p->at < p->tag_end &&
                        (word_length(p) > 0 || strchr("'\"[{0123456789", *p->at) != NULL);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        has_argument = has_argument && !peek_word(p, ends[i]);
    }
    if (has_argument) {
        qni_node *argument;
        QNI_TRY(parse_atom(p, &argument));
        return append(p, &test->items, argument);
    }
    return QN_OK;
}

// Members, elements and calls; then filters and tests, unless a sign stands before: "-1|abs" is
// (-1)|abs.
static qn_status parse_tail(parser *p, bool filters, qni_node **out)
{
    for (;;) {
        skip(p);
        if (p->at < p->tag_end && *p->at == '.') {
            qni_node *member;
            p->at++;
            QNI_TRY(new_node(p, QNI_NODE_MEMBER, &member));
            member->a = *out;
            QNI_TRY(read_name(p, &member->text));
            *out = member;
        } else if (take(p, "[")) {
            QNI_TRY(parse_subscript(p, *out, out));
        } else if (take(p, "(")) {
            qni_node *call;
            QNI_TRY(new_node(p, QNI_NODE_CALL, &call));
            call->a = *out;
            QNI_TRY(parse_items(p, ")", call, true));
            *out = call;
        } else if (filters && p->at < p->tag_end && *p->at == '|') {
            p->at++;
            QNI_TRY(parse_filter(p, out));
        } else if (filters && take_word(p, "is")) {
            QNI_TRY(parse_test(p, out));
        } else {
            return QN_OK;
        }
    }
}

static qn_status parse_signed(parser *p, bool filters, qni_node **out)
{
    skip(p);
    if (p->at < p->tag_end && (*p->at == '-' || *p->at == '+')) {
        QNI_TRY(new_node(p, QNI_NODE_UNARY, out));
        (*out)->text = *p->at == '-' ? "-" : "+";
        p->at++;
        if (++p->depth > MAX_DEPTH) {
            return fail(p, "nested too deep");
        }
        QNI_TRY(parse_signed(p, false, &(*out)->a));
        p->depth--;
    } else {
        QNI_TRY(parse_atom(p, out));
    }
    return parse_tail(p, filters, out);
}

static qn_status parse_unary(parser *p, qni_node **out)
{
    return parse_signed(p, true, out);
}

// Operators by how tightly they bind, the loosest first. "not" stands between "and" and the
// comparisons.
static const char *const levels[][9] = {
    {"or"},
    {"and"},
    {NULL},
    {"==", "!=", "<=", ">=", "<", ">", "in", "not in"},
    {"~"},
    {"+", "-"},
    {"**", "*", "//", "/", "%"},
};
enum { NOT_LEVEL = 2, N_LEVELS = sizeof levels / sizeof *levels };

static bool take_operator(parser *p, const char *op)
{
    if (strcmp(op, "not in") == 0) {
        const char *start = p->at;
        if (take_word(p, "not") && take_word(p, "in")) {
            return true;
        }
        p->at = start;
        return false;
    }
    return isalpha((unsigned char)op[0]) ? take_word(p, op) : take(p, op);
}

static const char *next_operator(parser *p, int level)
{
    for (int i = 0; i < 9 && levels[level][i] != NULL; i++) {
        if (take_operator(p, levels[level][i])) {
            return levels[level][i];
        }
    }
    return NULL;
}

static qn_status parse_operators(parser *p, int level, qni_node **out)
{
    if (level == N_LEVELS) {
        return parse_unary(p, out);
    }
    if (level == NOT_LEVEL && take_word(p, "not")) {
        QNI_TRY(new_node(p, QNI_NODE_UNARY, out));
        (*out)->text = "not";
        if (++p->depth > MAX_DEPTH) {
            return fail(p, "nested too deep");
        }
        QNI_TRY(parse_operators(p, level, &(*out)->a));
        p->depth--;
        return QN_OK;
    }
    QNI_TRY(parse_operators(p, level + 1, out));
    const char *op = next_operator(p, level);
    while (op != NULL) {
        qni_node *node;
        QNI_TRY(new_node(p, QNI_NODE_BINARY, &node));
        node->text = op;
        node->a = *out;
        QNI_TRY(parse_operators(p, level + 1, &node->b));
        *out = node;
        op = next_operator(p, level);
    }
    return QN_OK;
}

static qn_status parse_expression(parser *p, qni_node **out)
{
    if (++p->depth > MAX_DEPTH) {
        return fail(p, "nested too deep");
    }
    QNI_TRY(parse_operators(p, 0, out));
    if (take_word(p, "if")) {
        qni_node *choice;
        QNI_TRY(new_node(p, QNI_NODE_IF_ELSE, &choice));
        choice->a = *out;
        QNI_TRY(parse_operators(p, 0, &choice->b));
        if (take_word(p, "else")) {
            QNI_TRY(parse_expression(p, &choice->c));
        }
        *out = choice;
    }
    p->depth--;
    return QN_OK;
}

// ---- Tags

// The end of the tag that begins at `at`: strings inside may hold its sign.
static const char *find_tag_end(const parser *p, const char *at, const char *sign)
{
    char quote = '\0';
    int open = 0; // brackets: "}}" may close two mappings
    for (; at + 1 < p->end; at++) {
        if (quote != '\0') {
            bool escape = *at == '\\';
            quote = !escape && *at == quote ? '\0' : quote;
            at += escape;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        } else if (open == 0 && memcmp(at, sign, 2) == 0) {
            return at;
        } else if (*at == '{' || *at == '[' || *at == '(') {
            open++;
        } else if (*at == '}' || *at == ']' || *at == ')') {
            open -= open > 0;
        }
    }
    return NULL;
}

// Text from p->at to `stop`, with what the tags around it strip.
static qn_status add_text(parser *p, const char *stop, bool strip_end, bool lstrip,
                          qni_node_list *body)
{
    const char *from = p->at;
    const char *to = stop;
    if (p->strip_next) {
        while (from < to && isspace((unsigned char)*from)) {
            from++;
        }
    } else if (p->trim_next && from < to && *from == '\n') {
        from++;
    }
    if (strip_end) {
        while (to > from && isspace((unsigned char)to[-1])) {
            to--;
        }
    } else if (lstrip) {
        const char *c = to;
        while (c > from && (c[-1] == ' ' || c[-1] == '\t')) {
            c--;
        }
        if (c == p->t->source || (c > p->t->source && c[-1] == '\n')) {
            to = c;
        }
    }
    p->strip_next = p->trim_next = false;
    p->at = stop;
    if (from >= to) {
        return QN_OK;
    }
    qni_node *text;
    QNI_TRY(new_node(p, QNI_NODE_TEXT, &text));
    text->text = from;
    text->n = (size_t)(to - from);
    return append(p, body, text);
}

static qn_status begin_tag(parser *p, const char *close)
{
    p->at += 2;
    p->at += p->at < p->end && (*p->at == '-' || *p->at == '+');
    p->tag_end = find_tag_end(p, p->at, close);
    if (p->tag_end == NULL) {
        return fail(p, "a tag without its end");
    }
    if (p->tag_end > p->at && (p->tag_end[-1] == '-' || p->tag_end[-1] == '+')) {
        p->strip_next = p->tag_end[-1] == '-';
        p->tag_end--;
    }
    return QN_OK;
}

static qn_status end_tag(parser *p, bool is_block)
{
    skip(p);
    if (p->at != p->tag_end) {
        return fail(p, "expected the end of the tag");
    }
    bool signed_end = *p->at == '-' || *p->at == '+';
    p->trim_next = is_block && !(signed_end && *p->at == '+');
    p->at += signed_end ? 3 : 2;
    p->tag_end = p->end;
    return QN_OK;
}

static qn_status skip_comment(parser *p)
{
    const char *stop = p->at + 2;
    while (stop + 1 < p->end && memcmp(stop, "#}", 2) != 0) {
        stop++;
    }
    if (stop + 1 >= p->end) {
        return fail(p, "a comment without its end");
    }
    p->strip_next = stop > p->at + 2 && stop[-1] == '-';
    p->trim_next = true;
    p->at = stop + 2;
    return QN_OK;
}

// ---- Statements

static qn_status parse_body(parser *p, const char *const *ends, qni_node_list *body,
                            const char **found);

static qn_status parse_if(parser *p, qni_node *node)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    static const char *const last[] = {"endif", NULL};
    const char *found;
    QNI_TRY(parse_expression(p, &node->a));
    QNI_TRY(end_tag(p, true));
    QNI_TRY(parse_body(p, ends, &node->body, &found));
    if (strcmp(found, "elif") == 0) {
        qni_node *next;
        QNI_TRY(new_node(p, QNI_NODE_IF, &next));
        QNI_TRY(append(p, &node->else_body, next));
        if (++p->depth > MAX_DEPTH) {
            return fail(p, "nested too deep");
        }
        QNI_TRY(parse_if(p, next));
        p->depth--;
        return QN_OK;
    }
    if (strcmp(found, "else") == 0) {
        QNI_TRY(end_tag(p, true));
        QNI_TRY(parse_body(p, last, &node->else_body, &found));
    }
    return end_tag(p, true);
}

static qn_status parse_targets(parser *p, qni_node *node)
{
    size_t capacity = 0;
    bool group = take(p, "(");
    do {
        const char *name;
        QNI_TRY(read_name(p, &name));
        QNI_TRY(grow(p, &node->targets, &capacity, node->n_targets + 1, sizeof *node->targets));
        node->targets[node->n_targets++] = name;
    } while (take(p, ","));
    return !group || take(p, ")") ? QN_OK : fail(p, "expected ')'");
}

static qn_status parse_for(parser *p, qni_node *node)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    static const char *const last[] = {"endfor", NULL};
    const char *found;
    QNI_TRY(parse_targets(p, node));
    if (!take_word(p, "in")) {
        return fail(p, "expected \"in\"");
    }
    QNI_TRY(parse_operators(p, 0, &node->a));
    if (take_word(p, "if")) {
        QNI_TRY(parse_expression(p, &node->b));
    }
    QNI_TRY(end_tag(p, true));
    p->loops++;
    QNI_TRY(parse_body(p, ends, &node->body, &found));
    p->loops--;
    if (strcmp(found, "else") == 0) {
        QNI_TRY(end_tag(p, true));
        QNI_TRY(parse_body(p, last, &node->else_body, &found));
    }
    return end_tag(p, true);
}

// An expression, or several with commas between them.
static qn_status parse_list(parser *p, qni_node **out)
{
    QNI_TRY(parse_expression(p, out));
    if (!take(p, ",")) {
        return QN_OK;
    }
    qni_node *list;
    QNI_TRY(new_node(p, QNI_NODE_LIST, &list));
    QNI_TRY(append(p, &list->items, *out));
    *out = list;
    do {
        qni_node *item;
        skip(p);
        if (p->at == p->tag_end) {
            break;
        }
        QNI_TRY(parse_expression(p, &item));
        QNI_TRY(append(p, &list->items, item));
    } while (take(p, ","));
    return QN_OK;
}

static qn_status parse_more_filters(parser *p, qni_node **out)
{
    while (take(p, "|")) {
        QNI_TRY(parse_filter(p, out));
    }
    return QN_OK;
}

// {% set x | upper %}: filters over what the body writes; none: NULL.
static qn_status parse_block_filters(parser *p, qni_node **out)
{
    skip(p);
    if (p->at == p->tag_end || *p->at != '|') {
        return QN_OK;
    }
    QNI_TRY(new_node(p, QNI_NODE_BODY, out));
    return parse_more_filters(p, out);
}

static qn_status parse_set(parser *p, qni_node *node)
{
    static const char *const ends[] = {"endset", NULL};
    const char *found;
    QNI_TRY(parse_targets(p, node));
    if (take(p, ".")) {
        QNI_TRY(read_name(p, &node->text));
    }
    if (take(p, "=")) {
        QNI_TRY(parse_list(p, &node->a));
        return end_tag(p, true);
    }
    QNI_TRY(parse_block_filters(p, &node->a));
    QNI_TRY(end_tag(p, true));
    QNI_TRY(parse_body(p, ends, &node->body, &found));
    return end_tag(p, true);
}

// {% filter upper %}: what the body writes goes through the filters.
static qn_status parse_filter_block(parser *p, qni_node *node)
{
    static const char *const ends[] = {"endfilter", NULL};
    const char *found;
    QNI_TRY(new_node(p, QNI_NODE_BODY, &node->a));
    QNI_TRY(parse_filter(p, &node->a));
    QNI_TRY(parse_more_filters(p, &node->a));
    QNI_TRY(end_tag(p, true));
    QNI_TRY(parse_body(p, ends, &node->body, &found));
    return end_tag(p, true);
}

// {% with a = 1, b = 2 %}: names that hold inside.
static qn_status parse_with(parser *p, qni_node *node)
{
    static const char *const ends[] = {"endwith", NULL};
    const char *found;
    size_t capacity = 0;
    skip(p);
    while (word_length(p) > 0) {
        const char *name;
        qni_node *value = NULL;
        QNI_TRY(read_name(p, &name));
        if (!take(p, "=")) {
            return fail(p, "expected '='");
        }
        QNI_TRY(parse_expression(p, &value));
        QNI_TRY(grow(p, &node->targets, &capacity, node->n_targets + 1, sizeof *node->targets));
        node->targets[node->n_targets++] = name;
        QNI_TRY(append(p, &node->items, value));
        if (!take(p, ",")) {
            break;
        }
        skip(p);
    }
    QNI_TRY(end_tag(p, true));
    QNI_TRY(parse_body(p, ends, &node->body, &found));
    return end_tag(p, true);
}

static qn_status parse_macro(parser *p, qni_node *node)
{
    static const char *const ends[] = {"endmacro", NULL};
    const char *found;
    size_t capacity = 0;
    QNI_TRY(read_name(p, &node->text));
    if (!take(p, "(")) {
        return fail(p, "expected '('");
    }
    while (!take(p, ")")) {
        const char *name;
        qni_node *otherwise = NULL;
        QNI_TRY(read_name(p, &name));
        if (take(p, "=")) {
            QNI_TRY(parse_expression(p, &otherwise));
        }
        QNI_TRY(grow(p, &node->targets, &capacity, node->n_targets + 1, sizeof *node->targets));
        node->targets[node->n_targets++] = name;
        QNI_TRY(append(p, &node->items, otherwise));
        if (!take(p, ",") && !(take(p, ")") && (p->at--, true))) {
            return fail(p, "expected ',' or ')'");
        }
    }
    QNI_TRY(end_tag(p, true));
    QNI_TRY(parse_body(p, ends, &node->body, &found));
    return end_tag(p, true);
}

static qn_status parse_generation(parser *p, qni_node *node)
{
    static const char *const ends[] = {"endgeneration", NULL};
    const char *found;
    QNI_TRY(end_tag(p, true));
    QNI_TRY(parse_body(p, ends, &node->body, &found));
    return end_tag(p, true);
}

// break and continue
static qn_status parse_jump(parser *p, qni_node *node)
{
    (void)node;
    return p->loops > 0 ? end_tag(p, true) : fail(p, "break or continue outside of a loop");
}

static const struct {
    const char *name;
    qni_node_kind kind;
    qn_status (*parse)(parser *p, qni_node *node);
} statements[] = {
    {"if", QNI_NODE_IF, parse_if},
    {"for", QNI_NODE_FOR, parse_for},
    {"set", QNI_NODE_SET, parse_set},
    {"macro", QNI_NODE_MACRO, parse_macro},
    {"break", QNI_NODE_BREAK, parse_jump},
    {"continue", QNI_NODE_CONTINUE, parse_jump},
    {"generation", QNI_NODE_GENERATION, parse_generation},
    {"filter", QNI_NODE_FILTER_BLOCK, parse_filter_block},
    {"with", QNI_NODE_WITH, parse_with},
};

static qn_status parse_statement(parser *p, qni_node_list *body)
{
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (take_word(p, statements[i].name)) {
            qni_node *node;
            QNI_TRY(new_node(p, statements[i].kind, &node));
            QNI_TRY(append(p, body, node));
            if (++p->depth > MAX_DEPTH) {
                return fail(p, "nested too deep");
            }
            QNI_TRY(statements[i].parse(p, node));
            p->depth--;
            return QN_OK;
        }
    }
    return fail(p, "an unknown tag");
}

// Text up to {% endraw %}, as it is.
static qn_status parse_raw(parser *p, qni_node_list *body)
{
    QNI_TRY(end_tag(p, true));
    for (const char *at = p->at; at + 1 < p->end; at++) {
        if (memcmp(at, "{%", 2) != 0) {
            continue;
        }
        parser ahead = *p;
        ahead.at = at;
        char sign = at + 2 < p->end ? at[2] : '\0';
        if (begin_tag(&ahead, "%}") == QN_OK && take_word(&ahead, "endraw")) {
            QNI_TRY(add_text(p, at, sign == '-', sign != '+', body));
            QNI_TRY(begin_tag(p, "%}"));
            (void)take_word(p, "endraw");
            return end_tag(p, true);
        }
    }
    return fail(p, "a raw block without its end");
}

static bool find_end(parser *p, const char *const *ends, const char **found)
{
    for (; ends != NULL && *ends != NULL; ends++) {
        if (take_word(p, *ends)) {
            *found = *ends;
            return true;
        }
    }
    return false;
}

static qn_status parse_output(parser *p, qni_node_list *body)
{
    qni_node *node;
    QNI_TRY(begin_tag(p, "}}"));
    QNI_TRY(new_node(p, QNI_NODE_OUTPUT, &node));
    QNI_TRY(parse_expression(p, &node->a));
    QNI_TRY(append(p, body, node));
    return end_tag(p, false);
}

// Up to one of the tags in `ends`, which is left with its arguments unread; NULL: up to the end of
// the source.
static qn_status parse_body(parser *p, const char *const *ends, qni_node_list *body,
                            const char **found)
{
    while (p->at < p->end) {
        const char *tag = p->at;
        while (tag < p->end && !(tag + 1 < p->end && tag[0] == '{' &&
                                 strchr("{%#", tag[1]) != NULL && tag[1] != '\0')) {
            tag++;
        }
        bool more = tag < p->end;
        char sign = more && tag + 2 < p->end ? tag[2] : '\0';
        QNI_TRY(add_text(p, tag, more && sign == '-', more && tag[1] != '{' && sign != '+', body));
        if (!more) {
            break;
        }
        if (tag[1] == '#') {
            QNI_TRY(skip_comment(p));
        } else if (tag[1] == '{') {
            QNI_TRY(parse_output(p, body));
        } else {
            QNI_TRY(begin_tag(p, "%}"));
            if (find_end(p, ends, found)) {
                return QN_OK;
            }
            QNI_TRY(take_word(p, "raw") ? parse_raw(p, body) : parse_statement(p, body));
        }
    }
    return ends == NULL ? QN_OK : fail(p, "a block without its end");
}

qn_status qni_template_parse_source(qni_template *t, qn_error *err)
{
    size_t n = strlen(t->source);
    parser p = {
        .t = t, .at = t->source, .end = t->source + n, .tag_end = t->source + n, .err = err};
    const char *found;
    p.end -= n > 0 && t->source[n - 1] == '\n'; // one newline at the end of a template is not text
    return parse_body(&p, NULL, &t->body, &found);
}
