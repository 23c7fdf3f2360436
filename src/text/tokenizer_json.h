// What the readers of tokenizer.json's parts share.
#ifndef QNI_TEXT_TOKENIZER_JSON_H
#define QNI_TEXT_TOKENIZER_JSON_H

#include "base/arena.h"
#include "text/json_read.h"
#include "text/tokenizer_impl.h"

typedef struct qni_json_reader {
    qni_tokenizer *t;
    const json_t *root;
    qni_token_list written; // tokens as the file writes them
    qni_token_list model;   // as the model meets them
    qni_arena arena;        // their bytes
    bool keeps_ids;         // of added tokens, as they are written
    qn_error *err;
} qni_json_reader;

// A row of a table: the reader of a component of that type.
typedef struct qni_component {
    const char *type;
    qn_status (*read)(qni_json_reader *r, const json_t *source);
} qni_component;

// Reads by the row whose type `source` has; nothing when it is missing or null. QN_UNSUPPORTED
// names a type that no row has.
QNI_WARN_UNUSED qn_status qni_read_component(qni_json_reader *r, const json_t *source,
                                             const char *what, const qni_component *rows, size_t n);

#define QNI_ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

// A token's id.
QNI_WARN_UNUSED qn_status qni_read_id(const json_t *value, const char *token, int32_t *id,
                                      qn_error *err);

// A text of which a copy is made; NULL when it is missing.
QNI_WARN_UNUSED qn_status qni_read_copy(const json_t *source, const char *key, char **out,
                                        size_t *n, qn_error *err);

// {"String": "..."} or {"Regex": "..."}
QNI_WARN_UNUSED qn_status qni_read_pattern(const json_t *pattern, qni_split_behavior behavior,
                                           bool invert, qni_splitter *out, qn_error *err);

// The whole of a tokenizer.json. With `keeps_ids` the ids of added tokens count; else they are
// given anew, as the library does it.
QNI_WARN_UNUSED qn_status qni_tokenizer_build_json(qni_tokenizer *t, const json_t *root,
                                                   bool keeps_ids, qn_error *err);

QNI_WARN_UNUSED qn_status qni_read_model(qni_json_reader *r);
QNI_WARN_UNUSED qn_status qni_read_normalizer(qni_json_reader *r, const json_t *source);
QNI_WARN_UNUSED qn_status qni_read_pretokenizer(qni_json_reader *r, const json_t *source);
QNI_WARN_UNUSED qn_status qni_read_decoder(qni_json_reader *r, const json_t *source);
QNI_WARN_UNUSED qn_status qni_read_processor(qni_json_reader *r, const json_t *source);
QNI_WARN_UNUSED qn_status qni_read_truncation(qni_json_reader *r, const json_t *source);
QNI_WARN_UNUSED qn_status qni_read_padding(qni_json_reader *r, const json_t *source);

#endif
