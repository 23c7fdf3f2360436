// quince bench: how fast a language model is here.
#include "cli.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quince bench MODEL [options]\n"
    "\n"
    "Runs a prompt of random tokens and generates behind it, several times; prints the best of "
    "each figure.\n"
    "\n"
    "  --prompt N         tokens of the prompt (512)\n"
    "  --gen N            tokens to generate (128)\n"
    "  --repeat N         runs (3)\n"
    "  --threads N        0, the default: as many as processors\n"
    "  --tokenizer PATH   where the tokenizer's files are, when not beside the model\n"
    "  --json             the figures as a JSON object\n"
    "\n"
    "  quince bench examples/models/worker --prompt 300 --gen 200\n";

typedef struct figures {
    double open_ms, ttft_ms, prefill, decode, open_to_first_ms;
    qn_context_stats stats;
    uint64_t peak_bytes;
    double read_bandwidth; // bytes per second that this machine reads
} figures;

typedef struct options {
    const char *model, *tokenizer;
    int64_t prompt, gen, repeat, threads;
    bool json;
} options;

// Reading memory as fast as one loop can: the limit of decoding, which reads all weights once a
// token.
static double measure_bandwidth(void)
{
    enum { BYTES = 256 << 20 };
    uint64_t *data = qni_alloc_aligned(BYTES);
    double best = 0;
    if (data == NULL) {
        return 0;
    }
    memset(data, 1, BYTES);
    for (int i = 0; i < 3; i++) {
        uint64_t start = qni_clock_us();
        uint64_t sums[8] = {0};
        for (size_t j = 0; j < BYTES / sizeof *data; j += 8) {
            for (size_t k = 0; k < 8; k++) {
                sums[k] += data[j + k];
            }
        }
        volatile uint64_t sink = sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] +
                                 sums[6] + sums[7];
        (void)sink;
        double rate = 1e6 * BYTES / (double)(qni_clock_us() - start + 1);
        best = rate > best ? rate : best;
    }
    qni_free_aligned(data);
    return best;
}

static qn_status run_once(qn_session *session, const int32_t *ids, const options *o, figures *f,
                          qn_error *err)
{
    const qn_generate_options generate = {.max_tokens = o->gen, .sample = -1, .ignore_eos = true};
    qn_result *result = NULL;
    qn_usage u;
    qn_session_reset(session);
    QNI_TRY(qn_session_generate_ids(session, ids, (size_t)o->prompt, &generate, &result, err));
    qn_result_usage(result, &u);
    qn_result_free(result);
    f->ttft_ms = f->ttft_ms == 0 || u.ttft_ms < f->ttft_ms ? u.ttft_ms : f->ttft_ms;
    f->prefill = u.prompt_per_second > f->prefill ? u.prompt_per_second : f->prefill;
    f->decode = u.predicted_per_second > f->decode ? u.predicted_per_second : f->decode;
    return QN_OK;
}

static qn_status measure(qn_lm *lm, const options *o, uint64_t start, figures *f, qn_error *err)
{
    qn_session *session = NULL;
    int32_t *ids = qni_alloc_array((size_t)o->prompt + 1, sizeof *ids);
    uint64_t random = 1;
    qn_status status = ids != NULL ? qn_session_create(lm, NULL, &session, err)
                                   : qni_fail_memory(err);
    for (int64_t i = 0; ids != NULL && i < o->prompt; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        ids[i] = (int32_t)((random >> 33) % (uint64_t)qn_lm_vocabulary(lm));
    }
    for (int64_t i = 0; i < o->repeat && status == QN_OK; i++) {
        uint64_t before = qni_clock_us();
        double first = f->ttft_ms;
        f->ttft_ms = i == 0 ? 0 : first;
        status = run_once(session, ids, o, f, err);
        if (i == 0) {
            f->open_to_first_ms = (double)(before - start) / 1000.0 + f->ttft_ms;
            f->ttft_ms = o->repeat > 1 ? 0 : f->ttft_ms; // the first run compiles
        }
    }
    if (status == QN_OK) {
        qn_session_get_stats(session, &f->stats);
    }
    qn_session_free(session);
    qni_free(ids);
    return status;
}

static void print(const figures *f, const options *o)
{
    double share = f->read_bandwidth > 0
                       ? f->decode * (double)f->stats.packed_bytes / f->read_bandwidth
                       : 0;
    if (o->json) {
        json_t *tree = json_pack(
            "{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:f, s:I}", "precision",
            "exact", "prompt", (json_int_t)o->prompt, "gen", (json_int_t)o->gen,
            "prefill_tokens_per_second", f->prefill, "decode_tokens_per_second", f->decode,
            "ttft_ms", f->ttft_ms, "open_ms", f->open_ms, "open_to_first_token_ms",
            f->open_to_first_ms, "peak_bytes", (json_int_t)f->peak_bytes, "weight_bytes",
            (json_int_t)f->stats.packed_bytes, "context_bytes", (json_int_t)f->stats.memory_bytes,
            "read_bandwidth_share", share, "plans", (json_int_t)f->stats.n_plans);
        json_dumpf(tree, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(tree);
        return;
    }
    printf("precision exact, prompt %lld, generated %lld\n", (long long)o->prompt,
           (long long)o->gen);
    printf("prefill %10.1f tokens/s\ndecode  %10.1f tokens/s\nTTFT    %10.2f ms\n", f->prefill,
           f->decode, f->ttft_ms);
    printf("open    %10.2f ms, open to first token %.2f ms\n", f->open_ms, f->open_to_first_ms);
    printf("memory  %10.1f MB at most, weights %.1f MB packed, %.0f %% of the read bandwidth of "
           "one thread\n",
           (double)f->peak_bytes / 1e6, (double)f->stats.packed_bytes / 1e6, 100 * share);
}

static int parse(int argc, char **argv, options *o)
{
    static const struct option longs[] = {{"prompt", 1, NULL, 'p'},    {"gen", 1, NULL, 'g'},
                                          {"repeat", 1, NULL, 'r'},    {"threads", 1, NULL, 't'},
                                          {"tokenizer", 1, NULL, 'k'}, {"json", 0, NULL, 'j'},
                                          {"help", 0, NULL, 'h'},      {NULL, 0, NULL, 0}};
    *o = (options){.prompt = 512, .gen = 128, .repeat = 3};
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 'p': good &= cli_int("--prompt", optarg, 1, INT32_MAX, &o->prompt); break;
        case 'g': good &= cli_int("--gen", optarg, 1, INT32_MAX, &o->gen); break;
        case 'r': good &= cli_int("--repeat", optarg, 1, INT32_MAX, &o->repeat); break;
        case 't': good &= cli_int("--threads", optarg, 0, CLI_MAX_THREADS, &o->threads); break;
        case 'k': o->tokenizer = optarg; break;
        case 'j': o->json = true; break;
        case 'h': fputs(usage, stdout); return CLI_OK;
        default: return cli_usage(usage);
        }
    }
    o->model = optind < argc ? argv[optind] : NULL;
    if (!good) {
        return CLI_BAD_USE;
    }
    return o->model != NULL && optind + 1 == argc ? -1 : cli_usage(usage);
}

int cmd_bench(int argc, char **argv)
{
    options o;
    int done = parse(argc, argv, &o);
    if (done >= 0) {
        return done;
    }
    figures f = {0};
    qn_error err;
    qn_lm *lm = NULL;
    const qn_lm_options lm_options = {.model = {.n_threads = (size_t)o.threads},
                                      .tokenizer = o.tokenizer};
    uint64_t start = qni_clock_us();
    qn_status status = qn_lm_open(o.model, &lm_options, &lm, &err);
    f.open_ms = (double)(qni_clock_us() - start) / 1000.0;
    status = status == QN_OK ? measure(lm, &o, start, &f, &err) : status;
    qn_lm_close(lm);
    if (status != QN_OK) {
        return cli_fail("bench", &err);
    }
    f.peak_bytes = qni_peak_memory_bytes();
    f.read_bandwidth = measure_bandwidth();
    print(&f, &o);
    return CLI_OK;
}
