// Torture: a job is run again and again while its 1st, 2nd, 3rd ... allocation fails, until it gets
// through untouched. Each failing run must say QN_OUT_OF_MEMORY and leave nothing behind, which the
// address sanitizer's leak check sees.
//
//     static qn_status parse(void *context, qn_error *err) { ... }
//     ...
//     torture(parse, &input);
//
// The job starts from nothing and cleans up after itself on every way out; when it returns QN_OK it
// has checked its result with cmocka's asserts. One that asserts before it has cleaned up on a
// failure hides the failure's place, so keep the asserts behind the last call that can fail.
#ifndef QUINCE_TESTS_TORTURE_H
#define QUINCE_TESTS_TORTURE_H

#include "base/alloc.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef qn_status torture_job(void *context, qn_error *err);

// A job with more allocations than this is too large to be tried allocation by allocation.
enum { TORTURE_MAX_RUNS = 20000 };

// Runs `job` with its n-th and every later allocation failing. True when it asked for fewer than n,
// so that nothing failed.
static inline bool torture_once(torture_job *job, void *context, uint64_t n)
{
    qn_error err = {.status = QN_OK};
    uint64_t before = qni_alloc_count();
    qni_alloc_fail_after(n);
    qn_status status = job(context, &err);
    qni_alloc_fail_after(0);
    bool untouched = qni_alloc_count() - before < n;
    if (status != QN_OK && (untouched || status != QN_OUT_OF_MEMORY || err.status != status)) {
        fail_msg("allocation %llu %s: %s, error %s: %s", (unsigned long long)n,
                 untouched ? "was not reached" : "failed", qn_status_name(status),
                 qn_status_name(err.status), err.message);
    }
    return untouched;
}

// Returns how many allocations the job makes, so that a test can tell that it made some.
static inline uint64_t torture(torture_job *job, void *context)
{
    for (uint64_t n = 1; n <= TORTURE_MAX_RUNS; n++) {
        if (torture_once(job, context, n)) {
            return n - 1;
        }
    }
    fail_msg("more than %d allocations", (int)TORTURE_MAX_RUNS);
    return 0;
}

#endif
