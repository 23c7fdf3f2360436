#include "quince/template.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "lm/tool_calls.h"
#include "text/template.h"

#include <string.h>

struct qn_template {
    qni_template *inner;
    json_t *variables; // of the model's folder; NULL: none
};

static qn_status give(qni_template *inner, json_t *variables, qn_template **out, qn_error *err)
{
    *out = qni_calloc(1, sizeof **out);
    if (*out == NULL) {
        qni_template_free(inner);
        json_decref(variables);
        return qni_fail_memory(err);
    }
    (*out)->inner = inner;
    (*out)->variables = variables;
    return QN_OK;
}

qn_status qn_template_parse(const char *source, size_t size, const char *name, qn_template **out,
                            qn_error *err)
{
    qni_template *inner;
    *out = NULL;
    QNI_TRY(qni_template_parse(source, size, name != NULL ? name : "template", &inner, err));
    return give(inner, NULL, out, err);
}

static qn_status open_file(const char *path, qn_template **out, qn_error *err)
{
    char *text = NULL;
    size_t n;
    QNI_TRY(qni_file_read(path, QNI_MAX_MANIFEST_BYTES, &text, &n, err));
    qn_status status = qn_template_parse(text, n, path, out, err);
    qni_free(text);
    return status;
}

qn_status qn_template_open(const char *path, const char *name, qn_template **out, qn_error *err)
{
    qni_template *inner = NULL;
    json_t *variables = NULL;
    *out = NULL;
    size_t n = strlen(path);
    bool gguf = n > 5 && strcmp(path + n - 5, ".gguf") == 0;
    if (!gguf && !qni_folder_exists(path)) {
        return open_file(path, out, err);
    }
    QNI_TRY(gguf ? qni_template_find_gguf(path, name, &inner, &variables, err)
                 : qni_template_find(path, name, &inner, &variables, err));
    if (inner == NULL) {
        json_decref(variables);
        return qni_fail(err, QN_INVALID_ARGUMENT, path, "no chat template%s%s: looked for %s",
                        name != NULL ? " named " : "", name != NULL ? name : "",
                        gguf ? "tokenizer.chat_template"
                             : "chat_template.jinja, chat_template.json and tokenizer_config.json");
    }
    return give(inner, variables, out, err);
}

void qn_template_free(qn_template *tmpl)
{
    if (tmpl != NULL) {
        qni_template_free(tmpl->inner);
        json_decref(tmpl->variables);
        qni_free(tmpl);
    }
}

const char *qn_template_source(const qn_template *tmpl)
{
    return qni_template_source(tmpl->inner);
}

// The caller's variables before those of the folder.
static qn_status read_variables(const qn_template *tmpl, const char *text, size_t size,
                                json_t **out, qn_error *err)
{
    QNI_TRY(qni_json_parse(text, size, "the template's variables", out, err));
    bool fits = json_is_object(*out) &&
                (tmpl->variables == NULL || json_object_update_missing(*out, tmpl->variables) == 0);
    if (fits) {
        return QN_OK;
    }
    qn_status status = json_is_object(*out)
                           ? qni_fail_memory(err)
                           : qni_fail(err, QN_INVALID_ARGUMENT, NULL,
                                      "the template's variables are not a JSON object");
    json_decref(*out);
    *out = NULL;
    return status;
}

qn_status qn_template_render(const qn_template *tmpl, const char *variables, size_t size,
                             const qn_template_options *options, char **text, size_t *text_size,
                             qn_error *err)
{
    static const qn_template_options defaults;
    const qn_template_options *o = options != NULL ? options : &defaults;
    const qni_template_limits limits = {.steps = o->steps, .output_bytes = o->output_bytes};
    json_t *json = NULL;
    qni_buf out;
    *text = NULL;
    *text_size = 0;
    QNI_TRY(read_variables(tmpl, variables, size, &json, err));
    qni_buf_begin(&out, QNI_GIB, "a template's output");
    qn_status status = qni_template_render(tmpl->inner, json, &limits,
                                           o->has_now ? o->now : qni_template_now(), &out, err);
    status = status == QN_OK ? qni_buf_reserve(&out, 1, err) : status; // never NULL
    if (status == QN_OK) {
        out.data[out.size] = '\0';
        *text_size = out.size;
        *text = qni_buf_take(&out);
    }
    qni_buf_end(&out);
    json_decref(json);
    return status;
}

// ---- Answers

const char *qn_template_tool_format(const qn_template *tmpl)
{
    const qni_tool_format *format = qni_tool_format_find(qni_template_source(tmpl->inner));
    return format != NULL ? format->name : NULL;
}

const char *qn_template_reasoning_format(const qn_template *tmpl)
{
    const qni_reasoning_format *format = qni_reasoning_format_find(
        qni_template_source(tmpl->inner));
    return format != NULL ? format->name : NULL;
}

static qn_status read_answer(const qn_template *tmpl, const char *prompt, const json_t *tools,
                             const char *text, size_t size, char **message, qn_error *err)
{
    const char *source = qni_template_source(tmpl->inner);
    qni_call_options options = {.format = qni_tool_format_find(source),
                                .tools = tools,
                                .reasoning = qni_reasoning_format_find(source)};
    options.reasoning_open = prompt != NULL &&
                             qni_reasoning_is_open(options.reasoning, prompt, strlen(prompt));
    for (size_t i = 0; i < size; i++) { // ids of calls differ from answer to answer
        options.seed = (options.seed ^ (unsigned char)text[i]) * 0x100000001B3u;
    }
    json_t *json = NULL;
    QNI_TRY(qni_tool_calls_parse(&options, text, size, &json, err));
    qn_status status = qni_json_print(json, JSON_COMPACT, message, err);
    json_decref(json);
    return status;
}

qn_status qn_template_read_answer(const qn_template *tmpl, const char *prompt, const char *tools,
                                  const char *text, size_t size, char **message, qn_error *err)
{
    json_t *list = NULL;
    *message = NULL;
    if (tools != NULL) {
        QNI_TRY(qni_json_parse(tools, strlen(tools), "tools", &list, err));
    }
    qn_status status = list == NULL || json_is_array(list)
                           ? read_answer(tmpl, prompt, list, text, size, message, err)
                           : qni_fail(err, QN_INVALID_ARGUMENT, "tools",
                                      "tools must be a JSON array");
    json_decref(list);
    return status;
}
