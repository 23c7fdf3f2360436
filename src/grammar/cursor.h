// What the readers of GBNF and Lark share: a cursor over the text, and escapes.
#ifndef QNI_GRAMMAR_CURSOR_H
#define QNI_GRAMMAR_CURSOR_H

#include "grammar/cfg.h"
#include "grammar/pattern.h"
#include "grammar/schema.h"

typedef struct qni_cursor {
    qni_cfg *g;
    const char *text;
    size_t size;
    size_t at;
    int depth;
    int n_helpers; // rules made for groups
    qn_error *err;
} qni_cursor;

// An error with the line that the cursor is in.
qn_status qni_cursor_fail(qni_cursor *r, qn_status status, const char *what);

bool qni_cursor_has(const qni_cursor *r, const char *word);
bool qni_cursor_take(qni_cursor *r, const char *word);
bool qni_cursor_is_name(char c, bool first);

// Reads [A-Za-z_][A-Za-z0-9_-]*; `*n` is 0 when there is none.
const char *qni_cursor_name(qni_cursor *r, size_t *n);

// A decimal number; false when there is none.
bool qni_cursor_number(qni_cursor *r, uint32_t *value);

// A quoted text at the opening quote: its bytes go into `out` (as large as the rest of the text),
// escapes replaced.
QNI_WARN_UNUSED qn_status qni_cursor_string(qni_cursor *r, char *out, size_t *n);

// One character or escape inside quotes or classes, as a code point.
QNI_WARN_UNUSED qn_status qni_cursor_character(qni_cursor *r, uint32_t *code);

// gbnf.c, lark.c: read a whole grammar into `g`, and finish it.
QNI_WARN_UNUSED qn_status qni_gbnf_read(qni_cfg *g, const char *text, size_t size, qn_error *err);
QNI_WARN_UNUSED qn_status qni_lark_read(qni_cfg *g, const char *text, size_t size,
                                        const qni_schema_options *schemas, qni_json_options json,
                                        qn_error *err);

// tags.c: free text with tagged parts in it. The text is JSON: {"tags": [{"begin", "schema" or
// "text", "end"}, ...], "free": true when text may stand around the parts, "min": parts at least,
// "max": parts at most}.
QNI_WARN_UNUSED qn_status qni_tags_read(qni_cfg *g, const char *text, size_t size,
                                        const qni_schema_options *schemas, qni_json_options json,
                                        qn_error *err);

#endif
