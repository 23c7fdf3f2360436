// Running a program of the user's.
#ifndef QUINCE_CLI_PROCESS_H
#define QUINCE_CLI_PROCESS_H

#include "base/error.h"

// Runs `command`, words split at spaces, never through a shell: `input` on its standard input, its
// standard output into `*output` without the newlines at its end; free it with qni_free. QN_IO when
// it cannot be started, ends badly, or prints more than 16 MiB.
QNI_WARN_UNUSED qn_status cli_run_program(const char *command, const char *input, char **output,
                                          qn_error *err);

#endif
