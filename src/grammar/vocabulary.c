#include "grammar/body_cache.h"
#include "grammar/vocabulary.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

// How a token reads inside a JSON string that may hold any text, from outside an escape.
typedef struct reading {
    bool possible;    // the token can stand there
    bool closes;      // it has a bare quote
    uint32_t quote;   // where
    uint16_t n_chars; // characters begun before the quote or the end
} reading;

static bool read_hex(const char *text, uint32_t size, uint32_t *at, uint32_t *code)
{
    for (int i = 0; i < 4 && *at < size; i++, ++*at) {
        char c = text[*at];
        bool digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
        if (!digit) {
            return false;
        }
        *code = *code << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

// After a backslash. A token may end inside the escape.
static bool read_escape(const char *text, uint32_t size, uint32_t *at)
{
    if (*at >= size) {
        return true;
    }
    char c = text[(*at)++];
    if (c != 'u') {
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    }
    uint32_t code = 0, start = *at;
    if (!read_hex(text, size, at, &code) || *at - start < 4) {
        return *at == size && *at - start < 4 &&
               (*at - start == 0 || read_hex(text, size, &start, &code));
    }
    if (code < 0xD800 || code > 0xDFFF) {
        return true;
    }
    static const char pair[] = "\\u";
    for (int i = 0; i < 2 && *at < size; i++, ++*at) {
        if (text[*at] != pair[i]) {
            return false;
        }
    }
    uint32_t low = 0;
    start = *at;
    if (code >= 0xDC00 || !read_hex(text, size, at, &low)) {
        return false;
    }
    uint32_t left = 4 * (4 - (*at - start)), first = low << left, last = first | ((1u << left) - 1);
    return first <= 0xDFFF && last >= 0xDC00;
}

static reading read_inside(const char *text, uint32_t size)
{
    reading r = {.possible = true};
    uint32_t at = 0;
    while (at < size && r.possible) {
        unsigned char c = (unsigned char)text[at];
        if (c == '"') {
            r.closes = true;
            r.quote = at;
            return r;
        }
        r.n_chars++;
        if (c == '\\') {
            at++;
            r.possible = read_escape(text, size, &at);
            continue;
        }
        uint32_t code;
        int n = qni_utf8_decode((const unsigned char *)text + at, size - at, &code);
        if (n < 0) { // fine only as the beginning of a character that the next token completes
            r.possible = qni_utf8_unfinished(text + at, size - at) == size - at;
            return r;
        }
        r.possible = c >= 0x20;
        at += (uint32_t)n;
    }
    return r;
}

static const char *token_bytes(const qni_vocabulary *v, uint32_t token, uint32_t *size)
{
    *size = v->offsets[token + 1] - v->offsets[token];
    return v->bytes + v->offsets[token];
}

static bool is_stop(const qni_vocabulary *v, uint32_t token)
{
    for (uint32_t i = 0; i < v->n_stops; i++) {
        if (v->stops[i] == token) {
            return true;
        }
    }
    return false;
}

static int compare_tails(const void *a, const void *b)
{
    const qni_token_trie_key *x = a, *y = b;
    uint32_t n = x->size < y->size ? x->size : y->size;
    int order = n == 0 ? 0 : memcmp(x->bytes, y->bytes, n);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

// `keys` are the tails of the closing tokens, with the tokens as payloads. Numbers them, and fills
// the three tables.
static qn_status build_closers(qni_vocabulary *v, qni_token_trie_key *keys, uint32_t n,
                               qn_error *err)
{
    v->closers = qni_alloc_array((size_t)n + 1, sizeof *v->closers);
    v->tail_first = qni_alloc_array((size_t)n + 2, sizeof *v->tail_first);
    qni_token_trie_key *before = qni_alloc_array((size_t)n + 1, sizeof *before);
    uint32_t n_escaped = 0;
    if (v->closers == NULL || v->tail_first == NULL || before == NULL) {
        qni_free(before);
        return qni_fail_memory(err);
    }
    if (n != 0) {
        qsort(keys, n, sizeof *keys, compare_tails);
    }
    uint32_t n_tails = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t token = keys[i].payload, size;
        const char *text = token_bytes(v, token, &size);
        if (i == 0 || compare_tails(&keys[i - 1], &keys[i]) != 0) {
            v->tail_first[n_tails] = i;
            keys[n_tails] = keys[i];
            keys[n_tails].payload = n_tails;
            n_tails++;
        }
        reading r = read_inside(text, size);
        v->closers[i] = (qni_closer){token, n_tails - 1, r.quote, r.n_chars,
                                     memchr(text, '\\', r.quote) != NULL};
        before[i] = (qni_token_trie_key){text, r.quote, i};
    }
    v->n_closers = n;
    v->n_tails = n_tails;
    v->tail_first[n_tails] = n;
    qn_status status = qni_token_trie_begin(&v->closing, before, n, err);
    if (status == QN_OK) {
        status = qni_token_trie_begin(&v->tails, keys, n_tails, err);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (v->closers[before[i].payload].escaped) {
            before[n_escaped++] = before[i];
        }
    }
    if (status == QN_OK) {
        status = qni_token_trie_begin(&v->closing_escaped, before, n_escaped, err);
    }
    qni_free(before);
    return status;
}

typedef struct length_entry {
    uint32_t token;
    uint16_t n_chars;
} length_entry;

static int compare_lengths(const void *a, const void *b)
{
    const length_entry *x = a, *y = b;
    int order = (x->n_chars < y->n_chars) - (x->n_chars > y->n_chars);
    return order != 0 ? order : (x->token > y->token) - (x->token < y->token);
}

static qn_status build_plain(qni_vocabulary *v, length_entry *entries, uint32_t n, qn_error *err)
{
    v->plain = qni_calloc(v->n_words + 1, sizeof *v->plain);
    v->by_length = qni_alloc_array((size_t)n + 1, sizeof *v->by_length);
    v->n_chars = qni_alloc_array((size_t)n + 1, sizeof *v->n_chars);
    if (v->plain == NULL || v->by_length == NULL || v->n_chars == NULL) {
        return qni_fail_memory(err);
    }
    if (n != 0) {
        qsort(entries, n, sizeof *entries, compare_lengths);
    }
    for (uint32_t i = 0; i < n; i++) {
        qni_mask_set(v->plain, entries[i].token);
        v->by_length[i] = entries[i].token;
        v->n_chars[i] = entries[i].n_chars;
    }
    v->n_plain = n;
    return QN_OK;
}

static void set_rows(qni_vocabulary *v, uint32_t token, uint64_t rows)
{
    rows |= (rows & QNI_WIDE_GROUPS) != 0 ? QNI_GROUP_BIT(QNI_ROW_WIDE) : 0;
    rows |= (rows & QNI_MARK_GROUPS) != 0 ? QNI_GROUP_BIT(QNI_ROW_MARKS) : 0;
    for (; rows != 0; rows &= rows - 1) {
        qni_mask_set(v->of_group + (size_t)__builtin_ctzll(rows) * v->n_words, token);
    }
}

// Masks of the tokens by the groups of their characters. Of those with an escape only the backslash
// counts.
static qn_status build_groups(qni_vocabulary *v, qn_error *err)
{
    v->of_group = qni_calloc((size_t)QNI_N_GROUP_ROWS * v->n_words + 1, sizeof *v->of_group);
    if (v->of_group == NULL) {
        return qni_fail_memory(err);
    }
    for (uint32_t i = 0; i < v->groups.n_entries; i++) {
        set_rows(v, v->groups.entries[i], v->groups.groups[i]);
    }
    for (uint32_t i = 0; i < v->escaped.n_entries; i++) {
        set_rows(v, v->escaped.entries[i], QNI_GROUP_BIT(qni_ascii_group('\\')));
    }
    return QN_OK;
}

typedef struct room {
    qni_token_trie_key *all, *inside, *bare, *tails, *odd, *escaped;
    length_entry *lengths;
} room;

static qn_status build_tables(qni_vocabulary *v, const uint8_t *special, room *r, qn_error *err)
{
    uint32_t n_all = 0, n_inside = 0, n_tails = 0, n_plain = 0, n_odd = 0;
    uint32_t n_escaped = 0, n_bare = 0;
    for (uint32_t token = 0; token < v->n_tokens; token++) {
        uint32_t size;
        const char *text = token_bytes(v, token, &size);
        bool skip = size == 0 || size > QNI_MAX_MASKED_TOKEN_BYTES || is_stop(v, token) ||
                    (special != NULL && special[token] != 0);
        if (skip) {
            continue;
        }
        qni_mask_set(v->texts, token);
        r->all[n_all++] = (qni_token_trie_key){text, size, token};
        reading inside = read_inside(text, size);
        if (inside.closes && inside.possible) {
            r->tails[n_tails++] = (qni_token_trie_key){text + inside.quote + 1,
                                                       size - inside.quote - 1, token};
        } else if (inside.possible) {
            r->inside[n_inside++] = (qni_token_trie_key){text, size, token};
            if (memchr(text, '\\', size) != NULL) {
                r->escaped[n_escaped++] = (qni_token_trie_key){text, size, token};
            } else {
                r->bare[n_bare++] = (qni_token_trie_key){text, size, token};
            }
        } else if (((unsigned char)text[0] & 0xC0) == 0x80) { // no others ever fit
            r->odd[n_odd++] = (qni_token_trie_key){text, size, token};
        }
        if (!inside.closes && inside.possible) {
            r->lengths[n_plain++] = (length_entry){token, inside.n_chars};
        }
    }
    QNI_TRY(qni_token_trie_begin(&v->trie, r->all, n_all, err));
    QNI_TRY(qni_token_trie_begin(&v->inside, r->inside, n_inside, err));
    QNI_TRY(qni_token_trie_begin(&v->escaped, r->escaped, n_escaped, err));
    QNI_TRY(qni_group_trie_begin(&v->groups, r->bare, n_bare, err));
    QNI_TRY(qni_token_trie_begin(&v->odd, r->odd, n_odd, err));
    QNI_TRY(build_closers(v, r->tails, n_tails, err));
    QNI_TRY(build_groups(v, err));
    return build_plain(v, r->lengths, n_plain, err);
}

static qn_status build(qni_vocabulary *v, const char *bytes, const uint32_t *offsets,
                       const uint8_t *special, const uint32_t *stops, qn_error *err)
{
    uint32_t n = v->n_tokens;
    v->offsets = qni_alloc_array((size_t)n + 1, sizeof *v->offsets);
    v->stops = qni_alloc_array((size_t)v->n_stops + 1, sizeof *v->stops);
    v->bytes = qni_alloc(offsets[n] + 1);
    v->texts = qni_calloc((size_t)v->n_words + 1, sizeof *v->texts);
    if (v->offsets == NULL || v->stops == NULL || v->bytes == NULL || v->texts == NULL) {
        return qni_fail_memory(err);
    }
    memcpy(v->offsets, offsets, ((size_t)n + 1) * sizeof *offsets);
    memcpy(v->bytes, bytes, offsets[n]);
    if (v->n_stops != 0) {
        memcpy(v->stops, stops, v->n_stops * sizeof *stops);
    }
    room r = {0};
    r.all = qni_alloc_array((size_t)n + 1, sizeof *r.all);
    r.inside = qni_alloc_array((size_t)n + 1, sizeof *r.inside);
    r.bare = qni_alloc_array((size_t)n + 1, sizeof *r.bare);
    r.tails = qni_alloc_array((size_t)n + 1, sizeof *r.tails);
    r.escaped = qni_alloc_array((size_t)n + 1, sizeof *r.escaped);
    r.odd = qni_alloc_array((size_t)n + 1, sizeof *r.odd);
    r.lengths = qni_alloc_array((size_t)n + 1, sizeof *r.lengths);
    bool fine = r.all != NULL && r.inside != NULL && r.bare != NULL && r.tails != NULL &&
                r.odd != NULL && r.escaped != NULL && r.lengths != NULL;
    qn_status status = fine ? build_tables(v, special, &r, err) : qni_fail_memory(err);
    qni_free(r.all);
    qni_free(r.inside);
    qni_free(r.bare);
    qni_free(r.tails);
    qni_free(r.odd);
    qni_free(r.escaped);
    qni_free(r.lengths);
    return status;
}

qn_status qni_vocabulary_create(uint32_t n_tokens, const char *bytes, const uint32_t *offsets,
                                const uint8_t *special, const uint32_t *stops, uint32_t n_stops,
                                qni_vocabulary **out, qn_error *err)
{
    if (n_tokens > QNI_MAX_VOCABULARY) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL,
                        "a vocabulary of %u tokens; at most %d are read", n_tokens,
                        QNI_MAX_VOCABULARY);
    }
    for (uint32_t i = 0; i < n_tokens; i++) {
        if (offsets[i] > offsets[i + 1]) {
            return qni_fail(err, QN_INVALID_ARGUMENT, NULL, "token %u ends before it begins", i);
        }
    }
    qni_vocabulary *v = qni_calloc(1, sizeof *v);
    if (v == NULL) {
        return qni_fail_memory(err);
    }
    v->n_tokens = n_tokens;
    v->n_stops = n_stops;
    v->n_words = (n_tokens + 31) / 32;
    v->references = 1;
    v->bodies = qni_body_cache_create(v->n_words);
    qn_status status = v->bodies == NULL ? qni_fail_memory(err)
                                         : build(v, bytes, offsets, special, stops, err);
    if (status != QN_OK) {
        qni_vocabulary_free(v);
        return status;
    }
    *out = v;
    return QN_OK;
}

qni_vocabulary *qni_vocabulary_share(qni_vocabulary *v)
{
    if (v != NULL) {
        __atomic_fetch_add(&v->references, 1, __ATOMIC_RELAXED);
    }
    return v;
}

void qni_vocabulary_free(qni_vocabulary *v)
{
    if (v == NULL || __atomic_fetch_sub(&v->references, 1, __ATOMIC_ACQ_REL) != 1) {
        return;
    }
    qni_token_trie_end(&v->trie);
    qni_token_trie_end(&v->inside);
    qni_group_trie_end(&v->groups);
    qni_token_trie_end(&v->odd);
    qni_token_trie_end(&v->escaped);
    qni_token_trie_end(&v->closing);
    qni_token_trie_end(&v->closing_escaped);
    qni_token_trie_end(&v->tails);
    qni_free(v->bytes);
    qni_free(v->texts);
    qni_free(v->offsets);
    qni_free(v->stops);
    qni_free(v->closers);
    qni_free(v->tail_first);
    qni_body_cache_free(v->bodies);
    qni_free(v->of_group);
    qni_free(v->plain);
    qni_free(v->by_length);
    qni_free(v->n_chars);
    qni_free(v);
}

bool qni_vocabulary_has_text(const qni_vocabulary *v, uint32_t token)
{
    return (v->texts[token / 32] >> token % 32 & 1) != 0;
}
