#include "text/regex.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <string.h>

typedef struct parser {
    const char *at;
    qni_regex_flavor flavor;
    qni_regex *regex;
    bool fold; // inside (?i)
    int depth;
    qn_error *err;
} parser;

static qn_status unsupported(parser *p, const char *what)
{
    return qni_fail(p->err, QN_UNSUPPORTED, NULL, "regular expression: %s at \"%.40s\"", what,
                    p->at);
}

static qn_status add_node(parser *p, qni_regex_node node, int32_t *out)
{
    qni_regex *r = p->regex;
    if (r->n_nodes >= QNI_MAX_REGEX_NODES) {
        return qni_fail(p->err, QN_LIMIT_EXCEEDED, NULL,
                        "a regular expression of more than %d parts (QNI_MAX_REGEX_NODES)",
                        QNI_MAX_REGEX_NODES);
    }
    if (qni_grow(&r->nodes, &r->nodes_capacity, r->n_nodes + 1, sizeof *r->nodes) != 0) {
        return qni_fail_memory(p->err);
    }
    r->nodes[r->n_nodes] = node;
    *out = (int32_t)r->n_nodes++;
    return QN_OK;
}

// Takes the set over and gives its index; equal sets share one.
static qn_status add_set(parser *p, qni_charset *set, int32_t *out)
{
    qni_regex *r = p->regex;
    for (size_t i = 0; i < r->n_sets; i++) {
        if (qni_charset_equal(&r->sets[i], set)) {
            qni_charset_end(set);
            *out = (int32_t)i;
            return QN_OK;
        }
    }
    if (qni_grow(&r->sets, &r->sets_capacity, r->n_sets + 1, sizeof *r->sets) != 0) {
        qni_charset_end(set);
        return qni_fail_memory(p->err);
    }
    r->sets[r->n_sets] = *set;
    *out = (int32_t)r->n_sets++;
    *set = (qni_charset){0};
    return QN_OK;
}

// Hexadecimal digits: exactly `n`, or as many as come before '}' when `n` is 0.
static qn_status read_hex(parser *p, int n, uint32_t *code)
{
    *code = 0;
    int got = 0;
    while ((n == 0 ? got < 8 : got < n) && qni_hex_value(*p->at) >= 0) {
        *code = *code << 4 | (uint32_t)qni_hex_value(*p->at++);
        got++;
    }
    bool closed = n != 0 || *p->at++ == '}';
    if (got == 0 || (n != 0 && got < n) || !closed || *code >= QNI_CODE_POINTS) {
        return unsupported(p, "a character code");
    }
    return QN_OK;
}

// One character, written plainly or behind a backslash (which *at has passed when `escaped`).
static qn_status read_character(parser *p, bool escaped, uint32_t *code)
{
    static const char names[] = "nrtfvae0", values[] = "\n\r\t\f\v\a\x1B";
    if (escaped) {
        const char *name = *p->at == 0 ? NULL : strchr(names, *p->at);
        if (name != NULL) {
            p->at++;
            *code = (uint32_t)values[name - names];
            return QN_OK;
        }
        if (*p->at == 'x' || *p->at == 'u') {
            bool braces = p->at[1] == '{';
            int digits = braces ? 0 : *p->at == 'x' ? 2 : 4;
            p->at += braces ? 2 : 1;
            return read_hex(p, digits, code);
        }
        bool word = (*p->at >= '0' && *p->at <= '9') || (*p->at >= 'a' && *p->at <= 'z') ||
                    (*p->at >= 'A' && *p->at <= 'Z') || *p->at == 0;
        if (word) {
            return unsupported(p, "an escape that is not known");
        }
    }
    int length = qni_utf8_decode((const unsigned char *)p->at, strlen(p->at), code);
    if (length < 0) {
        return unsupported(p, "a byte that is not UTF-8");
    }
    p->at += length;
    return QN_OK;
}

static bool is_set_escape(const char *at)
{
    return at[0] == '\\' && at[1] != 0 && strchr("dDsSwWpPhH", at[1]) != NULL;
}

// Adds members, or what they are not, to a set when they were read; they end.
static qn_status add_members(parser *p, qn_status status, qni_charset *members, bool negated,
                             qni_charset *set)
{
    if (status == QN_OK && negated) {
        status = qni_charset_invert(members, p->err);
    }
    if (status == QN_OK) {
        status = qni_charset_combine(set, QNI_UNION, members, p->err);
    }
    qni_charset_end(members);
    return status;
}

// \d \s \w \h \p{..} and their opposites, added to `set`.
static qn_status read_set_escape(parser *p, qni_charset *set)
{
    char letter = p->at[1];
    bool negated = letter >= 'A' && letter <= 'Z';
    char lower = (char)(letter | 0x20);
    p->at += 2;
    qni_charset members = {0};
    qn_status status = QN_OK;
    if (lower == 'p') {
        const char *name = p->at + 1;
        const char *close = p->at[0] == '{' ? strchr(name, '}') : NULL;
        size_t n = close != NULL ? (size_t)(close - name) : 1;
        if (close == NULL) {
            name = p->at;
        }
        if (n > 0 && *name == '^') {
            negated = !negated;
            name++;
            n--;
        }
        status = qni_charset_add_property(&members, name, n, p->err);
        p->at = close != NULL ? close + 1 : p->at + (*p->at != 0);
    } else if (lower == 'h') {
        if (p->flavor != QNI_REGEX_ONIGURUMA) {
            return unsupported(p, "\\h");
        }
        status = qni_charset_add_posix(&members, "xdigit", strlen("xdigit"), p->err);
    } else {
        status = qni_charset_add_perl(&members, lower, p->err);
    }
    return add_members(p, status, &members, negated, set);
}

// [:name:] or [:^name:] inside brackets, added to `set`.
static qn_status read_posix_class(parser *p, qni_charset *set)
{
    const char *close = strstr(p->at, ":]");
    if (p->flavor != QNI_REGEX_ONIGURUMA || close == NULL) {
        return unsupported(p, "a POSIX class");
    }
    bool negated = p->at[2] == '^';
    const char *name = p->at + 2 + negated;
    qni_charset members = {0};
    qn_status status = name > close
                           ? unsupported(p, "a POSIX class without a name")
                           : qni_charset_add_posix(&members, name, (size_t)(close - name), p->err);
    p->at = close + 2;
    return add_members(p, status, &members, negated, set);
}

static qn_status read_class(parser *p, qni_charset *set);

// A character or a range of them inside brackets.
static qn_status read_range(parser *p, qni_charset *set)
{
    uint32_t first, last;
    bool escaped = *p->at == '\\';
    p->at += escaped;
    if (escaped && *p->at == 'b') {
        return unsupported(p, "a backspace");
    }
    QNI_TRY(read_character(p, escaped, &first));
    last = first;
    if (p->at[0] == '-' && p->at[1] != ']' && p->at[1] != 0) {
        if (p->at[1] == '[' || is_set_escape(p->at + 1)) {
            return unsupported(p, "a range that ends in a set");
        }
        p->at++;
        escaped = *p->at == '\\';
        p->at += escaped;
        QNI_TRY(read_character(p, escaped, &last));
    }
    if (last < first) {
        return unsupported(p, "a range that runs backwards");
    }
    return qni_charset_add(set, first, last, p->err);
}

// What stands between '[' or "&&" and the next "&&" or ']'.
static qn_status read_class_items(parser *p, qni_charset *set)
{
    bool first = true;
    while (*p->at != 0 && (*p->at != ']' || first) && strncmp(p->at, "&&", 2) != 0) {
        if (p->at[0] == '[' && p->at[1] == ':') {
            QNI_TRY(read_posix_class(p, set));
        } else if (*p->at == '[') {
            qni_charset inner = {0};
            qn_status status = read_class(p, &inner);
            QNI_TRY(add_members(p, status, &inner, false, set));
        } else if (is_set_escape(p->at)) {
            QNI_TRY(read_set_escape(p, set));
        } else {
            QNI_TRY(read_range(p, set));
        }
        first = false;
    }
    return QN_OK;
}

static qn_status read_class(parser *p, qni_charset *set)
{
    if (++p->depth > QNI_MAX_REGEX_DEPTH) {
        return unsupported(p, "nesting too deep (QNI_MAX_REGEX_DEPTH)");
    }
    p->at++;
    bool negated = *p->at == '^';
    p->at += negated;
    QNI_TRY(read_class_items(p, set));
    while (strncmp(p->at, "&&", 2) == 0) {
        p->at += 2;
        qni_charset other = {0};
        qn_status status = read_class_items(p, &other);
        if (status == QN_OK) {
            status = qni_charset_combine(set, QNI_INTERSECTION, &other, p->err);
        }
        qni_charset_end(&other);
        QNI_TRY(status);
    }
    if (*p->at != ']') {
        return unsupported(p, "a class without its end");
    }
    p->at++;
    p->depth--;
    if (p->fold) {
        QNI_TRY(qni_charset_fold_case(set, p->err));
    }
    return negated ? qni_charset_invert(set, p->err) : QN_OK;
}

// A set of any writing: class, escape, dot or single character.
static qn_status read_set(parser *p, qni_charset *set)
{
    if (*p->at == '[') {
        return read_class(p, set);
    }
    if (is_set_escape(p->at)) {
        return read_set_escape(p, set);
    }
    if (*p->at == '.') {
        p->at++;
        QNI_TRY(qni_charset_add(set, '\n', '\n', p->err));
        return qni_charset_invert(set, p->err);
    }
    uint32_t code;
    bool escaped = *p->at == '\\';
    p->at += escaped;
    QNI_TRY(read_character(p, escaped, &code));
    QNI_TRY(qni_charset_add(set, code, code, p->err));
    return p->fold ? qni_charset_fold_case(set, p->err) : QN_OK;
}

static qn_status add_set_node(parser *p, qni_regex_kind kind, qni_charset *set, bool negated,
                              int32_t *out)
{
    qni_regex_node node = {.kind = kind, .negated = negated};
    QNI_TRY(add_set(p, set, &node.set));
    return add_node(p, node, out);
}

static qn_status parse_alternatives(parser *p, int32_t *out);

// (?=x) and (?!x), where x is one character.
static qn_status parse_look(parser *p, int32_t *out)
{
    bool negated = p->at[2] == '!';
    p->at += 3;
    qni_charset set = {0};
    qn_status status = read_set(p, &set);
    if (status == QN_OK && *p->at != ')') {
        status = unsupported(p, "looking further ahead than one character");
    }
    if (status == QN_OK) {
        p->at++;
        status = add_set_node(p, QNI_REGEX_LOOK, &set, negated, out);
    }
    qni_charset_end(&set);
    return status;
}

static qn_status parse_group(parser *p, int32_t *out)
{
    if (strncmp(p->at, "(?=", 3) == 0 || strncmp(p->at, "(?!", 3) == 0) {
        return parse_look(p, out);
    }
    bool fold = p->fold;
    if (strncmp(p->at, "(?:", 3) == 0) {
        p->at += 3;
    } else if (strncmp(p->at, "(?i:", 4) == 0) {
        p->at += 4;
        p->fold = true;
    } else if (p->at[1] == '?') {
        return unsupported(p, "a group of this kind");
    } else {
        p->at++;
    }
    if (++p->depth > QNI_MAX_REGEX_DEPTH) {
        return unsupported(p, "nesting too deep (QNI_MAX_REGEX_DEPTH)");
    }
    QNI_TRY(parse_alternatives(p, out));
    if (*p->at != ')') {
        return unsupported(p, "a group without its end");
    }
    p->at++;
    p->depth--;
    p->fold = fold;
    return QN_OK;
}

// The end of the text, or of a line, as one character of looking ahead: what follows is not a
// character (or not one but '\n').
static qn_status parse_end(parser *p, int32_t *out)
{
    bool line = *p->at == '$' && p->flavor == QNI_REGEX_ONIGURUMA;
    p->at += *p->at == '$' ? 1 : 2;
    qni_charset set = {0};
    qn_status status = line ? qni_charset_add(&set, '\n', '\n', p->err) : QN_OK;
    if (status == QN_OK) {
        status = qni_charset_invert(&set, p->err);
    }
    if (status == QN_OK) {
        status = add_set_node(p, QNI_REGEX_LOOK, &set, true, out);
    }
    qni_charset_end(&set);
    return status;
}

static qn_status parse_atom(parser *p, int32_t *out)
{
    if (*p->at == '(') {
        return parse_group(p, out);
    }
    if (*p->at == '$' || strncmp(p->at, "\\z", 2) == 0) {
        return parse_end(p, out);
    }
    if (strchr("^*+?{", *p->at) != NULL) {
        return unsupported(p, "an operator");
    }
    qni_charset set = {0};
    qn_status status = read_set(p, &set);
    if (status == QN_OK) {
        status = add_set_node(p, QNI_REGEX_SET, &set, false, out);
    }
    qni_charset_end(&set);
    return status;
}

static bool read_number(parser *p, int32_t *value)
{
    const char *start = p->at;
    *value = 0;
    while (*p->at >= '0' && *p->at <= '9' && *value <= QNI_MAX_REGEX_REPEAT) {
        *value = *value * 10 + (*p->at++ - '0');
    }
    return p->at > start;
}

// Reads `{m,n}` and its shorter forms.
static qn_status read_interval(parser *p, qni_regex_node *node)
{
    p->at++;
    bool low = read_number(p, &node->min);
    node->max = node->min;
    bool high = true;
    if (*p->at == ',') {
        p->at++;
        high = read_number(p, &node->max);
        node->max = high ? node->max : QNI_REGEX_ENDLESS;
    }
    if ((!low && !high) || *p->at != '}') {
        return unsupported(p, "a repetition");
    }
    p->at++;
    if (node->min > QNI_MAX_REGEX_REPEAT || node->max > QNI_MAX_REGEX_REPEAT ||
        (node->max >= 0 && node->max < node->min)) {
        return unsupported(p, "a repetition out of range (QNI_MAX_REGEX_REPEAT)");
    }
    return QN_OK;
}

static qn_status parse_repeats(parser *p, int32_t *out)
{
    QNI_TRY(parse_atom(p, out));
    while (*p->at != 0 && strchr("*+?{", *p->at) != NULL) {
        qni_regex_node node = {.kind = QNI_REGEX_REPEAT, .a = *out, .max = QNI_REGEX_ENDLESS};
        bool interval = *p->at == '{';
        if (interval) {
            QNI_TRY(read_interval(p, &node));
        } else {
            node.min = *p->at == '+';
            node.max = *p->at == '?' ? 1 : QNI_REGEX_ENDLESS;
            p->at++;
        }
        if (*p->at == '?') {
            node.greed = QNI_LAZY;
            p->at++;
        } else if (*p->at == '+' && !(interval && p->flavor == QNI_REGEX_ONIGURUMA)) {
            node.greed = QNI_POSSESSIVE;
            p->at++;
        }
        QNI_TRY(add_node(p, node, out));
    }
    return QN_OK;
}

static qn_status parse_sequence(parser *p, int32_t *out)
{
    QNI_TRY(add_node(p, (qni_regex_node){.kind = QNI_REGEX_EMPTY}, out));
    bool first = true;
    while (*p->at != 0 && *p->at != '|' && *p->at != ')') {
        int32_t next;
        QNI_TRY(parse_repeats(p, &next));
        if (first) {
            *out = next;
        } else {
            qni_regex_node node = {.kind = QNI_REGEX_CAT, .a = *out, .b = next};
            QNI_TRY(add_node(p, node, out));
        }
        first = false;
    }
    return QN_OK;
}

static qn_status parse_alternatives(parser *p, int32_t *out)
{
    QNI_TRY(parse_sequence(p, out));
    while (*p->at == '|') {
        p->at++;
        int32_t next;
        QNI_TRY(parse_sequence(p, &next));
        qni_regex_node node = {.kind = QNI_REGEX_ALT, .a = *out, .b = next};
        QNI_TRY(add_node(p, node, out));
    }
    return QN_OK;
}

qn_status qni_regex_parse(const char *pattern, qni_regex_flavor flavor, qni_regex *out,
                          qn_error *err)
{
    *out = (qni_regex){0};
    parser p = {.at = pattern, .flavor = flavor, .regex = out, .err = err};
    QNI_TRY(parse_alternatives(&p, &out->root));
    return *p.at == 0 ? QN_OK : unsupported(&p, "a closing parenthesis");
}

void qni_regex_end(qni_regex *regex)
{
    for (size_t i = 0; i < regex->n_sets; i++) {
        qni_charset_end(&regex->sets[i]);
    }
    qni_free(regex->sets);
    qni_free(regex->nodes);
    *regex = (qni_regex){0};
}

qn_status qni_regex_read_set(const char **at, qni_regex_flavor flavor, qni_charset *set,
                             qn_error *err)
{
    parser p = {.at = *at, .flavor = flavor, .err = err};
    QNI_TRY(read_set(&p, set));
    *at = p.at;
    return QN_OK;
}

// Children are made before their parents, so one pass over the nodes is enough.
qn_status qni_regex_may_be_empty(const qni_regex *regex, bool *may, qn_error *err)
{
    bool *empty = qni_calloc(regex->n_nodes + 1, sizeof *empty);
    if (empty == NULL) {
        return qni_fail_memory(err);
    }
    for (size_t i = 0; i < regex->n_nodes; i++) {
        const qni_regex_node *node = &regex->nodes[i];
        switch (node->kind) {
        case QNI_REGEX_EMPTY:
        case QNI_REGEX_LOOK: empty[i] = true; break;
        case QNI_REGEX_SET: empty[i] = false; break;
        case QNI_REGEX_CAT: empty[i] = empty[node->a] && empty[node->b]; break;
        case QNI_REGEX_ALT: empty[i] = empty[node->a] || empty[node->b]; break;
        case QNI_REGEX_REPEAT: empty[i] = node->min == 0 || empty[node->a]; break;
        }
    }
    *may = empty[regex->root];
    qni_free(empty);
    return QN_OK;
}
