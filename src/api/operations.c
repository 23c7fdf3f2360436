// The table of operations as JSON.
#include "base/json.h"
#include "ops/ops.h"
#include "quince/model.h"

static json_t *describe_types(qni_dtype_set set)
{
    json_t *list = json_array();
    for (qni_dtype d = QNI_NO_DTYPE + 1; d < QNI_N_DTYPES; d++) {
        if ((set >> d & 1) != 0) {
            json_array_append_new(list, json_string(qni_dtype_name(d)));
        }
    }
    return list;
}

static json_t *describe_parameters(const qni_op_def *def)
{
    json_t *list = json_array();
    for (size_t i = 0; i < def->n_params; i++) {
        const qni_param *p = &def->params[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:b, s:b, s:s?}", "name", p->name,
                                              "types", describe_types(p->dtypes), "optional",
                                              (int)((p->flags & QNI_OPTIONAL) != 0), "constant",
                                              (int)((p->flags & (QNI_CONST | QNI_WEIGHT)) != 0),
                                              "variadic", (int)((p->flags & QNI_VARIADIC) != 0),
                                              "default", p->fallback));
    }
    return list;
}

qn_status qn_describe_operations(char **json, qn_error *err)
{
    const qni_op_table *table = qni_ops();
    json_t *list = json_array();
    *json = NULL;
    for (size_t i = 0; i < table->n; i++) {
        const qni_op_def *def = table->defs[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", def->name,
                                              "opset", qni_opset_name(def->opset), "family",
                                              def->family, "compiled", (int)(def->lower != NULL),
                                              "parameters", describe_parameters(def)));
    }
    qn_status status = list != NULL && json_array_size(list) == table->n
                           ? qni_json_print(list, JSON_COMPACT, json, err)
                           : qni_fail_memory(err);
    json_decref(list);
    return status;
}
