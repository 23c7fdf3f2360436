#include "base/feature.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct text {
    char *at;
    size_t left;
} text;

QNI_PRINTF(2, 3) static void put(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->at, t->left, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < t->left ? (size_t)n : t->left - 1;
    t->at += used;
    t->left -= used;
}

static void put_dims(text *t, int32_t rank, const int64_t *dims)
{
    put(t, "[");
    for (int32_t i = 0; i < rank; i++) {
        put(t, i == 0 ? "%lld" : ", %lld", (long long)dims[i]);
    }
    put(t, "]");
}

static void put_range(text *t, const qni_feature *f)
{
    put(t, "[");
    for (int32_t i = 0; i < f->shape.rank; i++) {
        put(t, "%s%lld", i == 0 ? "" : ", ", (long long)f->lo[i]);
        if (f->hi[i] < 0) {
            put(t, "..");
        } else if (f->hi[i] != f->lo[i]) {
            put(t, "..%lld", (long long)f->hi[i]);
        }
    }
    put(t, "]");
}

const char *qni_feature_describe(const qni_feature *f, char *out, size_t size)
{
    text t = {out, size};
    if (f->kind == QNI_FEATURE_OTHER) {
        put(&t, "%s", f->kind_name);
        return out;
    }
    put(&t, "%s", qni_dtype_name(f->dtype));
    if (f->is_range) {
        put_range(&t, f);
    } else if (f->n_choices == 0) {
        put_dims(&t, f->shape.rank, f->shape.dims);
    }
    for (size_t i = 0; i < f->n_choices; i++) {
        put(&t, "%s", i == 0 ? "" : " or ");
        put_dims(&t, f->choices[i].rank, f->choices[i].dims);
    }
    return out;
}

static bool shape_equals(const qni_shape *shape, int32_t rank, const int64_t *dims)
{
    return shape->rank == rank &&
           (rank == 0 || memcmp(shape->dims, dims, (size_t)rank * sizeof *dims) == 0);
}

static bool allows(const qni_feature *f, int32_t rank, const int64_t *dims)
{
    if (f->is_range) {
        bool ok = rank == f->shape.rank;
        for (int32_t i = 0; ok && i < rank; i++) {
            ok = dims[i] >= f->lo[i] && (f->hi[i] < 0 || dims[i] <= f->hi[i]);
        }
        return ok;
    }
    for (size_t i = 0; i < f->n_choices; i++) {
        if (shape_equals(&f->choices[i], rank, dims)) {
            return true;
        }
    }
    return f->n_choices == 0 && shape_equals(&f->shape, rank, dims);
}

qn_status qni_feature_check(const qni_feature *f, int32_t rank, const int64_t *dims, qn_error *err)
{
    if (allows(f, rank, dims)) {
        return QN_OK;
    }
    char given[128];
    char wanted[256];
    text t = {given, sizeof given};
    put_dims(&t, rank, dims);
    return qni_fail(err, QN_INVALID_ARGUMENT, f->name, "\"%s\" has shape %s; allowed is %s",
                    f->name, given, qni_feature_describe(f, wanted, sizeof wanted));
}
