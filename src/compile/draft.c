// From the draft of a lowering to the finished plan.
#include "compile/internal.h"

#include "base/alloc.h"

#include <string.h>

// ---- Dead steps

// Going backwards, a step is needed when something that it writes is read later or outlives the
// run.
qn_status qni_draft_remove_dead(struct qni_compile *c)
{
    bool *needed = qni_calloc(c->n_buffers + 1, sizeof *needed);
    if (needed == NULL) {
        return qni_fail_memory(c->lower.err);
    }
    size_t kept = c->n_steps;
    for (size_t i = c->n_steps; i-- > 0;) {
        const qni_draft_step *step = &c->steps[i];
        bool live = false;
        for (uint32_t j = 0; j < step->step.n_outs; j++) {
            uint32_t buffer = c->views[step->first + j].buffer;
            qni_buffer_kind kind = c->buffers[buffer].kind;
            live = live || needed[buffer] || kind == QNI_BUFFER_OUTPUT ||
                   kind == QNI_BUFFER_STATE || c->buffers[buffer].is_output;
        }
        if (!live) {
            continue;
        }
        for (uint32_t j = step->step.n_outs; j < step->n_views; j++) {
            needed[c->views[step->first + j].buffer] = true;
        }
        c->steps[--kept] = *step;
    }
    c->n_steps -= kept;
    if (c->n_steps != 0) {
        memmove(c->steps, c->steps + kept, c->n_steps * sizeof *c->steps);
    }
    qni_free(needed);
    return QN_OK;
}

// ---- Registers

typedef struct registers {
    struct qni_compile *c;
    qni_reg *items;
    bool *late; // by register
    size_t n, capacity, late_capacity;
    int32_t *of_symbol; // -1: none yet
    qn_status status;
} registers;

static bool is_late_int(const registers *r, qni_int x)
{
    return x.reg >= 0 && r->late[x.reg];
}

static qni_int add_reg(registers *r, const qni_reg *reg)
{
    qni_int out = {0, -1};
    for (size_t i = 0; i < r->n; i++) {
        if (memcmp(&r->items[i], reg, sizeof *reg) == 0 && reg->kind != QNI_REG_LATE) {
            out.reg = (int32_t)i;
            return out;
        }
    }
    if (qni_grow(&r->items, &r->capacity, r->n + 1, sizeof *r->items) != 0 ||
        qni_grow(&r->late, &r->late_capacity, r->n + 1, sizeof *r->late) != 0) {
        r->status = qni_fail_memory(r->c->lower.err);
        return out;
    }
    r->items[r->n] = *reg;
    r->late[r->n] = reg->kind == QNI_REG_LATE || is_late_int(r, reg->a) || is_late_int(r, reg->b);
    out.reg = (int32_t)r->n++;
    return out;
}

static qni_int constant(int64_t value)
{
    return (qni_int){value, -1};
}

static qni_int madd(registers *r, qni_int a, qni_int b, int64_t k)
{
    if (k == 1 && a.reg < 0 && a.value == 0) {
        return b;
    }
    qni_reg reg;
    memset(&reg, 0, sizeof reg); // compared as bytes
    reg.kind = QNI_REG_MADD;
    reg.a = a;
    reg.b = b;
    reg.k = k;
    return add_reg(r, &reg);
}

static qni_int int_of(registers *r, qni_dim dim);

static qni_int input_reg(registers *r, int32_t sym)
{
    const qni_block *body = r->c->function->body;
    uint32_t input = 0;
    for (uint32_t i = 0; i < body->n_inputs; i++) {
        const qni_type *type = &body->inputs[i]->type;
        for (int32_t d = 0; d < type->rank && !type->is_state; d++) {
            if (type->dims[d].sym == sym) {
                qni_reg reg;
                memset(&reg, 0, sizeof reg);
                reg.kind = QNI_REG_INPUT;
                reg.input = input;
                reg.axis = d;
                reg.a = reg.b = constant(0);
                return madd(r, constant(-type->dims[d].add), add_reg(r, &reg), 1);
            }
        }
        input += !type->is_state;
    }
    r->status = qni_fail(r->c->lower.err, QN_INTERNAL, r->c->function->name,
                         "a dimension of no input is used");
    return constant(0);
}

static qni_int pair_reg(registers *r, const qni_symbol *x)
{
    static const qni_reg_kind kinds[] = {[QNI_SYM_PRODUCT] = QNI_REG_MUL,
                                         [QNI_SYM_FLOOR_DIV] = QNI_REG_FLOOR_DIV,
                                         [QNI_SYM_MOD] = QNI_REG_MOD,
                                         [QNI_SYM_MIN] = QNI_REG_MIN,
                                         [QNI_SYM_MAX] = QNI_REG_MAX};
    qni_reg reg;
    memset(&reg, 0, sizeof reg);
    reg.kind = kinds[x->kind];
    reg.a = int_of(r, x->a);
    reg.b = int_of(r, x->b);
    return add_reg(r, &reg);
}

static qni_int symbol_int(registers *r, int32_t sym)
{
    const qni_symbol x = r->c->function->symbols.items[sym];
    if (x.kind == QNI_SYM_INPUT) {
        return input_reg(r, sym);
    }
    if (x.kind == QNI_SYM_UNKNOWN) {
        qni_reg reg;
        memset(&reg, 0, sizeof reg);
        reg.kind = QNI_REG_LATE;
        reg.a = reg.b = constant(0);
        return add_reg(r, &reg);
    }
    if (x.kind != QNI_SYM_SUM) {
        return pair_reg(r, &x);
    }
    qni_int total = constant(0);
    for (uint32_t i = 0; i < x.n_terms; i++) {
        qni_dim term = {0, x.terms[i].sym};
        total = madd(r, total, int_of(r, term), x.terms[i].coefficient);
    }
    return total;
}

static qni_int int_of(registers *r, qni_dim dim)
{
    if (dim.sym == 0) {
        return constant(dim.add);
    }
    if (r->of_symbol[dim.sym] < 0) {
        r->of_symbol[dim.sym] = symbol_int(r, dim.sym).reg;
        if (r->of_symbol[dim.sym] < 0) { // only after a failure
            return constant(0);
        }
    }
    qni_int symbol = {0, r->of_symbol[dim.sym]};
    return dim.add == 0 ? symbol : madd(r, constant(dim.add), symbol, 1);
}

// ---- Operands, buffers, steps

static qn_status buffer_bytes(struct qni_compile *c, const qni_draft_buffer *b, size_t *bytes)
{
    int64_t count = qni_dim_hi(&c->function->symbols, b->count);
    if (b->kind == QNI_BUFFER_DYNAMIC) {
        *bytes = 0;
        return QN_OK;
    }
    if (!qni_dtype_bytes(b->dtype, count, bytes) || *bytes > QNI_MAX_TENSOR_BYTES) {
        return qni_fail(c->lower.err, QN_LIMIT_EXCEEDED, c->function->name,
                        "a tensor of %lld elements of %s does not fit", (long long)count,
                        qni_dtype_name(b->dtype));
    }
    return QN_OK;
}

static qn_status finish_buffers(registers *r)
{
    struct qni_compile *c = r->c;
    qni_plan *plan = c->plan;
    plan->buffers = qni_arena_array(&plan->arena, c->n_buffers + 1, sizeof *plan->buffers);
    if (plan->buffers == NULL) {
        return qni_fail_memory(c->lower.err);
    }
    plan->n_buffers = (uint32_t)c->n_buffers;
    for (size_t i = 0; i < c->n_buffers; i++) {
        const qni_draft_buffer *b = &c->buffers[i];
        qni_buffer *out = &plan->buffers[i];
        *out = (qni_buffer){.kind = b->kind,
                            .data = b->data,
                            .index = b->index,
                            .run_bytes = constant(0),
                            .is_made_by_eval = b->is_made_by_eval};
        QNI_TRY(buffer_bytes(c, b, &out->bytes));
        if (b->kind == QNI_BUFFER_DYNAMIC && !b->is_made_by_eval) {
            size_t one;
            (void)qni_dtype_bytes(b->dtype, 1, &one);
            out->run_bytes = madd(r, constant(0), int_of(r, b->count), (int64_t)one);
        }
        if (b->kind == QNI_BUFFER_OUTPUT) {
            out->offset = plan->output_bytes;
            plan->output_bytes += (out->bytes + 63) / 64 * 64;
        }
        plan->has_late = plan->has_late || b->kind == QNI_BUFFER_DYNAMIC;
    }
    return r->status;
}

static bool moves(const qni_operand *o)
{
    bool is = o->offset.reg >= 0;
    for (int32_t d = 0; d < o->rank; d++) {
        is = is || o->dims[d].reg >= 0 || o->strides[d].reg >= 0;
    }
    return is;
}

static void finish_operand(registers *r, const qni_view *view, qni_operand *o)
{
    *o = (qni_operand){.buffer = view->buffer, .dtype = view->dtype, .rank = view->rank};
    o->offset = int_of(r, view->offset);
    o->is_late = is_late_int(r, o->offset);
    for (int32_t d = 0; d < view->rank; d++) {
        o->dims[d] = int_of(r, view->size[d]);
        o->strides[d] = int_of(r, view->stride[d]);
        o->is_late = o->is_late || is_late_int(r, o->dims[d]) || is_late_int(r, o->strides[d]);
    }
    qni_buffer_kind kind = r->c->buffers[view->buffer].kind;
    o->is_late = o->is_late || kind == QNI_BUFFER_DYNAMIC;
    o->is_dynamic = moves(o) || kind == QNI_BUFFER_INPUT || kind == QNI_BUFFER_STATE ||
                    kind == QNI_BUFFER_DYNAMIC;
}

// The views of a step at the upper bounds of their dimensions, for asking a kernel how much scratch
// it needs.
static void bound_tensor(const qni_symbols *s, const qni_view *view, qni_tensor *t)
{
    *t = (qni_tensor){.dtype = view->dtype, .rank = view->rank};
    for (int32_t d = 0; d < view->rank; d++) {
        int64_t size = qni_dim_hi(s, view->size[d]);
        int64_t stride = qni_dim_hi(s, view->stride[d]);
        t->dims[d] = size == INT64_MAX ? 0 : size;
        t->strides[d] = stride == INT64_MAX ? 0 : stride;
    }
}

static size_t step_scratch(struct qni_compile *c, const qni_draft_step *step)
{
    const qk_kernel *kernel = step->step.kernel;
    qni_tensor views[16];
    if (kernel == NULL || kernel->scratch_bytes == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < step->n_views; i++) {
        bound_tensor(&c->function->symbols, &c->views[step->first + i], &views[i]);
    }
    qk_call call = {step->step.params, views, step->n_views};
    return kernel->scratch_bytes(&call);
}

static qn_status finish_late(registers *r, const qni_draft_step *draft, qni_step *step)
{
    if (draft->late_syms == NULL) {
        return QN_OK;
    }
    size_t n = (size_t)step->n_outs * QNI_MAX_RANK;
    int32_t *late = qni_arena_array(&r->c->plan->arena, n, sizeof *late);
    if (late == NULL) {
        return qni_fail_memory(r->c->lower.err);
    }
    for (size_t i = 0; i < n; i++) {
        qni_dim dim = {0, draft->late_syms[i]};
        late[i] = draft->late_syms[i] != 0 ? int_of(r, dim).reg : -1;
    }
    step->late = late;
    return QN_OK;
}

static qn_status finish_steps(registers *r, size_t extra_operands)
{
    struct qni_compile *c = r->c;
    qni_plan *plan = c->plan;
    size_t n = extra_operands;
    for (size_t i = 0; i < c->n_steps; i++) {
        n += c->steps[i].n_views;
    }
    plan->operands = qni_arena_array(&plan->arena, n + 1, sizeof *plan->operands);
    plan->steps = qni_arena_array(&plan->arena, c->n_steps + 1, sizeof *plan->steps);
    if (plan->operands == NULL || plan->steps == NULL) {
        return qni_fail_memory(c->lower.err);
    }
    for (size_t i = 0; i < c->n_steps; i++) {
        qni_step *step = &plan->steps[plan->n_steps++];
        *step = c->steps[i].step;
        step->first = plan->n_operands;
        step->n_operands = c->steps[i].n_views;
        step->op = qni_arena_strdup(&plan->arena, step->op);
        step->name = qni_arena_strdup(&plan->arena, step->name);
        if (step->op == NULL || step->name == NULL) {
            return qni_fail_memory(c->lower.err);
        }
        for (uint32_t j = 0; j < step->n_operands; j++) {
            finish_operand(r, &c->views[c->steps[i].first + j],
                           &plan->operands[plan->n_operands++]);
        }
        QNI_TRY(finish_late(r, &c->steps[i], step));
        size_t scratch = step_scratch(c, &c->steps[i]);
        plan->scratch_bytes = scratch > plan->scratch_bytes ? scratch : plan->scratch_bytes;
    }
    return r->status;
}

// ---- Ports and checks

static qn_status finish_port(registers *r, const qni_value *value, uint32_t buffer, qni_port *port)
{
    *port = (qni_port){.buffer = buffer, .dtype = value->type.dtype, .rank = value->type.rank};
    port->name = qni_arena_strdup(&r->c->plan->arena, value->name);
    for (int32_t d = 0; d < value->type.rank; d++) {
        port->dims[d] = int_of(r, value->type.dims[d]);
    }
    return port->name != NULL ? r->status : qni_fail_memory(r->c->lower.err);
}

static qn_status finish_ports(registers *r)
{
    struct qni_compile *c = r->c;
    const qni_block *body = c->function->body;
    qni_plan *plan = c->plan;
    plan->inputs = qni_arena_array(&plan->arena, body->n_inputs + 1, sizeof *plan->inputs);
    plan->states = qni_arena_array(&plan->arena, body->n_inputs + 1, sizeof *plan->states);
    plan->outputs = qni_arena_array(&plan->arena, body->n_outputs + 1, sizeof *plan->outputs);
    if (plan->inputs == NULL || plan->states == NULL || plan->outputs == NULL) {
        return qni_fail_memory(c->lower.err);
    }
    for (uint32_t i = 0; i < body->n_inputs; i++) {
        const qni_value *value = body->inputs[i];
        qni_port *port = value->type.is_state ? &plan->states[plan->n_states++]
                                              : &plan->inputs[plan->n_inputs++];
        QNI_TRY(finish_port(r, value, c->places[value->id].view.buffer, port));
    }
    for (uint32_t i = 0; i < body->n_outputs; i++) {
        qni_port *port = &plan->outputs[plan->n_outputs++];
        QNI_TRY(finish_port(r, body->outputs[i], c->outputs[i].buffer, port));
        port->operand = plan->n_operands;
        finish_operand(r, &c->outputs[i], &plan->operands[plan->n_operands++]);
    }
    return r->status;
}

static qn_status finish_checks(registers *r)
{
    const qni_symbols *s = &r->c->function->symbols;
    qni_plan *plan = r->c->plan;
    plan->checks = qni_arena_array(&plan->arena, s->n_constraints + 1, sizeof *plan->checks);
    if (plan->checks == NULL) {
        return qni_fail_memory(r->c->lower.err);
    }
    for (size_t i = 0; i < s->n_constraints; i++) {
        const qni_constraint *from = &s->constraints[i];
        qni_plan_check *to = &plan->checks[plan->n_checks++];
        *to = (qni_plan_check){.is_range = from->is_range, .lo = from->lo, .hi = from->hi};
        to->a = int_of(r, from->a);
        to->b = from->is_range ? constant(0) : int_of(r, from->b);
        to->is_late = is_late_int(r, to->a) || is_late_int(r, to->b);
        to->where = qni_arena_strdup(&plan->arena, from->where != NULL ? from->where : "");
        to->what = qni_arena_strdup(&plan->arena, from->what != NULL ? from->what : "");
        if (to->where == NULL || to->what == NULL) {
            return qni_fail_memory(r->c->lower.err);
        }
    }
    return r->status;
}

static qn_status finish(registers *r)
{
    struct qni_compile *c = r->c;
    qni_plan *plan = c->plan;
    QNI_TRY(finish_steps(r, c->function->body->n_outputs));
    QNI_TRY(finish_ports(r));
    QNI_TRY(finish_checks(r));
    QNI_TRY(finish_buffers(r));
    plan->regs = qni_arena_array(&plan->arena, r->n + 1, sizeof *plan->regs);
    if (plan->regs == NULL) {
        return qni_fail_memory(c->lower.err);
    }
    if (r->n != 0) {
        memcpy(plan->regs, r->items, r->n * sizeof *r->items);
    }
    plan->n_regs = (uint32_t)r->n;
    for (size_t i = 0; i < r->n; i++) {
        plan->has_late = plan->has_late || r->late[i];
    }
    return qni_plan_memory_map(plan, c->lower.err);
}

qn_status qni_draft_finish(struct qni_compile *c)
{
    size_t n = c->function->symbols.n;
    registers r = {.c = c, .of_symbol = qni_alloc_array(n + 1, sizeof(int32_t))};
    if (r.of_symbol == NULL) {
        return qni_fail_memory(c->lower.err);
    }
    for (size_t i = 0; i < n; i++) {
        r.of_symbol[i] = -1;
    }
    qn_status status = finish(&r);
    qni_free(r.of_symbol);
    qni_free(r.items);
    qni_free(r.late);
    return status;
}
