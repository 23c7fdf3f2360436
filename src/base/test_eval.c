#include "base/eval.h"

#include "tests/torture.h"

#include <string.h>

// A call with two parameters: two numbers for the first, none for the second; one output [?, 2].
typedef struct example {
    float numbers[2];
    qni_tensor args[2];
    qni_span params[2];
    qni_tensor out;
    qni_arena arena;
    qn_error err;
    qni_eval call;
} example;

static void begin(example *e, size_t limit_bytes)
{
    *e = (example){.numbers = {2.5f, -3.0f}, .params = {{0, 2}, {2, 0}}};
    for (int i = 0; i < 2; i++) {
        e->args[i] = qni_tensor_make(QNI_F32, 0, NULL, &e->numbers[i]);
    }
    e->out = qni_tensor_make(QNI_F16, 2, (int64_t[]){-1, 2}, NULL);
    qni_arena_begin(&e->arena, limit_bytes);
    e->call = (qni_eval){e->args, e->params, &e->out, 1, "test_op", &e->arena, &e->err};
}

static void test_arguments(void **state)
{
    (void)state;
    example e;
    begin(&e, 1000);
    assert_int_equal(qni_eval_count(&e.call, 0), 2);
    assert_int_equal(qni_eval_count(&e.call, 1), 0);
    assert_ptr_equal(qni_eval_arg(&e.call, 0), &e.args[0]);
    assert_ptr_equal(qni_eval_arg_at(&e.call, 0, 1), &e.args[1]);
    assert_null(qni_eval_arg(&e.call, 1));
    assert_true(qni_eval_number(&e.call, 0, 9) == 2.5);
    assert_int_equal(qni_eval_int(&e.call, 0, 9), 2);
    assert_true(qni_eval_bool(&e.call, 0, false));
    assert_true(qni_eval_number(&e.call, 1, 9) == 9);
    assert_int_equal(qni_eval_int(&e.call, 1, 9), 9);
    assert_false(qni_eval_bool(&e.call, 1, false));
    assert_string_equal(qni_eval_text(&e.call, 1, "none"), "none");
    const char *text = "given";
    e.args[0] = qni_tensor_make(QNI_STRING, 0, NULL, &text);
    assert_string_equal(qni_eval_text(&e.call, 0, "none"), "given");
    qni_arena_end(&e.arena);
}

static void test_resize(void **state)
{
    (void)state;
    example e;
    begin(&e, 1000);
    assert_int_equal(qni_eval_resize(&e.call, 0, (int64_t[]){3, 2}), QN_OK);
    assert_int_equal(qni_tensor_count(&e.out), 6);
    assert_int_equal(e.out.dtype, QNI_F16);
    assert_memory_equal(e.out.data, ((uint16_t[6]){0}), 12);
    assert_int_equal(qni_eval_resize(&e.call, 0, (int64_t[]){0, 2}), QN_OK);
    assert_non_null(e.out.data);
    assert_int_equal(qni_eval_resize(&e.call, 0, (int64_t[]){-1, 2}), QN_INVALID_MODEL);
    assert_string_equal(e.err.where, "test_op");
    assert_int_equal(qni_eval_resize(&e.call, 0, (int64_t[]){INT64_MAX, 2}), QN_LIMIT_EXCEEDED);
    qni_arena_end(&e.arena);
}

static void test_the_runs_limit(void **state)
{
    (void)state;
    example e;
    void *memory = NULL;
    begin(&e, 1000);
    assert_int_equal(qni_eval_scratch(&e.call, 1001, 1, &memory), QN_LIMIT_EXCEEDED);
    assert_non_null(strstr(e.err.message, "1001"));
    assert_int_equal(qni_eval_scratch(&e.call, SIZE_MAX, 2, &memory), QN_LIMIT_EXCEEDED);
    assert_null(memory);
    assert_int_equal(qni_eval_resize(&e.call, 0, (int64_t[]){300, 2}), QN_LIMIT_EXCEEDED);
    assert_null(e.out.data);
    qni_arena_end(&e.arena);
}

static qn_status resize(void *context, qn_error *err)
{
    (void)context;
    example e;
    begin(&e, 1 << 20);
    qn_status status = qni_eval_resize(&e.call, 0, (int64_t[]){3, 2});
    *err = e.err;
    qni_arena_end(&e.arena);
    return status;
}

static void test_failing_allocation(void **state)
{
    (void)state;
    assert_int_equal(torture(resize, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_the_runs_limit),
        cmocka_unit_test(test_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
