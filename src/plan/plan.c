#include "plan/plan.h"

#include "base/alloc.h"

void qni_plan_free(qni_plan *plan)
{
    if (plan != NULL) {
        if (plan->free_owned != NULL) {
            plan->free_owned(plan->owned);
        }
        qni_arena arena = plan->arena;
        qni_arena_end(&arena); // the plan itself lies in it
    }
}

size_t qni_plan_memory(const qni_plan *plan, size_t n_threads)
{
    return plan->arena_bytes + plan->output_bytes + n_threads * plan->scratch_bytes;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    if (b == 0 || b == -1) {
        return b == 0 ? 0 : (int64_t)(0 - (uint64_t)a);
    }
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t eval_reg(const qni_reg *r, int64_t a, int64_t b)
{
    switch (r->kind) {
    case QNI_REG_MADD: return (int64_t)((uint64_t)a + (uint64_t)r->k * (uint64_t)b);
    case QNI_REG_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case QNI_REG_FLOOR_DIV: return floor_div(a, b);
    case QNI_REG_MOD: return b == 0 || b == -1 ? 0 : a - b * floor_div(a, b);
    case QNI_REG_MIN: return a < b ? a : b;
    case QNI_REG_MAX: return a > b ? a : b;
    case QNI_REG_INPUT:
    case QNI_REG_LATE: break;
    }
    return 0;
}

void qni_plan_eval_regs(const qni_plan *plan, const qni_tensor *inputs, int64_t *regs)
{
    for (uint32_t i = 0; i < plan->n_regs; i++) {
        const qni_reg *r = &plan->regs[i];
        if (r->kind == QNI_REG_INPUT) {
            regs[i] = inputs[r->input].dims[r->axis];
        } else if (r->kind != QNI_REG_LATE) {
            regs[i] = eval_reg(r, qni_int_value(r->a, regs), qni_int_value(r->b, regs));
        }
    }
}

// ---- Text

static qn_status print_int(qni_buf *out, qni_int x, qn_error *err)
{
    return x.reg >= 0 ? qni_buf_printf(out, err, "r%d", (int)x.reg)
                      : qni_buf_printf(out, err, "%lld", (long long)x.value);
}

static qn_status print_ints(qni_buf *out, const char *open, const qni_int *x, int32_t n,
                            const char *close, qn_error *err)
{
    QNI_TRY(qni_buf_add_text(out, open, err));
    for (int32_t i = 0; i < n; i++) {
        QNI_TRY(qni_buf_add_text(out, i == 0 ? "" : ",", err));
        QNI_TRY(print_int(out, x[i], err));
    }
    return qni_buf_add_text(out, close, err);
}

static qn_status print_operand(const qni_plan *plan, const qni_operand *x, qni_buf *out,
                               qn_error *err)
{
    static const char *const kinds[] = {"m", "const", "in", "state", "out", "dyn"};
    const qni_buffer *b = &plan->buffers[x->buffer];
    unsigned long long where = b->kind == QNI_BUFFER_ARENA   ? b->offset
                               : b->kind == QNI_BUFFER_CONST ? x->buffer
                                                             : b->index;
    QNI_TRY(qni_buf_printf(out, err, " %s@%llu", kinds[b->kind], where));
    if (x->offset.reg >= 0 || x->offset.value != 0) {
        QNI_TRY(qni_buf_add_text(out, "+", err));
        QNI_TRY(print_int(out, x->offset, err));
    }
    QNI_TRY(qni_buf_printf(out, err, ":%s", qni_dtype_name(x->dtype)));
    QNI_TRY(print_ints(out, "[", x->dims, x->rank, "]", err));
    return print_ints(out, "/(", x->strides, x->rank, ")", err);
}

static qn_status print_reg(const qni_plan *plan, uint32_t i, qni_buf *out, qn_error *err)
{
    static const char *const names[] = {"input",     "late", "madd", "mul",
                                        "floor_div", "mod",  "min",  "max"};
    const qni_reg *r = &plan->regs[i];
    QNI_TRY(qni_buf_printf(out, err, "r%u = %s", i, names[r->kind]));
    if (r->kind == QNI_REG_INPUT) {
        return qni_buf_printf(out, err, " %s[%d]\n", plan->inputs[r->input].name, (int)r->axis);
    }
    if (r->kind != QNI_REG_LATE) {
        QNI_TRY(qni_buf_add_text(out, " ", err));
        QNI_TRY(print_int(out, r->a, err));
        QNI_TRY(qni_buf_add_text(out, " ", err));
        QNI_TRY(print_int(out, r->b, err));
        if (r->kind == QNI_REG_MADD) {
            QNI_TRY(qni_buf_printf(out, err, " * %lld", (long long)r->k));
        }
    }
    return qni_buf_add_text(out, "\n", err);
}

qn_status qni_plan_print(const qni_plan *plan, qni_buf *out, qn_error *err)
{
    QNI_TRY(qni_buf_printf(out, err,
                           "plan @%s %s: %u steps, arena %zu, outputs %zu, scratch %zu, "
                           "constants %zu bytes\n",
                           plan->function, plan->precision, plan->n_steps, plan->arena_bytes,
                           plan->output_bytes, plan->scratch_bytes, plan->constant_bytes));
    for (uint32_t i = 0; i < plan->n_regs; i++) {
        QNI_TRY(print_reg(plan, i, out, err));
    }
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const qni_step *step = &plan->steps[i];
        QNI_TRY(qni_buf_printf(out, err, "%4u %s \"%s\" %s:", i, step->op, step->name,
                               step->kernel != NULL ? step->kernel->name : "eval"));
        for (uint32_t j = 0; j < step->n_operands; j++) {
            QNI_TRY(qni_buf_add_text(out, j == step->n_outs ? " <-" : "", err));
            QNI_TRY(print_operand(plan, &plan->operands[step->first + j], out, err));
        }
        QNI_TRY(qni_buf_add_text(out, "\n", err));
    }
    return QN_OK;
}
