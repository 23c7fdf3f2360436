// What a command reads: a text given with -p, a file, or standard input.
#include "cli.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

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
