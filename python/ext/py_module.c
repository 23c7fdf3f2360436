#include "py.h"

#include <string.h>

// ---- Errors

PyObject *py_raise(py_module_state *module, const qn_error *err)
{
    PyObject *args = Py_BuildValue("(sss)", qn_status_name(err->status), err->message, err->where);
    if (args != NULL) {
        PyErr_SetObject(module->error, args);
        Py_DECREF(args);
    }
    return NULL;
}

py_module_state *py_state_of(PyObject *self)
{
    return PyType_GetModuleState(Py_TYPE(self));
}

void py_object_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

// ---- Tensors

// Formats of the buffer protocol (Python's struct module) by kind; the size tells the rest, as 'l'
// is not the same size everywhere.
static qn_dtype dtype_of(const char *format, Py_ssize_t size)
{
    static const qn_dtype SIGNED[] = {QN_DTYPE_I8, QN_DTYPE_I16, QN_DTYPE_I32, QN_DTYPE_I64};
    static const qn_dtype UNSIGNED[] = {QN_DTYPE_U8, QN_DTYPE_U16, QN_DTYPE_U32, QN_DTYPE_U64};
    static const qn_dtype FLOATS[] = {QN_DTYPE_NONE, QN_DTYPE_F16, QN_DTYPE_F32, QN_DTYPE_F64};
    int power = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
    if (format == NULL) {
        return QN_DTYPE_U8;
    }
    format += *format == '@' || *format == '=' || *format == '<';
    if (power < 0 || strlen(format) != 1) {
        return QN_DTYPE_NONE;
    }
    if (*format == '?') {
        return QN_DTYPE_BOOL;
    }
    return strchr("bhilq", *format) != NULL   ? SIGNED[power]
           : strchr("BHILQ", *format) != NULL ? UNSIGNED[power]
           : strchr("efd", *format) != NULL   ? FLOATS[power]
                                              : QN_DTYPE_NONE;
}

static int view_tensor(const char *name, const Py_buffer *view, qn_tensor *out)
{
    *out = (qn_tensor){.data = view->buf, .dtype = dtype_of(view->format, view->itemsize)};
    if (out->dtype == QN_DTYPE_NONE) {
        PyErr_Format(PyExc_TypeError,
                     "\"%s\" has elements of format '%s'; bool, integers, float16, float32 and "
                     "float64 of this machine's byte order are taken",
                     name, view->format);
        return -1;
    }
    if (view->ndim > QN_MAX_RANK) {
        PyErr_Format(PyExc_ValueError, "\"%s\" has rank %d; at most %d is taken", name, view->ndim,
                     QN_MAX_RANK);
        return -1;
    }
    out->rank = view->ndim;
    for (int d = 0; d < view->ndim; d++) {
        out->dims[d] = view->shape[d];
        out->strides[d] = view->strides[d] / view->itemsize;
        if (view->shape[d] > 1 && view->strides[d] % view->itemsize != 0) {
            PyErr_Format(PyExc_ValueError, "\"%s\" has elements that do not lie whole in its rows",
                         name);
            return -1;
        }
    }
    return 0;
}

int py_tensor_in(PyObject *object, const char *name, Py_buffer *view, qn_tensor *out)
{
    if (PyObject_GetBuffer(object, view, PyBUF_STRIDED_RO | PyBUF_FORMAT) != 0) {
        return -1;
    }
    if (view_tensor(name, view, out) != 0) {
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

PyObject *py_tensor_out(const qn_tensor *tensor)
{
    Py_ssize_t n_bytes = (Py_ssize_t)((size_t)qn_tensor_count(tensor) *
                                      qn_dtype_bytes(tensor->dtype));
    PyObject *shape = PyTuple_New(tensor->rank);
    PyObject *bytes = PyByteArray_FromStringAndSize(tensor->data, n_bytes);
    if (shape == NULL || bytes == NULL) {
        Py_XDECREF(shape);
        Py_XDECREF(bytes);
        return NULL;
    }
    if (tensor->data == NULL) {
        memset(PyByteArray_AsString(bytes), 0, (size_t)n_bytes);
    }
    for (int32_t d = 0; d < tensor->rank; d++) {
        PyTuple_SetItem(shape, d, PyLong_FromLongLong(tensor->dims[d]));
    }
    return Py_BuildValue("(sNN)", qn_dtype_name(tensor->dtype), shape, bytes);
}

void py_tensor_of_out(PyObject *triple, qn_tensor *tensor)
{
    tensor->data = PyByteArray_AsString(PyTuple_GetItem(triple, 2));
}

// ---- The module

int py_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **out)
{
    *out = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *out != NULL ? PyModule_AddType(module, *out) : -1;
}

static int start(PyObject *module)
{
    py_module_state *state = PyModule_GetState(module);
    PyObject *errors = PyImport_ImportModule("quince._error");
    if (errors == NULL) {
        return -1;
    }
    state->error = PyObject_GetAttrString(errors, "Error");
    Py_DECREF(errors);
    if (state->error == NULL || py_add_model(module, state) != 0 ||
        py_add_session(module, state) != 0 || py_add_grammar(module, state) != 0 ||
        py_add_tokenizer(module, state) != 0 || py_add_template(module, state) != 0) {
        return -1;
    }
    return PyModule_AddStringConstant(module, "version", qn_version());
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    py_module_state *state = PyModule_GetState(module);
    Py_VISIT(state->error);
    Py_VISIT(state->model);
    Py_VISIT(state->context);
    Py_VISIT(state->state);
    Py_VISIT(state->lm);
    Py_VISIT(state->session);
    Py_VISIT(state->grammar);
    Py_VISIT(state->tokenizer);
    Py_VISIT(state->encode_stream);
    Py_VISIT(state->chat_template);
    Py_VISIT(state->vocabulary);
    Py_VISIT(state->matcher);
    return 0;
}

static int clear(PyObject *module)
{
    py_module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->error);
    Py_CLEAR(state->model);
    Py_CLEAR(state->context);
    Py_CLEAR(state->state);
    Py_CLEAR(state->lm);
    Py_CLEAR(state->session);
    Py_CLEAR(state->grammar);
    Py_CLEAR(state->tokenizer);
    Py_CLEAR(state->encode_stream);
    Py_CLEAR(state->chat_template);
    Py_CLEAR(state->vocabulary);
    Py_CLEAR(state->matcher);
    return 0;
}

static PyModuleDef_Slot SLOTS[] = {{Py_mod_exec, (void *)start}, {0, NULL}};
static PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,
    .m_name = "quince._quince",
    .m_doc = "The C library's handles. Use the classes of `quince`.",
    .m_size = sizeof(py_module_state),
    .m_slots = SLOTS,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__quince(void);
PyMODINIT_FUNC PyInit__quince(void)
{
    return PyModuleDef_Init(&MODULE);
}
