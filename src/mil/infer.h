// What inference functions share.
#ifndef QNI_MIL_INFER_H
#define QNI_MIL_INFER_H

#include "mil/op_def.h"

// Fails with "<op>(<name>, iOS17)" as where.
qn_status qni_infer_fail(qni_infer *ctx, qn_status status, const char *format, ...)
    QNI_PRINTF(3, 4);

static inline const qni_type *qni_infer_type(const qni_infer *ctx, size_t p)
{
    const qni_value *value = qni_arg(ctx->op, p);
    return value != NULL ? &value->type : NULL;
}

// The type of output i, to be filled.
static inline qni_type *qni_infer_out(qni_infer *ctx, size_t i)
{
    return &ctx->op->outs[i]->type;
}

// Output i is like the type given.
void qni_infer_set(qni_infer *ctx, size_t i, qni_dtype dtype, int32_t rank, const qni_dim *dims);
void qni_infer_set_unknown_rank(qni_infer *ctx, size_t i, qni_dtype dtype);
void qni_infer_same(qni_infer *ctx, size_t i, const qni_type *type);

// Scalars known before the run (the parameter is QNI_CONST); `otherwise` when not given.
int64_t qni_infer_int(const qni_infer *ctx, size_t p, int64_t otherwise);
double qni_infer_number(const qni_infer *ctx, size_t p, double otherwise);
bool qni_infer_bool(const qni_infer *ctx, size_t p, bool otherwise);
const char *qni_infer_text(const qni_infer *ctx, size_t p, const char *otherwise);

// The constant behind parameter p; NULL when it is not given or not known.
const qni_tensor *qni_infer_const(const qni_infer *ctx, size_t p);

// An axis in [-rank, rank) brought to [0, rank); the error names the parameter.
QNI_WARN_UNUSED qn_status qni_infer_axis(qni_infer *ctx, size_t p, int64_t axis, int32_t rank,
                                         int32_t *out);

// The axes of a constant parameter as a set of bits, each allowed once; all axes when it is not
// given.
QNI_WARN_UNUSED qn_status qni_infer_axes(qni_infer *ctx, size_t p, int32_t rank, uint32_t *out);

// The dimensions of two types broadcast together as NumPy does, right-aligned.
QNI_WARN_UNUSED qn_status qni_infer_broadcast(qni_infer *ctx, const qni_type *a, const qni_type *b,
                                              int32_t *rank, qni_dim *dims);

// That two dimensions are equal, now or as a constraint; the error says `what`.
QNI_WARN_UNUSED qn_status qni_infer_equal(qni_infer *ctx, qni_dim a, qni_dim b, const char *what);

// Memory for the `ints` of output i (its type is set, with a constant element count of at most
// QNI_MAX_TRACKED_INTS); NULL when it has more or memory is out (then following them just ends).
qni_dim *qni_infer_ints(qni_infer *ctx, size_t i);

#endif
