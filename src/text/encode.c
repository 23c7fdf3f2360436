#include "base/alloc.h"
#include "base/utf8.h"
#include "text/encode_stream.h"
#include "text/encode_words.h"
#include "text/unicode.h"

#include <string.h>

enum { MOST_COUNTED = 4096 }; // tokens that counting keeps

typedef struct encoder {
    const qni_tokenizer *t;
    qni_context *c;
    const qni_encode_options *options;
    qni_ids *out;
    qni_text_part part;
    const char *given;     // the text that is encoded, n_given bytes
    size_t n_given, first; // and where its tokens begin
    double score;          // of the last passage, when the model carries
    bool counts;           // tokens are counted, not kept
    size_t count;          // those that `out` has lost
    qn_error *err;
} encoder;

void qni_ids_end(qni_ids *ids)
{
    qni_free(ids->ids);
    qni_free(ids->spans);
    *ids = (qni_ids){0};
}

static qn_status reserve(encoder *e, size_t more)
{
    qni_ids *out = e->out;
    QNI_TRY(qni_ids_reserve(out, more, e->err));
    if (e->options->offsets && out->n + more > out->spans_capacity &&
        qni_grow(&out->spans, &out->spans_capacity, out->n + more, sizeof *out->spans) != 0) {
        return qni_fail_memory(e->err);
    }
    return QN_OK;
}

static qn_status add_token(encoder *e, int32_t id, qni_text_span span)
{
    QNI_TRY(reserve(e, 1));
    e->out->ids[e->out->n] = id;
    if (e->options->offsets) {
        e->out->spans[e->out->n] = span;
    }
    e->out->n++;
    return QN_OK;
}

// Leading (or trailing) spaces of a token: "\xC4\xA0" is one.
static size_t count_spaces(const char *token, size_t n, bool trailing)
{
    size_t count = 0;
    while (n > 0) {
        size_t at = trailing ? n - 1 : 0;
        while (trailing && at > 0 && ((unsigned char)token[at] & 0xC0) == 0x80) {
            at--;
        }
        uint32_t code;
        int length = qni_utf8_decode((const unsigned char *)token + at, n - at, &code);
        if (length < 0 || (code != 0x120 && !qni_unicode_is_space(code))) {
            break;
        }
        count++;
        n = trailing ? at : n - (size_t)length;
        token += trailing ? 0 : length;
    }
    return count;
}

static bool is_inside(const encoder *e, size_t at)
{
    return at < e->n_given && ((unsigned char)e->given[at] & 0xC0) == 0x80;
}

// Takes a character off the span for each space at the ends of the token's text.
static qni_text_span trim(const encoder *e, qni_text_span span, const char *token, size_t n)
{
    size_t leading = count_spaces(token, n, false), trailing = count_spaces(token, n, true);
    size_t begin = span.begin - e->part.base, end = span.end - e->part.base, front = begin;
    while (is_inside(e, front)) {
        front--;
    }
    bool first = e->out->n == e->first && !e->part.has_tokens;
    if (leading == 1 && e->t->trim.prefix_space && (first || front + e->part.base == 0)) {
        leading = 0; // the one that was put in front covers nothing
    }
    size_t characters = 0; // up to the end, as far as it matters
    for (size_t i = 0; i < end && characters < trailing; i++) {
        characters += !is_inside(e, i);
    }
    bool ends_far = e->part.base > 0 || characters == trailing;
    for (; leading > 0 && begin < end; leading--) {
        begin++;
        while (begin < end && is_inside(e, begin)) {
            begin++;
        }
    }
    for (; ends_far && trailing > 0 && begin < end; trailing--) {
        end--;
        while (end > begin && is_inside(e, end)) {
            end--;
        }
    }
    return (qni_text_span){e->part.base + begin, e->part.base + end};
}

static bool trims(const encoder *e)
{
    return e->options->offsets && e->t->trim.on;
}

// One of the model: what Unigram does not know is written as it stands there.
static qn_status add_piece(encoder *e, uint32_t id, const qni_passage *p, size_t begin, size_t end)
{
    const qni_model *model = &e->t->model;
    qni_text_span span = qni_passage_span(p, begin, end);
    if (trims(e)) {
        bool as_given = model->kind == QNI_MODEL_UNIGRAM && (int32_t)id == model->unk;
        size_t n = end - begin;
        const char *token = as_given ? p->text + begin
                                     : qni_tokenizer_token_text(e->t, (int32_t)id, &n);
        span = trim(e, span, token, n);
    }
    return add_token(e, (int32_t)id, span);
}

// How many bytes a byte is written as where bytes stand as characters.
static size_t written_width(char byte)
{
    return qni_byte_to_code((unsigned char)byte) < 0x80 ? 1 : 2;
}

// Tokens follow each other without a gap in how the library counts them, also where bytes were
// dropped: a token covers what stands as far from the front as the tokens before it are long, in a
// word of bytes that are written as characters.
static qn_status add_pieces_of_bytes(encoder *e, const qni_passage *p, size_t begin)
{
    const qni_pieces *pieces = &e->c->model.pieces;
    size_t at = begin, written = 0, place = 0; // `written` counts up to byte `at`
    for (size_t i = 0; i < pieces->n; i++) {
        uint32_t n;
        const char *token = qni_vocab_at(&e->t->model.vocab, pieces->items[i].id, &n);
        for (; written + written_width(p->text[at]) <= place; at++) {
            written += written_width(p->text[at]);
        }
        size_t first = at;
        for (uint32_t j = 0; j < n; j++) {
            place += written_width(token[j]);
        }
        for (; written + written_width(p->text[at]) < place; at++) {
            written += written_width(p->text[at]);
        }
        QNI_TRY(add_piece(e, pieces->items[i].id, p, first, at + 1));
    }
    return QN_OK;
}

// Adds what the model made of the word at `begin`.
static qn_status add_pieces(encoder *e, const qni_passage *p, size_t begin)
{
    const qni_pieces *pieces = &e->c->model.pieces;
    if (e->t->model.drops && e->t->model.byte_level) {
        return add_pieces_of_bytes(e, p, begin);
    }
    size_t end = begin;
    for (size_t i = 0; i < pieces->n; i++) {
        begin = pieces->items[i].n > 0 ? end : begin;
        end += pieces->items[i].n;
        QNI_TRY(add_piece(e, pieces->items[i].id, p, begin, end));
    }
    return QN_OK;
}

// With offsets the model tells which bytes each token covers, so the cache is left aside.
static qn_status add_word_with_spans(encoder *e, const qni_passage *p, size_t begin, size_t end)
{
    QNI_TRY(qni_model_encode(&e->t->model, &e->c->model, p->text + begin, end - begin, e->err));
    return add_pieces(e, p, begin);
}

// Counting keeps few of the tokens.
static void count_off(encoder *e)
{
    if (e->counts && e->out->n >= MOST_COUNTED) {
        e->count += e->out->n;
        e->out->n = 0;
    }
}

// All the cutting that a tokenizer does, when one scanner can do it.
typedef struct cutting {
    const qni_scanner *scanner;     // NULL: there is more to it
    const qni_splitter *drops;      // only its matches are words; NULL: all pieces are
    const qni_pretokenizer *marker; // puts its mark in front of words; NULL: none does
    bool cuts_at_marks;             // and words are cut before each other mark
} cutting;

static bool cuts_before(const qni_pretokenizer *step, const qni_pretokenizer *marker)
{
    const qni_splitter *s = &step->splitter;
    return step->kind == QNI_PRE_SPLIT && s->literal != NULL && !s->invert &&
           s->behavior == QNI_SPLIT_MERGED_WITH_NEXT && s->literal_bytes == marker->n_mark &&
           memcmp(s->literal, marker->mark, marker->n_mark) == 0;
}

static cutting find_cutting(const qni_tokenizer *t)
{
    const qni_pretokenizer *steps = t->pretokenizers;
    cutting none = {0}, found = {0};
    if (t->n_pretokenizers == 0 || t->n_pretokenizers > 3 || t->model.cuts ||
        steps[0].kind != QNI_PRE_SPLIT || !qni_scanner_is_ready(&steps[0].splitter.scanner)) {
        return none;
    }
    const qni_splitter *s = &steps[0].splitter;
    bool drops = s->behavior == QNI_SPLIT_REMOVED && s->invert && s->clear;
    bool marks = t->n_pretokenizers > 1 && drops && !qni_splitter_keeps(s, " ") &&
                 steps[1].kind == QNI_PRE_METASPACE && steps[1].prepend == QNI_PREPEND_ALWAYS;
    bool cuts = t->n_pretokenizers > 2 && marks && cuts_before(&steps[2], &steps[1]);
    if ((s->behavior != QNI_SPLIT_ISOLATED && !drops) || (t->n_pretokenizers > 1 && !marks) ||
        (t->n_pretokenizers > 2 && !cuts)) {
        return none;
    }
    found.scanner = &s->scanner;
    found.drops = drops ? s : NULL;
    found.marker = marks ? &steps[1] : NULL;
    found.cuts_at_marks = cuts;
    return found;
}

// What one scanner cuts goes window by window.
static qn_status add_scanned(encoder *e, const cutting *cut, const qni_passage *p)
{
    size_t done;
    e->c->mark = cut->marker != NULL ? cut->marker->mark : NULL;
    e->c->n_mark = cut->marker != NULL ? cut->marker->n_mark : 0;
    e->c->cuts_at_marks = cut->cuts_at_marks;
    for (size_t at = 0; at < p->n; at += done) {
        const char *text = p->text + at;
        qni_scan *scan = &e->c->scan;
        QNI_TRY(qni_scanner_cut(cut->scanner, text, p->n - at, scan, &done, e->err));
        if (cut->drops != NULL) {
            size_t kept = 0;
            for (size_t i = 0; i < scan->n_words; i++) {
                qni_word_place word = scan->words[i]; // read before its place may be written
                scan->words[kept] = word;
                kept += qni_splitter_keeps(cut->drops, text + word.begin);
            }
            scan->n_words = kept;
        }
        QNI_TRY(qni_encode_words(&e->t->model, e->c, text, p->n - at, scan->words, scan->n_words,
                                 e->out, e->err));
        count_off(e);
    }
    return QN_OK;
}

static qni_passage part_of(const qni_passage *p, size_t begin, size_t end)
{
    size_t base = qni_passage_span(p, begin, end).begin;
    return (qni_passage){.text = p->text + begin,
                         .n = end - begin,
                         .origin = p->origin != NULL ? p->origin + begin : NULL,
                         .shift = p->shift + begin,
                         .base = base,
                         .at_start = p->at_start && base == 0,
                         .continues = p->continues && begin == 0,
                         .goes_on = p->goes_on && end == p->n};
}

// The words of the cuts, cut further where the model can be.
static qn_status add_words(encoder *e, const qni_passage *p, const qni_cuts *cuts)
{
    enum { SOME = 64 };
    const qni_model *model = &e->t->model;
    const cutting parts = {.scanner = &model->parts.scanner};
    qni_word_place words[SOME];
    if (model->cuts && !e->options->offsets && qni_scanner_is_ready(parts.scanner)) {
        for (size_t i = 0; i < cuts->n; i++) {
            const qni_passage cut = part_of(p, cuts->items[i].begin, cuts->items[i].end);
            QNI_TRY(add_scanned(e, &parts, &cut));
        }
        return QN_OK;
    }
    size_t n = 0, base = 0; // of the words, where places count from
    for (size_t i = 0, begin = 0, end = 0; i < cuts->n; i += end == cuts->items[i].end) {
        begin = end > cuts->items[i].begin ? end : cuts->items[i].begin;
        end = model->cuts
                  ? begin + qni_model_part(model, p->text + begin, cuts->items[i].end - begin, 1)
                  : cuts->items[i].end;
        if (e->options->offsets) {
            QNI_TRY(add_word_with_spans(e, p, begin, end));
            continue;
        }
        if (n == SOME || (n > 0 && end - base > UINT32_MAX)) {
            QNI_TRY(qni_encode_words(model, e->c, p->text + base, p->n - base, words, n, e->out,
                                     e->err));
            count_off(e);
            n = 0;
        }
        base = n == 0 ? begin : base;
        words[n++] = (qni_word_place){(uint32_t)(begin - base), (uint32_t)(end - base)};
    }
    return qni_encode_words(model, e->c, p->text + base, p->n - base, words, n, e->out, e->err);
}

// A passage that is one word of Unigram's, part by part, so that any length takes little memory.
static qn_status add_passage(encoder *e, const qni_passage *p)
{
    enum { PART = 2048 }; // bytes, at least
    const qni_model *model = &e->t->model;
    e->score = p->continues ? e->score : 0;
    for (size_t at = 0, end; at < p->n; at = end) {
        end = at + qni_model_part(model, p->text + at, p->n - at, PART);
        QNI_TRY(qni_model_encode_behind(model, &e->c->model, p->text + at, end - at, &e->score,
                                        e->err));
        QNI_TRY(add_pieces(e, p, at));
        count_off(e);
    }
    return QN_OK;
}

static bool tracks(const encoder *e, const qni_passage *p)
{
    return e->options->offsets || (e->t->tracks_front && p->at_start);
}

// Text between added tokens.
static qn_status encode_plain(encoder *e, qni_passage p)
{
    qni_context *c = e->c;
    if (p.n == 0) {
        return QN_OK;
    }
    if (!e->options->offsets) {
        const cutting cut = find_cutting(e->t);
        if (cut.scanner != NULL) {
            return add_scanned(e, &cut, &p);
        }
    }
    if (e->t->model.carries && e->t->n_pretokenizers == 0) {
        return add_passage(e, &p);
    }
    QNI_TRY(qni_pretokenize(e->t->pretokenizers, e->t->n_pretokenizers, &c->pretokenize,
                            tracks(e, &p), &p, e->err));
    return add_words(e, &p, &c->pretokenize.cuts);
}

typedef qn_status part_fn(encoder *e, qni_passage p);

// Cuts added tokens out of a passage and hands what lies between on.
static qn_status cut_added(encoder *e, const qni_added_set *set, qni_passage p, part_fn *between)
{
    size_t at = 0, from = 0;
    qni_added_match m;
    while (qni_added_next(set, p.text, p.n, from, at, e->options->plain_special, &from, &m)) {
        if (m.begin > at) {
            QNI_TRY(between(e, part_of(&p, at, m.begin)));
        }
        qni_text_span span = qni_passage_span(&p, m.begin, m.end);
        span = trims(e) ? trim(e, span, p.text + m.begin, m.end - m.begin) : span;
        QNI_TRY(add_token(e, m.token->id, span));
        at = m.end;
    }
    return at < p.n ? between(e, part_of(&p, at, p.n)) : QN_OK;
}

static qn_status encode_normalized(encoder *e, qni_passage p)
{
    QNI_TRY(qni_normalize(e->t->normalizers, e->t->n_normalizers, &e->c->normalize, tracks(e, &p),
                          &p, e->err));
    return cut_added(e, &e->t->added_normalized, p, encode_plain);
}

static qn_status encode_text(encoder *e, const char *text, size_t n)
{
    const qni_text_part *part = &e->part;
    qni_passage p = {.text = text,
                     .n = n,
                     .shift = part->base,
                     .base = part->base,
                     .at_start = part->base == 0,
                     .continues = part->continues,
                     .goes_on = part->goes_on};
    e->given = text;
    e->n_given = n;
    e->first = e->out->n;
    if (e->out->capacity == 0 && !e->counts) { // a new row: what most texts need, at once
        QNI_TRY(qni_ids_reserve(e->out, n / 4, e->err));
    }
    if (!e->options->known_utf8) {
        QNI_TRY(qni_passage_clean(&p, &e->c->clean, e->options->offsets, e->err));
    }
    return cut_added(e, &e->t->added_raw, p, encode_normalized);
}

// ---- Around the texts

typedef struct stretch {
    size_t begin, end; // the tokens of one text
} stretch;

static void keep_tokens(encoder *e, size_t to, size_t from, size_t n)
{
    memmove(e->out->ids + to, e->out->ids + from, n * sizeof *e->out->ids);
    if (e->options->offsets) {
        memmove(e->out->spans + to, e->out->spans + from, n * sizeof *e->out->spans);
    }
}

// Shortens a text to `most` tokens; the other one moves along when it lies behind.
static void shorten(encoder *e, stretch *text, size_t most, stretch *other)
{
    size_t n = text->end - text->begin, less = n > most ? n - most : 0;
    if (less == 0) {
        return;
    }
    if (e->t->truncation.from_left) {
        keep_tokens(e, text->begin, text->begin + less, most);
    }
    keep_tokens(e, text->end - less, text->end, e->out->n - text->end);
    if (other->begin >= text->end) {
        other->begin -= less;
        other->end -= less;
    }
    text->end -= less;
    e->out->n -= less;
}

static void truncate_longest(encoder *e, stretch *a, stretch *b, size_t most)
{
    size_t n1 = a->end - a->begin, n2 = b->end - b->begin;
    bool swapped = n1 > n2;
    size_t shorter = swapped ? n2 : n1, longer = swapped ? n1 : n2;
    if (shorter + longer <= most) {
        return;
    }
    longer = shorter > most ? shorter : most - shorter > shorter ? most - shorter : shorter;
    if (shorter + longer > most) {
        shorter = most / 2;
        longer = shorter + most % 2;
    }
    shorten(e, a, swapped ? longer : shorter, b);
    shorten(e, b, swapped ? shorter : longer, a);
}

static qn_status truncate(encoder *e, stretch *texts, size_t n_special)
{
    const qni_truncation *rule = &e->t->truncation;
    size_t most = rule->max_tokens > n_special ? rule->max_tokens - n_special : 0;
    size_t total = texts[0].end - texts[0].begin + texts[1].end - texts[1].begin;
    // The library takes fewer tokens than the special ones alone for no limit at all.
    if (!e->options->truncate || rule->max_tokens == 0 || n_special > rule->max_tokens ||
        total <= most) {
        return QN_OK;
    }
    if (most == 0) {
        shorten(e, &texts[0], 0, &texts[1]);
        shorten(e, &texts[1], 0, &texts[0]);
        return QN_OK;
    }
    if (e->options->pair == NULL && rule->strategy != 2) {
        shorten(e, &texts[0], most, &texts[1]);
        return QN_OK;
    }
    if (rule->strategy == 0) {
        truncate_longest(e, &texts[0], &texts[1], most);
        return QN_OK;
    }
    stretch *target = &texts[rule->strategy - 1], *other = &texts[2 - rule->strategy];
    size_t n = target->end - target->begin;
    if (n <= total - most) {
        return qni_fail(e->err, QN_INVALID_ARGUMENT, NULL,
                        "truncation to %zu tokens: the text to be shortened has only %zu",
                        rule->max_tokens, n);
    }
    shorten(e, target, n - (total - most), other);
    return QN_OK;
}

// Pads the tokens from `first` on to `want`, rounded up as the rule says.
static qn_status pad(encoder *e, size_t first, size_t want)
{
    const qni_padding *rule = &e->t->padding;
    size_t n = e->out->n - first;
    if (!e->options->pad || !rule->on) {
        return QN_OK;
    }
    want += rule->multiple > 0 && want % rule->multiple > 0 ? rule->multiple - want % rule->multiple
                                                            : 0;
    size_t more = want > n ? want - n : 0;
    for (size_t i = 0; i < more; i++) {
        QNI_TRY(add_token(e, rule->id, (qni_text_span){0, 0}));
    }
    if (rule->left && more > 0) {
        keep_tokens(e, first + more, first, n);
        for (size_t i = first; i < first + more; i++) {
            e->out->ids[i] = rule->id;
            if (e->options->offsets) {
                e->out->spans[i] = (qni_text_span){0, 0};
            }
        }
    }
    return QN_OK;
}

qn_status qni_tokenizer_pad(const qni_tokenizer *tokenizer, size_t first, size_t want,
                            const qni_encode_options *options, qni_ids *row, qn_error *err)
{
    encoder e = {.t = tokenizer, .options = options, .out = row, .err = err};
    return options->pad && tokenizer->padding.fixed == 0 ? pad(&e, first, want) : QN_OK;
}

static qn_status encode(encoder *e, const char *text, size_t n)
{
    static const qni_template_part one = {.id = -1}, two[2] = {{.id = -1}, {.id = -1, .which = 1}};
    const qni_encode_options *o = e->options;
    qni_template_row row = o->pair != NULL ? e->t->pair : e->t->single;
    size_t first = e->out->n, n_special = o->add_special_tokens ? row.n_special : 0;
    stretch texts[2] = {{0, 0}, {0, 0}};
    const qni_template_part *parts = row.n > 0 ? row.items : o->pair != NULL ? two : &one;
    size_t n_parts = row.n > 0 ? row.n : o->pair != NULL ? 2 : 1;
    for (size_t i = 0; i < n_parts; i++) {
        int which = parts[i].which;
        if (parts[i].id >= 0) {
            QNI_TRY(o->add_special_tokens ? add_token(e, parts[i].id, (qni_text_span){0, 0})
                                          : QN_OK);
            continue;
        }
        texts[which].begin = e->out->n;
        QNI_TRY(which == 0 ? encode_text(e, text, n) : encode_text(e, o->pair, o->n_pair));
        texts[which].end = e->out->n;
    }
    QNI_TRY(truncate(e, texts, n_special));
    size_t want = e->t->padding.fixed;
    return pad(e, first, want > 0 ? want : e->out->n - first);
}

qn_status qni_encode_part(const qni_tokenizer *tokenizer, const char *text, size_t n,
                          qni_text_part *part, const qni_encode_options *options, qni_ids *out,
                          qn_error *err)
{
    encoder e = {.t = tokenizer,
                 .options = options,
                 .out = out,
                 .part = *part,
                 .score = part->score,
                 .err = err};
    QNI_TRY(qni_context_take(tokenizer, &e.c, err));
    size_t n_before = out->n;
    qn_status status = encode_text(&e, text, n);
    qni_context_give(tokenizer, e.c);
    part->score = e.score;
    out->n = status == QN_OK ? out->n : n_before;
    return status;
}

qn_status qni_encode_around(const qni_tokenizer *tokenizer, bool behind,
                            const qni_encode_options *options, qni_ids *out, qn_error *err)
{
    encoder e = {.t = tokenizer, .options = options, .out = out, .err = err};
    bool is_behind = false;
    for (size_t i = 0; i < tokenizer->single.n && options->add_special_tokens; i++) {
        int32_t id = tokenizer->single.items[i].id;
        is_behind = is_behind || id < 0;
        QNI_TRY(id >= 0 && is_behind == behind ? add_token(&e, id, (qni_text_span){0, 0}) : QN_OK);
    }
    return QN_OK;
}

static const qni_encode_options defaults;

enum { LONG = 1 << 14 }; // bytes of which it is worth not to read all

qn_status qni_tokenizer_encode(const qni_tokenizer *tokenizer, const char *text, size_t n,
                               const qni_encode_options *options, qni_ids *out, qn_error *err)
{
    encoder e = {
        .t = tokenizer, .options = options != NULL ? options : &defaults, .out = out, .err = err};
    if (e.options->max_tokens > 0 && n > LONG) {
        bool done;
        QNI_TRY(qni_encode_first(tokenizer, text, n, e.options, out, NULL, &done, err));
        if (done) {
            return QN_OK;
        }
    }
    QNI_TRY(qni_context_take(tokenizer, &e.c, err));
    size_t n_before = out->n;
    qn_status status = encode(&e, text, n);
    qni_context_give(tokenizer, e.c);
    size_t most = e.options->max_tokens;
    if (status != QN_OK) {
        out->n = n_before;
    } else if (most > 0 && out->n - n_before > most) {
        out->n = n_before + most;
    }
    return status;
}

qn_status qni_tokenizer_count(const qni_tokenizer *tokenizer, const char *text, size_t n,
                              const qni_encode_options *options, size_t *count, qn_error *err)
{
    qni_encode_options plain = options != NULL ? *options : defaults;
    qni_ids few = {0};
    encoder e = {.t = tokenizer, .options = &plain, .out = &few, .err = err};
    plain.offsets = false;
    if (plain.max_tokens > 0 && n > LONG) {
        bool done;
        qn_status first = qni_encode_first(tokenizer, text, n, &plain, &few, count, &done, err);
        if (first != QN_OK || done) {
            qni_ids_end(&few);
            return first;
        }
    }
    e.counts = !plain.truncate && !plain.pad;
    QNI_TRY(qni_context_take(tokenizer, &e.c, err));
    qn_status status = encode(&e, text, n);
    qni_context_give(tokenizer, e.c);
    *count = e.count + few.n;
    if (plain.max_tokens > 0 && *count > plain.max_tokens) {
        *count = plain.max_tokens;
    }
    qni_ids_end(&few);
    return status;
}
