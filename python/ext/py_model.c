// The classes Model, Context and State: include/quince/model.h as Python objects.
#include "py.h"

#include <string.h>

typedef struct py_context {
    PyObject_HEAD PyObject *model;
    qn_context *handle;
    PyObject *function; // its name, or None
    bool is_running;
} py_context;

// ---- Model

static PyObject *new_model(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", "threads", "precision", "cpu", NULL};
    PyObject *path = NULL;
    qn_model_options options = {0};
    Py_ssize_t threads = 0;
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|nzz", names, PyUnicode_FSConverter, &path,
                                     &threads, &options.precision, &options.cpu)) {
        return NULL;
    }
    options.n_threads = threads > 0 ? (size_t)threads : 0;
    qn_model *handle = NULL;
    const char *text = PyBytes_AsString(path);
    qn_status status;
    Py_BEGIN_ALLOW_THREADS status = qn_model_open(text, &options, &handle, &err);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    if (status != QN_OK) {
        return py_raise(PyType_GetModuleState(type), &err);
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_model *self = (py_model *)allocate(type, 0);
    if (self == NULL) {
        qn_model_close(handle);
        return NULL;
    }
    self->handle = handle;
    return (PyObject *)self;
}

static void free_model(PyObject *self)
{
    qn_model_close(((py_model *)self)->handle);
    py_object_free(self);
}

static PyObject *feature_of(const qn_feature *f)
{
    PyObject *shape = PyTuple_New(f->rank);
    for (int32_t d = 0; shape != NULL && d < f->rank; d++) {
        PyTuple_SetItem(shape, d, PyLong_FromLongLong(f->shape[d]));
    }
    return shape == NULL ? NULL
                         : Py_BuildValue("{s:s,s:s,s:s,s:N,s:O,s:O}", "name", f->name, "kind",
                                         f->kind, "dtype", qn_dtype_name(f->dtype), "shape", shape,
                                         "is_flexible", f->is_flexible ? Py_True : Py_False,
                                         "is_optional", f->is_optional ? Py_True : Py_False);
}

typedef bool feature_fn(const qn_model *model, size_t function, size_t i, qn_feature *out);

static PyObject *features_of(const qn_model *model, size_t function, feature_fn *get)
{
    PyObject *list = PyList_New(0);
    qn_feature f;
    for (size_t i = 0; list != NULL && get(model, function, i, &f); i++) {
        PyObject *item = feature_of(&f);
        if (item == NULL || PyList_Append(list, item) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *model_functions(PyObject *self, PyObject *unused)
{
    (void)unused;
    const qn_model *model = ((py_model *)self)->handle;
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < qn_model_n_functions(model); i++) {
        PyObject *item = Py_BuildValue("{s:N,s:N,s:N}", "inputs",
                                       features_of(model, i, qn_model_input), "outputs",
                                       features_of(model, i, qn_model_output), "states",
                                       features_of(model, i, qn_model_state));
        if (item == NULL || PyDict_SetItemString(dict, qn_model_function_name(model, i), item)) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(item);
    }
    return dict;
}

static PyMethodDef MODEL_METHODS[] = {
    {"functions", model_functions, METH_NOARGS,
     "{name: {\"inputs\": [...], \"outputs\": [...], \"states\": [...]}}; the default first"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot MODEL_SLOTS[] = {{Py_tp_new, (void *)new_model},
                                    {Py_tp_dealloc, (void *)free_model},
                                    {Py_tp_methods, MODEL_METHODS},
                                    {Py_tp_doc, "Model(path, threads=0, precision=None, cpu=None)"},
                                    {0, NULL}};
static PyType_Spec MODEL_SPEC = {"quince._quince.Model", sizeof(py_model), 0, Py_TPFLAGS_DEFAULT,
                                 MODEL_SLOTS};

// ---- State

// Parses (model, function=None) of State and Context. `*function` is borrowed.
static int parse_model(PyTypeObject *type, PyObject *args, PyObject *kwargs, PyObject **model,
                       const char **function)
{
    static char *names[] = {"model", "function", NULL};
    py_module_state *module = PyType_GetModuleState(type);
    *function = NULL;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O!|z", names, module->model, model, function)
               ? 0
               : -1;
}

static PyObject *new_state(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *model;
    const char *function;
    qn_error err;
    qn_state *handle;
    if (parse_model(type, args, kwargs, &model, &function) != 0) {
        return NULL;
    }
    if (qn_state_create(((py_model *)model)->handle, function, &handle, &err) != QN_OK) {
        return py_raise(PyType_GetModuleState(type), &err);
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_state *self = (py_state *)allocate(type, 0);
    if (self == NULL) {
        qn_state_free(handle);
        return NULL;
    }
    Py_INCREF(model);
    self->model = model;
    self->handle = handle;
    return (PyObject *)self;
}

static void free_state(PyObject *self)
{
    qn_state_free(((py_state *)self)->handle);
    Py_XDECREF(((py_state *)self)->model);
    py_object_free(self);
}

// read(name, dtype, shape): the state's contents, converted to dtype.
static PyObject *state_read(PyObject *self, PyObject *args)
{
    const char *name;
    const char *dtype;
    PyObject *shape;
    qn_error err;
    if (!PyArg_ParseTuple(args, "ssO!", &name, &dtype, &PyTuple_Type, &shape)) {
        return NULL;
    }
    int64_t dims[QN_MAX_RANK];
    Py_ssize_t rank = PyTuple_Size(shape);
    if (rank > QN_MAX_RANK) {
        return PyErr_Format(PyExc_ValueError, "rank %zd; at most %d is taken", rank, QN_MAX_RANK);
    }
    for (Py_ssize_t d = 0; d < rank; d++) {
        dims[d] = PyLong_AsLongLong(PyTuple_GetItem(shape, d));
        if (dims[d] < 0) {
            return PyErr_Occurred() != NULL
                       ? NULL
                       : PyErr_Format(PyExc_ValueError, "dimension %zd is negative", d);
        }
    }
    qn_tensor tensor = qn_tensor_make(qn_dtype_from_name(dtype), (int32_t)rank, dims, NULL);
    PyObject *out = py_tensor_out(&tensor);
    if (out == NULL) {
        return NULL;
    }
    py_tensor_of_out(out, &tensor);
    if (qn_state_read(((py_state *)self)->handle, name, &tensor, &err) != QN_OK) {
        Py_DECREF(out);
        return py_raise(py_state_of(self), &err);
    }
    return out;
}

static PyObject *state_write(PyObject *self, PyObject *args)
{
    const char *name;
    PyObject *value;
    Py_buffer view;
    qn_tensor tensor;
    qn_error err;
    if (!PyArg_ParseTuple(args, "sO", &name, &value) ||
        py_tensor_in(value, name, &view, &tensor) != 0) {
        return NULL;
    }
    qn_status status = qn_state_write(((py_state *)self)->handle, name, &tensor, &err);
    PyBuffer_Release(&view);
    if (status != QN_OK) {
        return py_raise(py_state_of(self), &err);
    }
    Py_RETURN_NONE;
}

static PyMethodDef STATE_METHODS[] = {
    {"read", state_read, METH_VARARGS, "read(name, dtype, shape) -> (dtype, shape, bytearray)"},
    {"write", state_write, METH_VARARGS, "write(name, buffer)"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot STATE_SLOTS[] = {{Py_tp_new, (void *)new_state},
                                    {Py_tp_dealloc, (void *)free_state},
                                    {Py_tp_methods, STATE_METHODS},
                                    {Py_tp_doc, "State(model, function=None)"},
                                    {0, NULL}};
static PyType_Spec STATE_SPEC = {"quince._quince.State", sizeof(py_state), 0, Py_TPFLAGS_DEFAULT,
                                 STATE_SLOTS};

// ---- Context

static PyObject *new_context(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *model;
    const char *function;
    qn_error err;
    qn_context *handle;
    if (parse_model(type, args, kwargs, &model, &function) != 0) {
        return NULL;
    }
    if (qn_context_create(((py_model *)model)->handle, function, &handle, &err) != QN_OK) {
        return py_raise(PyType_GetModuleState(type), &err);
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_context *self = (py_context *)allocate(type, 0);
    PyObject *name = function != NULL ? PyUnicode_FromString(function) : Py_NewRef(Py_None);
    if (self == NULL || name == NULL) {
        qn_context_free(handle);
        Py_XDECREF(self);
        Py_XDECREF(name);
        return NULL;
    }
    Py_INCREF(model);
    self->model = model;
    self->handle = handle;
    self->function = name;
    return (PyObject *)self;
}

static void free_context(PyObject *object)
{
    py_context *self = (py_context *)object;
    qn_context_free(self->handle);
    Py_XDECREF(self->model);
    Py_XDECREF(self->function);
    py_object_free(object);
}

// Sets every input of a dict; the buffers stay held in `views` until the run is over.
static int set_inputs(py_context *self, PyObject *inputs, Py_buffer *views, size_t *n_views)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    qn_error err;
    qn_context_clear_inputs(self->handle);
    while (PyDict_Next(inputs, &position, &key, &value)) {
        const char *name = PyUnicode_AsUTF8AndSize(key, NULL);
        qn_tensor tensor;
        if (name == NULL || py_tensor_in(value, name, &views[*n_views], &tensor) != 0) {
            return -1;
        }
        (*n_views)++;
        if (qn_context_set_input(self->handle, name, &tensor, &err) != QN_OK) {
            py_raise(py_state_of((PyObject *)self), &err);
            return -1;
        }
    }
    return 0;
}

static PyObject *outputs_of(const py_context *self)
{
    const qn_model *model = ((py_model *)self->model)->handle;
    const char *function = self->function == Py_None
                               ? NULL
                               : PyUnicode_AsUTF8AndSize(self->function, NULL);
    size_t number = 0;
    while (function != NULL && strcmp(qn_model_function_name(model, number), function) != 0) {
        number++;
    }
    PyObject *dict = PyDict_New();
    qn_feature f;
    for (size_t i = 0; dict != NULL && qn_model_output(model, number, i, &f); i++) {
        PyObject *item = py_tensor_out(qn_context_output(self->handle, f.name));
        if (item == NULL || PyDict_SetItemString(dict, f.name, item) != 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(item);
    }
    return dict;
}

static PyObject *run_with(py_context *self, PyObject *inputs, qn_state *state)
{
    qn_error err;
    size_t n_views = 0;
    Py_buffer *views = PyMem_Calloc((size_t)PyDict_Size(inputs) + 1, sizeof *views);
    if (views == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *out = NULL;
    if (set_inputs(self, inputs, views, &n_views) == 0) {
        qn_status status;
        Py_BEGIN_ALLOW_THREADS status = qn_context_run(self->handle, state, &err);
        Py_END_ALLOW_THREADS if (status == QN_OK)
        {
            out = outputs_of(self);
        }
        else if (PyErr_Occurred() == NULL)
        { // a tap's own exception says more
            py_raise(py_state_of((PyObject *)self), &err);
        }
    }
    for (size_t i = 0; i < n_views; i++) {
        PyBuffer_Release(&views[i]);
    }
    PyMem_Free(views);
    return out;
}

static PyObject *context_run(PyObject *object, PyObject *args)
{
    py_context *self = (py_context *)object;
    PyObject *inputs;
    PyObject *state = Py_None;
    if (!PyArg_ParseTuple(args, "O!|O", &PyDict_Type, &inputs, &state)) {
        return NULL;
    }
    if (state != Py_None && !PyObject_TypeCheck(state, py_state_of(object)->state)) {
        return PyErr_Format(PyExc_TypeError, "the state must be one that make_state() gave");
    }
    if (self->is_running) {
        return PyErr_Format(PyExc_RuntimeError, "the context runs in another thread");
    }
    self->is_running = true;
    PyObject *out = run_with(self, inputs, state == Py_None ? NULL : ((py_state *)state)->handle);
    self->is_running = false;
    return out;
}

static qn_status call_tap(void *user, const char *operation, const char *op,
                          const qn_tensor *results, size_t n_results)
{
    PyGILState_STATE lock = PyGILState_Ensure();
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < n_results; i++) {
        PyObject *item = py_tensor_out(&results[i]);
        if (item == NULL || PyList_Append(list, item) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    PyObject *done = list == NULL
                         ? NULL
                         : PyObject_CallFunction((PyObject *)user, "ssO", operation, op, list);
    qn_status status = done == NULL ? QN_CANCELLED : QN_OK;
    Py_XDECREF(done);
    Py_XDECREF(list);
    PyGILState_Release(lock);
    return status;
}

// run_tapped(tap, inputs, state): as run; tap(operation, op, results) after each operation.
static PyObject *context_run_tapped(PyObject *object, PyObject *args)
{
    py_context *self = (py_context *)object;
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_Size(args));
    PyObject *tap = PyTuple_Size(args) > 0 ? PyTuple_GetItem(args, 0) : NULL;
    if (rest == NULL || tap == NULL || !PyCallable_Check(tap)) {
        Py_XDECREF(rest);
        return PyErr_Format(PyExc_TypeError, "run_tapped(tap, inputs, state)");
    }
    qn_context_set_tap(self->handle, call_tap, tap);
    PyObject *out = context_run(object, rest);
    qn_context_set_tap(self->handle, NULL, NULL);
    Py_DECREF(rest);
    return out;
}

static PyObject *context_watch(PyObject *self, PyObject *on)
{
    qn_context_watch(((py_context *)self)->handle, PyObject_IsTrue(on) == 1);
    Py_RETURN_NONE;
}

static PyObject *context_overflows(PyObject *self, PyObject *unused)
{
    (void)unused;
    const qn_context *handle = ((py_context *)self)->handle;
    size_t n = qn_context_overflows(handle, NULL, 0);
    qn_overflow *rows = PyMem_Calloc(n + 1, sizeof *rows);
    PyObject *list = rows != NULL ? PyList_New(0) : PyErr_NoMemory();
    n = rows != NULL ? qn_context_overflows(handle, rows, n) : 0;
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *item = Py_BuildValue("{s:s,s:s,s:K}", "operation", rows[i].operation, "op",
                                       rows[i].op, "elements",
                                       (unsigned long long)rows[i].elements);
        if (item == NULL || PyList_Append(list, item) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    PyMem_Free(rows);
    return list;
}

static PyObject *context_plan(PyObject *self, PyObject *unused)
{
    (void)unused;
    char *text;
    qn_error err;
    if (qn_context_plan(((py_context *)self)->handle, &text, &err) != QN_OK) {
        return py_raise(py_state_of(self), &err);
    }
    PyObject *out = PyUnicode_FromString(text);
    qn_free(text);
    return out;
}

static PyMethodDef CONTEXT_METHODS[] = {
    {"run", context_run, METH_VARARGS,
     "run({name: buffer}, state=None) -> {name: (dtype, shape, bytearray)}"},
    {"run_tapped", context_run_tapped, METH_VARARGS, "run_tapped(tap, inputs, state=None)"},
    {"watch", context_watch, METH_O, "watch(on): count overflows from now on"},
    {"overflows", context_overflows, METH_NOARGS, "what watching has counted, by operation"},
    {"plan", context_plan, METH_NOARGS, "the text of the plan that the last run used"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot CONTEXT_SLOTS[] = {{Py_tp_new, (void *)new_context},
                                      {Py_tp_dealloc, (void *)free_context},
                                      {Py_tp_methods, CONTEXT_METHODS},
                                      {Py_tp_doc, "Context(model, function=None)"},
                                      {0, NULL}};
static PyType_Spec CONTEXT_SPEC = {"quince._quince.Context", sizeof(py_context), 0,
                                   Py_TPFLAGS_DEFAULT, CONTEXT_SLOTS};

int py_add_model(PyObject *module, py_module_state *state)
{
    return py_add_type(module, &MODEL_SPEC, &state->model) != 0 ||
                   py_add_type(module, &STATE_SPEC, &state->state) != 0 ||
                   py_add_type(module, &CONTEXT_SPEC, &state->context) != 0
               ? -1
               : 0;
}
