// Sets of texts as terms.
#include "base/alloc.h"
#include "grammar/term.h"

#include <string.h>

static int compare_words(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order != 0 ? order : (n_a > n_b) - (n_a < n_b);
}

// Sorted words that agree on their first `depth` bytes. Recursion is as deep as the words branch:
// bytes that all share are taken in one step.
static qni_term words_below(qni_terms *terms, const char *const *words, const size_t *sizes,
                            size_t n, size_t depth)
{
    if (n == 0) {
        return QNI_TERM_NOTHING;
    }
    size_t shared = 0;
    const char *first = words[0] + depth, *last = words[n - 1] + depth;
    size_t n_first = sizes[0] - depth, n_last = sizes[n - 1] - depth;
    while (shared < n_first && shared < n_last && first[shared] == last[shared]) {
        shared++;
    }
    size_t at = depth + shared;
    qni_term rest = QNI_TERM_NOTHING;
    size_t i = 0;
    for (; i < n && sizes[i] == at; i++) {
        rest = QNI_TERM_EMPTY;
    }
    while (i < n) {
        size_t end = i + 1;
        while (end < n && words[end][at] == words[i][at]) {
            end++;
        }
        unsigned b = (unsigned char)words[i][at];
        qni_term below = words_below(terms, words + i, sizes + i, end - i, at + 1);
        qni_term branch = qni_term_concat(terms, qni_term_byte_range(terms, b, b), below);
        rest = qni_term_alt2(terms, rest, branch);
        i = end;
    }
    return qni_term_concat(terms, qni_term_literal(terms, first, shared), rest);
}

qni_term qni_term_words(qni_terms *terms, const char *const *words, const size_t *sizes, size_t n)
{
    const char **sorted = qni_alloc_array(n + 1, sizeof *sorted);
    size_t *lengths = qni_alloc_array(n + 1, sizeof *lengths);
    qni_term result = QNI_TERM_NOTHING;
    if (sorted == NULL || lengths == NULL) {
        qni_account_fail(terms->account, QN_OUT_OF_MEMORY, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < n; i++) { // insertion by binary search: enumerations are small
        size_t low = 0, high = i;
        while (low < high) {
            size_t mid = (low + high) / 2;
            int order = compare_words(sorted[mid], lengths[mid], words[i], sizes[i]);
            *(order < 0 ? &low : &high) = order < 0 ? mid + 1 : mid;
        }
        memmove(sorted + low + 1, sorted + low, (i - low) * sizeof *sorted);
        memmove(lengths + low + 1, lengths + low, (i - low) * sizeof *lengths);
        sorted[low] = words[i];
        lengths[low] = sizes[i];
    }
    result = words_below(terms, sorted, lengths, n, 0);
    qni_term_mark_whole(terms, result);
done:
    qni_free(sorted);
    qni_free(lengths);
    return result;
}
