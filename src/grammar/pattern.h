// Regular expressions as terms.
#ifndef QNI_GRAMMAR_PATTERN_H
#define QNI_GRAMMAR_PATTERN_H

#include "grammar/term.h"

typedef enum qni_pattern_syntax {
    QNI_PATTERN_ECMA, // ECMA-262 with the u flag, lenient where browsers are (annex B)
    QNI_PATTERN_RE2   // RE2's, as vLLM, llguidance and Go read them
} qni_pattern_syntax;

typedef enum qni_pattern_extent {
    QNI_PATTERN_WHOLE, // the expression matches the whole text
    QNI_PATTERN_SEARCH // it matches somewhere in the text, unless anchored
} qni_pattern_extent;

// Reads `size` bytes of UTF-8. Look-ahead, anchors and word boundaries anywhere are exact.
// QN_UNSUPPORTED for what is not regular or looks back (back references, look-behind),
// QN_INVALID_ARGUMENT for what is not a pattern; the message shows the byte position.
QNI_WARN_UNUSED qn_status qni_pattern_parse(qni_terms *terms, const char *text, size_t size,
                                            qni_pattern_syntax syntax, qni_pattern_extent extent,
                                            qni_term *out, qn_error *err);

#endif
