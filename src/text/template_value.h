// Values of templates: JSON values with Python's manners. NULL is the undefined value.
#ifndef QNI_TEXT_TEMPLATE_VALUE_H
#define QNI_TEXT_TEMPLATE_VALUE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

bool qni_value_is_true(const json_t *value);
bool qni_values_equal(const json_t *a, const json_t *b); // numbers by value

// -1, 0, 1; 2 when they have no order.
int qni_values_compare(const json_t *a, const json_t *b);

// Python's str(); nothing for the undefined value.
QNI_WARN_UNUSED qn_status qni_value_print(const json_t *value, qni_buf *out, qn_error *err);

// Keys of mappings are texts here. One that is none, a number or a boolean stands behind a mark
// that no text begins with; these go from a value to its key and back. `room` holds a made key.
enum { QNI_KEY_BYTES = 40 };
const char *qni_value_key(const json_t *value, char room[QNI_KEY_BYTES]); // NULL: not hashable
json_t *qni_value_of_key(const char *key);                                // a new value

// How json.dumps writes.
typedef struct qni_json_form {
    int indent; // -1: on one line
    bool ascii; // everything else as \uXXXX
    bool sort_keys;
    const char *item, *member; // separators; NULL: Python's own
} qni_json_form;

QNI_WARN_UNUSED qn_status qni_value_to_json(const json_t *value, const qni_json_form *form,
                                            qni_buf *out, qn_error *err);

#endif
