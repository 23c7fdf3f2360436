// The steps that change a text before it is cut into words, under the names and with the results of
// Hugging Face's tokenizers.
#ifndef QNI_TEXT_NORMALIZER_H
#define QNI_TEXT_NORMALIZER_H

#include "text/charsmap.h"
#include "text/passage.h"
#include "text/splitter.h"

typedef enum qni_normalizer_kind {
    QNI_NORMALIZE_FORM,          // NFC, NFD, NFKC, NFKD
    QNI_NORMALIZE_LOWERCASE,     //
    QNI_NORMALIZE_STRIP,         // white space at the ends
    QNI_NORMALIZE_STRIP_ACCENTS, // all marks
    QNI_NORMALIZE_STRIP_MARKS,   // marks that take no space, as BertNormalizer does
    QNI_NORMALIZE_CLEAN,         // BertNormalizer's clean_text
    QNI_NORMALIZE_CHINESE,       // BertNormalizer's handle_chinese_chars
    QNI_NORMALIZE_NMT,           //
    QNI_NORMALIZE_PREPEND,       // `content`
    QNI_NORMALIZE_REPLACE,       // what `splitter` finds by `content`
    QNI_NORMALIZE_CHARSMAP,      // SentencePiece's table, by graphemes as "Precompiled" does
    QNI_NORMALIZE_BYTES,         // each byte as a printable character
    QNI_NORMALIZE_SENTENCEPIECE, // all that SentencePiece does, see sentencepiece.h
} qni_normalizer_kind;

typedef struct qni_normalizer {
    qni_normalizer_kind kind;
    bool compose, compatible; // of a form
    bool left, right;         // of strip
    char *content;            // n_content bytes
    size_t n_content;
    qni_splitter splitter;
    qni_charsmap charsmap;
    struct qni_sentencepiece *sentencepiece;
} qni_normalizer;

void qni_normalizer_end(qni_normalizer *step);

// A character with its change, see qni_rewrite_put.
typedef struct qni_change {
    uint32_t code;
    int change;
} qni_change;

typedef struct qni_changes {
    qni_change *items;
    size_t n, capacity;
} qni_changes;

// What the steps need on their way; pooled and reused.
typedef struct qni_charwise_entry qni_charwise_entry;
enum { QNI_HAN_BLOCKS = 3 };

typedef struct qni_normalize_scratch {
    qni_draft drafts[2], whole;
    qni_changes changes;
    void *match; // of the regular-expression library
    // of charwise.h: what characters become; NULL until it is asked for
    qni_charwise_entry *charwise;
    uint64_t *stays; // a bit for each character that is known to stay as it is
    const qni_charwise_entry *han[QNI_HAN_BLOCKS]; // what Han become, with their own bytes at
    size_t han_at[QNI_HAN_BLOCKS];                 // han_at
    char ascii[128];
    uint8_t ascii_n[128];
    bool ascii_way;     // some ASCII character becomes more than a byte
    bool ascii_same;    // printable ASCII stays as it is
    bool ascii_lower;   // or becomes lower case
    uint64_t *plain[4]; // of normal forms: what is known of characters; NULL until asked for
} qni_normalize_scratch;

void qni_normalize_scratch_end(qni_normalize_scratch *scratch);

// Runs the steps in order; `p` becomes the result, which lives in the scratch's drafts, or stays as
// it is when nothing changes.
QNI_WARN_UNUSED qn_status qni_normalize(const qni_normalizer *steps, size_t n_steps,
                                        qni_normalize_scratch *scratch, bool track, qni_passage *p,
                                        qn_error *err);

// ---- What the files of this part share

// What a step that looks at each character by itself makes of one: how many characters, in `out`,
// or -1 when it stays as it is.
int qni_map_character(qni_normalizer_kind kind, uint32_t code, qni_change out[3]);

// The full decomposition of one character: how many characters, in `out`.
enum { QNI_MOST_PARTS = 32 }; // Unicode's longest has 18
int qni_decompose(uint32_t code, bool compatible, int32_t out[QNI_MOST_PARTS]);

// One step after the other; what qni_normalize does when no shorter way is open.
QNI_WARN_UNUSED qn_status qni_normalize_by_steps(const qni_normalizer *steps, size_t n_steps,
                                                 qni_normalize_scratch *scratch, bool track,
                                                 qni_passage *p, qn_error *err);

QNI_WARN_UNUSED qn_status qni_changes_add(qni_changes *changes, uint32_t code, int change,
                                          qn_error *err);

// Unicode's normal forms.
QNI_WARN_UNUSED qn_status qni_normal_form(const qni_passage *p, bool compose, bool compatible,
                                          qni_normalize_scratch *scratch, qni_draft *out,
                                          bool *same, qn_error *err);

#endif
