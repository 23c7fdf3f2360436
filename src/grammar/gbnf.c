// GBNF, the grammar files of llama.cpp: rules `name ::= ...` of texts, classes of characters,
// groups, alternatives and repeats; `root` is where they start.
#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/chars.h"
#include "grammar/cursor.h"

#include <string.h>

// Skips blanks and comments; past line ends too where `lines` says so.
static void skip(qni_cursor *r, bool lines)
{
    while (r->at < r->size) {
        char c = r->text[r->at];
        if (c == '#') {
            while (r->at < r->size && r->text[r->at] != '\n') {
                r->at++;
            }
        } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
            r->at++;
        } else {
            return;
        }
    }
}

static qn_status read_alternatives(qni_cursor *r, bool nested, qni_expr *out);

static qn_status read_text(qni_cursor *r, qni_expr *out)
{
    char *bytes = qni_alloc(r->size - r->at + 1);
    size_t n;
    if (bytes == NULL) {
        return qni_fail_memory(r->err);
    }
    qn_status status = qni_cursor_string(r, bytes, &n);
    if (status == QN_OK) {
        *out = qni_cfg_term(r->g, qni_term_literal(r->g->terms, bytes, n));
    }
    qni_free(bytes);
    return status;
}

static qn_status fill_class(qni_cursor *r, qni_chars *set)
{
    while (!qni_cursor_take(r, "]")) {
        uint32_t first, last;
        if (r->at >= r->size) {
            return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "a class without its closing bracket");
        }
        QNI_TRY(qni_cursor_character(r, &first));
        last = first;
        if (qni_cursor_has(r, "-") && r->at + 1 < r->size && r->text[r->at + 1] != ']') {
            r->at++;
            QNI_TRY(qni_cursor_character(r, &last));
        }
        if (first > last) {
            return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "a range that runs backwards");
        }
        qni_chars_add(set, first, last, r->g->account);
    }
    return QN_OK;
}

static qn_status read_class(qni_cursor *r, qni_expr *out)
{
    qni_chars set = {0};
    r->at++;
    bool negated = qni_cursor_take(r, "^");
    qn_status status = fill_class(r, &set);
    if (status == QN_OK && negated) {
        qni_chars_invert(&set, r->g->account);
    }
    if (status == QN_OK) {
        *out = qni_cfg_term(r->g, qni_chars_term(&set, r->g->terms));
    }
    qni_chars_end(&set);
    return status;
}

static qn_status read_group(qni_cursor *r, qni_expr *out)
{
    r->at++;
    if (++r->depth > QNI_MAX_PATTERN_DEPTH) {
        return qni_cursor_fail(r, QN_LIMIT_EXCEEDED, "groups nested too deep");
    }
    QNI_TRY(read_alternatives(r, true, out));
    r->depth--;
    return qni_cursor_take(r, ")")
               ? QN_OK
               : qni_cursor_fail(r, QN_INVALID_ARGUMENT, "a group without its end");
}

static qn_status read_repeats(qni_cursor *r, bool nested, qni_expr *expr)
{
    for (;;) {
        uint32_t min = 0, max = QNI_TERM_NO_MAX;
        size_t before = r->at;
        skip(r, nested);
        if (qni_cursor_take(r, "*")) {
        } else if (qni_cursor_take(r, "+")) {
            min = 1;
        } else if (qni_cursor_take(r, "?")) {
            max = 1;
        } else if (qni_cursor_take(r, "{")) {
            bool has_min = qni_cursor_number(r, &min);
            max = min;
            if (qni_cursor_take(r, ",") && !qni_cursor_number(r, &max)) {
                max = QNI_TERM_NO_MAX;
            }
            if (!has_min || !qni_cursor_take(r, "}") || min > max) {
                return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "a broken repeat");
            }
        } else {
            r->at = before;
            return QN_OK;
        }
        *expr = qni_cfg_repeat(r->g, *expr, min, max);
    }
}

// One part of a sequence; `*found` is false at its end.
static qn_status read_part(qni_cursor *r, qni_expr *out, bool *found)
{
    char c = r->at < r->size ? r->text[r->at] : '\0';
    *found = true;
    if (c == '"') {
        return read_text(r, out);
    }
    if (c == '[') {
        return read_class(r, out);
    }
    if (c == '(') {
        return read_group(r, out);
    }
    if (c == '.') {
        r->at++;
        *out = qni_cfg_term(r->g, r->g->terms->character);
        return QN_OK;
    }
    if (c == '<' || c == '!') {
        return qni_cursor_fail(r, QN_UNSUPPORTED, "tokens by name; write their text");
    }
    size_t n;
    const char *name = qni_cursor_name(r, &n);
    *found = n != 0;
    if (n != 0) {
        *out = qni_cfg_name_expr(r->g, name, n);
    }
    return QN_OK;
}

static qn_status read_sequence(qni_cursor *r, bool nested, qni_expr *out)
{
    *out = qni_cfg_term(r->g, QNI_TERM_EMPTY);
    for (;;) {
        qni_expr part = 0;
        bool found;
        skip(r, nested);
        QNI_TRY(read_part(r, &part, &found));
        if (!found) {
            return QN_OK;
        }
        QNI_TRY(read_repeats(r, nested, &part));
        *out = qni_cfg_concat(r->g, *out, part);
        QNI_TRY(qni_account_status(r->g->account, r->err));
    }
}

static qn_status read_alternatives(qni_cursor *r, bool nested, qni_expr *out)
{
    skip(r, true);
    QNI_TRY(read_sequence(r, nested, out));
    for (;;) {
        size_t before = r->at;
        skip(r, true); // a bar may stand at the beginning of the next line
        if (!qni_cursor_take(r, "|")) {
            r->at = nested ? r->at : before;
            return QN_OK;
        }
        qni_expr other;
        skip(r, true);
        QNI_TRY(read_sequence(r, nested, &other));
        *out = qni_cfg_alt(r->g, *out, other);
    }
}

static qn_status read_rule(qni_cursor *r)
{
    size_t n;
    const char *name = qni_cursor_name(r, &n);
    skip(r, false);
    if (n == 0 || !qni_cursor_take(r, "::=")) {
        return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "not a rule `name ::= ...`");
    }
    qni_expr body;
    QNI_TRY(read_alternatives(r, false, &body));
    skip(r, false);
    if (r->at < r->size && r->text[r->at] != '\n' && r->text[r->at] != '\r') {
        return qni_cursor_fail(r, QN_INVALID_ARGUMENT, "something that is no part of a rule");
    }
    qni_cfg_define(r->g, name, n, body);
    return QN_OK;
}

qn_status qni_gbnf_read(qni_cfg *g, const char *text, size_t size, qn_error *err)
{
    qni_cursor r = {.g = g, .text = text, .size = size, .err = err};
    for (skip(&r, true); r.at < size; skip(&r, true)) {
        QNI_TRY(read_rule(&r));
        QNI_TRY(qni_account_status(g->account, err));
    }
    return qni_cfg_finish(g, "root", err);
}
