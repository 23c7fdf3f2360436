// A safetensors file: reading it fails with a status, or gives tensors that lie inside the file,
// and that come out the same when they are written and read again.
#include "base/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_base_safetensors: %s\n", what);
        abort();
    }
}

// Two files in memory, for the input and for what is written from it.
static void make_path(char path[64], int *fd)
{
    *fd = memfd_create("fuzz", MFD_CLOEXEC);
    check(*fd >= 0, "no file in memory");
    snprintf(path, 64, "/proc/self/fd/%d", *fd);
}

static void compare(const qni_safetensors *a, const qni_safetensors *b)
{
    check(qni_safetensors_count(a) == qni_safetensors_count(b), "another number of tensors");
    for (size_t i = 0; i < qni_safetensors_count(a); i++) {
        const qni_named_tensor *x = qni_safetensors_at(a, i);
        const qni_named_tensor *y = qni_safetensors_at(b, i);
        check(strcmp(x->name, y->name) == 0, "another name");
        check(x->tensor.dtype == y->tensor.dtype, "another type");
        check(qni_tensor_same_shape(&x->tensor, &y->tensor), "another shape");
        size_t bytes = qni_tensor_bytes(&x->tensor);
        check(bytes == 0 || memcmp(x->tensor.data, y->tensor.data, bytes) == 0, "other data");
    }
}

static void write_again(const qni_safetensors *file)
{
    char folder[] = "/tmp/quince-fuzz-XXXXXX";
    char path[sizeof folder + 8];
    check(mkdtemp(folder) != NULL, "no folder");
    snprintf(path, sizeof path, "%s/again", folder);
    size_t n = qni_safetensors_count(file);
    qn_status status = qni_safetensors_write(path, n != 0 ? qni_safetensors_at(file, 0) : NULL, n,
                                             NULL);
    check(status == QN_OK, "what was read cannot be written");
    qni_safetensors *again;
    check(qni_safetensors_open(path, &again, NULL) == QN_OK, "what was written cannot be read");
    compare(file, again);
    qni_safetensors_close(again);
    unlink(path);
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd;
    qn_error err = {.status = QN_OK};
    qni_safetensors *file;
    make_path(path, &fd);
    check(write(fd, data, size) == (ssize_t)size, "the input cannot be kept");
    qn_status status = qni_safetensors_open(path, &file, &err);
    check(status == QN_OK ? file != NULL : file == NULL && err.status == status,
          "the status is not told twice alike");
    if (file != NULL) {
        write_again(file);
        qni_safetensors_close(file);
    }
    close(fd);
    return 0;
}
