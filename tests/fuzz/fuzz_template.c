// Any bytes as a chat template, rendered over one conversation within small limits.
#include "text/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, "
                               "{\"role\": \"user\", \"content\": [{\"type\": "
                               "\"text\", \"text\": \"\xC3\xA9\"}]}, {\"role\": \"assistant\", "
                               "\"content\": null, \"tool_calls\": [{\"function\": "
                               "{\"name\": \"f\", \"arguments\": {\"a\": [1, 2.5, true, "
                               "null]}}}]}], \"tools\": [{\"a\": 1}], \"x\": 3}";
    const qni_template_limits limits = {.steps = 20000, .output_bytes = 1 << 16};
    qni_template *t = NULL;
    qn_error err = {.status = QN_OK};
    if (qni_template_parse((const char *)data, size, "input", &t, &err) != QN_OK) {
        return 0;
    }
    json_t *variables = json_loads(text, 0, NULL);
    qni_buf out;
    qni_buf_begin(&out, 1 << 20, "a template's output");
    qn_status status = qni_template_render(t, variables, &limits, 0, &out, &err);
    if (status == QN_INTERNAL || (status != QN_OK && err.message[0] == '\0')) {
        fprintf(stderr, "fuzz_template: a failure that does not say so\n");
        abort();
    }
    qni_buf_end(&out);
    json_decref(variables);
    qni_template_free(t);
    return 0;
}
