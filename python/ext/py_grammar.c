// The classes Grammar, Vocabulary and Matcher: include/quince/grammar.h as Python objects.
#include "py.h"

#include <string.h>

typedef struct py_vocabulary {
    PyObject_HEAD qn_vocabulary *handle;
    Py_ssize_t n_words;
} py_vocabulary;

typedef struct py_matcher {
    PyObject_HEAD PyObject *grammar;
    PyObject *vocabulary;
    qn_matcher *handle;
} py_matcher;

enum { MAX_FORCED = 4096, MAX_COMPLETION = 1 << 20 }; // bytes
enum { MAX_COMPLETION_TOKENS = 1 << 16 };

// ---- Grammar

// {uri: text} into options->documents, which the caller frees. The strings live as long as the
// dict.
static int take_documents(PyObject *dict, qn_grammar_options *options)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    size_t n = 0;
    Py_ssize_t count = dict == Py_None ? 0 : PyDict_Size(dict);
    qn_grammar_document *documents = PyMem_Calloc((size_t)count + 1, sizeof *documents);
    if (documents == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (dict != Py_None && PyDict_Next(dict, &position, &key, &value)) {
        Py_ssize_t size;
        documents[n].uri = PyUnicode_AsUTF8AndSize(key, NULL);
        documents[n].text = PyUnicode_AsUTF8AndSize(value, &size);
        if (documents[n].uri == NULL || documents[n].text == NULL) {
            PyMem_Free(documents);
            return -1;
        }
        documents[n++].size = (size_t)size;
    }
    options->documents = documents;
    options->n_documents = n;
    return 0;
}

static qn_status compile(const char *language, const char *text, size_t size,
                         const qn_grammar_options *options, qn_grammar **out, qn_error *err)
{
    return strcmp(language, "json-schema") == 0
               ? qn_grammar_from_json_schema(text, size, options, out, err)
           : strcmp(language, "regex") == 0 ? qn_grammar_from_regex(text, size, out, err)
           : strcmp(language, "gbnf") == 0  ? qn_grammar_from_gbnf(text, size, out, err)
           : strcmp(language, "lark") == 0  ? qn_grammar_from_lark(text, size, options, out, err)
           : strcmp(language, "request") == 0
               ? qn_grammar_from_request(text, size, options, out, err)
               : qn_grammar_from_tags(text, size, options, out, err);
}

static PyObject *new_grammar(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"language",    "text",    "documents", "annotate_formats",
                            "best_effort", "compact", NULL};
    const char *language;
    const char *text;
    Py_ssize_t size;
    PyObject *documents = Py_None;
    int flags[3] = {0};
    qn_grammar_options options = {0};
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ss#|Oppp", names, &language, &text, &size,
                                     &documents, &flags[0], &flags[1], &flags[2])) {
        return NULL;
    }
    if (documents != Py_None && !PyDict_Check(documents)) {
        return PyErr_Format(PyExc_TypeError, "documents must be a dict of texts by URI");
    }
    if (take_documents(documents, &options) != 0) {
        return NULL;
    }
    options.annotate_formats = flags[0] != 0;
    options.best_effort = flags[1] != 0;
    options.compact = flags[2] != 0;
    qn_grammar *handle = NULL;
    qn_status status;
    Py_BEGIN_ALLOW_THREADS status = compile(language, text, (size_t)size, &options, &handle, &err);
    Py_END_ALLOW_THREADS PyMem_Free((void *)(uintptr_t)options.documents);
    if (status != QN_OK) {
        return py_raise(PyType_GetModuleState(type), &err);
    }
    if (handle == NULL) {
        return PyErr_Format(PyExc_ValueError, "the request asks for any text");
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_grammar *self = (py_grammar *)allocate(type, 0);
    if (self == NULL) {
        qn_grammar_free(handle);
        return NULL;
    }
    self->handle = handle;
    return (PyObject *)self;
}

static void free_grammar(PyObject *self)
{
    qn_grammar_free(((py_grammar *)self)->handle);
    py_object_free(self);
}

static PyObject *grammar_facts(PyObject *self, PyObject *unused)
{
    (void)unused;
    const qn_grammar *handle = ((py_grammar *)self)->handle;
    return Py_BuildValue("(Os)", qn_grammar_is_satisfiable(handle) ? Py_True : Py_False,
                         qn_grammar_left_out(handle));
}

static PyObject *grammar_check(PyObject *self, PyObject *args)
{
    const char *text;
    Py_ssize_t size;
    bool valid = false;
    size_t position = 0;
    qn_error err;
    if (!PyArg_ParseTuple(args, "s#", &text, &size)) {
        return NULL;
    }
    qn_status status;
    Py_BEGIN_ALLOW_THREADS status = qn_grammar_check(((py_grammar *)self)->handle, text,
                                                     (size_t)size, &valid, &position, &err);
    Py_END_ALLOW_THREADS return status != QN_OK
        ? py_raise(py_state_of(self), &err)
        : Py_BuildValue("(On)", valid ? Py_True : Py_False, (Py_ssize_t)position);
}

static PyMethodDef GRAMMAR_METHODS[] = {
    {"facts", grammar_facts, METH_NOARGS, "facts() -> (satisfiable, what was left out)"},
    {"check", grammar_check, METH_VARARGS, "check(text) -> (valid, first byte that is wrong)"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot GRAMMAR_SLOTS[] = {
    {Py_tp_new, (void *)new_grammar},
    {Py_tp_dealloc, (void *)free_grammar},
    {Py_tp_methods, GRAMMAR_METHODS},
    {Py_tp_doc, "Grammar(language, text, documents=None, annotate_formats=False, "
                "best_effort=False, compact=False)"},
    {0, NULL}};
static PyType_Spec GRAMMAR_SPEC = {"quince._quince.Grammar", sizeof(py_grammar), 0,
                                   Py_TPFLAGS_DEFAULT, GRAMMAR_SLOTS};

// ---- Vocabulary

// The tokens' bytes one after the other, where each begins, and which have no text.
typedef struct token_table {
    char *bytes;
    uint32_t *offsets;
    uint8_t *special;
    uint32_t *stops;
    uint32_t n_stops;
} token_table;

static void free_table(token_table *t)
{
    PyMem_Free(t->bytes);
    PyMem_Free(t->offsets);
    PyMem_Free(t->special);
    PyMem_Free(t->stops);
}

// A list of bytes, or None for a token without text.
static int take_tokens(PyObject *tokens, token_table *t)
{
    Py_ssize_t n = PyList_Size(tokens);
    size_t total = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *token = PyList_GetItem(tokens, i);
        if (token != Py_None && !PyBytes_Check(token)) {
            PyErr_Format(PyExc_TypeError, "token %zd is neither bytes nor None", i);
            return -1;
        }
        total += token == Py_None ? 0 : (size_t)PyBytes_Size(token);
    }
    t->bytes = PyMem_Malloc(total + 1);
    t->offsets = PyMem_Calloc((size_t)n + 1, sizeof *t->offsets);
    t->special = PyMem_Calloc((size_t)n + 1, 1);
    if (t->bytes == NULL || t->offsets == NULL || t->special == NULL || total > UINT32_MAX) {
        PyErr_NoMemory();
        return -1;
    }
    size_t at = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *token = PyList_GetItem(tokens, i);
        t->offsets[i] = (uint32_t)at;
        t->special[i] = token == Py_None;
        if (token != Py_None) {
            memcpy(t->bytes + at, PyBytes_AsString(token), (size_t)PyBytes_Size(token));
            at += (size_t)PyBytes_Size(token);
        }
    }
    t->offsets[n] = (uint32_t)at;
    return 0;
}

static int take_stop_ids(PyObject *stops, token_table *t)
{
    Py_ssize_t n = PyList_Size(stops);
    t->stops = PyMem_Calloc((size_t)n + 1, sizeof *t->stops);
    if (t->stops == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        t->stops[i] = (uint32_t)PyLong_AsUnsignedLong(PyList_GetItem(stops, i));
        if (PyErr_Occurred() != NULL) {
            return -1;
        }
    }
    t->n_stops = (uint32_t)n;
    return 0;
}

static PyObject *wrap_vocabulary(PyTypeObject *type, qn_vocabulary *handle, Py_ssize_t n_tokens)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_vocabulary *self = (py_vocabulary *)allocate(type, 0);
    if (self == NULL) {
        qn_vocabulary_free(handle);
        return NULL;
    }
    self->handle = handle;
    self->n_words = (n_tokens + 31) / 32;
    return (PyObject *)self;
}

static PyObject *new_vocabulary(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"tokens", "stops", NULL};
    PyObject *tokens;
    PyObject *stops;
    token_table t = {0};
    qn_vocabulary *handle = NULL;
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!", names, &PyList_Type, &tokens,
                                     &PyList_Type, &stops)) {
        return NULL;
    }
    PyObject *out = NULL;
    Py_ssize_t n = PyList_Size(tokens);
    if (take_tokens(tokens, &t) == 0 && take_stop_ids(stops, &t) == 0) {
        qn_status status = qn_vocabulary_create((uint32_t)n, t.bytes, t.offsets, t.special, t.stops,
                                                t.n_stops, &handle, &err);
        out = status != QN_OK ? py_raise(PyType_GetModuleState(type), &err)
                              : wrap_vocabulary(type, handle, n);
    }
    free_table(&t);
    return out;
}

PyObject *py_vocabulary_of_lm(py_module_state *module, qn_lm *lm)
{
    qn_vocabulary *handle;
    qn_error err;
    if (qn_lm_grammar_vocabulary(lm, &handle, &err) != QN_OK) {
        return py_raise(module, &err);
    }
    return wrap_vocabulary(module->vocabulary, handle, (Py_ssize_t)qn_lm_vocabulary(lm));
}

static void free_vocabulary(PyObject *self)
{
    qn_vocabulary_free(((py_vocabulary *)self)->handle);
    py_object_free(self);
}

static PyType_Slot VOCABULARY_SLOTS[] = {{Py_tp_new, (void *)new_vocabulary},
                                         {Py_tp_dealloc, (void *)free_vocabulary},
                                         {Py_tp_doc, "Vocabulary(tokens, stops)"},
                                         {0, NULL}};
static PyType_Spec VOCABULARY_SPEC = {"quince._quince.Vocabulary", sizeof(py_vocabulary), 0,
                                      Py_TPFLAGS_DEFAULT, VOCABULARY_SLOTS};

// ---- Matcher

static PyObject *wrap_matcher(PyTypeObject *type, qn_matcher *handle, PyObject *grammar,
                              PyObject *vocabulary)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_matcher *self = (py_matcher *)allocate(type, 0);
    if (self == NULL) {
        qn_matcher_free(handle);
        return NULL;
    }
    self->handle = handle;
    self->grammar = Py_NewRef(grammar);
    self->vocabulary = Py_NewRef(vocabulary);
    return (PyObject *)self;
}

static PyObject *new_matcher(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"grammar", "vocabulary", NULL};
    py_module_state *module = PyType_GetModuleState(type);
    PyObject *grammar;
    PyObject *vocabulary;
    qn_matcher *handle;
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!", names, module->grammar, &grammar,
                                     module->vocabulary, &vocabulary)) {
        return NULL;
    }
    if (qn_matcher_create(((py_grammar *)grammar)->handle, ((py_vocabulary *)vocabulary)->handle,
                          &handle, &err) != QN_OK) {
        return py_raise(module, &err);
    }
    return wrap_matcher(type, handle, grammar, vocabulary);
}

static void free_matcher(PyObject *object)
{
    py_matcher *self = (py_matcher *)object;
    qn_matcher_free(self->handle);
    Py_XDECREF(self->grammar);
    Py_XDECREF(self->vocabulary);
    py_object_free(object);
}

static PyObject *matcher_copy(PyObject *object, PyObject *unused)
{
    py_matcher *self = (py_matcher *)object;
    qn_matcher *handle;
    qn_error err;
    (void)unused;
    return qn_matcher_copy(self->handle, &handle, &err) != QN_OK
               ? py_raise(py_state_of(object), &err)
               : wrap_matcher(Py_TYPE(object), handle, self->grammar, self->vocabulary);
}

static PyObject *matcher_consume(PyObject *self, PyObject *ids)
{
    Py_buffer view;
    qn_tensor tensor;
    size_t taken = 0;
    qn_error err;
    if (py_tensor_in(ids, "ids", &view, &tensor) != 0) {
        return NULL;
    }
    bool fits = tensor.rank == 1 && tensor.dtype == QN_DTYPE_U32 &&
                (tensor.dims[0] < 2 || tensor.strides[0] == 1);
    qn_status status = fits ? qn_matcher_consume(((py_matcher *)self)->handle, tensor.data,
                                                 (size_t)tensor.dims[0], &taken, &err)
                            : QN_OK;
    PyBuffer_Release(&view);
    if (!fits) {
        return PyErr_Format(PyExc_TypeError, "ids must be one contiguous row of uint32");
    }
    return status != QN_OK ? py_raise(py_state_of(self), &err) : PyLong_FromSize_t(taken);
}

static PyObject *matcher_consume_text(PyObject *self, PyObject *args)
{
    const char *text;
    Py_ssize_t size;
    bool taken;
    qn_error err;
    if (!PyArg_ParseTuple(args, "s#", &text, &size)) {
        return NULL;
    }
    qn_status status = qn_matcher_consume_text(((py_matcher *)self)->handle, text, (size_t)size,
                                               &taken, &err);
    return status != QN_OK ? py_raise(py_state_of(self), &err) : PyBool_FromLong(taken);
}

static PyObject *matcher_rollback(PyObject *self, PyObject *count)
{
    qn_error err;
    size_t n = PyLong_AsSize_t(count);
    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    if (qn_matcher_rollback(((py_matcher *)self)->handle, n, &err) != QN_OK) {
        return py_raise(py_state_of(self), &err);
    }
    Py_RETURN_NONE;
}

static PyObject *matcher_reset(PyObject *self, PyObject *unused)
{
    (void)unused;
    qn_matcher_reset(((py_matcher *)self)->handle);
    Py_RETURN_NONE;
}

// mask(buffer): into a writable row of uint32.
static PyObject *matcher_mask(PyObject *object, PyObject *buffer)
{
    py_matcher *self = (py_matcher *)object;
    Py_buffer view;
    qn_error err;
    qn_status status = QN_OK;
    if (PyObject_GetBuffer(buffer, &view, PyBUF_CONTIG) != 0) {
        return NULL;
    }
    if (view.itemsize != 4) {
        PyBuffer_Release(&view);
        return PyErr_Format(PyExc_TypeError, "a mask is a contiguous row of uint32");
    }
    Py_BEGIN_ALLOW_THREADS status = qn_matcher_mask(self->handle, view.buf, (size_t)view.len / 4,
                                                    &err);
    Py_END_ALLOW_THREADS PyBuffer_Release(&view);
    if (status != QN_OK) {
        return py_raise(py_state_of(object), &err);
    }
    Py_RETURN_NONE;
}

static PyObject *matcher_words(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromSsize_t(((py_vocabulary *)((py_matcher *)object)->vocabulary)->n_words);
}

static PyObject *matcher_can_end(PyObject *self, PyObject *unused)
{
    bool can;
    qn_error err;
    (void)unused;
    return qn_matcher_can_end(((py_matcher *)self)->handle, &can, &err) != QN_OK
               ? py_raise(py_state_of(self), &err)
               : PyBool_FromLong(can);
}

typedef qn_status text_fn(qn_matcher *matcher, char *out, size_t limit, size_t *size,
                          qn_error *err);

static PyObject *text_from(PyObject *self, text_fn *get, size_t limit)
{
    size_t size = 0;
    qn_error err;
    char *text = PyMem_Malloc(limit + 1);
    if (text == NULL) {
        return PyErr_NoMemory();
    }
    qn_status status = get(((py_matcher *)self)->handle, text, limit, &size, &err);
    PyObject *out = status != QN_OK ? py_raise(py_state_of(self), &err)
                                    : PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "replace");
    PyMem_Free(text);
    return out;
}

static PyObject *matcher_forced(PyObject *self, PyObject *unused)
{
    (void)unused;
    return text_from(self, qn_matcher_forced, MAX_FORCED);
}

static PyObject *matcher_shortest(PyObject *self, PyObject *unused)
{
    (void)unused;
    return text_from(self, qn_matcher_shortest, MAX_COMPLETION);
}

static PyObject *matcher_completion(PyObject *self, PyObject *unused)
{
    size_t n = 0;
    qn_error err;
    uint32_t *tokens = PyMem_Malloc(MAX_COMPLETION_TOKENS * sizeof *tokens);
    (void)unused;
    if (tokens == NULL) {
        return PyErr_NoMemory();
    }
    qn_status status = qn_matcher_completion(((py_matcher *)self)->handle, tokens,
                                             MAX_COMPLETION_TOKENS, &n, &err);
    PyObject *out = status != QN_OK ? py_raise(py_state_of(self), &err) : PyList_New((Py_ssize_t)n);
    for (size_t i = 0; out != NULL && i < n; i++) {
        PyObject *id = PyLong_FromUnsignedLong(tokens[i]);
        if (id == NULL || PyList_SetItem(out, (Py_ssize_t)i, id) != 0) {
            Py_CLEAR(out);
        }
    }
    PyMem_Free(tokens);
    return out;
}

static PyObject *matcher_steer(PyObject *self, PyObject *args)
{
    unsigned int token;
    Py_ssize_t budget;
    qn_error err;
    if (!PyArg_ParseTuple(args, "In", &token, &budget)) {
        return NULL;
    }
    uint32_t taken = token;
    if (qn_matcher_steer(((py_matcher *)self)->handle, budget > 0 ? (size_t)budget : 0, &taken,
                         &err) != QN_OK) {
        return py_raise(py_state_of(self), &err);
    }
    if (taken == QN_NO_TOKEN) {
        Py_RETURN_NONE;
    }
    return PyLong_FromUnsignedLong(taken);
}

// The handles of a sequence of matchers; NULL with an exception. Free with PyMem_Free.
static qn_matcher **handles_of(PyObject *matchers, const py_module_state *state, Py_ssize_t n)
{
    qn_matcher **handles = PyMem_Calloc((size_t)n + 1, sizeof *handles);
    if (handles == NULL) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; handles != NULL && i < n; i++) {
        PyObject *matcher = PySequence_GetItem(matchers, i);
        bool right = matcher != NULL && PyObject_IsInstance(matcher, state->matcher) == 1;
        handles[i] = right ? ((py_matcher *)matcher)->handle : NULL;
        Py_XDECREF(matcher); // the sequence holds it
        if (!right) {
            PyErr_SetString(PyExc_TypeError, "masks takes Matcher objects");
            PyMem_Free(handles);
            handles = NULL;
        }
    }
    return handles;
}

// masks(matchers, buffer): a row of the buffer each.
static PyObject *matcher_masks(PyObject *type, PyObject *args)
{
    py_module_state *state = PyType_GetModuleState((PyTypeObject *)type);
    PyObject *matchers, *buffer;
    Py_buffer view;
    qn_error err;
    if (!PyArg_ParseTuple(args, "OO", &matchers, &buffer)) {
        return NULL;
    }
    Py_ssize_t n = PySequence_Size(matchers);
    if (n < 0 || PyObject_GetBuffer(buffer, &view, PyBUF_CONTIG) != 0) {
        return NULL;
    }
    qn_matcher **handles = handles_of(matchers, state, n);
    bool shaped = view.itemsize == 4 && (n == 0 || (view.len / 4) % n == 0);
    if (handles == NULL || !shaped) {
        if (handles != NULL) {
            PyErr_SetString(PyExc_TypeError, "masks are rows of uint32, one a matcher");
        }
        PyMem_Free(handles);
        PyBuffer_Release(&view);
        return NULL;
    }
    qn_status status;
    size_t n_words = n == 0 ? 0 : (size_t)(view.len / 4 / n);
    Py_BEGIN_ALLOW_THREADS status = qn_matcher_masks(handles, (size_t)n, view.buf, n_words, &err);
    Py_END_ALLOW_THREADS PyBuffer_Release(&view);
    PyMem_Free(handles);
    if (status != QN_OK) {
        return py_raise(state, &err);
    }
    Py_RETURN_NONE;
}

static PyMethodDef MATCHER_METHODS[] = {
    {"copy", matcher_copy, METH_NOARGS, "copy() -> Matcher"},
    {"reset", matcher_reset, METH_NOARGS, "reset()"},
    {"consume", matcher_consume, METH_O, "consume(uint32 ids) -> how many were taken"},
    {"consume_text", matcher_consume_text, METH_VARARGS, "consume_text(text) -> whether it fits"},
    {"rollback", matcher_rollback, METH_O, "rollback(n)"},
    {"mask", matcher_mask, METH_O, "mask(uint32 buffer)"},
    {"words", matcher_words, METH_NOARGS, "words(): of a mask"},
    {"can_end", matcher_can_end, METH_NOARGS, "can_end()"},
    {"forced", matcher_forced, METH_NOARGS, "forced() -> text"},
    {"shortest", matcher_shortest, METH_NOARGS, "shortest() -> text"},
    {"completion", matcher_completion, METH_NOARGS, "completion() -> ids"},
    {"steer", matcher_steer, METH_VARARGS, "steer(token, budget) -> the token that was taken"},
    {"masks", matcher_masks, METH_VARARGS | METH_CLASS, "masks(matchers, uint32 buffer)"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot MATCHER_SLOTS[] = {{Py_tp_new, (void *)new_matcher},
                                      {Py_tp_dealloc, (void *)free_matcher},
                                      {Py_tp_methods, MATCHER_METHODS},
                                      {Py_tp_doc, "Matcher(grammar, vocabulary)"},
                                      {0, NULL}};
static PyType_Spec MATCHER_SPEC = {"quince._quince.Matcher", sizeof(py_matcher), 0,
                                   Py_TPFLAGS_DEFAULT, MATCHER_SLOTS};

int py_add_grammar(PyObject *module, py_module_state *state)
{
    return py_add_type(module, &GRAMMAR_SPEC, &state->grammar) != 0 ||
                   py_add_type(module, &VOCABULARY_SPEC, &state->vocabulary) != 0 ||
                   py_add_type(module, &MATCHER_SPEC, &state->matcher) != 0
               ? -1
               : 0;
}
