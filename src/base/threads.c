#include "base/threads.h"

#include "base/alloc.h"

#include <pthreadpool.h>
#include <stdatomic.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

// One call of qni_threads_run. The pool runs one `share` per thread; its number is the thread's
// name, and the shares take ranges of tasks from one counter until none is left. So a thread that
// is late leaves its part to the others.
typedef struct batch {
    qni_task_fn *fn;
    void *context;
    size_t n_tasks;
    size_t grain;
    atomic_size_t next;
} batch;

struct qni_threads {
    pthreadpool_t pool; // NULL with one thread
    size_t n;
    atomic_flag busy; // a run has the pool, and `batch`
    batch batch;

    // The pool orders what is written before a run, by its tasks, and read behind it. That order is
    // said here again, where the thread sanitizer, which does not see into the pool, finds it.
    atomic_size_t order;
};

enum { MAX_THREADS = 1024 };

static size_t processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return (size_t)CPU_COUNT(&set);
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

qn_status qni_threads_create(size_t n, qni_threads **out, qn_error *err)
{
    *out = NULL;
    if (n > MAX_THREADS) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "threads", "%zu threads; allowed are 0 to %d", n,
                        MAX_THREADS);
    }
    qni_threads *threads = qni_calloc(1, sizeof *threads);
    if (threads == NULL) {
        return qni_fail_memory(err);
    }
    threads->n = n != 0 ? n : processors();
    if (threads->n > 1) {
        threads->pool = pthreadpool_create(threads->n);
        if (threads->pool == NULL) {
            n = threads->n;
            qni_free(threads);
            return qni_fail(err, QN_OUT_OF_MEMORY, "threads", "%zu threads could not be started",
                            n);
        }
    }
    *out = threads;
    return QN_OK;
}

void qni_threads_free(qni_threads *threads)
{
    if (threads != NULL) {
        pthreadpool_destroy(threads->pool);
        qni_free(threads);
    }
}

size_t qni_threads_count(const qni_threads *threads)
{
    return threads != NULL ? threads->n : 1;
}

static void share(void *context, size_t thread)
{
    qni_threads *threads = context;
    (void)atomic_load_explicit(&threads->order, memory_order_acquire);
    batch *b = &threads->batch;
    for (;;) {
        size_t begin = atomic_fetch_add_explicit(&b->next, b->grain, memory_order_relaxed);
        if (begin >= b->n_tasks) {
            break;
        }
        size_t end = b->n_tasks - begin > b->grain ? begin + b->grain : b->n_tasks;
        b->fn(b->context, thread, begin, end);
    }
    atomic_fetch_add_explicit(&threads->order, 1, memory_order_release);
}

void qni_threads_run(qni_threads *threads, qni_task_fn *fn, void *context, size_t n_tasks,
                     size_t grain)
{
    if (n_tasks == 0) {
        return;
    }
    if (threads == NULL || threads->pool == NULL || n_tasks <= grain ||
        atomic_flag_test_and_set_explicit(&threads->busy, memory_order_acquire)) {
        fn(context, 0, 0, n_tasks);
        return;
    }
    batch *b = &threads->batch;
    b->fn = fn;
    b->context = context;
    b->n_tasks = n_tasks;
    b->grain = grain != 0 ? grain : 1;
    atomic_store_explicit(&b->next, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&threads->order, 1, memory_order_release);
    pthreadpool_parallelize_1d(threads->pool, share, threads, threads->n, 0);
    (void)atomic_load_explicit(&threads->order, memory_order_acquire);
    atomic_flag_clear_explicit(&threads->busy, memory_order_release);
}
