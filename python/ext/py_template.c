// The class Template: include/quince/template.h as a Python object.
#include "py.h"

typedef struct py_template {
    PyObject_HEAD qn_template *handle;
} py_template;

static PyObject *new_template(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"source", "path", "name", NULL};
    const char *source = NULL;
    const char *path = NULL;
    const char *name = NULL;
    Py_ssize_t n = 0;
    qn_template *handle = NULL;
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|z#zz", names, &source, &n, &path, &name)) {
        return NULL;
    }
    qn_status status = source != NULL
                           ? qn_template_parse(source, (size_t)n, name, &handle, &err)
                           : qn_template_open(path != NULL ? path : "", name, &handle, &err);
    if (status != QN_OK) {
        return py_raise(PyType_GetModuleState(type), &err);
    }
    py_template *self = (py_template *)PyType_GenericAlloc(type, 0);
    if (self == NULL) {
        qn_template_free(handle);
        return NULL;
    }
    self->handle = handle;
    return (PyObject *)self;
}

static void free_template(PyObject *self)
{
    qn_template_free(((py_template *)self)->handle);
    py_object_free(self);
}

static PyObject *render(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"variables", "now", NULL};
    const char *variables;
    Py_ssize_t n;
    PyObject *now = Py_None;
    qn_template_options options = {0};
    qn_error err;
    char *text = NULL;
    size_t size;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s#|O", names, &variables, &n, &now)) {
        return NULL;
    }
    if (now != Py_None) {
        options.has_now = true;
        options.now = PyLong_AsLongLong(now);
        if (options.now == -1 && PyErr_Occurred() != NULL) {
            return NULL;
        }
    }
    qn_status status = qn_template_render(((py_template *)self)->handle, variables, (size_t)n,
                                          &options, &text, &size, &err);
    PyObject *result = status == QN_OK ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "strict")
                                       : py_raise(py_state_of(self), &err);
    qn_free(text);
    return result;
}

// (text, tools, prompt), the last two None or text: the message as JSON.
static PyObject *read_answer(PyObject *self, PyObject *args)
{
    const char *text, *tools, *prompt;
    Py_ssize_t n;
    qn_error err;
    char *message = NULL;
    if (!PyArg_ParseTuple(args, "s#zz", &text, &n, &tools, &prompt)) {
        return NULL;
    }
    qn_status status = qn_template_read_answer(((py_template *)self)->handle, prompt, tools, text,
                                               (size_t)n, &message, &err);
    PyObject *result = status == QN_OK ? PyUnicode_FromString(message)
                                       : py_raise(py_state_of(self), &err);
    qn_free(message);
    return result;
}

// The names of the tool format and of the reasoning's, or None.
static PyObject *formats(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    const qn_template *handle = ((py_template *)self)->handle;
    return Py_BuildValue("(zz)", qn_template_tool_format(handle),
                         qn_template_reasoning_format(handle));
}

static PyMethodDef methods[] = {
    {"read_answer", read_answer, METH_VARARGS, NULL},
    {"formats", formats, METH_NOARGS, NULL},
    {"render", (PyCFunction)(void (*)(void))render, METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_template},
    {Py_tp_dealloc, (void *)free_template},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "quince._quince.Template",
    .basicsize = sizeof(py_template),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int py_add_template(PyObject *module, py_module_state *state)
{
    return py_add_type(module, &spec, &state->chat_template);
}
