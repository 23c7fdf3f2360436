#include "grammar/schema_index.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/schema_compiler.h"
#include "grammar/uri.h"

#include <string.h>

static const char default_uri[] = "quince:/schema";

static qn_status enter(qni_schema_index *x, const qni_jvalue *v, uint32_t resource,
                       const char *base);

qn_status qni_schema_index_begin(qni_schema_index *x, qni_arena *arena,
                                 const qni_schema_options *options, qn_error *err)
{
    *x = (qni_schema_index){.arena = arena, .options = options, .err = err};
    return QN_OK;
}

void qni_schema_index_end(qni_schema_index *x)
{
    qni_names_end(&x->names);
    qni_free(x->resources);
    qni_free(x->anchored);
    qni_free(x->resource_of);
}

static bool known_dialect(const char *uri, size_t n, qni_dialect *dialect)
{
    static const struct {
        const char *name;
        qni_dialect dialect;
    } names[] = {
        {"json-schema.org/draft-04/schema", QNI_DRAFT_4},
        {"json-schema.org/draft-06/schema", QNI_DRAFT_6},
        {"json-schema.org/draft-07/schema", QNI_DRAFT_7},
        {"json-schema.org/draft/2019-09/schema", QNI_DRAFT_2019},
        {"json-schema.org/draft/2020-12/schema", QNI_DRAFT_2020},
        {"json-schema.org/schema", QNI_DRAFT_2020},
    };
    size_t skip = n > 8 && memcmp(uri, "https://", 8) == 0  ? 8
                  : n > 7 && memcmp(uri, "http://", 7) == 0 ? 7
                                                            : 0;
    n -= n > 0 && uri[n - 1] == '#';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) == n - skip && memcmp(names[i].name, uri + skip, n - skip) == 0) {
            *dialect = names[i].dialect;
            return true;
        }
    }
    return false;
}

static const qni_schema_document *find_document(const qni_schema_index *x, const char *uri)
{
    for (size_t i = 0; i < x->options->n_documents; i++) {
        const char *own = x->options->documents[i].uri;
        size_t n = strlen(own);
        n -= n > 0 && own[n - 1] == '#';
        if (strlen(uri) == n && memcmp(own, uri, n) == 0) {
            return &x->options->documents[i];
        }
    }
    for (size_t i = 0; i < qni_n_metaschemas; i++) {
        if (strcmp(qni_metaschemas[i].uri, uri) == 0) {
            return &qni_metaschemas[i];
        }
    }
    return NULL;
}

// A metaschema of the caller's: its own dialect, and the vocabularies it asks for.
static qn_status read_dialect(qni_schema_index *x, const qni_jvalue *name, qni_resource *r)
{
    if (name == NULL || name->type != QNI_J_STRING ||
        known_dialect(name->text, name->size, &r->dialect)) {
        return QN_OK;
    }
    char *uri = qni_arena_strndup(x->arena, name->text, name->size);
    if (uri == NULL) {
        return qni_fail_memory(x->err);
    }
    qni_uri_split_fragment(uri);
    const qni_schema_document *d = find_document(x, uri);
    if (d == NULL) {
        return qni_fail(x->err, QN_UNSUPPORTED, "/$schema", "the dialect '%.200s' is not known",
                        uri);
    }
    qni_jvalue *meta;
    QNI_TRY(qni_jvalue_parse(x->arena, d->text, d->size, d->uri, NULL, &meta, x->err));
    const qni_jvalue *own = qni_jvalue_member(meta, "$schema");
    if (own != NULL && own->type == QNI_J_STRING) {
        known_dialect(own->text, own->size, &r->dialect);
    }
    const qni_jvalue *vocabulary = qni_jvalue_member(meta, "$vocabulary");
    if (vocabulary != NULL && vocabulary->type == QNI_J_OBJECT) {
        r->no_validation = true;
        for (const qni_jvalue *v = vocabulary->first; v != NULL; v = v->next) {
            const char *validation = strstr(v->key, "/vocab/validation");
            const char *assertion = strstr(v->key, "/vocab/format-assertion");
            r->no_validation = r->no_validation && validation == NULL;
            r->assert_formats = r->assert_formats || assertion != NULL;
        }
    }
    return QN_OK;
}

static qn_status add_name(qni_schema_index *x, const char *name, uint32_t value)
{
    return qni_names_put(&x->names, name, strlen(name), value, x->err);
}

static qn_status add_anchor(qni_schema_index *x, uint32_t resource, const char *name, size_t n,
                            const qni_jvalue *v)
{
    const char *uri = x->resources[resource].uri;
    size_t size = strlen(uri);
    char *key = qni_arena_alloc(x->arena, size + n + 2);
    if (key == NULL || qni_grow(&x->anchored, &x->anchored_capacity, x->n_anchored + 1,
                                sizeof *x->anchored) != 0) {
        return qni_fail_memory(x->err);
    }
    memcpy(key, uri, size);
    key[size] = '#';
    memcpy(key + size + 1, name, n);
    x->anchored[x->n_anchored] = v;
    return add_name(x, key, (uint32_t)x->n_anchored++);
}

static qn_status add_dynamic_anchor(qni_schema_index *x, uint32_t resource, const char *name,
                                    const qni_jvalue *v)
{
    qni_dynamic_anchor *a = qni_arena_alloc(x->arena, sizeof *a);
    if (a == NULL) {
        return qni_fail_memory(x->err);
    }
    *a = (qni_dynamic_anchor){name, v, x->resources[resource].dynamic};
    x->resources[resource].dynamic = a;
    return QN_OK;
}

static qn_status add_resource(qni_schema_index *x, const char *uri, const qni_jvalue *root,
                              qni_dialect dialect, uint32_t *out)
{
    if (qni_grow(&x->resources, &x->resources_capacity, x->n_resources + 1, sizeof *x->resources) !=
        0) {
        return qni_fail_memory(x->err);
    }
    qni_resource *r = &x->resources[x->n_resources];
    *r = (qni_resource){.uri = uri, .root = root, .dialect = dialect};
    QNI_TRY(read_dialect(x, qni_jvalue_member(root, "$schema"), r));
    *out = (uint32_t)x->n_resources++;
    return add_name(x, uri, *out);
}

// $id (id in draft 4): a resource of its own, or in older drafts an anchor.
static qn_status enter_id(qni_schema_index *x, const qni_jvalue *v, const char *base,
                          uint32_t *resource)
{
    qni_dialect dialect = x->resources[*resource].dialect;
    const qni_jvalue *own_dialect = qni_jvalue_member(v, "$schema");
    if (own_dialect != NULL && own_dialect->type == QNI_J_STRING) {
        known_dialect(own_dialect->text, own_dialect->size, &dialect);
    }
    const qni_jvalue *id = qni_jvalue_member(v, dialect == QNI_DRAFT_4 ? "id" : "$id");
    bool shadowed = dialect <= QNI_DRAFT_7 && qni_jvalue_member(v, "$ref") != NULL;
    if (id == NULL || id->type != QNI_J_STRING || shadowed) {
        return QN_OK;
    }
    const char *resolved = qni_uri_resolve(x->arena, base, id->text, id->size);
    char *uri = resolved == NULL ? NULL : qni_arena_strdup(x->arena, resolved);
    if (uri == NULL) {
        return qni_fail_memory(x->err);
    }
    const char *fragment = qni_uri_split_fragment(uri);
    if (id->size > 0 && id->text[0] != '#') {
        if (x->resources[*resource].root == v) { // the document's own: found under either name
            x->resources[*resource].uri = uri;
            QNI_TRY(add_name(x, uri, *resource));
        } else {
            QNI_TRY(add_resource(x, uri, v, dialect, resource));
        }
    }
    bool anchor = fragment[0] != '\0' && fragment[0] != '/' && dialect <= QNI_DRAFT_7;
    return anchor ? add_anchor(x, *resource, fragment, strlen(fragment), v) : QN_OK;
}

static qn_status enter_anchors(qni_schema_index *x, const qni_jvalue *v, uint32_t resource)
{
    qni_dialect dialect = x->resources[resource].dialect;
    if (dialect < QNI_DRAFT_2019) {
        return QN_OK;
    }
    const qni_jvalue *anchor = qni_jvalue_member(v, "$anchor");
    if (anchor != NULL && anchor->type == QNI_J_STRING) {
        QNI_TRY(add_anchor(x, resource, anchor->text, anchor->size, v));
    }
    const qni_jvalue *dynamic = qni_jvalue_member(v, "$dynamicAnchor");
    if (dialect == QNI_DRAFT_2020 && dynamic != NULL && dynamic->type == QNI_J_STRING) {
        QNI_TRY(add_anchor(x, resource, dynamic->text, dynamic->size, v));
        QNI_TRY(add_dynamic_anchor(x, resource, dynamic->text, v));
    }
    const qni_jvalue *recursive = qni_jvalue_member(v, "$recursiveAnchor");
    if (dialect == QNI_DRAFT_2019 && recursive != NULL && recursive->type == QNI_J_TRUE) {
        QNI_TRY(add_dynamic_anchor(x, resource, "", v));
    }
    return QN_OK;
}

// Where keywords hold subschemas: in themselves, in a list, in a map, or in any of these.
static bool holds_schema(const char *key, char *how)
{
    static const struct {
        const char *name;
        char how; // s schema, l list, m map
    } holders[] = {
        {"additionalItems", 's'},
        {"additionalProperties", 's'},
        {"allOf", 'l'},
        {"anyOf", 'l'},
        {"contains", 's'},
        {"contentSchema", 's'},
        {"definitions", 'm'},
        {"$defs", 'm'},
        {"dependencies", 'm'},
        {"dependentSchemas", 'm'},
        {"else", 's'},
        {"if", 's'},
        {"items", 'l'},
        {"not", 's'},
        {"oneOf", 'l'},
        {"patternProperties", 'm'},
        {"prefixItems", 'l'},
        {"properties", 'm'},
        {"propertyNames", 's'},
        {"then", 's'},
        {"unevaluatedItems", 's'},
        {"unevaluatedProperties", 's'},
    };
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) {
        if (strcmp(holders[i].name, key) == 0) {
            *how = holders[i].how;
            return true;
        }
    }
    return false;
}

static qn_status enter_children(qni_schema_index *x, const qni_jvalue *v, uint32_t resource,
                                const char *base)
{
    for (const qni_jvalue *m = v->first; m != NULL; m = m->next) {
        char how;
        if (!holds_schema(m->key, &how)) {
            continue;
        }
        if (how == 'm' || m->type == QNI_J_ARRAY) {
            for (const qni_jvalue *c = m->first; c != NULL; c = c->next) {
                QNI_TRY(enter(x, c, resource, base));
            }
        } else {
            QNI_TRY(enter(x, m, resource, base));
        }
    }
    return QN_OK;
}

static qn_status enter(qni_schema_index *x, const qni_jvalue *v, uint32_t resource,
                       const char *base)
{
    bool schema = v->type == QNI_J_OBJECT || v->type == QNI_J_TRUE || v->type == QNI_J_FALSE;
    if (!schema || x->resource_of[v->id] != 0) {
        return QN_OK;
    }
    if (++x->depth > QNI_MAX_JSON_DEPTH) {
        return qni_fail(x->err, QN_LIMIT_EXCEEDED, NULL, "a schema nested deeper than %d",
                        QNI_MAX_JSON_DEPTH);
    }
    if (v->type == QNI_J_OBJECT) {
        QNI_TRY(enter_id(x, v, base, &resource));
        base = x->resources[resource].uri;
    }
    x->resource_of[v->id] = resource + 1;
    if (v->type == QNI_J_OBJECT) {
        QNI_TRY(enter_anchors(x, v, resource));
        QNI_TRY(enter_children(x, v, resource, base));
    }
    x->depth--;
    return QN_OK;
}

qn_status qni_schema_index_add(qni_schema_index *x, const char *uri, const char *text, size_t size,
                               const qni_jvalue **root)
{
    qni_jvalue *v;
    QNI_TRY(qni_jvalue_parse(x->arena, text, size, uri, &x->n_ids, &v, x->err));
    size_t before = x->resource_of_capacity;
    if (qni_grow(&x->resource_of, &x->resource_of_capacity, (size_t)x->n_ids + 1,
                 sizeof *x->resource_of) != 0) {
        return qni_fail_memory(x->err);
    }
    if (x->resource_of_capacity > before) {
        memset(x->resource_of + before, 0,
               (x->resource_of_capacity - before) * sizeof *x->resource_of);
    }
    qni_dialect dialect = x->n_resources == 0 ? QNI_DRAFT_2020 : x->resources[0].dialect;
    uint32_t resource;
    uri = uri != NULL ? uri : default_uri;
    QNI_TRY(add_resource(x, uri, v, dialect, &resource));
    QNI_TRY(enter(x, v, resource, uri));
    *root = v;
    return QN_OK;
}

// One step of a JSON pointer: unescapes the token in place.
static const qni_jvalue *pointer_step(const qni_jvalue *v, char *token)
{
    char *out = token;
    for (const char *in = token; *in != '\0'; in++) {
        if (in[0] == '~' && (in[1] == '0' || in[1] == '1')) {
            *out++ = *++in == '0' ? '~' : '/';
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    if (v->type != QNI_J_ARRAY) {
        return qni_jvalue_member(v, token);
    }
    size_t index = 0;
    for (const char *c = token; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || index > v->n) {
            return NULL;
        }
        index = index * 10 + (size_t)(*c - '0');
    }
    const qni_jvalue *item = token[0] == '\0' ? NULL : v->first;
    for (; item != NULL && index > 0; index--) {
        item = item->next;
    }
    return item;
}

static qn_status follow_pointer(qni_schema_index *x, uint32_t resource, char *pointer,
                                const qni_jvalue **out)
{
    const qni_jvalue *v = x->resources[resource].root;
    char *token = pointer;
    while (*token == '/' && v != NULL) {
        char *end = token + 1 + strcspn(token + 1, "/");
        char mark = *end;
        *end = '\0';
        v = pointer_step(v, token + 1);
        *end = mark;
        token = end;
        if (v != NULL && x->resource_of[v->id] != 0) {
            resource = x->resource_of[v->id] - 1;
        }
    }
    *out = v;
    // A place that no keyword leads to becomes a schema by being named as one.
    return v == NULL ? QN_OK : enter(x, v, resource, x->resources[resource].uri);
}

qn_status qni_schema_index_find(qni_schema_index *x, uint32_t resource, const char *reference,
                                size_t size, const qni_jvalue **out, const char **anchor)
{
    *out = NULL;
    *anchor = NULL;
    const char *resolved = qni_uri_resolve(x->arena, x->resources[resource].uri, reference, size);
    char *uri = resolved == NULL ? NULL : qni_arena_strdup(x->arena, resolved);
    if (uri == NULL) {
        return qni_fail_memory(x->err);
    }
    char *fragment = qni_uri_split_fragment(uri);
    qni_uri_unescape(fragment);
    uint32_t found;
    if (!qni_names_find(&x->names, uri, strlen(uri), &found)) {
        const qni_schema_document *d = find_document(x, uri);
        const qni_jvalue *root;
        if (d == NULL) {
            return QN_OK;
        }
        QNI_TRY(qni_schema_index_add(x, uri, d->text, d->size, &root));
        found = qni_schema_index_resource(x, root);
    }
    if (fragment[0] == '\0' || fragment[0] == '/') {
        return follow_pointer(x, found, fragment, out);
    }
    // Anchors are entered under the name that the resource has given itself.
    const char *own = x->resources[found].uri;
    size_t n = strlen(own), n_fragment = strlen(fragment);
    char *key = qni_arena_alloc(x->arena, n + n_fragment + 2);
    if (key == NULL) {
        return qni_fail_memory(x->err);
    }
    memcpy(key, own, n);
    key[n] = '#';
    memcpy(key + n + 1, fragment, n_fragment);
    uint32_t value;
    if (qni_names_find(&x->names, key, n + 1 + n_fragment, &value)) {
        *out = x->anchored[value];
        *anchor = fragment;
    }
    return QN_OK;
}
