#include "text/tokenizer_image.h"

#include "base/alloc.h"
#include "base/cache.h"
#include "base/image.h"
#include "base/limits.h"
#include "text/sentencepiece.h"
#include "text/text_digest.h"

#include <sys/stat.h>

// ---- What a tokenizer is made of. Large tables stay in the mapped file, the rest is copied.

static void keep_vocab(qni_image *image, qni_vocab *v)
{
    qni_image_value(image, v, sizeof *v);
    qni_image_array(image, &v->offsets, (size_t)v->n + 1, sizeof *v->offsets);
    qni_image_array(image, &v->pool, v->offsets != NULL ? v->offsets[v->n] : 0, 1);
    qni_image_array(image, &v->present, (size_t)v->n + 1, 1);
    qni_image_array(image, &v->slots, v->n_slots, sizeof *v->slots);
    v->owned = v->owned && !image->reads;
}

static void keep_trie(qni_image *image, qni_trie *t)
{
    qni_image_value(image, t, sizeof *t);
    qni_image_array(image, &t->units, t->n, sizeof *t->units);
    t->owned = t->owned && !image->reads;
}

static void keep_charsmap(qni_image *image, qni_charsmap *map)
{
    qni_image_value(image, map, sizeof *map);
    qni_image_copy(image, &map->units, (size_t)map->n_units + 1, sizeof *map->units);
    qni_image_copy(image, &map->pool, map->n_pool + 1, 1);
    qni_image_copy(image, &map->stays, QNI_CHARSMAP_CODES / 64, sizeof *map->stays);
}

static void keep_pairs(qni_image *image, qni_pairs *p)
{
    qni_image_array(image, &p->slots, p->n_slots, sizeof *p->slots);
    qni_image_array(image, &p->ids, p->n_slots, sizeof *p->ids);
    p->owned = p->owned && !image->reads;
}

static void keep_bpe(qni_image *image, qni_bpe *bpe, const qni_vocab *vocab)
{
    qni_image_value(image, bpe, sizeof *bpe);
    keep_pairs(image, &bpe->pairs);
    qni_image_array(image, &bpe->origins, (size_t)vocab->n + 1, sizeof *bpe->origins);
    qni_image_array(image, &bpe->beside, (size_t)vocab->n + 1, sizeof *bpe->beside);
    if (bpe->crossings != NULL) {
        qni_image_array(image, &bpe->crossings, (size_t)QNI_BPE_BYTES * QNI_BPE_BYTES,
                        sizeof *bpe->crossings);
    }
    keep_trie(image, &bpe->trie);
    qni_bpe_attach(bpe, vocab);
    bpe->owned = bpe->owned && !image->reads;
}

static void keep_seams(qni_image *image, qni_seams *seams)
{
    qni_image_value(image, seams, sizeof *seams);
    if (seams->kinds != NULL) {
        qni_image_array(image, &seams->kinds, QNI_SEAM_KINDS, sizeof *seams->kinds);
        qni_image_array(image, &seams->crossed, seams->n_bits / 64, sizeof *seams->crossed);
    }
    seams->owned = seams->owned && !image->reads;
}

static void keep_unigram(qni_image *image, qni_unigram *u)
{
    qni_image_value(image, u, sizeof *u);
    qni_image_array(image, &u->leaves, u->n_leaves, sizeof *u->leaves);
    keep_trie(image, &u->trie);
    u->owned = u->owned && !image->reads;
}

static void keep_model(qni_image *image, qni_model *m)
{
    qni_image_value(image, m, sizeof *m);
    keep_vocab(image, &m->vocab);
    keep_bpe(image, &m->bpe, &m->vocab);
    keep_seams(image, &m->seams);
    if (m->characters.known != NULL) {
        qni_image_array(image, &m->characters.known, QNI_CHARACTERS, sizeof *m->characters.known);
        if (m->characters.rows != NULL) {
            qni_image_array(image, &m->characters.rows, QNI_CHARACTER_ROWS,
                            sizeof *m->characters.rows);
        }
        m->characters.owned = m->characters.owned && !image->reads;
    }
    keep_unigram(image, &m->unigram);
    keep_trie(image, &m->wordpiece.first);
    keep_trie(image, &m->wordpiece.rest);
    qni_image_copy(image, &m->joined, m->n_joined, sizeof *m->joined);
    qni_splitter_keep(image, &m->parts);
    qni_image_text(image, &m->prefix);
    qni_image_text(image, &m->suffix);
}

static void keep_sentencepiece(qni_image *image, qni_sentencepiece **rules)
{
    qni_image_copy(image, rules, 1, sizeof **rules);
    if (*rules != NULL) {
        keep_charsmap(image, &(*rules)->charsmap);
        keep_trie(image, &(*rules)->symbols);
    }
}

static void keep_normalizers(qni_image *image, qni_tokenizer *t)
{
    qni_image_copy(image, &t->normalizers, t->n_normalizers, sizeof *t->normalizers);
    t->n_normalizers = t->normalizers != NULL ? t->n_normalizers : 0;
    for (size_t i = 0; i < t->n_normalizers; i++) {
        qni_normalizer *step = &t->normalizers[i];
        qni_image_copy(image, &step->content, step->n_content + 1, 1);
        qni_splitter_keep(image, &step->splitter);
        keep_charsmap(image, &step->charsmap);
        keep_sentencepiece(image, &step->sentencepiece);
    }
}

static void keep_pretokenizers(qni_image *image, qni_tokenizer *t)
{
    qni_image_copy(image, &t->pretokenizers, t->n_pretokenizers, sizeof *t->pretokenizers);
    t->n_pretokenizers = t->pretokenizers != NULL ? t->n_pretokenizers : 0;
    for (size_t i = 0; i < t->n_pretokenizers; i++) {
        qni_splitter_keep(image, &t->pretokenizers[i].splitter);
    }
}

static void keep_decoder(qni_image *image, qni_decoder *d)
{
    qni_image_copy(image, &d->steps, d->n_steps, sizeof *d->steps);
    d->n_steps = d->steps != NULL ? d->n_steps : 0;
    for (size_t i = 0; i < d->n_steps; i++) {
        qni_decode_step *step = &d->steps[i];
        qni_image_copy(image, &step->content, step->n_content + 1, 1);
        qni_image_text(image, &step->delimiter);
        qni_splitter_keep(image, &step->splitter);
    }
}

// The contents of added tokens stand one after another, each with its final zero.
static void keep_added(qni_image *image, qni_tokenizer *t)
{
    qni_image_copy(image, &t->added, t->n_added, sizeof *t->added);
    t->n_added = t->added != NULL ? t->n_added : 0;
    for (size_t i = 0; i < t->n_added; i++) {
        qni_image_copy(image, &t->added[i].content, t->added[i].n + 1, 1);
    }
    keep_trie(image, &t->added_raw.trie);
    keep_trie(image, &t->added_normalized.trie);
    t->added_raw.tokens = t->added_normalized.tokens = t->added;
}

static void keep_row(qni_image *image, qni_template_row *row)
{
    qni_image_copy(image, &row->items, row->n, sizeof *row->items);
    row->n = row->items != NULL ? row->n : 0;
}

static void keep_tokenizer(qni_image *image, qni_tokenizer *t)
{
    qni_image_value(image, t, offsetof(qni_tokenizer, image));
    keep_vocab(image, &t->written);
    keep_vocab(image, &t->plain);
    qni_image_array(image, &t->brief.items, t->plain.n, sizeof *t->brief.items);
    t->brief.owned = t->brief.owned && !image->reads;
    keep_model(image, &t->model);
    keep_added(image, t);
    qni_image_copy(image, &t->traits, (size_t)t->written.n + 1, 1);
    keep_normalizers(image, t);
    keep_pretokenizers(image, t);
    keep_decoder(image, &t->decoder);
    keep_row(image, &t->single);
    keep_row(image, &t->pair);
    qni_image_copy(image, &t->eos, t->n_eos, sizeof *t->eos);
}

// ---- Where it is kept

// An image is worth it where opening the file takes long: a megabyte of JSON takes 50 ms.
enum { LEAST_BYTES = 256 * 1024 };

static qn_status stamp_beside(const char *folder, const char *name, qni_tokenizer_stamp *out,
                              qn_error *err)
{
    char *path = qni_path_join(folder, name);
    qn_status status = path == NULL ? qni_fail_memory(err)
                                    : qni_cache_stamp(path, &out->text, &out->fresh, err);
    qni_free(path);
    return status;
}

// One name for one file, however it was called; what lies beside it lies where its link does.
static qn_status write_stamp(const char *file, const char *folder, bool as_folder,
                             qni_tokenizer_stamp *out, qn_error *err)
{
    size_t n;
    const char *name = qni_path_base(file, &n);
    QNI_TRY(qni_buf_printf(&out->text, err, "tokenizer %s\n", QNI_TEXT_DIGEST));
    QNI_TRY(stamp_beside(folder, name, out, err));
    for (size_t i = 0; qni_tokenizer_configs[i] != NULL; i++) {
        QNI_TRY(stamp_beside(folder, qni_tokenizer_configs[i], out, err));
    }
    char *key = qni_path_join(folder, name);
    out->path = key != NULL ? qni_cache_path("tokenizer", as_folder ? folder : key) : NULL;
    qni_free(key);
    return QN_OK;
}

qn_status qni_tokenizer_stamp_take(const char *file, const char *folder, bool as_folder,
                                   qni_tokenizer_stamp *out, qn_error *err)
{
    struct stat info;
    *out = (qni_tokenizer_stamp){0};
    qni_buf_begin(&out->text, QNI_MIB, "the paths of a tokenizer");
    if (stat(file, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < LEAST_BYTES) {
        return QN_OK;
    }
    char *whole = qni_path_real(folder);
    qn_status status = whole != NULL ? write_stamp(file, whole, as_folder, out, err) : QN_OK;
    qni_free(whole);
    if (status != QN_OK) {
        qni_tokenizer_stamp_end(out);
    }
    return status;
}

void qni_tokenizer_stamp_end(qni_tokenizer_stamp *stamp)
{
    qni_free(stamp->path);
    qni_buf_end(&stamp->text);
    stamp->path = NULL;
}

bool qni_tokenizer_image_load(const qni_tokenizer_stamp *stamp, qni_tokenizer *t)
{
    qn_error ignored;
    qni_map *map;
    qni_image image;
    if (stamp->path == NULL || qni_map_open(stamp->path, &map, &ignored) != QN_OK) {
        return false;
    }
    qni_map_populate(map); // the checksum reads all of it
    qn_status status = qni_image_read(&image, map, stamp->text.data, stamp->text.size, &ignored);
    if (status != QN_OK) {
        qni_map_release(map);
        return false;
    }
    keep_tokenizer(&image, t);
    t->image = map;
    if (image.status != QN_OK) {
        qni_tokenizer_clear(t);
    }
    return image.status == QN_OK;
}

void qni_tokenizer_image_store(const qni_tokenizer_stamp *stamp, qni_tokenizer *t)
{
    qn_error ignored;
    qni_image image;
    if (stamp->path == NULL || stamp->fresh || !qni_cache_prepare(stamp->path)) {
        return;
    }
    qni_image_begin(&image, stamp->text.data, stamp->text.size, &ignored);
    keep_tokenizer(&image, t);
    if (qni_image_save(&image, stamp->path) == QN_OK) {
        qni_cache_trim(stamp->path);
    }
}
