#include "base/threads.h"

#include "tests/torture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { MAX_TASKS = 10000, MAX_THREADS = 8 };

typedef struct tally {
    atomic_int runs[MAX_TASKS];
    atomic_int busy[MAX_THREADS]; // by thread number: calls under way
    atomic_int twice;             // calls that met another of the same number
    size_t n_threads;
    size_t grain;
    atomic_int too_large; // ranges above the grain, or outside of the pool's numbers
} tally;

static void count(void *context, size_t thread, size_t begin, size_t end)
{
    tally *t = context;
    if (thread >= t->n_threads || begin >= end || (t->grain != 0 && end - begin > t->grain)) {
        atomic_fetch_add(&t->too_large, 1);
        return;
    }
    if (atomic_fetch_add(&t->busy[thread], 1) != 0) {
        atomic_fetch_add(&t->twice, 1);
    }
    for (size_t i = begin; i < end; i++) {
        atomic_fetch_add(&t->runs[i], 1);
    }
    atomic_fetch_sub(&t->busy[thread], 1);
}

static void check_once(qni_threads *threads, size_t n_tasks, size_t grain)
{
    static tally t;
    memset(&t, 0, sizeof t);
    t.n_threads = qni_threads_count(threads);
    t.grain = t.n_threads > 1 && n_tasks > grain ? (grain != 0 ? grain : 1) : 0;
    qni_threads_run(threads, count, &t, n_tasks, grain);
    assert_int_equal(t.too_large, 0);
    assert_int_equal(t.twice, 0);
    for (size_t i = 0; i < MAX_TASKS; i++) {
        assert_int_equal(t.runs[i], i < n_tasks ? 1 : 0);
    }
}

static void test_every_task_runs_once(void **state)
{
    (void)state;
    static const size_t tasks[] = {0, 1, 2, 7, 64, 1000, MAX_TASKS};
    static const size_t grains[] = {0, 1, 3, 64, MAX_TASKS, SIZE_MAX};
    for (size_t n = 0; n <= 4; n++) { // 0 is no pool at all
        qni_threads *threads = NULL;
        if (n != 0) {
            assert_int_equal(qni_threads_create(n, &threads, NULL), QN_OK);
            assert_int_equal(qni_threads_count(threads), n);
        }
        for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
            for (size_t j = 0; j < sizeof grains / sizeof *grains; j++) {
                check_once(threads, tasks[i], grains[j]);
            }
        }
        qni_threads_free(threads);
    }
}

typedef struct meeting {
    pthread_barrier_t barrier;
    atomic_int met;
} meeting;

static void meet(void *context, size_t thread, size_t begin, size_t end)
{
    meeting *m = context;
    (void)thread;
    atomic_fetch_add(&m->met, (int)(end - begin));
    pthread_barrier_wait(&m->barrier); // returns when all four tasks stand here at one time
}

static void test_threads_work_at_one_time(void **state)
{
    (void)state;
    meeting m = {0};
    qni_threads *threads;
    assert_int_equal(pthread_barrier_init(&m.barrier, NULL, 4), 0);
    assert_int_equal(qni_threads_create(4, &threads, NULL), QN_OK);
    qni_threads_run(threads, meet, &m, 4, 1);
    assert_int_equal(m.met, 4);
    qni_threads_free(threads);
    pthread_barrier_destroy(&m.barrier);
}

typedef struct nest {
    qni_threads *threads;
    atomic_int leaves;
} nest;

static void leaf(void *context, size_t thread, size_t begin, size_t end)
{
    (void)thread;
    atomic_fetch_add(&((nest *)context)->leaves, (int)(end - begin));
}

static void branch(void *context, size_t thread, size_t begin, size_t end)
{
    nest *n = context;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        qni_threads_run(n->threads, leaf, n, 10, 1);
    }
}

static void test_a_busy_pool_runs_inline(void **state)
{
    (void)state;
    nest n = {0};
    assert_int_equal(qni_threads_create(3, &n.threads, NULL), QN_OK);
    for (int i = 0; i < 50; i++) {
        qni_threads_run(n.threads, branch, &n, 20, 1);
    }
    assert_int_equal(n.leaves, 50 * 20 * 10);
    qni_threads_free(n.threads);
}

static void test_numbers_of_threads(void **state)
{
    (void)state;
    qn_error err;
    qni_threads *threads;
    assert_int_equal(qni_threads_create(0, &threads, NULL), QN_OK);
    assert_true(qni_threads_count(threads) >= 1);
    qni_threads_free(threads);
    assert_int_equal(qni_threads_create(SIZE_MAX, &threads, &err), QN_INVALID_ARGUMENT);
    assert_null(threads);
    assert_string_equal(err.where, "threads");
    assert_int_equal(qni_threads_count(NULL), 1);
    qni_threads_free(NULL);
}

static qn_status create(void *context, qn_error *err)
{
    (void)context;
    qni_threads *threads;
    QNI_TRY(qni_threads_create(2, &threads, err));
    qni_threads_free(threads);
    return QN_OK;
}

static void test_failing_allocation(void **state)
{
    (void)state;
    assert_int_equal(torture(create, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once),
        cmocka_unit_test(test_threads_work_at_one_time),
        cmocka_unit_test(test_a_busy_pool_runs_inline),
        cmocka_unit_test(test_numbers_of_threads),
        cmocka_unit_test(test_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
