// What the subcommands of `quince` share.
#ifndef QUINCE_CLI_H
#define QUINCE_CLI_H

#include "base/error.h"
#include "base/safetensors.h"
#include "quince/quince.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

// Exit statuses of every subcommand.
enum {
    CLI_OK = 0,
    CLI_FALLS_SHORT = 1, // it ran, and the answer is no: a case failed, a check fell short
    CLI_BAD_USE = 2,
    CLI_BAD_MODEL = 3,
};

enum { CLI_MAX_THREADS = 1024 };

// A subcommand: argv[0] is its name.
typedef int cli_command_fn(int argc, char **argv);

// Prints "quince <command>: <where>: <message>" to standard error and returns the exit status for
// the error.
int cli_fail(const char *command, const qn_error *err);

// Prints how to use the command and returns CLI_BAD_USE.
int cli_usage(const char *usage);

// The number that an option gives, from lo to hi. Else false, and standard error says what is
// wanted.
bool cli_int(const char *option, const char *text, int64_t lo, int64_t hi, int64_t *out);
bool cli_real(const char *option, const char *text, double lo, double hi, double *out);

// Compiles the grammar in a file: "json-schema", "gbnf", "lark" or "regex"; NULL: by the file's
// name, else JSON Schema.
qn_status cli_open_grammar(const char *path, const char *language,
                           const qn_grammar_options *options, qn_grammar **out, qn_error *err);

// A text given with -p (`text`), a file ("-": standard input), or, when both are NULL, standard
// input. Free it with qni_free.
qn_status cli_read_input(const char *text, const char *file, char **out, size_t *size,
                         qn_error *err);

// The same, read bit by bit. Close it with cli_input_close, also when opening has failed.
typedef struct cli_input cli_input;
qn_status cli_input_open(const char *text, const char *file, cli_input **out, qn_error *err);
// The next bytes, valid until the next call; *n is 0 at the end.
qn_status cli_input_read(cli_input *input, const char **text, size_t *n, qn_error *err);
void cli_input_close(cli_input *input); // NULL is fine

// The subcommands; each file has its own usage text.
cli_command_fn cmd_bench, cmd_conform, cmd_grammar, cmd_inspect, cmd_ops, cmd_predict, cmd_run,
    cmd_template, cmd_tokenize;

// A tensor of a safetensors file as the API takes it.
qn_tensor cli_tensor(const qni_tensor *t);

#endif
