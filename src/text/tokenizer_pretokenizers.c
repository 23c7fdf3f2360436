// Reads the pre-tokenizers of tokenizer.json.
#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"

#include <string.h>

static qn_status add(qni_json_reader *r, qni_pretokenizer step)
{
    qni_tokenizer *t = r->t;
    qni_pretokenizer *more = qni_realloc(t->pretokenizers,
                                         (t->n_pretokenizers + 1) * sizeof *t->pretokenizers);
    if (more == NULL) {
        qni_splitter_end(&step.splitter);
        return qni_fail_memory(r->err);
    }
    t->pretokenizers = more;
    t->pretokenizers[t->n_pretokenizers++] = step;
    return QN_OK;
}

static qn_status add_pattern(qni_json_reader *r, const char *pattern, qni_split_behavior behavior,
                             bool invert)
{
    qni_pretokenizer step = {.kind = QNI_PRE_SPLIT};
    QNI_TRY(
        qni_splitter_open(pattern, QNI_REGEX_ONIGURUMA, behavior, invert, &step.splitter, r->err));
    return add(r, step);
}

static qn_status read_behavior(const json_t *source, qni_split_behavior *out, qn_error *err)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char *name;
    size_t n;
    QNI_TRY(qni_json_need_text(source, "behavior", &name, &n, err));
    for (int i = 0; i < 5; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (qni_split_behavior)i;
            return QN_OK;
        }
    }
    return qni_fail(err, QN_UNSUPPORTED, NULL, "the split behavior \"%s\"", name);
}

static qn_status read_split(qni_json_reader *r, const json_t *source)
{
    qni_pretokenizer step = {.kind = QNI_PRE_SPLIT};
    qni_split_behavior behavior;
    bool invert;
    QNI_TRY(qni_json_only(source, "Split", "type pattern behavior invert", r->err));
    QNI_TRY(read_behavior(source, &behavior, r->err));
    QNI_TRY(qni_json_bool(source, "invert", false, &invert, r->err));
    QNI_TRY(qni_read_pattern(json_object_get(source, "pattern"), behavior, invert, &step.splitter,
                             r->err));
    return add(r, step);
}

static const char gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static qn_status read_byte_level(qni_json_reader *r, const json_t *source)
{
    bool prefix, pattern;
    QNI_TRY(
        qni_json_only(source, "ByteLevel", "type add_prefix_space trim_offsets use_regex", r->err));
    QNI_TRY(qni_json_bool(source, "add_prefix_space", true, &prefix, r->err));
    QNI_TRY(qni_json_bool(source, "use_regex", true, &pattern, r->err));
    if (prefix) {
        QNI_TRY(add(r, (qni_pretokenizer){.kind = QNI_PRE_PREFIX_SPACE}));
    }
    if (pattern) {
        QNI_TRY(add_pattern(r, gpt2_pattern, QNI_SPLIT_ISOLATED, false));
    }
    return add(r, (qni_pretokenizer){.kind = QNI_PRE_BYTES});
}

// ASCII's own punctuation counts besides Unicode's: "$+<=>^`|~" are symbols there.
static qn_status write_punctuation(qni_json_reader *r, qni_buf *out)
{
    qn_status status = qni_buf_add_text(out, "$+<=>\\^`|~", r->err);
    uint32_t first = 0;
    bool inside = false;
    for (uint32_t code = 1; code <= 0x110000 && status == QN_OK; code++) {
        bool is = code < 0x110000 && (QNI_PUNCTUATION >> qni_unicode_category_8(code) & 1) != 0;
        if (is && !inside) {
            first = code;
        } else if (!is && inside) {
            status = qni_buf_printf(out, r->err, "\\x{%X}-\\x{%X}", first, code - 1);
        }
        inside = is;
    }
    return status;
}

// A pattern in which each "%s" stands for the punctuation, as it stands in brackets.
static qn_status add_punctuation(qni_json_reader *r, const char *format,
                                 qni_split_behavior behavior, bool invert)
{
    qni_buf set, pattern;
    qni_buf_begin(&set, QNI_MIB, "a pattern's length");
    qni_buf_begin(&pattern, QNI_MIB, "a pattern's length");
    qn_status status = write_punctuation(r, &set);
    for (const char *at = format; *at != 0 && status == QN_OK;) {
        const char *hole = strstr(at, "%s");
        size_t n = hole != NULL ? (size_t)(hole - at) : strlen(at);
        status = qni_buf_add(&pattern, at, n, r->err);
        if (status == QN_OK && hole != NULL) {
            status = qni_buf_add(&pattern, set.data, set.size, r->err);
        }
        at += hole != NULL ? n + 2 : n;
    }
    status = status == QN_OK ? add_pattern(r, pattern.data, behavior, invert) : status;
    qni_buf_end(&set);
    qni_buf_end(&pattern);
    return status;
}

// White space is taken out, punctuation stands alone.
static qn_status read_bert(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(qni_json_only(source, "BertPreTokenizer", "type", r->err));
    return add_punctuation(r, "[%s]|[^\\s%s]+", QNI_SPLIT_REMOVED, true);
}

// The Rust library's \w, without the brackets.
#define WORD                                                                               \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-" \
    "\\x{1F169}\\x{1F170}-\\x{1F189}\\x{200C}\\x{200D}"

static qn_status read_whitespace(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(qni_json_only(source, "Whitespace", "type", r->err));
    return add_pattern(r, "[" WORD "]+|[^\\s" WORD "]+", QNI_SPLIT_REMOVED, true);
}

static qn_status read_whitespace_split(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(qni_json_only(source, "WhitespaceSplit", "type", r->err));
    return add_pattern(r, "\\S+", QNI_SPLIT_REMOVED, true);
}

static qn_status read_punctuation(qni_json_reader *r, const json_t *source)
{
    qni_split_behavior behavior = QNI_SPLIT_ISOLATED;
    QNI_TRY(qni_json_only(source, "Punctuation", "type behavior", r->err));
    if (json_object_get(source, "behavior") != NULL) {
        QNI_TRY(read_behavior(source, &behavior, r->err));
    }
    return add_punctuation(r, "[%s]", behavior, false);
}

// Unicode 17's numbers count.
#define NUMBER "[\\p{N}\\x{11DE0}-\\x{11DE9}\\x{16FF4}-\\x{16FF6}]"

static qn_status read_digits(qni_json_reader *r, const json_t *source)
{
    bool single;
    QNI_TRY(qni_json_only(source, "Digits", "type individual_digits", r->err));
    QNI_TRY(qni_json_bool(source, "individual_digits", false, &single, r->err));
    return add_pattern(r, single ? NUMBER : NUMBER "+", QNI_SPLIT_ISOLATED, false);
}

static qn_status read_delimiter(qni_json_reader *r, const json_t *source)
{
    const char *text;
    size_t n;
    qni_pretokenizer step = {.kind = QNI_PRE_SPLIT};
    QNI_TRY(qni_json_only(source, "CharDelimiterSplit", "type delimiter", r->err));
    QNI_TRY(qni_json_need_text(source, "delimiter", &text, &n, r->err));
    if (n == 0) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "CharDelimiterSplit: an empty delimiter");
    }
    QNI_TRY(qni_splitter_open_literal(text, n, QNI_SPLIT_REMOVED, false, &step.splitter, r->err));
    return add(r, step);
}

static qn_status read_length(qni_json_reader *r, const json_t *source)
{
    int64_t length;
    QNI_TRY(qni_json_only(source, "FixedLength", "type length", r->err));
    QNI_TRY(qni_json_integer(source, "length", 5, &length, r->err));
    if (length < 1) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "FixedLength: a length of %lld",
                        (long long)length);
    }
    return add(r, (qni_pretokenizer){.kind = QNI_PRE_LENGTH, .length = (size_t)length});
}

static qn_status read_scripts(qni_json_reader *r, const json_t *source)
{
    qni_pretokenizer step = {.kind = QNI_PRE_SPLIT};
    QNI_TRY(qni_json_only(source, "UnicodeScripts", "type", r->err));
    QNI_TRY(qni_splitter_open_scripts(&step.splitter, r->err));
    return add(r, step);
}

// "prepend_scheme", or "add_prefix_space" of older files.
static qn_status read_prepend(const json_t *source, qni_prepend *out, qn_error *err)
{
    static const char *const names[] = {"always", "first", "never"};
    const char *name;
    size_t n;
    bool prefix;
    QNI_TRY(qni_json_bool(source, "add_prefix_space", true, &prefix, err));
    QNI_TRY(qni_json_text(source, "prepend_scheme", &name, &n, err));
    *out = prefix ? QNI_PREPEND_ALWAYS : QNI_PREPEND_NEVER;
    for (int i = 0; name != NULL && i < 3; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (qni_prepend)i;
            return QN_OK;
        }
    }
    return name == NULL ? QN_OK
                        : qni_fail(err, QN_UNSUPPORTED, NULL, "the prepend_scheme \"%s\"", name);
}

static qn_status read_metaspace(qni_json_reader *r, const json_t *source)
{
    const char *mark;
    size_t n;
    bool split;
    qni_pretokenizer step = {.kind = QNI_PRE_METASPACE};
    QNI_TRY(qni_json_only(source, "Metaspace",
                          "type replacement prepend_scheme split add_prefix_space str_rep",
                          r->err));
    QNI_TRY(qni_json_need_text(source, "replacement", &mark, &n, r->err));
    QNI_TRY(read_prepend(source, &step.prepend, r->err));
    QNI_TRY(qni_json_bool(source, "split", true, &split, r->err));
    if (n == 0 || n > sizeof step.mark) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "Metaspace: a replacement of %zu bytes", n);
    }
    memcpy(step.mark, mark, n);
    step.n_mark = n;
    QNI_TRY(add(r, step));
    if (!split) {
        return QN_OK;
    }
    qni_pretokenizer cut = {.kind = QNI_PRE_SPLIT};
    QNI_TRY(qni_splitter_open_literal(mark, n, QNI_SPLIT_MERGED_WITH_NEXT, false, &cut.splitter,
                                      r->err));
    return add(r, cut);
}

static qn_status read_sequence(qni_json_reader *r, const json_t *source)
{
    const json_t *steps = json_object_get(source, "pretokenizers");
    QNI_TRY(qni_json_only(source, "Sequence", "type pretokenizers", r->err));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        QNI_TRY(qni_read_pretokenizer(r, json_array_get(steps, i)));
    }
    return QN_OK;
}

qn_status qni_read_pretokenizer(qni_json_reader *r, const json_t *source)
{
    static const qni_component rows[] = {
        {"Sequence", read_sequence},
        {"Split", read_split},
        {"ByteLevel", read_byte_level},
        {"BertPreTokenizer", read_bert},
        {"Whitespace", read_whitespace},
        {"WhitespaceSplit", read_whitespace_split},
        {"Punctuation", read_punctuation},
        {"Digits", read_digits},
        {"CharDelimiterSplit", read_delimiter},
        {"FixedLength", read_length},
        {"UnicodeScripts", read_scripts},
        {"Metaspace", read_metaspace},
    };
    return qni_read_component(r, source, "pre-tokenizer", rows, QNI_ROWS(rows));
}
