// Filters that lay text out in lines: pprint, as Python's pprint.pformat does it, and wordwrap, as
// its textwrap.wrap does it. Widths are counted in characters.
#include "text/template_run.h"

#include "base/utf8.h"
#include "text/template_lex.h"
#include "text/unicode.h"

#include <string.h>

// ---- pprint

enum { PAGE = 80 };

// As sorted by keys, or where keys have no order by the names of their types.
static bool comes_before(qni_run *r, qni_value *a, qni_value *b)
{
    double x, y;
    int how = 0;
    bool numbers = qni_is_number(a, &x) && qni_is_number(b, &y);
    if (numbers || (a->kind == b->kind && (a->kind == QNI_TEXT || a->kind == QNI_TUPLE))) {
        return qni_compare(r, a, b, &how) && how == -1;
    }
    static const char *const types[] = {
        [QNI_NONE] = "NoneType", [QNI_BOOL] = "bool", [QNI_INT] = "int",
        [QNI_REAL] = "float",    [QNI_TEXT] = "str",  [QNI_TUPLE] = "tuple"};
    return a->kind <= QNI_TUPLE && b->kind <= QNI_TUPLE && types[a->kind] != NULL &&
           types[b->kind] != NULL && strcmp(types[a->kind], types[b->kind]) < 0;
}

static void merge(qni_run *r, const qni_dict *d, uint32_t *order, uint32_t *room, size_t n)
{
    size_t half = n / 2;
    if (n < 2) {
        return;
    }
    merge(r, d, order, room, half);
    merge(r, d, order + half, room, n - half);
    memcpy(room, order, n * sizeof *order);
    for (size_t i = 0, left = 0, right = half; i < n; i++) {
        bool second = left == half ||
                      (right < n && comes_before(r, d->keys[room[right]], d->keys[room[left]]));
        order[i] = second ? room[right++] : room[left++];
    }
}

// The places of a mapping's members in the order of their keys; NULL when it fails.
static uint32_t *sorted(qni_run *r, const qni_dict *d)
{
    uint32_t *order = qni_run_alloc(r, (2 * d->n + 1) * sizeof *order);
    for (size_t i = 0; order != NULL && i < d->n; i++) {
        order[i] = (uint32_t)i;
    }
    if (order != NULL && qni_charge(r, d->n)) {
        merge(r, d, order, order + d->n, d->n);
    }
    return r->status == QN_OK ? order : NULL;
}

// repr() with sorted mappings.
static bool put_flat(qni_run *r, qni_value *v, qni_buf *out)
{
    if (v->kind != QNI_DICT && v->kind != QNI_LIST && v->kind != QNI_TUPLE) {
        return qni_repr(r, v, out);
    }
    bool fine = qni_enter(r);
    if (fine && v->kind == QNI_DICT) {
        const qni_dict *d = v->as.dict;
        const uint32_t *order = sorted(r, d);
        fine = order != NULL && qni_put_text(r, out, "{");
        for (size_t i = 0; i < d->n && fine; i++) {
            fine = qni_put_text(r, out, i == 0 ? "" : ", ") &&
                   put_flat(r, d->keys[order[i]], out) && qni_put_text(r, out, ": ") &&
                   put_flat(r, d->values[order[i]], out);
        }
        fine = fine && qni_put_text(r, out, "}");
    } else if (fine) {
        bool tuple = v->kind == QNI_TUPLE;
        fine = qni_put_text(r, out, tuple ? "(" : "[");
        for (size_t i = 0; i < v->as.list.n && fine; i++) {
            fine = qni_put_text(r, out, i == 0 ? "" : ", ") &&
                   put_flat(r, v->as.list.items[i], out);
        }
        fine = fine && qni_put_text(r, out, tuple ? v->as.list.n == 1 ? ",)" : ")" : "]");
    }
    qni_leave(r);
    return fine;
}

static qni_value *flat(qni_run *r, qni_value *v)
{
    qni_buf buf;
    qni_put_begin(r, &buf);
    return qni_put_end(r, &buf, put_flat(r, v, &buf));
}

static bool put_line(qni_run *r, qni_buf *out, int64_t indent)
{
    bool fine = qni_put_text(r, out, "\n");
    for (int64_t i = 0; i < indent && fine; i++) {
        fine = qni_put_text(r, out, " ");
    }
    return fine;
}

// Where a value is written: so many columns before it, so many needed behind it.
typedef struct place {
    int64_t indent, behind;
    int level;
} place;

static bool put_pretty(qni_run *r, qni_value *v, place at, qni_buf *out);

static bool put_members(qni_run *r, const qni_dict *d, place at, qni_buf *out)
{
    const uint32_t *order = sorted(r, d);
    bool fine = order != NULL && qni_put_text(r, out, "{");
    for (size_t i = 0; i < d->n && fine; i++) {
        qni_value *key = flat(r, d->keys[order[i]]);
        fine = key != NULL &&
               (i == 0 || (qni_put_text(r, out, ",") && put_line(r, out, at.indent + 1)));
        place value = {.behind = i + 1 == d->n ? at.behind + 1 : 1, .level = at.level};
        if (fine) {
            value.indent = at.indent + 1 + (int64_t)qni_characters(key) + 2;
            fine = qni_print(r, key, out) && qni_put_text(r, out, ": ") &&
                   put_pretty(r, d->values[order[i]], value, out);
        }
    }
    return fine && qni_put_text(r, out, "}");
}

static bool put_items(qni_run *r, const qni_value *v, place at, qni_buf *out)
{
    bool tuple = v->kind == QNI_TUPLE;
    size_t n = v->as.list.n;
    const char *end = tuple ? n == 1 ? ",)" : ")" : "]";
    bool fine = qni_put_text(r, out, tuple ? "(" : "[");
    for (size_t i = 0; i < n && fine; i++) {
        place item = {.indent = at.indent + 1,
                      .behind = i + 1 == n ? at.behind + (int64_t)strlen(end) : 1,
                      .level = at.level};
        fine = (i == 0 || (qni_put_text(r, out, ",") && put_line(r, out, item.indent))) &&
               put_pretty(r, v->as.list.items[i], item, out);
    }
    return fine && qni_put_text(r, out, end);
}

// A word with the white space behind it; at the beginning the white space alone.
static size_t next_part(const char *text, size_t n)
{
    size_t at = 0, space;
    while (at < n && qni_python_space(text + at, n - at) == 0) {
        at++;
    }
    while (at < n && (space = qni_python_space(text + at, n - at)) > 0) {
        at += space;
    }
    return at;
}

// The quoted pieces of one line that is too long, of which the last has to leave room.
static bool cut_line(qni_run *r, qni_value *line, int64_t width, int64_t behind, qni_items *pieces)
{
    const char *text = line->as.text.at;
    size_t n = line->as.text.n, begin = 0; // of the piece
    bool fine = true;
    for (size_t at = 0, end; at < n && fine; at = end) {
        end = at + next_part(text + at, n - at);
        qni_value *candidate = qni_text_at(r, text + begin, end - begin);
        qni_value *quoted = candidate != NULL ? flat(r, candidate) : NULL;
        fine = quoted != NULL;
        int64_t most = end == n ? width - behind : width;
        if (fine && (int64_t)qni_characters(quoted) > most) {
            qni_value *piece = at > begin ? qni_text_at(r, text + begin, at - begin) : NULL;
            fine = at == begin || (piece != NULL && (piece = flat(r, piece)) != NULL &&
                                   qni_items_add(r, pieces, piece));
            begin = at;
        }
    }
    qni_value *rest = fine ? qni_text_at(r, text + begin, n - begin) : NULL;
    rest = rest != NULL ? flat(r, rest) : NULL;
    return rest != NULL && qni_items_add(r, pieces, rest);
}

static bool put_string(qni_run *r, qni_value *v, place at, qni_buf *out)
{
    qni_value *given[] = {qni_bool(true)}; // the ends of lines are kept
    const qni_args args = {given, 1, NULL, NULL, 0};
    qni_value *lines = qni_call_method(r, qni_find_row(qni_text_methods, "splitlines"), v, &args);
    bool outer = at.level == 1;
    qni_items pieces = {0};
    at.indent += outer;
    at.behind += outer;
    for (size_t i = 0; lines != NULL && i < lines->as.list.n; i++) {
        qni_value *line = lines->as.list.items[i], *quoted = flat(r, line);
        int64_t width = PAGE - at.indent, behind = i + 1 == lines->as.list.n ? at.behind : 0;
        bool fits = quoted != NULL && (int64_t)qni_characters(quoted) <= width - behind;
        if (quoted == NULL || !(fits ? qni_items_add(r, &pieces, quoted)
                                     : cut_line(r, line, width, behind, &pieces))) {
            return false;
        }
    }
    if (lines == NULL || pieces.n < 2) {
        return lines != NULL && qni_repr(r, v, out);
    }
    bool fine = !outer || qni_put_text(r, out, "(");
    for (size_t i = 0; i < pieces.n && fine; i++) {
        fine = (i == 0 || put_line(r, out, at.indent)) && qni_print(r, pieces.items[i], out);
    }
    return fine && (!outer || qni_put_text(r, out, ")"));
}

static bool put_pretty(qni_run *r, qni_value *v, place at, qni_buf *out)
{
    qni_value *line = flat(r, v);
    if (line == NULL || !qni_enter(r)) {
        return false;
    }
    bool fits = (int64_t)qni_characters(line) <= PAGE - at.indent - at.behind;
    at.level++;
    bool fine = fits                                          ? qni_print(r, line, out)
                : v->kind == QNI_DICT                         ? put_members(r, v->as.dict, at, out)
                : v->kind == QNI_LIST || v->kind == QNI_TUPLE ? put_items(r, v, at, out)
                : v->kind == QNI_TEXT && !v->markup           ? put_string(r, v, at, out)
                                                              : qni_print(r, line, out);
    qni_leave(r);
    return fine;
}

static qni_value *f_pprint(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_buf buf;
    (void)a;
    (void)args;
    qni_put_begin(r, &buf);
    return qni_put_end(r, &buf, put_pretty(r, self, (place){0, 0, 0}, &buf));
}

// ---- wordwrap

// A line as code points, with where each begins.
typedef struct line {
    const char *text;
    uint32_t *codes;
    size_t *at; // n + 1
    size_t n;
    bool hyphens; // words are cut behind hyphens
} line;

static bool is_blank(uint32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ';
}

static bool is_letter(uint32_t c) // a \w that is no digit
{
    return c == '_' || (QNI_LETTERS >> qni_unicode_category(c) & 1) != 0 ||
           qni_unicode_category(c) == QNI_CATEGORY_NL || qni_unicode_category(c) == QNI_CATEGORY_NO;
}

static bool is_word(uint32_t c)
{
    return is_letter(c) || qni_unicode_category(c) == QNI_CATEGORY_ND;
}

static bool joins_dashes(uint32_t c)
{
    return is_word(c) || (c < 0x80 && c != 0 && strchr("!\"'&.,?", (int)c) != NULL);
}

// The end of a row of two dashes and more at `at` with a word behind it; 0: there is none.
static size_t dashes_end(const line *l, size_t at)
{
    size_t end = at;
    while (end < l->n && l->codes[end] == '-') {
        end++;
    }
    return at > 0 && end >= at + 2 && end < l->n && is_word(l->codes[end]) &&
                   joins_dashes(l->codes[at - 1])
               ? end
               : 0;
}

// Whether a word may be cut behind the hyphen at `at`: letters on both sides.
static bool cuts_hyphen(const line *l, size_t at)
{
    const uint32_t *c = l->codes;
    bool before = (at >= 2 && is_letter(c[at - 1]) && is_letter(c[at - 2])) ||
                  (at >= 3 && joins_dashes(c[at - 1]) && c[at - 2] == '-' && is_letter(c[at - 3]));
    size_t second = at + 2 < l->n && c[at + 2] == '-' ? at + 3 : at + 2;
    return c[at] == '-' && before && second < l->n && is_letter(c[at + 1]) && is_letter(c[second]);
}

// The end of what is never cut: white space, a row of dashes, a word or a part of one.
static size_t chunk_end(const line *l, size_t at)
{
    size_t end = at + 1;
    if (is_blank(l->codes[at])) {
        while (end < l->n && is_blank(l->codes[end])) {
            end++;
        }
        return end;
    }
    size_t dashes = l->hyphens ? dashes_end(l, at) : 0;
    if (dashes > 0) {
        return dashes;
    }
    for (; end < l->n && !is_blank(l->codes[end]); end++) {
        if (l->hyphens && cuts_hyphen(l, end)) {
            return end + 1;
        }
        if (l->hyphens && dashes_end(l, end) > 0) {
            break;
        }
    }
    return end;
}

// Whether a piece is white space alone, as strip() sees it.
static bool is_space(const line *l, size_t begin, size_t end)
{
    const char *text = l->text + l->at[begin];
    size_t n = l->at[end] - l->at[begin], at = 0, space;
    while (at < n && (space = qni_python_space(text + at, n - at)) > 0) {
        at += space;
    }
    return at == n;
}

// How much of a chunk that no line holds goes on this one.
static size_t cut_chunk(const line *l, size_t begin, size_t end, size_t room)
{
    size_t cut = begin + room < end ? begin + room : end;
    if (l->hyphens && end - begin > room) {
        size_t hyphen = cut;
        while (hyphen > begin && l->codes[hyphen - 1] != '-') {
            hyphen--;
        }
        bool other = false; // something else before it
        for (size_t i = begin; i + 1 < hyphen; i++) {
            other = other || l->codes[i] != '-';
        }
        cut = other ? hyphen : cut;
    }
    return cut;
}

static bool put_piece(qni_run *r, const line *l, size_t begin, size_t end, qni_buf *out)
{
    return qni_put(r, out, l->text + l->at[begin], l->at[end] - l->at[begin]);
}

static bool wrap_line(qni_run *r, const line *l, size_t width, bool cuts_words, qni_value *by,
                      qni_buf *out)
{
    bool fine = qni_charge(r, l->n), any = false;
    for (size_t at = 0, end = 0; at < l->n && fine;) { // `end`: of the chunk at `at`
        end = end > at ? end : chunk_end(l, at);
        if (any && is_space(l, at, end)) {
            at = end;
            if (at == l->n) {
                break;
            }
            end = chunk_end(l, at);
        }
        size_t begin = at, last = at; // where the line's last chunk begins
        while (at < l->n && end - begin <= width) {
            last = at;
            at = end;
            end = at < l->n ? chunk_end(l, at) : at;
        }
        if (at < l->n && end - at > width) {
            size_t cut = cuts_words    ? cut_chunk(l, at, end, width - (at - begin))
                         : at == begin ? end
                                       : at;
            last = cut > at || cuts_words ? at : last;
            at = cut;
            end = at < l->n && at >= end ? chunk_end(l, at) : end;
        }
        size_t stop = is_space(l, last, at) ? last : at;
        if (stop > begin) {
            fine = (!any || qni_print(r, by, out)) && put_piece(r, l, begin, stop, out);
            any = true;
        }
    }
    return fine;
}

static bool read_line(qni_run *r, const qni_value *text, line *l)
{
    size_t n = text->as.text.n;
    l->text = text->as.text.at;
    l->codes = qni_run_alloc(r, (n + 1) * sizeof *l->codes);
    l->at = qni_run_alloc(r, (n + 1) * sizeof *l->at);
    l->n = 0;
    for (size_t at = 0; l->codes != NULL && l->at != NULL && at <= n;) {
        l->at[l->n] = at;
        if (at == n) {
            return true;
        }
        int length = qni_utf8_decode((const unsigned char *)l->text + at, n - at,
                                     &l->codes[l->n++]);
        at += (size_t)(length < 0 ? -length : length);
    }
    return false;
}

static qni_value *f_wordwrap(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t width = 79;
    bool cuts_words = a[1] == NULL || qni_is_true(r, a[1]);
    bool plain = a[2] == NULL || a[2]->kind == QNI_NONE;
    qni_value *by = plain ? qni_text_at(r, "\n", 1) : a[2];
    line l = {.hyphens = a[3] == NULL || qni_is_true(r, a[3])};
    qni_buf buf;
    if (by == NULL || self->kind != QNI_TEXT || by->kind != QNI_TEXT ||
        (a[0] != NULL && !qni_is_whole(a[0], &width))) {
        return by == NULL || !qni_use(r, self) ? NULL
                                               : qni_raise(r, "wordwrap needs texts and a width");
    }
    const qni_row *splitlines = qni_find_row(qni_text_methods, "splitlines");
    qni_value *lines = qni_call_method(r, splitlines, self, &(qni_args){0});
    bool fine = lines != NULL;
    (void)args;
    qni_put_begin(r, &buf);
    for (size_t i = 0; fine && i < lines->as.list.n; i++) {
        fine = width > 0 || qni_raise(r, "wordwrap to %lld columns", (long long)width) != NULL;
        fine = fine && (i == 0 || qni_print(r, by, &buf)) &&
               read_line(r, lines->as.list.items[i], &l) &&
               wrap_line(r, &l, (size_t)width, cuts_words, by, &buf);
    }
    return qni_put_end(r, &buf, fine);
}

const qni_row qni_layout_filters[] = {
    {"pprint", "", f_pprint},
    {"wordwrap", "width? break_long_words? wrapstring? break_on_hyphens?", f_wordwrap},
    {NULL, NULL, NULL},
};
