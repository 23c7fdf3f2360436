// The grammar of calls that are written with tags around names and values.
#include "base/buf.h"
#include "base/limits.h"
#include "lm/tool_calls.h"

#include <jansson.h>

#include <string.h>

bool qni_tagged_is_text(const json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *choices = json_object_get(schema, "enum");
    size_t n = json_array_size(choices), n_texts = 0;
    for (size_t i = 0; i < n; i++) {
        n_texts += json_is_string(json_array_get(choices, i));
    }
    return type != NULL ? strcmp(type, "string") == 0 : n != 0 && n_texts == n;
}

static bool is_required(const json_t *parameters, const char *key)
{
    const json_t *list = json_object_get(parameters, "required");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name != NULL && strcmp(name, key) == 0) {
            return true;
        }
    }
    return false;
}

static void add_word(json_t *parts, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        json_array_append_new(parts, json_pack("{s:s}", "text", text));
    }
}

// The schema that tool number `tool` has for the argument. Names are written into a JSON pointer in
// a URI's fragment (RFC 6901).
static json_t *argument_schema(size_t tool, const char *key)
{
    qni_buf uri;
    json_t *schema = NULL;
    qni_buf_begin(&uri, QNI_MAX_GRAMMAR_SOURCE_BYTES, "QNI_MAX_GRAMMAR_SOURCE_BYTES");
    bool fine = qni_buf_printf(&uri, NULL, "quince:tool/%zu#/properties/", tool) == QN_OK;
    for (; fine && *key != '\0'; key++) {
        unsigned char c = (unsigned char)*key;
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     c == '_' || c == '-' || c == '.';
        fine = (c == '~'   ? qni_buf_printf(&uri, NULL, "~0")
                : c == '/' ? qni_buf_printf(&uri, NULL, "~1")
                : plain    ? qni_buf_printf(&uri, NULL, "%c", c)
                           : qni_buf_printf(&uri, NULL, "%%%02X", c)) == QN_OK;
    }
    if (fine) {
        schema = json_pack("{s:s%}", "$ref", uri.data, uri.size);
    }
    qni_buf_end(&uri);
    return schema;
}

// An argument, as a part of a set. Text ends with the first of what closes it, without the white
// space behind that: so readers look for it, and a value that held it would be cut.
static json_t *argument_parts(const qni_tool_format *f, size_t tool, const json_t *parameters,
                              const char *key, const json_t *schema)
{
    const char *last = f->key_again != NULL     ? f->key_again
                       : f->value_close != NULL ? f->value_close
                                                : "";
    size_t n = strlen(last);
    while (n > 0 && (last[n - 1] == '\n' || last[n - 1] == ' ')) {
        n--;
    }
    json_t *close = f->key_again != NULL
                        ? json_sprintf("%s%s%.*s", f->value_close, key, (int)n, last)
                        : json_stringn(last, n);
    bool is_text = f->text_open != NULL && qni_tagged_is_text(schema);
    bool own_close = is_text && f->text_close != NULL;
    json_t *its = schema != NULL ? argument_schema(tool, key) : json_object();
    json_t *parts = json_array(), *value = json_pack("{s:o}", "schema", its);
    add_word(parts, f->argument_open);
    add_word(parts, key);
    add_word(parts, f->key_close);
    add_word(parts, is_text ? f->text_open : f->json_open);
    if (is_text) {
        json_object_set_new(value, "until",
                            own_close ? json_string(f->text_close) : json_incref(close));
    }
    json_array_append_new(parts, value);
    if (!is_text || own_close) {
        add_word(parts, json_string_value(close));
    }
    add_word(parts, last + n);
    json_decref(close);
    return json_pack("{s:o, s:b}", "parts", parts, "optional", !is_required(parameters, key));
}

// Arguments that are required and that `properties` says nothing about.
static void add_unnamed(const qni_tool_format *f, size_t tool, const json_t *parameters,
                        json_t *set)
{
    const json_t *list = json_object_get(parameters, "required");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *key = json_string_value(json_array_get(list, i));
        if (key != NULL &&
            json_object_get(json_object_get(parameters, "properties"), key) == NULL) {
            json_array_append_new(set, argument_parts(f, tool, parameters, key, NULL));
        }
    }
}

json_t *qni_tagged_call_parts(const qni_tool_format *f, const char *name, size_t tool,
                              const json_t *parameters)
{
    json_t *parts = json_pack("[{s:s}, {s:s}, {s:s}]", "text", f->call_open, "text", name, "text",
                              f->name_close);
    if (f->argument_open == NULL) {
        if (f->is_numbered) { // digits, where JSON's integers may have a point and an exponent
            json_array_append_new(parts, json_pack("{s:{s:s, s:s}, s:s}", "schema", "type",
                                                   "string", "pattern", "^(0|[1-9][0-9]{0,2})$",
                                                   "until", f->key_close));
        } else {
            json_array_append_new(parts, json_pack("{s:s}", "text", f->key_close));
        }
        json_array_append_new(
            parts, json_pack("{s:{s:o}}", "schema", "$ref", json_sprintf("quince:tool/%zu", tool)));
    } else {
        json_t *set = json_array();
        const char *key;
        json_t *schema;
        json_object_foreach (json_object_get(parameters, "properties"), key, schema) {
            json_array_append_new(set, argument_parts(f, tool, parameters, key, schema));
        }
        add_unnamed(f, tool, parameters, set);
        json_array_append_new(parts, json_pack("{s:o, s:s}", "set", set, "between",
                                               f->between != NULL ? f->between : ""));
    }
    json_array_append_new(parts, json_pack("{s:s}", "text", f->call_close));
    return json_pack("{s:o}", "parts", parts);
}
