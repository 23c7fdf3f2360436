#include "text/encode_context.h"

#include "base/alloc.h"

void qni_context_free(qni_context *context)
{
    if (context == NULL) {
        return;
    }
    qni_words_end(&context->words);
    qni_free(context->parts);
    qni_free(context->marked);
    qni_model_scratch_end(&context->model);
    qni_normalize_scratch_end(&context->normalize);
    qni_pretokenize_scratch_end(&context->pretokenize);
    qni_scan_end(&context->scan);
    qni_ids_end(&context->late);
    qni_draft_end(&context->clean);
    qni_free(context);
}

// A call takes any free context by swapping NULL into its place, and puts it into any empty place.
// Threads never wait, and a context is never in two hands.
qn_status qni_context_take(const qni_tokenizer *t, qni_context **out, qn_error *err)
{
    // the pool is all that changes in a tokenizer
    qni_tokenizer *pool = (qni_tokenizer *)(uintptr_t)t;
    for (int i = 0; i < QNI_POOLED_CONTEXTS; i++) {
        if (atomic_load_explicit(&pool->contexts[i], memory_order_relaxed) != NULL) {
            *out = atomic_exchange_explicit(&pool->contexts[i], NULL, memory_order_acquire);
            if (*out != NULL) {
                return QN_OK;
            }
        }
    }
    *out = qni_calloc(1, sizeof **out);
    return *out != NULL ? QN_OK : qni_fail_memory(err);
}

void qni_context_give(const qni_tokenizer *t, qni_context *context)
{
    qni_tokenizer *pool = (qni_tokenizer *)(uintptr_t)t;
    for (int i = 0; i < QNI_POOLED_CONTEXTS; i++) {
        qni_context *empty = NULL;
        if (atomic_compare_exchange_strong_explicit(&pool->contexts[i], &empty, context,
                                                    memory_order_release, memory_order_relaxed)) {
            return;
        }
    }
    qni_context_free(context);
}
