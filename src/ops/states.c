// Family states: memory that a function keeps from run to run.
#include "mil/infer.h"
#include "ops/lower.h"
#include "ops/sets.h"

// The state a value stands for and the tensor that it holds have one shape.
static qn_status infer_contents(qni_infer *ctx)
{
    const qni_type *state = qni_infer_type(ctx, 0);
    qni_infer_set(ctx, 0, state->dtype, state->rank, state->dims);
    return QN_OK;
}

// read_state: the contents of `input` at this place in the program. Compiled, it is the state's
// memory itself; who writes over it later saves what is still to be read.
static const qni_param read_params[] = {
    {"input", QNI_SET_ANY, QNI_STATE, 0, NULL},
};

static qn_status lower_read(qni_lower *lower, const qni_op *op)
{
    qni_view view;
    QNI_TRY(qni_lower_view(lower, qni_arg(op, 0), &view));
    return qni_lower_bind(lower, op->outs[0], &view);
}

static const char *const read_cases[] = {"input=fp16[2,3]", "input=int32[4]{-9..9}", NULL};

const qni_op_def qni_op_read_state = {
    .name = "read_state",
    .opset = QNI_IOS18,
    .family = "states",
    .params = read_params,
    .n_params = 1,
    .n_outs = 1,
    .traits = QNI_STATEFUL | QNI_VIEW,
    .infer = infer_contents,
    .lower = lower_read,
    .cases = read_cases,
};

// write_state: the contents of `input` become `data`. An update in place (slice_update of what was
// read) costs nothing more; everything else is copied.
static const qni_param write_params[] = {
    {"input", QNI_SET_ANY, QNI_STATE, 'T', NULL},
    {"data", QNI_SET_ANY, 0, 'T', NULL},
};

static qn_status check_write(qni_infer *ctx)
{
    const qni_type *state = qni_infer_type(ctx, 0);
    const qni_type *data = qni_infer_type(ctx, 1);
    bool same = state->rank == data->rank;
    for (int32_t d = 0; same && d < state->rank; d++) {
        same = qni_dim_unify(ctx->symbols, state->dims[d], data->dims[d], ctx->op->name,
                             "the shapes of the state and of the data");
    }
    return same ? QN_OK
                : qni_infer_fail(ctx, QN_INVALID_MODEL, "the state and the data differ in shape");
}

static qn_status lower_write(qni_lower *lower, const qni_op *op)
{
    return qni_lower_write_state(lower, qni_arg(op, 0), qni_arg(op, 1));
}

static const char *const write_cases[] = {"input=fp16[2,3]; data=fp16[2,3]", NULL};

const qni_op_def qni_op_write_state = {
    .name = "write_state",
    .opset = QNI_IOS18,
    .family = "states",
    .params = write_params,
    .n_params = 2,
    .n_outs = 0,
    .traits = QNI_STATEFUL | QNI_EFFECT,
    .infer = check_write,
    .lower = lower_write,
    .cases = write_cases,
};

// coreml_update_state: write_state and read_state in one, as coremltools' front end writes it.
static const qni_param update_params[] = {
    {"state", QNI_SET_ANY, QNI_STATE, 'T', NULL},
    {"value", QNI_SET_ANY, 0, 'T', NULL},
};

static qn_status infer_update(qni_infer *ctx)
{
    QNI_TRY(check_write(ctx));
    return infer_contents(ctx);
}

static qn_status lower_update(qni_lower *lower, const qni_op *op)
{
    QNI_TRY(lower_write(lower, op));
    return lower_read(lower, op);
}

static const char *const update_cases[] = {"state=fp16[2,3]; value=fp16[2,3]", NULL};

const qni_op_def qni_op_coreml_update_state = {
    .name = "coreml_update_state",
    .opset = QNI_IOS18,
    .family = "states",
    .params = update_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_STATEFUL | QNI_EFFECT | QNI_VIEW,
    .infer = infer_update,
    .lower = lower_update,
    .cases = update_cases,
};
