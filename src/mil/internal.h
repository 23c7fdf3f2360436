// What the files of src/mil share and nobody else needs.
#ifndef QNI_MIL_INTERNAL_H
#define QNI_MIL_INTERNAL_H

#include "mil/op_def.h"

// Grows `*items` (elements of `size` bytes, in the program's arena) to hold `need`. The old memory
// stays in the arena.
QNI_WARN_UNUSED qn_status qni_mil_grow(qni_program *program, void *items, uint32_t *capacity,
                                       uint32_t need, size_t size, qn_error *err);

// A value without type in `function`. The name is copied.
QNI_WARN_UNUSED qn_status qni_mil_new_value(qni_function *function, const char *name,
                                            qni_value **out, qn_error *err);

// The type of a tensor, all dimensions constant.
qni_type qni_mil_type_of(const qni_tensor *tensor);

// A literal of the parameter tables ("1e-05", "[0, 1]", "\"same\"") as a tensor of element type
// `dtype`, in `arena`.
QNI_WARN_UNUSED qn_status qni_mil_literal(qni_arena *arena, const char *text, qni_dtype dtype,
                                          qni_tensor *out, qn_error *err);

// `add "name" (iOS17)`; returns `text`.
const char *qni_mil_where(const qni_op *op, char *text, size_t size);

// qni_op_fold where the arguments and results are within QNI_MAX_EARLY_FOLD_BYTES.
QNI_WARN_UNUSED qn_status qni_op_fold_small(qni_op *op, qn_error *err);

// After `infer`: numbers that are all known become a constant, and what the file declared is
// compared.
QNI_WARN_UNUSED qn_status qni_mil_settle(qni_infer *ctx);

#endif
