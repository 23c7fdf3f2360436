// Reads the normalizers of tokenizer.json.
#include "base/alloc.h"
#include "text/base64.h"
#include "text/tokenizer_json.h"

#include <string.h>

static qn_status add(qni_json_reader *r, qni_normalizer step)
{
    qni_tokenizer *t = r->t;
    qni_normalizer *more = qni_realloc(t->normalizers,
                                       (t->n_normalizers + 1) * sizeof *t->normalizers);
    if (more == NULL) {
        qni_normalizer_end(&step);
        return qni_fail_memory(r->err);
    }
    t->normalizers = more;
    t->normalizers[t->n_normalizers++] = step;
    return QN_OK;
}

static qn_status add_kind(qni_json_reader *r, const json_t *source, qni_normalizer_kind kind)
{
    QNI_TRY(qni_json_only(source, qni_json_type(source), "type", r->err));
    return add(r, (qni_normalizer){.kind = kind});
}

static qn_status read_sequence(qni_json_reader *r, const json_t *source)
{
    const json_t *steps = json_object_get(source, "normalizers");
    QNI_TRY(qni_json_only(source, "Sequence", "type normalizers", r->err));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        QNI_TRY(qni_read_normalizer(r, json_array_get(steps, i)));
    }
    return QN_OK;
}

static qn_status read_form(qni_json_reader *r, const json_t *source)
{
    const char *type = qni_json_type(source);
    QNI_TRY(qni_json_only(source, type, "type", r->err));
    return add(r, (qni_normalizer){.kind = QNI_NORMALIZE_FORM,
                                   .compose = type[strlen(type) - 1] == 'C',
                                   .compatible = type[2] == 'K'});
}

static qn_status read_lowercase(qni_json_reader *r, const json_t *source)
{
    return add_kind(r, source, QNI_NORMALIZE_LOWERCASE);
}

static qn_status read_strip_accents(qni_json_reader *r, const json_t *source)
{
    return add_kind(r, source, QNI_NORMALIZE_STRIP_ACCENTS);
}

static qn_status read_nmt(qni_json_reader *r, const json_t *source)
{
    return add_kind(r, source, QNI_NORMALIZE_NMT);
}

static qn_status read_bytes(qni_json_reader *r, const json_t *source)
{
    return add_kind(r, source, QNI_NORMALIZE_BYTES);
}

static qn_status read_strip(qni_json_reader *r, const json_t *source)
{
    qni_normalizer step = {.kind = QNI_NORMALIZE_STRIP};
    QNI_TRY(qni_json_only(source, "Strip", "type strip_left strip_right", r->err));
    QNI_TRY(qni_json_bool(source, "strip_left", true, &step.left, r->err));
    QNI_TRY(qni_json_bool(source, "strip_right", true, &step.right, r->err));
    return add(r, step);
}

static qn_status read_prepend(qni_json_reader *r, const json_t *source)
{
    qni_normalizer step = {.kind = QNI_NORMALIZE_PREPEND};
    QNI_TRY(qni_json_only(source, "Prepend", "type prepend", r->err));
    QNI_TRY(qni_read_copy(source, "prepend", &step.content, &step.n_content, r->err));
    if (step.n_content == 0) {
        qni_normalizer_end(&step);
        return QN_OK;
    }
    return add(r, step);
}

static qn_status read_replace(qni_json_reader *r, const json_t *source)
{
    qni_normalizer step = {.kind = QNI_NORMALIZE_REPLACE};
    QNI_TRY(qni_json_only(source, "Replace", "type pattern content", r->err));
    QNI_TRY(qni_read_pattern(json_object_get(source, "pattern"), QNI_SPLIT_ISOLATED, false,
                             &step.splitter, r->err));
    qn_status status = qni_read_copy(source, "content", &step.content, &step.n_content, r->err);
    if (status == QN_OK && step.content == NULL) {
        status = qni_fail(r->err, QN_INVALID_MODEL, NULL, "Replace: \"content\" is missing");
    }
    if (status != QN_OK) {
        qni_normalizer_end(&step);
        return status;
    }
    return add(r, step);
}

static qn_status read_precompiled(qni_json_reader *r, const json_t *source)
{
    const char *text;
    size_t n, size;
    qni_normalizer step = {.kind = QNI_NORMALIZE_CHARSMAP};
    QNI_TRY(qni_json_only(source, "Precompiled", "type precompiled_charsmap", r->err));
    QNI_TRY(qni_json_text(source, "precompiled_charsmap", &text, &n, r->err));
    if (text == NULL || n == 0) {
        return QN_OK;
    }
    char *bytes = qni_alloc(3 * (n / 4) + 3);
    if (bytes == NULL) {
        return qni_fail_memory(r->err);
    }
    qn_status status = qni_base64_decode(text, n, bytes, &size)
                           ? qni_charsmap_open(bytes, size, &step.charsmap, r->err)
                           : qni_fail(r->err, QN_INVALID_MODEL, NULL,
                                      "\"precompiled_charsmap\" is not base64");
    qni_free(bytes);
    if (status == QN_OK) {
        status = qni_charsmap_find_staying(&step.charsmap, r->err);
    }
    if (status != QN_OK) {
        qni_charsmap_end(&step.charsmap);
    }
    return status == QN_OK ? add(r, step) : status;
}

static qn_status read_bert(qni_json_reader *r, const json_t *source)
{
    bool clean, chinese, lowercase, strip;
    QNI_TRY(qni_json_only(source, "BertNormalizer",
                          "type clean_text handle_chinese_chars strip_accents lowercase", r->err));
    QNI_TRY(qni_json_bool(source, "clean_text", true, &clean, r->err));
    QNI_TRY(qni_json_bool(source, "handle_chinese_chars", true, &chinese, r->err));
    QNI_TRY(qni_json_bool(source, "lowercase", true, &lowercase, r->err));
    QNI_TRY(qni_json_bool(source, "strip_accents", lowercase, &strip, r->err));
    const qni_normalizer steps[] = {{.kind = QNI_NORMALIZE_CLEAN},
                                    {.kind = QNI_NORMALIZE_CHINESE},
                                    {.kind = QNI_NORMALIZE_FORM},
                                    {.kind = QNI_NORMALIZE_STRIP_MARKS},
                                    {.kind = QNI_NORMALIZE_LOWERCASE}};
    const bool wanted[] = {clean, chinese, strip, strip, lowercase};
    for (size_t i = 0; i < QNI_ROWS(steps); i++) {
        if (wanted[i]) {
            QNI_TRY(add(r, steps[i]));
        }
    }
    return QN_OK;
}

qn_status qni_read_normalizer(qni_json_reader *r, const json_t *source)
{
    static const qni_component rows[] = {
        {"Sequence", read_sequence},
        {"NFC", read_form},
        {"NFD", read_form},
        {"NFKC", read_form},
        {"NFKD", read_form},
        {"Lowercase", read_lowercase},
        {"Strip", read_strip},
        {"StripAccents", read_strip_accents},
        {"Nmt", read_nmt},
        {"Prepend", read_prepend},
        {"Replace", read_replace},
        {"Precompiled", read_precompiled},
        {"BertNormalizer", read_bert},
        {"ByteLevel", read_bytes},
    };
    return qni_read_component(r, source, "normalizer", rows, QNI_ROWS(rows));
}
