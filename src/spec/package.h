// Model packages: a folder with a manifest, the model's bytes and its weight files.
#ifndef QNI_SPEC_PACKAGE_H
#define QNI_SPEC_PACKAGE_H

#include "base/file.h"

// Where the parts of a model lie.
typedef struct qni_package {
    char *model;  // the path of the protobuf
    char *folder; // of the protobuf: what "@model_path" stands for
    char *root;   // of the package; no file outside of it is read
} qni_package;

// `path` is an .mlpackage folder or the protobuf itself (.mlmodel). The root model is found through
// the manifest.
QNI_WARN_UNUSED qn_status qni_package_open(const char *path, qni_package *out, qn_error *err);
void qni_package_close(qni_package *package);

// The path of a weight file that the program names, such as "@model_path/weights/weight.bin". It
// stays inside of the package, links included. Free it with qni_free.
QNI_WARN_UNUSED qn_status qni_package_weight_path(const qni_package *package, const char *name,
                                                  char **path, qn_error *err);

#endif
