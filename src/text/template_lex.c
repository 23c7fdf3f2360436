// Cutting a template into words: text, tags with their control of white space, and what stands
// inside of tags.
#include "text/template_lex.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/template_value.h"
#include "text/unicode.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct lexer {
    qni_template *t;
    const char *at, *end;
    const char *counted; // lines and columns are known up to here
    int line, column;
    bool line_start; // the last word ended in a newline
    char open[512];  // brackets that wait for their ends
    size_t n_open;
    qni_word *words;
    size_t n, capacity;
    qn_error *err;
} lexer;

size_t qni_python_space(const char *at, size_t n)
{
    unsigned char c = (unsigned char)*at;
    if (c < 0x80) {
        return (c >= 9 && c <= 13) || (c >= 28 && c <= 32);
    }
    uint32_t code;
    int length = qni_utf8_decode((const unsigned char *)at, n, &code);
    return length > 0 && qni_unicode_is_space(code) ? (size_t)length : 0;
}

size_t qni_python_rstrip(const char *text, size_t n)
{
    while (n > 0) {
        size_t from = n - 1;
        while (from > 0 && ((unsigned char)text[from] & 0xC0) == 0x80) {
            from--;
        }
        if (qni_python_space(text + from, n - from) != n - from) {
            break;
        }
        n = from;
    }
    return n;
}

static void skip_space(lexer *l)
{
    while (l->at < l->end) {
        size_t n = qni_python_space(l->at, (size_t)(l->end - l->at));
        if (n == 0) {
            break;
        }
        l->at += n;
    }
}

static void count_to(lexer *l, const char *to)
{
    for (; l->counted < to; l->counted++) {
        if (*l->counted == '\n') {
            l->line++;
            l->column = 1;
        } else {
            l->column += ((unsigned char)*l->counted & 0xC0) != 0x80;
        }
    }
}

static qn_status fail(lexer *l, const char *what)
{
    count_to(l, l->at);
    return qni_template_fail_at(l->t, l->line, l->column, what, "", l->err);
}

static qn_status add(lexer *l, qni_word_kind kind, const char *begin, const char *at, size_t n,
                     qni_value *value)
{
    if (qni_grow(&l->words, &l->capacity, l->n + 1, sizeof *l->words) != 0) {
        return qni_fail_memory(l->err);
    }
    count_to(l, begin);
    l->words[l->n++] = (qni_word){kind, l->line, l->column, at, n, value};
    return QN_OK;
}

static bool looking_at(const lexer *l, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(l->end - l->at) >= n && memcmp(l->at, what, n) == 0;
}

// ---- Text between tags

// What is kept of the text in front of a tag.
static size_t kept(const lexer *l, const char *text, size_t n, char sign, bool is_output)
{
    if (sign == '-') {
        return qni_python_rstrip(text, n);
    }
    if (sign == '+' || is_output) {
        return n;
    }
    size_t line = n;
    while (line > 0 && text[line - 1] != '\n') {
        line--;
    }
    if (line == 0 && !l->line_start) {
        return n;
    }
    for (size_t i = line; i < n;) {
        size_t space = qni_python_space(text + i, n - i);
        if (space == 0) {
            return n;
        }
        i += space;
    }
    return line;
}

static qn_status add_text(lexer *l, const char *text, size_t n)
{
    return n != 0 ? add(l, QNI_WORD_DATA, text, text, n, NULL) : QN_OK;
}

// The end of a tag: with "-" the white space behind it goes, with "+" nothing, else (`trim`) one
// newline.
static bool take_end(lexer *l, const char *end, bool plus, bool trim)
{
    const char *begin = l->at;
    char sign = *l->at == '-' || (plus && *l->at == '+') ? *l->at : '\0';
    l->at += sign != '\0';
    if (!looking_at(l, end)) {
        l->at = begin;
        return false;
    }
    l->at += 2;
    if (sign == '-') {
        skip_space(l);
    } else if (sign == '\0' && trim && l->at < l->end && *l->at == '\n') {
        l->at++;
    }
    l->line_start = l->at[-1] == '\n';
    return true;
}

static bool take_sign(lexer *l, char *sign)
{
    *sign = l->at < l->end && (*l->at == '-' || *l->at == '+') ? *l->at : '\0';
    l->at += *sign != '\0';
    return true;
}

// "{%" + sign + word, with what may stand between.
static bool take_word_tag(lexer *l, const char *word, char *sign)
{
    const char *begin = l->at;
    l->at += 2;
    (void)take_sign(l, sign);
    skip_space(l);
    if (looking_at(l, word)) {
        l->at += strlen(word);
        skip_space(l);
        return true;
    }
    l->at = begin;
    return false;
}

static qn_status lex_raw(lexer *l)
{
    const char *text = l->at;
    for (; l->at + 1 < l->end; l->at++) {
        const char *tag = l->at;
        char sign;
        if (tag[0] != '{' || tag[1] != '%' || !take_word_tag(l, "endraw", &sign)) {
            continue;
        }
        bool start = l->line_start;
        if (take_end(l, "%}", true, true)) {
            bool after = l->line_start;
            l->line_start = start;
            QNI_TRY(add_text(l, text, kept(l, text, (size_t)(tag - text), sign, false)));
            l->line_start = after;
            return QN_OK;
        }
        l->at = tag;
    }
    l->at = text;
    return fail(l, "a raw block without its end");
}

static qn_status lex_comment(lexer *l)
{
    const char *begin = l->at;
    l->at += 2;
    char sign;
    (void)take_sign(l, &sign);
    for (; l->at < l->end; l->at++) {
        if (take_end(l, "#}", true, true)) {
            return QN_OK;
        }
    }
    l->at = begin;
    return fail(l, "a comment without its end");
}

// ---- Inside of tags

// Writes what stands behind a backslash as Python reads it; false when Python refuses.
static bool unescape(lexer *l, const char *end, char *out, size_t *n)
{
    static const char names[] = "ntrabfv\\'\"", values[] = "\n\t\r\a\b\f\v\\'\"";
    unsigned char c = (unsigned char)*l->at;
    if (c >= 0x80) { // it is written as an escape itself
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)l->at, (size_t)(end - l->at), &code);
        l->at += length > 0 ? length : 1;
        *n = (size_t)snprintf(out, 12,
                              code < 0x100     ? "\\x%02x"
                              : code < 0x10000 ? "\\u%04x"
                                               : "\\U%08x",
                              code);
        return length > 0;
    }
    l->at++;
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    *n = 0;
    if (c == '\n') {
        return true;
    }
    if (found != NULL) {
        out[(*n)++] = values[found - names];
        return true;
    }
    uint32_t code = 0;
    if (c >= '0' && c <= '7') {
        code = (uint32_t)(c - '0');
        for (int i = 0; i < 2 && l->at < end && *l->at >= '0' && *l->at <= '7'; i++) {
            code = code * 8 + (uint32_t)(*l->at++ - '0');
        }
        *n = (size_t)qni_utf8_encode(code, out);
        return true;
    }
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
        out[(*n)++] = '\\';
        out[(*n)++] = (char)c;
        return c != 'N';
    }
    for (int i = 0; i < digits; i++, l->at++) {
        if (l->at == end || isxdigit((unsigned char)*l->at) == 0) {
            return false;
        }
        int d = isdigit((unsigned char)*l->at) ? *l->at - '0'
                                               : tolower((unsigned char)*l->at) - 'a' + 10;
        code = code << 4 | (uint32_t)d;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return false;
    }
    *n = (size_t)qni_utf8_encode(code, out);
    return true;
}

static qn_status new_value(lexer *l, qni_kind kind, qni_value **out)
{
    *out = qni_arena_alloc(&l->t->arena, sizeof **out);
    if (*out == NULL) {
        return qni_fail_memory(l->err);
    }
    (*out)->kind = (uint8_t)kind;
    return QN_OK;
}

static qn_status lex_quoted(lexer *l)
{
    const char *begin = l->at;
    const char *end = begin + 1;
    while (end < l->end && *end != *begin) {
        end += *end == '\\' && end + 1 < l->end ? 2 : 1;
    }
    if (end >= l->end) {
        return fail(l, "a string without its end");
    }
    char *text = qni_arena_alloc(&l->t->arena, 6 * (size_t)(end - begin) + 16);
    qni_value *value;
    size_t n = 0;
    if (text == NULL) {
        return qni_fail_memory(l->err);
    }
    for (l->at++; l->at < end;) {
        size_t more = 1;
        if (*l->at != '\\') {
            text[n++] = *l->at++;
            continue;
        }
        l->at++;
        if (!unescape(l, end, text + n, &more)) {
            return fail(l, "an escape in a string that Python does not know");
        }
        n += more;
    }
    l->at = end + 1;
    QNI_TRY(new_value(l, QNI_TEXT, &value));
    value->as.text.at = text;
    value->as.text.n = n;
    value->as.text.characters = (size_t)-1;
    return add(l, QNI_WORD_TEXT, begin, text, n, value);
}

// Digits of which "_" may part some; 0: none.
static size_t digits_at(const char *at, const char *end, const char *set)
{
    size_t n = 0;
    const char *stop = at;
    while (stop < end && *stop != '\0' && strchr(set, tolower((unsigned char)*stop)) != NULL) {
        stop += stop + 1 < end && stop[1] == '_' && stop + 2 < end && stop[2] != '\0' &&
                        strchr(set, tolower((unsigned char)stop[2])) != NULL
                    ? 2
                    : 1;
        n = (size_t)(stop - at);
    }
    return n;
}

static size_t real_length(const lexer *l)
{
    static const char decimal[] = "0123456789";
    size_t n = digits_at(l->at, l->end, decimal);
    const char *at = l->at + n;
    bool is_real = false;
    if (l->at > l->t->text && l->at[-1] == '.') {
        return 0;
    }
    if (at + 1 < l->end && *at == '.' && isdigit((unsigned char)at[1])) {
        at += 1 + digits_at(at + 1, l->end, decimal);
        is_real = true;
    }
    if (at + 1 < l->end && (*at == 'e' || *at == 'E')) {
        const char *power = at + 1 + (at[1] == '-' || at[1] == '+');
        size_t m = power < l->end ? digits_at(power, l->end, decimal) : 0;
        if (m > 0) {
            at = power + m;
            is_real = true;
        }
    }
    return is_real ? (size_t)(at - l->at) : 0;
}

static size_t whole_length(const lexer *l, int *base)
{
    static const char *const sets[] = {"01", "01234567", "0123456789abcdef"};
    static const int bases[] = {2, 8, 16};
    *base = 10;
    if (l->at[0] == '0' && l->at + 1 < l->end && l->at[1] != '\0') {
        const char *kind = strchr("box", tolower((unsigned char)l->at[1]));
        if (kind != NULL) {
            size_t which = tolower((unsigned char)l->at[1]) == 'b'   ? 0
                           : tolower((unsigned char)l->at[1]) == 'o' ? 1
                                                                     : 2;
            const char *at = l->at + 2 + (l->at + 2 < l->end && l->at[2] == '_');
            size_t n = digits_at(at, l->end, sets[which]);
            if (n > 0) {
                *base = bases[which];
                return (size_t)(at - l->at) + n;
            }
        }
    }
    return digits_at(l->at, l->end, l->at[0] == '0' ? "0" : "0123456789");
}

static qn_status lex_number(lexer *l)
{
    int base = 10;
    size_t n = real_length(l);
    bool is_real = n > 0;
    n = is_real ? n : whole_length(l, &base);
    char digits[400];
    size_t m = 0;
    qni_value *value;
    if (n >= sizeof digits) {
        return fail(l, "a number of too many digits");
    }
    for (size_t i = base == 10 ? 0 : 2; i < n; i++) {
        if (l->at[i] != '_') {
            digits[m++] = l->at[i];
        }
    }
    digits[m] = '\0';
    QNI_TRY(new_value(l, is_real ? QNI_REAL : QNI_INT, &value));
    errno = 0;
    if (is_real) {
        value->as.real = strtod(digits, NULL);
    } else {
        value->as.whole = strtoll(digits, NULL, base);
        if (errno == ERANGE) {
            return fail(l, "a whole number beyond 64 bits");
        }
    }
    const char *begin = l->at;
    l->at += n;
    return add(l, QNI_WORD_NUMBER, begin, begin, n, value);
}

static size_t name_length(const lexer *l)
{
    const char *at = l->at;
    while (at < l->end) {
        unsigned char c = (unsigned char)*at;
        if (isalnum(c) || c == '_') {
            at++;
            continue;
        }
        uint32_t code;
        int n = c < 0x80 ? 0
                         : qni_utf8_decode((const unsigned char *)at, (size_t)(l->end - at), &code);
        if (n <= 0 || !qni_unicode_is_word(code)) {
            break;
        }
        at += n;
    }
    return (size_t)(at - l->at);
}

static qn_status lex_sign(lexer *l)
{
    static const char *const signs[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                        "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                        ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!looking_at(l, signs[i])) {
            continue;
        }
        char c = signs[i][0];
        if (c == '(' || c == '[' || c == '{') {
            if (l->n_open == sizeof l->open) {
                return fail(l, "nested too deep");
            }
            l->open[l->n_open++] = c == '(' ? ')' : c == '[' ? ']' : '}';
        } else if (c == ')' || c == ']' || c == '}') {
            if (l->n_open == 0 || l->open[--l->n_open] != c) {
                return fail(l, "a bracket that closes nothing");
            }
        }
        const char *begin = l->at;
        l->at += strlen(signs[i]);
        return add(l, QNI_WORD_SIGN, begin, signs[i], strlen(signs[i]), NULL);
    }
    return fail(l, "a character that means nothing here");
}

static qn_status lex_inside(lexer *l, bool is_output)
{
    l->n_open = 0;
    for (;;) {
        skip_space(l);
        if (l->at == l->end) {
            return fail(l, "a tag without its end");
        }
        const char *begin = l->at;
        if (l->n_open == 0 && take_end(l, is_output ? "}}" : "%}", !is_output, !is_output)) {
            return add(l, is_output ? QNI_WORD_OUTPUT_END : QNI_WORD_TAG_END, begin, begin, 2,
                       NULL);
        }
        size_t n;
        if (*l->at == '\'' || *l->at == '"') {
            QNI_TRY(lex_quoted(l));
        } else if (isdigit((unsigned char)*l->at)) {
            QNI_TRY(lex_number(l));
        } else if ((n = name_length(l)) > 0) {
            const char *name = qni_intern(l->t, l->at, n);
            if (name == NULL) {
                return qni_fail_memory(l->err);
            }
            l->at += n;
            QNI_TRY(add(l, QNI_WORD_NAME, begin, name, n, NULL));
        } else {
            QNI_TRY(lex_sign(l));
        }
    }
}

static qn_status lex_all(lexer *l)
{
    while (l->at < l->end) {
        const char *text = l->at;
        const char *tag = text;
        bool before = l->line_start;
        while (tag < l->end && !(tag + 1 < l->end && tag[0] == '{' &&
                                 (tag[1] == '{' || tag[1] == '%' || tag[1] == '#'))) {
            const char *next = memchr(tag + 1, '{', (size_t)(l->end - tag - 1));
            tag = next != NULL ? next : l->end;
        }
        l->at = tag;
        if (tag == l->end) {
            return add_text(l, text, (size_t)(tag - text));
        }
        char sign = '\0', mark = tag[1];
        bool raw = mark == '%' && take_word_tag(l, "raw", &sign);
        if (raw && take_end(l, "%}", false, false)) {
            bool after = l->line_start;
            l->line_start = before;
            QNI_TRY(add_text(l, text, kept(l, text, (size_t)(tag - text), sign, false)));
            l->line_start = after;
            QNI_TRY(lex_raw(l));
            continue;
        }
        l->at = tag + 2;
        (void)take_sign(l, &sign);
        QNI_TRY(add_text(l, text, kept(l, text, (size_t)(tag - text), sign, mark == '{')));
        l->line_start = false;
        if (mark == '#') {
            l->at = tag;
            QNI_TRY(lex_comment(l));
            continue;
        }
        QNI_TRY(
            add(l, mark == '{' ? QNI_WORD_OUTPUT_BEGIN : QNI_WORD_TAG_BEGIN, tag, tag, 2, NULL));
        QNI_TRY(lex_inside(l, mark == '{'));
    }
    return QN_OK;
}

// "\r\n" and "\r" become "\n"; one at the end is not text.
static qn_status normalize(lexer *l)
{
    size_t n = strlen(l->t->source), m = 0;
    char *text = qni_arena_alloc(&l->t->arena, n + 1);
    if (text == NULL) {
        return qni_fail_memory(l->err);
    }
    for (size_t i = 0; i < n; i++) {
        char c = l->t->source[i];
        i += c == '\r' && l->t->source[i + 1] == '\n';
        text[m++] = c == '\r' ? '\n' : c;
    }
    m -= m > 0 && text[m - 1] == '\n';
    text[m] = '\0';
    l->t->text = text;
    l->t->n_text = m;
    l->at = text;
    l->counted = text;
    l->end = text + m;
    return QN_OK;
}

qn_status qni_template_lex(qni_template *t, qni_word **out, size_t *n, qn_error *err)
{
    lexer l = {.t = t, .line = 1, .column = 1, .line_start = true, .err = err};
    QNI_TRY(normalize(&l));
    qn_status status = lex_all(&l);
    status = status == QN_OK ? add(&l, QNI_WORD_END, l.end, l.end, 0, NULL) : status;
    *out = status == QN_OK ? qni_arena_array(&t->arena, l.n, sizeof **out) : NULL;
    if (*out != NULL) {
        memcpy(*out, l.words, l.n * sizeof **out);
        *n = l.n;
    } else if (status == QN_OK) {
        status = qni_fail_memory(err);
    }
    qni_free(l.words);
    return status;
}
