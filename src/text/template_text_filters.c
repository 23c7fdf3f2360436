// Filters of texts.
#include "text/template_run.h"

#include "base/utf8.h"
#include "text/template_lex.h"
#include "text/unicode.h"

#include <string.h>

static qni_value *call_method(qni_run *r, qni_value *self, const char *name, qni_value **items,
                              size_t n)
{
    const qni_args args = {items, n, NULL, NULL, 0};
    qni_value *text = self->kind == QNI_TEXT ? self : qni_to_text(r, self);
    return text != NULL ? qni_call_method(r, qni_find_row(qni_text_methods, name), text, &args)
                        : NULL;
}

static qni_value *f_upper(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return call_method(r, self, "upper", a, 0);
}
static qni_value *f_lower(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return call_method(r, self, "lower", a, 0);
}
static qni_value *f_capitalize(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return call_method(r, self, "capitalize", a, 0);
}
static qni_value *f_trim(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return call_method(r, self, "strip", a, a[0] != NULL);
}
static qni_value *f_string(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return self->kind == QNI_TEXT ? self : qni_to_text(r, self);
}

static qni_value *f_center(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *width = a[0] != NULL ? a[0] : qni_int(r, 80);
    (void)args;
    return width != NULL ? call_method(r, self, "center", &width, 1) : NULL;
}

static qni_value *f_replace(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *given[3] = {qni_to_text(r, a[0]), qni_to_text(r, a[1]), a[2]};
    (void)args;
    bool counted = a[2] != NULL && a[2]->kind != QNI_NONE;
    qni_value *text = qni_to_text(r, self); // no longer a safe one
    return given[0] != NULL && given[1] != NULL && text != NULL
               ? call_method(r, text, "replace", given, counted ? 3 : 2)
               : NULL;
}

// The first letter of each word, where words end at white space and opening brackets and "-".
static qni_value *f_title(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *text = qni_to_text(r, self);
    qni_buf buf;
    bool fine = text != NULL;
    (void)a;
    (void)args;
    qni_put_begin(r, &buf);
    const char *s = fine ? text->as.text.at : "";
    size_t n = fine ? text->as.text.n : 0, first = 0;
    for (size_t i = 0; i < n && fine;) {
        size_t space = qni_python_space(s + i, n - i);
        space = space > 0 ? space : strchr("-({[<", s[i]) != NULL && s[i] != '\0';
        if (space > 0) {
            fine = qni_put(r, &buf, s + i, space);
            i += space;
            continue;
        }
        for (first = i++; i < n && ((unsigned char)s[i] & 0xC0) == 0x80;) {
            i++;
        }
        size_t rest = i;
        while (i < n && qni_python_space(s + i, n - i) == 0 &&
               (strchr("-({[<", s[i]) == NULL || s[i] == '\0')) {
            i++;
        }
        qni_value *head = qni_text_at(r, s + first, rest - first),
                  *tail = qni_text_at(r, s + rest, i - rest);
        head = head != NULL ? call_method(r, head, "upper", NULL, 0) : NULL;
        tail = tail != NULL ? call_method(r, tail, "lower", NULL, 0) : NULL;
        fine = head != NULL && tail != NULL && qni_print(r, head, &buf) && qni_print(r, tail, &buf);
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *f_indent(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t width = 4;
    bool first = a[1] != NULL && qni_is_true(r, a[1]), blank = a[2] != NULL && qni_is_true(r, a[2]);
    qni_value *with = a[0] != NULL && a[0]->kind == QNI_TEXT ? a[0] : NULL;
    (void)args;
    if (self->kind != QNI_TEXT || (a[0] != NULL && with == NULL && !qni_is_whole(a[0], &width))) {
        return qni_use(r, self) ? qni_raise(r, "indent needs a text and a width") : NULL;
    }
    if (with == NULL) {
        qni_value *space = qni_text_at(r, " ", 1), *times = qni_int(r, width);
        with = space != NULL && times != NULL ? qni_binary(r, "*", space, times) : NULL;
    }
    qni_value *newline = qni_text_at(r, "\n", 1);
    qni_value *whole = with != NULL && newline != NULL ? qni_join(r, self, newline) : NULL;
    qni_value *lines = whole != NULL ? call_method(r, whole, "splitlines", NULL, 0) : NULL;
    qni_buf buf;
    bool fine = lines != NULL;
    qni_put_begin(r, &buf);
    for (size_t i = 0; fine && i < lines->as.list.n; i++) {
        qni_value *line = lines->as.list.items[i];
        bool fill = i == 0 ? first : blank || line->as.text.n > 0;
        fine = (i == 0 || qni_put(r, &buf, "\n", 1)) && (!fill || qni_print(r, with, &buf)) &&
               qni_print(r, line, &buf);
    }
    qni_value *made = qni_put_end(r, &buf, fine);
    if (made != NULL) {
        made->markup = self->markup;
    }
    return made;
}

// <, >, &, " and ' as entities.
static qni_value *escape(qni_run *r, qni_value *text)
{
    qni_buf buf;
    bool fine = text != NULL;
    qni_put_begin(r, &buf);
    for (size_t i = 0; fine && i < text->as.text.n; i++) {
        size_t plain = i; // put at once up to the next special one
        while (plain < text->as.text.n && text->as.text.at[plain] != '\0' &&
               strchr("<>&\"'", text->as.text.at[plain]) == NULL) {
            plain++;
        }
        if (plain > i) {
            fine = qni_charge(r, (plain - i) / 16) &&
                   qni_put(r, &buf, text->as.text.at + i, plain - i);
            i = plain - 1;
            continue;
        }
        char c = text->as.text.at[i];
        const char *as = c == '<'    ? "&lt;"
                         : c == '>'  ? "&gt;"
                         : c == '&'  ? "&amp;"
                         : c == '"'  ? "&#34;"
                         : c == '\'' ? "&#39;"
                                     : NULL;
        fine = as != NULL ? qni_put_text(r, &buf, as) : qni_put(r, &buf, &c, 1);
    }
    qni_value *made = qni_put_end(r, &buf, fine);
    if (made != NULL) {
        made->markup = true;
    }
    return made;
}

static qni_value *f_escape(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return self->kind == QNI_TEXT && self->markup ? self : escape(r, qni_to_text(r, self));
}

static qni_value *f_forceescape(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return escape(r, qni_to_text(r, self));
}

static qni_value *f_safe(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *text = qni_to_text(r, self);
    qni_value *made = text != NULL ? qni_text_at(r, text->as.text.at, text->as.text.n) : NULL;
    (void)a;
    (void)args;
    if (made != NULL) {
        made->markup = true;
    }
    return made;
}

static qni_value *f_wordcount(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *text = qni_to_text(r, self);
    int64_t n = 0;
    bool inside = false;
    text = text != NULL && qni_charge(r, text->as.text.n / 4) ? text : NULL;
    (void)a;
    (void)args;
    for (size_t i = 0; text != NULL && i < text->as.text.n;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)text->as.text.at + i,
                                     text->as.text.n - i, &code);
        bool word = code == '_' ||
                    ((QNI_LETTERS | QNI_NUMBERS) >> qni_unicode_category(code) & 1) != 0;
        n += word && !inside;
        inside = word;
        i += (size_t)(length < 0 ? -length : length);
    }
    return text != NULL ? qni_int(r, n) : NULL;
}

static qni_value *f_truncate(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t length = 255, leeway = 5, n;
    qni_value *end = a[2] != NULL ? a[2] : qni_text_at(r, "...", 3);
    (void)args;
    if (end == NULL || end->kind != QNI_TEXT || (a[0] != NULL && !qni_is_whole(a[0], &length)) ||
        (a[3] != NULL && a[3]->kind != QNI_NONE && !qni_is_whole(a[3], &leeway))) {
        return end != NULL ? qni_raise(r, "truncate needs numbers and a text") : NULL;
    }
    n = (int64_t)qni_characters(end);
    if (length < n || leeway < 0) {
        return qni_raise(r, "truncate to less than its end");
    }
    if (!qni_has_length(r, self, &n) || (self->kind != QNI_TEXT && n > length + leeway)) {
        return qni_raise(r, "truncate needs a text");
    }
    if (n <= length + leeway) {
        return self;
    }
    n = (int64_t)qni_characters(end);
    size_t keep = qni_text_offset(self, (size_t)(length - n));
    if (a[1] == NULL || !qni_is_true(r, a[1])) {
        for (size_t i = keep; i-- > 0;) {
            if (self->as.text.at[i] == ' ') {
                keep = i;
                break;
            }
        }
    }
    qni_value *head = qni_text_at(r, self->as.text.at, keep);
    return head != NULL ? qni_join(r, head, end) : NULL;
}

static bool put_quoted(qni_run *r, qni_buf *buf, qni_value *v, bool query)
{
    qni_value *text = qni_to_text(r, v);
    bool fine = text != NULL && qni_charge(r, text->as.text.n);
    for (size_t i = 0; fine && i < text->as.text.n; i++) {
        unsigned char c = (unsigned char)text->as.text.at[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                     (c != '\0' && strchr(query ? "_.-~" : "_.-~/", c) != NULL);
        static const char digits[] = "0123456789ABCDEF";
        const char hex[] = {'%', digits[c >> 4], digits[c & 15], '\0'};
        fine = plain               ? qni_put(r, buf, (const char *)&c, 1)
               : query && c == ' ' ? qni_put(r, buf, "+", 1)
                                   : qni_put_text(r, buf, hex);
    }
    return fine;
}

static qni_value *f_urlencode(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_buf buf;
    bool fine = true;
    (void)a;
    (void)args;
    qni_put_begin(r, &buf);
    if (self->kind == QNI_LIST || self->kind == QNI_TUPLE || self->kind == QNI_DICT ||
        self->kind == QNI_VIEW || self->kind == QNI_ITERATOR) {
        qni_value view = {.kind = QNI_VIEW, .extra = 'i', .as = {.dict = self->as.dict}};
        qni_value *list = qni_to_list(r, self->kind == QNI_DICT ? &view : self);
        fine = list != NULL;
        for (size_t i = 0; fine && i < list->as.list.n; i++) {
            qni_value *pair = qni_to_list(r, list->as.list.items[i]);
            fine = pair != NULL && (pair->as.list.n == 2 || qni_raise(r, "no pair") != NULL) &&
                   (i == 0 || qni_put(r, &buf, "&", 1)) &&
                   put_quoted(r, &buf, pair->as.list.items[0], true) && qni_put(r, &buf, "=", 1) &&
                   put_quoted(r, &buf, pair->as.list.items[1], true);
        }
    } else {
        fine = put_quoted(r, &buf, self, false);
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *f_xmlattr(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_buf buf;
    bool fine = self->kind == QNI_DICT ||
                (qni_use(r, self) && qni_raise(r, "xmlattr needs a mapping") != NULL);
    bool space = a[0] == NULL || qni_is_true(r, a[0]), first = true;
    (void)args;
    qni_put_begin(r, &buf);
    for (size_t i = 0; fine && i < self->as.dict->n; i++) {
        qni_value *key = self->as.dict->keys[i], *value = self->as.dict->values[i];
        if (value->kind == QNI_NONE || value->kind == QNI_UNDEFINED) {
            continue;
        }
        bool good = key->kind == QNI_TEXT;
        for (size_t j = 0; good && j < key->as.text.n; j++) {
            good = key->as.text.at[j] == '\0' ||
                   strchr(" \t\n\r\f\v/>=", key->as.text.at[j]) == NULL;
        }
        qni_value *name = good ? f_escape(r, key, a, args)
                               : qni_raise(r, "not the name of an attribute");
        value = name != NULL ? f_escape(r, value, a, args) : NULL;
        fine = value != NULL && (first && !space ? true : qni_put(r, &buf, " ", 1)) &&
               qni_print(r, name, &buf) && qni_put_text(r, &buf, "=\"") &&
               qni_print(r, value, &buf) && qni_put_text(r, &buf, "\"");
        first = false;
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *f_format(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *values = NULL, *text = self->kind == QNI_TEXT ? self : qni_to_text(r, self);
    (void)a;
    if (args->n > 0 && args->n_named > 0) {
        return qni_raise(r, "format takes arguments by place or by name, not both");
    }
    if (args->n_named > 0) {
        values = qni_dict_new(r, QNI_DICT);
        for (size_t i = 0; values != NULL && i < args->n_named; i++) {
            qni_value *key = qni_text_at(r, args->names[i], strlen(args->names[i]));
            values = key != NULL && qni_dict_put(r, values->as.dict, key, args->named[i]) ? values
                                                                                          : NULL;
        }
    } else {
        const qni_items items = {args->items, args->n, args->n};
        values = qni_items_take(r, &items, QNI_TUPLE);
    }
    return text != NULL && values != NULL ? qni_percent(r, text, values) : NULL;
}

const qni_row qni_text_filters[] = {
    {"upper", "", f_upper},
    {"lower", "", f_lower},
    {"capitalize", "", f_capitalize},
    {"title", "", f_title},
    {"trim", "chars?", f_trim},
    {"string", "", f_string},
    {"center", "width?", f_center},
    {"replace", "old new count?", f_replace},
    {"indent", "width? first? blank?", f_indent},
    {"escape", "", f_escape},
    {"e", "", f_escape},
    {"forceescape", "", f_forceescape},
    {"safe", "", f_safe},
    {"wordcount", "", f_wordcount},
    {"truncate", "length? killwords? end? leeway?", f_truncate},
    {"urlencode", "", f_urlencode},
    {"xmlattr", "autospace?", f_xmlattr},
    {"format", NULL, f_format},
    {NULL, NULL, NULL},
};
