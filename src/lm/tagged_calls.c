// Calls that are written with tags around names and values instead of as one JSON value.
#include "lm/tool_calls.h"

#include "base/json.h"

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

// An argument, as a part of a set.
static json_t *argument_parts(const qni_tool_format *f, const json_t *parameters, const char *key,
                              json_t *schema)
{
    json_t *value = qni_tagged_is_text(schema)
                        ? json_pack("[{s:O, s:s}]", "schema", schema, "until", f->value_close)
                        : json_pack("[{s:O}, {s:s}]", "schema", schema, "text", f->value_close);
    json_t *parts = json_pack("[{s:s}, {s:s}, {s:s}]", "text", f->argument_open, "text", key,
                              "text", f->key_close);
    json_array_extend(parts, value);
    json_decref(value);
    return json_pack("{s:o, s:b}", "parts", parts, "optional", !is_required(parameters, key));
}

json_t *qni_tagged_call_parts(const qni_tool_format *f, const char *name, const json_t *parameters)
{
    json_t *parts = json_pack("[{s:s}, {s:s}, {s:s}]", "text", f->call_open, "text", name, "text",
                              f->name_close);
    if (f->argument_open[0] == '\0') {
        json_t *number = f->many ? json_pack("[{s:{s:s, s:i, s:i}}]", "schema", "type", "integer",
                                             "minimum", 0, "maximum", 999)
                                 : json_array();
        json_array_extend(parts, number);
        json_decref(number);
        json_array_append_new(parts, json_pack("{s:s}", "text", f->key_close));
        json_array_append_new(parts, json_pack("{s:O}", "schema", parameters));
    } else {
        json_t *set = json_array();
        const char *key;
        json_t *schema;
        json_object_foreach (json_object_get(parameters, "properties"), key, schema) {
            json_array_append_new(set, argument_parts(f, parameters, key, schema));
        }
        json_array_append_new(parts, json_pack("{s:o}", "set", set));
    }
    json_array_append_new(parts, json_pack("{s:s}", "text", f->call_close));
    return json_pack("{s:o}", "parts", parts);
}

// ---- Reading

static bool take(const char **at, const char *text)
{
    size_t n = strlen(text);
    bool fits = strncmp(*at, text, n) == 0;
    *at += fits ? n : 0;
    return fits;
}

// Text up to `end`, which is taken too; the rest where `end` is "". NULL when it does not come.
static json_t *take_until(const char **at, const char *end)
{
    const char *found = end[0] != '\0' ? strstr(*at, end) : *at + strlen(*at);
    if (found == NULL) {
        return NULL;
    }
    json_t *text = json_stringn(*at, (size_t)(found - *at));
    *at = found + strlen(end);
    return text;
}

static const json_t *schema_of(const json_t *tools, const char *name, const char *key)
{
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i);
        const json_t *function = json_object_get(tool, "function");
        function = function != NULL ? function : tool;
        const char *its = json_string_value(json_object_get(function, "name"));
        if (its != NULL && strcmp(its, name) == 0) {
            const json_t *parameters = json_object_get(function, "parameters");
            return json_object_get(json_object_get(parameters, "properties"), key);
        }
    }
    return NULL;
}

// The value that a text stands for: itself where it is to be a string or is no JSON.
static json_t *value_of(const json_t *schema, json_t *text)
{
    json_t *value = NULL;
    const char *bytes = json_string_value(text);
    if (text == NULL || (schema != NULL && qni_tagged_is_text(schema)) ||
        qni_json_parse(bytes, json_string_length(text), "argument", &value, NULL) != QN_OK) {
        return text;
    }
    json_decref(text);
    return value;
}

static json_t *read_arguments(const qni_tool_format *f, const json_t *tools, const char *name,
                              const char **at)
{
    json_t *arguments = json_object();
    while (take(at, f->argument_open)) {
        json_t *key = take_until(at, f->key_close);
        json_t *text = key != NULL ? take_until(at, f->value_close) : NULL;
        const char *name_of_key = json_string_value(key);
        json_t *value = text != NULL ? value_of(schema_of(tools, name, name_of_key), text) : NULL;
        bool fine = value != NULL && json_object_set_new(arguments, name_of_key, value) == 0;
        json_decref(key);
        if (!fine) {
            json_decref(arguments);
            return NULL;
        }
    }
    return arguments;
}

static json_t *read_json_arguments(const qni_tool_format *f, const char **at)
{
    if (f->many) {
        *at += strspn(*at, "0123456789");
    }
    json_t *value = NULL;
    if (!take(at, f->key_close)) {
        return NULL;
    }
    const char *end = f->call_close[0] != '\0' ? strstr(*at, f->call_close) : *at + strlen(*at);
    if (end == NULL ||
        qni_json_parse(*at, (size_t)(end - *at), "arguments", &value, NULL) != QN_OK) {
        return NULL;
    }
    *at = end;
    return value;
}

static bool read_call(const qni_tool_format *f, const json_t *tools, const char **at, json_t *calls)
{
    json_t *name = take(at, f->call_open) ? take_until(at, f->name_close) : NULL;
    if (name == NULL) {
        return false;
    }
    json_t *arguments = f->argument_open[0] == '\0'
                            ? read_json_arguments(f, at)
                            : read_arguments(f, tools, json_string_value(name), at);
    if (arguments == NULL || !take(at, f->call_close)) {
        json_decref(name);
        json_decref(arguments);
        return false;
    }
    return json_array_append_new(
               calls, json_pack("{s:o, s:o}", f->name_key, name, f->arguments_key, arguments)) == 0;
}

const char *qni_tagged_calls_read(const qni_tool_format *f, const json_t *tools, const char *text,
                                  json_t *calls)
{
    const char *at = text;
    do {
        if (!read_call(f, tools, &at, calls)) {
            return NULL;
        }
    } while (f->many && strncmp(at, f->end, strlen(f->end)) != 0 && *at != '\0');
    return take(&at, f->end) ? at : NULL;
}
