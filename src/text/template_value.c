// Making, comparing and going over the values of templates.
#include "text/template_value.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/template_run.h"

#include <math.h>
#include <string.h>

// ---- Making

static qni_value *constant(const qni_value *v)
{
    return (qni_value *)(uintptr_t)v; // never written: only kinds that are not constant change
}

qni_value *qni_none(void)
{
    static const qni_value none = {.kind = QNI_NONE};
    return constant(&none);
}

qni_value *qni_bool(bool truth)
{
    static const qni_value yes = {.kind = QNI_BOOL, .as = {.truth = true}};
    static const qni_value no = {.kind = QNI_BOOL, .as = {.truth = false}};
    return constant(truth ? &yes : &no);
}

qni_value *qni_missing(void)
{
    static const qni_value missing = {.kind = QNI_MISSING};
    return constant(&missing);
}

static qni_value *make(qni_run *r, qni_kind kind)
{
    qni_value *v = qni_run_alloc(r, sizeof *v);
    if (v != NULL) {
        v->kind = (uint8_t)kind;
    }
    return v;
}

qni_value *qni_text_at(qni_run *r, const char *bytes, size_t n)
{
    qni_value *v = make(r, QNI_TEXT);
    if (v != NULL) {
        v->as.text.at = bytes;
        v->as.text.n = n;
        v->as.text.characters = (size_t)-1;
    }
    return v;
}

qni_value *qni_text(qni_run *r, const char *bytes, size_t n)
{
    char *copy = qni_charge_bytes(r, n) ? qni_run_alloc(r, n + 1) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    if (n != 0) {
        memcpy(copy, bytes, n);
    }
    return qni_text_at(r, copy, n);
}

qni_value *qni_undefined(qni_run *r, const char *says, const char *name)
{
    qni_value *v = make(r, QNI_UNDEFINED);
    if (v != NULL) {
        v->as.undefined.says = says; // both live as long as the run
        v->as.undefined.name = name;
    }
    return v;
}

qni_value *qni_int(qni_run *r, int64_t whole)
{
    qni_value *v = make(r, QNI_INT);
    if (v != NULL) {
        v->as.whole = whole;
    }
    return v;
}

qni_value *qni_real(qni_run *r, double real)
{
    qni_value *v = make(r, QNI_REAL);
    if (v != NULL) {
        v->as.real = real;
    }
    return v;
}

qni_value *qni_list(qni_run *r, qni_kind kind, size_t n)
{
    qni_value *v = qni_charge(r, n / 8) ? make(r, kind) : NULL;
    if (v == NULL) {
        return NULL;
    }
    v->as.list.items = qni_run_alloc(r, n * sizeof(qni_value *));
    v->as.list.n = n;
    return v->as.list.items != NULL ? v : NULL;
}

qni_value *qni_pair(qni_run *r, qni_value *a, qni_value *b)
{
    qni_value *v = a != NULL && b != NULL ? qni_list(r, QNI_TUPLE, 2) : NULL;
    if (v != NULL) {
        v->as.list.items[0] = a;
        v->as.list.items[1] = b;
    }
    return v;
}

qni_value *qni_dict_new(qni_run *r, qni_kind kind)
{
    qni_value *v = make(r, kind);
    if (v != NULL) {
        v->as.dict = qni_run_alloc(r, sizeof *v->as.dict);
    }
    return v != NULL && v->as.dict != NULL ? v : NULL;
}

bool qni_items_add(qni_run *r, qni_items *list, qni_value *value)
{
    if (value == NULL || !qni_charge(r, 1)) {
        return false;
    }
    if (list->n == list->capacity) {
        size_t wanted = 2 * list->capacity + 8;
        qni_value **more = qni_run_alloc(r, wanted * sizeof *more);
        if (more == NULL) {
            return false;
        }
        if (list->n != 0) {
            memcpy(more, list->items, list->n * sizeof *more);
        }
        list->items = more;
        list->capacity = wanted;
    }
    list->items[list->n++] = value;
    return true;
}

qni_value *qni_items_take(qni_run *r, const qni_items *list, qni_kind kind)
{
    qni_value *v = make(r, kind);
    if (v != NULL) {
        v->as.list.items = list->items;
        v->as.list.n = list->n;
    }
    return v;
}

qni_value *qni_join(qni_run *r, qni_value *a, qni_value *b)
{
    size_t n = a->as.text.n, m = b->as.text.n;
    if (m == 0 || n == 0) {
        return m == 0 ? a : b;
    }
    qni_text_room *room = a->as.text.room;
    bool fits = room != NULL && a->as.text.at + n == room->data + room->used &&
                room->capacity - room->used >= m;
    if (n + m > r->limits.output_bytes) {
        (void)qni_fails(r, QN_LIMIT_EXCEEDED, "a text of more than %zu bytes",
                        r->limits.output_bytes);
        return NULL;
    }
    if (!fits) {
        room = qni_charge(r, n / 64) ? qni_run_alloc(r, sizeof *room) : NULL;
        if (room == NULL) {
            return NULL;
        }
        room->capacity = n + m < 64 ? n + m : 2 * (n + m);
        room->data = qni_run_alloc(r, room->capacity);
        if (room->data == NULL) {
            return NULL;
        }
        memcpy(room->data, a->as.text.at, n);
        room->used = n;
    }
    if (!qni_charge_bytes(r, m)) {
        return NULL;
    }
    memcpy(room->data + room->used, b->as.text.at, m);
    room->used += m;
    qni_value *v = qni_text_at(r, room->data, n + m);
    if (v != NULL) {
        v->as.text.room = room;
    }
    return v;
}

static qni_value *list_from_json(qni_run *r, const json_t *json)
{
    size_t n = json_array_size(json);
    qni_value *v = qni_list(r, QNI_LIST, n);
    for (size_t i = 0; v != NULL && i < n; i++) {
        v->as.list.items[i] = qni_from_json(r, json_array_get(json, i));
        v = v->as.list.items[i] != NULL ? v : NULL;
    }
    return v;
}

static qni_value *dict_from_json(qni_run *r, const json_t *json)
{
    const char *key;
    json_t *item;
    qni_value *v = qni_dict_new(r, QNI_DICT);
    json_object_foreach ((json_t *)(uintptr_t)json, key, item) {
        qni_value *name = v != NULL ? qni_text_at(r, key, strlen(key)) : NULL;
        qni_value *value = name != NULL ? qni_from_json(r, item) : NULL;
        v = value != NULL && qni_dict_put(r, v->as.dict, name, value) ? v : NULL;
        if (v == NULL) {
            break;
        }
    }
    return v;
}

// Texts are borrowed: the JSON outlives the run.
qni_value *qni_from_json(qni_run *r, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_TRUE: return qni_bool(true);
    case JSON_FALSE: return qni_bool(false);
    case JSON_NULL: return qni_none();
    case JSON_INTEGER: return qni_int(r, json_integer_value(json));
    case JSON_REAL: return qni_real(r, json_real_value(json));
    case JSON_STRING: return qni_text_at(r, json_string_value(json), json_string_length(json));
    case JSON_ARRAY: return list_from_json(r, json);
    case JSON_OBJECT: return dict_from_json(r, json);
    }
    return NULL;
}

// ---- Mappings

bool qni_is_hashable(qni_run *r, const qni_value *v)
{
    bool fine = qni_enter(r) && qni_charge(r, 1);
    for (size_t i = 0; v->kind == QNI_TUPLE && fine && i < v->as.list.n; i++) {
        fine = qni_is_hashable(r, v->as.list.items[i]);
    }
    qni_leave(r);
    return fine && v->kind != QNI_LIST && v->kind != QNI_DICT &&
           !(v->kind == QNI_VIEW && v->extra != 'v');
}

// Of tuples inside of tuples no more than the length counts: they may be deep.
static uint64_t hash_of(const qni_value *v, bool inside)
{
    uint64_t hash = 14695981039346656037u;
    double number;
    if (v->kind == QNI_TEXT) {
        for (size_t i = 0; i < v->as.text.n; i++) {
            hash = (hash ^ (unsigned char)v->as.text.at[i]) * 1099511628211u;
        }
        return hash;
    }
    if (v->kind == QNI_TUPLE) {
        hash ^= v->as.list.n;
        for (size_t i = 0; !inside && i < v->as.list.n; i++) {
            hash = (hash ^ hash_of(v->as.list.items[i], true)) * 1099511628211u;
        }
        return hash;
    }
    if (qni_is_number(v, &number)) {
        number += 0.0; // one zero
        memcpy(&hash, &number, sizeof number);
    } else if (v->kind != QNI_UNDEFINED && v->kind != QNI_NONE) {
        hash = (uintptr_t)v >> 4;
    }
    return (hash ^ hash >> 29) * 0x9E3779B97F4A7C15u;
}

static bool can_hash(qni_run *r, const qni_value *key)
{
    if (!qni_is_hashable(r, key)) {
        (void)qni_raise(r, "a %s cannot be a key", qni_kind_name(key));
        return false;
    }
    return qni_charge(r, key->kind == QNI_TEXT ? key->as.text.n / 64 : 1);
}

static bool find_slot(qni_run *r, const qni_dict *d, qni_value *key, uint64_t hash, size_t *slot)
{
    for (size_t at = hash & (d->n_slots - 1);; at = (at + 1) & (d->n_slots - 1)) {
        bool same = d->slots[at] == 0;
        size_t i = d->slots[at] - 1;
        if (!same && d->hashes[i] == hash) {
            same = d->keys[i] == key;
            if (!same && !qni_equal(r, d->keys[i], key, &same)) {
                return false;
            }
        }
        if (same) {
            *slot = at;
            return true;
        }
        if (!qni_charge(r, 1)) {
            return false;
        }
    }
}

static bool grow_dict(qni_run *r, qni_dict *d)
{
    size_t capacity = d->capacity == 0 ? 6 : 2 * d->capacity, n_slots = 8;
    while (n_slots < 2 * capacity) {
        n_slots *= 2;
    }
    qni_value **keys = qni_run_alloc(r, 2 * capacity * sizeof *keys);
    uint64_t *hashes = qni_run_alloc(r, capacity * sizeof *hashes);
    uint32_t *slots = qni_run_alloc(r, n_slots * sizeof *slots);
    if (keys == NULL || hashes == NULL || slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < d->n; i++) {
        keys[i] = d->keys[i];
        keys[capacity + i] = d->values[i];
        hashes[i] = d->hashes[i];
        size_t at = hashes[i] & (n_slots - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (n_slots - 1);
        }
        slots[at] = (uint32_t)i + 1;
    }
    d->keys = keys;
    d->values = keys + capacity;
    d->hashes = hashes;
    d->slots = slots;
    d->capacity = capacity;
    d->n_slots = n_slots;
    return qni_charge(r, d->n / 8);
}

bool qni_dict_put(qni_run *r, qni_dict *d, qni_value *key, qni_value *value)
{
    size_t slot;
    if (value == NULL || key == NULL || !can_hash(r, key) ||
        (d->n == d->capacity && !grow_dict(r, d))) {
        return false;
    }
    uint64_t hash = hash_of(key, false);
    if (!find_slot(r, d, key, hash, &slot)) {
        return false;
    }
    if (d->slots[slot] == 0) {
        d->keys[d->n] = key;
        d->hashes[d->n] = hash;
        d->slots[slot] = (uint32_t)++d->n;
    }
    d->values[d->slots[slot] - 1] = value;
    return true;
}

bool qni_dict_find(qni_run *r, const qni_dict *d, qni_value *key, qni_value **out)
{
    size_t slot;
    *out = NULL;
    if (!can_hash(r, key)) {
        return false;
    }
    if (d->n == 0) {
        return true;
    }
    if (!find_slot(r, d, key, hash_of(key, false), &slot)) {
        return false;
    }
    *out = d->slots[slot] != 0 ? d->values[d->slots[slot] - 1] : NULL;
    return true;
}

qni_value *qni_dict_get(const qni_dict *d, const char *key, size_t n)
{
    const qni_value wanted = {.kind = QNI_TEXT, .as = {.text = {key, n, 0, NULL}}};
    uint64_t hash = hash_of(&wanted, false);
    for (size_t at = hash; d->n != 0; at++) {
        uint32_t i = d->slots[at & (d->n_slots - 1)];
        if (i == 0) {
            return NULL;
        }
        const qni_value *found = d->keys[i - 1];
        if (d->hashes[i - 1] == hash && found->kind == QNI_TEXT && found->as.text.n == n &&
            memcmp(found->as.text.at, key, n) == 0) {
            return d->values[i - 1];
        }
    }
    return NULL;
}

// ---- Asking

bool qni_is_number(const qni_value *v, double *out)
{
    *out = v->kind == QNI_BOOL  ? v->as.truth
           : v->kind == QNI_INT ? (double)v->as.whole
                                : v->as.real;
    return v->kind == QNI_BOOL || v->kind == QNI_INT || v->kind == QNI_REAL;
}

bool qni_is_whole(const qni_value *v, int64_t *out)
{
    *out = v->kind == QNI_BOOL ? v->as.truth : v->as.whole;
    return v->kind == QNI_BOOL || v->kind == QNI_INT;
}

bool qni_is_text(const qni_value *v, const char *text)
{
    return v != NULL && v->kind == QNI_TEXT && v->as.text.n == strlen(text) &&
           memcmp(v->as.text.at, text, v->as.text.n) == 0;
}

static int64_t range_length(const qni_value *v)
{
    int64_t start = v->as.range.start, stop = v->as.range.stop, step = v->as.range.step;
    if (step > 0 ? start >= stop : start <= stop) {
        return 0;
    }
    uint64_t gap = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t size = step > 0 ? (uint64_t)step : (uint64_t)0 - (uint64_t)step;
    return (int64_t)((gap - 1) / size + 1);
}

bool qni_has_length(qni_run *r, qni_value *v, int64_t *n)
{
    *n = 0;
    switch ((qni_kind)v->kind) {
    case QNI_UNDEFINED: return true;
    case QNI_TEXT: *n = (int64_t)qni_characters(v); return true;
    case QNI_LIST:
    case QNI_TUPLE: *n = (int64_t)v->as.list.n; return true;
    case QNI_DICT:
    case QNI_VIEW: *n = (int64_t)v->as.dict->n; return true;
    case QNI_RANGE: *n = range_length(v); return true;
    case QNI_LOOP: return qni_loop_length(r, v->as.loop, n);
    case QNI_ITERATOR:
    case QNI_NONE:
    case QNI_BOOL:
    case QNI_INT:
    case QNI_REAL:
    case QNI_NAMESPACE:
    case QNI_METHOD:
    case QNI_FUNCTION:
    case QNI_MACRO:
    case QNI_CYCLER:
    case QNI_JOINER:
    case QNI_SELF:
    case QNI_BLOCK:
    case QNI_MISSING: break;
    }
    return false;
}

bool qni_is_true(qni_run *r, qni_value *v)
{
    int64_t n;
    switch ((int)v->kind) {
    case QNI_NONE: return false;
    case QNI_BOOL: return v->as.truth;
    case QNI_INT: return v->as.whole != 0;
    case QNI_REAL: return v->as.real != 0;
    case QNI_TEXT: return v->as.text.n != 0;
    default: return !qni_has_length(r, v, &n) || n != 0;
    }
}

size_t qni_characters(qni_value *text)
{
    if (text->as.text.characters == (size_t)-1) {
        size_t n = 0;
        for (size_t i = 0; i < text->as.text.n; i++) {
            n += ((unsigned char)text->as.text.at[i] & 0xC0) != 0x80;
        }
        text->as.text.characters = n;
    }
    return text->as.text.characters;
}

size_t qni_text_offset(qni_value *text, size_t character)
{
    size_t at = 0;
    if (qni_characters(text) == text->as.text.n) {
        return character < text->as.text.n ? character : text->as.text.n;
    }
    for (; character > 0 && at < text->as.text.n; character--) {
        at++;
        while (at < text->as.text.n && ((unsigned char)text->as.text.at[at] & 0xC0) == 0x80) {
            at++;
        }
    }
    return at;
}

static bool equal_lists(qni_run *r, const qni_value *a, const qni_value *b, bool *out)
{
    *out = a->as.list.n == b->as.list.n;
    for (size_t i = 0; *out && i < a->as.list.n; i++) {
        if (a->as.list.items[i] != b->as.list.items[i] &&
            !qni_equal(r, a->as.list.items[i], b->as.list.items[i], out)) {
            return false;
        }
    }
    return true;
}

static bool equal_dicts(qni_run *r, const qni_dict *a, const qni_dict *b, bool *out)
{
    *out = a->n == b->n;
    for (size_t i = 0; *out && i < a->n; i++) {
        qni_value *other;
        if (!qni_dict_find(r, b, a->keys[i], &other)) {
            return false;
        }
        *out = other != NULL;
        if (other != NULL && other != a->values[i] && !qni_equal(r, a->values[i], other, out)) {
            return false;
        }
    }
    return true;
}

static bool equal_inside(qni_run *r, qni_value *a, qni_value *b, bool *out)
{
    double x, y;
    *out = false;
    if (qni_is_number(a, &x) && qni_is_number(b, &y)) {
        *out = a->kind == QNI_INT && b->kind == QNI_INT ? a->as.whole == b->as.whole : x == y;
    } else if (a->kind != b->kind) {
        return true;
    } else if (a->kind == QNI_TEXT) {
        *out = a->as.text.n == b->as.text.n &&
               memcmp(a->as.text.at, b->as.text.at, a->as.text.n) == 0;
        return qni_charge(r, a->as.text.n / 64);
    } else if (a->kind == QNI_LIST || a->kind == QNI_TUPLE) {
        return equal_lists(r, a, b, out);
    } else if (a->kind == QNI_DICT) {
        return equal_dicts(r, a->as.dict, b->as.dict, out);
    } else if (a->kind == QNI_RANGE) {
        int64_t n = range_length(a);
        *out = n == range_length(b) &&
               (n == 0 || (a->as.range.start == b->as.range.start &&
                           (n == 1 || a->as.range.step == b->as.range.step)));
    } else {
        *out = a == b || a->kind == QNI_UNDEFINED || a->kind == QNI_NONE ||
               (a->kind == QNI_METHOD && a->as.method.row == b->as.method.row &&
                a->as.method.self == b->as.method.self);
    }
    return true;
}

bool qni_equal(qni_run *r, qni_value *a, qni_value *b, bool *out)
{
    bool fine = qni_enter(r) && qni_charge(r, 1) && equal_inside(r, a, b, out);
    qni_leave(r);
    return fine;
}

static bool compare_inside(qni_run *r, qni_value *a, qni_value *b, int *out)
{
    double x, y;
    if (qni_is_number(a, &x) && qni_is_number(b, &y)) {
        bool whole = a->kind == QNI_INT && b->kind == QNI_INT;
        *out = whole              ? (a->as.whole > b->as.whole) - (a->as.whole < b->as.whole)
               : x != x || y != y ? 2
                                  : (x > y) - (x < y);
        return true;
    }
    if (a->kind == QNI_TEXT && b->kind == QNI_TEXT) { // bytes are ordered as code points are
        size_t n = a->as.text.n < b->as.text.n ? a->as.text.n : b->as.text.n;
        int order = memcmp(a->as.text.at, b->as.text.at, n);
        order = order != 0 ? order : (a->as.text.n > n) - (b->as.text.n > n);
        *out = (order > 0) - (order < 0);
        return qni_charge(r, n / 64);
    }
    if (a->kind == b->kind && (a->kind == QNI_LIST || a->kind == QNI_TUPLE)) {
        size_t n = a->as.list.n < b->as.list.n ? a->as.list.n : b->as.list.n;
        for (size_t i = 0; i < n; i++) {
            bool same = a->as.list.items[i] == b->as.list.items[i];
            if (!same && !qni_equal(r, a->as.list.items[i], b->as.list.items[i], &same)) {
                return false;
            }
            if (!same) {
                return qni_compare(r, a->as.list.items[i], b->as.list.items[i], out);
            }
        }
        *out = (a->as.list.n > n) - (b->as.list.n > n);
        return true;
    }
    if (qni_use(r, a) && qni_use(r, b)) {
        (void)qni_raise(r, "no order between a %s and a %s", qni_kind_name(a), qni_kind_name(b));
    }
    return false;
}

bool qni_compare(qni_run *r, qni_value *a, qni_value *b, int *out)
{
    bool fine = qni_enter(r) && qni_charge(r, 1) && compare_inside(r, a, b, out);
    qni_leave(r);
    return fine;
}

static bool range_contains(const qni_value *range, const qni_value *v)
{
    double x;
    int64_t n = range_length(range), step = range->as.range.step;
    if (n == 0 || !qni_is_number(v, &x) || x != floor(x) || fabs(x) > 9e15) {
        return false;
    }
    int64_t at = (int64_t)x, last = range->as.range.start + (n - 1) * step;
    return (step > 0 ? at >= range->as.range.start && at <= last
                     : at <= range->as.range.start && at >= last) &&
           (at - range->as.range.start) % step == 0;
}

bool qni_contains(qni_run *r, qni_value *in, qni_value *v, bool *out)
{
    qni_value *found;
    *out = false;
    if (in->kind == QNI_TEXT) {
        if (v->kind != QNI_TEXT) {
            (void)(qni_use(r, v) && qni_raise(r, "only a text can be in a text") == NULL);
            return false;
        }
        *out = memmem(in->as.text.at, in->as.text.n, v->as.text.at, v->as.text.n) != NULL;
        return qni_charge(r, in->as.text.n / 16);
    }
    if (in->kind == QNI_DICT || (in->kind == QNI_VIEW && in->extra == 'k')) {
        bool fine = qni_dict_find(r, in->as.dict, v, &found);
        *out = fine && found != NULL;
        return fine;
    }
    if (in->kind == QNI_RANGE) {
        *out = range_contains(in, v);
        return true;
    }
    qni_value *it = qni_iterate(r, in);
    for (;;) {
        if (it == NULL || !qni_next(r, it, &found)) {
            return false;
        }
        if (found == NULL || *out) {
            return true;
        }
        *out = found == v;
        if (!*out && !qni_equal(r, found, v, out)) {
            return false;
        }
        if (*out) {
            return true;
        }
    }
}

const char *qni_kind_name(const qni_value *v)
{
    static const char *const names[] = {
        "undefined value", "None",    "bool",      "number", "number", "text",      "list",
        "tuple",           "mapping", "namespace", "range",  "view",   "generator", "method",
        "function",        "macro",   "loop",      "cycler", "joiner", "template",  "block",
        "missing value"};
    return names[v->kind];
}

// ---- Going over

qni_value *qni_iterate_list(qni_run *r, qni_value *list, bool backward)
{
    qni_value *v = list != NULL ? make(r, QNI_ITERATOR) : NULL;
    qni_iterator *it = v != NULL ? qni_run_alloc(r, sizeof *it) : NULL;
    if (it == NULL) {
        return NULL;
    }
    it->source = list;
    it->backward = backward;
    v->as.iterator = it;
    return v;
}

static bool next_entry(qni_run *r, qni_iterator *it, qni_value **out)
{
    const qni_dict *d = it->source->as.dict;
    size_t i = it->backward ? d->n - 1 - it->at : it->at;
    if (it->at >= d->n) {
        *out = NULL;
        return true;
    }
    it->at++;
    bool view = it->source->kind == QNI_VIEW;
    *out = view && it->source->extra == 'v'   ? d->values[i]
           : view && it->source->extra == 'i' ? qni_pair(r, d->keys[i], d->values[i])
                                              : d->keys[i];
    return *out != NULL;
}

static bool next_character(qni_run *r, qni_iterator *it, qni_value **out)
{
    const char *text = it->source->as.text.at;
    size_t n = it->source->as.text.n, begin = it->at, end = it->at + 1;
    *out = NULL;
    if (begin >= n) {
        return true;
    }
    while (end < n && ((unsigned char)text[end] & 0xC0) == 0x80) {
        end++;
    }
    it->at = end;
    *out = qni_text_at(r, text + begin, end - begin);
    return *out != NULL;
}

static bool next_number(qni_run *r, qni_iterator *it, qni_value **out)
{
    int64_t n = range_length(it->source), i = (int64_t)it->at;
    *out = NULL;
    if (i >= n) {
        return true;
    }
    it->at++;
    i = it->backward ? n - 1 - i : i;
    *out = qni_int(r, it->source->as.range.start + i * it->source->as.range.step);
    return *out != NULL;
}

static bool next_loop(qni_run *r, qni_iterator *it, qni_value **out)
{
    if (!qni_loop_step(r, it->source->as.loop, out) || *out == NULL) {
        return r->status == QN_OK;
    }
    *out = qni_pair(r, *out, it->source);
    return *out != NULL;
}

qni_value *qni_iterate(qni_run *r, qni_value *v)
{
    qni_value *it;
    switch ((int)v->kind) {
    case QNI_ITERATOR: return v;
    case QNI_UNDEFINED: return qni_iterate_list(r, qni_list(r, QNI_LIST, 0), false);
    case QNI_LIST:
    case QNI_TUPLE: return qni_iterate_list(r, v, false);
    case QNI_TEXT:
    case QNI_RANGE:
    case QNI_DICT:
    case QNI_VIEW:
    case QNI_LOOP: break;
    default: return qni_raise(r, "a %s has no elements", qni_kind_name(v));
    }
    it = qni_iterate_list(r, v, false);
    if (it != NULL) {
        it->as.iterator->next = v->kind == QNI_TEXT    ? next_character
                                : v->kind == QNI_RANGE ? next_number
                                : v->kind == QNI_LOOP  ? next_loop
                                                       : next_entry;
    }
    return it;
}

bool qni_next(qni_run *r, qni_value *iterator, qni_value **next)
{
    qni_iterator *it = iterator->as.iterator;
    if (!qni_charge(r, 1)) {
        return false;
    }
    if (it->next != NULL) {
        return it->next(r, it, next);
    }
    size_t n = it->source->as.list.n;
    *next = it->at >= n ? NULL : it->source->as.list.items[it->backward ? n - 1 - it->at : it->at];
    it->at += it->at < n;
    return true;
}

qni_value *qni_to_list(qni_run *r, qni_value *v)
{
    qni_items items = {NULL, 0, 0};
    qni_value *it = qni_iterate(r, v);
    qni_value *next;
    while (it != NULL && qni_next(r, it, &next)) {
        if (next == NULL) {
            return qni_items_take(r, &items, QNI_LIST);
        }
        it = qni_items_add(r, &items, next) ? it : NULL;
    }
    return NULL;
}
