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
    json_t *parts = json_pack("[{s:s}, {s:s}, {s:s}]", "text", f->argument_open, "text", key,
                              "text", f->key_close);
    if (f->quote != NULL && qni_tagged_is_text(schema)) {
        const char *until = f->quote[0] != '\0' ? f->quote : f->value_close;
        json_array_append_new(parts, json_pack("{s:s}", "text", f->quote));
        json_array_append_new(parts, json_pack("{s:O, s:s}", "schema", schema, "until", until));
    } else {
        json_array_append_new(parts, json_pack("{s:O}", "schema", schema));
        json_array_append_new(parts, json_pack("{s:s}", "text", f->value_close));
    }
    return json_pack("{s:o, s:b}", "parts", parts, "optional", !is_required(parameters, key));
}

json_t *qni_tagged_call_parts(const qni_tool_format *f, const char *name, const json_t *parameters)
{
    json_t *parts = json_pack("[{s:s}, {s:s}, {s:s}]", "text", f->call_open, "text", name, "text",
                              f->name_close);
    if (f->argument_open == NULL) {
        if (f->between_calls != NULL) {
            json_array_append_new(parts, json_pack("{s:{s:s, s:i, s:i}}", "schema", "type",
                                                   "integer", "minimum", 0, "maximum", 999));
        }
        json_array_append_new(parts, json_pack("{s:s}", "text", f->key_close));
        json_array_append_new(parts, json_pack("{s:O}", "schema", parameters));
    } else {
        json_t *set = json_array();
        const char *key;
        json_t *schema;
        json_object_foreach (json_object_get(parameters, "properties"), key, schema) {
            json_array_append_new(set, argument_parts(f, parameters, key, schema));
        }
        json_array_append_new(parts, json_pack("{s:o, s:s}", "set", set, "between", f->between));
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

// The JSON value that stands here; Python's words for JSON's are taken too. NULL: none does.
static json_t *take_json(const char **at)
{
    json_error_t error;
    if (take(at, "True") || take(at, "False")) {
        return json_boolean((*at)[-2] == 'u');
    }
    if (take(at, "None")) {
        return json_null();
    }
    json_t *value = json_loads(*at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);
    *at += value != NULL && error.position > 0 ? error.position : 0;
    return value;
}

// A value and what closes it. Without a schema that tells, what is no JSON is a string.
static json_t *take_value(const qni_tool_format *f, const json_t *schema, const char **at)
{
    const char *from = *at;
    bool text = f->quote != NULL && schema != NULL && qni_tagged_is_text(schema);
    if (!text && (f->quote == NULL || f->quote[0] == '\0' || !take(at, f->quote))) {
        json_t *value = take_json(at);
        if (value != NULL && take(at, f->value_close)) {
            return value;
        }
        json_decref(value);
    }
    *at = from;
    if (f->quote == NULL || !take(at, f->quote)) {
        return NULL;
    }
    return take_until(at, f->quote[0] != '\0' ? f->quote : f->value_close);
}

static json_t *read_arguments(const qni_tool_format *f, const json_t *tools, const char *name,
                              const char **at)
{
    json_t *arguments = json_object();
    size_t n_close = strlen(f->call_close);
    while ((n_close == 0 || strncmp(*at, f->call_close, n_close) != 0) &&
           (json_object_size(arguments) == 0 || take(at, f->between)) &&
           take(at, f->argument_open)) {
        json_t *key = take_until(at, f->key_close);
        const char *name_of_key = json_string_value(key);
        json_t *value = key != NULL ? take_value(f, schema_of(tools, name, name_of_key), at) : NULL;
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
    if (f->between_calls != NULL) {
        *at += strspn(*at, "0123456789");
    }
    return take(at, f->key_close) ? take_json(at) : NULL;
}

static bool read_call(const qni_tool_format *f, const json_t *tools, const char **at, json_t *calls)
{
    json_t *name = take(at, f->call_open) ? take_until(at, f->name_close) : NULL;
    if (name == NULL) {
        return false;
    }
    json_t *arguments = f->argument_open == NULL
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
        bool over = *at == '\0' || strncmp(at, f->end, strlen(f->end)) == 0;
        if (over || f->between_calls == NULL) {
            break;
        }
    } while (take(&at, f->between_calls));
    return take(&at, f->end) ? at : NULL;
}
