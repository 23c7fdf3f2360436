#include "text/splitter.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// Writes a set as a class of code points, so that it means the same to every version of the
// library.
static qn_status write_class(qni_buf *out, const qni_charset *set, qn_error *err)
{
    QNI_TRY(qni_buf_add_text(out, "[", err));
    for (size_t i = 0; i < set->n; i += 2) {
        uint32_t last = i + 1 < set->n ? set->flips[i + 1] - 1 : QNI_CODE_POINTS - 1;
        uint32_t first = set->flips[i];
        // Surrogates are no characters to the library.
        if (first < 0xD800 && last >= 0xD800) {
            QNI_TRY(qni_buf_printf(out, err, "\\x{%X}-\\x{D7FF}", first));
            first = 0xE000;
        }
        first = first >= 0xD800 && first < 0xE000 ? 0xE000 : first;
        if (last >= first) {
            QNI_TRY(qni_buf_printf(out, err, "\\x{%X}-\\x{%X}", first, last));
        }
    }
    return qni_buf_add_text(out, "]", err);
}

// \b and \B by the flavor's own \w: the library's knows ASCII only.
static qn_status write_border(qni_buf *out, bool is_one, qni_regex_flavor flavor, qn_error *err)
{
    qni_charset set = {0};
    const char *at = "\\w";
    qni_buf word;
    qni_buf_begin(&word, QNI_MIB, "a pattern's length");
    qn_status status = qni_regex_read_set(&at, flavor, &set, err);
    status = status == QN_OK ? write_class(&word, &set, err) : status;
    if (status == QN_OK) {
        const char *w = word.data;
        status = is_one ? qni_buf_printf(out, err, "(?:(?<=%s)(?!%s)|(?<!%s)(?=%s))", w, w, w, w)
                        : qni_buf_printf(out, err, "(?:(?<=%s)(?=%s)|(?<!%s)(?!%s))", w, w, w, w);
    }
    qni_charset_end(&set);
    qni_buf_end(&word);
    return status;
}

// Copies the pattern with every set written out.
static qn_status translate(const char *pattern, qni_regex_flavor flavor, qni_buf *out,
                           qn_error *err)
{
    const char *at = pattern;
    while (*at != 0) {
        bool set_escape = at[0] == '\\' && at[1] != 0 && strchr("dDsSwWpPhH", at[1]) != NULL;
        if (*at == '[' || set_escape) {
            qni_charset set = {0};
            qn_status status = qni_regex_read_set(&at, flavor, &set, err);
            if (status == QN_OK) {
                status = set.n > 0 ? write_class(out, &set, err)
                                   : qni_buf_add_text(out, "(?!)", err);
            }
            qni_charset_end(&set);
            QNI_TRY(status);
        } else if (at[0] == '\\' && (at[1] == 'b' || at[1] == 'B')) {
            QNI_TRY(write_border(out, at[1] == 'b', flavor, err));
            at += 2;
        } else {
            size_t n = at[0] == '\\' && at[1] != 0 ? 2 : 1;
            QNI_TRY(qni_buf_add(out, at, n, err));
            at += n;
        }
    }
    return QN_OK;
}

// Compiles out->pattern.
static qn_status compile(qni_splitter *out, qn_error *err)
{
    int code;
    PCRE2_SIZE where;
    const char *pattern = out->pattern != NULL ? out->pattern : "";
    out->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                              PCRE2_UTF | PCRE2_NO_UTF_CHECK | out->options, &code, &where, NULL);
    if (out->code == NULL) {
        char reason[128];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
        return qni_fail(err, QN_UNSUPPORTED, NULL, "regular expression \"%.200s\": %s", pattern,
                        reason);
    }
    pcre2_jit_compile(out->code, PCRE2_JIT_COMPLETE);
    uint32_t empty = 1;
    (void)pcre2_pattern_info(out->code, PCRE2_INFO_MATCHEMPTY, &empty);
    out->may_be_empty = empty != 0;
    return QN_OK;
}

static qn_status open_library(const char *pattern, qni_regex_flavor flavor, qni_splitter *out,
                              qn_error *err)
{
    qni_buf text;
    qni_buf_begin(&text, QNI_MIB, "a pattern's length");
    qn_status status = translate(pattern, flavor, &text, err);
    out->options = flavor == QNI_REGEX_ONIGURUMA ? PCRE2_MULTILINE : PCRE2_DOLLAR_ENDONLY;
    out->pattern = qni_buf_take(&text);
    return status == QN_OK ? compile(out, err) : status;
}

// Scripts of Unicode 9, of which Hiragana, Katakana and their length mark count as Han.
static const char *const scripts[] = {
    "\\p{sc:Han}\\p{sc:Hiragana}\\p{sc:Katakana}\\x{30FC}",
    "\\p{sc:Common}",
#define QNI_SCRIPT(name) "\\p{sc:" #name "}",
#include "text/scripts.def"
#undef QNI_SCRIPT
};

enum { N_SCRIPTS = sizeof scripts / sizeof scripts[0] };

// What was of no script then.
static const char newer[] = " "
#define QNI_SINCE_9(first, last) "\\x{" #first "}-\\x{" #last "}"
#define QNI_SINCE_14(name, first, last)
#include "text/unicode_newer.def"
#undef QNI_SINCE_9
#undef QNI_SINCE_14
    ;

// What was of another script then.
static const struct {
    const char *script, *items;
} moved[] = {{"\\p{sc:Common}", "\\x{589}\\x{61C}"}, {"\\p{sc:Devanagari}", "\\x{953}\\x{954}"}};

enum { N_MOVED = sizeof moved / sizeof moved[0] };

// A character of a script.
static qn_status write_script(qni_buf *out, int i, qn_error *err)
{
    bool common = i == 1; // without the length mark
    const char *begin = common ? "[^" : "[", *end = common ? "\\x{30FC}]" : "]";
    QNI_TRY(qni_buf_printf(out, err, "(?:(?!(?3))%s%s%s", begin,
                           common ? "\\P{sc:Common}" : scripts[i], end));
    for (int j = 0; j < N_MOVED; j++) {
        if (strcmp(scripts[i], moved[j].script) == 0) {
            QNI_TRY(qni_buf_printf(out, err, "|[%s]", moved[j].items));
        }
    }
    return qni_buf_add_text(out, ")", err);
}

// Group 1 is what is of no script, 2 what is of none that is listed, 3 what is of another one.
static qn_status write_scripts(qni_buf *out, qn_error *err)
{
    qn_status status = qni_buf_printf(out, err, "(?(DEFINE)([%s])([^", newer);
    for (int i = 0; i < N_SCRIPTS && status == QN_OK; i++) {
        status = qni_buf_add_text(out, scripts[i], err);
    }
    status = status == QN_OK ? qni_buf_printf(out, err, "])([%s%s]))(?!(?1))(?:", moved[0].items,
                                              moved[1].items)
                             : status;
    for (int i = 0; i < N_SCRIPTS && status == QN_OK; i++) {
        status = qni_buf_add_text(out, i > 0 ? "|" : "", err);
        status = status == QN_OK ? write_script(out, i, err) : status;
        status = status == QN_OK ? qni_buf_add_text(out, "(?:", err) : status;
        status = status == QN_OK ? write_script(out, i, err) : status;
        status = status == QN_OK ? qni_buf_add_text(out, "|(?1)|(?2))*+", err) : status;
    }
    return status == QN_OK ? qni_buf_add_text(out, ")", err) : status;
}

// By a character's own script, not by those that it is used with ("sc:", which PCRE2 has since
// 10.40). A piece begins with a character of some script and goes on with that script and with what
// has none. Such characters before the first piece are left out.
qn_status qni_splitter_open_scripts(qni_splitter *out, qn_error *err)
{
    qni_buf text;
    *out = (qni_splitter){.behavior = QNI_SPLIT_REMOVED, .invert = true};
    qni_buf_begin(&text, QNI_MIB, "a pattern's length");
    qn_status status = write_scripts(&text, err);
    out->pattern = qni_buf_take(&text);
    status = status == QN_OK ? compile(out, err) : status;
    if (status != QN_OK) {
        qni_splitter_end(out);
    }
    return status;
}

// Whether every character that can begin a match is one, whatever follows.
static bool is_clear(const qni_automaton *a)
{
    bool clear = true;
    for (uint32_t c = 0; c + 1 < a->n_classes && clear; c++) {
        uint32_t entry = a->table[QNI_AUTOMATON_START * a->n_classes + c];
        uint32_t state = entry & ~(uint32_t)QNI_AUTOMATON_MATCH;
        for (uint32_t other = 0; state != QNI_AUTOMATON_DEAD && other < a->n_classes; other++) {
            clear = clear && (a->table[state * a->n_classes + other] & QNI_AUTOMATON_MATCH) != 0;
        }
    }
    return clear;
}

qn_status qni_splitter_open(const char *pattern, qni_regex_flavor flavor,
                            qni_split_behavior behavior, bool invert, qni_splitter *out,
                            qn_error *err)
{
    *out = (qni_splitter){.behavior = behavior, .invert = invert};
    qni_regex regex;
    bool may_be_empty = false;
    qn_status status = qni_regex_parse(pattern, flavor, &regex, err);
    if (status == QN_OK) {
        status = qni_regex_may_be_empty(&regex, &may_be_empty, err);
    }
    if (status == QN_OK && !may_be_empty) {
        status = qni_automaton_build(&regex, &out->automaton, err);
    }
    qni_regex_end(&regex);
    if (status == QN_UNSUPPORTED || (status == QN_OK && may_be_empty)) {
        status = open_library(pattern, flavor, out, err);
    } else if (status == QN_OK) {
        out->clear = is_clear(&out->automaton);
        status = qni_scanner_build(&out->automaton, &out->scanner, err);
    }
    if (status != QN_OK) {
        qni_splitter_end(out);
    }
    return status;
}

qn_status qni_splitter_open_literal(const char *text, size_t n, qni_split_behavior behavior,
                                    bool invert, qni_splitter *out, qn_error *err)
{
    *out = (qni_splitter){.behavior = behavior, .invert = invert, .literal_bytes = n};
    out->literal = qni_strndup(text, n);
    return out->literal == NULL ? qni_fail_memory(err) : QN_OK;
}

void qni_splitter_end(qni_splitter *splitter)
{
    qni_automaton_end(&splitter->automaton);
    pcre2_code_free(splitter->code);
    qni_free(splitter->pattern);
    qni_free(splitter->literal);
    *splitter = (qni_splitter){0};
}

void qni_splitter_keep(qni_image *image, qni_splitter *s)
{
    qni_automaton *a = &s->automaton;
    qni_image_value(image, s, sizeof *s);
    qni_image_copy(image, &a->table, (size_t)a->n_states * a->n_classes, sizeof *a->table);
    qni_image_copy(image, &a->blocks, (size_t)a->n_blocks * QNI_AUTOMATON_PAGE, 1);
    qni_image_copy(image, &a->pages, QNI_AUTOMATON_PAGES, sizeof *a->pages);
    qni_image_text(image, &s->pattern);
    qni_image_copy(image, &s->literal, s->literal_bytes + 1, 1);
    if (image->reads) {
        qni_scanner_attach(&s->scanner, a);
        s->code = NULL;
        if (s->pattern != NULL && image->status == QN_OK) {
            image->status = compile(s, image->err);
        }
    }
}

void qni_splitter_free_match(void *match)
{
    pcre2_match_data_free(match);
}

static qn_status next_by_library(const qni_splitter *s, const char *text, size_t n, size_t from,
                                 void **match, qni_cut *found, bool *any, qn_error *err)
{
    if (*match == NULL) {
        *match = pcre2_match_data_create(1, NULL);
        if (*match == NULL) {
            return qni_fail_memory(err);
        }
    }
    *any = false;
    uint32_t options = PCRE2_NO_UTF_CHECK | (s->may_be_empty ? 0 : PCRE2_NOTEMPTY);
    size_t last = found->end;
    while (n > 0 && from <= n) {
        int code = pcre2_match(s->code, (PCRE2_SPTR)text, n, from, options, *match, NULL);
        if (code == PCRE2_ERROR_NOMATCH) {
            return QN_OK;
        }
        if (code < 0) {
            char reason[128];
            pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
            return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "the pre-tokenizer's pattern: %s",
                            reason);
        }
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(*match);
        if (span[0] < span[1] || span[1] != last) {
            *found = (qni_cut){span[0], span[1]};
            *any = true;
            return QN_OK;
        }
        do {
            from++;
        } while (from < n && ((unsigned char)text[from] & 0xC0) == 0x80);
    }
    return QN_OK;
}

qn_status qni_splitter_next(const qni_splitter *s, const char *text, size_t n, size_t from,
                            void **match, qni_cut *found, bool *any, qn_error *err)
{
    if (s->code != NULL) {
        return next_by_library(s, text, n, from, match, found, any, err);
    }
    *any = false;
    if (s->literal != NULL) {
        const char *at = from < n ? memmem(text + from, n - from, s->literal, s->literal_bytes)
                                  : NULL;
        if (at != NULL) {
            *found = (qni_cut){(size_t)(at - text), (size_t)(at - text) + s->literal_bytes};
            *any = true;
        }
        return QN_OK;
    }
    while (from < n) {
        size_t end = qni_automaton_match(&s->automaton, text, n, from);
        if (end > from) {
            *found = (qni_cut){from, end};
            *any = true;
            return QN_OK;
        }
        do {
            from++;
        } while (from < n && ((unsigned char)text[from] & 0xC0) == 0x80);
    }
    return QN_OK;
}

static qn_status add_cut(qni_cuts *cuts, size_t begin, size_t end, qn_error *err)
{
    if (begin == end) {
        return QN_OK;
    }
    if (qni_grow(&cuts->items, &cuts->capacity, cuts->n + 1, sizeof *cuts->items) != 0) {
        return qni_fail_memory(err);
    }
    cuts->items[cuts->n++] = (qni_cut){begin, end};
    return QN_OK;
}

// Where the pieces of one run stand while it goes on.
typedef struct placing {
    qni_split_behavior behavior;
    qni_cuts *cuts;
    size_t first;  // of this run's pieces
    bool had_text; // the piece before was text
    bool had_delimiter;
    bool was_empty; // and nothing is joined to it
} placing;

// Adds one stretch of text or one delimiter.
static qn_status place(placing *p, size_t begin, size_t end, bool delimiter, qn_error *err)
{
    qni_cuts *cuts = p->cuts;
    qni_cut *last = cuts->n > p->first ? &cuts->items[cuts->n - 1] : NULL;
    bool joins = false;
    switch (p->behavior) {
    case QNI_SPLIT_REMOVED:
        if (delimiter) {
            return QN_OK;
        }
        break;
    case QNI_SPLIT_ISOLATED: break;
    case QNI_SPLIT_MERGED_WITH_PREVIOUS: joins = delimiter && p->had_text; break;
    case QNI_SPLIT_MERGED_WITH_NEXT: joins = !delimiter && p->had_delimiter; break;
    case QNI_SPLIT_CONTIGUOUS: joins = delimiter ? p->had_delimiter : p->had_text; break;
    }
    joins = joins && !p->was_empty;
    p->had_text = !delimiter;
    p->had_delimiter = delimiter;
    p->was_empty = begin == end;
    if (joins && last != NULL && last->end == begin) {
        last->end = end;
        return QN_OK;
    }
    return add_cut(cuts, begin, end, err);
}

qn_status qni_splitter_run(const qni_splitter *s, const char *text, size_t begin, size_t end,
                           void **match, qni_cuts *cuts, qn_error *err)
{
    placing p = {.behavior = s->behavior, .cuts = cuts, .first = cuts->n};
    const char *base = text + begin;
    size_t n = end - begin;
    qni_cut found = {SIZE_MAX, SIZE_MAX};
    for (size_t at = 0; at < n;) {
        bool any;
        QNI_TRY(qni_splitter_next(s, base, n, at, match, &found, &any, err));
        if (!any) {
            found = (qni_cut){n, n};
        }
        if (found.begin > at) {
            QNI_TRY(place(&p, begin + at, begin + found.begin, s->invert, err));
        }
        if (any) {
            QNI_TRY(place(&p, begin + found.begin, begin + found.end, !s->invert, err));
        }
        at = found.end;
    }
    return QN_OK;
}
