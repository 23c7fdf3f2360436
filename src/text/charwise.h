// Normalizers that look at each character by itself, done all at once: what they make of a
// character is worked out when it first comes, by the steps themselves, and remembered.
//
// A canonical decomposition counts as one of them where nothing of it can be reordered: what
// becomes of each character is free of combining classes, most often because a later step has taken
// the marks away.
#ifndef QNI_TEXT_CHARWISE_H
#define QNI_TEXT_CHARWISE_H

#include "text/normalizer.h"

// Whether the steps (at least one) are all of that kind.
bool qni_charwise_can(const qni_normalizer *steps, size_t n_steps);

// What becomes of the passage, without origins. *done is false when that cannot be told this way;
// then the passage is as it was.
QNI_WARN_UNUSED qn_status qni_charwise_normalize(const qni_normalizer *steps, size_t n_steps,
                                                 qni_normalize_scratch *scratch, qni_passage *p,
                                                 bool *done, qn_error *err);

#endif
