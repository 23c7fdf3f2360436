// Calls: binding arguments to parameters, functions, tests, and the methods of what is no text.
#include "text/template_run.h"

#include <math.h>
#include <string.h>
#include <time.h>

const qni_row *qni_find_row(const qni_row *rows, const char *name)
{
    for (; rows->name != NULL; rows++) {
        if (strcmp(rows->name, name) == 0) {
            return rows;
        }
    }
    return NULL;
}

// ---- Binding

static size_t find_parameter(const char *parameters, const char *name, size_t n)
{
    size_t index = 0;
    for (const char *at = parameters; *at != '\0'; index++) {
        size_t m = strcspn(at, "? ");
        if (m == n && memcmp(at, name, n) == 0) {
            return index;
        }
        at += m;
        at += strspn(at, "? ");
    }
    return (size_t)-1;
}

bool qni_bind(qni_run *r, const char *name, const char *parameters, const qni_args *args,
              qni_value **a)
{
    bool by_name = parameters[0] != '/';
    parameters += by_name ? 0 : 1 + (parameters[1] == ' ');
    for (size_t i = 0; i < QNI_MAX_PARAMETERS; i++) {
        a[i] = i < args->n ? args->items[i] : NULL;
    }
    for (size_t i = 0; i < args->n_named; i++) {
        size_t at = by_name ? find_parameter(parameters, args->names[i], strlen(args->names[i]))
                            : (size_t)-1;
        if (at == (size_t)-1 || a[at] != NULL) {
            return qni_raise(r, "%s has no use for the argument %s", name, args->names[i]) != NULL;
        }
        a[at] = args->named[i];
    }
    size_t n = 0;
    for (const char *at = parameters; *at != '\0'; n++) {
        size_t m = strcspn(at, "? ");
        if (at[m] != '?' && a[n] == NULL) {
            return qni_raise(r, "%s lacks the argument %.*s", name, (int)m, at) != NULL;
        }
        at += m;
        at += strspn(at, "? ");
    }
    return args->n <= n || qni_raise(r, "%s takes no more than %zu arguments", name, n) != NULL;
}

qni_value *qni_call_row(qni_run *r, const qni_row *row, qni_value *self, const qni_args *args)
{
    qni_value *a[QNI_MAX_PARAMETERS] = {NULL};
    if (row->parameters != NULL && !qni_bind(r, row->name, row->parameters, args, a)) {
        return NULL;
    }
    return row->fn(r, self, a, args);
}

static qni_value *safe(qni_run *r, qni_value *v)
{
    qni_value *made = v;
    if (v->kind == QNI_TEXT && !v->markup) {
        made = qni_text_at(r, v->as.text.at, v->as.text.n);
        if (made != NULL) {
            made->markup = true;
        }
    } else if (v->kind == QNI_LIST || v->kind == QNI_TUPLE) { // new ones, of texts
        for (size_t i = 0; made != NULL && i < v->as.list.n; i++) {
            v->as.list.items[i] = safe(r, v->as.list.items[i]);
            made = v->as.list.items[i] != NULL ? made : NULL;
        }
    }
    return made;
}

qni_value *qni_call_method(qni_run *r, const qni_row *row, qni_value *self, const qni_args *args)
{
    qni_value *made = qni_call_row(r, row, self, args);
    return made != NULL && self->kind == QNI_TEXT && self->markup ? safe(r, made) : made;
}

static qni_value *call_cycler(qni_run *r, qni_value *loop, const qni_args *args)
{
    if (args->n == 0 || args->n_named != 0) {
        return qni_raise(r, "nothing to cycle through");
    }
    return args->items[(size_t)loop->as.loop->index0 % args->n];
}

static qni_value *call_joiner(qni_run *r, qni_value *joiner, const qni_args *args)
{
    if (args->n != 0 || args->n_named != 0) {
        return qni_raise(r, "a joiner takes no arguments");
    }
    bool used = joiner->as.joiner.used;
    joiner->as.joiner.used = true;
    return used ? joiner->as.joiner.by : qni_text_at(r, "", 0);
}

qni_value *qni_call_value(qni_run *r, qni_value *callee, const qni_args *args)
{
    switch ((int)callee->kind) {
    case QNI_METHOD: return qni_call_method(r, callee->as.method.row, callee->as.method.self, args);
    case QNI_FUNCTION: return qni_call_row(r, callee->as.method.row, NULL, args);
    case QNI_MACRO: return qni_call_macro(r, callee->as.macro, args);
    case QNI_JOINER: return call_joiner(r, callee, args);
    case QNI_LOOP: {
        qni_value *a[QNI_MAX_PARAMETERS];
        return qni_bind(r, "loop", "iterable", args, a) ? qni_call_loop(r, callee->as.loop, a[0])
                                                        : NULL;
    }
    case QNI_BLOCK:
        return args->n + args->n_named == 0 ? qni_call_block(r, callee->as.node)
                                            : qni_raise(r, "a block takes no arguments");
    default: break;
    }
    return qni_use(r, callee) ? qni_raise(r, "a %s cannot be called", qni_kind_name(callee)) : NULL;
}

// ---- Functions

static qni_value *f_range(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t n[3] = {0, 0, 1}, length;
    (void)self;
    for (size_t i = 0; i < 3 && a[i] != NULL; i++) {
        if (!qni_is_whole(a[i], &n[i])) {
            return qni_use(r, a[i]) ? qni_raise(r, "a range of a %s", qni_kind_name(a[i])) : NULL;
        }
    }
    if (args->n == 1) {
        n[1] = n[0];
        n[0] = 0;
    }
    if (n[2] == 0) {
        return qni_raise(r, "a range of step zero");
    }
    qni_value *v = qni_run_alloc(r, sizeof *v);
    if (v == NULL) {
        return NULL;
    }
    v->kind = QNI_RANGE;
    v->as.range.start = n[0];
    v->as.range.stop = n[1];
    v->as.range.step = n[2];
    enum { MAX_RANGE = 100000 };
    (void)qni_has_length(r, v, &length);
    return length > MAX_RANGE || length < 0 ? qni_raise(r, "a range of more than %d", MAX_RANGE)
                                            : v;
}

static bool add_pairs(qni_run *r, qni_value *dict, qni_value *from)
{
    if (!qni_use(r, from)) {
        return false;
    }
    if (from->kind == QNI_DICT) {
        for (size_t i = 0; i < from->as.dict->n; i++) {
            if (!qni_dict_put(r, dict->as.dict, from->as.dict->keys[i], from->as.dict->values[i])) {
                return false;
            }
        }
        return true;
    }
    qni_value *list = qni_to_list(r, from);
    for (size_t i = 0; list != NULL && i < list->as.list.n; i++) {
        qni_value *pair = qni_to_list(r, list->as.list.items[i]);
        if (pair == NULL || pair->as.list.n != 2) {
            return pair != NULL && qni_raise(r, "a mapping is made of pairs") != NULL;
        }
        if (!qni_dict_put(r, dict->as.dict, pair->as.list.items[0], pair->as.list.items[1])) {
            return false;
        }
    }
    return list != NULL;
}

static qni_value *make_dict(qni_run *r, qni_kind kind, const qni_args *args)
{
    qni_value *dict = qni_dict_new(r, kind);
    if (dict == NULL || args->n > 1) {
        return dict != NULL ? qni_raise(r, "a mapping is made of one value") : NULL;
    }
    if (args->n == 1 && !add_pairs(r, dict, args->items[0])) {
        return NULL;
    }
    for (size_t i = 0; i < args->n_named; i++) {
        qni_value *key = qni_text_at(r, args->names[i], strlen(args->names[i]));
        if (key == NULL || !qni_dict_put(r, dict->as.dict, key, args->named[i])) {
            return NULL;
        }
    }
    return dict;
}

static qni_value *f_dict(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)self;
    (void)a;
    return make_dict(r, QNI_DICT, args);
}

bool qni_may_name(qni_run *r, const qni_value *key)
{
    bool hidden = key->kind == QNI_TEXT && key->as.text.n > 0 && key->as.text.at[0] == '_';
    return !hidden || qni_raise(r, "a namespace takes no name that begins with \"_\": %.*s",
                                (int)(key->as.text.n & 0xFF), key->as.text.at) != NULL;
}

static qni_value *f_namespace(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *space = make_dict(r, QNI_NAMESPACE, args);
    (void)self;
    (void)a;
    for (size_t i = 0; space != NULL && i < space->as.dict->n; i++) {
        space = qni_may_name(r, space->as.dict->keys[i]) ? space : NULL;
    }
    return space;
}

static qni_value *f_cycler(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)self;
    (void)a;
    if (args->n == 0 || args->n_named != 0) {
        return qni_raise(r, "a cycler needs items");
    }
    qni_value *v = qni_run_alloc(r, sizeof *v);
    if (v != NULL) {
        v->kind = QNI_CYCLER;
        v->as.cycler.items = args->items;
        v->as.cycler.n = args->n;
    }
    return v;
}

static qni_value *f_joiner(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)self;
    (void)args;
    qni_value *v = qni_run_alloc(r, sizeof *v);
    qni_value *by = a[0] != NULL ? a[0] : qni_text_at(r, ", ", 2);
    if (v != NULL) {
        v->kind = QNI_JOINER;
        v->as.joiner.by = by;
    }
    return by != NULL ? v : NULL;
}

static qni_value *f_raise(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)self;
    (void)args;
    qni_value *text = qni_to_text(r, a[0]);
    return text != NULL ? qni_raise(r, "%.*s", (int)(text->as.text.n & 0xFFFF), text->as.text.at)
                        : NULL;
}

static qni_value *f_strftime(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    char format[256], text[1024];
    struct tm parts;
    time_t now = (time_t)r->now;
    (void)self;
    (void)args;
    if (a[0]->kind != QNI_TEXT || a[0]->as.text.n >= sizeof format - 1 ||
        localtime_r(&now, &parts) == NULL) {
        return qni_raise(r, "strftime_now needs a short text");
    }
    memcpy(format, a[0]->as.text.at, a[0]->as.text.n);
    format[a[0]->as.text.n] = '.'; // so that an empty result can be told from a failure
    format[a[0]->as.text.n + 1] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" // strftime reads no arguments
    size_t n = strftime(text, sizeof text, format, &parts);
#pragma GCC diagnostic pop
    return n > 0 ? qni_text(r, text, n - 1) : qni_raise(r, "a time that is too long");
}

static qni_value *f_lipsum(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)self;
    (void)a;
    (void)args;
    return qni_raise(r, "the function lipsum makes random texts, which quince does not");
}

static const qni_row functions[] = {
    {"lipsum", NULL, f_lipsum},
    {"range", "/ a b? c?", f_range},
    {"dict", NULL, f_dict},
    {"namespace", NULL, f_namespace},
    {"cycler", NULL, f_cycler},
    {"joiner", "sep?", f_joiner},
    {"raise_exception", "message", f_raise},
    {"strftime_now", "format", f_strftime},
    {NULL, NULL, NULL},
};

const qni_row *qni_find_function(const char *name)
{
    return qni_find_row(functions, name);
}

// ---- Methods of loops, cyclers, mappings, lists and ranges

static qni_value *m_cycle(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    return call_cycler(r, self, args);
}

static qni_value *m_changed(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    qni_value *now = qni_list(r, QNI_TUPLE, args->n);
    bool same = false;
    for (size_t i = 0; now != NULL && i < args->n; i++) {
        now->as.list.items[i] = args->items[i];
    }
    if (now == NULL || args->n_named != 0) {
        return now != NULL ? qni_raise(r, "changed takes no named arguments") : NULL;
    }
    qni_loop *l = self->as.loop;
    if (l->changed != NULL && !qni_equal(r, l->changed, now, &same)) {
        return NULL;
    }
    l->changed = same ? l->changed : now;
    return qni_bool(!same);
}

static qni_value *m_next(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)r;
    (void)a;
    (void)args;
    qni_value *now = self->as.cycler.items[self->as.cycler.at];
    self->as.cycler.at = (self->as.cycler.at + 1) % self->as.cycler.n;
    return now;
}

static qni_value *m_reset(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)r;
    (void)a;
    (void)args;
    self->as.cycler.at = 0;
    return qni_none();
}

static qni_value *view(qni_run *r, const qni_value *self, char kind)
{
    qni_value *v = qni_run_alloc(r, sizeof *v);
    if (v != NULL) {
        v->kind = QNI_VIEW;
        v->extra = (uint32_t)kind;
        v->as.dict = self->as.dict;
    }
    return v;
}

static qni_value *m_keys(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return view(r, self, 'k');
}
static qni_value *m_values(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return view(r, self, 'v');
}
static qni_value *m_items(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    return view(r, self, 'i');
}

static qni_value *m_get(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *found;
    (void)args;
    if (!qni_dict_find(r, self->as.dict, a[0], &found)) {
        return NULL;
    }
    return found != NULL ? found : a[1] != NULL ? a[1] : qni_none();
}

static qni_value *m_copy(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)a;
    (void)args;
    if (self->kind == QNI_LIST) {
        return qni_to_list(r, self);
    }
    qni_value *copy = qni_dict_new(r, QNI_DICT);
    return copy != NULL && add_pairs(r, copy, self) ? copy : NULL;
}

static qni_value *m_fromkeys(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)self;
    (void)args;
    qni_value *keys = qni_to_list(r, a[0]), *dict = qni_dict_new(r, QNI_DICT);
    for (size_t i = 0; keys != NULL && dict != NULL && i < keys->as.list.n; i++) {
        qni_value *value = a[1] != NULL ? a[1] : qni_none();
        dict = qni_dict_put(r, dict->as.dict, keys->as.list.items[i], value) ? dict : NULL;
    }
    return keys != NULL ? dict : NULL;
}

static qni_value *m_count(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *list = qni_to_list(r, self);
    int64_t n = 0;
    (void)args;
    for (size_t i = 0; list != NULL && i < list->as.list.n; i++) {
        bool same = list->as.list.items[i] == a[0];
        if (!same && !qni_equal(r, list->as.list.items[i], a[0], &same)) {
            return NULL;
        }
        n += same;
    }
    return list != NULL ? qni_int(r, n) : NULL;
}

static qni_value *m_index(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    qni_value *list = qni_to_list(r, self);
    int64_t n = list != NULL ? (int64_t)list->as.list.n : 0, at[2] = {0, n};
    (void)args;
    for (int i = 0; i < 2 && list != NULL && a[i + 1] != NULL; i++) {
        if (!qni_is_whole(a[i + 1], &at[i])) {
            return qni_raise(r, "index needs numbers");
        }
        at[i] += at[i] < 0 ? n : 0;
        at[i] = at[i] < 0 ? 0 : at[i];
    }
    for (int64_t i = at[0]; list != NULL && i < at[1] && i < n; i++) {
        bool same = list->as.list.items[i] == a[0];
        if (!same && !qni_equal(r, list->as.list.items[i], a[0], &same)) {
            return NULL;
        }
        if (same) {
            return qni_int(r, i);
        }
    }
    return list != NULL ? qni_raise(r, "there is no such element") : NULL;
}

static qni_value *m_is_integer(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    (void)r;
    (void)a;
    (void)args;
    return qni_bool(self->as.real == floor(self->as.real) && isfinite(self->as.real));
}

static qni_value *m_bit_length(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t n;
    (void)a;
    (void)args;
    (void)qni_is_whole(self, &n);
    uint64_t m = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;
    return qni_int(r, m == 0 ? 0 : 64 - __builtin_clzll(m));
}

static qni_value *m_bit_count(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t n;
    (void)a;
    (void)args;
    (void)qni_is_whole(self, &n);
    uint64_t m = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;
    return qni_int(r, __builtin_popcountll(m));
}

static qni_value *m_conjugate(qni_run *r, qni_value *self, qni_value **a, const qni_args *args)
{
    int64_t n;
    (void)a;
    (void)args;
    return qni_is_whole(self, &n) ? qni_int(r, n) : self;
}

static const qni_row loop_methods[] = {
    {"cycle", NULL, m_cycle}, {"changed", NULL, m_changed}, {NULL, NULL, NULL}};
static const qni_row cycler_methods[] = {
    {"next", "", m_next}, {"reset", "", m_reset}, {NULL, NULL, NULL}};
static const qni_row dict_methods[] = {
    {"keys", "", m_keys},   {"values", "", m_values},
    {"items", "", m_items}, {"get", "/ key default?", m_get},
    {"copy", "", m_copy},   {"fromkeys", "/ keys value?", m_fromkeys},
    {NULL, NULL, NULL}};
static const qni_row class_methods[] = {{"fromkeys", "/ keys value?", m_fromkeys},
                                        {NULL, NULL, NULL}};
static const qni_row list_methods[] = {{"copy", "", m_copy},
                                       {"count", "/ value", m_count},
                                       {"index", "/ value start? stop?", m_index},
                                       {NULL, NULL, NULL}};
static const qni_row real_methods[] = {
    {"is_integer", "", m_is_integer}, {"conjugate", "", m_conjugate}, {NULL, NULL, NULL}};
static const qni_row int_methods[] = {{"bit_length", "", m_bit_length},
                                      {"bit_count", "", m_bit_count},
                                      {"conjugate", "", m_conjugate},
                                      {NULL, NULL, NULL}};

const qni_row *qni_find_method(const qni_value *self, const char *name)
{
    const qni_row *found = NULL;
    switch ((int)self->kind) {
    case QNI_TEXT: return qni_find_row(qni_text_methods, name);
    case QNI_DICT: return qni_find_row(dict_methods, name);
    case QNI_LIST: return qni_find_row(list_methods, name);
    case QNI_TUPLE: return qni_find_row(list_methods + 1, name);
    case QNI_RANGE: found = qni_find_row(list_methods + 1, name); return found;
    case QNI_LOOP: return qni_find_row(loop_methods, name);
    case QNI_CYCLER: return qni_find_row(cycler_methods, name);
    case QNI_REAL: return qni_find_row(real_methods, name);
    case QNI_BOOL:
    case QNI_INT: return qni_find_row(int_methods, name);
    case QNI_FUNCTION:
        return self->as.method.row->fn == f_dict ? qni_find_row(class_methods, name) : NULL;
    default: return NULL;
    }
}

const qni_row *qni_find_filter(const char *name)
{
    const qni_row *row = qni_find_row(qni_text_filters, name);
    row = row != NULL ? row : qni_find_row(qni_sequence_filters, name);
    row = row != NULL ? row : qni_find_row(qni_layout_filters, name);
    return row != NULL ? row : qni_find_row(qni_value_filters, name);
}
