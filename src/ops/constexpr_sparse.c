// Families constexpr_ops and compression, continued: bit-packed and sparse constants, and iOS16's
// forms. A sparse constant is a mask (one bit an element) and its elements that are not zero, in
// order.
#include "ops/common.h"

#include <string.h>

#define SOURCES   (QNI_DT(I4) | QNI_DT(U4) | QNI_SET_INT8S | QNI_SET_FLOAT)
#define LUT_TYPES (QNI_SET_INT8S | QNI_SET_FLOAT)
#define INDICES   (QNI_DT(U1) | QNI_DT(U2) | QNI_DT(U3) | QNI_DT(U4) | QNI_DT(U6) | QNI_DT(U8))

static void copy_number(const qni_tensor *to, int64_t i, const qni_tensor *from, int64_t j)
{
    if (qni_dtype_is_float(to->dtype)) {
        qni_tensor_set(to, i, qni_tensor_get(from, j));
    } else {
        qni_tensor_set_int(to, i, qni_tensor_get_int(from, j));
    }
}

// Dimensions out of a constant vector.
static qn_status shape_from(qni_infer *ctx, size_t p, int32_t *rank, qni_dim *dims)
{
    const qni_tensor *shape = qni_infer_const(ctx, p);
    int64_t n = qni_tensor_count(shape);
    if (n > QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED,
                              "shape has %lld dimensions; at most %d are supported", (long long)n,
                              QNI_MAX_RANK);
    }
    *rank = (int32_t)n;
    for (int64_t d = 0; d < n; d++) {
        dims[d] = qni_dim_of(qni_tensor_get_int(shape, d));
        if (dims[d].add < 0 || dims[d].add > INT32_MAX) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "shape has a dimension of %lld",
                                  (long long)dims[d].add);
        }
    }
    return QN_OK;
}

// ---- constexpr_affine_dequantize: scale * (quantized_data - zero_point), one of each for a slice
// along `axis` or for all.

static const qni_param affine_params[] = {
    {"quantized_data", QNI_SET_INT8S, QNI_CONST, 0, NULL},
    {"zero_point", QNI_SET_INT8S | QNI_DT(F32), QNI_CONST, 0, NULL},
    {"scale", QNI_SET_FLOAT, QNI_CONST, 0, NULL},
    {"axis", QNI_DT(I32), QNI_CONST, 0, NULL},
};

static qn_status infer_affine(qni_infer *ctx)
{
    const qni_type *data = qni_infer_type(ctx, 0);
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 3, qni_infer_int(ctx, 3, 0), data->rank, &axis));
    for (size_t p = 1; p <= 2; p++) {
        int64_t n = qni_tensor_count(qni_infer_const(ctx, p));
        if (n != 1 && n != data->dims[axis].add) {
            return qni_infer_fail(
                ctx, QN_INVALID_MODEL, "%s has %lld elements; allowed are 1 and %lld",
                ctx->op->def->params[p].name, (long long)n, (long long)data->dims[axis].add);
        }
    }
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 2)->dtype, data->rank, data->dims);
    return QN_OK;
}

static qn_status eval_affine(qni_eval *call)
{
    const qni_tensor *data = qni_eval_arg(call, 0);
    const qni_tensor *zero = qni_eval_arg(call, 1);
    const qni_tensor *scale = qni_eval_arg(call, 2);
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 3, 0), data->rank, &axis));
    int64_t inner = 1;
    for (int32_t d = axis + 1; d < data->rank; d++) {
        inner *= data->dims[d];
    }
    for (int64_t i = 0, n = qni_tensor_count(data); i < n; i++) {
        int64_t c = i / inner % data->dims[axis];
        double z = qni_tensor_get(zero, qni_tensor_count(zero) == 1 ? 0 : c);
        double s = qni_tensor_get(scale, qni_tensor_count(scale) == 1 ? 0 : c);
        qni_tensor_set(&call->outs[0], i, (qni_tensor_get(data, i) - z) * s);
    }
    return QN_OK;
}

static const char *const affine_cases[] = {
    "quantized_data=int8[4,6]{-127..127}; zero_point=int8[4]{-3..3}; scale=fp16[4]{0.01..0.02}; "
    "axis=0",
    "quantized_data=uint8[4,6]{0..255}; zero_point=uint8[]{3..9}; scale=fp32[]{0.01..0.02}; axis=1",
    NULL};

const qni_op_def qni_op_constexpr_affine_dequantize = {
    .name = "constexpr_affine_dequantize",
    .opset = QNI_IOS16,
    .family = "constexpr_ops",
    .params = affine_params,
    .n_params = 4,
    .n_outs = 1,
    .traits = QNI_CONSTEXPR,
    .infer = infer_affine,
    .eval = eval_affine,
    .cases = affine_cases,
};

// ---- constexpr_cast: an fp16 constant as fp32.

static const qni_param cast_params[] = {
    {"source_val", QNI_DT(F16), QNI_WEIGHT, 0, NULL},
    {"output_dtype", QNI_DT(STRING), QNI_CONST, 0, NULL},
};

static qn_status infer_cast(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    if (strcmp(qni_infer_text(ctx, 1, ""), "fp32") != 0) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "output_dtype \"%s\"; allowed is fp32",
                              qni_infer_text(ctx, 1, ""));
    }
    qni_infer_set(ctx, 0, QNI_F32, x->rank, x->dims);
    return QN_OK;
}

static qn_status eval_cast(qni_eval *call)
{
    qni_tensor_convert(&call->outs[0], qni_eval_arg(call, 0));
    return QN_OK;
}

static const char *const cast_cases[] = {"source_val=fp16[4,6]; output_dtype=\"fp32\"", NULL};

const qni_op_def qni_op_constexpr_cast = {
    .name = "constexpr_cast",
    .opset = QNI_IOS16,
    .family = "constexpr_ops",
    .params = cast_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_CONSTEXPR,
    .infer = infer_cast,
    .eval = eval_cast,
    .cases = cast_cases,
};

// ---- constexpr_lut_to_dense (iOS16): indices packed into bytes, least significant bits first,
// into one palette.

static const qni_param packed_lut_params[] = {
    {"indices", QNI_DT(U8), QNI_CONST, 0, NULL},
    {"lut", LUT_TYPES, QNI_CONST, 0, NULL},
    {"shape", QNI_DT(U32), QNI_CONST, 0, NULL},
};

static unsigned index_bits(int64_t entries)
{
    unsigned bits = 0;
    while (((int64_t)1 << bits) < entries) {
        bits++;
    }
    return bits;
}

static qn_status infer_packed_lut(qni_infer *ctx)
{
    int32_t rank;
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(shape_from(ctx, 2, &rank, dims));
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 1)->dtype, rank, dims);
    int64_t entries = qni_tensor_count(qni_infer_const(ctx, 1));
    qni_dim count = qni_type_count(ctx->symbols, qni_infer_out(ctx, 0));
    int64_t have = qni_tensor_count(qni_infer_const(ctx, 0));
    unsigned bits = index_bits(entries);
    if (entries < 2 || entries > 256 || (entries & (entries - 1)) != 0 ||
        have < (count.add * (int64_t)bits + 7) / 8) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "%lld bytes of indices into %lld entries for %lld elements",
                              (long long)have, (long long)entries, (long long)count.add);
    }
    return QN_OK;
}

static qn_status eval_packed_lut(qni_eval *call)
{
    const unsigned char *bytes = qni_eval_arg(call, 0)->data;
    const qni_tensor *lut = qni_eval_arg(call, 1);
    unsigned bits = index_bits(qni_tensor_count(lut));
    for (int64_t i = 0, n = qni_tensor_count(&call->outs[0]); i < n; i++) {
        int64_t index = 0;
        for (unsigned b = 0; b < bits; b++) {
            int64_t at = i * (int64_t)bits + b;
            index |= (int64_t)(bytes[at / 8] >> (at % 8) & 1) << b;
        }
        copy_number(&call->outs[0], i, lut, index);
    }
    return QN_OK;
}

static const char *const packed_lut_cases[] = {
    "indices=uint8[6]{0..255}; lut=fp16[4]; shape=uint32[2](4, 6)",
    "indices=uint8[12]{0..255}; lut=fp32[16]; shape=uint32[2](4, 6)", NULL};

const qni_op_def qni_op_constexpr_lut_to_dense = {
    .name = "constexpr_lut_to_dense",
    .opset = QNI_IOS16,
    .family = "constexpr_ops",
    .params = packed_lut_params,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_CONSTEXPR,
    .infer = infer_packed_lut,
    .eval = eval_packed_lut,
    .cases = packed_lut_cases,
};

// ---- constexpr_sparse_to_dense (iOS16): a mask of bits in bytes.

static const qni_param packed_sparse_params[] = {
    {"nonzero_data", LUT_TYPES, QNI_WEIGHT, 0, NULL},
    {"mask", QNI_DT(U8), QNI_CONST, 0, NULL},
    {"shape", QNI_DT(U32), QNI_CONST, 0, NULL},
};

static qn_status infer_packed_sparse(qni_infer *ctx)
{
    int32_t rank;
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(shape_from(ctx, 2, &rank, dims));
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 0)->dtype, rank, dims);
    qni_dim count = qni_type_count(ctx->symbols, qni_infer_out(ctx, 0));
    if (qni_tensor_count(qni_infer_const(ctx, 1)) < (count.add + 7) / 8) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "a mask of %lld bytes for %lld elements",
                              (long long)qni_tensor_count(qni_infer_const(ctx, 1)),
                              (long long)count.add);
    }
    return QN_OK;
}

// Element i of a mask, of bytes with eight bits or of uint1.
static bool mask_bit(const qni_tensor *mask, int64_t i)
{
    const unsigned char *bytes = mask->data;
    return mask->dtype == QNI_U1 ? qni_tensor_get_int(mask, i) != 0
                                 : (bytes[i / 8] >> (i % 8) & 1) != 0;
}

static qn_status too_few(const qni_eval *call, const qni_tensor *data)
{
    return qni_eval_fail(call, QN_INVALID_MODEL,
                         "the mask has more bits than there are %lld elements",
                         (long long)qni_tensor_count(data));
}

static qn_status eval_sparse(qni_eval *call)
{
    const qni_tensor *data = qni_eval_arg(call, 0);
    const qni_tensor *mask = qni_eval_arg(call, 1);
    qni_tensor *out = &call->outs[0];
    int64_t next = 0;
    memset(out->data, 0, qni_tensor_bytes(out));
    for (int64_t i = 0, n = qni_tensor_count(out); i < n; i++) {
        if (mask_bit(mask, i)) {
            if (next == qni_tensor_count(data)) {
                return too_few(call, data);
            }
            copy_number(out, i, data, next++);
        }
    }
    return QN_OK;
}

static const char *const packed_sparse_cases[] = {
    "nonzero_data=fp16[3](1, 2, 3); mask=uint8[1](21); shape=uint32[2](2, 3) -> fp16[2,3](1, 0, 2, "
    "0, 3, 0)",
    NULL};

const qni_op_def qni_op_constexpr_sparse_to_dense = {
    .name = "constexpr_sparse_to_dense",
    .opset = QNI_IOS16,
    .family = "constexpr_ops",
    .params = packed_sparse_params,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_CONSTEXPR,
    .infer = infer_packed_sparse,
    .eval = eval_sparse,
    .cases = packed_sparse_cases,
};

// ---- constexpr_sparse_to_dense (iOS18): the mask has the shape.

static const qni_param sparse_params[] = {
    {"nonzero_data", SOURCES, QNI_WEIGHT, 0, NULL},
    {"mask", QNI_DT(U1), QNI_WEIGHT, 0, NULL},
};

static qn_status infer_sparse(qni_infer *ctx)
{
    const qni_type *mask = qni_infer_type(ctx, 1);
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 0)->dtype, mask->rank, mask->dims);
    return QN_OK;
}

static const char *const sparse_cases[] = {"nonzero_data=fp16[3](1, 2, 3); mask=uint1[2,3](1, 0, "
                                           "1, 0, 1, 0) -> fp16[2,3](1, 0, 2, 0, 3, 0)",
                                           "nonzero_data=int8[2](-1, 2); mask=uint1[3](0, 1, 1)",
                                           NULL};

const qni_op_def qni_op_constexpr_sparse_to_dense__ios18 = {
    .name = "constexpr_sparse_to_dense",
    .opset = QNI_IOS18,
    .family = "compression",
    .params = sparse_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_CONSTEXPR,
    .infer = infer_sparse,
    .eval = eval_sparse,
    .cases = sparse_cases,
};

// Where element i of `whole` lies among the blocks that divide it.
static int64_t block_of(const qni_tensor *whole, const qni_tensor *blocks, int64_t i)
{
    int64_t at = 0;
    int64_t stride = 1;
    for (int32_t d = whole->rank - 1; d >= 0; d--) {
        at += i % whole->dims[d] / (whole->dims[d] / blocks->dims[d]) * stride;
        i /= whole->dims[d];
        stride *= blocks->dims[d];
    }
    return at;
}

static qn_status check_blocks(qni_infer *ctx, const qni_type *whole, const qni_type *blocks)
{
    bool fits = blocks->rank >= whole->rank;
    for (int32_t d = 0; fits && d < whole->rank; d++) {
        fits = blocks->dims[d].add > 0 && whole->dims[d].add % blocks->dims[d].add == 0;
    }
    return fits ? QN_OK
                : qni_infer_fail(ctx, QN_INVALID_MODEL, "blocks that do not divide the mask");
}

// ---- constexpr_sparse_blockwise_shift_scale: scale * (data - offset) of a sparse constant. Gives
// the mask and the new elements.

static const qni_param sparse_blockwise_params[] = {
    {"data_mask", QNI_DT(U1), QNI_WEIGHT, 0, NULL},
    {"nonzero_data", SOURCES, QNI_WEIGHT, 0, NULL},
    {"scale", QNI_SET_FLOAT, QNI_WEIGHT, 0, NULL},
    {"offset", SOURCES, QNI_WEIGHT | QNI_OPTIONAL, 0, NULL},
};

static qn_status infer_sparse_blockwise(qni_infer *ctx)
{
    const qni_type *mask = qni_infer_type(ctx, 0);
    const qni_type *data = qni_infer_type(ctx, 1);
    const qni_type *scale = qni_infer_type(ctx, 2);
    const qni_type *offset = qni_infer_type(ctx, 3);
    QNI_TRY(check_blocks(ctx, mask, scale));
    if (scale->rank != mask->rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "scale has rank %d and the mask %d",
                              (int)scale->rank, (int)mask->rank);
    }
    for (int32_t d = 0; offset != NULL && d < scale->rank; d++) {
        if (offset->rank != scale->rank || offset->dims[d].add != scale->dims[d].add) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "offset and scale differ in shape");
        }
    }
    qni_infer_same(ctx, 0, mask);
    qni_infer_set(ctx, 1, scale->dtype, data->rank, data->dims);
    return QN_OK;
}

static qn_status eval_sparse_blockwise(qni_eval *call)
{
    const qni_tensor *mask = qni_eval_arg(call, 0);
    const qni_tensor *data = qni_eval_arg(call, 1);
    const qni_tensor *scale = qni_eval_arg(call, 2);
    const qni_tensor *offset = qni_eval_arg(call, 3);
    int64_t next = 0;
    memcpy(call->outs[0].data, mask->data, qni_tensor_bytes(mask));
    for (int64_t i = 0, n = qni_tensor_count(mask); i < n; i++) {
        if (!mask_bit(mask, i)) {
            continue;
        }
        if (next == qni_tensor_count(data)) {
            return too_few(call, data);
        }
        int64_t block = block_of(mask, scale, i);
        double value = qni_tensor_get(data, next);
        value -= offset != NULL ? qni_tensor_get(offset, block) : 0;
        qni_tensor_set(&call->outs[1], next++, value * qni_tensor_get(scale, block));
    }
    return QN_OK;
}

static const char *const sparse_blockwise_cases[] = {
    "data_mask=uint1[2,3](1, 0, 1, 0, 1, 0); nonzero_data=int8[3](1, 2, 3); scale=fp16[2,1](0.5, "
    "2)",
    NULL};

const qni_op_def qni_op_constexpr_sparse_blockwise_shift_scale = {
    .name = "constexpr_sparse_blockwise_shift_scale",
    .opset = QNI_IOS18,
    .family = "compression",
    .params = sparse_blockwise_params,
    .n_params = 4,
    .n_outs = 2,
    .traits = QNI_CONSTEXPR,
    .infer = infer_sparse_blockwise,
    .eval = eval_sparse_blockwise,
    .cases = sparse_blockwise_cases,
};

// ---- constexpr_lut_to_sparse: palettes for a sparse constant. Gives the mask, repeated for
// vectors, and the elements.

static const qni_param sparse_lut_params[] = {
    {"indices_mask", QNI_DT(U1), QNI_WEIGHT, 0, NULL},
    {"indices_nonzero_data", INDICES, QNI_WEIGHT, 0, NULL},
    {"lut", SOURCES, QNI_WEIGHT, 0, NULL},
    {"vector_axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
};

static qn_status infer_sparse_lut(qni_infer *ctx)
{
    const qni_type *mask = qni_infer_type(ctx, 0);
    const qni_type *data = qni_infer_type(ctx, 1);
    const qni_type *lut = qni_infer_type(ctx, 2);
    int32_t k = mask->rank;
    if (lut->rank != k + 2 || lut->dims[k].add != (int64_t)1 << qni_dtype_bits(data->dtype)) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "lut must have rank %d and %u entries",
                              (int)k + 2, 1u << qni_dtype_bits(data->dtype));
    }
    QNI_TRY(check_blocks(ctx, mask, lut));
    qni_dim dims[QNI_MAX_RANK];
    memcpy(dims, mask->dims, sizeof dims);
    int64_t width = lut->dims[k + 1].add;
    if (qni_arg(ctx->op, 3) != NULL) {
        int32_t axis;
        QNI_TRY(qni_infer_axis(ctx, 3, qni_infer_int(ctx, 3, 0), k, &axis));
        dims[axis] = qni_dim_of(dims[axis].add * width);
    } else if (width != 1) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "vector_axis is missing for vectors of %lld",
                              (long long)width);
    }
    qni_dim count = qni_dim_of(data->dims[0].add * width);
    qni_infer_set(ctx, 0, QNI_U1, k, dims);
    qni_infer_set(ctx, 1, lut->dtype, 1, &count);
    return QN_OK;
}

// For each element of the result's mask: the element of the given one, and the place in its vector.
static qn_status eval_sparse_lut(qni_eval *call)
{
    const qni_tensor *mask = qni_eval_arg(call, 0);
    const qni_tensor *data = qni_eval_arg(call, 1);
    const qni_tensor *lut = qni_eval_arg(call, 2);
    int32_t k = mask->rank;
    int64_t entries = lut->dims[k];
    int64_t width = lut->dims[k + 1];
    int64_t inner = 1;
    int32_t axis = -1;
    if (qni_eval_arg(call, 3) != NULL) {
        QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 3, 0), k, &axis));
    }
    for (int32_t d = axis + 1; axis >= 0 && d < k; d++) {
        inner *= mask->dims[d];
    }
    int64_t *rank_of; // among the elements that are not zero
    int64_t n = qni_tensor_count(mask);
    QNI_TRY(qni_eval_scratch(call, (size_t)n + 1, sizeof *rank_of, &rank_of));
    int64_t next = 0;
    for (int64_t i = 0; i < n; i++) {
        rank_of[i] = mask_bit(mask, i) ? next++ : -1;
    }
    if (next > qni_tensor_count(data)) {
        return too_few(call, data);
    }
    qni_tensor groups = *lut;
    groups.rank = k;
    int64_t to = 0;
    for (int64_t o = 0; o < n * width; o++) {
        int64_t i = axis < 0 ? o : o / (inner * width) * inner + o % inner;
        int64_t v = axis < 0 ? 0 : o / inner % width;
        qni_tensor_set_int(&call->outs[0], o, rank_of[i] >= 0);
        if (rank_of[i] >= 0) {
            int64_t entry = block_of(mask, &groups, i) * entries +
                            qni_tensor_get_int(data, rank_of[i]);
            copy_number(&call->outs[1], to++, lut, entry * width + v);
        }
    }
    return QN_OK;
}

static const char *const sparse_lut_cases[] = {
    "indices_mask=uint1[2,3](1, 0, 1, 0, 1, 0); indices_nonzero_data=uint1[3](1, 0, 1); "
    "lut=fp16[1,1,2,1](2, 3)",
    NULL};

const qni_op_def qni_op_constexpr_lut_to_sparse = {
    .name = "constexpr_lut_to_sparse",
    .opset = QNI_IOS18,
    .family = "compression",
    .params = sparse_lut_params,
    .n_params = 4,
    .n_outs = 2,
    .traits = QNI_CONSTEXPR,
    .infer = infer_sparse_lut,
    .eval = eval_sparse_lut,
    .cases = sparse_lut_cases,
};
