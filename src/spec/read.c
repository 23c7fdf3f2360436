#include "spec/read.h"

#include "base/alloc.h"
#include "spec/codes.h"
#include "spec/reader.h"
#include "spec/wire.h"

#include <string.h>

// ---- Opening

// The number of the field that says what type of model it is.
static bool see_type(void *context, uint32_t field)
{
    uint32_t *found = context;
    if (qni_model_type_name(field) != NULL) {
        *found = field;
    }
    return true;
}

static qn_status check_model_type(qni_reader *r, const unsigned char *bytes, size_t n)
{
    uint32_t field = 0;
    if (!qni_wire_each_field(bytes, n, see_type, &field)) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "not a model: the bytes are no protobuf");
    }
    const char *name = qni_model_type_name(field);
    if (field == 0) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "not a model: it says no type of model");
    }
    if (field != 502) {
        return qni_reader_fail(
            r, QN_UNSUPPORTED,
            "the model is of type \"%s\"%s; quince runs ML Programs, which "
            "coremltools.convert(..., convert_to=\"mlprogram\") writes",
            name, strncmp(name, "neuralNetwork", 13) == 0 ? ", the format before ML Programs" : "");
    }
    return QN_OK;
}

static const Spec__FunctionDescription *find_description(const Spec__Description *d,
                                                         const char *name)
{
    for (size_t i = 0; i < d->n_functions; i++) {
        if (d->functions[i]->name != NULL && strcmp(d->functions[i]->name, name) == 0) {
            return d->functions[i];
        }
    }
    return NULL;
}

// The features of a function: its own when the model describes functions apart, else the model's.
static qn_status read_signature(qni_reader *r, const Spec__Description *d, qni_model_function *f)
{
    const Spec__FunctionDescription *own = find_description(d, f->name);
    if (d->n_functions != 0 && own == NULL) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "function \"%s\" is not in the description",
                               f->name);
    }
    f->n_inputs = own != NULL ? own->n_inputs : d->n_inputs;
    f->n_outputs = own != NULL ? own->n_outputs : d->n_outputs;
    f->n_states = own != NULL ? own->n_states : d->n_states;
    QNI_TRY(qni_read_features(r, own != NULL ? own->inputs : d->inputs, f->n_inputs, &f->inputs));
    QNI_TRY(
        qni_read_features(r, own != NULL ? own->outputs : d->outputs, f->n_outputs, &f->outputs));
    return qni_read_features(r, own != NULL ? own->states : d->states, f->n_states, &f->states);
}

static qn_status read_one(qni_reader *r, const Spec__Model *m, const Spec__FunctionEntry *entry,
                          bool with_program, qni_model_function *f)
{
    QNI_TRY(qni_read_text(r, entry->key, &f->name));
    if (entry->value == NULL) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "function \"%s\" is empty", f->name);
    }
    QNI_TRY(read_signature(r, m->description, f));
    return with_program ? qni_read_function(r, entry->value, f)
                        : qni_read_operation_names(r, entry->value);
}

static void default_first(qni_model_function *functions, size_t n, const char *name)
{
    for (size_t i = 1; i < n; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            qni_model_function swap = functions[0];
            functions[0] = functions[i];
            functions[i] = swap;
        }
    }
}

static qn_status read_functions(qni_reader *r, const Spec__Model *m, bool with_program)
{
    size_t n = m->program != NULL ? m->program->n_functions : 0;
    if (n == 0) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "the program has no functions");
    }
    if (n > QNI_MAX_FUNCTIONS) {
        return qni_reader_fail(r, QN_LIMIT_EXCEEDED, "%zu functions; at most %d are read", n,
                               QNI_MAX_FUNCTIONS);
    }
    qni_model_function *functions = qni_arena_array(&r->program->arena, n, sizeof *functions);
    if (functions == NULL) {
        return qni_fail_memory(r->err);
    }
    for (size_t i = 0; i < n; i++) {
        QNI_TRY(read_one(r, m, m->program->functions[i], with_program, &functions[i]));
    }
    const char *wanted = m->description->default_function;
    default_first(functions, n, wanted != NULL && wanted[0] != '\0' ? wanted : "main");
    r->model->functions = functions;
    r->model->n_functions = n;
    r->model->default_function = functions[0].name;
    return QN_OK;
}

static qn_status read_message(qni_reader *r, const Spec__Model *m, bool with_program)
{
    enum { OLDEST = 6, NEWEST = 10 }; // iOS15 to iOS26
    if (m->version < OLDEST || m->version > NEWEST) {
        return qni_reader_fail(r, QN_UNSUPPORTED,
                               "specification version %d; ML Programs of %d to %d are read",
                               (int)m->version, OLDEST, NEWEST);
    }
    if (m->description == NULL) {
        return qni_reader_fail(r, QN_INVALID_MODEL, "the model has no description");
    }
    r->model->specification_version = m->version;
    QNI_TRY(qni_read_metadata(r, m->description->metadata));
    return read_functions(r, m, with_program);
}

static qn_status read_bytes(qni_reader *r, const qni_map *map, bool with_program)
{
    ProtobufCMessage *message = NULL;
    QNI_TRY(check_model_type(r, qni_map_data(map), qni_map_size(map)));
    QNI_TRY(qni_wire_unpack(&spec__model__descriptor, qni_map_data(map), qni_map_size(map),
                            r->where, &message, r->err));
    qn_status status = read_message(r, (const Spec__Model *)(const void *)message, with_program);
    qni_wire_free(message);
    return status;
}

static qn_status read_parts(qni_reader *r, const char *path, bool with_program)
{
    QNI_TRY(qni_package_open(path, &r->package, r->err));
    r->where = r->package.model;
    QNI_TRY(qni_program_create(&r->program, r->err));
    r->model = qni_arena_alloc(&r->program->arena, sizeof *r->model);
    if (r->model == NULL) {
        return qni_fail_memory(r->err);
    }
    r->model->program = r->program;
    qni_map *map = NULL;
    QNI_TRY(qni_map_open(r->package.model, &map, r->err));
    qn_status status = read_bytes(r, map, with_program);
    qni_map_release(map);
    return status;
}

static qn_status read_model(const char *path, const qni_op_table *table, bool with_program,
                            qni_model **out, qn_error *err)
{
    *out = NULL;
    qni_reader r = {.table = table, .err = err};
    qn_status status = read_parts(&r, path, with_program);
    for (size_t i = 0; i < r.n_maps; i++) {
        qni_map_release(r.maps[i]); // the program holds its own share
        qni_free(r.map_names[i]);
    }
    qni_free(r.maps);
    qni_free(r.map_names);
    qni_package_close(&r.package);
    if (status != QN_OK) {
        qni_program_free(r.program);
        return status;
    }
    *out = r.model;
    return QN_OK;
}

qn_status qni_model_read(const char *path, const qni_op_table *table, qni_model **out,
                         qn_error *err)
{
    return read_model(path, table, true, out, err);
}

qn_status qni_model_read_description(const char *path, const qni_op_table *table, qni_model **out,
                                     qn_error *err)
{
    return read_model(path, table, false, out, err);
}

void qni_model_free(qni_model *model)
{
    if (model != NULL) {
        qni_program_free(model->program); // the model lies in its arena
    }
}
