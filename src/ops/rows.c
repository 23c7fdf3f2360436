#include "ops/rows.h"

#include <string.h>

void qni_axes_last(int32_t rank, uint32_t axes, int32_t *perm)
{
    int32_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t d = 0; d < rank; d++) {
            if ((int)(axes >> d & 1) == pass) {
                perm[n++] = d;
            }
        }
    }
}

qn_status qni_eval_norm(qni_eval *call, const qk_norm_params *params, uint32_t axes,
                        const qni_tensor *views, size_t n)
{
    const qk_kernel *kernel = qk_norm_select(QNI_CPU_BIT(QNI_CPU_REF));
    int32_t perm[QNI_MAX_RANK];
    qni_tensor permuted[6];
    qni_axes_last(views[0].rank, axes, perm);
    for (size_t i = 0; i < n; i++) {
        permuted[i] = qni_tensor_permute(&views[i], perm);
    }
    qk_call kernel_call = {params, permuted, n};
    void *scratch;
    QNI_TRY(qni_eval_scratch(call, kernel->scratch_bytes(&kernel_call) + 1, 1, &scratch));
    kernel->run(&kernel_call, scratch, 0, kernel->n_tasks(&kernel_call));
    return QN_OK;
}

qn_status qni_lower_norm(qni_lower *lower, const qk_norm_params *params, uint32_t axes,
                         qni_view *views, size_t n)
{
    qk_norm_params *kept = qni_arena_alloc(lower->arena, sizeof *kept);
    if (kept == NULL) {
        return qni_fail_memory(lower->err);
    }
    *kept = *params;
    int32_t perm[QNI_MAX_RANK];
    qni_axes_last(views[0].rank, axes, perm);
    for (size_t i = 0; i < n; i++) {
        qni_view_permute(&views[i], perm);
    }
    return qni_lower_step(lower, qk_norm_select(lower->cpu), kept, views, n, 1);
}
