#include "ops/cases.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/names.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 64 };

typedef struct case_reader {
    const char *at;
    const char *whole;
    const qni_op_def *def;
    qni_case *out;
    qni_function *function;
    uint64_t random;
    qn_error *err;
} case_reader;

typedef struct case_args {
    qni_named_arg args[MAX_ARGS];
    size_t n_args;
    qni_value *values[MAX_ARGS];
    size_t n_values;
} case_args;

static qn_status bad(const case_reader *r, const char *wanted)
{
    return qni_fail(r->err, QN_INVALID_ARGUMENT, r->def->name,
                    "case \"%s\": expected %s at \"%.24s\"", r->whole, wanted, r->at);
}

static void skip(case_reader *r)
{
    while (isspace((unsigned char)*r->at)) {
        r->at++;
    }
}

static bool take(case_reader *r, const char *text)
{
    skip(r);
    size_t n = strlen(text);
    if (strncmp(r->at, text, n) != 0) {
        return false;
    }
    r->at += n;
    return true;
}

static size_t word_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_') {
        n++;
    }
    return n;
}

// splitmix64: even numbers from a seed, the same everywhere.
static double draw(case_reader *r)
{
    uint64_t z = r->random += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static bool read_number(case_reader *r, double *out)
{
    skip(r);
    char text[40]; // cut before "..", whose first dot strtod would take
    size_t n = 0;
    while (n + 1 < sizeof text && r->at[n] != '\0' && strncmp(r->at + n, "..", 2) != 0) {
        text[n] = r->at[n];
        n++;
    }
    text[n] = '\0';
    char *end;
    *out = strtod(text, &end);
    r->at += end - text;
    return end != text;
}

// ---- Tensors

static qn_status read_dims(case_reader *r, int32_t *rank, int64_t *dims)
{
    *rank = 0;
    if (!take(r, "[")) {
        return QN_OK;
    }
    while (!take(r, "]")) {
        double v;
        if (*rank == QNI_MAX_RANK || !read_number(r, &v) || v < 0) {
            return bad(r, "a dimension");
        }
        dims[(*rank)++] = (int64_t)v;
        take(r, ",");
    }
    return QN_OK;
}

static qn_status make_tensor(case_reader *r, qni_dtype dtype, int32_t rank, const int64_t *dims,
                             qni_tensor *out)
{
    *out = qni_tensor_make(dtype, rank, dims, NULL);
    out->data = qni_arena_alloc(&r->out->program->arena, qni_tensor_bytes(out) + 1);
    return out->data != NULL ? QN_OK : qni_fail_memory(r->err);
}

static void set_element(const qni_tensor *t, int64_t i, double v)
{
    if (qni_dtype_is_float(t->dtype)) {
        qni_tensor_set(t, i, v);
    } else {
        qni_tensor_set_int(t, i, (int64_t)v);
    }
}

static qn_status fill_listed(case_reader *r, const qni_tensor *t)
{
    for (int64_t i = 0, n = qni_tensor_count(t); i < n; i++) {
        if (i > 0) {
            take(r, ",");
        }
        double v;
        skip(r);
        if (take(r, "true") || take(r, "false")) {
            v = r->at[-2] == 'u';
        } else if (!read_number(r, &v)) {
            return bad(r, "an element");
        }
        set_element(t, i, v);
    }
    return take(r, ")") ? QN_OK : bad(r, "')' after as many elements as the shape has");
}

static qn_status fill_random(case_reader *r, const qni_tensor *t)
{
    double lo = qni_dtype_is_signed(t->dtype) || qni_dtype_is_float(t->dtype) ? -1 : 0;
    double hi = 1;
    if (!qni_dtype_is_float(t->dtype) && t->dtype != QNI_BOOL) {
        hi = 3;
    }
    if (take(r, "{")) {
        if (!read_number(r, &lo) || !take(r, "..") || !read_number(r, &hi) || !take(r, "}")) {
            return bad(r, "{lo..hi}");
        }
    }
    for (int64_t i = 0, n = qni_tensor_count(t); i < n; i++) {
        double u = draw(r);
        set_element(t, i,
                    qni_dtype_is_float(t->dtype) ? lo + u * (hi - lo)
                                                 : floor(lo + u * (hi - lo + 1)));
    }
    return QN_OK;
}

static qn_status read_tensor(case_reader *r, qni_dtype dtype, qni_tensor *out)
{
    int32_t rank;
    int64_t dims[QNI_MAX_RANK];
    QNI_TRY(read_dims(r, &rank, dims));
    QNI_TRY(make_tensor(r, dtype, rank, dims, out));
    return take(r, "(") ? fill_listed(r, out) : fill_random(r, out);
}

// ---- Literals of parameters

static qni_dtype literal_dtype(case_reader *r, const qni_param *param, const case_args *args)
{
    for (size_t i = 0; param->domain != 0 && i < args->n_args; i++) {
        for (size_t p = 0; p < r->def->n_params; p++) {
            if (r->def->params[p].domain == param->domain &&
                strcmp(r->def->params[p].name, args->args[i].name) == 0) {
                return args->args[i].values[0]->type.dtype;
            }
        }
    }
    skip(r);
    char c = r->at[0] == '[' ? r->at[1] : r->at[0];
    if (c == '"') {
        return QNI_STRING;
    }
    if ((c == 't' || c == 'f') && (param->dtypes & QNI_DT(BOOL)) != 0) {
        return QNI_BOOL;
    }
    static const qni_dtype order[] = {QNI_I32, QNI_F32, QNI_F16, QNI_U8, QNI_I8, QNI_BOOL};
    size_t length = strcspn(r->at, ";)]");
    bool fraction = memchr(r->at, '.', length) != NULL || memchr(r->at, 'e', length) != NULL;
    for (size_t i = fraction ? 1 : 0; i < sizeof order / sizeof *order; i++) {
        if ((param->dtypes >> order[i] & 1) != 0) {
            return order[i];
        }
    }
    return QNI_I32;
}

static qn_status read_text(case_reader *r, const qni_tensor *t, int64_t i)
{
    const char *end = take(r, "\"") ? strchr(r->at, '"') : NULL;
    if (end == NULL) {
        return bad(r, "a string in quotes");
    }
    char *text = qni_arena_strndup(&r->out->program->arena, r->at, (size_t)(end - r->at));
    ((const char **)t->data)[i] = text;
    r->at = end + 1;
    return text != NULL ? QN_OK : qni_fail_memory(r->err);
}

static qn_status read_literal(case_reader *r, qni_dtype dtype, qni_tensor *out)
{
    bool is_list = take(r, "[");
    int64_t n = is_list ? 0 : 1;
    if (is_list) {
        const char *end = strchr(r->at, ']');
        bool any = end != NULL && strspn(r->at, " ") < (size_t)(end - r->at);
        for (const char *p = r->at; any && p < end; p++) {
            n += *p == ',';
        }
        n += any;
    }
    QNI_TRY(make_tensor(r, dtype, is_list, &n, out));
    for (int64_t i = 0; i < n; i++) {
        double v = 0;
        if (i > 0 && !take(r, ",")) {
            return bad(r, "','");
        }
        if (dtype == QNI_STRING) {
            QNI_TRY(read_text(r, out, i));
            continue;
        }
        if (take(r, "true")) {
            v = 1;
        } else if (!take(r, "false") && !read_number(r, &v)) {
            return bad(r, "a number, true or false");
        }
        set_element(out, i, v);
    }
    return !is_list || take(r, "]") ? QN_OK : bad(r, "']'");
}

// ---- Arguments

static qn_status add_value(case_reader *r, case_args *args, const qni_param *param,
                           const qni_tensor *t, bool is_constant)
{
    if (args->n_values == MAX_ARGS || r->out->n_inputs == MAX_ARGS) {
        return bad(r, "fewer values");
    }
    char name[80];
    snprintf(name, sizeof name, "%.60s_%zu", param->name, args->n_values);
    qni_value **value = &args->values[args->n_values++];
    if (is_constant) {
        return qni_function_add_constant(r->function, name, t, value, r->err);
    }
    qni_type type = {.dtype = t->dtype, .rank = t->rank};
    for (int32_t d = 0; d < t->rank; d++) {
        type.dims[d] = qni_dim_of(t->dims[d]);
    }
    type.is_state = (param->flags & QNI_STATE) != 0;
    r->out->inputs[r->out->n_inputs++] = *t;
    return qni_block_add_input(r->function->body, name, &type, value, r->err);
}

static qn_status read_value(case_reader *r, case_args *args, const qni_param *param)
{
    bool is_constant = take(r, "const ") || (param->flags & (QNI_CONST | QNI_WEIGHT)) != 0;
    skip(r);
    char word[16];
    size_t n = word_length(r->at);
    snprintf(word, sizeof word, "%.*s", (int)(n < 15 ? n : 15), r->at);
    qni_dtype dtype = qni_dtype_from_name(word);
    qni_tensor t;
    if (dtype != QNI_NO_DTYPE) {
        r->at += n;
        QNI_TRY(read_tensor(r, dtype, &t));
    } else {
        QNI_TRY(read_literal(r, literal_dtype(r, param, args), &t));
        is_constant = true;
    }
    return add_value(r, args, param, &t, is_constant);
}

static qn_status read_arg(case_reader *r, case_args *args)
{
    skip(r);
    size_t n = word_length(r->at);
    const qni_param *param = NULL;
    for (size_t p = 0; p < r->def->n_params; p++) {
        if (strlen(r->def->params[p].name) == n && strncmp(r->def->params[p].name, r->at, n) == 0) {
            param = &r->def->params[p];
        }
    }
    if (param == NULL || args->n_args == MAX_ARGS) {
        return bad(r, "a parameter's name");
    }
    r->at += n;
    if (!take(r, "=")) {
        return bad(r, "'='");
    }
    size_t first = args->n_values;
    if ((param->flags & QNI_VARIADIC) != 0 && take(r, "(")) {
        do {
            QNI_TRY(read_value(r, args, param));
        } while (take(r, ","));
        if (!take(r, ")")) {
            return bad(r, "')'");
        }
    } else {
        QNI_TRY(read_value(r, args, param));
    }
    qni_named_arg *arg = &args->args[args->n_args++];
    arg->name = param->name;
    arg->values = &args->values[first];
    arg->n = args->n_values - first;
    return QN_OK;
}

// ---- The whole

static int32_t read_opset(case_reader *r)
{
    for (int32_t opset = QNI_IOS15; opset <= QNI_IOS26; opset++) {
        const char *start = r->at;
        if (take(r, qni_opset_name(opset)) && take(r, ":")) {
            return opset;
        }
        r->at = start;
    }
    return r->def->opset;
}

static qn_status read_expected(case_reader *r)
{
    while (*r->at != '\0' && !take(r, "~")) {
        skip(r);
        char word[16];
        size_t n = word_length(r->at);
        snprintf(word, sizeof word, "%.*s", (int)(n < 15 ? n : 15), r->at);
        qni_dtype dtype = qni_dtype_from_name(word);
        if (dtype == QNI_NO_DTYPE || r->out->n_expected == 16) {
            return bad(r, "a tensor by elements");
        }
        r->at += n;
        QNI_TRY(read_tensor(r, dtype, &r->out->expected[r->out->n_expected++]));
        take(r, ";");
        skip(r);
        if (r->at > r->whole && r->at[0] == '~') {
            r->at++;
            return read_number(r, &r->out->tolerance) ? QN_OK : bad(r, "a tolerance");
        }
    }
    return QN_OK;
}

static qn_status add_the_op(case_reader *r, const case_args *args)
{
    int32_t n_outs = r->def->n_outs;
    if (n_outs < 0) {
        n_outs = r->out->n_expected != 0 ? (int32_t)r->out->n_expected : 2;
    }
    const char *names[16];
    char texts[16][16];
    for (int32_t i = 0; i < n_outs; i++) {
        snprintf(texts[i], sizeof texts[i], "out_%d", (int)i);
        names[i] = texts[i];
    }
    qni_op_spec spec = {.def = r->def,
                        .name = r->def->name,
                        .args = args->args,
                        .n_args = args->n_args,
                        .out_names = names,
                        .n_outs = (size_t)n_outs};
    qni_op *op;
    QNI_TRY(qni_block_add_op(r->function->body, &spec, &op, r->err));
    return qni_block_set_outputs(r->function->body, op->outs, op->n_outs, r->err);
}

static qn_status read_case(case_reader *r)
{
    int32_t opset = read_opset(r);
    QNI_TRY(qni_function_create(r->out->program, "main", opset, &r->function, r->err));
    case_args args = {.n_args = 0};
    do {
        QNI_TRY(read_arg(r, &args));
    } while (take(r, ";"));
    if (take(r, "->")) {
        QNI_TRY(read_expected(r));
    }
    skip(r);
    if (*r->at != '\0') {
        return bad(r, "';', \" -> \" or the end");
    }
    return add_the_op(r, &args);
}

qn_status qni_case_read(const qni_op_def *def, const char *text, qni_case *out, qn_error *err)
{
    memset(out, 0, sizeof *out);
    QNI_TRY(qni_program_create(&out->program, err));
    case_reader r = {.at = text, .whole = text, .def = def, .out = out, .err = err};
    r.random = qni_hash_bytes(text, strlen(text));
    qn_status status = read_case(&r);
    if (status != QN_OK) {
        qni_program_free(out->program);
        memset(out, 0, sizeof *out);
    }
    return status;
}
