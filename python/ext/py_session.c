// The classes LanguageModel and Session: include/quince/session.h as Python objects.
#include "py.h"

#include <string.h>

typedef struct py_lm {
    PyObject_HEAD qn_lm *handle;
} py_lm;

typedef struct py_session {
    PyObject_HEAD PyObject *lm;
    qn_session *handle;
    bool is_running;
} py_session;

// ---- LanguageModel

static PyObject *new_lm(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", "tokenizer", "threads", "precision", "cpu", NULL};
    PyObject *path = NULL;
    PyObject *tokenizer = NULL;
    Py_ssize_t threads = 0;
    qn_lm_options options = {0};
    qn_error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|Onzz", names, PyUnicode_FSConverter, &path,
                                     &tokenizer, &threads, &options.model.precision,
                                     &options.model.cpu)) {
        return NULL;
    }
    PyObject *tokenizer_path = NULL;
    if (tokenizer != NULL && tokenizer != Py_None &&
        !PyUnicode_FSConverter(tokenizer, &tokenizer_path)) {
        Py_DECREF(path);
        return NULL;
    }
    options.model.n_threads = threads > 0 ? (size_t)threads : 0;
    options.tokenizer = tokenizer_path != NULL ? PyBytes_AsString(tokenizer_path) : NULL;
    qn_lm *handle = NULL;
    const char *text = PyBytes_AsString(path);
    qn_status status;
    Py_BEGIN_ALLOW_THREADS status = qn_lm_open(text, &options, &handle, &err);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    Py_XDECREF(tokenizer_path);
    if (status != QN_OK) {
        return py_raise(PyType_GetModuleState(type), &err);
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_lm *self = (py_lm *)allocate(type, 0);
    if (self == NULL) {
        qn_lm_close(handle);
        return NULL;
    }
    self->handle = handle;
    return (PyObject *)self;
}

static void free_lm(PyObject *self)
{
    qn_lm_close(((py_lm *)self)->handle);
    py_object_free(self);
}

static PyObject *lm_facts(PyObject *self, PyObject *unused)
{
    (void)unused;
    const qn_lm *lm = ((py_lm *)self)->handle;
    return Py_BuildValue("(LLs)", (long long)qn_lm_vocabulary(lm),
                         (long long)qn_lm_context_length(lm), qn_lm_contract(lm));
}

static PyObject *lm_grammar_vocabulary(PyObject *self, PyObject *unused)
{
    (void)unused;
    return py_vocabulary_of_lm(py_state_of(self), ((py_lm *)self)->handle);
}

static PyMethodDef LM_METHODS[] = {
    {"grammar_vocabulary", lm_grammar_vocabulary, METH_NOARGS, "grammar_vocabulary()"},
    {"facts", lm_facts, METH_NOARGS, "facts() -> (vocabulary, context length, contract as JSON)"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot LM_SLOTS[] = {
    {Py_tp_new, (void *)new_lm},
    {Py_tp_dealloc, (void *)free_lm},
    {Py_tp_methods, LM_METHODS},
    {Py_tp_doc, "LanguageModel(path, tokenizer=None, threads=0, precision=None, cpu=None)"},
    {0, NULL}};
static PyType_Spec LM_SPEC = {"quince._quince.LanguageModel", sizeof(py_lm), 0, Py_TPFLAGS_DEFAULT,
                              LM_SLOTS};

// ---- Session

static PyObject *new_session(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"lm", "prefill_chunk", NULL};
    py_module_state *module = PyType_GetModuleState(type);
    PyObject *lm;
    long long chunk = 0;
    qn_error err;
    qn_session *handle;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|L", names, module->lm, &lm, &chunk)) {
        return NULL;
    }
    qn_session_options options = {.prefill_chunk = chunk};
    if (qn_session_create(((py_lm *)lm)->handle, &options, &handle, &err) != QN_OK) {
        return py_raise(module, &err);
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    py_session *self = (py_session *)allocate(type, 0);
    if (self == NULL) {
        qn_session_free(handle);
        return NULL;
    }
    Py_INCREF(lm);
    self->lm = lm;
    self->handle = handle;
    return (PyObject *)self;
}

static void free_session(PyObject *self)
{
    qn_session_free(((py_session *)self)->handle);
    Py_XDECREF(((py_session *)self)->lm);
    py_object_free(self);
}

// What one call works with. `stop` points into strings of Python's that `stops` keeps.
typedef struct answer_call {
    py_session *session;
    const char *text;   // of generate
    const int32_t *ids; // of generate_ids
    size_t n_ids;
    const char *messages; // of chat
    const char *tools;
    const char *variables;
    qn_generate_options options;
    PyObject *on_text;  // None: nobody listens, but Ctrl-C is still heard
    PyObject *on_event; // None: nobody listens
    const char **stop;
} answer_call;

// Calls `listener` (None: nobody) with what `made` is, which it takes over. False: it said so, or
// raised.
static bool call_listener(PyObject *listener, PyObject *made)
{
    PyObject *answer = made == NULL ? NULL : PyObject_CallFunctionObjArgs(listener, made, NULL);
    bool go_on = answer != NULL && (answer == Py_None || PyObject_IsTrue(answer) == 1);
    Py_XDECREF(made);
    Py_XDECREF(answer);
    return go_on;
}

static bool take_text(void *user, const char *text, size_t n_bytes)
{
    answer_call *call = user;
    PyGILState_STATE lock = PyGILState_Ensure();
    bool go_on = PyErr_CheckSignals() == 0;
    if (go_on && call->on_text != Py_None) {
        go_on = call_listener(call->on_text,
                              PyUnicode_DecodeUTF8(text, (Py_ssize_t)n_bytes, "replace"));
    }
    PyGILState_Release(lock);
    return go_on;
}

// (kind, text, index, id, name): what session.py makes OpenAI's pieces of.
static PyObject *event_tuple(const qn_event *e)
{
    static const char *const kinds[] = {
        [QN_EVENT_CONTENT] = "content",  [QN_EVENT_REASONING] = "reasoning",
        [QN_EVENT_CALL_BEGIN] = "begin", [QN_EVENT_ARGUMENTS] = "arguments",
        [QN_EVENT_CALL_END] = "end",     [QN_EVENT_CALL_FAILED] = "failed",
    };
    PyObject *text = PyUnicode_DecodeUTF8(e->text != NULL ? e->text : "", (Py_ssize_t)e->n_bytes,
                                          "replace");
    return text == NULL ? NULL
                        : Py_BuildValue("(sNnzz)", kinds[e->kind], text, (Py_ssize_t)e->index,
                                        e->id, e->name);
}

static bool take_event(void *user, const qn_event *event)
{
    answer_call *call = user;
    PyGILState_STATE lock = PyGILState_Ensure();
    bool go_on = PyErr_CheckSignals() == 0;
    if (go_on && call->on_event != Py_None) {
        go_on = call_listener(call->on_event, event_tuple(event));
    }
    PyGILState_Release(lock);
    return go_on;
}

// The strings of `stops` into `call`; they live as long as the tuple.
static int take_stops(answer_call *call, PyObject *stops)
{
    Py_ssize_t n = PyTuple_Size(stops);
    call->stop = PyMem_Calloc((size_t)n + 1, sizeof *call->stop);
    if (call->stop == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        call->stop[i] = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(stops, i), NULL);
        if (call->stop[i] == NULL) {
            return -1;
        }
    }
    call->options.stop = call->stop;
    call->options.n_stop = (size_t)n;
    return 0;
}

// (max_tokens, sample, temperature, top_k, top_p, min_p, seed, stop, ignore_eos,
// add_special_tokens, grammar, tool_choice, jump_ahead, on_text, on_event), as session.py packs
// them.
static int take_options(answer_call *call, PyObject *options)
{
    qn_generate_options *to = &call->options;
    long long max_tokens;
    long long top_k;
    unsigned long long seed;
    int ignore_eos;
    int special;
    int jump_ahead;
    PyObject *stops;
    PyObject *grammar;
    if (!PyArg_ParseTuple(options, "LidLddKO!ppOzpOO", &max_tokens, &to->sample, &to->temperature,
                          &top_k, &to->top_p, &to->min_p, &seed, &PyTuple_Type, &stops, &ignore_eos,
                          &special, &grammar, &to->tool_choice, &jump_ahead, &call->on_text,
                          &call->on_event)) {
        return -1;
    }
    if (grammar != Py_None) {
        if (!PyObject_TypeCheck(grammar, py_state_of((PyObject *)call->session)->grammar)) {
            PyErr_Format(PyExc_TypeError, "grammar must be a quince.Grammar");
            return -1;
        }
        to->grammar = ((py_grammar *)grammar)->handle;
    }
    to->max_tokens = max_tokens;
    to->top_k = top_k;
    to->seed = seed;
    to->ignore_eos = ignore_eos != 0;
    to->no_jump_ahead = jump_ahead == 0;
    to->add_special_tokens = special != 0;
    to->on_text = take_text;
    to->on_event = take_event;
    to->user = call;
    return take_stops(call, stops);
}

static PyObject *usage_of(const qn_result *result)
{
    qn_usage u;
    qn_result_usage(result, &u);
    return Py_BuildValue("{s:L,s:L,s:L,s:d,s:d,s:d,s:d,s:d,s:s}", "prompt_tokens",
                         (long long)u.prompt_tokens, "cached_tokens", (long long)u.cached_tokens,
                         "generated_tokens", (long long)u.generated_tokens, "ttft_ms", u.ttft_ms,
                         "prompt_ms", u.prompt_ms, "predicted_ms", u.predicted_ms,
                         "prompt_per_second", u.prompt_per_second, "predicted_per_second",
                         u.predicted_per_second, "timeline", u.timeline);
}

static PyObject *ids_of(const qn_result *result)
{
    size_t n;
    const int32_t *ids = qn_result_ids(result, &n);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyList_SetItem(list, (Py_ssize_t)i, PyLong_FromLong(ids[i]));
    }
    return list;
}

static PyObject *answer_of(const qn_result *result)
{
    return Py_BuildValue("{s:s,s:z,s:N,s:s,s:N}", "text", qn_result_text(result), "message",
                         qn_result_message(result), "ids", ids_of(result), "finish_reason",
                         qn_result_finish_reason(result), "usage", usage_of(result));
}

static qn_status run_call(const answer_call *call, qn_result **result, qn_error *err)
{
    qn_session *session = call->session->handle;
    return call->messages != NULL ? qn_session_chat(session, call->messages, call->tools,
                                                    call->variables, &call->options, result, err)
           : call->text != NULL
               ? qn_session_generate(session, call->text, &call->options, result, err)
               : qn_session_generate_ids(session, call->ids, call->n_ids, &call->options, result,
                                         err);
}

// A session is one thread's at a time; a second is told so.
static int enter(py_session *self)
{
    if (self->is_running) {
        PyErr_Format(PyExc_RuntimeError,
                     "the session is answering already; make one session for each thread");
        return -1;
    }
    self->is_running = true;
    return 0;
}

static PyObject *answer(answer_call *call, PyObject *options)
{
    py_session *self = call->session;
    PyObject *out = NULL;
    if (take_options(call, options) == 0 && enter(self) == 0) {
        qn_result *result = NULL;
        qn_error err;
        qn_status status;
        Py_BEGIN_ALLOW_THREADS status = run_call(call, &result, &err);
        Py_END_ALLOW_THREADS self->is_running = false;
        if (PyErr_Occurred() == NULL) { // an exception of on_text, or Ctrl-C, goes first
            out = status == QN_OK ? answer_of(result)
                                  : py_raise(py_state_of((PyObject *)self), &err);
        }
        qn_result_free(result);
    }
    PyMem_Free(call->stop);
    return out;
}

static PyObject *session_generate(PyObject *self, PyObject *args)
{
    answer_call call = {.session = (py_session *)self};
    PyObject *options;
    return PyArg_ParseTuple(args, "sO!", &call.text, &PyTuple_Type, &options)
               ? answer(&call, options)
               : NULL;
}

static PyObject *session_chat(PyObject *self, PyObject *args)
{
    answer_call call = {.session = (py_session *)self};
    PyObject *options;
    return PyArg_ParseTuple(args, "szzO!", &call.messages, &call.tools, &call.variables,
                            &PyTuple_Type, &options)
               ? answer(&call, options)
               : NULL;
}

// A one-dimensional contiguous buffer of int32.
static int take_ids(PyObject *object, Py_buffer *view, qn_tensor *ids)
{
    if (py_tensor_in(object, "ids", view, ids) != 0) {
        return -1;
    }
    if (ids->dtype != QN_DTYPE_I32 || ids->rank != 1 ||
        (ids->dims[0] > 1 && ids->strides[0] != 1)) {
        PyBuffer_Release(view);
        PyErr_Format(PyExc_TypeError, "ids must be one contiguous row of int32");
        return -1;
    }
    return 0;
}

static PyObject *session_generate_ids(PyObject *self, PyObject *args)
{
    answer_call call = {.session = (py_session *)self};
    PyObject *options;
    PyObject *object;
    Py_buffer view;
    qn_tensor ids;
    if (!PyArg_ParseTuple(args, "OO!", &object, &PyTuple_Type, &options) ||
        take_ids(object, &view, &ids) != 0) {
        return NULL;
    }
    call.ids = ids.data;
    call.n_ids = (size_t)ids.dims[0];
    PyObject *out = answer(&call, options);
    PyBuffer_Release(&view);
    return out;
}

static PyObject *logits_of(py_session *self, const qn_tensor *ids)
{
    int64_t dims[2] = {ids->dims[0], qn_lm_vocabulary(((py_lm *)self->lm)->handle)};
    qn_tensor logits = qn_tensor_make(QN_DTYPE_F32, 2, dims, NULL);
    PyObject *out = py_tensor_out(&logits);
    if (out == NULL || enter(self) != 0) {
        Py_XDECREF(out);
        return NULL;
    }
    py_tensor_of_out(out, &logits);
    qn_error err;
    qn_status status;
    Py_BEGIN_ALLOW_THREADS status = qn_session_logits(self->handle, ids->data, (size_t)dims[0],
                                                      logits.data, &err);
    Py_END_ALLOW_THREADS self->is_running = false;
    if (status != QN_OK) {
        Py_DECREF(out);
        return py_raise(py_state_of((PyObject *)self), &err);
    }
    return out;
}

static PyObject *session_logits(PyObject *self, PyObject *object)
{
    Py_buffer view;
    qn_tensor ids;
    if (take_ids(object, &view, &ids) != 0) {
        return NULL;
    }
    PyObject *out = logits_of((py_session *)self, &ids);
    PyBuffer_Release(&view);
    return out;
}

static PyObject *session_reset(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (enter((py_session *)self) != 0) {
        return NULL;
    }
    qn_session_reset(((py_session *)self)->handle);
    ((py_session *)self)->is_running = false;
    Py_RETURN_NONE;
}

static PyMethodDef SESSION_METHODS[] = {
    {"generate", session_generate, METH_VARARGS, "generate(text, options) -> dict"},
    {"generate_ids", session_generate_ids, METH_VARARGS, "generate_ids(ids, options) -> dict"},
    {"chat", session_chat, METH_VARARGS, "chat(messages, tools, variables, options) -> dict"},
    {"logits", session_logits, METH_O, "logits(ids) -> (dtype, shape, bytearray)"},
    {"reset", session_reset, METH_NOARGS, "reset(): forget the timeline"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot SESSION_SLOTS[] = {{Py_tp_new, (void *)new_session},
                                      {Py_tp_dealloc, (void *)free_session},
                                      {Py_tp_methods, SESSION_METHODS},
                                      {Py_tp_doc, "Session(lm, prefill_chunk=0)"},
                                      {0, NULL}};
static PyType_Spec SESSION_SPEC = {"quince._quince.Session", sizeof(py_session), 0,
                                   Py_TPFLAGS_DEFAULT, SESSION_SLOTS};

int py_add_session(PyObject *module, py_module_state *state)
{
    return py_add_type(module, &LM_SPEC, &state->lm) != 0 ||
                   py_add_type(module, &SESSION_SPEC, &state->session) != 0
               ? -1
               : 0;
}
