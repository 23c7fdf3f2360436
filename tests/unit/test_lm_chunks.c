// The same prompt in one run, in chunks, and token by token gives the same bits, on every CPU tier
// and number of threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "quince/quince.h"

#include <stdio.h>
#include <string.h>

enum { N = 200 };

static const char *const worker = QNI_SOURCE_DIR "/examples/models/worker";

static float *logits_of(int64_t chunk, size_t n_threads, const char *cpu, int64_t *vocabulary)
{
    qn_error err = {0};
    qn_lm *lm = NULL;
    qn_session *session = NULL;
    int32_t ids[N];
    const qn_lm_options options = {.model = {.n_threads = n_threads, .cpu = cpu}};
    const qn_session_options session_options = {.prefill_chunk = chunk};
    qn_status status = qn_lm_open(worker, &options, &lm, &err);
    if (status == QN_INVALID_ARGUMENT && cpu != NULL) {
        return NULL; // this machine has not that tier
    }
    if (status != QN_OK) {
        print_message("%s: %s\n", err.where, err.message);
    }
    assert_int_equal(status, QN_OK);
    *vocabulary = qn_lm_vocabulary(lm);
    for (int i = 0; i < N; i++) {
        ids[i] = (int32_t)((i * 7919 + 13) % 2000);
    }
    float *out = qni_alloc_array((size_t)(N * *vocabulary), sizeof *out);
    assert_non_null(out);
    assert_int_equal(qn_session_create(lm, &session_options, &session, &err), QN_OK);
    status = qn_session_logits(session, ids, N, out, &err);
    if (status != QN_OK) {
        print_message("%s: %s\n", err.where, err.message);
    }
    assert_int_equal(status, QN_OK);
    qn_session_free(session);
    qn_lm_close(lm);
    return out;
}

static void test_logits_do_not_depend_on_chunks(void **state)
{
    static const int64_t chunks[] = {1, 7, 64, 0};
    int64_t vocabulary;
    float *whole = logits_of(N, 2, NULL, &vocabulary);
    (void)state;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        float *parts = logits_of(chunks[i], 2, NULL, &vocabulary);
        assert_memory_equal(whole, parts, (size_t)(N * vocabulary) * sizeof(float));
        qni_free(parts);
    }
    qni_free(whole);
}

static void test_logits_do_not_depend_on_threads_or_cpu(void **state)
{
    static const char *const tiers[] = {"x86_avx2", "x86_avx512", "ref"};
    int64_t vocabulary;
    float *whole = logits_of(64, 1, NULL, &vocabulary);
    (void)state;
    float *threads = logits_of(64, 3, NULL, &vocabulary);
    assert_memory_equal(whole, threads, (size_t)(N * vocabulary) * sizeof(float));
    qni_free(threads);
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        float *other = logits_of(64, 2, tiers[i], &vocabulary);
        if (other != NULL) {
            assert_memory_equal(whole, other, (size_t)(N * vocabulary) * sizeof(float));
        }
        qni_free(other);
    }
    qni_free(whole);
}

// After the plans are made and the buffers have their size, a token costs no memory.
static uint64_t allocations;

static bool count_allocations(void *user, const char *text, size_t n)
{
    uint64_t *seen = user;
    (void)text;
    (void)n;
    if (*seen < 64) {
        (*seen)++;
        allocations = qni_alloc_count();
    }
    return true;
}

// The causal mask grows with each token; the plans are made once: for the prompt's chunks, for one
// token, and for one token with a length that grows.
static void test_a_growing_mask_is_not_compiled_again(void **state)
{
    qn_error err = {0};
    qn_lm *lm = NULL;
    qn_session *session = NULL;
    qn_context_stats stats[2];
    (void)state;
    assert_int_equal(qn_lm_open(worker, NULL, &lm, &err), QN_OK);
    assert_int_equal(qn_session_create(lm, NULL, &session, &err), QN_OK);
    for (size_t i = 0; i < 2; i++) {
        const qn_generate_options options = {
            .max_tokens = i == 0 ? 4 : 200, .ignore_eos = true, .sample = -1};
        qn_result *result = NULL;
        assert_int_equal(qn_session_generate(session, "Tell me a story", &options, &result, &err),
                         QN_OK);
        qn_result_free(result);
        qn_session_get_stats(session, &stats[i]);
    }
    assert_true(stats[0].n_compiled > 0);
    assert_int_equal(stats[1].n_compiled, stats[0].n_compiled);
    qn_session_free(session);
    qn_lm_close(lm);
}

static void test_decoding_allocates_nothing(void **state)
{
    qn_error err = {0};
    qn_lm *lm = NULL;
    qn_session *session = NULL;
    qn_result *result = NULL;
    uint64_t seen = 0;
    const qn_generate_options options = {.max_tokens = 96,
                                         .ignore_eos = true,
                                         .sample = -1,
                                         .on_text = count_allocations,
                                         .user = &seen};
    (void)state;
    assert_int_equal(qn_lm_open(worker, NULL, &lm, &err), QN_OK);
    assert_int_equal(qn_session_create(lm, NULL, &session, &err), QN_OK);
    assert_int_equal(qn_session_generate(session, "Tell me a story", &options, &result, &err),
                     QN_OK);
    uint64_t at_64 = allocations;
    uint64_t at_end = qni_alloc_count();
    // What is left are the answer's own arrays, which double: two of them at most in 32 tokens.
    assert_true(at_end - at_64 <= 4);
    qn_result_free(result);
    qn_session_free(session);
    qn_lm_close(lm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits_do_not_depend_on_chunks),
        cmocka_unit_test(test_logits_do_not_depend_on_threads_or_cpu),
        cmocka_unit_test(test_a_growing_mask_is_not_compiled_again),
        cmocka_unit_test(test_decoding_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
