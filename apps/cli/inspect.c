// quince inspect: what a model is.
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince inspect MODEL [--json] [--tokenizer PATH]\n"
    "\n"
    "Prints the functions of a model with their inputs, outputs and states, its weights and "
    "metadata, the operations\n"
    "that quince does not support, and for a language model the contract found, and why.\n"
    "\n"
    "  --json             everything as one JSON object\n"
    "  --tokenizer PATH   where the tokenizer's files are, when not beside the model\n"
    "\n"
    "  quince inspect examples/models/worker\n";

static void print_features(const char *title, const json_t *list)
{
    size_t i;
    json_t *f;
    json_array_foreach (list, i, f) {
        printf("    %-8s %-24s %s%s\n", i == 0 ? title : "",
               json_string_value(json_object_get(f, "name")),
               json_string_value(json_object_get(f, "type")),
               json_is_true(json_object_get(f, "optional")) ? " (optional)" : "");
    }
}

static void print_text(const json_t *tree)
{
    size_t i;
    json_t *item;
    const char *key;
    printf("specification version %lld, %lld operations, %lld bytes of weights\n",
           (long long)json_integer_value(json_object_get(tree, "specification_version")),
           (long long)json_integer_value(json_object_get(tree, "operations")),
           (long long)json_integer_value(json_object_get(tree, "weight_bytes")));
    json_array_foreach (json_object_get(tree, "functions"), i, item) {
        printf("  function %s\n", json_string_value(json_object_get(item, "name")));
        print_features("inputs", json_object_get(item, "inputs"));
        print_features("outputs", json_object_get(item, "outputs"));
        print_features("states", json_object_get(item, "states"));
    }
    json_array_foreach (json_object_get(tree, "unsupported"), i, item) {
        printf("  not supported: %s (%s), %lld times\n",
               json_string_value(json_object_get(item, "operation")),
               json_string_value(json_object_get(item, "opset")),
               (long long)json_integer_value(json_object_get(item, "count")));
    }
    json_object_foreach (json_object_get(tree, "metadata"), key, item) {
        printf("  %s: %s\n", key, json_string_value(item));
    }
    item = json_object_get(tree, "language_model");
    if (json_is_object(item)) {
        printf("  language model of the contract \"%s\": context %lld, vocabulary %lld\n",
               json_string_value(json_object_get(item, "contract")),
               (long long)json_integer_value(json_object_get(item, "context")),
               (long long)json_integer_value(json_object_get(item, "vocabulary")));
    } else if (json_is_string(item)) {
        printf("  no language model: %s\n", json_string_value(item));
    }
}

// The contract, or why there is none.
static json_t *describe_lm(const char *path, const char *tokenizer)
{
    qn_error err;
    qn_lm *lm = NULL;
    const qn_lm_options options = {.model = {.n_threads = 1}, .tokenizer = tokenizer};
    if (qn_lm_open(path, &options, &lm, &err) != QN_OK) {
        return json_string(err.message);
    }
    json_t *contract = json_loads(qn_lm_contract(lm), 0, NULL);
    qn_lm_close(lm);
    return contract;
}

int cmd_inspect(int argc, char **argv)
{
    static const struct option longs[] = {{"json", 0, NULL, 'j'},
                                          {"tokenizer", 1, NULL, 't'},
                                          {"help", 0, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    bool as_json = false;
    const char *tokenizer = NULL;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 'j': as_json = true; break;
        case 't': tokenizer = optarg; break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    if (optind + 1 != argc) {
        return cli_usage(usage);
    }
    qn_error err;
    char *text = NULL;
    if (qn_model_describe(argv[optind], &text, &err) != QN_OK) {
        return cli_fail("inspect", &err);
    }
    json_t *tree = json_loads(text, 0, NULL);
    qn_free(text);
    json_object_set_new(tree, "language_model", describe_lm(argv[optind], tokenizer));
    if (as_json) {
        json_dumpf(tree, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_text(tree);
    }
    json_decref(tree);
    return CLI_OK;
}
