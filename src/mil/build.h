// Making programs. Whatever is added is checked first; on failure nothing was added and the error
// names the operation, its opset, the parameter, what was given and what is allowed.
#ifndef QNI_MIL_BUILD_H
#define QNI_MIL_BUILD_H

#include "mil/op_def.h"

QNI_WARN_UNUSED qn_status qni_program_create(qni_program **out, qn_error *err);
void qni_program_free(qni_program *program); // NULL is fine

// The program holds a share of `map` from now on, until it is freed.
QNI_WARN_UNUSED qn_status qni_program_add_map(qni_program *program, qni_map *map, qn_error *err);

// An empty function. Names are copied.
QNI_WARN_UNUSED qn_status qni_function_create(qni_program *program, const char *name, int32_t opset,
                                              qni_function **out, qn_error *err);
qni_function *qni_program_find(const qni_program *program, const char *name); // NULL: not there

// A value that no operation makes: an input of a block (the function's own body included), in
// order.
QNI_WARN_UNUSED qn_status qni_block_add_input(qni_block *block, const char *name,
                                              const qni_type *type, qni_value **out, qn_error *err);

// A constant. The tensor struct is copied, its data is not: it lies in the program's arena or in
// one of its maps.
QNI_WARN_UNUSED qn_status qni_function_add_constant(qni_function *function, const char *name,
                                                    const qni_tensor *contents, qni_value **out,
                                                    qn_error *err);

// A copy of `contents` in the program's arena.
QNI_WARN_UNUSED qn_status qni_function_copy_constant(qni_function *function, const char *name,
                                                     const qni_tensor *contents, qni_value **out,
                                                     qn_error *err);

// One named argument of an operation that is to be added: n values (more than one only for a
// variadic parameter).
typedef struct qni_named_arg {
    const char *name;
    qni_value *const *values;
    size_t n;
} qni_named_arg;

// An operation that is to be added. `out_types` may be NULL, or hold NULL for outputs that nothing
// is said about.
typedef struct qni_op_spec {
    const qni_op_def *def;
    const char *name;
    const qni_named_arg *args;
    size_t n_args;
    const char *const *out_names;
    const qni_type *const *out_types; // what the file declares; compared with what is inferred
    size_t n_outs;
    qni_block *const *blocks; // built before, with qni_block_create
    size_t n_blocks;
} qni_op_spec;

// Binds, checks, infers and, when all arguments are known and small (QNI_MAX_EARLY_FOLD_BYTES),
// evaluates: parameters that must be known before the run may come from such operations. `out` may
// be NULL.
QNI_WARN_UNUSED qn_status qni_block_add_op(qni_block *block, const qni_op_spec *spec, qni_op **out,
                                           qn_error *err);

// The same for arguments already in parameter order, as another function's copy of an operation has
// them.
QNI_WARN_UNUSED qn_status qni_block_add_bound(qni_block *block, const qni_op_spec *spec,
                                              qni_value *const *args, const qni_span *params,
                                              qni_op **out, qn_error *err);

QNI_WARN_UNUSED qn_status qni_block_create(qni_function *function, qni_block *outer,
                                           qni_block **out, qn_error *err);
QNI_WARN_UNUSED qn_status qni_block_set_outputs(qni_block *block, qni_value *const *values,
                                                size_t n, qn_error *err);

// Whether the operation can be evaluated before the run: it is pure and its arguments are known.
bool qni_op_can_fold(const qni_op *op);

// Evaluates it, if it can be, into constants on its outputs; outputs whose shape depends on the
// data get it.
QNI_WARN_UNUSED qn_status qni_op_fold(qni_op *op, qn_error *err);

// Checks what adding checked, again and from outside: every value is defined before use and in a
// block around it, ids and spans are in range, types are as inference gives them. For after passes
// that rewrite.
QNI_WARN_UNUSED qn_status qni_function_verify(const qni_function *function, qn_error *err);

#endif
