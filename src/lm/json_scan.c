#include "lm/json_scan.h"

#include <string.h>

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool in_object(const qni_json_scan *s)
{
    uint32_t i = s->depth - 1;
    return (s->objects[i / 8] >> i % 8 & 1) != 0;
}

static qni_scan_result to(qni_json_scan *s, qni_scan_state state)
{
    s->state = state;
    return QNI_SCAN_MORE;
}

static qni_scan_result value_ended(qni_json_scan *s)
{
    s->state = s->depth == 0 ? QNI_SCAN_END : QNI_SCAN_AFTER;
    return s->depth == 0 ? QNI_SCAN_DONE : QNI_SCAN_MORE;
}

static qni_scan_result open(qni_json_scan *s, bool object)
{
    if (s->depth == QNI_MAX_JSON_DEPTH) {
        return QNI_SCAN_BAD;
    }
    uint32_t i = s->depth++;
    uint8_t bit = (uint8_t)(1u << i % 8);
    s->objects[i / 8] = (uint8_t)(object ? s->objects[i / 8] | bit : s->objects[i / 8] & ~bit);
    return to(s, object ? QNI_SCAN_FIRST_KEY : QNI_SCAN_FIRST_VALUE);
}

static qni_scan_result close(qni_json_scan *s)
{
    s->depth--;
    return value_ended(s);
}

static qni_scan_result word(qni_json_scan *s, const char *rest)
{
    s->word = rest;
    return to(s, QNI_SCAN_WORD);
}

static qni_scan_result begin_value(qni_json_scan *s, unsigned char c)
{
    switch (c) {
    case '{': return open(s, true);
    case '[': return open(s, false);
    case '"': s->is_key = false; return to(s, QNI_SCAN_STRING);
    case 't': return word(s, "rue");
    case 'f': return word(s, "alse");
    case 'n': return word(s, "ull");
    case '-': return to(s, QNI_SCAN_MINUS);
    case '0': return to(s, QNI_SCAN_ZERO);
    default: return is_digit(c) ? to(s, QNI_SCAN_WHOLE) : QNI_SCAN_BAD;
    }
}

static qni_scan_result between(qni_json_scan *s, unsigned char c)
{
    if (is_blank(c)) {
        return QNI_SCAN_MORE;
    }
    bool first_key = s->state == QNI_SCAN_FIRST_KEY;
    switch ((int)s->state) {
    case QNI_SCAN_FIRST_VALUE: return c == ']' ? close(s) : begin_value(s, c);
    case QNI_SCAN_FIRST_KEY:
    case QNI_SCAN_KEY:
        s->is_key = true;
        return c == '"' ? to(s, QNI_SCAN_STRING) : first_key && c == '}' ? close(s) : QNI_SCAN_BAD;
    case QNI_SCAN_COLON: return c == ':' ? to(s, QNI_SCAN_VALUE) : QNI_SCAN_BAD;
    case QNI_SCAN_AFTER:
        if (c == ',') {
            return to(s, in_object(s) ? QNI_SCAN_KEY : QNI_SCAN_VALUE);
        }
        return c == (in_object(s) ? '}' : ']') ? close(s) : QNI_SCAN_BAD;
    default: return begin_value(s, c);
    }
}

static qni_scan_result in_string(qni_json_scan *s, unsigned char c)
{
    switch ((int)s->state) {
    case QNI_SCAN_ESCAPE:
        s->n_hex = 4;
        return c == 'u'                                       ? to(s, QNI_SCAN_HEX)
               : c != '\0' && strchr("\"\\/bfnrt", c) != NULL ? to(s, QNI_SCAN_STRING)
                                                              : QNI_SCAN_BAD;
    case QNI_SCAN_HEX:
        if (!is_hex(c)) {
            return QNI_SCAN_BAD;
        }
        return --s->n_hex == 0 ? to(s, QNI_SCAN_STRING) : QNI_SCAN_MORE;
    default:
        if (c == '"') {
            return s->is_key ? to(s, QNI_SCAN_COLON) : value_ended(s);
        }
        return c == '\\' ? to(s, QNI_SCAN_ESCAPE) : c < 0x20 ? QNI_SCAN_BAD : QNI_SCAN_MORE;
    }
}

static bool number_may_end(qni_scan_state state)
{
    return state == QNI_SCAN_ZERO || state == QNI_SCAN_WHOLE || state == QNI_SCAN_FRACTION ||
           state == QNI_SCAN_EXPONENT;
}

// A number's next state; END where the byte is no part of it.
static qni_scan_state number_next(qni_scan_state state, unsigned char c)
{
    bool e = c == 'e' || c == 'E';
    switch ((int)state) {
    case QNI_SCAN_MINUS:
        return c == '0' ? QNI_SCAN_ZERO : is_digit(c) ? QNI_SCAN_WHOLE : QNI_SCAN_END;
    case QNI_SCAN_ZERO:
    case QNI_SCAN_WHOLE:
        return is_digit(c) && state == QNI_SCAN_WHOLE ? QNI_SCAN_WHOLE
               : c == '.'                             ? QNI_SCAN_POINT
               : e                                    ? QNI_SCAN_E
                                                      : QNI_SCAN_END;
    case QNI_SCAN_POINT: return is_digit(c) ? QNI_SCAN_FRACTION : QNI_SCAN_END;
    case QNI_SCAN_FRACTION: return is_digit(c) ? QNI_SCAN_FRACTION : e ? QNI_SCAN_E : QNI_SCAN_END;
    case QNI_SCAN_E:
        return is_digit(c)            ? QNI_SCAN_EXPONENT
               : c == '+' || c == '-' ? QNI_SCAN_SIGN
                                      : QNI_SCAN_END;
    default: return is_digit(c) ? QNI_SCAN_EXPONENT : QNI_SCAN_END;
    }
}

static qni_scan_result in_number(qni_json_scan *s, unsigned char c)
{
    qni_scan_state next = number_next(s->state, c);
    if (next != QNI_SCAN_END) {
        return to(s, next);
    }
    if (!number_may_end(s->state)) {
        return QNI_SCAN_BAD;
    }
    return value_ended(s) == QNI_SCAN_DONE ? QNI_SCAN_PAST : between(s, c);
}

qni_scan_result qni_json_scan_byte(qni_json_scan *s, unsigned char c)
{
    qni_scan_result result;
    switch ((int)s->state) {
    case QNI_SCAN_STRING:
    case QNI_SCAN_ESCAPE:
    case QNI_SCAN_HEX: result = in_string(s, c); break;
    case QNI_SCAN_WORD:
        result = c != (unsigned char)*s->word ? QNI_SCAN_BAD
                 : *++s->word == '\0'         ? value_ended(s)
                                              : QNI_SCAN_MORE;
        break;
    case QNI_SCAN_END: result = QNI_SCAN_BAD; break;
    default: result = s->state >= QNI_SCAN_MINUS ? in_number(s, c) : between(s, c);
    }
    return result;
}

bool qni_json_scan_is_whole(const qni_json_scan *s)
{
    return s->state == QNI_SCAN_END || (s->depth == 0 && number_may_end(s->state));
}
