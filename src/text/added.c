#include "text/added.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Notes what the tokens begin with, by two bytes or by one; false when there is too much of it.
static bool note_beginnings(qni_added_set *set, const qni_trie_key *keys, size_t n, bool any_second)
{
    set->n_beginnings = 0;
    for (size_t i = 0; i < n; i++) {
        bool any = any_second || keys[i].n == 1;
        qni_added_beginning b = {(char)keys[i].bytes[0], any ? 0 : (char)keys[i].bytes[1], any};
        int at = 0;
        while (at < set->n_beginnings && memcmp(&set->beginnings[at], &b, sizeof b) != 0) {
            at++;
        }
        if (at == QNI_ADDED_BEGINNINGS) {
            set->n_beginnings = 0;
            return false;
        }
        set->beginnings[at] = b;
        set->n_beginnings += at == set->n_beginnings;
    }
    return true;
}

qn_status qni_added_set_build(const qni_added_token *tokens, const qni_trie_key *keys, size_t n,
                              qni_added_set *out, qn_error *err)
{
    *out = (qni_added_set){.tokens = tokens, .n = n};
    if (n == 0) {
        return QN_OK;
    }
    qni_trie_key *sorted = qni_alloc_array(n, sizeof *sorted);
    if (sorted == NULL) {
        return qni_fail_memory(err);
    }
    memcpy(sorted, keys, n * sizeof *sorted);
    for (size_t i = 0; i < n; i++) {
        out->longest = keys[i].n > out->longest ? keys[i].n : out->longest;
        out->has_single_word = out->has_single_word || tokens[keys[i].value].single_word;
        out->holds_replacement = out->holds_replacement ||
                                 memmem(keys[i].bytes, keys[i].n, "\xEF\xBF\xBD", 3) != NULL;
        out->first[keys[i].bytes[0]] = 1;
    }
    if (!note_beginnings(out, keys, n, false)) {
        note_beginnings(out, keys, n, true);
    }
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

#if defined(__SSE2__)
// Which of sixteen bytes are beginnings; one byte more is read.
static inline __m128i find_beginnings(const qni_added_set *set, int n, const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text), found = {0};
    __m128i behind = _mm_loadu_si128((const __m128i *)(const void *)(text + 1));
    for (int i = 0; i < n; i++) {
        const qni_added_beginning *b = &set->beginnings[i];
        __m128i fits = _mm_or_si128(_mm_cmpeq_epi8(behind, _mm_set1_epi8(b->second)),
                                    _mm_set1_epi8(b->any_second ? -1 : 0));
        fits = _mm_and_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(b->first)), fits);
        found = _mm_or_si128(found, fits);
    }
    return found;
}

// The first place from `from` on where one of `n_beginnings` is, or one with fewer than 17 bytes
// behind it.
static inline size_t skip_others(const qni_added_set *set, int n_beginnings, const char *text,
                                 size_t n, size_t from)
{
    enum { BYTES = sizeof(__m128i), BLOCK = 4 * BYTES, AHEAD = 512 };
    for (; n - from > BLOCK; from += BLOCK) {
        __m128i found = {0};
        __builtin_prefetch(text + from + AHEAD); // text that was not looked at yet
        for (size_t i = 0; i < BLOCK; i += BYTES) {
            found = _mm_or_si128(found, find_beginnings(set, n_beginnings, text + from + i));
        }
        if (_mm_movemask_epi8(found) != 0) {
            break;
        }
    }
    for (; n - from > BYTES; from += BYTES) {
        __m128i found = find_beginnings(set, n_beginnings, text + from);
        unsigned places = (unsigned)_mm_movemask_epi8(found);
        if (places != 0) {
            return from + (size_t)__builtin_ctz(places);
        }
    }
    return from;
}
#endif

// The next place where a token may begin.
static size_t next_candidate(const qni_added_set *set, const char *text, size_t n, size_t from)
{
#if defined(__SSE2__)
    switch (set->n_beginnings) { // compiled for each number
    case 1: from = skip_others(set, 1, text, n, from); break;
    case 2: from = skip_others(set, 2, text, n, from); break;
    case 3: from = skip_others(set, 3, text, n, from); break;
    case 4: from = skip_others(set, 4, text, n, from); break;
    default: break;
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
