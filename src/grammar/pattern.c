#include "grammar/pattern.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/pattern_impl.h"

#include <string.h>

qn_status qni_pattern_bad(qni_pattern_parser *p, const char *what)
{
    return qni_fail(p->err, QN_INVALID_ARGUMENT, NULL, "pattern '%.*s': %s at byte %zu",
                    p->size < 200 ? (int)p->size : 200, p->text, what, p->at);
}

qn_status qni_pattern_unsupported(qni_pattern_parser *p, const char *what)
{
    return qni_fail(p->err, QN_UNSUPPORTED, NULL, "pattern '%.*s': %s at byte %zu",
                    p->size < 200 ? (int)p->size : 200, p->text, what, p->at);
}

bool qni_pattern_has(const qni_pattern_parser *p, const char *word)
{
    size_t n = strlen(word);
    return p->size - p->at >= n && memcmp(p->text + p->at, word, n) == 0;
}

bool qni_pattern_take(qni_pattern_parser *p, const char *word)
{
    bool found = qni_pattern_has(p, word);
    p->at += found ? strlen(word) : 0;
    return found;
}

qn_status qni_pattern_node(qni_pattern_parser *p, qni_node_kind kind, qni_node **out)
{
    qni_node *n = qni_arena_alloc(&p->arena, sizeof *n);
    if (n == NULL) {
        return qni_fail_memory(p->err);
    }
    n->kind = kind;
    *out = n;
    return QN_OK;
}

qn_status qni_pattern_term(qni_pattern_parser *p, qni_term term, qni_node **out)
{
    QNI_TRY(qni_pattern_node(p, QNI_NODE_TERM, out));
    (*out)->term = term;
    return qni_account_status(p->terms->account, p->err);
}

static qn_status parse_alternatives(qni_pattern_parser *p, qni_node **out);

// (?i) and (?s-i:...) of RE2. Takes the flags; `*group` tells whether a group follows.
static qn_status parse_flags(qni_pattern_parser *p, bool *group)
{
    bool on = true;
    for (; p->at < p->size; p->at++) {
        char c = p->text[p->at];
        if (c == '-') {
            on = false;
        } else if (c == 'i') {
            p->fold_case = on;
        } else if (c == 's') {
            p->dot_all = on;
        } else if (c == ':' || c == ')') {
            *group = c == ':';
            p->at++;
            return QN_OK;
        } else {
            return qni_pattern_unsupported(p, "a flag other than i and s");
        }
    }
    return qni_pattern_bad(p, "a group without its closing parenthesis");
}

static qn_status close_group(qni_pattern_parser *p)
{
    return qni_pattern_take(p, ")") ? QN_OK
                                    : qni_pattern_bad(p, "a group without its closing parenthesis");
}

// An opening parenthesis was taken.
static qn_status parse_group(qni_pattern_parser *p, qni_node **out)
{
    bool fold_case = p->fold_case, dot_all = p->dot_all;
    if (qni_pattern_has(p, "?=") || qni_pattern_has(p, "?!")) {
        qni_node *body;
        bool negated = p->text[p->at + 1] == '!';
        p->at += 2;
        QNI_TRY(parse_alternatives(p, &body));
        QNI_TRY(qni_pattern_node(p, QNI_NODE_AHEAD, out));
        (*out)->negated = negated;
        (*out)->first = body;
        return close_group(p);
    }
    if (qni_pattern_has(p, "?<=") || qni_pattern_has(p, "?<!")) {
        return qni_pattern_unsupported(p, "look-behind");
    }
    if (qni_pattern_has(p, "?>")) {
        return qni_pattern_unsupported(p, "an atomic group");
    }
    if (qni_pattern_take(p, "?<") || qni_pattern_take(p, "?P<")) {
        while (p->at < p->size && p->text[p->at] != '>') {
            p->at++;
        }
        if (!qni_pattern_take(p, ">")) {
            return qni_pattern_bad(p, "a group's name without its end");
        }
    } else if (!qni_pattern_take(p, "?:") && qni_pattern_take(p, "?")) {
        bool group = false;
        QNI_TRY(parse_flags(p, &group));
        if (!group) { // the flags hold to the end of the group around
            return qni_pattern_term(p, QNI_TERM_EMPTY, out);
        }
    }
    QNI_TRY(parse_alternatives(p, out));
    p->fold_case = fold_case;
    p->dot_all = dot_all;
    return close_group(p);
}

// One character that stands for itself.
static qn_status parse_literal(qni_pattern_parser *p, qni_node **out)
{
    uint32_t code;
    int n = qni_utf8_decode((const unsigned char *)p->text + p->at, p->size - p->at, &code);
    if (n < 0) {
        return qni_pattern_bad(p, "ill-formed UTF-8");
    }
    p->at += (size_t)n;
    return qni_pattern_one(p, code, out);
}

// RE2's marks around characters that stand for themselves. What is repeated behind the second is
// the last of these.
static void take_quotes(qni_pattern_parser *p)
{
    while (p->syntax == QNI_PATTERN_RE2 && qni_pattern_take(p, p->quoted ? "\\E" : "\\Q")) {
        p->quoted = !p->quoted;
    }
}

static qn_status parse_atom(qni_pattern_parser *p, qni_node **out)
{
    char c = p->text[p->at];
    if (p->quoted) {
        return parse_literal(p, out);
    }
    if (qni_pattern_take(p, "(")) {
        if (++p->depth > QNI_MAX_PATTERN_DEPTH) {
            return qni_fail(p->err, QN_LIMIT_EXCEEDED, NULL,
                            "pattern '%.100s': more than %d nested groups", p->text,
                            QNI_MAX_PATTERN_DEPTH);
        }
        qn_status status = parse_group(p, out);
        p->depth--;
        return status;
    }
    if (qni_pattern_take(p, "[")) {
        return qni_pattern_class(p, out);
    }
    if (qni_pattern_take(p, ".")) {
        return qni_pattern_dot(p, out);
    }
    if (qni_pattern_take(p, "^")) {
        return qni_pattern_node(p, QNI_NODE_START, out);
    }
    if (qni_pattern_take(p, "$")) {
        return qni_pattern_node(p, QNI_NODE_END, out);
    }
    if (qni_pattern_take(p, "\\")) {
        return qni_pattern_escape(p, out);
    }
    if (c == '*' || c == '+' || c == '?') {
        return qni_pattern_bad(p, "nothing to repeat");
    }
    return parse_literal(p, out);
}

static bool take_number(qni_pattern_parser *p, uint32_t *value)
{
    size_t start = p->at;
    uint64_t v = 0;
    while (p->at < p->size && p->text[p->at] >= '0' && p->text[p->at] <= '9') {
        v = v * 10 + (uint64_t)(p->text[p->at++] - '0');
        v = v > QNI_MAX_PATTERN_REPEAT ? QNI_MAX_PATTERN_REPEAT + 1 : v;
    }
    *value = (uint32_t)v;
    return p->at > start;
}

// * + ? {m} {m,} {m,n}. `*found` is false when none follows; a brace that is none stands for
// itself.
static qn_status take_quantifier(qni_pattern_parser *p, uint32_t *min, uint32_t *max, bool *found)
{
    size_t start = p->at;
    *found = true;
    *min = 0;
    *max = QNI_TERM_NO_MAX;
    if (qni_pattern_take(p, "*")) {
    } else if (qni_pattern_take(p, "+")) {
        *min = 1;
    } else if (qni_pattern_take(p, "?")) {
        *max = 1;
    } else if (qni_pattern_take(p, "{") && take_number(p, min)) {
        *max = *min;
        if (qni_pattern_take(p, ",") && !take_number(p, max)) {
            *max = QNI_TERM_NO_MAX;
        }
        *found = qni_pattern_take(p, "}");
    } else {
        *found = false;
    }
    if (!*found) {
        p->at = start;
        return QN_OK;
    }
    if (*min > *max) {
        return qni_pattern_bad(p, "a repeat whose bounds run backwards");
    }
    if (*min > QNI_MAX_PATTERN_REPEAT ||
        (*max != QNI_TERM_NO_MAX && *max > QNI_MAX_PATTERN_REPEAT)) {
        return qni_fail(p->err, QN_LIMIT_EXCEEDED, NULL, "pattern '%.100s': more than %d repeats",
                        p->text, QNI_MAX_PATTERN_REPEAT);
    }
    if (!qni_pattern_take(p, "?")) {
        qni_pattern_take(p, "+"); // lazy and possessive take the same texts here
    }
    return QN_OK;
}

// Wraps an atom in its quantifiers.
static qn_status repeat_atom(qni_pattern_parser *p, qni_node **atom)
{
    for (;;) {
        uint32_t min, max;
        bool found = false;
        take_quotes(p);
        if (!p->quoted) {
            QNI_TRY(take_quantifier(p, &min, &max, &found));
        }
        if (!found) {
            return QN_OK;
        }
        if ((*atom)->kind == QNI_NODE_TERM) {
            (*atom)->term = qni_term_repeat(p->terms, (*atom)->term, min, max);
            QNI_TRY(qni_account_status(p->terms->account, p->err));
            continue;
        }
        qni_node_kind kind = (*atom)->kind;
        bool group = kind == QNI_NODE_CONCAT || kind == QNI_NODE_ALT || kind == QNI_NODE_REPEAT;
        if (max == QNI_TERM_NO_MAX && group) {
            return qni_pattern_unsupported(
                p, "an unbounded repeat with an anchor or a look-ahead inside");
        }
        max = group ? max : min > 0; // an anchor takes no text: once is as good as often
        min = min > max ? max : min;
        qni_node *outer = NULL;
        QNI_TRY(qni_pattern_node(p, QNI_NODE_REPEAT, &outer));
        outer->min = min;
        outer->max = max;
        outer->first = *atom;
        *atom = outer;
    }
}

static qn_status parse_sequence(qni_pattern_parser *p, qni_node **out)
{
    qni_node *head = NULL, *last = NULL;
    take_quotes(p);
    while (p->at < p->size && (p->quoted || (p->text[p->at] != '|' && p->text[p->at] != ')'))) {
        qni_node *atom = NULL;
        QNI_TRY(parse_atom(p, &atom));
        QNI_TRY(repeat_atom(p, &atom));
        *(last == NULL ? &head : &last->next) = atom;
        last = atom;
    }
    if (head == NULL) {
        return qni_pattern_term(p, QNI_TERM_EMPTY, out);
    }
    // A run without anchors becomes one term.
    bool plain = true;
    for (qni_node *n = head; n != NULL; n = n->next) {
        plain = plain && n->kind == QNI_NODE_TERM;
    }
    if (!plain) {
        QNI_TRY(qni_pattern_node(p, QNI_NODE_CONCAT, out));
        (*out)->first = head;
        return QN_OK;
    }
    size_t n = 0;
    for (qni_node *i = head; i != NULL; i = i->next) {
        n++;
    }
    qni_node **items = qni_arena_array(&p->arena, n, sizeof *items);
    if (items == NULL) {
        return qni_fail_memory(p->err);
    }
    n = 0;
    for (qni_node *i = head; i != NULL; i = i->next) {
        items[n++] = i;
    }
    qni_term term = QNI_TERM_EMPTY;
    while (n > 0) {
        term = qni_term_concat(p->terms, items[--n]->term, term);
    }
    return qni_pattern_term(p, term, out);
}

static qn_status parse_alternatives(qni_pattern_parser *p, qni_node **out)
{
    qni_node *head = NULL, *last;
    QNI_TRY(parse_sequence(p, &head));
    last = head;
    bool plain = head->kind == QNI_NODE_TERM;
    while (qni_pattern_take(p, "|")) {
        QNI_TRY(parse_sequence(p, &last->next));
        last = last->next;
        plain = plain && last->kind == QNI_NODE_TERM;
    }
    if (head == last) {
        *out = head;
        return QN_OK;
    }
    if (!plain) {
        QNI_TRY(qni_pattern_node(p, QNI_NODE_ALT, out));
        (*out)->first = head;
        return QN_OK;
    }
    qni_term term = QNI_TERM_NOTHING;
    for (qni_node *n = head; n != NULL; n = n->next) {
        term = qni_term_alt2(p->terms, term, n->term);
    }
    return qni_pattern_term(p, term, out);
}

qn_status qni_pattern_parse(qni_terms *terms, const char *text, size_t size,
                            qni_pattern_syntax syntax, qni_pattern_extent extent, qni_term *out,
                            qn_error *err)
{
    qni_pattern_parser p = {
        .terms = terms, .text = text, .size = size, .syntax = syntax, .err = err};
    if (size > QNI_MAX_PATTERN_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "a pattern of %zu bytes; at most %d are read",
                        size, QNI_MAX_PATTERN_BYTES);
    }
    qni_arena_begin(&p.arena, QNI_MAX_GRAMMAR_SOURCE_BYTES * 16);
    qni_node *root;
    qn_status status = parse_alternatives(&p, &root);
    if (status == QN_OK && p.at < p.size) {
        status = qni_pattern_bad(&p, "a closing parenthesis without its opening one");
    }
    if (status == QN_OK) {
        *out = qni_pattern_compile(&p, root, extent);
        status = qni_account_status(terms->account, err);
    }
    qni_arena_end(&p.arena);
    return status;
}
