// quince ops: the operations that quince knows.
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince ops [NAME] [--json]\n"
    "\n"
    "Lists the operations of ML Programs that quince runs: each version with the first opset that\n"
    "has it, its family, and whether it has a kernel of its own or runs by reference evaluation.\n"
    "With NAME, the versions of that operation and their parameters.\n"
    "\n"
    "  --json    as a JSON array\n"
    "\n"
    "  quince ops scaled_dot_product_attention\n";

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static void print_parameter(const json_t *p)
{
    const char *fallback = text_of(p, "default");
    size_t i;
    json_t *type;
    printf("    %-20s", text_of(p, "name"));
    json_array_foreach (json_object_get(p, "types"), i, type) {
        printf("%s%s", i == 0 ? "" : ", ", json_string_value(type));
    }
    printf("%s%s%s%s\n",
           json_is_true(json_object_get(p, "constant")) ? "; known before the run" : "",
           json_is_true(json_object_get(p, "optional")) ? "; optional" : "",
           fallback != NULL ? ", " : "", fallback != NULL ? fallback : "");
}

static int print(const json_t *rows, const char *name)
{
    size_t i;
    size_t found = 0;
    json_t *row;
    json_array_foreach (rows, i, row) {
        if (name != NULL && strcmp(name, text_of(row, "name")) != 0) {
            continue;
        }
        found++;
        printf("%-40s %-6s %-24s %s\n", text_of(row, "name"), text_of(row, "opset"),
               text_of(row, "family"),
               json_is_true(json_object_get(row, "compiled")) ? "compiled" : "evaluated");
        size_t j;
        json_t *p;
        json_array_foreach (json_object_get(row, "parameters"), j, p) {
            if (name != NULL) {
                print_parameter(p);
            }
        }
    }
    if (found == 0) {
        fprintf(stderr, "quince ops: there is no operation \"%s\"; `quince ops` lists them\n",
                name);
        return CLI_FALLS_SHORT;
    }
    return CLI_OK;
}

int cmd_ops(int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", 0, NULL, 'j'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool as_json = false;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 'j': as_json = true; break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    if (optind + 1 < argc) {
        return cli_usage(usage);
    }
    qn_error err;
    char *text;
    if (qn_describe_operations(&text, &err) != QN_OK) {
        return cli_fail("ops", &err);
    }
    int status = CLI_OK;
    if (as_json) {
        puts(text);
    } else {
        json_t *rows = json_loads(text, 0, NULL);
        status = print(rows, optind < argc ? argv[optind] : NULL);
        json_decref(rows);
    }
    qn_free(text);
    return status;
}
