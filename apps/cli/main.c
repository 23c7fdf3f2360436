// quince: run, inspect and test Core ML models. One file a subcommand; this one chooses.
#include "cli.h"

#include <string.h>

static const struct {
    const char *name;
    cli_command_fn *run;
    const char *what;
} commands[] = {
#define CLI_COMMAND(name, what) {#name, cmd_##name, what},
#include "commands.def"
#undef CLI_COMMAND
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("usage: quince COMMAND ...\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
    }
    fputs("\n`quince COMMAND --help` says more.\n", out);
}

int cli_fail(const char *command, const qn_error *err)
{
    fprintf(stderr, "quince %s: %s%s%s\n", command, err->where, err->where[0] != '\0' ? ": " : "",
            err->message);
    return err->status == QN_INVALID_ARGUMENT ? CLI_BAD_USE : CLI_BAD_MODEL;
}

int cli_usage(const char *usage)
{
    fputs(usage, stderr);
    return CLI_BAD_USE;
}

qn_tensor cli_tensor(const qni_tensor *t)
{
    qn_tensor out = qn_tensor_make(qn_dtype_from_name(qni_dtype_name(t->dtype)), t->rank, t->dims,
                                   t->data);
    for (int32_t d = 0; d < t->rank; d++) {
        out.strides[d] = t->strides[d];
    }
    return out;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_BAD_USE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("quince %s\n", qn_version());
        return CLI_OK;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "quince: unknown command \"%s\"\n", argv[1]);
    print_help(stderr);
    return CLI_BAD_USE;
}
