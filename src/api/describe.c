// A model's description as JSON.
#include "api/model.h"

#include "base/json.h"
#include "ops/ops.h"
#include "spec/read.h"

static json_t *describe_features(const qni_feature *features, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char type[400];
        const qni_feature *f = &features[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "name", f->name, "kind",
                                              f->kind_name, "type",
                                              qni_feature_describe(f, type, sizeof type),
                                              "optional", (int)f->is_optional));
    }
    return list;
}

static json_t *describe_functions(const qni_model *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->n_functions; i++) {
        const qni_model_function *f = &m->functions[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "name", f->name, "inputs",
                                              describe_features(f->inputs, f->n_inputs), "outputs",
                                              describe_features(f->outputs, f->n_outputs), "states",
                                              describe_features(f->states, f->n_states)));
    }
    return list;
}

static json_t *describe_missing(const qni_model *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->n_missing; i++) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "operation", m->missing[i].name,
                                              "opset", qni_opset_name(m->missing[i].opset), "count",
                                              (json_int_t)m->missing[i].count));
    }
    return list;
}

static json_t *describe_metadata(const qni_model *m)
{
    json_t *out = json_object();
    for (const char *const *p = m->metadata; p != NULL && *p != NULL; p += 2) {
        json_object_set_new(out, p[0], json_string(p[1]));
    }
    return out;
}

static json_t *describe(const qni_model *m)
{
    return json_pack("{s:i, s:s, s:o, s:I, s:I, s:o, s:o}", "specification_version",
                     (int)m->specification_version, "default_function", m->default_function,
                     "functions", describe_functions(m), "operations", (json_int_t)m->n_operations,
                     "weight_bytes", (json_int_t)m->weight_bytes, "unsupported",
                     describe_missing(m), "metadata", describe_metadata(m));
}

qn_status qn_model_describe(const char *path, char **json, qn_error *err)
{
    qni_model *model = NULL;
    *json = NULL;
    QNI_TRY(qni_model_read_description(path, qni_ops(), &model, err));
    json_t *tree = describe(model);
    qn_status status = tree != NULL ? qni_json_print(tree, JSON_INDENT(2), json, err)
                                    : qni_fail_memory(err);
    json_decref(tree);
    qni_model_free(model);
    return status;
}
