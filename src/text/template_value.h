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

// Python's json.dumps(ensure_ascii=False); indent -1: on one line.
QNI_WARN_UNUSED qn_status qni_value_to_json(const json_t *value, int indent, bool sort_keys,
                                            qni_buf *out, qn_error *err);

#endif
