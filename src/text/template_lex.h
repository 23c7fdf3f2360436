// The words of a template.
#ifndef QNI_TEXT_TEMPLATE_LEX_H
#define QNI_TEXT_TEMPLATE_LEX_H

#include "text/template_ast.h"

typedef enum qni_word_kind {
    QNI_WORD_END,
    QNI_WORD_DATA,
    QNI_WORD_OUTPUT_BEGIN,
    QNI_WORD_OUTPUT_END,
    QNI_WORD_TAG_BEGIN,
    QNI_WORD_TAG_END,
    QNI_WORD_NAME,
    QNI_WORD_TEXT, // a quoted one, read
    QNI_WORD_NUMBER,
    QNI_WORD_SIGN,
} qni_word_kind;

typedef struct qni_word {
    qni_word_kind kind;
    int line, column;
    const char *at; // the bytes; of signs a constant text; of names interned
    size_t n;
    struct qni_value *value; // of quoted texts and numbers
} qni_word;

// Cuts the source of `t` into words, the last of which is QNI_WORD_END. They live in its arena.
QNI_WARN_UNUSED qn_status qni_template_lex(qni_template *t, qni_word **out, size_t *n,
                                           qn_error *err);

// Python's white space: where `at` (n > 0 bytes left) begins with one, its bytes; else 0.
size_t qni_python_space(const char *at, size_t n);
// How many of `n` bytes are left without the white space at their end.
size_t qni_python_rstrip(const char *text, size_t n);

#endif
