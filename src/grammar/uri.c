#include "grammar/uri.h"

#include "base/hex.h"

#include <stdbool.h>
#include <string.h>

// The parts of a reference; each is empty or starts with its delimiter, so that joining them gives
// the text back.
typedef struct parts {
    const char *scheme, *authority, *path, *query, *fragment;
    size_t n_scheme, n_authority, n_path, n_query, n_fragment;
} parts;

static size_t scheme_length(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z')) {
        i++;
    }
    while (i > 0 && i < n &&
           (((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z') ||
            (text[i] >= '0' && text[i] <= '9') || memchr("+-.", text[i], 3) != NULL)) {
        i++;
    }
    return i > 0 && i < n && text[i] == ':' ? i + 1 : 0;
}

static size_t span_until(const char *text, size_t n, const char *ends)
{
    size_t i = 0;
    while (i < n && strchr(ends, text[i]) == NULL) {
        i++;
    }
    return i;
}

static parts split(const char *text, size_t n)
{
    parts p = {.scheme = text, .n_scheme = scheme_length(text, n)};
    text += p.n_scheme;
    n -= p.n_scheme;
    p.authority = text;
    if (n >= 2 && text[0] == '/' && text[1] == '/') {
        p.n_authority = 2 + span_until(text + 2, n - 2, "/?#");
    }
    text += p.n_authority;
    n -= p.n_authority;
    p.path = text;
    p.n_path = span_until(text, n, "?#");
    text += p.n_path;
    n -= p.n_path;
    p.query = text;
    p.n_query = n > 0 && text[0] == '?' ? span_until(text, n, "#") : 0;
    p.fragment = text + p.n_query;
    p.n_fragment = n - p.n_query;
    return p;
}

// Section 5.2.4, on `path` in place; returns the new length.
static size_t remove_dots(char *path, size_t n)
{
    size_t out = 0, i = 0;
    while (i < n) {
        size_t next = i + 1;
        while (next < n && path[next] != '/') {
            next++;
        }
        size_t length = next - i;
        bool one = length == 2 && memcmp(path + i, "/.", 2) == 0;
        bool two = length == 3 && memcmp(path + i, "/..", 3) == 0;
        if (two) {
            while (out > 0 && path[out - 1] != '/') {
                out--;
            }
            out -= out > 0;
        }
        if (one || two) {
            if (next == n) {
                path[out++] = '/';
            }
        } else {
            memmove(path + out, path + i, length);
            out += length;
        }
        i = next;
    }
    return out;
}

static size_t put(char *out, size_t at, const char *text, size_t n)
{
    if (n != 0) {
        memcpy(out + at, text, n);
    }
    return at + n;
}

const char *qni_uri_resolve(qni_arena *arena, const char *base, const char *reference, size_t n)
{
    parts r = split(reference, n), b = split(base, strlen(base));
    char *out = qni_arena_alloc(arena, strlen(base) + n + 3);
    if (out == NULL) {
        return NULL;
    }
    if (r.n_scheme != 0) {
        memcpy(out, reference, n);
        return out;
    }
    size_t at = put(out, 0, b.scheme, b.n_scheme);
    if (r.n_authority != 0) {
        put(out, at, reference, n);
        return out;
    }
    at = put(out, at, b.authority, b.n_authority);
    size_t path = at;
    if (r.n_path == 0) {
        at = put(out, at, b.path, b.n_path);
        at = r.n_query != 0 ? put(out, at, r.query, r.n_query) : put(out, at, b.query, b.n_query);
    } else {
        if (r.path[0] != '/') { // beside the last segment of the base
            size_t keep = b.n_path;
            while (keep > 0 && b.path[keep - 1] != '/') {
                keep--;
            }
            at = put(out, at, b.path, keep);
            if (keep == 0 && b.n_authority != 0) {
                at = put(out, at, "/", 1);
            }
        }
        at = put(out, at, r.path, r.n_path);
        if (out[path] == '/') {
            at = path + remove_dots(out + path, at - path);
        }
        at = put(out, at, r.query, r.n_query);
    }
    at = put(out, at, r.fragment, r.n_fragment);
    out[at] = '\0';
    return out;
}

char *qni_uri_split_fragment(char *uri)
{
    char *hash = strchr(uri, '#');
    if (hash == NULL) {
        return uri + strlen(uri);
    }
    *hash = '\0';
    return hash + 1;
}

void qni_uri_unescape(char *text)
{
    char *out = text;
    while (*text != '\0') {
        if (*text == '%' && qni_hex_value(text[1]) >= 0 && qni_hex_value(text[2]) >= 0) {
            *out++ = (char)(qni_hex_value(text[1]) << 4 | qni_hex_value(text[2]));
            text += 3;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}
