#include "mil/infer.h"

#include "base/limits.h"
#include "mil/build.h"
#include "mil/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

qn_status qni_infer_fail(qni_infer *ctx, qn_status status, const char *format, ...)
{
    char where[256];
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return qni_fail(ctx->err, status, qni_mil_where(ctx->op, where, sizeof where), "%s", message);
}

void qni_infer_set(qni_infer *ctx, size_t i, qni_dtype dtype, int32_t rank, const qni_dim *dims)
{
    qni_type *type = qni_infer_out(ctx, i);
    memset(type, 0, sizeof *type);
    type->dtype = dtype;
    type->rank = rank;
    if (rank > 0) {
        memcpy(type->dims, dims, (size_t)rank * sizeof *dims);
    }
}

void qni_infer_set_unknown_rank(qni_infer *ctx, size_t i, qni_dtype dtype)
{
    qni_infer_set(ctx, i, dtype, QNI_RANK_UNKNOWN, NULL);
}

void qni_infer_same(qni_infer *ctx, size_t i, const qni_type *type)
{
    qni_infer_set(ctx, i, type->dtype, type->rank, type->dims);
}

const qni_tensor *qni_infer_const(const qni_infer *ctx, size_t p)
{
    const qni_value *value = qni_arg(ctx->op, p);
    return value != NULL ? value->constant : NULL;
}

int64_t qni_infer_int(const qni_infer *ctx, size_t p, int64_t otherwise)
{
    const qni_tensor *t = qni_infer_const(ctx, p);
    return t != NULL && qni_tensor_count(t) > 0 ? qni_tensor_get_int(t, 0) : otherwise;
}

double qni_infer_number(const qni_infer *ctx, size_t p, double otherwise)
{
    const qni_tensor *t = qni_infer_const(ctx, p);
    return t != NULL && qni_tensor_count(t) > 0 ? qni_tensor_get(t, 0) : otherwise;
}

bool qni_infer_bool(const qni_infer *ctx, size_t p, bool otherwise)
{
    return qni_infer_int(ctx, p, otherwise) != 0;
}

const char *qni_infer_text(const qni_infer *ctx, size_t p, const char *otherwise)
{
    const qni_tensor *t = qni_infer_const(ctx, p);
    return t != NULL && qni_tensor_count(t) > 0 ? *(const char *const *)t->data : otherwise;
}

qn_status qni_infer_axis(qni_infer *ctx, size_t p, int64_t axis, int32_t rank, int32_t *out)
{
    if (axis < -rank || axis >= rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "%s %lld is outside of [%d, %d)",
                              ctx->op->def->params[p].name, (long long)axis, (int)-rank, (int)rank);
    }
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return QN_OK;
}

qn_status qni_infer_axes(qni_infer *ctx, size_t p, int32_t rank, uint32_t *out)
{
    const qni_tensor *t = qni_infer_const(ctx, p);
    *out = 0;
    if (t == NULL) {
        *out = ((uint32_t)1 << rank) - 1;
        return QN_OK;
    }
    for (int64_t i = 0, n = qni_tensor_count(t); i < n; i++) {
        int32_t axis;
        QNI_TRY(qni_infer_axis(ctx, p, qni_tensor_get_int(t, i), rank, &axis));
        if ((*out >> axis & 1) != 0) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "%s names axis %d twice",
                                  ctx->op->def->params[p].name, (int)axis);
        }
        *out |= (uint32_t)1 << axis;
    }
    return QN_OK;
}

qn_status qni_infer_broadcast(qni_infer *ctx, const qni_type *a, const qni_type *b, int32_t *rank,
                              qni_dim *dims)
{
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (int32_t i = 0; i < *rank; i++) {
        int32_t ia = i - (*rank - a->rank);
        int32_t ib = i - (*rank - b->rank);
        qni_dim da = ia >= 0 ? a->dims[ia] : qni_dim_of(1);
        qni_dim db = ib >= 0 ? b->dims[ib] : qni_dim_of(1);
        if (qni_dim_is(da, 1)) {
            dims[i] = db;
        } else if (qni_dim_is(db, 1)) {
            dims[i] = da;
        } else {
            QNI_TRY(qni_infer_equal(ctx, da, db, "the shapes to broadcast"));
            dims[i] = qni_dim_is_const(db) ? db : da;
        }
    }
    return QN_OK;
}

qn_status qni_infer_equal(qni_infer *ctx, qni_dim a, qni_dim b, const char *what)
{
    if (qni_dim_unify(ctx->symbols, a, b, ctx->op->name, what)) {
        return QN_OK;
    }
    char ta[96];
    char tb[96];
    return qni_infer_fail(ctx, QN_INVALID_MODEL, "%s do not fit: %s and %s", what,
                          qni_dim_describe(ctx->symbols, a, ta, sizeof ta),
                          qni_dim_describe(ctx->symbols, b, tb, sizeof tb));
}

qni_dim *qni_infer_ints(qni_infer *ctx, size_t i)
{
    const qni_type *type = qni_infer_out(ctx, i);
    qni_dim count = qni_type_count(ctx->symbols, type);
    if (!qni_dim_is_const(count) || count.add > QNI_MAX_TRACKED_INTS) {
        return NULL;
    }
    qni_dim *ints = qni_arena_array(ctx->arena, (size_t)count.add + 1, sizeof *ints);
    ctx->op->outs[i]->ints = ints;
    return ints;
}

// ---- After inference

static qn_status settle_ints(qni_infer *ctx, qni_value *value)
{
    int64_t n = qni_value_n_ints(value);
    for (int64_t i = 0; i < n; i++) {
        if (!qni_dim_is_const(value->ints[i])) {
            return QN_OK;
        }
    }
    int64_t dims[QNI_MAX_RANK];
    for (int32_t d = 0; d < value->type.rank; d++) {
        dims[d] = value->type.dims[d].add;
    }
    qni_tensor *t = qni_arena_alloc(ctx->arena, sizeof *t);
    if (t == NULL) {
        return qni_fail_memory(ctx->err);
    }
    *t = qni_tensor_make(value->type.dtype, value->type.rank, dims, NULL);
    t->data = qni_arena_alloc(ctx->arena, qni_tensor_bytes(t) + 1);
    if (t->data == NULL) {
        return qni_fail_memory(ctx->err);
    }
    for (int64_t i = 0; i < n; i++) {
        qni_tensor_set_int(t, i, value->ints[i].add);
    }
    value->constant = t;
    value->ints = NULL;
    return QN_OK;
}

static qn_status compare_declared(qni_infer *ctx, size_t i, const qni_type *declared)
{
    qni_type *type = qni_infer_out(ctx, i);
    bool same_rank = declared->rank == type->rank || declared->rank == QNI_RANK_UNKNOWN ||
                     type->rank == QNI_RANK_UNKNOWN;
    bool same = declared->dtype == type->dtype && declared->is_state == type->is_state && same_rank;
    if (same && declared->rank != type->rank) {
        return QN_OK; // one of them says nothing of the shape
    }
    for (int32_t d = 0; same && d < type->rank; d++) {
        qni_dim said = declared->dims[d];
        qni_dim *found = &type->dims[d];
        if (!qni_dim_is_const(said)) {
            continue; // the file does not know; inference may
        }
        if (found->sym != 0 && found->add == 0 &&
            ctx->symbols->items[found->sym].kind == QNI_SYM_UNKNOWN) {
            *found = said;
        }
        same = !qni_dim_is_const(*found) || found->add == said.add;
    }
    if (same) {
        return QN_OK;
    }
    char wanted[160];
    char got[160];
    return qni_infer_fail(
        ctx, QN_INVALID_MODEL, "output \"%s\" is declared as %s and comes out as %s",
        ctx->op->outs[i]->name, qni_type_describe(ctx->symbols, declared, wanted, sizeof wanted),
        qni_type_describe(ctx->symbols, type, got, sizeof got));
}

static qn_status check_type(qni_infer *ctx, const qni_value *value)
{
    if (value->type.rank == QNI_RANK_UNKNOWN) {
        return QN_OK;
    }
    if (value->type.rank < 0 || value->type.rank > QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED,
                              "output \"%s\" has rank %d; at most %d is supported", value->name,
                              (int)value->type.rank, QNI_MAX_RANK);
    }
    for (int32_t d = 0; d < value->type.rank; d++) {
        if (qni_dim_hi(ctx->symbols, value->type.dims[d]) < 0) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "output \"%s\": dimension %d is negative",
                                  value->name, (int)d);
        }
    }
    qni_type least = value->type; // sizes that only the run tells are checked then
    int64_t dims[QNI_MAX_RANK];
    for (int32_t d = 0; d < least.rank; d++) {
        dims[d] = qni_dim_is_const(least.dims[d]) ? least.dims[d].add : 1;
    }
    return qni_shape_check(least.dtype, least.rank, dims, NULL, ctx->err);
}

qn_status qni_mil_settle(qni_infer *ctx)
{
    char where[256];
    QNI_TRY(qni_symbols_check(ctx->symbols, qni_mil_where(ctx->op, where, sizeof where), ctx->err));
    for (uint32_t i = 0; i < ctx->op->n_outs; i++) {
        qni_value *value = ctx->op->outs[i];
        QNI_TRY(check_type(ctx, value));
        if (ctx->declared != NULL && ctx->declared[i] != NULL) {
            QNI_TRY(compare_declared(ctx, i, ctx->declared[i]));
        }
        if (value->constant == NULL && value->ints != NULL) {
            QNI_TRY(settle_ints(ctx, value));
        }
    }
    return qni_op_fold_small(ctx->op, ctx->err);
}
