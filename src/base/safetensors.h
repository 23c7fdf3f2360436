// The safetensors format: 8 bytes of header length (little endian), a JSON header {name: {dtype,
// shape, data_offsets}}, then the data. https://huggingface.co/docs/safetensors
#ifndef QNI_BASE_SAFETENSORS_H
#define QNI_BASE_SAFETENSORS_H

#include "base/tensor.h"

typedef struct qni_named_tensor {
    const char *name;
    qni_tensor tensor;
} qni_named_tensor;

// A mapped file. The tensors and names are views that live as long as it does; the data is
// read-only. Tensors that do not tile the data, overlapping or with gaps, are refused, and so is
// any other breach of the format.
typedef struct qni_safetensors qni_safetensors;

QNI_WARN_UNUSED qn_status qni_safetensors_open(const char *path, qni_safetensors **out,
                                               qn_error *err);
void qni_safetensors_close(qni_safetensors *file); // NULL is fine

size_t qni_safetensors_count(const qni_safetensors *file);

// By position, in the order of the header; and by name, NULL when it is not there.
const qni_named_tensor *qni_safetensors_at(const qni_safetensors *file, size_t index);
const qni_tensor *qni_safetensors_find(const qni_safetensors *file, const char *name);

// Writes contiguous or strided tensors of 8 bits and more, with the header in the order given and
// the data widest types first. Names are unique.
QNI_WARN_UNUSED qn_status qni_safetensors_write(const char *path, const qni_named_tensor *tensors,
                                                size_t n, qn_error *err);

#endif
