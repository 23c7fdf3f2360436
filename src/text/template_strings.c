// Python's methods of texts, and the filters that are made of them.
#include "text/template_run.h"

#include "base/utf8.h"
#include "text/template_lex.h"
#include "text/unicode.h"

#include <string.h>

typedef struct piece {
    const char *at;
    size_t n;
} piece;

static piece piece_of(const qni_value *v)
{
    return (piece){v->as.text.at, v->as.text.n};
}

// Arguments: texts where they have to be.
static bool need_text(qni_run *r, const qni_value *v)
{
    return v->kind == QNI_TEXT ||
           (qni_use(r, v) && qni_raise(r, "a %s where a text is needed", qni_kind_name(v)) != NULL);
}

static bool need_whole(qni_run *r, const qni_value *v, int64_t *out)
{
    return qni_is_whole(v, out) || (qni_use(r, v) && qni_raise(r, "a %s where a number is needed",
                                                               qni_kind_name(v)) != NULL);
}

static uint32_t code_at(const char *at, size_t n, size_t *length)
{
    uint32_t code;
    int size = qni_utf8_decode((const unsigned char *)at, n, &code);
    *length = (size_t)(size < 0 ? -size : size);
    return code;
}

// The character that ends at `end`.
static size_t before(const char *s, size_t end)
{
    size_t at = end - 1;
    while (at > 0 && ((unsigned char)s[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

// ---- Stripping

static bool is_stripped(const char *at, size_t n, const qni_value *set)
{
    return set != NULL ? memmem(set->as.text.at, set->as.text.n, at, n) != NULL
                       : qni_python_space(at, n) != 0;
}

static qni_value *strip(qni_run *r, qni_value *self, qni_value *set, bool left, bool right)
{
    piece p = piece_of(self);
    set = set != NULL && set->kind == QNI_NONE ? NULL : set;
    if (set != NULL && !need_text(r, set)) {
        return NULL;
    }
    size_t work = 1 + (set != NULL ? set->as.text.n / 64 : 0); // of one character
    while (left && p.n > 0) {
        size_t n;
        (void)code_at(p.at, p.n, &n);
        if (!is_stripped(p.at, n, set)) {
            break;
        }
        p.at += n;
        p.n -= n;
        if (!qni_charge(r, work)) {
            return NULL;
        }
    }
    while (right && p.n > 0) {
        size_t at = before(p.at, p.n);
        if (!is_stripped(p.at + at, p.n - at, set)) {
            break;
        }
        p.n = at;
        if (!qni_charge(r, work)) {
            return NULL;
        }
    }
    return qni_text_at(r, p.at, p.n);
}

static qni_value *m_strip(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return strip(r, self, a[0], true, true);
}
static qni_value *m_lstrip(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return strip(r, self, a[0], true, false);
}
static qni_value *m_rstrip(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return strip(r, self, a[0], false, true);
}

// ---- Case

static bool is_cased(uint32_t code)
{
    qni_category c = qni_unicode_category(code);
    return c == QNI_CATEGORY_LU || c == QNI_CATEGORY_LL || c == QNI_CATEGORY_LT;
}

static bool put_codes(qni_run *r, qni_buf *buf, const uint32_t *codes, int n)
{
    bool fine = true;
    for (int i = 0; i < n && fine; i++) {
        fine = qni_put_code(r, buf, codes[i]);
    }
    return fine;
}

static bool put_title(qni_run *r, qni_buf *buf, uint32_t code)
{
    uint32_t made[3], rest[3];
    int n = qni_unicode_upper(code, made);
    bool fine = put_codes(r, buf, made, 1);
    for (int i = 1; i < n && fine; i++) {
        fine = put_codes(r, buf, rest, qni_unicode_lower(made[i], rest));
    }
    return fine;
}

// mode: u upper, l lower, f folded, t title, c capitalize, s swap.
static qni_value *change_case(qni_run *r, qni_value *self, char mode)
{
    piece p = piece_of(self);
    qni_buf buf;
    bool fine = qni_charge(r, p.n / 4), start = true;
    qni_put_begin(r, &buf);
    for (size_t i = 0, n; i < p.n && fine; i += n) {
        uint32_t code = code_at(p.at + i, p.n - i, &n), made[3];
        bool cased = is_cased(code);
        bool up = mode == 'u' || (mode == 's' && qni_unicode_category(code) == QNI_CATEGORY_LL);
        if ((mode == 't' || mode == 'c') && start) {
            fine = put_title(r, &buf, code);
        } else if (up) {
            fine = put_codes(r, &buf, made, qni_unicode_upper(code, made));
        } else if (mode == 'f') {
            fine = put_codes(r, &buf, made, qni_unicode_casefold(code, made));
        } else if (code == 0x3A3 && i > 0) { // a sigma at the end of a word
            size_t m;
            bool last = i + n >= p.n || !is_cased(code_at(p.at + i + n, p.n - i - n, &m));
            size_t at = before(p.at, i);
            fine = qni_put_code(r, &buf,
                                last && is_cased(code_at(p.at + at, i - at, &m)) ? 0x3C2 : 0x3C3);
        } else {
            fine = put_codes(r, &buf, made, qni_unicode_lower(code, made));
        }
        start = mode == 't' && !cased;
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *m_upper(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return change_case(r, self, 'u');
}
static qni_value *m_lower(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return change_case(r, self, 'l');
}
static qni_value *m_casefold(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return change_case(r, self, 'f');
}
static qni_value *m_title(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return change_case(r, self, 't');
}
static qni_value *m_capitalize(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return change_case(r, self, 'c');
}
static qni_value *m_swapcase(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return change_case(r, self, 's');
}

// ---- Finding

// The part that an optional start and end choose; false when there is none (a start past the end).
static bool choose(qni_run *r, qni_value *self, qni_value **at, piece *out, size_t *skipped,
                   bool *none)
{
    int64_t n = (int64_t)qni_characters(self), ends[2] = {0, n};
    for (int i = 0; i < 2; i++) {
        if (at[i] != NULL && at[i]->kind != QNI_NONE) {
            if (!need_whole(r, at[i], &ends[i])) {
                return false;
            }
            ends[i] += ends[i] < 0 ? n : 0;
            ends[i] = ends[i] < 0 ? 0 : ends[i];
        }
    }
    *none = ends[0] > n;
    ends[1] = ends[1] > n ? n : ends[1];
    *none = *none || ends[0] > ends[1];
    if (*none) {
        ends[0] = ends[1];
    }
    size_t begin = qni_text_offset(self, (size_t)ends[0]),
           end = qni_text_offset(self, (size_t)ends[1]);
    *skipped = (size_t)ends[0];
    *out = (piece){self->as.text.at + begin, end - begin};
    return qni_charge(r, self->as.text.n / 16);
}

static size_t characters(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    }
    return count;
}

static const char *find_last(piece in, piece what)
{
    for (size_t at = in.n >= what.n ? in.n - what.n + 1 : 0; at-- > 0;) {
        if (memcmp(in.at + at, what.at, what.n) == 0) {
            return in.at + at;
        }
    }
    return NULL;
}

static qni_value *find(qni_run *r, qni_value *self, qni_value **a, bool last, bool must)
{
    piece in;
    size_t skipped;
    bool none;
    if (!need_text(r, a[0]) || !choose(r, self, a + 1, &in, &skipped, &none)) {
        return NULL;
    }
    piece what = piece_of(a[0]);
    if (last && !qni_charge(r, in.n / 16 * (1 + what.n / 16))) { // each place is compared
        return NULL;
    }
    const char *found = none   ? NULL
                        : last ? find_last(in, what)
                               : memmem(in.at, in.n, what.at, what.n);
    if (found == NULL) {
        return must ? qni_raise(r, "there is no such part") : qni_int(r, -1);
    }
    return qni_int(r, (int64_t)(skipped + characters(in.at, (size_t)(found - in.at))));
}

static qni_value *m_find(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return find(r, self, a, false, false);
}
static qni_value *m_rfind(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return find(r, self, a, true, false);
}
static qni_value *m_index(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return find(r, self, a, false, true);
}
static qni_value *m_rindex(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return find(r, self, a, true, true);
}

static qni_value *m_count(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    piece in;
    size_t skipped;
    bool none;
    int64_t n = 0;
    (void)args;
    if (!need_text(r, a[0]) || !choose(r, self, a + 1, &in, &skipped, &none)) {
        return NULL;
    }
    piece what = piece_of(a[0]);
    if (what.n == 0) {
        return qni_int(r, none ? 0 : (int64_t)characters(in.at, in.n) + 1);
    }
    const char *found;
    while (!none && (found = memmem(in.at, in.n, what.at, what.n)) != NULL) {
        n++;
        in.n -= (size_t)(found + what.n - in.at);
        in.at = found + what.n;
    }
    return qni_int(r, n);
}

static qni_value *begins(qni_run *r, qni_value *self, qni_value **a, bool at_end)
{
    piece in;
    size_t skipped;
    bool none;
    qni_value *one[1] = {a[0]};
    qni_value **list = a[0]->kind == QNI_TUPLE ? a[0]->as.list.items : one;
    size_t n = a[0]->kind == QNI_TUPLE ? a[0]->as.list.n : 1;
    if (!choose(r, self, a + 1, &in, &skipped, &none)) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!need_text(r, list[i])) {
            return NULL;
        }
        piece what = piece_of(list[i]);
        if (!none && what.n <= in.n &&
            memcmp(at_end ? in.at + in.n - what.n : in.at, what.at, what.n) == 0) {
            return qni_bool(true);
        }
    }
    return qni_bool(false);
}

static qni_value *m_startswith(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return begins(r, self, a, false);
}
static qni_value *m_endswith(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return begins(r, self, a, true);
}

static qni_value *m_removeprefix(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    if (!need_text(r, a[0])) {
        return NULL;
    }
    piece p = piece_of(self), q = piece_of(a[0]);
    bool is = q.n <= p.n && memcmp(p.at, q.at, q.n) == 0;
    return is ? qni_text_at(r, p.at + q.n, p.n - q.n) : self;
}

static qni_value *m_removesuffix(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    if (!need_text(r, a[0])) {
        return NULL;
    }
    piece p = piece_of(self), q = piece_of(a[0]);
    bool is = q.n <= p.n && memcmp(p.at + p.n - q.n, q.at, q.n) == 0;
    return is ? qni_text_at(r, p.at, p.n - q.n) : self;
}

// ---- Cutting

static bool add_piece(qni_run *r, qni_items *list, const char *at, size_t n)
{
    return qni_items_add(r, list, qni_text_at(r, at, n));
}

static void reverse(qni_items *list)
{
    for (size_t i = 0; i < list->n / 2; i++) {
        qni_value *other = list->items[i];
        list->items[i] = list->items[list->n - 1 - i];
        list->items[list->n - 1 - i] = other;
    }
}

static bool split_left(qni_run *r, piece p, piece by, int64_t most, qni_items *list)
{
    const char *found;
    while (most-- != 0 && (found = memmem(p.at, p.n, by.at, by.n)) != NULL) {
        if (!add_piece(r, list, p.at, (size_t)(found - p.at))) {
            return false;
        }
        p.n -= (size_t)(found + by.n - p.at);
        p.at = found + by.n;
    }
    return add_piece(r, list, p.at, p.n);
}

static bool split_right(qni_run *r, piece p, piece by, int64_t most, qni_items *list)
{
    for (size_t at = p.n; most != 0 && at-- > 0;) {
        if (at + by.n <= p.n && memcmp(p.at + at, by.at, by.n) == 0) {
            if (!add_piece(r, list, p.at + at + by.n, p.n - at - by.n)) {
                return false;
            }
            p.n = at;
            most--;
        }
    }
    bool fine = add_piece(r, list, p.at, p.n);
    reverse(list);
    return fine;
}

static bool split_spaces(qni_run *r, piece p, int64_t most, qni_items *list)
{
    for (size_t i = 0, n; i < p.n;) {
        while (i < p.n && (n = qni_python_space(p.at + i, p.n - i)) > 0) {
            i += n;
        }
        size_t begin = i;
        if (most-- == 0 && i < p.n) {
            return add_piece(r, list, p.at + i, qni_python_rstrip(p.at + i, p.n - i));
        }
        while (i < p.n && qni_python_space(p.at + i, p.n - i) == 0) {
            i++;
            while (i < p.n && ((unsigned char)p.at[i] & 0xC0) == 0x80) {
                i++;
            }
        }
        if (i > begin && !add_piece(r, list, p.at + begin, i - begin)) {
            return false;
        }
    }
    return true;
}

static bool split_spaces_right(qni_run *r, piece p, int64_t most, qni_items *list)
{
    for (;;) {
        p.n = qni_python_rstrip(p.at, p.n);
        if (p.n == 0) {
            break;
        }
        size_t begin = p.n;
        if (most-- == 0) {
            begin = 0;
            for (size_t n; begin < p.n && (n = qni_python_space(p.at + begin, p.n - begin)) > 0;) {
                begin += n;
            }
        }
        while (begin > 0 && most >= -1 - INT64_MAX &&
               qni_python_space(p.at + before(p.at, begin), begin - before(p.at, begin)) == 0) {
            begin = before(p.at, begin);
        }
        if (!add_piece(r, list, p.at + begin, p.n - begin)) {
            return false;
        }
        p.n = most == -1 ? 0 : begin;
    }
    reverse(list);
    return true;
}

static qni_value *split(qni_run *r, qni_value *self, qni_value **a, bool right)
{
    qni_items list = {NULL, 0, 0};
    int64_t most = -1;
    piece p = piece_of(self);
    if (a[1] != NULL && !need_whole(r, a[1], &most)) {
        return NULL;
    }
    most = most < 0 ? INT64_MAX : most;
    bool fine = qni_charge(r, p.n / 16);
    if (fine && (a[0] == NULL || a[0]->kind == QNI_NONE)) {
        fine = right && most != INT64_MAX ? split_spaces_right(r, p, most, &list)
                                          : split_spaces(r, p, most, &list);
    } else if (fine) {
        if (!need_text(r, a[0])) {
            return NULL;
        }
        if (a[0]->as.text.n == 0) {
            return qni_raise(r, "an empty separator");
        }
        fine = !right || qni_charge(r, p.n / 16 * (1 + a[0]->as.text.n / 16));
        fine = !fine   ? false
               : right ? split_right(r, p, piece_of(a[0]), most, &list)
                       : split_left(r, p, piece_of(a[0]), most, &list);
    }
    return fine ? qni_items_take(r, &list, QNI_LIST) : NULL;
}

static qni_value *m_split(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return split(r, self, a, false);
}
static qni_value *m_rsplit(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return split(r, self, a, true);
}

static size_t line_end(const char *at, size_t n)
{
    size_t length;
    uint32_t code = code_at(at, n, &length);
    if (code == '\r' && n > 1 && at[1] == '\n') {
        return 2;
    }
    bool is = (code >= 10 && code <= 13) || (code >= 28 && code <= 30) || code == 0x85 ||
              code == 0x2028 || code == 0x2029;
    return is ? length : 0;
}

static qni_value *m_splitlines(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_items list = {NULL, 0, 0};
    piece p = piece_of(self);
    bool keep = a[0] != NULL && qni_is_true(r, a[0]), fine = qni_charge(r, p.n / 16);
    (void)args;
    for (size_t i = 0, begin = 0; i < p.n && fine;) {
        size_t end = line_end(p.at + i, p.n - i), n;
        (void)code_at(p.at + i, p.n - i, &n);
        i += end > 0 ? end : n;
        if (end > 0 || i == p.n) {
            fine = add_piece(r, &list, p.at + begin, i - begin - (keep ? 0 : end));
            begin = i;
        }
    }
    return fine ? qni_items_take(r, &list, QNI_LIST) : NULL;
}

static qni_value *partition(qni_run *r, qni_value *self, qni_value *by, bool last)
{
    if (!need_text(r, by)) {
        return NULL;
    }
    piece p = piece_of(self), q = piece_of(by);
    if (q.n == 0 || !qni_charge(r, p.n / 16 * (last ? 1 + q.n / 16 : 1))) {
        return q.n == 0 ? qni_raise(r, "an empty separator") : NULL;
    }
    const char *found = last ? find_last(p, q) : memmem(p.at, p.n, q.at, q.n);
    qni_value *parts = qni_list(r, QNI_TUPLE, 3), *empty = qni_text_at(r, "", 0);
    if (parts == NULL || empty == NULL) {
        return NULL;
    }
    qni_value **out = parts->as.list.items;
    out[0] = last ? empty : self;
    out[1] = empty;
    out[2] = last ? self : empty;
    if (found != NULL) {
        size_t n = (size_t)(found - p.at);
        out[0] = qni_text_at(r, p.at, n);
        out[1] = by;
        out[2] = qni_text_at(r, found + q.n, p.n - n - q.n);
    }
    return out[0] != NULL && out[2] != NULL ? parts : NULL;
}

static qni_value *m_partition(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return partition(r, self, a[0], false);
}
static qni_value *m_rpartition(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return partition(r, self, a[0], true);
}

// ---- Putting together

qni_value *qni_escaped(qni_run *r, qni_value *v)
{
    const qni_args none = {NULL, 0, NULL, NULL, 0};
    return qni_call_row(r, qni_find_filter("escape"), v, &none);
}

static qni_value *replace(qni_run *r, piece p, piece from, piece to, int64_t most)
{
    qni_buf buf;
    bool fine = qni_charge(r, p.n / 16);
    qni_put_begin(r, &buf);
    if (from.n == 0) { // between all characters
        for (size_t i = 0, n; fine && most != 0; i += n, most--) {
            fine = qni_charge(r, 1) && qni_put(r, &buf, to.at, to.n);
            if (i >= p.n) {
                return qni_put_end(r, &buf, fine);
            }
            (void)code_at(p.at + i, p.n - i, &n);
            fine = fine && qni_put(r, &buf, p.at + i, n);
            if (most == 1) {
                p = (piece){p.at + i + n, p.n - i - n};
                return qni_put_end(r, &buf, fine && qni_put(r, &buf, p.at, p.n));
            }
        }
    }
    const char *found;
    while (fine && from.n > 0 && most-- != 0 &&
           (found = memmem(p.at, p.n, from.at, from.n)) != NULL) {
        size_t n = (size_t)(found - p.at);
        fine = qni_charge(r, 1) && qni_put(r, &buf, p.at, n) && qni_put(r, &buf, to.at, to.n);
        p = (piece){found + from.n, p.n - n - from.n};
    }
    return qni_put_end(r, &buf, fine && qni_put(r, &buf, p.at, p.n));
}

static qni_value *m_replace(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t most = -1;
    (void)args;
    if (!need_text(r, a[0]) || !need_text(r, a[1]) ||
        (a[2] != NULL && !need_whole(r, a[2], &most))) {
        return NULL;
    }
    qni_value *to = self->markup ? qni_escaped(r, a[1]) : a[1];
    return to != NULL ? replace(r, piece_of(self), piece_of(a[0]), piece_of(to), most) : NULL;
}

static qni_value *m_join(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *list = qni_to_list(r, a[0]);
    qni_buf buf;
    bool fine = list != NULL;
    (void)args;
    qni_put_begin(r, &buf);
    for (size_t i = 0; fine && i < list->as.list.n; i++) {
        qni_value *item = list->as.list.items[i];
        if (self->markup) { // puts anything together, escaped
            item = qni_escaped(r, item);
        }
        fine = item != NULL && need_text(r, item) &&
               (i == 0 || qni_put(r, &buf, self->as.text.at, self->as.text.n)) &&
               qni_put(r, &buf, item->as.text.at, item->as.text.n);
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *pad(qni_run *r, qni_value *self, qni_value **a, int64_t left_of_three)
{
    int64_t width, n = (int64_t)qni_characters(self);
    const char *with = " ";
    size_t with_n = 1;
    if (!need_whole(r, a[0], &width)) {
        return NULL;
    }
    if (a[1] != NULL) {
        if (!need_text(r, a[1]) || qni_characters(a[1]) != 1) {
            return r->status != QN_OK ? NULL : qni_raise(r, "padding is one character");
        }
        with = a[1]->as.text.at;
        with_n = a[1]->as.text.n;
    }
    int64_t more = width > n ? width - n : 0;
    int64_t left = left_of_three == 0   ? 0
                   : left_of_three == 3 ? more
                                        : more / 2 + (more & width & 1);
    qni_buf buf;
    bool fine = true;
    qni_put_begin(r, &buf);
    for (int64_t i = 0; fine && i <= more; i++) {
        fine = i != left || qni_put(r, &buf, self->as.text.at, self->as.text.n);
        fine = fine && qni_charge(r, 1) && (i == more || qni_put(r, &buf, with, with_n));
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *m_ljust(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return pad(r, self, a, 0);
}
static qni_value *m_rjust(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return pad(r, self, a, 3);
}
static qni_value *m_center(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return pad(r, self, a, 1);
}

static qni_value *m_zfill(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t width, more;
    (void)args;
    if (!need_whole(r, a[0], &width)) {
        return NULL;
    }
    more = width - (int64_t)qni_characters(self);
    piece p = piece_of(self);
    size_t sign = p.n > 0 && (p.at[0] == '-' || p.at[0] == '+');
    qni_buf buf;
    qni_put_begin(r, &buf);
    bool fine = qni_put(r, &buf, p.at, sign);
    for (; fine && more > 0; more--) {
        fine = qni_charge(r, 1) && qni_put(r, &buf, "0", 1);
    }
    return qni_put_end(r, &buf, fine && qni_put(r, &buf, p.at + sign, p.n - sign));
}

static qni_value *m_expandtabs(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t size = 8, column = 0;
    qni_buf buf;
    bool fine = a[0] == NULL || need_whole(r, a[0], &size);
    (void)args;
    qni_put_begin(r, &buf);
    for (size_t i = 0; fine && i < self->as.text.n; i++) {
        char c = self->as.text.at[i];
        if (c == '\t') {
            for (int64_t n = size > 0 ? size - column % size : 0; fine && n > 0; n--) {
                fine = qni_charge(r, 1) && qni_put(r, &buf, " ", 1);
                column++;
            }
            continue;
        }
        fine = qni_put(r, &buf, &c, 1);
        column = c == '\n' || c == '\r' ? 0 : column + (((unsigned char)c & 0xC0) != 0x80);
    }
    return qni_put_end(r, &buf, fine);
}

// ---- What texts are

typedef bool is_fn(uint32_t code);

static bool is_alpha(uint32_t code)
{
    return (QNI_LETTERS >> qni_unicode_category(code) & 1) != 0;
}
static bool is_decimal(uint32_t code)
{
    return qni_unicode_category(code) == QNI_CATEGORY_ND;
}
static bool is_digit(uint32_t code)
{
    return is_decimal(code) || code == 0xB2 || code == 0xB3 || code == 0xB9 ||
           (code >= 0x2070 && code <= 0x2079 && code != 0x2071) ||
           (code >= 0x2080 && code <= 0x2089) || (code >= 0x2460 && code <= 0x2468);
}
static bool is_numeric(uint32_t code)
{
    return (QNI_NUMBERS >> qni_unicode_category(code) & 1) != 0;
}
static bool is_alnum(uint32_t code)
{
    return is_alpha(code) || is_numeric(code);
}
static bool is_ascii(uint32_t code)
{
    return code < 0x80;
}
static bool is_space(uint32_t code)
{
    return qni_unicode_is_space(code) || (code >= 28 && code <= 31);
}
static bool is_printable(uint32_t code)
{
    unsigned hidden = QNI_CATEGORY_BIT(CC) | QNI_CATEGORY_BIT(CF) | QNI_CATEGORY_BIT(CS) |
                      QNI_CATEGORY_BIT(CO) | QNI_CATEGORY_BIT(CN) | QNI_CATEGORY_BIT(ZL) |
                      QNI_CATEGORY_BIT(ZP) | QNI_CATEGORY_BIT(ZS);
    return code == ' ' || (hidden >> qni_unicode_category(code) & 1) == 0;
}
static bool is_identifier(uint32_t code)
{
    return qni_unicode_is_word(code);
}

static qni_value *all_are(const qni_value *self, is_fn *is, bool empty)
{
    piece p = piece_of(self);
    bool all = p.n != 0 || empty;
    for (size_t i = 0, n; i < p.n && all; i += n) {
        all = is(code_at(p.at + i, p.n - i, &n));
    }
    return qni_bool(all);
}

#define IS(name, is, empty)                                                                  \
    static qni_value *name(qni_run *r, qni_value *self, qni_value **a, const qni_args *args) \
    {                                                                                        \
        (void)a;                                                                             \
        (void)args;                                                                          \
        return qni_charge(r, self->as.text.n / 4) ? all_are(self, is, empty) : NULL;         \
    }

IS(m_isalpha, is_alpha, false)
IS(m_isdecimal, is_decimal, false)
IS(m_isdigit, is_digit, false)
IS(m_isnumeric, is_numeric, false)
IS(m_isalnum, is_alnum, false)
IS(m_isascii, is_ascii, true)
IS(m_isspace, is_space, false)
IS(m_isprintable, is_printable, true)

static qni_value *m_isidentifier(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    bool digit = self->as.text.n > 0 && self->as.text.at[0] >= '0' && self->as.text.at[0] <= '9';
    return digit                                ? qni_bool(false)
           : qni_charge(r, self->as.text.n / 4) ? all_are(self, is_identifier, false)
                                                : NULL;
}

static qni_value *m_istitle(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    piece p = piece_of(self);
    bool any = false, inside = false;
    (void)a;
    (void)args;
    if (!qni_charge(r, p.n / 4)) {
        return NULL;
    }
    for (size_t i = 0, n; i < p.n; i += n) {
        qni_category c = qni_unicode_category(code_at(p.at + i, p.n - i, &n));
        bool upper = c == QNI_CATEGORY_LU || c == QNI_CATEGORY_LT;
        if ((upper && inside) || (c == QNI_CATEGORY_LL && !inside)) {
            return qni_bool(false);
        }
        inside = upper || c == QNI_CATEGORY_LL;
        any = any || inside;
    }
    return qni_bool(any);
}

static qni_value *is_case(qni_run *r, qni_value *self, const char *test)
{
    const qni_args none = {NULL, 0, NULL, NULL, 0};
    return qni_call_row(r, qni_find_test(test), self, &none);
}
static qni_value *m_islower(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return is_case(r, self, "lower");
}
static qni_value *m_isupper(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return is_case(r, self, "upper");
}

static qni_value *m_format(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    return qni_format_text(r, self, args);
}

const qni_row qni_text_methods[] = {
    {"strip", "/ chars?", m_strip},
    {"lstrip", "/ chars?", m_lstrip},
    {"rstrip", "/ chars?", m_rstrip},
    {"upper", "", m_upper},
    {"lower", "", m_lower},
    {"casefold", "", m_casefold},
    {"title", "", m_title},
    {"capitalize", "", m_capitalize},
    {"swapcase", "", m_swapcase},
    {"find", "/ sub start? end?", m_find},
    {"rfind", "/ sub start? end?", m_rfind},
    {"index", "/ sub start? end?", m_index},
    {"rindex", "/ sub start? end?", m_rindex},
    {"count", "/ sub start? end?", m_count},
    {"startswith", "/ prefix start? end?", m_startswith},
    {"endswith", "/ suffix start? end?", m_endswith},
    {"removeprefix", "/ prefix", m_removeprefix},
    {"removesuffix", "/ suffix", m_removesuffix},
    {"split", "sep? maxsplit?", m_split},
    {"rsplit", "sep? maxsplit?", m_rsplit},
    {"splitlines", "keepends?", m_splitlines},
    {"partition", "/ sep", m_partition},
    {"rpartition", "/ sep", m_rpartition},
    {"replace", "/ old new count?", m_replace},
    {"join", "/ iterable", m_join},
    {"ljust", "/ width fillchar?", m_ljust},
    {"rjust", "/ width fillchar?", m_rjust},
    {"center", "/ width fillchar?", m_center},
    {"zfill", "/ width", m_zfill},
    {"expandtabs", "tabsize?", m_expandtabs},
    {"isalpha", "", m_isalpha},
    {"isdecimal", "", m_isdecimal},
    {"isdigit", "", m_isdigit},
    {"isnumeric", "", m_isnumeric},
    {"isalnum", "", m_isalnum},
    {"isascii", "", m_isascii},
    {"isspace", "", m_isspace},
    {"isprintable", "", m_isprintable},
    {"isidentifier", "", m_isidentifier},
    {"istitle", "", m_istitle},
    {"islower", "", m_islower},
    {"isupper", "", m_isupper},
    {"format", NULL, m_format},
    {NULL, NULL, NULL},
};
