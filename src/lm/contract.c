#include "lm/contract.h"

#include "base/alloc.h"
#include "base/json.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef enum role_kind { INPUT, OUTPUT, STATE } role_kind;

// What a contract wants of one feature. Its number goes to the field at `offset` of qni_contract.
typedef struct role {
    role_kind kind;
    const char *name; // in lower case without underscores
    int32_t rank;
    int offset; // -1: found, but not needed by number
} role;

typedef struct contract_row {
    const char *name;
    const role *roles;
    size_t n_roles;
    // Checks what names cannot tell and fills the sizes. False: does not fit.
    bool (*measure)(const qni_signature *f, qni_contract *c);
} contract_row;

#define AT(field) (int)offsetof(qni_contract, field)

// ---- The stateful contract of Apple's Llama article and of Hugging Face's exports that follow it:
// the model derives past = end - q from the shapes, writes its caches at [past, end) and attends
// [0, end).

static const role stateful_roles[] = {
    {INPUT, "inputids", 2, AT(input_ids)},
    {INPUT, "causalmask", 4, AT(causal_mask)},
    {STATE, "keycache", 5, -1},
    {STATE, "valuecache", 5, -1},
    {OUTPUT, "logits", 3, AT(logits)},
};

// The largest size that a dimension of an input may have.
static int64_t largest(const qni_feature *f, int32_t axis)
{
    int64_t most = f->is_range ? f->hi[axis] : f->shape.dims[axis];
    for (size_t i = 0; i < f->n_choices; i++) {
        most = f->choices[i].dims[axis] > most ? f->choices[i].dims[axis] : most;
    }
    return most;
}

static int64_t smallest(const qni_feature *f, int32_t axis)
{
    int64_t least = f->is_range ? f->lo[axis] : f->shape.dims[axis];
    for (size_t i = 0; i < f->n_choices; i++) {
        least = f->choices[i].dims[axis] < least ? f->choices[i].dims[axis] : least;
    }
    return least;
}

static bool measure_stateful(const qni_signature *f, qni_contract *c)
{
    const qni_feature *ids = &f->inputs[c->input_ids];
    const qni_feature *mask = &f->inputs[c->causal_mask];
    int64_t context = INT64_MAX;
    for (size_t i = 0; i < f->n_states; i++) { // [layers, 1, heads, context, head size]
        int64_t positions = f->states[i].shape.dims[3];
        context = positions < context ? positions : context;
    }
    int64_t end = largest(mask, 3);
    c->context = end > 0 && end < context ? end : context;
    c->min_query = smallest(ids, 1);
    c->max_query = largest(ids, 1);
    if (c->max_query < 0 || c->max_query > c->context) {
        c->max_query = c->context;
    }
    c->vocabulary = f->outputs[c->logits].shape.rank == 3 ? f->outputs[c->logits].shape.dims[2] : 0;
    return c->min_query <= 1;
}

static const contract_row contracts[] = {
    {"stateful", stateful_roles, sizeof stateful_roles / sizeof *stateful_roles, measure_stateful},
};

// ---- Matching

static bool same_name(const char *feature, const char *wanted)
{
    for (; *feature != '\0'; feature++) {
        if (*feature == '_') {
            continue;
        }
        if (tolower((unsigned char)*feature) != *wanted++) {
            return false;
        }
    }
    return *wanted == '\0';
}

static int find_feature(const qni_signature *f, const role *r)
{
    const qni_feature *features = r->kind == INPUT    ? f->inputs
                                  : r->kind == OUTPUT ? f->outputs
                                                      : f->states;
    size_t n = r->kind == INPUT ? f->n_inputs : r->kind == OUTPUT ? f->n_outputs : f->n_states;
    for (size_t i = 0; i < n; i++) {
        // Outputs may have no shape in the description.
        bool rank_fits = features[i].shape.rank == r->rank ||
                         (r->kind == OUTPUT && features[i].shape.rank == 0);
        if (same_name(features[i].name, r->name) && rank_fits) {
            return (int)i;
        }
    }
    return QNI_NO_FEATURE;
}

static bool fits(const contract_row *row, const qni_signature *f, qni_contract *c)
{
    size_t n_inputs = 0;
    for (size_t i = 0; i < row->n_roles; i++) {
        int found = find_feature(f, &row->roles[i]);
        if (found == QNI_NO_FEATURE) {
            return false;
        }
        n_inputs += row->roles[i].kind == INPUT;
        if (row->roles[i].offset >= 0) {
            memcpy((char *)c + row->roles[i].offset, &found, sizeof found);
        }
    }
    // An input that the contract does not know could not be given.
    return n_inputs == f->n_inputs && row->measure(f, c);
}

static void list_features(char *text, size_t size, const qni_feature *features, size_t n)
{
    size_t used = strlen(text);
    for (size_t i = 0; i < n && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                 features[i].name);
    }
}

qn_status qni_contract_find(const qni_model_info *info, qni_contract *out, qn_error *err)
{
    for (size_t i = 0; i < info->n_functions; i++) {
        for (size_t j = 0; j < sizeof contracts / sizeof *contracts; j++) {
            memset(out, 0, sizeof *out);
            out->name = contracts[j].name;
            out->function = i;
            if (fits(&contracts[j], &info->functions[i], out)) {
                return QN_OK;
            }
        }
    }
    char have[300] = "";
    if (info->n_functions != 0) {
        const qni_signature *f = &info->functions[0];
        list_features(have, sizeof have, f->inputs, f->n_inputs);
        list_features(have, sizeof have, f->states, f->n_states);
        list_features(have, sizeof have, f->outputs, f->n_outputs);
    }
    return qni_fail(err, QN_UNSUPPORTED, info->path,
                    "not a language model of a known contract: wanted are inputIds, causalMask, "
                    "keyCache, valueCache and logits; the model has %s",
                    have);
}

// ---- Explaining

static json_t *explain_role(const qni_signature *f, const role *r)
{
    static const char *const kinds[] = {"input", "output", "state"};
    int found = find_feature(f, r);
    const qni_feature *features = r->kind == INPUT    ? f->inputs
                                  : r->kind == OUTPUT ? f->outputs
                                                      : f->states;
    char shape[300] = "";
    if (found != QNI_NO_FEATURE) {
        qni_feature_describe(&features[found], shape, sizeof shape);
    }
    return json_pack("{s:s, s:s, s:s?, s:s}", "role", r->name, "kind", kinds[r->kind], "feature",
                     found != QNI_NO_FEATURE ? features[found].name : NULL, "type", shape);
}

static json_t *explain(const qni_model_info *info, const qni_contract *c)
{
    const qni_signature *f = &info->functions[c->function];
    const contract_row *row = contracts;
    while (strcmp(row->name, c->name) != 0) {
        row++;
    }
    json_t *roles = json_array();
    for (size_t i = 0; i < row->n_roles; i++) {
        json_array_append_new(roles, explain_role(f, &row->roles[i]));
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "contract", c->name, "function", f->name,
                     "context", (json_int_t)c->context, "vocabulary", (json_int_t)c->vocabulary,
                     "max_query", (json_int_t)c->max_query, "why", roles);
}

qn_status qni_contract_explain(const qni_model_info *info, const qni_contract *c, qni_buf *out,
                               qn_error *err)
{
    json_t *json = explain(info, c);
    char *text = NULL;
    qn_status status = json != NULL ? qni_json_print(json, JSON_COMPACT, &text, err)
                                    : qni_fail_memory(err);
    json_decref(json);
    if (status == QN_OK) {
        status = qni_buf_add_text(out, text, err);
    }
    qni_free(text);
    return status;
}
