// quince run: one answer of a language model, tools included.
#include "cli.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince run MODEL -p TEXT | -f FILE [options]\n"
    "\n"
    "One answer. MODEL is a package with tokenizer.json beside it, or a folder that holds both.\n"
    "\n"
    "  -p, --prompt TEXT      the question; -f FILE reads it (- is standard input)\n"
    "  --system TEXT          a system message before it\n"
    "  --raw                  continue the text as it is, without the chat template\n"
    "  --tools FILE           tools in OpenAI's JSON form; a call of the model is printed as JSON\n"
    "  --tool-command PROG    answer calls with a program: the call as JSON on its standard input, "
    "the result from its\n"
    "                         standard output; further words of PROG are its arguments, split at "
    "spaces\n"
    "  --tool-choice WHAT     auto, none, required, or the name of the tool to call\n"
    "  --json-schema FILE     the answer is JSON that is valid under the schema; --grammar FILE "
    "the "
    "same for a grammar\n"
    "                         (.gbnf, .lark, else JSON Schema), --regex RE for a regular "
    "expression, --choice TEXT\n"
    "                         for one of several texts\n"
    "  --response-format FILE the form that a request asks for: OpenAI's response_format or vLLM's "
    "structured_outputs\n"
    "  -n, --max-tokens N     at most N tokens an answer\n"
    "  --temp T --top-k N --top-p P --min-p P --seed N    sample; without them as "
    "generation_config.json says\n"
    "  --stop TEXT            end the answer before TEXT; may be given several times\n"
    "  --threads N            0, the default: as many as processors\n"
    "  --precision exact|fast fast runs exact until it exists\n"
    "  --tokenizer PATH       where the tokenizer's files are, when not beside the model\n"
    "  --stats[=json]         tokens, times and memory on standard error\n"
    "\n"
    "  quince run examples/models/worker --tools examples/tools.json -p \"Show me the weather in "
    "Paris\"\n";

enum { MAX_STOPS = 32, MAX_ROUNDS = 8 };

typedef struct options {
    const char *model, *prompt, *file, *system, *tools, *command, *tokenizer, *precision, *stats;
    const char *stops[MAX_STOPS];
    size_t n_stops;
    const char *grammar, *language; // a file and what is in it, or
    const char *regex;
    const char *choices[MAX_STOPS];
    size_t n_choices;
    bool raw;
    int64_t threads;
    qn_generate_options generate;
} options;

static volatile int interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool print_text(void *user, const char *text, size_t n)
{
    (void)user;
    fwrite(text, 1, n, stdout);
    fflush(stdout);
    return true;
}

// ---- Options

static bool add_text(const char *option, const char **texts, size_t *n)
{
    if (*n == MAX_STOPS) {
        fprintf(stderr, "quince: %s is given more than %d times\n", option, MAX_STOPS);
        return false;
    }
    texts[(*n)++] = optarg;
    return true;
}

static int parse(int argc, char **argv, options *o)
{
    static const struct option longs[] = {{"prompt", 1, NULL, 'p'},
                                          {"file", 1, NULL, 'f'},
                                          {"system", 1, NULL, 'S'},
                                          {"raw", 0, NULL, 'r'},
                                          {"tools", 1, NULL, 't'},
                                          {"tool-command", 1, NULL, 'c'},
                                          {"tool-choice", 1, NULL, 'C'},
                                          {"json-schema", 1, NULL, 'J'},
                                          {"grammar", 1, NULL, 'G'},
                                          {"regex", 1, NULL, 'R'},
                                          {"choice", 1, NULL, 'O'},
                                          {"max-tokens", 1, NULL, 'n'},
                                          {"temp", 1, NULL, 'T'},
                                          {"top-k", 1, NULL, 'K'},
                                          {"top-p", 1, NULL, 'P'},
                                          {"min-p", 1, NULL, 'M'},
                                          {"seed", 1, NULL, 's'},
                                          {"stop", 1, NULL, 'x'},
                                          {"threads", 1, NULL, 'j'},
                                          {"precision", 1, NULL, 'e'},
                                          {"tokenizer", 1, NULL, 'k'},
                                          {"stats", 2, NULL, 'V'},
                                          {"help", 0, NULL, 'h'},
                                          {"response-format", 1, NULL, 'Q'},
                                          {NULL, 0, NULL, 0}};
    *o = (options){.precision = "fast"};
    qn_generate_options *g = &o->generate;
    int64_t seed = 0;
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "p:f:n:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'p': o->prompt = optarg; break;
        case 'f': o->file = optarg; break;
        case 'S': o->system = optarg; break;
        case 'r': o->raw = true; break;
        case 't': o->tools = optarg; break;
        case 'c': o->command = optarg; break;
        case 'n': good &= cli_int("--max-tokens", optarg, 1, INT32_MAX, &g->max_tokens); break;
        case 'T':
            good &= cli_real("--temp", optarg, 0, 100, &g->temperature);
            g->sample = g->temperature > 0 ? 1 : -1;
            break;
        case 'K':
            good &= cli_int("--top-k", optarg, 0, INT32_MAX, &g->top_k);
            g->top_k = g->top_k == 0 ? -1 : g->top_k; // 0 is off, as everywhere
            break;
        case 'P':
            good &= cli_real("--top-p", optarg, 0, 1, &g->top_p);
            g->top_p = g->top_p > 0 ? g->top_p : 1;
            break;
        case 'M':
            good &= cli_real("--min-p", optarg, 0, 1, &g->min_p);
            g->min_p = g->min_p > 0 ? g->min_p : -1;
            break;
        case 's': good &= cli_int("--seed", optarg, 0, INT64_MAX, &seed); break;
        case 'x': good &= add_text("--stop", o->stops, &o->n_stops); break;
        case 'C': g->tool_choice = optarg; break;
        case 'J':
            o->grammar = optarg;
            o->language = "json-schema";
            break;
        case 'G':
            o->grammar = optarg;
            o->language = NULL;
            break;
        case 'Q':
            o->grammar = optarg;
            o->language = "request";
            break;
        case 'R': o->regex = optarg; break;
        case 'O': good &= add_text("--choice", o->choices, &o->n_choices); break;
        case 'j': good &= cli_int("--threads", optarg, 0, CLI_MAX_THREADS, &o->threads); break;
        case 'e': o->precision = optarg; break;
        case 'k': o->tokenizer = optarg; break;
        case 'V': o->stats = optarg != NULL ? optarg : "text"; break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    o->model = optind < argc ? argv[optind] : NULL;
    g->seed = (uint64_t)seed;
    if ((o->grammar != NULL) + (o->regex != NULL) + (o->n_choices != 0) > 1) {
        fprintf(stderr,
                "quince: --json-schema, --grammar, --regex and --choice exclude each other\n");
        good = false;
    }
    if (!good) {
        return CLI_BAD_USE;
    }
    bool ok = o->model != NULL && optind + 1 == argc && (o->prompt != NULL) != (o->file != NULL);
    return ok ? -1 : cli_usage(usage);
}

static qn_status read_text(const char *path, char **out, qn_error *err)
{
    size_t n;
    return qni_file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, (size_t)1 << 30, out, &n,
                         err);
}

// ---- Statistics

static void print_stats(const options *o, const qn_result *result, const qn_session *session,
                        double open_ms)
{
    qn_usage u;
    qn_context_stats s;
    qn_result_usage(result, &u);
    qn_session_get_stats(session, &s);
    if (strcmp(o->stats, "json") == 0) {
        json_t *tree = json_pack(
            "{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:s, s:I, s:I, s:s}", "precision", "exact",
            "prompt_tokens", (json_int_t)u.prompt_tokens, "cached_tokens",
            (json_int_t)u.cached_tokens, "generated_tokens", (json_int_t)u.generated_tokens,
            "ttft_ms", u.ttft_ms, "prompt_per_second", u.prompt_per_second, "predicted_per_second",
            u.predicted_per_second, "open_ms", open_ms, "timeline", u.timeline, "plans",
            (json_int_t)s.n_plans, "peak_bytes", (json_int_t)qni_peak_memory_bytes(),
            "finish_reason", qn_result_finish_reason(result));
        json_dumpf(tree, stderr, JSON_COMPACT);
        fputc('\n', stderr);
        json_decref(tree);
        return;
    }
    fprintf(stderr,
            "\nprompt %lld tokens (%lld kept, timeline %s), TTFT %.1f ms, %lld generated at %.0f "
            "tokens/s, precision "
            "exact, %zu plans, peak memory %.1f MB\n",
            (long long)u.prompt_tokens, (long long)u.cached_tokens, u.timeline, u.ttft_ms,
            (long long)u.generated_tokens, u.predicted_per_second, s.n_plans,
            (double)qni_peak_memory_bytes() / 1e6);
}

// ---- Tools

// Runs the user's program on one call and appends its output as the tool's message.
static qn_status answer_call(const options *o, const json_t *call, json_t *messages, qn_error *err)
{
    const json_t *function = json_object_get(call, "function");
    char *input = json_dumps(function, JSON_COMPACT);
    char *output = NULL;
    qn_status status = input != NULL ? cli_run_program(o->command, input, &output, err)
                                     : qni_fail_memory(err);
    free(input);
    QNI_TRY(status);
    json_t *message = json_pack("{s:s, s:O, s:O, s:s}", "role", "tool", "tool_call_id",
                                json_object_get(call, "id"), "name",
                                json_object_get(function, "name"), "content", output);
    qni_free(output);
    return message != NULL && json_array_append_new(messages, message) == 0
               ? QN_OK
               : qni_fail(err, QN_INVALID_ARGUMENT, o->command,
                          "the program's output is not UTF-8");
}

static qn_status answer_calls(const options *o, const json_t *message, json_t *messages,
                              qn_error *err)
{
    size_t i;
    json_t *call;
    (void)json_array_append(messages, (json_t *)(uintptr_t)message);
    json_array_foreach (json_object_get(message, "tool_calls"), i, call) {
        QNI_TRY(answer_call(o, call, messages, err));
        printf("%s\n", json_string_value(json_object_get(
                           json_array_get(messages, json_array_size(messages) - 1), "content")));
    }
    return QN_OK;
}

static void print_calls(const json_t *calls)
{
    size_t i;
    json_t *call;
    json_array_foreach (calls, i, call) {
        json_dumpf(json_object_get(call, "function"), stdout, JSON_COMPACT);
        putchar('\n');
    }
    fflush(stdout);
}

// One answer; `*again` when it called tools that a program has answered.
static qn_status one_round(const options *o, qn_session *session, json_t *messages,
                           const char *tools, double open_ms, bool *again, qn_error *err)
{
    char *text = json_dumps(messages, JSON_COMPACT);
    qn_result *result = NULL;
    qn_status status = text != NULL
                           ? qn_session_chat(session, text, tools, NULL, &o->generate, &result, err)
                           : qni_fail_memory(err);
    free(text);
    QNI_TRY(status);
    json_t *message = json_loads(qn_result_message(result), 0, NULL);
    const json_t *calls = json_object_get(message, "tool_calls");
    if (calls == NULL) {
        putchar('\n');
    }
    print_calls(calls);
    if (o->stats != NULL) {
        print_stats(o, result, session, open_ms);
    }
    *again = calls != NULL && o->command != NULL && interrupted == 0;
    if (*again) {
        status = answer_calls(o, message, messages, err);
    }
    json_decref(message);
    qn_result_free(result);
    return status;
}

static qn_status chat(options *o, qn_session *session, const char *prompt, double open_ms,
                      qn_error *err)
{
    char *tools = NULL;
    json_t *messages = json_array();
    if (o->system != NULL) {
        (void)json_array_append_new(
            messages, json_pack("{s:s, s:s}", "role", "system", "content", o->system));
    }
    json_t *user = json_pack("{s:s, s:s}", "role", "user", "content", prompt);
    qn_status status = user != NULL && json_array_append_new(messages, user) == 0
                           ? QN_OK
                           : qni_fail(err, QN_INVALID_ARGUMENT, "prompt",
                                      "the prompt is not UTF-8");
    if (status == QN_OK && o->tools != NULL) {
        status = read_text(o->tools, &tools, err);
    }
    bool again = true;
    for (int round = 0; round < MAX_ROUNDS && again && status == QN_OK; round++) {
        status = one_round(o, session, messages, tools, open_ms, &again, err);
        o->generate.tool_choice = NULL; // what had to be called has been called
    }
    qni_free(tools);
    json_decref(messages);
    return status;
}

static qn_status continue_text(const options *o, qn_session *session, const char *prompt,
                               double open_ms, qn_error *err)
{
    qn_result *result = NULL;
    QNI_TRY(qn_session_generate(session, prompt, &o->generate, &result, err));
    putchar('\n');
    if (o->stats != NULL) {
        print_stats(o, result, session, open_ms);
    }
    qn_result_free(result);
    return QN_OK;
}

static qn_status open_constraint(options *o, qn_error *err)
{
    if (o->grammar != NULL) {
        return cli_open_grammar(o->grammar, o->language, NULL, &o->generate.grammar, err);
    }
    if (o->regex != NULL) {
        return qn_grammar_from_regex(o->regex, strlen(o->regex), &o->generate.grammar, err);
    }
    return o->n_choices != 0
               ? qn_grammar_from_choice(o->choices, o->n_choices, &o->generate.grammar, err)
               : QN_OK;
}

static qn_status run(options *o, qn_error *err)
{
    qn_lm *lm = NULL;
    qn_session *session = NULL;
    char *text = NULL;
    qn_status status = o->file != NULL ? read_text(o->file, &text, err) : QN_OK;
    const qn_lm_options lm_options = {
        .model = {.n_threads = (size_t)o->threads, .precision = o->precision},
        .tokenizer = o->tokenizer};
    uint64_t start = qni_clock_us();
    status = status == QN_OK ? open_constraint(o, err) : status;
    status = status == QN_OK ? qn_lm_open(o->model, &lm_options, &lm, err) : status;
    status = status == QN_OK ? qn_session_create(lm, NULL, &session, err) : status;
    double open_ms = (double)(qni_clock_us() - start) / 1000.0;
    o->generate.on_text = print_text;
    o->generate.cancel = &interrupted;
    o->generate.stop = o->stops;
    o->generate.n_stop = o->n_stops;
    if (status == QN_OK) {
        const char *prompt = text != NULL ? text : o->prompt;
        status = o->raw ? continue_text(o, session, prompt, open_ms, err)
                        : chat(o, session, prompt, open_ms, err);
    }
    qn_session_free(session);
    qn_lm_close(lm);
    qn_grammar_free(o->generate.grammar);
    qni_free(text);
    return status;
}

int cmd_run(int argc, char **argv)
{
    options o;
    int done = parse(argc, argv, &o);
    if (done >= 0) {
        return done;
    }
    signal(SIGINT, on_interrupt);
    qn_error err;
    return run(&o, &err) == QN_OK ? CLI_OK : cli_fail("run", &err);
}
