#include "grammar/pattern.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/chars.h"

#include <stdio.h>
#include <string.h>

typedef enum node_kind {
    NODE_TERM, // without anchors inside, so its term stands for it everywhere
    NODE_CONCAT,
    NODE_ALT,
    NODE_REPEAT,
    NODE_START,
    NODE_END,
    NODE_BOUNDARY,
    NODE_AHEAD,
} node_kind;

typedef struct node {
    node_kind kind;
    bool negated; // NODE_BOUNDARY, NODE_AHEAD
    qni_term term;
    uint32_t min, max;
    struct node *first; // of the parts
    struct node *next;  // beside this one
} node;

typedef struct parser {
    qni_terms *terms;
    qni_arena arena;
    const char *text;
    size_t size;
    size_t at;
    qni_pattern_syntax syntax;
    bool fold_case;
    bool dot_all;
    int depth;
    qn_error *err;
} parser;

static qn_status bad(parser *p, const char *what)
{
    return qni_fail(p->err, QN_INVALID_ARGUMENT, NULL, "pattern '%.*s': %s at byte %zu",
                    p->size < 200 ? (int)p->size : 200, p->text, what, p->at);
}

static qn_status unsupported(parser *p, const char *what)
{
    return qni_fail(p->err, QN_UNSUPPORTED, NULL, "pattern '%.*s': %s at byte %zu",
                    p->size < 200 ? (int)p->size : 200, p->text, what, p->at);
}

static bool has(const parser *p, const char *word)
{
    size_t n = strlen(word);
    return p->size - p->at >= n && memcmp(p->text + p->at, word, n) == 0;
}

static bool take(parser *p, const char *word)
{
    bool found = has(p, word);
    p->at += found ? strlen(word) : 0;
    return found;
}

static qn_status new_node(parser *p, node_kind kind, node **out)
{
    node *n = qni_arena_alloc(&p->arena, sizeof *n);
    if (n == NULL) {
        return qni_fail_memory(p->err);
    }
    n->kind = kind;
    *out = n;
    return QN_OK;
}

static qn_status new_term(parser *p, qni_term term, node **out)
{
    QNI_TRY(new_node(p, NODE_TERM, out));
    (*out)->term = term;
    return qni_account_status(p->terms->account, p->err);
}

static qn_status new_set(parser *p, qni_chars *set, node **out)
{
    if (p->fold_case && !qni_chars_fold_case(set, p->terms->account)) {
        return qni_account_status(p->terms->account, p->err);
    }
    return new_term(p, qni_chars_term(set, p->terms), out);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Exactly `digits` hexadecimal digits; false and nothing taken when there are not so many.
static bool take_hex(parser *p, size_t digits, uint32_t *value)
{
    if (p->size - p->at < digits) {
        return false;
    }
    uint32_t v = 0;
    for (size_t i = 0; i < digits; i++) {
        int d = hex_value(p->text[p->at + i]);
        if (d < 0) {
            return false;
        }
        v = v << 4 | (uint32_t)d;
    }
    p->at += digits;
    *value = v;
    return true;
}

// {1F600}, of \u or \x.
static bool take_braced_hex(parser *p, uint32_t *value)
{
    size_t start = p->at;
    uint32_t v = 0;
    bool any = false;
    if (!take(p, "{")) {
        return false;
    }
    while (p->at < p->size && hex_value(p->text[p->at]) >= 0 && v <= 0x10FFFF) {
        v = v << 4 | (uint32_t)hex_value(p->text[p->at++]);
        any = true;
    }
    if (!any || v > 0x10FFFF || !take(p, "}")) {
        p->at = start;
        return false;
    }
    *value = v;
    return true;
}

// After \u: four digits, a pair of surrogates, or braces.
static bool take_unicode(parser *p, uint32_t *value)
{
    if (take_braced_hex(p, value)) {
        return true;
    }
    if (!take_hex(p, 4, value)) {
        return false;
    }
    size_t start = p->at;
    uint32_t low;
    if (*value >= 0xD800 && *value < 0xDC00 && take(p, "\\u")) {
        if (take_hex(p, 4, &low) && low >= 0xDC00 && low < 0xE000) {
            *value = 0x10000 + ((*value - 0xD800) << 10) + (low - 0xDC00);
        } else {
            p->at = start;
        }
    }
    return true;
}

typedef struct named_set {
    char letter;
    const qni_char_range *ranges;
    size_t n;
} named_set;

static const qni_char_range digits[] = {{'0', '9'}};
static const qni_char_range word_chars[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const qni_char_range ecma_spaces[] = {
    {9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
    {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
static const qni_char_range re2_spaces[] = {{9, 10}, {12, 13}, {' ', ' '}};

static bool add_ranges(qni_chars *set, const qni_char_range *ranges, size_t n, qni_account *account)
{
    for (size_t i = 0; i < n; i++) {
        if (!qni_chars_add(set, ranges[i].first, ranges[i].last, account)) {
            return false;
        }
    }
    return true;
}

#define ADD_RANGES(set, ranges, account) \
    add_ranges(set, ranges, sizeof(ranges) / sizeof *(ranges), account)

// \d \w \s and their complements: adds them to `set`. `*found` tells whether the letter is one of
// them.
static qn_status add_class(parser *p, char letter, qni_chars *set, bool *found)
{
    qni_account *account = p->terms->account;
    qni_chars own = {0};
    char lower = (char)(letter | 0x20);
    *found = lower == 'd' || lower == 'w' || lower == 's';
    bool fine = true;
    if (lower == 'd') {
        fine = ADD_RANGES(&own, digits, account);
    } else if (lower == 'w') {
        fine = ADD_RANGES(&own, word_chars, account);
    } else if (lower == 's' && p->syntax == QNI_PATTERN_ECMA) {
        fine = ADD_RANGES(&own, ecma_spaces, account);
    } else if (lower == 's') {
        fine = ADD_RANGES(&own, re2_spaces, account);
    }
    if (fine && *found && letter != lower) {
        fine = qni_chars_invert(&own, account);
    }
    fine = fine && qni_chars_add_set(set, &own, account);
    qni_chars_end(&own);
    return fine ? QN_OK : qni_account_status(account, p->err);
}

// After \p or \P: {Name} or one letter.
static qn_status add_property(parser *p, bool negated, qni_chars *set)
{
    const char *name = p->text + p->at;
    size_t n = 1;
    if (take(p, "{")) {
        name++;
        if (take(p, "^")) {
            negated = !negated;
            name++;
        }
        const char *end = memchr(name, '}', p->size - p->at);
        if (end == NULL) {
            return bad(p, "a property name without its closing brace");
        }
        n = (size_t)(end - name);
        p->at += n + 1;
    } else if (p->at < p->size) {
        p->at++;
    } else {
        return bad(p, "a property without a name");
    }
    qni_account *account = p->terms->account;
    qni_chars own = {0};
    bool known = false;
    bool fine = qni_chars_add_category(&own, name, n, &known, account);
    if (!known) {
        return unsupported(p, "a property that is not a general category");
    }
    if (fine && negated) {
        fine = qni_chars_invert(&own, account);
    }
    fine = fine && qni_chars_add_set(set, &own, account);
    qni_chars_end(&own);
    return fine ? QN_OK : qni_account_status(account, p->err);
}

// A backslash was taken, and the escape is one character.
static qn_status take_escape(parser *p, bool in_class, uint32_t *code)
{
    static const char letters[] = "tnvfr", values[] = "\t\n\v\f\r";
    char c = p->text[p->at++];
    const char *letter = strchr(letters, c);
    if (c != '\0' && letter != NULL) {
        *code = (unsigned char)values[letter - letters];
        return QN_OK;
    }
    bool re2 = p->syntax == QNI_PATTERN_RE2;
    if ((c == 'b' && in_class) || (c == 'a' && re2)) {
        *code = c == 'b' ? 8 : 7;
    } else if (c == 'c' && p->at < p->size && (p->text[p->at] | 0x20) >= 'a' &&
               (p->text[p->at] | 0x20) <= 'z' && !re2) {
        *code = (unsigned)p->text[p->at++] & 31;
    } else if (c == 'x') {
        if (!take_braced_hex(p, code) && !take_hex(p, 2, code)) {
            *code = 'x';
        }
    } else if (c == 'u' && !re2) {
        if (!take_unicode(p, code)) {
            *code = 'u';
        }
    } else if (c == '0') {
        *code = 0;
    } else if (c >= '1' && c <= '9') {
        return unsupported(p, "a back reference");
    } else if (c == 'k' && p->at < p->size && p->text[p->at] == '<') {
        return unsupported(p, "a back reference");
    } else { // the character itself, perhaps of several bytes
        p->at--;
        int n = qni_utf8_decode((const unsigned char *)p->text + p->at, p->size - p->at, code);
        if (n < 0 || (re2 && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))) {
            return bad(p, "an unknown escape");
        }
        p->at += (size_t)n;
    }
    return QN_OK;
}

// One member of a class: a code point in `*code`, or a set added to `set` and `*is_set`.
static qn_status take_member(parser *p, qni_chars *set, uint32_t *code, bool *is_set)
{
    *is_set = false;
    if (!take(p, "\\")) {
        int n = qni_utf8_decode((const unsigned char *)p->text + p->at, p->size - p->at, code);
        if (n < 0) {
            return bad(p, "ill-formed UTF-8");
        }
        p->at += (size_t)n;
        return QN_OK;
    }
    if (p->at >= p->size) {
        return bad(p, "a backslash at the end");
    }
    QNI_TRY(add_class(p, p->text[p->at], set, is_set));
    if (*is_set) {
        p->at++;
        return QN_OK;
    }
    if (has(p, "p") || has(p, "P")) {
        *is_set = true;
        bool negated = p->text[p->at++] == 'P';
        return add_property(p, negated, set);
    }
    return take_escape(p, true, code);
}

// [:alpha:] and its kin in RE2's classes.
static bool take_posix_class(parser *p, qni_chars *set)
{
    static const struct {
        const char *name;
        qni_char_range ranges[4];
    } classes[] = {
        {"[:alnum:]", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
        {"[:alpha:]", {{'A', 'Z'}, {'a', 'z'}}},
        {"[:blank:]", {{9, 9}, {' ', ' '}}},
        {"[:digit:]", {{'0', '9'}}},
        {"[:lower:]", {{'a', 'z'}}},
        {"[:upper:]", {{'A', 'Z'}}},
        {"[:space:]", {{9, 13}, {' ', ' '}}},
        {"[:punct:]", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
        {"[:print:]", {{' ', '~'}}},
        {"[:graph:]", {{'!', '~'}}},
        {"[:cntrl:]", {{1, 31}, {127, 127}}},
        {"[:word:]", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
        {"[:xdigit:]", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (p->syntax == QNI_PATTERN_RE2 && take(p, classes[i].name)) {
            for (size_t r = 0; r < 4 && classes[i].ranges[r].last != 0; r++) {
                qni_char_range range = classes[i].ranges[r];
                qni_chars_add(set, range.first, range.last, p->terms->account);
            }
            return true;
        }
    }
    return false;
}

static qn_status fill_set(parser *p, qni_chars *set)
{
    qni_account *account = p->terms->account;
    bool first = p->syntax == QNI_PATTERN_RE2; // there, a bracket in front is a member
    while (p->at < p->size && (first || p->text[p->at] != ']')) {
        first = false;
        if (take_posix_class(p, set)) {
            continue;
        }
        uint32_t low, high;
        bool low_is_set, high_is_set;
        QNI_TRY(take_member(p, set, &low, &low_is_set));
        bool range = has(p, "-") && p->at + 1 < p->size && p->text[p->at + 1] != ']';
        if (!range || low_is_set) {
            // After a class the hyphen stands for itself.
            if (!low_is_set && !qni_chars_add(set, low, low, account)) {
                break;
            }
            continue;
        }
        p->at++;
        QNI_TRY(take_member(p, set, &high, &high_is_set));
        if (high_is_set) {
            qni_chars_add(set, low, low, account);
            qni_chars_add(set, '-', '-', account);
        } else if (low > high) {
            return bad(p, "a range of characters that runs backwards");
        } else {
            qni_chars_add(set, low, high, account);
        }
    }
    QNI_TRY(qni_account_status(account, p->err));
    return take(p, "]") ? QN_OK : bad(p, "a class of characters without its closing bracket");
}

static qn_status parse_set(parser *p, node **out)
{
    qni_chars set = {0};
    bool negated = take(p, "^");
    qn_status status = fill_set(p, &set);
    if (status == QN_OK && p->fold_case) {
        qni_chars_fold_case(&set, p->terms->account);
    }
    if (status == QN_OK && negated) {
        qni_chars_invert(&set, p->terms->account);
    }
    if (status == QN_OK) {
        status = new_term(p, qni_chars_term(&set, p->terms), out);
    }
    qni_chars_end(&set);
    return status;
}

static qn_status parse_dot(parser *p, node **out)
{
    qni_chars set = {0};
    qni_account *account = p->terms->account;
    if (!p->dot_all) {
        qni_chars_add(&set, '\n', '\n', account);
    }
    if (!p->dot_all && p->syntax == QNI_PATTERN_ECMA) {
        qni_chars_add(&set, '\r', '\r', account);
        qni_chars_add(&set, 0x2028, 0x2029, account);
    }
    qni_chars_invert(&set, account);
    qn_status status = new_term(p, qni_chars_term(&set, p->terms), out);
    qni_chars_end(&set);
    return status;
}

static qn_status parse_one(parser *p, uint32_t code, node **out)
{
    qni_chars set = {0};
    qn_status status = QN_OK;
    if (code >= 0xD800 && code < 0xE000) {
        return new_term(p, QNI_TERM_NOTHING, out); // a lone surrogate: no text has it
    }
    qni_chars_add(&set, code, code, p->terms->account);
    status = new_set(p, &set, out);
    qni_chars_end(&set);
    return status;
}

static qn_status parse_escape(parser *p, node **out)
{
    if (p->at >= p->size) {
        return bad(p, "a backslash at the end");
    }
    char c = p->text[p->at];
    bool re2 = p->syntax == QNI_PATTERN_RE2;
    if (c == 'b' || c == 'B') {
        p->at++;
        QNI_TRY(new_node(p, NODE_BOUNDARY, out));
        (*out)->negated = c == 'B';
        return QN_OK;
    }
    if (re2 && (c == 'A' || c == 'z')) {
        p->at++;
        return new_node(p, c == 'A' ? NODE_START : NODE_END, out);
    }
    if (re2 && c == 'Q') {
        p->at++;
        const char *from = p->text + p->at;
        while (p->at < p->size && !has(p, "\\E")) {
            p->at++;
        }
        size_t n = (size_t)(p->text + p->at - from);
        take(p, "\\E");
        return new_term(p, qni_term_literal(p->terms, from, n), out);
    }
    qni_chars set = {0};
    bool found = false;
    qn_status status = add_class(p, c, &set, &found);
    if (status == QN_OK && (found || c == 'p' || c == 'P')) {
        p->at++;
        if (!found) {
            status = add_property(p, c == 'P', &set);
        }
        if (status == QN_OK) {
            status = new_term(p, qni_chars_term(&set, p->terms), out);
        }
        qni_chars_end(&set);
        return status;
    }
    qni_chars_end(&set);
    QNI_TRY(status);
    uint32_t code;
    QNI_TRY(take_escape(p, false, &code));
    return parse_one(p, code, out);
}

static qn_status parse_alternatives(parser *p, node **out);

// (?i) and (?s-i:...) of RE2. Takes the flags; `*group` tells whether a group follows.
static qn_status parse_flags(parser *p, bool *group)
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
            return unsupported(p, "a flag other than i and s");
        }
    }
    return bad(p, "a group without its closing parenthesis");
}

static qn_status close_group(parser *p)
{
    return take(p, ")") ? QN_OK : bad(p, "a group without its closing parenthesis");
}

// An opening parenthesis was taken.
static qn_status parse_group(parser *p, node **out)
{
    bool fold_case = p->fold_case, dot_all = p->dot_all;
    if (has(p, "?=") || has(p, "?!")) {
        node *body;
        bool negated = p->text[p->at + 1] == '!';
        p->at += 2;
        QNI_TRY(parse_alternatives(p, &body));
        QNI_TRY(new_node(p, NODE_AHEAD, out));
        (*out)->negated = negated;
        (*out)->first = body;
        return close_group(p);
    }
    if (has(p, "?<=") || has(p, "?<!")) {
        return unsupported(p, "look-behind");
    }
    if (has(p, "?>")) {
        return unsupported(p, "an atomic group");
    }
    if (take(p, "?<") || take(p, "?P<")) {
        while (p->at < p->size && p->text[p->at] != '>') {
            p->at++;
        }
        if (!take(p, ">")) {
            return bad(p, "a group's name without its end");
        }
    } else if (!take(p, "?:") && take(p, "?")) {
        bool group = false;
        QNI_TRY(parse_flags(p, &group));
        if (!group) { // the flags hold to the end of the group around
            return new_term(p, QNI_TERM_EMPTY, out);
        }
    }
    QNI_TRY(parse_alternatives(p, out));
    p->fold_case = fold_case;
    p->dot_all = dot_all;
    return close_group(p);
}

static qn_status parse_atom(parser *p, node **out)
{
    char c = p->text[p->at];
    if (take(p, "(")) {
        if (++p->depth > QNI_MAX_PATTERN_DEPTH) {
            return qni_fail(p->err, QN_LIMIT_EXCEEDED, NULL,
                            "pattern '%.100s': more than %d nested groups", p->text,
                            QNI_MAX_PATTERN_DEPTH);
        }
        qn_status status = parse_group(p, out);
        p->depth--;
        return status;
    }
    if (take(p, "[")) {
        return parse_set(p, out);
    }
    if (take(p, ".")) {
        return parse_dot(p, out);
    }
    if (take(p, "^")) {
        return new_node(p, NODE_START, out);
    }
    if (take(p, "$")) {
        return new_node(p, NODE_END, out);
    }
    if (take(p, "\\")) {
        return parse_escape(p, out);
    }
    if (c == '*' || c == '+' || c == '?') {
        return bad(p, "nothing to repeat");
    }
    uint32_t code;
    int n = qni_utf8_decode((const unsigned char *)p->text + p->at, p->size - p->at, &code);
    if (n < 0) {
        return bad(p, "ill-formed UTF-8");
    }
    p->at += (size_t)n;
    return parse_one(p, code, out);
}

static bool take_number(parser *p, uint32_t *value)
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
static qn_status take_quantifier(parser *p, uint32_t *min, uint32_t *max, bool *found)
{
    size_t start = p->at;
    *found = true;
    *min = 0;
    *max = QNI_TERM_NO_MAX;
    if (take(p, "*")) {
    } else if (take(p, "+")) {
        *min = 1;
    } else if (take(p, "?")) {
        *max = 1;
    } else if (take(p, "{") && take_number(p, min)) {
        *max = *min;
        if (take(p, ",") && !take_number(p, max)) {
            *max = QNI_TERM_NO_MAX;
        }
        *found = take(p, "}");
    } else {
        *found = false;
    }
    if (!*found) {
        p->at = start;
        return QN_OK;
    }
    if (*min > *max) {
        return bad(p, "a repeat whose bounds run backwards");
    }
    if (*min > QNI_MAX_PATTERN_REPEAT ||
        (*max != QNI_TERM_NO_MAX && *max > QNI_MAX_PATTERN_REPEAT)) {
        return qni_fail(p->err, QN_LIMIT_EXCEEDED, NULL, "pattern '%.100s': more than %d repeats",
                        p->text, QNI_MAX_PATTERN_REPEAT);
    }
    if (!take(p, "?")) {
        take(p, "+"); // lazy and possessive take the same texts here
    }
    return QN_OK;
}

// Wraps an atom in its quantifiers.
static qn_status repeat_atom(parser *p, node **atom)
{
    for (;;) {
        uint32_t min, max;
        bool found;
        QNI_TRY(take_quantifier(p, &min, &max, &found));
        if (!found) {
            return QN_OK;
        }
        if ((*atom)->kind == NODE_TERM) {
            (*atom)->term = qni_term_repeat(p->terms, (*atom)->term, min, max);
            QNI_TRY(qni_account_status(p->terms->account, p->err));
            continue;
        }
        node_kind kind = (*atom)->kind;
        bool group = kind == NODE_CONCAT || kind == NODE_ALT || kind == NODE_REPEAT;
        if (max == QNI_TERM_NO_MAX && group) {
            return unsupported(p, "an unbounded repeat with an anchor or a look-ahead inside");
        }
        max = group ? max : min > 0; // an anchor takes no text: once is as good as often
        min = min > max ? max : min;
        node *outer = NULL;
        QNI_TRY(new_node(p, NODE_REPEAT, &outer));
        outer->min = min;
        outer->max = max;
        outer->first = *atom;
        *atom = outer;
    }
}

static qn_status parse_sequence(parser *p, node **out)
{
    node *head = NULL, *last = NULL;
    while (p->at < p->size && p->text[p->at] != '|' && p->text[p->at] != ')') {
        node *atom = NULL;
        QNI_TRY(parse_atom(p, &atom));
        QNI_TRY(repeat_atom(p, &atom));
        *(last == NULL ? &head : &last->next) = atom;
        last = atom;
    }
    if (head == NULL) {
        return new_term(p, QNI_TERM_EMPTY, out);
    }
    // A run without anchors becomes one term.
    bool plain = true;
    for (node *n = head; n != NULL; n = n->next) {
        plain = plain && n->kind == NODE_TERM;
    }
    if (!plain) {
        QNI_TRY(new_node(p, NODE_CONCAT, out));
        (*out)->first = head;
        return QN_OK;
    }
    size_t n = 0;
    for (node *i = head; i != NULL; i = i->next) {
        n++;
    }
    node **items = qni_arena_array(&p->arena, n, sizeof *items);
    if (items == NULL) {
        return qni_fail_memory(p->err);
    }
    n = 0;
    for (node *i = head; i != NULL; i = i->next) {
        items[n++] = i;
    }
    qni_term term = QNI_TERM_EMPTY;
    while (n > 0) {
        term = qni_term_concat(p->terms, items[--n]->term, term);
    }
    return new_term(p, term, out);
}

static qn_status parse_alternatives(parser *p, node **out)
{
    node *head = NULL, *last;
    QNI_TRY(parse_sequence(p, &head));
    last = head;
    bool plain = head->kind == NODE_TERM;
    while (take(p, "|")) {
        QNI_TRY(parse_sequence(p, &last->next));
        last = last->next;
        plain = plain && last->kind == NODE_TERM;
    }
    if (head == last) {
        *out = head;
        return QN_OK;
    }
    if (!plain) {
        QNI_TRY(new_node(p, NODE_ALT, out));
        (*out)->first = head;
        return QN_OK;
    }
    qni_term term = QNI_TERM_NOTHING;
    for (node *n = head; n != NULL; n = n->next) {
        term = qni_term_alt2(p->terms, term, n->term);
    }
    return new_term(p, term, out);
}

// What stands before a place in the text decides what an anchor there means.
enum { AT_START, AFTER_OTHER, AFTER_WORD, N_PLACES };

// For each place, the language of what may follow.
typedef struct rest {
    qni_term after[N_PLACES];
} rest;

static qni_term word_term(parser *p, bool inverted)
{
    qni_chars set = {0};
    ADD_RANGES(&set, word_chars, p->terms->account);
    if (inverted) {
        qni_chars_invert(&set, p->terms->account);
    }
    qni_term term = qni_chars_term(&set, p->terms);
    qni_chars_end(&set);
    return term;
}

// A part without anchors, then the rest. What it takes is split by what its last character leaves
// behind.
static qni_term compile_plain(parser *p, qni_term a, const rest *k, int place)
{
    qni_terms *t = p->terms;
    qni_term other = k->after[AFTER_OTHER], word = k->after[AFTER_WORD];
    if (other == word && (k->after[place] == other || !qni_term_nullable(t, a))) {
        return qni_term_concat(t, a, other);
    }
    qni_term none = qni_term_nullable(t, a) ? k->after[place] : QNI_TERM_NOTHING;
    qni_term some = QNI_TERM_NOTHING;
    if (other == word) {
        qni_term any = qni_term_concat(t, t->character, t->text);
        some = qni_term_concat(t, qni_term_and2(t, a, any), other);
    } else {
        qni_term ends_other = qni_term_concat(t, t->text, word_term(p, true));
        qni_term ends_word = qni_term_concat(t, t->text, word_term(p, false));
        some = qni_term_alt2(t, qni_term_concat(t, qni_term_and2(t, a, ends_other), other),
                             qni_term_concat(t, qni_term_and2(t, a, ends_word), word));
    }
    return qni_term_alt2(t, none, some);
}

static rest compile_all(parser *p, const node *n, const rest *k);

static qni_term compile_boundary(parser *p, const node *n, const rest *k, int place)
{
    qni_terms *t = p->terms;
    qni_term word_next = qni_term_concat(t, word_term(p, false), t->text);
    bool want_word = (place == AFTER_WORD) == n->negated;
    qni_term next = want_word ? word_next : qni_term_not(t, word_next);
    return qni_term_and2(t, next, k->after[place]);
}

static qni_term compile_ahead(parser *p, const node *n, const rest *k, int place)
{
    qni_terms *t = p->terms;
    rest any = {{t->text, t->text, t->text}};
    rest body = compile_all(p, n->first, &any);
    qni_term seen = body.after[place];
    return qni_term_and2(t, n->negated ? qni_term_not(t, seen) : seen, k->after[place]);
}

// `n`, then `k`, for each place where `n` may begin.
static rest compile_all(parser *p, const node *n, const rest *k)
{
    qni_terms *t = p->terms;
    rest out = {{0}};
    if (!qni_account_step(t->account, 16)) {
        return out;
    }
    if (n->kind == NODE_CONCAT) {
        const node *items[64];
        size_t count = 0;
        const node *i = n->first;
        for (; i != NULL && count < 64; i = i->next) {
            items[count++] = i;
        }
        out = *k;
        if (i != NULL) { // a long run: the later part first
            node later = {.kind = NODE_CONCAT, .first = n->first};
            for (size_t skip = 0; skip < 64; skip++) {
                later.first = later.first->next;
            }
            out = compile_all(p, &later, k);
        }
        while (count > 0) {
            rest after = out;
            out = compile_all(p, items[--count], &after);
        }
        return out;
    }
    if (n->kind == NODE_REPEAT) {
        // Optional copies behind, required ones before.
        rest all = *k;
        for (uint32_t i = n->max; i-- > 0 && t->account->status == QN_OK;) {
            rest once = compile_all(p, n->first, &all);
            for (int place = 0; place < N_PLACES; place++) {
                all.after[place] = i < n->min
                                       ? once.after[place]
                                       : qni_term_alt2(t, once.after[place], k->after[place]);
            }
        }
        return all;
    }
    if (n->kind == NODE_ALT) {
        for (const node *i = n->first; i != NULL; i = i->next) {
            rest one = compile_all(p, i, k);
            for (int place = 0; place < N_PLACES; place++) {
                out.after[place] = qni_term_alt2(t, out.after[place], one.after[place]);
            }
        }
        return out;
    }
    for (int place = 0; place < N_PLACES; place++) {
        qni_term then = k->after[place];
        switch (n->kind) {
        case NODE_START: out.after[place] = place == AT_START ? then : QNI_TERM_NOTHING; break;
        case NODE_END: out.after[place] = qni_term_and2(t, QNI_TERM_EMPTY, then); break;
        case NODE_BOUNDARY: out.after[place] = compile_boundary(p, n, k, place); break;
        case NODE_AHEAD: out.after[place] = compile_ahead(p, n, k, place); break;
        case NODE_TERM:
        case NODE_CONCAT:
        case NODE_ALT:
        case NODE_REPEAT:
        default: out.after[place] = compile_plain(p, n->term, k, place); break;
        }
    }
    return out;
}

static qni_term compile(parser *p, const node *root, qni_pattern_extent extent)
{
    qni_terms *t = p->terms;
    if (extent == QNI_PATTERN_WHOLE) {
        rest end = {{QNI_TERM_EMPTY, QNI_TERM_EMPTY, QNI_TERM_EMPTY}};
        return compile_all(p, root, &end).after[AT_START];
    }
    rest any = {{t->text, t->text, t->text}};
    rest match = compile_all(p, root, &any);
    qni_term first = match.after[AT_START];
    if (match.after[AFTER_WORD] == QNI_TERM_NOTHING &&
        match.after[AFTER_OTHER] == QNI_TERM_NOTHING) {
        return first;
    }
    match.after[AT_START] = QNI_TERM_NOTHING;
    qni_term before = qni_term_concat(t, t->character, t->text);
    if (match.after[AFTER_WORD] == first && match.after[AFTER_OTHER] == first) {
        return qni_term_concat(t, t->text, first);
    }
    return qni_term_alt2(t, first, compile_plain(p, before, &match, AT_START));
}

qn_status qni_pattern_parse(qni_terms *terms, const char *text, size_t size,
                            qni_pattern_syntax syntax, qni_pattern_extent extent, qni_term *out,
                            qn_error *err)
{
    parser p = {.terms = terms, .text = text, .size = size, .syntax = syntax, .err = err};
    if (size > QNI_MAX_PATTERN_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "a pattern of %zu bytes; at most %d are read",
                        size, QNI_MAX_PATTERN_BYTES);
    }
    qni_arena_begin(&p.arena, QNI_MAX_GRAMMAR_SOURCE_BYTES * 16);
    node *root;
    qn_status status = parse_alternatives(&p, &root);
    if (status == QN_OK && p.at < p.size) {
        status = bad(&p, "a closing parenthesis without its opening one");
    }
    if (status == QN_OK) {
        *out = compile(&p, root, extent);
        status = qni_account_status(terms->account, err);
    }
    qni_arena_end(&p.arena);
    return status;
}
