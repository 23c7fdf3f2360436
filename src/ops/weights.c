#include "ops/weights.h"

#include <stdio.h>
#include <string.h>

// Contents of argument p, which must be plain constants here.
static const qni_tensor *constant_arg(const qni_op *op, size_t p)
{
    const qni_value *value = qni_arg(op, p);
    return value != NULL ? value->constant : NULL;
}

static bool blockwise(const qni_op *op, qni_weight_source *out)
{
    const qni_tensor *data = constant_arg(op, 0);
    const qni_tensor *scale = constant_arg(op, 1);
    const qni_tensor *offset = constant_arg(op, 2);
    if (data == NULL || scale == NULL || (qni_arg(op, 2) != NULL && offset == NULL) ||
        qni_dtype_is_float(data->dtype)) {
        return false;
    }
    out->source.data = *data;
    out->scale = *scale;
    out->source.scale = &out->scale;
    if (offset != NULL) {
        out->offset = *offset;
        out->source.offset = &out->offset;
    }
    return true;
}

static bool palette(const qni_op *op, qni_weight_source *out)
{
    const qni_tensor *indices = constant_arg(op, 0);
    const qni_tensor *lut = constant_arg(op, 1);
    if (indices == NULL || lut == NULL || lut->dims[3] != 1 || !qni_dtype_is_float(lut->dtype)) {
        return false;
    }
    out->source.data = *indices;
    out->lut = *lut;
    out->source.lut = &out->lut;
    return true;
}

bool qni_find_weight(const qni_value *value, qni_weight_source *out)
{
    memset(out, 0, sizeof *out);
    out->source.declared = value->type.dtype;
    if (value->type.rank != 2 || (value->type.dtype != QNI_F16 && value->type.dtype != QNI_F32)) {
        return false;
    }
    if (value->constant != NULL) {
        out->source.data = *value->constant;
        return true;
    }
    const qni_op *op = value->op;
    if (op == NULL) {
        return false;
    }
    if (strcmp(op->def->name, "constexpr_blockwise_shift_scale") == 0) {
        return blockwise(op, out);
    }
    return strcmp(op->def->name, "constexpr_lut_to_dense") == 0 && op->def->opset == QNI_IOS18 &&
           palette(op, out);
}

static qn_status pack(void *context, void **packed, size_t *bytes, qn_error *err)
{
    const qni_weight_source *source = context;
    qk_weights *weights = NULL;
    QNI_TRY(qk_weights_pack(&source->source, &weights, err));
    *packed = weights;
    *bytes = weights->bytes;
    return QN_OK;
}

static void free_packed(void *packed)
{
    qk_weights_free(packed);
}

qn_status qni_lower_weights(qni_lower *lower, qni_weight_source *source, const qk_weights **out)
{
    char format[64];
    const void *packed = NULL;
    snprintf(format, sizeof format, "panels %s %p %p%s", qni_dtype_name(source->source.declared),
             source->scale.data, source->lut.data,
             source->source.is_transposed ? " transposed" : "");
    const qni_pack wanted = {source->source.data.data, format, pack, source, free_packed};
    QNI_TRY(qni_lower_packed(lower, &wanted, &packed));
    *out = packed;
    return QN_OK;
}
