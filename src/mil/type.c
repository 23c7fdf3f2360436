// Types and what is known of values.
#include "mil/internal.h"

#include <stdio.h>
#include <string.h>

qni_type qni_mil_type_of(const qni_tensor *tensor)
{
    qni_type type = {.dtype = tensor->dtype, .rank = tensor->rank};
    for (int32_t i = 0; i < tensor->rank; i++) {
        type.dims[i] = qni_dim_of(tensor->dims[i]);
    }
    return type;
}

qni_dim qni_type_count(qni_symbols *symbols, const qni_type *type)
{
    qni_dim count = type->rank == QNI_RANK_UNKNOWN ? qni_dim_unknown(symbols, "rank")
                                                   : qni_dim_of(1);
    for (int32_t i = 0; i < type->rank; i++) {
        count = qni_dim_mul(symbols, count, type->dims[i]);
    }
    return count;
}

bool qni_type_is_static(const qni_type *type)
{
    for (int32_t i = 0; i < type->rank; i++) {
        if (!qni_dim_is_const(type->dims[i])) {
            return false;
        }
    }
    return type->rank != QNI_RANK_UNKNOWN;
}

const char *qni_type_describe(const qni_symbols *symbols, const qni_type *type, char *text,
                              size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s%s", type->is_state ? "state " : "",
                                   qni_dtype_name(type->dtype));
    for (int32_t i = 0; i < type->rank && used < size; i++) {
        char dim[96];
        qni_dim_describe(symbols, type->dims[i], dim, sizeof dim);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "[" : ", ", dim);
    }
    if (type->rank != 0 && used < size) {
        snprintf(text + used, size - used, "%s", type->rank > 0 ? "]" : "[...]");
    }
    return text;
}

int64_t qni_value_n_ints(const qni_value *value)
{
    if (value->constant != NULL) {
        return qni_dtype_is_int(value->type.dtype) || value->type.dtype == QNI_BOOL
                   ? qni_tensor_count(value->constant)
                   : -1;
    }
    if (value->ints == NULL) {
        return -1;
    }
    int64_t n = 1;
    for (int32_t i = 0; i < value->type.rank; i++) {
        n *= value->type.dims[i].add;
    }
    return n;
}

qni_dim qni_value_int(const qni_value *value, int64_t i)
{
    return value->constant != NULL ? qni_dim_of(qni_tensor_get_int(value->constant, i))
                                   : value->ints[i];
}

const char *qni_opset_name(int32_t opset)
{
    switch (opset) {
    case QNI_IOS15: return "iOS15";
    case QNI_IOS16: return "iOS16";
    case QNI_IOS17: return "iOS17";
    case QNI_IOS18: return "iOS18";
    case QNI_IOS26: return "iOS26";
    default: return "unknown opset";
    }
}

const qni_op_def *qni_op_find(const qni_op_table *table, const char *name, int32_t opset)
{
    const qni_op_def *best = NULL;
    for (size_t i = 0; i < table->n; i++) {
        const qni_op_def *def = table->defs[i];
        if (def->opset <= opset && (best == NULL || def->opset > best->opset) &&
            strcmp(def->name, name) == 0) {
            best = def;
        }
    }
    return best;
}

const char *qni_mil_where(const qni_op *op, char *text, size_t size)
{
    snprintf(text, size, "%s \"%s\" (%s)", op->def->name, op->name,
             qni_opset_name(op->block->function->opset));
    return text;
}
