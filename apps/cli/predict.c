// quince predict: one prediction.
#include "cli.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince predict MODEL --in FILE --out FILE [options]\n"
    "\n"
    "Runs a function of a model once. FILEs are safetensors; inputs and outputs go by their "
    "names.\n"
    "\n"
    "  --in FILE          the inputs\n"
    "  --out FILE         where the outputs go\n"
    "  --function NAME    the function; without it the model's default\n"
    "  --prefix TEXT      read the inputs TEXT<name> of FILE\n"
    "  --state FILE       the states before the run (all zero without it)\n"
    "  --state-out FILE   where the states go after it\n"
    "  --steps N          run N times, the states going on\n"
    "  --threads N        0, the default: as many as processors\n"
    "  --plan             print the plan that was run\n"
    "  --profile          print what each operation cost\n"
    "\n"
    "Operations whose results left the range of their type although their inputs were in it are "
    "named.\n"
    "\n"
    "  quince predict model.mlpackage --in in.safetensors --out out.safetensors\n";

typedef struct options {
    const char *model, *in, *out, *function, *prefix, *state, *state_out;
    int64_t steps, threads;
    bool plan, profile;
} options;

static int parse(int argc, char **argv, options *o)
{
    static const struct option longs[] = {
        {"in", 1, NULL, 'i'},      {"out", 1, NULL, 'o'},     {"function", 1, NULL, 'f'},
        {"prefix", 1, NULL, 'p'},  {"state", 1, NULL, 's'},   {"state-out", 1, NULL, 'S'},
        {"steps", 1, NULL, 'n'},   {"threads", 1, NULL, 't'}, {"plan", 0, NULL, 'P'},
        {"profile", 0, NULL, 'T'}, {"help", 0, NULL, 'h'},    {NULL, 0, NULL, 0}};
    *o = (options){.prefix = "", .steps = 1};
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 'i': o->in = optarg; break;
        case 'o': o->out = optarg; break;
        case 'f': o->function = optarg; break;
        case 'p': o->prefix = optarg; break;
        case 's': o->state = optarg; break;
        case 'S': o->state_out = optarg; break;
        case 'n': good &= cli_int("--steps", optarg, 1, INT64_MAX, &o->steps); break;
        case 't': good &= cli_int("--threads", optarg, 0, CLI_MAX_THREADS, &o->threads); break;
        case 'P': o->plan = true; break;
        case 'T': o->profile = true; break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    o->model = optind < argc ? argv[optind] : NULL;
    if (!good) {
        return CLI_BAD_USE;
    }
    return o->model == NULL || o->in == NULL || o->out == NULL || optind + 1 != argc
               ? cli_usage(usage)
               : -1;
}

static qn_status give_inputs(qn_context *c, const qni_safetensors *file, const char *prefix,
                             qn_error *err)
{
    size_t n = strlen(prefix);
    for (size_t i = 0; i < qni_safetensors_count(file); i++) {
        const qni_named_tensor *t = qni_safetensors_at(file, i);
        if (strncmp(t->name, prefix, n) == 0) {
            qn_tensor tensor = cli_tensor(&t->tensor);
            QNI_TRY(qn_context_set_input(c, t->name + n, &tensor, err));
        }
    }
    return QN_OK;
}

static qn_status read_state(qn_state *state, const char *path, qn_error *err)
{
    qni_safetensors *file;
    QNI_TRY(qni_safetensors_open(path, &file, err));
    qn_status status = QN_OK;
    for (size_t i = 0; i < qni_safetensors_count(file) && status == QN_OK; i++) {
        const qni_named_tensor *t = qni_safetensors_at(file, i);
        qn_tensor tensor = cli_tensor(&t->tensor);
        status = qn_state_write(state, t->name, &tensor, err);
    }
    qni_safetensors_close(file);
    return status;
}

static qni_tensor inner_tensor(const qn_tensor *t)
{
    return qni_tensor_make(qni_dtype_from_name(qn_dtype_name(t->dtype)), t->rank, t->dims, t->data);
}

static size_t function_number(const qn_model *m, const char *name)
{
    size_t i = 0;
    while (name != NULL && i < qn_model_n_functions(m) &&
           strcmp(qn_model_function_name(m, i), name) != 0) {
        i++;
    }
    return i;
}

static qn_status write_outputs(const qn_model *m, const qn_context *c, const options *o,
                               qn_error *err)
{
    qni_named_tensor outs[256];
    size_t n = 0;
    qn_feature f;
    size_t function = function_number(m, o->function);
    for (; n < 256 && qn_model_output(m, function, n, &f); n++) {
        outs[n].name = f.name;
        outs[n].tensor = inner_tensor(qn_context_output(c, f.name));
    }
    return qni_safetensors_write(o->out, outs, n, err);
}

static qn_status write_states(const qn_model *m, qn_state *state, const options *o, qn_error *err)
{
    qni_named_tensor outs[256];
    size_t n = 0;
    qn_feature f;
    qn_status status = QN_OK;
    size_t function = function_number(m, o->function);
    for (; n < 256 && status == QN_OK && qn_model_state(m, function, n, &f); n++) {
        qn_tensor t = qn_tensor_make(f.dtype, f.rank, f.shape, NULL);
        t.data = qni_alloc_aligned((size_t)qn_tensor_count(&t) * qn_dtype_bytes(f.dtype) + 1);
        outs[n].name = f.name;
        outs[n].tensor = inner_tensor(&t);
        status = t.data != NULL ? qn_state_read(state, f.name, &t, err) : qni_fail_memory(err);
    }
    if (status == QN_OK) {
        status = qni_safetensors_write(o->state_out, outs, n, err);
    }
    for (size_t i = 0; i < n; i++) {
        qni_free_aligned(outs[i].tensor.data);
    }
    return status;
}

static void report(qn_context *c, const options *o)
{
    enum { MAX_ROWS = 100000 };
    qn_overflow *rows = calloc(MAX_ROWS, sizeof *rows);
    size_t n = rows != NULL ? qn_context_overflows(c, rows, MAX_ROWS) : 0;
    for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
        fprintf(stderr, "overflow: %s \"%s\": %llu elements left the range of their type\n",
                rows[i].op, rows[i].operation, (unsigned long long)rows[i].elements);
    }
    free(rows);
    if (o->plan) {
        char *text;
        if (qn_context_plan(c, &text, NULL) == QN_OK) {
            fputs(text, stdout);
            qn_free(text);
        }
    }
    qn_profile_row *profile = o->profile ? calloc(MAX_ROWS, sizeof *profile) : NULL;
    n = profile != NULL ? qn_context_profile_rows(c, profile, MAX_ROWS) : 0;
    for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
        printf("%10llu us %6llu calls  %-28s %-34s %s\n", (unsigned long long)profile[i].us,
               (unsigned long long)profile[i].calls, profile[i].op, profile[i].kernel,
               profile[i].operation);
    }
    free(profile);
}

static qn_status run(const qn_model *m, qn_context *c, qn_state *state, const options *o,
                     qn_error *err)
{
    qni_safetensors *file;
    QNI_TRY(qni_safetensors_open(o->in, &file, err));
    qn_status status = give_inputs(c, file, o->prefix, err);
    if (status == QN_OK && o->state != NULL) {
        status = read_state(state, o->state, err);
    }
    qn_context_watch(c, true);
    qn_context_profile(c, o->profile);
    for (int64_t i = 0; i < o->steps && status == QN_OK; i++) {
        status = qn_context_run(c, state, err);
    }
    qni_safetensors_close(file);
    QNI_TRY(status);
    QNI_TRY(write_outputs(m, c, o, err));
    return o->state_out != NULL ? write_states(m, state, o, err) : QN_OK;
}

int cmd_predict(int argc, char **argv)
{
    options o;
    int done = parse(argc, argv, &o);
    if (done >= 0) {
        return done;
    }
    qn_error err;
    qn_model *model = NULL;
    qn_context *context = NULL;
    qn_state *state = NULL;
    qn_model_options model_options = {.n_threads = (size_t)o.threads};
    qn_status status = qn_model_open(o.model, &model_options, &model, &err);
    if (status == QN_OK) {
        status = qn_context_create(model, o.function, &context, &err);
    }
    qn_feature f;
    if (status == QN_OK && qn_model_state(model, function_number(model, o.function), 0, &f)) {
        status = qn_state_create(model, o.function, &state, &err);
    }
    if (status == QN_OK) {
        status = run(model, context, state, &o, &err);
    }
    if (status == QN_OK) {
        report(context, &o);
    }
    qn_state_free(state);
    qn_context_free(context);
    qn_model_close(model);
    return status == QN_OK ? CLI_OK : cli_fail("predict", &err);
}
