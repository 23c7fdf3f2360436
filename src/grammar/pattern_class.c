// Characters of a pattern: escapes, classes, properties.
#include "base/hex.h"
#include "base/utf8.h"
#include "grammar/chars.h"
#include "grammar/pattern_impl.h"

#include <string.h>

// Exactly `digits` hexadecimal digits; false and nothing taken when there are not so many.
static bool take_hex(qni_pattern_parser *p, size_t digits, uint32_t *value)
{
    if (p->size - p->at < digits) {
        return false;
    }
    uint32_t v = 0;
    for (size_t i = 0; i < digits; i++) {
        int d = qni_hex_value(p->text[p->at + i]);
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
static bool take_braced_hex(qni_pattern_parser *p, uint32_t *value)
{
    size_t start = p->at;
    uint32_t v = 0;
    bool any = false;
    if (!qni_pattern_take(p, "{")) {
        return false;
    }
    while (p->at < p->size && qni_hex_value(p->text[p->at]) >= 0 && v <= 0x10FFFF) {
        v = v << 4 | (uint32_t)qni_hex_value(p->text[p->at++]);
        any = true;
    }
    if (!any || v > 0x10FFFF || !qni_pattern_take(p, "}")) {
        p->at = start;
        return false;
    }
    *value = v;
    return true;
}

// After \u: four digits, a pair of surrogates, or braces.
static bool take_unicode(qni_pattern_parser *p, uint32_t *value)
{
    if (take_braced_hex(p, value)) {
        return true;
    }
    if (!take_hex(p, 4, value)) {
        return false;
    }
    size_t start = p->at;
    uint32_t low;
    if (*value >= 0xD800 && *value < 0xDC00 && qni_pattern_take(p, "\\u")) {
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

qni_term qni_pattern_word(qni_pattern_parser *p, bool inverted)
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

// Adds a named set, in all cases where case does not count, or all that is not in it, and frees it.
static qn_status add_named(qni_pattern_parser *p, qni_chars *own, bool fine, bool inverted,
                           qni_chars *set)
{
    qni_account *account = p->terms->account;
    fine = fine && (!p->fold_case || qni_chars_fold_case(own, account));
    fine = fine && (!inverted || qni_chars_invert(own, account));
    fine = fine && qni_chars_add_set(set, own, account);
    qni_chars_end(own);
    return fine ? QN_OK : qni_account_status(account, p->err);
}

// \d \w \s and their complements: adds them to `set`. `*found` tells whether the letter is one of
// them.
static qn_status add_class(qni_pattern_parser *p, char letter, qni_chars *set, bool *found)
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
    return add_named(p, &own, fine, *found && letter != lower, set);
}

// After \p or \P: {Name} or one letter.
static qn_status add_property(qni_pattern_parser *p, bool negated, qni_chars *set)
{
    const char *name = p->text + p->at;
    size_t n = 1;
    if (qni_pattern_take(p, "{")) {
        name++;
        if (qni_pattern_take(p, "^")) {
            negated = !negated;
            name++;
        }
        const char *end = memchr(name, '}', p->size - p->at);
        if (end == NULL) {
            return qni_pattern_bad(p, "a property name without its closing brace");
        }
        n = (size_t)(end - name);
        p->at += n + 1;
    } else if (p->at < p->size) {
        p->at++;
    } else {
        return qni_pattern_bad(p, "a property without a name");
    }
    qni_chars own = {0};
    bool known = false;
    bool fine = qni_chars_add_category(&own, name, n, &known, p->terms->account);
    if (!known) {
        return qni_pattern_unsupported(p, "a property that is not a general category");
    }
    return add_named(p, &own, fine, negated, set);
}

// A backslash was taken, and the escape is one character.
static qn_status take_escape(qni_pattern_parser *p, bool in_class, uint32_t *code)
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
        return qni_pattern_unsupported(p, "a back reference");
    } else if (c == 'k' && p->at < p->size && p->text[p->at] == '<') {
        return qni_pattern_unsupported(p, "a back reference");
    } else { // the character itself, perhaps of several bytes
        p->at--;
        int n = qni_utf8_decode((const unsigned char *)p->text + p->at, p->size - p->at, code);
        if (n < 0 || (re2 && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))) {
            return qni_pattern_bad(p, "an unknown escape");
        }
        p->at += (size_t)n;
    }
    return QN_OK;
}

// One member of a class: a code point in `*code`, or a set added to `set` and `*is_set`.
static qn_status take_member(qni_pattern_parser *p, qni_chars *set, uint32_t *code, bool *is_set)
{
    *is_set = false;
    if (!qni_pattern_take(p, "\\")) {
        int n = qni_utf8_decode((const unsigned char *)p->text + p->at, p->size - p->at, code);
        if (n < 0) {
            return qni_pattern_bad(p, "ill-formed UTF-8");
        }
        p->at += (size_t)n;
        return QN_OK;
    }
    if (p->at >= p->size) {
        return qni_pattern_bad(p, "a backslash at the end");
    }
    QNI_TRY(add_class(p, p->text[p->at], set, is_set));
    if (*is_set) {
        p->at++;
        return QN_OK;
    }
    if (qni_pattern_has(p, "p") || qni_pattern_has(p, "P")) {
        *is_set = true;
        bool negated = p->text[p->at++] == 'P';
        return add_property(p, negated, set);
    }
    return take_escape(p, true, code);
}

// [:alpha:] and its kin in RE2's classes.
static bool take_posix_class(qni_pattern_parser *p, qni_chars *set)
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
        if (p->syntax == QNI_PATTERN_RE2 && qni_pattern_take(p, classes[i].name)) {
            for (size_t r = 0; r < 4 && classes[i].ranges[r].last != 0; r++) {
                qni_char_range range = classes[i].ranges[r];
                qni_chars_add(set, range.first, range.last, p->terms->account);
            }
            return true;
        }
    }
    return false;
}

static qn_status fill_set(qni_pattern_parser *p, qni_chars *set)
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
        bool range = qni_pattern_has(p, "-") && p->at + 1 < p->size && p->text[p->at + 1] != ']';
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
            return qni_pattern_bad(p, "a range of characters that runs backwards");
        } else {
            qni_chars_add(set, low, high, account);
        }
    }
    QNI_TRY(qni_account_status(account, p->err));
    return qni_pattern_take(p, "]")
               ? QN_OK
               : qni_pattern_bad(p, "a class of characters without its closing bracket");
}

qn_status qni_pattern_class(qni_pattern_parser *p, qni_node **out)
{
    qni_chars set = {0};
    bool negated = qni_pattern_take(p, "^");
    qn_status status = fill_set(p, &set);
    if (status == QN_OK && p->fold_case) {
        qni_chars_fold_case(&set, p->terms->account);
    }
    if (status == QN_OK && negated) {
        qni_chars_invert(&set, p->terms->account);
    }
    if (status == QN_OK) {
        status = qni_pattern_term(p, qni_chars_term(&set, p->terms), out);
    }
    qni_chars_end(&set);
    return status;
}

qn_status qni_pattern_dot(qni_pattern_parser *p, qni_node **out)
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
    qn_status status = qni_pattern_term(p, qni_chars_term(&set, p->terms), out);
    qni_chars_end(&set);
    return status;
}

static qn_status new_set(qni_pattern_parser *p, qni_chars *set, qni_node **out)
{
    if (p->fold_case && !qni_chars_fold_case(set, p->terms->account)) {
        return qni_account_status(p->terms->account, p->err);
    }
    return qni_pattern_term(p, qni_chars_term(set, p->terms), out);
}

qn_status qni_pattern_one(qni_pattern_parser *p, uint32_t code, qni_node **out)
{
    qni_chars set = {0};
    qn_status status = QN_OK;
    if (code >= 0xD800 && code < 0xE000) {
        return qni_pattern_term(p, QNI_TERM_NOTHING, out); // a lone surrogate: no text has it
    }
    qni_chars_add(&set, code, code, p->terms->account);
    status = new_set(p, &set, out);
    qni_chars_end(&set);
    return status;
}

qn_status qni_pattern_escape(qni_pattern_parser *p, qni_node **out)
{
    if (p->at >= p->size) {
        return qni_pattern_bad(p, "a backslash at the end");
    }
    char c = p->text[p->at];
    bool re2 = p->syntax == QNI_PATTERN_RE2;
    if (c == 'b' || c == 'B') {
        p->at++;
        QNI_TRY(qni_pattern_node(p, QNI_NODE_BOUNDARY, out));
        (*out)->negated = c == 'B';
        return QN_OK;
    }
    if (re2 && (c == 'A' || c == 'z')) {
        p->at++;
        return qni_pattern_node(p, c == 'A' ? QNI_NODE_START : QNI_NODE_END, out);
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
            status = qni_pattern_term(p, qni_chars_term(&set, p->terms), out);
        }
        qni_chars_end(&set);
        return status;
    }
    qni_chars_end(&set);
    QNI_TRY(status);
    uint32_t code;
    QNI_TRY(take_escape(p, false, &code));
    return qni_pattern_one(p, code, out);
}
