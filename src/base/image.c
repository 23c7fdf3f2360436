#include "base/image.h"

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/limits.h"

#include <string.h>

enum { ALIGNMENT = 64 };

static const char magic[8] = "QNImage1";

typedef struct header {
    char magic[8];
    uint64_t checksum; // of what follows it
    uint64_t n_stamp;
} header;

enum { UNCHECKED = offsetof(header, n_stamp) };

static void add(qni_image *image, const void *bytes, size_t n)
{
    if (image->status == QN_OK) {
        image->status = qni_buf_add(&image->out, bytes, n, image->err);
    }
}

// The next `n` bytes of an image that is read, or NULL after a failure.
static const unsigned char *take(qni_image *image, size_t n)
{
    if (image->status == QN_OK && n > image->size - image->at) {
        image->status = qni_fail(image->err, QN_INVALID_MODEL, NULL,
                                 "an image ends after %zu bytes, within a part", image->size);
    }
    if (image->status != QN_OK) {
        return NULL;
    }
    const unsigned char *bytes = image->data + image->at;
    image->at += n;
    return bytes;
}

static void align(qni_image *image)
{
    static const char zeros[ALIGNMENT];
    size_t at = image->reads ? image->at : image->out.size;
    size_t more = (ALIGNMENT - at % ALIGNMENT) % ALIGNMENT;
    if (image->reads) {
        take(image, more);
    } else {
        add(image, zeros, more);
    }
}

void qni_image_begin(qni_image *image, const char *stamp, size_t n_stamp, qn_error *err)
{
    *image = (qni_image){.err = err};
    qni_buf_begin(&image->out, QNI_MAX_IMAGE_BYTES, "an image's size");
    header h = {.n_stamp = n_stamp};
    memcpy(h.magic, magic, sizeof magic);
    add(image, &h, sizeof h);
    add(image, stamp, n_stamp);
}

qn_status qni_image_save(qni_image *image, const char *path)
{
    qn_status status = image->status;
    if (status == QN_OK) {
        qni_buf *out = &image->out;
        uint64_t sum = qni_checksum(out->data + UNCHECKED, out->size - UNCHECKED);
        memcpy(out->data + offsetof(header, checksum), &sum, sizeof sum);
        status = qni_file_write(path, out->data, out->size, image->err);
    }
    qni_image_drop(image);
    return status;
}

void qni_image_drop(qni_image *image)
{
    qni_buf_end(&image->out);
}

qn_status qni_image_read(qni_image *image, const qni_map *map, const char *stamp, size_t n_stamp,
                         qn_error *err)
{
    header h;
    *image = (qni_image){
        .err = err, .reads = true, .data = qni_map_data(map), .size = qni_map_size(map)};
    const char *path = qni_map_path(map);
    const unsigned char *first = take(image, sizeof h);
    if (first == NULL) {
        return image->status;
    }
    memcpy(&h, first, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0) {
        return qni_fail(err, QN_INVALID_MODEL, path, "no image: it begins otherwise");
    }
    const unsigned char *there = h.n_stamp == n_stamp ? take(image, n_stamp) : NULL;
    if (there == NULL || memcmp(there, stamp, n_stamp) != 0) {
        return qni_fail(err, QN_INVALID_ARGUMENT, path,
                        "an image of something else, or by another build");
    }
    if (qni_checksum(image->data + UNCHECKED, image->size - UNCHECKED) != h.checksum) {
        return qni_fail(err, QN_INVALID_MODEL, path, "the image is damaged: its checksum differs");
    }
    return QN_OK;
}

void qni_image_value(qni_image *image, void *value, size_t bytes)
{
    if (!image->reads) {
        add(image, value, bytes);
        return;
    }
    const unsigned char *from = take(image, bytes);
    if (from != NULL) {
        memcpy(value, from, bytes);
    } else {
        memset(value, 0, bytes);
    }
}

// The bytes of an array that is read; NULL when it was NULL or after a failure.
static const void *take_array(qni_image *image, size_t n, size_t size)
{
    uint8_t there = 0;
    qni_image_value(image, &there, 1);
    if (there == 0) {
        return NULL;
    }
    align(image);
    return take(image, n * size);
}

static void add_array(qni_image *image, const void *bytes, size_t n, size_t size)
{
    uint8_t there = bytes != NULL;
    add(image, &there, 1);
    if (there) {
        align(image);
        add(image, bytes, n * size);
    }
}

// Pointers to all types of objects look alike on every machine that quince is built for.
static void *get_pointer(const void *pointer)
{
    void *value;
    memcpy(&value, pointer, sizeof value);
    return value;
}

static void set_pointer(void *pointer, const void *value)
{
    memcpy(pointer, &value, sizeof value);
}

void qni_image_array(qni_image *image, void *pointer, size_t n, size_t size)
{
    if (image->reads) {
        set_pointer(pointer, take_array(image, n, size));
    } else {
        add_array(image, get_pointer(pointer), n, size);
    }
}

static void read_copy(qni_image *image, void *pointer, size_t n, size_t size, bool large)
{
    const void *from = take_array(image, n, size);
    void *copy = NULL;
    if (from != NULL) {
        copy = large ? qni_alloc_aligned(n * size) : qni_alloc(n * size);
        if (copy == NULL) {
            image->status = qni_fail_memory(image->err);
        } else {
            memcpy(copy, from, n * size);
        }
    }
    set_pointer(pointer, copy);
}

void qni_image_copy(qni_image *image, void *pointer, size_t n, size_t size)
{
    if (image->reads) {
        read_copy(image, pointer, n, size, false);
    } else {
        add_array(image, get_pointer(pointer), n, size);
    }
}

void qni_image_large(qni_image *image, void *pointer, size_t n, size_t size)
{
    if (image->reads) {
        read_copy(image, pointer, n, size, true);
    } else {
        add_array(image, get_pointer(pointer), n, size);
    }
}

void qni_image_text(qni_image *image, char **text)
{
    uint64_t n = image->reads || *text == NULL ? 0 : strlen(*text) + 1;
    qni_image_value(image, &n, sizeof n);
    qni_image_copy(image, text, n, 1);
}
