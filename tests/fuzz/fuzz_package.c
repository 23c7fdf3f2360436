// Any bytes as a model: what is read is verified; what is small is compiled and run. Nothing may
// crash, and a refusal says something. A seed is the length of the model's protobuf, the protobuf,
// and the weight file; see make_packages.py.
#include "base/alloc.h"
#include "base/file.h"
#include "quince/quince.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ELEMENTS = 4096 };

static char folder[64];

static void remove_folder(void)
{
    static const char *const names[] = {"model.mlmodel", "weight.bin"};
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void put_file(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

// Zeros of the default shape for each input. False when they would be large.
static bool give_inputs(qn_context *context, const qn_model *model)
{
    static double zeros[MAX_ELEMENTS];
    qn_feature f;
    for (size_t i = 0; qn_model_input(model, 0, i, &f); i++) {
        int64_t count = 1;
        for (int32_t d = 0; d < f.rank; d++) {
            if (f.shape[d] > MAX_ELEMENTS || (count *= f.shape[d]) > MAX_ELEMENTS) {
                return false;
            }
        }
        qn_tensor t = qn_tensor_make(f.dtype, f.rank, f.shape, zeros);
        if (f.dtype == QN_DTYPE_NONE || qn_context_set_input(context, f.name, &t, NULL) != QN_OK) {
            return false;
        }
    }
    return true;
}

static bool has_large_state(const qn_model *model)
{
    qn_feature f;
    for (size_t i = 0; qn_model_state(model, 0, i, &f); i++) {
        for (int32_t d = 0; d < f.rank; d++) {
            if (f.shape[d] > MAX_ELEMENTS) {
                return true;
            }
        }
    }
    return false;
}

static void run(qn_model *model)
{
    qn_context *context = NULL;
    qn_state *state = NULL;
    qn_feature f;
    bool has_state = qn_model_state(model, 0, 0, &f);
    if (has_large_state(model) || qn_context_create(model, NULL, &context, NULL) != QN_OK) {
        return;
    }
    bool ready = !has_state || qn_state_create(model, NULL, &state, NULL) == QN_OK;
    if (ready && give_inputs(context, model)) {
        qn_error err = {0};
        qn_context_watch(context, true);
        if (qn_context_run(context, state, &err) != QN_OK && err.message[0] == '\0') {
            fprintf(stderr, "a failure without a message\n");
            abort();
        }
    }
    qn_state_free(state);
    qn_context_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%s/quince-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (mkdtemp(folder) == NULL) {
            perror(folder);
            exit(2);
        }
        atexit(remove_folder);
    }
    uint32_t n = 0;
    if (size < sizeof n) {
        return 0;
    }
    memcpy(&n, data, sizeof n);
    n = n > size - sizeof n ? (uint32_t)(size - sizeof n) : n;
    put_file("model.mlmodel", data + sizeof n, n);
    put_file("weight.bin", data + sizeof n + n, size - sizeof n - n);
    char path[128];
    snprintf(path, sizeof path, "%s/model.mlmodel", folder);
    qn_model *model = NULL;
    qn_error err = {0};
    const qn_model_options options = {.n_threads = 1};
    qn_status status = qn_model_open(path, &options, &model, &err);
    if (status != QN_OK && err.message[0] == '\0') {
        fprintf(stderr, "a refusal without a message\n");
        abort();
    }
    if (status == QN_OK) {
        run(model);
    }
    qn_model_close(model);
    return 0;
}
