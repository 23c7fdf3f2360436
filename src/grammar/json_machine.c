#include "grammar/json_machine.h"

#include "base/hex.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <string.h>

void qni_json_begin(qni_json *m, qni_frames *fr, qni_formula a, qni_json_options options)
{
    *m = (qni_json){.fr = fr, .options = options};
    m->root = qni_goal_make(fr, a, QNI_FRAME_DONE);
}

qni_json_state qni_json_start(const qni_json *m)
{
    qni_json_state s = {0};
    if (m->root != 0) {
        s.mode = QNI_JSON_VALUE;
        s.goal = m->root;
        s.spaces = UINT8_MAX; // none before the text
    }
    return s;
}

static bool enter(qni_json_state *s, qni_json_mode mode, qni_frame frame, qni_goal goal)
{
    *s = (qni_json_state){.mode = (uint8_t)mode, .frame = frame, .goal = goal};
    return true;
}

static bool dead(qni_json_state *s)
{
    *s = (qni_json_state){0};
    return false;
}

// A value ended; `size` bytes of text lie up to its end.
static bool finish(qni_json *m, qni_json_state *s, qni_frame frame, const char *text, size_t size)
{
    if (frame == 0) {
        return dead(s);
    }
    if (frame == QNI_FRAME_DONE) {
        return enter(s, QNI_JSON_DONE, frame, 0);
    }
    frame = qni_frame_settle(m->fr, frame, text, size);
    return frame == 0 ? dead(s) : enter(s, QNI_JSON_AFTER, frame, 0);
}

static bool is_space(unsigned b)
{
    return b == ' ' || b == '\n' || b == '\t' || b == '\r';
}

static bool begin_word(qni_json *m, qni_json_state *s, qni_jtype type)
{
    qni_frame then = qni_goal_begin(m->fr, s->goal, type);
    if (then == 0) {
        return dead(s);
    }
    enter(s, QNI_JSON_WORD, then, 0);
    s->phase = (uint8_t)type;
    s->depth = 1;
    return true;
}

static bool number_goes_on(qni_json *m, const qni_json_state *s, const char *text, size_t size)
{
    const qni_number_set *sets = qni_goal_numbers(m->fr, s->goal);
    size_t n = qni_goal_size(m->fr, s->goal);
    for (size_t i = 0; i < n; i++) {
        const qni_number_piece *p = sets[i].pieces;
        bool any = sets[i].n == 1 && !p->has_low && !p->has_high && p->step.unit == 0 &&
                   p->n_denied == 0 && s->phase != QNI_NUMBER_E_DIGITS;
        if (any ? size - s->start <= QNI_MAX_NUMBER_BYTES
                : qni_number_live(&sets[i], text + s->start, size - s->start,
                                  (qni_number_phase)s->phase)) {
            return true;
        }
    }
    return false;
}

static bool begin_number(qni_json *m, qni_json_state *s, unsigned b, const char *text, size_t size)
{
    qni_goal goal = s->goal;
    if (qni_goal_begin(m->fr, goal, QNI_J_NUMBER) == 0) {
        return dead(s);
    }
    enter(s, QNI_JSON_NUMBER, 0, goal);
    s->start = (uint32_t)size - 1;
    s->phase = b == '-' ? QNI_NUMBER_SIGN : b == '0' ? QNI_NUMBER_ZERO : QNI_NUMBER_INTEGER;
    return number_goes_on(m, s, text, size) || dead(s);
}

static bool begin_array(qni_json *m, qni_json_state *s, size_t size)
{
    qni_frame frame = qni_goal_begin(m->fr, s->goal, QNI_J_ARRAY);
    if (frame == 0) {
        return dead(s);
    }
    return enter(s, QNI_JSON_FIRST_ITEM, frame, qni_frame_item(m->fr, frame, (uint32_t)size));
}

static bool begin_value(qni_json *m, qni_json_state *s, unsigned b, const char *text, size_t size)
{
    qni_goal goal = s->goal;
    switch (b) {
    case 'n': return begin_word(m, s, QNI_J_NULL);
    case 'f': return begin_word(m, s, QNI_J_FALSE);
    case 't': return begin_word(m, s, QNI_J_TRUE);
    case '[': return begin_array(m, s, size);
    case '"': {
        uint32_t lex = qni_goal_begin(m->fr, goal, QNI_J_STRING);
        enter(s, QNI_JSON_STRING, 0, goal);
        s->lex = lex;
        return lex != 0 || dead(s);
    }
    case '{': {
        qni_frame frame = qni_goal_begin(m->fr, goal, QNI_J_OBJECT);
        return frame == 0 ? dead(s) : enter(s, QNI_JSON_FIRST_KEY, frame, 0);
    }
    default:
        return b == '-' || (b >= '0' && b <= '9') ? begin_number(m, s, b, text, size) : dead(s);
    }
}

static bool step_word(qni_json *m, qni_json_state *s, unsigned b, const char *text, size_t size)
{
    static const char *const words[] = {
        [QNI_J_NULL] = "null", [QNI_J_FALSE] = "false", [QNI_J_TRUE] = "true"};
    const char *word = words[s->phase];
    if ((unsigned char)word[s->depth] != b) {
        return dead(s);
    }
    s->depth++;
    return word[s->depth] != '\0' || finish(m, s, s->frame, text, size);
}

// Where a number that ends here leads; 0 when it may not.
static qni_frame number_end(qni_json *m, const qni_json_state *s, const char *text, size_t size)
{
    uint8_t room[QNI_MAX_NUMBER_BYTES];
    qni_decimal d;
    if (!qni_number_phase_is_final((qni_number_phase)s->phase) ||
        size - s->start > QNI_MAX_NUMBER_BYTES ||
        !qni_decimal_read(text + s->start, size - s->start, room, &d)) {
        return 0;
    }
    const qni_number_set *sets = qni_goal_numbers(m->fr, s->goal);
    size_t n = qni_goal_size(m->fr, s->goal);
    for (size_t i = 0; i < n; i++) {
        if (qni_number_has(&sets[i], &d)) {
            return qni_goal_then(m->fr, s->goal, i);
        }
    }
    return 0;
}

static bool step_number(qni_json *m, qni_json_state *s, unsigned b, const char *text, size_t size)
{
    qni_number_phase next;
    if (qni_number_next_phase((qni_number_phase)s->phase, b, &next)) {
        s->phase = (uint8_t)next;
        return number_goes_on(m, s, text, size) || dead(s);
    }
    if (!is_space(b) && b != ',' && b != '}' && b != ']') {
        return dead(s);
    }
    return finish(m, s, number_end(m, s, text, size - 1), text, size - 1) &&
           qni_json_step(m, s, text, size);
}

static bool begin_key(qni_json *m, qni_json_state *s, size_t size)
{
    qni_frame frame = s->frame;
    enter(s, QNI_JSON_KEY, frame, 0);
    s->lex = qni_frame_other_keys(m->fr, frame);
    s->high = (uint32_t)qni_frame_universe(m->fr, frame)->n_keys;
    s->start = (uint32_t)size - 1;
    return true;
}

// Can the key still become one that may come?
static bool key_goes_on(qni_json *m, const qni_json_state *s)
{
    if (s->lex != QNI_TERM_NOTHING) {
        return true;
    }
    for (size_t i = s->low; i < s->high; i++) {
        if (qni_frame_takes_key(m->fr, s->frame, i)) {
            return true;
        }
    }
    return false;
}

// One byte of a key's unescaped text: narrows the named keys that begin like it.
static bool key_byte(qni_json *m, qni_json_state *s, unsigned b)
{
    const qni_universe *u = qni_frame_universe(m->fr, s->frame);
    const qni_formulas *f = m->fr->f;
    uint32_t low = s->low, high = s->high;
    for (int end = 0; end < 2; end++) { // the first key not below b, then the first above
        uint32_t from = low, to = high;
        while (from < to) {
            uint32_t mid = (from + to) / 2;
            size_t n;
            const char *key = qni_string_text(f, u->keys[mid], &n);
            int at = n <= s->depth ? -1 : (unsigned char)key[s->depth];
            bool before = end == 0 ? at < (int)b : at <= (int)b;
            *(before ? &from : &to) = before ? mid + 1 : mid;
        }
        *(end == 0 ? &low : &high) = from;
    }
    s->low = low;
    s->high = high;
    s->depth++;
    if (s->lex != f->terms->text || b >= 0x80) {
        s->lex = qni_term_step(f->terms, s->lex, b);
    }
    return key_goes_on(m, s);
}

static bool content_byte(qni_json *m, qni_json_state *s, unsigned b)
{
    if (s->mode == QNI_JSON_KEY) {
        return key_byte(m, s, b);
    }
    s->lex = qni_lex_step(m->fr, s->goal, s->lex, b);
    return s->lex != 0;
}

static bool content_code(qni_json *m, qni_json_state *s, uint32_t code)
{
    char bytes[4];
    int n = qni_utf8_encode(code, bytes);
    for (int i = 0; i < n; i++) {
        if (!content_byte(m, s, (unsigned char)bytes[i])) {
            return false;
        }
    }
    return true;
}

// Can some character between two encodings of `n` bytes come? The rest of a character after a live
// byte is live.
static bool bytes_possible(qni_json *m, const qni_json_state *s, const char *low, const char *high,
                           int n)
{
    unsigned a = (unsigned char)low[0], b = (unsigned char)high[0];
    for (unsigned byte = a; byte <= b; byte++) {
        qni_json_state next = *s;
        if (!content_byte(m, &next, byte)) {
            continue;
        }
        bool bound_low = byte == a && n > 1 && memcmp(low + 1, "\x80\x80\x80", (size_t)n - 1) != 0;
        bool bound_high = byte == b && n > 1 &&
                          memcmp(high + 1, "\xBF\xBF\xBF", (size_t)n - 1) != 0;
        if (!bound_low && !bound_high) {
            return true;
        }
        if (bytes_possible(m, &next, bound_low ? low + 1 : "\x80\x80\x80",
                           bound_high ? high + 1 : "\xBF\xBF\xBF", n - 1)) {
            return true;
        }
    }
    return false;
}

static bool code_possible(qni_json *m, const qni_json_state *s, uint32_t low, uint32_t high)
{
    static const uint32_t parts[][2] = {
        {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, 0x10FFFF}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint32_t a = low > parts[i][0] ? low : parts[i][0];
        uint32_t b = high < parts[i][1] ? high : parts[i][1];
        if (a <= b) {
            char first[4] = {0}, last[4] = {0};
            int n = qni_utf8_encode(a, first);
            qni_utf8_encode(b, last);
            if (bytes_possible(m, s, first, last, n)) {
                return true;
            }
        }
    }
    return false;
}

// Can the digits read of \uXXXX be completed? A high surrogate needs a character beyond the first
// plane.
static bool escape_possible(qni_json *m, const qni_json_state *s)
{
    qni_json_state bare = *s;
    bare.phase = QNI_ESCAPE_NONE;
    uint32_t left = 4 * (4u - s->n_hex);
    uint32_t low = (s->code & 0xFFFF) << left, high = low | ((1u << left) - 1);
    if (s->phase == QNI_ESCAPE_LOW_HEX || s->phase == QNI_ESCAPE_LOW ||
        s->phase == QNI_ESCAPE_LOW_U) {
        uint32_t base = 0x10000 + (((s->code >> 16) - 0xD800) << 10);
        if (s->phase != QNI_ESCAPE_LOW_HEX) {
            low = 0xDC00;
            high = 0xDFFF;
        }
        low = low > 0xDC00 ? low : 0xDC00;
        high = high < 0xDFFF ? high : 0xDFFF;
        return low <= high && code_possible(m, &bare, base + low - 0xDC00, base + high - 0xDC00);
    }
    if (code_possible(m, &bare, low, high)) {
        return true;
    }
    low = low > 0xD800 ? low : 0xD800;
    high = high < 0xDBFF ? high : 0xDBFF;
    return low <= high && code_possible(m, &bare, 0x10000 + ((low - 0xD800) << 10),
                                        0x10000 + ((high - 0xD800) << 10) + 0x3FF);
}

static bool step_hex(qni_json *m, qni_json_state *s, unsigned b)
{
    int digit = qni_hex_value((char)b);
    if (digit < 0) {
        return false;
    }
    s->code = (s->code & 0xFFFF0000u) | ((s->code << 4 | (uint32_t)digit) & 0xFFFF);
    s->n_hex++;
    if (s->n_hex < 4) {
        return escape_possible(m, s);
    }
    uint32_t code = s->code & 0xFFFF, high = s->code >> 16;
    if (s->phase == QNI_ESCAPE_LOW_HEX) {
        if (code < 0xDC00 || code > 0xDFFF) {
            return false;
        }
        code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00);
    } else if (code >= 0xD800 && code < 0xE000) {
        s->phase = QNI_ESCAPE_LOW;
        s->n_hex = 0;
        s->code = code << 16;
        return code < 0xDC00 && escape_possible(m, s);
    }
    s->phase = QNI_ESCAPE_NONE;
    s->n_hex = 0;
    s->code = 0;
    return content_code(m, s, code);
}

static bool step_escape(qni_json *m, qni_json_state *s, unsigned b)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    switch ((qni_json_escape)s->phase) {
    case QNI_ESCAPE_SLASH: {
        const char *name = b != 0 ? strchr(names, (int)b) : NULL;
        s->phase = b == 'u' ? QNI_ESCAPE_HEX : QNI_ESCAPE_NONE;
        if (b == 'u') {
            return escape_possible(m, s);
        }
        return name != NULL && content_byte(m, s, (unsigned char)values[name - names]);
    }
    case QNI_ESCAPE_LOW: s->phase = QNI_ESCAPE_LOW_U; return b == '\\';
    case QNI_ESCAPE_LOW_U: s->phase = QNI_ESCAPE_LOW_HEX; return b == 'u';
    case QNI_ESCAPE_HEX:
    case QNI_ESCAPE_LOW_HEX: return step_hex(m, s, b);
    case QNI_ESCAPE_NONE:
    default: return false;
    }
}

// After a backslash: is there any character that an escape can name? Every character can be named
// by \u.
static bool begin_escape(qni_json *m, qni_json_state *s)
{
    s->phase = QNI_ESCAPE_SLASH;
    s->n_hex = 0;
    s->code = 0;
    return escape_possible(m, s);
}

// The closing quote of a key that none of the named ones is, at text[size - 1].
static qni_goal other_key_end(qni_json *m, const qni_json_state *s, const char *text, size_t size)
{
    qni_frames *fr = m->fr;
    if (!qni_term_nullable(fr->f->terms, s->lex)) {
        return 0;
    }
    qni_arena arena;
    qni_arena_begin(&arena, QNI_MAX_GRAMMAR_SOURCE_BYTES);
    qni_jvalue *key;
    qni_goal goal = 0;
    qn_status status = qni_jvalue_parse(&arena, text + s->start, size - s->start, NULL, NULL, &key,
                                        NULL);
    if (status == QN_OK) {
        qni_string name = qni_string_make(fr->f, key->text, key->size);
        goal = name == 0 ? 0 : qni_frame_member(fr, s->frame, name);
    } else if (status == QN_OUT_OF_MEMORY) {
        qni_account_fail(fr->account, status, "out of memory");
    }
    qni_arena_end(&arena);
    return goal;
}

static bool end_key(qni_json *m, qni_json_state *s, const char *text, size_t size)
{
    const qni_universe *u = qni_frame_universe(m->fr, s->frame);
    qni_goal goal = 0;
    size_t n = 0;
    if (s->low < s->high) { // the shortest of those that begin so comes first
        qni_string_text(m->fr->f, u->keys[s->low], &n);
    }
    if (s->low < s->high && n == s->depth) {
        goal = qni_frame_member(m->fr, s->frame, u->keys[s->low]);
    } else {
        goal = other_key_end(m, s, text, size);
    }
    return goal == 0 ? dead(s) : enter(s, QNI_JSON_COLON, 0, goal);
}

static bool step_text(qni_json *m, qni_json_state *s, unsigned b, const char *text, size_t size)
{
    if (s->phase != QNI_ESCAPE_NONE) {
        return step_escape(m, s, b) || dead(s);
    }
    if (b == '"' && s->mode == QNI_JSON_KEY) {
        return end_key(m, s, text, size);
    }
    if (b == '"') {
        return finish(m, s, qni_lex_finish(m->fr, s->goal, s->lex), text, size);
    }
    if (b == '\\') {
        return begin_escape(m, s) || dead(s);
    }
    return (b >= 0x20 && content_byte(m, s, b)) || dead(s);
}

static bool step_after(qni_json *m, qni_json_state *s, unsigned b, const char *text, size_t size)
{
    qni_frame frame = s->frame;
    bool object = qni_frame_kind_of(m->fr, frame) == QNI_FRAME_OBJECT;
    if (b == (object ? '}' : ']')) {
        return finish(m, s, qni_frame_close(m->fr, frame), text, size);
    }
    if (b != ',') {
        return dead(s);
    }
    if (object) {
        begin_key(m, s, size); // only to see whether any key may come
        bool any = key_goes_on(m, s);
        return any ? enter(s, QNI_JSON_NEXT_KEY, frame, 0) : dead(s);
    }
    qni_goal goal = qni_frame_item(m->fr, frame, (uint32_t)size);
    return goal == 0 ? dead(s) : enter(s, QNI_JSON_VALUE, 0, goal);
}

bool qni_json_step(qni_json *m, qni_json_state *s, const char *text, size_t size)
{
    unsigned b = (unsigned char)text[size - 1];
    qni_json_mode mode = (qni_json_mode)s->mode;
    bool gap = mode == QNI_JSON_VALUE || mode == QNI_JSON_FIRST_KEY || mode == QNI_JSON_NEXT_KEY ||
               mode == QNI_JSON_COLON || mode == QNI_JSON_FIRST_ITEM || mode == QNI_JSON_AFTER;
    if (gap && is_space(b)) {
        bool room = s->spaces < m->options.max_spaces;
        s->spaces++;
        return room || dead(s);
    }
    switch (mode) {
    case QNI_JSON_VALUE: return begin_value(m, s, b, text, size);
    case QNI_JSON_WORD: return step_word(m, s, b, text, size);
    case QNI_JSON_NUMBER: return step_number(m, s, b, text, size);
    case QNI_JSON_STRING:
    case QNI_JSON_KEY: return step_text(m, s, b, text, size);
    case QNI_JSON_FIRST_KEY:
        if (b == '}') {
            return finish(m, s, qni_frame_close(m->fr, s->frame), text, size);
        }
        return b == '"' ? begin_key(m, s, size) && (key_goes_on(m, s) || dead(s)) : dead(s);
    case QNI_JSON_NEXT_KEY:
        return b == '"' ? begin_key(m, s, size) && (key_goes_on(m, s) || dead(s)) : dead(s);
    case QNI_JSON_COLON: return b == ':' ? enter(s, QNI_JSON_VALUE, 0, s->goal) : dead(s);
    case QNI_JSON_FIRST_ITEM:
        if (b == ']') {
            return finish(m, s, qni_frame_close(m->fr, s->frame), text, size);
        }
        return s->goal == 0 ? dead(s) : begin_value(m, s, b, text, size);
    case QNI_JSON_AFTER: return step_after(m, s, b, text, size);
    case QNI_JSON_DEAD:
    case QNI_JSON_DONE:
    default: return dead(s);
    }
}

bool qni_json_number_complete(qni_json *m, const qni_json_state *s, const char *text, size_t size)
{
    return number_end(m, s, text, size) != 0;
}

bool qni_json_accepts(qni_json *m, const qni_json_state *s, const char *text, size_t size)
{
    if (s->mode == QNI_JSON_NUMBER) {
        return number_end(m, s, text, size) == QNI_FRAME_DONE;
    }
    return s->mode == QNI_JSON_DONE;
}
