#include "lm/lm.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#include <dirent.h>
#include <string.h>

// ---- Finding the files

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name);
    size_t m = strlen(suffix);
    while (n > 0 && name[n - 1] == '/') {
        n--;
    }
    return n >= m && memcmp(name + n - m, suffix, m) == 0;
}

static bool is_package(const char *path)
{
    return ends_in(path, ".mlpackage") || ends_in(path, ".mlmodelc") || ends_in(path, ".mlmodel");
}

// The one package in a folder.
static qn_status find_package(const char *folder, char **out, qn_error *err)
{
    *out = NULL;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return qni_fail(err, QN_IO, folder, "\"%s\" cannot be opened", folder);
    }
    qn_status status = QN_OK;
    for (struct dirent *e = readdir(dir); e != NULL && status == QN_OK; e = readdir(dir)) {
        if (!is_package(e->d_name)) {
            continue;
        }
        if (*out != NULL) {
            status = qni_fail(err, QN_INVALID_ARGUMENT, folder,
                              "\"%s\" holds more than one model; give the path of one", folder);
            break;
        }
        *out = qni_path_join(folder, e->d_name);
        status = *out != NULL ? QN_OK : qni_fail_memory(err);
    }
    closedir(dir);
    if (status == QN_OK && *out == NULL) {
        status = qni_fail(err, QN_IO, folder, "\"%s\" holds no .mlpackage", folder);
    }
    if (status != QN_OK) {
        qni_free(*out);
        *out = NULL;
    }
    return status;
}

static char *parent_of(const char *path)
{
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') {
        n--;
    }
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    return n == 0 ? qni_strdup(".") : qni_strndup(path, n);
}

// The package, and the folder of what stands beside it.
static qn_status find_files(const char *path, char **package, char **folder, qn_error *err)
{
    if (is_package(path)) {
        *package = qni_strdup(path);
        *folder = parent_of(path);
        return *package != NULL && *folder != NULL ? QN_OK : qni_fail_memory(err);
    }
    if (!qni_folder_exists(path)) {
        return qni_fail(err, QN_IO, path, "\"%s\" is neither a model package nor a folder", path);
    }
    *folder = qni_strdup(path);
    if (*folder == NULL) {
        return qni_fail_memory(err);
    }
    return find_package(path, package, err);
}

// ---- generation_config.json

static void read_defaults(const json_t *config, qni_sampling *out)
{
    *out = (qni_sampling){.greedy = true, .temperature = 1, .top_p = 1};
    if (config == NULL) {
        return;
    }
    out->greedy = !json_is_true(json_object_get(config, "do_sample"));
    const json_t *t = json_object_get(config, "temperature");
    const json_t *k = json_object_get(config, "top_k");
    const json_t *p = json_object_get(config, "top_p");
    const json_t *m = json_object_get(config, "min_p");
    out->temperature = json_is_number(t) && json_number_value(t) > 0 ? json_number_value(t) : 1;
    out->top_k = json_is_integer(k) && json_integer_value(k) > 0 ? json_integer_value(k) : 0;
    out->top_p = json_is_number(p) && json_number_value(p) > 0 ? json_number_value(p) : 1;
    out->min_p = json_is_number(m) && json_number_value(m) > 0 ? json_number_value(m) : 0;
}

static qn_status read_generation_config(qni_lm *lm, const char *folder, qn_error *err)
{
    char *path = qni_path_join(folder, "generation_config.json");
    if (path == NULL) {
        return qni_fail_memory(err);
    }
    json_t *config = NULL;
    qn_status status = QN_OK;
    if (qni_file_exists(path)) {
        status = qni_json_read(path, QNI_MAX_MANIFEST_BYTES, &config, err);
    }
    qni_free(path);
    if (status == QN_OK) {
        read_defaults(config, &lm->defaults);
    }
    json_decref(config);
    return status;
}

// ---- Opening

static qn_status open_text(qni_lm *lm, const char *tokenizer, qn_error *err)
{
    QNI_TRY(qni_tokenizer_open(tokenizer, &lm->tokenizer, err));
    char *folder = qni_folder_exists(tokenizer) ? qni_strdup(tokenizer) : parent_of(tokenizer);
    if (folder == NULL) {
        return qni_fail_memory(err);
    }
    qn_status status = qni_template_find(folder, NULL, &lm->chat_template, &lm->template_variables,
                                         err);
    if (status == QN_OK) {
        status = read_generation_config(lm, folder, err);
    }
    qni_free(folder);
    if (status == QN_OK && lm->chat_template != NULL) {
        lm->tool_format = qni_tool_format_find(qni_template_source(lm->chat_template));
        lm->reasoning = qni_reasoning_format_find(qni_template_source(lm->chat_template));
    }
    return status != QN_OK
               ? status
               : qni_constraint_cache_create(lm->tokenizer, lm->tool_format, lm->reasoning,
                                             lm->contract.vocabulary, &lm->constraints, err);
}

static qn_status open_parts(qni_lm *lm, const qni_runner_table *table, const char *package,
                            const qni_runner_options *options, const char *tokenizer, qn_error *err)
{
    QNI_TRY(table->open(package, options, &lm->runner, err));
    lm->info = table->info(lm->runner);
    QNI_TRY(qni_contract_find(lm->info, &lm->contract, err));
    return open_text(lm, tokenizer, err);
}

qn_status qni_lm_open(const qni_runner_table *table, const char *path,
                      const qni_runner_options *options, const char *tokenizer, qni_lm **out,
                      qn_error *err)
{
    *out = NULL;
    qni_lm *lm = qni_calloc(1, sizeof *lm);
    if (lm == NULL) {
        return qni_fail_memory(err);
    }
    char *package = NULL;
    char *folder = NULL;
    qn_status status = find_files(path, &package, &folder, err);
    if (status == QN_OK) {
        status = open_parts(lm, table, package, options, tokenizer != NULL ? tokenizer : folder,
                            err);
    }
    qni_free(package);
    qni_free(folder);
    if (status != QN_OK) {
        qni_lm_close(lm);
        return status;
    }
    *out = lm;
    return QN_OK;
}

void qni_lm_close(qni_lm *lm)
{
    if (lm == NULL) {
        return;
    }
    qni_constraint_cache_free(lm->constraints);
    json_decref(lm->template_variables);
    qni_template_free(lm->chat_template);
    qni_tokenizer_close(lm->tokenizer);
    if (lm->runner != NULL) {
        lm->runner->table->close(lm->runner);
    }
    qni_free(lm);
}
