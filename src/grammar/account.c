#include "grammar/account.h"

#include "base/alloc.h"

void qni_account_begin(qni_account *account, size_t limit_bytes, uint64_t limit_work)
{
    *account = (qni_account){.limit_bytes = limit_bytes, .limit_work = limit_work};
}

bool qni_account_fail(qni_account *account, qn_status status, const char *reason)
{
    if (account->status == QN_OK) {
        account->status = status;
        account->reason = reason;
    }
    return false;
}

bool qni_account_fail_work(qni_account *account)
{
    return qni_account_fail(account, QN_LIMIT_EXCEEDED, "the grammar takes too long to decide");
}

static bool has_room(qni_account *account, size_t bytes)
{
    return account->used_bytes + bytes <= account->limit_bytes ||
           qni_account_fail(account, QN_LIMIT_EXCEEDED, "the grammar takes too much memory");
}

// Charges the account for memory that was got.
static void *charge(qni_account *account, void *memory, size_t bytes)
{
    if (memory == NULL) {
        qni_account_fail(account, QN_OUT_OF_MEMORY, "out of memory");
    }
    account->used_bytes += memory != NULL ? bytes : 0;
    return memory;
}

bool qni_account_grow_more(qni_account *account, void *items, size_t *capacity, size_t need,
                           size_t size)
{
    size_t before = *capacity;
    if (!has_room(account, (need - before) * size)) {
        return false;
    }
    if (qni_grow(items, capacity, need, size) != 0) {
        return qni_account_fail(account, QN_OUT_OF_MEMORY, "out of memory");
    }
    account->used_bytes += (*capacity - before) * size;
    return true;
}

void *qni_account_alloc(qni_account *account, size_t bytes)
{
    return has_room(account, bytes) ? charge(account, qni_calloc(1, bytes), bytes) : NULL;
}

void *qni_account_piece(qni_account *account, qni_arena *arena, size_t bytes)
{
    return has_room(account, bytes) ? charge(account, qni_arena_alloc(arena, bytes), bytes) : NULL;
}

qn_status qni_account_status(const qni_account *account, qn_error *err)
{
    if (account->status == QN_OK) {
        return QN_OK;
    }
    return qni_fail(err, account->status, NULL, "%s", account->reason);
}
