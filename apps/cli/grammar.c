// quince grammar: what a schema or grammar means, and whether texts fit it.
#include "cli.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince grammar check SCHEMA [INSTANCE ...]\n"
    "\n"
    "Compiles a JSON Schema or another grammar and says whether each instance (a file) is valid, "
    "with the machine that\n"
    "constrains a model's output. Where one is not, the first byte that no valid text has there "
    "is shown.\n"
    "Exit status: 0 all are valid, 1 one is not, 2 bad use, 3 the grammar is refused.\n"
    "\n"
    "  --json-schema      SCHEMA is a JSON Schema (the default, but for names in .gbnf and .lark)\n"
    "  --gbnf, --lark     ... a grammar of llama.cpp, of Lark in llguidance's dialect\n"
    "  --regex            ... a file with a regular expression\n"
    "  --tags             ... tagged text, as include/quince/grammar.h describes it\n"
    "  --request          ... a response_format of OpenAI or structured_outputs of vLLM\n"
    "  --document URI=FILE   a schema that $ref may name; may be repeated\n"
    "  --formats-annotate    `format` says nothing about validity\n"
    "  --best-effort      leave out what cannot be enforced, and tell\n"
    "  --compact          no whitespace between the parts of JSON\n"
    "  --json             the result as one JSON object\n"
    "\n"
    "  quince grammar check person.schema.json ann.json bob.json\n";

enum { MAX_DOCUMENTS = 1024 };

typedef struct arguments {
    const char *language; // "json-schema" ...; NULL: by the file's name
    bool json;
    qn_grammar_options options;
    qn_grammar_document documents[MAX_DOCUMENTS];
    char *uris[MAX_DOCUMENTS], *texts[MAX_DOCUMENTS];
} arguments;

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && strcmp(text + n - k, end) == 0;
}

// URI=FILE
static qn_status add_document(arguments *a, const char *value, qn_error *err)
{
    size_t n = a->options.n_documents, size;
    const char *split = strrchr(value, '=');
    if (split == NULL || n == MAX_DOCUMENTS) {
        return qni_fail(err, QN_INVALID_ARGUMENT, NULL, "--document takes URI=FILE, up to %d times",
                        MAX_DOCUMENTS);
    }
    a->uris[n] = qni_strndup(value, (size_t)(split - value));
    if (a->uris[n] == NULL) {
        return qni_fail_memory(err);
    }
    a->options.n_documents++;
    QNI_TRY(qni_file_read(split + 1, QNI_MAX_GRAMMAR_SOURCE_BYTES, &a->texts[n], &size, err));
    a->documents[n] = (qn_grammar_document){a->uris[n], a->texts[n], size};
    return QN_OK;
}

qn_status cli_open_grammar(const char *path, const char *language,
                           const qn_grammar_options *options, qn_grammar **out, qn_error *err)
{
    char *text;
    size_t size;
    if (language == NULL) {
        language = ends_with(path, ".gbnf")   ? "gbnf"
                   : ends_with(path, ".lark") ? "lark"
                                              : "json-schema";
    }
    QNI_TRY(qni_file_read(path, QNI_MAX_GRAMMAR_SOURCE_BYTES, &text, &size, err));
    qn_status status;
    if (strcmp(language, "gbnf") == 0) {
        status = qn_grammar_from_gbnf(text, size, out, err);
    } else if (strcmp(language, "lark") == 0) {
        status = qn_grammar_from_lark(text, size, options, out, err);
    } else if (strcmp(language, "regex") == 0) {
        size -= size > 0 && text[size - 1] == '\n';
        status = qn_grammar_from_regex(text, size, out, err);
    } else if (strcmp(language, "tags") == 0) {
        status = qn_grammar_from_tags(text, size, options, out, err);
    } else if (strcmp(language, "request") == 0) {
        status = qn_grammar_from_request(text, size, options, out, err);
    } else {
        status = qn_grammar_from_json_schema(text, size, options, out, err);
    }
    qni_free(text);
    return status == QN_OK ? QN_OK : qni_fail_in(err, status, path);
}

// A file's text without the line end that editors leave behind it, and without blanks around.
static void trim(const char **text, size_t *size)
{
    while (*size > 0 && strchr(" \t\r\n", (*text)[*size - 1]) != NULL) {
        --*size;
    }
    while (*size > 0 && strchr(" \t\r\n", **text) != NULL) {
        ++*text;
        --*size;
    }
}

static json_t *describe(const char *path, bool valid, size_t position, const char *text,
                        size_t size)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < position && i < size; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:b}", "path", path, "valid", valid, "byte",
                     (json_int_t)position, "line", (json_int_t)line, "column", (json_int_t)column,
                     "ended_early", !valid && position >= size);
}

static qn_status check_file(qn_grammar *grammar, const char *path, json_t *results, bool *valid,
                            qn_error *err)
{
    char *data;
    size_t size, position;
    QNI_TRY(qni_file_read(path, QNI_MAX_GRAMMAR_SOURCE_BYTES, &data, &size, err));
    const char *text = data;
    trim(&text, &size);
    qn_status status = qn_grammar_check(grammar, text, size, valid, &position, err);
    if (status == QN_OK) {
        json_array_append_new(results, describe(path, *valid, position, text, size));
    }
    qni_free(data);
    return status;
}

static void print_results(const json_t *tree)
{
    size_t i;
    json_t *r;
    if (!json_is_true(json_object_get(tree, "satisfiable"))) {
        printf("no text at all is valid\n");
    }
    printf("%s", json_string_value(json_object_get(tree, "left_out")));
    json_array_foreach (json_object_get(tree, "instances"), i, r) {
        const char *path = json_string_value(json_object_get(r, "path"));
        if (json_is_true(json_object_get(r, "valid"))) {
            printf("%s: valid\n", path);
        } else {
            printf("%s:%lld:%lld: %s\n", path,
                   (long long)json_integer_value(json_object_get(r, "line")),
                   (long long)json_integer_value(json_object_get(r, "column")),
                   json_is_true(json_object_get(r, "ended_early"))
                       ? "ends too early"
                       : "no valid text goes on like this");
        }
    }
}

static int check(arguments *a, int n, char **paths)
{
    qn_error err = {0};
    qn_grammar *grammar = NULL;
    a->options.documents = a->documents;
    if (cli_open_grammar(paths[0], a->language, &a->options, &grammar, &err) != QN_OK) {
        cli_fail("grammar", &err);
        return CLI_BAD_MODEL;
    }
    if (grammar == NULL) {
        fprintf(stderr, "quince: %s asks for any text\n", paths[0]);
        return CLI_BAD_MODEL;
    }
    int exit_status = CLI_OK;
    json_t *results = json_array();
    for (int i = 1; i < n && exit_status < CLI_BAD_USE; i++) {
        bool valid = false;
        if (check_file(grammar, paths[i], results, &valid, &err) != QN_OK) {
            exit_status = cli_fail("grammar", &err);
        } else if (!valid) {
            exit_status = CLI_FALLS_SHORT;
        }
    }
    json_t *tree = json_pack("{s:b, s:s, s:o}", "satisfiable", qn_grammar_is_satisfiable(grammar),
                             "left_out", qn_grammar_left_out(grammar), "instances", results);
    if (a->json) {
        json_dumpf(tree, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_results(tree);
    }
    json_decref(tree);
    qn_grammar_free(grammar);
    return exit_status;
}

static int run(arguments *a, int argc, char **argv)
{
    static const struct option names[] = {{"json-schema", no_argument, NULL, 'j'},
                                          {"gbnf", no_argument, NULL, 'g'},
                                          {"lark", no_argument, NULL, 'l'},
                                          {"regex", no_argument, NULL, 'r'},
                                          {"tags", no_argument, NULL, 't'},
                                          {"request", no_argument, NULL, 'q'},
                                          {"document", required_argument, NULL, 'd'},
                                          {"formats-annotate", no_argument, NULL, 'f'},
                                          {"best-effort", no_argument, NULL, 'b'},
                                          {"compact", no_argument, NULL, 'c'},
                                          {"json", no_argument, NULL, 'J'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    qn_error err = {0};
    int option;
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        switch (option) {
        case 'j': a->language = "json-schema"; break;
        case 'g': a->language = "gbnf"; break;
        case 'l': a->language = "lark"; break;
        case 'r': a->language = "regex"; break;
        case 't': a->language = "tags"; break;
        case 'q': a->language = "request"; break;
        case 'f': a->options.annotate_formats = true; break;
        case 'b': a->options.best_effort = true; break;
        case 'c': a->options.compact = true; break;
        case 'J': a->json = true; break;
        case 'd':
            if (add_document(a, optarg, &err) != QN_OK) {
                return cli_fail("grammar", &err);
            }
            break;
        case 'h': printf("%s", usage); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    if (argc - optind < 2 || strcmp(argv[optind], "check") != 0) {
        return cli_usage(usage);
    }
    return check(a, argc - optind - 1, argv + optind + 1);
}

int cmd_grammar(int argc, char **argv)
{
    arguments *a = qni_calloc(1, sizeof *a);
    if (a == NULL) {
        qn_error err = {0};
        (void)qni_fail_memory(&err);
        return cli_fail("grammar", &err);
    }
    int exit_status = run(a, argc, argv);
    for (size_t i = 0; i < a->options.n_documents; i++) {
        qni_free(a->uris[i]);
        qni_free(a->texts[i]);
    }
    qni_free(a);
    return exit_status;
}
