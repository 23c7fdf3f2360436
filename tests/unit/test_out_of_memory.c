// Memory that runs out at any point of opening, compiling and running a model is an error, and
// leaves nothing behind.
#include "tests/temporary.h"
#include "tests/torture.h"

#include "quince/quince.h"

#include <stdio.h>
#include <string.h>

static void write_part(const char *path, const uint8_t *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

// The packages of the fuzz harness: the length of the protobuf, the protobuf, the weights.
static void unpack(const char *name, const char *folder)
{
    static uint8_t data[1 << 20];
    char path[TEMPORARY_PATH + 64];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/fuzz_package/%s.bin", QNI_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(data, 1, sizeof data, file);
    fclose(file);
    uint32_t length;
    assert_true(n > sizeof length);
    memcpy(&length, data, sizeof length);
    assert_true(length + sizeof length <= n);
    snprintf(path, sizeof path, "%s/model.mlmodel", folder);
    write_part(path, data + sizeof length, length);
    snprintf(path, sizeof path, "%s/weight.bin", folder);
    write_part(path, data + sizeof length + length, n - length - sizeof length);
}

static qn_status run_once(qn_model *model, qn_context *context, qn_state *state, qn_error *err)
{
    static double zeros[4096];
    qn_feature f;
    for (size_t i = 0; qn_model_input(model, 0, i, &f); i++) {
        qn_tensor t = qn_tensor_make(f.dtype, f.rank, f.shape, zeros);
        qn_status status = qn_context_set_input(context, f.name, &t, err);
        if (status != QN_OK) {
            return status;
        }
    }
    return qn_context_run(context, state, err);
}

static qn_status open_and_run(void *path, qn_error *err)
{
    const qn_model_options options = {.n_threads = 1};
    qn_model *model = NULL;
    qn_context *context = NULL;
    qn_state *state = NULL;
    qn_feature f;
    qn_status status = qn_model_open(path, &options, &model, err);
    if (status == QN_OK) {
        status = qn_context_create(model, NULL, &context, err);
    }
    if (status == QN_OK && qn_model_state(model, 0, 0, &f)) {
        status = qn_state_create(model, NULL, &state, err);
    }
    if (status == QN_OK) {
        status = run_once(model, context, state, err);
    }
    qn_state_free(state);
    qn_context_free(context);
    qn_model_close(model);
    return status;
}

static void test_models(void **state)
{
    static const char *const names[] = {"attention", "compressed", "elementwise", "gather",
                                        "linear",    "search",     "shapes",      "state"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char folder[TEMPORARY_PATH];
        char path[TEMPORARY_PATH + 64];
        temporary_begin(folder);
        unpack(names[i], folder);
        snprintf(path, sizeof path, "%s/model.mlmodel", folder);
        uint64_t n = torture(open_and_run, path);
        print_message("%s: %llu allocations\n", names[i], (unsigned long long)n);
        assert_true(n > 20);
        temporary_end(folder);
    }
}

static qn_status answer(void *unused, qn_error *err)
{
    static const char messages[] = "[{\"role\": \"user\", \"content\": \"Show me the weather\"}]";
    const qn_lm_options options = {.model = {.n_threads = 1}};
    const qn_generate_options generate = {.max_tokens = 3};
    qn_lm *lm = NULL;
    qn_session *session = NULL;
    qn_result *result = NULL;
    (void)unused;
    qn_status status = qn_lm_open(QNI_SOURCE_DIR "/examples/models/worker", &options, &lm, err);
    if (status == QN_OK) {
        status = qn_session_create(lm, NULL, &session, err);
    }
    if (status == QN_OK) {
        status = qn_session_chat(session, messages, NULL, NULL, &generate, &result, err);
    }
    qn_result_free(result);
    qn_session_free(session);
    qn_lm_close(lm);
    return status;
}

// A language model asks for memory too often to fail each time: a sample, denser at the start.
static void test_language_model(void **state)
{
    uint64_t n = 1;
    (void)state;
    while (!torture_once(answer, NULL, n)) {
        n += 1 + n / 12;
    }
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_models),
                                       cmocka_unit_test(test_language_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
