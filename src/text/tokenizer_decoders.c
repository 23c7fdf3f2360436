// Reads the decoders of tokenizer.json.
#include "base/alloc.h"
#include "text/tokenizer_json.h"

#include <string.h>

static qn_status add(qni_json_reader *r, qni_decode_step step, qn_status status)
{
    qni_decoder *d = &r->t->decoder;
    qni_decode_step *more = status == QN_OK
                                ? qni_realloc(d->steps, (d->n_steps + 1) * sizeof *d->steps)
                                : NULL;
    if (more == NULL) {
        qni_free(step.content);
        qni_free(step.delimiter);
        qni_splitter_end(&step.splitter);
        return status == QN_OK ? qni_fail_memory(r->err) : status;
    }
    d->steps = more;
    d->steps[d->n_steps++] = step;
    return QN_OK;
}

static qn_status need(const json_t *source, const char *key, char **out, size_t *n, qn_error *err)
{
    QNI_TRY(qni_read_copy(source, key, out, n, err));
    return *out != NULL ? QN_OK : qni_fail(err, QN_INVALID_MODEL, NULL, "\"%s\" is missing", key);
}

static qn_status read_byte_level(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(
        qni_json_only(source, "ByteLevel", "type add_prefix_space trim_offsets use_regex", r->err));
    return add(r, (qni_decode_step){.kind = QNI_DECODE_BYTE_LEVEL}, QN_OK);
}

static qn_status read_fuse(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(qni_json_only(source, "Fuse", "type", r->err));
    return add(r, (qni_decode_step){.kind = QNI_DECODE_FUSE}, QN_OK);
}

static qn_status read_bytes(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(qni_json_only(source, "ByteFallback", "type", r->err));
    return add(r, (qni_decode_step){.kind = QNI_DECODE_BYTES}, QN_OK);
}

static qn_status read_replace(qni_json_reader *r, const json_t *source)
{
    qni_decode_step step = {.kind = QNI_DECODE_REPLACE};
    QNI_TRY(qni_json_only(source, "Replace", "type pattern content", r->err));
    QNI_TRY(qni_read_pattern(json_object_get(source, "pattern"), QNI_SPLIT_ISOLATED, false,
                             &step.splitter, r->err));
    qn_status status = need(source, "content", &step.content, &step.n_content, r->err);
    return add(r, step, status);
}

static qn_status read_strip(qni_json_reader *r, const json_t *source)
{
    int64_t start, stop;
    qni_decode_step step = {.kind = QNI_DECODE_STRIP};
    QNI_TRY(qni_json_only(source, "Strip", "type content start stop", r->err));
    QNI_TRY(qni_json_integer(source, "start", 0, &start, r->err));
    QNI_TRY(qni_json_integer(source, "stop", 0, &stop, r->err));
    if (start < 0 || stop < 0) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "Strip: start %lld, stop %lld",
                        (long long)start, (long long)stop);
    }
    step.start = (size_t)start;
    step.stop = (size_t)stop;
    qn_status status = need(source, "content", &step.content, &step.n_content, r->err);
    if (status == QN_OK && step.n_content == 0) {
        status = qni_fail(r->err, QN_INVALID_MODEL, NULL, "Strip: an empty \"content\"");
    }
    return add(r, step, status);
}

static qn_status read_metaspace(qni_json_reader *r, const json_t *source)
{
    bool prefix;
    qni_decode_step step = {.kind = QNI_DECODE_METASPACE};
    QNI_TRY(qni_json_only(source, "Metaspace",
                          "type replacement prepend_scheme split add_prefix_space str_rep",
                          r->err));
    QNI_TRY(qni_json_bool(source, "add_prefix_space", true, &prefix, r->err));
    const char *scheme = json_string_value(json_object_get(source, "prepend_scheme"));
    step.first = scheme != NULL ? strcmp(scheme, "never") != 0 : prefix;
    qn_status status = need(source, "replacement", &step.content, &step.n_content, r->err);
    return add(r, step, status);
}

static qn_status read_wordpiece(qni_json_reader *r, const json_t *source)
{
    qni_decode_step step = {.kind = QNI_DECODE_WORDPIECE};
    QNI_TRY(qni_json_only(source, "WordPiece", "type prefix cleanup", r->err));
    QNI_TRY(qni_json_bool(source, "cleanup", true, &step.cleanup, r->err));
    qn_status status = need(source, "prefix", &step.content, &step.n_content, r->err);
    return add(r, step, status);
}

static qn_status read_suffix(qni_json_reader *r, const json_t *source)
{
    qni_decode_step step = {.kind = QNI_DECODE_SUFFIX};
    QNI_TRY(qni_json_only(source, "BPEDecoder", "type suffix", r->err));
    qn_status status = need(source, "suffix", &step.content, &step.n_content, r->err);
    if (status == QN_OK && step.n_content == 0) { // would put spaces between all letters
        status = qni_fail(r->err, QN_UNSUPPORTED, NULL, "BPEDecoder: an empty \"suffix\"");
    }
    return add(r, step, status);
}

static qn_status read_ctc(qni_json_reader *r, const json_t *source)
{
    size_t n;
    qni_decode_step step = {.kind = QNI_DECODE_CTC};
    QNI_TRY(qni_json_only(source, "CTC", "type pad_token word_delimiter_token cleanup", r->err));
    if (r->t->decoder.n_steps > 0) { // it would compare tokens as the steps before made them
        return qni_fail(r->err, QN_UNSUPPORTED, NULL, "a decoder CTC behind another step");
    }
    QNI_TRY(qni_json_bool(source, "cleanup", true, &step.cleanup, r->err));
    qn_status status = need(source, "pad_token", &step.content, &step.n_content, r->err);
    if (status == QN_OK) {
        status = need(source, "word_delimiter_token", &step.delimiter, &n, r->err);
    }
    if (status == QN_OK && n == 0 && step.cleanup) { // would put spaces between all letters
        status = qni_fail(r->err, QN_UNSUPPORTED, NULL, "CTC: an empty \"word_delimiter_token\"");
    }
    return add(r, step, status);
}

static qn_status read_any(qni_json_reader *r, const json_t *source);

static qn_status read_sequence(qni_json_reader *r, const json_t *source)
{
    const json_t *steps = json_object_get(source, "decoders");
    QNI_TRY(qni_json_only(source, "Sequence", "type decoders", r->err));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        QNI_TRY(read_any(r, json_array_get(steps, i)));
    }
    return QN_OK;
}

static qn_status read_any(qni_json_reader *r, const json_t *source)
{
    static const qni_component rows[] = {
        {"Sequence", read_sequence},   {"ByteLevel", read_byte_level},
        {"Replace", read_replace},     {"ByteFallback", read_bytes},
        {"Fuse", read_fuse},           {"Strip", read_strip},
        {"Metaspace", read_metaspace}, {"WordPiece", read_wordpiece},
        {"BPEDecoder", read_suffix},   {"CTC", read_ctc},
    };
    return qni_read_component(r, source, "decoder", rows, QNI_ROWS(rows));
}

qn_status qni_read_decoder(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(read_any(r, source));
    // Without a decoder tokens are set apart by spaces; with one that has no steps they are joined.
    bool is_empty = source != NULL && !json_is_null(source) && r->t->decoder.n_steps == 0;
    return is_empty ? add(r, (qni_decode_step){.kind = QNI_DECODE_FUSE}, QN_OK) : QN_OK;
}
