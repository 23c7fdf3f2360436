// What a command reads: a text given with -p, a file, or standard input.
#include "cli.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cli_input {
    FILE *stream; // NULL: `text` is left
    const char *text;
    size_t n;
    bool owned;
    const char *name;
    char part[1 << 18];
};

qn_status cli_input_open(const char *text, const char *file, cli_input **out, qn_error *err)
{
    cli_input *in = qni_calloc(1, sizeof *in);
    *out = in;
    if (in == NULL) {
        return qni_fail_memory(err);
    }
    bool is_file = text == NULL && file != NULL && strcmp(file, "-") != 0;
    in->text = text;
    in->n = text != NULL ? strlen(text) : 0;
    in->name = is_file ? file : "standard input";
    in->owned = is_file;
    in->stream = text != NULL ? NULL : is_file ? fopen(file, "rb") : stdin;
    if (text == NULL && in->stream == NULL) {
        return qni_fail(err, QN_IO, in->name, "%s", strerror(errno));
    }
    return QN_OK;
}

qn_status cli_input_read(cli_input *in, const char **text, size_t *n, qn_error *err)
{
    *text = in->stream != NULL ? in->part : in->text;
    *n = in->stream != NULL ? fread(in->part, 1, sizeof in->part, in->stream) : in->n;
    in->n = 0;
    return in->stream != NULL && ferror(in->stream)
               ? qni_fail(err, QN_IO, in->name, "it cannot be read: %s", strerror(errno))
               : QN_OK;
}

void cli_input_close(cli_input *in)
{
    if (in != NULL && in->owned && in->stream != NULL) {
        fclose(in->stream);
    }
    qni_free(in);
}

static qn_status read_stream(FILE *stream, char **out, size_t *size, qn_error *err)
{
    char part[1 << 16];
    size_t n;
    qni_buf buf;
    qni_buf_begin(&buf, QNI_MAX_TEXT_FILE_BYTES, "standard input (QNI_MAX_TEXT_FILE_BYTES)");
    qn_status status = qni_buf_reserve(&buf, 1, err); // never NULL
    while (status == QN_OK && (n = fread(part, 1, sizeof part, stream)) > 0) {
        status = qni_buf_add(&buf, part, n, err);
    }
    if (status == QN_OK && ferror(stream)) {
        status = qni_fail(err, QN_IO, "standard input", "it cannot be read");
    }
    *size = buf.size;
    *out = status == QN_OK ? qni_buf_take(&buf) : NULL;
    qni_buf_end(&buf);
    return status;
}

qn_status cli_read_input(const char *text, const char *file, char **out, size_t *size,
                         qn_error *err)
{
    *out = NULL;
    *size = 0;
    if (text != NULL) {
        *out = qni_strdup(text);
        *size = strlen(text);
        return *out != NULL ? QN_OK : qni_fail_memory(err);
    }
    if (file != NULL && strcmp(file, "-") != 0) {
        return qni_file_read(file, QNI_MAX_TEXT_FILE_BYTES, out, size, err);
    }
    return read_stream(stdin, out, size, err);
}
