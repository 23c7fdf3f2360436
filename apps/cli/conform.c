// quince conform: runs conformance cases: folders with a model, tensors to feed and to expect, and
// tolerances.
#include "cli.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince conform DIR [-v] [--filter TEXT]\n"
    "\n"
    "Runs every case below DIR: a folder with model.mlmodel (or a .mlpackage), io.safetensors "
    "(in.<name> to feed,\n"
    "out.<name> to expect; io-1.safetensors ... are further steps on one state) and case.json "
    "(atol, rtol,\n"
    "allow_mismatch_ratio). A line for each failure, the totals last. Cases with operations that "
    "are not supported\n"
    "are skipped; -v names them. Exit status 1 when a case fails.\n"
    "\n"
    "  --filter TEXT   only cases whose test name or folder has TEXT in it\n"
    "\n"
    "  quince conform conformance/\n";

typedef struct tolerance {
    double atol, rtol, allowed_ratio;
} tolerance;

typedef struct totals {
    size_t passed, failed, skipped;
    bool verbose;
    const char *filter;
} totals;

typedef struct conform_case {
    char *folder, *model;
    json_t *info;
    const char *test;
} conform_case;

// ---- Comparing

static bool is_close(double got, double want, const tolerance *t)
{
    if (isnan(want) || isinf(want)) {
        return isnan(want) ? isnan(got) : got == want;
    }
    return fabs(got - want) <= t->atol + t->rtol * fabs(want);
}

static qn_status compare(const char *name, const qn_tensor *got, const qni_tensor *want,
                         const tolerance *t, qn_error *err)
{
    int64_t n = qni_tensor_count(want);
    if (got == NULL || qn_tensor_count(got) != n) {
        return qni_fail(err, QN_INTERNAL, name, "\"%s\" has %lld elements; %lld are expected", name,
                        got != NULL ? (long long)qn_tensor_count(got) : -1LL, (long long)n);
    }
    qni_tensor have = qni_tensor_make(qni_dtype_from_name(qn_dtype_name(got->dtype)), got->rank,
                                      got->dims, got->data);
    int64_t wrong = 0;
    int64_t first = 0;
    for (int64_t i = n - 1; i >= 0; i--) {
        if (!is_close(qni_tensor_get(&have, i), qni_tensor_get(want, i), t)) {
            wrong++;
            first = i;
        }
    }
    if ((double)wrong <= t->allowed_ratio * (double)n) {
        return QN_OK;
    }
    return qni_fail(err, QN_INTERNAL, name,
                    "%lld of %lld elements of \"%s\" differ; [%lld] is %g, not %g",
                    (long long)wrong, (long long)n, name, (long long)first,
                    qni_tensor_get(&have, first), qni_tensor_get(want, first));
}

// ---- Running

static qn_status run_step(qn_context *c, qn_state *state, const qni_safetensors *io,
                          const tolerance *t, qn_error *err)
{
    qn_context_clear_inputs(c);
    for (size_t i = 0; i < qni_safetensors_count(io); i++) {
        const qni_named_tensor *item = qni_safetensors_at(io, i);
        if (strncmp(item->name, "in.", 3) == 0) {
            qn_tensor tensor = cli_tensor(&item->tensor);
            QNI_TRY(qn_context_set_input(c, item->name + 3, &tensor, err));
        }
    }
    QNI_TRY(qn_context_run(c, state, err));
    for (size_t i = 0; i < qni_safetensors_count(io); i++) {
        const qni_named_tensor *item = qni_safetensors_at(io, i);
        if (strncmp(item->name, "out.", 4) == 0) {
            const char *name = item->name + 4;
            QNI_TRY(compare(name, qn_context_output(c, name), &item->tensor, t, err));
        }
    }
    return QN_OK;
}

static qn_status run_file(qn_context *c, qn_state *state, const conform_case *k, size_t step,
                          const tolerance *t, bool *there, qn_error *err)
{
    char name[40];
    snprintf(name, sizeof name, step == 0 ? "io.safetensors" : "io-%zu.safetensors", step);
    char *path = qni_path_join(k->folder, name);
    if (path == NULL) {
        return qni_fail_memory(err);
    }
    *there = qni_file_exists(path);
    qni_safetensors *io = NULL;
    qn_status status = QN_OK;
    if (*there) {
        status = qni_safetensors_open(path, &io, err);
    } else if (step == 0) {
        status = qni_fail(err, QN_IO, path, "no io.safetensors");
    }
    if (status == QN_OK && *there) {
        status = run_step(c, state, io, t, err);
    }
    qni_safetensors_close(io);
    qni_free(path);
    return status;
}

static qn_status run_steps(qn_model *m, const conform_case *k, const tolerance *t, qn_error *err)
{
    qn_context *c = NULL;
    qn_state *state = NULL;
    qn_feature f;
    qn_status status = qn_context_create(m, NULL, &c, err);
    if (status == QN_OK && qn_model_state(m, 0, 0, &f)) {
        status = qn_state_create(m, NULL, &state, err);
    }
    bool there = true;
    for (size_t step = 0; there && status == QN_OK; step++) {
        status = run_file(c, state, k, step, t, &there, err);
    }
    qn_state_free(state);
    qn_context_free(c);
    return status;
}

static double number(const json_t *info, const char *key)
{
    return json_number_value(json_object_get(info, key));
}

static qn_status run_model(const conform_case *k, qn_error *err)
{
    const tolerance t = {number(k->info, "atol"), number(k->info, "rtol"),
                         number(k->info, "allow_mismatch_ratio")};
    qn_model *m = NULL;
    qn_model_options options = {.n_threads = 1};
    QNI_TRY(qn_model_open(k->model, &options, &m, err));
    qn_status status = run_steps(m, k, &t, err);
    qn_model_close(m);
    return status;
}

// The operations of the model that are not supported, as text; empty when there are none.
static qn_status list_unsupported(const char *model, char *text, size_t size, qn_error *err)
{
    char *description = NULL;
    text[0] = '\0';
    QNI_TRY(qn_model_describe(model, &description, err));
    json_t *tree = json_loads(description, 0, NULL);
    qn_free(description);
    const json_t *list = json_object_get(tree, "unsupported");
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ",
                 json_string_value(json_object_get(json_array_get(list, i), "operation")));
    }
    json_decref(tree);
    return QN_OK;
}

static void run_case(const conform_case *k, totals *sum)
{
    qn_error err = {0};
    char missing[256];
    qn_status status = list_unsupported(k->model, missing, sizeof missing, &err);
    if (status == QN_OK && missing[0] != '\0') {
        sum->skipped++;
        if (sum->verbose) {
            printf("SKIP %s: not supported: %s\n", k->test, missing);
        }
        return;
    }
    if (status == QN_OK) {
        status = run_model(k, &err);
    }
    if (status == QN_OK) {
        sum->passed++;
        return;
    }
    sum->failed++;
    printf("FAIL %s [%s]: %s: %s: %s\n", k->test, k->folder, qn_status_name(err.status), err.where,
           err.message);
}

// ---- Finding cases

static void try_case(const char *folder, totals *sum)
{
    conform_case k = {.folder = qni_strdup(folder)};
    char *path = qni_path_join(folder, "case.json");
    k.model = qni_path_join(folder, "model.mlmodel");
    if (path != NULL && qni_file_exists(path) && k.folder != NULL && k.model != NULL &&
        qni_json_read(path, (size_t)1 << 20, &k.info, NULL) == QN_OK) {
        k.test = json_string_value(json_object_get(k.info, "test"));
        k.test = k.test != NULL ? k.test : folder;
        if (sum->filter == NULL || strstr(k.test, sum->filter) != NULL ||
            strstr(folder, sum->filter) != NULL) {
            run_case(&k, sum);
        }
    }
    json_decref(k.info);
    qni_free(path);
    qni_free(k.folder);
    qni_free(k.model);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int cmd_conform(int argc, char **argv)
{
    static const struct option longs[] = {
        {"filter", 1, NULL, 'f'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
    totals sum = {0};
    for (int c; (c = getopt_long(argc, argv, "vh", longs, NULL)) != -1;) {
        switch (c) {
        case 'v': sum.verbose = true; break;
        case 'f': sum.filter = optarg; break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    if (optind + 1 != argc) {
        return cli_usage(usage);
    }
    struct dirent **entries;
    int n = scandir(argv[optind], &entries, NULL, by_name);
    if (n < 0) {
        fprintf(stderr, "quince conform: \"%s\" cannot be opened\n", argv[optind]);
        return CLI_BAD_USE;
    }
    try_case(argv[optind], &sum);
    for (int i = 0; i < n; i++) {
        char *folder = entries[i]->d_name[0] != '.'
                           ? qni_path_join(argv[optind], entries[i]->d_name)
                           : NULL;
        if (folder != NULL && qni_folder_exists(folder)) {
            try_case(folder, &sum);
        }
        qni_free(folder);
        free(entries[i]);
    }
    free(entries);
    printf("%zu passed, %zu failed, %zu skipped\n", sum.passed, sum.failed, sum.skipped);
    return sum.failed != 0 ? CLI_FALLS_SHORT : CLI_OK;
}
