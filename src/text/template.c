// Opening templates, and finding them in a model's folder.
#include "text/template.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "text/gguf.h"
#include "text/template_ast.h"

#include <string.h>

qn_status qni_template_parse(const char *source, size_t n, const char *where, qni_template **out,
                             qn_error *err)
{
    *out = NULL;
    qni_template *t = qni_calloc(1, sizeof *t);
    if (t == NULL) {
        return qni_fail_memory(err);
    }
    qni_arena_begin(&t->arena, QNI_MAX_PROGRAM_BYTES);
    t->source = qni_strndup(source, n);
    t->where = qni_strdup(where);
    qn_status status = t->source == NULL || t->where == NULL ? qni_fail_memory(err)
                                                             : qni_template_parse_source(t, err);
    if (status != QN_OK) {
        qni_template_free(t);
        return status;
    }
    *out = t;
    return QN_OK;
}

void qni_template_free(qni_template *t)
{
    if (t == NULL) {
        return;
    }
    qni_arena_end(&t->arena);
    qni_free(t->source);
    qni_free(t->where);
    qni_free(t);
}

const char *qni_template_source(const qni_template *t)
{
    return t->source;
}

// ---- Finding

// A string, or the wanted one of a list of {name, template}.
static const char *pick(const json_t *value, const char *name)
{
    size_t i;
    json_t *item;
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    json_array_foreach (value, i, item) {
        const char *own = json_string_value(json_object_get(item, "name"));
        if (own != NULL && strcmp(own, name != NULL ? name : "default") == 0) {
            return json_string_value(json_object_get(item, "template"));
        }
    }
    return NULL;
}

// Special tokens are strings, or objects that hold their content.
static qn_status take_tokens(const json_t *config, json_t *variables, qn_error *err)
{
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(config, keys[i]);
        value = json_is_object(value) ? json_object_get(value, "content") : value;
        if (json_is_string(value) && json_object_set(variables, keys[i], value) != 0) {
            return qni_fail_memory(err);
        }
    }
    return QN_OK;
}

static qn_status parse_file(const char *folder, qni_template **out, qn_error *err)
{
    char *path = qni_path_join(folder, "chat_template.jinja");
    if (path == NULL) {
        return qni_fail_memory(err);
    }
    char *text = NULL;
    size_t n = 0;
    qn_status status = QN_OK;
    if (qni_file_exists(path)) {
        status = qni_file_read(path, QNI_MAX_MANIFEST_BYTES, &text, &n, err);
        status = status == QN_OK ? qni_template_parse(text, n, path, out, err) : status;
    }
    qni_free(text);
    qni_free(path);
    return status;
}

static qn_status parse_config(const char *folder, const char *file, const char *name,
                              qni_template **out, json_t *variables, qn_error *err)
{
    json_t *config = NULL;
    QNI_TRY(qni_json_read_beside(folder, file, QNI_MAX_MANIFEST_BYTES, &config, err));
    const char *source = pick(json_object_get(config, "chat_template"), name);
    qn_status status = variables != NULL ? take_tokens(config, variables, err) : QN_OK;
    if (status == QN_OK && *out == NULL && source != NULL) {
        status = qni_template_parse(source, strlen(source), file, out, err);
    }
    json_decref(config);
    return status;
}

qn_status qni_template_find(const char *folder, const char *name, qni_template **out,
                            json_t **variables, qn_error *err)
{
    *out = NULL;
    *variables = json_object();
    qn_status status = *variables != NULL ? parse_file(folder, out, err) : qni_fail_memory(err);
    status = status == QN_OK ? parse_config(folder, "chat_template.json", name, out, NULL, err)
                             : status;
    status = status == QN_OK
                 ? parse_config(folder, "tokenizer_config.json", name, out, *variables, err)
                 : status;
    if (status != QN_OK) {
        qni_template_free(*out);
        json_decref(*variables);
        *out = NULL;
        *variables = NULL;
    }
    return status;
}

// ---- GGUF

static qn_status parse_gguf(const qni_gguf *file, const char *name, const char *where,
                            qni_template **out, qn_error *err)
{
    char key[128];
    qni_gguf_value value;
    size_t n;
    snprintf(key, sizeof key, "tokenizer.chat_template%s%.80s", name != NULL ? "." : "",
             name != NULL ? name : "");
    if (!qni_gguf_find(file, key, &value)) {
        return QN_OK;
    }
    if (value.is_array || value.type != QNI_GGUF_TEXT) {
        return qni_fail(err, QN_INVALID_MODEL, where, "%s is not a text", key);
    }
    const char *source = qni_gguf_text(file, &value, &n);
    return n > QNI_MAX_MANIFEST_BYTES
               ? qni_fail(err, QN_LIMIT_EXCEEDED, where, "%s is too long", key)
               : qni_template_parse(source, n, where, out, err);
}

static qn_status gguf_token(const qni_gguf *file, const char *key, const char *name,
                            json_t *variables, qn_error *err)
{
    qni_gguf_value id, tokens;
    if (!qni_gguf_find(file, key, &id) || id.is_array || id.type == QNI_GGUF_TEXT ||
        !qni_gguf_find(file, "tokenizer.ggml.tokens", &tokens) || !tokens.is_array ||
        tokens.type != QNI_GGUF_TEXT) {
        return QN_OK;
    }
    double wanted = qni_gguf_number(file, &id);
    const char *text = NULL;
    size_t n = 0;
    for (uint64_t i = 0; wanted >= 0 && wanted < (double)tokens.count && i <= (uint64_t)wanted;
         i++) {
        text = qni_gguf_text(file, &tokens, &n);
    }
    json_t *token = text != NULL ? json_stringn(text, n) : NULL; // NULL: not UTF-8
    return token == NULL || json_object_set_new(variables, name, token) == 0 ? QN_OK
                                                                             : qni_fail_memory(err);
}

qn_status qni_template_find_gguf(const char *path, const char *name, qni_template **out,
                                 json_t **variables, qn_error *err)
{
    static const char *const ids[][2] = {{"tokenizer.ggml.bos_token_id", "bos_token"},
                                         {"tokenizer.ggml.eos_token_id", "eos_token"},
                                         {"tokenizer.ggml.unknown_token_id", "unk_token"},
                                         {"tokenizer.ggml.padding_token_id", "pad_token"}};
    qni_map *map;
    qni_gguf file;
    *out = NULL;
    *variables = NULL;
    QNI_TRY(qni_map_open(path, &map, err));
    qn_status status = qni_gguf_open(qni_map_data(map), qni_map_size(map), &file, err);
    *variables = json_object();
    status = status == QN_OK && *variables == NULL ? qni_fail_memory(err) : status;
    status = status == QN_OK ? parse_gguf(&file, name, path, out, err) : status;
    for (size_t i = 0; i < sizeof ids / sizeof *ids && status == QN_OK; i++) {
        status = gguf_token(&file, ids[i][0], ids[i][1], *variables, err);
    }
    qni_map_release(map);
    if (status != QN_OK) {
        qni_template_free(*out);
        json_decref(*variables);
        *out = NULL;
        *variables = NULL;
    }
    return status;
}
