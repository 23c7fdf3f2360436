// Members, elements and slices of values, as jinja2's sandbox gives them: what begins with "_" and
// what would change a list or a mapping is undefined.
#include "text/template_run.h"

#include <stdlib.h>
#include <string.h>

static qni_value *missing_member(qni_run *r, const qni_value *of, const char *name, size_t n)
{
    char *copy = qni_run_alloc(r, n + 40);
    if (copy == NULL) {
        return NULL;
    }
    int length = snprintf(copy, 32, "a %s has no member ", qni_kind_name(of));
    memcpy(copy + length, name, n);
    return qni_undefined(r, "", copy);
}

static qni_value *method(qni_run *r, qni_value *of, const qni_row *row)
{
    qni_value *v = qni_run_alloc(r, sizeof *v);
    if (v != NULL) {
        v->kind = QNI_METHOD;
        v->as.method.self = of;
        v->as.method.row = row;
    }
    return v;
}

static qni_value *number_member(qni_run *r, qni_value *of, const char *name)
{
    int64_t n;
    bool whole = qni_is_whole(of, &n);
    if (strcmp(name, "real") == 0) {
        return whole ? qni_int(r, n) : of;
    }
    if (strcmp(name, "imag") == 0) {
        return whole ? qni_int(r, 0) : qni_real(r, 0);
    }
    return !whole                             ? NULL
           : strcmp(name, "numerator") == 0   ? qni_int(r, n)
           : strcmp(name, "denominator") == 0 ? qni_int(r, 1)
                                              : NULL;
}

static qni_value *block_of(qni_run *r, const char *name, size_t n)
{
    for (size_t i = 0; i < r->t->blocks.n; i++) {
        const char *found = r->t->blocks.items[i]->name;
        if (strlen(found) == n && memcmp(found, name, n) == 0) {
            qni_value *v = qni_run_alloc(r, sizeof *v);
            if (v != NULL) {
                v->kind = QNI_BLOCK;
                v->as.node = r->t->blocks.items[i];
            }
            return v;
        }
    }
    return NULL;
}

// What Python's getattr finds. NULL without an error: nothing; *unsafe: something that a template
// may not have.
static qni_value *own_member(qni_run *r, qni_value *of, const char *name, size_t n, bool *unsafe)
{
    static const char *const changing[] = {"append",  "clear",      "pop",    "reverse",
                                           "insert",  "sort",       "extend", "remove",
                                           "popitem", "setdefault", "update", NULL};
    char plain[64];
    *unsafe = false;
    if (of->kind == QNI_NAMESPACE) {
        qni_value *found = qni_dict_get(of->as.dict, name, n);
        *unsafe = found != NULL && n > 0 && name[0] == '_';
        return *unsafe ? NULL : found;
    }
    if (n >= sizeof plain || memchr(name, '\0', n) != NULL) {
        return NULL;
    }
    memcpy(plain, name, n);
    plain[n] = '\0';
    if (strncmp(plain, "__", 2) == 0) {
        *unsafe = of->kind != QNI_DICT;
        return NULL;
    }
    if (of->kind == QNI_LOOP) {
        return qni_loop_attribute(r, of, plain);
    }
    if (of->kind == QNI_SELF) {
        return block_of(r, name, n);
    }
    if (of->kind == QNI_CYCLER && strcmp(plain, "current") == 0) {
        return of->as.cycler.items[of->as.cycler.at];
    }
    if (of->kind == QNI_MACRO && strcmp(plain, "name") == 0) {
        const char *called = of->as.macro->node->name;
        return called == NULL ? qni_none() : qni_text_at(r, called, strlen(called));
    }
    if (of->kind == QNI_TUPLE && of->extra == 1 &&
        (strcmp(plain, "grouper") == 0 || strcmp(plain, "list") == 0)) {
        return of->as.list.items[plain[0] == 'l'];
    }
    if (of->kind == QNI_RANGE &&
        (strcmp(plain, "start") == 0 || strcmp(plain, "stop") == 0 || strcmp(plain, "step") == 0)) {
        return qni_int(r, strcmp(plain, "start") == 0  ? of->as.range.start
                          : strcmp(plain, "stop") == 0 ? of->as.range.stop
                                                       : of->as.range.step);
    }
    if (of->kind == QNI_BOOL || of->kind == QNI_INT || of->kind == QNI_REAL) {
        qni_value *found = number_member(r, of, plain);
        if (found != NULL) {
            return found;
        }
    }
    const qni_row *row = qni_find_method(of, plain);
    if (row != NULL) {
        return method(r, of, row);
    }
    for (size_t i = 0; changing[i] != NULL; i++) {
        bool of_dict = i == 1 || i == 2 || i >= 8, of_list = i < 8;
        if (strcmp(plain, changing[i]) == 0) {
            *unsafe = (of->kind == QNI_DICT && of_dict) || (of->kind == QNI_LIST && of_list);
        }
    }
    return NULL;
}

// What Python's [] finds; NULL without an error: nothing.
static qni_value *own_item(qni_run *r, qni_value *of, qni_value *key)
{
    int64_t i, n;
    qni_value *found = NULL;
    if (of->kind == QNI_DICT) {
        return qni_is_hashable(r, key) && qni_dict_find(r, of->as.dict, key, &found) ? found : NULL;
    }
    if (of->kind == QNI_SELF) {
        return key->kind == QNI_TEXT ? block_of(r, key->as.text.at, key->as.text.n) : NULL;
    }
    if (!qni_is_whole(key, &i) || (of->kind != QNI_TEXT && of->kind != QNI_LIST &&
                                   of->kind != QNI_TUPLE && of->kind != QNI_RANGE)) {
        return NULL;
    }
    if (!qni_has_length(r, of, &n)) {
        return NULL;
    }
    i += i < 0 ? n : 0;
    if (i < 0 || i >= n) {
        return NULL;
    }
    if (of->kind == QNI_RANGE) {
        return qni_int(r, of->as.range.start + i * of->as.range.step);
    }
    if (of->kind != QNI_TEXT) {
        return of->as.list.items[i];
    }
    size_t begin = qni_text_offset(of, (size_t)i), end = qni_text_offset(of, (size_t)i + 1);
    qni_value *text = qni_charge(r, begin / 64)
                          ? qni_text_at(r, of->as.text.at + begin, end - begin)
                          : NULL;
    if (text != NULL) {
        text->markup = of->markup;
    }
    return text;
}

qni_value *qni_get_attribute(qni_run *r, qni_value *of, const char *name, size_t n)
{
    bool unsafe;
    bool internal = n > 4 && memcmp(name, "__", 2) == 0 && memcmp(name + n - 2, "__", 2) == 0;
    if (of->kind == QNI_UNDEFINED && internal) {
        return of;
    }
    if (!qni_use(r, of)) {
        return NULL;
    }
    qni_value *found = own_member(r, of, name, n, &unsafe);
    if (found == NULL && !unsafe && r->status == QN_OK) {
        qni_value *key = qni_text_at(r, name, n);
        found = key != NULL ? own_item(r, of, key) : NULL;
    }
    return found != NULL || r->status != QN_OK ? found : missing_member(r, of, name, n);
}

qni_value *qni_get_item(qni_run *r, qni_value *of, qni_value *key)
{
    bool unsafe;
    if (!qni_use(r, of)) {
        return NULL;
    }
    qni_value *found = own_item(r, of, key);
    if (found == NULL && r->status == QN_OK && key->kind == QNI_TEXT) {
        found = own_member(r, of, key->as.text.at, key->as.text.n, &unsafe);
    }
    return found != NULL || r->status != QN_OK ? found : missing_member(r, of, "of that key", 11);
}

// ---- Slices

// Start, stop and step as Python settles them for `n` elements.
static bool settle(qni_run *r, qni_value *const part[3], int64_t n, int64_t out[3])
{
    for (int i = 0; i < 3; i++) {
        out[i] = 0;
        if (part[i]->kind != QNI_NONE && !qni_is_whole(part[i], &out[i])) {
            return qni_raise(r, "a slice by a %s", qni_kind_name(part[i])) != NULL;
        }
    }
    out[2] = part[2]->kind == QNI_NONE ? 1 : out[2];
    if (out[2] == 0) {
        return qni_raise(r, "a slice of step zero") != NULL;
    }
    int64_t low = out[2] > 0 ? 0 : -1, high = out[2] > 0 ? n : n - 1;
    for (int i = 0; i < 2; i++) {
        if (part[i]->kind == QNI_NONE) {
            out[i] = (i == 0) == (out[2] > 0) ? low : high;
            continue;
        }
        out[i] += out[i] < 0 ? n : 0;
        out[i] = out[i] < low ? low : out[i] > high ? high : out[i];
    }
    return true;
}

static qni_value *slice_text(qni_run *r, qni_value *of, const int64_t at[3])
{
    qni_value *text;
    if (at[2] == 1) {
        size_t begin = qni_text_offset(of, (size_t)at[0]);
        size_t end = at[1] > at[0] ? qni_text_offset(of, (size_t)at[1]) : begin;
        text = qni_charge(r, end / 64) ? qni_text_at(r, of->as.text.at + begin, end - begin) : NULL;
    } else {
        qni_buf buf;
        qni_put_begin(r, &buf);
        bool fine = true, ascii = qni_characters(of) == of->as.text.n;
        for (int64_t i = at[0]; fine && (at[2] > 0 ? i < at[1] : i > at[1]);) {
            size_t begin = qni_text_offset(of, (size_t)i);
            size_t end = qni_text_offset(of, (size_t)i + 1);
            fine = qni_charge(r, ascii ? 1 : 1 + begin / 32) &&
                   qni_put(r, &buf, of->as.text.at + begin, end - begin);
            if (__builtin_add_overflow(i, at[2], &i)) {
                break;
            }
        }
        text = qni_put_end(r, &buf, fine);
    }
    if (text != NULL) {
        text->markup = of->markup;
    }
    return text;
}

qni_value *qni_get_slice(qni_run *r, qni_value *of, qni_value *const part[3])
{
    int64_t at[3], n;
    if (!qni_use(r, of)) {
        return NULL;
    }
    if ((of->kind != QNI_TEXT && of->kind != QNI_LIST && of->kind != QNI_TUPLE &&
         of->kind != QNI_RANGE) ||
        !qni_has_length(r, of, &n)) {
        return qni_raise(r, "a slice of a %s", qni_kind_name(of));
    }
    if (!settle(r, part, n, at)) {
        return NULL;
    }
    if (of->kind == QNI_TEXT) {
        return slice_text(r, of, at);
    }
    if (of->kind == QNI_RANGE) {
        qni_value *range = qni_run_alloc(r, sizeof *range);
        if (range != NULL) {
            *range = *of;
            range->as.range.start = of->as.range.start + at[0] * of->as.range.step;
            range->as.range.stop = of->as.range.start + at[1] * of->as.range.step;
            range->as.range.step = of->as.range.step * at[2];
        }
        return range;
    }
    qni_items items = {NULL, 0, 0};
    for (int64_t i = at[0]; at[2] > 0 ? i < at[1] : i > at[1];) {
        if (!qni_items_add(r, &items, of->as.list.items[i])) {
            return NULL;
        }
        if (__builtin_add_overflow(i, at[2], &i)) {
            break;
        }
    }
    return qni_items_take(r, &items, (qni_kind)of->kind);
}

// ---- Paths

qni_value *qni_get_path(qni_run *r, qni_value *of, qni_value *path)
{
    if (path->kind != QNI_TEXT) {
        return qni_get_item(r, of, path);
    }
    const char *at = path->as.text.at, *end = at + path->as.text.n;
    for (;;) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        size_t n = dot != NULL ? (size_t)(dot - at) : (size_t)(end - at);
        bool digits = n > 0 && n < 18;
        int64_t number = 0;
        for (size_t i = 0; i < n && digits; i++) {
            digits = at[i] >= '0' && at[i] <= '9';
            number = 10 * number + (at[i] - '0');
        }
        qni_value *key = digits ? qni_int(r, number) : qni_text_at(r, at, n);
        of = key != NULL ? qni_get_item(r, of, key) : NULL;
        if (of == NULL || dot == NULL) {
            return of;
        }
        at = dot + 1;
    }
}
