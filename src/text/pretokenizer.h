// Cutting a text into words, under the names and with the results of Hugging Face's tokenizers.
#ifndef QNI_TEXT_PRETOKENIZER_H
#define QNI_TEXT_PRETOKENIZER_H

#include "text/passage.h"
#include "text/splitter.h"

// One step that cuts words, or that changes the words' text.
typedef enum qni_pretokenizer_kind {
    QNI_PRE_SPLIT,        // cut by `splitter`
    QNI_PRE_PREFIX_SPACE, // put a space before a piece that does not begin with one
    QNI_PRE_BYTES,        // write each byte as a printable character, as GPT-2 does
    QNI_PRE_METASPACE,    // write spaces as `mark`, and put one in front
    QNI_PRE_LENGTH        // cut after every `length` characters
} qni_pretokenizer_kind;

typedef enum qni_prepend { QNI_PREPEND_ALWAYS, QNI_PREPEND_FIRST, QNI_PREPEND_NEVER } qni_prepend;

typedef struct qni_pretokenizer {
    qni_pretokenizer_kind kind;
    qni_splitter splitter;
    char mark[8]; // n_mark bytes
    size_t n_mark;
    qni_prepend prepend;
    size_t length;
} qni_pretokenizer;

// What the steps need on their way; pooled and reused.
typedef struct qni_pretokenize_scratch {
    qni_cuts cuts, next_cuts; // the words are left in `cuts`
    qni_draft drafts[2];
    void *match; // of the regular-expression library
} qni_pretokenize_scratch;

void qni_pretokenize_scratch_end(qni_pretokenize_scratch *scratch);

// Leaves the words of the passage in scratch->cuts. A mark for the first word only is put before
// those whose first character stands for the first of the text. `p` becomes the text that they are
// cut from.
QNI_WARN_UNUSED qn_status qni_pretokenize(const qni_pretokenizer *steps, size_t n_steps,
                                          qni_pretokenize_scratch *scratch, bool track,
                                          qni_passage *p, qn_error *err);

#endif
