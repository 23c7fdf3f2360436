#include "text/added.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

qn_status qni_added_set_build(const qni_added_token *tokens, const qni_trie_key *keys, size_t n,
                              qni_added_set *out, qn_error *err)
{
    *out = (qni_added_set){.tokens = tokens, .lone_first = -1, .n = n};
    if (n == 0) {
        return QN_OK;
    }
    qni_trie_key *sorted = qni_alloc_array(n, sizeof *sorted);
    if (sorted == NULL) {
        return qni_fail_memory(err);
    }
    memcpy(sorted, keys, n * sizeof *sorted);
    int n_first = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = keys[i].bytes[0];
        out->longest = keys[i].n > out->longest ? keys[i].n : out->longest;
        out->has_single_word = out->has_single_word || tokens[keys[i].value].single_word;
        out->holds_replacement = out->holds_replacement ||
                                 memmem(keys[i].bytes, keys[i].n, "\xEF\xBF\xBD", 3) != NULL;
        for (int j = n_first; out->first[c] == 0 && j < QNI_ADDED_FIRSTS; j++) {
            out->firsts[j] = (char)c; // the last one again and again where there are fewer
        }
        n_first += out->first[c] == 0;
        out->first[c] = 1;
        out->lone_first = n_first == 1 ? c : -1;
    }
    out->has_few_firsts = n_first <= QNI_ADDED_FIRSTS;
    qn_status status = qni_trie_build(sorted, n, &out->trie, err);
    qni_free(sorted);
    return status;
}

void qni_added_set_end(qni_added_set *set)
{
    qni_trie_end(&set->trie);
}

// The character that ends at `at` (at > 0).
static uint32_t character_before(const char *text, size_t at, size_t *begin)
{
    *begin = at - 1;
    while (*begin > 0 && ((unsigned char)text[*begin] & 0xC0) == 0x80) {
        --*begin;
    }
    uint32_t code;
    qni_utf8_decode((const unsigned char *)text + *begin, at - *begin, &code);
    return code;
}

// As Rust's \w has it, with the two joiners.
static bool is_word(uint32_t code)
{
    return qni_unicode_is_word(code) || code == 0x200C || code == 0x200D;
}

static bool touches_word(const char *text, size_t n, const qni_added_match *m)
{
    size_t begin;
    uint32_t code;
    if (m->begin > 0 && is_word(character_before(text, m->begin, &begin))) {
        return true;
    }
    if (m->end == n) {
        return false;
    }
    qni_utf8_decode((const unsigned char *)text + m->end, n - m->end, &code);
    return is_word(code);
}

static void take_spaces(const char *text, size_t n, size_t previous, qni_added_match *m)
{
    if (m->token->lstrip) {
        size_t begin;
        while (m->begin > previous &&
               qni_unicode_is_space(character_before(text, m->begin, &begin))) {
            m->begin = begin;
        }
        m->begin = m->begin > previous ? m->begin : previous;
    }
    while (m->token->rstrip && m->end < n) {
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)text + m->end, n - m->end, &code);
        if (!qni_unicode_is_space(code)) {
            break;
        }
        m->end += (size_t)length;
    }
}

// The next place where a token may begin.
static size_t next_candidate(const qni_added_set *set, const char *text, size_t n, size_t from)
{
    if (set->lone_first >= 0) {
        const char *at = memchr(text + from, set->lone_first, n - from);
        return at != NULL ? (size_t)(at - text) : n;
    }
#if defined(__SSE2__)
    for (; set->has_few_firsts && n - from >= 16; from += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + from));
        __m128i found = _mm_setzero_si128();
        for (int i = 0; i < QNI_ADDED_FIRSTS; i++) {
            __m128i first = _mm_set1_epi8(set->firsts[i]);
            found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, first));
        }
        unsigned any = (unsigned)_mm_movemask_epi8(found);
        if (any != 0) {
            return from + (size_t)__builtin_ctz(any);
        }
    }
#endif
    while (from < n && set->first[(unsigned char)text[from]] == 0) {
        from++;
    }
    return from;
}

bool qni_added_next(const qni_added_set *set, const char *text, size_t n, size_t from,
                    size_t previous, bool plain_special, size_t *resume, qni_added_match *out)
{
    while (set->n > 0 && from < n) {
        from = next_candidate(set, text, n, from);
        uint32_t index;
        size_t length = from < n ? qni_trie_longest(&set->trie, (const unsigned char *)text + from,
                                                    n - from, &index)
                                 : 0;
        if (length == 0) {
            from++;
            continue;
        }
        *out = (qni_added_match){from, from + length, &set->tokens[index]};
        from += length;
        bool skip = (plain_special && out->token->special) ||
                    (out->token->single_word && touches_word(text, n, out));
        if (!skip) {
            *resume = from;
            take_spaces(text, n, previous, out);
            if (out->begin < out->end) { // else it stands in what the token before has taken
                return true;
            }
        }
    }
    return false;
}

bool qni_added_apart(const qni_added_set *set, const char *text, size_t n, size_t at)
{
    size_t most = at < set->longest ? at : set->longest;
    bool asks = set->has_single_word && at < n && set->first[(unsigned char)text[at]] != 0;
    if (set->holds_replacement || asks) {
        return false;
    }
    for (size_t from = at - most; from < at; from++) {
        uint32_t node = 0;
        size_t i = from;
        while (i < at && qni_trie_step(&set->trie, &node, (unsigned char)text[i])) {
            i++;
        }
        if (i == at) {
            return false;
        }
    }
    return true;
}
