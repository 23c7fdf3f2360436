// Texts, sets of keys, and small results that are kept.
#include "grammar/formula_impl.h"

qni_string qni_string_make(qni_formulas *f, const char *text, size_t n)
{
    uint32_t small[64];
    size_t n_words = 1 + (n + 3) / 4;
    uint32_t *words = n_words <= 64 ? small : qni_alloc_array(n_words, sizeof *words);
    if (words == NULL) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
        return 0;
    }
    words[n_words - 1] = 0;
    words[0] = (uint32_t)n;
    memcpy(words + 1, text, n);
    qni_string id = qni_intern_add(&f->strings, words, n_words, NULL);
    if (words != small) {
        qni_free(words);
    }
    return id;
}

const char *qni_string_text(const qni_formulas *f, qni_string s, size_t *n)
{
    const uint32_t *words = qni_intern_at(&f->strings, s, NULL);
    *n = words[0];
    return (const char *)(words + 1);
}

bool qni_string_matches(qni_formulas *f, qni_string s, qni_term term)
{
    bool found;
    uint32_t key[3] = {3, s, term};
    uint32_t *value = qni_formulas_memo(f, key, 3, &found);
    if (!found) {
        size_t n;
        const char *text = qni_string_text(f, s, &n);
        qni_term t = term;
        for (size_t i = 0; i < n && t != QNI_TERM_NOTHING; i++) {
            t = qni_term_step(f->terms, t, (unsigned char)text[i]);
        }
        *value = qni_term_nullable(f->terms, t);
    }
    return *value != 0;
}

qni_keys qni_keys_make(qni_formulas *f, bool all_but, const qni_string *texts, size_t n_texts,
                       const qni_term *terms, size_t n_terms)
{
    uint32_t *words = qni_alloc_array(n_texts + n_terms + 2, sizeof *words);
    if (words == NULL) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
        return 0;
    }
    size_t n = 0;
    for (size_t part = 0; part < 2; part++) {
        const uint32_t *from = part == 0 ? texts : terms;
        size_t count = part == 0 ? n_texts : n_terms, start = n + 2, kept = 0;
        if (count != 0) {
            memcpy(words + start, from, count * sizeof *words);
            qni_ids_sort(words + start, count);
        }
        for (size_t i = 0; i < count; i++) {
            if (kept == 0 || words[start + kept - 1] != words[start + i]) {
                words[start + kept++] = words[start + i];
            }
        }
        n += kept;
        if (part == 0) {
            words[1] = (uint32_t)kept;
        }
    }
    words[0] = all_but;
    qni_keys id = qni_intern_add(&f->key_sets, words, n + 2, NULL);
    qni_free(words);
    return id;
}

qni_keys_view qni_keys_get(const qni_formulas *f, qni_keys keys)
{
    if (keys == 0) {
        return (qni_keys_view){0};
    }
    size_t n;
    const uint32_t *r = qni_intern_at(&f->key_sets, keys, &n);
    return (qni_keys_view){r[0] != 0, r + 2, r[1], r + 2 + r[1], n - 2 - r[1]};
}

bool qni_keys_has(qni_formulas *f, qni_keys keys, qni_string key)
{
    qni_keys_view v = qni_keys_get(f, keys);
    bool in = qni_ids_have(v.texts, v.n_texts, key);
    for (size_t i = 0; i < v.n_terms && !in; i++) {
        in = qni_string_matches(f, key, v.terms[i]);
    }
    return in != v.all_but;
}

uint32_t *qni_formulas_memo(qni_formulas *f, const uint32_t *key, size_t n, bool *found)
{
    uint32_t id = qni_intern_find(&f->memo, key, n);
    *found = id != 0;
    if (id == 0) {
        if (!qni_account_grow(f->account, &f->memo_values, &f->memo_values_capacity,
                              (size_t)f->memo.n + 2, sizeof *f->memo_values)) {
            return &f->nowhere;
        }
        id = qni_intern_add(&f->memo, key, n, NULL);
        if (id == 0) {
            return &f->nowhere;
        }
        f->memo_values[id] = 0;
    }
    return &f->memo_values[id];
}
