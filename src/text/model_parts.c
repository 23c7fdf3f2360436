// Where words can be cut: before the marks of SentencePiece, between characters of kinds that no
// merge joins, and at seams.
#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/model.h"

#include <string.h>

enum { MARK = 0x2581 }; // the space of SentencePiece
static const char mark[] = "\xE2\x96\x81";

// The character that ends before `at` (at > 0) of valid UTF-8.
static uint32_t character_before(const char *text, size_t at)
{
    size_t begin = at - 1;
    while (begin > 0 && ((unsigned char)text[begin] & 0xC0) == 0x80) {
        begin--;
    }
    uint32_t code;
    qni_utf8_decode((const unsigned char *)text + begin, at - begin, &code);
    return code;
}

// The two texts that a merge joins.
typedef struct merge_text {
    qni_bpe_merge merge;
    const char *left, *right;
    uint32_t n_left, n_right;
} merge_text;

// The merge in a slot of the table, from *at on; *at moves behind it. False when there is none.
static bool next_merge(const qni_model *model, uint32_t *at, merge_text *out)
{
    const qni_pairs *pairs = &model->bpe.pairs;
    while (*at < pairs->n_slots) {
        if (qni_pairs_at(pairs, (*at)++, &out->merge)) {
            out->left = qni_vocab_at(&model->vocab, out->merge.left, &out->n_left);
            out->right = qni_vocab_at(&model->vocab, out->merge.right, &out->n_right);
            return true;
        }
    }
    return false;
}

static bool is_joined(const qni_model *model, uint32_t code)
{
    size_t lo = 0, hi = model->n_joined;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (model->joined[middle] < code) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return lo < model->n_joined && model->joined[lo] == code;
}

static qn_status add_joined(qni_model *model, size_t *capacity, uint32_t code, qn_error *err)
{
    if (is_joined(model, code)) {
        return QN_OK;
    }
    if (qni_grow(&model->joined, capacity, model->n_joined + 1, sizeof *model->joined) != 0) {
        return qni_fail_memory(err);
    }
    size_t at = model->n_joined++;
    for (; at > 0 && model->joined[at - 1] > code; at--) {
        model->joined[at] = model->joined[at - 1];
    }
    model->joined[at] = code;
    return QN_OK;
}

// ---- The pattern of parts

// Kinds of ASCII characters; other characters are of none.
typedef enum kind { LETTERS, DIGITS, LINES, SPACES, SIGNS, KINDS } kind;

static kind kind_of(uint32_t c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return c >= 0x80                ? KINDS
           : letter                 ? LETTERS
           : c >= '0' && c <= '9'   ? DIGITS
           : c == '\n'              ? LINES
           : c <= 0x20 || c == 0x7F ? SPACES
                                    : SIGNS;
}

// Kinds that some merge joins make one group: group[k] is the first kind of the one that k is in.
static void find_groups(const qni_model *model, kind group[KINDS])
{
    for (int k = 0; k < KINDS; k++) {
        // without seams, unknown characters may join their neighbours
        group[k] = model->seams.kinds != NULL ? (kind)k : LETTERS;
    }
    merge_text m;
    for (uint32_t at = 0; next_merge(model, &at, &m);) {
        kind a = m.n_left > 0 ? kind_of((unsigned char)m.left[m.n_left - 1]) : KINDS;
        kind b = m.n_right > 0 ? kind_of((unsigned char)m.right[0]) : KINDS;
        if (a != KINDS && b != KINDS && group[a] != group[b]) {
            kind to = group[a] < group[b] ? group[a] : group[b];
            kind from = group[a] < group[b] ? group[b] : group[a];
            for (int k = 0; k < KINDS; k++) {
                group[k] = group[k] == from ? to : group[k];
            }
        }
    }
}

// The set of the ASCII characters of a group that are joined with a mark behind them, or of those
// that are not, with `before` and `behind`. Adds nothing, and says so, when there is none.
static qn_status add_group(qni_buf *out, const qni_model *model, const kind group[KINDS], kind g,
                           bool joined, const char *before, const char *behind, bool *any,
                           qn_error *err)
{
    *any = false;
    for (uint32_t c = 0; c < 0x80; c++) {
        if (group[kind_of(c)] == g && is_joined(model, c) == joined) {
            QNI_TRY(
                qni_buf_printf(out, err, "%s%s\\x{%X}", *any ? "" : before, *any ? "" : "[", c));
            *any = true;
        }
    }
    return *any ? qni_buf_printf(out, err, "]%s", behind) : QN_OK;
}

// One character after another of one group, or of another one. A joined one with a mark behind it
// is none.
static qn_status add_runs(qni_buf *out, const qni_model *model, const kind group[KINDS],
                          qn_error *err)
{
    const char *bar = "(?:";
    for (int g = 0; g < KINDS; g++) {
        if (group[g] == (kind)g) {
            QNI_TRY(qni_buf_printf(out, err, "%s(?:", bar));
            bool any;
            QNI_TRY(add_group(out, model, group, (kind)g, true, "", "(?!\\x{2581})", &any, err));
            QNI_TRY(add_group(out, model, group, (kind)g, false, any ? "|" : "", "", &any, err));
            QNI_TRY(qni_buf_add_text(out, ")+", err));
            bar = "|";
        }
    }
    return qni_buf_add_text(out, ")", err);
}

// What joins with anything: a joined character with the marks behind it, and all that is not ASCII.
static qn_status add_glue(qni_buf *out, const qni_model *model, const char *marks, qn_error *err)
{
    bool any = false;
    QNI_TRY(qni_buf_add_text(out, "(?:", err));
    for (size_t i = 0; i < model->n_joined; i++) {
        if (model->joined[i] != MARK) {
            QNI_TRY(qni_buf_printf(out, err, "%s\\x{%X}", any ? "" : "[", model->joined[i]));
            any = true;
        }
    }
    return qni_buf_printf(out, err, "%s%s%s[^\\x{0}-\\x{7F}\\x{2581}])", any ? "]" : "",
                          any ? marks : "", any ? "|" : "");
}

// A part is what no place cuts at which no merge is ever done: before a mark whose character before
// is not joined, and between two ASCII characters of different groups.
static qn_status write_parts(qni_buf *out, const qni_model *model, qn_error *err)
{
    kind group[KINDS];
    const char *marks = is_joined(model, MARK) ? "\\x{2581}+" : "\\x{2581}";
    qni_buf runs, glue;
    qni_buf_begin(&runs, QNI_MIB, "a pattern's length");
    qni_buf_begin(&glue, QNI_MIB, "a pattern's length");
    find_groups(model, group);
    qn_status status = add_runs(&runs, model, group, err);
    status = status == QN_OK ? add_glue(&glue, model, marks, err) : status;
    if (status == QN_OK) {
        const char *r = runs.data, *g = glue.data;
        status = qni_buf_printf(out, err, "%s%s?(?:%s%s?)*|%s(?:%s%s?)*|(?:%s%s?)+", marks, r, g, r,
                                r, g, r, g, r);
    }
    qni_buf_end(&runs);
    qni_buf_end(&glue);
    return status;
}

static qn_status open_parts(qni_model *model, qn_error *err)
{
    qni_buf pattern;
    qni_buf_begin(&pattern, QNI_MIB, "a pattern's length");
    qn_status status = write_parts(&pattern, model, err);
    status = status == QN_OK ? qni_splitter_open(pattern.data, QNI_REGEX_ONIGURUMA,
                                                 QNI_SPLIT_ISOLATED, false, &model->parts, err)
                             : status;
    qni_buf_end(&pattern);
    return status;
}

// Whether each byte of any text is a symbol, or a character without one becomes tokens of its
// bytes: then unknown characters do not join their neighbours.
static bool knows_all_bytes(const qni_model *model)
{
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        if (model->byte_level ? qni_vocab_find(&model->vocab, &byte, 1) < 0
                              : !model->byte_fallback || model->byte_ids[i] < 0) {
            return false;
        }
    }
    return true;
}

static bool is_byte_token(const qni_model *model, uint32_t id)
{
    bool is = false;
    for (int i = 0; i < 256 && model->byte_fallback; i++) {
        is = is || model->byte_ids[i] == (int32_t)id;
    }
    return is;
}

static qn_status find_seams(qni_model *model, qn_error *err)
{
    size_t n = 0;
    merge_text m;
    for (uint32_t at = 0; next_merge(model, &at, &m);) {
        if (m.n_left == 0 || m.n_right == 0 ||
            (m.n_left == 6 && is_byte_token(model, m.merge.left)) ||
            (m.n_right == 6 && is_byte_token(model, m.merge.right))) {
            return QN_OK; // these stand for other text than their own
        }
        n += qni_seams_look_at(m.left[m.n_left - 1], m.right[0]);
    }
    QNI_TRY(qni_seams_begin(&model->seams, n, err));
    for (uint32_t at = 0; next_merge(model, &at, &m);) {
        qni_seams_add(&model->seams, m.left, m.n_left, m.right, m.n_right);
    }
    return QN_OK;
}

// Whether characters are worth to be looked up. Of a small vocabulary they are encoded as fast.
static bool wants_characters(const qni_model *model)
{
    enum { LEAST_MERGES = 4096 };
    return model->kind == QNI_MODEL_BPE
               ? model->seams.kinds != NULL && model->bpe.pairs.n_slots >= LEAST_MERGES
               : model->kind == QNI_MODEL_WORDPIECE && model->unk >= 0;
}

// The first n tokens of a row, if there is room for them; else 0.
static qni_character keep_tokens(const qni_bpe_symbol *tokens, size_t n)
{
    qni_character known = (uint64_t)n << QNI_CHARACTER_N_SHIFT | QNI_CHARACTER_KNOWN;
    for (size_t i = 0; i < n; i++) {
        if (n > QNI_CHARACTER_TOKENS || tokens[i].id > QNI_CHARACTER_MOST) {
            return 0;
        }
        known |= (uint64_t)tokens[i].id << i * QNI_CHARACTER_ID_BITS;
    }
    return known;
}

static qn_status encode_character(const qni_model *model, qni_model_scratch *scratch, uint32_t code,
                                  qn_error *err)
{
    char text[4];
    size_t n = (size_t)qni_utf8_encode(code, text);
    return model->kind == QNI_MODEL_BPE ? qni_model_encode_part(model, scratch, text, n, err)
                                        : qni_model_encode(model, scratch, text, n, err);
}

static qn_status list_characters(const qni_model *model, qni_model_scratch *scratch,
                                 qni_character *known, qn_error *err)
{
    const qni_pieces *pieces = &scratch->pieces;
    for (uint32_t code = 0; code < QNI_CHARACTERS; code++) {
        if (code < 0xD800 || code > 0xDFFF) { // these are no characters
            QNI_TRY(encode_character(model, scratch, code, err));
            known[code] = keep_tokens(pieces->items, pieces->n);
        }
    }
    return QN_OK;
}

// What most characters of a row begin with is what the first one does that ends in its last byte's
// token.
static qn_status fill_row(const qni_model *model, qni_model_scratch *scratch, uint32_t first,
                          qni_character_row *row, qn_error *err)
{
    const qni_pieces *pieces = &scratch->pieces;
    for (uint32_t i = 0; i < QNI_CHARACTERS_A_ROW; i++) {
        QNI_TRY(encode_character(model, scratch, first + i, err));
        size_t n = pieces->n;
        bool ends_so = n > 1 && model->characters.last[i] == (int32_t)pieces->items[n - 1].id;
        qni_character beginning = ends_so ? keep_tokens(pieces->items, n - 1) : 0;
        row->beginning = row->beginning == 0 ? beginning : row->beginning;
        bool other = beginning == 0 || beginning != row->beginning;
        row->others |= (uint64_t)other << i;
    }
    return QN_OK;
}

static qn_status list_rows(qni_model *model, qni_model_scratch *scratch, qni_character_row *rows,
                           qn_error *err)
{
    for (int i = 0; i < QNI_CHARACTERS_A_ROW; i++) {
        char byte = (char)(0x80 + i);
        model->characters.last[i] = model->byte_level ? qni_vocab_find(&model->vocab, &byte, 1)
                                                      : model->byte_ids[0x80 + i];
    }
    for (uint32_t i = 0; i < QNI_CHARACTER_ROWS; i++) {
        QNI_TRY(fill_row(model, scratch, QNI_CHARACTERS + i * QNI_CHARACTERS_A_ROW, &rows[i], err));
    }
    return QN_OK;
}

static qn_status open_characters(qni_model *model, qn_error *err)
{
    bool has_rows = model->kind == QNI_MODEL_BPE;
    qni_character *known = qni_calloc(QNI_CHARACTERS, sizeof *known);
    qni_character_row *rows = has_rows ? qni_calloc(QNI_CHARACTER_ROWS, sizeof *rows) : NULL;
    qni_model_scratch scratch = {0};
    bool has_memory = known != NULL && (rows != NULL || !has_rows);
    qn_status status = has_memory ? QN_OK : qni_fail_memory(err);
    if (status == QN_OK) {
        status = list_characters(model, &scratch, known, err);
    }
    if (status == QN_OK && has_rows) {
        status = list_rows(model, &scratch, rows, err);
    }
    qni_model_scratch_end(&scratch);
    if (status != QN_OK) {
        qni_free(known);
        qni_free(rows);
        return status;
    }
    model->characters.known = known;
    model->characters.rows = rows;
    model->characters.owned = true;
    return QN_OK;
}

// Whether no merge can cross before a line feed: it is a symbol of its own, as itself or as its
// byte, and no token holds it behind anything but another one.
static bool lines_are_apart(const qni_model *model)
{
    if (!knows_all_bytes(model) && qni_vocab_find(&model->vocab, "\n", 1) < 0) {
        return false;
    }
    for (uint32_t id = 0; id < model->vocab.n; id++) {
        uint32_t n;
        const char *token = qni_vocab_at(&model->vocab, id, &n);
        for (uint32_t i = 1; i < n; i++) {
            if (token[i] == '\n' && token[i - 1] != '\n') {
                return false;
            }
        }
        if (n > 6 && memmem(token, n, "<0x0A>", 6) != NULL) {
            return false;
        }
    }
    return true;
}

qn_status qni_model_settle(qni_model *model, qn_error *err)
{
    size_t capacity = 0;
    if (model->kind == QNI_MODEL_BPE && model->prefix == NULL && model->suffix == NULL &&
        knows_all_bytes(model)) {
        QNI_TRY(find_seams(model, err));
    }
    QNI_TRY(wants_characters(model) ? open_characters(model, err) : QN_OK);
    // An unknown mark could be joined with unknown characters before it; a whole word that is a
    // token could lie across; and where unknown characters are dropped, what stands around them is
    // merged.
    model->drops = model->kind == QNI_MODEL_BPE && model->unk < 0 && !knows_all_bytes(model);
    bool has_mark = qni_vocab_find(&model->vocab, mark, 3) >= 0;
    uint32_t found_id;
    model->cuts = model->kind == QNI_MODEL_BPE && !model->byte_level && !model->ignore_merges &&
                  !model->drops && model->prefix == NULL && model->suffix == NULL && has_mark;
    model->carries = model->kind == QNI_MODEL_UNIGRAM && has_mark &&
                     qni_trie_longest(&model->unigram.trie, (const unsigned char *)mark, 3,
                                      &found_id) == 3;
    for (uint32_t id = 0; (model->cuts || model->carries) && id < model->vocab.n; id++) {
        uint32_t n;
        const char *token = qni_vocab_at(&model->vocab, id, &n);
        const char *found = n > 3 ? memmem(token + 1, n - 1, mark, 3) : NULL;
        while (found != NULL) {
            size_t at = (size_t)(found - token);
            QNI_TRY(add_joined(model, &capacity, character_before(token, at), err));
            found = memmem(found + 3, n - at - 3, mark, 3);
        }
    }
    model->cuts_lines = model->cuts && lines_are_apart(model);
    return model->cuts ? open_parts(model, err) : QN_OK;
}

bool qni_model_cuts_between(const qni_model *model, uint32_t before, uint32_t after)
{
    return ((model->cuts || model->carries) && after == MARK && !is_joined(model, before)) ||
           (model->cuts_lines && after == '\n');
}

size_t qni_model_part(const qni_model *model, const char *word, size_t n, size_t least)
{
    size_t at = least;
    while ((model->cuts || model->carries) && at + 3 <= n) {
        const char *found = memmem(word + at, n - at, mark, 3);
        if (found == NULL) {
            return n;
        }
        at = (size_t)(found - word);
        if (!is_joined(model, character_before(word, at))) {
            return at;
        }
        at += 3;
    }
    return n;
}
