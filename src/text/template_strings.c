// Python's methods of strings that templates use, beyond those in template_functions.c.
#include "base/alloc.h"
#include "text/template_call.h"

#include <ctype.h>
#include <string.h>

static const char *own(const qni_call *c)
{
    return json_string_value(c->self);
}

static json_int_t characters_before(const char *text, const char *at)
{
    json_int_t n = 0;
    for (; text < at; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

static const char *find_last(const char *text, const char *what)
{
    const char *found = NULL;
    for (const char *at = strstr(text, what); at != NULL && *at != '\0';
         at = strstr(at + 1, what)) {
        found = at;
    }
    return found;
}

static qn_status place(const qni_call *c, bool last, bool must, json_t **out)
{
    const char *what = qni_call_text(c, 0, "sub", "");
    const char *found = last ? find_last(own(c), what) : strstr(own(c), what);
    if (found == NULL && must) {
        return qni_call_fail(c, "there is no ", what);
    }
    return qni_call_give(c, json_integer(found != NULL ? characters_before(own(c), found) : -1),
                         out);
}

static qn_status m_find(const qni_call *c, json_t **out)
{
    return place(c, false, false, out);
}
static qn_status m_rfind(const qni_call *c, json_t **out)
{
    return place(c, true, false, out);
}
static qn_status m_index(const qni_call *c, json_t **out)
{
    return place(c, false, true, out);
}
static qn_status m_rindex(const qni_call *c, json_t **out)
{
    return place(c, true, true, out);
}

static qn_status m_count(const qni_call *c, json_t **out)
{
    const char *what = qni_call_text(c, 0, "sub", "");
    size_t n = strlen(what);
    json_int_t count = 0;
    if (n == 0) {
        return qni_call_give(c, json_integer((json_int_t)qni_template_length(c->self) + 1), out);
    }
    for (const char *at = strstr(own(c), what); at != NULL; at = strstr(at + n, what)) {
        count++;
    }
    return qni_call_give(c, json_integer(count), out);
}

static qn_status is_all(const qni_call *c, int (*is)(int), json_t **out)
{
    bool all = own(c)[0] != '\0';
    for (const char *at = own(c); *at != '\0'; at++) {
        all = all && is((unsigned char)*at) != 0;
    }
    return qni_call_give(c, json_boolean(all), out);
}

static qn_status m_isdigit(const qni_call *c, json_t **out)
{
    return is_all(c, isdigit, out);
}
static qn_status m_isalpha(const qni_call *c, json_t **out)
{
    return is_all(c, isalpha, out);
}
static qn_status m_isalnum(const qni_call *c, json_t **out)
{
    return is_all(c, isalnum, out);
}
static qn_status m_isspace(const qni_call *c, json_t **out)
{
    return is_all(c, isspace, out);
}

static qn_status m_removeprefix(const qni_call *c, json_t **out)
{
    const char *prefix = qni_call_text(c, 0, "prefix", "");
    size_t n = strlen(prefix);
    return qni_call_give(c, json_string(own(c) + (strncmp(own(c), prefix, n) == 0 ? n : 0)), out);
}

static qn_status m_removesuffix(const qni_call *c, json_t **out)
{
    const char *suffix = qni_call_text(c, 0, "suffix", "");
    size_t n = strlen(own(c)), m = strlen(suffix);
    bool ends = n >= m && strcmp(own(c) + n - m, suffix) == 0;
    return qni_call_give(c, json_stringn(own(c), ends ? n - m : n), out);
}

static qn_status m_splitlines(const qni_call *c, json_t **out)
{
    const char *at = own(c);
    QNI_TRY(qni_call_give(c, json_array(), out));
    while (*at != '\0') {
        size_t n = strcspn(at, "\r\n");
        (void)json_array_append_new(*out, json_stringn(at, n));
        at += n;
        at += at[0] == '\r' && at[1] == '\n' ? 2 : at[0] != '\0';
    }
    return QN_OK;
}

static qn_status m_rsplit(const qni_call *c, json_t **out)
{
    const char *by = qni_call_text(c, 0, "sep", NULL);
    const json_t *most = qni_call_argument(c, 1, "maxsplit");
    json_int_t left = json_is_integer(most) ? json_integer_value(most) : -1;
    size_t end = strlen(own(c));
    if (by == NULL || by[0] == '\0') {
        return qni_call_fail(c, "rsplit needs a separator", "");
    }
    QNI_TRY(qni_call_give(c, json_array(), out));
    size_t n = strlen(by);
    for (size_t at = end; left != 0 && at-- > 0;) {
        if (at + n <= end && memcmp(own(c) + at, by, n) == 0) {
            (void)json_array_insert_new(*out, 0, json_stringn(own(c) + at + n, end - at - n));
            end = at;
            left--;
        }
    }
    (void)json_array_insert_new(*out, 0, json_stringn(own(c), end));
    return QN_OK;
}

static qn_status part(const qni_call *c, bool last, json_t **out)
{
    const char *by = qni_call_text(c, 0, "sep", "");
    const char *found = by[0] == '\0' ? NULL : last ? find_last(own(c), by) : strstr(own(c), by);
    if (found == NULL) {
        return qni_call_give(c,
                             last ? json_pack("[s, s, s]", "", "", own(c))
                                  : json_pack("[s, s, s]", own(c), "", ""),
                             out);
    }
    return qni_call_give(c,
                         json_pack("[o, s, s]", json_stringn(own(c), (size_t)(found - own(c))), by,
                                   found + strlen(by)),
                         out);
}

static qn_status m_partition(const qni_call *c, json_t **out)
{
    return part(c, false, out);
}
static qn_status m_rpartition(const qni_call *c, json_t **out)
{
    return part(c, true, out);
}

static qn_status fill(const qni_call *c, bool left, json_t **out)
{
    const json_t *width = qni_call_argument(c, 0, "width");
    const char *with = qni_call_text(c, 1, "fillchar", " ");
    json_int_t more = json_integer_value(width) - (json_int_t)qni_template_length(c->self);
    qni_buf buf;
    if (more > 0 && (size_t)more > c->e->limits.output_bytes) {
        return qni_call_fail(c, "a width that is too large", "");
    }
    qni_buf_begin(&buf, c->e->limits.output_bytes, "output bytes of a template");
    qn_status status = left ? QN_OK : qni_buf_add_text(&buf, own(c), c->e->err);
    for (; more > 0 && status == QN_OK; more--) {
        status = qni_buf_add_text(&buf, with, c->e->err);
    }
    status = left && status == QN_OK ? qni_buf_add_text(&buf, own(c), c->e->err) : status;
    status = status == QN_OK ? qni_call_give(c, json_stringn(buf.data, buf.size), out) : status;
    qni_buf_end(&buf);
    return status;
}

static qn_status m_ljust(const qni_call *c, json_t **out)
{
    return fill(c, false, out);
}
static qn_status m_rjust(const qni_call *c, json_t **out)
{
    return fill(c, true, out);
}

static qn_status m_zfill(const qni_call *c, json_t **out)
{
    json_int_t more = json_integer_value(qni_call_argument(c, 0, "width")) -
                      (json_int_t)qni_template_length(c->self);
    bool sign = own(c)[0] == '-' || own(c)[0] == '+';
    if (more > 1024) {
        return qni_call_fail(c, "a width that is too large", "");
    }
    char zeros[1025];
    memset(zeros, '0', sizeof zeros);
    return qni_call_give(c,
                         json_sprintf("%.*s%.*s%s", (int)sign, own(c), (int)(more > 0 ? more : 0),
                                      zeros, own(c) + sign),
                         out);
}

const qni_call_row qni_string_methods[] = {
    {"zfill", m_zfill},
    {"find", m_find},
    {"rfind", m_rfind},
    {"index", m_index},
    {"rindex", m_rindex},
    {"count", m_count},
    {"isdigit", m_isdigit},
    {"isnumeric", m_isdigit},
    {"isdecimal", m_isdigit},
    {"isalpha", m_isalpha},
    {"isalnum", m_isalnum},
    {"isspace", m_isspace},
    {"removeprefix", m_removeprefix},
    {"removesuffix", m_removesuffix},
    {"splitlines", m_splitlines},
    {"rsplit", m_rsplit},
    {"partition", m_partition},
    {"rpartition", m_rpartition},
    {"ljust", m_ljust},
    {"rjust", m_rjust},
    {NULL, NULL},
};
