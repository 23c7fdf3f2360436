// The machine that reads JSON text byte by byte under a schema, and knows at every byte which bytes
// may come next: exactly those after which some text completes to a valid value.
#ifndef QNI_GRAMMAR_JSON_MACHINE_H
#define QNI_GRAMMAR_JSON_MACHINE_H

#include "grammar/frame.h"

typedef enum qni_json_mode {
    QNI_JSON_DEAD,
    QNI_JSON_VALUE, // a value of `goal` begins here
    QNI_JSON_WORD,  // inside null, false, true
    QNI_JSON_NUMBER,
    QNI_JSON_STRING,
    QNI_JSON_FIRST_KEY, // after '{'
    QNI_JSON_NEXT_KEY,  // after ',' in an object
    QNI_JSON_KEY,       // inside a key
    QNI_JSON_COLON,
    QNI_JSON_FIRST_ITEM, // after '['
    QNI_JSON_AFTER,      // after a value inside `frame`
    QNI_JSON_DONE,
} qni_json_mode;

// Where an escape in a string stands.
typedef enum qni_json_escape {
    QNI_ESCAPE_NONE,
    QNI_ESCAPE_SLASH,   // after '\'
    QNI_ESCAPE_HEX,     // `n_hex` digits of \u read
    QNI_ESCAPE_LOW,     // a high surrogate was read: '\' must follow
    QNI_ESCAPE_LOW_U,   // then 'u'
    QNI_ESCAPE_LOW_HEX, // then the low surrogate's digits
} qni_json_escape;

// Plain data without padding: copied and compared as bytes.
typedef struct qni_json_state {
    uint8_t mode;
    uint8_t phase; // NUMBER: qni_number_phase; WORD: the qni_jtype; strings: qni_json_escape
    uint8_t n_hex;
    uint8_t spaces; // bytes of whitespace in this gap
    // FIRST_KEY, NEXT_KEY, KEY, FIRST_ITEM, AFTER: the open one; WORD: where to go on
    uint32_t frame;
    uint32_t goal;      // VALUE, NUMBER, STRING, COLON, FIRST_ITEM
    uint32_t lex;       // STRING: lexical state; KEY: the term of other keys
    uint32_t low, high; // KEY: the universe's keys that begin like this one
    uint32_t depth;     // KEY: bytes so far, unescaped; WORD: bytes so far
    uint32_t start;     // NUMBER, KEY: where its text begins
    uint32_t code;      // of an escape: the high surrogate << 16 | the digits so far
} qni_json_state;

typedef struct qni_json_options {
    uint8_t max_spaces; // bytes of whitespace in a gap; 0 for none
} qni_json_options;

typedef struct qni_json {
    qni_frames *fr;
    qni_json_options options;
    qni_goal root; // 0: no text is valid
} qni_json;

void qni_json_begin(qni_json *m, qni_frames *fr, qni_formula a, qni_json_options options);

// The state before the first byte; QNI_JSON_DEAD when no text is valid.
qni_json_state qni_json_start(const qni_json *m);

// Takes text[size - 1], the bytes before it having been taken. False, with the state dead, when no
// valid text goes on so. Positions in states count from `text`.
bool qni_json_step(qni_json *m, qni_json_state *s, const char *text, size_t size);

// Inside a number: may it end here, as far as it goes itself?
bool qni_json_number_complete(qni_json *m, const qni_json_state *s, const char *text, size_t size);

// May the text end here?
bool qni_json_accepts(qni_json *m, const qni_json_state *s, const char *text, size_t size);

#endif
