// Any bytes as UTF-8 and as JSON. UTF-8: each byte belongs to one character or ill-formed part,
// characters encode to the bytes they came from, and the validity is that no part is ill-formed.
// JSON: what parses prints to what parses to an equal value; what does not says so in one line.
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_base_text: %s\n", what);
        abort();
    }
}

static void check_utf8(const uint8_t *data, size_t size)
{
    bool valid = true;
    for (size_t i = 0; i < size;) {
        uint32_t code = 0;
        char again[4];
        int length = qni_utf8_decode(data + i, size - i, &code);
        check(length >= -3 && length <= 4 && length != 0, "a length that no character has");
        size_t n = (size_t)abs(length);
        check(n <= size - i, "a character that ends behind the text");
        if (length > 0) {
            check(qni_utf8_encode(code, again) == length, "an encoding of another length");
            check(memcmp(again, data + i, n) == 0, "an encoding of other bytes");
        } else {
            check(code == 0xFFFD, "an ill-formed part without its replacement");
            valid = false;
        }
        i += n;
    }
    check(qni_utf8_is_valid((const char *)data, size) == valid, "another opinion on validity");
    size_t rest = qni_utf8_unfinished((const char *)data, size);
    check(rest <= 3 && rest <= size && (rest == 0 || !valid), "an unfinished end that is valid");
}

static void check_json(const uint8_t *data, size_t size)
{
    qn_error err = {.status = QN_OK};
    json_t *json;
    qn_status status = qni_json_parse((const char *)data, size, "input", &json, &err);
    if (status != QN_OK) {
        check(json == NULL && err.status == status, "a failure that does not say so");
        check(qni_utf8_is_valid(err.message, strlen(err.message)), "a message that is not UTF-8");
        check(strchr(err.message, '\n') == NULL, "a message of two lines");
        return;
    }
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    check(text != NULL, "a value that cannot be printed");
    json_t *again;
    status = qni_json_parse(text, strlen(text), "again", &again, &err);
    check(status == QN_OK && json_equal(json, again), "another value after printing");
    free(text);
    json_decref(again);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_utf8(data, size);
    check_json(data, size);
    return 0;
}
