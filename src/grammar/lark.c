// Lark's grammars in the dialect of llguidance: rules in lower case, terminals in upper case,
// regular expressions between slashes, %ignore, %import of the common terminals, and %json with a
// schema inside. Terminals are read in every way that fits, where a lexer would take the longest.
#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/chars.h"
#include "grammar/cursor.h"

#include <string.h>

typedef struct lark {
    qni_cursor r;
    const qni_schema_options *schemas;
    qni_json_options json;
    qni_term ignored; // what may stand between terminals
    bool in_terminal; // the definition being read is a terminal's
} lark;

// The terminals of Lark's "common" library, as patterns.
static const struct {
    const char *name, *pattern;
} common[] = {
    {"DIGIT", "[0-9]"},
    {"HEXDIGIT", "[0-9A-Fa-f]"},
    {"INT", "[0-9]+"},
    {"SIGNED_INT", "[+-]?[0-9]+"},
    {"DECIMAL", "[0-9]+\\.[0-9]*|\\.[0-9]+"},
    {"FLOAT", "[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?"},
    {"SIGNED_FLOAT",
     "[+-]?(?:[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"},
    {"NUMBER", "[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?"},
    {"SIGNED_NUMBER",
     "[+-]?(?:[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?)"},
    {"ESCAPED_STRING", "\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\""},
    {"LCASE_LETTER", "[a-z]"},
    {"UCASE_LETTER", "[A-Z]"},
    {"LETTER", "[A-Za-z]"},
    {"WORD", "[A-Za-z]+"},
    {"CNAME", "[A-Za-z_][A-Za-z0-9_]*"},
    {"WS_INLINE", "[ \\t]+"},
    {"WS", "[ \\t\\f\\r\\n]+"},
    {"CR", "\\r"},
    {"LF", "\\n"},
    {"NEWLINE", "(?:\\r?\\n)+"},
    {"SH_COMMENT", "#[^\\n]*"},
    {"CPP_COMMENT", "//[^\\n]*"},
    {"SQL_COMMENT", "--[^\\n]*"},
};

static void skip(lark *l, bool lines)
{
    qni_cursor *r = &l->r;
    while (r->at < r->size) {
        char c = r->text[r->at];
        if (c == '#' || (c == '/' && qni_cursor_has(r, "//"))) {
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

static qn_status bad(lark *l, const char *what)
{
    return qni_cursor_fail(&l->r, QN_INVALID_ARGUMENT, what);
}

// A terminal inside a rule is followed by what is ignored.
static qni_expr terminal(lark *l, qni_term term)
{
    if (!l->in_terminal && l->ignored != QNI_TERM_NOTHING) {
        term = qni_term_concat(l->r.g->terms, term,
                               qni_term_repeat(l->r.g->terms, l->ignored, 0, QNI_TERM_NO_MAX));
    }
    return qni_cfg_term(l->r.g, term);
}

static qn_status parse_pattern(lark *l, const char *text, size_t n, bool fold_case, bool dot_all,
                               qni_term *out)
{
    // RE2's flags go in front.
    char *whole = qni_alloc(n + 16);
    if (whole == NULL) {
        return qni_fail_memory(l->r.err);
    }
    const char *prefix = fold_case && dot_all ? "(?is:"
                         : fold_case          ? "(?i:"
                         : dot_all            ? "(?s:"
                                              : "(?:";
    size_t size = strlen(prefix);
    memcpy(whole, prefix, size);
    memcpy(whole + size, text, n);
    whole[size + n] = ')';
    qn_status status = qni_pattern_parse(l->r.g->terms, whole, size + n + 1, QNI_PATTERN_RE2,
                                         QNI_PATTERN_WHOLE, out, l->r.err);
    qni_free(whole);
    return status;
}

// A text in any case.
static qni_term folded_text(qni_terms *t, const char *bytes, size_t n)
{
    qni_term term = QNI_TERM_EMPTY;
    while (n > 0) {
        size_t end = n--;
        while (n > 0 && ((unsigned char)bytes[n] & 0xC0) == 0x80) {
            n--;
        }
        uint32_t code;
        qni_chars set = {0};
        qni_term one = qni_term_literal(t, bytes + n, end - n);
        if (qni_utf8_decode((const unsigned char *)bytes + n, end - n, &code) > 0 &&
            qni_chars_add(&set, code, code, t->account) && qni_chars_fold_case(&set, t->account)) {
            one = qni_chars_term(&set, t);
        }
        qni_chars_end(&set);
        term = qni_term_concat(t, one, term);
    }
    return term;
}

// "text", perhaps with the flag i, or the beginning of a range "a".."z".
static qn_status read_text(lark *l, qni_expr *out)
{
    qni_cursor *r = &l->r;
    qni_terms *t = r->g->terms;
    char *bytes = qni_alloc(r->size - r->at + 1);
    size_t n, n_last = 0;
    qni_term term = QNI_TERM_NOTHING;
    if (bytes == NULL) {
        return qni_fail_memory(r->err);
    }
    qn_status status = qni_cursor_string(r, bytes, &n);
    if (status == QN_OK && qni_cursor_take(r, "..")) {
        char *last = bytes + n;
        status = qni_cursor_has(r, "\"") ? qni_cursor_string(r, last, &n_last)
                                         : bad(l, "a range without its end");
        if (status == QN_OK && (n != 1 || n_last != 1)) {
            status = bad(l, "a range of other than single ASCII characters");
        }
        term = qni_term_byte_range(t, (unsigned char)bytes[0], (unsigned char)last[0]);
    } else if (status == QN_OK) {
        term = qni_cursor_take(r, "i") ? folded_text(t, bytes, n) : qni_term_literal(t, bytes, n);
    }
    qni_free(bytes);
    *out = status == QN_OK ? terminal(l, term) : 0;
    return status;
}

// /pattern/flags
static qn_status read_pattern(lark *l, qni_expr *out)
{
    qni_cursor *r = &l->r;
    size_t start = ++r->at;
    bool in_class = false;
    while (r->at < r->size && (r->text[r->at] != '/' || in_class)) {
        char c = r->text[r->at];
        in_class = c == '[' || (in_class && c != ']');
        r->at += c == '\\' ? 2 : 1;
    }
    if (r->at >= r->size) {
        return bad(l, "a pattern without its closing slash");
    }
    size_t n = r->at++ - start;
    bool fold_case = false, dot_all = false;
    for (; r->at < r->size && strchr("imslux", r->text[r->at]) != NULL; r->at++) {
        fold_case = fold_case || r->text[r->at] == 'i';
        dot_all = dot_all || r->text[r->at] == 's';
    }
    qni_term term;
    QNI_TRY(parse_pattern(l, r->text + start, n, fold_case, dot_all, &term));
    *out = terminal(l, term);
    return QN_OK;
}

// The end of the JSON value that begins here.
static size_t json_end(const qni_cursor *r)
{
    size_t at = r->at;
    int depth = 0;
    bool in_string = false;
    for (; at < r->size; at++) {
        char c = r->text[at];
        if (in_string) {
            at += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return at + 1;
        }
    }
    return r->size;
}

static qn_status read_json(lark *l, qni_expr *out)
{
    qni_cursor *r = &l->r;
    skip(l, true);
    size_t end = json_end(r);
    qni_formula schema;
    if (r->g->frames == NULL) {
        return qni_cursor_fail(r, QN_INTERNAL, "no room for schemas");
    }
    QNI_TRY(qni_schema_compile(r->g->frames->f, r->text + r->at, end - r->at, l->schemas, NULL,
                               &schema, r->err));
    r->at = end;
    *out = qni_cfg_json(r->g, schema, l->json);
    return QN_OK;
}

static qn_status read_alternatives(lark *l, bool nested, qni_expr *out);

static qn_status read_group(lark *l, char close, qni_expr *out)
{
    qni_cursor *r = &l->r;
    char end[2] = {close, '\0'};
    r->at++;
    if (++r->depth > QNI_MAX_PATTERN_DEPTH) {
        return qni_cursor_fail(r, QN_LIMIT_EXCEEDED, "groups nested too deep");
    }
    QNI_TRY(read_alternatives(l, true, out));
    r->depth--;
    if (close == ']') {
        *out = qni_cfg_repeat(r->g, *out, 0, 1);
    }
    return qni_cursor_take(r, end) ? QN_OK : bad(l, "a group without its end");
}

static qn_status read_name(lark *l, qni_expr *out, bool *found)
{
    qni_cursor *r = &l->r;
    size_t n;
    const char *name = qni_cursor_name(r, &n);
    *found = n != 0;
    if (n == 0) {
        return QN_OK;
    }
    *out = qni_cfg_name_expr(r->g, name, n);
    bool upper = name[0] >= 'A' && name[0] <= 'Z';
    if (l->in_terminal && !upper) {
        return bad(l, "a rule inside a terminal");
    }
    if (upper && !l->in_terminal && l->ignored != QNI_TERM_NOTHING) {
        qni_term ignored = qni_term_repeat(r->g->terms, l->ignored, 0, QNI_TERM_NO_MAX);
        *out = qni_cfg_concat(r->g, *out, qni_cfg_term(r->g, ignored));
    }
    return QN_OK;
}

static qn_status read_part(lark *l, qni_expr *out, bool *found)
{
    qni_cursor *r = &l->r;
    *found = true;
    switch (r->at < r->size ? r->text[r->at] : '\0') {
    case '"': return read_text(l, out);
    case '/': return read_pattern(l, out);
    case '(': return read_group(l, ')', out);
    case '[': return read_group(l, ']', out);
    case '<': return qni_cursor_fail(r, QN_UNSUPPORTED, "tokens by name; write their text");
    case '%':
        if (qni_cursor_take(r, "%json")) {
            return l->in_terminal ? bad(l, "a schema inside a terminal") : read_json(l, out);
        }
        *found = false;
        return QN_OK;
    default: return read_name(l, out, found);
    }
}

// * + ? and ~ n, ~ n..m, {n,m}
static qn_status read_repeats(lark *l, qni_expr *expr)
{
    qni_cursor *r = &l->r;
    for (;;) {
        uint32_t min = 0, max = QNI_TERM_NO_MAX;
        skip(l, false);
        if (qni_cursor_take(r, "*")) {
        } else if (qni_cursor_take(r, "+")) {
            min = 1;
        } else if (qni_cursor_take(r, "?")) {
            max = 1;
        } else if (qni_cursor_has(r, "~") || qni_cursor_has(r, "{")) {
            bool braces = r->text[r->at++] == '{';
            skip(l, false);
            bool fine = qni_cursor_number(r, &min) || (braces && qni_cursor_has(r, ","));
            max = min;
            if (qni_cursor_take(r, braces ? "," : "..") && !qni_cursor_number(r, &max)) {
                max = QNI_TERM_NO_MAX;
                fine = fine && braces;
            }
            if (!fine || (braces && !qni_cursor_take(r, "}")) || min > max) {
                return bad(l, "a broken repeat");
            }
        } else {
            return QN_OK;
        }
        *expr = qni_cfg_repeat(r->g, *expr, min, max);
    }
}

static qn_status read_sequence(lark *l, bool nested, qni_expr *out)
{
    qni_cursor *r = &l->r;
    *out = qni_cfg_term(r->g, QNI_TERM_EMPTY);
    for (;;) {
        qni_expr part = 0;
        bool found;
        skip(l, nested);
        QNI_TRY(read_part(l, &part, &found));
        if (!found) {
            break;
        }
        QNI_TRY(read_repeats(l, &part));
        *out = qni_cfg_concat(r->g, *out, part);
        QNI_TRY(qni_account_status(r->g->account, r->err));
    }
    if (qni_cursor_take(r, "->")) { // the alias is the parse tree's
        size_t n;
        skip(l, false);
        qni_cursor_name(r, &n);
    }
    return QN_OK;
}

static qn_status read_alternatives(lark *l, bool nested, qni_expr *out)
{
    qni_cursor *r = &l->r;
    skip(l, nested);
    QNI_TRY(read_sequence(l, nested, out));
    for (;;) {
        size_t before = r->at;
        skip(l, true);
        if (!qni_cursor_take(r, "|")) {
            r->at = nested ? r->at : before;
            return QN_OK;
        }
        qni_expr other;
        QNI_TRY(read_sequence(l, nested, &other));
        *out = qni_cfg_alt(r->g, *out, other);
    }
}

static qn_status define_common(lark *l, const char *name, size_t n, const char *as, size_t n_as)
{
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (strlen(common[i].name) == n && memcmp(common[i].name, name, n) == 0) {
            qni_term term;
            QNI_TRY(parse_pattern(l, common[i].pattern, strlen(common[i].pattern), false, false,
                                  &term));
            qni_cfg_define(l->r.g, as, n_as, qni_cfg_term(l->r.g, term));
            return QN_OK;
        }
    }
    return qni_cursor_fail(&l->r, QN_UNSUPPORTED, "an import that is not of the common terminals");
}

// %import common.NAME [-> OTHER], or common (A, B)
static qn_status read_import(lark *l)
{
    qni_cursor *r = &l->r;
    size_t n, n_as;
    skip(l, false);
    if (!qni_cursor_take(r, "common")) {
        return qni_cursor_fail(r, QN_UNSUPPORTED, "an import that is not of the common terminals");
    }
    bool list = !qni_cursor_take(r, ".");
    skip(l, false);
    if (list && !qni_cursor_take(r, "(")) {
        return bad(l, "a broken import");
    }
    do {
        skip(l, list);
        const char *name = qni_cursor_name(r, &n), *as = name;
        n_as = n;
        skip(l, false);
        if (!list && qni_cursor_take(r, "->")) {
            skip(l, false);
            as = qni_cursor_name(r, &n_as);
        }
        QNI_TRY(define_common(l, name, n, as, n_as));
        skip(l, list);
    } while (list && qni_cursor_take(r, ","));
    return !list || qni_cursor_take(r, ")") ? QN_OK : bad(l, "a broken import");
}

static qn_status skip_line(lark *l)
{
    while (l->r.at < l->r.size && l->r.text[l->r.at] != '\n') {
        l->r.at++;
    }
    return QN_OK;
}

static qn_status read_directive(lark *l, bool ignoring)
{
    qni_cursor *r = &l->r;
    if (qni_cursor_take(r, "%ignore")) {
        if (!ignoring) {
            return skip_line(l);
        }
        qni_expr e;
        l->in_terminal = true;
        QNI_TRY(read_alternatives(l, false, &e));
        l->in_terminal = false;
        qni_term term;
        QNI_TRY(qni_cfg_as_term(r->g, e, &term, r->err));
        l->ignored = qni_term_alt2(r->g->terms, l->ignored, term);
        return QN_OK;
    }
    if (qni_cursor_take(r, "%import")) {
        return read_import(l);
    }
    if (qni_cursor_take(r, "%llguidance")) {
        skip(l, false);
        r->at = qni_cursor_has(r, "{") ? json_end(r) : r->at;
        return QN_OK;
    }
    return qni_cursor_fail(r, QN_UNSUPPORTED, "an unknown directive");
}

// name: ..., NAME: ..., with Lark's marks before and attributes behind the name.
static qn_status read_definition(lark *l, bool terminals)
{
    qni_cursor *r = &l->r;
    while (qni_cursor_take(r, "?") || qni_cursor_take(r, "!")) {
    }
    size_t n;
    uint32_t priority;
    const char *name = qni_cursor_name(r, &n);
    if (qni_cursor_take(r, "[")) {
        while (r->at < r->size && r->text[r->at] != ']' && r->text[r->at] != '\n') {
            r->at++;
        }
        qni_cursor_take(r, "]");
    }
    if (qni_cursor_take(r, ".")) {
        qni_cursor_take(r, "-");
        qni_cursor_number(r, &priority);
    }
    skip(l, false);
    if (n == 0 || !qni_cursor_take(r, ":")) {
        return bad(l, "not a rule `name: ...`");
    }
    bool upper = name[0] >= 'A' && name[0] <= 'Z';
    qni_expr body;
    l->in_terminal = upper;
    QNI_TRY(read_alternatives(l, false, &body));
    l->in_terminal = false;
    skip(l, false);
    if (r->at < r->size && r->text[r->at] != '\n' && r->text[r->at] != '\r') {
        return bad(l, "something that is no part of a rule");
    }
    if (upper == terminals) {
        qni_cfg_define(r->g, name, n, body);
    }
    return QN_OK;
}

// The file is read twice, terminals and what is ignored first, since rules are built around these.
static qn_status read_all(lark *l, bool terminals)
{
    l->r.at = 0;
    for (skip(l, true); l->r.at < l->r.size; skip(l, true)) {
        if (qni_cursor_has(&l->r, "%")) {
            QNI_TRY(read_directive(l, terminals));
        } else {
            QNI_TRY(read_definition(l, terminals));
        }
        QNI_TRY(qni_account_status(l->r.g->account, l->r.err));
    }
    return QN_OK;
}

qn_status qni_lark_read(qni_cfg *g, const char *text, size_t size,
                        const qni_schema_options *schemas, qni_json_options json, qn_error *err)
{
    static const char first[] = "start", around[] = " start";
    lark l = {
        .r = {.g = g, .text = text, .size = size, .err = err}, .schemas = schemas, .json = json};
    QNI_TRY(read_all(&l, true));
    QNI_TRY(read_all(&l, false));
    if (l.ignored == QNI_TERM_NOTHING) {
        return qni_cfg_finish(g, first, err);
    }
    if (!qni_cfg_is_defined(g, first, 5)) {
        return qni_fail(err, QN_INVALID_ARGUMENT, NULL, "a grammar needs a rule named 'start'");
    }
    qni_term ignored = qni_term_repeat(g->terms, l.ignored, 0, QNI_TERM_NO_MAX);
    qni_cfg_define(g, around, 6,
                   qni_cfg_concat(g, qni_cfg_term(g, ignored), qni_cfg_name_expr(g, first, 5)));
    return qni_cfg_finish(g, around, err);
}
