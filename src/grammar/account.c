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

bool qni_account_step(qni_account *account, uint32_t weight)
{
    account->work += weight;
    if (account->work > account->limit_work) {
        return qni_account_fail(account, QN_LIMIT_EXCEEDED, "the grammar takes too long to decide");
    }
    return account->status == QN_OK;
}

bool qni_account_grow(qni_account *account, void *items, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) {
        return true;
    }
    size_t before = *capacity;
    if (account->used_bytes + (need - before) * size > account->limit_bytes) {
        return qni_account_fail(account, QN_LIMIT_EXCEEDED, "the grammar takes too much memory");
    }
    if (qni_grow(items, capacity, need, size) != 0) {
        return qni_account_fail(account, QN_OUT_OF_MEMORY, "out of memory");
    }
    account->used_bytes += (*capacity - before) * size;
    return true;
}

void *qni_account_alloc(qni_account *account, size_t bytes)
{
    if (account->used_bytes + bytes > account->limit_bytes) {
        qni_account_fail(account, QN_LIMIT_EXCEEDED, "the grammar takes too much memory");
        return NULL;
    }
    void *memory = qni_calloc(1, bytes);
    if (memory == NULL) {
        qni_account_fail(account, QN_OUT_OF_MEMORY, "out of memory");
    }
    account->used_bytes += memory != NULL ? bytes : 0;
    return memory;
}

qn_status qni_account_status(const qni_account *account, qn_error *err)
{
    if (account->status == QN_OK) {
        return QN_OK;
    }
    return qni_fail(err, account->status, NULL, "%s", account->reason);
}
