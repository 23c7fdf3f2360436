// What the files of the reader share.
#ifndef QNI_SPEC_READER_H
#define QNI_SPEC_READER_H

#include "base/names.h"
#include "mil/build.h"
#include "spec/model.pb-c.h"
#include "spec/package.h"
#include "spec/read.h"

typedef struct qni_reader {
    const qni_op_table *table;
    qni_package package;
    qni_model *model;
    qni_program *program;
    qni_map **maps; // weight files opened so far
    char **map_names;
    size_t n_maps, map_capacity, name_capacity;
    const char *where; // the model file, for messages
    qn_error *err;
} qni_reader;

// Fails with the model file as `where`.
#define qni_reader_fail(reader, status, ...) \
    qni_fail((reader)->err, status, (reader)->where, __VA_ARGS__)

// The type of a value. A dimension that the file does not know becomes {INT32_MAX, 0}: only its
// rank is told. With `static_dims` not NULL all must be known and are put there.
QNI_WARN_UNUSED qn_status qni_read_type(qni_reader *r, const Spec__ValueType *from,
                                        const char *name, qni_type *to);

// A constant: an immediate value, copied into the program, or a blob of a weight file.
QNI_WARN_UNUSED qn_status qni_read_value(qni_reader *r, qni_function *function,
                                         const Spec__Value *from, const char *name,
                                         qni_value **out);

// The features of the description, into the program's arena.
QNI_WARN_UNUSED qn_status qni_read_features(qni_reader *r, Spec__Feature *const *from, size_t n,
                                            const qni_feature **out);
QNI_WARN_UNUSED qn_status qni_read_metadata(qni_reader *r, const Spec__Metadata *from);

// The operations of one function, whose features are read.
QNI_WARN_UNUSED qn_status qni_read_function(qni_reader *r, const Spec__Function *from,
                                            qni_model_function *to);

// Counts the operations of one function and those that the table has not.
QNI_WARN_UNUSED qn_status qni_read_operation_names(qni_reader *r, const Spec__Function *from);

// The specialization to use, and its opset.
QNI_WARN_UNUSED qn_status qni_choose_block(qni_reader *r, const Spec__Function *from,
                                           const char *name, const Spec__Block **block,
                                           int32_t *opset);

// A string of the file in the program's arena: valid UTF-8 without zero bytes.
QNI_WARN_UNUSED qn_status qni_read_text(qni_reader *r, const char *from, const char **to);

#endif
