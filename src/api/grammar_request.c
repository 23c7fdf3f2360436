// What requests say of the form of an answer, as a grammar.
#include "quince/grammar.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/jvalue.h"

#include <string.h>

typedef struct request {
    const char *text;
    qn_grammar_options options;
    qn_error *err;
} request;

static bool is_text(const qni_jvalue *v, const char *text)
{
    return v != NULL && v->type == QNI_J_STRING && v->size == strlen(text) &&
           memcmp(v->text, text, v->size) == 0;
}

// A schema, also one that stands in a string.
static qn_status from_schema(const request *r, const qni_jvalue *schema, qn_grammar **out)
{
    bool quoted = schema->type == QNI_J_STRING;
    const char *text = quoted ? schema->text : r->text + schema->begin;
    return qn_grammar_from_json_schema(text, quoted ? schema->size : schema->end - schema->begin,
                                       &r->options, out, r->err);
}

static qn_status from_any_object(const request *r, qn_grammar **out)
{
    static const char schema[] = "{\"type\":\"object\"}";
    return qn_grammar_from_json_schema(schema, sizeof schema - 1, &r->options, out, r->err);
}

// {"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "json_schema": {"schema":
// ...}}.
static qn_status from_format(const request *r, const qni_jvalue *format, qn_grammar **out)
{
    const qni_jvalue *type = qni_jvalue_member(format, "type");
    const qni_jvalue *inner = qni_jvalue_member(format, "json_schema");
    const qni_jvalue *schema = inner != NULL ? qni_jvalue_member(inner, "schema") : NULL;
    if (is_text(type, "text")) {
        return QN_OK;
    }
    if (is_text(type, "json_object")) {
        return from_any_object(r, out);
    }
    if (is_text(type, "json_schema") && schema != NULL) {
        return from_schema(r, schema, out);
    }
    if (is_text(type, "json_schema")) {
        return qni_fail(r->err, QN_INVALID_ARGUMENT, "response_format",
                        "a json_schema without json_schema.schema");
    }
    bool named = type != NULL && type->type == QNI_J_STRING;
    return qni_fail(r->err, QN_INVALID_ARGUMENT, "response_format",
                    "response_format of type \"%.*s\"; there are text, json_object and json_schema",
                    named ? (int)type->size : 0, named ? type->text : "");
}

static qn_status from_choice(const request *r, const qni_jvalue *list, qn_grammar **out)
{
    const char **texts = qni_alloc_array((size_t)list->n + 1, sizeof *texts);
    size_t n = 0;
    bool fine = list->type == QNI_J_ARRAY;
    if (texts == NULL) {
        return qni_fail_memory(r->err);
    }
    for (const qni_jvalue *v = fine ? list->first : NULL; v != NULL; v = v->next) {
        fine = fine && v->type == QNI_J_STRING && strlen(v->text) == v->size;
        texts[n++] = v->text;
    }
    qn_status status = fine ? qn_grammar_from_choice(texts, n, out, r->err)
                            : qni_fail(r->err, QN_INVALID_ARGUMENT, "structured_outputs",
                                       "choice is a list of texts");
    qni_free(texts);
    return status;
}

// A grammar is GBNF where it defines rules as that does, else Lark.
static qn_status from_text(const request *r, const qni_jvalue *v, bool regex, qn_grammar **out)
{
    if (v->type != QNI_J_STRING) {
        return qni_fail(r->err, QN_INVALID_ARGUMENT, "structured_outputs",
                        "regex and grammar are texts");
    }
    if (regex) {
        return qn_grammar_from_regex(v->text, v->size, out, r->err);
    }
    for (size_t i = 0; i + 3 <= v->size; i++) {
        if (memcmp(v->text + i, "::=", 3) == 0) {
            return qn_grammar_from_gbnf(v->text, v->size, out, r->err);
        }
    }
    return qn_grammar_from_lark(v->text, v->size, &r->options, out, r->err);
}

// vLLM's: one of its members, with options beside it. A member that is null or false is not there.
static qn_status from_structured(request *r, const qni_jvalue *outputs, qn_grammar **out)
{
    enum { JSON, OBJECT, REGEX, CHOICE, GRAMMAR, N_KINDS };
    static const char *const kinds[N_KINDS] = {"json", "json_object", "regex", "choice", "grammar"};
    const qni_jvalue *given = NULL;
    int kind = N_KINDS, n = 0;
    const char *unknown = NULL;
    for (const qni_jvalue *v = outputs->first; v != NULL; v = v->next) {
        int k = 0;
        while (k < N_KINDS && strcmp(v->key, kinds[k]) != 0) {
            k++;
        }
        bool off = v->type == QNI_J_NULL || v->type == QNI_J_FALSE;
        if (k < N_KINDS && !off) {
            given = v;
            kind = k;
            n++;
        }
        bool compact = strcmp(v->key, "disable_any_whitespace") == 0,
             ignored = strcmp(v->key, "disable_fallback") == 0;
        r->options.compact = r->options.compact || (compact && !off);
        unknown = k == N_KINDS && !compact && !ignored && !off ? v->key : unknown;
    }
    if (n != 1 || unknown != NULL) {
        return qni_fail(r->err, QN_INVALID_ARGUMENT, "structured_outputs",
                        "structured_outputs takes one of json, json_object, regex, choice and "
                        "grammar, not %s%.100s",
                        unknown != NULL ? ""
                        : n == 0        ? "none"
                                        : "several",
                        unknown != NULL ? unknown : "");
    }
    switch (kind) {
    case JSON: return from_schema(r, given, out);
    case OBJECT: return from_any_object(r, out);
    case CHOICE: return from_choice(r, given, out);
    default: return from_text(r, given, kind == REGEX, out);
    }
}

qn_status qn_grammar_from_request(const char *text, size_t size, const qn_grammar_options *options,
                                  qn_grammar **out, qn_error *err)
{
    request r = {.text = text, .err = err};
    qni_arena arena;
    qni_jvalue *root = NULL;
    *out = NULL;
    if (options != NULL) {
        r.options = *options;
    }
    qni_arena_begin(&arena, QNI_MAX_GRAMMAR_SOURCE_BYTES * 16);
    qn_status status = qni_jvalue_parse(&arena, text, size, "request", NULL, &root, err);
    if (status == QN_OK && root->type != QNI_J_OBJECT) {
        status = qni_fail(err, QN_INVALID_ARGUMENT, "request",
                          "the form of an answer is an object");
    }
    if (status == QN_OK) {
        status = qni_jvalue_member(root, "type") != NULL ? from_format(&r, root, out)
                                                         : from_structured(&r, root, out);
    }
    qni_arena_end(&arena);
    return status;
}
