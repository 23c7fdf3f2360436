// The classes that transformers has for tokenizers, which take only the vocabulary and the merges
// from a folder's tokenizer.json and build the rest themselves, by settings of
// tokenizer_config.json.
//
// Which class a folder has: that of tokenizer_config.json or config.json, unless the model's type
// is known to stand for another one or for none (transformers 5.23, models/auto). The classes of
// table `rows` are known here; of any other one, what tokenizer.json says is kept.
#ifndef QNI_TEXT_TOKENIZER_CLASS_H
#define QNI_TEXT_TOKENIZER_CLASS_H

#include "base/error.h"

#include <jansson.h>

// Changes what was read from the folder's tokenizer.json into what AutoTokenizer makes of it: its
// steps, and the tokens that the configurations add. Without configurations nothing changes.
QNI_WARN_UNUSED qn_status qni_tokenizer_apply_class(json_t *root, const char *folder,
                                                    qn_error *err);

#endif
