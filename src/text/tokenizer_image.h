// The compiled form of a tokenizer: all that opening one works out, kept in the cache folder, so
// that the next time it is mapped and not worked out again.
//
// Which files it was made from, and by which build of this folder's code, is in the image's stamp;
// when any of that changes it is made anew. What is no match, damaged or absent is as if it were
// not there.
#ifndef QNI_TEXT_TOKENIZER_IMAGE_H
#define QNI_TEXT_TOKENIZER_IMAGE_H

#include "text/tokenizer_impl.h"

// The stamp of what `file` in `folder` (and the configurations beside it) is now; of the tokenizer
// of the file or of the folder, which may be different ones.
typedef struct qni_tokenizer_stamp {
    char *path; // of the image; NULL: there is to be none
    qni_buf text;
    bool fresh; // a file changed just now: an image of it would not be safe
} qni_tokenizer_stamp;

QNI_WARN_UNUSED qn_status qni_tokenizer_stamp_take(const char *file, const char *folder,
                                                   bool as_folder, qni_tokenizer_stamp *out,
                                                   qn_error *err);
void qni_tokenizer_stamp_end(qni_tokenizer_stamp *stamp);

// Fills a cleared tokenizer from the image. False, and it is cleared again, when there is none to
// use.
bool qni_tokenizer_image_load(const qni_tokenizer_stamp *stamp, qni_tokenizer *t);

// Keeps a tokenizer that is ready. What fails leaves no image, and does not matter to the caller.
void qni_tokenizer_image_store(const qni_tokenizer_stamp *stamp, qni_tokenizer *t);

#endif
