// A pool of worker threads that shares out numbered tasks. A thin cover over pthreadpool.
#ifndef QNI_BASE_THREADS_H
#define QNI_BASE_THREADS_H

#include "base/error.h"

typedef struct qni_threads qni_threads;

// Runs the tasks [begin, end); `thread` is below the pool's size and unique among the calls of one
// qni_threads_run that run at one time.
typedef void qni_task_fn(void *context, size_t thread, size_t begin, size_t end);

// `n` threads in all, the caller's included; 0 takes the number of processors this process may use.
QNI_WARN_UNUSED qn_status qni_threads_create(size_t n, qni_threads **out, qn_error *err);
void qni_threads_free(qni_threads *threads); // NULL is fine

size_t qni_threads_count(const qni_threads *threads); // 1 for NULL

// Calls `fn` until every task in [0, n_tasks) has run once, and returns when all are done. Threads
// share them out in ranges of up to `grain` tasks. With one thread, one range or NULL `threads` all
// run as one range in the calling thread, and so they do while another caller has the pool.
void qni_threads_run(qni_threads *threads, qni_task_fn *fn, void *context, size_t n_tasks,
                     size_t grain);

#endif
