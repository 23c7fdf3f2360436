// The products of every instruction set against the reference, bit for bit, over the edges of tiles
// and all forms of weights.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/half.h"
#include "kernels/dot/dot.h"

#include <string.h>

enum { MAX_M = 30, MAX_N = 70, MAX_K = 96 };

static uint64_t seed = 1;

static double draw(double lo, double hi)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(seed >> 11) * 0x1p-53;
}

typedef struct form {
    const char *name;
    qni_dtype data;
    bool is_scaled, has_offset, has_lut;
    int64_t block_k; // 0: one block
} form;

static const form forms[] = {
    {"fp32", QNI_F32, false, false, false, 0},
    {"fp16", QNI_F16, false, false, false, 0},
    {"int8", QNI_I8, true, false, false, 0},
    {"uint8 with offsets", QNI_U8, true, true, false, 0},
    {"int8 by blocks", QNI_I8, true, false, false, 16},
    {"int4", QNI_I4, true, false, false, 16},
    {"uint4 with offsets", QNI_U4, true, true, false, 32},
    {"palette", QNI_U4, false, false, true, 0},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

typedef struct matrices {
    unsigned char data[MAX_N * MAX_K * 4];
    uint16_t scale[MAX_N * MAX_K];
    unsigned char offset[MAX_N * MAX_K];
    uint16_t lut[16];
    uint16_t a[MAX_M * MAX_K];
    uint16_t bias[MAX_N];
    qni_tensor scales, offsets, table;
    qk_weight_source source;
} matrices;

static void fill(const qni_tensor *t, double lo, double hi)
{
    for (int64_t i = 0; i < qni_tensor_count(t); i++) {
        if (qni_dtype_is_float(t->dtype)) {
            qni_tensor_set(t, i, draw(lo, hi));
        } else {
            qni_tensor_set_int(t, i, (int64_t)draw(lo, hi));
        }
    }
}

static void make(matrices *x, const form *f, int64_t n, int64_t k)
{
    const int64_t dims[2] = {n, k};
    const int64_t blocks[2] = {n, f->block_k != 0 ? k / f->block_k : 1};
    const int64_t table[4] = {1, 1, 16, 1};
    int64_t lo = 0;
    int64_t hi = 1;
    memset(x, 0, sizeof *x);
    if (qni_dtype_is_int(f->data)) {
        qni_dtype_range(f->data, &lo, &hi);
    } else {
        lo = -1;
    }
    x->source.declared = f->data == QNI_F32 ? QNI_F32 : QNI_F16;
    x->source.data = qni_tensor_make(f->data, 2, dims, x->data);
    fill(&x->source.data, (double)lo, (double)hi);
    x->scales = qni_tensor_make(QNI_F16, 2, blocks, x->scale);
    fill(&x->scales, 0.001, 0.02);
    x->offsets = qni_tensor_make(f->data, 2, blocks, x->offset);
    x->table = qni_tensor_make(QNI_F16, 4, table, x->lut);
    fill(&x->table, -1, 1);
    x->source.scale = f->is_scaled ? &x->scales : NULL;
    x->source.lut = f->has_lut ? &x->table : NULL;
    if (f->has_offset) {
        fill(&x->offsets, (double)lo, (double)hi);
        x->source.offset = &x->offsets;
    }
}

static void run(const qk_kernel *kernel, const qk_call *call)
{
    void *scratch = qni_alloc_aligned(kernel->scratch_bytes(call) + 64);
    assert_non_null(scratch);
    size_t n = kernel->n_tasks(call);
    for (size_t task = 0; task < n; task++) { // as if many threads shared them
        kernel->run(call, scratch, task, task + 1);
    }
    qni_free_aligned(scratch);
}

// out[i, j] from the values themselves, in the order that the header promises.
static void check_values(const matrices *x, const qni_tensor *out, int64_t k, bool has_bias)
{
    for (int64_t i = 0; i < out->dims[0]; i++) {
        for (int64_t j = 0; j < out->dims[1]; j++) {
            float sum = 0.0f;
            for (int64_t l = 0; l < k; l++) {
                double value = qk_weight_at(&x->source, j, l);
                float w = x->source.declared == QNI_F16
                              ? qni_f16_to_f32(qni_f32_to_f16((float)value))
                              : (float)value;
                sum = __builtin_fmaf(qni_f16_to_f32(x->a[i * k + l]), w, sum);
            }
            sum = has_bias ? sum + qni_f16_to_f32(x->bias[j]) : sum;
            assert_int_equal(qni_f32_to_f16(sum),
                             ((const uint16_t *)out->data)[i * out->dims[1] + j]);
        }
    }
}

static void check(const form *f, int64_t m, int64_t n, int64_t k, bool has_bias)
{
    static matrices x;
    static uint16_t first[MAX_M * MAX_N];
    static uint16_t other[MAX_M * MAX_N];
    qk_weights *weights = NULL;
    make(&x, f, n, k);
    assert_int_equal(qk_weights_pack(&x.source, &weights, NULL), QN_OK);
    const int64_t a_dims[2] = {m, k};
    const int64_t out_dims[2] = {m, n};
    qni_tensor a = qni_tensor_make(QNI_F16, 2, a_dims, x.a);
    qni_tensor bias = qni_tensor_make(QNI_F16, 1, &n, x.bias);
    fill(&a, -2, 2);
    fill(&bias, -2, 2);
    const qk_dot_params params = {weights, has_bias};
    qni_tensor views[3] = {qni_tensor_make(QNI_F16, 2, out_dims, first), a, bias};
    qk_call call = {&params, views, has_bias ? 3 : 2};
    run(qk_dot__ref(), &call);
    check_values(&x, &views[0], k, has_bias);
    for (int tier = 1; tier < QNI_N_CPU_TIERS; tier++) {
        if ((qni_cpu_detect() & QNI_CPU_BIT(tier)) != 0) {
            views[0].data = other;
            memset(other, 0xFF, sizeof other);
            run(qk_dot_select((QNI_CPU_BIT(tier) << 1) - 1), &call);
            assert_memory_equal(first, other, (size_t)(m * n) * 2);
        }
    }
    qk_weights_free(weights);
}

static void test_dot_agrees_on_all_tiers(void **state)
{
    static const int64_t ms[] = {1, 2, 5, 12, 13, 30};
    static const int64_t ns[] = {1, 15, 16, 17, 48, 70};
    (void)state;
    for (int f = 0; f < N_FORMS; f++) {
        for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
            for (size_t j = 0; j < sizeof ns / sizeof *ns; j++) {
                check(&forms[f], ms[i], ns[j], (i + j) % 2 != 0 ? 96 : 32, (i + j) % 3 == 0);
            }
        }
    }
}

// A row gives the bits alone that it gives among others: what chunks of a prompt rely on.
static void test_dot_rows_do_not_depend_on_others(void **state)
{
    static matrices x;
    static uint16_t all[MAX_M * MAX_N];
    static uint16_t one[MAX_N];
    const int64_t m = 30;
    const int64_t n = 70;
    const int64_t k = 96;
    qk_weights *weights = NULL;
    (void)state;
    make(&x, &forms[2], n, k);
    assert_int_equal(qk_weights_pack(&x.source, &weights, NULL), QN_OK);
    const int64_t a_dims[2] = {m, k};
    const int64_t out_dims[2] = {m, n};
    const qk_dot_params params = {weights, false};
    qni_tensor views[2] = {qni_tensor_make(QNI_F16, 2, out_dims, all),
                           qni_tensor_make(QNI_F16, 2, a_dims, x.a)};
    qk_call call = {&params, views, 2};
    fill(&views[1], -2, 2);
    run(qk_dot_select(qni_cpu_detect()), &call);
    views[0].data = one;
    views[0].dims[0] = views[1].dims[0] = 1;
    for (int64_t i = 0; i < m; i++) {
        views[1].data = x.a + i * k;
        run(qk_dot_select(qni_cpu_detect()), &call);
        assert_memory_equal(all + i * n, one, (size_t)n * 2);
    }
    qk_weights_free(weights);
}

static void test_dot_selects_the_highest_tier_allowed(void **state)
{
    (void)state;
    assert_string_equal(qk_dot_select(QNI_CPU_BIT(QNI_CPU_REF))->name, "qk_dot__ref");
#if defined(__x86_64__)
    qni_cpu_flags avx2 = QNI_CPU_BIT(QNI_CPU_REF) | QNI_CPU_BIT(QNI_CPU_X86_AVX2);
    assert_string_equal(qk_dot_select(avx2)->name, "qk_dot__x86_avx2");
    assert_string_equal(qk_dot_select(avx2 | QNI_CPU_BIT(QNI_CPU_X86_AVX512))->name,
                        "qk_dot__x86_avx512");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dot_agrees_on_all_tiers),
        cmocka_unit_test(test_dot_rows_do_not_depend_on_others),
        cmocka_unit_test(test_dot_selects_the_highest_tier_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
