// Reads what tokenizer.json does with the tokens of a text: special tokens around it, offsets,
// truncation and padding.
#include "base/alloc.h"
#include "text/tokenizer_json.h"

#include <string.h>

static qn_status add_part(qni_template_row *row, qni_template_part part, qn_error *err)
{
    qni_template_part *more = qni_realloc(row->items, (row->n + 1) * sizeof *more);
    if (more == NULL) {
        return qni_fail_memory(err);
    }
    row->items = more;
    row->items[row->n++] = part;
    row->n_special += part.id >= 0;
    return QN_OK;
}

static qn_status read_type(const json_t *piece, int32_t *type, qn_error *err)
{
    int64_t number;
    QNI_TRY(qni_json_integer(piece, "type_id", 0, &number, err));
    *type = (int32_t)number;
    return QN_OK;
}

static qn_status add_special(qni_json_reader *r, const json_t *source, const json_t *piece,
                             qni_template_row *row)
{
    const char *name = json_string_value(json_object_get(piece, "id"));
    const json_t *special = json_object_get(json_object_get(source, "special_tokens"), name);
    const json_t *ids = json_object_get(special, "ids");
    qni_template_part part = {.id = -1};
    QNI_TRY(read_type(piece, &part.type, r->err));
    if (!json_is_array(ids)) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "the template's token \"%.60s\" has no ids",
                        name != NULL ? name : "");
    }
    for (size_t i = 0; i < json_array_size(ids); i++) {
        QNI_TRY(qni_read_id(json_array_get(ids, i), name, &part.id, r->err));
        QNI_TRY(add_part(row, part, r->err));
    }
    return QN_OK;
}

static qn_status read_row(qni_json_reader *r, const json_t *source, const char *key,
                          qni_template_row *row)
{
    const json_t *pieces = json_object_get(source, key);
    row->n = row->n_special = 0;
    for (size_t i = 0; i < json_array_size(pieces); i++) {
        const json_t *piece = json_array_get(pieces, i);
        const json_t *special = json_object_get(piece, "SpecialToken");
        const json_t *text = json_object_get(piece, "Sequence");
        const char *which = json_string_value(json_object_get(text, "id"));
        qni_template_part part = {.id = -1};
        if (special != NULL) {
            QNI_TRY(add_special(r, source, special, row));
            continue;
        }
        if (which == NULL || (strcmp(which, "A") != 0 && strcmp(which, "B") != 0)) {
            return qni_fail(
                r->err, QN_INVALID_MODEL, NULL,
                "TemplateProcessing: \"%s\" has a part that is neither SpecialToken nor "
                "Sequence A or B",
                key);
        }
        part.which = which[0] == 'B';
        QNI_TRY(read_type(text, &part.type, r->err));
        QNI_TRY(add_part(row, part, r->err));
    }
    return QN_OK;
}

// The library runs the steps of a Sequence one behind the other, each around what the one before
// made. One that puts tokens around the texts is what files have.
static qn_status only_once(const qni_json_reader *r, bool before, const char *what)
{
    return !before ? QN_OK
                   : qni_fail(r->err, QN_UNSUPPORTED, NULL, "two post-processors that %s", what);
}

static qn_status begin_rows(const qni_json_reader *r)
{
    return only_once(r, r->t->single.n > 0 || r->t->pair.n > 0, "put tokens around a text");
}

static qn_status read_template(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(qni_json_only(source, "TemplateProcessing", "type single pair special_tokens", r->err));
    QNI_TRY(begin_rows(r));
    QNI_TRY(read_row(r, source, "single", &r->t->single));
    return read_row(r, source, "pair", &r->t->pair);
}

// ["[SEP]", 102]
static qn_status read_named(qni_json_reader *r, const json_t *source, const char *key, int32_t *id)
{
    const json_t *named = json_object_get(source, key);
    if (!json_is_array(named) || json_array_size(named) != 2) {
        return qni_fail(r->err, QN_INVALID_MODEL, NULL, "\"%s\" is not a token and its id", key);
    }
    return qni_read_id(json_array_get(named, 1), key, id, r->err);
}

// Rows of two well-known templates: C cls, S sep, A and B the texts; the digit is the type.
static qn_status add_row(qni_json_reader *r, const char *form, int32_t cls, int32_t sep,
                         qni_template_row *row)
{
    row->n = row->n_special = 0;
    for (; *form != 0; form += 2) {
        qni_template_part part = {.id = form[0] == 'C'   ? cls
                                        : form[0] == 'S' ? sep
                                                         : -1,
                                  .which = form[0] == 'B',
                                  .type = form[1] - '0'};
        QNI_TRY(add_part(row, part, r->err));
    }
    return QN_OK;
}

static qn_status read_bert(qni_json_reader *r, const json_t *source)
{
    int32_t cls, sep;
    QNI_TRY(qni_json_only(source, "BertProcessing", "type sep cls", r->err));
    QNI_TRY(begin_rows(r));
    QNI_TRY(read_named(r, source, "cls", &cls));
    QNI_TRY(read_named(r, source, "sep", &sep));
    QNI_TRY(add_row(r, "C0A0S0", cls, sep, &r->t->single));
    return add_row(r, "C0A0S0B1S1", cls, sep, &r->t->pair);
}

static qn_status read_trim(qni_json_reader *r, const json_t *source)
{
    qni_trim trim;
    QNI_TRY(qni_json_bool(source, "trim_offsets", true, &trim.on, r->err));
    QNI_TRY(qni_json_bool(source, "add_prefix_space", true, &trim.prefix_space, r->err));
    QNI_TRY(only_once(r, trim.on && r->t->trim.on, "trim offsets"));
    r->t->trim = trim.on ? trim : r->t->trim;
    return QN_OK;
}

static qn_status read_roberta(qni_json_reader *r, const json_t *source)
{
    int32_t cls, sep;
    QNI_TRY(qni_json_only(source, "RobertaProcessing", "type sep cls trim_offsets add_prefix_space",
                          r->err));
    QNI_TRY(begin_rows(r));
    QNI_TRY(read_named(r, source, "cls", &cls));
    QNI_TRY(read_named(r, source, "sep", &sep));
    QNI_TRY(read_trim(r, source));
    QNI_TRY(add_row(r, "C0A0S0", cls, sep, &r->t->single));
    return add_row(r, "C0A0S0S0B0S0", cls, sep, &r->t->pair);
}

static qn_status read_byte_level(qni_json_reader *r, const json_t *source)
{
    QNI_TRY(
        qni_json_only(source, "ByteLevel", "type add_prefix_space trim_offsets use_regex", r->err));
    return read_trim(r, source);
}

static qn_status read_sequence(qni_json_reader *r, const json_t *source)
{
    const json_t *steps = json_object_get(source, "processors");
    QNI_TRY(qni_json_only(source, "Sequence", "type processors", r->err));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        QNI_TRY(qni_read_processor(r, json_array_get(steps, i)));
    }
    return QN_OK;
}

qn_status qni_read_processor(qni_json_reader *r, const json_t *source)
{
    static const qni_component rows[] = {
        {"Sequence", read_sequence},         {"TemplateProcessing", read_template},
        {"ByteLevel", read_byte_level},      {"BertProcessing", read_bert},
        {"RobertaProcessing", read_roberta},
    };
    return qni_read_component(r, source, "post-processor", rows, QNI_ROWS(rows));
}

// ---- Truncation and padding

static qn_status read_choice(const json_t *source, const char *key, const char *const *names,
                             int n_names, int *out, qn_error *err)
{
    const char *name;
    size_t n;
    *out = 0;
    QNI_TRY(qni_json_text(source, key, &name, &n, err));
    for (int i = 0; name != NULL && i < n_names; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return QN_OK;
        }
    }
    return name == NULL ? QN_OK : qni_fail(err, QN_UNSUPPORTED, NULL, "\"%s\": \"%s\"", key, name);
}

static qn_status read_size(const json_t *source, const char *key, int64_t missing, size_t *out,
                           qn_error *err)
{
    int64_t number;
    QNI_TRY(qni_json_integer(source, key, missing, &number, err));
    if (number < 0) {
        return qni_fail(err, QN_INVALID_MODEL, NULL, "\"%s\" is %lld", key, (long long)number);
    }
    *out = (size_t)number;
    return QN_OK;
}

qn_status qni_read_truncation(qni_json_reader *r, const json_t *source)
{
    static const char *const strategies[] = {"LongestFirst", "OnlyFirst", "OnlySecond"};
    static const char *const sides[] = {"Right", "Left"};
    qni_truncation *out = &r->t->truncation;
    int side;
    if (source == NULL || json_is_null(source)) {
        return QN_OK;
    }
    QNI_TRY(qni_json_only(source, "truncation", "direction max_length strategy stride", r->err));
    QNI_TRY(read_choice(source, "strategy", strategies, 3, &out->strategy, r->err));
    QNI_TRY(read_choice(source, "direction", sides, 2, &side, r->err));
    out->from_left = side == 1;
    QNI_TRY(read_size(source, "stride", 0, &out->stride, r->err));
    return read_size(source, "max_length", 512, &out->max_tokens, r->err);
}

qn_status qni_read_padding(qni_json_reader *r, const json_t *source)
{
    static const char *const sides[] = {"Right", "Left"};
    qni_padding *out = &r->t->padding;
    int side;
    int64_t type;
    if (source == NULL || json_is_null(source)) {
        return QN_OK;
    }
    QNI_TRY(qni_json_only(source, "padding",
                          "strategy direction pad_to_multiple_of pad_id pad_type_id pad_token",
                          r->err));
    const json_t *strategy = json_object_get(source, "strategy");
    if (json_is_object(strategy)) {
        QNI_TRY(read_size(strategy, "Fixed", 0, &out->fixed, r->err));
    }
    QNI_TRY(read_choice(source, "direction", sides, 2, &side, r->err));
    QNI_TRY(read_size(source, "pad_to_multiple_of", 0, &out->multiple, r->err));
    QNI_TRY(qni_read_id(json_object_get(source, "pad_id"), "pad", &out->id, r->err));
    QNI_TRY(qni_json_integer(source, "pad_type_id", 0, &type, r->err));
    out->type = (int32_t)type;
    out->left = side == 1;
    out->on = true;
    return QN_OK;
}
