#include "text/encode_words.h"

#include "base/alloc.h"
#include "text/ascii.h"

#include <string.h>

// Words whose keys are made, and whose slots are asked for, before the first of them is looked up.
enum { AHEAD = 32 };

// Words on their way: characters of three bytes, which are looked up by their codes, or others,
// which are looked up by their keys.
typedef struct some_words {
    size_t n;
    bool are_characters;
    union {
        qni_word_key keys[AHEAD];
        uint32_t codes[AHEAD];
    };
} some_words;

// Parts of a word that are found, and asked for, before the first of them is looked up.
enum { PARTS = 32 };

// New words that are one search each are left out at first, until there are so many of them or all
// others are done, so that what one waits for can be asked for while others wait.
enum { GAPS = QNI_BPE_EXPECTED };

typedef struct gap {
    qni_word_key key;
    qni_word_place word;
    size_t at, n; // the ids before it, and its own
} gap;

typedef struct gap_list {
    gap items[GAPS];
    size_t n;
} gap_list;

qn_status qni_ids_reserve(qni_ids *out, size_t more, qn_error *err)
{
    size_t need = out->n + more + QNI_WORD_NEAR + 1;
    if (need > out->capacity && qni_grow(&out->ids, &out->capacity, need, sizeof *out->ids) != 0) {
        return qni_fail_memory(err);
    }
    return QN_OK;
}

static qn_status add_pieces(const qni_pieces *pieces, qni_ids *out, qn_error *err)
{
    QNI_TRY(qni_ids_reserve(out, pieces->n, err));
    int32_t *ids = out->ids + out->n;
    for (size_t i = 0; i < pieces->n; i++) {
        ids[i] = (int32_t)pieces->items[i].id;
    }
    out->n += pieces->n;
    return QN_OK;
}

static qn_status copy_known(const qni_words *words, const qni_word_slot *slot, qni_ids *out,
                            qn_error *err)
{
    size_t n;
    const int32_t *ids = qni_word_ids(words, slot, &n);
    QNI_TRY(qni_ids_reserve(out, n + QNI_WORD_READ, err));
    int32_t *to = out->ids + out->n;
    if (n <= QNI_WORD_NEAR) {
        memcpy(to, ids, QNI_WORD_NEAR * sizeof *ids);
    } else { // a copy of a fixed size is most of the time all
        memcpy(to, ids, QNI_WORD_READ * sizeof *ids);
        if (n > QNI_WORD_READ) {
            memcpy(to + QNI_WORD_READ, ids + QNI_WORD_READ, (n - QNI_WORD_READ) * sizeof *ids);
        }
    }
    out->n += n;
    return QN_OK;
}

// What is known of a part of a word before it is looked up.
typedef struct part_key {
    const qni_character *character; // it is this one, or
    const qni_character_row *row;   // one of these; NULL: neither, and
    qni_word_key key;               // this is its key if it has up to QNI_WORD_SHORT bytes
} part_key;

static inline qni_word_key make_part_key(const char *part, size_t n, size_t readable)
{
    return readable > QNI_WORD_SHORT ? qni_word_short_key(part, n) : qni_word_key_of(part, n);
}

// Makes the keys of the parts that end there, and asks for what they lead to.
static inline void make_part_keys(const qni_model *model, const qni_context *c, const char *word,
                                  size_t readable, const size_t *ends, size_t n, part_key *keys)
{
    for (size_t i = 0, begin = 0; i < n; begin = ends[i++]) {
        const char *part = word + begin;
        size_t size = ends[i] - begin;
        keys[i].character = NULL;
        keys[i].row = NULL;
        if (model->characters.known != NULL && size <= 4) {
            uint32_t code = qni_character_code(part, size);
            if (code < QNI_CHARACTERS) {
                keys[i].character = &model->characters.known[code];
                __builtin_prefetch(keys[i].character);
                continue;
            }
            if (code < QNI_CHARACTERS_END) {
                keys[i].row =
                    &model->characters.rows[(code - QNI_CHARACTERS) / QNI_CHARACTERS_A_ROW];
                __builtin_prefetch(keys[i].row);
                continue;
            }
        }
        if (size <= QNI_WORD_SHORT) {
            keys[i].key = make_part_key(part, size, readable - begin);
            if (c->parts != NULL) {
                __builtin_prefetch(&c->parts[keys[i].key.hash % QNI_PARTS]);
            }
            if (size >= QNI_TRIE_AHEAD) {
                qni_trie_prefetch(&model->bpe.trie, (const unsigned char *)part);
            }
        }
    }
}

// A part of a word between two seams. It comes again more often than the word does, so the latest
// short ones are kept too, apart from the words; those without a key (NULL) are not.
static qn_status add_part(const qni_model *model, qni_context *c, const qni_word_key *key,
                          const char *part, size_t n, qni_ids *out, qn_error *err)
{
    qni_word_slot *slot = c->parts != NULL && key != NULL ? &c->parts[key->hash % QNI_PARTS] : NULL;
    if (slot != NULL && slot->lo == key->lo && slot->hi == key->hi) {
        QNI_TRY(qni_ids_reserve(out, QNI_WORD_NEAR, err));
        memcpy(out->ids + out->n, slot->ids, sizeof slot->ids);
        out->n += slot->n;
        return QN_OK;
    }
    size_t before = out->n;
    QNI_TRY(qni_model_encode_part(model, &c->model, part, n, err));
    QNI_TRY(add_pieces(&c->model.pieces, out, err));
    if (slot != NULL && out->n - before <= QNI_WORD_NEAR) {
        *slot = (qni_word_slot){.lo = key->lo, .hi = key->hi, .n = (uint32_t)(out->n - before)};
        memcpy(slot->ids, out->ids + before, slot->n * sizeof *slot->ids);
    }
    return QN_OK;
}

// The parts of a word that end there, behind whose beginning so many bytes are readable.
static qn_status add_parts(const qni_model *model, qni_context *c, const char *word,
                           size_t readable, const size_t *ends, size_t n, qni_ids *out,
                           qn_error *err)
{
    enum { MOST_IDS = QNI_CHARACTER_TOKENS + 1 };
    part_key keys[PARTS];
    make_part_keys(model, c, word, readable, ends, n, keys);
    QNI_TRY(qni_ids_reserve(out, n * MOST_IDS, err));
    for (size_t i = 0, begin = 0; i < n; begin = ends[i++]) {
        const qni_character *character = keys[i].character;
        const qni_character_row *row = keys[i].row;
        size_t size = ends[i] - begin,
               last = (unsigned char)word[ends[i] - 1] % QNI_CHARACTERS_A_ROW;
        if (character != NULL && *character != 0) {
            out->n += qni_character_read(*character, out->ids + out->n);
        } else if (row != NULL && (row->others >> last & 1) == 0) {
            out->n += qni_character_read(row->beginning, out->ids + out->n);
            out->ids[out->n++] = model->characters.last[last];
        } else {
            if (row != NULL) {
                keys[i].key = make_part_key(word + begin, size, readable - begin);
            }
            bool has_key = character == NULL && size <= QNI_WORD_SHORT;
            QNI_TRY(
                add_part(model, c, has_key ? &keys[i].key : NULL, word + begin, size, out, err));
            QNI_TRY(qni_ids_reserve(out, (n - i) * MOST_IDS, err));
        }
    }
    return QN_OK;
}

static qn_status put_mark(qni_context *c, const char **word, size_t *n, size_t *behind,
                          qn_error *err)
{
    size_t size = c->n_mark + *n, padding = sizeof(uint64_t[2]);
    if (*n >= c->n_mark && memcmp(*word, c->mark, c->n_mark) == 0) {
        return QN_OK;
    }
    if (qni_grow(&c->marked, &c->marked_capacity, size + padding, 1) != 0) {
        return qni_fail_memory(err);
    }
    memcpy(c->marked, c->mark, c->n_mark);
    memcpy(c->marked + c->n_mark, *word, *n);
    *word = c->marked;
    *n = size;
    *behind = padding;
    return QN_OK;
}

// Encodes what the model sees as a word, behind which there are so many bytes. *whole: it has no
// seams.
static qn_status encode_by_model(const qni_model *model, qni_context *c, const char *word, size_t n,
                                 size_t behind, bool *whole, qni_ids *out, qn_error *err)
{
    size_t ends[PARTS], n_parts = qni_model_cut(model, word, n, behind, ends, PARTS);
    *whole = ends[0] == n;
    if (*whole) {
        QNI_TRY(qni_model_encode(model, &c->model, word, n, err));
        return add_pieces(&c->model.pieces, out, err);
    }
    if (c->parts == NULL) { // without memory they are not kept
        c->parts = qni_calloc(QNI_PARTS, sizeof *c->parts);
    }
    for (size_t at = 0;;) {
        QNI_TRY(add_parts(model, c, word + at, n - at + behind, ends, n_parts, out, err));
        at += ends[n_parts - 1];
        if (at == n) {
            return QN_OK;
        }
        n_parts = qni_seams_cut(&model->seams, word + at, n - at, behind, ends, PARTS);
    }
}

// Whether some byte is not ASCII, as those of marks.
static bool holds_others(const char *text, size_t n)
{
    uint64_t part, all = 0;
    for (; n >= sizeof part; n -= sizeof part, text += sizeof part) {
        memcpy(&part, text, sizeof part);
        all |= part;
    }
    for (; n > 0; n--) {
        all |= (uint64_t)(unsigned char)*text++;
    }
    return (all & QNI_ASCII_TOPS) != 0;
}

// A word with a mark in front, each of its marks with what follows.
static qn_status encode_marked(const qni_model *model, qni_context *c, const char *word, size_t n,
                               size_t behind, bool *whole, qni_ids *out, qn_error *err)
{
    QNI_TRY(put_mark(c, &word, &n, &behind, err));
    *whole = true;
    // nearly no word has a mark inside
    bool is_ascii = c->n_mark > 0 && (unsigned char)c->mark[0] < 0x80;
    bool cuts = c->cuts_at_marks && (is_ascii || holds_others(word + c->n_mark, n - c->n_mark));
    for (size_t at = 0, end; at < n; at = end) {
        const char *next = cuts && n - at > c->n_mark
                               ? memmem(word + at + c->n_mark, n - at - c->n_mark, c->mark,
                                        c->n_mark)
                               : NULL;
        bool seamless;
        end = next != NULL ? (size_t)(next - word) : n;
        QNI_TRY(
            encode_by_model(model, c, word + at, end - at, n - end + behind, &seamless, out, err));
        *whole = *whole && seamless && end == n;
    }
    return QN_OK;
}

// Encodes a word and keeps the result.
static qn_status encode_word(const qni_model *model, qni_context *c, const qni_word_key *key,
                             const char *word, size_t n, size_t behind, qni_ids *out, qn_error *err)
{
    size_t before = out->n;
    bool whole;
    if (((key->lo | key->hi) & QNI_ASCII_TOPS) != 0) { // it may have seams
        qni_words_will_see(&c->words, key);
    }
    QNI_TRY(c->mark != NULL ? encode_marked(model, c, word, n, behind, &whole, out, err)
                            : encode_by_model(model, c, word, n, behind, &whole, out, err));
    // A word of several parts is kept when it comes again: most never do.
    if (whole || qni_words_seen(&c->words, key)) {
        qni_words_add(&c->words, key, word, n, out->ids + before, out->n - before);
    }
    return QN_OK;
}

// Puts the ids of `late` into the gaps, the last first.
static qn_status put_late(const gap_list *gaps, const qni_ids *late, qni_ids *out, qn_error *err)
{
    QNI_TRY(qni_ids_reserve(out, late->n, err));
    size_t end = out->n, left = late->n;
    out->n += left;
    for (size_t i = gaps->n; i-- > 0;) {
        const gap *g = &gaps->items[i];
        int32_t *ids = out->ids + g->at;
        memmove(ids + left, ids, (end - g->at) * sizeof *ids);
        left -= g->n;
        memcpy(ids + left, late->ids + left, g->n * sizeof *ids);
        end = g->at;
    }
    return QN_OK;
}

// Encodes the words that were left out; a word may stand there twice.
static __attribute__((noinline)) qn_status fill_gaps(const qni_model *model, qni_context *c,
                                                     const char *text, size_t n, gap_list *gaps,
                                                     qni_ids *out, qn_error *err)
{
    qni_ids *late = &c->late;
    qni_bpe_text words[GAPS];
    for (size_t i = 0; i < gaps->n; i++) {
        qni_word_place word = gaps->items[i].word;
        words[i] = (qni_bpe_text){(const unsigned char *)text + word.begin, word.end - word.begin};
    }
    qni_bpe_expect(&model->bpe, words, gaps->n);
    late->n = 0;
    for (size_t i = 0; i < gaps->n; i++) {
        gap *g = &gaps->items[i];
        const char *word = text + g->word.begin;
        size_t before = late->n, size = g->word.end - g->word.begin;
        const qni_word_slot *slot = qni_words_find(&c->words, &g->key, word, size);
        QNI_TRY(slot != NULL
                    ? copy_known(&c->words, slot, late, err)
                    : encode_word(model, c, &g->key, word, size, n - g->word.end, late, err));
        g->n = late->n - before;
    }
    QNI_TRY(put_late(gaps, late, out, err));
    gaps->n = 0;
    return QN_OK;
}

// Whether a new word is one search in the trie of byte pair encoding, as short ones of ASCII are.
static inline bool is_searched_as_a_whole(const qni_model *model, const qni_context *c,
                                          const qni_word_key *key)
{
    return model->kind == QNI_MODEL_BPE && c->mark == NULL &&
           ((key->lo | key->hi) & QNI_ASCII_TOPS) == 0;
}

// A word that is in neither slot of its hash's line, or has tokens elsewhere.
static __attribute__((noinline)) qn_status add_word(const qni_model *model, qni_context *c,
                                                    const qni_word_key *key, const char *text,
                                                    size_t n, qni_word_place word, gap_list *gaps,
                                                    qni_ids *out, qn_error *err)
{
    const qni_word_slot *slot = qni_words_find(&c->words, key, text + word.begin,
                                               word.end - word.begin);
    if (slot != NULL) {
        return copy_known(&c->words, slot, out, err);
    }
    if (!is_searched_as_a_whole(model, c, key)) {
        return encode_word(model, c, key, text + word.begin, word.end - word.begin, n - word.end,
                           out, err);
    }
    gaps->items[gaps->n++] = (gap){*key, word, out->n, 0};
    return gaps->n < GAPS ? QN_OK : fill_gaps(model, c, text, n, gaps, out, err);
}

// Whether all words are characters of three bytes; their codes.
static bool find_codes(const char *text, const qni_word_place *words, size_t n, uint32_t *codes)
{
    bool are = n > 0;
    for (size_t i = 0; i < n && are; i++) {
        size_t size = words[i].end - words[i].begin;
        codes[i] = size == 3 ? qni_character_code(text + words[i].begin, size) : QNI_NO_CHARACTER;
        are = codes[i] != QNI_NO_CHARACTER;
    }
    return are;
}

// Makes the keys of the words, and asks for their slots.
static inline void make_keys(const qni_words *known, const char *text, size_t n,
                             const qni_word_place *words, some_words *some)
{
    qni_word_table table = qni_words_table(known);
    if (some->n == 0 || n - words[some->n - 1].begin <= QNI_WORD_SHORT) { // the text's end
        for (size_t i = 0; i < some->n; i++) {
            some->keys[i] = qni_word_key_of(text + words[i].begin, words[i].end - words[i].begin);
        }
        return;
    }
    uint8_t longer[AHEAD]; // which of them are no short words
    size_t n_longer = 0;
    for (size_t i = 0; i < some->n; i++) {
        size_t size = words[i].end - words[i].begin;
        qni_word_key key = qni_word_short_key(text + words[i].begin, size);
        __builtin_prefetch(&table.slots[key.hash & table.mask]);
        some->keys[i] = key;
        longer[n_longer] = (uint8_t)i;
        n_longer += size > QNI_WORD_SHORT;
    }
    for (size_t i = 0; i < n_longer; i++) {
        qni_word_place word = words[longer[i]];
        qni_word_key key = qni_word_long_key(text + word.begin, word.end - word.begin);
        __builtin_prefetch(&table.slots[key.hash & table.mask]);
        some->keys[longer[i]] = key;
    }
}

// Finds how up to AHEAD words are looked up, and asks for what is read then.
static inline void look_ahead(const qni_model *model, const qni_context *c, const char *text,
                              size_t n, const qni_word_place *words, size_t n_words,
                              some_words *some)
{
    some->n = n_words < AHEAD ? n_words : AHEAD;
    // in scripts without spaces each character may be a word
    some->are_characters = model->kind == QNI_MODEL_WORDPIECE && c->mark == NULL &&
                           model->characters.known != NULL &&
                           find_codes(text, words, some->n, some->codes);
    if (some->are_characters) {
        for (size_t i = 0; i < some->n; i++) {
            __builtin_prefetch(&model->characters.known[some->codes[i]]);
        }
        return;
    }
    make_keys(&c->words, text, n, words, some);
}

// Words that are characters.
static qn_status encode_characters(const qni_model *model, qni_context *c, const char *text,
                                   const qni_word_place *words, const some_words *some,
                                   qni_ids *out, qn_error *err)
{
    QNI_TRY(qni_ids_reserve(out, some->n * QNI_CHARACTER_TOKENS, err));
    for (size_t i = 0; i < some->n; i++) {
        qni_character character = model->characters.known[some->codes[i]];
        out->n += qni_character_read(character, out->ids + out->n);
        if (character == 0) {
            QNI_TRY(qni_model_encode(model, &c->model, text + words[i].begin, 3, err));
            QNI_TRY(add_pieces(&c->model.pieces, out, err));
            QNI_TRY(qni_ids_reserve(out, (some->n - i) * QNI_CHARACTER_TOKENS, err));
        }
    }
    return QN_OK;
}

// Up to AHEAD words. What the loop goes by is kept in locals, which no store of its can change.
static inline qn_status encode_some(const qni_model *model, qni_context *c, const char *text,
                                    size_t n, const qni_word_place *words, const some_words *some,
                                    gap_list *gaps, qni_ids *out, qn_error *err)
{
    const qni_word_key *keys = some->keys;
    qni_word_table table = qni_words_table(&c->words);
    QNI_TRY(qni_ids_reserve(out, some->n * (QNI_WORD_NEAR + 1), err));
    int32_t *to = out->ids + out->n;
    for (size_t i = 0; i < some->n; i++) {
        size_t at = keys[i].hash & table.mask;
        const qni_word_slot *slot = &table.slots[at];
        if (__builtin_expect(qni_word_is_near(slot, &keys[i]), 1) ||
            qni_word_is_near(slot = &table.slots[at ^ 1], &keys[i])) {
            memcpy(to, slot->ids, sizeof slot->ids + sizeof slot->n);
            to += slot->n; // a copy of a fixed size: there is room behind
            continue;
        }
        out->n = (size_t)(to - out->ids);
        QNI_TRY(add_word(model, c, &keys[i], text, n, words[i], gaps, out, err));
        QNI_TRY(qni_ids_reserve(out, (some->n - i) * (QNI_WORD_NEAR + 1), err));
        to = out->ids + out->n;
        table = qni_words_table(&c->words);
    }
    out->n = (size_t)(to - out->ids);
    return QN_OK;
}

qn_status qni_encode_words(const qni_model *model, qni_context *context, const char *text, size_t n,
                           const qni_word_place *words, size_t n_words, qni_ids *out, qn_error *err)
{
    some_words both[2];
    gap_list gaps;
    gaps.n = 0;
    look_ahead(model, context, text, n, words, n_words, &both[0]);
    for (size_t i = 0, turn = 0; i < n_words; turn ^= 1) {
        const some_words *some = &both[turn];
        look_ahead(model, context, text, n, words + i + some->n, n_words - i - some->n,
                   &both[turn ^ 1]);
        QNI_TRY(some->are_characters
                    ? encode_characters(model, context, text, words + i, some, out, err)
                    : encode_some(model, context, text, n, words + i, some, &gaps, out, err));
        i += some->n;
    }
    return gaps.n > 0 ? fill_gaps(model, context, text, n, &gaps, out, err) : QN_OK;
}
