// What one compiled grammar may spend. Every table of the engine draws on one account, so that a
// hostile schema or a long run meets a named limit and never the system's. Failure is sticky: a
// table that cannot grow marks the account and returns id 0, which every table reads as "nothing";
// the outermost call asks for the status once, at its end.
#ifndef QNI_GRAMMAR_ACCOUNT_H
#define QNI_GRAMMAR_ACCOUNT_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qni_account {
    size_t used_bytes;
    size_t limit_bytes;
    uint64_t work;       // steps of the searches since the outermost call began
    uint64_t limit_work; // past it the search gives up
    qn_status status;    // QN_OK until something failed
    const char *reason;  // what failed; a constant
} qni_account;

void qni_account_begin(qni_account *account, size_t limit_bytes, uint64_t limit_work);

// Marks a failure. The first one stays. Returns false, for `return qni_account_fail(...)`.
bool qni_account_fail(qni_account *account, qn_status status, const char *reason);

// Marks that too much was done; false.
bool qni_account_fail_work(qni_account *account);

// Counts a step of a search that costs `weight` (1 is about 100 ns); false when too much was done.
static inline bool qni_account_step(qni_account *account, uint32_t weight)
{
    account->work += weight;
    return account->work <= account->limit_work ? account->status == QN_OK
                                                : qni_account_fail_work(account);
}

// qni_account_grow where there is no room yet.
bool qni_account_grow_more(qni_account *account, void *items, size_t *capacity, size_t need,
                           size_t size);

// qni_grow on the account's bytes; the new part is not cleared.
static inline bool qni_account_grow(qni_account *account, void *items, size_t *capacity,
                                    size_t need, size_t size)
{
    return need <= *capacity || qni_account_grow_more(account, items, capacity, need, size);
}

// Memory on the account's bytes, cleared; NULL when that failed. Free it with qni_free.
void *qni_account_alloc(qni_account *account, size_t bytes);

// The same as a piece of an arena.
void *qni_account_piece(qni_account *account, qni_arena *arena, size_t bytes);

// The failure as an error, or QN_OK.
QNI_WARN_UNUSED qn_status qni_account_status(const qni_account *account, qn_error *err);

#endif
