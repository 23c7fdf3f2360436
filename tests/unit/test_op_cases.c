// Every case of every operation: its reference evaluation against its compiled form on each CPU
// tier, bit for bit, and against what the case expects.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "compile/compile.h"
#include "exec/exec.h"
#include "ops/cases.h"
#include "ops/ops.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_OUTS = 16, MAX_STATES = 4 };

typedef struct run {
    const qni_op_def *def;
    const char *text;
    qni_case c;
    qni_arena memory;
    qni_tensor evaluated[MAX_OUTS];
    bool has_eval;
    qn_error err;
} run;

// A failing case is printed and left; the test fails at its end, so that one run shows all of them.
static jmp_buf next_case;
static int n_failed;

static void complain(const run *r, const char *what)
{
    print_error("%s \"%s\": %s: %s %s\n", r->def->name, r->text, what, r->err.where,
                r->err.message);
    n_failed++;
    longjmp(next_case, 1);
}

// The value's contents: a constant, or the case's input of that number.
static qni_tensor contents(const run *r, const qni_value *value)
{
    if (value->constant != NULL) {
        return *value->constant;
    }
    return r->c.inputs[value->index];
}

static void evaluate(run *r)
{
    const qni_op *op = r->c.program->functions[0]->body->ops[0];
    qni_tensor args[128];
    if (op->def->eval == NULL) {
        return;
    }
    for (uint32_t i = 0; i < op->n_args; i++) {
        args[i] = contents(r, op->args[i]);
    }
    for (uint32_t i = 0; i < op->n_outs; i++) {
        const qni_type *type = &op->outs[i]->type;
        int64_t dims[QNI_MAX_RANK];
        bool known = true;
        for (int32_t d = 0; d < type->rank; d++) {
            known = known && qni_dim_is_const(type->dims[d]);
            dims[d] = qni_dim_is_const(type->dims[d]) ? type->dims[d].add : -1;
        }
        r->evaluated[i] = qni_tensor_make(type->dtype, type->rank, dims, NULL);
        if (known) {
            r->evaluated[i].data = qni_arena_alloc(&r->memory,
                                                   qni_tensor_bytes(&r->evaluated[i]) + 1);
        }
    }
    qni_eval call = {.args = args,
                     .params = op->params,
                     .outs = r->evaluated,
                     .n_outs = op->n_outs,
                     .name = op->name,
                     .arena = &r->memory,
                     .err = &r->err};
    if (op->def->eval(&call) != QN_OK) {
        complain(r, "eval");
    }
    r->has_eval = true;
}

static bool is_close(double got, double want, double tolerance)
{
    return (isnan(got) && isnan(want)) || got == want ||
           fabs(got - want) <= tolerance * (1 + fabs(want));
}

static void compare_expected(const run *r, const qni_tensor *got, size_t i)
{
    const qni_tensor *want = &r->c.expected[i];
    if (!qni_tensor_same_shape(got, want) || got->dtype != want->dtype) {
        complain(r, "another shape or type than expected");
    }
    for (int64_t j = 0; j < qni_tensor_count(want); j++) {
        if (!is_close(qni_tensor_get(got, j), qni_tensor_get(want, j), r->c.tolerance)) {
            print_error("element %lld is %g, not %g: ", (long long)j, qni_tensor_get(got, j),
                        qni_tensor_get(want, j));
            complain(r, "a wrong element");
        }
    }
}

// Bits, but that any NaN is like any other.
static bool same_bits(const qni_tensor *a, const qni_tensor *b)
{
    if (!qni_tensor_same_shape(a, b) || a->dtype != b->dtype) {
        return false;
    }
    if (memcmp(a->data, b->data, qni_tensor_bytes(a)) == 0) {
        return true;
    }
    for (int64_t i = 0; i < qni_tensor_count(a); i++) {
        double x = qni_tensor_get(a, i);
        double y = qni_tensor_get(b, i);
        if (!(isnan(x) && isnan(y)) && (x != y || signbit(x) != signbit(y))) {
            return false;
        }
    }
    return true;
}

static void run_plan(run *r, const qni_plan *plan, const char *tier)
{
    const qni_block *body = r->c.program->functions[0]->body;
    qni_tensor inputs[64];
    void *states[MAX_STATES];
    size_t n_inputs = 0;
    size_t n_states = 0;
    for (uint32_t i = 0; i < body->n_inputs; i++) {
        if (body->inputs[i]->type.is_state) {
            assert_true(n_states < MAX_STATES);
            states[n_states++] = r->c.inputs[i].data;
        } else {
            inputs[n_inputs++] = r->c.inputs[i];
        }
    }
    qni_exec *exec = NULL;
    if (qni_exec_create(plan, NULL, &exec, &r->err) != QN_OK ||
        qni_exec_run(exec, inputs, states, &r->err) != QN_OK) {
        complain(r, tier);
    }
    for (uint32_t i = 0; i < plan->n_outputs; i++) {
        const qni_tensor *got = qni_exec_output(exec, i);
        if (r->has_eval && !same_bits(got, &r->evaluated[i])) {
            complain(r, tier);
        }
        if (i < r->c.n_expected) {
            compare_expected(r, got, i);
        }
    }
    qni_exec_free(exec);
}

static void run_case(const qni_op_def *def, const char *text)
{
    run r = {.def = def, .text = text};
    qni_arena_begin(&r.memory, (size_t)1 << 30);
    if (qni_case_read(def, text, &r.c, &r.err) != QN_OK) {
        complain(&r, "the case");
    }
    evaluate(&r);
    for (int tier = 0; tier < QNI_N_CPU_TIERS; tier++) {
        qni_cpu_flags cpu = qni_cpu_detect();
        if ((cpu & QNI_CPU_BIT(tier)) == 0) {
            continue;
        }
        cpu &= (QNI_CPU_BIT(tier) << 1) - 1;
        qni_pack_cache *packs = NULL;
        qni_plan *plan = NULL;
        static const qni_binding none[4];
        assert_int_equal(qni_pack_cache_create(&packs, &r.err), QN_OK);
        const qni_compile_options options = {
            .bindings = none, .cpu = cpu, .precision = "exact", .packs = packs};
        if (qni_compile_function(r.c.program->functions[0], &options, &plan, &r.err) != QN_OK) {
            complain(&r, "compile");
        }
        run_plan(&r, plan, qni_cpu_tier_name((qni_cpu_tier)tier));
        qni_plan_free(plan);
        qni_pack_cache_free(packs);
    }
    qni_arena_end(&r.memory);
    qni_program_free(r.c.program);
}

static void test_every_case(void **state)
{
    (void)state;
    for (volatile size_t i = 0; i < qni_ops()->n; i++) {
        const qni_op_def *def = qni_ops()->defs[i];
        if (def->cases == NULL || def->cases[0] == NULL) {
            fail_msg("%s has no cases", def->name);
        }
        for (const char *const *volatile text = def->cases; *text != NULL; text++) {
            if (setjmp(next_case) == 0) {
                run_case(def, *text);
            }
        }
    }
    assert_int_equal(n_failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
