// A file that holds structures as they lie in memory, for what is costly to build and cheap to map:
// the compiled form of a tokenizer.
//
// One function describes a structure for both directions. It names the parts one after another;
// while an image is written each is added to it, while one is read each is taken from it. A failure
// stays: what follows writes nothing, and reads zeros and NULL, so that the structure can always be
// freed. Only `status` needs to be looked at, at the end.
//
//     static void keep_table(qni_image *image, table *t)
//     {
//         qni_image_value(image, &t->n, sizeof t->n);
//         qni_image_array(image, &t->rows, t->n, sizeof *t->rows);
//     }
//
// An image is for the machine and the build that wrote it: `stamp` says which, and what it was made
// from. It is read only when the stamp is equal byte by byte and the checksum over all of it is
// right, so parts are not checked again.
//
//     magic (8 bytes), checksum of what follows (8), the stamp's length (8), stamp, parts
#ifndef QNI_BASE_IMAGE_H
#define QNI_BASE_IMAGE_H

#include "base/buf.h"
#include "base/file.h"

#include <stdbool.h>

typedef struct qni_image {
    qn_status status; // the first failure
    qn_error *err;
    bool reads;
    qni_buf out;               // while writing
    const unsigned char *data; // while reading: of `size` bytes, read up to `at`
    size_t at, size;
} qni_image;

// Begins one that is written. End it with qni_image_save, or with qni_image_drop.
void qni_image_begin(qni_image *image, const char *stamp, size_t n_stamp, qn_error *err);
QNI_WARN_UNUSED qn_status qni_image_save(qni_image *image, const char *path);
void qni_image_drop(qni_image *image);

// Begins one that is read from a mapped file, which has to stay as long as what points into it.
// QN_INVALID_MODEL when it is none of ours or damaged, QN_INVALID_ARGUMENT when its stamp is
// another.
QNI_WARN_UNUSED qn_status qni_image_read(qni_image *image, const qni_map *map, const char *stamp,
                                         size_t n_stamp, qn_error *err);

// The bytes of a value or of a whole structure; pointers in it are to be named after it.
void qni_image_value(qni_image *image, void *value, size_t bytes);

// What `*pointer` (of any type) points to, `n` items of `size` bytes; NULL stays NULL. When read,
// it points into the file, at a multiple of 64 bytes.
void qni_image_array(qni_image *image, void *pointer, size_t n, size_t size);

// The same, when read in memory of its own, which the owner frees with qni_free; at `large`
// multiples of 64 bytes in memory of qni_alloc_aligned.
void qni_image_copy(qni_image *image, void *pointer, size_t n, size_t size);
void qni_image_large(qni_image *image, void *pointer, size_t n, size_t size);

// A zero-terminated string, or NULL; when read, a copy.
void qni_image_text(qni_image *image, char **text);

#endif
