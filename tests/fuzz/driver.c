// The main() of a fuzz harness that is built without libFuzzer: it replays a corpus, then runs
// seeded mutations of it. The same seed, corpus and number of runs give the same inputs anywhere.
//
//     fuzz_x [--runs N] [--seed S] [--seconds S] [--timeout S] CORPUS...
//
// CORPUS is a file or a folder; a folder that does not exist counts as empty. Before each call the
// input is written to <harness>-<seed>.input in the working folder, which is removed at the end: so
// whatever kills the process (a sanitizer, a signal, memory, the time limit of one call) leaves the
// guilty input there, and `fuzz_x FILE` runs it again.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MAX_INPUT_BYTES = 1 << 20, // longer files are cut; mutations do not grow past it
    MAX_STACKED = 8,           // mutations of one input
    MAX_CHUNK = 64,            // bytes that one mutation inserts, deletes or repeats
    MAX_DEPTH = 8,             // folders inside folders
};

typedef struct input {
    uint8_t *data;
    size_t size;
} input;

typedef struct corpus {
    input *inputs;
    size_t n;
    size_t capacity;
} corpus;

typedef struct options {
    uint64_t runs;
    uint64_t seed;
    uint64_t seconds; // 0: no limit
    unsigned timeout; // seconds for one call
} options;

// The input under way: a buffer of MAX_INPUT_BYTES and the file that keeps it.
typedef struct runner {
    uint8_t *data;
    size_t size;
    uint64_t random;
    const corpus *corpus;
    const options *options;
    char path[256];
    int file;
} runner;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "driver: %s%s%s%s%s\n", what, name != NULL ? " " : "", name != NULL ? name : "",
            errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    exit(2);
}

// Sebastiano Vigna's splitmix64: any seed will do.
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

// A number below `n`; 0 when n is 0.
static size_t pick(runner *r, size_t n)
{
    return n != 0 ? (size_t)(next_random(&r->random) % n) : 0;
}

static void add_input(corpus *c, uint8_t *data, size_t size)
{
    if (c->n == c->capacity) {
        c->capacity = c->capacity != 0 ? c->capacity * 2 : 16;
        c->inputs = realloc(c->inputs, c->capacity * sizeof *c->inputs);
        if (c->inputs == NULL) {
            die("out of memory", NULL);
        }
    }
    c->inputs[c->n++] = (input){data, size};
}

static void add_file(corpus *c, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(MAX_INPUT_BYTES);
    if (file == NULL || data == NULL) {
        die("cannot read", path);
    }
    size_t size = fread(data, 1, MAX_INPUT_BYTES, file);
    fclose(file);
    uint8_t *exact = realloc(data, size + 1);
    add_input(c, exact != NULL ? exact : data, size);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

// Adds a file, or what a folder holds in the order of the names, which does not depend on the disk.
static void add_path(corpus *c, const char *path, int depth)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        if (errno != ENOENT) {
            die("cannot read", path);
        }
        return;
    }
    if (!S_ISDIR(info.st_mode)) {
        add_file(c, path);
        return;
    }
    struct dirent **entries = NULL;
    int n = depth < MAX_DEPTH ? scandir(path, &entries, is_visible, alphasort) : 0;
    if (n < 0) {
        die("cannot read", path);
    }
    for (int i = 0; i < n; i++) {
        char child[4096];
        int length = snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name);
        if (length < (int)sizeof child) {
            add_path(c, child, depth + 1);
        }
        free(entries[i]);
    }
    free(entries);
}

// Makes a gap of `n` bytes at `at`, or as many as there is room for. Returns how many.
static size_t open_gap(runner *r, size_t at, size_t n)
{
    size_t room = MAX_INPUT_BYTES - r->size;
    n = n < room ? n : room;
    memmove(r->data + at + n, r->data + at, r->size - at);
    r->size += n;
    return n;
}

static void flip_bit(runner *r)
{
    r->data[pick(r, r->size)] ^= (uint8_t)(1u << pick(r, 8));
}

static void edit_byte(runner *r)
{
    r->data[pick(r, r->size)] = (uint8_t)next_random(&r->random);
}

static void insert_bytes(runner *r)
{
    size_t at = pick(r, r->size + 1);
    size_t n = open_gap(r, at, 1 + pick(r, MAX_CHUNK));
    for (size_t i = 0; i < n; i++) {
        r->data[at + i] = (uint8_t)next_random(&r->random);
    }
}

static void delete_bytes(runner *r)
{
    size_t at = pick(r, r->size);
    size_t n = 1 + pick(r, MAX_CHUNK);
    n = n < r->size - at ? n : r->size - at;
    memmove(r->data + at, r->data + at + n, r->size - at - n);
    r->size -= n;
}

// Part of the input once more, behind itself.
static void repeat_chunk(runner *r)
{
    uint8_t chunk[MAX_CHUNK];
    size_t from = pick(r, r->size);
    size_t n = 1 + pick(r, MAX_CHUNK);
    n = n < r->size - from ? n : r->size - from;
    memcpy(chunk, r->data + from, n);
    size_t times = 1 + pick(r, 16);
    for (size_t i = 0; i < times; i++) {
        memcpy(r->data + from, chunk, open_gap(r, from, n));
    }
}

// A number at the edge of something, in 1, 2, 4 or 8 bytes of either order.
static void set_integer(runner *r)
{
    static const uint64_t edges[] = {
        0,
        1,
        0x7F,
        0x80,
        0xFF,
        0x100,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x10000,
        0x7FFFFFFF,
        0x80000000,
        0xFFFFFFFE,
        0xFFFFFFFF,
        0x100000000,
        INT64_MAX,
        (uint64_t)1 << 63,
        UINT64_MAX,
    };
    uint64_t value = edges[pick(r, sizeof edges / sizeof *edges)];
    if (pick(r, 2) == 0) {
        value += next_random(&r->random) % 17 - 8; // near the edge
    }
    size_t width = (size_t)1 << pick(r, 4);
    bool big_endian = pick(r, 2) == 0;
    if (width > r->size) {
        return;
    }
    size_t at = pick(r, r->size - width + 1);
    for (size_t i = 0; i < width; i++) {
        size_t shift = 8 * (big_endian ? width - 1 - i : i);
        r->data[at + i] = (uint8_t)(value >> shift);
    }
}

// The beginning of this input and the end of another.
static void join_two(runner *r)
{
    if (r->corpus->n == 0) {
        return;
    }
    const input *other = &r->corpus->inputs[pick(r, r->corpus->n)];
    size_t keep = pick(r, r->size + 1);
    size_t from = pick(r, other->size + 1);
    size_t n = other->size - from;
    n = n < MAX_INPUT_BYTES - keep ? n : MAX_INPUT_BYTES - keep;
    if (n != 0) {
        memcpy(r->data + keep, other->data + from, n);
    }
    r->size = keep + n;
}

static void truncate_input(runner *r)
{
    r->size = pick(r, r->size);
}

static void mutate(runner *r)
{
    // A change of single bits and bytes finds most; the others are tried less often.
    static void (*const changes[])(runner *) = {
        flip_bit,     flip_bit,     edit_byte,   edit_byte,   insert_bytes,
        delete_bytes, repeat_chunk, set_integer, set_integer, join_two,
    };
    for (size_t n = 1 + pick(r, MAX_STACKED); n > 0; n--) {
        if (r->size == 0) {
            insert_bytes(r);
        } else if (pick(r, 64) == 0) {
            truncate_input(r);
        } else {
            changes[pick(r, sizeof changes / sizeof *changes)](r);
        }
    }
}

// One call, on an exact copy, so that a read past the end is seen.
static void run_one(runner *r)
{
    uint8_t *exact = malloc(r->size != 0 ? r->size : 1);
    if (exact == NULL || pwrite(r->file, r->data, r->size, 0) != (ssize_t)r->size ||
        ftruncate(r->file, (off_t)r->size) != 0) {
        die("cannot keep the input in", r->path);
    }
    memcpy(exact, r->data, r->size);
    alarm(r->options->timeout);
    LLVMFuzzerTestOneInput(exact, r->size);
    alarm(0);
    free(exact);
}

static void load_input(runner *r, size_t index)
{
    r->size = 0;
    if (index < r->corpus->n) {
        r->size = r->corpus->inputs[index].size;
        memcpy(r->data, r->corpus->inputs[index].data, r->size);
    }
}

static uint64_t run_all(runner *r)
{
    time_t begin = time(NULL);
    for (size_t i = 0; i <= r->corpus->n; i++) { // the last is the empty input
        load_input(r, i);
        run_one(r);
    }
    uint64_t done = 0;
    while (done < r->options->runs) {
        if (r->options->seconds != 0 && (uint64_t)(time(NULL) - begin) >= r->options->seconds) {
            break;
        }
        load_input(r, pick(r, r->corpus->n));
        mutate(r);
        run_one(r);
        done++;
    }
    return done;
}

static uint64_t number_after(const char *option, const char *text)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || *text < '0' || *text > '9' || *end != '\0' || errno != 0) {
        errno = 0;
        die("a number has to follow", option);
    }
    return value;
}

static void parse_arguments(char **argv, options *o, corpus *c)
{
    for (char **arg = argv + 1; *arg != NULL; arg++) {
        if (strcmp(*arg, "--runs") == 0) {
            o->runs = number_after(*arg, arg[1]), arg++;
        } else if (strcmp(*arg, "--seed") == 0) {
            o->seed = number_after(*arg, arg[1]), arg++;
        } else if (strcmp(*arg, "--seconds") == 0) {
            o->seconds = number_after(*arg, arg[1]), arg++;
        } else if (strcmp(*arg, "--timeout") == 0) {
            o->timeout = (unsigned)number_after(*arg, arg[1]), arg++;
        } else if ((*arg)[0] == '-') {
            errno = 0;
            die("unknown option", *arg);
        } else {
            add_path(c, *arg, 0);
        }
    }
    if (o->seconds != 0 && o->runs == 0) {
        o->runs = UINT64_MAX;
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    options o = {.seed = 1, .timeout = 60};
    corpus c = {0};
    parse_arguments(argv, &o, &c);
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash != NULL ? slash + 1 : argv[0];

    runner r = {.data = malloc(MAX_INPUT_BYTES), .random = o.seed, .corpus = &c, .options = &o};
    snprintf(r.path, sizeof r.path, "%s-%" PRIu64 ".input", name, o.seed);
    r.file = open(r.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (r.data == NULL || r.file < 0) {
        die("cannot create", r.path);
    }
    printf("%s: %zu inputs, seed %" PRIu64 "; the input of a failure stays in %s\n", name, c.n,
           o.seed, r.path);
    fflush(stdout);
    uint64_t done = run_all(&r);
    close(r.file);
    unlink(r.path);
    printf("%s: %zu inputs and %" PRIu64 " mutations passed\n", name, c.n + 1, done);
    for (size_t i = 0; i < c.n; i++) {
        free(c.inputs[i].data);
    }
    free(c.inputs);
    free(r.data);
    return 0;
}
