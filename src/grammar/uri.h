// URI references (RFC 3986), as far as identifiers of schemas need them.
#ifndef QNI_GRAMMAR_URI_H
#define QNI_GRAMMAR_URI_H

#include "base/arena.h"

// `reference` against `base`, section 5.2. The result lives in the arena; NULL when memory is out.
const char *qni_uri_resolve(qni_arena *arena, const char *base, const char *reference, size_t n);

// Cuts the fragment off: ends `uri` at '#' and returns what stood behind it ("" when there was
// none).
char *qni_uri_split_fragment(char *uri);

// Replaces %XX in place.
void qni_uri_unescape(char *text);

#endif
