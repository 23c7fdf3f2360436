// What is known of a template before it runs: which names a scope hides, which special arguments a
// macro reads, whether filters and tests exist, and what jinja2's compiler refuses.
//
// jinja2 decides for each scope where its names come from. A name that a scope sets before it reads
// it (and not only in a branch of an if), and that no scope around it knows, has no value until
// then, even if the caller gives a variable of that name. `refs` of a name are the scopes,
// innermost first, that know it.
#include "text/template_run.h"

#include "base/alloc.h"

#include <string.h>

const char *qni_interned(const qni_template *t, const char *name)
{
    size_t n = strlen(name);
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ (unsigned char)name[i]) * 1099511628211u;
    }
    const qni_name_table *table = &t->interned;
    for (size_t at = hash; table->capacity != 0; at++) {
        const char *found = table->slots[at & (table->capacity - 1)];
        if (found == NULL || strcmp(found, name) == 0) {
            return found;
        }
    }
    return NULL;
}

static bool rehash(qni_template *t)
{
    size_t capacity = t->interned.capacity == 0 ? 64 : 2 * t->interned.capacity;
    const char **slots = qni_arena_array(&t->arena, capacity, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < t->interned.capacity; i++) {
        const char *name = t->interned.slots[i];
        uint64_t hash = 14695981039346656037u;
        for (const char *c = name; c != NULL && *c != '\0'; c++) {
            hash = (hash ^ (unsigned char)*c) * 1099511628211u;
        }
        for (size_t at = hash; name != NULL; at++) {
            if (slots[at & (capacity - 1)] == NULL) {
                slots[at & (capacity - 1)] = name;
                break;
            }
        }
    }
    t->interned.slots = slots;
    t->interned.capacity = capacity;
    return true;
}

const char *qni_intern(qni_template *t, const char *name, size_t n)
{
    char *copy = qni_arena_strndup(&t->arena, name, n);
    if (copy == NULL || (2 * t->interned.n >= t->interned.capacity && !rehash(t))) {
        return NULL;
    }
    const char *found = qni_interned(t, copy);
    if (found != NULL) {
        return found;
    }
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ (unsigned char)copy[i]) * 1099511628211u;
    }
    for (size_t at = hash;; at++) {
        if (t->interned.slots[at & (t->interned.capacity - 1)] == NULL) {
            t->interned.slots[at & (t->interned.capacity - 1)] = copy;
            t->interned.n++;
            return copy;
        }
    }
}

// ---- Scopes

typedef struct reference reference;
struct reference {
    const char *name;
    const struct scope *scope;
    reference *outer;
};

typedef struct scope {
    qni_node *node;
    struct scope *outer;
    qni_node_list inner; // scopes inside, found on the way
    reference **refs;    // defined here
    size_t n_refs, refs_capacity;
    size_t hidden_capacity;
} scope;

typedef struct checker {
    qni_template *t;
    reference **table; // by name, open addressing, as large as the names need
    size_t capacity;
    scope *scope;
    int branch; // of ifs inside of the scope
    bool soft;  // unknown filters fail only when they are reached
    int depth;
    qn_error *err;
} checker;

static qn_status fail(const checker *c, const qni_node *node, const char *what, const char *name)
{
    return qni_template_fail_at(c->t, node->line, node->column, what, name, c->err);
}

static reference **slot_of(const checker *c, const char *name)
{
    size_t at = (size_t)((uintptr_t)name >> 3) * 2654435761u;
    for (;; at++) {
        reference **slot = &c->table[at & (c->capacity - 1)];
        if (*slot == NULL || (*slot)->name == name) {
            return slot;
        }
    }
}

static bool is_known(const checker *c, const char *name, bool here)
{
    const reference *r = *slot_of(c, name);
    return r != NULL && r->scope != NULL && (!here || r->scope == c->scope);
}

static qn_status define(checker *c, const char *name)
{
    scope *s = c->scope;
    reference **slot = slot_of(c, name);
    reference *made = qni_arena_alloc(&c->t->arena, sizeof *made);
    if (made == NULL || qni_grow(&s->refs, &s->refs_capacity, s->n_refs + 1, sizeof(void *)) != 0) {
        return qni_fail_memory(c->err);
    }
    *made = (reference){name, s, *slot};
    *slot = made;
    s->refs[s->n_refs++] = made;
    return QN_OK;
}

// The name goes by the scopes outside again; what is left of it holds its place in the table.
static void end_scope(checker *c, scope *s)
{
    while (s->n_refs > 0) {
        reference *r = s->refs[--s->n_refs];
        if (r->outer != NULL) {
            *slot_of(c, r->name) = r->outer;
        } else {
            r->scope = NULL;
        }
    }
    qni_free(s->refs);
    c->scope = s->outer;
}

static qn_status load(checker *c, const char *name)
{
    return is_known(c, name, false) ? QN_OK : define(c, name);
}

static qn_status store(checker *c, const char *name)
{
    if (is_known(c, name, true)) {
        return QN_OK;
    }
    qni_node *node = c->scope->node;
    if (c->branch == 0 && !is_known(c, name, false)) {
        if (node->n_hidden == c->scope->hidden_capacity) {
            size_t wanted = 2 * node->n_hidden + 8;
            const char **more = qni_arena_array(&c->t->arena, wanted, sizeof *more);
            if (more == NULL) {
                return qni_fail_memory(c->err);
            }
            if (node->n_hidden != 0) {
                memcpy(more, node->hidden, node->n_hidden * sizeof *more);
            }
            node->hidden = more;
            c->scope->hidden_capacity = wanted;
        }
        node->hidden[node->n_hidden++] = name;
    }
    return define(c, name);
}

// ---- Walking one scope

static qn_status visit(checker *c, qni_node *node);

static qn_status visit_all(checker *c, const qni_node_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        QNI_TRY(visit(c, list->items[i]));
    }
    return QN_OK;
}

static qn_status visit_call(checker *c, qni_node *node)
{
    QNI_TRY(visit(c, node->a));
    QNI_TRY(visit_all(c, &node->items));
    QNI_TRY(visit_all(c, &node->named));
    QNI_TRY(visit(c, node->star));
    return visit(c, node->star_star);
}

static qn_status visit_named(checker *c, qni_node *node)
{
    bool filter = node->kind == QNI_NODE_FILTER;
    node->row = filter ? qni_find_filter(node->name) : qni_find_test(node->name);
    if (node->row == NULL && !c->soft) {
        return fail(c, node, filter ? "no filter named " : "no test named ", node->name);
    }
    return visit_call(c, node);
}

static qn_status set_target(checker *c, qni_node *target, bool parameter)
{
    if (target->kind == QNI_NODE_TUPLE) {
        for (size_t i = 0; i < target->items.n; i++) {
            QNI_TRY(set_target(c, target->items.items[i], parameter));
        }
        return QN_OK;
    }
    if (target->kind == QNI_NODE_NAMESPACE) {
        return load(c, target->name);
    }
    if (parameter) {
        return is_known(c, target->name, true) ? QN_OK : define(c, target->name);
    }
    return store(c, target->name);
}

static qn_status visit_if(checker *c, qni_node *node)
{
    bool soft = c->soft;
    c->soft = true;
    for (; node != NULL; node = node->c) {
        QNI_TRY(visit(c, node->a));
        c->branch++;
        QNI_TRY(visit_all(c, &node->body));
        QNI_TRY(visit_all(c, &node->else_body));
        c->branch--;
    }
    c->soft = soft;
    return QN_OK;
}

static qn_status visit_choice(checker *c, qni_node *node)
{
    bool soft = c->soft;
    c->soft = true;
    QNI_TRY(visit(c, node->b));
    QNI_TRY(visit(c, node->a));
    QNI_TRY(visit(c, node->c));
    c->soft = soft;
    return QN_OK;
}

static qn_status later(checker *c, qni_node *node)
{
    qni_node_list *list = &c->scope->inner;
    if (qni_grow(&list->items, &list->capacity, list->n + 1, sizeof node) != 0) {
        return qni_fail_memory(c->err);
    }
    list->items[list->n++] = node;
    return QN_OK;
}

// A statement that opens a scope: what of it belongs to this one.
static qn_status visit_scope(checker *c, qni_node *node)
{
    switch ((int)node->kind) {
    case QNI_NODE_FOR: QNI_TRY(visit(c, node->a)); break;
    case QNI_NODE_MACRO: QNI_TRY(store(c, node->name)); break;
    case QNI_NODE_CALL_BLOCK: QNI_TRY(visit(c, node->b)); break;
    case QNI_NODE_WITH: QNI_TRY(visit_all(c, &node->a->items)); break;
    case QNI_NODE_FILTER_BLOCK: QNI_TRY(visit(c, node->a)); break;
    case QNI_NODE_SET_BLOCK:
        QNI_TRY(set_target(c, node->b, false));
        QNI_TRY(visit(c, node->a)); // only its filters are looked up here
        break;
    default: break;
    }
    return later(c, node);
}

static qn_status visit_kind(checker *c, qni_node *node)
{
    switch (node->kind) {
    case QNI_NODE_NAME: return load(c, node->name);
    case QNI_NODE_FILTER:
    case QNI_NODE_TEST: return visit_named(c, node);
    case QNI_NODE_IF: return visit_if(c, node);
    case QNI_NODE_IF_ELSE: return visit_choice(c, node);
    case QNI_NODE_SET: QNI_TRY(visit(c, node->a)); return set_target(c, node->b, false);
    case QNI_NODE_FOR:
    case QNI_NODE_MACRO:
    case QNI_NODE_CALL_BLOCK:
    case QNI_NODE_WITH:
    case QNI_NODE_FILTER_BLOCK:
    case QNI_NODE_SET_BLOCK:
    case QNI_NODE_GENERATION: return visit_scope(c, node);
    case QNI_NODE_LITERAL:
    case QNI_NODE_LIST:
    case QNI_NODE_TUPLE:
    case QNI_NODE_DICT:
    case QNI_NODE_MEMBER:
    case QNI_NODE_INDEX:
    case QNI_NODE_SLICE:
    case QNI_NODE_CALL:
    case QNI_NODE_UNARY:
    case QNI_NODE_BINARY:
    case QNI_NODE_CONCAT:
    case QNI_NODE_COMPARE:
    case QNI_NODE_OPERAND:
    case QNI_NODE_TEXT:
    case QNI_NODE_OUTPUT:
    case QNI_NODE_NAMESPACE:
    case QNI_NODE_BLOCK:
    case QNI_NODE_BREAK:
    case QNI_NODE_CONTINUE:
    case QNI_NODE_NO_LOADER: break;
    }
    QNI_TRY(visit_call(c, node));
    return visit(c, node->b);
}

static qn_status visit(checker *c, qni_node *node)
{
    enum { MAX_DEPTH = 2000 };
    if (node == NULL || node->kind == QNI_NODE_BLOCK) {
        return QN_OK;
    }
    if (++c->depth > MAX_DEPTH) {
        return fail(c, node, "nested too deep", "");
    }
    qn_status status = visit_kind(c, node);
    c->depth--;
    return status;
}

// ---- Names in whole trees

typedef struct finder {
    const char *name;
    bool loads, stopped, stores;
} finder;

static void find(finder *f, const qni_node *node);

static void find_all(finder *f, const qni_node_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        find(f, list->items[i]);
    }
}

static void find_target(finder *f, const qni_node *target)
{
    if (target->kind == QNI_NODE_TUPLE) {
        for (size_t i = 0; i < target->items.n; i++) {
            find_target(f, target->items.items[i]);
        }
    } else if (target->kind == QNI_NODE_NAME && strcmp(target->name, f->name) == 0) {
        f->stores = true;
        f->stopped = true;
    }
}

static void find(finder *f, const qni_node *node)
{
    if (node == NULL || node->kind == QNI_NODE_BLOCK) {
        return;
    }
    switch ((int)node->kind) {
    case QNI_NODE_NAME:
        f->loads = f->loads || (!f->stopped && strcmp(node->name, f->name) == 0);
        return;
    case QNI_NODE_FOR:
    case QNI_NODE_SET:
    case QNI_NODE_SET_BLOCK: find_target(f, node->b); break;
    case QNI_NODE_WITH:
    case QNI_NODE_MACRO:
    case QNI_NODE_CALL_BLOCK:
        for (size_t i = 0; i < node->items.n; i++) {
            find_target(f, node->items.items[i]);
        }
        find(f, node->kind == QNI_NODE_CALL_BLOCK ? node->b : NULL);
        find(f, node->a);
        find_all(f, &node->body);
        return;
    default: find(f, node->b); break;
    }
    find(f, node->a);
    find_all(f, &node->items);
    find_all(f, &node->named);
    find(f, node->star);
    find(f, node->star_star);
    find(f, node->c);
    find_all(f, &node->body);
    find_all(f, &node->else_body);
}

static bool reads(const qni_node_list *body, const char *name)
{
    finder f = {.name = name};
    find_all(&f, body);
    return f.loads;
}

static qn_status begin_macro(checker *c, qni_node *node)
{
    bool explicit_caller = false, caller_default = true;
    for (size_t i = 0; i < node->items.n; i++) {
        const char *name = node->items.items[i]->name;
        QNI_TRY(set_target(c, node->items.items[i], true));
        if (strcmp(name, "caller") == 0) {
            explicit_caller = true;
            caller_default = node->a->items.items[i] != NULL;
        }
        node->uses_varargs = node->uses_varargs || strcmp(name, "varargs") == 0;
        node->uses_kwargs = node->uses_kwargs || strcmp(name, "kwargs") == 0;
    }
    node->uses_caller = reads(&node->body, "caller") && !explicit_caller;
    if (explicit_caller && !caller_default && reads(&node->body, "caller")) {
        return fail(c, node, "the parameter caller needs a default", "");
    }
    node->uses_varargs = !node->uses_varargs && reads(&node->body, "varargs");
    node->uses_kwargs = !node->uses_kwargs && reads(&node->body, "kwargs");
    static const char *const special[] = {"caller", "varargs", "kwargs"};
    const bool used[] = {node->uses_caller, node->uses_varargs, node->uses_kwargs};
    for (size_t i = 0; i < 3; i++) {
        const char *name = qni_interned(c->t, special[i]);
        if (used[i] && name != NULL && !is_known(c, name, true)) {
            QNI_TRY(define(c, name));
        }
    }
    return visit_all(c, &node->a->items);
}

static qn_status begin_for(checker *c, qni_node *node)
{
    finder f = {.name = "loop"};
    find(&f, node);
    if (f.stores) {
        return fail(c, node, "the name loop cannot be assigned inside of a loop", "");
    }
    node->special = node->flag || reads(&node->body, "loop");
    const char *loop = qni_interned(c->t, "loop");
    if (node->special && loop != NULL) {
        QNI_TRY(define(c, loop));
    }
    QNI_TRY(set_target(c, node->b, true));
    QNI_TRY(visit(c, node->c));
    return QN_OK;
}

static qn_status check_scope(checker *c, qni_node *node, bool in_else);

static qn_status check_body(checker *c, qni_node *node, bool in_else)
{
    if (!in_else) {
        switch ((int)node->kind) {
        case QNI_NODE_FOR: QNI_TRY(begin_for(c, node)); break;
        case QNI_NODE_MACRO:
        case QNI_NODE_CALL_BLOCK: QNI_TRY(begin_macro(c, node)); break;
        case QNI_NODE_WITH:
            for (size_t i = 0; i < node->items.n; i++) {
                QNI_TRY(set_target(c, node->items.items[i], true));
            }
            break;
        default: break;
        }
    }
    QNI_TRY(visit_all(c, in_else ? &node->else_body : &node->body));
    for (size_t i = 0; i < c->scope->inner.n; i++) {
        qni_node *inner = c->scope->inner.items[i];
        QNI_TRY(check_scope(c, inner, false));
        if (inner->kind == QNI_NODE_FOR && inner->else_body.n > 0) {
            QNI_TRY(check_scope(c, inner, true));
        }
    }
    return QN_OK;
}

static qn_status check_scope(checker *c, qni_node *node, bool in_else)
{
    scope s = {.node = node, .outer = c->scope};
    bool soft = c->soft;
    int branch = c->branch;
    c->soft = false;
    c->branch = in_else; // its names stand with those of the loop
    c->scope = &s;
    qn_status status = check_body(c, node, in_else);
    end_scope(c, &s);
    qni_free(s.inner.items);
    c->soft = soft;
    c->branch = branch;
    return status;
}

qn_status qni_template_check(qni_template *t, qn_error *err)
{
    checker c = {.t = t, .capacity = 2 * t->interned.capacity + 64, .err = err};
    while ((c.capacity & (c.capacity - 1)) != 0) {
        c.capacity += c.capacity & (~c.capacity + 1);
    }
    static const char *const special[] = {"loop", "caller", "varargs", "kwargs", "self", "super"};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (qni_intern(t, special[i], strlen(special[i])) == NULL) {
            return qni_fail_memory(err);
        }
    }
    c.table = qni_calloc(c.capacity, sizeof(reference *));
    if (c.table == NULL) {
        return qni_fail_memory(err);
    }
    t->root.kind = QNI_NODE_BLOCK;
    qn_status status = check_scope(&c, &t->root, false);
    for (size_t i = 0; i < t->blocks.n && status == QN_OK; i++) {
        status = check_scope(&c, t->blocks.items[i], false);
    }
    qni_free(c.table);
    return status;
}
