#include "text/wordpiece.h"

#include "base/alloc.h"

#include <string.h>

static qn_status build_trie(const qni_vocab *vocab, const char *prefix, qni_trie_key *keys,
                            qni_trie *out, qn_error *err)
{
    size_t n = 0, cut = strlen(prefix);
    for (uint32_t id = 0; id < vocab->n; id++) {
        uint32_t size;
        const char *bytes = qni_vocab_at(vocab, id, &size);
        if (vocab->present[id] && size > cut && memcmp(bytes, prefix, cut) == 0 &&
            qni_vocab_find(vocab, bytes, size) == (int32_t)id) {
            keys[n++] = (qni_trie_key){(const unsigned char *)bytes + cut, size - (uint32_t)cut,
                                       id};
        }
    }
    return qni_trie_build(keys, n, out, err);
}

qn_status qni_wordpiece_build(const qni_vocab *vocab, const char *prefix, size_t longest,
                              qni_wordpiece *out, qn_error *err)
{
    *out = (qni_wordpiece){.longest = longest};
    qni_trie_key *keys = qni_alloc_array((size_t)vocab->n + 1, sizeof *keys);
    if (keys == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = build_trie(vocab, "", keys, &out->first, err);
    if (status == QN_OK) {
        status = build_trie(vocab, prefix, keys, &out->rest, err);
    }
    qni_free(keys);
    if (status != QN_OK) {
        qni_wordpiece_end(out);
    }
    return status;
}

void qni_wordpiece_end(qni_wordpiece *wordpiece)
{
    qni_trie_end(&wordpiece->first);
    qni_trie_end(&wordpiece->rest);
    *wordpiece = (qni_wordpiece){0};
}
