#include "base/alloc.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"

#include <string.h>

// Bytes of the ids in a row, before what is not UTF-8 is replaced.
static size_t raw_bytes(const qni_tokenizer *t, const int32_t *ids, size_t n, bool skip_special,
                        char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        size_t length;
        const char *bytes = qni_tokenizer_token_bytes(t, ids[i], &length);
        if (bytes == NULL || (skip_special && t->special[ids[i]] != 0)) {
            continue;
        }
        if (out != NULL) {
            memcpy(out + size, bytes, length);
        }
        size += length;
    }
    return size;
}

// Copies with U+FFFD for each ill-formed part. `out` has room for three bytes a byte.
static size_t replace_invalid(const char *text, size_t n, char *out)
{
    size_t size = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)text + at, n - at, &code);
        if (length < 0) {
            memcpy(out + size, "\xEF\xBF\xBD", 3);
            size += 3;
            at += (size_t)-length;
        } else {
            memcpy(out + size, text + at, (size_t)length);
            size += (size_t)length;
            at += (size_t)length;
        }
    }
    return size;
}

qn_status qni_tokenizer_decode(const qni_tokenizer *t, const int32_t *ids, size_t n,
                               const qni_decode_options *options, char **text, size_t *size,
                               qn_error *err)
{
    bool skip = options != NULL && options->skip_special_tokens;
    *text = NULL;
    *size = 0;
    size_t raw = raw_bytes(t, ids, n, skip, NULL);
    char *bytes = qni_alloc(raw + 1);
    if (bytes == NULL) {
        return qni_fail_memory(err);
    }
    raw_bytes(t, ids, n, skip, bytes);
    if (!qni_utf8_is_valid(bytes, raw)) {
        char *clean = qni_alloc(3 * raw + 1);
        if (clean == NULL) {
            qni_free(bytes);
            return qni_fail_memory(err);
        }
        raw = replace_invalid(bytes, raw, clean);
        qni_free(bytes);
        bytes = clean;
    }
    bytes[raw] = 0;
    *text = bytes;
    *size = raw;
    return QN_OK;
}
