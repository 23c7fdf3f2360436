#include "lm/constraint.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_ENGINES = 8,      // grammars of tools that are kept
    SPACES_IN_A_GAP = 64, // of JSON
};

typedef struct kept_engine {
    char *source;
    qni_engine *engine;
    uint64_t used; // the cache's clock
    uint32_t n_users;
} kept_engine;

struct qni_constraint_cache {
    const qni_tokenizer *tokenizer;
    const qni_tool_format *format;
    const qni_reasoning_format *reasoning;
    int64_t n_tokens;
    pthread_mutex_t lock;
    qni_vocabulary *vocabulary;
    kept_engine engines[MAX_ENGINES];
    size_t n_engines;
    uint64_t clock;
};

qn_status qni_constraint_cache_create(const qni_tokenizer *tokenizer, const qni_tool_format *format,
                                      const qni_reasoning_format *reasoning, int64_t vocabulary,
                                      qni_constraint_cache **out, qn_error *err)
{
    qni_constraint_cache *cache = qni_calloc(1, sizeof *cache);
    if (cache == NULL) {
        return qni_fail_memory(err);
    }
    cache->tokenizer = tokenizer;
    cache->format = format;
    cache->reasoning = reasoning;
    cache->n_tokens = vocabulary;
    pthread_mutex_init(&cache->lock, NULL);
    *out = cache;
    return QN_OK;
}

static void drop_engine(kept_engine *kept)
{
    qni_engine_free(kept->engine);
    qni_free(kept->source);
}

void qni_constraint_cache_free(qni_constraint_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < cache->n_engines; i++) {
        drop_engine(&cache->engines[i]);
    }
    qni_vocabulary_free(cache->vocabulary);
    pthread_mutex_destroy(&cache->lock);
    qni_free(cache);
}

// ---- The vocabulary

// Is the token's text a part of the word?
static bool holds(const char *word, const char *text, size_t n)
{
    for (const char *at = word; text != NULL && n != 0 && at != NULL && strlen(at) >= n; at++) {
        if (memcmp(at, text, n) == 0) {
            return true;
        }
    }
    return false;
}

bool qni_token_is_text(const qni_tokenizer *tokenizer, const qni_tool_format *format,
                       const qni_reasoning_format *reasoning, int32_t id)
{
    if (!qni_tokenizer_is_special(tokenizer, id)) {
        return true;
    }
    size_t n = 0;
    const char *text = qni_tokenizer_token_text(tokenizer, id, &n);
    for (int i = 0; reasoning != NULL && i < QNI_MAX_SILENT_WORDS; i++) {
        if (holds(reasoning->silent[i], text, n)) {
            return true;
        }
    }
    if (reasoning != NULL && (holds(reasoning->begin, text, n) || holds(reasoning->end, text, n))) {
        return true;
    }
    for (const qni_tool_format *f = format; f != NULL; f = qni_tool_format_also(f)) {
        const char *const words[] = {f->begin,      f->end,         f->call_open,
                                     f->name_close, f->call_close,  f->text_open,
                                     f->key_close,  f->text_close,  f->argument_open,
                                     f->json_open,  f->value_close, f->between_calls};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (holds(words[i], text, n)) {
                return true;
            }
        }
    }
    return false;
}

typedef struct token_table {
    qni_buf bytes;
    uint32_t *offsets;
    uint8_t *special;
    uint32_t *stops;
} token_table;

static qn_status fill_table(const qni_constraint_cache *cache, token_table *t, qn_error *err)
{
    int64_t known = (int64_t)qni_tokenizer_vocabulary(cache->tokenizer);
    for (int64_t i = 0; i < cache->n_tokens; i++) {
        size_t n = 0;
        const char *bytes = i < known ? qni_tokenizer_token_bytes(cache->tokenizer, (int32_t)i, &n)
                                      : NULL;
        t->offsets[i] = (uint32_t)t->bytes.size;
        t->special[i] = i >= known || !qni_token_is_text(cache->tokenizer, cache->format,
                                                         cache->reasoning, (int32_t)i);
        if (bytes != NULL && t->special[i] == 0) {
            QNI_TRY(qni_buf_add(&t->bytes, bytes, n, err));
        }
    }
    t->offsets[cache->n_tokens] = (uint32_t)t->bytes.size;
    return QN_OK;
}

static qn_status make_vocabulary(qni_constraint_cache *cache, qn_error *err)
{
    const int32_t *eos;
    size_t n_eos = qni_tokenizer_eos(cache->tokenizer, &eos);
    size_t n = (size_t)cache->n_tokens;
    token_table t = {.offsets = qni_alloc_array(n + 1, sizeof(uint32_t)),
                     .special = qni_calloc(n + 1, 1),
                     .stops = qni_alloc_array(n_eos + 1, sizeof(uint32_t))};
    qni_buf_begin(&t.bytes, UINT32_MAX, "UINT32_MAX");
    qn_status status = t.offsets == NULL || t.special == NULL || t.stops == NULL
                           ? qni_fail_memory(err)
                           : fill_table(cache, &t, err);
    uint32_t n_stops = 0;
    for (size_t i = 0; status == QN_OK && i < n_eos; i++) {
        if (eos[i] >= 0 && eos[i] < cache->n_tokens) {
            t.stops[n_stops++] = (uint32_t)eos[i];
        }
    }
    if (status == QN_OK) {
        status = qni_vocabulary_create((uint32_t)n, t.bytes.data != NULL ? t.bytes.data : "",
                                       t.offsets, t.special, t.stops, n_stops, &cache->vocabulary,
                                       err);
    }
    qni_buf_end(&t.bytes);
    qni_free(t.offsets);
    qni_free(t.special);
    qni_free(t.stops);
    return status;
}

qn_status qni_constraint_vocabulary(qni_constraint_cache *cache, qni_vocabulary **out,
                                    qn_error *err)
{
    pthread_mutex_lock(&cache->lock);
    qn_status status = cache->vocabulary == NULL ? make_vocabulary(cache, err) : QN_OK;
    *out = cache->vocabulary;
    pthread_mutex_unlock(&cache->lock);
    return status;
}

// ---- Tools

static const json_t *function_of(const json_t *tool)
{
    const json_t *function = json_object_get(tool, "function");
    return function != NULL ? function : tool;
}

// The tools' parameters are documents of their own, "quince:tool/N": what they say of dialects and
// references holds inside of them.
static json_t *parameters_of(const json_t *function)
{
    json_t *given = json_object_get(function, "parameters");
    return json_is_object(given) ? json_incref(given) : json_pack("{s:s}", "type", "object");
}

static json_t *documents_of(const json_t *tools)
{
    json_t *documents = json_object();
    size_t i;
    json_t *tool;
    json_array_foreach (tools, i, tool) {
        char uri[48];
        snprintf(uri, sizeof uri, "quince:tool/%zu", i);
        json_object_set_new(documents, uri, parameters_of(function_of(tool)));
    }
    return documents;
}

// One call of tool `i` as JSON.
static json_t *call_schema(const qni_tool_format *format, const char *name, size_t i)
{
    json_t *arguments = json_pack("{s:o}", "$ref", json_sprintf("quince:tool/%zu", i));
    if (format->name_key == NULL) {
        return json_pack("{s:s, s:{s:o}, s:[s], s:b}", "type", "object", "properties", name,
                         arguments, "required", name, "additionalProperties", 0);
    }
    return json_pack("{s:s, s:{s:{s:s}, s:o}, s:[s, s], s:b}", "type", "object", "properties",
                     format->name_key, "const", name, format->arguments_key, arguments, "required",
                     format->name_key, format->arguments_key, "additionalProperties", 0);
}

// {"anyOf": [a call of each tool]}, or of the one that is named.
static qn_status calls_schema(const qni_tool_format *format, const json_t *tools, const char *only,
                              json_t **out, qn_error *err)
{
    json_t *list = json_array();
    size_t i;
    json_t *tool;
    *out = NULL;
    json_array_foreach (tools, i, tool) {
        const json_t *function = function_of(tool);
        const char *name = json_string_value(json_object_get(function, "name"));
        if (name == NULL) {
            json_decref(list);
            return qni_fail(err, QN_INVALID_ARGUMENT, "tools", "tool %zu has no name", i);
        }
        if (only != NULL && strcmp(only, name) != 0) {
            continue;
        }
        json_array_append_new(list, call_schema(format, name, i));
    }
    if (only != NULL && json_array_size(list) == 0) {
        json_decref(list);
        return qni_fail(err, QN_INVALID_ARGUMENT, "tool_choice",
                        "\"%s\" is none of auto, none and required, and no tool has that name",
                        only);
    }
    json_t *one = json_pack("{s:o}", "anyOf", list);
    *out = format->is_list
               ? json_pack("{s:s, s:o, s:i}", "type", "array", "items", one, "minItems", 1)
               : one;
    return *out != NULL ? QN_OK : qni_fail_memory(err);
}

// {"begin", "parts", "end"}: calls of the tools in a format of tags.
static qn_status calls_parts(const qni_tool_format *format, const json_t *tools, const char *only,
                             json_t **out, qn_error *err)
{
    json_t *any = json_array();
    size_t i;
    json_t *tool;
    json_array_foreach (tools, i, tool) {
        const json_t *function = function_of(tool);
        const char *name = json_string_value(json_object_get(function, "name"));
        if (name != NULL && (only == NULL || strcmp(only, name) == 0)) {
            json_t *parameters = parameters_of(function);
            json_array_append_new(any, qni_tagged_call_parts(format, name, i, parameters));
            json_decref(parameters);
        }
    }
    if (json_array_size(any) == 0) {
        json_decref(any);
        return qni_fail(err, QN_INVALID_ARGUMENT, "tool_choice",
                        "\"%s\" is none of auto, none and required, and no tool has that name",
                        only != NULL ? only : "");
    }
    json_t *calls = json_pack("{s:o}", "any", any);
    if (calls != NULL && format->between_calls != NULL) {
        json_object_set_new(calls, "between", json_string(format->between_calls));
    }
    *out = json_pack("{s:s, s:[o], s:s}", "begin", format->begin, "parts", calls, "end",
                     format->end);
    return *out != NULL ? QN_OK : qni_fail_memory(err);
}

// The calls in one form of the format.
static qn_status format_tag(const qni_tool_format *format, const json_t *tools, const char *only,
                            json_t **out, qn_error *err)
{
    if (format->call_open != NULL) {
        return calls_parts(format, tools, only, out, err);
    }
    json_t *schema;
    QNI_TRY(calls_schema(format, tools, only, &schema, err));
    *out = json_pack("{s:s, s:o, s:s}", "begin", format->begin, "schema", schema, "end",
                     format->end);
    return *out != NULL ? QN_OK : qni_fail_memory(err);
}

// What qni_tags_read takes.
qn_status qni_constraint_source(const qni_tool_format *format, const json_t *tools,
                                const char *choice, char **out, qn_error *err)
{
    bool none = strcmp(choice, "none") == 0;
    bool free = none || strcmp(choice, "auto") == 0;
    const char *only = free || strcmp(choice, "required") == 0 ? NULL : choice;
    json_t *list = json_array();
    for (const qni_tool_format *f = format; f != NULL; f = qni_tool_format_also(f)) {
        json_t *tag = NULL;
        qn_status status = format_tag(f, tools, only, &tag, err);
        if (status == QN_OK && json_array_append_new(list, tag) != 0) {
            status = qni_fail_memory(err);
        }
        if (status != QN_OK) {
            json_decref(list);
            return status;
        }
    }
    json_t *tags = json_pack("{s:o, s:b, s:i, s:o}", "tags", list, "free", (int)free, "min",
                             free ? 0 : 1, "documents", documents_of(tools));
    if (none && tags != NULL) {
        json_object_set_new(tags, "max", json_integer(0));
    }
    qn_status status = tags != NULL ? qni_json_print(tags, JSON_COMPACT, out, err)
                                    : qni_fail_memory(err);
    json_decref(tags);
    return status;
}

static kept_engine *find_engine(qni_constraint_cache *cache, const char *source)
{
    for (size_t i = 0; i < cache->n_engines; i++) {
        if (strcmp(cache->engines[i].source, source) == 0) {
            return &cache->engines[i];
        }
    }
    return NULL;
}

// A place for one more: of those that nobody uses, the one unused for longest goes. NULL when all
// are in use.
static kept_engine *free_place(qni_constraint_cache *cache)
{
    kept_engine *oldest = NULL;
    if (cache->n_engines < MAX_ENGINES) {
        return &cache->engines[cache->n_engines++];
    }
    for (size_t i = 0; i < cache->n_engines; i++) {
        kept_engine *kept = &cache->engines[i];
        if (kept->n_users == 0 && (oldest == NULL || kept->used < oldest->used)) {
            oldest = kept;
        }
    }
    if (oldest != NULL) {
        drop_engine(oldest);
    }
    return oldest;
}

static qn_status compile_tools(char *source, qni_engine **out, qn_error *err)
{
    const qni_source from = {.language = QNI_LANGUAGE_TAGS,
                             .text = source,
                             .size = strlen(source),
                             .schema = {.best_effort = true},
                             .json = {.max_spaces = SPACES_IN_A_GAP}};
    return qni_engine_create(&from, out, err);
}

// Takes over `source`.
static qn_status engine_for(qni_constraint_cache *cache, char *source, qni_engine **out,
                            qn_error *err)
{
    kept_engine *kept = find_engine(cache, source);
    if (kept != NULL) {
        qni_free(source);
    } else {
        qni_engine *engine;
        qn_status status = compile_tools(source, &engine, err);
        if (status != QN_OK) {
            qni_free(source);
            return status;
        }
        kept = free_place(cache);
        if (kept == NULL) {
            qni_free(source);
            qni_engine_free(engine);
            return qni_fail(err, QN_LIMIT_EXCEEDED, "tools",
                            "more than %d sets of tools are in use at one time", MAX_ENGINES);
        }
        *kept = (kept_engine){.source = source, .engine = engine};
    }
    kept->used = ++cache->clock;
    kept->n_users++;
    *out = kept->engine;
    return QN_OK;
}

qn_status qni_constraint_tools(qni_constraint_cache *cache, const json_t *tools, const char *choice,
                               qni_engine **out, qn_error *err)
{
    char *source = NULL;
    *out = NULL;
    if (cache->format == NULL) {
        return QN_OK;
    }
    QNI_TRY(qni_constraint_source(cache->format, tools, choice, &source, err));
    pthread_mutex_lock(&cache->lock);
    qn_status status = engine_for(cache, source, out, err);
    pthread_mutex_unlock(&cache->lock);
    return status;
}

void qni_constraint_release(qni_constraint_cache *cache, qni_engine *engine)
{
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; engine != NULL && i < cache->n_engines; i++) {
        cache->engines[i].n_users -= cache->engines[i].engine == engine;
    }
    pthread_mutex_unlock(&cache->lock);
}

// ---- One answer

// Whether the ids stand for just this text: a tokenizer that adds a space, say, gives others.
static bool spells(const qni_tokenizer *tokenizer, const qni_ids *ids, const char *text, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < ids->n; i++) {
        size_t size = 0;
        const char *bytes = qni_tokenizer_token_bytes(tokenizer, ids->ids[i], &size);
        if (bytes == NULL || size > n - at || memcmp(text + at, bytes, size) != 0) {
            return false;
        }
        at += size;
    }
    return at == n;
}

// What the tokenizer itself makes of a completion.
static qn_status spell(void *context, const char *text, size_t n, qni_ids *out, bool *found,
                       qn_error *err)
{
    static const qni_encode_options plain = {};
    const qni_tokenizer *tokenizer = context;
    QNI_TRY(qni_tokenizer_encode(tokenizer, text, n, &plain, out, err));
    *found = spells(tokenizer, out, text, n);
    return QN_OK;
}

qn_status qni_constraint_begin(qni_constraint *c, qni_constraint_cache *cache, qni_engine *engine,
                               qn_error *err)
{
    qni_vocabulary *vocabulary;
    memset(c, 0, sizeof *c);
    c->tokenizer = cache->tokenizer;
    c->steering.spell = spell;
    memcpy(&c->steering.context, &cache->tokenizer, sizeof c->steering.context);
    QNI_TRY(qni_constraint_vocabulary(cache, &vocabulary, err));
    if (!engine->satisfiable) {
        return qni_fail(err, QN_INVALID_ARGUMENT, "grammar",
                        "no text at all is valid under this grammar");
    }
    c->mask = qni_alloc_array(vocabulary->n_words + 1, sizeof *c->mask);
    if (c->mask == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = qni_matcher_begin(&c->matcher, engine, vocabulary, err);
    if (status != QN_OK) {
        qni_free(c->mask);
        c->mask = NULL;
    }
    return status;
}

void qni_constraint_end(qni_constraint *c)
{
    if (c->mask != NULL) {
        qni_matcher_end(&c->matcher);
        qni_free(c->mask);
        c->mask = NULL;
    }
    qni_steering_end(&c->steering);
}

qn_status qni_constraint_mask(qni_constraint *c, const uint32_t **mask, qn_error *err)
{
    *mask = NULL;
    QNI_TRY(qni_matcher_mask(&c->matcher, c->mask, err));
    for (uint32_t i = 0; i < c->matcher.vocabulary->n_words; i++) {
        if (c->mask[i] != 0) {
            *mask = c->mask;
            return QN_OK;
        }
    }
    bool can_end;
    QNI_TRY(qni_matcher_can_end(&c->matcher, &can_end, err));
    return can_end ? QN_OK
                   : qni_fail(err, QN_UNSUPPORTED, "grammar",
                              "the model has no token for what must come next");
}
