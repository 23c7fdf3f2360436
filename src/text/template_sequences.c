// Filters of sequences and mappings.
#include "text/template_run.h"

#include "base/alloc.h"

#include <string.h>

// ---- Keys by which elements are compared

typedef struct key_rule {
    qni_value *attribute; // a path, or several with commas between them; NULL: the element
    qni_value *otherwise; // for an undefined one; NULL: it stays
    bool ignore_case, several;
} key_rule;

static qni_value *lowered(qni_run *r, qni_value *v)
{
    const qni_args none = {NULL, 0, NULL, NULL, 0};
    return v->kind == QNI_TEXT ? qni_call_row(r, qni_find_filter("lower"), v, &none) : v;
}

static qni_value *one_key(qni_run *r, const key_rule *rule, qni_value *path, qni_value *item)
{
    qni_value *key = path != NULL ? qni_get_path(r, item, path) : item;
    if (key != NULL && key->kind == QNI_UNDEFINED && rule->otherwise != NULL) {
        key = rule->otherwise;
    }
    return key != NULL && rule->ignore_case ? lowered(r, key) : key;
}

static qni_value *key_of(qni_run *r, const key_rule *rule, qni_value *item)
{
    qni_value *path = rule->attribute;
    path = path != NULL && path->kind == QNI_NONE ? NULL : path;
    if (!rule->several) {
        return one_key(r, rule, path, item);
    }
    if (path == NULL || path->kind != QNI_TEXT) {
        qni_value *list = qni_list(r, QNI_LIST, 1), *key = one_key(r, rule, path, item);
        if (list != NULL) {
            list->as.list.items[0] = key;
        }
        return key != NULL ? list : NULL;
    }
    qni_items keys = {NULL, 0, 0};
    const char *at = path->as.text.at, *end = at + path->as.text.n;
    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t n = (size_t)((comma != NULL ? comma : end) - at);
        qni_value *part = qni_text_at(r, at, n);
        if (part == NULL || !qni_items_add(r, &keys, one_key(r, rule, part, item))) {
            return NULL;
        }
        if (comma == NULL) {
            return qni_items_take(r, &keys, QNI_LIST);
        }
        at = comma + 1;
    }
}

typedef struct keyed {
    qni_value *key, *item;
} keyed;

static bool merge_sort(qni_run *r, keyed *items, keyed *room, size_t n)
{
    size_t half = n / 2;
    if (n < 2) {
        return true;
    }
    if (!merge_sort(r, items, room, half) || !merge_sort(r, items + half, room, n - half)) {
        return false;
    }
    memcpy(room, items, n * sizeof *items);
    for (size_t i = 0, left = 0, right = half; i < n; i++) {
        int how = 0;
        if (left < half && right < n &&
            (!qni_charge(r, 1) || !qni_compare(r, room[right].key, room[left].key, &how))) {
            return false;
        }
        items[i] = right == n || (left < half && how != -1) ? room[left++] : room[right++];
    }
    return true;
}

static keyed *sorted(qni_run *r, const key_rule *rule, const qni_value *list, bool reverse)
{
    size_t n = list->as.list.n;
    keyed *items = qni_run_alloc(r, (2 * n + 1) * sizeof *items);
    for (size_t i = 0; items != NULL && i < n; i++) { // reversed twice, equal ones keep their order
        qni_value *item = list->as.list.items[reverse ? n - 1 - i : i];
        items[i] = (keyed){key_of(r, rule, item), item};
        items = items[i].key != NULL ? items : NULL;
    }
    if (items == NULL || !merge_sort(r, items, items + n, n)) {
        return NULL;
    }
    for (size_t i = 0; reverse && i < n / 2; i++) {
        keyed other = items[i];
        items[i] = items[n - 1 - i];
        items[n - 1 - i] = other;
    }
    return items;
}

static qni_value *sorted_list(qni_run *r, const key_rule *rule, qni_value *list, bool reverse)
{
    keyed *items = list != NULL ? sorted(r, rule, list, reverse) : NULL;
    qni_value *made = items != NULL ? qni_list(r, QNI_LIST, list->as.list.n) : NULL;
    for (size_t i = 0; made != NULL && i < list->as.list.n; i++) {
        made->as.list.items[i] = items[i].item;
    }
    return made;
}

static bool given(qni_run *r, qni_value *v)
{
    return v != NULL && qni_is_true(r, v);
}

static bool is_flag(qni_run *r, const qni_value *v) // of an order: Python takes numbers alone
{
    int64_t n;
    return v == NULL || qni_is_whole(v, &n) ||
           qni_raise(r, "reverse is a %s, not true or false", qni_kind_name(v)) != NULL;
}

static qni_value *f_sort(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    const key_rule rule = {a[2], NULL, !given(r, a[1]), true};
    (void)args;
    return is_flag(r, a[0]) ? sorted_list(r, &rule, qni_to_list(r, self), given(r, a[0])) : NULL;
}

static qni_value *f_dictsort(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    bool by_value = qni_is_text(a[1], "value");
    (void)args;
    if (a[1] != NULL && !by_value && !qni_is_text(a[1], "key")) {
        return qni_raise(r, "dictsort sorts by \"key\" or \"value\"");
    }
    if (self->kind != QNI_DICT) {
        return qni_use(r, self) ? qni_raise(r, "dictsort needs a mapping") : NULL;
    }
    qni_value view = {.kind = QNI_VIEW, .extra = 'i', .as = {.dict = self->as.dict}};
    qni_value *at = qni_int(r, by_value);
    const key_rule rule = {at, NULL, !given(r, a[0]), false};
    return at != NULL && is_flag(r, a[2])
               ? sorted_list(r, &rule, qni_to_list(r, &view), given(r, a[2]))
               : NULL;
}

static qni_value *f_groupby(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    const key_rule rule = {a[0], a[1] != NULL && a[1]->kind != QNI_NONE ? a[1] : NULL,
                           !given(r, a[2]), false};
    const key_rule real = {a[0], rule.otherwise, false, false};
    qni_value *list = qni_to_list(r, self);
    keyed *items = list != NULL ? sorted(r, &rule, list, false) : NULL;
    qni_items groups = {NULL, 0, 0};
    (void)args;
    for (size_t i = 0; items != NULL && i < list->as.list.n;) {
        qni_items members = {NULL, 0, 0};
        size_t begin = i;
        bool same = true;
        while (i < list->as.list.n && same) {
            same = i == begin;
            if (!same && !qni_equal(r, items[begin].key, items[i].key, &same)) {
                return NULL;
            }
            if (same && !qni_items_add(r, &members, items[i++].item)) {
                return NULL;
            }
        }
        qni_value *key = rule.ignore_case ? key_of(r, &real, items[begin].item) : items[begin].key;
        qni_value *group = qni_pair(r, key, qni_items_take(r, &members, QNI_LIST));
        if (group == NULL || !qni_items_add(r, &groups, group)) {
            return NULL;
        }
        group->extra = 1;
    }
    return items != NULL ? qni_items_take(r, &groups, QNI_LIST) : NULL;
}

static bool next_unique(qni_run *r, qni_iterator *it, qni_value **out)
{
    const key_rule rule = {it->other, NULL, !it->wanted, false};
    for (;;) {
        qni_value *seen;
        if (!qni_next(r, it->source, out) || *out == NULL) {
            return r->status == QN_OK;
        }
        qni_value *key = key_of(r, &rule, *out);
        if (key == NULL || !qni_dict_find(r, it->seen, key, &seen)) {
            return false;
        }
        if (seen == NULL) {
            return qni_dict_put(r, it->seen, key, *out);
        }
    }
}

static qni_value *new_iterator(qni_run *r, qni_value *self,
                               bool (*next)(qni_run *, qni_iterator *, qni_value **))
{
    qni_value *v = qni_iterate_list(r, self, false);
    if (v != NULL) {
        v->as.iterator->next = next;
    }
    return v;
}

static qni_value *f_unique(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *source = qni_iterate(r, self), *seen = qni_dict_new(r, QNI_DICT);
    qni_value *v = source != NULL && seen != NULL ? new_iterator(r, source, next_unique) : NULL;
    (void)args;
    if (v != NULL) {
        v->as.iterator->other = a[1];
        v->as.iterator->wanted = given(r, a[0]);
        v->as.iterator->seen = seen->as.dict;
    }
    return v;
}

static qni_value *extreme(qni_run *r, qni_value *self, qni_value **a, int wanted)
{
    const key_rule rule = {a[1], NULL, !given(r, a[0]), false};
    qni_value *list = qni_to_list(r, self), *best = NULL, *best_key = NULL;
    if (list == NULL || list->as.list.n == 0) {
        return list != NULL ? qni_undefined(r, "the sequence is empty", "") : NULL;
    }
    for (size_t i = 0; i < list->as.list.n; i++) {
        qni_value *item = list->as.list.items[i], *key = key_of(r, &rule, item);
        int how = wanted;
        if (key == NULL || (best != NULL && !qni_compare(r, key, best_key, &how))) {
            return NULL;
        }
        if (how == wanted) {
            best = item;
            best_key = key;
        }
    }
    return best;
}

static qni_value *f_min(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return extreme(r, self, a, -1);
}
static qni_value *f_max(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)args;
    return extreme(r, self, a, 1);
}

static qni_value *f_sum(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    const key_rule rule = {a[0], NULL, false, false};
    qni_value *list = qni_to_list(r, self), *total = a[1] != NULL ? a[1] : qni_int(r, 0);
    (void)args;
    if (total != NULL && total->kind == QNI_TEXT) {
        return qni_raise(r, "texts are joined, not summed");
    }
    for (size_t i = 0; list != NULL && total != NULL && i < list->as.list.n; i++) {
        qni_value *item = key_of(r, &rule, list->as.list.items[i]);
        total = item != NULL ? qni_binary(r, "+", total, item) : NULL;
    }
    return list != NULL ? total : NULL;
}

// ---- map, select and their kin

static bool next_mapped(qni_run *r, qni_iterator *it, qni_value **out)
{
    if (!qni_next(r, it->source, out) || *out == NULL) {
        return r->status == QN_OK;
    }
    if (it->by_attribute) {
        const key_rule rule = {it->other, it->args != NULL ? it->args->items[0] : NULL, false,
                               false};
        *out = key_of(r, &rule, *out);
    } else {
        *out = qni_call_row(r, it->row, *out, it->args);
    }
    return *out != NULL;
}

static bool next_failing(qni_run *r, qni_iterator *it, qni_value **out)
{
    (void)out;
    return qni_raise(r, "%s",
                     it->wanted ? "map needs a filter that is known"
                                : "select needs a test that is known") != NULL;
}

static qni_args *rest_of(qni_run *r, const qni_args *args, size_t skip)
{
    qni_args *rest = qni_run_alloc(r, sizeof *rest);
    if (rest != NULL) {
        *rest = *args;
        skip = skip < args->n ? skip : args->n;
        rest->n -= skip;
        rest->items = rest->n > 0 ? args->items + skip : NULL;
    }
    return rest;
}

static const qni_row *row_of(const qni_value *name, bool filter)
{
    char text[32];
    if (name->kind != QNI_TEXT || name->as.text.n >= sizeof text) {
        return NULL;
    }
    memcpy(text, name->as.text.at, name->as.text.n);
    text[name->as.text.n] = '\0';
    return filter ? qni_find_filter(text) : qni_find_test(text);
}

// The value has to be one that can be gone over when it is asked for the first time.
static bool next_late(qni_run *r, qni_iterator *it, qni_value **out)
{
    (void)out;
    (void)qni_iterate(r, it->source);
    return false;
}

static qni_value *lazy(qni_run *r, qni_value *self,
                       bool (*next)(qni_run *, qni_iterator *, qni_value **))
{
    if (!qni_is_true(r, self)) { // nothing to do, whatever it is
        return new_iterator(r, qni_iterate_list(r, qni_list(r, QNI_LIST, 0), false), next);
    }
    bool goes = self->kind != QNI_NONE && self->kind != QNI_BOOL && self->kind != QNI_INT &&
                self->kind != QNI_REAL && self->kind != QNI_NAMESPACE && self->kind < QNI_METHOD;
    return goes ? new_iterator(r, qni_iterate(r, self), next) : new_iterator(r, self, next_late);
}

static qni_value *f_map(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *v = lazy(r, self, next_mapped);
    (void)a;
    if (v == NULL || v->as.iterator->next == next_late) {
        return v;
    }
    qni_iterator *it = v->as.iterator;
    bool good = false;
    for (size_t i = 0; args->n == 0 && i < args->n_named; i++) {
        if (strcmp(args->names[i], "attribute") == 0) {
            it->other = args->named[i];
            it->by_attribute = true;
            good = true;
        }
    }
    for (size_t i = 0; good && i < args->n_named; i++) {
        bool is_default = strcmp(args->names[i], "default") == 0;
        good = is_default || args->named[i] == it->other;
        if (is_default && args->named[i]->kind != QNI_NONE) {
            qni_args *otherwise = qni_run_alloc(r, sizeof *otherwise);
            if (otherwise == NULL) {
                return NULL;
            }
            *otherwise = (qni_args){&args->named[i], 1, NULL, NULL, 0};
            it->args = otherwise;
        }
    }
    if (args->n > 0) {
        it->row = row_of(args->items[0], true);
        it->args = rest_of(r, args, 1);
        good = it->row != NULL && it->args != NULL;
    }
    it->next = good ? it->next : next_failing;
    it->wanted = true;
    if (!good && !qni_is_true(r, self)) {
        it->next = next_mapped; // jinja2 does not even look
    }
    return v;
}

static bool next_selected(qni_run *r, qni_iterator *it, qni_value **out)
{
    for (;;) {
        if (!qni_next(r, it->source, out) || *out == NULL) {
            return r->status == QN_OK;
        }
        qni_value *value = it->by_attribute ? qni_get_path(r, *out, it->other) : *out;
        value = value != NULL && it->row != NULL ? qni_call_row(r, it->row, value, it->args)
                                                 : value;
        if (value == NULL) {
            return false;
        }
        if (qni_is_true(r, value) == it->wanted) {
            return true;
        }
    }
}

static qni_value *select_by(qni_run *r, qni_value *self, const qni_args *args, bool attribute,
                            bool wanted)
{
    qni_value *v = lazy(r, self, next_selected);
    if (v == NULL || v->as.iterator->next == next_late) {
        return v;
    }
    qni_iterator *it = v->as.iterator;
    size_t at = attribute ? 1 : 0;
    bool good = args->n >= at;
    it->by_attribute = attribute;
    it->wanted = wanted;
    it->other = attribute && good ? args->items[0] : NULL;
    if (good && args->n > at) {
        it->row = row_of(args->items[at], false);
        it->args = rest_of(r, args, at + 1);
        good = it->row != NULL;
    }
    if (!good && qni_is_true(r, self)) {
        it->next = next_failing;
        it->wanted = false;
    }
    return v;
}

static qni_value *f_select(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    return select_by(r, self, args, false, true);
}
static qni_value *f_reject(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    return select_by(r, self, args, false, false);
}
static qni_value *f_selectattr(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    return select_by(r, self, args, true, true);
}
static qni_value *f_rejectattr(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    return select_by(r, self, args, true, false);
}

// ---- Parts

static bool next_batch(qni_run *r, qni_iterator *it, qni_value **out)
{
    qni_items part = {NULL, 0, 0};
    qni_value *item = NULL;
    *out = NULL;
    for (;;) {
        if ((int64_t)part.n == it->size && part.n > 0) {
            break;
        }
        if (!qni_next(r, it->source, &item)) {
            return false;
        }
        if (item == NULL) {
            break;
        }
        if (!qni_items_add(r, &part, item)) {
            return false;
        }
    }
    if (part.n == 0) {
        return true;
    }
    while (it->other != NULL && (int64_t)part.n < it->size) {
        if (!qni_items_add(r, &part, it->other)) {
            return false;
        }
    }
    *out = qni_items_take(r, &part, QNI_LIST);
    return *out != NULL;
}

static qni_value *f_batch(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t size = -1;
    (void)args;
    if (!qni_is_whole(a[0], &size)) {
        double x;
        size = qni_is_number(a[0], &x) && x == (double)(int64_t)x ? (int64_t)x : -1;
    }
    qni_value *source = qni_iterate(r, self);
    qni_value *v = source != NULL ? new_iterator(r, source, next_batch) : NULL;
    if (v != NULL) {
        v->as.iterator->size = size;
        v->as.iterator->other = a[1] != NULL && a[1]->kind != QNI_NONE ? a[1] : NULL;
        if (size == 0) { // the first part is the empty one
            qni_value *list = qni_to_list(r, source), *empty = qni_list(r, QNI_LIST, 0);
            if (list == NULL || list->as.list.n == 0 || empty == NULL) {
                return list == NULL ? NULL : qni_iterate_list(r, list, false);
            }
            qni_items parts = {NULL, 0, 0};
            (void)qni_items_add(r, &parts, empty);
            (void)qni_items_add(r, &parts, list);
            return qni_iterate_list(r, qni_items_take(r, &parts, QNI_LIST), false);
        }
    }
    return v;
}

static qni_value *f_slice(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t slices;
    qni_value *list = qni_to_list(r, self);
    qni_items parts = {NULL, 0, 0};
    (void)args;
    if (list == NULL || !qni_is_whole(a[0], &slices) || slices == 0) {
        return list != NULL ? qni_raise(r, "slice needs a number of slices") : NULL;
    }
    int64_t n = (int64_t)list->as.list.n, at = 0;
    bool fill = a[1] != NULL && a[1]->kind != QNI_NONE;
    for (int64_t i = 0; i < slices; i++) {
        int64_t size = n / slices + (i < n % slices);
        qni_items part = {NULL, 0, 0};
        for (int64_t j = 0; j < size; j++) {
            if (!qni_items_add(r, &part, list->as.list.items[at++])) {
                return NULL;
            }
        }
        if ((fill && i >= n % slices && !qni_items_add(r, &part, a[1])) ||
            !qni_items_add(r, &parts, qni_items_take(r, &part, QNI_LIST))) {
            return NULL;
        }
    }
    return qni_iterate_list(r, qni_items_take(r, &parts, QNI_LIST), false);
}

static qni_value *f_list(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return qni_to_list(r, self);
}

static qni_value *f_items(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    if (self->kind == QNI_UNDEFINED) {
        return qni_iterate(r, self);
    }
    if (self->kind != QNI_DICT) {
        return new_iterator(r, self, next_late); // fails when it is gone over
    }
    qni_value *view = qni_run_alloc(r, sizeof *view);
    if (view == NULL) {
        return NULL;
    }
    *view = (qni_value){.kind = QNI_VIEW, .extra = 'i', .as = {.dict = self->as.dict}};
    return qni_iterate(r, view);
}

static bool is_ordered(const qni_value *v)
{
    return v->kind == QNI_TEXT || v->kind == QNI_LIST || v->kind == QNI_TUPLE ||
           v->kind == QNI_RANGE || v->kind == QNI_DICT || v->kind == QNI_VIEW ||
           v->kind == QNI_UNDEFINED;
}

static qni_value *f_first(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *it = qni_iterate(r, self), *first;
    (void)a;
    (void)args;
    if (it == NULL || !qni_next(r, it, &first)) {
        return NULL;
    }
    return first != NULL ? first : qni_undefined(r, "the sequence is empty", "");
}

static qni_value *f_last(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    if (!is_ordered(self)) {
        return qni_raise(r, "a %s has no last element", qni_kind_name(self));
    }
    qni_value *list = qni_to_list(r, self);
    return list == NULL           ? NULL
           : list->as.list.n == 0 ? qni_undefined(r, "the sequence is empty", "")
                                  : list->as.list.items[list->as.list.n - 1];
}

static qni_value *f_reverse(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    qni_value *list = qni_to_list(r, self);
    if (list == NULL || self->kind != QNI_TEXT) {
        qni_value *it = list != NULL ? qni_iterate_list(r, list, true) : NULL;
        return it != NULL && !is_ordered(self) ? qni_to_list(r, it) : it;
    }
    qni_buf buf;
    bool fine = true;
    qni_put_begin(r, &buf);
    for (size_t i = list->as.list.n; fine && i-- > 0;) {
        fine = qni_print(r, list->as.list.items[i], &buf);
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *f_join(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    const key_rule rule = {a[1], NULL, false, false};
    qni_value *it = qni_iterate(r, self), *item;
    qni_value *by = a[0] != NULL ? qni_to_text(r, a[0]) : qni_text_at(r, "", 0);
    qni_buf buf;
    bool fine = it != NULL && by != NULL;
    (void)args;
    qni_put_begin(r, &buf);
    for (bool first = true; fine; first = false) {
        fine = qni_next(r, it, &item);
        if (!fine || item == NULL) {
            break;
        }
        item = key_of(r, &rule, item);
        fine = item != NULL && (first || qni_print(r, by, &buf)) && qni_print(r, item, &buf);
    }
    return qni_put_end(r, &buf, fine);
}

static qni_value *f_random(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)self;
    (void)a;
    (void)args;
    return qni_raise(r, "the filter random gives another text each time, which quince does not");
}

const qni_row qni_sequence_filters[] = {
    {"random", "", f_random},
    {"sort", "reverse? case_sensitive? attribute?", f_sort},
    {"dictsort", "case_sensitive? by? reverse?", f_dictsort},
    {"groupby", "attribute default? case_sensitive?", f_groupby},
    {"unique", "case_sensitive? attribute?", f_unique},
    {"min", "case_sensitive? attribute?", f_min},
    {"max", "case_sensitive? attribute?", f_max},
    {"sum", "attribute? start?", f_sum},
    {"map", NULL, f_map},
    {"select", NULL, f_select},
    {"reject", NULL, f_reject},
    {"selectattr", NULL, f_selectattr},
    {"rejectattr", NULL, f_rejectattr},
    {"batch", "linecount fill_with?", f_batch},
    {"slice", "slices fill_with?", f_slice},
    {"list", "", f_list},
    {"items", "", f_items},
    {"first", "", f_first},
    {"last", "", f_last},
    {"reverse", "", f_reverse},
    {"join", "d? attribute?", f_join},
    {NULL, NULL, NULL},
};
