// Reads SentencePiece's .model files: the message ModelProto of sentencepiece_model.proto.
#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/tokenizer_pieces.h"
#include "text/wire_reader.h"

#include <string.h>

typedef struct reader {
    qni_piece_source source;
    int model_type; // 1 Unigram, 2 BPE, 3 words, 4 characters
    int64_t bos, eos;
    bool denormalizes;
    qn_error *err;
} reader;

static qn_status broken(const reader *r)
{
    return qni_fail(r->err, QN_INVALID_MODEL, NULL, "not a SentencePiece model");
}

static qn_status read_piece(reader *r, const qni_wire_field *field)
{
    qni_wire wire = qni_wire_inside(field);
    qni_wire_field f;
    qni_piece piece = {.text = "", .type = QNI_PIECE_NORMAL};
    while (qni_wire_next(&wire, &f)) {
        if (f.number == 1 && f.type == 2) {
            piece.text = f.bytes;
            piece.n = f.n > QNI_MAX_TOKEN_BYTES ? UINT32_MAX : (uint32_t)f.n;
        } else if (f.number == 2) {
            piece.score = qni_wire_float(&f);
        } else if (f.number == 3) {
            piece.type = f.value <= 6 ? (int)f.value : -1;
        }
    }
    bool fine = !wire.broken && (piece.n == UINT32_MAX || qni_utf8_is_valid(piece.text, piece.n));
    return fine ? qni_pieces_append(&r->source, piece, r->err) : broken(r);
}

static qn_status read_trainer(reader *r, const qni_wire_field *field)
{
    qni_wire wire = qni_wire_inside(field);
    qni_wire_field f;
    while (qni_wire_next(&wire, &f)) {
        switch (f.number) {
        case 3: r->model_type = f.value <= 4 ? (int)f.value : 0; break;
        case 24: r->source.space_behind = f.value != 0; break;
        case 35: r->source.byte_fallback = f.value != 0; break;
        case 41: r->bos = (int32_t)(uint32_t)f.value; break;
        case 42: r->eos = (int32_t)(uint32_t)f.value; break;
        case 44:
            r->source.unknown = f.bytes;
            r->source.n_unknown = f.n;
            break;
        default: break;
        }
    }
    return wire.broken ? broken(r) : QN_OK;
}

static qn_status read_normalizer(reader *r, const qni_wire_field *field, bool back)
{
    qni_wire wire = qni_wire_inside(field);
    qni_wire_field f;
    while (qni_wire_next(&wire, &f)) {
        if (f.number == 2 && f.type == 2) {
            r->denormalizes = r->denormalizes || (back && f.n > 0);
            r->source.charsmap = back ? r->source.charsmap : f.bytes;
            r->source.n_charsmap = back ? r->source.n_charsmap : f.n;
        } else if (f.number >= 3 && f.number <= 5 && !back) {
            bool *const flags[] = {&r->source.add_space, &r->source.tidy, &r->source.escape};
            *flags[f.number - 3] = f.value != 0;
        }
    }
    return wire.broken ? broken(r) : QN_OK;
}

static qn_status read_model(reader *r, const char *bytes, size_t n)
{
    qni_wire wire = {(const unsigned char *)bytes, (const unsigned char *)bytes + n, false};
    qni_wire_field f;
    while (qni_wire_next(&wire, &f)) {
        if (f.number == 1) {
            QNI_TRY(read_piece(r, &f));
        } else if (f.number == 2) {
            QNI_TRY(read_trainer(r, &f));
        } else if (f.number == 3 || f.number == 5) {
            QNI_TRY(read_normalizer(r, &f, f.number == 5));
        }
    }
    if (wire.broken || r->source.n == 0) {
        return broken(r);
    }
    if (r->model_type == 0 || r->model_type == 3) {
        return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                        "a SentencePiece model of the type %s; UNIGRAM, BPE and CHAR are supported",
                        r->model_type == 0 ? "unknown" : "WORD");
    }
    if (r->denormalizes) {
        return qni_fail(r->err, QN_UNSUPPORTED, NULL,
                        "a SentencePiece model with a table for decoding (denormalizer_spec)");
    }
    r->source.unigram = r->model_type == 1;
    r->source.characters = r->model_type == 4;
    return QN_OK;
}

static qn_status set_ids(qni_tokenizer *t, const reader *r)
{
    int64_t n = (int64_t)r->source.n;
    if (r->bos >= 0 && r->bos < n && r->source.items[r->bos].type == QNI_PIECE_CONTROL) {
        t->bos = (int32_t)r->bos;
    }
    if (r->eos >= 0 && r->eos < n && r->source.items[r->eos].type == QNI_PIECE_CONTROL) {
        t->eos = qni_calloc(1, sizeof *t->eos);
        if (t->eos == NULL) {
            return qni_fail_memory(r->err);
        }
        t->eos[0] = (int32_t)r->eos;
        t->n_eos = 1;
    }
    return QN_OK;
}

qn_status qni_tokenizer_read_sentencepiece(qni_tokenizer *t, const char *path, qn_error *err)
{
    reader r = {.model_type = 1, .bos = 1, .eos = 2, .err = err};
    char *bytes = NULL;
    size_t n = 0;
    r.source.add_space = r.source.tidy = r.source.escape = true; // the message's own defaults
    QNI_TRY(qni_file_read(path, QNI_MAX_TEXT_FILE_BYTES, &bytes, &n, err));
    qn_status status = read_model(&r, bytes, n);
    status = status == QN_OK ? qni_pieces_build(t, &r.source, err) : status;
    status = status == QN_OK ? set_ids(t, &r) : status;
    qni_free(r.source.items);
    qni_free(bytes);
    return status == QN_OK ? QN_OK : qni_fail_in(err, status, path);
}
