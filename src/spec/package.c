#include "spec/package.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/limits.h"

#include <string.h>

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? qni_strndup(path, (size_t)(slash - path) + (slash == path))
                         : qni_strdup(".");
}

// ---- The manifest

static qn_status find_root_path(const json_t *manifest, const char *where, const char **out,
                                qn_error *err)
{
    const char *id = json_string_value(json_object_get(manifest, "rootModelIdentifier"));
    const json_t *items = json_object_get(manifest, "itemInfoEntries");
    if (id == NULL || !json_is_object(items)) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "the manifest has no \"rootModelIdentifier\" or no \"itemInfoEntries\"");
    }
    const json_t *item = json_object_get(items, id);
    *out = json_string_value(json_object_get(item, "path"));
    if (*out == NULL) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "the manifest has no path for the root model \"%s\"", id);
    }
    if (!qni_path_is_inside(*out)) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "the root model's path \"%s\" leaves the package", *out);
    }
    return QN_OK;
}

static qn_status join_root(qni_package *p, const json_t *manifest, const char *where, qn_error *err)
{
    const char *name = NULL;
    QNI_TRY(find_root_path(manifest, where, &name, err));
    char *data = qni_path_join(p->root, "Data");
    p->model = data != NULL ? qni_path_join(data, name) : NULL;
    qni_free(data);
    if (p->model == NULL) {
        return qni_fail_memory(err);
    }
    if (!qni_file_exists(p->model)) {
        return qni_fail(err, QN_INVALID_MODEL, where, "the root model \"%s\" is not in the package",
                        name);
    }
    if (!qni_path_is_below(p->root, p->model)) {
        return qni_fail(err, QN_INVALID_MODEL, where,
                        "the root model \"%s\" lies outside of the package", name);
    }
    return QN_OK;
}

static qn_status open_folder(qni_package *p, qn_error *err)
{
    char *path = qni_path_join(p->root, "Manifest.json");
    if (path == NULL) {
        return qni_fail_memory(err);
    }
    json_t *manifest = NULL;
    qn_status status = QN_OK;
    if (!qni_file_exists(path)) {
        status = qni_fail(err, QN_INVALID_MODEL, p->root,
                          "\"%s\" has no Manifest.json, so it is no model package", p->root);
    }
    if (status == QN_OK) {
        status = qni_json_read(path, QNI_MAX_MANIFEST_BYTES, &manifest, err);
    }
    if (status == QN_OK) {
        status = join_root(p, manifest, path, err);
    }
    json_decref(manifest);
    qni_free(path);
    return status;
}

static qn_status open_parts(const char *path, qni_package *p, qn_error *err)
{
    if (qni_folder_exists(path)) {
        p->root = qni_strdup(path);
        if (p->root == NULL) {
            return qni_fail_memory(err);
        }
        size_t n = strlen(path);
        if (n >= 9 && strstr(path, ".mlmodelc") != NULL) {
            return qni_fail(err, QN_UNSUPPORTED, path,
                            "compiled models (.mlmodelc) cannot be read yet; give the .mlpackage");
        }
        QNI_TRY(open_folder(p, err));
    } else {
        p->model = qni_strdup(path);
        p->root = folder_of(path);
    }
    p->folder = p->model != NULL ? folder_of(p->model) : NULL;
    return p->model != NULL && p->root != NULL && p->folder != NULL ? QN_OK : qni_fail_memory(err);
}

qn_status qni_package_open(const char *path, qni_package *out, qn_error *err)
{
    memset(out, 0, sizeof *out);
    qn_status status = open_parts(path, out, err);
    if (status != QN_OK) {
        qni_package_close(out);
    }
    return status;
}

void qni_package_close(qni_package *p)
{
    qni_free(p->model);
    qni_free(p->folder);
    qni_free(p->root);
    memset(p, 0, sizeof *p);
}

// ---- Weight files

qn_status qni_package_weight_path(const qni_package *p, const char *name, char **path,
                                  qn_error *err)
{
    static const char prefix[] = "@model_path/";
    *path = NULL;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0 ||
        !qni_path_is_inside(name + sizeof prefix - 1)) {
        return qni_fail(err, QN_INVALID_MODEL, name,
                        "the weight file \"%s\" is not named below \"@model_path/\"", name);
    }
    const char *inside = name + sizeof prefix - 1;
    char *full = qni_path_join(p->folder, inside);
    if (full != NULL && !qni_file_exists(full)) { // a bare .mlmodel may have it right beside
        qni_free(full);
        size_t n;
        const char *base = qni_path_base(inside, &n);
        full = qni_path_join(p->folder, base);
    }
    if (full == NULL) {
        return qni_fail_memory(err);
    }
    if (!qni_file_exists(full) || !qni_path_is_below(p->root, full)) {
        qni_free(full);
        return qni_fail(err, QN_INVALID_MODEL, name, "the weight file \"%s\" is not in the package",
                        name);
    }
    *path = full;
    return QN_OK;
}
