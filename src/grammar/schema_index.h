// The places of a schema and of those it refers to: which resource each subschema belongs to, and
// what its references name.
#ifndef QNI_GRAMMAR_SCHEMA_INDEX_H
#define QNI_GRAMMAR_SCHEMA_INDEX_H

#include "base/buf.h"
#include "base/names.h"
#include "grammar/schema.h"

typedef enum qni_dialect {
    QNI_DRAFT_4,
    QNI_DRAFT_6,
    QNI_DRAFT_7,
    QNI_DRAFT_2019,
    QNI_DRAFT_2020,
} qni_dialect;

// A schema with a URI of its own, with all inside it that have none.
typedef struct qni_resource {
    const char *uri;
    const qni_jvalue *root;
    qni_dialect dialect;
    bool no_validation;                 // its metaschema leaves the vocabulary of assertions out
    bool assert_formats;                // its metaschema asks for it
    struct qni_dynamic_anchor *dynamic; // those inside, in order
} qni_resource;

typedef struct qni_dynamic_anchor {
    const char *name; // "" for $recursiveAnchor
    const qni_jvalue *value;
    struct qni_dynamic_anchor *next;
} qni_dynamic_anchor;

typedef struct qni_schema_index {
    qni_arena *arena;
    const qni_schema_options *options;
    qni_names names; // uri -> resource, uri#anchor -> value
    qni_resource *resources;
    size_t n_resources;
    size_t resources_capacity;
    const qni_jvalue **anchored; // what names of anchors stand for
    size_t n_anchored;
    size_t anchored_capacity;
    // by a value's id: resource + 1, or 0 for what is not known to be a schema
    uint32_t *resource_of;
    size_t resource_of_capacity;
    uint32_t n_ids;
    int depth;
    qn_error *err;
} qni_schema_index;

QNI_WARN_UNUSED qn_status qni_schema_index_begin(qni_schema_index *index, qni_arena *arena,
                                                 const qni_schema_options *options, qn_error *err);
void qni_schema_index_end(qni_schema_index *index);

// Parses a text and enters its subschemas. `uri` is where it was found.
QNI_WARN_UNUSED qn_status qni_schema_index_add(qni_schema_index *index, const char *uri,
                                               const char *text, size_t size,
                                               const qni_jvalue **root);

// What `reference` names when it stands in `resource`; NULL in `*out` when nothing does. `*anchor`
// gets the name after '#' when the reference ended in one, else NULL.
QNI_WARN_UNUSED qn_status qni_schema_index_find(qni_schema_index *index, uint32_t resource,
                                                const char *reference, size_t size,
                                                const qni_jvalue **out, const char **anchor);

// The index of the resource that a schema belongs to.
static inline uint32_t qni_schema_index_resource(const qni_schema_index *index, const qni_jvalue *v)
{
    return index->resource_of[v->id] - 1;
}

#endif
