// py.h: what the files of the extension module `quince._quince` share.
//
// The module holds as little as it can: objects that own the library's handles, and the passage of
// tensors in both directions. Everything that Python can say as well is in python/quince/*.py.
// Tensors come in through the buffer protocol (numpy arrays, memoryviews) without a copy, and go
// out as (name of the dtype, shape, bytearray). The interpreter's lock is released while the
// library works.
#ifndef QUINCE_PY_H
#define QUINCE_PY_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000 // 3.11: the first with the buffer protocol
#include <Python.h>

#include "quince/quince.h"

// What the module keeps: the classes, and quince.Error, which python/quince/_error.py defines.
typedef struct py_module_state {
    PyObject *error;
    PyTypeObject *model;
    PyTypeObject *context;
    PyTypeObject *state;
    PyTypeObject *lm;
    PyTypeObject *session;
    PyTypeObject *grammar;
    PyTypeObject *vocabulary;
    PyTypeObject *matcher;
    PyTypeObject *tokenizer;
    PyTypeObject *encode_stream;
    PyTypeObject *chat_template;
} py_module_state;

// The library's handles as Python objects. `model` and `lm` keep what the handle needs alive.
typedef struct py_model {
    PyObject_HEAD qn_model *handle;
} py_model;

typedef struct py_grammar {
    PyObject_HEAD qn_grammar *handle;
} py_grammar;

typedef struct py_state {
    PyObject_HEAD PyObject *model;
    qn_state *handle;
} py_state;

// The state of the module that an object's class belongs to.
py_module_state *py_state_of(PyObject *self);

// Raises quince.Error(status, message, where) and returns NULL.
PyObject *py_raise(py_module_state *module, const qn_error *err);

// A view of `object`'s memory; release `view` after use. -1 with an exception that names `name`
// when it has no buffer or one of a type that Core ML does not have.
int py_tensor_in(PyObject *object, const char *name, Py_buffer *view, qn_tensor *out);

// (name of the dtype, shape, bytearray): a copy of a contiguous tensor; or all zero when its data
// is NULL. NULL with an exception.
PyObject *py_tensor_out(const qn_tensor *tensor);

// A view of the bytearray of what py_tensor_out gave.
void py_tensor_of_out(PyObject *triple, qn_tensor *tensor);

// A Vocabulary of the model's tokens.
PyObject *py_vocabulary_of_lm(py_module_state *module, qn_lm *lm);

// Frees an object of a heap type after its own members have gone.
void py_object_free(PyObject *self);

// Adds the classes of a file to the module.
int py_add_model(PyObject *module, py_module_state *state);
int py_add_session(PyObject *module, py_module_state *state);
int py_add_grammar(PyObject *module, py_module_state *state);
int py_add_tokenizer(PyObject *module, py_module_state *state);
int py_add_template(PyObject *module, py_module_state *state);
int py_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **out);

#endif
