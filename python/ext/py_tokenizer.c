// The classes Tokenizer and EncodeStream: include/quince/tokenizer.h as Python objects.
#include "py.h"

#include <string.h>

typedef struct py_tokenizer {
    PyObject_HEAD qn_tokenizer *handle;
    qn_tokens *spare; // of the last call, or NULL; changes under the interpreter's lock
} py_tokenizer;

static qn_status take_tokens(py_tokenizer *self, qn_tokens **out, qn_error *err)
{
    *out = self->spare;
    self->spare = NULL;
    if (*out == NULL) {
        return qn_tokens_create(out, err);
    }
    qn_tokens_clear(*out);
    return QN_OK;
}

static void give_tokens(py_tokenizer *self, qn_tokens *tokens)
{
    size_t n = 0;
    bool keep = self->spare == NULL && tokens != NULL;
    if (keep) {
        qn_tokens_ids(tokens, &n);
    }
    if (keep && n < 1 << 16) { // a long text's stays nowhere
        self->spare = tokens;
    } else {
        qn_tokens_free(tokens);
    }
}

static PyObject *new_tokenizer(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", NULL};
    const char *path;
    qn_tokenizer *handle = NULL;
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s", names, &path)) {
        return NULL;
    }
    qn_status status;
    Py_BEGIN_ALLOW_THREADS status = qn_tokenizer_open(path, &handle, &err);
    Py_END_ALLOW_THREADS if (status != QN_OK)
    {
        return py_raise(PyType_GetModuleState(type), &err);
    }
    py_tokenizer *self = (py_tokenizer *)PyType_GenericAlloc(type, 0);
    if (self == NULL) {
        qn_tokenizer_close(handle);
        return NULL;
    }
    self->handle = handle;
    return (PyObject *)self;
}

static void free_tokenizer(PyObject *self)
{
    qn_tokens_free(((py_tokenizer *)self)->spare);
    qn_tokenizer_close(((py_tokenizer *)self)->handle);
    py_object_free(self);
}

// A text: str, or bytes of any kind. The memory is the object's. A str with lone surrogates has no
// UTF-8; it is read with U+FFFD in their places, and `*held` then owns the bytes.
static int take_text(PyObject *object, const char **text, size_t *size, PyObject **held)
{
    Py_ssize_t n;
    char *bytes;
    *held = NULL;
    if (PyUnicode_Check(object)) {
        *text = PyUnicode_AsUTF8AndSize(object, &n);
        if (*text != NULL) {
            *size = (size_t)n;
            return 0;
        }
        PyErr_Clear();
        *held = PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass");
        object = *held;
    }
    if (object == NULL || PyBytes_AsStringAndSize(object, &bytes, &n) != 0) {
        Py_CLEAR(*held);
        return -1;
    }
    *text = bytes;
    *size = (size_t)n;
    return 0;
}

// Whether the bytes that take_text gave are UTF-8 for sure: a str's own are.
static bool is_known_utf8(PyObject *object, const PyObject *held)
{
    return PyUnicode_Check(object) && held == NULL;
}

static PyObject *ids_out(const qn_tokens *tokens)
{
    size_t n;
    const int32_t *ids = qn_tokens_ids(tokens, &n);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *id = PyLong_FromLong(ids[i]);
        if (id == NULL || PyList_SetItem(list, (Py_ssize_t)i, id) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *spans_out(const qn_tokens *tokens)
{
    size_t n;
    qn_tokens_ids(tokens, &n);
    const qn_span *spans = qn_tokens_spans(tokens);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *span = Py_BuildValue("(nn)", (Py_ssize_t)spans[i].begin,
                                       (Py_ssize_t)spans[i].end);
        if (span == NULL || PyList_SetItem(list, (Py_ssize_t)i, span) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

// (ids, spans); takes the ids over, which may be NULL.
static PyObject *with_spans(PyObject *ids, const qn_tokens *tokens)
{
    PyObject *spans = ids != NULL ? spans_out(tokens) : NULL;
    PyObject *both = spans != NULL ? PyTuple_Pack(2, ids, spans) : NULL;
    Py_XDECREF(spans);
    Py_XDECREF(ids);
    return both;
}

// The rows as bytearrays of int32, without a Python object for each id.
static PyObject *array_out(const qn_tokens *tokens)
{
    size_t n;
    const int32_t *ids = qn_tokens_ids(tokens, &n);
    return PyByteArray_FromStringAndSize((const char *)ids, (Py_ssize_t)(n * sizeof *ids));
}

typedef struct encode_call {
    PyObject *text, *pair, *held, *held_pair;
    int special, plain, offsets, truncate, pad, array;
    Py_ssize_t most;
    qn_encode_options options;
    const char *bytes;
    size_t size;
} encode_call;

static void end_call(encode_call *c)
{
    Py_CLEAR(c->held);
    Py_CLEAR(c->held_pair);
}

static int begin_call(encode_call *c)
{
    c->options = (qn_encode_options){.add_special_tokens = c->special != 0,
                                     .plain_special = c->plain != 0,
                                     .offsets = c->offsets != 0,
                                     .truncate = c->truncate != 0,
                                     .pad = c->pad != 0,
                                     .max_tokens = (size_t)c->most};
    if (take_text(c->text, &c->bytes, &c->size, &c->held) != 0) {
        return -1;
    }
    c->options.known_utf8 = is_known_utf8(c->text, c->held);
    if (c->pair == NULL || c->pair == Py_None) {
        return 0;
    }
    if (take_text(c->pair, &c->options.pair, &c->options.pair_size, &c->held_pair) != 0) {
        end_call(c);
        return -1;
    }
    c->options.known_utf8 = c->options.known_utf8 && is_known_utf8(c->pair, c->held_pair);
    return 0;
}

static PyObject *encode(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"text",     "pair", "add_special_tokens", "plain_special", "offsets",
                            "truncate", "pad",  "max_tokens",         "array",         NULL};
    encode_call c = {0};
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|Opppppnp", names, &c.text, &c.pair,
                                     &c.special, &c.plain, &c.offsets, &c.truncate, &c.pad, &c.most,
                                     &c.array)) {
        return NULL;
    }
    if (c.most < 0) {
        return PyErr_Format(PyExc_ValueError, "max_tokens is %zd; at least 0", c.most);
    }
    if (begin_call(&c) != 0) {
        return NULL;
    }
    qn_tokens *tokens = NULL;
    qn_status status = take_tokens((py_tokenizer *)self, &tokens, &err);
    const qn_tokenizer *handle = ((py_tokenizer *)self)->handle;
    // Giving the lock away costs more than a short text takes.
    if (status == QN_OK && c.size < 4096) {
        status = qn_tokenizer_encode(handle, c.bytes, c.size, &c.options, tokens, &err);
    } else if (status == QN_OK) {
        Py_BEGIN_ALLOW_THREADS status = qn_tokenizer_encode(handle, c.bytes, c.size, &c.options,
                                                            tokens, &err);
        Py_END_ALLOW_THREADS
    }
    PyObject *result = status != QN_OK ? py_raise(py_state_of(self), &err)
                       : c.array       ? array_out(tokens)
                                       : ids_out(tokens);
    result = c.offsets ? with_spans(result, tokens) : result;
    give_tokens((py_tokenizer *)self, tokens);
    end_call(&c);
    return result;
}

// What a batch holds while it runs.
typedef struct batch {
    Py_ssize_t n;
    const char **texts;
    size_t *sizes;
    PyObject **held;
    qn_tokens **rows;
    bool known_utf8; // all of them
} batch;

static void end_batch(batch *b)
{
    for (Py_ssize_t i = 0; i < b->n; i++) {
        if (b->held != NULL) {
            Py_XDECREF(b->held[i]);
        }
        if (b->rows != NULL) {
            qn_tokens_free(b->rows[i]);
        }
    }
    PyMem_Free(b->texts);
    PyMem_Free(b->sizes);
    PyMem_Free(b->held);
    PyMem_Free(b->rows);
}

static int begin_batch(batch *b, PyObject *list)
{
    size_t n = (size_t)b->n + 1;
    b->texts = PyMem_Calloc(n, sizeof *b->texts);
    b->sizes = PyMem_Calloc(n, sizeof *b->sizes);
    b->held = PyMem_Calloc(n, sizeof *b->held);
    b->rows = PyMem_Calloc(n, sizeof *b->rows);
    if (b->texts == NULL || b->sizes == NULL || b->held == NULL || b->rows == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    b->known_utf8 = true;
    for (Py_ssize_t i = 0; i < b->n; i++) {
        PyObject *text = PyList_GetItem(list, i);
        if (text == NULL || take_text(text, &b->texts[i], &b->sizes[i], &b->held[i]) != 0) {
            return -1;
        }
        b->known_utf8 = b->known_utf8 && is_known_utf8(text, b->held[i]);
        if (qn_tokens_create(&b->rows[i], NULL) != QN_OK) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

// Each row is given back at once: what is made next may take its place.
static PyObject *batch_out(batch *b, bool array)
{
    PyObject *list = PyList_New(b->n);
    for (Py_ssize_t i = 0; list != NULL && i < b->n; i++) {
        PyObject *ids = array ? array_out(b->rows[i]) : ids_out(b->rows[i]);
        qn_tokens_free(b->rows[i]);
        b->rows[i] = NULL;
        if (ids == NULL || PyList_SetItem(list, i, ids) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *encode_batch(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"texts", "add_special_tokens", "plain_special", "truncate",
                            "pad",   "max_tokens",         "threads",       "array",
                            NULL};
    PyObject *list;
    int special = 0, plain = 0, truncate = 0, pad = 0, array = 0;
    Py_ssize_t most = 0, threads = 0;
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|ppppnnp", names, &PyList_Type, &list,
                                     &special, &plain, &truncate, &pad, &most, &threads, &array)) {
        return NULL;
    }
    if (most < 0 || threads < 0) {
        return PyErr_Format(PyExc_ValueError, "max_tokens is %zd, threads %zd; at least 0", most,
                            threads);
    }
    batch b = {.n = PyList_Size(list)};
    qn_encode_options options = {.add_special_tokens = special != 0,
                                 .plain_special = plain != 0,
                                 .truncate = truncate != 0,
                                 .pad = pad != 0,
                                 .max_tokens = (size_t)most};
    PyObject *result = NULL;
    if (begin_batch(&b, list) == 0) {
        options.known_utf8 = b.known_utf8;
        qn_status status;
        const qn_tokenizer *handle = ((py_tokenizer *)self)->handle;
        Py_BEGIN_ALLOW_THREADS status = qn_tokenizer_encode_batch(
            handle, b.texts, b.sizes, (size_t)b.n, &options, (size_t)threads, b.rows, &err);
        Py_END_ALLOW_THREADS result = status == QN_OK ? batch_out(&b, array != 0)
                                                      : py_raise(py_state_of(self), &err);
    }
    end_batch(&b);
    return result;
}

static PyObject *count(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"text",          "pair",       "add_special_tokens",
                            "plain_special", "max_tokens", NULL};
    encode_call c = {0};
    qn_error err;
    size_t n = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|Oppn", names, &c.text, &c.pair, &c.special,
                                     &c.plain, &c.most)) {
        return NULL;
    }
    if (c.most < 0) {
        return PyErr_Format(PyExc_ValueError, "max_tokens is %zd; at least 0", c.most);
    }
    if (begin_call(&c) != 0) {
        return NULL;
    }
    qn_status status;
    const qn_tokenizer *handle = ((py_tokenizer *)self)->handle;
    Py_BEGIN_ALLOW_THREADS status = qn_tokenizer_count(handle, c.bytes, c.size, &c.options, &n,
                                                       &err);
    Py_END_ALLOW_THREADS end_call(&c);
    return status == QN_OK ? PyLong_FromSize_t(n) : py_raise(py_state_of(self), &err);
}

static int32_t id_of(long id)
{
    return id >= 0 && id <= INT32_MAX ? (int32_t)id : -1;
}

// The ids of a list of plain numbers. False, without an error, when it is something else: numbers
// of other kinds run code of theirs.
static bool take_plain_ids(PyObject *list, int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        PyObject *number = PyList_GetItem(list, (Py_ssize_t)i);
        if (number == NULL || !PyLong_CheckExact(number)) {
            PyErr_Clear();
            return false;
        }
        long id = PyLong_AsLong(number);
        if (id == -1) {
            PyErr_Clear();
            return false;
        }
        ids[i] = id_of(id);
    }
    return true;
}

static bool take_numbers(PyObject *list, int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        PyObject *number = PyNumber_Index(PyList_GetItem(list, (Py_ssize_t)i));
        long id = number != NULL ? PyLong_AsLong(number) : -1;
        Py_XDECREF(number);
        if (id == -1 && PyErr_Occurred() != NULL) {
            return false;
        }
        ids[i] = id_of(id);
    }
    return true;
}

// The ids of any sequence; PyMem_Free them.
static int32_t *take_ids(PyObject *object, size_t *n)
{
    PyObject *list = PyList_CheckExact(object) ? Py_NewRef(object) : PySequence_List(object);
    if (list == NULL) {
        return NULL;
    }
    *n = (size_t)PyList_Size(list);
    int32_t *ids = PyMem_Malloc((*n + 1) * sizeof *ids);
    if (ids == NULL) {
        PyErr_NoMemory();
    } else if (!take_plain_ids(list, ids, *n)) {
        PyObject *copy = PySequence_List(list); // which no code of a number's changes
        bool taken = copy != NULL && (size_t)PyList_Size(copy) == *n && take_numbers(copy, ids, *n);
        Py_XDECREF(copy);
        if (!taken) {
            PyMem_Free(ids);
            ids = NULL;
        }
    }
    Py_DECREF(list);
    return ids;
}

static PyObject *decode(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"ids", "skip_special_tokens", "clean_up", NULL};
    PyObject *object;
    int skip = 0, clean = 0;
    size_t n, size;
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|pp", names, &object, &skip, &clean)) {
        return NULL;
    }
    int32_t *ids = take_ids(object, &n);
    if (ids == NULL) {
        return NULL;
    }
    char *text = NULL;
    qn_decode_options options = {.skip_special_tokens = skip != 0, .clean_up = clean != 0};
    qn_status status = qn_tokenizer_decode(((py_tokenizer *)self)->handle, ids, n, &options, &text,
                                           &size, &err);
    PyMem_Free(ids);
    PyObject *result = status == QN_OK ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "replace")
                                       : py_raise(py_state_of(self), &err);
    qn_free(text);
    return result;
}

static PyObject *token(PyObject *self, PyObject *args)
{
    long id;
    size_t n;
    if (!PyArg_ParseTuple(args, "l", &id)) {
        return NULL;
    }
    const char *text = id < 0 || id > INT32_MAX
                           ? NULL
                           : qn_tokenizer_token(((py_tokenizer *)self)->handle, (int32_t)id, &n);
    if (text == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "replace");
}

// The bytes of each token by id; None for special ones and where an id stands for nothing.
static PyObject *token_bytes(PyObject *self, PyObject *args)
{
    (void)args;
    const qn_tokenizer *t = ((py_tokenizer *)self)->handle;
    size_t n = qn_tokenizer_vocabulary_size(t);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        size_t size = 0;
        const char *bytes = qn_tokenizer_is_special(t, (int32_t)i)
                                ? NULL
                                : qn_tokenizer_token_bytes(t, (int32_t)i, &size);
        PyObject *item = bytes != NULL ? PyBytes_FromStringAndSize(bytes, (Py_ssize_t)size)
                                       : Py_NewRef(Py_None);
        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *find(PyObject *self, PyObject *args)
{
    const char *text;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "s#", &text, &n)) {
        return NULL;
    }
    int32_t id = qn_tokenizer_find(((py_tokenizer *)self)->handle, text, (size_t)n);
    if (id < 0) {
        Py_RETURN_NONE;
    }
    return PyLong_FromLong(id);
}

static PyObject *is_special(PyObject *self, PyObject *args)
{
    int id;
    if (!PyArg_ParseTuple(args, "i", &id)) {
        return NULL;
    }
    return PyBool_FromLong(qn_tokenizer_is_special(((py_tokenizer *)self)->handle, id));
}

static PyObject *ends(PyObject *self, PyObject *args)
{
    (void)args;
    size_t n;
    const py_tokenizer *t = (py_tokenizer *)self;
    const int32_t *eos = qn_tokenizer_eos(t->handle, &n);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *id = PyLong_FromLong(eos[i]);
        if (id == NULL || PyList_SetItem(list, (Py_ssize_t)i, id) != 0) {
            Py_CLEAR(list);
        }
    }
    return list == NULL ? NULL
                        : Py_BuildValue("(iNn)", (int)qn_tokenizer_bos(t->handle), list,
                                        (Py_ssize_t)qn_tokenizer_vocabulary_size(t->handle));
}

static PyMethodDef methods[] = {
    {"encode", (PyCFunction)(void (*)(void))encode, METH_VARARGS | METH_KEYWORDS, NULL},
    {"encode_batch", (PyCFunction)(void (*)(void))encode_batch, METH_VARARGS | METH_KEYWORDS, NULL},
    {"count", (PyCFunction)(void (*)(void))count, METH_VARARGS | METH_KEYWORDS, NULL},
    {"decode", (PyCFunction)(void (*)(void))decode, METH_VARARGS | METH_KEYWORDS, NULL},
    {"token", token, METH_VARARGS, NULL},
    {"token_bytes", token_bytes, METH_NOARGS, NULL},
    {"find", find, METH_VARARGS, NULL},
    {"is_special", is_special, METH_VARARGS, NULL},
    {"ends", ends, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_tokenizer},
    {Py_tp_dealloc, (void *)free_tokenizer},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "quince._quince.Tokenizer",
    .basicsize = sizeof(py_tokenizer),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

// ---- Texts in parts

typedef struct py_encode_stream {
    PyObject_HEAD PyObject *tokenizer; // that the handle needs
    qn_encode_stream *handle;
    qn_tokens *tokens; // of one call
    bool offsets, busy;
} py_encode_stream;

static PyObject *new_stream(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"tokenizer", "add_special_tokens", "plain_special", "offsets", NULL};
    PyObject *tokenizer;
    int special = 0, plain = 0, offsets = 0;
    py_module_state *module = PyType_GetModuleState(type);
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|ppp", names, module->tokenizer, &tokenizer,
                                     &special, &plain, &offsets)) {
        return NULL;
    }
    py_encode_stream *self = (py_encode_stream *)PyType_GenericAlloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    qn_encode_options options = {
        .add_special_tokens = special != 0, .plain_special = plain != 0, .offsets = offsets != 0};
    self->offsets = offsets != 0;
    self->tokenizer = Py_NewRef(tokenizer);
    qn_status status = qn_tokens_create(&self->tokens, &err);
    status = status == QN_OK ? qn_encode_stream_create(((py_tokenizer *)tokenizer)->handle,
                                                       &options, &self->handle, &err)
                             : status;
    if (status != QN_OK) {
        Py_DECREF(self);
        return py_raise(module, &err);
    }
    return (PyObject *)self;
}

static void free_stream(PyObject *object)
{
    py_encode_stream *self = (py_encode_stream *)object;
    qn_encode_stream_free(self->handle);
    qn_tokens_free(self->tokens);
    Py_CLEAR(self->tokenizer);
    py_object_free(object);
}

// Two threads at once are an error, as the lock may be given away meanwhile.
static int enter(py_encode_stream *s)
{
    if (s->busy) {
        PyErr_SetString(PyExc_RuntimeError, "the stream is in use by another thread");
        return -1;
    }
    s->busy = true;
    qn_tokens_clear(s->tokens);
    return 0;
}

static PyObject *leave(py_encode_stream *s, qn_status status, const qn_error *err)
{
    PyObject *ids = status == QN_OK ? ids_out(s->tokens)
                                    : py_raise(py_state_of((PyObject *)s), err);
    PyObject *result = s->offsets ? with_spans(ids, s->tokens) : ids;
    s->busy = false;
    return result;
}

static PyObject *push_text(PyObject *self, PyObject *text)
{
    py_encode_stream *s = (py_encode_stream *)self;
    const char *bytes;
    size_t size;
    PyObject *held;
    qn_status status;
    qn_error err;
    if (take_text(text, &bytes, &size, &held) != 0) {
        return NULL;
    }
    if (enter(s) != 0) {
        Py_XDECREF(held);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = qn_encode_stream_push(s->handle, bytes, size, s->tokens, &err);
    Py_END_ALLOW_THREADS Py_XDECREF(held);
    return leave(s, status, &err);
}

typedef qn_status end_fn(qn_encode_stream *stream, qn_tokens *tokens, qn_error *err);

static PyObject *end_text(PyObject *self, end_fn *end)
{
    py_encode_stream *s = (py_encode_stream *)self;
    qn_error err;
    return enter(s) != 0 ? NULL : leave(s, end(s->handle, s->tokens, &err), &err);
}

static PyObject *peek_text(PyObject *self, PyObject *args)
{
    (void)args;
    return end_text(self, qn_encode_stream_peek);
}

static PyObject *flush_text(PyObject *self, PyObject *args)
{
    (void)args;
    return end_text(self, qn_encode_stream_flush);
}

static PyMethodDef stream_methods[] = {
    {"push", push_text, METH_O, NULL},
    {"peek", peek_text, METH_NOARGS, NULL},
    {"flush", flush_text, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot stream_slots[] = {
    {Py_tp_new, (void *)new_stream},
    {Py_tp_dealloc, (void *)free_stream},
    {Py_tp_methods, stream_methods},
    {0, NULL},
};

static PyType_Spec stream_spec = {
    .name = "quince._quince.EncodeStream",
    .basicsize = sizeof(py_encode_stream),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = stream_slots,
};

int py_add_tokenizer(PyObject *module, py_module_state *state)
{
    return py_add_type(module, &spec, &state->tokenizer) != 0
               ? -1
               : py_add_type(module, &stream_spec, &state->encode_stream);
}
