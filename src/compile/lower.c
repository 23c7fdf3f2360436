// The lowering interface of ops/lower.h.
#include "ops/lower.h"

#include "base/alloc.h"
#include "compile/align.h"
#include "compile/internal.h"
#include "kernels/copy/copy.h"

#include <string.h>

qn_status qni_draft_add_buffer(struct qni_compile *c, qni_buffer_kind kind, qni_dtype dtype,
                               qni_dim count, uint32_t *out)
{
    if (qni_grow(&c->buffers, &c->buffer_capacity, c->n_buffers + 1, sizeof *c->buffers) != 0) {
        return qni_fail_memory(c->lower.err);
    }
    qni_draft_buffer *b = &c->buffers[c->n_buffers];
    *b = (qni_draft_buffer){.kind = kind, .dtype = dtype, .count = count};
    *out = (uint32_t)c->n_buffers++;
    return QN_OK;
}

static bool is_unbounded(const qni_symbols *s, qni_dim dim)
{
    return qni_dim_hi(s, dim) == INT64_MAX;
}

qn_status qni_lower_temporary(qni_lower *lower, qni_dtype dtype, int32_t rank, const qni_dim *dims,
                              qni_view *out)
{
    struct qni_compile *c = lower->compile;
    qni_dim count = qni_dim_of(1);
    for (int32_t d = 0; d < rank; d++) {
        count = qni_dim_mul(lower->symbols, count, dims[d]);
    }
    qni_buffer_kind kind = is_unbounded(lower->symbols, count) ? QNI_BUFFER_DYNAMIC
                                                               : QNI_BUFFER_ARENA;
    uint32_t buffer;
    QNI_TRY(qni_draft_add_buffer(c, kind, dtype, count, &buffer));
    *out = qni_view_dense(lower->symbols, buffer, dtype, rank, dims);
    return QN_OK;
}

// ---- Places of values

static qn_status place_constant(qni_lower *lower, const qni_value *value, qni_place *place)
{
    struct qni_compile *c = lower->compile;
    uint32_t buffer;
    qni_dim count = qni_dim_of(qni_tensor_count(value->constant));
    QNI_TRY(qni_draft_add_buffer(c, QNI_BUFFER_CONST, value->type.dtype, count, &buffer));
    c->buffers[buffer].data = value->constant->data;
    place->view = qni_view_dense(lower->symbols, buffer, value->type.dtype, value->type.rank,
                                 value->type.dims);
    place->is_bound = true;
    return QN_OK;
}

qn_status qni_lower_view(qni_lower *lower, const qni_value *value, qni_view *out)
{
    qni_place *place = &lower->compile->places[value->id];
    if (!place->is_bound && value->constant != NULL) {
        QNI_TRY(place_constant(lower, value, place));
    }
    if (!place->is_bound) {
        return qni_fail(lower->err, QN_INTERNAL, lower->compile->op_name,
                        "\"%s\" has no place in memory yet", value->name);
    }
    *out = place->view;
    return QN_OK;
}

static qn_status copy_to_dense(qni_lower *lower, qni_view *view)
{
    qni_dim dims[QNI_MAX_RANK];
    for (int32_t d = 0; d < view->rank; d++) {
        dims[d] = qni_view_dim(lower->symbols, view, d);
    }
    qni_view copy;
    QNI_TRY(qni_lower_temporary(lower, view->dtype, view->rank, dims, &copy));
    QNI_TRY(qni_lower_copy(lower, &copy, view));
    *view = copy;
    return QN_OK;
}

// The value's copy serves whoever asks next, too: values do not change.
static qn_status make_dense(qni_lower *lower, const qni_value *value, qni_view *out)
{
    QNI_TRY(copy_to_dense(lower, out));
    lower->compile->places[value->id].view = *out;
    return QN_OK;
}

qn_status qni_lower_plain(qni_lower *lower, const qni_value *value, qni_view *out)
{
    QNI_TRY(qni_lower_view(lower, value, out));
    qni_view_simplify(lower->symbols, out);
    return qni_view_is_plain(out) ? QN_OK : make_dense(lower, value, out);
}

qn_status qni_lower_dense(qni_lower *lower, const qni_value *value, qni_view *out)
{
    QNI_TRY(qni_lower_view(lower, value, out));
    if (!qni_view_is_dense(lower->symbols, out)) {
        return make_dense(lower, value, out);
    }
    uint32_t buffer = out->buffer;
    qni_dim offset = out->offset;
    *out = qni_view_dense(lower->symbols, buffer, value->type.dtype, value->type.rank,
                          value->type.dims);
    out->offset = offset;
    return QN_OK;
}

qn_status qni_lower_bind(qni_lower *lower, const qni_value *value, const qni_view *view)
{
    qni_place *place = &lower->compile->places[value->id];
    if (place->is_bound) {
        return qni_fail(lower->err, QN_INTERNAL, lower->compile->op_name,
                        "\"%s\" is given two places in memory", value->name);
    }
    place->is_bound = true;
    place->view = *view;
    return QN_OK;
}

qn_status qni_lower_output(qni_lower *lower, const qni_value *value, qni_view *out)
{
    QNI_TRY(qni_lower_temporary(lower, value->type.dtype, value->type.rank, value->type.dims, out));
    return qni_lower_bind(lower, value, out);
}

// ---- Steps

static qn_status add_step(struct qni_compile *c, const qni_draft_step *step, const qni_view *views)
{
    if (qni_grow(&c->steps, &c->step_capacity, c->n_steps + 1, sizeof *c->steps) != 0 ||
        qni_grow(&c->views, &c->view_capacity, c->n_views + step->n_views, sizeof *c->views) != 0) {
        return qni_fail_memory(c->lower.err);
    }
    memcpy(&c->views[c->n_views], views, step->n_views * sizeof *views);
    c->steps[c->n_steps] = *step;
    c->steps[c->n_steps].first = c->n_views;
    c->steps[c->n_steps].step.op = c->op_kind;
    c->steps[c->n_steps].step.name = c->op_name;
    c->n_steps++;
    c->n_views += step->n_views;
    return QN_OK;
}

// Dimensions without a factor become {1, 0}, so that a view has one factor for each.
static void fill_factors(qni_view *view)
{
    qni_view old = *view;
    for (int32_t d = 0; d < old.rank; d++) {
        bool none = old.first[d] == old.first[d + 1];
        view->size[d] = none ? qni_dim_of(1) : old.size[old.first[d]];
        view->stride[d] = none ? qni_dim_of(0) : old.stride[old.first[d]];
        view->first[d] = d;
    }
    view->first[old.rank] = old.rank;
}

qn_status qni_lower_step(qni_lower *lower, const qk_kernel *kernel, const void *params,
                         const qni_view *views, size_t n_views, size_t n_outs)
{
    qni_view plain[QNI_MAX_ALIGNED];
    if (n_views > QNI_MAX_ALIGNED) {
        return qni_fail(lower->err, QN_INTERNAL, lower->compile->op_name, "a step of %zu views",
                        n_views);
    }
    for (size_t i = 0; i < n_views; i++) {
        plain[i] = views[i];
        if (!qni_view_is_plain(&plain[i])) {
            return qni_fail(lower->err, QN_INTERNAL, lower->compile->op_name,
                            "view %zu of a step of %s is not plain", i, kernel->name);
        }
        fill_factors(&plain[i]);
    }
    qni_draft_step step = {.n_views = (uint32_t)n_views};
    step.step.kernel = kernel;
    step.step.params = params;
    step.step.n_outs = (uint32_t)n_outs;
    return add_step(lower->compile, &step, plain);
}

qn_status qni_lower_elementwise(qni_lower *lower, const qk_kernel *kernel, const void *params,
                                const qni_view *views, size_t n_views, size_t n_outs)
{
    qni_view aligned[QNI_MAX_ALIGNED];
    if (n_views > QNI_MAX_ALIGNED) {
        return qni_fail(lower->err, QN_INTERNAL, lower->compile->op_name, "a step of %zu views",
                        n_views);
    }
    memcpy(aligned, views, n_views * sizeof *views);
    if (!qni_align_views(lower->symbols, aligned, n_views)) {
        bool copied = false;
        for (size_t i = n_outs; i < n_views && n_views > 2; i++) {
            if (!qni_view_is_plain(&aligned[i])) {
                QNI_TRY(copy_to_dense(lower, &aligned[i]));
                copied = true;
            }
        }
        if (!copied || !qni_align_views(lower->symbols, aligned, n_views)) {
            return qni_fail(lower->err, QN_UNSUPPORTED, lower->compile->op_name,
                            "the views of this operation take more than %d dimensions",
                            QNI_MAX_RANK);
        }
    }
    return qni_lower_step(lower, kernel, params, aligned, n_views, n_outs);
}

qn_status qni_lower_copy(qni_lower *lower, const qni_view *to, const qni_view *from)
{
    unsigned bits = qni_dtype_bits(to->dtype);
    if (bits % 8 != 0) {
        return qni_fail(lower->err, QN_UNSUPPORTED, lower->compile->op_name,
                        "a tensor of %s cannot be copied", qni_dtype_name(to->dtype));
    }
    const qni_view views[2] = {*to, *from};
    return qni_lower_elementwise(lower, qk_copy_select(bits / 8, lower->cpu), NULL, views, 2, 1);
}

// ---- Reference evaluation

// Which of the output's dimensions only the evaluation tells.
static void mark_late(struct qni_compile *c, const qni_value *value, int32_t *late, bool *any)
{
    for (int32_t d = 0; d < value->type.rank; d++) {
        qni_dim dim = value->type.dims[d];
        if (dim.sym != 0 && c->lower.symbols->items[dim.sym].kind == QNI_SYM_UNKNOWN &&
            dim.add == 0 && !c->late_known[dim.sym]) {
            late[d] = dim.sym;
            *any = true;
        }
    }
}

static qn_status eval_outputs(qni_lower *lower, const qni_op *op, qni_view *views, int32_t *late,
                              bool *any)
{
    struct qni_compile *c = lower->compile;
    for (uint32_t i = 0; i < op->n_outs; i++) {
        bool unknown = false;
        QNI_TRY(qni_lower_output(lower, op->outs[i], &views[i]));
        mark_late(c, op->outs[i], &late[i * QNI_MAX_RANK], &unknown);
        c->buffers[views[i].buffer].is_made_by_eval = unknown;
        *any = *any || unknown;
    }
    for (uint32_t i = 0; i < op->n_outs * QNI_MAX_RANK; i++) {
        if (late[i] != 0) {
            c->late_known[late[i]] = true;
        }
    }
    return QN_OK;
}

static qn_status add_eval(qni_lower *lower, const qni_op *op, qni_view *views)
{
    uint32_t n = op->n_outs + op->n_args;
    qni_span *spans = qni_arena_array(lower->arena, op->def->n_params + 1, sizeof *spans);
    int32_t *late = qni_arena_array(lower->arena, (op->n_outs + 1) * QNI_MAX_RANK, sizeof *late);
    if (spans == NULL || late == NULL) {
        return qni_fail_memory(lower->err);
    }
    memcpy(spans, op->params, op->def->n_params * sizeof *spans);
    for (uint32_t i = 0; i < op->n_args; i++) {
        QNI_TRY(qni_lower_dense(lower, op->args[i], &views[op->n_outs + i]));
        fill_factors(&views[op->n_outs + i]);
    }
    bool any = false;
    QNI_TRY(eval_outputs(lower, op, views, late, &any));
    qni_draft_step step = {.n_views = n, .late_syms = any ? late : NULL};
    step.step.eval = op->def->eval;
    step.step.spans = spans;
    step.step.n_outs = op->n_outs;
    return add_step(lower->compile, &step, views);
}

qn_status qni_lower_eval(qni_lower *lower, const qni_op *op)
{
    qni_view *views = qni_calloc((size_t)op->n_outs + op->n_args + 1, sizeof *views);
    if (views == NULL) {
        return qni_fail_memory(lower->err);
    }
    qn_status status = add_eval(lower, op, views);
    qni_free(views);
    return status;
}

// ---- Writing over what exists

static bool is_whole(qni_lower *lower, const qni_view *view)
{
    const qni_draft_buffer *b = &lower->compile->buffers[view->buffer];
    qni_dim count = qni_dim_of(1);
    for (int32_t d = 0; d < view->rank; d++) {
        count = qni_dim_mul(lower->symbols, count, qni_view_dim(lower->symbols, view, d));
    }
    return qni_dim_is(view->offset, 0) && qni_view_is_dense(lower->symbols, view) &&
           qni_dim_equal(count, b->count);
}

// Whether a value of the function is alive after the operation at hand. Values of state type stand
// for the state, not for its contents.
static bool is_read_later(const struct qni_compile *c, uint32_t id)
{
    return c->last_use[id] > c->at && !c->function->values[id]->type.is_state;
}

qn_status qni_draft_save_readers(struct qni_compile *c, uint32_t buffer)
{
    for (uint32_t id = 0; id < c->function->n_values; id++) {
        qni_place *place = &c->places[id];
        if (place->is_bound && place->view.buffer == buffer && is_read_later(c, id)) {
            QNI_TRY(copy_to_dense(&c->lower, &place->view));
        }
    }
    return QN_OK;
}

static bool has_readers(const struct qni_compile *c, uint32_t buffer)
{
    for (uint32_t id = 0; id < c->function->n_values; id++) {
        if (c->places[id].is_bound && c->places[id].view.buffer == buffer && is_read_later(c, id)) {
            return true;
        }
    }
    return false;
}

// Whether another argument of the operation lies in the same buffer.
static bool is_shared_by_args(const struct qni_compile *c, const qni_op *op, const qni_value *value,
                              uint32_t buffer)
{
    uint32_t times = 0;
    for (uint32_t i = 0; i < op->n_args; i++) {
        const qni_place *place = &c->places[op->args[i]->id];
        times += op->args[i] == value;
        if (op->args[i] != value && place->is_bound && place->view.buffer == buffer) {
            return true;
        }
    }
    return times != 1;
}

// Whether the next operation that touches the state in `buffer` stores what `op` makes.
static bool is_stored_next(const struct qni_compile *c, const qni_op *op, uint32_t buffer)
{
    const qni_block *body = c->function->body;
    for (uint32_t i = c->at + 1; i < body->n_ops; i++) {
        const qni_op *next = body->ops[i];
        bool touches = false;
        bool stores = false;
        for (uint32_t j = 0; j < next->n_args; j++) {
            const qni_value *arg = next->args[j];
            touches = touches || (arg->type.is_state && c->places[arg->id].is_bound &&
                                  c->places[arg->id].view.buffer == buffer);
            stores = stores || arg == op->outs[0];
        }
        if (touches) {
            return stores && (next->def->traits & QNI_EFFECT) != 0;
        }
    }
    return false;
}

bool qni_lower_may_overwrite(qni_lower *lower, const qni_op *op, size_t p)
{
    struct qni_compile *c = lower->compile;
    const qni_value *value = qni_arg(op, p);
    const qni_place *place = &c->places[value->id];
    if (!place->is_bound || value->constant != NULL || !is_whole(lower, &place->view)) {
        return false;
    }
    uint32_t buffer = place->view.buffer;
    if (c->last_use[value->id] > c->at || is_shared_by_args(c, op, value, buffer)) {
        return false;
    }
    if (c->buffers[buffer].kind == QNI_BUFFER_ARENA) {
        return !has_readers(c, buffer);
    }
    if (c->buffers[buffer].kind != QNI_BUFFER_STATE || !is_stored_next(c, op, buffer)) {
        return false;
    }
    qn_status status = qni_draft_save_readers(c, buffer);
    if (status != QN_OK && c->deferred == QN_OK) {
        c->deferred = status;
    }
    return true;
}

qn_status qni_lower_write_state(qni_lower *lower, const qni_value *state, const qni_value *data)
{
    struct qni_compile *c = lower->compile;
    qni_view target;
    qni_view source;
    QNI_TRY(qni_lower_view(lower, state, &target));
    QNI_TRY(qni_lower_view(lower, data, &source));
    if (source.buffer == target.buffer) {
        if (is_whole(lower, &source)) {
            return QN_OK;
        }
        QNI_TRY(copy_to_dense(lower, &source));
    }
    QNI_TRY(qni_draft_save_readers(c, target.buffer));
    return qni_lower_copy(lower, &target, &source);
}

qn_status qni_lower_packed(qni_lower *lower, const qni_pack *pack, const void **out)
{
    return qni_pack_cache_get(lower->compile->options->packs, pack, out, lower->err);
}
