// quince template: a conversation as a model's chat template writes it.
#include "cli.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/limits.h"

#include <string.h>

static const char usage[] =
    "usage: quince template MODEL [-f MESSAGES] [options]\n"
    "\n"
    "Renders messages with a model's chat template. MODEL is a folder with chat_template.jinja,\n"
    "chat_template.json or tokenizer_config.json, or a template file. Messages are a JSON array "
    "in\n"
    "OpenAI's form, from a file or from standard input.\n"
    "\n"
    "  -p TEXT                 one message of the user instead\n"
    "  --tools FILE            a JSON array of tools\n"
    "  --var NAME=JSON         a further variable; what is no JSON is a text\n"
    "  --name NAME             the template of that name, where there are several\n"
    "  --no-generation-prompt  without the beginning of an answer\n"
    "  --now SECONDS           what strftime_now tells, since 1970; else the clock\n"
    "  --source                the template itself\n"
    "\n"
    "  quince template examples/models/worker -p 'What is the weather in Paris?' --tools "
    "examples/tools.json\n";

typedef struct request {
    const char *model, *name, *file, *text;
    json_t *variables;
    qn_template_options options;
    bool source;
} request;

static qn_status read_messages(request *r, qn_error *err)
{
    char *text = NULL;
    size_t size;
    json_t *messages = NULL;
    qn_status status = QN_OK;
    if (r->text != NULL) {
        messages = json_pack("[{s:s, s:s}]", "role", "user", "content", r->text);
        status = messages != NULL ? QN_OK : qni_fail_memory(err);
    } else {
        status = cli_read_input(NULL, r->file, &text, &size, err);
        if (status == QN_OK) {
            status = qni_json_parse(text, size, "the messages", &messages, err);
        }
    }
    qni_free(text);
    if (status == QN_OK && !json_is_array(messages)) {
        status = qni_fail(err, QN_INVALID_ARGUMENT, "the messages", "they are not a JSON array");
    }
    if (status != QN_OK || json_object_set_new(r->variables, "messages", messages) != 0) {
        json_decref(status != QN_OK ? messages : NULL);
        return status != QN_OK ? status : qni_fail_memory(err);
    }
    return QN_OK;
}

static qn_status render(request *r, const qn_template *tmpl, qn_error *err)
{
    char *variables = NULL;
    char *text = NULL;
    size_t size = 0;
    QNI_TRY(read_messages(r, err));
    qn_status status = qni_json_print(r->variables, 0, &variables, err);
    if (status == QN_OK) {
        status = qn_template_render(tmpl, variables, strlen(variables), &r->options, &text, &size,
                                    err);
    }
    if (status == QN_OK) {
        fwrite(text, 1, size, stdout);
    }
    qn_free(text);
    qni_free(variables);
    return status;
}

static qn_status run(request *r, qn_error *err)
{
    qn_template *tmpl = NULL;
    qn_status status = qn_template_open(r->model, r->name, &tmpl, err);
    if (status == QN_OK && r->source) {
        fputs(qn_template_source(tmpl), stdout);
    } else if (status == QN_OK) {
        status = render(r, tmpl, err);
    }
    qn_template_free(tmpl);
    return status;
}

// NAME=JSON
static bool set_variable(request *r, const char *text)
{
    const char *sign = strchr(text, '=');
    if (sign == NULL || sign == text) {
        fprintf(stderr, "quince: --var %s: NAME=JSON is wanted\n", text);
        return false;
    }
    char *name = qni_strndup(text, (size_t)(sign - text));
    json_t *value = json_loads(sign + 1, JSON_DECODE_ANY, NULL);
    value = value != NULL ? value : json_string(sign + 1);
    bool fine = name != NULL && json_object_set_new(r->variables, name, value) == 0;
    qni_free(name);
    return fine;
}

static bool read_tools(request *r, const char *file)
{
    json_t *tools = NULL;
    qn_error err;
    if (qni_json_read(file, QNI_MAX_MANIFEST_BYTES, &tools, &err) != QN_OK) {
        cli_fail("template", &err);
        return false;
    }
    return json_object_set_new(r->variables, "tools", tools) == 0;
}

static int parse(request *r, int argc, char **argv)
{
    static const struct option longs[] = {{"messages", 1, NULL, 'f'},
                                          {"tools", 1, NULL, 't'},
                                          {"var", 1, NULL, 'v'},
                                          {"name", 1, NULL, 'm'},
                                          {"no-generation-prompt", 0, NULL, 'g'},
                                          {"now", 1, NULL, 'n'},
                                          {"source", 0, NULL, 's'},
                                          {"help", 0, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "f:p:h", longs, NULL)) != -1;) {
        bool fine = true;
        switch (c) {
        case 'f': r->file = optarg; break;
        case 'p': r->text = optarg; break;
        case 't': fine = read_tools(r, optarg); break;
        case 'v': fine = set_variable(r, optarg); break;
        case 'm': r->name = optarg; break;
        case 'g': json_object_set_new(r->variables, "add_generation_prompt", json_false()); break;
        case 'n':
            fine = cli_int("--now", optarg, 0, INT64_MAX, &r->options.now);
            r->options.has_now = true;
            break;
        case 's': r->source = true; break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
        if (!fine) {
            return CLI_BAD_USE;
        }
    }
    if (optind + 1 != argc || (r->text != NULL && r->file != NULL)) {
        return cli_usage(usage);
    }
    r->model = argv[optind];
    return -1;
}

int cmd_template(int argc, char **argv)
{
    qn_error err;
    request r = {.variables = json_pack("{s:n, s:n, s:b}", "tools", "documents",
                                        "add_generation_prompt", 1)};
    int status = parse(&r, argc, argv);
    if (status < 0) {
        status = run(&r, &err) == QN_OK ? CLI_OK : cli_fail("template", &err);
    }
    json_decref(r.variables);
    return status;
}
