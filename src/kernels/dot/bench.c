// The products on one thread against what the machine's arithmetic allows: tokens are rows of a,
// so one row is decoding, many are a prompt.
#include "base/alloc.h"
#include "base/clock.h"
#include "kernels/dot/dot.h"

#include <stdio.h>
#include <string.h>

enum { N = 1536, K = 1536, MAX_M = 512, ROUNDS = 5 };

// ---- The machine's peak of fused multiply-adds in fp32: twelve chains of them, enough to hide
// each one's latency behind the others.

#if defined(__x86_64__)
#include <immintrin.h>

#define CHAINS 12

__attribute__((target("avx512f"))) static double peak_avx512(int64_t n)
{
    __m512 sum[CHAINS];
    __m512 x = _mm512_set1_ps(1.0f);
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = _mm512_set1_ps((float)i);
    }
    uint64_t start = qni_clock_us();
    for (int64_t j = 0; j < n; j++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = _mm512_fmadd_ps(sum[i], x, x);
            __asm__ volatile("" : "+v"(sum[i]));
        }
    }
    return (double)n * CHAINS * 16 / (double)(qni_clock_us() - start + 1);
}

__attribute__((target("avx2,fma"))) static double peak_avx2(int64_t n)
{
    __m256 sum[CHAINS];
    __m256 x = _mm256_set1_ps(1.0f);
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = _mm256_set1_ps((float)i);
    }
    uint64_t start = qni_clock_us();
    for (int64_t j = 0; j < n; j++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = _mm256_fmadd_ps(sum[i], x, x);
            __asm__ volatile("" : "+x"(sum[i]));
        }
    }
    return (double)n * CHAINS * 8 / (double)(qni_clock_us() - start + 1);
}

static double measure_peak(qni_cpu_tier tier)
{
    enum { TIMES = 5000000 };
    return tier >= QNI_CPU_X86_AVX512 ? peak_avx512(TIMES)
           : tier == QNI_CPU_X86_AVX2 ? peak_avx2(TIMES)
                                      : 0;
}
#else
static double measure_peak(qni_cpu_tier tier)
{
    (void)tier;
    return 0;
}
#endif

// ---- The products

typedef struct weight_form {
    const char *name;
    qni_dtype dtype;
    bool is_scaled;
} weight_form;

static const weight_form forms[] = {
    {"fp16", QNI_F16, false}, {"int8", QNI_I8, true}, {"int4", QNI_I4, true}};

static qk_weights *pack(const weight_form *form)
{
    static unsigned char data[N * K * 2];
    static uint16_t scale[N];
    const int64_t dims[2] = {N, K};
    const int64_t blocks[2] = {N, 1};
    qn_error err;
    qk_weights *weights = NULL;
    qk_weight_source source = {.declared = QNI_F16,
                               .data = qni_tensor_make(form->dtype, 2, dims, data)};
    qni_tensor scales = qni_tensor_make(QNI_F16, 2, blocks, scale);
    for (int64_t i = 0; i < N; i++) {
        qni_tensor_set(&scales, i, 0.01);
    }
    for (int64_t i = 0; i < (int64_t)N * K; i++) {
        if (form->is_scaled) {
            qni_tensor_set_int(&source.data, i, i % 15 - 7);
        } else {
            qni_tensor_set(&source.data, i, (double)(i % 15 - 7) / 64);
        }
    }
    source.scale = form->is_scaled ? &scales : NULL;
    return qk_weights_pack(&source, &weights, &err) == QN_OK ? weights : NULL;
}

// Multiply-adds per microsecond, the best of a few runs.
static double measure(const qk_kernel *kernel, const qk_weights *weights, int64_t m)
{
    static uint16_t a[MAX_M * K];
    static uint16_t out[MAX_M * N];
    const int64_t a_dims[2] = {m, K};
    const int64_t out_dims[2] = {m, N};
    const qni_tensor views[2] = {qni_tensor_make(QNI_F16, 2, out_dims, out),
                                 qni_tensor_make(QNI_F16, 2, a_dims, a)};
    const qk_dot_params params = {weights, false};
    const qk_call call = {&params, views, 2};
    void *scratch = qni_alloc_aligned(kernel->scratch_bytes(&call) + 64);
    double best = 0;
    int64_t times = 1 + 256 / m;
    memset(a, 0x3c, sizeof a); // some number near 1
    for (int round = 0; scratch != NULL && round < ROUNDS; round++) {
        uint64_t start = qni_clock_us();
        for (int64_t i = 0; i < times; i++) {
            kernel->run(&call, scratch, 0, kernel->n_tasks(&call));
        }
        double rate = (double)(times * m * N * K) / (double)(qni_clock_us() - start + 1);
        best = rate > best ? rate : best;
    }
    qni_free_aligned(scratch);
    return best;
}

int main(void)
{
    static const qni_cpu_tier tiers[] = {QNI_CPU_X86_AVX512, QNI_CPU_X86_AVX2};
    static const int64_t rows[] = {1, 16, 64, MAX_M};
    qni_cpu_flags have = qni_cpu_detect();
    for (size_t t = 0; t < sizeof tiers / sizeof *tiers; t++) {
        if ((have & QNI_CPU_BIT(tiers[t])) == 0) {
            continue;
        }
        const qk_kernel *kernel = qk_dot_select(have & (QNI_CPU_BIT(tiers[t] + 1) - 1));
        double peak = measure_peak(tiers[t]);
        printf("%s, %d x %d, one thread; peak %.1f G multiply-adds a second\n",
               qni_cpu_tier_name(tiers[t]), N, K, peak / 1e3);
        for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
            qk_weights *weights = pack(&forms[f]);
            for (size_t i = 0; weights != NULL && i < sizeof rows / sizeof *rows; i++) {
                double rate = measure(kernel, weights, rows[i]);
                printf("  %s rows %4lld %8.1f G/s, %3.0f %% of the peak, weights at %5.1f GB/s\n",
                       forms[f].name, (long long)rows[i], rate / 1e3, 100 * rate / peak,
                       rate / 1e3 / (double)rows[i] * (double)weights->bytes / ((double)N * K));
            }
            qk_weights_free(weights);
        }
    }
    return 0;
}
