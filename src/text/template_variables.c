// What the caller gives to a template, made ready as transformers does before it renders, and what
// it does behind: the final message can be left open, to be continued.
#include "text/template_run.h"

#include "text/template_lex.h"

#include <string.h>

static const char *const reasoning_names[] = {"reasoning_content", "thinking", "reasoning", NULL};

// What stands behind the text that is to be continued while the template runs. White space at its
// end tells whether the template strips messages.
static const char tag[] = "CONTINUE_FINAL_MESSAGE_TAG ";
enum { TAG_BYTES = sizeof tag - 1 };

static qni_value *get(const qni_dict *d, const char *name)
{
    qni_value *found = qni_dict_get(d, name, strlen(name));
    return found != NULL && found->kind != QNI_NONE ? found : NULL;
}

static bool put(qni_run *r, qni_dict *d, const char *name, qni_value *value)
{
    return qni_dict_put(r, d, qni_text_at(r, name, strlen(name)), value);
}

// The reasoning of a message goes by all of its names.
static bool take_reasoning(qni_run *r, qni_value **message)
{
    const qni_dict *d = (*message)->as.dict;
    qni_value *reasoning = NULL;
    for (size_t i = 0; reasoning == NULL && reasoning_names[i] != NULL; i++) {
        reasoning = get(d, reasoning_names[i]);
    }
    if (reasoning == NULL) {
        return true;
    }
    qni_value *made = qni_dict_new(r, QNI_DICT);
    bool fine = made != NULL && put(r, made->as.dict, "thinking", reasoning);
    for (size_t i = 0; fine && i < d->n; i++) {
        fine = qni_dict_put(r, made->as.dict, d->keys[i], d->values[i]);
    }
    *message = made;
    return fine && put(r, made->as.dict, "reasoning_content", reasoning);
}

static bool need_mappings(qni_run *r, const char *name)
{
    const qni_value *list = get(r->context, name);
    for (size_t i = 0; list != NULL && list->kind == QNI_LIST && i < list->as.list.n; i++) {
        if (list->as.list.items[i]->kind != QNI_DICT) {
            return qni_raise(r, "%s have to be mappings, and one is a %s", name,
                             qni_kind_name(list->as.list.items[i])) != NULL;
        }
    }
    return true;
}

// ---- Continuing the final message

static bool add_tag(qni_run *r, qni_dict *d, const char *name)
{
    qni_value *text = get(d, name), *end = qni_text_at(r, tag, TAG_BYTES);
    if (text == NULL || text->kind != QNI_TEXT) {
        return qni_raise(r, "only a text can be continued, and %s is none", name) != NULL;
    }
    return end != NULL && put(r, d, name, qni_join(r, text, end));
}

// The last part that has a text.
static bool open_parts(qni_run *r, const qni_value *parts)
{
    for (size_t i = parts->as.list.n; i-- > 0;) {
        const qni_value *part = parts->as.list.items[i];
        if (part->kind == QNI_DICT && qni_dict_get(part->as.dict, "text", 4) != NULL) {
            r->continued = get(part->as.dict, "text");
            return add_tag(r, part->as.dict, "text");
        }
    }
    return qni_raise(r, "the final message has no text that could be continued") != NULL;
}

// The names under which the text stands: of a reasoning all that have the same one. -1: failed.
static int names_of(qni_run *r, const qni_dict *d, const char *field, qni_value *value,
                    const char *names[3])
{
    int n = 0;
    bool same = false;
    for (size_t i = 0; reasoning_names[i] != NULL; i++) {
        same = same || strcmp(reasoning_names[i], field) == 0;
    }
    if (!same) {
        names[n++] = field;
        return n;
    }
    for (size_t i = 0; reasoning_names[i] != NULL; i++) {
        qni_value *other = get(d, reasoning_names[i]);
        same = other == value;
        if (other != NULL && !same && !qni_equal(r, other, value, &same)) {
            return -1;
        }
        if (same) {
            names[n++] = reasoning_names[i];
        }
    }
    return n;
}

static bool open_message(qni_run *r, qni_dict *d, const char *field)
{
    const char *names[3];
    bool read = false;
    r->continued = get(d, field);
    if (r->continued == NULL) {
        return qni_raise(r, "the final message has no %s that could be continued", field) != NULL;
    }
    int n = names_of(r, d, field, r->continued, names);
    for (int i = 0; i < n; i++) {
        read = read || strstr(r->t->source, names[i]) != NULL;
    }
    if (n >= 0 && !read) {
        return qni_raise(r, "the template does not read %s, which is to be continued", field) !=
               NULL;
    }
    if (r->continued->kind == QNI_LIST) {
        return n >= 0 && open_parts(r, r->continued);
    }
    bool fine = n >= 0;
    for (int i = 0; fine && i < n; i++) {
        fine = add_tag(r, d, names[i]);
    }
    return fine;
}

static bool begin_continued(qni_run *r, qni_value *how, const qni_value *messages)
{
    char field[64] = "content";
    if (messages == NULL || messages->kind != QNI_LIST || messages->as.list.n == 0) {
        return qni_raise(r, "there is no final message to be continued") != NULL;
    }
    if (how->kind == QNI_TEXT) {
        if (how->as.text.n >= sizeof field) {
            return qni_raise(r, "the name of what is to be continued is too long") != NULL;
        }
        memcpy(field, how->as.text.at, how->as.text.n);
        field[how->as.text.n] = '\0';
    }
    return open_message(r, messages->as.list.items[messages->as.list.n - 1]->as.dict, field);
}

static const char *find_last(const char *text, size_t n, const char *what, size_t m)
{
    const char *last = NULL;
    for (const char *at = text; (at = memmem(at, n - (size_t)(at - text), what, m)) != NULL; at++) {
        last = at;
    }
    return last;
}

bool qni_end_continued(qni_run *r)
{
    if (r->continued == NULL) {
        return true;
    }
    const char *text = r->out->data != NULL ? r->out->data + r->out_begin : "";
    size_t n = r->out->size - r->out_begin;
    const char *wanted = r->continued->as.text.at;
    size_t m = qni_python_rstrip(wanted, r->continued->as.text.n);
    for (size_t space; m > 0 && (space = qni_python_space(wanted, m)) > 0; m -= space) {
        wanted += space;
    }
    const char *end = find_last(text, n, tag, TAG_BYTES - 1);
    if (end == NULL || memmem(text, n, wanted, m) == NULL) {
        return qni_raise(r, "the template does not write the final message as it is, so that it "
                            "cannot be continued") != NULL;
    }
    size_t size = (size_t)(end - text);
    bool whole = n - size >= TAG_BYTES && end[TAG_BYTES - 1] == tag[TAG_BYTES - 1];
    r->out->size = r->out_begin + (whole ? size : qni_python_rstrip(text, size));
    r->out->data[r->out->size] = '\0';
    return true;
}

bool qni_take_variables(qni_run *r, const json_t *variables)
{
    const char *key;
    json_t *item;
    qni_value *context = qni_dict_new(r, QNI_DICT), *how = NULL;
    if (context == NULL || !json_is_object(variables)) {
        return context != NULL && qni_raise(r, "the variables are no mapping") != NULL;
    }
    r->context = context->as.dict;
    json_object_foreach ((json_t *)(uintptr_t)variables, key, item) {
        qni_value *value = qni_from_json(r, item);
        if (value != NULL && strcmp(key, "continue_final_message") == 0) {
            how = value;
        } else if (!put(r, r->context, key, value)) {
            return false;
        }
    }
    if (!need_mappings(r, "messages") || !need_mappings(r, "tools") ||
        !need_mappings(r, "documents")) {
        return false;
    }
    const qni_value *messages = get(r->context, "messages");
    for (size_t i = 0; messages != NULL && messages->kind == QNI_LIST && i < messages->as.list.n;
         i++) {
        if (!take_reasoning(r, &messages->as.list.items[i])) {
            return false;
        }
    }
    return how == NULL || !qni_is_true(r, how) || begin_continued(r, how, messages);
}
