#include "text/encode_context.h"

#include "base/alloc.h"

#include <string.h>

static void end_draft(qni_draft *draft)
{
    qni_free(draft->text);
    qni_free(draft->origin);
}

void qni_context_free(qni_context *context)
{
    if (context == NULL) {
        return;
    }
    qni_words_end(&context->words);
    qni_model_scratch_end(&context->model);
    qni_free(context->cuts.items);
    qni_free(context->next_cuts.items);
    qni_splitter_free_match(context->match);
    end_draft(&context->clean);
    end_draft(&context->drafts[0]);
    end_draft(&context->drafts[1]);
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

qn_status qni_draft_add(qni_draft *draft, const char *bytes, size_t n, qni_text_span from,
                        bool track, qn_error *err)
{
    size_t need = draft->n + n;
    if (qni_grow(&draft->text, &draft->capacity, need, 1) != 0 ||
        (track &&
         qni_grow(&draft->origin, &draft->origin_capacity, need, sizeof *draft->origin) != 0)) {
        return qni_fail_memory(err);
    }
    memcpy(draft->text + draft->n, bytes, n);
    for (size_t i = 0; track && i < n; i++) {
        draft->origin[draft->n + i] = from;
    }
    draft->n = need;
    return QN_OK;
}
